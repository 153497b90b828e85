//! `quorate status`: the quorum, the keys, and what needs attention.

use super::args::{Place, Status};
use super::failure::{DIFFERENCE, Failure};
use super::hsm::may_leave;
use super::log::{acknowledged, ahead, heads, inspected, sentence, signers, void};
use super::operator;
use super::output::Output;
use super::session::Session;
use quorate::ceremony::inspect::{Finding, check_destroyed};
use quorate::ceremony::watch::{Level, is_enough};
use quorate::log::{CardHistory, DrillEntry, Drilled, KeyVersion, State};
use quorate::quorum::QuorumRecord;
use quorate::wire::json::{Json, object};
use quorate::wire::time::Timestamp;
use std::collections::BTreeMap;

mod due;

pub(crate) fn run(place: &Place, options: &Status, output: &mut Output) -> Result<(), Failure> {
    let session = Session::reading(place)?;
    let opened = session.open().and_then(|escrow| {
        let record = escrow.state().quorum().map(|_| escrow.quorum()).transpose()?;
        // Metrics say whether the escrow is what its log says: for them everything is read, as `log verify` does.
        let findings = if options.prometheus.is_some() {
            inspected(&escrow)?.findings
        } else {
            heads(&escrow).into_iter().chain(check_destroyed(&escrow)).collect()
        };
        Ok((escrow, record, findings))
    });
    let (escrow, record, findings) = match opened {
        Ok(opened) => opened,
        Err(failure) => {
            due::unreadable(&session, options, output);
            return Err(failure);
        }
    };
    let state = escrow.state();
    let count = |number: usize| Json::Number(u64::try_from(number).unwrap_or_default());
    let checkpoint = escrow.log().checkpoint();
    let watched = due::seen(&escrow, record.as_ref());
    // They are written even when something else is wrong, and what is wrong is told even when they can't be.
    let written = watched.as_ref().map_or(Ok(()), |watch| {
        due::files(&escrow, record.as_ref(), (watch, &findings), options, session.root())
    });
    // What nobody wants to read is written nowhere.
    let mut unread = Output::new(true);
    let quiet = options.quiet && !output.is_json();
    let lines = if quiet { &mut unread } else { &mut *output };
    lines.line(format!("escrow      {}", session.root().display()));
    let mut quorum = None;
    if let Some(record) = &record {
        lines.line(format!("quorum      {} (generation {})", record.id(), record.terms().generation));
        let names: Vec<_> =
            record.terms().custodians.iter().map(|one| format!("{} ({})", one.name, one.seal)).collect();
        lines.line(format!("custodians  any {}: {}", record.scheme(), names.join(", ")));
        if record.scheme().is_fragile() {
            lines.line("            one lost card loses every key: found a quorum with more custodians");
        }
        let histories = state.quorum().map(|entry| entry.cards.clone()).unwrap_or_default();
        let cards = cards(record, &histories, lines);
        quorum = Some(object([
            ("cards", Some(cards)),
            (
                "custodians",
                Some(Json::List(
                    record.terms().custodians.iter().map(|one| Json::text(one.name.clone())).collect(),
                )),
            ),
            ("generation", Some(Json::Number(record.terms().generation.into()))),
            ("id", Some(Json::text(record.id().to_string()))),
            (
                "spare",
                watched.as_ref().ok().and_then(|watch| watch.spare).map(|spare| Json::Number(spare.into())),
            ),
            ("threshold", Some(Json::Number(record.scheme().threshold().into()))),
        ]));
    } else {
        lines.line("quorum      none yet");
    }
    let (keys, versions) =
        (state.keys().values().filter(|key| !key.versions.is_empty()).count(), state.versions());
    let proven = there(state).filter(|one| one.recovered.is_some()).count();
    lines.line(format!(
        "keys        {keys} with {versions} versions, {proven} of them recovered at least once"
    ));
    let drill = state.drills().last().map(|drill| drilled(drill, state, lines));
    lines.line(format!("log         {} records, checkpoint {checkpoint}", checkpoint.seq()));
    lines.line(format!("operators   {}", signers(&escrow)));
    let may_leave = may_leave(state, lines);
    let mut open = Vec::new();
    for (seq, intent) in state.open() {
        let deposit = intent.deposit.as_ref().map(|one| (&one.name, one.version));
        let shred = intent.shreds.as_ref().map(|one| (&one.name, one.version));
        let about = deposit
            .or(shred)
            .map_or_else(String::new, |(name, version)| format!(" of {name} version {version}"));
        lines.line(format!(
            "open        record {seq}: {}{about} by {} at {} has not ended",
            intent.op, intent.actor, intent.time
        ));
        open.push(object([
            ("actor", Some(Json::text(intent.actor.clone()))),
            ("op", Some(Json::text(intent.op.name()))),
            ("seq", Some(Json::Number(*seq))),
            ("time", Some(Json::text(intent.time.to_string()))),
        ]));
    }
    if !state.certificates().is_empty() {
        let count = state.certificates().len();
        lines.line(format!("destroyed   {count} certificates: `quorate destroy list` shows them"));
    }
    if let Ok(watch) = &watched {
        due::lines(watch, lines);
    }
    let is_serious = |finding: &&Finding| finding.is_serious();
    let serious = || findings.iter().filter(is_serious).map(sentence).chain(void(&escrow));
    let mild = findings.iter().filter(|finding| !finding.is_serious()).map(sentence);
    let found: Vec<String> =
        serious().chain(ahead(&escrow)).chain(acknowledged(&escrow)).chain(mild).collect();
    for finding in &found {
        lines.line(format!("found       {finding}"));
    }
    lines.value(object([
        ("checkpoint", Some(Json::text(checkpoint.to_string()))),
        ("certificates", Some(count(state.certificates().len()))),
        ("drill", drill),
        ("due", watched.as_ref().ok().map(due::values)),
        ("found", Some(Json::List(found.iter().cloned().map(Json::text).collect()))),
        ("keys", Some(count(keys))),
        ("may-leave", Some(may_leave)),
        ("open", Some(Json::List(open))),
        ("operators", Some(operator::values(&escrow))),
        ("overdue", watched.as_ref().ok().map(|watch| count(watch.overdue().count()))),
        ("policy", state.policy_entry().map(|entry| Json::Number(entry.seq))),
        ("quorum", quorum),
        ("recovered", Some(count(proven))),
        ("soon", watched.as_ref().ok().map(|watch| count(watch.soon().count()))),
        ("versions", Some(count(versions))),
    ]));
    if quiet {
        // What is known, or does no harm, is nothing to be told of every morning.
        let found = serious().chain(ahead(&escrow));
        found.for_each(|finding| output.line(format!("found       {finding}")));
        watched.iter().for_each(|watch| due::of(watch, Level::Overdue, output));
    }
    if serious().next().is_some() {
        output.finish()?;
        return Err(Failure::new(DIFFERENCE, "this escrow is not what its log says")
            .hint("`quorate log verify` says more; compare with another copy of the escrow, and keep this one as evidence"));
    }
    let ended =
        written.and_then(|()| watched.map_err(due::wrong_clock)).and_then(|watch| due::overdue(&watch));
    if ended.is_err() {
        output.finish()?;
    }
    ended
}

/// The versions that are backed up, without those that were destroyed.
fn there(state: &State) -> impl Iterator<Item = &KeyVersion> {
    let versions = state.keys().values().flat_map(|key| key.versions.values());
    versions.filter(|version| !version.state.is_destroyed())
}

/// The last drill, and how many versions any drill has proven.
fn drilled(drill: &DrillEntry, state: &State, output: &mut Output) -> Json<'static> {
    let Drilled { drill: what, failures, .. } = &drill.drilled;
    let proven = there(state).filter(|one| one.drilled.is_some()).count();
    let counts = is_enough(what, state.policy().drill_percent);
    let small = if counts { "" } else { ", which is not enough for one of all keys" };
    output.line(format!(
        "drill       last {}: {} of {} versions tried{small}, {failures} failed; {proven} of {} proven by any drill",
        drill.time,
        what.count,
        what.population,
        there(state).count()
    ));
    object([
        ("count", Some(Json::Number(what.count))),
        ("counts", Some(Json::Bool(counts && *failures == 0))),
        ("failures", Some(Json::Number(*failures))),
        ("population", Some(Json::Number(what.population))),
        ("proven", Some(Json::Number(u64::try_from(proven).unwrap_or_default()))),
        ("scope", Some(Json::text(what.scope.name()))),
        ("time", Some(Json::text(drill.time.to_string()))),
    ])
}

/// When each card was last known good, and which never was.
fn cards(record: &QuorumRecord, histories: &BTreeMap<u8, CardHistory>, output: &mut Output) -> Json<'static> {
    let (mut good, mut never, mut gone, mut values) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (index, custodian) in (1_u8..=u8::MAX).zip(&record.terms().custodians) {
        let history = histories.get(&index).copied().unwrap_or_default();
        let lost = history.gone.map(|(time, fate)| format!("{} since {time}", fate.name()));
        let destroyed =
            history.destroyed.map(|(time, number)| format!("destroyed {time}, certificate {number}"));
        if let Some(fate) = destroyed.as_ref().or(lost.as_ref()) {
            gone.push(format!("{} ({index}) {fate}", custodian.name));
        }
        match history.good {
            _ if history.is_gone() => {}
            Some(time) => good.push(format!("{} {time}", custodian.name)),
            None => never.push(format!("{} ({index})", custodian.name)),
        }
        let time = |time: Option<Timestamp>| time.map(|time| Json::text(time.to_string()));
        values.push(object([
            ("destroyed", history.destroyed.map(|(_, number)| Json::Number(number))),
            ("gone", history.gone.map(|(_, fate)| Json::text(fate.name()))),
            ("good", time(history.good)),
            ("index", Some(Json::Number(index.into()))),
            ("name", Some(Json::text(custodian.name.clone()))),
            ("share", time(history.share)),
            ("skipped", Some(Json::Bool(history.skipped))),
            ("used", time(history.used)),
        ]));
    }
    if !good.is_empty() {
        output.line(format!("cards       last known good: {}", good.join(", ")));
    }
    if !never.is_empty() {
        let label = if good.is_empty() { "cards       " } else { "            " };
        output.line(format!("{label}never read back: {}", never.join(", ")));
    }
    if !gone.is_empty() {
        output.line(format!("gone        {}", gone.join(", ")));
    }
    Json::List(values)
}
