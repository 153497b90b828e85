//! The bar of the reader: our own cards, distorted, beside zxing-cpp on the same pictures in one run.
//!
//! The pages are made here, from the published vectors of cards, so each run makes the same ones.
//! `tests/corpus/make.py` draws and distorts them; the folder is kept as long as the pages and that
//! program stay the same. `tests/corpus/compare.py` runs both readers and holds ours to the bar.
//! Needs `QUORATE_RELEASE`, the path of a release build of the program (a debug build is too slow to
//! mean anything), `pdftoppm`, and Python with `tests/corpus/requirements.txt` in
//! `${QUORATE_TOOLS:-target/tools}/python`. Without them the test says so and passes; with
//! `QUORATE_TEST_ALL=1` it fails. How well other readers do, `docs/performance.md` says.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test and its report"
)]

use quorate::card::page::{Face, Paper, Sealing, card_page};
use quorate::card::{codes, verification};
use quorate::primitive::hash::sha256;
use quorate::seal::{SealKind, SealedShare};
use quorate::wire::lines;
use quorate::wire::text::{from_hex, hex};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// Vector, size of the paper, custodian. Open cards have 90 bytes, passphrase cards 125.
const CARDS: [(&str, Paper, &str); 4] = [
    ("open", Paper::A4, "Alice Example"),
    ("passphrase", Paper::A4, "Bob Example"),
    ("open-4", Paper::Letter, "Dave Example"),
    ("passphrase", Paper::Letter, "Bob Example"),
];

/// A card of the vectors.
fn card(name: &str) -> SealedShare {
    let text = fs::read_to_string(Path::new(HERE).join(format!("tests/vectors/card/{name}.txt"))).unwrap();
    let (_, payload) = text.split_once("\n\n").unwrap();
    SealedShare::read(&from_hex(&payload.replace('\n', "")).unwrap()).unwrap()
}

/// A card's page and the text of its code.
fn page(name: &str, paper: Paper, custodian: &str) -> (Vec<u8>, String) {
    let card = card(name);
    let header = card.header();
    let texts = codes(&card);
    let typed = lines::encode(card.expose()).unwrap();
    let typed: Vec<_> = typed.iter().map(lines::Line::groups).collect();
    let face = Face {
        organisation: Some("Example Corporation"),
        quorum: &header.quorum().to_string(),
        generation: header.generation(),
        threshold: header.scheme().threshold(),
        total: header.scheme().count(),
        index: header.index(),
        custodian,
        role: Some("Head of Internal Audit"),
        made: "2026-11-23T14:05:00Z",
        ceremony: Some("C-014"),
        envelope: Some("E-004812"),
        seal: match card.kind() {
            SealKind::Passphrase(cost) => Sealing::Passphrase { memory_mib: cost.memory_mib() },
            _ => Sealing::Open,
        },
        checkpoint: Some((2, "D7XQ-X34I")),
        verification: &verification(&sha256(&[card.expose()])),
        codes: &[texts[0].as_str()],
        lines: &typed.iter().map(|line| line.as_str()).collect::<Vec<_>>(),
        contact: Some("the security duty officer"),
        program: "quorate",
    };
    (card_page(&face, paper).unwrap(), texts[0].to_string())
}

/// The folder of the pictures, made if need be.
fn corpus(python: &Path) -> PathBuf {
    let pages: Vec<_> = CARDS.iter().map(|(name, paper, custodian)| page(name, *paper, custodian)).collect();
    let parts = ["make.py", "paper.py", "requirements.txt"];
    let parts = parts.map(|name| fs::read(Path::new(HERE).join("tests/corpus").join(name)).unwrap());
    let digests: Vec<_> =
        parts.iter().chain(pages.iter().map(|(pdf, _)| pdf)).map(|part| sha256(&[part])).collect();
    let key = hex(&sha256(&[digests.as_flattened()]));
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = place.join(format!("corpus-{}", key.get(..12).unwrap()));
    if folder.join("manifest.json").exists() {
        return folder;
    }
    // Of other pages or another version of the program that makes them.
    for old in fs::read_dir(place).unwrap().map(|old| old.unwrap().path()) {
        if old.file_name().is_some_and(|name| name.to_string_lossy().starts_with("corpus-")) {
            fs::remove_dir_all(old).unwrap();
        }
    }
    let drawn = folder.join("pages");
    fs::create_dir_all(&drawn).unwrap();
    for (number, (pdf, text)) in pages.iter().enumerate() {
        fs::write(drawn.join(format!("{number}.pdf")), pdf).unwrap();
        fs::write(drawn.join(format!("{number}.txt")), text).unwrap();
    }
    let made = Command::new(python)
        .arg(Path::new(HERE).join("tests/corpus/make.py"))
        .args([&drawn, &folder])
        .status();
    assert!(made.unwrap().success(), "the pictures were not made");
    folder
}

#[test]
fn reads_more_than_zxing_cpp() {
    let tools = std::env::var_os("QUORATE_TOOLS").map(PathBuf::from);
    let tools = tools.unwrap_or_else(|| Path::new(HERE).join("target/tools"));
    let python = tools.join("python/bin/python3");
    let program = std::env::var_os("QUORATE_RELEASE").map(PathBuf::from);
    let program = program.unwrap_or_default();
    let there = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    let missing = if !there(Command::new(&python).args(["-c", "import cv2, numpy, PIL, zxingcpp"])) {
        "Python with tests/corpus/requirements.txt"
    } else if !there(Command::new("pdftoppm").arg("-v")) {
        "pdftoppm"
    } else if !there(Command::new(&program).arg("--version")) {
        "QUORATE_RELEASE, a release build of the program,"
    } else {
        ""
    };
    if !missing.is_empty() {
        println!("left out: {missing} is missing");
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "{missing} is missing");
        return;
    }
    let folder = corpus(&python);
    let held = Command::new(&python)
        .arg(Path::new(HERE).join("tests/corpus/compare.py"))
        .arg(&folder)
        .arg("--program")
        .arg(&program)
        .args(["--readers", "quorate,zxing-cpp", "--bar", "--jobs", "2"])
        .status();
    assert!(held.unwrap().success(), "the bar is not reached: see above");
}
