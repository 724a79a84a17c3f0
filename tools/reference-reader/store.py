"""Opening a store and reading its objects (sections 6 and 10)."""

import hashlib
import json

import own
from encoding import Reader, b32, derive, expand, framed, label, need, num, open_chunk, open_once, unb32, unnum
from head import check_anchor, read_head
from names import Names, check_key, matches
from primitives import Refused, hmac256
from unlocking import unlock_root

NOT_FOUND = "NOT_FOUND"
TOMBSTONE_LENGTH = 226


def check_origin(origin, version, before):
    fits = origin < version if any(before) else origin == version
    need(fits, "the beginning of its history contradicts its header")


def read_header(data):
    r = Reader(data)
    r.start(b"SSRC")
    h = {"suite": r.number(1), "kind": r.number(1), "reserved": r.number(1)}
    length = r.number(2)
    need(h["reserved"] == 0 and length >= 106 and h["kind"] in (1, 2, 3), "its header is wrong")
    h["lineage"], h["name id"], h["category"] = r.take(16), r.take(16), r.take(16)
    h["version"], h["commit"], h["before"], h["generation"] = r.number(8), r.take(16), r.take(16), r.number(8)
    need(any(h["commit"]) and length <= len(data), "its header is wrong")
    fields = r.fields(length, known=(1,))
    need(h["kind"] != 2 or not fields, "a tombstone has no fields")
    if 1 in fields:
        critical, value = fields[1]
        need(critical and len(value) == 28 and h["kind"] == 1, "its reference to a blob is wrong")
        reference = Reader(value)
        h["blob"] = (reference.take(16), reference.number(4), reference.number(8))
    h["bytes"] = data[:length]
    return h, r


def read_body(data, h):
    body = Reader(data)
    size = body.number(2)
    need(1 <= size <= 1024, "its name has the wrong length")
    info = {"name": body.text(size), "created": body.time(), "modified": body.time(), "expires": body.time()}
    info["origin"], info["size"] = body.number(8), body.number(8)
    body.take(32)
    size = body.number(4)
    need(size <= 65536, "its metadata is too long")
    info["metadata bytes"] = body.take(size)
    body.field_area()
    kind = body.number(1)
    need(kind in (0, 1), "its kind of payload is unknown")
    if kind == 0:
        info["inline"] = body.rest()
        need(len(info["inline"]) == info["size"] <= 65536, "its payload has the wrong length")
    else:
        info["blob"] = (body.number(1), body.take(32), body.number(4))
    body.end()
    check_origin(info["origin"], h["version"], h["before"])
    need(("blob" in info) == ("blob" in h), "it contradicts itself about its blob")
    return info


def metadata_of(data):
    if not data:
        return {}
    try:
        value = json.loads(data.decode("utf-8", "strict"))
    except ValueError:
        value = None
    need(isinstance(value, dict), "its metadata is no JSON object")
    return value


class Store:
    def __init__(self, objects, unlock, fingerprint=None, anchor=None):
        self.objects = objects
        need("store" in objects, "the head is missing", "INTEGRITY" if objects else NOT_FOUND)
        head = self.head = read_head(objects["store"])
        need(fingerprint in (None, b32(head["fingerprint"])), "it is another store than pinned")
        if anchor is not None:
            check_anchor(head, anchor)
        root = unlock_root(head, unlock, fingerprint is not None or anchor is not None)
        need(head["state"] not in (4, 5), "the store has moved, or is one of a drill", "LOCKED")
        ring = own.read_keyring(own.open_pinned(objects, head, 1, derive(root, "keyring")), head)
        self.versions = {version["id"]: (group, version) for group, version in ring["versions"]}
        category_map = own.open_pinned(objects, head, 2, derive(ring["names"], "category map"))
        self.default, self.rules = own.read_category_map(category_map)
        self.names = Names(ring["names"], head)

    def category_of(self, key):
        segments = key.split("/")
        found = (category for parts, category in self.rules if matches(parts, segments))
        return next(found, self.default)

    def key_of(self, key_id, category):
        group, version = self.versions.get(key_id, (None, None))
        need(group and group["kind"] == 1 and group["id"] == category, "its category has no such key version")
        unusable = version["state"] == 4 or version["destroy at"]
        need(not unusable, "its key version is destroyed, or is to be", "KEY_DESTROYED")
        need(version["state"] != 3, "its key version is disabled")
        return version

    def open_record(self, data, name_id, key=None):
        """Header and body; without `key` the body tells the name. Of a tombstone there is no body but its origin."""
        h, r = read_header(data)
        key_id, commitment, wrapped, sealed = r.take(8), r.take(32), r.take(48), r.rest()
        need(len(sealed) >= 16 and (h["kind"] != 2 or len(sealed) == 32), "it has the wrong length")
        need(h["name id"] == name_id and h["lineage"] == self.head["lineage"], "it belongs to another name or store")
        need(h["kind"] != 3 and h["suite"] in self.head["suites"], "it is no object, or of a suite that is not accepted")
        need(key is None or self.category_of(key) == h["category"], "its category is not that of its name")
        version = self.key_of(key_id, h["category"])
        need(version["suite"] == h["suite"], "its suite is not that of its key version")
        header = framed(h["bytes"])
        dek = open_once(h["suite"], hmac256(version["key"], label("wrap") + header + commitment), wrapped)
        opened, committed = expand(h["suite"], dek, label("record") + header)
        need(committed == commitment, "its commitment does not match")
        body = open_once(h["suite"], opened, sealed)
        if h["kind"] == 2:
            r = Reader(body)
            r.time()
            origin = r.number(8)
            r.end()
            check_origin(origin, h["version"], h["before"])
            return h, {"origin": origin}
        info = read_body(body, h)
        need("blob" not in info or info["blob"][0] in self.head["suites"], "its blob is of a suite that is not accepted")
        need(key in (None, info["name"]), "it holds another name")
        return h, info

    def find(self, key, version=None):
        check_key(key)
        token, name_id = self.names.locate(key)
        current = None
        if "o/" + token in self.objects:
            current = self.open_record(self.objects["o/" + token], name_id, key)
        if version is None:
            need(current, "there is no object", NOT_FOUND)
            return token, current
        try:
            number = unnum(version[:11])
            need(len(version) == 20 and version[11] == "-" and len(unb32(version[12:])) == 5, "it is no version")
        except Refused:
            raise Refused("that is no version", "INVALID_ARGUMENT") from None
        if not current or current[0]["version"] != number:
            need(not current or number >= current[1]["origin"], "the version was purged", NOT_FOUND)
            name = f"h/{token}./@{num((1 << 53) - 1 - number)}"
            need(name in self.objects, "there is no such version", NOT_FOUND)
            current = self.open_record(self.objects[name], name_id, key)
            need(current[0]["version"] == number, "a version lies under the number of another")
        need(b32(current[0]["commit"][:5]) == version[12:], "there is no such version", NOT_FOUND)
        return token, current

    def retrieve(self, key, version=None):
        """What is known of an object, and its payload in pieces, each of which has been authenticated."""
        token, (h, info) = self.find(key, version)
        need(h["kind"] == 1, "the object was deleted", NOT_FOUND)
        info["metadata"] = metadata_of(info.pop("metadata bytes"))
        return h, info, self.blob(token, h, info) if "blob" in info else iter([info["inline"]])

    def blob(self, token, h, info):
        blob_id, part_size, sealed_length = h["blob"]
        suite, key, chunk_size = info["blob"]
        size, sealed = info["size"], chunk_size + 16
        need(4096 <= chunk_size <= 1 << 20 and chunk_size & (chunk_size - 1) == 0, "its chunks have an impossible size")
        need(sealed <= part_size <= (8 << 20) - 60 and part_size % sealed == 0, "its parts have an impossible size")
        chunks = size // chunk_size + 1
        need(chunks <= 1 << 32 and sealed_length == 60 + size + 16 * chunks, "the length of its blob is wrong")
        header = b"SSBL\1" + bytes([suite]) + b"\0\0" + chunk_size.to_bytes(4, "big") + blob_id
        opened, committed = expand(suite, key, label("blob") + framed(header))
        left, index = sealed_length - 60, 0
        for number in range(-(-left // part_size)):
            part = self.objects.get(f"b/{token}./@{b32(blob_id)}/{number:08x}")
            before = 60 if number == 0 else 0
            length = min(part_size, left)
            need(part is not None and len(part) == before + length, "a part is missing, or has the wrong length")
            need(part[:before] == (header + committed)[:before], "the blob is another")
            for at in range(before, before + length, sealed):
                yield open_chunk(suite, opened, index, part[at : at + sealed])
                index += 1
            left -= length

    def list(self):
        found = []
        for name in sorted(name for name in self.objects if name.startswith("o/")):
            token, data = name[2:], self.objects[name]
            key = self.names.open(token)
            if len(data) == TOMBSTONE_LENGTH:
                continue
            if key is None:
                h, info = self.open_record(data, read_header(data)[0]["name id"])
                key = info["name"]
                check_key(key, "INTEGRITY")
                need(self.names.locate(key) == (token, h["name id"]), "it belongs to another name")
                need(self.category_of(key) == h["category"], "its category is not that of its name")
            check_key(key, "INTEGRITY")
            found.append(key)
        return sorted(found, key=lambda key: key.encode())

    def journal_key(self, key_id):
        group, version = self.versions.get(key_id, (None, None))
        usable = group and group["kind"] == 2 and version["state"] in (1, 2) and not version["destroy at"]
        need(usable, "it names no version of the journal key")
        return version["key"], version["suite"]

    def open_journal(self, name, purpose, body):
        try:
            return own.open_body(self.head, name, purpose, self.journal_key, body)
        except Refused as refusal:
            # Nothing has authenticated what such an object says of its own version.
            raise Refused(str(refusal)) from None

    def checkpoint(self):
        name, body = own.pinned(self.objects, self.head, 5 if 5 in self.head["references"] else 6)
        plain = self.open_journal(name, 8, body)
        r = Reader(plain)
        pages = own.read_checkpoint(r, self.head)
        r.end()
        return plain, pages

    def page(self, name):
        pages = self.checkpoint()[1]
        place = [number for number, page in enumerate(pages) if "c/" + b32(page[1]) == name]
        need(place and name in self.objects, "the checkpoint has no such page")
        first, page_id, digest, count = pages[place[0]]
        body = self.objects[name]
        need(hashlib.sha256(body).digest() == digest, "a page is not what the checkpoint names")
        plain = self.open_journal(name, 7, body)
        key, _ = self.journal_key(body[40:48])
        need(derive(key, "checkpoint page", plain) == page_id, "a page has another name")
        r = Reader(plain)
        tokens = own.read_page(r)
        r.end()
        after = pages[place[0] + 1][0] if place[0] + 1 < len(pages) else None
        need(len(tokens) == count and tokens[0] == first and (after is None or tokens[-1] < after), "a page is another")
        return plain

    def own(self, name):
        """The plaintext of an object of the store's own, found to be one."""
        purpose = own.purpose_of(name)
        if purpose == 8:
            return self.checkpoint()[0]
        if purpose == 7:
            return self.page(name)
        need(name in self.objects, "it is not there", NOT_FOUND)
        plain = self.open_journal(name, purpose, self.objects[name])
        r = Reader(plain)
        own.READERS[purpose](r)
        r.end()
        return plain
