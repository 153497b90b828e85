"""Combines M shares of a quorum secret, modulo the order of ristretto255: the standard library alone.

`python3 tests/share_combine.py` checks every choice of 3 of the 5 shares of tests/vectors/share-1.txt.
"""
import itertools
import pathlib

ORDER = 2**252 + 27742317777372353535851937790883648493


def combine(shares):
    """The secret (32 bytes) behind {index: 64 bytes of the share}, exactly as many as the threshold."""
    secret = 0
    for i, share in shares.items():
        value = int.from_bytes(share[:32], "little")
        if not 0 < i < 256 or len(share) != 64 or value >= ORDER:
            raise ValueError(f"share {i} is not in its canonical form")
        for j in shares:
            if j != i:
                value = value * j * pow(j - i, -1, ORDER) % ORDER
        secret += value
    return (secret % ORDER).to_bytes(32, "little")


def test_vector():
    path = pathlib.Path(__file__).parent / "vectors" / "share-1.txt"
    lines = [line.split(" ", 1) for line in path.read_text().splitlines() if not line.startswith("#")]
    field = dict(lines)
    shares = {i: bytes.fromhex(field[f"share{i}"]) for i in range(1, 6)}
    for chosen in itertools.combinations(shares, 3):
        if combine({i: shares[i] for i in chosen}).hex() != field["a0"]:
            raise SystemExit(f"shares {chosen} combine to something else")
    for chosen in itertools.combinations(shares, 2):
        if combine({i: shares[i] for i in chosen}).hex() == field["a0"]:
            raise SystemExit(f"shares {chosen} should not suffice")


if __name__ == "__main__":
    test_vector()
    print("share-1: every 3 of the 5 shares combine to the secret")
