//! Typing a card's lines on a terminal: proposed, confirmed, wiped; on a dumb one, and from a pipe.
//!
//! `tests/tools/terminal.py` drives the program (Python's standard library alone). Without python3 the tests say
//! so and pass; with `QUORATE_TEST_ALL=1` they fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    unreachable_pub,
    dead_code,
    missing_docs,
    reason = "tests and their report"
)]

mod cli {
    pub(crate) mod world;
}
#[path = "tools/terminal.rs"]
mod terminal;

use cli::world::World;
use terminal::{has_python, play};

/// What is waited for, what is typed then, and whether the terminal echoes at that time.
type Step<'a> = (&'a str, &'a str, bool);

/// Drives `quorate check --type` through `steps`; its exit status and everything that the terminal showed.
#[track_caller]
fn drive(world: &World, term: &str, steps: &[Step<'_>]) -> (i32, String) {
    let argv = [env!("CARGO_BIN_EXE_quorate"), "-C", "acme", "check", "--type"];
    let act = |(expect, typed, echo): &Step<'_>| ((*expect).to_owned(), (*typed).to_owned(), Some(*echo));
    play(world.root(), &[("TERM", term)], &argv, &steps.iter().map(act).collect::<Vec<_>>())
}

/// The card of alice, and its lines without numbers.
fn lines(world: &World) -> Vec<String> {
    world.lines("alice").iter().map(|line| line[3..].to_owned()).collect()
}

fn wrong(line: &str) -> String {
    let other = if line.starts_with('X') { "Y" } else { "X" };
    [other, &line[1..]].concat()
}

fn at(line: usize) -> String {
    format!(r"> line {line:02}: \x1b\[K")
}

#[test]
fn lines_are_typed_corrected_and_wiped() {
    if !has_python() {
        return;
    }
    let world = World::founded(2, &["alice", "bob=open", "carol=open"]);
    let lines = lines(&world);
    let pasted = format!("\x1b[200~{}\r05 {}\r\x1b[201~", lines[3], wrong(&lines[4]));
    let (second, seventh) = (format!("02 {}\r", lines[1]), lines[6].to_lowercase());
    let third = wrong(&lines[2]);
    let last = format!("\r10 {}\r\r\r", lines[9]);
    let steps: &[Step<'_>] = &[
        (&at(1), &lines[0], false),
        (&at(2), &second, false),
        (&at(3), &third, false),
        ("line 3, group 1, place 1: you typed (?s:.)*Enter or y takes it so", "\r", false),
        (&at(4), &pasted, false),
        ("line 5, group 1, place 1: you typed (?s:.)*Enter or y takes it so", "y", false),
        // Line 7 in the row of line 6.
        (&at(6), &seventh, false),
        ("this is line 7 of the card, not line 6", "\r", false),
        (&at(6), "ab\x1b", false),
        ("y gives up, any other key goes on", "n", false),
        (r"> line 06: AB\x1b\[K", "\x15", false),
        (&at(6), "\x1b[A\x1b[B\r", false),
        (&at(8), &lines[7], false),
        (&at(9), &lines[8], false),
        // Whoever looks at the paper types the last line too: it goes nowhere.
        ("no more lines are needed(?s:.)*Press Enter twice to go on", &last, false),
        ("the card of alice .share 1. is good\r\n", "", true),
    ];
    let (status, shown) = drive(&world, "xterm", steps);
    assert_eq!(status, 0, "{shown}");
    assert!(shown.contains("line 6 was rebuilt from the other lines"), "{shown}");
    // What was typed was on the alternate screen only, and is wiped from it.
    let (before, rest) = shown.split_once("\x1b[?1049h").unwrap();
    let (inside, after) = rest.split_once("\x1b[?1049l").unwrap();
    assert!(inside.ends_with("\x1b[2J\x1b[3J\x1b[H"), "the screen was not wiped");
    for group in lines.iter().flat_map(|line| line.split(' ')) {
        assert!(!before.contains(group) && !after.contains(group), "{group} was left on the screen");
    }
}

#[test]
fn giving_up_and_interrupting_leave_nothing() {
    if !has_python() {
        return;
    }
    let world = World::founded(2, &["alice", "bob=open", "carol=open"]);
    let lines = lines(&world);
    let given_up: &[Step<'_>] = &[
        (&at(1), &lines[0], false),
        (&at(2), "\x1b", false),
        ("y gives up", "y", false),
        ("error: no whole card was typed", "", true),
    ];
    let interrupted: &[Step<'_>] =
        &[(&at(1), &lines[0], false), (&at(2), "\x03", false), ("quorate: error: interrupted", "", true)];
    for (steps, expected) in [(given_up, 4), (interrupted, 1)] {
        let (status, shown) = drive(&world, "xterm", steps);
        assert_eq!(status, expected, "{shown}");
        let after = shown.split_once("\x1b[?1049l").unwrap().1;
        assert!(!after.contains(&lines[0][..5]), "{shown}");
    }
}

#[test]
fn a_dumb_terminal_is_asked_line_by_line() {
    if !has_python() {
        return;
    }
    let world = World::founded(2, &["alice", "bob=open", "carol=open"]);
    let lines = lines(&world);
    let typed: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    let third = format!("{}\n", wrong(&lines[2]));
    let steps: &[Step<'_>] = &[
        ("line 01: ", &typed[0], true),
        ("line 02: ", &typed[1], true),
        ("line 03: ", &third, true),
        (r"line 3, group 1, place 1: you typed .*\r\ntake it so\? \[Y/n\] ", "\n", true),
        ("3 of 8 lines are in\r\nline 04: ", "\n", true),
        ("line 05: ", &typed[5], true),
        (r"this is line 6 of the card, not line 5\r\ntake it so\? \[Y/n\] ", "y\n", true),
        ("line 07: ", &typed[6], true),
        ("line 08: ", &typed[7], true),
        ("line 09: ", &typed[8], true),
        ("line 10: ", &typed[9], true),
        ("no more lines are needed: Enter alone goes on: ", &typed[3], true),
        ("no more lines are needed: Enter alone goes on: ", "\n", true),
        ("the card of alice .share 1. is good\r\n", "", true),
    ];
    let (status, shown) = drive(&world, "dumb", steps);
    assert_eq!(status, 0, "{shown}");
    assert!(!shown.contains('\x1b'), "an escape sequence: {shown}");
}

#[test]
fn lines_come_from_a_pipe() {
    let world = World::founded(2, &["alice", "bob=open", "carol=open"]);
    let mut lines = world.lines("alice");
    lines.reverse();
    world
        .acme_with_input(&["check", "--type"], &(lines[2..].join("\n\n") + "\n"))
        .good()
        .prints("the card of alice (share 1) is good");
    world
        .acme_with_input(&["check", "--type"], &lines[3..].join("\n"))
        .fails(4, "no whole card was typed")
        .says("there is no whole card: 7 of 8 lines are in");
    world.acme(&["check", "--type", "card.png"]).fails(2, "cannot be used with");
}

#[test]
fn a_page_is_pasted_by_a_terminal_that_does_not_say_so() {
    if !has_python() {
        return;
    }
    let world = World::founded(2, &["alice", "bob=open", "carol=open"]);
    let numbered = world.lines("alice");
    let page = format!(
        "Recovery card 1 of 3\rTyped lines: any 8 of these 10 are enough\r{}\rKeep it: sealed; y, n?\r",
        numbered[..9].join("\r")
    );
    let steps: &[Step<'_>] = &[
        (&at(1), &page, false),
        ("no more lines are needed(?s:.)*Press Enter twice to go on", "\r\r", false),
        ("the card of alice .share 1. is good\r\n", "", true),
    ];
    let (status, shown) = drive(&world, "xterm", steps);
    assert_eq!(status, 0, "{shown}");
}

#[test]
fn a_paste_that_never_ends_is_over_after_a_silence() {
    if !has_python() {
        return;
    }
    let world = World::founded(2, &["alice", "bob=open", "carol=open"]);
    let lines = lines(&world);
    let unended = format!("\x1b[200~{}\r", lines[0]);
    let steps: &[Step<'_>] = &[
        (&at(1), &unended, false),
        // It was taken, and what is typed then is heard.
        (&at(2), "\x1b[200~AB\x03", false),
        ("quorate: error: interrupted", "", true),
    ];
    let (status, shown) = drive(&world, "xterm", steps);
    assert_eq!(status, 1, "{shown}");
}
