//! The extra copy of a card in the size of a bank card, 85.6 by 54 mm: one code and what must be known.
//!
//! It is no card of its own: no typed lines, no instructions, one code instead of two, and smaller modules. It
//! says so, and names neither the custodian nor the organisation, since it is what gets lost. A card
//! of several codes has none. The page has exactly that size; everything else is as in `front`.

use super::font::{Fonts, Style};
use super::sheet::{Look, MM, Mark, Sheet, Tone};
use super::{Face, PageError, Paper, Sealing, check, composed, ink};
use crate::card::qr::{Modules, QUIET, QrError};

/// Side of the code with its quiet zone.
const SIDE_MM: f32 = 48.0;
/// The largest modules that are possible are taken.
const LEAST_MM: [f32; 3] = [0.7, 0.6, 0.5];
const SMALL: Look = Look(Style::Text, 6.6, Tone::Ink);
const LABEL: Look = Look(Style::Text, 5.8, Tone::Soft);

/// Makes the PDF of a card's extra copy.
///
/// # Errors
/// [`PageError::Pocket`] for a card of several codes; others as for a card.
pub fn pocket_page(face: &Face<'_>) -> Result<Vec<u8>, PageError> {
    let made = check(face)?;
    let [text] = face.codes else { return Err(PageError::Pocket { codes: face.codes.len() }) };
    let none = QrError::TooLong { length: text.len() };
    let code = LEAST_MM.iter().map(|least| Modules::encode_at(text, SIDE_MM, *least));
    let code = code.fold(Err(none), Result::or).map_err(|source| PageError::Code { number: 1, source })?;
    let fonts = Fonts::load()?;
    let sheet = sheet(&fonts, face, &code)?;
    let Face { quorum, generation, index, total, .. } = face;
    let about = ink::About {
        title: format!("Extra copy of recovery card {index} of {total}, quorum {quorum}"),
        id: format!("quorate pocket card {quorum} {generation} {index} {}", face.verification),
        program: face.program.to_owned(),
        made,
    };
    ink::draw(&[sheet], &[code], &about)
}

/// Lays out the page.
pub(super) fn sheet<'f>(fonts: &'f Fonts, face: &Face<'_>, code: &Modules) -> Result<Sheet<'f>, PageError> {
    let mut sheet = Sheet::new(fonts, Paper::Pocket);
    let side = SIDE_MM * MM;
    // The outer quiet zone may reach to the edge: the paper around it is light too.
    let quiet = f32::from(QUIET) * code.module_mm(side);
    let (place, y) = (4.0 * MM - quiet, (54.0 * MM - side) / 2.0);
    sheet.marks.push(Mark::Code { x: place, y, side, number: 0, turned: false });
    let (x, right) = (place + side + 1.0, 81.6 * MM);
    let Face { index, total, threshold, generation, .. } = *face;
    let sealed = match face.seal {
        Sealing::Passphrase { memory_mib } => format!("passphrase, {memory_mib} MiB"),
        Sealing::Age { recipient_kind } => composed(recipient_kind),
        Sealing::Open => "open: not sealed".to_owned(),
    };
    let rows = [
        (10.0, Look(Style::Bold, 7.4, Tone::Ink), "Recovery card".to_owned()),
        (8.4, SMALL, "extra copy: code only".to_owned()),
        (17.5, Look(Style::Bold, 12.5, Tone::Ink), format!("Share {index} of {total}")),
        (9.0, SMALL, format!("any {threshold} recover the keys")),
        (11.5, LABEL, format!("quorum, generation {generation}")),
        (8.2, Look(Style::Code, 6.8, Tone::Ink), face.quorum.to_owned()),
        (11.0, LABEL, "verification code".to_owned()),
        (11.0, Look(Style::Code, 10.5, Tone::Ink), face.verification.to_owned()),
        (11.0, LABEL, "sealed by".to_owned()),
        (8.2, SMALL, sealed),
        (13.0, Look(Style::Bold, 6.6, Tone::Ink), "Keep sealed.".to_owned()),
        (8.2, Look(Style::Bold, 6.6, Tone::Ink), "Never photograph.".to_owned()),
    ];
    let mut y = 3.0 * MM - 3.0;
    for (down, look, text) in rows {
        y += down;
        let (look, lines) = sheet.fit(look, 4.5, right - x, "a text of the extra copy", &text)?;
        let [line] = lines.as_slice() else {
            return Err(PageError::TooLong { field: "a text of the extra copy" });
        };
        sheet.text(x, y, look, line)?;
    }
    Ok(sheet)
}
