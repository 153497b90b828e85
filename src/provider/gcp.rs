//! Google Cloud KMS: an import job, then versions of a key.
//!
//! One job imports many versions, for three days, at its key's protection level. The method is the job's.
//! Documented: direct OAEP with SHA-256 for everything but RSA keys; hybrid for every kind, with SHA-256, and
//! with SHA-1 for old jobs. No P-521. The new methods by HPKE (ML-KEM, X-Wing) are left out: the layout
//! of what they wrap is not documented. An imported version is not primary by itself.

use super::download::moment;
use super::proof::ProofKind;
use super::{
    Download, Envelope, Field, Lifetime, Method, Provider, Purpose, Request, Rules, Subject, Target,
};
use crate::key::{KeyKind, OaepHash};
use crate::wire::foreign::Value;
use crate::wrap::Form;

/// The algorithm of Google's own symmetric encryption, which alone has a version that is primary.
pub(super) const SYMMETRIC: &str = "google-symmetric-encryption";

const HYBRID: &[KeyKind] = &[
    KeyKind::Aes128,
    KeyKind::Aes256,
    KeyKind::Hmac224,
    KeyKind::Hmac256,
    KeyKind::Hmac384,
    KeyKind::Hmac512,
    KeyKind::EcP256,
    KeyKind::EcP384,
    KeyKind::EcSecp256k1,
    KeyKind::Ed25519,
    KeyKind::Rsa2048,
    KeyKind::Rsa3072,
    KeyKind::Rsa4096,
];
/// All but RSA keys, which are the last three.
const DIRECT: &[KeyKind] = HYBRID.split_at(10).0;

const fn method(name: &'static str, form: Form, hash: OaepHash, bits: &'static [usize]) -> Method {
    let kinds = match form {
        Form::Direct => DIRECT,
        Form::Hybrid => HYBRID,
    };
    Method { name, form, hash, bits, kinds }
}

pub(super) const RULES: Rules = Rules {
    name: "gcp",
    title: "Google Cloud KMS",
    methods: &[
        method("rsa-oaep-4096-sha256-aes-256", Form::Hybrid, OaepHash::Sha256, &[4096]),
        method("rsa-oaep-3072-sha256-aes-256", Form::Hybrid, OaepHash::Sha256, &[3072]),
        method("rsa-oaep-4096-sha256", Form::Direct, OaepHash::Sha256, &[4096]),
        method("rsa-oaep-3072-sha256", Form::Direct, OaepHash::Sha256, &[3072]),
        method("rsa-oaep-4096-sha1-aes-256", Form::Hybrid, OaepHash::Sha1, &[4096]),
        method("rsa-oaep-3072-sha1-aes-256", Form::Hybrid, OaepHash::Sha1, &[3072]),
    ],
    envelope: Envelope::Raw,
    lifetime: Lifetime::Ends,
    token: false,
    lasts: "3 days, for any number of versions",
    fields: &[
        Field { name: "project", about: "the project", required: true },
        Field { name: "location", about: "the location", required: true },
        Field { name: "keyring", about: "the key ring", required: true },
        Field { name: "import-job", about: "the import job", required: true },
        Field {
            name: "key",
            about: "the key, made with --import-only and --skip-initial-version-creation",
            required: true,
        },
        Field {
            name: "purpose-algorithm",
            about: "the version's algorithm, when it isn't the usual one of the kind",
            required: false,
        },
        Field {
            name: "existing",
            about: "the full name of the version that is imported again",
            required: false,
        },
    ],
    fetch: &[
        "gcloud kms import-jobs create JOB --location LOCATION --keyring KEYRING --import-method rsa-oaep-4096-sha256-aes-256 --protection-level hsm",
        "gcloud kms import-jobs describe JOB --location LOCATION --keyring KEYRING --format json > download.json",
    ],
    proof: |kind| proof(kind, algorithm(kind)),
    read,
    commands,
    disable: "gcloud kms keys versions disable VERSION --key KEY --keyring KEYRING --location LOCATION",
    destroy: "gcloud kms keys versions destroy VERSION …: scheduled, 30 days later by default; until then `restore` undoes it, and a destroyed version can be imported again",
    notes: &[
        "the import job's protection level must be the key's",
        "the new version is not primary: gcloud kms keys update KEY --primary-version VERSION",
        "only the very same material can be imported again into a version that was destroyed: that is Google's own comparison",
    ],
};

/// What proves a version of this algorithm. A ciphertext of Google's own symmetric encryption has a form that
/// is not documented, so it can't be made outside; a raw AES key decrypts what anybody encrypted with it.
pub(super) fn proof(kind: KeyKind, algorithm: &str) -> ProofKind {
    match (kind, algorithm) {
        (kind, _) if kind.is_asymmetric() => ProofKind::PublicKey,
        (_, "aes-128-gcm" | "aes-256-gcm") => ProofKind::Decrypt,
        (KeyKind::Aes128 | KeyKind::Aes256, _) => ProofKind::Statement,
        _ => ProofKind::Mac,
    }
}

/// What proves the import that a request asks for.
pub(super) fn proof_of(request: &Request) -> ProofKind {
    proof(request.kind(), request.algorithm_there().unwrap_or_default())
}

fn read(download: &mut Download, value: &Value) -> Option<()> {
    download.key = Some(value.text(&["publicKey", "pem"])?.as_bytes().to_vec());
    download.expires = Some(moment(value.at(&["expireTime"]))?);
    download.algorithm = Some(value.text(&["importMethod"])?.to_ascii_lowercase().replace('_', "-"));
    let name: Vec<&str> = value.text(&["name"])?.split('/').collect();
    let ["projects", project, "locations", location, "keyRings", ring, "importJobs", job] = name.as_slice()
    else {
        return None;
    };
    for (field, part) in
        [("project", project), ("location", location), ("keyring", ring), ("import-job", job)]
    {
        download.note(field, Some(part));
    }
    (value.text(&["state"])? == "ACTIVE").then_some(())
}

impl Request {
    /// Google's name of the algorithm that the version gets there; `None` for other providers.
    #[must_use]
    pub fn algorithm_there(&self) -> Option<&str> {
        (self.provider() == Provider::Gcp).then(|| google_algorithm(self.kind(), self.target()))
    }
}

/// Google's name of the algorithm that a version of a key of `kind` gets at `target`.
#[must_use]
pub fn google_algorithm(kind: KeyKind, target: &Target) -> &str {
    target.get("purpose-algorithm").map_or(algorithm(kind), String::as_str)
}

/// The usual algorithm of a version of a key of `kind`.
const fn algorithm(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Aes128 => "aes-128-gcm",
        KeyKind::Hmac224 => "hmac-sha224",
        KeyKind::Hmac256 => "hmac-sha256",
        KeyKind::Hmac384 => "hmac-sha384",
        KeyKind::Hmac512 => "hmac-sha512",
        KeyKind::EcP256 => "ec-sign-p256-sha256",
        KeyKind::EcP384 => "ec-sign-p384-sha384",
        KeyKind::EcSecp256k1 => "ec-sign-secp256k1-sha256",
        KeyKind::Ed25519 => "ec-sign-ed25519",
        KeyKind::Rsa2048 => "rsa-sign-pss-2048-sha256",
        KeyKind::Rsa3072 => "rsa-sign-pss-3072-sha256",
        KeyKind::Rsa4096 => "rsa-sign-pss-4096-sha256",
        _ => SYMMETRIC,
    }
}

fn commands(request: &Request, _: &Subject) -> Vec<String> {
    let field = |name| request.field(name);
    let place = format!(
        "--key {} --keyring {} --location {} --project {}",
        field("key"),
        field("keyring"),
        field("location"),
        field("project")
    );
    let algorithm = request.algorithm_there().unwrap_or_default();
    let again = match (request.purpose(), field("existing")) {
        (Purpose::Again, version) if !version.is_empty() => format!(" --version {version}"),
        _ => String::new(),
    };
    let mut lines = vec![format!(
        "gcloud kms keys versions import --import-job {} {place} --algorithm {algorithm} --wrapped-key-file wrapped.bin{again} --format json",
        field("import-job")
    )];
    match proof_of(request) {
        ProofKind::PublicKey => {
            lines.push(format!("gcloud kms keys versions get-public-key VERSION {place} --output-file public.txt"));
        }
        ProofKind::Mac => lines.push(format!(
            "gcloud kms mac-sign --version VERSION {place} --input-file challenge.bin --signature-file answer.txt"
        )),
        ProofKind::Decrypt => lines.push(format!(
            "gcloud kms raw-decrypt --version VERSION {place} --ciphertext-file challenge.bin --initialization-vector-file challenge-iv.bin --plaintext-file answer.txt"
        )),
        _ => lines.push(format!("gcloud kms keys versions list {place} --format json")),
    }
    lines
}
