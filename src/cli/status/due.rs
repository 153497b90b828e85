//! What is due and overdue, in words, for programs, as metrics and as a calendar.

use crate::cli::args::Status;
use crate::cli::failure::{DIFFERENCE, FAILED, Failure};
use crate::cli::files::Replaceable;
use crate::cli::output::Output;
use crate::cli::session::Session;
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::inspect::Finding;
use quorate::ceremony::watch::calendar::calendar;
use quorate::ceremony::watch::metrics::{metrics, unreadable as no_metrics};
use quorate::ceremony::watch::{Item, Level, Watch, What, WrongClock, watch};
use quorate::quorum::QuorumRecord;
use quorate::wire::json::{Json, object};
use std::path::Path;

/// How our metrics begin.
const METRICS: &[u8] = b"# HELP quorate_";
/// How our calendars begin.
const CALENDAR: &[u8] = b"BEGIN:VCALENDAR";
/// The most items of one kind that are shown, in words; of 25,000 keys nobody reads all.
const SHOWN: usize = 20;
/// The most items that are given to programs.
const LISTED: usize = 1000;

/// What the watch sees.
pub(super) fn seen(escrow: &Escrow<'_>, record: Option<&QuorumRecord>) -> Result<Watch, WrongClock> {
    watch(escrow.state(), record, escrow.log().last_time(), escrow.now())
}

/// The lines of what is overdue, and of what soon will be.
pub(super) fn lines(watch: &Watch, output: &mut Output) {
    of(watch, Level::Overdue, output);
    of(watch, Level::Soon, output);
    if !watch.items.is_empty() && watch.items.iter().all(|item| item.level == Level::Later) {
        let next = watch.items.first().map(|item| format!("next {}: {}", item.due, item.sentence()));
        output.line(format!("due         {}", next.unwrap_or_default()));
    }
}

/// The lines of what is as pressing as this, kind by kind.
pub(super) fn of(watch: &Watch, level: Level, output: &mut Output) {
    for word in What::WORDS {
        let found = || watch.items.iter().filter(|item| item.level == level && item.what.word() == word);
        for item in found().take(SHOWN) {
            output.line(line(item));
        }
        let more = found().count().saturating_sub(SHOWN);
        if more > 0 {
            output.line(format!("{:<11} {more} more of {word}; --json lists up to {LISTED}", level.name()));
        }
    }
}

/// One line: how pressing, since or until when, what, and what to do.
fn line(item: &Item) -> String {
    format!("{:<11} {}: {} ({})", item.level.name(), item.due, item.sentence(), item.hint())
}

/// What is overdue or soon will be, for programs; the first [`LISTED`].
pub(super) fn values(watch: &Watch) -> Json<'static> {
    let value = |item: &Item| {
        object([
            ("due", Some(Json::text(item.due.to_string()))),
            ("hint", Some(Json::text(item.hint()))),
            ("level", Some(Json::text(item.level.name()))),
            ("sentence", Some(Json::text(item.sentence()))),
            ("subject", Some(Json::text(item.subject.clone()))),
            ("what", Some(Json::text(item.what.word()))),
        ])
    };
    Json::List(watch.overdue().chain(watch.soon()).take(LISTED).map(value).collect())
}

/// Writes the files that were asked for, none when one of them may not be: `root` is the escrow.
pub(super) fn files(
    escrow: &Escrow<'_>,
    record: Option<&QuorumRecord>,
    (watch, findings): (&Watch, &[Finding]),
    options: &Status,
    root: &Path,
) -> Result<(), Failure> {
    let of = |path, begins| Replaceable::of(path, begins, root);
    let prometheus = options.prometheus.as_deref().map(|path| of(path, METRICS)).transpose()?;
    let ics = options.ics.as_deref().map(|path| of(path, CALENDAR)).transpose()?;
    if let (Some(one), Some(other)) = (&prometheus, &ics)
        && one.is(other)
    {
        return Err(
            Failure::usage("--prometheus and --ics name the same file").hint("name a file for each of them")
        );
    }
    if let Some(file) = prometheus {
        file.write(metrics(escrow.log(), record, watch, findings).as_bytes())?;
    }
    if let Some(file) = ics {
        let record = record.ok_or_else(|| {
            Failure::new(FAILED, "this escrow has no quorum yet, and so nothing for a calendar")
                .hint("found one with `quorate init`")
        })?;
        let stamp = escrow.log().last_time().unwrap_or(watch.now);
        let calendar = calendar(watch, record.id(), stamp, escrow.state().policy().warn_days);
        file.write(calendar.as_bytes())?;
    }
    Ok(())
}

/// Has the metrics say that the escrow can't be read: nobody looks at a file that merely grows old.
pub(super) fn unreadable(session: &Session, options: &Status, output: &Output) {
    let Some(path) = &options.prometheus else { return };
    let file = Replaceable::of(path, METRICS, session.root());
    // Why the escrow can't be read is the failure to tell; this one comes on top of it.
    if let Err(failure) = file.and_then(|file| file.write(no_metrics(session.now()).as_bytes())) {
        output.warn(failure.message);
    }
}

/// The failure that something is overdue, when something is.
pub(super) fn overdue(watch: &Watch) -> Result<(), Failure> {
    let count = watch.overdue().count();
    let words = match count {
        0 => return Ok(()),
        1 => "1 thing is overdue".to_owned(),
        count => format!("{count} things are overdue"),
    };
    Err(Failure::new(DIFFERENCE, words).hint("each line that begins with overdue says what to do"))
}

/// A clock that can't be believed.
pub(super) fn wrong_clock(error: WrongClock) -> Failure {
    Failure::new(FAILED, error.to_string())
}
