//! Vectors of keys that live in tokens: the token in the records, the mark of a secret key, `close`.

use super::escrows::sections;
use super::sheets::store_of;
use super::{Out, Timestamp, found};
use quorate::ceremony::deposit::{Made, deposit, deposit_in};
use quorate::ceremony::escrow::Escrow;
use quorate::key::{KeyKind, generate};
use quorate::log::{Closed, InToken, Log, Op, Phase};
use quorate::primitive::hash::sha256;
use quorate::primitive::random::Entropy;
use quorate::store::{MemoryStore, Store};
use quorate::wire::text::hex;
use std::cell::Cell;

pub(crate) fn make(out: &Out) {
    let mut entropy = Entropy::system();
    let store = MemoryStore::new();
    let clock = Cell::new(1_795_464_000);
    let tick = || {
        clock.set(clock.get() + 60);
        Timestamp::from_unix(clock.get()).unwrap()
    };
    let mut escrow = Escrow::new(&store, &tick, "maker of vectors");
    found(&mut escrow, &mut entropy);
    let home = InToken::new("prod", "c0ffee00c0ffee00");
    for (name, kind, at_random) in [
        ("block", KeyKind::Aes256, true),
        ("code", KeyKind::Hmac384, true),
        ("pair", KeyKind::EcP256, true),
        ("chosen", KeyKind::Aes128, false),
    ] {
        let made = |_: &_, entropy: &mut Entropy| {
            generate(kind, entropy).map(|material| Made { at_random, ..Made::from(material) })
        };
        let op = if at_random { Op::Generate } else { Op::Add };
        deposit_in(&mut escrow, op, &[name.parse().unwrap()], Some(&home), made, &mut entropy).unwrap();
    }
    let plain = |_: &_, entropy: &mut Entropy| generate(KeyKind::Aes256, entropy);
    deposit(&mut escrow, Op::Generate, &["plain".parse().unwrap()], plain, &mut entropy).unwrap();
    let version = 1.try_into().unwrap();
    let closed = Closed { name: "block".parse().unwrap(), version, token: home, lost: None };
    escrow.record(Op::Close, Phase::Done, &closed.done()).unwrap();

    let mut last = [0; 32];
    Log::walk(&store, |record| last = sha256(&[&record.line()])).unwrap();
    let head = format!("{}:{}", escrow.log().checkpoint().seq(), hex(&last));
    let versions = || escrow.state().keys().values().flat_map(|key| key.versions.values());
    let named = |what: &dyn Fn(&quorate::log::Backed) -> Option<String>| {
        let line = |version: &quorate::log::KeyVersion| {
            let deposit = &version.backed.deposit;
            Some(format!("{}@{} {}", deposit.name, deposit.version, what(&version.backed)?))
        };
        versions().filter_map(line).collect::<Vec<_>>().join(", ")
    };
    let keys = named(&|backed| Some(backed.fingerprint.to_string()));
    let marks = named(&|backed| backed.mark.map(|mark| hex(mark.bytes())));
    out.put(
        "escrow/good-token",
        &[("expect", "ok"), ("head", &head), ("keys", &keys), ("marks", &marks)],
        &sections(&store),
    );

    // The last record that each is in, so that no hash behind it is broken.
    let lines =
        |number: u64| String::from_utf8(store.read(&Log::file(number), 1 << 20).unwrap().unwrap()).unwrap();
    let refuse = |name: &str, until: u64, change: &dyn Fn(String) -> String| {
        let copy = MemoryStore::new();
        for number in 1..=until {
            let text = lines(number);
            let changed = if number == until { change(text.clone()) } else { text.clone() };
            assert!(number < until || changed != text, "{name}");
            copy.tamper(&Log::file(number), Some(changed.into_bytes()));
        }
        let headers = [("expect", "refused"), ("reason", "state")];
        out.put(&format!("escrow/refused-{name}"), &headers, &sections(&copy));
    };
    let commit_of = |name: &str| {
        let wanted = format!("\"name\":\"{name}\"");
        (1..=escrow.log().commits())
            .find(|number| lines(*number).contains(&wanted) && lines(*number).contains("\"phase\":\"done\""))
            .unwrap()
    };
    let mark = format!("\"mark\":\"{}\",", "5a".repeat(32));
    refuse("mark-of-a-pair", commit_of("pair"), &|text| {
        text.replacen("\"name\":\"pair\"", &format!("{mark}\"name\":\"pair\""), 1)
    });
    refuse("mark-without-token", commit_of("plain"), &|text| {
        text.replacen("\"name\":\"plain\"", &format!("{mark}\"name\":\"plain\""), 1)
    });
    refuse("mark-cut", commit_of("block"), &|text| {
        let at = text.find("\"mark\":\"").unwrap() + 8;
        format!("{}{}", &text[..at], &text[at + 2..])
    });
    refuse("closes-another-token", escrow.log().commits(), &|text| text.replacen("prod", "spare", 1));
}

/// A token that is gone: made of the published escrow, with nothing random.
pub(crate) fn lost(out: &Out) {
    let now = || Timestamp::from_unix(1_800_000_000).unwrap();
    let said = |reason: &str| {
        let store = store_of("escrow/good-token");
        let mut escrow = Escrow::open(&store, &now, "maker of vectors").unwrap();
        let token = InToken::new("prod", "c0ffee00c0ffee00");
        let (name, version) = ("code".parse().unwrap(), 1.try_into().unwrap());
        let closed = Closed { name, version, token, lost: Some("it burned".to_owned()) };
        escrow.record(Op::Close, Phase::Done, &closed.done()).unwrap();
        let head = escrow.log().checkpoint().to_string();
        let versions = escrow.state().keys().values().flat_map(|key| key.versions.values());
        let marks = versions.filter_map(|one| {
            let deposit = &one.backed.deposit;
            Some(format!("{}@{} {}", deposit.name, deposit.version, hex(one.backed.mark?.bytes())))
        });
        let marks = marks.collect::<Vec<_>>().join(", ");
        let file = Log::file(escrow.log().commits());
        let text = String::from_utf8(store.read(&file, 1 << 20).unwrap().unwrap()).unwrap();
        store.tamper(&file, Some(text.replace("it burned", reason).into_bytes()));
        (head, marks, sections(&store))
    };
    let (head, marks, text) = said("it burned");
    let holds = [("expect", "ok"), ("marks", marks.as_str()), ("holds", head.as_str())];
    out.put("escrow/token-lost", &holds, &text);
    for (name, reason) in [("empty", String::new()), ("long", "x".repeat(501))] {
        let headers = [("expect", "refused"), ("reason", "state")];
        out.put(&format!("escrow/refused-token-lost-{name}"), &headers, &said(&reason).2);
    }
}
