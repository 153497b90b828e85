//! A clock that was wrong and is set back: what the log remembers as of the future was at the latest then.
//!
//! A founder's record sets the log's clock. Records before it keep their times, which are in their bytes; what follows
//! from them doesn't. Otherwise a check or a drill of the year 2099 would keep the watch silent until then.

use super::{QuorumEntry, State};
use crate::log::KeyVersion;
use crate::wire::time::Timestamp;

impl State {
    /// Remembers nothing as later than `now`.
    pub(super) fn set_back(&mut self, now: Timestamp) {
        let cap = |time: &mut Timestamp| *time = (*time).min(now);
        let some = |time: &mut Option<Timestamp>| *time = time.map(|time| time.min(now));
        for QuorumEntry { time, cards, .. } in &mut self.quorums {
            cap(time);
            for card in cards.values_mut() {
                some(&mut card.good);
                some(&mut card.share);
                some(&mut card.used);
                card.gone.iter_mut().for_each(|(time, _)| cap(time));
                card.destroyed.iter_mut().for_each(|(time, _)| cap(time));
            }
        }
        for key in self.keys.values_mut() {
            some(&mut key.retired);
            for version in key.versions.values_mut() {
                let KeyVersion {
                    time, recovered, drilled, closed, failed, since, compromised, backed, ..
                } = version;
                [time, since, &mut backed.created].into_iter().for_each(cap);
                [recovered, drilled, closed, failed, compromised].into_iter().for_each(some);
            }
        }
        self.open.values_mut().for_each(|intent| cap(&mut intent.time));
        self.packages.iter_mut().for_each(|(time, _)| cap(time));
        self.imports.iter_mut().for_each(|(time, _)| cap(time));
        for held in self.held.values_mut() {
            cap(&mut held.time);
            held.stopped.iter_mut().for_each(|(time, _)| cap(time));
        }
        self.drills.iter_mut().for_each(|one| cap(&mut one.time));
        self.reports.iter_mut().for_each(|one| cap(&mut one.time));
        self.owed.values_mut().for_each(|(_, time)| cap(time));
        self.policy.iter_mut().for_each(|one| cap(&mut one.time));
        self.certificates.iter_mut().for_each(|one| cap(&mut one.time));
        self.last_recovery.iter_mut().for_each(|(_, time)| cap(time));
    }
}
