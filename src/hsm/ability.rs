//! What a token can do for escrow, and why not.
//!
//! In: the mechanisms that a token lists, by number, with what it says that they are for. Out: [`Ability`]. It is
//! asked before a key is made, never at the first disaster. Which hash OAEP takes and how keys are really
//! wrapped no list says: that is tried, in `transport`.

use super::module::{Module, TokenInfo};
use super::refusal::HsmError;
use crate::key::KeyKind;
use std::collections::BTreeMap;

const GENERATE: u64 = cryptoki_sys::CKF_GENERATE;
const GENERATE_PAIR: u64 = cryptoki_sys::CKF_GENERATE_KEY_PAIR;
const WRAP: u64 = cryptoki_sys::CKF_WRAP;
const UNWRAP: u64 = cryptoki_sys::CKF_UNWRAP;

const RSA_PAIR: u64 = cryptoki_sys::CKM_RSA_PKCS_KEY_PAIR_GEN;
const OAEP: u64 = cryptoki_sys::CKM_RSA_PKCS_OAEP;
const AES_GEN: u64 = cryptoki_sys::CKM_AES_KEY_GEN;
const GENERIC_GEN: u64 = cryptoki_sys::CKM_GENERIC_SECRET_KEY_GEN;
const EC_PAIR: u64 = cryptoki_sys::CKM_EC_KEY_PAIR_GEN;
const EDWARDS_PAIR: u64 = cryptoki_sys::CKM_EC_EDWARDS_KEY_PAIR_GEN;
/// `CKM_AES_KEY_WRAP_KWP` (RFC 5649) of PKCS#11 3.0.
const KWP: u64 = 0x210b;
/// `CKM_LUNA_AES_KWP`, vendor-defined 0x171: the same under a maker's number.
const LUNA_KWP: u64 = 0x8000_0171;
/// `CKM_AES_KEY_WRAP_PAD`: RFC 5649 on SoftHSM and nShield, PKCS#7 under RFC 3394 by the text of the standard.
const WRAP_PAD: u64 = 0x210a;

/// A mechanism that wraps keys of every length under an AES key, and what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyWrap {
    /// Its number.
    pub mechanism: u64,
    /// Its name.
    pub name: &'static str,
}

const WRAPS: [KeyWrap; 3] = [
    KeyWrap { mechanism: KWP, name: "CKM_AES_KEY_WRAP_KWP" },
    KeyWrap { mechanism: LUNA_KWP, name: "CKM_LUNA_AES_KWP" },
    KeyWrap { mechanism: WRAP_PAD, name: "CKM_AES_KEY_WRAP_PAD" },
];

/// What a token says that it can do.
#[derive(Debug, Clone)]
pub struct Ability {
    flags: BTreeMap<u64, u64>,
    luna: bool,
}

impl Ability {
    /// What `token` lists.
    ///
    /// # Errors
    /// [`HsmError::Refused`].
    pub fn of(module: &Module, token: &TokenInfo) -> Result<Self, HsmError> {
        let list = module.raw.mechanisms(token.slot());
        let list = list.map_err(HsmError::raw("listing the mechanisms"))?;
        let flags =
            list.into_iter().filter_map(|id| Some((id, module.raw.flags(token.slot(), id)?))).collect();
        let maker = token.manufacturer.to_lowercase();
        Ok(Self {
            flags,
            luna: maker.contains("safenet") || maker.contains("thales") || maker.contains("luna"),
        })
    }

    /// How many mechanisms it lists.
    #[must_use]
    pub fn count(&self) -> usize {
        self.flags.len()
    }

    fn has(&self, mechanism: u64, wanted: u64) -> bool {
        self.flags.get(&mechanism).is_some_and(|flags| flags & wanted == wanted)
    }

    /// How it wraps keys under an AES key: the standard's number first, then a maker's, then the older one.
    #[must_use]
    pub fn key_wrap(&self) -> Option<KeyWrap> {
        // A vendor's number means something else on another vendor's token.
        let known = |wrap: &&KeyWrap| wrap.mechanism != LUNA_KWP || self.luna;
        WRAPS.iter().filter(known).find(|wrap| self.has(wrap.mechanism, WRAP | UNWRAP)).copied()
    }

    /// What it lacks for keys to leave it and to come back: nothing when it can.
    #[must_use]
    pub fn lacks_for_escrow(&self) -> Vec<&'static str> {
        let needed = [
            (self.has(RSA_PAIR, GENERATE_PAIR), "the making of RSA pairs (CKM_RSA_PKCS_KEY_PAIR_GEN)"),
            (self.has(OAEP, UNWRAP), "unwrapping by RSA-OAEP (CKM_RSA_PKCS_OAEP)"),
            (self.key_wrap().is_some(), "AES key wrap with padding (CKM_AES_KEY_WRAP_KWP)"),
        ];
        needed.into_iter().filter_map(|(there, what)| (!there).then_some(what)).collect()
    }

    /// What it lacks to make a key of `kind`; `None` for a kind that no token is asked for.
    #[must_use]
    pub fn lacks_for(&self, kind: KeyKind) -> Option<Option<&'static str>> {
        let (there, what) = match kind {
            KeyKind::Aes128 | KeyKind::Aes256 => (self.has(AES_GEN, GENERATE), "CKM_AES_KEY_GEN"),
            KeyKind::Hmac224 | KeyKind::Hmac256 | KeyKind::Hmac384 | KeyKind::Hmac512 => {
                (self.has(GENERIC_GEN, GENERATE), "CKM_GENERIC_SECRET_KEY_GEN")
            }
            KeyKind::EcP256 | KeyKind::EcP384 | KeyKind::EcP521 => {
                (self.has(EC_PAIR, GENERATE_PAIR), "CKM_EC_KEY_PAIR_GEN")
            }
            KeyKind::Ed25519 => (self.has(EDWARDS_PAIR, GENERATE_PAIR), "CKM_EC_EDWARDS_KEY_PAIR_GEN"),
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
                (self.has(RSA_PAIR, GENERATE_PAIR), "CKM_RSA_PKCS_KEY_PAIR_GEN")
            }
            KeyKind::EcSecp256k1 | KeyKind::Opaque => return None,
        };
        Some((!there).then_some(what))
    }

    /// Refuses a token that can't do what a key of `kind` needs.
    ///
    /// # Errors
    /// [`HsmError::Lacks`], [`HsmError::NotInTokens`].
    pub fn require(&self, token: &TokenInfo, kind: KeyKind) -> Result<(), HsmError> {
        let lacks = |what: &str| HsmError::Lacks { token: token.label.clone(), what: what.to_owned() };
        if let Some(what) = self.lacks_for_escrow().first() {
            return Err(lacks(what));
        }
        match self.lacks_for(kind) {
            None => Err(HsmError::NotInTokens { kind }),
            Some(Some(what)) => Err(lacks(what)),
            Some(None) => Ok(()),
        }
    }
}
