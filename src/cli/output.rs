//! What a command writes: words or JSON on standard output, everything else on standard error.
//!
//! Nothing here panics when a stream can't be written. A result that can't be written is a failure;
//! a message that can't be written is lost, and the exit status still tells.

use super::failure::{FAILED, Failure, USAGE};
use quorate::wire::json::Json;
use std::io::Write as _;
use std::process::ExitCode;

/// The result of a command, in the making.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    text: Vec<u8>,
    value: Option<Json<'static>>,
    answered: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json, text: Vec::new(), value: None, answered: false }
    }

    /// Whether the result is wanted as JSON.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a result for programs was written: an error is not put behind it, for one document is wanted.
    pub(crate) const fn answered(&self) -> bool {
        self.answered
    }

    /// A line of the result for people.
    pub(crate) fn line(&mut self, line: impl AsRef<str>) {
        if !self.json {
            self.text.extend_from_slice(plain(line.as_ref()).as_bytes());
            self.text.push(b'\n');
        }
    }

    /// Bytes of the result, as they are, whether or not JSON is wanted.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }

    /// The result for programs.
    pub(crate) fn value(&mut self, value: Json<'static>) {
        self.value = Some(value);
    }

    /// Something to know, on standard error.
    pub(crate) fn note(&self, note: impl AsRef<str>) {
        say(&plain(note.as_ref()));
    }

    /// Several lines to know, on standard error.
    pub(crate) fn note_lines(&self, lines: &str) {
        lines.lines().for_each(|line| self.note(line));
    }

    /// Something to mind, on standard error.
    pub(crate) fn warn(&self, warning: impl AsRef<str>) {
        say(&format!("quorate: warning: {}", plain(warning.as_ref())));
    }

    /// Writes what there is so far.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        if let Some(value) = self.value.take().filter(|_| self.json) {
            self.text.extend_from_slice(&value.bytes());
            self.text.push(b'\n');
            self.answered = true;
        }
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(&self.text).and_then(|()| stdout.flush());
        self.text.clear();
        written.map_err(|error| Failure::file(std::path::Path::new("standard output"), &error))
    }
}

/// Text as a terminal may see it: control characters, and those that turn or hide text, are spelled
/// out, since names of files and records may come from whoever can write an escrow.
pub(crate) fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || turns(c) {
            plain.extend(c.escape_unicode());
        } else {
            plain.push(c);
        }
    }
    plain
}

/// A line on standard error; when that can't be written, nothing.
pub(crate) fn say(line: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(line.as_bytes()).and_then(|()| stderr.write_all(b"\n"));
}

/// Says why a command failed, and gives its exit status.
pub(crate) fn fail(failure: &Failure, json: bool) -> ExitCode {
    say(&format!("quorate: error: {}", plain(&failure.message)));
    if let Some(hint) = &failure.hint {
        say(&format!("quorate: hint: {}", plain(hint)));
    }
    if json {
        let value = quorate::wire::json::object([
            ("error", Some(Json::text(failure.message.clone()))),
            ("hint", failure.hint.clone().map(Json::text)),
            ("status", Some(Json::Number(failure.status.into()))),
        ]);
        let mut bytes = value.bytes();
        bytes.push(b'\n');
        let _ = std::io::stdout().lock().write_all(&bytes);
    }
    ExitCode::from(failure.status)
}

/// Shows what clap has to say of the arguments: help, or an error in the form of all others.
pub(crate) fn usage(error: &clap::Error, json: bool) -> ExitCode {
    let text = error.render().to_string();
    if !error.use_stderr() {
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        return if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) };
    }
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        say(text.trim_end());
        return ExitCode::from(USAGE);
    }
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let mut paragraphs = text.split("\n\n").map(str::trim);
    let message = paragraphs.next().unwrap_or_default().replace("\n ", "");
    let mut failure = Failure::new(USAGE, message);
    let tip = paragraphs.clone().find_map(|one| one.strip_prefix("tip: "));
    let form = paragraphs.find(|one| one.starts_with("Usage: ")).map(|one| one.replace("Usage: ", "usage: "));
    let folder = error.kind() == clap::error::ErrorKind::MissingRequiredArgument && text.contains("<DIR>");
    // `--custodian` takes every word behind it, the folder too.
    let first = "name the escrow's folder before --custodian, as in `quorate init DIR --custodian alice bob`";
    let advice = folder.then(|| first.to_owned()).or(tip.map(str::to_owned)).or(form);
    failure.hint =
        failure.hint.or(advice).or_else(|| Some("`--help` behind the command says what it takes".to_owned()));
    fail(&failure, json)
}
