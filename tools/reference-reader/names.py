"""Names of objects, what they are called at the backend, and patterns (sections 3, 5 and 8.2)."""

import unicodedata

from encoding import b32, derive, need, unb32, utf8
from primitives import Refused, aes256_ctr, hmac256

PLAIN = "abcdefghijklmnopqrstuvwxyz0123456789"


def check_key(key, code="INVALID_KEY"):
    try:
        size = len(key.encode("utf-8"))
    except UnicodeEncodeError:
        raise Refused("a name has a lone surrogate", code) from None
    need(1 <= size <= 1024, "a name has the wrong length", code)
    need(all(part not in ("", ".", "..") for part in key.split("/")), "a name has a segment that is none", code)
    need(not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in key), "a name has a control character", code)
    need(unicodedata.normalize("NFC", key) == key, "a name is not in normal form", code)


def escape(segment):
    return "".join(chr(byte) if chr(byte) in PLAIN else f"_{byte:02x}" for byte in segment)


def unescape(token):
    data, at = bytearray(), 0
    while at < len(token):
        size = 3 if token[at] == "_" else 1
        piece = token[at : at + size]
        try:
            data.append(int(piece[1:], 16) if size == 3 else ord(piece))
        except ValueError:
            raise Refused("an escape is none") from None
        at += size
    need(escape(data) == token and data and b"/" not in data, "a token has another spelling")
    utf8(bytes(data))
    return bytes(data)


class Names:
    def __init__(self, name_key, head):
        self.mac, self.enc = derive(name_key, "name mac"), derive(name_key, "name encryption")
        self.root, self.plain = head["lineage"], head["naming"] == 2

    def synthetic(self, parent, segment):
        return hmac256(self.mac, parent + segment)[:16]

    def locate(self, key):
        """Token and name id."""
        token, shows, parent = "", True, self.root
        for text in key.split("/"):
            segment = text.encode()
            own = self.synthetic(parent, segment)
            if shows:
                part = escape(segment) if self.plain else b32(own + aes256_ctr(self.enc, own, segment))
                longer = token + ("/" if token else "") + part
                shows = len(part) <= 200 and len(longer) <= 600
                token = longer if shows else token
            parent = own
        if not shows:
            token += ("/" if token else "") + "~" + b32(parent)
        return token, parent

    def open(self, token):
        """The name, or nothing where only the record tells it."""
        parts = token.split("/")
        hidden = parts[-1].startswith("~")
        need(len("/".join(parts[:-1]) if hidden else token) <= 600, "a token is too long")
        parent, segments = self.root, []
        for own in parts[:-1] if hidden else parts:
            need(0 < len(own) <= 200, "a segment of a token has the wrong length")
            if self.plain:
                segment = unescape(own)
                parent = self.synthetic(parent, segment)
            else:
                data = unb32(own)
                need(len(data) > 16, "a token is no name")
                segment = aes256_ctr(self.enc, data[:16], data[16:])
                need(self.synthetic(parent, segment) == data[:16], "a token is no name of this store")
                parent = data[:16]
            segments.append(utf8(segment))
        return None if hidden else "/".join(segments)


def check_pattern(pattern):
    check_key(pattern, "INTEGRITY")
    parts = pattern.split("/")
    need(all(part == "**" or "**" not in part for part in parts), "a pattern has ** beside other text")
    need(all(pair != ("**", "**") for pair in zip(parts, parts[1:])), "a pattern repeats **")


def fits(pattern, text):
    """One segment, in which * is any text."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(fits(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return text[:1] == pattern[0] and fits(pattern[1:], text[1:])


def matches(parts, segments):
    if not parts:
        return not segments
    if parts[0] == "**":
        least = 1 if len(parts) == 1 else 0
        return any(matches(parts[1:], segments[at:]) for at in range(least, len(segments) + 1))
    return bool(segments) and fits(parts[0], segments[0]) and matches(parts[1:], segments[1:])
