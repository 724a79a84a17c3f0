"""Reads a store of the securestore format, version 1, from docs/format.md alone.

    python3 reader.py HEX-OF-SECRET [rawKey | keyFile | passphrase | shares | recipient] [FINGERPRINT] < objects.json

`objects.json` maps backend names to bodies in hexadecimal. Prints every current object as JSON, payloads in hexadecimal;
anything that is not right ends with its class on standard error and the exit code 5. A passphrase takes minutes: Argon2 is in
plain Python, too. Of shares the secret is their texts, one on each line. Of an identity, a recipient, the secret is its text (`SSID1-…`), and it opens a store only where the
fingerprint is given. A key wrapper is code of its user's: none is to be had here, but the vectors bring theirs.
"""

import json
import sys

from primitives import Refused
from store import Store


def describe(store, key):
    h, info, pieces = store.retrieve(key)
    known = {name: info[name] for name in ("name", "created", "modified", "expires", "metadata")}
    payload = b"".join(pieces)
    return {**known, "version": h["version"], "commit": h["commit"].hex(), "payload": payload.hex()}


def unlock_of(secret, method="rawKey"):
    text = bytes.fromhex(secret).decode() if method in ("passphrase", "shares", "recipient") else None
    return {"method": method, "secret": secret, "text": text, "texts": (text or "").splitlines()}


def main():
    objects = {name: bytes.fromhex(body) for name, body in json.load(sys.stdin).items()}
    try:
        store = Store(objects, unlock_of(*sys.argv[1:3]), *sys.argv[3:4])
        print(json.dumps([describe(store, key) for key in store.list()]))
        check_tombstones(store)
    except Refused as refusal:
        print(f"{refusal.code}: {refusal}", file=sys.stderr)
        sys.exit(5)


def check_tombstones(store):
    """A listing passes over what was deleted."""
    for name, body in store.objects.items():
        key = store.names.open(name[2:]) if name.startswith("o/") and len(body) == 226 else None
        if key is not None:
            store.find(key)


if __name__ == "__main__":
    main()
