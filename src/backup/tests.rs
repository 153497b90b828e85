//! A backup gives the key that the log names, or an error that says what differs.

use super::*;
use crate::age::{HeaderError, Kind};
use crate::key::{KeyFacts, KeyKind, KeyMaterial};
use crate::secret::SecretBytes;
use std::collections::{BTreeMap, BTreeSet};

fn identity(kind: Kind) -> (Identity, Recipient) {
    let identity = Identity::from_seed(kind, &Entropy::system().secret(32).unwrap()).unwrap();
    let recipient = identity.recipient().unwrap();
    (identity, recipient)
}

fn facts(label: &str, version: u32) -> KeyFacts {
    KeyFacts {
        key: KeyId::parse("ABCDEFGHIJKLMNOP").unwrap(),
        label: label.parse().unwrap(),
        version: NonZeroU32::new(version).unwrap(),
        created: "2026-11-23T20:00:00Z".parse().unwrap(),
        usage: BTreeSet::new(),
        attributes: BTreeMap::new(),
    }
}

fn record(label: &str, version: u32, first: u8) -> KeyRecord {
    let bytes = SecretBytes::filled(32, |to| to.iter_mut().zip(first..).for_each(|(to, n)| *to = n));
    let material = KeyMaterial::raw(KeyKind::Aes256, bytes).unwrap();
    KeyRecord::new(facts(label, version), material, &mut Entropy::system()).unwrap()
}

fn sealed(record: &KeyRecord, recipient: &Recipient) -> (Backup, Expected) {
    let backup = Backup::seal(record, recipient, &mut Entropy::system()).unwrap();
    let facts = record.facts();
    let expected = Expected {
        backup: *backup.digest(),
        key: facts.key,
        label: facts.label.clone(),
        version: facts.version,
        fingerprint: record.fingerprint(),
    };
    (backup, expected)
}

#[test]
fn what_is_sealed_is_opened() {
    let (identity, recipient) = identity(Kind::Hybrid);
    let record = record("orders", 3, 7);
    let (backup, expected) = sealed(&record, &recipient);
    assert_eq!(backup.inspect(), Ok(()));
    let open = Backup::from_bytes(backup.bytes().to_vec()).open(&identity, &expected).unwrap();
    assert_eq!((open.facts(), open.fingerprint()), (record.facts(), record.fingerprint()));
    assert!(open.material().ct_eq(record.material()));
    assert!(backup.open_unlogged(&identity).unwrap().material().ct_eq(record.material()));
    // Nothing of the key or its name shows.
    let shows = |part: &[u8]| backup.bytes().windows(part.len()).any(|window| window == part);
    assert!(!shows(b"orders") && !shows(&record.material().bytes().expose()[..6]));
    let refused = backup.open(&self::identity(Kind::Hybrid).0, &expected).err();
    assert_eq!(refused, Some(OpenError::Decrypt(DecryptError::NoMatch)));
}

#[test]
fn every_altered_bit_is_refused() {
    let (identity, recipient) = identity(Kind::Hybrid);
    let (backup, expected) = sealed(&record("orders", 3, 7), &recipient);
    for place in 0..backup.bytes().len() {
        for bit in 0..8 {
            let mut altered = backup.bytes().to_vec();
            altered[place] ^= 1 << bit;
            let altered = Backup::from_bytes(altered);
            assert_eq!(altered.open(&identity, &expected).err(), Some(OpenError::Digest));
            // And when no log names its digest: one bit of each byte, decapsulation is slow.
            if bit == place % 8 {
                let refused = altered.open_unlogged(&identity).err();
                assert!(matches!(refused, Some(OpenError::Decrypt(_))), "byte {place} bit {bit}");
            }
        }
        let cut = Backup::from_bytes(backup.bytes()[..place].to_vec());
        assert_eq!(cut.open(&identity, &expected).err(), Some(OpenError::Digest));
        assert!(matches!(cut.open_unlogged(&identity), Err(OpenError::Decrypt(_))), "{place}");
    }
    let longer = Backup::from_bytes([backup.bytes(), &[0]].concat());
    assert!(matches!(longer.open_unlogged(&identity), Err(OpenError::Decrypt(_))));
}

#[test]
fn another_backup_is_named() {
    let (identity, recipient) = identity(Kind::Hybrid);
    let records = [("orders", 1, 7), ("orders", 2, 8), ("payroll", 1, 9)];
    let all = records.map(|(label, version, first)| sealed(&record(label, version, first), &recipient));
    for (place, (backup, there)) in all.iter().enumerate() {
        for (other, (_, expected)) in all.iter().enumerate() {
            let open = backup.open(&identity, expected);
            if place == other {
                assert!(open.is_ok());
                continue;
            }
            assert_eq!(open.err(), Some(OpenError::Digest));
            // A log that was made to name the exchanged file's digest.
            let expected = Expected { backup: *backup.digest(), ..expected.clone() };
            let wanted = OpenError::OtherKey { label: there.label.clone(), version: there.version };
            assert_eq!(backup.open(&identity, &expected).err(), Some(wanted));
        }
    }
}

#[test]
fn the_same_name_and_version_of_another_key_is_named() {
    let (identity, recipient) = identity(Kind::Hybrid);
    let record = record("orders", 1, 7);
    let (backup, expected) = sealed(&record, &recipient);
    let key = KeyId::parse("PONMLKJIHGFEDCBA").unwrap();
    let wanted = OpenError::OtherKey { label: expected.label.clone(), version: expected.version };
    assert_eq!(backup.open(&identity, &Expected { key, ..expected }).err(), Some(wanted));
}

#[test]
fn another_key_under_the_same_name_is_named() {
    let (identity, recipient) = identity(Kind::Hybrid);
    let (_, expected) = sealed(&record("orders", 1, 7), &recipient);
    // Another key, and the same key with another salt.
    for first in [8, 7] {
        let other = record("orders", 1, first);
        let (backup, _) = sealed(&other, &recipient);
        let expected = Expected { backup: *backup.digest(), ..expected.clone() };
        let wanted = OpenError::Fingerprint { wanted: expected.fingerprint, found: other.fingerprint() };
        assert_eq!(backup.open(&identity, &expected).err(), Some(wanted));
    }
}

#[test]
fn another_way_in_is_refused() {
    let (classical, recipient) = identity(Kind::X25519);
    let (backup, expected) = sealed(&record("orders", 1, 7), &recipient);
    let foreign = DecryptError::Foreign { kind: "X25519".to_owned() };
    assert_eq!(backup.inspect(), Err(foreign.clone()));
    assert_eq!(backup.open(&classical, &expected).err(), Some(foreign.into()));
    // Two quorums, or a quorum and somebody else.
    let (ours, other) = (identity(Kind::Hybrid).1, identity(Kind::Hybrid).1);
    let plain = record("orders", 1, 7).to_bytes();
    let bytes = encrypt(plain.expose(), &[ours, other], &mut Entropy::system()).unwrap();
    let two = HeaderError::TooManyStanzas { limit: 1 };
    assert_eq!(Backup::from_bytes(bytes).inspect(), Err(two.into()));
}

#[test]
fn what_is_no_key_record_is_named() {
    let (identity, recipient) = identity(Kind::Hybrid);
    let whole = record("orders", 1, 7).to_bytes();
    let mut altered = SecretBytes::copy_of(whole.expose());
    altered.expose_mut()[0] = b'[';
    for plain in [&b""[..], b"a key", &whole.expose()[..whole.len() - 1], altered.expose()] {
        let bytes = encrypt(plain, core::slice::from_ref(&recipient), &mut Entropy::system()).unwrap();
        let refused = Backup::from_bytes(bytes).open_unlogged(&identity).err();
        assert!(matches!(refused, Some(OpenError::Record(_))));
    }
}
