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

    pub(super) fn compare(&self, last: u64, there: Option<&[u8; 32]>) -> Result<(), CheckpointError> {
        match there {
            Some(hash) if hash.starts_with(&self.hash) => Ok(()),
            None if self.seq > last => Err(CheckpointError::RolledBack { seq: self.seq, last }),
            None if self.seq == 0 && self.hash == [0; PRINTED] => Ok(()),
            _ => Err(CheckpointError::Rewritten { seq: self.seq }),
        }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash())
    }
}
