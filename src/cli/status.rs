//! `quorate status`: the quorum, the keys, and what needs attention.

use super::args::Place;
use super::failure::{DIFFERENCE, Failure};
use super::log::{ahead, sentence, signers, void};
use super::operator;
use super::output::Output;
use super::session::Session;
use quorate::ceremony::inspect::{Finding, check_heads};
use quorate::log::{CardHistory, DrillEntry, Drilled, State};
use quorate::quorum::QuorumRecord;
use quorate::wire::json::{Json, object};
use quorate::wire::time::Timestamp;
use std::collections::BTreeMap;

pub(crate) fn run(place: &Place, output: &mut Output) -> Result<(), Failure> {
    let session = Session::reading(place)?;
    let escrow = session.open()?;
    let state = escrow.state();
    let count = |number: usize| Json::Number(u64::try_from(number).unwrap_or_default());
    let checkpoint = escrow.log().checkpoint();
    output.line(format!("escrow      {}", session.root().display()));
    let mut quorum = None;
    if state.quorum().is_some() {
        let record = escrow.quorum()?;
        output.line(format!("quorum      {} (generation {})", record.id(), record.terms().generation));
        let names: Vec<_> =
            record.terms().custodians.iter().map(|one| format!("{} ({})", one.name, one.seal)).collect();
        output.line(format!("custodians  any {}: {}", record.scheme(), names.join(", ")));
        if record.scheme().is_fragile() {
            output.line("            one lost card loses every key: found a quorum with more custodians");
        }
        let histories = state.quorum().map(|entry| entry.cards.clone()).unwrap_or_default();
        let cards = cards(&record, &histories, output);
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
            ("threshold", Some(Json::Number(record.scheme().threshold().into()))),
        ]));
    } else {
        output.line("quorum      none yet");
    }
    let (keys, versions) =
        (state.keys().values().filter(|key| !key.versions.is_empty()).count(), state.versions());
    let proven = state
        .keys()
        .values()
        .flat_map(|key| key.versions.values())
        .filter(|one| one.recovered.is_some())
        .count();
    output.line(format!(
        "keys        {keys} with {versions} versions, {proven} of them recovered at least once"
    ));
    let drill = state.drills().last().map(|drill| drilled(drill, state, output));
    output.line(format!("log         {} records, checkpoint {checkpoint}", checkpoint.seq()));
    output.line(format!("operators   {}", signers(&escrow)));
    let mut open = Vec::new();
    for (seq, intent) in state.open() {
        let about = intent
            .deposit
            .as_ref()
            .map_or_else(String::new, |one| format!(" of {} version {}", one.name, one.version));
        output.line(format!(
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
    // What a quorum signed is counted above: whoever can write the escrow can write such a record.
    let mut forged = check_heads(&escrow);
    // A record that doesn't count is named as such.
    forged.retain(
        |finding| !matches!(finding, Finding::HeadSignature { seq } if escrow.log().forged() != Some(*seq)),
    );
    let found: Vec<String> = forged.iter().map(sentence).chain(void(&escrow)).chain(ahead(&escrow)).collect();
    for finding in &found {
        output.line(format!("found       {finding}"));
    }
    output.value(object([
        ("checkpoint", Some(Json::text(checkpoint.to_string()))),
        ("drill", drill),
        ("found", Some(Json::List(found.into_iter().map(Json::text).collect()))),
        ("keys", Some(count(keys))),
        ("open", Some(Json::List(open))),
        ("operators", Some(operator::values(&escrow))),
        ("quorum", quorum),
        ("recovered", Some(count(proven))),
        ("versions", Some(count(versions))),
    ]));
    if forged.iter().any(Finding::is_serious) || escrow.log().unacknowledged() > 0 {
        output.finish()?;
        return Err(Failure::new(DIFFERENCE, "this escrow is not what its log says")
            .hint("`quorate log verify` says more; compare with another copy of the escrow, and keep this one as evidence"));
    }
    Ok(())
}

/// The last drill, and how many versions any drill has proven.
fn drilled(drill: &DrillEntry, state: &State, output: &mut Output) -> Json<'static> {
    let Drilled { drill: what, failures, .. } = &drill.drilled;
    let versions = || state.keys().values().flat_map(|key| key.versions.values());
    let proven = versions().filter(|one| one.drilled.is_some()).count();
    output.line(format!(
        "drill       last {}: {} of {} versions tried, {failures} failed; {proven} of {} proven by any drill",
        drill.time,
        what.count,
        what.population,
        versions().count()
    ));
    object([
        ("count", Some(Json::Number(what.count))),
        ("failures", Some(Json::Number(*failures))),
        ("population", Some(Json::Number(what.population))),
        ("proven", Some(Json::Number(u64::try_from(proven).unwrap_or_default()))),
        ("scope", Some(Json::text(what.scope.name()))),
        ("time", Some(Json::text(drill.time.to_string()))),
    ])
}

/// When each card was last known good, and which never was.
fn cards(record: &QuorumRecord, histories: &BTreeMap<u8, CardHistory>, output: &mut Output) -> Json<'static> {
    let (mut good, mut never, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (index, custodian) in (1_u8..=u8::MAX).zip(&record.terms().custodians) {
        let history = histories.get(&index).copied().unwrap_or_default();
        match history.good {
            Some(time) => good.push(format!("{} {time}", custodian.name)),
            None => never.push(format!("{} ({index})", custodian.name)),
        }
        let time = |time: Option<Timestamp>| time.map(|time| Json::text(time.to_string()));
        values.push(object([
            ("good", time(history.good)),
            ("index", Some(Json::Number(index.into()))),
            ("name", Some(Json::text(custodian.name.clone()))),
            ("share", time(history.share)),
            ("skipped", Some(Json::Bool(history.skipped))),
        ]));
    }
    if !good.is_empty() {
        output.line(format!("cards       last known good: {}", good.join(", ")));
    }
    if !never.is_empty() {
        let label = if good.is_empty() { "cards       " } else { "            " };
        output.line(format!("{label}never read back: {}", never.join(", ")));
    }
    Json::List(values)
}
