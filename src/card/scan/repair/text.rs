//! The modules of a code to its text, with as much doubt as its check symbols allow.
//!
//! In: each module's colour and how much it is to be doubted. Out: the text, when every block is
//! corrected and the whole is exactly what `card::qr` makes: one alphanumeric segment, a terminator and the padding.
//! Codewords that fell where nothing is (a torn corner, a stain) are given up as erasures, the most doubtful first:
//! twice as many can be restored as when the decoder must find them (Forney 1966, generalised minimum distance).
//! All levels and masks are tried, in the order in which the format's two copies make them likely.

use rxing::qrcode::common::ErrorCorrectionLevel as Level;
use rxing::qrcode::decoder::DataBlock;
use zeroize::{Zeroize, Zeroizing};

use super::layout::Layout;
use super::solomon::correct;
use crate::card::scan::decode::caught;

/// A module as it was sampled.
#[derive(Clone, Copy, Default, Zeroize)]
pub(super) struct Module {
    pub(super) dark: bool,
    /// 0: none. 255: there is nothing to be seen.
    pub(super) doubt: u8,
}

/// The 45 characters, by their value (ISO/IEC 18004, table 5).
const ALPHABET: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/// How many formats are tried.
const FORMATS: usize = 24;

/// The text of a code whose modules are given row by row.
pub(super) fn text(layout: &Layout, modules: &[Module]) -> Option<Zeroizing<String>> {
    let at = |(x, y): (usize, usize)| {
        let place = y.checked_mul(layout.side)?.checked_add(x)?;
        modules.get(place).copied()
    };
    let copies = layout.format();
    let mut formats: Vec<(u32, Level, u8)> = [(Level::H, 2), (Level::Q, 3), (Level::M, 0)]
        .into_iter()
        .flat_map(|(level, bits)| (0..8).map(move |mask| (level, bits, mask)))
        .map(|(level, bits, mask)| {
            let expected = format_bits((bits << 3) | u16::from(mask));
            let differs = |copy: &Vec<(usize, usize)>| -> u32 {
                let bits = copy.iter().zip((0..15_u32).rev());
                let wrong = bits.filter_map(|(place, bit)| {
                    let module = at(*place)?;
                    (module.doubt < 255).then_some(module.dark != (expected >> bit & 1 == 1))
                });
                wrong.map(u32::from).sum()
            };
            (copies.iter().map(differs).sum(), level, mask)
        })
        .collect();
    formats.sort_by_key(|(distance, ..)| *distance);
    formats.iter().take(FORMATS).find_map(|(_, level, mask)| {
        let (codewords, doubts) = codewords(layout, *mask, &at)?;
        let data = restored(layout, *level, &codewords, &doubts)?;
        segment(&data, layout.version.getVersionNumber())
    })
}

/// The 15 bits of a format, masked (ISO/IEC 18004, annex C).
#[expect(clippy::arithmetic_side_effects, reason = "shifts below 16 bits")]
fn format_bits(data: u16) -> u16 {
    let mut rest = data << 10;
    for bit in (10..15).rev() {
        if rest >> bit & 1 == 1 {
            rest ^= 0x537 << (bit - 10);
        }
    }
    (data << 10 | rest) ^ 0x5412
}

type Bytes = Zeroizing<Vec<u8>>;

/// The interleaved codewords, and the doubt of each.
fn codewords(
    layout: &Layout,
    mask: u8,
    at: &dyn Fn((usize, usize)) -> Option<Module>,
) -> Option<(Bytes, Bytes)> {
    let count = usize::try_from(layout.version.getTotalCodewords()).ok()?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(count));
    let mut doubts = Zeroizing::new(Vec::with_capacity(count));
    for eight in layout.data().chunks_exact(8).take(count) {
        let (mut byte, mut doubt) = (0_u8, 0_u16);
        for place in eight {
            let module = at(*place)?;
            byte = byte << 1 | u8::from(module.dark != masked(mask, *place));
            doubt = doubt.saturating_add(u16::from(module.doubt));
        }
        bytes.push(byte);
        doubts.push(u8::try_from(doubt >> 3).unwrap_or(u8::MAX));
    }
    Some((bytes, doubts))
}

/// Whether a mask turns a module over (ISO/IEC 18004, table 10; i is the row, j the column).
#[expect(clippy::arithmetic_side_effects, reason = "products of sides below 100")]
fn masked(mask: u8, (j, i): (usize, usize)) -> bool {
    let product = i * j % 2 + i * j % 3;
    0 == match mask {
        0 => (i + j) % 2,
        1 => i % 2,
        2 => j % 3,
        3 => (i + j) % 3,
        4 => (i / 2 + j / 3) % 2,
        5 => product,
        6 => product % 2,
        _ => ((i + j) % 2 + i * j % 3) % 2,
    }
}

/// The data bytes of all blocks, in order.
fn restored(layout: &Layout, level: Level, codewords: &[u8], doubts: &[u8]) -> Option<Bytes> {
    let blocks = |bytes: &[u8]| {
        caught(|| DataBlock::getDataBlocks(bytes, layout.version, level))?
            .ok()
            .filter(|blocks| !blocks.is_empty())
    };
    let (blocks, doubts) = (blocks(codewords)?, blocks(doubts)?);
    let mut data = Zeroizing::new(Vec::with_capacity(codewords.len()));
    for (block, doubt) in blocks.iter().zip(&doubts) {
        let length = usize::try_from(block.getNumDataCodewords()).ok()?;
        let mut bytes = Zeroizing::new(block.getCodewords().to_vec());
        if !corrected(&mut bytes, length, doubt.getCodewords()) {
            return None;
        }
        data.extend_from_slice(bytes.get(..length)?);
    }
    Some(data)
}

/// With no erasure first, then with more and more.
fn corrected(block: &mut [u8], data: usize, doubts: &[u8]) -> bool {
    let Some(checks) = block.len().checked_sub(data) else { return false };
    let mut order: Vec<(u8, usize)> =
        doubts.iter().zip(0..).filter(|(doubt, _)| **doubt > 0).map(|(doubt, at)| (*doubt, at)).collect();
    order.sort_by_key(|(doubt, _)| std::cmp::Reverse(*doubt));
    let order: Vec<usize> = order.into_iter().map(|(_, at)| at).take(checks).collect();
    (0..=order.len()).step_by(2).any(|count| correct(block, checks, order.get(..count).unwrap_or_default()))
}

/// Takes bits from the front.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn left(&self) -> usize {
        self.bytes.len().saturating_mul(8).saturating_sub(self.at)
    }

    fn take(&mut self, count: usize) -> Option<usize> {
        let mut value = 0_usize;
        for _ in 0..count {
            let byte = self.bytes.get(self.at >> 3)?;
            let bit = byte >> (7_usize.checked_sub(self.at & 7)?) & 1;
            value = value << 1 | usize::from(bit);
            self.at = self.at.checked_add(1)?;
        }
        Some(value)
    }
}

/// Exactly one alphanumeric segment, the terminator, and the padding of the standard.
fn segment(data: &[u8], version: u32) -> Option<Zeroizing<String>> {
    let mut bits = Bits { bytes: data, at: 0 };
    let mode = bits.take(4)?;
    let mut left = bits.take(if version < 10 { 9 } else { 11 })?;
    if mode != 2 || left == 0 {
        return None;
    }
    let mut text = Zeroizing::new(String::with_capacity(left));
    while left > 0 {
        let pair = left >= 2;
        let value = bits.take(if pair { 11 } else { 6 })?;
        let first = if pair { value.checked_div(45)? } else { value };
        text.push(char::from(*ALPHABET.get(first)?));
        if pair {
            text.push(char::from(*ALPHABET.get(value.checked_rem(45)?)?));
        }
        left = left.saturating_sub(if pair { 2 } else { 1 });
    }
    let end = bits.left().min(4);
    let rest = bits.left().checked_sub(end)? & 7;
    let zero = bits.take(end)? == 0 && bits.take(rest)? == 0;
    let padding = data.get(bits.at >> 3..)?.iter().zip([0xec, 0x11].iter().cycle()).all(|(a, b)| a == b);
    (zero && padding).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::card::qr::Modules;

    /// A code as `card::qr` makes it.
    #[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
    fn sampled(text: &str) -> (Layout, Vec<Module>) {
        let code = Modules::encode(text).unwrap();
        let layout = Layout::new(u8::try_from((code.side() - 17) / 4).unwrap()).unwrap();
        let places = (0..code.side()).flat_map(|y| (0..code.side()).map(move |x| (x, y)));
        let modules = places.map(|(x, y)| Module { dark: code.is_dark(x, y), doubt: 0 }).collect();
        (layout, modules)
    }

    #[test]
    fn every_length_and_level_is_read() {
        for length in (1..816).step_by(23) {
            let whole = "QUORATE/1/MFRGGZDFMZTWQ2LK".repeat(40);
            let begin: String = whole.chars().take(length).collect();
            let (layout, modules) = sampled(&begin);
            assert_eq!(*text(&layout, &modules).unwrap(), begin);
        }
    }

    #[test]
    fn half_of_a_code_that_is_known_to_be_lost_is_restored() {
        let whole = format!("QUORATE/1/{}", "MFRGGZDFMZ".repeat(20));
        let (layout, mut modules) = sampled(&whole);
        let lost = modules.len() * 45 / 100;
        for module in modules.iter_mut().take(lost) {
            *module = Module { dark: true, doubt: 255 };
        }
        assert_eq!(text(&layout, &modules).unwrap().as_str(), whole);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_damage_gives_another_text(
            seed in any::<u64>(), part in 0..100_u64, doubt in prop::sample::select(vec![0, 90, 255_u8]),
        ) {
            let whole = format!("QUORATE/1/{}", "MFRGGZDFMZ".repeat(20));
            let (layout, mut modules) = sampled(&whole);
            let mut state = seed | 1;
            for module in &mut modules {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                if (state >> 33) % 100 < part {
                    *module = Module { dark: (state >> 50) & 1 == 1, doubt };
                }
            }
            prop_assert!(text(&layout, &modules).is_none_or(|text| *text == whole));
        }
    }
}
