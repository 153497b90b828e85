//! The program on a pseudo-terminal, for a test: what is waited for, what is typed then.
//!
//! `tests/tools/terminal.py` does it (Python's standard library alone). Without python3 the tests say so
//! and pass; with `QUORATE_TEST_ALL=1` they fail.

use super::world::World;
use quorate::wire::json::{Json, object};
use std::io::Write as _;
use std::process::{Command, Stdio};

/// What is waited for, what is typed then, and whether the terminal echoes at that time.
pub type Step<'a> = (&'a str, &'a str, bool);

pub fn has_python() -> bool {
    let there = Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(there || std::env::var_os("QUORATE_TEST_ALL").is_none(), "there is no python3");
    if !there {
        eprintln!("left out: the program on a terminal (python3)");
    }
    there
}

/// Drives the program through `steps`; its exit status and everything that the terminal showed.
#[track_caller]
pub fn drive(world: &World, arguments: &[&str], steps: &[Step<'_>]) -> (i32, String) {
    drive_in(world, &[("TERM", "xterm")], arguments, steps)
}

/// The same with these variables beside the user's name.
#[track_caller]
pub fn drive_in(
    world: &World,
    variables: &[(&'static str, &str)],
    arguments: &[&str],
    steps: &[Step<'_>],
) -> (i32, String) {
    let argv = [&[env!("CARGO_BIN_EXE_quorate"), "-C", "acme"][..], arguments].concat();
    let list =
        |words: Vec<&str>| Json::List(words.into_iter().map(|word| Json::text(word.to_owned())).collect());
    let step = |(expect, typed, echo): &Step<'_>| {
        object([
            ("echo", Some(Json::Bool(*echo))),
            ("expect", Some(Json::text((*expect).to_owned()))),
            ("type", Some(Json::text((*typed).to_owned()))),
        ])
    };
    let variables =
        variables.iter().map(|(name, value)| Json::text(format!("{name}={value}"))).collect::<Vec<_>>();
    let plan = object([
        ("argv", Some(list(argv))),
        ("env", Some(Json::List(variables))),
        ("cwd", Some(Json::text(world.root().display().to_string()))),
        ("steps", Some(Json::List(steps.iter().map(step).collect()))),
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
    let status = output.status.code().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.is_empty(), "{said}\n{shown}");
    (status, shown)
}
