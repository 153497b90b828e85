//! A secret number modulo the order of ristretto255: boxed once, wiped on drop, never printed.

use crate::primitive::random::{Entropy, NoEntropy};
use crate::secret::{SecretBytes, Zeroize};
use core::fmt;
use curve25519_dalek::scalar::Scalar;

/// Length in bytes of a scalar: little-endian, canonical (RFC 9496 section 4.4).
pub const SCALAR: usize = 32;

/// A secret scalar.
pub struct SecretScalar(Box<Scalar>);

impl SecretScalar {
    /// A uniform scalar, zero included: 64 random bytes reduced modulo the order.
    pub(super) fn random(entropy: &mut Entropy) -> Result<Self, NoEntropy> {
        let wide = entropy.secret(64)?;
        // Always 64 bytes; but were it not, a coefficient must not become zero in silence.
        let wide = wide.expose().try_into().map_err(|_| NoEntropy)?;
        let mut secret = Self(Box::new(Scalar::ZERO));
        *secret.0 = Scalar::from_bytes_mod_order_wide(wide);
        Ok(secret)
    }

    /// Takes a scalar that a computation left behind and wipes it there.
    pub(super) fn absorb(left: &mut Scalar) -> Self {
        let secret = Self(Box::new(*left));
        left.zeroize();
        secret
    }

    /// Reads the canonical encoding; `None` for any other 32 bytes.
    pub(super) fn read(bytes: &[u8; SCALAR]) -> Option<Self> {
        Option::<Scalar>::from(Scalar::from_canonical_bytes(*bytes)).map(|scalar| Self(Box::new(scalar)))
    }

    /// The scalar itself, for arithmetic in this module.
    pub(super) fn expose(&self) -> &Scalar {
        &self.0
    }

    /// The canonical 32 bytes.
    #[must_use]
    pub fn to_secret_bytes(&self) -> SecretBytes {
        SecretBytes::copy_of(self.0.as_bytes())
    }
}

impl Drop for SecretScalar {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretScalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}
