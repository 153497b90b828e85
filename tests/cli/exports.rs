//! The log for other programs, read by stock ones: `jq` and Python's `csv`.

use super::world::World;
use std::process::{Command, Stdio};

/// What a stock program makes of a file of this world.
#[track_caller]
fn stock(world: &World, program: &[&str], file: &str) -> String {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).current_dir(world.root());
    command.stdin(std::fs::File::open(world.path(file)).unwrap()).stderr(Stdio::inherit());
    let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", program[0]));
    assert!(output.status.success(), "{program:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn exported() -> World {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    let clock = ["--clock", "2027-01-02T03:04:05Z", "--actor", "ann \"a]b\\c\", =1+1"];
    for name in ["orders", "ledger"] {
        world.acme(&[&clock[..], &["generate", name, "--kind", "aes-256"]].concat()).good();
    }
    world.acme(&[&clock[..], &["generate", "signing", "--kind", "ed25519"]].concat()).good();
    world
}

#[test]
fn ocsf_lines_are_json_with_what_the_class_asks_for() {
    let world = exported();
    world.acme(&["log", "export", "--ocsf", "--out", "ocsf.jsonl"]).good();
    let filter = r#"[.class_uid, .category_uid, .type_uid, .activity_id, .severity_id, .status_id, .metadata.sequence, .time, .metadata.version, .actor.user.name, .api.operation, .src_endpoint.svc_name, (.metadata.uid | length)] | @json"#;
    let lines = stock(&world, &["jq", "-r", filter], "ocsf.jsonl");
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 9);
    assert_eq!(
        lines[8],
        r#"[6003,6,600301,1,1,1,9,1798859045000,"1.3.0","ann \"a]b\\c\", =1+1","generate.done","quorate",64]"#
    );
    // The names of records are the hashes that the log itself goes by.
    let hash = stock(&world, &["jq", "-r", "select(.metadata.sequence == 8) | .metadata.uid"], "ocsf.jsonl");
    let log = world.acme(&["--json", "log", "show"]).good().out;
    world.write("log.json", log);
    assert_eq!(stock(&world, &["jq", "-r", ".[8].prev"], "log.json"), hash);
}

#[test]
fn the_inventory_is_a_table() {
    let world = exported();
    world.acme(&["log", "export", "--csv", "--out", "keys.csv"]).good();
    let script = "import csv, sys\nrows = list(csv.DictReader(sys.stdin))\n\
        assert all(r['state'] == 'active' for r in rows)\n\
        print([(r['name'], r['version'], r['kind'], r['backed_up'], len(r['fingerprint']), len(r['spki_sha256'])) for r in rows])\n\
        assert all(None not in r and None not in r.values() for r in rows)";
    let said = stock(&world, &["python3", "-c", script], "keys.csv");
    assert_eq!(
        said.trim(),
        "[('ledger', '1', 'aes-256', '2027-01-02T03:04:05Z', 64, 0), ('orders', '1', 'aes-256', '2027-01-02T03:04:05Z', 64, 0), ('signing', '1', 'ed25519', '2027-01-02T03:04:05Z', 64, 64)]"
    );
}

#[test]
fn syslog_lines_have_the_form_of_their_rfc() {
    let world = exported();
    let out = world.acme(&["log", "export", "--rfc5424"]).good().out;
    world.write("lines", &out);
    // The grammar of section 6, for what this program writes.
    let script = r#"import re, sys
form = re.compile(r'<(\d{1,3})>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ - quorate - ([!-~]{1,32}) \[quorate@32473((?: [!-~]+="(?:[^"\\\]]|\\["\\\]])*")+)\] (\{.*\})$')
lines = sys.stdin.read().splitlines()
found = [form.match(line) for line in lines]
assert all(found) and len(lines) == 9
assert all(int(one[1]) == 110 for one in found)
print([one[2] for one in found][-2:], 'actor="ann \\"a\\]b\\\\c\\", =1+1"' in lines[-1])"#;
    assert_eq!(
        stock(&world, &["python3", "-c", script], "lines").trim(),
        "['generate.intent', 'generate.done'] True"
    );
}

#[test]
fn one_thing_is_exported_to_a_new_file() {
    let world = exported();
    world.acme(&["log", "export"]).fails(2, "--ocsf");
    world.acme(&["log", "export", "--csv", "--ocsf"]).fails(2, "cannot be used with");
    world.write("there", "something");
    world.acme(&["log", "export", "--csv", "--out", "there"]).fails(1, "exists already");
    assert_eq!(world.read("there"), b"something");
    world.acme(&["log", "export", "--record", "1"]).fails(1, "record 1 is not signed by an operator");
}

#[test]
fn a_checkpoint_is_there_or_it_is_said_how_it_is_not() {
    let world = exported();
    let whole = world.acme(&["--json", "log", "verify"]).good().out;
    let checkpoint = whole.split("\"checkpoint\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(checkpoint.starts_with("9:"), "{checkpoint}");
    let since = |checkpoint: &str| world.acme(&["log", "verify", "--since", checkpoint]);
    since(&checkpoint).good().prints("nothing before it was cut or rewritten");
    world.acme(&["--clock", "2027-01-03T00:00:00Z", "generate", "more", "--kind", "aes-256"]).good();
    since(&checkpoint).good();
    let hash = checkpoint.split_once(':').unwrap().1;
    since(&format!("8:{hash}")).fails(4, "is that of record 9, not of record 8").says("look at its number");
    since(&format!("99:{hash}")).fails(4, "the log ends at record 11, but had a record 99");
    let other = "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF-GGGG-HHHH";
    since(&format!("9:{other}")).fails(4, "the log was rewritten, or the checkpoint is of another escrow");
    since(&format!("99:{other}")).fails(4, "the log ends at record 11, but had a record 99");
    since("9").fails(2, "no checkpoint");
    // Cut by two commits: only the checkpoint tells.
    for number in [10, 11] {
        std::fs::remove_file(world.path(&format!("acme/log/{number:012}.jsonl"))).unwrap();
    }
    since(&checkpoint).good();
    std::fs::remove_file(world.path("acme/log/000000000009.jsonl")).unwrap();
    since(&checkpoint).fails(4, "the log ends at record 8, but had a record 9");
}
