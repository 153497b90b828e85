//! The details of a package and of an import: a key version on its way to a provider, and there.
//!
//! `package` done: a version was wrapped for a provider, as the digests say. `import` done: the provider took it,
//! and what it showed. Neither holds a secret or opens anything, so neither has an intent: what wrapped the
//! key (a generation, a recovery) has one of its own. Both must fit what the log knows of the key version.

use super::{Fields, Fingerprint, Held, Json, JsonError, Label, State, StateError, Timestamp, object, text};
use crate::provider::{PackageFacts, ProofKind, Provider, Target, may_be_one, whereabouts};
use core::num::NonZeroU32;
use std::borrow::Cow;

/// The most names that a place has.
const MOST_NAMES: usize = 16;

/// A package that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packaged {
    /// The key.
    pub name: Label,
    /// Its version.
    pub version: NonZeroU32,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// For whom.
    pub provider: Provider,
    /// The provider's name of the place.
    pub place: String,
    /// SHA-256 of `package.json`.
    pub package: [u8; 32],
    /// SHA-256 of the request.
    pub request: [u8; 32],
    /// SHA-256 of the wrapping key.
    pub wrapping_key: [u8; 32],
    /// SHA-256 of the wrapped key.
    pub blob: [u8; 32],
    /// What proves the import.
    pub proof: ProofKind,
    /// All names of the place; none in records that were written before they were kept.
    pub target: Target,
    /// The intent of the drill that it was made in, for a test key; otherwise it is to be used.
    pub drill: Option<u64>,
}

/// An import that was proven, or stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The key.
    pub name: Label,
    /// Its version.
    pub version: NonZeroU32,
    /// For whom.
    pub provider: Provider,
    /// The provider's name of the place.
    pub place: String,
    /// SHA-256 of `package.json`.
    pub package: [u8; 32],
    /// What proved it.
    pub proof: ProofKind,
    /// What the provider showed: a digest, or its own id.
    pub evidence: String,
    /// All names of the place; none in records that were written before they were kept.
    pub target: Target,
    /// The provider's own name of the version, where it is known.
    pub id: Option<String>,
}

impl Packaged {
    /// What the log says of a package whose `package.json` has the digest `package`.
    #[must_use]
    pub fn of(facts: &PackageFacts, package: [u8; 32]) -> Self {
        Self {
            name: facts.subject.name.clone(),
            version: facts.subject.version,
            fingerprint: facts.subject.fingerprint,
            provider: facts.provider,
            place: facts.place.clone(),
            package,
            request: facts.request,
            wrapping_key: facts.wrapping_key,
            blob: facts.blob,
            proof: facts.proof.kind,
            target: facts.target.clone(),
            drill: None,
        }
    }

    /// The same, made in the drill whose intent is `intent`.
    #[must_use]
    pub fn in_drill(self, intent: u64) -> Self {
        Self { drill: Some(intent), ..self }
    }

    /// The details of the record.
    #[must_use]
    pub fn done(&self) -> Json<'static> {
        let digest = |bytes: &[u8; 32]| Some(Json::text(text::hex(bytes)));
        object([
            ("blob", digest(&self.blob)),
            ("drill", self.drill.map(Json::Number)),
            ("fingerprint", Some(Json::text(self.fingerprint.to_string()))),
            ("name", Some(Json::text(self.name.as_str().to_owned()))),
            ("package", digest(&self.package)),
            ("place", Some(Json::text(self.place.clone()))),
            ("proof", Some(Json::text(self.proof.name()))),
            ("provider", Some(Json::text(self.provider.name()))),
            ("request", digest(&self.request)),
            ("target", target_json(&self.target)),
            ("version", Some(Json::Number(self.version.get().into()))),
            ("wrapping-key", digest(&self.wrapping_key)),
        ])
    }

    fn read(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        let packaged = Self {
            name: fields.parsed("name", |text| text.parse().ok())?,
            version: NonZeroU32::new(fields.number("version")?).ok_or_else(|| fields.refuse("version"))?,
            fingerprint: fields.parsed("fingerprint", Fingerprint::parse)?,
            provider: fields.parsed("provider", |text| text.parse().ok())?,
            place: fields.parsed("place", place)?,
            package: fields.parsed("package", text::array_from_hex)?,
            request: fields.parsed("request", text::array_from_hex)?,
            wrapping_key: fields.parsed("wrapping-key", text::array_from_hex)?,
            blob: fields.parsed("blob", text::array_from_hex)?,
            proof: fields.parsed("proof", ProofKind::parse)?,
            target: target(&mut fields)?,
            drill: fields.optional_number("drill")?,
        };
        fields.finish()?;
        Ok(packaged)
    }
}

impl Imported {
    /// All names of the place; of an old record, the one that it has.
    #[must_use]
    pub fn names(&self) -> Target {
        if self.target.is_empty() {
            return [("key".to_owned(), self.place.clone())].into();
        }
        self.target.clone()
    }

    /// The details of the record.
    #[must_use]
    pub fn done(&self) -> Json<'static> {
        object([
            ("evidence", Some(Json::text(self.evidence.clone()))),
            ("id", self.id.clone().map(Json::text)),
            ("name", Some(Json::text(self.name.as_str().to_owned()))),
            ("package", Some(Json::text(text::hex(&self.package)))),
            ("place", Some(Json::text(self.place.clone()))),
            ("proof", Some(Json::text(self.proof.name()))),
            ("provider", Some(Json::text(self.provider.name()))),
            ("target", target_json(&self.target)),
            ("version", Some(Json::Number(self.version.get().into()))),
        ])
    }

    fn read(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        let id = match fields.optional_text("id")? {
            None => None,
            Some(text) => Some(place(&text).ok_or_else(|| fields.refuse("id"))?),
        };
        let imported = Self {
            name: fields.parsed("name", |text| text.parse().ok())?,
            version: NonZeroU32::new(fields.number("version")?).ok_or_else(|| fields.refuse("version"))?,
            provider: fields.parsed("provider", |text| text.parse().ok())?,
            place: fields.parsed("place", place)?,
            package: fields.parsed("package", text::array_from_hex)?,
            proof: fields.parsed("proof", ProofKind::parse)?,
            evidence: fields.parsed("evidence", place)?,
            target: target(&mut fields)?,
            id,
        };
        fields.finish()?;
        Ok(imported)
    }
}

/// A name of a provider: 1 to 512 printable bytes of ASCII.
pub(super) fn place(text: &str) -> Option<String> {
    let plain = (1..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    plain.then(|| text.to_owned())
}

/// The names of a place, by field; none when they aren't there.
pub(super) fn target(fields: &mut Fields<'_>) -> Result<Target, JsonError> {
    let refused = fields.refuse("target");
    let Some(value) = fields.optional("target") else { return Ok(Target::new()) };
    let Json::Object(names) = value else { return Err(refused) };
    let mut target = Target::new();
    for (field, value) in names {
        let Json::Text(text) = value else { return Err(refused) };
        let named = (1..=32).contains(&field.len());
        let (true, Some(text)) = (named, place(&text)) else { return Err(refused) };
        target.insert(field.into_owned(), text);
    }
    if (1..=MOST_NAMES).contains(&target.len()) { Ok(target) } else { Err(refused) }
}

/// As details carry them: nothing when there are none.
pub(super) fn target_json(target: &Target) -> Option<Json<'static>> {
    let name = |(field, value): (&String, &String)| (Cow::Owned(field.clone()), Json::text(value.clone()));
    (!target.is_empty()).then(|| Json::Object(target.iter().map(name).collect()))
}

/// What an import has to fit besides.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// Whether some package of it was to be used, and not a drill's.
    is_used: bool,
    target: Target,
}

/// A package by what an import says of it: its digest, the key version, the place, and the proof.
pub(super) type Made = ([u8; 32], Label, NonZeroU32, Provider, String, ProofKind);

impl State {
    /// The packages that were made, the oldest first, and when.
    #[must_use]
    pub fn packages(&self) -> &[(Timestamp, Packaged)] {
        &self.packages
    }

    /// The imports that were proven or stated, the oldest first, and when.
    #[must_use]
    pub fn imports(&self) -> &[(Timestamp, Imported)] {
        &self.imports
    }

    /// Whether a package of a key version was made for any place where it is used.
    pub(super) fn went_out(&self, name: &Label, version: NonZeroU32) -> bool {
        self.sent.get(&(name.clone(), version)).is_some_and(|places| places.values().any(|is_used| *is_used))
    }

    /// Whether a package of a key version was made for that place.
    #[must_use]
    pub fn went_to(&self, name: &Label, version: NonZeroU32, provider: Provider, place: &str) -> bool {
        let places = self.sent.get(&(name.clone(), version));
        places.is_some_and(|places| places.contains_key(&(provider, place.to_owned())))
    }

    /// Takes the details of a `package` done: of a version that is backed up with that fingerprint.
    pub(super) fn packaged(&mut self, fields: Fields<'_>, time: Timestamp) -> Result<(), StateError> {
        let packaged = Packaged::read(fields)?;
        let version = self.keys.get(&packaged.name).and_then(|key| key.versions.get(&packaged.version));
        if version.is_none_or(|version| version.backed.fingerprint != packaged.fingerprint) {
            return Err(StateError::Version { name: packaged.name, version: packaged.version });
        }
        let Packaged { name, version, provider, place, .. } = &packaged;
        if let Some(intent) = packaged.drill {
            let drills = self.open.get(&intent).and_then(|open| open.drills.as_ref());
            if !drills.is_some_and(|drill| drill.keys.contains(&(name.clone(), *version))) {
                return Err(StateError::NoIntent { intent });
            }
        }
        let is_used = packaged.drill.is_none();
        let places = self.sent.entry((name.clone(), *version)).or_default();
        *places.entry((*provider, place.clone())).or_default() |= is_used;
        if !packaged.target.is_empty() {
            let bound = self.bound.entry((name.clone(), *version, *provider, place.clone())).or_default();
            bound.insert(whereabouts(&packaged.target));
        }
        let made = (packaged.package, name.clone(), *version, *provider, place.clone(), packaged.proof);
        let known = self.known.entry(made).or_default();
        known.is_used |= is_used;
        known.target.clone_from(&packaged.target);
        self.packages.push((time, packaged));
        Ok(())
    }

    /// Takes the details of an `import` done: of a package that the log knows.
    pub(super) fn imported(&mut self, fields: Fields<'_>, time: Timestamp) -> Result<(), StateError> {
        let imported = Imported::read(fields)?;
        let Imported { package, name, version, provider, place, proof, .. } = &imported;
        let made = (*package, name.clone(), *version, *provider, place.clone(), *proof);
        let refused = || StateError::Place {
            name: imported.name.clone(),
            version: imported.version,
            place: imported.place.clone(),
        };
        let known = self.known.get(&made).ok_or_else(refused)?;
        // It went where its package said; older packages didn't say all of it.
        if !known.target.is_empty() && known.target != imported.target {
            return Err(refused());
        }
        let drill = !known.is_used;
        // A drill goes to a key of its own: what is in use is never called a test key.
        let in_use = |held: &&Held| {
            let there = &held.imported;
            !held.drill
                && held.stopped.is_none()
                && there.provider == imported.provider
                && may_be_one(there.provider, &there.names(), &imported.names())
        };
        if drill && self.held.values().any(|held| in_use(&held)) {
            return Err(refused());
        }
        self.hold(&imported, time, drill);
        self.imports.push((time, imported));
        Ok(())
    }
}
