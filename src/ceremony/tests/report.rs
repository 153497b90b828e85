//! Reports in the library: what one altered bit does, what doesn't fit, and what the log says of them.

use super::super::report::{Card, Due, Kind, MOST, Person, Report, ReportError, Signed, Step};
use super::*;
use crate::quorum::Quorum;
use proptest::prelude::*;

fn signed() -> (MemoryStore, QuorumRecord, Quorum, Signed) {
    let (store, cards) = found(2, 3);
    let escrow = open(&store);
    // Of the founding, which ended with the log's second record.
    let before = escrow.log().checkpoint();
    let record = escrow.quorum().unwrap();
    let quorum = gather(record.clone(), &cards, &[1, 2]).meet().unwrap();
    let signed = report(&record, before, escrow.log().checkpoint()).sign(&quorum).unwrap();
    (store, record, quorum, signed)
}

fn report(record: &QuorumRecord, before: crate::log::Checkpoint, after: crate::log::Checkpoint) -> Report {
    Report {
        kind: Kind::Found,
        quorum: record.id(),
        generation: 1,
        scheme: (2, 3),
        organisation: None,
        purpose: Some("a \"test\" é".to_owned()),
        time: now(),
        program: "quorate".to_owned(),
        binary: None,
        people: vec![Person { name: "ann".to_owned(), role: "operator".to_owned() }],
        steps: vec![Step {
            name: "one".to_owned(),
            time: now(),
            milliseconds: 0,
            signed_off: Some("A".to_owned()),
        }],
        cards: vec![Card {
            index: 1,
            custodian: "c".to_owned(),
            verification: "v".to_owned(),
            envelope: None,
        }],
        keys: vec![],
        count: 0,
        failures: 0,
        exceptions: vec!["none".to_owned()],
        before,
        after,
        due: vec![Due { name: "a drill".to_owned(), time: now() }],
    }
}

#[test]
fn every_altered_bit_is_found() {
    let (store, record, quorum, signed) = signed();
    assert_eq!(Signed::read(signed.bytes()), Ok(signed.clone()));
    assert_eq!(signed.verify(&record), Ok(()));
    let mut escrow = open(&store);
    assert_eq!(signed.is_in(&escrow), Err(ReportError::NotInLog));
    let seq = signed.record(&mut escrow, &quorum, Some([7; 32])).unwrap().seq();
    assert_eq!(signed.is_in(&escrow), Ok(seq));
    assert_eq!(super::super::inspect::check_heads(&escrow), vec![]);
    for at in 0..signed.bytes().len() {
        for bit in 0..8 {
            let mut bytes = signed.bytes().to_vec();
            bytes[at] ^= 1 << bit;
            let outcome = Signed::read(&bytes).and_then(|signed| signed.verify(&record));
            assert!(outcome.is_err(), "byte {at}, bit {bit}");
        }
    }
    for length in 0..signed.bytes().len() {
        assert!(Signed::read(&signed.bytes()[..length]).is_err());
    }
    // A quorum of another escrow doesn't vouch for it.
    let (other, _) = found(2, 3);
    let theirs = open(&other).quorum().unwrap();
    assert!(matches!(signed.verify(&theirs), Err(ReportError::OtherQuorum { .. })));
}

#[test]
fn what_no_reader_takes_is_not_signed() {
    let (_, record, quorum, good) = signed();
    let refused = |change: &dyn Fn(&mut Report)| {
        let mut report = good.report().clone();
        change(&mut report);
        report.sign(&quorum).is_err()
    };
    assert!(!refused(&|_| ()));
    assert!(refused(&|report| report.purpose = Some(" ".to_owned())));
    assert!(refused(&|report| report.purpose = Some("a\nb".to_owned())));
    assert!(refused(&|report| report.purpose = Some("a".repeat(1001))));
    assert!(refused(&|report| report.people[0].role = String::new()));
    assert!(refused(&|report| report.steps[0].signed_off = Some(String::new())));
    assert!(refused(&|report| report.cards[0].envelope = Some("\u{7}".to_owned())));
    assert!(refused(&|report| report.exceptions = vec!["e".to_owned(); MOST + 1]));
    // Each text and list alone is small enough, and all of it is not.
    assert!(refused(&|report| {
        report.exceptions = vec!["e".repeat(1000); MOST];
        report.people = vec![Person { name: "n".repeat(1000), role: "r".to_owned() }; MOST];
    }));
    assert_eq!(good.verify(&record), Ok(()));
}

/// A record of a report about a quorum that isn't here, of a ceremony that comes later, or of one that was none
/// or of another kind, doesn't fit.
#[test]
fn a_record_of_a_report_must_fit_the_log() {
    let (store, _, quorum, signed) = signed();
    let mut escrow = open(&store);
    let reported_as = |kind, ended: u64| crate::log::Reported {
        kind,
        quorum: quorum.id(),
        ended,
        digest: signed.digest(),
        paper: None,
    };
    let reported = |ended| reported_as(Kind::Found, ended);
    let next = escrow.log().checkpoint().seq() + 1;
    for wrong in [reported(next), reported(next - 2), reported_as(Kind::Drill, next - 1)] {
        let details = wrong.details();
        assert!(escrow.record_signed(Op::Report, crate::log::Phase::Done, &details, &quorum).is_err());
    }
    let details = reported(next - 1).details();
    assert!(escrow.record(Op::Report, crate::log::Phase::Done, &details).is_err(), "unsigned");
    assert!(escrow.record(Op::Report, crate::log::Phase::Intent, &details).is_err());
    assert!(escrow.record_signed(Op::Report, crate::log::Phase::Done, &details, &quorum).is_ok());
    assert_eq!(escrow.state().reports().len(), 1);
}

/// A record that has a report's SHA-256 and speaks of another ceremony: the report isn't what it says.
#[test]
fn a_report_is_of_the_ceremony_that_the_log_names() {
    let (store, record, quorum, first) = signed();
    let mut escrow = open(&store);
    let Report { before, after, .. } = *first.report();
    let drill = Report { kind: Kind::Drill, ..report(&record, before, after) }.sign(&quorum).unwrap();
    let reported = crate::log::Reported {
        kind: Kind::Found,
        quorum: quorum.id(),
        ended: after.seq(),
        digest: drill.digest(),
        paper: None,
    };
    let seq = escrow
        .record_signed(Op::Report, crate::log::Phase::Done, &reported.details(), &quorum)
        .unwrap()
        .seq();
    assert_eq!(drill.is_in(&escrow), Err(ReportError::OtherCeremony { seq }));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Signed::read(&bytes).is_err());
    }
}
