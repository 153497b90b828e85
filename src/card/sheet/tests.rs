//! Backup sheets and their codes: bytes there and back, codes lost, altered, mixed and foreign.

#![allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "tests; the numbers are small")]

use super::*;
use crate::age::Recipient;
use crate::card::CodeError;
use crate::key::{KeyFacts, KeyId, KeyKind, KeyRecord, generate};
use crate::primitive::random::Entropy;
use crate::quorum::{Custodian, Quorum, Terms};
use crate::share::Scheme;

fn recipient_backup(record: &KeyRecord, to: &Recipient) -> Backup {
    Backup::seal(record, to, &mut Entropy::system()).unwrap()
}

fn sheet_of(kind: KeyKind) -> BackupSheet {
    let mut entropy = Entropy::system();
    let (quorum, deal) = Quorum::found(Scheme::new(2, 3).unwrap(), &mut entropy).unwrap();
    let custodian = |name: &str| Custodian {
        name: name.into(),
        role: None,
        seal: "open",
        card: sha256(&[name.as_bytes()]),
    };
    let created = "2026-11-23T20:00:00Z".parse().unwrap();
    let terms = Terms {
        generation: 1,
        created,
        organisation: None,
        custodians: ["alice", "bob", "carol"].map(custodian).into(),
        predecessor: None,
    };
    let record = QuorumRecord::sign(&quorum, &deal.commitments, terms).unwrap();
    let material = generate(kind, &mut entropy).unwrap();
    let key = KeyFacts {
        key: KeyId::parse("ABCDEFGHIJKLMNOP").unwrap(),
        label: "orders".parse().unwrap(),
        version: 3.try_into().unwrap(),
        created,
        usage: [].into(),
        attributes: [].into(),
    };
    let key = KeyRecord::new(key, material, &mut entropy).unwrap();
    let facts = Facts {
        name: key.facts().label.clone(),
        key: key.facts().key,
        version: key.facts().version,
        kind,
        created,
        fingerprint: key.fingerprint(),
        spki: key.material().spki_sha256(),
        checkpoint: "12:ABCD-EFGH-IJKL-MNOP-QRST-UVWX-YZ23-4567".into(),
        time: created,
    };
    facts.are_of(&key).unwrap();
    let backup = recipient_backup(&key, quorum.recipient());
    BackupSheet::new(facts, record, backup).unwrap()
}

fn gathered(codes: &[String]) -> Result<Gathered, SheetError> {
    let mut collector = SheetCollector::new();
    codes.iter().for_each(|code| collector.offer(code).unwrap());
    let mut all = collector.finish();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// Another character in the base32 of a code.
fn altered(code: &str) -> String {
    let mut bytes = code.as_bytes().to_vec();
    let at = bytes.len() - 200;
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn bytes_come_back_and_no_others_are_taken() {
    let sheet = sheet_of(KeyKind::Aes256);
    let bytes = sheet.bytes();
    assert_eq!(BackupSheet::read(bytes).unwrap(), sheet);
    for end in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        assert!(BackupSheet::read(&bytes[..end]).is_err(), "{end}");
    }
    for at in (0..bytes.len()).step_by(61).chain(0..HEAD).chain([bytes.len() - 1]) {
        let mut other = bytes.to_vec();
        other[at] ^= 1;
        assert!(BackupSheet::read(&other).is_err(), "{at}");
    }
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert!(matches!(
        BackupSheet::read(&longer),
        Err(SheetError::Wire(WireError::Trailing { extra: 1, .. }))
    ));
    assert_eq!(BackupSheet::read_padded(&longer, 2).unwrap(), sheet);
    assert!(BackupSheet::read_padded(&longer, 1).is_err());
}

#[test]
fn any_one_code_is_rebuilt_and_two_are_named() {
    for kind in [KeyKind::Aes256, KeyKind::Ed25519] {
        let sheet = sheet_of(kind);
        let codes = sheet_codes(&sheet);
        let mut mixed: Vec<String> = codes.iter().rev().chain(&codes).cloned().collect();
        mixed[3] = mixed[3].to_lowercase();
        assert_eq!(gathered(&mixed).unwrap().sheet, sheet);
        for lost in 0..codes.len() {
            let mut rest = codes.clone();
            rest.remove(lost);
            let one = gathered(&rest).unwrap();
            assert_eq!((one.sheet, one.altered), (sheet.clone(), None));
            assert_eq!(one.rebuilt, Some(u16::try_from(lost + 1).unwrap()));
            let two = rest.len() - 1;
            rest.remove(two);
            let Err(SheetError::Missing { name, missing, of }) = gathered(&rest) else { panic!("{lost}") };
            assert_eq!((name, usize::from(of), missing.len()), (sheet.name(), codes.len(), 2));
        }
    }
}

#[test]
fn an_altered_code_is_set_aside_when_the_rest_is_whole() {
    let sheet = sheet_of(KeyKind::Aes128);
    let codes = sheet_codes(&sheet);
    for at in 0..codes.len() {
        let mut some = codes.clone();
        some[at] = altered(&some[at]);
        let one = gathered(&some).unwrap();
        assert_eq!((one.sheet, one.rebuilt), (sheet.clone(), None));
        assert_eq!(one.altered, Some(u16::try_from(at + 1).unwrap()));
        // Without the spare, or with another one altered, nobody can tell.
        let other = (at + 1) % codes.len();
        some[other] = altered(&some[other]);
        assert_eq!(gathered(&some).unwrap_err(), SheetError::Digest);
    }
    let mut collector = SheetCollector::new();
    collector.offer(&codes[2]).unwrap();
    let differs = SheetCodeError::Differs { name: sheet.name(), number: 3 };
    assert_eq!(collector.offer(&altered(&codes[2])), Err(differs));
}

#[test]
fn codes_of_two_sheets_do_not_mix() {
    let (one, two) = (sheet_of(KeyKind::Aes128), sheet_of(KeyKind::Aes128));
    let mut collector = SheetCollector::new();
    for code in sheet_codes(&one).iter().zip(&sheet_codes(&two)).flat_map(|(a, b)| [a, b]) {
        collector.offer(code).unwrap();
    }
    let found: Vec<_> = collector.finish().into_iter().map(|sheet| sheet.unwrap().sheet).collect();
    assert_eq!(found.len(), 2);
    assert!(found.contains(&one) && found.contains(&two));
}

#[test]
fn what_is_no_code_of_a_sheet_is_named() {
    let code = sheet_codes(&sheet_of(KeyKind::Aes128)).remove(0);
    let refuse = |text: &str| SheetCollector::new().offer(text).unwrap_err();
    for card in ["QUORATE/1/AEBA", "QUORATE/1/P1OF6/ABCDEFGH/AE"] {
        assert_eq!(refuse(card), SheetCodeError::Card);
    }
    let damaged = SheetCodeError::Code(CodeError::Damaged);
    for (from, to) in [
        ("/B1OF", "/B01OF"),
        ("/B1OF", "/B0OF"),
        ("/B1OF", "/B99OF"),
        ("/B1OF", "/B+1OF"),
        ("/B1OF", "/C1OF"),
        ("/B1OF", "/B1OF1/X"),
        ("OF", "OF9999"),
    ] {
        assert_eq!(refuse(&code.replacen(from, to, 1)), damaged, "{from} {to}");
    }
    assert_eq!(refuse(&format!("{code}/A")), damaged);
    assert_eq!(refuse(&code[..code.len() - 1]), damaged);
    assert_eq!(refuse("QUORATE/2/B1OF2/X"), SheetCodeError::Code(CodeError::Version));
    assert!(refuse("https://example.org").to_string().contains("it holds a web address"));
    assert!(refuse(&"A".repeat(9000)).to_string().contains("more text"));
    assert_eq!(crate::card::Collector::new().offer(&code).unwrap_err(), CodeError::Sheet);
}

#[test]
fn a_key_that_is_too_long_is_refused() {
    let sheet = sheet_of(KeyKind::Aes128);
    let long = Backup::from_bytes([sheet.backup().bytes(), &vec![0; LONGEST]].concat());
    let error = BackupSheet::new(sheet.facts().clone(), sheet.record().clone(), long).unwrap_err();
    assert!(matches!(error, SheetError::TooLong { .. }));
}

#[test]
fn every_code_is_large_enough_on_paper() {
    for code in sheet_codes(&sheet_of(KeyKind::Ed25519)) {
        let modules = crate::card::qr::Modules::encode(&code).unwrap();
        assert!(modules.module_mm(78.0) >= 0.8, "{}", modules.side());
    }
    let most =
        format!("{}B240OF241/ABCDEFGH/{}", crate::card::PREFIX, text::base32(&[7; codes::PART]).as_str());
    assert!(crate::card::qr::Modules::encode(&most).unwrap().module_mm(78.0) >= 0.8);
}
