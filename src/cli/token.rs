//! A token for a command: its module, the PIN, and what is said of it.
//!
//! The module is the one of `--module`, of the URI, or of the environment; the PIN comes from where the
//! arguments say, from the URI's `pin-source`, or is asked for. It is never an argument itself.

use super::args::Reach;
use super::failure::{DIFFERENCE, FAILED, Failure};
use super::files::read_secret;
use super::session::environment;
use super::terminal::{ask_unseen, is_interactive};
use quorate::hsm::{Allowed, Check, HsmError, Module, Pin, Token, TokenInfo, TokenUri, UriError};
use quorate::log::InToken;
use quorate::secret::SecretBytes;
use quorate::wire::json::{Json, object};
use std::path::{Path, PathBuf};

/// The longest line that a PIN is read from.
const LONGEST_PIN: usize = 1024;

/// The URI that an argument gives. Not read by the reader of arguments, which would repeat what it refuses: a PIN.
pub(crate) fn parse(argument: &str, text: &str) -> Result<TokenUri, Failure> {
    text.parse().map_err(|error: UriError| {
        Failure::usage(format!("{argument}: {error}")).hint("name the token as in pkcs11:token=LABEL")
    })
}

/// The module's file.
pub(crate) fn module_path(reach: &Reach, uri: Option<&TokenUri>) -> Result<PathBuf, Failure> {
    let named = reach.module.clone().or_else(|| uri.and_then(|uri| uri.module.as_ref()).map(PathBuf::from));
    named.or_else(|| environment("QUORATE_PKCS11_MODULE").map(PathBuf::from)).ok_or_else(|| {
        Failure::usage("no PKCS#11 module is named").hint(
            "name the file of the token's maker with --module, in the URI as ?module-path=FILE, or in QUORATE_PKCS11_MODULE",
        )
    })
}

/// Loads the module that is meant.
pub(crate) fn module(reach: &Reach, uri: Option<&TokenUri>) -> Result<Module, Failure> {
    Ok(Module::load(&module_path(reach, uri)?)?)
}

/// The PIN of a token's user.
pub(crate) fn pin(reach: &Reach, uri: &TokenUri, token: &TokenInfo) -> Result<Pin, Failure> {
    if reach.pin_pad {
        return Ok(Pin::Pad);
    }
    if let Some(path) = &reach.pin_file {
        return first_line(path);
    }
    if let Some(number) = reach.pin_fd {
        return first_line(&PathBuf::from(format!("/dev/fd/{number}")));
    }
    if let Some(path) = uri.pin_file() {
        return first_line(Path::new(path));
    }
    if token.pin_pad {
        return Ok(Pin::Pad);
    }
    if !is_interactive() {
        return Err(Failure::usage(format!(
            "the PIN of token {} is not given, and there is no terminal to ask at",
            token.label
        ))
        .hint("add --pin-file FILE, --pin-fd NUMBER or --pin-pad"));
    }
    let typed = ask_unseen(&format!("PIN of token {} (it is tried once): ", token.label))?;
    let typed = typed.filter(|typed| !typed.is_empty());
    typed.map(Pin::Text).ok_or_else(|| {
        Failure::new(FAILED, "no PIN was typed").hint("run the command again with the PIN at hand")
    })
}

/// What is allowed on the way of a key.
pub(crate) fn allowed(reach: &Reach, user: &Pin) -> Result<Allowed, Failure> {
    let trusted = match &reach.so_pin_file {
        None => None,
        Some(path) => {
            let again = match user {
                Pin::Text(pin) => Pin::Text(SecretBytes::copy_of(pin.expose())),
                Pin::Pad => Pin::Pad,
            };
            Some((first_line(path)?, again))
        }
    };
    Ok(Allowed { sha1: reach.allow_oaep_sha1, trusted })
}

fn first_line(path: &Path) -> Result<Pin, Failure> {
    let mut line = read_secret(path, LONGEST_PIN)?;
    let end = line.expose().iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(line.len());
    line.truncate(end);
    if line.is_empty() {
        return Err(Failure::new(FAILED, format!("{}: its first line is empty", path.display()))
            .hint("write the PIN alone into its first line"));
    }
    Ok(Pin::Text(line))
}

/// An open token that no object is named in.
pub(crate) fn open<'m>(
    module: &'m Module,
    reach: &Reach,
    uri: &TokenUri,
) -> Result<(Token<'m>, Pin), Failure> {
    let info = module.find(&uri.without_object())?;
    let pin = pin(reach, uri, &info)?;
    Ok((Token::open(module, &info, &pin)?, pin))
}

/// A token for the log.
pub(crate) fn in_token(info: &TokenInfo) -> InToken {
    InToken::new(&info.label, &info.serial)
}

/// The checks that a key passed, in words.
pub(crate) fn words(checks: &[Check]) -> String {
    checks.iter().map(|check| check.words()).collect::<Vec<_>>().join("; ")
}

/// A token for programs.
pub(crate) fn info_json(info: &TokenInfo) -> Json<'static> {
    object([
        ("firmware", Some(Json::text(info.firmware.clone()))),
        ("initialised", Some(Json::Bool(info.initialised))),
        ("label", Some(Json::text(info.label.clone()))),
        ("manufacturer", Some(Json::text(info.manufacturer.clone()))),
        ("model", Some(Json::text(info.model.clone()))),
        ("pin", Some(Json::text(pin_state(info)))),
        ("serial", Some(Json::text(info.serial.clone()))),
        ("slot", Some(Json::Number(info.slot()))),
        ("uri", info.initialised.then(|| Json::text(info.uri().to_string()))),
    ])
}

/// What is known of a token's PIN.
pub(crate) const fn pin_state(info: &TokenInfo) -> &'static str {
    match info {
        TokenInfo { has_pin: false, .. } => "not set",
        TokenInfo { pin_locked: true, .. } => "locked",
        TokenInfo { pin_last: true, .. } => "one try left",
        TokenInfo { pin_low: true, .. } => "wrong tries were made",
        TokenInfo { pin_pad: true, .. } => "typed at its own pad",
        _ => "set",
    }
}

impl From<HsmError> for Failure {
    fn from(error: HsmError) -> Self {
        let status = if matches!(error, HsmError::NotTheKey { .. } | HsmError::Taken { .. }) {
            DIFFERENCE
        } else {
            FAILED
        };
        Self { status, message: error.to_string(), hint: Some(error.hint().to_owned()) }
    }
}
