//! RSA keys with two primes (RFC 8017): every number is checked against the others, then all but
//! the primes and the public exponent are thrown away and computed anew.
//!
//! Canonical: p > q, d = e⁻¹ mod lcm(p-1, q-1) as FIPS 186-5 section A.1.1 asks, so that the two
//! private exponents and the two orders of the primes that are in use give one encoding. Bounds are
//! that section's too: p and q of half the size, |p - q| ≥ 2^(bits/2 - 100), d > 2^(bits/2).
//! Primes are tested by Baillie-PSW, which no known composite passes.

use super::der::{SEQUENCE, element, integer};
use super::{ImportError, KeyKind};
use crate::secret::{SecretBytes, Zeroizing, ct_eq};
use ::rsa::traits::{PrivateKeyParts, PublicKeyParts};
use ::rsa::{BoxedUint, Error, PrivateKey};
use crypto_primes::{Flavor, is_prime};
use rand_core::TryCryptoRng;

/// The numbers of an RSA private key, each a big-endian magnitude without leading zeros.
#[derive(Clone)]
pub(super) struct Numbers<'a> {
    pub(super) n: &'a [u8],
    pub(super) e: &'a [u8],
    pub(super) d: &'a [u8],
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
    pub(super) dp: &'a [u8],
    pub(super) dq: &'a [u8],
    pub(super) qinv: &'a [u8],
}

/// `RSAPrivateKey` and `RSAPublicKey` in DER.
type Pair = (SecretBytes, SecretBytes);

/// How many bits a magnitude without leading zeros has.
fn bits(magnitude: &[u8]) -> usize {
    let zeros = magnitude.first().map_or(0, |first| first.leading_zeros());
    magnitude.len().saturating_mul(8).saturating_sub(usize::try_from(zeros).unwrap_or(0))
}

impl Numbers<'_> {
    /// The kind that the size of the modulus makes it.
    pub(super) fn kind(&self) -> Result<KeyKind, ImportError> {
        KeyKind::of_rsa(bits(self.n)).ok_or(ImportError::RsaSize { bits: bits(self.n) })
    }

    /// The canonical encodings, after every check.
    pub(super) fn check(&self) -> Result<Pair, ImportError> {
        self.kind()?;
        let size = bits(self.n);
        let half = size.checked_div(2).ok_or(ImportError::Der)?;
        let exponent = self.e.iter().try_fold(0_u32, |e, byte| Some(e.checked_mul(256)? | u32::from(*byte)));
        if exponent.is_none_or(|e| e < 65537 || e.is_multiple_of(2)) {
            return Err(ImportError::RsaExponent);
        }
        // Sizes first, so that the crate meets numbers of the size of the key only.
        if bits(self.p) != half || bits(self.q) != half {
            return Err(ImportError::RsaPrimes { fault: "not of half its size" });
        }
        if ct_eq(self.p, self.q) {
            return Err(ImportError::RsaPrimes { fault: "equal" });
        }
        if bits(self.d) > size || bits(self.d) <= half {
            return Err(ImportError::RsaPrivateExponent);
        }
        if [self.dp, self.dq, self.qinv].into_iter().any(|number| bits(number) > half) {
            return Err(ImportError::RsaCrt);
        }
        let e = number(self.e, 64)?;
        let (p, q) = (number(self.p, half)?, number(self.q, half)?);
        let apart = half.checked_sub(100).ok_or(ImportError::Der)?;
        if distance(&p, &q) <= apart {
            return Err(ImportError::RsaPrimes { fault: "too close to each other" });
        }
        let primes = vec![(*p).clone(), (*q).clone()];
        let given = PrivateKey::from_components(
            (*number(self.n, size)?).clone(),
            (*e).clone(),
            (*number(self.d, size)?).clone(),
            primes,
        )
        .map_err(refusal)?;
        if !is_prime(Flavor::Any, &*p) || !is_prime(Flavor::Any, &*q) {
            return Err(ImportError::RsaPrimes { fault: "not prime" });
        }
        let qinv = given.crt_coefficient().map(Zeroizing::new).ok_or(ImportError::RsaCrt)?;
        let same = |bytes, own: &BoxedUint| Ok::<_, ImportError>(*number(bytes, half)? == *own);
        let own = given.dp().zip(given.dq()).ok_or(ImportError::RsaCrt)?;
        if !same(self.dp, own.0)? || !same(self.dq, own.1)? || !same(self.qinv, &qinv)? {
            return Err(ImportError::RsaCrt);
        }
        write(&p, &q, &e)
    }
}

fn number(bytes: &[u8], bits: usize) -> Result<Zeroizing<BoxedUint>, ImportError> {
    let bits = u32::try_from(bits).map_err(|_| ImportError::Der)?;
    BoxedUint::from_be_slice(bytes, bits).map(Zeroizing::new).map_err(|_| ImportError::Der)
}

/// How many bits |a - b| has.
#[expect(clippy::arithmetic_side_effects, reason = "the smaller is taken from the larger")]
fn distance(a: &BoxedUint, b: &BoxedUint) -> usize {
    let difference = Zeroizing::new(if a > b { a - b } else { b - a });
    usize::try_from(difference.bit_width()).unwrap_or(0)
}

fn refusal(error: Error) -> ImportError {
    match error {
        Error::InvalidExponent => ImportError::RsaPrivateExponent,
        Error::InvalidPrime => ImportError::RsaPrimes { fault: "not prime" },
        _ => ImportError::RsaModulus,
    }
}

/// The canonical encodings of the key with these primes.
fn write(p: &BoxedUint, q: &BoxedUint, e: &BoxedUint) -> Result<Pair, ImportError> {
    let (p, q) = if p > q { (p, q) } else { (q, p) };
    let key = PrivateKey::from_p_q(p.clone(), q.clone(), e.clone()).map_err(refusal)?;
    let (dp, dq) = key.dp().zip(key.dq()).ok_or(ImportError::RsaCrt)?;
    let qinv = key.crt_coefficient().map(Zeroizing::new).ok_or(ImportError::RsaCrt)?;
    let der = |number: &BoxedUint| integer(&Zeroizing::new(number.to_be_bytes()));
    let (n, e) = (der(key.n()), der(key.e()));
    let parts = [der(key.d()), der(p), der(q), der(dp), der(dq), der(&qinv)];
    let [d, p, q, dp, dq, qinv] = parts.each_ref().map(SecretBytes::expose);
    let version = integer(&[]);
    let private = element(SEQUENCE, &[version.expose(), n.expose(), e.expose(), d, p, q, dp, dq, qinv]);
    Ok((private, element(SEQUENCE, &[n.expose(), e.expose()])))
}

/// A new key of `bits` bits with the exponent 65537; `None` when the crate fails or finds a weak one.
pub(super) fn generate<R: TryCryptoRng>(bits: usize, random: &mut R) -> Option<Pair> {
    let key = PrivateKey::new(random, bits).ok()?;
    let [p, q] = key.primes() else { return None };
    write(p, q, key.e()).ok()
}
