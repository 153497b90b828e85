//! The square on a card: text to the modules of a QR code (ISO/IEC 18004), with the crate `qrcode`.
//!
//! In: text of the QR alphanumeric set (digits, capitals, `space $ % * + - . / :`); out: [`Modules`], a square of dark and
//! light fields without its quiet zone. The code is alphanumeric throughout, because every reader then gives the
//! same text back, and is made at level H, or Q, or M: a lower level only when a printed module would be under
//! [`MIN_MODULE_MM`] at [`PRINT_MM`]. Text that is too long even then is refused, never shrunk.
//!
//! It knows nothing of what the text means, draws nothing (`page` does) and reads nothing back (`scan` does). The
//! text may be an open share, so the modules are wiped on drop and cannot be printed; the crate's own buffers are
//! not in our hands, which is why the program wipes all memory that it frees.

use qrcode::bits::Bits;
use qrcode::{EcLevel, QrCode, Version};
use zeroize::Zeroizing;

/// Side of the printed square in millimetres, quiet zone included.
pub const PRINT_MM: f32 = 70.0;
/// Width of the light border on every side, in modules (ISO/IEC 18004, 9.1).
pub const QUIET: u16 = 4;
/// The smallest module in millimetres that a fixed-focus camera and an office printer can be trusted with.
pub const MIN_MODULE_MM: f32 = 0.7;

/// Versions 1 to 18 have at most 89 modules a side: 0.72 mm at 70 mm. Version 19 would be 0.69 mm.
const VERSIONS: std::ops::RangeInclusive<i16> = 1..=18;

/// How much of a code may be unreadable: H about 30 %, Q about 25 %, M about 15 % of its codewords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// About 30 % of the codewords.
    H,
    /// About 25 % of the codewords.
    Q,
    /// About 15 % of the codewords.
    M,
}

/// Why a text has no square.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QrError {
    /// There is nothing to encode.
    #[error("the text of the code is empty")]
    Empty,
    /// The character at this position (from 0) is outside the QR alphanumeric set. It is not shown: it may be secret.
    #[error("character {position} of the code is outside the QR alphanumeric set")]
    Alphabet {
        /// Position in the text, from 0.
        position: usize,
    },
    /// The text needs modules under [`MIN_MODULE_MM`] even at level M.
    #[error("{length} characters are too many for one square of {PRINT_MM} mm")]
    TooLong {
        /// Number of characters given.
        length: usize,
    },
}

/// A horizontal run of dark modules; `x` and `y` count from the top left module, from 0, without the quiet zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Column of the first module.
    pub x: u16,
    /// Row.
    pub y: u16,
    /// Number of dark modules, 1 or more.
    pub length: u16,
}

/// The modules of one QR code, row by row, without the quiet zone.
pub struct Modules {
    side: u16,
    level: Level,
    dark: Zeroizing<Vec<bool>>,
}

impl std::fmt::Debug for Modules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Modules")
            .field("side", &self.side)
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

impl Modules {
    /// Encodes `text`, all of it in alphanumeric mode, at the highest level that keeps the modules large enough and in the
    /// smallest version of that level.
    ///
    /// # Errors
    /// [`QrError`] for an empty text, a character outside the alphanumeric set, or too many characters.
    pub fn encode(text: &str) -> Result<Self, QrError> {
        Self::encode_at(text, PRINT_MM, MIN_MODULE_MM)
    }

    /// As [`Self::encode`], for a square of `side_mm` whose modules are at least `least_mm` wide.
    ///
    /// # Errors
    /// [`QrError`].
    pub fn encode_at(text: &str, side_mm: f32, least_mm: f32) -> Result<Self, QrError> {
        if text.is_empty() {
            return Err(QrError::Empty);
        }
        if let Some(position) = text.chars().position(|c| !is_alphanumeric(c)) {
            return Err(QrError::Alphabet { position });
        }
        [(Level::H, EcLevel::H), (Level::Q, EcLevel::Q), (Level::M, EcLevel::M)]
            .into_iter()
            .find_map(|(level, ec)| {
                let code = VERSIONS.into_iter().find_map(|version| attempt(text, version, level, ec));
                code.filter(|code| code.module_mm(side_mm) >= least_mm)
            })
            .ok_or(QrError::TooLong { length: text.len() })
    }

    /// Modules on each side, without the quiet zone: 21 to 89.
    #[must_use]
    pub fn side(&self) -> u16 {
        self.side
    }

    /// The error correction level that was chosen.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Whether the module in column `x` of row `y` is dark. Outside the code everything is light.
    #[must_use]
    pub fn is_dark(&self, x: u16, y: u16) -> bool {
        let row = usize::from(y).checked_mul(usize::from(self.side));
        let at = row.and_then(|row| row.checked_add(usize::from(x)));
        x < self.side && at.and_then(|at| self.dark.get(at)).copied().unwrap_or(false)
    }

    /// Width of one module in millimetres when the code with its quiet zone is printed `side_mm` wide.
    #[must_use]
    pub fn module_mm(&self, side_mm: f32) -> f32 {
        side_mm / f32::from(self.side.saturating_add(QUIET.saturating_mul(2)))
    }

    /// The dark modules as horizontal runs, top to bottom and left to right: what a page draws.
    pub fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        (0..self.side).flat_map(move |y| {
            let mut x = 0u16;
            std::iter::from_fn(move || {
                let start = (x..self.side).find(|&at| self.is_dark(at, y))?;
                let end = (start..self.side).find(|&at| !self.is_dark(at, y)).unwrap_or(self.side);
                x = end;
                Some(Run { x: start, y, length: end.saturating_sub(start) })
            })
        })
    }
}

/// The 45 characters of the QR alphanumeric mode (ISO/IEC 18004, table 5).
fn is_alphanumeric(c: char) -> bool {
    matches!(c, '0'..='9' | 'A'..='Z' | ' ' | '$' | '%' | '*' | '+' | '-' | '.' | '/' | ':')
}

fn attempt(text: &str, version: i16, level: Level, ec: EcLevel) -> Option<Modules> {
    let mut bits = Bits::new(Version::Normal(version));
    bits.push_alphanumeric_data(text.as_bytes()).ok()?;
    bits.push_terminator(ec).ok()?;
    let code = QrCode::with_bits(bits, ec).ok()?;
    let side = u16::try_from(code.width()).ok()?;
    let dark = Zeroizing::new(code.into_colors().into_iter().map(|c| c == qrcode::Color::Dark).collect());
    Some(Modules { side, level, dark })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The modules as rxing, an independent decoder, reads them: 4 pixels a module and the quiet zone.
    #[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
    fn read_back(code: &Modules) -> String {
        let side = u32::from(code.side() + 2 * QUIET) * 4;
        let module = |pixel: u32| (u16::try_from(pixel / 4).unwrap()).wrapping_sub(QUIET);
        let luma = (0..side)
            .flat_map(|y| (0..side).map(move |x| (x, y)))
            .map(|(x, y)| if code.is_dark(module(x), module(y)) { 0 } else { 255 })
            .collect();
        rxing::helpers::detect_in_luma(luma, side, side, Some(rxing::BarcodeFormat::QR_CODE))
            .unwrap()
            .getText()
            .to_owned()
    }

    #[test]
    fn a_card_of_125_bytes_is_level_h_with_modules_of_0_95_mm() {
        let text = format!("QUORATE/1/{}", "MFRGGZDFMZ".repeat(20));
        let code = Modules::encode(&text).unwrap();
        assert_eq!((code.side(), code.level()), (65, Level::H));
        assert!(code.module_mm(PRINT_MM) > 0.95);
        assert_eq!(read_back(&code), text);
    }

    /// The limits are the capacities of version 18 in alphanumeric mode (ISO/IEC 18004, table 7).
    #[test]
    fn the_level_falls_only_when_modules_would_be_too_small() {
        let encode = |n: usize| Modules::encode(&"A".repeat(n));
        for (n, level) in [(452, Level::H), (574, Level::Q), (816, Level::M)] {
            let code = encode(n).unwrap();
            assert_eq!((code.level(), code.side()), (level, 89), "{n}");
            assert!(code.module_mm(PRINT_MM) >= MIN_MODULE_MM);
        }
        assert_eq!(encode(453).unwrap().level(), Level::Q);
        assert_eq!(encode(575).unwrap().level(), Level::M);
        assert_eq!(encode(817).unwrap_err(), QrError::TooLong { length: 817 });
        let next = f32::from(89 + 4 + 2 * QUIET);
        assert!(PRINT_MM / next < MIN_MODULE_MM, "version 19 is too fine");
    }

    #[test]
    fn text_outside_the_set_is_refused_by_position() {
        assert_eq!(Modules::encode("QUORATE/1/a").unwrap_err(), QrError::Alphabet { position: 10 });
        assert_eq!(Modules::encode("Ä").unwrap_err(), QrError::Alphabet { position: 0 });
        assert_eq!(Modules::encode("").unwrap_err(), QrError::Empty);
        assert_eq!(Modules::encode(&"A".repeat(5000)).unwrap_err(), QrError::TooLong { length: 5000 });
    }

    #[test]
    fn runs_are_the_dark_modules_exactly_once() {
        let code = Modules::encode("QUORATE/1/ABCDEFGH").unwrap();
        let mut seen = vec![false; usize::from(code.side()) * usize::from(code.side())];
        for run in code.runs() {
            for x in run.x..run.x + run.length {
                let at = usize::from(run.y) * usize::from(code.side()) + usize::from(x);
                assert!(!seen[at]);
                seen[at] = true;
            }
        }
        assert_eq!(seen, *code.dark);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_text_is_read_back_by_another_decoder(text in "[A-Z2-7/:]{1,400}") {
            prop_assert_eq!(read_back(&Modules::encode(&text).unwrap()), text);
        }
    }
}
