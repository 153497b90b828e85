//! `quorate custodian`: a card that is lost, or found again.

use super::args::{Custodian, CustodianCommand, Place};
use super::failure::{FAILED, Failure};
use super::output::Output;
use super::session::Session;
use super::state::is_line;
use quorate::ceremony::escrow::Escrow;
use quorate::log::{CardChange, CardId, Fate, Op, Phase};
use quorate::wire::json::{Json, object};

pub(crate) fn run(place: &Place, options: &Custodian, output: &mut Output) -> Result<(), Failure> {
    let session = Session::of(place)?;
    let mut escrow = session.open()?;
    match &options.command {
        CustodianCommand::Lost { name, reason, stolen, unreadable } => {
            let fate = match (stolen, unreadable) {
                (true, _) => Fate::Stolen,
                (_, true) => Fate::Unreadable,
                _ => Fate::Lost,
            };
            change(&mut escrow, name, fate, reason, output)
        }
        CustodianCommand::Found { name, reason } => change(&mut escrow, name, Fate::Found, reason, output),
    }
}

/// The card of a custodian, and how the quorum's record spells their name.
pub(super) fn card_of(escrow: &Escrow<'_>, name: &str) -> Result<(CardId, String), Failure> {
    let record = escrow.quorum()?;
    let mut custodians = (1_u8..=u8::MAX).zip(&record.terms().custodians);
    let found = custodians.find(|(_, one)| one.name.to_lowercase() == name.to_lowercase());
    let (index, custodian) = found.ok_or_else(|| {
        let names: Vec<&str> = record.terms().custodians.iter().map(|one| one.name.as_str()).collect();
        Failure::usage(format!("{name} is no custodian of this quorum"))
            .hint(format!("its custodians are {}", names.join(", ")))
    })?;
    let card = CardId { quorum: record.id(), generation: record.terms().generation, index };
    Ok((card, custodian.name.clone()))
}

fn change(
    escrow: &mut Escrow<'_>,
    name: &str,
    fate: Fate,
    reason: &str,
    output: &mut Output,
) -> Result<(), Failure> {
    let (card, name) = card_of(escrow, name)?;
    is_line(reason)?;
    let history = escrow.state().quorum().and_then(|entry| entry.cards.get(&card.index)).copied();
    let history = history.unwrap_or_default();
    if let Some((time, certificate)) = history.destroyed {
        return Err(Failure::new(FAILED, format!("the card of {name} was destroyed {time}")).hint(format!(
            "see `quorate destroy print {certificate}`; a card that shows up all the same is evidence"
        )));
    }
    match (fate, history.gone) {
        (Fate::Found, None) => {
            return Err(Failure::new(FAILED, format!("the card of {name} is not missing"))
                .hint("`quorate status` says which cards are"));
        }
        (fate, Some((time, known))) if fate == known => {
            return Err(Failure::new(FAILED, format!("the card of {name} is {} since {time}", known.name()))
                .hint("nothing was written; `quorate custodian found` says that it is there again"));
        }
        _ => {}
    }
    let details = CardChange { card, fate, reason: reason.to_owned() }.details();
    let checkpoint = escrow.record(Op::Card, Phase::Done, &details)?;
    output.line(format!("the card of {name} (share {}) is {}", card.index, fate.name()));
    output.line(format!("checkpoint  {checkpoint}"));
    output.value(object([
        ("card", Some(Json::text(fate.name()))),
        ("checkpoint", Some(Json::text(checkpoint.to_string()))),
        ("custodian", Some(Json::text(name))),
        ("index", Some(Json::Number(card.index.into()))),
    ]));
    output.finish()?;
    match fate {
        Fate::Found => output.note("check it now: `quorate check --record`, from the paper"),
        Fate::Stolen => output.note(
            "whoever has it needs more cards and what opens their seals; see docs/operator.md, Lost cards",
        ),
        _ => output.note("find out where it is; see docs/operator.md, Lost cards"),
    }
    Ok(())
}
