//! The envelope of an SSH signature (OpenSSH's PROTOCOL.sshsig): what is signed, and the armour.
//!
//! A record keeps the inner signature alone: the key is the operator's, the namespace and the hash are
//! always the same. [`armor`] makes the whole again, for a stock verifier.

use super::{LONGEST, SIGNATURE, SshError, SshKey, string};
use crate::primitive::hash::sha512;
use crate::wire::{Reader, text};

const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
const HASH: &str = "sha512";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
/// How many characters `ssh-keygen` writes in a line of the armour.
const WIDTH: usize = 70;

/// A string as SSH writes it. What is written here is far shorter than 2^32 bytes.
fn put(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    to.extend_from_slice(bytes);
}

/// What a key signs for a message.
pub(super) fn signed_data(namespace: &str, message: &[u8]) -> Vec<u8> {
    let mut data = MAGIC.to_vec();
    for part in [namespace.as_bytes(), b"", HASH.as_bytes(), &sha512(&[message])] {
        put(&mut data, part);
    }
    data
}

/// The inner signature of an armoured one that `key` made of `message` for `namespace`.
///
/// # Errors
/// [`SshError`]: it is none, or made by another key, for another purpose, with another hash, of
/// something else.
pub fn read_signature(
    armour: &str,
    key: &SshKey,
    namespace: &str,
    message: &[u8],
) -> Result<Vec<u8>, SshError> {
    let body = armour.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
    let body: String = body.ok_or(SshError::Armour)?.split_ascii_whitespace().collect();
    if body.len() > LONGEST.saturating_mul(2) {
        return Err(SshError::Armour);
    }
    let bytes = text::from_base64(&body).ok_or(SshError::Armour)?;
    let mut reader = Reader::new(SIGNATURE, &bytes);
    if reader.take("magic", MAGIC.len())? != MAGIC || reader.array("version")? != VERSION.to_be_bytes() {
        return Err(SshError::Armour);
    }
    if string(&mut reader, "key")? != key.bytes() {
        return Err(SshError::OtherKey);
    }
    if string(&mut reader, "namespace")? != namespace.as_bytes() {
        return Err(SshError::Namespace);
    }
    string(&mut reader, "reserved")?;
    if string(&mut reader, "hash")? != HASH.as_bytes() {
        return Err(SshError::Hash);
    }
    let signature = string(&mut reader, "signature")?.to_vec();
    reader.finish()?;
    if key.has_signed(namespace, message, &signature) { Ok(signature) } else { Err(SshError::Wrong) }
}

/// An inner signature in its envelope and armour, as `ssh-keygen -Y verify` reads it.
#[must_use]
pub fn armor(key: &SshKey, namespace: &str, signature: &[u8]) -> String {
    let mut bytes = [MAGIC, &VERSION.to_be_bytes()].concat();
    for part in [key.bytes(), namespace.as_bytes(), b"", HASH.as_bytes(), signature] {
        put(&mut bytes, part);
    }
    let base64 = text::base64(&bytes);
    let mut armour = format!("{BEGIN}\n");
    for (place, c) in base64.chars().enumerate() {
        if place > 0 && place.is_multiple_of(WIDTH) {
            armour.push('\n');
        }
        armour.push(c);
    }
    armour.push('\n');
    armour + END + "\n"
}
