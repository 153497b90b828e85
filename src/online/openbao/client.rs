//! A server of OpenBao or Vault, its calls, and a key as it shows one.
//!
//! In: an address, a token and a namespace by the tools' own chain. Out: answers, told from refusals; a server that is
//! sealed, in standby or overloaded can do nothing now, which says nothing of any key.

use super::Place;
use crate::online::error::plain;
use crate::online::http::{Call, Http, Reply};
use crate::online::reach::file;
use crate::online::{OnlineError, Reach};
use crate::provider::{Provider, moment};
use crate::secret::SecretBytes;
use crate::wire::foreign::Value;
use crate::wire::json::Json;
use crate::wire::time::Timestamp;
use std::collections::BTreeMap;
use ureq::http::HeaderValue;

pub(super) const PROVIDER: Provider = Provider::OpenBao;
pub(super) const READ_KEY: Call = Call { name: "read on the key", changes: false };

/// The highest number of a version that is taken.
pub(super) const MOST_VERSIONS: u32 = 1_000_000;

/// A server.
pub(in crate::online) struct OpenBao {
    http: Http,
    token: SecretBytes,
    namespace: Option<String>,
    pub(super) server: String,
}

/// A key as the server shows it.
pub(super) struct Key {
    pub(super) kind: String,
    pub(super) latest: u32,
    /// The lowest version that still decrypts; those below it aren't listed.
    pub(super) lowest: u32,
    /// The lowest version that is still there.
    pub(super) available: u32,
    /// The lowest version that encrypts; 0 for the newest alone.
    pub(super) encrypts: u32,
    pub(super) deleted: bool,
    pub(super) deletable: bool,
    /// Whether the key itself may leave the server.
    pub(super) leaves: bool,
    pub(super) versions: BTreeMap<u32, Version>,
}

pub(super) struct Version {
    pub(super) made: Option<Timestamp>,
    pub(super) public: Option<String>,
}

impl OpenBao {
    /// The server that the arguments or the environment name.
    pub(in crate::online) fn new(reach: &Reach) -> Result<Self, OnlineError> {
        let of = |name: &str| {
            ["BAO", "VAULT"].iter().find_map(|maker| (reach.environment)(&format!("{maker}_{name}")))
        };
        let missing = |what: &str| OnlineError::Settings { provider: PROVIDER, what: what.to_owned() };
        let address = reach.endpoint.clone().or_else(|| of("ADDR")).ok_or_else(|| {
            missing("no address is named: give --endpoint https://HOST:PORT or set BAO_ADDR")
        })?;
        let base = reach.address(PROVIDER, &address)?;
        let mut reach = reach.clone();
        if let (None, Some(path)) = (&reach.ca, of("CACERT")) {
            reach.ca =
                Some(file(&path).ok_or_else(|| missing("the file that BAO_CACERT names can't be read"))?);
        }
        let token = match of("TOKEN") {
            Some(token) => SecretBytes::absorb(token.into_bytes()),
            None => (reach.environment)("HOME")
                .and_then(|home| file(&format!("{home}/.vault-token")))
                .map(SecretBytes::absorb)
                .ok_or_else(|| missing("there is no token: set BAO_TOKEN, or log in with `bao login`"))?,
        };
        let namespace = of("NAMESPACE");
        let server = server(&base, namespace.as_deref());
        Ok(Self { http: Http::new(PROVIDER, &reach, base)?, token, namespace, server })
    }

    /// Makes a call.
    pub(super) fn call(
        &self,
        call: Call,
        method: &str,
        path: &str,
        body: Option<&Json<'_>>,
    ) -> Result<Reply, OnlineError> {
        let header = |bytes: &[u8]| {
            HeaderValue::from_bytes(bytes.trim_ascii()).map_err(|_| OnlineError::Settings {
                provider: PROVIDER,
                what: "the token or the namespace holds characters that none has".to_owned(),
            })
        };
        let mut token = header(self.token.expose())?;
        token.set_sensitive(true);
        let mut headers =
            vec![("x-vault-token", token), ("x-vault-request", HeaderValue::from_static("true"))];
        if let Some(namespace) = &self.namespace {
            headers.push(("x-vault-namespace", header(namespace.as_bytes())?));
        }
        let reply = self.http.call(call, (method, &format!("v1/{path}")), headers, body.map(Json::bytes))?;
        let words = || match reply.value.at(&["errors"]) {
            Some(Value::List(errors)) => {
                let texts = errors.iter().filter_map(|error| error.text(&[]));
                plain(&texts.collect::<Vec<_>>().join("; "))
            }
            _ => plain(""),
        };
        match reply.status {
            200 | 204 | 404 => Ok(reply),
            403 if words().contains("invalid token") => {
                Err(OnlineError::Credentials { provider: PROVIDER, words: words() })
            }
            403 => Err(OnlineError::Right { provider: PROVIDER, right: right(call, path) }),
            429 | 472 | 473 | 503 => Err(OnlineError::NotNow {
                provider: PROVIDER,
                call: call.name,
                words: format!("sealed, in standby or overloaded ({}, {})", reply.status, words()),
            }),
            // Between us and the server something broke after the call had left.
            502 | 504 if call.changes => {
                Err(OnlineError::Unsure { provider: PROVIDER, call: call.name, words: words() })
            }
            _ => Err(OnlineError::Refused { provider: PROVIDER, call: call.name, words: words() }),
        }
    }

    /// The key, if there is one.
    pub(super) fn key(&self, place: &Place) -> Result<Option<Key>, OnlineError> {
        let reply = self.call(READ_KEY, "GET", &place.path("keys", ""), None)?;
        if reply.status == 404 {
            return Ok(None);
        }
        let nonsense = OnlineError::Nonsense { provider: PROVIDER, call: READ_KEY.name, wanted: "a key" };
        read_key(&reply.value).ok_or(nonsense).map(Some)
    }
}

/// The right that a call needs, as a policy has it.
fn right(call: Call, path: &str) -> String {
    let capability = call.name.split(' ').next().unwrap_or_default();
    format!("{capability} on {path}")
}

/// A server's name in records: what tells it from another, of the characters that a target may have.
fn server(base: &str, namespace: Option<&str>) -> String {
    let address = base.split_once("://").map_or(base, |(_, address)| address).to_ascii_lowercase();
    let address = address.strip_suffix(":443").unwrap_or(&address).replace(['[', ']'], "");
    match namespace.map(|namespace| namespace.trim_matches('/')).filter(|namespace| !namespace.is_empty()) {
        Some(namespace) => format!("{address}/{namespace}"),
        None => address,
    }
}

fn number(value: Option<&Value>) -> Option<u32> {
    match value? {
        Value::Number(number) => number.parse().ok(),
        _ => None,
    }
}

fn read_key(value: &Value) -> Option<Key> {
    let data = value.at(&["data"])?;
    let latest = number(data.at(&["latest_version"]))?;
    let lowest = number(data.at(&["min_decryption_version"]))?;
    let available = number(data.at(&["min_available_version"])).unwrap_or_default();
    let mut versions = BTreeMap::new();
    let listed = match data.at(&["keys"]) {
        Some(Value::Object(listed)) => listed.as_slice(),
        // Keys for HMAC alone list none, and show nothing of any.
        None if latest <= MOST_VERSIONS => {
            let none = || Version { made: None, public: None };
            versions.extend((lowest.max(1)..=latest).map(|number| (number, none())));
            &[]
        }
        _ => return None,
    };
    for (name, version) in listed {
        // Symmetric versions are the moment they were made; others are objects.
        let (made, public) = match version {
            Value::Object(_) => (version.at(&["creation_time"]), version.text(&["public_key"])),
            moment => (Some(moment), None),
        };
        let made = moment(made);
        versions.insert(name.parse().ok()?, Version { made, public: public.map(str::to_owned) });
    }
    let is = |name: &str| data.at(&[name]) == Some(&Value::Bool(true));
    Some(Key {
        kind: data.text(&["type"])?.to_owned(),
        latest,
        lowest,
        available,
        encrypts: number(data.at(&["min_encryption_version"])).unwrap_or_default(),
        deleted: is("soft_deleted"),
        deletable: is("deletion_allowed"),
        leaves: is("exportable") || is("allow_plaintext_backup"),
        versions,
    })
}
