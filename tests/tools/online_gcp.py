"""Drives the program's Google client (the official SDK) against a stand-in: online_gcp.py PROGRAM KEYS [PART…].

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

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fake.gcp import STATE, Google, kms
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


def duty(stage, kind, *roles):
    """The rights that `provider policy` prints for these duties over keys of a kind."""
    rights = set()
    for role in roles:
        policy = stage.acme(["provider", "policy", "gcp", "--role", role, "--key", "key", "--kind", kind])
        rights |= {line[2:] for line in policy.splitlines() if line.startswith("- ")}
    return rights


def rights(stage):
    importer, prover = duty(stage, "hmac-256", "importer"), duty(stage, "hmac-256", "prover")
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
    for right in ("cryptoKeys.get", "cryptoKeyVersions.list", "importJobs.create", "importJobs.get"):
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
    # A public key is no use of the key: there the importer finishes alone, and nobody may sign.
    for kind, right, alone in (("ec-p256", "viewPublicKey", True), ("aes-128", "useToDecrypt", False), ("aes-256", "", True)):
        brings, proves = duty(stage, kind, "importer"), duty(stage, kind, "prover")
        assert {one for one in brings | proves if "useTo" in one and "Import" not in one} == ({f"cloudkms.cryptoKeyVersions.{right}"} - {"cloudkms.cryptoKeyVersions.viewPublicKey", "cloudkms.cryptoKeyVersions."})
        stage.one(f"duty-{kind}", kind)
        if right:
            lacking = account(f"importer-{kind}", brings - {f"cloudkms.cryptoKeyVersions.{right}"})
            lacks(stage.finish(f"out-duty-{kind}", 1, lacking), f"cloudkms.cryptoKeyVersions.{right}")
            assert "had it already" in stage.finish(f"out-duty-{kind}", more=account(f"prover-{kind}", proves))
        stage.one(f"alone-{kind}", kind)
        text = stage.finish(f"out-alone-{kind}", 0 if alone else 1, account(f"importer-{kind}", brings))
        assert (": proven" in text or ": stated" in text) == alone, text
    for kind in ("hmac-256", "ec-p256", "aes-256"):
        name = "duty" if kind == "hmac-256" else f"duty-{kind}" if kind == "ec-p256" else f"alone-{kind}"
        auditor, shredder = account("auditor", duty(stage, kind, "auditor")), account("shredder", duty(stage, kind, "shredder"))
        stage.status(words=[name], more=auditor)
        for other in (auditor, account("importer", importer | prover | duty(stage, kind, "importer", "prover"))):
            lacks(stage.shred([name, "--disable"], 1, other), "cloudkms.cryptoKeyVersions.update")
            lacks(stage.shred([f"{name}@1"], 1, other), "cloudkms.cryptoKeyVersions.destroy")
        # The primary version is not the shredder's business: what it may not see, it goes without.
        stage.shred([name, "--disable"], more=shredder)
        stage.shred([f"{name}@1"], more=shredder)
        stage.status(words=[name], more=auditor)
    rotates = duty(stage, "aes-256", "rotator")
    rotator = account("rotator", rotates)
    stage.one("turn", "aes-256")
    stage.finish("out-turn", more=account("importer", duty(stage, "aes-256", "importer")))
    wrapping = stage.begin(["--next", "turn"], "turn-2.json", more=rotator)
    stage.make("turn", "aes-256", [("turn-2.json", wrapping)], "out-turn-2")
    lacks(stage.finish("out-turn-2", 1, account("importer", rotates - {"cloudkms.cryptoKeys.update"})), "cloudkms.cryptoKeys.update")
    assert "had it already" in stage.finish("out-turn-2", more=rotator)
    wrapping = stage.begin(["--next", "turn"], "turn-3.json", more=rotator)
    stage.make("turn", "aes-256", [("turn-3.json", wrapping)], "out-turn-3")
    stage.finish("out-turn-3", more=rotator)
    stage.shred(["turn"], more=account("shredder", duty(stage, "aes-256", "shredder")))
    assert not any(right.startswith("cloudkms.cryptoKeys.update") for right in duty(stage, "hmac-256", "rotator"))
    # Each right that a policy prints is one that was used, but for two: versions are listed where the log has no name,
    # and one is looked at again while its import is pending.
    sometimes = {"cloudkms.cryptoKeyVersions.list", "cloudkms.cryptoKeyVersions.get"}
    for kind, role in (("hmac-256", "importer"), ("aes-256", "rotator"), ("aes-256", "shredder"), ("hmac-256", "prover"), ("aes-256", "auditor")):
        printed = duty(stage, kind, role)
        left = printed - stage.google.used[tuple(sorted(printed))]
        assert left <= (sometimes if role in ("prover", "auditor") else set()), (role, left)
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


def other_keys(stage):
    """Another key where the package's should be: found out, skipped where it is one of several, and never logged."""
    google = stage.google
    # It came by the same job: the search goes on past it.
    key = stage.one("raws", "aes-128")
    wrapping = stage.begin(stage.wish("aes-128", "raws", "--set", f"import-job={job_of(stage, 'raws')}"), "raws-2.json")
    stage.make("forged-raws", "aes-128", [("raws-2.json", wrapping)], "out-forged-raws")
    for name in ("forged-raws", "raws"):
        text = stage.finish(f"out-{name}")
        assert ": proven" in text and "had it already" not in text, text
    assert "had it already" in stage.finish("out-raws")
    assert len(stage.versions(key)) == 2
    # It is exchanged as it arrives: whatever the proof is, that is a difference.
    for kind, other in (("aes-128", bytes(16)), ("hmac-256", bytes(32)), ("ec-p256", curve_key())):
        key = stage.one(f"swapped-{kind}", kind)

        def swap(verb, path):
            if path.endswith(":import"):
                (entry,) = stage.versions(key)
                entry["then"] = (other, "")
            return "go on"

        google.after = swap
        assert "another key" in stage.finish(f"out-swapped-{kind}", 4)
        google.after = lambda verb, path: "go on"
        assert not [one for one in stage.records("import") if one["details"]["name"] == f"swapped-{kind}"]
    # A first version goes to a key that has none, or whose import failed.
    assert "is there already, with 2 versions" in stage.begin(stage.wish("aes-128", "raws"), "raws-3.json", 1)
    for entry in stage.versions(f"{google.ring}/cryptoKeys/raws"):
        entry["about"].state = STATE.IMPORT_FAILED
    stage.begin(stage.wish("aes-128", "raws"), "raws-4.json")
    for entry in stage.versions(f"{google.ring}/cryptoKeys/raws"):
        entry["about"].state = STATE.ENABLED
    print("another key is skipped or named, and a key that is used is no place for a first version")


def curve_key():
    """A new key of P-256, as PKCS#8."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def changes(google):
    """What was sent that changes something."""
    return [(verb, path) for verb, path in google.calls if verb != "GET"]


def stops(stage):
    google = stage.google
    JSON = {"Content-Type": "application/json"}

    def there(name, kind="hmac-256"):
        key = stage.one(name, kind)
        stage.finish(f"out-{name}")
        google.calls.clear()
        return key

    # Nothing is there, and nothing says why.
    key = there("lost")
    entry = google.versions.pop(f"{key}/cryptoKeyVersions/1")
    for words in (["lost@1"], ["lost", "--disable"]):
        assert "is not there" in stage.shred(words, 4)
    assert changes(google) == [] and stage.phases("lost") == ["intent", "failed"] * 2
    # An intent that is open is such a reason.
    google.versions[f"{key}/cryptoKeyVersions/1"] = entry
    google.after = lambda verb, path: None if path.endswith(":destroy") else "go on"
    assert "whether it was done is not known" in stage.shred(["lost@1"], 1)
    google.after = lambda verb, path: "go on"
    stage.shred(["lost@1"])
    assert stage.phases("lost")[4:] == ["intent", "done"]
    # A part of it was done: the intent stays open, and the next run does the rest.
    key = there("half")
    wrapping = stage.begin(["--next", "half"], "half-2.json")
    stage.make("half", "hmac-256", [("half-2.json", wrapping)], "out-half-2")
    stage.finish("out-half-2")
    refusal = {"error": {"code": 400, "status": "FAILED_PRECONDITION", "message": "not now"}}
    google.before = lambda verb, path: (400, JSON, json.dumps(refusal).encode()) if path.endswith("/2:destroy") else "go on"
    assert "a part of it was done, and then" in stage.shred(["half"], 1)
    google.before = lambda verb, path: "go on"
    states = lambda: [entry["about"].state.name for entry in stage.versions(key)]
    assert states() == ["DESTROY_SCHEDULED", "ENABLED"] and stage.phases("half") == ["intent"]
    stage.shred(["half"])
    assert states() == ["DESTROY_SCHEDULED"] * 2 and stage.phases("half") == ["intent", "done"] * 2
    # Disabled is not destroyed.
    key = there("kept")
    (entry,) = stage.versions(key)
    entry["about"].state = STATE.DISABLED
    google.before = lambda verb, path: (200, JSON, b"{}") if path.endswith(":destroy") else "go on"
    assert "disabled, and still there" in stage.shred(["kept@1"], 1)
    google.before = lambda verb, path: "go on"
    assert stage.phases("kept") == ["intent"]
    stage.shred(["kept@1"])
    assert stage.phases("kept") == ["intent", "done"] and entry["about"].state == STATE.DESTROY_SCHEDULED
    # What was there already, and is stopped, is no import.
    key = there("held", "aes-256")
    (entry,) = stage.versions(key)
    stage.shred(["held", "--disable"])
    records = stage.records("import")
    assert "disabled" in stage.finish("out-held", 1)
    assert stage.records("import") == records
    entry["about"].state = STATE.ENABLED
    assert "had it already" in stage.finish("out-held")
    # A version that is primary, and that nobody escrowed.
    stage.status(words=["held"])
    theirs = f"{key}/cryptoKeyVersions/9"
    google.versions[theirs] = {**entry, "about": kms.CryptoKeyVersion(entry["about"], name=theirs)}
    google.keys[key].primary = google.versions[theirs]["about"]
    text = stage.status(4, ["held"])
    assert f"it uses {theirs} for new work, which no import of the log brought there" in text, text
    del google.versions[theirs]
    google.keys[key].primary = None
    # An older version is not made primary over a later one.
    for number in (2, 3):
        wrapping = stage.begin(["--next", "held"], f"held-{number}.json")
        stage.make("held", "aes-256", [(f"held-{number}.json", wrapping)], f"out-held-{number}")
        stage.finish(f"out-held-{number}")
    assert google.keys[key].primary.name.endswith("/3")
    assert "version 3 is there too, and stays the one that is used" in stage.finish("out-held-2")
    assert google.keys[key].primary.name.endswith("/3")
    print("another key, a part that was done and what is merely disabled are no end of a key")


def by_hand(stage):
    """Imported by the provider's own commands: the log has no name of the version, and nothing is guessed."""
    google = stage.google
    for kind in ("ec-p256", "hmac-256"):
        name = f"hand-{kind}"
        key = stage.one(name, kind)
        job, blob = f"{google.ring}/importJobs/{job_of(stage, name)}", (stage.root / f"out-{name}/wrapped.bin").read_bytes()
        request = kms.ImportCryptoKeyVersionRequest(parent=key, algorithm=google.keys[key].version_template.algorithm, import_job=job, wrapped_key=blob)
        one = google.bring(key, request, "all")
        google.version(one.name)
        if kind == "ec-p256":
            (stage.root / "answer.txt").write_text(google.public(one.name, "all").pem)
            given = ["--public-key", "answer.txt"]
        else:
            asked = kms.MacSignRequest(data=(stage.root / f"out-{name}/challenge.bin").read_bytes())
            (stage.root / "answer.txt").write_bytes(google.use(one.name, "macSign", kms.MacSignRequest.to_json(asked), "all").mac)
            given = ["--answer", "answer.txt"]
        stage.acme(["import", "record", name, "--package", f"out-{name}", *given])
        google.calls.clear()
        (entry,) = stage.versions(key)
        if kind == "hmac-256":
            for words in (["--disable"], []):
                assert "imported by hand, and shows no public key" in stage.shred([name, *words], 1)
            assert "imported by hand, and shows no public key" in stage.status(1, [name])
            assert changes(google) == [] and entry["about"].state == STATE.ENABLED
            continue
        assert "as the log says" in stage.status(words=[name])
        mine, entry["material"] = entry["material"], curve_key()
        google.calls.clear()
        for words in (["--disable"], []):
            assert "no enabled version whose public key" in stage.shred([name, *words], 1)
        assert changes(google) == [] and entry["about"].state == STATE.ENABLED
        entry["material"] = mine
        stage.shred([name, "--disable"])
        assert entry["about"].state == STATE.DISABLED
    print("keys that were imported by hand are known by what they show, or not touched")


def hostile(stage):
    google, ours = stage.google, stage.reached
    (stage.root / "no.pem").write_text("no")
    google.calls.clear()
    stage.reached = [*ours, "--ca", "no.pem"]
    assert "no certificate in PEM" in stage.begin(stage.wish("aes-256", "hostile"), "hostile.json", 1)
    stage.reached = [*ours, "--ca", str(stage.google_other)]
    assert "SSL_CERT_FILE" in stage.begin(stage.wish("aes-256", "hostile"), "hostile.json", 1)
    assert google.calls == []
    stage.reached = ours
    # A list without an end, which ends long after anybody believes it.
    key = stage.one("endless", "aes-256")
    pages = [0]

    def endless(verb, path):
        if verb != "GET" or not path.endswith("/cryptoKeyVersions"):
            return "go on"
        pages[0] += 1
        more = {"nextPageToken": str(pages[0])} if pages[0] < 300 else {}
        return 200, {"Content-Type": "application/json"}, json.dumps(more).encode()

    google.before = endless
    assert "an end of the list" in stage.finish("out-endless", 1)
    assert not stage.versions(key)
    google.before = lambda verb, path: "dribble" if verb == "GET" else "go on"
    stage.reached = ["--endpoint", stage.url, "--call-timeout", "4"]
    assert "gave no answer in 4 seconds" in stage.begin(stage.wish("aes-256", "hostile"), "hostile.json", 1)
    google.before, stage.reached = lambda verb, path: "go on", ours
    print("certificates that are none, lists without an end and bytes that dribble")


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
    stage.reached = ["--endpoint", stage.url, "--call-timeout", "4"]
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


def again(stage):
    """The same material into a version that was destroyed; other material is Google's to refuse."""
    key, first = lineage(stage)
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
        stage.parts([every_kind, rights, wrong, other_keys, trouble, stops, by_hand, hostile, again])
        stage.quorate(["-C", "acme", "log", "verify"])


if __name__ == "__main__":
    main()
