//! Vectors of a policy, of states, of a lost card and of certificates: made of the published escrow, with
//! nothing random, so that they can be made again to compare.

use super::Out;
use super::escrows::sections;
use super::sheets::store;
use quorate::ceremony::destroy::{certify, remove_backup};
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::policy::read;
use quorate::log::{CardChange, CardId, Fate, KeyState, Log, Op, Phase, Remains, StateChange};
use quorate::store::{MemoryStore, Store};
use quorate::wire::time::Timestamp;
use std::cell::Cell;

const POLICY: &str = r#"
drill-days = 180
package-days = "never"
reports = ["drill"]
separation = ["site"]

[[rotation]]
name = "signing.*"
kind = "ed25519"
days = 365

[[import]]
provider = "aws"
days = 300

[[custodian]]
name = "Dora"
persons = ["Dora", "Dietrich"]
site = "Zürich"
manager = "the board"
"#;

pub(crate) fn make(out: &Out) {
    let store = store();
    let time = Cell::new(1_795_480_000);
    let tick = || {
        time.set(time.get() + 60);
        Timestamp::from_unix(time.get()).unwrap()
    };
    let mut escrow = Escrow::open(&store, &tick, "maker of vectors").unwrap();
    let policy = read(POLICY.as_bytes()).unwrap().details();
    escrow.record(Op::Policy, Phase::Done, &policy).unwrap();
    let (name, version) = ("orders".parse().unwrap(), 1.try_into().unwrap());
    let state = |from, to| {
        StateChange { name: "orders".parse().unwrap(), version, from, to, reason: "a \"test\"".to_owned() }
            .details()
    };
    escrow.record(Op::State, Phase::Done, &state(KeyState::Active, KeyState::Suspended)).unwrap();
    escrow.record(Op::State, Phase::Done, &state(KeyState::Suspended, KeyState::Compromised)).unwrap();
    let founded = escrow.state().quorum().unwrap().founded.clone();
    let card = CardId { quorum: founded.quorum, generation: 1, index: 4 };
    let told = |fate| CardChange { card, fate, reason: "a test".to_owned() }.details();
    for fate in [Fate::Lost, Fate::Found] {
        escrow.record(Op::Card, Phase::Done, &told(fate)).unwrap();
    }
    let witnesses = ["Wim".to_owned(), "Wilma Zoë".to_owned()];
    let whole = |store: &MemoryStore| {
        let copy = MemoryStore::new();
        for name in store.names() {
            copy.tamper(&name, store.read(&name, 1 << 20).unwrap());
        }
        copy
    };
    certify(&mut escrow, &Remains::Card(card), "burnt", &witnesses).unwrap();
    let backup = escrow.version(&"orders@1".parse().unwrap()).unwrap().backed.backup;
    let what = Remains::Backup { name, version, backup };
    certify(&mut escrow, &what, "its data is gone", &witnesses).unwrap();
    let left = sections(&whole(&store));
    out.put("escrow/found-undestroyed", &[("expect", "findings"), ("findings", "undestroyed")], &left);
    assert!(remove_backup(&escrow, escrow.version(&"orders@1".parse().unwrap()).unwrap()).unwrap());
    let late = escrow.log().checkpoint().to_string();
    let headers = [
        ("expect", "ok"),
        ("holds", late.as_str()),
        ("states", "orders@1 destroyed-compromised, orders@2 active, signing.2026@1 active"),
        ("certificates", "card, backup"),
    ];
    out.put("escrow/watched", &headers, &sections(&store));
    refused(out, &store, &escrow);
}

/// The last record with something else in it.
fn refused(out: &Out, store: &MemoryStore, escrow: &Escrow<'_>) {
    let last = escrow.log().commits();
    let file = |number| String::from_utf8(store.read(&Log::file(number), 1 << 20).unwrap().unwrap()).unwrap();
    let put = |name: &str, until: u64, from: &str, to: &str| {
        let copy = MemoryStore::new();
        for number in 1..=until {
            let mut text = file(number);
            if number == until {
                assert!(text.contains(from), "{from} in {text}");
                text = text.replacen(from, to, 1);
            }
            copy.tamper(&Log::file(number), Some(text.into_bytes()));
        }
        let headers = [("expect", "refused"), ("reason", "state")];
        out.put(&format!("escrow/refused-{name}"), &headers, &sections(&copy));
    };
    put("certificate-number", last, "\"certificate\":2", "\"certificate\":3");
    put("certificate-one-witness", last, "[\"Wim\",\"Wilma Zoë\"]", "[\"Wim\"]");
    put("certificate-same-witness", last, "[\"Wim\",\"Wilma Zoë\"]", "[\"Wim\",\"WIM\"]");
    put("certificate-of-nothing", last, "\"version\":1", "\"version\":7");
    put("card-found-twice", last - 2, "\"change\":\"found\"", "\"change\":\"lost\"");
    put("state-from-another", last - 4, "\"from\":\"suspended\"", "\"from\":\"active\"");
    put("state-back", last - 4, "\"to\":\"compromised\"", "\"to\":\"pre-activation\"");
    put("state-destroyed", last - 4, "\"to\":\"compromised\"", "\"to\":\"destroyed\"");
    put("policy-no-days", last - 6, "\"drill-days\":180", "\"drill-days\":0");
    put("policy-unknown", last - 6, "\"drill-days\":180", "\"drill-days\":180,\"drink-days\":1");
    put("policy-intent", last - 6, "\"phase\":\"done\"", "\"phase\":\"intent\"");
}
