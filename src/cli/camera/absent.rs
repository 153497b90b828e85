//! What stands for the camera in a program that was built without it: a refusal that says so.
//!
//! The arguments exist in both programs, so that whoever follows a guide learns what is missing. There is
//! no network code here, nor in what this needs.

use super::args::Camera;
use super::failure::Failure;
use super::output::Output;
use quorate::seal::SealedShare;

/// What the judge says of a card; here nobody asks.
#[derive(Debug)]
#[expect(dead_code, reason = "nobody asks the judge")]
pub(crate) enum Verdict {
    Taken { name: String, enough: bool },
    Refused(String),
}

/// Refuses the camera before anything is logged.
pub(crate) fn is_built(options: &Camera) -> Result<(), Failure> {
    if options.camera { Err(absent()) } else { Ok(()) }
}

fn absent() -> Failure {
    Failure::usage("this program was built without the camera")
        .hint("give pictures of the cards as files, type them, or build with `--features camera`")
}

/// Refuses.
pub(crate) fn cards(
    _: &Camera,
    _: &mut dyn FnMut(&SealedShare) -> Verdict,
    _: &Output,
) -> Result<Vec<SealedShare>, Failure> {
    Err(absent())
}
