//! The log of an escrow: what was done, by whom, in which order, and what is there because of it.
//!
//! A log is a chain of records, one canonical JSON line each, that name the SHA-256 of the line
//! before them. Lines come in commits, one immutable file each, numbered from 1: creating the file
//! is the atomic moment, and of two writers at once the second is refused and tries again on what
//! the first wrote. [`State`] is the fold of the records; nothing else in the escrow can disagree
//! with it. `docs/format.md`, Log.
//!
//! In: a [`Store`] and records without place. Out: the chain, verified from its first byte, the
//! state, and [`Checkpoint`]s. No secret, passphrase or hash of a guessable value ever enters.

mod checkpoint;
mod record;
pub mod ssh;
mod state;

pub use checkpoint::{Checkpoint, CheckpointError, Head};
pub use record::{Entry, Op, Phase, Record, RecordError, is_actor};
pub use state::{
    Backed, CardHistory, Checked, CheckedCard, Closed, Deposit, Depth, Founded, Imported, InToken, Intent,
    KeyEntry, KeyVersion, Medium, Occasion, Packaged, Proof, QuorumEntry, Salvage, Salvaged, State,
    StateError,
};
pub use state::{Drill, DrillEntry, Drilled, FAILURES, Failed, LISTED, Scope, Times, Why, digest};
pub use state::{ReportEntry, ReportOf, Reported};

use crate::primitive::hash::sha256;
use crate::store::{Store, StoreError};
use crate::wire::time::Timestamp;

/// The folder of the log in an escrow.
pub const FOLDER: &str = "log";
/// The longest line in bytes, its line end included.
pub const LONGEST_LINE: usize = 64 * 1024;
/// The longest commit in bytes.
pub const LONGEST_COMMIT: u64 = 64 * 1024 * 1024;
/// How often a commit is tried again on what other writers committed first.
const TRIES: usize = 64;
/// How many seconds a clock may be behind the last record. Two machines' clocks differ, and another
/// writer may have been first while this one was trying: such a record bears the last one's time.
const SKEW: u64 = 300;

/// A log, read and verified.
#[derive(Debug, Clone)]
pub struct Log {
    commits: u64,
    head: Head,
    time: Option<Timestamp>,
    state: State,
    tell: Vec<(u64, [u8; 32])>,
    /// Whether it holds records that the store may not have, after a fault: it is read again first.
    stale: bool,
}

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
    /// The records don't fit in one commit.
    #[error("one commit can't hold that much: commit fewer keys at once")]
    TooLong,
}

impl<E: std::error::Error> CommitError<E> {
    /// Whether it was the log that could not be written, which has an exit status of its own.
    #[must_use]
    pub const fn is_write(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Unsure(_) | Self::Busy | Self::Clock { .. })
    }
}

impl Log {
    /// The name of commit `number`.
    #[must_use]
    pub fn file(number: u64) -> String {
        format!("{FOLDER}/{number:012}.jsonl")
    }

    /// A log without a record, for a new escrow.
    #[must_use]
    pub fn empty() -> Self {
        let (head, state) = (Head::default(), State::default());
        Self { commits: 0, head, time: None, state, tell: Vec::new(), stale: false }
    }

    /// Reads and verifies the whole log of an escrow.
    ///
    /// # Errors
    /// [`LogError`], which names what is wrong.
    pub fn open(store: &dyn Store) -> Result<Self, LogError> {
        Self::walk(store, |_| ())
    }

    /// As [`Self::open`], showing each record to `see`.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn walk(store: &dyn Store, mut see: impl FnMut(&Record)) -> Result<Self, LogError> {
        let last = last_commit(store)?;
        if last == 0 {
            return Err(LogError::NoEscrow);
        }
        let mut log = Self::empty();
        while log.commits < last {
            log.read_next(store, &mut see)?;
        }
        Ok(log)
    }

    /// Reads what others committed since.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn catch_up(&mut self, store: &dyn Store) -> Result<(), LogError> {
        while store.read(&Self::file(self.commits.saturating_add(1)), LONGEST_COMMIT)?.is_some() {
            self.read_next(store, &mut |_| ())?;
        }
        Ok(())
    }

    /// What the records add up to.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The place of the last record.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// The place of the last record, as it is printed.
    #[must_use]
    pub const fn checkpoint(&self) -> Checkpoint {
        self.head.checkpoint()
    }

    /// How many commits there are.
    #[must_use]
    pub const fn commits(&self) -> u64 {
        self.commits
    }

    /// The time of the last record.
    #[must_use]
    pub const fn last_time(&self) -> Option<Timestamp> {
        self.time
    }

    /// Whether this log holds, unchanged, everything up to `earlier`.
    ///
    /// # Errors
    /// [`CheckpointError`]: the log ends before it, or has another record there.
    pub fn holds(&self, earlier: &Checkpoint) -> Result<(), CheckpointError> {
        earlier.compare(
            self.head.seq,
            self.tell.iter().find(|(seq, _)| *seq == earlier.seq()).map(|(_, hash)| hash),
        )
    }

    /// Commits what `propose` makes of the state and the head that its records will follow, in one
    /// file, after everything that a reader will check was checked. When another writer is first,
    /// `propose` is asked again with the state that it left. When the store fails, the log is read
    /// back: a commit whose reply was lost is done.
    ///
    /// # Errors
    /// [`CommitError`]; then no record was committed, but for [`CommitError::Unsure`].
    pub fn commit<E: std::error::Error>(
        &mut self,
        store: &dyn Store,
        now: Timestamp,
        mut propose: impl FnMut(&State, Head) -> Result<Vec<Entry>, E>,
    ) -> Result<Checkpoint, CommitError<E>> {
        if self.commits == 0 {
            // A log that lost its beginning must not be given another one.
            last_commit(store)?;
        }
        if self.stale {
            self.read_again(store)?;
        }
        for _ in 0..TRIES {
            let time = self.next_time(now)?;
            let entries = propose(&self.state, self.head).map_err(CommitError::Refused)?;
            let bytes = self.lines(time, entries).ok_or(CommitError::TooLong)?;
            if bytes.is_empty() {
                return Ok(self.checkpoint());
            }
            let name = Self::file(self.commits.saturating_add(1));
            // One record that can't be read back would end the log for everybody. The state is folded
            // in place, since a copy of it for each commit would cost more than the commit.
            if let Err(unfit) = self.take(&name, &bytes, &mut |_| ()) {
                self.read_again(store)?;
                return Err(CommitError::Unfit(unfit));
            }
            let error = match store.create(&name, &bytes) {
                Ok(()) => return Ok(self.checkpoint()),
                Err(StoreError::Exists { .. }) => {
                    self.read_again(store)?;
                    continue;
                }
                Err(error) => error,
            };
            let there = store.read(&name, LONGEST_COMMIT).ok().flatten();
            if there.as_ref() != Some(&bytes) {
                // The first error is the one to tell; when the log can't be read now, it is next time.
                self.stale = true;
                let _ = self.read_again(store);
                return Err(CommitError::Store(error));
            }
            return match error {
                StoreError::Unsynced { .. } => Err(CommitError::Unsure(error)),
                _ => Ok(self.checkpoint()),
            };
        }
        Err(CommitError::Busy)
    }

    /// Forgets what was folded and reads what the store has.
    fn read_again(&mut self, store: &dyn Store) -> Result<(), LogError> {
        let read = Self::open(store);
        // Nothing is known until it is read.
        *self = Self { stale: true, ..Self::empty() };
        *self = match read {
            Err(LogError::NoEscrow) => Self::empty(),
            log => log?,
        };
        Ok(())
    }

    /// The time of a record that is written `now`.
    fn next_time<E: std::error::Error>(&self, now: Timestamp) -> Result<Timestamp, CommitError<E>> {
        match self.time {
            Some(last) if last.since(now) > SKEW => Err(CommitError::Clock { now, last }),
            last => Ok(last.map_or(now, |last| last.max(now))),
        }
    }

    /// The lines of `entries` behind the head; `None` when they are too long.
    fn lines(&self, time: Timestamp, entries: Vec<Entry>) -> Option<Vec<u8>> {
        let mut head = self.head;
        let mut bytes = Vec::new();
        for entry in entries {
            let record = Record::after(head, time, entry);
            let line = record.line();
            head = Head { seq: record.seq, hash: line_hash(&line) };
            bytes.extend_from_slice(&line);
            if line.len() > LONGEST_LINE || !fits(bytes.len()) {
                return None;
            }
        }
        Some(bytes)
    }

    fn read_next(&mut self, store: &dyn Store, see: &mut impl FnMut(&Record)) -> Result<(), LogError> {
        let name = Self::file(self.commits.saturating_add(1));
        let bytes =
            store.read(&name, LONGEST_COMMIT)?.ok_or_else(|| LogError::Gap { missing: name.clone() })?;
        self.take(&name, &bytes, see)
    }

    /// Verifies and folds the `bytes` of the next commit. After an error this log is of no use.
    fn take(&mut self, name: &str, bytes: &[u8], see: &mut impl FnMut(&Record)) -> Result<(), LogError> {
        let name = name.to_owned();
        if bytes.last() != Some(&b'\n') {
            return Err(LogError::Torn { name });
        }
        for (place, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let at = place.saturating_add(1);
            let record = Record::read(line).map_err(|error| LogError::Record {
                name: name.clone(),
                line: at,
                error,
            })?;
            let follows = record.seq == self.head.seq.saturating_add(1)
                && record.prev == self.head.hash
                && self.time.is_none_or(|last| last <= record.time);
            if !follows {
                return Err(LogError::Broken { name, line: at });
            }
            let state = self.state.apply(&record);
            state.map_err(|error| LogError::State { name: name.clone(), line: at, error })?;
            self.head = Head { seq: record.seq, hash: line_hash(line) };
            self.time = Some(record.time);
            self.tell.push((record.seq, self.head.hash));
            see(&record);
        }
        self.commits = self.commits.saturating_add(1);
        Ok(())
    }
}

/// Whether one commit can have `length` bytes.
fn fits(length: usize) -> bool {
    u64::try_from(length).is_ok_and(|length| length <= LONGEST_COMMIT)
}

/// SHA-256 of a line, its line end included: what the next record names.
fn line_hash(line: &[u8]) -> [u8; 32] {
    sha256(&[line])
}

/// The number of the last commit; every one before it must be there.
fn last_commit(store: &dyn Store) -> Result<u64, LogError> {
    let mut last = 0_u64;
    for name in store.list(FOLDER)? {
        if name.starts_with('.') {
            // A temporary file of a writer that is at work or was killed.
            continue;
        }
        let number = name
            .strip_suffix(".jsonl")
            .filter(|digits| digits.len() == 12 && digits.bytes().all(|digit| digit.is_ascii_digit()))
            .and_then(|digits| digits.parse::<u64>().ok());
        let next = last.saturating_add(1);
        match number {
            Some(found) if found == next => last = next,
            Some(found) if found > next => return Err(LogError::Gap { missing: Log::file(next) }),
            _ => return Err(LogError::Foreign { name: format!("{FOLDER}/{name}") }),
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests;
