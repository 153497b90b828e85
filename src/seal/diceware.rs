//! Passphrases that the program makes, and an estimate of those that people choose.
//!
//! Six words drawn uniformly from the EFF large word list (7,776 words; Electronic Frontier
//! Foundation, CC BY 3.0): 77.5 bits. The estimate is a lower bound by intent: every stretch of the
//! text is priced at the cheapest way we know to guess it, so it errs towards a warning.

use crate::primitive::random::{Entropy, NoEntropy};
use crate::secret::{Passphrase, SecretWriter};
use std::sync::LazyLock;

/// How many words a generated passphrase has.
pub const WORDS: usize = 6;
/// Below this many bits a chosen passphrase deserves a warning.
pub const WEAK: f64 = 60.0;
/// Longest word of the list, with the space behind it.
const LONGEST: usize = 10;

static LIST: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("words.txt").lines().collect());

/// A fresh passphrase of [`WORDS`] words, separated by spaces, in lower case.
///
/// # Errors
/// [`NoEntropy`].
pub fn generate(entropy: &mut Entropy) -> Result<Passphrase, NoEntropy> {
    let mut text = SecretWriter::new(WORDS.saturating_mul(LONGEST));
    for place in 0..WORDS {
        let word = LIST.get(draw(entropy, LIST.len())?).ok_or(NoEntropy)?;
        let space: &[u8] = if place == 0 { b"" } else { b" " };
        text.put(space).and_then(|()| text.put(word.as_bytes())).map_err(|_| NoEntropy)?;
    }
    Passphrase::parse(text.finish().expose()).map_err(|_| NoEntropy)
}

/// A uniform number below `end`, by drawing again what would favour small ones.
fn draw(entropy: &mut Entropy, end: usize) -> Result<usize, NoEntropy> {
    let end = u32::try_from(end).map_err(|_| NoEntropy)?;
    let fair = u32::MAX.checked_rem(end).map(|rest| u32::MAX.saturating_sub(rest)).ok_or(NoEntropy)?;
    loop {
        let bytes = entropy.secret(4)?;
        let number = bytes.expose().first_chunk().map_or(u32::MAX, |bytes| u32::from_le_bytes(*bytes));
        if number < fair {
            return Ok(usize::try_from(number.checked_rem(end).ok_or(NoEntropy)?).unwrap_or_default());
        }
    }
}

/// A low estimate of the bits that guessing `passphrase` takes.
///
/// Words of the list cost 12.9 bits, letters of other words 2.5 each (English text), digits 3.3,
/// other characters 5; a character that repeats or continues a run (`aaa`, `123`, `cba`) costs 1.
#[must_use]
pub fn strength(passphrase: &Passphrase) -> f64 {
    let text = passphrase.expose_str().as_bytes();
    let at = |place: usize| text.get(place).copied().unwrap_or_default();
    // cheapest[n]: the least bits for the first n bytes.
    let mut cheapest = vec![0.0_f64];
    for end in 1..=text.len() {
        let last = end.saturating_sub(1);
        let before = |length: usize| end.checked_sub(length).and_then(|start| cheapest.get(start).copied());
        let mut least =
            before(1).unwrap_or_default() + price(at(last), (last > 0).then(|| at(last.saturating_sub(1))));
        for length in 3..LONGEST {
            let Some(bits) = before(length) else { break };
            let word = text.get(end.saturating_sub(length)..end).unwrap_or_default();
            if is_word(word) {
                least = least.min(bits + 12.9);
            }
        }
        cheapest.push(least);
    }
    cheapest.last().copied().unwrap_or_default()
}

fn price(byte: u8, before: Option<u8>) -> f64 {
    match before {
        Some(before) if byte.abs_diff(before) <= 1 => 1.0,
        _ if byte == b' ' => 0.0,
        _ if byte.is_ascii_lowercase() => 2.5,
        _ if byte.is_ascii_uppercase() => 3.0,
        _ if byte.is_ascii_digit() => 3.3,
        _ => 5.0,
    }
}

fn is_word(bytes: &[u8]) -> bool {
    core::str::from_utf8(bytes).is_ok_and(|word| LIST.binary_search(&word).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_the_published_one() {
        // SHA-256 of the EFF's eff_large_wordlist.txt words, one a line, in their order.
        assert_eq!(LIST.len(), 7776);
        assert!(LIST.is_sorted());
        assert!(LIST.iter().all(|word| (3..LONGEST).contains(&word.len())));
    }

    #[test]
    fn a_generated_passphrase_is_strong_and_fresh() {
        let mut entropy = Entropy::system();
        let one = generate(&mut entropy).unwrap();
        assert_eq!(one.expose_str().split(' ').count(), WORDS);
        assert!(one.expose_str().split(' ').all(|word| LIST.contains(&word)));
        assert!(strength(&one) > WEAK, "{}", strength(&one));
        assert!(!one.ct_eq(&generate(&mut entropy).unwrap()));
    }

    #[test]
    fn every_word_can_be_drawn() {
        let mut entropy = Entropy::system();
        let mut seen = [false; 64];
        for _ in 0..4000 {
            seen[draw(&mut entropy, 64).unwrap()] = true;
        }
        assert!(seen.iter().all(|seen| *seen));
    }

    #[test]
    fn weak_choices_are_called_weak() {
        for weak in [
            "password",
            "Passw0rd!",
            "123456789012345678901234567890",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "letmein please",
        ] {
            let bits = strength(&Passphrase::parse(weak.as_bytes()).unwrap());
            assert!(bits < WEAK, "{weak}: {bits}");
        }
    }
}
