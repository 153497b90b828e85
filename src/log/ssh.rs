//! The keys of operators: public keys of OpenSSH, and what such a key has signed.
//!
//! In: a line of a `.pub` file, the bytes of a public key (RFC 4253 section 6.6, RFC 5656, RFC 8709,
//! OpenSSH's PROTOCOL.u2f), a signature of `ssh-keygen -Y sign` (OpenSSH's PROTOCOL.sshsig).
//! Out: whether a signature is that of a message, the fingerprint that `ssh-keygen -l` shows, and the
//! same signature as a stock verifier reads it. Every reader is total: any bytes, no panic.
//!
//! It signs nothing: private keys stay with `ssh-keygen`, an agent or a hardware key. That a hardware
//! key was touched is not asked, as `ssh-keygen -Y verify` doesn't either.

use crate::key::{KeyKind, PublicKey, PublicKeyError, RsaHash};
use crate::primitive::hash::sha256;
use crate::wire::{Reader, WireError, text};
use core::fmt;

mod envelope;
pub use envelope::{armor, read_signature};

/// What the signatures of operators are for, so that none made for another purpose fits.
pub const NAMESPACE: &str = "quorate-log@v1";
/// What errors call a public key.
const KEY: &str = "the SSH key";
/// What errors call a signature.
const SIGNATURE: &str = "the SSH signature";
/// The longest public key or signature in bytes: those of RSA with 4096 bits and much room.
const LONGEST: usize = 4096;

/// Why bytes are no key of an operator, or no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SshError {
    /// Not a line of a public key.
    #[error("this is no SSH public key: give the `.pub` file, one line that begins with ssh- or ecdsa-")]
    Line,
    /// A private key.
    #[error("this is a private key: give the `.pub` file beside it")]
    Private,
    /// Fields that don't fit.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A kind of key that operators can't have.
    #[error(
        "the kind of this SSH key is not taken ({found}): use ssh-ed25519, ecdsa-sha2-nistp256, a hardware key (sk-) or RSA of 2048, 3072 or 4096 bits"
    )]
    Kind {
        /// The kind, cut to 40 characters.
        found: String,
    },
    /// Numbers that make no key.
    #[error(transparent)]
    Numbers(#[from] PublicKeyError),
    /// Not the armour of a signature.
    #[error("this is no SSH signature as `ssh-keygen -Y sign` writes it")]
    Armour,
    /// A signature with another hash than SHA-512.
    #[error("the SSH signature was made with another hash than SHA-512")]
    Hash,
    /// A signature for another purpose.
    #[error("the SSH signature was made for another purpose (namespace)")]
    Namespace,
    /// A signature by another key.
    #[error("the SSH signature was made with another key")]
    OtherKey,
    /// A signature that isn't one of the message.
    #[error("the SSH signature is not one of this message")]
    Wrong,
}

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Ed25519,
    Ecdsa { width: usize },
    Rsa,
}

/// The public key of an operator.
#[derive(Clone)]
pub struct SshKey {
    name: &'static str,
    scheme: Scheme,
    /// The application of a hardware key.
    application: Option<Vec<u8>>,
    key: PublicKey,
    bytes: Vec<u8>,
}

/// SHA-256 of a public key: `SHA256:` and base64 without padding, as `ssh-keygen -l` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SshFingerprint([u8; 32]);

/// A kind of key: the name, the curve by its name and kind, how it signs, whether hardware holds it.
type Kind = (&'static str, Option<(&'static str, KeyKind)>, Scheme, bool);
const KINDS: [Kind; 7] = [
    ("ssh-ed25519", None, Scheme::Ed25519, false),
    ("sk-ssh-ed25519@openssh.com", None, Scheme::Ed25519, true),
    ("ecdsa-sha2-nistp256", Some(("nistp256", KeyKind::EcP256)), Scheme::Ecdsa { width: 32 }, false),
    ("ecdsa-sha2-nistp384", Some(("nistp384", KeyKind::EcP384)), Scheme::Ecdsa { width: 48 }, false),
    ("ecdsa-sha2-nistp521", Some(("nistp521", KeyKind::EcP521)), Scheme::Ecdsa { width: 66 }, false),
    (
        "sk-ecdsa-sha2-nistp256@openssh.com",
        Some(("nistp256", KeyKind::EcP256)),
        Scheme::Ecdsa { width: 32 },
        true,
    ),
    ("ssh-rsa", None, Scheme::Rsa, false),
];

impl SshKey {
    /// Reads the line of a `.pub` file; its comment is dropped.
    ///
    /// # Errors
    /// [`SshError`].
    pub fn from_line(line: &str) -> Result<Self, SshError> {
        if line.contains("PRIVATE KEY") {
            return Err(SshError::Private);
        }
        let mut lines = line.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (Some(line), None) = (lines.next(), lines.next()) else { return Err(SshError::Line) };
        let mut words = line.split_ascii_whitespace();
        let (Some(name), Some(bytes)) = (words.next(), words.next()) else { return Err(SshError::Line) };
        if bytes.len() > LONGEST {
            return Err(SshError::Line);
        }
        let key = Self::from_bytes(&text::from_base64(bytes).ok_or(SshError::Line)?)?;
        if key.name == name { Ok(key) } else { Err(SshError::Line) }
    }

    /// Reads the bytes of a public key.
    ///
    /// # Errors
    /// [`SshError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SshError> {
        let mut reader = Reader::new(KEY, bytes);
        let found = string(&mut reader, "kind")?;
        let known = KINDS.into_iter().find(|(name, ..)| name.as_bytes() == found);
        let (name, curve, scheme, is_hardware) = known.ok_or_else(|| SshError::Kind {
            found: String::from_utf8_lossy(found).chars().take(40).collect(),
        })?;
        let key = match (scheme, curve) {
            (Scheme::Ed25519, _) => PublicKey::ed25519(string(&mut reader, "key")?)?,
            (Scheme::Rsa, _) => {
                let exponent = magnitude(string(&mut reader, "exponent")?, KEY, "exponent")?;
                let modulus = magnitude(string(&mut reader, "modulus")?, KEY, "modulus")?;
                PublicKey::rsa(modulus, exponent)?
            }
            (Scheme::Ecdsa { .. }, Some((curve, kind))) => {
                if string(&mut reader, "curve")? != curve.as_bytes() {
                    return Err(reader.refuse("curve").into());
                }
                PublicKey::ec(kind, string(&mut reader, "point")?)?
            }
            (Scheme::Ecdsa { .. }, None) => return Err(reader.refuse("curve").into()),
        };
        let application = if is_hardware { Some(string(&mut reader, "application")?.to_vec()) } else { None };
        reader.finish()?;
        Ok(Self { name, scheme, application, key, bytes: bytes.to_vec() })
    }

    /// The bytes of the public key.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The name of its kind, as the first word of its line.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.name
    }

    /// Whether the private key is in a FIDO security key.
    #[must_use]
    pub const fn is_hardware(&self) -> bool {
        self.application.is_some()
    }

    /// The fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> SshFingerprint {
        SshFingerprint(sha256(&[&self.bytes]))
    }

    /// Whether `signature` (the inner one, without its envelope) is that of `message` for `namespace`.
    #[must_use]
    pub fn has_signed(&self, namespace: &str, message: &[u8], signature: &[u8]) -> bool {
        self.check(&envelope::signed_data(namespace, message), signature).unwrap_or(false)
    }

    fn check(&self, data: &[u8], signature: &[u8]) -> Result<bool, WireError> {
        let mut reader = Reader::new(SIGNATURE, signature);
        let algorithm = string(&mut reader, "algorithm")?;
        let bytes = string(&mut reader, "bytes")?;
        let hash = match (self.scheme, algorithm) {
            (Scheme::Rsa, b"rsa-sha2-512") => RsaHash::Sha512,
            (Scheme::Rsa, b"rsa-sha2-256") => RsaHash::Sha256,
            (Scheme::Rsa, _) => return Err(reader.refuse("algorithm")),
            (_, name) if name == self.name.as_bytes() => RsaHash::Sha512,
            _ => return Err(reader.refuse("algorithm")),
        };
        // What a hardware key signs says what it was for, whether it was touched, and how often it signed.
        let hardware = match &self.application {
            None => None,
            Some(application) => {
                let (flags, counter) = (reader.u8("flags")?, reader.array::<4>("counter")?);
                Some([&sha256(&[application])[..], &[flags], &counter, &sha256(&[data])].concat())
            }
        };
        reader.finish()?;
        let data = hardware.as_deref().unwrap_or(data);
        Ok(match self.scheme {
            Scheme::Ed25519 => self.key.verify(data, bytes),
            Scheme::Rsa => self.key.verify_rsa(hash, data, bytes),
            Scheme::Ecdsa { width } => self.key.verify(data, &plain(bytes, width)?),
        })
    }
}

/// The next string: four bytes of length, then that many.
fn string<'a>(reader: &mut Reader<'a>, field: &'static str) -> Result<&'a [u8], WireError> {
    let length = u32::from_be_bytes(reader.array(field)?);
    reader.take(field, usize::try_from(length).map_err(|_| reader.refuse(field))?)
}

/// The number in an `mpint` (RFC 4251 section 5) that isn't negative, in its shortest form.
fn magnitude<'a>(
    bytes: &'a [u8],
    artefact: &'static str,
    field: &'static str,
) -> Result<&'a [u8], WireError> {
    match bytes {
        [0, rest @ ..] if rest.first().is_some_and(|byte| *byte >= 0x80) => Ok(rest),
        [0 | 0x80..=0xff, ..] => Err(WireError::Value { artefact, field }),
        bytes => Ok(bytes),
    }
}

/// The numbers of an ECDSA signature one after the other, each `width` bytes long.
fn plain(bytes: &[u8], width: usize) -> Result<Vec<u8>, WireError> {
    let mut reader = Reader::new(SIGNATURE, bytes);
    let mut plain = Vec::with_capacity(width.saturating_mul(2));
    for field in ["r", "s"] {
        let number = magnitude(string(&mut reader, field)?, SIGNATURE, field)?;
        let zeros = width.checked_sub(number.len()).ok_or_else(|| reader.refuse(field))?;
        plain.resize(plain.len().saturating_add(zeros), 0);
        plain.extend_from_slice(number);
    }
    reader.finish()?;
    Ok(plain)
}

impl PartialEq for SshKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for SshKey {}

impl fmt::Debug for SshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The line of a `.pub` file without a comment.
impl fmt::Display for SshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, text::base64(&self.bytes))
    }
}

impl SshFingerprint {
    /// Reads the form that [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(printed: &str) -> Option<Self> {
        let base64 = printed.strip_prefix("SHA256:").filter(|base64| base64.len() == 43)?;
        text::from_base64(&format!("{base64}="))?.try_into().ok().map(Self)
    }
}

impl fmt::Display for SshFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", text::base64(&self.0).trim_end_matches('='))
    }
}

#[cfg(test)]
mod tests;
