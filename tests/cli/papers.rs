//! The papers that are not secret: a backup sheet printed, read by independent programs, and a key brought
//! back from it with cards and nothing else; and every sheet that is not the right one.

use super::world::{World, join, texts};
use quorate::card::sheet::SheetCollector;
use std::fs;
use std::path::Path;
use std::process::Command;

const OPEN: [&str; 3] = ["alice=open", "bob=open", "carol=open"];

/// The texts of a PDF's codes: by `pdftoppm` and `zbarimg`, else by our own reader, which is slow in tests.
fn codes(pdf: &Path) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let drawn = Command::new("pdftoppm")
        .args(["-r", "200", "-gray", "-png"])
        .arg(pdf)
        .arg(folder.path().join("p"))
        .status();
    if !drawn.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "there is no pdftoppm");
        return texts(pdf);
    }
    let mut found = Vec::new();
    for page in fs::read_dir(folder.path()).unwrap() {
        let Ok(output) = Command::new("zbarimg")
            .args(["-q", "--raw", "-Sdisable", "-Sqrcode.enable"])
            .arg(page.unwrap().path())
            .output()
        else {
            assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "there is no zbarimg");
            return texts(pdf);
        };
        let text = String::from_utf8(output.stdout).unwrap();
        found.extend(text.lines().filter(|line| !line.is_empty()).map(str::to_owned));
    }
    let number = |text: &String| -> usize {
        let place = text.split('/').nth(2).unwrap_or_default();
        place.trim_start_matches('B').split("OF").next().unwrap_or_default().parse().unwrap_or_default()
    };
    found.sort_by_key(number);
    found
}

fn text_of(pdf: &Path) -> Option<String> {
    let output = Command::new("pdftotext").arg("-layout").arg(pdf).arg("-").output().ok()?;
    String::from_utf8(output.stdout).ok()
}

fn is_sound(pdf: &Path) {
    let Ok(output) = Command::new("qpdf").arg("--check").arg(pdf).output() else {
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "there is no qpdf");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// A world with two keys, the fingerprint of `orders`, and the texts of its backup sheet in `sheet.txt`.
fn printed() -> (World, String, Vec<String>) {
    let world = World::founded(2, &OPEN);
    world.acme(&["generate", "orders", "other", "--kind", "aes-256"]).good();
    let shown = world.acme(&["show", "orders"]).good().out;
    let fingerprint = shown.lines().find_map(|line| line.trim().strip_prefix("fingerprint  ")).unwrap();
    world.acme(&["print", "backup", "orders"]).good().prints("a backup sheet of");
    let codes = codes(&world.path("orders-1.backup.pdf"));
    world.write("sheet.txt", codes.join("\n"));
    (world, fingerprint.to_owned(), codes)
}

/// `recover orders` from paper alone.
fn alone<'a>(cards: &'a [String], fingerprint: &'a str, sheet: &'a str, to: &'a str) -> Vec<&'a str> {
    let words =
        ["recover", "orders", "--sheet", sheet, "--fingerprint", fingerprint, "--to", to, "--log-to", "log"];
    let mut all = words.to_vec();
    all.push("--card");
    all.extend(cards.iter().map(String::as_str));
    all
}

/// Anybody can have a quorum of their own in a log, as that of a salvage; its report is not this escrow's.
#[test]
fn a_report_of_another_quorum_is_good_only_for_who_names_it() {
    let (world, fingerprint, _) = printed();
    let cards = world.typed(&["alice", "carol"]);
    let other = World::founded(2, &OPEN);
    for name in ["sheet.txt", &cards[0], &cards[1]] {
        other.write(name, world.read(name));
    }
    let words = ["--report", "r.json", "--report", "r.pdf"];
    let mut all = alone(&cards, &fingerprint, "sheet.txt", "file:out");
    // Into the log of another escrow: it fits in any.
    let place = all.iter().position(|word| *word == "log").unwrap();
    all[place] = "acme";
    other.run(&[&all[..4], &words[..], &all[4..]].concat()).good();
    let id = world.acme(&["--json", "status"]).good().out;
    let id = id.split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for file in ["r.json", "r.pdf"] {
        other
            .acme(&["report", "verify", file])
            .fails(4, &format!("the report is of quorum {id}, and this escrow's own is"))
            .says(&format!("name it with --quorum {id}"));
        other.acme(&["--quorum", &id, "report", "verify", file]).good().prints("it is not this escrow's own");
        other
            .acme(&["--quorum", "AAAA-BBBB-CCCC-DDDD", "report", "verify", file])
            .fails(4, "named another one");
    }
}

#[test]
fn cards_and_a_sheet_bring_a_key_back_with_nothing_else() {
    let (mut world, fingerprint, codes) = printed();
    let cards = world.typed(&["alice", "carol"]);
    world.acme(&join(&[&cards], &["recover", "orders", "--to", "file:right", "--card"])).good();
    let right = world.read("right");
    world.keep_secret(&right);
    fs::rename(world.path("acme"), world.path("gone")).unwrap();

    world
        .run(&alone(&cards, &fingerprint, "sheet.txt", "file:out"))
        .good()
        .prints("recovered orders version 1 (aes-256) to out")
        .prints("was confirmed");
    assert_eq!(world.read("out"), right);
    // Its own log: unbroken, signed, and the next salvage goes behind.
    world.run(&["-C", "log", "log", "verify"]).good().prints("2 records in 2 commits, unbroken");
    let short = world.run(&["-C", "log", "log", "show"]).good();
    assert!(short.out.contains("salvage intent") && short.out.contains("salvage done"), "{short:#?}");
    // The PDF itself, and the fingerprint in its short form, as the sheet and `list` show it.
    let text = text_of(&world.path("orders-1.backup.pdf"));
    let short = text.as_ref().map_or(fingerprint.clone(), |text| {
        text.lines().find_map(|line| line.split_once("in short ")).unwrap().1.trim().to_owned()
    });
    world.run(&alone(&cards, &short, "orders-1.backup.pdf", "file:again")).good();
    assert_eq!(world.read("again"), right);
    world.run(&["-C", "log", "log", "verify"]).good().prints("4 records in 4 commits, unbroken");
    // Any one code may be lost; two are named.
    let mut some = codes.clone();
    some.remove(3);
    world.write("one-lost.txt", some.join("\n"));
    world
        .run(&alone(&cards, &fingerprint, "one-lost.txt", "file:third"))
        .good()
        .says("code 4 of the backup sheet");
    assert_eq!(world.read("third"), right);
    some.remove(7);
    world.write("two-lost.txt", some.join("\n"));
    world
        .run(&alone(&cards, &fingerprint, "two-lost.txt", "file:fourth"))
        .fails(4, "codes 4 and 9 of 12 are missing from the backup sheet");
    assert!(!world.path("fourth").exists());
}

#[test]
fn what_a_sheet_shows() {
    let (world, fingerprint, codes) = printed();
    let pdf = world.path("orders-1.backup.pdf");
    is_sound(&pdf);
    let mut collector = SheetCollector::new();
    codes.iter().for_each(|code| collector.offer(code).unwrap());
    let sheet = collector.finish().remove(0).unwrap().sheet;
    assert_eq!(sheet.facts().fingerprint.to_string(), fingerprint);
    if let Some(text) = text_of(&pdf) {
        let id = sheet.record().id().to_string();
        let name = sheet.name();
        for shown in [
            "orders, version 1",
            "aes-256",
            &fingerprint,
            &id,
            "any 2 of 3, generation 1",
            &sheet.facts().checkpoint,
            "Not secret. Keep it whole.",
            "quorate recover orders@1",
            "age -d -i identity",
            &format!("Code 1 of 12. Sheet {name}."),
            &format!("Code 12 of 12: the spare. Sheet {name}."),
            "page 3 of 3",
        ] {
            assert!(text.contains(shown), "no {shown:?} in {text}");
        }
    }
    // The same escrow gives the same bytes, later too; the paper alone differs.
    world.acme(&["print", "backup", "orders@1", "--out", "again.pdf"]).good();
    assert_eq!(world.read("again.pdf"), world.read("orders-1.backup.pdf"));
    world.acme(&["print", "backup", "orders", "--paper", "letter", "--out", "letter.pdf"]).good();
    assert_eq!(self::codes(&world.path("letter.pdf")), codes);
    is_sound(&world.path("letter.pdf"));
    // Never over a file that is there.
    world.acme(&["print", "backup", "orders"]).fails(1, "orders-1.backup.pdf: it exists already");
    world.acme(&["print", "backup", "none"]).fails(1, "there is no key none");
}

#[test]
fn the_longest_keys_have_sheets_and_longer_ones_are_refused() {
    let world = World::founded(2, &OPEN);
    world.acme(&["generate", "signing", "--kind", "rsa-4096"]).good();
    world.acme(&["print", "backup", "signing"]).good().prints("codes on 4 pages");
    world.write("blob", (0..65_536_u32).map(|n| (n * 7 + n / 251).to_le_bytes()[0]).collect::<Vec<_>>());
    world.acme(&["add", "blob", "--file", "blob", "--kind", "opaque"]).good();
    let pages = world.acme(&["print", "backup", "blob"]).good();
    assert!(pages.out.contains("codes on 33 pages"), "{pages:#?}");
}

#[test]
fn a_sheet_that_is_not_the_right_one_is_named() {
    let (world, fingerprint, codes) = printed();
    let cards = world.typed(&["alice", "bob"]);
    let refuse = |sheet: &str, fingerprint: &str, status: i32, fragment: &str| {
        world.run(&alone(&cards, fingerprint, sheet, "file:out")).fails(status, fragment);
        assert!(!world.path("out").exists());
    };
    // Of another key.
    world.acme(&["print", "backup", "other"]).good();
    world.write("other.txt", self::codes(&world.path("other-1.backup.pdf")).join("\n"));
    refuse("other.txt", &fingerprint, 4, "this is a backup sheet of other version 1, not of orders");
    // Another fingerprint than the one that was kept.
    let wrong = fingerprint.replace(|c: char| c.is_ascii_digit(), "0");
    refuse("sheet.txt", &wrong, 4, "it is of another key, or forged");
    refuse("sheet.txt", "0123", 2, "--fingerprint is no fingerprint");
    // An altered code is set aside; two are too many.
    let alter = |code: &str| format!("{}{}", &code[..code.len() - 40], "A".repeat(40));
    let mut altered = codes.clone();
    altered[2] = alter(&altered[2]);
    world.write("altered.txt", altered.join("\n"));
    let ran = world.run(&alone(&cards, &fingerprint, "altered.txt", "file:good")).good();
    assert!(
        ran.err.contains("code 3 of the backup sheet") && ran.err.contains("was altered or misread"),
        "{ran:#?}"
    );
    altered[5] = alter(&altered[5]);
    world.write("altered.txt", altered.join("\n"));
    refuse("altered.txt", &fingerprint, 4, "codes do not fit together");
    // A card as a sheet, a sheet as a card, something else.
    world.write("card.txt", world.codes("alice").join("\n"));
    refuse("card.txt", &fingerprint, 4, "this is the code of a card (for --card), not of a backup sheet");
    world.write("web.txt", "https://example.org/\n");
    refuse("web.txt", &fingerprint, 4, "it holds a web address");
    world
        .run(&alone(&["sheet.txt".to_owned()], &fingerprint, "sheet.txt", "file:out"))
        .fails(3, "the quorum is not reached")
        .says("the code of a backup sheet (for --sheet), not of a card");
    // Of another quorum than the cards, or than the one that is asked for.
    let stranger = World::founded(2, &OPEN);
    let others = stranger.typed(&["alice", "bob"]);
    for name in &others {
        fs::copy(stranger.path(name), world.path(&format!("x-{name}"))).unwrap();
    }
    let others: Vec<String> = others.iter().map(|name| format!("x-{name}")).collect();
    world
        .run(&alone(&others, &fingerprint, "sheet.txt", "file:out"))
        .fails(3, "")
        .says("this card belongs to quorum");
    let mut pinned = alone(&cards, &fingerprint, "sheet.txt", "file:out");
    pinned.extend(["--quorum", "AAAA-BBBB-CCCC-DDDD"]);
    world.run(&pinned).fails(4, "this backup sheet is of quorum");
    // What was given up or failed is in the log as that.
    let log = world.run(&["-C", "log", "log", "show"]).good().out;
    assert!(log.contains("salvage abandoned"), "{log}");
    world.run(&["-C", "log", "log", "verify"]).good();
}

#[test]
fn without_an_escrow_a_log_and_a_fingerprint_are_asked_for() {
    let (world, fingerprint, _) = printed();
    let cards = world.typed(&["alice", "bob"]);
    let words = ["recover", "orders", "--sheet", "sheet.txt", "--to", "file:out"];
    let run = |more: &[&str]| {
        let mut all = join(&[], &words);
        all.extend(more);
        all.push("--card");
        all.extend(cards.iter().map(String::as_str));
        world.run(&all)
    };
    run(&["--fingerprint", &fingerprint]).fails(2, "no escrow is named, and no place for a log");
    run(&["--log-to", "log"]).fails(2, "somebody must say that the fingerprint is right");
    // A log that can't be written: nothing secret happens.
    world.write("file", "");
    run(&["--log-to", "file", "--fingerprint", &fingerprint]).fails(5, "the log can't be written");
    assert!(!world.path("out").exists() && !world.path("log").exists());
    world.run(&["recover", "orders", "--fingerprint", &fingerprint, "--to", "file:out"]).fails(2, "--sheet");
}

/// The backups are lost, the log is left: it decides, and nobody needs to vouch for anything.
#[test]
fn a_sheet_stands_in_for_lost_backups() {
    let (world, _, codes) = printed();
    let cards = world.typed(&["bob", "carol"]);
    let recover = |sheet: &str, to: &str| {
        let words = ["recover", "orders", "--sheet", sheet, "--to", to, "--card"];
        world.acme(&join(&[&cards], &words))
    };
    world.acme(&join(&[&cards], &["recover", "orders", "--to", "file:right", "--card"])).good();
    fs::remove_dir_all(world.path("acme/keys")).unwrap();
    fs::remove_dir_all(world.path("acme/quorum")).unwrap();
    world.acme(&join(&[&cards], &["recover", "orders", "--to", "file:out", "--card"])).fails(4, "is missing");
    recover("sheet.txt", "file:out").good().prints("matches the log");
    assert_eq!(world.read("out"), world.read("right"));
    // The sheet of a newer backup that this log does not have.
    let other = World::founded(2, &OPEN);
    other.acme(&["generate", "orders", "--kind", "aes-256"]).good();
    other.acme(&["print", "backup", "orders"]).good();
    world.write("forged.txt", self::codes(&other.path("orders-1.backup.pdf")).join("\n"));
    recover("forged.txt", "file:two").fails(4, "is not of the backup that the log names");
    assert!(!codes.is_empty() && !world.path("two").exists());
}

/// A copy of the escrow from before the key was backed up: its log knows the quorum, not the key.
#[test]
fn an_old_copy_of_the_escrow_is_no_dead_end() {
    let world = World::founded(2, &OPEN);
    let copy = Command::new("cp").args(["-r", "acme", "old"]).current_dir(world.root()).status().unwrap();
    assert!(copy.success());
    world.acme(&["generate", "orders", "other", "--kind", "aes-256"]).good();
    world.acme(&["print", "backup", "orders"]).good();
    world.acme(&["print", "backup", "other"]).good();
    world.write("sheet.txt", codes(&world.path("orders-1.backup.pdf")).join("\n"));
    world.write("other.txt", codes(&world.path("other-1.backup.pdf")).join("\n"));
    let cards = world.typed(&["alice", "carol"]);
    world.acme(&join(&[&cards], &["recover", "orders", "--to", "file:right", "--card"])).good();
    let shown = world.acme(&["show", "orders", "--json"]).good().out;
    let fingerprint = shown.split("\"fingerprint\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    // No name: the sheet says which key it is.
    let words = ["-C", "old", "recover", "--sheet", "sheet.txt", "--to", "file:out"];
    let run = |more: &[&str]| world.run(&join(&[&cards], &[&words[..], more, &["--card"]].concat()));
    run(&[]).fails(
        2,
        "where the log doesn't know the key version somebody must say that the fingerprint is right",
    );
    let wrong = "0".repeat(64);
    run(&["--fingerprint", &wrong]).fails(4, "it is of another key, or forged");
    assert!(!world.path("out").exists());
    run(&["--fingerprint", &fingerprint])
        .good()
        .says("perhaps it is an old copy of the escrow")
        .says("next: look for a newer copy of the escrow")
        .prints("recovered orders version 1");
    assert_eq!(world.read("out"), world.read("right"));
    world.run(&["-C", "old", "log", "verify"]).good();
    let log = world.run(&["-C", "old", "log", "show"]).good().out;
    assert!(log.contains("salvage done"), "{log}");
    // Sheets of two keys, and none named.
    let both = ["recover", "--sheet", "sheet.txt", "other.txt", "--to", "file:two", "--card"];
    world
        .acme(&join(&[&cards], &both))
        .fails(2, "these are backup sheets of ")
        .says("name the key that is wanted");
    let named = ["recover", "other", "--sheet", "sheet.txt", "other.txt", "--to", "file:two", "--card"];
    world.acme(&join(&[&cards], &named)).good().prints("matches the log");
    // An escrow of another quorum.
    let other = World::founded(2, &OPEN);
    let sheet = world.path("sheet.txt").display().to_string();
    other
        .acme(&join(&[&cards], &["recover", "--sheet", &sheet, "--to", "file:out", "--card"]))
        .fails(1, "there is no key orders in this escrow")
        .says("to recover from paper alone");
}

#[test]
fn the_ceremony_sheet_lists_cards_and_keys() {
    let world = World::founded(2, &["Ольга Щербакова=open", "bob=open", "carol"]);
    world.acme(&["generate", "orders", "other", "--kind", "ec-p256"]).good();
    let shown = world.acme(&["show", "orders"]).good().out;
    let fingerprint = shown.lines().find_map(|line| line.trim().strip_prefix("fingerprint  ")).unwrap();
    let ran = world.acme(&["print", "ceremony", "--out", "ceremony.pdf", "--json"]).good();
    let binary = ran.out.split("\"program\":\"").nth(1).unwrap()[..64].to_owned();
    let pdf = world.path("ceremony.pdf");
    is_sound(&pdf);
    let program = fs::read(env!("CARGO_BIN_EXE_quorate")).unwrap();
    let digest: String =
        quorate::primitive::hash::sha256(&[&program]).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(binary, digest);
    world.acme(&["print", "ceremony", "--out", "again.pdf"]).good();
    assert_eq!(world.read("again.pdf"), world.read("ceremony.pdf"));
    world.acme(&["print", "ceremony", "--out", "letter.pdf", "--paper", "letter"]).good();
    is_sound(&world.path("letter.pdf"));
    world.acme(&["print", "ceremony", "--out", "ceremony.pdf"]).fails(1, "it exists already");
    let Some(text) = text_of(&pdf) else { return };
    let check = world.acme(&["check", &world.card("bob")]).good().out;
    let code =
        check.lines().find_map(|line| line.split_once("verification code ")).map(|(_, code)| code.trim());
    let status = world.acme(&["status"]).good().out;
    let checkpoint = status.split("checkpoint ").nth(1).unwrap().lines().next().unwrap();
    for shown in
        [fingerprint, &binary, checkpoint, "Ольга", "bob", "passphrase", "orders@1", "other@1", "witness 2"]
    {
        assert!(text.contains(shown), "no {shown:?} in {text}");
    }
    if let Some(code) = code {
        assert!(text.contains(code.trim_end_matches('.')), "no {code:?} in {text}");
    }
    assert!(!text.contains("Ольга Щербакова Щербакова"));
}

#[test]
fn extra_copies_are_cards_of_pocket_size() {
    let world = World::new();
    let init = ["init", "acme", "-t", "2", "--memory", "64", "--slips", "slips", "--pocket"];
    let custodians = ["--custodian", "alice", "--custodian", "bob=open", "--custodian", "carol=open"];
    let later = ["--skip-scan-back", "alice", "bob", "carol"];
    world.run(&[&init[..], &custodians, &later].concat()).good();
    for name in ["1-alice", "2-bob", "3-carol"] {
        let pdf = world.path(&format!("acme-cards/{name}.pocket.pdf"));
        is_sound(&pdf);
        let copy = format!("acme-cards/{name}.pocket.pdf");
        world.acme(&["check", &copy]).good().prints("is good");
        if let Ok(output) = Command::new("pdfinfo").arg(&pdf).output() {
            let text = String::from_utf8(output.stdout).unwrap();
            let size = text.lines().find(|line| line.starts_with("Page size")).unwrap();
            assert!(size.contains("242.6") && size.contains("153.0"), "{size}");
        }
    }
    // A card of six codes has no room on one, and nothing is founded.
    let long = quorate::age::Identity::from_seed(
        quorate::age::Kind::Hybrid,
        &quorate::primitive::random::Entropy::system().secret(32).unwrap(),
    );
    let seal = format!("alice={}", long.unwrap().recipient().unwrap());
    let world = World::new();
    world
        .run(&[
            "init",
            "acme",
            "-t",
            "2",
            "--pocket",
            "--custodian",
            &seal,
            "--custodian",
            "bob=open",
            "--custodian",
            "carol=open",
            "--skip-scan-back",
            "alice",
            "bob",
            "carol",
        ])
        .fails(1, "the extra copy of the card of alice can't be printed: a card of 6 codes has no room");
    assert!(!world.path("acme/quorum").exists());
}
