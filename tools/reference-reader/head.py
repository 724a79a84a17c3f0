"""The head and what it is compared with (sections 7, 9 and 10.1)."""

import hashlib

from encoding import Reader, b32, label, need
from primitives import Refused, ed25519_verify


def read_slot(data):
    r = Reader(data)
    method = r.number(1)
    if method not in range(1, 8):
        return None
    slot = {"method": method, "id": r.take(16), "created": r.time(), "public": r.take(32)}
    if method <= 5:
        slot["salt"] = r.take(16)
    if method == 1:
        slot["argon2"] = (r.number(4), r.number(1), r.number(1))
    if method == 5:
        needed, count = r.number(1), r.number(1)
        need(2 <= needed <= count, "a slot needs an impossible number of shares")
        slot["scheme"], slot["tags"] = (needed, count), r.take(8 * count)
    if method == 7:
        length = r.number(1)
        need(length > 0, "a key wrapper has no name")
        slot["wrapper"] = r.text(length)
        length = r.number(2)
        need(1 <= length <= 2048, "a wrapped seed has an impossible length")
        slot["wrapped"] = r.take(length)
    if method <= 5:
        slot["bound"] = data[: r.at]
        slot["binding"] = r.take(32)
    slot["sealed"] = r.take(116)
    r.end()
    return slot


def read_slots(r):
    count = r.number(1)
    need(count <= 64, "there are too many slots")
    slots = [read_slot(r.take(r.number(2))) for _ in range(count)]
    known = [slot for slot in slots if slot is not None]
    need(sum(slot["method"] == 1 for slot in known) <= 8, "there are too many passphrases")
    need(len({slot["id"] for slot in known}) == len(known), "two slots have one id")
    return known


def read_references(r):
    references, last = {}, 0
    for _ in range(r.number(1)):
        kind = r.number(1)
        need(last < kind <= 6, "its references are out of order")
        last = kind
        name = r.take(r.number(1)).decode("latin-1")
        need(name and all(c in "abcdefghijklmnopqrstuvwxyz0123456789/.@~_-" for c in name), "a reference has no name")
        references[kind] = (name, r.take(32))
    need(not (5 in references and 6 in references), "the head has a checkpoint and a former one")
    return references


def parse(data):
    need(64 <= len(data) <= 65536, "the head has the wrong length")
    r = Reader(data[:-64])
    r.start(b"SSHD")
    head = {"lineage": r.take(16), "instance": r.take(16), "parent": (r.take(16), r.number(8))}
    head["generation"] = r.number(8)
    ancestors = r.number(1)
    need(ancestors == min(max(head["generation"] - 1, 0), 16), "the head tells of the wrong number of heads before it")
    head["ancestors"] = [r.take(32) for _ in range(ancestors)]
    head["time"], head["identity"] = r.time(), r.take(32)
    head["root number"] = r.number(4)
    head["state"], head["naming"] = r.number(1), r.number(1)
    need(1 <= head["state"] <= 5 and 1 <= head["naming"] <= 2, "the head has an unknown state or naming")
    suites = head["suites"] = list(r.take(r.number(1)))
    need(suites and suites == sorted(set(suites)), "its suites are out of order")
    head["floor"], head["history"] = r.number(8), (r.number(4), r.number(4))
    need(1 <= r.number(1) <= 2, "the head has an unknown journal mode")
    head["rotation days"] = r.number(4)
    depth = r.number(1)
    need(depth <= 3, "a rotation of an unknown depth is under way")
    head["rotation"] = (depth, r.take(16)) if depth else None
    head["references"] = read_references(r)
    head["slots"] = read_slots(r)
    r.field_area()
    r.end()
    return head


def read_head(data):
    head = parse(data)
    try:
        verified = ed25519_verify(head["identity"], label("head") + data[:-64], data[-64:])
    except Refused:
        verified = False
    need(verified, "the signature of the head does not match")
    head["fingerprint"] = hashlib.sha256(head["identity"]).digest()
    head["digest"] = hashlib.sha256(data[:-64]).digest()
    return head


def check_anchor(head, anchor):
    """What was remembered of the store outside of it."""
    need(b32(head["fingerprint"]) == anchor["fingerprint"], "it is another store than before", "ROLLBACK")
    generation = anchor["generation"]
    if head["instance"].hex() != anchor["instance"]:
        instance, parent = head["parent"]
        follows = instance.hex() == anchor["instance"] and parent >= generation
        need(follows, "it does not follow from the store before", "ROLLBACK")
        return
    need(head["generation"] >= generation, "its head is older than one before", "ROLLBACK")
    if "head" in anchor:
        heads = [head["digest"], *head["ancestors"]]
        distance = head["generation"] - generation
        told = distance >= len(heads) or heads[distance].hex() == anchor["head"]
        need(told, "its head does not follow from the one before", "ROLLBACK")
