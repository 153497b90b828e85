"""Drives the program's Google client (the official SDK) against a stand-in: online_gcp.py PROGRAM KEYS.

The stand-in (`fake/gcp.py`) is Python's cryptography behind Google's own message classes, over TLS on 127.0.0.1, and
ends with this script. Every kind by every method; later versions; stopping, destroying, the same material again and
other material; each right that is missing, by its name; an expired job, another project, another level, another
wrapping key; nonsense and silence; a reply that is lost after the import, and a process that is killed in
it: the second run finds what was done. Prints a line a part.
"""

import datetime
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading

from fake.gcp import STATE, Google
from fake.stage import Stage
from fake.tls import Authority, serve

METHODS = [f"rsa-oaep-{bits}-{hash_name}-aes-256" for bits in (4096, 3072) for hash_name in ("sha256", "sha1")]
DIRECT = ["rsa-oaep-4096-sha256", "rsa-oaep-3072-sha256"]
SYMMETRIC = ["aes-128", "aes-256", "hmac-224", "hmac-256", "hmac-384", "hmac-512"]
CURVES = ["ec-p256", "ec-p384", "ec-secp256k1", "ed25519"]
RSA = ["rsa-2048", "rsa-3072", "rsa-4096"]
PLACE = ["--set", "project=acme-prod", "--set", "location=europe-west3", "--set", "keyring=main"]


class Clouds(Stage):
    def __init__(self, root):
        self.google = Google()
        authority = Authority(pathlib.Path(root))
        self.url = serve(self.google.handle, authority.issue("google"))
        super().__init__(root, sys.argv[1], sys.argv[2], ["--endpoint", self.url, "--call-timeout", "20"])
        self.environment |= {"SSL_CERT_FILE": str(authority.file)} | self.account("owner", "all")

    def account(self, name, rights):
        file = self.google.account(name, rights, self.root, self.url + "/token")
        return {"GOOGLE_APPLICATION_CREDENTIALS": str(file)}

    def wish(self, kind, key, *more):
        return ["gcp", "--kind", kind, *PLACE, "--set", f"key={key}", *more]

    def one(self, name, kind, *more):
        """A key of its own place, with a package that is not handed over yet."""
        wrapping = self.begin(self.wish(kind, name, *more), f"{name}.json")
        self.make(name, kind, [(f"{name}.json", wrapping)], f"out-{name}")
        return f"{self.google.ring}/cryptoKeys/{name}"

    def versions(self, key):
        return [entry for name, entry in self.google.versions.items() if name.startswith(f"{key}/")]

    def imports(self):
        return sum(path.endswith(":import") for _, path in self.google.calls)


def every_kind(stage):
    count, strengths = 0, {}
    for kind in SYMMETRIC + CURVES + RSA:
        requests = []
        methods = METHODS if kind in RSA else METHODS + DIRECT
        for method in methods:
            file = f"{kind}-{method}.json"
            requests.append((file, stage.begin(stage.wish(kind, f"{kind}-{method}", "--method", method, "--bits", method[9:13]), file)))
        stage.make(kind, kind, requests, f"out-{kind}")
        before = stage.imports()
        for number, method in enumerate(methods, 1):
            text = stage.finish(f"out-{kind}/{number}-gcp")
            strengths.setdefault(kind, set()).add("proven" if ": proven" in text else "stated")
            assert "had it already" not in text
            count += 1
        assert stage.imports() == before + len(methods)
        material = {entry["material"] for method in methods for entry in stage.versions(f"{stage.google.ring}/cryptoKeys/{kind}-{method}")}
        assert len(material) == 1, kind
        if kind in SYMMETRIC:
            assert material == {stage.raw(kind, f"{kind}.raw")}, kind
        # Once more: what was done is found done, and nothing is logged twice.
        records = stage.records("import")
        assert "had it already" in stage.finish(f"out-{kind}/1-gcp")
        assert (stage.imports(), stage.records("import")) == (before + len(methods), records)
    # Google's own symmetric encryption shows nothing; everything else is proven.
    assert {kind for kind, found in strengths.items() if found != {"proven"}} == {"aes-256"}, strengths
    stage.one("raw", "aes-256", "--set", "purpose-algorithm=aes-256-gcm")
    assert ": proven" in stage.finish("out-raw")
    stage.status(words=["--at", "gcp"])
    print(f"{count + 1} imports of {len(strengths)} kinds by {len(METHODS + DIRECT)} methods")


def lineage(stage):
    key = stage.one("line", "aes-256")
    stage.finish("out-line")
    first = stage.versions(key)[0]["about"].name
    wrapping = stage.begin(["--next", "line"], "line-2.json")
    stage.make("line", "aes-256", [("line-2.json", wrapping)], "out-line-2")
    assert "is primary" in stage.json(["-C", "acme", "import", "finish", "out-line-2", *stage.reached])["activated"]
    assert stage.google.keys[key].primary.name.endswith("/2")
    stage.status(words=["line"])
    # Somebody disables a version: monitoring says so.
    about = stage.versions(key)[0]["about"]
    about.state = STATE.DISABLED
    assert "DISABLED" in stage.status(4, ["line"])
    about.state = STATE.ENABLED
    # Stopped, destroyed, and the same material again.
    stage.shred(["line@1", "--disable"])
    assert about.state == STATE.DISABLED
    stage.status(words=["line"])
    assert "DESTROY_SCHEDULED" in stage.shred(["line@1"])
    assert about.state == STATE.DESTROY_SCHEDULED
    stage.status(words=["line"])
    stage.again("line@1", "early.json", "out-early")
    assert "its material is still there" in stage.finish("out-early", 1)
    stage.google.ahead += datetime.timedelta(days=31)
    stage.status(words=["line"])
    return key, first


def duty(stage, *roles):
    """An account with the rights that `provider policy` prints for these duties, and a few more or less."""
    rights = set()
    for role in roles:
        policy = stage.acme(["provider", "policy", "gcp", "--role", role, "--key", "key"])
        rights |= {line[2:] for line in policy.splitlines() if line.startswith("- ")}
    return rights


def rights(stage):
    importer, prover = duty(stage, "importer"), duty(stage, "prover")
    account = lambda name, rights: stage.account(name, sorted(rights))
    count = 0

    def lacks(text, right):
        nonlocal count
        assert f"gcp refuses {right} on projects/" in text and "lack that right" in text, text
        count += 1

    # The key is made by somebody who may, once.
    wish = stage.wish("hmac-256", "duty")
    lacks(stage.begin(wish, "duty-no.json", 1, account("importer", importer)), "cloudkms.cryptoKeys.create")
    stage.begin(wish, "duty-first.json")
    for right in ("cryptoKeys.get", "importJobs.create", "importJobs.get"):
        lacking = account(f"no-{right.lower().replace('.', '-')}", importer - {f"cloudkms.{right}"})
        lacks(stage.begin(wish, "duty-no.json", 1, lacking), f"cloudkms.{right}")
    wrapping = stage.begin(wish, "duty.json", more=account("importer", importer))
    stage.make("duty", "hmac-256", [("duty.json", wrapping)], "out-duty")
    for right in ("cryptoKeyVersions.list", "importJobs.get", "cryptoKeyVersions.create", "importJobs.useToImport"):
        lacking = account(f"no-{right.lower().replace('.', '-')}", importer - {f"cloudkms.{right}"})
        lacks(stage.finish("out-duty", 1, lacking), f"cloudkms.{right}")
    assert not stage.versions(f"{stage.google.ring}/cryptoKeys/duty")
    # The importer brings it, and whoever may use it proves it: it is handed over once.
    lacks(stage.finish("out-duty", 1, account("importer", importer)), "cloudkms.cryptoKeyVersions.useToSign")
    assert "had it already" in stage.finish("out-duty", more=account("prover", prover))
    assert len(stage.versions(f"{stage.google.ring}/cryptoKeys/duty")) == 1
    for kind, right in (("ec-p256", "viewPublicKey"), ("aes-128", "useToDecrypt")):
        stage.one(f"duty-{kind}", kind)
        lacks(stage.finish(f"out-duty-{kind}", 1, account("importer", importer)), f"cloudkms.cryptoKeyVersions.{right}")
        stage.finish(f"out-duty-{kind}", more=account("prover", prover))
    auditor, shredder = account("auditor", duty(stage, "auditor")), account("shredder", duty(stage, "shredder"))
    stage.status(words=["duty"], more=auditor)
    for other in (auditor, account("importer", importer | prover)):
        lacks(stage.shred(["duty", "--disable"], 1, other), "cloudkms.cryptoKeyVersions.update")
        lacks(stage.shred(["duty@1"], 1, other), "cloudkms.cryptoKeyVersions.destroy")
    stage.shred(["duty", "--disable"], more=shredder)
    stage.shred(["duty-ec-p256", "--disable"], more=shredder)
    stage.shred(["duty@1"], more=shredder)
    stage.status(words=["duty"], more=auditor)
    rotator = account("rotator", duty(stage, "rotator") | prover)
    stage.one("turn", "aes-256")
    stage.finish("out-turn", more=account("importer", importer | prover))
    wrapping = stage.begin(["--next", "turn"], "turn-2.json", more=rotator)
    stage.make("turn", "aes-256", [("turn-2.json", wrapping)], "out-turn-2")
    lacks(stage.finish("out-turn-2", 1, account("importer", importer | prover)), "cloudkms.cryptoKeys.update")
    assert "had it already" in stage.finish("out-turn-2", more=rotator)
    nobody = stage.account("nobody", [])
    file = pathlib.Path(nobody["GOOGLE_APPLICATION_CREDENTIALS"])
    del stage.google.callers["nobody@acme-prod.iam.gserviceaccount.com"]
    assert "does not accept the credentials" in stage.begin(stage.wish("aes-256", "x"), "x.json", 1, nobody)
    file.write_text("{}")
    assert "credentials" in stage.begin(stage.wish("aes-256", "x"), "x.json", 1, nobody)
    print(f"every duty does what it is for; {count} rights that it lacks are named")


def wrong(stage):
    # Another project, a ring that isn't there, a key that isn't for imports, another purpose and level.
    other = ["gcp", "--kind", "aes-256", "--set", "project=other", *PLACE[2:], "--set", "key=k"]
    assert "gcp has no projects/other" in stage.begin(other, "other.json", 1)
    slash = ["gcp", "--kind", "aes-256", "--set", "project=a/../b", *PLACE[2:], "--set", "key=k"]
    assert "--set project" in stage.begin(slash, "slash.json", 1)
    key = stage.one("plain", "aes-256")
    stage.google.keys[key].import_only = False
    assert "not made for imports" in stage.begin(stage.wish("aes-256", "plain"), "plain-2.json", 1)
    stage.google.keys[key].import_only = True
    assert "is for ENCRYPT_DECRYPT" in stage.begin(stage.wish("hmac-256", "plain"), "plain-3.json", 1)
    assert "no key of kind ec-p521" in stage.begin(stage.wish("ec-p521", "plain"), "plain-4.json", 1)
    # A job that expired, at Google and for the clock of the request.
    (job,) = [job for job in stage.google.jobs.values() if job.name.endswith(job_of(stage, "plain"))]
    stage.google.job(job.name).expire_time = stage.google.now()
    text = stage.finish("out-plain", 1)
    assert "has ended" in text and "import begin" in text, text
    assert not stage.versions(key)
    # A job of another method than the one that is asked for.
    other = ["--set", f"import-job={job_of(stage, 'raw')}", "--method", "rsa-oaep-3072-sha256", "--bits", "3072"]
    assert "is for the method rsa-oaep-4096" in stage.begin(stage.wish("aes-256", "plain", *other), "plain-5.json", 1)
    # What was imported, and destroyed by somebody before it was proven, is not imported once more.
    key = stage.one("gone", "hmac-256")
    stage.google.after = lambda verb, path: None if path.endswith(":import") else "go on"
    stage.finish("out-gone", 1)
    stage.google.after = lambda verb, path: "go on"
    (entry,) = stage.versions(key)
    for state, word in ((STATE.DESTROYED, "destroyed since"), (STATE.DISABLED, "is disabled")):
        entry["about"].state = state
        assert word in stage.finish("out-gone", 1)
    assert len(stage.versions(key)) == 1
    # The job's wrapping key was exchanged.
    key = stage.one("swap", "aes-256")
    (job,) = [job for job in stage.google.jobs.values() if job.name.endswith(job_of(stage, "swap"))]
    true, other_job = job.public_key.pem, next(job for job in stage.google.jobs.values() if "3072" in job.import_method.name and job.public_key.pem)
    job.public_key.pem = other_job.public_key.pem
    assert "another wrapping key" in stage.finish("out-swap", 1)
    job.public_key.pem = true
    # Another key comes under the same job: nothing of it is taken for ours.
    stage.one("sign", "ec-p256")
    wrapping = stage.begin(stage.wish("ec-p256", "sign", "--set", f"import-job={job_of(stage, 'sign')}"), "forged.json")
    stage.make("forged", "ec-p256", [("forged.json", wrapping)], "out-forged")
    assert ": proven" in stage.finish("out-forged")
    assert ": proven" in stage.finish("out-sign")
    assert len(stage.versions(f"{stage.google.ring}/cryptoKeys/sign")) == 2
    # Two keys for one request, and Google shows nothing that tells them apart.
    twin = stage.begin(stage.wish("aes-256", "twin"), "twin.json")
    for name in ("twin-1", "twin-2"):
        stage.make(name, "aes-256", [("twin.json", twin)], f"out-{name}")
    assert "wrapped for the same request" in stage.finish("out-twin-1", 1)
    print("other projects, keys, jobs and wrapping keys are refused")


def job_of(stage, name):
    return json.loads((stage.root / f"{name}.json").read_text())["target"]["import-job"]


def trouble(stage):
    google = stage.google
    # Nonsense, an error of the machines in between, and silence.
    for reply, word in [((200, {}, b"<html>hello</html>"), "nonsense"), ((502, {}, b"<html>"), "502"), (None, "can't be reached")]:
        google.before = lambda verb, path, reply=reply: reply if verb == "GET" else "go on"
        text = stage.begin(stage.wish("aes-256", "trouble"), "trouble.json", 1)
        assert word in text, text
    quick = stage.reached
    google.before = lambda verb, path: "silence" if verb == "GET" else "go on"
    stage.reached = ["--endpoint", stage.url, "--call-timeout", "1"]
    assert "gave no answer" in stage.begin(stage.wish("aes-256", "trouble"), "trouble.json", 1)
    google.before = lambda verb, path: "go on"
    stage.reached = ["--endpoint", "https://127.0.0.1:1", "--call-timeout", "5"]
    assert "can't be reached" in stage.begin(stage.wish("aes-256", "trouble"), "trouble.json", 1)
    stage.reached = ["--endpoint", "http://127.0.0.1:1"]
    assert "has no TLS" in stage.begin(stage.wish("aes-256", "trouble"), "trouble.json", 2)
    stage.reached = quick
    text = stage.begin(stage.wish("aes-256", "trouble"), "trouble.json", 1, {"SSL_CERT_FILE": str(stage.google_other)})
    assert "not to be trusted" in text, text
    # The reply is lost after the import: it isn't known what was done, and the second run finds it.
    for number, kind in enumerate(["aes-256", "aes-128", "hmac-512", "ec-p384", "rsa-2048"]):
        for lost in (None, (502, {}, b"<html>bad gateway</html>"), (200, {}, b"nonsense")):
            name = f"lost-{number}-{'none' if lost is None else lost[0]}"
            key = stage.one(name, kind)
            before = stage.imports()
            google.after = lambda verb, path, lost=lost: lost if path.endswith(":import") else "go on"
            text = stage.finish(f"out-{name}", 1)
            assert "whether it was done is not known" in text and "run the same command again" in text, text
            google.after = lambda verb, path: "go on"
            assert "had it already" in stage.finish(f"out-{name}")
            assert stage.imports() == before + 1 and len(stage.versions(key)) == 1
    # Killed before the call, in it, and after it.
    for moment in ("before", "after"):
        name = f"killed-{moment}"
        key = stage.one(name, "hmac-256")
        there = threading.Event()

        def hold(verb, path):
            if path.endswith(":import"):
                there.set()
                return "silence"
            return "go on"

        setattr(google, moment, hold)
        before = stage.records("import")
        words = [stage.program, "-C", "acme", "import", "finish", f"out-{name}", *stage.reached]
        running = subprocess.Popen(words, cwd=stage.root, env=stage.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert there.wait(60)
        running.send_signal(signal.SIGKILL)
        running.wait()
        setattr(google, moment, lambda verb, path: "go on")
        assert stage.records("import") == before
        done = "had it already" in stage.finish(f"out-{name}")
        assert done == (moment == "after") and len(stage.versions(key)) == 1
    print("nonsense, silence, lost replies and killed processes: the second run finds the truth")


def again(stage, key, first):
    """The same material into a version that was destroyed; other material is Google's to refuse."""
    stage.again("line@1", "again.json", "out-again")
    wrapping = stage.begin(["--again", "line@1"], "again-2.json")
    stage.make("other", "aes-256", [("again-2.json", wrapping)], "out-other")
    text = stage.finish("out-other", 4)
    assert "holds another key" in text, text
    assert stage.finish("out-again")
    about = next(entry["about"] for entry in stage.versions(key) if entry["about"].name == first)
    assert about.state == STATE.ENABLED
    assert "had it already" in stage.finish("out-again")
    stage.status(words=["line@1"])
    # The whole key: every version.
    stage.shred(["line"])
    assert {entry["about"].state for entry in stage.versions(key)} == {STATE.DESTROY_SCHEDULED}
    print("versions, deletion, the same material again and other material")


def main():
    with tempfile.TemporaryDirectory() as folder:
        stage = Clouds(folder)
        stage.google_other = Authority(stage.root, "other").file
        stage.console("gcp")
        every_kind(stage)
        rights(stage)
        wrong(stage)
        trouble(stage)
        again(stage, *lineage(stage))
        stage.quorate(["-C", "acme", "log", "verify"])


if __name__ == "__main__":
    main()
