//! Another age implementation (npm `age-encryption`, on Node) reads our files, and we read its files.
//!
//! `tests/tools/fetch-age.sh` installs it into `${QUORATE_TOOLS:-target/tools}/age`. Without it or
//! without Node the tests say so and pass; with `QUORATE_TEST_ALL=1` they fail.
#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests and their report"
)]

use quorate::age::{self, Identity, Kind, LIMITS, Recipient, Stanzas};
use quorate::primitive::random::Entropy;
use quorate::wire::text::{base64, from_base64};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const SIZES: [usize; 10] = [0, 1, 300, 4096, 65_535, 65_536, 65_537, 131_072, 131_073, 200_000];
const KINDS: [(Kind, &str); 2] = [(Kind::Hybrid, "hybrid"), (Kind::X25519, "x25519")];

/// Whether the other implementation is there; says what is left out when it isn't.
fn installed() -> Option<PathBuf> {
    let tools = std::env::var_os("QUORATE_TOOLS").map(PathBuf::from);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = tools.unwrap_or_else(|| root.join("target/tools")).join("age");
    let node = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    if node && folder.join("node_modules/age-encryption").is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "no Node or no tests/tools/fetch-age.sh run");
    eprintln!("left out: the other age implementation (Node and tests/tools/fetch-age.sh)");
    None
}

/// The other implementation's answers, one for each request.
fn ask(folder: &PathBuf, requests: &[String]) -> Vec<Option<Vec<String>>> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/interop/age.mjs");
    let mut child = Command::new("node")
        .arg(script)
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = requests.join("\n") + "\n";
    // From a thread of its own: both pipes fill up otherwise.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<_> = answers
        .lines()
        .map(|line| line.strip_prefix("ok ").map(|said| said.split(' ').map(str::to_owned).collect()))
        .collect();
    assert_eq!(answers.len(), requests.len());
    answers
}

fn pattern(length: usize) -> Vec<u8> {
    (0_u8..=250).cycle().take(length).collect()
}

fn encoded(bytes: &[u8]) -> String {
    if bytes.is_empty() { "-".to_owned() } else { base64(bytes) }
}

fn decoded(text: &str) -> Vec<u8> {
    if text == "-" { Vec::new() } else { from_base64(text).unwrap() }
}

fn ours(kind: Kind) -> (Identity, String, Recipient) {
    let identity = Identity::from_seed(kind, &Entropy::system().secret(age::SEED).unwrap()).unwrap();
    let text = String::from_utf8(identity.to_text().expose().to_vec()).unwrap();
    let recipient = identity.recipient().unwrap();
    (identity, text, recipient)
}

#[test]
fn the_other_reads_ours() {
    let Some(folder) = installed() else { return };
    for (kind, _) in KINDS {
        let (_, text, recipient) = ours(kind);
        let (_, other_text, other_recipient) = ours(kind);
        let (_, stranger, _) = ours(kind);
        let recipients = [recipient, other_recipient];
        let mut requests = Vec::new();
        for size in SIZES {
            let file = age::encrypt(&pattern(size), &recipients, &mut Entropy::system()).unwrap();
            for identity in [&text, &other_text, &stranger] {
                requests.push(format!("decrypt {identity} {}", base64(&file)));
            }
        }
        for (answers, size) in ask(&folder, &requests).chunks(3).zip(SIZES) {
            for answer in &answers[..2] {
                assert_eq!(decoded(&answer.as_ref().unwrap()[0]), pattern(size), "{kind} {size}");
            }
            assert!(answers[2].is_none());
        }
    }
}

#[test]
fn we_read_the_others() {
    let Some(folder) = installed() else { return };
    for (kind, name) in KINDS {
        let keys = ask(&folder, &[format!("keygen {name}"), format!("keygen {name}")]);
        let mut identities = Vec::new();
        let mut recipients = Vec::new();
        for key in keys.into_iter().flatten() {
            let identity = Identity::parse(key[0].as_bytes()).unwrap();
            assert_eq!(identity.to_text().expose(), key[0].as_bytes());
            assert_eq!(identity.recipient().unwrap().to_string(), key[1]);
            assert_eq!(key[1].parse::<Recipient>().unwrap(), identity.recipient().unwrap());
            identities.push(identity);
            recipients.push(key[1].clone());
        }
        let requests: Vec<String> = SIZES
            .iter()
            .map(|size| format!("encrypt {} {}", recipients.join(","), encoded(&pattern(*size))))
            .collect();
        let stanzas = if kind == Kind::Hybrid { Stanzas::OnlyHybrid } else { Stanzas::Any };
        for (answer, size) in ask(&folder, &requests).iter().zip(SIZES) {
            let file = decoded(&answer.as_ref().unwrap()[0]);
            for identity in &identities {
                let plain = age::decrypt(&file, &[identity], stanzas, &LIMITS).unwrap();
                assert_eq!(plain.expose(), pattern(size), "{kind} {size}");
            }
        }
    }
}

#[test]
fn an_altered_file_is_refused_by_both() {
    let Some(folder) = installed() else { return };
    let (identity, text, recipient) = ours(Kind::Hybrid);
    let file = age::encrypt(&pattern(100), &[recipient], &mut Entropy::system()).unwrap();
    let mut requests = Vec::new();
    for place in (0..file.len()).step_by(97).chain([file.len() - 1]) {
        let mut altered = file.clone();
        altered[place] ^= 1;
        assert!(age::decrypt(&altered, &[&identity], Stanzas::Any, &LIMITS).is_err());
        requests.push(format!("decrypt {text} {}", base64(&altered)));
    }
    assert!(ask(&folder, &requests).iter().all(Option::is_none));
}
