//! Is a card good? Its picture or PDF, by the library alone, without its passphrase or an escrow.
//!
//! `cargo run --example check_card -- CARD.pdf` tells of a card what anybody may know who holds it.
//! Without an argument it makes a card that guards nothing, prints it to a PDF, and reads that.
#![allow(clippy::print_stdout)]

use quorate::card::{Collector, Details, Offer, PREFIX, page::Paper, pdf, scan, verification};
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::found::{Founding, Plan, Seal, Seat};
use quorate::primitive::random::Entropy;
use quorate::seal::{Cost, SealedShare};
use quorate::store::MemoryStore;
use quorate::wire::time::Timestamp;
use std::error::Error;

/// The first card in a PNG, JPEG or PDF.
fn card_in(file: &[u8]) -> Result<SealedShare, Box<dyn Error>> {
    let search = scan::Search::new(|text| text.starts_with(PREFIX));
    let mut collector = Collector::new();
    for code in scan::read(file, &search, &mut |_| ())?.ours() {
        // A long card comes in parts: the collector gives it when the last part is here.
        if let Offer::Card(card) = collector.offer(&code.text)? {
            return Ok(*card);
        }
    }
    Err("there is no card in it".into())
}

fn sample() -> Result<Vec<u8>, Box<dyn Error>> {
    let store = MemoryStore::new();
    let time = Timestamp::from_unix(0)?;
    let clock = move || time;
    let mut escrow = Escrow::new(&store, &clock, "example");
    let seat = |name: &str| Seat { name: name.to_owned(), role: None, seal: Seal::Open };
    let plan = Plan::new(2, ["alice", "bob"].map(seat).into(), None, Cost::DEFAULT)?;
    let mut entropy = Entropy::system();
    let founding = Founding::begin(&mut escrow, &plan, 1, &|_, _| None, &|_| (), &mut entropy)?;
    let card = founding.cards().first().ok_or("no card")?;
    Ok(pdf(founding.record(), card, &Details::default(), Paper::A4)?.to_vec())
}

fn main() -> Result<(), Box<dyn Error>> {
    // As a test, the arguments are the test program's.
    let file = std::env::args_os().nth(1).filter(|name| name.to_string_lossy().ends_with(".pdf"));
    let card = card_in(&file.map_or_else(sample, |name| Ok(std::fs::read(name)?))?)?;
    let header = card.header();
    println!("share {} of quorum {}: any {} recover", header.index(), header.quorum(), header.scheme());
    println!("sealed with: {}; verification code {}", card.kind().name(), verification(&card.digest()));
    Ok(())
}

#[test]
fn runs() {
    main().unwrap();
}
