//! What a command writes: words or JSON on standard output, everything else on standard error.
//!
//! Nothing here panics when a stream can't be written. A result that can't be written is a failure;
//! a message that can't be written is lost, and the exit status still tells.

use super::failure::{FAILED, Failure};
use quorate::wire::json::Json;
use std::io::Write as _;
use std::process::ExitCode;

/// The result of a command, in the making.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    text: Vec<u8>,
    value: Option<Json<'static>>,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json, text: Vec::new(), value: None }
    }

    /// Whether the result is wanted as JSON.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// A line of the result for people.
    pub(crate) fn line(&mut self, line: impl AsRef<str>) {
        if !self.json {
            self.text.extend_from_slice(line.as_ref().as_bytes());
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
        say(note.as_ref());
    }

    /// Something to mind, on standard error.
    pub(crate) fn warn(&self, warning: impl AsRef<str>) {
        say(&format!("quorate: warning: {}", warning.as_ref()));
    }

    /// Writes what there is so far.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        if let Some(value) = self.value.take().filter(|_| self.json) {
            self.text.extend_from_slice(&value.bytes());
            self.text.push(b'\n');
        }
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(&self.text).and_then(|()| stdout.flush());
        self.text.clear();
        written.map_err(|error| Failure::file(std::path::Path::new("standard output"), &error))
    }
}

/// A line on standard error; when that can't be written, nothing.
pub(crate) fn say(line: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(line.as_bytes()).and_then(|()| stderr.write_all(b"\n"));
}

/// Says why a command failed, and gives its exit status.
pub(crate) fn fail(failure: &Failure, json: bool) -> ExitCode {
    say(&format!("quorate: error: {}", failure.message));
    if let Some(hint) = &failure.hint {
        say(&format!("quorate: hint: {hint}"));
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

/// Shows what clap has to say of the arguments.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let text = error.render();
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(text.to_string().as_bytes()).and_then(|()| stdout.flush());
        return if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) };
    }
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    say(&format!("quorate: error: {}", text.trim_end()));
    ExitCode::from(super::failure::USAGE)
}
