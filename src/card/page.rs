//! The printed card: a [`Face`] (plain data) to the bytes of a PDF/A-2u file, A4 or Letter.
//!
//! Page 1 is the card: its code twice, what it is, what to do, the typed lines. Long cards get a page of lines and a page
//! of part codes. The last page, meant for the back, says how to read the card without this program. Every page
//! has two fold lines that cross neither text nor code. The wording is for a stranger in ten years.
//!
//! Pure: the same face gives the same bytes; the date and the document's name come from the face. What does not fit is
//! refused, never cut; a character without a glyph is refused, never printed as a hole. A card never shows a
//! passphrase, other custodians, accounts, machines or safes: a face has no room for them.
//!
//! The PDF of an open share is a secret: the caller keeps it in a type that is wiped.

mod back;
mod backup;
mod ceremony;
mod flow;
mod font;
mod form;
mod front;
mod ink;
mod more;
mod pocket;
mod sheet;
mod words;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use unicode_normalization::UnicodeNormalization;

use self::sheet::{MM, Sheet};
use crate::card::qr::{Modules, QrError};
pub use backup::{BackupFace, backup_page};
pub use ceremony::{CardRow, CeremonyFace, KeyRow, ceremony_page};
pub use form::{Column, Fact, FormFace, Section, form_page};
pub use pocket::pocket_page;

/// The most typed lines: their number is one symbol of GF(32) and not zero.
pub const LINES_MAX: usize = 31;
/// The most codes: they share one page.
pub const CODES_MAX: usize = 6;

/// The size of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// ISO 216 A4: 210 by 297 mm.
    A4,
    /// North American letter: 8.5 by 11 inches.
    Letter,
    /// A bank card, 85.6 by 54 mm (ISO/IEC 7810 ID-1): for the extra copy of a card alone.
    Pocket,
}

impl std::str::FromStr for Paper {
    type Err = PageError;

    fn from_str(text: &str) -> Result<Self, PageError> {
        match text {
            "a4" => Ok(Self::A4),
            "letter" => Ok(Self::Letter),
            _ => Err(PageError::Paper),
        }
    }
}

impl Paper {
    /// Width and height in points.
    fn size(self) -> (f32, f32) {
        match self {
            Self::A4 => (210.0 * MM, 297.0 * MM),
            Self::Letter => (612.0, 792.0),
            Self::Pocket => (85.6 * MM, 54.0 * MM),
        }
    }

    /// Where the sheet is folded, in points from the top: a DL or a number 10 envelope takes it.
    fn folds(self) -> [f32; 2] {
        match self {
            Self::A4 => [99.0 * MM, 198.0 * MM],
            Self::Letter => [95.0 * MM, 187.0 * MM],
            // Nobody folds it.
            Self::Pocket => [54.0 * MM, 54.0 * MM],
        }
    }
}

/// How the share on the card is sealed, as far as a reader must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing<'a> {
    /// With a passphrase; opening it needs this much memory.
    Passphrase {
        /// Memory of Argon2id in MiB.
        memory_mib: u32,
    },
    /// To a key of the custodian.
    Age {
        /// What the custodian holds, in words: `age key`, `YubiKey`.
        recipient_kind: &'a str,
    },
    /// Not at all: the envelope is the only protection.
    Open,
}

/// What a card shows. Texts are shown as they are, in Unicode's composed form (NFC).
#[derive(Clone, Copy)]
pub struct Face<'a> {
    /// Whose keys.
    pub organisation: Option<&'a str>,
    /// Quorum id: four groups of four base32 characters.
    pub quorum: &'a str,
    /// Number of this set of cards.
    pub generation: u16,
    /// How many cards are needed.
    pub threshold: u8,
    /// How many cards there are.
    pub total: u8,
    /// Number of this card, from 1.
    pub index: u8,
    /// Name of the custodian.
    pub custodian: &'a str,
    /// Role of the custodian.
    pub role: Option<&'a str>,
    /// Date and time of making (RFC 3339).
    pub made: &'a str,
    /// Number of the ceremony.
    pub ceremony: Option<&'a str>,
    /// Number of the envelope.
    pub envelope: Option<&'a str>,
    /// How the share is sealed.
    pub seal: Sealing<'a>,
    /// Position in the log and short hash.
    pub checkpoint: Option<(u64, &'a str)>,
    /// Public code that two people compare: two groups of four base32 characters.
    pub verification: &'a str,
    /// Texts of the codes: one, or the parts of a long card.
    pub codes: &'a [&'a str],
    /// Typed lines: six groups of five base32 characters each, the last two lines being spare. Empty on a very long card.
    pub lines: &'a [&'a str],
    /// Whom to tell of a loss, as a role.
    pub contact: Option<&'a str>,
    /// Name and version of the program.
    pub program: &'a str,
}

impl std::fmt::Debug for Face<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { quorum, generation, index, .. } = self;
        f.debug_struct("Face")
            .field("quorum", quorum)
            .field("generation", generation)
            .field("index", index)
            .finish_non_exhaustive()
    }
}

/// Why a card has no page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// A character that the fonts of the card cannot show.
    #[error("the fonts have no glyph for {character:?} in {field}")]
    Glyph {
        /// The character.
        character: char,
        /// Where it stands.
        field: &'static str,
    },
    /// A text that does not fit at the smallest size that is still readable.
    #[error("{field} is too long for its place on the page")]
    TooLong {
        /// Which text.
        field: &'static str,
    },
    /// A value that no card can have.
    #[error("{field} is not what a page can show")]
    Value {
        /// Which value.
        field: &'static str,
    },
    /// A code that cannot be drawn.
    #[error("code {number} of the page")]
    Code {
        /// Number of the code, from 1.
        number: usize,
        /// Why.
        source: QrError,
    },
    /// A card of several codes, which no extra copy has room for.
    #[error("a card of {codes} codes has no room on an extra copy of pocket size")]
    Pocket {
        /// How many codes it has.
        codes: usize,
    },
    /// An unknown paper size.
    #[error("the paper size is unknown: use a4 or letter")]
    Paper,
    /// A font that is compiled in cannot be read.
    #[error("a built-in font cannot be read")]
    Font,
    /// The PDF could not be made.
    #[error("the PDF could not be made to PDF/A-2u")]
    Pdf,
}

/// Makes the PDF of one card.
///
/// # Errors
/// [`PageError`] names the field that is wrong, too long, or has a character without a glyph.
pub fn card_page(face: &Face<'_>, paper: Paper) -> Result<Vec<u8>, PageError> {
    let made = check(face)?;
    let codes = face
        .codes
        .iter()
        .zip(1usize..)
        .map(|(text, number)| Modules::encode(text).map_err(|source| PageError::Code { number, source }));
    let codes: Vec<Modules> = codes.collect::<Result<_, _>>()?;
    let fonts = font::Fonts::load()?;
    let sheets = sheets(&fonts, face, made, &codes, paper)?;
    let Face { quorum, generation, index, total, .. } = face;
    let about = ink::About {
        title: format!("Recovery card {index} of {total}, quorum {quorum}, generation {generation}"),
        id: format!("quorate card {quorum} {generation} {index} {}", face.verification),
        program: face.program.to_owned(),
        made,
    };
    ink::draw(&sheets, &codes, &about)
}

/// Lays out every page.
fn sheets<'f>(
    fonts: &'f font::Fonts,
    face: &Face<'_>,
    made: OffsetDateTime,
    codes: &[Modules],
    paper: Paper,
) -> Result<Vec<Sheet<'f>>, PageError> {
    let mut sheets = vec![front::front(fonts, face, made, codes, paper)?];
    if face.lines.len() > front::LINES {
        sheets.push(more::lines(fonts, face, paper)?);
    }
    if codes.len() > 1 {
        sheets.push(more::parts(fonts, face, codes, paper)?);
    }
    sheets.push(back::back(fonts, paper)?);
    let total = sheets.len();
    for (sheet, number) in sheets.iter_mut().zip(1usize..) {
        more::footer(sheet, face, number, total)?;
    }
    Ok(sheets)
}

/// A text of the issuer in composed form.
fn composed(text: &str) -> String {
    text.trim().nfc().collect()
}

/// Checks what the layout relies on, and reads the date.
fn check(face: &Face<'_>) -> Result<OffsetDateTime, PageError> {
    let base32 = |group: &str, n: usize| {
        group.len() == n && group.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'))
    };
    let groups = |text: &str, by: char, count: usize, n: usize| {
        text.split(by).count() == count && text.split(by).all(|group| base32(group, n))
    };
    let Face { threshold, total, index, .. } = *face;
    let texts =
        [face.organisation, Some(face.custodian), face.role, face.ceremony, face.envelope, face.contact];
    let checks = [
        ("quorum id", groups(face.quorum, '-', 4, 4)),
        ("verification code", groups(face.verification, '-', 2, 4)),
        ("threshold", (2..=total).contains(&threshold)),
        ("index", (1..=total).contains(&index)),
        ("codes", (1..=CODES_MAX).contains(&face.codes.len())),
        ("typed lines", face.lines.is_empty() || (3..=LINES_MAX).contains(&face.lines.len())),
        ("typed lines", face.lines.iter().all(|line| groups(line, ' ', 6, 5))),
        ("an empty text", texts.iter().flatten().all(|text| !text.trim().is_empty())),
    ];
    if let Some((field, _)) = checks.into_iter().find(|(_, good)| !good) {
        return Err(PageError::Value { field });
    }
    OffsetDateTime::parse(face.made, &Rfc3339).map_err(|_| PageError::Value { field: "made" })
}

#[cfg(test)]
mod tests;
