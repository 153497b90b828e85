//! Raw bytes of symmetric and opaque keys: what is refused, and why.
//!
//! A key of 32 bytes that arrives as 64 hexadecimal digits is the commonest mistake there is, and
//! an escrow that took the digits would recover the wrong key. Text is told from random bytes by
//! its alphabet alone: at 24 characters or more a random key looks so once in 2^48.

use super::{ImportError, KeyKind, OPAQUE_LIMIT};

/// Whether `bytes` are a key of the symmetric or opaque `kind`.
pub(super) fn check(kind: KeyKind, bytes: &[u8]) -> Result<(), ImportError> {
    if bytes.is_empty() {
        return Err(ImportError::Empty);
    }
    if bytes.len() > OPAQUE_LIMIT {
        return Err(ImportError::TooLong);
    }
    if kind.is_asymmetric() {
        return Err(ImportError::NotEncoded { kind });
    }
    let Some(expected) = kind.symmetric_length() else { return Ok(()) };
    if bytes.len() != expected {
        return Err(ImportError::Length { kind, expected, found: bytes.len() });
    }
    if constant(bytes) { Err(ImportError::Weak { kind }) } else { Ok(()) }
}

/// As [`check`], for bytes that come from a file.
pub(super) fn check_file(kind: KeyKind, bytes: &[u8]) -> Result<(), ImportError> {
    if let Some(expected) = kind.symmetric_length() {
        if let Some((encoding, length)) = text(bytes) {
            return Err(ImportError::Text { encoding, length });
        }
        if let Some((_, b"\n" | b"\r\n")) = bytes.split_at_checked(expected) {
            return Err(ImportError::LineEnd { kind, expected });
        }
    }
    check(kind, bytes)
}

/// Whether all bytes are the same.
pub(super) fn constant(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| bytes.iter().fold(0, |differ, byte| differ | (byte ^ first)) == 0)
}

/// The encoding of bytes that are text, and how many bytes it spells.
fn text(bytes: &[u8]) -> Option<(&'static str, usize)> {
    let text = bytes.trim_ascii();
    let digits = text.strip_prefix(b"0x").unwrap_or(text);
    if digits.len() >= 32 && digits.len().is_multiple_of(2) && digits.iter().all(u8::is_ascii_hexdigit) {
        return Some(("hexadecimal", digits.len().checked_div(2)?));
    }
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let (symbols, _) = text.split_at_checked(text.len().checked_sub(padding)?)?;
    let symbol = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    let whole = padding <= 2 && symbols.len().checked_rem(4)? != 1;
    // 22 symbols spell 16 bytes; a raw key of 22 or 23 bytes doesn't exist.
    let enough = symbols.len() >= 22 && symbols.iter().all(symbol);
    if whole && enough { Some(("base64", symbols.len().checked_mul(3)?.checked_div(4)?)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(length: usize) -> Vec<u8> {
        (200..=255).chain(0..=199).cycle().take(length).collect()
    }

    #[test]
    fn lengths_are_exact() {
        for kind in KeyKind::ALL {
            if let Some(length) = kind.symmetric_length() {
                assert_eq!(check_file(kind, &of(length)), Ok(()));
                for wrong in [length - 1, length + 1, 1, 200] {
                    assert_eq!(
                        check_file(kind, &of(wrong)),
                        Err(ImportError::Length { kind, expected: length, found: wrong })
                    );
                }
                for byte in [0, 1, 0xff] {
                    assert_eq!(check(kind, &vec![byte; length]), Err(ImportError::Weak { kind }));
                }
                for end in [&b"\n"[..], b"\r\n"] {
                    let ended = [of(length), end.to_vec()].concat();
                    assert_eq!(
                        check_file(kind, &ended),
                        Err(ImportError::LineEnd { kind, expected: length })
                    );
                }
            } else if kind.is_asymmetric() {
                assert_eq!(check(kind, &of(32)), Err(ImportError::NotEncoded { kind }));
            }
            assert_eq!(check_file(kind, b""), Err(ImportError::Empty));
        }
    }

    #[test]
    fn opaque_takes_anything_within_its_limit() {
        for good in [&[0][..], &[0; 32], &vec![b'a'; OPAQUE_LIMIT]] {
            assert_eq!(check_file(KeyKind::Opaque, good), Ok(()));
        }
        assert_eq!(check_file(KeyKind::Opaque, &vec![1; OPAQUE_LIMIT + 1]), Err(ImportError::TooLong));
    }

    #[test]
    fn text_is_told_from_bytes() {
        let hex = "00112233445566778899AABBCCDDEEFF0011223344556677889900aabbccddee";
        for text in [hex.to_string(), format!("{hex}\n"), format!("0x{hex}"), format!(" {hex}\r\n")] {
            for kind in [KeyKind::Aes256, KeyKind::Hmac512] {
                assert_eq!(
                    check_file(kind, text.as_bytes()),
                    Err(ImportError::Text { encoding: "hexadecimal", length: 32 })
                );
            }
        }
        // 32 digits are an AES-128 key in text, and as long as an AES-256 key.
        assert_eq!(
            check_file(KeyKind::Aes256, &hex.as_bytes()[..32]),
            Err(ImportError::Text { encoding: "hexadecimal", length: 16 })
        );
        for (text, length) in [
            ("AAECAwQFBgcICQoLDA0ODw==", 16),
            ("AAECAwQFBgcICQoLDA0ODw", 16),
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 32),
            ("_-ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", 32),
        ] {
            let refused = check_file(KeyKind::Hmac384, text.as_bytes());
            assert_eq!(refused, Err(ImportError::Text { encoding: "base64", length }));
        }
    }
}
