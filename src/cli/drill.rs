//! `quorate drill`: M custodians prove that keys can be recovered; nothing is released.
//!
//! The same meeting as a recovery's, through the same `gather` and guide. Every chosen key is opened and
//! compared with the log, and wiped; a backup that fails is named and the rest goes on. What is left of a
//! drill is its record, signed by the quorum, with what it covered and how long each step took.

use super::args::{Drill, Place};
use super::camera;
use super::cards::Openers;
use super::evidence::{Account, Held, MATCHED};
use super::failure::{DIFFERENCE, FAILED, Failure};
use super::hsm::TokenPlace;
use super::output::Output;
use super::progress::Step;
use super::prompt;
use super::recover::{begin, ended, gather, since};
use super::session::Session;
use super::terminal::is_interactive;
use super::token::parse;
use super::wipe::Given;
use crate::cli::gone::warn_of_gone;
use core::num::NonZeroU32;
use quorate::ceremony::drill::{
    Choice, DrillError, Drilling, Failure as Missed, Nowhere, Target, fewer_than, least_sample,
};
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::recover::{Gathering, RecoverError};
use quorate::ceremony::report::{Key, Kind};
use quorate::ceremony::watch::is_enough;
use quorate::key::{KeyName, Label};
use quorate::log::{CommitError, ReportOf, Scope, Times};
use quorate::primitive::random::Entropy;
use quorate::quorum::Quorum;
use quorate::wire::json::{Json, object};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

mod packed;
use packed::Packing;

pub(crate) fn run(place: &Place, options: &Drill, output: &mut Output) -> Result<(), Failure> {
    camera::is_built(&options.present.camera)?;
    let led = is_interactive();
    let place = if led { begin::place(place, output)? } else { place.clone() };
    let session = Session::of(&place)?;
    let mut escrow = session.open()?;
    let mut options = options.clone();
    if led && options.names.is_empty() && options.sample.is_none() {
        ask(&mut options, &escrow, output)?;
    }
    drill(&mut escrow, &options, led, output)
}

/// A drill of every key, without a question of which: a step of a script.
pub(super) fn of_all(place: &Place, options: &Drill, output: &mut Output) -> Result<(), Failure> {
    camera::is_built(&options.present.camera)?;
    let session = Session::of(place)?;
    drill(&mut session.open()?, options, is_interactive(), output)
}

/// Asks which keys, until the answer can be used.
fn ask(options: &mut Drill, escrow: &Escrow<'_>, output: &Output) -> Result<(), Failure> {
    let versions = escrow.state().versions();
    output.note(format!("{versions} key versions are backed up in this escrow"));
    loop {
        let question = "which are drilled (names, NAME@VERSION, or sample COUNT; Enter alone: all of them): ";
        let answer = prompt::text(question)?.ok_or_else(left)?;
        let words: Vec<&str> = answer.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        if let ["sample", count] = words.as_slice() {
            match count.parse() {
                Ok(count) => {
                    options.sample = Some(count);
                    return Ok(());
                }
                Err(_) => output.warn(format!("{count:?} is no number of key versions")),
            }
            continue;
        }
        let names: Result<Vec<KeyName>, _> = words.iter().map(|word| word.parse::<KeyName>()).collect();
        match names {
            Err(error) => output.warn(error.to_string()),
            Ok(names) => match names.iter().find_map(|name| escrow.version(name).err()) {
                Some(error) => output.warn(error.to_string()),
                None => {
                    options.names = names;
                    return Ok(());
                }
            },
        }
    }
}

/// Where a drill puts keys, as the command line shows it.
pub(super) trait Destination: Target {
    /// What is said of it, and what leaves now that the log has the drill's end.
    fn release(&mut self, output: &mut Output) -> Result<Option<Json<'static>>, Failure>;
}

impl Destination for Nowhere {
    fn release(&mut self, output: &mut Output) -> Result<Option<Json<'static>>, Failure> {
        output.line("  released    nothing: every key was wiped");
        Ok(None)
    }
}

fn drill(escrow: &mut Escrow<'_>, options: &Drill, led: bool, output: &mut Output) -> Result<(), Failure> {
    let dir = options.to.as_deref().and_then(|to| to.strip_prefix("package:")).filter(|dir| !dir.is_empty());
    if dir.is_none() && !options.wanted.requests.is_empty() {
        return Err(Failure::usage("--for needs --to package:DIR")
            .hint("the folder is where the package for the test key goes"));
    }
    match &options.to {
        None => hold(escrow, options, led, &mut Nowhere, output),
        Some(_) if dir.is_some() => {
            let mut packing = Packing::of(escrow, options, dir.unwrap_or_default(), output)?;
            hold(escrow, options, led, &mut packing, output)
        }
        Some(to) => {
            let spare = TokenPlace::new(parse("--to", to)?, options.reach.clone())?;
            spare.for_a_drill(output, |target, output| hold(escrow, options, led, target, output))
        }
    }
}

/// The drill itself, with a place for the keys.
fn hold(
    escrow: &mut Escrow<'_>,
    options: &Drill,
    led: bool,
    target: &mut dyn Destination,
    output: &mut Output,
) -> Result<(), Failure> {
    let start = Instant::now();
    let openers = Arc::new(Openers::of(&options.present.seals)?);
    let record = escrow.quorum()?;
    openers.are_for(&record)?;
    let mut account = Account::begin(&options.evidence, Some(&record))?;
    if led {
        begin::present(&record, output)?;
    }
    let choice = match options.sample {
        Some(count) => Choice::Sample(count),
        None if options.names.is_empty() => Choice::All,
        None => Choice::Named(options.names.clone()),
    };
    account.of(escrow);
    account.is_asked(escrow, ReportOf::Drill, output);
    let drilling = Drilling::begin(escrow, record.id(), &choice, &mut Entropy::system());
    let drilling = drilling.map_err(refused)?;
    output.note(begun(&drilling, target.word() == "package"));
    let mut gathering = Gathering::new(record);
    let (mut given, mut troubles) = (Given::default(), Vec::new());
    let gathered =
        gather(&options.present, "drill", &openers, &mut gathering, &mut given, &mut troubles, output);
    account.step(escrow, "gathering the custodians", start.elapsed());
    warn_of_gone(escrow, &gathering, &mut troubles, output);
    let mut times = Times { gather: milliseconds(start.elapsed()), ..Times::default() };
    let met = gathered.and_then(|()| {
        let step = Step::begin("combining the shares", 0);
        let quorum = gathering.meet().map_err(|error| Failure::from(RecoverError::from(error)))?;
        let took = step.done();
        account.step(escrow, "combining the shares", took);
        times.meet = milliseconds(took);
        Ok(quorum)
    });
    let quorum = match met {
        Ok(quorum) => quorum,
        Err(failure) => {
            drilling.end(escrow, ended(&failure));
            given.remind(output);
            return Err(failure);
        }
    };
    let count = drilling.chosen().len();
    let step = Step::begin(format!("opening and comparing {}", versions(count)), count);
    let missed = drilling.prove(escrow, &quorum, target, &mut |count| step.at(count));
    let took = step.done();
    account.step(escrow, format!("opening and comparing {}", versions(count)), took);
    account.step(escrow, "the whole recovery", start.elapsed());
    times.open = milliseconds(took);
    times.whole = milliseconds(start.elapsed());
    let keys = keys(escrow, drilling.chosen(), &missed);
    for one in &missed {
        output.warn(format!("{} version {}: {}", one.failed.name, one.failed.version, one.message));
    }
    finish(escrow, drilling, (&quorum, &gathering), target, &missed, times, output)?;
    troubles.into_iter().for_each(|trouble| account.exception(trouble));
    let held = Held {
        kind: Kind::Drill,
        record: gathering.record(),
        cards: gathering.present_shares(),
        keys,
        failures: missed.len(),
    };
    let reported = account.finish(escrow, &quorum, held, output);
    drop(quorum);
    if led {
        output.note(format!("the whole drill took {}", since(start)));
    }
    output.finish()?;
    given.end(options.present.wipe_pictures, output)?;
    reported?;
    match missed.len() {
        0 => Ok(()),
        some => Err(Failure::new(
            DIFFERENCE,
            format!("{} of {} could not be recovered", some, versions(count)),
        )
        .hint("look for another copy of the escrow, and drill these again; `quorate log verify` says what else is wrong")),
    }
}

/// What a report says of each key.
fn keys(escrow: &Escrow<'_>, chosen: &[(Label, NonZeroU32)], missed: &[Missed]) -> Vec<Key> {
    let outcomes: BTreeMap<(&Label, NonZeroU32), &str> =
        missed.iter().map(|one| ((&one.failed.name, one.failed.version), one.failed.why.name())).collect();
    let state = escrow.state().keys();
    let key = |(name, version): &(Label, NonZeroU32)| {
        let outcome = outcomes.get(&(name, *version)).copied().unwrap_or(MATCHED);
        Some(Key {
            fingerprint: state.get(name)?.versions.get(version)?.backed.fingerprint,
            name: name.clone(),
            version: *version,
            outcome: outcome.to_owned(),
        })
    };
    chosen.iter().filter_map(key).collect()
}

/// Logs the end, and says it.
fn finish(
    escrow: &mut Escrow<'_>,
    drilling: Drilling,
    (quorum, gathering): (&Quorum, &Gathering),
    target: &mut dyn Destination,
    missed: &[Missed],
    times: Times,
    output: &mut Output,
) -> Result<(), Failure> {
    let drill = drilling.drill().clone();
    let chosen = drilling.chosen().to_vec();
    let checkpoint = drilling.complete(escrow, quorum, gathering, target, missed, times)?.to_string();
    let failures = u64::try_from(missed.len()).unwrap_or(u64::MAX);
    let proven = drill.count.saturating_sub(failures);
    output.line(format!(
        "drilled {} of {} key versions: {proven} recovered, {failures} failed",
        drill.count, drill.population
    ));
    for one in missed {
        output.line(format!(
            "  failed      {} version {} ({})",
            one.failed.name,
            one.failed.version,
            one.failed.why.name()
        ));
    }
    let fewer =
        (drill.scope == Scope::Sample && failures == 0).then(|| fewer_than(drill.population, drill.count));
    if let Some(fewer) = fewer {
        output.line(format!(
            "  confidence  95 % that fewer than {fewer} of the {} are bad ({})",
            drill.population,
            percent(fewer, drill.population)
        ));
    }
    let percent = escrow.state().policy().drill_percent;
    let counts = failures == 0 && is_enough(&drill, percent);
    if failures == 0 && !counts {
        let least = least_sample(drill.population, percent);
        let or = if least < drill.population { format!(", or a sample of {least}") } else { String::new() };
        output.line(format!(
            "  interval    not this one: the drill that the policy asks for takes all {} key versions{or}",
            drill.population
        ));
    }
    output.line(format!("  custodians  {}", gathering.names().join(", ")));
    output.line(format!(
        "  recovery    {} in all: cards {}, quorum {}, keys {}",
        seconds(times.whole),
        seconds(times.gather),
        seconds(times.meet),
        seconds(times.open)
    ));
    // What could not be recovered isn't in it, and of several requests one may have failed.
    let packages = if missed.is_empty() { target.release(output)? } else { None };
    if !missed.is_empty() {
        output.line("  released    nothing: every key was wiped");
    }
    output.line(format!("  checkpoint  {checkpoint}"));
    let failed = missed.iter().map(|one| {
        object([
            ("name", Some(Json::text(one.failed.name.to_string()))),
            ("version", Some(Json::Number(one.failed.version.get().into()))),
            ("why", Some(Json::text(one.failed.why.name()))),
        ])
    });
    let keys = chosen.iter().map(|(name, version)| Json::text(format!("{name}@{version}")));
    let steps =
        [("gather", times.gather), ("meet", times.meet), ("open", times.open), ("whole", times.whole)];
    output.value(object([
        ("checkpoint", Some(Json::text(checkpoint))),
        ("count", Some(Json::Number(drill.count))),
        ("counts", Some(Json::Bool(counts))),
        ("custodians", Some(Json::List(gathering.names().into_iter().map(Json::text).collect()))),
        ("failed", Some(Json::List(failed.collect()))),
        ("fewer-than", fewer.map(Json::Number)),
        ("keys", Some(Json::List(keys.collect()))),
        ("milliseconds", Some(object(steps.map(|(name, time)| (name, Some(Json::Number(time))))))),
        ("packages", packages),
        ("population", Some(Json::Number(drill.population))),
        ("scope", Some(Json::text(drill.scope.name()))),
    ]));
    Ok(())
}

/// Who leaves before anything began.
fn left() -> Failure {
    Failure::new(FAILED, "left before the drill began").hint("nothing was logged")
}

/// Why a drill did not begin.
fn refused(error: CommitError<DrillError>) -> Failure {
    match error {
        CommitError::Refused(DrillError::Escrow(error)) => error.into(),
        CommitError::Refused(DrillError::NoKeys) => Failure::new(FAILED, DrillError::NoKeys.to_string())
            .hint("`quorate generate trial --kind aes-256` makes a key to try it with"),
        error => error.into(),
    }
}

/// What is about to be proven.
fn begun(drilling: &Drilling, package: bool) -> String {
    let drill = drilling.drill();
    match drill.scope {
        _ if package => {
            "a drill of 1 key version, into a test key; a package for it will be released, and nothing else"
                .to_owned()
        }
        Scope::All => format!("a drill of all {} key versions; nothing will be released", drill.count),
        Scope::Named => format!("a drill of {} key versions; nothing will be released", drill.count),
        Scope::Sample => format!(
            "a drill of {} of {} key versions, drawn at random; nothing will be released",
            drill.count, drill.population
        ),
    }
}

fn versions(count: usize) -> String {
    if count == 1 { "1 key version".to_owned() } else { format!("{count} key versions") }
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds in seconds, with one digit behind the point.
pub(super) fn seconds(milliseconds: u64) -> String {
    format!("{:.1} s", Duration::from_millis(milliseconds).as_secs_f32())
}

/// A part of a whole in per cent, rounded up to two digits behind the point.
fn percent(part: u64, whole: u64) -> String {
    let hundredths = part.saturating_mul(10_000).div_ceil(whole.max(1));
    let (whole, rest) =
        (hundredths.checked_div(100).unwrap_or_default(), hundredths.checked_rem(100).unwrap_or_default());
    format!("{whole}.{rest:02} %")
}
