//! The backup sheet: everything but the cards that brings one key version back, as bytes for paper.
//!
//! In: what the log says of a key version ([`Facts`]), the record of its quorum, its backup. Out:
//! [`BackupSheet`], one canonical byte string with a digest over all of it, and back. Nothing in it
//! is secret, and nothing in it proves that the key is the right one: anybody who knows the quorum's
//! recipient can make such a sheet for another key. Whoever recovers from it compares the
//! fingerprint with a record that was kept elsewhere (`ceremony::salvage`).
//!
//! `codes` cuts the bytes into the texts of QR codes, `page` prints them. `docs/format.md`, Backup sheets.

mod codes;
mod facts;

pub use codes::{Gathered, SheetCodeError, SheetCollector, sheet_codes};
pub use facts::Facts;

use super::page::{BackupFace, PageError, Paper, backup_page};
use crate::age::{Header, LIMITS};
use crate::backup::Backup;
use crate::primitive::hash::sha256;
use crate::quorum::{QuorumRecord, RecordError};
use crate::wire::json::JsonError;
use crate::wire::{Reader, WireError, text};

/// The most bytes of a sheet: 240 codes of 490 bytes.
pub const LONGEST: usize = codes::MOST * codes::PART;
/// The most bytes of its facts.
const LONGEST_FACTS: usize = 4096;

const ARTEFACT: &str = "the backup sheet";
/// What the digest is of begins with this.
const DOMAIN: &[u8] = b"quorate/v1/sheet";
const VERSION: u8 = 1;
/// The kind of thing that the bytes are; 1 is a card's share.
const KIND: u8 = 2;
/// Version, kind and three lengths.
const HEAD: usize = 12;
const DIGEST: usize = 32;

/// A backup sheet, its digest and its quorum's record checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupSheet {
    facts: Facts,
    record: QuorumRecord,
    backup: Backup,
    bytes: Vec<u8>,
}

/// Why there is no backup sheet in some bytes, or none can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SheetError {
    /// Of a later version, or another thing altogether.
    #[error("the backup sheet is of another version of the format: use the program that is named on it")]
    Version,
    /// Cut short, or a length that no sheet has.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The digest isn't that of the rest.
    #[error("the backup sheet's codes do not fit together: one of them was altered or misread")]
    Digest,
    /// The facts aren't those of a key version.
    #[error(transparent)]
    Facts(#[from] JsonError),
    /// The record of the quorum isn't sound.
    #[error("the backup sheet: {0}")]
    Record(#[from] RecordError),
    /// What should be the backup is no age file.
    #[error("the backup sheet holds something that is no age file where the backup should be")]
    Backup,
    /// Codes are missing, more than can be rebuilt.
    #[error(
        "codes {} of {of} are missing from the backup sheet {name}: one alone could be rebuilt",
        listed(missing)
    )]
    Missing {
        /// The eight characters that all its codes share.
        name: String,
        /// The numbers of the missing codes.
        missing: Vec<u16>,
        /// How many codes it has.
        of: u16,
    },
    /// More than a sheet may have.
    #[error(
        "the backup and its quorum's record have {bytes} bytes, which is more than the {LONGEST} of a backup sheet"
    )]
    TooLong {
        /// How many bytes it would have.
        bytes: usize,
    },
}

/// `3, 4 and 17`, or the first of them.
fn listed(numbers: &[u16]) -> String {
    const SHOWN: usize = 8;
    let mut shown: Vec<String> = numbers.iter().take(SHOWN).map(u16::to_string).collect();
    match (numbers.len().checked_sub(SHOWN).filter(|more| *more > 0), shown.pop()) {
        (Some(more), Some(last)) => format!("{}, {last} and {more} more", shown.join(", ")),
        (None, Some(last)) if !shown.is_empty() => format!("{} and {last}", shown.join(", ")),
        (_, last) => last.unwrap_or_default(),
    }
}

impl BackupSheet {
    /// The sheet of a key version; `facts` are what the log says of `backup`.
    ///
    /// # Errors
    /// [`SheetError::TooLong`]; [`SheetError::Facts`] for a checkpoint of another form;
    /// [`SheetError::Backup`].
    pub fn new(facts: Facts, record: QuorumRecord, backup: Backup) -> Result<Self, SheetError> {
        let about = facts.bytes()?;
        check_backup(&backup)?;
        let parts = [about.as_slice(), record.bytes(), backup.bytes()];
        let length =
            parts.iter().fold(HEAD.saturating_add(DIGEST), |sum, part| sum.saturating_add(part.len()));
        let too_long = || SheetError::TooLong { bytes: length };
        if length > LONGEST || about.len() > LONGEST_FACTS {
            return Err(too_long());
        }
        let mut bytes = Vec::with_capacity(length);
        bytes.extend([VERSION, KIND]);
        bytes.extend(u16::try_from(about.len()).map_err(|_| too_long())?.to_be_bytes());
        for part in [record.bytes(), backup.bytes()] {
            bytes.extend(u32::try_from(part.len()).map_err(|_| too_long())?.to_be_bytes());
        }
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        bytes.extend(sha256(&[DOMAIN, &bytes]));
        Ok(Self { facts, record, backup, bytes })
    }

    /// Reads the bytes of a sheet and checks its digest, its record's signature and every field. That
    /// the facts are those of the key in the backup, only a recovery can tell.
    ///
    /// # Errors
    /// [`SheetError`].
    pub fn read(bytes: &[u8]) -> Result<Self, SheetError> {
        let mut reader = Reader::new(ARTEFACT, bytes);
        let lengths = Lengths::read(&mut reader)?;
        let facts = reader.take("facts", lengths.facts)?;
        let record = reader.take("quorum record", lengths.record)?;
        let backup = reader.take("backup", lengths.backup)?;
        let digest: [u8; DIGEST] = reader.array("digest")?;
        reader.finish()?;
        let covered = bytes.len().checked_sub(DIGEST).and_then(|end| bytes.get(..end)).unwrap_or_default();
        if sha256(&[DOMAIN, covered]) != digest {
            return Err(SheetError::Digest);
        }
        let backup = Backup::from_bytes(backup.to_vec());
        check_backup(&backup)?;
        let (facts, record) = (Facts::read(facts)?, QuorumRecord::read(record)?);
        Ok(Self { facts, record, backup, bytes: bytes.to_vec() })
    }

    /// As [`Self::read`], where the last code was filled up with fewer than `spare` zero bytes.
    pub(super) fn read_padded(bytes: &[u8], spare: usize) -> Result<Self, SheetError> {
        let lengths = Lengths::read(&mut Reader::new(ARTEFACT, bytes))?;
        let short = WireError::Short { artefact: ARTEFACT, field: "backup" };
        let (sheet, padding) = bytes.split_at_checked(lengths.whole()).ok_or(short)?;
        if padding.len() >= spare.max(1) || padding.iter().any(|byte| *byte != 0) {
            return Err(WireError::Trailing { artefact: ARTEFACT, extra: padding.len() }.into());
        }
        Self::read(sheet)
    }

    /// The canonical bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Eight characters that name the sheet, the same in all its codes: the start of its digest.
    #[must_use]
    pub fn name(&self) -> String {
        let digest = self.bytes.last_chunk::<DIGEST>().and_then(|digest| digest.first_chunk::<5>());
        text::base32(digest.map_or(&[][..], |first| first)).as_str().to_owned()
    }

    /// What the sheet says of its key.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The record of the quorum.
    #[must_use]
    pub const fn record(&self) -> &QuorumRecord {
        &self.record
    }

    /// The backup.
    #[must_use]
    pub const fn backup(&self) -> &Backup {
        &self.backup
    }

    /// The sheet as a PDF: what it is and how to use it, then its codes.
    ///
    /// # Errors
    /// [`PageError`].
    pub fn pdf(&self, paper: Paper) -> Result<Vec<u8>, PageError> {
        let (codes, facts, record) = (sheet_codes(self), &self.facts, &self.record);
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        let scheme = record.scheme();
        backup_page(
            &BackupFace {
                organisation: record.terms().organisation.as_deref(),
                name: facts.name.as_str(),
                version: facts.version.get(),
                kind: facts.kind.name(),
                fingerprint: &facts.fingerprint.to_string(),
                short: &facts.fingerprint.short(),
                spki: facts.spki.map(|digest| text::hex(&digest)).as_deref(),
                created: &facts.created.to_string(),
                quorum: &record.id().to_string(),
                generation: record.terms().generation,
                threshold: scheme.threshold(),
                total: scheme.count(),
                checkpoint: &facts.checkpoint,
                time: &facts.time.to_string(),
                sheet: &self.name(),
                bytes: self.bytes.len(),
                codes: &codes,
                program: super::PROGRAM,
            },
            paper,
        )
    }
}

/// How long the three parts of a sheet are.
struct Lengths {
    facts: usize,
    record: usize,
    backup: usize,
}

impl Lengths {
    fn read(reader: &mut Reader<'_>) -> Result<Self, SheetError> {
        if (reader.u8("version")?, reader.u8("kind")?) != (VERSION, KIND) {
            return Err(SheetError::Version);
        }
        let facts = usize::from(reader.u16("length of the facts")?);
        let mut long = |field| {
            let length = usize::try_from(u32::from_be_bytes(reader.array(field)?)).unwrap_or(usize::MAX);
            if length > LONGEST { Err(reader.refuse(field)) } else { Ok(length) }
        };
        let (record, backup) = (long("length of the record")?, long("length of the backup")?);
        if facts > LONGEST_FACTS {
            return Err(reader.refuse("length of the facts").into());
        }
        Ok(Self { facts, record, backup })
    }

    fn whole(&self) -> usize {
        [self.facts, self.record, self.backup, DIGEST]
            .iter()
            .fold(HEAD, |sum, part| sum.saturating_add(*part))
    }
}

fn check_backup(backup: &Backup) -> Result<(), SheetError> {
    Header::parse(backup.bytes(), &LIMITS).map(drop).map_err(|_| SheetError::Backup)
}

#[cfg(test)]
mod tests;
