//! States, lost cards, certificates and policies in the fold: everything that isn't allowed is refused,
//! whoever writes it.

use super::*;
use crate::key::Label;
use crate::log::policy::{CustodianFacts, Rotation, Separation};
use crate::log::{
    CardChange, CardId, Certificate, Fate, KeyState, Policy, Remains, ReportOf, Reported, Retirement,
    StateChange, StateError,
};
use crate::provider::{Provider, Target};
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
                target: Target::new(),
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

#[test]
fn a_key_is_retired_when_none_of_its_versions_is_in_use() {
    let retired = |log: &Log| log.state().keys()[&"orders".parse().unwrap()].retired;
    let retire = |name: &str| {
        let details = Retirement { name: name.parse().unwrap(), reason: "r".to_owned() }.details();
        vec![(Op::Retire, Phase::Done, details)]
    };
    for state in KeyState::ALL {
        let (store, mut log) = in_state(state);
        let said = say(&mut log, &store, 70, retire("orders"));
        let is_used = matches!(state, KeyState::Active | KeyState::PreActivation);
        assert_eq!((said.is_err(), retired(&log)), (is_used, (!is_used).then(|| at(70))), "{state}");
        assert!(say(&mut log, &store, 71, retire("orders")).is_err(), "twice");
        assert!(say(&mut log, &store, 71, retire("nothing")).is_err());
        let intent = retire("orders").into_iter().map(|(op, _, details)| (op, Phase::Intent, details));
        assert!(say(&mut log, &store, 71, intent.collect()).is_err());
        if is_used {
            continue;
        }
        // One that becomes active again takes it back, and so does a further version.
        if state.next().contains(&KeyState::Active) {
            let again = change(state, KeyState::Active).details();
            say(&mut log, &store, 72, vec![(Op::State, Phase::Done, again)]).unwrap();
            assert_eq!(retired(&log), None);
        }
        let begun = log.checkpoint().seq() + 1;
        let next = vec![
            (Op::Generate, Phase::Intent, deposit(2).intent()),
            (Op::Generate, Phase::Done, backed(2).done(begun)),
        ];
        say(&mut log, &store, 73, next).unwrap();
        assert_eq!(retired(&log), None);
        assert_eq!(Log::open(&store).unwrap().head(), log.head());
    }
}

#[test]
fn a_compromise_is_remembered_whatever_comes_after_it() {
    let since = |log: &Log| {
        let one = &log.state().keys()[&"orders".parse().unwrap()].versions[&NonZeroU32::MIN];
        (one.state, one.compromised)
    };
    let (_, log) = in_state(KeyState::DestroyedCompromised);
    assert_eq!(since(&log), (KeyState::DestroyedCompromised, Some(at(50))));
    let (store, mut log) = in_state(KeyState::Destroyed);
    let late = change(KeyState::Destroyed, KeyState::DestroyedCompromised).details();
    say(&mut log, &store, 60, vec![(Op::State, Phase::Done, late)]).unwrap();
    assert_eq!(since(&log), (KeyState::DestroyedCompromised, Some(at(60))));
    assert_eq!(since(&in_state(KeyState::Suspended).1), (KeyState::Suspended, None));
}

/// A policy spells nothing that it needn't: what came later, only where it isn't as usual.
#[test]
fn what_a_policy_may_leave_out_it_must() {
    let (store, mut log) = small();
    let with = |field: &'static str, value: u64| {
        let Json::Object(mut fields) = Policy::default().details() else { panic!() };
        fields.push((field.into(), Json::Number(value)));
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        vec![(Op::Policy, Phase::Done, Json::Object(fields))]
    };
    for (field, usual, fits, wrong) in [
        ("leave-days", 1, [0, 2, 3653], [3654, 1 << 40]),
        ("suspended-days", 90, [0, 1, 3653], [3654, 1 << 40]),
        ("drill-percent", 1, [2, 50, 100], [0, 101]),
    ] {
        for value in fits {
            say(&mut log, &store, 60, with(field, value)).unwrap();
        }
        for value in wrong.into_iter().chain([usual]) {
            assert!(say(&mut log, &store, 60, with(field, value)).is_err(), "{field} {value}");
        }
    }
}

#[test]
fn a_report_that_is_owed_stays_owed() {
    let (store, mut log) = small();
    let policy = |reports: &[ReportOf]| {
        let policy = Policy { reports: reports.to_vec(), ..Policy::default() };
        vec![(Op::Policy, Phase::Done, policy.details())]
    };
    let owed =
        |log: &Log| log.state().owed().iter().map(|(kind, (seq, _))| (*kind, *seq)).collect::<Vec<_>>();
    let recover = |log: &mut Log, store: &MemoryStore| {
        let intent = log.checkpoint().seq() + 1;
        say(log, store, 60, vec![(Op::Recover, Phase::Intent, recovers())]).unwrap();
        say(log, store, 60, vec![(Op::Recover, Phase::Done, signed(proof(intent).done(), 1))]).unwrap();
        intent + 1
    };
    let report = |log: &mut Log, store: &MemoryStore, ended: u64| {
        let quorum = founded().quorum;
        let said = Reported { kind: ReportOf::Recover, quorum, ended, digest: [1; 32], paper: None };
        say(log, store, 60, vec![(Op::Report, Phase::Done, signed(said.details(), 1))]).unwrap();
    };
    // What was done before any policy asked for it needs none.
    recover(&mut log, &store);
    say(&mut log, &store, 60, policy(&[ReportOf::Recover])).unwrap();
    assert_eq!(owed(&log), []);
    let first = recover(&mut log, &store);
    assert_eq!(owed(&log), [(ReportOf::Recover, first)]);
    // No later policy forgives it, and no report of something earlier.
    say(&mut log, &store, 60, policy(&[ReportOf::Recover])).unwrap();
    say(&mut log, &store, 60, policy(&[])).unwrap();
    report(&mut log, &store, first - 2);
    assert_eq!(owed(&log), [(ReportOf::Recover, first)]);
    // A later one does, also when records of packages stand between; then nothing is asked for any more.
    let last = recover(&mut log, &store);
    assert_eq!(owed(&log), [(ReportOf::Recover, first)]);
    say(&mut log, &store, 60, vec![(Op::Check, Phase::Done, nothing())]).unwrap();
    report(&mut log, &store, last + 1);
    assert_eq!(owed(&log), []);
    recover(&mut log, &store);
    assert_eq!(owed(&log), []);
    assert_eq!(owed(&Log::open(&store).unwrap()), []);
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
    let later = (proptest::option::of(days()), proptest::option::of(days()), 1_u8..=100);
    let lists =
        (proptest::collection::vec(rotation, 0..4), proptest::collection::vec(facts, 0..4), any::<bool>());
    (numbers, later, lists).prop_map(
        |((drill_days, card_days, warn_days, open_days, package_days, spare_cards), later, lists)| {
            let (rotation, custodians, more) = lists;
            let (leave_days, suspended_days, drill_percent) = later;
            Policy {
                drill_days,
                card_days,
                warn_days,
                open_days,
                package_days,
                leave_days,
                suspended_days,
                drill_percent,
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
