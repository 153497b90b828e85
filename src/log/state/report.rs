//! The details of a `report` record: that a ceremony has a signed report, and its SHA-256.
//!
//! The report itself lies elsewhere, with the paper that people signed. The log changes nothing because of
//! it; it tells a report that was made from one that was not.

use super::details::signature;
use super::{About, Fields, Json, JsonError, QuorumId, State, StateError, Timestamp, object, text};
use std::collections::BTreeMap;

/// The kind of ceremony that a report is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportOf {
    /// A quorum was founded.
    Found,
    /// A key was recovered.
    Recover,
    /// Keys were drilled.
    Drill,
    /// A key was recovered from paper alone.
    Salvage,
}

/// That there is a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Of what.
    pub kind: ReportOf,
    /// The quorum that signed it.
    pub quorum: QuorumId,
    /// The number of the record that ended the ceremony.
    pub ended: u64,
    /// SHA-256 of the report.
    pub digest: [u8; 32],
    /// SHA-256 of the PDF of it, when there is one.
    pub paper: Option<[u8; 32]>,
}

/// A report in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportEntry {
    /// What its record says.
    pub reported: Reported,
    /// When.
    pub time: Timestamp,
    /// The number of the log's record.
    pub seq: u64,
}

const KINDS: [(ReportOf, &str); 4] = [
    (ReportOf::Found, "found"),
    (ReportOf::Recover, "recover"),
    (ReportOf::Drill, "drill"),
    (ReportOf::Salvage, "salvage"),
];

impl ReportOf {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| *word)
    }

    /// The kind that a word stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }
}

impl Reported {
    /// The details of the record, without the quorum's signature.
    #[must_use]
    pub fn details(&self) -> Json<'static> {
        object([
            ("ceremony", Some(Json::text(self.kind.name()))),
            ("ended", Some(Json::Number(self.ended))),
            ("paper", self.paper.map(|digest| Json::text(text::hex(&digest)))),
            ("quorum", Some(Json::text(self.quorum.text()))),
            ("report", Some(Json::text(text::hex(&self.digest)))),
        ])
    }

    fn read(mut fields: Fields<'_>) -> Result<Self, JsonError> {
        signature(&mut fields)?;
        let paper = match fields.optional_text("paper")? {
            None => None,
            Some(text) => Some(text::array_from_hex(&text).ok_or_else(|| fields.refuse("paper"))?),
        };
        let reported = Self {
            kind: fields.parsed("ceremony", ReportOf::parse)?,
            quorum: fields.parsed("quorum", QuorumId::from_text)?,
            ended: fields.number("ended")?,
            digest: fields.parsed("report", text::array_from_hex)?,
            paper,
        };
        fields.finish()?;
        Ok(reported)
    }
}

impl State {
    /// Every report, the oldest first.
    #[must_use]
    pub fn reports(&self) -> &[ReportEntry] {
        &self.reports
    }

    /// The ceremonies whose reports are missing: of each kind the last one that ended while a policy asked for
    /// its report; the record that ended it, and when. A report of it, or of a later one, makes it good.
    #[must_use]
    pub const fn owed(&self) -> &BTreeMap<ReportOf, (u64, Timestamp)> {
        &self.owed
    }

    pub(super) fn reported(
        &mut self,
        fields: Fields<'_>,
        (seq, time): (u64, Timestamp),
        about: About,
    ) -> Result<(), StateError> {
        let reported = Reported::read(fields)?;
        // The last ceremony up to there: what a recovery into packages ends with is a record behind it.
        let ceremony = self.ceremonies.range(..=reported.ended).next_back();
        let at = ceremony.filter(|(_, (kind, quorum))| (*kind, *quorum) == (reported.kind, reported.quorum));
        let Some(at) = at.map(|(at, _)| *at).filter(|_| reported.ended < seq) else {
            let Reported { kind, quorum, ended, .. } = reported;
            return Err(StateError::Report { kind: kind.name(), quorum, ended });
        };
        about.is_genuine()?;
        if self.owed.get(&reported.kind).is_some_and(|(owed, _)| *owed <= at) {
            self.owed.remove(&reported.kind);
        }
        self.reports.push(ReportEntry { reported, time, seq });
        Ok(())
    }
}
