//! Recovery into packages: a key comes back and leaves wrapped for providers, never in the clear.
//!
//! As every recovery: the requests are confirmed before anybody is asked for a card, the intent is logged before
//! the first card is looked at, `done` before anything is released. The packages have a record of their own,
//! behind the recovery's; only then does their folder get its name.

use super::{ended, gather, held};
use crate::cli::args::{Place, Recover};
use crate::cli::cards::Openers;
use crate::cli::evidence::Account;
use crate::cli::failure::Failure;
use crate::cli::gone::warn_of_gone;
use crate::cli::output::Output;
use crate::cli::package::Order;
use crate::cli::session::Session;
use crate::cli::state::allows;
use crate::cli::wipe::Given;
use quorate::ceremony::recover::{Gathering, Recovery};
use quorate::ceremony::report::Kind;
use quorate::log::ReportOf;
use quorate::primitive::random::Entropy;
use quorate::provider::Subject;
use quorate::wire::json::{Json, object};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// The folder in `--to package:DIR`.
pub(super) fn folder(options: &Recover) -> Option<&Path> {
    options.to.as_deref()?.strip_prefix("package:").filter(|dir| !dir.is_empty()).map(Path::new)
}

pub(super) fn run(place: &Place, options: &Recover, dir: &Path, output: &mut Output) -> Result<(), Failure> {
    if options.wanted.requests.is_empty() {
        return Err(Failure::usage("--to package:… needs a request")
            .hint("add --for request.json, which `quorate request` makes"));
    }
    if !options.sheets.is_empty() || options.out.is_some() {
        return Err(Failure::usage("--to package:… takes a key of the escrow, without --sheet and --out")
            .hint("recover from the sheet to a file or an age recipient first"));
    }
    let start = Instant::now();
    let name = options.key()?;
    let session = Session::of(place)?;
    let mut escrow = session.open()?;
    let version = escrow.version(name)?;
    allows(version, true, options.despite_state, output)?;
    let backed = version.backed.clone();
    let order = Order::of(&options.wanted, dir, escrow.now(), output)?;
    order.fits(backed.kind)?;
    let openers = Arc::new(Openers::of(&options.present.seals)?);
    let record = escrow.quorum_by_id(backed.deposit.quorum)?;
    openers.are_for(&record)?;
    let mut account = Account::begin(&options.evidence, Some(&record))?;
    escrow.backup(escrow.version(name)?)?;
    account.of(&escrow);
    account.is_asked(&escrow, ReportOf::Recover, output);
    let mut gathering = Gathering::new(record);
    let recovery = Recovery::begin(&mut escrow, name, "package")?;
    let (mut given, mut troubles) = (Given::default(), Vec::new());
    let gathered =
        gather(&options.present, "recovery", &openers, &mut gathering, &mut given, &mut troubles, output);
    account.step(&escrow, "gathering the custodians", start.elapsed());
    warn_of_gone(&escrow, &gathering, &mut troubles, output);
    let ready = gathered.and_then(|()| {
        let (quorum, key) = recovery.open(&escrow, &gathering)?;
        let now = escrow.now();
        let wrapped = order.wrap(key.material(), now, &mut Entropy::system())?;
        let waiting = order.write(wrapped, &Subject::of(&key), now)?;
        Ok((quorum, waiting, key))
    });
    let (quorum, waiting, key) = match ready {
        Ok(ready) => ready,
        Err(failure) => {
            recovery.end(&mut escrow, ended(&failure));
            given.remind(output);
            return Err(failure);
        }
    };
    recovery.complete(&mut escrow, &quorum, &gathering, &key)?;
    let packages = waiting.release(&mut escrow, output)?;
    account.step(&escrow, "the whole, to packages", start.elapsed());
    troubles.into_iter().for_each(|trouble| account.exception(trouble));
    let reported = account.finish(&mut escrow, &quorum, held(&gathering, &key, Kind::Recover), output);
    drop(quorum);
    let checkpoint = escrow.log().checkpoint().to_string();
    output.line(format!("  fingerprint {} matches the log", key.fingerprint().short()));
    output.line(format!("  custodians  {}", gathering.names().join(", ")));
    output.line(format!("  checkpoint  {checkpoint}"));
    output.value(object([
        ("checkpoint", Some(Json::text(checkpoint))),
        ("custodians", Some(Json::List(gathering.names().into_iter().map(Json::text).collect()))),
        ("fingerprint", Some(Json::text(key.fingerprint().to_string()))),
        ("packages", Some(packages)),
        ("to", Some(Json::text(dir.display().to_string()))),
    ]));
    output.finish()?;
    given.end(options.present.wipe_pictures, output)?;
    reported.map(drop)
}
