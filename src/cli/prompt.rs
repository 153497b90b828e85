//! What a person at a guided ceremony says: a command, paths, or the text of a card.
//!
//! A line is read whole, edited by the terminal itself, so that it works on every terminal and with
//! every screen reader. Ctrl-C comes back as an answer, to be asked about; Ctrl-Z and resizing are the
//! terminal's business. Paths are taken as people give them: quoted, with `~`, dragged onto the
//! window, several at once. The text of a card may be pasted; nothing here reads a file.

use super::failure::Failure;
use super::session::environment;
use super::terminal::{read_line, show};
use quorate::card::is_code;
use quorate::secret::{SecretBytes, SecretWriter};
use rustix::io::ioctl_fionread;
use rustix::stdio::stdin;
use rustix::termios::{OptionalActions, QueueSelector, SpecialCodeIndex, Termios, isatty};
use rustix::termios::{tcflush, tcgetattr, tcsetattr};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The longest text of a card that is pasted or typed.
const LONGEST: usize = 64 * 1024;
/// The most files in one answer.
const MOST: usize = 512;
/// Ctrl-C.
pub(super) const INTERRUPT: u8 = 3;

/// Lines that were typed while something else was waited for.
static KEPT: Mutex<VecDeque<SecretBytes>> = Mutex::new(VecDeque::new());

/// What was said.
pub(crate) enum Said {
    /// Enter alone.
    Nothing,
    /// The wish to leave: Ctrl-C, or the end of the input.
    Leave,
    /// A word that the caller knows, and what stood behind it.
    Word(&'static str, String),
    /// The first line of a card's text.
    Text(SecretBytes),
    /// Files.
    Paths(Vec<PathBuf>),
}

/// Asks; an answer whose first word is one of `words` is that word.
pub(crate) fn ask(prompt: &str, words: &[&'static str]) -> Result<Said, Failure> {
    let Some(line) = line(prompt)? else { return Ok(Said::Leave) };
    if is_card_text(line.expose()) {
        return Ok(Said::Text(line));
    }
    let text = String::from_utf8_lossy(line.expose()).trim().to_owned();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
    let known = words.iter().find(|word| first.eq_ignore_ascii_case(word));
    Ok(match known {
        _ if text.is_empty() => Said::Nothing,
        Some(word) => Said::Word(word, rest.trim().to_owned()),
        None => Said::Paths(paths(&text)),
    })
}

/// Asks for one line of text; `None` when the person wants to leave.
pub(crate) fn text(prompt: &str) -> Result<Option<String>, Failure> {
    let line = line(prompt)?;
    Ok(line.map(|line| String::from_utf8_lossy(line.expose()).trim().to_owned()))
}

/// Asks a question that only `yes` or `y` answers with yes; who leaves the question says `leaving`.
pub(crate) fn confirm(question: &str, leaving: bool) -> Result<bool, Failure> {
    let answer = text(&format!("{question} [y/N] "))?;
    Ok(answer.map_or(leaving, |answer| matches!(answer.to_lowercase().as_str(), "y" | "yes")))
}

/// The rest of a card's text behind its `first` line: what is pasted along, and then, as long as
/// `is_whole` doesn't hold, what is asked for. `None` when the person wants to leave.
pub(crate) fn rest(
    first: &SecretBytes,
    is_whole: &dyn Fn(&[u8]) -> bool,
) -> Result<Option<SecretBytes>, Failure> {
    let mut text = SecretWriter::new(LONGEST);
    // A line is shorter than a card's text may be.
    let _ = text.put(first.expose()).and_then(|()| text.put(b"\n"));
    loop {
        let waiting = is_waiting();
        if !waiting && is_whole(text.written()) {
            break;
        }
        let Some(more) = line(if waiting { "" } else { "the next line (Enter alone after the last): " })?
        else {
            return Ok(None);
        };
        let full = text.put(more.expose()).and_then(|()| text.put(b"\n")).is_err();
        if full || (more.expose().trim_ascii().is_empty() && !is_waiting()) {
            break;
        }
    }
    Ok(Some(text.finish()))
}

/// Reads a line; `None` for Ctrl-C and for the end of the input.
fn line(prompt: &str) -> Result<Option<SecretBytes>, Failure> {
    match line_or_interrupt(prompt) {
        Err(failure) if failure.is_interrupt() => Ok(None),
        read => read,
    }
}

/// Reads a line; `None` at the end of the input.
///
/// # Errors
/// The input can't be read, or Ctrl-C.
pub(super) fn line_or_interrupt(prompt: &str) -> Result<Option<SecretBytes>, Failure> {
    let line = {
        let _asked = Asked::begin();
        show(prompt);
        match kept().pop_front() {
            Some(line) => Some(line),
            None => read_line(false)?,
        }
    };
    if isatty(stdin()) {
        if line.is_none() {
            show("\n");
        } else if line.as_ref().is_some_and(|line| line.expose().last() == Some(&INTERRUPT)) {
            show("\n");
            return Err(Failure::interrupted());
        }
    }
    Ok(line)
}

fn kept() -> MutexGuard<'static, VecDeque<SecretBytes>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Forgets the lines that were kept for a question.
pub(super) fn forget_kept() {
    kept().clear();
}

/// Keeps the lines that were typed while the terminal is [`Asked`] and nothing is asked; true, and none
/// of them kept, when Ctrl-C was among them.
pub(super) fn typed_meanwhile() -> bool {
    while kept().len() < MOST && ioctl_fionread(stdin()).is_ok_and(|bytes| bytes > 0) {
        let Ok(Some(line)) = read_line(false) else { return false };
        if line.expose().last() == Some(&INTERRUPT) {
            forget_kept();
            show("\n");
            return true;
        }
        kept().push_back(line);
    }
    false
}

/// Whether more lines are there already, as when several are pasted.
fn is_waiting() -> bool {
    if !kept().is_empty() {
        return true;
    }
    std::thread::sleep(Duration::from_millis(60));
    ioctl_fionread(stdin()).is_ok_and(|bytes| bytes > 0)
}

/// Forgets what was typed or pasted ahead: the lines of a card that are left when the others were enough.
pub(crate) fn forget_rest() {
    forget_kept();
    while is_waiting() {
        if tcflush(stdin(), QueueSelector::IFlush).is_err() {
            break;
        }
    }
}

/// Whether a line is the text of a code, or one of a card's typed lines. No path looks like that.
fn is_card_text(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    if core::str::from_utf8(line).is_ok_and(is_code) {
        return true;
    }
    let words = || line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let group = |word: &&[u8]| word.len() == 5 && word.iter().all(u8::is_ascii_alphanumeric);
    let number = |word: &&[u8]| word.len() <= 3 && word.first().is_some_and(u8::is_ascii_digit);
    let (groups, numbers) = (words().filter(group).count(), words().take(1).filter(number).count());
    groups >= 4 && words().count() <= groups.saturating_add(numbers).saturating_add(1)
}

/// The files that a person named: one whose name is the whole answer, or words as a shell has them.
pub(crate) fn paths(text: &str) -> Vec<PathBuf> {
    let whole = expanded(text);
    if whole.symlink_metadata().is_ok() {
        return vec![whole];
    }
    match words(text) {
        Some(words) => words.iter().take(MOST).map(|word| expanded(word)).collect(),
        None => vec![whole],
    }
}

/// Words with quotes and backslashes taken off; `None` when a quote is left open.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut quote, mut any) = (String::new(), None, false);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, '\'' | '"') => (quote, any) = (Some(letter), true),
            (Some(open), _) if open == letter => quote = None,
            (None | Some('"'), '\\') => word.push(letters.next().unwrap_or('\\')),
            (None, _) if letter.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(core::mem::take(&mut word));
                }
                any = false;
            }
            _ => word.push(letter),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    quote.is_none().then_some(words)
}

/// A path with `~/` and `file://` spelled out.
fn expanded(word: &str) -> PathBuf {
    if let Some(rest) = word.strip_prefix("file://") {
        return PathBuf::from(unescaped(rest));
    }
    match (word.strip_prefix("~/"), environment("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(word),
    }
}

/// The text of an address, its `%20` and the like as what they stand for.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| core::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The terminal as it is for a question, until dropped: Ctrl-C ends the line instead of the program.
#[derive(Debug)]
pub(super) struct Asked(Option<Termios>);

impl Asked {
    pub(super) fn begin() -> Self {
        let Some(before) = tcgetattr(stdin()).ok() else { return Self(None) };
        let mut asked = before.clone();
        asked.special_codes[SpecialCodeIndex::VINTR] = 0;
        asked.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
        // What was typed ahead or pasted stays.
        let set = tcsetattr(stdin(), OptionalActions::Now, &asked);
        Self(set.is_ok().then_some(before))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_card_text, unescaped, words};

    #[test]
    fn paths_as_people_give_them() {
        let of = |text: &str| words(text).unwrap_or_default();
        assert_eq!(of("a.png"), ["a.png"]);
        assert_eq!(of("'a b.png' "), ["a b.png"]);
        assert_eq!(of("\"a b.png\" c.png"), ["a b.png", "c.png"]);
        assert_eq!(of(r"a\ b.png 'it'\''s.png'"), ["a b.png", "it's.png"]);
        assert_eq!(of(r#""a\"b" '' x"#), ["a\"b", "", "x"]);
        assert!(words("'open").is_none());
        assert!(of("  ").is_empty());
        assert_eq!(unescaped("/a%20b%C3%A9%zz%"), "/a bé%zz%");
    }

    #[test]
    fn texts_of_cards_are_no_paths() {
        assert!(is_card_text(b" QUORATE/1/AEA52FBI"));
        assert!(is_card_text(b"quorate/1/aea"));
        assert!(is_card_text(b"01  AEA52 FBIXF 3AMOJ HRHYQ AAIBA KOPYH"));
        assert!(is_card_text(b"AEA52 FBIXF 3AMOJ HRHYQ AAIBA KOPYH"));
        assert!(is_card_text(b"1 AEA52 FBIXF 3AMO HRHYQ AAIBA"));
        for path in ["cards/1-alice.png", "a b c d", "01 scan.png", "first other third", ""] {
            assert!(!is_card_text(path.as_bytes()), "{path}");
        }
    }
}
