//! Where keys are: what the log says of a place, and what tells two of them apart.
//!
//! Two imports are in one place when all names of it are the same. They *may* be in one when no name that both have
//! differs, since one of them may have been written by hand with fewer: whatever must not hit a key in use asks that.

use super::args::Reached;
use super::failure::{DIFFERENCE, Failure};
use quorate::log::{Held, Imported, Remains, State};
use quorate::provider::{Provider, Target, may_be_one, whereabouts};

/// Whether two versions are in one key of a provider.
pub(crate) fn same_place(one: &Held, other: &Held) -> bool {
    let (one, other) = (&one.imported, &other.imported);
    let targets = (whereabouts(&one.names()), whereabouts(&other.names()));
    one.provider == other.provider && one.place == other.place && targets.0 == targets.1
}

/// Whether an import is at the server that the arguments choose.
pub(crate) fn is_at(reached: &Reached, imported: &Imported) -> bool {
    reached.server.is_none() || reached.server.as_ref() == imported.target.get("server")
}

/// What is at a place that may be this one, and was not stopped there: of drills, or in use.
pub(crate) fn there<'a>(
    state: &'a State,
    provider: Provider,
    target: &Target,
    drill: bool,
) -> Option<&'a Held> {
    state.held().find(|held| {
        held.drill == drill
            && held.stopped.is_none()
            && held.imported.provider == provider
            && may_be_one(provider, &held.imported.names(), target)
    })
}

/// That a drill's package goes to a test key of its own, and any other to no drill's.
pub(crate) fn apart(state: &State, provider: Provider, target: &Target, drill: bool) -> Result<(), Failure> {
    let Some(held) = there(state, provider, target, !drill) else { return Ok(()) };
    let (name, version, place) = (&held.imported.name, held.imported.version, &held.imported.place);
    Err(if drill {
        Failure::new(
            DIFFERENCE,
            format!("{place} at {provider} holds {name} version {version}, which is in use"),
        )
        .hint("a drill goes to a test key of its own: make the request for another key")
    } else {
        Failure::new(
            DIFFERENCE,
            format!("{place} at {provider} is a drill's test key, with {name} version {version} in it"),
        )
        .hint(format!("end it first: `quorate shred {name}@{version} --drilled`"))
    })
}

/// A place in words: with what tells it from another of the same name, when the log has one.
pub(crate) fn words(state: &State, imported: &Imported) -> String {
    let place = format!("{} {}", imported.provider, imported.place);
    let here = whereabouts(&imported.names());
    let alike =
        |held: &&Held| (held.imported.provider, &held.imported.place) == (imported.provider, &imported.place);
    let others: Vec<Target> =
        state.held().filter(alike).map(|held| whereabouts(&held.imported.names())).collect();
    let differs =
        |(field, value): &(&String, &String)| others.iter().any(|other| other.get(*field) != Some(*value));
    let more: Vec<String> =
        here.iter().filter(differs).map(|(field, value)| format!("{field} {value}")).collect();
    if more.is_empty() { place } else { format!("{place} ({})", more.join(", ")) }
}

/// Whether a certificate says that what is held was seen gone.
pub(crate) fn is_certified(state: &State, held: &Held) -> bool {
    let one = &held.imported;
    let here = whereabouts(&one.names());
    state.certificates().iter().any(|entry| match &entry.certificate.what {
        Remains::Provider { name, version, provider, place, target } => {
            (name, *version, *provider, place) == (&one.name, one.version, one.provider, &one.place)
                && (target.is_empty() || *target == here)
                && entry.time >= held.time
        }
        _ => false,
    })
}
