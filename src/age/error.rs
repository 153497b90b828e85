//! What can be wrong with an age file, told apart: the header, the identity, the payload.
//!
//! Public data only. A hint follows the fact after a colon where there is something to do.

use crate::primitive::random::NoEntropy;

/// Why nothing was encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptError {
    /// There is nobody to encrypt to.
    #[error("no recipient to encrypt to")]
    NoRecipient,
    /// Post-quantum and classical recipients together: the weaker one would open the file.
    #[error("post-quantum (age1pq1) and classical (age1) recipients don't mix in one file")]
    Mixed,
    /// A recipient is given twice.
    #[error("recipient {recipient} is given twice")]
    Duplicate {
        /// The second one's place, counted from 1.
        recipient: usize,
    },
    /// More recipients than a reader takes.
    #[error("more than {limit} recipients for one file")]
    TooManyRecipients {
        /// The most recipients of a file.
        limit: usize,
    },
    /// A longer file than a reader takes.
    #[error("the encrypted file would be longer than {limit} bytes")]
    TooLong {
        /// The most bytes of a file.
        limit: usize,
    },
    /// The operating system gave no randomness.
    #[error("{NoEntropy}")]
    NoEntropy,
    /// A primitive refused its input, which checked recipients and lengths rule out.
    #[error("encryption failed")]
    Refused,
}

impl From<NoEntropy> for EncryptError {
    fn from(_: NoEntropy) -> Self {
        Self::NoEntropy
    }
}

/// Why the header of a file can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The file is longer than the reader takes.
    #[error("the age file has {length} bytes, more than {limit}")]
    FileTooLong {
        /// Its length in bytes.
        length: usize,
        /// The most bytes that are read.
        limit: usize,
    },
    /// The header is longer than the reader takes.
    #[error("the age header is longer than {limit} bytes")]
    TooLong {
        /// The most bytes that are read.
        limit: usize,
    },
    /// The header has more stanzas than the reader takes.
    #[error("the age file has more than {limit} recipients")]
    TooManyStanzas {
        /// The most stanzas that are read.
        limit: usize,
    },
    /// The file is in its text form.
    #[error("the age file is armored text: remove the armor first")]
    Armored,
    /// Something else than an age file.
    #[error("not an age file")]
    NotAge,
    /// An age file of a later version.
    #[error("an age file of another version than v1")]
    Version,
    /// The file ends before its payload begins.
    #[error("the age file is cut short: it ends inside its header")]
    Short,
    /// A line isn't what it has to be.
    #[error("line {line} of the age header is malformed")]
    Line {
        /// The line, counted from 1.
        line: usize,
    },
    /// The header has no stanza.
    #[error("the age file has no recipient")]
    NoStanza,
    /// A stanza of a known kind has other fields than that kind has.
    #[error("recipient stanza {stanza} of the age file is malformed")]
    Stanza {
        /// Its place, counted from 1.
        stanza: usize,
    },
    /// A stanza's X25519 part has low order, so that its shared secret isn't one.
    #[error("recipient stanza {stanza} of the age file holds a point of low order")]
    LowOrder {
        /// Its place, counted from 1.
        stanza: usize,
    },
    /// A passphrase stanza isn't alone, as it has to be.
    #[error("the age file mixes a passphrase with other recipients")]
    PassphraseMixed,
}

/// Why the payload of a file can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// The end is missing.
    #[error("the age file is cut short: its last chunk is missing")]
    Truncated,
    /// A chunk was altered, or the file ends inside it.
    #[error("the age file is altered or cut: chunk {chunk} of its payload is not authentic")]
    Altered {
        /// The chunk of 64 KiB, counted from 0.
        chunk: u64,
    },
    /// Something follows the last chunk.
    #[error("the age file has bytes after its end")]
    Trailing,
    /// An empty last chunk, which only an empty file may have.
    #[error("the age file ends in an empty chunk")]
    EmptyChunk,
}

/// Why nothing was decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecryptError {
    /// The header can't be read.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The file is encrypted to something that isn't allowed beside `mlkem768x25519`.
    #[error("the age file is also encrypted to a {kind} recipient: only mlkem768x25519 is allowed here")]
    Foreign {
        /// The stanza's kind, in printable ASCII, cut at [`Self::LONGEST_KIND`] characters.
        kind: String,
    },
    /// No identity opens any stanza.
    #[error("the age file is encrypted to other recipients")]
    NoMatch,
    /// The header was altered after it was written.
    #[error("the age header is altered: its authentication code is wrong")]
    Mac,
    /// The payload can't be read.
    #[error(transparent)]
    Payload(#[from] PayloadError),
}

impl DecryptError {
    /// The most characters of a foreign stanza's kind that are kept.
    pub const LONGEST_KIND: usize = 64;

    pub(super) fn foreign(kind: &str) -> Self {
        Self::Foreign { kind: kind.chars().take(Self::LONGEST_KIND).collect() }
    }
}
