"""A stand-in for Google Cloud KMS that really unwraps, for the official SDK, which speaks REST.

Requests are read, and replies written, by the message classes of Google's own package `google-cloud-kms`, so a field
that Google doesn't know is refused. Callers are service accounts: their tokens are JWTs that they sign themselves,
checked by their public keys; each has a list of rights. Import jobs pend, are active for three days and expire by
the clock of this object; an import pends for one look, and what is wrong with it is said by IMPORT_FAILED; a
destroyed version waits 30 days, can be restored until then, and later takes the same material again. What is wrong
is written as Google writes it. Beside that, `fault` makes it misbehave. An oracle: Python's cryptography.
"""

import base64
import datetime
import hashlib
import hmac
import json
import re

from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.cloud.kms_v1 import types as kms

UTC = datetime.timezone.utc
PEM = serialization.Encoding.PEM
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
PKCS8 = serialization.PrivateFormat.PKCS8
ALGORITHM = kms.CryptoKeyVersion.CryptoKeyVersionAlgorithm
STATE = kms.CryptoKeyVersion.CryptoKeyVersionState
PURPOSE = kms.CryptoKey.CryptoKeyPurpose
JOB = kms.ImportJob.ImportJobState
MACS = {"HMAC_SHA224": "sha224", "HMAC_SHA256": "sha256", "HMAC_SHA384": "sha384", "HMAC_SHA512": "sha512"}
CURVES = {"P256": "secp256r1", "P384": "secp384r1", "SECP256K1": "secp256k1"}
AES = {"GOOGLE_SYMMETRIC_ENCRYPTION": 32, "AES_256_GCM": 32, "AES_128_GCM": 16}
STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "UNAVAILABLE": 503,
}


class Refused(Exception):
    def __init__(self, status, message, permission=None):
        self.status, self.message, self.permission = status, message, permission


def purpose_of(algorithm):
    name = algorithm.name
    if name == "GOOGLE_SYMMETRIC_ENCRYPTION":
        return PURPOSE.ENCRYPT_DECRYPT
    if name.startswith("AES_"):
        return PURPOSE.RAW_ENCRYPT_DECRYPT
    if name.startswith("HMAC_"):
        return PURPOSE.MAC
    if "DECRYPT" in name:
        return PURPOSE.ASYMMETRIC_DECRYPT
    return PURPOSE.ASYMMETRIC_SIGN


def fits(algorithm, material):
    """Why Google would not take this material as a key of this algorithm; empty when it would."""
    name = algorithm.name
    if name in AES:
        return "" if len(material) == AES[name] else f"the key has {len(material)} bytes"
    if name in MACS:
        wanted = hashlib.new(MACS[name]).digest_size
        return "" if len(material) == wanted else f"the key has {len(material)} bytes, not {wanted}"
    try:
        key = serialization.load_der_private_key(material, None)
    except ValueError:
        return "the key is not PKCS#8 in DER"
    if not re.match(rb"\x30.{1,3}\x02\x01[\x00\x01]\x30", material, re.S):
        return "the key is not PKCS#8"
    if isinstance(key, rsa.RSAPrivateKey):
        return "" if name.startswith("RSA_") and f"_{key.key_size}_" in name else "another size of RSA key"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "" if name == "EC_SIGN_ED25519" else "an Ed25519 key"
    curve = next((curve for part, curve in CURVES.items() if f"_{part}_" in name), None)
    return "" if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == curve else "another curve"


class Google:
    def __init__(self, project="acme-prod", location="europe-west3", ring="main"):
        self.ring = f"projects/{project}/locations/{location}/keyRings/{ring}"
        self.keys, self.versions, self.jobs, self.pairs = {}, {}, {}, {}
        self.callers, self.ahead, self.calls, self.used = {}, datetime.timedelta(), [], {}
        # Called with (verb, path) before an act and after it; gives a reply in place of the true one.
        self.before = self.after = lambda verb, path: "go on"

    def now(self):
        return datetime.datetime.now(UTC).replace(microsecond=0) + self.ahead

    def account(self, name, rights, folder, token_uri):
        """A service account with these rights (a list, or `all`); its file, as a console hands it out."""
        key = rsa.generate_private_key(65537, 2048)
        email = f"{name}@acme-prod.iam.gserviceaccount.com"
        self.callers[email] = (key.public_key(), rights)
        file = folder / f"{name}.json"
        pem = key.private_bytes(PEM, PKCS8, serialization.NoEncryption()).decode()
        about = {"type": "service_account", "project_id": "acme-prod", "private_key_id": "1", "private_key": pem}
        file.write_text(json.dumps(about | {"client_email": email, "client_id": "1", "token_uri": token_uri}))
        return file

    def handle(self, verb, path, query, headers, body):
        self.calls.append((verb, path))
        instead = self.before(verb, path)
        if instead != "go on":
            return instead
        try:
            caller = self.caller(headers.get("Authorization", ""))
            message = self.act(verb, path.removeprefix("/v1/"), query, body, caller)
            reply = (200, {"Content-Type": "application/json"}, type(message).to_json(message).encode())
        except Refused as error:
            reply = self.refusal(error)
        instead = self.after(verb, path)
        return reply if instead == "go on" else instead

    def refusal(self, error):
        details = []
        if error.permission:
            details.append({
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "IAM_PERMISSION_DENIED",
                "domain": "cloudkms.googleapis.com",
                "metadata": {"permission": error.permission},
            })
        code = STATUS[error.status]
        body = {"error": {"code": code, "message": error.message, "status": error.status, "details": details}}
        return code, {"Content-Type": "application/json"}, json.dumps(body).encode()

    def caller(self, header):
        """The account that signed the token (a self-signed JWT, RFC 7519), and its rights."""
        part = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        try:
            head, claims, signature = header.removeprefix("Bearer ").split(".")
            said = json.loads(part(claims))
            public, rights = self.callers[said["iss"]]
            signed = f"{head}.{claims}".encode()
            public.verify(part(signature), signed, padding.PKCS1v15(), hashes.SHA256())
            assert "cloud-platform" in said.get("scope", "") or "cloudkms" in said.get("aud", "")
        except Exception as error:
            raise Refused("UNAUTHENTICATED", "Request had invalid authentication credentials.") from error
        return rights

    def need(self, rights, permission, resource):
        if rights != "all" and permission not in rights:
            message = f"Permission '{permission}' denied on resource '{resource}' (or it may not exist)."
            raise Refused("PERMISSION_DENIED", message, permission)
        self.used.setdefault(tuple(rights), set()).add(permission)

    def find(self, table, name):
        if name not in table:
            raise Refused("NOT_FOUND", f"{name} not found.")
        return table[name]

    def act(self, verb, path, query, body, rights):
        name, _, custom = path.partition(":")
        parts = name.split("/")
        key = "/".join(parts[:8])
        read = lambda kind: kind.from_json(body.decode() or "{}")
        try:
            match (verb, parts[6::2], custom):
                case ("POST", ["importJobs"], ""):
                    return self.create_job(name, query, read(kms.ImportJob), rights)
                case ("GET", ["importJobs"], "") if len(parts) == 8:
                    self.need(rights, "cloudkms.importJobs.get", name)
                    return self.job(name)
                case ("POST", ["cryptoKeys"], "") if len(parts) == 7:
                    return self.create_key(name, query, read(kms.CryptoKey), rights)
                case ("GET", ["cryptoKeys"], "") if len(parts) == 8:
                    self.need(rights, "cloudkms.cryptoKeys.get", name)
                    return self.find(self.keys, name)
                case ("POST", ["cryptoKeys"], "updatePrimaryVersion"):
                    self.need(rights, "cloudkms.cryptoKeys.update", name)
                    wanted = read(kms.UpdateCryptoKeyPrimaryVersionRequest).crypto_key_version_id
                    self.find(self.keys, name).primary = self.version(f"{name}/cryptoKeyVersions/{wanted}")
                    return self.keys[name]
                case ("GET", ["cryptoKeys", "cryptoKeyVersions"], "") if len(parts) == 9:
                    self.need(rights, "cloudkms.cryptoKeyVersions.list", key)
                    self.find(self.keys, key)
                    names = [one for one in self.versions if one.startswith(f"{key}/")]
                    return kms.ListCryptoKeyVersionsResponse(
                        crypto_key_versions=[self.version(one) for one in names], total_size=len(names)
                    )
                case ("POST", ["cryptoKeys", "cryptoKeyVersions"], "import") if len(parts) == 9:
                    return self.bring(key, read(kms.ImportCryptoKeyVersionRequest), rights)
                case ("GET", ["cryptoKeys", "cryptoKeyVersions"], "") if len(parts) == 10:
                    self.need(rights, "cloudkms.cryptoKeyVersions.get", name)
                    return self.version(name)
                case ("PATCH", ["cryptoKeys", "cryptoKeyVersions"], "") if len(parts) == 10:
                    return self.update(name, query, read(kms.CryptoKeyVersion), rights)
                case ("GET", ["cryptoKeys", "cryptoKeyVersions", "publicKey"], ""):
                    return self.public(name.removesuffix("/publicKey"), rights)
                case ("POST", ["cryptoKeys", "cryptoKeyVersions"], _):
                    return self.use(name, custom, body.decode() or "{}", rights)
        except Refused:
            raise
        except (ValueError, TypeError) as error:
            raise Refused("INVALID_ARGUMENT", f"Invalid JSON payload received. {error}") from error
        raise Refused("NOT_FOUND", f"{verb} {path} is not there.")

    def create_key(self, name, query, key, rights):
        self.need(rights, "cloudkms.cryptoKeys.create", name.rpartition("/")[0])
        key.name = f"{name}/{query['cryptoKeyId']}"
        if key.name in self.keys:
            raise Refused("ALREADY_EXISTS", f"CryptoKey {key.name} already exists.")
        if key.import_only and query.get("skipInitialVersionCreation") != "true":
            raise Refused("INVALID_ARGUMENT", "import_only keys must skip the initial version.")
        key.destroy_scheduled_duration = key.destroy_scheduled_duration or datetime.timedelta(days=30)
        self.keys[key.name] = key
        return key

    def create_job(self, name, query, job, rights):
        ring = name.rpartition("/")[0]
        self.need(rights, "cloudkms.importJobs.create", ring)
        if ring != self.ring:
            raise Refused("NOT_FOUND", f"KeyRing {ring} not found.")
        job.name = f"{name}/{query['importJobId']}"
        if job.name in self.jobs:
            raise Refused("ALREADY_EXISTS", f"ImportJob {job.name} already exists.")
        job.state, job.create_time = JOB.PENDING_GENERATION, self.now()
        bits = 3072 if "3072" in job.import_method.name else 4096
        self.pairs.setdefault(bits, rsa.generate_private_key(65537, bits))
        self.jobs[job.name] = job
        return kms.ImportJob(job)

    def job(self, name):
        job = self.find(self.jobs, name)
        if job.state == JOB.PENDING_GENERATION:
            # It pends for the look of its maker only.
            pem = self.pair(job).public_key().public_bytes(PEM, SPKI).decode()
            job.public_key = kms.ImportJob.WrappingPublicKey(pem=pem)
            job.state, job.generate_time = JOB.ACTIVE, self.now()
            job.expire_time = self.now() + datetime.timedelta(days=3)
        if job.state == JOB.ACTIVE and job.expire_time <= self.now():
            job.state, job.expire_event_time, job.public_key = JOB.EXPIRED, job.expire_time, None
        return job

    def pair(self, job):
        return self.pairs[3072 if "3072" in job.import_method.name else 4096]

    def unwrap(self, job, blob):
        method = job.import_method.name
        digest = hashes.SHA1() if "SHA1" in method else hashes.SHA256()
        oaep = padding.OAEP(padding.MGF1(digest), digest, None)
        size = self.pair(job).key_size // 8
        if not method.endswith("AES_256"):
            return self.pair(job).decrypt(blob, oaep)
        kek = self.pair(job).decrypt(blob[:size], oaep)
        if len(kek) != 32:
            raise ValueError("the ephemeral key is not of 256 bits")
        return keywrap.aes_key_unwrap_with_padding(kek, blob[size:])

    def bring(self, key_name, request, rights):
        self.need(rights, "cloudkms.cryptoKeyVersions.create", key_name)
        self.need(rights, "cloudkms.importJobs.useToImport", request.import_job)
        key, job = self.find(self.keys, key_name), self.job(request.import_job)
        if job.state != JOB.ACTIVE:
            raise Refused("FAILED_PRECONDITION", f"ImportJob {job.name} is not ACTIVE: {job.state.name}.")
        if job.protection_level != key.version_template.protection_level:
            raise Refused("INVALID_ARGUMENT", "The protection levels of the import job and the key differ.")
        if purpose_of(request.algorithm) != key.purpose:
            raise Refused("INVALID_ARGUMENT", f"{request.algorithm.name} is not of purpose {key.purpose.name}.")
        if not request.wrapped_key:
            raise Refused("INVALID_ARGUMENT", "wrapped_key is empty.")
        if request.crypto_key_version:
            entry = self.find(self.versions, request.crypto_key_version)
            old = entry["about"]
            if old.state not in (STATE.DESTROYED, STATE.IMPORT_FAILED) or not old.reimport_eligible:
                raise Refused("FAILED_PRECONDITION", f"{old.name} is {old.state.name}: not eligible for reimport.")
            if old.algorithm != request.algorithm:
                raise Refused("INVALID_ARGUMENT", "The algorithm of a reimport must be the original one.")
        else:
            number = 1 + sum(name.startswith(f"{key_name}/") for name in self.versions)
            name = f"{key_name}/cryptoKeyVersions/{number}"
            about = kms.CryptoKeyVersion(name=name, algorithm=request.algorithm, create_time=self.now())
            about.protection_level = key.version_template.protection_level
            entry = self.versions[name] = {"about": about, "first": None, "material": None}
        about = entry["about"]
        about.state, about.import_job, about.reimport_eligible = STATE.PENDING_IMPORT, job.name, True
        about.destroy_event_time = about.destroy_time = about.import_time = None
        entry["then"], entry["looks"] = self.outcome(entry, job, request), 1
        return kms.CryptoKeyVersion(about)

    def outcome(self, entry, job, request):
        try:
            material = self.unwrap(job, request.wrapped_key)
        except (ValueError, keywrap.InvalidUnwrap):
            return None, "The wrapped key could not be unwrapped."
        wrong = fits(request.algorithm, material)
        if wrong:
            return None, f"The key is not valid for {request.algorithm.name}: {wrong}."
        digest = hashlib.sha256(material).digest()
        if entry["first"] not in (None, digest):
            return None, "The key material does not match the original key material."
        entry["first"] = digest
        return material, ""

    def version(self, name):
        entry = self.find(self.versions, name)
        about = entry["about"]
        if about.state == STATE.PENDING_IMPORT:
            if entry["looks"]:
                entry["looks"] -= 1
            else:
                entry["material"], about.import_failure_reason = entry["then"]
                done = entry["material"] is not None
                about.state = STATE.ENABLED if done else STATE.IMPORT_FAILED
                about.import_time = self.now() if done else None
        if about.state == STATE.DESTROY_SCHEDULED and about.destroy_time <= self.now():
            about.state, about.destroy_event_time, entry["material"] = STATE.DESTROYED, about.destroy_time, None
            about.destroy_time = None
        return kms.CryptoKeyVersion(about)

    def update(self, name, query, wanted, rights):
        self.need(rights, "cloudkms.cryptoKeyVersions.update", name)
        about = self.find(self.versions, name)["about"]
        self.version(name)
        if query.get("updateMask") != "state" or wanted.state not in (STATE.ENABLED, STATE.DISABLED):
            raise Refused("INVALID_ARGUMENT", "Only the state can be set, to ENABLED or DISABLED.")
        if about.state not in (STATE.ENABLED, STATE.DISABLED):
            raise Refused("FAILED_PRECONDITION", f"{name} is {about.state.name}.")
        about.state = wanted.state
        return about

    def material(self, name):
        about = self.version(name)
        if about.state != STATE.ENABLED:
            raise Refused("FAILED_PRECONDITION", f"{name} is not enabled, current state is: {about.state.name}.")
        return about, self.versions[name]["material"]

    def public(self, name, rights):
        self.need(rights, "cloudkms.cryptoKeyVersions.viewPublicKey", name)
        about, material = self.material(name)
        if not about.algorithm.name.startswith(("RSA", "EC")):
            raise Refused("INVALID_ARGUMENT", "The key has no public key.")
        public = serialization.load_der_private_key(material, None).public_key()
        return kms.PublicKey(name=name, algorithm=about.algorithm, pem=public.public_bytes(PEM, SPKI).decode())

    def use(self, name, act, body, rights):
        if act in ("destroy", "restore"):
            self.need(rights, f"cloudkms.cryptoKeyVersions.{act}", name)
            self.version(name)
            about = self.versions[name]["about"]
            allowed = (STATE.DESTROY_SCHEDULED,) if act == "restore" else (STATE.ENABLED, STATE.DISABLED)
            if about.state not in allowed:
                raise Refused("FAILED_PRECONDITION", f"{name} is {about.state.name}.")
            if act == "restore":
                about.state, about.destroy_time = STATE.DISABLED, None
            else:
                delay = self.keys["/".join(name.split("/")[:8])].destroy_scheduled_duration
                about.state, about.destroy_time = STATE.DESTROY_SCHEDULED, self.now() + delay
            return about
        if act == "macSign":
            self.need(rights, "cloudkms.cryptoKeyVersions.useToSign", name)
            about, material = self.material(name)
            data = kms.MacSignRequest.from_json(body).data
            if about.algorithm.name not in MACS:
                raise Refused("INVALID_ARGUMENT", f"{about.algorithm.name} makes no MAC.")
            code = hmac.new(material, data, MACS[about.algorithm.name]).digest()
            return kms.MacSignResponse(name=name, mac=code, protection_level=about.protection_level)
        if act == "rawDecrypt":
            self.need(rights, "cloudkms.cryptoKeyVersions.useToDecrypt", name)
            about, material = self.material(name)
            request = kms.RawDecryptRequest.from_json(body)
            if about.algorithm.name not in ("AES_128_GCM", "AES_256_GCM") or request.tag_length not in (0, 16):
                raise Refused("INVALID_ARGUMENT", f"{about.algorithm.name} is no raw algorithm.")
            try:
                plain = AESGCM(material).decrypt(
                    request.initialization_vector, request.ciphertext, request.additional_authenticated_data
                )
            except Exception as error:
                raise Refused("INVALID_ARGUMENT", "Decryption failed: the ciphertext is invalid.") from error
            return kms.RawDecryptResponse(plaintext=plain, protection_level=about.protection_level)
        raise Refused("NOT_FOUND", f"{act} is not there.")
