//! Backup sheets from files: pictures, PDFs and texts of codes in, the one sheet that was asked for out.
//!
//! Codes come in any order from any number of files. What is not a code of a sheet is named, and what
//! had to be rebuilt is said.

use super::args::Recover;
use super::failure::{DIFFERENCE, FAILED, Failure};
use super::files::read_secret;
use super::output::Output;
use super::progress::Step;
use super::scan::{LONGEST, at_least};
use super::watch::Watch;
use quorate::card::sheet::{BackupSheet, Gathered, SheetCollector, SheetError};
use quorate::key::KeyName;
use std::path::Path;

/// How many codes a page of a sheet has.
const PAGE: usize = 6;

/// The backup sheet of the key that was asked for.
pub(super) fn one_sheet(options: &Recover, output: &Output) -> Result<BackupSheet, Failure> {
    let mut found = collect(options, 1, Some(output))?;
    if found.iter().any(|sheet| matches!(sheet, Err(SheetError::Missing { .. }))) {
        // Again, at length: a page gives some of its codes at a glance.
        found = collect(options, PAGE, None)?;
    }
    let mut sheets = Vec::new();
    let mut trouble = None;
    for sheet in found {
        match sheet {
            Ok(gathered) => sheets.push(told(gathered, output)),
            Err(error) => trouble = Some(error),
        }
    }
    match (choose(sheets, options.name.as_ref()), trouble) {
        (Ok(sheet), trouble) => {
            if let Some(error) = trouble {
                output.warn(error.to_string());
            }
            Ok(sheet)
        }
        (Err(_), Some(error)) => Err(refused(&error)),
        (Err(failure), None) => Err(failure),
    }
}

fn named(name: &KeyName) -> String {
    name.version.map_or_else(|| name.label.to_string(), |version| format!("{} version {version}", name.label))
}

fn refused(error: &SheetError) -> Failure {
    let failure = Failure::new(DIFFERENCE, error.to_string());
    match error {
        SheetError::Missing { .. } => failure.hint("scan those again, each alone, flat and in good light"),
        SheetError::Digest => {
            failure.hint("scan every page again; two codes that are wrong can't be rebuilt")
        }
        _ => failure.hint("look for another copy of the backup sheet"),
    }
}

/// What had to be rebuilt.
fn told(gathered: Gathered, output: &Output) -> BackupSheet {
    let Gathered { sheet, rebuilt, altered, .. } = gathered;
    let name = sheet.name();
    if let Some(number) = rebuilt {
        output.note(format!(
            "code {number} of the backup sheet {name} is missing: it was rebuilt from the others"
        ));
    }
    if let Some(number) = altered {
        output.warn(format!(
            "code {number} of the backup sheet {name} contradicts all others: it was altered or misread, and was set aside"
        ));
    }
    let facts = sheet.facts();
    output.note(format!(
        "backup sheet {name}: {} version {} ({}), fingerprint {}",
        facts.name,
        facts.version,
        facts.kind,
        facts.fingerprint.short()
    ));
    sheet
}

/// The sheet of this key, of the version that was asked for or the newest that is here; when no key is
/// named, of the one that the sheets are of.
fn choose(mut sheets: Vec<BackupSheet>, name: Option<&KeyName>) -> Result<BackupSheet, Failure> {
    let found: Vec<String> = sheets
        .iter()
        .map(|sheet| format!("{} version {}", sheet.facts().name, sheet.facts().version))
        .collect();
    let first = sheets.first().map(|sheet| KeyName { label: sheet.facts().name.clone(), version: None });
    let is_named = name.is_some();
    let Some(name) = name.or(first.as_ref()) else {
        return Err(Failure::new(DIFFERENCE, "there is no whole backup sheet in these files")
            .hint("give scans of all its pages"));
    };
    let other = |sheet: &BackupSheet| sheet.facts().name != name.label;
    if !is_named && sheets.iter().any(other) {
        return Err(Failure::usage(format!("these are backup sheets of {}", found.join(" and of ")))
            .hint("name the key that is wanted: `quorate recover NAME --sheet …`"));
    }
    sheets.retain(|sheet| {
        let facts = sheet.facts();
        facts.name == name.label && name.version.is_none_or(|version| version == facts.version)
    });
    sheets.sort_by_key(|sheet| (sheet.facts().version, sheet.facts().time));
    let Some(chosen) = sheets.pop() else {
        let message = format!("this is a backup sheet of {}, not of {}", found.join(" and of "), named(name));
        return Err(Failure::new(DIFFERENCE, message)
            .hint("give the sheet whose first page names this key and version"));
    };
    let same = |other: &&BackupSheet| other.facts().version == chosen.facts().version;
    if sheets.iter().filter(same).any(|other| other.backup() != chosen.backup()) {
        let message = format!("two backup sheets of {} hold different backups", named(name));
        return Err(Failure::new(DIFFERENCE, message)
            .hint("one of them is forged: give one alone, and compare its fingerprint"));
    }
    Ok(chosen)
}

/// Every sheet of which codes are in the files.
fn collect(
    options: &Recover,
    count: usize,
    output: Option<&Output>,
) -> Result<Vec<Result<Gathered, SheetError>>, Failure> {
    let mut collector = SheetCollector::new();
    let mut last = None;
    for path in &options.sheets {
        if let Err(failure) = take(path, options.present.seals.deadline, count, &mut collector, output) {
            if let Some(output) = output {
                output.warn(&failure.message);
            }
            last = Some(failure);
        }
    }
    match last {
        Some(failure) if collector.is_empty() => Err(failure),
        _ => Ok(collector.finish()),
    }
}

/// Takes every code in one file; what was wrong last, if none was taken.
fn take(
    path: &Path,
    deadline: u64,
    count: usize,
    collector: &mut SheetCollector,
    output: Option<&Output>,
) -> Result<(), Failure> {
    let bytes = read_secret(path, LONGEST)?;
    let step = Step::begin(format!("reading {}", path.display()), 0);
    // A page of a sheet has six codes where a card has one.
    let scanned = at_least(count, path, &bytes, deadline.saturating_mul(6), &Watch::none());
    drop(step);
    let (mut taken, mut wrong) = (0_usize, Vec::new());
    let mut offer = |text: &str| match collector.offer(text) {
        Ok(()) => taken = taken.saturating_add(1),
        Err(error) => wrong.push(error.to_string()),
    };
    match scanned? {
        Some(codes) => codes.texts.iter().for_each(|text| offer(text)),
        None => {
            let text = core::str::from_utf8(bytes.expose()).map_err(|_| not_text(path))?;
            let rows = text.trim_start_matches('\u{feff}').lines().map(str::trim);
            rows.filter(|row| !row.is_empty() && !row.starts_with('#')).take(MOST_ROWS).for_each(&mut offer);
        }
    }
    wrong.dedup();
    let place = path.display();
    match wrong.pop() {
        Some(error) if taken == 0 => Err(Failure::new(DIFFERENCE, format!("{place}: {error}"))
            .hint("give scans of the backup sheet's pages, or the texts of its codes, one to a line")),
        None if taken == 0 => {
            Err(Failure::new(DIFFERENCE, format!("{place}: there is no readable code in it"))
                .hint("scan the page again, flat and in good light, at 300 dpi"))
        }
        last => {
            wrong.extend(last);
            let said = wrong.iter().filter_map(|error| Some((output?, error)));
            said.for_each(|(output, error)| output.warn(format!("{place}: {error}")));
            Ok(())
        }
    }
}

/// The most rows of a text that are looked at.
const MOST_ROWS: usize = 4096;

fn not_text(path: &Path) -> Failure {
    Failure::new(FAILED, format!("{}: is neither a picture, nor a PDF, nor text", path.display()))
        .hint("give a PNG, a JPEG, a PDF, or the texts of the codes, one to a line")
}
