//! Ceremonies by their script: shown, printed, held without a terminal, rehearsed, and refused.

use super::walk::{field, items, json, text};
use super::world::World;
use std::fs;

const SCRIPT: &str = r#"title = "Founding of the quorum of Acme"
purpose = "the first quorum"
escrow = "acme"

[quorum]
organisation = "Acme"
threshold = 2
memory = 64

[[custodian]]
name = "alice"
role = "board"
deputy = "ann"
seal = "open"
envelope = "A-0016"

[[custodian]]
name = "bob"

[[custodian]]
name = "carol"
seal = "open"

[[key]]
name = "payments"
kind = "aes-256"

[[key]]
name = "signing"
kind = "ed25519"

[[destination]]
name = "the bank"

[[witness]]
name = "Wilma"

[policy]
drill-days = 180
"#;

fn world() -> World {
    let world = World::new();
    world.write("ceremony.toml", SCRIPT);
    world
}

#[test]
fn a_script_is_shown_and_printed() {
    let world = world();
    let shown = world.run(&["script", "ceremony.toml"]).good();
    for wanted in [
        "Founding of the quorum of Acme\npurpose: the first quorum\n",
        "\n  1 [ ] The computer is offline",
        "        $ quorate init acme --ceremony ceremony.toml\n",
        "        $ quorate -C acme generate payments --kind aes-256\n        expected: generated payments version 1 (aes-256)\n",
        "its number is A-0016.",
        "        time __________  initials __________\n",
    ] {
        assert!(shown.out.contains(wanted), "{wanted}: {}", shown.out);
    }
    let listed = world.run(&["--json", "script", "ceremony.toml"]).good().out;
    let listed = json(&listed);
    assert_eq!(items(&listed).len(), 13);
    assert!(text(&items(&listed)[0], "step").starts_with("The computer"));
    let clock = "2026-03-01T09:00:00Z";
    for (name, paper) in [("a.pdf", "a4"), ("b.pdf", "a4"), ("c.pdf", "letter")] {
        world.run(&["--clock", clock, "script", "ceremony.toml", "--pdf", name, "--paper", paper]).good();
    }
    assert_eq!(world.read("a.pdf"), world.read("b.pdf"), "the same script is the same paper");
    assert!(world.read("c.pdf").starts_with(b"%PDF-"));
    world.run(&["script", "ceremony.toml", "--pdf", "a.pdf"]).fails(1, "a.pdf: it exists already");
    assert!(!world.path("acme").exists());
}

#[test]
fn a_founding_takes_the_script() {
    let world = world();
    let arguments =
        ["init", "acme", "--ceremony", "ceremony.toml", "--slips", "slips", "--skip-scan-back", "everybody"];
    world.run(&arguments).good().prints("any 2 of 3 custodians recover\n  alice            open");
    world.acme(&["status"]).good().prints("alice (open), bob (passphrase), carol (open)");
    let both = ["init", "other", "--ceremony", "ceremony.toml", "-t", "2"];
    world.run(&both).fails(2, "--threshold is in the ceremony's file");
    world.run(&["init", "other", "--ceremony", "7"]).fails(2, "it is not said who the custodians are");
    world.run(&["init", "other", "--ceremony", "gone.toml"]).fails(1, "gone.toml");
}

#[test]
fn a_ceremony_is_held_by_its_script() {
    let mut world = world();
    // Bob's card needs a passphrase that is on a slip by then: alice and carol are enough.
    let cards = ["acme-cards/1-alice.pdf", "acme-cards/3-carol.pdf"];
    let arguments = [
        "--clock",
        "2026-03-01T09:00:00Z",
        "script",
        "ceremony.toml",
        "--run",
        "--initials",
        "WB",
        "--slips",
        "slips",
        "--skip-scan-back",
        "everybody",
        "--report",
        "report.json",
        "--report",
        "report.pdf",
        "--exception",
        "the door was open",
        "--card",
        cards[0],
        cards[1],
    ];
    let ran = world.run(&arguments).good();
    world.learn_slips();
    for wanted in [
        "step 1 of 13: ",
        "step 13 of 13: ",
        "  expected: drilled 2 of 2 key versions: 2 recovered, 0 failed",
    ] {
        assert!(ran.err.contains(wanted), "{wanted}: {}", ran.err);
    }
    assert!(ran.out.contains("drilled 2 of 2 key versions: 2 recovered, 0 failed\n"), "{ran:#?}");
    assert!(ran.out.ends_with("the ceremony is over; 13 steps, 0 exceptions\n"), "{ran:#?}");
    world.acme(&["report", "verify", "report.json"]).good().prints("exception   the door was open\n");
    world.acme(&["report", "verify", "report.pdf"]).good();
    let report = String::from_utf8(world.read("report.json")).unwrap() + "\n";
    let report = json(&report);
    let steps = items(field(&report, "steps"));
    // What stands before the drill, and the drill's own four.
    assert_eq!(steps.len(), 9 + 4);
    assert_eq!((text(&steps[0], "signed-off"), &text(&steps[0], "name")[..3]), ("WB", "1. "));
    assert_eq!(text(&report, "purpose"), "the first quorum");
    assert_eq!(text(&items(field(&report, "cards"))[0], "envelope"), "A-0016");
    assert_eq!(text(&items(field(&report, "due"))[0], "time"), "2026-08-28T09:00:00Z");
    let people: Vec<&str> = items(field(&report, "people")).iter().map(|one| text(one, "name")).collect();
    assert_eq!(people, ["operator", "alice", "carol", "Wilma"]);
    // A second run finds the escrow there, and changes nothing.
    let before = world.acme(&["log", "show"]).good().out;
    let again = world.run(&[&arguments[..9], &["--skip-scan-back", "everybody"]].concat());
    again.fails(2, "acme is not empty");
    assert_eq!(world.acme(&["log", "show"]).good().out, before);
}

#[test]
fn a_rehearsal_leaves_nothing() {
    let world = world();
    fs::create_dir(world.path("tmp")).unwrap();
    let mut command = world.command(&[
        "script",
        "ceremony.toml",
        "--rehearse",
        "--initials",
        "WB",
        "--report",
        "rehearsal.json",
    ]);
    command.env("TMPDIR", world.path("tmp"));
    let ran = world.finish(command).good();
    assert!(ran.out.contains("drilled 2 of 2 key versions: 2 recovered, 0 failed\n"), "{ran:#?}");
    assert!(
        ran.out.ends_with("the rehearsal is over: its folder is removed; 13 steps, 0 exceptions\n"),
        "{ran:#?}"
    );
    assert_eq!(fs::read_dir(world.path("tmp")).unwrap().count(), 0);
    assert!(!world.path("acme").exists() && !world.path("acme-cards").exists());
    let report = String::from_utf8(world.read("rehearsal.json")).unwrap();
    assert!(report.contains("rehearsal on throw-away keys: the first quorum"), "{report}");
}

#[test]
fn refusals() {
    let world = world();
    world.write("wrong.toml", SCRIPT.replace("treshold", "threshold").replace("threshold", "treshold"));
    world.run(&["script", "wrong.toml"]).fails(2, "wrong.toml: line 5: [quorum] needs the field threshold");
    world.write("wrong.toml", SCRIPT.replace("envelope", "enveloppe"));
    world
        .run(&["script", "wrong.toml"])
        .fails(2, "wrong.toml: line 15: [[custodian]] has no field \"enveloppe\"; did you mean envelope?");
    world.run(&["init", "acme", "--ceremony", "wrong.toml"]).fails(2, "did you mean envelope?");
    world.run(&["script", "gone.toml"]).fails(1, "gone.toml");
    world.run(&["script", "ceremony.toml", "--run"]).fails(2, "there is no terminal to tick the steps at");
    world.run(&["script", "ceremony.toml", "--run", "--initials", " "]).fails(2, "is empty or too long");
    world
        .run(&["--json", "script", "ceremony.toml", "--run", "--initials", "WB"])
        .fails(2, "has no result in JSON");
    world
        .run(&["script", "ceremony.toml", "--run", "--initials", "WB", "--report", "x.txt"])
        .fails(2, "neither .json nor .pdf");
    assert!(!world.path("acme").exists());
    // Without what opens the passphrases' cards, the first failure ends it.
    world
        .run(&["script", "ceremony.toml", "--run", "--initials", "WB", "--skip-scan-back", "everybody"])
        .fails(2, "there is no terminal to show the generated passphrases on");
}
