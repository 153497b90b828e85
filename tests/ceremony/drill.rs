//! A drill without arguments, and a ceremony held by its script: both at the terminal, with wrong turns.

use crate::cli::terminal::{Step, drive, has_python};
use crate::cli::world::World;
use crate::terminal::{Act, play};

const WHICH: &str = r"which are drilled \(names, NAME@VERSION, or sample COUNT; Enter alone: all of them\): ";
const WHO: &str = r"who is present \(numbers or names with commas; Enter alone to leave it open\): ";
const CARD: &str = r"the next card \(its path, type, or help\): ";
const WIPE: &str = r"overwrite and delete (it|them) now\? \[y/N\] ";

fn room() -> World {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    world.acme(&["generate", "orders", "ledger", "--kind", "aes-256"]).good();
    world.typed(&["alice", "bob"]);
    world
}

#[test]
fn a_drill_is_led_like_a_recovery() {
    if !has_python() {
        return;
    }
    let world = room();
    let steps: &[Step<'_>] = &[
        (&format!("2 key versions are backed up in this escrow\r\n{WHICH}"), "nothing\n", true),
        (&format!("(?s)there is no key nothing in this escrow.*{WHICH}"), "sample many\n", true),
        (&format!("(?s)\"many\" is no number of key versions\r\n{WHICH}"), "orders, ledger@1\n", true),
        (WHO, "\n", true),
        (
            &format!("(?s)a drill of 2 key versions; nothing will be released\r\n.*{CARD}"),
            "alice.txt\n",
            true,
        ),
        (&format!("(?s)1 of 2 is here: alice.*{CARD}"), "quit\n", true),
        (
            r"leave\? nothing was released, and the log will say that the drill was abandoned \[y/N\] ",
            "n\n",
            true,
        ),
        (CARD, "bob.txt\n", true),
        (&format!(r"(?s)drilled 2 of 2 key versions: 2 recovered, 0 failed\r\n.*{WIPE}"), "n\n", true),
    ];
    let (status, shown) = drive(&world, &["drill"], steps);
    assert_eq!(status, 0, "{shown}");
    assert!(shown.contains("the whole drill took "), "{shown}");
    let leave: &[Step<'_>] =
        &[(WHICH, "\x03", true), ("quorate: error: left before the drill began", "", true)];
    let (status, shown) = drive(&world, &["drill"], leave);
    assert_eq!(status, 1, "{shown}");
    let log = world.acme(&["log", "show"]).good().out;
    assert_eq!(log.matches(" drill ").count(), 2, "one intent, one done: {log}");
}

#[test]
fn a_ceremony_is_ticked_at_the_terminal() {
    if !has_python() {
        return;
    }
    let world = World::new();
    world.write(
        "ceremony.toml",
        "title = 'Founding'\nescrow = 'acme'\n[quorum]\nthreshold = 2\n[[custodian]]\nname = 'alice'\nseal = 'open'\n[[custodian]]\nname = 'bob'\nseal = 'open'\n[[custodian]]\nname = 'carol'\nseal = 'open'\n[[key]]\nname = 'k'\nkind = 'aes-256'\n",
    );
    let argv = [
        env!("CARGO_BIN_EXE_quorate"),
        "script",
        "ceremony.toml",
        "--run",
        "--skip-scan-back",
        "everybody",
        "--report",
        "report.json",
        "--card",
        "gone.pdf",
    ];
    let tick = r"initials when it is so \(or: exception TEXT, quit\): ";
    let act = |expect: &str, typed: &str| -> Act { (expect.to_owned(), typed.to_owned(), None) };
    let mut acts = vec![
        act(&format!("step 1 of 11: .*(?s:.*){tick}"), "\n"),
        act(tick, "exception the clock was wrong\n"),
        act(&format!("noted\r\n.*{tick}"), "WB\n"),
        act(tick, "quit\n"),
        act(r"break the ceremony off\? \[y/N\] ", "n\n"),
        act(tick, "WB\n"),
        act(&format!("(?s)any 2 of 3 custodians recover.*{tick}"), "WB\n"),
    ];
    // Codes, three envelopes, and the key.
    acts.extend((0..5).map(|_| act(tick, "WB\n")));
    acts.extend([
        act(WHO, "\n"),
        act(&format!("(?s)gone.pdf.*{CARD}"), "quit\n"),
        act(r"the drill was abandoned \[y/N\] ", "y\n"),
        act(r"it was not done \(again, exception TEXT, quit\): ", "WB\n"),
        act("the step was not done: say again, or quit", "again\n"),
        act(WHO, "\n"),
        act(CARD, "acme-cards/1-alice.pdf acme-cards/2-bob.pdf\n"),
        act(&format!("(?s)drilled 1 of 1 key versions: 1 recovered, 0 failed.*{tick}"), "WB\n"),
        act(tick, "WB\n"),
        act(tick, "WB\n"),
        act("the ceremony is over; 11 steps, 1 exceptions", ""),
    ]);
    let (status, shown) = play(world.root(), &[("TERM", "xterm")], &argv, &acts);
    assert_eq!(status, 0, "{shown}");
    let report = String::from_utf8(world.read("report.json")).unwrap();
    assert!(
        report.contains("\"step 1: the clock was wrong\"") && report.contains("\"signed-off\":\"WB\""),
        "{report}"
    );
    world.acme(&["report", "verify", "report.json"]).good();
}
