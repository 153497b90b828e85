//! The one road by which keys leave a token and come back: a wrapping key of ours, sent in by RSA-OAEP.
//!
//! The token makes an RSA pair for the session; we make an AES-256 key (a KEK) and send it in under that
//! pair's public half; keys then go out and in under the KEK by AES key wrap with padding. Works for keys of
//! every length, needs a public operation of RSA only, and pair and KEK vanish with the session. On the
//! boundary of PKCS#11 nothing is ever plain: no value is read, no object is made of one.
//!
//! How a token really wraps is tried with a key that is worth nothing, because its lists don't say: with SHA-256
//! in OAEP first (SHA-1 only when it was allowed), and RFC 5649 or the older text of the standard for the
//! number that means both. `notes` of the design: hsm, sections 0 and 2.
//!
//! A KEK that the security officer made trusted is an object of the token: [`Transport::end`] removes it and says so
//! when it can't, and [`Token::left`] finds the ones that a run which was cut off has left.

use super::ability::{Ability, KeyWrap};
use super::object::KeyObject;
use super::raw::ByNumber;
use super::refusal::{HsmError, code, is};
use super::token::{Pin, Role, Token};
use crate::key::{OaepHash, WrappingKey};
use crate::primitive::kwp;
use crate::primitive::random::Entropy;
use crate::secret::SecretBytes;
use crate::wire::text::hex;
use core::cell::Cell;
use core::fmt;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki_sys::{
    CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_UNEXTRACTABLE,
    CKR_WRAPPING_KEY_HANDLE_INVALID,
};
use std::rc::Rc;

/// The size of the session's pair in bits.
const PAIR_BITS: u64 = 3072;

/// What a trusted KEK is called in its token.
const TRUSTED: &[u8] = b"quorate wrapping key, to be removed";

/// How a token wraps under its mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// RFC 5649.
    Kwp,
    /// PKCS#7 padding under RFC 3394: the older text of the standard.
    Padded,
}

/// A KEK that both sides have, for as long as the session lasts.
pub struct Transport {
    token: Rc<Token>,
    kek: SecretBytes,
    handle: ObjectHandle,
    pair: Option<(ObjectHandle, ObjectHandle)>,
    wrap: KeyWrap,
    flavour: Flavour,
    hash: OaepHash,
    /// The id of a KEK that was marked as trusted.
    trusted: Option<Vec<u8>>,
    removed: Cell<bool>,
}

/// What is allowed on the way.
#[derive(Debug, Default)]
pub struct Allowed {
    /// OAEP with SHA-1, when the token has nothing else.
    pub sha1: bool,
    /// The PINs of the security officer and, for coming back after, of the user: the KEK is marked as trusted, as
    /// keys that leave under trusted wrapping keys only want it.
    pub trusted: Option<(Pin, Pin)>,
}

impl Transport {
    /// Sends a new KEK into `token`.
    ///
    /// # Errors
    /// [`HsmError::Lacks`], [`HsmError::OnlySha1`], [`HsmError::Refused`], [`HsmError::NoEntropy`],
    /// [`HsmError::TrustedLeft`], and those of a login.
    pub fn open(token: &Rc<Token>, allowed: &Allowed, entropy: &mut Entropy) -> Result<Self, HsmError> {
        let ability = Ability::of(&token.module, &token.info)?;
        let lacks = |what: &str| HsmError::Lacks { token: token.info.label.clone(), what: what.to_owned() };
        if let Some(what) = ability.lacks_for_escrow().first() {
            return Err(lacks(what));
        }
        let wrap = ability.key_wrap().ok_or_else(|| lacks("AES key wrap with padding"))?;
        if let Some(more) = token.randomness() {
            entropy.mix(more.expose());
        }
        let kek = entropy.secret(kwp::KEY).map_err(|_| HsmError::NoEntropy)?;
        let (pair, handle, hash, trusted) = match &allowed.trusted {
            None => {
                let (pair, to) = pair(token, false)?;
                let send = |hash| send(token, pair.1, &to, hash, &kek, None, entropy);
                let (handle, hash) = first_hash(token, allowed.sha1, send)?;
                (pair, handle, hash, None)
            }
            Some((officer, user)) => {
                let id: [u8; 8] = entropy.public().map_err(|_| HsmError::NoEntropy)?;
                let id = [&b"quorate:"[..], &id].concat();
                // Only one of both can be logged in at a time, and what is trusted is so from its making: some
                // tokens let nobody mark it later.
                let session = &token.session;
                session.logout().map_err(HsmError::call("logging the user out"))?;
                token.login(Role::Officer, officer)?;
                let (pair, to) = pair(token, true)?;
                let send = |hash| send(token, pair.1, &to, hash, &kek, Some(&id), entropy);
                let sent = first_hash(token, allowed.sha1, send);
                let out = session.logout().map_err(HsmError::call("logging the security officer out"));
                let back = out.and_then(|()| token.login(Role::User, user));
                let (handle, hash) = sent?;
                if let Err(error) = back {
                    return Err(removed(token, handle, &id, Some(&error)).err().unwrap_or(error));
                }
                (pair, handle, hash, Some(id))
            }
        };
        let mut transport = Self {
            token: Rc::clone(token),
            kek,
            handle,
            pair: Some(pair),
            wrap,
            flavour: Flavour::Kwp,
            hash,
            trusted,
            removed: Cell::new(false),
        };
        // The road, once it is known how the token wraps.
        match transport.try_flavour() {
            Ok(flavour) => transport.flavour = flavour,
            Err(error) => return Err(transport.remove(Some(&error)).err().unwrap_or(error)),
        }
        Ok(transport)
    }

    /// Takes the KEK away. The token forgets one of the session in any case; one that was marked as trusted stays
    /// until it is removed.
    ///
    /// # Errors
    /// [`HsmError::TrustedLeft`].
    pub fn end(self) -> Result<(), HsmError> {
        self.remove(None)
    }

    fn remove(&self, first: Option<&HsmError>) -> Result<(), HsmError> {
        match &self.trusted {
            Some(id) if !self.removed.replace(true) => removed(&self.token, self.handle, id, first),
            _ => Ok(()),
        }
    }

    pub(super) fn token(&self) -> &Token {
        &self.token
    }

    /// The KEK in the token.
    pub(super) const fn handle(&self) -> ObjectHandle {
        self.handle
    }

    /// The number of the mechanism by which keys are wrapped.
    pub(super) const fn mechanism(&self) -> u64 {
        self.wrap.mechanism
    }

    /// Whether the KEK was marked as trusted.
    pub(super) const fn is_trusted(&self) -> bool {
        self.trusted.is_some()
    }

    /// The hash in OAEP.
    #[must_use]
    pub const fn hash(&self) -> OaepHash {
        self.hash
    }

    /// How it wraps, for records: `CKM_AES_KEY_WRAP_PAD (RFC 5649)`.
    #[must_use]
    pub fn wrapping(&self) -> String {
        let flavour = match self.flavour {
            Flavour::Kwp => "RFC 5649",
            Flavour::Padded => "PKCS#7 under RFC 3394",
        };
        format!("{} ({flavour})", self.wrap.name)
    }

    /// The bytes of `key` as the token wraps them: a raw key, perhaps with zeros behind it, or PKCS#8.
    pub(super) fn out(&self, key: &KeyObject) -> Result<Option<SecretBytes>, HsmError> {
        let raw = &self.token.module.raw;
        let blob = raw.wrap(&self.token.session, self.wrap.mechanism, self.handle, key.handle);
        let refused = |code| match code {
            CKR_KEY_NOT_WRAPPABLE | CKR_KEY_UNEXTRACTABLE | CKR_KEY_FUNCTION_NOT_PERMITTED => {
                let why = "the token wraps no such key (CKR_KEY_NOT_WRAPPABLE or of that kind)";
                HsmError::StaysInside { object: key.name(), why }
            }
            code => HsmError::raw("wrapping a key out")(code),
        };
        Ok(self.opened(&blob.map_err(refused)?))
    }

    /// What is in a blob under the KEK. Both ways are checked for integrity, so that trying one after the other is
    /// safe.
    pub(super) fn opened(&self, blob: &[u8]) -> Option<SecretBytes> {
        kwp::unwrap(&self.kek, blob).or_else(|_| kwp::unwrap_padded(&self.kek, blob)).ok()
    }

    /// Whether the token lets `key` be wrapped. That it says no to such a key is an answer; any other code is none.
    ///
    /// # Errors
    /// [`HsmError::Refused`].
    pub(super) fn leaves(&self, key: &KeyObject) -> Result<bool, HsmError> {
        let raw = &self.token.module.raw;
        match raw.wrap(&self.token.session, self.wrap.mechanism, self.handle, key.handle) {
            Ok(_) => Ok(true),
            // The last is what one token says of a private key; the KEK itself may wrap, as was tried.
            Err(CKR_KEY_NOT_WRAPPABLE | CKR_KEY_UNEXTRACTABLE | CKR_KEY_FUNCTION_NOT_PERMITTED) => Ok(false),
            // What one token says of a KEK that isn't trusted.
            Err(CKR_WRAPPING_KEY_HANDLE_INVALID) if key.trusted_only && !self.is_trusted() => Ok(false),
            Err(code) => Err(HsmError::raw("seeing whether the key may leave the token")(code)),
        }
    }

    /// What the token makes of `key` when it wraps it under the key `under`.
    pub(super) fn blob(&self, under: &SecretBytes, key: &[u8]) -> Result<Vec<u8>, HsmError> {
        let blob = match self.flavour {
            Flavour::Kwp => kwp::wrap(under, key),
            Flavour::Padded => kwp::wrap_padded(under, key),
        };
        blob.map_err(|_| HsmError::Lacks {
            token: self.token.info.label.clone(),
            what: "room for a key of this length".to_owned(),
        })
    }

    /// Makes an object in the token of `template` and what comes `by_number`, whose key is `bytes`.
    pub(super) fn back(
        &self,
        bytes: &[u8],
        template: &[Attribute],
        by_number: &mut ByNumber,
    ) -> Result<ObjectHandle, HsmError> {
        let blob = self.blob(&self.kek, bytes)?;
        let raw = &self.token.module.raw;
        raw.unwrap(&self.token.session, self.wrap.mechanism, self.handle, &blob, template, by_number)
            .map_err(HsmError::raw("unwrapping a key in"))
    }

    /// A key of this session that is worth nothing and may leave.
    pub(super) fn worthless(&self) -> Result<ObjectHandle, HsmError> {
        let template = [
            Attribute::Token(false),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(true),
            Attribute::ValueLen(32.into()),
            Attribute::Encrypt(true),
        ];
        let key = self.token.session.generate_key(&Mechanism::AesKeyGen, &template);
        key.map_err(HsmError::call("making a key to try the wrapping with"))
    }

    /// Wraps a key that is worth nothing, to see how.
    fn try_flavour(&self) -> Result<Flavour, HsmError> {
        let session = &self.token.session;
        let key = self.worthless()?;
        let blob = self.token.module.raw.wrap(session, self.wrap.mechanism, self.handle, key);
        let _ = session.destroy_object(key);
        let blob = blob.map_err(HsmError::raw("trying the wrapping"))?;
        if kwp::unwrap(&self.kek, &blob).is_ok() {
            Ok(Flavour::Kwp)
        } else if kwp::unwrap_padded(&self.kek, &blob).is_ok() {
            Ok(Flavour::Padded)
        } else {
            Err(HsmError::Blob { object: "the key to try it with".to_owned() })
        }
    }
}

impl Token {
    /// Trusted wrapping keys that a run which was cut off has left in the token.
    ///
    /// # Errors
    /// [`HsmError::Refused`].
    pub fn left(&self) -> Result<Vec<KeyObject>, HsmError> {
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::Token(true),
            Attribute::Label(TRUSTED.to_vec()),
        ];
        let found = self.session.find_objects(&template);
        let found = found.map_err(HsmError::call("looking for wrapping keys"))?;
        found.into_iter().map(|handle| self.key(handle)).collect()
    }
}

/// Removes a trusted KEK; `first` is what went wrong before.
fn removed(token: &Token, kek: ObjectHandle, id: &[u8], first: Option<&HsmError>) -> Result<(), HsmError> {
    token.session.destroy_object(kek).map_err(|error| {
        let before = first.map_or_else(String::new, |first| format!("; before that: {first}"));
        let why = format!(" (it could not be removed: {}{before})", code(&error));
        HsmError::TrustedLeft { token: token.info.label.clone(), id: hex(id), why }
    })
}

impl Drop for Transport {
    fn drop(&mut self) {
        // They would vanish with the session; the sooner the better. One that is trusted was removed by `end`, or is
        // found by the next run.
        if self.trusted.is_none() || !self.removed.get() {
            let _ = self.token.session.destroy_object(self.handle);
        }
        if let Some((public, private)) = self.pair.take() {
            let _ = self.token.session.destroy_object(public);
            let _ = self.token.session.destroy_object(private);
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transport({}, {}, {:?})", self.hash, self.wrap.name, self.flavour)
    }
}

/// Makes a pair for this session; its handles, public first, and its public key. The officer has no private objects.
fn pair(token: &Token, officer: bool) -> Result<((ObjectHandle, ObjectHandle), WrappingKey), HsmError> {
    let public = [
        Attribute::Token(false),
        Attribute::ModulusBits(PAIR_BITS.into()),
        Attribute::PublicExponent(vec![1, 0, 1]),
        Attribute::Wrap(true),
        Attribute::Encrypt(false),
        Attribute::Verify(false),
    ];
    let private = [
        Attribute::Token(false),
        Attribute::Private(!officer),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Unwrap(true),
        Attribute::Decrypt(false),
        Attribute::Sign(false),
    ];
    let doing = "making the session's RSA pair";
    let made = token.session.generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &private);
    let pair = made.map_err(HsmError::call(doing))?;
    let odd = || HsmError::Refused { doing, code: "the public key that it gave is none".to_owned() };
    let key = token.rsa_public(pair.0)?.ok_or_else(odd)?;
    let to = WrappingKey::from_spki(key.spki()).map_err(|_| odd())?;
    Ok((pair, to))
}

/// The hash that the token takes: SHA-256, or SHA-1 when it is allowed.
fn first_hash(
    token: &Token,
    sha1: bool,
    mut send: impl FnMut(OaepHash) -> Result<ObjectHandle, Error>,
) -> Result<(ObjectHandle, OaepHash), HsmError> {
    let doing = "sending the wrapping key in by RSA-OAEP";
    match send(OaepHash::Sha256) {
        Ok(handle) => Ok((handle, OaepHash::Sha256)),
        // What tokens say that know SHA-1 only.
        Err(error)
            if is(&error, RvError::ArgumentsBad)
                || is(&error, RvError::MechanismParamInvalid)
                || is(&error, RvError::MechanismInvalid) =>
        {
            if !sha1 {
                return Err(HsmError::OnlySha1 { token: token.info.label.clone() });
            }
            send(OaepHash::Sha1).map(|handle| (handle, OaepHash::Sha1)).map_err(HsmError::call(doing))
        }
        Err(error) => Err(HsmError::call(doing)(error)),
    }
}

fn send(
    token: &Token,
    pair: ObjectHandle,
    to: &WrappingKey,
    hash: OaepHash,
    kek: &SecretBytes,
    trusted: Option<&[u8]>,
    entropy: &mut Entropy,
) -> Result<ObjectHandle, Error> {
    let blob = to.encrypt(hash, kek.expose(), entropy).map_err(|_| Error::InvalidValue)?;
    let (digest, mgf) = match hash {
        OaepHash::Sha1 => (MechanismType::SHA1, PkcsMgfType::MGF1_SHA1),
        _ => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
    };
    let mechanism = Mechanism::RsaPkcsOaep(PkcsOaepParams::new(digest, mgf, PkcsOaepSource::empty()));
    let mut template = vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        // The officer's login ends what belongs to the user's session: a trusted KEK is in the token.
        Attribute::Token(trusted.is_some()),
        Attribute::Private(trusted.is_none()),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Wrap(true),
        Attribute::Unwrap(true),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
    ];
    if let Some(id) = trusted {
        template.extend([
            Attribute::Trusted(true),
            Attribute::Label(TRUSTED.to_vec()),
            Attribute::Id(id.to_vec()),
        ]);
    }
    match token.session.unwrap_key(&mechanism, pair, &blob, &template) {
        // Some tokens want the length that others refuse.
        Err(error)
            if is(&error, RvError::TemplateIncomplete) || is(&error, RvError::TemplateInconsistent) =>
        {
            template.push(Attribute::ValueLen(32.into()));
            token.session.unwrap_key(&mechanism, pair, &blob, &template)
        }
        other => other,
    }
}
