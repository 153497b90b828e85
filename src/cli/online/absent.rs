//! What stands for the clients of key services in a program that was built without network: a refusal that
//! says so, and what to do instead.

use super::args::{ImportBegin, ImportFinish, Place, ProviderStatus, Reached};
use super::failure::Failure;
use super::output::Output;
use super::shred::{Seen, Stopping};
use quorate::key::KeyKind;
use quorate::log::Held;

/// Whether a provider has a client here.
pub(crate) const fn has_client(_: quorate::provider::Provider) -> bool {
    false
}

fn absent(instead: &str) -> Failure {
    Failure::usage("this program was built without network")
        .hint(format!("{instead}, or use one that was built with `--features online`"))
}

/// Refuses.
pub(crate) fn begin(_: &Place, _: &ImportBegin, _: &mut Output) -> Result<(), Failure> {
    Err(absent("get the wrapping key by the provider's command and give it to `quorate request`"))
}

/// Refuses.
pub(crate) fn finish(_: &Place, _: &ImportFinish, _: &mut Output) -> Result<(), Failure> {
    Err(absent("run the commands of the package's IMPORT.txt, then `quorate import record`"))
}

/// Refuses.
pub(crate) fn status(_: &Place, _: &ProviderStatus, _: &mut Output) -> Result<(), Failure> {
    Err(absent("ask the provider by its own commands"))
}

/// Refuses.
pub(crate) fn look(_: &Reached, _: &Held, _: KeyKind) -> Result<Seen, Failure> {
    Err(absent("ask the provider by its own commands"))
}

/// Refuses.
pub(crate) fn stop(_: &Reached, _: &Held, _: Stopping) -> Result<Seen, (Failure, bool)> {
    Err((absent("give --by-hand for the provider's commands"), false))
}
