//! Bytes in, bytes out: strict, total and canonical, so that one thing has one encoding.
//!
//! Owns [`Reader`] (fields of fixed size from a byte string, nothing left over), `json` (canonical
//! JSON, the form of records), `text` (base32, base64, hexadecimal) and `lines` (the typed form of a
//! card). Nothing here knows what the bytes mean, and nothing reads or writes a foreign crate's
//! own encoding. Normative: `docs/format.md`, Encodings.

pub mod foreign;
pub mod json;
pub mod lines;
pub mod text;
pub mod time;
pub mod ttlv;

/// Why bytes are not what they should be; says where, never what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes end inside a field.
    #[error("{artefact} is cut short: it ends inside its {field}")]
    Short {
        /// What was read.
        artefact: &'static str,
        /// The field that isn't whole.
        field: &'static str,
    },
    /// Bytes follow the last field.
    #[error("{artefact} has {extra} bytes too many at its end")]
    Trailing {
        /// What was read.
        artefact: &'static str,
        /// How many bytes are left.
        extra: usize,
    },
    /// A field holds a value that this version doesn't allow.
    #[error("{artefact} has a {field} that is not allowed in this version of the format")]
    Value {
        /// What was read.
        artefact: &'static str,
        /// The field.
        field: &'static str,
    },
}

/// Reads fields of fixed size, in order, from a byte string.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    artefact: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`, which errors will call `artefact` ("the card", "the backup").
    #[must_use]
    pub const fn new(artefact: &'static str, bytes: &'a [u8]) -> Self {
        Self { artefact, rest: bytes }
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn take(&mut self, field: &'static str, length: usize) -> Result<&'a [u8], WireError> {
        let short = WireError::Short { artefact: self.artefact, field };
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WireError> {
        let short = WireError::Short { artefact: self.artefact, field };
        let (taken, rest) = self.rest.split_first_chunk().ok_or(short)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn u8(&mut self, field: &'static str) -> Result<u8, WireError> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    /// The next two bytes, big-endian.
    ///
    /// # Errors
    /// [`WireError::Short`].
    pub fn u16(&mut self, field: &'static str) -> Result<u16, WireError> {
        self.array(field).map(u16::from_be_bytes)
    }

    /// All bytes that are left.
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// An error about the value of `field`.
    #[must_use]
    pub const fn refuse(&self, field: &'static str) -> WireError {
        WireError::Value { artefact: self.artefact, field }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`WireError::Trailing`] when bytes are left.
    pub const fn finish(self) -> Result<(), WireError> {
        match self.rest.len() {
            0 => Ok(()),
            extra => Err(WireError::Trailing { artefact: self.artefact, extra }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_in_order_and_nothing_is_left() {
        let mut reader = Reader::new("the card", &[1, 2, 3, 4, 5]);
        assert_eq!(reader.u8("a"), Ok(1));
        assert_eq!(reader.u16("b"), Ok(0x0203));
        assert_eq!(reader.clone().finish(), Err(WireError::Trailing { artefact: "the card", extra: 2 }));
        assert_eq!(reader.take("c", 3), Err(WireError::Short { artefact: "the card", field: "c" }));
        assert_eq!(reader.rest(), [4, 5]);
        assert_eq!(reader.finish(), Ok(()));
    }
}
