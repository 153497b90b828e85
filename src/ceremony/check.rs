//! Is this card good? One card alone, against its quorum's record, with nothing recombined.
//!
//! Two depths (design section 3.5): *intact and the one that was issued* needs no passphrase; *its
//! share lies on the polynomials* needs the seal opened. The share is forgotten at once.

use super::recover::{PresentError, admit, judge};
use crate::quorum::QuorumRecord;
use crate::seal::{SealedShare, UnsealError};
use crate::share::ClaimedShare;

/// What is known of a card that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Good {
    /// The share.
    pub index: u8,
    /// Whose it is.
    pub custodian: String,
    /// Whether its share was checked too.
    pub share: bool,
}

/// Checks a card, and its share when `opened` has what its seal gave.
///
/// # Errors
/// [`PresentError`], which names the custodian and what is wrong.
pub fn check(
    record: &QuorumRecord,
    card: &SealedShare,
    opened: Option<Result<ClaimedShare, UnsealError>>,
) -> Result<Good, PresentError> {
    let index = judge(record, card)?;
    let custodian = record.custodian(index).map(|one| one.name.clone()).unwrap_or_default();
    let share = opened.is_some();
    if let Some(outcome) = opened {
        admit(record, index, outcome)?;
    }
    Ok(Good { index, custodian, share })
}
