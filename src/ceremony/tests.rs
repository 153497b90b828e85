//! The whole walk in memory: a quorum is founded, keys are backed up, cards bring them back.

#![allow(clippy::arithmetic_side_effects, reason = "tests; the numbers are small")]

use super::deposit::{DepositError, deposit};
use super::escrow::{Escrow, EscrowError, backup_file, quorum_file};
use super::found::{FoundError, Founding, Plan, Seal, Seat};
use super::recover::{Gathering, PresentError, RecoverError, Recovery};
use crate::age::{Identity, Kind};
use crate::key::{GenerateError, KeyKind, KeyMaterial, KeyName, Label, generate, generate_opaque};
use crate::log::{Backed, Log, Op};
use crate::primitive::random::Entropy;
use crate::quorum::QuorumRecord;
use crate::seal::{Cost, SealedShare};
use crate::secret::Passphrase;
use crate::store::{MemoryStore, Store};
use crate::wire::time::Timestamp;
use std::collections::BTreeMap;

mod deposits;
mod drill;
mod faults;
mod gathering;
mod inspection;
mod recovery;
mod report;
mod salvage;
mod script;
mod signed;
mod watch;

fn now() -> Timestamp {
    Timestamp::from_unix(1_795_464_000).unwrap()
}

fn open(store: &dyn Store) -> Escrow<'_> {
    Escrow::open(store, &now, "ann").unwrap()
}

fn seat(index: usize, seal: Seal) -> Seat {
    Seat { name: format!("custodian {index}"), role: None, seal }
}

fn plan(m: usize, seals: Vec<Seal>) -> Plan {
    let seats = (1..).zip(seals).map(|(index, seal)| seat(index, seal)).collect();
    Plan::new(m, seats, Some("Acme".to_owned()), Cost::LEAST).unwrap()
}

fn open_plan(m: usize, n: usize) -> Plan {
    plan(m, (0..n).map(|_| Seal::Open).collect())
}

fn begin(escrow: &mut Escrow<'_>, plan: &Plan) -> Result<Founding, FoundError> {
    Founding::begin(escrow, plan, 2, &|_, _| None, &|_| (), &mut Entropy::system())
}

/// Founds a quorum in a new escrow; its cards, as bytes.
fn try_found(store: &dyn Store, plan: &Plan) -> Result<Vec<Vec<u8>>, FoundError> {
    let mut escrow = Escrow::new(store, &now, "ann");
    let founding = begin(&mut escrow, plan)?;
    let cards = founding.cards().iter().map(|card| card.expose().to_vec()).collect();
    founding.complete(&mut escrow)?;
    Ok(cards)
}

fn found(m: usize, n: usize) -> (MemoryStore, Vec<Vec<u8>>) {
    let store = MemoryStore::new();
    let cards = try_found(&store, &open_plan(m, n)).unwrap();
    (store, cards)
}

fn label(name: &str) -> Label {
    name.parse().unwrap()
}

fn aes(_: &Label, entropy: &mut Entropy) -> Result<KeyMaterial, GenerateError> {
    generate(KeyKind::Aes256, entropy)
}

type Deposited = Result<Vec<Backed>, DepositError<GenerateError>>;

fn back_up(store: &dyn Store, names: &[&str]) -> Deposited {
    let names: Vec<Label> = names.iter().map(|name| label(name)).collect();
    deposit(&mut open(store), Op::Generate, &names, aes, &mut Entropy::system())
}

/// A room where the open cards `present` (from 1) are unsealed.
fn gather(record: QuorumRecord, cards: &[Vec<u8>], present: &[usize]) -> Gathering {
    let mut room = Gathering::new(record);
    for place in present {
        let card = SealedShare::read(&cards[place - 1]).unwrap();
        let share = card.open_plain();
        let index = room.present(card).unwrap();
        room.unsealed(index, share).unwrap();
    }
    room
}

/// Recovers `name` with the cards `present`; the key's bytes.
fn recover(
    store: &dyn Store,
    cards: &[Vec<u8>],
    present: &[usize],
    name: &str,
) -> Result<Vec<u8>, RecoverError> {
    let mut escrow = open(store);
    let name: KeyName = name.parse().unwrap();
    let recovery = Recovery::begin(&mut escrow, &name, "file")?;
    let quorum = escrow.version(&name)?.backed.deposit.quorum;
    let room = gather(escrow.quorum_by_id(quorum)?, cards, present);
    let (quorum, key) = recovery.open(&escrow, &room)?;
    recovery.complete(&mut escrow, &quorum, &room, &key)?;
    Ok(key.material().bytes().expose().to_vec())
}

/// Everything in a store.
fn snapshot(store: &MemoryStore) -> BTreeMap<String, Vec<u8>> {
    let read = |name: String| {
        let bytes = store.read(&name, 1 << 30).unwrap().unwrap();
        (name, bytes)
    };
    store.names().into_iter().map(read).collect()
}

fn restored(snapshot: &BTreeMap<String, Vec<u8>>) -> MemoryStore {
    let store = MemoryStore::new();
    snapshot.iter().for_each(|(name, bytes)| store.tamper(name, Some(bytes.clone())));
    store
}

/// Every choice of `m` of 1 to `n`.
fn choices(n: usize, m: usize) -> Vec<Vec<usize>> {
    let places = |mask: &u32| (0..n).filter(|place| mask >> place & 1 == 1).map(|place| place + 1).collect();
    (0..1_u32 << n).filter(|mask| mask.count_ones() as usize == m).map(|mask| places(&mask)).collect()
}

#[test]
fn the_whole_walk() {
    let store = MemoryStore::new();
    let passphrase = || Passphrase::parse(b"correct horse").unwrap();
    let identity = |kind| Identity::from_seed(kind, &Entropy::system().secret(32).unwrap()).unwrap();
    let (hybrid, classical) = (identity(Kind::Hybrid), identity(Kind::X25519));
    let plan = plan(
        3,
        vec![
            Seal::Open,
            Seal::Passphrase(passphrase()),
            Seal::Age(hybrid.recipient().unwrap()),
            Seal::Age(classical.recipient().unwrap()),
            Seal::Outside("age1plugin1qqq".to_owned()),
        ],
    );
    let mut escrow = Escrow::new(&store, &now, "ann");
    let outside = |recipient: &str, plain: &crate::secret::SecretBytes| {
        assert_eq!(recipient, "age1plugin1qqq");
        let recipient = classical.recipient().unwrap();
        crate::age::encrypt(plain.expose(), &[recipient], &mut Entropy::system()).ok()
    };
    let told = std::sync::Mutex::new(Vec::new());
    let sealed = |count| told.lock().unwrap().push(count);
    let founding = Founding::begin(&mut escrow, &plan, 2, &outside, &sealed, &mut Entropy::system()).unwrap();
    let mut told = told.into_inner().unwrap();
    told.sort_unstable();
    assert_eq!(told, [1, 2, 3, 4, 5]);
    let cards: Vec<Vec<u8>> = founding.cards().iter().map(|card| card.expose().to_vec()).collect();
    assert_eq!(escrow.state().open().len(), 1);
    let (record, checkpoint) = founding.complete(&mut escrow).unwrap();
    assert_eq!((checkpoint.seq(), escrow.state().open().len()), (2, 0));
    assert_eq!(escrow.quorum().unwrap(), record);
    let seals: Vec<_> = record.terms().custodians.iter().map(|one| one.seal).collect();
    assert_eq!(seals, ["open", "passphrase", "age", "age", "age"]);

    let backed = back_up(&store, &["orders"]).unwrap();
    for present in [[1, 2, 3], [2, 4, 5], [5, 3, 1]] {
        let mut escrow = open(&store);
        let recovery = Recovery::begin(&mut escrow, &"orders".parse().unwrap(), "file").unwrap();
        let mut room = Gathering::new(escrow.quorum().unwrap());
        for (place, index) in present.into_iter().enumerate() {
            assert_eq!(room.missing(), 3 - place);
            let card = SealedShare::read(&cards[index - 1]).unwrap();
            let share = match index {
                1 => card.open_plain(),
                2 => card.open_passphrase(&passphrase()),
                3 => card.open_identity(&hybrid),
                _ => card.open_identity(&classical),
            };
            let index = room.present(card).unwrap();
            room.unsealed(index, share).unwrap();
        }
        let (quorum, key) = recovery.open(&escrow, &room).unwrap();
        assert_eq!(key.fingerprint(), backed[0].fingerprint);
        recovery.complete(&mut escrow, &quorum, &room, &key).unwrap();
        let proven = escrow.version(&"orders@1".parse().unwrap()).unwrap();
        assert_eq!(proven.recovered, Some(now()));
        assert!(escrow.state().open().is_empty());
    }
    let escrow = open(&store);
    let seen = super::inspect::inspect(&escrow).unwrap();
    assert_eq!((seen.backups, seen.records, seen.findings), (1, 1, vec![]));
    assert_eq!(super::inspect::check_heads(&escrow), vec![]);
}

#[test]
fn every_choice_of_cards_brings_the_key_back() {
    for n in 2..=8 {
        for m in 2..=n {
            let (store, cards) = found(m, n);
            let backed = back_up(&store, &["orders"]).unwrap();
            let mut escrow = open(&store);
            let recovery = Recovery::begin(&mut escrow, &"orders".parse().unwrap(), "file").unwrap();
            for present in choices(n, m) {
                let room = gather(escrow.quorum().unwrap(), &cards, &present);
                let (_, key) = recovery.open(&escrow, &room).unwrap();
                assert_eq!(key.fingerprint(), backed[0].fingerprint, "{present:?} of {n}");
            }
            // One fewer gives nothing, whoever they are.
            for present in choices(n, m - 1) {
                let room = gather(escrow.quorum().unwrap(), &cards, &present);
                assert_eq!(room.missing(), 1);
                assert!(matches!(recovery.open(&escrow, &room), Err(RecoverError::Quorum(_))));
            }
        }
    }
}

#[test]
fn names_that_can_not_stand_begin_nothing() {
    let seats = |names: &[&str]| {
        names.iter().map(|name| Seat { name: (*name).to_owned(), role: None, seal: Seal::Open }).collect()
    };
    let refused = |m, names: &[&str]| Plan::new(m, seats(names), None, Cost::LEAST).unwrap_err();
    for names in [["ann", "Ann"], ["ann", ""], ["ann", " bob"], ["ann", "b\u{1b}[2J"]] {
        assert!(matches!(refused(2, &names), FoundError::Record(_)), "{names:?}");
    }
    assert!(matches!(refused(1, &["ann", "bob"]), FoundError::Scheme(_)));
    assert!(matches!(refused(3, &["ann", "bob"]), FoundError::Scheme(_)));
    assert!(matches!(refused(2, &[]), FoundError::Scheme(_)));
}

#[test]
fn a_founding_that_is_given_up_leaves_no_quorum() {
    let store = MemoryStore::new();
    let mut escrow = Escrow::new(&store, &now, "ann");
    begin(&mut escrow, &open_plan(2, 3)).unwrap().abandon(&mut escrow);
    assert!(escrow.state().quorum().is_none() && escrow.state().open().is_empty());
    // A plugin that can't seal.
    let outside = plan(2, vec![Seal::Open, Seal::Open, Seal::Outside("age1yubikey1q".to_owned())]);
    let refused = begin(&mut escrow, &outside).unwrap_err();
    assert!(matches!(&refused, FoundError::Seal { custodian, .. } if custodian == "custodian 3"));
    assert!(escrow.state().open().is_empty());
    assert!(matches!(back_up(&store, &["orders"]), Err(DepositError::Escrow(EscrowError::NoQuorum))));
    // One that is forgotten stays open in the log.
    drop(begin(&mut escrow, &open_plan(2, 3)).unwrap());
    assert_eq!(open(&store).state().open().values().map(|intent| intent.op).collect::<Vec<_>>(), [Op::Found]);
    assert!(store.names().iter().all(|name| name.starts_with("log/")));
}
