"""Drives a real OpenBao with the program, as an operator would: openbao.py PROGRAM KEYS.

Starts `bao server -dev` on 127.0.0.1 at a port of its own, which ends with this script, and founds an escrow
with open cards in a temporary folder. Then: every kind with every hash, from request to package, by the
commands that IMPORT.txt prints, to a proof that the log takes; ciphertexts the other way; later versions;
the same key again after it was deleted; another key under the same name, which no proof may accept; and
the policies: each duty does what it is for, and is refused all else. Prints a line a part. KEYS is a
folder with RSA keys in PEM. An oracle: cryptography, where the server's ciphertexts are opened by hand.
"""

import base64
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PROGRAM, KEYS = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
HASHES = ["SHA1", "SHA256", "SHA384", "SHA512"]
GENERATED = ["aes-128", "aes-256", "hmac-256", "hmac-384", "hmac-512", "ec-p256", "ec-p384", "ec-p521", "ed25519"]
ADDED = ["rsa-2048", "rsa-3072", "rsa-4096"]


class Stage:
    def __init__(self, root):
        self.root = root
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        words = ["bao", "server", "-dev", "-dev-root-token-id=root", f"-dev-listen-address=127.0.0.1:{port}"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.server = subprocess.Popen([*words, "-dev-no-store-token"], cwd=root, **quiet)
        for _ in range(300):
            try:
                if self.call("GET", "sys/health")[0] == 200:
                    break
            except OSError:
                time.sleep(0.1)
        assert self.call("POST", "sys/mounts/transit", {"type": "transit"})[0] == 204

    def call(self, method, path, body=None, token="root"):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/v1/{path}", data=data, method=method)
        request.add_header("X-Vault-Token", token)
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                text = reply.read()
                return reply.status, json.loads(text) if text else {}
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    def shell(self, command, folder="."):
        environment = dict(os.environ, BAO_ADDR=self.url, BAO_TOKEN="root", VAULT_ADDR=self.url, VAULT_TOKEN="root")
        ran = subprocess.run(["sh", "-c", command], cwd=self.root / folder, env=environment, capture_output=True)
        return ran.returncode, (ran.stdout + ran.stderr).decode()

    def good(self, command, folder="."):
        status, text = self.shell(command, folder)
        assert status == 0, f"{command}\n{text}"
        return text

    def quorate(self, words, status=0):
        ran = subprocess.run([PROGRAM, *words], cwd=self.root, capture_output=True, env={"USER": "operator"})
        text = (ran.stdout + ran.stderr).decode()
        assert ran.returncode == status, f"{words} ended with {ran.returncode}\n{text}"
        return text

    def request(self, kind, name, more, out):
        self.good("bao read -format=json transit/wrapping_key > download.json")
        words = ["--json", "request", "openbao", "--kind", kind, "--from", "download.json", "--set", f"key={name}"]
        return json.loads(self.quorate([*words, *more, "--out", out]))["wrapping-key"]

    def commands(self, package):
        lines = (self.root / package / "IMPORT.txt").read_text().splitlines()
        return [line.strip() for line in lines if line.startswith("    ")]

    def prove(self, package, key, answer):
        """Runs the printed commands and logs the proof."""
        for command in self.commands(package):
            self.good(command, package)
        words = ["-C", "acme", "import", "record", key, "--package", package, *answer(self.root / package)]
        return self.quorate(words)


def answer(folder):
    proof = json.loads((folder / "package.json").read_text())["proof"]["method"]
    if proof == "public-key":
        return ["--public-key", str(folder / "public.txt")]
    return ["--answer", str(folder / "answer.txt")]


def recover(stage, key, words):
    cards = [f"acme-cards/{name}" for name in sorted(os.listdir(stage.root / "acme-cards"))]
    return stage.quorate(["-C", "acme", "recover", key, *words, "--card", *cards[:2]])


def other_way(stage, name, kind, raw):
    """What the server encrypts or authenticates is opened with the key as it was recovered."""
    plain = base64.b64encode(b"the other way").decode()
    if kind.startswith("aes"):
        text = stage.call("POST", f"transit/encrypt/{name}", {"plaintext": plain})[1]["data"]["ciphertext"]
        blob = base64.b64decode(text.split(":")[2])
        assert AESGCM(raw).decrypt(blob[:12], blob[12:], None) == b"the other way"


def every_kind(stage):
    count = 0
    for kind in GENERATED + ADDED:
        requests, confirmed = [], []
        for hash_name in HASHES:
            out = f"{kind}-{hash_name}.json"
            confirmed.append(stage.request(kind, f"{kind}-{hash_name}", ["--method", hash_name], out))
            requests += ["--for", out]
        assert len(set(confirmed)) == 1
        confirm = ["--wrapping-key", confirmed[0]]
        if kind in ADDED:
            stage.quorate(["-C", "acme", "add", kind, "--file", str(KEYS / f"{kind}.pem")])
            recover(stage, kind, ["--to", f"package:out-{kind}", *requests, *confirm])
        else:
            words = ["-C", "acme", "generate", kind, "--kind", kind, *requests, *confirm]
            stage.quorate([*words, "--package", f"out-{kind}"])
        raw = b""
        if kind.startswith("aes"):
            recover(stage, kind, ["--to", f"file:{kind}.raw"])
            raw = (stage.root / f"{kind}.raw").read_bytes()
        for place, hash_name in enumerate(HASHES, 1):
            package = f"out-{kind}/{place}-openbao"
            stage.quorate(["-C", "acme", "package", "verify", package])
            text = stage.prove(package, kind, answer)
            assert ": proven" in text, text
            other_way(stage, f"{kind}-{hash_name}", kind, raw)
            count += 1
    print(f"{count} imports of {len(GENERATED + ADDED)} kinds with {len(HASHES)} hashes are proven")


def one(stage, key, kind, name, more, package, existing=False):
    confirm = ["--wrapping-key", stage.request(kind, name, more, f"{package}.json")]
    if existing:
        recover(stage, key, ["--to", f"package:{package}", "--for", f"{package}.json", *confirm])
    else:
        words = ["-C", "acme", "generate", key, "--kind", kind, "--for", f"{package}.json", *confirm]
        stage.quorate([*words, "--package", package])


def versions(stage):
    one(stage, "line", "aes-256", "line", [], "line-1")
    stage.prove("line-1", "line@1", answer)
    encrypt = {"plaintext": base64.b64encode(b"old").decode()}
    old = stage.call("POST", "transit/encrypt/line", encrypt)[1]["data"]["ciphertext"]
    one(stage, "line", "aes-256", "line", ["--as", "version", "--set", "version=2"], "line-2")
    stage.prove("line-2", "line@2", answer)
    assert stage.call("GET", "transit/keys/line")[1]["data"]["latest_version"] == 2
    assert stage.call("POST", "transit/encrypt/line", encrypt)[1]["data"]["ciphertext"].startswith("vault:v2:")
    # The answer to one version proves no other.
    words = ["-C", "acme", "import", "record", "line@2", "--package", "line-2", "--answer", "line-1/answer.txt"]
    assert "it holds another key" in stage.quorate(words, 4)
    # Stopped, destroyed, and there again: the old ciphertext is opened again.
    stage.good("bao write transit/keys/line/config min_decryption_version=2")
    assert stage.call("POST", "transit/decrypt/line", {"ciphertext": old})[0] == 400
    stage.good("bao write transit/keys/line/config deletion_allowed=true && bao delete transit/keys/line")
    assert stage.call("GET", "transit/keys/line")[0] == 404
    one(stage, "line@1", "aes-256", "line", ["--as", "again", "--set", "version=1"], "line-3", existing=True)
    stage.prove("line-3", "line@1", answer)
    assert stage.call("POST", "transit/decrypt/line", {"ciphertext": old})[0] == 200
    print("versions, deletion and the same key again are proven")


def another_key(stage):
    one(stage, "mine", "aes-256", "mine", [], "mine-1")
    one(stage, "theirs", "aes-256", "mine", [], "theirs-1")
    first, second = stage.commands("mine-1")
    stage.good(first, "theirs-1")
    status, _ = stage.shell(second, "mine-1")
    assert status != 0, "another key answered the challenge"
    # Public keys: the server shows one, and it is not ours.
    one(stage, "sign", "ec-p256", "sign", [], "sign-1")
    one(stage, "forged", "ec-p256", "sign", [], "forged-1")
    for command in stage.commands("forged-1"):
        stage.good(command, "forged-1")
    words = ["-C", "acme", "import", "record", "sign", "--package", "sign-1", "--public-key", "forged-1/public.txt"]
    assert "it holds another key" in stage.quorate(words, 4)
    print("another key under the same name is proven by nothing")


def policies(stage):
    one(stage, "duty", "aes-256", "duty", [], "duty-1")
    one(stage, "duty", "aes-256", "duty", ["--as", "version", "--set", "version=2"], "duty-2")
    body = lambda package: {"ciphertext": (stage.root / package / "wrapped.b64").read_text(), "hash_function": "SHA256"}
    plain = {"plaintext": base64.b64encode(b"x").decode()}
    acts = {
        "wrapping_key": ("GET", "transit/wrapping_key", None),
        "import": ("POST", "transit/keys/duty/import", dict(body("duty-1"), type="aes256-gcm96")),
        "import as the commands say": ("POST", "transit/keys/duty/import", dict(body("duty-1"), type="aes256-gcm96", exportable="false", allow_rotation="false")),
        "import as the client says": ("POST", "transit/keys/duty/import", dict(body("duty-1"), type="aes256-gcm96", exportable=False, allow_rotation=False)),
        "import for export": ("POST", "transit/keys/duty/import", dict(body("duty-1"), type="aes256-gcm96", exportable=True)),
        "import for backup": ("POST", "transit/keys/duty/import", dict(body("duty-1"), type="aes256-gcm96", allow_plaintext_backup=True)),
        "import for rotation": ("POST", "transit/keys/duty/import", dict(body("duty-1"), type="aes256-gcm96", allow_rotation="true")),
        "import_version": ("POST", "transit/keys/duty/import_version", body("duty-2")),
        "read": ("GET", "transit/keys/duty", None),
        "config": ("POST", "transit/keys/duty/config", {"deletion_allowed": True}),
        "config lowest": ("POST", "transit/keys/duty/config", {"min_decryption_version": 1}),
        "config export": ("POST", "transit/keys/duty/config", {"exportable": True}),
        "config backup": ("POST", "transit/keys/duty/config", {"deletion_allowed": True, "allow_plaintext_backup": True}),
        "config rotation": ("POST", "transit/keys/duty/config", {"auto_rotate_period": "1h"}),
        "trim": ("POST", "transit/keys/duty/trim", {"min_available_version": 1}),
        "delete": ("DELETE", "transit/keys/duty", None),
        "encrypt": ("POST", "transit/encrypt/duty", plain),
        "decrypt": ("POST", "transit/decrypt/duty", {"ciphertext": "vault:v1:AAAA"}),
        "hmac": ("POST", "transit/hmac/duty/sha2-256", {"input": "AAAA", "key_version": 1}),
        "hmac of another hash": ("POST", "transit/hmac/duty/sha2-512", {"input": "AAAA", "key_version": 1}),
        "hmac of any": ("POST", "transit/hmac/duty", {"input": "AAAA"}),
        "export": ("GET", "transit/export/encryption-key/duty", None),
        "backup": ("GET", "transit/backup/duty", None),
        "rotate": ("POST", "transit/keys/duty/rotate", {}),
        "list": ("LIST", "transit/keys", None),
        "other key": ("GET", "transit/keys/line", None),
        "other import": ("POST", "transit/keys/other/import", dict(body("duty-1"), type="aes256-gcm96")),
        "policies": ("GET", "sys/policies/acl/importer", None),
        "create": ("POST", "transit/keys/duty", {"type": "aes256-gcm96"}),
    }
    duties = {
        ("importer", None): ["wrapping_key", "import", "import as the commands say", "import as the client says", "read"],
        ("rotator", None): ["wrapping_key", "import_version", "read"],
        ("auditor", None): ["read"],
        # What the kind is proven by, and no other use of the key.
        ("prover", "aes-256"): ["read", "decrypt"],
        ("prover", "hmac-256"): ["read", "hmac"],
        ("prover", "ec-p256"): ["read"],
        ("shredder", None): ["read", "trim", "config", "config lowest", "delete"],
    }
    checked = 0
    without = stage.quorate(["provider", "policy", "openbao", "--role", "prover", "--key", "duty"], 2)
    assert "depends on its kind: give --kind KIND" in without, without
    for (role, kind), allowed in duties.items():
        words = ["provider", "policy", "openbao", "--role", role, "--key", "duty"]
        policy = stage.quorate([*words, *(["--kind", kind] if kind else [])])
        assert stage.call("POST", f"sys/policies/acl/{role}", {"policy": policy})[0] == 204
        body_of = {"policies": [role], "no_default_policy": True}
        token = stage.call("POST", "auth/token/create", body_of)[1]["auth"]["client_token"]
        # What must be refused first: nothing of it may have happened.
        for name in [*[name for name in acts if name not in allowed], *allowed]:
            method, path, data = acts[name]
            status, reply = stage.call(method, path, data, token)
            # No ciphertext of its own, nothing to trim, a key that is there: past the policy, the engine says so.
            past = name in ("decrypt", "hmac", "trim") or name.startswith("import as")
            done = (200, 204, 400, 500) if past else (200, 204)
            wanted = status in done if name in allowed else status == 403
            assert wanted, f"{role} {kind}: {name} gives {status} {reply}"
            checked += 1
    print(f"{checked} acts of {len(duties)} duties are allowed or refused as they should be")


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        stage = Stage(root)
        try:
            words = ["init", "acme", "-t", "2", "--memory", "64", "--skip-scan-back", "everybody"]
            stage.quorate([*words, "--custodian", "alice=open", "bob=open", "carol=open"])
            every_kind(stage)
            versions(stage)
            another_key(stage)
            policies(stage)
            stage.quorate(["-C", "acme", "log", "verify"])
        finally:
            stage.server.kill()
            stage.server.wait()


main()
