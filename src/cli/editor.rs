//! Typing a card's lines at a terminal.
//!
//! In: keys, pasted text, or whole lines on standard input. Out: a card that has passed its own check, or
//! nothing when the person gives up. Each line is judged when it is complete; what is probably meant is
//! shown with its place, and taken only when the person says so. `sheet` holds the lines that are in and
//! tells when they give a card, `state` is the editor without a terminal, `keys` and `screen` are its
//! thin sides, `whole` does the same line by line where the cursor can't be moved.
//! Typed lines are as secret as the card: they are kept in wiped memory, shown on the terminal's
//! alternate screen only, which keeps no history, and wiped from it.

mod keys;
mod screen;
mod sheet;
mod state;
mod whole;

use super::failure::Failure;
use super::output::say;
use super::session::environment;
use super::terminal::{can_reveal, is_interactive};
use quorate::seal::SealedShare;

/// Lets a person type the lines of one card; `None` when they give up.
///
/// `plain`: by whole lines, without moving the cursor, as a screen reader wants it. It is also done that way
/// when `QUORATE_PLAIN` is set, on a dumb or too small terminal, and when standard input is no terminal.
/// What was changed or rebuilt to read the card is said on standard error.
///
/// # Errors
/// The input can't be read, or Ctrl-C.
pub(crate) fn type_card(plain: bool) -> Result<Option<SealedShare>, Failure> {
    let plain = plain || environment("QUORATE_PLAIN").is_some();
    let typed = if plain || !can_reveal() || !screen::fits() {
        whole::type_card(&mut whole::Terminal { interactive: is_interactive() })?
    } else {
        screen::type_card()?
    };
    Ok(typed.map(|done| {
        done.notes.iter().for_each(|note| say(note));
        done.card
    }))
}
