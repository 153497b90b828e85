//! A server of OpenBao or Vault, its calls, and a key as it shows one.
//!
//! In: an address, a token and a namespace by the tools' own chain. Out: answers, told from refusals; a server that is
//! sealed, in standby or overloaded can do nothing now, which says nothing of any key. Of a change only the server's own
//! words say that nothing was done: the same status may come from a proxy that had passed the call on.

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
use core::net::Ipv6Addr;
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
    /// What may become of the key there that no import asks for.
    pub(super) loose: Option<&'static str>,
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
        let namespace = namespace(of("NAMESPACE"));
        let server = server(&base, namespace.as_deref()).ok_or_else(|| {
            missing("the address is none: give https://HOST:PORT, or https://HOST:PORT/PATH")
        })?;
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
            status if is_idle(status, call, &words()) => Err(OnlineError::NotNow {
                provider: PROVIDER,
                call: call.name,
                words: format!("sealed, in standby or overloaded ({status}, {})", words()),
            }),
            // The server's own trouble, or that of something between us, comes before or behind the act.
            status if call.changes && !(300..500).contains(&status) => {
                Err(call.unsure(PROVIDER, &format!("the answer has the status {status}, {}", words())))
            }
            _ => Err(call.refused(PROVIDER, &words())),
        }
    }

    /// The key, if there is one.
    pub(super) fn key(&self, place: &Place) -> Result<Option<Key>, OnlineError> {
        let reply = self.call(READ_KEY, "GET", &place.path("keys", ""), None)?;
        if reply.status == 404 {
            return Ok(None);
        }
        read_key(&reply.value).ok_or(READ_KEY.nonsense(PROVIDER, "a key")).map(Some)
    }
}

/// The right that a call needs, as a policy has it.
fn right(call: Call, path: &str) -> String {
    let capability = call.name.split(' ').next().unwrap_or_default();
    format!("{capability} on {path}")
}

/// Whether a status and the server's words say that it did nothing, as it can't now.
fn is_idle(status: u16, call: Call, words: &str) -> bool {
    // With spaces, which no name of a key has.
    let says = || ["is sealed", "in standby", "not active"].iter().any(|part| words.contains(part));
    match status {
        // Too many requests, and the statuses of servers in standby.
        429 | 472 | 473 => true,
        503 => !call.changes || says(),
        500 => says(),
        _ => false,
    }
}

/// The namespace, if it is none but the root, which the servers call so.
fn namespace(named: Option<String>) -> Option<String> {
    let named = named?.trim_matches('/').to_owned();
    (!named.is_empty() && named != "root").then_some(named)
}

/// A server's name in records: what tells it from another, of the characters that a target may have.
///
/// `host:port`, where it has a path `//path`, then the namespace: `host/ns`, `host//path`, `host//path//ns`. `None` for a
/// path with an empty step, which would be taken for another. An IPv6 address has no brackets, and always a port.
fn server(base: &str, namespace: Option<&str>) -> Option<String> {
    let (scheme, address) = base.split_once("://")?;
    let (authority, path) = address.split_once('/').unwrap_or((address, ""));
    let usual = if scheme == "https" { 443 } else { 80 };
    let split = authority.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
    let (host, port) = match split {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, usual),
    };
    let mut name = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => format!("{}:{port}", host.parse::<Ipv6Addr>().ok()?),
        None if port == 443 && scheme == "https" => host.to_ascii_lowercase(),
        None => format!("{}:{port}", host.to_ascii_lowercase()),
    };
    if !path.is_empty() {
        if path.split('/').any(str::is_empty) {
            return None;
        }
        name.push_str("//");
        name.push_str(path);
    }
    if let Some(namespace) = namespace {
        name.push_str(if path.is_empty() { "/" } else { "//" });
        name.push_str(namespace);
    }
    Some(name)
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
    // No server takes one of them back. What a server makes by itself is in no backup.
    let loose = [
        ("exportable", "may be exported"),
        ("allow_plaintext_backup", "may be backed up in plain text"),
        ("imported_key_allow_rotation", "may be rotated by the server"),
    ];
    Some(Key {
        kind: data.text(&["type"])?.to_owned(),
        latest,
        lowest,
        available,
        encrypts: number(data.at(&["min_encryption_version"])).unwrap_or_default(),
        deleted: is("soft_deleted"),
        deletable: is("deletion_allowed"),
        loose: loose.into_iter().find_map(|(field, words)| is(field).then_some(words)),
        versions,
    })
}

#[cfg(test)]
mod tests {
    use super::{namespace, server};

    #[test]
    fn each_server_has_one_name_and_no_two_the_same() {
        let names = [
            ("https://Bao.Example", "bao.example"),
            ("https://bao.example:443", "bao.example"),
            ("https://bao.example:8200", "bao.example:8200"),
            ("http://127.0.0.1", "127.0.0.1:80"),
            ("http://127.0.0.1:443", "127.0.0.1:443"),
            ("https://bao.example/A/b", "bao.example//A/b"),
            ("https://bao.example:443/ns", "bao.example//ns"),
            ("https://[0:0::1]", "::1:443"),
            ("https://[::1]:8200", "::1:8200"),
            ("https://[::1:8200]:443", "::1:8200:443"),
        ];
        for (address, name) in names {
            assert_eq!(server(address, None).as_deref(), Some(name), "{address}");
        }
        for wrong in ["https://bao.example//ns", "https://bao.example:x", "https://[bao]", "https://a/b//c"] {
            assert_eq!(server(wrong, None), None, "{wrong}");
        }
        let of = |path: &str, named: Option<&str>| {
            server(&format!("https://bao.example{path}"), namespace(named.map(str::to_owned)).as_deref())
        };
        let different = [
            of("", None),
            of("", Some("ns")),
            of("/ns", None),
            of("/ns", Some("ns")),
            of("/ns/ns", None),
            of("", Some("ns/ns")),
            of("", Some("ns//ns")),
        ];
        for (number, one) in different.iter().enumerate() {
            assert!(one.is_some() && !different.iter().skip(number + 1).any(|other| other == one), "{one:?}");
        }
        assert_eq!(of("", Some("ns")).as_deref(), Some("bao.example/ns"));
        for none in ["", "/", "root", "/root/"] {
            assert_eq!(of("", Some(none)), of("", None), "{none:?}");
        }
    }
}
