"""The primitives that the format needs, for reading only, in plain Python: slow, and not hardened against side channels."""

import hashlib
import hmac
import struct
from functools import lru_cache

# Whoever reads many stores that differ in one byte computes the same over and over.
remembered = lru_cache(maxsize=4096)


class Refused(Exception):
    """Why something is not read, and the class of the failure: by default bytes that no holder of the keys made."""

    def __init__(self, reason, code="INTEGRITY"):
        super().__init__(reason)
        self.code = code


def hmac256(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def hmac512(key, message):
    return hmac.new(key, message, hashlib.sha512).digest()


# AES-256 (FIPS 197), the forward direction only: CTR and GCM need no other.


def _times2(a):
    return ((a << 1) ^ (0x11B if a & 0x80 else 0)) & 0xFF


def _make_sbox():
    box, p, q = [0x63] * 256, 1, 1
    while True:
        p ^= _times2(p)
        for shift in (1, 2, 4):
            q = (q ^ (q << shift)) & 0xFF
        if q & 0x80:
            q ^= 0x09
        turned = q
        for shift in (1, 2, 3, 4):
            turned ^= ((q << shift) | (q >> (8 - shift))) & 0xFF
        box[p] = turned ^ 0x63
        if p == 1:
            return bytes(box)


SBOX = _make_sbox()


def aes256(key):
    words = [list(key[i : i + 4]) for i in range(0, 32, 4)]
    rcon = 1
    for i in range(8, 60):
        word = list(words[i - 1])
        if i % 8 == 0:
            word = [SBOX[b] for b in word[1:] + word[:1]]
            word[0] ^= rcon
            rcon = _times2(rcon)
        elif i % 8 == 4:
            word = [SBOX[b] for b in word]
        words.append([a ^ b for a, b in zip(words[i - 8], word)])
    rounds = [sum(words[i : i + 4], []) for i in range(0, 60, 4)]

    def encrypt(block):
        state = [a ^ b for a, b in zip(block, rounds[0])]
        for number in range(1, 15):
            state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
            if number < 14:
                mixed = []
                for c in range(0, 16, 4):
                    column = state[c : c + 4]
                    total = column[0] ^ column[1] ^ column[2] ^ column[3]
                    mixed += [column[i] ^ total ^ _times2(column[i] ^ column[(i + 1) % 4]) for i in range(4)]
                state = mixed
            state = [a ^ b for a, b in zip(state, rounds[number])]
        return bytes(state)

    return encrypt


def _xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def aes256_ctr(key, counter, data):
    encrypt, start, out = aes256(key), int.from_bytes(counter, "big"), b""
    for i in range(0, len(data), 16):
        block = ((start + i // 16) % (1 << 128)).to_bytes(16, "big")
        out += _xor(data[i : i + 16], encrypt(block))
    return out


@remembered
def aead_open(key, nonce, sealed):
    """AES-256-GCM without associated data (NIST SP 800-38D)."""
    if len(sealed) < 16:
        raise Refused("too short for a tag")
    encrypt, data, tag = aes256(key), sealed[:-16], sealed[-16:]
    h = int.from_bytes(encrypt(bytes(16)), "big")

    def times_h(x):
        product, shifted = 0, h
        for bit in range(127, -1, -1):
            if (x >> bit) & 1:
                product ^= shifted
            shifted = (shifted >> 1) ^ (0xE1 << 120 if shifted & 1 else 0)
        return product

    state = 0
    for i in range(0, len(data), 16):
        state = times_h(state ^ int.from_bytes(data[i : i + 16].ljust(16, b"\0"), "big"))
    state = times_h(state ^ len(data) * 8)
    expected = _xor(state.to_bytes(16, "big"), encrypt(nonce + b"\0\0\0\1"))
    if not hmac.compare_digest(expected, tag):
        raise Refused("a tag does not match")
    return aes256_ctr(key, nonce + b"\0\0\0\2", data)


# X25519 (RFC 7748) and Ed25519 (RFC 8032).

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


@remembered
def x25519(scalar, point):
    k = int.from_bytes(scalar, "little") & ~7 & ~(1 << 255) | 1 << 254
    x1 = int.from_bytes(point, "little") % (1 << 255) % P
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for bit in range(254, -1, -1):
        if swap ^ ((k >> bit) & 1):
            x2, z2, x3, z3 = x3, z3, x2, z2
        swap = (k >> bit) & 1
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, d * a % P, c * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def _extended(point):
    """As x, y, z and t of RFC 8032, section 5.1.4, which are added without a division."""
    x, y = point
    return x, y, 1, x * y % P


def _affine(point):
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    return x * inverse % P, y * inverse % P


def _add(p, q):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = p, q
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _multiply(point, k):
    result, p = _extended((0, 1)), _extended(point)
    while k:
        if k & 1:
            result = _add(result, p)
        p, k = _add(p, p), k >> 1
    return result


def _point(text):
    number = int.from_bytes(text, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= P:
        raise Refused("no point of the curve")
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        raise Refused("no point of the curve")
    return (P - x if x & 1 != sign else x), y


def _text(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


BASE = _point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


@remembered
def ed25519_public(seed):
    scalar = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little") & ~7 & ~(1 << 255) | 1 << 254
    return _text(_affine(_multiply(BASE, scalar % (1 << 255))))


@remembered
def ed25519_verify(public, message, signature):
    s = int.from_bytes(signature[32:], "little")
    if s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    expected = _add(_extended(_point(signature[:32])), _multiply(_point(public), k))
    return _affine(_multiply(BASE, s)) == _affine(expected)


# The anonymous box of libsodium: X25519, HSalsa20, XSalsa20-Poly1305, BLAKE2b.


def _salsa20(key, middle, core):
    words = list(struct.unpack("<16I", b"expa" + key[:16] + b"nd 3" + middle + b"2-by" + key[16:] + b"te k"))
    x = list(words)

    def step(a, b, c, shift):
        total = (x[b] + x[c]) & 0xFFFFFFFF
        x[a] ^= ((total << shift) | (total >> (32 - shift))) & 0xFFFFFFFF

    columns = [(0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11)]
    rows = [(0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)]
    for _ in range(10):
        for a, b, c, d in columns + rows:
            step(b, a, d, 7)
            step(c, b, a, 9)
            step(d, c, b, 13)
            step(a, d, c, 18)
    if core:
        return struct.pack("<8I", *(x[i] for i in (0, 5, 10, 15, 6, 7, 8, 9)))
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(x, words)))


def _poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(data), 16):
        total = (total + int.from_bytes(data[i : i + 16] + b"\1", "little")) * r % ((1 << 130) - 5)
    return ((total + int.from_bytes(key[16:], "little")) % (1 << 128)).to_bytes(16, "little")


# Suite 2: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) and keyed BLAKE2b (RFC 7693).


def blake2b512(key, message):
    return hashlib.blake2b(message, key=key).digest()


def _chacha20(key, last, core):
    words = list(struct.unpack("<16I", b"expand 32-byte k" + key + last))
    x = list(words)

    def quarter(a, b, c, d):
        for target, source, other, shift in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[target] = (x[target] + x[source]) & 0xFFFFFFFF
            turned = x[other] ^ x[target]
            x[other] = ((turned << shift) | (turned >> (32 - shift))) & 0xFFFFFFFF

    columns = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
    diagonals = [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    for _ in range(10):
        for places in columns + diagonals:
            quarter(*places)
    if core:
        return struct.pack("<8I", *(x[:4] + x[12:]))
    return struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(x, words)))


@remembered
def xchacha_open(key, nonce, sealed):
    """XChaCha20-Poly1305 without associated data."""
    if len(sealed) < 16:
        raise Refused("too short for a tag")
    data, tag = sealed[:-16], sealed[-16:]
    own = _chacha20(key, nonce[:16], True)
    blocks = range(1 + (len(data) + 63) // 64)
    stream = [_chacha20(own, struct.pack("<I", i) + bytes(4) + nonce[16:], False) for i in blocks]
    padded = data + bytes(-len(data) % 16)
    if not hmac.compare_digest(_poly1305(stream[0][:32], padded + struct.pack("<QQ", 0, len(data))), tag):
        raise Refused("a tag does not match")
    return _xor(data, b"".join(stream[1:]))


@remembered
def sealed_box_open(sealed, public, private):
    ephemeral, tag, data = sealed[:32], sealed[32:48], sealed[48:]
    shared = x25519(private, ephemeral)
    if shared == bytes(32):
        raise Refused("a shared secret of zeros")
    nonce = hashlib.blake2b(ephemeral + public, digest_size=24).digest()
    key = _salsa20(_salsa20(shared, bytes(16), True), nonce[:16], True)
    blocks = range((32 + len(data) + 63) // 64)
    stream = b"".join(_salsa20(key, nonce[16:] + struct.pack("<Q", i), False) for i in blocks)
    if not hmac.compare_digest(_poly1305(stream[:32], data), tag):
        raise Refused("a box does not open")
    return _xor(data, stream[32:])
