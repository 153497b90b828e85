//! The look at a log: keys, ceremonies and cards, each with what is due of it. Of providers: `places`.

use super::drills::{failed, proven};
use super::{Item, Level, What};
use crate::ceremony::drill::least_sample;
use crate::ceremony::policy::together;
use crate::log::policy::after;
use crate::log::{Fate, KeyEntry, KeyState, Policy, State};
use crate::quorum::QuorumRecord;
use crate::wire::time::Timestamp;

/// What was seen so far.
pub(super) struct Seen<'a> {
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
    pub(super) items: Vec<Item>,
}

impl Seen<'_> {
    /// Something that began at `from` and is overdue so many days later.
    pub(super) fn put(&mut self, what: What, subject: impl Into<String>, from: Timestamp, days: u32) {
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

    pub(super) fn key(&mut self, name: &str, key: &KeyEntry) {
        for (version, one) in &key.versions {
            if let Some(days) = self.policy.suspended_days.filter(|_| one.state == KeyState::Suspended) {
                self.put(What::Suspended(version.get(), one.since), name, one.since, days);
            }
            let leaves = one.closed.is_none() && !one.state.is_destroyed();
            let token = one.backed.deposit.token.as_ref().filter(|_| leaves);
            if let (Some(token), Some(days)) = (token, self.policy.leave_days) {
                self.put(What::Leaving(version.get(), token.clone()), name, one.time, days);
            }
        }
        let (mut waiting, mut ended) = (None, false);
        for (version, one) in key.versions.iter().rev() {
            match one.state {
                KeyState::Active => {
                    if ended {
                        return;
                    }
                    let made = one.backed.created;
                    if let Some(days) = self.policy.rotation_of(&one.backed.deposit.name, one.backed.kind) {
                        self.put(What::Rotation(version.get(), made), name, made, days);
                    }
                    return;
                }
                // What became of its backup doesn't make it good: only a later version does, or nobody wants one.
                KeyState::Compromised | KeyState::DestroyedCompromised => {
                    let since = one.compromised.unwrap_or(one.since);
                    if key.retired.is_none() {
                        self.put(What::Replacement(version.get(), waiting), name, since, 0);
                    }
                    return;
                }
                KeyState::PreActivation => waiting = waiting.or(Some(version.get())),
                // An older one is still in use, or none is.
                KeyState::Suspended | KeyState::Destroyed => {}
                // It needs no next one; a compromised one behind it does, unless nobody wants one.
                KeyState::Deactivated => ended = true,
            }
        }
    }

    pub(super) fn ceremonies(&mut self, state: &State) {
        for (seq, intent) in state.open() {
            self.put(What::Intent(*seq), intent.op.name(), intent.time, self.policy.open_days);
        }
        let Some(founded) = state.quorum() else { return };
        let population = state.population(founded.founded.quorum);
        if population > 0 {
            let (last, small) = proven(state, self.policy.drill_percent);
            let sample = least_sample(population, self.policy.drill_percent);
            let what = What::Drill { last, sample, population, small };
            self.put(what, "drill", last.unwrap_or(founded.time), self.policy.drill_days);
        }
        if let Some((failures, first)) = failed(state) {
            self.put(What::Failed(failures, first), "drill", first, 0);
        }
        for (kind, (seq, time)) in state.owed() {
            self.put(What::Report(*kind, *seq), kind.name(), *time, 0);
        }
    }

    /// The cards, and how many are to spare.
    pub(super) fn cards(&mut self, state: &State, record: &QuorumRecord) -> Option<u8> {
        let entry = state.quorum()?;
        let (threshold, count) = (record.scheme().threshold(), record.scheme().count());
        let (mut there, mut last) = (0_u8, entry.time);
        let stolen =
            entry.cards.values().filter_map(|card| card.gone.filter(|(_, fate)| *fate == Fate::Stolen));
        let since = stolen.clone().map(|(time, _)| time).max();
        let stolen = u8::try_from(stolen.count()).unwrap_or(u8::MAX);
        if let Some(since) = since.filter(|_| stolen >= threshold) {
            self.put(What::Stolen(stolen, threshold), "quorum", since, 0);
        }
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
