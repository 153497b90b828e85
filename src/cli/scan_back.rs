//! Scan-back: before a card is handed out it is read back from its print, or left out by name.
//!
//! `init` ends with it. Cards come in any order, from pictures, scans or typed lines; the file that was
//! printed is no print. A record of the log says at once what was read back, how, or left out: whatever
//! ends the program, the same `init` goes on where it was, and `status` names the cards that nobody has
//! read. A card and its extra copy have one code; where there are both, a person says which was read.

use super::args::Init;
use super::bring::{Brought, file, pasted, typed_here};
use super::cards::checked;
use super::failure::{FAILED, Failure, card_hint};
use super::output::Output;
use super::prompt::{self, Said};
use super::terminal;
use super::wipe::Given;
use quorate::card::{Collector, verification};
use quorate::ceremony::check::check;
use quorate::ceremony::escrow::Escrow;
use quorate::log::{Checked, CheckedCard, Medium, Occasion, Op, Phase};
use quorate::quorum::QuorumRecord;
use quorate::seal::{SealKind, SealedShare};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The word that leaves out every card, unless a custodian has that name.
const EVERYBODY: &str = "everybody";
/// Seconds to look for a code in one picture.
const DEADLINE: u64 = 10;
const PROMPT: &str = "a picture or scan of a printed card (its path), type, skip NAME, help or quit: ";
const LEAVE: &str = "leave? the quorum is founded, but its cards are not read back";
const HELP: &str = "  PATH        a picture (PNG, JPEG) or scan (also PDF) of one or more printed cards; several paths may be given
  type        type the lines of a card from the paper
  skip NAME   leave out a custodian's card, by name; the log says so, and `status` shows it
  who         which cards are still to come
  quit        stop here; the same command goes on with what is left
  The text of a card's code may be pasted too.";

/// Refuses, before anything happens, a scan-back that nobody could do.
pub(crate) fn is_possible(options: &Init) -> Result<(), Failure> {
    let names: Vec<&str> =
        options.custodians.iter().map(|one| one.split('=').next().unwrap_or_default()).collect();
    let skipped = skipped(&options.skip, &names)?;
    if terminal::is_interactive() || skipped.len() == names.len() {
        return Ok(());
    }
    Err(Failure::usage("there is no terminal to read the printed cards back at")
        .hint("run it at a terminal, or add --skip-scan-back NAME… for each card; then print them, and read each one back with `quorate check --record`"))
}

/// The places of the custodians that `skip` names.
fn skipped(skip: &[String], names: &[&str]) -> Result<BTreeSet<usize>, Failure> {
    let mut places = BTreeSet::new();
    for name in skip {
        match places_of(name, names) {
            Some(place) => _ = places.insert(place),
            None if name == EVERYBODY => places.extend(0..names.len()),
            None => return Err(super::init::unknown("--skip-scan-back", name)),
        }
    }
    Ok(places)
}

fn places_of(name: &str, names: &[&str]) -> Option<usize> {
    names.iter().position(|one| one.to_lowercase() == name.to_lowercase())
}

/// The scan-back of one quorum's cards.
struct ScanBack<'a> {
    record: &'a QuorumRecord,
    /// The shares whose cards are to be read back.
    wanted: BTreeSet<u8>,
    read: BTreeMap<u8, CheckedCard>,
    skipped: BTreeSet<u8>,
    /// Whether there are extra copies of the cards, with the same codes.
    copies: bool,
    collector: Collector,
    given: Given,
    output: &'a Output,
}

/// Reads back what the log doesn't know of yet; an error when somebody left before it was over.
pub(crate) fn run(
    escrow: &mut Escrow<'_>,
    record: &QuorumRecord,
    options: &Init,
    folder: Option<&Path>,
    output: &Output,
) -> Result<(), Failure> {
    let names: Vec<&str> = record.terms().custodians.iter().map(|one| one.name.as_str()).collect();
    let histories = escrow.state().quorum().map(|entry| entry.cards.clone()).unwrap_or_default();
    let open = |index: &u8| !histories.get(index).is_some_and(quorate::log::CardHistory::is_settled);
    let mut back = ScanBack {
        record,
        wanted: (1_u8..=u8::MAX).take(names.len()).filter(open).collect(),
        read: BTreeMap::new(),
        skipped: BTreeSet::new(),
        copies: options.pocket,
        collector: Collector::new(),
        given: Given::default(),
        output,
    };
    for place in skipped(&options.skip, &names)? {
        if let Some(index) = u8::try_from(place).ok().and_then(|place| place.checked_add(1)) {
            back.skip(index);
        }
    }
    let asked = back.log(escrow).and_then(|()| Ok(back.wanted.is_empty() || back.ask(escrow, folder)?));
    let over = match asked {
        Ok(over) => over,
        Err(failure) => {
            back.given.remind(output);
            return Err(failure);
        }
    };
    let left = back.names();
    back.given.end(options.wipe_pictures, output)?;
    if over {
        return Ok(());
    }
    Err(Failure::new(FAILED, format!("cards not read back: {left}")).hint(
        "the quorum is founded, its cards are not to be handed out yet: run the same command again to go on",
    ))
}

impl ScanBack<'_> {
    /// Asks for one card after the other; whether that came to its end.
    fn ask(&mut self, escrow: &mut Escrow<'_>, folder: Option<&Path>) -> Result<bool, Failure> {
        let count = self.wanted.len();
        let cards = if count == 1 { "card".to_owned() } else { format!("{count} cards") };
        let place = match folder {
            Some(folder) => format!(" in {}", folder.display()),
            None => ", which are where an earlier run of this command has put them".to_owned(),
        };
        self.output.note(format!(
            "quorum {} is founded: print the {cards}{place}, and read each one back from the paper before it is handed out",
            self.record.id()
        ));
        while !self.wanted.is_empty() {
            self.output.note(format!("still to come: {}", self.names()));
            match prompt::ask(PROMPT, &["type", "skip", "who", "help", "quit"])? {
                Said::Nothing | Said::Word("who", _) => {}
                Said::Word("help", _) => self.output.note_lines(HELP),
                Said::Word("skip", name) => self.skip_named(&name)?,
                Said::Word("type", _) => match typed_here() {
                    Ok(None) => {}
                    Ok(Some(brought)) => _ = self.brought(&brought, false)?,
                    Err(failure) if failure.is_interrupt() => {
                        if prompt::confirm(LEAVE, true)? {
                            return Ok(false);
                        }
                    }
                    Err(failure) => return Err(failure),
                },
                Said::Leave | Said::Word(..) => {
                    if prompt::confirm(LEAVE, true)? {
                        return Ok(false);
                    }
                }
                Said::Text(first) => {
                    if let Some(brought) = pasted(&first, self.output)? {
                        self.brought(&brought, self.copies)?;
                    }
                }
                Said::Paths(paths) => {
                    for path in &paths {
                        if let Some(brought) = file(path, true, DEADLINE, &mut self.collector, self.output) {
                            let taken = self.brought(&brought, self.copies);
                            self.given.note(&brought, *taken.as_ref().unwrap_or(&true));
                            taken?;
                            self.log(escrow)?;
                        }
                    }
                }
            }
            self.log(escrow)?;
        }
        Ok(true)
    }

    /// Takes the cards of one source, which may be extra copies; whether one of them is this quorum's.
    fn brought(&mut self, brought: &Brought, copies: bool) -> Result<bool, Failure> {
        let (place, medium) = (&brought.place, brought.reading.medium);
        let mut any = false;
        for card in &brought.reading.cards {
            any |= self.take(place, card, medium, copies)?;
        }
        Ok(any)
    }

    /// Takes a card, and says what it is; whether it is a good one of this quorum.
    fn take(
        &mut self,
        place: &str,
        card: &SealedShare,
        medium: Medium,
        copies: bool,
    ) -> Result<bool, Failure> {
        // An open card shows its share to everybody: that is checked along.
        let opened = matches!(card.kind(), SealKind::Open).then(|| card.open_plain());
        let good = match check(self.record, card, opened) {
            Ok(good) => good,
            Err(error) => {
                self.output.warn(format!("{place}: {error}"));
                if let Some(hint) = card_hint(&error) {
                    self.output.note(format!("quorate: hint: {hint}"));
                }
                return Ok(false);
            }
        };
        let (name, code) = (&good.custodian, verification(&card.digest()));
        if !self.wanted.contains(&good.index) {
            self.output.note(format!("{place}: the card of {name} is done already"));
        } else if copies
            && !prompt::confirm(
                &format!("{place}: is this the card of {name} itself, and not its extra copy?"),
                false,
            )?
        {
            self.output.note(format!(
                "{place}: the extra copy of {name} (share {}) is good, its verification code is {code}; the card itself is still to come",
                good.index
            ));
        } else {
            self.wanted.remove(&good.index);
            self.read.insert(good.index, checked(&good, medium));
            self.output.note(format!(
                "{place}: the card of {name} (share {}) is good, its verification code is {code}",
                good.index
            ));
        }
        Ok(true)
    }

    fn skip_named(&mut self, name: &str) -> Result<(), Failure> {
        let names: Vec<&str> = self.record.terms().custodians.iter().map(|one| one.name.as_str()).collect();
        let place = places_of(name, &names).and_then(|place| u8::try_from(place).ok());
        let Some(index) = place.and_then(|place| place.checked_add(1)) else {
            self.output.warn(format!("{name:?} is no custodian: say skip and a name"));
            return Ok(());
        };
        let question = format!("leave out the card of {name}? nobody knows then whether it can be read");
        if self.wanted.contains(&index) && prompt::confirm(&question, false)? {
            self.skip(index);
        }
        Ok(())
    }

    fn skip(&mut self, index: u8) {
        if self.wanted.remove(&index) {
            self.skipped.insert(index);
        }
    }

    /// The custodians whose cards are still to come.
    fn names(&self) -> String {
        let name = |index: &u8| {
            self.record.custodian(*index).map(|one| format!("{} ({index})", one.name)).unwrap_or_default()
        };
        self.wanted.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    /// Logs what was read back or left out since the last record.
    fn log(&mut self, escrow: &mut Escrow<'_>) -> Result<(), Failure> {
        if self.read.is_empty() && self.skipped.is_empty() {
            return Ok(());
        }
        let checked = Checked {
            quorum: self.record.id(),
            generation: self.record.terms().generation,
            occasion: Occasion::ScanBack,
            cards: core::mem::take(&mut self.read).into_values().collect(),
            skipped: core::mem::take(&mut self.skipped).into_iter().collect(),
        };
        let logged = escrow.record(Op::Check, Phase::Done, &checked.details());
        logged.map(drop).map_err(|error| {
            let failure = Failure::from(error);
            Failure {
                hint: Some(
                    "the quorum is founded: run the same command again to log the scan-back".to_owned(),
                ),
                ..failure
            }
        })
    }
}
