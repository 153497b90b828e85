//! Keys made by OpenSSL are read in every form it writes, and it reads ours.
//!
//! Without `openssl` on the machine these tests say so and pass.

use quorate::key::{ImportError, KeyKind, KeyMaterial, generate, import};
use quorate::primitive::random::Entropy;
use std::io::Write;
use std::process::{Command, Stdio};

const CURVES: [(KeyKind, &str); 4] = [
    (KeyKind::EcP256, "prime256v1"),
    (KeyKind::EcP384, "secp384r1"),
    (KeyKind::EcP521, "secp521r1"),
    (KeyKind::EcSecp256k1, "secp256k1"),
];
const RSA: [(KeyKind, &str); 3] = [
    (KeyKind::Rsa2048, include_str!("data/key/rsa-2048.pem")),
    (KeyKind::Rsa3072, include_str!("data/key/rsa-3072.pem")),
    (KeyKind::Rsa4096, include_str!("data/key/rsa-4096.pem")),
];

/// Runs `openssl` with words and an input; `None` when it isn't there or fails.
fn openssl(words: &str, input: &[u8]) -> Option<Vec<u8>> {
    let mut command = Command::new("openssl");
    command.args(words.split_whitespace()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    // It may not want the input.
    let _ = child.stdin.take()?.write_all(input);
    let output = child.wait_with_output().ok()?;
    output.status.success().then_some(output.stdout)
}

#[allow(clippy::print_stderr)]
fn missing() -> bool {
    let missing = openssl("version", b"").is_none();
    if missing {
        eprintln!("skipped: no openssl on this machine");
    }
    missing
}

#[allow(clippy::expect_used)]
fn must(words: &str, input: &[u8]) -> Vec<u8> {
    openssl(words, input).expect(words)
}

#[track_caller]
#[allow(clippy::expect_used)]
fn same(key: &KeyMaterial, bytes: &[u8]) {
    for kind in [None, Some(key.kind())] {
        assert!(import(kind, bytes).expect("a key of openssl").ct_eq(key));
    }
}

/// What holds of every private key that OpenSSL made.
#[allow(clippy::panic)]
fn every_form(kind: KeyKind, pem: &[u8]) -> KeyMaterial {
    let key = import(Some(kind), pem).unwrap_or_else(|why| panic!("{kind}: {why}"));
    let pkcs8 = must("pkcs8 -topk8 -nocrypt -outform DER", pem);
    assert!(key.bytes().expose() == pkcs8, "{kind}: our PKCS#8 is OpenSSL's");
    same(&key, &pkcs8);
    same(&key, &must("pkcs8 -topk8 -nocrypt", pem));
    let public = must("pkey -pubout -outform DER", pem);
    assert_eq!(key.public_spki(), Some(&public[..]));
    let not_private = ImportError::NotPrivate { what: "a public key" };
    assert_eq!(import(None, &public).err(), Some(not_private.clone()));
    assert_eq!(import(None, &must("pkey -pubout", pem)).err(), Some(not_private));
    for encrypted in ["pkcs8 -topk8 -passout pass:x -outform DER", "pkcs8 -topk8 -passout pass:x"] {
        assert_eq!(import(None, &must(encrypted, pem)).err(), Some(ImportError::Encrypted), "{encrypted}");
    }
    // The dump for people stands behind the block.
    same(&key, &must("pkey -text", pem));
    checked(&key);
    key
}

/// OpenSSL reads our PEM, finds it sound and writes the same bytes.
#[allow(clippy::expect_used)]
fn checked(key: &KeyMaterial) {
    let ours = key.to_pem().expect("PEM");
    // OpenSSL 3.0 can't check Ed25519 keys with -check, so it only reads them.
    if key.kind() != KeyKind::Ed25519 {
        must("pkey -check -noout", ours.expose());
    }
    assert!(must("pkcs8 -topk8 -nocrypt -outform DER", ours.expose()) == key.bytes().expose());
}

#[test]
fn curves() {
    if missing() {
        return;
    }
    for (kind, name) in CURVES {
        let sec1 = must(&format!("ecparam -name {name} -genkey"), b"");
        assert!(sec1.starts_with(b"-----BEGIN EC PARAMETERS-----"));
        let key = every_form(kind, &sec1);
        for form in ["ec", "ec -outform DER", "ec -conv_form compressed", "ec -no_public -outform DER"] {
            same(&key, &must(form, &sec1));
        }
        same(&key, &must("pkey -ec_conv_form compressed", &sec1));
        let explicit = must("ec -param_enc explicit", &sec1);
        assert_eq!(import(None, &explicit).err(), Some(ImportError::ExplicitCurve));
        let explicit = must("pkey -ec_param_enc explicit", &sec1);
        assert_eq!(import(None, &explicit).err(), Some(ImportError::ExplicitCurve));
        let encrypted = must("ec -aes128 -passout pass:x", &sec1);
        assert_eq!(import(None, &encrypted).err(), Some(ImportError::Encrypted));
    }
    let other = must("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1", b"");
    assert!(matches!(import(None, &other), Err(ImportError::Curve { .. })));
}

#[test]
fn edwards_and_montgomery() {
    if missing() {
        return;
    }
    every_form(KeyKind::Ed25519, &must("genpkey -algorithm ED25519", b""));
    for name in ["X25519", "X448", "Ed448"] {
        let pem = must(&format!("genpkey -algorithm {name}"), b"");
        assert_eq!(import(None, &pem).err(), Some(ImportError::Algorithm { name: name.into() }));
    }
}

#[test]
fn rsa() {
    if missing() {
        return;
    }
    for (kind, pem) in RSA {
        let key = every_form(kind, pem.as_bytes());
        for form in ["rsa -traditional", "rsa -traditional -outform DER"] {
            same(&key, &must(form, pem.as_bytes()));
        }
        let public = must("rsa -RSAPublicKey_out", pem.as_bytes());
        assert!(matches!(import(None, &public), Err(ImportError::NotPrivate { .. })));
        let encrypted = must("rsa -traditional -aes128 -passout pass:x", pem.as_bytes());
        assert!(encrypted.windows(9).any(|window| window == b"Proc-Type"));
        assert_eq!(import(None, &encrypted).err(), Some(ImportError::Encrypted));
    }
    let certificate = must("req -x509 -new -key /dev/stdin -subj /CN=x", RSA[0].1.as_bytes());
    let not_private = Some(ImportError::NotPrivate { what: "a certificate" });
    assert_eq!(import(None, &certificate).err(), not_private);
    assert_eq!(import(None, &must("x509 -outform DER", &certificate)).err(), not_private);
    if let Some(three) = openssl("genrsa -primes 3 2048", b"") {
        assert_eq!(import(None, &three).err(), Some(ImportError::RsaMultiPrime));
    }
    if let Some(pss) = openssl("genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048", b"") {
        assert!(matches!(import(None, &pss), Err(ImportError::Algorithm { .. })));
    }
}

#[test]
fn openssl_reads_what_we_generate() {
    if missing() {
        return;
    }
    let kinds = CURVES.iter().map(|(kind, _)| *kind).chain([KeyKind::Ed25519, KeyKind::Rsa2048]);
    for kind in kinds {
        checked(&generate(kind, &mut Entropy::system()).unwrap());
    }
}

#[test]
fn symmetric_keys_as_openssl_prints_them() {
    if missing() {
        return;
    }
    for (kind, length) in [(KeyKind::Aes128, 16), (KeyKind::Aes256, 32), (KeyKind::Hmac512, 64)] {
        let key = import(Some(kind), &must(&format!("rand {length}"), b"")).unwrap();
        assert_eq!(key.bytes().len(), length);
        for (words, encoding) in [("rand -hex", "hexadecimal"), ("rand -base64", "base64")] {
            let text = must(&format!("{words} {length}"), b"");
            // Base64 of more than 48 bytes comes in two lines, which is no longer than a line.
            let text: Vec<u8> = if length > 48 {
                text.split(|byte| *byte == b'\n').collect::<Vec<_>>().concat()
            } else {
                text
            };
            assert_eq!(import(Some(kind), &text).err(), Some(ImportError::Text { encoding, length }));
        }
    }
}
