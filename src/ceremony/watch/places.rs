//! What is where at providers: what has to be brought again, what is compromised there, test keys that are still
//! filled, and packages on their way.
//!
//! A place is known by all of its names. What goes to one server, mount, vault or key ring neither displaces nor
//! ends what another one has, though both call the key the same.

use super::What;
use super::seen::Seen;
use crate::key::Label;
use crate::log::{Held, Imported, KeyVersion, Packaged, Remains, ShredHow, State};
use crate::provider::{Provider, Target, apart, whereabouts};
use crate::wire::time::Timestamp;
use core::num::NonZeroU32;
use std::collections::{BTreeMap, BTreeSet};

/// One key in one place, by all of its names.
type At<'a> = (&'a Label, Provider, &'a str, Target);

/// Where an import is.
fn at(one: &Imported) -> At<'_> {
    (&one.name, one.provider, &one.place, whereabouts(&one.names()))
}

/// Where a package goes; an older record doesn't have the names.
fn bound(one: &Packaged) -> At<'_> {
    (&one.name, one.provider, &one.place, whereabouts(&one.target))
}

/// What people saw gone, and when last.
#[derive(Default)]
struct Gone<'a>(BTreeMap<(&'a Label, NonZeroU32, Provider, &'a str), BTreeMap<&'a Target, Timestamp>>);

impl<'a> Gone<'a> {
    fn of(state: &'a State) -> Self {
        let mut gone = Self::default();
        for entry in state.certificates() {
            if let Remains::Provider { name, version, provider, place, target } = &entry.certificate.what {
                let places = gone.0.entry((name, *version, *provider, place)).or_default();
                places.insert(target, entry.time);
            }
        }
        gone
    }

    /// Whether what came at `time` is gone. A certificate without names is of all places that are called so, and
    /// what has none may be in any of them.
    fn is_gone(&self, (name, provider, place, names): &At<'_>, version: NonZeroU32, time: Timestamp) -> bool {
        let Some(places) = self.0.get(&(*name, version, *provider, *place)) else { return false };
        let covers = |target: &Target| target.is_empty() || names.is_empty() || target == names;
        places.iter().any(|(target, gone)| covers(target) && *gone >= time)
    }
}

/// The places of a name, for those that are not alone.
struct Alike<'a>(BTreeMap<(&'a Label, Provider, &'a str), BTreeSet<Target>>);

impl<'a> Alike<'a> {
    fn of(state: &'a State) -> Self {
        let imports = state.imports().iter().map(|(_, one)| at(one));
        let packages = state.packages().iter().map(|(_, one)| bound(one));
        let mut alike: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (name, provider, place, names) in imports.chain(packages).filter(|at| !at.3.is_empty()) {
            alike.entry((name, provider, place)).or_default().insert(names);
        }
        Self(alike)
    }

    /// The place in words.
    fn words(&self, (name, provider, place, names): &At<'_>) -> String {
        let others = self.0.get(&(*name, *provider, *place)).filter(|_| !names.is_empty());
        match others.and_then(|others| apart(names, others)) {
            Some(apart) => format!("{place} ({apart})"),
            None => (*place).to_owned(),
        }
    }
}

impl Seen<'_> {
    pub(super) fn providers(&mut self, state: &State) {
        let (gone, alike) = (Gone::of(state), Alike::of(state));
        // What nobody has stopped there, and nobody saw gone.
        let mut kept: BTreeMap<At<'_>, Vec<&Held>> = BTreeMap::new();
        // A test key that is only disabled still holds the key.
        let holds = |held: &&Held| match &held.stopped {
            None => true,
            Some((_, stopped)) => held.drill && stopped.shred.how == ShredHow::Disable,
        };
        for held in state.held().filter(holds) {
            let there = at(&held.imported);
            if !gone.is_gone(&there, held.imported.version, held.time) {
                kept.entry(there).or_default().push(held);
            }
        }
        self.again(state, &kept, &alike);
        self.kept(state, &kept, &alike);
        self.packages(state, &gone, &alike);
    }

    /// What the provider will forget.
    fn again(&mut self, state: &State, kept: &BTreeMap<At<'_>, Vec<&Held>>, alike: &Alike<'_>) {
        // What a drill put into a test key is used nowhere.
        let trials: BTreeSet<_> =
            state.held().filter(|held| held.drill).map(|held| held.imported.package).collect();
        let mut there = BTreeMap::new();
        for (time, one) in state.imports().iter().filter(|(_, one)| !trials.contains(&one.package)) {
            there.insert(at(one), (one.version, *time));
        }
        for (at, (number, time)) in &there {
            let (name, provider, ..) = at;
            let Some(days) = self.policy.import_of(*provider) else { continue };
            let is_kept =
                |kept: &Vec<&Held>| kept.iter().any(|held| !held.drill && held.imported.version == *number);
            if may_protect(state, name, *number) && kept.get(at).is_some_and(is_kept) {
                let what = What::Import(number.get(), *provider, alike.words(at));
                self.put(what, name.as_str(), *time, days);
            }
        }
    }

    /// Test keys that are filled, and what is compromised: that protects wherever it is, until a later version is
    /// there, or it is stopped.
    fn kept(&mut self, state: &State, kept: &BTreeMap<At<'_>, Vec<&Held>>, alike: &Alike<'_>) {
        for (at, others) in kept {
            for held in others {
                let one = &held.imported;
                if held.drill {
                    let what = What::Trial(one.version.get(), one.provider, alike.words(at));
                    self.put(what, one.name.as_str(), held.time, self.policy.open_days);
                    continue;
                }
                let found = version(state, &one.name, one.version);
                let since = found.and_then(|found| found.compromised);
                let is_later = |other: &&Held| {
                    !other.drill && other.imported.version > one.version && other.time >= held.time
                };
                if others.iter().any(is_later) {
                    continue;
                }
                if let Some(destroyed) = found.filter(|found| found.certificate.is_some()) {
                    let what = What::Unbacked(one.version.get(), one.provider, alike.words(at));
                    self.put(what, one.name.as_str(), destroyed.since, 0);
                }
                if let Some(since) = since {
                    let what = What::Displacement(one.version.get(), one.provider, alike.words(at));
                    self.put(what, one.name.as_str(), since, 0);
                }
            }
        }
    }

    /// A package is done with when it, or a later one for the same place, was imported.
    fn packages(&mut self, state: &State, gone: &Gone<'_>, alike: &Alike<'_>) {
        let imported: BTreeSet<_> = state.imports().iter().map(|(_, one)| one.package).collect();
        for (time, one) in state.packages().iter().filter(|(_, one)| one.drill.is_some()) {
            let there = bound(one);
            if !imported.contains(&one.package) && !gone.is_gone(&there, one.version, *time) {
                let what = What::Sent(one.version.get(), one.provider, alike.words(&there), *time);
                self.put(what, one.name.as_str(), *time, self.policy.open_days);
            }
        }
        let Some(days) = self.policy.package_days else { return };
        let mut waiting = BTreeMap::new();
        for (time, one) in state.packages().iter().filter(|(_, one)| one.drill.is_none()) {
            let (name, provider, place, names) = bound(one);
            // An older record that doesn't say which of several: the next one takes its place.
            waiting.remove(&(name, provider, place, Target::new()));
            waiting.insert((name, provider, place, names), (one.version, *time, one.package));
        }
        for (at, (number, time, package)) in &waiting {
            let (name, provider, ..) = at;
            let is_done = imported.contains(package) || gone.is_gone(at, *number, *time);
            if may_protect(state, name, *number) && !is_done {
                let what = What::Package(number.get(), *provider, alike.words(at), *time);
                self.put(what, name.as_str(), *time, days);
            }
        }
    }
}

fn version<'a>(state: &'a State, name: &Label, version: NonZeroU32) -> Option<&'a KeyVersion> {
    state.keys().get(name)?.versions.get(&version)
}

fn may_protect(state: &State, name: &Label, number: NonZeroU32) -> bool {
    version(state, name, number).is_some_and(|one| one.state.may_protect())
}
