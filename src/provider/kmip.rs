//! KMIP: Register, with the key block wrapped under an RSA public key that the server holds.
//!
//! KMIP (OASIS, 1.4) allows a key block to be encrypted under a public key that is registered (Key Wrapping Data,
//! Encrypt, padding OAEP, SHA-256; SHA-1 for servers older than 1.4). Not every server has it: those that have not take the plain key inside TLS,
//! which is no package. So this file is for servers that say they do, and for AES and HMAC keys, which are
//! the ones that fit. Out: a Register request payload in TTLV; tags and types of the specification, section 9.
//! Wrapping under an AES key that the server holds (RFC 3394) is no way here: whoever gives that key to the
//! ceremony has it, and would open the blob.

use super::proof::ProofKind;
use super::{ALL_SIZES, Download, Envelope, Field, Lifetime, Method, Request, Rules, Subject};
use crate::key::{KeyKind, OaepHash};
use crate::wire::foreign;
use crate::wire::ttlv::{Item, Value};
use crate::wrap::Form;

const fn method(name: &'static str, hash: OaepHash) -> Method {
    const KINDS: &[KeyKind] = &[
        KeyKind::Aes128,
        KeyKind::Aes256,
        KeyKind::Hmac224,
        KeyKind::Hmac256,
        KeyKind::Hmac384,
        KeyKind::Hmac512,
    ];
    Method { name, form: Form::Direct, hash, bits: ALL_SIZES, kinds: KINDS }
}

pub(super) const RULES: Rules = Rules {
    name: "kmip",
    title: "KMIP (Register)",
    methods: &[method("RSA_OAEP_SHA256", OaepHash::Sha256), method("RSA_OAEP_SHA1", OaepHash::Sha1)],
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
        Field { name: "key", about: "the name that the key gets on the server", required: true },
        Field {
            name: "server",
            about: "host and port of the server, when there are several",
            required: false,
        },
    ],
    fetch: &["# Get of the public key by its unique identifier, saved as PEM"],
    proof,
    read,
    commands,
    disable: "Revoke, with the reason Cessation of Operation",
    destroy: "Revoke, then Destroy: the server's own state machine refuses to destroy an active key",
    notes: &[
        "the server must unwrap under an RSA key with OAEP: many take RFC 3394 under an AES key only, and some keep what was wrapped as it came",
        "a proof that fails means that too: destroy the object",
    ],
};

const fn proof(kind: KeyKind) -> ProofKind {
    match kind {
        KeyKind::Aes128 | KeyKind::Aes256 => ProofKind::Decrypt,
        _ => ProofKind::Mac,
    }
}

const fn read(_: &mut Download, _: &foreign::Value) -> Option<()> {
    None
}

fn commands(request: &Request, _: &Subject) -> Vec<String> {
    let question = match proof(request.kind()) {
        ProofKind::Decrypt => {
            "# ask it to Decrypt challenge.bin (AES, CBC, PKCS5, the IV in challenge-iv.bin); its data is answer.txt"
        }
        _ => "# ask it for the MAC of challenge.bin; its MAC data is answer.txt",
    };
    vec![
        "# send register.ttlv as the payload of a Register request (operation 3), over TLS with your client certificate; then Activate".to_owned(),
        question.to_owned(),
    ]
}

/// Tags (section 9.1.3.1) of what is registered.
mod tag {
    pub(super) const ATTRIBUTE: u32 = 0x42_0008;
    pub(super) const ATTRIBUTE_NAME: u32 = 0x42_000a;
    pub(super) const ATTRIBUTE_VALUE: u32 = 0x42_000b;
    pub(super) const ALGORITHM: u32 = 0x42_0028;
    pub(super) const LENGTH: u32 = 0x42_002a;
    pub(super) const PARAMETERS: u32 = 0x42_002b;
    pub(super) const ENCRYPTION_KEY_INFORMATION: u32 = 0x42_0036;
    pub(super) const HASHING_ALGORITHM: u32 = 0x42_0038;
    pub(super) const KEY_BLOCK: u32 = 0x42_0040;
    pub(super) const KEY_FORMAT_TYPE: u32 = 0x42_0042;
    pub(super) const KEY_MATERIAL: u32 = 0x42_0043;
    pub(super) const KEY_VALUE: u32 = 0x42_0045;
    pub(super) const KEY_WRAPPING_DATA: u32 = 0x42_0046;
    pub(super) const NAME_TYPE: u32 = 0x42_0054;
    pub(super) const NAME_VALUE: u32 = 0x42_0055;
    pub(super) const OBJECT_TYPE: u32 = 0x42_0057;
    pub(super) const PADDING_METHOD: u32 = 0x42_005f;
    pub(super) const REQUEST_PAYLOAD: u32 = 0x42_0079;
    pub(super) const SYMMETRIC_KEY: u32 = 0x42_008f;
    pub(super) const TEMPLATE_ATTRIBUTE: u32 = 0x42_0091;
    pub(super) const UNIQUE_IDENTIFIER: u32 = 0x42_0094;
    pub(super) const WRAPPING_METHOD: u32 = 0x42_009e;
    pub(super) const ENCODING_OPTION: u32 = 0x42_00a3;
    pub(super) const MASK_GENERATOR: u32 = 0x42_0101;
    pub(super) const MASK_GENERATOR_HASH: u32 = 0x42_0102;
}

/// An attribute of a template.
fn attribute(name: &str, value: Value) -> Item {
    let value = Item { tag: tag::ATTRIBUTE_VALUE, value };
    Item::structure(tag::ATTRIBUTE, vec![Item::text(tag::ATTRIBUTE_NAME, name), value])
}

/// The payload of a Register request for a key of `kind` whose wrapped bytes are `blob`, and which will be found
/// by the name that `request` gives it.
pub(super) fn register(request: &Request, kind: KeyKind, blob: &[u8]) -> Option<Vec<u8>> {
    let (wrapping_key, name) = (request.field("wrapping-key"), request.field("key"));
    let bits = u32::try_from(kind.symmetric_length()?.checked_mul(8)?).ok()?;
    // AES, or HMAC by the length of its output; what it may do: encrypt and decrypt, or make and check codes.
    let (algorithm, mask) = match kind {
        KeyKind::Aes128 | KeyKind::Aes256 => (3, 0x04 | 0x08),
        KeyKind::Hmac224 => (8, 0x80 | 0x100),
        KeyKind::Hmac256 => (9, 0x80 | 0x100),
        KeyKind::Hmac384 => (10, 0x80 | 0x100),
        KeyKind::Hmac512 => (11, 0x80 | 0x100),
        _ => return None,
    };
    let mut parameters = vec![
        Item::enumeration(tag::PADDING_METHOD, 2),
        Item::enumeration(tag::HASHING_ALGORITHM, 4),
        Item::enumeration(tag::ALGORITHM, 4),
    ];
    if request.method().hash != OaepHash::Sha1 {
        // Without the two last fields, which are new in KMIP 1.4, the mask of OAEP is by SHA-1 (section 2.1.5):
        // SHA-256 has to be said twice.
        parameters = vec![
            Item::enumeration(tag::PADDING_METHOD, 2),
            Item::enumeration(tag::HASHING_ALGORITHM, 6),
            Item::enumeration(tag::ALGORITHM, 4),
            Item::enumeration(tag::MASK_GENERATOR, 1),
            Item::enumeration(tag::MASK_GENERATOR_HASH, 6),
        ];
    }
    let parameters = Item::structure(tag::PARAMETERS, parameters);
    let key_information = vec![Item::text(tag::UNIQUE_IDENTIFIER, wrapping_key), parameters];
    let wrapping = Item::structure(
        tag::KEY_WRAPPING_DATA,
        vec![
            Item::enumeration(tag::WRAPPING_METHOD, 1),
            Item::structure(tag::ENCRYPTION_KEY_INFORMATION, key_information),
            Item::enumeration(tag::ENCODING_OPTION, 1),
        ],
    );
    let block = Item::structure(
        tag::KEY_BLOCK,
        vec![
            Item::enumeration(tag::KEY_FORMAT_TYPE, 1),
            Item::structure(tag::KEY_VALUE, vec![Item::bytes(tag::KEY_MATERIAL, blob)]),
            Item::enumeration(tag::ALGORITHM, algorithm),
            Item::integer(tag::LENGTH, bits),
            wrapping,
        ],
    );
    let name = vec![Item::text(tag::NAME_VALUE, name), Item::enumeration(tag::NAME_TYPE, 1)];
    let template = vec![
        attribute("Cryptographic Usage Mask", Value::Integer(mask)),
        attribute("Name", Value::Structure(name)),
    ];
    Item::structure(
        tag::REQUEST_PAYLOAD,
        vec![
            Item::enumeration(tag::OBJECT_TYPE, 2),
            Item::structure(tag::TEMPLATE_ATTRIBUTE, template),
            Item::structure(tag::SYMMETRIC_KEY, vec![block]),
        ],
    )
    .encode()
}

/// The wrapped bytes in a Register payload that [`register`] made.
pub(super) fn material(payload: &[u8]) -> Option<Vec<u8>> {
    let path = [tag::SYMMETRIC_KEY, tag::KEY_BLOCK, tag::KEY_VALUE, tag::KEY_MATERIAL];
    Some(Item::read(payload)?.bytes_at(&path)?.to_vec())
}
