//! The report of a ceremony: who met, when, for what, with which cards and keys, and how it ended.
//!
//! Canonical JSON, signed by the quorum while it is present (Ed25519, with a domain of its own), between
//! two checkpoints of the log. Behind the record that ends the ceremony the log gets one with the
//! report's SHA-256, so that a report is judged by both: [`Signed::read`] and [`Signed::verify`] by its
//! signature, [`Signed::is_in`] by the log. A ceremony without a quorum has nobody who could sign.
//! `docs/format.md`, Reports.
//!
//! Names, roles and numbers come from people and prove nothing of themselves; what they were signed with
//! does. Nothing secret is ever in a report.

use super::escrow::Escrow;
use crate::key::{Fingerprint, Label};
use crate::log::{Checkpoint, CheckpointError, CommitError, Log, LogError, Op, Phase, ReportEntry, Reported};
use crate::primitive::ed25519::SIGNATURE;
use crate::primitive::hash::sha256;
use crate::quorum::{Quorum, QuorumRecord};
use crate::share::QuorumId;
use crate::wire::json::JsonError;
use crate::wire::time::Timestamp;
use core::convert::Infallible;
use core::num::NonZeroU32;

mod form;

/// The longest report in bytes.
pub const LONGEST: usize = 1 << 20;
/// The longest text in it in bytes.
pub const LONGEST_TEXT: usize = 1000;
/// The most entries of one list; of more keys than that, the others are counted only.
pub const MOST: usize = 1000;

/// What a ceremony was.
pub use crate::log::ReportOf as Kind;

/// Somebody who was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their name.
    pub name: String,
    /// What they were there for: `operator`, `custodian`, `witness`, or with more words.
    pub role: String,
}

/// Something that took its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub name: String,
    /// When it ended.
    pub time: Timestamp,
    /// How long it took.
    pub milliseconds: u64,
    /// Who says that it was done, and what they said.
    pub signed_off: Option<String>,
}

/// A card that was used, or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its share.
    pub index: u8,
    /// Whose it is.
    pub custodian: String,
    /// Its verification code.
    pub verification: String,
    /// The number of its envelope.
    pub envelope: Option<String>,
}

/// A key version that the ceremony was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: Label,
    /// Its version.
    pub version: NonZeroU32,
    /// The fingerprint that the log says.
    pub fingerprint: Fingerprint,
    /// What became of it: `matched`, or why not.
    pub outcome: String,
}

/// Something that is due next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// What.
    pub name: String,
    /// When, at the latest.
    pub time: Timestamp,
}

/// What a report says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What the ceremony was.
    pub kind: Kind,
    /// The quorum that met.
    pub quorum: QuorumId,
    /// The generation of its cards.
    pub generation: u16,
    /// M and N.
    pub scheme: (u8, u8),
    /// Whose keys.
    pub organisation: Option<String>,
    /// What the ceremony was held for.
    pub purpose: Option<String>,
    /// When the report was made.
    pub time: Timestamp,
    /// Name and version of the program.
    pub program: String,
    /// SHA-256 of its file, as far as it could be read.
    pub binary: Option<[u8; 32]>,
    /// Who was there.
    pub people: Vec<Person>,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// The cards.
    pub cards: Vec<Card>,
    /// The keys, the first [`MOST`] of them.
    pub keys: Vec<Key>,
    /// How many keys there were.
    pub count: u64,
    /// How many of them are not as they should be.
    pub failures: u64,
    /// What was not as planned.
    pub exceptions: Vec<String>,
    /// The log's head when the ceremony began.
    pub before: Checkpoint,
    /// The record that ended the ceremony.
    pub after: Checkpoint,
    /// What is due next.
    pub due: Vec<Due>,
}

/// A report with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    report: Report,
    bytes: Vec<u8>,
    message: Vec<u8>,
    signature: [u8; SIGNATURE],
}

/// Why a report is none, or isn't what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Longer than a report may be.
    #[error("the report is longer than {LONGEST} bytes")]
    TooLong,
    /// Not canonical JSON, or not the fields of a report.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A format of a later program.
    #[error("the report was written by a later version of the program: use that one")]
    Later,
    /// It has no signature.
    #[error("the report is not signed: anybody can have written it")]
    Unsigned,
    /// Of another quorum.
    #[error("the report is of quorum {found}, and this escrow has quorum {wanted}")]
    OtherQuorum {
        /// The report's.
        found: QuorumId,
        /// The escrow's.
        wanted: QuorumId,
    },
    /// Its signature is not the quorum's.
    #[error("the signature of the report is not that of quorum {quorum}: it was altered, or forged")]
    Signature {
        /// The quorum.
        quorum: QuorumId,
    },
    /// The log has no record of it.
    #[error("the log has no record of this report: it is of another copy of the escrow, or the log was cut")]
    NotInLog,
    /// The log's record of it is of another ceremony.
    #[error("record {seq} of the log has this report's SHA-256, and names another ceremony than the report")]
    OtherCeremony {
        /// The record.
        seq: u64,
    },
    /// A checkpoint in it doesn't fit the log.
    #[error("the report's checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A text or a list that a report can't hold.
    #[error("{field} does not fit in a report: {why}")]
    Unfit {
        /// What.
        field: &'static str,
        /// Why not.
        why: &'static str,
    },
}

impl Report {
    /// The report, signed by the quorum that is present.
    ///
    /// # Errors
    /// [`ReportError::Unfit`], [`ReportError::TooLong`]; for what no reader would take.
    pub fn sign(self, quorum: &Quorum) -> Result<Signed, ReportError> {
        self.is_fit()?;
        let message = form::message(&self);
        let signature = quorum.sign(&message);
        let bytes = form::bytes(&self, &signature);
        if bytes.len() > LONGEST {
            return Err(ReportError::TooLong);
        }
        Ok(Signed { report: self, bytes, message, signature })
    }

    /// Whether every text and list is one that a reader takes.
    ///
    /// # Errors
    /// [`ReportError::Unfit`].
    pub fn is_fit(&self) -> Result<(), ReportError> {
        let lists = [
            ("the list of people", self.people.len()),
            ("the list of steps", self.steps.len()),
            ("the list of cards", self.cards.len()),
            ("the list of keys", self.keys.len()),
            ("the list of exceptions", self.exceptions.len()),
            ("the list of what is due", self.due.len()),
        ];
        if let Some((field, _)) = lists.into_iter().find(|(_, length)| *length > MOST) {
            return Err(ReportError::Unfit { field, why: "it is too long" });
        }
        let own = [&self.organisation, &self.purpose].into_iter().flatten().map(|text| ("the purpose", text));
        let people = self.people.iter().flat_map(|one| [("a name", &one.name), ("a role", &one.role)]);
        let steps = self.steps.iter().flat_map(|one| {
            [Some(&one.name), one.signed_off.as_ref()].into_iter().flatten().map(|text| ("a step", text))
        });
        let cards = self.cards.iter().flat_map(|one| {
            let texts = [Some(&one.custodian), Some(&one.verification), one.envelope.as_ref()];
            texts.into_iter().flatten().map(|text| ("a card's envelope", text))
        });
        let keys = self.keys.iter().map(|one| ("a key's outcome", &one.outcome));
        let rest = self.exceptions.iter().map(|text| ("an exception", text));
        let due = self.due.iter().map(|one| ("what is due", &one.name));
        let program = [("the program", &self.program)];
        let all =
            own.chain(people).chain(steps).chain(cards).chain(keys).chain(rest).chain(due).chain(program);
        for (field, text) in all {
            if let Some(why) = form::refused(text) {
                return Err(ReportError::Unfit { field, why });
            }
        }
        Ok(())
    }
}

impl Signed {
    /// Reads a report. Its signature is there, and not looked at yet.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn read(bytes: &[u8]) -> Result<Self, ReportError> {
        let (report, signature) = form::read(bytes)?;
        Ok(Self { message: form::message(&report), bytes: bytes.to_vec(), report, signature })
    }

    /// What it says.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of its bytes.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        sha256(&[&self.bytes])
    }

    /// Its signature.
    #[must_use]
    pub const fn signature(&self) -> &[u8; SIGNATURE] {
        &self.signature
    }

    /// Whether the quorum of `record` has signed it.
    ///
    /// # Errors
    /// [`ReportError::OtherQuorum`], [`ReportError::Signature`].
    pub fn verify(&self, record: &QuorumRecord) -> Result<(), ReportError> {
        let (found, wanted) = (self.report.quorum, record.id());
        if found != wanted {
            return Err(ReportError::OtherQuorum { found, wanted });
        }
        if record.has_signed(&self.message, &self.signature) {
            Ok(())
        } else {
            Err(ReportError::Signature { quorum: wanted })
        }
    }

    /// Whether the log of `escrow` knows it and holds both its checkpoints; the seq of its record.
    ///
    /// # Errors
    /// [`ReportError::NotInLog`], [`ReportError::Checkpoint`], [`ReportError::Log`].
    pub fn is_in(&self, escrow: &Escrow<'_>) -> Result<u64, ReportError> {
        // First, since they tell a rollback from a report that was never there.
        for checkpoint in [&self.report.before, &self.report.after] {
            Log::holds(escrow.store(), checkpoint)??;
        }
        let digest = self.digest();
        let reports = escrow.state().reports();
        let entry = reports.iter().find(|entry| entry.reported.digest == digest);
        let ReportEntry { reported, seq, .. } = entry.ok_or(ReportError::NotInLog)?;
        let Report { kind, quorum, after, .. } = &self.report;
        if (reported.kind, reported.quorum, reported.ended) == (*kind, *quorum, after.seq()) {
            Ok(*seq)
        } else {
            Err(ReportError::OtherCeremony { seq: *seq })
        }
    }

    /// Logs that there is this report, and perhaps a paper with the same content; signed by the quorum.
    ///
    /// # Errors
    /// [`CommitError`].
    pub fn record(
        &self,
        escrow: &mut Escrow<'_>,
        quorum: &Quorum,
        paper: Option<[u8; 32]>,
    ) -> Result<Checkpoint, CommitError<Infallible>> {
        let reported = Reported {
            kind: self.report.kind,
            quorum: self.report.quorum,
            ended: self.report.after.seq(),
            digest: self.digest(),
            paper,
        };
        escrow.record_signed(Op::Report, Phase::Done, &reported.details(), quorum)
    }
}
