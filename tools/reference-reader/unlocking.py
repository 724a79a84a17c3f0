"""From a secret to the root key (section 9)."""

import hashlib
import hmac

from argon2 import argon2id
from encoding import b32, derive, label, need
from primitives import Refused, hmac256, sealed_box_open, x25519

METHODS = {"passphrase": 1, "keyFile": 2, "rawKey": 3, "recoveryCode": 4, "shares": 5, "recipient": 6, "keyWrapper": 7}
UNBOUND = ("recipient", "keyWrapper")
BASE_POINT = (9).to_bytes(32, "little")
PRINTED = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MISREAD = {"O": "0", "I": "1", "L": "1"}


def invalid(holds, reason):
    need(holds, reason, "INVALID_ARGUMENT")


def printed_digits(data, count):
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)][:count]


def read_printed(kind, prefix, text, length):
    text = "".join(c for c in text if c not in " \t\r\n-").upper()
    invalid(text[:5] == prefix, f"this is no {kind}")
    digits = [PRINTED.find(MISREAD.get(c, c)) for c in text[5:]]
    invalid(len(digits) >= 4 and -1 not in digits, f"this has characters that no {kind} has")
    number, count = 0, len(digits) - 4
    for digit in digits[:-4]:
        number = number * 32 + digit
    spare = count * 5 - length * 8
    invalid(0 <= spare < 5 and number % (1 << spare) == 0, f"this {kind} has the wrong length")
    data = (number >> spare).to_bytes(length, "big")
    check = hashlib.sha256(label("printed " + kind) + data).digest()
    invalid(printed_digits(check, 4) == digits[-4:], f"this {kind} was mistyped")
    return data


def times(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def inverse(a):
    result = 1
    for _ in range(254):
        result = times(result, a)
    return result


def combine(points):
    """The values at 0 of the polynomials through the points."""
    secret = bytearray(32)
    for x, y in points:
        factor = 1
        for other, _ in points:
            if other != x:
                factor = times(factor, times(other, inverse(other ^ x)))
        for at in range(32):
            secret[at] ^= times(factor, y[at])
    return bytes(secret)


def read_shares(texts):
    shares = [read_printed("share", "SSSH1", text, 39) for text in texts]
    invalid(shares, "there are no shares")
    invalid(len({share[:6] for share in shares}) == 1, "the shares are of several sets")
    needed, count = shares[0][4], shares[0][5]
    invalid(2 <= needed <= count, "no set has such shares")
    invalid(all(1 <= share[38] <= count for share in shares), "no set has such a share")
    invalid(len({share[38] for share in shares}) == len(shares), "a share is there twice")
    invalid(len(shares) >= needed, "there are too few shares")
    return shares


def secret_of_shares(slot, shares):
    """What the shares of the slot among those given combine to; None where none is of the slot."""
    if (shares[0][4], shares[0][5]) != slot["scheme"]:
        return None

    def is_own(share):
        at = (share[38] - 1) * 8
        return hmac.compare_digest(derive(slot["salt"], "share tag", share)[:8], slot["tags"][at : at + 8])

    own = [share for share in shares if is_own(share)]
    if not own:
        return None
    needed = slot["scheme"][0]
    if len(own) < needed:
        names = ", ".join(str(at + 1) for at, share in enumerate(shares) if share not in own)
        raise Refused(f"of the shares that are given, these are none of the store: {names}", "UNLOCK_FAILED")
    return combine([(share[38], share[6:38]) for share in own[:needed]])


def secret_of(unlock):
    method = unlock["method"]
    if method == "passphrase":
        return unlock["text"].encode()
    if method == "recoveryCode":
        return read_printed("recovery code", "SSRC1", unlock["text"], 20)
    if method == "shares":
        return read_shares(unlock["texts"])
    if method == "recipient":
        return read_printed("identity", "SSID1", unlock["text"], 32)
    if method == "keyWrapper":
        return unlock["id"], unlock["wraps"]
    return bytes.fromhex(unlock["secret"])


def material_of(slot, secret):
    if slot["method"] != 1:
        return hmac256(slot["salt"], secret)
    memory, passes, lanes = slot["argon2"]
    limits = 19 * 1024 <= memory <= 1024 * 1024 and 1 <= passes <= 10 and 1 <= lanes <= 16
    need(limits, "the costs of a passphrase slot are out of range")
    return argon2id(secret, slot["salt"], memory, passes, lanes)


def private_from(material, place):
    return hashlib.sha512(derive(material, "slot seed", place)).digest()[:32]


def unwrap(slot, head, wrapper):
    """What a key wrapper gives: it has an id, and a list of what it unwraps, some of it in one context alone."""
    name, wraps = wrapper
    if slot["wrapper"] != name:
        return None
    fields = (("lineage", head["lineage"]), ("fingerprint", head["fingerprint"]), ("slot", slot["id"]))
    context = {field: b32(value) for field, value in fields}
    for known in wraps:
        if bytes.fromhex(known["wrapped"]) == slot["wrapped"] and known.get("context", context) == context:
            return bytes.fromhex(known["key"])
    return None


def unbound_private_of(slot, head, secret):
    if slot["method"] == METHODS["recipient"]:
        private = secret
    else:
        material = unwrap(slot, head, secret)
        if material is None or len(material) != 32:
            return None
        private = private_from(material, head["lineage"] + slot["id"])
    return private if x25519(private, BASE_POINT) == slot["public"] else None


def private_of(slot, head, secret):
    """The private key of a slot that the secret opens; None where it is another's."""
    if "binding" not in slot:
        return unbound_private_of(slot, head, secret)
    if slot["method"] == METHODS["shares"]:
        secret = secret_of_shares(slot, secret)
        if secret is None:
            return None
    material = material_of(slot, secret)
    place = head["lineage"] + slot["id"]
    binding = hmac256(derive(material, "slot binding", place), head["fingerprint"] + slot["bound"])
    return private_from(material, place) if hmac.compare_digest(binding, slot["binding"]) else None


def unlock_root(head, unlock, known):
    """`known` tells whether the fingerprint of the store was known before: nothing else tells it from an impostor's."""
    invalid(known or unlock["method"] not in UNBOUND, "this opens a store only where its fingerprint is known")
    secret = secret_of(unlock)
    refusal = Refused("the secret does not unlock the store", "UNLOCK_FAILED")
    for slot in head["slots"]:
        if slot["method"] != METHODS[unlock["method"]]:
            continue
        try:
            private = private_of(slot, head, secret)
        except Refused as error:
            if error.code != "UNLOCK_FAILED":
                raise
            refusal = error
            continue
        if private is None:
            continue
        box = sealed_box_open(slot["sealed"], x25519(private, BASE_POINT), private)
        place = head["lineage"] + slot["id"]
        need(box[:36] == place + head["root number"].to_bytes(4, "big"), "a slot holds the root of another place")
        return box[36:]
    raise refusal
