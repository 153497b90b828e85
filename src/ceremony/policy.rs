//! A policy from a file that people write, and whether the escrow can keep it.
//!
//! In: a text in TOML (`docs/operator.md`, The policy), the state of a log and the quorum's record; out: a
//! [`Policy`] that is fit for the log. What nobody says stands as [`Policy::default`] has it. A policy that
//! could only be broken (more cards to spare than there are, a rule that the present custodians break) is
//! refused with what would mend it: a watch that always cries is one that nobody hears.

use super::script::ScriptError;
use super::script::table::{LONGEST_NAME, Table, text_of};
use crate::log::policy::{CustodianFacts, ImportRule, LONGEST_DAYS, Rotation, Separation, is_pattern};
use crate::log::{CardHistory, Policy, ReportOf, State};
use crate::provider::Provider;
use crate::quorum::QuorumRecord;
use core::ops::Range;
use std::collections::BTreeMap;
use std::str::FromStr as _;

/// The longest details of a policy in bytes: they stand in one line of the log.
const LONGEST: usize = 48 * 1024;
/// The word for an interval that never ends.
const NEVER: &str = "never";
const DAYS: Range<u32> = 1..LONGEST_DAYS + 1;

/// Why a policy can't be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// More cards to spare than the quorum has.
    #[error(
        "it asks for {asked} cards to spare, and a quorum of {threshold} of {count} has {most} when none is lost: set spare-cards to at most {most}, or found a quorum with more custodians"
    )]
    Spare {
        /// What it asks for.
        asked: u8,
        /// M.
        threshold: u8,
        /// N.
        count: u8,
        /// N − M.
        most: u8,
    },
    /// A name that is no custodian's.
    #[error("{name} is no custodian of this quorum: use the names that `quorate status` shows")]
    Stranger {
        /// The name.
        name: String,
    },
    /// Two rules for the same.
    #[error("there are two rules [[{table}]] for {name}: write one of them")]
    Rule {
        /// The table.
        table: &'static str,
        /// What both are for.
        name: String,
    },
    /// A name that looks like another one.
    #[error("{name:?} begins or ends with a space: write it without")]
    Space {
        /// The name.
        name: String,
    },
    /// A custodian who is there twice.
    #[error("the custodian {name} is there twice: write one [[custodian]] for each")]
    Twice {
        /// The name.
        name: String,
    },
    /// A rule about something that isn't known of everybody.
    #[error(
        "the {rule} of {name} isn't said, and {rule}s are to be separate: write it in [[custodian]], or take {rule:?} out of separation"
    )]
    Unknown {
        /// The rule.
        rule: &'static str,
        /// The custodian.
        name: String,
    },
    /// A rule that the present custodians break.
    #[error("{0}: give cards to others, or take the rule out")]
    Broken(Together),
    /// Longer than a record of the log can be.
    #[error("it is longer than the {LONGEST} bytes that the log takes: name fewer rules and custodians")]
    TooLong,
}

/// Too many cards in one hand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Together {
    /// One person, or those who stand in for somebody, reach enough cards for a recovery.
    #[error("{person} has the cards of {} and could recover every key alone", .custodians.join(", "))]
    Person {
        /// Who.
        person: String,
        /// Whose cards.
        custodians: Vec<String>,
    },
    /// One manager has enough custodians for a recovery.
    #[error("{} answer to {manager}, who could have every key recovered", .custodians.join(", "))]
    Manager {
        /// Who.
        manager: String,
        /// Their custodians.
        custodians: Vec<String>,
    },
    /// One site has enough cards for a recovery.
    #[error("the cards of {} are at {site}, which is enough to recover every key", .custodians.join(", "))]
    Site {
        /// Where.
        site: String,
        /// Whose cards.
        custodians: Vec<String>,
    },
    /// Without one site there are too few cards.
    #[error("the cards of {} are at {site}: without that site no key could be recovered", .custodians.join(", "))]
    Fire {
        /// Where.
        site: String,
        /// Whose cards.
        custodians: Vec<String>,
    },
}

/// Reads a policy.
///
/// # Errors
/// [`ScriptError`], which names the line.
pub fn read(bytes: &[u8]) -> Result<Policy, ScriptError> {
    let text = text_of(bytes)?;
    let parsed = Table::parse(text)?;
    let mut top = Table::of(text, "the policy", &parsed);
    let default = Policy::default();
    let policy = Policy {
        drill_days: top.number("drill-days", DAYS)?.unwrap_or(default.drill_days),
        card_days: top.number("card-days", DAYS)?.unwrap_or(default.card_days),
        warn_days: top.number("warn-days", DAYS)?.unwrap_or(default.warn_days),
        open_days: top.number("open-days", DAYS)?.unwrap_or(default.open_days),
        package_days: top.interval("package-days", DAYS, NEVER)?.unwrap_or(default.package_days),
        leave_days: top.interval("leave-days", DAYS, NEVER)?.unwrap_or(default.leave_days),
        suspended_days: top.interval("suspended-days", DAYS, NEVER)?.unwrap_or(default.suspended_days),
        drill_percent: top
            .number("drill-percent", 1..101)?
            .and_then(|percent| u8::try_from(percent).ok())
            .unwrap_or(default.drill_percent),
        spare_cards: top.number("spare-cards", 0..255)?.and_then(|cards| u8::try_from(cards).ok()),
        reports: top.words("reports", "found, recover or drill", |word| {
            ReportOf::parse(word).filter(|kind| *kind != ReportOf::Salvage)
        })?,
        separation: top.words("separation", "manager or site", Separation::parse)?,
        rotation: top.each("rotation", "[[rotation]]", rotation)?,
        imports: top.each("import", "[[import]]", |one| {
            let provider = one.needed("provider", LONGEST_NAME)?;
            let provider =
                Provider::from_str(&provider).map_err(|error| one.refuse("provider", error.to_string()))?;
            Ok(ImportRule { provider, days: one.number("days", DAYS)?.ok_or_else(|| one.missing("days"))? })
        })?,
        custodians: top.each("custodian", "[[custodian]]", |one| {
            Ok(CustodianFacts {
                name: one.needed("name", LONGEST_NAME)?,
                persons: one.texts("persons", LONGEST_NAME)?,
                site: one.text("site", LONGEST_NAME)?,
                manager: one.text("manager", LONGEST_NAME)?,
            })
        })?,
    };
    top.finish()?;
    Ok(policy)
}

fn rotation(one: &mut Table<'_>) -> Result<Rotation, ScriptError> {
    let name = one.text("name", LONGEST_NAME)?.unwrap_or_else(|| "*".to_owned());
    if !is_pattern(&name) {
        let why = "a key's name is letters, digits and . _ -, and * for any of them";
        return Err(one.refuse("name", why.to_owned()));
    }
    let kind = match one.text("kind", LONGEST_NAME)? {
        None => None,
        Some(kind) => Some(kind.parse().map_err(|error| one.refuse("kind", format!("{error}")))?),
    };
    let days = one.interval("days", DAYS, NEVER)?.ok_or_else(|| one.missing("days"))?;
    Ok(Rotation { name, kind, days })
}

/// Whether the escrow and its custodians can keep a policy.
///
/// # Errors
/// [`PolicyError`], with what would mend it.
pub fn fits(policy: &Policy, record: &QuorumRecord, state: &State) -> Result<(), PolicyError> {
    let (threshold, count) = (record.scheme().threshold(), record.scheme().count());
    let most = count.saturating_sub(threshold);
    if let Some(asked) = policy.spare_cards.filter(|asked| *asked > most) {
        return Err(PolicyError::Spare { asked, threshold, count, most });
    }
    let names: Vec<&str> = record.terms().custodians.iter().map(|one| one.name.as_str()).collect();
    for (place, one) in policy.custodians.iter().enumerate() {
        let name = one.name.clone();
        if !names.contains(&name.as_str()) {
            return Err(PolicyError::Stranger { name });
        }
        if policy.custodians.iter().take(place).any(|other| other.name == name) {
            return Err(PolicyError::Twice { name });
        }
        let mut said = one.persons.iter().chain(&one.site).chain(&one.manager);
        if let Some(said) = said.find(|said| said.trim() != said.as_str()) {
            return Err(PolicyError::Space { name: said.clone() });
        }
    }
    for (place, rule) in policy.rotation.iter().enumerate() {
        let is_it = |other: &Rotation| (&other.name, &other.kind) == (&rule.name, &rule.kind);
        if policy.rotation.iter().take(place).any(is_it) {
            return Err(PolicyError::Rule { table: "rotation", name: rule.name.clone() });
        }
    }
    for (place, rule) in policy.imports.iter().enumerate() {
        if policy.imports.iter().take(place).any(|other| other.provider == rule.provider) {
            return Err(PolicyError::Rule { table: "import", name: rule.provider.name().to_owned() });
        }
    }
    for rule in &policy.separation {
        let said = |name: &&str| {
            policy.custodians.iter().find(|one| one.name == **name).is_some_and(|one| match rule {
                Separation::Manager => one.manager.is_some(),
                Separation::Site => one.site.is_some(),
            })
        };
        if let Some(name) = names.iter().find(|name| !said(name)) {
            return Err(PolicyError::Unknown { rule: rule.name(), name: (*name).to_owned() });
        }
    }
    if let Some(broken) = together(policy, record, state) {
        return Err(PolicyError::Broken(broken));
    }
    if policy.details().bytes().len() > LONGEST { Err(PolicyError::TooLong) } else { Ok(()) }
}

/// Custodians by what they have in common: as it is compared, as it was first written, whose.
type Groups = BTreeMap<String, (String, Vec<String>)>;

/// How names are compared: Berlin is berlin.
fn same(name: &str) -> String {
    name.trim().to_lowercase()
}

fn group(groups: &mut Groups, by: &str, custodian: &str) {
    let (_, custodians) = groups.entry(same(by)).or_insert_with(|| (by.to_owned(), Vec::new()));
    custodians.push(custodian.to_owned());
}

/// The first rule of separation that the cards break, of those that are not lost.
///
/// That one person never reaches a quorum is no choice of the policy: it is what a quorum is.
#[must_use]
pub fn together(policy: &Policy, record: &QuorumRecord, state: &State) -> Option<Together> {
    let threshold = usize::from(record.scheme().threshold());
    let entry = state.quorum()?;
    let is_there = |index: u8| !entry.cards.get(&index).is_some_and(CardHistory::is_gone);
    let facts = |name: &str| policy.custodians.iter().find(|one| one.name == name);
    let (mut persons, mut managers, mut sites) = (Groups::new(), Groups::new(), Groups::new());
    let mut there = 0_usize;
    for (index, custodian) in (1_u8..=u8::MAX).zip(&record.terms().custodians) {
        if !is_there(index) {
            continue;
        }
        there = there.saturating_add(1);
        let name = &custodian.name;
        // Without persons, a custodian is one: they themselves.
        let known = facts(name);
        let mut who: Vec<&str> =
            known.map(|one| one.persons.iter().map(String::as_str).collect()).unwrap_or_default();
        if who.is_empty() {
            who.push(name);
        }
        who.sort_unstable_by_key(|who| same(who));
        who.dedup_by_key(|who| same(who));
        who.into_iter().for_each(|who| group(&mut persons, who, name));
        if let Some(manager) = known.and_then(|one| one.manager.as_ref()) {
            group(&mut managers, manager, name);
        }
        if let Some(site) = known.and_then(|one| one.site.as_ref()) {
            group(&mut sites, site, name);
        }
    }
    let enough = |(_, cards): &&(String, Vec<String>)| cards.len() >= threshold;
    if let Some((person, custodians)) = persons.values().find(enough) {
        return Some(Together::Person { person: person.clone(), custodians: custodians.clone() });
    }
    let asked = |rule| policy.separation.contains(&rule);
    if let Some((manager, custodians)) = managers.values().find(enough).filter(|_| asked(Separation::Manager))
    {
        return Some(Together::Manager { manager: manager.clone(), custodians: custodians.clone() });
    }
    if !asked(Separation::Site) {
        return None;
    }
    if let Some((site, custodians)) = sites.values().find(enough) {
        return Some(Together::Site { site: site.clone(), custodians: custodians.clone() });
    }
    // With fewer cards than a recovery takes, no site is to blame.
    let last = |(_, cards): &&(String, Vec<String>)| {
        there >= threshold && there.saturating_sub(cards.len()) < threshold
    };
    let (site, custodians) = sites.values().find(last)?;
    Some(Together::Fire { site: site.clone(), custodians: custodians.clone() })
}
