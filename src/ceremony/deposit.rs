//! Backing keys up: a version is reserved in the log, the key is made or read, encrypted to the
//! quorum, stored, and logged. No custodian is needed, and any number of keys go in one commit.

use super::escrow::{Escrow, EscrowError, backup_file};
use crate::age::{EncryptError, Recipient};
use crate::backup::Backup;
use crate::key::{Fingerprint, KeyFacts, KeyId, KeyMaterial, KeyRecord, Label, Mark, RecordError};
use crate::log::{Backed, CommitError, Deposit, InToken, KeyEntry, Op, Phase};
use crate::primitive::random::{Entropy, NoEntropy};
use crate::quorum::QuorumRecord;
use crate::secret::SecretBytes;
use crate::share::QuorumId;
use crate::store::{Made as ToStore, StoreError};
use crate::wire::json::{Json, object};
use crate::wire::time::Timestamp;
use core::convert::Infallible;
use core::num::NonZeroU32;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Sender, channel};

/// How many keys are in memory at once: their pages can all be locked.
const BATCH: usize = 64;
/// A thread gets no fewer keys than this.
const FEW: usize = 8;

/// Why keys were not backed up. `E` is why the key itself could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DepositError<E: std::error::Error> {
    /// The key could not be made or read.
    #[error("{name}: {error}")]
    Source {
        /// The key's name.
        name: Label,
        /// Why.
        error: E,
    },
    /// The escrow has no quorum, or its record can't be read.
    #[error(transparent)]
    Escrow(#[from] EscrowError),
    /// One name twice in one commit.
    #[error("{name} is named twice: back up one version of a key at a time")]
    Twice {
        /// The name.
        name: Label,
    },
    /// A name that reads as another one when somebody copies it from paper.
    #[error("{name} differs from {other} in upper and lower case only: use that name, or another one")]
    Alike {
        /// The name.
        name: Label,
        /// The other name.
        other: Label,
    },
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The key record can't be made.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The key record can't be encrypted.
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
    /// The backup can't be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log can't be written.
    #[error(transparent)]
    Log(#[from] CommitError<Infallible>),
}

/// Backs up one new version of each of `names`; `make` gives its key, after the intent is logged.
///
/// # Errors
/// [`DepositError`]; nothing is backed up then, and the failure is logged.
pub fn deposit<E: std::error::Error>(
    escrow: &mut Escrow<'_>,
    op: Op,
    names: &[Label],
    mut make: impl FnMut(&Label, &mut Entropy) -> Result<KeyMaterial, E>,
    entropy: &mut Entropy,
) -> Result<Vec<Backed>, DepositError<E>> {
    let plain = |deposit: &Deposit, entropy: &mut Entropy| make(&deposit.name, entropy).map(Made::from);
    deposit_in(escrow, op, names, None, plain, entropy)
}

/// A key to be backed up, with what is kept beside it.
#[derive(Debug)]
pub struct Made {
    /// The key.
    pub material: KeyMaterial,
    /// What it may do, as [`KeyFacts::usage`].
    pub usage: BTreeSet<String>,
    /// What a token or a provider needs to take it back, as [`KeyFacts::attributes`].
    pub attributes: BTreeMap<String, String>,
    /// Whether a token made it at random: then the log gets its mark.
    pub at_random: bool,
}

impl From<KeyMaterial> for Made {
    fn from(material: KeyMaterial) -> Self {
        Self { material, usage: BTreeSet::new(), attributes: BTreeMap::new(), at_random: false }
    }
}

/// As [`deposit`], for keys that live in `token`: `make` is told which version it makes, and gives what is
/// kept beside the key.
///
/// # Errors
/// [`DepositError`]; nothing is backed up then, and the failure is logged.
pub fn deposit_in<E: std::error::Error>(
    escrow: &mut Escrow<'_>,
    op: Op,
    names: &[Label],
    token: Option<&InToken>,
    mut make: impl FnMut(&Deposit, &mut Entropy) -> Result<Made, E>,
    entropy: &mut Entropy,
) -> Result<Vec<Backed>, DepositError<E>> {
    let mut seen = BTreeSet::new();
    if let Some(name) = names.iter().find(|name| !seen.insert(*name)) {
        return Err(DepositError::Twice { name: name.clone() });
    }
    if let Some((name, other)) = alike(names, escrow.state().keys()) {
        return Err(DepositError::Alike { name: name.clone(), other: other.clone() });
    }
    // The record is checked before it is trusted with a key: signature, id, digest in the log.
    let quorum = escrow.quorum()?;
    let reserved = reserve(escrow, op, names, quorum.id(), token, entropy)?;
    let mut stored = false;
    let ended = back_up(escrow, op, &reserved, &quorum, &mut make, &mut stored, entropy);
    if ended.is_err() {
        let end = |(intent, deposit): &(u64, Deposit)| {
            // A version whose file may exist is never begun again, or it would meet that file for ever.
            // The next first version has another key id, and so another file.
            let free = !stored || deposit.version == NonZeroU32::MIN;
            let phase = if free { Phase::Failed } else { Phase::Abandoned };
            (op, phase, object([("intent", Some(Json::Number(*intent)))]))
        };
        let failed: Vec<_> = reserved.iter().map(end).collect();
        // The first error is the one to show; a log that can't be written leaves the intents open.
        let _ = escrow.commit(|_| Ok::<_, Infallible>(failed.clone()));
    }
    ended
}

/// A name that differs from another one in capitals only, and that one.
fn alike<'a>(names: &'a [Label], keys: &'a BTreeMap<Label, KeyEntry>) -> Option<(&'a Label, &'a Label)> {
    let folded = |name: &'a Label| (name.as_str().to_ascii_lowercase(), name);
    let is_new = |name: &Label| !keys.contains_key(name);
    // A name that exists was compared when it was new.
    let any_new = names.iter().any(is_new);
    let mut known: BTreeMap<_, _> = keys.keys().filter(|_| any_new).map(folded).collect();
    names.iter().map(folded).find_map(|(folded, name)| {
        let other = known.insert(folded, name)?;
        (other != name && (is_new(name) || is_new(other))).then_some((name, other))
    })
}

/// Logs the intents, which give each name its next version whoever else is at work.
fn reserve<E: std::error::Error>(
    escrow: &mut Escrow<'_>,
    op: Op,
    names: &[Label],
    quorum: QuorumId,
    token: Option<&InToken>,
    entropy: &mut Entropy,
) -> Result<Vec<(u64, Deposit)>, DepositError<E>> {
    let fresh: Result<Vec<KeyId>, _> = names.iter().map(|_| KeyId::random(entropy)).collect();
    let fresh = fresh?;
    let mut reserved = Vec::new();
    let last = escrow.commit(|state| {
        reserved.clear();
        for (name, fresh) in names.iter().zip(&fresh) {
            let (id, version) = state.next_version(name);
            let (name, key, token) = (name.clone(), id.unwrap_or(*fresh), token.cloned());
            reserved.push(Deposit { name, key, version, quorum, token });
        }
        Ok(reserved.iter().map(|deposit| (op, Phase::Intent, deposit.intent())).collect())
    })?;
    // The intents are the last records of the log, in order.
    let count = u64::try_from(reserved.len()).unwrap_or_default();
    let first = last.seq().saturating_sub(count).saturating_add(1);
    Ok((first..).zip(reserved).collect())
}

fn back_up<E: std::error::Error>(
    escrow: &mut Escrow<'_>,
    op: Op,
    reserved: &[(u64, Deposit)],
    quorum: &QuorumRecord,
    make: &mut impl FnMut(&Deposit, &mut Entropy) -> Result<Made, E>,
    stored: &mut bool,
    entropy: &mut Entropy,
) -> Result<Vec<Backed>, DepositError<E>> {
    let (created, store) = (escrow.now(), escrow.store());
    let (made, objects) = channel();
    if reserved.len() <= BATCH {
        let backed = seal_all(reserved, created, quorum.recipient(), make, &made, entropy)?;
        drop(made);
        *stored = true;
        store.create_all(&mut objects.into_iter())?;
        return done(escrow, op, reserved, backed);
    }
    let backed = std::thread::scope(|scope| {
        // What is sealed is written while the next is sealed.
        let writer = scope.spawn(move || store.create_all(&mut objects.into_iter()));
        let sealed = seal_all(reserved, created, quorum.recipient(), make, &made, entropy);
        // Something was written, and is removed when the rest fails: whether all of it is, nobody knows.
        *stored = true;
        if sealed.is_err() {
            let _ = made.send(Err(stopped()));
        }
        drop(made);
        let written = writer.join().unwrap_or_else(|_| Err(stopped()));
        let backed = sealed?;
        written?;
        Ok::<_, DepositError<E>>(backed)
    })?;
    done(escrow, op, reserved, backed)
}

/// Logs that every key is backed up.
fn done<E: std::error::Error>(
    escrow: &mut Escrow<'_>,
    op: Op,
    reserved: &[(u64, Deposit)],
    backed: Vec<Backed>,
) -> Result<Vec<Backed>, DepositError<E>> {
    let one = |((intent, _), one): (&(u64, Deposit), &Backed)| (op, Phase::Done, one.done(*intent));
    escrow.commit(|_| Ok::<_, Infallible>(reserved.iter().zip(&backed).map(one).collect()))?;
    Ok(backed)
}

/// Seals every key and gives its backup to whoever stores it.
fn seal_all<E: std::error::Error>(
    reserved: &[(u64, Deposit)],
    created: Timestamp,
    recipient: &Recipient,
    make: &mut impl FnMut(&Deposit, &mut Entropy) -> Result<Made, E>,
    made: &Sender<ToStore>,
    entropy: &mut Entropy,
) -> Result<Vec<Backed>, DepositError<E>> {
    let mut backed = Vec::with_capacity(reserved.len());
    // A batch at a time: all of its keys are in memory at once.
    for batch in reserved.chunks(BATCH) {
        let mut materials = Vec::with_capacity(batch.len());
        for (_, deposit) in batch {
            let source = |error| DepositError::Source { name: deposit.name.clone(), error };
            materials.push((deposit, make(deposit, entropy).map_err(source)?));
        }
        for (backup, one) in seal_batch(materials, created, recipient, entropy)? {
            // A writer that failed has its own error.
            let _ = made.send(Ok((backup_file(one.deposit.key, one.deposit.version), backup.into_bytes())));
            backed.push(one);
        }
    }
    Ok(backed)
}

/// The end of a stream that is not to be kept.
fn stopped() -> StoreError {
    StoreError::System { name: "the store".to_owned(), message: "stopped".to_owned() }
}

/// Encrypts the keys of a batch, on every core when there are many.
fn seal_batch(
    materials: Vec<(&Deposit, Made)>,
    created: Timestamp,
    recipient: &Recipient,
    entropy: &mut Entropy,
) -> Result<Vec<(Backup, Backed)>, SealError> {
    let cores = std::thread::available_parallelism().map_or(1, core::num::NonZero::get);
    let each = materials.len().div_ceil(cores.max(1)).max(FEW);
    let mut rest = materials.into_iter();
    let mut parts = Vec::new();
    loop {
        let part: Vec<_> = rest.by_ref().take(each).collect();
        if part.is_empty() {
            break;
        }
        // What the caller mixed in reaches every thread: each draws from a mixture of its own.
        parts.push((part, entropy.secret(32).map_err(SealError::Entropy)?));
    }
    let seal = |(part, seed): (Vec<(&Deposit, Made)>, SecretBytes)| {
        let mut entropy = Entropy::system();
        entropy.mix(seed.expose());
        let one = |(deposit, made)| seal_one(deposit, made, created, recipient, &mut entropy);
        // An error ends its part; what was sealed before it is forgotten with the rest.
        part.into_iter().map(one).collect::<Result<Vec<_>, SealError>>()
    };
    let sealed: Vec<Result<Vec<_>, SealError>> = if parts.len() < 2 {
        parts.into_iter().map(seal).collect()
    } else {
        std::thread::scope(|scope| {
            let threads: Vec<_> = parts.into_iter().map(|part| scope.spawn(|| seal(part))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or(Err(SealError::Entropy(NoEntropy))))
                .collect()
        })
    };
    let mut all = Vec::new();
    for part in sealed {
        all.extend(part?);
    }
    Ok(all)
}

/// Why one key was not sealed.
enum SealError {
    Entropy(NoEntropy),
    Record(RecordError),
    Encrypt(EncryptError),
}

impl<E: std::error::Error> From<SealError> for DepositError<E> {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Entropy(error) => error.into(),
            SealError::Record(error) => error.into(),
            SealError::Encrypt(error) => error.into(),
        }
    }
}

/// One backup and what the log will say of it.
fn seal_one(
    deposit: &Deposit,
    made: Made,
    created: Timestamp,
    recipient: &Recipient,
    entropy: &mut Entropy,
) -> Result<(Backup, Backed), SealError> {
    let Made { material, usage, attributes, at_random } = made;
    let facts = KeyFacts {
        key: deposit.key,
        label: deposit.name.clone(),
        version: deposit.version,
        created,
        usage,
        attributes,
    };
    let (kind, spki) = (material.kind(), material.spki_sha256());
    let record = KeyRecord::new(facts, material, entropy).map_err(SealError::Record)?;
    let fingerprint: Fingerprint = record.fingerprint();
    let marked = at_random && deposit.token.is_some();
    let mark = marked.then(|| Mark::of(record.material(), &fingerprint)).flatten();
    let backup = Backup::seal(&record, recipient, entropy).map_err(SealError::Encrypt)?;
    let backed = Backed {
        deposit: deposit.clone(),
        kind,
        created,
        fingerprint,
        backup: *backup.digest(),
        size: u64::try_from(backup.bytes().len()).unwrap_or_default(),
        spki,
        mark,
    };
    Ok((backup, backed))
}
