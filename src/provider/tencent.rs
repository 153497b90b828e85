//! Tencent Cloud KMS: `GetParametersForImport`, `ImportKeyMaterial`.
//!
//! RSA-2048 and a token, for 24 hours; OAEP with SHA-256 or SHA-1, for keys of 32 bytes. PKCS #1 v1.5 is
//! not offered here. The service documents no proof.

use super::download::{base64, moment};
use super::proof::ProofKind;
use super::{AES_256, Download, Envelope, Field, Lifetime, Method, Request, Rules, Subject};
use crate::key::{KeyKind, OaepHash};
use crate::wire::foreign::Value;
use crate::wrap::Form;

const fn method(name: &'static str, hash: OaepHash) -> Method {
    Method { name, form: Form::Direct, hash, bits: &[2048], kinds: AES_256 }
}

pub(super) const RULES: Rules = Rules {
    name: "tencent",
    title: "Tencent Cloud KMS",
    methods: &[method("RSAES_OAEP_SHA_256", OaepHash::Sha256), method("RSAES_OAEP_SHA_1", OaepHash::Sha1)],
    envelope: Envelope::Base64,
    lifetime: Lifetime::Ends,
    token: true,
    lasts: "24 hours, and its token with it",
    fields: &[
        Field { name: "key", about: "the id of a key of Type 2 (external material)", required: true },
        Field { name: "region", about: "its region, when the profile has another", required: false },
    ],
    fetch: &[
        "tccli kms GetParametersForImport --KeyId KEY --WrappingAlgorithm METHOD --WrappingKeySpec RSA_2048 > download.json",
    ],
    proof,
    read,
    commands,
    disable: "tccli kms DisableKey --KeyId KEY",
    destroy: "tccli kms DeleteImportedKeyMaterial --KeyId KEY: at once, and undone by importing the same key again",
    notes: &["get the parameters with the method that the request will name: the token is bound to it"],
};

const fn proof(_: KeyKind) -> ProofKind {
    ProofKind::Statement
}

fn read(download: &mut Download, value: &Value) -> Option<()> {
    let answer = value.at(&["Response"]).unwrap_or(value);
    download.key = Some(base64(answer.text(&["PublicKey"])?)?);
    download.token = Some(base64(answer.text(&["ImportToken"])?)?);
    download.expires = Some(moment(answer.at(&["ParametersValidTo"]))?);
    download.note("key", answer.text(&["KeyId"]));
    Some(())
}

fn commands(request: &Request, _: &Subject) -> Vec<String> {
    let region = match request.field("region") {
        "" => String::new(),
        region => format!(" --region {region}"),
    };
    vec![format!(
        "tccli kms ImportKeyMaterial --KeyId {} --EncryptedKeyMaterial \"$(cat wrapped.b64)\" --ImportToken \"$(cat import-token.b64)\" --ValidTo 0{region}",
        request.field("key")
    )]
}
