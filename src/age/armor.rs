//! The text form of an age file: strict PEM (RFC 7468, figure 3) with lines of 64 characters.
//!
//! Writing gives one form. Reading takes that form, with LF or CRLF throughout, and white space
//! before and after it; headers, other line lengths, other spellings of the base64 and anything
//! else around it are refused, so that armor can't be altered unseen. Nothing here is secret.

use super::LIMITS;
use crate::wire::text::{base64_into, base64_length, from_base64};
use std::borrow::Cow;

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";
/// Characters of both with their line feeds.
const FRAME: usize = BEGIN.len() + END.len() + 2;
/// Characters of base64 in a full line.
const COLUMNS: usize = 64;
/// Bytes in a full line.
const LINE: usize = 48;
const WHITE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Why a text is no armored age file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArmorError {
    /// The text isn't one armored file from begin line to end line.
    #[error("not an armored age file: its begin or end line is missing, or something stands beside them")]
    Frame,
    /// A line isn't base64 of the right length.
    #[error("line {line} of the armored age file is malformed")]
    Line {
        /// The line, counted from 1, the begin line.
        line: usize,
    },
    /// The file would be longer than a reader takes.
    #[error("the armored age file holds more than {limit} bytes")]
    TooLong {
        /// The most bytes that are read.
        limit: usize,
    },
}

/// The armored form of an age file, ending in a line feed.
#[must_use]
pub fn armor(file: &[u8]) -> String {
    let lines = file.len().div_ceil(LINE);
    let length = base64_length(file.len()).saturating_add(lines).saturating_add(FRAME);
    let mut text = String::with_capacity(length);
    text.push_str(BEGIN);
    text.push('\n');
    for line in file.chunks(LINE) {
        let mut buffer = [0; COLUMNS];
        let place = buffer.get_mut(..base64_length(line.len())).unwrap_or_default();
        base64_into(line, place);
        text.extend(place.iter().copied().map(char::from));
        text.push('\n');
    }
    text.push_str(END);
    text.push('\n');
    text
}

/// Whether `bytes` begin as armor does.
#[must_use]
pub fn is_armored(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(BEGIN.as_bytes())
}

/// The age file in `bytes`: what is armored is decoded, anything else is returned as it is.
///
/// # Errors
/// [`ArmorError`] when it is armored and malformed.
pub fn without_armor(bytes: &[u8]) -> Result<Cow<'_, [u8]>, ArmorError> {
    if is_armored(bytes) { unarmor(bytes, LIMITS.file).map(Cow::Owned) } else { Ok(Cow::Borrowed(bytes)) }
}

/// The file of an armored text, of at most `limit` bytes.
///
/// # Errors
/// [`ArmorError`].
pub fn unarmor(text: &[u8], limit: usize) -> Result<Vec<u8>, ArmorError> {
    let text = core::str::from_utf8(text).map_err(|_| ArmorError::Frame)?.trim_matches(WHITE);
    let text = text.strip_prefix(BEGIN).and_then(|text| text.strip_suffix(END)).ok_or(ArmorError::Frame)?;
    let eol = if text.starts_with("\r\n") { "\r\n" } else { "\n" };
    let text = text.strip_prefix(eol).ok_or(ArmorError::Frame)?;
    let mut file = Vec::new();
    if text.is_empty() {
        return Ok(file);
    }
    let text = text.strip_suffix(eol).ok_or(ArmorError::Frame)?;
    let mut lines = (2_usize..).zip(text.split(eol)).peekable();
    while let Some((line, characters)) = lines.next() {
        let malformed = ArmorError::Line { line };
        let last = lines.peek().is_none();
        let fits = characters.len() == COLUMNS || (last && (1..COLUMNS).contains(&characters.len()));
        // Padding is for the end of the file: nowhere else does it stay canonical.
        if !fits || (!last && characters.contains('=')) {
            return Err(malformed);
        }
        let bytes = from_base64(characters).ok_or(malformed)?;
        if file.len().saturating_add(bytes.len()) > limit {
            return Err(ArmorError::TooLong { limit });
        }
        file.extend_from_slice(&bytes);
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_length_comes_back_in_lines_of_64() {
        for length in (0..200).chain([3071, 3072, 3073, 6144, 70_000]) {
            let file: Vec<u8> = (0..=250).cycle().take(length).collect();
            let text = armor(&file);
            assert!(text.lines().all(|line| line.len() <= COLUMNS));
            assert_eq!(unarmor(text.as_bytes(), length).unwrap(), file);
            assert_eq!(unarmor(text.replace('\n', "\r\n").as_bytes(), length).unwrap(), file);
            assert_eq!(unarmor(format!(" \r\n{text}\t\n").as_bytes(), length).unwrap(), file);
            if length > 0 {
                let limit = length - 1;
                assert_eq!(unarmor(text.as_bytes(), limit), Err(ArmorError::TooLong { limit }));
            }
        }
    }

    #[test]
    fn line_ends_do_not_mix() {
        let text = armor(&[7; 100]);
        for place in text.match_indices('\n').map(|(place, _)| place).take(4) {
            let mut mixed = text.clone();
            mixed.insert(place, '\r');
            assert!(unarmor(mixed.as_bytes(), 100).is_err(), "{place}");
        }
    }

    #[test]
    fn every_altered_character_shows() {
        let file = [0xa5; 100];
        let text = armor(&file);
        for place in 0..text.trim_end().len() {
            for bit in 0..8 {
                let mut altered = text.clone().into_bytes();
                altered[place] ^= 1 << bit;
                assert_ne!(unarmor(&altered, 200).ok().as_deref(), Some(&file[..]), "{place} {bit}");
            }
        }
        for cut in 1..text.trim_end().len() {
            assert!(unarmor(&text.as_bytes()[..cut], 200).is_err());
        }
    }

    proptest! {
        #[test]
        fn what_is_read_has_one_spelling(body in "[A-Za-z0-9+/=\n]{0,300}") {
            let text = format!("{BEGIN}\n{body}\n{END}\n");
            if let Ok(file) = unarmor(text.as_bytes(), 1000) {
                prop_assert_eq!(armor(&file), text);
            }
        }
    }
}
