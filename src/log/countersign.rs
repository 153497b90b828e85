//! Whether the signature that a quorum left in a record is that quorum's.
//!
//! In: a store, the state before the record, the record. Out: a [`Verdict`]. The quorum's own record is
//! checked against its digest in the log, read once, and kept, as is that it couldn't be had: whoever
//! writes a thousand lines about one file has it read once. A store that fails is an error, never "unsigned".

use super::record::{Op, Record};
use super::state::{Founded, State};
use crate::quorum::QuorumRecord;
use crate::share::QuorumId;
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The longest quorum record in bytes.
pub const LONGEST_QUORUM: u64 = 256 * 1024;
/// How many quorums' records are kept. An escrow has one; salvages may name others.
const KEPT: usize = 64;

/// The name of a quorum record in an escrow.
#[must_use]
pub fn quorum_file(id: QuorumId, generation: u16) -> String {
    format!("quorum/{}.{generation}.json", id.text())
}

/// What is known of a quorum's signature in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is none.
    Unsigned,
    /// It is that quorum's.
    Good(QuorumId),
    /// It isn't.
    Forged(QuorumId),
    /// Nobody can tell: the quorum's record isn't here, or isn't the one that the log names.
    Unknown(QuorumId),
}

type Which = (QuorumId, u16, [u8; 32]);

/// The records of the quorums that signed something; none for one that couldn't be had.
#[derive(Debug, Clone, Default)]
pub(super) struct Quorums(BTreeMap<Which, Option<QuorumRecord>>);

impl Quorums {
    /// What the signature in `record` is worth.
    pub(super) fn judge(
        &mut self,
        store: &dyn Store,
        state: &State,
        record: &Record,
    ) -> Result<Verdict, StoreError> {
        let Some((quorum, signature)) = record.signed() else { return Ok(Verdict::Unsigned) };
        let founded = match record.entry.op {
            // These say themselves which record is that of their quorum.
            Op::Found | Op::Salvage => Founded::of(record),
            _ => state.founded(quorum).cloned(),
        };
        let signer = founded.map(|founded| self.get(store, &founded)).transpose()?.flatten();
        Ok(match signer {
            None => Verdict::Unknown(quorum),
            Some(signer) if signer.has_signed(&record.message(), &signature) => Verdict::Good(quorum),
            Some(_) => Verdict::Forged(quorum),
        })
    }

    fn get(&mut self, store: &dyn Store, founded: &Founded) -> Result<Option<&QuorumRecord>, StoreError> {
        let which = (founded.quorum, founded.generation, founded.record);
        let is_known = self.0.contains_key(&which);
        if !is_known && self.0.len() >= KEPT {
            self.0.clear();
        }
        match self.0.entry(which) {
            Entry::Occupied(known) => Ok(known.into_mut().as_ref()),
            Entry::Vacant(place) => Ok(place.insert(read(store, founded)?).as_ref()),
        }
    }
}

fn read(store: &dyn Store, founded: &Founded) -> Result<Option<QuorumRecord>, StoreError> {
    let bytes = store.read(&quorum_file(founded.quorum, founded.generation), LONGEST_QUORUM)?;
    let record = bytes.and_then(|bytes| QuorumRecord::read(&bytes).ok());
    Ok(record.filter(|record| record.digest() == founded.record && record.id() == founded.quorum))
}
