//! The age file as a whole: round trips, every altered bit, every cut, and what is refused.

use super::*;
use crate::age::error::{HeaderError, PayloadError};
use proptest::prelude::*;

fn identity(kind: Kind, byte: u8) -> Identity {
    Identity::from_seed(kind, &SecretBytes::copy_of(&[byte; SEED])).unwrap_or_else(|_| unreachable!())
}

fn file_for(plain: &[u8], identities: &[&Identity]) -> Vec<u8> {
    let recipients: Vec<Recipient> =
        identities.iter().filter_map(|identity| identity.recipient().ok()).collect();
    encrypt(plain, &recipients, &mut Entropy::system()).unwrap_or_default()
}

fn opened(file: &[u8], identity: &Identity) -> Result<Vec<u8>, DecryptError> {
    decrypt(file, &[identity], Stanzas::Any, &LIMITS).map(|plain| plain.expose().to_vec())
}

const BOTH: [Kind; 2] = [Kind::Hybrid, Kind::X25519];

#[test]
fn every_length_around_a_border_comes_back() {
    let plain: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    for kind in BOTH {
        let identity = identity(kind, 1);
        for length in [0, 1, 16, 300, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 196_608, 200_000] {
            let file = file_for(&plain[..length], &[&identity]);
            assert_eq!(opened(&file, &identity).unwrap(), &plain[..length]);
        }
    }
}

#[test]
fn a_backup_has_the_length_of_the_note() {
    assert_eq!(file_for(&[7; 300], &[&identity(Kind::Hybrid, 1)]).len(), 1659 + 300);
}

#[test]
fn every_recipient_opens_and_nobody_else() {
    for kind in BOTH {
        let [a, b, c] = [1, 2, 3].map(|byte| identity(kind, byte));
        let file = file_for(b"key", &[&a, &b]);
        assert_eq!(opened(&file, &a).unwrap(), b"key");
        assert_eq!(opened(&file, &b).unwrap(), b"key");
        assert_eq!(opened(&file, &c), Err(DecryptError::NoMatch));
        assert_eq!(decrypt(&file, &[&c, &a], Stanzas::Any, &LIMITS).unwrap().expose(), b"key");
        assert_eq!(decrypt(&file, &[], Stanzas::Any, &LIMITS).unwrap_err(), DecryptError::NoMatch);
    }
}

#[test]
fn a_file_lists_its_stanzas_without_an_identity() {
    let file = file_for(b"key", &[&identity(Kind::Hybrid, 1), &identity(Kind::Hybrid, 2)]);
    let header = Header::parse(&file, &LIMITS).unwrap();
    assert_eq!(header.stanzas().iter().map(Stanza::kind).collect::<Vec<_>>(), ["mlkem768x25519"; 2]);
    assert_eq!(header.stanzas()[0].arguments().count(), 2);
    assert_eq!(header.stanzas()[0].body().len(), 32);
    assert_eq!(header.payload_length(), 3 + 16);
}

#[test]
fn what_must_not_be_written_is_refused() {
    let [a, b] = [1, 2].map(|byte| identity(Kind::Hybrid, byte).recipient().unwrap());
    let classical = identity(Kind::X25519, 1).recipient().unwrap();
    let mut entropy = Entropy::system();
    let mut refused = |recipients: &[Recipient], length: usize| {
        encrypt(&vec![0; length], recipients, &mut entropy).unwrap_err()
    };
    assert_eq!(refused(&[], 0), EncryptError::NoRecipient);
    assert_eq!(refused(&[a.clone(), classical.clone()], 0), EncryptError::Mixed);
    assert_eq!(refused(&[classical.clone(), a.clone()], 0), EncryptError::Mixed);
    assert_eq!(refused(&[a.clone(), b.clone(), a.clone()], 0), EncryptError::Duplicate { recipient: 3 });
    assert_eq!(refused(&[classical.clone(), classical], 0), EncryptError::Duplicate { recipient: 2 });
    assert_eq!(refused(core::slice::from_ref(&a), 1 << 20), EncryptError::TooLong { limit: 1 << 20 });
    assert_eq!(refused(&vec![b; 33], 0), EncryptError::TooManyRecipients { limit: 32 });
    // The most that is written can be read.
    let identities: Vec<Identity> = (1..=32).map(|byte| identity(Kind::Hybrid, byte)).collect();
    let file = file_for(&[7; 900_000], &identities.iter().collect::<Vec<_>>());
    assert_eq!(opened(&file, &identities[31]).unwrap(), [7; 900_000]);
}

/// A file with `stanza` before its own one, under the right MAC.
fn with_stanza(stanza: &str) -> (Vec<u8>, Identity) {
    let (identity, file_key) = (identity(Kind::Hybrid, 1), [9; FILE_KEY]);
    let mut file = [header::VERSION, stanza.as_bytes()].concat();
    if let Ok(Recipient(Key::Hybrid(key))) = identity.recipient()
        && let Ok(mut draws) = Entropy::system().draws()
        && let Some((enc, body)) = key.wrap(&file_key, &mut draws)
    {
        header::push_stanza(&mut file, hybrid::KIND, &enc, &body);
    }
    header::push_end(&mut file, &file_key);
    file.extend_from_slice(&[3; NONCE]);
    let key = hkdf_sha256(&[3; NONCE], &file_key, b"payload");
    let key = key.expose().try_into().unwrap_or(&[0; 32]);
    assert!(payload::seal(key, b"key", &mut file).is_ok());
    (file, identity)
}

#[test]
fn a_foreign_stanza_is_read_over_or_named() {
    let (file, identity) = with_stanza("-> grease.example a b c\n\n");
    assert_eq!(opened(&file, &identity).unwrap(), b"key");
    let kind = "grease.example".to_owned();
    let strict = decrypt(&file, &[&identity], Stanzas::OnlyHybrid, &LIMITS);
    assert_eq!(strict.unwrap_err(), DecryptError::Foreign { kind });
    let (file, identity) = with_stanza(&format!("-> {}\n\n", "x".repeat(900)));
    let strict = decrypt(&file, &[&identity], Stanzas::OnlyHybrid, &LIMITS);
    assert_eq!(strict.unwrap_err(), DecryptError::Foreign { kind: "x".repeat(64) });
    let (file, identity) = with_stanza("");
    assert_eq!(decrypt(&file, &[&identity], Stanzas::OnlyHybrid, &LIMITS).unwrap().expose(), b"key");
}

#[test]
fn a_classical_stanza_beside_a_hybrid_one_is_named() {
    let classical = identity(Kind::X25519, 7);
    let file = file_for(b"other", &[&classical]);
    let end = file.windows(4).position(|bytes| bytes == b"\n---").unwrap();
    let stanza = String::from_utf8_lossy(&file[22..=end]);
    let (file, identity) = with_stanza(&stanza);
    assert_eq!(opened(&file, &identity).unwrap(), b"key");
    // The other stanza wraps another file key, under which this header isn't authentic.
    assert_eq!(opened(&file, &classical), Err(DecryptError::Mac));
    let strict = decrypt(&file, &[&identity], Stanzas::OnlyHybrid, &LIMITS);
    assert_eq!(strict.unwrap_err(), DecryptError::Foreign { kind: "X25519".to_owned() });
}

#[test]
fn a_passphrase_stands_alone() {
    let (file, identity) = with_stanza("-> scrypt ajMFur+EJLGaohv/dLRGnw 18\n\n");
    assert_eq!(opened(&file, &identity), Err(DecryptError::Header(HeaderError::PassphraseMixed)));
}

#[test]
fn a_malformed_stanza_is_a_header_error() {
    let body = "A".repeat(43);
    let enc = "A".repeat(1494);
    for stanza in [
        format!("-> mlkem768x25519\n{body}\n"),
        format!("-> mlkem768x25519 {enc} more\n{body}\n"),
        format!("-> mlkem768x25519 {}\n{body}\n", "A".repeat(1492)),
        format!("-> mlkem768x25519 {}B\n{body}\n", "A".repeat(1493)),
        format!("-> mlkem768x25519 {enc}\n\n"),
        format!("-> mlkem768x25519 {enc}\n{}\n", "A".repeat(46)),
        format!("-> X25519 {}\n{body}\n", "A".repeat(42)),
        format!("-> X25519 {}B\n{body}\n", "A".repeat(42)),
    ] {
        let (file, identity) = with_stanza(&stanza);
        let expected = DecryptError::Header(HeaderError::Stanza { stanza: 1 });
        assert_eq!(opened(&file, &identity), Err(expected), "{stanza}");
    }
}

/// The canonical points of small order on Curve25519 and its twist, and p, which is 0 again.
fn low_order() -> Vec<[u8; 32]> {
    let p = |last: u8| {
        let mut point = [0xff; 32];
        point[0] = last;
        point[31] = 0x7f;
        point
    };
    let mut one = [0; 32];
    one[0] = 1;
    let eight = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800";
    let other = "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157";
    let named = [eight, other].map(|text| crate::wire::text::array_from_hex(text).unwrap_or_default());
    let mut points = vec![[0; 32], one, p(0xec), p(0xed), p(0xee)];
    points.extend(named);
    points
}

#[test]
fn low_order_is_refused_everywhere() {
    let classical = identity(Kind::X25519, 1);
    for point in low_order() {
        // As the share of a stanza, hybrid and classical.
        let mut enc = [0x11; hybrid::ENC];
        enc[1088..].copy_from_slice(&point);
        let mut stanza = Vec::new();
        header::push_stanza(&mut stanza, hybrid::KIND, &enc, &[0; 32]);
        let (file, hybrid) = with_stanza(&String::from_utf8(stanza).unwrap());
        let refused = Err(DecryptError::Header(HeaderError::LowOrder { stanza: 1 }));
        assert_eq!(opened(&file, &hybrid), refused);
        let mut stanza = Vec::new();
        header::push_stanza(&mut stanza, x25519::KIND, &point, &[0; 32]);
        let (file, hybrid) = with_stanza(&String::from_utf8(stanza).unwrap());
        assert_eq!(opened(&file, &classical), refused);
        // Not this identity's: the specification leaves it alone.
        assert_eq!(opened(&file, &hybrid).unwrap(), b"key");
        // As a recipient, hybrid and classical.
        let text = Recipient(Key::X25519(point)).to_string();
        assert_eq!(text.parse::<Recipient>(), Err(RecipientError::Key(Kind::X25519)));
        let Key::Hybrid(key) = hybrid.recipient().unwrap().0 else { unreachable!() };
        let mut bytes = key.to_bytes();
        bytes[1184..].copy_from_slice(&point);
        assert_eq!(hybrid::PublicKey::from_bytes(&bytes), None);
    }
}

#[test]
fn an_ml_kem_key_out_of_range_is_refused() {
    let Key::Hybrid(key) = identity(Kind::Hybrid, 1).recipient().unwrap().0 else { unreachable!() };
    let mut bytes = key.to_bytes();
    bytes[0] = 0xff;
    bytes[1] |= 0x0f;
    assert_eq!(hybrid::PublicKey::from_bytes(&bytes), None);
    assert_eq!(hybrid::PublicKey::from_bytes(&bytes[1..]), None);
}

#[test]
fn every_altered_bit_of_a_file_is_refused() {
    for kind in BOTH {
        let identity = identity(kind, 1);
        let file = file_for(b"key", &[&identity]);
        let end = file.windows(4).position(|window| window == b"\n---").unwrap() + 49;
        // All bits of the small file; of the long encapsulated key one of each character.
        let enc = if kind == Kind::Hybrid { 41..41 + 1494 } else { 0..0 };
        let bits = |place: usize| if enc.contains(&place) { place % 7..place % 7 + 1 } else { 0..8 };
        for (place, bit) in (0..file.len()).flat_map(|place| bits(place).map(move |bit| (place, bit))) {
            let mut altered = file.clone();
            altered[place] ^= 1 << bit;
            match opened(&altered, &identity) {
                Err(DecryptError::Payload(_)) => assert!(place >= end, "{kind} {place} {bit}"),
                Err(_) => assert!(place < end, "{kind} {place} {bit}"),
                Ok(_) => panic!("{kind}: bit {bit} of byte {place} doesn't count"),
            }
        }
    }
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let identity = identity(Kind::X25519, 1);
    let file = file_for(&[5; 40], &[&identity]);
    for length in 0..file.len() {
        assert!(opened(&file[..length], &identity).is_err(), "{length}");
    }
    for extra in [1, 16, 17, 70_000] {
        let longer = [&file[..], &vec![0; extra]].concat();
        assert!(matches!(opened(&longer, &identity), Err(DecryptError::Payload(_))));
    }
    let whole = file_for(&[5; 65_536], &[&identity]);
    let trailing = Err(DecryptError::Payload(PayloadError::Trailing));
    assert_eq!(opened(&[&whole[..], &[0; 20]].concat(), &identity), trailing);
}

#[test]
fn limits_come_before_work() {
    let identity = identity(Kind::Hybrid, 1);
    let file = file_for(&[5; 40], &[&identity]);
    let error = |limits: Limits| Header::parse(&file, &limits).unwrap_err();
    let length = file.len();
    assert_eq!(
        error(Limits { file: length - 1, ..LIMITS }),
        HeaderError::FileTooLong { length, limit: length - 1 }
    );
    assert_eq!(error(Limits { header: 1000, ..LIMITS }), HeaderError::TooLong { limit: 1000 });
    assert_eq!(error(Limits { stanzas: 0, ..LIMITS }), HeaderError::TooManyStanzas { limit: 0 });
    assert!(Header::parse(&file, &Limits { file: length, header: length - 56 - 16, stanzas: 1 }).is_ok());
    assert_eq!(
        error(Limits { header: length - 56 - 16 - 1, ..LIMITS }),
        HeaderError::TooLong { limit: length - 73 }
    );
}

#[test]
fn what_is_no_age_file_is_told_apart() {
    let error = |file: &[u8]| Header::parse(file, &LIMITS).unwrap_err();
    assert_eq!(error(b""), HeaderError::Short);
    assert_eq!(error(b"age-encryption.org/v1\n"), HeaderError::Short);
    assert_eq!(error(b"age-encryption.org/v2\n"), HeaderError::Version);
    assert_eq!(error(b"PK\x03\x04"), HeaderError::NotAge);
    assert_eq!(error(armor(b"x").as_bytes()), HeaderError::Armored);
    assert_eq!(
        error(format!("age-encryption.org/v1\n--- {}\n", "A".repeat(43)).as_bytes()),
        HeaderError::NoStanza
    );
    assert_eq!(error(b"age-encryption.org/v1\n-> a  b\n\n"), HeaderError::Line { line: 2 });
    assert_eq!(error(b"age-encryption.org/v1\n-> a\n????\n"), HeaderError::Line { line: 3 });
}

#[test]
fn texts_have_one_spelling_and_their_kind() {
    for kind in BOTH {
        let identity = identity(kind, 0xa7);
        let text = identity.to_text();
        let again = Identity::parse(text.expose()).unwrap();
        assert!(again.to_text().ct_eq(&text));
        assert_eq!(again.kind(), kind);
        assert_eq!(again.recipient().unwrap(), identity.recipient().unwrap());
        let lower = text.expose().to_ascii_lowercase();
        assert_eq!(Identity::parse(&lower).unwrap_err(), IdentityError::NotIdentity);
        let cut = &text.expose()[..text.len() - 1];
        assert_eq!(Identity::parse(cut).unwrap_err(), IdentityError::Text(kind));
        let recipient = identity.recipient().unwrap();
        let text = recipient.to_string();
        assert_eq!(text.len(), if kind == Kind::Hybrid { 1959 } else { 62 });
        assert_eq!(text.parse(), Ok(recipient));
        assert_eq!(text.get(..text.len() - 1).unwrap().parse::<Recipient>(), Err(RecipientError::Text(kind)));
        assert_eq!(text.to_uppercase().parse::<Recipient>(), Err(RecipientError::NotRecipient));
        let printed = format!("{identity:?}");
        assert_eq!(printed, format!("Identity({kind}, <redacted>)"));
    }
    let plugin = "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t";
    assert_eq!(plugin.parse::<Recipient>(), Err(RecipientError::Plugin));
    assert_eq!(Identity::parse(b"AGE-PLUGIN-YUBIKEY-1").unwrap_err(), IdentityError::Plugin);
    let short = Identity::from_seed(Kind::Hybrid, &SecretBytes::zeroed(31));
    assert_eq!(short.unwrap_err(), IdentityError::Seed { length: 31 });
}

#[test]
fn known_texts_of_the_specification() {
    // C2SP age.md, The X25519 recipient type.
    let identity =
        Identity::parse(b"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX")
            .unwrap();
    let recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
    assert_eq!(identity.recipient().unwrap().to_string(), recipient);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_come_back_through_armor(plain in prop::collection::vec(any::<u8>(), 0..3000), seed: u8) {
        let identity = identity(Kind::X25519, seed);
        let file = file_for(&plain, &[&identity]);
        let text = armor(&file);
        prop_assert_eq!(&*without_armor(text.as_bytes()).unwrap(), &file[..]);
        prop_assert_eq!(&*without_armor(&file).unwrap(), &file[..]);
        prop_assert_eq!(opened(&file, &identity).unwrap(), plain);
    }

    #[test]
    fn a_hostile_header_never_panics(
        lines in prop::collection::vec("(-> |--- |---|)[ -~]{0,70}|[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{0,70}", 0..12),
        tail in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut file = header::VERSION.to_vec();
        file.extend_from_slice(lines.join("\n").as_bytes());
        file.extend_from_slice(&tail);
        let hybrid = identity(Kind::Hybrid, 1);
        prop_assert!(decrypt(&file, &[&hybrid], Stanzas::Any, &LIMITS).is_err());
        let _ = Header::parse(&tail, &LIMITS);
    }
}
