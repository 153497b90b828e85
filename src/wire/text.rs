//! Bytes as text, one spelling each: base32 upper-case without padding (RFC 4648 section 6) for
//! what people type, base64 with padding (section 4) and lower-case hexadecimal for records.
//!
//! The codecs run in time that doesn't depend on the bytes, since some of them are secret.
//! Non-zero padding bits, other spellings and white space are refused.

use crate::secret::{SecretBytes, Zeroizing};
use base32ct::{Base32UpperUnpadded, Encoding as _};
use base64ct::{Base64, Encoding as _};

/// `bytes` in base32.
#[must_use]
pub fn base32(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(Base32UpperUnpadded::encode_string(bytes))
}

/// The bytes of base32 text; `None` for any other spelling than [`base32`]'s.
#[must_use]
pub fn from_base32(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = Zeroizing::new(Base32UpperUnpadded::decode_vec(text).ok()?);
    (base32(&bytes).as_str() == text).then_some(bytes)
}

/// The length in characters of the base64 of `length` bytes.
#[must_use]
pub const fn base64_length(length: usize) -> usize {
    length.div_ceil(3).saturating_mul(4)
}

/// Writes the base64 of `bytes` into `to`, whose length is [`base64_length`]'s.
pub fn base64_into(bytes: &[u8], to: &mut [u8]) {
    if Base64::encode(bytes, to).is_err() {
        to.fill(b'=');
    }
}

/// The base64 of public `bytes`.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// The secret bytes of base64 text; `None` for any other spelling.
#[must_use]
pub fn secret_from_base64(text: &str) -> Option<SecretBytes> {
    let longest = text.len().div_ceil(4).saturating_mul(3);
    let mut bytes = SecretBytes::zeroed(longest);
    let length = Base64::decode(text, bytes.expose_mut()).ok()?.len();
    bytes.truncate(length);
    let mut again = SecretBytes::zeroed(base64_length(length));
    base64_into(bytes.expose(), again.expose_mut());
    crate::secret::ct_eq(again.expose(), text.as_bytes()).then_some(bytes)
}

/// The public bytes of base64 text; `None` for any other spelling.
#[must_use]
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    secret_from_base64(text).map(|bytes| bytes.expose().to_vec())
}

/// Public `bytes` in lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('?');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The public bytes of lower-case hexadecimal text; `None` for any other spelling.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let nibble = |c: &u8| match c {
        b'0'..=b'9' => Some(c.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(c.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    };
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| Some(nibble(high)? << 4 | nibble(low)?);
    if odd.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// `N` public bytes of lower-case hexadecimal text.
#[must_use]
pub fn array_from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    from_hex(text)?.try_into().ok()
}

/// Base32 text in groups of four with hyphens, the form in which people compare names.
#[must_use]
pub fn grouped(text: &str) -> String {
    let mut groups = String::with_capacity(text.len().saturating_mul(2));
    for (place, c) in text.chars().enumerate() {
        if place > 0 && place.is_multiple_of(4) {
            groups.push('-');
        }
        groups.push(c);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_byte_string_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(from_base32(&base32(&bytes)).unwrap().to_vec(), bytes.clone());
            prop_assert_eq!(from_base64(&base64(&bytes)).unwrap(), bytes.clone());
            prop_assert_eq!(from_hex(&hex(&bytes)).unwrap(), bytes);
        }

        #[test]
        fn text_has_one_spelling(text in "[A-Za-z2-7=+/ 0-9]{0,24}") {
            if let Some(bytes) = from_base32(&text) { prop_assert_eq!(base32(&bytes).to_string(), text.clone()); }
            if let Some(bytes) = from_base64(&text) { prop_assert_eq!(base64(&bytes), text.clone()); }
            if let Some(bytes) = from_hex(&text) { prop_assert_eq!(hex(&bytes), text); }
        }
    }

    #[test]
    fn groups_of_four() {
        assert_eq!(grouped("ABCDEFGHIJ"), "ABCD-EFGH-IJ");
        assert_eq!(grouped(""), "");
    }
}
