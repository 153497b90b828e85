//! The security officer: whose PIN it is, how often it is tried, and what is left of a trusted wrapping key.

use super::proof::is_closed;
use super::stage::{Between, Stage, refs, with_sha1};
use crate::token::{MAKERS, Maker, Token, between};
use std::fs;

const LEFT: &str = "quorate wrapping key, to be removed";

fn words(stage: &Stage, name: &str, uri: &str, maker: Maker) -> Vec<String> {
    let officer = stage.tokens.so_pin_file();
    let mut words = stage.generate_words(name, "aes-256", uri, maker);
    words.extend(["--trusted-only".to_owned(), "--so-pin-file".to_owned(), officer]);
    words
}

fn is_left(token: &Token) -> bool {
    token.tool(&["--list-objects"]).good().out.contains(LEFT)
}

/// Its removal fails: the run says so and fails, and so does the next `hsm check`, until it is removed.
#[test]
fn a_trusted_wrapping_key_that_stays_is_said_until_it_is_removed() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let uri = stage.uri_between(&token).unwrap();
        let name = format!("k-{maker:?}");
        let rules = Between { rules: "C_DestroyObject:1+:0x30", log: None };
        let ran = stage.through(&token, &rules, &refs(&words(&stage, &name, &uri, maker)));
        ran.fails(4, "still has the trusted wrapping key");
        // The key itself is backed up and closed.
        is_closed(&token, "aes-256", &name);
        stage.run(&["show", &name]).good().prints("can't leave it since");
        assert!(is_left(&token));
        stage.check(&token, &[]).fails(4, "still has the trusted wrapping key").says("--remove-left");
        // Every command that opens the token names it.
        let other = format!("other-{maker:?}");
        stage
            .generate(&token, &other, "aes-256")
            .good()
            .says("has a trusted wrapping key of a run that was cut off");
        stage.check(&token, &["--remove-left"]).good().prints("is removed");
        assert!(!is_left(&token));
        let ran = stage.check(&token, &[]).good();
        assert!(!ran.err.contains("wrapping key"), "{ran:#?}");
    }
}

/// A run that was killed says nothing; the next one does.
#[test]
fn a_trusted_wrapping_key_of_a_run_that_was_killed_is_found() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let uri = stage.uri_between(&token).unwrap();
        let rules = Between { rules: "C_WrapKey:1:killed", log: None };
        let ran = stage.through(&token, &rules, &refs(&words(&stage, &format!("k-{maker:?}"), &uri, maker)));
        assert_eq!(ran.status, None, "{ran:#?}");
        assert!(is_left(&token));
        stage.check(&token, &[]).fails(4, "still has the trusted wrapping key");
        let ran = stage.check(&token, &["--remove-left", "--json"]).good();
        assert!(ran.out.contains("\"left\":[\"71756f726174653a"), "{ran:#?}");
        assert!(!is_left(&token));
    }
}

#[test]
fn a_wrong_pin_of_the_officer_is_called_the_officers() {
    let Some(stage) = Stage::new() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let mut words = words(&stage, "k", &token.uri(), maker);
        *words.last_mut().unwrap() = stage.tokens.other_pin_file("0815-wrong");
        let ran = stage.run(&refs(&words)).fails(1, "refuses the security officer's PIN; it was tried once");
        assert!(!ran.err.contains("0815") && !ran.err.contains("user's"), "{ran:#?}");
        stage.run(&["show", "k"]).fails(1, "k");
    }
}

/// Neither token that is tried says it of the officer's PIN, so `between.rs` does.
#[test]
fn the_last_try_of_the_officers_pin_is_not_spent() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let uri = stage.uri_between(&token).unwrap();
        let log = stage.tokens.root().join("calls");
        // CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED.
        for (flag, refused) in [
            ("flag:0x200000", "one try of the security officer's PIN of token"),
            ("flag:0x400000", "the security officer's PIN of token"),
        ] {
            let rules = Between { rules: flag, log: Some(log.clone()) };
            stage.through(&token, &rules, &refs(&words(&stage, "k", &uri, maker))).fails(1, refused);
            let calls = fs::read_to_string(&log).unwrap();
            // The user's alone.
            assert_eq!(calls.lines().filter(|call| *call == "C_Login").count(), 1, "{flag}: {calls}");
            stage.run(&["show", "k"]).fails(1, "k");
        }
        // The user's is not touched by any of it.
        let words = stage.generate_words(&format!("k-{maker:?}"), "aes-256", &uri, maker);
        let rules = Between { rules: "flag:0x200000", log: None };
        assert_eq!(stage.through(&token, &rules, &refs(&words)).status, Some(0));
    }
}

/// With both PINs a key that is there is backed up, and another one is closed; each is found after the officer has gone.
#[test]
fn a_trusted_only_key_that_is_there_is_added_and_closed_with_both_pins() {
    let Some(stage) = Stage::new() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let (officer, pin) = (stage.tokens.so_pin_file(), stage.tokens.pin_file());
        let both = ["--pin-file", &pin, "--so-pin-file", &officer];
        for name in ["first", "second"].map(|name| format!("{name}-{maker:?}")) {
            let mut words = words(&stage, &name, &token.uri(), maker);
            words.push("--leave-open".to_owned());
            stage.run(&refs(&words)).good();
            let object = token.object(&name);
            let again = format!("{name}-again");
            let add = [&["add", &again, "--from", &object][..], &both].concat();
            let close = [&["hsm", "close", &name, "--token", &object][..], &both].concat();
            if name.starts_with("first") {
                stage.run(&refs(&with_sha1(&add, maker))).good();
            } else {
                stage.run(&refs(&with_sha1(&close, maker))).good().says("it was compared with the log");
            }
            is_closed(&token, "aes-256", &name);
        }
        assert!(!is_left(&token));
    }
}

/// A restore needs no officer, so the officer's PIN isn't asked for, let alone read twice.
#[test]
fn a_key_comes_back_without_the_officer() {
    let Some(stage) = Stage::new() else { return };
    let token = stage.tokens.make(Maker::Kryoptic, "prod");
    stage.generate(&token, "k", "aes-256").good();
    let spare = stage.tokens.make(Maker::Kryoptic, "spare");
    let officer = stage.tokens.so_pin_file();
    for mut words in [
        with_sha1(
            &["recover", "k", "--to", &spare.uri(), "--pin-file", &stage.tokens.pin_file()],
            spare.maker,
        ),
        stage.drill_words(&spare.uri(), spare.maker),
    ] {
        words.splice(1..1, ["--so-pin-file".to_owned(), officer.clone()]);
        stage.run(&refs(&words)).fails(2, "a key goes into a token without the security officer");
    }
    assert!(spare.listed("secrkey", "k").is_empty());
}
