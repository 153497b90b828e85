"""Drives MiniStack, a server that answers as AWS KMS, with the program and the AWS command line.

aws_commands.py PROGRAM BIN, where BIN is the folder of `ministack` and `aws`. The server listens on 127.0.0.1 at a
port of its own and ends with this script. For every method and RSA size: a request of the download of
`aws kms get-parameters-for-import`, a package, the commands of IMPORT.txt exactly as they are printed, and
the proof in the log. Then the token of another download, which is refused by the package and by the server.
MiniStack's own gaps: it takes other material on a second import, has no key rotation, and no KeyMaterialId for
`list-key-rotations`, so that command is left out for symmetric keys.
"""

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

PROGRAM, BIN = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
SIZES = [2048, 3072, 4096]
DIRECT = ["RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1"]
HYBRID = ["RSA_AES_KEY_WRAP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1"]
SPECS = {
    "aes-256": ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
    "hmac-256": ("HMAC_256", "GENERATE_VERIFY_MAC"),
    "hmac-512": ("HMAC_512", "GENERATE_VERIFY_MAC"),
    "ec-p256": ("ECC_NIST_P256", "SIGN_VERIFY"),
    "ec-p521": ("ECC_NIST_P521", "SIGN_VERIFY"),
    "ec-secp256k1": ("ECC_SECG_P256K1", "SIGN_VERIFY"),
    "ed25519": ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
}


class Stage:
    def __init__(self, root):
        self.root = root
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(root),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_PAGER": "",
        }
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        bound = dict(self.environment, BIND_HOST="127.0.0.1", GATEWAY_PORT=str(port))
        self.server = subprocess.Popen([f"{BIN}/ministack"], cwd=root, env=bound, **quiet)
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2)
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)

    def shell(self, command, folder="."):
        ran = subprocess.run(["sh", "-c", command], cwd=self.root / folder, env=self.environment, capture_output=True)
        return ran.returncode, ran.stdout.decode(), ran.stderr.decode()

    def good(self, command, folder="."):
        status, out, err = self.shell(command, folder)
        assert status == 0, f"{command}\n{out}{err}"
        return out

    def quorate(self, words, status=0):
        ran = subprocess.run([PROGRAM, *words], cwd=self.root, capture_output=True, env={"USER": "operator"})
        text = (ran.stdout + ran.stderr).decode()
        assert ran.returncode == status, f"{words} ended with {ran.returncode}\n{text}"
        return ran.stdout.decode()

    def key(self, kind):
        spec, usage = SPECS[kind]
        command = f"aws kms create-key --origin EXTERNAL --key-spec {spec} --key-usage {usage} --output json"
        return json.loads(self.good(command))["KeyMetadata"]["KeyId"]

    def request(self, key, kind, method, bits, name):
        words = f"--key-id {key} --wrapping-algorithm {method} --wrapping-key-spec RSA_{bits}"
        self.good(f"aws kms get-parameters-for-import {words} --output json > {name}-download.json")
        words = ["--json", "request", "aws", "--kind", kind, "--from", f"{name}-download.json", "--method", method]
        return json.loads(self.quorate([*words, "--out", f"{name}.json"]))["wrapping-key"]

    def package(self, kind, method, bits, name):
        key = self.key(kind)
        confirmed = self.request(key, kind, method, bits, name)
        words = ["-C", "acme", "generate", name, "--kind", kind, "--for", f"{name}.json", "--package", f"out-{name}"]
        self.quorate([*words, "--wrapping-key", confirmed])
        lines = (self.root / f"out-{name}" / "IMPORT.txt").read_text().splitlines()
        return key, [line.strip() for line in lines if line.startswith("    ")]


def imports(stage):
    count = 0
    for kind in SPECS:
        for method in DIRECT + HYBRID:
            for bits in SIZES:
                asymmetric = kind.startswith(("ec", "ed"))
                fits = method in HYBRID if asymmetric and kind == "ec-p521" and bits == 2048 else True
                if method in HYBRID and not asymmetric or not fits:
                    continue
                # Every kind by its first method, every method and size with one key: online_aws.py has them all.
                usual = bits == 4096 and method == DIRECT[0]
                if not usual and (kind, bits) not in (("aes-256", 2048), ("ec-p256", 3072)):
                    continue
                name = f"{kind}-{method.lower().replace('_', '-')}-{bits}"
                key, commands = stage.package(kind, method, bits, name)
                folder = f"out-{name}"
                answer = stage.good(commands[0], folder)
                if kind == "aes-256":
                    proof = ["--material-id", json.loads(answer)["KeyMaterialId"]]
                else:
                    stage.good(commands[1], folder)
                    file = "public.txt" if asymmetric else "answer.txt"
                    option = "--public-key" if asymmetric else "--answer"
                    proof = [option, f"{folder}/{file}"]
                stage.quorate(["-C", "acme", "import", "record", name, "--package", folder, *proof])
                state = json.loads(stage.good(f"aws kms describe-key --key-id {key} --output json"))["KeyMetadata"]
                assert (state["KeyState"], state["ExpirationModel"]) == ("Enabled", "KEY_MATERIAL_DOES_NOT_EXPIRE"), state
                count += 1
    print(f"{count} imports by the printed commands are proven")


def refusals(stage):
    _, commands = stage.package("aes-256", "RSAES_OAEP_SHA_256", 4096, "first")
    stage.package("aes-256", "RSAES_OAEP_SHA_256", 4096, "second")
    token = (stage.root / "out-second" / "import-token.bin").read_bytes()
    (stage.root / "out-first" / "import-token.bin").write_bytes(token)
    # The package says so before AWS does.
    assert "import-token.bin" in subprocess.run(
        [PROGRAM, "package", "verify", "out-first"], cwd=stage.root, capture_output=True
    ).stderr.decode()
    status, _, err = stage.shell(commands[0], "out-first")
    assert status != 0 and ("InvalidImportToken" in err or "InvalidCiphertext" in err), err
    print("the token of another download is refused")


def main():
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(pathlib.Path(folder))
        try:
            words = ["init", "acme", "-t", "2", "--memory", "64", "--skip-scan-back", "everybody"]
            stage.quorate([*words, "--custodian", "alice=open", "bob=open", "carol=open"])
            imports(stage)
            refusals(stage)
        finally:
            stage.server.kill()
            stage.server.wait()


main()
