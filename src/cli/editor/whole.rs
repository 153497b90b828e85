//! Typing by whole lines: a line is read, judged, and asked about. No cursor, no escape sequences.
//!
//! For dumb terminals, screen readers and scripts. In: lines, numbered or in their order. Out: a card, or
//! nothing at the end of the input. A line alone on standard input that is no answer to a question
//! is the next line of the card: nothing that was typed is lost.

use super::super::failure::Failure;
use super::super::terminal;
use super::sheet::{Answer, Done, LAST, Outcome, Proposal, Sheet, judge};
use quorate::card::{Collector, Offer, is_code};
use quorate::secret::{SecretBytes, Zeroizing};

#[cfg(test)]
mod tests;

/// Who types.
pub(super) trait Talk {
    /// Shows a line.
    fn tell(&mut self, text: &str);
    /// Asks for a line; `None` at the end of the input.
    fn ask(&mut self, prompt: &str) -> Result<Option<SecretBytes>, Failure>;
    /// Whether somebody is there to be asked.
    fn is_interactive(&self) -> bool;
}

/// Standard input and standard error.
pub(super) struct Terminal {
    pub(super) interactive: bool,
}

impl Talk for Terminal {
    fn tell(&mut self, text: &str) {
        terminal::show(text);
        terminal::show("\n");
    }

    fn ask(&mut self, prompt: &str) -> Result<Option<SecretBytes>, Failure> {
        terminal::ask(prompt)
    }

    fn is_interactive(&self) -> bool {
        self.interactive
    }
}

const WHAT_TO_DO: &str = "\
Type the card's lines one by one as they are printed, and Enter behind each; spaces and small letters don't matter, ? stands for a character that can't be read.
Two lines may be left out: Enter alone goes to the next line, a number alone goes to that line, `stop` gives up.";

/// Lets a person type a card.
pub(super) fn type_card(talk: &mut dyn Talk) -> Result<Option<Done>, Failure> {
    talk.tell(WHAT_TO_DO);
    let mut typing = Typing { sheet: Sheet::new(), at: 1, next: None };
    loop {
        let prompt = format!("line {:02}: ", typing.at);
        let typed = match typing.next.take() {
            Some(typed) => Some(typed),
            None => talk.ask(&prompt)?,
        };
        let Some(typed) = typed else {
            typing.ended(talk);
            return Ok(None);
        };
        let text = Zeroizing::new(String::from_utf8_lossy(typed.expose()).into_owned());
        let text = text.trim();
        if let Some(number) = number_alone(text) {
            typing.at = number;
        } else if text.is_empty() {
            if talk.is_interactive() {
                typing.skip();
            }
        } else if text.eq_ignore_ascii_case("stop") {
            typing.ended(talk);
            return Ok(None);
        } else if is_code(text) {
            match Collector::new().offer(text) {
                Ok(Offer::Card(card)) => return Ok(Some(Done { card: *card, notes: Vec::new() })),
                Ok(Offer::Part { .. }) => {
                    talk.tell("this is a part of a long card: give its picture as a file");
                }
                Err(error) => talk.tell(&error.to_string()),
            }
        } else if !text.starts_with('#')
            && let Some(done) = typing.line(text, talk)?
        {
            if talk.is_interactive() {
                talk.tell(
                    "the card is whole. The lines are still on this screen: clear it before others see it",
                );
                // Whoever looks at the paper goes on with the spare lines: they must not reach the shell.
                let enough = "no more lines are needed: Enter alone goes on: ";
                while talk.ask(enough)?.is_some_and(|line| !line.expose().trim_ascii().is_empty()) {}
            }
            return Ok(Some(done));
        }
    }
}

struct Typing {
    sheet: Sheet,
    /// The number of the line that is asked for.
    at: u8,
    /// What was typed in place of an answer.
    next: Option<SecretBytes>,
}

impl Typing {
    /// The next line that isn't in.
    fn skip(&mut self) {
        let last = self.sheet.last().unwrap_or(LAST);
        let behind = self.at.saturating_add(1)..=last;
        self.at = behind.chain(1..=last).find(|number| !self.sheet.has(*number)).unwrap_or(1);
    }

    fn line(&mut self, text: &str, talk: &mut dyn Talk) -> Result<Option<Done>, Failure> {
        let lines = match judge(self.at, text) {
            Answer::Right(line) => vec![line],
            Answer::Proposed(proposal)
                if proposal.places.is_empty()
                    && proposal.is_one()
                    && stated(text) == Some(proposal.number()) =>
            {
                // Right, and its number was typed with it.
                proposal.lines
            }
            Answer::Proposed(proposal) => match self.confirmed(proposal, talk)? {
                Some(lines) => lines,
                None => return Ok(None),
            },
            Answer::Refused(why) => {
                talk.tell(&why);
                talk.tell("type it again, or Enter alone to leave it out");
                return Ok(None);
            }
        };
        if let Some(line) = lines.first() {
            self.at = line.number();
        }
        self.sheet.take(self.at, lines);
        match self.sheet.outcome() {
            Outcome::Card(done) => return Ok(Some(*done)),
            Outcome::Missing => self.skip(),
            Outcome::Trouble(why, line) => {
                talk.tell(&why);
                match line {
                    Some(line) => self.at = line,
                    None => self.skip(),
                }
            }
        }
        talk.tell(&self.sheet.progress());
        Ok(None)
    }

    fn confirmed(
        &mut self,
        proposal: Proposal,
        talk: &mut dyn Talk,
    ) -> Result<Option<Vec<quorate::wire::lines::Line>>, Failure> {
        for sentence in &proposal.sentences {
            talk.tell(sentence);
        }
        let question = if proposal.is_one() { "take it so? [Y/n] " } else { "keep them all? [Y/n] " };
        let Some(answer) = talk.ask(question)? else { return Ok(None) };
        let word = answer.expose().trim_ascii();
        let says = |words: [&[u8]; 2]| words.iter().any(|one| word.eq_ignore_ascii_case(one));
        if says([b"n", b"no"]) {
            talk.tell("then type it again");
            return Ok(None);
        }
        if says([b"y", b"yes"]) || (word.is_empty() && talk.is_interactive()) {
            return Ok(Some(proposal.lines));
        }
        talk.tell("that was no answer: the line is left out for now");
        self.skip();
        self.next = Some(answer);
        Ok(None)
    }

    fn ended(&self, talk: &mut dyn Talk) {
        talk.tell(&format!("there is no whole card: {}", self.sheet.progress()));
    }
}

/// A line number with nothing behind it but a colon.
fn number_alone(text: &str) -> Option<u8> {
    let digits = text.trim_end_matches([':', '.', ')']);
    let short = digits.len() <= 2 && digits.bytes().all(|c| c.is_ascii_digit());
    digits.parse().ok().filter(|number| short && (1..=LAST).contains(number))
}

/// The number in front of a line.
fn stated(text: &str) -> Option<u8> {
    quorate::wire::lines::split_number(text).0
}
