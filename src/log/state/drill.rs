//! The details of a drill: which key versions are to be proven recoverable, and how it ended.
//!
//! A drill is a recovery of many keys at one meeting, of which nothing is released. Its intent says what
//! was chosen, so that a drill that was broken off can't be told as a smaller one that went well. Up to
//! [`LISTED`] versions are named; of more, the record has the digest of their list. Of a drill of all
//! versions the fold knows which they are in any case, and refuses a list that isn't that of the keys
//! that were backed up then. `done` is signed by the quorum, and counts what failed.

use super::details::signature;
use super::{
    About, Fields, Json, JsonError, KeyVersion, Label, QuorumId, State, StateError, Timestamp, object, text,
};
use crate::primitive::hash::sha256;
use core::num::NonZeroU32;

/// The most key versions that a record names.
pub const LISTED: usize = 400;
/// The most failures that a record names.
pub const FAILURES: usize = 100;

/// Which key versions a drill is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every one that was backed up then.
    All,
    /// Those that somebody named.
    Named,
    /// Some of them, drawn at random.
    Sample,
}

/// What is to be proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drill {
    /// The quorum that meets.
    pub quorum: QuorumId,
    /// How the versions were chosen.
    pub scope: Scope,
    /// How many versions were backed up to the quorum then.
    pub population: u64,
    /// How many were chosen.
    pub count: u64,
    /// The versions, in order; of more than [`LISTED`], none.
    pub keys: Vec<(Label, NonZeroU32)>,
    /// SHA-256 of their list ([`digest`]), when they are not named.
    pub digest: Option<[u8; 32]>,
}

/// Why a key version was not proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its backup is gone.
    Missing,
    /// Its backup is not the one that the log names.
    Altered,
    /// Its backup can't be read.
    Unreadable,
    /// Its backup gave no key, or another one.
    Key,
    /// The place that the drill puts keys into did not take it.
    Target,
}

/// A key version that was not proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The key.
    pub name: Label,
    /// Its version.
    pub version: NonZeroU32,
    /// Why.
    pub why: Why,
}

/// How long the steps took, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// Until enough custodians were present.
    pub gather: u64,
    /// Until their shares made the quorum.
    pub meet: u64,
    /// Until every key was opened and compared.
    pub open: u64,
    /// From the first moment to the last.
    pub whole: u64,
}

/// A drill that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drilled {
    /// What was to be proven.
    pub drill: Drill,
    /// Where the keys went: `nowhere`, `token`, or in a `package` to a test key of a provider.
    pub to: &'static str,
    /// The shares that were present.
    pub cards: Vec<u8>,
    /// How many versions were not proven.
    pub failures: u64,
    /// The first [`FAILURES`] of them.
    pub failed: Vec<Failed>,
    /// How long it took.
    pub times: Times,
}

/// A drill in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillEntry {
    /// What its record says.
    pub drilled: Drilled,
    /// When.
    pub time: Timestamp,
    /// The number of the log's record.
    pub seq: u64,
    /// Whether the quorum's signature of it was checked, and is good.
    pub is_proven: bool,
}

const SCOPES: [(Scope, &str); 3] = [(Scope::All, "all"), (Scope::Named, "named"), (Scope::Sample, "sample")];
const WHYS: [(Why, &str); 5] = [
    (Why::Missing, "missing"),
    (Why::Altered, "altered"),
    (Why::Unreadable, "unreadable"),
    (Why::Key, "key"),
    (Why::Target, "target"),
];
/// Where a drill may put keys.
const TARGETS: [&str; 3] = ["nowhere", "token", "package"];

fn word<T: PartialEq>(table: &[(T, &'static str)], value: &T) -> &'static str {
    table.iter().find(|(known, _)| known == value).map_or("", |(_, word)| *word)
}

fn value<T: Copy>(table: &[(T, &'static str)], word: &str) -> Option<T> {
    table.iter().find(|(_, known)| *known == word).map(|(value, _)| *value)
}

impl Scope {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        word(&SCOPES, &self)
    }
}

impl Why {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        word(&WHYS, &self)
    }
}

/// SHA-256 of a line `NAME@VERSION` for each version, in order.
pub fn digest<'a>(keys: impl IntoIterator<Item = (&'a Label, NonZeroU32)>) -> [u8; 32] {
    let lines: Vec<String> = keys.into_iter().map(|(name, version)| format!("{name}@{version}\n")).collect();
    sha256(&lines.iter().map(String::as_bytes).collect::<Vec<_>>())
}

fn key(name: &Label, version: NonZeroU32) -> [(&'static str, Option<Json<'static>>); 2] {
    [
        ("name", Some(Json::text(name.as_str().to_owned()))),
        ("version", Some(Json::Number(version.get().into()))),
    ]
}

fn read_key(fields: &mut Fields<'_>) -> Result<(Label, NonZeroU32), JsonError> {
    let name = fields.parsed("name", |text| text.parse().ok())?;
    Ok((name, NonZeroU32::new(fields.number("version")?).ok_or_else(|| fields.refuse("version"))?))
}

impl Drill {
    /// A drill of these versions, which must be in order.
    #[must_use]
    pub fn of(quorum: QuorumId, scope: Scope, population: u64, keys: Vec<(Label, NonZeroU32)>) -> Self {
        let count = u64::try_from(keys.len()).unwrap_or(u64::MAX);
        let digest =
            (keys.len() > LISTED).then(|| digest(keys.iter().map(|(name, version)| (name, *version))));
        let keys = if digest.is_some() { Vec::new() } else { keys };
        Self { quorum, scope, population, count, keys, digest }
    }

    fn fields(&self) -> [(&'static str, Option<Json<'static>>); 6] {
        let keys = || self.keys.iter().map(|(name, version)| object(key(name, *version))).collect();
        [
            ("count", Some(Json::Number(self.count))),
            ("digest", self.digest.map(|digest| Json::text(text::hex(&digest)))),
            ("keys", self.digest.is_none().then(|| Json::List(keys()))),
            ("population", Some(Json::Number(self.population))),
            ("quorum", Some(Json::text(self.quorum.text()))),
            ("scope", Some(Json::text(self.scope.name()))),
        ]
    }

    /// The details of the intent.
    #[must_use]
    pub fn intent(&self) -> Json<'static> {
        object(self.fields())
    }

    fn take(fields: &mut Fields<'_>) -> Result<Self, JsonError> {
        let digest = match fields.optional_text("digest")? {
            None => None,
            Some(text) => Some(text::array_from_hex(&text).ok_or_else(|| fields.refuse("digest"))?),
        };
        let mut keys: Vec<(Label, NonZeroU32)> = Vec::new();
        if digest.is_none() {
            for item in fields.list("keys")? {
                let mut one = Fields::of("a key of the record", item)?;
                keys.push(read_key(&mut one)?);
                one.finish()?;
            }
        }
        let is_ordered = keys.iter().zip(keys.iter().skip(1)).all(|(before, after)| before < after);
        let drill = Self {
            quorum: fields.parsed("quorum", QuorumId::from_text)?,
            scope: fields.parsed("scope", |text| value(&SCOPES, text))?,
            population: fields.number("population")?,
            count: fields.number("count")?,
            keys,
            digest,
        };
        if !is_ordered || drill.keys.len() > LISTED {
            return Err(fields.refuse("keys"));
        }
        let listed = u64::try_from(drill.keys.len()).unwrap_or(u64::MAX);
        let fits = drill.digest.is_some() || drill.count == listed;
        if drill.count == 0 || drill.count > drill.population || !fits {
            return Err(fields.refuse("count"));
        }
        Ok(drill)
    }
}

impl Drilled {
    /// The details of the record that ends `intent`, without the quorum's signature.
    #[must_use]
    pub fn done(&self, intent: u64) -> Json<'static> {
        let [count, digest, keys, population, quorum, scope] = self.drill.fields();
        let failed = |one: &Failed| {
            let [name, version] = key(&one.name, one.version);
            object([name, version, ("why", Some(Json::text(one.why.name())))])
        };
        let Times { gather, meet, open, whole } = self.times;
        let times = [("gather", gather), ("meet", meet), ("open", open), ("whole", whole)];
        let cards = self.cards.iter().map(|index| Json::Number((*index).into())).collect();
        object([
            ("cards", Some(Json::List(cards))),
            count,
            digest,
            ("failed", Some(Json::List(self.failed.iter().map(failed).collect()))),
            ("failures", Some(Json::Number(self.failures))),
            ("intent", Some(Json::Number(intent))),
            keys,
            ("milliseconds", Some(object(times.map(|(name, time)| (name, Some(Json::Number(time))))))),
            population,
            quorum,
            scope,
            ("to", Some(Json::text(self.to))),
        ])
    }

    /// Reads what is left of the details behind `intent`.
    fn read(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        signature(&mut fields)?;
        let drill = Drill::take(&mut fields)?;
        let mut failed = Vec::new();
        for item in fields.list("failed")? {
            let mut one = Fields::of("a failure of the record", item)?;
            let (name, version) = read_key(&mut one)?;
            failed.push(Failed { name, version, why: one.parsed("why", |text| value(&WHYS, text))? });
            one.finish()?;
        }
        let mut times = Fields::of("the times of the record", fields.value("milliseconds")?)?;
        let index = |item: Json<'_>| match item {
            Json::Number(index) => u8::try_from(index).ok(),
            _ => None,
        };
        let cards = fields.list("cards")?.into_iter().map(index).collect::<Option<_>>();
        let drilled = Self {
            drill,
            cards: cards.ok_or_else(|| fields.refuse("cards"))?,
            failures: fields.number("failures")?,
            failed,
            to: fields.parsed("to", |text| TARGETS.into_iter().find(|known| *known == text))?,
            times: Times {
                gather: times.number("gather")?,
                meet: times.number("meet")?,
                open: times.number("open")?,
                whole: times.number("whole")?,
            },
        };
        times.finish()?;
        let named = drilled.failed.len();
        let wanted = usize::try_from(drilled.failures).unwrap_or(usize::MAX).min(FAILURES);
        if named != wanted || drilled.failures > drilled.drill.count {
            return Err(fields.refuse("failures"));
        }
        fields.finish()?;
        Ok(drilled)
    }
}

impl State {
    /// Every drill, the oldest first.
    #[must_use]
    pub fn drills(&self) -> &[DrillEntry] {
        &self.drills
    }

    /// Every version that is backed up to `quorum`, in the order of names and numbers; none whose backup
    /// was destroyed.
    pub fn versions_of(&self, quorum: QuorumId) -> impl Iterator<Item = (&Label, NonZeroU32)> {
        self.keys.iter().flat_map(move |(name, key)| {
            let ours = move |(_, one): &(&NonZeroU32, &KeyVersion)| {
                one.backed.deposit.quorum == quorum && !one.state.is_destroyed()
            };
            key.versions.iter().filter(ours).map(move |(version, _)| (name, *version))
        })
    }

    /// What an intent to drill says, when it fits the keys that there are.
    ///
    /// It costs what is in it, not what is in the escrow: the versions are counted as they come, and the digest of
    /// all of them is kept until there is another one.
    pub(super) fn drill_begun(&mut self, mut fields: Fields<'_>) -> Result<Drill, StateError> {
        let drill = Drill::take(&mut fields)?;
        fields.finish()?;
        // As many as there are, by whatever name: then they are to be all of them.
        let is_whole = drill.scope == Scope::All || drill.count == drill.population;
        let all = match self.listed.filter(|(quorum, _)| *quorum == drill.quorum) {
            Some((_, listed)) => Some(listed),
            None if is_whole && drill.digest.is_some() => {
                let listed = digest(self.versions_of(drill.quorum));
                self.listed = Some((drill.quorum, listed));
                Some(listed)
            }
            None => None,
        };
        let known = |(name, version): &(Label, NonZeroU32)| {
            let version = self.keys.get(name).and_then(|key| key.versions.get(version));
            version.is_some_and(|version| {
                version.backed.deposit.quorum == drill.quorum && !version.state.is_destroyed()
            })
        };
        let all_of_them = || match drill.digest {
            None => drill.count == drill.population,
            listed => listed == all,
        };
        let fits = self.population(drill.quorum) == drill.population
            && drill.keys.iter().all(known)
            && (!is_whole || all_of_them());
        if fits { Ok(drill) } else { Err(StateError::Drill) }
    }

    /// Ends the drill that `intent` began.
    pub(super) fn drill_done(
        &mut self,
        (intent, begun): (u64, Option<Drill>),
        fields: Fields<'_>,
        (seq, time): (u64, Timestamp),
        about: About,
    ) -> Result<QuorumId, StateError> {
        let drilled = Drilled::read(fields)?;
        if begun.as_ref() != Some(&drilled.drill) {
            return Err(StateError::NoIntent { intent });
        }
        about.is_genuine()?;
        // Whoever tells of a failure is believed; what takes it back has to be proven.
        for Failed { name, version, .. } in &drilled.failed {
            let one = self.keys.get_mut(name).and_then(|key| key.versions.get_mut(version));
            let ours = one
                .filter(|one| one.backed.deposit.quorum == drilled.drill.quorum && !one.state.is_destroyed());
            if let Some(one) = ours {
                one.failed.get_or_insert(time);
            }
        }
        // Which of many failed is known only when all of them are named.
        let all_named = u64::try_from(drilled.failed.len()).is_ok_and(|named| named == drilled.failures);
        if all_named && about.is_proven() {
            let has_failed = |name: &Label, version: NonZeroU32| {
                drilled.failed.iter().any(|one| one.name == *name && one.version == version)
            };
            if drilled.drill.scope == Scope::All {
                for (name, key) in &mut self.keys {
                    for (version, one) in &mut key.versions {
                        let ours = one.backed.deposit.quorum == drilled.drill.quorum
                            && one.seq < intent
                            && !one.state.is_destroyed();
                        if ours && !has_failed(name, *version) {
                            (one.drilled, one.failed) = (Some(time), None);
                        }
                    }
                }
            } else {
                for (name, version) in &drilled.drill.keys {
                    let one = self.keys.get_mut(name).and_then(|key| key.versions.get_mut(version));
                    if let Some(one) = one.filter(|_| !has_failed(name, *version)) {
                        (one.drilled, one.failed) = (Some(time), None);
                    }
                }
            }
        }
        let quorum = drilled.drill.quorum;
        let is_proven = about.is_proven();
        if is_proven {
            self.used(quorum, &drilled.cards, time);
        }
        self.drills.push(DrillEntry { drilled, time, seq, is_proven });
        Ok(quorum)
    }
}
