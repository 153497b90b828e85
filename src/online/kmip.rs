//! A KMIP server over mutual TLS: Register of a wrapped key block, Activate, and proof that it was unwrapped.
//!
//! A server may keep a wrapped key block as it came and never unwrap it: KMIP lets it. So a key that was registered is
//! activated and asked at once for what only the key gives; if it doesn't, it is revoked and destroyed again, and
//! that is an error. What is registered carries its package's digest (`kmip/mark.rs`), so a run whose reply was
//! lost finds it by name and mark; what anybody else registered under the name is never activated. Register of
//! a plain key inside TLS is not here: the connected machine would have the key. Operations are of KMIP 1.4.

use super::call::Steps;
use super::error::plain;
use super::name::fresh;
use super::{At, KeyState, OnlineError, Reach, Reported, Service, Stop, Taken, Wish};
use crate::key::{KeyKind, PublicKey};
use crate::provider::{Answer, Download, Package, Provider, Purpose};
use crate::wire::text::hex;
use crate::wire::ttlv::{Item, Value};
use channel::Channel;
use message::{answer, attribute, named, payload, request, tag};

mod channel;
mod mark;
mod message;

const KMIP: Provider = Provider::Kmip;

/// A call: its operation (section 9.1.3.2.27), its name, and whether it changes something.
#[derive(Clone, Copy)]
struct Call {
    operation: u32,
    name: &'static str,
    changes: bool,
}

const CREATE_KEY_PAIR: Call = Call { operation: 0x02, name: "Create Key Pair", changes: true };
const REGISTER: Call = Call { operation: 0x03, name: "Register", changes: true };
const LOCATE: Call = Call { operation: 0x08, name: "Locate", changes: false };
const GET: Call = Call { operation: 0x0a, name: "Get", changes: false };
const GET_ATTRIBUTES: Call = Call { operation: 0x0b, name: "Get Attributes", changes: false };
const ACTIVATE: Call = Call { operation: 0x12, name: "Activate", changes: true };
const REVOKE: Call = Call { operation: 0x13, name: "Revoke", changes: true };
const DESTROY: Call = Call { operation: 0x14, name: "Destroy", changes: true };
const DECRYPT: Call = Call { operation: 0x20, name: "Decrypt", changes: false };
const MAC: Call = Call { operation: 0x23, name: "MAC", changes: false };

/// An object type (section 9.1.3.2.12).
const SYMMETRIC_OBJECT: u32 = 2;

impl Call {
    fn unsure(self, words: &str) -> OnlineError {
        OnlineError::Unsure { provider: KMIP, call: self.name, words: plain(words) }
    }

    /// An answer that isn't one: of a change it isn't known then whether it was made.
    fn nonsense(self, wanted: &'static str) -> OnlineError {
        if self.changes {
            self.unsure(&format!("its answer is not {wanted}"))
        } else {
            OnlineError::Nonsense { provider: KMIP, call: self.name, wanted }
        }
    }
}

/// A KMIP server.
pub(super) struct Kmip {
    channel: Channel,
}

impl Kmip {
    pub(super) fn new(reach: &Reach) -> Result<Self, OnlineError> {
        Ok(Self { channel: Channel::new(reach)? })
    }

    fn ask(&self, call: Call, place: &str, asked: Item) -> Result<Item, OnlineError> {
        answer(call, place, &self.sent(call, asked)?)
    }

    /// The server's whole answer to one operation.
    fn sent(&self, call: Call, asked: Item) -> Result<Item, OnlineError> {
        let too_long =
            || OnlineError::Settings { provider: KMIP, what: "the message is too long".to_owned() };
        let message = request(call.operation, asked).ok_or_else(too_long)?;
        self.channel.exchange(call, &message)
    }

    fn on(&self, call: Call, id: &str) -> Result<Item, OnlineError> {
        self.ask(call, &format!("object {id}"), payload(vec![Item::text(tag::ID, id)]))
    }

    /// The symmetric keys with a name.
    fn located(&self, name: &str) -> Result<Vec<String>, OnlineError> {
        let wanted = vec![named(name), attribute("Object Type", Value::Enumeration(SYMMETRIC_OBJECT))];
        let found = self.ask(LOCATE, name, payload(wanted))?;
        let ids = found.items().iter().filter(|item| item.tag == tag::ID);
        ids.map(|item| item.text_at(&[]).map(str::to_owned).ok_or(LOCATE.nonsense("ids of objects")))
            .collect()
    }

    /// The values of an attribute of an object.
    fn attributes(&self, id: &str, name: &str) -> Result<Vec<Item>, OnlineError> {
        let asked = payload(vec![Item::text(tag::ID, id), Item::text(tag::ATTRIBUTE_NAME, name)]);
        let found = self.ask(GET_ATTRIBUTES, &format!("object {id}"), asked)?;
        let of_name = |item: &&Item| {
            item.tag == tag::ATTRIBUTE && item.text_at(&[tag::ATTRIBUTE_NAME]).is_some_and(|one| one == name)
        };
        Ok(found.items().iter().filter(of_name).cloned().collect())
    }

    /// An object's state (section 9.1.3.2.18).
    fn state(&self, id: &str) -> Result<u32, OnlineError> {
        let found = self.attributes(id, "State")?;
        let state = found.first().and_then(|one| one.enumeration_at(&[tag::ATTRIBUTE_VALUE]));
        state.ok_or(GET_ATTRIBUTES.nonsense("the object's state"))
    }

    /// An object's names.
    fn names(&self, id: &str) -> Result<Vec<String>, OnlineError> {
        let found = self.attributes(id, "Name")?;
        let name = |one: &Item| one.text_at(&[tag::ATTRIBUTE_VALUE, tag::NAME_VALUE]).map(str::to_owned);
        Ok(found.iter().filter_map(name).collect())
    }

    /// A public key, as SubjectPublicKeyInfo.
    fn public_key(&self, id: &str) -> Result<Vec<u8>, OnlineError> {
        let found = self.on(GET, id)?;
        let block = found.at(&[tag::PUBLIC_KEY, tag::KEY_BLOCK]);
        let bytes = block.and_then(|block| block.bytes_at(&[tag::KEY_VALUE, tag::KEY_MATERIAL]));
        // Key formats (section 9.1.3.2.3): PKCS#1 and X.509.
        let spki = match block.and_then(|block| block.enumeration_at(&[tag::KEY_FORMAT])) {
            Some(3) => bytes.and_then(|bytes| PublicKey::from_pkcs1(bytes).ok()),
            Some(5) => bytes.and_then(|bytes| PublicKey::from_spki(bytes).ok()),
            _ => None,
        };
        Ok(spki.ok_or(GET.nonsense("an RSA key in PKCS#1 or X.509"))?.spki().to_vec())
    }

    /// Makes a pair to wrap under; the public key's id. One that is found by a name may be anybody's, who then opens
    /// what is wrapped: a pair is made for each request, unless its id is given.
    fn pair(&self, bits: usize) -> Result<String, OnlineError> {
        let name = fresh(KMIP)?;
        let length = u32::try_from(bits).unwrap_or_default();
        let common = vec![
            attribute("Cryptographic Algorithm", Value::Enumeration(4)),
            attribute("Cryptographic Length", Value::Integer(length)),
        ];
        // It wraps (16) and unwraps (32), and nothing else.
        let usage = |mask| attribute("Cryptographic Usage Mask", Value::Integer(mask));
        let asked = vec![
            Item::structure(tag::COMMON_TEMPLATE, common),
            Item::structure(tag::PRIVATE_TEMPLATE, vec![named(&format!("{name}-private")), usage(0x20)]),
            Item::structure(tag::PUBLIC_TEMPLATE, vec![named(&name), usage(0x10)]),
        ];
        let steps = Steps::default();
        let made = steps.step(self.ask(CREATE_KEY_PAIR, &name, payload(asked)))?;
        let id = |wanted| made.text_at(&[wanted]).ok_or(CREATE_KEY_PAIR.nonsense("the ids of the pair"));
        steps.step(self.on(ACTIVATE, id(tag::PRIVATE_ID)?))?;
        steps.step(self.on(ACTIVATE, id(tag::PUBLIC_ID)?))?;
        Ok(id(tag::PUBLIC_ID)?.to_owned())
    }

    /// What an active object answers to the question of a package.
    fn answered(&self, package: &Package, id: &str) -> Result<Answer, OnlineError> {
        let file = |name| package.files().get(name).map(Vec::as_slice).unwrap_or_default();
        let place = format!("object {id}");
        let (call, parameters, wanted) = match package.request().kind() {
            // AES-CBC with PKCS#5 padding.
            KeyKind::Aes128 | KeyKind::Aes256 => (
                DECRYPT,
                vec![
                    Item::enumeration(tag::BLOCK_CIPHER_MODE, 1),
                    Item::enumeration(tag::PADDING, 3),
                    Item::enumeration(tag::ALGORITHM, 3),
                ],
                tag::DATA,
            ),
            kind => (MAC, vec![Item::enumeration(tag::ALGORITHM, hmac(kind))], tag::MAC_DATA),
        };
        let mut asked = vec![
            Item::text(tag::ID, id),
            Item::structure(tag::PARAMETERS, parameters),
            Item::bytes(tag::DATA, file("challenge.bin")),
        ];
        if call.operation == DECRYPT.operation {
            asked.push(Item::bytes(tag::IV, file("challenge-iv.bin")));
        }
        let reply = self.ask(call, &place, payload(asked))?;
        Ok(Answer::Reply(reply.bytes_at(&[wanted]).ok_or(call.nonsense("the answer's bytes"))?.to_vec()))
    }

    /// Whether an object is the package's key.
    fn is_it(&self, package: &Package, id: &str) -> Result<Option<Answer>, OnlineError> {
        match self.answered(package, id) {
            Ok(answer) => Ok(package.facts().proof.check(&answer).is_ok().then_some(answer)),
            // Another key, or a blob that was kept as it came, can't answer.
            Err(OnlineError::Refused { .. } | OnlineError::NoPlace { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Stops an object, and destroys it.
    fn destroyed(&self, id: &str) -> Result<(), OnlineError> {
        let steps = Steps::default();
        if self.state(id)? == 2 {
            steps.step(self.revoked(id))?;
        }
        steps.look(self.on(DESTROY, id)).map(drop)
    }

    fn revoked(&self, id: &str) -> Result<(), OnlineError> {
        // Cessation of operation.
        let reason =
            Item::structure(tag::REVOCATION_REASON, vec![Item::enumeration(tag::REVOCATION_CODE, 6)]);
        let asked = payload(vec![Item::text(tag::ID, id), reason]);
        self.ask(REVOKE, &format!("object {id}"), asked).map(drop)
    }

    /// The object that the log means; `None` where it has no id, and nothing has the name. What has the name alone may
    /// be anybody's.
    fn meant(&self, at: &At) -> Result<Option<String>, OnlineError> {
        if let Some(id) = &at.id {
            return Ok(Some(id.clone()));
        }
        let name = at.target.get("key").map_or("", String::as_str);
        match self.located(name)?.first() {
            None => Ok(None),
            Some(id) => Err(OnlineError::State {
                place: format!("object {id}"),
                found: format!(
                    "has the name {}, and the log has no id that says whether it is its own",
                    plain(name)
                ),
                wanted:
                    "ask the server by another client; `quorate shred … --by-hand` says how that stops it"
                        .to_owned(),
            }),
        }
    }

    /// Activates what was registered, and asks it.
    fn proven(&self, package: &Package, id: &str) -> Result<Option<Answer>, OnlineError> {
        let steps = Steps::default();
        steps.step(self.on(ACTIVATE, id))?;
        steps.look(self.is_it(package, id))
    }

    /// What an earlier run registered of this package. What isn't ours under the name is counted; what may be ours, and
    /// isn't marked so, ends it.
    fn found(
        &self,
        package: &Package,
        name: &str,
        others: &mut Vec<String>,
    ) -> Result<Option<Taken>, OnlineError> {
        for id in self.located(name)? {
            let state = self.state(&id)?;
            // Destroyed, it is none.
            if state >= 5 {
                continue;
            }
            let marks = self.marks(&id)?;
            let is_marked = marks.contains(&hex(&package.digest()));
            let answer = match state {
                // An earlier run came no further than Register.
                1 if is_marked => self.proven(package, &id)?,
                1 if marks.is_empty() => {
                    return Err(OnlineError::State {
                        place: format!("object {id}"),
                        found: format!("has the name {}, waits to be activated, and isn't marked as this package's", plain(name)),
                        wanted: "if it is somebody else's, make a request with another name; if it is an import that was broken off, destroy it there, and run this again".to_owned(),
                    });
                }
                // A key that answers as this one is this one, whoever registered it.
                2 => self.is_it(package, &id)?,
                // An import doesn't undo a stop.
                3 | 4 if is_marked => {
                    return Err(OnlineError::State {
                        place: format!("object {id}"),
                        found: "was registered from this package, and is stopped".to_owned(),
                        wanted: "KMIP has no way back from that: make a request with `--as again`, and a new package"
                            .to_owned(),
                    });
                }
                // Stopped, it can't answer.
                _ => None,
            };
            match answer {
                Some(answer) => return Ok(Some(Taken { id: Some(id), answer: Some(answer), already: true })),
                None if is_marked => {
                    return Err(OnlineError::OtherKey {
                        place: format!("object {id}"),
                        words: "it is marked as this package's, and does not answer as its key: the server keeps the key block wrapped, or somebody else marked it".to_owned(),
                    });
                }
                None => others.push(id),
            }
        }
        Ok(None)
    }
}

/// HMAC by the length of its output (section 9.1.3.2.13).
const fn hmac(kind: KeyKind) -> u32 {
    match kind {
        KeyKind::Hmac224 => 8,
        KeyKind::Hmac384 => 10,
        KeyKind::Hmac512 => 11,
        _ => 9,
    }
}

impl Service for Kmip {
    fn server(&self) -> Option<String> {
        Some(self.channel.address())
    }

    fn begin(&self, wish: &Wish) -> Result<Download, OnlineError> {
        let steps = Steps::default();
        let id = match wish.target.get("wrapping-key") {
            Some(id) => id.clone(),
            None => steps.step(self.pair(wish.bits.unwrap_or(4096)))?,
        };
        let download = Download::fetched(steps.look(self.public_key(&id))?);
        Ok(if wish.target.contains_key("wrapping-key") {
            download
        } else {
            download.with_name("wrapping-key", &id)
        })
    }

    fn import(&self, package: &Package, _: Option<&str>) -> Result<Taken, OnlineError> {
        let request = package.request();
        let name = request.field("key");
        let mut others = Vec::new();
        if let Some(taken) = self.found(package, name, &mut others)? {
            return Ok(taken);
        }
        if !others.is_empty() && request.purpose() == Purpose::Key {
            return Err(OnlineError::State {
                place: plain(name),
                found: format!("is the name of another object already ({})", plain(&others.join(", "))),
                wanted: "make a request with another name, or with `--as version`".to_owned(),
            });
        }
        let file = package.files().get("register.ttlv").map(Vec::as_slice).unwrap_or_default();
        let asked = Item::read(file).ok_or(OnlineError::Settings {
            provider: KMIP,
            what: "register.ttlv in the package is no TTLV".to_owned(),
        })?;
        let steps = Steps::default();
        let made = steps.step(self.registered(name, asked, &hex(&package.digest())))?;
        let id = made.text_at(&[tag::ID]).ok_or(REGISTER.nonsense("the new object's id"))?.to_owned();
        if let Some(answer) = steps.look(self.proven(package, &id))? {
            return Ok(Taken { id: Some(id), answer: Some(answer), already: false });
        }
        steps.look(self.destroyed(&id))?;
        Err(OnlineError::Refused {
            provider: KMIP,
            call: REGISTER.name,
            words: format!(
                "the server took the key block and keeps it wrapped: it does not unwrap RSA-OAEP; object {id} was destroyed again"
            ),
        })
    }

    fn prove(&self, package: &Package, taken: &Taken) -> Result<Answer, OnlineError> {
        self.answered(package, taken.id.as_deref().unwrap_or_default())
    }

    fn activate(&self, _: &At) -> Result<Option<String>, OnlineError> {
        // It was activated when it was imported, or it couldn't have been proven.
        Ok(None)
    }

    fn report(&self, at: &At) -> Result<Reported, OnlineError> {
        let gone = |id| Reported { id, ..Reported::bare(KeyState::Gone, "Item Not Found") };
        let Some(id) = self.meant(at)? else { return Ok(gone(None)) };
        let (state, said) = match self.state(&id) {
            Ok(1) => (KeyState::Waiting, "Pre-Active"),
            Ok(2) => (KeyState::Enabled, "Active"),
            Ok(3) => (KeyState::Disabled, "Deactivated"),
            Ok(4) => (KeyState::Disabled, "Compromised"),
            Ok(5 | 6) => return Ok(Reported { id: Some(id), ..Reported::bare(KeyState::Gone, "Destroyed") }),
            Ok(_) => return Err(GET_ATTRIBUTES.nonsense("a state of the specification")),
            Err(OnlineError::NoPlace { .. }) => return Ok(gone(Some(id))),
            Err(error) => return Err(error),
        };
        // Ids are short numbers on some servers, and another server has the same: then its name is another.
        let names = self.names(&id)?;
        let is_named = at.target.get("key").is_some_and(|name| names.contains(name));
        let shown = if is_named { id } else { format!("{id} ({})", plain(&names.join(", "))) };
        Ok(Reported { id: Some(shown), ..Reported::bare(state, said) })
    }

    fn stop(&self, at: &At, how: Stop) -> Result<Reported, OnlineError> {
        if matches!(how, Stop::Destroy { days: Some(_) }) {
            return Err(OnlineError::Settings {
                provider: KMIP,
                what: "Destroy is done at once: give no days".to_owned(),
            });
        }
        let before = self.report(at)?;
        let Some(id) = before.id.clone().filter(|_| before.state != KeyState::Gone) else {
            return Ok(before);
        };
        if Some(&id) != at.id.as_ref() {
            return Err(OnlineError::OtherKey {
                place: format!("object {id}"),
                words: "its name is another".to_owned(),
            });
        }
        let steps = Steps::default();
        match how {
            Stop::Disable if before.state == KeyState::Enabled => steps.step(self.revoked(&id))?,
            Stop::Disable => {}
            Stop::Delete | Stop::Destroy { .. } => steps.step(self.destroyed(&id))?,
        }
        steps.look(self.report(at))
    }
}
