//! Randomness: the operating system's, always; the caller's (dice, an HSM) mixed in, never instead.
//!
//! [`Entropy`] keeps a hash of what the caller gave. A draw is the system's bytes, XORed with
//! HKDF-SHA256(salt = a number of its own, secret = the caller's hash): SP 800-133r2 section 6.3
//! allows the XOR of independent values, and it is as good as the better of the two.

use super::hash::{hkdf_sha256, sha256};
use crate::secret::{SecretBytes, Zeroize};
use core::convert::Infallible;
use rand_core::{TryCryptoRng, TryRng};

/// The operating system gave no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no randomness: nothing secret was made")]
pub struct NoEntropy;

/// The source of every random byte.
#[derive(Debug, Default)]
pub struct Entropy {
    mixed: Option<SecretBytes>,
    draws: u64,
}

impl Entropy {
    /// The operating system's randomness.
    #[must_use]
    pub const fn system() -> Self {
        Self { mixed: None, draws: 0 }
    }

    /// Mixes in bytes that the caller brings; may be called several times.
    pub fn mix(&mut self, bytes: &[u8]) {
        let before = self.mixed.as_ref().map(SecretBytes::expose).unwrap_or_default();
        self.mixed = Some(SecretBytes::absorb(sha256(&[b"quorate/v1/mix", before, bytes])));
    }

    /// Fills `to` with randomness.
    ///
    /// # Errors
    /// [`NoEntropy`] when the operating system refuses; `to` is zero then.
    pub fn fill(&mut self, to: &mut [u8]) -> Result<(), NoEntropy> {
        if getrandom::fill(to).is_err() {
            to.zeroize();
            return Err(NoEntropy);
        }
        let Some(mixed) = &self.mixed else { return Ok(()) };
        for block in to.chunks_mut(32) {
            let pad = hkdf_sha256(&self.draws.to_be_bytes(), mixed.expose(), b"quorate/v1/draw");
            self.draws = self.draws.wrapping_add(1);
            block.iter_mut().zip(pad.expose()).for_each(|(byte, pad)| *byte ^= pad);
        }
        Ok(())
    }

    /// A fresh secret of `length` bytes.
    ///
    /// # Errors
    /// As [`Self::fill`].
    pub fn secret(&mut self, length: usize) -> Result<SecretBytes, NoEntropy> {
        SecretBytes::try_filled(length, |to| self.fill(to))
    }

    /// Public random bytes: a salt or a name.
    ///
    /// # Errors
    /// As [`Self::fill`].
    pub fn public<const N: usize>(&mut self) -> Result<[u8; N], NoEntropy> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// A generator for crates that want an infallible one. Randomness is tried first; what fails
    /// after that ends in [`Draws::failed`], and its user must throw its result away.
    ///
    /// # Errors
    /// As [`Self::fill`].
    pub fn draws(&mut self) -> Result<Draws<'_>, NoEntropy> {
        self.fill(&mut [0; 32])?;
        Ok(Draws { entropy: self, failed: false })
    }
}

/// A `rand_core` generator over [`Entropy`].
#[derive(Debug)]
pub struct Draws<'a> {
    entropy: &'a mut Entropy,
    failed: bool,
}

impl Draws<'_> {
    /// Whether a draw failed, so that what was made from the draws must not be used.
    #[must_use]
    pub const fn failed(&self) -> bool {
        self.failed
    }
}

impl TryRng for Draws<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        if self.entropy.fill(to).is_err() {
            self.failed = true;
        }
        Ok(())
    }
}

impl TryCryptoRng for Draws<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_never_replaces_the_system() {
        let draw = |brought: &[u8]| {
            let mut entropy = Entropy::system();
            entropy.mix(brought);
            entropy.secret(40).unwrap()
        };
        assert!(!draw(b"dice").ct_eq(&draw(b"dice")));
    }

    #[test]
    fn a_draw_is_fresh() {
        let mut entropy = Entropy::system();
        let first = entropy.secret(32).unwrap();
        assert!(!first.ct_eq(&entropy.secret(32).unwrap()));
        assert!(first.expose().iter().any(|byte| *byte != 0));
    }
}
