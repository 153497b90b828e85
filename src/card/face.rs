//! What stands on a card's page: the sealed share, and what its quorum's record says of it.

use super::codes::codes;
use super::page::{Face, PageError, Paper, Sealing, card_page, pocket_page};

use crate::primitive::hash::sha256;
use crate::quorum::QuorumRecord;
use crate::seal::{SealKind, SealedShare};
use crate::secret::Zeroizing;
use crate::wire::{lines, text};

/// What the founder adds to a card, beside what the record says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Details<'a> {
    /// Number of the ceremony.
    pub ceremony: Option<&'a str>,
    /// Number of the envelope.
    pub envelope: Option<&'a str>,
    /// Whom to tell of a loss, as a role.
    pub contact: Option<&'a str>,
    /// The log's last record when the card was made: its number and short hash.
    pub checkpoint: Option<(u64, &'a str)>,
}

/// Eight characters of a card that two people compare by phone; they reveal nothing of the share.
///
/// The first 5 bytes of the SHA-256 of the card's bytes, which the quorum's record has in full.
#[must_use]
pub fn verification(digest: &[u8; 32]) -> String {
    text::grouped(&text::base32(digest.first_chunk::<5>().map_or(&[][..], |first| first)))
}

/// The typed lines of a card, as printed; none when it is too long to type.
#[must_use]
pub(super) fn printed_lines(card: &SealedShare) -> Vec<Zeroizing<String>> {
    let encoded = lines::encode(card.expose()).unwrap_or_default();
    encoded.iter().map(lines::Line::groups).collect()
}

/// The PDF of a card.
///
/// # Errors
/// [`PageError`].
pub fn pdf(
    record: &QuorumRecord,
    card: &SealedShare,
    details: &Details<'_>,
    paper: Paper,
) -> Result<Zeroizing<Vec<u8>>, PageError> {
    with_face(record, card, details, |face| card_page(face, paper))
}

/// The PDF of a card's extra copy in the size of a bank card: its code and little else.
///
/// # Errors
/// [`PageError`], for a card of several codes above all.
pub fn pocket_pdf(
    record: &QuorumRecord,
    card: &SealedShare,
    details: &Details<'_>,
) -> Result<Zeroizing<Vec<u8>>, PageError> {
    with_face(record, card, details, pocket_page)
}

/// What stands on the card's page, given to who draws it.
fn with_face(
    record: &QuorumRecord,
    card: &SealedShare,
    details: &Details<'_>,
    draw: impl FnOnce(&Face<'_>) -> Result<Vec<u8>, PageError>,
) -> Result<Zeroizing<Vec<u8>>, PageError> {
    let header = card.header();
    let index = header.index();
    let unknown = PageError::Value { field: "custodian" };
    let custodian = record.custodian(index).ok_or(unknown)?;
    let quorum = header.quorum().to_string();
    let made = record.terms().created.to_string();
    let (codes, lines) = (codes(card), printed_lines(card));
    let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let lines: Vec<&str> = lines.iter().map(|line| line.as_str()).collect();
    let face = Face {
        organisation: record.terms().organisation.as_deref(),
        quorum: &quorum,
        generation: header.generation(),
        threshold: header.scheme().threshold(),
        total: header.scheme().count(),
        index,
        custodian: &custodian.name,
        role: custodian.role.as_deref(),
        made: &made,
        ceremony: details.ceremony,
        envelope: details.envelope,
        seal: match card.kind() {
            SealKind::Open => Sealing::Open,
            SealKind::Passphrase(cost) => Sealing::Passphrase { memory_mib: cost.memory_mib() },
            SealKind::Age => Sealing::Age { recipient_kind: "age identity" },
        },
        checkpoint: details.checkpoint,
        verification: &verification(&sha256(&[card.expose()])),
        codes: &codes,
        lines: &lines,
        contact: details.contact,
        program: super::PROGRAM,
    };
    Ok(Zeroizing::new(draw(&face)?))
}
