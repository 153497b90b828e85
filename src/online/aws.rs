//! AWS KMS, by its own SDK.
//!
//! Credentials, region and endpoint by the SDK's usual chain. A material is imported under a description that names
//! its package, so that after a lost reply `ListKeyRotations` tells whose it is; where it doesn't, the same
//! material is imported once more, which AWS compares and takes as nothing new. Later materials of a symmetric
//! key wait for `RotateKeyOnDemand`. Calls that change something are sent once: the SDK retries questions only.

use super::call::Steps;
use super::{At, KeyState, OnlineError, Reach, Reported, Service, Stop, Taken, Wish};
use crate::key::KeyKind;
use crate::provider::{Answer, Download, Package, ProofKind, Provider, Purpose, Target, public_key_digest};
use crate::wire::text::hex;
use crate::wire::time::Timestamp;
use aws_sdk_kms::primitives::{Blob, DateTime};
use aws_sdk_kms::types::{
    AlgorithmSpec, ExpirationModelType, ImportState, ImportType, IncludeKeyMaterial, KeyMaterialState,
    KeyMetadata, KeySpec, KeyState as AwsState, KeyUsageType, MacAlgorithmSpec, OriginType, WrappingKeySpec,
};

mod client;
use client::{Aws as Inner, Calls, change, nonsense, question};

/// AWS, with the SDK's configuration.
pub(super) struct Aws(Inner);

/// A material of a symmetric key.
#[derive(Debug)]
struct Material {
    id: String,
    description: String,
    imported: bool,
    waiting: bool,
    expires: Option<Timestamp>,
}

impl Aws {
    pub(super) fn new(reach: &Reach) -> Result<Self, OnlineError> {
        Inner::new(reach).map(Self)
    }

    /// The key that a target names, described.
    fn key(&self, target: &Target) -> Result<(Calls<'_>, KeyMetadata), OnlineError> {
        let calls = self.0.calls(target)?;
        if calls.key.is_empty() {
            let what = "the field `key` is missing: give --set key=ID".to_owned();
            return Err(OnlineError::Settings { provider: Provider::Aws, what });
        }
        let metadata = calls.describe()?;
        Ok((calls, metadata))
    }
}

/// The name of a package, as the description of the material that it brings.
fn described(package: &Package) -> String {
    format!("quorate package {}", hex(&package.digest()))
}

fn state(key: &str, found: impl Into<String>, wanted: impl Into<String>) -> OnlineError {
    OnlineError::State { place: key.to_owned(), found: found.into(), wanted: wanted.into() }
}

fn moment(time: Option<&DateTime>) -> Option<Timestamp> {
    Timestamp::from_unix(u64::try_from(time?.secs()).ok()?).ok()
}

/// Which key, and for what, holds a key of `kind`.
fn spec(kind: KeyKind) -> Option<(KeySpec, KeyUsageType)> {
    let mac = KeyUsageType::GenerateVerifyMac;
    let sign = KeyUsageType::SignVerify;
    Some(match kind {
        KeyKind::Aes256 => (KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt),
        KeyKind::Hmac224 => (KeySpec::Hmac224, mac),
        KeyKind::Hmac256 => (KeySpec::Hmac256, mac),
        KeyKind::Hmac384 => (KeySpec::Hmac384, mac),
        KeyKind::Hmac512 => (KeySpec::Hmac512, mac),
        KeyKind::EcP256 => (KeySpec::EccNistP256, sign),
        KeyKind::EcP384 => (KeySpec::EccNistP384, sign),
        KeyKind::EcP521 => (KeySpec::EccNistP521, sign),
        KeyKind::EcSecp256k1 => (KeySpec::EccSecgP256K1, sign),
        KeyKind::Ed25519 => (KeySpec::EccNistEdwards25519, sign),
        KeyKind::Rsa2048 => (KeySpec::Rsa2048, sign),
        KeyKind::Rsa3072 => (KeySpec::Rsa3072, sign),
        KeyKind::Rsa4096 => (KeySpec::Rsa4096, sign),
        _ => return None,
    })
}

impl Calls<'_> {
    /// A new key without material.
    fn create(self, kind: KeyKind) -> Result<(Self, KeyMetadata), OnlineError> {
        let (spec, usage) =
            spec(kind).ok_or_else(|| state("AWS KMS", "has no such kind of key", "choose another kind"))?;
        let call = change("CreateKey");
        let create = self.changing.create_key().origin(OriginType::External).key_spec(spec).key_usage(usage);
        let answer = self.send(call, create.description("escrowed by Quorate").send())?;
        let metadata = answer.key_metadata.ok_or_else(|| nonsense(call, "the new key"))?;
        let key = metadata.arn.clone().unwrap_or_else(|| metadata.key_id.clone());
        Ok((self.about(key), metadata))
    }

    /// The materials of a symmetric key; `None` where the service can't list them.
    fn materials(&self) -> Result<Option<Vec<Material>>, OnlineError> {
        let call = question("ListKeyRotations");
        let mut found = Vec::new();
        let mut marker = None;
        // AWS has 25 rotations on demand for a key at most, and one a year by itself at most.
        for _ in 0..100 {
            let all = IncludeKeyMaterial::AllKeyMaterial;
            let list = self.reading.list_key_rotations().key_id(&self.key).include_key_material(all);
            let answer = match self.send(call, list.set_marker(marker.take()).send()) {
                Err(OnlineError::Refused { words, .. })
                    if words.starts_with("UnsupportedOperation") || words.starts_with("InvalidAction") =>
                {
                    return Ok(None);
                }
                answer => answer?,
            };
            for entry in answer.rotations.unwrap_or_default() {
                let Some(id) = entry.key_material_id else { continue };
                found.push(Material {
                    id,
                    description: entry.key_material_description.unwrap_or_default(),
                    imported: entry.import_state == Some(ImportState::Imported),
                    waiting: matches!(
                        entry.key_material_state,
                        Some(
                            KeyMaterialState::PendingRotation
                                | KeyMaterialState::PendingMultiRegionImportAndRotation
                        )
                    ),
                    expires: moment(entry.valid_to.as_ref()),
                });
            }
            match answer.next_marker.filter(|_| answer.truncated) {
                Some(next) => marker = Some(next),
                None => return Ok(Some(found)),
            }
        }
        Err(nonsense(call, "an end of the list"))
    }

    /// Imports a package's material; the id that AWS gives it.
    fn hand_over(
        &self,
        package: &Package,
        how: Option<ImportType>,
        pinned: Option<&str>,
    ) -> Result<Option<String>, OnlineError> {
        let token = package.request().token().cloned().unwrap_or_default();
        let symmetric = how.is_some();
        let import = self
            .changing
            .import_key_material()
            .key_id(&self.key)
            .import_token(Blob::new(token))
            .encrypted_key_material(Blob::new(package.blob()))
            .expiration_model(ExpirationModelType::KeyMaterialDoesNotExpire)
            .set_import_type(how)
            .set_key_material_id(pinned.map(str::to_owned))
            .set_key_material_description(symmetric.then(|| described(package)));
        let answer = self.send(change("ImportKeyMaterial"), import.send())?;
        Ok(answer.key_material_id)
    }

    /// Has AWS compare a package's material with one that is there.
    fn compared(&self, package: &Package, id: Option<&str>) -> Result<Option<String>, OnlineError> {
        let token = |error: &OnlineError| match error {
            OnlineError::Expired { .. } => true,
            OnlineError::Refused { words, .. } => words.contains("ImportToken"),
            _ => false,
        };
        self.hand_over(package, Some(ImportType::ExistingKeyMaterial), id).map_err(|error| match token(&error) {
            true => state(
                &self.key,
                "holds a material, and takes the token of this package no more, so that it can't be compared",
                "make a request with --as again and a new package: its import compares",
            ),
            false => error,
        })
    }

    /// The SHA-256 of the public key that AWS shows, and the key.
    fn public_key(&self) -> Result<Vec<u8>, OnlineError> {
        let call = question("GetPublicKey");
        let answer = self.send(call, self.reading.get_public_key().key_id(&self.key).send())?;
        answer.public_key.map(Blob::into_inner).ok_or_else(|| nonsense(call, "a public key"))
    }
}

impl Service for Aws {
    fn begin(&self, wish: &Wish) -> Result<Download, OnlineError> {
        let bits = wish.bits.unwrap_or(4096);
        let size = match bits {
            2048 => WrappingKeySpec::Rsa2048,
            3072 => WrappingKeySpec::Rsa3072,
            4096 => WrappingKeySpec::Rsa4096,
            _ => {
                let what = format!("there is no wrapping key of {bits} bits: give 2048, 3072 or 4096");
                return Err(OnlineError::Settings { provider: Provider::Aws, what });
            }
        };
        // Before a key is made for it.
        let method = Provider::Aws.method(wish.kind, bits, wish.method.as_deref())?;
        let (calls, metadata) = if wish.target.contains_key("key") {
            self.key(&wish.target)?
        } else if wish.purpose == Purpose::Key {
            self.0.calls(&wish.target)?.create(wish.kind)?
        } else {
            let what = "the field `key` is missing: give --set key=ID".to_owned();
            return Err(OnlineError::Settings { provider: Provider::Aws, what });
        };
        let shown = metadata.arn.clone().unwrap_or_else(|| metadata.key_id.clone());
        if metadata.origin != Some(OriginType::External) {
            return Err(state(&shown, "has no Origin EXTERNAL", "use a key that was made for import"));
        }
        if metadata.key_spec != spec(wish.kind).map(|(spec, _)| spec) {
            let found = metadata.key_spec.as_ref().map_or("nothing", |spec| spec.as_str());
            return Err(state(
                &shown,
                format!("has the KeySpec {found}"),
                format!("use a key whose spec is that of {}", wish.kind),
            ));
        }
        match (wish.purpose, metadata.key_state.as_ref()) {
            (_, Some(AwsState::PendingDeletion | AwsState::PendingReplicaDeletion)) => {
                return Err(state(
                    &shown,
                    "is scheduled for deletion",
                    "use `aws kms cancel-key-deletion`, or another key",
                ));
            }
            (Purpose::Key, Some(AwsState::Enabled | AwsState::Disabled)) => {
                return Err(state(
                    &shown,
                    "holds a material already",
                    "use --as version for a later one, --as again for the same one, or another key",
                ));
            }
            (Purpose::Version, _) if wish.kind != KeyKind::Aes256 => {
                return Err(state(
                    &shown,
                    "has one material for ever, as asymmetric and HMAC keys of AWS do",
                    "use another KMS key for the new version",
                ));
            }
            (Purpose::Version, Some(AwsState::PendingImport)) => {
                return Err(state(
                    &shown,
                    "lacks a material that it had, or never had one",
                    "use --as again, or --as key, first",
                ));
            }
            _ => {}
        }
        let algorithm = AlgorithmSpec::from(method.name);
        let call = question("GetParametersForImport");
        let get = calls.reading.get_parameters_for_import().key_id(&calls.key);
        let answer = calls.send(call, get.wrapping_algorithm(algorithm).wrapping_key_spec(size).send());
        // A key that was just made must not be lost sight of.
        let made = |error| match wish.target.contains_key("key") {
            true => error,
            false => OnlineError::Made { place: shown.clone(), error: Box::new(error) },
        };
        let answer = answer.map_err(made)?;
        let missing = || made(nonsense(call, "a wrapping key, a token and their end"));
        let key = answer.public_key.ok_or_else(missing)?.into_inner();
        let token = answer.import_token.ok_or_else(missing)?.into_inner();
        let end = moment(answer.parameters_valid_to.as_ref()).ok_or_else(missing)?;
        // A name would do for AWS; the log and the package get the one that is unique.
        let download = Download::fetched(key).with_token(token).with_end(end).with_method(method.name);
        Ok(download.with_name("key", &shown).with_name("region", &calls.region))
    }

    fn import(&self, package: &Package, pinned: Option<&str>) -> Result<Taken, OnlineError> {
        let request = package.request();
        let (calls, metadata) = self.key(request.target())?;
        let symmetric = request.kind() == KeyKind::Aes256;
        let answered = |id: Option<String>, already| {
            let answer = id.clone().map(Answer::MaterialId).filter(|_| symmetric);
            Ok(Taken { id, answer, already })
        };
        match metadata.key_state {
            Some(AwsState::PendingDeletion | AwsState::PendingReplicaDeletion) => {
                return Err(state(
                    &calls.key,
                    "is scheduled for deletion",
                    "use `aws kms cancel-key-deletion`, or another key",
                ));
            }
            Some(AwsState::PendingImport | AwsState::Enabled | AwsState::Disabled) => {}
            other => {
                let found = other.as_ref().map_or("nothing", |state| state.as_str());
                return Err(state(&calls.key, format!("is in the state {found}"), "try again later"));
            }
        }
        let empty = metadata.key_state == Some(AwsState::PendingImport);
        if !symmetric {
            // One material for ever: what is there is it, or the proof fails.
            if empty {
                calls.hand_over(package, None, None)?;
            }
            return answered(None, !empty);
        }
        let materials = calls.materials()?;
        let ours = |material: &&Material| material.imported && material.description == described(package);
        if let Some(found) = materials.iter().flatten().find(ours) {
            // Anybody may write a description: AWS compares, unless the log knows this very material.
            if pinned != Some(found.id.as_str()) {
                calls.compared(package, Some(&found.id))?;
            }
            return answered(Some(found.id.clone()), true);
        }
        match request.purpose() {
            Purpose::Version => {
                if let Some(other) = materials.iter().flatten().find(|material| material.waiting) {
                    return Err(state(
                        &calls.key,
                        format!("has another material that waits for its rotation ({})", other.id),
                        "use `aws kms rotate-key-on-demand`, or delete that material",
                    ));
                }
                answered(calls.hand_over(package, Some(ImportType::NewKeyMaterial), None)?, false)
            }
            Purpose::Key if empty && materials.as_ref().is_none_or(Vec::is_empty) => {
                answered(calls.hand_over(package, Some(ImportType::NewKeyMaterial), None)?, false)
            }
            // What is there is compared by AWS, which takes the same material only.
            _ if empty => {
                answered(calls.hand_over(package, Some(ImportType::ExistingKeyMaterial), pinned)?, false)
            }
            _ => answered(calls.compared(package, pinned)?, true),
        }
    }

    fn prove(&self, package: &Package, _: &Taken) -> Result<Answer, OnlineError> {
        let request = package.request();
        let calls = self.0.calls(request.target())?;
        match package.facts().proof.kind {
            ProofKind::PublicKey => calls.public_key().map(Answer::PublicKey),
            ProofKind::Mac => {
                let call = question("GenerateMac");
                let hash = request.kind().name().trim_start_matches("hmac-").to_owned();
                let algorithm = MacAlgorithmSpec::from(format!("HMAC_SHA_{hash}").as_str());
                let challenge = package.files().get("challenge.bin").cloned().unwrap_or_default();
                let mac = calls.reading.generate_mac().key_id(&calls.key).mac_algorithm(algorithm);
                let answer = calls.send(call, mac.message(Blob::new(challenge)).send())?;
                let code = answer.mac.ok_or_else(|| nonsense(call, "a code"))?;
                Ok(Answer::Reply(code.into_inner()))
            }
            _ => Err(nonsense(question("ImportKeyMaterial"), "a KeyMaterialId")),
        }
    }

    fn activate(&self, at: &At) -> Result<Option<String>, OnlineError> {
        if at.kind != KeyKind::Aes256 {
            return Ok(None);
        }
        let calls = self.0.calls(&at.target)?;
        let waits = calls.materials()?.iter().flatten().any(|found| found.waiting && found.id == at.evidence);
        if !waits {
            return Ok(None);
        }
        let rotate = calls.changing.rotate_key_on_demand().key_id(&calls.key);
        calls.send(change("RotateKeyOnDemand"), rotate.send())?;
        Ok(Some("RotateKeyOnDemand".to_owned()))
    }

    fn report(&self, at: &At) -> Result<Reported, OnlineError> {
        let mut reported = Reported::bare(KeyState::Gone, "not there");
        let (calls, metadata) = match self.key(&at.target) {
            Err(OnlineError::NoPlace { .. }) => return Ok(reported),
            found => found?,
        };
        let said = metadata.key_state.as_ref().map_or("nothing", |state| state.as_str());
        reported.said = said.to_owned();
        reported.expires = moment(metadata.valid_to.as_ref());
        reported.deletion = moment(metadata.deletion_date.as_ref());
        reported.state = match metadata.key_state {
            Some(AwsState::Enabled) => KeyState::Enabled,
            Some(AwsState::PendingDeletion | AwsState::PendingReplicaDeletion) => KeyState::Ending,
            Some(AwsState::PendingImport) => KeyState::Empty,
            Some(AwsState::Creating | AwsState::Updating) => KeyState::Waiting,
            _ => KeyState::Disabled,
        };
        let there = matches!(reported.state, KeyState::Enabled | KeyState::Disabled);
        match at.proof {
            ProofKind::MaterialId => {
                let materials = calls.materials()?;
                let ours = materials.iter().flatten().find(|material| material.id == at.evidence);
                reported.current = metadata.current_key_material_id.clone();
                reported.evidence = match (&materials, ours) {
                    (Some(_), None) | (None, _) => metadata.current_key_material_id.clone(),
                    (_, Some(found)) => Some(found.id.clone()),
                };
                if let Some(found) = ours {
                    reported.expires = found.expires;
                    if !found.imported {
                        reported.said = format!("{said}, this material PENDING_IMPORT");
                        reported.state = if there { KeyState::Empty } else { reported.state };
                    } else if reported.state == KeyState::Empty {
                        // Another material is missing, and ours is there.
                        reported.said = format!("{said}, this material IMPORTED");
                        reported.state = KeyState::Disabled;
                    } else if found.waiting {
                        reported.said = format!("{said}, this material PENDING_ROTATION");
                        reported.state = if there { KeyState::Waiting } else { reported.state };
                    }
                }
            }
            ProofKind::PublicKey if there => {
                let key = match calls.public_key() {
                    // AWS may show none of a key that is stopped.
                    Err(OnlineError::Refused { words, .. }) if words.starts_with("DisabledException") => None,
                    key => Some(key?),
                };
                reported.evidence = key.and_then(|key| Some(hex(&public_key_digest(&key)?)));
            }
            _ => {}
        }
        Ok(reported)
    }

    fn stop(&self, at: &At, how: Stop) -> Result<Reported, OnlineError> {
        let found = self.report(at)?;
        let calls = self.0.calls(&at.target)?;
        let symmetric = at.kind == KeyKind::Aes256;
        let steps = Steps::default();
        let pending = || {
            state(&calls.key, "lacks a material, so that AWS can't disable it", "shred it without --disable")
        };
        let delete = |id: Option<String>| {
            let delete = calls.changing.delete_imported_key_material().key_id(&calls.key);
            let sent = calls.send(change("DeleteImportedKeyMaterial"), delete.set_key_material_id(id).send());
            steps.step(sent.map(drop))
        };
        match how {
            _ if matches!(found.state, KeyState::Gone | KeyState::Ending) => {}
            Stop::Disable if matches!(found.state, KeyState::Enabled | KeyState::Waiting) => {
                let disable = calls.changing.disable_key().key_id(&calls.key);
                steps.step(calls.send(change("DisableKey"), disable.send()))?;
            }
            Stop::Disable
                if found.said.starts_with("PendingImport,") && found.state == KeyState::Disabled =>
            {
                return Err(pending());
            }
            Stop::Disable => {}
            // By the state of this very material, not of the key, which may lack another.
            Stop::Delete => {
                let listed = if symmetric { calls.materials()? } else { None };
                let there = match listed {
                    Some(list) => list.iter().any(|one| one.imported && one.id == at.evidence),
                    None => symmetric || found.state != KeyState::Empty,
                };
                if there {
                    delete(Some(at.evidence.clone()).filter(|_| symmetric))?;
                }
            }
            Stop::Destroy { days } => {
                // At once, so that nothing works while the deletion waits; then the key itself.
                let materials = if symmetric { calls.materials()? } else { None };
                match materials {
                    Some(list) => {
                        for material in list.into_iter().filter(|material| material.imported) {
                            delete(Some(material.id))?;
                        }
                    }
                    None if found.state == KeyState::Empty => {}
                    None => delete(None)?,
                }
                let schedule = calls.changing.schedule_key_deletion().key_id(&calls.key);
                let days = i32::from(days.unwrap_or(30));
                let schedule = schedule.pending_window_in_days(days).send();
                steps.step(calls.send(change("ScheduleKeyDeletion"), schedule))?;
            }
        }
        steps.look(self.report(at))
    }
}
