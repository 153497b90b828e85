//! No reader panics on a mutation of something valid: a short run of what `fuzz/` does at length.
//!
//! Needs no nightly compiler and no fuzzer: the published vectors, and a page of a card, are cut,
//! flipped, spliced and repeated by a generator with a fixed seed, and given to every reader.
//! `QUORATE_FUZZ=N` gives each N times as many, others than without it.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub
)]

#[path = "../fuzz/targets.rs"]
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

/// How many inputs a target gets; the slow ones get fewer.
fn rounds(target: &str, times: usize) -> usize {
    times
        * match target {
            "picture" => 40,
            "age" | "key_import" | "sheet" => 600,
            _ => 3000,
        }
}

/// A generator of numbers (xorshift64*, Vigna 2016), the same ones in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end.max(1)
    }
}

/// One to four changes of `input`.
fn mutate(numbers: &mut Numbers, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    for _ in 0..=numbers.below(4) {
        let (at, length) = (numbers.below(input.len()), 1 + numbers.below(16));
        let end = (at + length).min(input.len());
        match numbers.below(9) {
            0 => input.truncate(at),
            1 => drop(input.drain(at..end)),
            2 => input.insert(at, numbers.next() as u8),
            3 => {
                let part = input[at..end].to_vec();
                let count = 1 + numbers.below(8);
                input.splice(at..at, part.repeat(count));
            }
            4 => {
                let other = &seeds[numbers.below(seeds.len())];
                input.truncate(at);
                input.extend_from_slice(&other[numbers.below(other.len())..]);
            }
            5 if !input.is_empty() => {
                const EDGES: [u8; 12] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'\\', b'{', b'\n', b'/', b'9', b'-'];
                input[at] = EDGES[numbers.below(EDGES.len())];
            }
            6 => {
                let number = u64::MAX.wrapping_shr(numbers.below(64) as u32).to_string();
                input.splice(at..at, number.into_bytes());
            }
            _ if !input.is_empty() => input[at] ^= 1 << numbers.below(8),
            _ => input.push(numbers.next() as u8),
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    let pairs = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
    (text.len() >= 32).then(|| pairs.collect()).flatten()
}

/// The bodies of the published vectors in these folders, as text and, when they are hex, as bytes.
fn vectors(folders: &[&str]) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut seeds = Vec::new();
    for folder in folders {
        let mut files: Vec<PathBuf> =
            fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let text = fs::read_to_string(file).unwrap();
            let body = text.split_once("\n\n").map_or("", |(_, body)| body);
            if *folder == "escrow" {
                seeds.push(commits(body));
            } else {
                seeds.push(body.trim_end().as_bytes().to_vec());
                seeds.extend(from_hex(body));
            }
        }
    }
    seeds
}

/// The commits of the log of an escrow, each ended by a zero byte.
fn commits(body: &str) -> Vec<u8> {
    let sections = body.split("=== ").filter(|section| section.starts_with("log/"));
    let texts = sections.filter_map(|section| section.split_once('\n').map(|(_, text)| text));
    texts.collect::<Vec<_>>().join("\0").into_bytes()
}

fn data(folder: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().filter(|file| file.is_file()).map(|file| fs::read(file).unwrap()).collect()
}

/// A page with a code, as a PDF and as a picture.
fn pages() -> Vec<Vec<u8>> {
    use quorate::card::{Details, pdf};
    use quorate::primitive::random::Entropy;
    use quorate::quorum::{Custodian, Quorum, QuorumRecord, Terms};
    use quorate::seal::{CardHeader, SealedShare, Sealer};
    let scheme = quorate::share::Scheme::new(2, 2).unwrap();
    let (quorum, deal) = Quorum::found(scheme, &mut Entropy::system()).unwrap();
    let seal = |share: &quorate::share::Share| {
        let header = CardHeader::new(quorum.id(), 1, share.index(), scheme).unwrap();
        SealedShare::seal(header, share, &Sealer::Open, &mut Entropy::system()).unwrap()
    };
    let cards: Vec<SealedShare> = deal.shares.iter().map(seal).collect();
    let custodian = |(name, card): (&str, &SealedShare)| Custodian {
        name: name.to_owned(),
        role: None,
        seal: card.kind().name(),
        card: card.digest(),
    };
    let terms = Terms {
        generation: 1,
        created: "2026-11-23T20:00:00Z".parse().unwrap(),
        organisation: None,
        custodians: ["alice", "bob"].into_iter().zip(&cards).map(custodian).collect(),
        predecessor: None,
    };
    let record = QuorumRecord::sign(&quorum, &deal.commitments, terms).unwrap();
    let details = Details { ceremony: None, envelope: None, contact: None, checkpoint: None };
    let page = pdf(&record, &cards[0], &details, quorate::card::page::Paper::A4).unwrap();
    let mut jpeg = vec![0xff, 0xd8, 0xff, 0xe0];
    jpeg.extend_from_slice(&page[..512]);
    let picture = quorate::card::scan::draw_first_page(&page).unwrap().to_vec();
    vec![page.to_vec(), picture, jpeg]
}

/// The bytes of the published backup sheet.
fn containers() -> Vec<Vec<u8>> {
    let mut collector = quorate::card::sheet::SheetCollector::new();
    for code in vectors(&["sheet"]).iter().flat_map(|text| text.split(|byte| *byte == b'\n')) {
        let _ = collector.offer(&String::from_utf8_lossy(code));
    }
    collector.finish().into_iter().flatten().map(|gathered| gathered.sheet.bytes().to_vec()).collect()
}

/// The files in TOML that the operator's guide shows.
fn tables() -> Vec<Vec<u8>> {
    let guide = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operator.md")).unwrap();
    let blocks = guide.split("```toml\n").skip(1).map(|block| block.split("```").next().unwrap().as_bytes());
    let short = &b"card-days = 0x1e\n[[rotation]]\nname = '*'\ndays = 'never'\n"[..];
    blocks.chain([short]).map(<[u8]>::to_vec).collect()
}

/// Messages of KMIP.
fn messages() -> Vec<Vec<u8>> {
    use quorate::wire::ttlv::{Item, Value};
    let texts = vec![Item::text(0x42_0094, "17"), Item::bytes(0x42_0043, &[7; 300])];
    let numbers = vec![
        Item::enumeration(0x42_005c, 3),
        Item::integer(0x42_000d, 1),
        Item { tag: 0x42_0092, value: Value::Time(1_795_575_000) },
        Item { tag: 0x42_0020, value: Value::Other(6, vec![0, 0, 0, 0, 0, 0, 0, 1]) },
    ];
    let inner = Item::structure(0x42_000f, texts);
    let outer = Item::structure(0x42_007b, vec![inner.clone(), Item::structure(0x42_007a, numbers.clone())]);
    [inner, outer, Item::structure(0x42_0077, numbers)].iter().filter_map(Item::encode).collect()
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "age" => vectors(&["backup"]),
        "armor" => vectors(&["backup"]).iter().map(|file| quorate::age::armor(file).into_bytes()).collect(),
        "card" => vectors(&["card"]),
        "codes" => vectors(&["qr"]),
        "json" => vectors(&["json", "key-record", "quorum-record"]),
        "key_import" => data("key"),
        "key_record" => vectors(&["key-record"]),
        "log" => vectors(&["escrow"]),
        "log_record" => {
            let lines = vectors(&["escrow"]);
            lines
                .iter()
                .flat_map(|log| log.split(|byte| matches!(byte, 0 | b'\n')))
                .map(<[u8]>::to_vec)
                .collect()
        }
        "picture" => pages(),
        "quorum_record" => vectors(&["quorum-record"]),
        "policy" => tables(),
        "report" => vectors(&["report"]),
        "sheet" => vectors(&["sheet"]).into_iter().chain(containers()).collect(),
        "ssh" => data("ssh"),
        "ttlv" => messages(),
        "typed" => vectors(&["lines", "qr"]),
        _ => vectors(&["passphrase", "qr"]),
    }
}

#[test]
fn no_reader_panics_on_a_mutation() {
    let times = std::env::var("QUORATE_FUZZ").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    for (name, target) in targets::TARGETS {
        let mut seeds = seeds(name);
        seeds.retain(|seed| !seed.is_empty());
        assert!(seeds.len() > 2, "{name} has no seeds");
        seeds.iter().for_each(|seed| target(seed));
        target(&[]);
        if let Some(corpus) = std::env::var_os("QUORATE_CORPUS") {
            let folder = PathBuf::from(corpus).join(name);
            fs::create_dir_all(&folder).unwrap();
            for (number, seed) in seeds.iter().enumerate() {
                fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
            }
        }
        let mut numbers = Numbers(0x5157_4f52_4154_4530 + times as u64);
        for round in 0..rounds(name, times) {
            let mut input = seeds[round % seeds.len()].clone();
            mutate(&mut numbers, &mut input, &seeds);
            let outcome = std::panic::catch_unwind(|| target(&input));
            if outcome.is_err() {
                let place = std::env::temp_dir().join(format!("quorate-fuzz-{name}-{round}"));
                fs::write(&place, &input).unwrap();
                unreachable!("{name} panicked in round {round}: {}", place.display());
            }
        }
    }
}
