//! `quorate rehearse`: the whole walk once, with a key that is thrown away.
//!
//! Real files, real sealing, real printing and reading back: the cards are PDFs, three of them are
//! drawn as pictures and read from those. What stays is the folder with the cards and the pictures
//! of a quorum that guards nothing.

use super::args::Rehearse;
use super::cards::parallel;
use super::failure::{FAILED, Failure};
use super::files::{create_secret, make_private_folder, read_secret};
use super::output::Output;
use super::progress::Step;
use super::session::now;
use quorate::card::{Collector, Details, Offer, is_code, pdf, scan};
use quorate::ceremony::check::check;
use quorate::ceremony::deposit::deposit;
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::found::{Founding, Plan, Seal, Seat};
use quorate::ceremony::recover::{Gathering, Recovery};
use quorate::key::{KeyKind, Label, generate};
use quorate::log::Op;
use quorate::primitive::random::Entropy;
use quorate::seal::{Cost, SealedShare, generate_passphrase};
use quorate::secret::Passphrase;
use quorate::store::FolderStore;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const CUSTODIANS: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];
const THRESHOLD: usize = 3;
/// The file that says that a folder is a rehearsal's, and may be removed by the next.
const MARK: &str = "REHEARSAL.txt";
const MARK_TEXT: &[u8] = b"A rehearsal: nothing here guards anything. The next one removes this folder.\n";
/// Who comes to the recovery, by their place.
const PRESENT: [usize; THRESHOLD] = [4, 0, 2];

pub(crate) fn run(options: &Rehearse, output: &mut Output) -> Result<(), Failure> {
    let start = Instant::now();
    let cost = Cost::new(options.memory, Cost::DEFAULT.bytes()[1], Cost::DEFAULT.bytes()[2]);
    let cost = cost.map_err(|error| Failure::usage(error.to_string()))?;
    if options.dir.symlink_metadata().is_ok() {
        // Only what a rehearsal left is ever removed: a real escrow may lie in a folder of the same names.
        if !options.dir.join(MARK).is_file() {
            return Err(Failure::usage(format!(
                "{} exists, and is no earlier rehearsal",
                options.dir.display()
            ))
            .hint("choose another folder with --dir"));
        }
        std::fs::remove_dir_all(&options.dir).map_err(|error| Failure::file(&options.dir, &error))?;
    }
    let folders = ["escrow", "cards", "pictures"].map(|name| options.dir.join(name));
    let [escrow_folder, cards_folder, pictures_folder] = &folders;
    make_private_folder(&options.dir)?;
    create_secret(&options.dir.join(MARK), MARK_TEXT)?;
    folders.iter().try_for_each(|folder| make_private_folder(folder))?;
    output.note("a rehearsal: everything is real but the key, which is thrown away");

    let store = FolderStore::new(escrow_folder);
    let clock = now;
    let mut escrow = Escrow::new(&store, &clock, "rehearsal");
    let mut entropy = Entropy::system();

    // 1. Found a quorum.
    let mut passphrases: BTreeMap<&str, Passphrase> = BTreeMap::new();
    let mut seats = Vec::new();
    for name in CUSTODIANS {
        let passphrase = generate_passphrase(&mut entropy)?;
        passphrases.insert(name, Passphrase::parse(passphrase.expose())?);
        seats.push(Seat { name: name.to_owned(), role: None, seal: Seal::Passphrase(passphrase) });
    }
    let plan = Plan::new(THRESHOLD, seats, Some("Rehearsal: these cards guard nothing".to_owned()), cost)?;
    let step = Step::begin(
        format!("1 found a quorum of {}, seal each share ({cost})", plan.scheme()),
        CUSTODIANS.len(),
    );
    let at_once = parallel(cost.memory_mib());
    let founding =
        Founding::begin(&mut escrow, &plan, at_once, &|_, _| None, &|count| step.at(count), &mut entropy)?;
    step.done();

    // 2. Print the cards.
    let step = Step::begin("2 print five cards", 0);
    let checkpoint = escrow.log().checkpoint();
    let hash = checkpoint.hash();
    let mut printed: Vec<PathBuf> = Vec::new();
    for (card, name) in founding.cards().iter().zip(CUSTODIANS) {
        let details = Details { checkpoint: Some((checkpoint.seq(), &hash)), ..Details::default() };
        let page = pdf(founding.record(), card, &details, options.paper.into())?;
        let path = cards_folder.join(format!("{}-{name}.pdf", card.header().index()));
        create_secret(&path, &page)?;
        printed.push(path);
    }
    step.done();
    // From here on the cards are on paper only.
    let (record, _) = founding.complete(&mut escrow)?;

    // 3. Back a key up.
    let step = Step::begin("3 generate an AES-256 key and back it up to the quorum", 0);
    let name: Label = "rehearsal".parse().map_err(|error| Failure::new(FAILED, format!("{error}")))?;
    let make = |_: &Label, entropy: &mut Entropy| generate(KeyKind::Aes256, entropy);
    let backed = deposit(&mut escrow, Op::Generate, core::slice::from_ref(&name), make, &mut entropy)?;
    step.done();

    // 4. Read three cards back from pictures of their pages.
    let step = Step::begin("4 read three cards back from pictures of the printed pages", THRESHOLD);
    let named = name.to_string().parse().map_err(|error| Failure::new(FAILED, format!("{error}")))?;
    let recovery = Recovery::begin(&mut escrow, &named, "file")?;
    let mut gathering = Gathering::new(record.clone());
    for place in PRESENT {
        let Some(page) = printed.get(place) else { continue };
        let picture = pictures_folder.join(page.with_extension("png").file_name().unwrap_or_default());
        let drawn = scan::draw_first_page(read_secret(page, 1 << 24)?.expose());
        let drawn = drawn.map_err(|error| Failure::new(FAILED, format!("{}: {error}", page.display())))?;
        create_secret(&picture, &drawn)?;
        let card = read_picture(&picture)?;
        check(&record, &card, None)?;
        gathering.present(card)?;
        step.at(gathering.sealed().count());
    }
    step.done();

    // 5. Unseal them.
    let step = Step::begin("5 unseal them with their passphrases", THRESHOLD);
    let indices: Vec<u8> = gathering.sealed().map(|card| card.header().index()).collect();
    for index in indices {
        let custodian = gathering.custodian(index);
        let (Some(card), Some(passphrase)) = (gathering.card(index), passphrases.get(custodian.as_str()))
        else {
            continue;
        };
        let opened = card.open_passphrase(passphrase);
        gathering.unsealed(index, opened)?;
        step.at(gathering.names().len());
    }
    step.done();

    // 6. Meet, open the backup, compare.
    let step = Step::begin("6 combine the shares, open the backup, compare the fingerprint", 0);
    let (quorum, key) = recovery.open(&escrow, &gathering)?;
    let same = backed.iter().any(|one| one.fingerprint == key.fingerprint());
    if !same {
        return Err(Failure::new(
            super::failure::DIFFERENCE,
            "the recovered key is not the one that was backed up",
        ));
    }
    let checkpoint = recovery.complete(&mut escrow, &quorum, &gathering, &key)?;
    step.done();

    output.line(format!(
        "the key came back: fingerprint {} is the one that was backed up",
        key.fingerprint().short()
    ));
    output.line(format!(
        "  quorum      {} ({}), present: {}",
        record.id(),
        record.scheme(),
        gathering.names().join(", ")
    ));
    output.line(format!("  checkpoint  {checkpoint}"));
    output.line(format!("  cards       {}/*.pdf (look at them; they guard nothing)", cards_folder.display()));
    output.line(format!("  pictures    {}/*.png", pictures_folder.display()));
    output.line(format!("  whole walk  {:.1} s", start.elapsed().as_secs_f32()));
    output.value(summary(&record, key.fingerprint().to_string(), start));
    Ok(())
}

fn summary(
    record: &quorate::quorum::QuorumRecord,
    fingerprint: String,
    start: Instant,
) -> quorate::wire::json::Json<'static> {
    use quorate::wire::json::{Json, object};
    object([
        ("fingerprint", Some(Json::text(fingerprint))),
        ("milliseconds", Some(Json::Number(u64::try_from(start.elapsed().as_millis()).unwrap_or_default()))),
        ("quorum", Some(Json::text(record.id().to_string()))),
        ("recovered", Some(Json::Bool(true))),
    ])
}

/// The card in a picture.
fn read_picture(path: &std::path::Path) -> Result<SealedShare, Failure> {
    let bytes = read_secret(path, 1 << 26)?;
    let mut search = scan::Search::new(is_code);
    // Clean pictures take a tenth of a second; a machine that does ten things at once is no failure.
    search.limits.deadline = Duration::from_secs(60);
    let scan = scan::read(bytes.expose(), &search, &mut |_| ());
    let scan = scan.map_err(|error| Failure::new(FAILED, format!("{}: {error}", path.display())))?;
    let mut collector = Collector::new();
    for code in scan.ours() {
        if let Ok(Offer::Card(card)) = collector.offer(&code.text) {
            return Ok(*card);
        }
    }
    Err(Failure::new(FAILED, format!("{}: no card was read from this picture", path.display())))
}
