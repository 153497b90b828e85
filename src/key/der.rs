//! DER (ITU-T X.690) as far as private keys need it: strict, total, and written in one way.
//!
//! Why not the `der` crate: key bytes stay where they are (nothing is copied into buffers that
//! aren't ours), and what is written goes into secrets at once. Lengths must be minimal and
//! definite, integers positive and minimal, bit strings whole bytes; tags are single bytes.

use crate::secret::{SecretBytes, SecretWriter};

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BITS: u8 = 0x03;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
/// Explicit or constructed `[0]` and `[1]`, and the primitive `[1]`.
pub(super) const CONTEXT_0: u8 = 0xa0;
pub(super) const CONTEXT_1: u8 = 0xa1;
pub(super) const CONTEXT_1_PRIMITIVE: u8 = 0x81;

/// The bytes aren't the DER that was expected there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotDer;

/// Reads elements in order.
#[derive(Clone)]
pub(super) struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The tag of the next element.
    pub(super) fn next(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// How many bytes are left.
    pub(super) const fn left(&self) -> usize {
        self.0.len()
    }

    /// The contents of the next element, whose tag must be `tag`.
    pub(super) fn take(&mut self, tag: u8) -> Result<&'a [u8], NotDer> {
        let (found, rest) = self.0.split_first().ok_or(NotDer)?;
        let (first, rest) = rest.split_first().ok_or(NotDer)?;
        // Low tag numbers only, and two bytes of length at most: nothing here is longer than 64 KiB.
        let (length, rest) = match *first {
            short @ 0..=0x7f => (usize::from(short), rest),
            0x81 => {
                let (length, rest) = rest.split_first().ok_or(NotDer)?;
                (usize::from(*length), rest)
            }
            0x82 => {
                let (length, rest) = rest.split_first_chunk().ok_or(NotDer)?;
                (usize::from(u16::from_be_bytes(*length)), rest)
            }
            _ => return Err(NotDer),
        };
        let minimal = match *first {
            0x81 => length > 0x7f,
            0x82 => length > 0xff,
            _ => true,
        };
        let (contents, rest) = rest.split_at_checked(length).ok_or(NotDer)?;
        if *found != tag || !minimal {
            return Err(NotDer);
        }
        self.0 = rest;
        Ok(contents)
    }

    /// As [`Self::take`], when the next tag is `tag`.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, NotDer> {
        if self.next() == Some(tag) { self.take(tag).map(Some) } else { Ok(None) }
    }

    /// The elements inside the next element.
    pub(super) fn inside(&mut self, tag: u8) -> Result<Self, NotDer> {
        self.take(tag).map(Self)
    }

    /// The big-endian magnitude of an integer that isn't negative, without leading zeros: zero is empty.
    pub(super) fn magnitude(&mut self) -> Result<&'a [u8], NotDer> {
        match self.take(INTEGER)? {
            [0] => Ok(&[]),
            [0, rest @ ..] if rest.first().is_some_and(|high| *high >= 0x80) => Ok(rest),
            whole @ [1..=0x7f, ..] => Ok(whole),
            _ => Err(NotDer),
        }
    }

    /// The bytes of a bit string, whose tag must be `tag`, that is whole bytes.
    pub(super) fn whole_bits(&mut self, tag: u8) -> Result<&'a [u8], NotDer> {
        match self.take(tag)?.split_first() {
            Some((0, bytes)) => Ok(bytes),
            _ => Err(NotDer),
        }
    }

    /// Ends the reading.
    pub(super) const fn finish(&self) -> Result<(), NotDer> {
        if self.0.is_empty() { Ok(()) } else { Err(NotDer) }
    }
}

/// The element of `tag` whose contents are `parts`, one after the other; at most 65,535 bytes.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> SecretBytes {
    let length = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
    let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    let header: &[u8] = match length {
        0..=0x7f => &[tag, low],
        0x80..=0xff => &[tag, 0x81, low],
        _ => &[tag, 0x82, high, low],
    };
    let mut to = SecretWriter::new(length.saturating_add(header.len()));
    // The writer was made at this size, so nothing is refused.
    let _ = to.put(header);
    for part in parts {
        let _ = to.put(part);
    }
    to.finish()
}

/// The integer whose big-endian magnitude is `bytes`, leading zeros or not.
pub(super) fn integer(bytes: &[u8]) -> SecretBytes {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = bytes.get(zeros..).unwrap_or_default();
    match bytes.first() {
        Some(1..=0x7f) => element(INTEGER, &[bytes]),
        _ => element(INTEGER, &[&[0], bytes]),
    }
}

/// The bit string of whole `bytes`.
pub(super) fn bits(bytes: &[u8]) -> SecretBytes {
    element(BITS, &[&[0], bytes])
}

/// The dotted form of an object identifier's contents; `None` when they are none, or a huge one.
pub(super) fn dotted(oid: &[u8]) -> Option<String> {
    if oid.is_empty() || oid.len() > 32 || oid.last().is_none_or(|last| *last >= 0x80) {
        return None;
    }
    let mut arcs = Vec::new();
    let mut arc = 0_u64;
    for byte in oid {
        if arc == 0 && *byte == 0x80 {
            return None;
        }
        arc = arc.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        if *byte < 0x80 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.push(first.to_string());
                arc = arc.checked_sub(first.checked_mul(40)?)?;
            }
            arcs.push(arc.to_string());
            arc = 0;
        }
    }
    Some(arcs.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_one_encoding_is_read() {
        for wrong in [
            &[0x04, 0x80, 1, 0, 0][..],
            &[0x04, 0x81, 1, 1],
            &[0x04, 0x82, 0, 1, 1],
            &[0x04, 0x83, 0, 0, 1, 1],
            &[0x04, 2, 1],
            &[0x04],
            &[],
            &[0x24, 1, 1],
        ] {
            assert_eq!(Der::new(wrong).take(OCTETS), Err(NotDer), "{wrong:?}");
        }
        for wrong in [&[2, 0][..], &[2, 1, 0x80], &[2, 2, 0, 1], &[2, 2, 0xff, 1], &[2, 2, 0, 0]] {
            assert_eq!(Der::new(wrong).magnitude(), Err(NotDer), "{wrong:?}");
        }
        assert_eq!(Der::new(&[3, 2, 1, 2]).whole_bits(BITS), Err(NotDer));
        assert_eq!(Der::new(&[3, 0]).whole_bits(BITS), Err(NotDer));
        assert_eq!(Der::new(&[2, 1, 0]).magnitude(), Ok(&[][..]));
    }

    #[test]
    fn identifiers_as_text() {
        assert_eq!(dotted(&[0x2b, 0x65, 0x70]).as_deref(), Some("1.3.101.112"));
        assert_eq!(dotted(&[0x88, 0x37, 3]).as_deref(), Some("2.999.3"));
        assert_eq!(dotted(&[0x2b, 0x80, 1]), None);
        assert_eq!(dotted(&[0x2b, 0x81]), None);
        assert_eq!(dotted(&[]), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(length in prop_oneof![0..300_usize, 65_000..65_535_usize], byte: u8) {
            let bytes = vec![byte; length];
            let written = element(OCTETS, &[&bytes]);
            let mut der = Der::new(written.expose());
            prop_assert_eq!(der.take(OCTETS), Ok(&bytes[..]));
            prop_assert_eq!(der.finish(), Ok(()));
        }

        #[test]
        fn numbers_come_back(bytes in prop::collection::vec(any::<u8>(), 0..9)) {
            let trimmed: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
            let written = integer(&bytes);
            prop_assert_eq!(Der::new(written.expose()).magnitude(), Ok(&trimmed[..]));
        }

        #[test]
        fn what_is_read_has_one_encoding(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            let mut der = Der::new(&bytes);
            if let Ok(contents) = der.take(INTEGER) {
                let whole = element(INTEGER, &[contents]);
                prop_assert!(bytes.starts_with(whole.expose()));
            }
            let _ = dotted(&bytes);
        }
    }
}
