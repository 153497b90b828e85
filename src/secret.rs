//! Bytes that must not leave the memory of a ceremony.
//!
//! Owns [`SecretBytes`] (a buffer allocated once at its size, in pages of its own that are locked
//! into memory and left out of core files, and wiped when it is dropped), [`SecretWriter`] (fills
//! one without ever growing it) and [`Passphrase`] (a typed passphrase in its one normal form).
//! None of them can be printed, cloned, serialised or compared with `==`; `expose` is the one door.
//!
//! What it does not promise: the registers and the stack of the code that uses a secret, a root
//! reader of the live process, and hibernation to disk. See `docs/threat-model.md`.

mod pages;
mod passphrase;
pub mod process;
mod scrub;

pub use pages::unlocked_pages;
pub use passphrase::{Passphrase, PassphraseError};
pub(crate) use scrub::scrubbed;

use core::fmt;
use pages::Pages;
use subtle::ConstantTimeEq;
pub use zeroize::{Zeroize, Zeroizing};

/// A secret byte string of fixed length.
///
/// Allocated once at its length, wiped on drop, without a printable form.
pub struct SecretBytes {
    pages: Pages,
    length: usize,
}

impl SecretBytes {
    /// A secret of `length` zero bytes, to be filled in place through [`Self::expose_mut`].
    #[must_use]
    pub fn zeroed(length: usize) -> Self {
        Self { pages: Pages::take(length), length }
    }

    /// A secret of `length` bytes that `fill` writes in place.
    #[must_use]
    pub fn filled(length: usize, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut secret = Self::zeroed(length);
        fill(secret.expose_mut());
        secret
    }

    /// As [`Self::filled`], for a source that can fail; what was written is wiped then.
    ///
    /// # Errors
    /// Whatever `fill` returns.
    pub fn try_filled<E>(length: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut secret = Self::zeroed(length);
        fill(secret.expose_mut())?;
        Ok(secret)
    }

    /// A copy of `bytes`; the caller still owns, and wipes, the original.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self::filled(bytes.len(), |to| to.copy_from_slice(bytes))
    }

    /// Takes the bytes of a buffer that a library returned, and wipes that buffer.
    #[must_use]
    pub fn absorb<B: AsRef<[u8]> + Zeroize>(mut bytes: B) -> Self {
        let secret = Self::copy_of(bytes.as_ref());
        bytes.zeroize();
        secret
    }

    /// The bytes. Every reader of a secret goes through this door or [`Self::expose_mut`].
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.pages.bytes().get(..self.length).unwrap_or_default()
    }

    /// The bytes, to be filled in place.
    pub fn expose_mut(&mut self) -> &mut [u8] {
        let length = self.length;
        self.pages.bytes_mut().get_mut(..length).unwrap_or_default()
    }

    /// The length in bytes, which is public.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether the secret has no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Keeps the first `length` bytes and wipes the rest.
    pub fn truncate(&mut self, length: usize) {
        if let Some(cut) = self.expose_mut().get_mut(length..) {
            cut.zeroize();
            self.length = length;
        }
    }

    /// Whether both hold the same bytes, in time that depends on their lengths only.
    #[must_use]
    pub fn ct_eq(&self, other: &Self) -> bool {
        ct_eq(self.expose(), other.expose())
    }
}

/// Whether `a` and `b` hold the same bytes, in time that depends on their lengths only.
#[must_use]
pub fn ct_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Fills a [`SecretBytes`] from its start without ever moving or growing it.
#[derive(Debug)]
pub struct SecretWriter {
    secret: SecretBytes,
    used: usize,
}

/// More was written to a [`SecretWriter`] than it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret is longer than the {capacity} bytes set aside for it")]
pub struct SecretFull {
    /// The size in bytes that was set aside.
    pub capacity: usize,
}

impl SecretWriter {
    /// A writer of at most `capacity` bytes.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { secret: SecretBytes::zeroed(capacity), used: 0 }
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// [`SecretFull`] when they don't fit; nothing is written then.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), SecretFull> {
        self.put_with(bytes.len(), |to| to.copy_from_slice(bytes))
    }

    /// Appends `length` bytes that `fill` writes in place.
    ///
    /// # Errors
    /// [`SecretFull`] when they don't fit; `fill` isn't called then.
    pub fn put_with(&mut self, length: usize, fill: impl FnOnce(&mut [u8])) -> Result<(), SecretFull> {
        let full = SecretFull { capacity: self.secret.len() };
        let end = self.used.checked_add(length).ok_or(full)?;
        fill(self.secret.expose_mut().get_mut(self.used..end).ok_or(full)?);
        self.used = end;
        Ok(())
    }

    /// What was written so far.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.secret.expose().get(..self.used).unwrap_or_default()
    }

    /// Forgets the last byte, for an editor's backspace.
    pub fn pop(&mut self) -> Option<u8> {
        let last = self.used.checked_sub(1)?;
        let byte = self.secret.expose_mut().get_mut(last).map(core::mem::take);
        self.used = last;
        byte
    }

    /// The secret that was written, at its length.
    #[must_use]
    pub fn finish(mut self) -> SecretBytes {
        self.secret.length = self.used;
        self.secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_nothing() {
        let secret = SecretBytes::copy_of(b"correct horse");
        assert_eq!(format!("{secret:?}"), "<redacted>");
        let mut writer = SecretWriter::new(8);
        writer.put(b"horse").unwrap();
        assert!(!format!("{writer:?}").contains("horse"));
        assert!(!format!("{writer:?}").contains("104"));
    }

    #[test]
    fn a_secret_holds_what_was_put_in() {
        for length in [0, 1, 31, 32, 4095, 4096, 4097, 70_000] {
            let bytes: Vec<u8> = (0..=255).cycle().take(length).collect();
            let secret = SecretBytes::copy_of(&bytes);
            assert_eq!(secret.expose(), bytes);
            assert!(secret.ct_eq(&SecretBytes::absorb(bytes)));
            assert!(!secret.ct_eq(&SecretBytes::zeroed(length + 1)));
        }
    }

    #[test]
    fn pages_come_back_empty() {
        for _ in 0..200 {
            let mut secret = SecretBytes::zeroed(64);
            assert_eq!(secret.expose(), [0; 64]);
            secret.expose_mut().fill(0xa5);
        }
    }

    #[test]
    fn a_writer_never_grows() {
        let mut writer = SecretWriter::new(4);
        writer.put(b"abc").unwrap();
        assert_eq!(writer.put(b"de"), Err(SecretFull { capacity: 4 }));
        assert_eq!(writer.written(), b"abc");
        writer.put(b"d").unwrap();
        assert_eq!(writer.pop(), Some(b'd'));
        assert_eq!(writer.finish().expose(), b"abc");
    }
}
