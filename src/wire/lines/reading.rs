//! A proposed line and what was changed to reach it.
//!
//! Owns the words for a slip of the hand and its place: group 1..=6 and place 1..=5, as printed.
//! In: the keys as laid on the line's places, and the line. Out: `Reading`, its `Change`s and their sentences.
//! A change shows one or two characters of a card: it is wiped, and not printed by `Debug`.
//! It finds no errors: `judge` does.

use std::fmt::{self, Write as _};

use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::typed::Key;
use super::{GROUP, Line, SYMBOLS};

/// A line that was probably meant, and every change that leads to it from what was typed.
#[derive(Debug)]
pub struct Reading {
    line: Line,
    changes: Vec<Change>,
}

impl Reading {
    pub(super) fn new(line: Line, mut changes: Vec<Change>) -> Self {
        changes.sort_by_key(|change| (change.group, change.place));
        Self { line, changes }
    }

    /// The proposed line.
    #[must_use]
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// The changes, in the order of the card; show all of them.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The line, once a person has confirmed the changes.
    #[must_use]
    pub fn into_line(self) -> Line {
        self.line
    }
}

/// What the hand did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Slip {
    /// Another character was typed.
    Wrong,
    /// Typed in each other's place; the neighbour has a change of its own.
    Swapped,
    /// Marked as unreadable.
    Unread,
    /// Left out.
    LeftOut,
    /// Typed once more than the card has it.
    Doubled,
    /// Typed though the card doesn't have it.
    TooMany,
}

/// One change of a reading.
#[derive(ZeroizeOnDrop)]
#[non_exhaustive]
pub struct Change {
    /// What the hand did.
    #[zeroize(skip)]
    pub slip: Slip,
    /// Group of the card, 1..=6. For a character too many: where it was typed.
    pub group: usize,
    /// Place in the group, 1..=5.
    pub place: usize,
    /// As typed; `None` when it was left out.
    pub typed: Option<char>,
    /// As the card probably says; `None` for a character too many.
    pub probable: Option<char>,
}

impl Change {
    /// The changes at these places of the line (0..30), laid out as `slots`.
    pub(super) fn at(places: &[usize], slots: &[Option<&Key>; SYMBOLS], line: &Line) -> Vec<Self> {
        let typed_at = |at: usize| slots.get(at).copied().flatten();
        let meant_at = |at: usize| line.symbols().get(at).copied();
        let crossed = |a: usize, b: usize| {
            places.contains(&b)
                && typed_at(a).and_then(|key| key.symbol).is_some_and(|typed| Some(typed) == meant_at(b))
                && typed_at(b).and_then(|key| key.symbol).is_some_and(|typed| Some(typed) == meant_at(a))
        };
        let change = |at: usize| {
            let slip = match typed_at(at) {
                None => Slip::LeftOut,
                Some(key) if key.is_unread() => Slip::Unread,
                Some(_) if crossed(at, at.saturating_add(1)) => Slip::Swapped,
                Some(_) if at.checked_sub(1).is_some_and(|before| crossed(at, before)) => Slip::Swapped,
                Some(_) => Slip::Wrong,
            };
            let (group, place) = place(at);
            let typed = typed_at(at).map(|key| key.shown);
            Self { slip, group, place, typed, probable: meant_at(at).map(super::typed::letter) }
        };
        // Room for one more from the start: a vector that grows leaves a copy behind.
        let mut changes = Vec::with_capacity(places.len().saturating_add(1));
        changes.extend(places.iter().map(|at| change(*at)));
        changes
    }

    /// The change that takes the key `at` away.
    pub(super) fn too_many(at: usize, keys: &[Key]) -> Option<Self> {
        let key = keys.get(at)?;
        let before = at.checked_sub(1).and_then(|before| keys.get(before)).and_then(|key| key.symbol);
        let slip = if before.is_some() && before == key.symbol { Slip::Doubled } else { Slip::TooMany };
        // Of 31 characters the last has no place on the card: it counts with its neighbour.
        let (group, place) = place(at.min(SYMBOLS.saturating_sub(1)));
        Some(Self { slip, group, place, typed: Some(key.shown), probable: None })
    }

    /// `group 2, place 4: you typed 1, the card probably says 7`.
    #[must_use]
    pub fn sentence(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(128));
        let typed = self.typed.unwrap_or('?').escape_debug();
        let probable = self.probable.unwrap_or('?');
        let done =
            write!(text, "group {}, place {}: ", self.group, self.place).and_then(|()| match self.slip {
                Slip::Wrong => write!(text, "you typed {typed}, the card probably says {probable}"),
                Slip::Swapped => {
                    write!(text, "you typed {typed}, the card probably says {probable} (swapped)")
                }
                Slip::Unread => write!(text, "the card probably says {probable}"),
                Slip::LeftOut => write!(text, "{probable} was probably left out"),
                Slip::Doubled => write!(text, "{typed} was probably typed twice"),
                Slip::TooMany => write!(text, "{typed} is probably too many"),
            });
        debug_assert!(done.is_ok(), "writing to a string doesn't fail");
        text
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Change({:?} in group {}, place {})", self.slip, self.group, self.place)
    }
}

/// Group and place in the group, from 1, of a place of the line, from 0.
pub(super) fn place(at: usize) -> (usize, usize) {
    ((at / GROUP).saturating_add(1), (at % GROUP).saturating_add(1))
}
