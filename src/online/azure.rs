//! Azure Key Vault and Managed HSM by their official client: a KEK that only imports, a `.byok` file, its public key.
//!
//! What is imported carries the package's digest as a tag, so that an earlier run's version is found by it. The client
//! speaks through our own HTTPS call (`http`), so certificates and time limits are ours; it retries nothing.
//! Credentials by Azure's usual chain: a client secret or a federated token in the environment, the machine's
//! own identity where it is named, the `az` that somebody logged in to.

use super::http::Call;
use super::runtime::Runtime;
use super::{At, OnlineError, Reach, Reported, Service, Stop, Taken, Wish};
use crate::provider::{Answer, Download, Package, ProofKind, Provider, Purpose};
use crate::wire::text::{from_base64, from_hex, hex};
use crate::wire::time::Timestamp;
use azure_core::http::RequestContent;
use azure_security_keyvault_keys::KeyClient;
use azure_security_keyvault_keys::models::{
    CreateKeyParameters, EncryptionAlgorithm, ImportKeyParameters, JsonWebKey, Key, KeyClientGetKeyOptions,
    KeyOperation, KeyOperationParameters, KeyType,
};
use core::cell::OnceCell;
use futures_util::TryStreamExt as _;
use jwk::{kind_there, public};
use std::collections::HashMap;
use vault::{KeyId, address, of_kid};

mod client;
mod credentials;
mod end;
mod jwk;
mod meant;
mod vault;

/// The tag that an imported version carries: the digest of its package.
const TAG: &str = "quorate-package";
/// The name of a KEK that is made when none is named; its size stands behind it.
const KEK: &str = "quorate-kek";

/// The most pages of a list that are read; Azure's have 25 entries.
const PAGES: usize = 100;

/// A version of a key, in a list.
struct Version {
    id: KeyId,
    /// The digest of the package that it was imported from.
    package: Option<String>,
    enabled: bool,
}

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
        let failed = |error| client::failure(self.provider, &error, (call, self.reach.timeout), place);
        self.waited(call, future)?.map_err(failed)
    }

    /// Waits for one call; the outer error says that no answer came in time.
    fn waited<T>(&self, call: Call, future: impl Future<Output = T>) -> Result<T, OnlineError> {
        // A challenge, a token and the call itself, each within the limit of its own.
        let limit = self.reach.timeout.saturating_mul(4);
        self.runtime.wait(limit, future).map_err(|_| call.silent(self.provider, limit))
    }

    fn key(&self, base: &str, id: &KeyId) -> Result<Key, OnlineError> {
        let client = self.client(base)?;
        let version = (!id.version.is_empty()).then(|| id.version.clone());
        let options = KeyClientGetKeyOptions { key_version: version, ..Default::default() };
        let get = async { client.get_key(&id.name, Some(options)).await?.into_model() };
        self.ask(Call::reads("GetKey"), &format!("{base}/keys/{}/{}", id.name, id.version), get)
    }

    /// The versions of a key.
    fn versions(&self, base: &str, name: &str) -> Result<Vec<Version>, OnlineError> {
        let client = self.client(base)?;
        // Our transport answers at once, so that no clock runs beside it: what never ends is counted.
        let list = async {
            let mut pages = client.list_key_properties_versions(name, None)?.into_pages();
            let mut found = Vec::new();
            for _ in 0..PAGES {
                let Some(page) = pages.try_next().await? else { return Ok(Some(found)) };
                for item in page.into_model()?.value {
                    let package = item.tags.and_then(|mut tags| tags.remove(TAG));
                    let enabled = item.attributes.is_none_or(|one| one.enabled != Some(false));
                    if let Some((_, id)) = item.kid.as_deref().and_then(of_kid) {
                        found.push(Version { id, package, enabled });
                    }
                }
            }
            Ok(None)
        };
        let call = Call::reads("GetKeyVersions");
        match self.ask(call, &format!("{base}/keys/{name}"), list) {
            Err(OnlineError::NoPlace { .. }) => Ok(Vec::new()),
            found => found?.ok_or(call.nonsense(self.provider, "an end of the list")),
        }
    }
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
        let place = format!("{base}/keys/{}", id.name);
        let waited = (call, self.reach.timeout);
        let failed = |error| client::undecrypted(self.provider, &error, waited, &place);
        let reply = self.waited(call, decrypt)?.map_err(failed)?;
        Ok(Answer::Reply(reply.result.ok_or(call.nonsense(self.provider, "a plaintext"))?))
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
        if let Some(found) = versions.iter().find(|one| one.package.as_deref() == Some(mark.as_str())) {
            if found.enabled {
                return Ok(Taken { id: Some(found.id.kid(&base)), answer: None, already: true });
            }
            return Err(OnlineError::State {
                place: found.id.kid(&base),
                found: "was imported from this package, and is disabled".to_owned(),
                wanted: "enable it, so that it is in use as the log will say".to_owned(),
            });
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
        self.reported(&address(self.provider, &self.reach, &at.target)?, at)
    }

    fn stop(&self, at: &At, how: Stop) -> Result<Reported, OnlineError> {
        self.stopped(&address(self.provider, &self.reach, &at.target)?, at, how)
    }
}
