"""A PKCS#11 client that isn't ours, for what pkcs11-tool has no words for: attributes by name, given and read.

    pkcs11_client.py MODULE LABEL PIN generate MECHANISM NAME=VALUE…    a secret key, by C_GenerateKey
    pkcs11_client.py MODULE LABEL PIN create NAME=VALUE…                any object, by C_CreateObject
    pkcs11_client.py MODULE LABEL PIN set NAME=VALUE… -- NAME=VALUE…    objects like the first, changed to the second
    pkcs11_client.py MODULE LABEL PIN show NAME… -- NAME=VALUE…         one line for each object like the second: hexadecimal or -
    pkcs11_client.py MODULE LABEL PIN copy NAME=VALUE… -- NAME=VALUE…   a copy of the object like the first, as the second

PIN is `so:…` for the security officer. A value is yes or no, a number with 0x, a list of them with commas in brackets,
text behind a colon, or bytes in hexadecimal behind an x. It needs Python's standard library alone.
"""

import ctypes
import sys

ULONG = ctypes.c_ulong
NAMES = {
    "class": 0, "token": 1, "private": 2, "label": 3, "application": 0x10, "value": 0x11, "trusted": 0x86,
    "key-type": 0x100, "id": 0x102, "sensitive": 0x103, "encrypt": 0x104, "decrypt": 0x105, "wrap": 0x106,
    "unwrap": 0x107, "sign": 0x108, "verify": 0x10A, "derive": 0x10C, "start-date": 0x110, "end-date": 0x111,
    "value-len": 0x161, "extractable": 0x162, "local": 0x163, "ec-params": 0x180, "ec-point": 0x181,
    "wrap-with-trusted": 0x210, "modulus": 0x120, "public-exponent": 0x122, "allowed": 0x40000600,
}


class Attribute(ctypes.Structure):
    """CK_ATTRIBUTE; CK_MECHANISM has the same shape."""

    _fields_ = [("type", ULONG), ("value", ctypes.c_void_p), ("length", ULONG)]


def value(text):
    """The bytes of a value."""
    if text in ("yes", "no"):
        return bytes([text == "yes"])
    if text.startswith("["):
        return b"".join(value(one) for one in text.strip("[]").split(","))
    if text.startswith("0x"):
        return int(text, 16).to_bytes(ctypes.sizeof(ULONG), sys.byteorder)
    return bytes.fromhex(text[1:]) if text.startswith("x") else text.removeprefix(":").encode()


def template(words):
    """An array of attributes, its length, and what it points into."""
    pairs = [word.split("=", 1) for word in words]
    kept = [ctypes.create_string_buffer(value(text), max(1, len(value(text)))) for _, text in pairs]
    array = (Attribute * len(pairs))()
    for place, ((name, text), buffer) in enumerate(zip(pairs, kept)):
        array[place] = Attribute(NAMES[name], ctypes.addressof(buffer), len(value(text)))
    return array, ULONG(len(pairs)), kept


class Module:
    """The functions of a module, by their place in the list of version 2."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        start = ctypes.c_void_p()
        assert self.library.C_GetFunctionList(ctypes.byref(start)) == 0
        self.calls = ctypes.cast(start.value + ctypes.sizeof(ctypes.c_void_p), ctypes.POINTER(ctypes.c_void_p))

    def __call__(self, place, *arguments):
        call = ctypes.CFUNCTYPE(ULONG, *[ctypes.c_void_p] * len(arguments))(self.calls[place])
        plain = [argument.value if isinstance(argument, ULONG) else argument for argument in arguments]
        code = call(*plain)
        if code:
            sys.exit(f"function {place} gave {code:#x}")


def main(path, label, pin, what, *words):
    module = Module(path)
    module(0, None)
    count = ULONG()
    module(4, 1, None, ctypes.byref(count))
    slots = (ULONG * count.value)()
    module(4, 1, slots, ctypes.byref(count))
    info = ctypes.create_string_buffer(512)
    for slot in slots:
        module(6, slot, info)
        if info.raw[:32].decode(errors="replace").rstrip() == label:
            break
    else:
        sys.exit("no such token")
    session = ULONG()
    module(12, slot, 6, None, None, ctypes.byref(session))
    role, pin = (0, pin[3:]) if pin.startswith("so:") else (1, pin)
    module(18, session, role, pin.encode(), len(pin))
    made = ULONG()
    first, behind = list(words), []
    if "--" in first:
        at = first.index("--")
        first, behind = first[:at], first[at + 1:]

    def found(words):
        array, length, kept = template(words)
        module(26, session, array, length)
        handles, some = (ULONG * 100)(), ULONG()
        module(27, session, handles, 100, ctypes.byref(some))
        module(28, session)
        return list(handles)[: some.value]

    if what == "generate":
        array, length, kept = template(first[1:])
        mechanism = Attribute(int(first[0], 16), None, 0)
        module(58, session, ctypes.byref(mechanism), array, length, ctypes.byref(made))
    elif what == "create":
        array, length, kept = template(first)
        module(20, session, array, length, ctypes.byref(made))
    elif what == "set":
        for handle in found(first):
            array, length, kept = template(behind)
            module(25, session, handle, array, length)
    elif what == "copy":
        (handle,) = found(first)
        array, length, kept = template(behind)
        module(21, session, handle, array, length, ctypes.byref(made))
    else:
        for handle in found(behind):
            line = []
            for name in first:
                buffer = ctypes.create_string_buffer(4096)
                one = Attribute(NAMES[name], ctypes.addressof(buffer), 4096)
                call = ctypes.CFUNCTYPE(ULONG, *[ctypes.c_void_p] * 4)(module.calls[24])
                code = call(session.value, handle, ctypes.byref(one), 1)
                good = code == 0 and 0 < one.length < 4096
                line.append(buffer.raw[: one.length].hex() if good else "-")
            print(" ".join(line))
    module(1, None)


main(*sys.argv[1:])
