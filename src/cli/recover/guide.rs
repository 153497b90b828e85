//! The guide through a recovery at a terminal: card by card, whatever people do.
//!
//! Says who is here, how many are missing and who could still come, and how long each step took. A wrong
//! file, card or passphrase is named, and nothing ends but on `quit`, which is asked about. Whole sentences
//! in order, no colours, no cursor: they can be read out, and scrolled back.

use super::gather::{cannot_open, hint, not_enough, own, take, unseal_known};
use crate::cli::args::Present;
use crate::cli::bring::{Brought, file, pasted, typed_here};
use crate::cli::cards::Openers;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::progress::Step;
use crate::cli::prompt::{self, Said};
use crate::cli::terminal::ask_passphrase;
use crate::cli::watch::Watch;
use crate::cli::wipe::Given;
use quorate::card::Collector;
use quorate::ceremony::recover::Gathering;
use quorate::seal::SealKind;
use std::sync::Arc;
use std::time::Instant;

const PROMPT: &str = "the next card (its path, type, or help): ";
const HELP: &str = "  PATH         a picture (PNG, JPEG), a scan (also PDF) or a text file with one or more cards; several paths
               may be given, and files may be dragged here
  type         type the lines of a card from the paper
  who          who is here, and who could still come
  remove NAME  put a custodian's card away again
  quit         give up; nothing is released, and the log says so
  The text of a card's code, or its typed lines, may be pasted too; they stay in the terminal's history.";

/// A recovery at a terminal, in the middle of it.
pub(super) struct Guide<'a> {
    present: &'a Present,
    what: &'static str,
    openers: &'a Arc<Openers>,
    gathering: &'a mut Gathering,
    given: &'a mut Given,
    collector: Collector,
    troubles: &'a mut Vec<String>,
    begun: Instant,
    output: &'a Output,
}

impl<'a> Guide<'a> {
    pub(super) fn new(
        (present, what): (&'a Present, &'static str),
        openers: &'a Arc<Openers>,
        gathering: &'a mut Gathering,
        given: &'a mut Given,
        collector: Collector,
        troubles: &'a mut Vec<String>,
        output: &'a Output,
    ) -> Self {
        Self { present, what, openers, gathering, given, collector, troubles, begun: Instant::now(), output }
    }

    /// Asks until enough custodians are present, or somebody leaves.
    pub(super) fn run(mut self) -> Result<(), Failure> {
        loop {
            unseal_known(self.openers, self.gathering, self.troubles, self.output);
            if !self.unseal()? {
                return Err(not_enough(self.gathering, self.troubles));
            }
            if self.gathering.missing() == 0 {
                self.output.note(self.progress());
                return Ok(());
            }
            if !self.next()? {
                return Err(not_enough(self.gathering, self.troubles));
            }
        }
    }

    /// One answer; false when somebody left.
    fn next(&mut self) -> Result<bool, Failure> {
        self.output.note(self.progress());
        match prompt::ask(PROMPT, &["type", "who", "remove", "help", "quit"])? {
            Said::Nothing => {}
            Said::Word("help", _) => self.output.note_lines(HELP),
            Said::Word("who", _) => self.who(),
            Said::Word("remove", name) => self.remove(&name),
            Said::Word("type", _) => match typed_here() {
                Ok(Some(brought)) => _ = self.take(brought),
                Ok(None) => {}
                Err(failure) if failure.is_interrupt() => return self.stays(),
                Err(failure) => return Err(failure),
            },
            Said::Leave | Said::Word(..) => return self.stays(),
            Said::Text(first) => {
                if let Some(brought) = pasted(&first, self.output)? {
                    self.take(brought);
                }
            }
            Said::Paths(paths) => {
                for path in &paths {
                    let start = Instant::now();
                    let deadline = self.present.seals.deadline;
                    if let Some(brought) = file(path, false, deadline, &mut self.collector, self.output) {
                        let seconds = start.elapsed().as_secs_f32();
                        if self.take(brought) {
                            self.output.note(format!("it was read in {seconds:.1} s"));
                        }
                    }
                }
            }
        }
        Ok(true)
    }

    fn take(&mut self, brought: Brought) -> bool {
        take(brought, self.gathering, self.given, self.troubles, self.output)
    }

    /// Asks each custodian whose card is here for what opens it; false when somebody left.
    fn unseal(&mut self) -> Result<bool, Failure> {
        let waiting: Vec<u8> = self.gathering.sealed().map(|card| card.header().index()).collect();
        for index in waiting {
            if self.gathering.missing() == 0 {
                break;
            }
            let by_passphrase =
                self.gathering.card(index).is_some_and(|card| matches!(card.kind(), SealKind::Passphrase(_)));
            if !by_passphrase {
                cannot_open(self.openers, self.gathering, index, self.output);
            } else if !self.ask(index)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Asks one custodian for the passphrase, as often as it takes; false when somebody left.
    fn ask(&mut self, index: u8) -> Result<bool, Failure> {
        let custodian = self.gathering.custodian(index);
        loop {
            let prompt = format!("{custodian}, your passphrase (Enter alone puts the card away): ");
            let passphrase = match ask_passphrase(&prompt) {
                Ok(Some(passphrase)) => passphrase,
                Ok(None) => {
                    self.gathering.dismiss(index);
                    self.output.note(format!("the card of {custodian} is put away: it may be brought again"));
                    return Ok(true);
                }
                Err(failure) if failure.is_interrupt() => {
                    if self.stays()? {
                        continue;
                    }
                    return Ok(false);
                }
                Err(failure) => return Err(failure),
            };
            let Some((card, _)) = own(self.gathering, index) else { return Ok(true) };
            let watch = Watch::begin();
            let step = Step::begin(format!("unsealing {custodian}"), 0);
            let Some(outcome) = watch.over(move || card.open_passphrase(&passphrase)) else {
                drop(step);
                self.output.warn(format!("the card of {custodian} was not opened"));
                continue;
            };
            step.done();
            match self.gathering.unsealed(index, outcome) {
                Ok(()) => return Ok(true),
                Err(error) => {
                    self.output.warn(error.to_string());
                    hint(&error, self.output);
                }
            }
        }
    }

    /// Whether the wish to leave was a slip.
    fn stays(&self) -> Result<bool, Failure> {
        let what = self.what;
        let leave =
            format!("leave? nothing was released, and the log will say that the {what} was abandoned");
        prompt::confirm(&leave, true).map(|leaves| !leaves)
    }

    fn remove(&mut self, name: &str) {
        let record = self.gathering.record();
        let mut named = (1_u8..=u8::MAX).zip(&record.terms().custodians);
        let found = named.find(|(_, one)| one.name.to_lowercase() == name.to_lowercase());
        let Some(index) = found.map(|(index, _)| index) else {
            return self.output.warn(format!("{name:?} is no custodian: say remove and a name"));
        };
        let name = self.gathering.custodian(index);
        if self.gathering.present_shares().contains(&index) || self.gathering.card(index).is_some() {
            self.gathering.dismiss(index);
            self.output.note(format!("the card of {name} is put away: it may be brought again"));
        } else {
            self.output.note(format!("the card of {name} is not here"));
        }
    }

    fn who(&self) {
        let here = self.gathering.present_shares();
        for (index, custodian) in (1_u8..=u8::MAX).zip(&self.gathering.record().terms().custodians) {
            let is_here = if here.contains(&index) { "here" } else { "not here yet" };
            let role = custodian.role.as_deref().map(|role| format!(", {role}")).unwrap_or_default();
            self.output.note(format!("  {index}  {}{role}: {is_here}", custodian.name));
        }
    }

    /// How many are here, how many are missing, who could come, and how long it took so far.
    fn progress(&self) -> String {
        let (names, record) = (self.gathering.names(), self.gathering.record());
        let here = if names.is_empty() { "nobody yet".to_owned() } else { names.join(", ") };
        let (count, threshold) = (names.len(), record.scheme().threshold());
        let time = since(self.begun);
        let missing = self.gathering.missing();
        if missing == 0 {
            return format!("{count} of {threshold} are here: {here}. That is enough, after {time}.");
        }
        let open = self.gathering.present_shares();
        let could: Vec<&str> = (1_u8..=u8::MAX)
            .zip(&record.terms().custodians)
            .filter(|(index, _)| !open.contains(index))
            .map(|(_, one)| one.name.as_str())
            .collect();
        let is = if count == 1 { "is" } else { "are" };
        format!(
            "{count} of {threshold} {is} here: {here}. {missing} more to come, of {} ({time} so far).",
            could.join(", ")
        )
    }
}

/// How long it is since `begun`, in words.
pub(in crate::cli) fn since(begun: Instant) -> String {
    let seconds = begun.elapsed().as_secs();
    match (seconds.checked_div(60).unwrap_or_default(), seconds.checked_rem(60).unwrap_or_default()) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}
