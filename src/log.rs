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
mod countersign;
mod error;
pub mod export;
mod fold;
mod operator;
mod record;
pub mod ssh;
mod state;

pub use checkpoint::{Checkpoint, CheckpointError, Head};
pub use countersign::{LONGEST_QUORUM, quorum_file};
pub use error::{CommitError, LogError};
pub use operator::{Operator, Operators, Role, Sign, SignError, Unauthorised, Void, is_operator};
pub use record::{Entry, Op, Phase, Record, RecordError, SignedBy, is_actor};
pub use state::{
    Backed, CardChange, CardHistory, CardId, Certificate, CertificateEntry, Checked, CheckedCard, Closed,
    Deposit, Depth, FEWEST_WITNESSES, Fate, Founded, Imported, InToken, Intent, KeyEntry, KeyState,
    KeyVersion, LONGEST_REASON, MOST_WITNESSES, Medium, Occasion, OperatorChange, OperatorError, Packaged,
    Policy, PolicyEntry, Proof, QuorumEntry, Remains, Salvage, Salvaged, State, StateChange, StateError,
    are_witnesses, is_reason, one_of, policy,
};
pub use state::{Drill, DrillEntry, Drilled, FAILURES, Failed, LISTED, Scope, Times, Why, digest};
pub use state::{Held, Shred, ShredBy, ShredHow, Shredded};
pub use state::{ReportEntry, ReportOf, Reported, Retirement};

use crate::primitive::hash::sha256;
use crate::share::QuorumId;
use crate::store::{Store, StoreError};
use crate::wire::time::Timestamp;
use countersign::Quorums;
use fold::{Signed, Voids};
use ssh::SshFingerprint;

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

/// How many records that don't count are kept, to be named.
pub const VOID: usize = 1000;

/// A log, read and verified.
#[derive(Debug, Clone)]
pub struct Log {
    commits: u64,
    head: Head,
    time: Option<Timestamp>,
    state: State,
    quorums: Quorums,
    signed: Signed,
    void: Vec<Void>,
    voids: Voids,
    /// Whether it holds records that the store may not have, after a fault: it is read again first.
    stale: bool,
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
        let (head, state, quorums) = (Head::default(), State::default(), Quorums::default());
        let (signed, void, voids) = (Signed::default(), Vec::new(), Voids::default());
        Self { commits: 0, head, time: None, state, quorums, signed, void, voids, stale: false }
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
        Self::walk_judged(store, |record, _| see(record))
    }

    /// As [`Self::walk`], with the reason when a record doesn't count.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn walk_judged(
        store: &dyn Store,
        mut see: impl FnMut(&Record, Option<&Unauthorised>),
    ) -> Result<Self, LogError> {
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
            self.read_next(store, &mut |_, _| ())?;
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

    /// The first of the records that don't count and that nobody has acknowledged, at most [`VOID`], with why not.
    #[must_use]
    pub fn void(&self) -> &[Void] {
        &self.void
    }

    /// How many records don't count.
    #[must_use]
    pub const fn voids(&self) -> u64 {
        self.voids.all
    }

    /// The number of the last record that doesn't count.
    #[must_use]
    pub const fn last_void(&self) -> Option<u64> {
        self.voids.last
    }

    /// SHA-256 over the records that don't count, for who acknowledges them.
    #[must_use]
    pub const fn void_digest(&self) -> [u8; 32] {
        self.voids.digest
    }

    /// The last record that the escrow's quorum signed, and so everything before it; when; what was done.
    #[must_use]
    pub const fn signed_upto(&self) -> Option<(u64, Timestamp, Op)> {
        self.signed.upto
    }

    /// The founding whose signature isn't its quorum's.
    #[must_use]
    pub const fn forged(&self) -> Option<u64> {
        self.signed.forged
    }

    /// A quorum whose record is not to be had: nobody can tell whether it signed what it seems to.
    #[must_use]
    pub const fn unread(&self) -> Option<QuorumId> {
        self.signed.unread
    }

    /// How many records don't count and were not acknowledged by a founder.
    #[must_use]
    pub const fn unacknowledged(&self) -> u64 {
        self.voids.since
    }

    /// Whether the log in `store` holds, unchanged, everything up to `earlier`. Reads it again, since
    /// the hashes of a long log are not kept.
    ///
    /// # Errors
    /// [`LogError`]; inside, [`CheckpointError`]: the log ends before it, or has another record there.
    pub fn holds(store: &dyn Store, earlier: &Checkpoint) -> Result<Result<(), CheckpointError>, LogError> {
        let mut search = checkpoint::Search::new(earlier);
        let last = last_commit(store)?;
        for number in 1..=last {
            let name = Self::file(number);
            let bytes =
                store.read(&name, LONGEST_COMMIT)?.ok_or_else(|| LogError::Gap { missing: name.clone() })?;
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                search.next(&line_hash(line));
            }
        }
        Ok(search.result())
    }

    /// As [`Self::commit_signed`] without a signer, for a log without operators.
    ///
    /// # Errors
    /// [`CommitError`]; then no record was committed, but for [`CommitError::Unsure`], and perhaps for
    /// [`CommitError::Unknown`].
    pub fn commit<E: std::error::Error>(
        &mut self,
        store: &dyn Store,
        now: Timestamp,
        propose: impl FnMut(&State, &Next) -> Result<Vec<Entry>, E>,
    ) -> Result<Checkpoint, CommitError<E>> {
        self.commit_signed(store, now, Signing::default(), propose)
    }

    /// Commits what `propose` makes of the state and the place that its records will have, in one
    /// file, after everything that a reader will check was checked. When another writer is first,
    /// `propose` is asked again with the state that it left. When the store fails, the log is read
    /// back: a commit whose reply was lost is done.
    ///
    /// # Errors
    /// [`CommitError`]; then no record was committed, but for [`CommitError::Unsure`].
    pub fn commit_signed<E: std::error::Error>(
        &mut self,
        store: &dyn Store,
        now: Timestamp,
        signing: Signing<'_>,
        mut propose: impl FnMut(&State, &Next) -> Result<Vec<Entry>, E>,
    ) -> Result<Checkpoint, CommitError<E>> {
        if self.commits == 0 {
            // A log that lost its beginning must not be given another one.
            last_commit(store)?;
        }
        if self.stale {
            self.read_again(store)?;
        }
        for _ in 0..TRIES {
            let next = Next {
                head: self.head,
                time: if signing.sets_clock { now } else { self.next_time(now)? },
                signer: signing.by.map(|signer| signer.key().fingerprint()),
            };
            let entries = propose(&self.state, &next).map_err(CommitError::Refused)?;
            let bytes = lines(&next, entries, signing.by)?.ok_or(CommitError::TooLong)?;
            if bytes.is_empty() {
                return Ok(self.checkpoint());
            }
            let name = Self::file(self.commits.saturating_add(1));
            let voids = self.voids.all;
            // One record that can't be read back would end the log for everybody. The state is folded
            // in place, since a copy of it for each commit would cost more than the commit.
            if let Err(unfit) = self.take(store, &name, &bytes, &mut |_, _| ()) {
                self.read_again(store)?;
                return Err(match unfit {
                    LogError::Store(error) => CommitError::Store(error),
                    unfit => CommitError::Unfit(unfit),
                });
            }
            if self.voids.all > voids {
                let why = self.voids.why.clone().unwrap_or(Unauthorised::Unsigned);
                if !(signing.even_void && why == Unauthorised::Unsigned) {
                    self.read_again(store)?;
                    return Err(match why {
                        Unauthorised::Unfit(error) => {
                            CommitError::Unfit(LogError::State { name, line: 1, error: *error })
                        }
                        why => CommitError::Unauthorised(why),
                    });
                }
            }
            let own = self.checkpoint();
            let error = match store.create(&name, &bytes) {
                Ok(()) => return Ok(own),
                Err(StoreError::Exists { .. }) => {
                    self.read_again(store)?;
                    continue;
                }
                Err(error) => error,
            };
            let mut there = store.read(&name, LONGEST_COMMIT);
            let is_ours = |there: &Result<Option<Vec<u8>>, StoreError>| matches!(there, Ok(Some(there)) if *there == bytes);
            if !is_ours(&there) {
                // The first error is the one to tell; when the log can't be read now, it is next time.
                self.stale = true;
                if self.read_again(store).is_ok() && there.is_err() {
                    there = store.read(&name, LONGEST_COMMIT);
                }
            }
            return match (is_ours(&there), there, error) {
                (true, _, error @ StoreError::Unsynced { .. }) => Err(CommitError::Unsure(error)),
                (true, ..) => Ok(own),
                (_, Ok(_), error) => Err(CommitError::Store(error)),
                (_, Err(_), error) => Err(CommitError::Unknown(error)),
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

    fn read_next(
        &mut self,
        store: &dyn Store,
        see: &mut impl FnMut(&Record, Option<&Unauthorised>),
    ) -> Result<(), LogError> {
        let name = Self::file(self.commits.saturating_add(1));
        let bytes =
            store.read(&name, LONGEST_COMMIT)?.ok_or_else(|| LogError::Gap { missing: name.clone() })?;
        self.take(store, &name, &bytes, see)
    }
}

/// The place that the next record has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// The place of the record before it.
    pub head: Head,
    /// Its time.
    pub time: Timestamp,
    /// The key that will sign it.
    pub signer: Option<SshFingerprint>,
}

impl Next {
    /// The record that says `entry` there, without the signature of its operator.
    #[must_use]
    pub fn record(&self, entry: Entry) -> Record {
        let mut record = Record::after(self.head, self.time, entry);
        record.signed_by = self.signer.map(|key| SignedBy { key, from: None, signature: None });
        record
    }
}

/// How records are signed.
#[derive(Clone, Copy, Default)]
pub struct Signing<'a> {
    /// Whose key signs.
    pub by: Option<&'a dyn Sign>,
    /// Whether records are written without a key too, though nobody will count them: for a recovery
    /// when the operators' keys are lost.
    pub even_void: bool,
    /// Whether the records may be of an earlier time than the last one: for one that sets the clock back.
    pub sets_clock: bool,
}

impl std::fmt::Debug for Signing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signing")
            .field("by", &self.by.map(Sign::key))
            .field("even_void", &self.even_void)
            .field("sets_clock", &self.sets_clock)
            .finish()
    }
}

/// The lines of `entries`, the last one signed; `None` when they are too long.
fn lines(next: &Next, entries: Vec<Entry>, signer: Option<&dyn Sign>) -> Result<Option<Vec<u8>>, SignError> {
    let (mut next, mut bytes, mut left) = (*next, Vec::new(), entries.len());
    let begins = next.head.seq.saturating_add(1);
    for entry in entries {
        let mut record = next.record(entry);
        left = left.saturating_sub(1);
        if let (0, Some(signer), Some(signed)) = (left, signer, &record.signed_by) {
            let from = (begins < record.seq).then_some(begins);
            let mut by = SignedBy { key: signed.key, from, signature: None };
            record.signed_by = Some(by.clone());
            by.signature = Some(signer.sign(&record.operator_message())?);
            record.signed_by = Some(by);
        }
        let line = record.line();
        next.head = Head { seq: record.seq, hash: line_hash(&line) };
        bytes.extend_from_slice(&line);
        if line.len() > LONGEST_LINE || !fits(bytes.len()) {
            return Ok(None);
        }
    }
    Ok(Some(bytes))
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
            // A listing is no moment: it may have a name that came while it was made, and lack an earlier one.
            Some(found) if found > next => {
                for number in next..found {
                    let missing = Log::file(number);
                    if store.read(&missing, LONGEST_COMMIT)?.is_none() {
                        return Err(LogError::Gap { missing });
                    }
                }
                last = found;
            }
            _ => return Err(LogError::Foreign { name: format!("{FOLDER}/{name}") }),
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests;
