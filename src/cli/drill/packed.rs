//! A test key of a provider as the destination of a drill: one key, wrapped for it as for a real import.
//!
//! A cloud takes no key without being told to, and the ceremony's machine has no network: so the drill ends with a
//! package, and is proven by its import (`import finish`, or the printed commands and `import record`). The log says that
//! the package is a drill's: what it brings is in no use, and has to go again (`shred --drilled`). It goes to a key
//! of its own, never to one that the log knows, and is written only when the key came back as the log has it.

use super::Destination;
use crate::cli::args::Drill;
use crate::cli::failure::{FAILED, Failure};
use crate::cli::output::Output;
use crate::cli::package::{Order, Waiting};
use crate::cli::places::apart;
use quorate::ceremony::drill::Target;
use quorate::ceremony::escrow::Escrow;
use quorate::key::KeyRecord;
use quorate::log::{Op, Phase};
use quorate::primitive::random::Entropy;
use quorate::provider::{Purpose, Request, Subject};
use quorate::wire::json::Json;
use quorate::wire::time::Timestamp;
use std::path::Path;

/// Packages for test keys.
pub(super) struct Packing {
    order: Order,
    now: Timestamp,
    waiting: Option<Waiting>,
}

impl Packing {
    /// What the arguments ask for, confirmed before anything is logged.
    pub(super) fn of(
        escrow: &Escrow<'_>,
        options: &Drill,
        dir: &str,
        output: &Output,
    ) -> Result<Self, Failure> {
        if options.wanted.requests.is_empty() {
            return Err(Failure::usage("--to package:… needs a request of a test key")
                .hint("add --for request.json, which `quorate request` or `quorate import begin` makes"));
        }
        let [name] = options.names.as_slice() else {
            return Err(Failure::usage("--to package:… takes one key version")
                .hint("name it, as in `quorate drill NAME@VERSION --to package:DIR`; a request is for one kind of key"));
        };
        // Who audits may hold a drill, and sends nothing out.
        if !escrow.may(Op::Package) {
            return Err(Failure::new(FAILED, "this operator's roles don't let a package out")
                .hint("a recoverer holds a drill into a test key; an auditor one that releases nothing"));
        }
        let version = escrow.version(name)?;
        if name.version.is_none()
            && escrow.state().keys().get(&name.label).is_some_and(|key| key.versions.len() > 1)
        {
            return Err(Failure::usage(format!("{name} has several versions, and a package holds one"))
                .hint(format!("name it: {name}@{}", version.backed.deposit.version)));
        }
        let kind = version.backed.kind;
        let order = Order::of(&options.wanted, Path::new(dir), escrow.now(), output)?;
        order.fits(kind)?;
        order.requests().iter().try_for_each(|request| is_of_its_own(escrow, request))?;
        Ok(Self { order, now: escrow.now(), waiting: None })
    }
}

/// That a request is for a test key: a new one, in no place that may be one in use.
fn is_of_its_own(escrow: &Escrow<'_>, request: &Request) -> Result<(), Failure> {
    let (provider, place) = (request.provider(), request.place());
    if request.purpose() != Purpose::Key {
        return Err(Failure::usage(format!(
            "the request of {provider} for {place} brings {}, and a drill goes to a test key of its own",
            request.purpose().about()
        ))
        .hint("make the request with `--as key`, for a key that holds nothing"));
    }
    apart(escrow.state(), provider, request.target(), true)
}

impl Target for Packing {
    fn word(&self) -> &'static str {
        "package"
    }

    fn take(&mut self, key: &KeyRecord) -> Result<(), String> {
        let wrapped = self.order.wrap(key.material(), self.now, &mut Entropy::system());
        let wrapped = wrapped.map_err(|error| error.to_string())?;
        let waiting =
            self.order.write(wrapped, &Subject::of(key), self.now).map_err(|failure| failure.message)?;
        self.waiting = Some(waiting);
        Ok(())
    }

    fn records(&self, intent: u64) -> Vec<(Op, Phase, Json<'static>)> {
        self.waiting.as_ref().map(|waiting| waiting.records(Some(intent))).unwrap_or_default()
    }
}

impl Destination for Packing {
    fn release(&mut self, output: &mut Output) -> Result<Option<Json<'static>>, Failure> {
        let Some(waiting) = self.waiting.take() else { return Ok(None) };
        let packages = waiting.publish(output)?;
        output.line("  released    that package alone, for the test key: import it and log that (import finish, or import record), then `quorate shred NAME --drilled` ends it there");
        Ok(Some(packages))
    }
}
