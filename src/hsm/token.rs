//! A token that is open: a session that may write, with its user logged in.
//!
//! In: a token, a PIN or the word that it is typed at the token. One try and no more, and never the last one,
//! the user's or the security officer's: some tokens erase themselves after wrong ones. The login is the
//! process's, so a second one is taken as done. The token is logged out when [`Token`] is dropped. It shares its
//! module, so that it can be kept open beside it.

use super::module::{Module, TokenInfo};
use super::refusal::{HsmError, code, is};
use crate::secret::{SecretBytes, scrubbed};
use core::fmt;
use cryptoki::error::RvError;
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use std::rc::Rc;

/// What opens a token.
#[derive(Debug)]
pub enum Pin {
    /// The PIN.
    Text(SecretBytes),
    /// It is typed at the token's own pad.
    Pad,
}

/// Who logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The user, who has the keys.
    User,
    /// The security officer, who sets the user's PIN and says which wrapping keys are trusted.
    Officer,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "the user's",
            Self::Officer => "the security officer's",
        })
    }
}

/// An open token.
pub struct Token {
    pub(super) module: Rc<Module>,
    pub(super) info: TokenInfo,
    pub(super) session: Session,
}

impl Token {
    /// Opens a token and logs its user in.
    ///
    /// # Errors
    /// [`HsmError::NotSetUp`], [`HsmError::PinWrong`], [`HsmError::PinLocked`], [`HsmError::PinLast`],
    /// [`HsmError::Refused`].
    pub fn open(module: &Rc<Module>, info: &TokenInfo, pin: &Pin) -> Result<Self, HsmError> {
        // As it is now: the PIN may have been locked since it was listed, or another token be in its slot.
        let now = module.now(info).filter(|now| (&now.label, &now.serial) == (&info.label, &info.serial));
        let info = now.ok_or_else(|| HsmError::no_token(&info.uri(), Vec::new()))?;
        let name = info.label.clone();
        if !info.has_pin {
            return Err(HsmError::NotSetUp { token: name, what: "its user has no PIN" });
        }
        if info.write_protected {
            return Err(HsmError::NotSetUp { token: name, what: "it is write-protected" });
        }
        may_try(&info, Role::User)?;
        let session = module.library.open_rw_session(info.slot);
        let session = session.map_err(HsmError::call("opening a session"))?;
        let token = Self { module: Rc::clone(module), info, session };
        token.login(Role::User, pin)?;
        Ok(token)
    }

    /// Logs somebody in.
    pub(super) fn login(&self, role: Role, pin: &Pin) -> Result<(), HsmError> {
        let token = || self.info.label.clone();
        let now = || self.module.now(&self.info);
        // The security officer's tries are as few as the user's, and were not looked at when the token was opened.
        may_try(now().as_ref().unwrap_or(&self.info), role)?;
        let text = match pin {
            Pin::Pad if self.info.pin_pad => None,
            Pin::Pad => return Err(HsmError::Lacks { token: token(), what: "a pad for its PIN".to_owned() }),
            Pin::Text(bytes) => {
                let text = core::str::from_utf8(bytes.expose());
                let text = text.map_err(|_| HsmError::PinWrong { token: token(), role, last: false })?;
                // A box of its own size, which its type wipes.
                Some(AuthPin::new(text.into()))
            }
        };
        let user = match role {
            Role::User => UserType::User,
            Role::Officer => UserType::So,
        };
        match scrubbed(|| self.session.login(user, text.as_ref())) {
            Ok(()) => Ok(()),
            Err(error) if is(&error, RvError::UserAlreadyLoggedIn) => Ok(()),
            Err(error) if is(&error, RvError::PinLocked) => Err(HsmError::PinLocked { token: token(), role }),
            Err(error)
                if is(&error, RvError::PinIncorrect)
                    || is(&error, RvError::PinLenRange)
                    || is(&error, RvError::PinInvalid) =>
            {
                let now = now().map(|now| now.tries(role));
                match now {
                    Some((_, true)) => Err(HsmError::PinLocked { token: token(), role }),
                    now => {
                        let last = now.is_some_and(|(last, _)| last);
                        Err(HsmError::PinWrong { token: token(), role, last })
                    }
                }
            }
            Err(error) if is(&error, RvError::UserPinNotInitialized) => {
                Err(HsmError::NotSetUp { token: token(), what: "its user has no PIN" })
            }
            Err(error) => Err(HsmError::Refused { doing: "logging in", code: code(&error) }),
        }
    }

    /// What the token says of itself.
    #[must_use]
    pub const fn info(&self) -> &TokenInfo {
        &self.info
    }

    /// Randomness of the token, to be mixed with the system's; nothing when it has none.
    #[must_use]
    pub fn randomness(&self) -> Option<SecretBytes> {
        let mut bytes = SecretBytes::zeroed(32);
        self.session.generate_random_slice(bytes.expose_mut()).ok()?;
        Some(bytes)
    }
}

impl TokenInfo {
    /// Whether one try of a PIN is left, and whether it is locked.
    const fn tries(&self, role: Role) -> (bool, bool) {
        match role {
            Role::User => (self.pin_last, self.pin_locked),
            Role::Officer => (self.officer_last, self.officer_locked),
        }
    }
}

/// Refuses what would spend the last try of a PIN.
fn may_try(info: &TokenInfo, role: Role) -> Result<(), HsmError> {
    let token = info.label.clone();
    match info.tries(role) {
        (_, true) => Err(HsmError::PinLocked { token, role }),
        (true, false) if !info.pin_pad => Err(HsmError::PinLast { token, role }),
        _ => Ok(()),
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // A token that was taken away is logged out already.
        let _ = self.session.logout();
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.info.uri())
    }
}
