//! Policies: what holds from their record on, and what nobody can keep.

use super::walk::{field, items, json, text};
use super::watch::{TEN, check, drill, founded, on};
use super::world::{SKIP, World, join};
use std::fs;

const POLICY: &str = r#"
drill-days = 180
card-days = 30
spare-cards = 1
open-days = 2
package-days = "never"
reports = ["drill"]
separation = ["site", "manager"]

[[rotation]]
name = "root-*"
days = "never"

[[rotation]]
name = "*"
kind = "aes-256"
days = 90

[[import]]
provider = "aws"
days = 300

[[custodian]]
name = "alice"
site = "Berlin"
manager = "Zoe"

[[custodian]]
name = "bob"
site = "Lyon"
manager = "Yves"

[[custodian]]
name = "carol"
site = "Turin"
manager = "Xenia"
persons = ["carol", "chris"]
"#;

#[test]
fn a_policy_holds_from_its_record_on() {
    let (world, pictures) = founded();
    on(&world, "2026-01-03", &["policy", "show"]).good().prints("nobody has set a policy; these hold:");
    drill(&world, "2026-01-03", &pictures[..2]);
    world.write("policy.toml", POLICY);
    on(&world, "2026-01-04", &["policy", "set", "policy.toml"])
        .good()
        .prints("the policy of policy.toml holds from now on");
    on(&world, "2026-01-04", &["policy", "show"])
        .good()
        .prints("set 2026-01-04T09:00:00Z (record 26)")
        .prints("  a drill of all keys   every 180 days\n")
        .prints("  rotation of root-*  never\n")
        .prints("  custodian carol: at Turin; answers to Xenia; the card is within reach of carol, chris\n");
    on(&world, "2026-01-05", &["generate", "root-ca", "--kind", "aes-256"]).good();
    check(&world, "2026-01-05", &pictures);
    // What was begun and drilled before the policy needs no report; what comes then does.
    on(&world, "2026-01-06", &["status"]).good();
    drill(&world, "2026-01-06", &pictures[..2]);
    on(&world, "2026-01-06", &["status"])
        .prints("a report of the ceremony (drill) that ended with record 31 is missing (add --report FILE.json to the next one)")
        .fails(4, "1 thing is overdue");
    // It is told before anybody brings a card: this one comes to nothing.
    on(&world, "2026-01-06", &["drill", "--card", &pictures[0]])
        .fails(3, "the quorum is not reached")
        .says("the policy asks for a report of this (drill), which stays owed when none is made");
    // Another policy doesn't forgive it, not even one that asks for none.
    world.write("lenient.toml", POLICY.replace("reports = [\"drill\"]", ""));
    for file in ["policy.toml", "lenient.toml", "policy.toml"] {
        on(&world, "2026-01-06", &["policy", "set", file]).good();
        on(&world, "2026-01-06", &["status"])
            .prints("ended with record 31 is missing")
            .fails(4, "1 thing is overdue");
    }
    on(&world, "2026-01-07", &join(&[&pictures[..2]], &["drill", "--report", "d.json", "--card"])).good();
    on(&world, "2026-01-07", &["status"]).good();
    let report = String::from_utf8(world.read("d.json")).unwrap() + "\n";
    let report = json(&report);
    let due: Vec<_> = items(field(&report, "due")).iter().map(|one| text(one, "time")).collect();
    assert_eq!(due, ["2026-07-06T09:00:00Z", "2026-02-04T09:00:00Z"], "by the policy, as `status` has it");
    check(&world, "2026-03-20", &pictures);
    let status = on(&world, "2026-04-02", &["status"]).fails(4, "10 things are overdue").out;
    assert!(status.contains("overdue     2026-04-02T09:00:00Z: the next version of k3; version 1 is of 2026-01-02T09:00:00Z (quorate generate k3 --kind KIND)"), "{status}");
    assert!(!status.contains("root-ca"), "{status}");
    let overdue = on(&world, "2026-04-02", &["list", "--overdue"]).good().out;
    assert_eq!(overdue.lines().count(), 11, "{overdue}");
    on(&world, "2026-04-02", &["list", "--overdue", "--kind", "ed25519"])
        .good()
        .prints("no key version is like that");
    on(&world, "2026-04-02", &[&["generate"][..], &TEN, &["--kind", "aes-256"]].concat()).good();
    on(&world, "2026-04-02", &["status"]).good();
    let by = on(&world, "2026-04-02", &["--json", "list", "--due-by", "2026-07-01T09:00:00Z"]).good().out;
    let by = json(&by);
    assert_eq!(items(&by).len(), 10);
    assert_eq!(
        (text(&items(&by)[0], "due"), text(&items(&by)[0], "state")),
        ("2026-07-01T09:00:00Z", "active")
    );
}

#[test]
fn a_policy_that_nobody_can_keep_is_refused() {
    let (world, _) = founded();
    let before = world.acme(&["log", "show"]).good().out;
    let refused = |policy: &str, status, words: &str, hint: &str| {
        world.write("p.toml", policy);
        on(&world, "2026-01-03", &["policy", "set", "p.toml"]).fails(status, words).says(hint);
    };
    refused("drill-days = 0", 2, "line 1: drill-days: write a whole number from 1 to 3653", "The policy");
    refused(
        "\ndril-days = 9",
        2,
        "line 2: the policy has no field \"dril-days\"; did you mean drill-days?",
        "The policy",
    );
    refused("package-days = \"often\"", 2, "write a whole number from 1 to 3653, or \"never\"", "The policy");
    refused("reports = [\"salvage\"]", 2, "\"salvage\" is not known here: write found, recover or drill", "");
    refused("separation = [\"site\", \"site\"]", 2, "\"site\" is there twice", "");
    refused("[[rotation]]\nname = \"a b\"\ndays = 3", 2, "line 2: name: a key's name is letters", "");
    refused("[[rotation]]\nname = \"a\"", 2, "[[rotation]] needs the field days", "");
    refused("[[import]]\nprovider = \"nasa\"\ndays = 3", 2, "line 2: provider: ", "");
    refused(
        "spare-cards = 2",
        1,
        "a quorum of 2 of 3 has 1 when none is lost",
        "set spare-cards to at most 1",
    );
    refused("[[custodian]]\nname = \"dave\"", 1, "dave is no custodian of this quorum", "use the names");
    let twice = "[[custodian]]\nname = \"bob\"\n[[custodian]]\nname = \"bob\"";
    refused(twice, 1, "the custodian bob is there twice", "write one");
    refused("separation = [\"site\"]", 1, "the site of alice isn't said", "write it in [[custodian]]");
    let two = |field: &str| {
        let one = |name: &str, value: &str| format!("[[custodian]]\nname = {name:?}\n{field} = {value}\n");
        one("alice", "\"one\"") + &one("bob", "\"one\"") + &one("carol", "\"two\"")
    };
    let rule = |rule: &str| format!("separation = [{rule:?}]\n{}", two(rule));
    refused(
        &rule("manager"),
        1,
        "alice, bob answer to one, who could have every key recovered",
        "give cards to others",
    );
    refused(&rule("site"), 1, "the cards of alice, bob are at one, which is enough", "give cards to others");
    // A deputy for two is one person with a quorum, whatever the policy says of sites.
    let deputy = two("persons").replace("\"one\"", "[\"alice\", \"ann\"]").replace("\"two\"", "[\"carol\"]");
    refused(&deputy, 1, "alice has the cards of alice, bob and could recover every key alone", "give cards");
    // Names are compared as people read them.
    let spelt = two("site").replacen("\"one\"", "\"ONE\"", 1);
    let spelt = format!("separation = [\"site\"]\n{spelt}");
    refused(&spelt, 1, "the cards of alice, bob are at ONE, which is enough", "give cards to others");
    let space = rule("site").replacen("\"one\"", "\"one \"", 1);
    refused(&space, 1, "the cards of alice, bob are at one, which is enough", "give cards to others");
    let rules = "[[rotation]]\nname = \"a\"\ndays = 3\n[[rotation]]\nname = \"a\"\ndays = 4";
    refused(rules, 1, "there are two rules [[rotation]] for a", "write one of them");
    let rules = "[[import]]\nprovider = \"aws\"\ndays = 3\n[[import]]\nprovider = \"aws\"\ndays = 4";
    refused(rules, 1, "there are two rules [[import]] for aws", "write one of them");
    refused(&"#".repeat(70_000), 1, "p.toml: is longer than the 65536 bytes", "");
    world.acme(&["policy", "set", "absent.toml"]).fails(1, "absent.toml");
    assert_eq!(world.acme(&["log", "show"]).good().out, before, "nothing of it left a trace");
    // Three of five in three places: without one of them, two are left.
    let other = World::new();
    let five = ["a=open", "b=open", "c=open", "d=open", "e=open"];
    other.run(&[&["init", "acme", "-t", "4", "-c"][..], &five, &SKIP].concat()).good();
    let one = |(name, site): (&str, &str)| format!("[[custodian]]\nname = {name:?}\nsite = {site:?}\n");
    let sites = [("a", "x"), ("b", "x"), ("c", "y"), ("d", "z"), ("e", "w")].map(one).concat();
    other.write("p.toml", format!("separation = [\"site\"]\n{sites}"));
    other
        .acme(&["policy", "set", "p.toml"])
        .fails(1, "the cards of a, b are at x: without that site no key could be recovered");
}

/// The blocks of the operator's guide in TOML: the script of a ceremony, and a policy.
fn blocks() -> Vec<String> {
    let guide = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operator.md")).unwrap();
    let blocks = guide.split("```toml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_policies_of_the_guide_hold() {
    let (world, _) = founded();
    let blocks = blocks();
    world.write("policy.toml", &blocks[1]);
    on(&world, "2026-01-03", &["policy", "set", "policy.toml"]).good();
    on(&world, "2026-01-03", &["policy", "show"])
        .good()
        .prints("  a check of each card  every 60 days\n")
        .prints("  separate by           person, manager, site\n");
    // What a script says is due becomes the policy of the escrow that is founded by it.
    let other = World::new();
    let script =
        blocks[0].replace("passphrase", "open").replace("name = \"bob\"", "name = \"bob\"\nseal = \"open\"");
    let script = script
        .replace("name = \"carol\"", "name = \"carol\"\nseal = \"open\"")
        .replace("check-days = 90", "check-days = 45");
    other.write("ceremony.toml", script);
    other.run(&[&["init", "acme", "--ceremony", "ceremony.toml"][..], &SKIP].concat()).good();
    other.acme(&["policy", "show"]).good().prints("every 45 days\n").prints("(record 3)");
}
