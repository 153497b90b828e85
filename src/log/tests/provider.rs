//! Packages and imports: of versions that are there, of packages that were made, and nothing else.

use super::*;
use crate::log::{Held, Imported, Packaged, Shred, ShredBy, ShredHow, Shredded};
use crate::provider::{ProofKind, Provider, Target};

fn packaged() -> Packaged {
    Packaged {
        name: "orders".parse().unwrap(),
        version: NonZeroU32::MIN,
        fingerprint: backed(1).fingerprint,
        provider: Provider::Aws,
        place: "arn:aws:kms:eu-west-1:1:key/a".to_owned(),
        package: [1; 32],
        request: [2; 32],
        wrapping_key: [3; 32],
        blob: [4; 32],
        proof: ProofKind::MaterialId,
        target: Target::new(),
        drill: None,
    }
}

fn imported() -> Imported {
    let Packaged { name, version, provider, place, package, proof, .. } = packaged();
    let target = [("key".to_owned(), place.clone())].into();
    let (evidence, id) = ("ab".repeat(32), Some("1@2026-11-28T00:00:00Z".to_owned()));
    Imported { name, version, provider, place, package, proof, evidence, target, id }
}

fn package(details: Json<'static>) -> Said {
    vec![(Op::Package, Phase::Done, details)]
}

fn import(details: Json<'static>) -> Said {
    vec![(Op::Import, Phase::Done, details)]
}

#[test]
fn the_state_knows_what_went_where() {
    let (store, mut log) = small();
    say(&mut log, &store, 20, package(packaged().done())).unwrap();
    say(&mut log, &store, 30, import(imported().done())).unwrap();
    let log = Log::open(&store).unwrap();
    assert_eq!(log.state().packages(), [(at(20), packaged())]);
    assert_eq!(log.state().imports(), [(at(30), imported())]);
    // One that was written before the names of the place were kept.
    let old = Imported { target: Target::new(), id: None, ..imported() };
    let (store, mut log) = small();
    say(&mut log, &store, 20, package(packaged().done())).unwrap();
    say(&mut log, &store, 30, import(old.done())).unwrap();
    assert_eq!(Log::open(&store).unwrap().state().imports(), [(at(30), old)]);
}

fn shred(how: ShredHow) -> Shred {
    Shred::of(&imported(), how)
}

fn shredded(how: ShredHow) -> Shredded {
    Shredded { shred: shred(how), by: ShredBy::Program, state: "ending".to_owned(), until: Some(at(99)) }
}

fn stop(phase: Phase, details: Json<'static>) -> Said {
    vec![(Op::Shred, phase, details)]
}

#[test]
fn what_is_stopped_is_known_until_it_is_imported_again() {
    let (store, mut log) = small();
    say(&mut log, &store, 20, package(packaged().done())).unwrap();
    // Nothing was imported yet.
    assert!(say(&mut log, &store, 25, stop(Phase::Intent, shred(ShredHow::Delete).intent())).is_err());
    say(&mut log, &store, 30, import(imported().done())).unwrap();
    say(&mut log, &store, 40, stop(Phase::Intent, shred(ShredHow::Destroy).intent())).unwrap();
    let intent = log.checkpoint().seq();
    assert_eq!(log.state().open()[&intent].shreds, Some(shred(ShredHow::Destroy)));
    // Another way, another place, no intent.
    for wrong in [
        stop(Phase::Done, shredded(ShredHow::Delete).done(intent)),
        stop(Phase::Done, shredded(ShredHow::Destroy).done(1)),
        stop(
            Phase::Done,
            Shredded { state: "Ending!".to_owned(), ..shredded(ShredHow::Destroy) }.done(intent),
        ),
        stop(Phase::Intent, Shred { place: "other".to_owned(), ..shred(ShredHow::Delete) }.intent()),
        stop(Phase::Intent, Shred { target: Target::new(), ..shred(ShredHow::Delete) }.intent()),
    ] {
        assert!(say(&mut log, &store, 50, wrong).is_err());
    }
    say(&mut log, &store, 50, stop(Phase::Done, shredded(ShredHow::Destroy).done(intent))).unwrap();
    let read = Log::open(&store).unwrap();
    let held: Vec<_> = read.state().held().collect();
    let wanted = Held {
        time: at(30),
        imported: imported(),
        stopped: Some((at(50), shredded(ShredHow::Destroy))),
        drill: false,
    };
    assert_eq!(held, [&wanted]);
    assert!(read.state().open().is_empty());
    say(&mut log, &store, 60, import(imported().done())).unwrap();
    let held: Vec<_> = log.state().held().collect();
    assert_eq!(held, [&Held { time: at(60), imported: imported(), stopped: None, drill: false }]);
}

#[test]
fn what_fits_nothing_is_refused() {
    let (store, mut log) = small();
    let version = NonZeroU32::new(9).unwrap();
    for wrong in [
        Packaged { name: "other".parse().unwrap(), ..packaged() },
        Packaged { version, ..packaged() },
        Packaged { fingerprint: Fingerprint::parse(&"5b".repeat(32)).unwrap(), ..packaged() },
        Packaged { place: String::new(), ..packaged() },
        Packaged { place: "a b".to_owned(), ..packaged() },
        Packaged { place: "a".repeat(513), ..packaged() },
    ] {
        assert!(say(&mut log, &store, 20, package(wrong.done())).is_err(), "{wrong:?}");
    }
    // Nothing was packaged yet.
    assert!(say(&mut log, &store, 20, import(imported().done())).is_err());
    say(&mut log, &store, 20, package(packaged().done())).unwrap();
    for wrong in [
        Imported { name: "other".parse().unwrap(), ..imported() },
        Imported { version, ..imported() },
        Imported { provider: Provider::Gcp, ..imported() },
        Imported { place: "arn:aws:kms:eu-west-1:1:key/b".to_owned(), ..imported() },
        Imported { package: [9; 32], ..imported() },
        Imported { proof: ProofKind::Statement, ..imported() },
        Imported { evidence: "a\nb".to_owned(), ..imported() },
    ] {
        assert!(say(&mut log, &store, 30, import(wrong.done())).is_err(), "{wrong:?}");
    }
    for phase in [Phase::Intent, Phase::Failed, Phase::Abandoned] {
        assert!(say(&mut log, &store, 30, vec![(Op::Package, phase, packaged().done())]).is_err());
        assert!(say(&mut log, &store, 30, vec![(Op::Import, phase, ends(1))]).is_err());
    }
    assert!(log.state().imports().is_empty());
}

/// A package that a drill made is for a test key: it needs the drill's open intent, and what it brings is in no use.
#[test]
fn what_a_drill_sends_out_is_told_from_what_is_used() {
    let (store, mut log) = small();
    let drill = |log: &Log| {
        let quorum = log.state().quorum().unwrap().founded.quorum;
        let keys = log.state().versions_of(quorum).map(|(name, version)| (name.clone(), version)).collect();
        vec![(Op::Drill, Phase::Intent, Drill::of(quorum, Scope::Named, 1, keys).intent())]
    };
    // No drill, and what is no drill.
    assert!(say(&mut log, &store, 20, package(packaged().in_drill(1).done())).is_err());
    assert!(say(&mut log, &store, 20, package(packaged().in_drill(99).done())).is_err());
    let intent = drill(&log);
    say(&mut log, &store, 20, intent).unwrap();
    let seq = log.checkpoint().seq();
    say(&mut log, &store, 30, package(packaged().in_drill(seq).done())).unwrap();
    let ended = object([("intent", Some(Json::Number(seq)))]);
    say(&mut log, &store, 31, vec![(Op::Drill, Phase::Failed, ended)]).unwrap();
    assert!(say(&mut log, &store, 32, package(packaged().in_drill(seq).done())).is_err());
    say(&mut log, &store, 40, import(imported().done())).unwrap();
    let held: Vec<_> = log.state().held().map(|held| held.drill).collect();
    assert_eq!(held, [true]);
    // The same key in a package that is to be used, at the same place: it is used from then on.
    let again = Packaged { package: [9; 32], ..packaged() };
    say(&mut log, &store, 50, package(again.done())).unwrap();
    say(&mut log, &store, 60, import(Imported { package: [9; 32], ..imported() }.done())).unwrap();
    let read = Log::open(&store).unwrap();
    assert_eq!(read.state().held().map(|held| held.drill).collect::<Vec<_>>(), [false]);
    assert_eq!(read.state().packages()[0].1.drill, Some(seq));
    // Where a key is in use, no drill's record is believed: not by another name of that place either.
    for (key, place) in [("arn:aws:kms:eu-west-1:1:key/a", "key"), ("a", "key"), ("alias/x", "key")] {
        let (store, mut log) = small();
        let here = [("key".to_owned(), "arn:aws:kms:eu-west-1:1:key/a".to_owned())].into();
        say(&mut log, &store, 20, package(packaged().done())).unwrap();
        say(&mut log, &store, 30, import(Imported { target: here, ..imported() }.done())).unwrap();
        let intent = drill(&log);
        say(&mut log, &store, 40, intent).unwrap();
        let seq = log.checkpoint().seq();
        let test = Packaged { package: [7; 32], place: key.to_owned(), ..packaged() };
        say(&mut log, &store, 50, package(test.in_drill(seq).done())).unwrap();
        let target: Target = [(place.to_owned(), key.to_owned())].into();
        let brought = Imported { package: [7; 32], place: key.to_owned(), target, ..imported() };
        assert!(say(&mut log, &store, 60, import(brought.done())).is_err(), "{key}");
    }
    // An import goes where its package says.
    let (store, mut log) = small();
    let target: Target = [("key".to_owned(), "a".to_owned()), ("region".to_owned(), "x".to_owned())].into();
    say(&mut log, &store, 20, package(Packaged { target: target.clone(), ..packaged() }.done())).unwrap();
    assert!(say(&mut log, &store, 30, import(imported().done())).is_err());
    say(&mut log, &store, 30, import(Imported { target, ..imported() }.done())).unwrap();
}
