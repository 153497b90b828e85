//! Cards from files, and what opens their seals.

use super::args::Seals;
use super::failure::{DIFFERENCE, FAILED, Failure};
use super::files::read_secret;
use super::output::Output;
use super::plugin;
use super::progress::Step;
use super::scan::{Codes, LONGEST, codes};
use super::watch::Watch;
use quorate::age::{Identity, IdentityError};
use quorate::card::{CodeError, Collector, Offer, typed};
use quorate::ceremony::check::Good;
use quorate::log::{CheckedCard, Depth, Medium};
use quorate::quorum::QuorumRecord;
use quorate::seal::{SealKind, SealedShare, UnsealError};
use quorate::secret::Passphrase;
use quorate::share::ClaimedShare;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a file held.
#[derive(Debug)]
pub(crate) struct Reading {
    /// Its cards.
    pub(crate) cards: Vec<SealedShare>,
    /// What they were read from.
    pub(crate) medium: Medium,
    /// Whether it is the file that a card was printed from, and shows nothing of the paper.
    pub(crate) is_print_file: bool,
}

/// Reads every card in a file, within `deadline` seconds. What was corrected or left aside is said.
///
/// # Errors
/// No card in it; or Ctrl-C, when the terminal is watched.
pub(crate) fn read(
    path: &Path,
    (deadline, watch): (u64, &Watch),
    collector: &mut Collector,
    output: &Output,
) -> Result<Reading, Failure> {
    let bytes = read_secret(path, LONGEST)?;
    let step = Step::begin(format!("reading {}", path.display()), 0);
    let scanned = codes(path, &bytes, deadline, watch);
    drop(step);
    let is_pdf = bytes.expose().starts_with(b"%PDF-");
    let (cards, medium) = match scanned? {
        Some(codes) => {
            let medium = if is_pdf { Medium::Pdf } else { Medium::Picture };
            (from_codes(path, &codes, collector, output)?, medium)
        }
        None => (from_text(path, bytes.expose(), output)?, Medium::Text),
    };
    Ok(Reading { cards, medium, is_print_file: is_pdf && is_ours(bytes.expose()) })
}

/// Reads every card in a text that was pasted or typed, which messages call `place`.
pub(crate) fn read_text(place: &str, text: &[u8], output: &Output) -> Result<Reading, Failure> {
    let cards = from_text(Path::new(place), text, output)?;
    Ok(Reading { cards, medium: Medium::Text, is_print_file: false })
}

/// Whether a file is one that a card was printed from.
pub(crate) fn is_print(path: &Path) -> bool {
    read_secret(path, LONGEST)
        .is_ok_and(|bytes| bytes.expose().starts_with(b"%PDF-") && is_ours(bytes.expose()))
}

/// Whether a PDF says that this program made it, as a card's page does and a scan doesn't.
fn is_ours(pdf: &[u8]) -> bool {
    const MADE_BY: &[u8] = b"/Creator(quorate ";
    pdf.windows(MADE_BY.len()).any(|window| window == MADE_BY)
}

/// What is wrong with a file that a card was printed from, where the paper itself is wanted.
pub(crate) fn print_file(path: &Path) -> Failure {
    let what = "this is the file that was printed, not a picture of the paper";
    Failure::new(DIFFERENCE, format!("{}: {what}", path.display()))
        .hint("print it, and give a picture or scan of the print, or its typed lines")
}

/// Cards of one medium as a check's record has them.
pub(crate) const fn checked(good: &Good, medium: Medium) -> CheckedCard {
    CheckedCard { index: good.index, depth: if good.share { Depth::Share } else { Depth::Card }, medium }
}

fn from_codes(
    path: &Path,
    scan: &Codes,
    collector: &mut Collector,
    output: &Output,
) -> Result<Vec<SealedShare>, Failure> {
    let place = path.display();
    let mut cards: Vec<SealedShare> = Vec::new();
    let mut parts = false;
    let mut wrong: Vec<CodeError> = Vec::new();
    for page in &scan.unreadable {
        output.warn(format!("{place}: page {page} could not be drawn whole: save it as PNG or JPEG"));
    }
    for text in &scan.texts {
        match collector.offer(text) {
            // The card's page shows its code twice, and a card may be in a file more than once.
            Ok(Offer::Card(card)) => {
                if !cards.iter().any(|known| known.digest() == card.digest()) {
                    cards.push(*card);
                }
            }
            Ok(Offer::Part { have, of }) => {
                parts = true;
                output.note(format!("{place}: part of a long card, {have} of {of} parts are here"));
            }
            // Each kind once: a page may have many codes of something else.
            Err(error) if !wrong.contains(&error) => wrong.push(error),
            Err(_) => {}
        }
    }
    let found = !cards.is_empty() || parts;
    // The last is the error when there is nothing else.
    let error = if found { None } else { wrong.pop() };
    for other in wrong {
        output.warn(format!("{place}: {other}"));
    }
    match error {
        Some(error) => Err(Failure::new(DIFFERENCE, format!("{place}: {error}"))
            .hint("give a picture of the card's square code, or its typed lines")),
        None if found => Ok(cards),
        None => {
            let why =
                if scan.gave_up { "no code was found in time" } else { "there is no readable code in it" };
            let advice = "take the picture again, flat and in good light, or type the lines into a text file";
            Err(Failure::new(DIFFERENCE, format!("{place}: {why}")).hint(advice))
        }
    }
}

fn from_text(path: &Path, bytes: &[u8], output: &Output) -> Result<Vec<SealedShare>, Failure> {
    let typed = typed::read(bytes).map_err(|error| {
        let hint = "give a picture (PNG, JPEG), a PDF, or a text file with the typed lines; compare them with the card";
        Failure { status: DIFFERENCE, message: format!("{}: {error}", path.display()), hint: Some(hint.to_owned()) }
    })?;
    for note in &typed.notes {
        output.warn(format!("{}: {}", path.display(), note.as_str()));
    }
    if !typed.notes.is_empty() {
        output.note("the card's own check accepts the result; correct the text if you keep it");
    }
    Ok(typed.cards)
}

/// What opens seals without asking anybody.
#[derive(Debug, Default)]
pub(crate) struct Openers {
    passphrases: BTreeMap<String, Passphrase>,
    identities: Vec<(PathBuf, Option<Identity>)>,
}

impl Openers {
    pub(crate) fn of(seals: &Seals) -> Result<Self, Failure> {
        let passphrases = passphrase_files(&seals.passphrases)?;
        let mut identities = Vec::new();
        for path in &seals.identities {
            identities.push((path.clone(), read_identity(path)?));
        }
        Ok(Self { passphrases, identities })
    }

    /// Refuses a passphrase for somebody who isn't a custodian: a mistyped name.
    pub(crate) fn are_for(&self, record: &QuorumRecord) -> Result<(), Failure> {
        let known = |name: &str| record.terms().custodians.iter().any(|one| one.name.to_lowercase() == name);
        match self.passphrases.keys().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => {
                Err(Failure::usage(format!("--passphrase-file names {name}, who is not a custodian"))
                    .hint("`quorate status` shows the custodians' names"))
            }
        }
    }

    /// The passphrase of a custodian, when one was given.
    pub(crate) fn passphrase(&self, custodian: &str) -> Option<&Passphrase> {
        self.passphrases.get(&custodian.to_lowercase())
    }

    /// Whether the seal of a card of `custodian` can be opened without asking.
    pub(crate) fn opens(&self, card: &SealedShare, custodian: &str) -> bool {
        match card.kind() {
            SealKind::Open => true,
            SealKind::Passphrase(_) => self.passphrase(custodian).is_some(),
            SealKind::Age => !self.identities.is_empty(),
        }
    }

    /// Opens it.
    pub(crate) fn open(&self, card: &SealedShare, custodian: &str) -> Result<ClaimedShare, UnsealError> {
        let none = UnsealError::OtherSeal { index: card.header().index(), kind: card.kind().name() };
        match card.kind() {
            SealKind::Open => card.open_plain(),
            SealKind::Passphrase(_) => card.open_passphrase(self.passphrase(custodian).ok_or(none)?),
            SealKind::Age => {
                let file = card.age_file().ok_or(none)?;
                let mut last = Err(none);
                for (path, identity) in &self.identities {
                    last = match identity {
                        Some(identity) => card.open_identity(identity),
                        None => match plugin::decrypt(path, file) {
                            Some(plain) => card.open_age(&plain),
                            None => Err(UnsealError::Identity { index: card.header().index() }),
                        },
                    };
                    if last.is_ok() {
                        break;
                    }
                }
                last
            }
        }
    }
}

/// `NAME=FILE` arguments as passphrases by custodian, in lower case.
pub(crate) fn passphrase_files(arguments: &[String]) -> Result<BTreeMap<String, Passphrase>, Failure> {
    let mut passphrases = BTreeMap::new();
    for argument in arguments {
        let (name, path) = named(argument, "--passphrase-file")?;
        let path = Path::new(path);
        let bytes = read_secret(path, 64 * 1024)?;
        let first = bytes.expose().split(|byte| *byte == b'\n').next().unwrap_or_default();
        let passphrase = Passphrase::parse(first);
        let passphrase = passphrase.map_err(|error| {
            Failure::new(FAILED, format!("{}: {error}", path.display()))
                .hint("its first line must be the passphrase, and nothing else")
        })?;
        passphrases.insert(name.to_lowercase(), passphrase);
    }
    Ok(passphrases)
}

/// The two sides of `NAME=SOMETHING`.
pub(crate) fn named<'a>(argument: &'a str, option: &str) -> Result<(&'a str, &'a str), Failure> {
    let sides = argument.split_once('=').filter(|(name, rest)| !name.is_empty() && !rest.is_empty());
    sides.ok_or_else(|| {
        let what = if option == "--passphrase-file" { "FILE" } else { "TEXT" };
        Failure::usage(format!("{option} {argument:?} has not the form NAME={what}"))
            .hint(format!("write it as {option} alice={what}"))
    })
}

/// An identity that this program can use; `None` for one that only an age program can.
fn read_identity(path: &Path) -> Result<Option<Identity>, Failure> {
    let bytes = read_secret(path, 64 * 1024)?;
    let lines = bytes.expose().split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let line = lines.into_iter().find(|line| !line.is_empty() && !line.starts_with(b"#"));
    match Identity::parse(line.unwrap_or_default()) {
        Ok(identity) => Ok(Some(identity)),
        Err(IdentityError::Plugin) => Ok(None),
        Err(error) => {
            let hint = "name a file as age-keygen makes it: lines with #, and one identity";
            Err(Failure::new(FAILED, format!("{}: {error}", path.display())).hint(hint))
        }
    }
}

/// How many seals of `mib` MiB each fit in the memory that is free, at least one.
pub(crate) fn parallel(mib: u32) -> usize {
    let about = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = about.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib: u64 =
        line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or_default();
    let need = u64::from(mib).saturating_mul(1024).max(1);
    // An eighth stays free for everything else.
    let fit = kib.saturating_sub(kib >> 3).checked_div(need).unwrap_or_default();
    usize::try_from(fit).unwrap_or(1).clamp(1, 8)
}
