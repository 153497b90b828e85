//! Wrapping keys are read in their one form, and what is encrypted fits.

use super::*;
use crate::key::der::{element, integer};
use crate::key::{KeyKind, generate};
use crate::secret::SecretBytes;

/// A SubjectPublicKeyInfo with these numbers.
fn spki(algorithm: &[u8], modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let (n, e) = (integer(modulus), integer(exponent));
    let numbers = element(SEQUENCE, &[n.expose(), e.expose()]);
    let (oid, null) = (element(OID, &[algorithm]), element(NULL, &[]));
    let algorithm = element(SEQUENCE, &[oid.expose(), null.expose()]);
    let bits = element(BITS, &[&[0], numbers.expose()]);
    element(SEQUENCE, &[algorithm.expose(), bits.expose()]).expose().to_vec()
}

fn modulus(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0xa5; bits / 8];
    modulus[0] |= 0x80;
    modulus
}

#[test]
fn sizes_exponents_and_other_keys_are_refused() {
    let read = |bytes: &[u8]| WrappingKey::read(bytes).err();
    assert_eq!(read(&spki(RSA, &modulus(2048), EXPONENT)), None);
    assert_eq!(read(&spki(RSA, &modulus(1024), EXPONENT)), Some(WrappingKeyError::Size { bits: 1024 }));
    assert_eq!(read(&spki(RSA, &modulus(2056), EXPONENT)), Some(WrappingKeyError::Size { bits: 2056 }));
    let mut short = modulus(2048);
    short[0] = 0x7f;
    assert_eq!(read(&spki(RSA, &short, EXPONENT)), Some(WrappingKeyError::Size { bits: 2047 }));
    assert_eq!(read(&spki(RSA, &modulus(2048), &[3])), Some(WrappingKeyError::Exponent));
    assert_eq!(read(&spki(RSA, &modulus(2048), &[1, 0, 0])), Some(WrappingKeyError::Exponent));
    let mut even = modulus(2048);
    even[255] = 0xa4;
    assert_eq!(read(&spki(RSA, &even, EXPONENT)), Some(WrappingKeyError::Modulus));
    assert_eq!(read(&spki(&[1, 2, 3], &modulus(2048), EXPONENT)), Some(WrappingKeyError::Algorithm));
    assert_eq!(read(&vec![0; LONGEST + 1]), Some(WrappingKeyError::TooLong));
    assert_eq!(read(b"no key"), Some(WrappingKeyError::Der));
    let ec = generate(KeyKind::EcP256, &mut Entropy::system()).unwrap();
    assert_eq!(read(ec.public_spki().unwrap()), Some(WrappingKeyError::Algorithm));
    assert_eq!(read(ec.bytes().expose()), Some(WrappingKeyError::Private));
    assert_eq!(read(ec.to_pem().unwrap().expose()), Some(WrappingKeyError::Private));
    assert_eq!(
        read(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        Some(WrappingKeyError::Certificate)
    );
    assert_eq!(read(b"-----BEGIN EGG-----\nAAAA\n-----END EGG-----\n"), Some(WrappingKeyError::Pem));
}

#[test]
fn every_truncation_and_trailing_byte_is_refused() {
    let good = spki(RSA, &modulus(2048), EXPONENT);
    for length in 0..good.len() {
        assert!(WrappingKey::read(&good[..length]).is_err(), "{length}");
    }
    assert!(WrappingKey::read(&[&good[..], &[0]].concat()).is_err());
}

#[test]
fn what_is_too_long_is_refused_with_the_limit() {
    let key = WrappingKey::read(&spki(RSA, &modulus(2048), EXPONENT)).unwrap();
    let longest = OaepHash::ALL.map(|hash| key.longest(hash));
    assert_eq!(longest, [214, 190, 158, 126]);
    for (hash, longest) in OaepHash::ALL.into_iter().zip(longest) {
        let fits = SecretBytes::zeroed(longest);
        assert_eq!(key.encrypt(hash, fits.expose(), &mut Entropy::system()).unwrap().len(), 256);
        let long = SecretBytes::zeroed(longest + 1);
        let error = key.encrypt(hash, long.expose(), &mut Entropy::system()).unwrap_err();
        assert_eq!(error, EncryptError::TooLong { found: longest + 1, longest, bits: 2048, hash });
    }
}
