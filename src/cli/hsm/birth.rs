//! Keys that live in a token: born there, or there already; backed up, then closed in.
//!
//! Everything that could refuse is tried before the intent is logged. A key that was born and could not be
//! backed up is removed at once, unless the log names it after all; one that a killed run has left is known by the id
//! that its open intent reserved, and is removed by the next run, which says so in the log.

use crate::cli::args::{Add, Generate, Place};
use crate::cli::failure::{DIFFERENCE, Failure};
use crate::cli::generate::{kind_before, report, warn_of_other_kind};
use crate::cli::output::{Output, plain};
use crate::cli::session::Session;
use crate::cli::token::{self, allowed, module, on_road, open, parse, words};
use quorate::ceremony::deposit::{Made, deposit_in};
use quorate::ceremony::escrow::{Escrow, backup_file};
use quorate::hsm::{Ability, Check, Escrowed, HsmError, KeyObject, Token, Transport, id_for, usual};
use quorate::key::{KeyKind, Label};
use quorate::log::{Backed, Closed, Deposit, InToken, Log, Op, Phase};
use quorate::primitive::random::Entropy;
use quorate::store::Store;
use quorate::wire::json::{Json, object};
use quorate::wire::text::hex;
use std::collections::BTreeSet;

/// What a key in a token may be made for.
const USAGES: [&str; 7] = ["decrypt", "derive", "encrypt", "sign", "unwrap", "verify", "wrap"];

/// `quorate generate NAME --in URI`.
pub(in crate::cli) fn in_token(
    place: &Place,
    options: &Generate,
    uri: &str,
    output: &mut Output,
) -> Result<(), Failure> {
    let uri = &parse("--in", uri)?;
    if uri.object.is_some() || uri.id.is_some() {
        return Err(Failure::usage("--in names a token, not a key in it")
            .hint("leave out object and id: the key is called NAME"));
    }
    let birth = &options.birth;
    let usage = usage_of(&birth.usage, options.kind)?;
    let session = Session::of(place)?;
    let mut escrow = session.open()?;
    for name in &options.names {
        warn_of_other_kind(name, kind_before(&escrow, name), options.kind, output);
    }
    let module = module(&birth.reach, Some(uri))?;
    let info = module.find(uri)?;
    Ability::of(&module, &info)?.require(&info, options.kind)?;
    let (token, pin) = open(&module, &birth.reach, uri, output)?;
    let home = token::in_token(token.info());
    on_road(&token, &allowed(&birth.reach, &pin)?, output, |transport, entropy, output| {
        for name in &options.names {
            clean_up(&mut escrow, &token, &home, name, output)?;
        }
        let mut born: Vec<Alive> = Vec::new();
        let make = |deposit: &Deposit, entropy: &mut Entropy| {
            let id = id_for(deposit.key, deposit.version);
            let object =
                token.generate(options.kind, deposit.name.as_str(), &id, &usage, birth.trusted_only)?;
            let escrowed = transport.escrow(&object, entropy);
            // Known from here on, so that it is removed with the others when anything fails.
            born.push(Alive { object, checks: Vec::new(), not_kept: Vec::new(), of: Some(deposit.clone()) });
            let escrowed = escrowed?;
            if let Some(one) = born.last_mut() {
                one.checks.clone_from(&escrowed.checks);
                one.not_kept.clone_from(&escrowed.not_kept);
            }
            // By a mechanism that draws it, whatever the token says of that.
            Ok::<_, HsmError>(Made { at_random: true, ..made(escrowed) })
        };
        let backed = deposit_in(&mut escrow, Op::Generate, &options.names, Some(&home), make, entropy);
        let backed = backed.map_err(|error| {
            abandon(escrow.store(), &token, &born, output);
            Failure::from(error)
        })?;
        finish("generated", &mut escrow, transport, &home, &backed, &born, birth.leave_open, output)
    })
}

/// A key in a token while it is backed up.
struct Alive {
    object: KeyObject,
    checks: Vec<Check>,
    not_kept: Vec<String>,
    /// The version that it was born as.
    of: Option<Deposit>,
}

fn made(escrowed: Escrowed) -> Made {
    let Escrowed { material, usage, attributes, at_random, .. } = escrowed;
    Made { material, usage, attributes, at_random }
}

/// Removes what was born and is not backed up. An error of the disk may have come after the record: what the log says
/// now decides, and a key that it may name stays.
fn abandon(store: &dyn Store, token: &Token, born: &[Alive], output: &Output) {
    let log = Log::open(store);
    for one in born {
        let name = format!("{} (id {})", plain(&one.object.name()), hex(&one.object.id));
        let named = |log: &Log, of: &Deposit| {
            let mut keys = log.state().keys().values();
            keys.any(|key| key.id == of.key && key.versions.contains_key(&of.version))
        };
        match (&log, &one.of) {
            (Err(error), _) => output.warn(format!(
                "{name} is left in the token: the log can't be read, and may name it ({error}); run the command again when it can"
            )),
            (Ok(log), Some(of)) if named(log, of) => output.warn(format!(
                "{name} stays in the token and may still leave it: the log names its backup, and may not last; look with `quorate show`, then `quorate hsm close`"
            )),
            _ => {
                if let Err(left) = token.destroy(&one.object, None) {
                    output.warn(format!("{name} is LEFT in the token and is not backed up: {left}"));
                }
            }
        }
    }
}

/// `quorate add NAME --from URI`.
pub(in crate::cli) fn existing(
    place: &Place,
    options: &Add,
    uri: &str,
    output: &mut Output,
) -> Result<(), Failure> {
    let uri = &parse("--from", uri)?;
    if uri.object.is_none() && uri.id.is_none() {
        return Err(
            Failure::usage("--from names no key").hint("add its label or id: pkcs11:token=LABEL;object=NAME")
        );
    }
    let session = Session::of(place)?;
    let mut escrow = session.open()?;
    let module = module(&options.reach, Some(uri))?;
    let (token, pin) = open(&module, &options.reach, uri, output)?;
    let object = token.find(uri)?;
    if let Some((wanted, found)) = options.kind.zip(object.kind).filter(|(wanted, found)| wanted != found) {
        return Err(Failure::usage(format!("{} is of kind {found}, not {wanted}", object.name()))
            .hint("leave out --kind"));
    }
    on_road(&token, &allowed(&options.reach, &pin)?, output, |transport, entropy, output| {
        // Once more: when the security officer was logged in, what was found before is forgotten.
        let object = token.find(uri)?;
        // Whether it may leave at all is known before anything is logged.
        let first = transport.escrow(&object, entropy)?;
        if object.sensitive == Some(false) {
            output.warn(format!("{} is not sensitive: its value could be read from the token in the clear, by anybody who knows the PIN", object.name()));
        }
        let before = kind_before(&escrow, &options.name);
        let home = token::in_token(token.info());
        let (checks, not_kept) = (first.checks.clone(), first.not_kept.clone());
        let mut first = Some(first);
        let make = |_: &_, _: &mut Entropy| {
            let escrowed = first.take().ok_or_else(|| HsmError::Unprovable { object: object.name() })?;
            Ok::<_, HsmError>(made(escrowed))
        };
        let names = core::slice::from_ref(&options.name);
        let backed = deposit_in(&mut escrow, Op::Add, names, Some(&home), make, entropy)?;
        for one in &backed {
            warn_of_other_kind(&options.name, before, one.kind, output);
        }
        let there = [Alive { object: object.clone(), checks, not_kept, of: None }];
        finish("added", &mut escrow, transport, &home, &backed, &there, options.leave_open, output)
    })
}

/// Shuts the door behind the keys, and says what was done.
#[expect(clippy::too_many_arguments, reason = "two commands end in the same way, each with all that it had")]
fn finish(
    verb: &str,
    escrow: &mut Escrow<'_>,
    transport: &Transport,
    home: &InToken,
    backed: &[Backed],
    keys: &[Alive],
    leave_open: bool,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut stay: Result<(), Failure> = Ok(());
    // Each of them, whatever becomes of the others: what may leave should be as little as can be.
    for (one, Alive { object, .. }) in backed.iter().zip(keys).filter(|_| !leave_open) {
        let deposit = &one.deposit;
        let closed =
            Closed { name: deposit.name.clone(), version: deposit.version, token: home.clone(), lost: None };
        let shut = transport.close(object);
        let is = match &shut {
            Ok(()) => "can't leave its token any more, and the log doesn't say so",
            Err(_) => "is backed up, and may still leave its token",
        };
        let logged = shut.map_err(Failure::from);
        let logged =
            logged.and_then(|()| Ok(escrow.record(Op::Close, Phase::Done, &closed.done()).map(|_| ())?));
        if let Err(failure) = logged {
            output.warn(format!("{} {is}: `quorate hsm close` ends that", plain(&object.name())));
            stay = stay.and(Err(failure));
        }
    }
    report(verb, backed, output);
    for Alive { object, checks, not_kept, .. } in keys {
        output.line(format!("  {} in token {home}: proven by {}", object.name(), words(checks)));
        for what in not_kept {
            output.warn(format!("{}: the backup doesn't keep {what}", plain(&object.name())));
        }
    }
    match (&stay, leave_open) {
        (Ok(()), false) => output.line("  it can't leave the token any more"),
        (Ok(()), true) => output.note("it may still leave its token: `quorate hsm close` ends that"),
        (Err(_), _) => {}
    }
    output.note(format!("wrapped by {}, RSA-OAEP with {}", transport.wrapping(), transport.hash()));
    stay
}

fn usage_of(given: &[String], kind: KeyKind) -> Result<BTreeSet<String>, Failure> {
    if let Some(unknown) = given.iter().find(|name| !USAGES.contains(&name.as_str())) {
        return Err(Failure::usage(format!("{unknown:?} is nothing that a key may do"))
            .hint(format!("the usages are {}", USAGES.join(", "))));
    }
    if given.is_empty() {
        return Ok(usual(kind).0.iter().map(|name| (*name).to_owned()).collect());
    }
    Ok(given.iter().cloned().collect())
}

/// Removes what earlier runs have left in the token: keys of versions that were begun there and are not
/// backed up, because the run was killed, or the token was away when it should have been removed.
fn clean_up(
    escrow: &mut Escrow<'_>,
    token: &Token,
    home: &InToken,
    name: &Label,
    output: &Output,
) -> Result<(), Failure> {
    let mut begun = Vec::new();
    // The log as it is now: another run may have ended since this one began.
    let log = Log::walk_judged(escrow.store(), |record, void| {
        let of_name = |deposit: &Deposit| deposit.name == *name && deposit.token.as_ref() == Some(home);
        // A record that doesn't count must not have a key destroyed.
        if record.entry.op == Op::Generate && void.is_none() {
            begun.extend(Deposit::reserved_by(record).filter(of_name).map(|deposit| (record.seq, deposit)));
        }
    })?;
    for (seq, deposit) in begun {
        // Under whatever name: nothing that is backed up is ever destroyed here.
        let mut keys = log.state().keys().values();
        if keys.any(|key| key.id == deposit.key && key.versions.contains_key(&deposit.version)) {
            continue;
        }
        let left = token.with_id(&id_for(deposit.key, deposit.version))?;
        // A key is closed in after its backup is in the log: of this log something is missing.
        if left.iter().any(|object| object.extractable == Some(false)) {
            return Err(Failure::new(
                DIFFERENCE,
                format!("a key {name} that record {seq} began is closed in its token, and this log has no backup of it: nothing is removed"),
            )
            .hint("a key is closed in only after it is backed up, so this log is an old copy, or was cut: use the newest copy of the escrow, and compare a checkpoint with `quorate log verify --since`"));
        }
        // Its backup is written before the record that names it: a run may have been killed between the two, and a
        // log may have been cut. Only a person can tell, so nothing of it is destroyed.
        let backup = backup_file(deposit.key, deposit.version);
        if !left.is_empty() && escrow.store().read(&backup, quorate::backup::LONGEST)?.is_some() {
            output.warn(format!(
                "a key {name} that record {seq} began is in the token (id {}) and may leave it, and {backup} may be its backup, which this log doesn't name: a run was killed there, or the log was cut; nothing of it is removed. Compare a checkpoint with `quorate log verify --since`; if the log is whole, back the key up with `quorate add NAME --from` its URI, or delete it with the token's own tool",
                hex(&id_for(deposit.key, deposit.version))
            ));
            continue;
        }
        for object in left {
            token.destroy(&object, None)?;
            output.note(format!("a key {name} that record {seq} began was in the token, and was never backed up: it is removed"));
        }
        if log.state().open().contains_key(&seq) {
            let details = object([("intent", Some(Json::Number(seq)))]);
            escrow.record(Op::Generate, Phase::Abandoned, &details)?;
            output.note(format!("record {seq} is abandoned in the log"));
        }
    }
    Ok(())
}
