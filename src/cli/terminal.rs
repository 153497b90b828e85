//! Questions to the person at the keyboard, and what only their eyes should see.
//!
//! Input is read byte by byte from the descriptor, never ahead: what is piped in for a later
//! question stays there. A passphrase is typed unseen, into wiped memory. A generated one is shown
//! on the terminal's alternate screen, which keeps no history, and wiped from it.

use super::failure::Failure;
use quorate::secret::{Passphrase, SecretBytes, SecretWriter};
use rustix::stdio::{stderr, stdin};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcsetattr};
use std::io::Write as _;

/// The longest line that is read.
const LONGEST: usize = 8192;
/// Wipes the screen and its history.
pub(crate) const CLEAR: &str = "\x1b[2J\x1b[3J\x1b[H";

/// Whether a person can be asked and shown something.
pub(crate) fn is_interactive() -> bool {
    isatty(stdin()) && isatty(stderr())
}

/// Whether the terminal can hide what it showed.
pub(crate) fn can_reveal() -> bool {
    is_interactive() && !is_dumb()
}

/// Whether nothing should move on the terminal: it can't, or a person asked for that (a screen reader).
pub(crate) fn is_plain() -> bool {
    is_dumb() || super::session::environment("QUORATE_PLAIN").is_some()
}

fn is_dumb() -> bool {
    super::session::environment("TERM").is_none_or(|term| term == "dumb")
}

/// Writes to standard error at once; what can't be written is lost.
pub(crate) fn show(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// Asks for a line; `None` at the end of the input.
///
/// # Errors
/// The input can't be read, or Ctrl-C: then what was begun is ended as after any other error.
pub(crate) fn ask(prompt: &str) -> Result<Option<SecretBytes>, Failure> {
    super::prompt::line_or_interrupt(prompt)
}

/// Asks a question that only `yes` or `y` answers with yes.
pub(crate) fn confirm(question: &str) -> Result<bool, Failure> {
    let answer = ask(&format!("{question} [y/N] "))?;
    let answer = answer.map(|line| String::from_utf8_lossy(line.expose()).trim().to_lowercase());
    Ok(matches!(answer.as_deref(), Some("y" | "yes")))
}

/// Asks for a line, unseen; `None` at the end of the input.
pub(crate) fn ask_unseen(prompt: &str) -> Result<Option<SecretBytes>, Failure> {
    let line = {
        // Before the prompt: whoever types at once is not seen either, and nothing of it is lost.
        let _unseen = Unseen::begin();
        // What was typed ahead for another question is no secret of this one.
        super::prompt::forget_kept();
        show(prompt);
        read_line(isatty(stdin()))?
    };
    // What comes next begins a line, also when there was nothing to read.
    if isatty(stdin()) || line.is_none() {
        show("\n");
    }
    Ok(line)
}

/// Asks for a passphrase, unseen; `None` for an empty line or the end of the input.
pub(crate) fn ask_passphrase(prompt: &str) -> Result<Option<Passphrase>, Failure> {
    loop {
        match ask_unseen(prompt)? {
            None => return Ok(None),
            Some(line) if line.is_empty() => return Ok(None),
            Some(line) => match Passphrase::parse(line.expose()) {
                Ok(passphrase) => return Ok(Some(passphrase)),
                Err(error) => show(&format!("{error}\n")),
            },
        }
    }
}

/// Shows a secret on the alternate screen until Enter is pressed, then wipes the screen.
pub(crate) fn reveal(before: &str, secret: &Passphrase, after: &str) -> Result<(), Failure> {
    let unseen = Unseen::begin();
    show(&format!("\x1b[?1049h{CLEAR}{before}\n\n    "));
    {
        let mut stderr = std::io::stderr().lock();
        let _ = stderr.write_all(secret.expose()).and_then(|()| stderr.flush());
    }
    show(&format!("\n\n{after}"));
    let read = read_line(isatty(stdin()));
    show(&format!("{CLEAR}\x1b[?1049l"));
    drop(unseen);
    // A terminal that has gone would be asked for ever.
    read?.map(drop).ok_or_else(|| Failure::new(super::failure::FAILED, "the input has ended"))
}

/// Reads up to a line end. With `editing`, the terminal sends every key, and the keys that edit are ours.
pub(super) fn read_line(editing: bool) -> Result<Option<SecretBytes>, Failure> {
    let mut line = SecretWriter::new(LONGEST);
    let mut any = false;
    loop {
        let mut byte = [0; 1];
        match rustix::io::read(stdin(), &mut byte) {
            Ok(0) => return Ok(any.then(|| line.finish())),
            Ok(_) => any = true,
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => return Err(Failure::file(std::path::Path::new("standard input"), &errno.into())),
        }
        match byte {
            [b'\n'] => return Ok(Some(line.finish())),
            [super::prompt::INTERRUPT] if !editing => {
                // A question of `prompt`, where it ends the line and is left in it.
                let _ = line.put(&byte);
                return Ok(Some(line.finish()));
            }
            [b'\r'] if editing => return Ok(Some(line.finish())),
            [3] if editing => {
                return Err(Failure::interrupted());
            }
            [4] if editing && line.written().is_empty() => return Ok(None),
            [8 | 127] if editing => {
                // A character of several bytes goes as a whole.
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            [21] if editing => while line.pop().is_some() {},
            byte => {
                if line.put(&byte).is_err() {
                    return Err(Failure::new(
                        super::failure::FAILED,
                        format!("a line is longer than {LONGEST} bytes"),
                    ));
                }
            }
        }
    }
}

/// The terminal without echo, until dropped. Every key comes as it is typed, Ctrl-C too, so that the
/// terminal is never left dumb.
pub(crate) struct Unseen(Option<Termios>);

impl Unseen {
    pub(crate) fn begin() -> Self {
        let Some(before) = tcgetattr(stdin()).ok() else { return Self(None) };
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        let set = tcsetattr(stdin(), OptionalActions::Flush, &quiet);
        Self(set.is_ok().then_some(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}
