//! Operators: who may write the log. Each has an SSH key and roles, and the log itself says so.
//!
//! From the first operator on, every record is signed by one of them, and a record counts only when
//! its key was an operator's then and its role allows the operation. What doesn't count is [`Void`]: it
//! keeps its place in the chain, changes nothing, and is named. So nobody who can merely write files
//! can say that a card was checked or a key backed up. A file that is no commit at all still ends the
//! log where it stands: it is the last one, and can be moved away.
//!
//! One signature covers its own record and those before it in the same commit, as far back as it says
//! itself: where a file begins isn't signed, so files that somebody joined cover no more than before.
//! What the changes of operators say is in `state/operators.rs`; signing is done by a [`Sign`].

use super::record::{Op, Phase, Record};
use super::ssh::{NAMESPACE, SshFingerprint, SshKey};
use super::state::{OperatorChange, StateError};
use crate::share::QuorumId;
use crate::wire::time::Timestamp;
use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

/// The longest name of an operator, in bytes.
const LONGEST_NAME: usize = 64;

/// What an operator may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Found quorums, and say who is an operator.
    Founder,
    /// Back up keys.
    Depositor,
    /// Run recoveries.
    Recoverer,
    /// Record that cards were checked, which every operator may, and nothing else.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Founder, Self::Depositor, Self::Recoverer, Self::Auditor];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Founder => "founder",
            Self::Depositor => "depositor",
            Self::Recoverer => "recoverer",
            Self::Auditor => "auditor",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The roles of which one may write records of `op`; none: every operator may.
    #[must_use]
    pub const fn of(op: Op) -> &'static [Self] {
        match op {
            Op::Found | Op::Operator | Op::Policy | Op::Destroy | Op::Retire => &[Self::Founder],
            Op::Generate | Op::Add => &[Self::Depositor],
            Op::Recover | Op::Salvage => &[Self::Recoverer],
            // Whoever works with a key may stop it being used.
            Op::State => &[Self::Founder, Self::Depositor, Self::Recoverer],
            // They follow what either of them did with a key.
            Op::Close | Op::Package | Op::Import | Op::Shred => &[Self::Depositor, Self::Recoverer],
            // Nothing is released: who audits may hold one.
            Op::Drill => &[Self::Recoverer, Self::Auditor],
            // A report follows what its writer did; a loss is for everybody to tell.
            Op::Check | Op::Report | Op::Card => &[],
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A key that is or was an operator's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Whose.
    pub name: String,
    /// The key.
    pub key: SshKey,
    /// What it may do.
    pub roles: BTreeSet<Role>,
    /// Since when, and by which record.
    pub since: (Timestamp, u64),
    /// Until when, and by which record, when it was revoked or replaced.
    pub until: Option<(Timestamp, u64)>,
}

/// Every key that is or was an operator's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operators {
    pub(super) keys: BTreeMap<SshFingerprint, Operator>,
    /// How many records changed them.
    pub(super) changes: u64,
}

/// Why a record doesn't count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unauthorised {
    /// Nobody signed it.
    #[error("it is not signed, and this log has operators who sign")]
    Unsigned,
    /// The signature isn't one of this record by the key that it names.
    #[error("its signature is not one of this record by {key}{}", of(.name.as_deref()))]
    Signature {
        /// The key that it names.
        key: SshFingerprint,
        /// Whose that is.
        name: Option<String>,
    },
    /// Signed by a key that isn't an operator's.
    #[error("it is signed by {key}, which is no operator's key")]
    Stranger {
        /// The key.
        key: SshFingerprint,
    },
    /// Signed by a key that no longer is an operator's.
    #[error("it is signed by {key} of {name}, which record {by} revoked or replaced")]
    Revoked {
        /// The key.
        key: SshFingerprint,
        /// Whose it was.
        name: String,
        /// The record that ended it.
        by: u64,
    },
    /// Signed by an operator who may not do that.
    #[error("{name} signed it, who is no {role}")]
    Role {
        /// Who.
        name: String,
        /// The role that it takes.
        role: Role,
    },
    /// A new key that doesn't agree to take an old one's place.
    #[error("the key {key} did not agree to take the place of {name}'s: its own signature is wrong")]
    Consent {
        /// The new key.
        key: SshFingerprint,
        /// The operator.
        name: String,
    },
    /// The first operator can do nothing for those who come after.
    #[error("the first operator of a log must be a founder, and sign that record")]
    First,
    /// A quorum's signature in it that isn't that quorum's.
    #[error("the signature of quorum {quorum} in it is not that quorum's")]
    Quorum {
        /// The quorum that it names.
        quorum: QuorumId,
    },
    /// A quorum's signature that nobody can check.
    #[error("quorum {quorum} should have signed it, and the record of that quorum is not here")]
    Unproven {
        /// The quorum that it names.
        quorum: QuorumId,
    },
    /// A time before that of a record before it.
    #[error("it is of {time}, before the record of {last} that it follows")]
    Time {
        /// Its time.
        time: Timestamp,
        /// The time of the last record that counts.
        last: Timestamp,
    },
    /// It contradicts what earlier records say.
    #[error("{0}")]
    Unfit(Box<StateError>),
}

fn of(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" of {name}"))
}

/// A record that doesn't count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Void {
    /// Its number.
    pub seq: u64,
    /// When it says it was written.
    pub time: Timestamp,
    /// Who it says wrote it.
    pub actor: String,
    /// What it says was done.
    pub op: Op,
    /// How far.
    pub phase: Phase,
    /// Why it doesn't count.
    pub why: Unauthorised,
}

impl fmt::Display for Void {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, actor, op, phase, why, .. } = self;
        write!(f, "record {seq} ({op} {phase} by {actor}) does not count: {why}")
    }
}

/// A key did not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key {key} did not sign: {reason}")]
pub struct SignError {
    /// The key.
    pub key: SshFingerprint,
    /// What the program that signs says.
    pub reason: String,
}

/// Who signs records: an operator's key, wherever it is.
pub trait Sign {
    /// The public key.
    fn key(&self) -> &SshKey;

    /// The key's inner SSH signature of `message` for [`NAMESPACE`].
    ///
    /// # Errors
    /// [`SignError`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Whether `name` can be an operator's: letters, digits and `. _ @ + -`, as a stock verifier takes it.
#[must_use]
pub fn is_operator(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '@' | '+' | '-');
    (1..=LONGEST_NAME).contains(&name.len())
        && name.chars().all(plain)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

impl Operators {
    /// Whether there was ever one: from then on records are signed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Every key, in the order of their fingerprints.
    pub fn all(&self) -> impl Iterator<Item = (&SshFingerprint, &Operator)> {
        self.keys.iter()
    }

    /// The keys that may sign now.
    pub fn active(&self) -> impl Iterator<Item = (&SshFingerprint, &Operator)> {
        self.keys.iter().filter(|(_, operator)| operator.until.is_none())
    }

    /// The key of that fingerprint, if it is or was an operator's.
    #[must_use]
    pub fn get(&self, key: &SshFingerprint) -> Option<&Operator> {
        self.keys.get(key)
    }

    /// The key that may sign now for `name`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<(&SshFingerprint, &Operator)> {
        self.active().find(|(_, operator)| operator.name == name)
    }

    /// The `allowed_signers` file of `ssh-keygen -Y verify`: who signed in which time.
    #[must_use]
    pub fn allowed_signers(&self) -> String {
        let stamp = |time: Timestamp| time.to_string().replace(['-', ':', 'T'], "");
        let mut operators: Vec<&Operator> = self.keys.values().collect();
        operators.sort_by_key(|operator| operator.since.1);
        let line = |operator: &Operator| {
            let until = operator
                .until
                .map_or_else(String::new, |(time, _)| format!(",valid-before=\"{}\"", stamp(time)));
            let Operator { name, key, since: (since, _), .. } = operator;
            format!("{name} namespaces=\"{NAMESPACE}\",valid-after=\"{}\"{until} {key}\n", stamp(*since))
        };
        operators.into_iter().map(line).collect()
    }

    /// Whether the signature in `record` is one of it by the key that it names; `None`: it has none.
    pub(super) fn signature(&self, record: &Record) -> Option<Signature> {
        let signed = record.signed_by.as_ref()?;
        let signature = signed.signature.as_deref()?;
        let own = || OperatorChange::first(record).filter(|_| self.is_empty());
        let key = self.get(&signed.key).map(|operator| operator.key.clone()).or_else(own);
        let is_good = key.is_some_and(|key| {
            key.fingerprint() == signed.key
                && key.has_signed(NAMESPACE, &record.operator_message(), signature)
        });
        let from = signed.from.unwrap_or(record.seq);
        Some(Signature { key: signed.key, from, is_good })
    }

    /// Whether a record counts. `own` is its signature; `cover` the next one in its commit, for a record that has
    /// none of its own; `is_named` says that the escrow's quorum names an operator in it.
    pub(super) fn allow(
        &self,
        record: &Record,
        own: Option<Signature>,
        cover: Option<Signature>,
        is_named: bool,
    ) -> Result<(), Unauthorised> {
        let change = (record.entry.op == Op::Operator).then(|| OperatorChange::of(record)).flatten();
        // When every founder's key is lost, M custodians name the next one.
        if is_named && let Some(OperatorChange::Add { roles, .. }) = &change {
            let is_of_use = !self.is_empty() || roles.contains(&Role::Founder);
            return if is_of_use { Ok(()) } else { Err(Unauthorised::First) };
        }
        let Some(signed) = &record.signed_by else {
            // An operator is never named by nobody.
            return if self.is_empty() && record.entry.op != Op::Operator {
                Ok(())
            } else {
                Err(Unauthorised::Unsigned)
            };
        };
        let key = signed.key;
        // The first operator stands for itself, whatever follows in the same commit.
        let cover = cover.filter(|cover| cover.from <= record.seq && !self.is_empty());
        let covered = own.or(cover).filter(|signature| signature.key == key);
        let is_good = covered.is_some_and(|signature| signature.is_good);
        let Some(operator) = self.get(&key) else {
            return match change {
                Some(OperatorChange::Add { roles, .. }) if self.is_empty() => {
                    let is_first = is_good && roles.contains(&Role::Founder);
                    if is_first { Ok(()) } else { Err(Unauthorised::First) }
                }
                _ => Err(Unauthorised::Stranger { key }),
            };
        };
        let name = operator.name.clone();
        if !is_good {
            return Err(Unauthorised::Signature { key, name: Some(name) });
        }
        if let Some((_, by)) = operator.until {
            return Err(Unauthorised::Revoked { key, name, by });
        }
        if let Some(OperatorChange::Replace { operator: old, key: new, consent }) = &change {
            let agreed = consent
                .as_ref()
                .is_some_and(|consent| new.has_signed(NAMESPACE, &record.consent_message(), consent));
            if !agreed {
                return Err(Unauthorised::Consent { key: new.fingerprint(), name });
            }
            // Everybody may replace their own key.
            if *old == key {
                return Ok(());
            }
        }
        let may = Role::of(record.entry.op);
        match may.first() {
            Some(role) if !may.iter().any(|role| operator.roles.contains(role)) => {
                // A founder may clear away what somebody else left open.
                let clears =
                    record.entry.phase == Phase::Abandoned && operator.roles.contains(&Role::Founder);
                if clears { Ok(()) } else { Err(Unauthorised::Role { name, role: *role }) }
            }
            _ => Ok(()),
        }
    }
}

/// What is known of a signature.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signature {
    key: SshFingerprint,
    /// The first record that it covers.
    pub(super) from: u64,
    pub(super) is_good: bool,
}
