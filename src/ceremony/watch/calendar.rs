//! What is due as a calendar, for people whose day is in one.
//!
//! In: a watch; out: text of RFC 5545 (iCalendar): an all-day event for each item, on the day on which it
//! is overdue, with an alarm the policy's days of warning before. An item keeps its UID from one calendar to
//! the next, so that a program that reads it again moves the event.

use super::{Item, Watch, What};
use crate::primitive::hash::sha256;
use crate::share::QuorumId;
use crate::wire::text::hex;
use crate::wire::time::Timestamp;

/// The most octets of a line, its end not counted (RFC 5545, 3.1).
const LINE: usize = 75;

/// The calendar of an escrow: of its quorum, and as of the last record of its log.
#[must_use]
pub fn calendar(watch: &Watch, quorum: QuorumId, stamp: Timestamp, warn_days: u32) -> String {
    let mut lines = Lines(String::new());
    lines.put("BEGIN:VCALENDAR");
    lines.put("VERSION:2.0");
    lines.put("PRODID:-//quorate//watch//EN");
    lines.put("CALSCALE:GREGORIAN");
    lines.put("METHOD:PUBLISH");
    for item in &watch.items {
        lines.put("BEGIN:VEVENT");
        lines.put(&format!("UID:{}@{}.quorate.invalid", uid(item), quorum.text().to_lowercase()));
        lines.put(&format!("DTSTAMP:{}", moment(stamp)));
        lines.put(&format!("DTSTART;VALUE=DATE:{}", day(item.due)));
        lines.put("TRANSP:TRANSPARENT");
        lines.put(&format!("CATEGORIES:{}", item.what.word()));
        lines.put(&format!("SUMMARY:{}", escaped(&format!("quorate: {}", item.sentence()))));
        lines.put(&format!("DESCRIPTION:{}", escaped(&format!("quorum {quorum}\n{}", item.hint()))));
        lines.put("BEGIN:VALARM");
        lines.put("ACTION:DISPLAY");
        lines.put(&format!("DESCRIPTION:{}", escaped(&item.sentence())));
        lines.put(&format!("TRIGGER:-P{warn_days}D"));
        lines.put("END:VALARM");
        lines.put("END:VEVENT");
    }
    lines.put("END:VCALENDAR");
    lines.0
}

/// What an item is called, as long as it is the same one.
fn uid(item: &Item) -> String {
    let detail = match &item.what {
        What::Failed(..) => "failed".to_owned(),
        What::Card(index, _) => index.to_string(),
        What::Import(_, provider, place) | What::Package(_, provider, place, _) => {
            format!("{provider} {place}")
        }
        What::Displacement(version, provider, place)
        | What::Trial(version, provider, place)
        | What::Unbacked(version, provider, place)
        | What::Sent(version, provider, place, _) => {
            format!("{version} {provider} {place}")
        }
        What::Suspended(version, _) | What::Leaving(version, _) => version.to_string(),
        What::Intent(seq) => seq.to_string(),
        _ => String::new(),
    };
    let digest = hex(&sha256(&[format!("{}\n{}\n{detail}", item.what.word(), item.subject).as_bytes()]));
    format!("{}-{}", item.what.word(), digest.get(..20).unwrap_or_default())
}

fn digits(time: Timestamp) -> String {
    time.to_string().chars().filter(char::is_ascii_digit).collect()
}

/// `YYYYMMDD`.
fn day(time: Timestamp) -> String {
    digits(time).get(..8).unwrap_or_default().to_owned()
}

/// `YYYYMMDDTHHMMSSZ`.
fn moment(time: Timestamp) -> String {
    let digits = digits(time);
    format!("{}T{}Z", digits.get(..8).unwrap_or_default(), digits.get(8..).unwrap_or_default())
}

/// A text as a value (RFC 5545, 3.3.11); other control characters have no place in one.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

struct Lines(String);

impl Lines {
    /// A line, folded between characters, with its end.
    fn put(&mut self, line: &str) {
        let mut length = 0_usize;
        for c in line.chars() {
            if length.saturating_add(c.len_utf8()) > LINE {
                self.0.push_str("\r\n ");
                length = 1;
            }
            self.0.push(c);
            length = length.saturating_add(c.len_utf8());
        }
        self.0.push_str("\r\n");
    }
}
