//! What the log costs beside its limits, in one run: SHA-256 of the same bytes, one durable file.
//!
//! `cargo bench --bench log` makes logs of a million records and of 100,000 key versions in a
//! temporary folder, and prints ratios. What only computes is measured in the processor's time of
//! this thread, so that other work on the machine doesn't count; what waits for the disk, by the
//! clock. Nothing here passes or fails.

#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::print_literal,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs
)]

use quorate::key::{Fingerprint, KeyId, KeyKind};
use quorate::log::{
    Backed, Certificate, Deposit, Drill, Drilled, Entry, Founded, Log, Next, Op, OperatorChange, Packaged,
    Phase, Remains, Role, Scope, Signing, State, Times,
};
use quorate::primitive::ed25519;
use quorate::primitive::hash::sha256;
use quorate::provider::{ProofKind, Provider};
use quorate::share::QuorumId;
use quorate::store::{FolderStore, Store};
use quorate::wire::json::{Json, object};
use quorate::wire::time::Timestamp;
use std::convert::Infallible;
use std::hint::black_box;
use std::io::Write as _;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

#[path = "../tests/tools/hand.rs"]
mod hand;
use hand::hand;

/// How many records are in one commit of the long log.
const EACH: u64 = 1000;

fn main() {
    println!("{:<66} {:>9}  {}", "", "ratio", "reference");
    long();
    versions();
    busy();
    append();
    signed();
}

fn row(what: &str, ratio: f64, reference: &str) {
    println!("{what:<66} {ratio:>9.3}  {reference}");
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// The time of the processor that `work` takes on this thread.
fn processor(work: impl FnOnce()) -> f64 {
    let spent = || {
        let spent = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        spent.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
    };
    let start = spent();
    work();
    spent() - start
}

fn clock() -> Timestamp {
    Timestamp::from_unix(1_800_000_000).unwrap()
}

/// The most memory that this process ever had, in MiB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

fn entry(op: Op, phase: Phase, details: Json<'static>) -> Entry {
    Entry { actor: "operator".to_owned(), op, phase, details }
}

/// What a check of a card says.
fn checked() -> Entry {
    let card = object([
        ("depth", Some(Json::text("card"))),
        ("index", Some(Json::Number(1))),
        ("read", Some(Json::text("picture"))),
    ]);
    let details = object([
        ("cards", Some(Json::List(vec![card]))),
        ("generation", Some(Json::Number(1))),
        ("occasion", Some(Json::text("check"))),
        ("quorum", Some(Json::text(founded().quorum.text()))),
    ]);
    entry(Op::Check, Phase::Done, details)
}

fn founded() -> Founded {
    Founded { quorum: QuorumId::from_bytes([7; 10]), generation: 1, record: [8; 32] }
}

/// Writes commits without the durability, which is not the question here.
struct Maker<'a> {
    folder: &'a Path,
    next: Next,
    commits: u64,
}

impl<'a> Maker<'a> {
    fn new(folder: &'a Path) -> Self {
        std::fs::create_dir_all(folder.join("log")).unwrap();
        let next = Next { head: Log::empty().head(), time: clock(), signer: None };
        let mut maker = Self { folder, next, commits: 0 };
        let mut done = entry(Op::Found, Phase::Done, founded().done(1));
        done.sign(&[9; 64]);
        maker.commit(vec![entry(Op::Found, Phase::Intent, object::<0>([])), done]);
        maker
    }

    fn commit(&mut self, entries: Vec<Entry>) {
        let mut bytes = Vec::new();
        for entry in entries {
            let record = self.next.record(entry);
            bytes.extend(record.line());
            self.next.head = record.head();
        }
        self.commits += 1;
        let path = self.folder.join(Log::file(self.commits));
        std::fs::File::create_new(path).unwrap().write_all(&bytes).unwrap();
    }
}

fn long() {
    let place = tempfile::tempdir().unwrap();
    let mut maker = Maker::new(place.path());
    for _ in 0..1_000_000 / EACH {
        maker.commit((0..EACH).map(|_| checked()).collect());
    }
    let (commits, store) = (maker.commits, FolderStore::new(place.path()));
    let before = peak();
    let mut ours = f64::INFINITY;
    let mut hash = f64::INFINITY;
    for _ in 0..3 {
        ours = ours.min(processor(|| drop(black_box(Log::open(&store).unwrap()))));
        hash = hash.min(processor(|| {
            for number in 1..=commits {
                black_box(sha256(&[&store.read(&Log::file(number), u64::MAX).unwrap().unwrap()]));
            }
        }));
    }
    row("verify a log of 1,000,000 records", ours / 10.0, "ten seconds");
    row("the same", ours / hash, "SHA-256 of its bytes");
    row("memory that it took, at most", (peak() - before) / 64.0, "64 MiB");
}

/// When every key is to be rotated.
const LATE: &str = "2031-01-15T08:00:00Z";

/// The program in an escrow, at a time, unheard.
fn program(escrow: &Path, time: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_quorate"));
    program.arg("-C").arg(escrow).args(["--clock", time]);
    program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    program
}

fn versions() {
    let place = tempfile::tempdir().unwrap();
    // A quorum that the program founded: it reads its record.
    let folder = place.path().join("acme");
    let mut init = program(&folder, "2027-01-15T08:00:00Z");
    init.args(["init", folder.to_str().unwrap(), "-t", "2", "-c", "alice=open", "bob=open", "carol=open"]);
    assert!(init.args(["--skip-scan-back", "everybody"]).status().unwrap().success());
    let log = Log::open(&FolderStore::new(&folder)).unwrap();
    let next = Next { head: log.head(), time: clock(), signer: None };
    let mut maker = Maker { folder: &folder, next, commits: log.commits() };
    let (mut seq, quorum) = (log.checkpoint().seq() + 1, log.state().quorum().unwrap().founded.quorum);
    for block in 0..100_u32 {
        let mut deposits = Vec::new();
        for number in 0..1000_u32 {
            let id = u64::from(block * 1000 + number) / 4;
            let text: String = (0..16)
                .map(|place| {
                    char::from(
                        b"ABCDEFGHIJKLMNOP"[usize::from(
                            id.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[place / 2]
                                >> (4 * (place % 2))
                                & 15,
                        )],
                    )
                })
                .collect();
            deposits.push(Deposit {
                name: format!("key-{id}").parse().unwrap(),
                key: KeyId::parse(&text).unwrap(),
                version: NonZeroU32::new(number % 4 + 1).unwrap(),
                quorum,
                token: None,
            });
        }
        maker.commit(deposits.iter().map(|one| entry(Op::Generate, Phase::Intent, one.intent())).collect());
        let mut done = Vec::new();
        for (intent, deposit) in (seq..).zip(deposits) {
            let backed = Backed {
                deposit,
                kind: KeyKind::Aes256,
                created: clock(),
                fingerprint: Fingerprint::parse(&"5a".repeat(32)).unwrap(),
                backup: [3; 32],
                size: 2000,
                spki: None,
                mark: None,
            };
            done.push(entry(Op::Generate, Phase::Done, backed.done(intent)));
        }
        maker.commit(done);
        seq += 2000;
    }
    let store = FolderStore::new(&folder);
    let opens = (0..3).map(|_| processor(|| drop(Log::open(&store).unwrap()))).fold(f64::INFINITY, f64::min);
    row("fold 100,000 key versions (200,000 records, bulk commits)", opens, "one second");
    for (what, arguments, time, code) in [
        ("`list` of them", &["list"][..], "2027-01-15T08:00:00Z", 0),
        (
            "`list` of those of one kind that are overdue",
            &["list", "--overdue", "--kind", "aes-256"],
            LATE,
            0,
        ),
        ("`status` of them", &["status"], "2027-01-15T08:00:00Z", 0),
        ("`status` of them, all overdue", &["status"], LATE, 4),
    ] {
        let once = || {
            let mut run = program(&folder, time);
            run.args(arguments);
            seconds(|| assert_eq!(run.status().unwrap().code(), Some(code)))
        };
        row(what, (0..3).map(|_| once()).fold(f64::INFINITY, f64::min), "one second");
    }
}

/// A key version of many.
fn many(number: u64, quorum: QuorumId) -> Deposit {
    let letter =
        |place: u32| char::from(b"ABCDEFGHIJKLMNOP"[usize::try_from(number >> (4 * place) & 15).unwrap()]);
    let text: String = (0..16).map(letter).collect();
    Deposit {
        name: format!("key-{number:06}").parse().unwrap(),
        key: KeyId::parse(&text).unwrap(),
        version: NonZeroU32::MIN,
        quorum,
        token: None,
    }
}

/// What a big house does in ten years with 100,000 keys: packages, certificates, and a sampled drill each day.
fn busy() {
    let fold = |keys: u64, drills: u64, others: u64| {
        let place = tempfile::tempdir().unwrap();
        let mut maker = Maker::new(place.path());
        let (mut seq, quorum) = (3, founded().quorum);
        let fingerprint = Fingerprint::parse(&"5a".repeat(32)).unwrap();
        let mut say = |entries: Vec<Entry>| {
            seq += u64::try_from(entries.len()).unwrap();
            maker.commit(entries);
            seq
        };
        let mut next = 3;
        for block in 0..keys / EACH {
            let all = || (block * EACH..(block + 1) * EACH).map(|number| many(number, quorum));
            let begun = next;
            say(all().map(|one| entry(Op::Generate, Phase::Intent, one.intent())).collect());
            let done = (begun..).zip(all()).map(|(intent, deposit)| {
                let (kind, created, backup, size) = (KeyKind::Aes256, clock(), [3; 32], 2000);
                let backed =
                    Backed { deposit, kind, created, fingerprint, backup, size, spki: None, mark: None };
                entry(Op::Generate, Phase::Done, backed.done(intent))
            });
            next = say(done.collect());
        }
        for block in 0..others / EACH {
            let package = |number: u64| {
                let Deposit { name, version, .. } = many(number, quorum);
                let (provider, proof, place) =
                    (Provider::Aws, ProofKind::MaterialId, format!("key/{number}"));
                let [package, request, wrapping_key, blob] = [[1; 32], [2; 32], [3; 32], [4; 32]];
                let packaged = Packaged {
                    name,
                    version,
                    fingerprint,
                    provider,
                    place,
                    package,
                    request,
                    wrapping_key,
                    blob,
                    proof,
                    target: Default::default(),
                    drill: None,
                };
                entry(Op::Package, Phase::Done, packaged.done())
            };
            let certificate = |number: u64| {
                let Deposit { name, version, .. } = many(keys - 1 - number, quorum);
                let what = Remains::Backup { name, version, backup: [3; 32] };
                let witnesses = vec!["Wim".to_owned(), "Vera".to_owned()];
                let one = Certificate { number: number + 1, what, reason: "r".to_owned(), witnesses };
                entry(Op::Destroy, Phase::Done, one.details())
            };
            say((block * EACH..(block + 1) * EACH).map(package).collect());
            next = say((block * EACH..(block + 1) * EACH).map(certificate).collect());
        }
        for drill in 0..drills {
            let chosen = (0..300).map(|number| {
                let Deposit { name, version, .. } = many(number * 150 + drill % 150, quorum);
                (name, version)
            });
            let drill = Drill::of(quorum, Scope::Sample, keys - others, chosen.collect());
            let begun = next;
            say(vec![entry(Op::Drill, Phase::Intent, drill.intent())]);
            let (cards, failed, times) = (vec![1, 2], Vec::new(), Times::default());
            let drilled = Drilled { drill, to: "nowhere", cards, failures: 0, failed, times };
            let mut done = entry(Op::Drill, Phase::Done, drilled.done(begun));
            done.sign(&[9; 64]);
            next = say(vec![done]);
        }
        let store = FolderStore::new(place.path());
        let once = || processor(|| drop(black_box(Log::open(&store).unwrap())));
        (0..3).map(|_| once()).fold(f64::INFINITY, f64::min)
    };
    let (still, busy) = (fold(100_000, 0, 0), fold(100_000, 3650, 40_000));
    row("fold 100,000 keys, 40,000 packages and certificates, 3,650 drills", busy, "one second");
    row("the same", busy / still, "the keys alone");
    let drills = |keys: u64| fold(keys, 3650, 0) - fold(keys, 0, 0);
    row("3,650 drills of 300 among 100,000 keys", drills(100_000) / drills(50_000), "among 50,000");
}

fn append() {
    let place = tempfile::tempdir().unwrap();
    let _ = Maker::new(place.path());
    let store = FolderStore::new(place.path());
    let mut log = Log::open(&store).unwrap();
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..60 {
        let said = |_: &State, _: &Next| Ok::<_, Infallible>(vec![checked()]);
        ours.push(seconds(|| _ = log.commit(&store, clock(), said).unwrap()));
        bare.push(seconds(|| store.create(&format!("bare/{round}"), &[b'x'; 400]).unwrap()));
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (ours, bare) = (median(&mut ours), median(&mut bare));
    row("append one record to a log that is open (median)", ours / 0.02, "20 ms");
    row("the same", ours / bare, "one durable file of that length");
}

fn signed() {
    let (hand, store) = (hand(1), quorate::store::MemoryStore::new());
    let (public, key) = (hand.bare().public(), hand.1.clone());
    let (message, signature) = ([7; 64], hand.bare().sign(&[7; 64]));
    let signing = Signing { by: Some(&hand), ..Signing::default() };
    let mut log = Log::empty();
    let add = OperatorChange::Add { name: "flora".to_owned(), key, roles: Role::ALL.into() };
    let add = || Ok::<_, Infallible>(vec![entry(Op::Operator, Phase::Done, add.details())]);
    let _ = log.commit_signed(&store, clock(), signing, |_, _| add()).unwrap();
    for _ in 0..5000 {
        let said = |_: &State, _: &Next| Ok::<_, Infallible>(vec![checked()]);
        let _ = log.commit_signed(&store, clock(), signing, said).unwrap();
    }
    let (mut ours, mut bare) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..3 {
        ours = ours.min(processor(|| drop(Log::open(&store).unwrap())));
        bare = bare.min(processor(|| {
            for _ in 0..5001 {
                assert!(black_box(ed25519::verify(&public, &message, &signature)));
            }
        }));
    }
    row("verify 5,000 commits that an operator signed", ours / bare, "as many bare Ed25519 verifications");
}
