//! Scan-back without a terminal: cards are left out by name, and read back later.

use super::world::{SKIP, World};
use std::fs;

const OPEN: [&str; 3] = ["alice=open", "bob=open", "carol=open"];

#[test]
fn a_card_that_was_left_out_is_read_back_later() {
    let world = World::founded(2, &OPEN);
    let log = world.acme(&["log", "show"]).good().out;
    assert!(log.contains(r#""cards":[],"generation":1,"occasion":"scan-back","#), "{log}");
    assert!(log.contains(r#""skipped":[1,2,3]"#), "{log}");
    world.acme(&["status"]).good().prints("cards       never read back: alice (1), bob (2), carol (3)\n");
    // The file that was printed is a good card, and shows nothing of the paper.
    let pdf = world.card("alice");
    world.acme(&["check", "--deadline", "60", &pdf]).good();
    let refused = world.acme(&["check", "--deadline", "60", "--record", &pdf]);
    refused.fails(4, "this is the file that was printed, not a picture of the paper").prints("is good");
    assert_eq!(world.acme(&["log", "show"]).good().out, log, "nothing was recorded");
    // A picture of it does, and typed lines do; one record for both.
    let (picture, typed) = (world.picture("alice"), world.typed(&["carol"]));
    world.write("other.txt", "no card");
    let check =
        ["check", "--record", "--deadline", "60", &picture, &typed[0], "other.txt", "--wipe-pictures"];
    let ran = world.acme(&check).fails(4, "other.txt: ");
    ran.says("alice.png: overwritten and deleted\n").says("carol.txt: overwritten and deleted\n");
    assert!(!world.path(&picture).exists() && !world.path(&typed[0]).exists());
    assert!(world.path("other.txt").exists(), "what held no card stays");
    let log = world.acme(&["log", "show"]).good().out;
    let cards = r#""cards":[{"depth":"share","index":1,"read":"picture"},{"depth":"share","index":3,"read":"text"}],"#;
    assert!(log.contains(&format!("{{{cards}\"generation\":1,\"occasion\":\"check\",")), "{log}");
    let status = world.acme(&["status"]).good().out;
    assert!(status.contains("cards       last known good: alice 20"), "{status}");
    assert!(
        status.contains("Z, carol 20") && status.contains("            never read back: bob (2)\n"),
        "{status}"
    );
    world.acme(&["--json", "status"]).good().prints(r#""name":"bob","skipped":true"#);
}

#[test]
fn wiping_follows_no_link_and_leaves_what_is_printed() {
    let world = World::founded(2, &OPEN);
    let typed = world.typed(&["alice"]);
    fs::create_dir(world.path("far")).unwrap();
    fs::rename(world.path(&typed[0]), world.path("far/alice.txt")).unwrap();
    std::os::unix::fs::symlink("far/alice.txt", world.path("link.txt")).unwrap();
    fs::hard_link(world.path("far/alice.txt"), world.path("twin.txt")).unwrap();
    let length = world.read("twin.txt").len();
    let pdf = world.card("bob");
    let check = ["check", "link.txt", &pdf, "--wipe-pictures", "--deadline", "60"];
    world.acme(&check).fails(1, "not deleted: link.txt: it is a link to another file");
    assert_eq!(world.read("far/alice.txt").len(), length);
    // The same file under two names is one file.
    let check = ["check", "twin.txt", "./twin.txt", &pdf, "--wipe-pictures", "--deadline", "60"];
    world.acme(&check).good().says("twin.txt: overwritten and deleted\n");
    assert!(!world.path("twin.txt").exists());
    assert_eq!(world.read("far/alice.txt"), vec![0; length], "another name of the file finds nothing");
    assert!(world.path(&pdf).exists());
}

#[test]
fn the_same_command_ends_a_scan_back_that_was_broken_off() {
    let world = World::founded(2, &OPEN);
    // As it is after a kill: founded, and nothing said of the cards.
    fs::remove_file(world.path("acme/log/000000000003.jsonl")).unwrap();
    let init = ["init", "acme", "-t", "2", "-c", "alice=open", "bob=open", "carol=open"];
    world.run(&init).fails(2, "there is no terminal to read the printed cards back at");
    world.run(&[&init[..6], &["bob=open", "dora=open"], &SKIP].concat()).fails(2, "acme is not empty");
    let again = world.run(&[&init[..], &SKIP].concat()).good();
    again.says("some of its cards were never read back: that goes on now").prints("checkpoint 3:");
    world.run(&[&init[..], &SKIP].concat()).fails(2, "acme is not empty");
}

#[test]
fn what_a_recovery_was_given_is_wiped_when_it_is_asked_for() {
    let world = World::founded(2, &OPEN);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    let cards = world.typed(&["alice", "bob"]);
    let pdf = world.card("carol");
    let short = ["recover", "k", "--to", "file:out", "--wipe-pictures", "--card", "alice.txt"];
    world.acme(&short).fails(3, "1 of 2 custodians are present").says("bring 1 more card, and what opens it");
    assert!(world.path("alice.txt").exists(), "it is needed for the next try");
    let recover =
        ["recover", "k", "--to", "file:out", "--wipe-pictures", "--card", &cards[0], &cards[1], &pdf];
    let ran = world.acme(&[&recover[..], &["--deadline", "60"]].concat()).good();
    ran.says("alice.txt: overwritten and deleted\nbob.txt: overwritten and deleted\n")
        .says("copies may stay");
    assert!(!world.path("alice.txt").exists() && !world.path("bob.txt").exists());
    assert!(world.path(&pdf).exists() && world.path("out").exists());
    let cards = world.typed(&["alice", "bob"]);
    let again = ["recover", "k", "--to", "file:out2", "--card", &cards[0], &cards[1]];
    world.acme(&again).good().says("alice.txt, bob.txt are copies of cards, which are secrets: destroy them");
    assert!(world.path("alice.txt").exists());
}
