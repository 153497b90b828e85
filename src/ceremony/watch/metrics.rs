//! What is due as metrics, for a machine that watches machines.
//!
//! In: a log and its watch; out: text in the format of Prometheus (version 0.0.4), as the textfile collector
//! of its node exporter takes it. What an inspection found is in it, so that a number says that an escrow is not
//! what its log says; of one that can't be read, that alone. No label has the name of a key: an escrow with 100,000 keys has as many
//! lines as one with ten.

use super::{Level, Watch, What, losses};
use crate::ceremony::inspect::Finding;
use crate::log::{KeyState, Log};
use crate::quorum::QuorumRecord;
use crate::wire::time::Timestamp;
use core::fmt::Write as _;

/// The metrics of an escrow that can't be read: its log is cut, damaged or gone, or its quorum's record is.
#[must_use]
pub fn unreadable(now: Timestamp) -> String {
    let mut text = Text(String::new());
    text.health(now, false, false);
    text.0
}

/// The metrics of an escrow in which an inspection found this.
#[must_use]
pub fn metrics(log: &Log, record: Option<&QuorumRecord>, watch: &Watch, findings: &[Finding]) -> String {
    let state = log.state();
    let mut text = Text(String::new());
    let is_sound = !findings.iter().any(Finding::is_serious) && log.unacknowledged() == 0;
    text.health(watch.now, true, is_sound);
    text.head("quorate_findings", "What is in the escrow and not as its log says, or of no use there.");
    for word in Finding::WORDS {
        let found = findings.iter().filter(|finding| finding.word() == word).count();
        text.line("quorate_findings", &[("what", word)], u64::try_from(found).unwrap_or(u64::MAX));
    }
    if let Some(record) = record {
        text.head("quorate_info", "The quorum of the escrow.");
        let quorum = record.id().to_string();
        let generation = record.terms().generation.to_string();
        text.line("quorate_info", &[("quorum", &quorum), ("generation", &generation)], 1);
        text.one("quorate_custodians", "Custodians, N.", record.scheme().count().into());
        text.one(
            "quorate_threshold",
            "Custodians that a recovery takes, M.",
            record.scheme().threshold().into(),
        );
        let spare = u64::from(watch.spare.unwrap_or_default());
        text.one("quorate_spare_cards", "Cards beyond those that a recovery takes.", spare);
        let can = u64::from(watch.spare.is_some());
        text.one("quorate_recoverable", "1 when enough cards are left for a recovery.", can);
        text.head("quorate_cards_gone", "Cards that nobody can bring any more.");
        let losses = losses(state);
        for fate in ["destroyed", "lost", "stolen", "unreadable"] {
            text.line("quorate_cards_gone", &[("fate", fate)], losses.get(fate).copied().unwrap_or_default());
        }
    }
    text.one("quorate_log_records", "Records of the log.", log.checkpoint().seq());
    text.one("quorate_log_void_records", "Records that do not count.", log.voids());
    let unknown = log.unacknowledged();
    text.one(
        "quorate_log_unacknowledged_records",
        "Those of them that no founder has acknowledged.",
        unknown,
    );
    let last = log.last_time().map(Timestamp::unix).unwrap_or_default();
    text.one("quorate_log_last_timestamp_seconds", "When the last record was written.", last);
    text.head("quorate_key_versions", "Key versions by their state.");
    let mut counts = KeyState::ALL.map(|state| (state, 0_u64));
    for version in state.keys().values().flat_map(|key| key.versions.values()) {
        if let Some((_, count)) = counts.iter_mut().find(|(state, _)| *state == version.state) {
            *count = count.saturating_add(1);
        }
    }
    for (state, count) in counts {
        text.line("quorate_key_versions", &[("state", state.name())], count);
    }
    let certificates = u64::try_from(state.certificates().len()).unwrap_or(u64::MAX);
    text.one("quorate_certificates", "Certificates of destruction.", certificates);
    if let Some(drill) = state.drills().last() {
        text.one("quorate_drill_last_timestamp_seconds", "When the last drill ended.", drill.time.unix());
        text.one(
            "quorate_drill_last_failures",
            "Key versions that it did not recover.",
            drill.drilled.failures,
        );
    }
    for (name, help, level) in [
        ("quorate_overdue", "What is overdue.", Level::Overdue),
        ("quorate_due_soon", "What will be overdue within the days of warning.", Level::Soon),
    ] {
        text.head(name, help);
        for word in What::WORDS {
            let found = watch.items.iter().filter(|item| item.level == level && item.what.word() == word);
            text.line(name, &[("what", word)], u64::try_from(found.count()).unwrap_or(u64::MAX));
        }
    }
    text.head("quorate_next_due_timestamp_seconds", "When the next of its kind is overdue.");
    for word in What::WORDS {
        if let Some(next) = watch.items.iter().find(|item| item.what.word() == word) {
            text.line("quorate_next_due_timestamp_seconds", &[("what", word)], next.due.unix());
        }
    }
    text.0
}

struct Text(String);

impl Text {
    fn head(&mut self, name: &str, help: &str) {
        // A text in memory takes whatever is written.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    /// What is there of every escrow, whatever became of it.
    fn health(&mut self, now: Timestamp, is_readable: bool, is_sound: bool) {
        self.one("quorate_watch_timestamp_seconds", "When this was written.", now.unix());
        let help = "1 when the log and the quorum's record can be read; else nothing more is said.";
        self.one("quorate_readable", help, is_readable.into());
        self.one("quorate_sound", "1 when the escrow is what its log says.", is_sound.into());
    }

    fn one(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help);
        self.line(name, &[], value);
    }
}
