//! Tables in TOML that people write, read field by field, so that each refusal has its line.
//!
//! In: the bytes of a file of at most [`LONGEST`]; out: [`Table`]s, each of which gives the fields that its
//! reader knows, within their limits, and refuses what is left over, with the nearest name that there is.
//! What the fields mean, its readers know (`read.rs`, `../policy.rs`).

use super::ScriptError;
use core::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The longest file in bytes.
pub const LONGEST: usize = 64 * 1024;
/// The longest text of a field in bytes.
pub(in crate::ceremony) const LONGEST_TEXT: usize = 500;
/// The longest name or role in bytes: that of a quorum's record.
pub(in crate::ceremony) const LONGEST_NAME: usize = 100;
/// The most entries of an array of tables.
const MOST: usize = 255;

/// The text of a file.
pub(in crate::ceremony) fn text_of(bytes: &[u8]) -> Result<&str, ScriptError> {
    if bytes.len() > LONGEST {
        return Err(ScriptError::TooLong);
    }
    core::str::from_utf8(bytes).map_err(|_| ScriptError::Text)
}

/// The number of the line in which a span begins, from 1.
pub(in crate::ceremony) fn line(text: &str, span: Range<usize>) -> usize {
    let before = text.as_bytes().get(..span.start.min(text.len())).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1)
}

/// A table whose fields are taken one by one.
pub(in crate::ceremony) struct Table<'t> {
    text: &'t str,
    name: &'static str,
    span: Range<usize>,
    fields: &'t DeTable<'t>,
    known: Vec<&'static str>,
    last: Range<usize>,
}

impl<'t> Table<'t> {
    /// The fields of a whole file, for [`Self::of`].
    pub(in crate::ceremony) fn parse(text: &'t str) -> Result<Spanned<DeTable<'t>>, ScriptError> {
        DeTable::parse(text).map_err(|error| ScriptError::Syntax {
            line: line(text, error.span().unwrap_or_default()),
            message: error.message().lines().next().unwrap_or_default().to_owned(),
        })
    }

    /// The table that is the whole file.
    pub(in crate::ceremony) fn of(
        text: &'t str,
        name: &'static str,
        table: &'t Spanned<DeTable<'t>>,
    ) -> Self {
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
    pub(in crate::ceremony) fn refuse(&self, field: &'static str, why: String) -> ScriptError {
        let span = self.fields.get(field).map_or_else(|| self.last.clone(), Spanned::span);
        ScriptError::Value { line: line(self.text, span), field, why }
    }

    pub(in crate::ceremony) fn missing(&self, field: &'static str) -> ScriptError {
        ScriptError::Missing { line: line(self.text, self.span.clone()), table: self.name, field }
    }

    pub(in crate::ceremony) fn text(
        &mut self,
        field: &'static str,
        longest: usize,
    ) -> Result<Option<String>, ScriptError> {
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

    pub(in crate::ceremony) fn needed(
        &mut self,
        field: &'static str,
        longest: usize,
    ) -> Result<String, ScriptError> {
        self.text(field, longest)?.ok_or_else(|| self.missing(field))
    }

    pub(in crate::ceremony) fn number(
        &mut self,
        field: &'static str,
        allowed: Range<u32>,
    ) -> Result<Option<u32>, ScriptError> {
        self.whole(field, allowed, "")
    }

    /// A whole number; `or` is what may stand there instead.
    fn whole(
        &mut self,
        field: &'static str,
        allowed: Range<u32>,
        or: &str,
    ) -> Result<Option<u32>, ScriptError> {
        let Some(value) = self.take(field) else { return Ok(None) };
        let found = match value.get_ref() {
            DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        match found.filter(|found| allowed.contains(found)) {
            Some(found) => Ok(Some(found)),
            None => {
                let last = allowed.end.saturating_sub(1);
                Err(self.refuse(field, format!("write a whole number from {} to {last}{or}", allowed.start)))
            }
        }
    }

    /// A number, or `word` for none.
    pub(in crate::ceremony) fn interval(
        &mut self,
        field: &'static str,
        allowed: Range<u32>,
        word: &str,
    ) -> Result<Option<Option<u32>>, ScriptError> {
        match self.fields.get(field).map(Spanned::get_ref) {
            Some(DeValue::String(text)) if text == word => {
                self.known.push(field);
                Ok(Some(None))
            }
            _ => Ok(self.whole(field, allowed, &format!(", or {word:?}"))?.map(Some)),
        }
    }

    /// The texts of an array.
    pub(in crate::ceremony) fn texts(
        &mut self,
        field: &'static str,
        longest: usize,
    ) -> Result<Vec<String>, ScriptError> {
        let Some(value) = self.take(field) else { return Ok(Vec::new()) };
        let DeValue::Array(items) = value.get_ref() else {
            return Err(self.refuse(field, "write it as a list of texts in brackets".to_owned()));
        };
        let text = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
            DeValue::String(text)
                if !text.trim().is_empty()
                    && text.len() <= longest
                    && !text.chars().any(char::is_control) =>
            {
                Some(text.trim().to_owned())
            }
            _ => None,
        };
        let texts: Option<Vec<String>> = items.iter().map(text).collect();
        match texts {
            Some(texts) if texts.len() <= MOST => Ok(texts),
            _ => Err(self.refuse(
                field,
                format!("write at most {MOST} texts in quotes, each of 1 to {longest} bytes without control characters"),
            )),
        }
    }

    /// Different words of those that `parse` knows.
    pub(in crate::ceremony) fn words<T: PartialEq>(
        &mut self,
        field: &'static str,
        known: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, ScriptError> {
        let mut found = Vec::new();
        for word in self.texts(field, LONGEST_NAME)? {
            match parse(&word) {
                Some(value) if !found.contains(&value) => found.push(value),
                Some(_) => return Err(self.refuse(field, format!("{word:?} is there twice"))),
                None => return Err(self.refuse(field, format!("{word:?} is not known here: write {known}"))),
            }
        }
        Ok(found)
    }

    pub(in crate::ceremony) fn table(
        &mut self,
        field: &'static str,
        name: &'static str,
    ) -> Result<Option<Self>, ScriptError> {
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
    pub(in crate::ceremony) fn each<T>(
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
    pub(in crate::ceremony) fn finish(&self) -> Result<(), ScriptError> {
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
