//! The public halves of pairs in a token: found by the key itself, made, removed.
//!
//! An id is a name that anybody may give to any object, so it says where to look and nothing more: what is taken for a
//! pair's public half, left beside it or removed with it, has the pair's public key. A token's answer that can't be
//! read as a key is no key of ours.

use super::keep::Place;
use super::object::{CURVES, KeyObject, USAGES, allowed, text, usage_of};
use super::refusal::{HsmError, is};
use super::token::Token;
use crate::key::{KeyKind, PublicKey};
use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use std::collections::BTreeSet;

/// The public half of a pair in a token.
#[derive(Debug, Clone)]
pub struct PublicObject {
    /// Its label.
    pub label: String,
    /// What it may do.
    pub usage: BTreeSet<String>,
}

/// What a token has under the id of a pair.
pub(super) struct Halves {
    /// The public half.
    pub(super) own: Option<(ObjectHandle, PublicObject)>,
    /// How many other public keys.
    pub(super) others: usize,
}

impl Token {
    /// The public keys of an id, or of a label when there is no id: the one that is `key`, and the others.
    pub(super) fn halves(&self, id: &[u8], label: &str, key: &PublicKey) -> Result<Halves, HsmError> {
        let mut halves = Halves { own: None, others: 0 };
        for handle in self.publics(id, label)? {
            let same = self.public_key(handle)?.is_some_and(|found| found.spki() == key.spki());
            if same && halves.own.is_none() {
                halves.own = Some((handle, self.public_object(handle)?));
            } else if !same {
                halves.others = halves.others.saturating_add(1);
            }
        }
        Ok(halves)
    }

    /// The first public key of the token that is wanted, under whatever name.
    pub(super) fn public_that(
        &self,
        wanted: impl Fn(&PublicKey) -> bool,
    ) -> Result<Option<PublicKey>, HsmError> {
        let template = [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::Token(true)];
        let found = self.session.find_objects(&template);
        for handle in found.map_err(HsmError::call("looking for the public key"))? {
            if let Some(key) = self.public_key(handle)?.filter(&wanted) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    fn publics(&self, id: &[u8], label: &str) -> Result<Vec<ObjectHandle>, HsmError> {
        let name = if id.is_empty() {
            Attribute::Label(label.as_bytes().to_vec())
        } else {
            Attribute::Id(id.to_vec())
        };
        let template = [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::Token(true), name];
        self.session.find_objects(&template).map_err(HsmError::call("looking for the public key"))
    }

    fn public_object(&self, handle: ObjectHandle) -> Result<PublicObject, HsmError> {
        let mut wanted = vec![AttributeType::Label];
        wanted.extend(USAGES.map(|(_, attribute)| attribute));
        let attributes = self.attributes(handle, &wanted)?;
        let label = attributes.iter().find_map(|attribute| match attribute {
            Attribute::Label(label) => Some(text(label)),
            _ => None,
        });
        Ok(PublicObject { label: label.unwrap_or_default(), usage: usage_of(&attributes) })
    }

    /// The public key of an RSA object, from its numbers.
    pub(super) fn rsa_public(&self, handle: ObjectHandle) -> Result<Option<PublicKey>, HsmError> {
        let found = self.attributes(handle, &[AttributeType::Modulus, AttributeType::PublicExponent])?;
        let (mut modulus, mut exponent) = (None, None);
        for attribute in found {
            match attribute {
                Attribute::Modulus(number) => modulus = Some(number),
                Attribute::PublicExponent(number) => exponent = Some(number),
                _ => {}
            }
        }
        Ok(modulus.zip(exponent).and_then(|(modulus, exponent)| PublicKey::rsa(&modulus, &exponent).ok()))
    }

    /// The key that a public object is, if it is of a kind that is known.
    pub(super) fn public_key(&self, handle: ObjectHandle) -> Result<Option<PublicKey>, HsmError> {
        let (mut of_type, mut curve, mut point) = (None, None, None);
        for attribute in self.attributes(handle, &[AttributeType::KeyType])? {
            if let Attribute::KeyType(found) = attribute {
                of_type = Some(found);
            }
        }
        match of_type {
            Some(KeyType::RSA) => return self.rsa_public(handle),
            Some(KeyType::EC | KeyType::EC_EDWARDS) => {}
            _ => return Ok(None),
        }
        for attribute in self.attributes(handle, &[AttributeType::EcParams, AttributeType::EcPoint])? {
            match attribute {
                Attribute::EcParams(found) => curve = Some(found),
                Attribute::EcPoint(found) => point = Some(found),
                _ => {}
            }
        }
        let (Some(curve), Some(point)) = (curve, point) else { return Ok(None) };
        let kind = CURVES.iter().find(|(_, forms)| forms.contains(&&*curve)).map(|(kind, _)| *kind);
        // Most give a DER octet string, some the bare point.
        let bare = bare(&point).unwrap_or(&point);
        Ok(match kind {
            None => None,
            Some(KeyKind::Ed25519) => PublicKey::ed25519(bare).ok(),
            Some(kind) => PublicKey::ec(kind, bare).ok(),
        })
    }

    /// Removes a key, and its public half: the one under its id that is `public`; without `public`, those of
    /// its id and label, which is for ids that nobody else has.
    ///
    /// # Errors
    /// [`HsmError::Refused`].
    pub fn destroy(&self, key: &KeyObject, public: Option<&PublicKey>) -> Result<(), HsmError> {
        let gone = |handle| self.session.destroy_object(handle).map_err(HsmError::call("removing a key"));
        let halves = || -> Result<(), HsmError> {
            if !key.private || key.id.is_empty() {
                return Ok(());
            }
            for handle in self.publics(&key.id, &key.label)? {
                let ours = match public {
                    Some(public) => {
                        self.public_key(handle)?.is_some_and(|found| found.spki() == public.spki())
                    }
                    None => self.public_object(handle)?.label == key.label,
                };
                if ours {
                    gone(handle)?;
                }
            }
            Ok(())
        };
        // First: while the key is there, it leads to its other half. The key goes whatever becomes of that.
        let public = halves();
        gone(key.handle)?;
        public
    }

    /// Removes a key, and nothing beside it.
    ///
    /// # Errors
    /// [`HsmError::Refused`].
    pub fn destroy_alone(&self, key: &KeyObject) -> Result<(), HsmError> {
        self.session.destroy_object(key.handle).map_err(HsmError::call("removing a key"))
    }

    /// Whether the public half of a pair is there, alone under its id.
    ///
    /// # Errors
    /// [`HsmError::PublicTaken`], [`HsmError::Refused`].
    pub(super) fn is_there(&self, key: &PublicKey, place: &Place) -> Result<bool, HsmError> {
        let Some(public) = &place.public else { return Ok(false) };
        let there = self.halves(&place.id, &public.label, key)?;
        if there.others > 0 {
            let (token, object) = (self.info.label.clone(), place.label.clone());
            return Err(HsmError::PublicTaken { token, object });
        }
        Ok(there.own.is_some())
    }

    /// Makes the public half of a pair; nothing when it is there.
    ///
    /// # Errors
    /// [`HsmError::PublicTaken`], [`HsmError::Refused`].
    pub(super) fn public_half(
        &self,
        key: &PublicKey,
        place: &Place,
    ) -> Result<Option<ObjectHandle>, HsmError> {
        let Some(public) = &place.public else { return Ok(None) };
        if self.is_there(key, place)? {
            return Ok(None);
        }
        let mut base =
            vec![Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(Place::key_type(key.kind()))];
        base.extend(named(&public.label, &place.id));
        base.push(Attribute::Private(false));
        base.extend(allowed(key.kind(), true, &public.usage));
        let doing = "making the public key";
        let make = |template: &[Attribute]| self.session.create_object(template);
        if let Some((modulus, exponent)) = key.rsa_numbers() {
            base.extend([Attribute::Modulus(modulus), Attribute::PublicExponent(exponent)]);
            return make(&base).map(Some).map_err(HsmError::call(doing));
        }
        let point = key.point_bytes();
        let wrapped = [&[0x04][..], &der_length(point.len()), point].concat();
        let mut last: Option<Error> = None;
        for form in forms(key.kind()) {
            let mut template = base.clone();
            template.extend([Attribute::EcParams(form.to_vec()), Attribute::EcPoint(wrapped.clone())]);
            match make(&template) {
                Ok(handle) => return Ok(Some(handle)),
                Err(error) if is(&error, RvError::SessionHandleInvalid) => {
                    return Err(HsmError::call(doing)(error));
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.map_or(HsmError::NotInTokens { kind: key.kind() }, |error| HsmError::call(doing)(error)))
    }
}

/// A new object that stays in the token, with its name.
pub(super) fn named(label: &str, id: &[u8]) -> Vec<Attribute> {
    vec![Attribute::Token(true), Attribute::Label(label.as_bytes().to_vec()), Attribute::Id(id.to_vec())]
}

/// What tokens may call the curve of `kind`.
pub(super) fn forms(kind: KeyKind) -> &'static [&'static [u8]] {
    CURVES.iter().find(|(known, _)| *known == kind).map_or(&[], |(_, forms)| forms)
}

/// A DER length; points are shorter than 256 bytes.
fn der_length(length: usize) -> Vec<u8> {
    match u8::try_from(length).unwrap_or(u8::MAX) {
        short @ 0..=0x7f => vec![short],
        long => vec![0x81, long],
    }
}

/// The point in a DER octet string that is nothing else.
fn bare(point: &[u8]) -> Option<&[u8]> {
    let (length, inside) = match point {
        [4, 0x81, length, inside @ ..] => (length, inside),
        [4, length @ 0..=0x7f, inside @ ..] => (length, inside),
        _ => return None,
    };
    (usize::from(*length) == inside.len()).then_some(inside)
}
