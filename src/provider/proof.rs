//! What proves that a provider holds the key: asked when the package is made, answered after the import.
//!
//! While the key is in memory a question is made that only this key answers: a ciphertext to decrypt, a
//! message to authenticate, the public key. The package carries the question; of the answer it carries
//! the SHA-256 alone, and the answer has at least 28 bytes that nobody guesses. So the import is proven
//! later, by whoever has the provider's reply, without the key and without custodians. Where a provider
//! offers nothing of the kind, its own statement is recorded, and called that.

use super::download::base64;
use super::{Provider, Purpose, Request, RequestError, gcp};
use crate::key::{KeyMaterial, PublicKey};
use crate::primitive::gcm::{cbc, gcm};
use crate::primitive::hash::{hmac, sha256};
use crate::primitive::random::Entropy;
use crate::wire::foreign::Value;
use crate::wire::json::{Fields, Json, JsonError, object};
use crate::wire::text::{self, hex};

/// The length in bytes of a question, and of a plaintext that is asked for.
const QUESTION: usize = 32;

/// What a provider offers as a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProofKind {
    /// The public key that it shows.
    PublicKey,
    /// It decrypts what only the key decrypts.
    Decrypt,
    /// It authenticates a message as only the key does.
    Mac,
    /// An id that it computes from the material, and compares at every later import.
    MaterialId,
    /// It checks a value that only the key gives, when it imports.
    AtImport,
    /// Nothing but that it took the blob.
    Statement,
}

impl ProofKind {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::PublicKey, Self::Decrypt, Self::Mac, Self::MaterialId, Self::AtImport, Self::Statement];

    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PublicKey => "public-key",
            Self::Decrypt => "decrypt",
            Self::Mac => "mac",
            Self::MaterialId => "material-id",
            Self::AtImport => "at-import",
            Self::Statement => "statement",
        }
    }

    /// What it proves, for people.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::PublicKey => "the public key that the provider shows is the key's",
            Self::Decrypt => "the provider decrypts a challenge that only this key decrypts",
            Self::Mac => "the provider authenticates a challenge as only this key does",
            Self::MaterialId => {
                "the provider names the material by an id that it compares at every later import"
            }
            Self::AtImport => "the provider checks, as it imports, a value that only this key gives",
            Self::Statement => "the provider offers no proof: only that it took the blob is recorded",
        }
    }

    /// The record's name back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A proof that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Of which kind.
    pub kind: ProofKind,
    /// SHA-256 of the answer, where it is known beforehand.
    pub answer: Option<[u8; 32]>,
}

/// What the provider replied.
#[derive(Debug)]
pub enum Answer {
    /// A file with a public key.
    PublicKey(Vec<u8>),
    /// A file with a plaintext or an authentication code: its bytes, or base64 of them.
    Reply(Vec<u8>),
    /// The id of the material.
    MaterialId(String),
    /// What it returned: an id or a name.
    Statement(String),
}

/// Why a proof fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// Another key.
    #[error(
        "the provider's {what} is not that of the key: it holds another key, or this is the answer to another package"
    )]
    Other {
        /// What was compared.
        what: &'static str,
    },
    /// An answer of another kind than the one that was asked for.
    #[error("this package is proven by another answer: give {wanted}")]
    Wrong {
        /// The argument.
        wanted: &'static str,
    },
    /// Not readable as such.
    #[error("the answer can't be read: give {wanted}")]
    Unreadable {
        /// What it should be.
        wanted: &'static str,
    },
}

/// A file of a package that carries a question: its name and its bytes.
pub(super) type Question = (&'static str, Vec<u8>);

impl Proof {
    /// Makes the question of a package, and the files that carry it.
    pub(super) fn ask(
        request: &Request,
        material: &KeyMaterial,
        entropy: &mut Entropy,
    ) -> Result<(Self, Vec<Question>), RequestError> {
        let provider = request.provider();
        let kind = Self::of(request);
        let none = RequestError::Proof { provider };
        let key = material.bytes().expose();
        let mut files = Vec::new();
        let answer = match kind {
            ProofKind::PublicKey => Some(material.spki_sha256().ok_or(none)?),
            ProofKind::Decrypt => {
                let fill = |entropy: &mut Entropy| entropy.public::<QUESTION>();
                let plain = fill(entropy).map_err(|_| none.clone())?;
                files = encrypted(request, key, &plain, entropy).ok_or(none)?;
                Some(sha256(&[&plain]))
            }
            ProofKind::Mac => {
                let message: [u8; QUESTION] = entropy.public().map_err(|_| none.clone())?;
                let length = material.kind().symmetric_length().ok_or(none.clone())?;
                let code = hmac(length, key, &message).ok_or(none)?;
                match provider {
                    Provider::OpenBao => files.push(("challenge.txt", text::base64(&message).into_bytes())),
                    _ => files.push(("challenge.bin", message.to_vec())),
                }
                Some(sha256(&[&code]))
            }
            ProofKind::MaterialId | ProofKind::AtImport | ProofKind::Statement => None,
        };
        Ok((Self { kind, answer }, files))
    }

    /// What proves the import that a request asks for.
    pub(super) fn of(request: &Request) -> ProofKind {
        match request.provider() {
            Provider::Gcp => gcp::proof_of(request),
            provider => (provider.rules().proof)(request.kind()),
        }
    }

    /// The argument that brings the answer.
    #[must_use]
    pub const fn wanted(&self) -> &'static str {
        match self.kind {
            ProofKind::PublicKey => "--public-key FILE, the public key that the provider shows",
            ProofKind::Decrypt | ProofKind::Mac => "--answer FILE, the provider's reply to the challenge",
            ProofKind::MaterialId => "--material-id ID, as the provider shows it",
            ProofKind::AtImport | ProofKind::Statement => "--statement ID, what the provider returned",
        }
    }

    /// Compares an answer; the evidence for the log.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn check(&self, answer: &Answer) -> Result<String, ProofError> {
        let unreadable = ProofError::Unreadable { wanted: self.wanted() };
        match (self.kind, answer) {
            (ProofKind::PublicKey, Answer::PublicKey(file)) => {
                let found = public_keys(file);
                if found.is_empty() {
                    return Err(unreadable);
                }
                let wanted = self.answer.filter(|wanted| found.iter().any(|key| sha256(&[key]) == *wanted));
                wanted.map(|wanted| hex(&wanted)).ok_or(ProofError::Other { what: "public key" })
            }
            (ProofKind::Decrypt | ProofKind::Mac, Answer::Reply(file)) => {
                let matches = |bytes: &[u8]| self.answer == Some(sha256(&[bytes]));
                let decoded = || {
                    let text = core::str::from_utf8(file).ok()?.trim();
                    base64(text.rsplit(':').next()?)
                };
                if matches(file) || decoded().is_some_and(|bytes| matches(&bytes)) {
                    Ok(self.answer.map(|answer| hex(&answer)).unwrap_or_default())
                } else {
                    Err(ProofError::Other { what: "reply" })
                }
            }
            (ProofKind::MaterialId, Answer::MaterialId(id)) => {
                let hexadecimal = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
                if hexadecimal { Ok(id.to_ascii_lowercase()) } else { Err(unreadable) }
            }
            (ProofKind::AtImport | ProofKind::Statement, Answer::Statement(text)) => {
                if super::download::is_plain(text) {
                    Ok(text.clone())
                } else {
                    Err(unreadable)
                }
            }
            _ => Err(ProofError::Wrong { wanted: self.wanted() }),
        }
    }

    /// As it stands in a package.
    pub(super) fn json(&self) -> Json<'static> {
        object([
            ("answer", self.answer.map(|answer| Json::text(hex(&answer)))),
            ("method", Some(Json::text(self.kind.name()))),
        ])
    }

    pub(super) fn read(json: Json<'_>) -> Result<Self, JsonError> {
        let mut fields = Fields::of("the package's proof", json)?;
        let kind = fields.parsed("method", ProofKind::parse)?;
        let answer = match fields.optional_text("answer")? {
            None => None,
            Some(text) => Some(text::array_from_hex(&text).ok_or_else(|| fields.refuse("answer"))?),
        };
        if answer.is_some() != matches!(kind, ProofKind::PublicKey | ProofKind::Decrypt | ProofKind::Mac) {
            return Err(fields.refuse("answer"));
        }
        fields.finish()?;
        Ok(Self { kind, answer })
    }
}

/// A ciphertext that the provider is asked to decrypt, as its own tool takes it.
fn encrypted(request: &Request, key: &[u8], plain: &[u8], entropy: &mut Entropy) -> Option<Vec<Question>> {
    match request.provider() {
        // AES-CBC with PKCS#7 padding: what servers of both sorts have.
        provider @ (Provider::AzureHsm | Provider::Kmip) => {
            let iv: [u8; 16] = entropy.public().ok()?;
            let sent = cbc(key, &iv, plain)?;
            Some(if provider == Provider::Kmip {
                vec![("challenge-iv.bin", iv.to_vec()), ("challenge.bin", sent)]
            } else {
                vec![
                    ("challenge-iv.txt", hex(&iv).into_bytes()),
                    ("challenge.txt", text::base64(&sent).into_bytes()),
                ]
            })
        }
        provider => {
            let nonce: [u8; 12] = entropy.public().ok()?;
            let sent = gcm(key, &nonce, plain)?;
            if provider == Provider::Gcp {
                return Some(vec![("challenge-iv.bin", nonce.to_vec()), ("challenge.bin", sent)]);
            }
            let version = request.target().get("version").map_or("1", String::as_str);
            let blob = text::base64(&[&nonce[..], &sent].concat());
            Some(vec![("challenge.txt", format!("vault:v{version}:{blob}").into_bytes())])
        }
    }
}

/// SHA-256 of the SubjectPublicKeyInfo in a provider's file, in any form that it shows one.
#[must_use]
pub fn public_key_digest(file: &[u8]) -> Option<[u8; 32]> {
    Some(sha256(&[&public_key(file)?]))
}

/// The public keys in a file: one, or those of the versions that OpenBao lists.
fn public_keys(file: &[u8]) -> Vec<Vec<u8>> {
    match Value::read(file) {
        Some(Value::Object(versions)) => {
            let key = |(_, version): &(String, Value)| public_key(version.text(&["public_key"])?.as_bytes());
            versions.iter().filter_map(key).collect()
        }
        _ => public_key(file).into_iter().collect(),
    }
}

/// The SubjectPublicKeyInfo in a file: PEM, DER, base64 of DER, or an Ed25519 key in base64 (OpenBao).
fn public_key(file: &[u8]) -> Option<Vec<u8>> {
    if file.first() == Some(&0x30) && !file.is_ascii() {
        return Some(file.to_vec());
    }
    let text = core::str::from_utf8(file).ok()?.trim();
    let inside = match text.strip_prefix("-----BEGIN PUBLIC KEY-----") {
        Some(rest) => rest.strip_suffix("-----END PUBLIC KEY-----")?,
        None => text,
    };
    let bytes = base64(&inside.replace([' ', '\t'], ""))?;
    if bytes.len() == 32 { Some(PublicKey::ed25519(&bytes).ok()?.spki().to_vec()) } else { Some(bytes) }
}

/// Whether a request's purpose is a later version of a key that is there.
pub(super) const fn is_later(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Version)
}
