#!/usr/bin/env python3
"""Recombines the cards of a Quorate quorum to its age identity, by docs/format.md alone.

    recover.py CARD.txt CARD.txt ... [--passphrase INDEX=FILE] [--identity INDEX=FILE] > identity
    age -d -i identity keys/ID/VERSION.age

Each CARD.txt is one card: its QR text (all parts), or its typed lines in any order, of which two may
be missing. Whatever comes out has the quorum id that the cards name, or nothing comes out. Python's
standard library is enough, with recover_lines.py and recover_seal.py beside this file. A passphrase card
uses libargon2 (Debian: libargon2-1) or argon2-cffi when there, else slow Python: minutes for 64 MiB, half
an hour for 512 MiB. A card sealed to an age recipient is opened by an installed `age`. Use a machine
without a network, and wipe it afterwards.
"""

import argparse, base64, getpass, hashlib, hmac, re, subprocess, sys, unicodedata

from recover_lines import from_lines

ORDER = 2**252 + 27742317777372353535851937790883648493  # of ristretto255 and of Ed25519's subgroup


class Refused(Exception):
    """What is wrong, for people."""


def unbase32(text):
    """Canonical base32: upper case, no padding, unused bits zero."""
    try:
        data = base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError:
        raise Refused("its QR text is not base32")
    if base64.b32encode(data).decode().rstrip("=") != text:
        raise Refused("its QR text is not canonical base32")
    return data


# --- Cards --------------------------------------------------------------------------------------------

OPEN, PASSPHRASE, AGE = 0, 1, 2


def checked(card):
    return hashlib.sha256(b"quorate/v1/card" + card[:-8]).digest()[:8] == card[-8:]


def card_length(data):
    """The length that a card's header implies; None when that is no card of version 1."""
    if len(data) < 26 or data[17] not in (OPEN, PASSPHRASE, AGE):
        return None
    body = {OPEN: 64, PASSPHRASE: 3 + 16 + 64 + 16, AGE: 2 + int.from_bytes(data[18:20], "big")}[data[17]]
    return 18 + body + 8 if 18 + body + 8 <= len(data) else None


def first_card(data):
    """The card that `data` begins with, when only zeros follow it."""
    card = data[: card_length(data) or 0]
    return card if card and checked(card) and not any(data[len(card) :]) else None


def from_qr(words):
    """The payload of a QR text, in one part or several."""
    whole = re.fullmatch(r"QUORATE/1/([A-Z2-7]+)", words[0])
    if whole and len(words) == 1:
        return unbase32(whole[1])
    parts, name = {}, None
    for word in words:
        part = re.fullmatch(r"QUORATE/1/P([1-6])OF([2-6])/([A-Z2-7]{8})/([A-Z2-7]+)", word)
        if not part or (name or part.groups()[1:3]) != part.groups()[1:3]:
            raise Refused("its QR texts have another form, or are parts of different cards")
        name, parts[int(part[1])] = part.groups()[1:3], unbase32(part[4])
    if sorted(parts) != list(range(1, int(name[0]) + 1)):
        raise Refused(f"{len(parts)} of its {name[0]} QR texts are there")
    data = b"".join(data for _, data in sorted(parts.items()))
    if base64.b32encode(hashlib.sha256(data).digest()[:5]).decode() != name[1]:
        raise Refused("its QR texts fail their check")
    return data


def read_card(text):
    """The bytes of a card from its QR text or its typed lines."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if lines and lines[0].upper().startswith("QUORATE/"):
        return parse_card(from_qr([line.upper() for line in lines]))
    return parse_card(from_lines(lines, first_card))


def parse_card(card):
    """Refuses every field that docs/format.md doesn't allow."""
    if card[:2] != b"\1\1":
        raise Refused("it is of a version or kind that this program doesn't know")
    if not checked(card):
        raise Refused("its bytes fail their check: it was misread or altered")
    generation, index, threshold, shares = int.from_bytes(card[12:14], "big"), *card[14:17]
    if card_length(card) != len(card) or not generation or not 1 <= index <= shares or not 2 <= threshold <= shares:
        raise Refused("a field of it has a value that is not allowed")
    if card[17] == PASSPHRASE and not (16 <= card[18] <= 22 and 3 <= card[19] <= 16 and 1 <= card[20] <= 16):
        raise Refused("its cost is outside the limits of the format")
    if card[17] == AGE and len(card) > 18 + 2 + 4096 + 8:
        raise Refused("its age file is too long")
    return card


def normal_form(typed):
    """The one form of a passphrase, in UTF-8."""
    if len(typed) > 1024:
        raise Refused("the passphrase is longer than 1024 bytes")
    text = typed.decode("utf-8").removesuffix("\n").removesuffix("\r")
    if not text.strip():
        raise Refused("the passphrase is empty")
    if any(unicodedata.category(c) == "Cc" and c != "\t" for c in text):
        raise Refused("the passphrase holds a control character")
    return unicodedata.normalize("NFC", " ".join(text.split())).encode()


def unseal(card, passphrase, identity):
    """f(index). `passphrase` gives typed bytes, `identity` the name of a file for age."""
    share = unsealed(card, passphrase, identity)
    value, blinder = (int.from_bytes(half, "little") for half in (share[:32], share[32:]))
    if value >= ORDER or blinder >= ORDER:
        raise Refused("its share is not a canonical number")
    return value


def unsealed(card, passphrase, identity):
    """The 64 bytes that were sealed."""
    head, body, index = card[:18], card[18:-8], card[14]
    if card[17] == OPEN:
        return body
    if card[17] == AGE:
        plain = subprocess.run(["age", "-d", "-i", identity()], input=body[2:], stdout=subprocess.PIPE).stdout
        if len(plain) != 82 or plain[:18] != head:
            raise Refused("age didn't give this card's share")
        return plain[18:]
    memory, passes, lanes = body[:3]
    from recover_seal import argon2id, xchacha20poly1305_open

    salt, sealed, tag = body[3:19], body[19:83], body[83:]
    stretched = argon2id(normal_form(passphrase()), salt, passes, 1 << memory, lanes, 56)
    share = xchacha20poly1305_open(stretched[:32], stretched[32:], head + body[:19], sealed, tag)
    if share is None:
        raise Refused(f"the passphrase of share {index} is wrong, or the card was altered")
    return share


# --- From shares to keys ------------------------------------------------------------------------------


def combine(shares):
    """f(0) by Lagrange from {index: f(index)}."""
    secret = 0
    for i, value in shares.items():
        for j in shares:
            if j != i:
                value = value * j * pow(j - i, -1, ORDER) % ORDER
        secret += value
    return secret % ORDER


def hkdf32(salt, secret, info):
    return hmac.digest(hmac.digest(salt, secret, "sha256"), info + b"\1", "sha256")


def ed25519_public(seed):
    """RFC 8032, 5.1.5, in extended coordinates."""
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p

    def add(P, Q):
        A, B = (P[1] - P[0]) * (Q[1] - Q[0]), (P[1] + P[0]) * (Q[1] + Q[0])
        C, D = 2 * P[3] * Q[3] * d, 2 * P[2] * Q[2]
        E, F, G, H = B - A, D - C, D + C, B + A
        return E * F % p, G * H % p, F * G % p, E * H % p

    scalar = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little") & 2**254 - 8 | 2**254
    y = 4 * pow(5, -1, p) % p
    x = 15112221349535400772501151409588531511454012693041857206046113283949847762202
    point, sum_ = (x, y, 1, x * y % p), (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            sum_ = add(sum_, point)
        point, scalar = add(point, point), scalar >> 1
    inverse = pow(sum_[2], -1, p)
    x, y = sum_[0] * inverse % p, sum_[1] * inverse % p
    return (y | (x & 1) << 255).to_bytes(32, "little")


def bech32(prefix, data):
    """BIP 173, without its limit on the length."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    values = [int(bits[i : i + 5], 2) for i in range(0, len(bits), 5)]

    def polymod(values):
        check = 1
        for value in values:
            top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
            for i, g in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
                check ^= g if top >> i & 1 else 0
        return check

    head = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = polymod(head + values + [0] * 6) ^ 1
    values += [check >> 5 * (5 - i) & 31 for i in range(6)]
    return prefix + "1" + "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[v] for v in values)


def keys(secret):
    """The age identity and the signing public key of a quorum secret."""
    identity, seed = (hkdf32(b"quorate/v1", secret, info) for info in (b"age-identity", b"ed25519"))
    return bech32("age-secret-key-pq-", identity).upper(), ed25519_public(seed)


def identity_of(cards, share_of):
    """The quorum's age identity from {name: card}; `share_of` unseals one."""
    first = next(iter(cards.values()))
    quorum, threshold = first[2:12], first[15]
    printed = base64.b32encode(quorum).decode()
    by_index = {}
    for name, card in cards.items():
        if card[2:14] + card[15:17] != first[2:14] + first[15:17]:
            raise Refused(f"{name}: it is of another quorum or another generation than the first card")
        if card[14] in by_index:
            raise Refused(f"{name}: share {card[14]} is there twice")
        by_index[card[14]] = name
    if len(by_index) < threshold:
        raise Refused(f"{len(by_index)} cards of quorum {printed} are there, {threshold} are needed")
    some = [(index, share_of(name, cards[name])) for index, name in sorted(by_index.items())]
    secret = combine(dict(some[:threshold]))
    identity, signer = keys(secret.to_bytes(32, "little"))
    if combine(dict(some[-threshold:])) != secret or hashlib.sha256(signer).digest()[:10] != quorum:
        raise Refused(f"{', '.join(cards)}: these shares don't make quorum {printed}: one is wrong")
    return identity


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cards", nargs="+", metavar="CARD.txt")
    for option, what in (("--passphrase", "a passphrase"), ("--identity", "an age identity")):
        parser.add_argument(option, action="append", default=[], metavar="INDEX=FILE", help=f"{what} by share")
    options = parser.parse_args()
    files = [dict(item.split("=", 1) for item in items) for items in (options.passphrase, options.identity)]

    def share_of(name, card):
        def passphrase():
            if str(card[14]) in files[0]:
                with open(files[0][str(card[14])], "rb") as file:
                    return file.read()
            return getpass.getpass(f"passphrase of share {card[14]} ({name}): ").encode()

        def identity():
            if str(card[14]) not in files[1]:
                raise Refused(f"it is sealed to an age recipient: give --identity {card[14]}=FILE")
            return files[1][str(card[14])]

        try:
            return unseal(card, passphrase, identity)
        except (Refused, OSError, MemoryError, UnicodeError) as error:
            raise Refused(f"{name}: {error}")

    cards = {}
    try:
        for name in options.cards:
            try:
                if name in cards:
                    raise Refused("it is named twice")
                with open(name, encoding="ascii") as file:
                    cards[name] = read_card(file.read())
            except (Refused, OSError, ValueError) as error:
                raise Refused(f"{name}: {error}")
        print(identity_of(cards, share_of))
    except Refused as error:
        sys.exit(f"recover.py: {error}")


if __name__ == "__main__":
    main()
