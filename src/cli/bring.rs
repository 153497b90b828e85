//! Cards as people at a terminal bring them: files, a pasted text, lines that they type.
//!
//! Whatever is wrong with one is said, and nothing else happens: a wrong path, a folder, a pipe that
//! would never end, a picture of something else. What was read is remembered by its path, because a
//! picture of a card is a copy of a secret, and is to be wiped in the end.

use super::cards::{Reading, is_print, print_file, read, read_text};
use super::editor;
use super::failure::{FAILED, Failure};
use super::output::Output;
use super::prompt;
use super::watch::Watch;
use quorate::card::{Collector, typed};
use quorate::log::Medium;
use quorate::secret::SecretBytes;
use std::path::{Path, PathBuf};

/// Cards from one source.
pub(crate) struct Brought {
    /// What messages call the source.
    pub(crate) place: String,
    /// Its file, when it is one.
    pub(crate) path: Option<PathBuf>,
    /// What was in it; no card, when it is a part of a long one.
    pub(crate) reading: Reading,
}

/// Says what is wrong, and what to do about it.
pub(crate) fn say(failure: &Failure, output: &Output) {
    output.warn(&failure.message);
    if let Some(hint) = &failure.hint {
        output.note(format!("quorate: hint: {hint}"));
    }
}

/// The cards in a file; with `paper`, only when it can show what is on paper. Ctrl-C ends the reading
/// of this file alone.
pub(crate) fn file(
    path: &Path,
    paper: bool,
    deadline: u64,
    collector: &mut Collector,
    output: &Output,
) -> Option<Brought> {
    let mut attempt = || {
        is_file(path)?;
        if paper && is_print(path) {
            return Err(print_file(path));
        }
        read(path, (deadline, &Watch::begin()), collector, output)
    };
    match attempt() {
        Ok(reading) => {
            Some(Brought { place: path.display().to_string(), path: Some(path.to_owned()), reading })
        }
        Err(failure) if failure.is_interrupt() => {
            output.warn(format!("{}: not read any further", path.display()));
            None
        }
        Err(failure) => {
            say(&failure, output);
            None
        }
    }
}

/// A person waits at the terminal: what can't be a picture must not keep the program waiting.
fn is_file(path: &Path) -> Result<(), Failure> {
    let about = std::fs::metadata(path).map_err(|error| Failure::file(path, &error))?;
    if about.is_file() || about.is_dir() {
        // A folder is refused where it is read.
        return Ok(());
    }
    Err(Failure::new(FAILED, format!("{}: is a pipe or a device, not a file", path.display()))
        .hint("save the picture to a file, and name that"))
}

/// The card that somebody types at the terminal; `None` when they give up.
///
/// # Errors
/// The input can't be read, or Ctrl-C.
pub(crate) fn typed_here() -> Result<Option<Brought>, Failure> {
    let typed = editor::type_card(false)?;
    prompt::forget_rest();
    Ok(typed.map(|card| {
        let reading = Reading { cards: vec![card], medium: Medium::Text, is_print_file: false };
        Brought { place: "the typed lines".to_owned(), path: None, reading }
    }))
}

/// The card in a text whose first line was pasted where a path was asked for; `None` when there is none.
pub(crate) fn pasted(first: &SecretBytes, output: &Output) -> Result<Option<Brought>, Failure> {
    let Some(text) = prompt::rest(first, &|text| typed::read(text).is_ok())? else { return Ok(None) };
    let place = "the text that was typed here";
    output.note("what was pasted or typed here stays in the terminal's history: clear that in the end");
    Ok(match read_text(place, text.expose(), output) {
        Ok(reading) => Some(Brought { place: place.to_owned(), path: None, reading }),
        Err(failure) => {
            say(&failure, output);
            None
        }
    })
}
