"""The typed lines of a card, for recover.py: base32 in lines that check themselves, of which two are spare.

A Reed-Solomon code over GF(32), x^5 = x^2 + 1, by docs/format.md. It corrects nothing: a line with a
wrong character is refused, or left out.
"""

import re

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

# POWER[i] is alpha^i, LOG its inverse.
POWER = [1]
while len(POWER) < 31:
    POWER.append(POWER[-1] << 1 ^ (0b100101 if POWER[-1] & 16 else 0))
LOG = {value: exponent for exponent, value in enumerate(POWER)}


def mul(a, b):
    return POWER[(LOG[a] + LOG[b]) % 31] if a and b else 0


def read_line(text):
    """(number, 25 data symbols) of `03  MFRGG ZDFMZ ...`."""
    parts = re.fullmatch(r"(\d{1,2})\b(.*)", text)
    if not parts or not 1 <= int(parts[1]) <= 31:
        raise ValueError("it holds neither a QR text nor lines numbered 1 to 31")
    number, rest = int(parts[1]), parts[2]
    typed = "".join(c for c in rest.upper() if c not in " \t-.").translate(str.maketrans("018", "OIB"))
    if len(typed) != 30 or any(c not in ALPHABET for c in typed):
        raise ValueError(f"line {number}: 30 characters of A-Z and 2-7 are needed")
    word = [number] + [ALPHABET.index(c) for c in typed]
    for j in range(1, 6):
        syndrome = 0
        for k, symbol in enumerate(word):
            syndrome ^= mul(symbol, POWER[j * k % 31])
        if syndrome:
            raise ValueError(f"line {number}: a character is wrong, or it is another line")
    return number, word[1:26]


def rebuild(rows, count):
    """All count + 2 rows from any count of them; None if they contradict each other."""
    absent = [i for i in range(1, count + 3) if i not in rows]
    if len(absent) > 2 or max(rows) > count + 2:
        return None
    rows = rows | {i: [0] * 25 for i in absent}
    for column in range(25):
        plain = weighted = 0
        for i, row in rows.items():
            plain ^= row[column]
            weighted ^= mul(POWER[i % 31], row[column])
        if len(absent) == 2:
            a, b = (POWER[i % 31] for i in absent)
            second = mul(weighted ^ mul(a, plain), POWER[-LOG[a ^ b] % 31])
            rows[absent[0]][column], rows[absent[1]][column] = plain ^ second, second
        elif plain if not absent else weighted != mul(POWER[absent[0] % 31], plain):
            return None
        elif absent:
            rows[absent[0]][column] = plain
        elif weighted:
            return None
    return rows


def from_lines(texts, accept):
    """What `accept` makes of the bytes of any n of the n + 2 lines; None from it asks for the next n."""
    rows = {}
    if not texts:
        raise ValueError("it is empty")
    for number, data in map(read_line, texts):
        if rows.setdefault(number, data) != data:
            raise ValueError(f"line {number} is there twice, and differs")
    for count in range(max(1, max(rows) - 2), min(29, len(rows)) + 1):
        whole = rebuild(rows, count)
        if whole is None:
            continue
        bits = "".join(f"{s:05b}" for i in range(1, count + 1) for s in whole[i])
        size = len(bits) // 8
        found = accept(int(bits[: 8 * size], 2).to_bytes(size, "big"))
        if found and "1" not in bits[8 * size :]:
            return found
    raise ValueError("lines are missing, or contradict each other")
