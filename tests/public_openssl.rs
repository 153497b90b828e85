//! What OpenSSL signs we verify: every kind of pair that a token or an operator signs with.
//!
//! OpenSSL makes the pair and the signature; its ECDSA signatures are DER and are taken apart here.
//! Without `openssl` the test says so and passes; with `QUORATE_TEST_ALL=1` it fails.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests"
)]

use quorate::key::{KeyKind, PublicKey, RsaHash};
use std::path::Path;
use std::process::Command;

fn openssl(folder: &Path, words: &str) -> Option<Vec<u8>> {
    let output = Command::new("openssl").args(words.split(' ')).current_dir(folder).output().ok()?;
    output.status.success().then_some(output.stdout)
}

/// The two numbers of a DER ECDSA signature, each `size` bytes long.
fn raw(der: &[u8], size: usize) -> Vec<u8> {
    let mut at = if der[1] == 0x81 { 3 } else { 2 };
    let mut out = Vec::new();
    for _ in 0..2 {
        let (length, number) = (usize::from(der[at + 1]), &der[at + 2..]);
        let number = &number[..length];
        let number = &number[number.iter().take_while(|byte| **byte == 0).count()..];
        out.resize(out.len() + size - number.len(), 0);
        out.extend_from_slice(number);
        at += 2 + length;
    }
    out
}

#[test]
fn signatures_of_openssl_are_verified() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    if openssl(folder, "version").is_none() {
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "openssl is missing");
        eprintln!("left out: signatures of openssl are verified (openssl is missing)");
        return;
    }
    std::fs::write(folder.join("m"), b"a record of the log").unwrap();
    let message = b"a record of the log";
    let cases = [
        (KeyKind::EcP256, "EC -pkeyopt ec_paramgen_curve:P-256", "-sha256", 32),
        (KeyKind::EcP384, "EC -pkeyopt ec_paramgen_curve:P-384", "-sha384", 48),
        (KeyKind::EcP521, "EC -pkeyopt ec_paramgen_curve:P-521", "-sha512", 66),
        (KeyKind::Rsa2048, "RSA -pkeyopt rsa_keygen_bits:2048", "-sha256", 0),
        (KeyKind::Rsa3072, "RSA -pkeyopt rsa_keygen_bits:3072", "-sha512", 0),
        (KeyKind::Ed25519, "ED25519", "", 0),
    ];
    for (kind, algorithm, digest, size) in cases {
        openssl(folder, &format!("genpkey -algorithm {algorithm} -out k")).unwrap();
        let spki = openssl(folder, "pkey -in k -pubout -outform DER").unwrap();
        let made = match digest {
            "" => openssl(folder, "pkeyutl -sign -rawin -inkey k -in m"),
            digest => openssl(folder, &format!("dgst {digest} -sign k m")),
        };
        let made = made.unwrap();
        let signature = if size > 0 { raw(&made, size) } else { made };
        let key = PublicKey::from_spki(&spki).unwrap();
        assert_eq!((key.kind(), key.spki()), (kind, &spki[..]));
        let hash = if digest == "-sha512" { RsaHash::Sha512 } else { RsaHash::Sha256 };
        assert!(key.verify_rsa(hash, message, &signature), "{kind}");
        assert!(!key.verify_rsa(hash, b"another record of the log", &signature), "{kind}");
        for at in [0, signature.len() / 2, signature.len() - 1] {
            let mut altered = signature.clone();
            altered[at] ^= 1;
            assert!(!key.verify_rsa(hash, message, &altered), "{kind}: byte {at}");
        }
        if kind == KeyKind::Rsa3072 {
            assert!(!key.verify(message, &signature), "SHA-512 is not taken for SHA-256");
        }
    }
}
