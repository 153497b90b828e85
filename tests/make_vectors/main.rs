//! Makes a set of test vectors, once, from fresh randomness.
//!
//! Published vectors (`tests/vectors/`) are never made again: `tests/vectors.rs` reads them for ever.
//! This writes a new set to the folder that `QUORATE_VECTORS` names, which must not exist, when a
//! later version of the format needs one. Everything in the vectors is public by being here.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::string_slice
)]
#![allow(clippy::cast_possible_truncation, clippy::disallowed_methods)]

mod cards;
mod escrows;
#[path = "../tools/hand.rs"]
mod hand;
mod operators;
mod places;
mod providers;
mod quorums;
mod reports;
mod rules;
mod sheets;
mod tokens;
mod watched;

use quorate::age::{Identity, Kind};
use quorate::ceremony::deposit::deposit;
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::found::{Founding, Plan, Seal, Seat};
use quorate::ceremony::recover::{Gathering, Recovery};
use quorate::key::{KeyKind, generate};
use quorate::log::Op;
use quorate::primitive::random::Entropy;
use quorate::seal::{Cost, SealedShare};
use quorate::secret::Passphrase;
use quorate::store::MemoryStore;
use quorate::wire::text::hex;
use quorate::wire::time::Timestamp;
use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

/// The order of the scalars, little-endian.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
const BOB: &str = "correct horse battery staple";

struct Out(PathBuf);

impl Out {
    /// One case: its headers, an empty line, its payload.
    fn put(&self, name: &str, headers: &[(&str, &str)], payload: &str) {
        let path = self.0.join(name).with_extension("txt");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut text = format!("case: {name}\n");
        for (field, value) in headers {
            text += &format!("{field}: {value}\n");
        }
        assert!(!path.exists(), "{name}");
        let payload = if payload.is_empty() { String::new() } else { format!("{payload}\n") };
        fs::write(path, format!("{text}\n{payload}")).unwrap();
    }
}

fn folded(bytes: &[u8]) -> String {
    bytes.chunks(32).map(hex).collect::<Vec<_>>().join("\n")
}

#[test]
#[ignore = "writes a new set of vectors to QUORATE_VECTORS"]
fn make() {
    let Some(folder) = std::env::var_os("QUORATE_VECTORS") else { return };
    let out = Out(folder.into());
    assert!(!out.0.exists(), "a published set is never made again");
    let mut entropy = Entropy::system();

    // One escrow: founded, two keys, one of them recovered.
    let store = MemoryStore::new();
    let clock = Cell::new(1_795_464_000);
    let tick = || {
        clock.set(clock.get() + 60);
        Timestamp::from_unix(clock.get()).unwrap()
    };
    let mut escrow = Escrow::new(&store, &tick, "maker of vectors");
    let carol = Identity::from_seed(Kind::X25519, &entropy.secret(32).unwrap()).unwrap();
    let seat =
        |name: &str, role: Option<&str>, seal| Seat { name: name.into(), role: role.map(Into::into), seal };
    let seats = vec![
        seat("Alice", Some("board"), Seal::Open),
        seat(
            "Bob \"the clerk\" \u{17b}\u{f3}\u{142}w",
            None,
            Seal::Passphrase(Passphrase::parse(BOB.as_bytes()).unwrap()),
        ),
        seat("Carol", Some("security"), Seal::Age(carol.recipient().unwrap())),
        seat("Dora", None, Seal::Open),
    ];
    let plan = Plan::new(3, seats, Some("Example Org".into()), Cost::LEAST).unwrap();
    let founding = Founding::begin(&mut escrow, &plan, 1, &|_, _| None, &|_| (), &mut entropy).unwrap();
    let cards: Vec<Vec<u8>> = founding.cards().iter().map(|card| card.expose().to_vec()).collect();
    let (record, early) = founding.complete(&mut escrow).unwrap();
    let make = |kind| move |_: &_, entropy: &mut Entropy| generate(kind, entropy);
    let orders = ["orders".parse().unwrap()];
    deposit(&mut escrow, Op::Generate, &orders, make(KeyKind::Aes256), &mut entropy).unwrap();
    deposit(&mut escrow, Op::Add, &["signing.2026".parse().unwrap()], make(KeyKind::Ed25519), &mut entropy)
        .unwrap();
    deposit(&mut escrow, Op::Generate, &orders, make(KeyKind::Aes256), &mut entropy).unwrap();
    let open = |bytes: &[u8]| {
        let card = SealedShare::read(bytes).unwrap();
        match card.header().index() {
            2 => card.open_passphrase(&Passphrase::parse(BOB.as_bytes()).unwrap()).unwrap(),
            3 => card.open_identity(&carol).unwrap(),
            _ => card.open_plain().unwrap(),
        }
    };
    let recovery = Recovery::begin(&mut escrow, &"orders@1".parse().unwrap(), "file").unwrap();
    let mut gathering = Gathering::new(record.clone());
    for bytes in &cards[..3] {
        let index = gathering.present(SealedShare::read(bytes).unwrap()).unwrap();
        gathering.unsealed(index, Ok(open(bytes))).unwrap();
    }
    let (quorum, key) = recovery.open(&escrow, &gathering).unwrap();
    recovery.complete(&mut escrow, &quorum, &gathering, &key).unwrap();

    let open = |bytes: &[u8]| open(bytes).check(record.commitments()).unwrap();
    cards::passphrases(&out);
    cards::json(&out);
    let carol_text = String::from_utf8(carol.to_text().expose().to_vec()).unwrap();
    cards::make_cards(&out, &cards, &carol_text, &open);
    cards::long_card(&out, &cards, &open, &mut entropy);
    let identity = String::from_utf8(quorum.identity().to_text().expose().to_vec()).unwrap();
    quorums::quorums(&out, &cards, &record, &quorum, &identity, &open);
    quorums::records(&out, &record, &quorum, &mut entropy);
    escrows::key_records(&out, &mut entropy);
    escrows::backups(&out, &escrow, &quorum, &identity, &mut entropy);
    escrows::escrows(&out, &store, &escrow, &early.to_string());
}

/// The sheets came later: made of the published set, with nothing random.
#[test]
#[ignore = "writes vectors of backup sheets to QUORATE_VECTORS"]
fn make_sheets() {
    let Some(folder) = std::env::var_os("QUORATE_VECTORS") else { return };
    let out = Out(folder.into());
    assert!(!out.0.exists(), "a published set is never made again");
    sheets::make(&out);
}

/// And the reports later still, in the same way.
#[test]
#[ignore = "writes vectors of reports to QUORATE_VECTORS"]
fn make_reports() {
    let Some(folder) = std::env::var_os("QUORATE_VECTORS") else { return };
    let out = Out(folder.into());
    assert!(!out.0.exists(), "a published set is never made again");
    reports::make(&out);
}

/// And logs that operators sign.
#[test]
#[ignore = "writes vectors of signed logs to QUORATE_VECTORS"]
fn make_operators() {
    let Some(folder) = std::env::var_os("QUORATE_VECTORS") else { return };
    let out = Out(folder.into());
    assert!(!out.0.exists(), "a published set is never made again");
    operators::make(&out);
}

/// And what is watched, in the same way.
#[test]
#[ignore = "writes vectors of policies, states and certificates to QUORATE_VECTORS"]
fn make_watched() {
    let Some(folder) = std::env::var_os("QUORATE_VECTORS") else { return };
    let out = Out(folder.into());
    assert!(!out.0.exists(), "a published set is never made again");
    watched::make(&out);
}

/// And a key in providers, in the same way.
#[test]
#[ignore = "writes vectors of drills into test keys, imports and ends to QUORATE_VECTORS"]
fn make_providers() {
    let Some(folder) = std::env::var_os("QUORATE_VECTORS") else { return };
    let out = Out(folder.into());
    assert!(!out.0.exists(), "a published set is never made again");
    providers::make(&out);
}

/// The keys in tokens last: an escrow of their own.
#[test]
#[ignore = "writes vectors of keys in tokens to QUORATE_VECTORS"]
fn make_tokens() {
    let Some(folder) = std::env::var_os("QUORATE_VECTORS") else { return };
    let out = Out(folder.into());
    assert!(!out.0.exists(), "a published set is never made again");
    tokens::make(&out);
}

/// And rules that are kept whoever writes.
#[test]
#[ignore = "writes vectors of what a reader's fold holds to QUORATE_VECTORS"]
fn make_rules() {
    let Some(folder) = std::env::var_os("QUORATE_VECTORS") else { return };
    let out = Out(folder.into());
    assert!(!out.0.exists(), "a published set is never made again");
    rules::make(&out);
}

/// And certificates of what providers had.
#[test]
#[ignore = "writes vectors of certificates of places to QUORATE_VECTORS"]
fn make_places() {
    let Some(folder) = std::env::var_os("QUORATE_VECTORS") else { return };
    let out = Out(folder.into());
    assert!(!out.0.exists(), "a published set is never made again");
    places::make(&out);
}

/// And one of them that is gone, made of the published escrow.
#[test]
#[ignore = "writes vectors of a lost token to QUORATE_VECTORS"]
fn make_lost_token() {
    let Some(folder) = std::env::var_os("QUORATE_VECTORS") else { return };
    let out = Out(folder.into());
    assert!(!out.0.exists(), "a published set is never made again");
    tokens::lost(&out);
}

/// Founds the quorum of an escrow that has nothing to do with its cards.
fn found(escrow: &mut Escrow<'_>, entropy: &mut Entropy) {
    let seats = ["Alice", "Bob", "Carol"];
    let seats = seats.map(|name| Seat { name: name.into(), role: None, seal: Seal::Open }).into();
    let plan = Plan::new(2, seats, None, Cost::LEAST).unwrap();
    let founding = Founding::begin(escrow, &plan, 1, &|_, _| None, &|_| (), entropy).unwrap();
    founding.complete(escrow).unwrap();
}
