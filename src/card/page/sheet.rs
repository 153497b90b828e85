//! One page before it is drawn: a list of marks with known places, in points from the top left corner.
//!
//! In: texts, lines, boxes and codes of a layout (`front`, `more`, `back`); out: [`Mark`]s, whose sizes are known exactly, so
//! that tests can show that nothing overlaps, leaves the page or crosses a fold. Here text is measured, shrunk
//! to fit, wrapped, or refused.
//!
//! It knows nothing of cards and nothing of PDF: `ink` draws the marks.

use super::font::{Fonts, Style};
use super::{PageError, Paper};

/// One millimetre in points.
pub(super) const MM: f32 = 72.0 / 25.4;
/// Text and codes stay this far from the left and right edges.
pub(super) const MARGIN: f32 = 18.0 * MM;

/// How dark a mark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// Black.
    Ink,
    /// Labels and notes: dark grey.
    Soft,
    /// Rules and empty boxes: mid grey.
    Rule,
}

/// Something on the page; `y` of a text is its baseline.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mark {
    /// A line of text.
    Text { x: f32, y: f32, width: f32, style: Style, size: f32, tone: Tone, text: String },
    /// A straight line.
    Rule { from: (f32, f32), to: (f32, f32), width: f32, dashed: bool },
    /// An empty box.
    Frame { x: f32, y: f32, width: f32, height: f32 },
    /// The code of this number, its quiet zone within the given square.
    Code { x: f32, y: f32, side: f32, number: usize, turned: bool },
}

/// Style, size in points and tone of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look(pub(super) Style, pub(super) f32, pub(super) Tone);

/// A page that is being laid out.
pub(super) struct Sheet<'f> {
    pub(super) fonts: &'f Fonts,
    pub(super) paper: Paper,
    pub(super) marks: Vec<Mark>,
}

impl<'f> Sheet<'f> {
    pub(super) fn new(fonts: &'f Fonts, paper: Paper) -> Self {
        Self { fonts, paper, marks: Vec::new() }
    }

    /// Left edge, right edge and width of the text area.
    pub(super) fn span(&self) -> (f32, f32, f32) {
        let right = self.paper.size().0 - MARGIN;
        (MARGIN, right, right - MARGIN)
    }

    /// Width in points.
    pub(super) fn width(&self, look: Look, text: &str, field: &'static str) -> Result<f32, PageError> {
        let ems =
            self.fonts.width(look.0, text).map_err(|character| PageError::Glyph { character, field })?;
        Ok(ems * look.1)
    }

    /// A line of text from `x`; its right end is returned.
    pub(super) fn text(&mut self, x: f32, y: f32, look: Look, text: &str) -> Result<f32, PageError> {
        let width = self.width(look, text, "text")?;
        let Look(style, size, tone) = look;
        self.marks.push(Mark::Text { x, y, width, style, size, tone, text: text.to_owned() });
        Ok(x + width)
    }

    /// A line of text that ends at `right`.
    pub(super) fn text_right(
        &mut self,
        right: f32,
        y: f32,
        look: Look,
        text: &str,
    ) -> Result<f32, PageError> {
        let width = self.width(look, text, "text")?;
        self.text(right - width, y, look, text)
    }

    /// A value of the card's issuer in one line, smaller if it must be, or in two lines of the smallest size. The lines
    /// and the look they fit in are returned.
    pub(super) fn fit(
        &self,
        look: Look,
        least: f32,
        width: f32,
        field: &'static str,
        text: &str,
    ) -> Result<(Look, Vec<String>), PageError> {
        let Look(style, size, tone) = look;
        let style = self.fonts.style_for(style, text);
        let natural = self.width(Look(style, size, tone), text, field)?;
        if natural <= width {
            return Ok((Look(style, size, tone), vec![text.to_owned()]));
        }
        // A tenth of a point steps: a size is a number that a person can read in the file.
        let shrunk = (size * width / natural * 10.0).floor() / 10.0;
        if shrunk >= least {
            return Ok((Look(style, shrunk, tone), vec![text.to_owned()]));
        }
        let look = Look(style, least, tone);
        let lines = self.wrap(look, width, text, field)?;
        if lines.len() > 2 { Err(PageError::TooLong { field }) } else { Ok((look, lines)) }
    }

    /// Breaks a text at spaces into lines no wider than `width`. A single word that is wider is refused.
    pub(super) fn wrap(
        &self,
        look: Look,
        width: f32,
        text: &str,
        field: &'static str,
    ) -> Result<Vec<String>, PageError> {
        let mut lines: Vec<String> = Vec::new();
        let mut line = String::new();
        for word in text.split_whitespace() {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(look, &longer, field)? <= width {
                line = longer;
                continue;
            }
            if self.width(look, word, field)? > width {
                return Err(PageError::TooLong { field });
            }
            lines.push(std::mem::replace(&mut line, word.to_owned()));
        }
        lines.push(line);
        Ok(lines)
    }

    /// A paragraph whose first baseline is `y`; the baseline after it is returned.
    pub(super) fn paragraph(
        &mut self,
        (x, width): (f32, f32),
        mut y: f32,
        look: Look,
        leading: f32,
        text: &str,
    ) -> Result<f32, PageError> {
        for line in self.wrap(look, width, text, "text")? {
            self.text(x, y, look, &line)?;
            y += leading;
        }
        Ok(y)
    }

    /// A paragraph with a number or dash hanging before it.
    pub(super) fn item(
        &mut self,
        (x, width): (f32, f32),
        y: f32,
        look: Look,
        leading: f32,
        (label, text): (&str, &str),
    ) -> Result<f32, PageError> {
        let indent = look.1 * 1.25;
        self.text(x, y, Look(Style::Bold, look.1, look.2), label)?;
        self.paragraph((x + indent, width - indent), y, look, leading, text)
    }

    /// A thin line from left to right.
    pub(super) fn rule(&mut self, x: f32, right: f32, y: f32) {
        self.marks.push(Mark::Rule { from: (x, y), to: (right, y), width: 0.5, dashed: false });
    }

    /// The two fold lines, from edge to edge.
    pub(super) fn folds(&mut self) {
        let width = self.paper.size().0;
        for y in self.paper.folds() {
            let (from, to) = ((5.0 * MM, y), (width - 5.0 * MM, y));
            self.marks.push(Mark::Rule { from, to, width: 0.4, dashed: true });
        }
    }
}
