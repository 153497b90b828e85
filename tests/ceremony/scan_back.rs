//! Scan-back at the terminal: `init` ends when every card was read back from its print.

use crate::cli::terminal::{Step, drive, has_python};
use crate::cli::world::World;

const INIT: [&str; 7] = ["init", "acme", "-t", "2", "-c", "alice=open", "bob=open"];
const PROMPT: &str = r"a picture or scan of a printed card \(its path\), type, skip NAME, help or quit: ";

fn init() -> Vec<&'static str> {
    [&INIT[..], &["carol=open"]].concat()
}

/// A world in which the terminal left at the first question, so that there are cards to print.
fn left() -> World {
    let world = World::new();
    let steps: &[Step<'_>] = &[
        (&format!(r"(?s)still to come: alice \(1\), bob \(2\), carol \(3\)\r\n{PROMPT}"), "quit\n", true),
        (r"leave\? the quorum is founded, but its cards are not read back \[y/N\] ", "y\n", true),
    ];
    let (status, shown) = drive(&world, &init(), steps);
    assert_eq!(status, 1, "{shown}");
    assert!(shown.contains("cards not read back: alice (1), bob (2), carol (3)\r\n"), "{shown}");
    assert!(shown.contains("run the same command again to go on\r\n"), "{shown}");
    world.acme(&["status"]).good().prints("never read back: alice (1), bob (2), carol (3)\n");
    world
}

#[test]
fn init_ends_when_every_card_was_read_back() {
    if !has_python() {
        return;
    }
    let world = left();
    for name in ["alice", "bob", "carol"] {
        world.picture(name);
    }
    // A picture of two cards' codes as text, and one with a blank in its name.
    std::fs::rename(world.path("alice.png"), world.path("alice at home.png")).unwrap();
    let other = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    world.write("other.txt", other.lines("bob").join("\n"));
    let carol = format!("{}\n", world.codes("carol")[0]);
    let steps: &[Step<'_>] = &[
        (&format!("(?s)some of its cards were never read back: that goes on now.*{PROMPT}"), "help\n", true),
        (&format!("(?s)skip NAME   leave out.*{PROMPT}"), "acme-cards/1-alice.pdf\n", true),
        (
            &format!(
                "(?s)1-alice.pdf: this is the file that was printed, not a picture of the paper\r\n.*{PROMPT}"
            ),
            "other.txt nofile\n",
            true,
        ),
        (
            &format!("(?s)other.txt: this card belongs to quorum .*nofile: no such file.*{PROMPT}"),
            "'alice at home.png'\n",
            true,
        ),
        (
            &format!(
                r"(?s)the card of alice \(share 1\) is good, its verification code is .*still to come: bob \(2\), carol \(3\)\r\n{PROMPT}"
            ),
            "\x03",
            true,
        ),
        (r"leave\? the quorum is founded, but its cards are not read back \[y/N\] ", "\n", true),
        (PROMPT, "alice\\ at\\ home.png bob.png\n", true),
        (
            &format!(
                r"(?s)the card of alice is done already\r\n.*the card of bob \(share 2\) is good.*still to come: carol \(3\)\r\n{PROMPT}"
            ),
            &carol,
            true,
        ),
        (
            r"(?s)the text that was typed here: the card of carol \(share 3\) is good.*overwrite and delete them now\? \[y/N\] ",
            "y\n",
            true,
        ),
        (r"(?s)any 2 of 3 custodians recover.*every card was read back from its print", "", true),
    ];
    let (status, shown) = drive(&world, &init(), steps);
    assert_eq!(status, 0, "{shown}");
    assert!(shown.contains("alice at home.png: overwritten and deleted\r\n"), "{shown}");
    assert!(!world.path("alice at home.png").exists() && !world.path("bob.png").exists());
    assert!(world.path("other.txt").exists() && world.path("acme-cards/1-alice.pdf").exists());
    // A record for each; nothing is left to do.
    let log = world.acme(&["log", "show"]).good().out;
    for (index, read) in [(1, "picture"), (2, "picture"), (3, "text")] {
        let card = format!(r#""cards":[{{"depth":"share","index":{index},"read":"{read}"}}],"#);
        assert!(log.contains(&card) && log.contains(r#""skipped":[]"#), "{log}");
    }
    assert_eq!(log.matches(" check done ").count(), 3, "{log}");
    let status = world.acme(&["status"]).good().out;
    assert!(status.contains("cards       last known good: alice 2") && !status.contains("never"), "{status}");
    world.run(&[&init()[..], &["--skip-scan-back", "everybody"]].concat()).fails(2, "acme is not empty");
}

#[test]
fn a_card_is_left_out_by_name_only() {
    if !has_python() {
        return;
    }
    let world = left();
    world.picture("bob");
    let steps: &[Step<'_>] = &[
        (r"still to come: alice \(1\), bob \(2\)\r\n", "", true),
        (PROMPT, "skip\n", true),
        (&format!("(?s)is no custodian: say skip and a name\r\n.*{PROMPT}"), "skip Alice\n", true),
        (r"leave out the card of Alice\? nobody knows then whether it can be read \[y/N\] ", "\n", true),
        (PROMPT, "skip alice\n", true),
        (r"\[y/N\] ", "yes\n", true),
        // What was read back stays so when somebody leaves.
        (PROMPT, "\n", true),
        (PROMPT, "bob.png\n", true),
        (r"is a copy of a card, which is a secret\r\noverwrite and delete it now\? \[y/N\] ", "\n", true),
        ("not deleted: destroy it yourself\r\n", "", true),
    ];
    let (status, shown) = drive(&world, &[&init()[..], &["--skip-scan-back", "carol"]].concat(), steps);
    assert_eq!(status, 0, "{shown}");
    assert!(shown.contains("next: print each card") && world.path("bob.png").exists(), "{shown}");
    let log = world.acme(&["log", "show"]).good().out;
    assert!(log.contains(r#""skipped":[3]"#) && log.contains(r#""skipped":[1]"#), "{log}");
    world.acme(&["status"]).good().prints("never read back: alice (1), carol (3)\n");
}

#[test]
fn what_was_read_back_outlives_a_program_that_is_killed() {
    if !has_python() {
        return;
    }
    let world = left();
    world.picture("bob");
    // Ctrl-\\ ends a program at once, wherever it is.
    let steps: &[Step<'_>] =
        &[(PROMPT, "bob.png\n", true), (r"still to come: alice \(1\), carol \(3\)\r\n", "\x1c", true)];
    let (status, shown) = drive(&world, &init(), steps);
    assert!(status != 0 && status != 1, "{status}: {shown}");
    world.acme(&["status"]).good().prints("never read back: alice (1), carol (3)\n");
    let steps: &[Step<'_>] = &[
        (&format!(r"(?s)still to come: alice \(1\), carol \(3\)\r\n{PROMPT}"), "skip alice\n", true),
        (r"\[y/N\] ", "y\n", true),
        (r"still to come: carol \(3\)\r\n", "\x1c", true),
    ];
    drive(&world, &init(), steps);
    world.acme(&["status"]).good().prints("never read back: alice (1), carol (3)\n");
    let log = world.acme(&["log", "show"]).good().out;
    assert!(log.contains(r#""skipped":[1]"#), "{log}");
}

#[test]
fn an_extra_copy_is_not_taken_for_the_card() {
    if !has_python() {
        return;
    }
    let world = World::new();
    let init = [&init()[..], &["--pocket", "--skip-scan-back", "bob", "carol"]].concat();
    let steps: &[Step<'_>] = &[(PROMPT, "quit\n", true), (r"\[y/N\] ", "y\n", true)];
    drive(&world, &init, steps);
    world.picture("alice");
    let which = r"alice.png: is this the card of alice itself, and not its extra copy\? \[y/N\] ";
    let steps: &[Step<'_>] = &[
        (PROMPT, "alice.png\n", true),
        (which, "\n", true),
        (
            r"the extra copy of alice \(share 1\) is good, .*; the card itself is still to come\r\nstill to come: alice \(1\)\r\n",
            "",
            true,
        ),
        (PROMPT, "alice.png\n", true),
        (which, "y\n", true),
        (r"the card of alice \(share 1\) is good, its verification code is ", "", true),
        (r"overwrite and delete it now\? \[y/N\] ", "\n", true),
    ];
    let (status, shown) = drive(&world, &init, steps);
    assert_eq!(status, 0, "{shown}");
    world.acme(&["status"]).good().prints("never read back: bob (2), carol (3)\n");
}

#[test]
fn another_folder_for_cards_is_not_said_to_hold_them() {
    if !has_python() {
        return;
    }
    let world = left();
    let steps: &[Step<'_>] = &[
        (
            &format!(
                "(?s)print the 3 cards, which are where an earlier run of this command has put them, and read .*{PROMPT}"
            ),
            "quit\n",
            true,
        ),
        (r"\[y/N\] ", "y\n", true),
    ];
    let (status, shown) = drive(&world, &[&init()[..], &["--cards", "elsewhere"]].concat(), steps);
    assert_eq!(status, 1, "{shown}");
    assert!(!shown.contains("elsewhere"), "{shown}");
    assert!(shown.contains("alice            open       verification code "), "{shown}");
}
