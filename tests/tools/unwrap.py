"""Unwraps packages as their providers would: unwrap.py PACKAGES.

PACKAGES is a folder with one folder a package, and in each of them `key` (what must come out, raw) and
`private.pem` (a link to the provider's private key). The blob is taken out of its envelope here, by the
provider's own description, and opened twice: by Python's cryptography and by OpenSSL's command line. What
else a package carries is held to the key too: IBM's nonce, Salesforce's hash, the challenges of the
proofs, KMIP's fields. Prints how many were opened; ends with an error at the first that is not.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import subprocess
import sys

from cryptography.hazmat.primitives import hashes, keywrap, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HASHES = {"SHA-1": hashes.SHA1, "SHA-256": hashes.SHA256, "SHA-384": hashes.SHA384, "SHA-512": hashes.SHA512}
KIND_OF_HMAC = {"hmac-224": "sha224", "hmac-256": "sha256", "hmac-384": "sha384", "hmac-512": "sha512"}
LOADED = {}


def private(path):
    path = path.resolve()
    if path not in LOADED:
        LOADED[path] = serialization.load_pem_private_key(path.read_bytes(), None)
    return LOADED[path]


def ttlv(data):
    """The items of TTLV, as a list of (tag, value)."""
    items = []
    while data:
        tag, kind, length = data[:3].hex(), data[3], int.from_bytes(data[4:8], "big")
        value = data[8 : 8 + length]
        assert len(value) == length
        items.append((tag, ttlv(value) if kind == 1 else value))
        data = data[8 + (length + 7) // 8 * 8 :]
    return items


def inside(items, *path):
    for tag in path:
        found = [value for name, value in items if name == tag]
        assert len(found) == 1, tag
        items = found[0]
    return items


def strict(text):
    return base64.b64decode(text, validate=True)


def blob_of(folder, about):
    provider = about["provider"]
    read = lambda name: (folder / name).read_bytes()
    if provider in ("aws", "gcp"):
        return read("wrapped.bin")
    if provider in ("azure", "azure-hsm"):
        byok = json.loads(read("wrapped.byok"))
        assert byok["header"] == {"kid": about["target"]["kid"], "alg": "dir", "enc": "CKM_RSA_AES_KEY_WRAP"}
        text = byok["ciphertext"]
        assert byok["schema_version"] == "1.0.0" and not set("+/=") & set(text)
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if provider == "oci":
        key = json.loads(read("wrapped-import-key.json"))
        assert key["wrappingAlgorithm"] == about["algorithm"]
        return strict(key["keyMaterial"])
    if provider in ("ibm", "ibm-hpcs"):
        (resource,) = json.loads(read("key.json"))["resources"]
        assert resource["payload"].encode() == read("wrapped.b64")
        assert resource["encryptedNonce"].encode() == read("nonce.b64") and resource["iv"].encode() == read("iv.b64")
        return strict(resource["payload"])
    if provider == "kmip":
        payload = inside(ttlv(read("register.ttlv")), "420079")
        block = inside(payload, "42008f", "420040")
        info = inside(block, "420046", "420036")
        assert inside(info, "420094").decode() == about["target"]["wrapping-key"]
        said = {tag: value[-1] for tag, value in inside(info, "42002b")}
        # OAEP, its hash, RSA; and for SHA-256 its mask, which would be by SHA-1 if it weren't said.
        sha256 = {"42005f": 2, "420038": 6, "420028": 4, "420101": 1, "420102": 6}
        assert said == (sha256 if about["hash"] == "SHA-256" else {"42005f": 2, "420038": 4, "420028": 4})
        names = [inside(value, "42000b", "420055") for _, value in inside(payload, "420091") if inside(value, "42000a") == b"Name"]
        assert names == [about["target"]["key"].encode()]
        key = (folder / "key").read_bytes()
        assert int.from_bytes(inside(block, "42002a"), "big") == 8 * len(key)
        algorithm = 3 if about["kind"].startswith("aes") else 6 + {28: 2, 32: 3, 48: 4, 64: 5}[len(key)]
        assert int.from_bytes(inside(block, "420028"), "big") == algorithm
        return inside(block, "420045", "420043")
    return strict(read("wrapped.b64"))


def by_cryptography(folder, about, blob):
    key = private(folder / "private.pem")
    digest = HASHES[about["hash"]]()
    oaep = rsa_padding.OAEP(rsa_padding.MGF1(digest), digest, None)
    size = key.key_size // 8
    opened = key.decrypt(blob[:size], oaep)
    if about["form"] == "direct":
        assert len(blob) == size
        return opened
    assert len(opened) == 32
    return keywrap.aes_key_unwrap_with_padding(opened, blob[size:])


def by_openssl(folder, about, blob):
    size = private(folder / "private.pem").key_size // 8
    digest = about["hash"].replace("-", "").lower()
    words = ["openssl", "pkeyutl", "-decrypt", "-inkey", str(folder / "private.pem")]
    options = ["rsa_padding_mode:oaep", f"rsa_oaep_md:{digest}", f"rsa_mgf1_md:{digest}"]
    for option in options:
        words += ["-pkeyopt", option]
    opened = subprocess.run(words, input=blob[:size], capture_output=True, check=True).stdout
    if about["form"] == "direct":
        return opened
    words = ["openssl", "enc", "-d", "-id-aes256-wrap-pad", "-K", opened.hex(), "-iv", "A65959A6"]
    return subprocess.run(words, input=blob[size:], capture_output=True, check=True).stdout


def challenged(about, read, key):
    """What the provider's answer to the question of a package is."""
    if about["provider"] == "openbao":
        blob = strict(read("challenge.txt").split(b":")[2])
        return AESGCM(key).decrypt(blob[:12], blob[12:], None)
    if about["provider"] == "gcp":
        return AESGCM(key).decrypt(read("challenge-iv.bin"), read("challenge.bin"), None)
    if about["provider"] == "azure-hsm":
        iv, sent = bytes.fromhex(read("challenge-iv.txt").decode()), strict(read("challenge.txt"))
    else:
        iv, sent = read("challenge-iv.bin"), read("challenge.bin")
    opener, unpadder = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor(), padding.PKCS7(128).unpadder()
    return unpadder.update(opener.update(sent) + opener.finalize()) + unpadder.finalize()


def rest(folder, about, key):
    """What a package carries beside the blob."""
    read = lambda name: (folder / name).read_bytes()
    request = json.loads(read("request.json"))
    if about["provider"] == "ibm":
        nonce = AESGCM(key).decrypt(strict(read("iv.b64")), strict(read("nonce.b64")), None)
        assert nonce == strict(request["nonce"])
    if about["provider"] == "ibm-hpcs":
        opener = Cipher(algorithms.AES(key), modes.CBC(strict(read("iv.b64")))).decryptor()
        plain = opener.update(strict(read("nonce.b64"))) + opener.finalize()
        unpadder = padding.PKCS7(128).unpadder()
        assert unpadder.update(plain) + unpadder.finalize() == strict(request["nonce"])
    if about["provider"] == "salesforce":
        assert strict(read("hash.b64")) == hashlib.sha256(key).digest()
    if "token" in request:
        token = read("import-token.bin") if about["provider"] == "aws" else strict(read("import-token.b64"))
        assert token == strict(request["token"])
    proof = about["proof"]
    if proof["method"] == "decrypt":
        plain = challenged(about, read, key)
        assert hashlib.sha256(plain).hexdigest() == proof["answer"]
    if proof["method"] == "mac":
        message = strict(read("challenge.txt")) if about["provider"] == "openbao" else read("challenge.bin")
        code = hmac.new(key, message, KIND_OF_HMAC[about["kind"]]).digest()
        assert hashlib.sha256(code).hexdigest() == proof["answer"]
    if proof["method"] == "public-key":
        public = serialization.load_der_private_key(key, None).public_key()
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        assert hashlib.sha256(public.public_bytes(*form)).hexdigest() == proof["answer"]


count = 0
for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    about = json.loads((folder / "package.json").read_text())
    key = (folder / "key").read_bytes()
    blob = blob_of(folder, about)
    assert by_cryptography(folder, about, blob) == key, folder.name
    assert by_openssl(folder, about, blob) == key, folder.name
    rest(folder, about, key)
    count += 1
print(count)
