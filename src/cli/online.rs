//! Key services from the command line: an import begun and finished, and what the services say now.
//!
//! The connected machine's part of an import: it holds no key and no card, and needs none. Only with the feature
//! `online`; without it `online/absent.rs` stands here.

mod begin;
mod failure;
mod finish;
mod status;

pub(crate) use begin::begin;
pub(crate) use finish::finish;
pub(crate) use status::status;

use super::args::Reached;
use super::failure::{DIFFERENCE, Failure};
use super::files::read_secret;
use super::session::environment;
use super::shred::{Seen, Stopping};
use quorate::key::KeyKind;
use quorate::log::{Held, Imported, ShredHow};
use quorate::online::{At, KeyState, OnlineError, Reach, Reported, Service, Stop, connect};
use quorate::provider::{ProofKind, Provider, Target};
use std::time::Duration;

/// The longest file of certificates.
const LONGEST: usize = 1024 * 1024;

/// Whether a provider has a client here.
pub(crate) fn has_client(provider: Provider) -> bool {
    quorate::online::has_client(provider)
}

/// How the arguments say that services are reached.
fn reach(reached: &Reached) -> Result<Reach, Failure> {
    let ca = match &reached.ca {
        None => None,
        Some(path) => Some(read_secret(path, LONGEST)?.expose().to_vec()),
    };
    Ok(Reach {
        endpoint: reached.endpoint.clone(),
        ca,
        timeout: Duration::from_secs(reached.call_timeout.into()),
        plain_here: reached.plain_http_here,
        environment,
    })
}

/// That a key is with several providers, of which one has to be named.
fn failure_of_many(name: &str, held: &[&Held]) -> Failure {
    let places: Vec<String> =
        held.iter().map(|one| format!("{} {}", one.imported.provider, one.imported.place)).collect();
    Failure::usage(format!("{name} is at several places: {}", places.join(", ")))
        .hint("name the provider, as in `quorate import begin openbao --next NAME`")
}

fn service(provider: Provider, reached: &Reached) -> Result<Box<dyn Service>, Failure> {
    Ok(connect(provider, &reach(reached)?)?)
}

/// The service that a target is at: of servers that have the same names of keys, the one that it names.
fn service_at(provider: Provider, reached: &Reached, target: &Target) -> Result<Box<dyn Service>, Failure> {
    let service = service(provider, reached)?;
    same_server(&*service, provider, reached, target).map(|()| service)
}

/// That a service is of the server that a target names, or that the arguments say so.
fn same_server(
    service: &dyn Service,
    provider: Provider,
    reached: &Reached,
    target: &Target,
) -> Result<(), Failure> {
    match (target.get("server"), service.server()) {
        (Some(named), Some(found)) if *named != found && !reached.moved => {
            Err(Failure::usage(format!("it is at the {provider} server {named}, and this address is of {found}"))
                .hint(format!("name the address of {named}; if this is that server under another name, give --moved; --server {found} takes the keys of this one alone")))
        }
        _ => Ok(()),
    }
}

/// Whether a service shows of a version what tells it from every other: its own name of it, or the proof of the log.
fn is_told(at: &At, reported: &Reported, provider: Provider, moved: bool) -> bool {
    // A number alone is the same at every server; with the moment it was made it isn't.
    let by_id = at.id.is_some()
        && reported.id.is_some()
        && (!moved || at.id.as_ref().is_some_and(|id| id.contains('@')));
    // An id of AWS is never given twice.
    by_id || reported.evidence.is_some() || provider == Provider::Aws
}

/// Where an import went, for a service. The kind is the backup's.
fn at(imported: &Imported, kind: KeyKind) -> At {
    At {
        target: imported.names(),
        kind,
        id: imported.id.clone(),
        proof: imported.proof,
        evidence: imported.evidence.clone(),
    }
}

/// The same for whoever shreds, who has no right to see a public key, and needs none: a KMS key has one for ever,
/// and so has a version of Google's, whose full name the log has.
fn unseen(at: At, provider: Provider) -> At {
    let named = match provider {
        Provider::Aws => true,
        Provider::Gcp => at.id.is_some(),
        _ => false,
    };
    // One for which nothing is shown.
    let proof = if named && at.proof == ProofKind::PublicKey { ProofKind::Mac } else { at.proof };
    At { proof, ..at }
}

/// What a service says of a key version now.
pub(crate) fn look(reached: &Reached, held: &Held, kind: KeyKind) -> Result<Seen, Failure> {
    let service = service_at(held.imported.provider, reached, &held.imported.target)?;
    let reported = service.report(&unseen(at(&held.imported, kind), held.imported.provider))?;
    Ok(Seen { state: reported.state.name(), said: reported.said, until: reported.deletion })
}

/// Stops a key version in its service, and says what is there then. The service is asked first: another key than
/// the log's is never stopped. The failure comes with whether something may have been done all the same.
pub(crate) fn stop(reached: &Reached, held: &Held, stopping: Stopping) -> Result<Seen, (Failure, bool)> {
    let how = match stopping.how {
        ShredHow::Disable => Stop::Disable,
        ShredHow::Delete => Stop::Delete,
        ShredHow::Destroy => Stop::Destroy { days: stopping.days },
    };
    let provider = held.imported.provider;
    let service = service_at(provider, reached, &held.imported.target).map_err(|failure| (failure, false))?;
    let at = unseen(at(&held.imported, stopping.kind), provider);
    let before = service.report(&at).map_err(|error| (Failure::from(error), false))?;
    let place = || format!("{} {}", held.imported.provider, held.imported.place);
    if let Some(words) = status::another(held, &before) {
        let failure = Failure::new(DIFFERENCE, format!("{} is another key than the log's: {words}", place()))
            .hint("nothing was sent; find out whose it is, and whether this is the right server, region or account");
        return Err((failure, false));
    }
    if !matches!(before.state, KeyState::Gone | KeyState::Empty | KeyState::Ending) {
        // A version that was stopped isn't shown by every service.
        let stopped = before.state == KeyState::Disabled && held.stopped.is_some();
        if !stopped && !is_told(&at, &before, provider, reached.moved) {
            let failure = Failure::new(DIFFERENCE, format!("nothing at {} tells its key from another of that name", place()))
                .hint("nothing was sent; look there whose it is, and stop it by hand (`--by-hand` has the commands)");
            return Err((failure, false));
        }
        // What goes with it and is in no backup.
        let whole =
            how != Stop::Disable && (matches!(how, Stop::Destroy { .. }) || provider == Provider::Aws);
        let ours =
            |current: &&String| stopping.known.contains(current) || before.id.as_ref() == Some(current);
        let foreign =
            before.current.as_ref().filter(|current| whole && !stopping.with_others && !ours(current));
        if let Some(foreign) = foreign {
            let failure = Failure::new(
                DIFFERENCE,
                format!(
                    "{} also holds {foreign}, which no import of the log brought there: it is in no backup",
                    place()
                ),
            )
            .hint("nothing was sent; find out whose it is; --with-others takes it too");
            return Err((failure, false));
        }
    }
    if before.state == KeyState::Gone && !stopping.resumed {
        let failure = Failure::new(DIFFERENCE, format!("{} is not there ({})", place(), before.said))
            .hint("is this the right server, region or account? nothing was sent; `quorate shred … --done` logs that it is gone");
        return Err((failure, false));
    }
    let reported = service.stop(&at, how).map_err(|error| {
        // A question that failed may have been asked after the deed.
        let open = matches!(
            error,
            OnlineError::Unsure { .. }
                | OnlineError::Partly(_)
                | OnlineError::Timeout { .. }
                | OnlineError::Unreachable { .. }
        );
        (Failure::from(error), open)
    })?;
    Ok(Seen { state: reported.state.name(), said: reported.said, until: reported.deletion })
}
