//! `quorate log`: shows the records, or verifies them, who signed them, and everything that they name.
//! What it writes itself (acknowledging, setting the clock) is in `log/amend.rs`.

mod amend;

use super::args::{Log, LogCommand, Place};
use super::failure::{DIFFERENCE, FAILED, Failure};
use super::log_export;
use super::output::Output;
use super::session::Session;
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::inspect::{Finding, Inspection, check_heads, inspect};
use quorate::log::{self, Checkpoint, Op, Phase};
use quorate::store::StoreError;
use quorate::wire::json::{Json, object, read};
use quorate::wire::time::Timestamp;

pub(crate) fn run(place: &Place, options: &Log, output: &mut Output) -> Result<(), Failure> {
    let reading = || Session::reading(place);
    match &options.command {
        LogCommand::Show => show(&reading()?, output),
        LogCommand::Export(options) => log_export::run(&reading()?, options, output),
        LogCommand::AllowedSigners => log_export::allowed_signers(&reading()?, output),
        LogCommand::Verify { since } => verify(&reading()?, since.as_deref(), output),
        LogCommand::Abandon { seq } => abandon(&Session::of(place)?, *seq, output),
        LogCommand::Acknowledge { seq } => amend::acknowledge(&Session::of(place)?, *seq, output),
        LogCommand::SetClock => amend::set_clock(&Session::of(place)?, output),
    }
}

fn show(session: &Session, output: &mut Output) -> Result<(), Failure> {
    let escrow = session.open()?;
    let mut values = Vec::new();
    log::Log::walk_judged(escrow.store(), |record, void| {
        let entry = &record.entry;
        let details = String::from_utf8(entry.details.bytes()).unwrap_or_default();
        output.line(format!(
            "{:>6} {} {} {} {} {details}",
            record.seq, record.time, entry.actor, entry.op, entry.phase
        ));
        if let Some(why) = void {
            output.line(format!("       ^ does not count: {why}"));
        }
        values.extend(read("the record", record.line().trim_ascii_end()).map(|value| {
            let mut value = value.into_owned();
            if let (Json::Object(fields), Some(why)) = (&mut value, void) {
                fields.push(("void".into(), Json::text(why.to_string())));
            }
            value
        }));
    })?;
    output.value(Json::List(values));
    Ok(())
}

fn abandon(session: &Session, seq: u64, output: &mut Output) -> Result<(), Failure> {
    let mut escrow = session.open()?;
    let intent = escrow.state().open().get(&seq).ok_or_else(|| {
        Failure::new(FAILED, format!("record {seq} is nothing that is open"))
            .hint("`quorate status` shows what is")
    })?;
    let op = intent.op;
    let details = object([("intent", Some(Json::Number(seq)))]);
    let checkpoint = escrow.record(op, Phase::Abandoned, &details)?;
    output.line(format!("record {seq} ({op}) is abandoned; checkpoint {checkpoint}"));
    output.value(object([
        ("abandoned", Some(Json::Number(seq))),
        ("checkpoint", Some(Json::text(checkpoint.to_string()))),
    ]));
    Ok(())
}

fn verify(session: &Session, since: Option<&str>, output: &mut Output) -> Result<(), Failure> {
    let escrow = session.open()?;
    if let Some(text) = since {
        let checkpoint = Checkpoint::parse(text).ok_or_else(|| {
            Failure::usage("that is no checkpoint")
                .hint("copy it from a card or a report: a number, a colon, eight groups of four")
        })?;
        log::Log::holds(escrow.store(), &checkpoint)?.map_err(|error| {
            let failure = Failure::new(DIFFERENCE, error.to_string());
            if failure.hint.is_some() {
                return failure;
            }
            failure.hint("compare with another copy of the escrow, and keep this one as evidence")
        })?;
        output
            .line(format!("checkpoint  {checkpoint} is in this log: nothing before it was cut or rewritten"));
    }
    let seen = inspected(&escrow)?;
    let upto = escrow.log().signed_upto();
    let checkpoint = escrow.log().checkpoint();
    output.line(format!(
        "log         {} records in {} commits, unbroken",
        checkpoint.seq(),
        escrow.log().commits()
    ));
    output.line(format!(
        "objects     {} backups and {} quorum records are what the log says",
        seen.backups, seen.records
    ));
    if seen.destroyed > 0 {
        output.line(format!("destroyed   {} backups are gone, each by its certificate", seen.destroyed));
    }
    output.line(format!("operators   {}", signers(&escrow)));
    output.line(format!("quorum      {}", covered(upto, checkpoint.seq())));
    let mut findings: Vec<String> = seen.findings.iter().map(sentence).chain(void(&escrow)).collect();
    findings.extend(acknowledged(&escrow));
    findings.extend(ahead(&escrow));
    for finding in &findings {
        output.line(format!("found       {finding}"));
    }
    output.line(format!("checkpoint  {checkpoint}"));
    let serious = seen.findings.iter().any(Finding::is_serious) || escrow.log().unacknowledged() > 0;
    output.value(object([
        ("countersigned", upto.map(|(seq, ..)| Json::Number(seq))),
        ("void", Some(void_values(&escrow))),
        ("destroyed", Some(Json::Number(u64::try_from(seen.destroyed).unwrap_or_default()))),
        ("backups", Some(Json::Number(u64::try_from(seen.backups).unwrap_or_default()))),
        ("checkpoint", Some(Json::text(checkpoint.to_string()))),
        ("findings", Some(Json::List(findings.into_iter().map(Json::text).collect()))),
        ("good", Some(Json::Bool(!serious))),
        ("records", Some(Json::Number(checkpoint.seq()))),
    ]));
    if serious {
        output.finish()?;
        return Err(Failure::new(DIFFERENCE, "this escrow is not what its log says")
            .hint("compare with another copy of the escrow, and keep this one as evidence"));
    }
    Ok(())
}

/// Who signs, in words.
pub(super) fn signers(escrow: &Escrow<'_>) -> String {
    let active: Vec<String> = escrow
        .state()
        .operators()
        .active()
        .map(|(_, operator)| format!("{} ({})", operator.name, super::operator::words(&operator.roles)))
        .collect();
    if active.is_empty() { "none: records are not signed".to_owned() } else { active.join(", ") }
}

/// Up to where the quorum stands for the log, in words.
fn covered(upto: Option<(u64, Timestamp, Op)>, last: u64) -> String {
    match upto {
        None => "has signed no record yet".to_owned(),
        Some((seq, time, op)) => {
            let left = last.saturating_sub(seq);
            let rest = match left {
                0 => "which is the last one".to_owned(),
                1 => format!("record {last} is not covered until it meets again"),
                _ => format!(
                    "records {} to {last} are not covered until it meets again",
                    seq.saturating_add(1)
                ),
            };
            format!("signed the log up to record {seq} ({op}, {time}); {rest}")
        }
    }
}

/// The signatures of quorums that are not theirs, but for those of records that don't count and are named as such.
pub(super) fn heads(escrow: &Escrow<'_>) -> Vec<Finding> {
    let forged = escrow.log().forged();
    let is_void =
        |finding: &Finding| matches!(finding, Finding::HeadSignature { seq } if forged != Some(*seq));
    check_heads(escrow).into_iter().filter(|finding| !is_void(finding)).collect()
}

/// Everything in an escrow that its log doesn't account for.
pub(super) fn inspected(escrow: &Escrow<'_>) -> Result<Inspection, StoreError> {
    let mut seen = inspect(escrow)?;
    for finding in heads(escrow) {
        if !seen.findings.contains(&finding) {
            seen.findings.push(finding);
        }
    }
    Ok(seen)
}

/// How many records don't count that a founder has acknowledged, in words.
pub(super) fn acknowledged(escrow: &Escrow<'_>) -> Option<String> {
    let log = escrow.log();
    let known = log.voids().saturating_sub(log.unacknowledged());
    (known > 0)
        .then(|| format!("{known} records do not count and were acknowledged: `quorate log show` marks them"))
}

/// The records that don't count and that nobody has acknowledged, in words.
pub(super) fn void(escrow: &Escrow<'_>) -> Vec<String> {
    let log = escrow.log();
    let mut said: Vec<String> = log.void().iter().map(ToString::to_string).collect();
    let more = log.unacknowledged().saturating_sub(u64::try_from(said.len()).unwrap_or_default());
    if more > 0 {
        said.push(format!(
            "{more} more records do not count, the last of them record {}",
            log.last_void().unwrap_or_default()
        ));
    }
    said
}

/// The records that don't count, for programs.
fn void_values(escrow: &Escrow<'_>) -> Json<'static> {
    let value = |void: &log::Void| {
        object([
            ("actor", Some(Json::text(void.actor.clone()))),
            ("op", Some(Json::text(void.op.name()))),
            ("phase", Some(Json::text(void.phase.name()))),
            ("seq", Some(Json::Number(void.seq))),
            ("why", Some(Json::text(void.why.to_string()))),
        ])
    };
    Json::List(escrow.log().void().iter().map(value).collect())
}

/// Says when the last record is later than this machine's clock.
pub(super) fn ahead(escrow: &Escrow<'_>) -> Option<String> {
    let (last, now) = (escrow.log().last_time()?, escrow.now());
    // Two machines' clocks differ by a little.
    (last.since(now) > 300).then(|| {
        format!("the last record is of {last}, and this clock says {now}: a clock is or was wrong, or somebody wrote a record by hand")
    })
}

/// What was found, in words.
pub(super) fn sentence(finding: &Finding) -> String {
    match finding {
        Finding::Damaged(error) => error.to_string(),
        Finding::Undestroyed { name, version, certificate } => format!(
            "{name} was destroyed, says certificate {certificate}, and is still here: `quorate destroy backup {version}` removes it; was it copied back?"
        ),
        Finding::Orphan { name } => {
            format!(
                "{name} is named by no record: a command was interrupted, or the log was cut; it is never read"
            )
        }
        Finding::Temporary { name } => {
            format!("{name} was left by a program that was killed; it can be removed")
        }
        Finding::Foreign { name } => format!("{name} does not belong to an escrow"),
        Finding::HeadSignature { seq } => {
            format!("record {seq} carries a signature that is not its quorum's")
        }
        _ => "something that this program can't name".to_owned(),
    }
}
