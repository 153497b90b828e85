//! The report at the end of a ceremony: what happened is collected, signed by the quorum, logged, written.
//!
//! Where its files go is looked at before anybody is asked for a card. The files wait under pending names
//! until the log has the report's SHA-256. Without `--report` nothing of this happens. A ceremony in which
//! no quorum met has no report: nobody is there to sign it, and the log says how it ended.

use super::args::Evidence;
use super::cards::named;
use super::failure::{FAILED, Failure};
use super::files::Pending;
use super::init::unknown;
use super::output::{Output, plain};
use quorate::card::verification;
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::report::{Card, Due, Key, Kind, MOST, Person, Report, ReportError, Signed, Step};
use quorate::ceremony::watch::{What, watch};
use quorate::log::policy::after;
use quorate::log::{Checkpoint, ReportOf};
use quorate::primitive::hash::sha256;
use quorate::quorum::{Quorum, QuorumRecord};
use quorate::wire::text::hex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

mod paper;

/// A report in the making.
#[derive(Default)]
pub(crate) struct Account {
    options: Evidence,
    json: Option<PathBuf>,
    pdf: Option<PathBuf>,
    actor: String,
    before: Option<Checkpoint>,
    steps: Vec<Step>,
    exceptions: Vec<String>,
}

/// What the ceremony itself knows at its end.
pub(crate) struct Held<'a> {
    /// What it was.
    pub(crate) kind: Kind,
    /// The quorum's record.
    pub(crate) record: &'a QuorumRecord,
    /// The shares whose cards were used or made.
    pub(crate) cards: Vec<u8>,
    /// The keys.
    pub(crate) keys: Vec<Key>,
    /// How many of them are not as they should be.
    pub(crate) failures: usize,
}

impl Account {
    /// Looks at what was asked for, before anything happens.
    pub(crate) fn begin(options: &Evidence, record: Option<&QuorumRecord>) -> Result<Self, Failure> {
        let (mut json, mut pdf) = (None, None);
        for path in &options.reports {
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            let place = match ending.to_lowercase().as_str() {
                "json" => &mut json,
                "pdf" => &mut pdf,
                _ => {
                    return Err(Failure::usage(format!(
                        "--report {} is neither .json nor .pdf",
                        path.display()
                    ))
                    .hint("name FILE.json for programs, FILE.pdf to print and sign, or both"));
                }
            };
            if place.replace(path.clone()).is_some() {
                return Err(Failure::usage(format!("two reports are of one form: {}", path.display()))
                    .hint("name one FILE.json and one FILE.pdf"));
            }
            Pending::default().is_free(path)?;
        }
        let about = [
            (options.purpose.as_slice(), "--purpose"),
            (&options.witnesses, "--witness"),
            (&options.exceptions, "--exception"),
        ];
        for (texts, option) in about {
            let wrong = texts.iter().find(|text| {
                text.trim().is_empty() || text.chars().any(char::is_control) || text.len() > 500
            });
            if wrong.is_some() {
                return Err(Failure::usage(format!(
                    "{option} is empty, longer than 500 bytes, or holds control characters"
                ))
                .hint("write one line of plain text"));
            }
        }
        let asked =
            options.purpose.is_some() || !options.witnesses.is_empty() || !options.exceptions.is_empty();
        if options.reports.is_empty() && asked {
            return Err(Failure::usage(
                "--purpose, --witness and --exception are for a report, and none is asked for",
            )
            .hint("add --report FILE.json, or --report FILE.pdf"));
        }
        if let Some(record) = record {
            envelopes(
                &options.envelopes,
                &mut record.terms().custodians.iter().map(|one| one.name.as_str()),
            )?;
        }
        let actor = String::new();
        let (steps, exceptions) = (options.steps.clone(), Vec::new());
        Ok(Self { options: options.clone(), json, pdf, actor, before: None, steps, exceptions })
    }

    /// Remembers who acts, and where the log ends before anything is written to it.
    pub(crate) fn of(&mut self, escrow: &Escrow<'_>) {
        self.before = Some(escrow.log().checkpoint());
        escrow.actor().clone_into(&mut self.actor);
    }

    /// Warns, before anybody is asked for a card, of a report that the policy asks for and that nobody will make.
    pub(crate) fn is_asked(&self, escrow: &Escrow<'_>, kind: ReportOf, output: &Output) {
        if !self.is_wanted() && escrow.state().policy().reports.contains(&kind) {
            output.warn(format!(
                "the policy asks for a report of this ({}), which stays owed when none is made: end it now and add --report FILE.json",
                kind.name()
            ));
        }
    }

    /// Whether there will be a report.
    pub(crate) const fn is_wanted(&self) -> bool {
        self.json.is_some() || self.pdf.is_some()
    }

    /// Remembers a step that has ended.
    pub(crate) fn step(&mut self, escrow: &Escrow<'_>, name: impl Into<String>, took: Duration) {
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.steps.push(Step { name: name.into(), time: escrow.now(), milliseconds, signed_off: None });
    }

    /// Remembers what was not as planned; names of files in it may hold anything.
    pub(crate) fn exception(&mut self, text: impl AsRef<str>) {
        let text: String = plain(text.as_ref()).chars().take(200).collect();
        if !text.trim().is_empty() {
            self.exceptions.push(text);
        }
    }

    /// Signs, logs and writes the report, when one is wanted; the names of its files.
    pub(crate) fn finish(
        self,
        escrow: &mut Escrow<'_>,
        quorum: &Quorum,
        held: Held<'_>,
        output: &Output,
    ) -> Result<Vec<PathBuf>, Failure> {
        if !self.is_wanted() {
            return Ok(Vec::new());
        }
        let (json, pdf) = (self.json.clone(), self.pdf.clone());
        let signed = self.report(escrow, held, output)?.sign(quorum).map_err(unfit)?;
        let mut pending = Pending::default();
        let mut paper = None;
        let mut unprinted = None;
        if let Some(path) = pdf {
            match paper::page(&signed) {
                Ok(page) => {
                    paper = Some(sha256(&[&page]));
                    pending.add(path, &page)?;
                }
                // The JSON and the log have it all the same.
                Err(error) => unprinted = Some(format!("the report can't be printed: {error}")),
            }
        }
        if let Some(path) = json {
            pending.add(path, signed.bytes())?;
        }
        signed.record(escrow, quorum, paper)?;
        let files = pending.release()?;
        for file in &files {
            output.note(format!(
                "report {}: signed by the quorum, SHA-256 of the JSON {}",
                file.display(),
                hex(&signed.digest())
            ));
        }
        match unprinted {
            None => Ok(files),
            Some(message) => Err(Failure::new(FAILED, message)
                .hint("the ceremony itself is done and logged; print its JSON, or `quorate log show`")),
        }
    }

    fn report(self, escrow: &Escrow<'_>, held: Held<'_>, output: &Output) -> Result<Report, Failure> {
        let Held { kind, record, cards, mut keys, failures } = held;
        let terms = record.terms();
        let names = &mut terms.custodians.iter().map(|one| one.name.as_str());
        let envelopes = envelopes(&self.options.envelopes, names)?;
        let now = escrow.now();
        let mut people = vec![Person { name: self.actor, role: "operator".to_owned() }];
        let mut shown = Vec::new();
        for index in cards {
            let Some(custodian) = record.custodian(index) else { continue };
            let role = custodian.role.as_ref().map(|role| format!(", {role}")).unwrap_or_default();
            people.push(Person { name: custodian.name.clone(), role: format!("custodian{role}") });
            shown.push(Card {
                index,
                custodian: custodian.name.clone(),
                verification: verification(&custodian.card),
                envelope: envelopes.get(&custodian.name).cloned(),
            });
        }
        let witness = |name: String| Person { name, role: "witness".to_owned() };
        people.extend(self.options.witnesses.into_iter().map(witness));
        let count = keys.len();
        if count > MOST {
            // Those that are not as they should be come first: they are what is looked for.
            keys.sort_by_key(|key| key.outcome == MATCHED);
            keys.truncate(MOST);
        }
        let binary = own_digest(output);
        let mut exceptions = self.options.exceptions;
        exceptions.extend(self.exceptions);
        exceptions.truncate(MOST);
        let due = |name: &str, days: u32| Due { name: name.to_owned(), time: after(now, days) };
        let mut dues = Vec::new();
        if matches!(kind, Kind::Found | Kind::Drill) {
            let policy = escrow.state().policy();
            let (drill, check) = self.options.due.unwrap_or((policy.drill_days, policy.card_days));
            dues.extend([due("the next drill", drill), due("a check of every card", check)]);
        }
        // A drill that was too small moves nothing, and a drill is no check of paper: as `status` has it.
        if kind == Kind::Drill
            && let Ok(watch) = watch(escrow.state(), Some(record), escrow.log().last_time(), now)
        {
            let first = |word: &str| {
                watch
                    .items
                    .iter()
                    .find(|item| item.what.word() == word && !matches!(item.what, What::Failed(..)))
            };
            for (one, word) in dues.iter_mut().zip(["drill", "card"]) {
                one.time = first(word).map_or(one.time, |item| item.due);
            }
        }
        Ok(Report {
            kind,
            quorum: record.id(),
            generation: terms.generation,
            scheme: (record.scheme().threshold(), record.scheme().count()),
            organisation: terms.organisation.clone(),
            purpose: self.options.purpose,
            time: now,
            program: concat!("quorate ", env!("CARGO_PKG_VERSION")).to_owned(),
            binary,
            people,
            steps: self.steps,
            cards: shown,
            keys,
            count: u64::try_from(count).unwrap_or(u64::MAX),
            failures: u64::try_from(failures).unwrap_or(u64::MAX),
            exceptions,
            before: self.before.unwrap_or_else(|| escrow.log().checkpoint()),
            after: escrow.log().checkpoint(),
            due: dues,
        })
    }
}

/// What a report says of a key that came back as the log knows it.
pub(crate) const MATCHED: &str = "matched";

/// What is wrong with a report that can't be made.
fn unfit(error: ReportError) -> Failure {
    Failure::new(FAILED, error.to_string())
        .hint("the ceremony itself is done and logged; `quorate log show` has it")
}

/// `NAME=TEXT` of envelopes by custodian.
pub(super) fn envelopes(
    arguments: &[String],
    custodians: &mut dyn Iterator<Item = &str>,
) -> Result<BTreeMap<String, String>, Failure> {
    let custodians: Vec<&str> = custodians.collect();
    let mut pairs = BTreeMap::new();
    for argument in arguments {
        let (name, text) = named(argument, "--envelope")?;
        if !custodians.contains(&name) {
            return Err(unknown("--envelope", name));
        }
        if text.trim().is_empty() || text.len() > 100 || text.chars().any(char::is_control) {
            return Err(Failure::usage(format!(
                "--envelope {name}: the number is longer than 100 bytes, or no text"
            ))
            .hint("write what stands on the envelope"));
        }
        pairs.insert(name.to_owned(), text.to_owned());
    }
    Ok(pairs)
}

/// SHA-256 of this program's file. It proves nothing of itself: it is there to be compared.
pub(super) fn own_digest(output: &Output) -> Option<[u8; 32]> {
    match std::env::current_exe().and_then(std::fs::read) {
        Ok(bytes) => Some(sha256(&[&bytes])),
        Err(error) => {
            output.warn(format!("the program's own SHA-256 can't be said: its file can't be read ({error})"));
            None
        }
    }
}

/// Whether a file is a PDF.
pub(super) fn is_pdf(path: &Path, bytes: &[u8]) -> bool {
    bytes.starts_with(b"%PDF-") || path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("pdf"))
}

/// The report as people read it, for what shows one.
pub(super) fn about(signed: &Signed) -> String {
    let report = signed.report();
    format!("{} of {} by quorum {}", report.kind.name(), report.time, report.quorum)
}
