//! The whole walk in memory, by the library alone: found a quorum, back a key up, recover it.
//! Shares are not sealed, so that it is quick: `Seal::Passphrase` and `Seal::Age` do that.
#![allow(clippy::print_stdout)]

use quorate::ceremony::deposit::deposit;
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::found::{Founding, Plan, Seal, Seat};
use quorate::ceremony::recover::{Gathering, Recovery};
use quorate::key::{KeyKind, KeyName, Label, generate};
use quorate::log::Op;
use quorate::primitive::random::Entropy;
use quorate::seal::Cost;
use quorate::store::MemoryStore;
use quorate::wire::time::Timestamp;
use std::error::Error;
use std::time::SystemTime;

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::from_unix(since.map_or(0, |time| time.as_secs())).unwrap_or_else(|_| now())
}

fn main() -> Result<(), Box<dyn Error>> {
    let store = MemoryStore::new();
    let mut escrow = Escrow::new(&store, &now, "example");
    let mut entropy = Entropy::system();

    // A quorum of 2 of 3. The cards are what would be printed, by `quorate::card::pdf`.
    let seat = |name: &str| Seat { name: name.to_owned(), role: None, seal: Seal::Open };
    let plan = Plan::new(2, ["alice", "bob", "carol"].map(seat).into(), None, Cost::DEFAULT)?;
    let founding = Founding::begin(&mut escrow, &plan, 1, &|_, _| None, &|_| (), &mut entropy)?;
    let cards: Vec<Vec<u8>> = founding.cards().iter().map(|card| card.expose().to_vec()).collect();
    let (record, _) = founding.complete(&mut escrow)?;

    // A key. No custodian is needed: the quorum's recipient is public.
    let name: Label = "orders-db".parse()?;
    let make = |_: &Label, entropy: &mut Entropy| generate(KeyKind::Aes256, entropy);
    let backed = deposit(&mut escrow, Op::Generate, core::slice::from_ref(&name), make, &mut entropy)?;

    // Two custodians bring it back. The intent is logged before the first card.
    let recovery = Recovery::begin(&mut escrow, &KeyName { label: name, version: None }, "file")?;
    let mut gathering = Gathering::new(record);
    for card in cards.iter().take(2) {
        let card = quorate::seal::SealedShare::read(card)?;
        let opened = card.open_plain();
        let index = gathering.present(card)?;
        gathering.unsealed(index, opened)?;
    }
    let (quorum, key) = recovery.open(&escrow, &gathering)?;
    let checkpoint = recovery.complete(&mut escrow, &quorum, &gathering, &key)?;
    println!("recovered {} at {checkpoint}", key.fingerprint().short());
    let same = backed.iter().any(|one| one.fingerprint == key.fingerprint());
    same.then_some(()).ok_or_else(|| "another key came back".into())
}

#[test]
fn runs() {
    main().unwrap();
}
