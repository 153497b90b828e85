//! What a record contradicts: public data only, the culprit named.

use super::{Fate, JsonError, KeyState, Label, Op, OperatorError, Phase, QuorumId};
use core::num::NonZeroU32;

/// What a record contradicts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Its details are not what its operation asks for.
    #[error(transparent)]
    Details(#[from] JsonError),
    /// It ends something that isn't open, or not this.
    #[error("it ends record {intent}, which is not an open intent of the same kind")]
    NoIntent {
        /// The record that it names.
        intent: u64,
    },
    /// A version that isn't the next one.
    #[error("it begins {name} version {version}, which is not the next version")]
    Version {
        /// The key.
        name: Label,
        /// The version.
        version: NonZeroU32,
    },
    /// An import that no package is for, or a drill's into a place that is in use.
    #[error(
        "it brings {name} version {version} to {place}, for which no package was made, or where a key is in use"
    )]
    Place {
        /// The key.
        name: Label,
        /// The version.
        version: NonZeroU32,
        /// The provider's name of the place.
        place: String,
    },
    /// A second quorum: a stranger's, or one of two foundings at once.
    #[error(
        "it founds a quorum in an escrow that has quorum {quorum} already: that one alone guards its keys"
    )]
    SecondQuorum {
        /// The quorum that there is.
        quorum: QuorumId,
    },
    /// A key of another quorum than the newest.
    #[error("it speaks of quorum {quorum}, which this escrow doesn't have")]
    Quorum {
        /// The quorum.
        quorum: QuorumId,
    },
    /// A drill of other key versions than those that were backed up then.
    #[error("it drills other key versions than those that are backed up")]
    Drill,
    /// A report of another ceremony than the one that it names.
    #[error(
        "it is of a report of a {kind} by quorum {quorum}, and the last ceremony up to record {ended} is another"
    )]
    Report {
        /// The kind of ceremony.
        kind: &'static str,
        /// The quorum.
        quorum: QuorumId,
        /// The record.
        ended: u64,
    },
    /// A quorum's signature in it that isn't that quorum's.
    #[error("the signature of quorum {quorum} in it is not that quorum's")]
    Forged {
        /// The quorum that it names.
        quorum: QuorumId,
    },
    /// A quorum's signature in it that nobody can check.
    #[error("quorum {quorum} should have signed it, and the record of that quorum is not here")]
    Unproven {
        /// The quorum that it names.
        quorum: QuorumId,
    },
    /// A change of operators that doesn't fit.
    #[error(transparent)]
    Operators(#[from] OperatorError),
    /// A change of state that doesn't follow from the one before.
    #[error("{name} version {version} is {from}, and can't become {to}")]
    Lifecycle {
        /// The key.
        name: Label,
        /// Its version.
        version: NonZeroU32,
        /// Its state.
        from: KeyState,
        /// The state that it can't have next.
        to: KeyState,
    },
    /// A version that was used can't be one that waits to be.
    #[error("{name} version {version} was used or changed already, and can't become pre-activation")]
    Used {
        /// The key.
        name: Label,
        /// Its version.
        version: NonZeroU32,
    },
    /// A key that isn't backed up.
    #[error("there is no key {name} that is backed up")]
    NoKey {
        /// The key.
        name: Label,
    },
    /// A key that is in use, of which further versions are wanted.
    #[error("{name} version {version} is {state}, so the key is in use, and its next version is wanted")]
    InUse {
        /// The key.
        name: Label,
        /// The version that is in use, or will be.
        version: NonZeroU32,
        /// Its state.
        state: KeyState,
    },
    /// A key that was retired before.
    #[error("no further version of {name} is wanted already")]
    Retired {
        /// The key.
        name: Label,
    },
    /// A card that can't be lost, or found.
    #[error("the card of share {index} can't be {} now", .fate.name())]
    Card {
        /// Its share.
        index: u8,
        /// What it can't be.
        fate: Fate,
    },
    /// A loss that is taken back, or made less of, by an operator who is no founder.
    #[error(
        "that the card of share {index} is {} is for a founder to say: name the key of one with --sign-with; `quorate operator list` shows them",
        .fate.name()
    )]
    Founder {
        /// Its share.
        index: u8,
        /// What it should be.
        fate: Fate,
    },
    /// A certificate out of its order.
    #[error("its certificate has the number {number}, and the next one is {next}")]
    Certificate {
        /// Its number.
        number: u64,
        /// The number that it should have.
        next: u64,
    },
    /// A certificate whose writer is its witness.
    #[error("{name} wrote its certificate, and is no witness of it")]
    Witness {
        /// Who.
        name: String,
    },
    /// Something that was destroyed before.
    #[error("certificate {certificate} says that it was destroyed before")]
    Destroyed {
        /// The certificate.
        certificate: u64,
    },
    /// An operation in a phase that it doesn't have.
    #[error("an operation {op} has no phase {phase}")]
    Phase {
        /// The operation.
        op: Op,
        /// The phase.
        phase: Phase,
    },
}
