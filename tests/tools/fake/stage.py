"""The program against a stand-in: keys for several requests at once, and what it says looked at as a whole."""

import os
import pathlib
import re
import subprocess
import sys

from stage import Program

ONLINE = ("import begin", "import finish", "provider status", "shred")


class Stage(Program):
    """`reached`: the arguments that say how the service is reached, whatever the command."""

    def __init__(self, root, program, keys, reached):
        self.keys, self.reached = pathlib.Path(keys).resolve(), reached
        super().__init__(program, root, {"HOME": str(root), "PATH": os.environ["PATH"]})

    def quorate(self, words, status=0, more=None):
        """What the program says, on both outputs; an error comes with a hint."""
        self.run([*map(str, words)], status=status, environment=more)
        return self.said

    def begin(self, words, out, status=0, more=None):
        """A request from the service: the SHA-256 of its wrapping key, or why there is none."""
        words = ["-C", "acme", "import", "begin", *words, "--out", out, *self.reached]
        if status:
            return self.quorate(words, status, more)
        return self.json(words, environment=more)["wrapping-key"]

    def make(self, name, kind, requests, package):
        """A key of a kind, wrapped for every request: (file, SHA-256 of its wrapping key)."""
        confirm = [part for file, key in requests for part in ("--for", file, "--wrapping-key", key)]
        if kind.startswith("rsa"):
            self.acme(["add", name, "--file", str(self.keys / f"{kind}.pem")])
            self.taken_out(name, ["--to", f"package:{package}", *confirm])
        else:
            self.acme(["generate", name, "--kind", kind, *confirm, "--package", package])

    def taken_out(self, name, words):
        cards = [f"acme-cards/{card}" for card in sorted(os.listdir(self.root / "acme-cards"))[:2]]
        self.acme(["recover", name, *words, "--card", *cards])

    def again(self, name, request, package):
        """The key of the backup, wrapped for a request that is made now."""
        wrapping = self.begin(["--again", name], request)
        self.taken_out(name, ["--to", f"package:{package}", "--for", request, "--wrapping-key", wrapping])

    def raw(self, name, file):
        """The key itself, recovered to a file."""
        self.taken_out(name, ["--to", f"file:{file}"])
        return (self.root / file).read_bytes()

    def finish(self, package, status=0, more=None):
        return self.quorate(["-C", "acme", "import", "finish", package, *self.reached], status, more)

    def status(self, status=0, words=(), more=None):
        return self.quorate(["-C", "acme", "provider", "status", *words, *self.reached], status, more)

    def shred(self, words, status=0, more=None):
        return self.quorate(["-C", "acme", "shred", *words, "--yes", *self.reached], status, more)

    def parts(self, parts):
        """Runs the parts of a script, or those that its arguments name."""
        for part in parts:
            if not sys.argv[3:] or part.__name__ in sys.argv[3:]:
                part(self)

    def phases(self, name):
        """The phases of the records about stopping a key."""
        found, intents = [], set()
        for one in self.records("shred"):
            if one["details"].get("name") == name:
                intents.add(one["seq"])
                found.append(one["phase"])
            elif one["details"].get("intent") in intents:
                found.append(one["phase"])
        return found

    def console(self, name):
        """Runs the console of a page of the guide: what follows a `$` says what stands below it, `…` for anything.

        How the service is reached (its address, its authority) is added: the page shows the usual one. `$NOTED` is
        the SHA-256 of the wrapping key that was shown last, as people note it.
        """
        page = pathlib.Path(__file__).parents[3] / "docs" / "providers" / f"{name}-online.md"
        tools = self.root / "bin"
        tools.mkdir()
        (tools / "quorate").symlink_to(self.program)
        environment = self.environment | {"PATH": f"{tools}:{os.environ['PATH']}"}
        count = 0
        for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.S):
            for step in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.M)[1:]:
                command, _, wanted = step.partition("\n")
                if any(word in command for word in ONLINE):
                    command = " ".join([command, *self.reached])
                ran = subprocess.run(["sh", "-c", command], cwd=self.root, env=environment, capture_output=True, stdin=subprocess.DEVNULL)
                text = (ran.stdout + ran.stderr).decode()
                # On a line of its own it stands for any lines, in a line for any part of it.
                lines = [r"(?:.*\n)*" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n" for line in wanted.splitlines()]
                assert re.fullmatch("".join(lines), text), f"{command}\n{text}\nis not\n{wanted}"
                noted = re.search(r"whole request ([0-9a-f ]{71})\n", text)
                environment |= {"NOTED": noted.group(1)} if noted else {}
                count += 1
        assert count > 4
