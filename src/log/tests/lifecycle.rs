//! States, lost cards, certificates and policies in the fold: everything that isn't allowed is refused,
//! whoever writes it.

use super::*;
use crate::key::Label;
use crate::log::policy::{CustodianFacts, Rotation, Separation};
use crate::log::{
    CardChange, CardId, Certificate, Fate, KeyState, Policy, Remains, ReportOf, StateChange, StateError,
};
use crate::provider::Provider;
use core::num::NonZeroU32;
use proptest::prelude::*;

fn change(from: KeyState, to: KeyState) -> StateChange {
    let (name, version) = ("orders".parse().unwrap(), NonZeroU32::MIN);
    StateChange { name, version, from, to, reason: "because".to_owned() }
}

/// A log with a quorum, and a key version that nobody has used yet.
fn fresh() -> (MemoryStore, Log) {
    let (store, mut log) = (MemoryStore::new(), Log::empty());
    for (seconds, said) in (0..).zip(story().into_iter().take(3)) {
        say(&mut log, &store, seconds, said).unwrap();
    }
    (store, log)
}

/// A log whose key version `orders@1` is in `state`, or as near to it as records come.
fn in_state(state: KeyState) -> (MemoryStore, Log) {
    let (store, mut log) = fresh();
    let way: &[KeyState] = match state {
        KeyState::Active => &[],
        KeyState::PreActivation => &[KeyState::PreActivation],
        KeyState::Destroyed => &[],
        KeyState::DestroyedCompromised => &[KeyState::Compromised],
        _ => &[state],
    };
    let mut from = KeyState::Active;
    for to in way {
        say(&mut log, &store, 50, vec![(Op::State, Phase::Done, change(from, *to).details())]).unwrap();
        from = *to;
    }
    if state.is_destroyed() {
        let details = certificate(&log, 1).details();
        say(&mut log, &store, 50, vec![(Op::Destroy, Phase::Done, details)]).unwrap();
    }
    (store, log)
}

fn certificate(log: &Log, number: u64) -> Certificate {
    let name: Label = "orders".parse().unwrap();
    let backup = log.state().keys()[&name].versions[&NonZeroU32::MIN].backed.backup;
    Certificate {
        number,
        what: Remains::Backup { name, version: NonZeroU32::MIN, backup },
        reason: "its data is gone".to_owned(),
        witnesses: vec!["Wim".to_owned(), "Vera".to_owned()],
    }
}

/// Every pair of states: what the table allows is taken, everything else refused, and nothing is changed.
#[test]
fn every_pair_of_states_is_as_the_standard_has_it() {
    let mut taken = Vec::new();
    for from in KeyState::ALL {
        for to in KeyState::ALL {
            let (store, mut log) = in_state(from);
            let before = log.head();
            let said = say(&mut log, &store, 60, vec![(Op::State, Phase::Done, change(from, to).details())]);
            let there = &log.state().keys()[&"orders".parse().unwrap()].versions[&NonZeroU32::MIN];
            if said.is_ok() {
                assert_eq!(there.state, to);
                taken.push((from.name(), to.name()));
            } else {
                assert_eq!((log.head(), there.state), (before, from), "{from} to {to}");
            }
            assert_eq!(Log::open(&store).unwrap().head(), log.head());
        }
    }
    let wanted = [
        ("pre-activation", "active"),
        ("pre-activation", "compromised"),
        ("active", "suspended"),
        ("active", "deactivated"),
        ("active", "compromised"),
        ("suspended", "active"),
        ("suspended", "deactivated"),
        ("suspended", "compromised"),
        ("deactivated", "compromised"),
        ("destroyed", "destroyed-compromised"),
    ];
    for pair in wanted {
        assert!(taken.contains(&pair), "{pair:?} is refused: {taken:?}");
    }
    // And back to the beginning, for what nobody has used.
    let more: Vec<_> = taken.into_iter().filter(|pair| !wanted.contains(pair)).collect();
    assert!(more.iter().all(|pair| *pair == ("active", "pre-activation")), "{more:?}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let (store, mut log) = small();
    let quorum = log.state().quorum().unwrap().founded.quorum;
    let card = CardId { quorum, generation: 1, index: 2 };
    let told = |card, fate| CardChange { card, fate, reason: "r".to_owned() }.details();
    let is_lost = |log: &Log| log.state().quorum().unwrap().cards.get(&2).and_then(|card| card.gone);
    let stranger = CardId { generation: 2, ..card };
    assert!(say(&mut log, &store, 50, vec![(Op::Card, Phase::Done, told(stranger, Fate::Lost))]).is_err());
    assert!(say(&mut log, &store, 50, vec![(Op::Card, Phase::Done, told(card, Fate::Found))]).is_err());
    assert!(say(&mut log, &store, 50, vec![(Op::Card, Phase::Intent, told(card, Fate::Lost))]).is_err());
    say(&mut log, &store, 50, vec![(Op::Card, Phase::Done, told(card, Fate::Lost))]).unwrap();
    assert_eq!(is_lost(&log), Some((at(50), Fate::Lost)));
    assert!(say(&mut log, &store, 51, vec![(Op::Card, Phase::Done, told(card, Fate::Lost))]).is_err());
    say(&mut log, &store, 51, vec![(Op::Card, Phase::Done, told(card, Fate::Stolen))]).unwrap();
    say(&mut log, &store, 52, vec![(Op::Card, Phase::Done, told(card, Fate::Found))]).unwrap();
    assert_eq!(is_lost(&log), None);
    // Certificates go on from 1, each of something that was there, once, before two people.
    let whole = certificate(&log, 1);
    let wrong = [
        Certificate { number: 2, ..whole.clone() },
        Certificate { witnesses: vec!["Wim".to_owned()], ..whole.clone() },
        Certificate { witnesses: vec!["Wim".to_owned(), "WIM".to_owned()], ..whole.clone() },
        Certificate { reason: String::new(), ..whole.clone() },
        Certificate { witnesses: vec!["Wim".to_owned(), "ANN".to_owned()], ..whole.clone() },
        Certificate {
            what: Remains::Backup {
                name: "orders".parse().unwrap(),
                version: NonZeroU32::MIN,
                backup: [9; 32],
            },
            ..whole.clone()
        },
        Certificate {
            what: Remains::Provider {
                name: "orders".parse().unwrap(),
                version: NonZeroU32::MIN,
                provider: Provider::Aws,
                place: "here".to_owned(),
            },
            ..whole.clone()
        },
    ];
    for one in wrong {
        let said = say(&mut log, &store, 53, vec![(Op::Destroy, Phase::Done, one.details())]);
        assert!(said.is_err(), "{one:?}");
    }
    say(&mut log, &store, 53, vec![(Op::Destroy, Phase::Done, whole.details())]).unwrap();
    let again = Certificate { number: 2, ..whole };
    assert!(say(&mut log, &store, 54, vec![(Op::Destroy, Phase::Done, again.details())]).is_err());
    let burnt = Certificate { what: Remains::Card(card), ..again };
    say(&mut log, &store, 54, vec![(Op::Destroy, Phase::Done, burnt.details())]).unwrap();
    assert!(say(&mut log, &store, 55, vec![(Op::Card, Phase::Done, told(card, Fate::Found))]).is_err());
    assert_eq!(log.state().certificates().len(), 2);
    assert_eq!(log.state().versions(), 0);
    assert_eq!(Log::open(&store).unwrap().state().next_certificate(), 3);
    let unknown =
        StateChange { name: "nothing".parse().unwrap(), ..change(KeyState::Active, KeyState::Suspended) };
    assert!(matches!(log.state().may_become(&unknown), Err(StateError::Version { .. })));
}

fn policies() -> impl Strategy<Value = Policy> {
    let days = || 1_u32..=3653;
    let rotation =
        ("[a-z*.-]{1,20}", proptest::option::of(0..KeyKind::ALL.len()), proptest::option::of(days()));
    let rotation = rotation.prop_map(|(name, kind, days)| Rotation {
        name,
        kind: kind.map(|at| KeyKind::ALL[at]),
        days,
    });
    let facts = (
        "[a-zé ]{0,9}[a-zé]",
        proptest::collection::vec("[a-z]{1,9}", 0..3),
        proptest::option::of("[A-Z]{1,9}"),
    );
    let facts =
        facts.prop_map(|(name, persons, site)| CustodianFacts { name, persons, manager: site.clone(), site });
    let numbers =
        (days(), days(), days(), days(), proptest::option::of(days()), proptest::option::of(0_u8..=255));
    let lists =
        (proptest::collection::vec(rotation, 0..4), proptest::collection::vec(facts, 0..4), any::<bool>());
    (numbers, lists).prop_map(
        |((drill_days, card_days, warn_days, open_days, package_days, spare_cards), lists)| {
            let (rotation, custodians, more) = lists;
            Policy {
                drill_days,
                card_days,
                warn_days,
                open_days,
                package_days,
                spare_cards,
                reports: if more { vec![ReportOf::Drill, ReportOf::Found] } else { Vec::new() },
                separation: if more { vec![Separation::Site] } else { Vec::new() },
                rotation,
                imports: Vec::new(),
                custodians,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// What is written is read, and holds as a whole.
    #[test]
    fn a_policy_comes_back(first in policies(), second in policies()) {
        let (store, mut log) = small();
        prop_assert_eq!(log.state().policy(), Policy::default());
        for policy in [first, second] {
            say(&mut log, &store, 50, vec![(Op::Policy, Phase::Done, policy.details())]).unwrap();
            prop_assert_eq!(Log::open(&store).unwrap().state().policy(), policy);
        }
    }
}
