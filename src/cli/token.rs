//! A token for a command: its module, the PIN, and what is said of it.
//!
//! The module is the one of `--module`, of the URI, or of the environment; the PIN comes from where the
//! arguments say, from the URI's `pin-source`, or is asked for. It is never an argument itself.

use super::args::Reach;
use super::failure::{DIFFERENCE, FAILED, Failure};
use super::files::read_secret;
use super::output::{Output, plain};
use super::session::environment;
use super::terminal::{ask_unseen, is_interactive};
use quorate::hsm::{Allowed, Check, HsmError, Module, Pin, Token, TokenInfo, TokenUri, Transport, UriError};
use quorate::log::InToken;
use quorate::primitive::random::Entropy;
use quorate::secret::SecretBytes;
use quorate::wire::json::{Json, object};
use quorate::wire::text::hex;
use std::path::{Path, PathBuf};
use std::rc::Rc;

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
pub(crate) fn module(reach: &Reach, uri: Option<&TokenUri>) -> Result<Rc<Module>, Failure> {
    Ok(Rc::new(Module::load(&module_path(reach, uri)?)?))
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

/// An open token that no object is named in. What a run that was cut off has left in it is said.
pub(crate) fn open(
    module: &Rc<Module>,
    reach: &Reach,
    uri: &TokenUri,
    output: &Output,
) -> Result<(Rc<Token>, Pin), Failure> {
    let info = module.find(&uri.without_object())?;
    let pin = pin(reach, uri, &info)?;
    let token = Token::open(module, &info, &pin)?;
    warn_of_left(&token, output)?;
    Ok((Rc::new(token), pin))
}

/// Names the trusted wrapping keys that are still in a token.
pub(crate) fn warn_of_left(token: &Token, output: &Output) -> Result<(), Failure> {
    for key in token.left()? {
        output.warn(format!(
            "token {} has a trusted wrapping key of a run that was cut off (id {}): whoever has the user's PIN can let keys out under it; `quorate hsm check URI --remove-left` removes it",
            plain(&token.info().label),
            hex(&key.id)
        ));
    }
    Ok(())
}

/// Opens the road out of a token, and takes it away again whatever becomes of `work`: a trusted wrapping key that
/// stays behind is an error of its own.
pub(crate) fn on_road<T>(
    token: &Rc<Token>,
    allowed: &Allowed,
    output: &mut Output,
    work: impl FnOnce(&Transport, &mut Entropy, &mut Output) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut entropy = Entropy::system();
    let transport = Transport::open(token, allowed, &mut entropy)?;
    let done = work(&transport, &mut entropy, output);
    match (done, transport.end()) {
        (done, Ok(())) => done,
        (Ok(_), Err(left)) => {
            output.finish()?;
            Err(left.into())
        }
        (Err(first), Err(left)) => {
            output.warn(format!("{left}; {}", left.hint()));
            Err(first)
        }
    }
}

/// What is allowed on the way back into a token, which needs no wrapping key that is trusted.
pub(crate) fn allowed_back(reach: &Reach) -> Result<Allowed, Failure> {
    if reach.so_pin_file.is_some() {
        return Err(Failure::usage("a key goes into a token without the security officer")
            .hint("leave out --so-pin-file, and keep that PIN where it is"));
    }
    Ok(Allowed { sha1: reach.allow_oaep_sha1, trusted: None })
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
        let status = match error {
            HsmError::NotTheKey { .. }
            | HsmError::Taken { .. }
            | HsmError::PublicTaken { .. }
            | HsmError::Unrecognised { .. }
            | HsmError::Left { .. }
            | HsmError::TrustedLeft { .. } => DIFFERENCE,
            _ => FAILED,
        };
        Self { status, message: error.to_string(), hint: Some(error.hint().to_owned()) }
    }
}
