"""The check of one share against the commitments of a quorum record, for recover_check.py.

ristretto255 (RFC 9496) in Python's standard library: slow, not constant in time, and nothing that a recovery needs.
"""

import hashlib

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # of -1
AD_MINUS_ONE_ROOT = 25063068953384623474111414158702152701244531502492656460079210482610430750235
ZERO = (0, 1, 1, 0)
BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
BASE_Y = 4 * pow(5, -1, P) % P
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def magnitude(x):
    return P - x % P if x % P % 2 else x % P


def root_of_ratio(u, v):
    """Whether u/v is a square, and the root of it, or of ROOT u/v (section 4.2)."""
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    if check in (-u % P, -u * ROOT % P):
        r = r * ROOT % P
    return check in (u % P, -u % P), magnitude(r)


def decode(data):
    """The point of 32 bytes (section 4.3.1); None when they encode none."""
    s = int.from_bytes(data, "little")
    if s >= P or s % 2:
        return None
    u1, u2 = (1 - s * s) % P, (1 + s * s) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    square, inverse = root_of_ratio(1, v * u2 * u2 % P)
    x = magnitude(2 * s * inverse * u2)
    y = u1 * inverse * inverse * u2 * v % P
    return (x, y, 1, x * y % P) if square and x * y % P % 2 == 0 and y else None


def add(a, b):
    m, n = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0])
    c, d = 2 * a[3] * b[3] * D, 2 * a[2] * b[2]
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    total = ZERO
    while scalar:
        total = add(total, point) if scalar & 1 else total
        point, scalar = add(point, point), scalar >> 1
    return total


def same(a, b):
    """Whether two points are one element of the group (section 4.3.3)."""
    return (a[0] * b[1] - a[1] * b[0]) % P == 0 or (a[1] * b[1] - a[0] * b[0]) % P == 0


def one_way_map(data):
    """Section 4.3.4, of 64 bytes."""

    def half(data):
        t = int.from_bytes(data, "little") % 2**255 % P
        r = ROOT * t * t % P
        v = (-1 - r * D) * (r + D) % P
        square, s = root_of_ratio((r + 1) * (1 - D * D) % P, v)
        s, c = (s, -1) if square else (-magnitude(s * t) % P, r)
        n = c * (r - 1) * (D - 1) ** 2 - v
        w0, w1, w2, w3 = 2 * s * v, n * AD_MINUS_ONE_ROOT, 1 - s * s, 1 + s * s
        return w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P

    return add(half(data[:32]), half(data[32:]))


H = one_way_map(hashlib.sha512(b"quorate/v1/pedersen-h").digest())


def is_of_deal(index, value, blinder, commitments):
    """Whether f(index) G + g(index) H is the sum of index^k C_k."""
    wanted = ZERO
    for point in reversed(commitments):
        wanted = add(times(index, wanted), point)
    return same(add(times(value, BASE), times(blinder, H)), wanted)
