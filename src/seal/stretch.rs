//! A passphrase made expensive to guess: Argon2id (RFC 9106), version 0x13.
//!
//! The only file that names argon2. The working memory is ours: asked for in one piece so that a
//! refusal is an error and not an abort, and wiped, which the crate doesn't do. Costs have a floor
//! and a ceiling, checked when a card is read, before anything is allocated.

use super::{SealKind, UnsealError};
use crate::secret::{Passphrase, SecretBytes, Zeroize};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use core::fmt;

/// Length in bytes of the salt.
pub(super) const SALT: usize = 16;
/// Length in bytes of what comes out: a key of 32 and a nonce of 24.
pub(super) const OUTPUT: usize = 56;

/// What one guess costs: memory, passes over it, and lanes that fill it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory: u8,
    passes: u8,
    lanes: u8,
}

/// Why three numbers are no cost that we seal or unseal with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an Argon2id cost of 2^{memory} KiB, {passes} passes and {lanes} lanes is outside what this format allows: \
     2^16 to 2^22 KiB (64 MiB to 4 GiB), 3 to 16 passes, 1 to 16 lanes"
)]
pub struct CostError {
    /// Binary logarithm of the memory in KiB.
    pub memory: u8,
    /// Passes.
    pub passes: u8,
    /// Lanes.
    pub lanes: u8,
}

impl Cost {
    /// 512 MiB, 3 passes, 4 lanes: between the two choices that RFC 9106 section 4 recommends.
    pub const DEFAULT: Self = Self { memory: 19, passes: 3, lanes: 4 };
    /// 64 MiB, 3 passes, 4 lanes: the second choice of RFC 9106, and the least that is sealed with.
    pub const LEAST: Self = Self { memory: 16, passes: 3, lanes: 4 };

    /// A cost of 2^`memory` KiB, `passes` and `lanes`.
    ///
    /// # Errors
    /// [`CostError`] outside 16..=22, 3..=16 and 1..=16.
    pub const fn new(memory: u8, passes: u8, lanes: u8) -> Result<Self, CostError> {
        match (memory, passes, lanes) {
            (16..=22, 3..=16, 1..=16) => Ok(Self { memory, passes, lanes }),
            _ => Err(CostError { memory, passes, lanes }),
        }
    }

    /// The three bytes on a card: memory, passes, lanes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 3] {
        [self.memory, self.passes, self.lanes]
    }

    /// Memory in KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        1 << self.memory
    }

    /// Memory in MiB.
    #[must_use]
    pub const fn memory_mib(self) -> u32 {
        self.memory_kib() >> 10
    }

    /// Argon2id of `passphrase` and `salt`: [`OUTPUT`] bytes.
    ///
    /// # Errors
    /// [`UnsealError::Memory`] when the memory isn't to be had.
    pub(super) fn stretch(
        self,
        passphrase: &Passphrase,
        salt: &[u8; SALT],
    ) -> Result<SecretBytes, UnsealError> {
        let memory = UnsealError::Memory { mib: self.memory_mib() };
        let params = Params::new(self.memory_kib(), self.passes.into(), self.lanes.into(), Some(OUTPUT));
        let params = params.map_err(|_| memory)?;
        let mut blocks = Working::of(params.block_count()).ok_or(memory)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        SecretBytes::try_filled(OUTPUT, |to| {
            argon2
                .hash_password_into_with_memory(passphrase.expose(), salt, to, &mut blocks.0)
                .map_err(|_| memory)
        })
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB, {} passes, {} lanes", self.memory_mib(), self.passes, self.lanes)
    }
}

impl SealKind {
    /// The memory in MiB that unsealing takes.
    #[must_use]
    pub const fn memory_mib(self) -> u32 {
        match self {
            Self::Passphrase(cost) => cost.memory_mib(),
            Self::Age | Self::Open => 0,
        }
    }
}

/// Argon2's memory; wiped on drop.
struct Working(Vec<Block>);

impl Working {
    fn of(count: usize) -> Option<Self> {
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(count).ok()?;
        blocks.resize(count, Block::default());
        Some(Self(blocks))
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(Zeroize::zeroize);
    }
}
