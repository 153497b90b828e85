//! OpenBao and Vault: the transit engine's import.
//!
//! One RSA-4096 wrapping key a mount, without an end; hybrid only, its hash named in the call (SHA-256 is the
//! server's default). Ciphertexts are `vault:vN:` and base64 of nonce, AES-GCM ciphertext and tag, so a challenge that
//! was made with the key proves that the server has it. Measured on OpenBao 2.7.2: `tests/openbao.rs`.
//! A later version goes through `import_version`; errors come as status 500.

use super::proof::ProofKind;
use super::{Download, Envelope, Field, Lifetime, Method, Purpose, Request, Rules, Subject};
use crate::key::{KeyKind, OaepHash};
use crate::wire::foreign::Value;
use crate::wrap::Form;

const KINDS: &[KeyKind] = &[
    KeyKind::Aes128,
    KeyKind::Aes256,
    KeyKind::Hmac256,
    KeyKind::Hmac384,
    KeyKind::Hmac512,
    KeyKind::EcP256,
    KeyKind::EcP384,
    KeyKind::EcP521,
    KeyKind::Ed25519,
    KeyKind::Rsa2048,
    KeyKind::Rsa3072,
    KeyKind::Rsa4096,
];

const fn method(name: &'static str, hash: OaepHash) -> Method {
    Method { name, form: Form::Hybrid, hash, bits: &[4096], kinds: KINDS }
}

pub(super) const RULES: Rules = Rules {
    name: "openbao",
    title: "OpenBao and Vault (transit)",
    // The names are what the server takes as `hash_function`.
    methods: &[
        method("SHA256", OaepHash::Sha256),
        method("SHA384", OaepHash::Sha384),
        method("SHA512", OaepHash::Sha512),
        method("SHA1", OaepHash::Sha1),
    ],
    envelope: Envelope::Base64,
    lifetime: Lifetime::Lasts,
    token: false,
    lasts: "as long as the mount",
    fields: &[
        Field { name: "key", about: "the name that the key gets", required: true },
        Field {
            name: "server",
            about: "host, port and namespace of the server, when there are several",
            required: false,
        },
        Field { name: "mount", about: "the mount of the engine, when it isn't transit", required: false },
        Field {
            name: "version",
            about: "the number that the version has there, for --as version and --as again",
            required: false,
        },
    ],
    fetch: &["bao read -format=json transit/wrapping_key > download.json"],
    proof,
    read,
    commands,
    disable: "bao write transit/keys/KEY/config min_decryption_version=N: ciphertexts of versions before N are refused",
    destroy: "bao write transit/keys/KEY/config deletion_allowed=true, then bao delete transit/keys/KEY: at once, and undone by importing the same key again",
    notes: &[
        "allow_rotation is off: a version that the server makes by itself would be in no backup",
        "a policy path ends in `*` or has `+` in its middle: transit/keys/escrow-*/import matches nothing",
    ],
};

const fn proof(kind: KeyKind) -> ProofKind {
    match kind {
        KeyKind::Aes128 | KeyKind::Aes256 => ProofKind::Decrypt,
        kind if kind.is_asymmetric() => ProofKind::PublicKey,
        _ => ProofKind::Mac,
    }
}

fn read(download: &mut Download, value: &Value) -> Option<()> {
    download.key = Some(value.text(&["data", "public_key"])?.as_bytes().to_vec());
    Some(())
}

/// The server's name for a kind.
pub(crate) const fn key_type(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Aes128 => "aes128-gcm96",
        KeyKind::Aes256 => "aes256-gcm96",
        KeyKind::EcP256 => "ecdsa-p256",
        KeyKind::EcP384 => "ecdsa-p384",
        KeyKind::EcP521 => "ecdsa-p521",
        KeyKind::Ed25519 => "ed25519",
        KeyKind::Rsa2048 => "rsa-2048",
        KeyKind::Rsa3072 => "rsa-3072",
        KeyKind::Rsa4096 => "rsa-4096",
        _ => "hmac",
    }
}

fn commands(request: &Request, subject: &Subject) -> Vec<String> {
    let mount = match request.field("mount") {
        "" => "transit",
        mount => mount,
    };
    let key = request.field("key");
    let version = match request.field("version") {
        "" => "1",
        version => version,
    };
    let (kind, hash) = (subject.kind, request.method().name);
    // A key that was deleted is imported again as a key; a later version of it, as a version.
    let first = request.purpose() == Purpose::Key || request.purpose() == Purpose::Again && version == "1";
    let mut lines = vec![if first {
        format!(
            "bao write {mount}/keys/{key}/import ciphertext=@wrapped.b64 type={} hash_function={hash} allow_rotation=false exportable=false",
            key_type(kind)
        )
    } else {
        format!("bao write {mount}/keys/{key}/import_version ciphertext=@wrapped.b64 hash_function={hash}")
    }];
    lines.push(match proof(kind) {
        ProofKind::Decrypt => {
            format!("bao write -field=plaintext {mount}/decrypt/{key} ciphertext=@challenge.txt > answer.txt")
        }
        ProofKind::Mac => format!(
            "bao write -field=hmac {mount}/hmac/{key}/sha2-{} input=@challenge.txt key_version={version} > answer.txt",
            kind.name().trim_start_matches("hmac-")
        ),
        _ => format!("bao read -field=keys -format=json {mount}/keys/{key} > public.txt"),
    });
    lines
}
