//! IBM Key Protect and Hyper Protect Crypto Services: an import token with a nonce.
//!
//! The token's public key (base64 of PEM) lasts 300 to 86,400 seconds, 10 minutes by default, so it is fetched
//! last. One method, OAEP with SHA-256, for AES keys. The service compares its nonce, encrypted under the key
//! itself: AES-GCM without associated data for Key Protect, AES-CBC with PKCS #7 for HPCS. So the import
//! is its own proof. "Key Protect Dedicated" has no import token, and is not for this.

use super::download::{base64, moment};
use super::proof::ProofKind;
use super::{
    ALL_SIZES, Download, Envelope, Field, Lifetime, Method, Purpose, Request, Rules, SYMMETRIC, Subject,
};
use crate::key::{KeyKind, OaepHash};
use crate::wire::foreign::Value;
use crate::wrap::Form;

const METHODS: &[Method] = &[Method {
    name: "RSAES_OAEP_SHA_256",
    form: Form::Direct,
    hash: OaepHash::Sha256,
    bits: ALL_SIZES,
    kinds: SYMMETRIC,
}];

const FIELDS: &[Field] = &[
    Field { name: "instance", about: "the id of the instance", required: true },
    Field { name: "key", about: "the name that the key gets; its id for --as version", required: true },
    Field { name: "region", about: "its region, when the command line is set to another", required: false },
];

const FETCH: &[&str] = &[
    "ibmcloud kp import-token create --instance-id INSTANCE --expiration 86400 --max-retrievals 1 --output json > token.json",
    "ibmcloud kp import-token show --instance-id INSTANCE --output json > download.json",
];

const NOTES: &[&str] = &[
    "give both files: the first says when the token ends, the second has the key and the nonce",
    "a token may be fetched as often as it was made for: fetch it once, from the machine that makes the request",
];

const DESTROY: &str = "ibmcloud kp key delete ID, then purge after 4 hours: until then it can be restored by importing the same key";

pub(super) const KEY_PROTECT: Rules = Rules {
    name: "ibm",
    title: "IBM Key Protect",
    methods: METHODS,
    envelope: Envelope::Ibm,
    lifetime: Lifetime::EndsUnsaid,
    token: false,
    lasts: "300 to 86,400 seconds, 600 unless it is said",
    fields: FIELDS,
    fetch: FETCH,
    proof,
    read,
    commands,
    disable: "ibmcloud kp key disable ID",
    destroy: DESTROY,
    notes: NOTES,
};

pub(super) const HPCS: Rules = Rules {
    name: "ibm-hpcs",
    title: "IBM Hyper Protect Crypto Services",
    methods: METHODS,
    envelope: Envelope::Ibm,
    lifetime: Lifetime::EndsUnsaid,
    token: false,
    lasts: "300 to 86,400 seconds, 600 unless it is said",
    fields: FIELDS,
    fetch: FETCH,
    proof,
    read,
    commands,
    disable: "ibmcloud kp key disable ID",
    destroy: DESTROY,
    notes: NOTES,
};

const fn proof(_: KeyKind) -> ProofKind {
    ProofKind::AtImport
}

fn read(download: &mut Download, value: &Value) -> Option<()> {
    if let Some(payload) = value.text(&["payload"]) {
        download.key = Some(base64(payload)?);
        download.nonce = Some(base64(value.text(&["nonce"])?)?);
    }
    download.expires = moment(value.at(&["expirationDate"]));
    (download.key.is_some() || download.expires.is_some()).then_some(())
}

fn commands(request: &Request, _: &Subject) -> Vec<String> {
    let (instance, key) = (request.field("instance"), request.field("key"));
    let region = match request.field("region") {
        "" => String::new(),
        region => format!(" --region {region}"),
    };
    let parts =
        "--key-material \"$(cat wrapped.b64)\" --encrypted-nonce \"$(cat nonce.b64)\" --iv \"$(cat iv.b64)\"";
    let what = if request.purpose() == Purpose::Version { "rotate" } else { "create" };
    vec![format!("ibmcloud kp key {what} {key} --instance-id {instance} {parts}{region} --output json")]
}
