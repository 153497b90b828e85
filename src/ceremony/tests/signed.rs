//! Operators and quorums in one log: what a quorum's signature is worth in the hands of others.

use super::*;
use crate::ceremony::inspect::check_heads;
use crate::hand::{Hand, hand};
use crate::log::{
    CommitError, Entry, Founded, LogError, Next, OperatorChange, Phase, Proof, Record, ReportOf, Reported,
    Role, Salvage, Salvaged, Unauthorised,
};
use crate::share::QuorumId;
use crate::wire::json::{Json, object};
use core::num::NonZeroU32;
use core::sync::atomic::{AtomicUsize, Ordering};

fn add(name: &str, hand: &Hand, roles: &[Role]) -> OperatorChange {
    OperatorChange::Add { name: name.to_owned(), key: hand.1.clone(), roles: roles.iter().copied().collect() }
}

fn change(escrow: &mut Escrow<'_>, change: &OperatorChange) {
    escrow.record(Op::Operator, Phase::Done, &change.details()).unwrap();
}

/// A quorum whose log has a founder (1) and a recoverer (3).
fn staffed(flora: &Hand, rita: &Hand) -> (MemoryStore, Vec<Vec<u8>>) {
    let (store, cards) = found(2, 3);
    {
        let mut escrow = open(&store);
        escrow.sign_with(flora);
        change(&mut escrow, &add("flora", flora, &Role::ALL));
        change(&mut escrow, &add("rita", rita, &[Role::Recoverer]));
    }
    (store, cards)
}

fn with_signature(details: Json<'static>) -> Json<'static> {
    let mut entry = Entry { actor: "m".to_owned(), op: Op::Found, phase: Phase::Done, details };
    entry.sign(&[7; 64]);
    entry.details
}

/// A line by somebody without a key.
fn put(store: &MemoryStore, op: Op, details: Json<'static>) {
    let log = Log::open(store).unwrap();
    let entry = Entry { actor: "m".to_owned(), op, phase: Phase::Done, details };
    let line = Record::after(log.head(), now(), entry).line();
    store.create(&Log::file(log.commits() + 1), &line).unwrap();
}

#[test]
fn a_line_that_was_there_before_its_operator_spoils_nothing() {
    let (flora, nora) = (hand(1), hand(2));
    let (store, cards) = staffed(&flora, &hand(3));
    let first = Log::open(&store).unwrap().commits() + 1;
    // Anybody's line in Nora's name, before the quorum names her; and then all of it in one file.
    let log = Log::open(&store).unwrap();
    let next = Next { head: log.head(), time: now(), signer: Some(nora.1.fingerprint()) };
    let entry = Entry { actor: "m".into(), op: Op::Check, phase: Phase::Done, details: object([]) };
    store.create(&Log::file(first), &next.record(entry).line()).unwrap();
    let mut escrow = open(&store);
    let quorum = gather(escrow.quorum().unwrap(), &cards, &[1, 2]).meet().unwrap();
    let named = add("nora", &nora, &Role::ALL).details_by(quorum.id());
    escrow.record_signed(Op::Operator, Phase::Done, &named, &quorum).unwrap();
    escrow.sign_with(&nora);
    let names: Vec<Label> = ["a", "b", "c"].map(label).to_vec();
    deposit(&mut escrow, Op::Generate, &names, aes, &mut Entropy::system()).unwrap();
    let before = Log::open(&store).unwrap();
    assert_eq!((before.state().versions(), before.voids()), (3, 1));
    let file = |number: u64| store.read(&Log::file(number), 1 << 20).unwrap().unwrap();
    let all: Vec<u8> = (first..=before.commits()).flat_map(file).collect();
    (first..=before.commits()).for_each(|number| store.tamper(&Log::file(number), None));
    store.tamper(&Log::file(first), Some(all));
    let after = Log::open(&store).unwrap();
    assert_eq!((after.checkpoint(), after.void()), (before.checkpoint(), before.void()));
    assert_eq!(format!("{:?}", after.state()), format!("{:?}", before.state()));
    assert_eq!(after.signed_upto(), before.signed_upto());
}

#[test]
fn what_seems_signed_by_a_quorum_is_acknowledged_as_anything_else() {
    let (flora, rita) = (hand(1), hand(3));
    let (store, _) = staffed(&flora, &rita);
    let upto = open(&store).log().signed_upto();
    let own = open(&store).state().quorum().unwrap().founded.quorum;
    for quorum in [QuorumId::from_bytes([9; 10]), own] {
        put(&store, Op::Recover, with_signature(object([("quorum", Some(Json::text(quorum.text())))])));
        put(&store, Op::Check, with_signature(object([("quorum", Some(Json::text(quorum.text())))])));
    }
    let mut escrow = open(&store);
    assert_eq!((escrow.log().unacknowledged(), escrow.log().signed_upto()), (4, upto));
    escrow.sign_with(&flora);
    let (upto, void) = (escrow.log().last_void().unwrap(), escrow.log().void_digest());
    change(&mut escrow, &OperatorChange::Acknowledge { upto, void });
    let escrow = open(&store);
    assert_eq!((escrow.log().unacknowledged(), check_heads(&escrow)), (0, vec![]));
}

#[test]
fn a_quorum_that_nobody_has_proves_nothing() {
    let (flora, rita) = (hand(1), hand(3));
    let (store, _) = staffed(&flora, &rita);
    let mut escrow = open(&store);
    escrow.sign_with(&rita);
    let quorum = QuorumId::from_bytes([9; 10]);
    let salvage = Salvage { backup: [1; 32], name: label("payroll"), version: NonZeroU32::MIN, quorum };
    let intent = escrow.record(Op::Salvage, Phase::Intent, &salvage.intent("file")).unwrap().seq();
    let fingerprint = crate::key::Fingerprint::parse(&"5a".repeat(32)).unwrap();
    let founded = Founded { quorum, generation: 1, record: [2; 32] };
    let salvaged = Salvaged { salvage, quorum: founded, to: "file", cards: vec![1, 2], fingerprint };
    let refused = escrow.record(Op::Salvage, Phase::Done, &with_signature(salvaged.done(intent)));
    assert_eq!(refused, Err(CommitError::Unauthorised(Unauthorised::Unproven { quorum })));
    let report = Reported { kind: ReportOf::Salvage, quorum, ended: intent, digest: [4; 32], paper: None };
    assert!(escrow.record(Op::Report, Phase::Done, &with_signature(report.details())).is_err());
    assert!(escrow.state().salvaged().is_empty());
}

#[test]
fn without_the_quorums_record_nothing_it_signed_is_believed_or_undone() {
    let (flora, rita, nora) = (hand(1), hand(3), hand(2));
    let (store, cards) = staffed(&flora, &rita);
    {
        let mut escrow = open(&store);
        escrow.sign_with(&flora);
        deposit(&mut escrow, Op::Generate, &[label("orders")], aes, &mut Entropy::system()).unwrap();
    }
    let founded = open(&store).state().quorum().unwrap().founded.clone();
    let name = quorum_file(founded.quorum, 1);
    let file = store.read(&name, 1 << 20).unwrap();
    store.tamper(&name, None);
    // A recoverer claims a recovery while nobody can compare.
    let mut escrow = open(&store);
    escrow.sign_with(&rita);
    let intent = object([
        ("name", Some(Json::text("orders"))),
        ("to", Some(Json::text("file"))),
        ("version", Some(Json::Number(1))),
    ]);
    let begun = escrow.record(Op::Recover, Phase::Intent, &intent).unwrap().seq();
    let fingerprint = escrow.version(&"orders".parse().unwrap()).unwrap().backed.fingerprint;
    let proof = Proof {
        intent: begun,
        name: label("orders"),
        version: NonZeroU32::MIN,
        to: "file",
        cards: vec![1, 2],
        quorum: founded.quorum,
        fingerprint,
        token: None,
        checks: Vec::new(),
    };
    escrow.record(Op::Recover, Phase::Done, &with_signature(proof.done())).unwrap();
    let seen = open(&store);
    assert_eq!(seen.version(&"orders".parse().unwrap()).unwrap().recovered, None);
    assert!(!check_heads(&seen).is_empty());
    // With the record back it is void.
    store.tamper(&name, file.clone());
    assert_eq!(open(&store).log().voids(), 1);

    // Whom the quorum named stays named: without its record the log is refused, not read otherwise.
    let mut escrow = open(&store);
    let quorum = gather(escrow.quorum().unwrap(), &cards, &[1, 2]).meet().unwrap();
    let named = add("nora", &nora, &Role::ALL).details_by(quorum.id());
    escrow.record_signed(Op::Operator, Phase::Done, &named, &quorum).unwrap();
    escrow.sign_with(&nora);
    change(&mut escrow, &OperatorChange::Revoke { operator: flora.1.fingerprint() });
    for absent in [None, Some(b"another".to_vec())] {
        store.tamper(&name, absent);
        assert!(
            matches!(Log::open(&store), Err(LogError::Quorum { quorum, .. }) if quorum == founded.quorum)
        );
    }
    store.tamper(&name, file);
    assert!(open(&store).state().operators().named("flora").is_none());
}

/// A file that is named by every line of a stranger is read once, or not at all.
#[test]
fn a_stranger_has_no_file_read_again_and_again() {
    struct Counting<'a>(&'a MemoryStore, AtomicUsize);
    impl Store for Counting<'_> {
        fn create(&self, name: &str, bytes: &[u8]) -> Result<(), crate::store::StoreError> {
            self.0.create(name, bytes)
        }
        fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, crate::store::StoreError> {
            self.1.fetch_add(usize::from(name.starts_with("quorum/")), Ordering::SeqCst);
            self.0.read(name, most)
        }
        fn list(&self, folder: &str) -> Result<Vec<String>, crate::store::StoreError> {
            self.0.list(folder)
        }
    }
    let salvaged = |quorum| {
        let salvage = Salvage { backup: [1; 32], name: label("p"), version: NonZeroU32::MIN, quorum };
        let fingerprint = crate::key::Fingerprint::parse(&"5a".repeat(32)).unwrap();
        let quorum = Founded { quorum, generation: 1, record: [2; 32] };
        (salvage.clone(), Salvaged { salvage, quorum, to: "file", cards: vec![], fingerprint })
    };
    for signs in [true, false] {
        let store = if signs { staffed(&hand(1), &hand(3)).0 } else { found(2, 3).0 };
        let quorum = QuorumId::from_bytes([9; 10]);
        store.tamper(&quorum_file(quorum, 1), Some(vec![b'x'; 1000]));
        let before = Counting(&store, AtomicUsize::new(0));
        Log::open(&before).unwrap();
        for _ in 0..50 {
            let (salvage, done) = salvaged(quorum);
            let intent = if signs {
                1
            } else {
                open(&store).record(Op::Salvage, Phase::Intent, &salvage.intent("file")).unwrap().seq()
            };
            put(&store, Op::Salvage, with_signature(done.done(intent)));
        }
        let after = Counting(&store, AtomicUsize::new(0));
        assert_eq!(Log::open(&after).unwrap().voids(), 50);
        assert_eq!(after.1.into_inner() - before.1.into_inner(), usize::from(!signs));
    }
}
