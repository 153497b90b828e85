//! The texts of a card's QR codes, and cards from texts.
//!
//! One code holds the whole card: `QUORATE/1/` and the base32 of its bytes. A card that is too long
//! for one (a share sealed to a post-quantum recipient) is cut in parts of equal length:
//! `QUORATE/1/P2OF6/`, eight characters that name the whole, `/`, the base32 of the part. All of it
//! is QR's alphanumeric alphabet, so every reader shows it as text.

use super::foreign::kind;
use crate::primitive::hash::sha256;
use crate::seal::{CardError, SealedShare};
use crate::secret::Zeroizing;
use crate::wire::text;
use std::collections::BTreeMap;

/// How the text of every code begins: what it is, and the version of the format.
pub const PREFIX: &str = "QUORATE/1/";
/// The most bytes of a card in one code: level M at 0.7 mm a module.
const ONE_CODE: usize = 480;
/// How many parts a longer card is cut in, at most.
const PARTS: usize = 6;
/// The longest text of a code that is read.
pub(super) const LONGEST: usize = 4096;

/// Whether a text begins like the text of a card's code, in capitals or not.
#[must_use]
pub fn is_code(text: &str) -> bool {
    text.trim_start().get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// Why the text of a code gives no card.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// Something else than a card of ours.
    #[error("this is {what}, not a card")]
    Foreign {
        /// What it seems to be, in words; its text isn't shown.
        what: &'static str,
    },
    /// A card of another version of the format.
    #[error("this card is of another version of the format: use the program that is named on it")]
    Version,
    /// A part of a backup sheet.
    #[error("this is the code of a backup sheet (for --sheet), not of a card")]
    Sheet,
    /// Ours by its beginning, but not by the rest.
    #[error("this code begins like a card, but the rest of it is damaged")]
    Damaged,
    /// The bytes are no card.
    #[error(transparent)]
    Card(#[from] CardError),
}

/// What became of the text of a code.
#[derive(Debug)]
pub enum Offer {
    /// A whole card.
    Card(Box<SealedShare>),
    /// One part of a long card; more are needed.
    Part {
        /// How many parts are here.
        have: usize,
        /// How many there are.
        of: usize,
    },
}

/// The texts of the codes that show `card`: one, or its parts.
#[must_use]
pub fn codes(card: &SealedShare) -> Vec<Zeroizing<String>> {
    let bytes = card.expose();
    if bytes.len() <= ONE_CODE {
        return vec![joined(&[PREFIX, &text::base32(bytes)])];
    }
    let length = bytes.len().div_ceil(PARTS).max(1);
    let count = bytes.len().div_ceil(length);
    let whole = name(bytes);
    let part = |(number, part): (usize, &[u8])| {
        joined(&[PREFIX, &format!("P{number}OF{count}/"), &whole, "/", &text::base32(part)])
    };
    (1..).zip(bytes.chunks(length)).map(part).collect()
}

/// Joins without growing, so that nothing is left behind.
fn joined(parts: &[&str]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| text.push_str(part));
    text
}

/// Eight characters that name the whole of which a part is one.
fn name(bytes: &[u8]) -> String {
    text::base32(sha256(&[bytes]).first_chunk::<5>().map_or(&[][..], |first| first)).as_str().to_owned()
}

type Parts = BTreeMap<usize, Zeroizing<Vec<u8>>>;

/// Takes the texts of codes in any order, and keeps the parts of long cards until they are whole.
#[derive(Debug, Default)]
pub struct Collector {
    parts: BTreeMap<(String, usize), Parts>,
}

impl Collector {
    /// Nothing taken yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the text of one code.
    ///
    /// # Errors
    /// [`CodeError`].
    pub fn offer(&mut self, code: &str) -> Result<Offer, CodeError> {
        let code = code.trim();
        if code.len() > LONGEST {
            return Err(CodeError::Foreign { what: "a longer text than any card has" });
        }
        // Readers that "clean up" what they show may change the case.
        let upper = Zeroizing::new(code.to_ascii_uppercase());
        let Some(payload) = upper.strip_prefix(PREFIX) else { return Err(foreign(code, &upper)) };
        if !payload.contains('/') {
            let bytes = text::from_base32(payload).ok_or(CodeError::Damaged)?;
            return SealedShare::read(&bytes).map(|card| Offer::Card(Box::new(card))).map_err(refusal);
        }
        if payload.starts_with('B') {
            return Err(CodeError::Sheet);
        }
        self.part(payload).ok_or(CodeError::Damaged)?
    }

    fn part(&mut self, payload: &str) -> Option<Result<Offer, CodeError>> {
        let mut fields = payload.split('/');
        let (place, whole, part) = (fields.next()?, fields.next()?, fields.next()?);
        let (number, count) = place.strip_prefix('P')?.split_once("OF")?;
        if (number.len(), count.len()) != (1, 1) {
            return None;
        }
        let (number, count): (usize, usize) = (number.parse().ok()?, count.parse().ok()?);
        if fields.next().is_some() || number == 0 || number > count || count > PARTS || whole.len() != 8 {
            return None;
        }
        let bytes = text::from_base32(part)?;
        let key = (whole.to_owned(), count);
        let parts = self.parts.entry(key.clone()).or_default();
        parts.insert(number, bytes);
        let have = parts.len();
        if have < count {
            return Some(Ok(Offer::Part { have, of: count }));
        }
        let parts = self.parts.remove(&key)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(parts.values().map(|part| part.len()).sum()));
        parts.values().for_each(|part| bytes.extend_from_slice(part));
        if name(&bytes) != whole {
            return None;
        }
        Some(SealedShare::read(&bytes).map(|card| Offer::Card(Box::new(card))).map_err(refusal))
    }

    /// Long cards of which parts are still missing: how many are here, and how many there are.
    pub fn unfinished(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.parts.iter().map(|((_, count), parts)| (parts.len(), *count))
    }
}

/// The text names the version before its bytes do: bytes of another one are damaged.
fn refusal(error: CardError) -> CodeError {
    match error {
        CardError::Version { .. } => CodeError::Damaged,
        error => error.into(),
    }
}

/// What a text that isn't ours seems to be.
pub(super) fn foreign(code: &str, upper: &str) -> CodeError {
    let version = upper.strip_prefix("QUORATE/");
    if version.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit())) {
        return CodeError::Version;
    }
    CodeError::Foreign { what: kind(code) }
}
