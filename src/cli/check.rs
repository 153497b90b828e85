//! `quorate check`: is this card good? Each card alone; nothing is recombined.

use super::args::{Check, Place};
use super::camera::{self, Verdict};
use super::cards::{Openers, checked, print_file, read};
use super::editor::type_card;
use super::failure::{DIFFERENCE, FAILED, Failure, card_hint};
use super::gone::gone;
use super::output::{Output, say};
use super::progress::Step;
use super::session::{Session, environment};
use super::terminal::{ask_passphrase, is_interactive};
use super::watch::Watch;
use super::wipe::Given;
use quorate::card::{Collector, verification};
use quorate::ceremony::check::{Good, check};
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::recover::PresentError;
use quorate::log::{Checked, CheckedCard, Medium, Occasion, Op, Phase};
use quorate::quorum::QuorumRecord;
use quorate::seal::{CardHeader, SealKind, SealedShare};
use quorate::share::QuorumId;
use quorate::wire::json::{Json, object};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) fn run(place: &Place, options: &Check, output: &mut Output) -> Result<(), Failure> {
    camera::is_built(&options.camera)?;
    let openers = Openers::of(&options.seals)?;
    let mut collector = Collector::new();
    let mut cards = Vec::new();
    let mut bad = Vec::new();
    for path in &options.cards {
        match read(path, (options.seals.deadline, &Watch::none()), &mut collector, output) {
            Ok(reading) => {
                let source = |card| (card, path.as_path(), reading.medium, reading.is_print_file);
                cards.extend(reading.cards.into_iter().map(source));
            }
            Err(failure) => bad.push(failure),
        }
    }
    if options.typing {
        let card = type_card(false)?.ok_or_else(|| {
            Failure::new(DIFFERENCE, "no whole card was typed")
                .hint("begin again with the card in front of you")
        })?;
        cards.push((card, Path::new("-"), Medium::Text, false));
    }
    if options.camera.camera {
        let shown = shown(place, options, output)?;
        let (have, of) = (shown.len(), usize::from(options.expect));
        if have < of {
            bad.push(
                Failure::new(FAILED, format!("{have} of {of} cards were shown to the camera"))
                    .hint("give pictures of the others as files, or type them"),
            );
        }
        cards.extend(shown.into_iter().map(|card| (card, Path::new("-"), Medium::Picture, false)));
    }
    if let Some((have, of)) = collector.unfinished().next() {
        bad.push(
            Failure::new(DIFFERENCE, format!("{have} of the {of} parts of a long card are here"))
                .hint("give a picture of each part"),
        );
    }
    if !has_escrow(place) {
        if options.record {
            return Err(
                Failure::usage("--record needs an escrow").hint("name it with -C DIR, or in QUORATE_ESCROW")
            );
        }
        let values = cards.iter().map(|(card, ..)| alone(card, output)).collect();
        output.note(
            "no escrow is named, so it can't be said whether this is the card that was issued: add -C DIR",
        );
        return finish(values, bad, output);
    }
    let session = Session::of(place)?;
    let mut escrow = session.open()?;
    let (mut values, mut found, mut given) = (Vec::new(), Vec::new(), Given::default());
    for (card, path, medium, is_print_file) in &cards {
        match one(&escrow, options, &openers, card, output) {
            Ok(good) => {
                values.push(report(card, &good, output));
                let record = quorum_of(&escrow, card)?;
                if let Some(said) = gone(escrow.state(), &record, good.index, &good.custodian) {
                    output.warn(said);
                }
                given.add(path, *is_print_file);
                // What goes into the log is the paper's, as far as can be told.
                if options.record && *is_print_file {
                    bad.push(print_file(path));
                } else {
                    found.push((card.header(), checked(&good, *medium)));
                }
            }
            Err(failure) => bad.push(failure),
        }
    }
    if options.record {
        record(&mut escrow, &found)?;
    }
    output.finish()?;
    given.end(options.wipe_pictures, output)?;
    finish(values, bad, output)
}

fn has_escrow(place: &Place) -> bool {
    place.escrow.is_some() || environment("QUORATE_ESCROW").is_some()
}

/// The cards that are shown to the camera: those of the escrow, if one is named.
fn shown(place: &Place, options: &Check, output: &Output) -> Result<Vec<SealedShare>, Failure> {
    let session = has_escrow(place).then(|| Session::of(place)).transpose()?;
    let escrow = session.as_ref().map(Session::open).transpose()?;
    let mut left = options.expect;
    let mut judge = |card: &SealedShare| {
        let name = match &escrow {
            None => Ok(format!("share {} of quorum {}", card.header().index(), card.header().quorum())),
            Some(escrow) => named(escrow, card),
        };
        match name {
            Err(failure) => Verdict::Refused(failure.message),
            Ok(name) => {
                left = left.saturating_sub(1);
                Verdict::Taken { name, enough: left == 0 }
            }
        }
    };
    camera::cards(&options.camera, &mut judge, output)
}

/// What to call a card that was issued.
fn named(escrow: &Escrow<'_>, card: &SealedShare) -> Result<String, Failure> {
    let good = check(&quorum_of(escrow, card)?, card, None)?;
    Ok(format!("the card of {} (share {})", good.custodian, good.index))
}

/// Gives the result of every card; the status says the worst: a difference before a file that can't be read.
fn finish(mut values: Vec<Json<'static>>, mut bad: Vec<Failure>, output: &mut Output) -> Result<(), Failure> {
    values.extend(bad.iter().map(|failure| {
        object([
            ("error", Some(Json::text(failure.message.clone()))),
            ("good", Some(Json::Bool(false))),
            ("hint", failure.hint.clone().map(Json::text)),
        ])
    }));
    output.value(Json::List(values));
    let status = if bad.iter().any(|one| one.status == DIFFERENCE) { DIFFERENCE } else { FAILED };
    let Some(last) = bad.pop() else { return Ok(()) };
    output.finish()?;
    for failure in bad {
        say(&format!("quorate: error: {}", failure.message));
        if let Some(hint) = failure.hint {
            say(&format!("quorate: hint: {hint}"));
        }
    }
    Err(Failure { status, ..last })
}

/// A card without an escrow to compare it with.
fn alone(card: &SealedShare, output: &mut Output) -> Json<'static> {
    let header = card.header();
    output.line(format!(
        "share {} of quorum {}, generation {}",
        header.index(),
        header.quorum(),
        header.generation()
    ));
    output.line(format!("  any {} recover; sealed with: {}", header.scheme(), card.kind().name()));
    output.line(format!("  verification code {}", verification(&card.digest())));
    output.line("  intact: its bytes pass their check");
    object([
        ("generation", Some(Json::Number(header.generation().into()))),
        ("good", Some(Json::Bool(true))),
        ("index", Some(Json::Number(header.index().into()))),
        ("quorum", Some(Json::text(header.quorum().to_string()))),
        ("seal", Some(Json::text(card.kind().name()))),
        ("share", Some(Json::Bool(false))),
        ("verification", Some(Json::text(verification(&card.digest())))),
    ])
}

fn one(
    escrow: &Escrow<'_>,
    options: &Check,
    openers: &Openers,
    card: &SealedShare,
    output: &Output,
) -> Result<Good, Failure> {
    let record = quorum_of(escrow, card)?;
    let difference = |error: PresentError| {
        let failure = Failure::new(DIFFERENCE, error.to_string());
        match card_hint(&error) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    };
    // The card before its seal: a passphrase is only asked for a card that was issued.
    let good = check(&record, card, None).map_err(difference)?;
    let custodian = &good.custodian;
    if openers.opens(card, custodian) {
        let step = Step::begin(format!("unsealing the card of {custodian}"), 0);
        let opened = openers.open(card, custodian);
        step.done();
        return check(&record, card, Some(opened)).map_err(difference);
    }
    if !options.passphrase || !matches!(card.kind(), SealKind::Passphrase(_)) {
        return Ok(good);
    }
    let mut wrong = None;
    loop {
        let Some(passphrase) =
            ask_passphrase(&format!("{custodian}, your passphrase (Enter alone to leave it out): "))?
        else {
            if let Some(error) = wrong {
                // What was tried and did not open is not left out.
                return Err(difference(error));
            }
            if is_interactive() {
                return Ok(good);
            }
            // A script that asked for the share must not take silence for it.
            return Err(Failure::new(FAILED, format!("no passphrase was given for the card of {custodian}"))
                .hint("add --passphrase-file NAME=FILE, or write it to standard input"));
        };
        let step = Step::begin(format!("unsealing the card of {custodian}"), 0);
        let opened = card.open_passphrase(&passphrase);
        step.done();
        match check(&record, card, Some(opened)) {
            Ok(good) => return Ok(good),
            Err(error) if is_interactive() => {
                output.warn(error.to_string());
                wrong = Some(error);
            }
            Err(error) => return Err(difference(error)),
        }
    }
}

/// The record of the card's own quorum, or, when the escrow doesn't have it, of the newest, which will say so.
fn quorum_of(escrow: &Escrow<'_>, card: &SealedShare) -> Result<QuorumRecord, Failure> {
    Ok(escrow.quorum_by_id(card.header().quorum()).or_else(|_| escrow.quorum())?)
}

/// Logs which cards were good, in one record for each set of cards.
fn record(escrow: &mut Escrow<'_>, found: &[(&CardHeader, CheckedCard)]) -> Result<(), Failure> {
    let mut sets: BTreeMap<_, Vec<CheckedCard>> = BTreeMap::new();
    for (header, card) in found {
        sets.entry((header.quorum().text(), header.generation())).or_default().push(*card);
    }
    for ((quorum, generation), mut cards) in sets {
        let Some(quorum) = QuorumId::from_text(&quorum) else { continue };
        cards.sort_by_key(|card| card.index);
        cards.dedup_by_key(|card| card.index);
        let occasion = Occasion::Check;
        let checked = Checked { quorum, generation, occasion, cards, skipped: Vec::new() };
        escrow.record(Op::Check, Phase::Done, &checked.details())?;
    }
    Ok(())
}

fn report(card: &SealedShare, good: &Good, output: &mut Output) -> Json<'static> {
    let code = verification(&card.digest());
    output.line(format!("the card of {} (share {}) is good", good.custodian, good.index));
    output.line("  it is intact, and the one that was issued");
    output.line(match (good.share, card.kind()) {
        (true, _) => "  its share lies on the quorum's polynomials",
        (false, SealKind::Age) => {
            "  its share was not looked at: that needs what opens its seal (--identity FILE)"
        }
        (false, _) => "  its share was not looked at: that needs what opens its seal (--passphrase)",
    });
    output.line(format!("  verification code {code}"));
    object([
        ("custodian", Some(Json::text(good.custodian.clone()))),
        ("good", Some(Json::Bool(true))),
        ("index", Some(Json::Number(good.index.into()))),
        ("share", Some(Json::Bool(good.share))),
        ("verification", Some(Json::text(code))),
    ])
}
