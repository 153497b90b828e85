//! Proof of a key that may do nothing but wrap or unwrap: another key goes under it, and is known on both sides.
//!
//! To wrap: a key of the session that is worth nothing is wrapped under the key, and by us under the key that it
//! should be; AES key wrap has no randomness, so both are the same bytes. We know the worthless key because it also
//! leaves under our KEK. To unwrap: a key that we made and wrapped goes in, and encrypts a block there as it does here.

use super::{BLOCK, CANNOT, Check, HsmError, Trial, block, oaeps, tried};
use crate::key::WrappingKey;
use crate::primitive::kwp;
use crate::primitive::random::Entropy;
use crate::secret::SecretBytes;
use cryptoki::error::{Error, Rv, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki_sys::CK_RV;

const WRAPPING: &str = "wrapping another key with it";
const UNWRAPPING: &str = "unwrapping another key with it";

/// A key of the session, which the token forgets with it.
const TRIED: [Attribute; 7] = [
    Attribute::Class(ObjectClass::SECRET_KEY),
    Attribute::KeyType(KeyType::AES),
    Attribute::Token(false),
    Attribute::Private(true),
    Attribute::Sensitive(true),
    Attribute::Extractable(false),
    Attribute::Encrypt(true),
];

impl Trial<'_> {
    /// An AES key that may wrap.
    pub(super) fn wraps(&mut self) -> Result<(), HsmError> {
        let token = self.road.token();
        let raw = &token.module.raw;
        let other = self.road.worthless()?;
        let known = raw.wrap(&token.session, self.road.mechanism(), self.road.handle(), other);
        let theirs = raw.wrap(&token.session, self.road.mechanism(), self.object.handle, other);
        let _ = token.session.destroy_object(other);
        let known = self.road.opened(&known.map_err(HsmError::raw(WRAPPING))?);
        let known = known.ok_or_else(|| HsmError::Blob { object: "the key to try it with".to_owned() })?;
        let Some(theirs) = by_number(theirs, WRAPPING)? else { return Ok(()) };
        let ours = self.road.blob(self.key.bytes(), known.expose())?;
        self.passed(Check::Wrap, ours == theirs)
    }

    /// An AES key that may unwrap.
    pub(super) fn unwraps(&mut self, fresh: &[u8; BLOCK], entropy: &mut Entropy) -> Result<(), HsmError> {
        let other = entropy.secret(kwp::KEY).map_err(|_| HsmError::NoEntropy)?;
        let blob = self.road.blob(self.key.bytes(), other.expose())?;
        let token = self.road.token();
        let raw = &token.module.raw;
        let (mechanism, handle) = (self.road.mechanism(), self.object.handle);
        let unwrap = |template: &[Attribute]| {
            raw.unwrap(&token.session, mechanism, handle, &blob, template, &mut Vec::new())
        };
        let made = match unwrap(&TRIED) {
            // Some tokens want the length that others refuse.
            Err(code) if wants_length(Rv::from(code)) => unwrap(&with_length()),
            made => made,
        };
        match made {
            Err(code) if is_no_key(Rv::from(code)) => self.passed(Check::Unwrap, false),
            made => match by_number(made, UNWRAPPING)? {
                None => Ok(()),
                Some(handle) => self.encrypts_as(handle, &other, fresh),
            },
        }
    }

    /// A private RSA key that may unwrap.
    pub(super) fn unwraps_from(
        &mut self,
        to: &WrappingKey,
        fresh: &[u8; BLOCK],
        entropy: &mut Entropy,
    ) -> Result<(), HsmError> {
        let session = &self.road.token().session;
        let other = entropy.secret(kwp::KEY).map_err(|_| HsmError::NoEntropy)?;
        for (hash, mechanism) in oaeps() {
            let blob = to.encrypt(hash, other.expose(), entropy).map_err(|_| HsmError::NoEntropy)?;
            let unwrap =
                |template: &[Attribute]| session.unwrap_key(&mechanism, self.object.handle, &blob, template);
            let made = match unwrap(&TRIED) {
                Err(Error::Pkcs11(code, _)) if wants_length(Rv::Error(code)) => unwrap(&with_length()),
                made => made,
            };
            match made {
                Err(Error::Pkcs11(code, _)) if is_no_key(Rv::Error(code)) => {
                    return self.passed(Check::Unwrap, false);
                }
                made => {
                    if let Some(handle) = tried(made, UNWRAPPING)? {
                        return self.encrypts_as(handle, &other, fresh);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether the key that came in at `handle` is `other`.
    fn encrypts_as(
        &mut self,
        handle: ObjectHandle,
        other: &SecretBytes,
        fresh: &[u8; BLOCK],
    ) -> Result<(), HsmError> {
        let session = &self.road.token().session;
        let theirs = session.encrypt(&Mechanism::AesEcb, handle, fresh);
        let _ = session.destroy_object(handle);
        let Some(theirs) = tried(theirs, UNWRAPPING)? else { return Ok(()) };
        let ours = block::encrypt(other.expose(), fresh);
        self.passed(Check::Unwrap, ours.is_some_and(|ours| ours[..] == theirs[..]))
    }
}

fn with_length() -> Vec<Attribute> {
    [&TRIED[..], &[Attribute::ValueLen(32.into())]].concat()
}

const fn wants_length(code: Rv) -> bool {
    matches!(code, Rv::Error(RvError::TemplateIncomplete | RvError::TemplateInconsistent))
}

/// Whether a token says that the blob is not of this key.
const fn is_no_key(code: Rv) -> bool {
    matches!(
        code,
        Rv::Error(
            RvError::WrappedKeyInvalid
                | RvError::WrappedKeyLenRange
                | RvError::EncryptedDataInvalid
                | RvError::EncryptedDataLenRange
        )
    )
}

/// As [`tried`], of a call by number.
fn by_number<T>(answer: Result<T, CK_RV>, doing: &'static str) -> Result<Option<T>, HsmError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(code) if matches!(Rv::from(code), Rv::Error(code) if CANNOT.contains(&code)) => Ok(None),
        Err(code) => Err(HsmError::raw(doing)(code)),
    }
}
