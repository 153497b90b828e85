//! New keys of every kind, from [`Entropy`].
//!
//! Symmetric keys and seeds are its bytes. EC private numbers are drawn until one is in 1..n-1
//! (FIPS 186-5 section A.2.2, by rejection), so they are uniform. RSA primes come from the `rsa`
//! crate over [`Entropy::draws`]. Every new private key is read back through the checks of an
//! import before anyone sees it.

use super::{ImportError, KeyKind, KeyMaterial, OPAQUE_LIMIT, ec, pkcs8, rsa};
use crate::primitive::ed25519::Signer;
use crate::primitive::random::{Entropy, NoEntropy};
use crate::secret::SecretBytes;

/// Draws before giving up: a sound source fails once in 2^32 draws at the worst of these curves.
const DRAWS: usize = 64;

/// Why no key was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The operating system gave no randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// An opaque key has no length of its own.
    #[error("an opaque key has no length of its own: name one, or bring the key")]
    NoLength,
    /// A length that no opaque key has.
    #[error("an opaque key has 1 to {OPAQUE_LIMIT} bytes, not {length}")]
    Length {
        /// The length in bytes that was asked for.
        length: usize,
    },
    /// What was made isn't a sound key; the randomness isn't random or the memory is faulty.
    #[error("the new key of kind {kind} failed its own checks: stop, and replace this machine")]
    Unsound {
        /// The kind that was asked for.
        kind: KeyKind,
    },
}

/// A new key of `kind`.
///
/// # Errors
/// [`GenerateError`]; nothing secret is kept then.
pub fn generate(kind: KeyKind, entropy: &mut Entropy) -> Result<KeyMaterial, GenerateError> {
    let unsound = |_: ImportError| GenerateError::Unsound { kind };
    if let Some(length) = kind.symmetric_length() {
        return KeyMaterial::raw(kind, entropy.secret(length)?).map_err(unsound);
    }
    let made = match kind {
        KeyKind::Ed25519 => {
            let seed = entropy.secret(32)?;
            let public = Signer::from_seed(&seed).ok_or(GenerateError::Unsound { kind })?.public();
            pkcs8::write_ed25519(&seed, &public)
        }
        KeyKind::Rsa2048 => rsa_key(kind, 2048, entropy)?,
        KeyKind::Rsa3072 => rsa_key(kind, 3072, entropy)?,
        KeyKind::Rsa4096 => rsa_key(kind, 4096, entropy)?,
        KeyKind::EcP256 | KeyKind::EcP384 | KeyKind::EcP521 | KeyKind::EcSecp256k1 => ec_key(kind, entropy)?,
        _ => return Err(GenerateError::NoLength),
    };
    KeyMaterial::stored(kind, made.bytes).map_err(unsound)
}

/// A new opaque key of `length` random bytes.
///
/// # Errors
/// [`GenerateError`].
pub fn generate_opaque(length: usize, entropy: &mut Entropy) -> Result<KeyMaterial, GenerateError> {
    if !(1..=OPAQUE_LIMIT).contains(&length) {
        return Err(GenerateError::Length { length });
    }
    let kind = KeyKind::Opaque;
    KeyMaterial::raw(kind, entropy.secret(length)?).map_err(|_| GenerateError::Unsound { kind })
}

fn ec_key(kind: KeyKind, entropy: &mut Entropy) -> Result<KeyMaterial, GenerateError> {
    let unsound = GenerateError::Unsound { kind };
    let (length, mask) = ec::scalar_shape(kind).ok_or(unsound.clone())?;
    for _ in 0..DRAWS {
        let mut scalar: SecretBytes = entropy.secret(length)?;
        if let Some(first) = scalar.expose_mut().first_mut() {
            *first &= mask;
        }
        if let Ok(point) = ec::public(kind, scalar.expose()) {
            return Ok(pkcs8::write_ec(kind, scalar.expose(), &point));
        }
    }
    Err(unsound)
}

fn rsa_key(kind: KeyKind, bits: usize, entropy: &mut Entropy) -> Result<KeyMaterial, GenerateError> {
    let mut draws = entropy.draws()?;
    let made = rsa::generate(bits, &mut draws);
    if draws.failed() {
        return Err(NoEntropy.into());
    }
    let (private, public) = made.ok_or(GenerateError::Unsound { kind })?;
    Ok(pkcs8::write_rsa(kind, &private, &public))
}
