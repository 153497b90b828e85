//! An operator's key in memory, for whatever test or bench writes a signed log.
//!
//! An SSH key of Ed25519 from a seed. What it signs is made here as PROTOCOL.sshsig of OpenSSH says it, a second
//! time beside the program's own reading.

use quorate::log::ssh::{NAMESPACE, SshFingerprint, SshKey};
use quorate::log::{Sign, SignError};
use quorate::primitive::ed25519::Signer;
use quorate::primitive::hash::sha512;
use quorate::secret::SecretBytes;

/// The key that signs, and its public half.
pub(crate) struct Hand(Signer, pub(crate) SshKey);

/// A string of SSH: its length, and its bytes.
fn part(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// The key of a seed.
pub(crate) fn hand(seed: u8) -> Hand {
    let signer = Signer::from_seed(&SecretBytes::copy_of(&[seed; 32])).unwrap();
    let key = SshKey::from_bytes(&[part(b"ssh-ed25519"), part(&signer.public())].concat()).unwrap();
    Hand(signer, key)
}

impl Hand {
    /// Its fingerprint.
    #[allow(dead_code, reason = "of use to some of them")]
    pub(crate) fn print(&self) -> SshFingerprint {
        self.1.fingerprint()
    }

    /// What it signs without SSH's envelope.
    #[allow(dead_code, reason = "of use to some of them")]
    pub(crate) fn bare(&self) -> &Signer {
        &self.0
    }
}

impl Sign for Hand {
    fn key(&self) -> &SshKey {
        &self.1
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let hash = sha512(&[message]);
        let data = [&b"SSHSIG"[..], &part(NAMESPACE.as_bytes()), &part(b""), &part(b"sha512"), &part(&hash)]
            .concat();
        Ok([part(b"ssh-ed25519"), part(&self.0.sign(&data))].concat())
    }
}
