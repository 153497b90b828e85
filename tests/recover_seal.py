"""Passphrase cards for recover.py: Argon2id (RFC 9106) and XChaCha20-Poly1305, standard library alone.

Argon2id is taken from argon2-cffi or libargon2 when one is there. The slow form in Python needs the
card's memory and about half a millisecond for each KiB and pass: minutes for 64 MiB.
"""

import array, ctypes, ctypes.util, hashlib, hmac, struct, sys

M32, M64 = 2**32 - 1, 2**64 - 1


def argon2id(password, salt, passes, kib, lanes, size):
    try:
        from argon2.low_level import Type, hash_secret_raw

        return hash_secret_raw(password, salt, passes, kib, lanes, size, Type.ID)
    except ImportError:
        pass
    library = ctypes.util.find_library("argon2")
    if library:
        out, sizes = ctypes.create_string_buffer(size), [ctypes.c_size_t(len(b)) for b in (password, salt)]
        call = ctypes.CDLL(library).argon2id_hash_raw
        numbers = [ctypes.c_uint32(n) for n in (passes, kib, lanes)]
        if call(*numbers, password, sizes[0], salt, sizes[1], out, ctypes.c_size_t(size)):
            raise MemoryError("libargon2 failed: is there memory enough?")
        return out.raw
    print("no argon2-cffi, no libargon2: this will take long", file=sys.stderr)
    return slow_argon2id(password, salt, passes, kib, lanes, size)


def slow_argon2id(password, salt, passes, kib, lanes, size, secret=b"", extra=b""):
    def le32(number):
        return number.to_bytes(4, "little")

    def long_hash(data, size):
        value, out = hashlib.blake2b(le32(size) + data, digest_size=min(size, 64)).digest(), b""
        while size - len(out) > 64:
            out += value[:32]
            value = hashlib.blake2b(value, digest_size=min(size - len(out), 64)).digest()
        return out + value

    def mix(v, a, b, c, d):
        va, vb, vc, vd = v[a], v[b], v[c], v[d]
        for r, s in ((32, 24), (16, 63)):
            va = va + vb + 2 * (va & M32) * (vb & M32) & M64
            vd ^= va
            vd = (vd >> r | vd << 64 - r) & M64
            vc = vc + vd + 2 * (vc & M32) * (vd & M32) & M64
            vb ^= vc
            vb = (vb >> s | vb << 64 - s) & M64
        v[a], v[b], v[c], v[d] = va, vb, vc, vd

    rows = [[16 * i + j for j in range(16)] for i in range(8)]
    columns = [[2 * i + 16 * (j // 2) + j % 2 for j in range(16)] for i in range(8)]
    around = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
    around += [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    steps = [[line[i] for i in four] for line in rows + columns for four in around]

    def compress(x, y):
        r = [a ^ b for a, b in zip(x, y)]
        z = r[:]
        for step in steps:
            mix(z, *step)
        return array.array("Q", [a ^ b for a, b in zip(z, r)])

    seed = b"".join(le32(n) for n in (lanes, size, kib, passes, 0x13, 2))
    seed = hashlib.blake2b(seed + b"".join(le32(len(b)) + b for b in (password, salt, secret, extra))).digest()
    part = kib // (4 * lanes)
    width = 4 * part
    memory = [[None] * width for _ in range(lanes)]
    for lane in range(lanes):
        for i in (0, 1):
            memory[lane][i] = array.array("Q", struct.unpack("<128Q", long_hash(seed + le32(i) + le32(lane), 1024)))
    zero = [0] * 128
    for n in range(4 * lanes * passes):
        turn, slice_, lane = n // (4 * lanes), n // lanes % 4, n % lanes
        fixed = turn == 0 and slice_ < 2
        for i in range(2 if turn == slice_ == 0 else 0, part):
            column = slice_ * part + i
            before = memory[lane][column - 1]
            if fixed and (i % 128 == 0 or i == 2):
                place = [turn, lane, slice_, width * lanes, passes, 2, i // 128 + 1] + [0] * 121
                addresses = compress(zero, compress(zero, place))
            j = addresses[i % 128] if fixed else before[0]
            other = lane if turn == slice_ == 0 else (j >> 32) % lanes
            area = (slice_ * part if turn == 0 else width - part) + (i - 1 if other == lane else -(i == 0))
            start = 0 if turn == 0 else (slice_ + 1) * part
            back = area * ((j & M32) ** 2 >> 32) >> 32
            new = compress(before, memory[other][(start + area - 1 - back) % width])
            if turn:
                new = array.array("Q", [a ^ b for a, b in zip(new, memory[lane][column])])
            memory[lane][column] = new
    last = [0] * 128
    for lane in memory:
        last = [a ^ b for a, b in zip(last, lane[-1])]
    return long_hash(struct.pack("<128Q", *last), size)


def chacha_rounds(state):
    x = list(state)
    quarters = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]
    quarters += [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    for a, b, c, d in quarters * 10:
        for to, plus, turned, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[to] = x[to] + x[plus] & M32
            x[turned] ^= x[to]
            x[turned] = (x[turned] << bits | x[turned] >> 32 - bits) & M32
    return x


def xchacha20poly1305_open(key, nonce, extra, sealed, tag):
    """The plaintext; None when the tag is wrong (draft-irtf-cfrg-xchacha-03, RFC 8439)."""
    constants = struct.unpack("<4I", b"expand 32-byte k")
    x = chacha_rounds(constants + struct.unpack("<12I", key + nonce[:16]))
    subkey = tuple(x[:4] + x[12:])

    def block(counter):
        state = constants + subkey + (counter, 0) + struct.unpack("<2I", nonce[16:])
        return struct.pack("<16I", *(a + b & M32 for a, b in zip(chacha_rounds(state), state)))

    def pad16(data):
        return data + bytes(-len(data) % 16)

    once = block(0)
    r = int.from_bytes(once[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    message, total = pad16(extra) + pad16(sealed) + struct.pack("<QQ", len(extra), len(sealed)), 0
    for i in range(0, len(message), 16):
        total = (total + int.from_bytes(message[i : i + 16] + b"\1", "little")) * r % (2**130 - 5)
    right = (total + int.from_bytes(once[16:32], "little") & 2**128 - 1).to_bytes(16, "little")
    if not hmac.compare_digest(right, tag):
        return None
    stream = b"".join(block(1 + i) for i in range(-(-len(sealed) // 64)))
    return bytes(a ^ b for a, b in zip(sealed, stream))
