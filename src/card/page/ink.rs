//! From marks to a PDF: the only file of the page that draws with `krilla`.
//!
//! In: the sheets of a card, its codes, a title, a name for the document and its date; out: the bytes of a PDF/A-2u file
//! with embedded, subset fonts, as `krilla` enforces it. The bytes depend on these inputs alone: the date and the
//! document's name are the caller's, never the clock's or a random number.
//!
//! A code is one filled path of rectangles, one for each run of dark modules: no hairline gaps between modules at
//! any resolution, and nothing in its quiet zone. Nothing here decides where anything goes.

use krilla::color::luma;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{Path, PathBuilder, Point, Rect, Transform};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::{Fill, LineCap, Stroke, StrokeDash};
use krilla::surface::Surface;
use krilla::{Document, SerializeSettings};
use time::OffsetDateTime;

use super::PageError;
use super::sheet::{Mark, Sheet, Tone};
use crate::card::qr::{Modules, QUIET};

/// What a PDF says about itself.
pub(super) struct About {
    pub(super) title: String,
    pub(super) id: String,
    pub(super) program: String,
    pub(super) made: OffsetDateTime,
}

/// Draws the sheets, in order.
pub(super) fn draw(sheets: &[Sheet<'_>], codes: &[Modules], about: &About) -> Result<Vec<u8>, PageError> {
    let refuse = |_| PageError::Pdf;
    let configuration =
        ConfigurationBuilder::new().with_archival_validator(Archival::A2_U).finish().map_err(refuse)?;
    let mut document = Document::new_with(SerializeSettings {
        configuration,
        enable_tagging: false,
        ..SerializeSettings::default()
    });
    document.set_metadata(metadata(about));
    for sheet in sheets {
        let (width, height) = sheet.paper.size();
        let settings = PageSettings::from_wh(width, height).ok_or(PageError::Pdf)?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        for mark in &sheet.marks {
            draw_mark(&mut surface, sheet, mark, codes)?;
        }
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|_| PageError::Pdf)
}

fn metadata(about: &About) -> Metadata {
    let made = about.made;
    let (hours, minutes, _) = made.offset().as_hms();
    let date = DateTime::new(u16::try_from(made.year()).unwrap_or(0))
        .month(u8::from(made.month()))
        .day(made.day())
        .hour(made.hour())
        .minute(made.minute())
        .second(made.second())
        .utc_offset_hour(hours)
        .utc_offset_minute(minutes.unsigned_abs());
    Metadata::new()
        .title(about.title.clone())
        .language("en".to_owned())
        .creator(about.program.clone())
        .creation_date(date)
        .document_id(about.id.clone())
}

fn draw_mark(
    surface: &mut Surface<'_>,
    sheet: &Sheet<'_>,
    mark: &Mark,
    codes: &[Modules],
) -> Result<(), PageError> {
    match mark {
        Mark::Text { x, y, style, size, tone, text, .. } => {
            paint(surface, Some(grey(*tone)), None);
            let mut x = *x;
            let missing = |character| PageError::Glyph { character, field: "text" };
            for piece in sheet.fonts.pieces(*style, text).map_err(missing)? {
                let start = Point::from_xy(x, *y);
                surface.draw_glyphs(start, &piece.glyphs, piece.font, piece.text, *size, false);
                x += piece.width * size;
            }
        }
        Mark::Rule { from, to, width, dashed } => {
            let dash = dashed.then(|| StrokeDash { array: vec![1.5, 3.5], offset: 0.0 });
            let tone = if *dashed { Tone::Soft } else { Tone::Rule };
            paint(surface, None, Some(stroke(tone, *width, dash)));
            let mut path = PathBuilder::new();
            path.move_to(from.0, from.1);
            path.line_to(to.0, to.1);
            surface.draw_path(&path.finish().ok_or(PageError::Pdf)?);
        }
        Mark::Frame { x, y, width, height } => {
            paint(surface, None, Some(stroke(Tone::Rule, 0.6, None)));
            let rect = Rect::from_xywh(*x, *y, *width, *height).ok_or(PageError::Pdf)?;
            let mut path = PathBuilder::new();
            path.push_rect(rect);
            surface.draw_path(&path.finish().ok_or(PageError::Pdf)?);
        }
        Mark::Code { x, y, side, number, turned } => {
            let code = codes.get(*number).ok_or(PageError::Pdf)?;
            paint(surface, Some(grey(Tone::Ink)), None);
            let place = Transform::from_translate(*x, *y);
            surface.push_transform(&place);
            surface.draw_path(&squares(code, *side, *turned).ok_or(PageError::Pdf)?);
            surface.pop();
        }
    }
    Ok(())
}

/// The dark modules of a code in a square of `side` points with the quiet zone around them.
fn squares(code: &Modules, side: f32, turned: bool) -> Option<Path> {
    let count = code.side();
    let module = side / f32::from(count.checked_add(QUIET.checked_mul(2)?)?);
    let mut path = PathBuilder::new();
    for run in code.runs() {
        let (x, y) = if turned {
            (count.checked_sub(run.x)?.checked_sub(run.length)?, count.checked_sub(run.y)?.checked_sub(1)?)
        } else {
            (run.x, run.y)
        };
        let at = |n: u16| n.checked_add(QUIET).map(|n| f32::from(n) * module);
        path.push_rect(Rect::from_xywh(at(x)?, at(y)?, f32::from(run.length) * module, module)?);
    }
    path.finish()
}

fn paint(surface: &mut Surface<'_>, fill: Option<luma::Color>, stroke: Option<Stroke>) {
    surface.set_fill(fill.map(|colour| Fill { paint: colour.into(), ..Fill::default() }));
    surface.set_stroke(stroke);
}

fn stroke(tone: Tone, width: f32, dash: Option<StrokeDash>) -> Stroke {
    Stroke { paint: grey(tone).into(), width, line_cap: LineCap::Butt, dash, ..Stroke::default() }
}

fn grey(tone: Tone) -> luma::Color {
    luma::Color::new(match tone {
        Tone::Ink => 0,
        Tone::Soft => 90,
        Tone::Rule => 150,
    })
}
