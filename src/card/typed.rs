//! A card from text: the typed lines, numbered or in their order, or the texts of its codes.
//!
//! What people type is read generously and corrected by proposal: every change is returned in
//! [`Typed::notes`], for a person to see, and the card's own check over all bytes is the last judge,
//! so that a wrong correction is never taken for the card.

use super::codes::{CodeError, Collector, Offer, PREFIX};
use crate::seal::SealedShare;
use crate::wire::lines::{AssembleError, Line, Refusal, Verdict, assemble, judge, split_number};
use zeroize::Zeroizing;

/// The longest text that is read.
pub const LONGEST: usize = 256 * 1024;
/// The most lines of one card.
const MOST_LINES: usize = 31;

/// Cards from text, and what had to be changed to read them.
#[derive(Debug, Default)]
pub struct Typed {
    /// The cards.
    pub cards: Vec<SealedShare>,
    /// Every change, in words, for a person to compare with the card.
    pub notes: Vec<Zeroizing<String>>,
}

/// Why text gives no card.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypedError {
    /// Nothing that looks like a card.
    #[error("there is no card in this text: it has neither typed lines nor the text of a code")]
    Nothing,
    /// Too much.
    #[error("the text is longer than {LONGEST} bytes: it is not a card")]
    TooLong,
    /// Not text.
    #[error("this is not text")]
    NotText,
    /// The text of a code that isn't a card.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// The lines give no card; with the lines that could not be read.
    #[error("{error}{}", unread(refused))]
    Lines {
        /// Why.
        error: AssembleError,
        /// The lines that could not be read, and why.
        refused: Vec<(u8, Refusal)>,
    },
}

fn unread(refused: &[(u8, Refusal)]) -> String {
    refused.iter().map(|(number, why)| format!("; line {number} can't be read: {why}")).collect()
}

/// Reads every card in `bytes`.
///
/// # Errors
/// [`TypedError`].
pub fn read(bytes: &[u8]) -> Result<Typed, TypedError> {
    if bytes.len() > LONGEST {
        return Err(TypedError::TooLong);
    }
    let text = core::str::from_utf8(bytes).map_err(|_| TypedError::NotText)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = Typed::default();
    let mut collector = Collector::new();
    let mut sheet = Sheet::default();
    for row in text.lines().map(str::trim).filter(|row| !row.is_empty() && !row.starts_with('#')) {
        if row.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX)) {
            if let Offer::Card(card) = collector.offer(row)? {
                found.cards.push(*card);
            }
        } else {
            sheet.take(row);
        }
    }
    if !sheet.lines.is_empty() || (found.cards.is_empty() && !sheet.refused.is_empty()) {
        sheet.finish(&mut found)?;
    }
    if found.cards.is_empty() { Err(TypedError::Nothing) } else { Ok(found) }
}

/// The lines of one card.
#[derive(Default)]
struct Sheet {
    lines: Vec<Line>,
    refused: Vec<(u8, Refusal)>,
    notes: Vec<Zeroizing<String>>,
    last: u8,
}

impl Sheet {
    fn take(&mut self, row: &str) {
        let (number, rest) = split_number(row);
        let number = number.unwrap_or_else(|| self.last.saturating_add(1));
        if self.lines.len() >= MOST_LINES.saturating_mul(8) {
            return;
        }
        self.last = number;
        match judge(number, rest) {
            Verdict::Good(line) => self.lines.push(line),
            Verdict::Corrected(reading) => {
                self.note(number, &reading);
                self.lines.push(reading.into_line());
            }
            Verdict::OtherRow(reading) => {
                let row = reading.line().number();
                self.notes.push(Zeroizing::new(format!(
                    "line {number} is line {row} of the card: it was taken as that"
                )));
                self.note(row, &reading);
                self.lines.push(reading.into_line());
            }
            Verdict::Ambiguous(readings) => {
                self.notes.push(Zeroizing::new(format!(
                    "line {number} can be read in {} ways: the card's check decided",
                    readings.len()
                )));
                self.lines.extend(readings.into_iter().map(crate::wire::lines::Reading::into_line));
            }
            Verdict::Refused(why) => self.refused.push((number, why)),
        }
    }

    fn note(&mut self, number: u8, reading: &crate::wire::lines::Reading) {
        for change in reading.changes() {
            let sentence = change.sentence();
            let mut note = Zeroizing::new(String::with_capacity(sentence.len().saturating_add(16)));
            note.push_str(&format!("line {number}, "));
            note.push_str(&sentence);
            self.notes.push(note);
        }
    }

    fn finish(self, found: &mut Typed) -> Result<(), TypedError> {
        let Self { lines, refused, mut notes, .. } = self;
        let mut card = None;
        let assembled = assemble(&lines, |payload| {
            card = SealedShare::read_padded(payload).ok();
            card.is_some()
        });
        let assembled = match assembled {
            Ok(assembled) => assembled,
            Err(error) => return Err(TypedError::Lines { error, refused }),
        };
        for number in &assembled.rebuilt {
            notes.push(Zeroizing::new(format!("line {number} was rebuilt from the other lines")));
        }
        for number in &assembled.set_aside {
            notes.push(Zeroizing::new(format!(
                "line {number} contradicts the card and was set aside: compare it with the card"
            )));
        }
        found.notes.append(&mut notes);
        found.cards.extend(card);
        Ok(())
    }
}
