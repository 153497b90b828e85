//! Pasted text: a few characters, a line, or a whole page.
//!
//! In: text. Out: characters at the cursor, or lines in their rows. Right lines are in at once; of the
//! others each stands in its row, with a question that waits. Rows that are no lines are left out.

use super::super::keys::Key;
use super::super::sheet::{Answer, judge};
use super::rows::{Entry, Standing};
use super::{State, Step};
use quorate::card::{Collector, Offer, is_code};
use quorate::wire::lines::{self, Row, SYMBOLS, Verdict, is_prose, row, split_number};

/// The most rows that are looked at.
const MOST: usize = 1024;
/// Fewer characters than this are a part of a line, not a line.
const PART: usize = 25;

impl State {
    /// Takes pasted text.
    pub(in super::super) fn paste(&mut self, text: &str) -> Step {
        self.notice.clear();
        self.leaving = false;
        let step = self.pasted(text);
        self.settle(false);
        step
    }

    fn pasted(&mut self, text: &str) -> Step {
        let trimmed = text.trim();
        let single = !trimmed.contains(['\n', '\r']);
        if is_code(trimmed) && single {
            match Collector::new().offer(trimmed) {
                Ok(Offer::Card(card)) => {
                    return Step::Done(Box::new(super::Done { card: *card, notes: Vec::new() }));
                }
                Ok(Offer::Part { .. }) => {
                    self.notice = "this is a part of a long card: give its picture as a file".to_owned();
                }
                Err(error) => self.notice = error.to_string(),
            }
            return Step::Go;
        }
        if single && (lines::count(trimmed) < PART || self.cursor > 0) {
            let mut typed = trimmed.chars().filter(|c| !c.is_control());
            return typed
                .find_map(|c| match self.press(Key::Char(c), true) {
                    Step::Go => None,
                    step => Some(step),
                })
                .unwrap_or(Step::Go);
        }
        let (mut taken, mut left) = (0_usize, 0_usize);
        for text in text.split(['\n', '\r', '\u{c}']).map(str::trim).filter(|row| !row.is_empty()).take(MOST)
        {
            match self.line(text, single) {
                Some(Step::Go) => taken = taken.saturating_add(1),
                Some(step) => return step,
                None => left = left.saturating_add(1),
            }
        }
        if self.notice.is_empty() && left > 0 {
            let lines = if taken == 1 { "1 line was".to_owned() } else { format!("{taken} lines were") };
            let rest = if left == 1 { "1 other row is".to_owned() } else { format!("{left} other rows are") };
            self.notice = format!("{lines} pasted; {rest} left out");
        }
        self.burst = true;
        if self.row().is_some_and(Entry::is_in) {
            self.advance();
        }
        Step::Go
    }

    /// A row of pasted text; `None` when it is no line. With `wanted`, it is one.
    fn line(&mut self, text: &str, wanted: bool) -> Option<Step> {
        let next = self.entries.iter().skip(self.at).position(|entry| entry.text.is_empty())?;
        let next = u8::try_from(self.at.saturating_add(next).saturating_add(1)).ok()?;
        let Row { number, numbered, verdict } = row(text, next);
        let verdict = match verdict {
            // Without a number in the row, its own one says where it belongs.
            Verdict::OtherRow(reading) if !numbered && reading.changes().is_empty() => {
                Verdict::Good(reading.into_line())
            }
            verdict => verdict,
        };
        if let Verdict::Good(line) = verdict {
            let here = usize::from(line.number()).saturating_sub(1);
            if self.sheet.knows(&line) {
                return Some(Step::Go);
            }
            let entry = self.entries.get_mut(here)?;
            entry.settle(Standing::Right, &line);
            self.go(here);
            return Some(self.took(vec![line], true));
        }
        let tried =
            lines::count(text) >= SYMBOLS.saturating_sub(2) || (numbered && lines::count(text) >= PART);
        let refused = matches!(verdict, Verdict::Refused(_));
        let entry = self.entries.get_mut(usize::from(number).checked_sub(1)?)?;
        let fits = wanted || (tried && !is_prose(text) && (!refused || numbered));
        if !fits || !entry.text.is_empty() {
            return None;
        }
        for typed in split_number(text).1.chars().filter(|c| c.is_alphanumeric() || *c == '?') {
            entry.insert(entry.text.len(), typed);
        }
        match judge(number, &entry.string()) {
            Answer::Proposed(proposal) => entry.proposal = Some(proposal),
            Answer::Refused(why) => entry.trouble = Some(why),
            // What was left out from the row made it right.
            Answer::Right(line) => {
                entry.settle(Standing::Right, &line);
                self.go(usize::from(number).saturating_sub(1));
                return Some(self.took(vec![line], true));
            }
        }
        self.go(usize::from(number).saturating_sub(1));
        self.advance();
        Some(Step::Go)
    }
}
