//! What is made or changed at Google beside an import: a key's place, an import job, a primary version, a stop.

use super::super::call::Steps;
use super::super::http::Call;
use super::super::name::fresh;
use super::super::{At, OnlineError, Wish};
use super::place::Place;
use super::{GCP, Google, State, moment, named};
use crate::provider::{Download, Purpose, google_algorithm};
use google_cloud_gax::options::RequestOptionsBuilder as _;
use google_cloud_kms_v1::model::crypto_key::CryptoKeyPurpose;
use google_cloud_kms_v1::model::crypto_key_version::CryptoKeyVersionAlgorithm;
use google_cloud_kms_v1::model::import_job::{ImportJobState, ImportMethod};
use google_cloud_kms_v1::model::{
    CryptoKey, CryptoKeyVersion, CryptoKeyVersionTemplate, ImportJob, ProtectionLevel,
};

/// Google's name as its interface spells it.
fn upper(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

/// The algorithm of a version, by the name of the command line.
pub(super) fn algorithm(name: &str) -> CryptoKeyVersionAlgorithm {
    CryptoKeyVersionAlgorithm::from(upper(name).as_str())
}

/// What a key with versions of this algorithm is for.
fn purpose(algorithm: &str) -> CryptoKeyPurpose {
    match algorithm {
        "google-symmetric-encryption" => CryptoKeyPurpose::EncryptDecrypt,
        name if name.starts_with("aes-") => CryptoKeyPurpose::RawEncryptDecrypt,
        name if name.starts_with("hmac-") => CryptoKeyPurpose::Mac,
        name if name.starts_with("rsa-decrypt") => CryptoKeyPurpose::AsymmetricDecrypt,
        _ => CryptoKeyPurpose::AsymmetricSign,
    }
}

/// Whether the key of a version has one version that is primary.
pub(super) fn has_primary(at: &At) -> bool {
    purpose(google_algorithm(at.kind, &at.target)) == CryptoKeyPurpose::EncryptDecrypt
}

impl Google {
    /// A key.
    pub(super) fn crypto_key(&self, key: &str) -> Result<CryptoKey, OnlineError> {
        self.ask(Call::reads("GetCryptoKey"), key, self.client.get_crypto_key().set_name(key).send())
    }

    /// Makes the key's place unless it is there, and an import job; its wrapping key.
    pub(super) fn begun(&self, wish: &Wish) -> Result<Download, OnlineError> {
        let place = Place::of(&wish.target)?;
        let bits = wish.bits.unwrap_or(4096);
        let method = GCP.method(wish.kind, bits, wish.method.as_deref())?;
        let steps = Steps::default();
        let level = self.place(wish, &place, &steps)?;
        let existing = match wish.purpose {
            Purpose::Again if !wish.target.contains_key("existing") => {
                Some(steps.look(self.destroyed(&place))?)
            }
            _ => None,
        };
        let id = match wish.target.get("import-job") {
            Some(id) => id.clone(),
            None => steps.step(self.new_job(&place, method.name, level))?,
        };
        let job = steps.look(self.active(&place.job(&id)))?;
        let call = Call::reads("GetImportJob");
        let pem = job.public_key.map(|key| key.pem).filter(|pem| !pem.is_empty());
        let pem = steps.look(pem.ok_or(call.nonsense(GCP, "the public key of an active job")))?;
        let end = moment(job.expire_time.as_ref());
        let end = steps.look(end.ok_or(call.nonsense(GCP, "when the job expires")))?;
        let its = job.import_method.name().unwrap_or_default().to_ascii_lowercase().replace('_', "-");
        if wish.method.as_ref().is_some_and(|wanted| *wanted != its) {
            return Err(OnlineError::State {
                place: job.name,
                found: format!("is for the method {its}"),
                wanted: format!("leave --method out, or name a job of {}", method.name),
            });
        }
        let download = Download::fetched(pem.into_bytes()).with_end(end).with_method(&its);
        let download = named(download, &wish.target, "import-job", &id);
        Ok(match existing {
            Some(version) => named(download, &wish.target, "existing", &version),
            None => download,
        })
    }

    /// The protection level of the key, which is made if there is none: a step.
    fn place(&self, wish: &Wish, place: &Place, steps: &Steps) -> Result<ProtectionLevel, OnlineError> {
        let algorithm_name = google_algorithm(wish.kind, &wish.target);
        let wanted = purpose(algorithm_name);
        let key = match self.crypto_key(&place.key) {
            Ok(key) => {
                self.unused(wish, place)?;
                key
            }
            Err(OnlineError::NoPlace { .. }) if wish.purpose == Purpose::Key => {
                let template = CryptoKeyVersionTemplate::new()
                    .set_algorithm(algorithm(algorithm_name))
                    .set_protection_level(ProtectionLevel::Hsm);
                let key = CryptoKey::new()
                    .set_purpose(wanted.clone())
                    .set_import_only(true)
                    .set_version_template(template);
                let create = self
                    .client
                    .create_crypto_key()
                    .set_parent(&place.ring)
                    .set_crypto_key_id(&place.id)
                    .set_crypto_key(key)
                    .set_skip_initial_version_creation(true);
                let call = Call::changes("CreateCryptoKey");
                steps.step(self.ask(call, &place.key, create.with_idempotency(false).send()))?
            }
            Err(error) => return Err(error),
        };
        let state = |found: &str, wanted: String| OnlineError::State {
            place: place.key.clone(),
            found: found.to_owned(),
            wanted,
        };
        if !key.import_only {
            return Err(state(
                "was not made for imports alone",
                "make one with --import-only and --skip-initial-version-creation, or name another".to_owned(),
            ));
        }
        if key.purpose != wanted {
            let found = format!("is for {}", key.purpose.name().unwrap_or("something else"));
            let fits = "name another key, or its algorithm by --set purpose-algorithm=…";
            return Err(state(&found, format!("{algorithm_name} doesn't fit: {fits}")));
        }
        let level = key.version_template.map(|template| template.protection_level);
        steps.look(level.ok_or(Call::reads("GetCryptoKey").nonsense(GCP, "the key's protection level")))
    }

    /// That a key that is there already has no version, where its first one is brought. An import that failed left
    /// none.
    fn unused(&self, wish: &Wish, place: &Place) -> Result<(), OnlineError> {
        if wish.purpose != Purpose::Key {
            return Ok(());
        }
        let versions = self.versions(&place.key)?;
        match versions.iter().filter(|version| version.state != State::ImportFailed).count() {
            0 => Ok(()),
            count => Err(OnlineError::State {
                place: place.key.clone(),
                found: format!("is there already, with {count} versions"),
                wanted: "use another name, or --as version, or --as again for a version that was destroyed"
                    .to_owned(),
            }),
        }
    }

    fn new_job(&self, place: &Place, method: &str, level: ProtectionLevel) -> Result<String, OnlineError> {
        let id = fresh(GCP)?;
        let job = ImportJob::new()
            .set_import_method(ImportMethod::from(upper(method).as_str()))
            .set_protection_level(level);
        let create = self
            .client
            .create_import_job()
            .set_parent(&place.ring)
            .set_import_job_id(&id)
            .set_import_job(job);
        self.ask(Call::changes("CreateImportJob"), &place.ring, create.with_idempotency(false).send())?;
        Ok(id)
    }

    /// Waits until a job can be used.
    fn active(&self, name: &str) -> Result<ImportJob, OnlineError> {
        let made = |job: &ImportJob| job.state != ImportJobState::PendingGeneration;
        let job = self.until(|| self.job(name), made)?;
        match job.state {
            ImportJobState::Active => Ok(job),
            ImportJobState::Expired => Err(OnlineError::Expired { provider: GCP }),
            _ => Err(OnlineError::State {
                place: name.to_owned(),
                found: "is still being made".to_owned(),
                wanted: "run the same again with --set import-job=… in a minute".to_owned(),
            }),
        }
    }

    /// The one version that was destroyed and can be imported again.
    fn destroyed(&self, place: &Place) -> Result<String, OnlineError> {
        let free = |version: &CryptoKeyVersion| {
            version.reimport_eligible && [State::Destroyed, State::ImportFailed].contains(&version.state)
        };
        let mut names: Vec<String> =
            self.versions(&place.key)?.into_iter().filter(free).map(|version| version.name).collect();
        let found = format!("has {} versions that can be imported again", names.len());
        match (names.pop(), names.is_empty()) {
            (Some(name), true) => Ok(name),
            _ => Err(OnlineError::State {
                place: place.key.clone(),
                found,
                wanted: "name one by --set existing=…, its full name".to_owned(),
            }),
        }
    }

    /// Makes a version primary, where a key has such.
    pub(super) fn made_primary(&self, key: &str, version: &str) -> Result<Option<String>, OnlineError> {
        let about = self.crypto_key(key)?;
        if about.primary.is_some_and(|primary| primary.name == version) {
            return Ok(None);
        }
        let id = version.rsplit('/').next().unwrap_or_default();
        let update =
            self.client.update_crypto_key_primary_version().set_name(key).set_crypto_key_version_id(id);
        let call = Call::changes("UpdateCryptoKeyPrimaryVersion");
        self.ask(call, key, update.with_idempotency(false).send())?;
        Ok(Some(format!("version {id} is primary")))
    }

    /// Destroys a version: that is scheduled, and can be undone until it is final.
    pub(super) fn destroyed_now(&self, name: &str) -> Result<(), OnlineError> {
        let destroy = self.client.destroy_crypto_key_version().set_name(name);
        let call = Call::changes("DestroyCryptoKeyVersion");
        self.ask(call, name, destroy.with_idempotency(false).send()).map(drop)
    }

    /// Disables a version.
    pub(super) fn disabled(&self, name: &str) -> Result<(), OnlineError> {
        let version = CryptoKeyVersion::new().set_name(name).set_state(State::Disabled);
        let mask = google_cloud_wkt::FieldMask::default().set_paths(["state"]);
        let update =
            self.client.update_crypto_key_version().set_crypto_key_version(version).set_update_mask(mask);
        let call = Call::changes("UpdateCryptoKeyVersion");
        self.ask(call, name, update.with_idempotency(false).send()).map(drop)
    }
}
