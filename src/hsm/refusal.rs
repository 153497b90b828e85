//! What a token, its module or its keys can refuse, each with the next step for the operator.
//!
//! Codes of PKCS#11 are given by name beside what was being done: the same code means different things on
//! different tokens, and the name is what a maker's support asks for.

use super::uri::TokenUri;
use crate::key::{ImportError, KeyKind};
use cryptoki::error::{Error, Rv, RvError};
use cryptoki_sys::CK_RV;

/// Why a token was not used, or gave no key, or took none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HsmError {
    /// The module's file can't be opened as one.
    #[error("{module} can't be loaded as a PKCS#11 module: {why}")]
    NotLoaded {
        /// The file.
        module: String,
        /// What the loader says.
        why: String,
    },
    /// The module was loaded and won't work.
    #[error("{module} refuses to work ({code})")]
    NotInitialised {
        /// The file.
        module: String,
        /// The code.
        code: String,
    },
    /// No token answers to the URI.
    #[error("no token answers to {wanted}; there {}", among(.found))]
    NoToken {
        /// The URI.
        wanted: String,
        /// The tokens that there are.
        found: Vec<String>,
    },
    /// More than one does.
    #[error("{} tokens answer to {wanted}: {}", .found.len(), .found.join(", "))]
    SeveralTokens {
        /// The URI.
        wanted: String,
        /// Their URIs.
        found: Vec<String>,
    },
    /// The token was never initialised, or its user has no PIN.
    #[error("token {token} is not set up: {what}")]
    NotSetUp {
        /// The token.
        token: String,
        /// What is missing.
        what: &'static str,
    },
    /// The PIN is wrong.
    #[error("token {token} refuses the PIN; it was tried once{}", if *.last { ", and one try is left before the token locks it" } else { "" })]
    PinWrong {
        /// The token.
        token: String,
        /// Whether the token says that one try is left.
        last: bool,
    },
    /// The PIN is locked.
    #[error("the PIN of token {token} is locked after too many wrong tries")]
    PinLocked {
        /// The token.
        token: String,
    },
    /// One try is left, which isn't spent by a program.
    #[error("one try of the PIN of token {token} is left: it was not spent")]
    PinLast {
        /// The token.
        token: String,
    },
    /// The token can't do what is needed.
    #[error("token {token} lacks {what}")]
    Lacks {
        /// The token.
        token: String,
        /// What it lacks.
        what: String,
    },
    /// The token's OAEP has no hash but SHA-1, which wasn't allowed.
    #[error("token {token} has RSA-OAEP with SHA-1 only")]
    OnlySha1 {
        /// The token.
        token: String,
    },
    /// No key answers to the URI.
    #[error("token {token} has no {what} that answers to {wanted}")]
    NoKey {
        /// The token.
        token: String,
        /// What was looked for.
        what: &'static str,
        /// The URI.
        wanted: String,
    },
    /// More than one does.
    #[error("{count} keys of token {token} answer to {wanted}")]
    SeveralKeys {
        /// The token.
        token: String,
        /// How many.
        count: usize,
        /// The URI.
        wanted: String,
    },
    /// A key of a kind that isn't kept.
    #[error("{object} is a key of a kind that is not kept here: {found}")]
    Kind {
        /// The key.
        object: String,
        /// What it is.
        found: String,
    },
    /// A kind that a token is not asked for.
    #[error("a key of kind {kind} is not made in a token")]
    NotInTokens {
        /// The kind.
        kind: KeyKind,
    },
    /// The key may not leave the token.
    #[error("{object} may not leave its token: {why}")]
    StaysInside {
        /// The key.
        object: String,
        /// Why.
        why: &'static str,
    },
    /// Another key has the id that the restored one must have.
    #[error("token {token} has another key with the id of {object}")]
    Taken {
        /// The token.
        token: String,
        /// The key.
        object: String,
    },
    /// A check by operation gave another answer: it is another key.
    #[error("{object} in the token is not the key that it should be: its {check} differs")]
    NotTheKey {
        /// The key.
        object: String,
        /// Which check.
        check: &'static str,
    },
    /// The key may do nothing by which it could be proven.
    #[error("{object} can't be proven to be the right key: it may neither encrypt, decrypt, sign nor wrap")]
    Unprovable {
        /// The key.
        object: String,
    },
    /// What came out of the token is no key.
    #[error("what the token gave for {object} is not a sound key: {error}")]
    NotSound {
        /// The key.
        object: String,
        /// Why.
        error: ImportError,
    },
    /// The blob that the token wrapped can't be opened.
    #[error("the token wrapped {object} in a way that is not known here")]
    Blob {
        /// The key.
        object: String,
    },
    /// A fact in the backup that can't be one.
    #[error("the backup says {field} of the token's key in a way that is not known here")]
    Fact {
        /// The attribute.
        field: &'static str,
    },
    /// Anything else that the token refuses.
    #[error("the token refused while {doing} ({code})")]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// The code.
        code: String,
    },
    /// No randomness.
    #[error("the system gave no randomness")]
    NoEntropy,
}

impl HsmError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotLoaded { .. } => {
                "name the maker's module with --module, in the URI's module-path, or in QUORATE_PKCS11_MODULE"
            }
            Self::NotInitialised { .. } => {
                "set up its configuration first (SoftHSM: is SOFTHSM2_CONF set, and the folder of its tokens there? kryoptic: KRYOPTIC_CONF?)"
            }
            Self::NoToken { .. } => "`quorate hsm list` shows the tokens",
            Self::SeveralTokens { .. } => "add the serial number: pkcs11:token=LABEL;serial=NUMBER",
            Self::NotSetUp { .. } => "initialise it with its maker's program, as docs/hsm.md says",
            Self::PinWrong { .. } => {
                "look the PIN up before the next try: tokens lock, and some erase themselves"
            }
            Self::PinLocked { .. } => "the security officer sets a new one",
            Self::PinLast { .. } => "log in once with the maker's own program, when you are sure of the PIN",
            Self::Lacks { .. } => "`quorate hsm check` says what the token can do; another token may do it",
            Self::OnlySha1 { .. } => "allow it by --allow-oaep-sha1: the log will say so",
            Self::NoKey { .. } => "`quorate hsm show --keys` lists the keys",
            Self::SeveralKeys { .. } => "add the id: pkcs11:token=LABEL;object=NAME;id=%01%02",
            Self::Kind { .. } => "the kinds are those of `quorate generate --help`",
            Self::NotInTokens { .. } => "generate it here, or choose another kind",
            Self::StaysInside { .. } => {
                "such a key can only be kept by the maker's own means; a new key can be made so that it may be backed up: `quorate generate --in`"
            }
            Self::Taken { .. } => {
                "look at it with `quorate hsm show --keys`; restore into another token, or remove it first"
            }
            Self::NotTheKey { .. } => "don't use it: the token was given something else, or is faulty",
            Self::Unprovable { .. } => "give the key a usage by which it can be proven",
            Self::NotSound { .. } | Self::Blob { .. } => {
                "the token is faulty, or of a make that is not known here: keep its model and firmware for a report"
            }
            Self::Fact { .. } => "use the program that made the backup, or recover the key to a file",
            Self::Refused { .. } => "docs/hsm.md lists what the codes mean on the tokens that are known",
            Self::NoEntropy => "the system's source of randomness must work before keys are handled",
        }
    }

    /// That a call was refused.
    pub(super) fn call(doing: &'static str) -> impl Fn(Error) -> Self {
        move |error| Self::Refused { doing, code: code(&error) }
    }

    /// As [`Self::call`], with a bare code.
    pub(super) fn raw(doing: &'static str) -> impl Fn(CK_RV) -> Self {
        move |found| Self::Refused { doing, code: raw_code(found) }
    }

    pub(super) fn no_token(wanted: &TokenUri, found: Vec<String>) -> Self {
        Self::NoToken { wanted: wanted.to_string(), found }
    }
}

fn among(found: &[String]) -> String {
    if found.is_empty() { "is none".to_owned() } else { format!("are {}", found.join(", ")) }
}

/// The name of an error's code.
pub(super) fn code(error: &Error) -> String {
    match error {
        Error::Pkcs11(code, _) => name(*code),
        other => other.to_string().chars().take(120).collect(),
    }
}

pub(super) fn raw_code(found: CK_RV) -> String {
    match Rv::from(found) {
        Rv::Error(code) => name(code),
        Rv::Ok => "CKR_OK".to_owned(),
    }
}

/// `CKR_PIN_INCORRECT` of `PinIncorrect`.
fn name(code: RvError) -> String {
    let mut name = "CKR".to_owned();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

/// Whether an error has this code.
pub(super) fn is(error: &Error, wanted: RvError) -> bool {
    matches!(error, Error::Pkcs11(code, _) if *code == wanted)
}
