//! Vectors of rules that a reader keeps whoever writes: a certificate without its own writer among the witnesses, a
//! loss that a founder alone takes back, a key that is retired, a key version that is stopped in a provider. Made of
//! the published escrow, with nothing random.

use super::Out;
use super::escrows::sections;
use super::hand::hand;
use super::operators::{Story, at};
use super::sheets::store;
use quorate::ceremony::escrow::Escrow;
use quorate::log::{
    CardChange, CardId, Certificate, Fate, Imported, KeyState, Log, Op, Packaged, Phase, Remains, Retirement,
    Shred, ShredBy, ShredHow, Shredded, StateChange,
};
use quorate::provider::{ProofKind, Provider};
use quorate::store::{MemoryStore, Store};
use quorate::wire::json::{Json, object};
use std::cell::Cell;

const PLACE: &str = "arn:aws:kms:eu-west-1:111122223333:key/a";

/// The published escrow with records behind it, a minute each.
pub(crate) struct Behind {
    pub(crate) store: MemoryStore,
    minute: Cell<u64>,
}

impl Behind {
    pub(crate) fn new() -> Self {
        Self { store: store(), minute: Cell::new(0) }
    }

    /// Commits one record; its number.
    pub(crate) fn say(&self, op: Op, phase: Phase, details: &Json<'static>) -> u64 {
        self.minute.set(self.minute.get() + 1);
        let now = || at(self.minute.get());
        let mut escrow = Escrow::open(&self.store, &now, "maker of vectors").unwrap();
        escrow.record(op, phase, details).unwrap().seq()
    }

    pub(crate) fn state<T>(&self, of: impl FnOnce(&Escrow<'_>) -> T) -> T {
        let now = || at(self.minute.get());
        of(&Escrow::open(&self.store, &now, "maker of vectors").unwrap())
    }

    /// Publishes it with the text of its last file changed, which no reader takes.
    pub(crate) fn refuse(&self, out: &Out, name: &str, from: &str, to: &str) {
        let last = Log::open(&self.store).unwrap().commits();
        let copy = MemoryStore::new();
        for number in 1..=last {
            let mut bytes = self.store.read(&Log::file(number), 1 << 20).unwrap().unwrap();
            if number == last {
                let text = String::from_utf8(bytes).unwrap();
                assert!(text.contains(from), "{from} in {text}");
                bytes = text.replacen(from, to, 1).into_bytes();
            }
            copy.tamper(&Log::file(number), Some(bytes));
        }
        let headers = [("expect", "refused"), ("reason", "state")];
        out.put(&format!("escrow/refused-{name}"), &headers, &sections(&copy));
    }
}

fn state(from: KeyState, to: KeyState) -> Json<'static> {
    let (name, version) = ("signing.2026".parse().unwrap(), 1.try_into().unwrap());
    StateChange { name, version, from, to, reason: "a test".to_owned() }.details()
}

fn card(of: &Escrow<'_>) -> CardId {
    CardId { quorum: of.state().quorum().unwrap().founded.quorum, generation: 1, index: 4 }
}

fn certificate(card: CardId, witness: &str) -> Json<'static> {
    let witnesses = vec!["Wim".to_owned(), witness.to_owned()];
    Certificate { number: 1, what: Remains::Card(card), reason: "a test".to_owned(), witnesses }.details()
}

pub(crate) fn make(out: &Out) {
    retired(out);
    stopped(out);
    let behind = Behind::new();
    let card = behind.state(card);
    behind.say(Op::Destroy, Phase::Done, &certificate(card, "Wilma"));
    behind.refuse(out, "certificate-by-its-witness", "\"Wilma\"", "\"Maker of Vectors\"");

    // Where operators sign, the same is void: a founder's own name among the witnesses (15), a card that is found by
    // a depositor (17), and what only a founder may retire (19).
    let (flora, dave) = (hand(0xf1), hand(0xd1));
    let mut story = Story::begin(&flora, &dave);
    let now = at(9);
    story.force(Some(&flora), now, (Op::Destroy, Phase::Done, certificate(card, "FLORA")), false);
    let told =
        |fate| (Op::Card, Phase::Done, CardChange { card, fate, reason: "a test".to_owned() }.details());
    story.force(Some(&dave), now, told(Fate::Stolen), false);
    story.force(Some(&dave), now, told(Fate::Found), false);
    let compromised = state(KeyState::Active, KeyState::Compromised);
    story.force(Some(&dave), now, (Op::State, Phase::Done, compromised), false);
    story.force(Some(&dave), now, (Op::Retire, Phase::Done, retirement()), false);
    story.put(out, "rules");
    // The same by who may.
    for said in [
        told(Fate::Found),
        (Op::Retire, Phase::Done, retirement()),
        (Op::Destroy, Phase::Done, certificate(card, "Wilma")),
    ] {
        story.force(Some(&flora), now, said, false);
    }
    story.put(out, "rules-kept");
}

fn retirement() -> Json<'static> {
    Retirement { name: "signing.2026".parse().unwrap(), reason: "a \"test\"".to_owned() }.details()
}

fn retired(out: &Out) {
    let behind = Behind::new();
    // A policy with every field that came later.
    let policy = "leave-days = \"never\"\nsuspended-days = 200\ndrill-percent = 5\n";
    let policy = quorate::ceremony::policy::read(policy.as_bytes()).unwrap();
    behind.say(Op::Policy, Phase::Done, &policy.details());
    behind.refuse(out, "policy-usual", "\"drill-percent\":5", "\"drill-percent\":1");
    behind.refuse(out, "policy-percent", "\"drill-percent\":5", "\"drill-percent\":101");
    behind.refuse(out, "policy-leave", "\"leave-days\":0", "\"leave-days\":3654");
    behind.say(Op::State, Phase::Done, &state(KeyState::Active, KeyState::Compromised));
    behind.say(Op::Retire, Phase::Done, &retirement());
    let headers = [
        ("expect", "ok"),
        ("states", "orders@1 active, orders@2 active, signing.2026@1 compromised"),
        ("retired", "signing.2026"),
    ];
    out.put("escrow/retired", &headers, &sections(&behind.store));
    behind.refuse(out, "retire-in-use", "\"name\":\"signing.2026\"", "\"name\":\"orders\"");
    behind.refuse(out, "retire-nothing", "\"name\":\"signing.2026\"", "\"name\":\"nothing\"");
    behind.refuse(out, "retire-intent", "\"phase\":\"done\"", "\"phase\":\"intent\"");
}

fn stopped(out: &Out) {
    let behind = Behind::new();
    let fingerprint =
        behind.state(|escrow| escrow.version(&"orders@2".parse().unwrap()).unwrap().backed.fingerprint);
    let (name, version, provider) = ("orders".parse().unwrap(), 2.try_into().unwrap(), Provider::Aws);
    let packaged = Packaged {
        name,
        version,
        fingerprint,
        provider,
        place: PLACE.to_owned(),
        package: [1; 32],
        request: [2; 32],
        wrapping_key: [3; 32],
        blob: [4; 32],
        proof: ProofKind::MaterialId,
        target: Default::default(),
        drill: None,
    };
    behind.say(Op::Package, Phase::Done, &packaged.done());
    let Packaged { name, place, package, proof, .. } = packaged;
    let target = [("key".to_owned(), PLACE.to_owned()), ("region".to_owned(), "eu-west-1".to_owned())].into();
    let (evidence, id) = ("ab".repeat(32), None);
    let imported = Imported { name, version, provider, place, package, proof, evidence, target, id };
    behind.say(Op::Import, Phase::Done, &imported.done());
    // One that failed, one by hand, and one that the provider finishes later.
    let stop = Shred::of(&imported, ShredHow::Disable);
    let intent = behind.say(Op::Shred, Phase::Intent, &stop.intent());
    behind.refuse(out, "shred-not-held", "\"version\":2", "\"version\":1");
    behind.refuse(out, "shred-elsewhere", "key/a\",\"provider\"", "key/b\",\"provider\"");
    behind.say(Op::Shred, Phase::Failed, &object([("intent", Some(Json::Number(intent)))]));
    let held = [("expect", "ok"), ("stopped", "none")];
    out.put("escrow/shred-failed", &held, &sections(&behind.store));
    let intent = behind.say(Op::Shred, Phase::Intent, &stop.intent());
    let by_hand = Shredded { shred: stop, by: ShredBy::Hand, state: "disabled".to_owned(), until: None };
    behind.say(Op::Shred, Phase::Done, &by_hand.done(intent));
    behind.refuse(out, "shred-another-than-begun", "\"how\":\"disable\"", "\"how\":\"destroy\"");
    behind.refuse(out, "shred-state", "\"state\":\"disabled\"", "\"state\":\"Disabled\"");
    let shred = Shred::of(&imported, ShredHow::Delete);
    let intent = behind.say(Op::Shred, Phase::Intent, &shred.intent());
    let done = Shredded { shred, by: ShredBy::Program, state: "ending".to_owned(), until: Some(at(99)) };
    behind.say(Op::Shred, Phase::Done, &done.done(intent));
    let headers = [("expect", "ok"), ("stopped", "orders@2 aws ending")];
    out.put("escrow/shredded", &headers, &sections(&behind.store));
    // An import to the same place takes it back.
    behind.say(Op::Import, Phase::Done, &imported.done());
    out.put("escrow/shredded-and-back", &held, &sections(&behind.store));
}
