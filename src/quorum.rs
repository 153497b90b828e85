//! The quorum: what M shares give, for the seconds in which they are together.
//!
//! From the quorum secret follow, by HKDF (design section 3.4), the age identity that opens every
//! backup and the Ed25519 key that signs the quorum's record and the log's head. A [`Quorum`] exists
//! only when its id, which follows from the signing key, is the one that the cards and the record
//! name: never a wrong one. [`QuorumRecord`] is its public side.

mod record;

pub use record::{Custodian, QuorumRecord, RecordError, Terms, check_names};

use crate::age::{Identity, Kind, Recipient};
use crate::primitive::ed25519::{SIGNATURE, Signer};
use crate::primitive::hash::hkdf_sha256;
use crate::primitive::random::Entropy;
use crate::share::{
    ClaimedShare, CombineError, Deal, QuorumId, Scheme, SecretScalar, Share, SplitError, combine,
    combine_claimed, fresh_secret, split,
};
use core::fmt;

/// A quorum that is present.
pub struct Quorum {
    id: QuorumId,
    signer: Signer,
    identity: Identity,
    recipient: Recipient,
}

/// Why shares did not make a quorum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuorumError {
    /// The shares don't combine.
    #[error(transparent)]
    Combine(#[from] CombineError),
    /// They combine to another quorum than the one they name.
    #[error("these shares make quorum {found}, not {wanted}: one of them is wrong")]
    OtherQuorum {
        /// The quorum that the cards or the record name.
        wanted: QuorumId,
        /// The quorum that the shares make.
        found: QuorumId,
    },
    /// A key could not be derived.
    #[error("the quorum's keys could not be derived from its secret")]
    Derive,
}

impl Quorum {
    /// Founds a quorum: a fresh secret, dealt by `scheme`.
    ///
    /// # Errors
    /// [`SplitError`].
    pub fn found(scheme: Scheme, entropy: &mut Entropy) -> Result<(Self, Deal), SplitError> {
        let secret = fresh_secret(entropy)?;
        let deal = split(&secret, scheme, entropy)?;
        Ok((Self::derive(&secret).map_err(|_| SplitError::SelfCheck)?, deal))
    }

    /// The quorum of a record, from M or more of its checked shares.
    ///
    /// # Errors
    /// [`QuorumError`].
    pub fn meet<'a>(
        record: &QuorumRecord,
        shares: impl IntoIterator<Item = &'a Share>,
    ) -> Result<Self, QuorumError> {
        Self::derive(&combine(record.commitments(), shares)?)?.expect_id(record.id())
    }

    /// The quorum that cards name, from M or more of their shares alone, when its record is lost.
    ///
    /// # Errors
    /// [`QuorumError::OtherQuorum`] when a share is wrong; without the record none can be named.
    pub fn meet_without_record(
        id: QuorumId,
        threshold: u8,
        shares: &[&ClaimedShare],
    ) -> Result<Self, QuorumError> {
        Self::derive(&combine_claimed(threshold, shares)?)?.expect_id(id)
    }

    fn derive(secret: &SecretScalar) -> Result<Self, QuorumError> {
        let secret = secret.to_secret_bytes();
        let key = |purpose: &[u8]| hkdf_sha256(b"quorate/v1", secret.expose(), purpose);
        let identity =
            Identity::from_seed(Kind::Hybrid, &key(b"age-identity")).map_err(|_| QuorumError::Derive)?;
        let recipient = identity.recipient().map_err(|_| QuorumError::Derive)?;
        let signer = Signer::from_seed(&key(b"ed25519")).ok_or(QuorumError::Derive)?;
        Ok(Self { id: QuorumId::of_signer(&signer.public()), signer, identity, recipient })
    }

    fn expect_id(self, wanted: QuorumId) -> Result<Self, QuorumError> {
        if self.id == wanted { Ok(self) } else { Err(QuorumError::OtherQuorum { wanted, found: self.id }) }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> QuorumId {
        self.id
    }

    /// Whom backups are encrypted to.
    #[must_use]
    pub const fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// What opens them.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The public key of its signatures.
    #[must_use]
    pub fn signer(&self) -> [u8; 32] {
        self.signer.public()
    }

    /// Its signature of `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE] {
        self.signer.sign(message)
    }
}

impl fmt::Debug for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Quorum({}, <redacted>)", self.id)
    }
}

#[cfg(test)]
mod tests;
