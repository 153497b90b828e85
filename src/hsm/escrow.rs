//! A key's way out of a token into a backup.
//!
//! [`Token::generate`] makes a key that may leave, [`Transport::escrow`] wraps it out and proves that what came
//! out is what the token has, and [`Transport::close`] shuts the door behind it. The way back is in `restore`.

use super::keep;
use super::object::{KeyObject, allowed};
use super::proof::Check;
use super::public::{forms, named};
use super::refusal::HsmError;
use super::token::Token;
use super::transport::Transport;
use crate::key::{KeyKind, KeyMaterial, PublicKey, import};
use crate::primitive::random::Entropy;
use crate::secret::{SecretBytes, scrubbed};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectHandle};
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
    /// Whether the token says that it has drawn it at random itself, as a secret key.
    pub at_random: bool,
    /// What it has in the token and the backup hasn't, for people.
    pub not_kept: Vec<String>,
}

impl Token {
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

impl Transport {
    /// Wraps a key out and proves that it is the one in the token.
    ///
    /// # Errors
    /// [`HsmError::Kind`], [`HsmError::StaysInside`], [`HsmError::NotSound`], as for [`Transport::prove`].
    pub fn escrow(&self, object: &KeyObject, entropy: &mut Entropy) -> Result<Escrowed, HsmError> {
        // The module has the key on its way out, and our stack for its own.
        scrubbed(|| self.escrowed(object, entropy))
    }

    fn escrowed(&self, object: &KeyObject, entropy: &mut Entropy) -> Result<Escrowed, HsmError> {
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
        let material = self.material(object, kind)?;
        let proven = self.prove(object, &material, None, entropy)?;
        let (limits, mut not_kept) = token.limits(object)?;
        let mut public = None;
        if let Some(key) = material.public_spki().and_then(|spki| PublicKey::from_spki(spki).ok()) {
            let halves = token.halves(&object.id, &object.label, &key)?;
            public = halves.own.map(|(_, public)| public);
            if halves.others > 0 {
                not_kept.push(format!("{} public keys under its id that are not its own", halves.others));
            }
        }
        let mut attributes = keep::attributes(
            object,
            public.as_ref(),
            &token.info,
            self.wrapping(),
            self.hash().name(),
            &proven,
        );
        attributes.extend(limits.attributes());
        let at_random = token.drew(object)?;
        let (usage, checks) = (object.usage.clone(), proven.checks);
        Ok(Escrowed { material, usage, attributes, checks, at_random, not_kept })
    }

    /// The key that comes out of the token when `object` is wrapped.
    pub(super) fn material(&self, object: &KeyObject, kind: KeyKind) -> Result<KeyMaterial, HsmError> {
        let name = object.name();
        let bytes = self.out(object)?.ok_or_else(|| HsmError::Blob { object: name.clone() })?;
        let material = canonical(kind, bytes).and_then(|bytes| {
            if kind.is_asymmetric() {
                import(Some(kind), bytes.expose())
            } else {
                KeyMaterial::raw(kind, bytes)
            }
        });
        material.map_err(|error| HsmError::NotSound { object: name, error })
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
        let now = token.key(object.handle)?;
        if now.extractable == Some(true) || self.leaves(&now)? {
            let code = "it said yes, and the key may still leave".to_owned();
            return Err(HsmError::Refused { doing: "making the key stay in the token", code });
        }
        Ok(())
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
