"""Makes rsa.txt: RSA private keys that an import must refuse, and other encodings of good ones.

Run it with the standard library of Python alone: python3 make.py > rsa.txt
Each line is a name and the base64 of an RSAPrivateKey (RFC 8017). The keys protect nothing.
"""
import base64, math, random

random.seed("quorate test keys")
E = 65537


def prime(n):
    if any(n % small == 0 for small in range(3, 2000, 2)):
        return False
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(12):
        x = pow(random.randrange(2, n - 1), odd, n)
        if x not in (1, n - 1) and not any((x := x * x % n) == n - 1 for _ in range(twos - 1)):
            return False
    return True


def next_prime(n):
    n |= 1
    while not (prime(n) and math.gcd(n - 1, 3 * 17 * E) == 1):
        n += 2
    return n


def some_prime(bits):
    return next_prime(random.getrandbits(bits) | 3 << bits - 2)


def length(n):
    return bytes([n]) if n < 128 else (lambda b: bytes([128 + len(b)]) + b)(n.to_bytes((n.bit_length() + 7) // 8, "big"))


def integer(n):
    body = n.to_bytes(n.bit_length() // 8 + 1, "big")
    return b"\x02" + length(len(body)) + body


def der(p, q, e=E, d=None, n=None, dp=None, dq=None, qinv=None):
    l = math.lcm(p - 1, q - 1)
    d = d or pow(e, -1, l)
    inverse = pow(q, -1, p) if math.gcd(p, q) == 1 else 1
    numbers = [0, n or p * q, e, d, p, q, dp or d % (p - 1), dq or d % (q - 1), qinv or inverse]
    body = b"".join(map(integer, numbers))
    return b"\x30" + length(len(body)) + body


def show(name, *args, **kwargs):
    print(name, base64.b64encode(der(*args, **kwargs)).decode())


p, q, r = sorted((some_prime(1024) for _ in range(3)), reverse=True)
phi, lam = (p - 1) * (q - 1), math.lcm(p - 1, q - 1)
d = pow(E, -1, lam)
show("good", p, q)
show("good-swapped", q, p)
show("good-phi", p, q, d=pow(E, -1, phi))
show("exponent", p, q, e=3)
show("exponent", p, q, e=17)
show("exponent", p, q, e=65536, d=d)
show("exponent", p, q, e=next_prime(1 << 32))
show("modulus", p, q, n=p * r)
show("modulus", p, q, n=p * q - 2)
show("private", p, q, d=d ^ 4)
show("private", p, q, d=pow(E, -1, r - 1))
show("private", p, q, d=d + phi * 8)
show("crt", p, q, dp=d % (p - 1) ^ 1)
show("crt", p, q, dq=d % (q - 1) ^ 1)
show("crt", p, q, qinv=pow(q, -1, p) ^ 1)
show("crt", p, q, qinv=pow(p, -1, q))
show("crt", p, q, dp=d % (p - 1) + p - 1)
show("equal", p, p, d=pow(E, -1, p - 1))
show("close", p, next_prime(p + 2**900))
show("close", next_prime(p + 2**410), p)
while True:
    a, b = some_prime(512), some_prime(512)
    if (a * b).bit_length() == 1024 and math.gcd(a * b - 1, E) == 1:
        break
show("composite", a * b, q)
show("half", some_prime(1000), some_prime(1048))
show("size", some_prime(512), some_prime(512))
show("size", some_prime(1032), some_prime(1032))
show("size", some_prime(1000), some_prime(1000))
