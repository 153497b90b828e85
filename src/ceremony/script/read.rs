//! The reader of scripts: what stands in each table, and what only the whole can be judged by.
//!
//! In: the bytes of a file of at most [`LONGEST`](super::LONGEST); out: a [`Script`].

use super::table::{LONGEST_NAME, LONGEST_TEXT, Table, line, text_of};
use super::{Custodian, Destination, Key, Policy, Script, ScriptError, Witness};
use crate::key::KeyKind;

pub(super) fn read(bytes: &[u8]) -> Result<Script, ScriptError> {
    let text = text_of(bytes)?;
    let parsed = Table::parse(text)?;
    let mut top = Table::of(text, "the script", &parsed);
    let script = script(&mut top)?;
    top.finish()?;
    whole(text, script)
}

fn script(top: &mut Table<'_>) -> Result<Script, ScriptError> {
    let title = top.needed("title", LONGEST_NAME)?;
    let purpose = top.text("purpose", LONGEST_TEXT)?;
    let escrow = top.needed("escrow", LONGEST_TEXT)?;
    let mut quorum = top.table("quorum", "[quorum]")?.ok_or_else(|| top.missing("quorum"))?;
    let (organisation, contact) =
        (quorum.text("organisation", LONGEST_NAME)?, quorum.text("contact", LONGEST_NAME)?);
    let threshold = quorum.number("threshold", 2..256)?.ok_or_else(|| quorum.missing("threshold"))?;
    let memory = quorum.number("memory", 64..4097)?;
    if let Some(wrong) = memory.filter(|mib| !mib.is_power_of_two()) {
        return Err(quorum.refuse(
            "memory",
            format!("{wrong} MiB is no size that seals have: use 64, 128, 256, 512, 1024, 2048 or 4096"),
        ));
    }
    quorum.finish()?;
    let custodians = top.each("custodian", "[[custodian]]", |one| {
        Ok(Custodian {
            name: one.needed("name", LONGEST_NAME)?,
            role: one.text("role", LONGEST_NAME)?,
            deputy: one.text("deputy", LONGEST_NAME)?,
            seal: one.text("seal", 4096)?.unwrap_or_else(|| "passphrase".to_owned()),
            envelope: one.text("envelope", LONGEST_NAME)?,
        })
    })?;
    let keys = top.each("key", "[[key]]", |one| {
        let (name, kind) = (one.needed("name", LONGEST_NAME)?, one.needed("kind", LONGEST_NAME)?);
        Ok(Key {
            name: name.parse().map_err(|error| one.refuse("name", format!("{error}")))?,
            kind: match kind.parse().map_err(|error| one.refuse("kind", format!("{error}")))? {
                KeyKind::Opaque => {
                    let why = "an opaque secret has a length of its own: make it with `quorate generate`";
                    return Err(one.refuse("kind", why.to_owned()));
                }
                kind => kind,
            },
        })
    })?;
    let destinations = top.each("destination", "[[destination]]", |one| {
        Ok(Destination {
            name: one.needed("name", LONGEST_NAME)?,
            carrier: one.text("carrier", LONGEST_NAME)?,
        })
    })?;
    let witnesses = top.each("witness", "[[witness]]", |one| {
        Ok(Witness { name: one.needed("name", LONGEST_NAME)?, role: one.text("role", LONGEST_NAME)? })
    })?;
    let mut policy = Policy::DEFAULT;
    if let Some(mut table) = top.table("policy", "[policy]")? {
        policy.drill_days = table.number("drill-days", 1..3654)?.unwrap_or(policy.drill_days);
        policy.check_days = table.number("check-days", 1..3654)?.unwrap_or(policy.check_days);
        policy.is_said = true;
        table.finish()?;
    }
    let threshold = u8::try_from(threshold).unwrap_or(u8::MAX);
    Ok(Script {
        title,
        purpose,
        escrow,
        organisation,
        threshold,
        memory,
        contact,
        custodians,
        keys,
        destinations,
        witnesses,
        policy,
    })
}

/// What only the whole can be judged by.
fn whole(text: &str, script: Script) -> Result<Script, ScriptError> {
    let refuse = |table: &str, field, why: String| {
        let at = text.find(table).unwrap_or_default();
        Err(ScriptError::Value { line: line(text, at..at), field, why })
    };
    let count = script.custodians.len();
    if count < usize::from(script.threshold) {
        return refuse(
            "threshold",
            "threshold",
            format!("{} of {count} custodians can never meet: name more [[custodian]]", script.threshold),
        );
    }
    for (place, one) in script.custodians.iter().enumerate() {
        let twice = script
            .custodians
            .iter()
            .take(place)
            .any(|other| other.name.to_lowercase() == one.name.to_lowercase());
        if twice || one.name.contains('=') {
            let why = if twice { "is there twice" } else { "holds a =" };
            return refuse("[[custodian]]", "name", format!("the name {:?} {why}", one.name));
        }
        if one.deputy.as_ref() == Some(&one.name) {
            return refuse(
                "[[custodian]]",
                "deputy",
                format!("{:?} can't stand in for themselves", one.name),
            );
        }
    }
    for (place, one) in script.keys.iter().enumerate() {
        if script.keys.iter().take(place).any(|other| other.name == one.name) {
            return refuse("[[key]]", "name", format!("the key {} is there twice", one.name));
        }
    }
    Ok(script)
}
