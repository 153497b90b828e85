//! The watch: what is due, and what is overdue, by the policy, the log, and a clock that the caller has.
//!
//! In: the state of a log, its quorum's record, a time; out: [`Item`]s with the moment from which each is
//! overdue. Nothing is stored: the same log, policy and time give the same items. `seen` and `places` look for them, `words`
//! says what they are and what to do about them, `metrics` and `calendar` write them for other programs.
//!
//! A clock that is before the log's last record tells nothing of what is due, and is refused.

use super::policy::Together;
use crate::log::{Fate, InToken, ReportOf, State};
use crate::provider::Provider;
use crate::quorum::QuorumRecord;
use crate::wire::time::Timestamp;
use seen::Seen;
use std::collections::BTreeMap;

pub mod calendar;
mod drills;
pub mod metrics;
mod places;
mod seen;
mod words;
pub use drills::{Small, is_enough};

/// How many seconds a clock may be behind the last record, as for writers.
const SKEW: u64 = 300;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// A drill of all keys, or of a sample that is large enough.
    Drill {
        /// When the last one was that counts.
        last: Option<Timestamp>,
        /// How many versions such a sample has; those of all keys when no smaller one would do.
        sample: u64,
        /// How many versions there are.
        population: u64,
        /// A later drill that was too small.
        small: Option<Small>,
    },
    /// What drills could not recover, and nothing has since: how many versions, and when the first of them.
    Failed(u64, Timestamp),
    /// A check of a card: its share, and when one last found it good.
    Card(u8, Option<Timestamp>),
    /// The next version of a key: the one in use, and since when it is.
    Rotation(u32, Timestamp),
    /// The next version of a key, of which this one is compromised; and one that waits to be active.
    Replacement(u32, Option<u32>),
    /// A later version in the place of a compromised one at a provider, or the end of that one there. The place is in
    /// words, here as below: where several have that name, with what tells it apart.
    Displacement(u32, Provider, String),
    /// The end of a suspension, and since when it is.
    Suspended(u32, Timestamp),
    /// That a key can't leave its token any more.
    Leaving(u32, InToken),
    /// An import again, before the provider forgets the key.
    Import(u32, Provider, String),
    /// The import of a package that was made at that time.
    Package(u32, Provider, String, Timestamp),
    /// The end of a test key that a drill filled: the version, and where.
    Trial(u32, Provider, String),
    /// The end of something begun.
    Intent(u64),
    /// A report of a ceremony that ended with that record.
    Report(ReportOf, u64),
    /// Cards to spare: how many there are, and how many are asked for.
    Spare(u8, u8),
    /// Stolen cards, as many as a recovery takes: how many they are, and that number.
    Stolen(u8, u8),
    /// A version whose backup is destroyed, and that is still at a provider: the last of it.
    Unbacked(u32, Provider, String),
    /// A drill's package of a version for a test key, of which nobody logged what became: where it goes, and of when it is.
    Sent(u32, Provider, String, Timestamp),
    /// Cards that can be brought at all: how many there are, and how many a recovery takes.
    Quorum(u8, u8),
    /// Other hands for some cards.
    Separation(Together),
}

/// How pressing something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not yet.
    Later,
    /// Within the policy's days of warning, but never more than half its interval before.
    Soon,
    /// Now, or it lapsed.
    Overdue,
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What.
    pub what: What,
    /// Of which key, card or record; a name.
    pub subject: String,
    /// From when on it is overdue.
    pub due: Timestamp,
    /// How pressing it is.
    pub level: Level,
}

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Everything, the most pressing first.
    pub items: Vec<Item>,
    /// The time that it was judged by.
    pub now: Timestamp,
    /// How many cards can be brought, beyond those that a recovery takes; none below them, or without a quorum.
    pub spare: Option<u8>,
}

/// A clock that can't be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the clock says {now}, which is before the last record of the log ({last}), so nothing can be said of what is due: set the machine's clock, or name the time with --clock"
)]
pub struct WrongClock {
    /// What it says.
    pub now: Timestamp,
    /// The time of the last record.
    pub last: Timestamp,
}

/// Judges a log by a policy and a time.
///
/// # Errors
/// [`WrongClock`].
pub fn watch(
    state: &State,
    record: Option<&QuorumRecord>,
    last: Option<Timestamp>,
    now: Timestamp,
) -> Result<Watch, WrongClock> {
    if let Some(last) = last.filter(|last| last.since(now) > SKEW) {
        return Err(WrongClock { now, last });
    }
    let policy = state.policy();
    let mut seen = Seen { policy: &policy, now, items: Vec::new() };
    for (name, key) in state.keys() {
        seen.key(name.as_str(), key);
    }
    seen.providers(state);
    seen.ceremonies(state);
    let spare = record.and_then(|record| seen.cards(state, record));
    let mut items = seen.items;
    items.sort_by_key(|item| item.due);
    Ok(Watch { items, now, spare })
}

impl Watch {
    /// What is overdue.
    pub fn overdue(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.level == Level::Overdue)
    }

    /// What will be overdue soon.
    pub fn soon(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.level == Level::Soon)
    }
}

impl What {
    /// Every word for what may be due.
    pub const WORDS: [&'static str; 11] = [
        "card",
        "drill",
        "import",
        "open",
        "package",
        "report",
        "rotation",
        "separation",
        "spare",
        "suspended",
        "token",
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Drill { .. } | Self::Failed(..) => "drill",
            Self::Card(..) => "card",
            Self::Rotation(..) | Self::Replacement(..) | Self::Displacement(..) => "rotation",
            Self::Suspended(..) => "suspended",
            Self::Leaving(..) => "token",
            Self::Import(..) | Self::Unbacked(..) => "import",
            Self::Package(..) => "package",
            Self::Intent(_) | Self::Trial(..) | Self::Sent(..) => "open",
            Self::Report(..) => "report",
            Self::Spare(..) | Self::Quorum(..) | Self::Stolen(..) => "spare",
            Self::Separation(_) => "separation",
        }
    }
}

impl Level {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Later => "later",
            Self::Soon => "soon",
            Self::Overdue => "overdue",
        }
    }
}

/// How many cards of the quorum are gone, by what became of them; `destroyed` are those with a certificate.
#[must_use]
pub fn losses(state: &State) -> BTreeMap<&'static str, u64> {
    let mut losses = BTreeMap::new();
    for card in state.quorum().into_iter().flat_map(|entry| entry.cards.values()) {
        let fate = match (card.destroyed, card.gone) {
            (Some(_), _) => "destroyed",
            (None, Some((_, fate))) if fate != Fate::Found => fate.name(),
            _ => continue,
        };
        let count: &mut u64 = losses.entry(fate).or_default();
        *count = count.saturating_add(1);
    }
    losses
}
