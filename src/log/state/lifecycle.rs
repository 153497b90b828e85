//! The state of a key version, after NIST SP 800-57 Part 1 rev. 5, 7 (its states and transitions), and the
//! details of a `state` record, which changes it.
//!
//! A version is *active* when it is backed up; logs from before there were states mean the same. Which
//! change follows which is a table here, and the fold holds it. A version becomes *destroyed* by the
//! certificate that its backup was (`certificate.rs`), and by nothing else: a key that can still be
//! recovered is not destroyed. *Destroyed, compromised* is of revisions 1 to 3; later ones keep the compromise
//! in the log alone, where a reader would miss it.

use super::policy::version_of;
use super::{Fields, Json, JsonError, Label, State, StateError, Timestamp, object};
use core::fmt;
use core::num::NonZeroU32;

/// The longest reason in bytes.
pub const LONGEST_REASON: usize = 500;

/// What a key version may be used for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyState {
    /// Made, and not yet to be used (7.1).
    PreActivation,
    /// To protect and to process what was protected (7.2).
    #[default]
    Active,
    /// For a time not to protect (7.3).
    Suspended,
    /// Only to process what was protected before (7.4).
    Deactivated,
    /// Known to somebody who should not know it, or suspected to be (7.5).
    Compromised,
    /// No longer there (7.6).
    Destroyed,
    /// No longer there, and it was compromised before.
    DestroyedCompromised,
}

/// A change of a version's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    /// The key.
    pub name: Label,
    /// Its version.
    pub version: NonZeroU32,
    /// Its state before.
    pub from: KeyState,
    /// Its state from now on.
    pub to: KeyState,
    /// Why: 1 to 500 bytes, one line.
    pub reason: String,
}

use KeyState::{Active, Compromised, Deactivated, Destroyed, DestroyedCompromised, PreActivation, Suspended};

const NAMES: [(KeyState, &str); 7] = [
    (PreActivation, "pre-activation"),
    (Active, "active"),
    (Suspended, "suspended"),
    (Deactivated, "deactivated"),
    (Compromised, "compromised"),
    (Destroyed, "destroyed"),
    (DestroyedCompromised, "destroyed-compromised"),
];

impl KeyState {
    /// Every state.
    pub const ALL: [Self; 7] =
        [PreActivation, Active, Suspended, Deactivated, Compromised, Destroyed, DestroyedCompromised];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(state, _)| *state == self).map_or("", |(_, word)| *word)
    }

    /// The state that a word stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known)| *known == word).map(|(state, _)| *state)
    }

    /// The states that may follow it by a `state` record. Back to *pre-activation* goes only a version that
    /// nobody has used yet, since every one begins as *active*.
    #[must_use]
    pub const fn next(self) -> &'static [Self] {
        match self {
            PreActivation => &[Active, Compromised],
            Active => &[Suspended, Deactivated, Compromised, PreActivation],
            Suspended => &[Active, Deactivated, Compromised],
            Deactivated => &[Compromised],
            Destroyed => &[DestroyedCompromised],
            Compromised | DestroyedCompromised => &[],
        }
    }

    /// Its state when its backup is destroyed.
    #[must_use]
    pub const fn destroyed(self) -> Self {
        match self {
            Compromised | DestroyedCompromised => DestroyedCompromised,
            _ => Destroyed,
        }
    }

    /// Whether its backup is no longer to be there.
    #[must_use]
    pub const fn is_destroyed(self) -> bool {
        matches!(self, Destroyed | DestroyedCompromised)
    }

    /// Whether somebody may know it who should not.
    #[must_use]
    pub const fn is_compromised(self) -> bool {
        matches!(self, Compromised | DestroyedCompromised)
    }

    /// Whether it may go to a new place to protect data there: into a provider, above all.
    #[must_use]
    pub const fn may_protect(self) -> bool {
        matches!(self, PreActivation | Active)
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whether a text can be a reason.
#[must_use]
pub fn is_reason(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= LONGEST_REASON && !text.chars().any(char::is_control)
}

impl StateChange {
    /// The details of the record.
    #[must_use]
    pub fn details(&self) -> Json<'static> {
        object([
            ("from", Some(Json::text(self.from.name()))),
            ("name", Some(Json::text(self.name.as_str().to_owned()))),
            ("reason", Some(Json::text(self.reason.clone()))),
            ("to", Some(Json::text(self.to.name()))),
            ("version", Some(Json::Number(self.version.get().into()))),
        ])
    }

    fn read(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        let (name, version) = version_of(&mut fields)?;
        let change = Self {
            name,
            version,
            from: fields.parsed("from", KeyState::parse)?,
            to: fields.parsed("to", KeyState::parse)?,
            reason: fields.parsed("reason", |text| is_reason(text).then(|| text.to_owned()))?,
        };
        fields.finish()?;
        Ok(change)
    }
}

impl State {
    /// Whether a version's state may change like this.
    ///
    /// # Errors
    /// [`StateError::Version`], [`StateError::Lifecycle`], [`StateError::Used`].
    pub fn may_become(&self, change: &StateChange) -> Result<(), StateError> {
        let StateChange { name, version, from, to, .. } = change;
        let found = self.keys.get(name).and_then(|key| key.versions.get(version));
        let found = found.ok_or_else(|| StateError::Version { name: name.clone(), version: *version })?;
        if found.state != *from || !from.next().contains(to) {
            let (name, version, from, to) = (name.clone(), *version, found.state, *to);
            return Err(StateError::Lifecycle { name, version, from, to });
        }
        let is_used = || found.recovered.is_some() || found.changed || self.went_out(name, *version);
        if *to == PreActivation && is_used() {
            return Err(StateError::Used { name: name.clone(), version: *version });
        }
        Ok(())
    }

    pub(super) fn change_state(&mut self, fields: Fields<'_>, time: Timestamp) -> Result<(), StateError> {
        let change = StateChange::read(fields)?;
        self.may_become(&change)?;
        if let Some(key) = self.keys.get_mut(&change.name)
            && let Some(found) = key.versions.get_mut(&change.version)
        {
            (found.state, found.since, found.changed) = (change.to, time, true);
            if change.to.is_compromised() {
                found.compromised.get_or_insert(time);
            }
            // Who retired the key didn't know of this.
            if change.to == Active || change.to.is_compromised() {
                key.retired = None;
            }
        }
        Ok(())
    }
}
