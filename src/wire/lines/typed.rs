//! From what a person typed to symbols.
//!
//! Owns the alphabet (RFC 4648 base32, upper case), what counts as space, and what is forgiven without a
//! word: lower case, `0` for O, `1` for I, `8` for B, any grouping.
//! In: text of any kind and length. Out: the characters that stand for symbols, in order, with what was typed.
//! Total on every text; keeps at most `KEPT` characters and only counts the rest.
//! It judges nothing: `judge` does.

use zeroize::{Zeroize, Zeroizing};

/// RFC 4648, section 6: the value of a symbol is its place here.
pub(super) const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// One more than a line with a character too many.
const KEPT: usize = 32;
/// Stands for a character that can't be read.
const UNREAD: char = '?';

/// One typed character that stands for a symbol.
#[derive(Clone, Copy, Zeroize)]
pub(super) struct Key {
    /// `None`: unreadable, or not in the alphabet.
    pub(super) symbol: Option<u8>,
    /// As it was typed.
    pub(super) shown: char,
}

impl Key {
    pub(super) fn is_unread(&self) -> bool {
        self.shown == UNREAD
    }
}

/// The characters of one typed line.
pub(super) struct Typed {
    pub(super) keys: Zeroizing<Vec<Key>>,
    /// How many there were, also those that were not kept.
    pub(super) count: usize,
}

impl Typed {
    pub(super) fn read(text: &str) -> Self {
        let mut typed = Self { keys: Zeroizing::new(Vec::with_capacity(KEPT)), count: 0 };
        for shown in text.chars().filter(|c| !is_space(*c)) {
            if typed.keys.len() < KEPT {
                typed.keys.push(Key { symbol: symbol(shown), shown });
            }
            typed.count = typed.count.saturating_add(1);
        }
        typed
    }
}

/// How many characters of a line this text holds so far; a whole line has 30. For an editor that shows progress.
#[must_use]
pub fn count(typed: &str) -> usize {
    Typed::read(typed).count
}

/// Splits `03  MFRGG ZDFMZ …` in the line's number and the rest. A number is one or two digits with something
/// that isn't a letter or a digit behind them; without one the whole text comes back. The number isn't judged.
#[must_use]
pub fn split_number(typed: &str) -> (Option<u8>, &str) {
    let start = typed.trim_start_matches(is_space);
    let rest = start.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = start.strip_suffix(rest).unwrap_or_default();
    let apart = rest.chars().next().is_some_and(|c| !c.is_alphanumeric() && c != UNREAD);
    match digits.parse() {
        Ok(number) if digits.len() <= 2 && apart => {
            (Some(number), rest.trim_start_matches([')', ']', '/', '|']))
        }
        _ => (None, typed),
    }
}

/// What may stand between characters without a meaning, also the invisible characters of copied text.
fn is_space(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '.' | ',' | ':' | ';' | '·' | '•' | '\u{ad}' | '\u{feff}' | '\u{2060}' | '−')
        || matches!(c, '\u{2010}'..='\u{2015}' | '\u{200b}'..='\u{200d}')
}

fn symbol(c: char) -> Option<u8> {
    let letter = match c.to_ascii_uppercase() {
        '0' => 'O',
        '1' => 'I',
        '8' => 'B',
        other => other,
    };
    ALPHABET.iter().position(|a| char::from(*a) == letter).and_then(|at| u8::try_from(at).ok())
}

/// The letter of a symbol (its low five bits).
pub(super) fn letter(symbol: u8) -> char {
    ALPHABET.get(usize::from(symbol & 31)).map_or(UNREAD, |a| char::from(*a))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn letters(text: &str) -> String {
        Typed::read(text).keys.iter().map(|key| key.symbol.map_or('?', letter)).collect()
    }

    #[test]
    fn forgives_case_spacing_and_three_digits() {
        assert_eq!(letters("\tmF-r.G\u{a0}g · 2\u{feff}7–01 8\r\n"), "MFRGG27OIB");
        assert_eq!(letters("a?9é|"), "A????");
    }

    #[test]
    fn splits_a_line_number_off() {
        assert_eq!(split_number("03  MFRGG").0, Some(3));
        assert_eq!(letters(split_number(" 7: MFRGG").1), "MFRGG");
        assert_eq!(letters(split_number("12) MFRGG").1), "MFRGG");
        for without in ["", "27ABC DEFGH", "MFRGG 2", "123 MFRGG", "03", "2?ABC", "é1 A"] {
            assert_eq!(split_number(without), (None, without));
        }
    }

    proptest! {
        #[test]
        fn reads_any_text(text in any::<String>()) {
            let typed = Typed::read(&text);
            prop_assert!(typed.keys.len() <= KEPT && typed.keys.len() <= typed.count);
            prop_assert!(split_number(&text).1.len() <= text.len());
        }
    }
}
