"""What the scripts that drive real services share: a folder with an escrow, the program, and a proxy that breaks off.

The proxy stands between the program and a service on 127.0.0.1. A rule looks at each request and says what becomes of
it: `None` lets it pass; `drop` passes it on and loses the reply; `hang` never answers; `kill` kills the program before
anything is passed on; `die` passes it on, then kills the program; a pair (status, bytes) is answered instead;
(`after`, status, bytes) passes it on, and answers so all the same.
Everything ends with the script.
"""

import http.client
import http.server
import json
import os
import pathlib
import socket
import subprocess
import threading


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Proxy:
    def __init__(self, port):
        outer = self
        self.rule = lambda method, path, headers: None
        self.seen, self.victim, self.stopping = [], None, threading.Event()

        class Passing(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def pass_on(self):
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length)
                target = (self.headers.get("x-amz-target") or "").split(".")[-1]
                outer.seen.append(target or f"{self.command} {self.path}")
                what = outer.rule(self.command, self.path, target)
                if what == "hang":
                    outer.stopping.wait(60)
                if what == "kill":
                    outer.victim.kill()
                if what in ("hang", "kill"):
                    self.close_connection = True
                    return
                if isinstance(what, tuple) and what[0] != "after":
                    status, answer = what
                else:
                    upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                    headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                    upstream.request(self.command, self.path, body, headers)
                    reply = upstream.getresponse()
                    status, answer = reply.status, reply.read()
                    if isinstance(what, tuple):
                        _, status, answer = what
                if what == "die":
                    outer.victim.kill()
                if what in ("drop", "die"):
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                try:
                    self.wfile.write(answer)
                except OSError:
                    # Who asked is dead, or has heard enough.
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = pass_on

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Passing)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self):
        self.stopping.set()
        self.server.shutdown()


class Program:
    """The program in a folder, with an environment of its own."""

    def __init__(self, program, root, environment, before=()):
        self.program, self.root = os.path.abspath(program), pathlib.Path(root)
        self.environment, self.before, self.count = {"USER": "operator", **environment}, list(before), 0
        words = ["init", "acme", "-t", "2", "--memory", "64", "--skip-scan-back", "everybody"]
        self.run([*words, "--custodian", "alice=open", "bob=open", "carol=open"])

    def run(self, words, status=0, says="", environment=None, proxy=None):
        """Runs it; its exit status and its words must be these. What it writes comes back."""
        env = {**self.environment, **(environment or {})}
        env = {name: value for name, value in env.items() if value is not None}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
        ran = subprocess.Popen([self.program, *words], cwd=self.root, env=env, **pipes)
        if proxy:
            proxy.victim = ran
        out, err = (stream.decode() for stream in ran.communicate())
        self.said = out + err
        assert ran.returncode == status, f"{words} ended with {ran.returncode}, not {status}\n{out}{err}"
        wanted = [says] if isinstance(says, str) else says
        for text in wanted:
            assert text in out + err, f"{words} does not say {text!r}\n{out}{err}"
        if status not in (0, -9):
            assert "quorate: error: " in err and "quorate: hint: " in err, err
        return out

    def json(self, words, **more):
        return json.loads(self.run(["--json", *words], **more))

    def acme(self, words, **more):
        return self.run(["-C", "acme", *words], **more)

    def new(self, stem):
        self.count += 1
        return f"{stem}-{self.count}"

    def begin(self, words, **more):
        """A request from the service: its file, and the SHA-256 of the wrapping key."""
        file = self.new("request")
        shown = self.json(["-C", "acme", "import", "begin", *words, *self.before, "--out", file], **more)
        return file, shown["wrapping-key"], shown["place"]

    def generate(self, name, kind, request):
        folder = self.new("out")
        words = ["generate", name, "--kind", kind, "--for", request[0], "--wrapping-key", request[1]]
        self.acme([*words, "--package", folder])
        return folder

    def recover(self, name, request):
        """The key of the backup, wrapped as the request asks."""
        folder = self.new("out")
        cards = [f"acme-cards/{card}" for card in sorted(os.listdir(self.root / "acme-cards"))][:2]
        words = ["recover", name, "--to", f"package:{folder}", "--for", request[0], "--wrapping-key", request[1]]
        self.acme([*words, "--card", *cards])
        return folder

    def finish(self, folder, **more):
        return self.acme(["import", "finish", folder, *self.before], **more)

    def status(self, *words, **more):
        return self.acme(["provider", "status", *words, *self.before], **more)

    def shred(self, *words, **more):
        return self.acme(["shred", *words, *self.before], **more)

    def records(self, op):
        lines = []
        for file in sorted((self.root / "acme" / "log").iterdir()):
            lines += [json.loads(line) for line in file.read_text().splitlines()]
        return [line for line in lines if line["op"] == op]
