//! `quorate script`: the script of a ceremony, shown, printed, or followed step by step.
//!
//! The file is read here once; the steps come from the library. `paper` prints them, `walk` holds the
//! ceremony by them: it shows a step, runs the command that belongs to it, and waits for initials. What was
//! ticked and what was not as planned stands in the report, which the drill ends with.

use super::args::{Init, PaperSize, Place, Script as Options};
use super::failure::{Failure, USAGE};
use super::files::{create_secret, read_secret};
use super::output::Output;
use quorate::ceremony::script::{Action, LONGEST, Script};
use quorate::wire::json::{Json, object};
use std::path::{Path, PathBuf};

mod paper;
mod rehearsal;
mod walk;

pub(crate) fn run(place: &Place, options: &Options, output: &mut Output) -> Result<(), Failure> {
    let script = read(&options.file)?;
    if options.run || options.rehearse {
        return walk::run(place, &script, options, output);
    }
    if let Some(path) = &options.pdf {
        let page = paper::page(place, &script, options.paper.into())?;
        create_secret(path, &page)?;
        output.line(format!(
            "the script of {} in {}: {} steps",
            script.title,
            path.display(),
            script.steps().len()
        ));
        output.value(object([("file", Some(Json::text(path.display().to_string())))]));
        return Ok(());
    }
    show(&script, &options.file, output);
    Ok(())
}

/// The script in a file.
fn read(path: &Path) -> Result<Script, Failure> {
    let bytes = read_secret(path, LONGEST)?;
    Script::read(bytes.expose()).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        Failure { status: USAGE, message, hint: Some("the operator's guide shows a whole script".to_owned()) }
    })
}

/// What is typed for a step; nothing, when people do it.
fn command(script: &Script, file: &str, action: &Action) -> Option<String> {
    let escrow = &script.escrow;
    match action {
        Action::Hand => None,
        Action::Found => Some(format!("quorate init {escrow} --ceremony {file}")),
        Action::Generate(kind, names) => {
            let names: Vec<&str> = names.iter().map(quorate::key::Label::as_str).collect();
            Some(format!("quorate -C {escrow} generate {} --kind {kind}", names.join(" ")))
        }
        Action::Drill => Some(format!(
            "quorate -C {escrow} drill --report report.json --report report.pdf --card PICTURE..."
        )),
    }
}

fn show(script: &Script, file: &Path, output: &mut Output) {
    output.line(&script.title);
    if let Some(purpose) = &script.purpose {
        output.line(format!("purpose: {purpose}"));
    }
    let file = file.display().to_string();
    let mut values = Vec::new();
    for (number, step) in (1_u64..).zip(script.steps()) {
        let command = command(script, &file, &step.action);
        output.line("");
        output.line(format!("{number:>3} [ ] {}", step.text));
        if let Some(command) = &command {
            output.line(format!("        $ {command}"));
        }
        output.line(format!("        expected: {}", step.expected));
        output.line("        time __________  initials __________");
        values.push(object([
            ("command", command.map(Json::text)),
            ("expected", Some(Json::text(step.expected))),
            ("number", Some(Json::Number(number))),
            ("step", Some(Json::text(step.text))),
        ]));
    }
    output.value(Json::List(values));
}

/// The arguments of `init` with what the script in `file` says.
pub(super) fn founding(options: &Init, file: &Path) -> Result<Init, Failure> {
    let script = read(file)?;
    let said = [
        ("--threshold", options.threshold.is_some()),
        ("--custodian", !options.custodians.is_empty()),
        ("--role", !options.roles.is_empty()),
        ("--organisation", options.organisation.is_some()),
    ];
    if let Some((option, _)) = said.into_iter().find(|(_, said)| *said) {
        return Err(Failure::usage(format!(
            "{option} is in the ceremony's file, and can't be given beside it"
        ))
        .hint(format!("change {}, or leave out --ceremony", file.display())));
    }
    let mut options = options.clone();
    fill(&mut options, &script);
    Ok(options)
}

/// Fills in what a script says of a founding.
fn fill(options: &mut Init, script: &Script) {
    options.threshold = Some(script.threshold.into());
    options.custodians = script.custodians.iter().map(|one| format!("{}={}", one.name, one.seal)).collect();
    let with = |text: fn(&quorate::ceremony::script::Custodian) -> Option<&String>| {
        script.custodians.iter().filter_map(move |one| Some(format!("{}={}", one.name, text(one)?)))
    };
    options.roles = with(|one| one.role.as_ref()).collect();
    options.organisation.clone_from(&script.organisation);
    // What was said beside the script comes later, and counts.
    let said = core::mem::take(&mut options.evidence.envelopes);
    options.evidence.envelopes = with(|one| one.envelope.as_ref()).chain(said).collect();
    options.contact = options.contact.take().or_else(|| script.contact.clone());
    // 64 MiB is 2^16 KiB.
    let exponent = script.memory.and_then(u32::checked_ilog2).and_then(|log| u8::try_from(log).ok());
    options.memory = exponent.map_or(options.memory, |log| log.saturating_add(10));
    options.ceremony = None;
    options.evidence.due =
        script.policy.is_said.then_some((script.policy.drill_days, script.policy.check_days));
}

/// The arguments of `init` that a script alone gives.
fn init(script: &Script, dir: PathBuf, paper: PaperSize) -> Init {
    let mut options = Init {
        dir,
        threshold: None,
        custodians: Vec::new(),
        roles: Vec::new(),
        organisation: None,
        cards: None,
        slips: None,
        passphrases: Vec::new(),
        choose: Vec::new(),
        memory: 19,
        entropy: Vec::new(),
        paper,
        ceremony: None,
        operator: None,
        evidence: super::args::Evidence::default(),
        contact: None,
        skip: Vec::new(),
        wipe_pictures: false,
        pocket: false,
        yes: false,
    };
    fill(&mut options, script);
    options
}
