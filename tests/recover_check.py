"""Holds recover.py to the published vectors: what the library reads, an independent reader reads too.

    python3 recover_check.py FOLDER
"""

import base64, hashlib, json, os, sys

import recover, recover_ristretto, recover_seal, recover_sheet
from recover import Refused


def cases(folder, kind):
    for name in sorted(os.listdir(os.path.join(folder, kind))):
        with open(os.path.join(folder, kind, name), encoding="utf-8", newline="") as file:
            head, payload = file.read().split("\n\n", 1)
        fields = dict(line.split(": ", 1) for line in head.split("\n"))
        yield fields, payload.removesuffix("\n")


def refused(call):
    try:
        return False, call()
    except (Refused, ValueError):
        return True, None


def main(folder):
    count = 0
    for kind in ("passphrase", "card", "lines", "qr", "quorum", "share", "quorum-record", "sheet"):
        for fields, payload in cases(folder, kind):
            if kind == "quorum-record" and fields["expect"] == "refused":
                continue
            if fields.get("reason") == "record":
                continue  # the signature isn't checked here
            no, what = refused(lambda: CHECKS[kind](fields, payload))
            wanted = fields["expect"] == "refused" or fields.get("unseal") == "refused"
            if no != wanted or what is False:
                sys.exit(f"{fields['case']}: {'refused' if no else what}")
            count += 1
    # RFC 9106, 5.3
    slow = recover_seal.slow_argon2id(b"\1" * 32, b"\2" * 16, 3, 32, 4, 32, b"\3" * 8, b"\4" * 12)
    if slow.hex() != "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659":
        sys.exit("slow_argon2id differs from RFC 9106")
    for passes, kib, lanes in ((1, 8, 1), (3, 70, 2), (3, 1100, 1), (2, 520, 16)):
        one = recover_seal.slow_argon2id(b"x", bytes(16), passes, kib, lanes, 56)
        if one != recover_seal.argon2id(b"x", bytes(16), passes, kib, lanes, 56):
            sys.exit(f"slow_argon2id differs for {passes} {kib} {lanes}")
    print(f"{count} vectors agree")


def passphrase(fields, payload):
    return recover.normal_form(bytes.fromhex(payload)).hex() == fields["normal"]


def card(fields, payload):
    data = recover.parse_card(bytes.fromhex(payload))
    if data[17] == recover.AGE and fields.get("unseal") != "refused":
        return True  # an installed age opens it
    if data[17] == recover.AGE:
        raise Refused("an installed age finds out")
    share = recover.unseal(data, lambda: fields["passphrase"].encode(), None)
    code = base64.b32encode(hashlib.sha256(data).digest()[:5]).decode()
    verification = fields.get("verification", code).replace("-", "") == code
    return verification and share.to_bytes(32, "little").hex() == fields["share"][:64]


def read(fields, payload):
    return hashlib.sha256(recover.read_card(payload)).hexdigest() == fields["sha256"]


def quorum(fields, _):
    identity, signer = recover.keys(bytes.fromhex(fields["secret"]))
    named = base64.b32encode(hashlib.sha256(signer).digest()[:10]).decode()
    return (identity, signer.hex(), named) == (fields["identity"], fields["signer"], fields["quorum"])


def share(fields, payload):
    rows = [line.split() for line in payload.split("\n")]
    commitments = [recover_ristretto.decode(bytes.fromhex(row[1])) for row in rows if row[0] == "commitment:"]
    shares = {}
    for _, index, value in (row for row in rows if row[0] == "share:"):
        index, value = int(index), bytes.fromhex(value)
        number, blinder = (int.from_bytes(half, "little") for half in (value[:32], value[32:]))
        if index in shares or not 1 <= index <= int(fields["shares"]) or max(number, blinder) >= recover.ORDER:
            raise Refused("twice, no such index, or not canonical")
        if not recover_ristretto.is_of_deal(index, number, blinder, commitments):
            raise Refused("not of this deal")
        shares[index] = number
    if len(shares) < int(fields["threshold"]):
        raise Refused("too few")
    return recover.combine(shares).to_bytes(32, "little").hex() == fields["secret"]


def record(fields, payload):
    """The signature isn't checked here; everything that stands in the record is."""
    facts = json.loads(payload)
    signer = base64.b64decode(facts["signer"])
    named = base64.b32encode(hashlib.sha256(signer).digest()[:10]).decode()
    plain = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    points = [recover_ristretto.decode(base64.b64decode(point)) for point in facts["commitments"]]
    digest = hashlib.sha256(payload.encode()).hexdigest()
    return (named, digest, plain) == (facts["id"], fields["sha256"], payload) and None not in points


def sheet(fields, payload):
    facts, quorum, backup = recover_sheet.read_sheet(payload.split("\n"))
    found = (facts["name"], str(facts["version"]), facts["fingerprint"], quorum["id"], hashlib.sha256(backup).hexdigest())
    return found == tuple(fields[field] for field in ("name", "version", "fingerprint", "quorum", "backup"))


CHECKS = {"passphrase": passphrase, "card": card, "lines": read, "qr": read, "quorum": quorum, "share": share}
CHECKS["quorum-record"] = record
CHECKS["sheet"] = sheet

if __name__ == "__main__":
    main(sys.argv[1])
