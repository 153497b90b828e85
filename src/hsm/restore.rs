//! A key's way from a backup into a token.
//!
//! [`Transport::restore`] makes it sensitive and non-extractable, with its label, id, usage, limits and public half,
//! and proves it. A restored key that isn't proven, or may leave again, is removed at once; one that can't be
//! removed is named. What was in the token before is never removed: only what was made here.

use super::keep::Place;
use super::object::{KeyObject, allowed};
use super::proof::{Check, Proven};
use super::public::named;
use super::refusal::HsmError;
use super::transport::Transport;
use crate::key::{KeyMaterial, PublicKey};
use crate::primitive::random::Entropy;
use crate::secret::scrubbed;
use crate::wire::text::hex;
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};

/// A key that is in a token again.
#[derive(Debug)]
pub struct Restored {
    /// The key.
    pub object: KeyObject,
    /// How it was proven.
    pub checks: Vec<Check>,
    /// Whether it was there before, from a run that was cut off.
    pub there_already: bool,
    /// The public half, when it was made with it.
    pub public: Option<PublicKey>,
    /// What the key had and this token didn't take, for people.
    pub not_given: Vec<&'static str>,
}

/// What was made in the token so far.
struct Made {
    key: ObjectHandle,
    public: Option<ObjectHandle>,
}

impl Transport {
    /// Puts a key into the token, sensitive and non-extractable, and proves it. A key with its id that is
    /// there already is proven instead: a run that was cut off is finished so.
    ///
    /// # Errors
    /// [`HsmError::Taken`], [`HsmError::PublicTaken`], as for [`Transport::prove`]; nothing new is in the token
    /// then, but for [`HsmError::Left`].
    pub fn restore(
        &self,
        key: &KeyMaterial,
        place: &Place,
        entropy: &mut Entropy,
    ) -> Result<Restored, HsmError> {
        // The module has the key on its way in, and our stack for its own.
        scrubbed(|| self.restored(key, place, entropy))
    }

    fn restored(
        &self,
        key: &KeyMaterial,
        place: &Place,
        entropy: &mut Entropy,
    ) -> Result<Restored, HsmError> {
        let token = self.token();
        let public = key.public_spki().and_then(|spki| PublicKey::from_spki(spki).ok());
        let mut there = token.with_id(&place.id)?;
        if place.id.is_empty() {
            there.retain(|object| object.label == place.label);
        }
        if let Some(object) = there.first() {
            let taken = || HsmError::Taken { token: token.info.label.clone(), object: place.label.clone() };
            let proven = if there.len() > 1 || object.private != key.kind().is_asymmetric() {
                return Err(taken());
            } else {
                match self.prove(object, key, place.witness.as_ref(), entropy) {
                    Err(HsmError::NotTheKey { .. } | HsmError::Unprovable { .. }) => return Err(taken()),
                    other => other?,
                }
            };
            self.stays(object)?;
            if let Some(public) = &public {
                token.public_half(public, place)?;
            }
            return Ok(Restored {
                object: object.clone(),
                checks: proven.checks,
                there_already: true,
                public: None,
                not_given: self.not_taken(object, place)?,
            });
        }
        if let Some(public) = &public {
            // Known before anything is made.
            token.is_there(public, place)?;
        }
        let handle = self.put(key, place)?;
        let mut made = Made { key: handle, public: None };
        let finished = token.key(handle).and_then(|object| {
            let proven = self.prove(&object, key, place.witness.as_ref(), entropy)?;
            self.stays(&object)?;
            if let Some(public) = &public {
                made.public = token.public_half(public, place)?;
            }
            let not_given = self.not_taken(&object, place)?;
            Ok((object, proven, not_given))
        });
        let made_public = made.public.is_some();
        match finished {
            Ok((object, Proven { checks, .. }, not_given)) => Ok(Restored {
                object,
                checks,
                there_already: false,
                public: public.filter(|_| made_public),
                not_given,
            }),
            Err(error) => Err(self.undone(&made, place, error)),
        }
    }

    /// Removes what was made, because of `first`; the error to tell.
    fn undone(&self, made: &Made, place: &Place, first: HsmError) -> HsmError {
        let token = self.token();
        let gone = |handle| token.session.destroy_object(handle).map_err(HsmError::call("removing a key"));
        let public = made.public.map_or(Ok(()), gone);
        match gone(made.key).and(public) {
            Ok(()) => first,
            Err(error) => HsmError::Left {
                object: place.label.clone(),
                id: hex(&place.id),
                token: token.info.label.clone(),
                code: error.to_string(),
                first: Box::new(first),
            },
        }
    }

    /// What limited the key and doesn't limit it here: some tokens take it without a word, and don't keep it.
    fn not_taken(&self, object: &KeyObject, place: &Place) -> Result<Vec<&'static str>, HsmError> {
        if place.limits.is_empty() {
            return Ok(Vec::new());
        }
        Ok(place.limits.missing_in(&self.token().limits(object)?.0))
    }

    /// Unwraps the key into the token, with what limits it; without, when the token doesn't take that.
    fn put(&self, key: &KeyMaterial, place: &Place) -> Result<ObjectHandle, HsmError> {
        match self.put_with(key, place, true) {
            Err(HsmError::Refused { code, .. })
                if !place.limits.is_empty() && (code.contains("TEMPLATE") || code.contains("ATTRIBUTE")) =>
            {
                self.put_with(key, place, false)
            }
            other => other,
        }
    }

    fn put_with(&self, key: &KeyMaterial, place: &Place, limited: bool) -> Result<ObjectHandle, HsmError> {
        let kind = key.kind();
        let class = if kind.is_asymmetric() { ObjectClass::PRIVATE_KEY } else { ObjectClass::SECRET_KEY };
        let mut template = vec![Attribute::Class(class)];
        if !(limited && place.limits.has_type()) {
            template.push(Attribute::KeyType(Place::key_type(kind)));
        }
        let mut by_number = if limited { place.limits.by_number() } else { Vec::new() };
        template.extend(named(&place.label, &place.id));
        template.extend([
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
        ]);
        template.extend(allowed(kind, false, &place.usage));
        match self.back(key.bytes().expose(), &template, &mut by_number) {
            Err(HsmError::Refused { code, .. }) if !kind.is_asymmetric() && code.contains("TEMPLATE") => {
                template
                    .push(Attribute::ValueLen(u64::try_from(key.bytes().len()).unwrap_or_default().into()));
                self.back(key.bytes().expose(), &template, &mut by_number)
            }
            other => other,
        }
    }

    /// That a key is sensitive and may not leave: what the token says, and what it does.
    fn stays(&self, object: &KeyObject) -> Result<(), HsmError> {
        let says = object.sensitive != Some(false) && object.extractable != Some(true);
        if says && !self.leaves(object)? {
            return Ok(());
        }
        let code = "the key could be wrapped out again".to_owned();
        Err(HsmError::Refused { doing: "seeing that the key stays in the token", code })
    }
}
