//! The bytes of a report: canonical JSON, strict both ways.
//!
//! In: a [`Report`] and a signature; out: the bytes, and back. Each field is written and read here, in one
//! place. A text is 1 to [`LONGEST_TEXT`] bytes without a control character; a list has at most [`MOST`]
//! entries. What is signed is the domain and the canonical bytes without the signature.

use super::{Card, Due, Key, Kind, LONGEST, LONGEST_TEXT, MOST, Person, Report, ReportError, Step};
use crate::key::Fingerprint;
use crate::log::Checkpoint;
use crate::primitive::ed25519::SIGNATURE;
use crate::share::QuorumId;
use crate::wire::json::{Fields, Json, JsonError, object, read as read_json};
use crate::wire::text;
use crate::wire::time::Timestamp;
use core::num::NonZeroU32;

const ARTEFACT: &str = "the report";
const FORMAT: &str = "quorate/v1/report";
/// What is signed begins with this line.
const DOMAIN: &[u8] = b"quorate/v1/report\n";

/// Why a text can't stand in a report.
pub(super) fn refused(text: &str) -> Option<&'static str> {
    match text {
        _ if text.trim().is_empty() => Some("it is empty"),
        _ if text.len() > LONGEST_TEXT => Some("it is longer than 1,000 bytes"),
        _ if text.chars().any(char::is_control) => Some("it holds a control character"),
        _ => None,
    }
}

/// What the quorum signs.
pub(super) fn message(report: &Report) -> Vec<u8> {
    [DOMAIN, &value(report, None).bytes()].concat()
}

/// The file.
pub(super) fn bytes(report: &Report, signature: &[u8; SIGNATURE]) -> Vec<u8> {
    value(report, Some(signature)).bytes()
}

fn words(text: &str) -> Option<Json<'static>> {
    Some(Json::text(text.to_owned()))
}

fn number(value: impl Into<u64>) -> Option<Json<'static>> {
    Some(Json::Number(value.into()))
}

fn list<T>(items: &[T], one: impl FnMut(&T) -> Json<'static>) -> Option<Json<'static>> {
    Some(Json::List(items.iter().map(one).collect()))
}

fn value(report: &Report, signature: Option<&[u8; SIGNATURE]>) -> Json<'static> {
    let optional = |text: &Option<String>| text.as_deref().and_then(words);
    let time = |time: &Timestamp| words(&time.to_string());
    let card = |card: &Card| {
        object([
            ("custodian", words(&card.custodian)),
            ("envelope", optional(&card.envelope)),
            ("index", number(card.index)),
            ("verification", words(&card.verification)),
        ])
    };
    let step = |step: &Step| {
        object([
            ("milliseconds", number(step.milliseconds)),
            ("name", words(&step.name)),
            ("signed-off", optional(&step.signed_off)),
            ("time", time(&step.time)),
        ])
    };
    let key = |key: &Key| {
        object([
            ("fingerprint", words(&key.fingerprint.to_string())),
            ("name", words(key.name.as_str())),
            ("outcome", words(&key.outcome)),
            ("version", number(key.version.get())),
        ])
    };
    let person = |one: &Person| object([("name", words(&one.name)), ("role", words(&one.role))]);
    let due = |due: &Due| object([("name", words(&due.name)), ("time", time(&due.time))]);
    object([
        ("after", words(&report.after.to_string())),
        ("before", words(&report.before.to_string())),
        ("cards", list(&report.cards, card)),
        ("ceremony", words(report.kind.name())),
        ("count", number(report.count)),
        ("due", list(&report.due, due)),
        ("exceptions", list(&report.exceptions, |text| Json::text(text.clone()))),
        ("failures", number(report.failures)),
        ("format", words(FORMAT)),
        ("generation", number(report.generation)),
        ("keys", list(&report.keys, key)),
        ("organisation", optional(&report.organisation)),
        ("people", list(&report.people, person)),
        ("program", words(&report.program)),
        ("program-sha256", report.binary.and_then(|digest| words(&text::hex(&digest)))),
        ("purpose", optional(&report.purpose)),
        ("quorum", words(&report.quorum.text())),
        ("shares", number(report.scheme.1)),
        ("signature", signature.and_then(|signature| words(&text::base64(signature)))),
        ("steps", list(&report.steps, step)),
        ("threshold", number(report.scheme.0)),
        ("time", time(&report.time)),
    ])
}

/// Reads a report and its signature.
pub(super) fn read(bytes: &[u8]) -> Result<(Report, [u8; SIGNATURE]), ReportError> {
    if bytes.len() > LONGEST {
        return Err(ReportError::TooLong);
    }
    let mut fields = Fields::of(ARTEFACT, read_json(ARTEFACT, bytes)?)?;
    if fields.text("format")? != FORMAT {
        return Err(ReportError::Later);
    }
    let signature = match fields.optional_text("signature")? {
        None => return Err(ReportError::Unsigned),
        Some(text) => text::from_base64(&text).and_then(|bytes| bytes.try_into().ok()),
    };
    let signature = signature.ok_or_else(|| fields.refuse("signature"))?;
    Ok((body(fields)?, signature))
}

fn body(mut fields: Fields<'_>) -> Result<Report, JsonError> {
    let binary = match fields.optional_text("program-sha256")? {
        None => None,
        Some(text) => Some(text::array_from_hex(&text).ok_or_else(|| fields.refuse("program-sha256"))?),
    };
    let exception = |item: Json<'_>| match item {
        Json::Text(text) if refused(&text).is_none() => Some(text.into_owned()),
        _ => None,
    };
    let exceptions: Option<Vec<String>> =
        items(&mut fields, "exceptions")?.into_iter().map(exception).collect();
    let report = Report {
        kind: fields.parsed("ceremony", Kind::parse)?,
        quorum: fields.parsed("quorum", QuorumId::from_text)?,
        generation: fields.number("generation")?,
        scheme: (fields.number("threshold")?, fields.number("shares")?),
        organisation: optional(&mut fields, "organisation")?,
        purpose: optional(&mut fields, "purpose")?,
        time: time(&mut fields)?,
        program: said(&mut fields, "program")?,
        binary,
        people: each(&mut fields, "people", |one| {
            Ok(Person { name: said(one, "name")?, role: said(one, "role")? })
        })?,
        steps: each(&mut fields, "steps", |one| {
            Ok(Step {
                name: said(one, "name")?,
                time: time(one)?,
                milliseconds: one.number("milliseconds")?,
                signed_off: optional(one, "signed-off")?,
            })
        })?,
        cards: each(&mut fields, "cards", |one| {
            Ok(Card {
                index: one.number("index")?,
                custodian: said(one, "custodian")?,
                verification: said(one, "verification")?,
                envelope: optional(one, "envelope")?,
            })
        })?,
        keys: each(&mut fields, "keys", |one| {
            Ok(Key {
                name: one.parsed("name", |text| text.parse().ok())?,
                version: NonZeroU32::new(one.number("version")?).ok_or_else(|| one.refuse("version"))?,
                fingerprint: one.parsed("fingerprint", Fingerprint::parse)?,
                outcome: said(one, "outcome")?,
            })
        })?,
        count: fields.number("count")?,
        failures: fields.number("failures")?,
        exceptions: exceptions.ok_or_else(|| fields.refuse("exceptions"))?,
        before: checkpoint(&mut fields, "before")?,
        after: checkpoint(&mut fields, "after")?,
        due: each(&mut fields, "due", |one| Ok(Due { name: said(one, "name")?, time: time(one)? }))?,
    };
    fields.finish()?;
    Ok(report)
}

fn items<'a>(fields: &mut Fields<'a>, field: &'static str) -> Result<Vec<Json<'a>>, JsonError> {
    let items = fields.list(field)?;
    if items.len() > MOST { Err(fields.refuse(field)) } else { Ok(items) }
}

fn each<T>(
    fields: &mut Fields<'_>,
    field: &'static str,
    one: impl Fn(&mut Fields<'_>) -> Result<T, JsonError>,
) -> Result<Vec<T>, JsonError> {
    let mut all = Vec::new();
    for item in items(fields, field)? {
        let mut inside = Fields::of("an entry of the report", item)?;
        all.push(one(&mut inside)?);
        inside.finish()?;
    }
    Ok(all)
}

fn said(fields: &mut Fields<'_>, field: &'static str) -> Result<String, JsonError> {
    fields.parsed(field, |text| refused(text).is_none().then(|| text.to_owned()))
}

fn optional(fields: &mut Fields<'_>, field: &'static str) -> Result<Option<String>, JsonError> {
    match fields.optional_text(field)? {
        None => Ok(None),
        Some(text) if refused(&text).is_none() => Ok(Some(text.into_owned())),
        Some(_) => Err(fields.refuse(field)),
    }
}

fn time(fields: &mut Fields<'_>) -> Result<Timestamp, JsonError> {
    fields.parsed("time", |text| text.parse().ok())
}

/// In the printed spelling alone, so that a report has one.
fn checkpoint(fields: &mut Fields<'_>, field: &'static str) -> Result<Checkpoint, JsonError> {
    fields.parsed(field, |text| Checkpoint::parse(text).filter(|checkpoint| checkpoint.to_string() == text))
}
