//! A key version that is stopped in a provider: the intent before the call, and what the provider says after it.
//!
//! `shred` intent: what will be done, where. `shred` done: the same, by whom (the program's own call, or a
//! person by hand), and the state that was seen there. It never says that the key is gone from the world: as
//! long as a backup and enough cards exist, it can be recovered. [`Held`] is the fold: what is where now.

use super::package::{place, target, target_json};
use super::{Fields, Imported, Json, JsonError, Label, State, StateError, Timestamp, object};
use crate::provider::{Provider, Target, whereabouts};
use core::num::NonZeroU32;

/// How a key version is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShredHow {
    /// Not usable any more, undone by enabling it.
    Disable,
    /// The material of this version is deleted.
    Delete,
    /// The whole key there is destroyed.
    Destroy,
}

impl ShredHow {
    const ALL: [Self; 3] = [Self::Disable, Self::Delete, Self::Destroy];

    /// The word for it in a record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Delete => "delete",
            Self::Destroy => "destroy",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|how| how.name() == name)
    }
}

/// Who stops it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShredBy {
    /// This program, which saw the provider's state after it.
    Program,
    /// A person, who says so.
    Hand,
}

impl ShredBy {
    const ALL: [Self; 2] = [Self::Program, Self::Hand];

    /// The word for it in a record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Hand => "hand",
        }
    }
}

/// What is stopped, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shred {
    /// The key.
    pub name: Label,
    /// Its version.
    pub version: NonZeroU32,
    /// Where.
    pub provider: Provider,
    /// The provider's name of the place.
    pub place: String,
    /// All names of the place.
    pub target: Target,
    /// How.
    pub how: ShredHow,
}

/// A key version that was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shredded {
    /// What its intent said.
    pub shred: Shred,
    /// By whom.
    pub by: ShredBy,
    /// The state that was seen there, or that a person says is there.
    pub state: String,
    /// When it becomes final, if it waits.
    pub until: Option<Timestamp>,
}

/// What names a version in a place.
pub(super) type HeldAt = (Label, NonZeroU32, Provider, String, Target);

/// A key version in a provider, as far as the log knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// When it was imported last.
    pub time: Timestamp,
    /// The import.
    pub imported: Imported,
    /// When and how it was stopped since.
    pub stopped: Option<(Timestamp, Shredded)>,
    /// Whether a drill put it there, into a test key, from where it has to go again.
    pub drill: bool,
}

impl Shred {
    /// What stops a version that is held.
    #[must_use]
    pub fn of(imported: &Imported, how: ShredHow) -> Self {
        Self {
            name: imported.name.clone(),
            version: imported.version,
            provider: imported.provider,
            place: imported.place.clone(),
            target: imported.target.clone(),
            how,
        }
    }

    /// The details of its intent.
    #[must_use]
    pub fn intent(&self) -> Json<'static> {
        object(self.fields())
    }

    fn fields(&self) -> [(&'static str, Option<Json<'static>>); 6] {
        [
            ("how", Some(Json::text(self.how.name()))),
            ("name", Some(Json::text(self.name.as_str().to_owned()))),
            ("place", Some(Json::text(self.place.clone()))),
            ("provider", Some(Json::text(self.provider.name()))),
            ("target", target_json(&self.target)),
            ("version", Some(Json::Number(self.version.get().into()))),
        ]
    }

    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, JsonError> {
        Ok(Self {
            name: fields.parsed("name", |text| text.parse().ok())?,
            version: NonZeroU32::new(fields.number("version")?).ok_or_else(|| fields.refuse("version"))?,
            provider: fields.parsed("provider", |text| text.parse().ok())?,
            place: fields.parsed("place", place)?,
            target: target(fields)?,
            how: fields.parsed("how", ShredHow::parse)?,
        })
    }

    fn at(&self) -> HeldAt {
        (self.name.clone(), self.version, self.provider, self.place.clone(), whereabouts(&self.target))
    }
}

impl Shredded {
    /// The details of the record that ends the intent `intent`.
    #[must_use]
    pub fn done(&self, intent: u64) -> Json<'static> {
        let [how, name, place, provider, target, version] = self.shred.fields();
        object([
            ("by", Some(Json::text(self.by.name()))),
            how,
            ("intent", Some(Json::Number(intent))),
            name,
            place,
            provider,
            ("state", Some(Json::text(self.state.clone()))),
            target,
            ("until", self.until.map(|time| Json::text(time.to_string()))),
            version,
        ])
    }

    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        let until = match fields.optional_text("until")? {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| fields.refuse("until"))?),
        };
        let word = |text: &str| {
            let plain = (1..=32).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_lowercase());
            plain.then(|| text.to_owned())
        };
        let shredded = Self {
            shred: Shred::read(&mut fields)?,
            by: fields.parsed("by", |text| ShredBy::ALL.into_iter().find(|by| by.name() == text))?,
            state: fields.parsed("state", word)?,
            until,
        };
        fields.finish()?;
        Ok(shredded)
    }
}

impl State {
    /// What is where, as far as the log knows: the newest import of each version to each place.
    pub fn held(&self) -> impl Iterator<Item = &Held> {
        self.held.values()
    }

    /// Notes that a version is in a place, to be used or of a drill.
    pub(super) fn hold(&mut self, imported: &Imported, time: Timestamp, drill: bool) {
        let held = Held { time, imported: imported.clone(), stopped: None, drill };
        self.held.insert(Shred::of(imported, ShredHow::Disable).at(), held);
    }

    /// Takes the details of a `shred` intent: of a version that was imported there.
    pub(super) fn shred_begun(&self, mut fields: Fields<'_>) -> Result<Shred, StateError> {
        let shred = Shred::read(&mut fields)?;
        fields.finish()?;
        if self.held.contains_key(&shred.at()) {
            Ok(shred)
        } else {
            Err(StateError::Version { name: shred.name, version: shred.version })
        }
    }

    /// Takes the details of a `shred` done, whose intent said `begun`.
    pub(super) fn shred_done(
        &mut self,
        (intent, begun): (u64, Option<Shred>),
        fields: Fields<'_>,
        time: Timestamp,
    ) -> Result<(), StateError> {
        let shredded = Shredded::read(fields)?;
        if begun.as_ref() != Some(&shredded.shred) {
            return Err(StateError::NoIntent { intent });
        }
        let held = self.held.get_mut(&shredded.shred.at()).ok_or(StateError::NoIntent { intent })?;
        held.stopped = Some((time, shredded));
        Ok(())
    }
}
