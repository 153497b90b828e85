//! The drill: keys are truly recovered, compared with the log, and wiped. Nothing is released.
//!
//! One meeting of the quorum, many keys. The choice (all, by name, or a sample drawn at random) is made
//! on the log as it is when the intent is committed, before the first card. A backup that fails is
//! remembered and the rest goes on; whatever fails, the record that ends the drill says so. A key that
//! came back goes to a [`Target`], which for most drills is [`Nowhere`].

use super::escrow::{Escrow, EscrowError, expected};
use super::recover::Gathering;
use crate::key::{KeyName, KeyRecord, Label};
use crate::log::{
    Checkpoint, CommitError, Drill, Drilled, FAILURES, Failed, KeyVersion, Op, Phase, Scope, State, Times,
    Why,
};
use crate::primitive::random::{Entropy, NoEntropy};
use crate::quorum::Quorum;
use crate::share::QuorumId;
use crate::wire::json::{Json, object};
use core::convert::Infallible;
use core::num::NonZeroU32;
use std::collections::BTreeSet;

/// Which keys a drill is to prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Every version of every key.
    All,
    /// A name alone means all its versions.
    Named(Vec<KeyName>),
    /// So many versions, drawn at random; all of them when there are no more.
    Sample(NonZeroU32),
}

/// Why a drill did not begin, or is not in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DrillError {
    /// Nothing is backed up.
    #[error("no key is backed up in this escrow: there is nothing to drill")]
    NoKeys,
    /// A key or a version that isn't there.
    #[error(transparent)]
    Escrow(#[from] EscrowError),
    /// No sample could be drawn.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// Where a drill puts each key that came back: nowhere, into a spare token, or wrapped for a provider's test key.
pub trait Target {
    /// The word for it in the log: `nowhere`, `token` or `package`.
    fn word(&self) -> &'static str;

    /// Takes a key whose fingerprint matched, and leaves nothing of it behind.
    ///
    /// # Errors
    /// Why it can't be taken, in public words.
    fn take(&mut self, key: &KeyRecord) -> Result<(), String>;

    /// What is logged with the end of the drill whose intent is `intent`: the packages that it made.
    fn records(&self, intent: u64) -> Vec<(Op, Phase, Json<'static>)> {
        let _ = intent;
        Vec::new()
    }
}

/// The key is wiped at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Target for Nowhere {
    fn word(&self) -> &'static str {
        "nowhere"
    }

    fn take(&mut self, _: &KeyRecord) -> Result<(), String> {
        Ok(())
    }
}

/// A key version that was not proven, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// As the log has it.
    pub failed: Failed,
    /// In words.
    pub message: String,
}

/// A drill that is in the log as begun.
#[derive(Debug)]
pub struct Drilling {
    intent: u64,
    drill: Drill,
    chosen: Vec<(Label, NonZeroU32)>,
}

impl Drilling {
    /// Logs the intent to prove what `choice` names of the keys of `quorum`.
    ///
    /// # Errors
    /// [`DrillError`] as [`CommitError::Refused`]; nothing is logged then.
    pub fn begin(
        escrow: &mut Escrow<'_>,
        quorum: QuorumId,
        choice: &Choice,
        entropy: &mut Entropy,
    ) -> Result<Self, CommitError<DrillError>> {
        let mut begun = None;
        let intent = escrow.commit(|state| {
            let (scope, chosen) = choose(state, quorum, choice, entropy)?;
            let drill = Drill::of(quorum, scope, state.population(quorum), chosen.clone());
            let details = drill.intent();
            begun = Some((drill, chosen));
            Ok::<_, DrillError>(vec![(Op::Drill, Phase::Intent, details)])
        })?;
        let (drill, chosen) = begun.ok_or(CommitError::Refused(DrillError::NoKeys))?;
        Ok(Self { intent: intent.seq(), drill, chosen })
    }

    /// What is to be proven.
    #[must_use]
    pub const fn drill(&self) -> &Drill {
        &self.drill
    }

    /// Every version that is to be proven, in order.
    #[must_use]
    pub fn chosen(&self) -> &[(Label, NonZeroU32)] {
        &self.chosen
    }

    /// Opens the backup of each version, compares the key with the log, hands it to `target` and wipes
    /// it. `proven` is told after each how many were tried. What failed is returned.
    pub fn prove(
        &self,
        escrow: &Escrow<'_>,
        quorum: &Quorum,
        target: &mut dyn Target,
        proven: &mut dyn FnMut(usize),
    ) -> Vec<Failure> {
        let mut failures = Vec::new();
        for (count, (name, version)) in (1_usize..).zip(&self.chosen) {
            if let Err((why, message)) = prove(escrow, quorum, target, name, *version) {
                let failed = Failed { name: name.clone(), version: *version, why };
                failures.push(Failure { failed, message });
            }
            proven(count);
        }
        failures
    }

    /// Logs how the drill ended, signed by the quorum.
    ///
    /// # Errors
    /// [`CommitError`].
    pub fn complete(
        self,
        escrow: &mut Escrow<'_>,
        quorum: &Quorum,
        gathering: &Gathering,
        target: &dyn Target,
        failures: &[Failure],
        times: Times,
    ) -> Result<Checkpoint, CommitError<Infallible>> {
        let drilled = Drilled {
            drill: self.drill,
            to: target.word(),
            cards: gathering.present_shares(),
            failures: u64::try_from(failures.len()).unwrap_or(u64::MAX),
            failed: failures.iter().take(FAILURES).map(|one| one.failed.clone()).collect(),
            times,
        };
        let before = target.records(self.intent);
        if !before.is_empty() {
            escrow.commit(|_| Ok::<_, Infallible>(before.clone()))?;
        }
        escrow.record_signed(Op::Drill, Phase::Done, &drilled.done(self.intent), quorum)
    }

    /// Logs that nothing was proven; `phase` says whether it failed or was given up.
    pub fn end(self, escrow: &mut Escrow<'_>, phase: Phase) {
        let details = object([("intent", Some(Json::Number(self.intent)))]);
        // When even this can't be written, the intent stays open and `status` shows it.
        let _ = escrow.record(Op::Drill, phase, &details);
    }
}

fn prove(
    escrow: &Escrow<'_>,
    quorum: &Quorum,
    target: &mut dyn Target,
    label: &Label,
    version: NonZeroU32,
) -> Result<(), (Why, String)> {
    let named = |error: &EscrowError| {
        let why = match error {
            EscrowError::Missing { .. } => Why::Missing,
            EscrowError::Altered { .. } => Why::Altered,
            _ => Why::Unreadable,
        };
        (why, error.to_string())
    };
    let name = KeyName { label: label.clone(), version: Some(version) };
    let version = escrow.version(&name).map_err(|error| named(&error))?;
    let backup = escrow.backup(version).map_err(|error| named(&error))?;
    let key = backup.open(quorum.identity(), &expected(version));
    let key = key.map_err(|error| (Why::Key, error.to_string()))?;
    target.take(&key).map_err(|message| (Why::Target, message))
}

fn choose(
    state: &State,
    quorum: QuorumId,
    choice: &Choice,
    entropy: &mut Entropy,
) -> Result<(Scope, Vec<(Label, NonZeroU32)>), DrillError> {
    let all = || state.versions_of(quorum).map(|(name, version)| (name.clone(), version)).collect::<Vec<_>>();
    match choice {
        Choice::All => match all() {
            none if none.is_empty() => Err(DrillError::NoKeys),
            all => Ok((Scope::All, all)),
        },
        Choice::Named(names) => {
            let mut chosen = BTreeSet::new();
            for name in names {
                let label = &name.label;
                let no_key = || EscrowError::NoKey { name: label.clone() };
                let key =
                    state.keys().get(label).filter(|key| !key.versions.is_empty()).ok_or_else(no_key)?;
                match name.version {
                    None => {
                        let there = key.versions.iter().filter(|(_, one)| !one.state.is_destroyed());
                        chosen.extend(there.map(|(version, _)| (label.clone(), *version)));
                    }
                    Some(version) => match key.versions.get(&version) {
                        None => return Err(EscrowError::NoVersion { name: label.clone(), version }.into()),
                        Some(KeyVersion { certificate: Some(certificate), .. }) => {
                            let (name, certificate) = (label.clone(), *certificate);
                            return Err(EscrowError::Destroyed { name, version, certificate }.into());
                        }
                        Some(_) => drop(chosen.insert((label.clone(), version))),
                    },
                }
            }
            if chosen.is_empty() {
                Err(DrillError::NoKeys)
            } else {
                Ok((Scope::Named, chosen.into_iter().collect()))
            }
        }
        Choice::Sample(count) => {
            let all = all();
            let count = usize::try_from(count.get()).unwrap_or(usize::MAX);
            if all.is_empty() {
                return Err(DrillError::NoKeys);
            }
            if count >= all.len() {
                return Ok((Scope::All, all));
            }
            Ok((Scope::Sample, sample(all, count, entropy)?))
        }
    }
}

/// `count` of `all`, each choice as likely as any other, in their order (Knuth's selection sampling,
/// The Art of Computer Programming volume 2, section 3.4.2, algorithm S).
fn sample<T>(all: Vec<T>, count: usize, entropy: &mut Entropy) -> Result<Vec<T>, NoEntropy> {
    let (mut left, mut wanted) = (all.len(), count);
    let mut chosen = Vec::with_capacity(count.min(left));
    for one in all {
        if below(left, entropy)? < wanted {
            chosen.push(one);
            wanted = wanted.saturating_sub(1);
        }
        left = left.saturating_sub(1);
    }
    Ok(chosen)
}

/// A number below `end` (at least 1), each as likely as any other.
fn below(end: usize, entropy: &mut Entropy) -> Result<usize, NoEntropy> {
    let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
    // What is over the last whole multiple would favour small numbers.
    let over = u64::MAX.checked_rem(end).unwrap_or_default();
    loop {
        let drawn = u64::from_le_bytes(entropy.public()?);
        if drawn < u64::MAX.saturating_sub(over) {
            return Ok(usize::try_from(drawn.checked_rem(end).unwrap_or_default()).unwrap_or_default());
        }
    }
}

/// What a sample without a failure says: the least number of bad ones among `population` that would
/// have shown up in a sample of `count` with a probability of at least 95 %. Fewer than that are bad, at
/// that confidence. Hypergeometric: the chance to miss `bad` ones is the product, over i below `bad`, of
/// (population - count - i) / (population - i).
#[must_use]
pub fn fewer_than(population: u64, count: u64) -> u64 {
    shown(population, count, population)
}

/// [`fewer_than`], but at most `most`, or one more: who wants to know no more is told sooner.
#[expect(
    clippy::cast_precision_loss,
    reason = "a probability is rounded in any case, and counts are below 2^53"
)]
fn shown(population: u64, count: u64, most: u64) -> u64 {
    const MISSED: f64 = 0.05;
    let mut chance = 1.0_f64;
    let mut bad = 0_u64;
    while bad < population && bad <= most && chance > MISSED {
        let clean = population.saturating_sub(count).saturating_sub(bad);
        chance *= clean as f64 / population.saturating_sub(bad) as f64;
        bad = bad.saturating_add(1);
    }
    bad
}

/// Whether a sample of `count` without a failure shows, at 95 %, that less than `percent` per cent of `population`
/// are bad; of a small population, that none is.
#[must_use]
pub fn suffices(population: u64, count: u64, percent: u8) -> bool {
    let most = population.saturating_mul(percent.into()).div_ceil(100).max(1);
    count > 0 && shown(population, count, most) <= most
}

/// The least sample that [`suffices`]; at most `population`.
#[must_use]
pub fn least_sample(population: u64, percent: u8) -> u64 {
    let (mut low, mut high) = (1, population);
    while low < high {
        let middle = low.saturating_add(high.saturating_sub(low) / 2);
        if suffices(population, middle, percent) {
            high = middle;
        } else {
            low = middle.saturating_add(1);
        }
    }
    high
}
