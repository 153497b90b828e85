//! The program on a terminal: questions, passphrases that are typed unseen, and those that are shown once.
//!
//! `tests/tools/terminal.py` drives it. Without python3 the tests say so and pass; with
//! `QUORATE_TEST_ALL=1` they fail. `ceremony/` has the guided recovery, the one from paper alone, drills and scripts, and
//! the scan-back.
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
    pub(crate) mod kek;
    pub(crate) mod terminal;
    pub(crate) mod world;
}
#[path = "tools/terminal.rs"]
mod terminal;
mod ceremony {
    mod drill;
    mod guide;
    mod paper;
    mod scan_back;
}

use cli::terminal::{Step, drive, has_python};
use cli::world::World;

const WIPE: &str = r"is a copy of a card, which is a secret\r\noverwrite and delete it now\? \[y/N\] ";
const CARD: &str = r"the next card \(its path, type, or help\): ";
const LEAVE: &str =
    r"leave\? nothing was released, and the log will say that the recovery was abandoned \[y/N\] ";

fn slip(world: &World, name: &str) -> String {
    let text = String::from_utf8(world.read(&world.slip(name))).unwrap();
    text.lines().next().unwrap().to_owned()
}

#[test]
fn recovering_asks_until_the_quorum_is_reached() {
    if !has_python() {
        return;
    }
    let world = World::founded(3, &["alice", "bob", "carol=open", "dave=open"]);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    world.typed(&["alice", "bob", "carol"]);
    let (alice, bob) = (slip(&world, "alice"), slip(&world, "bob"));
    let (mistyped, right) = (format!("{alice}z\r"), format!("{alice}zz\x7f\x7f\r"));
    let bob_once_more = format!("not this one\x15{bob}\n");
    let alice_asked = r"alice, your passphrase \(Enter alone puts the card away\): ";
    let bob_asked = r"bob, your passphrase \(Enter alone puts the card away\): ";
    let steps: &[Step<'_>] = &[
        (
            &format!("(?s)0 of 3 are here: nobody yet. 3 more to come, of alice, bob, carol, dave .*{CARD}"),
            "nofile\n",
            true,
        ),
        (
            &format!(
                "warning: nofile: no such file or directory\r\nquorate: hint: check the path\r\n(?s:.*){CARD}"
            ),
            "alice.txt\n",
            true,
        ),
        (
            &format!("(?s)alice.txt: the card of alice .share 1.\r\nit was read in .*{alice_asked}"),
            &mistyped,
            false,
        ),
        (
            &format!(
                "(?s)alice: the passphrase of share 1 is wrong, or its card was altered\r\n.*{alice_asked}"
            ),
            &right,
            false,
        ),
        (
            &format!("(?s)1 of 3 is here: alice. 2 more to come, of bob, carol, dave .*{CARD}"),
            "alice.txt\n",
            true,
        ),
        (&format!("(?s)the card of alice .share 1. is already here\r\n.*{CARD}"), "bob.txt\n", true),
        // Put away, and brought again.
        (bob_asked, "\n", false),
        (
            &format!("(?s)1 of 3 is here: alice. 2 more to come, of bob, carol, dave .*{CARD}"),
            "bob.txt\n",
            true,
        ),
        (bob_asked, &bob_once_more, false),
        (
            &format!("(?s)2 of 3 are here: alice, bob. 1 more to come, of carol, dave .*{CARD}"),
            "carol.txt\n",
            true,
        ),
        ("recovered k version 1 .aes-256. to out\r\n", "", true),
        (
            r"alice.txt, bob.txt, carol.txt are copies of cards, which are secrets\r\noverwrite and delete them now\? \[y/N\] ",
            "\n",
            true,
        ),
    ];
    let (status, shown) = drive(&world, &["recover", "k", "--to", "file:out"], steps);
    assert_eq!(status, 0, "{shown}");
    assert!(shown.contains("custodians alice, bob, carol\r\n"), "{shown}");
    assert_eq!(world.read("out").len(), 32);
    for typed in [&alice, &bob, "not this one"] {
        assert!(!shown.contains(typed), "a passphrase was echoed");
    }
}

/// A picture of nothing, in which codes are looked for as long as the program may.
fn noise(world: &World, name: &str) {
    let mut state = 1_u32;
    let picture = image::GrayImage::from_fn(1500, 1500, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Luma([state.to_be_bytes()[0]])
    });
    picture.save_with_format(world.path(name), image::ImageFormat::Png).unwrap();
}

#[test]
fn ctrl_c_stops_what_is_waited_for_and_nothing_else() {
    if !has_python() {
        return;
    }
    let mut world = World::new();
    // A seal that takes long enough to be stopped.
    let init = ["init", "acme", "-t", "2", "--memory", "512", "--slips", "slips", "--skip-scan-back"];
    let custodians = ["everybody", "--custodian", "alice", "bob=open", "carol=open"];
    world.run(&[&init[..], &custodians].concat()).good();
    world.learn_slips();
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    world.typed(&["alice", "bob"]);
    noise(&world, "noise.png");
    let right = format!("{}\n", slip(&world, "alice"));
    let asked = r"alice, your passphrase \(Enter alone puts the card away\): ";
    let recover = ["recover", "k", "--to", "file:out", "--deadline", "300", "--card", "noise.png"];
    let steps: &[Step<'_>] = &[
        ("reading noise.png", "\x03", true),
        (&format!("(?s)noise.png: not read any further.*0 of 2 are here.*{CARD}"), "noise.png\n", true),
        ("reading noise.png", "bob.txt\n\x03", true),
        (&format!("(?s)noise.png: not read any further.*0 of 2 are here.*{CARD}"), "alice.txt\n", true),
        (asked, &right, false),
        ("unsealing alice", "\x03", true),
        (&format!("(?s)the card of alice was not opened.*{asked}"), &right, false),
        // What is typed meanwhile is the next answer.
        ("unsealing alice", "bob.txt\n", true),
        ("recovered k version 1 .aes-256. to out\r\n", "", true),
        (r"overwrite and delete them now\? \[y/N\] ", "\n", true),
    ];
    let (status, shown) = drive(&world, &recover, steps);
    assert_eq!(status, 0, "{shown}");
    assert_eq!(world.read("out").len(), 32);
}

#[test]
fn giving_up_and_interrupting() {
    if !has_python() {
        return;
    }
    let world = World::founded(2, &["alice", "bob=open", "carol=open"]);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    world.typed(&["alice", "bob"]);
    let recover = ["recover", "k", "--to", "file:out", "--card", "bob.txt"];
    let steps: &[Step<'_>] = &[
        (&format!("(?s)1 of 2 is here: bob. 1 more to come, of alice, carol .*{CARD}"), "\n", true),
        (CARD, "quit\n", true),
        (LEAVE, "n\n", true),
        (CARD, "\x03", true),
        (LEAVE, "y\n", true),
        ("kept, and to be destroyed after the next try: bob.txt", "", true),
    ];
    let (status, shown) = drive(&world, &recover, steps);
    assert_eq!(status, 3, "{shown}");
    assert!(shown.contains("quorate: hint: bring 1 more card, and what opens it\r\n"), "{shown}");
    assert!(shown.contains("the quorum is not reached: 1 of 2 custodians are present (bob)"), "{shown}");
    // The end of the input, and Ctrl-C at the question itself, leave.
    let (status, _) = drive(&world, &recover, &[(CARD, "\x04", true), (LEAVE, "\x03", true)]);
    assert_eq!(status, 3);
    // Ctrl-C while a passphrase is typed: asked about, logged, and the terminal is as it was.
    let steps: &[Step<'_>] = &[
        (CARD, "alice.txt\n", true),
        (r"alice, your passphrase .*: ", "half\x03", false),
        (LEAVE, "\n", true),
        (r"alice, your passphrase .*: ", "half\x03", false),
        (LEAVE, "y\n", true),
        ("quorate: error: the quorum is not reached", "", true),
    ];
    let (status, shown) = drive(&world, &recover, steps);
    assert_eq!(status, 3, "{shown}");
    assert!(!shown.contains("half"), "{shown}");
    assert!(!world.path("out").exists() && !world.path("out.pending").exists());
    let log = world.acme(&["log", "show"]).good().out;
    assert_eq!(log.matches(" recover abandoned ").count(), 3, "{log}");
    let steps: &[Step<'_>] =
        &[(r"alice, your passphrase \(Enter alone to leave it out\): ", "\n", false), (WIPE, "\n", true)];
    let (status, shown) = drive(&world, &["check", "--passphrase", "alice.txt"], steps);
    assert_eq!(status, 0, "{shown}");
    assert!(shown.contains("its share was not looked at"), "{shown}");
}

#[test]
fn passphrases_are_shown_once_and_wiped() {
    if !has_python() {
        return;
    }
    let world = World::new();
    let init = [
        "init",
        "acme",
        "-t",
        "2",
        "--memory",
        "64",
        "-c",
        "alice",
        "bob=open",
        "carol",
        "--choose",
        "carol",
        "--skip-scan-back",
        "everybody",
    ];
    let alone = "alice alone should look at the screen now: press Enter when nobody else does ";
    let screen = concat!(
        r"\x1b\[\?1049h\x1b\[2J\x1b\[3J\x1b\[Halice, this is your passphrase for quorum [A-Z2-7-]{19}:\r\n\r\n    ",
        r"([a-z]+(?: [a-z]+){5})\r\n\r\nWrite it down, by hand\. .* Press Enter to wipe it from the screen\. "
    );
    let wiped = r"\x1b\[2J\x1b\[3J\x1b\[H\x1b\[\?1049l";
    let again = format!(r"{wiped}alice, type it from your paper \(Enter alone shows it again\): ");
    let steps: &[Step<'_>] = &[
        (r"carol, type a passphrase: ", "her own long words\n", false),
        (r"carol, type it again: ", "other words\n", false),
        (
            r"(?s)these were two different passphrases.*carol, type a passphrase: ",
            "her own long words\n",
            false,
        ),
        (r"carol, type it again: ", "her own long words\n", false),
        (alone, "\n", true),
        (screen, "\r", false),
        (&again, "\r", false),
        (screen, "\r", false),
        (&again, "something else\r", false),
        (&format!("that is not the passphrase: compare your paper with the screen\r\n{screen}"), "\r", false),
        (&again, "$1\r", false),
        (r"quorum [A-Z2-7-]{19} is founded: any 2 of 3 custodians recover", "", true),
    ];
    let (status, shown) = drive(&world, &init, steps);
    assert_eq!(status, 0, "{shown}");
    // Everything that was shown of the passphrase was on the alternate screen.
    let mut parts = shown.split("\x1b[?1049h");
    let mut outside = parts.next().unwrap().to_owned();
    let screens: Vec<&str> = parts.collect();
    assert_eq!(screens.len(), 3, "{shown}");
    let secret = screens[0].lines().nth(2).unwrap().trim();
    assert_eq!(secret.split(' ').count(), 6, "{shown}");
    for screen in &screens {
        let (inside, after) = screen.split_once("\x1b[?1049l").unwrap();
        assert_eq!(inside.matches(secret).count(), 1);
        assert!(inside.ends_with("\x1b[2J\x1b[3J\x1b[H"), "the screen was not wiped");
        outside.push_str(after);
    }
    for word in [secret, "her own long words", "something else"] {
        assert!(!outside.contains(word), "{word:?} was left on the screen");
    }
    // It is the one that opens the card.
    world.write("alice.pass", secret);
    world.write("carol.pass", "her own long words");
    world.typed(&["alice", "carol"]);
    let check =
        ["check", "alice.txt", "carol.txt", "--passphrase-file", "alice=alice.pass", "--passphrase-file"];
    let checked = world.acme(&[&check[..], &["carol=carol.pass"]].concat()).good();
    assert_eq!(checked.out.matches("its share lies on the quorum's polynomials").count(), 2);
    assert!(!world.path("slips").exists());
}

/// A quorum that one lost card would end is founded only when that is wanted.
#[test]
fn a_fragile_quorum_is_asked_for() {
    if !has_python() {
        return;
    }
    let world = World::new();
    let init = ["init", "acme", "-t", "2", "-c", "alice=open", "bob=open", "--skip-scan-back", "everybody"];
    let question = r"one lost card loses every key\r\nfound this quorum all the same\? \[y/N\] ";
    let (status, shown) = drive(&world, &init, &[(question, "\n", true)]);
    assert_eq!(status, 2, "{shown}");
    assert!(!world.path("acme").exists() && !world.path("acme-cards").exists());
    let (status, shown) = drive(&world, &init, &[(question, "yes\n", true)]);
    assert_eq!(status, 0, "{shown}");
}

#[test]
fn a_card_whose_passphrase_was_wrong_is_not_called_good() {
    if !has_python() {
        return;
    }
    let world = World::founded(2, &["alice", "bob=open", "carol=open"]);
    world.typed(&["alice"]);
    let right = format!("{}\n", slip(&world, "alice"));
    let asked = r"alice, your passphrase \(Enter alone to leave it out\): ";
    let again = &format!("(?s)is wrong, or its card was altered\r\n.*{asked}");
    let check = ["check", "alice.txt", "--passphrase"];
    let (status, shown) = drive(&world, &check, &[(asked, "not this\n", false), (again, "\n", false)]);
    assert_eq!(status, 4, "{shown}");
    assert!(!shown.contains("is good"), "{shown}");
    let (status, shown) =
        drive(&world, &check, &[(asked, "not this\n", false), (again, &right, false), (WIPE, "\n", true)]);
    assert_eq!(status, 0, "{shown}");
    assert!(shown.contains("its share lies on the quorum's polynomials"), "{shown}");
    // Left out from the start: good as far as was looked, and it says so.
    let (status, shown) = drive(&world, &check, &[(asked, "\n", false), (WIPE, "\n", true)]);
    assert!(status == 0 && shown.contains("its share was not looked at"), "{shown}");
}

/// At a terminal all of a request is shown, as the other machine showed it, and confirmed in one question.
#[test]
fn a_request_is_compared_line_by_line() {
    if !has_python() {
        return;
    }
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    cli::kek::wrapping_key(&world, "kek.pem", 4096, "65537");
    let request = ["request", "openbao", "--kind", "aes-256", "--set", "key=k", "--from", "kek.pem"];
    let shown_there = world.run(&request).good().out;
    let generate = ["generate", "k", "--kind", "aes-256", "--for", "request.json", "--package", "out"];
    let question = r"compare every line\r\ndoes the other machine show the same\? \[y/N\] ";
    let (status, shown) = drive(&world, &generate, &[(question, "\n", true)]);
    assert!(status == 4 && shown.contains("the request was not confirmed: nothing was wrapped"), "{shown}");
    assert!(!world.path("out").exists());
    let lines: Vec<&str> = shown_there.lines().take_while(|line| !line.starts_with("note both")).collect();
    assert!(lines.len() >= 7 && lines.iter().all(|line| shown.contains(line)), "{shown_there}\n{shown}");
    let (status, shown) = drive(&world, &generate, &[(question, "y\n", true)]);
    assert!(status == 0 && world.path("out/package.json").exists(), "{shown}");
}
