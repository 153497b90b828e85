//! Oracle OCI Vault: one RSA-4096 wrapping key a vault, without an end.
//!
//! Documented: RSA_OAEP_SHA256 (direct) for AES keys, RSA_OAEP_AES_SHA256 (hybrid) for RSA keys; EC keys
//! can't be imported. The command line takes JSON files. Keys of an HSM are proven by nothing but
//! the vault's answer; of an RSA key the public key is shown.

use super::proof::ProofKind;
use super::{Download, Envelope, Field, Lifetime, Method, Purpose, Request, Rules, SYMMETRIC, Subject};
use crate::key::{KeyKind, OaepHash};
use crate::wire::foreign::Value;
use crate::wrap::Form;

const RSA: &[KeyKind] = &[KeyKind::Rsa2048, KeyKind::Rsa3072, KeyKind::Rsa4096];

pub(super) const RULES: Rules = Rules {
    name: "oci",
    title: "Oracle OCI Vault",
    methods: &[
        Method {
            name: "RSA_OAEP_SHA256",
            form: Form::Direct,
            hash: OaepHash::Sha256,
            bits: &[4096],
            kinds: SYMMETRIC,
        },
        Method {
            name: "RSA_OAEP_AES_SHA256",
            form: Form::Hybrid,
            hash: OaepHash::Sha256,
            bits: &[4096],
            kinds: RSA,
        },
    ],
    envelope: Envelope::Oci,
    lifetime: Lifetime::Lasts,
    token: false,
    lasts: "as long as the vault",
    fields: &[
        Field { name: "endpoint", about: "the vault's management endpoint", required: true },
        Field { name: "compartment", about: "the OCID of the compartment", required: true },
        Field { name: "key", about: "the name that the key gets; its OCID for --as version", required: true },
    ],
    fetch: &["oci kms management wrapping-key get --endpoint ENDPOINT > download.json"],
    proof,
    read,
    commands,
    disable: "oci kms management key disable --key-id OCID --endpoint ENDPOINT",
    destroy: "oci kms management key schedule-deletion --key-id OCID --endpoint ENDPOINT: 7 to 30 days later; until then cancel-deletion undoes it",
    notes: &["an EC key can't be imported", "without --protection-mode HSM the key is kept in software"],
};

const fn proof(kind: KeyKind) -> ProofKind {
    if kind.is_asymmetric() { ProofKind::PublicKey } else { ProofKind::Statement }
}

fn read(download: &mut Download, value: &Value) -> Option<()> {
    let data = value.at(&["data"]).unwrap_or(value);
    let key = data.text(&["public-key"]).or_else(|| data.text(&["publicKey"]))?;
    download.key = Some(key.as_bytes().to_vec());
    Some(())
}

fn commands(request: &Request, subject: &Subject) -> Vec<String> {
    let (endpoint, compartment) = (request.field("endpoint"), request.field("compartment"));
    let key = request.field("key");
    let shape = match subject.kind {
        KeyKind::Aes128 => r#"{"algorithm":"AES","length":16}"#,
        KeyKind::Rsa2048 => r#"{"algorithm":"RSA","length":256}"#,
        KeyKind::Rsa3072 => r#"{"algorithm":"RSA","length":384}"#,
        KeyKind::Rsa4096 => r#"{"algorithm":"RSA","length":512}"#,
        _ => r#"{"algorithm":"AES","length":32}"#,
    };
    let wrapped = "--wrapped-import-key file://wrapped-import-key.json";
    let mut lines = vec![match request.purpose() {
        Purpose::Version => {
            format!("oci kms management key-version import --key-id {key} {wrapped} --endpoint {endpoint}")
        }
        _ => format!(
            "oci kms management key import --compartment-id {compartment} --display-name {key} --key-shape '{shape}' --protection-mode HSM {wrapped} --endpoint {endpoint}"
        ),
    }];
    if subject.kind.is_asymmetric() {
        lines.push(format!(
            "oci kms management key-version get --key-id OCID --key-version-id OCID --endpoint {endpoint} --query 'data.\"public-key\"' --raw-output > public.txt"
        ));
    }
    lines
}
