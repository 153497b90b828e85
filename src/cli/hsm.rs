//! `quorate hsm`: which tokens there are, what they can do for escrow, and why not.
//!
//! `list` and `show` look without logging in; `check` tries the whole road with a key that is worth
//! nothing; `close` finishes what a run that was cut off has left open.

use super::args::{Hsm, HsmCommand, Place, Reach};
use super::failure::{DIFFERENCE, Failure};
use super::output::{Output, plain};
use super::token::{allowed, info_json, module, on_road, open, parse, pin_state};
use quorate::hsm::{Ability, HsmError, KeyObject, Module, TokenInfo, TokenUri};
use quorate::key::KeyKind;
use quorate::wire::json::{Json, object};
use quorate::wire::text::hex;
use std::rc::Rc;

mod birth;
mod close;
mod drilled;
mod may_leave;
mod restore;
pub(super) use birth::{existing, in_token as born_in_token};
pub(super) use may_leave::may_leave;
pub(super) use restore::{InPlace, TokenPlace};

pub(crate) fn run(place: &Place, options: &Hsm, output: &mut Output) -> Result<(), Failure> {
    match &options.command {
        HsmCommand::List { reach } => list(reach, output),
        HsmCommand::Show { token, keys, reach } => show(&parse("the token", token)?, *keys, reach, output),
        HsmCommand::Check { token, remove_left, reach } => {
            check(&parse("the token", token)?, *remove_left, reach, output)
        }
        HsmCommand::Close { name, token, lost, reach } => {
            let token = token.as_deref().map(|token| parse("--token", token)).transpose()?;
            close::run(place, name, token.as_ref(), lost.as_deref(), reach, output)
        }
    }
}

fn list(reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let module = module(reach, None)?;
    let tokens = module.tokens()?;
    output.line(format!("module  {} ({})", module.path().display(), plain(&module.name())));
    let mut values = Vec::new();
    for token in &tokens {
        match token {
            Err(unreadable) => output
                .warn(format!("the token in slot {} can't be read: {}", unreadable.slot, unreadable.why)),
            Ok(token) if !token.initialised => {
                output.line(format!("slot {}: a token that is not initialised", token.slot()));
                values.push(info_json(token));
            }
            Ok(token) => {
                describe(token, output);
                values.push(info_json(token));
            }
        }
    }
    if tokens.is_empty() {
        output.line("no slot has a token");
    }
    output.value(object([
        ("module", Some(Json::text(module.path().display().to_string()))),
        ("tokens", Some(Json::List(values))),
    ]));
    Ok(())
}

fn describe(token: &TokenInfo, output: &mut Output) {
    output.line(format!("token   {}", plain(&token.label)));
    output.line(format!("  uri       {}", token.uri()));
    let make = format!("{} {}, firmware {}", token.manufacturer, token.model, token.firmware);
    output.line(format!("  make      {}", plain(&make)));
    output.line(format!("  pin       {}", pin_state(token)));
}

/// The kinds that a token may be asked for.
const KINDS: [KeyKind; 13] = [
    KeyKind::Aes128,
    KeyKind::Aes256,
    KeyKind::Hmac224,
    KeyKind::Hmac256,
    KeyKind::Hmac384,
    KeyKind::Hmac512,
    KeyKind::EcP256,
    KeyKind::EcP384,
    KeyKind::EcP521,
    KeyKind::Ed25519,
    KeyKind::Rsa2048,
    KeyKind::Rsa3072,
    KeyKind::Rsa4096,
];

fn show(uri: &TokenUri, keys: bool, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let module = module(reach, Some(uri))?;
    let info = module.find(&uri.without_object())?;
    let ability = Ability::of(&module, &info)?;
    describe(&info, output);
    let lacks = abilities(&ability, output);
    let mut values = Vec::new();
    if keys {
        let (token, _) = open(&module, reach, uri, output)?;
        for key in token.keys()? {
            output.line(key_line(&key));
            values.push(key_json(&key));
        }
        if values.is_empty() {
            output.line("keys    none");
        }
    }
    output.value(object([
        ("keys", keys.then_some(Json::List(values))),
        ("lacks", Some(Json::List(lacks.into_iter().map(Json::text).collect()))),
        ("token", Some(info_json(&info))),
    ]));
    Ok(())
}

/// Says what a token lists; what it lacks.
fn abilities(ability: &Ability, output: &mut Output) -> Vec<&'static str> {
    let lacks = ability.lacks_for_escrow();
    match ability.key_wrap() {
        Some(wrap) if lacks.is_empty() => {
            output.line(format!(
                "  escrow    keys can leave and come back ({}), as far as it lists",
                wrap.name
            ));
        }
        _ => {
            for what in &lacks {
                output.line(format!("  escrow    keys can't leave or come back: it lacks {what}"));
            }
        }
    }
    let made = |wanted: bool| {
        let fits =
            |kind: &&KeyKind| matches!(ability.lacks_for(**kind), Some(lack) if lack.is_none() == wanted);
        KINDS.iter().filter(fits).map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
    };
    output.line(format!("  makes     {}", made(true)));
    let not = made(false);
    if !not.is_empty() {
        output.line(format!("  not       {not}"));
    }
    lacks
}

fn key_line(key: &KeyObject) -> String {
    let may = key.usage.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let leaves = match (key.extractable, key.trusted_only) {
        (Some(false), _) => "can't leave",
        (Some(true), true) => "may leave under a trusted wrapping key",
        (Some(true), false) => "may leave",
        (None, _) => "it is not said whether it may leave",
    };
    let what = if key.private { "private key" } else { "secret key" };
    format!("key     {} ({} {what}, id {}): {leaves}; {may}", plain(&key.name()), key.type_name, hex(&key.id))
}

fn key_json(key: &KeyObject) -> Json<'static> {
    object([
        ("extractable", key.extractable.map(Json::Bool)),
        ("id", Some(Json::text(hex(&key.id)))),
        ("kind", key.kind.map(|kind| Json::text(kind.name()))),
        ("label", Some(Json::text(plain(&key.label)))),
        ("sensitive", key.sensitive.map(Json::Bool)),
        ("trusted_only", Some(Json::Bool(key.trusted_only))),
        ("type", Some(Json::text(key.type_name.clone()))),
        ("usage", Some(Json::List(key.usage.iter().map(|usage| Json::text(usage.clone())).collect()))),
    ])
}

fn check(uri: &TokenUri, remove_left: bool, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let module = module(reach, Some(uri))?;
    let info = module.find(&uri.without_object())?;
    describe(&info, output);
    let ability = Ability::of(&module, &info)?;
    let lacks = abilities(&ability, output);
    let tried =
        if lacks.is_empty() { Some(try_road(&module, uri, remove_left, reach, output)?) } else { None };
    if let Some(Tried { wrapping, oaep, .. }) = &tried {
        output.line(format!(
            "  tried     a wrapping key went in by RSA-OAEP with {oaep}; a key came out by {wrapping}"
        ));
    }
    let left = tried.as_ref().map_or(&[][..], |tried| &tried.left);
    for id in left {
        let fate = if remove_left { "is removed" } else { "is in the token" };
        output.line(format!("  left      a trusted wrapping key of a run that was cut off {fate} (id {id})"));
    }
    output.value(object([
        ("lacks", Some(Json::List(lacks.iter().map(|what| Json::text(*what)).collect()))),
        ("left", Some(Json::List(left.iter().map(|id| Json::text(id.clone())).collect()))),
        ("oaep", tried.as_ref().map(|tried| Json::text(tried.oaep.clone()))),
        ("token", Some(info_json(&info))),
        ("wrapping", tried.as_ref().map(|tried| Json::text(tried.wrapping.clone()))),
    ]));
    if tried.is_none() {
        output.finish()?;
        let message = format!("keys can't be escrowed out of token {}, or restored into it", info.label);
        return Err(Failure::new(DIFFERENCE, message)
            .hint("keep its keys by the maker's own means, or make new ones in a token that can"));
    }
    if let (Some(id), false) = (left.first(), remove_left) {
        output.finish()?;
        let (token, why) = (info.label, String::new());
        return Err(HsmError::TrustedLeft { token, id: id.clone(), why }.into());
    }
    Ok(())
}

/// What trying the road showed.
struct Tried {
    wrapping: String,
    oaep: String,
    /// The ids of trusted wrapping keys that were there before.
    left: Vec<String>,
}

fn try_road(
    module: &Rc<Module>,
    uri: &TokenUri,
    remove_left: bool,
    reach: &Reach,
    output: &mut Output,
) -> Result<Tried, Failure> {
    let (token, pin) = open(module, reach, uri, output)?;
    let mut left = Vec::new();
    for key in token.left()? {
        if remove_left {
            token.destroy(&key, None)?;
        }
        left.push(hex(&key.id));
    }
    on_road(&token, &allowed(reach, &pin)?, output, |transport, _, _| {
        Ok(Tried { wrapping: transport.wrapping(), oaep: transport.hash().name().to_owned(), left })
    })
}
