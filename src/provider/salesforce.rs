//! Salesforce Shield Platform Encryption: a tenant secret under a certificate of the organisation.
//!
//! RSA-4096, the key in a certificate that the organisation made; OAEP direct, SHA-512 recommended, SHA-1
//! accepted, for fields and files. The upload has two files: the blob, and the SHA-256 of the secret, both in
//! base64; Salesforce compares that hash, so the upload is its own proof. Secrets for search indexes and
//! databases (CKM_RSA_AES_KEY_WRAP) are left out: which hash they take is not documented to us.

use super::proof::ProofKind;
use super::{AES_256, Download, Envelope, Field, Lifetime, Method, Request, Rules, Subject};
use crate::key::{KeyKind, OaepHash};
use crate::wire::foreign::Value;
use crate::wrap::Form;

const fn method(name: &'static str, hash: OaepHash) -> Method {
    Method { name, form: Form::Direct, hash, bits: &[4096], kinds: AES_256 }
}

pub(super) const RULES: Rules = Rules {
    name: "salesforce",
    title: "Salesforce Shield",
    methods: &[method("RSAES_OAEP_SHA_512", OaepHash::Sha512), method("RSAES_OAEP_SHA_1", OaepHash::Sha1)],
    envelope: Envelope::Hashed,
    lifetime: Lifetime::Lasts,
    token: false,
    lasts: "as long as the certificate",
    fields: &[
        Field { name: "certificate", about: "the name of the BYOK-compatible certificate", required: true },
        Field { name: "key", about: "what the tenant secret is for, for the log", required: true },
    ],
    fetch: &["openssl x509 -in CERTIFICATE.crt -pubkey -noout > wrapping-key.pem"],
    proof,
    read,
    commands,
    disable: "there is none: a new tenant secret archives the one before it",
    destroy: "destroy the archived tenant secret in Setup, Key Management: at once; what it encrypted is lost until the same secret is imported again",
    notes: &["a secret may be used once: generate a new key version for each upload"],
};

const fn proof(_: KeyKind) -> ProofKind {
    ProofKind::AtImport
}

const fn read(_: &mut Download, _: &Value) -> Option<()> {
    None
}

fn commands(request: &Request, _: &Subject) -> Vec<String> {
    vec![format!(
        "# Setup, Key Management, Bring Your Own Key, certificate {}: upload wrapped.b64 as the encrypted tenant secret and hash.b64 as its hash",
        request.field("certificate")
    )]
}
