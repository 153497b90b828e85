//! The details of a `policy` record: what is due when, how many cards are to spare, and who may not hold
//! how many of them.
//!
//! A policy is whole: the newest record replaces what was before, and what it doesn't say is never taken
//! from an older one. Where no record is, [`Policy::default`] holds. What a policy asks for is judged by
//! `ceremony::watch`; whether it can be kept at all, by `ceremony::policy`, before it is written.

use super::report::ReportOf;
use super::{Fields, Json, JsonError, Label, State, StateError, Timestamp, object};
use crate::key::KeyKind;
use crate::provider::Provider;
use core::num::NonZeroU32;
use std::str::FromStr as _;

/// The longest interval in days: ten years.
pub const LONGEST_DAYS: u32 = 3653;
/// The most rules, and the most custodians, that a policy names.
pub const MOST: usize = 255;
/// The longest name of a custodian, a person, a site or a manager, in bytes.
const LONGEST_NAME: usize = 100;

/// What is asked of an escrow and of its people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Days from one drill to the next.
    pub drill_days: u32,
    /// Days from one check of a card to the next.
    pub card_days: u32,
    /// How many days before something is overdue it is told.
    pub warn_days: u32,
    /// How many days something begun may stay open.
    pub open_days: u32,
    /// Days from a package to the import of it; none: packages may lie.
    pub package_days: Option<u32>,
    /// Days from the backup of a key of a token until it can't leave that any more; none: it may.
    pub leave_days: Option<u32>,
    /// How many days a version may be suspended; none: for ever.
    pub suspended_days: Option<u32>,
    /// A drill counts that shows, at 95 %, that less than so many per cent of all versions are bad: 1 to 100.
    pub drill_percent: u8,
    /// How many cards are to spare beyond those that a recovery takes; none: one, where there is one.
    pub spare_cards: Option<u8>,
    /// Whose ceremonies end with a report.
    pub reports: Vec<ReportOf>,
    /// How long key versions are in use; the first rule that fits counts.
    pub rotation: Vec<Rotation>,
    /// How long providers keep what was imported.
    pub imports: Vec<ImportRule>,
    /// What may not be the same for too many custodians.
    pub separation: Vec<Separation>,
    /// What is known of custodians.
    pub custodians: Vec<CustodianFacts>,
}

/// How long versions of some keys are in use before the next one is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// Which keys: a name, in which `*` stands for any letters.
    pub name: String,
    /// Of which kind; none: of every kind.
    pub kind: Option<KeyKind>,
    /// For how many days; none: for ever.
    pub days: Option<u32>,
}

/// How long a provider keeps what was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportRule {
    /// Which provider.
    pub provider: Provider,
    /// For how many days.
    pub days: u32,
}

/// What may not be the same for too many custodians.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Separation {
    /// Their manager: no one of them may have M custodians.
    Manager,
    /// Their site: none may have M cards, nor so many that a fire leaves fewer than M.
    Site,
}

/// What is known of a custodian, beside their name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustodianFacts {
    /// Their name, as the quorum's record has it.
    pub name: String,
    /// Who they are, when one person is several custodians; and those who stand in for them.
    pub persons: Vec<String>,
    /// Where their card is.
    pub site: Option<String>,
    /// To whom they answer.
    pub manager: Option<String>,
}

/// A policy in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyEntry {
    /// What it says.
    pub policy: Policy,
    /// When.
    pub time: Timestamp,
    /// The number of the log's record.
    pub seq: u64,
}

const SEPARATIONS: [(Separation, &str); 2] = [(Separation::Manager, "manager"), (Separation::Site, "site")];

impl Separation {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        SEPARATIONS.iter().find(|(known, _)| *known == self).map_or("", |(_, word)| *word)
    }

    /// What a word stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        SEPARATIONS.iter().find(|(_, known)| *known == word).map(|(value, _)| *value)
    }
}

impl Default for Policy {
    /// A drill a year, which DORA, NIS2 and ISO/IEC 27001 are read to ask for at least; each card checked
    /// every quarter; one card to spare. Keys by [`Self::rotation_of`].
    fn default() -> Self {
        Self {
            drill_days: Self::DRILL_DAYS,
            card_days: Self::CARD_DAYS,
            warn_days: 30,
            open_days: 1,
            package_days: Some(30),
            leave_days: Some(1),
            suspended_days: Some(90),
            drill_percent: 1,
            spare_cards: None,
            reports: Vec::new(),
            rotation: Vec::new(),
            imports: Vec::new(),
            separation: Vec::new(),
            custodians: Vec::new(),
        }
    }
}

impl Policy {
    /// Days from one drill to the next, when nobody says otherwise.
    pub const DRILL_DAYS: u32 = 365;
    /// Days from one check of a card to the next, when nobody says otherwise.
    pub const CARD_DAYS: u32 = 90;

    /// For how many days a version of a key is in use: by the first rule that fits; without one, 730 for a
    /// symmetric key and 1,095 for a private one, the longest originator-usage periods of signature and
    /// data-encryption keys in SP 800-57 Part 1 rev. 5, 5.3.6; an opaque one for ever.
    #[must_use]
    pub fn rotation_of(&self, name: &Label, kind: KeyKind) -> Option<u32> {
        let fits = |rule: &&Rotation| {
            rule.kind.is_none_or(|wanted| wanted == kind) && matches(&rule.name, name.as_str())
        };
        match self.rotation.iter().find(fits) {
            Some(rule) => rule.days,
            None if kind == KeyKind::Opaque => None,
            None if kind.is_asymmetric() => Some(1095),
            None => Some(730),
        }
    }

    /// For how many days a provider keeps what was imported, when the policy knows.
    #[must_use]
    pub fn import_of(&self, provider: Provider) -> Option<u32> {
        self.imports.iter().find(|rule| rule.provider == provider).map(|rule| rule.days)
    }

    /// How many cards are to be to spare, of a quorum that has `most` to spare when none is lost.
    #[must_use]
    pub fn spare_of(&self, most: u8) -> u8 {
        self.spare_cards.unwrap_or_else(|| most.min(1))
    }

    /// The details of the record.
    #[must_use]
    pub fn details(&self) -> Json<'static> {
        let number = |days: u32| Some(Json::Number(days.into()));
        let text = |text: &String| Json::text(text.clone());
        let rotation = |rule: &Rotation| {
            object([
                ("days", rule.days.map(|days| Json::Number(days.into()))),
                ("kind", rule.kind.map(|kind| Json::text(kind.name()))),
                ("name", Some(text(&rule.name))),
            ])
        };
        let import = |rule: &ImportRule| {
            object([("days", number(rule.days)), ("provider", Some(Json::text(rule.provider.name())))])
        };
        let custodian = |one: &CustodianFacts| {
            object([
                ("manager", one.manager.as_ref().map(text)),
                ("name", Some(text(&one.name))),
                ("persons", Some(Json::List(one.persons.iter().map(text).collect()))),
                ("site", one.site.as_ref().map(text)),
            ])
        };
        let words = |words: Vec<&'static str>| Some(Json::List(words.into_iter().map(Json::text).collect()));
        let default = Self::default();
        // What came later is written where it is not the default, so that a policy without it is what it was.
        let later = |days: Option<u32>, usual: Option<u32>| {
            (days != usual).then(|| Json::Number(days.unwrap_or_default().into()))
        };
        let percent = self.drill_percent;
        object([
            ("card-days", number(self.card_days)),
            ("custodians", Some(Json::List(self.custodians.iter().map(custodian).collect()))),
            ("drill-days", number(self.drill_days)),
            ("drill-percent", (percent != default.drill_percent).then(|| Json::Number(percent.into()))),
            ("imports", Some(Json::List(self.imports.iter().map(import).collect()))),
            ("leave-days", later(self.leave_days, default.leave_days)),
            ("open-days", number(self.open_days)),
            ("package-days", self.package_days.and_then(number)),
            ("reports", words(self.reports.iter().map(|kind| kind.name()).collect())),
            ("rotation", Some(Json::List(self.rotation.iter().map(rotation).collect()))),
            ("separation", words(self.separation.iter().map(|rule| rule.name()).collect())),
            ("spare-cards", self.spare_cards.map(|cards| Json::Number(cards.into()))),
            ("suspended-days", later(self.suspended_days, default.suspended_days)),
            ("warn-days", number(self.warn_days)),
        ])
    }

    fn read(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        let package_days = optional_days(&mut fields, "package-days")?;
        let default = Self::default();
        let leave_days = later_days(&mut fields, "leave-days", default.leave_days)?;
        let suspended_days = later_days(&mut fields, "suspended-days", default.suspended_days)?;
        let refused = fields.refuse("drill-percent");
        let drill_percent = match fields.optional("drill-percent") {
            None => default.drill_percent,
            Some(Json::Number(percent @ 2..=100)) => u8::try_from(percent).map_err(|_| refused)?,
            Some(_) => return Err(refused),
        };
        let refused = fields.refuse("spare-cards");
        let spare_cards = match fields.optional("spare-cards") {
            None => None,
            Some(Json::Number(cards)) => Some(u8::try_from(cards).map_err(|_| refused)?),
            Some(_) => return Err(refused),
        };
        let rotation = |mut one: Fields<'_>| {
            let kind = match one.optional_text("kind")? {
                None => None,
                Some(kind) => Some(kind.parse().map_err(|_| one.refuse("kind"))?),
            };
            let name = one.parsed("name", |text| is_pattern(text).then(|| text.to_owned()))?;
            let rule = Rotation { name, kind, days: optional_days(&mut one, "days")? };
            one.finish()?;
            Ok(rule)
        };
        let import = |mut one: Fields<'_>| {
            let provider = one.parsed("provider", |text| Provider::from_str(text).ok())?;
            let rule = ImportRule { provider, days: days(&mut one, "days")? };
            one.finish()?;
            Ok(rule)
        };
        let custodian = |mut one: Fields<'_>| {
            let person = |item: Json<'_>| match item {
                Json::Text(text) => name_of(&text),
                _ => None,
            };
            let persons = one.list("persons")?.into_iter().map(person).collect::<Option<_>>();
            let facts = CustodianFacts {
                name: one.parsed("name", name_of)?,
                persons: persons.ok_or_else(|| one.refuse("persons"))?,
                site: optional_name(&mut one, "site")?,
                manager: optional_name(&mut one, "manager")?,
            };
            one.finish()?;
            Ok(facts)
        };
        let policy = Self {
            drill_days: days(&mut fields, "drill-days")?,
            card_days: days(&mut fields, "card-days")?,
            warn_days: days(&mut fields, "warn-days")?,
            open_days: days(&mut fields, "open-days")?,
            package_days,
            leave_days,
            suspended_days,
            drill_percent,
            spare_cards,
            reports: words(&mut fields, "reports", ReportOf::parse)?,
            separation: words(&mut fields, "separation", Separation::parse)?,
            rotation: each(&mut fields, "rotation", rotation)?,
            imports: each(&mut fields, "imports", import)?,
            custodians: each(&mut fields, "custodians", custodian)?,
        };
        fields.finish()?;
        Ok(policy)
    }
}

impl State {
    /// The policy that holds.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.policy.as_ref().map(|entry| entry.policy.clone()).unwrap_or_default()
    }

    /// Its record, when somebody has set one.
    #[must_use]
    pub const fn policy_entry(&self) -> Option<&PolicyEntry> {
        self.policy.as_ref()
    }

    pub(super) fn set_policy(
        &mut self,
        fields: Fields<'_>,
        (time, seq): (Timestamp, u64),
    ) -> Result<(), StateError> {
        self.policy = Some(PolicyEntry { policy: Policy::read(fields)?, time, seq });
        Ok(())
    }
}

/// A name as a policy holds it.
fn name_of(text: &str) -> Option<String> {
    let plain = !text.trim().is_empty() && text.len() <= LONGEST_NAME && !text.chars().any(char::is_control);
    plain.then(|| text.to_owned())
}

fn optional_name(fields: &mut Fields<'_>, field: &'static str) -> Result<Option<String>, JsonError> {
    match fields.optional_text(field)? {
        None => Ok(None),
        Some(text) => name_of(&text).map(Some).ok_or_else(|| fields.refuse(field)),
    }
}

fn days(fields: &mut Fields<'_>, field: &'static str) -> Result<u32, JsonError> {
    let days = fields.number(field)?;
    if (1..=LONGEST_DAYS).contains(&days) { Ok(days) } else { Err(fields.refuse(field)) }
}

fn optional_days(fields: &mut Fields<'_>, field: &'static str) -> Result<Option<u32>, JsonError> {
    let refused = fields.refuse(field);
    match fields.optional(field) {
        None => Ok(None),
        Some(Json::Number(days)) => match u32::try_from(days) {
            Ok(days @ 1..=LONGEST_DAYS) => Ok(Some(days)),
            _ => Err(refused),
        },
        Some(_) => Err(refused),
    }
}

/// Days of a field that came later: as usual when it is missing, and only then; without end when it is 0.
fn later_days(
    fields: &mut Fields<'_>,
    field: &'static str,
    usual: Option<u32>,
) -> Result<Option<u32>, JsonError> {
    let refused = fields.refuse(field);
    match fields.optional(field) {
        None => Ok(usual),
        Some(Json::Number(days)) => match u32::try_from(days) {
            Ok(0) => Ok(None),
            Ok(days @ 1..=LONGEST_DAYS) if Some(days) != usual => Ok(Some(days)),
            _ => Err(refused),
        },
        Some(_) => Err(refused),
    }
}

/// Different words of a table.
fn words<T: PartialEq>(
    fields: &mut Fields<'_>,
    field: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, JsonError> {
    let mut found: Vec<T> = Vec::new();
    for item in fields.list(field)? {
        let value = match &item {
            Json::Text(text) => parse(text),
            _ => None,
        };
        match value {
            Some(value) if !found.contains(&value) => found.push(value),
            _ => return Err(fields.refuse(field)),
        }
    }
    Ok(found)
}

fn each<T>(
    fields: &mut Fields<'_>,
    field: &'static str,
    one: impl Fn(Fields<'_>) -> Result<T, JsonError>,
) -> Result<Vec<T>, JsonError> {
    let items = fields.list(field)?;
    if items.len() > MOST {
        return Err(fields.refuse(field));
    }
    items.into_iter().map(|item| one(Fields::of("a part of the policy", item)?)).collect()
}

/// Whether a text can name keys: letters that a label may have, and `*`.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '*');
    (1..=Label::LIMIT).contains(&text.len()) && text.chars().all(allowed)
}

/// Whether `text` is what `pattern` stands for, in which `*` is any letters, or none.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return left.is_empty() };
    // Each part at its first place leaves most for the next ones.
    for part in parts {
        match left.split_once(part) {
            Some((_, behind)) => left = behind,
            None => return false,
        }
    }
    left.ends_with(last)
}

/// The moment `days` after `time`; the last one that there is, when that is later.
#[must_use]
pub fn after(time: Timestamp, days: u32) -> Timestamp {
    let seconds = u64::from(days).saturating_mul(86_400).saturating_add(time.unix());
    Timestamp::from_unix(seconds).unwrap_or(Timestamp::LAST)
}

/// A name and a version, as details carry them.
pub(super) fn version_of(fields: &mut Fields<'_>) -> Result<(Label, NonZeroU32), JsonError> {
    let name = fields.parsed("name", |text| text.parse().ok())?;
    Ok((name, NonZeroU32::new(fields.number("version")?).ok_or_else(|| fields.refuse("version"))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_star_is_any_letters() {
        for (pattern, text, fits) in [
            ("*", "orders", true),
            ("orders", "orders", true),
            ("orders", "orders-db", false),
            ("orders*", "orders", true),
            ("*-db", "orders-db", true),
            ("*-db", "orders-dbs", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("o*e*s", "orders", true),
            ("o**s", "orders", true),
            ("o*x*s", "orders", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    proptest! {
        /// Against the plainest definition that there is.
        #[test]
        fn matching_is_what_it_says(pattern in "[ab*]{0,6}", text in "[ab]{0,8}") {
            fn slow(pattern: &[u8], text: &[u8]) -> bool {
                match (pattern.split_first(), text.split_first()) {
                    (None, None) => true,
                    (Some((b'*', rest)), None) => slow(rest, text),
                    (Some((b'*', rest)), Some((_, left))) => slow(rest, text) || slow(pattern, left),
                    (Some((one, rest)), Some((letter, left))) => one == letter && slow(rest, left),
                    _ => false,
                }
            }
            prop_assert_eq!(matches(&pattern, &text), slow(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
