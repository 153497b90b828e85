//! A passphrase in its one normal form, so that the same words typed on another keyboard, in
//! another encoding form or with other spacing are the same bytes.
//!
//! The rules (`docs/format.md`, Passphrases; after the OpaqueString profile of RFC 8265):
//! UTF-8; every white space character becomes U+0020; runs of it become one, and it is removed
//! from both ends; then Unicode Normalization Form C. Case is kept and counts. Control characters
//! and an empty result are refused.

use super::{SecretBytes, SecretWriter, Zeroize};
use core::fmt;
use unicode_normalization::UnicodeNormalization;

/// The most bytes a passphrase may have as typed.
pub(super) const MAX_TYPED: usize = 1024;
/// NFC never makes UTF-8 longer than three times (Unicode Standard Annex 15, section 9).
const GROWTH: usize = 3;

/// A passphrase in normal form.
pub struct Passphrase(SecretBytes);

/// Why typed bytes are no passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// Nothing but white space.
    #[error("the passphrase is empty")]
    Empty,
    /// More than 1,024 bytes as typed.
    #[error("the passphrase is longer than {MAX_TYPED} bytes")]
    TooLong,
    /// The bytes aren't UTF-8.
    #[error("the passphrase isn't UTF-8 text: check the terminal's or the file's encoding")]
    NotUtf8,
    /// A control character, most often from a key that isn't a letter.
    #[error("the passphrase holds a control character: type it again without arrow or function keys")]
    Control,
}

impl Passphrase {
    /// Reads typed bytes; one line end at their end doesn't count.
    ///
    /// # Errors
    /// [`PassphraseError`], which never quotes what was typed.
    pub fn parse(typed: &[u8]) -> Result<Self, PassphraseError> {
        if typed.len() > MAX_TYPED {
            return Err(PassphraseError::TooLong);
        }
        let text = core::str::from_utf8(typed).map_err(|_| PassphraseError::NotUtf8)?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(PassphraseError::Control);
        }
        let words = text.split(char::is_whitespace).filter(|word| !word.is_empty());
        let spaced =
            words.enumerate().flat_map(|(n, word)| (n > 0).then_some(' ').into_iter().chain(word.chars()));
        let mut normal = SecretWriter::new(text.len().saturating_mul(GROWTH));
        for c in spaced.nfc() {
            let mut utf8 = [0; 4];
            normal.put(c.encode_utf8(&mut utf8).as_bytes()).map_err(|_| PassphraseError::TooLong)?;
            utf8.zeroize();
        }
        let normal = normal.finish();
        if normal.is_empty() { Err(PassphraseError::Empty) } else { Ok(Self(normal)) }
    }

    /// The normal form in UTF-8.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// The normal form as text.
    #[must_use]
    pub fn expose_str(&self) -> &str {
        core::str::from_utf8(self.expose()).unwrap_or_default()
    }

    /// Whether both are the same passphrase, in time that depends on their lengths only.
    #[must_use]
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(typed: &str) -> String {
        String::from_utf8(Passphrase::parse(typed.as_bytes()).unwrap().expose().to_vec()).unwrap()
    }

    #[test]
    fn spacing_and_unicode_form_do_not_count() {
        assert_eq!(normal("correct horse\n"), "correct horse");
        assert_eq!(normal("  correct \t\u{3000}horse\u{a0}\r\n"), "correct horse");
        assert_eq!(normal("cafe\u{301}"), normal("caf\u{e9}"));
        assert_eq!(normal("\u{212b}"), "\u{c5}");
    }

    #[test]
    fn case_and_order_count() {
        assert_ne!(normal("Correct horse"), normal("correct horse"));
        assert_ne!(normal("horse correct"), normal("correct horse"));
    }

    #[test]
    fn what_is_no_passphrase_is_refused() {
        let refused = |typed: &[u8]| Passphrase::parse(typed).unwrap_err();
        assert_eq!(refused(b" \n"), PassphraseError::Empty);
        assert_eq!(refused(b"abc\x1b[A"), PassphraseError::Control);
        assert_eq!(refused(b"a\nb"), PassphraseError::Control);
        assert_eq!(refused(b"\xff\xfe"), PassphraseError::NotUtf8);
        assert_eq!(refused(&[b'a'; MAX_TYPED + 1]), PassphraseError::TooLong);
    }

    #[test]
    fn normalisation_always_fits() {
        // U+0390 and U+1D160 grow the most under NFC in UTF-8.
        for grower in ['\u{390}', '\u{1d160}', '\u{fb2c}'] {
            let typed: String = core::iter::repeat_n(grower, MAX_TYPED / 4).collect();
            Passphrase::parse(typed.as_bytes()).unwrap();
        }
    }
}
