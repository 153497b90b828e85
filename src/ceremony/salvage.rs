//! Salvage: a key from cards and a backup sheet, with no escrow left.
//!
//! The quorum's record on the sheet proves itself to the cards; the backup proves nothing, since
//! anybody who knows the recipient can make one. So what comes out is [`Unproven`] until its
//! fingerprint was compared with a record that was kept apart from the sheet. As in any recovery the
//! intent is logged before the first card and `done` before the key is released, in a log that may be
//! new. Where a log of the escrow is left, [`Recovery::open_backup`](super::recover::Recovery::open_backup) takes
//! the sheet's backup, and that log decides.

use super::escrow::{Escrow, quorum_file};
use super::recover::Gathering;
use crate::backup::OpenError;
use crate::card::sheet::BackupSheet;
use crate::key::{Fingerprint, KeyRecord, Label};
use crate::log::{Checkpoint, CommitError, Founded, Op, Phase, Salvage, Salvaged};
use crate::quorum::{Quorum, QuorumError, QuorumRecord};
use crate::store::StoreError;
use crate::wire::json::{Json, object};
use core::convert::Infallible;

/// Why a backup sheet gave no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SalvageError {
    /// The shares make no quorum.
    #[error(transparent)]
    Quorum(#[from] QuorumError),
    /// The backup gave no key.
    #[error("{name}: {error}")]
    Open {
        /// The key.
        name: Label,
        /// Why.
        error: OpenError,
    },
    /// The backup holds another key than the sheet says.
    #[error("the backup sheet of {name} does not tell the truth: the key in it has another {field}")]
    Facts {
        /// The key.
        name: Label,
        /// What differs.
        field: &'static str,
    },
    /// The fingerprint isn't the one that was kept apart.
    #[error(
        "the key on the backup sheet of {name} has fingerprint {found}, which is not the right one: it is another key, or the sheet is forged"
    )]
    Fingerprint {
        /// The key.
        name: Label,
        /// The fingerprint of the key that came out.
        found: Fingerprint,
    },
    /// The log's place has another record of this quorum.
    #[error(
        "{name} is there already, and is not the record on the backup sheet: give another folder for the log"
    )]
    OtherRecord {
        /// Its name in the store.
        name: String,
    },
    /// The place of the log can't be read or written: nothing was released.
    #[error("the record of the quorum can't be kept with the log: {0}")]
    Store(#[from] StoreError),
    /// The log can't be written: nothing was released.
    #[error(transparent)]
    Log(#[from] CommitError<Infallible>),
}

/// A key that nobody has vouched for yet.
#[derive(Debug)]
pub struct Unproven(KeyRecord);

impl Unproven {
    /// The fingerprint to compare.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint()
    }

    /// The key, when `agrees` says that its fingerprint is the one of another record.
    ///
    /// # Errors
    /// [`SalvageError::Fingerprint`].
    pub fn prove(self, agrees: impl FnOnce(&Fingerprint) -> bool) -> Result<KeyRecord, SalvageError> {
        let found = self.fingerprint();
        if agrees(&found) {
            Ok(self.0)
        } else {
            Err(SalvageError::Fingerprint { name: self.0.facts().label.clone(), found })
        }
    }
}

/// A salvage that is in the log as begun.
#[derive(Debug)]
pub struct Salvaging {
    intent: u64,
    salvage: Salvage,
    to: &'static str,
}

impl Salvaging {
    /// Logs the intent to recover the key of `sheet` and send it `to` (`file` or `age`).
    ///
    /// # Errors
    /// [`SalvageError::Log`].
    pub fn begin(
        escrow: &mut Escrow<'_>,
        sheet: &BackupSheet,
        to: &'static str,
    ) -> Result<Self, SalvageError> {
        let salvage = Salvage {
            backup: *sheet.backup().digest(),
            name: sheet.facts().name.clone(),
            version: sheet.facts().version,
            quorum: sheet.record().id(),
        };
        let intent = escrow.record(Op::Salvage, Phase::Intent, &salvage.intent(to))?.seq();
        Ok(Self { intent, salvage, to })
    }

    /// Meets, opens the backup on the sheet and compares the key with what the sheet says of it.
    ///
    /// # Errors
    /// [`SalvageError`].
    pub fn open(
        &self,
        sheet: &BackupSheet,
        gathering: &Gathering,
    ) -> Result<(Quorum, Unproven), SalvageError> {
        let quorum = gathering.meet()?;
        let name = || self.salvage.name.clone();
        let opened = sheet.backup().open_unlogged(quorum.identity());
        let record = opened.map_err(|error| SalvageError::Open { name: name(), error })?;
        sheet.facts().are_of(&record).map_err(|field| SalvageError::Facts { name: name(), field })?;
        Ok((quorum, Unproven(record)))
    }

    /// Keeps the quorum's record beside the log, and logs that the key was recovered, signed by the
    /// quorum. After this the key may be shown.
    ///
    /// # Errors
    /// [`SalvageError`].
    pub fn complete(
        &self,
        escrow: &mut Escrow<'_>,
        quorum: &Quorum,
        gathering: &Gathering,
        key: &KeyRecord,
    ) -> Result<Checkpoint, SalvageError> {
        let record = gathering.record();
        keep(escrow, record)?;
        let salvaged = Salvaged {
            salvage: self.salvage.clone(),
            quorum: Founded {
                quorum: quorum.id(),
                generation: record.terms().generation,
                record: record.digest(),
            },
            to: self.to,
            cards: gathering.present_shares(),
            fingerprint: key.fingerprint(),
        };
        Ok(escrow.record_signed(Op::Salvage, Phase::Done, &salvaged.done(self.intent), quorum)?)
    }

    /// Logs that no key was recovered; `phase` says whether it failed or was given up.
    pub fn end(self, escrow: &mut Escrow<'_>, phase: Phase) {
        let details = object([("intent", Some(Json::Number(self.intent)))]);
        // When even this can't be written, the intent stays open and `status` shows it.
        let _ = escrow.record(Op::Salvage, phase, &details);
    }
}

/// Whoever verifies this log later needs the record for the quorum's signature.
fn keep(escrow: &Escrow<'_>, record: &QuorumRecord) -> Result<(), SalvageError> {
    let name = quorum_file(record.id(), record.terms().generation);
    match escrow.store().create(&name, record.bytes()) {
        Err(StoreError::Exists { .. }) => {
            let limit = u64::try_from(record.bytes().len()).unwrap_or(u64::MAX);
            match escrow.store().read(&name, limit) {
                Ok(Some(there)) if there == record.bytes() => Ok(()),
                Ok(_) | Err(StoreError::TooLong { .. }) => Err(SalvageError::OtherRecord { name }),
                Err(error) => Err(error.into()),
            }
        }
        outcome => Ok(outcome?),
    }
}
