"""Holds a command at a system call and looks for secrets in its memory, from outside.

scan.py CALL WHEN COMMAND...

Runs the command under strace, which holds it when it enters CALL for the WHEN-th time. Prints
"held", reads one line from standard input, a JSON object of names and hex bytes, and prints a JSON
object of the names that it found and where: the mapping, the form (raw, hex, base64) and how often.
Then it ends the command. A scan within the program would find only what its own buffers had not
overwritten; this one reads /proc/PID/mem, which for a process that is not dumpable takes root.

Every needle is looked for as the 16 bytes in its middle as well: an allocator writes over the first
bytes of a block that is freed. From a seed that is named so, what the libraries expand it to is
looked for too.
"""

import base64
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

ORDER = 2**252 + 27742317777372353535851937790883648493
NUMBERS = {
    "x86_64": {"exit_group": 231, "renameat2": 316, "rename": 82},
    "aarch64": {"exit_group": 94, "renameat2": 276},
}


def expand(needles):
    """Adds what follows from the seeds."""
    for name, secret in list(needles.items()):
        if name == "identity seed":  # X-Wing: ML-KEM d and z, and the X25519 scalar
            wide = hashlib.shake_256(secret).digest(96)
            needles["ML-KEM d"], needles["ML-KEM z"], needles["X25519 scalar"] = wide[:32], wide[32:64], wide[64:]
        if name == "signing seed":  # RFC 8032
            wide = bytearray(hashlib.sha512(secret).digest())
            needles["Ed25519 prefix"] = bytes(wide[32:])
            wide[0] &= 248
            wide[31] = wide[31] & 63 | 64
            needles["Ed25519 clamped"] = bytes(wide[:32])
            needles["Ed25519 scalar"] = (int.from_bytes(wide[:32], "little") % ORDER).to_bytes(32, "little")
    return needles


def forms(secret):
    middle = secret[len(secret) // 2 - 8 :][:16] if len(secret) > 24 else secret
    yield "raw", middle
    yield "hex", middle.hex().encode()
    yield "hex", middle.hex().upper().encode()
    for shift in range(3):
        # What base64 makes of the bytes wherever they lie, without the edges that depend on others.
        text = base64.b64encode(b"\0" * shift + secret).rstrip(b"=")
        yield "base64", text[4 : len(text) - 2][-40:]


def held(pid, number):
    """Waits until every look for a while finds the process in this system call."""
    steady = 0
    while steady < 15:
        try:
            with open(f"/proc/{pid}/syscall") as file:
                steady = steady + 1 if file.read().split()[0] == str(number) else 0
        except (FileNotFoundError, ProcessLookupError):
            sys.exit("the command ended before it was held")
        time.sleep(0.02)


def scan(pid, needles):
    found = {}
    with open(f"/proc/{pid}/maps") as file:
        maps = [line.split(None, 5) for line in file]
    total = 0
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for span, rights, *_, inode_and_path in (
            (line[0], line[1], line[5].strip() if len(line) > 5 else "anonymous") for line in maps
        ):
            if "r" not in rights or inode_and_path in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            start, end = (int(side, 16) for side in span.split("-"))
            content = b""
            memory.seek(start)
            while len(content) < end - start:
                piece = memory.read(min(end - start - len(content), 1 << 24))
                if not piece:
                    break
                content += piece
            total += len(content)
            for name, secret in needles.items():
                for form, text in forms(secret):
                    count = content.count(text)
                    if count:
                        found.setdefault(name, []).append(f"{inode_and_path} {rights} {form} {count}")
    return found, total


def main():
    call, when, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    number = NUMBERS[os.uname().machine][call]
    inject = f"inject={call}:delay_enter=60000000:when={when}"
    strace = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    pid = None
    while pid is None:
        if strace.poll() is not None:
            sys.exit("strace ended")
        with open(f"/proc/{strace.pid}/task/{strace.pid}/children") as file:
            children = file.read().split()
        for child in children:
            # strace has short-lived children of its own.
            with contextlib.suppress(FileNotFoundError):
                if os.readlink(f"/proc/{child}/exe").endswith(os.path.basename(command[0])):
                    pid = int(child)
        time.sleep(0.01)
    held(pid, number)
    print("held", flush=True)
    needles = {name: bytes.fromhex(text) for name, text in json.loads(sys.stdin.readline()).items()}
    found, total = scan(pid, expand(needles))
    print(json.dumps({"found": found, "bytes": total}), flush=True)
    os.kill(pid, signal.SIGKILL)
    strace.kill()
    strace.wait()


main()
