//! What the records of a log add up to: the quorum, the keys with their versions, and what was
//! begun and not ended.
//!
//! What is in it, `entries` says; how a record changes it, `apply`. The details of each operation are
//! written and read in one file of its own, so that the two can't drift apart.

use super::operator::Operators;
use super::record::{Entry, Op, Phase, Record};
use crate::key::{Fingerprint, KeyId, Label};
use crate::provider::{Provider, Target};
use crate::share::QuorumId;
use crate::wire::json::{Fields, Json, JsonError, object};
use crate::wire::text;
use crate::wire::time::Timestamp;
use core::num::NonZeroU32;
use std::collections::{BTreeMap, BTreeSet};

mod apply;
mod card;
mod certificate;
mod checked;
mod clock;
mod details;
mod drill;
mod entries;
mod error;
mod lifecycle;
mod operators;
mod package;
pub mod policy;
mod report;
mod retire;
mod salvage;
mod shred;
mod token;
pub(super) use apply::About;
pub use card::{CardChange, CardId, Fate};
pub use certificate::{
    Certificate, CertificateEntry, FEWEST_WITNESSES, MOST_WITNESSES, Remains, are_witnesses, one_of,
};
pub use checked::{CardHistory, Checked, CheckedCard, Depth, Medium, Occasion};
pub use details::{Backed, Deposit, Founded, Proof};
pub use drill::{Drill, DrillEntry, Drilled, FAILURES, Failed, LISTED, Scope, Times, Why, digest};
pub use entries::{Intent, KeyEntry, KeyVersion, QuorumEntry};
pub use error::StateError;
pub use lifecycle::{KeyState, LONGEST_REASON, StateChange, is_reason};
pub(super) use operators::CONSENT;
pub use operators::{OperatorChange, OperatorError};
pub use package::{Imported, Packaged};
pub use policy::{Policy, PolicyEntry};
pub use report::{ReportEntry, ReportOf, Reported};
pub use retire::Retirement;
pub use salvage::{Salvage, Salvaged};
pub use shred::{Held, Shred, ShredBy, ShredHow, Shredded};
pub use token::{Closed, InToken};

/// What a log adds up to.
#[derive(Debug, Clone, Default)]
pub struct State {
    quorums: Vec<QuorumEntry>,
    keys: BTreeMap<Label, KeyEntry>,
    open: BTreeMap<u64, Intent>,
    salvaged: Vec<Salvaged>,
    packages: Vec<(Timestamp, Packaged)>,
    /// Where each key version went.
    sent: BTreeMap<(Label, NonZeroU32), BTreeMap<(Provider, String), bool>>,
    /// All names of the places that packages say they are for.
    bound: BTreeMap<(Label, NonZeroU32, Provider, String), BTreeSet<Target>>,
    /// What an import may be of.
    known: BTreeMap<package::Made, package::Known>,
    imports: Vec<(Timestamp, Imported)>,
    held: BTreeMap<shred::HeldAt, Held>,
    drills: Vec<DrillEntry>,
    reports: Vec<ReportEntry>,
    /// The ceremonies in which a quorum met, by the record that ended them.
    ceremonies: BTreeMap<u64, (ReportOf, QuorumId)>,
    /// The last ceremony of a kind whose report a policy asked for then, and that has none.
    owed: BTreeMap<ReportOf, (u64, Timestamp)>,
    /// How many versions are backed up to a quorum.
    backed_up: BTreeMap<QuorumId, u64>,
    /// The digest of all versions of a quorum, until there is another one.
    listed: Option<(QuorumId, [u8; 32])>,
    policy: Option<PolicyEntry>,
    certificates: Vec<CertificateEntry>,
    last_recovery: Option<(u64, Timestamp)>,
    pub(super) operators: Operators,
}

impl State {
    /// The quorum that new keys are backed up to: the last one founded.
    #[must_use]
    pub fn quorum(&self) -> Option<&QuorumEntry> {
        self.quorums.last()
    }

    /// Every quorum, the oldest first.
    #[must_use]
    pub fn quorums(&self) -> &[QuorumEntry] {
        &self.quorums
    }

    /// Every key by name.
    #[must_use]
    pub const fn keys(&self) -> &BTreeMap<Label, KeyEntry> {
        &self.keys
    }

    /// What was begun and not ended, by the number of its record.
    #[must_use]
    pub const fn open(&self) -> &BTreeMap<u64, Intent> {
        &self.open
    }

    /// What was recovered from paper alone, the oldest first; its keys need not be this log's.
    #[must_use]
    pub fn salvaged(&self) -> &[Salvaged] {
        &self.salvaged
    }

    /// Who may write the log.
    #[must_use]
    pub const fn operators(&self) -> &Operators {
        &self.operators
    }

    /// The last recovery: the number of its record, and when.
    #[must_use]
    pub const fn last_recovery(&self) -> Option<(u64, Timestamp)> {
        self.last_recovery
    }

    /// How many key versions are backed up; those that were destroyed no longer are.
    #[must_use]
    pub fn versions(&self) -> usize {
        let all = self.backed_up.values().fold(0_u64, |all, some| all.saturating_add(*some));
        usize::try_from(all).unwrap_or(usize::MAX)
    }

    /// How many of them are backed up to `quorum`.
    #[must_use]
    pub fn population(&self, quorum: QuorumId) -> u64 {
        self.backed_up.get(&quorum).copied().unwrap_or_default()
    }

    /// Counts a version that is backed up to `quorum` from now on, or no longer is.
    fn counted(&mut self, quorum: QuorumId, is_there: bool) {
        let count = self.backed_up.entry(quorum).or_default();
        *count = if is_there { count.saturating_add(1) } else { count.saturating_sub(1) };
        self.listed = None;
    }

    /// The version that comes next under `name`, and the key's id when there is one.
    #[must_use]
    pub fn next_version(&self, name: &Label) -> (Option<KeyId>, NonZeroU32) {
        match self.keys.get(name) {
            None => (None, NonZeroU32::MIN),
            Some(key) => (Some(key.id), key.reserved.saturating_add(1)),
        }
    }

    /// What the log says of the quorum `id`: that it was founded, or, if it was not, that it met to
    /// recover a key from paper.
    #[must_use]
    pub fn founded(&self, id: QuorumId) -> Option<&Founded> {
        let founded = self.quorums.iter().rev().map(|entry| &entry.founded);
        let salvaged = self.salvaged.iter().rev().map(|salvaged| &salvaged.quorum);
        founded.chain(salvaged).find(|founded| founded.quorum == id)
    }
}
