//! What the drills of a log say together.

use crate::log::{DrillEntry, Scope, State};
use crate::wire::time::Timestamp;

/// How many key versions drills could not recover, that nothing has recovered since, and when the first failed.
///
/// A drill in which more failed than its record names is made good only by a drill of all, without a failure.
pub(super) fn failed(state: &State) -> Option<(u64, Timestamp)> {
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
