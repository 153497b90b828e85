//! Bytes of a text file to text, whatever program wrote them.
//!
//! In: UTF-8, or UTF-16 as Windows programs write it, with or without a byte order mark. Out: text in
//! wiped memory, and its rows. Bytes that are no text become U+FFFD and are said: a card's rows have
//! none, but the prose around them may be in another encoding.

use zeroize::Zeroizing;

/// Text, as far as it is some.
pub(super) struct Decoded {
    pub(super) text: Zeroizing<String>,
    /// Whether some of the bytes were no text.
    pub(super) damaged: bool,
}

pub(super) fn text(bytes: &[u8]) -> Decoded {
    // Every byte gives at most three: a string that grows leaves a copy behind.
    let mut decoded = Decoded {
        text: Zeroizing::new(String::with_capacity(bytes.len().saturating_mul(3))),
        damaged: false,
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => decoded.wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => decoded.wide(rest, u16::from_be_bytes),
        [_, 0, _, 0, ..] => decoded.wide(bytes, u16::from_le_bytes),
        [0, _, 0, _, ..] => decoded.wide(bytes, u16::from_be_bytes),
        _ => decoded.narrow(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)),
    }
    decoded
}

impl Decoded {
    fn wide(&mut self, bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) {
        let (pairs, rest) = bytes.as_chunks::<2>();
        for decoded in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
            self.damaged |= decoded.is_err();
            self.text.push(decoded.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        // Bytes that happen to begin as such text does.
        self.damaged |= !rest.is_empty() || !self.text.chars().any(|c| matches!(c, ' '..='~'));
    }

    fn narrow(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            self.text.push_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                self.damaged = true;
                self.text.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }
}

/// The rows of a text that hold something, without remarks.
pub(super) fn rows(text: &str) -> impl Iterator<Item = &str> {
    let rows = text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']);
    rows.map(str::trim).filter(|row| !row.is_empty() && !row.starts_with('#'))
}
