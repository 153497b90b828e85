//! KMIP: Register, with the key block wrapped under an RSA public key that the server holds.
//!
//! KMIP (OASIS, 1.4) allows a key block to be encrypted under a public key that is registered (Key Wrapping Data,
//! Encrypt, padding OAEP, SHA-256). Not every server has it: those that have not take the plain key inside TLS,
//! which is no package. So this file is for servers that say they do, and for AES and HMAC keys, which are
//! the ones that fit. Out: a Register request payload in TTLV; tags and types of the specification, section 9.

use super::proof::ProofKind;
use super::{ALL_SIZES, Download, Envelope, Field, Lifetime, Method, Request, Rules, Subject};
use crate::key::{KeyKind, OaepHash};
use crate::wire::foreign::Value;
use crate::wrap::Form;

pub(super) const RULES: Rules = Rules {
    name: "kmip",
    title: "KMIP (Register)",
    methods: &[Method {
        name: "RSA_OAEP_SHA256",
        form: Form::Direct,
        hash: OaepHash::Sha256,
        bits: ALL_SIZES,
        kinds: &[
            KeyKind::Aes128,
            KeyKind::Aes256,
            KeyKind::Hmac224,
            KeyKind::Hmac256,
            KeyKind::Hmac384,
            KeyKind::Hmac512,
        ],
    }],
    envelope: Envelope::Ttlv,
    lifetime: Lifetime::Lasts,
    token: false,
    lasts: "as long as the server keeps it",
    fields: &[
        Field {
            name: "wrapping-key",
            about: "the unique identifier of the wrapping key on the server",
            required: true,
        },
        Field { name: "key", about: "the name that the key gets, for the log", required: true },
    ],
    fetch: &["Get of the public key by its unique identifier, saved as PEM"],
    proof,
    read,
    commands,
    disable: "Revoke, with the reason Cessation of Operation",
    destroy: "Revoke, then Destroy: the server's own state machine refuses to destroy an active key",
    notes: &["the server must unwrap under an RSA key with OAEP: many take RFC 3394 under an AES key only"],
};

const fn proof(_: KeyKind) -> ProofKind {
    ProofKind::Statement
}

const fn read(_: &mut Download, _: &Value) -> Option<()> {
    None
}

fn commands(_: &Request, _: &Subject) -> Vec<String> {
    vec![
        "# send register.ttlv as the payload of a Register request (operation 3), over TLS with your client certificate; then Activate".to_owned(),
    ]
}

/// A structure of TTLV: its tag and what is in it.
fn structure(tag: u32, inside: &[Vec<u8>]) -> Option<Vec<u8>> {
    item(tag, 1, &inside.concat())
}

/// An item: tag (3 bytes), type, length (4 bytes), value padded to a multiple of 8.
fn item(tag: u32, kind: u8, value: &[u8]) -> Option<Vec<u8>> {
    let [_, tag @ ..] = tag.to_be_bytes();
    let mut bytes = tag.to_vec();
    bytes.push(kind);
    bytes.extend_from_slice(&u32::try_from(value.len()).ok()?.to_be_bytes());
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().checked_next_multiple_of(8)?, 0);
    Some(bytes)
}

fn enumeration(tag: u32, value: u32) -> Option<Vec<u8>> {
    item(tag, 5, &value.to_be_bytes())
}

fn integer(tag: u32, value: u32) -> Option<Vec<u8>> {
    item(tag, 2, &value.to_be_bytes())
}

/// The payload of a Register request for a key of `kind` whose wrapped bytes are `blob`.
pub(super) fn register(wrapping_key: &str, kind: KeyKind, blob: &[u8]) -> Option<Vec<u8>> {
    let bits = u32::try_from(kind.symmetric_length()?.checked_mul(8)?).ok()?;
    // AES, or HMAC by the length of its output.
    let (algorithm, mask) = match kind {
        KeyKind::Aes128 | KeyKind::Aes256 => (3, 0x04 | 0x08),
        KeyKind::Hmac224 => (8, 0x80 | 0x100),
        KeyKind::Hmac256 => (9, 0x80 | 0x100),
        KeyKind::Hmac384 => (10, 0x80 | 0x100),
        KeyKind::Hmac512 => (11, 0x80 | 0x100),
        _ => return None,
    };
    let parameters = structure(
        0x42_002b,
        &[enumeration(0x42_005f, 2)?, enumeration(0x42_0038, 6)?, enumeration(0x42_0028, 4)?],
    )?;
    let wrapping = structure(
        0x42_0046,
        &[
            enumeration(0x42_009e, 1)?,
            structure(0x42_0036, &[item(0x42_0094, 7, wrapping_key.as_bytes())?, parameters])?,
            enumeration(0x42_00a3, 1)?,
        ],
    )?;
    let block = structure(
        0x42_0040,
        &[
            enumeration(0x42_0042, 1)?,
            structure(0x42_0045, &[item(0x42_0043, 8, blob)?])?,
            enumeration(0x42_0028, algorithm)?,
            integer(0x42_002a, bits)?,
            wrapping,
        ],
    )?;
    let usage =
        structure(0x42_0008, &[item(0x42_000a, 7, b"Cryptographic Usage Mask")?, integer(0x42_000b, mask)?])?;
    structure(
        0x42_0079,
        &[enumeration(0x42_0057, 2)?, structure(0x42_0091, &[usage])?, structure(0x42_008f, &[block])?],
    )
}

/// The wrapped bytes in a Register payload that [`register`] made.
pub(super) fn material(payload: &[u8]) -> Option<Vec<u8>> {
    const TAG: [u8; 4] = [0x42, 0x00, 0x43, 8];
    let at = payload.windows(TAG.len()).position(|window| window == TAG)?;
    let rest = payload.get(at.checked_add(TAG.len())?..)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    Some(rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?.to_vec())
}
