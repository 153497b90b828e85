//! What recovery does when the escrow, the log or another writer is in the way.

use super::*;
use crate::backup::OpenError;
use crate::log::{CommitError, Phase, Proof};
use crate::quorum::QuorumError;

fn escrow() -> (MemoryStore, Vec<Vec<u8>>) {
    let (store, cards) = found(2, 3);
    back_up(&store, &["orders", "payroll"]).unwrap();
    (store, cards)
}

fn file(store: &MemoryStore, name: &str) -> String {
    let escrow = open(store);
    let deposit = &escrow.version(&name.parse().unwrap()).unwrap().backed.deposit;
    backup_file(deposit.key, deposit.version)
}

#[test]
fn a_lost_or_altered_file_is_named_and_gives_no_key() {
    let (store, cards) = escrow();
    let whole = snapshot(&store);
    let (orders, payroll) = (file(&store, "orders"), file(&store, "payroll"));
    let record = quorum_file(open(&store).quorum().unwrap().id(), 1);
    let refused = |name: &str, bytes: Option<Vec<u8>>| {
        let store = restored(&whole);
        store.tamper(name, bytes);
        match recover(&store, &cards, &[1, 2], "orders") {
            Err(RecoverError::Escrow(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    for name in [&orders, &record] {
        assert_eq!(refused(name, None), EscrowError::Missing { name: name.clone() });
    }
    let mut altered = whole[&orders].clone();
    *altered.last_mut().unwrap() ^= 1;
    let wanted = EscrowError::Altered { name: orders.clone() };
    for bytes in [altered, vec![], whole[&payroll].clone()] {
        assert_eq!(refused(&orders, Some(bytes)), wanted);
    }
    assert!(matches!(refused(&orders, Some(vec![0; 1 << 20])), EscrowError::Store(_)));
    let mut altered = whole[&record].clone();
    altered[100] ^= 1;
    assert!(matches!(refused(&record, Some(altered)), EscrowError::Record { name, .. } if name == record));
    // The other key is as good as before.
    let store = restored(&whole);
    store.tamper(&orders, None);
    assert!(recover(&store, &cards, &[1, 2], "payroll").is_ok());
}

#[test]
fn another_record_of_the_same_quorum_is_not_the_one_that_the_log_names() {
    let (store, cards) = escrow();
    let escrow = open(&store);
    let record = escrow.quorum().unwrap();
    let quorum = gather(record.clone(), &cards, &[1, 2]).meet().unwrap();
    let mut terms = record.terms().clone();
    terms.custodians[2].name = "somebody else".to_owned();
    let other = QuorumRecord::sign(&quorum, record.commitments(), terms).unwrap();
    let name = quorum_file(record.id(), 1);
    store.tamper(&name, Some(other.bytes().to_vec()));
    assert_eq!(escrow.quorum(), Err(EscrowError::Altered { name: name.clone() }));
    assert_eq!(escrow.quorum_by_id(record.id()), Err(EscrowError::Altered { name }));
}

#[test]
fn too_few_cards_give_nothing_and_more_are_welcome() {
    let (store, cards) = escrow();
    let refused = recover(&store, &cards, &[2], "orders").unwrap_err();
    assert!(matches!(refused, RecoverError::Quorum(QuorumError::Combine(_))));
    assert_eq!(
        open(&store).state().open().values().map(|intent| intent.op).collect::<Vec<_>>(),
        [Op::Recover]
    );
    assert!(recover(&store, &cards, &[1, 2, 3], "orders").is_ok());
}

#[test]
fn the_cards_of_another_quorum_open_nothing() {
    let (store, old) = escrow();
    let (other, new) = found(2, 2);
    assert!(recover(&store, &old, &[1, 2], "orders@1").is_ok());
    let mut escrow = open(&store);
    let recovery = Recovery::begin(&mut escrow, &"orders@1".parse().unwrap(), "file").unwrap();
    let room = gather(open(&other).quorum().unwrap(), &new, &[1, 2]);
    let refused = recovery.open(&escrow, &room).unwrap_err();
    assert!(matches!(refused, RecoverError::Open { error: OpenError::Decrypt(_), .. }));
}

#[test]
fn a_key_that_is_in_the_log_as_failed_was_not_recovered() {
    let (store, _) = escrow();
    let mut escrow = open(&store);
    for phase in [Phase::Failed, Phase::Abandoned] {
        let recovery = Recovery::begin(&mut escrow, &"orders".parse().unwrap(), "age").unwrap();
        assert_eq!(escrow.state().open().len(), 1);
        recovery.end(&mut escrow, phase);
        assert!(escrow.state().open().is_empty());
    }
    assert_eq!(escrow.version(&"orders".parse().unwrap()).unwrap().recovered, None);
}

#[test]
fn a_key_whose_recovery_can_not_be_logged_is_not_released() {
    let (store, cards) = escrow();
    let full = faults::FullFrom::new(&store, 1);
    let refused = recover(&full, &cards, &[1, 2], "orders").unwrap_err();
    assert!(matches!(&refused, RecoverError::Log(error) if error.is_write()));
    assert_eq!(open(&store).version(&"orders".parse().unwrap()).unwrap().recovered, None);
    assert_eq!(open(&store).state().open().len(), 1);
    // And before anything secret: no card is asked for.
    let full = faults::FullFrom::new(&store, 0);
    let refused = Recovery::begin(&mut open(&full), &"orders".parse().unwrap(), "file").unwrap_err();
    assert!(matches!(refused, RecoverError::Log(CommitError::Store(_))));
    assert_eq!(open(&store).state().open().len(), 1);
    let refused = begin(&mut open(&full), &open_plan(2, 2)).unwrap_err();
    assert!(matches!(refused, FoundError::Log(CommitError::Store(_))));
    let make =
        |_: &Label, _: &mut Entropy| -> Result<KeyMaterial, GenerateError> { panic!("no key is made") };
    let refused = deposit(&mut open(&full), Op::Generate, &[label("new")], make, &mut Entropy::system());
    assert!(matches!(refused, Err(DepositError::Log(CommitError::Store(_)))));
}

#[test]
fn the_head_that_a_quorum_signs_is_the_one_before_its_record() {
    let (store, cards) = escrow();
    let mut escrow = open(&store);
    let recovery = Recovery::begin(&mut escrow, &"orders".parse().unwrap(), "file").unwrap();
    let room = gather(escrow.quorum().unwrap(), &cards, &[1, 3]);
    let (quorum, key) = recovery.open(&escrow, &room).unwrap();
    // While cards were typed, others backed keys up.
    back_up(&store, &["fresh"]).unwrap();
    let checkpoint = recovery.complete(&mut escrow, &quorum, &room, &key).unwrap();
    assert_eq!(super::super::inspect::check_heads(&open(&store)), vec![]);
    let mut proofs = Vec::new();
    Log::walk(&store, |record| proofs.extend(record.signed().map(|_| record.seq))).unwrap();
    assert_eq!(proofs.last(), Some(&checkpoint.seq()));
    // No second quorum comes beside the first.
    let founding = begin(&mut escrow, &open_plan(2, 2)).unwrap();
    let refused = founding.complete(&mut escrow).unwrap_err();
    assert!(matches!(refused, FoundError::Log(CommitError::Unfit(_))));
    assert_eq!(open(&store).state().quorums().len(), 1);
}

#[test]
fn a_place_that_no_record_knows_is_refused() {
    let (store, cards) = escrow();
    let mut escrow = open(&store);
    let recovery = Recovery::begin(&mut escrow, &"orders".parse().unwrap(), "the moon").unwrap();
    let room = gather(escrow.quorum().unwrap(), &cards, &[1, 3]);
    let (quorum, key) = recovery.open(&escrow, &room).unwrap();
    let refused = recovery.complete(&mut escrow, &quorum, &room, &key).unwrap_err();
    assert!(matches!(refused, RecoverError::Log(CommitError::Unfit(_))));
    // Nor is a proof of another key's fingerprint.
    let proof = Proof {
        intent: escrow.log().checkpoint().seq(),
        name: label("orders"),
        version: std::num::NonZeroU32::MIN,
        to: "file",
        cards: vec![1, 2],
        quorum: quorum.id(),
        fingerprint: escrow.version(&"payroll".parse().unwrap()).unwrap().backed.fingerprint,
        token: None,
        checks: Vec::new(),
    };
    let refused = escrow.record(Op::Recover, Phase::Done, &proof.done()).unwrap_err();
    assert!(matches!(refused, CommitError::Unfit(_)));
    assert!(Log::open(&store).is_ok());
}
