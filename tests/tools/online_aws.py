"""Drives MiniStack, which answers as AWS KMS, through the program's own client: online_aws.py PROGRAM KEYS [PART…].

The server (`ministack_more.py`: with several materials a key, as AWS has them) listens on 127.0.0.1 and ends with this
script. Every method and RSA size; later materials and their rotation; a material that is deleted and comes back with
its identity pinned; the moments of death; another account; every right that can be missing; nonsense and silence.
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

from stage import Program, Proxy, free_port

PROGRAM, KEYS = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
SIZES = ["2048", "3072", "4096"]
DIRECT = ["RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1"]
HYBRID = ["RSA_AES_KEY_WRAP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1"]
KINDS = ["aes-256", "hmac-256", "hmac-512", "ec-p256", "ec-p521", "ec-secp256k1", "ed25519"]
NEVER = b'{"__type":"ExpiredImportTokenException","message":"The import token has expired."}'


class Server:
    def __init__(self, root, more):
        self.port = free_port()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        here = pathlib.Path(__file__).resolve().parent
        settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(self.port), "HOME": str(root), **more}
        environment = {"PATH": os.environ["PATH"], **settings}
        self.server = subprocess.Popen([sys.executable, here / "ministack_more.py"], cwd=root, env=environment, **quiet)
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_ministack/health", timeout=2)
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.1)

    def call(self, action, **body):
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/", data=data, method="POST")
        request.add_header("X-Amz-Target", f"TrentService.{action}")
        request.add_header("Content-Type", "application/x-amz-json-1.1")
        request.add_header("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261128/eu-west-1/kms/aws4_request")
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.loads(reply.read() or b"{}")

    def state(self, key):
        return self.call("DescribeKey", KeyId=key)["KeyMetadata"]["KeyState"]

    def end(self):
        self.server.kill()
        self.server.wait()


def on(action, what):
    return lambda method, path, target: what if target == action else None


def matrix(program, server):
    count = 0
    for kind in [*KINDS, "rsa-2048"]:
        for method in DIRECT + HYBRID:
            for bits in SIZES:
                asymmetric = kind.startswith(("ec", "ed", "rsa"))
                words = ["aws", "--kind", kind, "--method", method, "--bits", bits]
                # Every method and size with one key of each sort, every kind with one size.
                if bits != "4096" and kind not in ("aes-256", "hmac-256", "ec-p256", "ec-p521", "rsa-2048"):
                    continue
                if method in HYBRID and not asymmetric or method in DIRECT and kind == "rsa-2048":
                    refused = ["-C", "acme", "import", "begin", *words, *program.before, "--out", "no"]
                    program.run(refused, status=1, says="takes no key of kind")
                    continue
                if method in DIRECT and kind == "ec-p521" and bits == "2048":
                    refused = ["-C", "acme", "import", "begin", *words, *program.before, "--out", "no"]
                    program.run(refused, status=1, says="use a larger wrapping key, or another method")
                    continue
                name = f"{kind}-{method.lower().replace('_', '-')}-{bits}"
                request = program.begin(words)
                if kind == "rsa-2048":
                    program.acme(["add", name, "--file", str(KEYS / f"{kind}.pem")])
                    folder = program.recover(name, request)
                else:
                    folder = program.generate(name, kind, request)
                program.finish(folder, says="compared by the provider" if kind == "aes-256" else ": proven")
                about = server.call("DescribeKey", KeyId=request[2])["KeyMetadata"]
                found = (about["KeyState"], about["ExpirationModel"])
                assert found == ("Enabled", "KEY_MATERIAL_DOES_NOT_EXPIRE"), about
                count += 1
    program.status()
    print(f"{count} imports by the program's client are proven, and the log says so")


def first(program, name, kind="aes-256"):
    request = program.begin(["aws", "--kind", kind])
    program.finish(program.generate(name, kind, request))
    return request[2]


def lineage(program, server, proxy):
    key = first(program, "orders")
    old = server.call("Encrypt", KeyId=key, Plaintext="b2xk")["CiphertextBlob"]
    waiting = program.generate("orders", "aes-256", program.begin(["--next", "orders"]))
    program.acme(["import", "finish", waiting, *program.before, "--leave-waiting"], says="compared by the provider")
    program.status("orders", status=4, says="waiting (Enabled, this material PENDING_ROTATION)")
    # The rotation's reply is lost: the next run finds it done.
    proxy.rule = on("RotateKeyOnDemand", "drop")
    program.finish(waiting, status=1, says="no clear answer to RotateKeyOnDemand, and whether it was done is not known")
    proxy.rule = on("", None)
    proxy.seen.clear()
    program.finish(waiting, says="had it already")
    assert "RotateKeyOnDemand" not in proxy.seen and "ImportKeyMaterial" not in proxy.seen, proxy.seen
    program.finish(program.generate("orders", "aes-256", program.begin(["--next", "orders"])))
    values = program.json(["-C", "acme", "provider", "status", "orders", *program.before])
    assert [value["state"] for value in values] == ["enabled"] * 3, values
    ids = {one["details"]["version"]: one["details"]["evidence"] for one in program.records("import") if one["details"]["name"] == "orders"}
    assert len(set(ids.values())) == 3 and len([one for one in program.records("import") if one["details"]["name"] == "orders"]) == 3
    # Somebody deletes the material of version 1: the key stops, that is found, and the very same one comes back.
    server.call("DeleteImportedKeyMaterial", KeyId=key, KeyMaterialId=ids[1])
    assert server.state(key) == "PendingImport"
    out = program.status("orders", status=4, says="orders@1")
    assert "PENDING_IMPORT" in out, out
    request = program.begin(["--again", "orders@1"])
    right = program.recover("orders@1", request)
    seen = {}
    proxy.rule = on("ImportKeyMaterial", (400, b'{"__type":"KMSInternalException","message":"x"}'))
    program.finish(right, status=1)
    proxy.rule = on("", None)
    program.finish(right, says=f"evidence    {ids[1]}")
    assert server.state(key) == "Enabled"
    program.status("orders")
    # Another version's material under the name of the first is refused: its identity is pinned.
    server.call("DeleteImportedKeyMaterial", KeyId=key, KeyMaterialId=ids[1])
    program.begin(["--again", "orders@1"])
    program.shred("orders@1", "--yes", status=1, says=["AWS stops the whole key by it, and orders@", "give --with-others"])
    program.shred("orders@1", "--yes", "--with-others", says="empty (PendingImport")
    program.status("orders", status=4)
    # The key stopped with the first of them; each is deleted all the same.
    left = server.call("ListKeyRotations", KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    states = {one["KeyMaterialId"]: one["ImportState"] for one in left}
    assert states[ids[1]] == "PENDING_IMPORT" and states.get(ids[2], "IMPORTED") == "IMPORTED", left
    for version in ("2", "3"):
        why = "AWS disables the whole key" if version == "2" else "AWS can't disable it"
        program.shred(f"orders@{version}", "--disable", "--yes", status=1, says=why)
        proxy.seen.clear()
        program.shred(f"orders@{version}", "--yes", "--with-others", says="empty", proxy=proxy)
        assert proxy.seen.count("DeleteImportedKeyMaterial") == 1, proxy.seen
    left = server.call("ListKeyRotations", KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert not [one for one in left if one["ImportState"] == "IMPORTED"], left
    program.status("orders")
    program.shred("orders", "--yes", "--days", "7", says=["ending (PendingDeletion", "final at"])
    assert server.state(key) == "PendingDeletion"
    program.status("orders")
    program.acme(["import", "begin", "--again", "orders@2", *program.before, "--out", "no"], status=1, says="is scheduled for deletion")
    print("three materials of one key: rotated, lost, brought back with their identity, destroyed")


def other_material(program, server):
    key = first(program, "mine")
    hmac = first(program, "codes", "hmac-256")
    for name, kind, place in (("mine", "aes-256", key), ("codes", "hmac-256", hmac)):
        server.call("DeleteImportedKeyMaterial", KeyId=place)
        request = program.begin(["aws", "--kind", kind, "--set", f"key={place}"])
        other = program.generate(f"not-{name}", kind, request)
        program.finish(other, status=4, says="holds another key than the package")
        request = program.begin(["--again", name])
        program.finish(program.recover(name, request))
        # There again, and this package is still another key's; its token is no longer the newest.
        if kind == "aes-256":
            program.finish(other, status=1, says="so that it can't be compared")
        else:
            program.finish(other, status=4, says="is not that of the key")
    program.status("mine")
    assert not [one for one in program.records("import") if one["details"]["name"].startswith("not-")]
    program.shred("mine", "--disable", "--yes", says="disabled (Disabled)")
    program.status("mine")
    server.call("EnableKey", KeyId=key)
    program.status("mine", status=4, says="the log says that it was stopped (disable)")
    # Whatever the log says, what somebody started again is stopped again.
    program.shred("mine", "--disable", "--yes", says="disabled (Disabled)")
    program.shred("mine", "--disable", "--yes", says="is stopped already, says the log, and the provider")
    program.status("mine")
    print("other material is refused by the service, and never logged")


def deaths(program, server, proxy):
    count = 0
    for kind in ("aes-256", "hmac-512", "ec-p256"):
        for how in ("kill", "die", "drop", "hang"):
            request = program.begin(["aws", "--kind", kind])
            folder = program.generate(f"{kind}-{how}", kind, request)
            proxy.rule = on("ImportKeyMaterial", how)
            died = how in ("kill", "die")
            says = "" if died else ["whether it was done is not known", "run the same command again"]
            timeout = ["--call-timeout", "2"] if how == "hang" else []
            program.acme(
                ["import", "finish", folder, *program.before, *timeout], status=-9 if died else 1, says=says, proxy=proxy
            )
            done = how in ("die", "drop")
            # Meanwhile the token expires: what was done is found done, what wasn't can't be done any more.
            proxy.rule = on("ImportKeyMaterial", (400, NEVER))
            if done and kind == "aes-256":
                # A description is anybody's word: AWS has to compare, which it does with a token that is good.
                program.finish(folder, status=1, says="so that it can't be compared")
                proxy.rule = on("", None)
                program.finish(folder, says="had it already")
            elif done:
                program.finish(folder, says="had it already")
            else:
                program.finish(folder, status=1, says="the wrapping key of this package has ended at aws")
                proxy.rule = on("", None)
                program.finish(folder)
            proxy.rule = on("", None)
            proxy.seen.clear()
            program.finish(folder, says="had it already")
            assert "ImportKeyMaterial" not in proxy.seen, proxy.seen
            records = [one for one in program.records("import") if one["details"]["name"] == f"{kind}-{how}"]
            assert len(records) == 1, records
            count += 1
    program.status()
    print(f"{count} imports that were broken off are finished by the same command, each logged once")


def rights(program, server, proxy):
    def denied(action):
        words = f"User: arn:aws:iam::000000000000:user/x is not authorized to perform: kms:{action}"
        return on(action, (400, json.dumps({"__type": "AccessDeniedException", "message": words}).encode()))

    def needs(action, words, **more):
        proxy.rule = denied(action)
        program.acme([*words, *program.before], status=1, says=f"aws refuses kms:{action}: these credentials lack", **more)
        proxy.rule = on("", None)

    begin = ["import", "begin", "aws", "--kind", "aes-256", "--out", "no"]
    needs("CreateKey", begin)
    needs("GetParametersForImport", begin)
    aes = program.generate("few", "aes-256", program.begin(["aws", "--kind", "aes-256"]))
    for action in ("DescribeKey", "ListKeyRotations", "ImportKeyMaterial"):
        needs(action, ["import", "finish", aes])
    program.finish(aes)
    mac = program.generate("few-codes", "hmac-256", program.begin(["aws", "--kind", "hmac-256"]))
    needs("GenerateMac", ["import", "finish", mac])
    program.finish(mac, says="had it already")
    sign = program.generate("few-signs", "ed25519", program.begin(["aws", "--kind", "ed25519"]))
    needs("GetPublicKey", ["import", "finish", sign])
    program.finish(sign, says="had it already")
    later = program.generate("few", "aes-256", program.begin(["--next", "few"]))
    needs("RotateKeyOnDemand", ["import", "finish", later])
    program.finish(later, says="had it already")
    needs("DisableKey", ["shred", "few", "--disable", "--yes"])
    needs("DeleteImportedKeyMaterial", ["shred", "few@1", "--yes", "--with-others"])
    needs("ScheduleKeyDeletion", ["shred", "few-signs", "--yes"])
    program.shred("few-signs", "--yes", says="ending (PendingDeletion)")
    print("every right that is missing is named")


def refused(program, server, proxy, root):
    here = program.before
    begin = ["import", "begin", "aws", "--kind", "aes-256", "--out", "never"]
    # Plain http, wherever the address came from.
    program.acme(begin, status=2, says="has no TLS")
    (root / "config").write_text(f"[default]\nregion = eu-west-1\nservices = here\n[services here]\nkms =\n  endpoint_url = {proxy.url}\n")
    program.acme([*begin, *here], status=1, says="AWS_ENDPOINT_URL is set and empty", environment={"AWS_ENDPOINT_URL": ""})
    hidden = {"AWS_ENDPOINT_URL": None, "AWS_CONFIG_FILE": str(root / "config")}
    program.acme(begin, status=2, says="has no TLS", environment=hidden)
    program.acme([*begin, "--endpoint", "http://kms.example", *here], status=2, says="has no TLS")
    program.acme([*begin, "--endpoint", f"http://127.0.0.1:{free_port()}", *here], status=1, says="can't be reached")
    program.acme([*begin, "--endpoint", f"https://127.0.0.1:{proxy.url.split(':')[-1]}"], status=1, says="is not to be trusted")
    none = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    # What the SDK sends by itself, to find credentials, has TLS too: nothing of it reaches the plain address.
    (root / "web").write_text("token")
    heard = socket.create_server(("127.0.0.2", 0))
    heard.settimeout(0.2)
    web = {
        **none,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(root / "web"),
        "AWS_ROLE_ARN": "arn:aws:iam::000000000000:role/x",
        "AWS_ENDPOINT_URL_STS": f"http://127.0.0.2:{heard.getsockname()[1]}",
    }
    program.acme([*begin, *here, "--call-timeout", "5"], status=2, says="has no TLS", environment=web)
    try:
        heard.accept()
        raise AssertionError("STS was asked without TLS")
    except TimeoutError:
        heard.close()
    program.acme([*begin, *here], status=1, says="no credentials were found", environment=none)
    program.acme([*begin, *here], status=1, says="no region is named", environment={"AWS_REGION": None})
    for code in ("UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException"):
        proxy.rule = lambda *_: (400, json.dumps({"__type": code, "message": "no"}).encode())
        program.acme([*begin, *here], status=1, says="does not accept the credentials: no")
    proxy.rule = on("", None)
    key = program.begin(["aws", "--kind", "aes-256"])[2]
    for rule in (lambda *_: (200, b"<html>It works</html>"), lambda *_: (200, b"{}")):
        proxy.rule = rule
        program.acme([*begin, "--set", f"key={key}", *here], status=1, says="answers DescribeKey with nonsense")
    proxy.rule = lambda *_: "hang"
    program.acme([*begin, "--set", f"key={key}", *here, "--call-timeout", "1"], status=1, says="gave no answer in 1 seconds to DescribeKey")
    proxy.rule = on("", None)
    # A key of another account, of no import, of another kind, with a material.
    other = {"AWS_ACCESS_KEY_ID": "222222222222"}
    program.acme([*begin, "--set", f"key={key}", *here], status=1, environment=other, says="is of another account than these credentials are: theirs is 222222222222")
    program.acme([*begin, "--set", f"key={key[:-4]}", *here], status=1, says="aws has no key arn:aws:kms:")
    usual = server.call("CreateKey")["KeyMetadata"]["Arn"]
    program.acme([*begin, "--set", f"key={usual}", *here], status=1, says="has no Origin EXTERNAL")
    program.acme(["import", "begin", "aws", "--kind", "hmac-256", "--out", "never", "--set", f"key={key}", *here], status=1, says="has the KeySpec SYMMETRIC_DEFAULT")
    held = first(program, "held")
    program.acme([*begin, "--set", f"key={held}", *here], status=1, says="holds a material already")
    codes = first(program, "held-codes", "hmac-256")
    program.acme(["import", "begin", "--next", "held-codes", *here, "--out", "never"], status=1, says="one material for ever")
    assert codes and not (root / "never").exists()
    # A request that has ended, and a token of another request.
    request = program.begin(["aws", "--kind", "aes-256"])
    words = ["generate", "late", "--kind", "aes-256", "--for", request[0], "--wrapping-key", request[1], "--package", "late"]
    program.acme(["--clock", "2099-01-01T00:00:00Z", *words], status=1, says="get a new one and make a new request")
    folder = program.generate("stale", "aes-256", request)
    server.call("GetParametersForImport", KeyId=request[2], WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_4096")
    program.finish(folder, status=1, says="InvalidImportTokenException")
    program.acme(["--clock", "2099-01-01T00:00:00Z", "import", "finish", folder, *here], status=1, says="get a new one and make a new request")
    print("what is refused is refused with its rule")


def watched(program, server, proxy):
    """What the log can't know: a material that nobody escrowed, and an end that nobody asked for."""
    def hand_over(folder, key, **more):
        text = lambda name: base64.b64encode((program.root / folder / name).read_bytes()).decode()
        body = {"ImportToken": text("import-token.bin"), "EncryptedKeyMaterial": text("wrapped.bin")}
        body = {**body, "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", **more}
        return server.call("ImportKeyMaterial", KeyId=key, **body)["KeyMaterialId"]

    key = first(program, "guarded")
    program.status("guarded")
    request = program.begin(["aws", "--kind", "aes-256", "--as", "version", "--set", f"key={key}"])
    stranger = hand_over(program.generate("stranger", "aes-256", request), key, ImportType="NEW_KEY_MATERIAL")
    program.status("guarded")
    server.call("RotateKeyOnDemand", KeyId=key)
    program.status("guarded", status=4, says=f"it uses {stranger} for new work, which no import of the log brought there")
    values = program.json(["-C", "acme", "provider", "status", "guarded", *program.before], status=4)
    assert values[0]["current"] == stranger and values[0]["differs"], values
    # The same material once more, with an end: it would take the key with it.
    key = first(program, "ending")
    folder = program.recover("ending", program.begin(["--again", "ending"]))
    end = int(time.time()) + 300 * 86400
    hand_over(folder, key, ImportType="EXISTING_KEY_MATERIAL", ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=end)
    program.status("ending", status=4, says="it ends there by itself at")
    program.finish(program.recover("ending", program.begin(["--again", "ending"])))
    # A public key that isn't shown is no key that is as the log says.
    first(program, "silent", "ed25519")
    proxy.rule = on("GetPublicKey", (200, b"{}"))
    program.status("silent", status=1, says=["not asked: ", "nonsense"])
    proxy.rule = on("", None)
    program.status("silent")
    # Who shreds may not see it, and is asked for it neither before nor after.
    refusal = json.dumps({"__type": "AccessDeniedException", "message": "no"}).encode()
    proxy.rule = on("GetPublicKey", (400, refusal))
    program.shred("silent", "--disable", "--yes", says="disabled")
    program.shred("silent", "--disable", "--yes", says="is stopped already, says the log, and the provider")
    # AWS shows none of a key that is stopped.
    proxy.rule = on("GetPublicKey", (400, b'{"__type":"DisabledException","message":"is disabled"}'))
    program.status("silent")
    # A key that was made, and then nothing: it is named, and the next run takes it.
    proxy.rule = on("GetParametersForImport", (400, refusal))
    words = ["import", "begin", "aws", "--kind", "aes-256", *program.before, "--out", "made"]
    program.acme(words, status=1, says=["was made for the key, and then: aws refuses kms:GetParametersForImport", "--set key=arn:aws:kms:"])
    proxy.rule = on("", None)
    made = program.said.split("--set key=")[1].split(";")[0]
    assert program.begin(["aws", "--kind", "aes-256", "--set", f"key={made}"])[2] == made
    print("a material of nobody's backup, an end, and a key that shows nothing are told")


def used_up(program, server, proxy):
    """A service that can't list materials and takes a token once: what can't be compared isn't claimed."""
    request = program.begin(["aws", "--kind", "aes-256"])
    folder = program.generate("once", "aes-256", request)
    proxy.rule = on("ImportKeyMaterial", "drop")
    program.finish(folder, status=1, says="whether it was done is not known")
    proxy.rule = on("", None)
    program.finish(folder, status=1, says=["so that it can't be compared", "make a request with --as again"])
    request = program.begin(["aws", "--kind", "aes-256", "--as", "again", "--set", f"key={request[2]}"])
    program.finish(program.recover("once", request), says="compared by the provider")
    program.status("once")
    print("a used token is told from an import, and the way on leads there")


def main():
    with tempfile.TemporaryDirectory() as folder:
        for more, parts in (({}, [matrix, lineage, other_material, deaths, rights, watched, refused]), ({"QUORATE_NO_ROTATIONS": "1"}, [used_up])):
            root = pathlib.Path(folder) / ("plain" if more else "more")
            root.mkdir()
            server = Server(root, more)
            proxy = Proxy(server.port)
            try:
                environment = {
                    "AWS_ENDPOINT_URL": proxy.url,
                    "AWS_ACCESS_KEY_ID": "test",
                    "AWS_SECRET_ACCESS_KEY": "test",
                    "AWS_REGION": "eu-west-1",
                    "AWS_EC2_METADATA_DISABLED": "true",
                    "HOME": str(root),
                }
                program = Program(PROGRAM, root, environment, ["--plain-http-here"])
                for part in [part for part in parts if not sys.argv[3:] or part.__name__ in sys.argv[3:]]:
                    given = {"program": program, "server": server, "proxy": proxy, "root": root}
                    part(**{name: given[name] for name in part.__code__.co_varnames[: part.__code__.co_argcount]})
                program.acme(["log", "verify"])
            finally:
                proxy.end()
                server.end()


main()
