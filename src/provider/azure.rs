//! Azure Key Vault (Premium) and Managed HSM: the `.byok` file.
//!
//! The wrapping key (KEK) is an RSA-HSM key of the same vault whose only operation is `import`; it lasts until it
//! is deleted. One method: CKM_RSA_AES_KEY_WRAP with OAEP by **SHA-1** in hash and mask. The blob is base64url
//! without padding, in JSON that names the KEK with its version. AES keys go into a Managed HSM only.

use super::download::from_jwk;
use super::proof::ProofKind;
use super::{ALL_SIZES, Download, Envelope, Field, Lifetime, Method, Request, Rules, Subject};
use crate::key::{KeyKind, OaepHash};
use crate::wire::foreign::Value;
use crate::wrap::Form;

const WITH_AES: &[KeyKind] = &[
    KeyKind::Aes128,
    KeyKind::Aes256,
    KeyKind::Rsa2048,
    KeyKind::Rsa3072,
    KeyKind::Rsa4096,
    KeyKind::EcP256,
    KeyKind::EcP384,
    KeyKind::EcP521,
    KeyKind::EcSecp256k1,
];
/// All but AES keys, which are the first two.
const ASYMMETRIC: &[KeyKind] = WITH_AES.split_at(2).1;

const fn method(kinds: &'static [KeyKind]) -> Method {
    Method { name: "CKM_RSA_AES_KEY_WRAP", form: Form::Hybrid, hash: OaepHash::Sha1, bits: ALL_SIZES, kinds }
}

pub(super) const VAULT: Rules = Rules {
    name: "azure",
    title: "Azure Key Vault",
    methods: &[method(ASYMMETRIC)],
    envelope: Envelope::Byok,
    lifetime: Lifetime::Lasts,
    token: false,
    lasts: "until it is deleted",
    fields: &[
        Field { name: "vault", about: "the name of the vault", required: true },
        Field { name: "key", about: "the name that the key gets", required: true },
        Field { name: "kid", about: "the full id of the KEK, with its version", required: true },
    ],
    fetch: &[
        "az keyvault key create --vault-name VAULT --name KEK --kty RSA-HSM --size 4096 --ops import",
        "az keyvault key show --vault-name VAULT --name KEK --output json > download.json",
    ],
    proof,
    read,
    commands: vault,
    disable: "az keyvault key set-attributes --vault-name VAULT --name KEY --enabled false",
    destroy: "az keyvault key delete --vault-name VAULT --name KEY, then purge: until the purge (7 to 90 days) `recover` undoes it",
    notes: &[
        "Key Vault takes no AES key: a Managed HSM does (azure-hsm)",
        "an import under a name that exists makes a new version",
    ],
};

pub(super) const HSM: Rules = Rules {
    name: "azure-hsm",
    title: "Azure Managed HSM",
    methods: &[method(WITH_AES)],
    envelope: Envelope::Byok,
    lifetime: Lifetime::Lasts,
    token: false,
    lasts: "until it is deleted",
    fields: &[
        Field { name: "hsm", about: "the name of the Managed HSM", required: true },
        Field { name: "key", about: "the name that the key gets", required: true },
        Field { name: "kid", about: "the full id of the KEK, with its version", required: true },
    ],
    fetch: &[
        "az keyvault key create --hsm-name HSM --name KEK --kty RSA-HSM --size 4096 --ops import",
        "az keyvault key show --hsm-name HSM --name KEK --output json > download.json",
    ],
    proof,
    read,
    commands: hsm,
    disable: "az keyvault key set-attributes --hsm-name HSM --name KEY --enabled false",
    destroy: "az keyvault key delete --hsm-name HSM --name KEY, then purge: until the purge (7 to 90 days) `recover` undoes it",
    notes: &[
        "a Crypto User imports, a Crypto Officer can't",
        "an import under a name that exists makes a new version",
    ],
};

const fn proof(kind: KeyKind) -> ProofKind {
    if kind.is_asymmetric() { ProofKind::PublicKey } else { ProofKind::Decrypt }
}

/// The key as `az` shows it, or the JWK alone.
fn read(download: &mut Download, value: &Value) -> Option<()> {
    let jwk = value.at(&["key"]).unwrap_or(value);
    let import_only = match jwk.at(&["keyOps"]).or_else(|| jwk.at(&["key_ops"])) {
        Some(Value::List(ops)) => ops.as_slice() == [Value::Text("import".to_owned())],
        _ => true,
    };
    download.key = Some(from_jwk(jwk)?);
    download.note("kid", jwk.text(&["kid"]));
    import_only.then_some(())
}

fn vault(request: &Request, subject: &Subject) -> Vec<String> {
    lines(&format!("--vault-name {}", request.field("vault")), request, subject)
}

fn hsm(request: &Request, subject: &Subject) -> Vec<String> {
    lines(&format!("--hsm-name {}", request.field("hsm")), request, subject)
}

fn lines(place: &str, request: &Request, subject: &Subject) -> Vec<String> {
    let kty = match subject.kind {
        KeyKind::EcP256 => "EC --curve P-256",
        KeyKind::EcP384 => "EC --curve P-384",
        KeyKind::EcP521 => "EC --curve P-521",
        KeyKind::EcSecp256k1 => "EC --curve P-256K",
        KeyKind::Aes128 | KeyKind::Aes256 => "oct",
        _ => "RSA",
    };
    let key = request.field("key");
    let mut lines = vec![format!(
        "az keyvault key import {place} --name {key} --byok-file wrapped.byok --kty {kty} --protection hsm --output json"
    )];
    if subject.kind.is_asymmetric() {
        lines.push(format!("az keyvault key download {place} --name {key} --encoding PEM --file public.txt"));
    } else {
        let bits = if subject.kind == KeyKind::Aes128 { 128 } else { 256 };
        lines.push(format!(
            "az keyvault key decrypt {place} --name {key} --algorithm A{bits}CBCPAD --iv \"$(cat challenge-iv.txt)\" --value \"$(cat challenge.txt)\" --data-type base64 --query result --output tsv > answer.txt"
        ));
    }
    lines
}
