"""Runs the published vectors.

    python3 vectors.py ../../packages/core-format/vectors [derived.json]

`derived.json` has keys that another implementation of Argon2id has derived, each of which would take seconds here. Prints each vector that gives something else than it should, then how many were run; the exit code is 1 where one does.
"""

import hashlib
import json
import pathlib
import sys

from argon2 import argon2id, known
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


def check_argon2(vector):
    """What a vector tells of Argon2, for readers that don't have it, must be so."""
    if "argon2" in vector:
        told = vector["argon2"]
        costs = (told["memory"], told["passes"], told["lanes"])
        material = argon2id(vector["unlock"]["text"].encode(), bytes.fromhex(told["salt"]), *costs)
        if material.hex() != told["material"]:
            raise AssertionError(vector["name"] + " tells another key material than Argon2 gives")


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
    check_argon2(vector)
    try:
        objects = objects_of(base, vector)
        unlock = vector.get("unlock", base["unlock"])
        pins = (vector.get("fingerprint"), vector.get("anchor"))
        names = act(Store(objects, unlock, *pins), vector["action"], released)
        outcome = "ok"
    except Refused as refusal:
        outcome = refusal.code
    given = b"".join(released)
    return outcome, {"bytes": len(given), "sha256": hashlib.sha256(given).hexdigest()}, names


def use_derived(file):
    for told in json.loads(pathlib.Path(file).read_text("utf-8")):
        costs = (told["memory"], told["passes"], told["lanes"])
        known[told["text"].encode(), bytes.fromhex(told["salt"]), *costs] = bytes.fromhex(told["material"])


def main():
    folder = pathlib.Path(sys.argv[1])
    for file in sys.argv[2:]:
        use_derived(file)
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
