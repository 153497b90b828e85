//! One typed line: right, right after these changes, of another row, one of these, or what is wrong.
//!
//! Tries the slips that hands make: wrong characters, two swapped, one left out, one too many, `?` for one that
//! can't be read, a whole line in another line's row. A proposal is a code word whose changes are located.
//! In: a line number and any text. Out: a `Verdict`. Total.
//! It accepts nothing by itself: the caller shows each change and asks. It can't tell a line of another card
//! from a line of this one: `assemble` and the card's own check do.

use thiserror::Error;

use super::reading::{Change, Reading, Slip, place};
use super::typed::{Key, Typed};
use super::word::{CHECKS, LEN, Syndromes, Word, repair};
use super::{LAST_LINE, Line, SYMBOLS};

/// More candidates than this help nobody: the line is typed again.
const MOST_CANDIDATES: usize = 8;

/// What a typed line turned out to be.
#[derive(Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Every character is right.
    Good(Line),
    /// Right after these changes, and a further wrong character would have been noticed. Show them.
    Corrected(Reading),
    /// A line of this form, but with another number, `line().number()`; perhaps with changes, too.
    OtherRow(Reading),
    /// One or several candidates that nothing in the line confirms, best first; never empty. Their line numbers
    /// may differ from the one asked for. The whole card's check decides, or the eyes of who typed.
    Ambiguous(Vec<Reading>),
    /// Not a line.
    Refused(Refusal),
}

/// Why a typed text isn't a line.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// The line number is not 1..=31.
    #[error("there is no line {number}: lines are numbered from 1 to 31")]
    NoSuchLine {
        /// As asked for.
        number: u8,
    },
    /// Nothing was typed.
    #[error("the line is empty")]
    Empty,
    /// A character that cards don't use, in a line that can't be mended around it.
    #[error("group {group}, place {place}: {typed:?} is not used on cards: A to Z and 2 to 7 are")]
    NotInAlphabet {
        /// Counted in fives over what was typed, from 1.
        group: usize,
        /// In the group, 1..=5.
        place: usize,
        /// The character; it is not a part of any card.
        typed: char,
    },
    /// Two or more characters are missing.
    #[error("{missing} characters are missing: a line has 30")]
    TooShort {
        /// How many.
        missing: usize,
    },
    /// Two or more characters too many.
    #[error("{extra} characters too many: a line has 30")]
    TooLong {
        /// How many.
        extra: usize,
    },
    /// More than five characters are marked as unreadable.
    #[error("{unread} characters are marked as unreadable: 5 can be filled in")]
    TooManyUnread {
        /// How many.
        unread: usize,
    },
    /// The right number of characters, but too many are wrong to say which.
    #[error("more characters are wrong than can be located: compare it with the card and type it again")]
    TooDamaged,
}

/// Judges what was typed as line `number`, without the number itself (`split_number` takes that off).
#[must_use]
pub fn judge(number: u8, typed: &str) -> Verdict {
    let Typed { keys, count } = Typed::read(typed);
    if number == 0 || number > LAST_LINE {
        return Verdict::Refused(Refusal::NoSuchLine { number });
    }
    let attempt = Attempt { number, keys: &keys };
    let found = match count {
        0 => return Verdict::Refused(Refusal::Empty),
        SYMBOLS => attempt.same_length(),
        _ if count.abs_diff(SYMBOLS) == 1 => attempt.one_off(),
        _ => Found::none(0),
    };
    found.verdict(number).unwrap_or_else(|| Verdict::Refused(refusal(&keys, count)))
}

fn refusal(keys: &[Key], count: usize) -> Refusal {
    let foreign = keys.iter().zip(0_usize..).find(|(key, _)| key.symbol.is_none() && !key.is_unread());
    let unread = keys.iter().filter(|key| key.is_unread()).count();
    if let Some((key, at)) = foreign {
        let (group, place) = place(at);
        return Refusal::NotInAlphabet { group, place, typed: key.shown };
    }
    match (SYMBOLS.checked_sub(count), count.checked_sub(SYMBOLS)) {
        (Some(missing @ 2..), _) => Refusal::TooShort { missing },
        (_, Some(extra @ 2..)) => Refusal::TooLong { extra },
        _ if unread > CHECKS => Refusal::TooManyUnread { unread },
        _ => Refusal::TooDamaged,
    }
}

/// A reading and how much of the line confirms it.
struct Guess {
    reading: Reading,
    errors: usize,
    spare: usize,
}

/// Guesses with different lines, best first.
struct Found {
    guesses: Vec<Guess>,
    /// Check symbols that must be left over for a single guess to count as a correction.
    needed: usize,
}

impl Found {
    fn none(needed: usize) -> Self {
        Self { guesses: Vec::new(), needed }
    }

    fn add(&mut self, guess: Option<Guess>) {
        if let Some(guess) = guess
            && self.guesses.len() <= MOST_CANDIDATES
            && self.guesses.iter().all(|other| !other.reading.line().same(guess.reading.line()))
        {
            self.guesses.push(guess);
        }
    }

    fn verdict(mut self, number: u8) -> Option<Verdict> {
        if self.guesses.len() > MOST_CANDIDATES {
            return None;
        }
        let sure = self.guesses.len() == 1 && self.guesses.iter().all(|guess| guess.spare >= self.needed);
        let Some(Guess { reading, .. }) = self.guesses.pop_if(|_| sure) else {
            let readings: Vec<Reading> = self.guesses.into_iter().map(|guess| guess.reading).collect();
            return (!readings.is_empty()).then_some(Verdict::Ambiguous(readings));
        };
        Some(match (reading.line().number() == number, reading.changes().is_empty()) {
            (false, _) => Verdict::OtherRow(reading),
            (true, true) => Verdict::Good(reading.into_line()),
            (true, false) => Verdict::Corrected(reading),
        })
    }
}

/// How the characters are laid on the line's places.
#[derive(Clone, Copy)]
struct Shift {
    /// The key that is too many.
    dropped: Option<usize>,
    /// The place of the card that was left out.
    left_out: Option<usize>,
}

struct Attempt<'a> {
    number: u8,
    keys: &'a [Key],
}

impl Attempt<'_> {
    /// 30 characters: wrong ones first; then one left out and another too many, which shifts what is between.
    fn same_length(&self) -> Found {
        let mut found = Found::none(1);
        found.add(self.guess(Shift { dropped: None, left_out: None }, false, 2));
        let swapped = |guess: &Guess| guess.reading.changes().iter().all(|c| c.slip == Slip::Swapped);
        let settled = found.guesses.first().is_some_and(|guess| guess.errors < 2 || swapped(guess));
        // 870 hypotheses: with fewer than four check symbols left, some would be confirmed by accident.
        if !settled && self.keys.iter().all(|key| key.symbol.is_some()) {
            for (dropped, left_out) in (0..SYMBOLS).flat_map(|d| (0..SYMBOLS).map(move |l| (d, l))) {
                found.add(self.guess(Shift { dropped: Some(dropped), left_out: Some(left_out) }, false, 0));
            }
        }
        found
    }

    /// 29 or 31 characters: one is missing or too many; if that isn't enough, in another row or with one error.
    fn one_off(&self) -> Found {
        let short = self.keys.len() < SYMBOLS;
        // 31 hypotheses: with three check symbols left, one in a thousand texts is confirmed by accident.
        let mut found = Found::none(3);
        for (any_row, errors) in [(false, 0), (true, 0), (false, 1)] {
            // From the last: of a doubled character the second one is too many.
            for at in (0..=SYMBOLS).rev() {
                let dropped = (!short).then_some(at);
                found.add(self.guess(Shift { dropped, left_out: short.then_some(at) }, any_row, errors));
            }
            if !found.guesses.is_empty() {
                break;
            }
        }
        found
    }

    /// The line under a hypothesis. `any_row`: its number may be another; else that counts as one of `errors`.
    fn guess(&self, shift: Shift, any_row: bool, errors: usize) -> Option<Guess> {
        let mut kept = self.keys.iter().zip(0..).filter(|(_, at)| Some(*at) != shift.dropped);
        let mut slots = [None; SYMBOLS];
        for (slot, at) in slots.iter_mut().zip(0..) {
            *slot = if Some(at) == shift.left_out { None } else { Some(kept.next()?.0) };
        }
        if kept.next().is_some() {
            return None;
        }

        let mut word = Word::new([0; LEN]);
        let mut erased = Vec::with_capacity(LEN);
        if let Some(hidden) = word.first_mut() {
            *hidden = self.number;
        }
        if any_row {
            erased.push(0);
        }
        for ((symbol, slot), position) in word.iter_mut().skip(1).zip(&slots).zip(1_u8..) {
            match slot.and_then(|key| key.symbol) {
                Some(typed) => *symbol = typed,
                None => erased.push(position),
            }
        }

        let repair = repair(&Syndromes::of(&word), &erased, errors)?;
        // A shifted line that nothing confirms is one of dozens.
        if repair.spare == 0 && shift.dropped.or(shift.left_out).is_some() {
            return None;
        }
        for (position, difference) in repair.changes.iter() {
            if let Some(symbol) = word.get_mut(usize::from(*position)) {
                *symbol ^= difference;
            }
        }
        let line = Line::of(&word)?;
        let places: Vec<usize> =
            repair.changes.iter().filter_map(|(at, _)| usize::from(*at).checked_sub(1)).collect();
        let mut changes = Change::at(&places, &slots, &line);
        if let Some(at) = shift.dropped {
            changes.extend(Change::too_many(at, self.keys));
        }
        Some(Guess { reading: Reading::new(line, changes), errors: repair.errors, spare: repair.spare })
    }
}
