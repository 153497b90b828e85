//! `quorate policy`: what is due when, and who may not hold how much of a quorum.

use super::args::{Place, Policy, PolicyCommand};
use super::failure::{FAILED, Failure, USAGE};
use super::files::read_secret;
use super::output::Output;
use super::session::Session;
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::policy::{PolicyError, fits, read};
use quorate::ceremony::script::LONGEST;
use quorate::log::policy::{CustodianFacts, Rotation};
use quorate::log::{self, Op, Phase};
use quorate::wire::json::{Json, object};
use std::path::Path;

pub(crate) fn run(place: &Place, options: &Policy, output: &mut Output) -> Result<(), Failure> {
    match &options.command {
        PolicyCommand::Show => show(&Session::reading(place)?, output),
        PolicyCommand::Set { file } => set(&Session::of(place)?, file, output),
    }
}

fn set(session: &Session, path: &Path, output: &mut Output) -> Result<(), Failure> {
    let bytes = read_secret(path, LONGEST)?;
    let policy = read(bytes.expose()).map_err(|error| {
        let hint = Some("docs/operator.md, The policy, says what can stand in it".to_owned());
        Failure { status: USAGE, message: format!("{}: {error}", path.display()), hint }
    })?;
    let mut escrow = session.open()?;
    let record = escrow.quorum()?;
    escrow.commit(|state| {
        fits(&policy, &record, state)?;
        Ok::<_, PolicyError>(vec![(Op::Policy, Phase::Done, policy.details())])
    })?;
    let checkpoint = escrow.log().checkpoint();
    output.line(format!("the policy of {} holds from now on", path.display()));
    output.line(format!("checkpoint  {checkpoint}"));
    output.value(object([
        ("checkpoint", Some(Json::text(checkpoint.to_string()))),
        ("policy", Some(policy.details())),
    ]));
    Ok(())
}

/// Logs what the script of a founding says is due: what its report says, `status` says too.
pub(super) fn of_script(escrow: &mut Escrow<'_>, due: Option<(u32, u32)>) -> Result<(), Failure> {
    if let Some((drill_days, card_days)) = due {
        let policy = log::Policy { drill_days, card_days, ..log::Policy::default() };
        escrow.record(Op::Policy, Phase::Done, &policy.details())?;
    }
    Ok(())
}

fn show(session: &Session, output: &mut Output) -> Result<(), Failure> {
    let escrow = session.open()?;
    let policy = escrow.state().policy();
    let entry = escrow.state().policy_entry();
    match entry {
        None => output.line("nobody has set a policy; these hold:"),
        Some(entry) => output.line(format!("set {} (record {})", entry.time, entry.seq)),
    }
    lines(&policy, output);
    // Its record leaves out what is as usual; who asks what holds wants to know all the same.
    output.value(object([
        ("drill-percent", Some(Json::Number(policy.drill_percent.into()))),
        ("leave-days", policy.leave_days.map(|days| Json::Number(days.into()))),
        ("policy", Some(policy.details())),
        ("seq", entry.map(|entry| Json::Number(entry.seq))),
        ("suspended-days", policy.suspended_days.map(|days| Json::Number(days.into()))),
        ("time", entry.map(|entry| Json::text(entry.time.to_string()))),
    ]));
    Ok(())
}

/// A number of days in words.
fn ended(days: u32) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

fn within(days: u32) -> String {
    format!("within {}", ended(days))
}

fn lines(policy: &log::Policy, output: &mut Output) {
    let plural = |days: u32| if days == 1 { "day".to_owned() } else { format!("{days} days") };
    let days =
        |days: Option<u32>| days.map_or_else(|| "never".to_owned(), |days| format!("every {}", plural(days)));
    output.line(format!("  a drill of all keys   every {}", plural(policy.drill_days)));
    output.line(format!(
        "  or of a sample        enough for 95 % confidence that less than {} % are bad",
        policy.drill_percent
    ));
    output.line(format!("  a check of each card  every {}", plural(policy.card_days)));
    let kinds = "730 days for symmetric keys, 1095 for private ones, never for opaque ones";
    for Rotation { name, kind, days: after } in &policy.rotation {
        let kind = kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
        output.line(format!("  rotation of {name}{kind}  {}", days(*after)));
    }
    output.line(format!("  rotation of others    {kinds}"));
    for rule in &policy.imports {
        output.line(format!("  import at {} again  every {}", rule.provider.name(), plural(rule.days)));
    }
    output.line(format!(
        "  import of a package   {}",
        policy.package_days.map_or_else(|| "whenever it is".to_owned(), within)
    ));
    output.line(format!("  something begun ends  within {}", ended(policy.open_days)));
    output.line(format!(
        "  closed in a token     {}",
        policy.leave_days.map_or_else(|| "whenever it is".to_owned(), within)
    ));
    output.line(format!(
        "  a suspension ends     {}",
        policy.suspended_days.map_or_else(|| "whenever it does".to_owned(), within)
    ));
    let spare =
        policy.spare_cards.map_or_else(|| "1, where there is one".to_owned(), |cards| cards.to_string());
    output.line(format!("  cards to spare        {spare}"));
    output.line(format!("  told beforehand       {}", ended(policy.warn_days)));
    if !policy.reports.is_empty() {
        let kinds: Vec<&str> = policy.reports.iter().map(|kind| kind.name()).collect();
        output.line(format!("  reports of            {}", kinds.join(", ")));
    }
    let mut rules = vec!["person"];
    rules.extend(policy.separation.iter().map(|rule| rule.name()));
    output.line(format!("  separate by           {}", rules.join(", ")));
    for CustodianFacts { name, persons, site, manager } in &policy.custodians {
        let mut facts = Vec::new();
        facts.extend(site.as_ref().map(|site| format!("at {site}")));
        facts.extend(manager.as_ref().map(|manager| format!("answers to {manager}")));
        if !persons.is_empty() {
            facts.push(format!("the card is within reach of {}", persons.join(", ")));
        }
        output.line(format!("  custodian {name}: {}", facts.join("; ")));
    }
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Self {
        Self::new(FAILED, error.to_string())
    }
}
