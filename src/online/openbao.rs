//! OpenBao and Vault, the transit engine.
//!
//! Credentials by their own chain: `BAO_ADDR`, `BAO_TOKEN`, `BAO_NAMESPACE`, `BAO_CACERT` or the same with `VAULT_`, and
//! the file `.vault-token` that `login` leaves. A key is read before anything changes it: version N is imported when
//! the newest is N − 1, and found there when it is N. A version is named by its number and when it was
//! made, so that a key that was deleted and made anew under its name is seen. Measured on OpenBao 2.7.2.

use super::call::Steps;
use super::error::plain;
use super::http::Call;
use super::{At, KeyState, OnlineError, Reported, Service, Stop, Taken, Wish};
use crate::provider::{Answer, Download, Package, ProofKind, Purpose, Target};
use crate::provider::{openbao_type as key_type, public_key_digest};
use crate::wire::json::{Json, object};
use crate::wire::text::hex;

mod client;
pub(super) use client::OpenBao;
use client::{MOST_VERSIONS, PROVIDER, READ_KEY, Version};

const WRAPPING_KEY: Call = Call { name: "read on wrapping_key", changes: false };
const IMPORT: Call = Call { name: "update on the key's import", changes: true };
const IMPORT_VERSION: Call = Call { name: "update on the key's import_version", changes: true };
const DECRYPT: Call = Call { name: "update on decrypt", changes: false };
const HMAC: Call = Call { name: "update on hmac", changes: false };
const CONFIG: Call = Call { name: "update on the key's config", changes: true };
const SOFT_DELETE: Call = Call { name: "delete on the key's soft-delete", changes: true };
const TRIM: Call = Call { name: "update on the key's trim", changes: true };
const DELETE: Call = Call { name: "delete on the key", changes: true };

/// Where a key is: the mount and the name, which are parts of paths.
struct Place {
    mount: String,
    name: String,
}

/// Whether the server's words say that a ciphertext isn't of this key.
fn is_another(words: &str) -> bool {
    ["authentication failed", "unable to decrypt"].iter().any(|part| words.contains(part))
}

impl Place {
    fn of(target: &Target) -> Result<Self, OnlineError> {
        let part = |name: &str, usual: &str| {
            let value = target.get(name).map_or(usual, String::as_str);
            // They become parts of a path: nothing in them leads elsewhere.
            let leads = |step: &str| step.is_empty() || step.starts_with('.');
            let steps = value.split('/');
            let many = name == "key" && value.contains('/');
            if many || value.contains(['+', '@', '=', ':']) || steps.into_iter().any(leads) {
                return Err(OnlineError::Settings {
                    provider: PROVIDER,
                    what: format!("the field `{name}` is missing, or can't be a part of a path"),
                });
            }
            Ok(value.to_owned())
        };
        Ok(Self { mount: part("mount", "transit")?, name: part("key", "")? })
    }

    fn path(&self, what: &str, more: &str) -> String {
        format!("{}/{what}/{}{more}", self.mount, self.name)
    }

    fn shown(&self) -> String {
        self.path("keys", "")
    }

    fn state(&self, found: impl Into<String>, wanted: impl Into<String>) -> OnlineError {
        OnlineError::State { place: self.shown(), found: found.into(), wanted: wanted.into() }
    }
}

/// The version that a target names.
fn version(target: &Target) -> Result<u32, OnlineError> {
    let wrong = || OnlineError::Settings {
        provider: PROVIDER,
        what: "the field `version` is no number of a version".to_owned(),
    };
    target.get("version").map_or(Ok(1), |text| {
        text.parse().ok().filter(|number| (1..=MOST_VERSIONS).contains(number)).ok_or_else(wrong)
    })
}

/// A version's own name: its number, and when it was made there.
fn id(number: u32, version: &Version) -> String {
    match version.made {
        Some(made) => format!("{number}@{made}"),
        None => number.to_string(),
    }
}

impl Service for OpenBao {
    fn server(&self) -> Option<String> {
        Some(self.server.clone())
    }

    fn begin(&self, wish: &Wish) -> Result<Download, OnlineError> {
        let place = Place::of(&wish.target)?;
        let key = self.key(&place)?;
        let latest = key.as_ref().map_or(0, |key| key.latest);
        let next = latest.saturating_add(1);
        let wanted = match (wish.purpose, wish.target.contains_key("version")) {
            (Purpose::Version, false) => next,
            _ => version(&wish.target)?,
        };
        if let Some(key) = key.as_ref().filter(|key| key.kind != key_type(wish.kind)) {
            let found = format!("is of the type {}", plain(&key.kind));
            return Err(place.state(found, format!("use another name for a key of kind {}", wish.kind)));
        }
        match wish.purpose {
            Purpose::Key if latest > 0 => {
                return Err(place.state(
                    format!("is there already, with {latest} versions"),
                    "use another name, or --as version, or --as again after it was deleted",
                ));
            }
            Purpose::Version if latest == 0 => {
                return Err(place.state("is not there", "use --as key for the first version"));
            }
            _ if wanted != next => {
                return Err(place.state(
                    format!("has {latest} versions, so the next one is {next}"),
                    format!("use version={next}; versions come one after the other, {wanted} can't"),
                ));
            }
            _ => {}
        }
        let reply = self.call(WRAPPING_KEY, "GET", &format!("{}/wrapping_key", place.mount), None)?;
        let pem = reply.value.text(&["data", "public_key"]).filter(|_| reply.status == 200);
        let Some(pem) = pem else {
            if reply.status == 404 {
                let place = format!("transit engine at {}", place.mount);
                return Err(OnlineError::NoPlace { provider: PROVIDER, place });
            }
            return Err(WRAPPING_KEY.nonsense(PROVIDER, "a wrapping key"));
        };
        let mut download = Download::fetched(pem.as_bytes().to_vec());
        if wish.purpose != Purpose::Key {
            download = download.with_name("version", &wanted.to_string());
        }
        Ok(download)
    }

    fn import(&self, package: &Package, _: Option<&str>) -> Result<Taken, OnlineError> {
        let request = package.request();
        let place = Place::of(request.target())?;
        let wanted = version(request.target())?;
        let key = self.key(&place)?;
        let latest = key.as_ref().map_or(0, |key| key.latest);
        // Nobody sees afterwards what left a key that may leave, also if that is the key of this package.
        if let Some(may) = key.as_ref().and_then(|key| key.loose) {
            return Err(place.state(
                format!("{may}, as its settings say"),
                "use another name: that setting can't be taken back",
            ));
        }
        if let Some(found) = key.as_ref().and_then(|key| key.versions.get(&wanted)) {
            return Ok(Taken { id: Some(id(wanted, found)), answer: None, already: true });
        }
        if wanted != latest.saturating_add(1) {
            return Err(place.state(
                format!("has {latest} versions, so version {wanted} of this package can't be the next"),
                "import the versions before it first, or make a new request",
            ));
        }
        let blob = package.text("wrapped.b64").unwrap_or_default();
        let text = |value: &str| Some(Json::text(value.to_owned()));
        let (call, what, body) = if latest == 0 {
            let body = object([
                ("allow_rotation", Some(Json::Bool(false))),
                ("ciphertext", text(blob)),
                ("exportable", Some(Json::Bool(false))),
                ("hash_function", text(request.method().name)),
                ("type", text(key_type(request.kind()))),
            ]);
            (IMPORT, "/import", body)
        } else {
            let body = object([("ciphertext", text(blob)), ("hash_function", text(request.method().name))]);
            (IMPORT_VERSION, "/import_version", body)
        };
        let reply = self.call(call, "POST", &place.path("keys", what), Some(&body))?;
        if reply.status == 404 {
            return Err(OnlineError::NoPlace { provider: PROVIDER, place: place.shown() });
        }
        // Two who import at once are found here: then the newest version is not ours.
        let made = Steps::after(true).look(self.key(&place))?.and_then(|mut key| {
            let version = key.versions.remove(&wanted)?;
            (key.latest == wanted).then(|| id(wanted, &version))
        });
        match made {
            Some(id) => Ok(Taken { id: Some(id), answer: None, already: false }),
            None => Err(place.state(
                format!("does not have version {wanted} as its newest after the import"),
                "look at its versions: somebody else imported at the same time",
            )),
        }
    }

    fn prove(&self, package: &Package, _: &Taken) -> Result<Answer, OnlineError> {
        let request = package.request();
        let place = Place::of(request.target())?;
        let wanted = version(request.target())?;
        let challenge = || package.text("challenge.txt").unwrap_or_default().to_owned();
        let nonsense = |call: Call, wanted| call.nonsense(PROVIDER, wanted);
        match package.facts().proof.kind {
            ProofKind::Decrypt => {
                let body = object([("ciphertext", Some(Json::text(challenge())))]);
                let reply = self.call(DECRYPT, "POST", &place.path("decrypt", ""), Some(&body));
                // Another key can't decrypt it, which the server calls an error.
                let reply = match reply {
                    Err(OnlineError::Refused { words, .. }) if is_another(&words) => {
                        return Err(OnlineError::OtherKey { place: place.shown(), words });
                    }
                    reply => reply?,
                };
                let plaintext = reply.value.text(&["data", "plaintext"]);
                let plaintext = plaintext.ok_or_else(|| nonsense(DECRYPT, "a plaintext"))?;
                Ok(Answer::Reply(plaintext.as_bytes().to_vec()))
            }
            ProofKind::Mac => {
                let hash = request.kind().name().trim_start_matches("hmac-");
                let body = object([
                    ("input", Some(Json::text(challenge()))),
                    ("key_version", Some(Json::Number(wanted.into()))),
                ]);
                let path = place.path("hmac", &format!("/sha2-{hash}"));
                let reply = self.call(HMAC, "POST", &path, Some(&body))?;
                let code = reply.value.text(&["data", "hmac"]).ok_or_else(|| nonsense(HMAC, "a code"))?;
                Ok(Answer::Reply(code.as_bytes().to_vec()))
            }
            _ => {
                let key = self.key(&place)?;
                let public = key.and_then(|mut key| key.versions.remove(&wanted)?.public);
                let public = public.ok_or_else(|| nonsense(READ_KEY, "a public key"))?;
                Ok(Answer::PublicKey(public.into_bytes()))
            }
        }
    }

    fn activate(&self, _: &At) -> Result<Option<String>, OnlineError> {
        // The newest version is the one that is used.
        Ok(None)
    }

    fn report(&self, at: &At) -> Result<Reported, OnlineError> {
        let place = Place::of(&at.target)?;
        let wanted = version(&at.target)?;
        let Some(mut key) = self.key(&place)? else { return Ok(Reported::bare(KeyState::Gone, "not there")) };
        let raised = format!("min_decryption_version is {}", key.lowest);
        // Whatever became of ours, the newest one is used; of a key that is deleted softly, none.
        let current = key.versions.get(&key.latest).filter(|_| !key.deleted);
        let current = current.map(|newest| id(key.latest, newest));
        let Some(found) = key.versions.remove(&wanted) else {
            // Below that it is kept, and not shown.
            let kept = (key.available.max(1)..key.lowest).contains(&wanted);
            let gone = format!("no version {wanted}");
            let bare = match kept {
                true => Reported::bare(KeyState::Disabled, &raised),
                false => Reported::bare(KeyState::Gone, &gone),
            };
            return Ok(Reported { current, ..bare });
        };
        let (state, said) = match (key.deleted, wanted < key.lowest) {
            (true, _) => (KeyState::Disabled, "soft-deleted".to_owned()),
            (_, true) => (KeyState::Disabled, raised),
            _ => (KeyState::Enabled, format!("version {wanted} of {}", key.latest)),
        };
        let public = found.public.as_ref().filter(|_| at.proof == ProofKind::PublicKey);
        let evidence = public.and_then(|text| public_key_digest(text.as_bytes())).map(|digest| hex(&digest));
        Ok(Reported {
            id: Some(id(wanted, &found)),
            evidence,
            current,
            loose: key.loose,
            ..Reported::bare(state, &said)
        })
    }

    fn stop(&self, at: &At, how: Stop) -> Result<Reported, OnlineError> {
        let place = Place::of(&at.target)?;
        let wanted = version(&at.target)?;
        let found = self.report(at)?;
        let Some(key) = self.key(&place)? else { return Ok(found) };
        let above = wanted.saturating_add(1);
        let steps = Steps::default();
        let send = |call, method, more, body: Option<Json<'_>>| {
            steps.step(self.call(call, method, &place.path("keys", more), body.as_ref()))
        };
        let raised = || Some(Json::Number(above.into()));
        let first = key.available.max(1);
        let alone = key.latest == wanted && (first == wanted || key.lowest == wanted);
        match how {
            _ if found.state == KeyState::Gone => {}
            Stop::Disable if found.state == KeyState::Disabled => {}
            // The whole key, of which nothing else is in use.
            Stop::Disable if alone => {
                if send(SOFT_DELETE, "DELETE", "/soft-delete", None)?.status == 404 {
                    return Err(place.state(
                        "is of a server that can't stop the newest version",
                        "import a later version first, or destroy the key",
                    ));
                }
            }
            Stop::Disable | Stop::Delete if !(alone && first == wanted) => {
                if key.latest == wanted {
                    return Err(place.state(
                        format!("has version {wanted} as its newest, which this server can't stop alone"),
                        "import a later version first, or shred it without @VERSION, the whole key",
                    ));
                }
                if how == Stop::Delete && first < wanted {
                    return Err(place.state(
                        format!("has versions before {wanted}, which this server deletes with it"),
                        "shred the older versions first",
                    ));
                }
                // Of a lowest version that somebody set for encryption, nothing is taken back; to trim, the
                // server wants one.
                let unset = how == Stop::Delete && key.encrypts == 0;
                if key.lowest <= wanted || unset {
                    let encrypts = raised().filter(|_| unset || (1..above).contains(&key.encrypts));
                    let lowest = Some(Json::Number(above.max(key.lowest).into()));
                    let body = [("min_decryption_version", lowest), ("min_encryption_version", encrypts)];
                    send(CONFIG, "POST", "/config", Some(object(body)))?;
                }
                if how == Stop::Delete {
                    let body = object([("min_available_version", raised())]);
                    send(TRIM, "POST", "/trim", Some(body))?;
                }
            }
            _ => {
                if !key.deletable {
                    let body = object([("deletion_allowed", Some(Json::Bool(true)))]);
                    send(CONFIG, "POST", "/config", Some(body))?;
                }
                send(DELETE, "DELETE", "", None)?;
            }
        }
        steps.look(self.report(at))
    }
}
