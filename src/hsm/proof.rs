//! Proof that a token holds a key: by what the key does there, never by what the token says of it.
//!
//! In: a key in a token, and the key itself. The token computes, we compute or verify, both are compared. A witness is
//! kept from the first token (a block that it encrypted, a code or a signature that it made): the last token must
//! open or repeat it. One proof at least, or none is claimed. How a key is proven that may do nothing but wrap
//! is in `wraps`.

use super::object::KeyObject;
use super::refusal::{HsmError, is};
use super::token::Token;
use super::transport::Transport;
use crate::key::{KeyKind, KeyMaterial, OaepHash, PublicKey, WrappingKey};
use crate::primitive::block::{self, BLOCK};
use crate::primitive::hash;
use crate::primitive::random::Entropy;
use crate::wire::text::hex;
use core::fmt;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};

mod wraps;

/// A check that a key passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// The block of zeros, encrypted by AES.
    Ecb,
    /// The CMAC of a block of zeros.
    Cmac,
    /// What the token had that the key comes from: a block opened, or a code made again.
    Witness,
    /// The HMAC of a fresh message.
    Mac,
    /// A signature of a fresh message, under the public key that is in the log.
    Signature,
    /// A message that was encrypted to the public key, opened.
    Decryption,
    /// A code of a fresh message that we made, found right.
    Verify,
    /// A key of the session that the key wrapped: the same as we wrap.
    Wrap,
    /// A key that we wrapped under it, unwrapped and used.
    Unwrap,
}

impl Check {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Ecb,
        Self::Cmac,
        Self::Witness,
        Self::Mac,
        Self::Signature,
        Self::Decryption,
        Self::Verify,
        Self::Wrap,
        Self::Unwrap,
    ];

    /// Its name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ecb => "ecb",
            Self::Cmac => "cmac",
            Self::Witness => "witness",
            Self::Mac => "mac",
            Self::Signature => "signature",
            Self::Decryption => "decryption",
            Self::Verify => "verify",
            Self::Wrap => "wrap",
            Self::Unwrap => "unwrap",
        }
    }

    /// What it is, for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Ecb => "check value by AES-ECB",
            Self::Cmac => "check value by AES-CMAC",
            Self::Witness => "witness of the token that it comes from",
            Self::Mac => "HMAC of a fresh message",
            Self::Signature => "signature under the recorded public key",
            Self::Decryption => "decryption of a fresh message",
            Self::Verify => "HMAC of ours, found right",
            Self::Wrap => "wrapping of another key",
            Self::Unwrap => "unwrapping of another key",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// What a token made with a key, to be opened or repeated by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// What it was made of: 16 bytes.
    pub plain: [u8; BLOCK],
    /// What it made: a block, a code or a signature.
    pub made: Vec<u8>,
}

/// The checks that a key passed, and a witness of it for the next token.
#[derive(Debug, Clone)]
pub struct Proven {
    /// At least one.
    pub checks: Vec<Check>,
    /// What this token made.
    pub witness: Option<Witness>,
}

impl Transport {
    /// Proves that `object` is `key`.
    ///
    /// # Errors
    /// [`HsmError::NotTheKey`] for another key, [`HsmError::Unprovable`], [`HsmError::Refused`].
    pub fn prove(
        &self,
        object: &KeyObject,
        key: &KeyMaterial,
        before: Option<&Witness>,
        entropy: &mut Entropy,
    ) -> Result<Proven, HsmError> {
        let fresh: [u8; BLOCK] = entropy.public().map_err(|_| HsmError::NoEntropy)?;
        let mut trial = Trial { road: self, object, key, checks: Vec::new(), witness: None };
        match key.kind() {
            KeyKind::Aes128 | KeyKind::Aes256 => trial.aes(&fresh, before, entropy)?,
            kind if kind.is_asymmetric() => trial.pair(&fresh, before, entropy)?,
            _ => trial.mac(&fresh, before)?,
        }
        if trial.checks.is_empty() {
            return Err(HsmError::Unprovable { object: object.name() });
        }
        Ok(Proven { checks: trial.checks, witness: trial.witness })
    }
}

struct Trial<'a> {
    road: &'a Transport,
    object: &'a KeyObject,
    key: &'a KeyMaterial,
    checks: Vec<Check>,
    witness: Option<Witness>,
}

impl Trial<'_> {
    fn may(&self, usage: &str) -> bool {
        self.object.usage.contains(usage)
    }

    /// Notes a check that was passed, or says that it wasn't.
    fn passed(&mut self, check: Check, same: bool) -> Result<(), HsmError> {
        if same {
            if !self.checks.contains(&check) {
                self.checks.push(check);
            }
            Ok(())
        } else {
            Err(HsmError::NotTheKey { object: self.object.name(), check: check.words() })
        }
    }

    fn aes(
        &mut self,
        fresh: &[u8; BLOCK],
        before: Option<&Witness>,
        entropy: &mut Entropy,
    ) -> Result<(), HsmError> {
        const DOING: &str = "checking an AES key";
        let (session, handle) = (&self.road.token().session, self.object.handle);
        let material = self.key.bytes();
        let ours = |block: &[u8; BLOCK]| block::encrypt(material.expose(), block);
        let zeros = [0; BLOCK];
        if self.may("encrypt")
            && let Some(theirs) = self.road.token().block(self.object, &zeros, DOING)?
        {
            self.passed(Check::Ecb, ours(&zeros).is_some_and(|ours| ours[..] == theirs[..]))?;
            // CMAC of one whole block is one more encryption, so it needs no right to sign.
            let l: [u8; BLOCK] = theirs.as_slice().try_into().unwrap_or_default();
            if let Some(theirs) = self.road.token().block(self.object, &block::subkey(l), DOING)? {
                let ours = block::cmac(material.expose(), &zeros);
                self.passed(Check::Cmac, ours.is_some_and(|ours| ours[..] == theirs[..]))?;
            }
            let made = self.road.token().block(self.object, fresh, "making a witness")?;
            self.witness = made.map(|made| Witness { plain: *fresh, made });
        }
        if self.may("sign")
            && !self.checks.contains(&Check::Cmac)
            && let Some(theirs) = tried(session.sign(&Mechanism::AesCMac, handle, &zeros), DOING)?
        {
            let ours = block::cmac(material.expose(), &zeros);
            self.passed(Check::Cmac, ours.is_some_and(|ours| ours[..] == theirs[..]))?;
        }
        if self.may("decrypt") {
            if let Some(before) = before {
                if let Some(opened) =
                    self.road.token().opened(self.object, &before.made, "opening the witness")?
                {
                    self.passed(Check::Witness, opened == before.plain)?;
                }
            } else if self.checks.is_empty() {
                // A key that may decrypt only: what we encrypt, it opens.
                let sent = ours(fresh).unwrap_or_default();
                if let Some(opened) = self.road.token().opened(self.object, &sent, DOING)? {
                    self.passed(Check::Decryption, opened == fresh)?;
                }
            }
        }
        if self.checks.is_empty() && self.may("wrap") {
            self.wraps()?;
        }
        if self.checks.is_empty() && self.may("unwrap") {
            self.unwraps(fresh, entropy)?;
        }
        Ok(())
    }

    fn mac(&mut self, fresh: &[u8; BLOCK], before: Option<&Witness>) -> Result<(), HsmError> {
        let token = self.road.token();
        let usual = usual(self.key.kind());
        for (length, mechanism) in codes(usual) {
            let Some(ours) = hash::hmac(length, self.key.bytes().expose(), fresh) else { continue };
            if self.may("sign")
                && let Some(theirs) = token.code(self.object, &mechanism, fresh)?
            {
                self.passed(Check::Mac, ours == theirs)?;
                // A reader of the witness knows the usual code only.
                if length == usual {
                    self.witness = Some(Witness { plain: *fresh, made: theirs });
                }
                break;
            }
            if self.may("verify") {
                let found = match token.session.verify(&mechanism, self.object.handle, fresh, &ours) {
                    Err(error)
                        if is(&error, RvError::SignatureInvalid)
                            || is(&error, RvError::SignatureLenRange) =>
                    {
                        Some(false)
                    }
                    answer => tried(answer, "checking a secret")?.map(|()| true),
                };
                if let Some(right) = found {
                    self.passed(Check::Verify, right)?;
                    break;
                }
            }
        }
        let mechanism = codes(usual).next().filter(|_| self.may("sign"));
        if let Some((before, (_, mechanism))) = before.zip(mechanism)
            && let Some(again) = token.code(self.object, &mechanism, &before.plain)?
        {
            self.passed(Check::Witness, again == before.made)?;
        }
        Ok(())
    }

    fn pair(
        &mut self,
        fresh: &[u8; BLOCK],
        before: Option<&Witness>,
        entropy: &mut Entropy,
    ) -> Result<(), HsmError> {
        let spki = self.key.public_spki().unwrap_or_default();
        let Ok(public) = PublicKey::from_spki(spki) else { return Ok(()) };
        if self.may("sign")
            && let Some(signature) = signs(self.road.token(), self.object, self.key.kind(), fresh)?
        {
            self.passed(Check::Signature, public.verify(fresh, &signature))?;
            self.witness = Some(Witness { plain: *fresh, made: signature });
        }
        if self.may("decrypt")
            && let Ok(to) = WrappingKey::from_spki(spki)
        {
            self.decrypts(&to, fresh, entropy)?;
        }
        if self.checks.is_empty()
            && self.may("unwrap")
            && let Ok(to) = WrappingKey::from_spki(spki)
        {
            self.unwraps_from(&to, fresh, entropy)?;
        }
        // It says that the key in the backup is the first token's, and nothing of this token: alone it proves nothing.
        if let Some(before) = before.filter(|_| !self.checks.is_empty()) {
            self.passed(Check::Witness, public.verify(&before.plain, &before.made))?;
        }
        Ok(())
    }

    fn decrypts(
        &mut self,
        to: &WrappingKey,
        fresh: &[u8; BLOCK],
        entropy: &mut Entropy,
    ) -> Result<(), HsmError> {
        for (hash, mechanism) in oaeps() {
            let sent = to.encrypt(hash, fresh, entropy).map_err(|_| HsmError::NoEntropy)?;
            let opened = self.road.token().session.decrypt(&mechanism, self.object.handle, &sent);
            match tried(opened, "opening a fresh message")? {
                Some(opened) => return self.passed(Check::Decryption, opened == fresh),
                None => continue,
            }
        }
        Ok(())
    }
}

/// The bytes of the code that is usual for a secret key of `kind`.
const fn usual(kind: KeyKind) -> usize {
    match kind {
        KeyKind::Hmac224 => 28,
        KeyKind::Hmac384 => 48,
        KeyKind::Hmac512 => 64,
        _ => 32,
    }
}

/// The codes that are tried: the usual one, and the others for a key that has a type of its own, or is kept to one.
fn codes(usual: usize) -> impl Iterator<Item = (usize, Mechanism<'static>)> {
    let all = || {
        [
            (28, Mechanism::Sha224Hmac),
            (32, Mechanism::Sha256Hmac),
            (48, Mechanism::Sha384Hmac),
            (64, Mechanism::Sha512Hmac),
        ]
        .into_iter()
    };
    all().filter(move |(length, _)| *length == usual).chain(all().filter(move |(length, _)| *length != usual))
}

impl Token {
    /// A block that a key encrypts: by ECB, or by CBC of one block, which is the same, for a key that may not do the
    /// other. Nothing when it does neither.
    fn block(
        &self,
        key: &KeyObject,
        plain: &[u8; BLOCK],
        doing: &'static str,
    ) -> Result<Option<Vec<u8>>, HsmError> {
        let of = |mechanism: &Mechanism<'_>| self.session.encrypt(mechanism, key.handle, plain);
        match tried(of(&Mechanism::AesEcb), doing)? {
            None => tried(of(&Mechanism::AesCbc([0; BLOCK])), doing),
            made => Ok(made),
        }
    }

    /// The same the other way round.
    fn opened(&self, key: &KeyObject, made: &[u8], doing: &'static str) -> Result<Option<Vec<u8>>, HsmError> {
        let of = |mechanism: &Mechanism<'_>| self.session.decrypt(mechanism, key.handle, made);
        match tried(of(&Mechanism::AesEcb), doing)? {
            None => tried(of(&Mechanism::AesCbc([0; BLOCK])), doing),
            opened => Ok(opened),
        }
    }

    /// A code that a secret key makes.
    fn code(
        &self,
        key: &KeyObject,
        mechanism: &Mechanism<'_>,
        message: &[u8],
    ) -> Result<Option<Vec<u8>>, HsmError> {
        tried(self.session.sign(mechanism, key.handle, message), "making a code with a secret key")
    }

    /// What a secret key of `kind` makes of a question: a block encrypted, or the usual code of a message.
    pub(super) fn answers(
        &self,
        key: &KeyObject,
        kind: KeyKind,
        block: &[u8; BLOCK],
        message: &[u8],
    ) -> Result<Option<Vec<u8>>, HsmError> {
        match kind {
            KeyKind::Aes128 | KeyKind::Aes256 if key.usage.contains("encrypt") => {
                self.block(key, block, "asking an AES key")
            }
            KeyKind::Hmac224 | KeyKind::Hmac256 | KeyKind::Hmac384 | KeyKind::Hmac512
                if key.usage.contains("sign") =>
            {
                match codes(usual(kind)).next() {
                    Some((_, mechanism)) => self.code(key, &mechanism, message),
                    None => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }
}

/// A signature by a private key of `kind`; nothing when the token makes none.
pub(super) fn signs(
    token: &Token,
    key: &KeyObject,
    kind: KeyKind,
    message: &[u8],
) -> Result<Option<Vec<u8>>, HsmError> {
    let (session, handle) = (&token.session, key.handle);
    let made = match kind {
        KeyKind::EcP256 => session.sign(&Mechanism::Ecdsa, handle, &hash::sha256(&[message])),
        KeyKind::EcP384 => session.sign(&Mechanism::Ecdsa, handle, &hash::sha384(&[message])),
        KeyKind::EcP521 => session.sign(&Mechanism::Ecdsa, handle, &hash::sha512(&[message])),
        KeyKind::Ed25519 => {
            let params = EddsaParams::new(EddsaSignatureScheme::Ed25519);
            session.sign(&Mechanism::Eddsa(params), handle, message)
        }
        _ => session.sign(&Mechanism::Sha256RsaPkcs, handle, message),
    };
    tried(made, "signing a fresh message")
}

/// What tokens say of a thing that they don't do with such a key.
const CANNOT: [RvError; 6] = [
    RvError::MechanismInvalid,
    RvError::MechanismParamInvalid,
    RvError::KeyFunctionNotPermitted,
    RvError::KeyTypeInconsistent,
    RvError::FunctionNotSupported,
    RvError::ArgumentsBad,
];

/// RSA-OAEP with the hashes that are tried.
fn oaeps() -> [(OaepHash, Mechanism<'static>); 2] {
    let of = |digest, mgf| Mechanism::RsaPkcsOaep(PkcsOaepParams::new(digest, mgf, PkcsOaepSource::empty()));
    [
        (OaepHash::Sha256, of(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256)),
        (OaepHash::Sha1, of(MechanismType::SHA1, PkcsMgfType::MGF1_SHA1)),
    ]
}

/// The answer of a token, or none when it doesn't do such a thing with such a key.
fn tried<T>(answer: Result<T, Error>, doing: &'static str) -> Result<Option<T>, HsmError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if CANNOT.iter().any(|code| is(&error, *code)) => Ok(None),
        Err(error) => Err(HsmError::call(doing)(error)),
    }
}

impl Witness {
    /// The attributes of a key record that keep it.
    pub(super) fn attributes(&self) -> [(String, String); 2] {
        [("witness".to_owned(), hex(&self.plain)), ("witness-made".to_owned(), hex(&self.made))]
    }
}
