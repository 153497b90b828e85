//! A KMIP server over mutual TLS: Register of a wrapped key block, Activate, and proof that it was unwrapped.
//!
//! A server may keep a wrapped key block as it came and never unwrap it: KMIP lets it. So a key that was registered is
//! activated and asked at once for what only the key gives; if it doesn't, it is revoked and destroyed again, and
//! that is an error. A key is found by its name, so a run whose reply was lost finds what it registered. Register of
//! a plain key inside TLS is not here: the connected machine would have the key. Operations are of KMIP 1.4.

use super::call::Steps;
use super::error::plain;
use super::{At, KeyState, OnlineError, Reach, Reported, Service, Stop, Taken, Wish};
use crate::key::{KeyKind, PublicKey};
use crate::provider::{Answer, Download, Package, ProofKind, Provider, Purpose};
use crate::wire::ttlv::{Item, Value};
use channel::Channel;
use message::{answer, attribute, named, payload, request, tag};

mod channel;
mod message;

const KMIP: Provider = Provider::Kmip;
/// The name of a pair that is made when none is named; its size stands behind it.
const PAIR: &str = "quorate-wrapping";

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

/// Object types (section 9.1.3.2.12).
const PUBLIC_OBJECT: u32 = 3;
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
        let too_long =
            || OnlineError::Settings { provider: KMIP, what: "the message is too long".to_owned() };
        let message = request(call.operation, asked).ok_or_else(too_long)?;
        answer(call, place, &self.channel.exchange(call, &message)?)
    }

    fn on(&self, call: Call, id: &str) -> Result<Item, OnlineError> {
        self.ask(call, &format!("object {id}"), payload(vec![Item::text(tag::ID, id)]))
    }

    /// The objects of a type with a name.
    fn located(&self, name: &str, object: u32) -> Result<Vec<String>, OnlineError> {
        let wanted = vec![named(name), attribute("Object Type", Value::Enumeration(object))];
        let found = self.ask(LOCATE, name, payload(wanted))?;
        let ids = found.items().iter().filter(|item| item.tag == tag::ID);
        ids.map(|item| item.text_at(&[]).map(str::to_owned).ok_or(LOCATE.nonsense("ids of objects")))
            .collect()
    }

    /// An object's state (section 9.1.3.2.18).
    fn state(&self, id: &str) -> Result<u32, OnlineError> {
        let asked = payload(vec![Item::text(tag::ID, id), Item::text(tag::ATTRIBUTE_NAME, "State")]);
        let found = self.ask(GET_ATTRIBUTES, &format!("object {id}"), asked)?;
        found
            .enumeration_at(&[tag::ATTRIBUTE, tag::ATTRIBUTE_VALUE])
            .ok_or(GET_ATTRIBUTES.nonsense("the object's state"))
    }

    /// That an object has the name of the log's key: ids are short numbers on some servers, and another server has
    /// the same.
    fn has_name(&self, id: &str, name: &str) -> Result<(), OnlineError> {
        let asked = payload(vec![Item::text(tag::ID, id), Item::text(tag::ATTRIBUTE_NAME, "Name")]);
        let place = format!("object {id}");
        let found = self.ask(GET_ATTRIBUTES, &place, asked)?;
        let inside = [tag::ATTRIBUTE_VALUE, tag::NAME_VALUE];
        let attributes = found.items().iter().filter(|item| item.tag == tag::ATTRIBUTE);
        let names: Vec<&str> = attributes.filter_map(|one| one.text_at(&inside)).collect();
        if names.contains(&name) {
            return Ok(());
        }
        let words = format!("its name is {}", plain(&names.join(", ")));
        Err(OnlineError::OtherKey { place, words })
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

    /// Makes a pair to wrap under; the public key's id.
    fn pair(&self, bits: usize) -> Result<String, OnlineError> {
        let name = format!("{PAIR}-{bits}");
        let mut found = self.located(&name, PUBLIC_OBJECT)?;
        if let (Some(id), true) = (found.pop(), found.is_empty()) {
            return Ok(id);
        }
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
        let made = self.ask(CREATE_KEY_PAIR, &name, payload(asked))?;
        let id = |wanted| made.text_at(&[wanted]).ok_or(CREATE_KEY_PAIR.nonsense("the ids of the pair"));
        self.on(ACTIVATE, id(tag::PRIVATE_ID)?)?;
        self.on(ACTIVATE, id(tag::PUBLIC_ID)?)?;
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

    /// The object that the log means.
    fn meant(&self, at: &At) -> Result<String, OnlineError> {
        if let Some(id) = &at.id {
            return Ok(id.clone());
        }
        let name = at.target.get("key").map_or("", String::as_str);
        let mut found = self.located(name, SYMMETRIC_OBJECT)?;
        match (found.pop(), found.is_empty()) {
            (Some(id), true) => Ok(id),
            (None, _) => Err(OnlineError::NoPlace { provider: KMIP, place: name.to_owned() }),
            _ => Err(OnlineError::State {
                place: name.to_owned(),
                found: "is the name of several objects".to_owned(),
                wanted: "import it by `quorate import finish`, which notes the object".to_owned(),
            }),
        }
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
    fn begin(&self, wish: &Wish) -> Result<Download, OnlineError> {
        let id = match wish.target.get("wrapping-key") {
            Some(id) => id.clone(),
            None => self.pair(wish.bits.unwrap_or(4096))?,
        };
        let download = Download::fetched(self.public_key(&id)?);
        Ok(if wish.target.contains_key("wrapping-key") {
            download
        } else {
            download.with_name("wrapping-key", &id)
        })
    }

    fn import(&self, package: &Package, _: Option<&str>) -> Result<Taken, OnlineError> {
        let request = package.request();
        let name = request.field("key");
        let mut others = 0_usize;
        for id in self.located(name, SYMMETRIC_OBJECT)? {
            match self.state(&id)? {
                // An earlier run came no further than Register.
                1 => drop(self.on(ACTIVATE, &id)?),
                2 => {}
                // Stopped, it can't answer; destroyed, it is none.
                state => {
                    others = others.saturating_add(usize::from(state < 5));
                    continue;
                }
            }
            if let Some(answer) = self.is_it(package, &id)? {
                return Ok(Taken { id: Some(id), answer: Some(answer), already: true });
            }
            others = others.saturating_add(1);
        }
        if others > 0 && request.purpose() == Purpose::Key {
            return Err(OnlineError::State {
                place: name.to_owned(),
                found: "is the name of another object already".to_owned(),
                wanted: "make a request with another name, or with `--as version`".to_owned(),
            });
        }
        let file = package.files().get("register.ttlv").map(Vec::as_slice).unwrap_or_default();
        let asked = Item::read(file).ok_or(OnlineError::Settings {
            provider: KMIP,
            what: "register.ttlv in the package is no TTLV".to_owned(),
        })?;
        let made = self.ask(REGISTER, name, asked)?;
        let id = made.text_at(&[tag::ID]).ok_or(REGISTER.nonsense("the new object's id"))?.to_owned();
        self.on(ACTIVATE, &id)?;
        if let Some(answer) = self.is_it(package, &id)? {
            return Ok(Taken { id: Some(id), answer: Some(answer), already: false });
        }
        self.destroyed(&id)?;
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
        let id = match self.meant(at) {
            Err(OnlineError::NoPlace { .. }) => return Ok(gone(None)),
            other => other?,
        };
        let (state, said) = match self.state(&id) {
            Ok(1) => (KeyState::Waiting, "Pre-Active"),
            Ok(2) => (KeyState::Enabled, "Active"),
            Ok(3) => (KeyState::Disabled, "Deactivated"),
            Ok(4) => (KeyState::Disabled, "Compromised"),
            Ok(5 | 6) => (KeyState::Gone, "Destroyed"),
            Ok(_) => return Err(GET_ATTRIBUTES.nonsense("a state of the specification")),
            Err(OnlineError::NoPlace { .. }) => return Ok(gone(Some(id))),
            Err(error) => return Err(error),
        };
        let evidence = (at.proof == ProofKind::Statement).then(|| id.clone());
        Ok(Reported { id: Some(id), evidence, ..Reported::bare(state, said) })
    }

    fn stop(&self, at: &At, how: Stop) -> Result<Reported, OnlineError> {
        let before = self.report(at)?;
        let Some(id) = before.id.clone().filter(|_| before.state != KeyState::Gone) else {
            return Ok(before);
        };
        self.has_name(&id, at.target.get("key").map_or("", String::as_str))?;
        let steps = Steps::default();
        match how {
            Stop::Destroy { days: Some(_) } => {
                return Err(OnlineError::Settings {
                    provider: KMIP,
                    what: "Destroy is done at once: give no days".to_owned(),
                });
            }
            Stop::Disable if before.state == KeyState::Enabled => steps.step(self.revoked(&id))?,
            Stop::Disable => {}
            Stop::Delete | Stop::Destroy { days: None } => steps.step(self.destroyed(&id))?,
        }
        steps.look(self.report(&At { id: Some(id), ..at.clone() }))
    }
}
