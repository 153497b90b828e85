//! Places in the log: [`Head`], which the next record continues, and [`Checkpoint`], which fits on
//! paper: whoever keeps an old one can prove a later rollback.

use crate::wire::text;
use core::fmt;

/// How many bytes of the hash are printed: whoever writes the log can't prepare two that share them
/// with less than 2^80 tries.
const PRINTED: usize = 20;

/// The number of a record and the SHA-256 of its line; 0 and zeros before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    pub(super) seq: u64,
    pub(super) hash: [u8; 32],
}

impl Head {
    /// The form that is printed.
    #[must_use]
    pub const fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new(self.seq, self.hash)
    }
}

/// The number of a record and the start of the SHA-256 of its line.
///
/// Printed as `12:` and eight groups of four base32 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    seq: u64,
    hash: [u8; PRINTED],
}

/// What a checkpoint says of a log that it doesn't fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The log is shorter: records were cut, or this is an old copy.
    #[error(
        "the log ends at record {last}, but had a record {seq} when the checkpoint was printed: this is an old copy, or it was rolled back"
    )]
    RolledBack {
        /// The checkpoint's record.
        seq: u64,
        /// The log's last record.
        last: u64,
    },
    /// The log has another record there.
    #[error(
        "record {seq} is not the one that the checkpoint names: the log was rewritten, or the checkpoint is of another escrow"
    )]
    Rewritten {
        /// The checkpoint's record.
        seq: u64,
    },
    /// The hash is that of another record: the number was copied wrong.
    #[error("the checkpoint's hash is that of record {found}, not of record {seq}: look at its number again")]
    OtherNumber {
        /// The checkpoint's number.
        seq: u64,
        /// The record that has the hash.
        found: u64,
    },
}

impl Checkpoint {
    pub(super) const fn new(seq: u64, hash: [u8; 32]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, ..] = hash;
        Self { seq, hash: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t] }
    }

    /// The number of the record, from 1.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The printed hash: eight groups of four base32 characters.
    #[must_use]
    pub fn hash(&self) -> String {
        text::grouped(&text::base32(&self.hash))
    }

    /// Reads the printed form, as people type it: any case, with or without hyphens.
    #[must_use]
    pub fn parse(printed: &str) -> Option<Self> {
        let (seq, hash) = printed.trim().split_once(':')?;
        let hash: String = hash.chars().filter(char::is_ascii_alphanumeric).collect();
        let hash = text::from_base32(&hash.to_ascii_uppercase())?.as_slice().try_into().ok()?;
        Some(Self { seq: seq.trim().parse().ok()?, hash })
    }
}

/// Looks for a checkpoint in a log, one line after the other.
#[derive(Debug)]
pub(super) struct Search<'a> {
    wanted: &'a Checkpoint,
    last: u64,
    is_there: bool,
    elsewhere: Option<u64>,
}

impl<'a> Search<'a> {
    pub(super) const fn new(wanted: &'a Checkpoint) -> Self {
        Self { wanted, last: 0, is_there: false, elsewhere: None }
    }

    /// Looks at the hash of the next line.
    pub(super) fn next(&mut self, hash: &[u8; 32]) {
        self.last = self.last.saturating_add(1);
        if hash.starts_with(&self.wanted.hash) {
            if self.last == self.wanted.seq {
                self.is_there = true;
            } else {
                self.elsewhere = Some(self.last);
            }
        }
    }

    pub(super) fn result(&self) -> Result<(), CheckpointError> {
        let (seq, last) = (self.wanted.seq, self.last);
        match self.elsewhere {
            _ if self.is_there || (seq == 0 && self.wanted.hash == [0; PRINTED]) => Ok(()),
            // Also when the hash is there: a log that was cut is the worse of both.
            _ if seq > last => Err(CheckpointError::RolledBack { seq, last }),
            Some(found) => Err(CheckpointError::OtherNumber { seq, found }),
            None => Err(CheckpointError::Rewritten { seq }),
        }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash())
    }
}
