//! One place of a provider, by all of its names: two servers, mounts, vaults or key rings may have a key of the
//! same name, and what is at one of them says nothing of the other.
//!
//! In: the names of a request's target, as records carry them; out: those that say where, and words that tell a
//! place from others of the same name. What a version is called there isn't looked at.

use super::{Provider, Target};
use std::collections::{BTreeMap, BTreeSet};

/// The fields of a target that say which version, or how it comes, and not where.
const PASSING: [&str; 5] = ["existing", "import-job", "kid", "version", "wrapping-key"];

/// The name of the key in a target.
const KEY: &str = "key";

/// The names of a target that say where a key is, whichever version of it and however it came.
#[must_use]
pub fn whereabouts(target: &Target) -> Target {
    target
        .iter()
        .filter(|(field, _)| !PASSING.contains(&field.as_str()))
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect()
}

/// Whether two targets of one provider may be one place: no name that both of them have tells them apart. One of them
/// may have been written by hand, with fewer names, or with a shorter form of one.
#[must_use]
pub fn may_be_one(provider: Provider, one: &Target, other: &Target) -> bool {
    let named = |target: &Target| {
        let mut names = whereabouts(target);
        if provider == Provider::OpenBao {
            names.entry("mount".to_owned()).or_insert_with(|| "transit".to_owned());
        }
        names
    };
    let same = |field: &str, one: &str, other: &str| match (provider, field) {
        // An ARN ends in the id of its key, which is unique; an alias may be any key's.
        (Provider::Aws, "key") => {
            let id = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
            one.contains("alias/") || other.contains("alias/") || id(one) == id(other)
        }
        (Provider::Azure | Provider::AzureHsm, _) => one.eq_ignore_ascii_case(other),
        _ => one == other,
    };
    let (one, other) = (named(one), named(other));
    one.iter().all(|(field, value)| other.get(field).is_none_or(|there| same(field, value, there)))
}

/// The names beside that of the key, in words; none when there are no others.
#[must_use]
pub fn besides(target: &Target) -> Option<String> {
    let others = target.iter().filter(|(field, _)| *field != KEY);
    let words: Vec<String> = others.map(|(field, value)| format!("{field} {value}")).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// What tells a place from the `others` that have the same name: the names in which they differ, in words. None
/// when nothing does.
#[must_use]
pub fn apart(target: &Target, others: &BTreeSet<Target>) -> Option<String> {
    let mut values: BTreeMap<&str, BTreeSet<Option<&String>>> = BTreeMap::new();
    for field in others.iter().chain([target]).flat_map(BTreeMap::keys) {
        values.insert(field, others.iter().chain([target]).map(|one| one.get(field)).collect());
    }
    let differing = values.into_iter().filter(|(_, values)| values.len() > 1);
    let words: Vec<String> = differing
        .map(|(field, _)| match target.get(field) {
            Some(value) => format!("{field} {value}"),
            None => format!("no {field}"),
        })
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}
