//! What is kept of a token's key beside its bytes, and what it becomes in another token.
//!
//! Applications find a key by its label and id, and fail when it may not do what it did: so all of this travels in
//! the attributes of the key record (`docs/format.md`, Key record). [`Place`] is what they say; a key that never
//! was in a token gets a place of its name and usual usage.

use super::limits::Limits;
use super::object::{KeyObject, USAGES};
use super::proof::{Proven, Witness};
use super::public::PublicObject;
use super::refusal::HsmError;
use crate::key::{KeyFacts, KeyId, KeyKind};
use crate::wire::text::{from_hex, hex};
use core::num::NonZeroU32;
use cryptoki::object::KeyType;
use std::collections::{BTreeMap, BTreeSet};

/// A key's place in a token: what it is called and may do there.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its label.
    pub label: String,
    /// Its id.
    pub id: Vec<u8>,
    /// What it may do.
    pub usage: BTreeSet<String>,
    /// Its public half, for a pair that had one.
    pub public: Option<PublicObject>,
    /// What the first token made with it.
    pub witness: Option<Witness>,
    /// What limited it there.
    pub limits: Limits,
}

/// The id of a version in tokens: the key's id, and the version in four bytes, big-endian.
#[must_use]
pub fn id_for(key: KeyId, version: NonZeroU32) -> Vec<u8> {
    [key.as_bytes(), &version.get().to_be_bytes()].concat()
}

/// What a key of `kind` usually may do: the secret or private half, and the public one.
#[must_use]
pub fn usual(kind: KeyKind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        KeyKind::Aes128 | KeyKind::Aes256 => (&["decrypt", "encrypt"], &[]),
        KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
            (&["decrypt", "sign"], &["encrypt", "verify"])
        }
        kind if kind.is_asymmetric() => (&["sign"], &["verify"]),
        _ => (&["sign", "verify"], &[]),
    }
}

fn owned(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl Place {
    /// The place that a key record tells of.
    ///
    /// # Errors
    /// [`HsmError::Fact`].
    pub fn of(facts: &KeyFacts, kind: KeyKind) -> Result<Self, HsmError> {
        let text = |name: &str| facts.attributes.get(name);
        let (private, public) = usual(kind);
        let was_in_token = text("pkcs11-id").is_some() || text("pkcs11-label").is_some();
        let id = match text("pkcs11-id") {
            None => id_for(facts.key, facts.version),
            Some(id) => from_hex(id).ok_or(HsmError::Fact { field: "pkcs11-id" })?,
        };
        let usage = if facts.usage.is_empty() { owned(private) } else { facts.usage.clone() };
        if !usage.iter().all(|name| USAGES.iter().any(|(known, _)| known == name)) {
            return Err(HsmError::Fact { field: "usage" });
        }
        let label = text("pkcs11-label").cloned().unwrap_or_else(|| facts.label.to_string());
        let public = match (text("pkcs11-public-label"), kind.is_asymmetric()) {
            (_, false) => None,
            (Some(label), true) => {
                let usage = text("pkcs11-public-usage").map(String::as_str).unwrap_or_default();
                Some(PublicObject {
                    label: label.clone(),
                    usage: owned(&usage.split_whitespace().collect::<Vec<_>>()),
                })
            }
            (None, true) if was_in_token => None,
            (None, true) => Some(PublicObject { label: label.clone(), usage: owned(public) }),
        };
        let witness = match (text("witness"), text("witness-made")) {
            (Some(plain), Some(made)) => {
                let plain = from_hex(plain).and_then(|plain| plain.try_into().ok());
                let plain = plain.ok_or(HsmError::Fact { field: "witness" })?;
                Some(Witness { plain, made: from_hex(made).ok_or(HsmError::Fact { field: "witness-made" })? })
            }
            _ => None,
        };
        let limits = Limits::of(&facts.attributes)?;
        Ok(Self { label, id, usage, public, witness, limits })
    }

    /// The type that the key has in a token.
    pub(super) const fn key_type(kind: KeyKind) -> KeyType {
        match kind {
            KeyKind::Aes128 | KeyKind::Aes256 => KeyType::AES,
            KeyKind::EcP256 | KeyKind::EcP384 | KeyKind::EcP521 | KeyKind::EcSecp256k1 => KeyType::EC,
            KeyKind::Ed25519 => KeyType::EC_EDWARDS,
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => KeyType::RSA,
            // Also for an HMAC key that had a type of its own, in a token that doesn't know it.
            _ => KeyType::GENERIC_SECRET,
        }
    }
}

/// The attributes that tell of a key in a token.
pub(super) fn attributes(
    object: &KeyObject,
    public: Option<&PublicObject>,
    token: &super::module::TokenInfo,
    wrapping: String,
    oaep: &str,
    proven: &Proven,
) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = [
        ("pkcs11-id", hex(&object.id)),
        ("pkcs11-label", object.label.clone()),
        ("pkcs11-manufacturer", token.manufacturer.clone()),
        ("pkcs11-model", token.model.clone()),
        ("pkcs11-oaep", oaep.to_owned()),
        ("pkcs11-serial", token.serial.clone()),
        ("pkcs11-token", token.label.clone()),
        ("pkcs11-wrapping", wrapping),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    if object.trusted_only {
        all.insert("pkcs11-trusted-only".to_owned(), "true".to_owned());
    }
    if let Some(public) = public {
        let usage: Vec<&str> = public.usage.iter().map(String::as_str).collect();
        all.insert("pkcs11-public-label".to_owned(), public.label.clone());
        all.insert("pkcs11-public-usage".to_owned(), usage.join(" "));
    }
    if let Some(witness) = &proven.witness {
        all.extend(witness.attributes());
    }
    all
}
