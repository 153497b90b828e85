//! `quorate recover` without arguments: everything is asked for, and nothing that people do ends it.

use crate::cli::terminal::{Step, drive, drive_in, has_python};
use crate::cli::world::World;
use std::fs;

const CARD: &str = r"the next card \(its path, type, or help\): ";
const KEY: &str = r"which key \(its number, its name, or NAME@VERSION\): ";
const WHERE: &str =
    r"where does the key go \(the path of a new file, age:RECIPIENT, or pkcs11:token=LABEL\): ";
const WHO: &str = r"who is present \(numbers or names with commas; Enter alone to leave it open\): ";
const LEAVE: &str =
    r"leave\? nothing was released, and the log will say that the recovery was abandoned \[y/N\] ";
const ALICE: &str = r"alice, your passphrase \(Enter alone puts the card away\): ";

/// A quorum of three with two keys, pictures of two cards, and a card of somebody else's.
fn room() -> World {
    let world = World::founded(2, &["alice", "bob=open", "carol=open"]);
    world.acme(&["generate", "orders", "ledger", "--kind", "aes-256"]).good();
    world.picture("bob");
    world.typed(&["alice"]);
    let other = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    world.write("other.txt", other.lines("carol").join("\n"));
    fs::create_dir(world.path("folder")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(world.path("pipe")).status().unwrap().success());
    fs::rename(world.path("bob.png"), world.path("bob's card.png")).unwrap();
    world
}

/// The whole way with every wrong turn; what the terminal showed.
fn recovered(variables: &[(&'static str, &str)]) -> String {
    let world = room();
    let slip = String::from_utf8(world.read(&world.slip("alice"))).unwrap();
    let right = format!("{}\n", slip.lines().next().unwrap());
    let wrong = format!("{}x\n", slip.lines().next().unwrap());
    let steps: &[Step<'_>] = &[
        (
            &format!(r"(?s)1  ledger \(aes-256, version 1\)\r\n  2  orders \(aes-256, version 1\)\r\n{KEY}"),
            "3\n",
            true,
        ),
        (&format!("(?s)\"3\" is no key of this list\r\n{KEY}"), "orders@7\n", true),
        (&format!("(?s)quorate: warning: .*{KEY}"), "2\n", true),
        (WHERE, "nowhere/out\n", true),
        (&format!("(?s)nowhere: there is no such folder.*{WHERE}"), "acme-cards/1-alice.pdf\n", true),
        (&format!("(?s)it exists already.*{WHERE}"), "'the key'\n", true),
        (
            &format!(r"(?s)of whom 2 are needed:\r\n  1  alice\r\n  2  bob\r\n  3  carol\r\n{WHO}"),
            "alice dora\n",
            true,
        ),
        (&format!("(?s)\"dora\" is neither a number nor a name of this list\r\n{WHO}"), "alice, 2\n", true),
        (
            &format!(r"(?s)2 are present, 2 are needed\r\n0 of 2 are here: nobody yet\. .*{CARD}"),
            "folder pipe\n",
            true,
        ),
        (
            &format!("(?s)folder: is a folder, not a file.*pipe: is a pipe or a device, not a file.*{CARD}"),
            "other.txt\n",
            true,
        ),
        (&format!("(?s)this card belongs to quorum .*{CARD}"), "help\n", true),
        (&format!("(?s)remove NAME  put .*{CARD}"), "alice.txt\n", true),
        (
            &format!(r"(?s)alice.txt: the card of alice \(share 1\)\r\nit was read in .*{ALICE}"),
            &wrong,
            false,
        ),
        (
            &format!("(?s)alice: the passphrase of share 1 is wrong, or its card was altered.*{ALICE}"),
            &right,
            false,
        ),
        (
            &format!(r"(?s)1 of 2 is here: alice\. 1 more to come, of bob, carol .*{CARD}"),
            "alice.txt\n",
            true,
        ),
        (&format!("(?s)the card of alice .share 1. is already here.*{CARD}"), "who\n", true),
        (&format!("(?s)1  alice: here\r\n  2  bob: not here yet.*{CARD}"), "remove dora\n", true),
        (&format!("(?s)\"dora\" is no custodian.*{CARD}"), "remove alice\n", true),
        (&format!("(?s)the card of alice is put away.*0 of 2 are here.*{CARD}"), "alice.txt\n", true),
        (ALICE, &right, false),
        (&format!("(?s)1 of 2 is here.*{CARD}"), "\"bob's card.png\"\n", true),
        (r"(?s)2 of 2 are here: alice, bob\. That is enough, after \d+ ", "", true),
        (
            r"(?s)recovered orders version 1 .aes-256. to the key\r\n.*overwrite and delete them now\? \[y/N\] ",
            "y\n",
            true,
        ),
    ];
    let (status, shown) = drive_in(&world, variables, &["recover"], steps);
    assert_eq!(status, 0, "{shown}");
    assert!(shown.contains("the whole recovery took "), "{shown}");
    assert_eq!(world.read("the key").len(), 32);
    assert!(!world.path("bob's card.png").exists() && !world.path("alice.txt").exists());
    assert!(world.path("other.txt").exists(), "a card of another quorum is not ours to wipe");
    for typed in [right.trim(), wrong.trim()] {
        assert!(!shown.contains(typed), "a passphrase was echoed");
    }
    let log = world.acme(&["log", "show"]).good().out;
    assert_eq!(log.matches(" recover ").count(), 2, "one intent, one done: {log}");
    shown
}

#[test]
fn a_recovery_with_wrong_turns() {
    if has_python() {
        assert!(
            recovered(&[("TERM", "xterm")]).contains('\x1b'),
            "a line moves while something takes its time"
        );
    }
}

/// On a dumb terminal, and for a screen reader, nothing moves and nothing is coloured.
#[test]
fn a_recovery_in_plain_lines() {
    if !has_python() {
        return;
    }
    for variables in
        [&[("TERM", "dumb")][..], &[("TERM", "xterm"), ("QUORATE_PLAIN", "1"), ("NO_COLOR", "1")]]
    {
        let shown = recovered(variables);
        assert!(!shown.contains('\x1b'), "{shown}");
        let bare = shown.replace("\r\n", "\n");
        assert!(!bare.contains('\r'), "no line is drawn over: {shown}");
    }
}

/// No colour is ever used, so there is none to turn off.
#[test]
fn nothing_is_coloured() {
    if !has_python() {
        return;
    }
    let world = room();
    let steps: &[Step<'_>] =
        &[(KEY, "\x03", true), ("quorate: error: left before the recovery began", "", true)];
    for variables in [&[("TERM", "xterm-256color")][..], &[("TERM", "xterm-256color"), ("NO_COLOR", "1")]] {
        let (status, shown) = drive_in(&world, variables, &["recover"], steps);
        assert_eq!(status, 1, "{shown}");
        assert!(!shown.contains("\x1b[3") && !shown.contains("\x1b[1m"), "{shown}");
        let (_, help) = drive_in(&world, variables, &["recover", "--help"], &[]);
        assert!(!help.contains('\x1b'), "{help}");
    }
    let log = world.acme(&["log", "show"]).good().out;
    assert!(!log.contains(" recover "), "leaving the first questions leaves no trace: {log}");
}

#[test]
fn cards_are_pasted() {
    if !has_python() {
        return;
    }
    let world = room();
    let bob = format!("{}\n", world.codes("bob")[0]);
    let carol = format!("{}\n\n", world.lines("carol").join("\n"));
    let steps: &[Step<'_>] = &[
        (CARD, &bob, true),
        (
            &format!(
                "(?s)stays in the terminal's history.*the text that was typed here: the card of bob.*{CARD}"
            ),
            &carol,
            true,
        ),
        ("(?s)the text that was typed here: the card of carol.*That is enough.*recovered orders", "", true),
    ];
    let (status, shown) = drive(&world, &["recover", "orders", "--to", "file:out"], steps);
    assert_eq!(status, 0, "{shown}");
    // Without a terminal nothing is asked: what is missing is said.
    world.acme(&["recover"]).fails(2, "no key is named, and there is no terminal to ask at");
    world.acme(&["recover", "orders"]).fails(2, "it is not said where the key goes");
}

#[test]
fn cards_are_typed() {
    if !has_python() {
        return;
    }
    let world = room();
    let lines = |name: &str| format!("{}\n", world.lines(name).join("\n"));
    let (bob, carol) = (lines("bob"), lines("carol"));
    let enough = "(?s)(no more lines are needed: Enter alone goes on: .*){3}";
    let steps: &[Step<'_>] = &[
        (CARD, "type\n", true),
        ("line 01: ", "\x03", true),
        (LEAVE, "\n", true),
        (CARD, "TYPE\n", true),
        ("line 01: ", &bob, true),
        // The last two lines were there already; then Enter alone.
        (enough, "\n", true),
        (
            &format!("(?s)the typed lines: the card of bob .share 2..*1 of 2 is here: bob.*{CARD}"),
            "type\n",
            true,
        ),
        ("line 01: ", &carol, true),
        (enough, "\n", true),
        ("(?s)the typed lines: the card of carol.*That is enough.*recovered orders", "", true),
    ];
    let arguments = ["recover", "orders", "--to", "file:out"];
    let (status, shown) = drive_in(&world, &[("TERM", "dumb")], &arguments, steps);
    assert_eq!(status, 0, "{shown}");
}
