//! Whether the signature that a quorum left in a record is that quorum's.
//!
//! In: a store, the state before the record, the record. Out: yes, no, or that nobody can tell because
//! the quorum's own record is not to be had. That record is checked against its digest in the log, read
//! once, and kept. A founding isn't judged here: everything hangs on it, so it is a finding
//! (`ceremony/inspect.rs`), not a record that is passed over.

use super::record::{Op, Phase, Record};
use super::state::{Founded, Salvaged, State};
use crate::quorum::QuorumRecord;
use crate::share::QuorumId;
use crate::store::Store;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The longest quorum record in bytes.
pub const LONGEST_QUORUM: u64 = 256 * 1024;

/// The name of a quorum record in an escrow.
#[must_use]
pub fn quorum_file(id: QuorumId, generation: u16) -> String {
    format!("quorum/{}.{generation}.json", id.text())
}

/// The records of the quorums that signed something.
#[derive(Debug, Clone, Default)]
pub(super) struct Quorums(BTreeMap<QuorumId, QuorumRecord>);

impl Quorums {
    /// The quorum that signed `record`, if its signature is good; an error if it isn't.
    pub(super) fn judge(
        &mut self,
        store: &dyn Store,
        state: &State,
        record: &Record,
    ) -> Result<Option<QuorumId>, QuorumId> {
        let ends = record.entry.phase == Phase::Done && record.entry.op != Op::Found;
        let Some((quorum, signature)) = record.signed().filter(|_| ends) else { return Ok(None) };
        match self.get(store, state, record, quorum) {
            None => Ok(None),
            Some(signer) if signer.has_signed(&record.message(), &signature) => Ok(Some(quorum)),
            Some(_) => Err(quorum),
        }
    }

    fn get(
        &mut self,
        store: &dyn Store,
        state: &State,
        record: &Record,
        quorum: QuorumId,
    ) -> Option<&QuorumRecord> {
        match self.0.entry(quorum) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(place) => {
                // A salvage says itself which record is that of its quorum.
                let founded = state.founded(quorum).cloned().or_else(|| Salvaged::quorum_of(record))?;
                Some(place.insert(read(store, &founded)?))
            }
        }
    }
}

fn read(store: &dyn Store, founded: &Founded) -> Option<QuorumRecord> {
    let bytes = store.read(&quorum_file(founded.quorum, founded.generation), LONGEST_QUORUM).ok()??;
    let record = QuorumRecord::read(&bytes).ok()?;
    (record.digest() == founded.record && record.id() == founded.quorum).then_some(record)
}
