//! `quorate list`: the keys, or the versions that are of a state, a kind, a provider, or due by a date.
//!
//! Without a filter, the newest version of each key; with one or more, every version that all of them take.

use super::args::{List, Place};
use super::failure::{FAILED, Failure};
use super::output::Output;
use super::session::Session;
use super::show::version_json;
use core::num::NonZeroU32;
use quorate::ceremony::watch::{What, watch};
use quorate::key::Label;
use quorate::log::{KeyVersion, State};
use quorate::provider::Provider;
use quorate::wire::json::Json;
use quorate::wire::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn run(place: &Place, options: &List, output: &mut Output) -> Result<(), Failure> {
    let session = Session::reading(place)?;
    let escrow = session.open()?;
    let chosen = Chosen::of(options, escrow.state(), escrow.log().last_time(), escrow.now())?;
    let mut values = Vec::new();
    let mut rows = vec![["NAME", "VERSION", "KIND", "STATE", "CREATED", "RECOVERED"].map(str::to_owned)];
    for key in escrow.state().keys().values() {
        let newest = key.versions.keys().next_back();
        for (number, version) in &key.versions {
            let is_chosen = chosen.takes(version);
            if is_chosen && (!chosen.is_all || newest == Some(number)) {
                rows.push(row(version));
            }
            if output.is_json() && is_chosen {
                values.push(chosen.value(version));
            }
        }
    }
    match (rows.len(), escrow.state().keys().is_empty()) {
        (1, true) => output.line("no keys yet: `quorate generate NAME --kind KIND` makes one"),
        (1, false) if !chosen.is_all => output.line("no key version is like that"),
        _ => table(&rows, output),
    }
    output.value(Json::List(values));
    Ok(())
}

fn row(version: &KeyVersion) -> [String; 6] {
    let deposit = &version.backed.deposit;
    [
        deposit.name.to_string(),
        deposit.version.to_string(),
        version.backed.kind.to_string(),
        version.state.to_string(),
        version.backed.created.to_string(),
        version.recovered.map_or_else(|| "never".to_owned(), |time| time.to_string()),
    ]
}

/// Which versions are wanted, and what is known of them beside the log's entry.
struct Chosen<'a> {
    options: &'a List,
    /// Whether no filter was given.
    is_all: bool,
    /// When the version in use of each key is to be followed by the next.
    due: BTreeMap<Label, (u32, Timestamp)>,
    /// Where versions went.
    providers: BTreeMap<&'a Label, BTreeMap<NonZeroU32, BTreeSet<Provider>>>,
    by: Option<Timestamp>,
}

impl<'a> Chosen<'a> {
    fn of(
        options: &'a List,
        state: &'a State,
        last: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let by = if options.overdue { Some(now) } else { options.due_by };
        let List { states, kinds, providers, .. } = options;
        let is_all = states.is_empty() && kinds.is_empty() && providers.is_empty() && by.is_none();
        let mut chosen = Self { options, is_all, due: BTreeMap::new(), providers: BTreeMap::new(), by };
        if by.is_some() {
            let watch =
                watch(state, None, last, now).map_err(|error| Failure::new(FAILED, error.to_string()))?;
            for item in watch.items {
                if let (What::Rotation(version, _) | What::Replacement(version, _), Ok(name)) =
                    (&item.what, item.subject.parse())
                {
                    chosen.due.insert(name, (*version, item.due));
                }
            }
        }
        let packages = state.packages().iter().map(|(_, one)| (&one.name, one.version, one.provider));
        let imports = state.imports().iter().map(|(_, one)| (&one.name, one.version, one.provider));
        for (name, version, provider) in packages.chain(imports) {
            chosen.providers.entry(name).or_default().entry(version).or_default().insert(provider);
        }
        Ok(chosen)
    }

    fn due(&self, version: &KeyVersion) -> Option<Timestamp> {
        let deposit = &version.backed.deposit;
        let (_, due) = self.due.get(&deposit.name).filter(|(of, _)| *of == deposit.version.get())?;
        Some(*due)
    }

    fn providers(&self, version: &KeyVersion) -> Option<&BTreeSet<Provider>> {
        let deposit = &version.backed.deposit;
        self.providers.get(&deposit.name)?.get(&deposit.version)
    }

    fn takes(&self, version: &KeyVersion) -> bool {
        let List { states, kinds, providers, .. } = self.options;
        let has = |wanted: &Provider| self.providers(version).is_some_and(|all| all.contains(wanted));
        (states.is_empty() || states.contains(&version.state))
            && (kinds.is_empty() || kinds.contains(&version.backed.kind))
            && (providers.is_empty() || providers.iter().any(has))
            && self.by.is_none_or(|by| self.due(version).is_some_and(|due| due <= by))
    }

    fn value(&self, version: &KeyVersion) -> Json<'static> {
        let mut value = version_json(version);
        if let Json::Object(fields) = &mut value {
            let providers = self.providers(version).into_iter().flatten();
            let providers: Vec<_> = providers.map(|provider| Json::text(provider.name())).collect();
            fields.push(("providers".into(), Json::List(providers)));
            fields.extend(self.due(version).map(|due| ("due".into(), Json::text(due.to_string()))));
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        value
    }
}

/// Columns of equal width.
fn table<const N: usize>(rows: &[[String; N]], output: &mut Output) {
    let mut widths = [0_usize; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        output.line(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}
