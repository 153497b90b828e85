//! One commit after the other: its lines verified, and each record folded, or passed over with the reason.
//!
//! In: the bytes of the next commit. Out: a longer chain, and a state that either took a record whole or not at
//! all. Where a file begins and ends nobody signs, and the hashes don't tell: so what a signature covers goes
//! by the numbers of records, and a commit that was cut into two files is refused. Every way to lay the same
//! records into files that is taken means the same.

use super::countersign::Verdict;
use super::operator::{Operators, Signature};
use super::record::OPERATOR_SIGNATURE;
use super::state::About;
use super::{
    Entry, Head, Log, LogError, Op, OperatorChange, Phase, Record, StateError, Store, StoreError,
    Unauthorised, VOID, Void, line_hash,
};
use crate::primitive::hash::sha256;
use crate::share::QuorumId;

impl Log {
    /// Verifies and folds the `bytes` of the next commit. After an error this log is of no use.
    pub(super) fn take(
        &mut self,
        store: &dyn Store,
        name: &str,
        bytes: &[u8],
        see: &mut impl FnMut(&Record, Option<&Unauthorised>),
    ) -> Result<(), LogError> {
        let name = name.to_owned();
        if bytes.last() != Some(&b'\n') {
            return Err(LogError::Torn { name });
        }
        let begins = self.head.seq.saturating_add(1);
        // The next signature stands for the records before it that have none of their own.
        let mut cover = Cover::default();
        for (place, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let at = place.saturating_add(1);
            let record = Record::read(line).map_err(|error| LogError::Record {
                name: name.clone(),
                line: at,
                error,
            })?;
            let follows = record.seq == self.head.seq.saturating_add(1) && record.prev == self.head.hash;
            if !follows {
                return Err(LogError::Broken { name, line: at });
            }
            let is_bare = record.signed_by.as_ref().is_some_and(|signed| signed.signature.is_none());
            let signature = is_bare.then(|| cover.of(bytes, place, &self.state.operators)).flatten();
            let counts = match self.counts(store, &record, begins, signature) {
                Err(Unfit::Order) => return Err(LogError::Broken { name, line: at }),
                Err(Unfit::State(error)) => return Err(LogError::State { name, line: at, error }),
                Err(Unfit::Cut { from }) => return Err(LogError::Cut { name, from }),
                Err(Unfit::Quorum(quorum)) => return Err(LogError::Quorum { name, line: at, quorum }),
                Err(Unfit::Store(error)) => return Err(error.into()),
                Err(Unfit::Void(why)) => Err(why),
                Ok(()) => {
                    self.time = Some(record.time);
                    Ok(())
                }
            };
            self.head = Head { seq: record.seq, hash: line_hash(line) };
            see(&record, counts.as_ref().err());
            if let Err(why) = counts {
                self.pass_over(&record, why);
            } else if OperatorChange::is_acknowledgement(&record) {
                self.voids.since = 0;
                self.void.clear();
            }
        }
        self.commits = self.commits.saturating_add(1);
        Ok(())
    }

    /// Folds a record, if it counts. In a log that nobody signs, one that doesn't fit is an altered log;
    /// where operators sign, it is one that changes nothing, or any of them could stop the rest.
    fn counts(
        &mut self,
        store: &dyn Store,
        record: &Record,
        begins: u64,
        cover: Option<Signature>,
    ) -> Result<(), Unfit> {
        let own = self.state.operators.signature(record);
        if let Some(Signature { from, .. }) = own.filter(|own| own.is_good && own.from < begins) {
            return Err(Unfit::Cut { from });
        }
        let by_quorum = self.by_quorum(store, record)?;
        let operators = &self.state.operators;
        let is_named = matches!(by_quorum, Verdict::Good(_));
        operators.allow(record, own, cover, is_named).map_err(|why| match (by_quorum, why) {
            (Verdict::Forged(quorum), Unauthorised::Unsigned) => Unfit::Void(Unauthorised::Quorum { quorum }),
            (_, why) => Unfit::Void(why),
        })?;
        let are_signed = !operators.is_empty();
        // The time of a record that counts for nothing could stop every later writer.
        if let Some(last) = self.time.filter(|last| *last > record.time)
            && !OperatorChange::sets_clock(record)
        {
            let back = Unauthorised::Time { time: record.time, last };
            return Err(if are_signed { Unfit::Void(back) } else { Unfit::Order });
        }
        // Only of what its writer may say at all: reading a quorum's record has a price.
        let verdict = match record.entry.op {
            Op::Recover | Op::Salvage | Op::Drill | Op::Report if record.entry.phase == Phase::Done => {
                self.quorums.judge(store, &self.state, record).map_err(Unfit::Store)?
            }
            // A founding counts all the same: everything hangs on it, and what is wrong with it is a finding.
            Op::Found if record.entry.phase == Phase::Done => {
                self.quorums.judge(store, &self.state, record).unwrap_or(Verdict::Unsigned)
            }
            _ => by_quorum,
        };
        let about = About { voids: self.voids.last.map(|last| (last, self.voids.digest)), verdict };
        self.state.apply(record, about).map_err(|error| match error {
            StateError::Forged { quorum } => Unfit::Void(Unauthorised::Quorum { quorum }),
            StateError::Unproven { quorum } => Unfit::Void(Unauthorised::Unproven { quorum }),
            error if are_signed => Unfit::Void(Unauthorised::Unfit(Box::new(error))),
            error => Unfit::State(error),
        })?;
        self.note(record, verdict);
        Ok(())
    }

    /// What the escrow's quorum says of a record by which it names an operator.
    fn by_quorum(&mut self, store: &dyn Store, record: &Record) -> Result<Verdict, Unfit> {
        let named = OperatorChange::named_by(record);
        let own = self.state.quorum().map(|entry| entry.founded.quorum);
        match named.filter(|named| Some(*named) == own) {
            None => Ok(Verdict::Unsigned),
            Some(_) => match self.quorums.judge(store, &self.state, record).map_err(Unfit::Store)? {
                // Who is an operator must not hang on whether a file is there.
                Verdict::Unknown(quorum) => Err(Unfit::Quorum(quorum)),
                verdict => Ok(verdict),
            },
        }
    }

    /// Remembers what the quorum signed, and what nobody can tell of.
    fn note(&mut self, record: &Record, verdict: Verdict) {
        let own = self.state.quorum().map(|entry| entry.founded.quorum);
        let at = (record.seq, record.time, record.entry.op);
        match verdict {
            Verdict::Good(quorum) if own.is_none_or(|own| own == quorum) => self.signed.upto = Some(at),
            Verdict::Forged(_) => self.signed.forged = Some(record.seq),
            Verdict::Unknown(quorum) => self.signed.unread = Some(quorum),
            Verdict::Good(_) | Verdict::Unsigned => {}
        }
    }

    /// Remembers a record that doesn't count.
    fn pass_over(&mut self, record: &Record, why: Unauthorised) {
        let Voids { all, since, .. } = self.voids;
        let (all, since) = (all.saturating_add(1), since.saturating_add(1));
        if self.void.len() < VOID {
            let Entry { actor, op, phase, .. } = &record.entry;
            let (actor, op, phase, why) = (actor.clone(), *op, *phase, why.clone());
            self.void.push(Void { seq: record.seq, time: record.time, actor, op, phase, why });
        }
        let digest = sha256(&[&self.voids.digest, &self.head.hash]);
        self.voids = Voids { all, since, last: Some(record.seq), digest, why: Some(why) };
    }
}

/// The records that don't count, in numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Voids {
    /// How many there are.
    pub(super) all: u64,
    /// How many of them nobody has acknowledged.
    pub(super) since: u64,
    /// The last one.
    pub(super) last: Option<u64>,
    /// SHA-256 of this for those before the last one, and of the last one's line; zeros for none.
    pub(super) digest: [u8; 32],
    /// Why the last one doesn't count.
    pub(super) why: Option<Unauthorised>,
}

/// What quorums signed of a log.
#[derive(Debug, Clone, Default)]
pub(super) struct Signed {
    /// The last record that the escrow's quorum signed; when; what was done.
    pub(super) upto: Option<(u64, crate::wire::time::Timestamp, Op)>,
    /// A founding whose signature isn't its quorum's.
    pub(super) forged: Option<u64>,
    /// A quorum whose record is not to be had, so that nobody can tell what it signed.
    pub(super) unread: Option<QuorumId>,
}

/// Why a record is not folded.
enum Unfit {
    /// It is before the last one, in a log that nobody signs.
    Order,
    /// It contradicts the log, and nobody signs there.
    State(StateError),
    /// Its file begins in the middle of a commit, by its own signature.
    Cut {
        /// Where the commit begins.
        from: u64,
    },
    /// The record of the quorum that names an operator in it is not to be had.
    Quorum(QuorumId),
    /// The store failed.
    Store(StoreError),
    /// It doesn't count.
    Void(Unauthorised),
}

/// The next record in a commit that an operator signed, looked for once for all the bare ones before it.
#[derive(Default)]
struct Cover {
    /// Up to which line it is known, and which it is.
    next: Option<(usize, Option<Record>)>,
    /// Its signature, as it was after so many changes of operators.
    judged: Option<(u64, Option<Signature>)>,
}

impl Cover {
    /// The signature behind line `place` of a commit, from 0.
    fn of(&mut self, bytes: &[u8], place: usize, operators: &Operators) -> Option<Signature> {
        if self.next.as_ref().is_none_or(|(upto, _)| *upto < place) {
            let is_signed =
                |line: &&[u8]| core::str::from_utf8(line).is_ok_and(|line| line.contains(OPERATOR_SIGNATURE));
            let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate().skip(place);
            let next = lines.find_map(|(at, line)| {
                let record = Some(line).filter(is_signed).and_then(|line| Record::read(line).ok())?;
                record.signed_by.as_ref()?.signature.as_ref()?;
                Some((at, Some(record)))
            });
            (self.next, self.judged) = (Some(next.unwrap_or((usize::MAX, None))), None);
        }
        let (_, next) = self.next.as_ref()?;
        match self.judged {
            Some((changes, signature)) if changes == operators.changes => signature,
            // An operator who was named meanwhile stands for what comes now.
            _ => {
                let signature = next.as_ref().and_then(|next| operators.signature(next));
                self.judged = Some((operators.changes, signature));
                signature
            }
        }
    }
}
