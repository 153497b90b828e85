//! Reports: every ceremony can end with one, stock tools agree with it, and none that was altered passes.

use super::walk::{field, items, json, text};
use super::world::{SKIP, World, join};
use std::fs;
use std::process::Command;

const OPEN: [&str; 3] = ["alice=open", "bob=open", "carol=open"];
const CLOCK: &str = "2026-03-01T09:00:00Z";

/// A founding and a drill of three keys, each with both reports.
fn reported() -> (World, Vec<String>) {
    let world = World::new();
    let mut founding = vec!["--clock", CLOCK, "init", "acme", "-t", "2", "--organisation", "Acme"];
    founding.extend(["--report", "found.json", "--report", "found.pdf", "--purpose", "a new quorum"]);
    founding.extend(["--witness", "Wilma", "--envelope", "bob=A-0017", "-c"]);
    founding.extend(OPEN);
    founding.extend(SKIP);
    world.run(&founding).good().says("report found.json: signed by the quorum, SHA-256 of the JSON ");
    world.acme(&["--clock", CLOCK, "generate", "a", "b", "c", "--kind", "aes-256"]).good();
    let cards = world.typed(&["alice", "bob", "carol"]);
    let drill = [
        "--clock",
        CLOCK,
        "drill",
        "--report",
        "drill.json",
        "--report",
        "drill.pdf",
        "--purpose",
        "the yearly drill",
        "--witness",
        "Wilma Zoë",
        "--envelope",
        "alice=A-0016",
        "--exception",
        "the first printer was broken",
        "--card",
    ];
    world.acme(&join(&[&cards[..2]], &drill)).good();
    (world, cards)
}

/// Whether a stock tool is here; with `QUORATE_TEST_ALL` it must be.
fn has(tool: &str) -> bool {
    let there = Command::new(tool).arg("--version").output().is_ok();
    assert!(there || std::env::var_os("QUORATE_TEST_ALL").is_none(), "no {tool} on this machine");
    there
}

#[test]
fn a_report_says_what_was_done() {
    let (world, cards) = reported();
    let drill = String::from_utf8(world.read("drill.json")).unwrap() + "\n";
    let drill = json(&drill);
    assert_eq!(text(&drill, "ceremony"), "drill");
    assert_eq!(text(&drill, "purpose"), "the yearly drill");
    let people: Vec<_> =
        items(field(&drill, "people")).iter().map(|one| (text(one, "name"), text(one, "role"))).collect();
    assert_eq!(
        people,
        [("operator", "operator"), ("alice", "custodian"), ("bob", "custodian"), ("Wilma Zoë", "witness")]
    );
    let outcomes: Vec<_> =
        items(field(&drill, "keys")).iter().map(|one| (text(one, "name"), text(one, "outcome"))).collect();
    assert_eq!(outcomes, [("a", "matched"), ("b", "matched"), ("c", "matched")]);
    assert_eq!(text(&items(field(&drill, "cards"))[0], "envelope"), "A-0016");
    assert_eq!(items(field(&drill, "exceptions")).len(), 1);
    let due: Vec<_> = items(field(&drill, "due")).iter().map(|one| text(one, "time")).collect();
    assert_eq!(due, ["2027-03-01T09:00:00Z", "2026-05-30T09:00:00Z"]);
    assert_eq!(items(field(&drill, "steps")).len(), 4);
    world
        .acme(&["report", "verify", "drill.json"])
        .good()
        .prints("report      drill of 2026-03-01T09:00:00Z by quorum ")
        .prints("\nsignature   is that of this escrow's quorum, ")
        .prints("\nkeys        3, of which 0 failed\nexception   the first printer was broken\n");
    for file in ["found.json", "found.pdf", "drill.pdf"] {
        world.acme(&["report", "verify", file]).good().prints("report      ");
    }
    let found = String::from_utf8(world.read("found.json")).unwrap() + "\n";
    let found = json(&found);
    assert_eq!(text(&items(field(&found, "cards"))[1], "envelope"), "A-0017");
    assert_eq!(items(field(&found, "exceptions")).len(), 1, "no card was read back");
    // A recovery, and one from paper, have reports too.
    let recover = ["recover", "a", "--to", "file:a.key", "--report", "recover.json", "--card"];
    world.acme(&join(&[&cards[1..]], &recover)).good();
    world.acme(&["report", "verify", "recover.json"]).good().prints("report      recover of ");
    world.acme(&["log", "verify"]).good().prints("unbroken");
    world.write("b.txt", {
        world.acme(&["print", "backup", "b", "--out", "b.pdf"]).good();
        super::world::texts(&world.path("b.pdf")).join("\n")
    });
    let shown = world.acme(&["show", "b"]).good().out;
    let fingerprint = shown.lines().find_map(|line| line.trim().strip_prefix("fingerprint  ")).unwrap();
    let salvage = [
        "recover",
        "b",
        "--sheet",
        "b.txt",
        "--fingerprint",
        fingerprint,
        "--log-to",
        "rest",
        "--to",
        "file:b.key",
        "--report",
        "salvage.json",
        "--card",
    ];
    world.run(&join(&[&cards[1..]], &salvage)).good();
    let rest = fs::read_dir(world.path("rest/log")).unwrap().count();
    assert_eq!(rest, 3, "intent, done, report");
    world.acme(&["report", "verify", "salvage.json"]).fails(4, "checkpoint");
}

#[test]
fn stock_tools_agree() {
    let (world, _) = reported();
    if !["sha256sum", "jq", "openssl"].into_iter().all(has) {
        return;
    }
    let script = r#"
set -e
sum=$(sha256sum drill.json | cut -d' ' -f1)
paper=$(sha256sum drill.pdf | cut -d' ' -f1)
cat acme/log/*.jsonl | jq -e --arg sum "$sum" --arg paper "$paper" \
    'select(.op == "report" and .details.report == $sum and .details.paper == $paper)' > record
test -s record
{ printf 'quorate/v1/report\n'; jq -cjS 'del(.signature)' drill.json; } > message
jq -r .signature drill.json | base64 -d > signature
{ printf '302a300506032b6570032100' | xxd -r -p; jq -r .signer acme/quorum/*.json | base64 -d; } > key.der
openssl pkeyutl -verify -pubin -inkey key.der -keyform DER -rawin -in message -sigfile signature
printf x >> message
if openssl pkeyutl -verify -pubin -inkey key.der -keyform DER -rawin -in message -sigfile signature; then exit 9; fi
"#;
    let ran = Command::new("sh").args(["-c", script]).current_dir(world.root()).output().unwrap();
    assert!(
        ran.status.success(),
        "{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
}

#[test]
fn an_altered_report_is_named() {
    let (world, cards) = reported();
    let bytes = world.read("drill.json");
    // Every byte in turn is too much for one test: the first of each seventh.
    for at in (0..bytes.len()).step_by(bytes.len() / 7) {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        world.write("altered.json", &altered);
        world.acme(&["report", "verify", "altered.json"]).fails(4, "altered.json: ");
    }
    let said = String::from_utf8(bytes.clone()).unwrap();
    let with = |from: &str, to: &str| {
        assert!(said.contains(from), "{from}");
        world.write("altered.json", said.replace(from, to));
        world.acme(&["report", "verify", "altered.json"])
    };
    with("the yearly drill", "the weekly drill")
        .fails(4, "the signature of the report is not that of quorum ");
    with("\"failures\":0", "\"failures\":3").fails(4, "the signature of the report is not that of quorum ");
    with("quorate/v1/report", "quorate/v9/report").fails(4, "by a later version of the program");
    let signature = said.split("\"signature\":\"").nth(1).unwrap().split('"').next().unwrap();
    with(&format!("\"signature\":\"{signature}\","), "").fails(4, "the report is not signed");
    with("{\"after\"", " {\"after\"").fails(4, "the report is not canonical JSON");
    world.write("altered.json", &bytes[..bytes.len() / 2]);
    world.acme(&["report", "verify", "altered.json"]).fails(4, "the report is not canonical JSON");
    let mut pdf = world.read("drill.pdf");
    let last = pdf.len() - 9;
    pdf[last] ^= 1;
    world.write("altered.pdf", &pdf);
    world.acme(&["report", "verify", "altered.pdf"]).fails(4, "no record of the log names this PDF");
    // Of another escrow, and of a log that was rolled back.
    let (other, _) = reported();
    world.write("other.json", other.read("drill.json"));
    world.acme(&["report", "verify", "other.json"]).fails(4, "the report is of quorum ");
    world.acme(&join(&[&cards[..2]], &["drill", "a", "--report", "later.json", "--card"])).good();
    let last =
        fs::read_dir(world.path("acme/log")).unwrap().map(|entry| entry.unwrap().path()).max().unwrap();
    fs::remove_file(&last).unwrap();
    world.acme(&["report", "verify", "later.json"]).fails(4, "the log has no record of this report");
    let last =
        fs::read_dir(world.path("acme/log")).unwrap().map(|entry| entry.unwrap().path()).max().unwrap();
    fs::remove_file(&last).unwrap();
    world.acme(&["report", "verify", "later.json"]).fails(4, "this is an old copy, or it was rolled back");
    world.acme(&["report", "verify", "drill.json"]).good();
}

#[test]
fn refusals() {
    let (world, cards) = reported();
    let before = world.acme(&["log", "show"]).good().out;
    let with = |words: &[&str]| world.acme(&join(&[&cards[..2]], &[&["drill"], words, &["--card"]].concat()));
    with(&["--report", "drill.json"]).fails(1, "drill.json: it exists already");
    with(&["--report", "drill.txt"]).fails(2, "is neither .json nor .pdf");
    with(&["--report", "x.json", "--report", "y.json"]).fails(2, "two reports are of one form: y.json");
    with(&["--purpose", "none"]).fails(2, "are for a report, and none is asked for");
    with(&["--report", "x.json", "--purpose", " "]).fails(2, "--purpose is empty");
    with(&["--report", "x.json", "--envelope", "mallory=1"])
        .fails(2, "--envelope names mallory, who is not a custodian");
    with(&["--report", "x.json", "--envelope", "alice"]).fails(2, "has not the form NAME=TEXT");
    assert_eq!(world.acme(&["log", "show"]).good().out, before, "nothing of it left a trace");
    // Without a quorum there is nobody to sign.
    let few = ["drill", "--report", "x.json", "--card", "alice.txt"];
    world.acme(&few).fails(3, "the quorum is not reached");
    assert!(!world.path("x.json").exists());
    world.acme(&["report", "verify", "nothing.json"]).fails(1, "nothing.json");
}

/// The same ceremony gives the same paper; a card's PDF and a report's are told apart.
#[test]
fn names_of_any_length_fit_the_paper() {
    let (world, cards) = reported();
    let long = "Maximiliana-Konstantinopolitanska ".repeat(14);
    let arguments = [
        "drill",
        "--report",
        "long.json",
        "--report",
        "long.pdf",
        "--purpose",
        long.trim(),
        "--witness",
        long.trim(),
        "--exception",
        long.trim(),
        "--card",
    ];
    world.acme(&join(&[&cards[..2]], &arguments)).good();
    if has("pdftotext") {
        let text =
            Command::new("pdftotext").args(["-layout", "long.pdf", "-"]).current_dir(world.root()).output();
        let text = String::from_utf8(text.unwrap().stdout).unwrap();
        for wanted in
            ["Report of a drill", "nothing: every key was wiped", "Signatures", "witness", "page 1 of 2"]
        {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
    }
    // A character without a glyph is spelled out, and so is what a file's name hides.
    world.write("odd\u{202e}\u{7}.txt", "no card");
    let odd = [
        "--actor",
        "\u{1f9ff}",
        "drill",
        "--report",
        "odd.pdf",
        "--report",
        "odd.json",
        "--purpose",
        "\u{1f9ff}",
        "--card",
        "odd\u{202e}\u{7}.txt",
    ];
    world.acme(&join(&[&cards[..2]], &odd)).good();
    world.acme(&["report", "verify", "odd.json"]).good().prints("exception   odd");
    if has("pdftotext") {
        let text =
            Command::new("pdftotext").args(["-layout", "odd.pdf", "-"]).current_dir(world.root()).output();
        assert!(String::from_utf8(text.unwrap().stdout).unwrap().contains("\\u{1f9ff}"));
    }
}

#[test]
fn a_drill_that_failed_has_its_report() {
    let (world, cards) = reported();
    let shown = world.acme(&["--json", "show", "b"]).good().out;
    let shown = json(&shown);
    fs::remove_file(world.path(&format!("acme/{}", text(&items(&shown)[0], "backup")))).unwrap();
    let other = World::founded(2, &OPEN);
    world.write("stranger.txt", other.lines("carol").join("\n"));
    let drill = ["drill", "--report", "bad.json", "--report", "bad.pdf", "--card", "stranger.txt"];
    world.acme(&join(&[&cards[..2]], &drill)).fails(4, "1 of 3 key versions could not be recovered");
    world
        .acme(&["report", "verify", "bad.json"])
        .good()
        .prints("\nkeys        3, of which 1 failed\nexception   this card belongs to quorum ");
    let report = String::from_utf8(world.read("bad.json")).unwrap() + "\n";
    let report = json(&report);
    let outcomes: Vec<_> = items(field(&report, "keys")).iter().map(|one| text(one, "outcome")).collect();
    assert_eq!(outcomes, ["matched", "missing", "matched"]);
}
