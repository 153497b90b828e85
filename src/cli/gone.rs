//! Cards that are there although the log has them as gone: lost, stolen, unreadable, or destroyed.
//!
//! Such a card is a copy, or was found, or somebody says what isn't so. It works, and everybody present hears of
//! it; nothing is refused, since a recovery may need it.

use super::output::Output;
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::recover::Gathering;
use quorate::log::State;
use quorate::quorum::QuorumRecord;

/// What the log says against the card of share `index` of `record`, whose custodian is `name`.
pub(super) fn gone(state: &State, record: &QuorumRecord, index: u8, name: &str) -> Option<String> {
    let its = (record.id(), record.terms().generation);
    let mut quorums = state.quorums().iter().rev();
    let entry = quorums.find(|entry| (entry.founded.quorum, entry.founded.generation) == its)?;
    let card = entry.cards.get(&index)?;
    match (card.destroyed, card.gone) {
        (Some((time, number)), _) => Some(format!(
            "the log says that the card of {name} was destroyed {time} (certificate {number}): this is a copy, or the certificate is false"
        )),
        (None, Some((time, fate))) => Some(format!(
            "the log has the card of {name} as {} since {time}; a founder takes that back with `quorate custodian found {name} --reason TEXT`",
            fate.name()
        )),
        (None, None) => None,
    }
}

/// Warns of every card that was accepted although it is gone, and remembers it for the report.
pub(super) fn warn_of_gone(
    escrow: &Escrow<'_>,
    gathering: &Gathering,
    troubles: &mut Vec<String>,
    output: &Output,
) {
    for index in gathering.present_shares() {
        let name = gathering.custodian(index);
        if let Some(said) = gone(escrow.state(), gathering.record(), index, &name) {
            output.warn(&said);
            troubles.push(said);
        }
    }
}
