//! Rows down a page and on to the next: for papers whose length depends on what they list.
//!
//! A [`Flow`] knows where the next row begins and starts a page when it does not fit. Texts in rows are
//! broken at spaces, and inside a word that is wider than its place, so a list never fails for a name
//! that a card could show; a character without a glyph is refused as everywhere.

use super::font::{Fonts, Style};
use super::sheet::{Look, MM, Mark, Sheet, Tone};
use super::{PageError, Paper};

const HEAD: Look = Look(Style::Bold, 10.5, Tone::Ink);

/// Pages that are being filled.
pub(super) struct Flow<'f> {
    fonts: &'f Fonts,
    paper: Paper,
    sheets: Vec<Sheet<'f>>,
    y: f32,
}

impl<'f> Flow<'f> {
    /// An empty flow; its first row begins a page.
    pub(super) fn new(fonts: &'f Fonts, paper: Paper) -> Self {
        Self { fonts, paper, sheets: Vec::new(), y: f32::MAX }
    }

    /// The page that has room for `height` more points, whether it is a new one, and the top of the row.
    pub(super) fn room(&mut self, height: f32) -> Result<(&mut Sheet<'f>, f32), PageError> {
        if self.y + height > self.paper.size().1 - 13.0 * MM {
            self.sheets.push(Sheet::new(self.fonts, self.paper));
            self.y = 20.0 * MM;
        }
        let top = self.y;
        self.y += height;
        Ok((self.sheets.last_mut().ok_or(PageError::Pdf)?, top))
    }

    /// Whether a row of this height would begin a page.
    pub(super) fn breaks(&self, height: f32) -> bool {
        self.y + height > self.paper.size().1 - 13.0 * MM
    }

    /// Leaves so much empty.
    pub(super) fn skip(&mut self, height: f32) {
        self.y += height;
    }

    /// A row of cells with frames: left edge, width, and lines of text each.
    pub(super) fn row(&mut self, cells: &[Cell], least: f32) -> Result<(), PageError> {
        let height = cells.iter().map(Cell::height).fold(least, f32::max);
        let (sheet, top) = self.room(height)?;
        for cell in cells {
            let (x, y) = (cell.x, top);
            sheet.marks.push(Mark::Frame { x, y, width: cell.width, height });
            let mut y = top + PAD;
            for (look, line) in &cell.lines {
                y += look.1 * 1.18;
                sheet.text(x + PAD, y - look.1 * 0.18, *look, line)?;
            }
        }
        Ok(())
    }

    /// A heading, on the page of at least `with` points of what it is of.
    pub(super) fn heading(&mut self, text: &str, with: f32) -> Result<(), PageError> {
        if self.breaks(with + 22.0) {
            // A heading stays with what it is of.
            self.skip(f32::MAX / 2.0);
        } else {
            self.skip(6.0);
        }
        self.paragraph(HEAD, text)?;
        self.skip(1.5);
        Ok(())
    }

    /// A paragraph over the whole width.
    pub(super) fn paragraph(&mut self, look: Look, text: &str) -> Result<(), PageError> {
        let sheet = Sheet::new(self.fonts, self.paper);
        let (left, _, width) = sheet.span();
        for line in sheet.wrap(look, width, text, "text")? {
            let (sheet, top) = self.room(look.1 * 1.32)?;
            sheet.text(left, top + look.1, look, &line)?;
        }
        Ok(())
    }

    /// The pages.
    pub(super) fn finish(self) -> Vec<Sheet<'f>> {
        self.sheets
    }
}

/// Between a frame and its text.
const PAD: f32 = 3.0;

/// A cell of a row.
pub(super) struct Cell {
    pub(super) x: f32,
    pub(super) width: f32,
    pub(super) lines: Vec<(Look, String)>,
}

impl Cell {
    /// A cell with texts, each broken to its width.
    pub(super) fn new(
        fonts: &Fonts,
        (x, width): (f32, f32),
        texts: &[(Look, &str)],
        field: &'static str,
    ) -> Result<Self, PageError> {
        let mut lines = Vec::new();
        for (look, text) in texts {
            let Look(style, size, tone) = *look;
            let look = Look(fonts.style_for(style, text), size, tone);
            let lines_of = broken(fonts, look, width - 2.0 * PAD, text, field)?;
            lines.extend(lines_of.into_iter().map(|line| (look, line)));
        }
        Ok(Self { x, width, lines })
    }

    pub(super) fn height(&self) -> f32 {
        self.lines.iter().map(|(look, _)| look.1 * 1.18).sum::<f32>() + 2.0 * PAD
    }
}

/// Lines no wider than `width`: broken at spaces, and inside a word only when it is wider.
pub(super) fn broken(
    fonts: &Fonts,
    look: Look,
    width: f32,
    text: &str,
    field: &'static str,
) -> Result<Vec<String>, PageError> {
    let wide = |text: &str| {
        let ems = fonts.width(look.0, text).map_err(|character| PageError::Glyph { character, field })?;
        Ok::<bool, PageError>(ems * look.1 > width)
    };
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if !wide(&longer)? {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            line.push(c);
            if wide(&line)? {
                line.pop();
                lines.push(std::mem::replace(&mut line, c.to_string()));
            }
        }
    }
    lines.push(line);
    Ok(lines)
}
