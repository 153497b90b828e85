//! One record: who did what, when, in which phase, after which record.

use super::Head;
use super::ssh::SshFingerprint;
use super::state::CONSENT;
use crate::primitive::ed25519;
use crate::primitive::hash::sha256;
use crate::share::QuorumId;
use crate::wire::json::{Fields, Json, JsonError, object, read};
use crate::wire::text;
use crate::wire::time::Timestamp;
use core::fmt;

/// What errors call a line of the log.
const ARTEFACT: &str = "the record";
const FORMAT: &str = "quorate/v1/log";
/// What is signed begins with this line.
const DOMAIN: &[u8] = b"quorate/v1/log-record\n";
/// The field of the details that holds the quorum's signature.
const SIGNED: &str = "signature";
/// How an operator's signature begins in a line.
pub(super) const OPERATOR_SIGNATURE: &str = "\"operator_signature\":\"";
/// The longest name of an actor, in bytes.
const LONGEST_ACTOR: usize = 128;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// A quorum was founded.
    Found,
    /// New keys were generated and backed up.
    Generate,
    /// Existing keys were backed up.
    Add,
    /// A key was recovered.
    Recover,
    /// A card was checked.
    Check,
    /// A key was recovered from paper alone.
    Salvage,
    /// A key that is backed up was made to stay in its token.
    Close,
    /// A key was wrapped for a provider.
    Package,
    /// A provider took a package.
    Import,
    /// Keys were proven to be recoverable, and not released.
    Drill,
    /// A ceremony has a signed report.
    Report,
    /// A key version was stopped or destroyed in a provider.
    Shred,
    /// Somebody became an operator, no longer is one, or has another key.
    Operator,
    /// What is due when was set.
    Policy,
    /// A key version is in another state.
    State,
    /// A card was lost, or found again.
    Card,
    /// Something secret was destroyed, before witnesses.
    Destroy,
    /// No further version of a key is wanted.
    Retire,
}

impl Op {
    const ALL: [Self; 18] = [
        Self::Found,
        Self::Generate,
        Self::Add,
        Self::Recover,
        Self::Check,
        Self::Salvage,
        Self::Close,
        Self::Package,
        Self::Import,
        Self::Drill,
        Self::Report,
        Self::Shred,
        Self::Operator,
        Self::Policy,
        Self::State,
        Self::Card,
        Self::Destroy,
        Self::Retire,
    ];

    /// The word for it in a record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Generate => "generate",
            Self::Add => "add",
            Self::Recover => "recover",
            Self::Check => "check",
            Self::Salvage => "salvage",
            Self::Close => "close",
            Self::Package => "package",
            Self::Import => "import",
            Self::Drill => "drill",
            Self::Report => "report",
            Self::Shred => "shred",
            Self::Operator => "operator",
            Self::Policy => "policy",
            Self::State => "state",
            Self::Card => "card",
            Self::Destroy => "destroy",
            Self::Retire => "retire",
        }
    }
}

/// How far it went: an intent comes before anything secret, and is followed by one of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// About to be done.
    Intent,
    /// Done.
    Done,
    /// Tried, and failed.
    Failed,
    /// Given up, or found open by a later program.
    Abandoned,
}

impl Phase {
    const ALL: [Self; 4] = [Self::Intent, Self::Done, Self::Failed, Self::Abandoned];

    /// The word for it in a record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }
}

/// What a record says, without its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who: a name that the operator gave or the system knows.
    pub actor: String,
    /// What.
    pub op: Op,
    /// How far.
    pub phase: Phase,
    /// The rest, by operation; public.
    pub details: Json<'static>,
}

impl Entry {
    /// Adds a quorum's signature of [`Record::message`] to the details.
    pub fn sign(&mut self, signature: &[u8; ed25519::SIGNATURE]) {
        if let Json::Object(fields) = &mut self.details {
            fields.retain(|(name, _)| name != SIGNED);
            fields.push((SIGNED.into(), Json::text(text::base64(signature))));
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
    }
}

/// A record in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number, from 1.
    pub seq: u64,
    /// SHA-256 of the line before it; zeros for the first.
    pub prev: [u8; 32],
    /// When, by the clock of the machine that wrote it.
    pub time: Timestamp,
    /// What it says.
    pub entry: Entry,
    /// The operator's key that stands for it, in a log that has operators.
    pub signed_by: Option<SignedBy>,
}

/// The key of the operator that stands for a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBy {
    /// The key.
    pub key: SshFingerprint,
    /// The first record of the commit, when that is an earlier one: from there on the signature covers
    /// the records that have none of their own.
    pub from: Option<u64>,
    /// Its inner SSH signature of [`Record::operator_message`]; without one, that of the last record of
    /// the same commit covers this one too.
    pub signature: Option<Vec<u8>>,
}

/// Why a line is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Longer than a line may be.
    #[error("the line is longer than {} bytes", super::LONGEST_LINE)]
    TooLong,
    /// Not canonical JSON, or not the fields of a record.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// An operation or format of a later program.
    #[error("the record was written by a later version of the program ({found}): use that one")]
    Later {
        /// What isn't known, cut to 40 characters.
        found: String,
    },
}

impl Record {
    /// The record that continues a log whose last record is `head`.
    #[must_use]
    pub const fn after(head: Head, time: Timestamp, entry: Entry) -> Self {
        Self { seq: head.seq.saturating_add(1), prev: head.hash, time, entry, signed_by: None }
    }

    /// The line, with its line end.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        let signature = self.signed_by.as_ref().and_then(|signed| signed.signature.as_deref());
        let mut line = object([
            ("actor", Some(Json::text(&*self.entry.actor))),
            ("details", Some(self.entry.details.by_ref())),
            ("format", Some(Json::text(FORMAT))),
            ("op", Some(Json::text(self.entry.op.name()))),
            ("operator", self.signed_by.as_ref().map(|signed| Json::text(signed.key.to_string()))),
            ("operator_from", self.signed_by.as_ref().and_then(|signed| signed.from).map(Json::Number)),
            ("operator_signature", signature.map(|signature| Json::text(text::base64(signature)))),
            ("phase", Some(Json::text(self.entry.phase.name()))),
            ("prev", Some(Json::text(text::hex(&self.prev)))),
            ("seq", Some(Json::Number(self.seq))),
            ("time", Some(Json::text(self.time.to_string()))),
        ])
        .bytes();
        line.push(b'\n');
        line
    }

    /// The place in the log that this record is the last of.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { seq: self.seq, hash: sha256(&[&self.line()]) }
    }

    /// What a quorum that met for this record signs: all of it but the signatures and what they cover,
    /// and so, through `prev`, all of the log before it.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        [DOMAIN, &self.without(SIGNED).line()].concat()
    }

    /// What the operator's key signs: the line without that signature. Where the commit begins is in it:
    /// else a stranger's line could be put into the same file, and be covered.
    #[must_use]
    pub fn operator_message(&self) -> Vec<u8> {
        let mut unsigned = self.clone();
        if let Some(signed) = &mut unsigned.signed_by {
            signed.signature = None;
        }
        unsigned.line()
    }

    /// What a new key signs that agrees to take an old one's place: the line without both signatures.
    #[must_use]
    pub fn consent_message(&self) -> Vec<u8> {
        self.without(CONSENT).line()
    }

    /// The record as it is before its operator signs the commit, and without a field of its details.
    fn without(&self, field: &str) -> Self {
        let mut without = self.clone();
        if let Json::Object(fields) = &mut without.entry.details {
            fields.retain(|(name, _)| name != field);
        }
        if let Some(signed) = &mut without.signed_by {
            (signed.from, signed.signature) = (None, None);
        }
        without
    }

    /// The quorum that met for this record, and its signature of [`Self::message`].
    #[must_use]
    pub fn signed(&self) -> Option<(QuorumId, [u8; ed25519::SIGNATURE])> {
        let mut fields = Fields::of(ARTEFACT, self.entry.details.by_ref()).ok()?;
        let quorum = fields.parsed("quorum", QuorumId::from_text).ok()?;
        let signature = fields.parsed(SIGNED, |text| text::from_base64(text)?.try_into().ok()).ok()?;
        Some((quorum, signature))
    }

    /// Reads a line with its line end.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn read(line: &[u8]) -> Result<Self, RecordError> {
        if line.len() > super::LONGEST_LINE {
            return Err(RecordError::TooLong);
        }
        let mut fields = Fields::of(ARTEFACT, read(ARTEFACT, line.strip_suffix(b"\n").unwrap_or(line))?)?;
        let later = |found: &str| RecordError::Later { found: found.chars().take(40).collect() };
        let format = fields.text("format")?;
        if format != FORMAT {
            return Err(later(&format));
        }
        let op = fields.text("op")?;
        let op = Op::ALL.into_iter().find(|known| known.name() == op).ok_or_else(|| later(&op))?;
        let phase =
            fields.parsed("phase", |text| Phase::ALL.into_iter().find(|known| known.name() == text))?;
        let actor = fields.parsed("actor", |text| is_actor(text).then(|| text.to_owned()))?;
        let details = match fields.value("details")? {
            details @ Json::Object(_) => details.into_owned(),
            _ => return Err(fields.refuse("details").into()),
        };
        let signature = match fields.optional_text("operator_signature")? {
            None => None,
            Some(text) => Some(text::from_base64(&text).ok_or_else(|| fields.refuse("operator_signature"))?),
        };
        let prev = fields.parsed("prev", text::array_from_hex)?;
        let seq = fields.number("seq")?;
        let from = fields.optional_number("operator_from")?;
        // A commit that begins nowhere or behind its end, and one that nobody signs.
        if from.is_some_and(|from| signature.is_none() || from == 0 || from >= seq) {
            return Err(fields.refuse("operator_from").into());
        }
        let signed_by = match fields.optional_text("operator")? {
            // A signature without a signer.
            None if signature.is_some() => return Err(fields.refuse("operator_signature").into()),
            None => None,
            Some(text) => {
                let key = SshFingerprint::parse(&text).ok_or_else(|| fields.refuse("operator"))?;
                Some(SignedBy { key, from, signature })
            }
        };
        let time = fields.parsed("time", |text| text.parse::<Timestamp>().ok())?;
        fields.finish()?;
        Ok(Self { seq, prev, time, entry: Entry { actor, op, phase, details }, signed_by })
    }
}

/// Whether a name can stand in the log as an actor: printable, not empty, not long.
#[must_use]
pub fn is_actor(name: &str) -> bool {
    !name.trim().is_empty() && name.len() <= LONGEST_ACTOR && !name.chars().any(char::is_control)
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
