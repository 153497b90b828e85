//! Destruction: a certificate in the log, before two witnesses, and only then the thing itself.
//!
//! The record comes first, since a file that went without one could not be told from damage. What a crash
//! between the two leaves is a backup that a certificate says is gone: `inspect` names it, and
//! [`remove_backup`] takes it away when it is called again. A card is destroyed by hand, before the record.
//!
//! Only the file in this escrow goes. Copies of the escrow, snapshots and the disk itself may keep it.

use super::escrow::{Escrow, EscrowError, Placed, backup_file};
use crate::log::{
    Certificate, CertificateEntry, CommitError, KeyVersion, Op, Phase, Remains, State, are_witnesses,
    is_reason, one_of,
};
use crate::store::StoreError;

/// Why nothing was destroyed, or no certificate written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DestroyError {
    /// Too few witnesses, or one twice.
    #[error("a certificate takes two or more witnesses by different names: name each with --witness")]
    Witnesses,
    /// Somebody can't be a witness of what they write themselves.
    #[error("{name} writes the certificate and can't be its witness: name two others")]
    Own {
        /// Who.
        name: String,
    },
    /// No reason, or one that the log can't hold.
    #[error("a reason is one line of 1 to 500 bytes: write how it was destroyed, and why")]
    Reason,
    /// It was destroyed before.
    #[error(
        "certificate {certificate} says that it was destroyed before: `quorate destroy list` shows the certificates"
    )]
    Already {
        /// The certificate.
        certificate: u64,
    },
    /// A provider that never had the key.
    #[error(
        "no package of this key version for that place is in the log: `quorate show` lists where it went"
    )]
    Nowhere,
    /// It went to more than one place of that name, and it isn't said to which.
    #[error("this key version went to {count} places of that name: say which with --set FIELD=VALUE")]
    Several {
        /// How many.
        count: usize,
    },
    /// A backup that isn't there as the log names it: a certificate would cover up what became of it.
    #[error(
        "{error}; no certificate is written for a backup that was not seen: put it back from another copy, then destroy it"
    )]
    Unseen {
        /// What is wrong with it.
        error: EscrowError,
    },
    /// What the log doesn't know.
    #[error(transparent)]
    Escrow(#[from] EscrowError),
}

/// Writes the certificate that something is, or will at once be, destroyed.
///
/// # Errors
/// [`DestroyError`] as [`CommitError::Refused`]; then nothing is in the log.
pub fn certify(
    escrow: &mut Escrow<'_>,
    what: &Remains,
    reason: &str,
    witnesses: &[String],
) -> Result<CertificateEntry, CommitError<DestroyError>> {
    let refused = |error| Err(CommitError::Refused(error));
    if !are_witnesses(witnesses) {
        return refused(DestroyError::Witnesses);
    }
    let writers = [Some(escrow.actor()), escrow.operator_name()];
    if let Some(name) = one_of(witnesses, &writers) {
        return refused(DestroyError::Own { name: name.clone() });
    }
    if !is_reason(reason) {
        return refused(DestroyError::Reason);
    }
    unseen(escrow, what).map_err(CommitError::Refused)?;
    escrow.commit_at(|state, _: &Placed<'_>| {
        if let Some(certificate) = before(state, what)? {
            return Err(DestroyError::Already { certificate });
        }
        let certificate = Certificate {
            number: state.next_certificate(),
            what: what.clone(),
            reason: reason.to_owned(),
            witnesses: witnesses.to_vec(),
        };
        Ok(vec![(Op::Destroy, Phase::Done, certificate.details())])
    })?;
    let written = escrow.state().certificates().last().filter(|entry| entry.certificate.what == *what);
    written.cloned().ok_or(CommitError::Refused(DestroyError::Nowhere))
}

/// Refuses a backup that is missing, altered or no file, unless a certificate covers it already.
fn unseen(escrow: &Escrow<'_>, what: &Remains) -> Result<(), DestroyError> {
    let Remains::Backup { name, version, .. } = what else { return Ok(()) };
    let found = escrow.state().keys().get(name).and_then(|key| key.versions.get(version));
    match found.filter(|found| found.certificate.is_none()) {
        Some(found) => escrow.backup(found).map(drop).map_err(|error| DestroyError::Unseen { error }),
        None => Ok(()),
    }
}

/// The certificate that there is of something already.
fn before(state: &State, what: &Remains) -> Result<Option<u64>, DestroyError> {
    match what {
        Remains::Card(card) => {
            let history = state.quorum().and_then(|entry| entry.cards.get(&card.index));
            Ok(history.and_then(|card| card.destroyed).map(|(_, certificate)| certificate))
        }
        Remains::Backup { name, version, .. } => {
            let found = state.keys().get(name).and_then(|key| key.versions.get(version));
            let none = || EscrowError::NoVersion { name: name.clone(), version: *version };
            Ok(found.ok_or_else(none)?.certificate)
        }
        Remains::Provider { name, version, provider, place, target } => {
            if !state.is_known(name, *version, *provider, place, target) {
                return Err(DestroyError::Nowhere);
            }
            // Older certificates say it of all places of a name; nobody writes such a one any more.
            let count = state.places(name, *version, *provider, place).len();
            if target.is_empty() && count > 1 { Err(DestroyError::Several { count }) } else { Ok(None) }
        }
    }
}

/// Removes the file of a backup that a certificate says is destroyed; whether it was still there.
///
/// # Errors
/// [`StoreError`]; the file may still be there, and the certificate stands.
pub fn remove_backup(escrow: &Escrow<'_>, version: &KeyVersion) -> Result<bool, StoreError> {
    let deposit = &version.backed.deposit;
    let name = backup_file(deposit.key, deposit.version);
    // What no certificate covers is never removed, whoever asks.
    if version.certificate.is_none() || !escrow.is_there(version)? {
        return Ok(false);
    }
    escrow.store().remove(&name)?;
    Ok(true)
}
