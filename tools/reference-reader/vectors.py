"""Runs the published vectors.

    python3 vectors.py ../../packages/core-format/vectors

Prints each vector that gives something else than it should, then how many were run; the exit code is 1 where one does.
"""

import hashlib
import json
import pathlib
import sys

from primitives import Refused
from store import Store


def objects_of(base, vector):
    objects = dict(base["objects"])
    for edit in vector["edits"]:
        name = edit["object"]
        if edit.get("gone"):
            del objects[name]
            continue
        body = objects.get(name, b"")
        at = edit["at"]
        objects[name] = body[:at] + bytes.fromhex(edit["insert"]) + body[at + edit["remove"] :]
    return objects


def argon2_of(vector):
    """Python's own library has no Argon2: each vector that needs it tells what it gives."""

    def argon2(_, salt, memory, passes, lanes):
        known = vector["argon2"]
        asked = (known["salt"], known["memory"], known["passes"], known["lanes"])
        if asked != (salt.hex(), memory, passes, lanes):
            raise AssertionError("the vector does not tell this key material")
        return bytes.fromhex(known["material"])

    return argon2


def act(store, action, released):
    if action["do"] == "list":
        return store.list()
    if action["do"] == "own":
        released.append(store.own(action["object"]))
    if action["do"] == "retrieve":
        for piece in store.retrieve(action["key"], action.get("version"))[2]:
            released.append(piece)
    return None


def run(bases, vector):
    base, released, names = bases[vector["base"]], [], None
    try:
        objects = objects_of(base, vector)
        unlock = vector.get("unlock", base["unlock"])
        pins = (vector.get("fingerprint"), vector.get("anchor"))
        names = act(Store(objects, unlock, *pins, argon2_of(vector)), vector["action"], released)
        outcome = "ok"
    except Refused as refusal:
        outcome = refusal.code
    given = b"".join(released)
    return outcome, {"bytes": len(given), "sha256": hashlib.sha256(given).hexdigest()}, names


def main():
    folder = pathlib.Path(sys.argv[1])
    bases = {base["name"]: base for base in json.loads((folder / "bases.json").read_text("utf-8"))["bases"]}
    for base in bases.values():
        base["objects"] = {name: bytes.fromhex(body) for name, body in base["objects"].items()}
    count = failed = 0
    for file in sorted(folder.glob("*.json")):
        for vector in json.loads(file.read_text("utf-8")).get("vectors", []):
            count += 1
            found = run(bases, vector)
            expected = vector["expect"], vector["released"], vector.get("names")
            if found != expected:
                failed += 1
                print(f"{vector['name']}: {found}, not {expected}")
    print(f"{count} vectors, {failed} failed")
    sys.exit(1 if failed or not count else 0)


if __name__ == "__main__":
    main()
