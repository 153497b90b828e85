//! The independent proof: `recover.py` gives the identity that the library gives, or refuses.
//!
//! Cards come from the library, the rest is Python's standard library. Where python3 is missing the
//! tests say so and pass, unless `QUORATE_TEST_ALL=1`; passphrase cards need libargon2 or
//! argon2-cffi, which are faster than the Python that stands in for them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::arithmetic_side_effects
)]
#![allow(clippy::disallowed_methods)]

use quorate::age::{Identity, LIMITS, Stanzas, decrypt};
use quorate::card::page::Paper;
use quorate::card::sheet::{BackupSheet, Facts};
use quorate::card::{Details, codes, pdf};
use quorate::ceremony::deposit::deposit;
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::found::{Founding, Plan, Seal, Seat};
use quorate::key::{KeyKind, generate};
use quorate::log::Op;
use quorate::primitive::random::Entropy;
use quorate::quorum::Quorum;
use quorate::seal::{CardHeader, Cost, SealedShare, Sealer};
use quorate::secret::Passphrase;
use quorate::share::Scheme;
use quorate::store::MemoryStore;
use quorate::wire::lines;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PASSPHRASE: &str = "  caf\u{e9} \u{3000} battery\tstaple\r\n";

/// Whether a command succeeds; a test that needs it is left out otherwise, unless all must run.
fn has(what: &str, arguments: &[&str]) -> bool {
    let there = Command::new("python3").args(arguments).output().is_ok_and(|output| output.status.success());
    if !there {
        println!("left out: {what} is missing");
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "{what} is missing");
    }
    there
}

fn has_python() -> bool {
    has("python3", &["--version"])
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// A quorum, its identity in text, and the files of its cards.
struct Room {
    folder: tempfile::TempDir,
    identity: String,
    cards: Vec<SealedShare>,
}

impl Room {
    fn new(threshold: usize, count: usize, sealer: &Sealer<'_>) -> Self {
        let mut entropy = Entropy::system();
        let scheme = Scheme::new(threshold, count).unwrap();
        let (quorum, deal) = Quorum::found(scheme, &mut entropy).unwrap();
        let seal = |share| {
            let header =
                CardHeader::new(quorum.id(), 1, quorate::share::Share::index(share), scheme).unwrap();
            SealedShare::seal(header, share, sealer, &mut Entropy::system()).unwrap()
        };
        let cards = deal.shares.iter().map(seal).collect();
        let identity = core::str::from_utf8(quorum.identity().to_text().expose()).unwrap().to_owned();
        Self { folder: tempfile::tempdir().unwrap(), identity, cards }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The code of a card, from share 1.
    fn code(&self, index: usize) -> PathBuf {
        let card = &self.cards[index - 1];
        let codes: Vec<String> = codes(card).iter().map(|code| code.to_string()).collect();
        self.write(&format!("code-{index}.txt"), &codes.join("\n"))
    }

    fn lines(&self, index: usize) -> Vec<String> {
        let line = |line: &lines::Line| format!("{:02}  {}", line.number(), *line.groups());
        lines::encode(self.cards[index - 1].expose()).unwrap().iter().map(line).collect()
    }

    fn typed(&self, index: usize, lines: &[String]) -> PathBuf {
        self.write(&format!("typed-{index}.txt"), &lines.join("\n"))
    }

    fn gives_its_identity(&self, cards: &[PathBuf], options: &[String]) {
        let output = recover(cards, options);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), self.identity);
    }
}

fn recover(cards: &[PathBuf], options: &[String]) -> Output {
    Command::new("python3").arg(script("recover.py")).args(options).args(cards).output().unwrap()
}

/// Refused with a message that names this, and nothing on stdout.
fn refuses(cards: &[PathBuf], options: &[String], named: &str) {
    let output = recover(cards, options);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && output.stdout.is_empty(), "accepted");
    assert!(said.starts_with("recover.py: ") && said.contains(named), "{said}");
}

#[test]
fn reads_the_published_vectors() {
    if !has_python() {
        return;
    }
    let run =
        Command::new("python3").arg(script("recover_check.py")).arg(script("vectors")).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn any_threshold_of_open_cards_gives_the_identity() {
    if !has_python() {
        return;
    }
    let room = Room::new(3, 5, &Sealer::Open);
    for some in [&[1, 2, 3][..], &[5, 3, 1], &[2, 4, 5], &[1, 2, 3, 4], &[5, 4, 3, 2, 1]] {
        let files: Vec<_> = some.iter().map(|index| room.code(*index)).collect();
        room.gives_its_identity(&files, &[]);
    }
    // Typed, backwards and with any two lines missing, or only the first of them.
    let mut typed = room.lines(4);
    typed.reverse();
    typed.remove(0);
    typed.remove(3);
    let mut first = room.lines(2);
    first.truncate(first.len() - 2);
    room.gives_its_identity(&[room.typed(4, &typed), room.code(1), room.typed(2, &first)], &[]);
}

#[test]
fn nothing_less_gives_anything() {
    if !has_python() {
        return;
    }
    let (room, other) = (Room::new(3, 5, &Sealer::Open), Room::new(3, 5, &Sealer::Open));
    let code = |index| room.code(index);
    refuses(&[code(1), code(2)], &[], "3 are needed");
    refuses(&[code(1), code(2), code(1)], &[], "code-1.txt: it is named twice");
    let again = room.typed(1, &room.lines(1));
    refuses(&[code(1), code(2), again], &[], "typed-1.txt: share 1 is there twice");
    refuses(&[code(1), code(2), other.code(3)], &[], "code-3.txt: it is of another quorum");
    // Any one character of a code.
    let text = fs::read_to_string(code(3)).unwrap();
    for place in (0..text.len()).step_by(13).chain([text.len() - 1]) {
        let mut altered = text.clone().into_bytes();
        altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
        let altered = room.write("altered.txt", core::str::from_utf8(&altered).unwrap());
        refuses(&[code(1), code(2), altered], &[], "altered.txt: ");
    }
    let mut lines = room.lines(3);
    lines[2] = lines[2].replacen(|c: char| c.is_ascii_uppercase(), "7", 1);
    refuses(&[code(1), code(2), room.typed(3, &lines)], &[], "typed-3.txt: line 3");
    refuses(&[code(1), code(2), room.typed(3, &room.lines(3)[..3])], &[], "typed-3.txt: ");
    // Lines of two cards: the first of one, the rest of another.
    let mixed = [&room.lines(3)[..2], &room.lines(4)[2..]].concat();
    refuses(&[code(1), code(2), room.typed(3, &mixed)], &[], "typed-3.txt: ");
}

#[test]
fn a_share_that_is_wrong_is_never_silent() {
    if !has_python() {
        return;
    }
    // A whole card whose share is another number: only the quorum id tells.
    let room = Room::new(2, 3, &Sealer::Open);
    let mut bytes = room.cards[1].expose()[..82].to_vec();
    bytes[18] ^= 1;
    let check = quorate::primitive::hash::sha256(&[b"quorate/v1/card", &bytes]);
    bytes.extend_from_slice(&check[..8]);
    let text = format!("QUORATE/1/{}", *quorate::wire::text::base32(&bytes));
    let forged = room.write("forged.txt", &text);
    refuses(&[room.code(1), forged.clone()], &[], "forged.txt");
    refuses(&[room.code(1), room.code(3), forged], &[], "one is wrong");
}

#[test]
fn passphrase_cards_open_in_python_too() {
    let argon2 = "import ctypes.util, importlib.util as i, sys; \
                  sys.exit(not (i.find_spec('argon2') or ctypes.util.find_library('argon2')))";
    if !has_python() || !has("argon2-cffi or libargon2", &["-c", argon2]) {
        return;
    }
    let passphrase = Passphrase::parse(PASSPHRASE.as_bytes()).unwrap();
    let room = Room::new(2, 3, &Sealer::Passphrase(&passphrase, Cost::LEAST));
    // Typed in another spacing and another form of Unicode.
    let right = room.write("right", "cafe\u{301} battery staple");
    let wrong = room.write("wrong", "caf\u{e9} battery Staple");
    let option = |index: u8, file: &Path| format!("--passphrase={index}={}", file.display());
    let cards = [room.code(1), room.typed(3, &room.lines(3))];
    room.gives_its_identity(&cards, &[option(1, &right), option(3, &right)]);
    refuses(&cards, &[option(1, &right), option(3, &wrong)], "typed-3.txt: the passphrase of share 3");
}

/// A stranger's test: cards and a sheet as PDFs, read by independent programs, and Python's standard library
/// up to the age identity and the age file; the age library stands for any age program.
#[test]
fn cards_and_a_sheet_on_paper_give_the_key_without_this_program() {
    let tool = |name: &str| {
        let there = Command::new(name).arg("--help").output().is_ok();
        assert!(there || std::env::var_os("QUORATE_TEST_ALL").is_none(), "{name} is missing");
        there
    };
    if !has_python() || !tool("pdftoppm") || !tool("zbarimg") {
        println!("left out: python3, pdftoppm or zbarimg is missing");
        return;
    }
    let (store, mut entropy) = (MemoryStore::new(), Entropy::system());
    let clock = || "2026-11-23T20:00:00Z".parse().unwrap();
    let mut escrow = Escrow::new(&store, &clock, "somebody");
    let seat = |name: &str| Seat { name: name.into(), role: None, seal: Seal::Open };
    let plan = Plan::new(2, vec![seat("alice"), seat("bob"), seat("carol")], None, Cost::LEAST).unwrap();
    let founding = Founding::begin(&mut escrow, &plan, 1, &|_, _| None, &|_| (), &mut entropy).unwrap();
    let pages: Vec<Vec<u8>> = founding.cards()[1..]
        .iter()
        .map(|card| pdf(founding.record(), card, &Details::default(), Paper::Letter).unwrap().to_vec())
        .collect();
    founding.complete(&mut escrow).unwrap();
    let name = ["orders".parse().unwrap()];
    let make = |_: &_, entropy: &mut Entropy| generate(KeyKind::Rsa2048, entropy);
    deposit(&mut escrow, Op::Generate, &name, make, &mut entropy).unwrap();
    let version = escrow.version(&"orders".parse().unwrap()).unwrap();
    let backed = &version.backed;
    let facts = Facts {
        name: backed.deposit.name.clone(),
        key: backed.deposit.key,
        version: backed.deposit.version,
        kind: backed.kind,
        created: backed.created,
        fingerprint: backed.fingerprint,
        spki: backed.spki,
        checkpoint: escrow.log().checkpoint().to_string(),
        time: clock(),
    };
    let backup = escrow.backup(version).unwrap();
    let sheet = BackupSheet::new(facts, escrow.quorum().unwrap(), backup.clone()).unwrap();

    // From here on: paper, and what anybody has.
    let folder = tempfile::tempdir().unwrap();
    let on_paper = |name: &str, pdf: &[u8]| -> String {
        let place = folder.path().join(name);
        fs::write(&place, pdf).unwrap();
        let drawn =
            Command::new("pdftoppm").args(["-r", "200", "-gray", "-png"]).arg(&place).arg(&place).status();
        assert!(drawn.unwrap().success());
        let all = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut pictures: Vec<_> =
            all.filter(|path| path.to_string_lossy().contains(&format!("{name}-"))).collect();
        pictures.sort();
        let read = |picture: &PathBuf| {
            let output = Command::new("zbarimg")
                .args(["-q", "--raw", "-Sdisable", "-Sqrcode.enable"])
                .arg(picture)
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let mut texts: Vec<String> = pictures
            .iter()
            .flat_map(|page| read(page).lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        texts.retain(|text| !text.is_empty());
        texts.sort();
        texts.dedup();
        texts.join("\n")
    };
    let mut cards = Vec::new();
    for (page, name) in pages.iter().zip(["bob", "carol"]) {
        let path = folder.path().join(format!("{name}.txt"));
        fs::write(&path, on_paper(name, page)).unwrap();
        cards.push(path);
    }
    let texts = on_paper("sheet", &sheet.pdf(Paper::A4).unwrap());
    // One code is torn off.
    let torn = texts.split_once('\n').unwrap().1;
    let codes = folder.path().join("sheet.txt");
    fs::write(&codes, torn).unwrap();
    let python = |arguments: &[&Path]| {
        let output =
            Command::new("python3").arg(script("recover_sheet.py")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    };
    let read = python(&[&codes]);
    assert_eq!(read.stdout, backup.bytes());
    let said = String::from_utf8(read.stderr).unwrap();
    let fingerprint = backed.fingerprint.to_string();
    assert!(said.contains("name: orders") && said.contains(&fingerprint), "{said}");
    let identity = recover(&cards, &[]);
    let identity = Identity::parse(String::from_utf8(identity.stdout).unwrap().trim().as_bytes()).unwrap();
    let record = decrypt(&read.stdout, &[&identity], Stanzas::Any, &LIMITS).unwrap();
    let key = folder.path().join("key.json");
    fs::write(&key, record.expose()).unwrap();
    let printed = python(&[Path::new("--key"), &key]);
    assert_eq!(String::from_utf8(printed.stdout).unwrap().trim(), fingerprint);
}
