//! The text of recipients and identities: Bech32 (BIP 173), without its limit on the length.
//!
//! Reading is by comparison: what was decoded is encoded again and must give the same text, so that
//! mixed case, non-zero padding bits and every other second spelling are refused at once. The one
//! length that fits is checked first. The crate's symbols come from a table of 32 bytes, the one
//! place where a secret picks an address; an identity is read and written once in a ceremony.

use crate::secret::{SecretBytes, ct_eq};
use bech32::primitives::checksum::Checksum;
use bech32::primitives::decode::UncheckedHrpstring;
use bech32::{Bech32, ByteIterExt as _, Fe32IterExt as _, Hrp};

/// Bech32's checksum for a text of any length: the crate's own type ends at 1,023 characters, and
/// its encoder panics there, while a recipient with ML-KEM has 1,959.
enum LongBech32 {}

impl Checksum for LongBech32 {
    type MidstateRepr = <Bech32 as Checksum>::MidstateRepr;
    type CorrectionField = <Bech32 as Checksum>::CorrectionField;
    const ROOT_GENERATOR: Self::CorrectionField = Bech32::ROOT_GENERATOR;
    const ROOT_EXPONENTS: core::ops::RangeInclusive<usize> = Bech32::ROOT_EXPONENTS;
    const CODE_LENGTH: usize = usize::MAX;
    const CHECKSUM_LENGTH: usize = Bech32::CHECKSUM_LENGTH;
    const GENERATOR_SH: [Self::MidstateRepr; 5] = Bech32::GENERATOR_SH;
    const TARGET_RESIDUE: Self::MidstateRepr = Bech32::TARGET_RESIDUE;
}

/// The case of a text; the checksum is that of the lower-case form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Lower,
    Upper,
}

/// A human-readable part, given in lower case, and the case in which it is written.
pub(super) struct Form {
    hrp: Hrp,
    case: Case,
}

impl Form {
    pub(super) const fn new(hrp: &str, case: Case) -> Self {
        Self { hrp: Hrp::parse_unchecked(hrp), case }
    }

    /// The length in characters of the text of `length` bytes.
    pub(super) fn text_length(&self, length: usize) -> usize {
        let symbols = length.saturating_mul(8).div_ceil(5);
        let fixed = self.hrp.len().saturating_add(1).saturating_add(LongBech32::CHECKSUM_LENGTH);
        symbols.saturating_add(fixed)
    }

    /// The text of `bytes`.
    pub(super) fn encode(&self, bytes: &[u8]) -> SecretBytes {
        SecretBytes::filled(self.text_length(bytes.len()), |to| {
            let text = bytes.iter().copied().bytes_to_fes().with_checksum::<LongBech32>(&self.hrp).chars();
            to.iter_mut().zip(text).for_each(|(to, c)| *to = u8::try_from(c).unwrap_or(b'?'));
            if self.case == Case::Upper {
                to.make_ascii_uppercase();
            }
        })
    }

    /// The `length` bytes of `text`; `None` for every other text than [`Self::encode`]'s.
    pub(super) fn decode(&self, text: &[u8], length: usize) -> Option<SecretBytes> {
        if text.len() != self.text_length(length) {
            return None;
        }
        let text = core::str::from_utf8(text).ok()?;
        let unchecked = UncheckedHrpstring::new(text).ok()?;
        if !unchecked.has_valid_checksum::<LongBech32>() {
            return None;
        }
        let checked = unchecked.remove_checksum::<LongBech32>();
        let bytes = SecretBytes::filled(length, |to| {
            to.iter_mut().zip(checked.byte_iter()).for_each(|(to, byte)| *to = byte);
        });
        ct_eq(self.encode(bytes.expose()).expose(), text.as_bytes()).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FORM: Form = Form::new("age1pq", Case::Lower);

    #[test]
    fn the_checksum_is_consistent() {
        LongBech32::sanity_check();
    }

    #[test]
    fn padding_bits_are_zero() {
        // 32 bytes are 51 symbols and one bit: four padding bits in the 52nd.
        const SYMBOLS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
        let symbols: Vec<bech32::Fe32> = [7; 32].iter().copied().bytes_to_fes().collect();
        let mut decoded = 0;
        for last in SYMBOLS {
            let mut altered = symbols.clone();
            *altered.last_mut().unwrap() = bech32::Fe32::from_char(char::from(*last)).unwrap();
            let text: String = altered.into_iter().with_checksum::<LongBech32>(&FORM.hrp).chars().collect();
            decoded += usize::from(FORM.decode(text.as_bytes(), 32).is_some());
        }
        assert_eq!(decoded, 2);
    }

    #[test]
    fn a_second_spelling_is_refused() {
        let text = String::from_utf8(FORM.encode(&[9; 32]).expose().to_vec()).unwrap();
        assert!(FORM.decode(text.as_bytes(), 32).is_some());
        assert!(FORM.decode(text.to_uppercase().as_bytes(), 32).is_none());
        assert!(FORM.decode(text.replacen('a', "A", 1).as_bytes(), 32).is_none());
        assert!(FORM.decode(format!(" {text}").as_bytes(), 32).is_none());
        assert!(FORM.decode(format!("{text}\n").as_bytes(), 32).is_none());
        assert!(FORM.decode(text.as_bytes(), 31).is_none());
        for place in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[place] ^= 1;
            assert!(FORM.decode(&altered, 32).is_none(), "{place}");
        }
    }

    proptest! {
        #[test]
        fn every_byte_string_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..1400)) {
            let text = FORM.encode(&bytes);
            let again = FORM.decode(text.expose(), bytes.len()).unwrap();
            prop_assert_eq!(again.expose(), &bytes[..]);
        }

        #[test]
        fn hostile_text_is_refused(text in "(age1pq1)?[a-zA-Z0-9]{0,70}|.{0,80}", length in 0_usize..50) {
            if let Some(bytes) = FORM.decode(text.as_bytes(), length) {
                let again = FORM.encode(bytes.expose());
                prop_assert_eq!(again.expose(), text.as_bytes());
            }
        }
    }
}
