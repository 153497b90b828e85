//! The details of a `retire` record: no further version of a key is wanted.
//!
//! A key whose last version is compromised, suspended or destroyed is to get the next one, and
//! `ceremony::watch` says so until there is one, or this record. A further version takes it back, and so does
//! one that becomes active again. A key that is in use can't be retired: its version is deactivated instead.

use super::lifecycle::is_reason;
use super::{Fields, Json, JsonError, KeyState, Label, State, StateError, Timestamp, object};

/// That no further version of a key is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retirement {
    /// The key.
    pub name: Label,
    /// Why: 1 to 500 bytes, one line.
    pub reason: String,
}

impl Retirement {
    /// The details of the record.
    #[must_use]
    pub fn details(&self) -> Json<'static> {
        object([
            ("name", Some(Json::text(self.name.as_str().to_owned()))),
            ("reason", Some(Json::text(self.reason.clone()))),
        ])
    }

    fn read(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        let retirement = Self {
            name: fields.parsed("name", |text| text.parse().ok())?,
            reason: fields.parsed("reason", |text| is_reason(text).then(|| text.to_owned()))?,
        };
        fields.finish()?;
        Ok(retirement)
    }
}

impl State {
    /// Whether it can be said of a key that no further version is wanted.
    ///
    /// # Errors
    /// [`StateError::NoKey`], [`StateError::Retired`], [`StateError::InUse`].
    pub fn may_retire(&self, name: &Label) -> Result<(), StateError> {
        let found = self.keys.get(name).filter(|key| !key.versions.is_empty());
        let key = found.ok_or_else(|| StateError::NoKey { name: name.clone() })?;
        if key.retired.is_some() {
            return Err(StateError::Retired { name: name.clone() });
        }
        let is_used = |state: KeyState| matches!(state, KeyState::Active | KeyState::PreActivation);
        match key.versions.iter().rev().find(|(_, one)| is_used(one.state)) {
            None => Ok(()),
            Some((version, one)) => {
                let (name, version, state) = (name.clone(), *version, one.state);
                Err(StateError::InUse { name, version, state })
            }
        }
    }

    pub(super) fn retire(&mut self, fields: Fields<'_>, time: Timestamp) -> Result<(), StateError> {
        let Retirement { name, .. } = Retirement::read(fields)?;
        self.may_retire(&name)?;
        if let Some(key) = self.keys.get_mut(&name) {
            key.retired = Some(time);
        }
        Ok(())
    }
}
