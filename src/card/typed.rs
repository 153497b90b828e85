//! A card from text: the typed lines, numbered or in their order, or the texts of its codes.
//!
//! In: what people type, what programs copy out of a PDF, what character recognition makes of a page, in
//! UTF-8 or UTF-16, with any other rows around. Out: cards, and every change that was made to read
//! them, for a person to see. The card's own check over all bytes is the last judge, so that a wrong
//! correction is never taken for the card. Rows that are no lines are left out; when there is no card,
//! the most useful trouble is named.

mod decode;
mod sheet;

#[cfg(test)]
mod tests;

use super::codes::{CodeError, Collector, Offer, is_code};
use crate::seal::SealedShare;
use crate::wire::lines::{AssembleError, Assembled, Line, Refusal, assemble};
use zeroize::Zeroizing;

/// The longest text that is read.
pub const LONGEST: usize = 256 * 1024;
/// What stands on a slip that `quorate init --slips` writes, behind the passphrase.
const SLIP: &str = "The line above is the passphrase of ";

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
    /// A passphrase on its slip.
    #[error("this is a passphrase's slip, not a card: keep it apart from its card")]
    Slip,
    /// Too much.
    #[error("the text is longer than {LONGEST} bytes: it is not a card")]
    TooLong,
    /// Not text.
    #[error("this is not text: use plain text, in UTF-8 or UTF-16")]
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

/// The card of these lines; those with the same number are candidates for it.
///
/// # Errors
/// [`AssembleError`].
pub fn from_lines(lines: &[Line]) -> Result<(SealedShare, Assembled), AssembleError> {
    let mut card = None;
    let assembled = assemble(lines, |payload| {
        card = SealedShare::read_padded(payload).ok();
        card.is_some()
    })?;
    card.map(|card| (card, assembled)).ok_or(AssembleError::Refused)
}

/// Reads every card in `bytes`.
///
/// # Errors
/// [`TypedError`].
pub fn read(bytes: &[u8]) -> Result<Typed, TypedError> {
    if bytes.len() > LONGEST {
        return Err(TypedError::TooLong);
    }
    let decoded = decode::text(bytes);
    let mut found = Typed::default();
    let mut collector = Collector::new();
    let mut sheet = sheet::Sheet::default();
    let mut trouble = None;
    for row in decode::rows(&decoded.text) {
        if !is_code(row) {
            sheet.take(row);
            continue;
        }
        match collector.offer(row) {
            Ok(Offer::Card(card)) => found.take(*card),
            Ok(Offer::Part { .. }) => {}
            // Running text may begin like a code; a code has no space in it.
            Err(error) if row.contains(char::is_whitespace) => trouble = trouble.or(Some(error)),
            Err(error) => trouble = Some(error),
        }
    }
    let whole = !found.cards.is_empty();
    match sheet.finish(&mut found) {
        Ok(()) if !found.cards.is_empty() => Ok(found),
        Err(error) if whole => {
            found
                .notes
                .push(Zeroizing::new(format!("the typed lines beside the code give no card: {error}")));
            Ok(found)
        }
        Err(TypedError::Lines { error: AssembleError::NoLines, .. }) if decoded.text.contains(SLIP) => {
            Err(TypedError::Slip)
        }
        Err(error) => Err(error),
        Ok(()) => Err(match trouble {
            Some(error) => error.into(),
            None if decoded.text.contains(SLIP) => TypedError::Slip,
            None if decoded.damaged => TypedError::NotText,
            None => TypedError::Nothing,
        }),
    }
}

impl Typed {
    /// The same card may stand in a text as a code and as lines.
    fn take(&mut self, card: SealedShare) {
        if self.cards.iter().all(|known| known.digest() != card.digest()) {
            self.cards.push(card);
        }
    }
}
