//! The package: a wrapped key as a provider takes it, what it is, and the commands that import it.
//!
//! Two steps, because a key is in memory before its version has a fingerprint: [`Request::wrap`] makes the blob and
//! the question that proves it; [`Wrapped::pack`] adds what was wrapped. Out: named files, all public.
//! [`Package::read`] holds a package to itself: every file's digest and size, the request in it, the length
//! that a blob of this form has. Whether it is the package that a ceremony made, its log says.

use super::download::{base64, base64url};
use super::proof::Proof;
use super::request::LONGEST as LONGEST_REQUEST;
use super::{Envelope, Provider, Request, RequestError, Target, kmip};
use crate::key::{Fingerprint, KeyKind, KeyMaterial, KeyRecord, Label};
use crate::primitive::gcm::{cbc, gcm};
use crate::primitive::hash::sha256;
use crate::primitive::random::Entropy;
use crate::wire::foreign::Value;
use crate::wire::json::{Fields, Json, JsonError, object, read};
use crate::wire::text::{self, hex};
use crate::wire::time::Timestamp;
use crate::wrap::{Form, wrap, wrapped_length};
use core::num::NonZeroU32;
use std::collections::BTreeMap;

mod about;
mod error;

pub use error::PackageError;

const ARTEFACT: &str = "package.json";
const FORMAT: &str = "quorate/v1/package";
const ABOUT: &str = "package.json";
const REQUEST: &str = "request.json";
const IMPORT: &str = "IMPORT.txt";
/// The longest file of a package in bytes, and how many there are at most.
pub(super) const LONGEST: usize = LONGEST_REQUEST;
const MOST: usize = 12;

/// A key version that is wrapped, as the log knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its name.
    pub name: Label,
    /// Its version.
    pub version: NonZeroU32,
    /// What kind of key.
    pub kind: KeyKind,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
}

impl Subject {
    /// The key version that a backup gave.
    #[must_use]
    pub fn of(key: &KeyRecord) -> Self {
        let facts = key.facts();
        Self {
            name: facts.label.clone(),
            version: facts.version,
            kind: key.material().kind(),
            fingerprint: key.fingerprint(),
        }
    }
}

/// A wrapped key, before it is said which version it is.
#[derive(Debug)]
pub struct Wrapped {
    request: Request,
    blob: Vec<u8>,
    files: BTreeMap<String, Vec<u8>>,
    proof: Proof,
}

/// What a package says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageFacts {
    /// The key version.
    pub subject: Subject,
    /// For whom.
    pub provider: Provider,
    /// The provider's name of the place.
    pub place: String,
    /// All names of the place.
    pub target: Target,
    /// SHA-256 of the request.
    pub request: [u8; 32],
    /// SHA-256 of the wrapping key.
    pub wrapping_key: [u8; 32],
    /// SHA-256 of the blob.
    pub blob: [u8; 32],
    /// What proves the import.
    pub proof: Proof,
    /// When it was made.
    pub made: Timestamp,
}

/// The files of a package.
#[derive(Debug)]
pub struct Package {
    request: Request,
    blob: Vec<u8>,
    files: BTreeMap<String, Vec<u8>>,
    facts: PackageFacts,
    digest: [u8; 32],
}

impl Request {
    /// Wraps `material` as the request asks for, at `now`.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was wrapped then.
    pub fn wrap(
        &self,
        material: &KeyMaterial,
        now: Timestamp,
        entropy: &mut Entropy,
    ) -> Result<Wrapped, RequestError> {
        self.check(now)?;
        let (provider, wanted, found) = (self.provider(), self.kind(), material.kind());
        if wanted != found {
            return Err(RequestError::OtherKind { provider, wanted, found });
        }
        let key = material.bytes().expose();
        let (form, hash) = (self.method().form, self.method().hash);
        let blob = wrap(form, hash, self.wrapping_key(), key, entropy)?;
        let (proof, questions) = Proof::ask(self, material, entropy)?;
        let mut files: BTreeMap<String, Vec<u8>> =
            questions.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
        let none = RequestError::Proof { provider };
        let mut add = |name: &str, bytes: Vec<u8>| drop(files.insert(name.to_owned(), bytes));
        let in_base64 = |bytes: &[u8]| text::base64(bytes).into_bytes();
        match provider.rules().envelope {
            Envelope::Raw => add("wrapped.bin", blob.clone()),
            Envelope::Base64 => add("wrapped.b64", in_base64(&blob)),
            Envelope::Byok => add("wrapped.byok", self.byok(&blob)),
            Envelope::Oci => {
                let json = format!(
                    r#"{{"keyMaterial":"{}","wrappingAlgorithm":"{}"}}"#,
                    text::base64(&blob),
                    self.method().name
                );
                add("wrapped-import-key.json", json.into_bytes());
            }
            Envelope::Hashed => {
                add("wrapped.b64", in_base64(&blob));
                // Salesforce asks for it; a key of 256 random bits isn't found by its hash.
                add("hash.b64", in_base64(&sha256(&[key])));
            }
            Envelope::Ttlv => {
                add("register.ttlv", kmip::register(self, found, &blob).ok_or(none)?);
            }
            Envelope::Ibm => {
                let nonce = self.nonce().map(Vec::as_slice).unwrap_or_default();
                let draw = RequestError::Proof { provider };
                let (iv, sent) = if provider == Provider::IbmHpcs {
                    let iv: [u8; 16] = entropy.public().map_err(|_| draw)?;
                    (iv.to_vec(), cbc(key, &iv, nonce))
                } else {
                    let iv: [u8; 12] = entropy.public().map_err(|_| draw)?;
                    (iv.to_vec(), gcm(key, &iv, nonce))
                };
                let sent = sent.ok_or(none)?;
                add("wrapped.b64", in_base64(&blob));
                add("nonce.b64", in_base64(&sent));
                add("iv.b64", in_base64(&iv));
                add("key.json", self.ibm(&blob, &sent, &iv));
            }
        }
        if let Some(token) = self.token() {
            match provider.rules().envelope {
                Envelope::Raw => add("import-token.bin", token.clone()),
                _ => add("import-token.b64", in_base64(token)),
            }
        }
        Ok(Wrapped { request: self.clone(), blob, files, proof })
    }

    fn byok(&self, blob: &[u8]) -> Vec<u8> {
        format!(
            r#"{{"schema_version":"1.0.0","header":{{"kid":"{}","alg":"dir","enc":"CKM_RSA_AES_KEY_WRAP"}},"ciphertext":"{}","generator":"quorate {}"}}"#,
            self.field("kid"),
            base64url(blob),
            env!("CARGO_PKG_VERSION")
        )
        .into_bytes()
    }

    /// The body of the service's own call.
    fn ibm(&self, blob: &[u8], nonce: &[u8], iv: &[u8]) -> Vec<u8> {
        const TYPE: &str = "application/vnd.ibm.kms.key+json";
        format!(
            r#"{{"metadata":{{"collectionType":"{TYPE}","collectionTotal":1}},"resources":[{{"type":"{TYPE}","name":"{}","extractable":false,"payload":"{}","encryptedNonce":"{}","iv":"{}","encryptionAlgorithm":"{}"}}]}}"#,
            self.field("key"),
            text::base64(blob),
            text::base64(nonce),
            text::base64(iv),
            self.method().name
        )
        .into_bytes()
    }
}

impl Wrapped {
    /// The package of the version that `subject` is.
    #[must_use]
    pub fn pack(self, subject: Subject, made: Timestamp) -> Package {
        let Self { request, blob, mut files, proof } = self;
        files.insert(REQUEST.to_owned(), request.bytes());
        let facts = PackageFacts {
            subject,
            provider: request.provider(),
            place: request.place().to_owned(),
            target: request.target().clone(),
            request: request.digest(),
            wrapping_key: request.wrapping_key().fingerprint(),
            blob: sha256(&[&blob]),
            proof,
            made,
        };
        files.insert(IMPORT.to_owned(), about::import(&request, &facts).into_bytes());
        let mut about = json(&request, &facts, blob.len(), &files).bytes();
        about.push(b'\n');
        let digest = sha256(&[&about]);
        files.insert(ABOUT.to_owned(), about);
        Package { request, blob, files, facts, digest }
    }
}

/// What `package.json` says.
fn json(
    request: &Request,
    facts: &PackageFacts,
    length: usize,
    files: &BTreeMap<String, Vec<u8>>,
) -> Json<'static> {
    let number = |length: usize| Json::Number(u64::try_from(length).unwrap_or_default());
    let file = |(name, bytes): (&String, &Vec<u8>)| {
        object([
            ("name", Some(Json::text(name.clone()))),
            ("sha256", Some(Json::text(hex(&sha256(&[bytes]))))),
            ("size", Some(number(bytes.len()))),
        ])
    };
    let method = request.method();
    let form = match method.form {
        Form::Direct => "direct",
        Form::Hybrid => "hybrid",
    };
    let subject = &facts.subject;
    object([
        ("algorithm", Some(Json::text(method.name))),
        ("as", Some(Json::text(request.purpose().name()))),
        ("blob", Some(Json::text(hex(&facts.blob)))),
        ("files", Some(Json::List(files.iter().map(file).collect()))),
        ("fingerprint", Some(Json::text(subject.fingerprint.to_string()))),
        ("form", Some(Json::text(form))),
        ("format", Some(Json::text(FORMAT))),
        ("hash", Some(Json::text(method.hash.name()))),
        ("kind", Some(Json::text(subject.kind.name()))),
        ("made", Some(Json::text(facts.made.to_string()))),
        ("name", Some(Json::text(subject.name.as_str().to_owned()))),
        ("proof", Some(facts.proof.json())),
        ("provider", Some(Json::text(facts.provider.name()))),
        ("request", Some(Json::text(hex(&facts.request)))),
        ("size", Some(number(length))),
        ("target", Some(request.target_json())),
        ("version", Some(Json::Number(subject.version.get().into()))),
        ("wrapping-key", Some(Json::text(hex(&facts.wrapping_key)))),
    ])
}

impl Package {
    /// What it was made for.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// The wrapped key, out of its envelope.
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The text of one of its files.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        core::str::from_utf8(self.files.get(name)?).ok()
    }

    /// The files, by name.
    #[must_use]
    pub const fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// What it says of itself.
    #[must_use]
    pub const fn facts(&self) -> &PackageFacts {
        &self.facts
    }

    /// SHA-256 of `package.json`, which names every other file: the package's name in the log.
    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Reads the files of a package and holds them to what they say.
    ///
    /// # Errors
    /// [`PackageError`], which names the file.
    pub fn read(files: BTreeMap<String, Vec<u8>>) -> Result<Self, PackageError> {
        let file =
            |name: &str| files.get(name).ok_or_else(|| PackageError::Missing { file: name.to_owned() });
        if files.len() > MOST || files.values().any(|bytes| bytes.len() > LONGEST) {
            return Err(PackageError::TooMuch);
        }
        let about = file(ABOUT)?;
        let digest = sha256(&[about]);
        let mut fields = Fields::of(ARTEFACT, read(ARTEFACT, about.strip_suffix(b"\n").unwrap_or(about))?)?;
        if fields.text("format")? != FORMAT {
            return Err(PackageError::Later);
        }
        listed(&mut fields, &files)?;
        let request = Request::read(file(REQUEST)?)?;
        let subject = Subject {
            name: fields.parsed("name", |text| text.parse().ok())?,
            version: NonZeroU32::new(fields.number("version")?).ok_or_else(|| fields.refuse("version"))?,
            kind: fields.parsed("kind", |text| text.parse().ok())?,
            fingerprint: fields.parsed("fingerprint", Fingerprint::parse)?,
        };
        let facts = PackageFacts {
            subject,
            provider: fields.parsed("provider", |text| text.parse().ok())?,
            place: request.place().to_owned(),
            target: request.target().clone(),
            request: fields.parsed("request", text::array_from_hex)?,
            wrapping_key: fields.parsed("wrapping-key", text::array_from_hex)?,
            blob: fields.parsed("blob", text::array_from_hex)?,
            proof: Proof::read(fields.value("proof")?)?,
            made: fields.parsed("made", |text| text.parse().ok())?,
        };
        let size: usize = fields.number("size")?;
        let blob = blob(request.provider(), &files).ok_or(PackageError::Blob)?;
        let fits = match (request.method().form, request.kind().symmetric_length()) {
            (form, Some(length)) => blob.len() == wrapped_length(form, request.wrapping_key(), length),
            (Form::Direct, None) => blob.len() == wrapped_length(Form::Direct, request.wrapping_key(), 0),
            (Form::Hybrid, None) => {
                let inner = blob.len().saturating_sub(request.wrapping_key().bits() >> 3);
                inner >= 16
                    && inner.is_multiple_of(8)
                    && inner <= super::length(request.kind()).saturating_add(16)
            }
        };
        if !fits || blob.len() != size || sha256(&[&blob]) != facts.blob {
            return Err(PackageError::Blob);
        }
        // What is left is what the request says, so it is written anew and compared.
        let mut others = files.clone();
        others.remove(ABOUT);
        let mut again = json(&request, &facts, size, &others).bytes();
        again.push(b'\n');
        if again != *about || facts.request != request.digest() {
            return Err(PackageError::Contradiction);
        }
        Ok(Self { request, blob, files, facts, digest })
    }
}

/// Holds the files to the list of them.
fn listed(fields: &mut Fields<'_>, files: &BTreeMap<String, Vec<u8>>) -> Result<(), PackageError> {
    let list = fields.list("files")?;
    let mut names = vec![ABOUT.to_owned()];
    for entry in list {
        let mut entry = Fields::of(ARTEFACT, entry)?;
        let name = entry.text("name")?.into_owned();
        let wanted: usize = entry.number("size")?;
        let digest: [u8; 32] = entry.parsed("sha256", text::array_from_hex)?;
        entry.finish()?;
        let Some(bytes) = files.get(&name) else { return Err(PackageError::Missing { file: name }) };
        if bytes.len() != wanted {
            return Err(PackageError::Size { file: name, found: bytes.len(), wanted });
        }
        if sha256(&[bytes]) != digest {
            return Err(PackageError::Altered { file: name });
        }
        names.push(name);
    }
    match files.keys().find(|name| !names.contains(name)) {
        Some(extra) => Err(PackageError::Extra { file: extra.clone() }),
        None => Ok(()),
    }
}

/// The blob out of its envelope.
fn blob(provider: Provider, files: &BTreeMap<String, Vec<u8>>) -> Option<Vec<u8>> {
    let text = |name: &str| core::str::from_utf8(files.get(name)?).ok();
    let json = |name: &str| Value::read(files.get(name)?);
    match provider.rules().envelope {
        Envelope::Raw => files.get("wrapped.bin").cloned(),
        Envelope::Base64 | Envelope::Hashed | Envelope::Ibm => base64(text("wrapped.b64")?),
        Envelope::Byok => base64(json("wrapped.byok")?.text(&["ciphertext"])?),
        Envelope::Oci => base64(json("wrapped-import-key.json")?.text(&["keyMaterial"])?),
        Envelope::Ttlv => kmip::material(files.get("register.ttlv")?),
    }
}

impl From<JsonError> for PackageError {
    fn from(error: JsonError) -> Self {
        Self::Json(error)
    }
}

#[cfg(test)]
impl Wrapped {
    /// Makes the blob longer, and everything that says how long it is.
    pub(super) fn grow(&mut self) {
        self.blob.push(1);
        self.files.insert("wrapped.bin".to_owned(), self.blob.clone());
    }
}
