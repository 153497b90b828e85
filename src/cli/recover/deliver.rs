//! Delivery: where a recovered key goes, how it is written, and what is said of it.
//!
//! The place is looked at before anybody is asked for a card. The key waits under a pending name until
//! `done` is in the log; only then does its file get its name.

use crate::cli::args::{KeyFormat, Recover};
use crate::cli::failure::Failure;
use crate::cli::files::Pending;
use crate::cli::hsm::{InPlace, TokenPlace};
use crate::cli::output::Output;
use crate::cli::token::parse;
use quorate::age::{self, Recipient};
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::recover::Gathering;
use quorate::key::{KeyKind, KeyMaterial, KeyRecord};
use quorate::log::InToken;
use quorate::primitive::random::Entropy;
use quorate::secret::SecretBytes;
use quorate::wire::json::{Json, object};
use std::path::PathBuf;

/// Where the key goes.
pub(in crate::cli) enum Destination {
    File(PathBuf),
    Age(Box<Recipient>, Option<PathBuf>),
    Token(Box<TokenPlace>),
}

pub(in crate::cli) fn destination(options: &Recover) -> Result<Destination, Failure> {
    let to = options.to()?;
    let wrong = || {
        Failure::usage(format!("--to {to:?} is no place for a key")).hint(
            "use file:PATH for a new file, age:RECIPIENT to encrypt it again, pkcs11:token=LABEL for a token, or package:DIR with --for",
        )
    };
    let (kind, rest) = to.split_once(':').ok_or_else(wrong)?;
    match kind {
        "file" if !rest.is_empty() => {
            if options.out.is_some() {
                return Err(Failure::usage("--out is for --to age:… only").hint("name one file, in --to"));
            }
            Ok(Destination::File(PathBuf::from(rest)))
        }
        "age" => {
            let recipient = rest.parse().map_err(|error: age::RecipientError| {
                Failure::usage(format!("--to: {error}"))
                    .hint("give the whole recipient, as in age:age1…; plugins are not for this")
            })?;
            Ok(Destination::Age(Box::new(recipient), options.out.clone()))
        }
        "pkcs11" => {
            let uri = parse("--to", to)?;
            Ok(Destination::Token(Box::new(TokenPlace::new(uri, options.reach.clone())?)))
        }
        _ => Err(wrong()),
    }
}

/// A key that waits to be released.
pub(in crate::cli) enum Waiting {
    File(Pending),
    Text(String),
    Token(Box<InPlace>),
}

impl Destination {
    pub(in crate::cli) const fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Age(..) => "age",
            Self::Token(_) => "token",
        }
    }

    /// Opens a token, and sees that the key can go in, before anybody is asked for a card; the token for
    /// the log.
    pub(in crate::cli) fn ready(&self, output: &Output) -> Result<Option<InToken>, Failure> {
        match self {
            Self::Token(place) => place.ready(output).map(Some),
            _ => Ok(None),
        }
    }

    /// Takes a key back that is delivered already, because the log can't be written: `intent` is the record that
    /// began it.
    pub(in crate::cli) fn undo(&self, waiting: &Waiting, escrow: &Escrow<'_>, intent: u64, output: &Output) {
        if let (Self::Token(place), Waiting::Token(key)) = (self, waiting) {
            place.undo(key, escrow, intent, output);
        }
    }

    /// Whether the key can go there: known before the custodians are asked for anything.
    pub(in crate::cli) fn is_free(&self) -> Result<(), Failure> {
        let (Self::File(path) | Self::Age(_, Some(path))) = self else { return Ok(()) };
        Pending::default().is_free(path)
    }

    /// Writes the key to where nobody looks yet.
    pub(in crate::cli) fn prepare(&self, key: &KeyRecord, format: KeyFormat) -> Result<Waiting, Failure> {
        // Nothing of it is written in another form when it goes to a token.
        let bytes = || encoded(key.material(), format);
        match self {
            Self::Token(place) => Ok(Waiting::Token(Box::new(place.restore(key)?))),
            Self::File(path) => {
                let mut pending = Pending::default();
                pending.add(path.clone(), bytes()?.expose())?;
                Ok(Waiting::File(pending))
            }
            Self::Age(recipient, out) => {
                let file = age::encrypt(
                    bytes()?.expose(),
                    core::slice::from_ref(&**recipient),
                    &mut Entropy::system(),
                )?;
                let armored = age::armor(&file);
                match out {
                    None => Ok(Waiting::Text(armored)),
                    Some(path) => {
                        let mut pending = Pending::default();
                        pending.add(path.clone(), armored.as_bytes())?;
                        Ok(Waiting::File(pending))
                    }
                }
            }
        }
    }
}

impl Waiting {
    /// The key in its token, when it went to one.
    pub(in crate::cli) fn restored(&self) -> Option<InPlace> {
        if let Self::Token(key) = self { Some((**key).clone()) } else { None }
    }

    /// The names of the checks that it passed in its token.
    pub(in crate::cli) fn checks(&self) -> Vec<String> {
        if let Self::Token(key) = self { key.checks() } else { Vec::new() }
    }

    /// Releases the key; an age file that belongs into the result for programs is returned.
    pub(in crate::cli) fn deliver(self, output: &mut Output) -> Result<Option<String>, Failure> {
        match self {
            // It is where it belongs.
            Self::Token(_) => Ok(None),
            Self::File(pending) => pending.release().map(|_| None),
            Self::Text(text) if output.is_json() => Ok(Some(text)),
            Self::Text(text) => {
                output.raw(text.as_bytes());
                Ok(None)
            }
        }
    }
}

fn encoded(key: &KeyMaterial, format: KeyFormat) -> Result<SecretBytes, Failure> {
    match format {
        KeyFormat::Der => Ok(key.to_file_bytes()),
        KeyFormat::Auto => Ok(key.to_pem().unwrap_or_else(|| key.to_file_bytes())),
        KeyFormat::Pem => key.to_pem().ok_or_else(|| no_pem(key.kind())),
    }
}

pub(in crate::cli) fn no_pem(kind: KeyKind) -> Failure {
    Failure::usage(format!("a key of kind {kind} has no PEM form")).hint("leave out --format for raw bytes")
}

pub(super) fn report(
    to: &Destination,
    key: &KeyRecord,
    gathering: &Gathering,
    milliseconds: u64,
    escrow: &Escrow<'_>,
    (age, restored): (Option<String>, Option<&InPlace>),
    output: &mut Output,
) {
    let facts = key.facts();
    let checkpoint = escrow.log().checkpoint().to_string();
    let place = match to {
        Destination::File(path) | Destination::Age(_, Some(path)) => path.display().to_string(),
        Destination::Age(_, None) => "standard output".to_owned(),
        Destination::Token(place) => place.shown(),
    };
    let words = [
        format!("recovered {} version {} ({}) to {place}", facts.label, facts.version, key.material().kind()),
        format!("  fingerprint {} matches the log", key.fingerprint().short()),
        format!("  custodians {}", gathering.names().join(", ")),
        format!("  checkpoint {checkpoint}"),
    ];
    // What is written to standard output may be the key's file: the words go beside it.
    let beside = matches!(to, Destination::Age(_, None));
    for line in words {
        if beside {
            output.note(line);
        } else {
            output.line(line);
        }
    }
    let newest =
        escrow.state().keys().get(&facts.label).and_then(|key| key.versions.keys().next_back().copied());
    if let Some(newest) = newest.filter(|newest| *newest != facts.version) {
        output.note(format!("this is an older version: the newest is {newest}"));
    }
    output.value(object([
        ("age", age.map(Json::text)),
        ("checkpoint", Some(Json::text(checkpoint))),
        ("checks", restored.map(|key| Json::List(key.checks().into_iter().map(Json::text).collect()))),
        ("custodians", Some(Json::List(gathering.names().into_iter().map(Json::text).collect()))),
        ("fingerprint", Some(Json::text(key.fingerprint().to_string()))),
        ("kind", Some(Json::text(key.material().kind().name()))),
        ("milliseconds", Some(Json::Number(milliseconds))),
        ("name", Some(Json::text(facts.label.to_string()))),
        (
            "not-taken",
            restored.map(|key| Json::List(key.not_given().iter().map(|what| Json::text(*what)).collect())),
        ),
        ("to", Some(Json::text(place))),
        ("version", Some(Json::Number(facts.version.get().into()))),
    ]));
}
