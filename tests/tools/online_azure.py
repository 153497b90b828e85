"""Drives the program's Azure client (the official SDK) against a stand-in: online_azure.py PROGRAM KEYS [PART…].

The stand-in (`fake/azure.py`) is Python's cryptography behind Azure's REST, over TLS on 127.0.0.1, once as a Key Vault
and once as a Managed HSM, and ends with this script. Every kind under every size of KEK; versions; disabling, deleting
and purging; each right that is missing, by its name; another vault, a KEK that may do more than import, names that are
taken or deleted; nonsense and silence; a reply that is lost after the import, and a process that is killed
in it: the second run finds what was done. Prints a line a part.
"""

import base64
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fake.azure import MANAGED, Azure, strict, url
from fake.stage import Stage
from fake.tls import Authority, serve

PEM, SPKI = Encoding.PEM, PublicFormat.SubjectPublicKeyInfo

SIZES = ["4096", "3072", "2048"]
KINDS = ["rsa-2048", "rsa-3072", "rsa-4096", "ec-p256", "ec-p384", "ec-p521", "ec-secp256k1"]
AES = ["aes-128", "aes-256"]


class Vault(Stage):
    def __init__(self, root, managed):
        self.azure, self.provider = Azure(managed), "azure-hsm" if managed else "azure"
        authority = Authority(pathlib.Path(root))
        self.files = authority.issue("azure")
        self.url = self.azure.address = serve(self.azure.handle, self.files)
        super().__init__(root, sys.argv[1], sys.argv[2], ["--endpoint", self.url, "--ca", str(authority.file)])
        self.environment |= {"AZURE_AUTHORITY_HOST": self.url} | self.azure.client("owner", "all")
        self.place = ["--set", "hsm=acme" if managed else "vault=acme"]

    def wish(self, kind, key, *more):
        return [self.provider, "--kind", kind, *self.place, "--set", f"key={key}", *more]

    def one(self, name, kind, *more):
        wrapping = self.begin(self.wish(kind, name, *more), f"{name}.json")
        self.make(name, kind, [(f"{name}.json", wrapping)], f"out-{name}")



def every_kind(stage):
    count = 0
    for kind in KINDS + (AES if stage.azure.managed else []):
        requests = []
        for bits in SIZES:
            file = f"{kind}-{bits}.json"
            requests.append((file, stage.begin(stage.wish(kind, f"{kind}-{bits}", "--bits", bits), file)))
        stage.make(kind, kind, requests, f"out-{kind}")
        for number, bits in enumerate(SIZES, 1):
            text = stage.finish(f"out-{kind}/{number}-{stage.provider}")
            assert ": proven" in text and "had it already" not in text, text
            count += 1
        if kind in AES:
            held = {one["key"] for bits in SIZES for one in stage.azure.keys[f"{kind}-{bits}"].values()}
            assert held == {stage.raw(kind, f"{kind}.raw")}
        records = stage.records("import")
        assert "had it already" in stage.finish(f"out-{kind}/1-{stage.provider}")
        assert stage.records("import") == records
        assert len(stage.azure.keys[f"{kind}-4096"]) == 1
    # One KEK a size, however many requests.
    assert {len(stage.azure.keys[f"quorate-kek-{bits}"]) for bits in SIZES} == {1}
    stage.status()
    if not stage.azure.managed:
        assert "no key of kind aes-256" in stage.begin(stage.wish("aes-256", "aes"), "aes.json", 1)
    print(f"{stage.provider}: {count} imports of {len(KINDS) + 2 * stage.azure.managed} kinds under {len(SIZES)} sizes are proven")


def lineage(stage):
    azure = stage.azure
    stage.one("line", "ec-p256")
    stage.finish("out-line")
    wrapping = stage.begin(["--next", "line"], "line-2.json")
    stage.make("line", "ec-p256", [("line-2.json", wrapping)], "out-line-2")
    assert ": proven" in stage.finish("out-line-2")
    first, second = azure.keys["line"].values()
    stage.status(words=["line"])
    # Azure deletes a key with all of its versions: one goes alone only by being disabled.
    assert "all of them" in stage.shred(["line@1"], 1)
    stage.shred(["line@1", "--disable"])
    assert (first["enabled"], second["enabled"]) == (False, True)
    stage.status(words=["line"])
    second["enabled"] = False
    assert "not enabled" in stage.status(4, ["line@2"])
    second["enabled"] = True
    # Another key under the name: its public key is not the log's.
    mine, theirs = second["key"], next(iter(azure.keys["ec-p256-4096"].values()))["key"]
    second["key"] = theirs
    assert "the log says" in stage.status(4, ["line@2"])
    second["key"] = mine
    assert "deleted, not purged" in stage.shred(["line"])
    assert "line" in azure.deleted
    stage.status(words=["line"])
    # A name that is deleted can't be used again, until it is recovered or purged.
    stage.again("line@2", "line-3.json", "out-line-3")
    assert "not purged yet" in stage.finish("out-line-3", 1)
    stage.one("purge", "ec-p384")
    stage.finish("out-purge")
    assert "days" in stage.shred(["purge", "--days", "9"], 1)
    stage.shred(["purge", "--days", "0"])
    assert azure.purged == ["purge"]
    stage.status(words=["purge"])
    azure.handle("DELETE", "/deletedkeys/line", {"api-version": "7.6"}, {"Authorization": token(stage)}, b"")
    assert ": proven" in stage.finish("out-line-3")
    stage.status(words=["line@2"])
    print(f"{stage.provider}: versions, disabling, deleting, purging and the same key again")


def token(stage):
    return "Bearer " + next(token for token, name in stage.azure.tokens.items() if name == "owner")


def duty(stage, *roles):
    """A client with the rights that `provider policy` prints for these duties."""
    actions, kind = set(), ["--kind", "aes-256" if stage.azure.managed else "ec-p256"]
    for role in roles:
        policy = json.loads(stage.acme(["provider", "policy", stage.provider, "--role", role, "--key", "/", *kind]))
        actions |= set(policy["dataActions" if stage.azure.managed else "DataActions"])
    return stage.azure.client("-".join(roles), sorted(actions))


def rights(stage):
    azure, prefix = stage.azure, f"Microsoft.KeyVault/{stage.azure.family}/"
    kind = "aes-256" if azure.managed else "ec-p256"
    importer, prover, shredder = duty(stage, "importer"), duty(stage, "prover"), duty(stage, "shredder")
    auditor, both = duty(stage, "auditor"), duty(stage, "importer", "prover")
    named = lambda action: prefix + (MANAGED.get(action, action) if azure.managed else action)
    count = 0

    def lacks(text, action):
        nonlocal count
        assert f"azure{'-hsm' * azure.managed} refuses {named(action)} on" in text and "lack that right" in text, text
        count += 1

    # A KEK is made by somebody who may, once; from then on it is read.
    kek = azure.keys.pop("quorate-kek-4096")
    lacks(stage.begin(stage.wish(kind, "duty"), "duty-no.json", 1, importer), "keys/create/action")
    azure.keys["quorate-kek-4096"] = kek
    lacks(stage.begin(stage.wish(kind, "duty"), "duty-no.json", 1, azure.client("nobody", [])), "keys/read")
    wrapping = stage.begin(stage.wish(kind, "duty"), "duty.json", more=importer)
    stage.make("duty", kind, [("duty.json", wrapping)], "out-duty")
    for other in (auditor, prover, shredder):
        lacks(stage.finish("out-duty", 1, other), "keys/import/action")
    if azure.managed:
        # The importer brings it, and whoever may use it proves it: it is handed over once.
        lacks(stage.finish("out-duty", 1, importer), "keys/decrypt/action")
        assert "had it already" in stage.finish("out-duty", more=prover)
    else:
        stage.finish("out-duty", more=importer)
    assert len(azure.keys["duty"]) == 1
    stage.one("duty-2", kind)
    assert ": proven" in stage.finish("out-duty-2", more=both)
    stage.status(words=["duty"], more=auditor)
    for other in (auditor, importer, prover):
        lacks(stage.shred(["duty", "--disable"], 1, other), "keys/update/action")
        lacks(stage.shred(["duty"], 1, other), "keys/delete")
    stage.shred(["duty", "--disable"], more=shredder)
    stage.shred(["duty"], more=shredder)
    stage.status(words=["duty"], more=auditor)
    stage.shred(["duty-2", "--days", "0"], more=shredder)
    # Each right that a policy prints is one that was used.
    for one in (importer, prover, shredder, auditor):
        name = one["AZURE_CLIENT_ID"]
        assert azure.used[name] == set(azure.clients[name][1]), (name, azure.used[name])
    assert "duty-2" in azure.purged
    wrong = dict(both, AZURE_CLIENT_SECRET="another")
    assert "does not accept the credentials" in stage.begin(stage.wish(kind, "x"), "x.json", 1, wrong)
    assert "AZURE_TENANT_ID is missing" in stage.begin(stage.wish(kind, "x"), "x.json", 1, dict(both, AZURE_TENANT_ID=""))
    print(f"{stage.provider}: every duty does what it is for; {count} rights that it lacks are named")


def wrong(stage):
    azure = stage.azure
    base = stage.wish("ec-p256", "wrong")
    other = [*base, "--set", "kid=https://other.vault.azure.net/keys/kek/0123"]
    assert "are in one vault" in stage.begin(other, "wrong-1.json", 1)
    nobody = [*base, "--set", f"kid={stage.url}/keys/kek/0123"]
    assert "has no" in stage.begin(nobody, "wrong-2.json", 1)
    # A KEK that may do more than import is none.
    kek = next(iter(azure.keys["quorate-kek-4096"].values()))
    kek["ops"] = ["import", "decrypt"]
    assert "is no KEK" in stage.begin(base, "wrong-3.json", 1)
    kek["ops"] = ["import"]
    # A package for one vault does not go to another.
    stage.one("wrong", "ec-p256")
    # A name that holds another key already.
    azure.keys["wrong"] = azure.keys["ec-p256-4096"]
    assert "holds another key already" in stage.finish("out-wrong", 1)
    del azure.keys["wrong"]
    ours, stage.reached = stage.reached, [stage.reached[0], "https://127.0.0.1:1", *stage.reached[2:]]
    assert "are in one vault" in stage.finish("out-wrong", 1)
    assert "can't be reached" in stage.begin(base, "wrong-4.json", 1)
    stage.reached = ours[:2]
    assert "not to be trusted" in stage.begin(base, "wrong-5.json", 1)
    stage.reached = ours
    kek["enabled"] = False
    assert "is no KEK" in stage.begin(base, "wrong-6.json", 1)
    assert "not permitted" in stage.finish("out-wrong", 1)
    kek["enabled"] = True
    assert ": proven" in stage.finish("out-wrong")
    print(f"{stage.provider}: other vaults, KEKs and names are refused")


def trouble(stage):
    azure, ours = stage.azure, stage.reached
    kind = "aes-128" if azure.managed else "rsa-2048"
    for reply, word in [((200, {}, b"<html>"), "nonsense"), ((502, {}, b"<html>"), "502"), (None, "can't be reached")]:
        azure.before = lambda verb, path, reply=reply: reply
        text = stage.begin(stage.wish(kind, "trouble"), "trouble.json", 1)
        assert word in text, text
    azure.before = lambda verb, path: "silence"
    stage.reached = [*ours, "--call-timeout", "4"]
    assert "gave no answer" in stage.begin(stage.wish(kind, "trouble"), "trouble.json", 1)
    azure.before, stage.reached = lambda verb, path: "go on", ours
    for lost in (None, (502, {}, b"<html>"), (200, {}, b"nonsense")):
        name = f"lost-{'none' if lost is None else lost[0]}"
        stage.one(name, kind)
        # The challenge comes first, and is no import.
        imported = lambda: name in azure.keys
        azure.after = lambda verb, path, lost=lost: lost if verb == "PUT" and imported() else "go on"
        text = stage.finish(f"out-{name}", 1)
        assert "whether it was done is not known" in text, text
        azure.after = lambda verb, path: "go on"
        assert "had it already" in stage.finish(f"out-{name}")
        assert len(azure.keys[name]) == 1
    for moment in ("before", "after"):
        name = f"killed-{moment}"
        stage.one(name, kind)
        there = threading.Event()

        def hold(verb, path):
            if verb == "PUT":
                there.set()
                return "silence"
            return "go on"

        setattr(azure, moment, hold)
        words = [stage.program, "-C", "acme", "import", "finish", f"out-{name}", *stage.reached]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        running = subprocess.Popen(words, cwd=stage.root, env=stage.environment, **quiet)
        assert there.wait(60)
        running.send_signal(signal.SIGKILL)
        running.wait()
        setattr(azure, moment, lambda verb, path: "go on")
        done = "had it already" in stage.finish(f"out-{name}")
        assert done == (moment == "after") and len(azure.keys[name]) == 1
    print(f"{stage.provider}: nonsense, silence, lost replies and killed processes: the second run finds the truth")


def changes(azure):
    """What was sent that changes something."""
    return [(verb, path) for verb, path in azure.calls if verb != "GET"]


def stops(stage):
    azure, ours = stage.azure, stage.reached
    another = ec.generate_private_key(ec.SECP384R1())

    def there(name):
        stage.one(name, "ec-p384")
        assert ": proven" in stage.finish(f"out-{name}")
        azure.calls.clear()
        return azure.keys[name]

    # A key that may leave; a version that nobody escrowed.
    (version,) = there("other").values()
    stage.status(words=["other"])
    version["exportable"] = True
    assert "the key may be exported, which no import asks for" in stage.status(4, ["other"])
    version["exportable"] = False
    newer = azure.add("other", another, "EC-HSM", ["sign"])
    text = stage.status(4, ["other"])
    assert f"it uses {newer['kid']} for new work, which no import of the log brought there" in text, text
    azure.keys["other"].popitem()
    azure.calls.clear()
    # Another key under the id of the log's: nothing is sent, however it was to be stopped.
    mine, version["key"] = version["key"], another
    for words in (["other"], ["other@1"], ["other", "--disable"], ["other", "--days", "0"]):
        assert "is another key than the log's" in stage.shred(words, 4)
    assert changes(azure) == [] and stage.phases("other") == ["intent", "failed"] * 4
    # A vault of the same names at another address is another vault.
    version["key"], elsewhere = mine, Azure(azure.managed)
    elsewhere.keys["other"] = azure.keys["other"]
    elsewhere.address = serve(elsewhere.handle, stage.files)
    stage.reached = ["--endpoint", elsewhere.address, *ours[2:]]
    assert "which is not in" in stage.shred(["other"], 1)
    assert "not asked" in stage.status(1, ["other"])
    assert elsewhere.calls == [] and changes(azure) == []
    stage.reached = ours
    # It is not there, and nothing says why.
    azure.keys.pop("other")
    assert "is not there" in stage.shred(["other"], 4)
    assert changes(azure) == [] and stage.phases("other")[-2:] == ["intent", "failed"]
    # Somebody else's key of that name is deleted: it isn't purged for ours.
    azure.keys["other"] = {"0" * 32: dict(version, kid=f"{stage.url}/keys/other/{'0' * 32}")}
    azure.deleted["other"] = azure.keys.pop("other")
    assert "recover it there" in stage.shred(["other", "--days", "0"], 4)
    assert "other" not in azure.purged and stage.phases("other")[-1] == "failed"
    # Of a deleted key the newest version alone is shown.
    there("two")
    wrapping = stage.begin(["--next", "two"], "two-2.json")
    stage.make("two", "ec-p384", [("two-2.json", wrapping)], "out-two-2")
    stage.finish("out-two-2")
    azure.deleted["two"] = azure.keys.pop("two")
    assert "recover it there" in stage.shred(["two", "--days", "0"], 4)
    assert "two" not in azure.purged
    azure.keys["two"] = azure.deleted.pop("two")
    stage.shred(["two", "--days", "0"])
    assert "two" in azure.purged
    stage.status(words=["two"])
    # What is deleted shows late, and a purge finds nothing before.
    there("late")
    azure.late = 3
    stage.shred(["late", "--days", "0"])
    assert azure.late == 0 and "late" in azure.purged and stage.phases("late") == ["intent", "done"]
    there("later")
    azure.late, stage.reached = 10**6, [*ours, "--call-timeout", "4"]
    assert "does not show as deleted yet" in stage.shred(["later", "--days", "0"], 1)
    azure.late, stage.reached = 0, ours
    assert stage.phases("later") == ["intent"] and "later" not in azure.purged
    stage.shred(["later", "--days", "0"])
    assert stage.phases("later") == ["intent", "done"] and "later" in azure.purged
    # A part of it was done: the intent stays open, and the next run does the rest.
    there("half")
    family = f"Microsoft.KeyVault/{azure.family}/"
    some = ["keys/read", "keys/delete", "keys/deletedKeys/read/action"]
    half = azure.client("half", [family + (MANAGED.get(one, one) if azure.managed else one) for one in some])
    text = stage.shred(["half", "--days", "0"], 1, half)
    assert "a part of it was done, and then" in text and "lack that right" in text, text
    assert stage.phases("half") == ["intent"] and "half" in azure.deleted
    stage.shred(["half", "--days", "0"])
    assert stage.phases("half") == ["intent", "done"] and "half" in azure.purged
    # Disabled is not deleted.
    (version,) = there("kept").values()
    version["enabled"] = False
    azure.before = lambda verb, path: (200, {"Content-Type": "application/json"}, b"{}") if verb == "DELETE" else "go on"
    assert "disabled, and still there" in stage.shred(["kept@1"], 1)
    assert stage.phases("kept") == ["intent"]
    azure.before = lambda verb, path: "go on"
    stage.shred(["kept@1"])
    assert stage.phases("kept") == ["intent", "done"] and "kept" in azure.deleted
    # What was there already, and is stopped, is no import; and nothing takes the place of what is there.
    (version,) = there("held").values()
    stage.shred(["held", "--disable"])
    records = stage.records("import")
    assert "was imported from this package, and is disabled" in stage.finish("out-held", 1)
    assert stage.records("import") == records
    version["enabled"] = True
    assert "had it already" in stage.finish("out-held")
    stage.again("held", "held-2.json", "out-held-2")
    assert "holds another key already" in stage.finish("out-held-2", 1)
    assert len(azure.keys["held"]) == 1
    print(f"{stage.provider}: another key, a part that was done and what is merely disabled are no end of a key")


def by_hand(stage):
    """Imported by the provider's own commands: the log has no id of the version, and nothing is guessed."""
    azure = stage.azure
    kinds = [("hand", "ec-p256"), ("hand-aes", "aes-256")][: 1 + azure.managed]
    for name, kind in kinds:
        stage.one(name, kind)
        folder = stage.root / f"out-{name}"
        jwk = {"kty": "EC-HSM", "crv": "P-256"} if kind == "ec-p256" else {"kty": "oct-HSM", "key_ops": ["decrypt"]}
        kid = azure.bring(name, {"key": {**jwk, "key_hsm": url((folder / "wrapped.byok").read_bytes())}})["key"]["kid"]
        (one,) = azure.keys[name].values()
        assert one["kid"] == kid
        if kind == "ec-p256":
            shown = one["key"].public_key().public_bytes(PEM, SPKI)
            given = ["--public-key", "answer.txt"]
        else:
            iv = bytes.fromhex((folder / "challenge-iv.txt").read_text())
            sent = base64.b64decode((folder / "challenge.txt").read_text())
            asked = {"alg": "A256CBCPAD", "iv": url(iv), "value": url(sent)}
            shown = base64.b64encode(strict(azure.decrypt(one, asked)["value"], "value"))
            given = ["--answer", "answer.txt"]
        (stage.root / "answer.txt").write_bytes(shown)
        stage.acme(["import", "record", name, "--package", f"out-{name}", *given])
        azure.calls.clear()
        if kind == "aes-256":
            for words in (["--disable"], ["--days", "0"], []):
                assert "imported by hand, and shows no public key" in stage.shred([name, *words], 1)
            assert "imported by hand, and shows no public key" in stage.status(1, [name])
            assert changes(azure) == [] and one["enabled"]
            continue
        assert "as the log says" in stage.status(words=[name])
        # Somebody's newer version is left alone; the log's is found by its public key.
        other = azure.add(name, ec.generate_private_key(ec.SECP256R1()), "EC-HSM", ["sign"])
        text = stage.status(4, [name])
        assert f"it uses {other['kid']} for new work, which no import of the log brought there" in text, text
        stage.shred([name, "--disable"])
        assert (one["enabled"], other["enabled"]) == (False, True)
        one["enabled"] = True
        # Without it, what else has the name is not the log's.
        del azure.keys[name][kid.rpartition("/")[2]]
        azure.calls.clear()
        assert "the log says" in stage.status(4, [name])
        for words in (["--disable"], ["--days", "0"], []):
            assert "is another key than the log's" in stage.shred([name, *words], 4)
        assert changes(azure) == [] and other["enabled"]
    print(f"{stage.provider}: {len(kinds)} keys that were imported by hand are known by what they show, or not touched")


def hostile(stage):
    azure, ours = stage.azure, stage.reached
    (stage.root / "no.pem").write_text("no")
    wish = stage.wish("ec-p256", "hostile")
    azure.calls.clear()
    stage.reached = [*ours[:2], "--ca", "no.pem"]
    assert "no certificate in PEM" in stage.begin(wish, "hostile.json", 1)
    assert azure.calls == []
    stage.reached = ours
    # A list without an end, which ends long after anybody believes it.
    stage.one("endless", "ec-p256")
    pages = [0]

    def endless(verb, path):
        if not path.endswith("/versions"):
            return "go on"
        pages[0] += 1
        more = f"{stage.url}{path}?api-version=7.6&n={pages[0]}" if pages[0] < 300 else None
        return 200, {"Content-Type": "application/json"}, json.dumps({"value": [], "nextLink": more}).encode()

    azure.before = endless
    assert "an end of the list" in stage.finish("out-endless", 1)
    assert "endless" not in azure.keys
    azure.before = lambda verb, path: "dribble"
    stage.reached = [*ours, "--call-timeout", "4"]
    assert "gave no answer in 4 seconds" in stage.begin(wish, "hostile.json", 1)
    azure.before, stage.reached = lambda verb, path: "go on", ours
    # A key that is exchanged as it arrives.
    kind = "aes-256" if azure.managed else "ec-p256"
    stage.one("swapped", kind)
    wanted, other = azure.add, bytes(32) if azure.managed else ec.generate_private_key(ec.SECP256R1())
    azure.add = lambda name, key, *rest: wanted(name, other, *rest)
    for _ in range(2):
        text = stage.finish("out-swapped", 4)
        assert "another key" in text, text
    azure.add = wanted
    assert not [one for one in stage.records("import") if one["details"]["name"] == "swapped"]
    print(f"{stage.provider}: certificates that are none, lists without an end, bytes that dribble and another key")


def main():
    for managed in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            stage = Vault(folder, managed)
            stage.console(stage.provider)
            stage.parts([every_kind, lineage, rights, wrong, trouble, stops, by_hand, hostile])
            stage.quorate(["-C", "acme", "log", "verify"])


if __name__ == "__main__":
    main()
