//! The texts of a backup sheet's QR codes, and sheets from texts.
//!
//! The bytes are cut in equal parts, the last filled up with zeros: `QUORATE/1/B3OF13/`, eight
//! characters that name the sheet, `/`, the base32 of the part. The last code is a spare, the
//! exclusive or of all others, so any one code may be lost or damaged. A card's codes begin otherwise
//! and neither reader takes the other's for its own.

use super::{BackupSheet, SheetError};
use crate::card::codes::{LONGEST as LONGEST_TEXT, foreign};
use crate::card::{CodeError, PREFIX};
use crate::wire::text;
use std::collections::BTreeMap;

/// The most codes with data.
pub(super) const MOST: usize = 240;
/// The most bytes in one: 813 characters at most, level M at 0.8 mm a module and 78 mm a side.
pub(super) const PART: usize = 490;
/// The most sheets that are read at once.
const SHEETS: usize = 64;

/// The texts of the codes that show `sheet`: two or more, the last of them the spare.
#[must_use]
pub fn sheet_codes(sheet: &BackupSheet) -> Vec<String> {
    let bytes = sheet.bytes();
    let count = bytes.len().div_ceil(PART).max(1);
    let length = bytes.len().div_ceil(count);
    let mut spare = vec![0; length];
    let mut parts: Vec<Vec<u8>> = bytes.chunks(length.max(1)).map(<[u8]>::to_vec).collect();
    for part in &mut parts {
        part.resize(length, 0);
        add(&mut spare, part);
    }
    parts.push(spare);
    let (of, name) = (parts.len(), sheet.name());
    let code = |(number, part): (usize, &Vec<u8>)| {
        format!("{PREFIX}B{number}OF{of}/{name}/{}", text::base32(part).as_str())
    };
    (1..).zip(&parts).map(code).collect()
}

/// Exclusive or, byte by byte.
fn add(to: &mut [u8], part: &[u8]) {
    to.iter_mut().zip(part).for_each(|(to, byte)| *to ^= byte);
}

/// Why the text of a code is no part of a backup sheet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SheetCodeError {
    /// A card.
    #[error("this is the code of a card (for --card), not of a backup sheet")]
    Card,
    /// Something else, another version, or a damaged text.
    #[error("{}", of_a_sheet(.0))]
    Code(CodeError),
    /// A code that is there twice, differently.
    #[error(
        "code {number} of the backup sheet {name} is there twice, and not the same: one was altered or misread"
    )]
    Differs {
        /// The eight characters that all its codes share.
        name: String,
        /// The number of the code.
        number: u16,
    },
    /// Codes of more sheets than are read at once.
    #[error("these are codes of more than {SHEETS} backup sheets: give fewer at once")]
    TooMany,
}

fn of_a_sheet(error: &CodeError) -> String {
    match error {
        CodeError::Foreign { what } => format!("this code is not of a backup sheet: it holds {what}"),
        CodeError::Version => {
            "this code is of another version of the format: use the program that is named on the sheet"
                .to_owned()
        }
        _ => "this code begins like one of a backup sheet, but the rest of it is damaged".to_owned(),
    }
}

/// A sheet that came together.
#[derive(Debug)]
pub struct Gathered {
    /// The sheet.
    pub sheet: BackupSheet,
    /// A code that was missing and was rebuilt from the others.
    pub rebuilt: Option<u16>,
    /// A code that contradicts all others: it was set aside and rebuilt.
    pub altered: Option<u16>,
}

type Parts = BTreeMap<u16, Vec<u8>>;

/// Takes the texts of codes in any order, of any number of sheets.
#[derive(Debug, Default)]
pub struct SheetCollector {
    sheets: BTreeMap<(String, u16), Parts>,
}

impl SheetCollector {
    /// Nothing taken yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether no code was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sheets.is_empty()
    }

    /// Takes the text of one code; the same code again changes nothing.
    ///
    /// # Errors
    /// [`SheetCodeError`]; what was taken before stays.
    pub fn offer(&mut self, code: &str) -> Result<(), SheetCodeError> {
        let code = code.trim();
        if code.len() > LONGEST_TEXT {
            let what = "more text than any backup sheet has in one code";
            return Err(SheetCodeError::Code(CodeError::Foreign { what }));
        }
        let upper = code.to_ascii_uppercase();
        let Some(payload) = upper.strip_prefix(PREFIX) else {
            return Err(SheetCodeError::Code(foreign(code, &upper)));
        };
        if !payload.contains('/') || payload.starts_with('P') {
            return Err(SheetCodeError::Card);
        }
        let (number, key, part) = parse(payload).ok_or(SheetCodeError::Code(CodeError::Damaged))?;
        if self.sheets.len() >= SHEETS && !self.sheets.contains_key(&key) {
            return Err(SheetCodeError::TooMany);
        }
        let name = key.0.clone();
        let parts = self.sheets.entry(key).or_default();
        let differs = || SheetCodeError::Differs { name, number };
        if parts.values().next().is_some_and(|other| other.len() != part.len()) {
            return Err(SheetCodeError::Code(CodeError::Damaged));
        }
        if *parts.entry(number).or_insert_with(|| part.clone()) == part { Ok(()) } else { Err(differs()) }
    }

    /// How many codes of how many are here, by the name of their sheet.
    pub fn progress(&self) -> impl Iterator<Item = (&str, usize, u16)> {
        self.sheets.iter().map(|((name, of), parts)| (name.as_str(), parts.len(), *of))
    }

    /// Puts the sheets together. A code that is missing, or one that contradicts the rest, is rebuilt.
    ///
    /// # Errors
    /// For each sheet [`SheetError`].
    #[must_use]
    pub fn finish(self) -> Vec<Result<Gathered, SheetError>> {
        self.sheets.into_iter().map(|((name, of), parts)| gather(name, of, parts)).collect()
    }
}

/// Number, sheet and bytes of `B3OF13/NAME/…`, in the one spelling.
fn parse(payload: &str) -> Option<(u16, (String, u16), Vec<u8>)> {
    let mut fields = payload.split('/');
    let (place, name, part) = (fields.next()?, fields.next()?, fields.next()?);
    let (number, of) = place.strip_prefix('B')?.split_once("OF")?;
    let count = |text: &str| -> Option<u16> {
        let number: u16 = text.parse().ok()?;
        (number.to_string() == text).then_some(number)
    };
    let (number, of) = (count(number)?, count(of)?);
    let most = u16::try_from(MOST).unwrap_or(u16::MAX).saturating_add(1);
    let base32 = |c: u8| matches!(c, b'A'..=b'Z' | b'2'..=b'7');
    let sound = fields.next().is_none()
        && (2..=most).contains(&of)
        && (1..=of).contains(&number)
        && name.len() == 8
        && name.bytes().all(base32);
    let bytes = text::from_base32(part).filter(|bytes| sound && (1..=PART).contains(&bytes.len()))?;
    Some((number, (name.to_owned(), of), bytes.to_vec()))
}

fn gather(name: String, of: u16, parts: Parts) -> Result<Gathered, SheetError> {
    let missing: Vec<u16> = (1..=of).filter(|number| !parts.contains_key(number)).collect();
    match missing.as_slice() {
        [] => {
            let mut sum = vec![0; parts.values().next().map_or(0, Vec::len)];
            parts.values().for_each(|part| add(&mut sum, part));
            if sum.iter().all(|byte| *byte == 0) {
                let sheet = joined(&name, of, &parts, None)?;
                return Ok(Gathered { sheet, rebuilt: None, altered: None });
            }
            // Which code is wrong? The one without which the rest is a sheet.
            let one = |number| Some((number, joined(&name, of, &parts, Some(number)).ok()?));
            let (number, sheet) = (1..=of).rev().find_map(one).ok_or(SheetError::Digest)?;
            Ok(Gathered { sheet, rebuilt: None, altered: Some(number) })
        }
        [one] => {
            let sheet = joined(&name, of, &parts, Some(*one))?;
            Ok(Gathered { sheet, rebuilt: Some(*one), altered: None })
        }
        _ => Err(SheetError::Missing { name, missing, of }),
    }
}

/// The sheet of `parts`, of which `without` is calculated from the others.
fn joined(name: &str, of: u16, parts: &Parts, without: Option<u16>) -> Result<BackupSheet, SheetError> {
    let length = parts.values().next().map_or(0, Vec::len);
    let mut rebuilt = vec![0; length];
    parts
        .iter()
        .filter(|(number, _)| Some(**number) != without)
        .for_each(|(_, part)| add(&mut rebuilt, part));
    let data = usize::from(of).saturating_sub(1);
    let mut bytes = Vec::with_capacity(length.saturating_mul(data));
    for number in 1..of {
        let part = if Some(number) == without { Some(&rebuilt) } else { parts.get(&number) };
        bytes.extend_from_slice(part.map_or(&[][..], Vec::as_slice));
    }
    let sheet = BackupSheet::read_padded(&bytes, data)?;
    if sheet.name() == name { Ok(sheet) } else { Err(SheetError::Digest) }
}
