//! Which version of a key the log means, and what Google says of it.
//!
//! A version is known by its full name. What was imported by hand may have none in the log: then the public key decides,
//! and a key that shows none is not guessed at, even where it has one version only.

use super::super::http::Call;
use super::super::{At, KeyState, OnlineError, Reported};
use super::place::Place;
use super::{GCP, Google, State, making, moment};
use crate::provider::{ProofKind, public_key_digest};
use crate::wire::text::hex;
use google_cloud_kms_v1::model::CryptoKeyVersion;

impl Google {
    /// The full name of the version that the log means.
    pub(super) fn meant(&self, at: &At) -> Result<String, OnlineError> {
        let key = Place::of(&at.target)?.key;
        let stated = || (at.proof == ProofKind::Statement).then(|| at.evidence.clone());
        match at.id.clone().or_else(stated) {
            Some(name) if name.starts_with(&format!("{key}/cryptoKeyVersions/")) => Ok(name),
            Some(_) => Err(OnlineError::State {
                place: key,
                found: "is not the key of the version that the log names".to_owned(),
                wanted: "find out which of the two it is; nothing was done".to_owned(),
            }),
            None => self.by_evidence(at, key),
        }
    }

    /// The version whose public key is the log's evidence.
    fn by_evidence(&self, at: &At, key: String) -> Result<String, OnlineError> {
        let versions = self.versions(&key)?;
        if versions.is_empty() {
            return Err(OnlineError::NoPlace { provider: GCP, place: format!("a version of {key}") });
        }
        if at.proof == ProofKind::PublicKey {
            // Only one that is enabled shows its public key.
            for version in versions.iter().filter(|version| version.state == State::Enabled) {
                if self.digest(&version.name)? == at.evidence {
                    return Ok(version.name.clone());
                }
            }
        }
        let found = match at.proof {
            ProofKind::PublicKey => "has no enabled version whose public key is the one in the log",
            _ => {
                "may not hold what the log means, which has no name of it: it was imported by hand, and shows no public key"
            }
        };
        Err(OnlineError::State {
            place: key,
            found: found.to_owned(),
            wanted: "ask Google by its own commands; `quorate shred … --by-hand` prints those that stop it"
                .to_owned(),
        })
    }

    /// A version's public key, as the log's evidence names it.
    fn digest(&self, version: &str) -> Result<String, OnlineError> {
        let digest = public_key_digest(self.public_key(version)?.as_bytes());
        digest
            .map(|digest| hex(&digest))
            .ok_or(Call::reads("GetPublicKey").nonsense(GCP, "a public key in PEM"))
    }

    /// What is there of the log's key version.
    pub(super) fn reported(&self, at: &At) -> Result<Reported, OnlineError> {
        let name = match self.meant(at) {
            // By hand, and nothing is there any more.
            Err(OnlineError::NoPlace { .. }) => return Ok(Reported::bare(KeyState::Gone, "NOT_FOUND")),
            other => other?,
        };
        match self.version(&name) {
            Ok(version) => self.about(at, version),
            Err(OnlineError::NoPlace { .. }) => Ok(Reported::bare(KeyState::Gone, "NOT_FOUND")),
            Err(error) => Err(error),
        }
    }

    /// What a version is now, in our words.
    pub(super) fn about(&self, at: &At, version: CryptoKeyVersion) -> Result<Reported, OnlineError> {
        let state = match version.state {
            State::Enabled => KeyState::Enabled,
            State::Disabled => KeyState::Disabled,
            State::PendingImport | State::PendingGeneration => KeyState::Waiting,
            State::DestroyScheduled => KeyState::Ending,
            State::Destroyed | State::ImportFailed => KeyState::Empty,
            _ => return Err(Call::reads("GetCryptoKeyVersion").nonsense(GCP, "a state that is documented")),
        };
        let evidence = match at.proof {
            ProofKind::PublicKey if state == KeyState::Enabled => Some(self.digest(&version.name)?),
            ProofKind::Statement => Some(version.name.clone()),
            _ => None,
        };
        Ok(Reported {
            state,
            said: version.state.name().unwrap_or_default().to_owned(),
            id: Some(version.name),
            expires: None,
            deletion: moment(version.destroy_time.as_ref()),
            evidence,
            current: self.primary(at)?,
            loose: None,
        })
    }

    /// The version that is used for new work, where a key has such and these credentials may see it.
    fn primary(&self, at: &At) -> Result<Option<String>, OnlineError> {
        if !making::has_primary(at) {
            return Ok(None);
        }
        match self.crypto_key(&Place::of(&at.target)?.key) {
            Ok(key) => Ok(key.primary.map(|primary| primary.name)),
            Err(OnlineError::Right { .. } | OnlineError::NoPlace { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
