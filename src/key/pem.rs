//! PEM (RFC 7468, and the older form with headers): which blocks a file has, and their bytes.
//!
//! Text outside the blocks is passed over, as every tool does. Lines may have any length, because
//! tools differ; the base64 itself is strict. A block that isn't closed, or holds anything but
//! base64 and headers, is an error with its line.

use super::ImportError;
use crate::secret::{SecretBytes, SecretWriter};
use crate::wire::text;

/// The most blocks that are looked at; a key file has one or two.
const MOST: usize = 16;

/// One block.
pub(super) struct Block<'a> {
    /// What stands behind `BEGIN`.
    pub(super) label: &'a str,
    /// Whether a header says that it is encrypted.
    pub(super) encrypted: bool,
    /// The bytes; empty when it is encrypted.
    pub(super) bytes: SecretBytes,
}

/// The label in a boundary line that begins with `start`.
fn boundary<'a>(line: &'a [u8], start: &[u8]) -> Option<&'a str> {
    core::str::from_utf8(line.strip_prefix(start)?.strip_suffix(b"-----")?).ok()
}

/// Whether `bytes` are a PEM file: a line begins a block.
pub(super) fn is_pem(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').any(|line| {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        boundary(line.trim_ascii(), b"-----BEGIN ").is_some()
    })
}

/// The blocks of a file.
pub(super) fn blocks(bytes: &[u8]) -> Result<Vec<Block<'_>>, ImportError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut blocks = Vec::new();
    let mut lines = (1_usize..).zip(bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii));
    while let Some((line, text)) = lines.next() {
        if let Some(label) = boundary(text, b"-----BEGIN ") {
            if blocks.len() == MOST {
                return Err(ImportError::Several { blocks: MOST });
            }
            blocks.push(block(label, line, bytes.len(), &mut lines)?);
        }
    }
    Ok(blocks)
}

/// The rest of the block that began at `start`.
fn block<'a>(
    label: &'a str,
    start: usize,
    longest: usize,
    lines: &mut impl Iterator<Item = (usize, &'a [u8])>,
) -> Result<Block<'a>, ImportError> {
    let mut base64 = SecretWriter::new(longest);
    let mut encrypted = false;
    for (line, text) in lines {
        let damaged = ImportError::Pem { line };
        if let Some(end) = boundary(text, b"-----END ") {
            if end != label {
                return Err(damaged);
            }
            // Behind headers, encrypted bytes are of no use.
            let base64 = core::str::from_utf8(base64.written()).map_err(|_| damaged.clone())?;
            let bytes = if encrypted {
                SecretBytes::zeroed(0)
            } else {
                text::secret_from_base64(base64).ok_or(damaged)?
            };
            return Ok(Block { label, encrypted, bytes });
        }
        if text.starts_with(b"-----") {
            return Err(damaged);
        }
        if text.contains(&b':') {
            encrypted |= text.starts_with(b"Proc-Type:") && text.ends_with(b"ENCRYPTED");
        } else {
            // It is no longer than the file, so it fits.
            base64.put(text).map_err(|_| damaged)?;
        }
    }
    Err(ImportError::Pem { line: start })
}

/// The PEM of `bytes` with lines of 64 characters, as RFC 7468 wants them written.
pub(super) fn encode(label: &str, bytes: &SecretBytes) -> SecretBytes {
    let length = text::base64_length(bytes.len());
    let base64 = SecretBytes::filled(length, |to| text::base64_into(bytes.expose(), to));
    let lines = length.div_ceil(64);
    let frame = label.len().saturating_mul(2).saturating_add("-----BEGIN -----\n-----END -----\n".len());
    let mut pem = SecretWriter::new(length.saturating_add(lines).saturating_add(frame));
    // The writer was made at this size, so nothing is refused.
    for part in ["-----BEGIN ", label, "-----\n"] {
        let _ = pem.put(part.as_bytes());
    }
    for line in base64.expose().chunks(64) {
        let _ = pem.put(line);
        let _ = pem.put(b"\n");
    }
    for part in ["-----END ", label, "-----\n"] {
        let _ = pem.put(part.as_bytes());
    }
    pem.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<(String, Vec<u8>)>, ImportError> {
        let blocks = blocks(text.as_bytes())?;
        Ok(blocks.iter().map(|block| (block.label.to_string(), block.bytes.expose().to_vec())).collect())
    }

    #[test]
    fn blocks_with_anything_around_them() {
        let text = "\u{feff}-----BEGIN A B-----\r\nAAEC\r\nAwQ=\r\n-----END A B-----\r\nBag Attributes\n  a: b\n \
                    -----BEGIN C-----\n\n-----END C-----";
        assert!(is_pem(text.as_bytes()));
        assert_eq!(read(text).unwrap(), [("A B".into(), vec![0, 1, 2, 3, 4]), ("C".into(), vec![])]);
        assert!(!is_pem(b"BEGIN") && !is_pem(b"x-----BEGIN A-----"));
    }

    #[test]
    fn damage_is_named_by_its_line() {
        for (text, line) in [
            ("-----BEGIN A-----\nAAEC\n", 1),
            ("-----BEGIN A-----\nAAEC\n-----END B-----\n", 3),
            ("-----BEGIN A-----\nAAEC\n-----BEGIN A-----\n", 3),
            ("\n-----BEGIN A-----\nAAE\n-----END A-----\n", 4),
            ("-----BEGIN A-----\nAA?C\n-----END A-----\n", 3),
            ("-----BEGIN A-----\nAA==AAEC\n-----END A-----\n", 3),
            ("-----BEGIN A-----\nAB==\n-----END A-----\n", 3),
            ("-----BEGIN A-----\nAA\u{e9}=\n-----END A-----\n", 3),
        ] {
            assert_eq!(read(text), Err(ImportError::Pem { line }), "{text}");
        }
        let many = "-----BEGIN A-----\n-----END A-----\n".repeat(MOST + 1);
        assert_eq!(read(&many), Err(ImportError::Several { blocks: MOST }));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let pem = encode("PRIVATE KEY", &SecretBytes::copy_of(&bytes));
            let text = String::from_utf8(pem.expose().to_vec()).unwrap();
            prop_assert!(text.ends_with("-----END PRIVATE KEY-----\n") && text.lines().all(|line| line.len() <= 64));
            prop_assert_eq!(read(&text).unwrap(), [("PRIVATE KEY".to_string(), bytes)]);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(prop::sample::select(&b"-----BEGIN A-----\nEND:=x"[..]), 0..80)) {
            let _ = blocks(&bytes);
        }
    }
}
