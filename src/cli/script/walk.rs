//! A ceremony held by its script: step after step, each done, expected, and ticked.
//!
//! In: the script and a place. What the program does in a step is the command that the script names,
//! through the same code. A step that failed can be done again; what was not as planned is taken as text.
//! Ticks and exceptions up to the drill stand in its report; those behind it belong on the printed script,
//! since no quorum is present any more to sign them.

use super::rehearsal::Stage;
use crate::cli::args::{Birth, Drill, Evidence, For, Generate, Place, Reach, Script as Options};
use crate::cli::bring::say;
use crate::cli::evidence::Account;
use crate::cli::failure::{FAILED, Failure};
use crate::cli::output::Output;
use crate::cli::terminal::is_interactive;
use crate::cli::{drill, generate, init, prompt, session};
use quorate::ceremony::report::Step as Done;
use quorate::ceremony::script::{Action, Script, Step};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The longest initials, in bytes.
const LONGEST_INITIALS: usize = 40;
/// The longest text of an exception, in bytes.
const LONGEST_EXCEPTION: usize = 400;

struct Walk<'a> {
    script: &'a Script,
    options: &'a Options,
    place: Place,
    escrow: PathBuf,
    stage: Option<Stage>,
    ticks: Vec<Done>,
    exceptions: Vec<String>,
}

pub(super) fn run(
    place: &Place,
    script: &Script,
    options: &Options,
    output: &mut Output,
) -> Result<(), Failure> {
    if output.is_json() {
        return Err(Failure::usage("a ceremony is held by people, and has no result in JSON")
            .hint("add --report FILE.json instead"));
    }
    if options.initials.is_none() && !is_interactive() {
        return Err(Failure::usage("there is no terminal to tick the steps at").hint("add --initials TEXT"));
    }
    if let Some(wrong) = options.initials.as_deref().filter(|text| !are_initials(text)) {
        return Err(Failure::usage(format!("--initials {wrong:?} is empty or too long"))
            .hint("write a name in short"));
    }
    // Before anybody gathers: whether the report can be written.
    let mut early = options.evidence.clone();
    early.envelopes.clear();
    Account::begin(&early, None)?;
    let stage = if options.rehearse { Some(Stage::new()?) } else { None };
    let escrow = stage.as_ref().map_or_else(|| PathBuf::from(&script.escrow), Stage::escrow);
    let place = Place { escrow: Some(escrow.clone()), ..place.clone() };
    let mut walk = Walk { script, options, place, escrow, stage, ticks: Vec::new(), exceptions: Vec::new() };
    output.note(&script.title);
    if let Some(stage) = &walk.stage {
        output.note(format!(
            "a rehearsal in {}: its keys are thrown away, and the folder is removed",
            stage.path().display()
        ));
    }
    let steps = script.steps();
    for (number, step) in (1_usize..).zip(&steps) {
        output.note(format!("step {number} of {}: {}", steps.len(), step.text));
        walk.step(number, step, output)?;
    }
    let how = if walk.stage.is_some() {
        "the rehearsal is over: its folder is removed"
    } else {
        "the ceremony is over"
    };
    output.line(format!("{how}; {} steps, {} exceptions", walk.ticks.len(), walk.exceptions.len()));
    for exception in &walk.exceptions {
        output.line(format!("  {exception}"));
    }
    Ok(())
}

impl Walk<'_> {
    /// One step, until it is ticked.
    fn step(&mut self, number: usize, step: &Step, output: &mut Output) -> Result<(), Failure> {
        let begun = Instant::now();
        let mut is_done = self.attempt(&step.action, output)?;
        output.note(format!("  expected: {}", step.expected));
        let initials = loop {
            if let Some(initials) = &self.options.initials {
                break initials.clone();
            }
            let question = if is_done {
                "  initials when it is so (or: exception TEXT, quit): "
            } else {
                "  it was not done (again, exception TEXT, quit): "
            };
            let answer = prompt::text(question)?.unwrap_or_else(|| "quit".to_owned());
            let (word, rest) = answer.split_once(' ').unwrap_or((&answer, ""));
            match word {
                "quit" if prompt::confirm("break the ceremony off?", true)? => {
                    return Err(broken_off(number));
                }
                "" | "quit" => {}
                "again" if !is_done => is_done = self.attempt(&step.action, output)?,
                "exception" => self.exception(number, rest.trim(), output),
                _ if !is_done => output.warn("the step was not done: say again, or quit"),
                _ if are_initials(&answer) => break answer,
                _ => output.warn("these are no initials: a name in short, of at most 40 bytes"),
            }
        };
        let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let text: String = step.text.chars().take(200).collect();
        self.ticks.push(Done {
            name: format!("{number}. {text}"),
            time: self.place.clock.unwrap_or_else(session::now),
            milliseconds,
            signed_off: Some(initials),
        });
        Ok(())
    }

    /// Does what the program does in a step; whether it went well.
    fn attempt(&mut self, action: &Action, output: &mut Output) -> Result<bool, Failure> {
        match self.act(action, output).and_then(|()| output.finish()) {
            Ok(()) => Ok(true),
            // With nobody to ask, the first failure ends it.
            Err(failure) if self.options.initials.is_some() => Err(failure),
            Err(failure) => {
                output.finish()?;
                say(&failure, output);
                Ok(false)
            }
        }
    }

    fn act(&mut self, action: &Action, output: &mut Output) -> Result<(), Failure> {
        match action {
            Action::Hand => Ok(()),
            Action::Found => {
                let mut options = super::init(self.script, self.escrow.clone(), self.options.paper);
                options.slips.clone_from(&self.options.slips);
                options.skip.clone_from(&self.options.skip);
                if let Some(stage) = &self.stage {
                    stage.founding(&mut options);
                }
                if self.script.keys.is_empty() {
                    let envelopes = core::mem::take(&mut options.evidence.envelopes);
                    options.evidence = Evidence { envelopes, ..self.evidence() };
                }
                init::run(&self.place, &options, output)
            }
            Action::Generate(kind, names) => {
                let options = Generate {
                    names: names.clone(),
                    kind: *kind,
                    length: None,
                    entropy: Vec::new(),
                    birth: Birth::default(),
                    wanted: For::default(),
                    package: None,
                };
                generate::run(&self.place, &options, output)
            }
            Action::Drill => {
                let mut present = self.options.present.clone();
                if let Some(stage) = &self.stage {
                    stage.present(self.script, &mut present)?;
                }
                let options = Drill {
                    names: Vec::new(),
                    sample: None,
                    to: None,
                    wanted: For::default(),
                    reach: Reach::default(),
                    present,
                    evidence: self.evidence(),
                };
                drill::of_all(&self.place, &options, output)
            }
        }
    }

    /// What the report says besides what the program knows.
    fn evidence(&self) -> Evidence {
        let mut evidence = self.options.evidence.clone();
        if evidence.reports.is_empty() {
            return Evidence::default();
        }
        let purpose = evidence.purpose.take().or_else(|| self.script.purpose.clone());
        let purpose = purpose.unwrap_or_else(|| self.script.title.clone());
        let mark = if self.stage.is_some() { "rehearsal on throw-away keys: " } else { "" };
        evidence.purpose = Some(format!("{mark}{purpose}"));
        let named = self.script.witnesses.iter().map(|one| one.name.clone());
        evidence.witnesses = named.chain(evidence.witnesses).collect();
        let numbers = self.script.custodians.iter();
        let numbers = numbers.filter_map(|one| Some(format!("{}={}", one.name, one.envelope.as_ref()?)));
        evidence.envelopes = numbers.chain(evidence.envelopes).collect();
        evidence.exceptions.extend(self.exceptions.iter().cloned());
        // A drill that is held again has a report of its own.
        evidence.reports = evidence.reports.iter().map(|path| free(path)).collect();
        evidence.steps.clone_from(&self.ticks);
        evidence.due = self
            .script
            .policy
            .is_said
            .then_some((self.script.policy.drill_days, self.script.policy.check_days));
        evidence
    }

    fn exception(&mut self, number: usize, text: &str, output: &Output) {
        if text.is_empty() || text.len() > LONGEST_EXCEPTION || text.chars().any(char::is_control) {
            output.warn("say exception, and in a few words what was not as planned");
        } else {
            self.exceptions.push(format!("step {number}: {text}"));
            output.note("  noted");
        }
    }
}

/// The path, with a number before its ending when it exists already.
fn free(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let numbered = (2..100_u8).map(|number| path.with_file_name(format!("{stem}.{number}.{ending}")));
    let mut all = core::iter::once(path.to_owned()).chain(numbered);
    all.find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| path.to_owned())
}

fn are_initials(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= LONGEST_INITIALS && !text.chars().any(char::is_control)
}

fn broken_off(number: usize) -> Failure {
    Failure::new(FAILED, format!("the ceremony was broken off at step {number}"))
        .hint("what was done until then is in the log, and stays; `quorate status` shows what is open")
}
