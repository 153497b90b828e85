//! Providers: what each key service takes when a key is brought to it, and how it is proven and destroyed.
//!
//! One file a provider, table-like: [`Rules`] with its import [`Method`]s (form, hash, sizes, kinds), the
//! encoding of the blob, how long a wrapping key lasts, what proves the import, and the exact commands. A
//! combination that a provider doesn't take is refused here, before anything is wrapped, with its rule.
//!
//! [`Request`] says what a key is wrapped for: made on the connected machine, checked in the ceremony.
//! [`Wrapped`] and [`Package`] are what comes out: public files to carry back. `policy` has the smallest
//! rights for each duty. Everything here is offline: files in, files out; nothing names a network.
//! Sources: the providers' documentation as surveyed in 2026-11. Normative: `docs/format.md`, Requests.

use crate::key::{KeyKind, OaepHash};
use crate::wrap::Form;
use core::fmt;
use core::str::FromStr;

mod alibaba;
mod aws;
mod azure;
mod download;
mod gcp;
mod ibm;
mod kmip;
mod oci;
mod openbao;
mod package;
mod place;
pub mod policy;
mod proof;
mod refusal;
mod request;
mod salesforce;
mod tencent;

use download::is_plain;
#[cfg(feature = "online")]
pub(crate) use download::moment;
pub use download::{Download, Target};
pub use gcp::google_algorithm;
#[cfg(feature = "online")]
pub(crate) use openbao::key_type as openbao_type;
pub use package::{Package, PackageError, PackageFacts, Subject, Wrapped};
pub use place::{apart, besides, may_be_one, whereabouts};
pub use proof::{Answer, Proof, ProofError, ProofKind, public_key_digest};
pub use refusal::RequestError;
pub use request::{Draft, Purpose, Request};

/// A key service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Provider {
    /// AWS KMS.
    Aws,
    /// Google Cloud KMS.
    Gcp,
    /// Azure Key Vault (Premium).
    Azure,
    /// Azure Managed HSM.
    AzureHsm,
    /// OpenBao or Vault, the transit engine.
    OpenBao,
    /// Oracle OCI Vault.
    Oci,
    /// IBM Key Protect.
    Ibm,
    /// IBM Hyper Protect Crypto Services.
    IbmHpcs,
    /// Alibaba Cloud KMS.
    Alibaba,
    /// Tencent Cloud KMS.
    Tencent,
    /// Salesforce Shield Platform Encryption.
    Salesforce,
    /// A KMIP server, by Register.
    Kmip,
}

/// One way of wrapping that a provider takes.
#[derive(Debug)]
pub struct Method {
    /// The provider's name for it.
    pub name: &'static str,
    /// Direct or hybrid.
    pub form: Form,
    /// The hash of OAEP and of its mask.
    pub hash: OaepHash,
    /// The sizes of wrapping keys, in bits.
    pub bits: &'static [usize],
    /// The kinds of keys that it is documented for.
    pub kinds: &'static [KeyKind],
}

/// How the blob is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envelope {
    /// Its bytes, `wrapped.bin`.
    Raw,
    /// One line of base64 without a line end, `wrapped.b64`.
    Base64,
    /// Azure's key transfer blob, `wrapped.byok`: JSON around base64url without padding.
    Byok,
    /// JSON for OCI's command line, `wrapped-import-key.json`.
    Oci,
    /// JSON as IBM's service takes it, `key.json`, and its parts.
    Ibm,
    /// Base64, and the SHA-256 of the key in base64, `hash.b64`.
    Hashed,
    /// A KMIP Register payload in TTLV, `register.ttlv`.
    Ttlv,
}

/// Whether a wrapping key of this provider ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// At a time that the download says.
    Ends,
    /// At a time that has to be given, when the download doesn't say it.
    EndsUnsaid,
    /// Never by itself.
    Lasts,
}

/// A field of a request's target.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Whether a request must have it.
    pub required: bool,
}

/// What a provider takes.
#[derive(Debug)]
pub struct Rules {
    /// Its name on the command line and in records.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Its import methods; the first that fits is the default.
    pub methods: &'static [Method],
    /// The encoding of the blob.
    pub envelope: Envelope,
    /// Whether the wrapping key ends.
    pub lifetime: Lifetime,
    /// Whether a token comes with each wrapping key.
    pub token: bool,
    /// How long it lasts, in words.
    pub lasts: &'static str,
    /// What a request has to say of the target.
    pub fields: &'static [Field],
    /// How the connected machine gets the wrapping key.
    pub fetch: &'static [&'static str],
    /// What proves that the imported key is the key.
    pub proof: fn(KeyKind) -> ProofKind,
    /// Reads the provider's own files.
    pub(crate) read: fn(&mut Download, &crate::wire::foreign::Value) -> Option<()>,
    /// The commands that import the package and show its proof.
    pub(crate) commands: fn(&Request, &Subject) -> Vec<String>,
    /// How an imported key is stopped.
    pub disable: &'static str,
    /// How it is destroyed there, and what that doesn't do.
    pub destroy: &'static str,
    /// What else a person has to know.
    pub notes: &'static [&'static str],
}

const SYMMETRIC: &[KeyKind] = &[KeyKind::Aes128, KeyKind::Aes256];
const AES_256: &[KeyKind] = &[KeyKind::Aes256];
const ALL_SIZES: &[usize] = &[2048, 3072, 4096];

/// A name that is no provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "that is no provider: the providers are aws, gcp, azure, azure-hsm, openbao, oci, ibm, ibm-hpcs, alibaba, tencent, salesforce and kmip"
)]
pub struct UnknownProvider;

impl Provider {
    /// Every one, in the order in which they are listed to people.
    pub const ALL: [Self; 12] = [
        Self::Aws,
        Self::Gcp,
        Self::Azure,
        Self::AzureHsm,
        Self::OpenBao,
        Self::Oci,
        Self::Ibm,
        Self::IbmHpcs,
        Self::Alibaba,
        Self::Tencent,
        Self::Salesforce,
        Self::Kmip,
    ];

    /// What it takes.
    #[must_use]
    pub const fn rules(self) -> &'static Rules {
        match self {
            Self::Aws => &aws::RULES,
            Self::Gcp => &gcp::RULES,
            Self::Azure => &azure::VAULT,
            Self::AzureHsm => &azure::HSM,
            Self::OpenBao => &openbao::RULES,
            Self::Oci => &oci::RULES,
            Self::Ibm => &ibm::KEY_PROTECT,
            Self::IbmHpcs => &ibm::HPCS,
            Self::Alibaba => &alibaba::RULES,
            Self::Tencent => &tencent::RULES,
            Self::Salesforce => &salesforce::RULES,
            Self::Kmip => &kmip::RULES,
        }
    }

    /// Its name on the command line and in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.rules().name
    }

    /// The kinds of keys that some method of it takes.
    #[must_use]
    pub fn kinds(self) -> Vec<KeyKind> {
        let taken = |kind: &KeyKind| self.rules().methods.iter().any(|method| method.kinds.contains(kind));
        KeyKind::ALL.into_iter().filter(taken).collect()
    }

    /// The method that wraps a key of `kind` under a wrapping key of `bits` bits: the one that is named,
    /// or the first that fits.
    ///
    /// # Errors
    /// [`RequestError`] with the provider's rule.
    pub fn method(
        self,
        kind: KeyKind,
        bits: usize,
        named: Option<&str>,
    ) -> Result<&'static Method, RequestError> {
        let methods = self.rules().methods;
        if let Some(named) = named {
            let unknown = || RequestError::Algorithm {
                provider: self,
                known: methods.iter().map(|method| method.name).collect::<Vec<_>>().join(", "),
            };
            let method = methods.iter().find(|method| method.name == named).ok_or_else(unknown)?;
            return method.check(self, kind, bits).map(|()| method);
        }
        let mut refused = RequestError::Kind { provider: self, kind, known: list(&self.kinds()) };
        for method in methods.iter().filter(|method| method.kinds.contains(&kind)) {
            match method.check(self, kind, bits) {
                Ok(()) => return Ok(method),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

impl Rules {
    /// Whether a token belongs to its wrapping keys.
    const fn needs_token(&self) -> bool {
        self.token
    }

    /// Whether a nonce does.
    const fn needs_nonce(&self) -> bool {
        matches!(self.envelope, Envelope::Ibm)
    }
}

impl Method {
    /// Whether a key of `kind` can be wrapped under a wrapping key of `bits` bits.
    ///
    /// # Errors
    /// [`RequestError`] with the provider's rule.
    pub fn check(&self, provider: Provider, kind: KeyKind, bits: usize) -> Result<(), RequestError> {
        if !provider.kinds().contains(&kind) {
            return Err(RequestError::Kind { provider, kind, known: list(&provider.kinds()) });
        }
        if !self.kinds.contains(&kind) {
            return Err(RequestError::KindOfMethod {
                provider,
                method: self.name,
                kind,
                known: list(self.kinds),
            });
        }
        if !self.bits.contains(&bits) {
            let known = self.bits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(RequestError::Size { provider, method: self.name, bits, known });
        }
        let longest = (bits >> 3).saturating_sub(self.hash.length() << 1).saturating_sub(2);
        match self.form {
            Form::Direct if length(kind) > longest => Err(RequestError::TooLong {
                provider,
                method: self.name,
                kind,
                found: length(kind),
                longest,
                bits,
            }),
            _ => Ok(()),
        }
    }
}

/// The provider's command that stops a key at `target`, or destroys it, in its own words; what isn't known of
/// the place stays in capitals.
#[must_use]
pub fn stop_words(provider: Provider, target: &Target, destroy: bool) -> String {
    let rules = provider.rules();
    let mut left = if destroy { rules.destroy } else { rules.disable };
    let mut words = String::new();
    // One pass: what a value holds is never taken for a name.
    while let Some(first) = left.chars().next() {
        let upper = |c: char| c.is_ascii_uppercase() || c == '-';
        let end = match first.is_ascii_uppercase() {
            true => left.find(|c| !upper(c)),
            false => left.find(|c: char| c.is_ascii_uppercase()),
        };
        let (part, rest) = left.split_at_checked(end.unwrap_or(left.len())).unwrap_or((left, ""));
        match (target.get(&part.to_ascii_lowercase()), target.get("mount")) {
            // People paste it into a shell.
            (Some(value), _) if first.is_ascii_uppercase() && is_plain(value) => words.push_str(value),
            (_, Some(mount)) if is_plain(mount) => {
                words.push_str(&part.replace("transit/", &format!("{mount}/")));
            }
            _ => words.push_str(part),
        }
        left = rest;
    }
    words
}

/// The most bytes that a key of `kind` has in its one encoding.
#[must_use]
pub fn length(kind: KeyKind) -> usize {
    match kind {
        KeyKind::EcP256 => 138,
        KeyKind::EcSecp256k1 => 135,
        KeyKind::EcP384 => 185,
        KeyKind::EcP521 => 241,
        KeyKind::Ed25519 => 48,
        KeyKind::Rsa2048 => 1219,
        KeyKind::Rsa3072 => 1796,
        KeyKind::Rsa4096 => 2376,
        kind => kind.symmetric_length().unwrap_or(crate::key::OPAQUE_LIMIT),
    }
}

fn list(kinds: &[KeyKind]) -> String {
    kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(name: &str) -> Result<Self, UnknownProvider> {
        Self::ALL.into_iter().find(|provider| provider.name() == name).ok_or(UnknownProvider)
    }
}

#[cfg(test)]
mod tests;
