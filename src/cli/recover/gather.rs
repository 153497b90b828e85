//! Gathering: cards are read and their seals opened until enough custodians are present.
//!
//! Cards in any order. A wrong card, a typo or a wrong passphrase is named and, when somebody can be
//! asked, asked for again; nothing a person does here ends a recovery. What no person needs to be asked
//! for is opened together, as far as memory allows.

use crate::cli::args::Recover;
use crate::cli::cards::{Openers, parallel, read};
use crate::cli::failure::{Failure, NO_QUORUM, card_hint};
use crate::cli::output::Output;
use crate::cli::progress::Step;
use crate::cli::terminal;
use quorate::card::Collector;
use quorate::ceremony::recover::{Gathering, PresentError};
use quorate::seal::{SealKind, SealedShare, UnsealError};
use quorate::share::ClaimedShare;
use std::path::Path;

/// Reads cards and opens seals until enough custodians are present.
pub(in crate::cli) fn gather(
    options: &Recover,
    openers: &Openers,
    gathering: &mut Gathering,
    output: &Output,
) -> Result<(), Failure> {
    let mut collector = Collector::new();
    let asking = terminal::is_interactive();
    let mut troubles = Vec::new();
    for path in &options.cards {
        take(path, options, gathering, &mut collector, &mut troubles, output);
    }
    loop {
        unseal_known(openers, gathering, &mut troubles, output);
        unseal_asked(openers, gathering, asking, output)?;
        if gathering.missing() == 0 {
            return Ok(());
        }
        progress(gathering, output);
        if !asking {
            return Err(not_enough(gathering, &troubles));
        }
        let Some(line) =
            terminal::ask("a card (path of a picture, PDF or text file; Enter alone gives up): ")?
        else {
            return Err(not_enough(gathering, &troubles));
        };
        let path = String::from_utf8_lossy(line.expose()).trim().to_owned();
        if path.is_empty() {
            return Err(not_enough(gathering, &troubles));
        }
        take(Path::new(&path), options, gathering, &mut collector, &mut troubles, output);
    }
}

/// Takes every card of a file; what is wrong with one is said, and remembered.
pub(super) fn take(
    path: &Path,
    options: &Recover,
    gathering: &mut Gathering,
    collector: &mut Collector,
    troubles: &mut Vec<String>,
    output: &Output,
) {
    let cards = match read(path, options.seals.deadline, collector, output) {
        Ok(reading) => reading.cards,
        Err(failure) => {
            output.warn(&failure.message);
            if let Some(hint) = &failure.hint {
                output.note(format!("quorate: hint: {hint}"));
            }
            troubles.push(failure.message);
            return;
        }
    };
    for card in cards {
        match gathering.present(card) {
            Ok(index) => output.note(format!(
                "{}: the card of {} (share {index})",
                path.display(),
                gathering.custodian(index)
            )),
            Err(error) => {
                output.warn(format!("{}: {error}", path.display()));
                hint(&error, output);
                troubles.push(error.to_string());
            }
        }
    }
}

/// Opens every seal for which nobody must be asked, as many at once as memory allows.
pub(super) fn unseal_known(
    openers: &Openers,
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
    let step = Step::begin(format!("unsealing {}", names.join(", ")), known.len());
    let memory = gathering.sealed().map(|card| card.kind().memory_mib()).max().unwrap_or_default();
    let outcomes = unseal_all(openers, gathering, &known, parallel(memory), &step);
    step.done();
    for (index, outcome) in outcomes {
        if let Err(error) = gathering.unsealed(index, outcome) {
            output.warn(error.to_string());
            hint(&error, output);
            troubles.push(error.to_string());
            // A passphrase from a file won't get better: the custodian may be asked, or bring the card again.
            if !terminal::is_interactive() {
                gathering.dismiss(index);
            }
        }
    }
}

type Outcome = (u8, Result<ClaimedShare, UnsealError>);

fn unseal_all(
    openers: &Openers,
    gathering: &Gathering,
    indices: &[u8],
    at_once: usize,
    step: &Step,
) -> Vec<Outcome> {
    let cards: Vec<(&SealedShare, String)> = indices
        .iter()
        .filter_map(|index| Some((gathering.card(*index)?, gathering.custodian(*index))))
        .collect();
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
                step.at(outcomes.len());
            }
        });
    }
    outcomes
}

/// Asks each custodian whose card is here for what opens it.
pub(super) fn unseal_asked(
    openers: &Openers,
    gathering: &mut Gathering,
    asking: bool,
    output: &Output,
) -> Result<(), Failure> {
    let waiting: Vec<u8> = gathering.sealed().map(|card| card.header().index()).collect();
    for index in waiting {
        if gathering.missing() == 0 {
            break;
        }
        let custodian = gathering.custodian(index);
        let Some(card) = gathering.card(index) else { continue };
        let by_passphrase = matches!(card.kind(), SealKind::Passphrase(_));
        if !asking || !by_passphrase {
            let with = if by_passphrase { "--passphrase-file NAME=FILE" } else { "--identity FILE" };
            if !openers.opens(card, &custodian) {
                output.warn(format!(
                    "the card of {custodian} is sealed, and nothing that opens it was given: add {with}"
                ));
            }
            gathering.dismiss(index);
            continue;
        }
        loop {
            let prompt = format!("{custodian}, your passphrase (Enter alone puts the card away): ");
            let Some(passphrase) = terminal::ask_passphrase(&prompt)? else {
                gathering.dismiss(index);
                break;
            };
            let Some(card) = gathering.card(index) else { break };
            let step = Step::begin(format!("unsealing {custodian}"), 0);
            let outcome = card.open_passphrase(&passphrase);
            step.done();
            match gathering.unsealed(index, outcome) {
                Ok(()) => break,
                Err(error) => {
                    output.warn(error.to_string());
                    hint(&error, output);
                }
            }
        }
        progress(gathering, output);
    }
    Ok(())
}

fn hint(error: &PresentError, output: &Output) {
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

fn not_enough(gathering: &Gathering, troubles: &[String]) -> Failure {
    let (names, threshold) = (gathering.names(), gathering.record().scheme().threshold());
    let who = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    let message =
        format!("the quorum is not reached: {} of {threshold} custodians are present{who}", names.len());
    let hint = match troubles.last() {
        None => format!("bring {} more cards, and what opens them", gathering.missing()),
        Some(trouble) => format!(
            "bring {} more cards, and what opens them; the last trouble was: {trouble}",
            gathering.missing()
        ),
    };
    Failure { status: NO_QUORUM, message, hint: Some(hint) }
}
