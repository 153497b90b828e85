//! The C2SP/CCTV vectors for age files, all that need no passphrase: exact verdict, exact payload.
//!
//! `tests/tools/fetch-age.sh` installs them into `${QUORATE_TOOLS:-target/tools}/age/vectors`.
//! Without them the test says so and passes; with `QUORATE_TEST_ALL=1` it fails.
#![allow(clippy::print_stderr, clippy::unwrap_used, clippy::panic, reason = "a test and its report")]

use quorate::age::{self, DecryptError, Identity, LIMITS, Limits, Stanzas};
use quorate::primitive::hash::sha256;
use quorate::wire::text::hex;
use std::path::PathBuf;

/// The vectors of version 0.2.0 of the collection that don't need a passphrase. One has a passphrase
/// beside an identity, and is refused for that.
const VECTORS: usize = 118;

fn folder() -> PathBuf {
    let tools = std::env::var_os("QUORATE_TOOLS").map(PathBuf::from);
    tools
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools"))
        .join("age/vectors")
}

struct Vector {
    expect: String,
    payload: Option<String>,
    identities: Vec<Identity>,
    passphrase: bool,
    armored: bool,
    file: Vec<u8>,
}

fn read(bytes: &[u8]) -> Vector {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
    let (head, file) = bytes.split_at(end);
    let mut vector = Vector {
        expect: String::new(),
        payload: None,
        identities: Vec::new(),
        passphrase: false,
        armored: false,
        file: file.strip_prefix(b"\n\n").unwrap().to_vec(),
    };
    for line in std::str::from_utf8(head).unwrap().lines() {
        let (key, value) = line.split_once(": ").unwrap();
        match key {
            "expect" => value.clone_into(&mut vector.expect),
            "payload" => vector.payload = Some(value.to_owned()),
            "identity" => vector.identities.push(Identity::parse(value.as_bytes()).unwrap()),
            "passphrase" => vector.passphrase = true,
            "armored" => vector.armored = value == "yes",
            "file key" | "comment" => {}
            other => panic!("a vector with an unknown key {other}"),
        }
    }
    vector
}

/// The verdict in the words of the vectors, and the hash of what was released.
fn verdict(vector: &Vector) -> (&'static str, Option<String>) {
    // One vector has 258 chunks: the limits are the caller's to set.
    let limits = Limits { file: 32 << 20, ..LIMITS };
    let file = if vector.armored { age::unarmor(&vector.file, limits.file) } else { Ok(vector.file.clone()) };
    let Ok(file) = file else { return ("armor failure", None) };
    let identities: Vec<&Identity> = vector.identities.iter().collect();
    match age::decrypt(&file, &identities, Stanzas::Any, &limits) {
        Ok(plain) => ("success", Some(hex(&sha256(&[plain.expose()])))),
        Err(DecryptError::Header(_)) => ("header failure", None),
        Err(DecryptError::NoMatch) => ("no match", None),
        Err(DecryptError::Mac) => ("HMAC failure", None),
        Err(DecryptError::Payload(_)) => ("payload failure", None),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn every_vector_has_its_verdict_and_its_payload() {
    let Ok(entries) = std::fs::read_dir(folder()) else {
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "no vectors: run tests/tools/fetch-age.sh");
        eprintln!("left out: the CCTV age vectors (tests/tools/fetch-age.sh installs them)");
        return;
    };
    let (mut run, mut wrong) = (0, Vec::new());
    for entry in entries {
        let path = entry.unwrap().path();
        let vector = read(&std::fs::read(&path).unwrap());
        if vector.passphrase && vector.identities.is_empty() {
            continue;
        }
        run += 1;
        let (said, payload) = verdict(&vector);
        // Where decryption fails nothing is released: the hash of a part has nothing to compare with.
        if said != vector.expect || (said == "success" && payload != vector.payload) {
            wrong.push(format!("{}: {said} instead of {}", path.display(), vector.expect));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(run, VECTORS);
}
