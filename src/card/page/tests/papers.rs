//! The other papers: backup sheets, ceremony sheets, extra copies. Nothing overlaps or leaves its page, and
//! names of any length and script fit or are refused by name.

use super::*;
use crate::card::page::backup::{self, BackupFace};
use crate::card::page::ceremony::{self, CardRow, CeremonyFace, KeyRow};
use crate::card::page::form::{self, Column, Fact, FormFace, Section};
use crate::card::page::pocket;

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const CHECKPOINT: &str = "9007199254740991:ABCD-EFGH-IJKL-MNOP-QRST-UVWX-YZ23-4567";
const LONG: &str =
    "Maximiliana-Konstantinopolitanska-Featherstonehaugh-of-the-Second-House-of-Featherstonehaugh-Junior";

fn backup_face<'a>(codes: &'a [&'a str]) -> BackupFace<'a> {
    BackupFace {
        organisation: Some("Example Corporation"),
        name: "payments",
        version: 3,
        kind: "ec-secp256k1",
        fingerprint: HEX,
        short: "ABCD-EFGH-IJKL-MNOP",
        spki: Some(HEX),
        created: "2026-11-23T14:05:00Z",
        quorum: "7F3K-Q2XD-MZ4T-LW6A",
        generation: 1,
        threshold: 3,
        total: 5,
        checkpoint: CHECKPOINT,
        time: "2026-11-23T14:05:00Z",
        sheet: "ABCDEFGH",
        bytes: 5059,
        codes,
        program: "quorate 0.1.0",
    }
}

fn ceremony_face<'a>(cards: &'a [CardRow<'a>], keys: &'a [KeyRow<'a>]) -> CeremonyFace<'a> {
    CeremonyFace {
        organisation: Some("Example Corporation"),
        quorum: "7F3K-Q2XD-MZ4T-LW6A",
        generation: 1,
        threshold: 3,
        total: 5,
        made: "2026-11-23T14:05:00Z",
        recipient: "age1pq1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq",
        recipient_digest: HEX,
        record: HEX,
        checkpoint: CHECKPOINT,
        time: "2026-11-23T14:05:00Z",
        cards,
        keys,
        versions: keys.len(),
        program: "quorate 0.1.0",
        binary: Some(HEX),
    }
}

/// As `assert_sound`, for a paper without folds.
fn assert_flat(marks: &[Mark], paper: Paper, least: f32) {
    let (width, height) = paper.size();
    for (n, mark) in marks.iter().enumerate() {
        let [left, top, right, bottom] = bounds(mark);
        let margin = if matches!(mark, Mark::Code { .. }) { least.min(4.9 * MM) } else { least };
        assert!(left >= margin - 0.1 && right <= width - margin + 0.1, "{paper:?}: {mark:?}");
        let edge = least.min(7.0 * MM);
        assert!(top >= edge - 0.1 && bottom <= height - edge + 0.1, "{paper:?}: {mark:?}");
        for other in &marks[n + 1..] {
            let framed = [mark, other].iter().any(|m| matches!(m, Mark::Frame { .. }));
            assert!(framed || apart(mark, other), "{paper:?}: {mark:?} meets {other:?}");
        }
    }
}

fn backup_marks(face: &BackupFace<'_>, paper: Paper) -> Result<Vec<Vec<Mark>>, PageError> {
    let fonts = font::Fonts::load().unwrap();
    let codes: Vec<_> = face.codes.iter().map(|text| Modules::encode(text).unwrap()).collect();
    let date = OffsetDateTime::parse(face.time, &Rfc3339).unwrap();
    let sheets = backup::sheets(&fonts, face, (date, date), &codes, paper)?;
    Ok(sheets.into_iter().map(|sheet| sheet.marks).collect())
}

fn ceremony_marks(face: &CeremonyFace<'_>, paper: Paper) -> Result<Vec<Vec<Mark>>, PageError> {
    let fonts = font::Fonts::load().unwrap();
    let date = OffsetDateTime::parse(face.time, &Rfc3339).unwrap();
    let sheets = ceremony::sheets(&fonts, face, (date, date), paper)?;
    Ok(sheets.into_iter().map(|sheet| sheet.marks).collect())
}

#[test]
fn a_backup_sheet_fits_its_pages_and_shows_every_code() {
    let code = format!("QUORATE/1/B1OF13/ABCDEFGH/{}", "M".repeat(784));
    let name = "n".repeat(64);
    for count in [2, 6, 13] {
        let codes = vec![code.as_str(); count];
        let most = BackupFace {
            organisation: Some(LONG),
            name: &name,
            version: u32::MAX,
            generation: u16::MAX,
            threshold: 255,
            total: 255,
            ..backup_face(&codes)
        };
        let none = BackupFace { organisation: None, spki: None, threshold: 5, ..backup_face(&codes) };
        for face in [backup_face(&codes), most, none] {
            for paper in [Paper::A4, Paper::Letter] {
                let pages = backup_marks(&face, paper).unwrap();
                assert_eq!(pages.len(), 1 + count.div_ceil(6));
                pages.iter().for_each(|marks| assert_flat(marks, paper, 17.9 * MM));
                let codes: Vec<&Mark> =
                    pages.iter().flatten().filter(|mark| matches!(mark, Mark::Code { .. })).collect();
                assert_eq!(codes.len(), count);
            }
        }
    }
    let codes = vec![code.as_str(); 2];
    let hidden = BackupFace { organisation: Some("\u{202e}Corp"), ..backup_face(&codes) };
    assert!(matches!(backup_page(&hidden, Paper::A4), Err(PageError::Glyph { character: '\u{202e}', .. })));
}

#[test]
fn a_ceremony_sheet_of_any_number_of_custodians_and_keys_fits_its_pages() {
    let names = [LONG, "Ольга Константиновна Щербакова-Преображенская, заместитель", "bob", "Ἀθηνᾶ"];
    for (custodians, keys) in [(2u8, 0), (3, 1), (17, 12), (18, 13), (40, 100), (255, 100)] {
        let cards: Vec<CardRow<'_>> = (1..=custodians)
            .map(|index| CardRow {
                index,
                custodian: names[usize::from(index) % 3],
                role: (index % 2 == 0)
                    .then_some("Vorsitzende des Prüfungsausschusses der Gesellschaft und Stellvertreterin"),
                seal: "passphrase",
                verification: "4FMK-7Q2M",
                envelope: (index % 5 == 0).then_some("E-004812"),
            })
            .collect();
        let name = format!("{}@4294967295", "k".repeat(64));
        let keys = vec![KeyRow { name: &name, kind: "ec-secp256k1", fingerprint: HEX }; keys];
        for paper in [Paper::A4, Paper::Letter] {
            let pages = ceremony_marks(&ceremony_face(&cards, &keys), paper).unwrap();
            pages.iter().for_each(|marks| assert_flat(marks, paper, 17.9 * MM));
            let text: String = pages.iter().map(|marks| text_of(marks)).collect::<Vec<_>>().join(" ");
            assert_eq!(text.matches("4FMK-7Q2M").count(), usize::from(custodians));
            assert_eq!(text.matches(HEX).count(), 3 + keys.len());
            for shown in ["Signatures", "witness 2", "scan-back", "handed over", "page 1 of"] {
                assert!(text.contains(shown), "{shown}");
            }
        }
    }
    let one = [CardRow {
        index: 1,
        custodian: names[3],
        role: None,
        seal: "open",
        verification: "4FMK-7Q2M",
        envelope: None,
    }];
    let accented = ceremony_page(&ceremony_face(&one, &[]), Paper::A4);
    assert!(accented.is_ok() || matches!(accented, Err(PageError::Glyph { .. })));
}

#[test]
fn an_extra_copy_has_the_size_of_a_bank_card() {
    let fonts = font::Fonts::load().unwrap();
    for face in [
        Face { codes: &[QR], ..face() },
        Face {
            codes: &[QR],
            seal: Sealing::Open,
            threshold: 255,
            total: 255,
            index: 255,
            generation: u16::MAX,
            ..face()
        },
        Face { codes: &[QR], seal: Sealing::Age { recipient_kind: "age identity" }, ..face() },
    ] {
        let code = Modules::encode_at(QR, 48.0, 0.7).unwrap();
        assert!(code.module_mm(48.0) >= 0.7);
        let sheet = pocket::sheet(&fonts, &face, &code).unwrap();
        assert_flat(&sheet.marks, Paper::Pocket, 0.9 * MM);
        let text = text_of(&sheet.marks);
        assert!(text.contains(face.quorum) && text.contains(face.verification), "{text}");
        assert!(!text.contains(face.custodian), "{text}");
        let pdf = pocket_page(&face).unwrap();
        assert_eq!(pdf, pocket_page(&face).unwrap());
    }
    let long = Face { codes: &[QR; 6], ..face() };
    assert_eq!(pocket_page(&long), Err(PageError::Pocket { codes: 6 }));
}

#[test]
fn the_same_paper_is_the_same_bytes() {
    let face = backup_face(&[QR, QR]);
    assert_eq!(backup_page(&face, Paper::A4).unwrap(), backup_page(&face, Paper::A4).unwrap());
    let face = ceremony_face(&[], &[]);
    assert_eq!(ceremony_page(&face, Paper::Letter).unwrap(), ceremony_page(&face, Paper::Letter).unwrap());
}

const TWO: &[Column<'_>] =
    &[Column { title: "what", share: 30, code: false }, Column { title: "code", share: 70, code: true }];

fn form_face<'a>(
    sections: &'a [Section<'a>],
    facts: &'a [Fact<'a>],
    signed: &'a [(String, String)],
) -> FormFace<'a> {
    FormFace {
        title: "Report of a recovery from paper",
        which: "quorum 7F3K-Q2XD-MZ4T-LW6A, generation 65535",
        id: "report",
        foot: "Public: it holds no secret. Sign every page.",
        boxes: &["ceremony number", "place", "computer, system and its hash"],
        facts,
        sections,
        signatures: signed,
        time: "2026-11-23T14:05:00Z",
        program: "quorate 0.1.0",
    }
}

#[test]
fn a_form_of_any_texts_fits_its_pages() {
    let fonts = font::Fonts::load().unwrap();
    let texts = [LONG, "Ольга Константиновна Щербакова-Преображенская", "", "bob"];
    let wide = "W".repeat(1000);
    for rows in [0_usize, 1, 40, 300] {
        let row = |n: usize| {
            vec![texts[n % 4].to_owned(), if n.is_multiple_of(7) { wide.clone() } else { HEX.to_owned() }]
        };
        let section = |least| Section {
            head: "Keys",
            columns: TWO,
            rows: (0..rows).map(row).collect(),
            empty: "None.",
            least,
        };
        let sections = [section(0), section(9)];
        let facts = [
            Fact { label: "Purpose", value: &wide, code: false },
            Fact { label: "Log", value: CHECKPOINT, code: true },
        ];
        let signed: Vec<(String, String)> =
            (0..rows.min(60)).map(|n| (texts[n % 2].to_owned(), texts[(n + 1) % 4].to_owned())).collect();
        for paper in [Paper::A4, Paper::Letter] {
            let face = form_face(&sections, &facts, &signed);
            let pages = form::sheets(&fonts, &face, paper).unwrap();
            pages.iter().for_each(|sheet| assert_flat(&sheet.marks, paper, 17.9 * MM));
            let text: String = pages.iter().map(|sheet| text_of(&sheet.marks)).collect::<Vec<_>>().join(" ");
            assert_eq!(text.contains("None."), rows == 0);
            assert!(text.contains("page 1 of "), "{text}");
            if rows < 2 {
                let once = form_page(&face, paper).unwrap();
                assert_eq!(once, form_page(&face, paper).unwrap());
            }
        }
    }
    let high = [Section {
        head: "Keys",
        columns: TWO,
        rows: vec![vec!["W".repeat(20_000), String::new()]],
        empty: "",
        least: 0,
    }];
    let refused = form_page(&form_face(&high, &[], &[]), Paper::A4);
    assert!(matches!(refused, Err(PageError::TooLong { field: "a row" })));
    let hidden = [Fact { label: "Purpose", value: "\u{202e}drill", code: false }];
    let refused = form_page(&form_face(&[], &hidden, &[]), Paper::A4);
    assert!(matches!(refused, Err(PageError::Glyph { character: '\u{202e}', .. })));
}
