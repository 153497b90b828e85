//! `quorate recover`: M custodians bring a key back.
//!
//! Cards in any order. A wrong card, a typo or a wrong passphrase is named and, when somebody can be
//! asked, asked for again. The intent is logged before the first card is looked at; the key waits
//! under a pending name until `done` is in the log.

use super::args::{KeyFormat, Place, Recover};
use super::cards::{Openers, parallel, read};
use super::failure::{FAILED, Failure, NO_QUORUM, card_hint};
use super::files::Pending;
use super::output::Output;
use super::progress::Step;
use super::session::Session;
use super::terminal;
use quorate::age::{self, Recipient};
use quorate::card::Collector;
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::recover::{Gathering, PresentError, Recovery};
use quorate::key::{KeyKind, KeyMaterial, KeyRecord};
use quorate::log::Phase;
use quorate::primitive::random::Entropy;
use quorate::seal::{SealKind, SealedShare, UnsealError};
use quorate::secret::SecretBytes;
use quorate::share::ClaimedShare;
use quorate::wire::json::{Json, object};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Where the key goes.
enum Destination {
    File(PathBuf),
    Age(Box<Recipient>, Option<PathBuf>),
}

pub(crate) fn run(place: &Place, options: &Recover, output: &mut Output) -> Result<(), Failure> {
    let start = Instant::now();
    let to = destination(options)?;
    to.is_free()?;
    let openers = Openers::of(&options.seals)?;
    let session = Session::of(place)?;
    let mut escrow = session.open()?;
    let backed = &escrow.version(&options.name)?.backed;
    if matches!(options.format, KeyFormat::Pem) && !backed.kind.is_asymmetric() {
        return Err(no_pem(backed.kind));
    }
    let quorum = backed.deposit.quorum;
    let record = escrow.quorum_by_id(quorum)?;
    openers.are_for(&record)?;
    // A backup that is lost or altered is named before anybody is asked for a card.
    escrow.backup(escrow.version(&options.name)?)?;
    let mut gathering = Gathering::new(record);
    let recovery = Recovery::begin(&mut escrow, &options.name, to.kind())?;
    let gathered = gather(options, &openers, &mut gathering, output);
    let opened = gathered.and_then(|()| {
        let step = Step::begin("combining the shares and opening the backup", 0);
        let opened = recovery.open(&escrow, &gathering).map_err(Failure::from);
        step.done();
        opened
    });
    let (quorum, key) = match opened {
        Ok(opened) => opened,
        Err(failure) => {
            let phase = if failure.status == NO_QUORUM { Phase::Abandoned } else { Phase::Failed };
            recovery.end(&mut escrow, phase);
            return Err(failure);
        }
    };
    let waiting = match to.prepare(key.material(), options.format) {
        Ok(waiting) => waiting,
        Err(failure) => {
            recovery.end(&mut escrow, Phase::Failed);
            return Err(failure);
        }
    };
    recovery.complete(&mut escrow, &quorum, &gathering, &key)?;
    let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or_default();
    let age = waiting.deliver(output)?;
    report(&to, &key, &gathering, milliseconds, &escrow, age, output);
    Ok(())
}

/// Reads cards and opens seals until enough custodians are present.
fn gather(
    options: &Recover,
    openers: &Openers,
    gathering: &mut Gathering,
    output: &Output,
) -> Result<(), Failure> {
    let mut collector = Collector::new();
    let asking = terminal::is_interactive();
    let mut troubles = Vec::new();
    for path in &options.cards {
        take(path, options, gathering, &mut collector, &mut troubles, output);
    }
    loop {
        unseal_known(openers, gathering, &mut troubles, output);
        unseal_asked(openers, gathering, asking, output)?;
        if gathering.missing() == 0 {
            return Ok(());
        }
        progress(gathering, output);
        if !asking {
            return Err(not_enough(gathering, &troubles));
        }
        let Some(line) =
            terminal::ask("a card (path of a picture, PDF or text file; Enter alone gives up): ")?
        else {
            return Err(not_enough(gathering, &troubles));
        };
        let path = String::from_utf8_lossy(line.expose()).trim().to_owned();
        if path.is_empty() {
            return Err(not_enough(gathering, &troubles));
        }
        take(Path::new(&path), options, gathering, &mut collector, &mut troubles, output);
    }
}

/// Takes every card of a file; what is wrong with one is said, and remembered.
fn take(
    path: &Path,
    options: &Recover,
    gathering: &mut Gathering,
    collector: &mut Collector,
    troubles: &mut Vec<String>,
    output: &Output,
) {
    let cards = match read(path, options.seals.deadline, collector, output) {
        Ok(cards) => cards,
        Err(failure) => {
            output.warn(&failure.message);
            if let Some(hint) = &failure.hint {
                output.note(format!("quorate: hint: {hint}"));
            }
            troubles.push(failure.message);
            return;
        }
    };
    for card in cards {
        match gathering.present(card) {
            Ok(index) => output.note(format!(
                "{}: the card of {} (share {index})",
                path.display(),
                gathering.custodian(index)
            )),
            Err(error) => {
                output.warn(format!("{}: {error}", path.display()));
                hint(&error, output);
                troubles.push(error.to_string());
            }
        }
    }
}

/// Opens every seal for which nobody must be asked, as many at once as memory allows.
fn unseal_known(openers: &Openers, gathering: &mut Gathering, troubles: &mut Vec<String>, output: &Output) {
    let known: Vec<u8> = gathering
        .sealed()
        .filter(|card| openers.opens(card, &gathering.custodian(card.header().index())))
        .map(|card| card.header().index())
        .collect();
    if known.is_empty() {
        return;
    }
    let names: Vec<String> = known.iter().map(|index| gathering.custodian(*index)).collect();
    let step = Step::begin(format!("unsealing {}", names.join(", ")), known.len());
    let memory = gathering.sealed().map(|card| card.kind().memory_mib()).max().unwrap_or_default();
    let outcomes = unseal_all(openers, gathering, &known, parallel(memory), &step);
    step.done();
    for (index, outcome) in outcomes {
        if let Err(error) = gathering.unsealed(index, outcome) {
            output.warn(error.to_string());
            hint(&error, output);
            troubles.push(error.to_string());
            // A passphrase from a file won't get better: the custodian may be asked, or bring the card again.
            if !terminal::is_interactive() {
                gathering.dismiss(index);
            }
        }
    }
}

type Outcome = (u8, Result<ClaimedShare, UnsealError>);

fn unseal_all(
    openers: &Openers,
    gathering: &Gathering,
    indices: &[u8],
    at_once: usize,
    step: &Step,
) -> Vec<Outcome> {
    let cards: Vec<(&SealedShare, String)> = indices
        .iter()
        .filter_map(|index| Some((gathering.card(*index)?, gathering.custodian(*index))))
        .collect();
    let mut outcomes = Vec::new();
    for batch in cards.chunks(at_once.max(1)) {
        std::thread::scope(|scope| {
            let running: Vec<_> = batch
                .iter()
                .map(|(card, custodian)| {
                    (card.header().index(), scope.spawn(move || openers.open(card, custodian)))
                })
                .collect();
            for (index, thread) in running {
                let outcome = thread.join().unwrap_or(Err(UnsealError::Content { index }));
                outcomes.push((index, outcome));
                step.at(outcomes.len());
            }
        });
    }
    outcomes
}

/// Asks each custodian whose card is here for what opens it.
fn unseal_asked(
    openers: &Openers,
    gathering: &mut Gathering,
    asking: bool,
    output: &Output,
) -> Result<(), Failure> {
    let waiting: Vec<u8> = gathering.sealed().map(|card| card.header().index()).collect();
    for index in waiting {
        if gathering.missing() == 0 {
            break;
        }
        let custodian = gathering.custodian(index);
        let Some(card) = gathering.card(index) else { continue };
        let by_passphrase = matches!(card.kind(), SealKind::Passphrase(_));
        if !asking || !by_passphrase {
            let with = if by_passphrase { "--passphrase-file NAME=FILE" } else { "--identity FILE" };
            if !openers.opens(card, &custodian) {
                output.warn(format!(
                    "the card of {custodian} is sealed, and nothing that opens it was given: add {with}"
                ));
            }
            gathering.dismiss(index);
            continue;
        }
        loop {
            let prompt = format!("{custodian}, your passphrase (Enter alone puts the card away): ");
            let Some(passphrase) = terminal::ask_passphrase(&prompt)? else {
                gathering.dismiss(index);
                break;
            };
            let Some(card) = gathering.card(index) else { break };
            let step = Step::begin(format!("unsealing {custodian}"), 0);
            let outcome = card.open_passphrase(&passphrase);
            step.done();
            match gathering.unsealed(index, outcome) {
                Ok(()) => break,
                Err(error) => {
                    output.warn(error.to_string());
                    hint(&error, output);
                }
            }
        }
        progress(gathering, output);
    }
    Ok(())
}

fn hint(error: &PresentError, output: &Output) {
    if let Some(hint) = card_hint(error) {
        output.note(format!("quorate: hint: {hint}"));
    }
}

fn progress(gathering: &Gathering, output: &Output) {
    let (names, threshold) = (gathering.names(), gathering.record().scheme().threshold());
    output.note(format!(
        "{} of {threshold}: {}",
        names.len(),
        if names.is_empty() { "nobody yet".to_owned() } else { names.join(", ") }
    ));
}

fn not_enough(gathering: &Gathering, troubles: &[String]) -> Failure {
    let (names, threshold) = (gathering.names(), gathering.record().scheme().threshold());
    let who = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    let message =
        format!("the quorum is not reached: {} of {threshold} custodians are present{who}", names.len());
    let hint = match troubles.last() {
        None => format!("bring {} more cards, and what opens them", gathering.missing()),
        Some(trouble) => format!(
            "bring {} more cards, and what opens them; the last trouble was: {trouble}",
            gathering.missing()
        ),
    };
    Failure { status: NO_QUORUM, message, hint: Some(hint) }
}

fn destination(options: &Recover) -> Result<Destination, Failure> {
    let wrong = || {
        Failure::usage(format!("--to {:?} is no place for a key", options.to))
            .hint("use file:PATH for a new file, or age:RECIPIENT to encrypt it again")
    };
    let (kind, rest) = options.to.split_once(':').ok_or_else(wrong)?;
    match kind {
        "file" if !rest.is_empty() => {
            if options.out.is_some() {
                return Err(Failure::usage("--out is for --to age:… only").hint("name one file, in --to"));
            }
            Ok(Destination::File(PathBuf::from(rest)))
        }
        "age" => {
            let recipient = rest.parse().map_err(|error: age::RecipientError| {
                Failure::usage(format!("--to: {error}"))
                    .hint("give the whole recipient, as in age:age1…; plugins are not for this")
            })?;
            Ok(Destination::Age(Box::new(recipient), options.out.clone()))
        }
        _ => Err(wrong()),
    }
}

/// A key that waits to be released.
enum Waiting {
    File(Pending),
    Text(String),
}

impl Destination {
    const fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Age(..) => "age",
        }
    }

    /// Whether the key can go there: known before the custodians are asked for anything.
    fn is_free(&self) -> Result<(), Failure> {
        let (Self::File(path) | Self::Age(_, Some(path))) = self else { return Ok(()) };
        Pending::default().is_free(path)?;
        match path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.is_dir()) {
            None => Ok(()),
            Some(parent) => {
                Err(Failure::new(FAILED, format!("{}: there is no such folder", parent.display()))
                    .hint("make it first, where only its owner can look"))
            }
        }
    }

    /// Writes the key to where nobody looks yet.
    fn prepare(&self, key: &KeyMaterial, format: KeyFormat) -> Result<Waiting, Failure> {
        let bytes = encoded(key, format)?;
        match self {
            Self::File(path) => {
                let mut pending = Pending::default();
                pending.add(path.clone(), bytes.expose())?;
                Ok(Waiting::File(pending))
            }
            Self::Age(recipient, out) => {
                let file = age::encrypt(
                    bytes.expose(),
                    core::slice::from_ref(&**recipient),
                    &mut Entropy::system(),
                )?;
                let armored = age::armor(&file);
                match out {
                    None => Ok(Waiting::Text(armored)),
                    Some(path) => {
                        let mut pending = Pending::default();
                        pending.add(path.clone(), armored.as_bytes())?;
                        Ok(Waiting::File(pending))
                    }
                }
            }
        }
    }
}

impl Waiting {
    /// Releases the key; an age file that belongs into the result for programs is returned.
    fn deliver(self, output: &mut Output) -> Result<Option<String>, Failure> {
        match self {
            Self::File(pending) => pending.release().map(|_| None),
            Self::Text(text) if output.is_json() => Ok(Some(text)),
            Self::Text(text) => {
                output.raw(text.as_bytes());
                Ok(None)
            }
        }
    }
}

fn encoded(key: &KeyMaterial, format: KeyFormat) -> Result<SecretBytes, Failure> {
    match format {
        KeyFormat::Der => Ok(key.to_file_bytes()),
        KeyFormat::Auto => Ok(key.to_pem().unwrap_or_else(|| key.to_file_bytes())),
        KeyFormat::Pem => key.to_pem().ok_or_else(|| no_pem(key.kind())),
    }
}

fn no_pem(kind: KeyKind) -> Failure {
    Failure::usage(format!("a key of kind {kind} has no PEM form")).hint("leave out --format for raw bytes")
}

fn report(
    to: &Destination,
    key: &KeyRecord,
    gathering: &Gathering,
    milliseconds: u64,
    escrow: &Escrow<'_>,
    age: Option<String>,
    output: &mut Output,
) {
    let facts = key.facts();
    let checkpoint = escrow.log().checkpoint().to_string();
    let place = match to {
        Destination::File(path) | Destination::Age(_, Some(path)) => path.display().to_string(),
        Destination::Age(_, None) => "standard output".to_owned(),
    };
    let words = [
        format!("recovered {} version {} ({}) to {place}", facts.label, facts.version, key.material().kind()),
        format!("  fingerprint {} matches the log", key.fingerprint().short()),
        format!("  custodians {}", gathering.names().join(", ")),
        format!("  checkpoint {checkpoint}"),
    ];
    // What is written to standard output may be the key's file: the words go beside it.
    let beside = matches!(to, Destination::Age(_, None));
    for line in words {
        if beside {
            output.note(line);
        } else {
            output.line(line);
        }
    }
    let newest =
        escrow.state().keys().get(&facts.label).and_then(|key| key.versions.keys().next_back().copied());
    if let Some(newest) = newest.filter(|newest| *newest != facts.version) {
        output.note(format!("this is an older version: the newest is {newest}"));
    }
    output.value(object([
        ("age", age.map(Json::text)),
        ("checkpoint", Some(Json::text(checkpoint))),
        ("custodians", Some(Json::List(gathering.names().into_iter().map(Json::text).collect()))),
        ("fingerprint", Some(Json::text(key.fingerprint().to_string()))),
        ("kind", Some(Json::text(key.material().kind().name()))),
        ("milliseconds", Some(Json::Number(milliseconds))),
        ("name", Some(Json::text(facts.label.to_string()))),
        ("to", Some(Json::text(place))),
        ("version", Some(Json::Number(facts.version.get().into()))),
    ]));
}
