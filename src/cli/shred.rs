//! `quorate shred`: a key is stopped or destroyed where providers hold it, and what still exists is said plainly.
//!
//! In: a key or one version of it; where it is, the log knows. The intent is logged first, then the service is
//! called (with the feature `online`) and its state read back, then `done` is logged; a run that was broken
//! off is run again, and ends the intent that is open. Without a client the provider's commands are printed,
//! and `--done` logs that a person ran them. The escrow's own backup and the cards are not touched: as long as
//! they exist, the key exists.

use super::args::{Place, ShredArgs};
use super::failure::{DIFFERENCE, FAILED, Failure};
use super::online;
use super::output::Output;
use super::places::{is_at, is_certified, same_place, there, words};
use super::request::fields;
use super::session::Session;
use super::terminal::{confirm, is_interactive};
use quorate::ceremony::escrow::{Escrow, backup_file};
use quorate::key::{KeyKind, KeyName};
use quorate::log::{Held, Op, Phase, Shred, ShredBy, ShredHow, Shredded};
use quorate::provider::{Provider, stop_words};
use quorate::wire::json::{Json, object};
use quorate::wire::time::Timestamp;

/// What is asked of a service.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "online"), expect(dead_code, reason = "without network nobody asks"))]
pub(crate) struct Stopping {
    pub(crate) how: ShredHow,
    pub(crate) days: Option<u8>,
    pub(crate) kind: KeyKind,
    /// Whether the log has a reason why it may be gone already: an intent that is open, or an earlier stop.
    pub(crate) resumed: bool,
    /// The names and proofs of all that the log knows in that place.
    pub(crate) known: Vec<String>,
    /// Whether what the log doesn't know goes too.
    pub(crate) with_others: bool,
}

/// What a service said after it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) state: &'static str,
    pub(crate) said: String,
    pub(crate) until: Option<Timestamp>,
}

pub(crate) fn run(place: &Place, options: &ShredArgs, output: &mut Output) -> Result<(), Failure> {
    let session = Session::of(place)?;
    let mut escrow = session.open()?;
    escrow.version(&options.name)?;
    let how = match (options.disable, options.name.version) {
        (true, _) => ShredHow::Disable,
        (false, Some(_)) => ShredHow::Delete,
        (false, None) => ShredHow::Destroy,
    };
    let mut left = Vec::new();
    for held in chosen(&escrow, options)? {
        match already(&escrow, &held, how, options)? {
            Some(by) => output.line(format!("{} is stopped already, says {by}", at(&escrow, &held))),
            None => left.push(held),
        }
    }
    // By hand too: the commands that are printed take as much.
    if !options.done {
        left.iter().try_for_each(|held| alone(&escrow, options, held, how, &left))?;
    }
    let by_hand: Vec<&Held> =
        left.iter().filter(|held| options.by_hand || !online::has_client(held.imported.provider)).collect();
    let mut values = Vec::new();
    if options.done {
        sure(&escrow, options, &left, how, "was it done there, by hand?")?;
        for held in &left {
            values.push(record_by_hand(&mut escrow, held, how, output)?);
        }
    } else if !by_hand.is_empty() {
        output.line("run there, in a shell that may do it; nothing was done or logged yet:");
        for held in by_hand {
            let one = &held.imported;
            output.line(format!(
                "  {}: {}",
                at(&escrow, held),
                stop_words(one.provider, &one.target, how != ShredHow::Disable)
            ));
        }
        output.line("then say so: the same command with --done");
        let value = remains(&escrow, options, values, output)?;
        output.value(value);
        return Ok(());
    } else if !left.is_empty() {
        sure(&escrow, options, &left, how, "go on?")?;
        for held in &left {
            values.push(stop(&mut escrow, held, how, options, output)?);
        }
    }
    let value = remains(&escrow, options, values, output)?;
    output.value(value);
    Ok(())
}

/// The versions that the log says are held, as the arguments choose them.
fn chosen(escrow: &Escrow<'_>, options: &ShredArgs) -> Result<Vec<Held>, Failure> {
    let name = &options.name;
    let fields = fields(&options.fields)?;
    let fits = |held: &&Held| {
        let one = &held.imported;
        one.name == name.label
            && name.version.is_none_or(|version| version == one.version)
            && options.at.is_none_or(|provider| provider == one.provider)
            && is_at(&options.reached, one)
            && fields.iter().all(|(field, value)| one.names().get(field) == Some(value))
            && (held.drill || !options.drilled)
    };
    let found: Vec<Held> = escrow.state().held().filter(fits).cloned().collect();
    if found.is_empty() && options.drilled {
        return Err(Failure::usage(format!(
            "the log knows of nothing that a drill of {name} put into a provider"
        ))
        .hint("`quorate log show` has the imports"));
    }
    if found.is_empty() {
        return Err(Failure::usage(format!("the log knows of no provider that took {name}"))
            .hint("`quorate log show` has the imports; what was never imported can't be stopped"));
    }
    Ok(found)
}

/// Whether the log says that it is stopped so, or more so.
fn is_stopped(held: &Held, how: ShredHow) -> bool {
    let rank = |how: ShredHow| match how {
        ShredHow::Disable => 0,
        ShredHow::Delete => 1,
        ShredHow::Destroy => 2,
    };
    held.stopped.as_ref().is_some_and(|(_, stopped)| rank(stopped.shred.how) >= rank(how))
}

/// Who says that it is stopped so: the log, and the service where it can be asked. What somebody has started
/// again there isn't stopped, whatever the log says.
fn already(
    escrow: &Escrow<'_>,
    held: &Held,
    how: ShredHow,
    options: &ShredArgs,
) -> Result<Option<&'static str>, Failure> {
    if !is_stopped(held, how) {
        return Ok(None);
    }
    if options.by_hand || options.done || !online::has_client(held.imported.provider) {
        return Ok(Some("the log"));
    }
    let seen = online::look(&options.reached, held, kind(escrow, held)?)?;
    Ok(still(seen.state, how).is_none().then_some("the log, and the provider"))
}

fn kind(escrow: &Escrow<'_>, held: &Held) -> Result<KeyKind, Failure> {
    let one = &held.imported;
    let name = KeyName { label: one.name.clone(), version: Some(one.version) };
    Ok(escrow.version(&name)?.backed.kind)
}

/// What it is and where, told from others.
fn at(escrow: &Escrow<'_>, held: &Held) -> String {
    let one = &held.imported;
    let test = if held.drill { ", a drill's test key" } else { "" };
    format!("{}@{} at {}{test}", one.name, one.version, words(escrow.state(), one))
}

/// Has it confirmed, by an argument or at the terminal.
fn sure(
    escrow: &Escrow<'_>,
    options: &ShredArgs,
    held: &[Held],
    how: ShredHow,
    question: &str,
) -> Result<(), Failure> {
    if options.yes || held.is_empty() {
        return Ok(());
    }
    let word = match how {
        ShredHow::Disable => "will be disabled",
        ShredHow::Delete => "will be deleted there",
        ShredHow::Destroy => "will be destroyed there, with all of its versions",
    };
    if !is_interactive() {
        return Err(Failure::usage(format!("it was not confirmed that {} {word}", options.name))
            .hint("give --yes, or run it at a terminal"));
    }
    for one in held {
        let more =
            if stops_more(one, how) { "; AWS stops the whole key by it, whatever else is in it" } else { "" };
        super::output::say(&format!("{} {word}{more}", at(escrow, one)));
    }
    if confirm(question)? {
        return Ok(());
    }
    Err(Failure::new(FAILED, "it was not confirmed: nothing was done").hint("nothing was logged either"))
}

/// Logs the intent, or finds the one that a run before this left open.
/// Whether it is such a one comes with it.
fn begin(escrow: &mut Escrow<'_>, shred: &Shred) -> Result<(u64, bool), Failure> {
    let open = escrow.state().open().iter().find(|(_, intent)| intent.shreds.as_ref() == Some(shred));
    if let Some((seq, _)) = open {
        return Ok((*seq, true));
    }
    Ok((escrow.record(Op::Shred, Phase::Intent, &shred.intent())?.seq(), false))
}

/// Whether the log knows that it is gone: deleted itself, or destroyed with another version of the same key.
fn is_gone(escrow: &Escrow<'_>, held: &Held, how: ShredHow) -> bool {
    let whole = |other: &Held| is_stopped(other, ShredHow::Destroy) && same_place(held, other);
    is_stopped(held, ShredHow::Delete) || how == ShredHow::Destroy && escrow.state().held().any(whole)
}

/// AWS disables a key with all that is in it, and stops it when a material of it is deleted.
fn stops_more(held: &Held, how: ShredHow) -> bool {
    held.imported.provider == Provider::Aws && how != ShredHow::Destroy
}

/// Refuses to stop a whole key for one version of it, when others in it are in use, and to end a test key that may be
/// a key in use. `going` are those that are stopped in this run.
fn alone(
    escrow: &Escrow<'_>,
    options: &ShredArgs,
    held: &Held,
    how: ShredHow,
    going: &[Held],
) -> Result<(), Failure> {
    let imported = &held.imported;
    let in_use = there(escrow.state(), imported.provider, &imported.names(), false);
    if let Some(other) = in_use.filter(|_| held.drill && options.drilled) {
        let message = format!("{} may be where {} is in use", at(escrow, held), at(escrow, other));
        return Err(Failure::new(DIFFERENCE, message)
            .hint("nothing was sent; look at both places there, and stop the test key by the provider's own commands"));
    }
    if options.with_others {
        return Ok(());
    }
    let (name, version) = (imported.name.clone(), imported.version);
    let backed = escrow.version(&KeyName { label: name, version: Some(version) })?;
    if let Some(certificate) = backed.certificate.filter(|_| how != ShredHow::Disable) {
        let message = format!(
            "the backup of {} is destroyed (certificate {certificate}): this may be the last of it",
            at(escrow, held)
        );
        return Err(Failure::new(FAILED, message)
            .hint("nothing was done or logged; --with-others says that it may go for ever"));
    }
    // An object of KMIP is one version. The commands for people take a whole key, but for Google's.
    let by_hand = options.by_hand || !online::has_client(imported.provider);
    let whole = match imported.provider {
        Provider::Kmip => false,
        Provider::Gcp => how == ShredHow::Destroy,
        _ => how == ShredHow::Destroy || stops_more(held, how) || by_hand && how != ShredHow::Disable,
    };
    if !whole {
        return Ok(());
    }
    let also = |other: &&Held| same_place(held, other) && other.stopped.is_none() && !going.contains(other);
    let Some(other) = escrow.state().held().find(also) else { return Ok(()) };
    let word = match how {
        ShredHow::Delete if imported.provider != Provider::Aws => "the command takes the whole key",
        ShredHow::Disable => "AWS disables the whole key",
        ShredHow::Delete => "AWS stops the whole key by it",
        ShredHow::Destroy => "the whole key goes",
    };
    Err(Failure::new(FAILED, format!("{}: {word}, and {} is in it too", at(escrow, held), at(escrow, other)))
        .hint("nothing was done or logged; stop that one first, or give --with-others, which takes all that is in it"))
}

fn record_by_hand(
    escrow: &mut Escrow<'_>,
    held: &Held,
    how: ShredHow,
    output: &mut Output,
) -> Result<Json<'static>, Failure> {
    let shred = Shred::of(&held.imported, how);
    let state = match how {
        ShredHow::Disable => "disabled",
        ShredHow::Delete => "empty",
        ShredHow::Destroy => "gone",
    };
    let (intent, _) = begin(escrow, &shred)?;
    let shredded = Shredded { shred, by: ShredBy::Hand, state: state.to_owned(), until: None };
    escrow.record(Op::Shred, Phase::Done, &shredded.done(intent))?;
    output.line(format!("{}: stopped by hand, as you say ({})", at(escrow, held), how.name()));
    Ok(value(&shredded))
}

fn stop(
    escrow: &mut Escrow<'_>,
    held: &Held,
    how: ShredHow,
    options: &ShredArgs,
    output: &mut Output,
) -> Result<Json<'static>, Failure> {
    let kind = kind(escrow, held)?;
    let shred = Shred::of(&held.imported, how);
    let (intent, open) = begin(escrow, &shred)?;
    let resumed = open || is_gone(escrow, held, how);
    let here = escrow.state().held().filter(|other| same_place(held, other)).map(|other| &other.imported);
    let known = here.flat_map(|one| [one.id.clone(), Some(one.evidence.clone())]).flatten().collect();
    let stopping =
        Stopping { how, days: options.days, kind, resumed, known, with_others: options.with_others };
    let seen = match online::stop(&options.reached, held, stopping) {
        Ok(seen) => seen,
        // It may have been done: the intent stays open, and the next run looks.
        Err((failure, done)) if done || open => return Err(failure),
        Err((failure, _)) => {
            let details = object([("intent", Some(Json::Number(intent)))]);
            escrow.record(Op::Shred, Phase::Failed, &details)?;
            return Err(failure);
        }
    };
    if let Some(still) = still(seen.state, how) {
        return Err(Failure::new(FAILED, format!("{} is {still}: {}", at(escrow, held), seen.said))
            .hint("run it again; if that does not help, by the provider's own commands (--by-hand)"));
    }
    let shredded = Shredded { shred, by: ShredBy::Program, state: seen.state.to_owned(), until: seen.until };
    escrow.record(Op::Shred, Phase::Done, &shredded.done(intent))?;
    let until = seen.until.map_or_else(String::new, |time| format!(", final at {time}"));
    output.line(format!("{}: {} ({}){until}", at(escrow, held), seen.state, seen.said));
    Ok(value(&shredded))
}

/// What a state lacks of having been stopped so.
fn still(state: &str, how: ShredHow) -> Option<&'static str> {
    match (state, how) {
        ("enabled" | "waiting", _) => Some("still in use"),
        ("disabled", ShredHow::Delete | ShredHow::Destroy) => Some("disabled, and still there"),
        _ => None,
    }
}

fn value(shredded: &Shredded) -> Json<'static> {
    let shred = &shredded.shred;
    object([
        ("by", Some(Json::text(shredded.by.name()))),
        ("how", Some(Json::text(shred.how.name()))),
        ("name", Some(Json::text(shred.name.to_string()))),
        ("place", Some(Json::text(shred.place.clone()))),
        ("provider", Some(Json::text(shred.provider.name()))),
        ("state", Some(Json::text(shredded.state.clone()))),
        ("until", shredded.until.map(|time| Json::text(time.to_string()))),
        ("version", Some(Json::Number(shred.version.get().into()))),
    ])
}

/// Says what still exists.
fn remains(
    escrow: &Escrow<'_>,
    options: &ShredArgs,
    stopped: Vec<Json<'static>>,
    output: &mut Output,
) -> Result<Json<'static>, Failure> {
    let scheme = escrow.quorum()?.scheme();
    let key = escrow.state().keys().get(&options.name.label);
    let versions = key.into_iter().flat_map(|key| key.versions.values());
    let wanted = |number| options.name.version.is_none_or(|version| version == number);
    let backups: Vec<String> = versions
        .filter(|version| version.certificate.is_none())
        .map(|version| &version.backed.deposit)
        .filter(|deposit| wanted(deposit.version))
        .map(|deposit| backup_file(deposit.key, deposit.version))
        .collect();
    let places: Vec<String> = escrow
        .state()
        .held()
        .filter(|held| held.imported.name == options.name.label && wanted(held.imported.version))
        .filter(|held| held.stopped.is_none() && !is_certified(escrow.state(), held))
        .map(|held| at(escrow, held))
        .collect();
    output.line("what still exists:");
    for backup in &backups {
        output.line(format!("  the backup {backup}"));
    }
    output.line(format!("  the cards of the quorum: any {scheme} recover it with a backup"));
    for place in &places {
        output.line(format!("  {place}"));
    }
    output.line(if backups.is_empty() {
        "no backup of it is left here, say certificates: what is stopped is gone, unless another copy of the escrow has one"
    } else {
        "as long as a backup and enough cards exist, the key exists, and can be imported again"
    });
    let list = |texts: Vec<String>| Some(Json::List(texts.into_iter().map(Json::text).collect()));
    Ok(object([
        ("backups", list(backups)),
        ("cards", Some(Json::text(scheme.to_string()))),
        ("places", list(places)),
        ("stopped", Some(Json::List(stopped))),
    ]))
}
