//! `quorate recover --sheet`: a key from cards and a backup sheet.
//!
//! With an escrow whose log is left, the log says which backup and which fingerprint are right. With
//! none, or an old copy that ends before the key, the sheet says who the quorum is (its record proves
//! itself to the cards), and a person says whether the fingerprint is the one of another record: a sheet
//! can be made by anybody. Without an escrow the log goes to `--log-to`, for without a log nothing secret
//! happens.

use super::args::{KeyFormat, Place, Recover};
use super::cards::Openers;
use super::evidence::{Account, Held};
use super::failure::{DIFFERENCE, Failure};
use super::output::Output;
use super::papers::one_sheet;
use super::recover::{Destination, destination, ended, gather, held, no_pem};
use super::session::{Session, environment, is_quorum};
use super::terminal;
use super::wipe::Given;
use crate::cli::gone::warn_of_gone;
use quorate::card::sheet::BackupSheet;
use quorate::ceremony::escrow::{Escrow, EscrowError};
use quorate::ceremony::recover::{Gathering, Recovery};
use quorate::ceremony::report::Kind;
use quorate::ceremony::salvage::Salvaging;
use quorate::key::{Fingerprint, KeyName, KeyRecord};
use quorate::log::ReportOf;
use quorate::quorum::{Quorum, QuorumRecord};
use quorate::wire::json::{Json, object};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

pub(super) fn run(place: &Place, options: &Recover, output: &mut Output) -> Result<(), Failure> {
    let start = Instant::now();
    let to = destination(options)?;
    if matches!(to, Destination::Token(_)) {
        return Err(Failure::usage("a key from a backup sheet goes to a file or to an age recipient")
            .hint("recover it to file:PATH, back it up in a new escrow with `quorate add`, and recover it into the token from there"));
    }
    to.is_free()?;
    let openers = Arc::new(Openers::of(&options.present.seals)?);
    let named = options.fingerprint.as_deref().map(Named::parse).transpose()?;
    let is_escrow = place.escrow.is_some() || environment("QUORATE_ESCROW").is_some();
    if !is_escrow {
        can_begin(place, named.as_ref())?;
    }
    let sheet = one_sheet(options, output)?;
    let facts = sheet.facts();
    if matches!(options.format, KeyFormat::Pem) && !facts.kind.is_asymmetric() {
        return Err(no_pem(facts.kind));
    }
    if let Some(named) = named.as_ref().filter(|named| !named.is(&facts.fingerprint)) {
        let message = format!(
            "the backup sheet of {} version {} says fingerprint {}, not {}: it is of another key, or forged",
            facts.name, facts.version, facts.fingerprint, named.0
        );
        return Err(Failure::new(DIFFERENCE, message)
            .hint("look for the sheet of that fingerprint; keep this one as evidence"));
    }
    let id = sheet.record().id();
    if let Some(pinned) = place.quorum.as_ref().filter(|pinned| !is_quorum(pinned, id)) {
        return Err(Failure::new(DIFFERENCE, format!("this backup sheet is of quorum {id}, not {pinned}"))
            .hint("compare the id with a card, and look for the sheet of that quorum"));
    }
    let account = Account::begin(&options.evidence, Some(sheet.record()))?;
    let walk = Walk { options, to, openers, sheet: &sheet, start, account };
    if is_escrow { walk.with_log(place, named, output) } else { walk.alone(place, named, output) }
}

/// Without an escrow: whether there will be a log, and somebody who vouches for the key.
fn can_begin(place: &Place, named: Option<&Named>) -> Result<(), Failure> {
    if place.log_to.is_none() {
        return Err(Failure::usage("no escrow is named, and no place for a log")
            .hint("name what is left of the escrow with -C DIR; if nothing is, name a folder for a new log with --log-to DIR"));
    }
    can_vouch("without an escrow", named)
}

/// Where no log says which fingerprint is right, somebody must.
fn can_vouch(why: &str, named: Option<&Named>) -> Result<(), Failure> {
    if named.is_none() && !terminal::is_interactive() {
        return Err(Failure::usage(format!("{why} somebody must say that the fingerprint is right"))
            .hint("add --fingerprint HEX from the ceremony sheet, or from another record that was not kept with the backup sheet"));
    }
    Ok(())
}

/// A fingerprint as a person gave it: all of it, or its short form.
struct Named(String);

impl Named {
    fn parse(text: &str) -> Result<Self, Failure> {
        let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        let (lower, upper) = (plain.to_lowercase(), plain.to_uppercase());
        let base32 = |c: u8| matches!(c, b'A'..=b'Z' | b'2'..=b'7');
        if Fingerprint::parse(&lower).is_some() {
            Ok(Self(lower))
        } else if upper.len() == 16 && upper.bytes().all(base32) {
            Ok(Self(quorate::wire::text::grouped(&upper)))
        } else {
            Err(Failure::usage("--fingerprint is no fingerprint")
                .hint("copy all 64 digits, or the short form of four groups of four"))
        }
    }

    fn is(&self, found: &Fingerprint) -> bool {
        Fingerprint::parse(&self.0).map_or_else(|| self.0 == found.short(), |named| named == *found)
    }
}

/// Asks until somebody says yes, says no, or types the fingerprint from their record.
fn vouched(found: &Fingerprint) -> Result<bool, Failure> {
    loop {
        let prompt =
            "type it from that record (in short is enough), or yes if you compared all of it, or no: ";
        let Some(line) = terminal::ask(prompt)? else { return Ok(false) };
        let said = String::from_utf8_lossy(line.expose()).trim().to_lowercase();
        match said.as_str() {
            "y" | "yes" => return Ok(true),
            "n" | "no" => return Ok(false),
            typed => match Named::parse(typed) {
                Ok(named) if named.is(found) => return Ok(true),
                Ok(_) => terminal::show("that is another fingerprint: compare it once more\n"),
                Err(_) => terminal::show("that is neither yes, nor no, nor a fingerprint\n"),
            },
        }
    }
}

/// What both ways need.
struct Walk<'a> {
    options: &'a Recover,
    to: Destination,
    openers: Arc<Openers>,
    sheet: &'a BackupSheet,
    start: Instant,
    account: Account,
}

impl Walk<'_> {
    /// Cards and what opens them, until the quorum can meet.
    fn gather(
        &mut self,
        gathering: &mut Gathering,
        given: &mut Given,
        output: &Output,
    ) -> Result<(), Failure> {
        let (present, mut troubles) = (&self.options.present, Vec::new());
        let gathered = gather(present, "recovery", &self.openers, gathering, given, &mut troubles, output);
        troubles.into_iter().for_each(|trouble| self.account.exception(trouble));
        gathered
    }

    /// Warns of cards that the log has as gone; where the log is new, it knows of none.
    fn warned(&mut self, escrow: &Escrow<'_>, gathering: &Gathering, output: &Output) {
        let mut gone = Vec::new();
        warn_of_gone(escrow, gathering, &mut gone, output);
        gone.into_iter().for_each(|said| self.account.exception(said));
    }

    /// The log decides: the sheet only stands in for what is lost.
    fn with_log(mut self, place: &Place, named: Option<Named>, output: &mut Output) -> Result<(), Failure> {
        let facts = self.sheet.facts();
        let session = Session::of(place)?;
        let mut escrow = session.open().map_err(|failure| {
            let nothing = failure.message.contains("no escrow here");
            let hint = "leave out -C and QUORATE_ESCROW, and add --log-to DIR, to recover from paper alone";
            if nothing { failure.hint(hint) } else { failure }
        })?;
        let name = KeyName { label: facts.name.clone(), version: Some(facts.version) };
        let backed = match escrow.version(&name) {
            Ok(version) => version.backed.clone(),
            // An old copy of the escrow: its log ends before this key version.
            Err(error) if is_known(&escrow, self.sheet.record()) => {
                can_vouch("where the log doesn't know the key version", named.as_ref())?;
                output.warn(format!("{error}: perhaps it is an old copy of the escrow"));
                let next = "next: look for a newer copy of the escrow; if there is none, back the key up in this one again with `quorate add`";
                return self.vouched(&mut escrow, named, next, output);
            }
            Err(error) => {
                return Err(Failure::from(error).hint("this escrow's quorum isn't the sheet's either: leave out -C and QUORATE_ESCROW, and add --log-to DIR, to recover from paper alone"));
            }
        };
        if backed.backup != *self.sheet.backup().digest() {
            let message = format!(
                "the backup sheet of {} version {} is not of the backup that the log names: it was exchanged or forged",
                facts.name, facts.version
            );
            return Err(
                Failure::new(DIFFERENCE, message).hint("keep it as evidence, and look for another one")
            );
        }
        let record = record_of(&escrow, self.sheet, backed.deposit.quorum)?;
        self.openers.are_for(&record)?;
        self.account.of(&escrow);
        self.account.is_asked(&escrow, ReportOf::Recover, output);
        let mut gathering = Gathering::new(record);
        let recovery = Recovery::begin(&mut escrow, &name, self.to.kind())?;
        let mut given = Given::default();
        let gathered = self.gather(&mut gathering, &mut given, output);
        self.warned(&escrow, &gathering, output);
        let ready = gathered.and_then(|()| {
            let (quorum, key) = recovery.open_backup(&escrow, &gathering, self.sheet.backup())?;
            let waiting = self.to.prepare(&key, self.options.format)?;
            Ok((quorum, key, waiting))
        });
        let (quorum, key, waiting) = match ready {
            Ok(ready) => ready,
            Err(failure) => {
                recovery.end(&mut escrow, ended(&failure));
                given.remind(output);
                return Err(failure);
            }
        };
        recovery.complete(&mut escrow, &quorum, &gathering, &key)?;
        let age = waiting.deliver(output)?;
        let reported = self.account(&mut escrow, &quorum, held(&gathering, &key, Kind::Recover), output);
        drop(quorum);
        self.report(&key, &gathering, &escrow, ("matches the log", age), output);
        // Before the question about the pictures: whoever leaves that has the key.
        output.finish()?;
        given.end(self.options.present.wipe_pictures, output)?;
        reported
    }

    /// No log is left: a person vouches for the fingerprint, and a log begins.
    fn alone(self, place: &Place, named: Option<Named>, output: &mut Output) -> Result<(), Failure> {
        let folder = place.log_to.clone().unwrap_or_default();
        let session = Session::apart(place, &folder)?;
        let mut escrow = session.open_or_begin()?;
        let record = self.sheet.record();
        output.note(format!(
            "no escrow: the sheet says quorum {}, {} custodians, generation {}",
            record.id(),
            record.scheme(),
            record.terms().generation
        ));
        let next =
            "next: make a new escrow with `quorate init`, and back the key up there with `quorate add`";
        self.vouched(&mut escrow, named, next, output)
    }

    /// The sheet says what it holds, and a person that it is right.
    fn vouched(
        mut self,
        escrow: &mut Escrow<'_>,
        named: Option<Named>,
        next: &str,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let record = self.sheet.record().clone();
        self.openers.are_for(&record)?;
        self.account.of(escrow);
        let mut gathering = Gathering::new(record);
        let salvaging = Salvaging::begin(escrow, self.sheet, self.to.kind())?;
        let mut given = Given::default();
        let gathered = self.gather(&mut gathering, &mut given, output);
        self.warned(escrow, &gathering, output);
        let ready = gathered.and_then(|()| {
            let (quorum, key) = self.opened(&salvaging, &gathering, named.as_ref(), output)?;
            let waiting = self.to.prepare(&key, self.options.format)?;
            Ok((quorum, key, waiting))
        });
        let done = ready.and_then(|(quorum, key, waiting)| {
            salvaging.complete(escrow, &quorum, &gathering, &key)?;
            Ok((quorum, key, waiting))
        });
        let (quorum, key, waiting) = match done {
            Ok(done) => done,
            Err(failure) => {
                salvaging.end(escrow, ended(&failure));
                given.remind(output);
                return Err(failure);
            }
        };
        let age = waiting.deliver(output)?;
        let reported = self.account(escrow, &quorum, held(&gathering, &key, Kind::Salvage), output);
        drop(quorum);
        self.report(&key, &gathering, escrow, ("was confirmed", age), output);
        output.note(next);
        output.finish()?;
        given.end(self.options.present.wipe_pictures, output)?;
        reported
    }

    /// The report of the ceremony, when one is wanted.
    fn account(
        &mut self,
        escrow: &mut Escrow<'_>,
        quorum: &Quorum,
        held: Held<'_>,
        output: &Output,
    ) -> Result<(), Failure> {
        let mut account = core::mem::take(&mut self.account);
        account.step(escrow, format!("the whole, to {}", self.to.kind()), self.start.elapsed());
        account.finish(escrow, quorum, held, output).map(drop)
    }

    fn opened(
        &self,
        salvaging: &Salvaging,
        gathering: &Gathering,
        named: Option<&Named>,
        output: &Output,
    ) -> Result<(Quorum, KeyRecord), Failure> {
        let (quorum, unproven) = salvaging.open(self.sheet, gathering)?;
        let fingerprint = unproven.fingerprint();
        let agrees = match named {
            Some(named) => named.is(&fingerprint),
            None => {
                output.note(format!(
                    "the key's fingerprint is {fingerprint}, in short {}",
                    fingerprint.short()
                ));
                output.note("compare it with the ceremony sheet, or another record that was not kept with the backup sheet:");
                output.note("anybody can make a backup sheet for a key of their own, which says the same fingerprint as that key");
                if !vouched(&fingerprint)? {
                    return Err(Failure::new(
                        DIFFERENCE,
                        "nobody confirmed the fingerprint: nothing was released",
                    )
                    .hint(
                        "run it again with the record of the fingerprint at hand, or add --fingerprint HEX",
                    ));
                }
                true
            }
        };
        Ok((quorum, unproven.prove(|_| agrees)?))
    }

    fn report(
        &self,
        key: &KeyRecord,
        gathering: &Gathering,
        escrow: &Escrow<'_>,
        (proof, age): (&str, Option<String>),
        output: &mut Output,
    ) {
        let facts = key.facts();
        let checkpoint = escrow.log().checkpoint().to_string();
        let (place, beside) = match &self.to {
            Destination::File(path) | Destination::Age(_, Some(path)) => (path.clone(), false),
            Destination::Age(_, None) => (PathBuf::from("standard output"), true),
            Destination::Token(place) => (PathBuf::from(place.shown()), false),
        };
        let (short, kind) = (key.fingerprint().short(), key.material().kind());
        let words = [
            format!("recovered {} version {} ({kind}) to {}", facts.label, facts.version, place.display()),
            format!("  from backup sheet {}", self.sheet.name()),
            format!("  fingerprint {short} {proof}"),
            format!("  custodians {}", gathering.names().join(", ")),
            format!("  checkpoint {checkpoint}"),
        ];
        for line in words {
            if beside { output.note(line) } else { output.line(line) }
        }
        let milliseconds = u64::try_from(self.start.elapsed().as_millis()).unwrap_or_default();
        output.value(object([
            ("age", age.map(Json::text)),
            ("checkpoint", Some(Json::text(checkpoint))),
            ("custodians", Some(Json::List(gathering.names().into_iter().map(Json::text).collect()))),
            ("fingerprint", Some(Json::text(key.fingerprint().to_string()))),
            ("kind", Some(Json::text(kind.name()))),
            ("milliseconds", Some(Json::Number(milliseconds))),
            ("name", Some(Json::text(facts.label.to_string()))),
            ("sheet", Some(Json::text(self.sheet.name()))),
            ("to", Some(Json::text(place.display().to_string()))),
            ("version", Some(Json::Number(facts.version.get().into()))),
        ]));
    }
}

/// Whether the log has founded the quorum of this very record.
fn is_known(escrow: &Escrow<'_>, record: &QuorumRecord) -> bool {
    let founded = escrow.state().quorums().iter().map(|entry| &entry.founded);
    founded.into_iter().any(|one| one.quorum == record.id() && one.record == record.digest())
}

/// The record in the escrow; if it is lost, the sheet's, when it is the one that the log names.
fn record_of(
    escrow: &Escrow<'_>,
    sheet: &BackupSheet,
    id: quorate::share::QuorumId,
) -> Result<QuorumRecord, Failure> {
    match escrow.quorum_by_id(id) {
        Err(error @ EscrowError::Missing { .. }) => {
            let record = sheet.record();
            if record.id() == id && is_known(escrow, record) { Ok(record.clone()) } else { Err(error.into()) }
        }
        other => Ok(other?),
    }
}
