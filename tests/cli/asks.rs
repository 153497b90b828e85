//! What a watch must not keep to itself: keys that leaked, backups that are gone, cards that should not be there.

use super::operators::{at, staffed};
use super::walk::{field, items, json, text};
use super::watch::{check, drill, founded, on};
use super::world::{SKIP, World, join};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const SEEN: [&str; 6] = ["--witness", "Wim", "--witness", "Vera", "--reason", "its data is gone"];

#[test]
fn a_leaked_key_is_asked_for_until_it_is_replaced_or_nobody_wants_it() {
    let (world, _) = founded();
    let set = |key: &str, state: &str| {
        on(&world, "2026-01-03", &["state", key, "--set", state, "--reason", "because"])
    };
    set("k1", "compromised").good();
    set("k2", "compromised").good();
    for key in ["k1@1", "k2@1"] {
        let words = [&["destroy", "backup", key, "--yes-destroy", key][..], &SEEN].concat();
        on(&world, "2026-01-04", &words).good();
    }
    // Two years later it is still asked for; what else lapsed by then is not the question here.
    let asked = |day: &str, key: &str| {
        let out = on(&world, day, &["status"]).out;
        out.contains(&format!(
            "overdue     2026-01-03T09:00:00Z: the next version of {key}, since version 1 is compromised (quorate generate {key} --kind KIND, or quorate state {key} --retire --reason TEXT)"
        ))
    };
    assert!(asked("2026-01-04", "k1") && asked("2028-01-04", "k1") && asked("2028-01-04", "k2"));
    let overdue = on(&world, "2026-01-04", &["list", "--overdue"]).good().out;
    assert_eq!(overdue.lines().count(), 3, "{overdue}");
    on(&world, "2026-01-05", &["generate", "k1", "--kind", "aes-256"]).good();
    assert!(!asked("2026-01-05", "k1") && asked("2026-01-05", "k2"));
    // A version that waits is none.
    set("k1@2", "pre-activation").fails(5, "before the last record");
    on(&world, "2026-01-05", &["state", "k1@2", "--set", "pre-activation", "--reason", "r"]).good();
    on(&world, "2026-01-05", &["status"])
        .prints("version 2 of k1 is not active yet, and version 1 is compromised (quorate state k1@2 --set active --reason TEXT)")
        .fails(4, "overdue");
    let retire =
        |key: &str, more: &[&str]| on(&world, "2026-01-06", &[&["state", key, "--retire"], more].concat());
    let why = ["--reason", "its system is switched off"];
    retire("k2", &[]).fails(2, "--reason");
    retire("k2@1", &why).fails(2, "a key is retired, not one of its versions");
    retire("k2", &["--set", "active", "--reason", "r"]).fails(2, "cannot be used with");
    retire("k3", &why)
        .fails(1, "k3 version 1 is active, so the key is in use")
        .says("quorate state k3@1 --set deactivated");
    retire("nothing", &why).fails(1, "there is no key nothing");
    retire("k2", &["--reason", " "]).fails(2, "the reason is empty");
    retire("k2", &why).good().prints("no further version of k2 is wanted\n");
    retire("k2", &why).fails(1, "no further version of k2 is wanted already");
    assert!(!asked("2028-01-04", "k2"));
    world
        .acme(&["state", "k2"])
        .good()
        .prints("k2 version 1 is destroyed-compromised")
        .prints("  no further version is wanted since 2026-01-06T09:00:00Z");
    world.acme(&["log", "verify"]).good();
}

#[test]
fn a_founder_says_that_none_is_wanted() {
    let world = staffed();
    at(&world, 2, "dave", &["generate", "orders", "--kind", "aes-256"]).good();
    at(&world, 3, "dave", &["state", "orders", "--set", "compromised", "--reason", "r"]).good();
    let retire = ["state", "orders", "--retire", "--reason", "r"];
    for by in ["dave", "rita"] {
        at(&world, 4, by, &retire).fails(1, "but no founder");
    }
    at(&world, 4, "", &["status"]).fails(4, "overdue");
    at(&world, 5, "flora", &retire).good();
    at(&world, 6, "", &["status"]).good();
}

#[test]
fn a_suspension_ends() {
    let (world, pictures) = founded();
    on(&world, "2026-01-03", &["state", "k1", "--set", "suspended", "--reason", "r"]).good();
    check(&world, "2026-03-01", &pictures);
    on(&world, "2026-04-02", &["status"]).good();
    on(&world, "2026-04-03", &["status"])
        .prints("overdue     2026-04-03T09:00:00Z: the end of the suspension of k1 version 1, which is of 2026-01-03T09:00:00Z (quorate state k1@1 --set active --reason TEXT, or --set deactivated)")
        .fails(4, "1 thing is overdue");
    world.write("p.toml", "suspended-days = 200\nleave-days = \"never\"\ndrill-percent = 5\n");
    on(&world, "2026-04-03", &["policy", "set", "p.toml"]).good();
    on(&world, "2026-04-03", &["status"]).good();
    on(&world, "2026-04-03", &["policy", "show"])
        .good()
        .prints("  a suspension ends     within 200 days\n")
        .prints("  closed in a token     whenever it is\n")
        .prints("less than 5 % are bad\n");
    let shown = on(&world, "2026-04-03", &["--json", "policy", "show"]).good().out;
    assert!(
        shown.starts_with("{\"drill-percent\":5,\"policy\":{") && shown.contains("\"suspended-days\":200")
    );
    for (policy, words) in [
        ("suspended-days = 0", "suspended-days: write a whole number from 1 to 3653, or \"never\""),
        ("leave-days = \"no\"", "leave-days: write a whole number from 1 to 3653, or \"never\""),
        ("drill-percent = 0", "drill-percent: write a whole number from 1 to 100"),
        ("drill-percent = 101", "drill-percent: write a whole number from 1 to 100"),
    ] {
        world.write("p.toml", policy);
        on(&world, "2026-04-03", &["policy", "set", "p.toml"]).fails(2, words);
    }
    on(&world, "2026-04-04", &["state", "k1", "--set", "active", "--reason", "r"]).good();
}

/// The value of a metric.
fn metric(world: &World, name: &str) -> Option<u64> {
    let text = String::from_utf8(world.read("q.prom")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.map(|value| value.parse().unwrap())
}

fn backup(world: &World, name: &str) -> PathBuf {
    let shown = world.acme(&["--json", "show", name]).good().out;
    world.path(&format!("acme/{}", text(&items(&json(&shown))[0], "backup")))
}

#[test]
fn metrics_say_that_an_escrow_is_not_what_its_log_says() {
    let (world, _) = founded();
    let status = || on(&world, "2026-01-03", &["status", "--quiet", "--prometheus", "q.prom"]);
    let health =
        || ["quorate_readable", "quorate_sound"].map(|name| metric(&world, name).unwrap_or(u64::MAX));
    assert_eq!(status().good().out, "");
    assert_eq!(health(), [1, 1]);
    // One backup is gone, one was altered; without metrics nobody reads them.
    let (gone, altered) = (backup(&world, "k1"), backup(&world, "k2"));
    let (first, second) = (fs::read(&gone).unwrap(), fs::read(&altered).unwrap());
    fs::remove_file(&gone).unwrap();
    fs::write(&altered, &first).unwrap();
    fs::write(world.path("acme/notes.txt"), "mine").unwrap();
    on(&world, "2026-01-03", &["status"]).good();
    let out = status().fails(4, "this escrow is not what its log says").out;
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(
        out.contains("found       keys/") && out.contains("is missing although the log names it"),
        "{out}"
    );
    assert_eq!(health(), [1, 0]);
    for (word, count) in [("missing", 1), ("altered", 1), ("foreign", 1), ("undestroyed", 0)] {
        let name = format!("quorate_findings{{what=\"{word}\"}}");
        assert_eq!(metric(&world, &name), Some(count), "{word}");
    }
    fs::write(&gone, &first).unwrap();
    fs::write(&altered, &second).unwrap();
    // What does no harm is counted, and told of when somebody asks for words.
    status().good();
    assert_eq!(health(), [1, 1]);
    on(&world, "2026-01-03", &["status", "--prometheus", "q.prom"])
        .good()
        .prints("found       notes.txt does not belong to an escrow");
    // The quorum's record, a file of the log, the whole folder: nothing can be said but that.
    for lost in [
        fs::read_dir(world.path("acme/quorum")).unwrap().next().unwrap().unwrap().path(),
        world.path("acme/log/000000000002.jsonl"),
        world.path("acme"),
    ] {
        fs::rename(&lost, world.path("lost")).unwrap();
        let ran = status();
        assert!(matches!(ran.status, Some(1 | 4)), "{ran:?}");
        assert_eq!((health(), metric(&world, "quorate_log_records")), ([0, 0], None), "{}", lost.display());
        assert_eq!(metric(&world, "quorate_watch_timestamp_seconds"), Some(1_767_430_800));
        fs::rename(world.path("lost"), &lost).unwrap();
        status().good();
        assert_eq!(health(), [1, 1]);
    }
    // A file that is none of ours stays, and that is said on top of what is wrong.
    world.write("letter", "a letter");
    fs::rename(world.path("acme"), world.path("lost")).unwrap();
    on(&world, "2026-01-03", &["status", "--prometheus", "letter"])
        .fails(1, "there is no escrow here")
        .says("quorate: warning: letter: is a file that this program didn't write");
    assert_eq!(world.read("letter"), b"a letter");
}

/// Two cards that should not be there: bob's was destroyed, carol's was lost.
fn gone(world: &World, day: &str) {
    let words = [&["destroy", "card", "bob", "--yes-destroy", "bob"][..], &SEEN].concat();
    on(world, day, &words).good();
    on(world, day, &["custodian", "lost", "carol", "--stolen", "--reason", "a break-in"]).good();
}

const DESTROYED: &str =
    "the log says that the card of bob was destroyed 2026-01-04T09:00:00Z (certificate 1)";
const STOLEN: &str = "the log has the card of carol as stolen since 2026-01-04T09:00:00Z";

/// The exceptions in a report.
fn exceptions(world: &World, file: &str) -> Vec<String> {
    let report = String::from_utf8(world.read(file)).unwrap() + "\n";
    let report = json(&report);
    let text = |one: &quorate::wire::json::Json<'_>| match one {
        quorate::wire::json::Json::Text(text) => text.to_string(),
        other => panic!("{other:?}"),
    };
    items(field(&report, "exceptions")).iter().map(text).collect()
}

#[test]
fn every_ceremony_hears_of_cards_that_should_not_be_there() {
    let (world, _) = founded();
    let cards = world.typed(&["bob", "carol"]);
    let shown = world.acme(&["show", "k1"]).good().out;
    let fingerprint = shown.lines().find_map(|line| line.trim().strip_prefix("fingerprint  ")).unwrap();
    world.acme(&["print", "backup", "k1"]).good();
    let copied = Command::new("cp").args(["-a", "acme", "old"]).current_dir(world.root()).status();
    assert!(copied.unwrap().success());
    gone(&world, "2026-01-04");
    let told = |words: &[&str]| {
        let report = format!("{}.json", world.root().read_dir().unwrap().count());
        let words = [&words[..1], &["--report", &report], &words[1..], &["--card"]].concat();
        on(&world, "2026-01-05", &join(&[&cards], &words)).good().says(DESTROYED).says(STOLEN);
        let said = exceptions(&world, &report);
        for wanted in [DESTROYED, STOLEN] {
            assert!(said.iter().any(|one| one.starts_with(wanted)), "{words:?}: {said:?}");
        }
    };
    told(&["drill"]);
    told(&["recover", "k1", "--to", "file:k1.key"]);
    // From a backup sheet, and the log of the escrow.
    told(&["recover", "k1", "--to", "file:again.key", "--sheet", "k1-1.backup.pdf"]);
    // The same by an operator's guide: a package for a provider.
    super::kek::wrapping_key(&world, "kek.pem", 4096, "65537");
    let pem = String::from_utf8(world.read("kek.pem")).unwrap();
    let spki: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let place = "arn:aws:kms:eu-west-1:1:key/a";
    let download = format!(
        r#"{{"KeyId":"{place}","ImportToken":"AAAA","PublicKey":"{spki}","ParametersValidTo":"2099-01-01T00:00:00Z"}}"#
    );
    world.write("aws.json", download);
    let request =
        ["--clock", "2026-01-04T10:00:00Z", "request", "aws", "--kind", "aes-256", "--from", "aws.json"];
    let confirmed = super::kek::fingerprint(&world.run(&request).good());
    told(&["recover", "k2", "--to", "package:p", "--for", "request.json", "--wrapping-key", &confirmed]);
    // From paper alone, into an old copy that doesn't know the key: what it knows of the cards, it says.
    let newer = on(&world, "2026-01-05", &["generate", "late", "--kind", "aes-256"]).good();
    drop(newer);
    world.acme(&["print", "backup", "late"]).good();
    let shown = world.acme(&["show", "late"]).good().out;
    let late = shown.lines().find_map(|line| line.trim().strip_prefix("fingerprint  ")).unwrap();
    let old = |words: &[&str]| {
        let all = [&["-C", "old", "--clock", "2026-01-04T09:00:00Z"][..], words].concat();
        world.run(&all)
    };
    old(&[&["destroy", "card", "bob", "--yes-destroy", "bob"][..], &SEEN].concat()).good();
    let words = ["recover", "late", "--to", "file:late.key", "--sheet", "late-1.backup.pdf", "--fingerprint"];
    let words = [&words[..], &[late, "--report", "s.json", "--card"]].concat();
    old(&join(&[&cards], &words)).good().says("perhaps it is an old copy").says(DESTROYED);
    assert!(exceptions(&world, "s.json").iter().any(|one| one.starts_with(DESTROYED)));
    // And in a log of its own, which knows of no card, there is nothing to say.
    let words = [
        "recover",
        "k1",
        "--to",
        "file:alone.key",
        "--sheet",
        "k1-1.backup.pdf",
        "--log-to",
        "log",
        "--fingerprint",
    ];
    let words = [&words[..], &[fingerprint, "--card"]].concat();
    let ran = world.run(&join(&[&cards], &words)).good();
    assert!(!ran.err.contains("the log says that the card"), "{ran:?}");
    drill(&world, "2026-01-06", &cards);
}

#[test]
fn custodians_who_name_an_operator_hear_of_it_too() {
    let world = staffed();
    let cards = world.typed(&["bob", "carol"]);
    let destroy = [&["destroy", "card", "bob", "--yes-destroy", "bob"][..], &SEEN].concat();
    at(&world, 2, "flora", &destroy).good();
    at(&world, 2, "rita", &["custodian", "lost", "carol", "--reason", "r"]).good();
    let ran = at(&world, 2, "rita", &["custodian", "found", "carol", "--reason", "r"])
        .fails(1, "quorate: error: that the card of share 3 is found is for a founder to say\n")
        .says("name the key of one with --sign-with");
    assert!(!ran.err.contains("jsonl"), "{ran:?}");
    let words = ["operator", "add", "new", "--key", "new.pub", "--role", "founder", "--card"];
    at(&world, 3, "", &join(&[&cards], &words))
        .good()
        .says("the log says that the card of bob was destroyed 2026-11-23T20:02:00Z (certificate 1)")
        .says("the log has the card of carol as lost since 2026-11-23T20:02:00Z");
}

/// Every name of a metric in a text.
fn names(text: &str) -> BTreeSet<String> {
    let word =
        |rest: &str| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>();
    text.match_indices("quorate_").map(|(at, _)| word(&text[at..])).collect()
}

/// The guide says of each metric when to tell somebody, and its rules ask for what there is. Prometheus' own tool runs
/// them over the days of an escrow, where it is installed.
#[test]
fn every_metric_has_its_row_and_the_rules_hold() {
    let (world, pictures) = founded();
    drill(&world, "2026-01-03", &pictures[..2]);
    on(&world, "2026-01-03", &["status", "--prometheus", "q.prom"]).good();
    let written = names(&String::from_utf8(world.read("q.prom")).unwrap());
    let guide = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operator.md")).unwrap();
    let section = guide.split("### Metrics and alerts\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let (table, rules) = section.split_once("```yaml\n").unwrap();
    let rules = rules.split("```").next().unwrap();
    assert_eq!(names(table), written, "rows of the guide, and metrics");
    assert!(names(rules).is_subset(&written), "{:?}", names(rules));
    if Command::new("promtool").arg("--version").output().is_err() {
        eprintln!("left out: what promtool says of the rules");
        return;
    }
    world.write("rules.yml", rules);
    let story = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/watch/alerts.yml");
    fs::copy(story, world.path("alerts.yml")).unwrap();
    let ran =
        Command::new("promtool").args(["test", "rules", "alerts.yml"]).current_dir(world.root()).output();
    let ran = ran.unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// Who retires a key doesn't know of a later compromise; and a version that was ended hides none before it.
#[test]
fn nothing_hides_a_compromise_but_a_founder_who_knows_of_it() {
    let world = World::new();
    world
        .run(
            &[
                &["--clock", "2026-01-01T09:00:00Z", "init", "acme", "-t", "2", "-c"][..],
                &["a=open", "b=open", "c=open"],
                &SKIP,
            ]
            .concat(),
        )
        .good();
    let say = |day: &str, words: &[&str]| on(&world, day, words);
    say("2026-01-02", &["generate", "k", "l", "--kind", "aes-256"]).good();
    let set = |name: &'static str, state: &'static str| ["state", name, "--set", state, "--reason", "tests"];
    let asks = |day: &str, text: &str| say(day, &["status", "--quiet"]).out.contains(text);
    say("2026-01-03", &set("k@1", "deactivated")).good();
    say("2026-01-03", &["state", "k", "--retire", "--reason", "tests"]).good();
    assert!(!asks("2026-01-03", "k version 1"));
    say("2026-01-04", &set("k@1", "compromised")).good();
    assert!(asks("2026-01-04", "the next version of k, since version 1 is compromised"));
    say("2026-01-04", &["state", "k", "--retire", "--reason", "tests"]).good();
    assert!(!asks("2026-01-04", "the next version of k"));
    say("2026-01-04", &set("l@1", "compromised")).good();
    say("2026-01-04", &["generate", "l", "--kind", "aes-256"]).good();
    say("2026-01-05", &set("l@2", "deactivated")).good();
    assert!(asks("2026-01-05", "the next version of l, since version 1 is compromised"));
    say("2026-01-05", &["state", "l", "--retire", "--reason", "tests"]).good();
    assert!(!asks("2026-01-05", "the next version of l"));
}

/// As many stolen cards as a recovery takes are the keys in somebody else's hand, whatever is left.
#[test]
fn enough_stolen_cards_are_an_alarm() {
    let world = World::new();
    let founding = ["--clock", "2026-01-01T09:00:00Z", "init", "acme", "-t", "2", "-c"];
    world.run(&[&founding[..], &["a=open", "b=open", "c=open", "d=open", "e=open"], &SKIP].concat()).good();
    let stolen = |name: &str| {
        on(&world, "2026-01-02", &["custodian", "lost", name, "--stolen", "--reason", "a burglary"])
    };
    let overdue = || on(&world, "2026-01-02", &["status", "--quiet"]).out;
    stolen("a").good();
    assert!(!overdue().contains("stolen"));
    stolen("b").good();
    assert!(overdue().contains("2 cards are stolen and 2 open every key"), "{}", overdue());
    // A certificate doesn't bring back what was read before.
    let words = [
        "destroy",
        "card",
        "a",
        "--witness",
        "Wim",
        "--witness",
        "Vera",
        "--reason",
        "found burnt",
        "--yes-destroy",
        "a",
    ];
    on(&world, "2026-01-02", &words).good();
    assert!(overdue().contains("2 cards are stolen and 2 open every key"), "{}", overdue());
}

/// A report that has nowhere to go is told before anybody brings a card.
#[test]
fn a_report_into_no_folder_is_told_before_the_ceremony() {
    let world = World::new();
    let words = ["init", "acme", "-t", "2", "--report", "nodir/r.pdf", "-c", "a=open", "b=open", "c=open"];
    world.run(&[&words[..], &SKIP].concat()).fails(1, "nodir: there is no such folder");
    assert!(!world.path("acme").exists());
}
