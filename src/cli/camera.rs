//! Cards from a camera: one page on this machine's own address shows it, and sends pictures here.
//!
//! In: what to wait for, and a judge of each card. Out: the cards that the judge took. `request` reads
//! one HTTP request under limits, `reply` writes the answer, `door` decides who may come in, `server`
//! accepts connections while `desk` looks at the pictures, each in a process of its own (`scan`).
//! Nothing is stored. Only these files name `std::net` and `httparse`, and only the feature `camera`
//! builds them (`tests/floors.rs`).
//!
//! Not here: what a card is good for (the judge), and opening a browser.

mod desk;
mod door;
mod reply;
mod request;
mod server;

use super::args::Camera;
use super::failure::{FAILED, Failure};
use super::output::Output;
use desk::Desk;
use quorate::seal::SealedShare;
use server::Server;
use std::time::{Duration, Instant};

/// What the judge says of a card.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is taken. What to call it, and whether no more are needed.
    Taken {
        /// The custodian's name, or the share.
        name: String,
        /// Whether this was the last that is needed.
        enough: bool,
    },
    /// It is not, and why.
    Refused(String),
}

/// Whether this program has what the arguments ask for: it does.
#[expect(clippy::unnecessary_wraps, reason = "in a program without the camera it fails")]
pub(crate) const fn is_built(_: &Camera) -> Result<(), Failure> {
    Ok(())
}

/// Serves the page until the judge has enough, the person ends it, or the time is up; gives what was taken.
///
/// Fewer cards than the judge wants are no failure here. A card is offered to the judge until it is taken.
pub(crate) fn cards(
    options: &Camera,
    judge: &mut dyn FnMut(&SealedShare) -> Verdict,
    output: &Output,
) -> Result<Vec<SealedShare>, Failure> {
    let server = Server::open()?;
    output.note("open this page in a browser on this machine, and on no other; it is shown once:");
    output.note(format!("  {}", server.address().as_str()));
    output.note("a camera's picture of a card is a copy of it: close the browser when you are done");
    let end = Instant::now().checked_add(Duration::from_secs(options.timeout));
    let end = end.ok_or_else(|| Failure::new(FAILED, "the time to wait is too long: choose less"))?;
    let mut desk = Desk::new(judge, output);
    server.serve(end, &mut desk)?;
    Ok(desk.cards())
}
