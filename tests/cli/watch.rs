//! A year of an escrow: what is due and overdue by a clock that the test has, states of keys, and what stock
//! programs read of it. Policies are in `policy.rs`.

use super::operators::{at, staffed};
use super::walk::{field, items, json, text};
use super::world::{SKIP, World, join};
use std::fs;
use std::process::{Command, Stdio};

const OPEN: [&str; 3] = ["alice=open", "bob=open", "carol=open"];
pub(super) const TEN: [&str; 10] = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9"];

/// The morning of a day.
fn morning(day: &str) -> String {
    format!("{day}T09:00:00Z")
}

/// A command in the escrow on the morning of a day.
#[track_caller]
pub(super) fn on(world: &World, day: &str, arguments: &[&str]) -> super::world::Ran {
    let clock = morning(day);
    world.acme(&[&["--clock", &clock][..], arguments].concat())
}

/// A quorum of 2 of 3 of New Year's Day 2026, ten keys a day later, and pictures of the cards.
pub(super) fn founded() -> (World, Vec<String>) {
    let world = World::new();
    let mut founding = vec!["--clock", "2026-01-01T09:00:00Z", "init", "acme", "-t", "2", "-c"];
    founding.extend(OPEN);
    founding.extend(SKIP);
    world.run(&founding).good();
    on(&world, "2026-01-02", &[&["generate"][..], &TEN, &["--kind", "aes-256"]].concat()).good();
    let pictures = ["alice", "bob", "carol"].map(|name| world.picture(name)).to_vec();
    (world, pictures)
}

/// Every card is checked on the morning of a day.
#[track_caller]
pub(super) fn check(world: &World, day: &str, pictures: &[String]) {
    on(world, day, &join(&[pictures], &["check", "--record"])).good();
}

#[track_caller]
pub(super) fn drill(world: &World, day: &str, pictures: &[String]) -> String {
    let ran = on(world, day, &join(&[pictures], &["drill", "--card"])).good();
    let line = ran.out.lines().find(|line| line.starts_with("  checkpoint ")).unwrap().to_owned();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

/// A script of Python; with `QUORATE_TEST_ALL` its packages must be there.
fn python(world: &World, arguments: &[&str]) -> Option<String> {
    let has = Command::new("python3").args(["-c", "import icalendar, prometheus_client"]).output();
    if !has.is_ok_and(|ran| ran.status.success()) {
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "icalendar or prometheus_client is missing");
        eprintln!("left out: what other programs read of metrics and calendars");
        return None;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/watch/read.py");
    let ran = Command::new("python3").arg(script).args(arguments).current_dir(world.root()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    Some(String::from_utf8(ran.stdout).unwrap())
}

#[test]
fn a_year_of_drills_a_lapse_a_lost_card_and_a_rollback() {
    let (world, pictures) = founded();
    on(&world, "2026-01-03", &["status"])
        .good()
        .prints("due         next 2026-04-01T09:00:00Z: a check of the card of alice");
    check(&world, "2026-01-03", &pictures);
    drill(&world, "2026-02-01", &pictures[..2]);
    // A month before something lapses it is told, and nothing is wrong yet.
    on(&world, "2026-03-20", &["status"])
        .good()
        .prints("soon        2026-04-03T09:00:00Z: a check of the card of bob");
    on(&world, "2026-03-20", &["status", "--quiet"]).good();
    assert_eq!(on(&world, "2026-03-20", &["status", "--quiet"]).out, "");
    check(&world, "2026-04-01", &pictures);
    drill(&world, "2026-06-01", &pictures[1..]);
    check(&world, "2026-06-01", &pictures);
    let kept = world.path("last-month");
    let copied = Command::new("cp").arg("-a").arg(world.path("acme")).arg(&kept).status().unwrap();
    assert!(copied.success());
    let checkpoint = drill(&world, "2026-07-01", &pictures[..2]);
    // A card that is lost leaves none to spare.
    on(&world, "2026-07-02", &["custodian", "lost", "Carol", "--reason", "after moving house"])
        .good()
        .prints("the card of carol (share 3) is lost");
    on(&world, "2026-07-02", &["status"])
        .prints("gone        carol (3) lost since 2026-07-02T09:00:00Z")
        .prints("overdue     2026-07-02T09:00:00Z: 0 cards to spare, where 1 is asked for")
        .fails(4, "1 thing is overdue");
    let quiet = on(&world, "2026-07-02", &["status", "-q"]).fails(4, "1 thing is overdue").out;
    assert_eq!(quiet.lines().count(), 1, "{quiet}");
    let value = on(&world, "2026-07-02", &["--json", "status"]).fails_with_json(4).out;
    let value = json(&value);
    assert_eq!(text(&items(field(&value, "due"))[0], "what"), "spare");
    assert_eq!(text(&items(field(field(&value, "quorum"), "cards"))[2], "gone"), "lost");
    on(&world, "2026-07-03", &["custodian", "found", "carol", "--reason", "in the other safe"]).good();
    on(&world, "2026-07-03", &["status"]).good();
    // Nobody drills for a year: it lapses to the second, a year after the last good one.
    for day in ["2026-08-15", "2026-11-01", "2027-01-15", "2027-04-01", "2027-06-15"] {
        check(&world, day, &pictures);
    }
    world
        .acme(&["--clock", "2027-07-01T08:59:59Z", "status"])
        .good()
        .prints("soon        2027-07-01T09:00:00Z: a drill");
    world
        .acme(&["--clock", "2027-07-01T09:00:00Z", "status"])
        .prints("overdue     2027-07-01T09:00:00Z: a drill of all keys; the last good one was 2026-07-01T09:00:00Z (quorate drill)")
        .fails(4, "1 thing is overdue")
        .says("each line that begins with overdue says what to do");
    // A drill of some keys is none of all.
    on(&world, "2027-07-01", &join(&[&pictures[..2]], &["drill", "k1", "--card"]))
        .good()
        .prints("  interval    not this one: the drill that the policy asks for takes all 10 key versions\n");
    on(&world, "2027-07-01", &["status"])
        .prints("; that of 2027-07-01T09:00:00Z was of 1 of 10, named (quorate drill)")
        .fails(4, "1 thing is overdue");
    let sample = ["drill", "--sample", "1", "--report", "r.json", "--card"];
    on(&world, "2027-07-01", &join(&[&pictures[..2]], &sample)).good().prints("  interval    not this one");
    on(&world, "2027-07-01", &["status"])
        .prints(
            "; that of 2027-07-01T09:00:00Z was of 1 of 10, drawn, too few for the policy (quorate drill)",
        )
        .fails(4, "1 thing is overdue");
    // Nor does its report say that the next one is due in a year.
    let report = String::from_utf8(world.read("r.json")).unwrap() + "\n";
    let report = json(&report);
    let due: Vec<_> = items(field(&report, "due")).iter().map(|one| text(one, "time")).collect();
    assert_eq!(due, ["2027-07-01T09:00:00Z", "2027-09-13T09:00:00Z"]);
    drill(&world, "2027-07-01", &pictures[..2]);
    on(&world, "2027-07-01", &["status"]).good();
    // Somebody puts last month's folder back: the log is whole, and the checkpoint on paper tells.
    fs::rename(world.path("acme"), world.path("true")).unwrap();
    fs::rename(&kept, world.path("acme")).unwrap();
    world.acme(&["log", "verify"]).good();
    world
        .acme(&["log", "verify", "--since", &checkpoint])
        .fails(4, "this is an old copy, or it was rolled back");
    world.run(&["-C", "true", "log", "verify", "--since", &checkpoint]).good();
}

#[test]
fn other_programs_read_metrics_and_calendar() {
    let (world, pictures) = founded();
    on(&world, "2026-01-03", &["generate", "signing", "--kind", "ed25519"]).good();
    check(&world, "2026-01-03", &pictures[..2]);
    world.write("watch.prom", "# HELP quorate_info An old one.\n");
    let files = ["status", "--prometheus", "watch.prom", "--ics", "due.ics"];
    on(&world, "2026-04-02", &files).fails(4, "1 thing is overdue");
    let calendar = String::from_utf8(world.read("due.ics")).unwrap();
    assert!(
        calendar.split_inclusive('\n').all(|line| line.ends_with("\r\n") && line.len() <= 77),
        "{calendar}"
    );
    let again = ["status", "--quiet", "--prometheus", "watch.prom", "--ics", "again.ics"];
    on(&world, "2026-04-02", &again).fails(4, "1 thing is overdue");
    assert_eq!(world.read("due.ics"), world.read("again.ics"), "the same watch is the same calendar");
    let left: Vec<_> = fs::read_dir(world.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".tmp")), "{left:?}");
    if let Some(read) = python(&world, &["watch.prom", "due.ics"]) {
        let value = json(&read);
        let metrics = items(field(&value, "metrics"));
        for (name, wanted) in [
            ("quorate_overdue card", 1),
            ("quorate_overdue drill", 0),
            ("quorate_key_versions active", 11),
            ("quorate_spare_cards", 1),
            ("quorate_recoverable", 1),
            ("quorate_readable", 1),
            ("quorate_sound", 1),
            ("quorate_findings altered", 0),
            ("quorate_overdue token", 0),
            ("quorate_watch_timestamp_seconds", 1_775_120_400),
        ] {
            let found = metrics.iter().find(|one| text(one, "name") == name).unwrap();
            assert_eq!(*field(found, "value"), quorate::wire::json::Json::Number(wanted), "{name}");
        }
        let events = items(field(&value, "events"));
        // Three cards, a drill, eleven keys; two of the cards were checked.
        assert_eq!(events.len(), 15);
        let first = &events[0];
        assert_eq!(text(first, "date"), "2026-04-01");
        assert!(
            text(first, "summary").contains("the card of carol (share 3), which nobody has read back yet")
        );
        assert!(events.iter().any(|event| text(event, "date") == "2029-01-02"), "private keys turn three");
    }
    // An item keeps its name when its day moves.
    let uid = |calendar: &str, what: &str| {
        let events: Vec<&str> = calendar.split("BEGIN:VEVENT").filter(|event| event.contains(what)).collect();
        events[0].lines().find(|line| line.starts_with("UID:")).unwrap().to_owned()
    };
    check(&world, "2026-04-02", &pictures);
    on(&world, "2026-04-02", &["status", "--ics", "due.ics"]).good();
    let moved = String::from_utf8(world.read("due.ics")).unwrap();
    assert_eq!(uid(&calendar, "card of carol"), uid(&moved, "card of carol"));
    // A place that can't be written is told, after what is due.
    on(&world, "2026-04-02", &["status", "--prometheus", "nowhere/watch.prom"])
        .prints("due         next ")
        .fails(1, "nowhere/watch.prom");
}

#[test]
fn only_our_own_files_are_replaced() {
    let (world, _) = founded();
    let write = |option: &str, path: &str| on(&world, "2026-01-03", &["status", option, path]);
    world.write("mine.txt", "a letter");
    world.write("empty", "");
    std::os::unix::fs::symlink("mine.txt", world.path("link")).unwrap();
    std::os::unix::fs::symlink("acme", world.path("into")).unwrap();
    fs::create_dir(world.path("folder")).unwrap();
    for option in ["--prometheus", "--ics"] {
        write(option, "/dev/null").fails(1, "/dev/null: is a link, a folder or a device, and stays");
        write(option, "link").fails(1, "link: is a link, a folder or a device, and stays");
        write(option, "folder").fails(1, "folder: is a link, a folder or a device, and stays");
        write(option, "mine.txt").fails(1, "mine.txt: is a file that this program didn't write");
        write(option, "empty").fails(1, "empty: is a file that this program didn't write");
        for inside in ["acme/new", "acme/keys/new", "into/new", "folder/../acme/new"] {
            write(option, inside).fails(1, "is in the escrow").says("name a file outside the escrow");
            assert!(!world.path(inside).exists());
        }
    }
    assert!(!fs::symlink_metadata("/dev/null").unwrap().is_file());
    assert!(fs::symlink_metadata(world.path("link")).unwrap().is_symlink());
    assert_eq!(world.read("mine.txt"), b"a letter");
    on(&world, "2026-01-03", &["status", "--prometheus", "one", "--ics", "folder/../one"])
        .fails(2, "--prometheus and --ics name the same file");
    assert!(!world.path("one").exists());
    // One that may not be written keeps the other from being written.
    on(&world, "2026-01-03", &["status", "--prometheus", "one", "--ics", "mine.txt"]).fails(1, "mine.txt");
    assert!(!world.path("one").exists());
    for _ in 0..2 {
        on(&world, "2026-01-03", &["status", "--prometheus", "one", "--ics", "two"]).good();
    }
    write("--ics", "one").fails(1, "one: is a file that this program didn't write");
}

#[test]
fn a_clock_that_cannot_be_right_is_refused() {
    let (world, _) = founded();
    // A machine whose clock lost its battery.
    let ran = world.acme(&["--clock", "1970-01-01T00:00:00Z", "status", "--prometheus", "watch.prom"]);
    ran.prints("keys        10 with 10 versions")
        .fails(1, "the clock says 1970-01-01T00:00:00Z, which is before the last record of the log (2026-01-02T09:00:00Z)")
        .says("set the machine's clock, or name the time with --clock");
    assert!(!world.path("watch.prom").exists(), "nothing is written that could be believed");
    on(&world, "2025-12-31", &["list", "--overdue"]).fails(1, "nothing can be said of what is due");
    on(&world, "2025-12-31", &["state", "k1", "--set", "suspended", "--reason", "r"])
        .fails(5, "which is before the last record");
    // Two machines' clocks differ by a little, and the last second that there is overflows nothing.
    world.acme(&["--clock", "2026-01-02T08:58:00Z", "status"]).good();
    world
        .acme(&["--clock", "9999-12-31T23:59:59Z", "status", "--ics", "late.ics"])
        .fails(4, "14 things are overdue");
    world.acme(&["--clock", "yesterday", "status"]).fails(2, "write it as 2026-11-23T20:00:00Z");
}

#[test]
fn keys_go_from_state_to_state() {
    let (world, pictures) = founded();
    let set = |day: &str, key: &str, state: &str| {
        on(&world, day, &["state", key, "--set", state, "--reason", "because"])
    };
    world.acme(&["state", "k1"]).good().prints("k1 version 1 is active since 2026-01-02T09:00:00Z\n  it can become suspended, deactivated, compromised, pre-activation\n");
    set("2026-01-03", "k1", "pre-activation").good().says("not to be used before it is active");
    set("2026-01-04", "k1", "active").good();
    set("2026-01-04", "k1", "pre-activation").fails(1, "was used or changed already");
    set("2026-01-05", "k1", "suspended").good();
    set("2026-01-05", "k1", "suspended")
        .fails(1, "k1 version 1 is suspended, and can't become suspended")
        .says("it can become active, deactivated, compromised");
    set("2026-01-06", "k1", "deactivated").good();
    set("2026-01-06", "k1", "active").fails(1, "k1 version 1 is deactivated, and can't become active");
    set("2026-01-07", "k2", "compromised").good().says("make the next version now");
    set("2026-01-07", "k2", "destroyed")
        .fails(2, "k2 version 1 is destroyed when its backup is")
        .says("quorate destroy backup k2@1");
    set("2026-01-07", "k3", "asleep").fails(2, "the states are pre-activation, active, suspended");
    set("2026-01-07", "nothing", "suspended").fails(1, "there is no key nothing");
    on(&world, "2026-01-07", &["state", "k3", "--set", "suspended", "--reason", ""])
        .fails(2, "the reason is empty");
    on(&world, "2026-01-07", &["state", "k3", "--set", "suspended"]).fails(2, "--reason");
    // A compromised version is to be replaced, now; a deactivated one is rotated no more.
    on(&world, "2026-01-07", &["status"])
        .prints("the next version of k2, since version 1 is compromised")
        .fails(4, "1 thing is overdue");
    let listed = on(&world, "2026-01-07", &["list", "--state", "compromised", "deactivated"]).good().out;
    let rows: Vec<Vec<&str>> =
        listed.lines().skip(1).map(|line| line.split_whitespace().take(4).collect()).collect();
    assert_eq!(rows, [["k1", "1", "aes-256", "deactivated"], ["k2", "1", "aes-256", "compromised"]]);
    on(&world, "2026-01-08", &["generate", "k2", "--kind", "aes-256"]).good();
    on(&world, "2026-01-08", &["status"]).good();
    // What protected data can be read as long as its key can be: a drill proves it, a recovery says what it is.
    drill(&world, "2026-01-09", &pictures[..2]);
    let recover = |key: &str, to: &str, more: &[&str]| {
        on(
            &world,
            "2026-01-09",
            &join(&[&pictures[..2]], &[&["recover", key, "--to", to], more, &["--card"]].concat()),
        )
    };
    recover("k2@1", "file:k2.key", &[])
        .good()
        .says("k2 version 1 is compromised since 2026-01-07T09:00:00Z: somebody else may have it");
    recover("k1", "file:k1.key", &[]).good().says("k1 version 1 is deactivated");
    assert!(!recover("k5", "file:k5.key", &[]).good().err.contains("active"));
    let shown = world.acme(&["show", "k2"]).good().out;
    assert!(shown.contains("  state        compromised since 2026-01-07T09:00:00Z\n"), "{shown}");
    world.acme(&["log", "verify"]).good();
}

const PLACE: &str = "arn:aws:kms:eu-west-1:1:key/a";

#[test]
fn what_is_not_to_protect_goes_to_no_provider() {
    let (world, pictures) = founded();
    super::kek::wrapping_key(&world, "kek.pem", 4096, "65537");
    let pem = String::from_utf8(world.read("kek.pem")).unwrap();
    let spki: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let download = format!(
        r#"{{"KeyId":"{PLACE}","ImportToken":"AAAA","PublicKey":"{spki}","ParametersValidTo":"2099-01-01T00:00:00Z"}}"#
    );
    world.write("aws.json", download);
    let request =
        ["--clock", "2026-01-02T10:00:00Z", "request", "aws", "--kind", "aes-256", "--from", "aws.json"];
    let ran = world.run(&request).good();
    let confirmed = super::kek::fingerprint(&ran);
    let package = |day: &str, key: &str, dir: &str, more: &[&str]| {
        let words = ["recover", key, "--to", dir, "--for", "request.json", "--wrapping-key", &confirmed];
        on(&world, day, &join(&[&pictures[..2]], &[&words, more, &["--card"]].concat()))
    };
    for (key, state) in [("k1", "suspended"), ("k2", "deactivated"), ("k3", "compromised")] {
        on(&world, "2026-01-03", &["state", key, "--set", state, "--reason", "because"]).good();
        package("2026-01-03", key, "package:refused", &[])
            .fails(1, &format!("{key} version 1 is {state}"))
            .says("--despite-state brings this one all the same");
        assert!(!world.path("refused").exists());
    }
    package("2026-01-03", "k3", "package:forced", &["--despite-state"])
        .good()
        .says("somebody else may have it");
    package("2026-01-03", "k4", "package:good", &[]).good();
    // A package that nobody imports lapses; what was packaged for a provider is found by it.
    let listed = on(&world, "2026-01-03", &["list", "--provider", "aws"]).good().out;
    assert_eq!(listed.lines().count(), 3, "{listed}");
    on(&world, "2026-01-03", &["list", "--provider", "aws", "--state", "active"])
        .good()
        .prints("k4    1        aes-256  active");
    on(&world, "2026-01-03", &["list", "--provider", "gcp"]).good().prints("no key version is like that");
    check(&world, "2026-02-01", &pictures);
    on(&world, "2026-02-02", &["status"])
        .prints("overdue     2026-02-02T09:00:00Z: the import of k4 version 1 at aws arn:aws:kms:eu-west-1:1:key/a; its package is of 2026-01-03T09:00:00Z")
        .fails(4, "2 things are overdue");
    // Imported, it is due again as the policy says, and no more once it was destroyed there.
    let id = "ab".repeat(32);
    on(&world, "2026-02-02", &["import", "record", "k4", "--package", "good", "--material-id", &id]).good();
    world.write("p.toml", "[[import]]\nprovider = \"aws\"\ndays = 10\n");
    on(&world, "2026-02-02", &["policy", "set", "p.toml"]).good();
    on(&world, "2026-02-02", &["status"]).fails(4, "1 thing is overdue");
    on(&world, "2026-02-02", &["generate", "k3", "--kind", "aes-256"]).good();
    on(&world, "2026-02-02", &["status"]).good();
    let destroy = [
        "destroy",
        "provider",
        "k4@1",
        "--provider",
        "aws",
        "--witness",
        "Wim",
        "--witness",
        "Vera",
        "--reason",
        "key deleted",
        "--yes-destroy",
        "k4@1",
    ];
    on(&world, "2026-02-12", &["status"])
        .prints("k4 version 1 has to be imported again: aws at arn:aws:kms:eu-west-1:1:key/a will forget it")
        .fails(4, "1 thing is overdue");
    on(&world, "2026-02-12", &destroy)
        .good()
        .prints("certificate 1: the copy of k4 version 1 at aws arn:aws:kms:eu-west-1:1:key/a is destroyed");
    on(&world, "2026-02-12", &["status"]).good();
}

#[test]
fn each_operator_may_say_what_their_role_lets_them() {
    let world = staffed();
    world.write("p.toml", "drill-days = 100\n");
    at(&world, 2, "dave", &["generate", "orders", "--kind", "aes-256"]).good();
    at(&world, 3, "dave", &["policy", "set", "p.toml"])
        .fails(1, "dave is an operator of this escrow, but no founder");
    at(&world, 3, "", &["policy", "set", "p.toml"]).fails(1, "no key to sign with is named");
    at(&world, 3, "flora", &["policy", "set", "p.toml"]).good();
    at(&world, 4, "dave", &["state", "orders", "--set", "suspended", "--reason", "r"]).good();
    at(&world, 4, "rita", &["custodian", "lost", "bob", "--reason", "r"]).good();
    let destroy = [
        "destroy",
        "card",
        "alice",
        "--witness",
        "Wim",
        "--witness",
        "Vera",
        "--reason",
        "r",
        "--yes-destroy",
        "alice",
    ];
    at(&world, 5, "rita", &destroy).fails(1, "but no founder");
    at(&world, 5, "eve", &["custodian", "lost", "carol", "--reason", "r"]).fails(1, "is no operator's");
    at(&world, 6, "", &["log", "verify"]).good();
    at(&world, 6, "", &["status"]).fails(4, "overdue");
}

#[test]
fn two_writers_at_once_set_one_state_each() {
    let (world, _) = founded();
    let start = |key: &&str| {
        let words = [
            "-C",
            "acme",
            "--clock",
            "2026-01-03T09:00:00Z",
            "state",
            key,
            "--set",
            "suspended",
            "--reason",
            "r",
        ];
        world.command(&words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running: Vec<_> = TEN.iter().map(start).collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let listed = world.acme(&["list", "--state", "suspended"]).good().out;
    assert_eq!(listed.lines().count(), 11, "{listed}");
    world.acme(&["log", "verify"]).good();
}

#[test]
fn jq_and_sha256sum_read_what_status_and_list_say() {
    let (world, _) = founded();
    on(&world, "2026-01-03", &["state", "k1", "--set", "suspended", "--reason", "r"]).good();
    let stock = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(world.root());
        let ran = command
            .env("QUORATE", env!("CARGO_BIN_EXE_quorate"))
            .env_remove("QUORATE_ESCROW")
            .output()
            .unwrap();
        assert!(ran.status.success(), "{script}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    };
    if Command::new("jq").arg("--version").output().is_err() {
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "no jq on this machine");
        return;
    }
    let said = stock("$QUORATE -C acme --json list | jq -r '.[] | select(.state == \"suspended\") | .name'");
    assert_eq!(said, "k1\n");
    // Each line of the log names the SHA-256 of the one before.
    let said = stock(
        "cat acme/log/*.jsonl > all && head -n -1 all | tail -n 1 | sha256sum | cut -c1-64 && tail -n 1 all | jq -r .prev",
    );
    let mut lines = said.lines();
    assert_eq!(lines.next(), lines.next());
    let said = stock("tail -n 1 all | jq -c '[.op, .details.from, .details.to, .details.reason]'");
    assert_eq!(said, "[\"state\",\"active\",\"suspended\",\"r\"]\n");
}

#[test]
fn many_of_a_kind_are_counted() {
    let (world, _) = founded();
    let more: Vec<String> = (0..15).map(|number| format!("more-{number}")).collect();
    on(&world, "2026-01-02", &join(&[&more], &["generate", "--kind", "aes-256"])).good();
    // Three cards, a drill, twenty keys, and how many more.
    let quiet = on(&world, "2029-01-03", &["status", "-q"]).fails(4, "29 things are overdue").out;
    assert_eq!(quiet.lines().count(), 25, "{quiet}");
    assert!(quiet.ends_with("overdue     5 more of rotation; --json lists up to 1000\n"), "{quiet}");
    let value = on(&world, "2029-01-03", &["--json", "status"]).fails_with_json(4).out;
    assert_eq!(items(field(&json(&value), "due")).len(), 29);
}
