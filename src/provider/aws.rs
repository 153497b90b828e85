//! AWS KMS: `GetParametersForImport`, `ImportKeyMaterial`.
//!
//! The wrapping key and the token are a pair of one answer, for 24 hours. Documented: RSAES_OAEP for
//! everything but RSA keys (P-521 does not fit under 2048 bits), RSA_AES_KEY_WRAP for RSA and EC keys.
//! A symmetric ciphertext of AWS can't be decrypted outside, so its proof is `KeyMaterialId`, which
//! AWS compares when the same key is imported again. ML-DSA and ML-KEM are left out: the encoding of
//! their private keys is not documented. SM2PKE (China) and PKCS #1 v1.5 (ended 2023) are left out too.

use super::download::{base64, moment};
use super::proof::ProofKind;
use super::{ALL_SIZES, Download, Envelope, Field, Lifetime, Method, Purpose, Request, Rules, Subject};
use crate::key::{KeyKind, OaepHash};
use crate::wire::foreign::Value;
use crate::wrap::Form;

const DIRECT: &[KeyKind] = &[
    KeyKind::Aes256,
    KeyKind::Hmac224,
    KeyKind::Hmac256,
    KeyKind::Hmac384,
    KeyKind::Hmac512,
    KeyKind::EcP256,
    KeyKind::EcP384,
    KeyKind::EcP521,
    KeyKind::EcSecp256k1,
    KeyKind::Ed25519,
];
const HYBRID: &[KeyKind] = &[
    KeyKind::Rsa2048,
    KeyKind::Rsa3072,
    KeyKind::Rsa4096,
    KeyKind::EcP256,
    KeyKind::EcP384,
    KeyKind::EcP521,
    KeyKind::EcSecp256k1,
    KeyKind::Ed25519,
];

pub(super) const RULES: Rules = Rules {
    name: "aws",
    title: "AWS KMS",
    methods: &[
        Method {
            name: "RSAES_OAEP_SHA_256",
            form: Form::Direct,
            hash: OaepHash::Sha256,
            bits: ALL_SIZES,
            kinds: DIRECT,
        },
        Method {
            name: "RSA_AES_KEY_WRAP_SHA_256",
            form: Form::Hybrid,
            hash: OaepHash::Sha256,
            bits: ALL_SIZES,
            kinds: HYBRID,
        },
        Method {
            name: "RSAES_OAEP_SHA_1",
            form: Form::Direct,
            hash: OaepHash::Sha1,
            bits: ALL_SIZES,
            kinds: DIRECT,
        },
        Method {
            name: "RSA_AES_KEY_WRAP_SHA_1",
            form: Form::Hybrid,
            hash: OaepHash::Sha1,
            bits: ALL_SIZES,
            kinds: HYBRID,
        },
    ],
    envelope: Envelope::Raw,
    lifetime: Lifetime::Ends,
    token: true,
    lasts: "24 hours, and its token with it",
    fields: &[
        Field { name: "key", about: "the id or ARN of a KMS key with Origin EXTERNAL", required: true },
        Field { name: "region", about: "its region, when the profile has another", required: false },
    ],
    fetch: &[
        "aws kms create-key --origin EXTERNAL --key-spec SPEC --key-usage USAGE",
        "aws kms get-parameters-for-import --key-id KEY --wrapping-algorithm METHOD --wrapping-key-spec RSA_4096 --output json > download.json",
    ],
    proof,
    read,
    commands,
    disable: "aws kms disable-key --key-id KEY",
    destroy: "aws kms delete-imported-key-material --key-id KEY: at once, and undone by importing the same key again; schedule-key-deletion destroys the KMS key after 7 to 30 days",
    notes: &[
        "the expiration model is always given: the default of AWS makes the material expire",
        "an asymmetric or HMAC key has one material for ever; a symmetric key takes more, and all of them must be imported for it to work",
        "a later version waits in PENDING_ROTATION until rotate-key-on-demand",
        "get the parameters with the method that the request will name: the token is bound to it",
    ],
};

fn proof(kind: KeyKind) -> ProofKind {
    match kind {
        kind if kind.is_asymmetric() => ProofKind::PublicKey,
        KeyKind::Aes256 => ProofKind::MaterialId,
        _ => ProofKind::Mac,
    }
}

fn read(download: &mut Download, value: &Value) -> Option<()> {
    download.key = Some(base64(value.text(&["PublicKey"])?)?);
    download.token = Some(base64(value.text(&["ImportToken"])?)?);
    download.expires = Some(moment(value.at(&["ParametersValidTo"]))?);
    download.note("key", value.text(&["KeyId"]));
    Some(())
}

fn commands(request: &Request, subject: &Subject) -> Vec<String> {
    let key = request.field("key");
    let region = match request.field("region") {
        "" => String::new(),
        region => format!(" --region {region}"),
    };
    let aws = |what: &str| format!("aws kms {what} --key-id {key}{region}");
    let again =
        if request.purpose() == Purpose::Again { "EXISTING_KEY_MATERIAL" } else { "NEW_KEY_MATERIAL" };
    let multi =
        if subject.kind == KeyKind::Aes256 { format!(" --import-type {again}") } else { String::new() };
    let mut lines = vec![format!(
        "{} --encrypted-key-material fileb://wrapped.bin --import-token fileb://import-token.bin --expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE{multi} --output json",
        aws("import-key-material")
    )];
    if request.purpose() == Purpose::Version {
        lines.push(aws("rotate-key-on-demand"));
    }
    match proof(subject.kind) {
        ProofKind::PublicKey => {
            lines.push(format!("{} --query PublicKey --output text > public.txt", aws("get-public-key")));
        }
        ProofKind::Mac => {
            let hash = subject.kind.name().trim_start_matches("hmac-");
            lines.push(format!(
                "{} --message fileb://challenge.bin --mac-algorithm HMAC_SHA_{hash} --query Mac --output text > answer.txt",
                aws("generate-mac")
            ));
        }
        _ => lines.push(format!(
            "{} --include-key-material ALL_KEY_MATERIAL --output json",
            aws("list-key-rotations")
        )),
    }
    lines
}
