//! The place that a ceremony works on: a store, its log, who acts, and what time it is.

use crate::backup::{self, Backup, Expected};
use crate::key::{KeyId, KeyName, Label};
pub use crate::log::quorum_file;
use crate::log::{
    Checkpoint, CommitError, Entry, Founded, KeyVersion, LONGEST_QUORUM, Log, LogError, Next, Op, Phase,
    Role, Sign, Signing, State,
};
use crate::quorum::{Quorum, QuorumRecord, RecordError};
use crate::share::QuorumId;
use crate::store::{Store, StoreError};
use crate::wire::json::Json;
use crate::wire::time::Timestamp;
use core::convert::Infallible;
use core::num::NonZeroU32;
use std::fmt;

/// An escrow that is open for a ceremony.
pub struct Escrow<'a> {
    store: &'a dyn Store,
    clock: &'a dyn Fn() -> Timestamp,
    actor: String,
    log: Log,
    signing: Signing<'a>,
}

/// Where the next entry will stand, and who will have written it.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    actor: &'a str,
    /// The place.
    pub next: &'a Next,
}

impl Placed<'_> {
    /// The entry that says this.
    #[must_use]
    pub fn entry(&self, op: Op, phase: Phase, details: Json<'static>) -> Entry {
        Entry { actor: self.actor.to_owned(), op, phase, details }
    }
}

/// Why something that the log names could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EscrowError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No quorum was founded yet.
    #[error("this escrow has no quorum yet: found one with `quorate init`")]
    NoQuorum,
    /// An object is gone.
    #[error(
        "{name} is missing although the log names it: it was lost or removed; look for another copy of the escrow"
    )]
    Missing {
        /// Its name.
        name: String,
    },
    /// An object isn't the one that the log names.
    #[error(
        "{name} is not what the log says it is: it was altered or exchanged; look for another copy of the escrow"
    )]
    Altered {
        /// Its name.
        name: String,
    },
    /// A quorum's record can't be read.
    #[error("{name}: {error}")]
    Record {
        /// Its name.
        name: String,
        /// What is wrong with it.
        error: RecordError,
    },
    /// No key of that name.
    #[error("there is no key {name} in this escrow: `quorate list` shows the names")]
    NoKey {
        /// The name.
        name: Label,
    },
    /// Its backup was destroyed, before witnesses.
    #[error(
        "{name} version {version} was destroyed, says certificate {certificate}: `quorate show {name}` lists the versions that are left"
    )]
    Destroyed {
        /// The key.
        name: Label,
        /// Its version.
        version: NonZeroU32,
        /// The number of the certificate.
        certificate: u64,
    },
    /// The key has no such version.
    #[error("{name} has no version {version} that is backed up: `quorate show {name}` lists them")]
    NoVersion {
        /// The name.
        name: Label,
        /// The version asked for.
        version: NonZeroU32,
    },
}

impl<'a> Escrow<'a> {
    /// Opens an escrow and verifies its log from the first byte.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn open(
        store: &'a dyn Store,
        clock: &'a dyn Fn() -> Timestamp,
        actor: &str,
    ) -> Result<Self, LogError> {
        let (log, signing) = (Log::open(store)?, Signing::default());
        Ok(Self { store, clock, actor: actor.to_owned(), log, signing })
    }

    /// An escrow that doesn't exist yet; its first commit makes it.
    #[must_use]
    pub fn new(store: &'a dyn Store, clock: &'a dyn Fn() -> Timestamp, actor: &str) -> Self {
        Self { store, clock, actor: actor.to_owned(), log: Log::empty(), signing: Signing::default() }
    }

    /// Signs what is committed from now on with an operator's key.
    pub fn sign_with(&mut self, signer: &'a dyn Sign) {
        self.signing.by = Some(signer);
    }

    /// Commits without a key too, records that nobody will count: for a recovery when the operators'
    /// keys are lost. With a key, nothing changes.
    pub const fn go_on_unsigned(&mut self) {
        self.signing.even_void = true;
    }

    /// Commits with the caller's time also when the last record is of a later one: for a record that sets
    /// the log's clock back.
    pub const fn set_clock(&mut self) {
        self.signing.sets_clock = true;
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &'a dyn Store {
        self.store
    }

    /// The log.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// What the log adds up to.
    #[must_use]
    pub const fn state(&self) -> &State {
        self.log.state()
    }

    /// Who acts, for the log.
    #[must_use]
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The operator's name whose key signs what is committed, if there is one.
    #[must_use]
    pub fn operator_name(&self) -> Option<&str> {
        let key = self.signing.by?.key().fingerprint();
        self.state().operators().get(&key).map(|operator| operator.name.as_str())
    }

    /// Whether the operator who signs has a role that may write records of `op`; without operators everybody has.
    #[must_use]
    pub fn may(&self, op: Op) -> bool {
        let operator = self.signing.by.and_then(|by| self.state().operators().get(&by.key().fingerprint()));
        let roles = Role::of(op);
        operator
            .is_none_or(|operator| roles.is_empty() || roles.iter().any(|role| operator.roles.contains(role)))
    }

    /// What time the caller says it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Commits entries that `propose` makes of the state as it is then.
    ///
    /// # Errors
    /// [`CommitError`].
    pub fn commit<E: std::error::Error>(
        &mut self,
        mut propose: impl FnMut(&State) -> Result<Vec<(Op, Phase, Json<'static>)>, E>,
    ) -> Result<Checkpoint, CommitError<E>> {
        self.commit_at(|state, _| propose(state))
    }

    /// As [`Self::commit`], for entries that say where they will stand.
    ///
    /// # Errors
    /// [`CommitError`].
    pub fn commit_at<E: std::error::Error>(
        &mut self,
        mut propose: impl FnMut(&State, &Placed<'_>) -> Result<Vec<(Op, Phase, Json<'static>)>, E>,
    ) -> Result<Checkpoint, CommitError<E>> {
        let actor = self.actor.clone();
        let entry = |(op, phase, details)| Entry { actor: actor.clone(), op, phase, details };
        self.log.commit_signed(self.store, (self.clock)(), self.signing, |state, next| {
            let placed = Placed { actor: &actor, next };
            Ok(propose(state, &placed)?.into_iter().map(entry).collect())
        })
    }

    /// Commits one entry, whatever the state.
    ///
    /// # Errors
    /// [`CommitError`].
    pub fn record(
        &mut self,
        op: Op,
        phase: Phase,
        details: &Json<'static>,
    ) -> Result<Checkpoint, CommitError<Infallible>> {
        self.commit(|_| Ok(vec![(op, phase, details.clone())]))
    }

    /// Commits one entry, signed by the quorum that is present.
    ///
    /// # Errors
    /// [`CommitError`].
    pub fn record_signed(
        &mut self,
        op: Op,
        phase: Phase,
        details: &Json<'static>,
        quorum: &Quorum,
    ) -> Result<Checkpoint, CommitError<Infallible>> {
        self.commit_at(|_, placed| {
            let mut entry = placed.entry(op, phase, details.clone());
            let signature = quorum.sign(&placed.next.record(entry.clone()).message());
            entry.sign(&signature);
            Ok(vec![(op, phase, entry.details)])
        })
    }

    /// The newest quorum's record, signature and digest checked.
    ///
    /// # Errors
    /// [`EscrowError`].
    pub fn quorum(&self) -> Result<QuorumRecord, EscrowError> {
        self.quorum_of(&self.state().quorum().ok_or(EscrowError::NoQuorum)?.founded)
    }

    /// The record of the quorum `id` in its newest generation.
    ///
    /// # Errors
    /// [`EscrowError`].
    pub fn quorum_by_id(&self, id: QuorumId) -> Result<QuorumRecord, EscrowError> {
        self.quorum_of(self.state().founded(id).ok_or(EscrowError::NoQuorum)?)
    }

    pub(super) fn quorum_of(&self, founded: &Founded) -> Result<QuorumRecord, EscrowError> {
        let name = quorum_file(founded.quorum, founded.generation);
        let bytes = self
            .store
            .read(&name, LONGEST_QUORUM)?
            .ok_or_else(|| EscrowError::Missing { name: name.clone() })?;
        let record =
            QuorumRecord::read(&bytes).map_err(|error| EscrowError::Record { name: name.clone(), error })?;
        if record.digest() != founded.record || record.id() != founded.quorum {
            return Err(EscrowError::Altered { name });
        }
        Ok(record)
    }

    /// A key version that is backed up: the one asked for, or the newest.
    ///
    /// # Errors
    /// [`EscrowError::NoKey`], [`EscrowError::NoVersion`].
    pub fn version(&self, name: &KeyName) -> Result<&KeyVersion, EscrowError> {
        let no_key = || EscrowError::NoKey { name: name.label.clone() };
        let key =
            self.state().keys().get(&name.label).filter(|key| !key.versions.is_empty()).ok_or_else(no_key)?;
        match name.version {
            None => key.versions.values().next_back().ok_or_else(no_key),
            Some(version) => {
                let none = EscrowError::NoVersion { name: name.label.clone(), version };
                key.versions.get(&version).ok_or(none)
            }
        }
    }

    /// Whether the file of a key version's backup is there, whatever is in it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_there(&self, version: &KeyVersion) -> Result<bool, StoreError> {
        let deposit = &version.backed.deposit;
        match self.store.read(&backup_file(deposit.key, deposit.version), backup::LONGEST) {
            Ok(bytes) => Ok(bytes.is_some()),
            Err(StoreError::TooLong { .. } | StoreError::NotAFile { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// The backup of a key version, its digest checked against the log.
    ///
    /// # Errors
    /// [`EscrowError`].
    pub fn backup(&self, version: &KeyVersion) -> Result<Backup, EscrowError> {
        let deposit = &version.backed.deposit;
        if let Some(certificate) = version.certificate {
            let (name, version) = (deposit.name.clone(), deposit.version);
            return Err(EscrowError::Destroyed { name, version, certificate });
        }
        let name = backup_file(deposit.key, deposit.version);
        let bytes = self
            .store
            .read(&name, backup::LONGEST)?
            .ok_or_else(|| EscrowError::Missing { name: name.clone() })?;
        let backup = Backup::from_bytes(bytes);
        if *backup.digest() == version.backed.backup {
            Ok(backup)
        } else {
            Err(EscrowError::Altered { name })
        }
    }
}

/// What a backup of this key version must hold.
#[must_use]
pub fn expected(version: &KeyVersion) -> Expected {
    let backed = &version.backed;
    Expected {
        backup: backed.backup,
        key: backed.deposit.key,
        label: backed.deposit.name.clone(),
        version: backed.deposit.version,
        fingerprint: backed.fingerprint,
    }
}

/// The name of a backup in an escrow.
#[must_use]
pub fn backup_file(key: KeyId, version: NonZeroU32) -> String {
    format!("keys/{key}/{version}.age")
}

impl fmt::Debug for Escrow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Escrow")
            .field("actor", &self.actor)
            .field("head", &self.log.checkpoint())
            .finish_non_exhaustive()
    }
}
