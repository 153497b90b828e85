//! Two servers, vaults or key rings that call a key the same: what goes to one, and what is certified of one, says
//! nothing of the other.

use super::kek::{fingerprint, wrapping_key};
use super::walk::{field, items, json, text};
use super::watch::on;
use super::world::{Ran, SKIP, World, join};
use std::process::Command;

const SEEN: [&str; 6] = ["--witness", "Wim", "--witness", "Vera", "--reason", "its data is gone"];
const FIRST: [&str; 1] = ["server=one.example:8200"];
const OTHER: [&str; 1] = ["server=two.example:8200"];

struct Places {
    world: World,
    cards: Vec<String>,
    confirmed: String,
}

/// An escrow, and a wrapping key that every server of it has.
fn places() -> Places {
    let world = World::new();
    let founding = ["--clock", "2026-01-01T09:00:00Z", "init", "acme", "-t", "2", "-c"];
    world.run(&[&founding[..], &["alice=open", "bob=open", "carol=open"], &SKIP].concat()).good();
    wrapping_key(&world, "kek.pem", 4096, "65537");
    let cards = world.typed(&["alice", "bob"]);
    let mut places = Places { world, cards, confirmed: String::new() };
    places.confirmed = places.request("any.json", &["key=c"]);
    places
}

impl Places {
    /// A request for an OpenBao server; the SHA-256 of its wrapping key.
    #[track_caller]
    fn request(&self, out: &str, names: &[&str]) -> String {
        let mut words = vec!["--clock", "2026-01-01T09:00:00Z", "request", "openbao", "--kind", "ec-p256"];
        words.extend(["--from", "kek.pem", "--out", out]);
        words.extend(names.iter().flat_map(|name| ["--set", *name]));
        fingerprint(&self.world.run(&words).good())
    }

    /// The next version of the key leaves for a place that calls it `c`, in a package `out`.
    #[track_caller]
    fn leaves(&self, day: &str, out: &str, names: &[&str]) {
        let request = format!("{out}.json");
        self.request(&request, &[&["key=c"], names].concat());
        let sure = ["--for", &request, "--wrapping-key", &self.confirmed, "--package", out];
        on(&self.world, day, &[&["generate", "c", "--kind", "ec-p256"][..], &sure].concat()).good();
    }

    /// A version that there is leaves for another place.
    #[track_caller]
    fn brought(&self, day: &str, version: &str, out: &str, names: &[&str]) {
        let request = format!("{out}.json");
        self.request(&request, &[&["key=c"], names].concat());
        let to = format!("package:{out}");
        let words = ["recover", version, "--to", &to, "--for", &request, "--wrapping-key", &self.confirmed];
        on(&self.world, day, &join(&[&self.cards], &[&words[..], &["--card"]].concat())).good();
    }

    /// The provider took it, and shows its public key.
    #[track_caller]
    fn taken(&self, day: &str, version: &str, out: &str) {
        let (key, public) = (format!("{out}.key"), format!("{out}.pub"));
        let to = format!("file:{key}");
        on(&self.world, day, &join(&[&self.cards], &["recover", version, "--to", &to, "--card"])).good();
        let mut openssl = Command::new("openssl");
        openssl.args(["pkey", "-in", &key, "-pubout", "-out", &public]).current_dir(self.world.root());
        assert!(openssl.status().unwrap().success());
        std::fs::remove_file(self.world.path(&key)).unwrap();
        let record = ["import", "record", version, "--package", out, "--public-key", &public];
        on(&self.world, day, &record).good();
    }

    /// What is overdue, a line each.
    #[track_caller]
    fn overdue(&self, day: &str) -> String {
        let ran = on(&self.world, day, &["status", "--quiet"]);
        assert_eq!(ran.status, Some(if ran.out.is_empty() { 0 } else { 4 }), "{ran:#?}");
        ran.out
    }

    #[track_caller]
    fn destroy(&self, day: &str, version: &str, more: &[&str]) -> Ran {
        let words = ["destroy", "provider", version, "--provider", "openbao", "--yes-destroy", version];
        on(&self.world, day, &[&words[..], &SEEN, more].concat())
    }

    /// Version 1 at two servers, and compromised.
    fn compromised(names: [&[&str]; 2]) -> Self {
        let places = places();
        places.leaves("2026-01-02", "first", names[0]);
        places.taken("2026-01-02", "c@1", "first");
        places.brought("2026-01-02", "c@1", "other", names[1]);
        places.taken("2026-01-02", "c@1", "other");
        let said = ["state", "c@1", "--set", "compromised", "--reason", "seen in a log"];
        on(&places.world, "2026-01-03", &said).good();
        places
    }
}

fn still(apart: &str) -> String {
    format!("c version 1 is compromised, and still at openbao c ({apart}) ")
}

#[test]
fn what_goes_to_one_server_displaces_nothing_at_another() {
    for [first, other] in [
        [&FIRST[..], &OTHER],
        [&["mount=transit-one"], &["mount=transit-two"]],
        // One has a name that the other hasn't.
        [&[], &OTHER],
    ] {
        let places = Places::compromised([first, other]);
        let apart = |names: &[&str]| match names.first() {
            Some(name) => name.replace('=', " "),
            None => "no server".to_owned(),
        };
        let both = places.overdue("2026-01-03");
        assert!(both.contains(&still(&apart(first))) && both.contains(&still(&apart(other))), "{both}");
        places.leaves("2026-01-04", "second", first);
        // It only left, and nobody has it yet.
        let both = places.overdue("2026-01-04");
        assert!(both.contains(&still(&apart(first))) && both.contains(&still(&apart(other))), "{both}");
        places.taken("2026-01-04", "c@2", "second");
        let left = places.overdue("2026-01-04");
        assert!(!left.contains(&still(&apart(first))) && left.contains(&still(&apart(other))), "{left}");
        assert_eq!(left.lines().count(), 1, "{left}");
        places.brought("2026-01-05", "c@2", "third", other);
        places.taken("2026-01-05", "c@2", "third");
        assert_eq!(places.overdue("2026-01-05"), "");
        places.world.acme(&["log", "verify"]).good();
    }
}

#[test]
fn another_version_there_or_another_way_is_the_same_place() {
    let places = places();
    places.leaves("2026-01-02", "first", &["server=one.example:8200"]);
    places.taken("2026-01-02", "c@1", "first");
    on(&places.world, "2026-01-03", &["state", "c@1", "--set", "compromised", "--reason", "r"]).good();
    // One place alone has no names that tell it apart.
    let said = places.overdue("2026-01-03");
    assert!(said.contains("c version 1 is compromised, and still at openbao c ("), "{said}");
    assert!(!said.contains("one.example"), "{said}");
    places.leaves("2026-01-04", "second", &["server=one.example:8200", "version=2"]);
    places.taken("2026-01-04", "c@2", "second");
    assert_eq!(places.overdue("2026-01-04"), "");
}

#[test]
fn what_a_provider_forgets_is_told_of_each_place() {
    let places = places();
    places.world.write("policy.toml", "[[import]]\nprovider = \"openbao\"\ndays = 10\n");
    on(&places.world, "2026-01-01", &["policy", "set", "policy.toml"]).good();
    places.leaves("2026-01-02", "first", &FIRST);
    places.taken("2026-01-02", "c@1", "first");
    places.brought("2026-01-08", "c@1", "other", &OTHER);
    places.taken("2026-01-08", "c@1", "other");
    let again = |server: &str| {
        format!("c version 1 has to be imported again: openbao at c (server {server}:8200) will forget it")
    };
    let one = places.overdue("2026-01-12");
    assert!(one.contains(&again("one.example")) && !one.contains(&again("two.example")), "{one}");
    let both = places.overdue("2026-01-18");
    assert!(both.contains(&again("one.example")) && both.contains(&again("two.example")), "{both}");
}

#[test]
fn a_package_for_one_server_waits_whatever_goes_to_another() {
    let places = places();
    places.leaves("2026-01-02", "first", &FIRST);
    places.brought("2026-01-03", "c@1", "other", &OTHER);
    let waits = |server: &str| format!("the import of c version 1 at openbao c (server {server}:8200); its");
    let both = places.overdue("2026-02-10");
    assert!(both.contains(&waits("one.example")) && both.contains(&waits("two.example")), "{both}");
    places.taken("2026-02-11", "c@1", "other");
    let left = places.overdue("2026-02-11");
    assert!(left.contains(&waits("one.example")) && !left.contains("two.example"), "{left}");
    // Another one for the same server, of another version, takes its place.
    places.leaves("2026-02-12", "second", &[FIRST[0], "version=2"]);
    places.taken("2026-02-12", "c@2", "second");
    assert_eq!(places.overdue("2026-02-12"), "");
    // A package that people saw gone, there alone.
    places.brought("2026-02-13", "c@2", "third", &["server=three.example:8200"]);
    places.brought("2026-02-13", "c@2", "fourth", &["server=four.example:8200"]);
    places.destroy("2026-02-14", "c@2", &[]).fails(2, "c@2 went to more than one place of openbao");
    places.destroy("2026-02-14", "c@2", &["--set", "server=four.example:8200"]).good();
    let left = places.overdue("2026-03-20");
    assert!(left.contains("version 2 at openbao c (server three.example:8200)"), "{left}");
    assert_eq!(left.lines().count(), 1, "{left}");
}

#[test]
fn a_certificate_is_of_one_place() {
    let places = Places::compromised([&FIRST, &OTHER]);
    let log = || places.world.acme(&["log", "show"]).good().out;
    let before = log();
    places
        .destroy("2026-01-04", "c@1", &[])
        .fails(2, "c@1 went to more than one place of openbao that is called so")
        .says("say which with --set FIELD=VALUE: server one.example:8200; server two.example:8200");
    places.destroy("2026-01-04", "c@1", &["--place", "c"]).fails(2, "more than one place of openbao");
    places
        .destroy("2026-01-04", "c@1", &["--set", "server=three.example"])
        .fails(2, "went to no place of openbao with those names")
        .says("the log has server one.example:8200; server two.example:8200");
    places.destroy("2026-01-04", "c@1", &["--set", "server"]).fails(2, "is no field with a value");
    assert_eq!(log(), before, "nothing of it left a trace");
    let one = ["--set", "server=one.example:8200", "--certificate", "one.pdf"];
    places
        .destroy("2026-01-04", "c@1", &one)
        .good()
        .prints("the copy of c version 1 at openbao c (server one.example:8200) is destroyed");
    let left = places.overdue("2026-01-04");
    assert!(left.contains(&still("server two.example:8200")), "{left}");
    assert!(!left.contains("one.example"), "{left}");
    let listed = on(&places.world, "2026-01-04", &["--json", "destroy", "list"]).good().out;
    let listed = json(&listed);
    let target = field(&items(&listed)[0], "target");
    assert_eq!((text(target, "key"), text(target, "server")), ("c", "one.example:8200"));
    let mut paper = Command::new("pdftotext");
    paper.args(["-layout", "one.pdf", "-"]).current_dir(places.world.root());
    if let Ok(said) = paper.output() {
        let said = String::from_utf8(said.stdout).unwrap();
        assert!(said.contains("server one.example:8200") && !said.contains("two.example"), "{said}");
    }
    places.destroy("2026-01-05", "c@1", &["--set", "server=two.example:8200"]).good();
    let left = places.overdue("2026-01-05");
    assert!(!left.contains("still at"), "{left}");
    places.world.acme(&["log", "verify"]).good();
}

#[test]
fn the_one_place_is_named_by_itself() {
    let places = places();
    places.leaves("2026-01-02", "first", &FIRST);
    places.taken("2026-01-02", "c@1", "first");
    // What is confirmed is that place.
    let unsure = [&["destroy", "provider", "c@1", "--provider", "openbao"][..], &SEEN].concat();
    on(&places.world, "2026-01-03", &unsure).fails(
        2,
        "the copy at openbao c (server one.example:8200) of c@1 is destroyed only when that is confirmed",
    );
    places
        .destroy("2026-01-03", "c@1", &[])
        .good()
        .prints("the copy of c version 1 at openbao c (server one.example:8200) is destroyed");
    // It said nothing of another one, to which the key went on the very same day.
    places.brought("2026-01-03", "c@1", "other", &OTHER);
    places.taken("2026-01-03", "c@1", "other");
    on(&places.world, "2026-01-03", &["state", "c@1", "--set", "compromised", "--reason", "r"]).good();
    let left = places.overdue("2026-01-03");
    assert!(left.contains(&still("server two.example:8200")) && !left.contains("one.example"), "{left}");
}

#[test]
fn one_of_several_places_is_chosen_to_be_stopped() {
    let places = Places::compromised([&FIRST, &OTHER]);
    let shred = |more: &[&str]| {
        on(&places.world, "2026-01-04", &[&["shred", "c@1", "--set"], more, &["--yes"]].concat())
    };
    let ran = shred(&[FIRST[0], "--by-hand"]).good();
    let (commands, exists) = ran.out.split_once("what still exists").unwrap();
    assert!(commands.contains("c@1 at openbao c (server one.example:8200): "), "{ran:#?}");
    assert!(!commands.contains("two.example") && exists.contains("two.example"), "{ran:#?}");
    shred(&["server=nobody:8200", "--by-hand"]).fails(2, "the log knows of no provider that took c@1");
    shred(&[FIRST[0], "--done"]).good();
    let left = places.overdue("2026-01-04");
    assert!(left.contains("two.example") && !left.contains("one.example"), "{left}");
}

/// What is the last of a key is said to be, before and after its backup goes, and isn't stopped in passing.
#[test]
fn the_last_of_a_key_is_named() {
    let places = places();
    places.leaves("2026-01-02", "first", &FIRST);
    places.taken("2026-01-02", "c@1", "first");
    let world = &places.world;
    let destroy = ["destroy", "backup", "c@1", "--yes-destroy", "c@1"];
    on(world, "2026-01-03", &[&destroy[..], &SEEN].concat())
        .good()
        .says("warning: c@1 is at openbao c: without its backup nothing brings it back from there");
    let overdue = places.overdue("2026-01-03");
    assert!(
        overdue.contains("c version 1 is at openbao c, and its backup is destroyed: nothing brings it back"),
        "{overdue}"
    );
    let shred = |more: &[&str]| on(world, "2026-01-04", &[&["shred", "c@1", "--yes"], more].concat());
    shred(&["--by-hand"]).fails(1, "the backup of c@1 at openbao c is destroyed (certificate 1)");
    let ran = shred(&["--by-hand", "--with-others"]).good();
    let exists = ran.out.split_once("what still exists:\n").unwrap().1;
    assert!(
        !exists.contains("the backup keys/") && exists.contains("no backup of it is left here"),
        "{ran:#?}"
    );
    // The very same command says that it was done.
    shred(&["--by-hand", "--with-others", "--done"]).good();
    assert_eq!(places.overdue("2026-01-04"), "");
    // What a certificate says is gone isn't listed as being there.
    let places = Places::compromised([&FIRST, &OTHER]);
    places.destroy("2026-01-04", "c@1", &["--set", OTHER[0]]).good();
    let ran = on(&places.world, "2026-01-05", &["shred", "c@1", "--set", FIRST[0], "--by-hand"]).good();
    let exists = ran.out.split_once("what still exists:\n").unwrap().1;
    assert!(!exists.contains("two.example") && exists.contains("one.example"), "{ran:#?}");
}

/// By hand as well: the printed command takes the whole key, and what is in use there is named.
#[test]
fn by_hand_nothing_in_use_goes_unsaid() {
    let places = Places::compromised([&FIRST, &OTHER]);
    places.leaves("2026-01-04", "second", &[FIRST[0], "version=2"]);
    places.taken("2026-01-04", "c@2", "second");
    let shred =
        |more: &[&str]| on(&places.world, "2026-01-05", &[&["shred", "c@1", "--by-hand"], more].concat());
    let ran = shred(&[])
        .fails(1, "the command takes the whole key, and c@2 at openbao c (server one.example:8200) is in it");
    assert!(!ran.out.contains("bao delete"), "{ran:#?}");
    shred(&["--set", OTHER[0]]).good().prints("bao delete transit/keys/c");
    shred(&["--with-others"]).good();
}
