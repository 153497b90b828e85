//! Whether a key in a token is the one that a log knows: without the quorum, before anything is done to it.
//!
//! A label or an id is what somebody says. In: what the log has of a key version, as [`Known`]. A key that may leave is
//! wrapped out and compared; one that may not is made to sign, or to answer for its mark. A secret key without a mark
//! in the log is known by its id alone, and only by one that the program itself gave it.

use super::object::KeyObject;
use super::proof::signs;
use super::refusal::HsmError;
use super::transport::Transport;
use crate::key::{Fingerprint, KeyKind, KeyMaterial, Mark, PublicKey, Question};
use crate::primitive::block::BLOCK;
use crate::primitive::random::Entropy;
use crate::secret::scrubbed;

/// What a log knows of a key version.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its kind.
    pub kind: KeyKind,
    /// Its fingerprint, of which its mark was asked.
    pub fingerprint: Fingerprint,
    /// SHA-256 of its public key (SPKI, DER).
    pub spki: Option<[u8; 32]>,
    /// Its mark.
    pub mark: Option<Mark>,
    /// The id that it has in a token that it was born in.
    pub id: Vec<u8>,
}

/// How a key was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognised {
    /// It was wrapped out and compared.
    Compared,
    /// It did what only that key does.
    Asked,
    /// It has the id that the program gave it, and the log knows no more of it.
    Named,
}

impl Transport {
    /// Whether `object` is the key that the log knows.
    ///
    /// # Errors
    /// [`HsmError::NotTheKey`] for another one, [`HsmError::Unrecognised`] when nothing tells, [`HsmError::Refused`].
    pub fn recognise(
        &self,
        object: &KeyObject,
        known: &Known,
        entropy: &mut Entropy,
    ) -> Result<Recognised, HsmError> {
        scrubbed(|| self.recognised(object, known, entropy))
    }

    fn recognised(
        &self,
        object: &KeyObject,
        known: &Known,
        entropy: &mut Entropy,
    ) -> Result<Recognised, HsmError> {
        let differs = |check| HsmError::NotTheKey { object: object.name(), check };
        if object.kind != Some(known.kind) {
            return Err(differs("kind"));
        }
        let leaves = object.extractable != Some(false) && (self.is_trusted() || !object.trusted_only);
        if leaves {
            let material = self.material(object, known.kind)?;
            match same(&material, known) {
                Some(true) => return Ok(Recognised::Compared),
                Some(false) => return Err(differs("fingerprint in the log")),
                None => {}
            }
        }
        let asked = match known.kind {
            kind if kind.is_asymmetric() => self.asked_to_sign(object, known, entropy)?,
            _ => self.asked_for_its_mark(object, known)?,
        };
        match asked {
            Some(true) => Ok(Recognised::Asked),
            Some(false) => Err(differs("answer")),
            None if object.id == known.id => Ok(Recognised::Named),
            None => Err(HsmError::Unrecognised { object: object.name() }),
        }
    }

    /// By a signature, under a public key of the token that is the one in the log.
    fn asked_to_sign(
        &self,
        object: &KeyObject,
        known: &Known,
        entropy: &mut Entropy,
    ) -> Result<Option<bool>, HsmError> {
        let token = self.token();
        let fresh: [u8; BLOCK] = entropy.public().map_err(|_| HsmError::NoEntropy)?;
        let Some(public) = token.public_that(|key: &PublicKey| Some(key.spki_sha256()) == known.spki)? else {
            return Ok(None);
        };
        let signature =
            if object.usage.contains("sign") { signs(token, object, known.kind, &fresh)? } else { None };
        Ok(signature.map(|signature| public.verify(&fresh, &signature)))
    }

    /// By what a secret key makes of the question for its mark.
    fn asked_for_its_mark(&self, object: &KeyObject, known: &Known) -> Result<Option<bool>, HsmError> {
        let Some(mark) = known.mark else { return Ok(None) };
        let question = Question::of(&known.fingerprint);
        let made = self.token().answers(object, known.kind, &question.block(), question.message())?;
        Ok(made.map(|made| Mark::of_made(&made) == mark))
    }
}

/// Whether the log has what tells, and it tells the same.
fn same(material: &KeyMaterial, known: &Known) -> Option<bool> {
    match (known.spki, known.mark) {
        (Some(spki), _) => Some(material.spki_sha256() == Some(spki)),
        (None, Some(mark)) => Some(Mark::of(material, &known.fingerprint) == Some(mark)),
        (None, None) => None,
    }
}

impl Recognised {
    /// How, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Compared => "it was compared with the log",
            Self::Asked => "it does what the key in the log does",
            Self::Named => "it has the id that it was made with; the log says no more of it",
        }
    }
}
