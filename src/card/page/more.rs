//! What other pages need: typed lines, the pages of lines and of part codes of a long card, the footer.
//!
//! A card of up to 11 lines and one code needs none of these pages. The page of lines and the page of codes keep the folds
//! of page 1: every page of a card is folded with it.

use super::font::{Fonts, Style};
use super::sheet::{Look, MM, Mark, Sheet, Tone};
use super::{Face, PageError, Paper, composed};
use crate::card::qr::{Modules, PRINT_MM, QUIET};

const HEAD: Look = Look(Style::Bold, 16.0, Tone::Ink);
const NOTE: Look = Look(Style::Text, 7.8, Tone::Soft);

/// Typed lines with their numbers, evenly in the given height, at 14.5 points or less.
pub(super) fn typed(
    sheet: &mut Sheet<'_>,
    lines: &[(usize, &str)],
    x: f32,
    (top, end): (f32, f32),
) -> Result<(), PageError> {
    let count = u8::try_from(lines.len()).map_err(|_| PageError::TooLong { field: "typed lines" })?;
    let pitch = ((end - top) / f32::from(count.max(1))).min(20.0);
    let size = (pitch * 0.8).min(14.5);
    if size < 11.0 {
        return Err(PageError::TooLong { field: "typed lines" });
    }
    let mut y = top;
    for (number, line) in lines {
        y += pitch;
        let base = y - (pitch - size * 0.668) / 2.0;
        sheet.text(x, base, Look(Style::Code, 9.0, Tone::Soft), &format!("{number:02}"))?;
        sheet.text(x + 20.0, base, Look(Style::Code, size, Tone::Ink), line)?;
    }
    Ok(())
}

/// Heading of a page after the first; it names the card, should the sheets be separated.
fn heading(sheet: &mut Sheet<'_>, face: &Face<'_>, title: &str) -> Result<(), PageError> {
    let (left, right, _) = sheet.span();
    sheet.text(left, 14.5 * MM, HEAD, title)?;
    let Face { index, total, quorum, generation, .. } = face;
    let which = format!("Share {index} of {total}, quorum {quorum}, generation {generation}");
    sheet.text_right(right, 14.5 * MM, Look(Style::Text, 9.2, Tone::Ink), &which)?;
    Ok(())
}

/// The page of typed lines, a third of them in each panel: eleven at most.
pub(super) fn lines<'f>(fonts: &'f Fonts, face: &Face<'_>, paper: Paper) -> Result<Sheet<'f>, PageError> {
    let mut sheet = Sheet::new(fonts, paper);
    heading(&mut sheet, face, "Typed lines")?;
    let (left, ..) = sheet.span();
    let data = face.lines.len().saturating_sub(2);
    let note = format!(
        "Any {data} of these {} lines are enough. Only A\u{2013}Z and 2\u{2013}7: no 0, 1, 8 or 9. The sixth group checks its line.",
        face.lines.len()
    );
    sheet.text(left, 14.5 * MM + 12.0, Look(Style::Text, 8.5, Tone::Soft), &note)?;
    let numbered: Vec<(usize, &str)> = (1usize..).zip(face.lines.iter().copied()).collect();
    let [first, second] = paper.folds();
    let tops = [21.0 * MM, first + 4.0 * MM, second + 4.0 * MM];
    for (chunk, top) in numbered.chunks(numbered.len().div_ceil(3).max(1)).zip(tops) {
        let height = f32::from(u8::try_from(chunk.len()).unwrap_or(11)) * 20.0;
        let end = [first, second, paper.size().1 - 14.0 * MM].into_iter().find(|&end| end > top);
        let end = end.unwrap_or(top) - 2.0 * MM;
        typed(&mut sheet, chunk, left, (top, end.min(top + height)))?;
    }
    sheet.folds();
    Ok(sheet)
}

/// The page of part codes: two in each panel.
pub(super) fn parts<'f>(
    fonts: &'f Fonts,
    face: &Face<'_>,
    codes: &[Modules],
    paper: Paper,
) -> Result<Sheet<'f>, PageError> {
    let mut sheet = Sheet::new(fonts, paper);
    heading(&mut sheet, face, "Codes of this card")?;
    let (left, right, _) = sheet.span();
    let side = PRINT_MM * MM;
    let [first, second] = paper.folds();
    let tops = [18.0 * MM, first + 7.0 * MM, second + 4.5 * MM];
    let places = tops.into_iter().flat_map(|top| [(true, top), (false, top)]);
    for ((number, code), (at_left, top)) in codes.iter().enumerate().zip(places) {
        let quiet = f32::from(QUIET) * code.module_mm(side);
        let x = if at_left { left - quiet } else { right + quiet - side };
        sheet.marks.push(Mark::Code { x, y: top - quiet + 3.0 * MM, side, number, turned: false });
        let caption = format!("Code {} of {}: all are needed", number.saturating_add(1), codes.len());
        sheet.text(x + quiet, top + side - quiet + 6.0 * MM, NOTE, &caption)?;
    }
    sheet.folds();
    Ok(sheet)
}

/// The line at the foot of every page.
pub(super) fn footer(
    sheet: &mut Sheet<'_>,
    face: &Face<'_>,
    number: usize,
    total: usize,
) -> Result<(), PageError> {
    let (left, right, width) = sheet.span();
    let y = sheet.paper.size().1 - 8.5 * MM;
    let text = format!(
        "{}, card format 1. Fold on the dotted lines. The last page says how to read this card without the program.",
        composed(face.program)
    );
    let (look, lines) = sheet.fit(NOTE, 6.0, width - 60.0, "program", &text)?;
    let [line] = lines.as_slice() else { return Err(PageError::TooLong { field: "program" }) };
    sheet.text(left, y, look, line)?;
    sheet.text_right(right, y, NOTE, &format!("page {number} of {total}"))?;
    Ok(())
}
