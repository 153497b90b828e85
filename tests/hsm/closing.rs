//! `hsm close` closes the key that the log knows, and no other that somebody names.

use super::proof::{is_closed, only};
use super::stage::{Stage, refs};
use crate::token::{MAKERS, Token};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Makes a key, or a pair, that may leave.
fn make(token: &Token, kind: &str, label: &str, id: &str) {
    let words: &[&str] = if kind == "aes-256" {
        &["--keygen", "--key-type", "AES:32", "--sensitive", "--extractable"]
    } else {
        &["--keypairgen", "--key-type", "EC:secp256r1", "--usage-sign", "--extractable"]
    };
    token.tool(&[words, &["--label", label, "--id", id]].concat()).good();
}

#[track_caller]
fn is_open(token: &Token, kind: &str, name: &str) {
    let block = only(token, kind, name);
    assert!(block.contains(" extractable"), "{name} can't leave any more: {block}");
}

#[test]
fn another_key_than_the_one_that_is_backed_up_is_not_closed() {
    let Some(stage) = Stage::new() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        for (kind, id) in [("aes-256", "31"), ("ec-p256", "41")] {
            let (name, decoy) = (format!("{kind}-{maker:?}"), format!("decoy-{kind}"));
            make(&token, kind, &name, id);
            make(&token, kind, &decoy, &format!("{id}00"));
            stage.add_open(&token, &name).good();
            let refused = "is not the key that it should be";
            stage.close_object(&token, &name, &decoy).fails(4, refused);
            is_open(&token, kind, &decoy);
            is_open(&token, kind, &name);
            // One that can't leave is asked; its answer is another.
            token.client(&["set", &format!("label=:{decoy}"), "--", "extractable=no"]);
            stage.close_object(&token, &name, &decoy).fails(4, "");
            stage.run(&["show", &name]).good().prints("may still leave it");
            stage.close_object(&token, &name, &name).good().says("it was compared with the log");
            is_closed(&token, kind, &name);
            stage.run(&["show", &name]).good().prints("can't leave it since");
        }
        stage.is_sound("after closing");
    }
}

/// What a run that was killed between the token and the log leaves: closed in the token, open in the log.
#[test]
fn a_key_that_is_closed_already_is_asked_what_only_it_can_answer() {
    let Some(stage) = Stage::new() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        for (kind, id) in [("aes-256", "31"), ("ec-p256", "41")] {
            let name = format!("{kind}-{maker:?}");
            make(&token, kind, &name, id);
            stage.add_open(&token, &name).good();
            let class = if kind == "aes-256" { "class=0x4" } else { "class=0x3" };
            token.client(&["set", class, &format!("label=:{name}"), "--", "extractable=no"]).good();
            stage.close_object(&token, &name, &name).good().says("it does what the key in the log does");
            stage.run(&["show", &name]).good().prints("can't leave it since");
        }
    }
}

/// The log has no mark of a key that another program chose: it could be a weak one, and a mark would confirm a guess.
#[test]
fn a_secret_that_was_chosen_elsewhere_has_no_mark_and_is_not_taken_at_its_name() {
    let Some(stage) = Stage::new() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let (name, value) = (format!("k-{maker:?}"), format!("value=x{}", "6b3f".repeat(16)));
        let template = ["class=0x4", "key-type=0x1f", "token=yes", "private=yes", "sensitive=yes"];
        let more = ["extractable=yes", "encrypt=yes", "decrypt=yes", "id=x77", &value];
        token.client(&[&["create"], &template[..], &more, &[&format!("label=:{name}")]].concat()).good();
        stage.add_open(&token, &name).good();
        let log = stage.run(&["--json", "log", "show"]).good().out;
        assert!(!log.contains("\"mark\""), "a mark of a chosen key: {log}");
        stage
            .close_object(&token, &name, &name)
            .fails(4, "nothing that the log has tells whether")
            .says("quorate add NAME --from");
        is_open(&token, "aes-256", &name);
        // As the hint says: once more, and closed in the same run.
        stage.add(&token, &name).good();
        is_closed(&token, "aes-256", &name);
    }
}

impl Stage {
    /// `hsm close` without a token.
    #[track_caller]
    fn close_named(&self, words: &[&str]) -> crate::world::Ran {
        self.run(&[&["hsm", "close"], words].concat())
    }
}

#[test]
fn status_lists_what_may_still_leave() {
    let Some(stage) = Stage::new() else { return };
    let token = stage.tokens.make(crate::token::Maker::Kryoptic, "prod");
    make(&token, "aes-256", "ledger", "07");
    stage.generate(&token, "orders", "aes-256").good();
    assert!(!stage.run(&["status"]).good().out.contains("may leave"));
    stage.add_open(&token, "ledger").good();
    let ran = stage.run(&["status"]).good().prints("may leave   ledger version 1 its token prod");
    assert!(!ran.out.contains("orders version"), "{ran:#?}");
    let ran = stage.run(&["--json", "status"]).good();
    assert!(ran.out.contains("\"may-leave\":[{\"name\":\"ledger\""), "{ran:#?}");
    // It is not due while the ceremony goes on, and overdue ever after.
    let late = |words: &[&str]| stage.run(&[&["--clock", "2090-01-01T00:00:00Z"], words].concat());
    stage.run(&["status"]).good().prints(": ledger version 1 may still leave its token prod (serial ");
    let ran = late(&["status", "--quiet"]).fails(4, "overdue");
    assert!(ran.out.contains("ledger version 1 may still leave its token prod (serial "), "{ran:#?}");
    assert!(ran.out.contains("(quorate hsm close ledger@1; "), "{ran:#?}");
    stage.close_object(&token, "ledger", "ledger").good();
    assert!(!stage.run(&["status"]).good().out.contains("may leave"));
    assert!(!late(&["status", "--quiet"]).out.contains("may still leave"));
    // And one whose token is no more: a person says so, since nobody can close it in.
    make(&token, "aes-256", "spent", "08");
    stage.add_open(&token, "spent").good();
    token.destroy();
    assert!(late(&["status", "--quiet"]).out.contains("spent version 1 may still leave its token"));
    stage.close_named(&["spent", "--lost", ""]).fails(2, "a reason is 1 to 500 bytes");
    let ran = stage.close_named(&["spent", "--lost", "it fell into the sea"]).good();
    ran.says("if somebody else may have it, `quorate state spent@1 --set compromised`");
    assert!(!late(&["status", "--quiet"]).out.contains("may still leave"));
    let shown = stage.run(&["show", "spent"]).good();
    shown.prints("which is gone since ").prints("as was said: it fell into the sea");
    stage.run(&["log", "verify"]).good();
    assert_eq!(stage.bytes("spent", "aes-256").len(), 32);
}

/// A code that isn't an answer is none: the key isn't called closed.
#[test]
fn an_error_is_not_taken_for_a_key_that_stays() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = crate::token::between() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let uri = stage.uri_between(&token).unwrap();
        let words = |name: &str| stage.generate_words(name, "aes-256", &uri, maker);
        let calls = stage.calls(&token, &words(&format!("whole-{maker:?}")));
        let last = calls.lines().filter(|call| *call == "C_WrapKey").count();
        let name = format!("k-{maker:?}");
        let rules = format!("C_WrapKey:{last}+:0x30");
        let between = super::stage::Between { rules: &rules, log: None };
        stage
            .through(&token, &between, &refs(&words(&name)))
            .fails(1, "seeing whether the key may leave the token (CKR_DEVICE_ERROR)");
        stage.run(&["show", &name]).good().prints("may still leave it");
        stage.close(&token, &name).good();
        stage.run(&["show", &name]).good().prints("can't leave it since");
    }
}

/// An old copy of the log, or one that was cut, knows neither the backup nor that the key was closed in. The key
/// is in use all the same.
#[test]
fn a_closed_key_is_never_taken_for_what_a_killed_run_has_left() {
    let Some(stage) = Stage::new() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("cut-{maker:?}"));
        for kind in ["aes-256", "ec-p256"] {
            let name = format!("cut-{kind}-{maker:?}");
            stage.generate(&token, &name, kind).good();
            let log = stage.world.path("acme/log");
            let mut files: Vec<_> =
                std::fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path()).collect();
            files.sort();
            // The backup's `done`, and what closed it.
            let cut: Vec<_> = files
                .split_off(files.len() - 2)
                .into_iter()
                .map(|file| (std::fs::read(&file).unwrap(), file))
                .collect();
            cut.iter().for_each(|(_, file)| std::fs::remove_file(file).unwrap());
            stage
                .generate(&token, &name, kind)
                .fails(4, "is closed in its token, and this log has no backup of it: nothing is removed")
                .says("compare a checkpoint");
            is_closed(&token, kind, &name);
            // With the log whole again, all is as it was.
            let now: Vec<_> = std::fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path()).collect();
            now.into_iter()
                .filter(|file| !files.contains(file))
                .for_each(|file| std::fs::remove_file(file).unwrap());
            cut.into_iter().for_each(|(bytes, file)| std::fs::write(file, bytes).unwrap());
            stage.is_sound(&name);
        }
    }
}

/// A key that may still leave, and whose record was cut from the log: its backup is there, so it isn't removed as what
/// a killed run has left.
#[test]
fn a_key_whose_backup_is_there_is_never_taken_for_what_a_killed_run_has_left() {
    let Some(stage) = Stage::new() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("open-{maker:?}"));
        let name = format!("open-{maker:?}");
        let mut words = stage.generate_words(&name, "aes-256", &token.uri(), maker);
        words.push("--leave-open".to_owned());
        let keys = || -> BTreeSet<PathBuf> {
            let there = std::fs::read_dir(stage.world.path("acme/keys"));
            there.into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
        };
        let before = keys();
        stage.run(&refs(&words)).good();
        let [backup] = keys().difference(&before).cloned().collect::<Vec<_>>().try_into().unwrap();
        let log = stage.world.path("acme/log");
        let newest = || {
            let files = std::fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path());
            files.max().unwrap()
        };
        std::fs::remove_file(newest()).unwrap();
        let again = stage.generate(&token, &name, "aes-256");
        again.good().says("which this log doesn't name").says("nothing of it is removed");
        // The one that was there, and the new one.
        assert_eq!(token.listed("secrkey", &name).len(), 2);
        // Without the backup it is what a killed run has left.
        std::fs::remove_dir_all(backup).unwrap();
        stage.generate(&token, &name, "aes-256").good().says("was never backed up: it is removed");
        assert_eq!(token.listed("secrkey", &name).len(), 2);
        token.destroy();
    }
}
