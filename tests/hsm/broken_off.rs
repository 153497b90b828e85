//! The program is killed, or the token taken away, at every call that changes something in a token.
//!
//! `tests/tools/between.rs` does it, before the call and after it. Whatever was going on: the log is whole, what
//! is in the token is told, and the same command run again ends with one closed key and its backup.

use super::proof::{Before, is_closed};
use super::stage::{Between, Broken, Stage, refs, with_sha1};
use crate::token::{Maker, Token, between};

const CHANGES: [&str; 8] = [
    "C_GenerateKey",
    "C_GenerateKeyPair",
    "C_WrapKey",
    "C_UnwrapKey",
    "C_SetAttributeValue",
    "C_CreateObject",
    "C_CopyObject",
    "C_DestroyObject",
];
const REMOVED: &str = "0x32";

/// The rules that break a command off, from the calls that it makes when nothing does: killed after the last two
/// calls of each function that changes something (the ones before are of the road being tried), and the token
/// taken away in five places.
fn rules(calls: &str) -> Vec<String> {
    let mut rules = vec!["C_Login:1:kill".to_owned()];
    for change in CHANGES {
        let count = calls.lines().filter(|call| *call == change).count();
        rules.extend((1..=count).rev().take(2).map(|at| format!("{change}:{at}:killed")));
    }
    // From there on, nothing answers.
    let all = calls.lines().count();
    let from = calls.lines().position(|call| call == "C_Login").unwrap_or_default();
    let step = (all - from).div_ceil(5);
    rules.extend((from + 2..all).step_by(step).map(|at| format!("*:{at}+:{REMOVED}")));
    rules
}

fn broken(ran: &Broken, rule: &str) {
    assert!(!ran.err.contains("panicked"), "{rule}: {ran:#?}");
    match ran.status {
        None => assert!(rule.contains("kill"), "{rule}: {ran:#?}"),
        Some(0) => {}
        Some(_) => assert!(ran.err.contains("quorate: hint: "), "{rule}: {ran:#?}"),
    }
}

fn generating(maker: Maker, kind: &'static str) {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    let token = stage.tokens.make(maker, "prod");
    let uri = stage.uri_between(&token).unwrap();
    let calls = stage.calls(&token, &stage.generate_words("whole", kind, &uri, maker));
    for (number, rule) in rules(&calls).iter().enumerate() {
        let name = format!("k{number}");
        let words = stage.generate_words(&name, kind, &uri, maker);
        let ran = stage.through(&token, &Between { rules: rule, log: None }, &refs(&words));
        broken(&ran, rule);
        stage.is_sound(rule);
        let backed_up = stage.run(&["show", &name]).status == Some(0);
        // Run again, it finishes or begins anew; a key that is backed up is only closed.
        let again = if backed_up { stage.close(&token, &name) } else { stage.generate(&token, &name, kind) };
        assert_eq!(again.status, Some(0), "{rule}: {again:#?}");
        // One closed key, whatever was left.
        let class = if kind.starts_with("aes") { "secrkey" } else { "privkey" };
        let found = token.listed(class, &name);
        assert_eq!(found.len(), 1, "after {rule}: {found:?}\n{ran:#?}\n{again:#?}");
        is_closed(&token, kind, &name);
    }
    stage.is_sound("in the end");
}

#[test]
fn generating_in_softhsm_is_broken_off_anywhere() {
    generating(Maker::SoftHsm, "ec-p256");
}

#[test]
fn generating_in_kryoptic_is_broken_off_anywhere() {
    generating(Maker::Kryoptic, "aes-256");
}

/// A restore that is broken off leaves the key restorable, and never two of it.
fn restoring(maker: Maker, kind: &'static str) {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    let old = stage.tokens.make(maker, "old");
    stage.generate(&old, "k", kind).good();
    let before = Before::of(&stage, &old, kind, "k");
    let words = |spare: &Token| stage.recover_words("k", &stage.uri_between(spare).unwrap(), maker);
    let spare = stage.tokens.make(maker, "spare");
    let calls = stage.calls(&spare, &words(&spare));
    spare.destroy();
    for (number, rule) in rules(&calls).iter().enumerate() {
        let spare = stage.tokens.make(maker, &format!("spare-{number}"));
        let ran = stage.through(&spare, &Between { rules: rule, log: None }, &refs(&words(&spare)));
        broken(&ran, rule);
        stage.is_sound(rule);
        let again = stage.recover(&spare, "k");
        assert_eq!(again.status, Some(0), "{rule}: {again:#?}");
        before.is_restored(&stage, &spare);
        spare.destroy();
    }
}

#[test]
fn restoring_into_softhsm_is_broken_off_anywhere() {
    restoring(Maker::SoftHsm, "ec-p256");
}

#[test]
fn restoring_into_kryoptic_is_broken_off_anywhere() {
    restoring(Maker::Kryoptic, "aes-256");
}

/// A key that another program made stays what it was, and is backed up and closed in the end.
fn adding(maker: Maker, kind: &'static str) {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    let token = stage.tokens.make(maker, "prod");
    let make = |name: &str, id: usize| {
        let words: &[&str] = match kind {
            "aes-256" => &["--keygen", "--key-type", "AES:32"],
            _ => &["--keypairgen", "--key-type", "EC:secp256r1", "--usage-sign"],
        };
        let id = format!("{id:04x}");
        let more = ["--sensitive", "--extractable", "--label", name, "--id", &id];
        token.tool(&[words, &more].concat()).good();
    };
    let words = |name: &str| {
        let uri = format!("pkcs11:token=prod;object={name}?module-path={}", between().unwrap());
        with_sha1(&["add", name, "--from", &uri, "--pin-file", &stage.tokens.pin_file()], maker)
    };
    make("whole", 1);
    let calls = stage.calls(&token, &words("whole"));
    for (number, rule) in rules(&calls).iter().enumerate() {
        let name = format!("k{number}");
        make(&name, number + 2);
        let ran = stage.through(&token, &Between { rules: rule, log: None }, &refs(&words(&name)));
        broken(&ran, rule);
        stage.is_sound(rule);
        let backed_up = stage.run(&["show", &name]).status == Some(0);
        let again =
            if backed_up { stage.close_object(&token, &name, &name) } else { stage.add(&token, &name) };
        assert_eq!(again.status, Some(0), "{rule}: {again:#?}");
        is_closed(&token, kind, &name);
        stage.run(&["show", &name]).good().prints("can't leave it since");
    }
    stage.is_sound("in the end");
}

#[test]
fn adding_from_softhsm_is_broken_off_anywhere() {
    adding(Maker::SoftHsm, "aes-256");
}

#[test]
fn adding_from_kryoptic_is_broken_off_anywhere() {
    adding(Maker::Kryoptic, "ec-p256");
}
