//! The quorum's record: everything public about it, signed by itself.
//!
//! Canonical JSON. The id certifies the signing key (it is its hash), the signature certifies the
//! rest; so a card, which carries the id, tells the true record from a forged one without any other
//! authority. `docs/format.md`, Quorum record.

use super::Quorum;
use crate::age::Recipient;
use crate::primitive::ed25519::{self, SIGNATURE, verify};
use crate::primitive::hash::sha256;
use crate::share::{Commitments, CommitmentsError, QuorumId, Scheme};
use crate::wire::json::{Fields, Json, JsonError, object, read};
use crate::wire::text;
use crate::wire::time::Timestamp;

const ARTEFACT: &str = "the quorum record";
const FORMAT: &str = "quorate/v1/quorum";
const KIND: &str = "shares";
/// What is signed begins with this line.
const DOMAIN: &[u8] = b"quorate/v1/quorum-record\n";
/// The longest record in bytes: 255 custodians with long names.
pub(super) const LONGEST: u64 = 256 * 1024;
/// The seals that a custodian's card can have.
const SEALS: [&str; 3] = ["passphrase", "age", "open"];
/// The longest name, role or organisation in bytes.
const LONGEST_NAME: usize = 100;

/// One custodian and the card that was made for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custodian {
    /// A name, unique in the quorum.
    pub name: String,
    /// A role, when one was given.
    pub role: Option<String>,
    /// How the card is sealed: `passphrase`, `age` or `open`.
    pub seal: &'static str,
    /// SHA-256 of the card's bytes.
    pub card: [u8; 32],
}

/// What a quorum agrees on when its record is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The number of this set of cards, from 1.
    pub generation: u16,
    /// When it was made.
    pub created: Timestamp,
    /// Whose keys it keeps.
    pub organisation: Option<String>,
    /// The custodians of shares 1 to N, in order.
    pub custodians: Vec<Custodian>,
    /// SHA-256 of the record that this one follows.
    pub predecessor: Option<[u8; 32]>,
}

/// A quorum's record, signature checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuorumRecord {
    id: QuorumId,
    signer: [u8; ed25519::KEY],
    recipient: Recipient,
    commitments: Commitments,
    terms: Terms,
    bytes: Vec<u8>,
}

/// Why bytes are not a quorum's record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Not canonical JSON, or not the fields of a record.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A format or kind of a later version.
    #[error("the quorum record was written by a later version of the program: use that one")]
    Later,
    /// The commitments aren't those of a deal.
    #[error(transparent)]
    Commitments(#[from] CommitmentsError),
    /// The id isn't that of the signing key.
    #[error("the quorum record's id does not belong to its signing key: the record is forged or damaged")]
    Id,
    /// The signature isn't that of the rest.
    #[error("the quorum record's signature does not fit it: the record is forged or damaged")]
    Signature,
    /// A name that can't stand in a record.
    #[error(
        "{name:?} can't stand in a quorum record: names are unique, not empty, printable, and at most 100 bytes"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A role, or the name of an organisation, that can't stand in a record.
    #[error(
        "the {what} {text:?} can't stand in a quorum record: use at most 100 bytes of printable text, with no blank at its ends"
    )]
    Text {
        /// What it is.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// Two custodians of one name.
    #[error(
        "the custodians {other:?} and {name:?} have one name, for capitals don't tell names apart: choose another for one of them"
    )]
    NameTwice {
        /// The name.
        name: String,
        /// The same, as it stood before.
        other: String,
    },
    /// Another number of custodians than shares.
    #[error("the quorum record names {found} custodians for {wanted} shares")]
    Custodians {
        /// The number of shares.
        wanted: u8,
        /// The number of custodians.
        found: usize,
    },
}

impl QuorumRecord {
    /// The record of a quorum that is present, signed by it.
    ///
    /// # Errors
    /// [`RecordError`], for terms that no reader would take.
    pub fn sign(quorum: &Quorum, commitments: &Commitments, terms: Terms) -> Result<Self, RecordError> {
        check_terms(&terms, commitments.scheme())?;
        let unsigned = body(quorum, commitments, &terms);
        let signature = quorum.sign(&message(&unsigned));
        let mut fields = unsigned;
        fields.push(("signature", Json::text(text::base64(&signature))));
        let bytes = into_object(fields).bytes();
        Ok(Self {
            id: quorum.id(),
            signer: quorum.signer(),
            recipient: quorum.recipient().clone(),
            commitments: commitments.clone(),
            terms,
            bytes,
        })
    }

    /// Reads a record and checks its signature, its id and every point.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        if u64::try_from(bytes.len()).map_or(true, |length| length > LONGEST) {
            return Err(JsonError::Syntax { artefact: ARTEFACT, at: bytes.len() }.into());
        }
        let value = read(ARTEFACT, bytes)?;
        let Json::Object(all) = &value else {
            return Err(JsonError::Syntax { artefact: ARTEFACT, at: 0 }.into());
        };
        let unsigned = Json::Object(all.iter().filter(|(name, _)| name != "signature").cloned().collect());
        let mut fields = Fields::of(ARTEFACT, value.clone())?;
        if fields.text("format")? != FORMAT || fields.text("kind")? != KIND {
            return Err(RecordError::Later);
        }
        let id = fields.parsed("id", QuorumId::from_text)?;
        let signer = fields.parsed("signer", |text| text::from_base64(text)?.try_into().ok())?;
        if QuorumId::of_signer(&signer) != id {
            return Err(RecordError::Id);
        }
        let signature: [u8; SIGNATURE] =
            fields.parsed("signature", |text| text::from_base64(text)?.try_into().ok())?;
        if !verify(&signer, &[DOMAIN, &unsigned.bytes()].concat(), &signature) {
            return Err(RecordError::Signature);
        }
        let recipient = fields.parsed("recipient", |text| text.parse().ok())?;
        let threshold = fields.number::<u8>("threshold")?;
        let custodians = custodians(&mut fields)?;
        let scheme =
            Scheme::new(threshold.into(), custodians.len()).map_err(|_| fields.refuse("threshold"))?;
        let point = |item: Json<'_>| match item {
            Json::Text(text) => text::from_base64(&text)?.try_into().ok(),
            _ => None,
        };
        let points: Option<Vec<_>> = fields.list("commitments")?.into_iter().map(point).collect();
        let commitments = Commitments::read(scheme, &points.ok_or_else(|| fields.refuse("commitments"))?)?;
        let predecessor = match fields.optional_text("predecessor")? {
            None => None,
            Some(text) => Some(text::array_from_hex(&text).ok_or_else(|| fields.refuse("predecessor"))?),
        };
        let terms = Terms {
            generation: fields.number("generation")?,
            created: fields.parsed("created", |text| text.parse::<Timestamp>().ok())?,
            organisation: fields.optional_text("organisation")?.map(std::borrow::Cow::into_owned),
            custodians,
            predecessor,
        };
        fields.finish()?;
        check_terms(&terms, scheme)?;
        Ok(Self { id, signer, recipient, commitments, terms, bytes: bytes.to_vec() })
    }

    /// The canonical bytes, as stored.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the canonical bytes.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sha256(&[&self.bytes])
    }

    /// The quorum's id.
    #[must_use]
    pub const fn id(&self) -> QuorumId {
        self.id
    }

    /// M of N.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.commitments.scheme()
    }

    /// Whom backups are encrypted to.
    #[must_use]
    pub const fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// What checks a share.
    #[must_use]
    pub const fn commitments(&self) -> &Commitments {
        &self.commitments
    }

    /// Generation, custodians and the rest.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The custodian of share `index`, from 1.
    #[must_use]
    pub fn custodian(&self, index: u8) -> Option<&Custodian> {
        self.terms.custodians.get(usize::from(index).checked_sub(1)?)
    }

    /// Whether the quorum signed `message`.
    #[must_use]
    pub fn has_signed(&self, message: &[u8], signature: &[u8; SIGNATURE]) -> bool {
        verify(&self.signer, message, signature)
    }
}

type Body = Vec<(&'static str, Json<'static>)>;

fn body(quorum: &Quorum, commitments: &Commitments, terms: &Terms) -> Body {
    let custodian = |(index, custodian): (u64, &Custodian)| {
        object([
            ("card", Some(Json::text(text::hex(&custodian.card)))),
            ("index", Some(Json::Number(index))),
            ("name", Some(Json::text(custodian.name.clone()))),
            ("role", custodian.role.clone().map(Json::text)),
            ("seal", Some(Json::text(custodian.seal))),
        ])
    };
    let points = commitments.encode().iter().map(|point| Json::text(text::base64(point))).collect();
    let mut fields = vec![
        ("commitments", Json::List(points)),
        ("created", Json::text(terms.created.to_string())),
        ("custodians", Json::List((1..).zip(&terms.custodians).map(custodian).collect())),
        ("format", Json::text(FORMAT)),
        ("generation", Json::Number(terms.generation.into())),
        ("id", Json::text(quorum.id().text())),
        ("kind", Json::text(KIND)),
        ("recipient", Json::text(quorum.recipient().to_string())),
        ("signer", Json::text(text::base64(&quorum.signer()))),
        ("threshold", Json::Number(commitments.scheme().threshold().into())),
    ];
    fields.extend(terms.organisation.clone().map(|name| ("organisation", Json::text(name))));
    fields.extend(terms.predecessor.map(|digest| ("predecessor", Json::text(text::hex(&digest)))));
    fields
}

fn into_object(mut fields: Body) -> Json<'static> {
    fields.sort_by_key(|(name, _)| *name);
    Json::Object(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

fn message(body: &Body) -> Vec<u8> {
    [DOMAIN, &into_object(body.clone()).bytes()].concat()
}

fn custodians(fields: &mut Fields<'_>) -> Result<Vec<Custodian>, RecordError> {
    let mut custodians = Vec::new();
    for (wanted, item) in (1_u64..).zip(fields.list("custodians")?) {
        let mut one = Fields::of(ARTEFACT, item)?;
        if one.number::<u64>("index")? != wanted {
            return Err(one.refuse("index").into());
        }
        custodians.push(Custodian {
            name: one.text("name")?.into_owned(),
            role: one.optional_text("role")?.map(std::borrow::Cow::into_owned),
            seal: one.parsed("seal", |text| SEALS.into_iter().find(|kind| *kind == text))?,
            card: one.parsed("card", text::array_from_hex)?,
        });
        one.finish()?;
    }
    Ok(custodians)
}

fn check_terms(terms: &Terms, scheme: Scheme) -> Result<(), RecordError> {
    let refuse = |field| Err(JsonError::Value { artefact: ARTEFACT, field }.into());
    if terms.generation == 0 {
        return refuse("generation");
    }
    if terms.custodians.iter().any(|custodian| !SEALS.contains(&custodian.seal)) {
        return refuse("seal");
    }
    if terms.custodians.len() != usize::from(scheme.count()) {
        return Err(RecordError::Custodians { wanted: scheme.count(), found: terms.custodians.len() });
    }
    let names = terms.custodians.iter().map(|custodian| (custodian.name.as_str(), custodian.role.as_deref()));
    check_names(names, terms.organisation.as_deref())
}

/// Whether these names and roles of custodians, and this organisation, can stand in a record.
///
/// # Errors
/// [`RecordError::Name`] or [`RecordError::Text`] with the first that can't, [`RecordError::NameTwice`].
pub fn check_names<'a>(
    custodians: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    organisation: Option<&'a str>,
) -> Result<(), RecordError> {
    let refuse = |what, text: &str| Err(RecordError::Text { what, text: text.to_owned() });
    let mut seen = std::collections::BTreeMap::new();
    for (name, role) in custodians {
        if !is_printable(name) {
            return Err(RecordError::Name { name: name.to_owned() });
        }
        if let Some(other) = seen.insert(name.to_lowercase(), name) {
            return Err(RecordError::NameTwice { name: name.to_owned(), other: other.to_owned() });
        }
        if let Some(role) = role.filter(|role| !is_printable(role)) {
            return refuse("role", role);
        }
    }
    organisation.filter(|name| !is_printable(name)).map_or(Ok(()), |name| refuse("organisation", name))
}

fn is_printable(name: &str) -> bool {
    name.trim() == name
        && !name.is_empty()
        && name.len() <= LONGEST_NAME
        && !name.chars().any(char::is_control)
}
