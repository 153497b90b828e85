//! What the walk costs beside its named references, in one run: Argon2id by the C library, the bare
//! X-Wing encapsulation, the fsyncs that durability takes.
//!
//! `cargo bench --bench walk` prints a table of ratios. The shortest of interleaved runs counts, so
//! that other work on the machine shows as noise and not as a wrong figure. Nothing here passes or
//! fails. The C library is the `argon2` program of Debian's package of that name; without it those
//! rows are left out.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::print_literal,
    clippy::print_stdout,
    clippy::semicolon_if_nothing_returned,
    clippy::unwrap_used,
    missing_docs
)]

use quorate::age::{Identity, Kind};
use quorate::backup::Backup;
use quorate::card::{Details, PREFIX, page::Paper, pdf, scan};
use quorate::ceremony::deposit::deposit;
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::found::{Founding, Plan, Seal, Seat};
use quorate::key::{KeyFacts, KeyId, KeyKind, KeyRecord, Label, generate};
use quorate::log::Op;
use quorate::primitive::random::Entropy;
use quorate::seal::{Cost, SealedShare};
use quorate::secret::Passphrase;
use quorate::store::{FolderStore, MemoryStore, Store};
use quorate::wire::time::Timestamp;
use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

fn main() {
    // `cargo bench --bench walk -- many` runs that part alone; cargo itself adds `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let parts: [(&str, fn()); 6] = [
        ("sealing", sealing),
        ("backups", backups),
        ("many", many),
        ("folder", folder),
        ("reading", reading),
        ("program", program),
    ];
    println!("{:<66} {:>9}  {}", "", "ratio", "reference");
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            part();
        }
    }
}

fn row(what: &str, ratio: f64, reference: &str) {
    println!("{what:<66} {ratio:>9.2}  {reference}");
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn clock() -> Timestamp {
    Timestamp::from_unix(1_800_000_000).unwrap()
}

fn found<'a>(
    store: &'a dyn Store,
    seal: &dyn Fn() -> Seal,
    cost: Cost,
) -> (Escrow<'a>, Vec<SealedShare>, quorate::quorum::QuorumRecord) {
    let mut escrow = Escrow::new(store, &clock, "bench");
    let seats = ["alice", "bob", "carol", "dave", "erin"];
    let seats = seats.map(|name| Seat { name: name.to_owned(), role: None, seal: seal() }).into();
    let plan = Plan::new(3, seats, None, cost).unwrap();
    let founding =
        Founding::begin(&mut escrow, &plan, 1, &|_, _| None, &|_| (), &mut Entropy::system()).unwrap();
    let cards = founding.cards().iter().map(|card| SealedShare::read(card.expose()).unwrap()).collect();
    let (record, _) = founding.complete(&mut escrow).unwrap();
    (escrow, cards, record)
}

/// One Argon2id by the C library, as its own program runs it.
fn c_argon2() -> Option<f64> {
    let arguments = ["saltsaltsaltsalt", "-id", "-t", "3", "-k", "524288", "-p", "4", "-l", "56", "-r"];
    let start = Instant::now();
    let mut child =
        Command::new("argon2").args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().ok()?;
    child.stdin.take()?.write_all(b"correct horse battery staple").ok()?;
    child.wait().ok()?.success().then(|| start.elapsed().as_secs_f64())
}

fn sealing() {
    let passphrase = || Passphrase::parse(b"correct horse battery staple").unwrap();
    let store = MemoryStore::new();
    let (_, cards, record) = found(&store, &|| Seal::Passphrase(passphrase()), Cost::DEFAULT);
    let (mut one, mut three, mut c) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
    for _ in 0..5 {
        let Some(reference) = c_argon2() else {
            println!("(no `argon2` program: its rows are left out)");
            return;
        };
        c = c.min(reference);
        one = one.min(seconds(|| drop(cards[0].open_passphrase(&passphrase()).unwrap())));
        three = three.min(seconds(|| {
            std::thread::scope(|scope| {
                let open =
                    |card| scope.spawn(move || SealedShare::open_passphrase(card, &passphrase()).unwrap());
                let shares: Vec<_> =
                    cards.iter().take(3).map(open).map(|thread| thread.join().unwrap()).collect();
                let shares: Vec<_> =
                    shares.into_iter().map(|claimed| claimed.check(record.commitments()).unwrap()).collect();
                black_box(quorate::quorum::Quorum::meet(&record, &shares).unwrap());
            });
        }));
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    row("unseal one card (Argon2id, 512 MiB, 3 passes, 4 lanes)", one / c, "one Argon2id by the C library");
    row(&format!("recover 3 of 5 by passphrases, {cores} cores"), three / c / 3.0, "three of those in a row");
}

fn facts(number: u32) -> KeyFacts {
    KeyFacts {
        key: KeyId::random(&mut Entropy::system()).unwrap(),
        label: format!("key-{number}").parse().unwrap(),
        version: NonZeroU32::MIN,
        created: clock(),
        usage: Default::default(),
        attributes: Default::default(),
    }
}

fn encapsulate() -> f64 {
    use hpke::kem::{Kem, XWing};
    let mut entropy = Entropy::system();
    let mut draws = entropy.draws().unwrap();
    let (_, public) = XWing::gen_keypair_with_rng(&mut draws);
    let once = || {
        seconds(|| {
            drop(black_box(
                XWing::encap_with_rng(&public, None, &mut Entropy::system().draws().unwrap()).unwrap(),
            ))
        })
    };
    (0..50).map(|_| once()).fold(f64::INFINITY, f64::min)
}

fn backups() {
    let mut entropy = Entropy::system();
    let identity = Identity::from_seed(Kind::Hybrid, &entropy.secret(32).unwrap()).unwrap();
    let recipient = identity.recipient().unwrap();
    let material = || generate(KeyKind::Aes256, &mut Entropy::system()).unwrap();
    let (mut sealed, mut bare) = (f64::INFINITY, f64::INFINITY);
    for round in 0..400 {
        let record = KeyRecord::new(facts(round), material(), &mut entropy).unwrap();
        sealed = sealed.min(seconds(|| {
            drop(black_box(Backup::seal(&record, &recipient, &mut Entropy::system()).unwrap()))
        }));
        if round % 50 == 0 {
            bare = bare.min(encapsulate());
        }
    }
    row(
        "rate of backing up a key in memory",
        bare / sealed,
        "rate of a bare X-Wing encapsulation (1 is the most)",
    );
}

fn many() {
    let names: Vec<Label> = (0..2000).map(|n| format!("many-{n}").parse().unwrap()).collect();
    let make = |_: &Label, entropy: &mut Entropy| generate(KeyKind::Aes256, entropy);
    let [mut memory, mut disk, mut calls, mut bare] = [f64::INFINITY; 4];
    // Kept until the end: ext4 without a journal looks for an inode that was not freed in the last
    // seconds, and what is deleted between two rounds makes the next one ten times as slow.
    let mut places = Vec::new();
    for _ in 0..5 {
        let many = |store: &dyn Store| {
            let (mut escrow, ..) = found(store, &|| Seal::Open, Cost::DEFAULT);
            seconds(|| {
                drop(deposit(&mut escrow, Op::Generate, &names, make, &mut Entropy::system()).unwrap())
            })
        };
        memory = memory.min(many(&MemoryStore::new()));
        let place = tempfile::tempdir().unwrap();
        disk = disk.min(many(&FolderStore::new(place.path().join("escrow"))));
        calls = calls.min(seconds(|| bare_calls(&place.path().join("bare"), 2000)));
        places.push(place);
        bare = bare.min(encapsulate());
    }
    row("2,000 keys in one commit, in memory, a key", memory / 2000.0 / bare, "one encapsulation");
    row("2,000 keys in one commit, in a folder, a key", disk / 2000.0 / bare, "one encapsulation");
    row("the bare system calls of that, on one core, a key", calls / 2000.0 / bare, "one encapsulation");
}

/// What many objects cost the system at least: a folder, a file, its name and two synchronisations.
fn bare_calls(root: &Path, count: usize) {
    std::fs::create_dir(root).unwrap();
    let sync = || rustix::fs::syncfs(File::open(root).unwrap()).unwrap();
    for number in 0..count {
        let folder = root.join(number.to_string());
        std::fs::create_dir(&folder).unwrap();
        let mut file = File::options().write(true).create_new(true).open(folder.join("tmp")).unwrap();
        file.write_all(&[7; 2000]).unwrap();
    }
    sync();
    for number in 0..count {
        let folder = root.join(number.to_string());
        std::fs::rename(folder.join("tmp"), folder.join("1.age")).unwrap();
    }
    sync();
}

/// What a durable file costs at least: write, fsync, rename, fsync of the folder.
fn durable_file(folder: &Path, name: &str) {
    let temporary = folder.join("tmp");
    let mut file = File::options().write(true).create_new(true).open(&temporary).unwrap();
    file.write_all(&[7; 2000]).unwrap();
    file.sync_all().unwrap();
    std::fs::rename(&temporary, folder.join(name)).unwrap();
    File::open(folder).unwrap().sync_all().unwrap();
}

fn folder() {
    let place = tempfile::tempdir().unwrap();
    let store = FolderStore::new(place.path().join("escrow"));
    let (mut escrow, ..) = found(&store, &|| Seal::Open, Cost::DEFAULT);
    let bare = place.path().join("bare");
    std::fs::create_dir(&bare).unwrap();
    let make = |_: &Label, entropy: &mut Entropy| generate(KeyKind::Aes256, entropy);
    let (mut ours, mut fsyncs) = (Vec::new(), Vec::new());
    for round in 0..60 {
        let name = ["again".parse::<Label>().unwrap()];
        ours.push(seconds(|| {
            drop(deposit(&mut escrow, Op::Generate, &name, make, &mut Entropy::system()).unwrap())
        }));
        fsyncs.push(seconds(|| {
            // An intent, a backup and a record: three durable files.
            (0..3).for_each(|n| durable_file(&bare, &format!("{round}-{n}")));
        }));
    }
    row(
        "one key, one durable commit, in a folder (median)",
        median(&mut ours) / median(&mut fsyncs),
        "three durable files of 2,000 bytes",
    );
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn reading() {
    let store = MemoryStore::new();
    let (_, cards, record) = found(&store, &|| Seal::Open, Cost::DEFAULT);
    let page = pdf(&record, &cards[0], &Details::default(), Paper::A4).unwrap();
    let picture = scan::draw_first_page(&page).unwrap();
    let search = scan::Search::new(|text| text.starts_with(PREFIX));
    let best = |bytes: &[u8]| {
        let once =
            || seconds(|| assert_eq!(scan::read(bytes, &search, &mut |_| ()).unwrap().ours().count(), 1));
        (0..5).map(|_| once()).fold(f64::INFINITY, f64::min)
    };
    row("read a clean page of 300 dpi, PNG", best(&picture), "one second");
    row("read a card's own PDF", best(&page), "one second");
}

fn program() {
    let quorate = env!("CARGO_BIN_EXE_quorate");
    let run = |arguments: &[&str]| {
        let once = || {
            seconds(|| {
                assert!(
                    Command::new(quorate).args(arguments).stdout(Stdio::null()).status().unwrap().success()
                )
            })
        };
        (0..10).map(|_| once()).fold(f64::INFINITY, f64::min)
    };
    row("start of the program", run(&["--version"]) / 0.02, "20 ms");
    let place = tempfile::tempdir().unwrap();
    let escrow_folder = place.path().join("escrow");
    // In memory first: what 20,000 commits cost to write is not the question here.
    let memory = MemoryStore::new();
    let (mut escrow, ..) = found(&memory, &|| Seal::Open, Cost::DEFAULT);
    let make = |_: &Label, entropy: &mut Entropy| generate(KeyKind::Aes256, entropy);
    for number in 0..10_000 {
        let name = [format!("key-{}", number / 4).parse::<Label>().unwrap()];
        drop(deposit(&mut escrow, Op::Generate, &name, make, &mut Entropy::system()).unwrap());
    }
    for name in memory.names() {
        let path = escrow_folder.join(&name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bytes = memory.read(&name, u64::MAX).unwrap().unwrap();
        File::options().write(true).create_new(true).open(path).unwrap().write_all(&bytes).unwrap();
    }
    let status = run(&["-C", escrow_folder.to_str().unwrap(), "--clock", "2027-01-15T08:00:00Z", "status"]);
    row("`status` of 10,000 key versions in 20,000 commits", status / 0.5, "half a second");
}
