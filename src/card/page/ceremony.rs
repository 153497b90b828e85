//! The ceremony sheet: what the people of a ceremony tick, fill in and sign. Public, without a secret.
//!
//! In: a [`CeremonyFace`], plain data from the quorum's record and the log; out: the bytes of a PDF/A-2u
//! file. It lists every card with its verification code and places for its envelope and its handing
//! over, and every key with its fingerprint: whoever recovers from a backup sheet compares with these.
//! What the program doesn't know (number, place and time of the ceremony, envelopes) is a box to write in.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::flow::{Cell, Flow};
use super::font::{Fonts, Style};
use super::sheet::{Look, MM, Mark, Sheet, Tone};
use super::{PageError, Paper, composed, ink, words};

const PROSE: Look = Look(Style::Text, 9.2, Tone::Ink);
const LABEL: Look = Look(Style::Text, 8.0, Tone::Soft);
const CODE: Look = Look(Style::Code, 9.2, Tone::Ink);
const TINY: Look = Look(Style::Text, 6.5, Tone::Soft);
const SMALL: Look = Look(Style::Text, 7.8, Tone::Soft);

/// The steps of a founding, to be ticked.
const STEPS: [&str; 11] = [
    "The computer is offline and was started from known media; the program\u{2019}s SHA-256 above is the published one.",
    "Everybody is present and named below. No cameras, no phones.",
    "The quorum is founded. Randomness of dice or of an HSM was mixed in: yes / no.",
    "Every card is printed on a printer without a network. Passphrases were seen by their custodians alone.",
    "Every card was read back from its print: scan-back.",
    "Every verification code was compared with this sheet.",
    "Every card is in a numbered envelope; the numbers stand above.",
    "A trial key was recovered with as many cards as are needed, from paper.",
    "Backup sheets are printed and read back, and filed apart from the cards and from this sheet.",
    "The cards\u{2019} files are deleted, the printer\u{2019}s memory is cleared, the computer is switched off.",
    "The escrow is copied to the places that were agreed. This sheet is signed by all, and copied.",
];

/// One card.
#[derive(Debug, Clone, Copy)]
pub struct CardRow<'a> {
    /// Number of the card, from 1.
    pub index: u8,
    /// Name of the custodian.
    pub custodian: &'a str,
    /// Role of the custodian.
    pub role: Option<&'a str>,
    /// How it is sealed.
    pub seal: &'a str,
    /// Verification code.
    pub verification: &'a str,
    /// Number of the envelope, when it is known.
    pub envelope: Option<&'a str>,
}

/// One key version.
#[derive(Debug, Clone, Copy)]
pub struct KeyRow<'a> {
    /// Name and version.
    pub name: &'a str,
    /// What kind of key.
    pub kind: &'a str,
    /// The fingerprint, hexadecimal.
    pub fingerprint: &'a str,
}

/// What a ceremony sheet shows.
#[derive(Debug, Clone, Copy)]
pub struct CeremonyFace<'a> {
    /// Whose keys.
    pub organisation: Option<&'a str>,
    /// Quorum id.
    pub quorum: &'a str,
    /// Number of the set of cards.
    pub generation: u16,
    /// How many cards are needed.
    pub threshold: u8,
    /// How many cards there are.
    pub total: u8,
    /// When the quorum was founded (RFC 3339).
    pub made: &'a str,
    /// The quorum's recipient, `age1pq1…`.
    pub recipient: &'a str,
    /// SHA-256 of it, hexadecimal.
    pub recipient_digest: &'a str,
    /// SHA-256 of the quorum's record, hexadecimal: it covers the commitments.
    pub record: &'a str,
    /// The log's last record.
    pub checkpoint: &'a str,
    /// The time of that record (RFC 3339).
    pub time: &'a str,
    /// The cards, in order.
    pub cards: &'a [CardRow<'a>],
    /// The keys; none when there are too many to list.
    pub keys: &'a [KeyRow<'a>],
    /// How many key versions there are.
    pub versions: usize,
    /// Name and version of the program.
    pub program: &'a str,
    /// SHA-256 of the program, hexadecimal, when it could be read.
    pub binary: Option<&'a str>,
}

/// Makes the PDF of a ceremony sheet.
///
/// # Errors
/// [`PageError`].
pub fn ceremony_page(face: &CeremonyFace<'_>, paper: Paper) -> Result<Vec<u8>, PageError> {
    let date = |text, field| OffsetDateTime::parse(text, &Rfc3339).map_err(|_| PageError::Value { field });
    let (made, time) = (date(face.made, "made")?, date(face.time, "time")?);
    let fonts = Fonts::load()?;
    let sheets = sheets(&fonts, face, (made, time), paper)?;
    let about = ink::About {
        title: format!("Ceremony sheet of quorum {}, generation {}", face.quorum, face.generation),
        id: format!("quorate ceremony sheet {} {} {}", face.quorum, face.generation, face.checkpoint),
        program: face.program.to_owned(),
        made: time,
    };
    ink::draw(&sheets, &[], &about)
}

/// Lays out every page.
pub(super) fn sheets<'f>(
    fonts: &'f Fonts,
    face: &CeremonyFace<'_>,
    (made, time): (OffsetDateTime, OffsetDateTime),
    paper: Paper,
) -> Result<Vec<Sheet<'f>>, PageError> {
    let mut flow = Flow::new(fonts, paper);
    facts(&mut flow, fonts, face, (made, time))?;
    cards(&mut flow, fonts, face)?;
    steps(&mut flow, fonts)?;
    keys(&mut flow, fonts, face)?;
    signatures(&mut flow, fonts)?;
    let mut sheets = flow.finish();
    let total = sheets.len();
    for (sheet, number) in sheets.iter_mut().zip(1usize..) {
        let (left, right, _) = sheet.span();
        let title = if number == 1 { "Ceremony sheet" } else { "Ceremony sheet, continued" };
        sheet.text(left, 14.5 * MM, Look(Style::Bold, 16.0, Tone::Ink), title)?;
        let which = format!("quorum {}, generation {}", face.quorum, face.generation);
        sheet.text_right(right, 14.5 * MM, PROSE, &which)?;
        let y = paper.size().1 - 8.5 * MM;
        let text = format!("{}. Public: it holds no secret. Sign every page.", composed(face.program));
        sheet.text(left, y, SMALL, &text)?;
        sheet.text_right(right, y, SMALL, &format!("page {number} of {total}"))?;
    }
    Ok(sheets)
}

/// Left edge and width of the text area.
fn area(flow: &mut Flow<'_>) -> Result<(f32, f32), PageError> {
    let (sheet, _) = flow.room(0.0)?;
    let (left, _, width) = sheet.span();
    Ok((left, width))
}

fn facts(
    flow: &mut Flow<'_>,
    fonts: &Fonts,
    face: &CeremonyFace<'_>,
    (made, time): (OffsetDateTime, OffsetDateTime),
) -> Result<(), PageError> {
    let (left, width) = area(flow)?;
    let quarter = width / 4.0;
    let boxes = ["ceremony number", "date and time", "place", "computer, system and its hash"];
    let cells = boxes.into_iter().zip([0.0, 1.0, 2.0, 3.0]);
    let cells: Vec<Cell> = cells
        .map(|(text, at)| Cell::new(fonts, (left + at * quarter, quarter), &[(TINY, text)], "text"))
        .collect::<Result<_, _>>()?;
    flow.row(&cells, 11.0 * MM)?;
    flow.skip(4.0);
    let CeremonyFace { threshold, total, .. } = *face;
    let together = if threshold == total {
        format!("all {total} custodians recover the keys")
    } else {
        format!("any {threshold} of {total} custodians recover the keys")
    };
    let start: String = face.recipient.chars().take(28).collect();
    let binary = face.binary.unwrap_or("could not be read: write it here");
    let log = format!("{}, of {}", face.checkpoint, words::date(time));
    let rows = [
        ("Organisation", face.organisation.map(composed), PROSE),
        ("Quorum", Some(face.quorum.to_owned()), CODE),
        ("Cards", Some(format!("{together}; generation {}", face.generation)), PROSE),
        ("Founded", Some(words::date(made)), PROSE),
        ("Quorum record", Some(format!("{} (SHA-256, commitments included)", face.record)), CODE),
        ("Recipient", Some(format!("{start}... SHA-256 {}", face.recipient_digest)), CODE),
        ("Log ends at", Some(log), CODE),
        ("Program", Some(composed(face.program)), PROSE),
        ("its SHA-256", Some(binary.to_owned()), CODE),
    ];
    for (label, value, look) in rows {
        let Some(value) = value else { continue };
        let cell = Cell::new(fonts, (left + 70.0, width - 70.0), &[(look, &value)], "a fact of the quorum")?;
        for (number, (look, line)) in cell.lines.iter().enumerate() {
            let (sheet, top) = flow.room(look.1 * 1.32)?;
            if number == 0 {
                sheet.text(left, top + look.1, LABEL, label)?;
            }
            sheet.text(left + 70.0, top + look.1, *look, line)?;
        }
    }
    flow.skip(4.0);
    Ok(())
}

/// Widths in millimetres of all columns but the second, which gets the rest.
const COLUMNS: [f32; 8] = [9.0, 0.0, 19.0, 25.0, 21.0, 19.0, 19.0, 19.0];

fn cards(flow: &mut Flow<'_>, fonts: &Fonts, face: &CeremonyFace<'_>) -> Result<(), PageError> {
    let (left, width) = area(flow)?;
    let rest = width - COLUMNS.iter().map(|mm| mm * MM).sum::<f32>();
    let mut x = left;
    let places = COLUMNS.map(|mm| {
        let column = if mm == 0.0 { rest } else { mm * MM };
        let place = (x, column);
        x += column;
        place
    });
    flow.heading("Cards", 60.0)?;
    let titles = |flow: &mut Flow<'_>| {
        let texts = [
            "no.",
            "custodian, role",
            "sealed by",
            "verification code",
            "envelope",
            "scan-back",
            "handed over",
            "initials",
        ];
        let cells =
            places.iter().zip(texts).map(|(place, text)| Cell::new(fonts, *place, &[(TINY, text)], "text"));
        flow.row(&cells.collect::<Result<Vec<_>, _>>()?, 0.0)
    };
    titles(flow)?;
    let (name, role) = (Look(Style::Bold, 8.8, Tone::Ink), Look(Style::Text, 7.6, Tone::Soft));
    for card in face.cards {
        let index = card.index.to_string();
        let (custodian, its_role) = (composed(card.custodian), card.role.map(composed).unwrap_or_default());
        let envelope = card.envelope.map(composed).unwrap_or_default();
        let texts: [&[(Look, &str)]; 8] = [
            &[(PROSE, &index)],
            &[(name, &custodian), (role, &its_role)],
            &[(PROSE, card.seal)],
            &[(Look(Style::Code, 10.0, Tone::Ink), card.verification)],
            &[(PROSE, &envelope)],
            &[],
            &[],
            &[],
        ];
        let cells = places.iter().zip(texts).map(|(place, texts)| {
            let shown: Vec<(Look, &str)> =
                texts.iter().filter(|(_, text)| !text.is_empty()).copied().collect();
            Cell::new(fonts, *place, &shown, "a custodian")
        });
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        if flow.breaks(cells.iter().map(Cell::height).fold(8.5 * MM, f32::max)) {
            flow.skip(f32::MAX / 2.0);
            titles(flow)?;
        }
        flow.row(&cells, 8.5 * MM)?;
    }
    Ok(())
}

fn steps(flow: &mut Flow<'_>, fonts: &Fonts) -> Result<(), PageError> {
    let (left, width) = area(flow)?;
    flow.heading("Steps", 40.0)?;
    let side = 8.0;
    for (number, text) in (1usize..).zip(STEPS) {
        let cell = Cell::new(fonts, (left + 30.0, width - 30.0), &[(PROSE, text)], "text")?;
        let (sheet, top) = flow.room(f32::from(u8::try_from(cell.lines.len()).unwrap_or(1)) * 12.2 + 1.5)?;
        sheet.marks.push(Mark::Frame { x: left, y: top + 1.6, width: side, height: side });
        sheet.text(left + 14.0, top + 9.2, Look(Style::Bold, 9.2, Tone::Ink), &number.to_string())?;
        for ((look, line), row) in cell.lines.iter().zip([0.0, 12.2, 24.4]) {
            sheet.text(left + 32.0, top + 9.2 + row, *look, line)?;
        }
    }
    Ok(())
}

fn keys(flow: &mut Flow<'_>, fonts: &Fonts, face: &CeremonyFace<'_>) -> Result<(), PageError> {
    let (left, width) = area(flow)?;
    flow.heading("Keys and their fingerprints", 40.0)?;
    if face.keys.is_empty() {
        let text = match face.versions {
            0 => "No key is backed up yet.".to_owned(),
            many => format!(
                "{many} key versions are backed up: too many for this sheet. Their backup sheets and `quorate show` have the fingerprints."
            ),
        };
        return flow.paragraph(PROSE, &text);
    }
    let digest = 300.0;
    let (kind, name) = (62.0, width - digest - 62.0);
    for key in face.keys {
        let cells = [
            Cell::new(fonts, (left, name), &[(Look(Style::Bold, 8.0, Tone::Ink), key.name)], "a key")?,
            Cell::new(fonts, (left + name, kind), &[(Look(Style::Text, 8.0, Tone::Ink), key.kind)], "a key")?,
            Cell::new(
                fonts,
                (left + name + kind, digest),
                &[(Look(Style::Code, 7.2, Tone::Ink), key.fingerprint)],
                "a key",
            )?,
        ];
        flow.row(&cells, 0.0)?;
    }
    Ok(())
}

fn signatures(flow: &mut Flow<'_>, fonts: &Fonts) -> Result<(), PageError> {
    let (left, width) = area(flow)?;
    let roles = ["leader", "operator", "witness 1", "witness 2", "auditor"];
    let height = 11.0 * MM;
    flow.heading("Signatures", 5.0 * height)?;
    let widths = [0.14, 0.32, 0.2, 0.34];
    for role in roles {
        let mut x = left;
        let mut cells = Vec::new();
        for (share, text) in widths.into_iter().zip([role, "name", "date, time", "signature"]) {
            let look = if text == role { Look(Style::Bold, 9.2, Tone::Ink) } else { TINY };
            cells.push(Cell::new(fonts, (x, width * share), &[(look, text)], "text")?);
            x += width * share;
        }
        flow.row(&cells, height)?;
    }
    Ok(())
}
