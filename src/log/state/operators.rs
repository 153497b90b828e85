//! The details of an `operator` record: a key is added, given other roles, revoked, or replaced; records that
//! don't count are acknowledged, and a clock that was wrong is set right.
//!
//! Whoever signs it is checked before (`operator.rs`); here is what fits what the log says already.
//! A key that was revoked or replaced never comes back, and the last founder can't go: nobody could
//! name another.

use super::super::operator::{Operator, Role, is_operator};
use super::super::record::{Op, Phase, Record};
use super::super::ssh::{SshFingerprint, SshKey};
use super::details::signature;
use super::{About, Fields, Json, JsonError, QuorumId, State, StateError, Timestamp, object, text};
use std::collections::BTreeSet;

/// The field of the details in which a new key agrees to take an old one's place.
pub(in crate::log) const CONSENT: &str = "consent";

/// A change of who is an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperatorChange {
    /// A key is added, or has these roles from now on.
    Add {
        /// Whose.
        name: String,
        /// The key.
        key: SshKey,
        /// What it may do.
        roles: BTreeSet<Role>,
    },
    /// A key is no operator's from now on.
    Revoke {
        /// The key.
        operator: SshFingerprint,
    },
    /// A key takes the place of another, with its name and roles.
    Replace {
        /// The old key.
        operator: SshFingerprint,
        /// The new key.
        key: SshKey,
        /// The new key's signature of the record without this and without the old key's.
        consent: Option<Vec<u8>>,
    },
    /// What doesn't count, up to a record, is known: it is named no more as news.
    Acknowledge {
        /// The last record that didn't count.
        upto: u64,
        /// [`crate::log::Log::void_digest`] then: a number alone would fit when others don't count any more.
        void: [u8; 32],
    },
    /// The log goes on from the time of this record, though an earlier one is of a later time.
    Clock,
}

/// Why a change of operators doesn't fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// Not a key that may sign now.
    #[error("{key} is no operator's key now: `quorate operator list` shows them")]
    Unknown {
        /// The key.
        key: SshFingerprint,
    },
    /// A key that was taken out of use.
    #[error("the key {key} was revoked or replaced before: make a new one with `ssh-keygen`")]
    Used {
        /// The key.
        key: SshFingerprint,
    },
    /// A key that is somebody's.
    #[error("the key {key} is that of {name}: every operator has a key of their own; use another one")]
    Taken {
        /// The key.
        key: SshFingerprint,
        /// Whose it is.
        name: String,
    },
    /// An operator of that name has another key.
    #[error("{name} has another key: `quorate operator replace {name}` changes it")]
    Named {
        /// The name.
        name: String,
    },
    /// Something else than the records that don't count.
    #[error(
        "the records up to {upto} that do not count are others now: `quorate log verify` names them, look at them again"
    )]
    Acknowledge {
        /// The record that was named.
        upto: u64,
    },
    /// Nobody could name an operator any more.
    #[error(
        "{name} is the last founder, and nobody could name an operator after that: add another founder first, with `quorate operator add NAME --key FILE.pub --role founder`"
    )]
    LastFounder {
        /// Who.
        name: String,
    },
}

impl OperatorChange {
    /// The details of the record.
    #[must_use]
    pub fn details(&self) -> Json<'static> {
        let key = |key: &SshKey| Some(Json::text(key.to_string()));
        let fingerprint = |key: &SshFingerprint| Some(Json::text(key.to_string()));
        match self {
            Self::Add { name, key: new, roles } => {
                let roles = roles.iter().map(|role| Json::text(role.name())).collect();
                object([
                    ("change", Some(Json::text("add"))),
                    ("key", key(new)),
                    ("name", Some(Json::text(name.clone()))),
                    ("roles", Some(Json::List(roles))),
                ])
            }
            Self::Revoke { operator } => {
                object([("change", Some(Json::text("revoke"))), ("operator", fingerprint(operator))])
            }
            Self::Replace { operator, key: new, consent } => object([
                ("change", Some(Json::text("replace"))),
                (CONSENT, consent.as_ref().map(|consent| Json::text(text::base64(consent)))),
                ("key", key(new)),
                ("operator", fingerprint(operator)),
            ]),
            Self::Acknowledge { upto, void } => object([
                ("change", Some(Json::text("acknowledge"))),
                ("upto", Some(Json::Number(*upto))),
                ("void", Some(Json::text(text::hex(void)))),
            ]),
            Self::Clock => object([("change", Some(Json::text("clock")))]),
        }
    }

    /// The details of a change that the quorum is there to sign.
    #[must_use]
    pub fn details_by(&self, quorum: QuorumId) -> Json<'static> {
        let mut details = self.details();
        if let Json::Object(fields) = &mut details {
            fields.push(("quorum".into(), Json::text(quorum.text())));
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        details
    }

    /// Reads the details of a record.
    pub(in crate::log) fn read(details: &Json<'_>) -> Result<Self, JsonError> {
        let mut fields = Fields::of("the record", details.by_ref())?;
        let change = fields.text("change")?;
        let read = match &*change {
            "add" => {
                let role = |item: &Json<'_>| match item {
                    Json::Text(name) => Role::parse(name),
                    _ => None,
                };
                if let Some(quorum) = fields.optional_text("quorum")? {
                    QuorumId::from_text(&quorum).ok_or_else(|| fields.refuse("quorum"))?;
                    signature(&mut fields)?;
                }
                let listed = fields.list("roles")?;
                let roles: BTreeSet<Role> = listed.iter().filter_map(role).collect();
                if roles.is_empty() || roles.len() != listed.len() {
                    return Err(fields.refuse("roles"));
                }
                Self::Add {
                    name: fields.parsed("name", |name| is_operator(name).then(|| name.to_owned()))?,
                    key: key(&mut fields)?,
                    roles,
                }
            }
            "acknowledge" => Self::Acknowledge {
                upto: fields.number("upto")?,
                void: fields.parsed("void", text::array_from_hex)?,
            },
            "clock" => Self::Clock,
            "revoke" => Self::Revoke { operator: fields.parsed("operator", SshFingerprint::parse)? },
            "replace" => Self::Replace {
                operator: fields.parsed("operator", SshFingerprint::parse)?,
                key: key(&mut fields)?,
                consent: Some(fields.parsed(CONSENT, text::from_base64)?),
            },
            _ => return Err(fields.refuse("change")),
        };
        fields.finish()?;
        Ok(read)
    }

    /// The change that a record makes; `None` when it makes none that can be read.
    pub(in crate::log) fn of(record: &Record) -> Option<Self> {
        Self::read(&record.entry.details).ok()
    }

    /// The quorum that a record says names an operator.
    pub(in crate::log) fn named_by(record: &Record) -> Option<QuorumId> {
        matches!(Self::done(record)?, Self::Add { .. }).then(|| record.signed()).flatten().map(|(id, _)| id)
    }

    /// Whether a record sets the log's clock.
    pub(in crate::log) fn sets_clock(record: &Record) -> bool {
        Self::done(record) == Some(Self::Clock)
    }

    /// Whether a record acknowledges those that don't count.
    pub(in crate::log) fn is_acknowledgement(record: &Record) -> bool {
        matches!(Self::done(record), Some(Self::Acknowledge { .. }))
    }

    /// The change that a record makes, if it is one that was made.
    fn done(record: &Record) -> Option<Self> {
        let is_one = record.entry.op == Op::Operator && record.entry.phase == Phase::Done;
        is_one.then(|| Self::of(record)).flatten()
    }

    /// The key that a record adds.
    pub(in crate::log) fn first(record: &Record) -> Option<SshKey> {
        match Self::done(record)? {
            Self::Add { key, .. } => Some(key),
            _ => None,
        }
    }
}

/// The one spelling of a public key.
fn key(fields: &mut Fields<'_>) -> Result<SshKey, JsonError> {
    fields.parsed("key", |line| SshKey::from_line(line).ok().filter(|key| key.to_string() == line))
}

impl State {
    /// Takes a change of operators.
    pub(super) fn operate(
        &mut self,
        change: OperatorChange,
        at: (Timestamp, u64),
        about: About,
    ) -> Result<(), StateError> {
        self.fits(&change)?;
        about.is_genuine()?;
        let keys = &mut self.operators.keys;
        match change {
            OperatorChange::Add { name, key, roles } => {
                let fresh = Operator { name, key, roles: roles.clone(), since: at, until: None };
                keys.entry(fresh.key.fingerprint()).or_insert(fresh).roles = roles;
            }
            OperatorChange::Revoke { operator } => {
                if let Some(old) = keys.get_mut(&operator) {
                    old.until = Some(at);
                }
            }
            OperatorChange::Replace { operator, key, .. } => {
                if let Some(old) = keys.get_mut(&operator) {
                    old.until = Some(at);
                    let fresh = Operator { key, since: at, until: None, ..old.clone() };
                    keys.insert(fresh.key.fingerprint(), fresh);
                }
            }
            OperatorChange::Acknowledge { upto, void } if about.voids != Some((upto, void)) => {
                return Err(OperatorError::Acknowledge { upto }.into());
            }
            OperatorChange::Acknowledge { .. } => {}
            OperatorChange::Clock => self.set_back(at.0),
        }
        self.operators.changes = self.operators.changes.saturating_add(1);
        Ok(())
    }

    /// Whether a change of operators fits what the log says; for writers, before anybody signs.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn fits(&self, change: &OperatorChange) -> Result<(), OperatorError> {
        let operators = &self.operators;
        let active = |key: &SshFingerprint| {
            let found = operators.get(key).filter(|operator| operator.until.is_none());
            found.ok_or(OperatorError::Unknown { key: *key })
        };
        let keeps_a_founder = |gone: &SshFingerprint, operator: &Operator| {
            let other = |(key, operator): (&SshFingerprint, &Operator)| {
                key != gone && operator.roles.contains(&Role::Founder)
            };
            if operator.roles.contains(&Role::Founder) && !operators.active().any(other) {
                return Err(OperatorError::LastFounder { name: operator.name.clone() });
            }
            Ok(())
        };
        match change {
            OperatorChange::Add { name, key, roles } => {
                let fingerprint = key.fingerprint();
                match operators.get(&fingerprint) {
                    Some(known) if known.until.is_some() => Err(OperatorError::Used { key: fingerprint }),
                    Some(known) if known.name != *name => {
                        Err(OperatorError::Taken { key: fingerprint, name: known.name.clone() })
                    }
                    Some(known) if !roles.contains(&Role::Founder) => keeps_a_founder(&fingerprint, known),
                    Some(_) => Ok(()),
                    None if operators.named(name).is_some() => {
                        Err(OperatorError::Named { name: name.clone() })
                    }
                    None => Ok(()),
                }
            }
            OperatorChange::Revoke { operator } => keeps_a_founder(operator, active(operator)?),
            OperatorChange::Replace { operator, key, .. } => {
                active(operator)?;
                let fingerprint = key.fingerprint();
                match operators.get(&fingerprint) {
                    Some(known) if known.until.is_some() => Err(OperatorError::Used { key: fingerprint }),
                    Some(known) => Err(OperatorError::Taken { key: fingerprint, name: known.name.clone() }),
                    None => Ok(()),
                }
            }
            // Which records don't count, the log knows.
            OperatorChange::Acknowledge { .. } | OperatorChange::Clock => Ok(()),
        }
    }
}
