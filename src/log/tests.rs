//! Writers at once, stores that fail, and every alteration of a small log.

#![allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "tests; small numbers, ASCII")]

use super::*;
use crate::key::{Fingerprint, KeyId, KeyKind};
use crate::share::QuorumId;
use crate::store::{FolderStore, MemoryStore};
use crate::wire::json::{Json, object};
use core::convert::Infallible;
use core::num::NonZeroU32;

mod altered;
mod checked;
mod joined;
mod lifecycle;
mod operators;
mod provider;
mod written;

type Said = Vec<(Op, Phase, Json<'static>)>;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(1_795_464_000 + seconds).unwrap()
}

fn entry(actor: &str, op: Op, phase: Phase, details: Json<'static>) -> Entry {
    Entry { actor: actor.to_owned(), op, phase, details }
}

/// Details with a signature of the right form.
fn signed(details: Json<'static>, byte: u8) -> Json<'static> {
    let mut entry = entry("ann", Op::Found, Phase::Done, details);
    entry.sign(&[byte; 64]);
    entry.details
}

fn nothing() -> Json<'static> {
    object::<0>([])
}

fn ends(intent: u64) -> Json<'static> {
    object([("intent", Some(Json::Number(intent)))])
}

type Committed = Result<Checkpoint, CommitError<Infallible>>;

/// Commits `said` at `seconds`.
fn say(log: &mut Log, store: &dyn Store, seconds: u64, said: Said) -> Committed {
    log.commit(store, at(seconds), |_, _| {
        Ok(said.iter().map(|(op, phase, details)| entry("ann", *op, *phase, details.clone())).collect())
    })
}

/// Commits that a card was checked, which fits any state.
fn check(log: &mut Log, store: &dyn Store, actor: &str) -> Committed {
    log.commit(store, at(0), |_, _| Ok(vec![entry(actor, Op::Check, Phase::Done, nothing())]))
}

fn founded() -> Founded {
    Founded { quorum: QuorumId::from_bytes([7; 10]), generation: 1, record: [8; 32] }
}

fn deposit(version: u32) -> Deposit {
    Deposit {
        name: "orders".parse().unwrap(),
        key: KeyId::parse("ABCDEFGHIJKLMNOP").unwrap(),
        version: NonZeroU32::new(version).unwrap(),
        quorum: founded().quorum,
        token: None,
    }
}

fn backed(version: u32) -> Backed {
    Backed {
        deposit: deposit(version),
        kind: KeyKind::Aes256,
        created: at(0),
        fingerprint: Fingerprint::parse(&"5a".repeat(32)).unwrap(),
        backup: [3; 32],
        size: 2000,
        spki: None,
        mark: None,
    }
}

fn proof(intent: u64) -> Proof {
    Proof {
        intent,
        name: deposit(1).name,
        version: deposit(1).version,
        to: "file",
        cards: vec![1, 3],
        quorum: founded().quorum,
        fingerprint: backed(1).fingerprint,
        token: None,
        checks: Vec::new(),
    }
}

/// The intent to recover what [`proof`] proves.
fn recovers() -> Json<'static> {
    let name = Json::text(deposit(1).name.as_str().to_owned());
    object([("name", Some(name)), ("to", Some(Json::text("file"))), ("version", Some(Json::Number(1)))])
}

/// What a small escrow says: a quorum, a key, a card checked, the key recovered.
fn story() -> Vec<Said> {
    vec![
        vec![(Op::Found, Phase::Intent, nothing())],
        vec![(Op::Found, Phase::Done, signed(founded().done(1), 9))],
        vec![
            (Op::Generate, Phase::Intent, deposit(1).intent()),
            (Op::Generate, Phase::Done, backed(1).done(3)),
            (Op::Check, Phase::Done, nothing()),
        ],
        vec![(Op::Recover, Phase::Intent, recovers())],
        vec![(Op::Recover, Phase::Done, signed(proof(6).done(), 4))],
    ]
}

fn small() -> (MemoryStore, Log) {
    let (store, mut log) = (MemoryStore::new(), Log::empty());
    for (seconds, said) in (0..).zip(story()) {
        say(&mut log, &store, seconds, said).unwrap();
    }
    (store, log)
}

/// The lines of a commit behind `log`, whatever they say.
fn unsigned(log: &Log, time: Timestamp, entries: Vec<Entry>) -> Vec<u8> {
    lines(&Next { head: log.head(), time, signer: None }, entries, None).unwrap().unwrap()
}

/// Every record, in order.
fn records(store: &dyn Store) -> Vec<Record> {
    let mut records = Vec::new();
    Log::walk(store, |record| records.push(record.clone())).unwrap();
    records
}

fn bytes(store: &dyn Store, number: u64) -> Vec<u8> {
    store.read(&Log::file(number), LONGEST_COMMIT).unwrap().unwrap()
}

#[test]
fn what_is_committed_is_read() {
    let (store, log) = small();
    let again = Log::open(&store).unwrap();
    assert_eq!((again.commits(), again.checkpoint()), (5, log.checkpoint()));
    assert_eq!((again.checkpoint().seq(), again.last_time()), (7, Some(at(4))));
    for state in [log.state(), again.state()] {
        assert_eq!(state.quorum().unwrap().founded, founded());
        let key = &state.keys()[&deposit(1).name];
        let version = &key.versions[&deposit(1).version];
        assert_eq!(
            (version.backed.clone(), version.op, version.recovered),
            // There is no quorum's record here, so its signature proves nothing.
            (backed(1), Op::Generate, None)
        );
        assert_eq!((state.versions(), state.open().len()), (1, 0));
        assert_eq!(state.next_version(&deposit(1).name), (Some(deposit(1).key), deposit(2).version));
    }
    let records = records(&store);
    assert_eq!(records.iter().map(|record| record.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(records[1].signed(), Some((founded().quorum, [9; 64])));
    assert_eq!(records[6].head().checkpoint(), log.checkpoint());
}

#[test]
fn a_commit_of_nothing_is_none() {
    let (store, mut log) = small();
    let before = log.checkpoint();
    assert_eq!(say(&mut log, &store, 9, vec![]), Ok(before));
    assert_eq!(Log::open(&store).unwrap().commits(), 5);
}

#[test]
fn an_escrow_without_a_log_is_none() {
    assert_eq!(Log::open(&MemoryStore::new()).err(), Some(LogError::NoEscrow));
    let place = tempfile::tempdir().unwrap();
    assert_eq!(Log::open(&FolderStore::new(place.path().join("none"))).err(), Some(LogError::NoEscrow));
}

#[test]
fn a_checkpoint_is_read_as_people_type_it() {
    let (_, log) = small();
    let printed = log.checkpoint();
    let text = printed.to_string();
    assert_eq!(text.len(), "7:ABCD-EFGH-IJKL-MNOP-QRST-UVWX-YZ23-4567".len());
    let group = text.replace('-', " ");
    for typed in [&*text, &text.to_lowercase(), &text.replace('-', ""), &group, &format!("  {text}\n")] {
        assert_eq!(Checkpoint::parse(typed), Some(printed), "{typed}");
    }
    for wrong in [
        "",
        "7",
        "7:",
        &text[2..],
        &text[..text.len() - 1],
        &format!("{text}A"),
        "x:ABCD-EFGH-IJKL-MNOP-QRST-UVWX-YZ23-4567",
        "-1:ABCD-EFGH-IJKL-MNOP-QRST-UVWX-YZ23-4567",
        "7:ABCD-EFGH-IJKL-MNOP-QRST-UVWX-YZ23-4561",
        "99999999999999999999:ABCD-EFGH-IJKL-MNOP-QRST-UVWX-YZ23-4567",
    ] {
        assert_eq!(Checkpoint::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_log_holds_its_own_past_only() {
    let (store, _) = small();
    let past: Vec<Checkpoint> = records(&store).iter().map(|record| record.head().checkpoint()).collect();
    let holds = |checkpoint: &Checkpoint| Log::holds(&store, checkpoint).unwrap();
    assert_eq!(holds(&Log::empty().checkpoint()), Ok(()));
    for (length, checkpoint) in (1..).zip(&past) {
        assert_eq!(holds(checkpoint), Ok(()));
        assert_eq!(Checkpoint::parse(&checkpoint.to_string()), Some(*checkpoint));
        // Another record at that place, and the same checkpoint typed with one character wrong.
        let mut typed = checkpoint.to_string().into_bytes();
        let last = typed.last_mut().unwrap();
        *last = if *last == b'A' { b'B' } else { b'A' };
        let typed = Checkpoint::parse(std::str::from_utf8(&typed).unwrap()).unwrap();
        assert_eq!(holds(&typed), Err(CheckpointError::Rewritten { seq: length }));
    }
    // The right hash with the number of another record.
    let moved = past[2].to_string().replacen("3:", "5:", 1);
    let moved = Checkpoint::parse(&moved).unwrap();
    assert_eq!(holds(&moved), Err(CheckpointError::OtherNumber { seq: 5, found: 3 }));
    let zero = Checkpoint::parse("0:BAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA").unwrap();
    assert_eq!(holds(&zero), Err(CheckpointError::Rewritten { seq: 0 }));
    // Rolled back by one commit, by two, and to nothing but the first.
    for commits in (1..5).rev() {
        store.tamper(&Log::file(commits + 1), None);
        let short = Log::open(&store).unwrap();
        for checkpoint in &past {
            let (seq, last) = (checkpoint.seq(), short.checkpoint().seq());
            let wanted = if seq > last { Err(CheckpointError::RolledBack { seq, last }) } else { Ok(()) };
            assert_eq!(holds(checkpoint), wanted);
        }
    }
}
