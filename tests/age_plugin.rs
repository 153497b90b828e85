//! Cards for custodians who hold an age identity, with the stock `age` program and a real plugin.
//!
//! The plugin (`tests/tools/plugin`) speaks the protocol that a YubiKey's speaks. Without `age` (Debian:
//! age), `age-keygen` or Python the tests say so and pass; with `QUORATE_TEST_ALL=1` they fail.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests look for programs in the caller's path")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const RECIPIENT: &str = "age1quoratetest1v9kxjcm9yaejqar0ddjkugpsxypwnqem";
const IDENTITY: &str = "AGE-PLUGIN-QUORATETEST-1V9KXJCM9YAEJQAR0DDJKUGPSXY64FPV6\n";
const ANOTHER: &str = "AGE-PLUGIN-QUORATETEST-1V9HX7ARGV4EZQAR0DDJKUGPSXGA7XQCC\n";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn installed() -> bool {
    let has = |program: &str, argument: &str| {
        Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success())
    };
    let there = has("age", "--version") && has("age-keygen", "--version") && has("python3", "--version");
    if !there {
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "age, age-keygen or python3 is missing");
        println!("left out: age, age-keygen or python3 is missing");
    }
    there
}

/// A folder with a 2-of-3: alice by the plugin, bob by a native age key, carol open; and key `k`.
struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Self {
        let room = Self(tempfile::tempdir().unwrap());
        fs::write(room.path("alice.id"), IDENTITY).unwrap();
        fs::write(room.path("another.id"), ANOTHER).unwrap();
        let keygen = room.run("age-keygen", &["-o", "bob.id"]);
        let words = String::from_utf8(keygen.stderr).unwrap();
        let bob = words.trim().rsplit(' ').next().unwrap().to_owned();
        fs::write(room.path("bob.recipient"), &bob).unwrap();
        let (alice, bob) = (format!("alice={RECIPIENT}"), format!("bob={bob}"));
        room.good(&[
            "init",
            "acme",
            "-t",
            "2",
            "-c",
            &alice,
            &bob,
            "carol=open",
            "--skip-scan-back",
            "everybody",
        ]);
        room.good(&["-C", "acme", "generate", "k", "--kind", "aes-256"]);
        room
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", root().join("tests/tools/plugin").display());
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.0.path()).env("PATH", path).env("USER", "operator");
        command.env_remove("QUORATE_ESCROW").stdin(Stdio::null()).output().unwrap()
    }

    fn quorate(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.run(env!("CARGO_BIN_EXE_quorate"), arguments);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    #[track_caller]
    fn good(&self, arguments: &[&str]) -> String {
        let (status, said) = self.quorate(arguments);
        assert_eq!(status, Some(0), "{said}");
        said
    }

    /// The typed or coded text of a card, as `recover.py` takes it.
    fn text(&self, card: &str) -> String {
        let bytes = fs::read(self.path(card)).unwrap();
        let search = quorate::card::scan::Search::new(|text| text.starts_with(quorate::card::PREFIX));
        let found = quorate::card::scan::read(&bytes, &search, &mut |_| ()).unwrap();
        let name = format!("{}.txt", Path::new(card).file_stem().unwrap().to_str().unwrap());
        let mut texts: Vec<&str> = found.ours().map(|code| code.text.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        fs::write(self.path(&name), texts.join("\n")).unwrap();
        name
    }
}

const ALICE: &str = "acme-cards/1-alice.pdf";
const BOB: &str = "acme-cards/2-bob.pdf";
const CAROL: &str = "acme-cards/3-carol.pdf";

#[test]
fn a_card_for_a_plugin_is_checked_and_recovers() {
    if !installed() {
        return;
    }
    let room = Room::new();
    let [alice, bob, carol] = [ALICE, BOB, CAROL].map(|card| room.text(card));
    let said = room.good(&["-C", "acme", "check", &alice, "--identity", "alice.id"]);
    assert!(said.contains("its share lies on the quorum's polynomials"), "{said}");
    // Without the identity it is intact, and its share is not looked at.
    let said = room.good(&["-C", "acme", "check", &alice]);
    assert!(said.contains("its share was not looked at"), "{said}");
    let (status, said) = room.quorate(&["-C", "acme", "check", &alice, "--identity", "another.id"]);
    assert_eq!(status, Some(4), "{said}");
    assert!(said.contains("alice") && said.contains("quorate: hint: name the identity"), "{said}");

    let recover = ["-C", "acme", "recover", "k", "--card", &alice, &bob, "--to", "file:out"];
    let (status, said) = room.quorate(&recover);
    assert_eq!(status, Some(3), "{said}");
    room.good(&[&recover[..], &["--identity", "alice.id", "--identity", "bob.id"]].concat());
    let key = fs::read(room.path("out")).unwrap();
    assert_eq!(key.len(), 32);

    // Encrypted to somebody's age recipient, stock age opens it.
    let to = format!("age:{}", fs::read_to_string(room.path("bob.recipient")).unwrap());
    let recover = ["-C", "acme", "recover", "k", "--card", &alice, &carol, "--identity", "alice.id"];
    room.good(&[&recover[..], &["--to", &to, "--out", "out.age"]].concat());
    let opened = room.run("age", &["-d", "-i", "bob.id", "out.age"]);
    assert_eq!(opened.stdout, key);
}

#[test]
fn without_an_age_program_nothing_is_founded() {
    if !installed() {
        return;
    }
    let room = tempfile::tempdir().unwrap();
    let alice = format!("alice={RECIPIENT}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_quorate"));
    command.args([
        "init",
        "acme",
        "-t",
        "2",
        "-c",
        &alice,
        "bob=open",
        "carol=open",
        "--skip-scan-back",
        "everybody",
    ]);
    let output =
        command.current_dir(room.path()).env_clear().env("USER", "op").env("PATH", "/nowhere").output();
    let output = output.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("quorate: hint: "), "{said}");
    assert!(!room.path().join("acme-cards/1-alice.pdf").exists());
}

#[test]
fn the_independent_reader_opens_cards_for_age() {
    if !installed() {
        return;
    }
    let room = Room::new();
    let script = root().join("tests/recover.py");
    let (alice, bob) = (room.text(ALICE), room.text(BOB));
    let arguments =
        [script.to_str().unwrap(), &alice, &bob, "--identity", "1=alice.id", "--identity", "2=bob.id"];
    let output = room.run("python3", &arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(output.stdout.starts_with(b"AGE-SECRET-KEY-PQ-1"), "{said}");
}

#[test]
fn a_plugin_that_is_not_installed_is_named_and_nothing_is_founded() {
    if !installed() {
        return;
    }
    let room = Room(tempfile::tempdir().unwrap());
    let alice = "alice=age1nosuchplugin1v9kxjcm9yaejqar0ddjkugpsxypwnqem";
    let (status, said) = room.quorate(&[
        "init",
        "acme",
        "-t",
        "2",
        "-c",
        alice,
        "bob=open",
        "carol=open",
        "--skip-scan-back",
        "everybody",
    ]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("the share of alice was not sealed"), "{said}");
    assert!(said.contains("quorate: hint: nothing was founded; for a plugin's recipient"), "{said}");
    assert!(!room.path(ALICE).exists());
}
