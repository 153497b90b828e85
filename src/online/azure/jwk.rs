//! Azure's JSON Web Keys: what a kind is called there, and the public key in one.

use crate::key::{KeyKind, PublicKey};
use azure_security_keyvault_keys::models::{CurveName, JsonWebKey, KeyType};

/// The type, curve and operations of an imported key of `kind`.
pub(super) const fn kind_there(kind: KeyKind) -> (KeyType, Option<CurveName>, &'static [&'static str]) {
    const SIGN: &[&str] = &["sign", "verify"];
    match kind {
        KeyKind::EcP256 => (KeyType::EcHsm, Some(CurveName::P256), SIGN),
        KeyKind::EcP384 => (KeyType::EcHsm, Some(CurveName::P384), SIGN),
        KeyKind::EcP521 => (KeyType::EcHsm, Some(CurveName::P521), SIGN),
        KeyKind::EcSecp256k1 => (KeyType::EcHsm, Some(CurveName::P256K), SIGN),
        KeyKind::Aes128 | KeyKind::Aes256 => {
            (KeyType::OctHsm, None, &["encrypt", "decrypt", "wrapKey", "unwrapKey"])
        }
        _ => (KeyType::RsaHsm, None, &["sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey"]),
    }
}

/// The SubjectPublicKeyInfo of a key; `None` for a symmetric one, or what is no point or modulus.
pub(super) fn public(jwk: &JsonWebKey) -> Option<Vec<u8>> {
    let (kind, size) = match (&jwk.kty, &jwk.crv) {
        (Some(KeyType::Rsa | KeyType::RsaHsm), _) => {
            let unpadded = |number: &Option<Vec<u8>>| -> Option<Vec<u8>> {
                let number = number.as_ref()?;
                let zeros = number.iter().take_while(|byte| **byte == 0).count();
                Some(number.get(zeros..)?.to_vec())
            };
            let key = PublicKey::rsa(&unpadded(&jwk.n)?, &unpadded(&jwk.e)?).ok()?;
            return Some(key.spki().to_vec());
        }
        (Some(KeyType::Ec | KeyType::EcHsm), Some(CurveName::P256)) => (KeyKind::EcP256, 32),
        (Some(KeyType::Ec | KeyType::EcHsm), Some(CurveName::P256K)) => (KeyKind::EcSecp256k1, 32),
        (Some(KeyType::Ec | KeyType::EcHsm), Some(CurveName::P384)) => (KeyKind::EcP384, 48),
        (Some(KeyType::Ec | KeyType::EcHsm), Some(CurveName::P521)) => (KeyKind::EcP521, 66),
        _ => return None,
    };
    let (x, y) = (jwk.x.as_ref()?, jwk.y.as_ref()?);
    if x.len() != size || y.len() != size {
        return None;
    }
    let point = [&[4][..], x, y].concat();
    Some(PublicKey::ec(kind, &point).ok()?.spki().to_vec())
}
