//! Page 1: the card itself, in three panels between its folds.
//!
//! Top: the code at 70 mm and the facts (share, organisation, custodian, quorum, date, seal, verification code). Middle: what
//! it is, the steps, the warnings, the yearly check. Bottom: the typed lines and the second code, turned by 180 degrees, as far
//! from the first as the sheet allows, so that one stain, tear or staple does not take both.
//!
//! Its sentences are in `words`. Long values shrink, then break in two, then are refused.

use time::OffsetDateTime;

use super::font::{Fonts, Style};
use super::more::typed;
use super::sheet::{Look, MARGIN, MM, Mark, Sheet, Tone};
use super::{Face, PageError, Paper, composed, words};
use crate::card::qr::{Modules, PRINT_MM, QUIET};

/// The most typed lines that page 1 has room for; more go to a page of their own.
pub(super) const LINES: usize = 11;

const PROSE: Look = Look(Style::Text, 9.2, Tone::Ink);
const HEAD: Look = Look(Style::Bold, 10.5, Tone::Ink);
const NOTE: Look = Look(Style::Text, 7.8, Tone::Soft);
/// Between the two columns of the middle panel.
const GAP: f32 = 9.0 * MM;
/// Where the first dark module and the top of the facts are.
const TOP: f32 = 21.0 * MM;
const SECOND_MM: f32 = 38.0;

pub(super) fn front<'f>(
    fonts: &'f Fonts,
    face: &Face<'_>,
    made: OffsetDateTime,
    codes: &[Modules],
    paper: Paper,
) -> Result<Sheet<'f>, PageError> {
    let mut sheet = Sheet::new(fonts, paper);
    let (left, right, _) = sheet.span();
    sheet.text(left, 14.5 * MM, Look(Style::Bold, 16.0, Tone::Ink), "Recovery card")?;
    let warning = "Keep sealed. Never photograph.";
    sheet.text_right(right, 14.5 * MM, Look(Style::Bold, 10.0, Tone::Ink), warning)?;
    let x = first_code(&mut sheet, codes, face.lines.len())?;
    facts(&mut sheet, face, made, (x, right))?;
    sheet.folds();
    middle(&mut sheet, face)?;
    bottom(&mut sheet, face, codes)?;
    Ok(sheet)
}

/// The code at 70 mm, its dark modules flush with the margin; where the facts begin is returned.
fn first_code(sheet: &mut Sheet<'_>, codes: &[Modules], lines: usize) -> Result<f32, PageError> {
    let side = PRINT_MM * MM;
    let [code] = codes else {
        let (x, y, side) = (MARGIN, TOP, 62.0 * MM);
        sheet.marks.push(Mark::Frame { x, y, width: side, height: side });
        let page = if lines > LINES { 3 } else { 2 };
        let text = format!(
            "This card is too long for one code. It is printed as {} codes on page {page}. All of them are needed.",
            codes.len()
        );
        let look = Look(Style::Text, 11.0, Tone::Ink);
        sheet.paragraph((x + 12.0, side - 24.0), y + 24.0, look, 15.0, &text)?;
        return Ok(x + side + 6.0 * MM);
    };
    let quiet = f32::from(QUIET) * code.module_mm(side);
    let (x, y) = (MARGIN - quiet, TOP - quiet);
    sheet.marks.push(Mark::Code { x, y, side, number: 0, turned: false });
    sheet.text(MARGIN, y + side + 3.2 * MM, NOTE, "Scan it only at a check, recovery or drill, offline.")?;
    Ok(x + side + 2.5 * MM)
}

/// The facts beside the code.
fn facts(
    sheet: &mut Sheet<'_>,
    face: &Face<'_>,
    made: OffsetDateTime,
    span: (f32, f32),
) -> Result<(), PageError> {
    let (x, right) = span;
    let Face { total, index, generation, .. } = *face;
    let mut y = TOP + 18.0;
    let big = Look(Style::Bold, 27.0, Tone::Ink);
    sheet.text(x, y, big, &format!("Share {index} of {total}"))?;
    y += 16.5;
    let (look, lines) =
        sheet.fit(Look(Style::Text, 10.0, Tone::Ink), 8.5, right - x, "threshold", &words::any(face))?;
    for line in lines {
        sheet.text(x, y, look, &line)?;
    }
    sheet.rule(x, right, y + 8.0);
    let set = format!("generation {generation}, made {}", words::date(made));
    let log = face.checkpoint.map(|(seq, hash)| format!("record {seq}, {}", composed(hash)));
    let rows = [
        ("Organisation", "organisation", face.organisation.map(composed), Style::Text),
        ("Custodian", "custodian", Some(composed(face.custodian)), Style::Bold),
        ("Role", "role", face.role.map(composed), Style::Text),
        ("Quorum", "quorum id", Some(face.quorum.to_owned()), Style::Code),
        ("Set of cards", "generation", Some(set), Style::Text),
        ("Ceremony", "ceremony", face.ceremony.map(composed), Style::Text),
        ("Envelope", "envelope", face.envelope.map(composed), Style::Text),
        ("Passphrase", "seal", Some(words::seal(face)), Style::Bold),
        ("Log", "checkpoint", log, Style::Text),
    ];
    let base = sheet.paper.folds()[0] - 5.5 * MM;
    let column = x + 68.0;
    let mut laid = Vec::new();
    for (label, field, value, style) in rows {
        if let Some(value) = value {
            let look = Look(style, 10.0, Tone::Ink);
            laid.push((label, field, sheet.fit(look, 7.5, right - column, field, &value)?));
        }
    }
    // Two lines for a value take 8.4 points more than one. The rows share what height is left.
    let (mut count, mut extra) = (0.0, 0.0);
    for (_, field, (_, lines)) in &laid {
        count += 1.0;
        extra += if lines.len() > 1 { 8.4 } else { 0.0 };
        if (base - 24.0 - (y + 8.0) - extra) / count < 10.4 {
            return Err(PageError::TooLong { field });
        }
    }
    let pitch = ((base - 24.0 - (y + 8.0) - extra) / count).min(14.5);
    y += 8.0;
    for (label, _, (look, lines)) in laid {
        y += pitch;
        sheet.text(x, y - 1.0, Look(Style::Text, 8.5, Tone::Soft), label)?;
        for (line, at) in lines.iter().zip([0.0, 8.4]) {
            sheet.text(column, y - 1.0 + at, look, line)?;
        }
        y += if lines.len() > 1 { 8.4 } else { 0.0 };
    }
    sheet.rule(x, right, y + 7.0);
    let base = y + 7.0 + 20.0;
    sheet.text(x, base - 8.5, Look(Style::Text, 8.5, Tone::Soft), "Verification")?;
    sheet.text(x, base + 0.5, Look(Style::Text, 8.5, Tone::Soft), "code")?;
    let end = sheet.text(column, base, Look(Style::Code, 19.0, Tone::Ink), face.verification)?;
    for (line, at) in ["To compare by phone:", "it reveals nothing."].into_iter().zip([-8.5, 0.5]) {
        sheet.text(end + 10.0, base + at, NOTE, line)?;
    }
    Ok(())
}

/// What it is, the steps, the rules, the yearly check: in the largest size that fits the panel.
fn middle(sheet: &mut Sheet<'_>, face: &Face<'_>) -> Result<(), PageError> {
    let contact = face.contact.map_or_else(|| "whoever gave you this card".to_owned(), composed);
    let (_, _, width) = sheet.span();
    sheet.fit(Look(Style::Text, 9.0, Tone::Ink), 9.0, (width - GAP) / 2.0, "contact", &contact)?;
    let before = sheet.marks.len();
    let end = sheet.paper.folds()[1] - 3.0 * MM;
    // Tenths of a point, largest first.
    for tenths in (80u8..=97).rev() {
        match columns(sheet, face, &contact, f32::from(tenths) / 10.0) {
            Ok(lowest) if lowest <= end => return Ok(()),
            // Too high, or one word is wider than its column.
            Ok(_) | Err(PageError::TooLong { .. }) => sheet.marks.truncate(before),
            Err(other) => return Err(other),
        }
    }
    Err(PageError::TooLong { field: "organisation" })
}

/// Both columns at this size; the lowest point of them is returned.
fn columns(sheet: &mut Sheet<'_>, face: &Face<'_>, contact: &str, size: f32) -> Result<f32, PageError> {
    let (left, right, width) = sheet.span();
    let column = (width - GAP) / 2.0;
    let (prose, leading) = (Look(Style::Text, size, Tone::Ink), size * 1.3);
    let head = Look(Style::Bold, size + 1.3, Tone::Ink);
    let top = sheet.paper.folds()[0] + 8.5 * MM;
    let span = (left, column);
    let mut y = sheet.paragraph(span, top, head, leading + 2.0, "What this is")?;
    y = sheet.paragraph(span, y, prose, leading, &words::what(face))? + 6.0;
    y = sheet.paragraph(span, y, head, leading + 2.0, "If you are asked to use it")?;
    for (number, text) in ["1", "2", "3", "4", "5", "6"].into_iter().zip(words::steps(face)) {
        y = sheet.item(span, y, prose, leading, (number, &text))? + 1.5;
    }
    // `y` is the next baseline: the last one is a leading and the gap above it.
    let left_end = y - leading - 1.5 + size * 0.24;
    let span = (right - column, column);
    y = sheet.paragraph(span, top, head, leading + 2.0, "Rules")?;
    for text in words::rules(face, contact) {
        y = sheet.item(span, y, prose, leading, ("\u{2013}", &text))? + 1.5;
    }
    y = sheet.paragraph(span, y + 4.5, head, leading, "Once a year: there, sealed, dry?")?;
    let (cell, height, top) = (column / 5.0, 8.5 * MM, y - 6.0);
    for row in [top, top + height] {
        for at in [0.0, 1.0, 2.0, 3.0, 4.0] {
            let x = right - column + at * cell;
            sheet.marks.push(Mark::Frame { x, y: row, width: cell, height });
            sheet.text(x + 3.0, row + height - 3.5, Look(Style::Text, 6.5, Tone::Soft), "date, initials")?;
        }
    }
    Ok(left_end.max(top + 2.0 * height))
}

/// The typed lines and the second code.
fn bottom(sheet: &mut Sheet<'_>, face: &Face<'_>, codes: &[Modules]) -> Result<(), PageError> {
    let (left, right, _) = sheet.span();
    let (top, end) = (sheet.paper.folds()[1] + 8.0 * MM, sheet.paper.size().1 - 15.0 * MM);
    if let [code] = codes {
        let side = SECOND_MM * MM;
        let quiet = f32::from(QUIET) * code.module_mm(side);
        let (x, y) = (right + quiet - side, (top + end - side) / 2.0);
        sheet.marks.push(Mark::Code { x, y, side, number: 0, turned: true });
        for (line, at) in ["The same code, turned,", "in case of damage."].into_iter().zip([8.0, 17.0]) {
            sheet.text(x + quiet, y + side + at, NOTE, line)?;
        }
    }
    let head = match face.lines.len().checked_sub(2) {
        Some(data) => format!("Typed lines: any {data} of these {} are enough", face.lines.len()),
        None => "This card has no typed lines".to_owned(),
    };
    sheet.text(left, top, HEAD, &head)?;
    if face.lines.len() > LINES {
        let text = "They are printed on page 2.";
        sheet.text(left, top + 14.0, PROSE, text)?;
        return Ok(());
    }
    if face.lines.is_empty() {
        let text = "Its codes are all there is of the share: keep them flat, clean and dry.";
        sheet.text(left, top + 14.0, PROSE, text)?;
        return Ok(());
    }
    let note = "Only A\u{2013}Z and 2\u{2013}7: no 0, 1, 8 or 9. The sixth group checks its line.";
    sheet.text(left, top + 12.0, NOTE, note)?;
    let lines: Vec<(usize, &str)> = (1usize..).zip(face.lines.iter().copied()).collect();
    typed(sheet, &lines, left, (top + 14.5, end + 2.5))
}
