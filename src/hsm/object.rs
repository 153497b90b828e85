//! Keys in a token: which there are, and what they are and may do.
//!
//! In: URIs, ids, attributes as the token gives them. Out: [`KeyObject`]. An attribute that a token doesn't
//! give is unknown, never assumed: an empty value, an error and silence all occur for the same attribute on
//! different tokens. The token's own CKA_CHECK_VALUE is not looked at: it is empty, absent or taken from
//! whoever stored the key.

use super::refusal::{HsmError, is};
use super::token::Token;
use super::uri::{ObjectType, TokenUri};
use crate::key::KeyKind;
use crate::wire::text::hex;
use cryptoki::error::RvError;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use std::collections::BTreeSet;

/// The names of what a key may do, as a key record keeps them, with their attributes.
pub(super) const USAGES: [(&str, AttributeType); 7] = [
    ("decrypt", AttributeType::Decrypt),
    ("derive", AttributeType::Derive),
    ("encrypt", AttributeType::Encrypt),
    ("sign", AttributeType::Sign),
    ("unwrap", AttributeType::Unwrap),
    ("verify", AttributeType::Verify),
    ("wrap", AttributeType::Wrap),
];

/// A secret or private key in a token.
#[derive(Debug, Clone)]
pub struct KeyObject {
    pub(super) handle: ObjectHandle,
    /// Whether it is a private key.
    pub private: bool,
    /// What kind of key, when it is one that is kept here.
    pub kind: Option<KeyKind>,
    /// What the token calls its type.
    pub type_name: String,
    /// Its label.
    pub label: String,
    /// Its id.
    pub id: Vec<u8>,
    /// What it may do: `encrypt`, `sign` and so on.
    pub usage: BTreeSet<String>,
    /// Whether its value is never shown; unknown when the token doesn't say.
    pub sensitive: Option<bool>,
    /// Whether it may be wrapped out.
    pub extractable: Option<bool>,
    /// Whether it leaves under trusted wrapping keys only.
    pub trusted_only: bool,
    /// Whether it was made in this token.
    pub local: Option<bool>,
}

impl KeyObject {
    /// What it is called in messages.
    #[must_use]
    pub fn name(&self) -> String {
        if self.label.is_empty() { format!("key {}", hex(&self.id)) } else { self.label.clone() }
    }
}

impl Token {
    /// Every secret and private key of the token that stays in it.
    ///
    /// # Errors
    /// [`HsmError::Refused`].
    pub fn keys(&self) -> Result<Vec<KeyObject>, HsmError> {
        let mut keys = self.keys_that(&[])?;
        keys.sort_by(|a, b| (&a.label, &a.id).cmp(&(&b.label, &b.id)));
        Ok(keys)
    }

    /// The one key that `uri` names.
    ///
    /// # Errors
    /// [`HsmError::NoKey`], [`HsmError::SeveralKeys`], [`HsmError::Refused`].
    pub fn find(&self, uri: &TokenUri) -> Result<KeyObject, HsmError> {
        let answers = |key: &KeyObject| {
            uri.object.as_ref().is_none_or(|label| *label == key.label)
                && uri.id.as_ref().is_none_or(|id| *id == key.id)
                && uri.class.is_none_or(|class| match class {
                    ObjectType::Secret => !key.private,
                    ObjectType::Private => key.private,
                    ObjectType::Public => false,
                })
        };
        let mut found: Vec<KeyObject> = self.keys()?.into_iter().filter(answers).collect();
        let (token, wanted) = (self.info.label.clone(), uri.to_string());
        match (found.pop(), found.len()) {
            (Some(key), 0) => Ok(key),
            (None, _) => Err(HsmError::NoKey { token, what: "secret or private key", wanted }),
            (Some(_), others) => {
                Err(HsmError::SeveralKeys { token, count: others.saturating_add(1), wanted })
            }
        }
    }

    /// The secret or private keys with this id.
    ///
    /// # Errors
    /// [`HsmError::Refused`].
    pub fn with_id(&self, id: &[u8]) -> Result<Vec<KeyObject>, HsmError> {
        // Some tokens take an empty id for any.
        let found = self.keys_that(&[Attribute::Id(id.to_vec())])?;
        Ok(found.into_iter().filter(|key| key.id == id).collect())
    }

    fn keys_that(&self, more: &[Attribute]) -> Result<Vec<KeyObject>, HsmError> {
        let mut keys = Vec::new();
        for class in [ObjectClass::SECRET_KEY, ObjectClass::PRIVATE_KEY] {
            let template = [&[Attribute::Class(class), Attribute::Token(true)], more].concat();
            let found = self.session.find_objects(&template);
            for handle in found.map_err(HsmError::call("listing the keys"))? {
                keys.push(self.key(handle)?);
            }
        }
        Ok(keys)
    }

    /// What the token says of a key.
    pub(super) fn key(&self, handle: ObjectHandle) -> Result<KeyObject, HsmError> {
        use AttributeType as A;
        let mut wanted = vec![
            A::Class,
            A::KeyType,
            A::Label,
            A::Id,
            A::Sensitive,
            A::Extractable,
            A::WrapWithTrusted,
            A::Local,
        ];
        wanted.extend(USAGES.map(|(_, attribute)| attribute));
        let attributes = self.attributes(handle, &wanted)?;
        let mut key = KeyObject {
            handle,
            private: false,
            kind: None,
            type_name: "unknown".to_owned(),
            label: String::new(),
            id: Vec::new(),
            usage: usage_of(&attributes),
            sensitive: None,
            extractable: None,
            trusted_only: false,
            local: None,
        };
        let mut of_type = None;
        for attribute in attributes {
            match attribute {
                Attribute::Class(class) => key.private = class == ObjectClass::PRIVATE_KEY,
                Attribute::KeyType(found) => of_type = Some(found),
                Attribute::Label(label) => key.label = text(&label),
                Attribute::Id(id) => key.id = id,
                Attribute::Sensitive(is) => key.sensitive = Some(is),
                Attribute::Extractable(is) => key.extractable = Some(is),
                Attribute::WrapWithTrusted(is) => key.trusted_only = is,
                Attribute::Local(is) => key.local = Some(is),
                _ => {}
            }
        }
        if let Some(of_type) = of_type {
            (key.kind, key.type_name) = self.kind(handle, of_type)?;
        }
        Ok(key)
    }

    fn kind(&self, handle: ObjectHandle, of_type: KeyType) -> Result<(Option<KeyKind>, String), HsmError> {
        let length = || -> Result<Option<u64>, HsmError> {
            let found = self.attributes(handle, &[AttributeType::ValueLen])?;
            Ok(found.into_iter().find_map(|attribute| match attribute {
                Attribute::ValueLen(length) => Some(u64::from(length)),
                _ => None,
            }))
        };
        Ok(match of_type {
            KeyType::AES => match length()? {
                Some(16) => (Some(KeyKind::Aes128), "AES-128".to_owned()),
                Some(32) => (Some(KeyKind::Aes256), "AES-256".to_owned()),
                other => (
                    None,
                    format!("AES, {} bytes", other.map_or("unknown".to_owned(), |length| length.to_string())),
                ),
            },
            // The crate has one number for the four types of HMAC keys; their length tells them apart.
            KeyType::GENERIC_SECRET | KeyType::SHA256_HMAC => match length()? {
                Some(28) => (Some(KeyKind::Hmac224), "secret of 28 bytes".to_owned()),
                Some(32) => (Some(KeyKind::Hmac256), "secret of 32 bytes".to_owned()),
                Some(48) => (Some(KeyKind::Hmac384), "secret of 48 bytes".to_owned()),
                Some(64) => (Some(KeyKind::Hmac512), "secret of 64 bytes".to_owned()),
                Some(length) => (None, format!("secret of {length} bytes")),
                None => (None, "secret of unknown length".to_owned()),
            },
            KeyType::EC | KeyType::EC_EDWARDS => {
                let found = self.attributes(handle, &[AttributeType::EcParams])?;
                let curve = found.into_iter().find_map(|attribute| match attribute {
                    Attribute::EcParams(curve) => Some(curve),
                    _ => None,
                });
                let known = CURVES
                    .iter()
                    .find(|(_, forms)| curve.as_deref().is_some_and(|curve| forms.contains(&curve)));
                let name = |kind: &KeyKind| kind.name().to_owned();
                known.map_or((None, "a curve that is not known".to_owned()), |(kind, _)| {
                    (Some(*kind), name(kind))
                })
            }
            KeyType::RSA => {
                let found = self.attributes(handle, &[AttributeType::Modulus])?;
                let bits = found.into_iter().find_map(|attribute| match attribute {
                    Attribute::Modulus(modulus) => {
                        Some(modulus.iter().skip_while(|byte| **byte == 0).count().saturating_mul(8))
                    }
                    _ => None,
                });
                match bits {
                    Some(2048) => (Some(KeyKind::Rsa2048), "RSA-2048".to_owned()),
                    Some(3072) => (Some(KeyKind::Rsa3072), "RSA-3072".to_owned()),
                    Some(4096) => (Some(KeyKind::Rsa4096), "RSA-4096".to_owned()),
                    Some(bits) => (None, format!("RSA-{bits}")),
                    None => (None, "RSA of unknown size".to_owned()),
                }
            }
            other => (None, format!("{other}")),
        })
    }

    pub(super) fn attributes(
        &self,
        handle: ObjectHandle,
        wanted: &[AttributeType],
    ) -> Result<Vec<Attribute>, HsmError> {
        // One at a time: an attribute that a token doesn't know spoils the others' answers on some.
        let mut found = Vec::with_capacity(wanted.len());
        for attribute in wanted {
            match self.session.get_attributes(handle, core::slice::from_ref(attribute)) {
                Ok(values) => found.extend(values),
                Err(error)
                    if is(&error, RvError::AttributeTypeInvalid)
                        || is(&error, RvError::AttributeValueInvalid) => {}
                Err(error) => return Err(HsmError::call("reading an attribute")(error)),
            }
        }
        Ok(found)
    }
}

/// Curves by what tokens call them: the identifier in DER, or a name.
pub(super) const CURVES: [(KeyKind, &[&[u8]]); 4] = [
    (KeyKind::EcP256, &[&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]]),
    (KeyKind::EcP384, &[&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]]),
    (KeyKind::EcP521, &[&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23]]),
    // RFC 8410's identifier, and the name (a PrintableString) that PKCS#11 3.0 had first.
    (KeyKind::Ed25519, &[&[0x06, 0x03, 0x2b, 0x65, 0x70], b"\x13\x0cedwards25519"]),
];

pub(super) fn usage_of(attributes: &[Attribute]) -> BTreeSet<String> {
    let name = |attribute: &Attribute| {
        let on = matches!(
            attribute,
            Attribute::Decrypt(true)
                | Attribute::Derive(true)
                | Attribute::Encrypt(true)
                | Attribute::Sign(true)
                | Attribute::Unwrap(true)
                | Attribute::Verify(true)
                | Attribute::Wrap(true)
        );
        let named = USAGES.iter().find(|(_, kind)| *kind == attribute.attribute_type());
        named.filter(|_| on).map(|(name, _)| (*name).to_owned())
    };
    attributes.iter().filter_map(name).collect()
}

/// What an object of a class could be allowed: a secret key, a private one, a public one.
const fn applicable(kind: KeyKind, public: bool) -> &'static [&'static str] {
    match (kind.is_asymmetric(), public) {
        (false, _) => &["decrypt", "derive", "encrypt", "sign", "unwrap", "verify", "wrap"],
        (true, true) => &["encrypt", "verify", "wrap"],
        (true, false) => &["decrypt", "derive", "sign", "unwrap"],
    }
}

/// The attributes that allow what `usage` names, and nothing else: defaults differ from token to token.
pub(super) fn allowed(kind: KeyKind, public: bool, usage: &BTreeSet<String>) -> Vec<Attribute> {
    let one = |name: &&str| {
        let on = usage.contains(*name);
        match *name {
            "decrypt" => Some(Attribute::Decrypt(on)),
            "derive" => Some(Attribute::Derive(on)),
            "encrypt" => Some(Attribute::Encrypt(on)),
            "sign" => Some(Attribute::Sign(on)),
            "unwrap" => Some(Attribute::Unwrap(on)),
            "verify" => Some(Attribute::Verify(on)),
            "wrap" => Some(Attribute::Wrap(on)),
            _ => None,
        }
    };
    applicable(kind, public).iter().filter_map(one).collect()
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
