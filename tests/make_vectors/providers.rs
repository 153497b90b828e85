//! Vectors of a key in providers: a drill into a test key and its end, and a key in use that is stopped. Made of the
//! published escrow, with nothing random. The packages themselves are nowhere: a log has their digests alone.

use super::Out;
use super::escrows::sections;
use super::sheets::{met, published, store};
use quorate::ceremony::drill::{Choice, Drilling, Target};
use quorate::ceremony::escrow::Escrow;
use quorate::key::{Fingerprint, KeyName, KeyRecord};
use quorate::log::{Imported, Log, Op, Packaged, Phase, Shred, ShredBy, ShredHow, Shredded, Times};
use quorate::primitive::random::Entropy;
use quorate::provider::{ProofKind, Provider};
use quorate::quorum::QuorumRecord;
use quorate::store::{MemoryStore, Store};
use quorate::wire::json::{Json, object};
use quorate::wire::time::Timestamp;
use std::cell::Cell;

/// A test key, as the drill's record knows it.
struct TestKey(Packaged);

impl Target for TestKey {
    fn word(&self) -> &'static str {
        "package"
    }

    fn take(&mut self, _: &KeyRecord) -> Result<(), String> {
        Ok(())
    }

    fn records(&self, intent: u64) -> Vec<(Op, Phase, Json<'static>)> {
        vec![(Op::Package, Phase::Done, self.0.clone().in_drill(intent).done())]
    }
}

fn packaged(fingerprint: Fingerprint, key: &str, digest: u8) -> Packaged {
    Packaged {
        name: "orders".parse().unwrap(),
        version: core::num::NonZeroU32::MIN,
        fingerprint,
        provider: Provider::OpenBao,
        place: key.to_owned(),
        package: [digest; 32],
        request: [digest + 1; 32],
        wrapping_key: [digest + 2; 32],
        blob: [digest + 3; 32],
        proof: ProofKind::Decrypt,
        target: Default::default(),
        drill: None,
    }
}

fn imported(packaged: &Packaged) -> Imported {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Imported {
        name: packaged.name.clone(),
        version: packaged.version,
        provider: packaged.provider,
        place: packaged.place.clone(),
        package: packaged.package,
        proof: packaged.proof,
        evidence: "5a".repeat(32),
        target: [field("key", &packaged.place), field("server", "bao.example:8200/team")].into(),
        id: Some("1@2026-11-24T00:00:00Z".to_owned()),
    }
}

pub(crate) fn make(out: &Out) {
    let store = store();
    let time = Cell::new(1_795_480_000);
    let tick = || {
        time.set(time.get() + 60);
        Timestamp::from_unix(time.get()).unwrap()
    };
    let mut escrow = Escrow::open(&store, &tick, "maker of vectors").unwrap();
    let record = QuorumRecord::read(published("quorum-record/good").trim_end().as_bytes()).unwrap();
    let name: KeyName = "orders@1".parse().unwrap();
    let fingerprint = escrow.version(&name).unwrap().backed.fingerprint;
    let (test, real) = (packaged(fingerprint, "orders-drill", 0x10), packaged(fingerprint, "orders", 0x20));

    let choice = Choice::Named(vec![name]);
    let drilling = Drilling::begin(&mut escrow, record.id(), &choice, &mut Entropy::system()).unwrap();
    let (gathering, quorum) = met(record);
    let mut target = TestKey(test.clone());
    assert!(drilling.prove(&escrow, &quorum, &mut target, &mut |_| ()).is_empty());
    let times = Times { gather: 61_000, meet: 12, open: 340, whole: 61_352 };
    drilling.complete(&mut escrow, &quorum, &gathering, &target, &[], times).unwrap();
    let say = |escrow: &mut Escrow<'_>, op, phase, details: Json<'static>| {
        escrow.record(op, phase, &details).unwrap();
        escrow.log().checkpoint().seq()
    };
    say(&mut escrow, Op::Import, Phase::Done, imported(&test).done());
    say(&mut escrow, Op::Package, Phase::Done, real.done());
    say(&mut escrow, Op::Import, Phase::Done, imported(&real).done());
    let ended = Shred::of(&imported(&test), ShredHow::Destroy);
    let intent = say(&mut escrow, Op::Shred, Phase::Intent, ended.intent());
    let gone = Shredded { shred: ended, by: ShredBy::Program, state: "gone".to_owned(), until: None };
    say(&mut escrow, Op::Shred, Phase::Done, gone.done(intent));
    // One that the service refused, and then one by hand that waits.
    let stopped = Shred::of(&imported(&real), ShredHow::Delete);
    let intent = say(&mut escrow, Op::Shred, Phase::Intent, stopped.intent());
    let failed = object([("intent", Some(Json::Number(intent)))]);
    say(&mut escrow, Op::Shred, Phase::Failed, failed);
    let intent = say(&mut escrow, Op::Shred, Phase::Intent, stopped.intent());
    let until = Some(Timestamp::from_unix(1_796_000_000).unwrap());
    let waits = Shredded { shred: stopped, by: ShredBy::Hand, state: "ending".to_owned(), until };
    say(&mut escrow, Op::Shred, Phase::Done, waits.done(intent));
    let head = escrow.log().checkpoint().to_string();
    let held = "orders@1 openbao orders stopped, orders@1 openbao orders-drill drill stopped";
    let headers = [("expect", "ok"), ("held", held), ("holds", head.as_str())];
    out.put("escrow/in-providers", &headers, &sections(&store));
    refused(out, &store);
}

fn refused(out: &Out, store: &MemoryStore) {
    let file = |number| store.read(&Log::file(number), 1 << 20).unwrap();
    let put = |name: &str, from: &str, to: &str| {
        let copy = MemoryStore::new();
        for number in 1.. {
            let text = String::from_utf8(file(number).unwrap()).unwrap();
            let altered = text.contains(from);
            copy.tamper(&Log::file(number), Some(text.replacen(from, to, 1).into_bytes()));
            if altered {
                break;
            }
        }
        let headers = [("expect", "refused"), ("reason", "state")];
        out.put(&format!("escrow/refused-{name}"), &headers, &sections(&copy));
    };
    let package = |number: &str| format!("\"drill\":{number},\"fingerprint\"");
    let text = (1..).map_while(file).map(|bytes| String::from_utf8(bytes).unwrap()).collect::<String>();
    let number = text.split("\"drill\":").nth(1).unwrap().split(',').next().unwrap();
    put("package-of-no-drill", &package(number), &package("1"));
    put("package-of-a-drill-to-come", &package(number), &package("999"));
    let place = |place: &str| {
        format!("\"place\":\"{place}\",\"proof\":\"decrypt\",\"provider\":\"openbao\",\"target\"")
    };
    put("import-of-no-package", &place("orders-drill"), &place("orders-test"));
    let place = |place: &str| format!("\"place\":\"{place}\",\"provider\":\"openbao\",\"target\"");
    put("shred-of-nothing", &place("orders-drill"), &place("orders-test"));
    put(
        "shred-done-otherwise",
        "\"by\":\"program\",\"how\":\"destroy\"",
        "\"by\":\"program\",\"how\":\"disable\"",
    );
}
