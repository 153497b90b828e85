#!/usr/bin/env python3
"""Reads the codes of a Quorate backup sheet and writes the age file in them, by docs/format.md alone.

    recover_sheet.py CODES.txt ... > backup.age
    recover.py CARD.txt CARD.txt ... > identity
    age -d -i identity backup.age

CODES.txt has the texts of the codes, one to a line, in any order; any one may be missing or wrong. What
the sheet says of the key goes to standard error. It is not proven by anything here: compare the
fingerprint of what comes out with a record that was not kept with the sheet. Python's standard library is
enough. `--key FILE` prints the fingerprint of the key record in FILE, which is what age gives.
"""

import base64, hashlib, hmac, json, re, sys

from recover import Refused, unbase32

CODE = re.compile(r"QUORATE/1/B([1-9][0-9]{0,2})OF([1-9][0-9]{0,2})/([A-Z2-7]{8})/([A-Z2-7]+)")


def parts_of(lines):
    """{number: bytes}, the number of codes and the name of one sheet."""
    parts, sheet = {}, None
    for line in lines:
        code = CODE.fullmatch(line.strip().upper())
        if not code or not 1 <= int(code[1]) <= int(code[2]) <= 241 or code[2] == "1":
            raise Refused(f"this is no code of a backup sheet: {line.strip()[:40]}")
        number, data = int(code[1]), unbase32(code[4])
        if (sheet or code.groups()[1:3]) != code.groups()[1:3]:
            raise Refused("these are codes of different sheets")
        if parts.setdefault(number, data) != data:
            raise Refused(f"code {number} is there twice, and not the same")
        sheet = code.groups()[1:3]
    if not parts or len({len(part) for part in parts.values()}) != 1 or len(next(iter(parts.values()))) > 490:
        raise Refused("there are no codes, or they have different lengths")
    return parts, int(sheet[0]), sheet[1]


def joined(parts, count, without=None):
    """The data parts, of which one may be calculated from all others."""
    known = {number: part for number, part in parts.items() if number != without}
    if without:
        rebuilt = bytes(len(next(iter(known.values()))))
        for part in known.values():
            rebuilt = bytes(a ^ b for a, b in zip(rebuilt, part))
        known[without] = rebuilt
    return b"".join(known[number] for number in range(1, count))


def parse(data, count, name):
    """Facts, quorum record and age file."""
    if data[:2] != b"\1\2":
        raise Refused("it is of a version or kind that this program doesn't know")
    lengths = [int.from_bytes(data[a:b], "big") for a, b in ((2, 4), (4, 8), (8, 12))]
    end = 12 + sum(lengths)
    digest, rest = data[end : end + 32], data[end + 32 :]
    if lengths[0] > 4096 or len(digest) != 32 or len(rest) >= count - 1 or any(rest):
        raise Refused("it has another length than it says")
    if hashlib.sha256(b"quorate/v1/sheet" + data[:end]).digest() != digest:
        raise Refused("its codes do not fit together: one was altered or misread")
    if base64.b32encode(digest[:5]).decode() != name:
        raise Refused("its name is not that of its bytes")
    facts, record = data[12 : 12 + lengths[0]], data[12 + lengths[0] : end - lengths[2]]
    return facts_of(facts), record, data[end - lengths[2] : end]


FIELDS = ["checkpoint", "created", "fingerprint", "format", "key", "kind", "name", "time", "version"]
RAW = re.compile(r"aes-.*|hmac-.*|opaque")


def facts_of(text):
    """Canonical JSON with exactly the fields that docs/format.md names."""
    facts = json.loads(text)
    plain = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    fields = FIELDS if RAW.fullmatch(facts["kind"]) else sorted(FIELDS + ["spki"])
    checkpoint = re.fullmatch(r"[1-9][0-9]{0,15}:[A-Z2-7]{4}(-[A-Z2-7]{4}){7}", facts["checkpoint"])
    if plain != text or list(facts) != fields or facts["format"] != "quorate/v1/sheet" or not checkpoint:
        raise Refused("what it says of its key has another form")
    return facts


def read_sheet(lines):
    """Facts, quorum record and age file from the texts of codes; one may be missing, or wrong."""
    parts, count, name = parts_of(lines)
    missing = [number for number in range(1, count + 1) if number not in parts]
    if len(missing) > 1:
        raise Refused(f"codes {', '.join(map(str, missing))} of {count} are missing: one alone could be rebuilt")
    try:
        facts, record, backup = parse(joined(parts, count, *missing), count, name)
    except Refused as error:
        for number in () if missing else range(1, count):
            try:
                facts, record, backup = parse(joined(parts, count, number), count, name)
                break
            except Refused:
                pass
        else:
            raise error
    signer = base64.b64decode(json.loads(record)["signer"])
    quorum = base64.b32encode(hashlib.sha256(signer).digest()[:10]).decode()
    if json.loads(record)["id"] != quorum or not backup.startswith(b"age-encryption.org/v1\n"):
        raise Refused("its quorum record is not of the quorum that it names, or its backup is no age file")
    return facts, json.loads(record), backup


def fingerprint(record):
    """Of the key record that the age file holds (docs/format.md, Fingerprint)."""
    key, kind = base64.b64decode(record["material"]), record["kind"].encode()
    said = bytes([len(kind)]) + kind + len(key).to_bytes(4, "big") + key
    return hmac.digest(base64.b64decode(record["salt"]), said, "sha256").hex()


def main(arguments):
    try:
        if arguments[:1] == ["--key"]:
            with open(arguments[1], encoding="utf-8") as file:
                print(fingerprint(json.load(file)))
            return
        lines = []
        for name in arguments:
            with open(name, encoding="ascii") as file:
                lines += [line for line in file if line.strip() and not line.startswith("#")]
        facts, record, backup = read_sheet(lines)
        for field in ("name", "version", "kind", "created", "fingerprint", "checkpoint"):
            print(f"{field}: {facts[field]}", file=sys.stderr)
        print(f"quorum: {record['id']}, any {record['threshold']} of {len(record['custodians'])}", file=sys.stderr)
        sys.stdout.buffer.write(backup)
    except (Refused, OSError, ValueError, KeyError) as error:
        sys.exit(f"recover_sheet.py: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
