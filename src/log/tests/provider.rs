//! Packages and imports: of versions that are there, of packages that were made, and nothing else.

use super::*;
use crate::log::{Imported, Packaged};
use crate::provider::{ProofKind, Provider};

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
    }
}

fn imported() -> Imported {
    let Packaged { name, version, provider, place, package, proof, .. } = packaged();
    Imported { name, version, provider, place, package, proof, evidence: "ab".repeat(32) }
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
