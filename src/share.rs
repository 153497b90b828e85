//! Splits the quorum secret into shares that can each be checked alone, and combines them again.
//!
//! Pedersen verifiable secret sharing (Crypto '91) over ristretto255 (RFC 9496), as design section 3
//! and `docs/format.md`, Sharing. The arithmetic of polynomials is `vsss-rs`'s, which no other
//! module names; what that crate leaves to its caller is done here: our own indices 1..=N, our own
//! uniform coefficients (zero included), fixed generators, exactly M commitments, one index for
//! both halves of a share, every share checked before it is combined, and the result checked
//! against the constant commitment.
//!
//! Trust changes with the type: [`ClaimedShare`] (bytes of the right form) becomes a [`Share`] only
//! through [`Commitments`] that admit it, and only shares are combined. This module knows nothing
//! of passphrases or cards, and knows a quorum id ([`QuorumId`]) only as a name.

mod commitments;
mod id;
mod scalar;
mod scheme;

pub use commitments::{Commitments, CommitmentsError, POINT};
pub use id::QuorumId;
pub use scalar::{SCALAR, SecretScalar};
pub use scheme::{Scheme, SchemeError};

use crate::primitive::random::{Entropy, NoEntropy};
use crate::secret::{SecretBytes, SecretWriter, Zeroize};
use core::fmt;
use curve25519_dalek::scalar::Scalar;
use vsss_rs::{IdentifierPrimeField, Polynomial as _, PrimeFieldShare, ReadableShareSet as _};

/// Length in bytes of a share without its index: f(i), then g(i), each little-endian canonical.
pub const SHARE: usize = 2 * SCALAR;

/// Index and two halves of a share as they were read: of the right form, but checked against nothing.
pub struct ClaimedShare {
    index: u8,
    value: SecretScalar,
    blinder: SecretScalar,
}

/// A share that lies on the polynomials of a deal.
pub struct Share {
    claimed: ClaimedShare,
    deal: [u8; 32],
}

/// All shares of a deal and their public commitments.
#[derive(Debug)]
pub struct Deal {
    /// The shares 1 to N, in order.
    pub shares: Vec<Share>,
    /// What checks them.
    pub commitments: Commitments,
}

/// Why a secret was not split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// The secret is zero, which hides nothing.
    #[error("a quorum secret of zero can't be split")]
    Zero,
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The dealt shares did not combine to the secret again. Nothing was handed out.
    #[error("the dealt shares failed their own check: the machine's memory or processor may be faulty")]
    SelfCheck,
}

/// Why bytes are not a share, or not a share of this deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// An index outside 1..=N.
    #[error("share {index} does not exist in a quorum of {count}")]
    Index {
        /// The index read.
        index: u8,
        /// The number of shares.
        count: u8,
    },
    /// A number that isn't the one encoding of a scalar, or bytes of another length.
    #[error("share {index} is not in its canonical form")]
    NotCanonical {
        /// The share.
        index: u8,
    },
    /// It doesn't lie on the dealt polynomials: altered, relabelled or of another deal.
    #[error("share {index} does not belong to this generation of the quorum, or was altered")]
    NotOfThisDeal {
        /// The share.
        index: u8,
    },
}

/// Why shares were not combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CombineError {
    /// Fewer than M.
    #[error("{present} of the {threshold} shares that are needed are present")]
    TooFew {
        /// Shares present.
        present: usize,
        /// Shares needed.
        threshold: u8,
    },
    /// One share twice.
    #[error("share {index} is present twice")]
    Twice {
        /// The share.
        index: u8,
    },
    /// A share that was checked against other commitments.
    #[error("share {index} is of another deal than the others")]
    OtherDeal {
        /// The share.
        index: u8,
    },
    /// Shares that each passed combine to something else than what was dealt.
    #[error("the shares do not combine to the secret that was dealt")]
    Inconsistent,
}

impl ClaimedShare {
    /// Reads the 64 bytes of share `index`.
    ///
    /// # Errors
    /// [`ShareError::Index`] for index 0; [`ShareError::NotCanonical`].
    pub fn read(index: u8, bytes: &[u8]) -> Result<Self, ShareError> {
        if index == 0 {
            return Err(ShareError::Index { index, count: u8::MAX });
        }
        let halves = || {
            let (value, rest) = bytes.split_first_chunk()?;
            let blinder = rest.try_into().ok()?;
            Some((SecretScalar::read(value)?, SecretScalar::read(blinder)?))
        };
        let (value, blinder) = halves().ok_or(ShareError::NotCanonical { index })?;
        Ok(Self { index, value, blinder })
    }

    /// Its index.
    #[must_use]
    pub const fn index(&self) -> u8 {
        self.index
    }

    /// Makes it a share, if it lies on the polynomials behind `commitments`.
    ///
    /// # Errors
    /// [`ShareError::Index`], [`ShareError::NotOfThisDeal`].
    pub fn check(self, commitments: &Commitments) -> Result<Share, ShareError> {
        let (index, count) = (self.index, commitments.scheme().count());
        if index == 0 || index > count {
            return Err(ShareError::Index { index, count });
        }
        if commitments.admit(index, self.value.expose(), self.blinder.expose()) {
            Ok(Share { claimed: self, deal: *commitments.digest() })
        } else {
            Err(ShareError::NotOfThisDeal { index })
        }
    }
}

impl Share {
    /// Its index, 1 to N.
    #[must_use]
    pub const fn index(&self) -> u8 {
        self.claimed.index
    }

    /// The 64 bytes that are sealed.
    #[must_use]
    pub fn to_secret_bytes(&self) -> SecretBytes {
        let mut bytes = SecretWriter::new(SHARE);
        for half in [&self.claimed.value, &self.claimed.blinder] {
            // The writer was made at the size of both halves.
            let _ = bytes.put(half.expose().as_bytes());
        }
        bytes.finish()
    }
}

/// A uniform secret that isn't zero.
///
/// # Errors
/// [`SplitError::Entropy`]; [`SplitError::Zero`] by a chance of 2^-252.
pub fn fresh_secret(entropy: &mut Entropy) -> Result<SecretScalar, SplitError> {
    let secret = SecretScalar::random(entropy)?;
    if *secret.expose() == Scalar::ZERO { Err(SplitError::Zero) } else { Ok(secret) }
}

/// Deals `secret` into N shares of which any M recover it, checks each of them against the
/// commitments, and combines the first and the last M as a trial.
///
/// # Errors
/// [`SplitError`].
pub fn split(secret: &SecretScalar, scheme: Scheme, entropy: &mut Entropy) -> Result<Deal, SplitError> {
    if *secret.expose() == Scalar::ZERO {
        return Err(SplitError::Zero);
    }
    let values = Dealer::new(secret, scheme, entropy)?;
    let blinders = Dealer::new(&SecretScalar::random(entropy)?, scheme, entropy)?;
    deal(secret, scheme, &values, &blinders)
}

/// The deal of two polynomials whose coefficients were drawn, whatever they are.
fn deal(
    secret: &SecretScalar,
    scheme: Scheme,
    values: &Dealer,
    blinders: &Dealer,
) -> Result<Deal, SplitError> {
    let points =
        values.coefficients().zip(blinders.coefficients()).map(|(a, b)| commitments::commit(a, b)).collect();
    let commitments = Commitments::of(scheme, points);

    let mut shares = Vec::with_capacity(usize::from(scheme.count()));
    for index in scheme.indices() {
        let dealt = ClaimedShare { index, value: values.at(index), blinder: blinders.at(index) };
        shares.push(dealt.check(&commitments).map_err(|_| SplitError::SelfCheck)?);
    }
    let m = usize::from(scheme.threshold());
    for trial in [shares.first_chunk_of(m), shares.last_chunk_of(m)] {
        let again = combine(&commitments, trial).map_err(|_| SplitError::SelfCheck)?;
        if !again.to_secret_bytes().ct_eq(&secret.to_secret_bytes()) {
            return Err(SplitError::SelfCheck);
        }
    }
    Ok(Deal { shares, commitments })
}

/// The secret behind M or more distinct shares of the deal of `commitments`. The first M by index
/// are combined, value and blinder, and must open the constant commitment; with more than M, the
/// last M must agree.
///
/// # Errors
/// [`CombineError`]; never a secret that wasn't dealt.
pub fn combine<'a>(
    commitments: &Commitments,
    shares: impl IntoIterator<Item = &'a Share>,
) -> Result<SecretScalar, CombineError> {
    let shares: Vec<&Share> = shares.into_iter().collect();
    if let Some(other) = shares.iter().find(|share| share.deal != *commitments.digest()) {
        return Err(CombineError::OtherDeal { index: other.index() });
    }
    let claimed: Vec<&ClaimedShare> = shares.iter().map(|share| &share.claimed).collect();
    let threshold = commitments.scheme().threshold();
    let (value, blinder) = interpolate(threshold, &claimed)?;
    if commitments.admit_constant(value.expose(), blinder.expose()) {
        Ok(value)
    } else {
        Err(CombineError::Inconsistent)
    }
}

/// The secret behind M claimed shares when no commitments are left to check them against. Nothing
/// here tells whether it is the right one: the caller compares the quorum id that follows from it.
///
/// # Errors
/// [`CombineError`].
pub fn combine_claimed(threshold: u8, shares: &[&ClaimedShare]) -> Result<SecretScalar, CombineError> {
    interpolate(threshold.max(2), shares).map(|(value, _)| value)
}

/// f(0) and g(0) from the first M shares by index; with more, the last M must give the same.
fn interpolate(
    threshold: u8,
    shares: &[&ClaimedShare],
) -> Result<(SecretScalar, SecretScalar), CombineError> {
    let mut shares = shares.to_vec();
    shares.sort_by_key(|share| share.index);
    if let Some(twice) = shares.windows(2).find_map(|pair| match pair {
        [a, b] if a.index == b.index => Some(a.index),
        _ => None,
    }) {
        return Err(CombineError::Twice { index: twice });
    }
    let m = usize::from(threshold);
    let too_few = CombineError::TooFew { present: shares.len(), threshold };
    let (first, last) = (shares.get(..m).ok_or(too_few)?, shares.last_chunk_of(m));
    let at_zero = |half: fn(&ClaimedShare) -> &SecretScalar| {
        let value = constant(first, half)?;
        let same =
            shares.len() == m || constant(last, half)?.to_secret_bytes().ct_eq(&value.to_secret_bytes());
        same.then_some(value)
    };
    let value = at_zero(|share| &share.value).ok_or(CombineError::Inconsistent)?;
    let blinder = at_zero(|share| &share.blinder).ok_or(CombineError::Inconsistent)?;
    Ok((value, blinder))
}

/// One half of the shares, interpolated at zero by the crate.
fn constant(shares: &[&ClaimedShare], half: fn(&ClaimedShare) -> &SecretScalar) -> Option<SecretScalar> {
    let points = Wiped(
        shares
            .iter()
            .map(|share| PrimeFieldShare {
                identifier: IdentifierPrimeField(Scalar::from(share.index)),
                value: IdentifierPrimeField(*half(share).expose()),
            })
            .collect(),
    );
    let mut at_zero = IdentifierPrimeField(Scalar::ZERO);
    points.0.combine_in_place(&mut at_zero).ok()?;
    Some(SecretScalar::absorb(&mut at_zero.0))
}

/// The crate's points or coefficients, which it doesn't wipe itself.
struct Wiped(Vec<PrimeFieldShare<Scalar>>);

impl Drop for Wiped {
    fn drop(&mut self) {
        for point in &mut self.0 {
            point.identifier.0.zeroize();
            point.value.0.zeroize();
        }
    }
}

/// A polynomial in the crate's layout: the constant in slot 0's value, the others as identifiers.
struct Dealer(Wiped, usize);

impl Dealer {
    fn new(constant: &SecretScalar, scheme: Scheme, entropy: &mut Entropy) -> Result<Self, NoEntropy> {
        let m = usize::from(scheme.threshold());
        let mut slots = Wiped(Vec::create(m));
        for (place, slot) in slots.0.iter_mut().enumerate() {
            if place == 0 {
                slot.value.0 = *constant.expose();
            } else {
                slot.identifier.0 = *SecretScalar::random(entropy)?.expose();
            }
        }
        Ok(Self(slots, m))
    }

    fn coefficients(&self) -> impl Iterator<Item = &Scalar> {
        self.0
            .0
            .iter()
            .enumerate()
            .map(|(place, slot)| if place == 0 { &slot.value.0 } else { &slot.identifier.0 })
    }

    fn at(&self, index: u8) -> SecretScalar {
        let mut value = self.0.0.evaluate(&IdentifierPrimeField(Scalar::from(index)), self.1);
        SecretScalar::absorb(&mut value.0)
    }
}

/// The first and last `m` of a slice, or all of it.
trait Ends<T> {
    fn first_chunk_of(&self, m: usize) -> &[T];
    fn last_chunk_of(&self, m: usize) -> &[T];
}

impl<T> Ends<T> for [T] {
    fn first_chunk_of(&self, m: usize) -> &[T] {
        self.get(..m).unwrap_or(self)
    }

    fn last_chunk_of(&self, m: usize) -> &[T] {
        self.get(self.len().saturating_sub(m)..).unwrap_or(self)
    }
}

impl fmt::Debug for ClaimedShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimedShare({}, <redacted>)", self.index)
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({}, <redacted>)", self.claimed.index)
    }
}

#[cfg(test)]
mod tests;
