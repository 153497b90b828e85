"""A stand-in for Azure Key Vault and Managed HSM that really unwraps, for the official SDK.

REST with a bearer challenge; a login that gives tokens to clients with a secret (`/TENANT/oauth2/v2.0/token`). Each
client has a list of data actions, or `all`. Keys that only import, the import of a `.byok` file (base64url without
padding, twice; the KEK named by its full id; RSAES-OAEP with SHA-1 over an AES-256 key, RFC 5649 behind it), versions,
enabling, deletion that can be recovered until it is purged, AES by a Managed HSM only. Refusals are worded as Azure
words them. `before` and `after` make it misbehave. An oracle: Python's cryptography.
"""

import base64
import json
import re
import secrets
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import hashes, keywrap, padding as blocks, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "secp256k1": "P-256K"}
# The actions that a Managed HSM calls otherwise than a vault.
MANAGED = {
    "keys/read": "keys/read/action",
    "keys/create/action": "keys/create",
    "keys/update/action": "keys/write/action",
    "keys/recover/action": "keys/deletedKeys/recover/action",
    "keys/purge/action": "keys/deletedKeys/delete",
}
JSON = {"Content-Type": "application/json; charset=utf-8"}


class Refused(Exception):
    def __init__(self, status, code, message, inner=None):
        self.status, self.code, self.message, self.inner = status, code, message, inner


def url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def strict(text, what):
    """Base64url without padding, in its one spelling."""
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise Refused(400, "BadParameter", f"Property {what} is not valid base64url.")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if url(data) != text:
        raise Refused(400, "BadParameter", f"Property {what} is not valid base64url.")
    return data


class Azure:
    def __init__(self, managed=False):
        self.managed, self.address = managed, ""
        self.family = "managedHsm" if managed else "vaults"
        self.keys, self.deleted, self.purged = {}, {}, []
        self.clients, self.tokens, self.calls, self.used = {}, {}, [], {}
        self.time = 1_795_000_000
        self.pairs = {}
        # How many looks at a deleted key find nothing yet.
        self.late = 0
        self.before = self.after = lambda verb, path: "go on"

    def client(self, name, actions):
        secret = secrets.token_urlsafe(24)
        self.clients[name] = (secret, actions)
        return {"AZURE_TENANT_ID": "acme-tenant", "AZURE_CLIENT_ID": name, "AZURE_CLIENT_SECRET": secret}

    def handle(self, verb, path, query, headers, body):
        if path == "/acme-tenant/oauth2/v2.0/token":
            return self.login(parse_qs(body.decode()))
        self.calls.append((verb, path))
        instead = self.before(verb, path)
        if instead != "go on":
            return instead
        name = self.tokens.get(headers.get("Authorization", "").removeprefix("Bearer "))
        if name is None:
            resource = "https://managedhsm.azure.net" if self.managed else "https://vault.azure.net"
            challenge = f'Bearer authorization="{self.address}/acme-tenant", resource="{resource}"'
            return 401, {"WWW-Authenticate": challenge} | JSON, b'{"error":{"code":"Unauthorized"}}'
        try:
            if not re.fullmatch(r"[0-9][0-9.-]+(-preview(\.\d+)?)?", query.get("api-version", "")):
                raise Refused(400, "BadParameter", "Request query must contain valid 'api-version' value.")
            status, content = self.act(verb, path, json.loads(body or b"{}"), name)
            reply = (status, JSON, json.dumps(content).encode() if status != 204 else b"")
        except Refused as error:
            about = {"code": error.code, "message": error.message}
            if error.inner:
                about["innererror"] = {"code": error.inner}
            reply = (error.status, JSON, json.dumps({"error": about}).encode())
        instead = self.after(verb, path)
        return reply if instead == "go on" else instead

    def login(self, form):
        name = form.get("client_id", [""])[0]
        secret, _ = self.clients.get(name, ("", None))
        wanted = "https://managedhsm.azure.net/.default" if self.managed else "https://vault.azure.net/.default"
        if not secret or form.get("client_secret") != [secret] or form.get("scope") != [wanted]:
            about = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
            return 401, JSON, json.dumps(about).encode()
        token = secrets.token_urlsafe(24)
        self.tokens[token] = name
        return 200, JSON, json.dumps({"token_type": "Bearer", "expires_in": 3599, "access_token": token}).encode()

    def need(self, client, action, path):
        """Holds the client to an action, by the name that it has at a vault or at a Managed HSM."""
        actions = self.clients[client][1]
        action = f"Microsoft.KeyVault/{self.family}/{MANAGED.get(action, action) if self.managed else action}"
        if actions != "all" and action not in actions:
            message = (
                "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or "
                f"role definitions were changed recently, please observe propagation time.\r\nCaller: appid={client}\r\n"
                f"Action: '{action}'\r\nResource: '{path}'\r\nAssignment: (not found)\r\n"
            )
            raise Refused(403, "Forbidden", message, "ForbiddenByRbac")
        self.used.setdefault(client, set()).add(action)

    def act(self, verb, path, body, client):
        match (verb, *path.strip("/").split("/")):
            case ("POST", "keys", name, "create"):
                self.need(client, "keys/create/action", path)
                return 200, self.create(name, body)
            case ("PUT", "keys", name):
                self.need(client, "keys/import/action", path)
                return 200, self.bring(name, body)
            case ("GET", "keys", name, "versions"):
                self.need(client, "keys/read", path)
                # A vault lists nothing for a name that it hasn't.
                found = self.keys.get(name, {}).values()
                return 200, {"value": [self.item(one) for one in found], "nextLink": None}
            case ("GET", "keys", name, *version):
                self.need(client, "keys/read", path)
                return 200, self.bundle(self.find(name, *version))
            case ("PATCH", "keys", name, *version):
                self.need(client, "keys/update/action", path)
                one = self.find(name, *version)
                one["enabled"] = body.get("attributes", {}).get("enabled", one["enabled"])
                return 200, self.bundle(one)
            case ("POST", "keys", name, version, "decrypt"):
                self.need(client, "keys/decrypt/action", path)
                return 200, self.decrypt(self.find(name, version), body)
            case ("DELETE", "keys", name):
                self.need(client, "keys/delete", path)
                self.find(name)
                self.deleted[name] = self.keys.pop(name)
                return 200, self.gone(name)
            case ("GET", "deletedkeys", name):
                self.need(client, "keys/deletedKeys/read/action" if self.managed else "keys/read", path)
                if self.late and name in self.deleted:
                    self.late -= 1
                    raise Refused(404, "KeyNotFound", f"Deleted Key not found: {name}")
                return 200, self.gone(name)
            case ("POST", "deletedkeys", name, "recover"):
                self.need(client, "keys/recover/action", path)
                self.gone(name)
                self.keys[name] = self.deleted.pop(name)
                return 200, self.bundle(self.find(name))
            case ("DELETE", "deletedkeys", name):
                self.need(client, "keys/purge/action", path)
                if self.late:
                    raise Refused(404, "KeyNotFound", f"Deleted Key not found: {name}")
                self.gone(name)
                self.purged.append(name)
                del self.deleted[name]
                return 204, {}
        raise Refused(404, "NotFound", f"{verb} {path} is not there.")

    def find(self, name, version=""):
        versions = self.keys.get(name, {})
        if version:
            found = versions.get(version)
        else:
            found = list(versions.values())[-1] if versions else None
        if found is None:
            message = f"A key with (name/id) {name}/{version} was not found in this key vault."
            raise Refused(404, "KeyNotFound", message)
        return found

    def gone(self, name):
        if name not in self.deleted:
            raise Refused(404, "KeyNotFound", f"Deleted Key not found: {name}")
        last = list(self.deleted[name].values())[-1]
        dates = {"deletedDate": self.time, "scheduledPurgeDate": self.time + 90 * 86400}
        return self.bundle(last) | dates | {"recoveryId": f"{self.address}/deletedkeys/{name}"}

    def attributes(self, one):
        exportable = one.get("exportable", False)
        return {"enabled": one["enabled"], "exportable": exportable, "created": one["time"], "updated": one["time"], "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90}

    def item(self, one):
        return {"kid": one["kid"], "attributes": self.attributes(one), "tags": one["tags"]}

    def bundle(self, one):
        jwk = {"kid": one["kid"], "kty": one["kty"], "key_ops": one["ops"]}
        if one["kty"] == "oct-HSM":
            jwk["key_size"] = len(one["key"]) * 8
        else:
            numbers = one["key"].public_key().public_numbers()
            if isinstance(one["key"], rsa.RSAPrivateKey):
                jwk["n"] = url(numbers.n.to_bytes(one["key"].key_size // 8, "big"))
                jwk["e"] = url(numbers.e.to_bytes(3, "big"))
            else:
                size = (one["key"].curve.key_size + 7) // 8
                jwk["crv"] = CURVES[one["key"].curve.name]
                jwk |= {"x": url(numbers.x.to_bytes(size, "big")), "y": url(numbers.y.to_bytes(size, "big"))}
        return {"key": jwk, "attributes": self.attributes(one), "tags": one["tags"]}

    def add(self, name, key, kty, ops, tags=None):
        if name in self.deleted:
            message = f"Key {name} is currently in a deleted but recoverable state, and its name cannot be reused."
            raise Refused(409, "Conflict", message, "ObjectIsDeletedButRecoverable")
        version = secrets.token_hex(16)
        self.time += 1
        one = {"key": key, "kty": kty, "ops": ops, "enabled": True, "time": self.time, "tags": tags or {}}
        one["kid"] = f"{self.address}/keys/{name}/{version}"
        self.keys.setdefault(name, {})[version] = one
        return one

    def create(self, name, body):
        if body.get("kty") != "RSA-HSM" or body.get("key_ops") != ["import"]:
            raise Refused(400, "BadParameter", "Only a key exchange key (RSA-HSM, import) is made here.")
        size = body.get("key_size", 2048)
        if size not in (2048, 3072, 4096):
            raise Refused(400, "BadParameter", "Key size is not supported.")
        self.pairs.setdefault(size, rsa.generate_private_key(65537, size))
        return self.bundle(self.add(name, self.pairs[size], "RSA-HSM", ["import"], body.get("tags")))

    def bring(self, name, body):
        jwk = body.get("key", {})
        if "key_hsm" not in jwk or {"d", "k", "p"} & jwk.keys():
            raise Refused(400, "BadParameter", "This stand-in takes a wrapped key only.")
        try:
            file = json.loads(strict(jwk["key_hsm"], "key_hsm"))
            head = file["header"]
            right = (file["schema_version"], head["alg"], head["enc"]) == ("1.0.0", "dir", "CKM_RSA_AES_KEY_WRAP")
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(400, "BadParameter", "The key transfer blob is not valid.") from error
        if not right:
            raise Refused(400, "BadParameter", "The key transfer blob is not supported.")
        parts = head["kid"].removeprefix(f"{self.address}/keys/").split("/")
        if len(parts) != 2:
            raise Refused(400, "BadParameter", "The key exchange key is not of this vault.")
        kek = self.find(*parts)
        if kek["ops"] != ["import"] or not kek["enabled"]:
            raise Refused(403, "Forbidden", "Operation import is not permitted on this key.", "KeyOperationForbidden")
        material = self.unwrap(kek["key"], strict(file["ciphertext"], "ciphertext"))
        key = self.parse(jwk, material)
        ops = jwk.get("key_ops") or ["sign", "verify"]
        return self.bundle(self.add(name, key, jwk["kty"], ops, body.get("tags")))

    def unwrap(self, key, blob):
        size = key.key_size // 8
        try:
            kek = key.decrypt(blob[:size], padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
            if len(kek) != 32:
                raise ValueError("the AES key has another size")
            return keywrap.aes_key_unwrap_with_padding(kek, blob[size:])
        except (ValueError, keywrap.InvalidUnwrap) as error:
            raise Refused(400, "BadParameter", "Failed to unwrap the key transfer blob.") from error

    def parse(self, jwk, material):
        if jwk.get("kty") == "oct-HSM":
            if not self.managed:
                raise Refused(400, "BadParameter", "Key type oct-HSM is not supported by this vault.")
            if len(material) not in (16, 24, 32):
                raise Refused(400, "BadParameter", "The symmetric key has another size.")
            return material
        try:
            key = serialization.load_der_private_key(material, None)
        except ValueError as error:
            raise Refused(400, "BadParameter", "The key is not PKCS#8.") from error
        if isinstance(key, rsa.RSAPrivateKey) and jwk.get("kty") == "RSA-HSM":
            return key
        if isinstance(key, ec.EllipticCurvePrivateKey) and jwk.get("kty") == "EC-HSM":
            if jwk.get("crv") == CURVES.get(key.curve.name):
                return key
        raise Refused(400, "BadParameter", "The key is of another type than the one that was declared.")

    def decrypt(self, one, body):
        if not one["enabled"] or "decrypt" not in one["ops"]:
            raise Refused(403, "Forbidden", "Operation decrypt is not permitted on this key.", "KeyOperationForbidden")
        if one["kty"] != "oct-HSM" or body.get("alg") != f"A{len(one['key']) * 8}CBCPAD":
            raise Refused(400, "BadParameter", "The algorithm does not fit the key.")
        opener = Cipher(algorithms.AES(one["key"]), modes.CBC(strict(body["iv"], "iv"))).decryptor()
        unpadder = blocks.PKCS7(128).unpadder()
        try:
            plain = opener.update(strict(body["value"], "value")) + opener.finalize()
            plain = unpadder.update(plain) + unpadder.finalize()
        except ValueError as error:
            raise Refused(400, "BadParameter", "The ciphertext is not valid.") from error
        return {"kid": one["kid"], "value": url(plain)}
