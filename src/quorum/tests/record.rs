//! The record comes back as it was, and no altered byte of it is taken.

use super::*;
use crate::wire::json::JsonError;

#[test]
fn what_is_signed_is_read() {
    for (m, n) in [(2, 2), (3, 5), (2, 40)] {
        let (quorum, deal, record) = found(m, n);
        let read = QuorumRecord::read(record.bytes()).unwrap();
        assert_eq!(read, record);
        assert_eq!(read.digest(), record.digest());
        assert_eq!((read.id(), read.scheme()), (quorum.id(), deal.commitments.scheme()));
        assert_eq!(read.terms(), &terms(record.scheme()));
        assert_eq!(read.custodian(1).unwrap().name, "custodian 1");
        assert_eq!((read.custodian(0), read.custodian(n as u8 + 1)), (None, None));
        let signature = quorum.sign(b"a head");
        assert!(read.has_signed(b"a head", &signature) && !read.has_signed(b"another", &signature));
    }
}

#[test]
fn the_largest_record_can_be_read() {
    let scheme = Scheme::new(255, 255).unwrap();
    let (quorum, deal) = Quorum::found(scheme, &mut Entropy::system()).unwrap();
    let mut terms = terms(scheme);
    for (place, custodian) in terms.custodians.iter_mut().enumerate() {
        custodian.name = format!("{place:03}{}", "\"".repeat(97));
        custodian.role = Some("\\".repeat(100));
        custodian.seal = "passphrase";
    }
    terms.predecessor = Some([0xff; 32]);
    let record = QuorumRecord::sign(&quorum, &deal.commitments, terms).unwrap();
    assert_eq!(QuorumRecord::read(record.bytes()), Ok(record));
}

#[test]
fn every_altered_bit_is_refused() {
    let (_, _, record) = found(2, 2);
    let bytes = record.bytes();
    // The recipient is most of it, and all of it is under the signature: one bit of each of its bytes.
    let long = std::str::from_utf8(bytes).unwrap().find("age1pq1").unwrap() + 20;
    let check = |from: usize, to: usize| {
        for place in from..to {
            let bits = if (long..long + 1900).contains(&place) { place % 8..place % 8 + 1 } else { 0..8 };
            for bit in bits {
                let mut altered = bytes.to_vec();
                altered[place] ^= 1 << bit;
                assert!(QuorumRecord::read(&altered).is_err(), "byte {place} bit {bit}");
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| check(0, bytes.len() / 2));
        check(bytes.len() / 2, bytes.len());
    });
}

#[test]
fn every_other_length_is_refused() {
    let (_, _, record) = found(2, 2);
    for length in 0..record.bytes().len() {
        let cut = QuorumRecord::read(&record.bytes()[..length]);
        assert!(matches!(cut, Err(RecordError::Json(_))), "{length}");
    }
    for extra in [b' ', b'\n', b'}', 0] {
        let longer = QuorumRecord::read(&[record.bytes(), &[extra]].concat());
        assert!(matches!(longer, Err(RecordError::Json(_))));
    }
    let huge = vec![b'['; 1 << 20];
    assert!(matches!(QuorumRecord::read(&huge), Err(RecordError::Json(JsonError::Syntax { .. }))));
}

#[test]
fn terms_that_no_reader_takes_are_not_signed() {
    let scheme = Scheme::new(2, 3).unwrap();
    let (quorum, deal) = Quorum::found(scheme, &mut Entropy::system()).unwrap();
    let refused = |edit: &dyn Fn(&mut Terms)| {
        let mut terms = terms(scheme);
        edit(&mut terms);
        QuorumRecord::sign(&quorum, &deal.commitments, terms).unwrap_err()
    };
    let name = |name: &str| RecordError::Name { name: name.to_owned() };
    let text = |what, text: &str| RecordError::Text { what, text: text.to_owned() };
    let twice =
        |name: &str| RecordError::NameTwice { name: name.to_owned(), other: "custodian 1".to_owned() };
    assert_eq!(refused(&|terms| terms.custodians[2].name = "Custodian 1".into()), twice("Custodian 1"));
    assert_eq!(refused(&|terms| terms.custodians[1].name = "CUSTODIAN 1".into()), twice("CUSTODIAN 1"));
    let long = "x".repeat(101);
    for wrong in ["", " ", "a ", "\ta", "a\nb", "a\u{7f}", "a\u{85}b", &long] {
        assert_eq!(refused(&|terms| terms.custodians[0].name = wrong.into()), name(wrong));
        assert_eq!(refused(&|terms| terms.custodians[0].role = Some(wrong.into())), text("role", wrong));
        assert_eq!(refused(&|terms| terms.organisation = Some(wrong.into())), text("organisation", wrong));
    }
    let number = |found| RecordError::Custodians { wanted: 3, found };
    assert_eq!(refused(&|terms| drop(terms.custodians.pop())), number(2));
    assert_eq!(refused(&|terms| terms.custodians.push(terms.custodians[0].clone())), number(4));
    assert_eq!(refused(&|terms| terms.custodians.clear()), number(0));
    let value = |field| JsonError::Value { artefact: "the quorum record", field }.into();
    assert_eq!(refused(&|terms| terms.generation = 0), value("generation"));
    assert_eq!(refused(&|terms| terms.custodians[0].seal = "wax"), value("seal"));
}
