//! Why a log can't be read, and why records were not committed: public data only, the culprit named.

use super::operator::{SignError, Unauthorised};
use super::{RecordError, StateError};
use crate::share::QuorumId;
use crate::store::StoreError;
use crate::wire::time::Timestamp;

/// Why a log can't be read. Each names the file or the record that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no log at all.
    #[error("there is no escrow here: its log is missing")]
    NoEscrow,
    /// A commit is missing although later ones are there.
    #[error("log file {missing} is missing, and later ones are there: the log was cut or a file was lost")]
    Gap {
        /// The name of the missing file.
        missing: String,
    },
    /// A file that is no part of a log.
    #[error("{name} does not belong in the log")]
    Foreign {
        /// Its name.
        name: String,
    },
    /// A commit without a record, or whose last line isn't ended.
    #[error("log file {name} is cut short: its last line has no end")]
    Torn {
        /// Its name.
        name: String,
    },
    /// A line that isn't a record.
    #[error("log file {name}, line {line}: {error}")]
    Record {
        /// The file.
        name: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        error: RecordError,
    },
    /// A record that doesn't follow from the one before it.
    #[error(
        "log file {name}, line {line}: this record does not continue the log: something before it was changed, added or removed"
    )]
    Broken {
        /// The file.
        name: String,
        /// The line, from 1.
        line: usize,
    },
    /// A file that begins in the middle of a commit.
    #[error(
        "log file {name} begins in the middle of a commit, which begins with record {from}: a file of the log was cut apart"
    )]
    Cut {
        /// The file.
        name: String,
        /// Where the commit begins.
        from: u64,
    },
    /// The record of the quorum that names an operator is missing, or isn't the one that the log names.
    #[error(
        "log file {name}, line {line}: the record of quorum {quorum}, which names an operator here, is missing or altered"
    )]
    Quorum {
        /// The file.
        name: String,
        /// The line, from 1.
        line: usize,
        /// The quorum.
        quorum: QuorumId,
    },
    /// A record that contradicts what earlier ones say.
    #[error("log file {name}, line {line}: {error}")]
    State {
        /// The file.
        name: String,
        /// The line, from 1.
        line: usize,
        /// What it contradicts.
        error: StateError,
    },
}

/// Why records were not committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError<E: std::error::Error> {
    /// What the log says now doesn't allow them.
    #[error("{0}")]
    Refused(E),
    /// The log can't be read again.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store can't write, and what it holds says that nothing was committed.
    #[error("the log can't be written: {0}")]
    Store(StoreError),
    /// The store failed, and doesn't say either what it holds now.
    #[error(
        "the log could not be written ({0}), and can't be read back: whether these records are in it nobody knows yet"
    )]
    Unknown(StoreError),
    /// The records are there, but a power cut may take them away again.
    #[error("the log was written, but may not last: {0}")]
    Unsure(StoreError),
    /// The clock is before the last record.
    #[error("the clock says {now}, which is before the last record of the log ({last})")]
    Clock {
        /// What the clock says.
        now: Timestamp,
        /// The time of the last record.
        last: Timestamp,
    },
    /// Other writers were always first.
    #[error("other programs write to this escrow all the time: try again later")]
    Busy,
    /// The records contradict the log, or could not be read again: nothing was written.
    #[error("the log can't take these records: {0}")]
    Unfit(LogError),
    /// The operator's key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A reader would not count a record.
    #[error("{}", unauthorised(.0))]
    Unauthorised(Unauthorised),
    /// The records don't fit in one commit.
    #[error("one commit can't hold that much: commit fewer keys at once")]
    TooLong,
}

impl<E: std::error::Error> CommitError<E> {
    /// Whether it was the log that could not be written, which has an exit status of its own.
    #[must_use]
    pub const fn is_write(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Unknown(_) | Self::Unsure(_) | Self::Busy | Self::Clock { .. })
    }
}

/// Why a writer is refused, in words to the writer.
fn unauthorised(why: &Unauthorised) -> String {
    match why {
        Unauthorised::Unsigned => {
            "the records of this escrow are signed by its operators, and no key to sign with is named"
                .to_owned()
        }
        Unauthorised::Role { name, role } => {
            format!("{name} is an operator of this escrow, but no {role}, which this takes")
        }
        Unauthorised::Stranger { key } => format!("the key {key} is no operator's of this escrow"),
        Unauthorised::Revoked { key, name, by } => {
            format!("the key {key} of {name} was revoked or replaced by record {by}")
        }
        why => why.to_string(),
    }
}
