//! The header of an age file: version line, stanzas, MAC (C2SP age.md, Header).
//!
//! In: the bytes of a file, not armored. Out: a [`Header`] that borrows from them, read once, so
//! that a caller can list what a file is encrypted to without any identity. Every limit is checked
//! before anything is allocated. Deliberately not here: what a stanza's kind means (`identity`)
//! and when the MAC is looked at, which needs the file key.

use super::{HeaderError, Limits};
use crate::primitive::aead::TAG;
use crate::primitive::hash::{hkdf_sha256, hmac_sha256};
use crate::secret::SecretBytes;
use crate::wire::text::{base64_into, base64_length, from_base64};

pub(super) const VERSION: &[u8] = b"age-encryption.org/v1\n";
const STANZA: &[u8] = b"-> ";
const END: &[u8] = b"---";
/// Length in characters of a full line of a stanza's body.
const COLUMNS: usize = 64;
/// Length in bytes of the file key.
pub(super) const FILE_KEY: usize = 16;
/// Length in bytes of a native stanza's body: the sealed file key.
pub(super) const BODY: usize = FILE_KEY + TAG;
/// Length in bytes of the random bytes between header and payload.
pub(super) const NONCE: usize = 16;
const MAC: usize = 32;

/// The header of an age file, and where the rest of the file is.
#[derive(Debug, Clone)]
pub struct Header<'a> {
    stanzas: Vec<Stanza<'a>>,
    /// Everything that the MAC covers.
    covered: &'a [u8],
    mac: [u8; MAC],
    pub(super) nonce: &'a [u8; NONCE],
    pub(super) payload: &'a [u8],
}

/// One recipient's part of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stanza<'a> {
    line: &'a str,
    body: Vec<u8>,
}

impl<'a> Stanza<'a> {
    /// The kind of recipient: the first argument, such as `mlkem768x25519`, `X25519` or `scrypt`.
    /// Printable ASCII, of any length.
    #[must_use]
    pub fn kind(&self) -> &'a str {
        self.arguments().next().unwrap_or_default()
    }

    /// All arguments, the kind first.
    pub fn arguments(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.line.split(' ')
    }

    /// The decoded body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

impl<'a> Header<'a> {
    /// Reads the header of `file`.
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn parse(file: &'a [u8], limits: &Limits) -> Result<Self, HeaderError> {
        if file.len() > limits.file {
            return Err(HeaderError::FileTooLong { length: file.len(), limit: limits.file });
        }
        if !file.starts_with(VERSION) {
            return Err(not_v1(file));
        }
        let mut lines = Lines { file, at: 0, number: 0, limit: limits.header };
        lines.next()?;
        let mut stanzas = Vec::new();
        loop {
            let start = lines.at;
            let line = lines.next()?;
            if let Some(arguments) = line.strip_prefix(STANZA) {
                if stanzas.len() >= limits.stanzas {
                    return Err(HeaderError::TooManyStanzas { limit: limits.stanzas });
                }
                let line = lines.arguments(arguments)?;
                stanzas.push(Stanza { line, body: lines.body()? });
                continue;
            }
            let malformed = lines.malformed();
            let mac = line.strip_prefix(END).and_then(|line| line.strip_prefix(b" ")).ok_or(malformed)?;
            if stanzas.is_empty() {
                return Err(HeaderError::NoStanza);
            }
            let mac = unpadded(mac).and_then(|mac| mac.try_into().ok()).ok_or(malformed)?;
            let covered = file.get(..start.saturating_add(END.len())).unwrap_or_default();
            let rest = file.get(lines.at..).unwrap_or_default();
            let (nonce, payload) = rest.split_first_chunk().ok_or(HeaderError::Short)?;
            return Ok(Self { stanzas, covered, mac, nonce, payload });
        }
    }

    /// What the file is encrypted to, in the order of the file.
    #[must_use]
    pub fn stanzas(&self) -> &[Stanza<'a>] {
        &self.stanzas
    }

    /// The length in bytes of the payload, which is the plaintext with a tag for every chunk.
    #[must_use]
    pub const fn payload_length(&self) -> usize {
        self.payload.len()
    }

    /// Whether the MAC is that of the header under `file_key`.
    pub(super) fn is_authentic(&self, file_key: &SecretBytes) -> bool {
        crate::secret::ct_eq(&mac(file_key.expose(), self.covered), &self.mac)
    }
}

fn not_v1(file: &[u8]) -> HeaderError {
    if super::is_armored(file) {
        HeaderError::Armored
    } else if VERSION.starts_with(file) {
        HeaderError::Short
    } else if file.starts_with(b"age-encryption.org/") {
        HeaderError::Version
    } else {
        HeaderError::NotAge
    }
}

/// Lines of a header of limited length.
struct Lines<'a> {
    file: &'a [u8],
    at: usize,
    number: usize,
    limit: usize,
}

impl<'a> Lines<'a> {
    /// The next line without its line feed.
    fn next(&mut self) -> Result<&'a [u8], HeaderError> {
        self.number = self.number.saturating_add(1);
        let window = self.file.get(self.at..self.limit.min(self.file.len())).unwrap_or_default();
        let Some(end) = window.iter().position(|byte| *byte == b'\n') else {
            let cut = self.limit < self.file.len();
            return Err(if cut { HeaderError::TooLong { limit: self.limit } } else { HeaderError::Short });
        };
        self.at = self.at.saturating_add(end).saturating_add(1);
        Ok(window.get(..end).unwrap_or_default())
    }

    const fn malformed(&self) -> HeaderError {
        HeaderError::Line { line: self.number }
    }

    /// Arguments: one or more of visible characters, with one space between them.
    fn arguments(&self, line: &'a [u8]) -> Result<&'a str, HeaderError> {
        let visible = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_graphic);
        let fit = line.split(|byte| *byte == b' ').all(visible);
        core::str::from_utf8(line).ok().filter(|_| fit).ok_or(self.malformed())
    }

    /// A body: full lines, then a shorter one.
    fn body(&mut self) -> Result<Vec<u8>, HeaderError> {
        let mut body = Vec::new();
        loop {
            let line = self.next()?;
            if line.len() > COLUMNS {
                return Err(self.malformed());
            }
            body.extend_from_slice(&unpadded(line).ok_or(self.malformed())?);
            if line.len() < COLUMNS {
                return Ok(body);
            }
        }
    }
}

/// The bytes of canonical base64 without padding.
pub(super) fn unpadded(text: &[u8]) -> Option<Vec<u8>> {
    let padding = match text.len() % 4 {
        0 => "",
        2 => "==",
        3 => "=",
        _ => return None,
    };
    let text = core::str::from_utf8(text).ok().filter(|text| !text.contains('='))?;
    from_base64(&format!("{text}{padding}"))
}

/// Appends the base64 of `bytes` without padding.
pub(super) fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    let end = start.saturating_add(base64_length(bytes.len()));
    out.resize(end, b'=');
    base64_into(bytes, out.get_mut(start..).unwrap_or_default());
    while out.last() == Some(&b'=') {
        out.pop();
    }
}

/// Appends a stanza of two arguments and a short body.
pub(super) fn push_stanza(out: &mut Vec<u8>, kind: &str, argument: &[u8], body: &[u8; BODY]) {
    out.extend_from_slice(STANZA);
    out.extend_from_slice(kind.as_bytes());
    out.push(b' ');
    push_base64(out, argument);
    out.push(b'\n');
    push_base64(out, body);
    out.push(b'\n');
}

/// Ends the header that `out` holds with its MAC.
pub(super) fn push_end(out: &mut Vec<u8>, file_key: &[u8]) {
    out.extend_from_slice(END);
    let mac = mac(file_key, out);
    out.push(b' ');
    push_base64(out, &mac);
    out.push(b'\n');
}

fn mac(file_key: &[u8], covered: &[u8]) -> [u8; MAC] {
    let key = hkdf_sha256(&[], file_key, b"header");
    hmac_sha256(key.expose(), &[covered])
}
