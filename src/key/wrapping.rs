//! A wrapping key: the RSA public key of an HSM or a provider, which a key is sent to by OAEP.
//!
//! In: SubjectPublicKeyInfo (RFC 5280) in DER or PEM, as every service hands it out. Out: its size, its
//! fingerprint, and RSAES-OAEP (RFC 8017, section 7.1) with an empty label and the same hash in OAEP
//! and in MGF1: Java's default of two different ones is refused by every service with nothing but
//! "decryption error". A public key proves nothing of whose it is: people compare the fingerprint.
//!
//! RSA-2048, -3072 and -4096 with the exponent 65537, and nothing else: no service uses another, and
//! a small exponent or an odd size is a sign of an exchanged key.

use super::der::{BITS, Der, INTEGER, NULL, NotDer, OID, SEQUENCE};
use super::pem;
use crate::primitive::hash::{Sha1, Sha256Type, Sha384Type, Sha512Type, sha256};
use crate::primitive::random::Entropy;
use ::rsa::traits::PublicKeyParts;
use ::rsa::{BoxedUint, PublicKey};
use core::fmt;

/// 1.2.840.113549.1.1.1, rsaEncryption.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 65537.
const EXPONENT: &[u8] = &[1, 0, 1];
/// The longest file that is read.
const LONGEST: usize = 64 * 1024;

/// The hash of OAEP and of its mask generation function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OaepHash {
    /// SHA-1: not broken in OAEP, and all that some services and old tokens have.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl OaepHash {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// Its length in bytes.
    #[must_use]
    pub const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Its name: `SHA-256`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }
}

impl fmt::Display for OaepHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a file is no wrapping key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WrappingKeyError {
    /// Longer than any public key.
    #[error("the file is longer than {LONGEST} bytes: give the wrapping key alone, in PEM or DER")]
    TooLong,
    /// A private key.
    #[error("this is a private key: give the public one")]
    Private,
    /// A certificate.
    #[error("this is a certificate: give the public key in it (`openssl x509 -pubkey -noout`)")]
    Certificate,
    /// PEM without a public key, or with more than one block.
    #[error("the PEM file does not hold one public key (BEGIN PUBLIC KEY)")]
    Pem,
    /// Not a SubjectPublicKeyInfo in DER.
    #[error("this is no public key in DER (SubjectPublicKeyInfo)")]
    Der,
    /// A key of another algorithm.
    #[error("this is no RSA key: services wrap keys under RSA")]
    Algorithm,
    /// A size that isn't used.
    #[error("the wrapping key has {bits} bits: services use 2048, 3072 or 4096")]
    Size {
        /// Its size.
        bits: usize,
    },
    /// An exponent that isn't used.
    #[error("the wrapping key has an exponent other than 65537, which no service uses: it may be exchanged")]
    Exponent,
    /// The modulus can't be one.
    #[error("the modulus of the wrapping key is even: it is damaged or exchanged")]
    Modulus,
}

impl From<NotDer> for WrappingKeyError {
    fn from(_: NotDer) -> Self {
        Self::Der
    }
}

/// Why nothing was encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptError {
    /// More than OAEP takes.
    #[error(
        "{found} bytes are too long for OAEP with {hash} under {bits} bits, which takes {longest}: wrap a key of AES with it, and this key under that one"
    )]
    TooLong {
        /// How many bytes were given.
        found: usize,
        /// How many it takes.
        longest: usize,
        /// The size of the wrapping key.
        bits: usize,
        /// The hash.
        hash: OaepHash,
    },
    /// No randomness, or the computation failed.
    #[error("the key could not be encrypted: the system gave no randomness")]
    Failed,
}

/// A public key that keys are wrapped under.
#[derive(Clone)]
pub struct WrappingKey {
    key: PublicKey,
    spki: Vec<u8>,
    bits: usize,
}

impl WrappingKey {
    /// Reads PEM or DER.
    ///
    /// # Errors
    /// [`WrappingKeyError`].
    pub fn read(file: &[u8]) -> Result<Self, WrappingKeyError> {
        if file.len() > LONGEST {
            return Err(WrappingKeyError::TooLong);
        }
        if !pem::is_pem(file) {
            return Self::from_spki(file);
        }
        let blocks = pem::blocks(file).map_err(|_| WrappingKeyError::Pem)?;
        match blocks.as_slice() {
            [block] if block.label == "PUBLIC KEY" => Self::from_spki(block.bytes.expose()),
            [block] if block.label.ends_with("PRIVATE KEY") => Err(WrappingKeyError::Private),
            [block] if block.label == "CERTIFICATE" => Err(WrappingKeyError::Certificate),
            _ => Err(WrappingKeyError::Pem),
        }
    }

    /// Reads a SubjectPublicKeyInfo in DER, which must be in its one form.
    ///
    /// # Errors
    /// [`WrappingKeyError`].
    pub fn from_spki(der: &[u8]) -> Result<Self, WrappingKeyError> {
        let mut outer = Der::new(der);
        let mut info = outer.inside(SEQUENCE)?;
        outer.finish()?;
        // PKCS#8, PKCS#1 and SEC1 private keys begin with a version.
        if info.next() == Some(INTEGER) {
            return Err(WrappingKeyError::Private);
        }
        let mut algorithm = info.inside(SEQUENCE)?;
        if algorithm.take(OID)? != RSA {
            return Err(WrappingKeyError::Algorithm);
        }
        if !algorithm.take(NULL)?.is_empty() {
            return Err(WrappingKeyError::Der);
        }
        algorithm.finish()?;
        let bytes = info.whole_bits(BITS)?;
        info.finish()?;
        let mut outer = Der::new(bytes);
        let mut numbers = outer.inside(SEQUENCE)?;
        outer.finish()?;
        let (modulus, exponent) = (numbers.magnitude()?, numbers.magnitude()?);
        numbers.finish()?;
        let zeros = modulus.first().map_or(0, |first| first.leading_zeros());
        let zeros = usize::try_from(zeros).unwrap_or(0);
        let bits = modulus.len().saturating_mul(8).saturating_sub(zeros);
        if !matches!(bits, 2048 | 3072 | 4096) {
            return Err(WrappingKeyError::Size { bits });
        }
        if exponent != EXPONENT {
            return Err(WrappingKeyError::Exponent);
        }
        let number = |bytes: &[u8], bits: usize| {
            let bits = u32::try_from(bits).map_err(|_| WrappingKeyError::Der)?;
            BoxedUint::from_be_slice(bytes, bits).map_err(|_| WrappingKeyError::Der)
        };
        let key = PublicKey::new(number(modulus, bits)?, number(exponent, 32)?);
        let key = key.map_err(|_| WrappingKeyError::Modulus)?;
        Ok(Self { key, spki: der.to_vec(), bits })
    }

    /// Its size in bits: 2048, 3072 or 4096.
    #[must_use]
    pub const fn bits(&self) -> usize {
        self.bits
    }

    /// Its SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of its SubjectPublicKeyInfo: what is compared on both sides of an air gap.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&[&self.spki])
    }

    /// How many bytes OAEP takes with `hash`: the size in bytes, less two hashes and 2.
    #[must_use]
    pub const fn longest(&self, hash: OaepHash) -> usize {
        (self.bits >> 3).saturating_sub(hash.length() << 1).saturating_sub(2)
    }

    /// RSAES-OAEP of `message`; the ciphertext is as long as the modulus.
    ///
    /// # Errors
    /// [`EncryptError`].
    pub fn encrypt(
        &self,
        hash: OaepHash,
        message: &[u8],
        entropy: &mut Entropy,
    ) -> Result<Vec<u8>, EncryptError> {
        let longest = self.longest(hash);
        if message.len() > longest {
            return Err(EncryptError::TooLong { found: message.len(), longest, bits: self.bits, hash });
        }
        let mut draws = entropy.draws().map_err(|_| EncryptError::Failed)?;
        let (key, draw) = (&self.key, &mut draws);
        let sent = match hash {
            OaepHash::Sha1 => key.oaep_encrypt_with_rng::<Sha1, _>(draw, message),
            OaepHash::Sha256 => key.oaep_encrypt_with_rng::<Sha256Type, _>(draw, message),
            OaepHash::Sha384 => key.oaep_encrypt_with_rng::<Sha384Type, _>(draw, message),
            OaepHash::Sha512 => key.oaep_encrypt_with_rng::<Sha512Type, _>(draw, message),
        };
        let sent = sent.map_err(|_| EncryptError::Failed)?;
        if draws.failed() || sent.len() != self.key.size() { Err(EncryptError::Failed) } else { Ok(sent) }
    }
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappingKey(RSA-{})", self.bits)
    }
}

#[cfg(test)]
mod tests;
