//! Tests of the printed card: what is on the page, where, and what is refused.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use proptest::prelude::*;

use super::sheet::Mark;
use super::*;

mod papers;

const QR: &str = "QUORATE/1/AEAT4XKQ7ZV2M5LHWCJDRNGB6YFSUPO3IEATK7QMXZ2VL5HWCJDRNGB6YFSUPO3IEATK7QMXZ2VL5HWCJDRNGB6YFSUPO3IEATK7QM\
                  XZ2VL5HWCJDRNGB6YFSUPO3IEATK7QMXZ2VL5HWCJDRNGB6YFSUPO3IEATK7QMXZ2VL5HWCJDRNGB6YFSUPO3IEATK7QMXZ2VL5HWCJD";
const LINE: &str = "MFRGG ZDFMZ TWQ2L KKNNW G23TP OBYXE";

fn face() -> Face<'static> {
    Face {
        organisation: Some("Example Corporation"),
        quorum: "7F3K-Q2XD-MZ4T-LW6A",
        generation: 1,
        threshold: 3,
        total: 5,
        index: 2,
        custodian: "Alice Example",
        role: Some("Head of Internal Audit"),
        made: "2026-11-23T14:05:00Z",
        ceremony: Some("C-014"),
        envelope: Some("E-004812"),
        seal: Sealing::Passphrase { memory_mib: 512 },
        checkpoint: Some((1042, "9F3A C41D 07BE")),
        verification: "4FMK-7Q2M",
        codes: &[QR],
        lines: &[LINE; 10],
        contact: Some("the security duty officer"),
        program: "Quorate 0.1.0",
    }
}

fn variants() -> Vec<Face<'static>> {
    let short = Face {
        organisation: None,
        role: None,
        ceremony: None,
        envelope: None,
        checkpoint: None,
        contact: None,
        seal: Sealing::Open,
        threshold: 5,
        lines: &[LINE; 5],
        ..face()
    };
    let age = Face { seal: Sealing::Age { recipient_kind: "YubiKey" }, lines: &[LINE; 22], ..face() };
    let parts =
        Face { seal: Sealing::Age { recipient_kind: "age key" }, lines: &[], codes: &[QR; 6], ..face() };
    let most = Face {
        lines: &[LINE; 31],
        codes: &[QR; 2],
        threshold: 255,
        total: 255,
        index: 255,
        generation: u16::MAX,
        ..face()
    };
    let wide = Face {
        organisation: Some("Εθνική Τράπεζα Παραδειγμάτων Ανώνυμη Εταιρεία"),
        custodian: "Ольга Константиновна Щербакова-Преображенская, заместитель",
        role: Some("Vorsitzende des Prüfungsausschusses der Gesellschafterversammlung und Stellvertreterin"),
        ..face()
    };
    let longest = Face {
        organisation: Some(
            "A Very Long Name of an Organisation for the Administration of Long Names, Incorporated, Limited",
        ),
        custodian: "Maximiliana Konstantinopolitanska-Featherstonehaugh of the Second House of Featherstonehaugh",
        contact: Some("the duty officer for security incidents of the administration, at any hour of day"),
        ..face()
    };
    vec![face(), short, age, parts, most, wide, longest, Face { lines: &[LINE; 11], ..face() }]
}

/// Left, top, right and bottom of a mark; a text from its highest accent to its lowest descender.
fn bounds(mark: &Mark) -> [f32; 4] {
    match mark {
        Mark::Text { x, y, width, size, .. } => [*x, y - size * 0.78, x + width, y + size * 0.24],
        Mark::Rule { from, to, .. } => [from.0, from.1, to.0, to.1],
        Mark::Frame { x, y, width, height } => [*x, *y, x + width, y + height],
        Mark::Code { x, y, side, .. } => [*x, *y, x + side, y + side],
    }
}

fn apart(one: &Mark, two: &Mark) -> bool {
    let (a, b) = (bounds(one), bounds(two));
    a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1]
}

fn laid_out(face: &Face<'_>, paper: Paper) -> Vec<Vec<Mark>> {
    let fonts = font::Fonts::load().unwrap();
    let codes: Vec<_> = face.codes.iter().map(|text| Modules::encode(text).unwrap()).collect();
    let sheets = sheets(&fonts, face, check(face).unwrap(), &codes, paper).unwrap();
    sheets.into_iter().map(|sheet| sheet.marks).collect()
}

fn text_of(marks: &[Mark]) -> String {
    let line = |mark: &Mark| if let Mark::Text { text, .. } = mark { Some(text.clone()) } else { None };
    marks.iter().filter_map(line).collect::<Vec<_>>().join(" ")
}

/// No two marks meet, all are inside the margins, and only a fold line is on a fold.
fn assert_sound(marks: &[Mark], paper: Paper) {
    let (width, height) = paper.size();
    for (n, mark) in marks.iter().enumerate() {
        let [left, top, right, bottom] = bounds(mark);
        let margin = if matches!(mark, Mark::Text { .. }) { 17.9 * MM } else { 4.9 * MM };
        assert!(left >= margin && right <= width - margin, "{mark:?}");
        assert!(top >= 8.0 * MM && bottom <= height - 7.0 * MM, "{mark:?}");
        // A text may stand in an empty frame, and frames touch; nothing else may meet.
        for other in &marks[n + 1..] {
            let framed = [mark, other].iter().any(|m| matches!(m, Mark::Frame { .. }));
            assert!(framed || apart(mark, other), "{paper:?}: {mark:?} meets {other:?}");
        }
        let folded = |fold: &f32| top < fold + 1.5 * MM && fold - 1.5 * MM < bottom;
        let is_fold = matches!(mark, Mark::Rule { dashed: true, .. });
        assert!(is_fold || !paper.folds().iter().any(folded), "{paper:?}: {mark:?} is folded");
    }
}

#[test]
fn nothing_overlaps_leaves_the_page_or_crosses_a_fold() {
    for face in variants() {
        for paper in [Paper::A4, Paper::Letter] {
            for marks in laid_out(&face, paper) {
                assert_sound(&marks, paper);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_names_fit_or_are_refused_by_name(
        texts in proptest::collection::vec("([A-Za-zÀ-žΑ-ωА-я.-]{1,40} ){1,9}[a-z]", 6),
        lines in 3usize..=LINES_MAX,
        letter in any::<bool>(),
    ) {
        let lines = vec![LINE; lines];
        let face = Face {
            organisation: Some(&texts[0]),
            custodian: &texts[1],
            role: Some(&texts[2]),
            ceremony: Some(&texts[3]),
            envelope: Some(&texts[4]),
            contact: Some(&texts[5]),
            lines: &lines,
            ..face()
        };
        let paper = if letter { Paper::Letter } else { Paper::A4 };
        let fonts = font::Fonts::load().unwrap();
        let codes = [Modules::encode(QR).unwrap()];
        match sheets(&fonts, &face, check(&face).unwrap(), &codes, paper) {
            Ok(sheets) => sheets.iter().for_each(|sheet| assert_sound(&sheet.marks, paper)),
            Err(PageError::TooLong { field } | PageError::Glyph { field, .. }) => prop_assert_ne!(field, "text"),
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }
}

#[test]
fn a_text_stays_inside_the_frame_it_stands_in() {
    for face in variants() {
        for marks in laid_out(&face, Paper::Letter) {
            for frame in marks.iter().filter(|m| matches!(m, Mark::Frame { .. })) {
                let f = bounds(frame);
                for mark in marks.iter().filter(|m| matches!(m, Mark::Text { .. }) && !apart(frame, m)) {
                    let m = bounds(mark);
                    assert!(
                        f[0] < m[0] && f[1] < m[1] && m[2] < f[2] && m[3] < f[3],
                        "{mark:?} in {frame:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn one_code_is_printed_twice_and_parts_once_each() {
    let count = |face: &Face<'_>| {
        let marks = laid_out(face, Paper::A4).concat();
        marks
            .iter()
            .filter_map(|m| match m {
                Mark::Code { number, side, turned, .. } => Some((*number, (side / MM).round(), *turned)),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(count(&face()), [(0, 70.0, false), (0, 38.0, true)]);
    let parts = count(&Face { codes: &[QR; 6], ..face() });
    assert_eq!(parts, (0..6).map(|n| (n, 70.0, false)).collect::<Vec<_>>());
}

/// The text of a code, read by `rxing` from the page as `hayro` draws it at 300 dots per inch: the printed place with its quiet
/// zone, cut out and nothing else.
fn scanned(pdf: &[u8], page: usize, mark: &Mark) -> String {
    use hayro::hayro_interpret::InterpreterSettings;
    use hayro::hayro_syntax::Pdf;
    let pdf = Pdf::new(pdf.to_vec()).unwrap();
    let scale = 300.0 / 72.0;
    let settings = hayro::PixmapSettings {
        x_scale: scale,
        y_scale: scale,
        bg_color: hayro::vello_cpu::color::palette::css::WHITE,
    };
    let drawn = hayro::render(
        &pdf.pages()[page],
        &hayro::RenderCache::new(),
        &InterpreterSettings::default(),
        &hayro::RenderSettings::default(),
        &settings,
    );
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let [left, top, right, bottom] = bounds(mark).map(|at| (at * scale) as u32);
    let width = usize::from(drawn.width());
    let luma = (top..bottom)
        .flat_map(|y| (left..right).map(move |x| (x, y)))
        .map(|(x, y)| drawn.data()[y as usize * width + x as usize].g)
        .collect();
    let format = Some(rxing::BarcodeFormat::QR_CODE);
    rxing::helpers::detect_in_luma(luma, right - left, bottom - top, format).unwrap().getText().to_owned()
}

#[test]
fn every_printed_code_is_read_back_from_the_drawn_page() {
    let other = QR.replace("QUORATE/1/A", "QUORATE/1/B");
    let parts = Face { codes: &[QR, &other, QR], ..face() };
    for (face, paper) in [(face(), Paper::A4), (face(), Paper::Letter), (parts, Paper::A4)] {
        let pdf = card_page(&face, paper).unwrap();
        let mut read = 0;
        for (page, marks) in laid_out(&face, paper).iter().enumerate() {
            for mark in marks {
                if let Mark::Code { number, .. } = mark {
                    assert_eq!(scanned(&pdf, page, mark), face.codes[*number]);
                    read += 1;
                }
            }
        }
        assert_eq!(read, if face.codes.len() == 1 { 2 } else { 3 });
    }
}

#[test]
fn the_page_says_what_a_custodian_must_know() {
    let text = text_of(&laid_out(&face(), Paper::A4).concat());
    for words in [
        "Share 2 of 5",
        "Any 3 of the 5 cards",
        "Example Corporation",
        "Alice Example",
        "7F3K-Q2XD-MZ4T-LW6A",
        "generation 1, made 2026-11-23 14:05 UTC",
        "E-004812",
        "NEEDED, and 512 MiB",
        "record 1042",
        "4FMK-7Q2M",
        "any 8 of these 10",
        "nobody from IT will ask",
        "Do not combine generations",
        "the security duty officer",
        "card format 1",
        "page 1 of 2",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert_eq!(text.matches(LINE).count(), 10);
    assert!(!text.contains("QUORATE/1/A"), "the text of the code is in the code alone");
}

#[test]
fn the_same_face_gives_the_same_bytes_and_another_face_others() {
    let pdf = |face: &Face<'_>, paper| card_page(face, paper).unwrap();
    let first = pdf(&face(), Paper::A4);
    assert!(first.starts_with(b"%PDF-1.7"));
    assert_eq!(first, pdf(&face(), Paper::A4));
    assert_ne!(first, pdf(&face(), Paper::Letter));
    for other in [
        Face { index: 3, ..face() },
        Face { made: "2026-11-23T14:05:01Z", ..face() },
        Face { custodian: "Bob Example", ..face() },
        Face { verification: "4FMK-7Q2N", ..face() },
        Face { codes: &["QUORATE/1/ABC"], ..face() },
    ] {
        assert_ne!(first, pdf(&other, Paper::A4));
    }
}

#[test]
fn fonts_are_embedded_and_the_file_claims_pdf_a_2u() {
    let pdf = card_page(&variants()[5], Paper::A4).unwrap();
    let count = |what: &[u8]| pdf.windows(what.len()).filter(|bytes| *bytes == what).count();
    assert!(count(b"pdfaid:part>2<") == 1 && count(b"pdfaid:conformance>U<") == 1);
    assert_eq!(count(b"/FontFile"), 4);
    assert_eq!(count(b"/ToUnicode"), 4);
}

#[test]
fn what_cannot_be_shown_is_refused_and_named() {
    let refused = |face: Face<'_>| card_page(&face, Paper::A4).map(|pdf| pdf.len()).unwrap_err();
    let glyph = |character, field| PageError::Glyph { character, field };
    assert_eq!(refused(Face { custodian: "山田太郎", ..face() }), glyph('山', "custodian"));
    assert_eq!(refused(Face { role: Some("a\u{202e}b"), ..face() }), glyph('\u{202e}', "role"));
    assert_eq!(refused(Face { envelope: Some("E\n1"), ..face() }), glyph('\n', "envelope"));
    let long = "Bartholomew ".repeat(20);
    for (face, field) in [
        (Face { custodian: &long, ..face() }, "custodian"),
        (Face { organisation: Some(&long), ..face() }, "organisation"),
        (Face { role: Some(&"x".repeat(200)), ..face() }, "role"),
        (Face { contact: Some(&long), ..face() }, "contact"),
        (Face { program: &long, ..face() }, "program"),
    ] {
        assert_eq!(refused(face), PageError::TooLong { field });
    }
    assert_eq!(refused(Face { contact: Some("山"), ..face() }), glyph('山', "contact"));
}

#[test]
fn values_that_no_card_has_are_refused() {
    let value = |field| Err(PageError::Value { field });
    for (face, field) in [
        (Face { quorum: "7F3K-Q2XD-MZ4T-LW6", ..face() }, "quorum id"),
        (Face { quorum: "7F3K-Q2XD-MZ4T-LW61", ..face() }, "quorum id"),
        (Face { verification: "4FMK7Q2M", ..face() }, "verification code"),
        (Face { threshold: 6, ..face() }, "threshold"),
        (Face { threshold: 1, ..face() }, "threshold"),
        (Face { index: 0, ..face() }, "index"),
        (Face { codes: &[], ..face() }, "codes"),
        (Face { codes: &[QR; 7], ..face() }, "codes"),
        (Face { lines: &[LINE; 2], ..face() }, "typed lines"),
        (Face { lines: &[LINE; 32], ..face() }, "typed lines"),
        (Face { lines: &[LINE, "MFRGG ZDFMZ", LINE], ..face() }, "typed lines"),
        (Face { made: "23 November", ..face() }, "made"),
        (Face { custodian: "  ", ..face() }, "an empty text"),
    ] {
        assert_eq!(card_page(&face, Paper::A4), value(field));
    }
    let lower = card_page(&Face { codes: &["quorate"], ..face() }, Paper::A4);
    assert_eq!(lower, Err(PageError::Code { number: 1, source: QrError::Alphabet { position: 0 } }));
    assert_eq!("a4".parse(), Ok(Paper::A4));
    assert_eq!("letter".parse(), Ok(Paper::Letter));
    assert_eq!("a5".parse::<Paper>(), Err(PageError::Paper));
}

#[test]
fn the_last_page_is_large_enough_to_read() {
    let fonts = font::Fonts::load().unwrap();
    for paper in [Paper::A4, Paper::Letter] {
        let sheet = back::back(&fonts, paper).unwrap();
        let sizes = sheet
            .marks
            .iter()
            .filter_map(|m| if let Mark::Text { size, .. } = m { Some(*size) } else { None });
        assert!(sizes.fold(f32::MAX, f32::min) >= 7.2);
    }
}

/// Leaves samples to look at: `cargo test --lib page:: -- --ignored`, in the folder that `QUORATE_SAMPLES` names.
#[test]
#[ignore = "writes files"]
#[allow(clippy::disallowed_methods)]
fn samples() {
    let folder = std::env::var("QUORATE_SAMPLES").unwrap();
    let names =
        ["ordinary", "open-short", "age-22-lines", "parts", "most", "wide-names", "longest", "lines-11"];
    for (name, face) in names.into_iter().zip(variants()) {
        for (paper, size) in [(Paper::A4, "a4"), (Paper::Letter, "letter")] {
            std::fs::write(format!("{folder}/{name}-{size}.pdf"), card_page(&face, paper).unwrap()).unwrap();
        }
    }
}
