//! The log was written, but may not last: that isn't a failure, and nothing is destroyed that the log may name.
//!
//! `strace` makes the last synchronisation of a command fail, which is that of the folder of the log, after the record
//! has its name.

use super::proof::{Before, only};
use super::stage::{Broken, Stage, refs};
use crate::token::{MAKERS, Maker};
use std::fs;
use std::process::{Command, Output};

fn has_strace() -> bool {
    let there = Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    assert!(there || std::env::var_os("QUORATE_TEST_ALL").is_none(), "strace is missing");
    there
}

/// Runs a command under strace.
fn traced(stage: &Stage, options: &[&str], words: &[&str]) -> Output {
    let program = stage.world.command(&[]).get_program().to_owned();
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(stage.world.path("trace")).args(options).arg(program);
    command.args(["-C", "acme"]).args(words).current_dir(stage.world.root());
    command.env_clear().env("USER", "operator").envs(stage.tokens.variables());
    command.output().unwrap()
}

/// How many synchronisations of folders and files a command makes, in all.
fn synchronisations(stage: &Stage, words: &[&str]) -> usize {
    let output = traced(stage, &["-e", "trace=fsync"], words);
    assert!(output.status.success(), "{output:?}");
    let trace = fs::read_to_string(stage.world.path("trace")).unwrap();
    trace.lines().filter(|line| line.contains("fsync(")).count()
}

fn failing(stage: &Stage, at: usize, words: &[&str]) -> Broken {
    let inject = format!("inject=fsync:error=EIO:when={at}");
    let output = traced(stage, &["-e", "trace=fsync", "-e", &inject], words);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Broken { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn a_key_that_the_log_may_name_is_not_destroyed() {
    let Some(stage) = Stage::new() else { return };
    if !has_strace() {
        return;
    }
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let words = |name: &str| {
            let mut words = stage.generate_words(name, "aes-256", &token.uri(), maker);
            words.push("--leave-open".to_owned());
            words
        };
        // The first key of all makes a folder more.
        stage.run(&refs(&words(&format!("first-{maker:?}")))).good();
        let count = synchronisations(&stage, &refs(&words(&format!("whole-{maker:?}"))));
        let name = format!("k-{maker:?}");
        let ran = failing(&stage, count, &refs(&words(&name)));
        assert!(ran.err.contains("stays in the token"), "{ran:#?}");
        ran.fails(5, "the log was written, but may not last");
        only(&token, "aes-256", &name);
        // The log has it: it is recovered like any other, and can be closed.
        stage.run(&["show", &name]).good();
        stage.is_sound("after an error of the disk");
        stage.close(&token, &name).good();
        assert_eq!(stage.bytes(&name, "aes-256").len(), 32);
    }
}

#[test]
fn a_restore_that_the_log_may_name_is_not_undone() {
    let Some(stage) = Stage::new() else { return };
    if !has_strace() {
        return;
    }
    let old = stage.tokens.make(Maker::SoftHsm, "old");
    stage.generate(&old, "k", "ec-p256").good();
    let before = Before::of(&stage, &old, "ec-p256", "k");
    let maker = Maker::Kryoptic;
    let words = |label: &str| {
        let token = stage.tokens.make(maker, label);
        let words = stage.recover_words("k", &token.uri(), maker);
        (token, words)
    };
    // Kryoptic synchronises its own files, in the same places in both runs.
    let (_, whole) = words("whole");
    let count = synchronisations(&stage, &refs(&whole));
    let (spare, again) = words("spare");
    let mut at = count;
    let ran = loop {
        let ran = failing(&stage, at, &refs(&again));
        if ran.status == Some(5) || at == 1 {
            break ran;
        }
        // A file of the token's own: its folder is emptied, and the one before is tried.
        spare.tool(&["--delete-object", "--type", "privkey", "--label", "k"]);
        spare.tool(&["--delete-object", "--type", "pubkey", "--label", "k"]);
        at -= 1;
    };
    assert!(ran.err.contains("is left in token spare, proven: the log names it"), "{ran:#?}");
    ran.fails(5, "the log was written, but may not last");
    before.is_restored(&stage, &spare);
    stage.is_sound("after an error of the disk");
}
