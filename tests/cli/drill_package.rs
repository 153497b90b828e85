//! Drills into test keys of providers: one key leaves in a package for a key of its own, and is ended there again.

use super::kek::wrapping_key;
use super::world::{World, join};
use std::fs;

const REAL: &str = "arn:aws:kms:eu-west-1:1:key/real";
const TEST: &str = "arn:aws:kms:eu-west-1:1:key/test";

/// A request for an AWS key, and the SHA-256 of the whole of it.
fn request(world: &World, file: &str, place: &str, more: &[&str]) -> String {
    let pem = String::from_utf8(world.read("kek.pem")).unwrap();
    let spki: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let download = format!(
        r#"{{"KeyId":"{place}","ImportToken":"AAAA","PublicKey":"{spki}","ParametersValidTo":"2099-01-01T00:00:00Z"}}"#
    );
    world.write("download.json", download);
    let words = ["request", "aws", "--kind", "aes-256", "--from", "download.json", "--out", file];
    let ran = world.run(&[&words, more].concat()).good();
    let line = ran.out.lines().find(|line| line.contains("whole request")).unwrap();
    line.split_whitespace().skip(2).collect()
}

fn world() -> (World, Vec<String>) {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    world.acme(&["generate", "k", "k2", "--kind", "aes-256"]).good();
    wrapping_key(&world, "kek.pem", 4096, "65537");
    let cards = world.typed(&["alice", "bob"]);
    (world, cards)
}

#[test]
fn one_key_goes_to_a_test_key_and_is_ended_there() {
    let (world, cards) = world();
    let digest = request(&world, "request.json", TEST, &[]);
    let sure = ["--for", "request.json", "--request", &digest];
    let drill = |words: &[&str]| world.acme(&join(&[&cards], &[&["drill"], words, &["--card"]].concat()));
    let ran = drill(&[&["k", "--to", "package:out"], &sure[..]].concat())
        .good()
        .says(
            "a drill of 1 key version, into a test key; a package for it will be released, and nothing else",
        )
        .prints("drilled 1 of 2 key versions: 1 recovered, 0 failed\n")
        .prints("packaged k version 1 for aws\n")
        .prints("\n  released    that package alone, for the test key");
    assert!(!ran.out.contains("every key was wiped"), "{ran:#?}");
    world.acme(&["package", "verify", "out"]).good().prints("whole, and one that the log knows");
    world.acme(&["show", "k"]).good().prints("  drilled      2");
    let log = world.acme(&["log", "show"]).good().out;
    let at = |what: &str| log.find(what).unwrap_or_else(|| panic!("no {what} in {log}"));
    assert!(
        at(" drill intent ") < at(" package done ") && at(" package done ") < at(" drill done "),
        "{log}"
    );
    // What it brings is in no use, and has to go again.
    let record = ["import", "record", "k", "--package", "out", "--material-id", &"ab".repeat(32)];
    world
        .acme(&record)
        .good()
        .prints("\n  a drill's   the test key is in no use: `quorate shred k@1 --drilled` ends it");
    let json = world.acme(&[&["--json"], &record[..]].concat()).good().out;
    assert!(json.contains(r#""drill":true"#), "{json}");
    // It is overdue a day later, and told before.
    let later = |days: u64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        quorate::wire::time::Timestamp::from_unix(now + days * 86_400).unwrap().to_string()
    };
    let status = |days: u64| world.acme(&["--clock", &later(days), "status"]);
    let held =
        format!("a drill's test key still holds k version 1, at aws {TEST} (quorate shred k@1 --drilled)");
    assert!(!status(0).good().out.contains("overdue     "));
    status(2).fails(4, "overdue").prints(&held);
    // The key itself, in use: neither of them is taken for the other.
    let whole = request(&world, "real.json", REAL, &[]);
    let recover =
        ["recover", "k", "--to", "package:real", "--for", "real.json", "--request", &whole, "--card"];
    world.acme(&join(&[&cards], &recover)).good();
    world.acme(&["import", "record", "k", "--package", "real", "--material-id", &"ab".repeat(32)]).good();
    let ran = world.acme(&["shred", "k", "--drilled", "--by-hand"]).good();
    assert!(ran.out.contains(&format!("k@1 at aws {TEST}, a drill's test key: ")), "{ran:#?}");
    assert!(!ran.out.split("what still exists").next().unwrap().contains(REAL), "{ran:#?}");
    world.acme(&["shred", "k", "--drilled", "--done", "--yes"]).good().prints("stopped by hand, as you say");
    let ran = status(2);
    assert!(!ran.out.contains("test key"), "{ran:#?}");
    let ran = world.acme(&["shred", "k", "--by-hand"]).good();
    assert!(
        ran.out.contains(&format!("{TEST}, a drill's test key is stopped already, says the log")),
        "{ran:#?}"
    );
    assert!(ran.out.contains(&format!("  k@1 at aws {REAL}: ")), "{ran:#?}");
    world.acme(&["shred", "k2", "--drilled", "--by-hand"]).fails(2, "nothing that a drill of k2 put");
    world.acme(&["log", "verify"]).good();
}

#[test]
fn what_is_no_test_key_is_refused() {
    let (world, cards) = world();
    let digest = request(&world, "request.json", TEST, &[]);
    let drill = |words: &[&str]| world.acme(&join(&[&cards], &[&["drill"], words, &["--card"]].concat()));
    let before = world.acme(&["log", "show"]).good().out;
    let sure = |file: &'static str| ["--to", "package:out", "--for", file];
    drill(&["k", "--to", "package:out"]).fails(2, "needs a request of a test key");
    drill(&["k", "--for", "request.json", "--request", &digest]).fails(2, "--for needs --to package:DIR");
    drill(&[&["k"], &sure("request.json")[..]].concat()).fails(2, "was not confirmed");
    let named = ["--request", &digest];
    drill(&[&sure("request.json")[..], &named].concat()).fails(2, "takes one key version");
    drill(&[&["k", "k2"], &sure("request.json")[..], &named].concat()).fails(2, "takes one key version");
    world.write("dir", "");
    drill(&[&["k", "--to", "package:dir", "--for", "request.json"], &named[..]].concat())
        .fails(1, "dir: it exists already");
    let later = request(&world, "later.json", TEST, &["--as", "version"]);
    drill(&[&["k"], &sure("later.json")[..], &["--request", &later]].concat())
        .fails(2, "a drill goes to a test key of its own");
    assert_eq!(world.acme(&["log", "show"]).good().out, before, "nothing of it left a trace");
    // A key that is in use at that very place.
    let whole = request(&world, "real.json", REAL, &[]);
    let words =
        ["recover", "k2", "--to", "package:real", "--for", "real.json", "--request", &whole, "--card"];
    world.acme(&join(&[&cards], &words)).good();
    world.acme(&["import", "record", "k2", "--package", "real", "--material-id", &"ab".repeat(32)]).good();
    let again = request(&world, "again.json", REAL, &[]);
    drill(&[&["k"], &sure("again.json")[..], &["--request", &again]].concat())
        .fails(4, "holds k2 version 1, which is in use");
    // Two versions: one of them is named.
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    drill(&[&["k"], &sure("request.json")[..], &named].concat()).fails(2, "k has several versions");
    // A backup that doesn't open as the log says: nothing leaves, and nothing is said to have left.
    let file = fs::read_dir(world.path("acme/keys")).unwrap().map(|entry| entry.unwrap().path());
    for backup in file.map(|folder| folder.join("2.age")).filter(|file| file.exists()) {
        fs::remove_file(backup).unwrap();
    }
    let ran = drill(&[&["k@2"], &sure("request.json")[..], &named].concat());
    let ran = ran.fails(4, "could not be recovered").prints("released    nothing: every key was wiped");
    assert!(!world.path("out").exists() && !ran.out.contains("packaged"), "{ran:#?}");
    assert_eq!(world.acme(&["log", "show"]).good().out.matches(" package done ").count(), 1);
    let left = fs::read_dir(world.root()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains("out")).collect();
    assert!(left.is_empty(), "{left:?}");
    drill(&[&["k@1"], &sure("request.json")[..], &named].concat()).good();
}

/// A package that nobody imported, or says that they did, is asked for; a test key that is only disabled is no end.
#[test]
fn what_became_of_a_drills_package_is_asked_for() {
    let (world, cards) = world();
    let digest = request(&world, "request.json", TEST, &[]);
    let words =
        ["drill", "k", "--to", "package:out", "--for", "request.json", "--request", &digest, "--card"];
    world.acme(&join(&[&cards], &words)).good();
    let late = ["--clock", "2098-01-01T00:00:00Z"];
    let asked = "a drill's package of k version 1 went out for a test key at aws ";
    let ran = world.acme(&[&late[..], &["status"]].concat()).fails(4, "overdue");
    assert!(ran.out.contains(asked), "{ran:#?}");
    world.acme(&["shred", "k", "--drilled", "--disable", "--by-hand"]).fails(2, "cannot be used with");
    // Either it was imported, or two people saw that it never was.
    let words =
        ["destroy", "provider", "k@1", "--provider", "aws", "--yes-destroy", "k@1", "--reason", "never sent"];
    world.acme(&[&words[..], &["--witness", "Wim", "--witness", "Vera"]].concat()).good();
    let ran = world.acme(&[&late[..], &["status"]].concat());
    assert!(!ran.out.contains(asked), "{ran:#?}");
}
