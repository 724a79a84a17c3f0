"""The store's own objects (section 8)."""

import hashlib

from encoding import Reader, derive, expand, framed, label, need, open_once, unnum
from names import check_pattern
from primitives import Refused, ed25519_public, ed25519_verify

TOKEN = "abcdefghijklmnopqrstuvwxyz0123456789/._~-"


def open_body(head, name, purpose, key_of, body):
    """`key_of` gives the purpose key and its suite (none where any will do) for a key id."""
    r = Reader(body)
    r.start(b"SSSY")
    suite, found, reserved = r.number(1), r.number(1), r.number(1)
    need(found == purpose and reserved == 0, "it is of another purpose")
    need(suite in head["suites"], "it is of a suite that the store does not accept")
    r.take(32)
    key_id, commitment = r.take(8), r.take(32)
    header, sealed = body[:48], r.rest()
    need(len(sealed) >= 16, "it ends too early")
    purpose_key, key_suite = key_of(key_id)
    need(key_suite in (None, suite), "its suite is not that of its key")
    generation = unnum(name[2:13]) if name[:2] in ("k/", "p/", "c/") and name[13:14] == "-" else 0
    context = head["instance"] + generation.to_bytes(8, "big") + framed(name.encode("ascii"))
    key = derive(purpose_key, "system key", header + context)
    own, committed = expand(suite, key, label("system") + framed(header))
    need(committed == commitment, "its commitment does not match")
    return open_once(suite, own, sealed)


def pinned(objects, head, kind):
    need(kind in head["references"], "the head does not name it")
    name, digest = head["references"][kind]
    need(name in objects, "what the head names is missing")
    need(hashlib.sha256(objects[name]).digest() == digest, "it is not what the head names")
    return name, objects[name]


def open_pinned(objects, head, kind, purpose_key):
    def key_of(key_id):
        need(not any(key_id), "it names a key version")
        return purpose_key, None

    name, body = pinned(objects, head, kind)
    return open_body(head, name, kind, key_of, body)


def read_version(r):
    version = {"id": r.take(8), "suite": r.number(1), "state": r.number(1), "created": r.time()}
    version["destroy at"], version["key"] = r.time(), r.take(32)
    destroyed = version["state"] == 4
    need(1 <= version["state"] <= 4 and destroyed != any(version["key"]), "a key version contradicts its state")
    need(not (destroyed and version["destroy at"]), "a destroyed key version is still to be destroyed")
    return version


def read_group(r):
    group = {"id": r.take(16), "kind": r.number(1), "digest": r.take(32)}
    need(1 <= group["kind"] <= 4, "a group of keys is of an unknown kind")
    versions = group["versions"] = [read_version(r) for _ in range(r.number(2))]
    primary = sum(version["state"] == 1 for version in versions)
    destroyed = bool(versions) and all(version["state"] == 4 for version in versions)
    need(primary == (0 if destroyed else 1), "a group has no primary key, or several")
    return group


def read_keyring(data, head):
    r = Reader(data)
    ring = {"root number": r.number(4), "seed": r.take(32), "names": r.take(32)}
    groups = ring["groups"] = [read_group(r) for _ in range(r.number(2))]
    r.field_area()
    r.end()
    ids = [group["id"] for group in groups]
    need(ids == sorted(set(ids)), "the groups of keys are out of order")
    versions = ring["versions"] = [(group, version) for group in groups for version in group["versions"]]
    need(len({version["id"] for _, version in versions}) == len(versions), "two key versions have one id")
    need(sum(group["kind"] == 2 for group in groups) == 1, "there is no group of the journal, or several")
    need(ring["root number"] == head["root number"], "the keyring belongs to another head")
    need(ed25519_public(ring["seed"]) == head["identity"], "the keyring belongs to another identity")
    accepted = all(version["state"] == 4 or version["suite"] in head["suites"] for _, version in versions)
    need(accepted, "a key is of a suite that the store does not accept")
    return ring


def read_category_map(data):
    r = Reader(data)
    count = r.number(2)
    need(1 <= count <= 1024, "there are no categories, or too many")
    categories = []
    for _ in range(count):
        category, size = r.take(16), r.number(1)
        need(1 <= size <= 64, "the name of a category has the wrong length")
        categories.append((category, r.text(size)))
    ids = {category for category, _ in categories}
    need(categories[0][1] == "default", "the first category is another")
    need(len(ids) == count == len({name for _, name in categories}), "a category is there twice")
    rules, count = [], r.number(2)
    need(count <= 4096, "there are too many rules")
    for _ in range(count):
        category, size = r.take(16), r.number(2)
        need(category in ids and 1 <= size <= 1024, "a rule names no category, or has no pattern")
        rules.append((r.text(size), category))
        check_pattern(rules[-1][0])
    r.end()
    return categories[0][0], [(pattern.split("/"), category) for pattern, category in rules]


def read_token(r):
    token = r.take(r.number(2)).decode("latin-1")
    need(1 <= len(token) <= 640 and all(c in TOKEN for c in token), "a token is none")
    return token


def ascending(items):
    need(items == sorted(set(items)), "entries are out of order")


def read_hint(r):
    need(len(r.data) <= 32768, "a hint is too long")
    r.version()
    kind = r.number(1)
    need(kind in (1, 2), "a hint is of an unknown kind")
    r.number(8)
    count = r.number(2)
    need((count > 0) == (kind == 1), "a hint has the wrong number of entries")
    for _ in range(count):
        read_token(r)
        r.take(16)


def read_writer(r):
    r.version()
    r.time()
    r.number(8)
    r.flag()


def read_consumer(r):
    need(len(r.data) <= 1048576, "a consumer is too long")
    r.version()
    size = r.number(1)
    need(1 <= size <= 64, "a label has the wrong length")
    r.text(size)
    r.time()
    r.number(8)
    expired, owed = r.flag(), r.number(1)
    need(owed <= 2, "it owes an unknown pass")
    cursors, pending = [], []
    for _ in range(r.number(4)):
        cursors.append(r.take(16))
        r.number(8)
        r.flag()
    for _ in range(r.number(4)):
        r.time()
        read_token(r)
        pending.append(r.take(16))
    ascending(cursors)
    ascending(pending)
    need(not expired or (owed == 2 and not cursors and not pending), "an expired consumer keeps its place")


def read_job(r):
    """Of jobs the specification tells when the store was collected last, and nothing else."""
    r.version()
    r.time()


def read_marker(r):
    need(r.number(1) in (1, 2), "the state of a marker is unknown")


def read_page(r):
    r.version()
    need(len(r.data) <= 262144, "a page is too long")
    tokens, count = [], r.number(4)
    need(count > 0, "a page is empty")
    for _ in range(count):
        tokens.append(read_token(r))
        need(1 <= r.number(1) <= 3, "an entry is of an unknown kind")
        r.number(8)
        r.take(37)
    ascending(tokens)
    return tokens


def read_checkpoint(r, head):
    r.version()
    need(len(r.data) <= 8387584, "a checkpoint is too long")
    instance = r.take(16)
    r.time()
    r.number(8)
    total, pages = sum(r.number(8) for _ in range(3)), []
    for _ in range(r.number(4)):
        pages.append((read_token(r), r.take(32), r.take(32), r.number(4)))
    ascending([page[0] for page in pages])
    need(all(page[3] for page in pages) and total == sum(page[3] for page in pages), "the totals are others")
    signed = r.data[: r.at]
    try:
        verified = ed25519_verify(head["identity"], label("checkpoint") + signed, r.take(64))
    except Refused:
        verified = False
    need(verified, "the signature of a checkpoint does not match")
    need(instance == head["instance"], "a checkpoint belongs to another store")
    return pages


def purpose_of(name):
    if name.startswith("c/"):
        return 8 if name[13:14] == "-" else 7
    return {"j": 3, "g": 9}.get(name[0]) or {"writer": 4, "consumer": 5, "job": 6, "collected": 6}[name.split("/")[1]]


READERS = {3: read_hint, 4: read_writer, 5: read_consumer, 6: read_job, 7: read_page, 9: read_marker}
