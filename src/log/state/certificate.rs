//! The details of a `destroy` record: a numbered certificate that something secret was destroyed, before
//! two witnesses.
//!
//! Of a card: the paper. Of a backup: its file in the escrow, which is removed after the record is there,
//! so that a file that is missing is never one that nobody accounts for. Of a provider's copy: what people
//! saw at the provider. The numbers go on from 1 in each log, whatever they are of; [`State::next_certificate`]
//! gives the next, [`State::certify`] takes it.

use super::super::ssh::SshFingerprint;
use super::card::CardId;
use super::lifecycle::is_reason;
use super::package::{target, target_json};
use super::policy::version_of;
use super::{Fields, Imported, Json, JsonError, Label, State, StateError, Timestamp, object, text};
use crate::provider::{Provider, Target, whereabouts};
use core::num::NonZeroU32;
use std::collections::BTreeSet;

/// The most witnesses.
pub const MOST_WITNESSES: usize = 16;
/// The fewest witnesses.
pub const FEWEST_WITNESSES: usize = 2;
/// The longest name of a witness in bytes.
const LONGEST_NAME: usize = 100;

/// What was destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remains {
    /// A card.
    Card(CardId),
    /// The backup of a key version.
    Backup {
        /// The key.
        name: Label,
        /// Its version.
        version: NonZeroU32,
        /// SHA-256 of the backup.
        backup: [u8; 32],
    },
    /// A provider's copy of a key version.
    Provider {
        /// The key.
        name: Label,
        /// Its version.
        version: NonZeroU32,
        /// Whose.
        provider: Provider,
        /// The provider's name of the place: 1 to 512 printable bytes of ASCII.
        place: String,
        /// All names of the place, as [`State::places`] has them; none means every place of that name.
        target: Target,
    },
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its number, from 1.
    pub number: u64,
    /// What was destroyed.
    pub what: Remains,
    /// How and why: 1 to 500 bytes, one line.
    pub reason: String,
    /// Who saw it: two or more, by different names.
    pub witnesses: Vec<String>,
}

/// A certificate in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateEntry {
    /// What it says.
    pub certificate: Certificate,
    /// Who wrote it.
    pub actor: String,
    /// When.
    pub time: Timestamp,
    /// The number of the log's record.
    pub seq: u64,
}

impl Remains {
    /// The word for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Card(_) => "card",
            Self::Backup { .. } => "backup",
            Self::Provider { .. } => "provider",
        }
    }
}

/// Whether these can be the witnesses of a certificate: two or more different names.
#[must_use]
pub fn are_witnesses(names: &[String]) -> bool {
    let plain = |name: &String| {
        !name.trim().is_empty()
            && name.trim() == name
            && name.len() <= LONGEST_NAME
            && !name.chars().any(char::is_control)
    };
    let same = |a: &String, b: &String| a.to_lowercase() == b.to_lowercase();
    let mut earlier = 0_usize..;
    let different = names
        .iter()
        .all(|name| !names.iter().take(earlier.next().unwrap_or_default()).any(|other| same(other, name)));
    (FEWEST_WITNESSES..=MOST_WITNESSES).contains(&names.len()) && names.iter().all(plain) && different
}

/// The first witness who is one of those who write: by the log's name for them, or by that of their key.
#[must_use]
pub fn one_of<'a>(witnesses: &'a [String], writers: &[Option<&str>]) -> Option<&'a String> {
    let writes = |name: &str| writers.iter().flatten().any(|one| one.to_lowercase() == name.to_lowercase());
    witnesses.iter().find(|name| writes(name))
}

impl Certificate {
    /// The details of the record.
    #[must_use]
    pub fn details(&self) -> Json<'static> {
        let version = |name: &Label, version: NonZeroU32| {
            [Some(Json::text(name.as_str().to_owned())), Some(Json::Number(version.get().into()))]
        };
        let [mut name, mut number, mut backup, mut provider, mut place, mut names] = [const { None }; 6];
        let mut card = [("generation", None), ("index", None), ("quorum", None)];
        match &self.what {
            Remains::Card(id) => card = id.fields(),
            Remains::Backup { name: key, version: of, backup: digest } => {
                [name, number] = version(key, *of);
                backup = Some(Json::text(text::hex(digest)));
            }
            Remains::Provider { name: key, version: of, provider: whose, place: there, target } => {
                [name, number] = version(key, *of);
                names = target_json(target);
                provider = Some(Json::text(whose.name()));
                place = Some(Json::text(there.clone()));
            }
        }
        let [generation, index, quorum] = card;
        let witnesses = self.witnesses.iter().map(|name| Json::text(name.clone())).collect();
        object([
            ("backup", backup),
            ("certificate", Some(Json::Number(self.number))),
            generation,
            index,
            ("name", name),
            ("place", place),
            ("provider", provider),
            quorum,
            ("reason", Some(Json::text(self.reason.clone()))),
            ("target", names),
            ("version", number),
            ("what", Some(Json::text(self.what.word()))),
            ("witnesses", Some(Json::List(witnesses))),
        ])
    }

    fn read(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        let what = match &*fields.text("what")? {
            "card" => Remains::Card(CardId::take(&mut fields)?),
            "backup" => {
                let (name, version) = version_of(&mut fields)?;
                Remains::Backup { name, version, backup: fields.parsed("backup", text::array_from_hex)? }
            }
            "provider" => {
                let (name, version) = version_of(&mut fields)?;
                let provider = fields.parsed("provider", |text| text.parse().ok())?;
                Remains::Provider {
                    name,
                    version,
                    provider,
                    place: fields.parsed("place", super::package::place)?,
                    target: target(&mut fields)?,
                }
            }
            _ => return Err(fields.refuse("what")),
        };
        let name = |item: Json<'_>| match item {
            Json::Text(text) => Some(text.into_owned()),
            _ => None,
        };
        let witnesses: Option<Vec<String>> = fields.list("witnesses")?.into_iter().map(name).collect();
        let certificate = Self {
            number: fields.number("certificate")?,
            what,
            reason: fields.parsed("reason", |text| is_reason(text).then(|| text.to_owned()))?,
            witnesses: witnesses
                .filter(|names| are_witnesses(names))
                .ok_or_else(|| fields.refuse("witnesses"))?,
        };
        fields.finish()?;
        Ok(certificate)
    }
}

impl State {
    /// Every certificate, in the order of their numbers.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateEntry] {
        &self.certificates
    }

    /// The number of the next certificate.
    #[must_use]
    pub fn next_certificate(&self) -> u64 {
        u64::try_from(self.certificates.len()).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// Where a key version was taken, or is on its way to, under the name `place`: all names of each such place.
    #[must_use]
    pub fn places(
        &self,
        name: &Label,
        version: NonZeroU32,
        provider: Provider,
        place: &str,
    ) -> BTreeSet<Target> {
        let first = (name.clone(), version, provider, place.to_owned(), Target::new());
        let same = |one: &Imported| {
            (&one.name, one.version, one.provider, one.place.as_str()) == (name, version, provider, place)
        };
        let held = self.held.range(first..).map(|(_, held)| &held.imported).take_while(|one| same(one));
        let taken = held.map(|one| whereabouts(&one.names()));
        let bound = self.bound.get(&(name.clone(), version, provider, place.to_owned()));
        taken.chain(bound.into_iter().flatten().cloned()).collect()
    }

    /// Whether a key version went to a place: to that one, or without names to any that is called so.
    #[must_use]
    pub fn is_known(
        &self,
        name: &Label,
        version: NonZeroU32,
        provider: Provider,
        place: &str,
        target: &Target,
    ) -> bool {
        self.went_to(name, version, provider, place)
            && (target.is_empty() || self.places(name, version, provider, place).contains(target))
    }

    /// Takes a certificate that a record carries: its number is the next one, and what it names was there.
    ///
    /// # Errors
    /// [`StateError::Certificate`], and what its subject contradicts.
    pub(super) fn certify(&mut self, entry: CertificateEntry) -> Result<(), StateError> {
        let CertificateEntry { certificate, time, .. } = &entry;
        let (number, next) = (certificate.number, self.next_certificate());
        if number != next {
            return Err(StateError::Certificate { number, next });
        }
        match &certificate.what {
            Remains::Card(card) => {
                let (card, time) = (*card, *time);
                let cards = &mut self.quorum_of_mut(card)?.cards;
                let mut history = cards.get(&card.index).copied().unwrap_or_default();
                if let Some((_, by)) = history.destroyed {
                    return Err(StateError::Destroyed { certificate: by });
                }
                history.destroyed = Some((time, number));
                cards.insert(card.index, history);
            }
            Remains::Backup { name, version, backup } => {
                let found = self.keys.get_mut(name).and_then(|key| key.versions.get_mut(version));
                let quorum = match found.filter(|found| found.backed.backup == *backup) {
                    None => return Err(StateError::Version { name: name.clone(), version: *version }),
                    Some(found) => {
                        if let Some(certificate) = found.certificate {
                            return Err(StateError::Destroyed { certificate });
                        }
                        (found.state, found.since) = (found.state.destroyed(), *time);
                        (found.changed, found.certificate, found.failed) = (true, Some(number), None);
                        found.backed.deposit.quorum
                    }
                };
                self.counted(quorum, false);
            }
            Remains::Provider { name, version, provider, place, target } => {
                if !self.is_known(name, *version, *provider, place, target) {
                    return Err(StateError::Version { name: name.clone(), version: *version });
                }
            }
        }
        self.certificates.push(entry);
        Ok(())
    }

    pub(super) fn destroyed(
        &mut self,
        fields: Fields<'_>,
        (actor, signed): (&str, Option<&SshFingerprint>),
        (time, seq): (Timestamp, u64),
    ) -> Result<(), StateError> {
        let certificate = Certificate::read(fields)?;
        let operator = signed.and_then(|key| self.operators.get(key)).map(|one| one.name.as_str());
        if let Some(name) = one_of(&certificate.witnesses, &[Some(actor), operator]) {
            return Err(StateError::Witness { name: name.clone() });
        }
        self.certify(CertificateEntry { certificate, actor: actor.to_owned(), time, seq })
    }
}
