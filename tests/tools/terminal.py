"""Drives a program on a pseudo-terminal, with Python's standard library alone.

A JSON document on standard input says what to do: {"argv": [...], "cwd": "...", "env": ["NAME=VALUE", ...],
"steps": [...]}. A step waits for a regular expression in what the terminal shows after the step before,
then types its text; `$1` in it is what the last group matched. A step with "echo" says whether the terminal must echo then.
"size" is [rows, columns].
The transcript goes to standard output, the program's exit status is ours; 99: a step was not met.
"""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios


def main() -> int:
    plan = json.load(sys.stdin)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(plan["cwd"])
        # Whoever runs the tests in the background has it ignored, and children inherit that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        rows, columns = plan.get("size", [0, 0])
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        variables = dict(one.split("=", 1) for one in plan.get("env", []))
        environment = {"TERM": "xterm", "USER": "operator", **variables}
        os.execve(plan["argv"][0], plan["argv"], environment)
    shown, at, captured = b"", 0, ""

    def more() -> bool:
        nonlocal shown
        ready, _, _ = select.select([terminal], [], [], 60)
        if not ready:  # it waits for an answer that no step has
            os.kill(pid, signal.SIGKILL)
            return False
        try:
            chunk = os.read(terminal, 65536) if ready else b""
        except OSError:  # the program has closed the terminal
            chunk = b""
        shown += chunk
        return bool(chunk)

    for step in plan["steps"]:
        while True:
            found = re.compile(step["expect"].encode()).search(shown, at)
            if found:
                break
            if not more():
                sys.stdout.buffer.write(shown)
                print(f"not met: {step['expect']!r}", file=sys.stderr)
                return 99
        at = found.end()
        if found.groups():
            captured = found.group(1).decode()
        if "echo" in step:
            echoes = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
            if echoes != step["echo"]:
                print(f"echo is {echoes} at {step['expect']!r}", file=sys.stderr)
                return 99
        os.write(terminal, step["type"].replace("$1", captured).encode())
    while more():
        pass
    sys.stdout.buffer.write(shown)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


sys.exit(main())
