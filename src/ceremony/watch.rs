//! The watch: what is due, and what is overdue, by the policy, the log, and a clock that the caller has.
//!
//! In: the state of a log, its quorum's record, a time; out: [`Item`]s with the moment from which each is
//! overdue. Nothing is stored: the same log, policy and time give the same items. `metrics` and `calendar`
//! write them for other programs. What to do about one, its hint says.
//!
//! A clock that is before the log's last record tells nothing of what is due, and is refused.

use super::policy::{Together, together};
use crate::log::policy::after;
use crate::log::{DrillEntry, Fate, KeyEntry, KeyState, KeyVersion, Policy, Remains, ReportOf, Scope, State};
use crate::provider::Provider;
use crate::quorum::QuorumRecord;
use crate::wire::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

pub mod calendar;
pub mod metrics;

/// How many seconds a clock may be behind the last record, as for writers.
const SKEW: u64 = 300;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// A drill of all keys, or of a sample; when the last one was.
    Drill(Option<Timestamp>),
    /// What drills could not recover, and nothing has since: how many versions, and when the first of them.
    Failed(u64, Timestamp),
    /// A check of a card: its share, and when one last found it good.
    Card(u8, Option<Timestamp>),
    /// The next version of a key: the one in use, and since when it is.
    Rotation(u32, Timestamp),
    /// The next version of a key, of which this one is compromised.
    Replacement(u32),
    /// An import again, before the provider forgets the key.
    Import(u32, Provider, String),
    /// The import of a package that was made at that time.
    Package(u32, Provider, String, Timestamp),
    /// The end of something begun.
    Intent(u64),
    /// A report of a ceremony that ended with that record.
    Report(ReportOf, u64),
    /// Cards to spare: how many there are, and how many are asked for.
    Spare(u8, u8),
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

struct Seen<'a> {
    policy: &'a Policy,
    now: Timestamp,
    items: Vec<Item>,
}

impl Seen<'_> {
    /// Something that began at `from` and is overdue so many days later.
    fn put(&mut self, what: What, subject: impl Into<String>, from: Timestamp, days: u32) {
        let due = after(from, days);
        // What comes every week is not to be told of a month before.
        let notice = u64::from(self.policy.warn_days).saturating_mul(86_400).min(due.since(from) / 2);
        let level = match due.since(self.now) {
            0 => Level::Overdue,
            left if left <= notice => Level::Soon,
            _ => Level::Later,
        };
        self.items.push(Item { what, subject: subject.into(), due, level });
    }

    fn key(&mut self, name: &str, key: &KeyEntry) {
        for (version, one) in key.versions.iter().rev() {
            match one.state {
                KeyState::Active => {
                    let made = one.backed.created;
                    if let Some(days) = self.policy.rotation_of(&one.backed.deposit.name, one.backed.kind) {
                        self.put(What::Rotation(version.get(), made), name, made, days);
                    }
                    return;
                }
                KeyState::Compromised => {
                    return self.put(What::Replacement(version.get()), name, one.since, 0);
                }
                // An older one is still in use, or none is.
                KeyState::PreActivation | KeyState::Suspended => {}
                KeyState::Destroyed | KeyState::DestroyedCompromised => {}
                KeyState::Deactivated => return,
            }
        }
    }

    fn providers(&mut self, state: &State) {
        let version =
            |name, version| -> Option<&KeyVersion> { state.keys().get(name)?.versions.get(&version) };
        let mut there = BTreeMap::new();
        for (time, one) in state.imports() {
            there.insert((&one.name, one.provider, &one.place), (one.version, *time));
        }
        let mut gone = BTreeMap::new();
        for entry in state.certificates() {
            if let Remains::Provider { name, version, provider, place } = &entry.certificate.what {
                gone.insert((name, *version, *provider, place), entry.time);
            }
        }
        let is_gone = |(name, provider, place), version, time| {
            gone.get(&(name, version, provider, place)).is_some_and(|gone: &Timestamp| *gone >= time)
        };
        for ((name, provider, place), (number, time)) in &there {
            let Some(days) = self.policy.import_of(*provider) else { continue };
            let is_used = version(*name, *number).is_some_and(|one| one.state.may_protect());
            if is_used && !is_gone((*name, *provider, *place), *number, *time) {
                let what = What::Import(number.get(), *provider, (*place).clone());
                self.put(what, name.as_str(), *time, days);
            }
        }
        let Some(days) = self.policy.package_days else { return };
        // A package is done with when it, or a later one for the same place, was imported.
        let imported: BTreeSet<_> = state.imports().iter().map(|(_, one)| one.package).collect();
        let mut waiting = BTreeMap::new();
        for (time, one) in state.packages() {
            waiting.insert((&one.name, one.provider, &one.place), (one.version, *time, one.package));
        }
        for ((name, provider, place), (number, time, package)) in waiting {
            let is_used = version(name, number).is_some_and(|one| one.state.may_protect());
            if is_used && !imported.contains(&package) && !is_gone((name, provider, place), number, time) {
                let what = What::Package(number.get(), provider, place.clone(), time);
                self.put(what, name.as_str(), time, days);
            }
        }
    }

    fn ceremonies(&mut self, state: &State) {
        for (seq, intent) in state.open() {
            self.put(What::Intent(*seq), intent.op.name(), intent.time, self.policy.open_days);
        }
        let Some(founded) = state.quorum() else { return };
        let is_whole = |scope| matches!(scope, Scope::All | Scope::Sample);
        let proven = state
            .drills()
            .iter()
            .rev()
            .find(|one| one.is_proven && is_whole(one.drilled.drill.scope) && one.drilled.failures == 0);
        if state.versions() > 0 {
            let last = proven.map(|one| one.time);
            self.put(What::Drill(last), "drill", last.unwrap_or(founded.time), self.policy.drill_days);
        }
        if let Some((failures, first)) = failed(state) {
            self.put(What::Failed(failures, first), "drill", first, 0);
        }
        let Some(since) = state.policy_entry().map(|entry| entry.seq) else { return };
        let ended = [
            (ReportOf::Found, Some((founded.seq, founded.time))),
            (ReportOf::Recover, state.last_recovery()),
            (ReportOf::Drill, state.drills().last().map(|one| (one.seq, one.time))),
        ];
        for (kind, ended) in ended {
            // Only the last one: no report can be made afterwards, and the next ceremony makes it good.
            let Some((seq, time)) = ended.filter(|(seq, _)| *seq > since) else { continue };
            let has = state.reports().iter().any(|report| report.reported.ended == seq);
            if self.policy.reports.contains(&kind) && !has {
                self.put(What::Report(kind, seq), kind.name(), time, 0);
            }
        }
    }

    /// The cards, and how many are to spare.
    fn cards(&mut self, state: &State, record: &QuorumRecord) -> Option<u8> {
        let entry = state.quorum()?;
        let (threshold, count) = (record.scheme().threshold(), record.scheme().count());
        let (mut there, mut last) = (0_u8, entry.time);
        for (index, custodian) in (1_u8..=count).zip(&record.terms().custodians) {
            let card = entry.cards.get(&index).copied().unwrap_or_default();
            if card.is_gone() {
                let since = card.gone.map(|(time, _)| time).max(card.destroyed.map(|(time, _)| time));
                last = last.max(since.unwrap_or(last));
                continue;
            }
            there = there.saturating_add(1);
            let from = card.good.unwrap_or(entry.time);
            self.put(What::Card(index, card.good), custodian.name.clone(), from, self.policy.card_days);
        }
        let wanted = self.policy.spare_of(count.saturating_sub(threshold));
        match there.checked_sub(threshold) {
            None => self.put(What::Quorum(there, threshold), "quorum", last, 0),
            Some(spare) if spare < wanted => self.put(What::Spare(spare, wanted), "quorum", last, 0),
            Some(_) => {}
        }
        if let Some(broken) = together(self.policy, record, state) {
            let since = state.policy_entry().map_or(entry.time, |policy| policy.time.max(last));
            self.put(What::Separation(broken), "quorum", since, 0);
        }
        there.checked_sub(threshold)
    }
}

impl What {
    /// Every word for what may be due.
    pub const WORDS: [&'static str; 9] =
        ["card", "drill", "import", "open", "package", "report", "rotation", "separation", "spare"];

    /// The word for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Drill(_) | Self::Failed(..) => "drill",
            Self::Card(..) => "card",
            Self::Rotation(..) | Self::Replacement(_) => "rotation",
            Self::Import(..) => "import",
            Self::Package(..) => "package",
            Self::Intent(_) => "open",
            Self::Report(..) => "report",
            Self::Spare(..) | Self::Quorum(..) => "spare",
            Self::Separation(_) => "separation",
        }
    }
}

impl Item {
    /// What it is, in words.
    #[must_use]
    pub fn sentence(&self) -> String {
        let subject = &self.subject;
        match &self.what {
            What::Drill(None) => "the first drill of all keys, or of a sample".to_owned(),
            What::Drill(Some(last)) => {
                format!("a drill of all keys, or of a sample; the last good one was {last}")
            }
            What::Failed(failures, time) => {
                format!("drills since {time} could not recover {failures} key versions")
            }
            What::Card(index, None) => {
                format!("a check of the card of {subject} (share {index}), which nobody has read back yet")
            }
            What::Card(index, Some(seen)) => {
                format!("a check of the card of {subject} (share {index}), last seen good {seen}")
            }
            What::Rotation(version, made) => {
                format!("the next version of {subject}; version {version} is of {made}")
            }
            What::Replacement(version) => {
                format!("the next version of {subject}, since version {version} is compromised")
            }
            What::Import(version, provider, place) => {
                format!(
                    "{subject} version {version} has to be imported again: {provider} at {place} will forget it"
                )
            }
            What::Package(version, provider, place, made) => {
                format!(
                    "the import of {subject} version {version} at {provider} {place}; its package is of {made}"
                )
            }
            What::Intent(seq) => format!("record {seq} ({subject}) was begun and has not ended"),
            What::Report(_, seq) => {
                format!("a report of the ceremony ({subject}) that ended with record {seq} is missing")
            }
            What::Spare(have, wanted) => format!("{have} cards to spare, where {wanted} are asked for"),
            What::Quorum(have, needed) => {
                format!("{have} cards are left and {needed} are needed: no key can be recovered")
            }
            What::Separation(broken) => broken.to_string(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let subject = &self.subject;
        match &self.what {
            What::Drill(_) => "quorate drill".to_owned(),
            What::Failed(..) => {
                "look for those backups in another copy of the escrow, then drill again".to_owned()
            }
            What::Card(..) => "quorate check --record PICTURE".to_owned(),
            What::Rotation(..) | What::Replacement(_) => format!("quorate generate {subject} --kind KIND"),
            What::Import(version, ..) => {
                format!("quorate recover {subject}@{version} --to package:DIR --for REQUEST")
            }
            What::Package(version, ..) => {
                format!(
                    "import it, then quorate import record; or quorate recover {subject}@{version} --to package:DIR again"
                )
            }
            What::Intent(seq) => format!("find out what became of it, then quorate log abandon {seq}"),
            What::Report(..) => "add --report FILE.json to the next one".to_owned(),
            What::Spare(..) => "find the card, or found a new quorum and bring the keys over".to_owned(),
            What::Quorum(..) => "find a card, now; nothing else brings the keys back".to_owned(),
            What::Separation(_) => "let somebody else have a card, and say so in the policy".to_owned(),
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

/// How many key versions drills could not recover, that nothing has recovered since, and when the first failed.
///
/// A drill in which more failed than its record names is made good only by a drill of all, without a failure.
fn failed(state: &State) -> Option<(u64, Timestamp)> {
    let versions = state.keys().values().flat_map(|key| key.versions.values());
    let known = versions.filter_map(|one| one.failed);
    let (named, first) = known.fold((0_u64, None), |(count, first), time| {
        (count.saturating_add(1), Some(first.map_or(time, |first: Timestamp| first.min(time))))
    });
    let drills = state.drills();
    let is_good = |one: &DrillEntry| {
        one.is_proven && one.drilled.drill.scope == Scope::All && one.drilled.failures == 0
    };
    let since = drills.iter().rev().take_while(|one| !is_good(one));
    let is_cut = |one: &&DrillEntry| {
        u64::try_from(one.drilled.failed.len()).is_ok_and(|named| named < one.drilled.failures)
    };
    let cut = since.filter(is_cut).map(|one| (one.drilled.failures, one.time));
    let (most, cut) = cut.fold((0, None), |(most, _), (failures, time)| (failures.max(most), Some(time)));
    let first = first.into_iter().chain(cut).min()?;
    Some((named.max(most), first))
}
