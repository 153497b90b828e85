//! A public key that signatures are verified under: what a token, a provider or an operator signed.
//!
//! In: SubjectPublicKeyInfo (RFC 5280) in DER, as [`KeyMaterial::public_spki`](super::KeyMaterial::public_spki)
//! gives it, or the bare numbers of other encodings. Out: whether a signature is that of a message:
//! ECDSA with the hash that fits the curve (FIPS 186-5), Ed25519, RSA PKCS#1 v1.5 (RFC 8017, section 8.2).
//! It holds nothing secret and signs nothing.

use super::der::{self, BITS, Der, NULL, NotDer, OID, SEQUENCE};
use super::pkcs8::{EC_PUBLIC_KEY, ED25519, RSA};
use super::{KeyKind, ec};
use crate::primitive::ed25519;
use crate::primitive::hash::{Sha256Type, Sha512Type, sha256, sha384, sha512};
use ::rsa::BoxedUint;
use ::rsa::traits::PublicKeyParts as _;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;

/// Why bytes are no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// Not a SubjectPublicKeyInfo.
    #[error("this is no public key in DER (SubjectPublicKeyInfo)")]
    Der,
    /// A key of an algorithm or a size that isn't verified here.
    #[error("signatures are verified under EC, Ed25519 and RSA keys of 2048, 3072 and 4096 bits only")]
    Algorithm,
    /// A point that is not on its curve, or a modulus that is none.
    #[error("the numbers of the public key make no key")]
    Numbers,
}

impl From<NotDer> for PublicKeyError {
    fn from(_: NotDer) -> Self {
        Self::Der
    }
}

/// The hash that an RSA signature was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RsaHash {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// A public key.
#[derive(Debug, Clone)]
pub struct PublicKey {
    kind: KeyKind,
    spki: Vec<u8>,
    numbers: Numbers,
}

#[derive(Debug, Clone)]
enum Numbers {
    /// An uncompressed point.
    Ec(Vec<u8>),
    Ed25519([u8; ed25519::KEY]),
    Rsa(Box<::rsa::PublicKey>),
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// [`PublicKeyError`].
    pub fn from_spki(spki: &[u8]) -> Result<Self, PublicKeyError> {
        let mut outer = Der::new(spki);
        let mut info = outer.inside(SEQUENCE)?;
        outer.finish()?;
        let mut algorithm = info.inside(SEQUENCE)?;
        let oid = algorithm.take(OID)?;
        let key = match oid {
            EC_PUBLIC_KEY => {
                let curve = algorithm.take(OID)?;
                let kind = ec::of_curve(curve).ok_or(PublicKeyError::Algorithm)?;
                Self::ec(kind, info.whole_bits(BITS)?)?
            }
            ED25519 => Self::ed25519(info.whole_bits(BITS)?)?,
            RSA => {
                if !algorithm.take(NULL)?.is_empty() {
                    return Err(PublicKeyError::Der);
                }
                Self::from_pkcs1(info.whole_bits(BITS)?)?
            }
            _ => return Err(PublicKeyError::Algorithm),
        };
        algorithm.finish()?;
        info.finish()?;
        Ok(key)
    }

    /// Reads an RSAPublicKey in DER (RFC 8017, appendix A.1.1).
    ///
    /// # Errors
    /// [`PublicKeyError`].
    pub fn from_pkcs1(der: &[u8]) -> Result<Self, PublicKeyError> {
        let mut key = Der::new(der);
        let mut numbers = key.inside(SEQUENCE)?;
        key.finish()?;
        let (modulus, exponent) = (numbers.magnitude()?, numbers.magnitude()?);
        numbers.finish()?;
        Self::rsa(modulus, exponent)
    }

    /// The key of a point of SEC 1, compressed or not, on the curve of `kind`.
    ///
    /// # Errors
    /// [`PublicKeyError`].
    pub fn ec(kind: KeyKind, point: &[u8]) -> Result<Self, PublicKeyError> {
        let point = ec::decode(kind, point).ok_or(PublicKeyError::Numbers)?;
        let algorithm = algorithm(EC_PUBLIC_KEY, &der::element(OID, &[ec::curve(kind)]));
        Ok(Self { kind, spki: info(&algorithm, &point), numbers: Numbers::Ec(point) })
    }

    /// The key of 32 bytes (RFC 8032).
    ///
    /// # Errors
    /// [`PublicKeyError::Numbers`] for another length.
    pub fn ed25519(key: &[u8]) -> Result<Self, PublicKeyError> {
        let key: [u8; ed25519::KEY] = key.try_into().map_err(|_| PublicKeyError::Numbers)?;
        let algorithm = der::element(SEQUENCE, &[der::element(OID, &[ED25519]).expose()]);
        Ok(Self {
            kind: KeyKind::Ed25519,
            spki: info(algorithm.expose(), &key),
            numbers: Numbers::Ed25519(key),
        })
    }

    /// The key of a modulus and an exponent, big-endian; leading zeros are allowed.
    ///
    /// # Errors
    /// [`PublicKeyError`].
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, PublicKeyError> {
        let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
        let modulus = modulus.get(zeros..).unwrap_or_default();
        let kind = match (modulus.len(), modulus.first()) {
            (256, Some(0x80..)) => KeyKind::Rsa2048,
            (384, Some(0x80..)) => KeyKind::Rsa3072,
            (512, Some(0x80..)) => KeyKind::Rsa4096,
            _ => return Err(PublicKeyError::Algorithm),
        };
        let number = |bytes: &[u8]| {
            let bits = u32::try_from(bytes.len().saturating_mul(8).next_multiple_of(64)).ok()?;
            BoxedUint::from_be_slice(bytes, bits).ok()
        };
        if exponent.len() > 8 {
            return Err(PublicKeyError::Numbers);
        }
        let numbers = number(modulus).zip(number(exponent)).ok_or(PublicKeyError::Numbers)?;
        let key = ::rsa::PublicKey::new(numbers.0, numbers.1).map_err(|_| PublicKeyError::Numbers)?;
        let algorithm = algorithm(RSA, &der::element(NULL, &[]));
        let parts = [der::integer(modulus), der::integer(exponent)];
        let [modulus, exponent] = &parts;
        let inner = der::element(SEQUENCE, &[modulus.expose(), exponent.expose()]);
        Ok(Self { kind, spki: info(&algorithm, inner.expose()), numbers: Numbers::Rsa(Box::new(key)) })
    }

    /// The kind of the pair.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// SubjectPublicKeyInfo in DER, in its one form.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of [`Self::spki`].
    #[must_use]
    pub fn spki_sha256(&self) -> [u8; 32] {
        sha256(&[&self.spki])
    }

    /// The uncompressed point of an EC key, or the 32 bytes of an Ed25519 key; nothing of RSA.
    #[must_use]
    pub fn point_bytes(&self) -> &[u8] {
        match &self.numbers {
            Numbers::Ec(point) => point,
            Numbers::Ed25519(key) => key,
            Numbers::Rsa(_) => &[],
        }
    }

    /// Modulus and exponent of an RSA key, big-endian without leading zeros.
    #[must_use]
    pub fn rsa_numbers(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let Numbers::Rsa(key) = &self.numbers else { return None };
        let bytes = |number: &BoxedUint| {
            number.to_be_bytes().iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>()
        };
        Some((bytes(key.n()), bytes(key.e())))
    }

    /// Whether `signature` is that of `message`: ECDSA as r and s one after the other, each as long as
    /// the order of the curve, over SHA-256, -384 or -512 as the curve asks; Ed25519; RSA PKCS#1 v1.5
    /// with SHA-256.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verify_rsa(RsaHash::Sha256, message, signature)
    }

    /// As [`Self::verify`], with a choice of the hash that an RSA signature was made with.
    #[must_use]
    pub fn verify_rsa(&self, hash: RsaHash, message: &[u8], signature: &[u8]) -> bool {
        macro_rules! ecdsa {
            ($curve:ident, $point:expr, $digest:expr) => {
                $curve::ecdsa::VerifyingKey::from_sec1_bytes($point).is_ok_and(|key| {
                    $curve::ecdsa::Signature::from_slice(signature)
                        .is_ok_and(|signature| key.verify_prehash(&$digest, &signature).is_ok())
                })
            };
        }
        match (&self.numbers, self.kind) {
            (Numbers::Ec(point), KeyKind::EcP256) => ecdsa!(p256, point, sha256(&[message])),
            (Numbers::Ec(point), KeyKind::EcP384) => ecdsa!(p384, point, sha384(&[message])),
            (Numbers::Ec(point), KeyKind::EcP521) => ecdsa!(p521, point, sha512(&[message])),
            // No token and no operator here signs on another curve.
            (Numbers::Ec(_), _) => false,
            (Numbers::Ed25519(key), _) => {
                signature.try_into().is_ok_and(|signature| ed25519::verify(key, message, signature))
            }
            (Numbers::Rsa(key), _) => match hash {
                RsaHash::Sha256 => key.pkcs1v15_verify::<Sha256Type>(message, signature).is_ok(),
                RsaHash::Sha512 => key.pkcs1v15_verify::<Sha512Type>(message, signature).is_ok(),
            },
        }
    }
}

fn algorithm(oid: &[u8], parameters: &crate::secret::SecretBytes) -> Vec<u8> {
    der::element(SEQUENCE, &[der::element(OID, &[oid]).expose(), parameters.expose()]).expose().to_vec()
}

fn info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    der::element(SEQUENCE, &[algorithm, der::bits(key).expose()]).expose().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::generate;
    use crate::primitive::random::Entropy;
    use proptest::prelude::*;

    #[test]
    fn the_public_half_of_every_pair_is_read_and_written_the_same() {
        let mut entropy = Entropy::system();
        for kind in
            [KeyKind::EcP256, KeyKind::EcP384, KeyKind::EcP521, KeyKind::EcSecp256k1, KeyKind::Ed25519]
        {
            let pair = generate(kind, &mut entropy).unwrap();
            let spki = pair.public_spki().unwrap();
            let key = PublicKey::from_spki(spki).unwrap();
            assert_eq!((key.kind(), key.spki()), (kind, spki));
            assert!(!key.verify(b"", b"") && !key.verify(b"m", &[1; 64]));
            let mut off = spki.to_vec();
            *off.last_mut().unwrap() ^= 1;
            // Half of all strings are points of Ed25519; a point of SEC 1 must be on its curve.
            assert!(PublicKey::from_spki(&off).is_err() || kind == KeyKind::Ed25519);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = PublicKey::from_spki(&bytes);
            let _ = PublicKey::rsa(&bytes, &[1, 0, 1]);
            let _ = PublicKey::ec(KeyKind::EcP384, &bytes);
        }
    }
}
