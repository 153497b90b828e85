//! A row of text as the line that it probably is: its number apart, glued to it, misread, or left out.
//!
//! Text comes from keyboards, from character recognition and from PDFs. A row is taken apart in the few ways
//! that happen there, each is judged, and the best verdict counts; of equal ones the first.
//! In: a row of text, and the number that an unnumbered one gets. Out: a number and a `Verdict`. Total.
//! It accepts nothing by itself, as `judge`, and doesn't know the rows around.

use super::judge::{Refusal, Verdict, judge};
use super::typed::{count, split_number};
use super::{LAST_LINE, SYMBOLS};
use zeroize::Zeroizing;

/// How many columns of nothing end a line: what stands behind them is another column of the page.
const GAP: &str = "   ";
/// Groups of a line.
const GROUPS: usize = 6;

/// What a row of text turned out to be.
#[derive(Debug)]
pub struct Row {
    /// The number that it was judged with.
    pub number: u8,
    /// Whether that number stands in the row.
    pub numbered: bool,
    /// What the rest of the row is.
    pub verdict: Verdict,
}

/// Judges a row of text; `next` is its number if none stands in it.
#[must_use]
pub fn row(text: &str, next: u8) -> Row {
    let mut best = apart(text, next);
    if rank(&best.verdict) > 0
        && let Some(mended) = recognised(text)
    {
        best = better(best, apart(&mended, next));
    }
    best
}

/// Judges a row as it is.
fn apart(text: &str, next: u8) -> Row {
    let (stated, rest) = split_number(text);
    let mut best = one(stated.unwrap_or(next), stated.is_some(), rest);
    let misread = if stated.is_none() { misread(text) } else { None };
    for (number, rest) in [misread, glued(text, 2), glued(text, 1)].into_iter().flatten() {
        if rank(&best.verdict) == 0 {
            break;
        }
        best = better(best, one(number.unwrap_or(next), number.is_some(), rest));
    }
    // A wrong number is one error more than the line can tell: its place may say which line it is.
    let rest = stated.map(|_| rest).or(misread.map(|(_, rest)| rest));
    if let Some(rest) = rest.filter(|_| stated != Some(next) && matches!(best.verdict, Verdict::Refused(_))) {
        best = better(best, one(next, false, rest));
    }
    best
}

fn better(first: Row, second: Row) -> Row {
    if rank(&second.verdict) < rank(&first.verdict) { second } else { first }
}

/// What character recognition makes of a capital I or S, put right; `None` when there is nothing of it.
fn recognised(text: &str) -> Option<Zeroizing<String>> {
    let small = text.chars().any(|c| c.is_lowercase() && c != 'l');
    if small || !text.contains(['l', '|', '!', '$']) {
        return None;
    }
    let mut mended = Zeroizing::new(String::with_capacity(text.len()));
    mended.extend(text.trim_end_matches([' ', '|']).chars().map(|c| match c {
        'l' | '|' | '!' => 'I',
        '$' => 'S',
        other => other,
    }));
    Some(mended)
}

/// The rest of a row, or when it is too long the part that may be all of the line.
fn one(number: u8, numbered: bool, rest: &str) -> Row {
    let mut best = judge(number, rest);
    if count(rest) > SYMBOLS {
        let start = rest.trim_start();
        let before_gap = start.split_once(GAP).map(|(part, _)| part);
        for part in [before_gap, groups(start)].into_iter().flatten() {
            let other = judge(number, part);
            if rank(&other) < rank(&best) {
                best = other;
            }
        }
    }
    Row { number, numbered, verdict: best }
}

/// The first six words.
fn groups(text: &str) -> Option<&str> {
    let end = text.char_indices().filter(|(_, c)| c.is_whitespace()).nth(GROUPS.checked_sub(1)?)?;
    text.get(..end.0)
}

/// The smaller, the more the row is a line.
fn rank(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Good(_) => 0,
        Verdict::OtherRow(reading) if reading.changes().is_empty() => 1,
        Verdict::Corrected(_) => 2,
        Verdict::OtherRow(_) => 3,
        Verdict::Ambiguous(_) => 4,
        Verdict::Refused(Refusal::TooDamaged) => 5,
        Verdict::Refused(_) => 6,
    }
}

/// A number whose digits were read as letters: `O1`, `l2`, `1O`. Without a value when it is no line's.
fn misread(text: &str) -> Option<(Option<u8>, &str)> {
    let start = text.trim_start();
    let (word, rest) = start.split_once(char::is_whitespace)?;
    let word = word.trim_end_matches(['.', ':', ')', '|']);
    if word.is_empty() || word.len() > 2 {
        return None;
    }
    Some((number(word), rest))
}

/// A number of `digits` digits with the line right behind it.
fn glued(text: &str, digits: usize) -> Option<(Option<u8>, &str)> {
    let (word, rest) = text.trim_start().split_at_checked(digits)?;
    (count(rest).abs_diff(SYMBOLS) <= 1).then_some((Some(number(word)?), rest))
}

/// A line's number, also when digits were read or typed as the letters that look like them.
fn number(word: &str) -> Option<u8> {
    let digits = word.chars().map(|c| match c {
        'O' | 'o' | 'Q' | 'D' => Some(0),
        'I' | 'l' | 'i' | '|' | '!' => Some(1),
        'Z' | 'z' => Some(2),
        'S' | 's' => Some(5),
        'B' => Some(8),
        c => c.to_digit(10),
    });
    let mut digits = digits.into_iter();
    let number = digits.try_fold(0_u32, |sum, digit| Some(sum.saturating_mul(10).saturating_add(digit?)))?;
    u8::try_from(number).ok().filter(|number| (1..=LAST_LINE).contains(number))
}

/// Whether a row reads as words rather than groups: small letters, in words of different lengths.
#[must_use]
pub fn is_prose(text: &str) -> bool {
    // What stands behind six groups is another column of the page.
    let words = || split_number(text).1.split_whitespace().take(GROUPS);
    let lengths = || words().map(|word| word.chars().count());
    let (shortest, longest) = (lengths().min().unwrap_or(0), lengths().max().unwrap_or(0));
    let small = words().any(|word| word.chars().filter(|c| c.is_lowercase()).count() >= 2);
    small && longest.abs_diff(shortest) > 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::lines::encode;
    use proptest::prelude::*;

    fn good(text: &str, next: u8) -> Option<u8> {
        match row(text, next).verdict {
            Verdict::Good(line) => Some(line.number()),
            _ => None,
        }
    }

    #[test]
    fn a_number_may_be_apart_glued_misread_or_left_out() {
        for line in encode(&[0x9d; 300]).unwrap() {
            let (number, groups) = (line.number(), line.groups());
            let joined = groups.replace(' ', "");
            for typed in [
                format!("{number:02}  {}", *groups),
                format!("{number:02}{}", *groups),
                format!("{number}{joined}"),
                format!("{number:02}{joined}").to_lowercase(),
                format!("{number:02}) {joined}"),
                format!("  {number}: {}", *groups),
                format!("{number:02} {}      The same code, turned,", *groups),
                format!("{number:02} {} in case of damage", *groups),
                format!("{number:02} {} |", *groups),
            ] {
                assert_eq!(good(&typed, 31), Some(number), "{typed}");
            }
            assert_eq!(good(&groups, number), Some(number));
            let misread = format!("{number:02} {}", *groups).replace('0', "O").replace(['1', 'I'], "l");
            assert_eq!(good(&misread, 31), Some(number), "{misread}");
            let other = row(&groups, number % 31 + 1);
            assert!(matches!(other.verdict, Verdict::OtherRow(reading) if reading.line().number() == number));
        }
    }

    #[test]
    fn a_line_that_begins_with_digits_keeps_them() {
        // A line of the card 2222…: its first characters are digits, and 22 is a line's number.
        let line = &encode(&[0b1101_0110, 0b1011_0101, 0b1010_1101, 0b0110_1011, 0b0101_1010]).unwrap()[0];
        assert!(line.groups().starts_with("22222"));
        assert_eq!(good(&line.groups(), 1), Some(1));
        assert_eq!(good(&format!("01{}", *line.groups()), 9), Some(1));
    }

    #[test]
    fn prose_is_told_from_lines() {
        for prose in [
            "Only the verification code may be told.",
            "1 Check the request with two people you know",
            "date, initials   date, initials",
            "of the public quorum record (ristretto255, RFC 9496).",
        ] {
            assert!(is_prose(prose), "{prose}");
        }
        for line in [
            "01 AEA7U XQQEH 5DIEW 3JOPA AAIBA CRZUV",
            "01 aea7u xqqeh 5diew 3jopa aaiba crzuv",
            "aea7uxqqeh5diew3jopaaaibacrzuv",
            "01 aea7 uxqqe h5die w3jop aaaib acrzuv",
            "AEA7UXQQEH 5DIEW 3JOPA AAIBACRZUV",
        ] {
            assert!(!is_prose(line), "{line}");
        }
    }

    proptest! {
        #[test]
        fn takes_any_row(text in any::<String>(), next in any::<u8>()) {
            let found = row(&text, next);
            prop_assert!(!matches!(found.verdict, Verdict::Good(_)));
            let _ = is_prose(&text);
        }
    }
}
