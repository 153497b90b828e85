//! The first questions of a recovery at a terminal: which escrow, which key, where to, who is here.
//!
//! Each is asked until it has an answer that can be used, and left out when the arguments have one. Nothing
//! is logged yet, and nobody's card is looked at: leaving here leaves no trace.

use super::deliver::destination;
use crate::cli::args::{Place, Recover};
use crate::cli::bring::say;
use crate::cli::failure::{FAILED, Failure};
use crate::cli::output::Output;
use crate::cli::prompt;
use crate::cli::session::{Session, environment};
use quorate::ceremony::escrow::Escrow;
use quorate::key::KeyName;
use quorate::quorum::QuorumRecord;

/// Who leaves before anything began.
fn left() -> Failure {
    Failure::new(FAILED, "left before the recovery began").hint("nothing was logged, nothing released")
}

/// The place with an escrow that can be opened, asked for when none is named.
pub(in crate::cli) fn place(place: &Place, output: &Output) -> Result<Place, Failure> {
    if place.escrow.is_some() || environment("QUORATE_ESCROW").is_some() {
        return Ok(place.clone());
    }
    loop {
        let folder = prompt::text("which escrow (its folder): ")?.ok_or_else(left)?;
        let Some(path) = prompt::paths(&folder).into_iter().next() else { continue };
        let named = Place { escrow: Some(path), ..place.clone() };
        match Session::of(&named).and_then(|session| session.open().map(drop)) {
            Ok(()) => return Ok(named),
            Err(failure) => say(&failure, output),
        }
    }
}

/// The arguments with a key and a destination, asked for when they are missing.
pub(super) fn options(options: &Recover, escrow: &Escrow<'_>, output: &Output) -> Result<Recover, Failure> {
    let mut options = options.clone();
    if options.name.is_none() {
        options.name = Some(key(escrow, output)?);
    }
    if options.to.is_none() {
        ask_destination(&mut options, output)?;
    }
    Ok(options)
}

/// Asks for a key, by its place in a list or by its name.
fn key(escrow: &Escrow<'_>, output: &Output) -> Result<KeyName, Failure> {
    let keys: Vec<_> = escrow.state().keys().iter().filter(|(_, key)| !key.versions.is_empty()).collect();
    if keys.is_empty() {
        return Err(Failure::new(FAILED, "no key is backed up in this escrow")
            .hint("name another escrow with -C DIR"));
    }
    output.note("the keys of this escrow:");
    for (number, (label, key)) in (1_usize..).zip(&keys) {
        let newest = key.versions.iter().next_back();
        let about = newest.map(|(version, one)| match version.get() {
            1 => format!("{}, version 1", one.backed.kind),
            version => format!("{}, newest version {version}", one.backed.kind),
        });
        output.note(format!("  {number}  {label} ({})", about.unwrap_or_default()));
    }
    loop {
        let answer = prompt::text("which key (its number, its name, or NAME@VERSION): ")?.ok_or_else(left)?;
        let by_name = answer.parse::<KeyName>();
        let is_known = |name: &KeyName| escrow.state().keys().contains_key(&name.label);
        // A name comes before a number: a key may be named 2.
        let numbered = || {
            let place = answer.parse::<usize>().ok()?.checked_sub(1)?;
            keys.get(place).map(|(label, _)| KeyName { label: (*label).clone(), version: None })
        };
        let name = match by_name {
            Ok(name) if is_known(&name) => Some(name),
            _ => numbered(),
        };
        match name {
            None if answer.is_empty() => {}
            None => output.warn(format!("{answer:?} is no key of this list")),
            Some(name) => match escrow.version(&name) {
                Ok(_) => return Ok(name),
                Err(error) => say(&error.into(), output),
            },
        }
    }
}

/// Asks where the key goes; a path alone is a new file.
fn ask_destination(options: &mut Recover, output: &Output) -> Result<(), Failure> {
    loop {
        let question =
            "where does the key go (the path of a new file, age:RECIPIENT, or pkcs11:token=LABEL): ";
        let answer = prompt::text(question)?.ok_or_else(left)?;
        if answer.is_empty() {
            continue;
        }
        options.to = Some(if ["file:", "age:", "pkcs11:"].iter().any(|scheme| answer.starts_with(scheme)) {
            answer
        } else {
            let path = prompt::paths(&answer).into_iter().next().unwrap_or_default();
            format!("file:{}", path.display())
        });
        match destination(options).and_then(|to| to.is_free()) {
            Ok(()) => return Ok(()),
            Err(failure) => say(&failure, output),
        }
    }
}

/// Asks who is in the room, so that it shows at once whether they can be enough.
pub(in crate::cli) fn present(record: &QuorumRecord, output: &Output) -> Result<(), Failure> {
    let custodians = &record.terms().custodians;
    output.note(format!("the custodians, of whom {} are needed:", record.scheme().threshold()));
    for (index, custodian) in (1_usize..).zip(custodians) {
        let role = custodian.role.as_deref().map(|role| format!(", {role}")).unwrap_or_default();
        output.note(format!("  {index}  {}{role}", custodian.name));
    }
    loop {
        let question = "who is present (numbers or names with commas; Enter alone to leave it open): ";
        let answer = prompt::text(question)?.ok_or_else(left)?;
        if answer.is_empty() {
            return Ok(());
        }
        let place = |word: &str| {
            let named = custodians.iter().position(|one| one.name.to_lowercase() == word.to_lowercase());
            let numbered = || word.parse::<usize>().ok()?.checked_sub(1).filter(|at| *at < custodians.len());
            named.or_else(numbered).ok_or_else(|| word.to_owned())
        };
        let by_commas = answer.split(',').map(str::trim).filter(|word| !word.is_empty());
        let mut places: Result<Vec<usize>, String> = by_commas.map(place).collect();
        if places.is_err() {
            places = answer.split([',', ' ']).filter(|word| !word.is_empty()).map(place).collect();
        }
        match places {
            Err(word) => output.warn(format!("{word:?} is neither a number nor a name of this list")),
            Ok(mut places) => {
                places.sort_unstable();
                places.dedup();
                let needed = usize::from(record.scheme().threshold());
                let missing = needed.saturating_sub(places.len());
                output.note(match missing {
                    0 => format!("{} are present, {needed} are needed", places.len()),
                    _ => format!("{} present, {needed} are needed: call {missing} more", places.len()),
                });
                return Ok(());
            }
        }
    }
}
