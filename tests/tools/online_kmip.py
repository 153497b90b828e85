"""Drives the program's KMIP client against PyKMIP, a server of others: online_kmip.py PROGRAM KEYS [PART…].

PyKMIP listens on 127.0.0.1 with certificates on both sides, and ends with this script. First as it is: it keeps a
wrapped key block as it came, so every import has to be found out, undone and refused. Then with unwrapping under an
RSA key (`fake/kmip_server.py`): every kind by every method and size, both ways (the server answers what the ceremony asked,
and the key decrypts what the server encrypts); names; stopping and destroying; a client that the server doesn't know;
silence and nonsense; a reply that is lost after Register. Prints a line a part.
"""

import contextlib
import hmac
import json
import logging
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from fake.stage import Stage
from fake.tls import Authority, dribble
from kmip import enums
from kmip.core.factories.attributes import AttributeFactory
from kmip.pie.client import ProxyKmipClient
from kmip.pie.objects import SymmetricKey

# PyKMIP says at every connection that it found no file of settings.
logging.disable(logging.CRITICAL)
KINDS = ["aes-128", "aes-256", "hmac-224", "hmac-256", "hmac-384", "hmac-512"]
METHODS = ["RSA_OAEP_SHA256", "RSA_OAEP_SHA1"]
SIZES = ["2048", "3072", "4096"]


def free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server(Stage):
    def __init__(self, root, how):
        folder = pathlib.Path(root)
        authority = Authority(folder)
        authority.issue("server")
        client = authority.issue("operator", client=True)
        self.port, self.files = free(), client
        script = pathlib.Path(__file__).parent / "fake" / "kmip_server.py"
        words = [sys.executable, str(script), str(folder), str(self.port), how]
        log = open(folder / "server.log", "wb")
        self.server = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=log, stderr=log)
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                break
            time.sleep(0.1)
        self.ca = str(authority.file)
        super().__init__(root, sys.argv[1], sys.argv[2], [])
        self.at(self.port)
        self.environment |= {"KMIP_CLIENT_CERT": str(client[0]), "KMIP_CLIENT_KEY": str(client[1])}

    def at(self, port, seconds=20):
        self.reached = ["--endpoint", f"127.0.0.1:{port}", "--ca", self.ca, "--call-timeout", str(seconds)]
        # Through another door it is this server all the same.
        self.reached += [] if port == self.port else ["--moved"]

    def client(self):
        certificate, key = self.files
        return ProxyKmipClient(
            hostname="127.0.0.1", port=self.port, cert=str(certificate), key=str(key), ca=self.ca,
            kmip_version=enums.KMIPVersion.KMIP_1_4,
        )

    def objects(self, name):
        """The ids of the symmetric keys of a name, as another client of KMIP finds them."""
        factory = AttributeFactory()
        wanted = [
            factory.create_attribute(enums.AttributeType.NAME, name),
            factory.create_attribute(enums.AttributeType.OBJECT_TYPE, enums.ObjectType.SYMMETRIC_KEY),
        ]
        with self.client() as client:
            return client.locate(attributes=wanted)

    def one(self, name, kind, *more):
        wrapping = self.begin(["kmip", "--kind", kind, "--set", f"key={name}", "--bits", "2048", *more], f"{name}.json")
        self.make(name, kind, [(f"{name}.json", wrapping)], f"out-{name}")

    def ends(self):
        self.server.stdin.close()
        self.server.wait(20)


def as_it_is(stage):
    stage.one("kept", "aes-256", "--method", "RSA_OAEP_SHA1")
    text = stage.finish("out-kept", 1)
    assert "does not unwrap RSA-OAEP" in text and "was destroyed again" in text, text
    assert stage.objects("kept") == [] and stage.records("import") == []
    # It reads no mask generator, which OAEP with SHA-256 needs since KMIP 1.4.
    stage.one("mask", "hmac-256", "--method", "RSA_OAEP_SHA256")
    assert "refuses Register" in stage.finish("out-mask", 1)
    assert stage.objects("mask") == []
    print("PyKMIP as it is does not unwrap: found out, undone and refused")


def other_way(stage, name, raw):
    with stage.client() as client:
        (uid,) = stage.objects(name)
        parameters = {
            "cryptographic_algorithm": enums.CryptographicAlgorithm.AES,
            "block_cipher_mode": enums.BlockCipherMode.CBC,
            "padding_method": enums.PaddingMethod.PKCS5,
        }
        sent, iv = client.encrypt(b"the other way", uid=uid, cryptographic_parameters=parameters, iv_counter_nonce=b"\1" * 16)
    opener, unpadder = Cipher(algorithms.AES(raw), modes.CBC(iv or b"\1" * 16)).decryptor(), padding.PKCS7(128).unpadder()
    plain = unpadder.update(opener.update(sent) + opener.finalize()) + unpadder.finalize()
    assert plain == b"the other way"


def every_kind(stage):
    stage.console("kmip")
    count, pairs = 0, {}
    for kind in KINDS:
        requests, places = [], [(method, bits) for method in METHODS for bits in SIZES]
        for method, bits in places:
            file, name = f"{kind}-{method}-{bits}.json", f"{kind}-{method}-{bits}"
            wish = ["kmip", "--kind", kind, "--set", f"key={name}", "--method", method, "--bits", bits]
            wish += ["--set", f"wrapping-key={pairs[bits]}"] if bits in pairs else []
            requests.append((file, stage.begin(wish, file)))
            pairs.setdefault(bits, json.loads((stage.root / file).read_text())["target"]["wrapping-key"])
        # One that is named is the one that is used.
        assert len({key for _, key in requests}) == len(SIZES)
        stage.make(kind, kind, requests, f"out-{kind}")
        raw = stage.raw(kind, f"{kind}.raw")
        for number, (method, bits) in enumerate(places, 1):
            text = stage.finish(f"out-{kind}/{number}-kmip")
            assert ": proven" in text and "had it already" not in text, text
            name = f"{kind}-{method}-{bits}"
            if kind.startswith("aes"):
                other_way(stage, name, raw)
            with stage.client() as client:
                assert client.get(stage.objects(name)[0]).value == raw
            count += 1
        records = stage.records("import")
        assert "had it already" in stage.finish(f"out-{kind}/1-kmip")
        assert stage.records("import") == records
    stage.status()
    print(f"{count} imports of {len(KINDS)} kinds by {len(METHODS)} methods under {len(SIZES)} sizes are proven both ways")


def lineage(stage):
    stage.one("line", "aes-256")
    stage.finish("out-line")
    (first,) = stage.objects("line")
    wrapping = stage.begin(["--next", "line"], "line-2.json")
    stage.make("line", "aes-256", [("line-2.json", wrapping)], "out-line-2")
    assert ": proven" in stage.finish("out-line-2")
    assert len(stage.objects("line")) == 2
    stage.status(words=["line"])
    # A name that is taken, by a key that isn't ours.
    stage.one("taken", "aes-256")
    stage.finish("out-taken")
    wrapping = stage.begin(["kmip", "--kind", "aes-256", "--set", "key=taken", "--bits", "2048"], "mine.json")
    stage.make("mine", "aes-256", [("mine.json", wrapping)], "out-mine")
    assert "name of another object already" in stage.finish("out-mine", 1)
    assert len(stage.objects("taken")) == 1
    # Somebody revokes it: monitoring says so. KMIP has no way back from that.
    with stage.client() as client:
        client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, stage.objects("taken")[0])
    assert "Deactivated" in stage.status(4, ["taken"])
    stage.shred(["line@1", "--disable"])
    stage.status(words=["line"])
    stage.shred(["line@1"])
    assert stage.objects("line") != [] and first not in stage.objects("line")
    stage.status(words=["line"])
    stage.again("line@1", "line-3.json", "out-line-3")
    assert ": proven" in stage.finish("out-line-3")
    stage.status(words=["line"])
    print("versions, names, stopping, destroying and the same key again")


class Between:
    """A door to the server, which loses what comes back once more was sent on a connection than on the first one.

    The first call of an import is Locate, which is short; the second is Register, with the wrapped key. With `most`, it
    loses nothing, and takes no more connections than that. With `host` it stands at another address of this machine.
    """

    def __init__(self, port, most=None, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family)
        self.port, self.to, self.sent, self.most = self.listener.getsockname()[1], port, [], most
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                if self.most is not None and len(self.sent) >= self.most:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self.to))
                self.sent.append(0)
                for way in ((near, far, len(self.sent) - 1, True), (far, near, len(self.sent) - 1, False)):
                    threading.Thread(target=self.carry, args=way, daemon=True).start()

    def carry(self, here, there, number, out):
        with contextlib.suppress(OSError):
            while data := here.recv(65536):
                self.sent[number] += len(data) * out
                if self.most is None and not out and number and self.sent[number] > self.sent[0] + 100:
                    break
                there.sendall(data)
        for end in (here, there):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def trouble(stage):
    other = Authority(stage.root, "other")
    stranger = other.issue("stranger", client=True)
    strange = {"KMIP_CLIENT_CERT": str(stranger[0]), "KMIP_CLIENT_KEY": str(stranger[1])}
    wish = ["kmip", "--kind", "aes-256", "--set", "key=x", "--bits", "2048"]
    text = stage.begin(wish, "x.json", 1, strange)
    assert "kmip" in text and ("credentials" in text or "trusted" in text or "reached" in text), text
    assert "KMIP_CLIENT_KEY" in stage.begin(wish, "x.json", 1, {"KMIP_CLIENT_KEY": ""})
    ours, stage.ca = stage.ca, str(other.file)
    stage.at(stage.port)
    assert "not to be trusted" in stage.begin(wish, "x.json", 1)
    stage.ca = ours
    stage.at(1)
    assert "can't be reached" in stage.begin(wish, "x.json", 1)
    silent = socket.create_server(("127.0.0.1", 0))
    stage.at(silent.getsockname()[1], 1)
    assert "can't be reached" in stage.begin(wish, "x.json", 1)
    stage.at(stage.port)
    assert "kmip has no object 99999" in stage.begin([*wish, "--set", "wrapping-key=99999"], "x.json", 1)
    # The reply to Register is lost: it is not known what was done, and the second run finds the object.
    stage.one("lost", "aes-256")
    door = Between(stage.port)
    stage.at(door.port)
    text = stage.finish("out-lost", 1)
    assert "whether it was done is not known" in text, text
    stage.at(stage.port)
    assert len(stage.objects("lost")) == 1
    assert "had it already" in stage.finish("out-lost")
    assert len(stage.objects("lost")) == 1
    # It is registered, then activated; what comes after that can't be sent. A part is done, and nobody says otherwise.
    for name, calls, there in (("locked", 2, "PRE_ACTIVE"), ("unasked", 3, "ACTIVE")):
        stage.one(name, "aes-256")
        stage.at(Between(stage.port, calls).port)
        text = stage.finish(f"out-{name}", 1)
        assert "a part of it was done, and then" in text and "run the same command again" in text, text
        assert "nothing was" not in text, text
        stage.at(stage.port)
        assert state(stage, stage.objects(name)[0]) == there
        assert "had it already" in stage.finish(f"out-{name}")
    # Of the pair that is made for a request as well.
    stage.at(Between(stage.port, 1).port)
    assert "a part of it was done, and then" in stage.begin(wish, "x.json", 1)
    stage.at(stage.port)
    print("strangers, silence and a lost reply: the second run finds the truth")


def addresses(stage):
    """One server has one name, however its address is written, and IPv6 is an address."""
    def at(address):
        stage.reached = ["--endpoint", address, "--ca", stage.ca, "--call-timeout", "20"]

    door = Between(stage.port, 1000, "::1")
    for name, first, second, server in (
        ("case", f"LocalHost:{stage.port}", f"kmip://localhost:{stage.port}/", f"localhost:{stage.port}"),
        ("six", f"[::1]:{door.port}", f"kmip://[0:0::1]:{door.port}", f"::1:{door.port}"),
    ):
        at(first)
        stage.one(name, "aes-256")
        assert ": proven" in stage.finish(f"out-{name}")
        (record,) = [one for one in stage.records("import") if one["details"]["name"] == name]
        assert record["details"]["target"]["server"] == server, record
        at(second)
        stage.status(words=[name])
    stage.at(stage.port)
    print("a server by its name in capitals and by IPv6")


MARK = enums.AttributeType.APPLICATION_SPECIFIC_INFORMATION.value
USES = [enums.CryptographicUsageMask.ENCRYPT, enums.CryptographicUsageMask.DECRYPT]
AES = enums.CryptographicAlgorithm.AES


def marks(stage, uid):
    with stage.client() as client:
        found = client.get_attributes(uid, [MARK])[1]
    return [(one.attribute_value.application_namespace, one.attribute_value.application_data) for one in found]


def state(stage, uid):
    with stage.client() as client:
        return client.get_attributes(uid, ["State"])[1][0].attribute_value.value.name


def strange(stage, name, mark=()):
    """Somebody else's key of a name, which waits to be activated."""
    info = [{"application_namespace": space, "application_data": data} for space, data in mark]
    with stage.client() as client:
        return client.register(SymmetricKey(AES, 256, bytes(range(32)), USES, name, app_specific_info=info))


def destroy(stage, uid):
    with stage.client() as client:
        if state(stage, uid) == "ACTIVE":
            client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, uid)
        client.destroy(uid)


def broken_off(stage, name):
    """A run whose reply to Register is lost."""
    stage.one(name, "aes-256")
    stage.at(Between(stage.port).port)
    assert "whether it was done is not known" in stage.finish(f"out-{name}", 1)
    stage.at(stage.port)
    (uid,) = stage.objects(name)
    assert state(stage, uid) == "PRE_ACTIVE"
    return uid


def strangers(stage):
    """What is activated and taken is what we registered: the mark says so, and the key has to answer."""
    # A pair that nobody named is made for this request alone: under a name that could be guessed it might be theirs.
    keys = [stage.begin(["kmip", "--kind", "aes-256", "--set", f"key=pair-{one}", "--bits", "2048"], f"pair-{one}.json") for one in "ab"]
    assert keys[0] != keys[1]
    uid = broken_off(stage, "ours")
    ((space, digest),) = marks(stage, uid)
    assert space == "quorate-package" and len(bytes.fromhex(digest)) == 32
    assert "had it already" in stage.finish("out-ours")
    assert stage.objects("ours") == [uid] and state(stage, uid) == "ACTIVE"
    # Under the key's name, and not ours.
    stage.one("theirs", "aes-256")
    other = strange(stage, "theirs")
    text = stage.finish("out-theirs", 1)
    assert f"object {other} has the name theirs" in text and "isn't marked as this package's" in text, text
    assert stage.objects("theirs") == [other] and state(stage, other) == "PRE_ACTIVE"
    # Another package's: a place that is taken, and no key to activate.
    destroy(stage, other)
    other = strange(stage, "theirs", [("quorate-package", "00" * 32), ("another", digest)])
    text = stage.finish("out-theirs", 1)
    assert f"name of another object already ({other})" in text, text
    assert state(stage, other) == "PRE_ACTIVE"
    destroy(stage, other)
    assert ": proven" in stage.finish("out-theirs")
    # Marked as this package's by somebody who has another key.
    uid = broken_off(stage, "forged")
    mark = marks(stage, uid)
    destroy(stage, uid)
    other = strange(stage, "forged", mark)
    text = stage.finish("out-forged", 4)
    assert f"object {other} holds another key" in text and "does not answer as its key" in text, text
    destroy(stage, other)
    assert ": proven" in stage.finish("out-forged")
    # A server that takes no mark: the import goes on without, and what was broken off is looked at by a person.
    (stage.root / "unmarked").touch()
    stage.one("bare", "hmac-256")
    assert ": proven" in stage.finish("out-bare")
    assert marks(stage, stage.objects("bare")[0]) == []
    assert "had it already" in stage.finish("out-bare")
    other = strange(stage, "bare-2")
    stage.one("bare-2", "aes-256")
    assert f"object {other} has the name bare-2" in stage.finish("out-bare-2", 1)
    (stage.root / "unmarked").unlink()
    print("a key of another under the name, and another key under the mark, are named and refused")


def stops(stage):
    def there(name):
        stage.one(name, "aes-256")
        assert ": proven" in stage.finish(f"out-{name}")
        return stage.objects(name)[0]

    # Nothing is there, and nothing says why.
    destroy(stage, there("absent"))
    for words in (["absent"], ["absent@1"], ["absent", "--disable"]):
        assert "is not there" in stage.shred(words, 4)
    assert stage.phases("absent") == ["intent", "failed"] * 3
    # Another server has an object of the same number, and another name.
    uid = there("number")
    rename(stage, uid, "another")
    for words in (["number"], ["number", "--disable"]):
        text = stage.shred(words, 4)
        assert "is another key than the log's" in text and f"it holds {uid} (another)" in text, text
    assert f"it holds {uid} (another)" in stage.status(4, ["number"])
    assert state(stage, uid) == "ACTIVE" and stage.phases("number") == ["intent", "failed"] * 2
    rename(stage, uid, "number")
    stage.reached = stage.reached[:-2]
    stage.status(words=["number"])
    there_too = ["--endpoint", f"localhost:{stage.port}", *stage.reached[2:]]
    ours, stage.reached = stage.reached, there_too
    assert "it is at the kmip server 127.0.0.1" in stage.shred(["number"], 2)
    stage.reached = ours
    assert "days" in stage.shred(["number", "--days", "0"], 1)
    assert state(stage, uid) == "ACTIVE"
    # A part of it was done: the intent stays open, and the next run does the rest.
    (stage.root / "unwilling").touch()
    assert "a part of it was done, and then" in stage.shred(["number"], 1)
    assert state(stage, uid) == "DEACTIVATED" and stage.phases("number")[8:] == ["intent"]
    (stage.root / "unwilling").unlink()
    stage.shred(["number"])
    assert stage.phases("number")[8:] == ["intent", "done"] and stage.objects("number") == []
    # Disabled is not destroyed.
    uid = there("kept")
    (stage.root / "lying").touch()
    assert "disabled, and still there" in stage.shred(["kept"], 1)
    assert state(stage, uid) == "DEACTIVATED" and stage.phases("kept") == ["intent"]
    (stage.root / "lying").unlink()
    stage.shred(["kept"])
    assert stage.phases("kept") == ["intent", "done"] and stage.objects("kept") == []
    # What was stopped is no import: KMIP has no way back, and the same key comes by a new package.
    uid = there("held")
    stage.shred(["held", "--disable"])
    records = stage.records("import")
    assert f"object {uid} was registered from this package, and is stopped" in stage.finish("out-held", 1)
    assert stage.records("import") == records and state(stage, uid) == "DEACTIVATED"
    stage.again("held", "held-2.json", "out-held-2")
    assert ": proven" in stage.finish("out-held-2")
    stage.status(words=["held"])
    # Imported by hand: the log has no id, and whatever has the name may be anybody's.
    stage.one("hand", "hmac-256")
    uid = strange(stage, "hand")
    code = hmac.digest(stage.raw("hand", "hand.raw"), (stage.root / "out-hand/challenge.bin").read_bytes(), "sha256")
    (stage.root / "hand.bin").write_bytes(code)
    stage.acme(["import", "record", "hand", "--package", "out-hand", "--answer", "hand.bin"])
    assert "has no id that says" in stage.status(1, ["hand"])
    for words in (["hand"], ["hand", "--disable"]):
        assert "has no id that says" in stage.shred(words, 1)
    assert state(stage, uid) == "PRE_ACTIVE" and stage.phases("hand") == ["intent", "failed"] * 2
    destroy(stage, uid)
    assert "gone" in stage.status(4, ["hand"])
    print("another name, a part that was done and what is merely stopped are no end of a key")


def rename(stage, uid, name):
    value = AttributeFactory().create_attribute(enums.AttributeType.NAME, name, 0)
    with stage.client() as client:
        client.modify_attribute(unique_identifier=uid, attribute=value)


def hostile(stage):
    (stage.root / "no.pem").write_text("no")
    wish = ["kmip", "--kind", "aes-256", "--set", "key=x", "--bits", "2048"]
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    ours, stage.ca = stage.ca, "no.pem"
    stage.at(listener.getsockname()[1])
    assert "no certificate in PEM" in stage.begin(wish, "x.json", 1)
    with contextlib.suppress(TimeoutError):
        listener.accept()
        raise AssertionError("it was spoken to")
    stage.ca = ours
    # An answer that comes byte by byte, none of them late.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(stage.root / "server.crt", stage.root / "server.key")
    context.load_verify_locations(ours)
    context.verify_mode = ssl.CERT_REQUIRED
    listener.settimeout(None)

    def serve():
        for _ in range(2):
            with contextlib.suppress(OSError):
                near, _ = listener.accept()
                with context.wrap_socket(near, server_side=True) as door:
                    door.recv(65536)
                    dribble(door.sendall, bytes.fromhex("42007b01000000c0") + bytes(192))

    threading.Thread(target=serve, daemon=True).start()
    stage.at(listener.getsockname()[1], 4)
    text = stage.begin([*wish, "--set", "wrapping-key=1"], "x.json", 1)
    assert "gave no answer in 4 seconds to Get" in text, text
    text = stage.begin(wish, "x.json", 1)
    assert "whether it was done is not known: 4 seconds were waited" in text, text
    stage.at(stage.port)
    print("certificates that are none and bytes that dribble")


def main():
    for how, parts in (("as-it-is", [as_it_is]), ("unwrapping", [every_kind, lineage, trouble, addresses, strangers, stops, hostile])):
        with tempfile.TemporaryDirectory() as folder:
            stage = Server(folder, how)
            try:
                stage.parts(parts)
                stage.quorate(["-C", "acme", "log", "verify"])
            finally:
                stage.ends()


if __name__ == "__main__":
    main()
