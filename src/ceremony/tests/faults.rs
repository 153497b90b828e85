//! A store that fails at each of its writes in turn: nothing that was reported done is ever lost.

use super::*;
use crate::ceremony::inspect::{Finding, inspect};
use crate::log::{LogError, Phase};
use crate::store::{Fault, FaultyStore, StoreError};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A disk that is full from its write number `left` on.
pub(super) struct FullFrom<'a> {
    inner: &'a dyn Store,
    left: AtomicUsize,
}

impl<'a> FullFrom<'a> {
    pub(super) fn new(inner: &'a dyn Store, left: usize) -> Self {
        Self { inner, left: AtomicUsize::new(left) }
    }
}

impl Store for FullFrom<'_> {
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let less = |left: usize| left.checked_sub(1);
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
            Ok(_) => self.inner.create(name, bytes),
            Err(_) => Err(StoreError::Full { name: name.to_owned() }),
        }
    }

    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.read(name, limit)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list(folder)
    }
}

/// The file that an attacker's or a broken program's garbage was put under, in the log.
fn spoiled(store: &MemoryStore) -> Option<String> {
    let garbage = |name: &String| store.read(name, 1 << 30).unwrap().unwrap() == b"somebody else's";
    store.names().into_iter().filter(|name| name.starts_with("log/")).find(garbage)
}

/// Whatever happened, this escrow opens, and is whole up to what no record names.
fn is_sound(store: &MemoryStore) {
    let seen = inspect(&open(store)).unwrap();
    assert!(seen.findings.iter().all(|finding| matches!(finding, Finding::Orphan { .. })), "{seen:?}");
    assert_eq!(seen.backups, open(store).state().versions());
}

#[test]
fn founding_survives_every_fault() {
    // Three writes: the intent, the record, `done`.
    for fault in [Fault::Full, Fault::LostReply, Fault::Taken] {
        for at in 0..4 {
            let store = FaultyStore::new(MemoryStore::new(), fault, at);
            let told = try_found(&store, &open_plan(2, 3));
            let store = store.into_inner();
            if let Some(name) = spoiled(&store) {
                assert!(told.is_err());
                assert_eq!(Log::open(&store).err(), Some(LogError::Torn { name }));
                continue;
            }
            let lost_intent_or_done = fault == Fault::LostReply && at != 1;
            assert_eq!(told.is_ok(), at == 3 || lost_intent_or_done, "{fault:?} at {at}");
            if Log::open(&store).is_ok() {
                is_sound(&store);
                let state = open(&store).state().clone();
                assert_eq!(state.quorum().is_some(), told.is_ok(), "{fault:?} at {at}");
                assert!(state.open().is_empty(), "{fault:?} at {at}");
            }
            // Again, with nothing in the way.
            let cards = told.unwrap_or_else(|_| try_found(&store, &open_plan(2, 3)).unwrap());
            back_up(&store, &["orders"]).unwrap();
            recover(&store, &cards, &[2, 3], "orders").unwrap();
        }
    }
}

#[test]
fn a_deposit_survives_every_fault() {
    let (store, cards) = found(2, 3);
    back_up(&store, &["payroll"]).unwrap();
    let before = snapshot(&store);
    // Four writes: the intents, two backups, `done`.
    for fault in [Fault::Full, Fault::LostReply, Fault::Taken] {
        for at in 0..5 {
            let store = FaultyStore::new(restored(&before), fault, at);
            let told = back_up(&store, &["orders", "payroll"]);
            let store = store.into_inner();
            if let Some(name) = spoiled(&store) {
                assert!(told.is_err());
                assert_eq!(Log::open(&store).err(), Some(LogError::Torn { name: name.clone() }));
                // An operator who looks at the file and takes it away has everything again.
                store.tamper(&name, None);
            }
            is_sound(&store);
            let lost_intent_or_done = fault == Fault::LostReply && !matches!(at, 1 | 2);
            assert_eq!(told.is_ok(), at == 4 || lost_intent_or_done, "{fault:?} at {at}");
            let state = open(&store).state().clone();
            assert_eq!(state.versions(), if told.is_ok() { 3 } else { 1 }, "{fault:?} at {at}");
            recover(&store, &cards, &[1, 2], "payroll@1").unwrap();
            for _ in 0..2 {
                let again = back_up(&store, &["orders", "payroll"]).unwrap();
                for one in again {
                    let name = format!("{}@{}", one.deposit.name, one.deposit.version);
                    recover(&store, &cards, &[1, 3], &name).unwrap();
                }
            }
            is_sound(&store);
        }
    }
}

#[test]
fn a_disk_that_fills_up_leaves_open_intents_with_names() {
    let (store, cards) = found(2, 3);
    back_up(&store, &["payroll"]).unwrap();
    let before = snapshot(&store);
    for left in 0..4 {
        let store = restored(&before);
        let refused = back_up(&FullFrom::new(&store, left), &["orders", "payroll"]).unwrap_err();
        let of_log = matches!(&refused, DepositError::Log(error) if error.is_write());
        assert_eq!(of_log, matches!(left, 0 | 3), "{refused}");
        is_sound(&store);
        let state = open(&store).state().clone();
        let about: Vec<String> = state
            .open()
            .values()
            .filter_map(|intent| intent.deposit.as_ref())
            .map(|deposit| format!("{}@{}", deposit.name, deposit.version))
            .collect();
        let wanted: &[&str] = if left == 0 { &[] } else { &["orders@1", "payroll@2"] };
        assert_eq!(about, wanted);
        assert!(state.open().values().all(|intent| intent.actor == "ann" && intent.op == Op::Generate));
        // The operator gives them up, and goes on.
        let intents: Vec<u64> = state.open().keys().copied().collect();
        let mut escrow = open(&store);
        for intent in intents {
            let number = Some(crate::wire::json::Json::Number(intent));
            let details = crate::wire::json::object([("intent", number)]);
            escrow.record(Op::Generate, Phase::Abandoned, &details).unwrap();
        }
        assert!(escrow.state().open().is_empty());
        let again = back_up(&store, &["orders", "payroll"]).unwrap();
        let taken = u32::from(left > 0);
        let versions: Vec<u32> = again.iter().map(|one| one.deposit.version.get()).collect();
        assert_eq!(versions, [1 + taken, 2 + taken]);
        recover(&store, &cards, &[1, 2], "orders").unwrap();
        recover(&store, &cards, &[1, 2], "payroll").unwrap();
    }
    for left in 0..3 {
        let store = MemoryStore::new();
        assert!(try_found(&FullFrom::new(&store, left), &open_plan(2, 2)).is_err());
        if left > 0 {
            let state = open(&store).state().clone();
            assert_eq!(state.open().values().map(|intent| intent.op).collect::<Vec<_>>(), [Op::Found]);
            assert!(state.quorum().is_none());
        }
        try_found(&store, &open_plan(2, 2)).unwrap();
    }
}

#[test]
fn a_recovery_survives_every_fault() {
    let (store, cards) = found(2, 3);
    back_up(&store, &["orders"]).unwrap();
    let before = snapshot(&store);
    for fault in [Fault::Full, Fault::LostReply, Fault::Taken] {
        for at in 0..2 {
            let store = FaultyStore::new(restored(&before), fault, at);
            let told = recover(&store, &cards, &[1, 2], "orders");
            assert_eq!(told.is_ok(), fault == Fault::LostReply);
            let store = store.into_inner();
            if let Some(name) = spoiled(&store) {
                store.tamper(&name, None);
            }
            is_sound(&store);
            let proven = open(&store).version(&"orders".parse().unwrap()).unwrap().recovered;
            assert_eq!(proven.is_some(), told.is_ok());
            recover(&store, &cards, &[2, 3], "orders").unwrap();
        }
    }
}

/// A store on which the reply to write `at` is lost and the next read fails.
struct Silent {
    inner: FaultyStore<MemoryStore>,
    reads: AtomicUsize,
}

impl Store for Silent {
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let made = self.inner.create(name, bytes);
        if matches!(made, Err(StoreError::System { .. })) {
            self.reads.store(1, Ordering::SeqCst);
        }
        made
    }

    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        match self.reads.swap(0, Ordering::SeqCst) {
            0 => self.inner.read(name, limit),
            _ => Err(StoreError::System { name: name.to_owned(), message: "the line was cut".to_owned() }),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list(folder)
    }
}

#[test]
fn a_founding_that_nobody_saw_succeed_is_not_called_failed() {
    // The log has `done`, the program can't know: were it told "failed", its cards would be
    // destroyed, and keys be backed up to them.
    let inner = FaultyStore::new(MemoryStore::new(), Fault::LostReply, 2);
    let silent = Silent { inner, reads: AtomicUsize::new(0) };
    let cards = try_found(&silent, &open_plan(2, 3)).unwrap();
    let store = silent.inner.into_inner();
    assert!(open(&store).state().open().is_empty());
    back_up(&store, &["orders"]).unwrap();
    recover(&store, &cards, &[1, 3], "orders").unwrap();
}
