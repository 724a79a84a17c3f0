"""Reads a store of the securestore format, version 1, from docs/format.md alone.

    python3 reader.py HEX-OF-SECRET [FINGERPRINT] < objects.json

`objects.json` maps backend names to bodies in hexadecimal. Prints every current object as JSON, payloads in hexadecimal;
anything that is not right ends with an error and the exit code 5. The secret is that of a slot, or an identity's private
key: by that a store is opened only where its fingerprint is given. Stores that open by a passphrase can't be read: Python's
own library has no Argon2. Nor can those that open by a key wrapper alone.
"""

import hashlib
import hmac
import json
import sys

from primitives import (
    Damaged,
    aead_open,
    aes256_ctr,
    blake2b512,
    ed25519_public,
    ed25519_verify,
    hmac256,
    hmac512,
    sealed_box_open,
    x25519,
    xchacha_open,
)

# By suite: what expands a key, what opens a message, the length of its nonce.
SUITES = {1: (hmac512, aead_open, 12), 2: (blake2b512, xchacha_open, 24)}
DIGITS = "0123456789abcdefghijklmnopqrstuv"
MAX_TIME = 8_640_000_000_000_000


def label(use):
    return b"securestore/1 " + use.encode() + b"\0"


def derive(key, use, context=b""):
    return hmac256(key, label(use) + context)


def need(holds, reason):
    if not holds:
        raise Damaged(reason)


def expand(suite, key, text):
    """The key and the commitment that a data key and a header give."""
    t = SUITES[suite][0](key, text + b"\1")
    return t[:32], t[32:]


def open_chunk(suite, key, index, sealed):
    """A message under a key that has others under other numbers."""
    _, open_message, nonce_length = SUITES[suite]
    return open_message(key, index.to_bytes(nonce_length, "big"), sealed)


def open_once(suite, key, sealed):
    """The only message under its key."""
    return open_chunk(suite, key, 0, sealed)


def b32(data):
    number, bits = int.from_bytes(data, "big"), len(data) * 8
    number <<= -bits % 5
    count = (bits + 4) // 5
    return "".join(DIGITS[(number >> 5 * (count - 1 - i)) & 31] for i in range(count))


def unb32(text):
    need(all(c in DIGITS for c in text), "a token has other characters")
    size = len(text) * 5 // 8
    number = int(text, 32) if text else 0
    data = (number >> (len(text) * 5 - size * 8)).to_bytes(size, "big")
    need(b32(data) == text, "a token has another spelling")
    return data


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        need(self.at + count <= len(self.data), "it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size):
        value = int.from_bytes(self.take(size), "big")
        need(size < 8 or value < 1 << 53, "a number is too large")
        return value

    def time(self):
        value = self.number(8)
        need(value <= MAX_TIME, "a time is out of range")
        return value

    def text(self, count):
        return self.take(count).decode("utf-8", "strict")

    def start(self, magic):
        need(self.take(4) == magic, "it has another magic")
        need(self.number(1) == 1, "it has another format version")

    def fields(self, end):
        fields, last = {}, 0
        while self.at < end:
            tag, critical = self.number(1), self.number(1)
            need(tag > last and critical in (0, 1), "its fields are out of order")
            last = tag
            fields[tag] = (critical, self.take(self.number(2)))
        need(self.at == end, "its fields have the wrong length")
        return fields

    def field_area(self):
        length = self.number(2)
        for critical, _ in self.fields(self.at + length).values():
            need(not critical, "it has an unknown critical field")

    def end(self):
        need(self.at == len(self.data), "it has bytes left over")


def check_origin(origin, version, before):
    fits = origin < version if any(before) else origin == version
    need(fits, "the beginning of its history contradicts its header")


def read_slot(data):
    r = Reader(data)
    method = r.number(1)
    if method not in range(1, 8):
        return None
    slot = {"method": method, "id": r.take(16), "created": r.time(), "public": r.take(32)}
    if method <= 5:
        slot["salt"] = r.take(16)
    if method == 1:
        r.take(6)
    if method == 5:
        needed, count = r.number(1), r.number(1)
        need(2 <= needed <= count, "a slot needs an impossible number of shares")
    if method == 7:
        length = r.number(1)
        need(length > 0, "a key wrapper has no name")
        r.text(length)
        length = r.number(2)
        need(1 <= length <= 2048, "a wrapped seed has an impossible length")
        r.take(length)
    if method <= 5:
        slot["bound"] = data[: r.at]
        slot["binding"] = r.take(32)
    slot["sealed"] = r.take(116)
    r.end()
    return slot


def read_head(data):
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
    need(all(suite in SUITES for suite in suites), "the store accepts a suite that this reader does not know")
    head["floor"], head["history"] = r.number(8), (r.number(4), r.number(4))
    need(1 <= r.number(1) <= 2, "the head has an unknown journal mode")
    head["rotation days"] = r.number(4)
    depth = r.number(1)
    need(depth <= 3, "a rotation of an unknown depth is under way")
    head["rotation"] = (depth, r.take(16)) if depth else None
    references, last = {}, 0
    for _ in range(r.number(1)):
        kind = r.number(1)
        need(last < kind <= 6, "its references are out of order")
        last = kind
        references[kind] = (r.take(r.number(1)).decode("ascii"), r.take(32))
    need(not (5 in references and 6 in references), "the head has a checkpoint and a former one")
    head["references"] = references
    head["slots"] = [read_slot(r.take(r.number(2))) for _ in range(r.number(1))]
    r.field_area()
    r.end()
    need(ed25519_verify(head["identity"], label("head") + r.data, data[-64:]), "the signature does not match")
    head["fingerprint"] = hashlib.sha256(head["identity"]).digest()
    return head


BASE_POINT = (9).to_bytes(32, "little")


def private_of(slot, head, secret, known):
    """The private key of a slot that the secret opens; None where it is another's."""
    if slot["method"] == 6:
        if x25519(secret, BASE_POINT) != slot["public"]:
            return None
        need(known, "a store is opened by an identity only where its fingerprint is known")
        return secret
    material = hmac256(slot["salt"], secret)
    place = head["lineage"] + slot["id"]
    binding = hmac256(derive(material, "slot binding", place), head["fingerprint"] + slot["bound"])
    if not hmac.compare_digest(binding, slot["binding"]):
        return None
    return hashlib.sha512(derive(material, "slot seed", place)).digest()[:32]


def unlock(head, secret, known):
    for slot in head["slots"]:
        if slot is None or slot["method"] in (1, 7):
            continue
        private = private_of(slot, head, secret, known)
        if private is None:
            continue
        place = head["lineage"] + slot["id"]
        box = sealed_box_open(slot["sealed"], x25519(private, BASE_POINT), private)
        need(box[:36] == place + head["root number"].to_bytes(4, "big"), "a slot holds the root of another place")
        return box[36:]
    raise Damaged("the secret does not unlock the store")


def open_system(objects, head, kind, purpose_key):
    name, digest = head["references"][kind]
    body = objects[name]
    need(hashlib.sha256(body).digest() == digest, "an object is not the one that the head names")
    r = Reader(body)
    r.start(b"SSSY")
    suite, purpose, reserved = r.number(1), r.number(1), r.number(1)
    need(suite in head["suites"] and purpose == kind and reserved == 0, "it is of another purpose")
    header, commitment = body[:48], body[48:80]
    generation = int(name[2:13], 32).to_bytes(8, "big")
    context = head["instance"] + generation + len(name).to_bytes(2, "big") + name.encode("ascii")
    key = derive(purpose_key, "system key", header + context)
    own, committed = expand(suite, key, label("system") + (48).to_bytes(2, "big") + header)
    need(committed == commitment, "a commitment does not match")
    return open_once(suite, own, body[80:])


def read_keyring(data, head):
    r = Reader(data)
    ring = {"root number": r.number(4), "seed": r.take(32), "names": r.take(32), "versions": {}}
    for _ in range(r.number(2)):
        group, kind = r.take(16), r.number(1)
        r.take(32)
        for _ in range(r.number(2)):
            key_id, suite, state, _, destroy_at = r.take(8), r.number(1), r.number(1), r.time(), r.time()
            need(state != 4 or destroy_at == 0, "a destroyed key version is still to be destroyed")
            need(key_id not in ring["versions"], "two key versions have one id")
            usable = state in (1, 2) and destroy_at == 0
            ring["versions"][key_id] = (group if kind == 1 else None, suite, usable, r.take(32))
    r.field_area()
    r.end()
    need(ring["root number"] == head["root number"], "the keyring belongs to another head")
    need(ed25519_public(ring["seed"]) == head["identity"], "the keyring belongs to another identity")
    return ring


class Store:
    def __init__(self, objects, secret, fingerprint=None):
        self.objects = objects
        self.head = read_head(objects["store"])
        need(fingerprint in (None, b32(self.head["fingerprint"])), "it is another store than the pinned one")
        root = unlock(self.head, secret, fingerprint is not None)
        ring = read_keyring(open_system(objects, self.head, 1, derive(root, "keyring")), self.head)
        self.versions = ring["versions"]
        open_system(objects, self.head, 2, derive(ring["names"], "category map"))
        self.name_mac = derive(ring["names"], "name mac")
        self.name_enc = derive(ring["names"], "name encryption")

    def open_token(self, token):
        need(self.head["naming"] == 1, "this reader knows encrypted names only")
        parent, segments = self.head["lineage"], []
        for own in token.split("/"):
            data = unb32(own)
            need(len(data) > 16 and len(own) <= 200, "a token is no name")
            segment = aes256_ctr(self.name_enc, data[:16], data[16:])
            need(hmac256(self.name_mac, parent + segment)[:16] == data[:16], "a token is no name of this store")
            parent = data[:16]
            segments.append(segment.decode("utf-8", "strict"))
        return "/".join(segments), parent

    def read_record(self, token):
        name, name_id = self.open_token(token)
        data = self.objects["o/" + token]
        r = Reader(data)
        r.start(b"SSRC")
        suite, kind, reserved, length = r.number(1), r.number(1), r.number(1), r.number(2)
        need(reserved == 0 and length >= 106 and kind in (1, 2), "its header is wrong")
        lineage, found, category = r.take(16), r.take(16), r.take(16)
        need(found == name_id and lineage == self.head["lineage"], "it belongs to another name or store")
        version, commit, before, _ = r.number(8), r.take(16), r.take(16), r.number(8)
        fields = r.fields(length)
        blob = fields.pop(1, None)
        need(not any(critical for critical, _ in fields.values()), "it has an unknown critical field")
        header = data[:length]
        key_id, commitment, wrapped = r.take(8), r.take(32), r.take(48)
        group, key_suite, usable, key = self.versions[key_id]
        need(suite in self.head["suites"], "it is of a suite that the store does not accept")
        need(group == category and key_suite == suite and usable, "its key version is another, or not to be used")
        framed = length.to_bytes(2, "big") + header
        dek = open_once(suite, hmac256(key, label("wrap") + framed + commitment), wrapped)
        own, committed = expand(suite, dek, label("record") + framed)
        need(committed == commitment, "its commitment does not match")
        body = Reader(open_once(suite, own, data[r.at :]))
        if kind == 2:
            body.time()
            check_origin(body.number(8), version, before)
            body.end()
            return None
        need(body.text(body.number(2)) == name, "it holds another name")
        info = {"name": name, "version": version, "commit": commit.hex()}
        info["created"], info["modified"], info["expires"] = body.time(), body.time(), body.time()
        check_origin(body.number(8), version, before)
        size = body.number(8)
        body.take(32)
        info["metadata"] = json.loads(body.take(body.number(4)) or b"{}")
        body.field_area()
        inline = body.number(1) == 0
        need(inline == (blob is None), "it contradicts itself about its blob")
        if inline:
            payload = body.take(size)
        else:
            blob_suite, blob_key, chunk_size = body.number(1), body.take(32), body.number(4)
            need(blob_suite in self.head["suites"], "its blob is of a suite that the store does not accept")
            payload = self.read_blob(token, blob[1], blob_suite, blob_key, chunk_size, size)
        body.end()
        return {**info, "payload": payload.hex()}

    def read_blob(self, token, reference, suite, key, chunk_size, size):
        blob_id = reference[:16]
        part_size, sealed_length = int.from_bytes(reference[16:20], "big"), int.from_bytes(reference[20:], "big")
        chunks = size // chunk_size + 1
        need(sealed_length == 60 + size + 16 * chunks, "the length of its blob is wrong")
        header = b"SSBL\1" + bytes([suite]) + b"\0\0" + chunk_size.to_bytes(4, "big") + blob_id
        own, committed = expand(suite, key, label("blob") + (28).to_bytes(2, "big") + header)
        parts = -(-(sealed_length - 60) // part_size)
        stored = b"".join(self.objects[f"b/{token}./@{b32(blob_id)}/{number:08x}"] for number in range(parts))
        need(stored[:60] == header + committed and len(stored) == sealed_length, "the blob is another")
        payload = b""
        for index in range(chunks):
            at = 60 + index * (chunk_size + 16)
            payload += open_chunk(suite, own, index, stored[at : at + chunk_size + 16])
        return payload


def main():
    objects = {name: bytes.fromhex(body) for name, body in json.load(sys.stdin).items()}
    try:
        store = Store(objects, bytes.fromhex(sys.argv[1]), *sys.argv[2:3])
        tokens = sorted(name[2:] for name in objects if name.startswith("o/"))
        records = [store.read_record(token) for token in tokens]
        print(json.dumps([record for record in records if record is not None]))
    except (Damaged, KeyError, UnicodeDecodeError) as error:
        print(f"the store is damaged: {error}", file=sys.stderr)
        sys.exit(5)


if __name__ == "__main__":
    main()
