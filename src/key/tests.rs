//! Import and export across kinds: what comes back, what is one encoding, what is refused.

use super::der::{self, element, integer};
use super::*;
use crate::primitive::random::Entropy;
use crate::wire::text::{from_base64, from_hex};
use proptest::prelude::*;

const RSA_2048: &str = include_str!("../../tests/data/key/rsa-2048.pem");
const RSA_3072: &str = include_str!("../../tests/data/key/rsa-3072.pem");
const RSA_4096: &str = include_str!("../../tests/data/key/rsa-4096.pem");
const RSA_CASES: &str = include_str!("../../tests/data/key/rsa.txt");

const CURVES: [KeyKind; 4] = [KeyKind::EcP256, KeyKind::EcP384, KeyKind::EcP521, KeyKind::EcSecp256k1];

/// One key of every kind; the RSA ones are always the same.
#[allow(clippy::unwrap_used)]
pub(super) fn samples() -> Vec<KeyMaterial> {
    let mut entropy = Entropy::system();
    let made = |kind| match kind {
        KeyKind::Rsa2048 => import(None, RSA_2048.as_bytes()).unwrap(),
        KeyKind::Rsa3072 => import(None, RSA_3072.as_bytes()).unwrap(),
        KeyKind::Rsa4096 => import(None, RSA_4096.as_bytes()).unwrap(),
        KeyKind::Opaque => generate_opaque(100, &mut entropy).unwrap(),
        kind => generate(kind, &mut entropy).unwrap(),
    };
    KeyKind::ALL.into_iter().map(made).collect()
}

/// A DER sequence of `parts`.
fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(der::SEQUENCE, parts).expose().to_vec()
}

fn item(tag: u8, contents: &[u8]) -> Vec<u8> {
    element(tag, &[contents]).expose().to_vec()
}

fn number(value: u8) -> Vec<u8> {
    integer(&[value]).expose().to_vec()
}

fn bit_string(bytes: &[u8]) -> Vec<u8> {
    der::bits(bytes).expose().to_vec()
}

#[track_caller]
fn refused(kind: Option<KeyKind>, bytes: &[u8], why: ImportError) {
    assert!(!why.hint().is_empty() && !why.to_string().is_empty());
    match import(kind, bytes) {
        Ok(_) => panic!("taken instead of: {why}"),
        Err(found) => assert_eq!(found, why),
    }
}

#[test]
fn every_kind_comes_back() {
    for material in samples() {
        let kind = material.kind();
        assert!(import(Some(kind), material.to_file_bytes().expose()).unwrap().ct_eq(&material), "{kind}");
        let stored = KeyMaterial::stored(kind, SecretBytes::copy_of(material.bytes().expose())).unwrap();
        assert!(stored.ct_eq(&material));
        assert_eq!(stored.spki_sha256(), material.spki_sha256());
        assert_eq!(kind.is_asymmetric(), material.public_spki().is_some());
        assert_eq!(kind.is_asymmetric(), material.to_pem().is_some());
        let Some(pem) = material.to_pem() else { continue };
        for named in [None, Some(kind)] {
            assert!(import(named, pem.expose()).unwrap().ct_eq(&material));
            assert!(import(named, material.bytes().expose()).unwrap().ct_eq(&material));
        }
        for wanted in KeyKind::ALL.into_iter().filter(|wanted| ![kind, KeyKind::Opaque].contains(wanted)) {
            let mismatch = ImportError::KindMismatch { wanted, found: kind };
            refused(Some(wanted), material.bytes().expose(), mismatch.clone());
            if wanted.is_asymmetric() {
                refused(Some(wanted), pem.expose(), mismatch);
            }
        }
        let opaque = import(Some(KeyKind::Opaque), pem.expose()).unwrap();
        assert_eq!(opaque.bytes().expose(), pem.expose());
    }
}

#[test]
fn generation_is_fresh_and_refuses_what_has_no_length() {
    let mut entropy = Entropy::system();
    assert!(matches!(generate(KeyKind::Opaque, &mut entropy), Err(GenerateError::NoLength)));
    for length in [0, OPAQUE_LIMIT + 1] {
        assert!(matches!(generate_opaque(length, &mut entropy), Err(GenerateError::Length { .. })));
    }
    let key = generate(KeyKind::Rsa2048, &mut entropy).unwrap();
    assert!(import(Some(KeyKind::Rsa2048), key.bytes().expose()).unwrap().ct_eq(&key));
    for kind in [KeyKind::Aes128, KeyKind::Ed25519, KeyKind::EcP521] {
        let pair = (generate(kind, &mut entropy).unwrap(), generate(kind, &mut entropy).unwrap());
        assert!(!pair.0.ct_eq(&pair.1));
    }
}

#[test]
fn nothing_secret_is_printed() {
    let key = generate(KeyKind::Aes256, &mut Entropy::system()).unwrap();
    assert_eq!(format!("{key:?}"), "KeyMaterial(aes-256, <redacted>)");
}

#[test]
fn rsa_keys_have_one_encoding_and_bad_ones_are_named() {
    let mut good = None::<KeyMaterial>;
    for line in RSA_CASES.lines() {
        let (name, base64) = line.split_once(' ').unwrap();
        let der = from_base64(base64).unwrap();
        let found = import(None, &der);
        let right = match name {
            "good" => {
                good = Some(found.unwrap());
                continue;
            }
            "good-swapped" | "good-phi" => {
                assert!(found.unwrap().ct_eq(good.as_ref().unwrap()), "{name}");
                continue;
            }
            "exponent" => matches!(found, Err(ImportError::RsaExponent)),
            "modulus" => matches!(found, Err(ImportError::RsaModulus)),
            "private" => matches!(found, Err(ImportError::RsaPrivateExponent)),
            "crt" => matches!(found, Err(ImportError::RsaCrt)),
            "equal" => matches!(found, Err(ImportError::RsaPrimes { fault: "equal" })),
            "close" => matches!(found, Err(ImportError::RsaPrimes { fault: "too close to each other" })),
            "composite" => matches!(found, Err(ImportError::RsaPrimes { fault: "not prime" })),
            "half" => matches!(found, Err(ImportError::RsaPrimes { fault: "not of half its size" })),
            "size" => matches!(found, Err(ImportError::RsaSize { .. })),
            _ => false,
        };
        assert!(right, "{name}: {found:?}");
    }
    // A stored key in another encoding than the canonical one is no stored key.
    let good = good.unwrap();
    let swapped = RSA_CASES.lines().find_map(|line| line.strip_prefix("good-swapped ")).unwrap();
    let pkcs1 = SecretBytes::absorb(from_base64(swapped).unwrap());
    assert!(matches!(KeyMaterial::stored(good.kind(), pkcs1), Err(ImportError::NotCanonical)));
    let other = KeyMaterial::stored(KeyKind::Rsa3072, good.to_file_bytes());
    assert!(matches!(other, Err(ImportError::KindMismatch { .. })));
}

#[test]
fn rsa_structures() {
    let pkcs1 = from_base64(RSA_CASES.lines().next().unwrap().strip_prefix("good ").unwrap()).unwrap();
    let key = import(None, &pkcs1).unwrap();
    let mut inside = der::Der::new(&pkcs1);
    let mut inside = inside.inside(der::SEQUENCE).unwrap();
    inside.magnitude().unwrap();
    let (n, e) = (inside.magnitude().unwrap(), inside.magnitude().unwrap());
    let public = sequence(&[integer(n).expose(), integer(e).expose()]);
    refused(None, &public, ImportError::NotPrivate { what: "a public key" });
    refused(None, key.public_spki().unwrap(), ImportError::NotPrivate { what: "a public key" });
    // Version 2 of PKCS#8, with the public key, attributes or both.
    let oid = item(der::OID, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01]);
    let algorithm = sequence(&[&oid, &[5, 0]]);
    let info = |version, public: &[u8]| {
        let beside = item(der::CONTEXT_1_PRIMITIVE, &[&[0], public].concat());
        sequence(&[
            &number(version),
            &algorithm,
            &item(der::OCTETS, &pkcs1),
            &item(der::CONTEXT_0, &[]),
            &beside,
        ])
    };
    assert!(import(None, &info(1, &public)).unwrap().ct_eq(&key));
    refused(None, &info(0, &public), ImportError::Der);
    refused(None, &info(1, &public[1..]), ImportError::PublicMismatch { kind: KeyKind::Rsa2048 });
    for parameters in [&[][..], &[5, 1, 0], &[5, 0, 5, 0], &[0x30, 0]] {
        let algorithm = sequence(&[&oid, parameters]);
        refused(None, &sequence(&[&number(0), &algorithm, &item(der::OCTETS, &pkcs1)]), ImportError::Der);
    }
    // RFC 8017: version 1 goes with further primes.
    let mut three = pkcs1.clone();
    three[6] = 1;
    assert_eq!(pkcs1[4..7], [2, 1, 0]);
    refused(None, &three, ImportError::RsaMultiPrime);
    three[6] = 2;
    refused(None, &three, ImportError::Der);
    let dsa = sequence(&[&number(0), &number(1), &number(1), &number(1), &number(1), &number(1)]);
    refused(None, &dsa, ImportError::Algorithm { name: "DSA".into() });
}

/// An `ECPrivateKey` with the parts that aren't empty.
fn ec_private(scalar: &[u8], parameters: &[u8], point: &[u8]) -> Vec<u8> {
    let context = |tag, bytes: &[u8]| if bytes.is_empty() { vec![] } else { item(tag, bytes) };
    let point = if point.is_empty() { vec![] } else { bit_string(point) };
    let parts = [number(1), item(der::OCTETS, scalar), context(0xa0, parameters), context(0xa1, &point)];
    sequence(&[&parts.concat()])
}

fn ec_info(kind: KeyKind, private: &[u8]) -> Vec<u8> {
    let algorithm = sequence(&[&item(der::OID, pkcs8::EC_PUBLIC_KEY), &item(der::OID, ec::curve(kind))]);
    sequence(&[&number(0), &algorithm, &item(der::OCTETS, private)])
}

#[test]
fn ec_keys_have_one_encoding() {
    for kind in CURVES {
        let (length, _) = ec::scalar_shape(kind).unwrap();
        let scalar: Vec<u8> = (0..7).cycle().take(length).collect();
        let curve = item(der::OID, ec::curve(kind));
        let point = ec::public(kind, &scalar).unwrap();
        let half = &point[1..=(point.len() - 1) / 2];
        let compressed = [&[2 + (point[point.len() - 1] & 1)], half].concat();
        let key = import(None, &ec_info(kind, &ec_private(&scalar, &[], &point))).unwrap();
        assert_eq!(key.kind(), kind);
        for same in [
            ec_info(kind, &ec_private(&scalar, &[], &[])),
            ec_info(kind, &ec_private(&scalar, &curve, &[])),
            ec_info(kind, &ec_private(&scalar, &curve, &compressed)),
            ec_private(&scalar, &curve, &point),
            ec_private(&scalar, &curve, &compressed),
            ec_private(&scalar, &curve, &[]),
            // Without its leading zero.
            ec_private(&scalar[1..], &curve, &point),
        ] {
            assert!(import(Some(kind), &same).unwrap().ct_eq(&key), "{kind}");
        }
    }
}

#[test]
fn bad_ec_keys_are_named() {
    for kind in CURVES {
        let (length, _) = ec::scalar_shape(kind).unwrap();
        let scalar: Vec<u8> = (0..7).cycle().take(length).collect();
        let point = ec::public(kind, &scalar).unwrap();
        let range = ImportError::Scalar { kind };
        for wrong in [vec![0; length], vec![0xff; length], [&[0], &scalar[..]].concat(), vec![]] {
            refused(None, &ec_info(kind, &ec_private(&wrong, &[], &[])), range.clone());
        }
        let mut one = vec![0; length];
        one[length - 1] = 1;
        let generator = ec::public(kind, &one).unwrap();
        let with = |point: &[u8]| ec_info(kind, &ec_private(&scalar, &[], point));
        refused(None, &with(&generator), ImportError::PublicMismatch { kind });
        let mut off = point.clone();
        *off.last_mut().unwrap() ^= 1;
        let mut hybrid = point.clone();
        hybrid[0] = 6 | (point[point.len() - 1] & 1);
        for wrong in [&off, &hybrid, &point[1..], &point[..point.len() - 1], &[0]] {
            refused(None, &with(wrong), ImportError::OffCurve { kind });
        }
        let other = CURVES[(CURVES.iter().position(|curve| *curve == kind).unwrap() + 1) % 4];
        let named = item(der::OID, ec::curve(other));
        refused(None, &ec_info(kind, &ec_private(&scalar, &named, &point)), ImportError::NoCurve);
        refused(None, &ec_private(&scalar, &[], &point), ImportError::NoCurve);
        let explicit = sequence(&[&number(1), &sequence(&[])]);
        refused(None, &ec_private(&scalar, &explicit, &point), ImportError::ExplicitCurve);
    }
    // The orders themselves (SP 800-186, SEC 2).
    for (kind, order) in [
        (KeyKind::EcP256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
        (KeyKind::EcSecp256k1, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
    ] {
        let mut scalar = from_hex(order).unwrap();
        refused(None, &ec_info(kind, &ec_private(&scalar, &[], &[])), ImportError::Scalar { kind });
        *scalar.last_mut().unwrap() -= 1;
        assert!(import(None, &ec_info(kind, &ec_private(&scalar, &[], &[]))).is_ok());
    }
    let brainpool = item(der::OID, &[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7]);
    let curve = ImportError::Curve { name: "1.3.36.3.3.2.8.1.1.7".into() };
    refused(None, &ec_private(&[1; 32], &brainpool, &[]), curve);
}

#[test]
fn ed25519_and_its_relatives() {
    // RFC 8410 section 10.3: both versions of one key.
    let first = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
    let key = import(None, &from_base64(first).unwrap()).unwrap();
    assert_eq!(key.bytes().expose(), from_base64(first).unwrap());
    let second = "MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhCoB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
    let mut second = from_base64(second).unwrap();
    assert!(import(None, &second).unwrap().ct_eq(&key));
    *second.last_mut().unwrap() ^= 1;
    refused(None, &second, ImportError::PublicMismatch { kind: KeyKind::Ed25519 });
    let info = |oid: &[u8], seed: &[u8]| {
        let algorithm = sequence(&[&item(der::OID, oid)]);
        sequence(&[&number(0), &algorithm, &item(der::OCTETS, &item(der::OCTETS, seed))])
    };
    let kind = KeyKind::Ed25519;
    refused(None, &info(&[0x2b, 0x65, 0x70], &[7; 32]), ImportError::Weak { kind });
    refused(None, &info(&[0x2b, 0x65, 0x70], &[7; 31]), ImportError::Scalar { kind });
    for (last, name) in [(0x6e, "X25519"), (0x6f, "X448"), (0x71, "Ed448"), (0x05, "1.3.101.5")] {
        refused(None, &info(&[0x2b, 0x65, last], &[7; 32]), ImportError::Algorithm { name: name.into() });
    }
}

#[test]
fn other_spellings_of_der_are_refused() {
    let key = generate(KeyKind::Ed25519, &mut Entropy::system()).unwrap();
    let der = key.bytes().expose();
    refused(None, &[der, &[0]].concat(), ImportError::Trailing { extra: 1 });
    refused(None, &[der, der].concat(), ImportError::Trailing { extra: der.len() });
    refused(None, &der[..der.len() - 1], ImportError::Der);
    refused(None, &[&[0x30, 0x81, der[1]], &der[2..]].concat(), ImportError::Der);
    refused(None, &[&[0x30, 0x80], &der[2..], &[0, 0]].concat(), ImportError::Der);
    let body = &der[5..];
    refused(None, &sequence(&[&[2, 2, 0, 0], body]), ImportError::Der);
    refused(None, &sequence(&[&[2, 1, 4], body]), ImportError::Der);
    refused(
        None,
        &sequence(&[&[2, 1, 3], &sequence(&[])]),
        ImportError::Format { what: "a PKCS#12 container" },
    );
    let oid = sequence(&[&item(der::OID, &[0x2a, 3])]);
    refused(None, &sequence(&[&oid, &item(der::OCTETS, &[1])]), ImportError::Encrypted);
    refused(None, &sequence(&[&oid, &bit_string(&[1])]), ImportError::NotPrivate { what: "a public key" });
    let certificate = sequence(&[&sequence(&[&number(2)]), &oid, &bit_string(&[1])]);
    refused(None, &certificate, ImportError::NotPrivate { what: "a certificate" });
}

#[test]
fn pem_files_that_hold_something_else() {
    let mut entropy = Entropy::system();
    let key = generate(KeyKind::Ed25519, &mut entropy).unwrap();
    let pem = String::from_utf8(key.to_pem().unwrap().expose().to_vec()).unwrap();
    let labelled = |label: &str| pem.replace("PRIVATE KEY", label);
    let what =
        |label: &str, what| refused(None, labelled(label).as_bytes(), ImportError::NotPrivate { what });
    what("PUBLIC KEY", "a public key");
    what("RSA PUBLIC KEY", "a public key");
    what("CERTIFICATE", "a certificate");
    what("CERTIFICATE REQUEST", "a certificate request");
    what("EC PARAMETERS", "the parameters of a curve");
    refused(None, labelled("ENCRYPTED PRIVATE KEY").as_bytes(), ImportError::Encrypted);
    refused(None, labelled("OPENSSH PRIVATE KEY").as_bytes(), ImportError::OpenSsh);
    refused(None, labelled("DSA PRIVATE KEY").as_bytes(), ImportError::Algorithm { name: "DSA".into() });
    refused(None, labelled("PGP").as_bytes(), ImportError::Format { what: "PEM of another kind" });
    let proc = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAEC\n-----END RSA PRIVATE KEY-----\n";
    refused(None, proc.as_bytes(), ImportError::Encrypted);
    refused(Some(KeyKind::Ed25519), format!("{pem}{pem}").as_bytes(), ImportError::Several { blocks: 2 });
    let certified = format!("{}{pem}", labelled("CERTIFICATE"));
    refused(None, certified.as_bytes(), ImportError::Several { blocks: 2 });
    refused(None, pem.replace("-----END", "----END").as_bytes(), ImportError::Pem { line: 1 });
    // A symmetric kind doesn't make PEM raw bytes, and what is around the block doesn't matter.
    let mismatch = ImportError::KindMismatch { wanted: KeyKind::Aes256, found: KeyKind::Ed25519 };
    refused(Some(KeyKind::Aes256), pem.as_bytes(), mismatch);
    let around = format!("Bag Attributes\r\n    friendlyName: x\r\n{}\r\nmore", pem.replace('\n', "\r\n"));
    assert!(import(None, around.as_bytes()).unwrap().ct_eq(&key));
    // The curve may stand in a block of its own.
    let scalar: Vec<u8> = (1..=32).collect();
    let block = |label: &str, der: &[u8]| {
        String::from_utf8(pem::encode(label, &SecretBytes::copy_of(der)).expose().to_vec()).unwrap()
    };
    let curve = block("EC PARAMETERS", &item(der::OID, ec::curve(KeyKind::EcSecp256k1)));
    let private = block("EC PRIVATE KEY", &ec_private(&scalar, &[], &[]));
    let both = import(None, format!("{curve}{private}").as_bytes()).unwrap();
    assert_eq!(both.kind(), KeyKind::EcSecp256k1);
    refused(None, private.as_bytes(), ImportError::NoCurve);
    refused(None, format!("{private}{curve}").as_bytes(), ImportError::Several { blocks: 2 });
    let explicit = block("EC PARAMETERS", &sequence(&[&number(1)]));
    refused(None, format!("{explicit}{private}").as_bytes(), ImportError::ExplicitCurve);
}

#[test]
fn files_that_need_a_kind_or_another_form() {
    let raw: Vec<u8> = (100..132).collect();
    refused(None, &raw, ImportError::KindNeeded);
    refused(Some(KeyKind::EcP256), &raw, ImportError::NotEncoded { kind: KeyKind::EcP256 });
    refused(None, &"0011223344556677".repeat(4).into_bytes(), ImportError::KindNeeded);
    refused(None, b"", ImportError::Empty);
    refused(Some(KeyKind::Opaque), &[], ImportError::Empty);
    refused(Some(KeyKind::Opaque), &vec![1; OPAQUE_LIMIT + 1], ImportError::TooLong);
    refused(None, &vec![0x30; OPAQUE_LIMIT + 1], ImportError::TooLong);
    refused(None, b"openssh-key-v1\0...", ImportError::OpenSsh);
    refused(None, b"ssh-ed25519 AAAAC3Nz x", ImportError::NotPrivate { what: "a public key" });
    refused(None, b"PuTTY-User-Key-File-3: ssh-rsa", ImportError::Format { what: "a PuTTY key" });
    refused(None, b"{\"crv\":\"P-256\",\"kty\":\"EC\"}", ImportError::Format { what: "a JSON web key" });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_file_is_the_same_key_or_refused(place in 0..8_usize, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut: Option<prop::sample::Index>) {
        let kinds = [KeyKind::EcP256, KeyKind::EcP384, KeyKind::EcP521, KeyKind::EcSecp256k1, KeyKind::Ed25519];
        let der = match kinds.get(place) {
            Some(kind) => generate(*kind, &mut Entropy::system()).unwrap().to_file_bytes(),
            None => import(None, RSA_2048.as_bytes()).unwrap().to_file_bytes(),
        };
        let mut bytes = der.expose().to_vec();
        for (at, byte) in changes { let at = at.index(bytes.len()); bytes[at] = byte; }
        if let Some(cut) = cut { bytes.truncate(cut.index(bytes.len().saturating_add(1))); }
        if let Ok(key) = import(None, &bytes) {
            // What is taken is a sound key, and it is canonical.
            prop_assert!(KeyMaterial::stored(key.kind(), key.to_file_bytes()).unwrap().ct_eq(&key));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..120), kind in prop::option::of(prop::sample::select(&KeyKind::ALL[..]))) {
        let _ = import(kind, &bytes);
        let rest = u8::try_from(bytes.len().saturating_sub(2)).unwrap_or(120);
        if let [first, length, ..] = bytes.as_mut_slice() { (*first, *length) = (0x30, rest); }
        let _ = import(kind, &bytes);
    }
}
