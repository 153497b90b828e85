"""Drives the program's KMIP client against PyKMIP, a server of others: online_kmip.py PROGRAM KEYS.

PyKMIP listens on 127.0.0.1 with certificates on both sides, and ends with this script. First as it is: it keeps a
wrapped key block as it came, so every import has to be found out, undone and refused. Then with unwrapping under an
RSA key (`fake/kmip_server.py`): every kind by every method and size, both ways (the server answers what the ceremony asked,
and the key decrypts what the server encrypts); names; stopping and destroying; a client that the server doesn't know;
silence and nonsense; a reply that is lost after Register. Prints a line a part.
"""

import contextlib
import logging
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from fake.stage import Stage
from fake.tls import Authority
from kmip import enums
from kmip.core.factories.attributes import AttributeFactory
from kmip.pie.client import ProxyKmipClient

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
    count = 0
    for kind in KINDS:
        requests, places = [], [(method, bits) for method in METHODS for bits in SIZES]
        for method, bits in places:
            file, name = f"{kind}-{method}-{bits}.json", f"{kind}-{method}-{bits}"
            wish = ["kmip", "--kind", kind, "--set", f"key={name}", "--method", method, "--bits", bits]
            requests.append((file, stage.begin(wish, file)))
        # A pair a size, made once.
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

    The first call of an import is Locate, which is short; the second is Register, with the wrapped key.
    """

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.to, self.sent = self.listener.getsockname()[1], port, []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.to))
                self.sent.append(0)
                for way in ((near, far, len(self.sent) - 1, True), (far, near, len(self.sent) - 1, False)):
                    threading.Thread(target=self.carry, args=way, daemon=True).start()

    def carry(self, here, there, number, out):
        with contextlib.suppress(OSError):
            while data := here.recv(65536):
                self.sent[number] += len(data) * out
                if not out and number and self.sent[number] > self.sent[0] + 100:
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
    print("strangers, silence and a lost reply: the second run finds the truth")


def main():
    for how, parts in (("as-it-is", [as_it_is]), ("unwrapping", [every_kind, lineage, trouble])):
        with tempfile.TemporaryDirectory() as folder:
            stage = Server(folder, how)
            try:
                for part in parts:
                    part(stage)
                stage.quorate(["-C", "acme", "log", "verify"])
            finally:
                stage.ends()


if __name__ == "__main__":
    main()
