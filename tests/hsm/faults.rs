//! What tokens, PINs and people get wrong: each has its sentence, and nothing is half-done.

use super::proof::{is_closed, only};
use super::stage::{Between, Stage, refs};
use crate::token::{MAKERS, Maker, Token, between};
use std::fs;

/// Nothing with this name is in the token or in the escrow.
#[track_caller]
fn nothing_came_of(stage: &Stage, token: &Token, name: &str) {
    for class in ["secrkey", "privkey", "pubkey"] {
        assert!(token.listed(class, name).is_empty(), "{name} was left in {}", token.label);
    }
    stage.run(&["show", name]).fails(1, name);
    stage.is_sound("after a refusal");
}

#[test]
fn a_wrong_pin_is_tried_once() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let uri = stage.uri_between(&token).unwrap();
        let mut words = stage.generate_words("k", "aes-256", &uri, maker);
        let at = words.iter().position(|word| *word == stage.tokens.pin_file()).unwrap();
        words[at] = stage.tokens.other_pin_file("4711-wrong");
        let log = stage.tokens.root().join("calls");
        let rules = Between { rules: "", log: Some(log.clone()) };
        let ran = stage.through(&token, &rules, &refs(&words));
        assert!(!ran.err.contains("4711"), "a PIN is shown: {ran:#?}");
        ran.fails(1, "refuses the user's PIN; it was tried once");
        let calls = fs::read_to_string(log).unwrap();
        assert_eq!(calls.lines().filter(|call| *call == "C_Login").count(), 1, "{calls}");
        nothing_came_of(&stage, &token, "k");
        // The right one still opens it.
        stage.generate(&token, &format!("k-{maker:?}"), "aes-256").good();
    }
}

#[test]
fn the_last_try_of_a_pin_is_not_spent_and_a_locked_one_is_said() {
    let Some(stage) = Stage::new() else { return };
    // SoftHSM never locks; kryoptic does after ten.
    let token = stage.tokens.make(Maker::Kryoptic, "prod");
    let wrong = |times: usize| {
        for _ in 0..times {
            let words =
                ["--module", &token.module(), "--token-label", "prod", "--login", "--pin", "12345678", "-O"];
            assert!(!stage.tokens.program("pkcs11-tool", &words).good);
        }
    };
    wrong(9);
    stage
        .generate(&token, "k", "aes-256")
        .fails(1, "one try of the user's PIN of token prod is left: it was not spent");
    wrong(1);
    stage.generate(&token, "k", "aes-256").fails(1, "the user's PIN of token prod is locked");
    stage.run(&["show", "k"]).fails(1, "k");
    stage.is_sound("with a locked PIN");
}

#[test]
fn a_locked_pin_of_a_token_that_shows_no_flag_is_said() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    let token = stage.tokens.make(Maker::SoftHsm, "prod");
    let words = stage.generate_words("k", "aes-256", &stage.uri_between(&token).unwrap(), token.maker);
    let rules = Between { rules: "C_Login:1+:0xa4", log: None };
    stage.through(&token, &rules, &refs(&words)).fails(1, "the user's PIN of token prod is locked");
    nothing_came_of(&stage, &token, "k");
}

#[test]
fn a_module_that_is_missing_or_none_is_named() {
    let Some(stage) = Stage::new() else { return };
    stage.world.write("text.so", "not a module");
    let pin = stage.tokens.pin_file();
    let generate = |module: &str| {
        let uri = format!("pkcs11:token=prod?module-path={module}");
        stage.run(&["generate", "k", "--kind", "aes-256", "--in", &uri, "--pin-file", &pin])
    };
    generate("absent.so").fails(1, "absent.so can't be loaded as a PKCS#11 module: there is no such file");
    generate("text.so").fails(1, "text.so can't be loaded as a PKCS#11 module");
    stage.run(&["hsm", "list", "--module", "absent.so"]).fails(1, "absent.so can't be loaded");
    stage.run(&["hsm", "list"]).says("QUORATE_PKCS11_MODULE");
    stage.is_sound("without a module");
}

#[test]
fn a_module_without_its_configuration_is_refused_with_its_name() {
    let Some(stage) = Stage::new() else { return };
    for maker in MAKERS {
        let module = maker.module().unwrap().display().to_string();
        let mut command = stage.world.command(&["-C", "acme", "hsm", "list", "--module", &module]);
        command.env("HOME", stage.world.root());
        // A configuration that isn't there; kryoptic makes an empty one of that, and refuses none at all.
        let variable = match maker {
            Maker::SoftHsm => {
                command.env("SOFTHSM2_CONF", stage.world.path("missing.conf"));
                "SOFTHSM2_CONF"
            }
            Maker::Kryoptic => "KRYOPTIC_CONF",
        };
        stage.world.finish(command).fails(1, "refuses to work (").says(variable);
    }
    let module = Maker::Kryoptic.module().unwrap().display().to_string();
    let missing = [("KRYOPTIC_CONF", stage.world.path("missing.conf"))];
    stage.run_with(&missing, &["hsm", "list", "--module", &module]).good().prints("no slot has a token");
}

#[test]
fn a_key_that_may_not_leave_stays() {
    let Some(stage) = Stage::new() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        token
            .tool(&["--keygen", "--key-type", "AES:32", "--sensitive", "--label", "fixed", "--id", "31"])
            .good();
        stage.add(&token, "fixed").fails(1, "fixed may not leave its token");
        stage.run(&["show", "fixed"]).fails(1, "fixed");
        only(&token, "aes-256", "fixed");
        stage.is_sound("a key that stays");
    }
}

#[test]
fn a_damaged_blob_gives_no_backup_and_no_key() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let uri = stage.uri_between(&token).unwrap();
        let rules = Between { rules: "C_WrapKey:1+:damage", log: None };
        let words = stage.generate_words("k", "aes-256", &uri, maker);
        let ran = stage.through(&token, &rules, &refs(&words));
        assert!(ran.status == Some(1) && ran.err.contains("quorate: hint: "), "{ran:#?}");
        nothing_came_of(&stage, &token, "k");
        // The way in.
        let name = format!("good-{maker:?}");
        stage.generate(&token, &name, "aes-256").good();
        let spare = stage.tokens.make(maker, &format!("spare-{maker:?}"));
        let uri = stage.uri_between(&spare).unwrap();
        let words = stage.recover_words(&name, &uri, maker);
        // The first blob is the wrapping key, the second the key.
        for rules in ["C_UnwrapKey:1+:damage", "C_UnwrapKey:2+:damage"] {
            let ran = stage.through(&spare, &Between { rules, log: None }, &refs(&words));
            assert!(ran.status == Some(1) && ran.err.contains("quorate: hint: "), "{rules}: {ran:#?}");
            assert!(spare.listed("secrkey", &name).is_empty(), "{name} was left in the spare token");
        }
        stage.recover(&spare, &name).good();
        is_closed(&spare, "aes-256", &name);
    }
}

#[test]
fn a_token_without_key_wrap_is_refused_before_a_key_is_made() {
    let Some(stage) = Stage::new() else { return };
    let poor = stage.tokens.make_without(Maker::Kryoptic, "poor", &["CKM_AES_KEY_WRAP_KWP"]);
    stage.generate(&poor, "k", "aes-256").fails(1, "token poor lacks");
    nothing_came_of(&stage, &poor, "k");
    let words = ["hsm", "check", &poor.uri(), "--pin-file", &stage.tokens.pin_file()];
    let ran = stage.run(&words);
    assert!(ran.out.contains("AES") && ran.out.contains("wrap"), "{ran:#?}");
    // Nor can it be restored into: the key stays where it is.
    let rich = stage.tokens.make(Maker::Kryoptic, "rich");
    stage.generate(&rich, "key", "aes-256").good();
    stage.recover(&poor, "key").fails(1, "token poor lacks");
    assert!(poor.listed("secrkey", "key").is_empty());
    // The same through a list that hides it, as another maker's token would look.
    let Some(_) = between() else { return };
    let soft = stage.tokens.make(Maker::SoftHsm, "soft");
    let words = stage.generate_words("k", "aes-256", &stage.uri_between(&soft).unwrap(), soft.maker);
    let rules = Between { rules: "hide:0x210a;hide:0x210b;hide:0x80000171", log: None };
    stage.through(&soft, &rules, &refs(&words)).fails(1, "token soft lacks");
    nothing_came_of(&stage, &soft, "k");
}

#[test]
fn sha1_is_used_when_it_is_allowed_by_name_only() {
    let Some(stage) = Stage::new() else { return };
    let token = stage.tokens.make(Maker::SoftHsm, "prod");
    let pin = stage.tokens.pin_file();
    let words = ["generate", "k", "--kind", "aes-256", "--in", &token.uri(), "--pin-file", &pin];
    stage.run(&words).fails(1, "has RSA-OAEP with SHA-1 only").says("--allow-oaep-sha1");
    nothing_came_of(&stage, &token, "k");
}

#[test]
fn a_full_token_is_said_and_nothing_is_left() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let uri = stage.uri_between(&token).unwrap();
        // CKR_DEVICE_MEMORY, for the key itself and for each of a pair.
        for (kind, rules) in [("aes-256", "C_GenerateKey:1+:0x31"), ("ec-p256", "C_GenerateKeyPair:2+:0x31")]
        {
            let words = stage.generate_words("k", kind, &uri, maker);
            stage.through(&token, &Between { rules, log: None }, &refs(&words)).fails(1, "");
            nothing_came_of(&stage, &token, "k");
        }
        let name = format!("pair-{maker:?}");
        stage.generate(&token, &name, "ec-p256").good();
        let spare = stage.tokens.make(maker, &format!("spare-{maker:?}"));
        let words = stage.recover_words(&name, &stage.uri_between(&spare).unwrap(), maker);
        for rules in ["C_UnwrapKey:2+:0x31", "C_CreateObject:1+:0x31"] {
            stage.through(&spare, &Between { rules, log: None }, &refs(&words)).fails(1, "");
            for class in ["privkey", "pubkey"] {
                assert!(spare.listed(class, &name).is_empty(), "{class} of {name} was left after {rules}");
            }
        }
        stage.recover(&spare, &name).good();
        stage.is_sound("after a full token");
    }
}

#[test]
fn two_tokens_of_one_label_are_told_apart_by_serial_number() {
    let Some(stage) = Stage::new() else { return };
    for maker in MAKERS {
        let label = format!("twin-{maker:?}");
        let token = stage.tokens.make(maker, &label);
        stage.tokens.make(maker, &label);
        let ran = stage.generate(&token, "k", "aes-256").fails(1, "2 tokens answer to").says("serial=");
        let serial = ran.err.split("serial=").nth(1).unwrap();
        let serial: String = serial.chars().take_while(char::is_ascii_alphanumeric).collect();
        let uri = format!("pkcs11:token={label};serial={serial}?module-path={}", token.module());
        let name = format!("k-{maker:?}");
        stage.run(&refs(&stage.generate_words(&name, "aes-256", &uri, maker))).good();
    }
}

#[test]
fn an_unknown_token_or_key_is_named_with_what_there_is() {
    let Some(stage) = Stage::new() else { return };
    let token = stage.tokens.make(Maker::Kryoptic, "prod");
    let uri = format!("pkcs11:token=absent?module-path={}", token.module());
    let words = stage.generate_words("k", "aes-256", &uri, token.maker);
    stage.run(&refs(&words)).fails(1, "no token answers to pkcs11:token=absent").says("prod");
    stage.add(&token, "nothing").fails(1, "token prod has no");
    for twin in ["41", "42"] {
        let words = ["--keygen", "--key-type", "AES:32", "--extractable", "--sensitive", "--label", "twins"];
        token.tool(&[&words[..], &["--id", twin]].concat()).good();
    }
    stage.add(&token, "twins").fails(1, "2 keys of token prod answer to");
}

#[test]
fn a_pin_in_a_uri_is_refused_and_not_repeated() {
    let Some(stage) = Stage::new() else { return };
    let token = stage.tokens.make(Maker::Kryoptic, "prod");
    for uri in
        [format!("{}&pin-value=99887766", token.uri()), "pkcs11:token=prod;pin-value=99887766".to_owned()]
    {
        let ran = stage.run(&["hsm", "show", &uri]).fails(2, "pin-value is refused");
        assert!(!ran.err.contains("99887766") && !ran.out.contains("99887766"), "{ran:#?}");
    }
}

#[test]
fn another_key_with_the_same_id_is_not_overwritten() {
    let Some(stage) = Stage::new() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let name = format!("k-{maker:?}");
        stage.generate(&token, &name, "aes-256").good();
        let block = only(&token, "aes-256", &name);
        let id = block.lines().find_map(|line| line.strip_prefix("ID:")).unwrap().trim().to_owned();
        let spare = stage.tokens.make(maker, &format!("spare-{maker:?}"));
        let words = ["--keygen", "--key-type", "AES:32", "--sensitive", "--label", "other", "--id", &id];
        spare.tool(&words).good();
        stage.recover(&spare, &name).fails(4, "another key with the id");
        only(&spare, "aes-256", "other");
        assert!(spare.listed("secrkey", &name).is_empty());
        // Nor is a key of another class taken for a pair that has the same id.
        let pair = format!("pair-{maker:?}");
        let words = ["--keypairgen", "--key-type", "EC:secp256r1", "--usage-sign", "--extractable"];
        token.tool(&[&words[..], &["--label", &pair, "--id", "5e"]].concat()).good();
        stage.add(&token, &pair).good();
        let words = ["--keygen", "--key-type", "AES:32", "--sensitive", "--label", "third", "--id", "5e"];
        spare.tool(&words).good();
        stage.recover(&spare, &pair).fails(4, "another key with the id");
        assert!(spare.listed("privkey", &pair).is_empty() && spare.listed("pubkey", &pair).is_empty());
        only(&spare, "aes-256", "third");
    }
}

/// The session is gone when the cards are there: it is opened anew, and the key goes in.
#[test]
fn a_session_that_ended_while_the_custodians_came_is_opened_anew() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let name = format!("k-{maker:?}");
        stage.generate(&token, &name, "ec-p256").good();
        let spare = stage.tokens.make(maker, &format!("spare-{maker:?}"));
        let words = stage.recover_words(&name, &stage.uri_between(&spare).unwrap(), maker);
        let calls = stage.calls(&spare, &words);
        // One session, one login, one pair for all of it.
        for (call, times) in [("C_Login", 1), ("C_OpenSession", 1), ("C_GenerateKeyPair", 1)] {
            assert_eq!(calls.lines().filter(|line| *line == call).count(), times, "{call} in {calls}");
        }
        spare.tool(&["--delete-object", "--type", "privkey", "--label", &name]).good();
        // CKR_SESSION_HANDLE_INVALID to the key itself, which comes in last.
        let at = calls.lines().filter(|line| *line == "C_UnwrapKey").count();
        let log = stage.tokens.root().join("calls");
        let rules = format!("C_UnwrapKey:{at}:0xb3!");
        let ran = stage.through(&spare, &Between { rules: &rules, log: Some(log.clone()) }, &refs(&words));
        assert_eq!(ran.status, Some(0), "{ran:#?}");
        let calls = fs::read_to_string(log).unwrap();
        assert_eq!(calls.lines().filter(|line| *line == "C_Login").count(), 2, "{calls}");
        is_closed(&spare, "ec-p256", &name);
        stage.is_sound("after a session that ended");
    }
}
