//! `quorate recover`: M custodians bring a key back.
//!
//! At a terminal `begin` asks for what the arguments leave open, and `guide` leads from card to card; in
//! a script `gather` takes what the arguments name. The intent is logged before the first card is looked
//! at, and `deliver` keeps the key under a pending name until `done` is in the log.

use super::args::{KeyFormat, Place, Recover};
use super::camera;
use super::cards::Openers;
use super::evidence::{Account, Held, MATCHED};
use super::failure::{Failure, NO_QUORUM};
use super::output::Output;
use super::progress::Step;
use super::session::Session;
use super::state::allows;
use super::terminal::is_interactive;
use super::wipe::Given;
use crate::cli::gone::warn_of_gone;
use deliver::report;
pub(super) use deliver::{Destination, destination, no_pem};
pub(super) use gather::gather;
pub(super) use guide::since;
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::recover::{Gathering, Recovery};
use quorate::ceremony::report::{Key, Kind};
use quorate::key::KeyRecord;
use quorate::log::{Phase, ReportOf};
use std::sync::Arc;
use std::time::Instant;

pub(super) mod begin;
mod deliver;
mod gather;
mod guide;
mod packed;
mod shown;

pub(crate) fn run(place: &Place, options: &Recover, output: &mut Output) -> Result<(), Failure> {
    camera::is_built(&options.present.camera)?;
    if options.unsigned && place.sign_with.is_some() {
        return Err(
            Failure::usage("--unsigned and --sign-with contradict each other").hint("give one of them")
        );
    }
    if let Some(dir) = packed::folder(options) {
        return packed::run(place, options, dir, output);
    }
    if !options.wanted.requests.is_empty() {
        return Err(
            Failure::usage("--for is for --to package:… only").hint("add --to package:DIR, a new folder")
        );
    }
    if !options.sheets.is_empty() {
        return super::sheet::run(place, options, output);
    }
    if options.name.is_some() && options.to.is_some() || !is_interactive() {
        options.key()?;
        destination(options)?.is_free()?;
        let session = Session::of(place)?;
        return recover(&mut session.open()?, options, false, output);
    }
    let place = begin::place(place, output)?;
    let session = Session::of(&place)?;
    let mut escrow = session.open()?;
    let options = begin::options(options, &escrow, output)?;
    recover(&mut escrow, &options, true, output)
}

fn recover(
    escrow: &mut Escrow<'_>,
    options: &Recover,
    led: bool,
    output: &mut Output,
) -> Result<(), Failure> {
    let start = Instant::now();
    if options.unsigned {
        escrow.go_on_unsigned();
    }
    let to = destination(options)?;
    to.is_free()?;
    let openers = Arc::new(Openers::of(&options.present.seals)?);
    let name = options.key()?;
    let version = escrow.version(name)?;
    allows(version, false, options.despite_state, output)?;
    let backed = &version.backed;
    if matches!(options.format, KeyFormat::Pem) && !backed.kind.is_asymmetric() {
        return Err(no_pem(backed.kind));
    }
    let quorum = backed.deposit.quorum;
    let record = escrow.quorum_by_id(quorum)?;
    openers.are_for(&record)?;
    let mut account = Account::begin(&options.evidence, Some(&record))?;
    // A backup that is lost or altered is named before anybody is asked for a card.
    escrow.backup(escrow.version(name)?)?;
    let token = to.ready(output)?;
    if led {
        begin::present(&record, output)?;
    }
    account.of(escrow);
    account.is_asked(escrow, ReportOf::Recover, output);
    let mut gathering = Gathering::new(record);
    let recovery = Recovery::begin_in(escrow, name, to.kind(), token)?;
    let (mut given, mut troubles) = (Given::default(), Vec::new());
    let gathered =
        gather(&options.present, "recovery", &openers, &mut gathering, &mut given, &mut troubles, output);
    account.step(escrow, "gathering the custodians", start.elapsed());
    warn_of_gone(escrow, &gathering, &mut troubles, output);
    let opened = gathered.and_then(|()| {
        let step = Step::begin("combining the shares and opening the backup", 0);
        let opened = recovery.open(escrow, &gathering).map_err(Failure::from);
        account.step(escrow, "combining the shares, opening the backup", step.done());
        opened
    });
    let ready = opened.and_then(|(quorum, key)| {
        let waiting = to.prepare(&key, options.format)?;
        Ok((quorum, key, waiting))
    });
    let (quorum, key, waiting) = match ready {
        Ok(ready) => ready,
        Err(failure) => {
            recovery.end(escrow, ended(&failure));
            given.remind(output);
            return Err(failure);
        }
    };
    let (intent, recovery) = (recovery.intent(), recovery.proven(waiting.checks()));
    if let Err(error) = recovery.complete(escrow, &quorum, &gathering, &key) {
        to.undo(&waiting, escrow, intent, output);
        return Err(error.into());
    }
    let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or_default();
    let restored = waiting.restored();
    let age = waiting.deliver(output)?;
    account.step(escrow, format!("the whole, to {}", to.kind()), start.elapsed());
    troubles.into_iter().for_each(|trouble| account.exception(trouble));
    let reported = account.finish(escrow, &quorum, held(&gathering, &key, Kind::Recover), output);
    drop(quorum);
    report(&to, &key, &gathering, milliseconds, escrow, (age, restored.as_ref()), output);
    if let Some(restored) = restored {
        restored.report(output);
    }
    if is_interactive() {
        output.note(format!("the whole recovery took {}", since(start)));
    }
    // Before the question about the pictures: whoever leaves that has the key.
    output.finish()?;
    given.end(options.present.wipe_pictures, output)?;
    reported.map(drop)
}

/// What a report says of one key that came back.
pub(super) fn held<'a>(gathering: &'a Gathering, key: &KeyRecord, kind: Kind) -> Held<'a> {
    let facts = key.facts();
    let key = Key {
        name: facts.label.clone(),
        version: facts.version,
        fingerprint: key.fingerprint(),
        outcome: MATCHED.to_owned(),
    };
    let cards = gathering.present_shares();
    Held { kind, record: gathering.record(), cards, keys: vec![key], failures: 0 }
}

/// What the log says of a recovery that ended like this.
pub(super) const fn ended(failure: &Failure) -> Phase {
    if failure.status == NO_QUORUM { Phase::Abandoned } else { Phase::Failed }
}
