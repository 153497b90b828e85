//! `quorate import finish`: a package goes to its service, is proven, and is logged.
//!
//! In: the package's folder. The service is asked first what is there: a run that was broken off, or whose
//! reply was lost, is simply run again, and what was done is found done. Out: a record, written when the proof
//! was compared, and never twice. A later version is then made the one that is used, where that is a step of its own.

use super::{at, service_at};
use crate::cli::args::{ImportFinish, Place};
use crate::cli::failure::{DIFFERENCE, FAILED, Failure};
use crate::cli::import::{of, pinned, same_material, say};
use crate::cli::output::Output;
use crate::cli::package::{known, read};
use crate::cli::places::{apart, same_place};
use crate::cli::session::Session;
use quorate::ceremony::escrow::Escrow;
use quorate::key::KeyKind;
use quorate::log::{Held, Imported, Op, Packaged, Phase};
use quorate::online::{KeyState, OnlineError, Service, finish as finish_import};
use quorate::provider::{PackageFacts, ProofKind, Provider, Purpose};
use quorate::wire::json::Json;

pub(crate) fn finish(place: &Place, options: &ImportFinish, output: &mut Output) -> Result<(), Failure> {
    let session = Session::of(place)?;
    let mut escrow = session.open()?;
    let package = read(&options.package)?;
    let drill = known(&escrow, &package)?;
    let (request, facts) = (package.request(), package.facts());
    told_apart(&escrow, facts)?;
    apart(escrow.state(), facts.provider, request.target(), drill)?;
    let planned = of(&package, String::new(), None);
    let later = later(&escrow, &planned);
    let is_new = !escrow.state().imports().iter().any(|(_, one)| one.package == planned.package);
    if let Some(later) =
        later.filter(|_| is_new && request.purpose() == Purpose::Version && facts.provider == Provider::Aws)
    {
        // AWS has one material wait at a time, and makes it current or not: an older one would block the next.
        let (name, version) = (&planned.name, planned.version);
        return Err(Failure::new(FAILED, format!("{name} version {later} is in that KMS key, and version {version} is older: it would wait there for ever"))
            .hint("nothing was sent; bring an older version to a KMS key of its own"));
    }
    let service = service_at(facts.provider, &options.reached, request.target())?;
    let before = pinned(&escrow, facts);
    let finished = match finish_import(&*service, &package, before.as_deref()) {
        // The clock of this machine tells earlier than the service why.
        Err(OnlineError::Refused { .. } | OnlineError::Expired { .. })
            if request.check(escrow.now()).is_err() =>
        {
            request.check(escrow.now())?;
            return Err(Failure::new(DIFFERENCE, "the wrapping key ended").hint("make a new request"));
        }
        finished => finished?,
    };
    let imported = of(&package, finished.evidence, finished.id);
    same_material(before, &imported)?;
    if drill && finished.already && is_new {
        let (provider, place) = (facts.provider, &facts.place);
        return Err(Failure::new(DIFFERENCE, format!("{place} at {provider} held the key already, and nothing shows that this drill brought it"))
            .hint("nothing was logged; if an earlier run of this command was broken off it is the test key: delete it there; then make a request for a new test key, and drill again"));
    }
    // What was stopped since is there again, which the log has to say too.
    let logged = escrow.state().held().any(|held| held.imported == imported && held.stopped.is_none());
    if finished.already && !logged {
        started(&*service, &escrow, &imported, request.kind())?;
    }
    if !logged {
        escrow.record(Op::Import, Phase::Done, &imported.done())?;
    }
    let mut more = Vec::new();
    if request.purpose() == Purpose::Version && !options.leave_waiting && later.is_none() {
        // The record stands whatever comes of this: the same command tries it again.
        if let Some(word) = service.activate(&at(&imported, request.kind()))? {
            more.push(("activated", Json::text(word)));
        }
    }
    if let Some(later) = later {
        let current = service.report(&at(&imported, request.kind()))?.current;
        let is_used = current.is_some_and(|current| Some(&current) == imported.id.as_ref());
        output.line(if is_used {
            format!(
                "the service uses it for new work now, though the log has version {later} there, which is newer"
            )
        } else {
            format!("version {later} is there too, and stays the one that is used")
        });
    }
    if finished.already {
        output.line("the service had it already: an earlier run handed it over");
    }
    more.push(("already", Json::Bool(finished.already)));
    more.push(("logged", Json::Bool(!logged)));
    say(&escrow, &imported, more, output);
    Ok(())
}

/// That what the log says was stopped, and the service had already, is in use there again: an import that changed
/// nothing doesn't undo a stop.
fn started(
    service: &dyn Service,
    escrow: &Escrow<'_>,
    imported: &Imported,
    kind: KeyKind,
) -> Result<(), Failure> {
    if !escrow.state().held().any(|held| held.imported == *imported && held.stopped.is_some()) {
        return Ok(());
    }
    let reported = service.report(&at(imported, kind))?;
    if matches!(reported.state, KeyState::Enabled | KeyState::Waiting) {
        return Ok(());
    }
    let (provider, state, said) = (imported.provider, reported.state.name(), reported.said);
    Err(Failure::new(DIFFERENCE, format!("{provider} has it already, and it is {state} there ({said})"))
        .hint("it was stopped, as the log says: enable it there, then run it again; nothing was logged"))
}

/// A later version of the same key in the same place, which must not be put aside for an older one.
fn later(escrow: &Escrow<'_>, imported: &Imported) -> Option<u32> {
    let ours = Held { time: escrow.now(), imported: imported.clone(), stopped: None, drill: false };
    let here = |held: &&Held| {
        held.imported.name == imported.name
            && held.imported.version > imported.version
            && same_place(held, &ours)
    };
    escrow.state().held().filter(here).map(|held| held.imported.version.get()).max()
}

/// That a package which nothing proves is the only key that was wrapped for its request: what the service made by
/// that request would be taken for this key, whichever it is.
fn told_apart(escrow: &Escrow<'_>, facts: &PackageFacts) -> Result<(), Failure> {
    let subject = (&facts.subject.name, facts.subject.version);
    let another = |one: &Packaged| one.request == facts.request && (&one.name, one.version) != subject;
    let Some((_, other)) = escrow.state().packages().iter().find(|(_, one)| another(one)) else {
        return Ok(());
    };
    if facts.proof.kind != ProofKind::Statement {
        return Ok(());
    }
    let message = format!(
        "{} version {} was wrapped for the same request, and {} shows nothing that tells which of the two it holds",
        other.name, other.version, facts.provider
    );
    Err(Failure::new(FAILED, message).hint("make a request of its own for this key, and a new package"))
}
