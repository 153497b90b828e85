//! A paper of facts, tables and places to sign: the report of a ceremony, and its script.
//!
//! In: a [`FormFace`], plain data; out: the bytes of a PDF/A-2u file. What it says is the caller's; here
//! it is set. Texts are broken to the width of their place, and inside a word that is wider, so that no
//! text overflows or is cut; a character without a glyph is refused by name. A table that goes on to the
//! next page shows its titles there again. The same face gives the same bytes.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::flow::{Cell, Flow};
use super::font::{Fonts, Style};
use super::sheet::{Look, MM, Sheet, Tone};
use super::{PageError, Paper, composed, ink};

const PROSE: Look = Look(Style::Text, 9.2, Tone::Ink);
const LABEL: Look = Look(Style::Text, 8.0, Tone::Soft);
const CODE: Look = Look(Style::Code, 8.6, Tone::Ink);
const TINY: Look = Look(Style::Text, 6.5, Tone::Soft);
const SMALL: Look = Look(Style::Text, 7.8, Tone::Soft);
const CELL: Look = Look(Style::Text, 8.4, Tone::Ink);
const FINE: Look = Look(Style::Code, 7.2, Tone::Ink);
/// Where the values of facts begin, in points behind the left edge.
const VALUES: f32 = 82.0;

/// Something that is known.
#[derive(Debug, Clone, Copy)]
pub struct Fact<'a> {
    /// What it is.
    pub label: &'a str,
    /// What is known.
    pub value: &'a str,
    /// Whether it is compared letter by letter.
    pub code: bool,
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its part of the width; the parts of a table's columns are summed.
    pub share: u8,
    /// Whether it is compared letter by letter.
    pub code: bool,
}

/// A part of the paper with a heading.
#[derive(Debug, Clone)]
pub struct Section<'a> {
    /// The heading.
    pub head: &'a str,
    /// The columns.
    pub columns: &'a [Column<'a>],
    /// The rows, a text for each column.
    pub rows: Vec<Vec<String>>,
    /// What stands there when there is no row.
    pub empty: &'a str,
    /// The least height of a row in millimetres: room to write by hand.
    pub least: u8,
}

/// What the paper shows.
#[derive(Debug, Clone)]
pub struct FormFace<'a> {
    /// What the paper is.
    pub title: &'a str,
    /// Of what it is, in the upper right corner of each page.
    pub which: &'a str,
    /// What makes it this paper and no other.
    pub id: &'a str,
    /// What is said at the foot of each page.
    pub foot: &'a str,
    /// Boxes to write in, at the top.
    pub boxes: &'a [&'a str],
    /// What is known.
    pub facts: &'a [Fact<'a>],
    /// Its parts.
    pub sections: &'a [Section<'a>],
    /// Who signs, by role and, where it is known, by name.
    pub signatures: &'a [(String, String)],
    /// The time of the paper (RFC 3339).
    pub time: &'a str,
    /// Name and version of the program.
    pub program: &'a str,
}

/// Makes the PDF.
///
/// # Errors
/// [`PageError`].
pub fn form_page(face: &FormFace<'_>, paper: Paper) -> Result<Vec<u8>, PageError> {
    let made = OffsetDateTime::parse(face.time, &Rfc3339).map_err(|_| PageError::Value { field: "time" })?;
    let fonts = Fonts::load()?;
    let sheets = sheets(&fonts, face, paper)?;
    let about = ink::About {
        title: format!("{} of {}", face.title, face.which),
        id: format!("quorate {}", face.id),
        program: face.program.to_owned(),
        made,
    };
    ink::draw(&sheets, &[], &about)
}

/// Lays out every page.
pub(super) fn sheets<'f>(
    fonts: &'f Fonts,
    face: &FormFace<'_>,
    paper: Paper,
) -> Result<Vec<Sheet<'f>>, PageError> {
    let mut flow = Flow::new(fonts, paper);
    boxes(&mut flow, fonts, face)?;
    facts(&mut flow, fonts, face)?;
    for section in face.sections {
        table(&mut flow, fonts, section, paper)?;
    }
    signatures(&mut flow, fonts, face, paper)?;
    let mut sheets = flow.finish();
    let total = sheets.len();
    for (sheet, number) in sheets.iter_mut().zip(1usize..) {
        let (left, right, width) = sheet.span();
        let title = if number == 1 { face.title.to_owned() } else { format!("{}, continued", face.title) };
        let end = sheet.text(left, 14.5 * MM, Look(Style::Bold, 16.0, Tone::Ink), &title)?;
        let room = right - end - 12.0;
        let which = composed(face.which);
        let (look, lines) = sheet.fit(PROSE, 6.5, room.max(width / 4.0), "what the paper is of", &which)?;
        for (line, up) in lines.iter().rev().zip([0.0, 8.0]) {
            sheet.text_right(right, 14.5 * MM - up, look, line)?;
        }
        let y = paper.size().1 - 8.5 * MM;
        let pages = format!("page {number} of {total}");
        let foot = format!("{}. {}", composed(face.program), face.foot);
        sheet.text(left, y, SMALL, &foot)?;
        sheet.text_right(right, y, SMALL, &pages)?;
    }
    Ok(sheets)
}

/// Left edge and width of the text area.
fn area(flow: &mut Flow<'_>) -> Result<(f32, f32), PageError> {
    let (sheet, _) = flow.room(0.0)?;
    let (left, _, width) = sheet.span();
    Ok((left, width))
}

/// A look with a face that has the glyphs of the text.
fn shown(fonts: &Fonts, Look(style, size, tone): Look, text: &str) -> Look {
    Look(fonts.style_for(style, text), size, tone)
}

fn boxes(flow: &mut Flow<'_>, fonts: &Fonts, face: &FormFace<'_>) -> Result<(), PageError> {
    let (left, width) = area(flow)?;
    let mut one = width;
    face.boxes.iter().skip(1).zip(1u8..).for_each(|(_, more)| one = width / (f32::from(more) + 1.0));
    let mut x = left;
    let mut cells = Vec::new();
    for text in face.boxes {
        cells.push(Cell::new(fonts, (x, one), &[(TINY, text)], "a box")?);
        x += one;
    }
    if !cells.is_empty() {
        flow.row(&cells, 11.0 * MM)?;
        flow.skip(4.0);
    }
    Ok(())
}

fn facts(flow: &mut Flow<'_>, fonts: &Fonts, face: &FormFace<'_>) -> Result<(), PageError> {
    let (left, width) = area(flow)?;
    for fact in face.facts {
        let value = composed(fact.value);
        let look = shown(fonts, if fact.code { CODE } else { PROSE }, &value);
        let cell = Cell::new(fonts, (left + VALUES, width - VALUES), &[(look, &value)], "a fact")?;
        for (number, (look, line)) in cell.lines.iter().enumerate() {
            let (sheet, top) = flow.room(look.1 * 1.32)?;
            if number == 0 {
                sheet.text(left, top + look.1, LABEL, fact.label)?;
            }
            sheet.text(left + VALUES, top + look.1, *look, line)?;
        }
    }
    flow.skip(4.0);
    Ok(())
}

/// Refuses a row that no page has room for.
fn fits(paper: Paper, height: f32) -> Result<(), PageError> {
    if height > paper.size().1 - 45.0 * MM { Err(PageError::TooLong { field: "a row" }) } else { Ok(()) }
}

fn table(flow: &mut Flow<'_>, fonts: &Fonts, section: &Section<'_>, paper: Paper) -> Result<(), PageError> {
    let (left, width) = area(flow)?;
    flow.heading(section.head, 40.0)?;
    if section.rows.is_empty() {
        return flow.paragraph(PROSE, section.empty);
    }
    let shares: f32 = section.columns.iter().map(|column| f32::from(column.share)).sum();
    let mut x = left;
    let mut places = Vec::new();
    for column in section.columns {
        let column = width * f32::from(column.share) / shares.max(1.0);
        places.push((x, column));
        x += column;
    }
    let titles = |flow: &mut Flow<'_>| {
        let cells = places.iter().zip(section.columns);
        let cells = cells.map(|(place, column)| Cell::new(fonts, *place, &[(TINY, column.title)], "a title"));
        flow.row(&cells.collect::<Result<Vec<_>, _>>()?, 0.0)
    };
    titles(flow)?;
    let least = f32::from(section.least) * MM;
    for row in &section.rows {
        let cells = places.iter().zip(section.columns).zip(row).map(|((place, column), text)| {
            let text = composed(text);
            let look = shown(fonts, if column.code { FINE } else { CELL }, &text);
            // No text is no line.
            let texts = Some((look, text.as_str())).filter(|(_, text)| !text.is_empty());
            Cell::new(fonts, *place, texts.as_slice(), "a row")
        });
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        let height = cells.iter().map(Cell::height).fold(least, f32::max);
        fits(paper, height)?;
        if flow.breaks(height) {
            flow.skip(f32::MAX / 2.0);
            titles(flow)?;
        }
        flow.row(&cells, least)?;
    }
    Ok(())
}

fn signatures(
    flow: &mut Flow<'_>,
    fonts: &Fonts,
    face: &FormFace<'_>,
    paper: Paper,
) -> Result<(), PageError> {
    if face.signatures.is_empty() {
        return Ok(());
    }
    let (left, width) = area(flow)?;
    let height = 11.0 * MM;
    flow.heading("Signatures", 2.0 * height)?;
    let widths = [0.2, 0.28, 0.2, 0.32];
    for (role, name) in face.signatures {
        let (role, name) = (composed(role), composed(name));
        let bold = shown(fonts, Look(Style::Bold, 8.8, Tone::Ink), &role);
        let plain = shown(fonts, CELL, &name);
        let texts: [&[(Look, &str)]; 4] = [
            &[(bold, &role)],
            &[(TINY, "name"), (plain, &name)],
            &[(TINY, "date, time")],
            &[(TINY, "signature")],
        ];
        let mut x = left;
        let mut cells = Vec::new();
        for (share, texts) in widths.into_iter().zip(texts) {
            let texts: Vec<(Look, &str)> =
                texts.iter().filter(|(_, text)| !text.is_empty()).copied().collect();
            cells.push(Cell::new(fonts, (x, width * share), &texts, "a signature")?);
            x += width * share;
        }
        fits(paper, cells.iter().map(Cell::height).fold(height, f32::max))?;
        flow.row(&cells, height)?;
    }
    Ok(())
}
