//! Proof that a token holds a key: by what the key does there, never by what the token says of it.
//!
//! In: a key in a token, and the key itself. The token computes, we compute or verify, both are compared. A witness is
//! kept from the first token (a block that it encrypted, a code or a signature that it made): the last token must
//! open or repeat it. One proof at least, or none is claimed.

use super::object::KeyObject;
use super::refusal::{HsmError, is};
use super::token::Token;
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
}

impl Check {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Ecb, Self::Cmac, Self::Witness, Self::Mac, Self::Signature, Self::Decryption];

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

impl Token<'_> {
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
        let mut trial = Trial { token: self, object, key, checks: Vec::new(), witness: None };
        match key.kind() {
            KeyKind::Aes128 | KeyKind::Aes256 => trial.aes(&fresh, before)?,
            kind if kind.is_asymmetric() => trial.pair(&fresh, before, entropy)?,
            _ => trial.mac(&fresh, before)?,
        }
        if trial.checks.is_empty() {
            return Err(HsmError::Unprovable { object: object.name() });
        }
        Ok(Proven { checks: trial.checks, witness: trial.witness })
    }
}

struct Trial<'a, 'm> {
    token: &'a Token<'m>,
    object: &'a KeyObject,
    key: &'a KeyMaterial,
    checks: Vec<Check>,
    witness: Option<Witness>,
}

impl Trial<'_, '_> {
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

    fn aes(&mut self, fresh: &[u8; BLOCK], before: Option<&Witness>) -> Result<(), HsmError> {
        let (session, handle) = (&self.token.session, self.object.handle);
        let material = self.key.bytes();
        let ours = |block: &[u8; BLOCK]| block::encrypt(material.expose(), block);
        let zeros = [0; BLOCK];
        if self.may("encrypt")
            && let Some(theirs) =
                tried(session.encrypt(&Mechanism::AesEcb, handle, &zeros), "checking an AES key")?
        {
            self.passed(Check::Ecb, ours(&zeros).is_some_and(|ours| ours[..] == theirs[..]))?;
            // CMAC of one whole block is one more encryption, so it needs no right to sign.
            let l: [u8; BLOCK] = theirs.as_slice().try_into().unwrap_or_default();
            let doing = "checking an AES key";
            if let Some(theirs) =
                tried(session.encrypt(&Mechanism::AesEcb, handle, &block::subkey(l)), doing)?
            {
                let ours = block::cmac(material.expose(), &zeros);
                self.passed(Check::Cmac, ours.is_some_and(|ours| ours[..] == theirs[..]))?;
            }
            let made = session.encrypt(&Mechanism::AesEcb, handle, fresh);
            self.witness = tried(made, "making a witness")?.map(|made| Witness { plain: *fresh, made });
        }
        if self.may("sign")
            && !self.checks.contains(&Check::Cmac)
            && let Some(theirs) =
                tried(session.sign(&Mechanism::AesCMac, handle, &zeros), "checking an AES key")?
        {
            let ours = block::cmac(material.expose(), &zeros);
            self.passed(Check::Cmac, ours.is_some_and(|ours| ours[..] == theirs[..]))?;
        }
        if self.may("decrypt") {
            if let Some(before) = before {
                let opened =
                    tried(session.decrypt(&Mechanism::AesEcb, handle, &before.made), "opening the witness")?;
                if let Some(opened) = opened {
                    self.passed(Check::Witness, opened == before.plain)?;
                }
            } else if self.checks.is_empty() {
                // A key that may decrypt only: what we encrypt, it opens.
                let sent = ours(fresh).unwrap_or_default();
                if let Some(opened) =
                    tried(session.decrypt(&Mechanism::AesEcb, handle, &sent), "checking an AES key")?
                {
                    self.passed(Check::Decryption, opened == fresh)?;
                }
            }
        }
        Ok(())
    }

    fn mac(&mut self, fresh: &[u8; BLOCK], before: Option<&Witness>) -> Result<(), HsmError> {
        if !self.may("sign") {
            return Ok(());
        }
        let (session, handle) = (&self.token.session, self.object.handle);
        let (mechanism, length) = match self.key.kind() {
            KeyKind::Hmac224 => (Mechanism::Sha224Hmac, 28),
            KeyKind::Hmac384 => (Mechanism::Sha384Hmac, 48),
            KeyKind::Hmac512 => (Mechanism::Sha512Hmac, 64),
            _ => (Mechanism::Sha256Hmac, 32),
        };
        if let Some(theirs) = tried(session.sign(&mechanism, handle, fresh), "checking a secret")? {
            let ours = hash::hmac(length, self.key.bytes().expose(), fresh);
            self.passed(Check::Mac, ours.is_some_and(|ours| ours == theirs))?;
            self.witness = Some(Witness { plain: *fresh, made: theirs });
        }
        if let Some(before) = before
            && let Some(again) =
                tried(session.sign(&mechanism, handle, &before.plain), "repeating the witness")?
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
            && let Some(signature) = tried(self.sign(fresh), "signing a fresh message")?
        {
            self.passed(Check::Signature, public.verify(fresh, &signature))?;
            self.witness = Some(Witness { plain: *fresh, made: signature });
        }
        if self.may("decrypt")
            && let Ok(to) = WrappingKey::from_spki(spki)
        {
            self.decrypts(&to, fresh, entropy)?;
        }
        // It says that the key in the backup is the first token's, and nothing of this token: alone it proves nothing.
        if let Some(before) = before.filter(|_| !self.checks.is_empty()) {
            self.passed(Check::Witness, public.verify(&before.plain, &before.made))?;
        }
        Ok(())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let (session, handle) = (&self.token.session, self.object.handle);
        match self.key.kind() {
            KeyKind::EcP256 => session.sign(&Mechanism::Ecdsa, handle, &hash::sha256(&[message])),
            KeyKind::EcP384 => session.sign(&Mechanism::Ecdsa, handle, &hash::sha384(&[message])),
            KeyKind::EcP521 => session.sign(&Mechanism::Ecdsa, handle, &hash::sha512(&[message])),
            KeyKind::Ed25519 => {
                let params = EddsaParams::new(EddsaSignatureScheme::Ed25519);
                session.sign(&Mechanism::Eddsa(params), handle, message)
            }
            _ => session.sign(&Mechanism::Sha256RsaPkcs, handle, message),
        }
    }

    fn decrypts(
        &mut self,
        to: &WrappingKey,
        fresh: &[u8; BLOCK],
        entropy: &mut Entropy,
    ) -> Result<(), HsmError> {
        let hashes = [
            (OaepHash::Sha256, MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
            (OaepHash::Sha1, MechanismType::SHA1, PkcsMgfType::MGF1_SHA1),
        ];
        for (hash, digest, mgf) in hashes {
            let sent = to.encrypt(hash, fresh, entropy).map_err(|_| HsmError::NoEntropy)?;
            let mechanism = Mechanism::RsaPkcsOaep(PkcsOaepParams::new(digest, mgf, PkcsOaepSource::empty()));
            let opened = self.token.session.decrypt(&mechanism, self.object.handle, &sent);
            match tried(opened, "opening a fresh message")? {
                Some(opened) => return self.passed(Check::Decryption, opened == fresh),
                None => continue,
            }
        }
        Ok(())
    }
}

/// The answer of a token, or none when it doesn't do such a thing with such a key.
fn tried<T>(answer: Result<T, Error>, doing: &'static str) -> Result<Option<T>, HsmError> {
    const CANNOT: [RvError; 6] = [
        RvError::MechanismInvalid,
        RvError::MechanismParamInvalid,
        RvError::KeyFunctionNotPermitted,
        RvError::KeyTypeInconsistent,
        RvError::FunctionNotSupported,
        RvError::ArgumentsBad,
    ];
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
