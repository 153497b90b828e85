//! OpenSSL opens what we wrap: every form, hash and size, for keys of every kind.
//!
//! The private keys are made by OpenSSL and given back to it; it unwraps by its own command line. Without
//! `openssl` the tests say so and pass; with `QUORATE_TEST_ALL=1` they fail.
#![allow(clippy::disallowed_methods, clippy::print_stderr, clippy::unwrap_used, reason = "tests")]

use quorate::key::{EncryptError, KeyKind, KeyMaterial, OaepHash, WrappingKey, generate};
use quorate::primitive::random::Entropy;
use quorate::wrap::{Form, WrapError, wrap, wrapped_length};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

fn openssl(folder: &Path, words: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let mut command = Command::new("openssl");
    command.args(words).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::null()).spawn().ok()?;
    // It may not want the input.
    let _ = child.stdin.take()?.write_all(input);
    let output = child.wait_with_output().ok()?;
    output.status.success().then_some(output.stdout)
}

fn installed() -> bool {
    let there = openssl(Path::new("."), &["version"], b"").is_some();
    if !there {
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "openssl is missing");
        eprintln!("left out: openssl opens what we wrap (openssl is missing)");
    }
    there
}

const DIGESTS: [(OaepHash, &str); 4] = [
    (OaepHash::Sha1, "sha1"),
    (OaepHash::Sha256, "sha256"),
    (OaepHash::Sha384, "sha384"),
    (OaepHash::Sha512, "sha512"),
];

/// A wrapping key whose private half is in `folder/private.pem`.
fn pair(folder: &Path, bits: usize) -> WrappingKey {
    let size = format!("rsa_keygen_bits:{bits}");
    openssl(folder, &["genpkey", "-algorithm", "RSA", "-pkeyopt", &size, "-out", "private.pem"], b"")
        .unwrap();
    let pem = openssl(folder, &["pkey", "-in", "private.pem", "-pubout"], b"").unwrap();
    let der = openssl(folder, &["pkey", "-in", "private.pem", "-pubout", "-outform", "DER"], b"").unwrap();
    let key = WrappingKey::read(&pem).unwrap();
    assert_eq!((key.spki(), key.bits()), (&der[..], bits));
    assert_eq!(WrappingKey::read(&der).unwrap().fingerprint(), key.fingerprint());
    key
}

fn open_oaep(folder: &Path, digest: &str, blob: &[u8]) -> Vec<u8> {
    let (oaep, mgf) = (format!("rsa_oaep_md:{digest}"), format!("rsa_mgf1_md:{digest}"));
    let words = ["pkeyutl", "-decrypt", "-inkey", "private.pem", "-pkeyopt", "rsa_padding_mode:oaep"];
    let words = [&words[..], &["-pkeyopt", &oaep, "-pkeyopt", &mgf]].concat();
    openssl(folder, &words, blob).unwrap_or_else(|| unreachable!("openssl refuses OAEP with {digest}"))
}

fn open_hybrid(folder: &Path, digest: &str, modulus: usize, blob: &[u8]) -> Vec<u8> {
    let (kek, inner) = blob.split_at(modulus);
    let kek: String = open_oaep(folder, digest, kek).iter().map(|byte| format!("{byte:02X}")).collect();
    let words = ["enc", "-d", "-id-aes256-wrap-pad", "-K", &kek, "-iv", "A65959A6"];
    openssl(folder, &words, inner).unwrap()
}

#[test]
fn every_form_hash_and_size_is_opened() {
    if !installed() {
        return;
    }
    let rsa = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/key/rsa-4096.pem")).unwrap();
    let mut keys: Vec<KeyMaterial> = [
        KeyKind::Aes128,
        KeyKind::Aes256,
        KeyKind::Hmac224,
        KeyKind::Hmac512,
        KeyKind::EcP256,
        KeyKind::EcP521,
        KeyKind::Ed25519,
    ]
    .map(|kind| generate(kind, &mut Entropy::system()).unwrap())
    .into();
    keys.push(quorate::key::import(None, &rsa).unwrap());
    for bits in [2048, 3072, 4096] {
        let folder = tempfile::tempdir().unwrap();
        let to = pair(folder.path(), bits);
        for (hash, digest) in DIGESTS {
            for key in &keys {
                let key = key.bytes().expose();
                let entropy = &mut Entropy::system();
                let blob = wrap(Form::Hybrid, hash, &to, key, entropy).unwrap();
                assert_eq!(blob.len(), wrapped_length(Form::Hybrid, &to, key.len()));
                assert_eq!(open_hybrid(folder.path(), digest, bits / 8, &blob), key);
                match wrap(Form::Direct, hash, &to, key, entropy) {
                    Ok(blob) => {
                        assert_eq!(blob.len(), bits / 8);
                        assert_eq!(open_oaep(folder.path(), digest, &blob), key);
                    }
                    Err(error) => {
                        let longest = to.longest(hash);
                        assert!(key.len() > longest);
                        let found = key.len();
                        let expected = EncryptError::TooLong { found, longest, bits, hash };
                        assert_eq!(error, WrapError::Oaep(expected));
                    }
                }
            }
        }
    }
}
