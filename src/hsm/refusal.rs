//! What a token, its module or its keys can refuse, each with the next step for the operator.
//!
//! Codes of PKCS#11 are given by name beside what was being done: the same code means different things on
//! different tokens, and the name is what a maker's support asks for.

use super::token::Role;
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
    #[error("token {token} refuses {role} PIN; it was tried once{}", if *.last { ", and one try is left before the token locks it" } else { "" })]
    PinWrong {
        /// The token.
        token: String,
        /// Whose.
        role: Role,
        /// Whether the token says that one try is left.
        last: bool,
    },
    /// The PIN is locked.
    #[error("{role} PIN of token {token} is locked after too many wrong tries")]
    PinLocked {
        /// The token.
        token: String,
        /// Whose.
        role: Role,
    },
    /// One try is left, which isn't spent by a program.
    #[error("one try of {role} PIN of token {token} is left: it was not spent")]
    PinLast {
        /// The token.
        token: String,
        /// Whose.
        role: Role,
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
    #[error(
        "{object} can't be proven to be the right key: it may do nothing here by which it could be (encrypt, decrypt, sign, verify, wrap, unwrap)"
    )]
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
    /// A key that went in, was not proven, and could not be removed again.
    #[error(
        "{first}; {object} (id {id}) is LEFT in token {token}, unproven: it could not be removed ({code})"
    )]
    Left {
        /// The key.
        object: String,
        /// Its id in hexadecimal.
        id: String,
        /// The token.
        token: String,
        /// Why it was not removed.
        code: String,
        /// What went wrong first.
        first: Box<HsmError>,
    },
    /// A trusted wrapping key that is still in the token.
    #[error(
        "token {token} still has the trusted wrapping key {id}: whoever has the user's PIN can let keys out under it{why}"
    )]
    TrustedLeft {
        /// The token.
        token: String,
        /// The wrapping key's id in hexadecimal.
        id: String,
        /// Why it was not removed, in brackets, or nothing.
        why: String,
    },
    /// Nothing in the log tells whether it is the key.
    #[error("nothing that the log has tells whether {object} is that key")]
    Unrecognised {
        /// The key.
        object: String,
    },
    /// Another public key has the id of the pair.
    #[error("token {token} has another public key with the id of {object}")]
    PublicTaken {
        /// The token.
        token: String,
        /// The key.
        object: String,
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
            Self::PinLocked { role: Role::User, .. } => "the security officer sets a new one",
            Self::PinLocked { role: Role::Officer, .. } => {
                "keys that are there work as before; ask the maker what is left to do, before anything is initialised anew"
            }
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
            Self::Left { .. } => {
                "don't use that key: remove it with the maker's program, or `pkcs11-tool --delete-object --id ID`, before anything else"
            }
            Self::TrustedLeft { .. } => "remove it now: `quorate hsm check URI --remove-left`",
            Self::Unrecognised { .. } => {
                "back it up once more: `quorate add NAME --from` makes a new version of it, and closes it in the same run"
            }
            Self::PublicTaken { .. } => {
                "remove that public key, or give it an id of its own: applications would take either"
            }
            Self::Refused { .. } => "docs/hsm.md lists what the codes mean on the tokens that are known",
            Self::NoEntropy => "the system's source of randomness must work before keys are handled",
        }
    }

    /// Whether the token went away, or forgot who was logged in: another session may do what this one couldn't.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        const CODES: [&str; 5] = [
            "CKR_SESSION_HANDLE_INVALID",
            "CKR_SESSION_CLOSED",
            "CKR_DEVICE_REMOVED",
            "CKR_TOKEN_NOT_PRESENT",
            "CKR_USER_NOT_LOGGED_IN",
        ];
        match self {
            Self::Refused { code, .. } => CODES.contains(&code.as_str()),
            Self::Left { first, .. } => first.is_gone(),
            _ => false,
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
