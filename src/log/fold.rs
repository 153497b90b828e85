//! One commit after the other: its lines verified, and each record folded, or passed over with the reason.
//!
//! In: the bytes of the next commit. Out: a longer chain, and a state that either took a record whole or not at
//! all. What a signature covers goes by the numbers of records, never by where a file begins or ends, so that
//! whoever joins or cuts files of the log changes nothing that isn't named.

use super::operator::{Operators, Signature};
use super::record::OPERATOR_SIGNATURE;
use super::state::About;
use super::{
    Entry, Head, Log, LogError, OperatorChange, Record, StateError, Store, Unauthorised, VOID, Void,
    line_hash,
};

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
        let quorum = self.quorums.judge(store, &self.state, record);
        let (quorum, forged) = quorum.map_or_else(|quorum| (None, Some(quorum)), |quorum| (quorum, None));
        let operators = &self.state.operators;
        let ours = quorum.is_some() && quorum == self.state.quorum().map(|entry| entry.founded.quorum);
        operators.allow(record, begins, cover, ours).map_err(Unfit::Void)?;
        let are_signed = !operators.is_empty();
        // The time of a record that counts for nothing could stop every later writer.
        if let Some(last) = self.time.filter(|last| *last > record.time)
            && !OperatorChange::sets_clock(record)
        {
            let back = Unauthorised::Time { time: record.time, last };
            return Err(if are_signed { Unfit::Void(back) } else { Unfit::Order });
        }
        let about = About { last_void: self.voids.last, forged };
        self.state.apply(record, about).map_err(|error| match error {
            StateError::Forged { quorum } => Unfit::Void(Unauthorised::Quorum { quorum }),
            error if are_signed => Unfit::Void(Unauthorised::Unfit(Box::new(error))),
            error => Unfit::State(error),
        })
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
        self.voids = Voids { all, since, last: Some(record.seq), why: Some(why) };
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
    /// Why the last one doesn't count.
    pub(super) why: Option<Unauthorised>,
}

/// Why a record is not folded.
enum Unfit {
    /// It is before the last one, in a log that nobody signs.
    Order,
    /// It contradicts the log, and nobody signs there.
    State(StateError),
    /// It doesn't count.
    Void(Unauthorised),
}

/// The next signature of an operator in a commit, looked for once for all the records before it.
#[derive(Default)]
struct Cover {
    /// Up to which line it is known; what it is.
    known: Option<(usize, Option<Signature>)>,
}

impl Cover {
    /// The signature behind line `place` of a commit, from 0.
    fn of(&mut self, bytes: &[u8], place: usize, operators: &Operators) -> Option<Signature> {
        let fresh = self.known.is_none_or(|(upto, _)| upto < place);
        if fresh {
            let is_signed =
                |line: &&[u8]| core::str::from_utf8(line).is_ok_and(|line| line.contains(OPERATOR_SIGNATURE));
            let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate().skip(place);
            let next = lines.find_map(|(at, line)| {
                let record = Some(line).filter(is_signed).and_then(|line| Record::read(line).ok())?;
                Some((at, operators.signature(&record)?))
            });
            self.known = Some(next.map_or((usize::MAX, None), |(at, found)| (at, Some(found))));
        }
        self.known.and_then(|(_, found)| found)
    }
}
