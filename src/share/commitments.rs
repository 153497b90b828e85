//! The public side of a deal: M points that tell whether a share lies on the dealt polynomials,
//! and nothing about where they meet zero (Pedersen, Crypto '91: they hide perfectly).
//!
//! Both generators are constants of the format: G is the base point, H the one-way map of
//! SHA-512("quorate/v1/pedersen-h") (RFC 9496 section 4.3.4), so nobody knows log_G H. A set that
//! is read has exactly M canonical points; its digest names it, so that shares of two deals of the
//! same secret are never mixed.

use super::scheme::Scheme;
use crate::primitive::hash::{sha256, sha512};
use core::fmt;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoBasepointTable, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, IsIdentity};
use std::sync::LazyLock;

/// Length in bytes of a point: the ristretto255 encoding.
pub const POINT: usize = 32;

/// H, with its table: dealing multiplies it M times.
pub(super) static H: LazyLock<RistrettoBasepointTable> =
    LazyLock::new(|| RistrettoBasepointTable::create(&generator()));

/// The second generator of format version 1.
pub(super) fn generator() -> RistrettoPoint {
    RistrettoPoint::from_uniform_bytes(&sha512(&[b"quorate/v1/pedersen-h"]))
}

/// value * G + blinder * H.
#[expect(clippy::arithmetic_side_effects, reason = "group operations are total")]
pub(super) fn commit(value: &Scalar, blinder: &Scalar) -> RistrettoPoint {
    RistrettoPoint::mul_base(value) + blinder * &*H
}

/// The M commitments C_k = a_k G + b_k H of a deal, constant term first.
#[derive(Clone, PartialEq, Eq)]
pub struct Commitments {
    scheme: Scheme,
    points: Vec<RistrettoPoint>,
    digest: [u8; 32],
}

/// Why points are no commitments of a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitmentsError {
    /// Not exactly M points: with more, shares would pass that combine to garbage.
    #[error("the quorum record has {found} commitments where its threshold asks for {wanted}")]
    Count {
        /// The threshold.
        wanted: u8,
        /// The points there are.
        found: usize,
    },
    /// A point that isn't the one encoding of a group element.
    #[error("commitment {place} of the quorum record is not a point of ristretto255")]
    NotAPoint {
        /// Its place, from 0.
        place: usize,
    },
    /// The identity as constant or leading commitment: no honest deal has it, but by negligible chance.
    #[error("commitment {place} of the quorum record is the identity: this deal hides nothing")]
    Identity {
        /// Its place, from 0.
        place: usize,
    },
}

impl Commitments {
    pub(super) fn of(scheme: Scheme, points: Vec<RistrettoPoint>) -> Self {
        let encoded: Vec<_> = points.iter().map(RistrettoPoint::compress).collect();
        let parts: Vec<&[u8]> = encoded.iter().map(|point| point.as_bytes().as_slice()).collect();
        let head = [scheme.threshold(), scheme.count()];
        let digest = sha256(&[b"quorate/v1/commitments", &head, &parts.concat()]);
        Self { scheme, points, digest }
    }

    /// Reads the encodings of a quorum record; their number is checked before anything is parsed.
    ///
    /// # Errors
    /// [`CommitmentsError`].
    pub fn read(scheme: Scheme, encoded: &[[u8; POINT]]) -> Result<Self, CommitmentsError> {
        if encoded.len() != usize::from(scheme.threshold()) {
            return Err(CommitmentsError::Count { wanted: scheme.threshold(), found: encoded.len() });
        }
        let mut points = Vec::with_capacity(encoded.len());
        for (place, bytes) in encoded.iter().enumerate() {
            let point =
                CompressedRistretto(*bytes).decompress().ok_or(CommitmentsError::NotAPoint { place })?;
            let outer = place == 0 || place.saturating_add(1) == encoded.len();
            if outer && point.is_identity() {
                return Err(CommitmentsError::Identity { place });
            }
            points.push(point);
        }
        Ok(Self::of(scheme, points))
    }

    /// The encodings, constant term first.
    #[must_use]
    pub fn encode(&self) -> Vec<[u8; POINT]> {
        self.points.iter().map(|point| point.compress().to_bytes()).collect()
    }

    /// The scheme that was dealt.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The name of this deal: every share of it, and no other, carries it once checked.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// Whether `value` and `blinder` are the polynomials' values at `index`:
    /// f(i) G + g(i) H = sum of i^k C_k. The right side is public, so Horner's rule with a short,
    /// variable-time multiplication by the index serves.
    #[expect(clippy::arithmetic_side_effects, reason = "group operations are total")]
    pub(super) fn admit(&self, index: u8, value: &Scalar, blinder: &Scalar) -> bool {
        let expected = self
            .points
            .iter()
            .rev()
            .fold(RistrettoPoint::identity(), |sum, point| times(index, &sum) + point);
        commit(value, blinder) == expected
    }

    /// Whether `value` and `blinder` open the constant commitment, that is, are f(0) and g(0).
    pub(super) fn admit_constant(&self, value: &Scalar, blinder: &Scalar) -> bool {
        self.points.first().is_some_and(|constant| commit(value, blinder) == *constant)
    }
}

/// A public small multiple of a public point, by doubling and adding.
#[expect(clippy::arithmetic_side_effects, reason = "group operations are total")]
fn times(factor: u8, point: &RistrettoPoint) -> RistrettoPoint {
    let bits = (0..u8::BITS).rev().map(|bit| factor >> bit & 1 == 1).skip_while(|bit| !bit);
    bits.fold(RistrettoPoint::identity(), |sum, bit| {
        let doubled = sum + sum;
        if bit { doubled + point } else { doubled }
    })
}

impl fmt::Debug for Commitments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitments({})", self.scheme)
    }
}
