//! Gathering: cards are read and their seals opened until enough custodians are present.
//!
//! Cards in any order. A wrong card, a typo or a wrong passphrase is named and, when somebody is at a
//! terminal, `guide` asks again. What no person needs to be asked for is opened together, as far as
//! memory allows.

use super::guide::Guide;
use super::shown::show;
use crate::cli::args::Present;
use crate::cli::bring::{Brought, say};
use crate::cli::cards::{Openers, parallel, read};
use crate::cli::failure::{Failure, NO_QUORUM, card_hint};
use crate::cli::output::Output;
use crate::cli::progress::Step;
use crate::cli::terminal::is_interactive;
use crate::cli::watch::Watch;
use crate::cli::wipe::Given;
use quorate::card::Collector;
use quorate::ceremony::recover::{Gathering, PresentError};
use quorate::seal::{SealKind, SealedShare, UnsealError};
use quorate::share::ClaimedShare;
use std::sync::Arc;

/// Reads cards and opens seals until enough custodians are present for `what` (a recovery, a drill). `given` gets
/// the files of cards, `troubles` what was wrong with any.
pub(in crate::cli) fn gather(
    present: &Present,
    what: &'static str,
    openers: &Arc<Openers>,
    gathering: &mut Gathering,
    given: &mut Given,
    troubles: &mut Vec<String>,
    output: &Output,
) -> Result<(), Failure> {
    let mut collector = Collector::new();
    for path in &present.cards {
        let reading = match read(path, (present.seals.deadline, &Watch::begin()), &mut collector, output) {
            Ok(reading) => reading,
            Err(failure) if failure.is_interrupt() => {
                output.warn(format!("{}: not read any further", path.display()));
                continue;
            }
            Err(failure) => {
                say(&failure, output);
                troubles.push(failure.message);
                continue;
            }
        };
        let brought = Brought { place: path.display().to_string(), path: Some(path.clone()), reading };
        take(brought, gathering, given, troubles, output);
    }
    if present.camera.camera {
        show(&present.camera, gathering, output)?;
    }
    if is_interactive() {
        return Guide::new((present, what), openers, gathering, given, collector, troubles, output).run();
    }
    unseal_known(openers, gathering, troubles, output);
    dismiss_sealed(openers, gathering, output);
    if gathering.missing() == 0 {
        return Ok(());
    }
    progress(gathering, output);
    Err(not_enough(gathering, troubles))
}

/// Takes every card from a source; what is wrong with one is said, and remembered. Whether one was taken.
pub(super) fn take(
    brought: Brought,
    gathering: &mut Gathering,
    given: &mut Given,
    troubles: &mut Vec<String>,
    output: &Output,
) -> bool {
    let Brought { place, path, reading } = brought;
    let (is_part, is_print_file) = (reading.cards.is_empty(), reading.is_print_file);
    let (mut any, mut ours) = (false, is_part);
    for card in reading.cards {
        match gathering.present(card) {
            Ok(index) => {
                (any, ours) = (true, true);
                let custodian = gathering.custodian(index);
                output.note(format!("{place}: the card of {custodian} (share {index})"));
            }
            Err(error) => {
                ours |= matches!(error, PresentError::Again { .. });
                output.warn(format!("{place}: {error}"));
                hint(&error, output);
                troubles.push(error.to_string());
            }
        }
    }
    if let Some(path) = path.filter(|_| ours) {
        given.add(&path, is_print_file);
    }
    any
}

/// Opens every seal for which nobody must be asked, as many at once as memory allows.
pub(super) fn unseal_known(
    openers: &Arc<Openers>,
    gathering: &mut Gathering,
    troubles: &mut Vec<String>,
    output: &Output,
) {
    let known: Vec<u8> = gathering
        .sealed()
        .filter(|card| openers.opens(card, &gathering.custodian(card.header().index())))
        .map(|card| card.header().index())
        .collect();
    if known.is_empty() {
        return;
    }
    let names: Vec<String> = known.iter().map(|index| gathering.custodian(*index)).collect();
    let watch = Watch::begin();
    let step = Step::begin(format!("unsealing {}", names.join(", ")), known.len());
    let memory = gathering.sealed().map(|card| card.kind().memory_mib()).max().unwrap_or_default();
    let cards: Vec<_> = known.iter().filter_map(|index| own(gathering, *index)).collect();
    let (openers, at_once, tell) = (Arc::clone(openers), parallel(memory), step.counter());
    let outcomes = watch.over(move || unseal_all(&openers, &cards, at_once, tell));
    let Some(outcomes) = outcomes else {
        drop(step);
        for (index, name) in known.into_iter().zip(names) {
            gathering.dismiss(index);
            output.note(format!("the card of {name} is put away: it may be brought again"));
        }
        return;
    };
    step.done();
    for (index, outcome) in outcomes {
        if let Err(error) = gathering.unsealed(index, outcome) {
            output.warn(error.to_string());
            hint(&error, output);
            troubles.push(error.to_string());
            // A passphrase from a file won't get better: the custodian may be asked, or bring the card again.
            if !is_interactive() {
                gathering.dismiss(index);
            }
        }
    }
}

type Outcome = (u8, Result<ClaimedShare, UnsealError>);

/// A card and its custodian, for work that may outlive the wait for it.
pub(super) fn own(gathering: &Gathering, index: u8) -> Option<(SealedShare, String)> {
    let card = SealedShare::read(gathering.card(index)?.expose()).ok()?;
    Some((card, gathering.custodian(index)))
}

fn unseal_all(
    openers: &Openers,
    cards: &[(SealedShare, String)],
    at_once: usize,
    tell: impl Fn(usize),
) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for batch in cards.chunks(at_once.max(1)) {
        std::thread::scope(|scope| {
            let running: Vec<_> = batch
                .iter()
                .map(|(card, custodian)| {
                    (card.header().index(), scope.spawn(move || openers.open(card, custodian)))
                })
                .collect();
            for (index, thread) in running {
                let outcome = thread.join().unwrap_or(Err(UnsealError::Content { index }));
                outcomes.push((index, outcome));
                tell(outcomes.len());
            }
        });
    }
    outcomes
}

/// Sends away every card that is still sealed: nobody can be asked for what opens it.
fn dismiss_sealed(openers: &Openers, gathering: &mut Gathering, output: &Output) {
    let waiting: Vec<u8> = gathering.sealed().map(|card| card.header().index()).collect();
    for index in waiting {
        cannot_open(openers, gathering, index, output);
    }
}

/// Sends a card away, because what opens it was not given and can't be asked for.
pub(super) fn cannot_open(openers: &Openers, gathering: &mut Gathering, index: u8, output: &Output) {
    let custodian = gathering.custodian(index);
    let Some(card) = gathering.card(index) else { return };
    let by_passphrase = matches!(card.kind(), SealKind::Passphrase(_));
    let with = if by_passphrase { "--passphrase-file NAME=FILE" } else { "--identity FILE" };
    if !openers.opens(card, &custodian) {
        output.warn(format!(
            "the card of {custodian} is sealed, and nothing that opens it was given: add {with}"
        ));
    }
    gathering.dismiss(index);
}

pub(super) fn hint(error: &PresentError, output: &Output) {
    if let Some(hint) = card_hint(error) {
        output.note(format!("quorate: hint: {hint}"));
    }
}

fn progress(gathering: &Gathering, output: &Output) {
    let (names, threshold) = (gathering.names(), gathering.record().scheme().threshold());
    output.note(format!(
        "{} of {threshold}: {}",
        names.len(),
        if names.is_empty() { "nobody yet".to_owned() } else { names.join(", ") }
    ));
}

pub(super) fn not_enough(gathering: &Gathering, troubles: &[String]) -> Failure {
    let (names, threshold) = (gathering.names(), gathering.record().scheme().threshold());
    let who = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    let message =
        format!("the quorum is not reached: {} of {threshold} custodians are present{who}", names.len());
    let missing = gathering.missing();
    let cards = if missing == 1 {
        "1 more card, and what opens it"
    } else {
        &format!("{missing} more cards, and what opens them")
    };
    let hint = match troubles.last() {
        None => format!("bring {cards}"),
        Some(trouble) => format!("bring {cards}; the last trouble was: {trouble}"),
    };
    Failure { status: NO_QUORUM, message, hint: Some(hint) }
}
