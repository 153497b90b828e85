//! Which version of a key the log means, and what Azure says of it.
//!
//! A version is known by its full id. What was imported by hand has none in the log: then the public key decides, and a
//! key that shows none (AES) is not guessed at. Of a key that is deleted Azure shows the newest version alone.

use super::super::http::Call;
use super::super::{At, KeyState, OnlineError, Reported};
use super::jwk::public;
use super::vault::{KeyId, of_kid};
use super::{Azure, moment};
use crate::primitive::hash::sha256;
use crate::provider::ProofKind;
use crate::wire::text::hex;
use azure_security_keyvault_keys::models::{JsonWebKey, Key};

/// A public key as the log's evidence names it.
fn digest(jwk: Option<&JsonWebKey>) -> Option<String> {
    jwk.and_then(public).map(|spki| hex(&sha256(&[&spki])))
}

impl Azure {
    /// The full id that the log has of a version; `None` where it has none.
    pub(super) fn named(&self, base: &str, at: &At) -> Result<Option<KeyId>, OnlineError> {
        let known = [at.id.as_deref(), Some(at.evidence.as_str())];
        let Some((kid, (of, id))) =
            known.into_iter().flatten().find_map(|kid| of_kid(kid).map(|parts| (kid, parts)))
        else {
            return Ok(None);
        };
        // The same name in another vault is another key.
        if of == base && Some(&id.name) == at.target.get("key") {
            return Ok(Some(id));
        }
        Err(OnlineError::State {
            place: kid.chars().take(200).collect(),
            found: format!("is what the log names, which is not in {base}"),
            wanted: "speak to the vault that the log names, without another --endpoint".to_owned(),
        })
    }

    /// What is there of the log's key version.
    pub(super) fn reported(&self, base: &str, at: &At) -> Result<Reported, OnlineError> {
        let key = match self.named(base, at)? {
            Some(id) => self.looked(base, &id)?,
            None => self.by_evidence(base, at)?,
        };
        let Some(key) = key else { return self.reported_deleted(base, at) };
        let attributes = key.attributes.unwrap_or_default();
        let enabled = attributes.enabled != Some(false);
        let id = key.key.as_ref().and_then(|jwk| jwk.kid.clone());
        let evidence = if at.proof == ProofKind::PublicKey { digest(key.key.as_ref()) } else { None };
        let newest = self.newest(base, at)?;
        // Where the log has no id it knows the version by its public key.
        let current = if at.id.is_none() && newest == id { evidence.clone().or(newest) } else { newest };
        Ok(Reported {
            state: if enabled { KeyState::Enabled } else { KeyState::Disabled },
            said: if enabled { "enabled" } else { "not enabled" }.to_owned(),
            id,
            expires: moment(attributes.expires),
            deletion: None,
            evidence,
            current,
            loose: (attributes.exportable == Some(true)).then_some("may be exported"),
        })
    }

    /// A version, if it is there.
    fn looked(&self, base: &str, id: &KeyId) -> Result<Option<Key>, OnlineError> {
        match self.key(base, id) {
            Err(OnlineError::NoPlace { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    /// The version whose public key is the log's evidence; where there is none, the newest one, which shows by its own
    /// that it is another.
    fn by_evidence(&self, base: &str, at: &At) -> Result<Option<Key>, OnlineError> {
        let name = at.target.get("key").map_or("", String::as_str);
        let versions = self.versions(base, name)?;
        if !versions.is_empty() && at.proof != ProofKind::PublicKey {
            return Err(self.unknown(format!("{base}/keys/{name}")));
        }
        let mut other = None;
        for version in versions {
            let Some(key) = self.looked(base, &version.id)? else { continue };
            if digest(key.key.as_ref()).is_some_and(|digest| digest == at.evidence) {
                return Ok(Some(key));
            }
            other = Some(key);
        }
        Ok(other)
    }

    /// Nothing tells which version the log means.
    fn unknown(&self, place: String) -> OnlineError {
        OnlineError::State {
            place,
            found: "may not be what the log means, which has no id of it: it was imported by hand, and shows no public key"
                .to_owned(),
            wanted: format!("ask {} by its own commands; `quorate shred … --by-hand` prints those that stop it", self.provider),
        }
    }

    /// The id of the version that is used for new work, where these credentials may see it.
    fn newest(&self, base: &str, at: &At) -> Result<Option<String>, OnlineError> {
        let name = at.target.get("key").cloned().unwrap_or_default();
        match self.key(base, &KeyId { name, version: String::new() }) {
            Ok(key) => Ok(key.key.and_then(|jwk| jwk.kid)),
            Err(OnlineError::Right { .. } | OnlineError::NoPlace { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is known of a key that is deleted, or gone.
    pub(super) fn reported_deleted(&self, base: &str, at: &At) -> Result<Reported, OnlineError> {
        let client = self.client(base)?;
        let name = at.target.get("key").map_or("", String::as_str);
        let get = async { client.get_deleted_key(name, None).await?.into_model() };
        let place = format!("{base}/deletedkeys/{name}");
        let key = match self.ask(Call::reads("GetDeletedKey"), &place, get) {
            Err(OnlineError::NoPlace { .. }) => return Ok(Reported::bare(KeyState::Gone, "KeyNotFound")),
            other => other?,
        };
        Ok(Reported {
            evidence: if at.proof == ProofKind::PublicKey { digest(key.key.as_ref()) } else { None },
            id: key.key.and_then(|key| key.kid),
            deletion: moment(key.scheduled_purge_date),
            ..Reported::bare(KeyState::Ending, "deleted, not purged")
        })
    }

    /// That what was reported is the log's: by its id, or by its public key where the log has no id.
    pub(super) fn ours(&self, base: &str, at: &At, reported: &Reported) -> Result<(), OnlineError> {
        let named = self.named(base, at)?.map(|id| id.kid(base));
        let evidence = reported.evidence.as_ref();
        let same = match &named {
            Some(kid) => reported.id.as_ref() == Some(kid) && evidence.is_none_or(|one| *one == at.evidence),
            None => evidence.is_some_and(|one| *one == at.evidence),
        };
        if same {
            return Ok(());
        }
        let found = reported.id.clone().unwrap_or_default();
        let words = match reported.state {
            KeyState::Ending => format!(
                "it is deleted, and of its versions only {found} is shown: recover it there, and run this again"
            ),
            _ => format!("it is {found}"),
        };
        let name = at.target.get("key").map_or("", String::as_str);
        Err(OnlineError::OtherKey { place: format!("{base}/keys/{name}"), words })
    }
}
