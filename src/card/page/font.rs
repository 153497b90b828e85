//! The typefaces of a page: which glyph a character has and how wide it is.
//!
//! The same glyphs and advances that are measured here are the ones that are drawn, so a text that fits its box on paper
//! is decided by this file alone (`skrifa`, in the version that `krilla` embeds fonts with). There is no shaping: no
//! ligatures, no kerning, no combining marks, no right-to-left scripts. A character without a glyph of its own
//! is reported to the caller, who refuses the card: a name must not be printed with holes.
//!
//! The fonts are the files of `fonts/` (SIL Open Font License 1.1), compiled into the program.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider};

use super::PageError;

/// How a text is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Prose.
    Text,
    /// Headings and what must be seen first.
    Bold,
    /// Codes and typed lines: one width, and no two characters alike.
    Code,
    /// Names in Greek, Cyrillic and wider Latin, where `Text` has no glyphs.
    Wide,
}

struct Typeface {
    drawn: Font,
    measured: FontRef<'static>,
    units: f32,
}

impl Typeface {
    fn load(bytes: &'static [u8]) -> Result<Self, PageError> {
        let measured = FontRef::new(bytes).map_err(|_| PageError::Font)?;
        let drawn = Font::new(bytes.into(), 0).ok_or(PageError::Font)?;
        let units = drawn.units_per_em();
        if units < 1.0 { Err(PageError::Font) } else { Ok(Self { drawn, measured, units }) }
    }

    /// Glyph and advance, in ems. Characters without width (marks, joiners, direction controls) count as missing.
    fn glyph(&self, c: char) -> Option<(GlyphId, f32)> {
        let id = self.measured.charmap().map(c)?;
        let metrics = GlyphMetrics::new(&self.measured, Size::unscaled(), LocationRef::default());
        let advance = metrics.advance_width(id).filter(|&advance| advance > 0.0)?;
        Some((GlyphId::new(id.to_u32()), advance / self.units))
    }
}

/// The four typefaces.
pub(super) struct Fonts {
    text: Typeface,
    bold: Typeface,
    code: Typeface,
    wide: Typeface,
}

/// A piece of text in one typeface, ready to be drawn.
pub(super) struct Piece<'t> {
    pub(super) font: Font,
    pub(super) text: &'t str,
    pub(super) glyphs: Vec<KrillaGlyph>,
    /// In ems.
    pub(super) width: f32,
}

impl Fonts {
    /// Reads the fonts that are compiled in.
    pub(super) fn load() -> Result<Self, PageError> {
        Ok(Self {
            text: Typeface::load(include_bytes!("../../../fonts/AtkinsonHyperlegibleNext-Regular.ttf"))?,
            bold: Typeface::load(include_bytes!("../../../fonts/AtkinsonHyperlegibleNext-Bold.ttf"))?,
            code: Typeface::load(include_bytes!("../../../fonts/AtkinsonHyperlegibleMono-Medium.ttf"))?,
            wide: Typeface::load(include_bytes!("../../../fonts/NotoSans-Regular.ttf"))?,
        })
    }

    fn face(&self, style: Style) -> &Typeface {
        match style {
            Style::Text => &self.text,
            Style::Bold => &self.bold,
            Style::Code => &self.code,
            Style::Wide => &self.wide,
        }
    }

    /// `style`, or [`Style::Wide`] for the whole text when a glyph is missing, so that a name is not patched together.
    pub(super) fn style_for(&self, style: Style, text: &str) -> Style {
        if text.chars().all(|c| self.face(style).glyph(c).is_some()) { style } else { Style::Wide }
    }

    /// Width in ems, or the first character that neither `style` nor the wide typeface has.
    pub(super) fn width(&self, style: Style, text: &str) -> Result<f32, char> {
        Ok(self.pieces(style, text)?.iter().map(|piece| piece.width).sum())
    }

    /// The text in pieces of one typeface each: a word that `style` lacks a glyph for is set in the wide one.
    pub(super) fn pieces<'t>(&self, style: Style, text: &'t str) -> Result<Vec<Piece<'t>>, char> {
        if self.style_for(style, text) == style {
            return Ok(vec![self.piece(style, text)?]);
        }
        text.split_inclusive(' ').map(|word| self.piece(self.style_for(style, word), word)).collect()
    }

    fn piece<'t>(&self, style: Style, text: &'t str) -> Result<Piece<'t>, char> {
        let face = self.face(style);
        let mut width = 0.0;
        let mut glyphs = Vec::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            let (id, advance) = face.glyph(c).ok_or(c)?;
            width += advance;
            let range = at..at.saturating_add(c.len_utf8());
            glyphs.push(KrillaGlyph::new(id, advance, 0.0, 0.0, 0.0, range, None));
        }
        Ok(Piece { font: face.drawn.clone(), text, glyphs, width })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_character_has_the_same_width() {
        let fonts = Fonts::load().unwrap();
        for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567 -".chars() {
            assert_eq!(fonts.code.glyph(c).unwrap().1, fonts.code.glyph('A').unwrap().1);
        }
    }

    #[test]
    fn names_in_other_alphabets_have_glyphs_and_invisible_characters_have_none() {
        let fonts = Fonts::load().unwrap();
        for name in ["Łukasz Ångström", "Ελένη Παπαδοπούλου", "Ольга Щербакова", "Nguyễn Thị Ánh"]
        {
            assert!(fonts.width(Style::Text, name).is_ok(), "{name}");
        }
        for bad in ['\u{202e}', '\u{200b}', '\u{301}', '\n', '\0', '\u{feff}', '山', 'ש'] {
            assert_eq!(fonts.width(Style::Text, &format!("a{bad}b")), Err(bad));
        }
    }
}
