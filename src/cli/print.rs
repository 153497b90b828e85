//! `quorate print`: the papers that are not secret.
//!
//! A backup sheet brings one key back with M cards and nothing else; the ceremony sheet is what a
//! ceremony's people tick and sign. Both are made of what the escrow and its log say, checked against
//! each other first, and dated by the log: the same escrow gives the same bytes.

use super::args::{Onto, Place, Print, PrintWhat};
use super::failure::{FAILED, Failure};
use super::files::create_secret;
use super::output::Output;
use super::session::Session;
use quorate::card::page::PageError;
use quorate::card::sheet::{BackupSheet, Facts, SheetError, sheet_codes};
use quorate::ceremony::escrow::Escrow;
use quorate::key::KeyName;
use quorate::wire::json::{Json, object};
use std::path::PathBuf;

pub(crate) fn run(place: &Place, options: &Print, output: &mut Output) -> Result<(), Failure> {
    let session = Session::reading(place)?;
    let escrow = session.open()?;
    match &options.what {
        PrintWhat::Backup { name, onto } => backup(&escrow, name, onto, output),
        PrintWhat::Ceremony { onto } => super::print_ceremony::run(&escrow, onto, output),
    }
}

fn backup(escrow: &Escrow<'_>, name: &KeyName, onto: &Onto, output: &mut Output) -> Result<(), Failure> {
    let version = escrow.version(name)?;
    let (backed, deposit) = (&version.backed, &version.backed.deposit);
    let facts = Facts {
        name: deposit.name.clone(),
        key: deposit.key,
        version: deposit.version,
        kind: backed.kind,
        created: backed.created,
        fingerprint: backed.fingerprint,
        spki: backed.spki,
        checkpoint: escrow.log().checkpoint().to_string(),
        time: escrow.log().last_time().unwrap_or(backed.created),
    };
    let record = escrow.quorum_by_id(deposit.quorum)?;
    let sheet = BackupSheet::new(facts, record, escrow.backup(version)?).map_err(|error| {
        let failure = Failure::new(FAILED, format!("{}: {error}", deposit.name));
        match error {
            SheetError::TooLong { .. } => failure.hint("keep copies of the escrow instead, in three places"),
            _ => failure,
        }
    })?;
    let pdf = sheet.pdf(onto.paper.into()).map_err(|error| cannot("the backup sheet", &error))?;
    let path = onto
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}-{}.backup.pdf", deposit.name, deposit.version)));
    create_secret(&path, &pdf)?;
    let codes = sheet_codes(&sheet).len();
    let pages = codes.div_ceil(6).saturating_add(1);
    output.line(format!(
        "{} version {}: a backup sheet of {codes} codes on {pages} pages in {}",
        deposit.name,
        deposit.version,
        path.display()
    ));
    output.line(format!("  sheet {}, fingerprint {}", sheet.name(), backed.fingerprint));
    output.line("next: print it, scan the paper, and see that it reads (any one code may fail); file it apart from the cards");
    output.line("file the fingerprint apart from the sheet: without an escrow, it alone tells this key from a forged one");
    output.value(object([
        ("codes", Some(Json::Number(u64::try_from(codes).unwrap_or(u64::MAX)))),
        ("file", Some(Json::text(path.display().to_string()))),
        ("fingerprint", Some(Json::text(backed.fingerprint.to_string()))),
        ("name", Some(Json::text(deposit.name.to_string()))),
        ("pages", Some(Json::Number(u64::try_from(pages).unwrap_or(u64::MAX)))),
        ("sheet", Some(Json::text(sheet.name()))),
        ("version", Some(Json::Number(deposit.version.get().into()))),
    ]));
    Ok(())
}

/// A page that can't be made.
pub(super) fn cannot(what: &str, error: &PageError) -> Failure {
    Failure::new(FAILED, format!("{what} can't be printed: {error}"))
        .hint("the names in the quorum's record and in the log are printed as they are")
}
