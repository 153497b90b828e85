//! What a state is made of: quorums, keys and their versions, and what was begun.

use super::{
    Backed, CardHistory, Deposit, Drill, Founded, KeyId, KeyState, Label, Op, Salvage, Shred, Timestamp,
};
use core::num::NonZeroU32;
use std::collections::BTreeMap;

/// A quorum that was founded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumEntry {
    /// What its record says.
    pub founded: Founded,
    /// When.
    pub time: Timestamp,
    /// The number of the log's record.
    pub seq: u64,
    /// What is known of its cards, by share; of a share that isn't here, nothing.
    pub cards: BTreeMap<u8, CardHistory>,
}

/// A key by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// The random name of its folder.
    pub id: KeyId,
    /// The versions that are backed up, by number.
    pub versions: BTreeMap<NonZeroU32, KeyVersion>,
    /// The highest version that was ever begun.
    pub reserved: NonZeroU32,
    /// Since when no further version is wanted.
    pub retired: Option<Timestamp>,
}

/// A key version that is backed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyVersion {
    /// What its record says.
    pub backed: Backed,
    /// How it came: generated here, or added.
    pub op: Op,
    /// When.
    pub time: Timestamp,
    /// The number of the log's record.
    pub seq: u64,
    /// When it was recovered last, with a matching fingerprint.
    pub recovered: Option<Timestamp>,
    /// When it was made to stay in its token, if it came from one.
    pub closed: Option<Timestamp>,
    /// Why it wasn't: its token is gone since then, as a person says.
    pub lost: Option<String>,
    /// When a drill proved last that it can be.
    pub drilled: Option<Timestamp>,
    /// When a drill could not recover it, and nothing has since.
    pub failed: Option<Timestamp>,
    /// Its state (SP 800-57).
    pub state: KeyState,
    /// Since when.
    pub since: Timestamp,
    /// Since when it is compromised, whatever became of it afterwards.
    pub compromised: Option<Timestamp>,
    /// Whether a record has changed its state.
    pub changed: bool,
    /// The certificate that its backup was destroyed.
    pub certificate: Option<u64>,
}

/// Something begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// What.
    pub op: Op,
    /// Who.
    pub actor: String,
    /// When.
    pub time: Timestamp,
    /// The key version that it backs up, if it backs one up.
    pub deposit: Option<Deposit>,
    /// The key version that it recovers, if it recovers one.
    pub recovers: Option<(Label, NonZeroU32)>,
    /// The key version that it salvages, if it salvages one.
    pub salvages: Option<Salvage>,
    /// The key versions that it proves, if it is a drill.
    pub drills: Option<Drill>,
    /// What it stops in a provider, if it stops something.
    pub shreds: Option<Shred>,
}
