//! Drills: what is covered, what fails and is named, what the log says of it, and what a sample tells.

use super::super::drill::{Choice, DrillError, Drilling, Nowhere, Target, fewer_than};
use super::super::inspect::check_heads;
use super::*;
use crate::key::KeyRecord;
use crate::log::{CommitError, Drill, Drilled, Phase, Scope, Times, Why, digest};
use crate::wire::json::Json;
use core::num::NonZeroU32;

const TIMES: Times = Times { gather: 1, meet: 2, open: 3, whole: 6 };

fn escrow() -> (MemoryStore, Vec<Vec<u8>>) {
    let (store, cards) = found(2, 3);
    for names in [&["a", "b", "c"][..], &["b"]] {
        back_up(&store, names).unwrap();
    }
    (store, cards)
}

/// What a drill proved, and what it missed.
pub(super) type Outcome = (Vec<String>, Vec<(String, Why)>);

/// Drills what `choice` says; the versions that came out, and those that failed.
pub(super) fn drill(
    store: &dyn Store,
    cards: &[Vec<u8>],
    choice: &Choice,
    target: &mut dyn Target,
) -> Result<Outcome, DrillError> {
    let mut escrow = open(store);
    let record = escrow.quorum().unwrap();
    let begun = Drilling::begin(&mut escrow, record.id(), choice, &mut Entropy::system());
    let drilling = match begun {
        Ok(drilling) => drilling,
        Err(CommitError::Refused(error)) => return Err(error),
        Err(error) => panic!("{error}"),
    };
    let room = gather(record, cards, &[1, 3]);
    let quorum = room.meet().unwrap();
    let mut told = 0;
    let missed = drilling.prove(&escrow, &quorum, target, &mut |count| told = count);
    assert_eq!(told, drilling.chosen().len());
    let name = |name: &Label, version: NonZeroU32| format!("{name}@{version}");
    let chosen = drilling.chosen().iter().map(|(label, version)| name(label, *version)).collect();
    let failed = missed.iter().map(|one| (name(&one.failed.name, one.failed.version), one.failed.why));
    let failed = failed.collect();
    drilling.complete(&mut escrow, &quorum, &room, target, &missed, TIMES).unwrap();
    assert_eq!(check_heads(&escrow), vec![]);
    Ok((chosen, failed))
}

fn drilled(store: &dyn Store) -> Vec<String> {
    let escrow = open(store);
    let keys = escrow.state().keys().iter();
    let versions =
        keys.flat_map(|(name, key)| key.versions.iter().map(move |(version, one)| (name, version, one)));
    versions
        .filter(|(_, _, one)| one.drilled == Some(now()))
        .map(|(name, version, _)| format!("{name}@{version}"))
        .collect()
}

pub(super) fn named(names: &[&str]) -> Choice {
    Choice::Named(names.iter().map(|name| name.parse().unwrap()).collect())
}

#[test]
fn what_is_chosen_is_proven_and_logged() {
    for (choice, wanted) in [
        (Choice::All, &["a@1", "b@1", "b@2", "c@1"][..]),
        (named(&["b"]), &["b@1", "b@2"]),
        (named(&["c", "b@1", "c@1"]), &["b@1", "c@1"]),
        (Choice::Sample(NonZeroU32::new(9).unwrap()), &["a@1", "b@1", "b@2", "c@1"]),
    ] {
        let (store, cards) = escrow();
        let (chosen, failed) = drill(&store, &cards, &choice, &mut Nowhere).unwrap();
        assert_eq!(
            (chosen.as_slice(), failed.len()),
            (&wanted.iter().map(ToString::to_string).collect::<Vec<_>>()[..], 0)
        );
        assert_eq!(drilled(&store), wanted);
        let escrow = open(&store);
        let [entry] = escrow.state().drills() else { panic!() };
        let Drilled { drill, to, cards, failures, times, .. } = &entry.drilled;
        assert_eq!((drill.population, drill.count), (4, wanted.len() as u64));
        assert_eq!((*to, &cards[..], *failures, *times), ("nowhere", &[1, 3][..], 0, TIMES));
        assert!(escrow.state().open().is_empty());
        assert!(
            escrow
                .state()
                .keys()
                .values()
                .all(|key| key.versions.values().all(|one| one.recovered.is_none()))
        );
    }
    let (store, cards) = escrow();
    let one = Choice::Sample(NonZeroU32::MIN);
    let (chosen, _) = drill(&store, &cards, &one, &mut Nowhere).unwrap();
    assert_eq!(chosen, drilled(&store));
    assert_eq!(open(&store).state().drills()[0].drilled.drill.scope, Scope::Sample);
}

#[test]
fn every_version_is_drawn_now_and_then() {
    let (store, cards) = escrow();
    let mut seen = std::collections::BTreeSet::new();
    // All four are missed with a probability below 4 x (3/4)^100, one in 10^12.
    for _ in 0..100 {
        let one = Choice::Sample(NonZeroU32::MIN);
        let mut escrow = open(&store);
        let quorum = escrow.quorum().unwrap().id();
        let drilling = Drilling::begin(&mut escrow, quorum, &one, &mut Entropy::system()).unwrap();
        assert_eq!(drilling.chosen().len(), 1);
        seen.extend(drilling.chosen().iter().cloned());
        drilling.end(&mut escrow, Phase::Abandoned);
    }
    assert_eq!(seen.len(), 4);
    assert!(drill(&store, &cards, &Choice::All, &mut Nowhere).is_ok());
}

#[test]
fn a_backup_that_fails_is_named_and_the_rest_goes_on() {
    let (store, cards) = escrow();
    let file = |name: &str| {
        let escrow = open(&store);
        let deposit = escrow.version(&name.parse().unwrap()).unwrap().backed.deposit.clone();
        backup_file(deposit.key, deposit.version)
    };
    store.tamper(&file("a"), None);
    let mut altered = store.read(&file("b@1"), 1 << 20).unwrap().unwrap();
    *altered.last_mut().unwrap() ^= 1;
    store.tamper(&file("b@1"), Some(altered));
    store.tamper(&file("c"), Some(vec![0; 1 << 20]));
    let (_, failed) = drill(&store, &cards, &Choice::All, &mut Nowhere).unwrap();
    let wanted = [("a@1", Why::Missing), ("b@1", Why::Altered), ("c@1", Why::Unreadable)];
    assert_eq!(failed, wanted.map(|(name, why)| (name.to_owned(), why)));
    assert_eq!(drilled(&store), ["b@2"]);
    let escrow = open(&store);
    assert_eq!(escrow.state().drills()[0].drilled.failures, 3);
}

/// A place that refuses one key.
struct Full(Vec<String>);

impl Target for Full {
    fn word(&self) -> &'static str {
        "token"
    }

    fn take(&mut self, key: &KeyRecord) -> Result<(), String> {
        self.0.push(format!("{}@{}", key.facts().label, key.facts().version));
        if self.0.len() == 2 { Err("the token is full".to_owned()) } else { Ok(()) }
    }
}

#[test]
fn a_target_takes_each_key_and_may_refuse() {
    let (store, cards) = escrow();
    let mut full = Full(Vec::new());
    let (chosen, failed) = drill(&store, &cards, &Choice::All, &mut full).unwrap();
    assert_eq!(full.0, chosen);
    assert_eq!(failed, [("b@1".to_owned(), Why::Target)]);
    assert_eq!(open(&store).state().drills()[0].drilled.to, "token");
}

#[test]
fn what_cannot_be_drilled_is_refused_before_the_log() {
    let (store, cards) = found(2, 3);
    let refused = |choice: &Choice| drill(&store, &cards, choice, &mut Nowhere).unwrap_err();
    let sample = Choice::Sample(NonZeroU32::MIN);
    for choice in [Choice::All, Choice::Named(vec![]), sample] {
        assert_eq!(refused(&choice), DrillError::NoKeys);
    }
    back_up(&store, &["a"]).unwrap();
    let before = open(&store).log().checkpoint();
    assert!(
        matches!(refused(&named(&["a", "z"])), DrillError::Escrow(EscrowError::NoKey { name }) if name == label("z"))
    );
    assert!(matches!(refused(&named(&["a@2"])), DrillError::Escrow(EscrowError::NoVersion { .. })));
    assert_eq!(open(&store).log().checkpoint(), before);
}

/// A record that claims to have drilled other keys than there are is refused by every reader.
#[test]
fn a_drill_of_other_keys_is_no_drill() {
    let (store, cards) = escrow();
    let mut escrow = open(&store);
    let record = escrow.quorum().unwrap();
    let drilling = Drilling::begin(&mut escrow, record.id(), &Choice::All, &mut Entropy::system()).unwrap();
    let good = drilling.drill().clone();
    let mut try_intent = |change: &dyn Fn(&mut Drill)| {
        let mut drill = good.clone();
        change(&mut drill);
        escrow.record(Op::Drill, Phase::Intent, &drill.intent()).is_ok()
    };
    assert!(try_intent(&|_| ()));
    assert!(!try_intent(&|drill| drill.population = 5));
    assert!(!try_intent(&|drill| drill.count = 3));
    assert!(!try_intent(&|drill| drill.keys.truncate(3)));
    assert!(!try_intent(&|drill| {
        drill.keys.truncate(3);
        drill.count = 3;
    }));
    assert!(!try_intent(&|drill| drill.keys.swap(0, 1)));
    assert!(!try_intent(&|drill| drill.keys[0].0 = label("z")));
    assert!(!try_intent(&|drill| drill.digest = Some([0; 32])));
    let all = [("a", 1), ("b", 1), ("b", 2), ("c", 1)]
        .map(|(name, version)| (label(name), NonZeroU32::new(version).unwrap()));
    assert!(try_intent(&|drill| {
        drill.digest = Some(digest(all.iter().map(|(name, version)| (name, *version))));
        drill.keys.clear();
    }));
    // The end must say what the beginning said, and count its failures.
    let room = gather(record, &cards, &[1, 2]);
    let quorum = room.meet().unwrap();
    let done = |change: &dyn Fn(&mut Drilled)| {
        let mut drilled = Drilled {
            drill: good.clone(),
            to: "nowhere",
            cards: vec![1, 2],
            failures: 0,
            failed: vec![],
            times: TIMES,
        };
        change(&mut drilled);
        drilled.done(5)
    };
    let mut escrow = open(&store);
    let intent = *escrow.state().open().keys().next().unwrap();
    let end = |details: Json<'static>| match details {
        Json::Object(fields) => Json::Object(
            fields
                .into_iter()
                .map(
                    |(name, value)| {
                        if name == "intent" { (name, Json::Number(intent)) } else { (name, value) }
                    },
                )
                .collect(),
        ),
        other => other,
    };
    for wrong in [
        done(&|drilled| drilled.drill.scope = Scope::Named),
        done(&|drilled| drilled.failures = 1),
        done(&|drilled| drilled.to = "elsewhere"),
    ] {
        assert!(escrow.record_signed(Op::Drill, Phase::Done, &end(wrong), &quorum).is_err());
    }
    assert!(escrow.record_signed(Op::Drill, Phase::Done, &end(done(&|_| ())), &quorum).is_ok());
}

/// A drill of more versions than a record names is known by the digest of their list.
#[test]
fn a_drill_of_many_is_known_by_digest() {
    let (store, cards) = found(2, 3);
    let names: Vec<String> = (0..crate::log::LISTED + 1).map(|n| format!("k{n}")).collect();
    back_up(&store, &names.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    let (chosen, failed) = drill(&store, &cards, &Choice::All, &mut Nowhere).unwrap();
    assert_eq!((chosen.len(), failed.len()), (names.len(), 0));
    assert_eq!(drilled(&store).len(), names.len());
    let mut escrow = open(&store);
    let drill = escrow.state().drills()[0].drilled.drill.clone();
    assert!(drill.keys.is_empty() && drill.digest.is_some());
    // Of as many as there are, by name: a list of others is none of all.
    let named = Drill { scope: Scope::Named, ..drill };
    let wrong = Drill { digest: Some([0; 32]), ..named.clone() };
    assert!(escrow.record(Op::Drill, Phase::Intent, &wrong.intent()).is_err());
    let fewer = Drill { count: named.count - 1, ..wrong };
    assert!(escrow.record(Op::Drill, Phase::Intent, &fewer.intent()).is_ok());
    assert!(escrow.record(Op::Drill, Phase::Intent, &named.intent()).is_ok());
    // One more key, and the list is another one.
    back_up(&store, &["more"]).unwrap();
    let stale = Drill { population: named.population + 1, count: named.count + 1, ..named };
    assert!(open(&store).record(Op::Drill, Phase::Intent, &stale.intent()).is_err());
}

/// Against counting every choice, for every small population.
#[test]
fn what_a_sample_tells_is_exact() {
    let choose =
        |n: u64, k: u64| (0..k).fold(1_u128, |product, i| product * u128::from(n - i) / u128::from(i + 1));
    for population in 1..=40_u64 {
        for count in 1..=population {
            // In twentieths, so that no fraction is rounded.
            let shows = |bad: u64| {
                let clean = population - bad;
                let missed = if count > clean { 0 } else { choose(clean, count) };
                missed * 20 <= choose(population, count)
            };
            let wanted = (0..=population).find(|bad| shows(*bad)).unwrap();
            assert_eq!(fewer_than(population, count), wanted, "{count} of {population}");
        }
    }
    // 300 clean of many: fewer than 1 % are bad.
    for population in [1_000_u64, 10_000, 100_000, 10_000_000] {
        assert!(fewer_than(population, 300) * 100 <= population, "{population}");
    }
}
