//! `quorate provider status`: what the services say now, compared with the log.
//!
//! For monitoring: one line a key version and place, exit status 4 when something there isn't as the log says.
//! Everything is asked before it ends; what could not be asked is said, and is exit status 1 when nothing
//! else is wrong. What a place uses for new work is looked at too: a version there that nobody escrowed is in no
//! backup, and what it encrypts is lost with it. Nothing is changed, there or here.

use super::{at, has_client, is_told, service_at};
use crate::cli::args::{Place, ProviderStatus, Reached};
use crate::cli::failure::{DIFFERENCE, FAILED, Failure};
use crate::cli::output::Output;
use crate::cli::places::{is_at, same_place, words};
use crate::cli::session::Session;
use quorate::key::{KeyKind, KeyName};
use quorate::log::{Held, Imported, ShredHow, State};
use quorate::online::{KeyState, Reported, Service};
use quorate::provider::{ProofKind, Provider, Target, whereabouts};
use quorate::wire::json::{Json, object};
use quorate::wire::time::Timestamp;
use std::collections::BTreeMap;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// What came of asking.
enum Asked {
    As(Reported),
    Other(Reported, String),
    Not(String),
}

impl Asked {
    /// What came back, if anything did.
    const fn reported(&self) -> Option<&Reported> {
        match self {
            Self::As(reported) | Self::Other(reported, _) => Some(reported),
            Self::Not(_) => None,
        }
    }
}

pub(crate) fn status(place: &Place, options: &ProviderStatus, output: &mut Output) -> Result<(), Failure> {
    let session = Session::of(place)?;
    let escrow = session.open()?;
    if let Some(name) = &options.name {
        escrow.version(name)?;
    }
    let mut services = BTreeMap::new();
    let mut all = Vec::new();
    for held in escrow.state().held().filter(|held| is_asked(held, options)) {
        let one = &held.imported;
        let name = KeyName { label: one.name.clone(), version: Some(one.version) };
        let kind = escrow.version(&name)?.backed.kind;
        let left = |ends: Timestamp| ends.since(escrow.now()) <= u64::from(options.soon).saturating_mul(DAY);
        let asked = match ask(held, kind, &mut services, &options.reached) {
            Asked::As(reported) => match ending(held, &reported, left) {
                None => Asked::As(reported),
                Some(why) => Asked::Other(reported, why),
            },
            asked => asked,
        };
        all.push((held, name, asked));
    }
    let used: Vec<Option<String>> =
        all.iter().map(|(held, ..)| unknown(escrow.state(), held, &all)).collect();
    for ((_, _, asked), used) in all.iter_mut().zip(used) {
        let Some(used) = used else { continue };
        *asked = match core::mem::replace(asked, Asked::Not(String::new())) {
            Asked::As(reported) => Asked::Other(reported, used),
            Asked::Other(reported, why) => Asked::Other(reported, format!("{why}; {used}")),
            asked @ Asked::Not(_) => asked,
        };
    }
    let (mut values, mut differences, mut unasked) = (Vec::new(), 0_usize, 0_usize);
    for (held, name, asked) in &all {
        let one = &held.imported;
        let head = format!("{name} at {}", words(escrow.state(), one));
        let (reported, found) = match asked {
            Asked::As(reported) => (Some(reported), None),
            Asked::Other(reported, why) => {
                differences = differences.saturating_add(1);
                (Some(reported), Some(why.clone()))
            }
            Asked::Not(why) => {
                unasked = unasked.saturating_add(1);
                (None, Some(format!("not asked: {why}")))
            }
        };
        let state = reported.map_or_else(String::new, |one| format!("{} ({})", one.state.name(), one.said));
        match &found {
            None => output.line(format!("{head}: {state}, as the log says")),
            Some(why) if state.is_empty() => output.line(format!("{head}: {why}")),
            Some(why) => output.line(format!("{head}: {state}; {why}")),
        }
        let time = |time: Option<Timestamp>| time.map(|time| Json::text(time.to_string()));
        if let Some(expires) = reported.and_then(|one| one.expires) {
            output.line(format!("  expires there at {expires}"));
        }
        values.push(object([
            ("asked", Some(Json::Bool(reported.is_some()))),
            ("current", reported.and_then(|one| one.current.clone()).map(Json::text)),
            ("deletion", time(reported.and_then(|one| one.deletion))),
            ("differs", Some(Json::Bool(matches!(asked, Asked::Other(..))))),
            ("expires", time(reported.and_then(|one| one.expires))),
            ("found", found.map(Json::text)),
            ("name", Some(Json::text(one.name.to_string()))),
            ("place", Some(Json::text(one.place.clone()))),
            ("provider", Some(Json::text(one.provider.name()))),
            ("said", reported.map(|one| Json::text(one.said.clone()))),
            ("state", reported.map(|one| Json::text(one.state.name()))),
            ("target", Some(names(one))),
            ("version", Some(Json::Number(one.version.get().into()))),
        ]));
    }
    let chosen = options.name.is_some() || options.at.is_some() || options.reached.server.is_some();
    if values.is_empty() && chosen {
        // A monitor whose filter has a slip would be at peace for ever.
        return Err(Failure::usage("the log knows of no such import")
            .hint("`quorate log show` has the imports, with provider and server"));
    }
    if values.is_empty() {
        output.line("the log knows of no import");
    }
    output.value(Json::List(values));
    match (differences, unasked) {
        (0, 0) => Ok(()),
        (0, _) => {
            output.finish()?;
            Err(Failure::new(FAILED, format!("{unasked} of the key versions could not be asked for"))
                .hint("the lines say why, and nothing is known of these now; of several servers, `--server HOST` asks one for its own keys"))
        }
        _ => {
            output.finish()?;
            Err(Failure::new(DIFFERENCE, format!("{differences} of the key versions are not as the log says"))
                .hint("find out who did it; `quorate import begin --again` brings a version back, `quorate shred` logs that one was stopped"))
        }
    }
}

fn is_asked(held: &Held, options: &ProviderStatus) -> bool {
    let one = &held.imported;
    let named = options.name.as_ref().is_none_or(|name| {
        name.label == one.name && name.version.is_none_or(|version| version == one.version)
    });
    named && options.at.is_none_or(|provider| provider == one.provider) && is_at(&options.reached, one)
}

/// A service for each place: one client may speak to one vault or server alone.
type Services = BTreeMap<(Provider, Target), Result<Box<dyn Service>, String>>;

fn ask(held: &Held, kind: KeyKind, services: &mut Services, reached: &Reached) -> Asked {
    let provider = held.imported.provider;
    if !has_client(provider) {
        return Asked::Not(format!("there is no client for {provider} here"));
    }
    let connected =
        || service_at(provider, reached, &held.imported.target).map_err(|failure| failure.message);
    let service =
        match services.entry((provider, whereabouts(&held.imported.names()))).or_insert_with(connected) {
            Ok(service) => service,
            Err(message) => return Asked::Not(message.clone()),
        };
    match service.report(&at(&held.imported, kind)) {
        Err(error) => Asked::Not(error.to_string()),
        Ok(reported) => match compare(held, &reported) {
            None if shows_nothing(held, &reported) => Asked::Not(format!(
                "it shows no {} by which the key would be known",
                held.imported.proof.name()
            )),
            None if reached.moved && !is_told(&at(&held.imported, kind), &reported, provider, true) => {
                Asked::Not("nothing that it shows tells this key from another server's".to_owned())
            }
            None => Asked::As(reported),
            Some(why) => Asked::Other(reported, why),
        },
    }
}

/// That what is there is another key than the log's.
pub(super) fn another(held: &Held, reported: &Reported) -> Option<String> {
    if !matches!(reported.state, KeyState::Enabled | KeyState::Waiting | KeyState::Disabled) {
        return None;
    }
    let imported = &held.imported;
    let other = |ours: Option<&String>, theirs: Option<&String>| {
        let (ours, theirs) = (ours?, theirs?);
        (ours != theirs).then(|| format!("it holds {theirs}, and the log says {ours}"))
    };
    other(Some(&imported.evidence), reported.evidence.as_ref())
        .or_else(|| other(imported.id.as_ref(), reported.id.as_ref()))
}

/// Whether what would tell the key from another isn't shown of one that is in use.
fn shows_nothing(held: &Held, reported: &Reported) -> bool {
    reported.state == KeyState::Enabled
        && reported.evidence.is_none()
        && matches!(held.imported.proof, ProofKind::PublicKey | ProofKind::MaterialId)
}

/// That a key which is in use ends there by itself: soon, or at all where it was imported without an end.
fn ending(held: &Held, reported: &Reported, is_soon: impl Fn(Timestamp) -> bool) -> Option<String> {
    let ends = reported.expires.filter(|_| held.stopped.is_none())?;
    let unwanted = held.imported.provider == Provider::Aws;
    (unwanted || is_soon(ends))
        .then(|| format!("it ends there by itself at {ends}; `quorate import begin --again` brings it again"))
}

/// That a place uses for new work what no record of the log brought there, or a version that was put aside for a later
/// one. It is said once for each place, of what was brought there last.
fn unknown(state: &State, held: &Held, all: &[(&Held, KeyName, Asked)]) -> Option<String> {
    let asked = all.iter().filter(|(other, ..)| same_place(held, other));
    let reports = || asked.clone().filter_map(|(other, _, asked)| Some((*other, asked.reported()?)));
    let (last, _) = reports().max_by_key(|(other, _)| (other.time, other.imported.version))?;
    let current = reports().find_map(|(_, reported)| reported.current.as_ref())?;
    if last != held {
        return None;
    }
    let there = || state.held().filter(|other| same_place(held, other));
    let is_current = |other: &&Held| {
        let seen = reports().find(|(one, _)| one == other).and_then(|(_, reported)| reported.id.as_ref());
        other.imported.id.as_ref().or(seen) == Some(current) || other.imported.evidence == *current
    };
    let Some(used) = there().find(is_current) else {
        // One that was recorded by hand, and was not asked for now, may be it.
        let unnamed = |other: &Held| other.imported.id.is_none() && !reports().any(|(one, _)| one == other);
        return (!there().any(unnamed)).then(|| {
            format!(
                "it uses {current} for new work, which no import of the log brought there: it is in no backup"
            )
        });
    };
    let later = |other: &Held| {
        other.stopped.is_none()
            && other.imported.name == used.imported.name
            && other.imported.version > used.imported.version
            && other.time > used.time
    };
    there().any(later).then(|| {
        format!(
            "version {} is used there for new work: run `quorate import finish` again",
            used.imported.version
        )
    })
}

/// All names of a place, for programs.
fn names(imported: &Imported) -> Json<'static> {
    let name = |(field, value): (String, String)| (field.into(), Json::text(value));
    Json::Object(imported.names().into_iter().map(name).collect())
}

/// What is not as the log says; the worst of it.
fn compare(held: &Held, reported: &Reported) -> Option<String> {
    use KeyState::{Disabled, Empty, Enabled, Ending, Gone};
    let stopped = held.stopped.as_ref().map(|(_, stopped)| stopped.shred.how);
    let wanted: &[KeyState] = match stopped {
        None => &[Enabled],
        Some(ShredHow::Disable) => &[Disabled],
        Some(ShredHow::Delete) => &[Empty, Gone, Ending],
        // Where a destroyed version leaves a place for the same material, that is as gone as it gets.
        Some(ShredHow::Destroy) => &[Empty, Ending, Gone],
    };
    let found = another(held, reported);
    if found.is_some() {
        return found;
    }
    if wanted.contains(&reported.state) {
        let loose = reported.loose.filter(|_| stopped.is_none());
        return loose.map(|may| format!("the key {may}, which no import asks for"));
    }
    Some(match (stopped, reported.state) {
        (None, Ending) => match reported.deletion {
            Some(time) => format!("the log does not say that it is to be deleted at {time}"),
            None => "the log does not say that it is to be deleted".to_owned(),
        },
        (None, KeyState::Waiting) => {
            "it is there, and not in use yet: run `quorate import finish` again".to_owned()
        }
        (None, _) => "the log says that it is in use".to_owned(),
        (Some(how), _) => format!("the log says that it was stopped ({})", how.name()),
    })
}
