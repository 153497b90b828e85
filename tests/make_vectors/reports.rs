//! Vectors of a drill and of reports: made of the published escrow and its open cards, with nothing
//! random, so that they tell of the same quorum and can be made again to compare.

use super::Out;
use super::escrows::sections;
use super::sheets::{met, published, store};
use quorate::ceremony::drill::{Choice, Drilling, Nowhere};
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::report::{Card, Due, Key, Kind, Person, Report, Signed, Step};
use quorate::log::Times;
use quorate::primitive::random::Entropy;
use quorate::quorum::QuorumRecord;
use quorate::wire::text::hex;
use quorate::wire::time::Timestamp;
use std::cell::Cell;

pub(crate) fn make(out: &Out) {
    let store = store();
    let time = Cell::new(1_795_470_000);
    let tick = || {
        time.set(time.get() + 60);
        Timestamp::from_unix(time.get()).unwrap()
    };
    let mut escrow = Escrow::open(&store, &tick, "maker of vectors").unwrap();
    let record = QuorumRecord::read(published("quorum-record/good").trim_end().as_bytes()).unwrap();
    let before = escrow.log().checkpoint();
    let drilling = Drilling::begin(&mut escrow, record.id(), &Choice::All, &mut Entropy::system()).unwrap();
    let (gathering, quorum) = met(record.clone());
    let missed = drilling.prove(&escrow, &quorum, &mut Nowhere, &mut |_| ());
    assert!(missed.is_empty());
    let chosen = drilling.chosen().to_vec();
    let times = Times { gather: 61_000, meet: 12, open: 340, whole: 61_352 };
    drilling.complete(&mut escrow, &quorum, &gathering, &Nowhere, &missed, times).unwrap();
    let after = escrow.log().checkpoint();
    let key = |(name, version): &(quorate::key::Label, core::num::NonZeroU32)| Key {
        name: name.clone(),
        version: *version,
        fingerprint: escrow.state().keys()[name].versions[version].backed.fingerprint,
        outcome: "matched".to_owned(),
    };
    let report = Report {
        kind: Kind::Drill,
        quorum: record.id(),
        generation: 1,
        scheme: (3, 4),
        organisation: Some("Example Org".to_owned()),
        purpose: Some("the yearly drill \"2026\"".to_owned()),
        time: Timestamp::from_unix(1_795_471_000).unwrap(),
        program: "quorate 0.1.0".to_owned(),
        binary: Some([0x5a; 32]),
        people: vec![
            Person { name: "maker of vectors".to_owned(), role: "operator".to_owned() },
            Person { name: "Wilma Zo\u{eb}".to_owned(), role: "witness".to_owned() },
        ],
        steps: vec![
            Step {
                name: "gathering the custodians".to_owned(),
                time: Timestamp::from_unix(1_795_470_900).unwrap(),
                milliseconds: 61_000,
                signed_off: None,
            },
            Step {
                name: "the whole recovery".to_owned(),
                time: Timestamp::from_unix(1_795_470_901).unwrap(),
                milliseconds: 61_352,
                signed_off: Some("WZ".to_owned()),
            },
        ],
        cards: vec![Card {
            index: 1,
            custodian: "Alice".to_owned(),
            verification: quorate::card::verification(&record.custodian(1).unwrap().card),
            envelope: Some("A-0016".to_owned()),
        }],
        count: chosen.len() as u64,
        keys: chosen.iter().map(key).collect(),
        failures: 0,
        exceptions: vec!["the first printer was broken".to_owned()],
        before,
        after,
        due: vec![Due {
            name: "the next drill".to_owned(),
            time: Timestamp::from_unix(1_827_007_000).unwrap(),
        }],
    };
    let signed = report.sign(&quorum).unwrap();
    signed.record(&mut escrow, &quorum, None).unwrap();
    let (late, early) = (escrow.log().checkpoint().to_string(), before.to_string());
    let holds = [("expect", "ok"), ("holds", early.as_str()), ("holds", late.as_str())];
    out.put("escrow/drilled", &holds, &sections(&store));
    reports(out, &signed);
}

fn reports(out: &Out, signed: &Signed) {
    let text = String::from_utf8(signed.bytes().to_vec()).unwrap();
    let (digest, quorum) = (hex(&signed.digest()), signed.report().quorum.text());
    let headers = [("expect", "ok"), ("ceremony", "drill"), ("quorum", &quorum), ("sha256", &digest)];
    out.put("report/good", &headers, &text);
    let refuse = |name: &str, reason: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let headers = [("expect", "refused"), ("reason", reason)];
        out.put(&format!("report/refused-{name}"), &headers, &text.replacen(from, to, 1));
    };
    refuse("signed-other-purpose", "signature", "yearly", "weekly");
    refuse("signed-failures", "signature", "\"failures\":0", "\"failures\":1");
    refuse("signed-no-exception", "signature", "[\"the first printer was broken\"]", "[]");
    refuse("quorum", "quorum", &quorum, "AAAAAAAAAAAAAAAA");
    refuse("format", "later", "quorate/v1/report", "quorate/v2/report");
    refuse("unknown-field", "json", "\"failures\":0", "\"failures\":0,\"forgiven\":0");
    refuse("ceremony", "json", "\"drill\"", "\"party\"");
    refuse("control", "json", "yearly", "year\\tly");
    refuse("empty-text", "json", "\"the first printer was broken\"", "\" \"");
    refuse("checkpoint-spelling", "json", "\"before\":\"10:", "\"before\":\"010:");
    refuse("space", "json", "{\"after\"", "{ \"after\"");
    refuse("order", "json", "\"generation\":1", "\"generation\":1,\"forgiven\":0");
    let signature = text.split("\"signature\":").nth(1).unwrap().split(',').next().unwrap();
    refuse("unsigned", "unsigned", &format!("\"signature\":{signature},"), "");
}
