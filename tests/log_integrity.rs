//! What keeps a log readable and its signatures true while writers meet faults and each other.
#![allow(clippy::unwrap_used)]

use quorate::ceremony::deposit::{DepositError, deposit};
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::found::{Founding, Plan, Seal, Seat};
use quorate::ceremony::inspect::{check_heads, inspect};
use quorate::ceremony::recover::{Gathering, Recovery};
use quorate::key::{GenerateError, KeyKind, KeyMaterial, Label, generate};
use quorate::log::{CommitError, Op, Phase};
use quorate::primitive::random::Entropy;
use quorate::seal::{Cost, SealedShare};
use quorate::store::{Fault, FaultyStore, MemoryStore, Store};
use quorate::wire::json::{Json, object};
use quorate::wire::time::Timestamp;

fn now() -> Timestamp {
    Timestamp::from_unix(1_795_464_000).unwrap()
}

fn key(_: &Label, entropy: &mut Entropy) -> Result<KeyMaterial, GenerateError> {
    generate(KeyKind::Aes128, entropy)
}

/// A quorum of two open cards and the backup of one key.
fn founded(store: &dyn Store) -> Vec<SealedShare> {
    let mut escrow = Escrow::new(store, &now, "founder");
    let seat = |name: &str| Seat { name: name.into(), role: None, seal: Seal::Open };
    let plan = Plan::new(2, vec![seat("Alice"), seat("Bob")], None, Cost::LEAST).unwrap();
    let mut entropy = Entropy::system();
    let founding = Founding::begin(&mut escrow, &plan, 1, &|_, _| None, &|_| (), &mut entropy).unwrap();
    let cards = founding.cards().iter().map(|card| SealedShare::read(card.expose()).unwrap()).collect();
    founding.complete(&mut escrow).unwrap();
    deposit(&mut escrow, Op::Generate, &["orders".parse().unwrap()], key, &mut entropy).unwrap();
    cards
}

#[test]
fn a_signature_fits_when_another_writer_came_between() {
    let store = MemoryStore::new();
    let cards = founded(&store);
    let mut escrow = Escrow::open(&store, &now, "operator").unwrap();
    let recovery = Recovery::begin(&mut escrow, &"orders".parse().unwrap(), "file").unwrap();
    let mut gathering = Gathering::new(escrow.quorum().unwrap());
    for card in cards {
        let share = card.open_plain();
        let index = gathering.present(card).unwrap();
        gathering.unsealed(index, share).unwrap();
    }
    let (quorum, record) = recovery.open(&escrow, &gathering).unwrap();
    let mut other = Escrow::open(&store, &now, "somebody else").unwrap();
    other.record(Op::Check, Phase::Done, &object([("card", Some(Json::Number(1)))])).unwrap();
    recovery.complete(&mut escrow, &quorum, &gathering, &record).unwrap();
    let again = Escrow::open(&store, &now, "reader").unwrap();
    assert_eq!(check_heads(&again), []);
    assert_eq!(inspect(&again).unwrap().findings, []);
}

#[test]
fn a_record_that_does_not_fit_is_never_written() {
    let store = MemoryStore::new();
    founded(&store);
    let mut escrow = Escrow::open(&store, &now, "operator").unwrap();
    let ends = object([("intent", Some(Json::Number(1)))]);
    let before = escrow.log().checkpoint();
    assert!(matches!(escrow.record(Op::Add, Phase::Failed, &ends), Err(CommitError::Unfit(_))));
    assert!(matches!(escrow.record(Op::Check, Phase::Intent, &ends), Err(CommitError::Unfit(_))));
    let text = Json::text("not an object");
    assert!(matches!(escrow.record(Op::Check, Phase::Done, &text), Err(CommitError::Unfit(_))));
    let mut nameless = Escrow::open(&store, &now, " ").unwrap();
    assert!(matches!(nameless.record(Op::Check, Phase::Done, &ends), Err(CommitError::Unfit(_))));
    assert_eq!(Escrow::open(&store, &now, "reader").unwrap().log().checkpoint(), before);
}

#[test]
fn after_any_fault_the_next_deposit_of_the_key_succeeds() {
    // The creates of a deposit: intent, object, done; then the record of the failure.
    for fault in [Fault::Full, Fault::LostReply] {
        for at in 0..4 {
            let store = MemoryStore::new();
            founded(&store);
            let faulty = FaultyStore::new(store, fault, at);
            let names = ["orders".parse().unwrap()];
            let mut entropy = Entropy::system();
            let mut escrow = Escrow::open(&faulty, &now, "operator").unwrap();
            let met = deposit(&mut escrow, Op::Generate, &names, key, &mut entropy);
            // A commit whose reply was lost is read back and counts.
            assert_eq!(met.is_ok(), at == 3 || (fault == Fault::LostReply && at != 1));
            assert!(!matches!(met, Err(DepositError::Source { .. })));
            let store = faulty.into_inner();
            let mut escrow = Escrow::open(&store, &now, "operator").unwrap();
            let backed = deposit(&mut escrow, Op::Generate, &names, key, &mut entropy).unwrap();
            let version = escrow.version(&"orders".parse().unwrap()).unwrap();
            assert_eq!(version.backed, backed[0]);
            escrow.backup(version).unwrap();
        }
    }
}
