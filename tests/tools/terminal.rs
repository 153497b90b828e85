//! A program on a pseudo-terminal, for a test: what is waited for, what is typed then.
//!
//! `terminal.py` does it (Python's standard library alone).

use quorate::wire::json::{Json, object};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// A regular expression that is waited for, what is typed then, and whether the terminal echoes at that
/// time, when that matters.
pub type Act = (String, String, Option<bool>);

/// Whether there is a python3; the test asks for it with `QUORATE_TEST_ALL=1`.
pub fn has_python() -> bool {
    let there = Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(there || std::env::var_os("QUORATE_TEST_ALL").is_none(), "there is no python3");
    if !there {
        eprintln!("left out: the program on a terminal (python3)");
    }
    there
}

/// Plays the acts with a program in `folder`; its exit status and everything that the terminal showed.
#[track_caller]
pub fn play(folder: &Path, variables: &[(&str, &str)], argv: &[&str], acts: &[Act]) -> (i32, String) {
    let list = |words: Vec<String>| Json::List(words.into_iter().map(Json::text).collect());
    let act = |(expect, typed, echo): &Act| {
        object([
            ("echo", echo.map(Json::Bool)),
            ("expect", Some(Json::text(expect.clone()))),
            ("type", Some(Json::text(typed.clone()))),
        ])
    };
    let plan = object([
        ("argv", Some(list(argv.iter().map(|word| (*word).to_owned()).collect()))),
        ("cwd", Some(Json::text(folder.display().to_string()))),
        ("env", Some(list(variables.iter().map(|(name, value)| format!("{name}={value}")).collect()))),
        ("size", Some(Json::List(vec![Json::Number(24), Json::Number(80)]))),
        ("steps", Some(Json::List(acts.iter().map(act).collect()))),
    ]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/terminal.py");
    let mut child = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&plan.bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.is_empty(), "{said}\n{shown}");
    (output.status.code().unwrap(), shown)
}
