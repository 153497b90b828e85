//! Key records: what is written comes back, and nothing else is read.

use super::*;
use crate::wire::text::base64;

#[allow(clippy::unwrap_used)]
fn facts() -> KeyFacts {
    KeyFacts {
        key: KeyId::parse("ABCDEFGHIJKLMNOP").unwrap(),
        label: "orders-db".parse().unwrap(),
        version: NonZeroU32::new(3).unwrap(),
        created: "2026-11-23T20:00:00Z".parse().unwrap(),
        usage: ["wrap", "encrypt"].map(String::from).into(),
        attributes: [("ckaid".to_string(), "0a\"\\é".to_string())].into(),
    }
}

#[allow(clippy::unwrap_used)]
fn example() -> String {
    let bytes: Vec<u8> = (0..16).collect();
    let material = KeyMaterial::raw(KeyKind::Aes128, SecretBytes::copy_of(&bytes)).unwrap();
    let record = KeyRecord { facts: facts(), material, salt: SecretBytes::filled(SALT, |to| to.fill(7)) };
    String::from_utf8(record.to_bytes().expose().to_vec()).unwrap()
}

#[test]
fn the_example_of_the_format() {
    let text = example();
    assert_eq!(
        text,
        "{\"attributes\":{\"ckaid\":\"0a\\\"\\\\é\"},\"created\":\"2026-11-23T20:00:00Z\",\"encoding\":\"raw\",\
         \"format\":\"quorate/v1/key\",\"key\":\"ABCDEFGHIJKLMNOP\",\"kind\":\"aes-128\",\"label\":\"orders-db\",\
         \"material\":\"AAECAwQFBgcICQoLDA0ODw==\",\"salt\":\"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\",\
         \"usage\":[\"encrypt\",\"wrap\"],\"version\":3}"
    );
    let record = KeyRecord::from_bytes(text.as_bytes()).unwrap();
    assert_eq!(record.facts(), &facts());
    // The known answer of the fingerprint's own test.
    assert!(record.fingerprint().to_string().starts_with("2aac2a468780ddb1"));
}

#[test]
fn every_kind_comes_back() {
    let mut entropy = Entropy::system();
    for material in super::super::tests::samples() {
        let record = KeyRecord::new(facts(), material, &mut entropy).unwrap();
        let bytes = record.to_bytes();
        let read = KeyRecord::from_bytes(bytes.expose()).unwrap();
        assert!(read.material().ct_eq(record.material()));
        assert_eq!(read.fingerprint(), record.fingerprint());
        assert!(read.to_bytes().ct_eq(&bytes));
        assert!(!format!("{read:?}").contains(&base64(read.salt.expose())));
        assert!(read.into_material().ct_eq(record.material()));
    }
}

#[test]
fn the_largest_record_fits() {
    let mut facts = facts();
    let name = |n| format!("{n:0>64}");
    facts.label = "x".repeat(64).parse().unwrap();
    facts.version = NonZeroU32::MAX;
    facts.usage = (0..MOST_USAGES).map(name).collect();
    facts.attributes = (0..MOST_ATTRIBUTES).map(|n| (name(n), "\"".repeat(LONGEST_VALUE))).collect();
    let mut entropy = Entropy::system();
    let material = super::super::generate_opaque(super::super::OPAQUE_LIMIT, &mut entropy).unwrap();
    let bytes = KeyRecord::new(facts.clone(), material, &mut entropy).unwrap().to_bytes();
    assert!(bytes.len() <= RECORD_LIMIT);
    assert_eq!(KeyRecord::from_bytes(bytes.expose()).unwrap().facts(), &facts);
    assert_eq!(KeyRecord::from_bytes(&vec![b' '; RECORD_LIMIT + 1]).unwrap_err(), RecordError::TooLong);
}

#[test]
fn facts_have_limits() {
    let new = |change: &dyn Fn(&mut KeyFacts)| {
        let mut facts = facts();
        change(&mut facts);
        let mut entropy = Entropy::system();
        let material = super::super::generate(KeyKind::Aes128, &mut entropy).unwrap();
        KeyRecord::new(facts, material, &mut entropy).map(|_| ())
    };
    assert_eq!(new(&|_| ()), Ok(()));
    let usage = Err(RecordError::Fact { field: "usage" });
    for wrong in ["", "Sign", "a b", &"x".repeat(65)] {
        assert_eq!(new(&|facts| facts.usage = [wrong.to_string()].into()), usage);
    }
    assert_eq!(new(&|facts| facts.usage.extend((0..16).map(|n| n.to_string()))), usage);
    let attributes = Err(RecordError::Fact { field: "attributes" });
    for (name, value) in [("", "a"), ("A", "a"), ("a", "a\n"), ("a", "\u{85}"), ("a", &*"x".repeat(1025))] {
        assert_eq!(
            new(&|facts| facts.attributes = [(name.to_string(), value.to_string())].into()),
            attributes
        );
    }
    assert_eq!(
        new(&|facts| facts.attributes.extend((0..64).map(|n| (n.to_string(), String::new())))),
        attributes
    );
}

#[test]
fn other_records_are_refused() {
    let text = example();
    let read = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        KeyRecord::from_bytes(text.replacen(from, to, 1).as_bytes()).map(|_| ())
    };
    let value = |field| Err(RecordError::Json(JsonError::Value { artefact: ARTEFACT, field }));
    let missing = |field| Err(RecordError::Json(JsonError::Missing { artefact: ARTEFACT, field }));
    assert_eq!(read("v1/key", "v2/key"), Err(RecordError::Format { found: "quorate/v2/key".into() }));
    assert_eq!(read("\"format\":\"quorate/v1/key\",", ""), missing("format"));
    assert_eq!(read("\"usage\":[\"encrypt\",\"wrap\"],", ""), missing("usage"));
    assert_eq!(read("aes-128", "aes-512"), value("kind"));
    assert_eq!(read("\"raw\"", "\"pkcs8\""), value("encoding"));
    assert_eq!(read("ABCDEFGHIJKLMNOP", "ABCDEFGHIJKLMNO1"), value("key"));
    assert_eq!(read("orders-db", "-orders-db"), value("label"));
    assert_eq!(read("\"version\":3", "\"version\":0"), value("version"));
    assert_eq!(read("\"version\":3", "\"version\":4294967296"), value("version"));
    assert_eq!(read("\"version\":3", "\"version\":\"3\""), value("version"));
    assert_eq!(read("20:00:00Z", "25:00:00Z"), value("created"));
    assert_eq!(read("[\"encrypt\",\"wrap\"]", "[\"wrap\",\"encrypt\"]"), value("usage"));
    assert_eq!(read("[\"encrypt\",\"wrap\"]", "[\"wrap\",\"wrap\"]"), value("usage"));
    assert_eq!(read("[\"encrypt\",\"wrap\"]", "[1]"), value("usage"));
    assert_eq!(read("{\"ckaid\":\"0a\\\"\\\\é\"}", "{\"ckaid\":1}"), value("attributes"));
    assert_eq!(read("{\"ckaid\":\"0a\\\"\\\\é\"}", "[]"), value("attributes"));
    assert_eq!(read("0a\\\"", "\\n"), value("attributes"));
    assert_eq!(read("\"BwcH", "\""), value("salt"));
    assert_eq!(read("Dw==", "Dx=="), value("material"));
    let short = ImportError::Length { kind: KeyKind::Aes128, expected: 16, found: 15 };
    assert_eq!(read("DA0ODw==", "DA0O"), Err(short.into()));
    let weak = ImportError::Weak { kind: KeyKind::Aes128 };
    assert_eq!(read("AAECAwQFBgcICQoLDA0ODw", "AAAAAAAAAAAAAAAAAAAAAA"), Err(weak.into()));
    let unknown = JsonError::Unknown { artefact: ARTEFACT, field: "also".into() };
    assert_eq!(read("{\"attributes\"", "{\"also\":1,\"attributes\""), Err(unknown.into()));
    assert!(matches!(
        read("{\"attributes\"", "{ \"attributes\""),
        Err(RecordError::Json(JsonError::Syntax { .. }))
    ));
    assert!(KeyRecord::from_bytes(b"[]").is_err());
    // Every single bit counts.
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let read = KeyRecord::from_bytes(&bytes);
        assert!(read.is_err() || read.unwrap().to_bytes().expose() == bytes);
    }
}
