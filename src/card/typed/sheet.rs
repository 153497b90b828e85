//! The typed lines of one card among the rows of a text.
//!
//! In: rows, in their order. Out: the card that they give, and a note for each change that led to it.
//! Rows that read as words are left alone unless they are right, character for character. What was
//! proposed for a row but is not on the card in the end is not spoken of.

use super::{Typed, TypedError, from_lines};
use crate::wire::lines::{self, AssembleError, Line, Reading, Refusal, Row, SYMBOLS, Verdict, is_prose, row};
use zeroize::Zeroizing;

/// The most candidate lines of one card: 8 for each of its 31.
const MOST_LINES: usize = 248;
/// The most rows with about as many characters as a line has that are judged: each takes a while.
const MOST_ROWS: usize = 64;
/// The most rows that are spoken of because they can't be read.
const MOST_REFUSED: usize = 31;
/// A row that has fewer characters is no line that somebody tried to type.
const TRIED: usize = 20;

/// The lines of one card.
#[derive(Default)]
pub(super) struct Sheet {
    lines: Vec<Line>,
    /// What is to be said of each line, if the card has it.
    about: Vec<About>,
    refused: Vec<(u8, Refusal)>,
    last: u8,
    rows: usize,
}

/// What led to a line.
struct About {
    /// The number in its row, if one stood there.
    stated: Option<u8>,
    /// How many lines the row may be.
    ways: usize,
    /// Whether the row confirms the changes.
    confirmed: bool,
    changes: Vec<Zeroizing<String>>,
}

impl Sheet {
    pub(super) fn take(&mut self, text: &str) {
        let (count, prose) = (lines::count(text), is_prose(text));
        // Words that are as long as a line are one only if they are right.
        if count < TRIED || (prose && !(SYMBOLS..=SYMBOLS.saturating_add(3)).contains(&count)) {
            return;
        }
        self.rows = self.rows.saturating_add(1);
        if self.lines.len() >= MOST_LINES || self.rows > MOST_ROWS {
            return;
        }
        let Row { number, numbered, verdict } = row(text, self.last.saturating_add(1));
        if !matches!(verdict, Verdict::Good(_)) && prose {
            return;
        }
        let stated = numbered.then_some(number);
        match verdict {
            Verdict::Good(line) => self.line(line, About::right(stated)),
            Verdict::Corrected(reading) | Verdict::OtherRow(reading) => {
                self.reading(reading, stated, 1, true);
            }
            Verdict::Ambiguous(readings) => {
                let ways = readings.len();
                readings.into_iter().for_each(|reading| self.reading(reading, stated, ways, false));
            }
            Verdict::Refused(why) => {
                let about = (SYMBOLS.saturating_sub(5)..=SYMBOLS.saturating_add(5)).contains(&count);
                let tried = (numbered || about) && (1..=31).contains(&number);
                if tried && self.refused.len() < MOST_REFUSED {
                    self.refused.push((number, why));
                }
                // A line that can't be read is still one line: the next has the next number.
                if tried && (numbered || self.last > 0) {
                    self.last = number;
                }
            }
        }
    }

    fn reading(&mut self, reading: Reading, stated: Option<u8>, ways: usize, confirmed: bool) {
        let number = reading.line().number();
        let changes = reading.changes().iter().map(|change| {
            let sentence = change.sentence();
            let mut note = Zeroizing::new(String::with_capacity(sentence.len().saturating_add(16)));
            note.push_str(&format!("line {number}, "));
            note.push_str(&sentence);
            note
        });
        let about = About { stated, ways, confirmed, changes: changes.collect() };
        self.line(reading.into_line(), about);
    }

    fn line(&mut self, line: Line, about: About) {
        self.last = line.number();
        self.lines.push(line);
        self.about.push(about);
    }

    /// Adds the card to what was found, if there is something like lines.
    pub(super) fn finish(self, found: &mut Typed) -> Result<(), TypedError> {
        let Self { lines, about, refused, .. } = self;
        if lines.is_empty() {
            return match refused.is_empty() {
                true => Ok(()),
                false => Err(TypedError::Lines { error: AssembleError::NoLines, refused }),
            };
        }
        let (card, assembled) = match from_lines(&lines) {
            Ok(done) => done,
            Err(error) => return Err(TypedError::Lines { error, refused }),
        };
        let known = found.cards.iter().any(|known| known.digest() == card.digest());
        let right = lines::encode(&assembled.payload).unwrap_or_default();
        for line in &right {
            let same = lines.iter().zip(&about).filter(|(other, _)| other.same(line)).map(|(_, about)| about);
            // Of two rows with the same line, the better one speaks.
            if let Some(about) = same.min_by_key(|about| about.changes.len()) {
                about.tell(line.number(), &mut found.notes);
            }
        }
        for number in &assembled.rebuilt {
            found.notes.push(Zeroizing::new(format!("line {number} was rebuilt from the other lines")));
        }
        for number in &assembled.set_aside {
            let of_number = || lines.iter().zip(&about).filter(|(line, _)| line.number() == *number);
            // Words of the page that happen to be like a line are not worth a word.
            if of_number().any(|(_, about)| about.stated.is_some() || about.changes.is_empty()) {
                found.notes.push(Zeroizing::new(format!(
                    "line {number} contradicts the card and was set aside: compare it with the card"
                )));
            }
        }
        if !known {
            found.cards.push(card);
        }
        Ok(())
    }
}

impl About {
    const fn right(stated: Option<u8>) -> Self {
        Self { stated, ways: 1, confirmed: true, changes: Vec::new() }
    }

    fn tell(&self, number: u8, notes: &mut Vec<Zeroizing<String>>) {
        if let Some(stated) = self.stated.filter(|stated| *stated != number) {
            let note = format!("line {stated} is line {number} of the card: it was taken as that");
            notes.push(Zeroizing::new(note));
        }
        if !self.confirmed {
            let note = match self.ways {
                1 => format!("line {number} could only be guessed: the card's check decided"),
                ways => format!("line {number} can be read in {ways} ways: the card's check decided"),
            };
            notes.push(Zeroizing::new(note));
        }
        notes.extend(self.changes.iter().cloned());
    }
}
