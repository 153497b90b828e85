//! `quorate destroy`: numbered certificates of what was destroyed, and the end of a backup.
//!
//! What goes is written once more by whoever runs this, at the terminal or with `--yes-destroy`. The
//! certificate is in the log before anything is removed; when the program ends between the two, the same
//! command removes what is left. The paper is made last, and can be made again.

use super::args::{Destroy, DestroyCommand, Onto, PaperSize, Place, Witnessed};
use super::custodian::card_of;
use super::failure::{FAILED, Failure};
use super::files::{Pending, create_secret};
use super::output::Output;
use super::places::{is_certified, words};
use super::prompt;
use super::session::Session;
use super::terminal::is_interactive;
use quorate::ceremony::destroy::{DestroyError, certify, remove_backup};
use quorate::ceremony::escrow::Escrow;
use quorate::key::KeyName;
use quorate::log::{CardHistory, CertificateEntry, Held, Remains};
use quorate::store::StoreError;
use quorate::wire::json::{Json, object};
use std::path::PathBuf;

mod paper;
mod there;
pub(crate) use paper::{subject, value};

pub(crate) fn run(place: &Place, options: &Destroy, output: &mut Output) -> Result<(), Failure> {
    let reads = matches!(options.command, DestroyCommand::List | DestroyCommand::Print { .. });
    let session = if reads { Session::reading(place)? } else { Session::of(place)? };
    let mut escrow = session.open()?;
    match &options.command {
        DestroyCommand::Card { name, witnessed } => card(&mut escrow, name, witnessed, output),
        DestroyCommand::Backup { .. } if place.log_to.is_some() => {
            Err(Failure::usage("a backup is destroyed in the escrow itself, which --log-to leaves as it is")
                .hint("do it when the escrow can be written again"))
        }
        DestroyCommand::Backup { name, witnessed } => backup(&mut escrow, name, witnessed, output),
        DestroyCommand::Provider { name, provider, place, fields, witnessed } => {
            let given = super::request::fields(fields)?;
            let what = there::at_provider(&escrow, name, (*provider, place.as_deref(), &given))?;
            confirmed(witnessed, &name.to_string(), &there::copy(&what), output)?;
            write(&mut escrow, &what, witnessed, output).map(drop)
        }
        DestroyCommand::List => list(&escrow, output),
        DestroyCommand::Print { number, onto } => print(&escrow, *number, onto, output),
    }
}

/// Has what is destroyed written once more.
fn confirmed(witnessed: &Witnessed, what: &str, kind: &str, output: &Output) -> Result<(), Failure> {
    if let Some(path) = &witnessed.certificate {
        Pending::default().is_free(path)?;
    }
    let said = match &witnessed.yes_destroy {
        Some(said) => Some(said.clone()),
        None if is_interactive() => {
            output.note(format!("{kind} {what} will be destroyed, and nothing brings it back"));
            prompt::text(&format!("write {what} to go on: "))?
        }
        None => {
            return Err(Failure::usage(format!("{kind} {what} is destroyed only when that is confirmed"))
                .hint(format!("add --yes-destroy {what}")));
        }
    };
    match said {
        Some(said) if said.trim() == what => Ok(()),
        _ => {
            Err(Failure::usage(format!("what was to be destroyed is {what}, and something else was written"))
                .hint("nothing was destroyed; write it as it stands here"))
        }
    }
}

/// Writes the certificate, and says so.
fn write(
    escrow: &mut Escrow<'_>,
    what: &Remains,
    witnessed: &Witnessed,
    output: &mut Output,
) -> Result<CertificateEntry, Failure> {
    let entry = certify(escrow, what, &witnessed.reason, &witnessed.witnesses)?;
    told(escrow, &entry, witnessed, output)?;
    Ok(entry)
}

fn told(
    escrow: &Escrow<'_>,
    entry: &CertificateEntry,
    witnessed: &Witnessed,
    output: &mut Output,
) -> Result<(), Failure> {
    let certificate = &entry.certificate;
    output.line(format!(
        "certificate {}: {} is destroyed",
        certificate.number,
        subject(escrow, &certificate.what)
    ));
    output.line(format!("  witnesses   {}", certificate.witnesses.join(", ")));
    output.line(format!("  checkpoint  {}", escrow.log().checkpoint()));
    output.value(value(escrow, entry));
    // What was destroyed is told first: nothing brings it back when the paper can't be made.
    output.finish()?;
    if let Some(path) = &witnessed.certificate {
        let made =
            paper::page(escrow, entry, PaperSize::A4.into()).and_then(|page| create_secret(path, &page));
        made.map_err(|failure| no_paper(&failure, certificate.number, entry.seq))?;
        output.line(format!("  to sign     {}", path.display()));
        output.finish()?;
    }
    if witnessed.certificate.is_none() {
        output.note(format!("`quorate destroy print {}` makes the paper to sign", certificate.number));
    }
    Ok(())
}

/// A paper that could not be made of a certificate that is in the log.
fn no_paper(failure: &Failure, number: u64, seq: u64) -> Failure {
    let message = format!(
        "certificate {number} is in the log (record {seq}); only its paper failed: {}",
        failure.message
    );
    Failure::new(FAILED, message).hint(format!("`quorate destroy print {number}` makes the paper again"))
}

fn card(
    escrow: &mut Escrow<'_>,
    name: &str,
    witnessed: &Witnessed,
    output: &mut Output,
) -> Result<(), Failure> {
    let (card, name) = card_of(escrow, name)?;
    let record = escrow.quorum()?;
    let cards = escrow.state().quorum().map(|entry| entry.cards.clone()).unwrap_or_default();
    let left = (1..=record.scheme().count())
        .filter(|index| *index != card.index && !cards.get(index).is_some_and(CardHistory::is_gone))
        .count();
    if left < usize::from(record.scheme().threshold()) {
        output.warn(format!(
            "without the card of {name} {left} are left, and a recovery takes {}: no key will come back",
            record.scheme().threshold()
        ));
    }
    confirmed(witnessed, &name, "the card of", output)?;
    write(escrow, &Remains::Card(card), witnessed, output).map(drop)
}

fn backup(
    escrow: &mut Escrow<'_>,
    name: &KeyName,
    witnessed: &Witnessed,
    output: &mut Output,
) -> Result<(), Failure> {
    if name.version.is_none() {
        return Err(Failure::usage(format!("it is not said which version of {name} is to be destroyed"))
            .hint("name it as NAME@VERSION; `quorate show` lists the versions"));
    }
    let version = escrow.version(name)?.clone();
    let done = version.certificate.filter(|_| escrow.is_there(&version).unwrap_or(true));
    let deposit = &version.backed.deposit;
    let is_of =
        |held: &&Held| (&held.imported.name, held.imported.version) == (&deposit.name, deposit.version);
    let state = escrow.state();
    for held in state.held().filter(is_of).filter(|held| held.stopped.is_none() && !is_certified(state, held))
    {
        output.warn(format!(
            "{name} is at {}: without its backup nothing brings it back from there",
            words(state, &held.imported)
        ));
    }
    confirmed(witnessed, &name.to_string(), "the backup of", output)?;
    let entry = match done {
        // The program was ended, or the disk failed, between the certificate and the removal.
        Some(certificate) => {
            let entry =
                escrow.state().certificates().iter().find(|one| one.certificate.number == certificate);
            let entry =
                entry.cloned().ok_or_else(|| Failure::new(FAILED, "that certificate is not in the log"))?;
            output.note("its certificate is in the log already: what is left of the backup is removed now");
            entry
        }
        None => {
            let deposit = &version.backed.deposit;
            let (name, number) = (deposit.name.clone(), deposit.version);
            let what = Remains::Backup { name, version: number, backup: version.backed.backup };
            certify(escrow, &what, &witnessed.reason, &witnessed.witnesses)?
        }
    };
    let certified = escrow.version(name)?;
    remove_backup(escrow, certified).map_err(|error| kept(error, name))?;
    told(escrow, &entry, witnessed, output)?;
    output.note("copies of the escrow, backup sheets, snapshots and the disk itself may still have it: destroy those too");
    Ok(())
}

/// A file that stays, though a certificate says that it is gone.
fn kept(error: StoreError, name: &KeyName) -> Failure {
    let message = format!("the certificate is in the log, but the file stays: {error}");
    Failure { status: FAILED, message, hint: None }.hint(format!(
        "mend the cause, and run `quorate destroy backup {name}` again, or remove the file by hand: until then `log verify` names it"
    ))
}

fn list(escrow: &Escrow<'_>, output: &mut Output) -> Result<(), Failure> {
    let all = escrow.state().certificates();
    if all.is_empty() {
        output.line("no certificates: nothing was destroyed before witnesses");
    }
    for entry in all {
        let certificate = &entry.certificate;
        output.line(format!(
            "{:>4}  {}  {}; witnesses {}; record {}",
            certificate.number,
            entry.time,
            subject(escrow, &certificate.what),
            certificate.witnesses.join(", "),
            entry.seq
        ));
    }
    output.value(Json::List(all.iter().map(|entry| value(escrow, entry)).collect()));
    Ok(())
}

fn print(escrow: &Escrow<'_>, number: u64, onto: &Onto, output: &mut Output) -> Result<(), Failure> {
    let entry = escrow.state().certificates().iter().find(|one| one.certificate.number == number);
    let entry = entry.ok_or_else(|| {
        Failure::new(FAILED, format!("there is no certificate {number}"))
            .hint("`quorate destroy list` shows them")
    })?;
    let path = onto.out.clone().unwrap_or_else(|| PathBuf::from(format!("certificate-{number}.pdf")));
    create_secret(&path, &paper::page(escrow, entry, onto.paper.into())?)?;
    output.line(format!("certificate {number} in {}", path.display()));
    output.value(object([
        ("certificate", Some(Json::Number(number))),
        ("file", Some(Json::text(path.display().to_string()))),
    ]));
    Ok(())
}

impl From<DestroyError> for Failure {
    fn from(error: DestroyError) -> Self {
        match error {
            DestroyError::Escrow(error) => error.into(),
            error => Self::new(FAILED, error.to_string()),
        }
    }
}
