//! The age v1 file (C2SP age.md): what a backup is, readable by any age implementation.
//!
//! Owns recipients and identities of two kinds (ML-KEM-768 with X25519, and X25519 alone), the
//! header, the payload and the armor. In: plaintexts of up to about a hundred kilobytes, whole, and
//! recipients; out: a file, and back. The only module that names `hpke`, `x25519_dalek` and
//! `bech32`. Deliberately not here: passphrases (`seal` has its own), plugins, streaming, and files
//! on disk. It is our own because no released age crate reads `mlkem768x25519`.
//!
//! Normative: `docs/format.md`, Backups are age files.

mod armor;
mod bech;
mod error;
mod header;
mod hybrid;
mod identity;
mod payload;
mod recipient;
mod x25519;

pub use armor::{ArmorError, armor, is_armored, unarmor, without_armor};
pub use error::{DecryptError, EncryptError, HeaderError, PayloadError};
pub use header::{Header, Stanza};
pub use identity::{Identity, IdentityError, SEED};
pub use recipient::{Kind, Recipient, RecipientError};

use crate::primitive::hash::hkdf_sha256;
use crate::primitive::random::Entropy;
use crate::secret::{SecretBytes, Zeroizing};
use header::{FILE_KEY, NONCE};
use identity::Native;
use recipient::Key;

/// How much is read of a file that may be hostile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes that a file may have.
    pub file: usize,
    /// The most bytes that its header may have.
    pub header: usize,
    /// The most stanzas that its header may have; each may cost a decapsulation for each identity.
    pub stanzas: usize,
}

/// What is written at most, and read unless the caller says otherwise.
pub const LIMITS: Limits = Limits { file: 1 << 20, header: 1 << 16, stanzas: 32 };

/// Which stanzas a file may have beside the one that is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stanzas {
    /// Any: what is unknown is left alone, as the specification has it.
    Any,
    /// `mlkem768x25519` and nothing else: another stanza would be a weaker way in.
    OnlyHybrid,
}

/// Encrypts `plain` to every one of `recipients`, as a file without armor.
///
/// A [`Recipient`] is prepared when it is parsed: keep it, and each file costs its encapsulations.
///
/// # Errors
/// [`EncryptError`]: no recipient, two kinds, the same one twice, too much, or no randomness.
pub fn encrypt(
    plain: &[u8],
    recipients: &[Recipient],
    entropy: &mut Entropy,
) -> Result<Vec<u8>, EncryptError> {
    check(recipients)?;
    let mut file_key = Zeroizing::new([0; FILE_KEY]);
    entropy.fill(file_key.as_mut_slice())?;
    let mut file = Vec::with_capacity(capacity(plain.len(), recipients)?);
    file.extend_from_slice(header::VERSION);
    for recipient in recipients {
        match &recipient.0 {
            Key::Hybrid(key) => {
                let mut draws = entropy.draws()?;
                let sealed = key.wrap(&file_key, &mut draws);
                if draws.failed() {
                    return Err(EncryptError::NoEntropy);
                }
                let (enc, body) = sealed.ok_or(EncryptError::Refused)?;
                header::push_stanza(&mut file, hybrid::KIND, &enc, &body);
            }
            Key::X25519(key) => {
                let (share, body) = x25519::wrap(key, &file_key, entropy)?.ok_or(EncryptError::Refused)?;
                header::push_stanza(&mut file, x25519::KIND, &share, &body);
            }
        }
    }
    header::push_end(&mut file, file_key.as_slice());
    let nonce: [u8; NONCE] = entropy.public()?;
    file.extend_from_slice(&nonce);
    let key = hkdf_sha256(&nonce, file_key.as_slice(), b"payload");
    let key = key.expose().try_into().map_err(|_| EncryptError::Refused)?;
    payload::seal(key, plain, &mut file).map_err(|_| EncryptError::Refused)?;
    Ok(file)
}

fn check(recipients: &[Recipient]) -> Result<(), EncryptError> {
    let first = recipients.first().ok_or(EncryptError::NoRecipient)?;
    if recipients.len() > LIMITS.stanzas {
        return Err(EncryptError::TooManyRecipients { limit: LIMITS.stanzas });
    }
    if recipients.iter().any(|recipient| recipient.kind() != first.kind()) {
        return Err(EncryptError::Mixed);
    }
    for (number, recipient) in recipients.iter().enumerate() {
        if recipients.iter().take(number).any(|earlier| earlier == recipient) {
            return Err(EncryptError::Duplicate { recipient: number.saturating_add(1) });
        }
    }
    Ok(())
}

/// A little more than the length of the file, so that nothing grows while secrets are in it.
fn capacity(plain: usize, recipients: &[Recipient]) -> Result<usize, EncryptError> {
    const STANZA: usize = 96;
    let stanza = |recipient: &Recipient| match recipient.kind() {
        Kind::Hybrid => crate::wire::text::base64_length(hybrid::ENC).saturating_add(STANZA),
        Kind::X25519 => crate::wire::text::base64_length(x25519::KEY).saturating_add(STANZA),
    };
    let stanzas = recipients.iter().map(stanza).fold(STANZA + NONCE, usize::saturating_add);
    let length = stanzas.saturating_add(payload::sealed_length(plain));
    if length > LIMITS.file { Err(EncryptError::TooLong { limit: LIMITS.file }) } else { Ok(length) }
}

/// Decrypts a file without armor that is encrypted to one of `identities`.
///
/// # Errors
/// [`DecryptError`]; nothing of the plaintext is released then.
pub fn decrypt(
    file: &[u8],
    identities: &[&Identity],
    stanzas: Stanzas,
    limits: &Limits,
) -> Result<SecretBytes, DecryptError> {
    Header::parse(file, limits)?.decrypt(identities, stanzas)
}

impl Header<'_> {
    /// Decrypts the file whose header this is with the first of `identities` that opens a stanza.
    ///
    /// # Errors
    /// [`DecryptError`]; nothing of the plaintext is released then.
    pub fn decrypt(&self, identities: &[&Identity], stanzas: Stanzas) -> Result<SecretBytes, DecryptError> {
        let native = self.native()?;
        if stanzas == Stanzas::OnlyHybrid {
            self.refuse_foreign()?;
        }
        let file_key = file_key(&native, identities)?.ok_or(DecryptError::NoMatch)?;
        if !self.is_authentic(&file_key) {
            return Err(DecryptError::Mac);
        }
        let key = hkdf_sha256(self.nonce, file_key.expose(), b"payload");
        let key = key.expose().try_into().map_err(|_| DecryptError::Mac)?;
        Ok(payload::open(key, self.payload)?)
    }

    /// Refuses a file that something else than `mlkem768x25519` opens.
    ///
    /// # Errors
    /// [`DecryptError::Foreign`] with the first such stanza.
    pub fn refuse_foreign(&self) -> Result<(), DecryptError> {
        let foreign = self.stanzas().iter().find(|stanza| stanza.kind() != hybrid::KIND);
        foreign.map_or(Ok(()), |stanza| Err(DecryptError::foreign(stanza.kind())))
    }

    /// The stanzas of known kinds with their numbers from 1, checked for their form.
    fn native(&self) -> Result<Vec<(usize, Native)>, HeaderError> {
        if self.stanzas().len() > 1 && self.stanzas().iter().any(|stanza| stanza.kind() == "scrypt") {
            return Err(HeaderError::PassphraseMixed);
        }
        let read = |(number, stanza)| Ok(Native::read(number, stanza)?.map(|native| (number, native)));
        (1..).zip(self.stanzas()).filter_map(|numbered| read(numbered).transpose()).collect()
    }
}

fn file_key(
    stanzas: &[(usize, Native)],
    identities: &[&Identity],
) -> Result<Option<SecretBytes>, HeaderError> {
    for (number, stanza) in stanzas {
        for identity in identities {
            if let Some(file_key) = identity.unwrap(*number, stanza)? {
                return Ok(Some(file_key));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
