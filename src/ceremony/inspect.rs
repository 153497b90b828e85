//! Compares everything in an escrow with its log: what is missing, altered, foreign or left over.

use super::escrow::{Escrow, EscrowError, backup_file, quorum_file};
use crate::key::KeyName;
use crate::log::{FOLDER, KeyVersion, Unauthorised, Void};
use crate::store::StoreError;
use std::collections::BTreeSet;

/// Something in an escrow that its log doesn't account for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// A backup or record that the log names is missing, altered or unreadable.
    Damaged(EscrowError),
    /// A backup that a certificate says is destroyed, and whose file is still there.
    Undestroyed {
        /// Its name.
        name: String,
        /// The key version.
        version: KeyName,
        /// The number of the certificate.
        certificate: u64,
    },
    /// A file of the right form that no record names: a crash left it, or the log was cut.
    Orphan {
        /// Its name.
        name: String,
    },
    /// A temporary file of a program that was killed.
    Temporary {
        /// Its name.
        name: String,
    },
    /// A file that is no part of an escrow.
    Foreign {
        /// Its name.
        name: String,
    },
    /// The quorum's signature of a record of the log is not its own.
    HeadSignature {
        /// The record that carries it.
        seq: u64,
    },
}

impl Finding {
    /// Whether a key might not be recoverable, or somebody changed something, because of it.
    #[must_use]
    pub const fn is_serious(&self) -> bool {
        matches!(self, Self::Damaged(_) | Self::HeadSignature { .. } | Self::Undestroyed { .. })
    }

    /// Every word for what may be found.
    pub const WORDS: [&'static str; 8] =
        ["altered", "foreign", "missing", "orphan", "signature", "temporary", "undestroyed", "unreadable"];

    /// The word for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Damaged(EscrowError::Missing { .. }) => "missing",
            Self::Damaged(EscrowError::Altered { .. }) => "altered",
            Self::Damaged(_) => "unreadable",
            Self::Undestroyed { .. } => "undestroyed",
            Self::Orphan { .. } => "orphan",
            Self::Temporary { .. } => "temporary",
            Self::Foreign { .. } => "foreign",
            Self::HeadSignature { .. } => "signature",
        }
    }
}

/// What an inspection saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inspection {
    /// How many backups are there and are what the log says.
    pub backups: usize,
    /// How many backups are gone by certificate.
    pub destroyed: usize,
    /// How many quorum records are.
    pub records: usize,
    /// What isn't as it should be.
    pub findings: Vec<Finding>,
}

/// Reads every object that the log names and lists every file that it doesn't.
///
/// # Errors
/// [`StoreError`] when the store can't be listed.
pub fn inspect(escrow: &Escrow<'_>) -> Result<Inspection, StoreError> {
    let mut seen = Inspection::default();
    let mut named = BTreeSet::new();
    let founded = escrow.state().quorums().iter().map(|entry| &entry.founded);
    for founded in founded.chain(escrow.state().salvaged().iter().map(|salvaged| &salvaged.quorum)) {
        if !named.insert(quorum_file(founded.quorum, founded.generation)) {
            continue;
        }
        match escrow.quorum_of(founded) {
            Ok(_) => seen.records = seen.records.saturating_add(1),
            Err(error) => seen.findings.push(Finding::Damaged(error)),
        }
    }
    for version in escrow.state().keys().values().flat_map(|key| key.versions.values()) {
        let deposit = &version.backed.deposit;
        let name = backup_file(deposit.key, deposit.version);
        named.insert(name.clone());
        if version.certificate.is_some() {
            match undestroyed(escrow, version) {
                None => seen.destroyed = seen.destroyed.saturating_add(1),
                Some(finding) => seen.findings.push(finding),
            }
            continue;
        }
        match escrow.backup(version) {
            Ok(_) => seen.backups = seen.backups.saturating_add(1),
            Err(error) => seen.findings.push(Finding::Damaged(error)),
        }
    }
    for name in files(escrow, &mut seen.findings)? {
        let last = name.rsplit('/').next().unwrap_or_default();
        let of_log =
            name.split_once('/').is_some_and(|(folder, _)| folder == FOLDER) && last.ends_with(".jsonl");
        if named.contains(&name) || of_log {
            continue;
        }
        seen.findings.push(if last.starts_with(".tmp-") {
            Finding::Temporary { name }
        } else if is_ours(&name) {
            Finding::Orphan { name }
        } else {
            Finding::Foreign { name }
        });
    }
    Ok(seen)
}

/// What is there of a backup that a certificate says is destroyed.
fn undestroyed(escrow: &Escrow<'_>, version: &KeyVersion) -> Option<Finding> {
    let deposit = &version.backed.deposit;
    let certificate = version.certificate?;
    match escrow.is_there(version) {
        Ok(false) => None,
        Ok(true) => {
            let name = backup_file(deposit.key, deposit.version);
            let version = KeyName { label: deposit.name.clone(), version: Some(deposit.version) };
            Some(Finding::Undestroyed { name, version, certificate })
        }
        Err(error) => Some(Finding::Damaged(EscrowError::Store(error))),
    }
}

/// Every backup that a certificate says is destroyed, and that is there all the same.
#[must_use]
pub fn check_destroyed(escrow: &Escrow<'_>) -> Vec<Finding> {
    let versions = escrow.state().keys().values().flat_map(|key| key.versions.values());
    versions.filter_map(|version| undestroyed(escrow, version)).collect()
}

/// Every file, three folders deep; a folder that can't be listed is a finding.
fn files(escrow: &Escrow<'_>, findings: &mut Vec<Finding>) -> Result<Vec<String>, StoreError> {
    let store = escrow.store();
    let mut files = Vec::new();
    for top in store.list("")? {
        if !matches!(top.as_str(), FOLDER | "quorum" | "keys") {
            files.push(top);
            continue;
        }
        let names = match store.list(&top) {
            Ok(names) => names,
            Err(error) => {
                findings.push(Finding::Damaged(EscrowError::Store(error)));
                continue;
            }
        };
        match top.as_str() {
            "keys" => {
                for key in names {
                    let inside = store.list(&format!("{top}/{key}"));
                    match inside {
                        Ok(inside) => {
                            files.extend(inside.into_iter().map(|name| format!("{top}/{key}/{name}")));
                        }
                        // Not a folder of its own.
                        Err(_) => files.push(format!("{top}/{key}")),
                    }
                }
            }
            _ => files.extend(names.into_iter().map(|name| format!("{top}/{name}"))),
        }
    }
    Ok(files)
}

/// Whether a name has the form of an object of an escrow.
fn is_ours(name: &str) -> bool {
    let base32 =
        |text: &str| text.len() == 16 && text.bytes().all(|c| matches!(c, b'A'..=b'Z' | b'2'..=b'7'));
    let number = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        ["keys", key, file] => base32(key) && file.strip_suffix(".age").is_some_and(number),
        ["quorum", file] => file
            .strip_suffix(".json")
            .and_then(|name| name.split_once('.'))
            .is_some_and(|(id, n)| base32(id) && number(n)),
        _ => false,
    }
}

/// Every signature that a quorum seems to have left in the log and that isn't its own, or can't be checked.
#[must_use]
pub fn check_heads(escrow: &Escrow<'_>) -> Vec<Finding> {
    let log = escrow.log();
    let of_void = |void: &Void| match void.why {
        Unauthorised::Quorum { .. } => Some(void.seq),
        _ => None,
    };
    let forged = log.void().iter().filter_map(of_void).chain(log.forged());
    let mut findings: Vec<Finding> = forged.map(|seq| Finding::HeadSignature { seq }).collect();
    // Without the quorum's record nobody can tell.
    let unread = log.unread().and_then(|quorum| escrow.quorum_by_id(quorum).err());
    findings.extend(unread.map(Finding::Damaged));
    findings
}
