//! `quorate report verify`: is this report signed by the quorum, and does the log know it?

use super::args::{Place, Report, ReportCommand};
use super::evidence::{about, is_pdf};
use super::failure::{DIFFERENCE, Failure};
use super::files::read_secret;
use super::output::Output;
use super::session::{Session, is_quorum};
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::report::{ReportError, Signed};
use quorate::primitive::hash::sha256;
use quorate::share::QuorumId;
use quorate::wire::json::{Json, object};
use quorate::wire::text::hex;
use std::path::Path;

/// The longest PDF of a report.
const LONGEST_PDF: usize = 1 << 25;

pub(crate) fn run(place: &Place, options: &Report, output: &mut Output) -> Result<(), Failure> {
    let ReportCommand::Verify { file } = &options.command;
    // The quorum that is named is compared with the report's, which a salvage has of its own.
    let session = Session::reading(&Place { quorum: None, ..place.clone() })?;
    let escrow = session.open()?;
    let bytes = read_secret(file, LONGEST_PDF)?;
    if is_pdf(file, bytes.expose()) {
        return paper(&escrow, place, file, bytes.expose(), output);
    }
    let signed = Signed::read(bytes.expose()).map_err(|error| wrong(file, &error))?;
    let id = signed.report().quorum;
    let record = match escrow.quorum_by_id(id) {
        Ok(record) => record,
        // Of another quorum: which this one is, is the thing to say.
        Err(_) => escrow.quorum()?,
    };
    signed.verify(&record).map_err(|error| wrong(file, &error))?;
    let seq = signed.is_in(&escrow).map_err(|error| wrong(file, &error))?;
    let whose = whose(&escrow, place, id)?;
    let report = signed.report();
    output.line(format!("report      {}", about(&signed)));
    output.line(format!("signature   is that of {whose}"));
    output.line(format!("log         record {seq} has its SHA-256, {}", hex(&signed.digest())));
    output.line(format!("checkpoints {} and {} are in the log", report.before, report.after));
    output.line(format!("keys        {}, of which {} failed", report.count, report.failures));
    for exception in &report.exceptions {
        output.line(format!("exception   {exception}"));
    }
    output.value(object([
        ("after", Some(Json::text(report.after.to_string()))),
        ("before", Some(Json::text(report.before.to_string()))),
        ("ceremony", Some(Json::text(report.kind.name()))),
        ("count", Some(Json::Number(report.count))),
        ("failures", Some(Json::Number(report.failures))),
        ("good", Some(Json::Bool(true))),
        ("quorum", Some(Json::text(id.to_string()))),
        ("seq", Some(Json::Number(seq))),
        ("sha256", Some(Json::text(hex(&signed.digest())))),
        ("time", Some(Json::text(report.time.to_string()))),
    ]));
    Ok(())
}

/// A PDF is what it is when the log has its SHA-256; what it says is the JSON's.
fn paper(
    escrow: &Escrow<'_>,
    place: &Place,
    file: &Path,
    bytes: &[u8],
    output: &mut Output,
) -> Result<(), Failure> {
    let digest = sha256(&[bytes]);
    let entry = escrow.state().reports().iter().find(|entry| entry.reported.paper == Some(digest));
    let entry = entry.ok_or_else(|| {
        Failure::new(
            DIFFERENCE,
            format!(
                "{}: no record of the log names this PDF: it was altered, or is of another escrow",
                file.display()
            ),
        )
        .hint("compare it with the JSON of the same report, and that with `quorate report verify`")
    })?;
    // Whoever can write the escrow can write such a record. One that the quorum did not sign is void and not
    // here, unless the quorum's own record is not to be had.
    escrow.quorum_by_id(entry.reported.quorum)?;
    let whose = whose(escrow, place, entry.reported.quorum)?;
    let reported = &entry.reported;
    output.line(format!(
        "report      {} of {} by quorum {}, as a PDF",
        reported.kind.name(),
        entry.time,
        reported.quorum
    ));
    output.line(format!("signature   of that record is that of {whose}"));
    output.line(format!("log         record {} has its SHA-256, {}", entry.seq, hex(&digest)));
    output.line(format!("            and that of its JSON, {}", hex(&reported.digest)));
    output.value(object([
        ("ceremony", Some(Json::text(reported.kind.name()))),
        ("good", Some(Json::Bool(true))),
        ("quorum", Some(Json::text(reported.quorum.to_string()))),
        ("report", Some(Json::text(hex(&reported.digest)))),
        ("seq", Some(Json::Number(entry.seq))),
        ("sha256", Some(Json::text(hex(&digest)))),
    ]));
    Ok(())
}

/// Whose signature it is, in words. One of another quorum (of a salvage: anybody can have one) is taken for
/// good only when that quorum was named.
fn whose(escrow: &Escrow<'_>, place: &Place, id: QuorumId) -> Result<String, Failure> {
    let own = escrow.state().quorum().map(|entry| entry.founded.quorum);
    let is_named = place.quorum.as_deref().map(|named| is_quorum(named, id));
    match (own == Some(id), is_named) {
        (true, None | Some(true)) => return Ok(format!("this escrow's quorum, {id}")),
        (false, Some(true)) => {
            return Ok(format!("quorum {id}, which you named; it is not this escrow's own"));
        }
        _ => {}
    }
    let message = match (is_named, own) {
        (Some(false), _) => format!("the report is of quorum {id}, and you named another one"),
        (_, Some(own)) => format!("the report is of quorum {id}, and this escrow's own is {own}"),
        (_, None) => {
            format!("the report is of quorum {id}, and this log has founded none: it holds a salvage")
        }
    };
    Err(Failure::new(DIFFERENCE, message).hint(format!(
        "whoever writes a log can have a quorum of their own in it: compare {id} with a card, and name it with --quorum {id}"
    )))
}

fn wrong(file: &Path, error: &ReportError) -> Failure {
    let hint = match error {
        ReportError::OtherQuorum { .. } => "name the escrow that the report is of with -C DIR",
        ReportError::Unsigned => "look for the signed file; the paper of it has its SHA-256",
        ReportError::NotInLog | ReportError::Checkpoint(_) => {
            "compare with another copy of the escrow, and keep this one as evidence"
        }
        _ => "look for another copy of the report, and keep this one as evidence",
    };
    Failure::new(DIFFERENCE, format!("{}: {error}", file.display())).hint(hint)
}
