//! The log for other programs: OCSF JSON lines, syslog lines of RFC 5424, a table of key versions.
//!
//! In: a record and whether it counts, or the state. Out: a line. What is exported is derived and says
//! less than the log: nothing reads it back, and only the log itself is evidence. Every value is
//! escaped by the rules of its format, since names may come from whoever can write an escrow.

use super::operator::Unauthorised;
use super::record::{Op, Phase, Record};
use super::state::{KeyVersion, State};
use crate::primitive::hash::sha256;
use crate::wire::json::{Json, object};
use crate::wire::text;

/// The version of the Open Cybersecurity Schema Framework that [`ocsf`] follows.
const OCSF: &str = "1.3.0";
/// OCSF's class API Activity, of the category Application Activity (6).
const CLASS: u64 = 6003;
/// Syslog's facility "log audit" (13) times 8.
const AUDIT: u64 = 13 * 8;
/// The enterprise number that RFC 5612 keeps for documentation: this program has none of its own.
const ENTERPRISE: &str = "quorate@32473";

/// OCSF's activity: 1 create, 2 read, 3 update, 4 delete, 99 other.
fn activity(record: &Record) -> (u64, &'static str) {
    let change = |name: &str| match &record.entry.details {
        Json::Object(fields) => fields
            .iter()
            .any(|(field, value)| field == "change" && matches!(value, Json::Text(text) if text == name)),
        _ => false,
    };
    match record.entry.op {
        Op::Operator if change("revoke") => (4, "Delete"),
        Op::Shred => (4, "Delete"),
        Op::Operator if change("replace") => (3, "Update"),
        Op::Destroy => (4, "Delete"),
        Op::Close | Op::Policy | Op::State | Op::Card | Op::Retire => (3, "Update"),
        Op::Found | Op::Generate | Op::Add | Op::Operator | Op::Package | Op::Import | Op::Report => {
            (1, "Create")
        }
        Op::Recover | Op::Salvage | Op::Check | Op::Drill => (2, "Read"),
    }
}

/// A record as one OCSF event (class 6003, API Activity), in JSON with a line end.
#[must_use]
pub fn ocsf(record: &Record, void: Option<&Unauthorised>) -> Vec<u8> {
    let text = |value: &str| Some(Json::text(value.to_owned()));
    let entry = &record.entry;
    let (activity, activity_name) = activity(record);
    let failed = void.is_some() || matches!(entry.phase, Phase::Failed | Phase::Abandoned);
    let (status, status_name) = match entry.phase {
        _ if failed => (2, "Failure"),
        Phase::Done => (1, "Success"),
        _ => (99, "Other"),
    };
    let (severity, severity_name) = match (void, failed) {
        (Some(_), _) => (4, "High"),
        (None, true) => (2, "Low"),
        (None, false) => (1, "Informational"),
    };
    let user = object([
        ("name", text(&entry.actor)),
        ("uid", record.signed_by.as_ref().map(|signed| Json::text(signed.key.to_string()))),
    ]);
    let product = object([
        ("name", text("quorate")),
        ("vendor_name", text("quorate")),
        ("version", text(env!("CARGO_PKG_VERSION"))),
    ]);
    let metadata = object([
        ("product", Some(product)),
        ("sequence", Some(Json::Number(record.seq))),
        ("uid", Some(Json::text(text::hex(&sha256(&[&record.line()]))))),
        ("version", text(OCSF)),
    ]);
    let mut line = object([
        ("activity_id", Some(Json::Number(activity))),
        ("activity_name", text(activity_name)),
        ("actor", Some(object([("user", Some(user))]))),
        ("api", Some(object([("operation", Some(Json::text(format!("{}.{}", entry.op, entry.phase))))]))),
        ("category_name", text("Application Activity")),
        ("category_uid", Some(Json::Number(6))),
        ("class_name", text("API Activity")),
        ("class_uid", Some(Json::Number(CLASS))),
        ("message", void.map(|why| Json::text(why.to_string()))),
        ("metadata", Some(metadata)),
        ("severity", text(severity_name)),
        ("severity_id", Some(Json::Number(severity))),
        ("src_endpoint", Some(object([("svc_name", text("quorate"))]))),
        ("status", text(status_name)),
        ("status_id", Some(Json::Number(status))),
        ("time", Some(Json::Number(record.time.unix().saturating_mul(1000)))),
        ("type_uid", Some(Json::Number(CLASS.saturating_mul(100).saturating_add(activity)))),
        ("unmapped", Some(entry.details.clone())),
    ])
    .bytes();
    line.push(b'\n');
    line
}

/// A record as one syslog line (RFC 5424), with a line end.
#[must_use]
pub fn rfc5424(record: &Record, void: Option<&Unauthorised>) -> String {
    let entry = &record.entry;
    // 4 warning, 5 notice, 6 informational.
    let severity: u64 = match (void, entry.phase) {
        (Some(_), _) => 4,
        (None, Phase::Failed | Phase::Abandoned) => 5,
        (None, _) => 6,
    };
    let mut data = format!("[{ENTERPRISE}");
    let mut put = |name: &str, value: &str| {
        data.push_str(&format!(" {name}=\""));
        for c in value.chars() {
            if matches!(c, '"' | '\\' | ']') {
                data.push('\\');
            }
            data.push(c);
        }
        data.push('"');
    };
    put("seq", &record.seq.to_string());
    put("actor", &entry.actor);
    put("op", entry.op.name());
    put("phase", entry.phase.name());
    if let Some(signed) = &record.signed_by {
        put("operator", &signed.key.to_string());
    }
    if let Some(why) = void {
        put("void", &why.to_string());
    }
    data.push(']');
    let details = String::from_utf8(entry.details.bytes()).unwrap_or_default();
    let priority = AUDIT.saturating_add(severity);
    format!("<{priority}>1 {} - quorate - {}.{} {data} {details}\n", record.time, entry.op, entry.phase)
}

/// The columns of [`inventory`].
const COLUMNS: [&str; 14] = [
    "name",
    "version",
    "kind",
    "key_id",
    "created",
    "backed_up",
    "how",
    "record",
    "quorum",
    "fingerprint",
    "backup_sha256",
    "spki_sha256",
    "recovered",
    "state",
];

/// The key versions that are backed up, a line each behind one of names (CSV, RFC 4180).
pub fn inventory(state: &State) -> impl Iterator<Item = String> + '_ {
    let versions = state.keys().values().flat_map(|key| key.versions.values());
    core::iter::once(csv(&COLUMNS.map(str::to_owned))).chain(versions.map(version))
}

fn version(version: &KeyVersion) -> String {
    let (backed, deposit) = (&version.backed, &version.backed.deposit);
    csv(&[
        deposit.name.to_string(),
        deposit.version.to_string(),
        backed.kind.to_string(),
        deposit.key.to_string(),
        backed.created.to_string(),
        version.time.to_string(),
        version.op.to_string(),
        version.seq.to_string(),
        deposit.quorum.to_string(),
        backed.fingerprint.to_string(),
        text::hex(&backed.backup),
        backed.spki.map_or_else(String::new, |spki| text::hex(&spki)),
        version.recovered.map_or_else(String::new, |time| time.to_string()),
        version.state.to_string(),
    ])
}

fn csv(cells: &[String]) -> String {
    let cell = |cell: &String| {
        if cell.contains(['"', ',', '\r', '\n']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.clone()
        }
    };
    cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n"
}
