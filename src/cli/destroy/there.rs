//! Which copy at a provider a certificate is of.
//!
//! In: the key version, the provider, and what was said of the place; out: the one place that fits. Where several
//! do, nothing is chosen: the certificate would speak of a place that nobody looked at.

use crate::cli::failure::{FAILED, Failure};
use quorate::ceremony::escrow::Escrow;
use quorate::key::KeyName;
use quorate::log::Remains;
use quorate::provider::{Provider, Target, apart, besides};

/// The most places of a provider that a hint names.
const SHOWN: usize = 5;

/// The copy of a key version that a provider had.
pub(super) fn at_provider(
    escrow: &Escrow<'_>,
    name: &KeyName,
    (provider, place, given): (Provider, Option<&str>, &Target),
) -> Result<Remains, Failure> {
    let version = name.version.ok_or_else(|| {
        Failure::usage(format!("it is not said which version of {name} was destroyed"))
            .hint("name it as NAME@VERSION")
    })?;
    let state = escrow.state();
    let mut places: Vec<&str> = Vec::new();
    for (_, one) in state.packages() {
        let is_it = one.name == name.label && one.version == version && one.provider == provider;
        if is_it && place.is_none_or(|place| place == one.place) && !places.contains(&one.place.as_str()) {
            places.push(&one.place);
        }
    }
    if places.is_empty() {
        return Err(Failure::new(FAILED, format!("no package of {name} for {provider} is in the log"))
            .hint("`quorate list --provider` shows what went where"));
    }
    let mut fitting: Vec<(&str, Target)> = Vec::new();
    for place in &places {
        let all = state.places(&name.label, version, provider, place);
        let fits = |target: &Target| given.iter().all(|(field, value)| target.get(field) == Some(value));
        if all.is_empty() && given.is_empty() {
            // An old package that nobody imported doesn't say where it went.
            fitting.push((*place, Target::new()));
        }
        fitting.extend(all.into_iter().filter(fits).map(|target| (*place, target)));
    }
    let is_one = fitting.windows(2).all(|pair| matches!(pair, [(one, _), (other, _)] if one == other));
    match fitting.as_slice() {
        [] => {
            let known = places.iter().flat_map(|place| state.places(&name.label, version, provider, place));
            let known: Vec<String> = known.filter_map(|target| besides(&target)).collect();
            let hint = if known.is_empty() {
                "the log has no names of it beside the key: leave --set out".to_owned()
            } else {
                format!("the log has {}", few(&known, "; "))
            };
            Err(Failure::usage(format!("{name} went to no place of {provider} with those names")).hint(hint))
        }
        [(place, target)] => Ok(Remains::Provider {
            name: name.label.clone(),
            version,
            provider,
            place: (*place).to_owned(),
            target: target.clone(),
        }),
        several if is_one => {
            let all = several.iter().map(|(_, target)| target.clone()).collect();
            let words: Vec<String> = several.iter().filter_map(|(_, one)| apart(one, &all)).collect();
            Err(Failure::usage(format!("{name} went to more than one place of {provider} that is called so"))
                .hint(format!("say which with --set FIELD=VALUE: {}", few(&words, "; "))))
        }
        _ => Err(Failure::usage(format!("{name} went to more than one place of {provider}"))
            .hint(format!("name it with --place: {}", few(&places, ", ")))),
    }
}

/// The copy, as it is confirmed: where it is, before the key.
pub(super) fn copy(what: &Remains) -> String {
    match what {
        Remains::Provider { provider, place, target, .. } => {
            let more = besides(target).map(|more| format!(" ({more})")).unwrap_or_default();
            format!("the copy at {provider} {place}{more} of")
        }
        Remains::Card(_) | Remains::Backup { .. } => "a copy of".to_owned(),
    }
}

/// The first of many.
fn few<T: AsRef<str>>(all: &[T], between: &str) -> String {
    let mut words = all.iter().take(SHOWN).map(AsRef::as_ref).collect::<Vec<_>>().join(between);
    let more = all.len().saturating_sub(SHOWN);
    if more > 0 {
        words.push_str(&format!("{between}and {more} more"));
    }
    words
}
