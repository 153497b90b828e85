//! A key's way out of a token into a backup, and from a backup into a token.
//!
//! Out: [`Token::generate`] makes a key that may leave, [`Transport::escrow`] wraps it out, proves that what came
//! out is what the token has, and [`Transport::close`] shuts the door behind it. In: [`Transport::restore`] makes
//! it sensitive and non-extractable, with its label, id, usage and public half, and proves it. A restored key that
//! isn't proven, or may leave again, is removed at once.

use super::keep::{self, Place};
use super::object::{CURVES, KeyObject, PublicObject, allowed};
use super::proof::{Check, Proven};
use super::refusal::{HsmError, is};
use super::token::Token;
use super::transport::Transport;
use crate::key::{KeyKind, KeyMaterial, PublicKey, import};
use crate::primitive::random::Entropy;
use crate::secret::SecretBytes;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use std::collections::{BTreeMap, BTreeSet};

/// A key that came out of a token.
#[derive(Debug)]
pub struct Escrowed {
    /// The key.
    pub material: KeyMaterial,
    /// What it may do.
    pub usage: BTreeSet<String>,
    /// What is kept with it.
    pub attributes: BTreeMap<String, String>,
    /// How it was proven to be the one in the token.
    pub checks: Vec<Check>,
}

/// A key that is in a token again.
#[derive(Debug)]
pub struct Restored {
    /// The key.
    pub object: KeyObject,
    /// How it was proven.
    pub checks: Vec<Check>,
    /// Whether it was there before, from a run that was cut off.
    pub there_already: bool,
}

impl Token<'_> {
    /// Makes a key of `kind` in the token: sensitive, and able to leave until it is closed.
    ///
    /// # Errors
    /// [`HsmError::NotInTokens`], [`HsmError::Refused`].
    pub fn generate(
        &self,
        kind: KeyKind,
        label: &str,
        id: &[u8],
        usage: &BTreeSet<String>,
        trusted_only: bool,
    ) -> Result<KeyObject, HsmError> {
        let doing = "making the key";
        let mut secret = named(label, id);
        secret.extend([Attribute::Private(true), Attribute::Sensitive(true), Attribute::Extractable(true)]);
        if trusted_only {
            secret.push(Attribute::WrapWithTrusted(true));
        }
        secret.extend(allowed(kind, false, usage));
        let mut public = named(label, id);
        public.push(Attribute::Private(false));
        let mut of_public = BTreeSet::new();
        for (public, private) in [("verify", "sign"), ("encrypt", "decrypt"), ("wrap", "unwrap")] {
            if usage.contains(private) {
                of_public.insert(public.to_owned());
            }
        }
        public.extend(allowed(kind, true, &of_public));
        let length = |bytes: u64| Attribute::ValueLen(bytes.into());
        let bits =
            |bits: u64| [Attribute::ModulusBits(bits.into()), Attribute::PublicExponent(vec![1, 0, 1])];
        let session = &self.session;
        let alone = |mechanism: &Mechanism<'_>, mut template: Vec<Attribute>, bytes| {
            template.push(length(bytes));
            session.generate_key(mechanism, &template).map_err(HsmError::call(doing))
        };
        let handle = match kind {
            KeyKind::Aes128 => alone(&Mechanism::AesKeyGen, secret, 16)?,
            KeyKind::Aes256 => alone(&Mechanism::AesKeyGen, secret, 32)?,
            KeyKind::Hmac224 => alone(&Mechanism::GenericSecretKeyGen, secret, 28)?,
            KeyKind::Hmac256 => alone(&Mechanism::GenericSecretKeyGen, secret, 32)?,
            KeyKind::Hmac384 => alone(&Mechanism::GenericSecretKeyGen, secret, 48)?,
            KeyKind::Hmac512 => alone(&Mechanism::GenericSecretKeyGen, secret, 64)?,
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
                public.extend(bits(match kind {
                    KeyKind::Rsa2048 => 2048,
                    KeyKind::Rsa3072 => 3072,
                    _ => 4096,
                }));
                let made = session.generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &secret);
                made.map_err(HsmError::call(doing))?.1
            }
            KeyKind::EcP256 | KeyKind::EcP384 | KeyKind::EcP521 | KeyKind::Ed25519 => {
                self.on_curve(kind, &public, &secret)?
            }
            KeyKind::EcSecp256k1 | KeyKind::Opaque => return Err(HsmError::NotInTokens { kind }),
        };
        self.key(handle)
    }

    /// A pair on a curve, by the first of its names that the token knows.
    fn on_curve(
        &self,
        kind: KeyKind,
        public: &[Attribute],
        private: &[Attribute],
    ) -> Result<ObjectHandle, HsmError> {
        let mechanism = match kind {
            KeyKind::Ed25519 => Mechanism::EccEdwardsKeyPairGen,
            _ => Mechanism::EccKeyPairGen,
        };
        let mut last = HsmError::NotInTokens { kind };
        for form in forms(kind) {
            let mut public = public.to_vec();
            public.push(Attribute::EcParams(form.to_vec()));
            match self.session.generate_key_pair(&mechanism, &public, private) {
                Ok((_, private)) => return Ok(private),
                Err(error) => last = HsmError::call("making the key")(error),
            }
        }
        Err(last)
    }
}

impl Transport<'_, '_> {
    /// Wraps a key out and proves that it is the one in the token.
    ///
    /// # Errors
    /// [`HsmError::Kind`], [`HsmError::StaysInside`], [`HsmError::NotSound`], as for [`Token::prove`].
    pub fn escrow(&self, object: &KeyObject, entropy: &mut Entropy) -> Result<Escrowed, HsmError> {
        let token = self.token();
        let name = object.name();
        let stays = |why| HsmError::StaysInside { object: name.clone(), why };
        let unknown = || HsmError::Kind { object: name.clone(), found: object.type_name.clone() };
        let kind = object.kind.ok_or_else(unknown)?;
        if object.extractable == Some(false) {
            return Err(stays("it is not extractable"));
        }
        if object.trusted_only && !self.is_trusted() {
            return Err(stays(
                "it leaves under a trusted wrapping key only: give the security officer's PIN",
            ));
        }
        let bytes = self.out(object)?.ok_or_else(|| HsmError::Blob { object: name.clone() })?;
        let sound = |error| HsmError::NotSound { object: name.clone(), error };
        let material = canonical(kind, bytes).and_then(|bytes| {
            if kind.is_asymmetric() {
                import(Some(kind), bytes.expose())
            } else {
                KeyMaterial::raw(kind, bytes)
            }
        });
        let material = material.map_err(sound)?;
        let proven = token.prove(object, &material, None, entropy)?;
        let public = if object.private { token.public_of(object)?.map(|(_, public)| public) } else { None };
        let attributes = keep::attributes(
            object,
            public.as_ref(),
            &token.info,
            self.wrapping(),
            self.hash().name(),
            &proven,
        );
        Ok(Escrowed { material, usage: object.usage.clone(), attributes, checks: proven.checks })
    }

    /// Makes a key that is backed up stay in its token for good.
    ///
    /// # Errors
    /// [`HsmError::Refused`] when the token won't.
    pub fn close(&self, object: &KeyObject) -> Result<(), HsmError> {
        let token = self.token();
        // A run that was cut off may have done it, and some tokens refuse to be told twice.
        if token.key(object.handle)?.extractable != Some(false) {
            let shut = token.session.update_attributes(object.handle, &[Attribute::Extractable(false)]);
            shut.map_err(HsmError::call("making the key stay in the token"))?;
        }
        if token.key(object.handle)?.extractable == Some(true) || self.leaves(object.handle) {
            let code = "it said yes, and the key may still leave".to_owned();
            return Err(HsmError::Refused { doing: "making the key stay in the token", code });
        }
        Ok(())
    }

    /// Puts a key into the token, sensitive and non-extractable, and proves it. A key with its id that is
    /// there already is proven instead: a run that was cut off is finished so.
    ///
    /// # Errors
    /// [`HsmError::Taken`], as for [`Token::prove`]; nothing new is in the token then.
    pub fn restore(
        &self,
        key: &KeyMaterial,
        place: &Place,
        entropy: &mut Entropy,
    ) -> Result<Restored, HsmError> {
        let token = self.token();
        let there = token.with_id(&place.id)?;
        if let Some(object) = there.first() {
            let taken = || HsmError::Taken { token: token.info.label.clone(), object: place.label.clone() };
            let proven = if there.len() > 1 || object.private != key.kind().is_asymmetric() {
                return Err(taken());
            } else {
                match token.prove(object, key, place.witness.as_ref(), entropy) {
                    Err(HsmError::NotTheKey { .. } | HsmError::Unprovable { .. }) => return Err(taken()),
                    other => other?,
                }
            };
            self.stays(object)?;
            self.public_half(key, place)?;
            return Ok(Restored { object: object.clone(), checks: proven.checks, there_already: true });
        }
        let handle = self.put(key, place)?;
        let finished = token.key(handle).and_then(|object| {
            let proven = token.prove(&object, key, place.witness.as_ref(), entropy)?;
            self.stays(&object)?;
            self.public_half(key, place)?;
            Ok((object, proven))
        });
        match finished {
            Ok((object, Proven { checks, .. })) => Ok(Restored { object, checks, there_already: false }),
            Err(error) => {
                // The first error is the one to show.
                let _ = token.key(handle).and_then(|object| token.destroy(&object));
                Err(error)
            }
        }
    }

    fn put(&self, key: &KeyMaterial, place: &Place) -> Result<ObjectHandle, HsmError> {
        let kind = key.kind();
        let class = if kind.is_asymmetric() { ObjectClass::PRIVATE_KEY } else { ObjectClass::SECRET_KEY };
        let mut template = vec![Attribute::Class(class), Attribute::KeyType(Place::key_type(kind))];
        template.extend(named(&place.label, &place.id));
        template.extend([
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
        ]);
        template.extend(allowed(kind, false, &place.usage));
        match self.back(key.bytes().expose(), &template) {
            Err(HsmError::Refused { code, .. }) if !kind.is_asymmetric() && code.contains("TEMPLATE") => {
                template
                    .push(Attribute::ValueLen(u64::try_from(key.bytes().len()).unwrap_or_default().into()));
                self.back(key.bytes().expose(), &template)
            }
            other => other,
        }
    }

    /// That a key is sensitive and may not leave: what the token says, and what it does.
    fn stays(&self, object: &KeyObject) -> Result<(), HsmError> {
        let says = object.sensitive != Some(false) && object.extractable != Some(true);
        if says && !self.leaves(object.handle) {
            return Ok(());
        }
        let code = "the key could be wrapped out again".to_owned();
        Err(HsmError::Refused { doing: "seeing that the key stays in the token", code })
    }

    /// The public half beside the private one, as it was.
    fn public_half(&self, key: &KeyMaterial, place: &Place) -> Result<(), HsmError> {
        let Some(public) = &place.public else { return Ok(()) };
        let token = self.token();
        let template = [
            Attribute::Class(ObjectClass::PUBLIC_KEY),
            Attribute::Token(true),
            Attribute::Id(place.id.clone()),
        ];
        let there =
            token.session.find_objects(&template).map_err(HsmError::call("looking for the public key"))?;
        let Some(spki) = key.public_spki().filter(|_| there.is_empty()) else { return Ok(()) };
        let Ok(numbers) = PublicKey::from_spki(spki) else { return Ok(()) };
        token.make_public(&numbers, public, place)
    }
}

impl Token<'_> {
    fn make_public(&self, key: &PublicKey, public: &PublicObject, place: &Place) -> Result<(), HsmError> {
        let mut base =
            vec![Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(Place::key_type(key.kind()))];
        base.extend(named(&public.label, &place.id));
        base.push(Attribute::Private(false));
        base.extend(allowed(key.kind(), true, &public.usage));
        let doing = "making the public key";
        let make = |template: &[Attribute]| self.session.create_object(template);
        if let Some((modulus, exponent)) = key.rsa_numbers() {
            base.extend([Attribute::Modulus(modulus), Attribute::PublicExponent(exponent)]);
            return make(&base).map(|_| ()).map_err(HsmError::call(doing));
        }
        let point = key.point_bytes();
        let wrapped = [&[0x04][..], &der_length(point.len()), point].concat();
        let mut last: Option<Error> = None;
        for form in forms(key.kind()) {
            let mut template = base.clone();
            template.extend([Attribute::EcParams(form.to_vec()), Attribute::EcPoint(wrapped.clone())]);
            match make(&template) {
                Ok(_) => return Ok(()),
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
fn named(label: &str, id: &[u8]) -> Vec<Attribute> {
    vec![Attribute::Token(true), Attribute::Label(label.as_bytes().to_vec()), Attribute::Id(id.to_vec())]
}

fn forms(kind: KeyKind) -> &'static [&'static [u8]] {
    CURVES.iter().find(|(known, _)| *known == kind).map_or(&[], |(_, forms)| forms)
}

/// A DER length; points are shorter than 256 bytes.
fn der_length(length: usize) -> Vec<u8> {
    match u8::try_from(length).unwrap_or(u8::MAX) {
        short @ 0..=0x7f => vec![short],
        long => vec![0x81, long],
    }
}

/// The key's own bytes, without the up to 7 zeros that a token may put behind them before it wraps.
fn canonical(kind: KeyKind, mut bytes: SecretBytes) -> Result<SecretBytes, crate::key::ImportError> {
    let length = match kind.symmetric_length() {
        Some(length) => Some(length),
        None if kind.is_asymmetric() => outer_length(bytes.expose()),
        None => None,
    };
    if let Some(length) = length {
        let behind = bytes.expose().get(length..).unwrap_or_default();
        if (1..8).contains(&behind.len()) && behind.iter().all(|byte| *byte == 0) {
            bytes.truncate(length);
        }
    }
    Ok(bytes)
}

/// The length of the DER element that `bytes` begin with.
fn outer_length(bytes: &[u8]) -> Option<usize> {
    let (head, body) = match bytes {
        [_, short @ 0..=0x7f, ..] => (2_usize, usize::from(*short)),
        [_, 0x81, length, ..] => (3, usize::from(*length)),
        [_, 0x82, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        _ => return None,
    };
    head.checked_add(body)
}
