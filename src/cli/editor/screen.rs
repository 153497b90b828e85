//! The terminal under the editor: reads keys, draws what the state says, leaves nothing behind.
//!
//! It works on the alternate screen, which keeps no history, with every key sent as it is typed; both are
//! ended, and the screen wiped, however the editor ends. Drawing waits while more keys are there. A window
//! that was made too small shows nothing of the card until it is larger again.

use super::super::failure::{FAILED, Failure};
use super::super::terminal::{CLEAR, Unseen, show};
use super::keys::{Decoder, ESCAPE, Input};
use super::sheet::Done;
use super::state::{LEAST, State, Step, View};
use quorate::secret::Zeroizing;
use rustix::io::{Errno, ioctl_fionread};
use rustix::stdio::{stderr, stdin};
use rustix::termios::{OptionalActions, SpecialCodeIndex, tcgetattr, tcgetwinsize, tcsetattr};
use std::path::Path;

/// So many bytes at once are pasted, whether the terminal says so or not: a page, not a line.
const BURST: u64 = 128;

/// Whether the terminal is large enough.
pub(super) fn fits() -> bool {
    let (height, width) = size();
    height >= LEAST.0 && width >= LEAST.1
}

/// What a window shows that was made too small since.
const TOO_SMALL: &str = "enlarge the window, then press a key";

fn size() -> (usize, usize) {
    tcgetwinsize(stderr()).map_or((0, 0), |size| (usize::from(size.ws_row), usize::from(size.ws_col)))
}

/// Lets a person type a card.
pub(super) fn type_card() -> Result<Option<Done>, Failure> {
    let mut state = State::new();
    let mut decoder = Decoder::default();
    let _screen = Screen::begin();
    let mut waiting = false;
    loop {
        if !waiting {
            draw(&state);
        }
        let patience = decoder.patience();
        let input = match read_byte(patience)? {
            Byte::Read(byte) => {
                if patience.is_none()
                    && byte != ESCAPE
                    && ioctl_fionread(stdin()).is_ok_and(|count| count > BURST)
                {
                    decoder.burst();
                }
                decoder.put(byte)
            }
            Byte::Silence => decoder.silence(),
            Byte::End => return Ok(None),
        };
        waiting = ioctl_fionread(stdin()).is_ok_and(|count| count > 0);
        let step = match input {
            None => {
                // In the middle of a sequence nothing changes.
                waiting = true;
                continue;
            }
            Some(Input::Key(key)) => state.press(key, waiting),
            Some(Input::Paste(text)) => state.paste(&text),
        };
        match step {
            Step::Go => {}
            Step::Done(done) => {
                close()?;
                return Ok(Some(*done));
            }
            Step::GaveUp => return Ok(None),
            Step::Interrupted => {
                return Err(Failure::new(FAILED, "interrupted")
                    .hint("nothing was released; run the command again when everybody is ready"));
            }
        }
    }
}

/// Waits until nobody types any more: whoever looks at the paper goes on with the spare lines, which
/// must reach neither the screen nor the shell behind us.
fn close() -> Result<(), Failure> {
    show(&format!(
        "{CLEAR}The card is whole: no more lines are needed. What is typed now is thrown away.\r\n\r\nPress Enter twice to go on. "
    ));
    let mut enters = 0_u8;
    while enters < 2 {
        match read_byte(None)? {
            Byte::Read(b'\r' | b'\n') => enters = enters.saturating_add(1),
            Byte::Read(3) | Byte::End => break,
            Byte::Read(_) | Byte::Silence => enters = 0,
        }
    }
    Ok(())
}

/// The alternate screen and the raw terminal, until dropped.
struct Screen {
    _unseen: Unseen,
}

impl Screen {
    fn begin() -> Self {
        let unseen = Unseen::begin();
        // Pasted text in brackets; terminals that don't know them ignore this.
        show(&format!("\x1b[?1049h\x1b[?2004h{CLEAR}"));
        Self { _unseen: unseen }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        show(&format!("\x1b[?2004l{CLEAR}\x1b[?1049l"));
    }
}

fn draw(state: &State) {
    show(&frame(state, size()));
}

/// What is sent to a terminal of so many rows and columns.
fn frame(state: &State, (height, width): (usize, usize)) -> Zeroizing<String> {
    if height < LEAST.0 || width < LEAST.1 {
        let words: String = TOO_SMALL.chars().take(width.saturating_sub(1)).collect();
        return Zeroizing::new(format!("{CLEAR}{words}"));
    }
    let View { rows, cursor } = state.view(height, width);
    let length = rows.iter().map(|row| row.len().saturating_add(8)).fold(64, usize::saturating_add);
    let mut text = Zeroizing::new(String::with_capacity(length));
    text.push_str("\x1b[H");
    for (row, number) in rows.iter().zip(0_usize..) {
        if number > 0 {
            text.push_str("\r\n");
        }
        text.push_str(row);
        text.push_str("\x1b[K");
    }
    let (row, column) = (cursor.0.saturating_add(1), cursor.1.saturating_add(1));
    text.push_str(&format!("\x1b[J\x1b[{row};{column}H"));
    text
}

enum Byte {
    Read(u8),
    Silence,
    End,
}

/// Reads a byte; with `patience`, for so many tenths of a second only.
fn read_byte(patience: Option<u8>) -> Result<Byte, Failure> {
    let open = patience.is_some();
    if let Some(tenths) = patience {
        wait(0, tenths);
    }
    let mut byte = [0; 1];
    let read = loop {
        match rustix::io::read(stdin(), &mut byte) {
            Err(Errno::INTR) => {}
            other => break other,
        }
    };
    if open {
        wait(1, 0);
    }
    match (read, byte) {
        (Ok(0), _) if open => Ok(Byte::Silence),
        (Ok(0), _) => Ok(Byte::End),
        (Ok(_), [byte]) => Ok(Byte::Read(byte)),
        (Err(errno), _) => Err(Failure::file(Path::new("standard input"), &errno.into())),
    }
}

/// When a read returns: after so many bytes, or so many tenths of a second.
fn wait(least: u8, tenths: u8) {
    if let Ok(mut settings) = tcgetattr(stdin()) {
        settings.special_codes[SpecialCodeIndex::VMIN] = least;
        settings.special_codes[SpecialCodeIndex::VTIME] = tenths;
        let _ = tcsetattr(stdin(), OptionalActions::Now, &settings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::editor::keys::Key;

    #[test]
    fn a_window_that_is_too_small_shows_nothing_of_the_card() {
        let mut state = State::new();
        "MFRGG".chars().for_each(|c| drop(state.press(Key::Char(c), false)));
        assert!(frame(&state, LEAST).contains("MFRGG"));
        for size in [(3, 10), (0, 0), (1, 1), (LEAST.0 - 1, 200), (200, LEAST.1 - 1)] {
            let frame = frame(&state, size);
            let words = frame.strip_prefix(CLEAR).unwrap();
            assert!(TOO_SMALL.starts_with(words) && words.len() < size.1.max(1), "{size:?}: {words}");
        }
    }
}
