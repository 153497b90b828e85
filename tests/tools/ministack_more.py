"""MiniStack with what AWS KMS does and it doesn't: several materials of a symmetric key, and one for ever of others.

Written from AWS's documentation, as a launcher: ministack_more.py, with MiniStack's own settings in the environment. A symmetric
key takes a later material as PENDING_ROTATION until RotateKeyOnDemand; ListKeyRotations lists them; an import of
an existing material is compared, and another one is refused; a key is enabled while all of its materials are
imported. A token is good for as long as it lasts, not for one import. `QUORATE_NO_ROTATIONS` leaves ListKeyRotations
out, as MiniStack does, and makes tokens single-use as it does.
"""

import hashlib
import os
import runpy

from ministack.services import kms

PLAIN = bool(os.environ.get("QUORATE_NO_ROTATIONS"))
TOKEN = ("_import_wrapping_key", "_import_token", "_import_algorithm", "_import_token_expires")
import_plainly, delete_plainly, handle_plainly = kms._import_key_material, kms._delete_imported_key_material, kms.handle_request


def refuse(code, words):
    return kms.error_response_json(code, words, 400)


def settle(rec):
    """The state and the working key that follow from the materials."""
    materials = rec["_materials"]
    whole = all(one["imported"] for one in materials if one["state"] != "PENDING_ROTATION")
    rec["Enabled"], rec["KeyState"] = whole, "Enabled" if whole else "PendingImport"
    for one in materials:
        if one["state"] == "CURRENT":
            rec["_symmetric_key"] = one["bytes"]


def import_key_material(data):
    rec = kms._resolve_key(data.get("KeyId", ""))
    if not rec or PLAIN:
        return import_plainly(data)
    kept = {name: rec.get(name) for name in (*TOKEN, "_symmetric_key", "_hmac_key", "_private_key", "_public_key_der", "KeyState", "Enabled")}

    def restore(*names):
        for name in names or kept:
            rec.pop(name, None)
            if kept[name] is not None:
                rec[name] = kept[name]

    answer = import_plainly(data)
    restore(*TOKEN)
    if answer[0] != 200:
        return answer
    if rec["KeySpec"] != "SYMMETRIC_DEFAULT":
        material = rec.get("_hmac_key") or rec.get("_public_key_der")
        digest = hashlib.sha256(material).hexdigest()
        if rec.setdefault("_for_ever", digest) != digest:
            restore()
            return refuse("IncorrectKeyMaterialException", "The key material is not the one that was imported first.")
        return answer
    material, found = rec["_symmetric_key"], kms._key_material_id(rec)
    restore("_symmetric_key", "KeyState", "Enabled")
    materials = rec.setdefault("_materials", [])
    kind = data.get("ImportType") or ("EXISTING_KEY_MATERIAL" if materials else "NEW_KEY_MATERIAL")
    known = next((one for one in materials if one["id"] == found), None)
    if kind == "NEW_KEY_MATERIAL":
        if known or data.get("KeyMaterialId") or any(one["state"] == "PENDING_ROTATION" for one in materials):
            return refuse("KMSInvalidStateException", "No new key material can be imported now.")
        state = "PENDING_ROTATION" if materials else "CURRENT"
        known = {"id": found, "bytes": material, "state": state}
        materials.append(known)
    elif not known or data.get("KeyMaterialId", found) != found:
        return refuse("IncorrectKeyMaterialException", "The key material is not one of this key.")
    known["imported"], known["valid_to"] = True, data.get("ValidTo")
    if data.get("KeyMaterialDescription"):
        known["description"] = data["KeyMaterialDescription"]
    settle(rec)
    return kms.json_response({"KeyId": rec["Arn"], "KeyMaterialId": found})


def delete_imported_key_material(data):
    rec = kms._resolve_key(data.get("KeyId", ""))
    if not rec or PLAIN or not rec.get("_materials"):
        return delete_plainly(data)
    wanted = data.get("KeyMaterialId")
    for one in rec["_materials"]:
        if one["id"] == wanted or not wanted and one["state"] == "CURRENT":
            one["imported"] = False
            settle(rec)
            return kms.json_response({"KeyId": rec["Arn"], "KeyMaterialId": one["id"]})
    return refuse("NotFoundException", "There is no such key material.")


def list_key_rotations(data):
    rec = kms._resolve_key(data.get("KeyId", ""))
    if not rec:
        return refuse("NotFoundException", "The key is not found.")
    if rec["KeySpec"] != "SYMMETRIC_DEFAULT":
        return refuse("UnsupportedOperationException", "Only symmetric keys rotate.")
    entries = []
    for one in rec.get("_materials", []):
        entry = {
            "KeyId": rec["KeyId"],
            "KeyMaterialId": one["id"],
            "KeyMaterialState": one["state"],
            "ImportState": "IMPORTED" if one["imported"] else "PENDING_IMPORT",
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        }
        if one.get("valid_to"):
            entry["ExpirationModel"], entry["ValidTo"] = "KEY_MATERIAL_EXPIRES", one["valid_to"]
        if "description" in one:
            entry["KeyMaterialDescription"] = one["description"]
        entries.append(entry)
    # Two a page, so that there is a second one.
    start = int(data.get("Marker") or 0)
    answer = {"Rotations": entries[start : start + 2], "Truncated": len(entries) > start + 2}
    if answer["Truncated"]:
        answer["NextMarker"] = str(start + 2)
    return kms.json_response(answer)


def rotate_key_on_demand(data):
    rec = kms._resolve_key(data.get("KeyId", ""))
    materials = rec.get("_materials", []) if rec else []
    waiting = next((one for one in materials if one["state"] == "PENDING_ROTATION"), None)
    if not waiting:
        return refuse("KMSInvalidStateException", "No key material waits for its rotation.")
    for one in materials:
        one["state"] = "NON_CURRENT" if one["state"] == "CURRENT" else one["state"]
    waiting["state"] = "CURRENT"
    settle(rec)
    return kms.json_response({"KeyId": rec["Arn"]})


async def handle_request(method, path, headers, body, query_params):
    more = {"ListKeyRotations": list_key_rotations, "RotateKeyOnDemand": rotate_key_on_demand}
    action = more.get(headers.get("x-amz-target", "").split(".")[-1])
    if not action or PLAIN:
        return await handle_plainly(method, path, headers, body, query_params)
    return action(kms.json.loads(body))


kms._import_key_material, kms._delete_imported_key_material = import_key_material, delete_imported_key_material
kms.handle_request = handle_request
runpy.run_module("ministack", run_name="__main__")
