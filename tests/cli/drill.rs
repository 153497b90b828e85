//! Drills as an operator does them: months apart, of all keys or some, with what goes wrong on the way.

use super::walk::{field, items, json, text};
use super::world::{World, join};
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

const OPEN: [&str; 4] = ["alice=open", "bob=open", "carol=open", "dave=open"];
const TEN: [&str; 10] = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9"];

const FEBRUARY: &str = "2026-02-01T09:00:00Z";
const MARCH: &str = "2026-03-01T09:00:00Z";
const MAY: &str = "2026-05-01T09:00:00Z";
const AUGUST: &str = "2026-08-01T09:00:00Z";

/// A world with a quorum of 2 of 4 and ten keys, and the typed lines of the cards.
fn ten() -> (World, Vec<String>) {
    let mut world = World::new();
    let mut founding = vec!["--clock", "2026-01-01T09:00:00Z", "init", "acme", "-t", "2", "-c"];
    founding.extend(OPEN);
    founding.extend(super::world::SKIP);
    world.run(&founding).good();
    world.learn_slips();
    let mut generate = vec!["--clock", "2026-01-02T09:00:00Z", "generate"];
    generate.extend(TEN);
    generate.extend(["--kind", "aes-256"]);
    world.acme(&generate).good();
    let cards = world.typed(&["alice", "bob", "carol", "dave"]);
    (world, cards)
}

/// The backup of a key's first version.
fn backup(world: &World, name: &str) -> PathBuf {
    let shown = world.acme(&["--json", "show", name]).good().out;
    let shown = json(&shown);
    world.path(&format!("acme/{}", text(&items(&shown)[0], "backup")))
}

#[test]
fn three_drills_over_months() {
    let (world, cards) = ten();
    assert!(!world.acme(&["--clock", FEBRUARY, "status"]).good().out.contains("\ndrill"));
    // The first of all, by two custodians.
    let ran = world
        .acme(&join(&[&cards[..2]], &["--clock", FEBRUARY, "drill", "--card"]))
        .good()
        .says("a drill of all 10 key versions; nothing will be released")
        .says("opening and comparing 10 key versions … ")
        .prints("drilled 10 of 10 key versions: 10 recovered, 0 failed\n")
        .prints("\n  custodians  alice, bob\n")
        .prints("\n  released    nothing: every key was wiped\n")
        .prints("\n  recovery    ");
    assert!(!ran.out.contains("confidence"), "{ran:?}");
    world.acme(&["--clock", FEBRUARY, "status"]).good().prints(
        "drill       last 2026-02-01T09:00:00Z: 10 of 10 versions tried, 0 failed; 10 of 10 proven by any drill\n",
    );
    world.acme(&["show", "k3"]).good().prints("  recovered    never\n  drilled      2026-02-01T09:00:00Z\n");
    // The second of some, by two others: dave's card was lost, and nobody misses it.
    fs::remove_file(world.path("dave.txt")).unwrap();
    world.acme(&["--clock", MARCH, "generate", "k3", "--kind", "aes-256"]).good();
    let named = join(&[&cards[1..3]], &["--clock", MAY, "drill", "k3", "k7@1", "--card"]);
    world.acme(&named).good().prints("drilled 3 of 11 key versions: 3 recovered, 0 failed\n");
    // What nobody checked for a quarter is overdue by then.
    let status = world.acme(&["--clock", MAY, "--json", "status"]).fails_with_json(4).out;
    let status = json(&status);
    let drill = field(&status, "drill");
    assert_eq!((text(drill, "time"), text(drill, "scope")), (MAY, "named"));
    // The third of a sample.
    let sample = join(&[&cards[..2]], &["--clock", AUGUST, "--json", "drill", "--sample", "4", "--card"]);
    let ran = world.acme(&sample).good();
    let value = json(&ran.out);
    assert_eq!(items(field(&value, "keys")).len(), 4);
    assert_eq!((text(&value, "scope"), items(field(&value, "failed")).len()), ("sample", 0));
    // With 6 bad ones of 11, four good ones are drawn with a probability of 1.5 %; with 5, of 4.5 %; with 4, of 10.6 %.
    assert_eq!(*field(&value, "fewer-than"), quorate::wire::json::Json::Number(5));
    let log = world.acme(&["log", "show"]).good().out;
    assert_eq!((log.matches(" drill intent ").count(), log.matches(" drill done ").count()), (3, 3), "{log}");
    world.acme(&["log", "verify"]).good();
    let left: Vec<_> = fs::read_dir(world.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("pending")), "{left:?}");
}

#[test]
fn a_damaged_backup_among_ten_is_named() {
    let (world, cards) = ten();
    let path = backup(&world, "k4");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, &bytes).unwrap();
    fs::remove_file(backup(&world, "k8")).unwrap();
    let drill = join(&[&cards[..2]], &["--clock", FEBRUARY, "drill", "--card"]);
    let ran = world
        .acme(&drill)
        .fails(4, "2 of 10 key versions could not be recovered")
        .says("quorate: warning: k4 version 1: keys/")
        .says("is not what the log says it is")
        .says("quorate: warning: k8 version 1: keys/")
        .prints("drilled 10 of 10 key versions: 8 recovered, 2 failed\n")
        .prints("\n  failed      k4 version 1 (altered)\n  failed      k8 version 1 (missing)\n");
    assert!(!ran.out.contains("confidence"), "{ran:?}");
    world
        .acme(&["--clock", FEBRUARY, "status"])
        .prints("10 of 10 versions tried, 2 failed; 8 of 10 proven by any drill\n")
        .prints("overdue     2026-02-01T09:00:00Z: drills since 2026-02-01T09:00:00Z could not recover 2 key versions")
        .fails(4, "1 thing is overdue");
    assert!(!world.acme(&["show", "k4"]).good().out.contains("drilled"));
    world.acme(&["show", "k5"]).good().prints("  drilled      ");
    // A good drill of something else hides no failure.
    world.acme(&join(&[&cards[..2]], &["--clock", FEBRUARY, "drill", "k5", "--card"])).good();
    world
        .acme(&["--clock", FEBRUARY, "status"])
        .prints("drills since 2026-02-01T09:00:00Z could not recover 2 key versions")
        .fails(4, "1 thing is overdue");
    let json_ran = world.acme(&join(&[&cards[..2]], &["--json", "drill", "k4", "--card"]));
    assert_eq!(json_ran.status, Some(4));
    let value = json(&json_ran.out);
    assert_eq!(text(&items(field(&value, "failed"))[0], "why"), "altered");
}

#[test]
fn too_few_or_wrong_cards_end_a_drill() {
    let (world, cards) = ten();
    let other = World::founded(2, &["alice=open", "bob=open", "erin=open"]);
    world.write("stranger.txt", other.lines("erin").join("\n"));
    world
        .acme(&["--clock", FEBRUARY, "drill", "--card", &cards[0], "stranger.txt"])
        .fails(3, "the quorum is not reached: 1 of 2 custodians are present (alice)")
        .says("this card belongs to quorum ");
    let log = world.acme(&["log", "show"]).good().out;
    assert_eq!(
        (log.matches(" drill intent ").count(), log.matches(" drill abandoned ").count()),
        (1, 1),
        "{log}"
    );
    assert!(
        world.acme(&["--clock", FEBRUARY, "status"]).good().out.lines().all(|line| !line.starts_with("open"))
    );
    // With the cards of two custodians more, a wrong one among them ends nothing.
    world.acme(&["drill", "k1", "--card", &cards[0], "stranger.txt", &cards[3]]).good();
}

#[test]
fn refusals() {
    let (world, cards) = ten();
    let before = world.acme(&["log", "show"]).good().out;
    let with = |words: &[&str]| world.acme(&join(&[&cards[..2]], &[words, &["--card"]].concat()));
    with(&["drill", "k1", "nothing"]).fails(1, "there is no key nothing in this escrow");
    with(&["drill", "k1@2"]).fails(1, "k1 has no version 2 that is backed up");
    with(&["drill", "k1", "--sample", "3"]).fails(2, "cannot be used with");
    with(&["drill", "--sample", "0"]).fails(2, "invalid value '0'");
    with(&["drill", "--passphrase-file", "mallory=alice.txt"]).fails(2, "");
    assert_eq!(world.acme(&["log", "show"]).good().out, before, "nothing of it left a trace");
    let empty = World::founded(2, &OPEN);
    let cards = empty.typed(&["alice", "bob"]);
    empty.acme(&join(&[&cards], &["drill", "--card"])).fails(1, "no key is backed up in this escrow");
}

#[test]
fn a_killed_drill_stays_open() {
    let (world, cards) = ten();
    // The second card comes through a pipe that stays empty: the drill has begun, and waits.
    let mut command = world.command(&["-C", "acme", "--clock", FEBRUARY, "drill", "--card", &cards[0], "-"]);
    command.stdin(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let mut pipe = running.stdin.take().unwrap();
    pipe.write_all(b"01 ").unwrap();
    while !world.acme(&["log", "show"]).good().out.contains(" drill intent ") {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    running.kill().unwrap();
    assert!(!running.wait().unwrap().success());
    let status = world.acme(&["--clock", FEBRUARY, "status"]).good().out;
    let open = status.lines().find(|line| line.starts_with("open")).unwrap();
    assert!(open.contains("drill by operator at ") && open.ends_with(" has not ended"), "{open}");
    let seq = open.split_whitespace().nth(2).unwrap().trim_end_matches(':');
    world.acme(&["log", "abandon", seq]).good();
    world.acme(&join(&[&cards[..2]], &["drill", "--card"])).good();
}
