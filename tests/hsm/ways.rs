//! Every kind of key, out of one token and into another: of the same maker and of the other.
//!
//! Generated in one, used there, backed up; the token is lost; restored into a new one; used again, by parties
//! that aren't ours. Each direction is a test, so that they run beside each other.

use super::proof::{Before, is_closed, only};
use super::stage::{Stage, refs};
use crate::token::{Maker, Token};

const BOTH: [&str; 9] =
    ["aes-128", "aes-256", "hmac-256", "hmac-384", "hmac-512", "ec-p256", "ec-p384", "ec-p521", "rsa-2048"];
const LONG: [&str; 2] = ["rsa-3072", "rsa-4096"];
fn kinds(from: Maker, to: Maker) -> Vec<&'static str> {
    let mut kinds = BOTH.to_vec();
    if from != to {
        kinds.extend(LONG);
    }
    kinds
}

fn there_and_back(from: Maker, to: Maker) {
    let Some(stage) = Stage::new() else { return };
    let old = stage.tokens.make(from, "prod");
    let kinds = kinds(from, to);
    let mut before = Vec::new();
    for kind in &kinds {
        stage.generate(&old, kind, kind).good();
        is_closed(&old, kind, kind);
        before.push(Before::of(&stage, &old, kind, kind));
    }
    old.destroy();
    let new = stage.tokens.make(to, "spare");
    for (kind, before) in kinds.iter().zip(&before) {
        stage.recover(&new, kind).good();
        before.is_restored(&stage, &new);
    }
    stage.is_sound("after the restore");
}

#[test]
fn from_softhsm_to_kryoptic() {
    there_and_back(Maker::SoftHsm, Maker::Kryoptic);
}

#[test]
fn from_kryoptic_to_softhsm() {
    there_and_back(Maker::Kryoptic, Maker::SoftHsm);
}

#[test]
fn from_softhsm_to_softhsm() {
    there_and_back(Maker::SoftHsm, Maker::SoftHsm);
}

#[test]
fn from_kryoptic_to_kryoptic() {
    there_and_back(Maker::Kryoptic, Maker::Kryoptic);
}

/// The arguments with which `pkcs11-tool` makes a key of a kind that may leave.
fn made_elsewhere(kind: &str) -> Vec<&'static str> {
    match kind {
        "aes-256" => vec!["--keygen", "--key-type", "AES:32", "--sensitive", "--extractable"],
        "ec-p384" => vec!["--keypairgen", "--key-type", "EC:secp384r1", "--usage-sign", "--extractable"],
        _ => vec!["--keypairgen", "--key-type", "rsa:2048", "--usage-sign", "--extractable"],
    }
}

#[track_caller]
fn existing(token: &Token, kind: &'static str) {
    let mut words = made_elsewhere(kind);
    let id: String = kind.bytes().map(|byte| format!("{byte:02x}")).collect();
    words.extend(["--label", kind, "--id", &id]);
    token.tool(&words).good();
}

#[test]
fn a_key_that_another_program_made_is_added_and_restored() {
    let Some(stage) = Stage::new() else { return };
    let kinds = ["aes-256", "ec-p384", "rsa-2048"];
    for (from, to) in [(Maker::SoftHsm, Maker::Kryoptic), (Maker::Kryoptic, Maker::SoftHsm)] {
        let old = stage.tokens.make(from, &format!("old-{from:?}"));
        let new = stage.tokens.make(to, &format!("new-{to:?}"));
        for kind in kinds {
            existing(&old, kind);
            let before = Before::of(&stage, &old, kind, kind);
            stage.add(&old, kind).good();
            is_closed(&old, kind, kind);
            stage.recover(&new, kind).good();
            before.is_restored(&stage, &new);
        }
        stage.is_sound("after the restore");
    }
}

#[test]
fn the_key_in_the_token_is_the_key_that_the_quorum_recovers() {
    let Some(stage) = Stage::new() else { return };
    for maker in crate::token::MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let name = format!("k-{maker:?}");
        stage.generate(&token, &name, "aes-256").good();
        let key = stage.bytes(&name, "aes-256");
        assert_eq!(key.len(), 32);
        // openssl encrypts with the recovered bytes what the token's key decrypts.
        let before = Before::of(&stage, &token, "aes-256", &name);
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        before.opens_with_openssl(&stage, &hex);
        is_closed(&token, "aes-256", &name);
    }
}

#[test]
fn two_keys_in_one_token_have_two_ids() {
    let Some(stage) = Stage::new() else { return };
    let token = stage.tokens.make(Maker::SoftHsm, "prod");
    for name in ["one", "two"] {
        stage.generate(&token, name, "aes-256").good();
    }
    let id = |name: &str| {
        let block = only(&token, "aes-256", name);
        block.lines().find_map(|line| line.strip_prefix("ID:")).unwrap().trim().to_owned()
    };
    assert_ne!(id("one"), id("two"));
}

/// SoftHSM 2.6 makes Ed25519 keys and can't wrap them; kryoptic has none on OpenSSL 3.0. Neither leaves one behind.
#[test]
fn an_ed25519_key_is_refused_where_it_could_not_come_back() {
    let Some(stage) = Stage::new() else { return };
    for (maker, words) in
        [(Maker::SoftHsm, "CKR_KEY_NOT_WRAPPABLE"), (Maker::Kryoptic, "CKM_EC_EDWARDS_KEY_PAIR_GEN")]
    {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        stage.generate(&token, "k", "ed25519").fails(1, words);
        for class in ["privkey", "pubkey"] {
            assert!(token.listed(class, "k").is_empty(), "{class} was left in {maker:?}");
        }
        stage.run(&["show", "k"]).fails(1, "k");
        stage.is_sound("after a refusal");
    }
}

#[test]
fn a_key_that_was_left_open_is_closed_later() {
    let Some(stage) = Stage::new() else { return };
    for maker in crate::token::MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let name = format!("k-{maker:?}");
        let mut words = stage.generate_words(&name, "ec-p256", &token.uri(), maker);
        words.push("--leave-open".to_owned());
        stage.run(&refs(&words)).good();
        let block = only(&token, "ec-p256", &name);
        assert!(block.contains(" extractable"), "{block}");
        stage.run(&["show", &name]).good().prints("may still leave it");
        stage.close(&token, &name).good();
        is_closed(&token, "ec-p256", &name);
        stage.run(&["show", &name]).good().prints("can't leave it since");
        // Once more does nothing.
        stage.close(&token, &name).good();
    }
}

/// A key that leaves under trusted wrapping keys only is backed up with both PINs, and no wrapping key stays.
#[test]
fn a_trusted_wrapping_key_needs_the_security_officer() {
    let Some(stage) = Stage::new() else { return };
    let token = stage.tokens.make(Maker::SoftHsm, "prod");
    let officer = stage.tokens.so_pin_file();
    let mut words = stage.generate_words("k", "aes-256", &token.uri(), token.maker);
    words.extend([
        "--trusted-only".to_owned(),
        "--leave-open".to_owned(),
        "--so-pin-file".to_owned(),
        officer,
    ]);
    stage.run(&refs(&words)).good();
    only(&token, "aes-256", "k");
    assert!(!token.tool(&["--list-objects"]).good().out.contains("quorate wrapping key"));
    let before = Before::of(&stage, &token, "aes-256", "k");
    // The user alone doesn't get it out.
    stage.add(&token, "k").fails(1, "it leaves under a trusted wrapping key only");
    // It comes back into another maker's token, without the officer.
    let spare = stage.tokens.make(Maker::Kryoptic, "spare");
    stage.recover(&spare, "k").good();
    before.is_restored(&stage, &spare);
    // Kryoptic lets nobody mark a key later, but makes a trusted one.
    let mut words = stage.generate_words("other", "aes-256", &spare.uri(), spare.maker);
    words.extend(["--trusted-only".to_owned(), "--so-pin-file".to_owned(), stage.tokens.so_pin_file()]);
    stage.run(&refs(&words)).good();
    is_closed(&spare, "aes-256", "other");
    assert!(!spare.tool(&["--list-objects"]).good().out.contains("quorate wrapping key"));
    stage.is_sound("in the end");
}
