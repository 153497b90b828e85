//! Recovery: cards come in any order until M custodians are present, then a key comes back.
//!
//! [`Gathering`] takes one card after the other. A wrong one is named with its custodian and leaves
//! the gathering as it was, so it can be asked for again; nothing a person does ends it. When M
//! shares are open and checked, [`Gathering::meet`] makes the quorum. [`Recovery`] brackets the
//! whole in the log: intent before the first card, `done` before the key is released.

use super::escrow::{Escrow, EscrowError, expected};
use crate::backup::{Backup, OpenError};
use crate::key::{KeyName, KeyRecord, Label};
use crate::log::{Checkpoint, CommitError, InToken, KeyVersion, Op, Phase, Proof};
use crate::quorum::{Quorum, QuorumError, QuorumRecord};
use crate::seal::{SealedShare, UnsealError};
use crate::share::{ClaimedShare, QuorumId, Share, ShareError};
use crate::wire::json::{Json, object};
use core::convert::Infallible;
use core::num::NonZeroU32;
use std::collections::BTreeMap;

/// The cards and shares that are present.
#[derive(Debug)]
pub struct Gathering {
    record: QuorumRecord,
    sealed: BTreeMap<u8, SealedShare>,
    open: BTreeMap<u8, Share>,
}

/// Why a card was not taken. Each names whose it is, as far as it can be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PresentError {
    /// A card of another quorum.
    #[error("this card belongs to quorum {found}, this ceremony needs quorum {wanted}")]
    OtherQuorum {
        /// The card's.
        found: QuorumId,
        /// This ceremony's.
        wanted: QuorumId,
    },
    /// A card of another generation.
    #[error("this card of {custodian} is of generation {found}, this ceremony needs generation {wanted}")]
    OtherGeneration {
        /// Whose card it says it is.
        custodian: String,
        /// The card's.
        found: u16,
        /// This ceremony's.
        wanted: u16,
    },
    /// The same card again.
    #[error("the card of {custodian} (share {index}) is already here")]
    Again {
        /// Whose.
        custodian: String,
        /// The share.
        index: u8,
    },
    /// Not the card that was issued.
    #[error(
        "this card of {custodian} (share {index}) is not the one that was issued: it was altered or made anew"
    )]
    NotIssued {
        /// Whose card it says it is.
        custodian: String,
        /// The share.
        index: u8,
    },
    /// No card of that share is here.
    #[error("the card of share {index} is not here")]
    Absent {
        /// The share.
        index: u8,
    },
    /// The seal didn't open.
    #[error("{custodian}: {error}")]
    Unseal {
        /// Whose.
        custodian: String,
        /// Why.
        error: UnsealError,
    },
    /// What was sealed isn't a share of this quorum.
    #[error("{custodian}: {error}")]
    Share {
        /// Whose.
        custodian: String,
        /// Why.
        error: ShareError,
    },
}

impl Gathering {
    /// An empty room for the quorum of `record`.
    #[must_use]
    pub const fn new(record: QuorumRecord) -> Self {
        Self { record, sealed: BTreeMap::new(), open: BTreeMap::new() }
    }

    /// The record of the quorum that gathers.
    #[must_use]
    pub const fn record(&self) -> &QuorumRecord {
        &self.record
    }

    /// The name of the custodian of a share.
    #[must_use]
    pub fn custodian(&self, index: u8) -> String {
        name_of(&self.record, index)
    }

    /// Takes a card; it still has to be unsealed. Returns its share's index.
    ///
    /// # Errors
    /// [`PresentError`]; the gathering is as before.
    pub fn present(&mut self, card: SealedShare) -> Result<u8, PresentError> {
        let index = judge(&self.record, &card)?;
        if self.sealed.contains_key(&index) || self.open.contains_key(&index) {
            return Err(PresentError::Again { custodian: self.custodian(index), index });
        }
        self.sealed.insert(index, card);
        Ok(index)
    }

    /// The card of a share that is present and still sealed.
    #[must_use]
    pub fn card(&self, index: u8) -> Option<&SealedShare> {
        self.sealed.get(&index)
    }

    /// The cards that are still sealed.
    pub fn sealed(&self) -> impl Iterator<Item = &SealedShare> {
        self.sealed.values()
    }

    /// Takes what a card's seal gave and checks that it lies on the quorum's polynomials. After an
    /// error the card is still here, for another try.
    ///
    /// # Errors
    /// [`PresentError`].
    pub fn unsealed(
        &mut self,
        index: u8,
        outcome: Result<ClaimedShare, UnsealError>,
    ) -> Result<(), PresentError> {
        if !self.sealed.contains_key(&index) {
            return Err(PresentError::Absent { index });
        }
        let share = admit(&self.record, index, outcome)?;
        self.sealed.remove(&index);
        self.open.insert(index, share);
        Ok(())
    }

    /// Sends a card away again, with its share.
    pub fn dismiss(&mut self, index: u8) {
        self.sealed.remove(&index);
        self.open.remove(&index);
    }

    /// The indices of the shares that are open and checked.
    #[must_use]
    pub fn present_shares(&self) -> Vec<u8> {
        self.open.keys().copied().collect()
    }

    /// The custodians whose shares are open and checked.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.open.keys().map(|index| self.custodian(*index)).collect()
    }

    /// How many more shares are needed.
    #[must_use]
    pub fn missing(&self) -> usize {
        usize::from(self.record.scheme().threshold()).saturating_sub(self.open.len())
    }

    /// The quorum, when M shares are open.
    ///
    /// # Errors
    /// [`QuorumError`]; with too few shares, how many there are.
    pub fn meet(&self) -> Result<Quorum, QuorumError> {
        Quorum::meet(&self.record, self.open.values())
    }
}

/// What the seal of card `index` gave, as a share of the quorum of `record`.
///
/// # Errors
/// [`PresentError::Unseal`], [`PresentError::Share`].
pub(super) fn admit(
    record: &QuorumRecord,
    index: u8,
    outcome: Result<ClaimedShare, UnsealError>,
) -> Result<Share, PresentError> {
    let unseal = |error| PresentError::Unseal { custodian: name_of(record, index), error };
    let claimed = outcome.map_err(unseal)?;
    if claimed.index() != index {
        // A good share of somebody else's would be counted as this one.
        return Err(unseal(UnsealError::Content { index }));
    }
    let share = |error| PresentError::Share { custodian: name_of(record, index), error };
    claimed.check(record.commitments()).map_err(share)
}

/// The name of the custodian of a share, or the share's number when it has none.
fn name_of(record: &QuorumRecord, index: u8) -> String {
    record.custodian(index).map_or_else(|| format!("share {index}"), |custodian| custodian.name.clone())
}

/// Whether a card is one of the quorum of `record` and the one that was issued; its share's index.
///
/// # Errors
/// [`PresentError`].
pub fn judge(record: &QuorumRecord, card: &SealedShare) -> Result<u8, PresentError> {
    let header = card.header();
    let index = header.index();
    let name = |index| name_of(record, index);
    if header.quorum() != record.id() {
        return Err(PresentError::OtherQuorum { found: header.quorum(), wanted: record.id() });
    }
    let (found, wanted) = (header.generation(), record.terms().generation);
    if found != wanted {
        return Err(PresentError::OtherGeneration { custodian: name(index), found, wanted });
    }
    let issued = record.custodian(index).is_some_and(|custodian| custodian.card == card.digest());
    if issued && header.scheme() == record.scheme() {
        Ok(index)
    } else {
        Err(PresentError::NotIssued { custodian: name(index), index })
    }
}

/// Why a key was not recovered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// The shares make no quorum.
    #[error(transparent)]
    Quorum(#[from] QuorumError),
    /// The escrow lacks what the log names.
    #[error(transparent)]
    Escrow(#[from] EscrowError),
    /// The backup gave no key, or another one.
    #[error("{name}: {error}")]
    Open {
        /// The key.
        name: Label,
        /// Why.
        error: OpenError,
    },
    /// The log can't be written: nothing was released.
    #[error(transparent)]
    Log(#[from] CommitError<Infallible>),
}

/// A recovery that is in the log as begun.
#[derive(Debug)]
pub struct Recovery {
    intent: u64,
    name: Label,
    version: NonZeroU32,
    to: &'static str,
    token: Option<InToken>,
    checks: Vec<String>,
}

impl Recovery {
    /// Logs the intent to recover `name` (the newest version when it names none) and send it `to`
    /// (`file`, `age` or `token`).
    ///
    /// # Errors
    /// [`RecoverError`].
    pub fn begin(escrow: &mut Escrow<'_>, name: &KeyName, to: &'static str) -> Result<Self, RecoverError> {
        Self::begin_in(escrow, name, to, None)
    }

    /// As [`Self::begin`], to a token (`to` is `token` then).
    ///
    /// # Errors
    /// [`RecoverError`].
    pub fn begin_in(
        escrow: &mut Escrow<'_>,
        name: &KeyName,
        to: &'static str,
        token: Option<InToken>,
    ) -> Result<Self, RecoverError> {
        let version = escrow.version(name)?.backed.deposit.version;
        let details = object([
            ("name", Some(Json::text(name.label.as_str().to_owned()))),
            ("to", Some(Json::text(to))),
            ("token", token.as_ref().map(InToken::json)),
            ("version", Some(Json::Number(version.get().into()))),
        ]);
        let intent = escrow.record(Op::Recover, Phase::Intent, &details)?.seq();
        Ok(Self { intent, name: name.label.clone(), version, to, token, checks: Vec::new() })
    }

    /// The intent that is in the log.
    #[must_use]
    pub const fn intent(&self) -> u64 {
        self.intent
    }

    /// Says by which checks the key was proven to be the right one in its token.
    #[must_use]
    pub fn proven(self, checks: Vec<String>) -> Self {
        Self { checks, ..self }
    }

    /// Meets, opens the backup and compares the key with the log. Nothing is logged or released yet.
    ///
    /// # Errors
    /// [`RecoverError`]; never a key that isn't the one that was backed up.
    pub fn open(
        &self,
        escrow: &Escrow<'_>,
        gathering: &Gathering,
    ) -> Result<(Quorum, KeyRecord), RecoverError> {
        let backup = escrow.backup(self.version(escrow)?)?;
        self.open_backup(escrow, gathering, &backup)
    }

    /// As [`Self::open`], with a copy of the backup from elsewhere; it must be the one that the log names.
    ///
    /// # Errors
    /// [`RecoverError`].
    pub fn open_backup(
        &self,
        escrow: &Escrow<'_>,
        gathering: &Gathering,
        backup: &Backup,
    ) -> Result<(Quorum, KeyRecord), RecoverError> {
        let version = self.version(escrow)?;
        let quorum = gathering.meet()?;
        let open = |error| RecoverError::Open { name: self.name.clone(), error };
        let record = backup.open(quorum.identity(), &expected(version)).map_err(open)?;
        Ok((quorum, record))
    }

    fn version<'e>(&self, escrow: &'e Escrow<'_>) -> Result<&'e KeyVersion, RecoverError> {
        let wanted = KeyName { label: self.name.clone(), version: Some(self.version) };
        Ok(escrow.version(&wanted)?)
    }

    /// Logs that the key was recovered, signed by the quorum. After this
    /// the key may be shown.
    ///
    /// # Errors
    /// [`RecoverError::Log`].
    pub fn complete(
        self,
        escrow: &mut Escrow<'_>,
        quorum: &Quorum,
        gathering: &Gathering,
        key: &KeyRecord,
    ) -> Result<Checkpoint, RecoverError> {
        let proof = Proof {
            intent: self.intent,
            name: self.name,
            version: self.version,
            to: self.to,
            cards: gathering.present_shares(),
            quorum: quorum.id(),
            fingerprint: key.fingerprint(),
            token: self.token,
            checks: self.checks,
        };
        Ok(escrow.record_signed(Op::Recover, Phase::Done, &proof.done(), quorum)?)
    }

    /// Logs that no key was recovered; `phase` says whether it failed or was given up.
    pub fn end(self, escrow: &mut Escrow<'_>, phase: Phase) {
        let details = object([("intent", Some(Json::Number(self.intent)))]);
        // When even this can't be written, the intent stays open and `status` shows it.
        let _ = escrow.record(Op::Recover, phase, &details);
    }
}
