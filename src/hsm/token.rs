//! A token that is open: a session that may write, with its user logged in.
//!
//! In: a token, a PIN or the word that it is typed at the token. One try and no more: some tokens erase
//! themselves after wrong ones. The login is the process's, so a second one is taken as done. The token is
//! logged out when [`Token`] is dropped.

use super::module::{Module, TokenInfo};
use super::refusal::{HsmError, code, is};
use crate::secret::SecretBytes;
use core::fmt;
use cryptoki::error::RvError;
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;

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

/// An open token.
pub struct Token<'m> {
    pub(super) module: &'m Module,
    pub(super) info: TokenInfo,
    pub(super) session: Session,
}

impl<'m> Token<'m> {
    /// Opens a token and logs its user in.
    ///
    /// # Errors
    /// [`HsmError::NotSetUp`], [`HsmError::PinWrong`], [`HsmError::PinLocked`], [`HsmError::PinLast`],
    /// [`HsmError::Refused`].
    pub fn open(module: &'m Module, info: &TokenInfo, pin: &Pin) -> Result<Self, HsmError> {
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
        if info.pin_locked {
            return Err(HsmError::PinLocked { token: name });
        }
        if info.pin_last && !info.pin_pad {
            return Err(HsmError::PinLast { token: name });
        }
        let session = module.library.open_rw_session(info.slot);
        let session = session.map_err(HsmError::call("opening a session"))?;
        let token = Self { module, info, session };
        token.login(Role::User, pin)?;
        Ok(token)
    }

    /// Logs somebody in.
    pub(super) fn login(&self, role: Role, pin: &Pin) -> Result<(), HsmError> {
        let token = || self.info.label.clone();
        let text = match pin {
            Pin::Pad if self.info.pin_pad => None,
            Pin::Pad => return Err(HsmError::Lacks { token: token(), what: "a pad for its PIN".to_owned() }),
            Pin::Text(bytes) => {
                let text = core::str::from_utf8(bytes.expose());
                let text = text.map_err(|_| HsmError::PinWrong { token: token(), last: false })?;
                // A box of its own size, which its type wipes.
                Some(AuthPin::new(text.into()))
            }
        };
        let user = match role {
            Role::User => UserType::User,
            Role::Officer => UserType::So,
        };
        match self.session.login(user, text.as_ref()) {
            Ok(()) => Ok(()),
            Err(error) if is(&error, RvError::UserAlreadyLoggedIn) => Ok(()),
            Err(error) if is(&error, RvError::PinLocked) => Err(HsmError::PinLocked { token: token() }),
            Err(error)
                if is(&error, RvError::PinIncorrect)
                    || is(&error, RvError::PinLenRange)
                    || is(&error, RvError::PinInvalid) =>
            {
                let now = self.module.now(&self.info);
                if now.as_ref().is_some_and(|now| now.pin_locked && role == Role::User) {
                    return Err(HsmError::PinLocked { token: token() });
                }
                Err(HsmError::PinWrong { token: token(), last: now.is_some_and(|now| now.pin_last) })
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

impl Drop for Token<'_> {
    fn drop(&mut self) {
        // A token that was taken away is logged out already.
        let _ = self.session.logout();
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.info.uri())
    }
}
