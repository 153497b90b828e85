//! The watch over a log: what a drill says of all keys, what failed and is made good, what a compromise asks for.

use super::super::destroy::{DestroyError, certify};
use super::super::drill::{Choice, Nowhere, fewer_than, least_sample, suffices};
use super::super::watch::{Level, What, watch};
use super::drill::{drill, named};
use super::*;
use crate::key::KeyId;
use crate::log::policy::{ImportRule, after};
use crate::log::{
    Certificate, Closed, CommitError, Imported, InToken, KeyState, Packaged, Phase, Policy, Remains,
    Retirement, Shred, ShredBy, ShredHow, Shredded, StateChange,
};
use crate::primitive::hash::sha256;
use crate::provider::{ProofKind, Provider, Target};
use core::num::NonZeroU32;

/// What is due of an escrow so many days after its founding, of a kind: how pressing, and the words.
fn due(store: &dyn Store, days: u32, word: &str) -> Vec<(Level, String)> {
    let escrow = open(store);
    let record = escrow.quorum().unwrap();
    let seen = watch(escrow.state(), Some(&record), escrow.log().last_time(), after(now(), days)).unwrap();
    let items = seen.items.iter().filter(|item| item.what.word() == word);
    items.map(|item| (item.level, item.sentence())).collect()
}

fn overdue(store: &dyn Store, days: u32, word: &str) -> Vec<String> {
    let items = due(store, days, word).into_iter().filter(|(level, _)| *level == Level::Overdue);
    items.map(|(_, sentence)| sentence).collect()
}

fn sample(count: u32) -> Choice {
    Choice::Sample(NonZeroU32::new(count).unwrap())
}

fn keys(count: usize) -> (MemoryStore, Vec<Vec<u8>>) {
    let (store, cards) = found(2, 3);
    let names: Vec<String> = (0..count).map(|number| format!("k{number:03}")).collect();
    back_up(&store, &names.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    (store, cards)
}

fn set_policy(store: &dyn Store, policy: Policy) {
    open(store).record(Op::Policy, Phase::Done, &policy.details()).unwrap();
}

fn set(store: &dyn Store, name: &str, version: u32, from: KeyState, to: KeyState) {
    let (name, version) = (label(name), NonZeroU32::new(version).unwrap());
    let change = StateChange { name, version, from, to, reason: "r".to_owned() };
    open(store).record(Op::State, Phase::Done, &change.details()).unwrap();
}

fn destroy(store: &dyn Store, name: &str) {
    let mut escrow = open(store);
    let found = escrow.version(&name.parse().unwrap()).unwrap().backed.clone();
    let (name, version) = (found.deposit.name, found.deposit.version);
    let what = Remains::Backup { name, version, backup: found.backup };
    certify(&mut escrow, &what, "r", &["Wim".to_owned(), "Vera".to_owned()]).unwrap();
}

/// The least sample that the policy takes, against counting: the chance that it misses as many bad ones.
#[test]
fn a_sample_is_large_enough_or_not() {
    for population in 1..=60_u64 {
        for percent in [1, 5, 20, 100] {
            // At least so many bad ones are to be found: less than that would be less than `percent`.
            let bad = (population * u64::from(percent)).div_ceil(100).max(1);
            let misses = |count: u64| {
                (0..bad).fold(1.0, |chance, one| {
                    chance * population.saturating_sub(count + one) as f64 / (population - one) as f64
                })
            };
            let least = (1..=population).find(|count| misses(*count) <= 0.05).unwrap();
            assert_eq!(least_sample(population, percent), least, "{percent} % of {population}");
            for count in 0..=population {
                assert_eq!(suffices(population, count, percent), count >= least, "{count} of {population}");
                let shown = fewer_than(population, count);
                assert_eq!(count > 0 && shown <= bad, suffices(population, count, percent));
            }
        }
    }
    assert_eq!(least_sample(10_000, 1), 294);
    assert_eq!((least_sample(0, 1), least_sample(1, 1)), (0, 1));
    assert!(!suffices(100_000, 1, 1) && suffices(100_000, 299, 1));
}

#[test]
fn a_drill_of_a_few_is_none_of_all() {
    let (store, cards) = keys(30);
    let first = "the first drill of all keys, or of a sample of 29";
    assert_eq!(overdue(&store, 365, "drill"), [first]);
    drill(&store, &cards, &sample(1), &mut Nowhere).unwrap();
    let at = now();
    let small = format!("{first}; that of {at} was of 1 of 30, drawn, too few for the policy");
    assert_eq!(overdue(&store, 365, "drill"), [small]);
    drill(&store, &cards, &named(&["k001"]), &mut Nowhere).unwrap();
    let small = format!("{first}; that of {at} was of 1 of 30, named");
    assert_eq!(overdue(&store, 365, "drill"), [small]);
    // All but one, drawn, are not enough for one per cent; they are for twenty.
    drill(&store, &cards, &sample(20), &mut Nowhere).unwrap();
    assert_eq!(overdue(&store, 365, "drill").len(), 1);
    set_policy(&store, Policy { drill_percent: 20, ..Policy::default() });
    assert_eq!(overdue(&store, 364, "drill"), [""; 0]);
    assert_eq!(
        overdue(&store, 365, "drill"),
        [format!("a drill of all keys, or of a sample of 11; the last good one was {at}")]
    );
    set_policy(&store, Policy::default());
    // Who names all of them has drilled all of them.
    let all: Vec<String> = (0..30).map(|number| format!("k{number:03}")).collect();
    drill(&store, &cards, &named(&all.iter().map(String::as_str).collect::<Vec<_>>()), &mut Nowhere).unwrap();
    assert_eq!(overdue(&store, 364, "drill"), [""; 0]);
    assert_eq!(
        overdue(&store, 365, "drill"),
        [format!("a drill of all keys, or of a sample of 29; the last good one was {at}")]
    );
}

/// More fail than a record names: those that it names are made good one by one, the others by a drill of all.
#[test]
fn failures_beyond_the_listed_names_stay_until_all_are_proven() {
    let (store, cards) = keys(103);
    let whole = snapshot(&store);
    let backups: Vec<String> = store.names().into_iter().filter(|name| name.starts_with("keys/")).collect();
    backups.iter().for_each(|name| store.tamper(name, None));
    let (_, failed) = drill(&store, &cards, &Choice::All, &mut Nowhere).unwrap();
    assert_eq!(failed.len(), 103);
    let at = now();
    let said = |count: u32| format!("drills since {at} could not recover {count} key versions");
    assert!(overdue(&store, 0, "drill").contains(&said(103)));
    // Put back: a recovery makes one good that is named, a certificate another, a drill by name a third.
    backups.iter().for_each(|name| store.tamper(name, whole.get(name).cloned()));
    recover(&store, &cards, &[1, 2], "k000").unwrap();
    assert!(overdue(&store, 0, "drill").contains(&said(102)));
    destroy(&store, "k001@1");
    assert!(overdue(&store, 0, "drill").contains(&said(101)));
    drill(&store, &cards, &named(&["k002"]), &mut Nowhere).unwrap();
    assert!(overdue(&store, 0, "drill").contains(&said(100)));
    // One that no record names changes nothing: nobody can tell that it was among them.
    recover(&store, &cards, &[1, 2], "k102").unwrap();
    assert!(overdue(&store, 0, "drill").contains(&said(100)));
    // When it fails by name, it is not counted twice.
    let gone = backup_of(&store, "k102");
    let kept = store.read(&gone, 1 << 20).unwrap();
    store.tamper(&gone, None);
    drill(&store, &cards, &named(&["k102"]), &mut Nowhere).unwrap();
    assert!(overdue(&store, 0, "drill").contains(&said(101)));
    store.tamper(&gone, kept);
    drill(&store, &cards, &Choice::All, &mut Nowhere).unwrap();
    assert_eq!(overdue(&store, 0, "drill"), [""; 0]);
}

fn backup_of(store: &dyn Store, name: &str) -> String {
    let escrow = open(store);
    let deposit = &escrow.version(&name.parse().unwrap()).unwrap().backed.deposit;
    backup_file(deposit.key, deposit.version)
}

#[test]
fn a_compromise_asks_for_a_replacement_until_there_is_one() {
    use KeyState::{Active, Compromised, Deactivated, PreActivation, Suspended};
    let fresh = || keys(1).0;
    let next = "the next version of k000, since version 1 is compromised";
    let store = fresh();
    set(&store, "k000", 1, Active, Compromised);
    assert_eq!(overdue(&store, 0, "rotation"), [next]);
    // Its backup is destroyed: that replaces nothing.
    destroy(&store, "k000@1");
    assert_eq!(overdue(&store, 0, "rotation"), [next]);
    assert_eq!(overdue(&store, 3000, "rotation"), [next]);
    // A version that waits, is suspended, or was destroyed too, is none yet.
    back_up(&store, &["k000"]).unwrap();
    assert_eq!(overdue(&store, 0, "rotation"), [""; 0]);
    set(&store, "k000", 2, Active, PreActivation);
    assert_eq!(
        overdue(&store, 0, "rotation"),
        ["version 2 of k000 is not active yet, and version 1 is compromised"]
    );
    set(&store, "k000", 2, PreActivation, Active);
    assert_eq!(overdue(&store, 0, "rotation"), [""; 0]);
    set(&store, "k000", 2, Active, Suspended);
    assert_eq!(overdue(&store, 0, "rotation"), [next]);
    assert_eq!(due(&store, 0, "suspended").len(), 1);
    assert_eq!(overdue(&store, 89, "suspended"), [""; 0]);
    let at = now();
    assert_eq!(
        overdue(&store, 90, "suspended"),
        [format!("the end of the suspension of k000 version 2, which is of {at}")]
    );
    set_policy(&store, Policy { suspended_days: None, ..Policy::default() });
    assert_eq!(overdue(&store, 3000, "suspended"), [""; 0]);
    // A later version that was ended is none that could be used: who wants no other says so.
    set(&store, "k000", 2, Suspended, Deactivated);
    assert_eq!(overdue(&store, 3000, "rotation"), [next]);
    // Or somebody says that none is wanted.
    let store = fresh();
    set(&store, "k000", 1, Active, Compromised);
    let none = Retirement { name: label("k000"), reason: "r".to_owned() }.details();
    open(&store).record(Op::Retire, Phase::Done, &none).unwrap();
    destroy(&store, "k000@1");
    assert_eq!(overdue(&store, 3000, "rotation"), [""; 0]);
    // An older version in use doesn't stand for a later one that leaked.
    let store = fresh();
    back_up(&store, &["k000"]).unwrap();
    set(&store, "k000", 2, Active, Compromised);
    destroy(&store, "k000@2");
    assert_eq!(overdue(&store, 0, "rotation"), ["the next version of k000, since version 2 is compromised"]);
}

#[test]
fn a_key_that_may_leave_its_token_is_due() {
    let (store, _) = keys(1);
    let token = InToken::new("box", "0001");
    // As one that came from a token is logged, which a test has none of.
    let mut backed = open(&store).version(&"k000".parse().unwrap()).unwrap().backed.clone();
    backed.deposit.name = label("born");
    backed.deposit.key = KeyId::parse("ABCDEFGHIJKLMNOP").unwrap();
    backed.deposit.token = Some(token.clone());
    let intent = open(&store).record(Op::Add, Phase::Intent, &backed.deposit.intent()).unwrap().seq();
    open(&store).record(Op::Add, Phase::Done, &backed.done(intent)).unwrap();
    let said = "born version 1 may still leave its token box (serial 0001)";
    assert_eq!(due(&store, 0, "token"), [(Level::Later, said.to_owned())]);
    assert_eq!(overdue(&store, 1, "token"), [said]);
    // A certificate accounts for one whose backup was destroyed.
    let other = restored(&snapshot(&store));
    let what = Remains::Backup { name: label("born"), version: NonZeroU32::MIN, backup: backed.backup };
    let witnesses = vec!["Wim".to_owned(), "Vera".to_owned()];
    let gone = Certificate { number: 1, what, reason: "r".to_owned(), witnesses };
    open(&other).record(Op::Destroy, Phase::Done, &gone.details()).unwrap();
    assert_eq!(due(&other, 3000, "token"), []);
    set_policy(&store, Policy { leave_days: Some(30), ..Policy::default() });
    assert_eq!((overdue(&store, 29, "token").len(), overdue(&store, 30, "token").len()), (0, 1));
    set_policy(&store, Policy { leave_days: None, ..Policy::default() });
    assert_eq!(due(&store, 3000, "token"), []);
    set_policy(&store, Policy::default());
    let closed = Closed { name: label("born"), version: NonZeroU32::MIN, token, lost: None }.done();
    open(&store).record(Op::Close, Phase::Done, &closed).unwrap();
    assert_eq!(due(&store, 3000, "token"), []);
}

#[test]
fn a_compromised_version_is_to_go_from_where_it_is() {
    let (store, _) = keys(1);
    let at_provider = |version: u32, place: &str| {
        let mut escrow = open(&store);
        let name: KeyName = format!("k000@{version}").parse().unwrap();
        let fingerprint = escrow.version(&name).unwrap().backed.fingerprint;
        let (name, version) = (label("k000"), NonZeroU32::new(version).unwrap());
        let (provider, proof, place) = (Provider::Aws, ProofKind::MaterialId, place.to_owned());
        let package = sha256(&[place.as_bytes(), &version.get().to_be_bytes()]);
        let packaged = Packaged {
            name: name.clone(),
            version,
            fingerprint,
            provider,
            place: place.clone(),
            package,
            request: [2; 32],
            wrapping_key: [3; 32],
            blob: [4; 32],
            proof,
            target: Target::new(),
            drill: None,
        };
        escrow.record(Op::Package, Phase::Done, &packaged.done()).unwrap();
        let (target, id, evidence) = (Target::new(), None, "ab".to_owned());
        let imported = Imported { name, version, provider, place, package, proof, evidence, target, id };
        escrow.record(Op::Import, Phase::Done, &imported.done()).unwrap();
        imported
    };
    let said = |place: &str| format!("k000 version 1 is compromised, and still at aws {place}");
    let there = at_provider(1, "a");
    at_provider(1, "b");
    set(&store, "k000", 1, KeyState::Active, KeyState::Compromised);
    back_up(&store, &["k000"]).unwrap();
    // There is a later version, but not where the compromised one is used.
    assert_eq!(overdue(&store, 0, "rotation"), [said("a"), said("b")]);
    let newer = at_provider(2, "b");
    assert_eq!(overdue(&store, 0, "rotation"), [said("a")]);
    destroy(&store, "k000@1");
    assert_eq!(overdue(&store, 0, "rotation"), [said("a")]);
    // It is stopped there, or people saw that it is gone.
    let before = snapshot(&store);
    let shred = Shred::of(&there, ShredHow::Disable);
    let mut escrow = open(&store);
    let intent = escrow.record(Op::Shred, Phase::Intent, &shred.intent()).unwrap().seq();
    let done = Shredded { shred, by: ShredBy::Hand, state: "disabled".to_owned(), until: None };
    escrow.record(Op::Shred, Phase::Done, &done.done(intent)).unwrap();
    assert_eq!(overdue(&store, 0, "rotation"), [""; 0]);
    // What is stopped need not be brought again before the provider forgets it.
    let rule = ImportRule { provider: Provider::Aws, days: 10 };
    set_policy(&store, Policy { imports: vec![rule], ..Policy::default() });
    let again = "k000 version 2 has to be imported again: aws at b will forget it";
    assert_eq!(overdue(&store, 10, "import"), [again]);
    // And what stood in for the compromised version stands in no more.
    let stop = Shred::of(&newer, ShredHow::Disable);
    let mut escrow = open(&store);
    let intent = escrow.record(Op::Shred, Phase::Intent, &stop.intent()).unwrap().seq();
    let done = Shredded { shred: stop, by: ShredBy::Hand, state: "disabled".to_owned(), until: None };
    escrow.record(Op::Shred, Phase::Done, &done.done(intent)).unwrap();
    let last = "k000 version 1 is at aws b, and its backup is destroyed: nothing brings it back from there";
    assert_eq!(overdue(&store, 10, "import"), [last]);
    assert_eq!(overdue(&store, 0, "rotation"), [said("b")]);
    let other = restored(&before);
    let Imported { name, version, provider, place, .. } = there;
    let what = Remains::Provider { name, version, provider, place, target: Target::new() };
    certify(&mut open(&other), &what, "r", &["Wim".to_owned(), "Vera".to_owned()]).unwrap();
    assert_eq!(overdue(&other, 0, "rotation"), [""; 0]);
}

/// Records that don't have all names of a place mean what they meant.
#[test]
fn what_older_records_say_of_places_stays() {
    let (store, _) = keys(1);
    let named = |server: &str| -> Target {
        [("key".to_owned(), "c".to_owned()), ("server".to_owned(), server.to_owned())].into()
    };
    let packaged = |target: Target| {
        let mut escrow = open(&store);
        let fingerprint = escrow.version(&"k000@1".parse().unwrap()).unwrap().backed.fingerprint;
        let packaged = Packaged {
            name: label("k000"),
            version: NonZeroU32::MIN,
            fingerprint,
            provider: Provider::OpenBao,
            place: "c".to_owned(),
            package: sha256(&[format!("{target:?}").as_bytes()]),
            request: [2; 32],
            wrapping_key: [3; 32],
            blob: [4; 32],
            proof: ProofKind::Decrypt,
            target,
            drill: None,
        };
        escrow.record(Op::Package, Phase::Done, &packaged.done()).unwrap();
        packaged
    };
    let imported = |of: &Packaged| {
        let Packaged { name, version, provider, place, package, proof, target, .. } = of.clone();
        let (evidence, id) = ("ab".to_owned(), None);
        let imported = Imported { name, version, provider, place, package, proof, evidence, target, id };
        open(&store).record(Op::Import, Phase::Done, &imported.done()).unwrap();
    };
    let certified = |target: Target| {
        let (name, version, place) = (label("k000"), NonZeroU32::MIN, "c".to_owned());
        let what = Remains::Provider { name, version, provider: Provider::OpenBao, place, target };
        let number = open(&store).state().next_certificate();
        Certificate { number, what, reason: "r".to_owned(), witnesses: vec!["Wim".into(), "Vera".into()] }
    };
    let waits = |apart: &str| format!("the import of k000 version 1 at openbao c{apart}; its package is of");
    let due = || {
        overdue(&store, 30, "package")
            .iter()
            .map(|said| said.rsplit_once(' ').unwrap().0.to_owned())
            .collect()
    };
    // A package that doesn't say which: the next one takes its place, whatever that says.
    packaged(Target::new());
    let found: Vec<String> = due();
    assert_eq!(found, [waits("")]);
    let one = packaged(named("one"));
    let found: Vec<String> = due();
    assert_eq!(found, [waits("")]);
    let two = packaged(named("two"));
    let found: Vec<String> = due();
    assert_eq!(found, [waits(" (server one)"), waits(" (server two)")]);
    imported(&one);
    imported(&two);
    set(&store, "k000", 1, KeyState::Active, KeyState::Compromised);
    let still =
        |server: &str| format!("k000 version 1 is compromised, and still at openbao c (server {server})");
    assert_eq!(overdue(&store, 0, "rotation")[1..], [still("one"), still("two")]);
    // Nobody writes a certificate that doesn't say which, or of a place that isn't known.
    let witnesses = ["Wim".to_owned(), "Vera".to_owned()];
    for (target, error) in
        [(Target::new(), DestroyError::Several { count: 2 }), (named("three"), DestroyError::Nowhere)]
    {
        let refused = certify(&mut open(&store), &certified(target).what, "r", &witnesses);
        assert!(matches!(refused, Err(CommitError::Refused(found)) if found == error));
    }
    let unknown = certified(named("three")).details();
    assert!(open(&store).record(Op::Destroy, Phase::Done, &unknown).is_err());
    // An older one is of all.
    let older = restored(&snapshot(&store));
    let all = certified(Target::new()).details();
    open(&older).record(Op::Destroy, Phase::Done, &all).unwrap();
    assert_eq!(overdue(&older, 0, "rotation").len(), 1);
    open(&store).record(Op::Destroy, Phase::Done, &certified(named("one")).details()).unwrap();
    assert_eq!(overdue(&store, 0, "rotation")[1..], [still("two")]);
}

/// Every kind of thing has a word that the metrics and `status` know.
#[test]
fn every_word_is_listed_once_and_in_order() {
    assert!(What::WORDS.windows(2).all(|pair| pair[0] < pair[1]));
}
