//! Seals a share to its custodian, and reads and writes the bytes of a card.
//!
//! Three seals (design section 3.6, `docs/format.md`, Cards): *passphrase* (Argon2id, then
//! XChaCha20-Poly1305 with the whole header as associated data), *age* (an age file to a recipient
//! that the custodian holds, whose plaintext repeats the header) and *open* (for tamper-evident
//! envelopes, by name only). The bytes end in eight check bytes, so damage is told from a wrong
//! passphrase; whether the share is the right one, its deal's commitments tell.
//!
//! What an age plugin (a YubiKey, say) seals and unseals is done outside, by an installed `age`;
//! [`SealedShare::around_age_file`] and [`SealedShare::open_age`] are the two doors for it.

mod diceware;
mod header;
mod stretch;

pub use diceware::{WEAK, WORDS, generate as generate_passphrase, strength};
pub use header::CardHeader;
pub use stretch::{Cost, CostError};

use crate::age;
use crate::primitive::aead::{self, TAG};
use crate::primitive::hash::sha256;
use crate::primitive::random::{Entropy, NoEntropy};
use crate::secret::{Passphrase, SecretBytes, SecretWriter, Zeroizing};
use crate::share::{ClaimedShare, SHARE, Share};
use crate::wire::{Reader, WireError};
use core::fmt;
use stretch::{OUTPUT, SALT};

/// What errors call the bytes of a card.
const CARD: &str = "the card";
/// Length in bytes of the check at the end.
const CHECK: usize = 8;
/// The longest age file that a card can hold.
const LONGEST_AGE: usize = 4096;
const OPEN: u8 = 0;
const PASSPHRASE: u8 = 1;
const AGE: u8 = 2;

/// How a share is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealKind {
    /// Not at all: whoever holds the card holds the share.
    Open,
    /// With a passphrase, at this cost a guess.
    Passphrase(Cost),
    /// To an age recipient.
    Age,
}

impl SealKind {
    /// The word for it in records and on cards.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Passphrase(_) => "passphrase",
            Self::Age => "age",
        }
    }
}

/// What a share is sealed with.
#[derive(Debug)]
pub enum Sealer<'a> {
    /// Nothing.
    Open,
    /// A passphrase.
    Passphrase(&'a Passphrase, Cost),
    /// A recipient of age.
    Age(&'a age::Recipient),
}

/// Why a share was not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The memory for Argon2id isn't to be had.
    #[error("sealing needs {mib} MiB of free memory: close other programs or lower the cost")]
    Memory {
        /// The memory needed, in MiB.
        mib: u32,
    },
    /// The age file is longer than a card can hold, or couldn't be made.
    #[error("the share could not be sealed to this recipient")]
    Recipient,
}

/// Why bytes are not a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// Too short, too long, or a value that isn't allowed.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Another version of the format.
    #[error(
        "the card is of format version {found}, this program reads version 1: use the program named on the card"
    )]
    Version {
        /// The version read.
        found: u8,
    },
    /// A kind of card that this version doesn't know.
    #[error("the card is of kind {found}, which this program doesn't know: use a later one")]
    Kind {
        /// The kind read.
        found: u8,
    },
    /// The check bytes don't match the others.
    #[error("the card's bytes fail their check: it was misread or altered")]
    Check,
    /// A cost outside the limits.
    #[error(transparent)]
    Cost(#[from] CostError),
}

/// Why a sealed share was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    /// The wrong passphrase, or an altered card: authentication can't tell them apart.
    #[error("the passphrase of share {index} is wrong, or its card was altered")]
    Passphrase {
        /// The share.
        index: u8,
    },
    /// The wrong identity, or an altered card.
    #[error("this age identity does not open share {index}")]
    Identity {
        /// The share.
        index: u8,
    },
    /// The memory for Argon2id isn't to be had.
    #[error("unsealing needs {mib} MiB of free memory: close other programs or use another machine")]
    Memory {
        /// The memory needed, in MiB.
        mib: u32,
    },
    /// The card is sealed in another way than the one it was opened with.
    #[error("share {index} is sealed in another way: with {kind}")]
    OtherSeal {
        /// The share.
        index: u8,
        /// How it is sealed.
        kind: &'static str,
    },
    /// What was sealed is no share, or not the one that the card says.
    #[error("what is sealed on the card of share {index} is not that share")]
    Content {
        /// The share.
        index: u8,
    },
}

/// A share as its card holds it: read, complete, and still sealed.
pub struct SealedShare {
    header: CardHeader,
    kind: SealKind,
    bytes: Zeroizing<Vec<u8>>,
}

impl SealedShare {
    /// Seals `share` under the header of its card.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(
        header: CardHeader,
        share: &Share,
        with: &Sealer<'_>,
        entropy: &mut Entropy,
    ) -> Result<Self, SealError> {
        let plain = share.to_secret_bytes();
        match with {
            Sealer::Open => Ok(Self::close(header, SealKind::Open, &[plain.expose()])),
            Sealer::Passphrase(passphrase, cost) => {
                let salt: [u8; SALT] = entropy.public()?;
                let stretched = cost
                    .stretch(passphrase, &salt)
                    .map_err(|_| SealError::Memory { mib: cost.memory_mib() })?;
                let (key, nonce) = halves(&stretched).ok_or(SealError::Recipient)?;
                let mut sealed = SecretBytes::copy_of(plain.expose());
                let head = [&header.bytes(PASSPHRASE)[..], &cost.bytes(), &salt].concat();
                let tag =
                    aead::xseal(key, nonce, &head, sealed.expose_mut()).map_err(|_| SealError::Recipient)?;
                let kind = SealKind::Passphrase(*cost);
                Ok(Self::close(header, kind, &[&cost.bytes(), &salt, sealed.expose(), &tag]))
            }
            Sealer::Age(recipient) => {
                let plain = Self::age_plaintext(header, share);
                let file = age::encrypt(plain.expose(), core::slice::from_ref(*recipient), entropy);
                Self::around_age_file(header, &file.map_err(|_| SealError::Recipient)?)
            }
        }
    }

    /// What is encrypted for an age recipient: the header, then the share.
    #[must_use]
    pub fn age_plaintext(header: CardHeader, share: &Share) -> SecretBytes {
        let mut plain = SecretWriter::new(CardHeader::LENGTH.saturating_add(SHARE));
        // The writer was made at the size of both.
        let _ = plain.put(&header.bytes(AGE));
        let _ = plain.put(share.to_secret_bytes().expose());
        plain.finish()
    }

    /// The card around an age file that holds [`Self::age_plaintext`].
    ///
    /// # Errors
    /// [`SealError::Recipient`] when the file is longer than 4,096 bytes.
    pub fn around_age_file(header: CardHeader, file: &[u8]) -> Result<Self, SealError> {
        let length = u16::try_from(file.len()).map_err(|_| SealError::Recipient)?;
        if file.len() > LONGEST_AGE {
            return Err(SealError::Recipient);
        }
        Ok(Self::close(header, SealKind::Age, &[&length.to_be_bytes(), file]))
    }

    fn close(header: CardHeader, kind: SealKind, body: &[&[u8]]) -> Self {
        let head = header.bytes(kind.code());
        let length =
            body.iter().map(|part| part.len()).fold(head.len().saturating_add(CHECK), usize::saturating_add);
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        bytes.extend_from_slice(&head);
        body.iter().for_each(|part| bytes.extend_from_slice(part));
        let check = check(&bytes);
        bytes.extend_from_slice(&check);
        Self { header, kind, bytes }
    }

    /// Reads the exact bytes of a card.
    ///
    /// # Errors
    /// [`CardError`].
    pub fn read(bytes: &[u8]) -> Result<Self, CardError> {
        CardHeader::read_version(&mut Reader::new(CARD, bytes))?;
        // Damage is called damage, whatever field it hit.
        let (before, stated) = bytes.split_last_chunk::<CHECK>().ok_or(CardError::Check)?;
        if check(before) != *stated {
            return Err(CardError::Check);
        }
        let card = Self::read_padded(bytes)?;
        match bytes.len().saturating_sub(card.bytes.len()) {
            0 => Ok(card),
            extra => Err(WireError::Trailing { artefact: CARD, extra }.into()),
        }
    }

    /// Reads the bytes of a card that zero bytes may follow, as in its typed lines.
    ///
    /// # Errors
    /// [`CardError`].
    pub fn read_padded(bytes: &[u8]) -> Result<Self, CardError> {
        let mut reader = Reader::new(CARD, bytes);
        let (header, code) = CardHeader::read(&mut reader)?;
        let (kind, body) = match code {
            OPEN => (SealKind::Open, SHARE),
            PASSPHRASE => {
                let [memory, passes, lanes] = reader.array("cost")?;
                (SealKind::Passphrase(Cost::new(memory, passes, lanes)?), SALT + SHARE + TAG)
            }
            AGE => {
                let length = usize::from(reader.u16("length")?);
                if length > LONGEST_AGE {
                    return Err(reader.refuse("length").into());
                }
                (SealKind::Age, length)
            }
            _ => return Err(reader.refuse("seal").into()),
        };
        reader.take("sealed share", body)?;
        let stated = reader.array::<CHECK>("check")?;
        let padding = reader.rest();
        let length = bytes.len().saturating_sub(padding.len());
        let bytes = bytes.get(..length).unwrap_or_default();
        if check(bytes.get(..length.saturating_sub(CHECK)).unwrap_or_default()) != stated {
            return Err(CardError::Check);
        }
        if padding.iter().any(|byte| *byte != 0) {
            return Err(WireError::Trailing { artefact: CARD, extra: padding.len() }.into());
        }
        Ok(Self { header, kind, bytes: Zeroizing::new(bytes.to_vec()) })
    }

    /// How long the card is whose first bytes these are, as soon as they say it: 18 for most kinds, 20 for
    /// an age file. Nothing about these bytes is checked yet.
    #[must_use]
    pub fn stated_length(start: &[u8]) -> Option<usize> {
        let mut reader = Reader::new(CARD, start);
        let body = match CardHeader::read(&mut reader).ok()?.1 {
            OPEN => SHARE,
            PASSPHRASE => 3_usize.saturating_add(SALT).saturating_add(SHARE).saturating_add(TAG),
            AGE => usize::from(reader.u16("length").ok()?).saturating_add(2),
            _ => return None,
        };
        CardHeader::LENGTH.checked_add(body)?.checked_add(CHECK)
    }

    /// Which share of which quorum it is.
    #[must_use]
    pub const fn header(&self) -> &CardHeader {
        &self.header
    }

    /// How it is sealed.
    #[must_use]
    pub const fn kind(&self) -> SealKind {
        self.kind
    }

    /// The bytes of the card; a secret when the seal is open.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the card's bytes: public, in the quorum record, and shown as verification code.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sha256(&[&self.bytes])
    }

    /// Opens a passphrase seal; takes seconds and the memory that the card's cost names.
    ///
    /// # Errors
    /// [`UnsealError`].
    pub fn open_passphrase(&self, passphrase: &Passphrase) -> Result<ClaimedShare, UnsealError> {
        let index = self.header.index();
        let SealKind::Passphrase(cost) = self.kind else { return Err(self.other_seal()) };
        let wrong = UnsealError::Passphrase { index };
        let mut reader = Reader::new(CARD, self.body());
        let parts = || {
            reader.take("cost", 3)?;
            let salt = reader.array::<SALT>("salt")?;
            let sealed = reader.take("sealed share", SHARE)?;
            Ok::<_, WireError>((salt, sealed, reader.array::<TAG>("tag")?))
        };
        let (salt, sealed, tag) = { parts }().map_err(|_| wrong)?;
        let stretched = cost.stretch(passphrase, &salt)?;
        let (key, nonce) = halves(&stretched).ok_or(wrong)?;
        let head = [&self.header.bytes(PASSPHRASE)[..], &cost.bytes(), &salt].concat();
        let mut plain = SecretBytes::copy_of(sealed);
        aead::xopen(key, nonce, &head, plain.expose_mut(), &tag).map_err(|_| wrong)?;
        ClaimedShare::read(index, plain.expose()).map_err(|_| UnsealError::Content { index })
    }

    /// Opens an age seal with an identity that this program can use.
    ///
    /// # Errors
    /// [`UnsealError`].
    pub fn open_identity(&self, identity: &age::Identity) -> Result<ClaimedShare, UnsealError> {
        let file = self.age_file().ok_or_else(|| self.other_seal())?;
        let index = self.header.index();
        let plain = age::decrypt(file, &[identity], age::Stanzas::Any, &age::LIMITS)
            .map_err(|_| UnsealError::Identity { index })?;
        self.open_age(&plain)
    }

    /// The age file of an age seal, for an identity that only an installed `age` can use.
    #[must_use]
    pub fn age_file(&self) -> Option<&[u8]> {
        (self.kind == SealKind::Age).then(|| self.body().get(2..)).flatten()
    }

    /// Opens an age seal with what its file decrypted to elsewhere.
    ///
    /// # Errors
    /// [`UnsealError::Content`] when it isn't the share that the card says.
    pub fn open_age(&self, plain: &SecretBytes) -> Result<ClaimedShare, UnsealError> {
        let index = self.header.index();
        let content = UnsealError::Content { index };
        let (head, share) = plain.expose().split_at_checked(CardHeader::LENGTH).ok_or(content)?;
        if head != self.header.bytes(AGE) {
            return Err(content);
        }
        ClaimedShare::read(index, share).map_err(|_| content)
    }

    /// Opens an open seal.
    ///
    /// # Errors
    /// [`UnsealError`].
    pub fn open_plain(&self) -> Result<ClaimedShare, UnsealError> {
        if self.kind != SealKind::Open {
            return Err(self.other_seal());
        }
        let index = self.header.index();
        ClaimedShare::read(index, self.body()).map_err(|_| UnsealError::Content { index })
    }

    fn other_seal(&self) -> UnsealError {
        UnsealError::OtherSeal { index: self.header.index(), kind: self.kind.name() }
    }

    /// What stands between the header and the check.
    fn body(&self) -> &[u8] {
        let end = self.bytes.len().saturating_sub(CHECK);
        self.bytes.get(CardHeader::LENGTH..end).unwrap_or_default()
    }
}

impl SealKind {
    const fn code(self) -> u8 {
        match self {
            Self::Open => OPEN,
            Self::Passphrase(_) => PASSPHRASE,
            Self::Age => AGE,
        }
    }
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    sha256(&[b"quorate/v1/card", bytes]).first_chunk().copied().unwrap_or_default()
}

fn halves(stretched: &SecretBytes) -> Option<(&[u8; aead::KEY], &[u8; 24])> {
    debug_assert_eq!(stretched.len(), OUTPUT);
    let (key, rest) = stretched.expose().split_first_chunk()?;
    Some((key, rest.try_into().ok()?))
}

impl fmt::Debug for SealedShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedShare({:?}, {})", self.header, self.kind.name())
    }
}

#[cfg(test)]
mod tests;
