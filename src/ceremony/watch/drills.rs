//! What the drills of a log say together: when all keys were last proven, and what failed since.
//!
//! A drill of a few keys says little of all the others. It counts when it was of all of them, or of a sample without
//! a failure that is large enough for the policy ([`suffices`]).

use crate::ceremony::drill::suffices;
use crate::log::{Drill, DrillEntry, Scope, State};
use crate::wire::time::Timestamp;

/// A drill that doesn't count as one of all keys: how many versions it was of, of how many, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Small {
    /// How many versions it was of.
    pub count: u64,
    /// Of how many.
    pub population: u64,
    /// Whether they were named, and not drawn.
    pub is_named: bool,
    /// When.
    pub time: Timestamp,
}

/// Whether a drill without a failure says enough of all keys, by the policy's per cent.
#[must_use]
pub fn is_enough(drill: &Drill, percent: u8) -> bool {
    match drill.scope {
        Scope::All => true,
        // Who names the keys has chosen them: only all of them say something of the rest.
        Scope::Named => drill.count == drill.population,
        Scope::Sample => suffices(drill.population, drill.count, percent),
    }
}

/// The last drill that counts as one of all keys, and the last one behind it that was too small.
pub(super) fn proven(state: &State, percent: u8) -> (Option<Timestamp>, Option<Small>) {
    let mut small = None;
    for DrillEntry { drilled, time, is_proven, .. } in state.drills().iter().rev() {
        if !*is_proven || drilled.failures > 0 {
            continue;
        }
        if is_enough(&drilled.drill, percent) {
            return (Some(*time), small);
        }
        let Drill { count, population, scope, .. } = drilled.drill;
        let is_named = scope == Scope::Named;
        small = small.or(Some(Small { count, population, is_named, time: *time }));
    }
    (None, small)
}

/// How many key versions drills could not recover, that nothing has recovered since, and when the first failed.
///
/// Of a drill in which more failed than its record names, those beyond stay until a drill of all has no failure:
/// nobody can tell which they are.
pub(super) fn failed(state: &State) -> Option<(u64, Timestamp)> {
    let versions = state.keys().values().flat_map(|key| key.versions.values());
    let known = versions.filter_map(|one| one.failed);
    let (named, first) = known.fold((0_u64, None), |(count, first), time| {
        (count.saturating_add(1), Some(first.map_or(time, |first: Timestamp| first.min(time))))
    });
    let drills = state.drills();
    let is_good = |one: &DrillEntry| {
        let drill = &one.drilled.drill;
        one.is_proven && drill.count == drill.population && one.drilled.failures == 0
    };
    let since = drills.iter().rev().take_while(|one| !is_good(one));
    let beyond = |one: &DrillEntry| {
        let listed = u64::try_from(one.drilled.failed.len()).unwrap_or(u64::MAX);
        one.drilled.failures.saturating_sub(listed)
    };
    let (mut unknown, mut most, mut cut) = (0, 0, None);
    for one in since.filter(|one| beyond(one) > 0) {
        (unknown, most) = (beyond(one).max(unknown), one.drilled.failures.max(most));
        cut = Some(one.time);
    }
    let first = first.into_iter().chain(cut).min()?;
    // Those beyond may be named by now.
    Some((named.saturating_add(unknown).min(named.max(most)), first))
}
