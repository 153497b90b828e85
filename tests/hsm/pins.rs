//! Where a PIN comes from: a file, a descriptor, the URI's `pin-source`, the terminal, the token's own pad.

use super::stage::{Between, Stage, refs};
use crate::terminal::{has_python, play};
use crate::token::{Maker, PIN, between};
use std::fs;
use std::process::Command;

#[test]
fn a_pin_comes_from_a_descriptor_or_from_the_file_that_the_uri_names() {
    let Some(stage) = Stage::new() else { return };
    let token = stage.tokens.make(Maker::Kryoptic, "prod");
    let pin = stage.tokens.pin_file();
    let program = stage.world.command(&[]).get_program().to_owned();
    let mut shell = Command::new("sh");
    let line = format!(
        "exec 7< '{pin}'; exec '{}' -C acme generate by-fd --kind aes-256 --in '{}' --pin-fd 7",
        program.display(),
        token.uri()
    );
    shell.args(["-c", &line]).current_dir(stage.world.root()).env_clear().env("USER", "operator");
    let output = shell.env("PATH", "/usr/bin:/bin").envs(stage.tokens.variables()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let uri = format!("{}&pin-source=file:{pin}", token.uri());
    stage.run(&["generate", "by-uri", "--kind", "aes-256", "--in", &uri]).good();
    // None of them, and nobody to ask.
    stage
        .run(&["generate", "none", "--kind", "aes-256", "--in", &token.uri()])
        .fails(2, "the PIN of token prod is not given, and there is no terminal to ask at");
    stage.tokens.other_pin_file("");
    let empty = stage.tokens.root().join("other-pin").display().to_string();
    stage
        .run(&["generate", "none", "--kind", "aes-256", "--in", &token.uri(), "--pin-file", &empty])
        .fails(1, "its first line is empty");
}

#[test]
fn a_pin_is_asked_for_unseen_once() {
    let Some(stage) = Stage::new() else { return };
    if !has_python() {
        return;
    }
    let token = stage.tokens.make(Maker::Kryoptic, "prod");
    let program = stage.world.command(&[]).get_program().to_owned();
    let program = program.to_str().unwrap();
    let variables = stage.tokens.variables().map(|(name, path)| (name, path.display().to_string()));
    let mut all: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    all.extend([("TERM", "xterm"), ("USER", "operator")]);
    let uri = token.uri();
    let words = [program, "-C", "acme", "generate", "asked", "--kind", "aes-256", "--in", &uri];
    let question = "PIN of token prod \\(it is tried once\\): ".to_owned();
    let (status, shown) =
        play(stage.world.root(), &all, &words, &[(question.clone(), format!("{PIN}\n"), Some(false))]);
    assert_eq!(status, 0, "{shown}");
    assert!(!shown.contains(PIN), "{shown}");
    // A wrong one is not asked for again.
    let wrong = [(question, "4711-wrong\n".to_owned(), Some(false))];
    let words = [program, "-C", "acme", "generate", "wrong", "--kind", "aes-256", "--in", &uri];
    let (status, shown) = play(stage.world.root(), &all, &words, &wrong);
    assert_eq!(status, 1, "{shown}");
    assert!(shown.contains("refuses the user's PIN; it was tried once"), "{shown}");
}

/// A token with a pad is logged in without a PIN of ours, and nobody is asked for one.
#[test]
fn a_pin_that_is_typed_at_the_token_is_not_asked_for() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    let token = stage.tokens.make(Maker::Kryoptic, "prod");
    stage
        .run(&["generate", "k", "--kind", "aes-256", "--in", &token.uri(), "--pin-pad"])
        .fails(1, "token prod lacks a pad for its PIN");
    // CKF_PROTECTED_AUTHENTICATION_PATH, which kryoptic hasn't: it refuses a login without a PIN, by a code of its own.
    let log = stage.tokens.root().join("calls");
    let rules = Between { rules: "flag:0x100", log: Some(log.clone()) };
    let uri = stage.uri_between(&token).unwrap();
    let words = ["generate", "k", "--kind", "aes-256", "--in", &uri].map(str::to_owned);
    let ran = stage.through(&token, &rules, &refs(&words));
    assert!(!ran.err.contains("no terminal to ask at"), "{ran:#?}");
    assert_eq!(ran.status, Some(1), "{ran:#?}");
    let calls = fs::read_to_string(log).unwrap();
    assert_eq!(calls.lines().filter(|call| *call == "C_Login").count(), 1, "{calls}");
}
