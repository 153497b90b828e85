//! Wrapping keys of providers, and what people note of a request.

use super::world::{Ran, World};
use std::fs;

/// An OpenBao wrapping key (RSA-4096), whose private half was thrown away.
pub(crate) fn wrapping_key(world: &World, name: &str, bits: usize, exponent: &str) {
    let modulus = format!("rsa_keygen_bits:{bits}");
    let exponent = format!("rsa_keygen_pubexp:{exponent}");
    let path = world.path("throw-away.pem");
    let path = path.to_str().unwrap();
    let openssl = |words: &[&str]| {
        let ran = std::process::Command::new("openssl").args(words).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
    };
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", &modulus, "-pkeyopt", &exponent, "-out", path]);
    openssl(&["pkey", "-in", path, "-pubout", "-out", world.path(name).to_str().unwrap()]);
    fs::remove_file(path).unwrap();
}

/// The SHA-256 that a run of `request` shows.
pub(crate) fn fingerprint(ran: &Ran) -> String {
    let line = ran.out.lines().find(|line| line.contains("wrapping key")).unwrap();
    line.split_whitespace().skip(2).collect::<String>()
}
