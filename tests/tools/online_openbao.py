"""Drives a real OpenBao through the program's own client: online_openbao.py PROGRAM KEYS.

Two servers on 127.0.0.1 that end with this script, one with TLS. Every kind begun, wrapped and finished with tokens of
the smallest rights; versions; the moments of death; what is found when somebody deletes or exchanges a key;
stopping and destroying; and what is refused, each with a sentence that names the rule.
"""

import base64
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from stage import Program, Proxy, free_port

PROGRAM, KEYS = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
KINDS = ["aes-128", "aes-256", "hmac-256", "hmac-384", "hmac-512", "ec-p256", "ec-p384", "ec-p521", "ed25519"]
ADDED = ["rsa-2048", "rsa-3072", "rsa-4096"]


class Bao:
    def __init__(self, root):
        self.port = free_port()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        words = ["bao", "server", "-dev", "-dev-no-store-token", "-dev-root-token-id=root"]
        self.server = subprocess.Popen([*words, f"-dev-listen-address=127.0.0.1:{self.port}"], cwd=root, **quiet)
        self.tls_port = free_port()
        (root / "tls").mkdir()
        tls = ["-dev-tls", f"-dev-tls-cert-dir={root}/tls", f"-dev-listen-address=127.0.0.1:{self.tls_port}"]
        self.tls = subprocess.Popen([*words, *tls], cwd=root, **quiet)
        for _ in range(600):
            try:
                if self.call("GET", "sys/health")[0] == 200 and list((root / "tls").glob("*ca.pem")):
                    break
            except OSError:
                time.sleep(0.1)
        assert self.call("POST", "sys/mounts/transit", {"type": "transit"})[0] == 204
        assert self.call("POST", "sys/mounts/team/keys", {"type": "transit"})[0] == 204

    def call(self, method, path, body=None, token="root"):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/{path}", data=data, method=method)
        request.add_header("X-Vault-Token", token)
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                text = reply.read()
                return reply.status, json.loads(text) if text else {}
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    def end(self):
        for server in (self.server, self.tls):
            server.kill()
            server.wait()


def token(bao, program, role, key, kind="aes-256"):
    """A token that may do this duty for this key, and nothing else."""
    policy = program.run(["provider", "policy", "openbao", "--role", role, "--key", key, "--kind", kind])
    assert bao.call("POST", f"sys/policies/acl/{role}-{key}", {"policy": policy})[0] == 204
    body = {"policies": [f"{role}-{key}"], "no_default_policy": True}
    made = bao.call("POST", "auth/token/create", body)[1]["auth"]["client_token"]
    return {"BAO_TOKEN": made}


def duties(bao, program):
    for kind in KINDS + ADDED:
        who = {role: token(bao, program, role, kind, kind) for role in ("importer", "prover", "auditor")}
        # Each thing is refused, by the name of its right, to those whose duty it isn't.
        missing = f"openbao refuses read on transit/wrapping_key"
        program.acme(
            ["import", "begin", "openbao", "--kind", kind, "--set", f"key={kind}", *program.before, "--out", "no"],
            status=1, says=missing, environment=who["auditor"],
        )
        request = program.begin(
            ["openbao", "--kind", kind, "--set", f"key={kind}"], environment=who["importer"]
        )
        if kind in ADDED:
            program.acme(["add", kind, "--file", str(KEYS / f"{kind}.pem")])
            folder = program.recover(kind, request)
        else:
            folder = program.generate(kind, kind, request)
        says = f"openbao refuses update on transit/keys/{kind}/import"
        program.finish(folder, status=1, says=says, environment=who["prover"])
        if kind.startswith(("aes", "hmac")):
            # The importer may not use the key: it is there, and not proven yet.
            way = "decrypt" if kind.startswith("aes") else "hmac"
            says = f"openbao refuses update on transit/{way}/{kind}"
            program.finish(folder, status=1, says=says, environment=who["importer"])
            assert not [one for one in program.records("import") if one["details"]["name"] == kind]
            out = program.finish(folder, says=": proven", environment=who["prover"])
            assert "had it already" in out, out
        else:
            program.finish(folder, says=": proven", environment=who["importer"])
        program.finish(folder, says="had it already", environment=who["prover"])
        records = [one for one in program.records("import") if one["details"]["name"] == kind]
        assert len(records) == 1 and records[0]["details"]["id"].split("@")[0] == "1", records
        program.status(kind, says="as the log says", environment=who["auditor"])
        data = bao.call("GET", f"transit/keys/{kind}")[1]["data"]
        assert data["latest_version"] == 1 and not data["exportable"], data
    print(f"{len(KINDS + ADDED)} kinds are imported and proven with the smallest rights, each once")


def first(program, name, kind="aes-256", more=()):
    request = program.begin(["openbao", "--kind", kind, "--set", f"key={name}", *more])
    folder = program.generate(name, kind, request)
    program.finish(folder, says=": proven")
    return folder


def versions(bao, program):
    first(program, "line", more=["--set", "mount=team/keys"])
    plain = {"plaintext": base64.b64encode(b"old").decode()}
    old = bao.call("POST", "team/keys/encrypt/line", plain)[1]["data"]["ciphertext"]
    for number in (2, 3):
        folder = program.generate("line", "aes-256", program.begin(["--next", "line"]))
        program.finish(folder, says=f"line version {number} is at line: proven")
    assert bao.call("GET", "team/keys/keys/line")[1]["data"]["latest_version"] == 3
    assert bao.call("POST", "team/keys/encrypt/line", plain)[1]["data"]["ciphertext"].startswith("vault:v3:")
    program.status("line")
    # Somebody deletes it: that is found, and every version comes back from its backup, in order.
    assert bao.call("POST", "team/keys/keys/line/config", {"deletion_allowed": True})[0] in (200, 204)
    assert bao.call("DELETE", "team/keys/keys/line")[0] == 204
    out = program.status("line", status=4, says="line@1 at openbao line: gone (not there); the log says that it is in use")
    assert out.count("gone") == 3
    program.acme(
        ["import", "begin", "--again", "line@2", *program.before, "--out", "no"], status=1, says="has 0 versions, so the next one is 1"
    )
    for number in (1, 2, 3):
        request = program.begin(["--again", f"line@{number}"])
        program.finish(program.recover(f"line@{number}", request), says=": proven")
    assert bao.call("POST", "team/keys/decrypt/line", {"ciphertext": old})[0] == 200
    program.status("line")
    values = program.json(["-C", "acme", "provider", "status", "line", *program.before])
    assert [value["version"] for value in values] == [1, 2, 3] and not any(value["differs"] for value in values)
    # The whole of it is stopped, version by version, the older ones first.
    program.shred("line@2", "--yes", status=1, says="has versions before 2, which this server deletes with it")
    program.shred("line@1", "--yes", says=["gone", "what still exists:", "as long as a backup and enough cards exist"])
    assert bao.call("POST", "team/keys/decrypt/line", {"ciphertext": old})[0] != 200
    program.shred("line@2", "--disable", "--yes", says="disabled (min_decryption_version is 3)")
    assert bao.call("GET", "team/keys/keys/line")[1]["data"]["min_decryption_version"] == 3
    program.shred("line@3", "--yes", status=1, says="the whole key")
    program.status("line")
    program.shred("line", status=2, says="it was not confirmed")
    out = program.json(["-C", "acme", "shred", "line", "--yes", *program.before])
    assert [one["state"] for one in out["stopped"]] == ["gone"] * 3 and len(out["backups"]) == 3, out
    assert bao.call("GET", "team/keys/keys/line")[0] == 404
    program.status("line")
    program.shred("line", "--yes", says="is stopped already")
    phases = [(one["phase"], one["details"].get("how")) for one in program.records("shred")]
    assert phases.count(("done", "destroy")) == 3 and ("failed", None) in phases, phases
    print("versions, a loss, the way back, and the end of each are in the log as they are there")


def exchanged(bao, program):
    first(program, "mine")
    # Somebody makes another key under the name: for AES the moment it was made tells, for EC the public key.
    assert bao.call("POST", "transit/keys/mine/config", {"deletion_allowed": True})[0] in (200, 204)
    assert bao.call("DELETE", "transit/keys/mine")[0] == 204
    time.sleep(1.1)
    assert bao.call("POST", "transit/keys/mine", {"type": "aes256-gcm96"})[0] in (200, 204)
    program.status("mine", status=4, says="and the log says 1@")
    folder = first(program, "sign", "ec-p256")
    assert bao.call("POST", "transit/keys/sign/config", {"deletion_allowed": True})[0] in (200, 204)
    assert bao.call("DELETE", "transit/keys/sign")[0] == 204
    assert bao.call("POST", "transit/keys/sign", {"type": "ecdsa-p256"})[0] in (200, 204)
    program.status("sign", status=4, says="it holds ")
    program.finish(folder, status=4, says="it holds another key")
    # A package whose place another key took before it.
    request = program.begin(["openbao", "--kind", "aes-256", "--set", "key=taken"])
    folder = program.generate("taken", "aes-256", request)
    assert bao.call("POST", "transit/keys/taken", {"type": "aes256-gcm96"})[0] in (200, 204)
    program.finish(folder, status=4, says="holds another key")
    assert not [one for one in program.records("import") if one["details"]["name"] == "taken"]
    print("another key under the name is found, and proven by nothing")


def deaths(bao, program, proxy):
    count = 0
    for kind in ("aes-256", "hmac-256", "ed25519"):
        for how in ("kill", "die", "drop", "hang"):
            for version in (1, 2):
                name = f"{kind}-{how}"
                words = ["openbao", "--kind", kind, "--set", f"key={name}"] if version == 1 else ["--next", name]
                folder = program.generate(name, kind, program.begin(words))
                importing = f"/keys/{name}/import"
                proxy.rule = lambda method, path, _: how if method == "POST" and importing in path else None
                died = how in ("kill", "die")
                says = "" if died else ["whether it was done is not known", "run the same command again"]
                timeout = ["--call-timeout", "2"] if how == "hang" else []
                program.acme(
                    ["import", "finish", folder, *program.before, *timeout],
                    status=-9 if died else 1, says=says, proxy=proxy,
                )
                proxy.rule = lambda *_: None
                proxy.seen.clear()
                done = how in ("die", "drop")
                out = program.finish(folder, says=": proven")
                imports = [path for path in proxy.seen if importing in path]
                assert len(imports) == (0 if done else 1), (how, proxy.seen)
                assert ("had it already" in out) == done, out
                assert bao.call("GET", f"transit/keys/{name}")[1]["data"]["latest_version"] == version
                count += 1
        program.status()
    print(f"{count} imports that were broken off are finished by the same command, each imported once")


def stops(bao, program, proxy):
    for how in ("kill", "die", "drop"):
        name = f"stop-{how}"
        first(program, name)
        proxy.rule = lambda method, path, _: how if method == "DELETE" else None
        died = how in ("kill", "die")
        program.shred(name, "--yes", status=-9 if died else 1, says="" if died else "not known", proxy=proxy)
        proxy.rule = lambda *_: None
        open_before = [one for one in program.records("shred") if one["details"].get("name") == name]
        assert [one["phase"] for one in open_before] == ["intent"]
        program.shred(name, "--yes", says="gone")
        phases = [one["phase"] for one in program.records("shred") if one["details"].get("name") == name]
        assert phases == ["intent", "done"] and bao.call("GET", f"transit/keys/{name}")[0] == 404
    who = token(bao, program, "shredder", "few")
    first(program, "few")
    program.shred("few", "--yes", status=1, says="openbao refuses update on transit/keys/few/config",
                  environment=token(bao, program, "auditor", "few"))
    program.shred("few", "--yes", says="gone", environment=who)
    # The wrapping key lasts: the same package brings the key back, and the log says so though nothing else differs.
    folder = first(program, "back", "hmac-256")
    program.shred("back", "--yes", says="gone")
    program.finish(folder, says=": proven")
    program.status("back", says="enabled")
    program.finish(folder, says="had it already")
    assert len([one for one in program.records("import") if one["details"]["name"] == "back"]) == 2
    # What is not there, and was never stopped, is no success; another key under the name is left alone.
    first(program, "lost")
    def lose():
        assert bao.call("POST", "transit/keys/lost/config", {"deletion_allowed": True})[0] in (200, 204)
        assert bao.call("DELETE", "transit/keys/lost")[0] == 204
    lose()
    program.shred("lost", "--yes", status=4, says="is not there")
    assert [one["phase"] for one in program.records("shred")[-2:]] == ["intent", "failed"]
    # A version is known by the second when it was made.
    time.sleep(1.1)
    assert bao.call("POST", "transit/keys/lost", {"type": "aes256-gcm96"})[0] in (200, 204)
    program.shred("lost", "--yes", status=4, says="is another key than the log's")
    program.shred("lost", "--disable", "--yes", status=4, says="is another key than the log's")
    assert bao.call("GET", "transit/keys/lost")[1]["data"]["deletion_allowed"] is False
    lose()
    program.shred("lost", "--done", "--yes")
    program.status("lost")
    # Refused between two steps: the first one was taken, so the intent stays open.
    first(program, "half")
    policy = 'path "transit/keys/half" { capabilities = ["read"] }\npath "transit/keys/half/config" { capabilities = ["update"] }'
    assert bao.call("POST", "sys/policies/acl/half", {"policy": policy})[0] == 204
    made = bao.call("POST", "auth/token/create", {"policies": ["half"], "no_default_policy": True})[1]
    who = {"BAO_TOKEN": made["auth"]["client_token"]}
    program.shred("half", "--yes", status=1, says="a part of it was done, and then", environment=who)
    assert program.records("shred")[-1]["phase"] == "intent"
    program.shred("half", "--yes", says="gone")
    assert program.records("shred")[-1]["phase"] == "done"
    # By hand: the commands, then the word of whoever ran them.
    first(program, "hand")
    out = program.shred("hand", "--by-hand", says="bao delete transit/keys/hand")
    assert "nothing was done or logged yet" in out
    assert bao.call("POST", "transit/keys/hand/config", {"deletion_allowed": True})[0] in (200, 204)
    assert bao.call("DELETE", "transit/keys/hand")[0] == 204
    program.status("hand", status=4)
    program.shred("hand", "--done", "--yes", says="stopped by hand, as you say")
    program.status("hand")
    print("what was broken off while a key was destroyed is found and ended")


def watched(bao, program):
    """What the log can't know: a version that nobody escrowed, a key that may leave, and the same name elsewhere."""
    for kind in ("aes-256", "ec-p256", "hmac-256"):
        name = f"watch-{kind}"
        first(program, name, kind)
        program.status(name)
        # A version of nobody's backup, by the same wrapping key: what it encrypts is lost with this server.
        request = program.begin(["openbao", "--kind", kind, "--as", "version", "--set", f"key={name}"])
        blob = (program.root / program.generate(f"other-{kind}", kind, request) / "wrapped.b64").read_text()
        body = {"ciphertext": blob, "hash_function": "SHA256"}
        assert bao.call("POST", f"transit/keys/{name}/import_version", body)[0] in (200, 204)
        out = program.status(name, status=4, says="which no import of the log brought there: it is in no backup")
        assert "it uses 2" in out, out
        program.status(f"{name}@1", status=4, says="in no backup")
    first(program, "leaving")
    assert bao.call("POST", "transit/keys/leaving/config", {"allow_plaintext_backup": True})[0] in (200, 204)
    program.status("leaving", status=4, says="the key may be backed up in plain text, which no import asks for")
    folder = program.generate("leaving", "aes-256", program.begin(["--next", "leaving"]))
    program.finish(folder, status=1, says="may be backed up in plain text")
    assert bao.call("GET", "transit/keys/leaving")[1]["data"]["latest_version"] == 1
    # Somebody imported our very package, so that the key may leave, or the server makes versions by itself.
    for field, may in (("exportable", "may be exported"), ("allow_plaintext_backup", "may be backed up in plain text"), ("allow_rotation", "may be rotated by the server")):
        name = f"loose-{field.replace('_', '-')}"
        folder = first(program, name, "hmac-256")
        assert bao.call("POST", f"transit/keys/{name}/config", {"deletion_allowed": True})[0] in (200, 204)
        assert bao.call("DELETE", f"transit/keys/{name}")[0] == 204
        body = {"ciphertext": (program.root / folder / "wrapped.b64").read_text(), "type": "hmac", field: True}
        [hash_name] = re.findall(r"hash_function=(\w+)", (program.root / folder / "IMPORT.txt").read_text())
        assert bao.call("POST", f"transit/keys/{name}/import", {**body, "hash_function": hash_name})[0] in (200, 204)
        program.status(name, status=4, says=f"the key {may}, which no import asks for")
        before = program.records("import")
        program.finish(folder, status=1, says=f"{may}, as its settings say")
        assert program.records("import") == before
    # The lowest version that encrypts, set by somebody, stays when an older one is stopped.
    first(program, "lowest")
    for _ in (2, 3):
        program.finish(program.generate("lowest", "aes-256", program.begin(["--next", "lowest"])))
    assert bao.call("POST", "transit/keys/lowest/config", {"min_encryption_version": 3})[0] in (200, 204)
    program.shred("lowest@1", "--disable", "--yes", says="disabled")
    data = bao.call("GET", "transit/keys/lowest")[1]["data"]
    assert (data["min_decryption_version"], data["min_encryption_version"]) == (2, 3), data
    print("a version that nobody escrowed, and a key that may leave or be rotated there, are differences")


SEALED = (503, b'{"errors":["Vault is sealed"]}')


def afterwards(bao, program, proxy):
    """What was done, and answered as if it were not, is never said to be undone."""
    page = b"<html><body>Bad Gateway</body></html>"
    answers = [(503, b'{"errors":["no healthy upstream"]}'), (500, b'{"errors":["internal error"]}'), (502, page), (503, page), (504, b""), (200, page), (403, page)]
    def on(method, part, answer):
        proxy.seen.clear()
        proxy.rule = lambda verb, path, _: answer if verb == method and part in path else None
    for number, answer in enumerate(answers):
        name = f"after-{number}"
        folder = program.generate(name, "aes-256", program.begin(["openbao", "--kind", "aes-256", "--set", f"key={name}"]))
        on("POST", f"/{name}/import", ("after", *answer))
        out = program.finish(folder, status=1, says=["whether it was done is not known", "run the same command again"])
        assert "nothing was done" not in program.said, program.said
        proxy.rule = lambda *_: None
        assert "had it already" in program.finish(folder, says=": proven")
        on("DELETE", f"/{name}", ("after", *answer))
        program.shred(name, "--yes", status=1, says="whether it was done is not known")
        proxy.rule = lambda *_: None
        program.shred(name, "--yes", says="gone")
        phases = [one["phase"] for one in program.records("shred") if one["details"].get("name") == name]
        assert phases == ["intent", "done"], phases
    # It was accepted, and what is asked after it fails.
    def then(method, part, question, answer):
        proxy.seen.clear()
        done = lambda: any(one.startswith(method) and part in one for one in proxy.seen)
        proxy.rule = lambda verb, path, _: answer if done() and question(verb, path) else None
    for number, answer in enumerate([SEALED, (502, page), (500, b'{"errors":["no"]}'), "drop"]):
        for kind, question in (
            ("aes-256", lambda verb, path: verb == "GET"),
            ("hmac-256", lambda verb, path: "/hmac/" in path),
        ):
            name = f"then-{kind}-{number}"
            folder = program.generate(name, kind, program.begin(["openbao", "--kind", kind, "--set", f"key={name}"]))
            then("POST", f"/{name}/import", question, answer)
            program.finish(folder, status=1, says=["a part of it was done, and then", "run the same command again"])
            assert "nothing was" not in program.said, program.said
            proxy.rule = lambda *_: None
            assert "had it already" in program.finish(folder, says=": proven")
        then("DELETE", f"/{name}", lambda verb, path: verb == "GET", answer)
        program.shred(name, "--yes", status=1, says="a part of it was done, and then")
        proxy.rule = lambda *_: None
        program.shred(name, "--yes", says="gone")
        phases = [one["phase"] for one in program.records("shred") if one["details"].get("name") == name]
        assert phases == ["intent", "done"], phases
    # The server itself says that it did nothing.
    name = "idle"
    folder = program.generate(name, "aes-256", program.begin(["openbao", "--kind", "aes-256", "--set", f"key={name}"]))
    for answer in (SEALED, (429, b'{"errors":["rate limit quota exceeded"]}')):
        on("POST", f"/{name}/import", answer)
        program.finish(folder, status=1, says=["openbao can't do update on the key's import now", "nothing was done"])
    proxy.rule = lambda *_: None
    assert "had it already" not in program.finish(folder, says=": proven")
    on("POST", f"/{name}/config", SEALED)
    program.shred(name, "--yes", status=1, says="openbao can't do update on the key's config now")
    assert program.records("shred")[-1]["phase"] == "failed"
    proxy.rule = lambda *_: None
    program.shred(name, "--yes", says="gone")
    print(f"{len(answers)} answers that hide what was done, and looks that fail after it, say no untruth")


def drilled(bao, program):
    """A drill into a test key: the real key in a place of its own, proven, told from the one in use, and ended."""
    for kind in ("aes-256", "ec-p256", "hmac-512"):
        name = f"drilled-{kind}"
        first(program, name, kind)
        test = program.begin(["openbao", "--kind", kind, "--set", f"key={name}-test"])
        cards = [f"acme-cards/{card.name}" for card in sorted((program.root / "acme-cards").iterdir())][:2]
        folder = program.new("out")
        words = ["drill", name, "--to", f"package:{folder}", "--for", test[0], "--wrapping-key", test[1]]
        program.acme([*words, "--card", *cards], says="that package alone, for the test key")
        program.finish(folder, says=[": proven", f"`quorate shred {name}@1 --drilled` ends it"])
        assert bao.call("GET", f"transit/keys/{name}-test")[0] == 200
        program.status(name)
        # The next version goes to the key in use, which is not in doubt.
        program.finish(program.generate(name, kind, program.begin(["--next", name])), says=f"{name} version 2 is at {name}: proven")
        place = program.begin(["openbao", "--kind", kind, "--as", "version", "--set", f"key={name}"])
        again = ["drill", f"{name}@1", "--to", "package:no", "--for", place[0], "--wrapping-key", place[1], "--card", *cards]
        program.acme(again, status=2, says="a drill goes to a test key of its own")
        program.shred(f"{name}", "--drilled", "--yes", says="gone")
        assert bao.call("GET", f"transit/keys/{name}-test")[0] == 404
        assert bao.call("GET", f"transit/keys/{name}")[1]["data"]["latest_version"] == 2
        program.status(name)
    print("drills into test keys are proven there, and end there alone")


def apart(bao, program):
    """A test key is never a key in use, and nothing that is in use goes with what is stopped."""
    cards = [f"acme-cards/{card.name}" for card in sorted((program.root / "acme-cards").iterdir())][:2]

    def drill(name, request, **more):
        folder = program.new("out")
        words = ["drill", name, "--to", f"package:{folder}", "--for", request[0], "--wrapping-key", request[1], "--card", *cards]
        program.acme(words, **more)
        return folder

    there = lambda name: bao.call("GET", f"transit/keys/{name}")[0] == 200
    wish = lambda name, kind="aes-256": ["openbao", "--kind", kind, "--set", f"key={name}"]
    # Two requests for one place before there is anything: the drill's comes second.
    real, test = program.begin(wish("prod")), program.begin(wish("prod"))
    package, drilled = program.generate("prod", "aes-256", real), drill("prod", test)
    program.finish(package, says=": proven")
    program.finish(drilled, status=4, says="holds prod version 1, which is in use")
    program.shred("prod", "--drilled", "--yes", status=2, says="nothing that a drill of prod put")
    # And first, when somebody put the key there: what is there already is no test key.
    test = program.begin(wish("early"))
    drilled = drill("prod@1", test)
    request = program.begin(wish("early"))
    blob = (program.root / drilled / "wrapped.b64").read_text()
    body = {"ciphertext": blob, "hash_function": "SHA256", "type": "aes256-gcm96"}
    assert bao.call("POST", "transit/keys/early/import", body)[0] in (200, 204)
    program.finish(drilled, status=4, says="nothing shows that this drill brought it")
    # The place in other words: with its mount, without its server.
    pem = bao.call("GET", "transit/wrapping_key")[1]["data"]["public_key"]
    (program.root / "kek.pem").write_text(pem)
    for more in ([], ["--set", "mount=transit"]):
        file = program.new("request")
        words = ["request", "openbao", "--kind", "aes-256", "--from", "kek.pem", "--set", "key=prod", *more, "--out", file]
        shown = program.json(words)
        drill("prod", (file, shown["wrapping-key"]), status=4, says="which is in use")
    # Nothing real goes to where a drill's key still is.
    test = program.begin(wish("trial"))
    drilled = drill("prod@1", test)
    program.finish(drilled, says="--drilled` ends it")
    later = program.generate("prod", "aes-256", program.begin(["openbao", "--kind", "aes-256", "--as", "version", "--set", "key=trial"]))
    program.finish(later, status=4, says="is a drill's test key, with prod version 1 in it")
    program.shred("prod", "--drilled", "--yes", says="gone")
    assert there("prod") and not there("trial")
    # Two names in one key: neither goes with the other unsaid.
    first(program, "one")
    package = program.generate("two", "aes-256", program.begin(["openbao", "--kind", "aes-256", "--as", "version", "--set", "key=one"]))
    program.finish(package, says=": proven")
    program.status("one")
    program.status("two")
    program.shred("one", "--yes", status=1, says=["the whole key goes, and two@1", "give --with-others"])
    assert there("one")
    # A version of nobody's backup, whether ours are in use or stopped.
    request = program.begin(["openbao", "--kind", "aes-256", "--as", "version", "--set", "key=prod"])
    blob = (program.root / program.generate("stranger", "aes-256", request) / "wrapped.b64").read_text()
    body = {"ciphertext": blob, "hash_function": "SHA256"}
    assert bao.call("POST", "transit/keys/prod/import_version", body)[0] in (200, 204)
    program.status("prod", status=4, says="in no backup")
    program.shred("prod", "--yes", status=4, says="also holds 2@")
    program.shred("prod@1", "--disable", "--yes", says="disabled")
    program.status("prod@1", status=4, says="in no backup")
    program.shred("prod", "--yes", "--with-others", says="gone")
    # Imported by hand: no alarm, and no stop of what can't be told from another.
    for kind in ("aes-256", "ec-p256"):
        name = f"hand-{kind}"
        package = program.generate(name, kind, program.begin(wish(name, kind)))
        body = {"ciphertext": (program.root / package / "wrapped.b64").read_text(), "hash_function": "SHA256"}
        body["type"] = "aes256-gcm96" if kind == "aes-256" else "ecdsa-p256"
        assert bao.call("POST", f"transit/keys/{name}/import", body)[0] in (200, 204)
        if kind == "aes-256":
            asked = {"ciphertext": (program.root / package / "challenge.txt").read_text()}
            answer = bao.call("POST", f"transit/decrypt/{name}", asked)[1]["data"]["plaintext"]
            (program.root / "answer").write_text(answer)
            proof = ["--answer", "answer"]
        else:
            (program.root / "public").write_text(bao.call("GET", f"transit/keys/{name}")[1]["data"]["keys"]["1"]["public_key"])
            proof = ["--public-key", "public"]
        program.acme(["import", "record", name, "--package", package, *proof])
        program.status(name, says="as the log says")
        if kind == "aes-256":
            program.shred(name, "--yes", status=4, says="tells its key from another of that name")
            # The same package, by the client, notes what is there.
            program.finish(package, says="had it already")
        program.shred(name, "--yes", says="gone")
    print("what is in use goes with no test key, no other name and no version that nobody backed up")


def sealed(bao, program, proxy):
    """A server that can't answer now says nothing of the key."""
    folder = first(program, "sealing")
    for status in (429, 503):
        proxy.rule = lambda method, path, _: (status, b'{"errors":["Vault is sealed"]}') if "/decrypt/" in path else None
        program.finish(folder, status=1, says=["openbao can't do update on decrypt now", "nothing was done"])
        proxy.rule = lambda *_: (status, b'{"errors":["Vault is sealed"]}')
        program.status("sealing", status=1, says="not asked: openbao can't do read on the key now")
        program.shred("sealing", "--yes", status=1, says="now: sealed, in standby or overloaded")
        assert program.records("shred")[-1]["phase"] == "failed"
    proxy.rule = lambda *_: None
    # Really sealed, and opened again: a second server of its own, with the same names.
    with tempfile.TemporaryDirectory() as folder:
        other = Bao(pathlib.Path(folder))
        here = {"BAO_ADDR": f"http://127.0.0.1:{other.port}"}
        try:
            request = program.begin(["openbao", "--kind", "aes-256", "--set", "key=sealing"], environment=here)
            package = program.recover("sealing", request)
            program.finish(package, status=2, says=["it is at the openbao server 127.0.0.1", "name the address of"])
            program.finish(package, says=": proven", environment=here)
            assert len([one for one in program.records("import") if one["details"]["name"] == "sealing"]) == 2
            # Two places now: each is asked at its own server, and a key of the other is not taken for lost.
            names = [one["details"]["target"]["server"] for one in program.records("import") if one["details"]["name"] == "sealing"]
            assert len(set(names)) == 2, names
            program.status("sealing", status=1, says=f"not asked: it is at the openbao server {names[1]}")
            program.status("sealing", "--server", names[0])
            # The namespace that the server calls root is none.
            program.status("sealing", "--server", names[0], environment={"BAO_NAMESPACE": "root/"})
            program.status("sealing", status=1, says="not asked: it is at the openbao server", environment={"BAO_NAMESPACE": "team"})
            program.status("sealing", "--server", names[1], environment=here)
            program.shred("sealing", "--server", names[1], "--yes", says="gone", environment=here)
            assert other.call("GET", "transit/keys/sealing")[0] == 404
            assert bao.call("GET", "transit/keys/sealing")[0] == 200
            # The same server by another name, as after a move.
            moved = {"BAO_ADDR": f"http://127.0.0.1:{bao.port}"}
            program.status("sealing", status=1, says=[names[0], "--server HOST"], environment=moved)
            program.status("sealing", "--server", names[0], status=1, says="not asked: it is at", environment=moved)
            program.status("sealing", "--server", names[0], "--moved", environment=moved)
            program.status("sealing", "--server", "nobody:8200", status=2, says="the log knows of no such import")
            program.status("--at", "gcp", status=2, says="the log knows of no such import")
            values = program.json(["-C", "acme", "provider", "status", "sealing", *program.before], status=1)
            assert [value["target"]["server"] for value in values] == sorted(names), values
            # The same name at the other server, which the log puts at the first: never stopped there.
            first(program, "twin", "hmac-256")
            assert other.call("POST", "transit/keys/twin", {"type": "hmac", "key_size": 32})[0] in (200, 204)
            for more in ([], ["--server", names[0]]):
                program.shred("twin", "--yes", *more, status=2, says="name the address of", environment=here)
            program.status("twin", "--moved", status=1, says="nothing that it shows tells", environment=here)
            program.shred("twin", "--yes", "--moved", status=4, says="tells its key from another of that name", environment=here)
            assert other.call("GET", "transit/keys/twin")[0] == 200
            assert other.call("POST", "sys/seal")[0] == 204
            words = ["import", "begin", "openbao", "--kind", "aes-256", "--set", "key=x", *program.before, "--out", "x"]
            program.acme(words, status=1, says="openbao can't do read on the key now", environment=here)
        finally:
            other.end()
    print("a sealed server is no other key, and two servers with the same names are told apart")


def refused(bao, program, proxy, root):
    words = ["import", "begin", "openbao", "--kind", "aes-256", "--set", "key=never", "--out", "never"]
    here = program.before
    program.acme([*words, *here], status=1, says="no address is named", environment={"BAO_ADDR": ""})
    program.acme([*words, *here], status=1, says="there is no token", environment={"BAO_TOKEN": ""})
    program.acme([*words, *here], status=1, says="lack that right, or have ended", environment={"BAO_TOKEN": "none"})
    program.acme(words, status=2, says="has no TLS")
    program.acme([*words, *here, "--endpoint", "http://bao.example:8200"], status=2, says="has no TLS")
    program.acme([*words, *here, "--endpoint", f"http://127.0.0.1:{free_port()}"], status=1, says="can't be reached")
    program.acme([*words, *here, "--endpoint", "bao"], status=1, says="is no address")
    tls = f"https://127.0.0.1:{bao.tls_port}"
    program.acme([*words, "--endpoint", tls], status=1, says="is not to be trusted")
    [ca] = [str(path) for path in (root / "tls").glob("*ca.pem")]
    # It is reached, and has no transit engine.
    program.acme([*words, "--endpoint", tls, "--ca", ca], status=1, says="openbao has no transit engine at transit")
    (root / "no.pem").write_text("no")
    program.acme([*words, "--endpoint", tls, "--ca", "no.pem"], status=1, says="no certificate in PEM")
    # A server without TLS where TLS is asked for.
    program.acme([*words, "--endpoint", f"https://127.0.0.1:{bao.port}"], status=1, says="is not to be trusted")
    for answer, says in [
        ((200, b"<html>It works</html>"), "answers read on the key with nonsense"),
        ((200, b'{"data":{}}'), "with nonsense: a key was looked for"),
        ((200, b'{"data":' * 40 + b"1" + b"}" * 40), "with nonsense"),
        ((200, b"[" * 300_000), "with nonsense"),
        ((302, b""), "refuses read on the key"),
        ((500, b'{"errors":["\\u001b[31mred"]}'), "refuses read on the key: [31mred"),
        ((503, b'{"errors":["Vault is sealed"]}'), "sealed, in standby or overloaded"),
        ("drop", "can't be reached"),
    ]:
        proxy.rule = lambda *_: answer
        program.acme([*words, *here], status=1, says=says)
    proxy.rule = lambda *_: "hang"
    program.acme([*words, *here, "--call-timeout", "1"], status=1, says="gave no answer in 1 seconds to read on the key")
    proxy.rule = lambda method, path, _: (200, b'{"data":{"public_key":"no"}}') if "wrapping_key" in path else None
    program.acme([*words, *here], status=1)
    proxy.rule = lambda *_: None
    for field in ("key=../sys", "key=a/b", "key=.", "mount=../sys", "mount=a//b"):
        program.acme([*words[:5], *here, "--set", field, *([] if "key" in field else ["--set", "key=k"])],
                     status=1, says="can't be a part of a path")
    program.acme(["import", "begin", "openbao", "--kind", "ec-secp256k1", "--set", "key=k", *here], status=1, says="takes no key of kind")
    program.acme(["import", "begin", "oci", "--kind", "aes-256", *here], status=2, says="there is no client for oci here")
    first(program, "there")
    program.acme(["import", "begin", "openbao", "--kind", "aes-256", "--set", "key=there", *here, "--out", "never"], status=1, says="is there already")
    program.acme(["import", "begin", "openbao", "--kind", "aes-128", "--set", "key=there", "--as", "version", *here, "--out", "never"], status=1, says="is of the type aes256-gcm96")
    program.acme(["import", "begin", "openbao", "--kind", "aes-256", "--set", "key=none", "--as", "version", *here, "--out", "never"], status=1, says="is not there")
    program.acme(["import", "begin", "--next", "nobody", *here], status=2, says="the log knows of no provider that took nobody")
    program.shred("nobody", "--yes", status=1, says="there is no key nobody")
    assert not (root / "never").exists()
    # What could not be asked for is said, and isn't taken for a difference.
    program.status("there", status=1, says="not asked: ", environment={"BAO_TOKEN": "none"})
    print("what is refused is refused with its rule")


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        bao = Bao(root)
        proxy = Proxy(bao.port)
        try:
            environment = {"BAO_ADDR": proxy.url, "BAO_TOKEN": "root", "HOME": folder}
            program = Program(PROGRAM, root, environment, ["--plain-http-here"])
            duties(bao, program)
            versions(bao, program)
            deaths(bao, program, proxy)
            exchanged(bao, program)
            stops(bao, program, proxy)
            watched(bao, program)
            afterwards(bao, program, proxy)
            drilled(bao, program)
            apart(bao, program)
            sealed(bao, program, proxy)
            refused(bao, program, proxy, root)
            program.acme(["log", "verify"])
        finally:
            proxy.end()
            bao.end()


main()
