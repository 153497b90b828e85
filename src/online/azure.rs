//! Azure Key Vault and Managed HSM by their official client: a KEK that only imports, a `.byok` file, its public key.
//!
//! What is imported carries the package's digest as a tag, so that an earlier run's version is found by it. The client
//! speaks through our own HTTPS call (`http`), so certificates and time limits are ours; it retries nothing.
//! Credentials by Azure's usual chain: a client secret or a federated token in the environment, the machine's
//! own identity where it is named, the `az` that somebody logged in to.

use super::call::Steps;
use super::http::Call;
use super::runtime::Runtime;
use super::{At, KeyState, OnlineError, Reach, Reported, Service, Stop, Taken, Wish};
use crate::primitive::hash::sha256;
use crate::provider::{Answer, Download, Package, ProofKind, Provider, Purpose};
use crate::wire::text::{from_base64, from_hex, hex};
use crate::wire::time::Timestamp;
use azure_core::http::RequestContent;
use azure_security_keyvault_keys::KeyClient;
use azure_security_keyvault_keys::models::{
    CreateKeyParameters, EncryptionAlgorithm, ImportKeyParameters, JsonWebKey, Key, KeyAttributes,
    KeyClientGetKeyOptions, KeyClientUpdateKeyPropertiesOptions, KeyOperation, KeyOperationParameters,
    KeyType, UpdateKeyPropertiesParameters,
};
use core::cell::OnceCell;
use core::time::Duration;
use futures_util::TryStreamExt as _;
use jwk::{kind_there, public};
use std::collections::HashMap;
use vault::{KeyId, address, of_kid};

mod client;
mod credentials;
mod jwk;
mod vault;

/// The tag that an imported version carries: the digest of its package.
const TAG: &str = "quorate-package";
/// The name of a KEK that is made when none is named; its size stands behind it.
const KEK: &str = "quorate-kek";

/// The most versions of a key that are read: 100 pages of Azure's.
const MOST_VERSIONS: usize = 2500;

/// A vault or Managed HSM, connected.
pub(super) struct Azure {
    provider: Provider,
    runtime: Runtime,
    reach: Reach,
    client: OnceCell<(String, KeyClient)>,
}

impl Azure {
    pub(super) fn new(provider: Provider, reach: &Reach) -> Result<Self, OnlineError> {
        if let Some(address) = &reach.endpoint {
            reach.address(provider, address)?;
        }
        let runtime =
            Runtime::new().map_err(|error| OnlineError::Settings { provider, what: error.to_string() })?;
        Ok(Self { provider, runtime, reach: reach.clone(), client: OnceCell::new() })
    }

    /// The client of the vault at an address.
    fn client(&self, base: &str) -> Result<&KeyClient, OnlineError> {
        if self.client.get().is_none() {
            let made = client::connect(self.provider, &self.reach, base)?;
            let _ = self.client.set((base.to_owned(), made));
        }
        match self.client.get() {
            Some((address, client)) if address == base => Ok(client),
            _ => Err(OnlineError::Settings {
                provider: self.provider,
                what: "two vaults in one run".to_owned(),
            }),
        }
    }

    /// Waits for one call.
    fn ask<T>(
        &self,
        call: Call,
        place: &str,
        future: impl Future<Output = azure_core::Result<T>>,
    ) -> Result<T, OnlineError> {
        // A challenge, a token and the call itself, each within the limit of its own.
        let limit = self.reach.timeout.saturating_mul(4);
        match self.runtime.wait(limit, future) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(client::failure(self.provider, &error, (call, self.reach.timeout), place)),
            Err(_) => Err(call.silent(self.provider, limit)),
        }
    }

    fn key(&self, base: &str, id: &KeyId) -> Result<Key, OnlineError> {
        let client = self.client(base)?;
        let version = (!id.version.is_empty()).then(|| id.version.clone());
        let options = KeyClientGetKeyOptions { key_version: version, ..Default::default() };
        let get = async { client.get_key(&id.name, Some(options)).await?.into_model() };
        self.ask(Call::reads("GetKey"), &format!("{base}/keys/{}/{}", id.name, id.version), get)
    }

    /// The versions of a key: the id of each, and the package that it is of.
    fn versions(&self, base: &str, name: &str) -> Result<Vec<(KeyId, Option<String>)>, OnlineError> {
        let client = self.client(base)?;
        let list = async {
            let mut pager = client.list_key_properties_versions(name, None)?;
            let mut found = Vec::new();
            while let Some(item) = pager.try_next().await? {
                let tag = item.tags.and_then(|mut tags| tags.remove(TAG));
                if let Some(id) = item.kid.as_deref().and_then(of_kid) {
                    found.push((id.1, tag));
                }
                if found.len() > MOST_VERSIONS {
                    break;
                }
            }
            Ok(found)
        };
        match self.ask(Call::reads("GetKeyVersions"), &format!("{base}/keys/{name}"), list) {
            Err(OnlineError::NoPlace { .. }) => Ok(Vec::new()),
            Ok(found) if found.len() > MOST_VERSIONS => {
                Err(Call::reads("GetKeyVersions").nonsense(self.provider, "an end of the list"))
            }
            other => other,
        }
    }
}

/// What is deleted and not purged yet.
fn deleted(error: &OnlineError) -> bool {
    matches!(error, OnlineError::NoPlace { .. })
}

/// Seconds since 1970 of a time of Azure's.
fn moment(time: Option<azure_core::time::OffsetDateTime>) -> Option<Timestamp> {
    Timestamp::from_unix(u64::try_from(time?.unix_timestamp()).ok()?).ok()
}

impl Azure {
    /// The KEK: the one that is named, or one of ours, which is made if there is none.
    fn kek(&self, base: &str, wish: &Wish) -> Result<Key, OnlineError> {
        if let Some(kid) = wish.target.get("kid") {
            let (_, id) =
                of_kid(kid).filter(|(of, _)| of == base).ok_or_else(|| self.other_vault(kid, base))?;
            return self.key(base, &id);
        }
        let bits = wish.bits.unwrap_or(4096);
        let name = format!("{KEK}-{bits}");
        match self.key(base, &KeyId { name: name.clone(), version: String::new() }) {
            Err(OnlineError::NoPlace { .. }) => {}
            found => return found,
        }
        let client = self.client(base)?;
        let wanted = CreateKeyParameters {
            kty: Some(KeyType::RsaHsm),
            key_size: i32::try_from(bits).ok(),
            key_ops: Some(vec![KeyOperation::Import]),
            ..Default::default()
        };
        let make =
            async { client.create_key(&name, RequestContent::try_from(wanted)?, None).await?.into_model() };
        self.ask(Call::changes("CreateKey"), &format!("{base}/keys/{name}"), make)
    }

    /// That the log's key is not one of the vault that is spoken to.
    fn elsewhere(&self, kid: &str, base: &str) -> OnlineError {
        OnlineError::State {
            place: kid.chars().take(200).collect(),
            found: format!("is what the log names, which is not in {base}"),
            wanted: "speak to the vault that the log names, without another --endpoint".to_owned(),
        }
    }

    fn other_vault(&self, kid: &str, base: &str) -> OnlineError {
        OnlineError::State {
            place: kid.chars().take(200).collect(),
            found: format!("is no key of {base}, with its version"),
            wanted: format!(
                "a KEK and what it wraps are in one vault; give the address by --endpoint ({})",
                self.provider
            ),
        }
    }

    /// The version that the log means.
    fn meant(&self, base: &str, at: &At) -> Result<KeyId, OnlineError> {
        let name = at.target.get("key").cloned().unwrap_or_default();
        let known = [at.id.as_deref(), Some(at.evidence.as_str())];
        if let Some(kid) = known.into_iter().flatten().find(|kid| of_kid(kid).is_some()) {
            // The same name in another vault is another key.
            let named = of_kid(kid).filter(|(of, id)| of == base && id.name == name);
            return named.map(|(_, id)| id).ok_or_else(|| self.elsewhere(kid, base));
        }
        let mut versions = self.versions(base, &name)?;
        match (versions.pop(), versions.is_empty()) {
            (Some((id, _)), true) => Ok(id),
            // A key that is deleted lists no versions.
            (None, _) => Ok(KeyId { name, version: String::new() }),
            _ => Err(OnlineError::State {
                place: format!("{base}/keys/{name}"),
                found: "has several versions, and the log says of none which it is".to_owned(),
                wanted: "import it by `quorate import finish`, which notes the version".to_owned(),
            }),
        }
    }

    /// What is known of a key that is deleted, or gone.
    fn reported_deleted(&self, base: &str, id: &KeyId) -> Result<Reported, OnlineError> {
        let client = self.client(base)?;
        let get = async { client.get_deleted_key(&id.name, None).await?.into_model() };
        let place = format!("{base}/deletedkeys/{}", id.name);
        match self.ask(Call::reads("GetDeletedKey"), &place, get) {
            Ok(key) => Ok(Reported {
                id: key.key.and_then(|key| key.kid),
                deletion: moment(key.scheduled_purge_date),
                ..Reported::bare(KeyState::Ending, "deleted, not purged")
            }),
            Err(error) if deleted(&error) => Ok(Reported::bare(KeyState::Gone, "KeyNotFound")),
            Err(error) => Err(error),
        }
    }

    fn answer(&self, base: &str, package: &Package, id: &KeyId) -> Result<Answer, OnlineError> {
        if package.facts().proof.kind == ProofKind::PublicKey {
            let call = Call::reads("GetKey");
            let jwk = self.key(base, id)?.key;
            let spki = jwk.as_ref().and_then(public);
            return Ok(Answer::PublicKey(spki.ok_or(call.nonsense(self.provider, "a public key"))?));
        }
        let client = self.client(base)?;
        let text = |name| package.text(name).map(str::trim).unwrap_or_default();
        let bits = package.request().kind().symmetric_length().unwrap_or_default().saturating_mul(8);
        let algorithm =
            if bits == 128 { EncryptionAlgorithm::A128Cbcpad } else { EncryptionAlgorithm::A256Cbcpad };
        let asked = KeyOperationParameters {
            algorithm: Some(algorithm),
            iv: from_hex(text("challenge-iv.txt")),
            value: from_base64(text("challenge.txt")),
            ..Default::default()
        };
        let decrypt = async {
            let asked = RequestContent::try_from(asked)?;
            client.decrypt(&id.name, &id.version, asked, None).await?.into_model()
        };
        let call = Call::reads("Decrypt");
        let reply = self.ask(call, &format!("{base}/keys/{}", id.name), decrypt)?;
        Ok(Answer::Reply(reply.result.ok_or(call.nonsense(self.provider, "a plaintext"))?))
    }

    /// Deletes a key with all of its versions; `purge` makes that final.
    fn destroyed(&self, base: &str, id: &KeyId, purge: bool) -> Result<(), OnlineError> {
        let client = self.client(base)?;
        let place = format!("{base}/keys/{}", id.name);
        let delete = async { client.delete_key(&id.name, None).await.map(drop) };
        let steps = Steps::default();
        let was_there = match self.ask(Call::changes("DeleteKey"), &place, delete) {
            Err(OnlineError::NoPlace { .. }) => false,
            other => steps.step(other).map(|()| true)?,
        };
        if !purge {
            return Ok(());
        }
        // What is deleted shows late; before that a purge finds nothing either.
        if !steps.look(self.shows_deleted(base, id))? {
            let call = Call::changes("PurgeDeletedKey");
            let words = "the key is deleted, and does not show as deleted yet";
            return if was_there { Err(call.unsure(self.provider, words)) } else { Ok(()) };
        }
        let purge = async { client.purge_deleted_key(&id.name, None).await.map(drop) };
        match self.ask(Call::changes("PurgeDeletedKey"), &place, purge) {
            Err(OnlineError::NoPlace { .. }) => Ok(()),
            other => steps.look(other),
        }
    }

    /// Waits, no longer than one call may take, until a key shows as deleted.
    fn shows_deleted(&self, base: &str, id: &KeyId) -> Result<bool, OnlineError> {
        let (mut left, mut pause) = (self.reach.timeout, Duration::from_millis(100));
        loop {
            if self.reported_deleted(base, id)?.state == KeyState::Ending {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
            let _ = self.runtime.wait(pause.min(left), core::future::pending::<()>());
            left = left.saturating_sub(pause);
            pause = pause.saturating_mul(2).min(Duration::from_secs(3));
        }
    }

    /// That the version is one of those that would be stopped with their key, and how many others there are. Of a
    /// key that is deleted already there are none.
    fn among(&self, base: &str, id: &KeyId) -> Result<usize, OnlineError> {
        let versions = self.versions(base, &id.name)?;
        if !versions.is_empty() && !versions.iter().any(|(one, _)| one.version == id.version) {
            return Err(OnlineError::OtherKey {
                place: format!("{base}/keys/{}", id.name),
                words: format!("it has no version {}", id.version),
            });
        }
        Ok(versions.len().saturating_sub(1))
    }
}

impl Service for Azure {
    fn begin(&self, wish: &Wish) -> Result<Download, OnlineError> {
        let base = address(self.provider, &self.reach, &wish.target)?;
        let call = Call::reads("GetKey");
        let key = self.kek(&base, wish)?;
        let jwk = key.key.ok_or(call.nonsense(self.provider, "the KEK"))?;
        let kid = jwk.kid.clone().unwrap_or_default();
        let ops: Vec<&str> = jwk.key_ops.iter().flatten().map(String::as_str).collect();
        let enabled = key.attributes.is_some_and(|attributes| attributes.enabled != Some(false));
        if ops != ["import"] || jwk.kty != Some(KeyType::RsaHsm) || !enabled {
            return Err(OnlineError::State {
                place: kid,
                found: "is no KEK: an RSA-HSM key that is enabled and whose only operation is `import`"
                    .to_owned(),
                wanted: "name one by --set kid=…, or none, and one is made".to_owned(),
            });
        }
        let spki = public(&jwk).ok_or(call.nonsense(self.provider, "the KEK's public key"))?;
        let download = Download::fetched(spki);
        Ok(if wish.target.contains_key("kid") { download } else { download.with_name("kid", &kid) })
    }

    fn import(&self, package: &Package, _: Option<&str>) -> Result<Taken, OnlineError> {
        let request = package.request();
        let base = address(self.provider, &self.reach, request.target())?;
        if of_kid(request.field("kid")).is_none_or(|(of, _)| of != base) {
            return Err(self.other_vault(request.field("kid"), &base));
        }
        let name = request.field("key");
        let place = format!("{base}/keys/{name}");
        let mark = hex(&package.digest());
        let versions = self.versions(&base, name)?;
        if let Some((id, _)) = versions.iter().find(|(_, tag)| tag.as_deref() == Some(mark.as_str())) {
            return Ok(Taken { id: Some(id.kid(&base)), answer: None, already: true });
        }
        // A version that is lost is lost with its key: one that is there is another.
        if request.purpose() != Purpose::Version && !versions.is_empty() {
            return Err(OnlineError::State {
                place,
                found: "holds another key already".to_owned(),
                wanted: "make a request with `--as version`, or with another name".to_owned(),
            });
        }
        let (kty, crv, ops) = kind_there(request.kind());
        let file = package.files().get("wrapped.byok").cloned();
        let wanted = ImportKeyParameters {
            hsm: Some(true),
            key: Some(JsonWebKey {
                kty: Some(kty),
                crv,
                key_ops: Some(ops.iter().map(|op| (*op).to_owned()).collect()),
                t: file,
                ..Default::default()
            }),
            tags: Some(HashMap::from([(TAG.to_owned(), mark)])),
            ..Default::default()
        };
        let client = self.client(&base)?;
        let import =
            async { client.import_key(name, RequestContent::try_from(wanted)?, None).await?.into_model() };
        let call = Call::changes("ImportKey");
        let key = self
            .ask(call, &place, import)?
            .key
            .ok_or(call.unsure(self.provider, "its reply names no key"))?;
        let answer = match package.facts().proof.kind {
            ProofKind::PublicKey => public(&key).map(Answer::PublicKey),
            _ => None,
        };
        Ok(Taken { id: key.kid, answer, already: false })
    }

    fn prove(&self, package: &Package, taken: &Taken) -> Result<Answer, OnlineError> {
        let base = address(self.provider, &self.reach, package.request().target())?;
        let kid = taken.id.as_deref().unwrap_or_default();
        let (_, id) =
            of_kid(kid).filter(|(of, _)| *of == base).ok_or_else(|| self.other_vault(kid, &base))?;
        self.answer(&base, package, &id)
    }

    fn activate(&self, _: &At) -> Result<Option<String>, OnlineError> {
        // The version that was imported last is the one that is used.
        Ok(None)
    }

    fn report(&self, at: &At) -> Result<Reported, OnlineError> {
        let base = address(self.provider, &self.reach, &at.target)?;
        let id = self.meant(&base, at)?;
        let key = match self.key(&base, &id) {
            Err(error) if deleted(&error) => return self.reported_deleted(&base, &id),
            other => other?,
        };
        let attributes = key.attributes.unwrap_or_default();
        let enabled = attributes.enabled != Some(false);
        Ok(Reported {
            state: if enabled { KeyState::Enabled } else { KeyState::Disabled },
            said: if enabled { "enabled" } else { "not enabled" }.to_owned(),
            id: key.key.as_ref().and_then(|jwk| jwk.kid.clone()),
            expires: moment(attributes.expires),
            deletion: None,
            evidence: match at.proof {
                ProofKind::PublicKey => key.key.as_ref().and_then(public).map(|spki| hex(&sha256(&[&spki]))),
                _ => None,
            },
            current: None,
            leaves: false,
        })
    }

    fn stop(&self, at: &At, how: Stop) -> Result<Reported, OnlineError> {
        let base = address(self.provider, &self.reach, &at.target)?;
        let id = self.meant(&base, at)?;
        let place = format!("{base}/keys/{}", id.name);
        let steps = Steps::default();
        match how {
            // A key that is deleted: without a version the call would mean the newest.
            Stop::Disable if id.version.is_empty() => {}
            Stop::Disable => {
                let client = self.client(&base)?;
                let attributes = KeyAttributes { enabled: Some(false), ..Default::default() };
                let wanted =
                    UpdateKeyPropertiesParameters { key_attributes: Some(attributes), ..Default::default() };
                let options = KeyClientUpdateKeyPropertiesOptions {
                    key_version: Some(id.version.clone()),
                    ..Default::default()
                };
                let update = async {
                    let wanted = RequestContent::try_from(wanted)?;
                    client.update_key_properties(&id.name, wanted, Some(options)).await.map(drop)
                };
                steps.step(self.ask(Call::changes("UpdateKey"), &place, update))?;
            }
            // Azure deletes a key with all of its versions, so one version goes alone only if it is alone.
            Stop::Delete => {
                let others = self.among(&base, &id)?;
                if others > 0 {
                    return Err(OnlineError::State {
                        place,
                        found: format!(
                            "has {others} more versions, and Azure deletes a key with all of them"
                        ),
                        wanted: "disable this version, or destroy the whole key".to_owned(),
                    });
                }
                steps.step(self.destroyed(&base, &id, false))?;
            }
            Stop::Destroy { days: None | Some(0) } => {
                self.among(&base, &id)?;
                steps.step(self.destroyed(&base, &id, how == Stop::Destroy { days: Some(0) }))?;
            }
            Stop::Destroy { days: Some(_) } => {
                return Err(OnlineError::Settings {
                    provider: self.provider,
                    what: "how long a deleted key can be recovered is set for the vault: give no days, or 0 to purge it at once".to_owned(),
                });
            }
        }
        // Without a version that is known, the log's own words are looked for again.
        let id = Some(id).filter(|id| !id.version.is_empty()).map(|id| id.kid(&base));
        steps.look(self.report(&At { id: id.or_else(|| at.id.clone()), ..at.clone() }))
    }
}
