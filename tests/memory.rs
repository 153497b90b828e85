//! When the program is about to exit, none of the secrets that it held is left in its memory.
//!
//! `tests/tools/scan.py` holds the program with strace as it enters `exit_group`, reads its whole
//! memory from outside and looks for the key, the passphrases, the quorum secret, the shares and
//! what is derived from them, raw, in hex and in base64. The controls: the same scan finds a public
//! mark, and finds the same secrets while they are in use. Linux, strace, python3 and root (the
//! program is undumpable) are needed; without them the test says so and passes, but with
//! `QUORATE_TEST_ALL=1` only root may be missing. What a live process shows to root, no test denies.
#![cfg(target_os = "linux")]
#![allow(
    dead_code,
    missing_debug_implementations,
    missing_docs,
    unreachable_pub,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::panic,
    reason = "of tests/tools/token.rs not everything is used here"
)]
#![allow(
    clippy::single_range_in_vec_init,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests and their report"
)]

use quorate::card::{Collector, Offer};
use quorate::primitive::hash::hkdf_sha256;
use quorate::quorum::QuorumRecord;
use quorate::secret::Passphrase;
use quorate::share::combine;
use quorate::wire::text::hex;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[path = "tools/token.rs"]
mod token;

mod memory {
    mod tokens;
}

/// The program as it is delivered: what a compiler leaves on the stack depends on how it optimises,
/// and a build for tests is nobody's program.
fn program() -> String {
    let named = |name| std::env::var(name).ok().filter(|path| !path.is_empty());
    named("QUORATE_PROGRAM").or_else(|| named("QUORATE_RELEASE")).unwrap_or_default()
}

/// Public, and in the environment of the program: the scan must find it.
const MARK: &str = "a mark that every scan of this process must find";
const CUSTODIANS: [(&str, &str); 3] = [
    ("alice", "puzzle marble october lantern velvet sparrow"),
    ("bob", "granite whisper tulip engine cobalt harvest"),
    ("carol", "meadow trumpet falcon ribbon quartz lagoon"),
];

type Needles = Vec<(String, Vec<u8>)>;

fn can_scan() -> bool {
    let has = |program: &str, argument: &str| {
        Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success())
    };
    let tools = has("strace", "-V") && has("python3", "--version");
    let root = rustix::process::geteuid().is_root();
    if !(tools && root) {
        assert!(tools || std::env::var_os("QUORATE_TEST_ALL").is_none(), "strace or python3 is missing");
        eprintln!("left out: a scan of the program's memory (strace, python3 and root are needed)");
    }
    if program().is_empty() {
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "QUORATE_RELEASE names no program");
        eprintln!("left out: a scan of the program's memory (QUORATE_RELEASE names no release build)");
        return false;
    }
    tools && root
}

/// Runs the program until it enters `call` for the `when`-th time, and gives what of `needles`, made
/// while it is held there, is in its memory, as the scan says it.
fn scan(
    folder: &Path,
    call: &str,
    when: usize,
    arguments: &[String],
    needles: impl FnOnce() -> Needles,
) -> String {
    scan_with(folder, &[], call, when, arguments, needles)
}

/// The same, with more in the environment.
fn scan_with(
    folder: &Path,
    variables: &[(&str, PathBuf)],
    call: &str,
    when: usize,
    arguments: &[String],
    needles: impl FnOnce() -> Needles,
) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/scan.py");
    let mut child = Command::new("python3")
        .arg(script)
        .args([call, &when.to_string(), &program()])
        .args(arguments)
        .current_dir(folder)
        .env("QUORATE_MARK", MARK)
        .envs(variables.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "held");
    let mut fields = vec![format!("\"mark\":\"{}\"", hex(MARK.as_bytes()))];
    for (name, needle) in needles() {
        assert!(needle.len() >= 16, "{name} is too short to be looked for");
        fields.push(format!("\"{name}\":\"{}\"", hex(&needle)));
    }
    writeln!(child.stdin.take().unwrap(), "{{{}}}", fields.join(",")).unwrap();
    let found = lines.next().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    assert!(found.contains("\"mark\""), "the scan doesn't find what it must find: {found}");
    found
}

/// The names of secrets that a scan found, without the mark, wherever it stands among them: what lies at lower
/// addresses is found first.
fn secrets(found: &str) -> Vec<&str> {
    let before = found.split("\": [").map(|part| part.rsplit('"').next().unwrap());
    let names: Vec<&str> = before.collect();
    let (last, names) = names.split_last().unwrap();
    assert!(names.contains(&"mark"), "{last}: {found}");
    names.iter().copied().filter(|name| *name != "mark").collect()
}

#[test]
fn a_secret_counts_wherever_it_is_found() {
    let mark = "\"mark\": [\"[stack] rw-p raw 1\"]";
    let key = "\"key at 0\": [\"[heap] rw-p raw 1\", \"anonymous rw-p hex 2\"]";
    for (found, expected) in [
        (format!("{{\"found\": {{{mark}}}, \"bytes\": 9}}"), 0),
        (format!("{{\"found\": {{{mark}, {key}}}, \"bytes\": 9}}"), 1),
        (format!("{{\"found\": {{{key}, {mark}}}, \"bytes\": 9}}"), 1),
    ] {
        assert_eq!(secrets(&found), vec!["key at 0"; expected], "{found}");
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(program());
    command.args(words(arguments)).current_dir(folder);
    command
}

fn run(folder: &Path, arguments: &str) {
    let output = command(folder, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The first code of a card's page, which also goes to a text file.
fn code(folder: &Path, card: &str) -> String {
    let page = fs::File::open(folder.join(format!("acme-cards/{card}.pdf"))).unwrap();
    let mut read = Command::new(program());
    let read = read.args(["scan-file", "--deadline", "30"]).stdin(page).output().unwrap();
    let text = String::from_utf8(read.stdout).unwrap();
    let code = text.split('\0').next().unwrap().strip_prefix('C').unwrap();
    fs::write(folder.join(format!("{card}.txt")), code).unwrap();
    code.to_owned()
}

/// The passphrases, the shares of alice and bob, the quorum's secret and what follows from it.
fn quorum_needles(folder: &Path) -> Needles {
    let entry = fs::read_dir(folder.join("acme/quorum")).unwrap().next().unwrap().unwrap();
    let record = QuorumRecord::read(&fs::read(entry.path()).unwrap()).unwrap();
    let mut needles = Needles::new();
    let mut shares = Vec::new();
    for ((name, passphrase), card) in CUSTODIANS.iter().zip(["1-alice", "2-bob"]) {
        let Ok(Offer::Card(card)) = Collector::new().offer(&code(folder, card)) else {
            unreachable!("{name}: no card")
        };
        let passphrase = Passphrase::parse(passphrase.as_bytes()).unwrap();
        let share = card.open_passphrase(&passphrase).unwrap().check(record.commitments()).unwrap();
        let bytes = share.to_secret_bytes().expose().to_vec();
        needles.push((format!("value of {name}"), bytes[..32].to_vec()));
        needles.push((format!("blinder of {name}"), bytes[32..].to_vec()));
        shares.push(share);
    }
    let secret = combine(record.commitments(), &shares).unwrap().to_secret_bytes();
    let derived = |purpose: &[u8]| hkdf_sha256(b"quorate/v1", secret.expose(), purpose).expose().to_vec();
    needles.push(("identity seed".to_owned(), derived(b"age-identity")));
    needles.push(("signing seed".to_owned(), derived(b"ed25519")));
    needles.push(("quorum secret".to_owned(), secret.expose().to_vec()));
    for (name, passphrase) in CUSTODIANS {
        needles.push((format!("passphrase of {name}"), passphrase.as_bytes().to_vec()));
    }
    needles
}

/// Pieces of a key, raw or in PKCS#8: where each kind has a private number, never a public one.
fn key_needles(key: &[u8]) -> Needles {
    let pieces = match key.len() {
        32 => vec![0],
        48..64 => vec![16],
        100..200 => vec![36],
        // RSA: beyond the modulus and the exponent, in each of d, p, q and what speeds it up.
        length => (500..length - 40).step_by(96).collect(),
    };
    let named = |start: usize| (format!("key at {start}"), key[start..start + 32].to_vec());
    pieces.into_iter().map(named).collect()
}

fn passphrase_files(folder: &Path, names: usize) -> String {
    let file = |(name, passphrase): &(&str, &str)| {
        fs::write(folder.join(name), passphrase).unwrap();
        format!(" --passphrase-file {name}={name}")
    };
    CUSTODIANS.iter().take(names).map(file).collect()
}

#[test]
fn no_secret_is_left_at_exit() {
    if !can_scan() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let folder: PathBuf = temporary.path().to_owned();
    let key: Vec<u8> = (0..32_u8).map(|place| place.wrapping_mul(37) ^ 0xa5).collect();
    fs::write(folder.join("key"), &key).unwrap();

    let init = format!(
        "init acme --memory 64 -t 2 -c alice bob carol{} --skip-scan-back everybody",
        passphrase_files(&folder, CUSTODIANS.len())
    );
    let mut quorum = Needles::new();
    let found = scan(&folder, "exit_group", 1, &words(&init), || {
        quorum = quorum_needles(&folder);
        quorum.clone()
    });
    assert!(secrets(&found).is_empty(), "after init: {found}");

    let add = words("-C acme add known --file key --kind aes-256");
    let with_key = |needles: &Needles| {
        let mut needles = needles.clone();
        needles.push(("key".to_owned(), key.clone()));
        needles
    };
    let found = scan(&folder, "exit_group", 1, &add, || with_key(&quorum));
    assert!(secrets(&found).is_empty(), "after add: {found}");

    let unseal = format!("--card 1-alice.txt 2-bob.txt{}", passphrase_files(&folder, 2));
    for kind in ["aes-256", "ec-p256", "ed25519", "rsa-3072"] {
        let generate = words(&format!("-C acme generate {kind} --kind {kind}"));
        let found = scan(&folder, "exit_group", 1, &generate, || {
            run(&folder, &format!("-C acme recover {kind} {unseal} --to file:{kind} --format der"));
            key_needles(&fs::read(folder.join(kind)).unwrap())
        });
        assert!(secrets(&found).is_empty(), "after generate {kind}: {found}");
    }

    let recover = words(&format!("-C acme recover known {unseal} --to file:known"));
    // Control: as `done` is about to be logged, the key and the quorum are there and are found.
    let found = scan(&folder, "renameat2", 2, &recover, || with_key(&quorum));
    for name in ["key", "signing seed", "identity seed", "value of bob", "passphrase of alice"] {
        assert!(found.contains(&format!("\"{name}\": [")), "the control doesn't find {name}: {found}");
    }
    let _ = fs::remove_file(folder.join("known.pending"));
    let found = scan(&folder, "exit_group", 1, &recover, || with_key(&quorum));
    assert!(secrets(&found).is_empty(), "after recover: {found}");
}
