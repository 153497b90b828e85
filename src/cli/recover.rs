//! `quorate recover`: M custodians bring a key back.
//!
//! The intent is logged before the first card is looked at; `gather` brings the custodians together, and
//! `deliver` keeps the key under a pending name until `done` is in the log.

use super::args::{KeyFormat, Place, Recover};
use super::cards::Openers;
use super::failure::{Failure, NO_QUORUM};
use super::output::Output;
use super::progress::Step;
use super::session::Session;
use deliver::report;
pub(super) use deliver::{Destination, destination, no_pem};
pub(super) use gather::gather;
use quorate::ceremony::recover::{Gathering, Recovery};
use quorate::log::Phase;
use std::time::Instant;

mod deliver;
mod gather;

pub(crate) fn run(place: &Place, options: &Recover, output: &mut Output) -> Result<(), Failure> {
    if !options.sheets.is_empty() {
        return super::sheet::run(place, options, output);
    }
    let start = Instant::now();
    let to = destination(options)?;
    to.is_free()?;
    let openers = Openers::of(&options.seals)?;
    let session = Session::of(place)?;
    let mut escrow = session.open()?;
    let backed = &escrow.version(&options.name)?.backed;
    if matches!(options.format, KeyFormat::Pem) && !backed.kind.is_asymmetric() {
        return Err(no_pem(backed.kind));
    }
    let quorum = backed.deposit.quorum;
    let record = escrow.quorum_by_id(quorum)?;
    openers.are_for(&record)?;
    // A backup that is lost or altered is named before anybody is asked for a card.
    escrow.backup(escrow.version(&options.name)?)?;
    let mut gathering = Gathering::new(record);
    let recovery = Recovery::begin(&mut escrow, &options.name, to.kind())?;
    let gathered = gather(options, &openers, &mut gathering, output);
    let opened = gathered.and_then(|()| {
        let step = Step::begin("combining the shares and opening the backup", 0);
        let opened = recovery.open(&escrow, &gathering).map_err(Failure::from);
        step.done();
        opened
    });
    let (quorum, key) = match opened {
        Ok(opened) => opened,
        Err(failure) => {
            let phase = if failure.status == NO_QUORUM { Phase::Abandoned } else { Phase::Failed };
            recovery.end(&mut escrow, phase);
            return Err(failure);
        }
    };
    let waiting = match to.prepare(key.material(), options.format) {
        Ok(waiting) => waiting,
        Err(failure) => {
            recovery.end(&mut escrow, Phase::Failed);
            return Err(failure);
        }
    };
    recovery.complete(&mut escrow, &quorum, &gathering, &key)?;
    let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or_default();
    let age = waiting.deliver(output)?;
    report(&to, &key, &gathering, milliseconds, &escrow, age, output);
    Ok(())
}
