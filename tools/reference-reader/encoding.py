"""Bytes to fields (sections 1 and 2 of docs/format.md)."""

from primitives import Refused, aead_open, blake2b512, hmac256, hmac512, xchacha_open

# By suite: what expands a key, what opens a message, the length of its nonce.
SUITES = {1: (hmac512, aead_open, 12), 2: (blake2b512, xchacha_open, 24)}
DIGITS = "0123456789abcdefghijklmnopqrstuv"
MAX_TIME = 8_640_000_000_000_000


def need(holds, reason, code="INTEGRITY"):
    if not holds:
        raise Refused(reason, code)


def label(use):
    return b"securestore/1 " + use.encode() + b"\0"


def derive(key, use, context=b""):
    return hmac256(key, label(use) + context)


def framed(header):
    return len(header).to_bytes(2, "big") + header


def expand(suite, key, text):
    """The key and the commitment that a data key and a header give."""
    need(suite in SUITES, "a suite is unknown to this reader", "FORMAT_VERSION")
    t = SUITES[suite][0](key, text + b"\1")
    return t[:32], t[32:]


def open_chunk(suite, key, index, sealed):
    """A message under a key that has others under other numbers."""
    _, open_message, nonce_length = SUITES[suite]
    return open_message(key, index.to_bytes(nonce_length, "big"), sealed)


def open_once(suite, key, sealed):
    """The only message under its key."""
    need(suite in SUITES, "a suite is unknown to this reader", "FORMAT_VERSION")
    return open_chunk(suite, key, 0, sealed)


def b32(data):
    number, bits = int.from_bytes(data, "big"), len(data) * 8
    number <<= -bits % 5
    count = (bits + 4) // 5
    return "".join(DIGITS[(number >> 5 * (count - 1 - i)) & 31] for i in range(count))


def unb32(text):
    need(all(c in DIGITS for c in text), "base32hex has other characters")
    size = len(text) * 5 // 8
    number = int(text, 32) if text else 0
    data = (number >> (len(text) * 5 - size * 8)).to_bytes(size, "big")
    need(b32(data) == text, "base32hex has another spelling")
    return data


def num(value):
    return "".join(DIGITS[(value >> 5 * (10 - i)) & 31] for i in range(11))


def unnum(text):
    need(len(text) == 11 and all(c in DIGITS for c in text) and int(text, 32) < 1 << 53, "a number is none")
    return int(text, 32)


def utf8(data):
    try:
        return data.decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise Refused("text is not UTF-8") from None


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        need(self.at + count <= len(self.data), "it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def rest(self):
        return self.take(len(self.data) - self.at)

    def number(self, size):
        value = int.from_bytes(self.take(size), "big")
        need(size < 8 or value < 1 << 53, "a number is too large")
        return value

    def time(self):
        value = self.number(8)
        need(value <= MAX_TIME, "a time is out of range")
        return value

    def flag(self):
        value = self.number(1)
        need(value in (0, 1), "a flag is neither set nor not")
        return value == 1

    def text(self, count):
        return utf8(self.take(count))

    def version(self):
        need(self.number(1) == 1, "it has another version", "FORMAT_VERSION")

    def start(self, magic):
        need(len(self.data) >= 5 and self.take(4) == magic, "it has another magic")
        self.version()

    def fields(self, end, known=()):
        fields, last = {}, 0
        while self.at < end:
            tag, critical = self.number(1), self.number(1)
            need(tag > last and critical in (0, 1), "its fields are out of order")
            last = tag
            need(not critical or tag in known, "it has an unknown critical field", "FORMAT_VERSION")
            size = self.number(2)
            need(self.at + size <= end, "a field is too long")
            fields[tag] = (critical, self.take(size))
        need(self.at == end, "its fields have the wrong length")
        return fields

    def field_area(self):
        length = self.number(2)
        need(self.at + length <= len(self.data), "its fields are too long")
        self.fields(self.at + length)

    def end(self):
        need(self.at == len(self.data), "it has bytes left over")
