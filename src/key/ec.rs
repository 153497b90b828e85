//! The curves of SEC 1: names, private numbers and their points, through the RustCrypto crates.
//!
//! A private number is as long as the order of its curve (RFC 5915 section 3) and lies in 1..n-1; one that
//! came without its leading zeros, as some tokens and programs write it, gets them back;
//! a point is uncompressed when written, and read compressed or uncompressed. Point multiplication
//! is constant-time in these crates. The secret types wipe themselves on drop.

use super::{ImportError, KeyKind};
use crate::secret::SecretBytes;
use p256::elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use p256::elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytes, FieldBytesSize, PublicKey, SecretKey};

/// The object identifier of a kind's curve; empty for a kind that has none.
pub(super) const fn curve(kind: KeyKind) -> &'static [u8] {
    match kind {
        KeyKind::EcP256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        KeyKind::EcP384 => &[0x2b, 0x81, 0x04, 0x00, 0x22],
        KeyKind::EcP521 => &[0x2b, 0x81, 0x04, 0x00, 0x23],
        KeyKind::EcSecp256k1 => &[0x2b, 0x81, 0x04, 0x00, 0x0a],
        _ => &[],
    }
}

/// The kind whose curve has this object identifier.
pub(super) fn of_curve(oid: &[u8]) -> Option<KeyKind> {
    KeyKind::ALL.into_iter().find(|kind| !curve(*kind).is_empty() && curve(*kind) == oid)
}

/// The length in bytes of a private number, and the bits that its first byte may have.
pub(super) const fn scalar_shape(kind: KeyKind) -> Option<(usize, u8)> {
    match kind {
        KeyKind::EcP256 | KeyKind::EcSecp256k1 => Some((32, 0xff)),
        KeyKind::EcP384 => Some((48, 0xff)),
        KeyKind::EcP521 => Some((66, 0x01)),
        _ => None,
    }
}

/// A private number at its full length; `None` for one that is longer.
pub(super) fn full_length(kind: KeyKind, scalar: &[u8]) -> Option<SecretBytes> {
    let (length, _) = scalar_shape(kind).filter(|(length, _)| scalar.len() <= *length)?;
    let fill =
        |to: &mut [u8]| to.iter_mut().rev().zip(scalar.iter().rev()).for_each(|(to, from)| *to = *from);
    Some(SecretBytes::filled(length, fill))
}

/// The uncompressed public point of a private number.
pub(super) fn public(kind: KeyKind, scalar: &[u8]) -> Result<Vec<u8>, ImportError> {
    let point = match kind {
        KeyKind::EcP256 => public_on::<p256::NistP256>(scalar),
        KeyKind::EcP384 => public_on::<p384::NistP384>(scalar),
        KeyKind::EcP521 => public_on::<p521::NistP521>(scalar),
        KeyKind::EcSecp256k1 => public_on::<k256::Secp256k1>(scalar),
        _ => None,
    };
    point.ok_or(ImportError::Scalar { kind })
}

/// The uncompressed form of a point that is on the curve of `kind`, and not its identity.
pub(super) fn decode(kind: KeyKind, point: &[u8]) -> Option<Vec<u8>> {
    match kind {
        KeyKind::EcP256 => decode_on::<p256::NistP256>(point),
        KeyKind::EcP384 => decode_on::<p384::NistP384>(point),
        KeyKind::EcP521 => decode_on::<p521::NistP521>(point),
        KeyKind::EcSecp256k1 => decode_on::<k256::Secp256k1>(point),
        _ => None,
    }
}

fn public_on<C>(scalar: &[u8]) -> Option<Vec<u8>>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    // Only the full length: the crate would pad a shorter number.
    let bytes = <&FieldBytes<C>>::try_from(scalar).ok()?;
    let key = SecretKey::<C>::from_bytes(bytes).ok()?;
    Some(key.public_key().to_sec1_point(false).as_bytes().to_vec())
}

fn decode_on<C>(point: &[u8]) -> Option<Vec<u8>>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    let key = PublicKey::<C>::from_sec1_bytes(point).ok()?;
    Some(key.to_sec1_point(false).as_bytes().to_vec())
}
