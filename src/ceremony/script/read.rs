//! The reader of scripts: TOML by the crate `toml`, every table by hand, so that each refusal has its line.
//!
//! In: the bytes of a file of at most [`LONGEST`]; out: a [`Script`]. Each table takes the fields that it
//! knows and refuses what is left over.

use super::{Custodian, Destination, Key, Policy, Script, ScriptError, Witness};
use crate::key::KeyKind;
use core::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The longest script in bytes.
pub const LONGEST: usize = 64 * 1024;
/// The longest text of a field in bytes.
const LONGEST_TEXT: usize = 500;
/// The longest name or role in bytes: that of a quorum's record.
const LONGEST_NAME: usize = 100;
/// The most entries of an array of tables.
const MOST: usize = 255;

pub(super) fn read(bytes: &[u8]) -> Result<Script, ScriptError> {
    if bytes.len() > LONGEST {
        return Err(ScriptError::TooLong);
    }
    let text = core::str::from_utf8(bytes).map_err(|_| ScriptError::Text)?;
    let parsed = DeTable::parse(text).map_err(|error| ScriptError::Syntax {
        line: line(text, error.span().unwrap_or_default()),
        message: error.message().lines().next().unwrap_or_default().to_owned(),
    })?;
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

/// The number of the line in which a span begins, from 1.
fn line(text: &str, span: Range<usize>) -> usize {
    let before = text.as_bytes().get(..span.start.min(text.len())).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1)
}

/// A table whose fields are taken one by one.
struct Table<'t> {
    text: &'t str,
    name: &'static str,
    span: Range<usize>,
    fields: &'t DeTable<'t>,
    known: Vec<&'static str>,
    last: Range<usize>,
}

impl<'t> Table<'t> {
    fn of(text: &'t str, name: &'static str, table: &'t Spanned<DeTable<'t>>) -> Self {
        let span = table.span();
        Self { text, name, last: span.clone(), span, fields: table.get_ref(), known: Vec::new() }
    }

    fn take(&mut self, field: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.known.push(field);
        let value = self.fields.get(field);
        if let Some(value) = value {
            self.last = value.span();
        }
        value
    }

    /// What is wrong with the value that was taken last.
    fn refuse(&self, field: &'static str, why: String) -> ScriptError {
        let span = self.fields.get(field).map_or_else(|| self.last.clone(), Spanned::span);
        ScriptError::Value { line: line(self.text, span), field, why }
    }

    fn missing(&self, field: &'static str) -> ScriptError {
        ScriptError::Missing { line: line(self.text, self.span.clone()), table: self.name, field }
    }

    fn text(&mut self, field: &'static str, longest: usize) -> Result<Option<String>, ScriptError> {
        let Some(value) = self.take(field) else { return Ok(None) };
        let DeValue::String(text) = value.get_ref() else {
            return Err(self.refuse(field, "write it as a text in quotes".to_owned()));
        };
        let why = match text {
            text if text.trim().is_empty() => "it is empty".to_owned(),
            text if text.len() > longest => format!("it is longer than {longest} bytes"),
            text if text.chars().any(char::is_control) => {
                "it holds a control character or a line end".to_owned()
            }
            text => return Ok(Some(text.trim().to_owned())),
        };
        Err(self.refuse(field, why))
    }

    fn needed(&mut self, field: &'static str, longest: usize) -> Result<String, ScriptError> {
        self.text(field, longest)?.ok_or_else(|| self.missing(field))
    }

    fn number(&mut self, field: &'static str, allowed: Range<u32>) -> Result<Option<u32>, ScriptError> {
        let Some(value) = self.take(field) else { return Ok(None) };
        let found = match value.get_ref() {
            DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        match found.filter(|found| allowed.contains(found)) {
            Some(found) => Ok(Some(found)),
            None => {
                let last = allowed.end.saturating_sub(1);
                Err(self.refuse(field, format!("write a whole number from {} to {last}", allowed.start)))
            }
        }
    }

    fn table(&mut self, field: &'static str, name: &'static str) -> Result<Option<Self>, ScriptError> {
        let Some(value) = self.take(field) else { return Ok(None) };
        match value.get_ref() {
            DeValue::Table(fields) => {
                let span = value.span();
                Ok(Some(Self { text: self.text, name, last: span.clone(), span, fields, known: Vec::new() }))
            }
            _ => Err(self.refuse(field, format!("write it as a table, {name}"))),
        }
    }

    /// What `one` makes of each table of an array of tables.
    fn each<T>(
        &mut self,
        field: &'static str,
        name: &'static str,
        one: impl Fn(&mut Self) -> Result<T, ScriptError>,
    ) -> Result<Vec<T>, ScriptError> {
        let Some(value) = self.take(field) else { return Ok(Vec::new()) };
        let DeValue::Array(items) = value.get_ref() else {
            return Err(self.refuse(field, format!("write each as a table of its own, {name}")));
        };
        let mut all = Vec::new();
        for item in items.iter() {
            let DeValue::Table(fields) = item.get_ref() else {
                return Err(self.refuse(field, format!("write each as a table of its own, {name}")));
            };
            let span = item.span();
            let mut table =
                Self { text: self.text, name, last: span.clone(), span, fields, known: Vec::new() };
            all.push(one(&mut table)?);
            table.finish()?;
            if all.len() > MOST {
                return Err(self.refuse(field, format!("there are more than {MOST}")));
            }
        }
        Ok(all)
    }

    /// Refuses the first field that was not asked for.
    fn finish(&self) -> Result<(), ScriptError> {
        let mut left: Vec<_> = self
            .fields
            .iter()
            .filter(|(name, _)| !self.known.iter().any(|known| **known == **name.get_ref()))
            .collect();
        left.sort_by_key(|(name, _)| name.span().start);
        match left.first() {
            None => Ok(()),
            Some((name, _)) => Err(ScriptError::Unknown {
                line: line(self.text, name.span()),
                table: self.name,
                field: name.get_ref().chars().take(40).collect(),
                nearest: nearest(name.get_ref(), &self.known),
            }),
        }
    }
}

/// The known name that is the fewest letters away, when that is less than half of it.
fn nearest(found: &str, known: &[&'static str]) -> Option<&'static str> {
    let found: Vec<char> = found.to_lowercase().chars().take(40).collect();
    let far = known.iter().map(|name| (distance(&found, &name.chars().collect::<Vec<_>>()), *name));
    far.min().filter(|(far, name)| far.saturating_mul(2) <= name.len()).map(|(_, name)| name)
}

/// How many letters must be changed, left out or put in (Levenshtein).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (place, left) in (1_usize..).zip(a) {
        let mut next = vec![place];
        for ((right, across), above) in b.iter().zip(row.iter()).zip(row.iter().skip(1)) {
            let before = next.last().copied().unwrap_or_default();
            let changed = across.saturating_add(usize::from(left != right));
            next.push(changed.min(above.saturating_add(1)).min(before.saturating_add(1)));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
