"""PyKMIP's server on 127.0.0.1, as it is, or with what it lacks: unwrapping under an RSA key.

kmip_server.py FOLDER PORT (as-it-is | unwrapping). FOLDER has `ca.pem`, `server.crt` and `server.key`. PyKMIP keeps a key
block that came wrapped as it came (KMIP 1.4, section 4.3, lets a server). With `unwrapping`, Register opens it with
the private key of the pair that the key block names, by Python's cryptography, with the OAEP parameters that the key
block says; everything else is PyKMIP's own. Files in FOLDER make it behave otherwise while they are there: `unmarked`
(it knows no name spaces of applications), `unwilling` (it destroys nothing) and `lying` (it destroys nothing, and says
that it did). It ends when its standard input ends.
"""

import logging
import os
import signal
import sys
import threading

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from kmip.core import attributes, enums, exceptions, primitives
from kmip.core import objects as core
from kmip.core.messages import payloads
from kmip.core.objects import KeyMaterial
from kmip.pie import objects
from kmip.services.server import engine, server

HASHES = {enums.HashingAlgorithm.SHA_256: hashes.SHA256, enums.HashingAlgorithm.SHA_1: hashes.SHA1}


def private_of(session, public_id):
    """The private key of the pair whose public one has this id."""
    public = session.query(objects.PublicKey).filter_by(unique_identifier=int(public_id)).one()
    numbers = serialization.load_der_public_key(public.value).public_numbers()
    for candidate in session.query(objects.PrivateKey).all():
        key = serialization.load_der_private_key(candidate.value, None)
        if key.public_key().public_numbers() == numbers:
            return candidate, key
    raise exceptions.ItemNotFound("There is no private key to unwrap with.")


class Masked(attributes.CryptographicParameters):
    """Reads the two fields of KMIP 1.4 that PyKMIP refuses as too many."""

    def is_oversized(self, stream):
        if self.is_tag_next(enums.Tags.MASK_GENERATOR, stream):
            generator = primitives.Enumeration(enums.MaskGenerator, tag=enums.Tags.MASK_GENERATOR)
            generator.read(stream)
        if self.is_tag_next(enums.Tags.MASK_GENERATOR_HASHING_ALGORITHM, stream):
            tag = enums.Tags.MASK_GENERATOR_HASHING_ALGORITHM
            value = primitives.Enumeration(enums.HashingAlgorithm, tag=tag)
            value.read(stream)
            self.mask_hash = value.value
        super().is_oversized(stream)


MARK = "Application Specific Information"


def there(name):
    return os.path.exists(os.path.join(sys.argv[1], name))


class Unwrapping(engine.KmipEngine):
    def _process_destroy(self, payload):
        if there("unwilling"):
            raise exceptions.PermissionDenied("Nothing is destroyed here.")
        if there("lying"):
            return payloads.DestroyResponsePayload(unique_identifier=payload.unique_identifier)
        return super()._process_destroy(payload)

    def _process_register(self, payload):
        if there("unmarked") and MARK in [one.attribute_name.value for one in payload.template_attribute.attributes]:
            reason = enums.ResultReason.APPLICATION_NAMESPACE_NOT_SUPPORTED
            raise exceptions.KmipError(reason=reason, message="The name space is not supported.")
        block = getattr(payload.managed_object, "key_block", None)
        wrapping = block.key_wrapping_data if block else None
        if wrapping:
            info = wrapping.encryption_key_information
            parameters = info.cryptographic_parameters
            if wrapping.wrapping_method != enums.WrappingMethod.ENCRYPT or parameters.padding_method != enums.PaddingMethod.OAEP:
                raise exceptions.InvalidField("Only RSAES-OAEP is unwrapped.")
            candidate, key = private_of(self._data_session, info.unique_identifier)
            masks = candidate.cryptographic_usage_masks
            if candidate.state != enums.State.ACTIVE or enums.CryptographicUsageMask.UNWRAP_KEY not in masks:
                raise exceptions.PermissionDenied("The private key may not unwrap.")
            digest = HASHES[parameters.hashing_algorithm]()
            # Its default is SHA-1 (section 2.1.5).
            mask = HASHES[getattr(parameters, "mask_hash", enums.HashingAlgorithm.SHA_1)]()
            try:
                plain = key.decrypt(block.key_value.key_material.value, padding.OAEP(padding.MGF1(mask), digest, None))
            except ValueError as error:
                raise exceptions.CryptographicFailure("The key block could not be unwrapped.") from error
            block.key_value.key_material = KeyMaterial(plain)
            block.key_wrapping_data = None
        return super()._process_register(payload)


def main():
    folder, port, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    # With all that PyKMIP forks, it ends as one.
    os.setpgid(0, 0)
    if how == "unwrapping":
        engine.KmipEngine = Unwrapping
        core.CryptographicParameters = Masked
    logging.disable(logging.CRITICAL)
    inside = lambda name: os.path.join(folder, name)
    kmip = server.KmipServer(
        hostname="127.0.0.1",
        port=port,
        certificate_path=inside("server.crt"),
        key_path=inside("server.key"),
        ca_path=inside("ca.pem"),
        auth_suite="TLS1.2",
        config_path=None,
        log_path=inside("kmip.log"),
        policy_path=folder,
        enable_tls_client_auth=True,
        database_path=inside("kmip.db"),
        live_policies=False,
    )
    def ends():
        # Not by `sys.stdin`: its lock would hold up the process that PyKMIP forks.
        while os.read(0, 1):
            pass
        os.killpg(0, signal.SIGKILL)


    threading.Thread(target=ends, daemon=True).start()
    with kmip:
        kmip.serve()


main()
