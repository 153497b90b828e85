//! The typed form of a card: its bytes as numbered lines that a tired hand can type back.
//!
//! A line is two digits and six groups of five characters: 25 data and 5 check symbols in base32. It finds
//! and locates its own errors. Of n + 2 lines any n are enough. `docs/format.md` is the specification.
//! In: 1..=453 bytes, or typed text. Out: lines, a verdict for each typed line, and bytes again.
//! Lines are as secret as the bytes in them: wiped, never printed by `Debug`.
//! It proves nothing about whose card it is: the card's own check over all bytes is the last judge.
//! It reads no terminal and asks no one: callers show each correction and have it confirmed.

mod encode;
mod field;
mod judge;
mod reading;
mod row;
mod sheet;
mod typed;
mod word;

#[cfg(test)]
mod tests;

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

pub use encode::{EncodeError, encode};
pub use judge::{Refusal, Verdict, judge};
pub use reading::{Change, Reading, Slip};
pub use row::{Row, is_prose, row};
pub use sheet::{AssembleError, Assembled, assemble};
pub use typed::{count, split_number};

/// The most bytes that fit: 29 data lines.
pub const MAX_PAYLOAD: usize = 453;
/// The most data lines; two parity lines follow them.
pub const MAX_DATA_LINES: u8 = 29;
/// Parity lines of every card.
pub const PARITY_LINES: u8 = 2;
/// Printed characters of a line: six groups of five.
pub const SYMBOLS: usize = 30;
/// Characters of a group.
pub const GROUP: usize = 5;

/// Data symbols of a line.
const DATA: usize = 25;
/// The greatest line number: 29 data and 2 parity lines, and the field has no more places.
const LAST_LINE: u8 = 31;

/// One line whose check symbols are right. It may still be of another card.
pub struct Line {
    number: u8,
    symbols: Box<[u8; SYMBOLS]>,
}

impl Line {
    /// The line's number on the card, 1..=31.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.number
    }

    /// The line as printed, without its number: `MFRGG ZDFMZ TWQ2L KKNNW G23TP OBYXE`.
    #[must_use]
    pub fn groups(&self) -> Zeroizing<String> {
        // The exact size from the start: a string that grows leaves a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(SYMBOLS.saturating_add(SYMBOLS / GROUP)));
        for group in self.symbols.chunks(GROUP) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.extend(group.iter().map(|symbol| typed::letter(*symbol)));
        }
        text
    }

    fn symbols(&self) -> &[u8; SYMBOLS] {
        &self.symbols
    }

    fn data(&self) -> impl Iterator<Item = u8> + '_ {
        self.symbols.iter().copied().take(DATA)
    }

    /// Whether both are the same line of the same card.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.number == other.number && self.symbols == other.symbols
    }

    /// The line of a code word; `None` when its hidden symbol isn't a line number.
    fn of(word: &word::Word) -> Option<Self> {
        let (number, printed) = word.split_first()?;
        let mut line = Self { number: *number, symbols: Box::new([0; SYMBOLS]) };
        for (symbol, from) in line.symbols.iter_mut().zip(printed) {
            *symbol = *from;
        }
        (1..=LAST_LINE).contains(number).then_some(line)
    }

    /// The line with this number and these data symbols.
    fn closed(number: u8, data: impl Iterator<Item = u8>) -> Option<Self> {
        let mut word = word::Word::new([0; word::LEN]);
        for (symbol, from) in word.iter_mut().zip(std::iter::once(number).chain(data.take(DATA))) {
            *symbol = from;
        }
        word::close(&mut word);
        Self::of(&word)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.symbols.zeroize();
    }
}

impl ZeroizeOnDrop for Line {}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({:02}, redacted)", self.number)
    }
}
