//! The backup sheet: a page of words, then its codes, six to a page, each with its number.
//!
//! In: a [`BackupFace`], plain data; out: the bytes of a PDF/A-2u file. The sheet is public: it is filed,
//! copied and never folded into an envelope, so it has no fold lines. Pages may come apart: every one
//! names the key and the sheet, and every code its number. A module is at least 0.8 mm wide.
//!
//! The first page says what the sheet is, how to recover with the program, and how without it. Its
//! fixed words stand here; `docs/format.md` is normative, and both must say the same.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::flow::broken;
use super::font::{Fonts, Style};
use super::sheet::{Look, MM, Mark, Sheet, Tone};
use super::{PageError, Paper, composed, ink, words};
use crate::card::qr::{Modules, QUIET};

/// Side of a code with its quiet zone.
const SIDE: f32 = 78.0 * MM;
/// Codes on a page.
const SIX: usize = 6;
const TITLE: Look = Look(Style::Bold, 16.0, Tone::Ink);
const SMALL: Look = Look(Style::Text, 7.8, Tone::Soft);

/// What a backup sheet shows.
#[derive(Debug, Clone, Copy)]
pub struct BackupFace<'a> {
    /// Whose keys.
    pub organisation: Option<&'a str>,
    /// The key's name.
    pub name: &'a str,
    /// The key's version.
    pub version: u32,
    /// What kind of key.
    pub kind: &'a str,
    /// The fingerprint, 64 hexadecimal digits.
    pub fingerprint: &'a str,
    /// Its short form.
    pub short: &'a str,
    /// SHA-256 of the public key, hexadecimal.
    pub spki: Option<&'a str>,
    /// When the key version was created (RFC 3339).
    pub created: &'a str,
    /// Quorum id.
    pub quorum: &'a str,
    /// Number of the set of cards.
    pub generation: u16,
    /// How many cards are needed.
    pub threshold: u8,
    /// How many cards there are.
    pub total: u8,
    /// The log's last record when the sheet was made.
    pub checkpoint: &'a str,
    /// The time of that record (RFC 3339).
    pub time: &'a str,
    /// Eight characters that name the sheet.
    pub sheet: &'a str,
    /// How many bytes its codes hold.
    pub bytes: usize,
    /// Texts of the codes; the last is the spare.
    pub codes: &'a [&'a str],
    /// Name and version of the program.
    pub program: &'a str,
}

/// Makes the PDF of a backup sheet.
///
/// # Errors
/// [`PageError`].
pub fn backup_page(face: &BackupFace<'_>, paper: Paper) -> Result<Vec<u8>, PageError> {
    let date = |text, field| OffsetDateTime::parse(text, &Rfc3339).map_err(|_| PageError::Value { field });
    let (created, time) = (date(face.created, "created")?, date(face.time, "time")?);
    let codes = face
        .codes
        .iter()
        .zip(1usize..)
        .map(|(text, number)| Modules::encode(text).map_err(|source| PageError::Code { number, source }));
    let codes: Vec<Modules> = codes.collect::<Result<_, _>>()?;
    let fonts = Fonts::load()?;
    let sheets = sheets(&fonts, face, (created, time), &codes, paper)?;
    let BackupFace { name, version, .. } = face;
    let about = ink::About {
        title: format!("Backup sheet of the key {name}, version {version}"),
        id: format!("quorate backup sheet {} {}", face.quorum, face.sheet),
        program: face.program.to_owned(),
        made: time,
    };
    ink::draw(&sheets, &codes, &about)
}

/// Lays out every page.
pub(super) fn sheets<'f>(
    fonts: &'f Fonts,
    face: &BackupFace<'_>,
    (created, time): (OffsetDateTime, OffsetDateTime),
    codes: &[Modules],
    paper: Paper,
) -> Result<Vec<Sheet<'f>>, PageError> {
    let mut sheets = vec![first(fonts, face, (created, time), codes.len(), paper)?];
    for (chunk, from) in codes.chunks(SIX).zip((0usize..).step_by(SIX)) {
        sheets.push(six(fonts, face, (chunk, from, codes.len()), paper)?);
    }
    let total = sheets.len();
    for (sheet, number) in sheets.iter_mut().zip(1usize..) {
        let (left, right, _) = sheet.span();
        let y = paper.size().1 - 8.5 * MM;
        let text = format!("{}, backup sheet format 1. Sheet {}.", composed(face.program), face.sheet);
        sheet.text(left, y, SMALL, &text)?;
        sheet.text_right(right, y, SMALL, &format!("page {number} of {total}"))?;
    }
    Ok(sheets)
}

/// The page of words, in the largest size that fits.
fn first<'f>(
    fonts: &'f Fonts,
    face: &BackupFace<'_>,
    dates: (OffsetDateTime, OffsetDateTime),
    codes: usize,
    paper: Paper,
) -> Result<Sheet<'f>, PageError> {
    // Tenths of a point, largest first.
    for tenths in (80u8..=104).rev() {
        let mut sheet = Sheet::new(fonts, paper);
        let end = fill(&mut sheet, face, dates, codes, f32::from(tenths) / 10.0)?;
        if end <= paper.size().1 - 13.0 * MM {
            return Ok(sheet);
        }
    }
    Err(PageError::TooLong { field: "the text of the first page" })
}

/// Sets the first page at this size; its lowest point is returned.
fn fill(
    sheet: &mut Sheet<'_>,
    face: &BackupFace<'_>,
    (created, time): (OffsetDateTime, OffsetDateTime),
    codes: usize,
    size: f32,
) -> Result<f32, PageError> {
    let (left, right, width) = sheet.span();
    sheet.text(left, 16.0 * MM, TITLE, "Key backup sheet")?;
    let warning = "Not secret. Keep it whole.";
    sheet.text_right(right, 16.0 * MM, Look(Style::Bold, 10.0, Tone::Ink), warning)?;
    let (prose, leading) = (Look(Style::Text, size, Tone::Ink), size * 1.32);
    let mut y = sheet.paragraph((left, width), 24.0 * MM, prose, leading, &what(face))? + size * 0.4;
    y = facts(sheet, face, (created, time), codes, (y, size))?;
    let (column, gap) = ((width - 9.0 * MM) / 2.0, 9.0 * MM);
    let head = Look(Style::Bold, size + 1.3, Tone::Ink);
    let columns = [
        (left, "Recover with the program", with_program(face)),
        (left + column + gap, "Recover without it", without_program(codes)),
    ];
    let (top, mut lowest) = (y + size * 1.6, y);
    for (x, title, steps) in columns {
        let mut y = sheet.paragraph((x, column), top, head, leading + 2.0, title)?;
        for (number, text) in (1usize..).zip(&steps) {
            // The command has a name in it that may be longer than the column.
            let (number, indent) = (number.to_string(), size * 1.25);
            sheet.text(x, y, Look(Style::Bold, size, Tone::Ink), &number)?;
            for line in broken(sheet.fonts, prose, column - indent, text, "the name of the key")? {
                sheet.text(x + indent, y, prose, &line)?;
                y += leading;
            }
            y += size * 0.3;
        }
        lowest = lowest.max(y - leading);
    }
    let top = lowest + size * 1.2;
    let cells = ["filed where", "by whom", "date", "all codes read back: date, initials"];
    let cell = width / 4.0;
    for (text, at) in cells.into_iter().zip([0.0, 1.0, 2.0, 3.0]) {
        let x = left + at * cell;
        sheet.marks.push(Mark::Frame { x, y: top, width: cell, height: 11.0 * MM });
        sheet.text(x + 3.0, top + 8.0, Look(Style::Text, 6.5, Tone::Soft), text)?;
    }
    Ok(top + 11.0 * MM)
}

/// The facts of the key, label and value; the lowest point is returned.
fn facts(
    sheet: &mut Sheet<'_>,
    face: &BackupFace<'_>,
    (created, time): (OffsetDateTime, OffsetDateTime),
    codes: usize,
    (mut y, size): (f32, f32),
) -> Result<f32, PageError> {
    let (left, right, _) = sheet.span();
    let (column, leading) = (left + 78.0, size * 1.32);
    let BackupFace { version, threshold, total, generation, .. } = *face;
    let spare = format!(
        "{codes}; any one may be lost, since number {codes} is a spare. Together {} bytes.",
        face.bytes
    );
    let rows = [
        ("Key", Some(format!("{}, version {version}", face.name)), Style::Bold),
        ("Kind", Some(face.kind.to_owned()), Style::Text),
        ("Fingerprint", Some(face.fingerprint.to_owned()), Style::Code),
        ("", Some(format!("in short {}", face.short)), Style::Code),
        ("Public key", face.spki.map(str::to_owned), Style::Code),
        ("Created", Some(words::date(created)), Style::Text),
        ("Organisation", face.organisation.map(composed), Style::Text),
        ("Quorum", Some(face.quorum.to_owned()), Style::Code),
        ("Cards", Some(format!("any {threshold} of {total}, generation {generation}")), Style::Text),
        ("Log", Some(face.checkpoint.to_owned()), Style::Code),
        (
            "",
            Some(format!("was its last record when this was printed, of {}", words::date(time))),
            Style::Text,
        ),
        ("Codes", Some(spare), Style::Text),
    ];
    sheet.rule(left, right, y - leading * 0.6);
    y += leading * 0.4;
    for (label, value, style) in rows {
        let Some(value) = value else { continue };
        let look = Look(sheet.fonts.style_for(style, &value), size, Tone::Ink);
        // A line that is nearly too long is set a little smaller, a longer one is broken.
        let (look, lines) = match sheet.fit(look, 8.0, right - column, "a fact of the key", &value) {
            Ok((look, lines)) if lines.len() == 1 => (look, lines),
            Ok(_) | Err(PageError::TooLong { .. }) => {
                (look, broken(sheet.fonts, look, right - column, &value, "a fact of the key")?)
            }
            Err(error) => return Err(error),
        };
        sheet.text(left, y, Look(Style::Text, 8.5, Tone::Soft), label)?;
        for line in lines {
            sheet.text(column, y, look, &line)?;
            y += leading;
        }
    }
    sheet.rule(left, right, y - leading * 0.6);
    Ok(y)
}

/// What the paper is.
fn what(face: &BackupFace<'_>) -> String {
    let BackupFace { threshold, total, .. } = *face;
    let cards =
        if threshold == total { format!("all {total}") } else { format!("any {threshold} of the {total}") };
    format!(
        "This paper is the encrypted backup of one key, with the public record of the custodians\u{2019} quorum. Together with {cards} \
         recovery cards of that quorum it brings the key back when no computer that stored it is left. Without the cards it opens \
         nothing. It may be copied; it names the custodians in its codes. It may be the last copy: keep every page."
    )
}

fn with_program(face: &BackupFace<'_>) -> Vec<String> {
    let BackupFace { threshold, name, version, .. } = *face;
    vec![
        format!("Bring {threshold} cards, what opens them, and an offline computer with {} or later.", composed(face.program)),
        "Scan every page with codes (PDF, PNG or JPEG, 300 dpi) or save the texts of the codes in a text file, one to a line. Any order."
            .to_owned(),
        format!(
            "quorate recover {name}@{version} --sheet SCAN\u{2026} --card CARD\u{2026} --to file:KEY --log-to LOG"
        ),
        "The program shows the fingerprint of the recovered key. Compare it with the ceremony sheet or another record that was not \
         kept with this paper: anybody can print a sheet like this one for another key, and nothing on it can prove that it is not \
         such a one."
            .to_owned(),
        "Afterwards make a new escrow, and back the key up again.".to_owned(),
    ]
}

fn without_program(codes: usize) -> Vec<String> {
    let data = codes.saturating_sub(1);
    vec![
        format!(
            "Read the codes with any QR reader. Code n says QUORATE/1/BnOF{codes}/, eight characters that are the same on all, a slash, \
             and base32 (RFC 4648, no padding)."
        ),
        format!(
            "Decode the base32 and join codes 1 to {data}. Code {codes} is the exclusive-or of all the others: it stands in for any one."
        ),
        "Bytes, high byte first: 1 (version), 2 (kind), lengths F (two bytes), R and B (four each); F bytes of facts; R of the quorum\u{2019}s \
         record; B of the backup; SHA-256 of \u{201c}quorate/v1/sheet\u{201d} and all bytes before it; zeros."
            .to_owned(),
        "The back of a card says how M cards give the age identity AGE-SECRET-KEY-PQ-1\u{2026}. With it any age program that knows \
         mlkem768x25519 opens the backup: age -d -i identity backup.age."
            .to_owned(),
        "Inside is JSON; the key is in \u{201c}material\u{201d}, in base64. Fingerprint: HMAC-SHA-256 with the key \u{201c}salt\u{201d} of: length of \
         \u{201c}kind\u{201d} (one byte), \u{201c}kind\u{201d}, length of the key (four bytes), the key."
            .to_owned(),
    ]
}

/// A page of up to six codes: two in a row, each under its number.
fn six<'f>(
    fonts: &'f Fonts,
    face: &BackupFace<'_>,
    (codes, from, of): (&[Modules], usize, usize),
    paper: Paper,
) -> Result<Sheet<'f>, PageError> {
    let mut sheet = Sheet::new(fonts, paper);
    let (left, right, width) = sheet.span();
    let title = "Codes of the key backup sheet";
    let title_end = sheet.text(left, 14.0 * MM, Look(Style::Bold, 12.0, Tone::Ink), title)?;
    let key = format!("{}, version {}", face.name, face.version);
    let look = Look(Style::Text, 9.2, Tone::Ink);
    let room = width - (title_end - left) - 12.0;
    let (look, lines) = sheet.fit(look, 6.0, room, "the name of the key", &key)?;
    let [line] = lines.as_slice() else { return Err(PageError::TooLong { field: "the name of the key" }) };
    sheet.text_right(right, 14.0 * MM, look, line)?;
    let pitch = (paper.size().1 - (17.0 + 12.0) * MM) / 3.0;
    let rows = [0.0, 1.0, 2.0].map(|row| 17.0 * MM + row * pitch);
    let places = rows.into_iter().flat_map(|top| [(true, top), (false, top)]);
    for (((code, index), number), (at_left, top)) in
        codes.iter().zip(from..).zip(from.saturating_add(1)..).zip(places)
    {
        let quiet = f32::from(QUIET) * code.module_mm(SIDE);
        let x = if at_left { left - quiet } else { right + quiet - SIDE };
        sheet.marks.push(Mark::Code { x, y: top, side: SIDE, number: index, turned: false });
        let spare = if number == of { ": the spare" } else { "" };
        let caption = format!("Code {number} of {of}{spare}. Sheet {}.", face.sheet);
        let look = Look(Style::Text, 9.0, Tone::Ink);
        sheet.text(x + quiet, top + SIDE + 8.5, look, &caption)?;
    }
    Ok(sheet)
}
