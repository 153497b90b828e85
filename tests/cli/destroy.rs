//! Cards, backups and providers' copies that were destroyed: certificates before two witnesses, and a log
//! that stays true.

use super::walk::{field, items, json, text};
use super::world::{Ran, World, join};
use std::fs;
use std::path::PathBuf;

const OPEN: [&str; 3] = ["alice=open", "bob=open", "carol=open"];
const SEEN: [&str; 6] = ["--witness", "Wim", "--witness", "Vera", "--reason", "its data is gone"];

fn world() -> World {
    let world = World::founded(2, &OPEN);
    world.acme(&["generate", "a", "b", "--kind", "aes-256"]).good();
    world.acme(&["generate", "a", "--kind", "aes-256"]).good();
    world
}

#[track_caller]
fn destroy(world: &World, what: &[&str], more: &[&str]) -> Ran {
    world.acme(&[&["destroy"][..], what, &SEEN, more].concat())
}

/// The file of a backup.
fn file(world: &World, name: &str, place: usize) -> PathBuf {
    let shown = world.acme(&["--json", "show", name]).good().out;
    let shown = json(&shown);
    world.path(&format!("acme/{}", text(&items(&shown)[place], "backup")))
}

#[test]
fn a_backup_is_destroyed_and_the_log_stays_true() {
    let world = world();
    let cards = world.typed(&["alice", "bob"]);
    let path = file(&world, "a", 0);
    let bytes = fs::read(&path).unwrap();
    destroy(&world, &["backup", "a@1"], &["--yes-destroy", "a@1", "--certificate", "one.pdf"])
        .good()
        .prints("certificate 1: the backup of a version 1 is destroyed\n  witnesses   Wim, Vera\n")
        .prints("  to sign     one.pdf\n")
        .says("copies of the escrow, backup sheets");
    assert!(!path.exists());
    assert!(world.read("one.pdf").starts_with(b"%PDF-"));
    world
        .acme(&["log", "verify"])
        .good()
        .prints("objects     2 backups and 1 quorum records")
        .prints("destroyed   1 backups are gone, each by its certificate\n");
    world
        .acme(&["show", "a"])
        .good()
        .prints("  state        destroyed since ")
        .prints("  backup       destroyed, says certificate 1\n");
    world
        .acme(&["status"])
        .good()
        .prints("destroyed   1 certificates")
        .prints("keys        2 with 2 versions");
    let recover =
        |name: &str, to: &str| world.acme(&join(&[&cards], &["recover", name, "--to", to, "--card"]));
    recover("a@1", "file:a1.key")
        .fails(1, "a version 1 was destroyed, says certificate 1")
        .says("`quorate show a` lists");
    recover("a", "file:a2.key").good();
    world
        .acme(&join(&[&cards], &["drill", "--card"]))
        .good()
        .prints("drilled 2 of 2 key versions: 2 recovered, 0 failed");
    world.acme(&join(&[&cards], &["drill", "a", "--card"])).good().prints("drilled 1 of 2 key versions");
    world.acme(&join(&[&cards], &["drill", "a@1", "--card"])).fails(1, "was destroyed, says certificate 1");
    world.acme(&["print", "backup", "a@1"]).fails(1, "was destroyed, says certificate 1");
    destroy(&world, &["backup", "a@1"], &["--yes-destroy", "a@1"]).fails(1, "was destroyed before");
    // An old copy brings the file back: that is found, and mended by the same command.
    fs::write(&path, &bytes).unwrap();
    world
        .acme(&["log", "verify"])
        .prints("/1.age was destroyed, says certificate 1, and is still here: `quorate destroy backup a@1` removes it")
        .fails(4, "this escrow is not what its log says");
    world
        .acme(&["status"])
        .prints("/1.age was destroyed, says certificate 1, and is still here: `quorate destroy backup a@1` removes it")
        .fails(4, "this escrow is not what its log says");
    recover("a@1", "file:a1.key").fails(1, "a version 1 was destroyed");
    destroy(&world, &["backup", "a@1"], &["--yes-destroy", "a@1"])
        .good()
        .says("its certificate is in the log already");
    assert!(!path.exists());
    world.acme(&["log", "verify"]).good();
    let listed = world.acme(&["--json", "destroy", "list"]).good().out;
    let listed = json(&listed);
    assert_eq!(items(&listed).len(), 1);
    assert_eq!(
        (text(&items(&listed)[0], "what"), items(field(&items(&listed)[0], "witnesses")).len()),
        ("backup", 2)
    );
    // A name that was destroyed once goes on with its next version.
    world.acme(&["generate", "a", "--kind", "aes-256"]).good().prints("generated a version 3");
}

#[test]
fn a_backup_that_nobody_saw_gets_no_certificate() {
    let world = world();
    let path = file(&world, "a", 0);
    let bytes = fs::read(&path).unwrap();
    let gone = || destroy(&world, &["backup", "a@1"], &["--yes-destroy", "a@1"]);
    fs::remove_file(&path).unwrap();
    gone().fails(1, "is missing although the log names it").says("put it back from another copy");
    fs::write(&path, b"something else").unwrap();
    gone().fails(1, "is not what the log says it is");
    fs::remove_file(&path).unwrap();
    fs::write(world.path("elsewhere"), &bytes).unwrap();
    std::os::unix::fs::symlink(world.path("elsewhere"), &path).unwrap();
    gone().fails(1, "no certificate is written for a backup that was not seen");
    world.acme(&["destroy", "list"]).good().prints("no certificates");
    fs::remove_file(&path).unwrap();
    fs::write(&path, &bytes).unwrap();
    // A paper that can't be made is told before anything goes.
    destroy(&world, &["backup", "a@1"], &["--yes-destroy", "a@1", "--certificate", "nodir/x.pdf"])
        .fails(1, "nodir");
    assert!(path.exists());
    gone().good().prints("certificate 1: the backup of a version 1 is destroyed");
    // One that fails afterwards takes nothing back, and says so.
    let long = format!("{}.pdf", "x".repeat(300));
    destroy(&world, &["card", "bob"], &["--yes-destroy", "bob", "--certificate", &long])
        .prints("certificate 2: the card of bob")
        .fails(1, "certificate 2 is in the log (record ")
        .says("`quorate destroy print 2` makes the paper again");
}

#[test]
fn certificates_are_numbered_and_printed_again() {
    let world = world();
    destroy(&world, &["card", "Bob"], &["--yes-destroy", "bob"])
        .good()
        .prints("certificate 1: the card of bob (share 2, generation 1) is destroyed");
    world.acme(&["state", "b", "--set", "compromised", "--reason", "seen in a log"]).good();
    destroy(&world, &["backup", "b@1"], &["--yes-destroy", "b@1"]).good().prints("certificate 2: ");
    world.acme(&["show", "b"]).good().prints("  state        destroyed-compromised since ");
    world
        .acme(&["destroy", "list"])
        .good()
        .prints("   1  ")
        .prints("the card of bob (share 2, generation 1); witnesses Wim, Vera; record ");
    world
        .acme(&["status"])
        .prints("gone        bob (2) destroyed ")
        .prints("0 cards to spare, where 1 is asked for")
        .prints("the next version of b, since version 1 is compromised")
        .fails(4, "2 things are overdue");
    world.acme(&["custodian", "found", "bob", "--reason", "r"]).fails(1, "the card of bob was destroyed");
    world.acme(&["check", &world.card("bob")]).good().says("this is a copy, or the certificate is false");
    world.acme(&["custodian", "lost", "carol", "--reason", "r"]).good();
    // Wherever a card is used that should not be there, everybody hears of it.
    let cards = world.typed(&["bob", "carol"]);
    for command in [&["recover", "a", "--to", "file:used.key", "--card"][..], &["drill", "a", "--card"]] {
        world
            .acme(&join(&[&cards], command))
            .good()
            .says("the log says that the card of bob was destroyed ")
            .says("the log has the card of carol as lost since ");
    }
    world
        .acme(&["check", &world.card("carol")])
        .good()
        .says("a founder takes that back with `quorate custodian found carol --reason TEXT`");
    world.acme(&["custodian", "found", "carol", "--reason", "r"]).good();
    destroy(&world, &["card", "bob"], &["--yes-destroy", "bob"])
        .fails(1, "certificate 1 says that it was destroyed before");
    world.acme(&["destroy", "print", "2", "--out", "two.pdf"]).good();
    world.acme(&["destroy", "print", "2", "--out", "again.pdf"]).good();
    assert_eq!(world.read("two.pdf"), world.read("again.pdf"));
    world.acme(&["destroy", "print", "2", "--out", "two.pdf"]).fails(1, "it exists already");
    world.acme(&["destroy", "print", "3"]).fails(1, "there is no certificate 3");
    if let Ok(said) = std::process::Command::new("pdftotext")
        .args(["-layout", "two.pdf", "-"])
        .current_dir(world.root())
        .output()
    {
        let said = String::from_utf8(said.stdout).unwrap();
        for wanted in [
            "Certificate of destruction 2",
            "the backup of b version 1",
            "its data is gone",
            "witness",
            "Vera",
        ] {
            assert!(said.contains(wanted), "{wanted} is not on the paper: {said}");
        }
    }
    // The last cards that a recovery takes are destroyed with a warning, not by mistake.
    destroy(&world, &["card", "alice"], &["--yes-destroy", "alice"])
        .good()
        .says("1 are left, and a recovery takes 2: no key will come back");
    world
        .acme(&["status"])
        .prints("1 card is left and 2 are needed: no key can be recovered")
        .fails(4, "overdue");
}

#[test]
fn nothing_is_destroyed_by_mistake() {
    let world = world();
    let before = world.acme(&["log", "show"]).good().out;
    let backup = |more: &[&str]| destroy(&world, &["backup", "a@1"], more);
    backup(&[])
        .fails(2, "the backup of a@1 is destroyed only when that is confirmed")
        .says("add --yes-destroy a@1");
    backup(&["--yes-destroy", "a@2"])
        .fails(2, "what was to be destroyed is a@1, and something else was written");
    backup(&["--yes-destroy", "a"]).fails(2, "something else was written");
    destroy(&world, &["backup", "a"], &["--yes-destroy", "a"]).fails(2, "it is not said which version of a");
    destroy(&world, &["backup", "a@9"], &["--yes-destroy", "a@9"]).fails(1, "a has no version 9");
    destroy(&world, &["card", "dave"], &["--yes-destroy", "dave"])
        .fails(2, "dave is no custodian")
        .says("its custodians are alice, bob, carol");
    let by = |words: &[&str]| {
        let all =
            [&["destroy", "backup", "a@1", "--yes-destroy", "a@1", "--reason", "r"][..], words].concat();
        world.acme(&all)
    };
    by(&[]).fails(2, "--witness");
    by(&["--witness", "Wim"]).fails(1, "two or more witnesses by different names");
    by(&["--witness", "Wim", "--witness", "wim"]).fails(1, "two or more witnesses by different names");
    by(&["--witness", "Wim", "--witness", "Operator"])
        .fails(1, "Operator writes the certificate and can't be its witness");
    by(&["--witness", "Wim", "--witness", "Ve\nra"]).fails(1, "two or more witnesses");
    world
        .acme(&[
            "destroy",
            "backup",
            "a@1",
            "--yes-destroy",
            "a@1",
            "--reason",
            " ",
            "--witness",
            "W",
            "--witness",
            "V",
        ])
        .fails(1, "a reason is one line");
    destroy(&world, &["provider", "a@1", "--provider", "aws"], &["--yes-destroy", "a@1"])
        .fails(1, "no package of a@1 for aws is in the log");
    backup(&["--yes-destroy", "a@1", "--log-to", "elsewhere"]).fails(2, "--log-to leaves as it is");
    world.write("there.pdf", "x");
    backup(&["--yes-destroy", "a@1", "--certificate", "there.pdf"]).fails(1, "it exists already");
    world.acme(&["custodian", "lost", "dave", "--reason", "r"]).fails(2, "dave is no custodian");
    world.acme(&["custodian", "found", "bob", "--reason", "r"]).fails(1, "the card of bob is not missing");
    world.acme(&["custodian", "lost", "bob", "--reason", "two\nlines"]).fails(2, "the reason is empty");
    assert_eq!(world.acme(&["log", "show"]).good().out, before, "nothing of it left a trace");
    assert!(file(&world, "a", 0).is_file());
    world.acme(&["custodian", "lost", "bob", "--reason", "r"]).good();
    world.acme(&["custodian", "lost", "bob", "--reason", "r"]).fails(1, "the card of bob is lost since");
    world
        .acme(&["custodian", "lost", "bob", "--reason", "r", "--stolen"])
        .good()
        .prints("the card of bob (share 2) is stolen");
    world.acme(&["custodian", "lost", "carol", "--reason", "r", "--unreadable"]).good();
    world
        .acme(&["status"])
        .prints("gone        bob (2) stolen since ")
        .prints("carol (3) unreadable since ")
        .fails(4, "overdue");
}

#[test]
fn a_file_that_stays_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = world();
    let path = file(&world, "a", 0);
    let folder = path.parent().unwrap();
    // A folder in place of the file can't be removed as one.
    destroy(&world, &["backup", "a@1"], &["--yes-destroy", "a@1"]).good();
    fs::create_dir(&path).unwrap();
    destroy(&world, &["backup", "a@1"], &["--yes-destroy", "a@1"])
        .fails(1, "the certificate is in the log, but the file stays")
        .says("run `quorate destroy backup a@1` again");
    world.acme(&["log", "verify"]).fails(4, "not what its log says");
    fs::remove_dir(&path).unwrap();
    world.acme(&["log", "verify"]).good();
    assert!(folder.metadata().unwrap().permissions().mode() & 0o200 != 0);
}
