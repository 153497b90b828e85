//! `quorate state`: the state of a key version after NIST SP 800-57, and what each state lets through.

use super::args::{Place, State};
use super::failure::{FAILED, Failure};
use super::output::Output;
use super::session::Session;
use quorate::ceremony::escrow::Escrow;
use quorate::log::{KeyState, KeyVersion, LONGEST_REASON, Op, Phase, StateChange, StateError, is_reason};
use quorate::wire::json::{Json, object};

mod retire;

pub(crate) fn run(place: &Place, options: &State, output: &mut Output) -> Result<(), Failure> {
    let changes = options.set.is_some() || options.retire;
    let session = if changes { Session::of(place)? } else { Session::reading(place)? };
    let mut escrow = session.open()?;
    match (options.set, &options.reason) {
        (Some(to), Some(reason)) => set(&mut escrow, options, to, reason, output),
        (None, Some(reason)) if options.retire => retire::run(&mut escrow, options, reason, output),
        _ => show(&escrow, escrow.version(&options.name)?, output),
    }
}

/// Refuses what can't be a reason.
pub(super) fn is_line(reason: &str) -> Result<(), Failure> {
    if is_reason(reason) {
        return Ok(());
    }
    Err(Failure::usage(format!("the reason is empty, longer than {LONGEST_REASON} bytes, or no line"))
        .hint("write one line of plain text"))
}

fn show(escrow: &Escrow<'_>, version: &KeyVersion, output: &mut Output) -> Result<(), Failure> {
    let (deposit, state) = (&version.backed.deposit, version.state);
    let next: Vec<&str> = state.next().iter().map(|next| next.name()).collect();
    output.line(format!("{} version {} is {state} since {}", deposit.name, deposit.version, version.since));
    if !next.is_empty() {
        output.line(format!("  it can become {}", next.join(", ")));
    }
    let retired = escrow.state().keys().get(&deposit.name).and_then(|key| key.retired);
    if let Some(time) = retired {
        output.line(format!("  no further version is wanted since {time}"));
    }
    output.value(object([
        ("name", Some(Json::text(deposit.name.to_string()))),
        ("next", Some(Json::List(next.into_iter().map(Json::text).collect()))),
        ("retired", retired.map(|time| Json::text(time.to_string()))),
        ("since", Some(Json::text(version.since.to_string()))),
        ("state", Some(Json::text(state.name()))),
        ("version", Some(Json::Number(deposit.version.get().into()))),
    ]));
    Ok(())
}

fn set(
    escrow: &mut Escrow<'_>,
    options: &State,
    to: KeyState,
    reason: &str,
    output: &mut Output,
) -> Result<(), Failure> {
    let found = escrow.version(&options.name)?;
    let deposit = &found.backed.deposit;
    let (name, version) = (deposit.name.clone(), deposit.version);
    if to == KeyState::Destroyed {
        return Err(Failure::usage(format!("{name} version {version} is destroyed when its backup is"))
            .hint(format!(
                "`quorate destroy backup {name}@{version}` writes the certificate and removes the file"
            )));
    }
    is_line(reason)?;
    escrow
        .commit(|state| {
            let from =
                state.keys().get(&name).and_then(|key| key.versions.get(&version)).map(|one| one.state);
            let change = StateChange {
                name: name.clone(),
                version,
                from: from.unwrap_or_default(),
                to,
                reason: reason.to_owned(),
            };
            state.may_become(&change)?;
            Ok::<_, StateError>(vec![(Op::State, Phase::Done, change.details())])
        })
        .map_err(|error| hinted(Failure::from(error), escrow, options))?;
    let checkpoint = escrow.log().checkpoint();
    output.line(format!("{name} version {version} is {to}"));
    output.line(format!("checkpoint  {checkpoint}"));
    output.value(object([
        ("checkpoint", Some(Json::text(checkpoint.to_string()))),
        ("name", Some(Json::text(name.to_string()))),
        ("state", Some(Json::text(to.name()))),
        ("version", Some(Json::Number(version.get().into()))),
    ]));
    output.finish()?;
    output.note(meaning(to));
    Ok(())
}

/// A refusal with what the version could become instead.
fn hinted(failure: Failure, escrow: &Escrow<'_>, options: &State) -> Failure {
    if failure.hint.is_some() {
        return failure;
    }
    let next = escrow.version(&options.name).map(|version| version.state.next()).unwrap_or_default();
    // What was just refused is no advice.
    let next: Vec<&str> =
        next.iter().filter(|state| Some(**state) != options.set).map(|state| state.name()).collect();
    let is_gone = escrow.version(&options.name).is_ok_and(|version| version.state.is_destroyed());
    match next.as_slice() {
        [] if is_gone => failure.hint("no state follows it; `quorate generate` makes the next version"),
        [] => {
            failure.hint("no state follows it; a compromised key version ends with `quorate destroy backup`")
        }
        _ => failure.hint(format!("it can become {}", next.join(", "))),
    }
}

/// What a state means here.
const fn meaning(state: KeyState) -> &'static str {
    match state {
        KeyState::PreActivation => "it is not to be used before it is active",
        KeyState::Active => "it is rotated as the policy says",
        KeyState::Suspended => "it can be recovered, but goes to no provider, until it is active again",
        KeyState::Deactivated => {
            "it can be recovered, to read what it protects; it goes to no provider, and is rotated no more"
        }
        KeyState::Compromised | KeyState::DestroyedCompromised => {
            "make the next version now; what it protects has to be protected anew"
        }
        KeyState::Destroyed => "it can't be recovered",
    }
}

/// Says what state a version is in that is about to be recovered, and refuses to bring one to a provider
/// that is not to protect anything more.
pub(super) fn allows(
    version: &KeyVersion,
    to_provider: bool,
    despite: bool,
    output: &Output,
) -> Result<(), Failure> {
    let (deposit, state) = (&version.backed.deposit, version.state);
    let name = format!("{} version {} is {state} since {}", deposit.name, deposit.version, version.since);
    if state.is_destroyed() || state == KeyState::Active {
        // The backup says that it is gone, with its certificate.
        return Ok(());
    }
    if to_provider && !state.may_protect() && !despite {
        return Err(Failure::new(FAILED, format!("{name}: at a provider it would protect more data"))
            .hint("bring a version that is active; --despite-state brings this one all the same"));
    }
    match state {
        KeyState::Compromised => {
            output
                .warn(format!("{name}: somebody else may have it, so use it only to read what it protects"));
        }
        _ => output.note(format!("{name}: {}", meaning(state))),
    }
    Ok(())
}
