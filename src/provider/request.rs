//! The request: what a key is wrapped for, made on the connected machine, checked in the ceremony.
//!
//! Canonical JSON: provider, method, wrapping key, token, names of the target, kind, when it was made and when it
//! ends. It is public and unsigned: whoever carries it can exchange the wrapping key in it, so the ceremony
//! shows the SHA-256 of that key and goes on only when people have compared it. Everything else is held
//! to the provider's rules when it is made, and again when it is read. `docs/format.md`, Requests.

use super::download::{LONGEST_TOKEN, is_plain};
use super::proof::is_later;
use super::{Download, Lifetime, Method, Provider, RequestError, Target};
use crate::key::{KeyKind, WrappingKey};
use crate::primitive::hash::sha256;
use crate::wire::json::{Fields, Json, JsonError, object, read};
use crate::wire::text;
use crate::wire::time::Timestamp;
use std::borrow::Cow;

const ARTEFACT: &str = "the request";
const FORMAT: &str = "quorate/v1/request";
/// The longest request in bytes.
pub(super) const LONGEST: usize = 128 * 1024;
/// How many seconds the machine that made a request may be ahead.
const SKEW: u64 = 300;

/// What an import makes in the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// A key that holds nothing yet.
    Key,
    /// A later version of a key that is there.
    Version,
    /// The same key again, after it expired or was deleted there.
    Again,
}

impl Purpose {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Key, Self::Version, Self::Again];

    /// Its name in a request.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Version => "version",
            Self::Again => "again",
        }
    }

    /// What it brings, for people.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Key => "a key where none is yet",
            Self::Version => "a later version of the key there",
            Self::Again => "the same key again, where it was before",
        }
    }

    /// The name back.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// What a request is made of.
#[derive(Debug)]
pub struct Draft {
    /// For whom.
    pub provider: Provider,
    /// What kind of key.
    pub kind: KeyKind,
    /// What the import makes there.
    pub purpose: Purpose,
    /// What the provider's files say.
    pub download: Download,
    /// The method, when it isn't the first that fits.
    pub method: Option<String>,
    /// Names that the files don't have.
    pub target: Target,
    /// When the wrapping key ends, when the files don't say it.
    pub expires: Option<Timestamp>,
    /// Now.
    pub made: Timestamp,
}

/// A request that fits the rules of its provider.
#[derive(Debug, Clone)]
pub struct Request {
    provider: Provider,
    method: &'static Method,
    kind: KeyKind,
    purpose: Purpose,
    wrapping_key: WrappingKey,
    token: Option<Vec<u8>>,
    nonce: Option<Vec<u8>>,
    made: Timestamp,
    expires: Option<Timestamp>,
    target: Target,
}

impl Request {
    /// Makes a request.
    ///
    /// # Errors
    /// [`RequestError`] with the provider's rule.
    pub fn make(draft: Draft) -> Result<Self, RequestError> {
        let Draft { provider, kind, purpose, download, method, mut target, expires, made } = draft;
        let wrapping_key = download.wrapping_key(provider)?;
        let named = method.or(download.algorithm);
        let method = provider.method(kind, wrapping_key.bits(), named.as_deref())?;
        for (field, value) in download.target {
            target.entry(field).or_insert(value);
        }
        let request = Self {
            provider,
            method,
            kind,
            purpose,
            wrapping_key,
            token: download.token,
            nonce: download.nonce,
            made,
            expires: download.expires.or(expires),
            target,
        };
        request.fits()?;
        request.check(made)?;
        Ok(request)
    }

    /// Reads a request.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn read(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > LONGEST {
            return Err(JsonError::Syntax { artefact: ARTEFACT, at: LONGEST }.into());
        }
        let mut fields = Fields::of(ARTEFACT, read(ARTEFACT, bytes.strip_suffix(b"\n").unwrap_or(bytes))?)?;
        if fields.text("format")? != FORMAT {
            return Err(RequestError::Later);
        }
        let provider: Provider = fields.parsed("provider", |text| text.parse().ok())?;
        let kind = fields.parsed("kind", |text| text.parse().ok())?;
        let wrapping_key = WrappingKey::from_spki(&fields.parsed("spki", text::from_base64)?)?;
        let method = fields.text("algorithm")?;
        let method = provider.method(kind, wrapping_key.bits(), Some(&method))?;
        let optional = |fields: &mut Fields<'_>, name| match fields.optional_text(name)? {
            None => Ok(None),
            Some(text) => text::from_base64(&text).map(Some).ok_or_else(|| fields.refuse(name)),
        };
        let expires = match fields.optional_text("expires")? {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| fields.refuse("expires"))?),
        };
        let Json::Object(names) = fields.value("target")? else { return Err(fields.refuse("target").into()) };
        let mut target = Target::new();
        for (field, value) in names {
            let Json::Text(value) = value else { return Err(fields.refuse("target").into()) };
            target.insert(field.into_owned(), value.into_owned());
        }
        let request = Self {
            provider,
            method,
            kind,
            purpose: fields.parsed("as", Purpose::parse)?,
            wrapping_key,
            token: optional(&mut fields, "token")?,
            nonce: optional(&mut fields, "nonce")?,
            made: fields.parsed("made", |text| text.parse().ok())?,
            expires,
            target,
        };
        fields.finish()?;
        request.fits()?;
        Ok(request)
    }

    /// Holds the fields to the provider's rules.
    fn fits(&self) -> Result<(), RequestError> {
        let (provider, rules) = (self.provider, self.provider.rules());
        for (field, value) in &self.target {
            if !rules.fields.iter().any(|known| known.name == field) {
                let known = rules.fields.iter().map(|known| known.name).collect::<Vec<_>>().join(", ");
                return Err(RequestError::Field { provider, field: field.chars().take(40).collect(), known });
            }
            if !is_plain(value) {
                return Err(RequestError::Value { provider, field: field.clone() });
            }
        }
        for field in rules.fields {
            let needed = field.required
                || field.name == "version" && (is_later(self.purpose) || self.purpose == Purpose::Again);
            if needed && !self.target.contains_key(field.name) {
                return Err(RequestError::Missing { provider, field: field.name, about: field.about });
            }
        }
        if self.token.as_ref().is_some_and(|token| token.len() > LONGEST_TOKEN) {
            return Err(RequestError::Value { provider, field: "token".to_owned() });
        }
        if rules.needs_token() != self.token.is_some() || rules.needs_nonce() != self.nonce.is_some() {
            let wanted = "the token that belongs to the wrapping key was looked for; give the whole download";
            return Err(RequestError::Download { provider, wanted });
        }
        if self.expires.is_none() && rules.lifetime != Lifetime::Lasts {
            return Err(RequestError::NoEnd { provider });
        }
        Ok(())
    }

    /// Whether it can be used at `now`.
    ///
    /// # Errors
    /// [`RequestError::Expired`], [`RequestError::Clock`].
    pub fn check(&self, now: Timestamp) -> Result<(), RequestError> {
        if self.made.since(now) > SKEW {
            return Err(RequestError::Clock { made: self.made, now });
        }
        match self.expires {
            Some(expires) if expires <= now => {
                Err(RequestError::Expired { provider: self.provider, expires, now })
            }
            _ => Ok(()),
        }
    }

    /// Its canonical bytes, with a line end.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let base64 = |bytes: &Vec<u8>| Json::text(text::base64(bytes));
        let mut bytes = object([
            ("algorithm", Some(Json::text(self.method.name))),
            ("as", Some(Json::text(self.purpose.name()))),
            ("expires", self.expires.map(|time| Json::text(time.to_string()))),
            ("format", Some(Json::text(FORMAT))),
            ("kind", Some(Json::text(self.kind.name()))),
            ("made", Some(Json::text(self.made.to_string()))),
            ("nonce", self.nonce.as_ref().map(base64)),
            ("provider", Some(Json::text(self.provider.name()))),
            ("spki", Some(Json::text(text::base64(self.wrapping_key.spki())))),
            ("target", Some(self.target_json())),
            ("token", self.token.as_ref().map(base64)),
        ])
        .bytes();
        bytes.push(b'\n');
        bytes
    }

    pub(super) fn target_json(&self) -> Json<'static> {
        let field = |(name, value): (&String, &String)| (Cow::Owned(name.clone()), Json::text(value.clone()));
        Json::Object(self.target.iter().map(field).collect())
    }

    /// SHA-256 of its bytes.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sha256(&[&self.bytes()])
    }

    /// For whom it is.
    #[must_use]
    pub const fn provider(&self) -> Provider {
        self.provider
    }

    /// How the key is wrapped.
    #[must_use]
    pub const fn method(&self) -> &'static Method {
        self.method
    }

    /// What kind of key it is for.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// What the import makes.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The provider's wrapping key.
    #[must_use]
    pub const fn wrapping_key(&self) -> &WrappingKey {
        &self.wrapping_key
    }

    /// When the wrapping key ends.
    #[must_use]
    pub const fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// The provider's names of where the key goes.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// The name of the key there, for people and the log.
    #[must_use]
    pub fn place(&self) -> &str {
        self.field("key")
    }

    /// A name of the target; empty when there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.target.get(name).map_or("", String::as_str)
    }

    /// The token that belongs to the wrapping key.
    #[must_use]
    pub const fn token(&self) -> Option<&Vec<u8>> {
        self.token.as_ref()
    }

    pub(super) const fn nonce(&self) -> Option<&Vec<u8>> {
        self.nonce.as_ref()
    }
}
