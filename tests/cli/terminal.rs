//! The program on a terminal in a world's escrow.

use super::world::World;
pub use crate::terminal::has_python;
use crate::terminal::{Act, play};

/// What is waited for, what is typed then, and whether the terminal echoes at that time.
pub type Step<'a> = (&'a str, &'a str, bool);

/// Drives the program through `steps`; its exit status and everything that the terminal showed.
#[track_caller]
pub fn drive(world: &World, arguments: &[&str], steps: &[Step<'_>]) -> (i32, String) {
    drive_in(world, &[("TERM", "xterm")], arguments, steps)
}

/// The same with these variables beside the user's name.
#[track_caller]
pub fn drive_in(
    world: &World,
    variables: &[(&str, &str)],
    arguments: &[&str],
    steps: &[Step<'_>],
) -> (i32, String) {
    let argv = [&[env!("CARGO_BIN_EXE_quorate"), "-C", "acme"][..], arguments].concat();
    let act = |(expect, typed, echo): &Step<'_>| -> Act {
        ((*expect).to_owned(), (*typed).to_owned(), Some(*echo))
    };
    let acts: Vec<Act> = steps.iter().map(act).collect();
    play(world.root(), variables, &argv, &acts)
}
