//! `quorate operator`: who may write the log, and with which key.

mod named;

use super::args::{Operator, OperatorCommand, Place};
use super::failure::{FAILED, Failure};
use super::output::Output;
use super::session::Session;
use super::sign::{Signer, public_key};
use quorate::ceremony::escrow::Escrow;
use quorate::log::ssh::{SshFingerprint, SshKey};
use quorate::log::{Op, OperatorChange, OperatorError, Phase, Role, Sign as _, SignError, is_operator};
use quorate::wire::json::{Json, object};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(crate) fn run(place: &Place, options: &Operator, output: &mut Output) -> Result<(), Failure> {
    if matches!(options.command, OperatorCommand::List) {
        return list(&Session::reading(place)?.open()?, output);
    }
    let mut session = Session::of(place)?;
    match &options.command {
        OperatorCommand::Add { name, key, roles, present } => {
            let roles = roles_of(roles)?;
            if present.cards.is_empty() && !present.camera.camera {
                return add(&mut session, name, key.as_deref(), roles, output);
            }
            named::add(&session, name, key.as_deref(), roles, present, output)
        }
        OperatorCommand::Revoke { name } => {
            let mut escrow = session.open()?;
            let operator = found(&escrow, name)?;
            change(&mut escrow, &OperatorChange::Revoke { operator }, output)
        }
        OperatorCommand::Replace { name, key } => {
            let mut escrow = session.open()?;
            let new = Signer::named(key)?;
            let old = found(&escrow, name)?;
            replace(&mut escrow, old, &new, output)
        }
        OperatorCommand::List => Ok(()),
    }
}

fn roles_of(names: &[String]) -> Result<BTreeSet<Role>, Failure> {
    let role = |name: &String| {
        Role::parse(name).ok_or_else(|| {
            Failure::usage(format!("there is no role {name}"))
                .hint("the roles are founder, depositor, recoverer and auditor")
        })
    };
    names.iter().map(role).collect()
}

/// Refuses a name that an operator can't have.
fn is_name(name: &str) -> Result<(), Failure> {
    if is_operator(name) {
        return Ok(());
    }
    Err(Failure::usage(format!("an operator can't be called {name:?}"))
        .hint("use letters, digits and . _ @ + - (at most 64, a letter or digit first)"))
}

fn add(
    session: &mut Session,
    name: &str,
    path: Option<&Path>,
    roles: BTreeSet<Role>,
    output: &mut Output,
) -> Result<(), Failure> {
    is_name(name)?;
    let operators = session.open()?.state().operators().clone();
    let key = match (path, operators.named(name)) {
        (Some(path), _) => public_key(path)?,
        (None, Some((_, operator))) => operator.key.clone(),
        (None, None) => {
            return Err(Failure::usage(format!("{name} is no operator yet, and no key is named"))
                .hint("give the public key with --key FILE.pub"));
        }
    };
    if operators.is_empty() {
        session.or_sign_with(|| beside(path))?;
        return first(&mut session.open()?, session.signer(), name, key, roles, output);
    }
    if roles.is_empty() {
        return Err(Failure::usage(format!("it is not said what {name} may do"))
            .hint("give --role founder, depositor, recoverer or auditor, or several of them"));
    }
    change(&mut session.open()?, &OperatorChange::Add { name: name.to_owned(), key, roles }, output)
}

/// The private key beside a public one.
fn beside(path: Option<&Path>) -> Result<Signer, Failure> {
    Signer::file(path.unwrap_or_else(|| Path::new("")))
}

/// Makes the first operator, who signs that record.
fn first(
    escrow: &mut Escrow<'_>,
    signer: Option<&Signer>,
    name: &str,
    key: SshKey,
    mut roles: BTreeSet<Role>,
    output: &mut Output,
) -> Result<(), Failure> {
    if signer.is_none_or(|signer| *signer.key() != key) {
        return Err(Failure::usage(
            "the first operator of an escrow signs for itself, and another key was named",
        )
        .hint("name the private key of the same pair with --sign-with"));
    }
    if roles.is_empty() {
        roles.extend(Role::ALL);
    }
    if !roles.contains(&Role::Founder) {
        return Err(Failure::usage("the first operator must be a founder: nobody else could name another")
            .hint(
                "give --role founder, alone or with others; without --role the first one may do everything",
            ));
    }
    change(escrow, &OperatorChange::Add { name: name.to_owned(), key, roles }, output)?;
    output.note("from now on every record is signed; the quorum confirms this operator when it meets next");
    output.note("name a second founder soon: without a founder's key nobody can name another operator");
    Ok(())
}

/// The first operator of an escrow that is founded now: its record comes first. One that an earlier run
/// has made stays.
pub(crate) fn found_with(session: &mut Session, text: &str, output: &mut Output) -> Result<(), Failure> {
    let (name, path) = parts(text)?;
    let key = public_key(&path)?;
    session.or_sign_with(|| beside(Some(&path)))?;
    let mut escrow = session.create()?;
    if escrow.state().operators().named(name).is_some_and(|(_, operator)| operator.key == key) {
        return Ok(());
    }
    let mut quiet = Output::new(output.is_json());
    first(&mut escrow, session.signer(), name, key, BTreeSet::new(), &mut quiet)
}

/// The parts of `NAME=KEY.pub`.
pub(crate) fn parts(text: &str) -> Result<(&str, PathBuf), Failure> {
    let (name, path) = text.split_once('=').ok_or_else(|| {
        Failure::usage("--operator takes a name and a public key").hint("write NAME=KEY.pub")
    })?;
    is_name(name)?;
    Ok((name, PathBuf::from(path)))
}

/// The key of an operator by name or fingerprint.
fn found(escrow: &Escrow<'_>, name: &str) -> Result<SshFingerprint, Failure> {
    let operators = escrow.state().operators();
    let by_key = || SshFingerprint::parse(name).filter(|key| operators.active().any(|(one, _)| one == key));
    operators.named(name).map(|(key, _)| *key).or_else(by_key).ok_or_else(|| {
        Failure::new(FAILED, format!("there is no operator {name}"))
            .hint("`quorate operator list` shows the names")
    })
}

fn refused(error: &OperatorError) -> Failure {
    let failure = Failure::new(FAILED, error.to_string());
    match error {
        _ if failure.hint.is_some() => failure,
        _ => failure.hint("`quorate operator list` shows whose keys sign"),
    }
}

fn change(escrow: &mut Escrow<'_>, change: &OperatorChange, output: &mut Output) -> Result<(), Failure> {
    escrow.state().fits(change).map_err(|error| refused(&error))?;
    let checkpoint = escrow.record(Op::Operator, Phase::Done, &change.details())?;
    told(escrow, checkpoint, change, output);
    Ok(())
}

fn replace(
    escrow: &mut Escrow<'_>,
    operator: SshFingerprint,
    new: &Signer,
    output: &mut Output,
) -> Result<(), Failure> {
    let with = |consent| OperatorChange::Replace { operator, key: new.key().clone(), consent };
    escrow.state().fits(&with(None)).map_err(|error| refused(&error))?;
    let checkpoint = escrow.commit_at(|_, placed| {
        let draft = placed.entry(Op::Operator, Phase::Done, with(None).details());
        let consent = new.sign(&placed.next.record(draft).consent_message())?;
        Ok::<_, SignError>(vec![(Op::Operator, Phase::Done, with(Some(consent)).details())])
    })?;
    told(escrow, checkpoint, &with(None), output);
    Ok(())
}

fn told(
    escrow: &Escrow<'_>,
    checkpoint: quorate::log::Checkpoint,
    change: &OperatorChange,
    output: &mut Output,
) {
    let name = |key: &SshFingerprint| {
        escrow.state().operators().get(key).map(|operator| operator.name.clone()).unwrap_or_default()
    };
    output.line(match change {
        OperatorChange::Add { name, key, roles } => {
            format!("{name} is an operator ({}) with the key {}", words(roles), key.fingerprint())
        }
        OperatorChange::Revoke { operator } => {
            format!("the key {operator} of {} signs no more", name(operator))
        }
        OperatorChange::Replace { operator, key, .. } => {
            format!("{} signs with {} from now on, not with {operator}", name(operator), key.fingerprint())
        }
        // `quorate log acknowledge` and `set-clock` say these themselves.
        OperatorChange::Acknowledge { .. } | OperatorChange::Clock => String::new(),
    });
    output.line(format!("checkpoint  {checkpoint}"));
    output.value(object([
        ("checkpoint", Some(Json::text(checkpoint.to_string()))),
        ("operators", Some(values(escrow))),
    ]));
}

/// Roles in words.
pub(crate) fn words(roles: &BTreeSet<Role>) -> String {
    roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ")
}

fn list(escrow: &Escrow<'_>, output: &mut Output) -> Result<(), Failure> {
    let operators = escrow.state().operators();
    if operators.is_empty() {
        output.line("no operators: the records of this escrow are not signed; `quorate operator add NAME --key FILE.pub` names the first");
    }
    let mut all: Vec<_> = operators.all().collect();
    all.sort_by_key(|(_, operator)| operator.since.1);
    for (key, operator) in all {
        let until =
            operator.until.map_or_else(String::new, |(time, seq)| format!(", until {time} (record {seq})"));
        let (since, seq) = operator.since;
        let name = &operator.name;
        output.line(format!("{name}  {}  {} {key}", words(&operator.roles), operator.key.kind()));
        output.line(format!("    since {since} (record {seq}){until}"));
    }
    output.value(values(escrow));
    Ok(())
}

/// Every key that is or was an operator's, for programs.
pub(crate) fn values(escrow: &Escrow<'_>) -> Json<'static> {
    let value = |(key, operator): (&SshFingerprint, &quorate::log::Operator)| {
        object([
            ("fingerprint", Some(Json::text(key.to_string()))),
            ("key", Some(Json::text(operator.key.to_string()))),
            ("name", Some(Json::text(operator.name.clone()))),
            ("roles", Some(Json::List(operator.roles.iter().map(|role| Json::text(role.name())).collect()))),
            ("since", Some(Json::text(operator.since.0.to_string()))),
            ("until", operator.until.map(|(time, _)| Json::text(time.to_string()))),
        ])
    };
    Json::List(escrow.state().operators().all().map(value).collect())
}
