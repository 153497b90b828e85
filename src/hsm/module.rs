//! A maker's PKCS#11 module, and the tokens behind it.
//!
//! In: the module's file. Out: what each token says of itself, and the one that a URI names. Tokens are found by
//! label and serial number, never by slot: slots are numbered anew when a token is initialised. A token whose
//! information can't be read doesn't hide the others. A process initialises a
//! module once; it is finalised when [`Module`] is dropped, so that nothing of a soft token stays behind.

use super::raw::Raw;
use super::refusal::{HsmError, code, is, raw_code};
use super::uri::TokenUri;
use core::fmt;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::RvError;
use cryptoki::slot::Slot;
use cryptoki_sys::{
    CK_FLAGS, CKF_PROTECTED_AUTHENTICATION_PATH, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED,
    CKF_TOKEN_INITIALIZED, CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_INITIALIZED,
    CKF_USER_PIN_LOCKED, CKF_WRITE_PROTECTED,
};
use std::path::{Path, PathBuf};

/// A module that is loaded and initialised.
pub struct Module {
    path: PathBuf,
    pub(super) library: Pkcs11,
    pub(super) raw: Raw,
    ours: bool,
}

/// What a token says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    pub(super) slot: Slot,
    /// Its label; empty when it was never initialised.
    pub label: String,
    /// Its serial number.
    pub serial: String,
    /// Its maker.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// The version of its firmware.
    pub firmware: String,
    /// Whether it is initialised.
    pub initialised: bool,
    /// Whether its user has a PIN.
    pub has_pin: bool,
    /// Whether the PIN is typed at the token itself.
    pub pin_pad: bool,
    /// Whether wrong tries of the PIN were made since the last right one, as far as it says.
    pub pin_low: bool,
    /// Whether one try of the PIN is left.
    pub pin_last: bool,
    /// Whether the PIN is locked.
    pub pin_locked: bool,
    /// Whether one try of the security officer's PIN is left.
    pub officer_last: bool,
    /// Whether the security officer's PIN is locked.
    pub officer_locked: bool,
    /// Whether it can't be written to.
    pub write_protected: bool,
}

/// A slot whose token can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The slot.
    pub slot: u64,
    /// Why.
    pub why: String,
}

impl Module {
    /// Loads and initialises the module in the file `path`.
    ///
    /// # Errors
    /// [`HsmError::NotLoaded`], [`HsmError::NotInitialised`].
    pub fn load(path: &Path) -> Result<Self, HsmError> {
        let module = path.display().to_string();
        let not_loaded = |why: String| HsmError::NotLoaded { module: module.clone(), why };
        if !path.is_file() {
            return Err(not_loaded("there is no such file".to_owned()));
        }
        let library = Pkcs11::new(path).map_err(|error| not_loaded(code(&error)))?;
        let flags = CInitializeFlags::OS_LOCKING_OK;
        let ours = match library.initialize(CInitializeArgs::new(flags)) {
            Ok(()) => true,
            Err(error) if is(&error, RvError::CryptokiAlreadyInitialized) => false,
            Err(error) => return Err(HsmError::NotInitialised { module, code: code(&error) }),
        };
        let raw = Raw::load(path).ok_or_else(|| not_loaded("it has no function list".to_owned()))?;
        Ok(Self { path: path.to_owned(), library, raw, ours })
    }

    /// The module's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The module's own name and version.
    #[must_use]
    pub fn name(&self) -> String {
        self.library.get_library_info().map_or_else(
            |_| "unknown".to_owned(),
            |info| {
                let version = info.library_version();
                let (major, minor) = (version.major(), version.minor());
                format!(
                    "{}, {} {major}.{minor}",
                    clean(info.manufacturer_id()),
                    clean(info.library_description())
                )
            },
        )
    }

    /// Every token, or why it can't be read.
    ///
    /// # Errors
    /// [`HsmError::Refused`] when not even the slots can be listed.
    pub fn tokens(&self) -> Result<Vec<Result<TokenInfo, Unreadable>>, HsmError> {
        let slots = self.library.get_slots_with_token().map_err(HsmError::call("listing the slots"))?;
        Ok(slots.into_iter().map(|slot| self.info(slot)).collect())
    }

    fn info(&self, slot: Slot) -> Result<TokenInfo, Unreadable> {
        let info = self.raw.token_info(slot.id());
        let info = info.map_err(|error| Unreadable { slot: slot.id(), why: raw_code(error) })?;
        let says = |flag: CK_FLAGS| info.flags & flag != 0;
        let text = |bytes: &[u8]| clean(&String::from_utf8_lossy(bytes));
        Ok(TokenInfo {
            slot,
            label: text(&info.label),
            serial: text(&info.serialNumber),
            manufacturer: text(&info.manufacturerID),
            model: text(&info.model),
            firmware: format!("{}.{}", info.firmwareVersion.major, info.firmwareVersion.minor),
            initialised: says(CKF_TOKEN_INITIALIZED),
            has_pin: says(CKF_USER_PIN_INITIALIZED),
            pin_pad: says(CKF_PROTECTED_AUTHENTICATION_PATH),
            pin_low: says(CKF_USER_PIN_COUNT_LOW),
            pin_last: says(CKF_USER_PIN_FINAL_TRY),
            pin_locked: says(CKF_USER_PIN_LOCKED),
            officer_last: says(CKF_SO_PIN_FINAL_TRY),
            officer_locked: says(CKF_SO_PIN_LOCKED),
            write_protected: says(CKF_WRITE_PROTECTED),
        })
    }

    /// What the token says of itself now.
    pub(super) fn now(&self, token: &TokenInfo) -> Option<TokenInfo> {
        self.info(token.slot).ok()
    }

    /// The one token that answers to `uri`.
    ///
    /// # Errors
    /// [`HsmError::NoToken`], [`HsmError::SeveralTokens`], [`HsmError::Refused`].
    pub fn find(&self, uri: &TokenUri) -> Result<TokenInfo, HsmError> {
        let all: Vec<TokenInfo> =
            self.tokens()?.into_iter().flatten().filter(|token| token.initialised).collect();
        let mut found: Vec<&TokenInfo> = all.iter().filter(|token| token.answers(uri)).collect();
        match (found.pop(), found.len()) {
            (Some(one), 0) => Ok(one.clone()),
            (None, _) => {
                Err(HsmError::no_token(uri, all.iter().map(|token| token.uri().to_string()).collect()))
            }
            (Some(last), _) => {
                let found = found.into_iter().chain([last]).map(|token| token.uri().to_string()).collect();
                Err(HsmError::SeveralTokens { wanted: uri.to_string(), found })
            }
        }
    }
}

impl TokenInfo {
    fn answers(&self, uri: &TokenUri) -> bool {
        let is =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        is(&uri.token, &self.label)
            && is(&uri.serial, &self.serial)
            && is(&uri.manufacturer, &self.manufacturer)
            && is(&uri.model, &self.model)
            && uri.slot.is_none_or(|slot| slot == self.slot.id())
    }

    /// The number of its slot, today.
    #[must_use]
    pub fn slot(&self) -> u64 {
        self.slot.id()
    }

    /// The URI that names this token and no other.
    #[must_use]
    pub fn uri(&self) -> TokenUri {
        TokenUri { token: Some(self.label.clone()), serial: Some(self.serial.clone()), ..TokenUri::default() }
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        if self.ours {
            // Nothing can be done about a module that doesn't end; the process ends soon.
            let _ = self.library.clone().finalize();
        }
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Module({})", self.path.display())
    }
}

/// What a token says, without what would disturb a terminal or a record.
fn clean(text: &str) -> String {
    text.trim_end_matches(['\0', ' ']).chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
