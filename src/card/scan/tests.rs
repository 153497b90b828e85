//! What the scanner reads and refuses, on pictures and PDFs that the tests draw themselves: no other
//! program, no file from outside.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use std::io::Cursor;
use std::time::Duration;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, imageops};
use krilla::Document;
use krilla::geom::PathBuilder;
use krilla::page::PageSettings;
use proptest::prelude::*;
use qrcode::{EcLevel, QrCode};

use super::*;

const A: &str = "QUORATE/1/MFRGGZDFMZTWQ2LKKNNWG23TPOBYXE33";
const B: &str = "QUORATE/1/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const FOREIGN: &str = "https://example.org/hello";

fn ours(text: &str) -> bool {
    text.starts_with("QUORATE/1/")
}

fn code(text: &str, module: u32) -> GrayImage {
    let code = QrCode::with_error_correction_level(text, EcLevel::H).unwrap();
    let (colours, width) = (code.to_colors(), code.width() as u32);
    let side = (width + 8) * module;
    GrayImage::from_fn(side, side, |x, y| {
        let inside = |at: u32| (at / module).checked_sub(4).filter(|at| *at < width);
        let dark = inside(x).zip(inside(y)).map(|(x, y)| colours[(y * width + x) as usize]);
        Luma([if dark == Some(qrcode::Color::Dark) { 0 } else { 255 }])
    })
}

/// A sheet with codes beside one another.
fn sheet(texts: &[&str], module: u32) -> GrayImage {
    let codes: Vec<_> = texts.iter().map(|text| code(text, module)).collect();
    let width = codes.iter().map(|code| code.width() + 20).sum::<u32>() + 20;
    let height = codes.iter().map(GrayImage::height).max().unwrap_or(0) + 40;
    let mut sheet = GrayImage::from_pixel(width, height, Luma([255]));
    let mut x = 20;
    for code in &codes {
        imageops::replace(&mut sheet, code, x, 20);
        x += i64::from(code.width()) + 20;
    }
    sheet
}

fn encoded(picture: &GrayImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn png(picture: &GrayImage) -> Vec<u8> {
    encoded(picture, ImageFormat::Png)
}

fn noise(width: u32, height: u32) -> GrayImage {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    GrayImage::from_fn(width, height, |_, _| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Luma([(state >> 40) as u8])
    })
}

fn scan(bytes: &[u8]) -> Result<Scan, ScanError> {
    read(bytes, &Search::new(ours), &mut |_| ())
}

/// With no time for the costly views.
fn brief(deadline: Duration) -> Search {
    let mut search = Search::new(ours);
    search.limits.deadline = deadline;
    search.limits.longest = deadline;
    search
}

fn texts(scan: &Scan) -> Vec<&str> {
    let mut texts: Vec<_> = scan.codes.iter().map(|code| code.text.as_str()).collect();
    texts.sort_unstable();
    texts
}

#[test]
fn a_clean_code_is_read_from_png_and_jpeg_and_placed() {
    let picture = sheet(&[A], 4);
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let scan = scan(&encoded(&picture, format)).unwrap();
        assert_eq!(texts(&scan), [A]);
        assert!(!scan.gave_up && scan.pages == 1 && scan.unreadable.is_empty());
        assert_eq!(scan.ours().count(), 1);
        // 20 of margin and a quiet zone of 4 modules, then the code.
        let (x, y) = scan.codes[0].corners[0];
        assert!((30..44).contains(&x) && (30..44).contains(&y), "{:?}", scan.codes[0].corners);
    }
}

#[test]
fn turned_and_mirrored_pictures_are_read() {
    let picture = sheet(&[A], 4);
    for turned in [
        imageops::rotate90(&picture),
        imageops::rotate180(&picture),
        imageops::rotate270(&picture),
        imageops::flip_horizontal(&picture),
        imageops::flip_vertical(&picture),
        imageops::rotate90(&imageops::flip_horizontal(&picture)),
    ] {
        assert_eq!(texts(&scan(&png(&turned)).unwrap()), [A]);
    }
}

#[test]
fn blurred_dim_and_specked_pictures_are_read() {
    let picture = sheet(&[A], 6);
    let specks = noise(picture.width(), picture.height());
    let mut specked = picture.clone();
    for (pixel, speck) in specked.pixels_mut().zip(specks.pixels()) {
        if speck.0[0] < 16 {
            pixel.0[0] = 255 - pixel.0[0];
        }
    }
    let mut dim = picture.clone();
    dim.pixels_mut().for_each(|pixel| pixel.0[0] = 150 + pixel.0[0] / 8);
    for (name, changed) in [("blur", imageops::blur(&picture, 2.0)), ("specks", specked), ("dim", dim)] {
        assert_eq!(texts(&scan(&png(&changed)).unwrap()), [A], "{name}");
    }
}

#[test]
fn white_on_black_is_read() {
    let mut picture = sheet(&[A], 4);
    imageops::invert(&mut picture);
    assert_eq!(texts(&scan(&png(&picture)).unwrap()), [A]);
}

#[test]
fn several_codes_are_found_and_a_foreign_one_does_not_end_the_search() {
    let found = scan(&png(&sheet(&[FOREIGN, B, A], 4))).unwrap();
    assert_eq!(texts(&found), [B, A, FOREIGN]);
    assert_eq!(found.ours().count(), 2);
    assert!(found.codes.iter().all(|code| code.ours != (code.text.as_str() == FOREIGN)));

    let foreign = scan(&png(&sheet(&[FOREIGN], 3))).unwrap();
    assert_eq!((texts(&foreign), foreign.ours().count()), (vec![FOREIGN], 0));
    let twice = scan(&png(&sheet(&[A, A], 4))).unwrap();
    assert_eq!(texts(&twice), [A]);
}

#[test]
fn every_colour_type_is_read_and_transparency_is_white() {
    let grey = DynamicImage::ImageLuma8(sheet(&[A], 3));
    let mut clear = grey.to_rgba8();
    clear.pixels_mut().filter(|pixel| pixel.0[0] == 255).for_each(|pixel| pixel.0 = [0, 0, 0, 0]);
    for picture in [
        grey.to_luma_alpha8().into(),
        grey.to_rgb8().into(),
        grey.to_luma16().into(),
        grey.to_luma_alpha16().into(),
        grey.to_rgb16().into(),
        grey.to_rgba16().into(),
        DynamicImage::ImageRgba8(clear),
    ] {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        assert_eq!(texts(&scan(&bytes.into_inner()).unwrap()), [A], "{:?}", picture.color());
    }
}

#[test]
fn noise_gives_up_at_the_deadline_and_says_so() {
    let scan = read(&png(&noise(600, 600)), &brief(Duration::from_millis(300)), &mut |_| ()).unwrap();
    assert!(scan.gave_up && scan.codes.is_empty());
}

#[test]
fn a_blank_and_a_tiny_picture_hold_no_code() {
    for side in [1, 2, 3, 40, 300] {
        for picture in [GrayImage::from_pixel(side, side, Luma([255])), noise(side.min(40), side.min(40))] {
            let scan = scan(&png(&picture)).unwrap();
            assert!(scan.codes.is_empty() && !scan.gave_up, "{side}");
        }
    }
}

#[test]
fn progress_tells_pages_and_codes() {
    let mut seen = Vec::new();
    read(&png(&sheet(&[A], 4)), &Search::new(ours), &mut |news| seen.push(news)).unwrap();
    assert!(seen.contains(&Progress::Page { page: 1, pages: 1 }));
    assert!(seen.contains(&Progress::Code { page: 1, ours: true }));
}

#[test]
fn what_is_no_picture_is_refused() {
    for bytes in [&b""[..], b"QUORATE/1/MFRGG", b"GIF89a", b"\x89PNG", b"\xff\xd8"] {
        assert_eq!(scan(bytes).unwrap_err(), ScanError::NotAPicture);
    }
}

#[test]
fn a_header_that_claims_too_much_is_refused_before_decoding() {
    let mut bytes = png(&sheet(&[A], 2));
    // IHDR: 8 bytes of signature, 8 of length and type, then the sides; the checksum follows 13 bytes.
    bytes[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&100_000_u32.to_be_bytes());
    let sum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.to_be_bytes());
    let refused = ScanError::TooManyPixels { width: 100_000, height: 100_000, limit: 64_000_000 };
    assert_eq!(scan(&bytes).unwrap_err(), refused);

    let mut bytes = encoded(&sheet(&[A], 2), ImageFormat::Jpeg);
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    bytes[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    assert!(matches!(
        scan(&bytes).unwrap_err(),
        ScanError::TooManyPixels { width: 65535, height: 65535, .. }
    ));
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 },
        )
    })
}

/// A chunk of a PNG.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [&kind[..], data].concat();
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length[..], &body, &crc32(&body).to_be_bytes()].concat()
}

#[test]
fn what_is_beside_the_pixels_of_a_png_is_not_unpacked() {
    use std::io::Write;
    let mut zeros = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zeros.write_all(&vec![0; 64 << 20]).unwrap();
    let zeros = zeros.finish().unwrap();
    let bytes = png(&sheet(&[A], 3));
    for kind in [b"iCCP", b"zTXt", b"iTXt"] {
        let bomb = chunk(kind, &[b"x\0\0", &zeros[..]].concat());
        assert_eq!(texts(&scan(&[&bytes[..33], &bomb, &bytes[33..]].concat()).unwrap()), [A]);
        // Even one that lies about its length or its checksum.
        let damaged = [&bytes[..33], &chunk(kind, b"x")[..12], b"\xff", &bytes[33..]].concat();
        assert_eq!(texts(&scan(&damaged).unwrap()), [A]);
    }
}

#[test]
fn a_torn_corner_is_repaired() {
    let text = format!("QUORATE/1/{}", "MFRGGZDFMZ".repeat(20));
    let mut picture = sheet(&[&text], 6);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        if x + y < 44 * 2 + 10 * 6 {
            pixel.0[0] = 90;
        }
    }
    assert_eq!(texts(&scan(&png(&picture)).unwrap()), [text]);
}

#[test]
fn a_scan_that_fills_its_pdf_is_read_beside_clean_ones() {
    let scan = scan(&scanned_pdf(&[A, B], "")).unwrap();
    assert_eq!(texts(&scan), [B, A]);
}

#[test]
fn limits_are_checked() {
    let bytes = png(&sheet(&[A], 2));
    let mut search = Search::new(ours);
    search.limits.bytes = 100;
    let size = bytes.len() as u64;
    let refused = read(&bytes, &search, &mut |_| ()).unwrap_err();
    assert_eq!(refused, ScanError::TooLarge { bytes: size, limit: 100 });
    let mut search = Search::new(ours);
    search.limits.pages = 1;
    let refused = read(&vector_pdf(&[A, B]), &search, &mut |_| ()).unwrap_err();
    assert_eq!(refused, ScanError::TooManyPages { pages: 2, limit: 1 });
    let mut search = Search::new(ours);
    search.limits.pixels = 1000;
    let refused = read(&scanned_pdf(&[A], ""), &search, &mut |_| ()).unwrap_err();
    assert!(matches!(refused, ScanError::TooManyPixels { limit: 1000, .. }));
}

#[test]
fn a_file_that_is_cut_short_never_panics() {
    let picture = sheet(&[A], 2);
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let bytes = encoded(&picture, format);
        for cut in (3..bytes.len()).step_by(bytes.len() / 40) {
            if let Ok(scan) = read(&bytes[..cut], &brief(Duration::from_millis(20)), &mut |_| ()) {
                assert!(texts(&scan).iter().all(|text| *text == A));
            }
        }
    }
    assert_eq!(scan(&png(&picture)[..60]).unwrap_err(), ScanError::Damaged { kind: Kind::Png });
}

/// The codes as krilla draws a card's: one filled path of squares a page.
fn vector_pdf(texts: &[&str]) -> Vec<u8> {
    let mut document = Document::new();
    for text in texts {
        let code = QrCode::with_error_correction_level(text, EcLevel::H).unwrap();
        let mut path = PathBuilder::new();
        for (index, colour) in code.to_colors().iter().enumerate() {
            if *colour == qrcode::Color::Dark {
                let (x, y) = ((index % code.width()) as f32, (index / code.width()) as f32);
                let rect = krilla::geom::Rect::from_xywh(20.0 + x * 2.0, 20.0 + y * 2.0, 2.0, 2.0).unwrap();
                path.push_rect(rect);
            }
        }
        let mut page = document.start_page_with(PageSettings::from_wh(160.0, 160.0).unwrap());
        let mut surface = page.surface();
        surface.draw_path(&path.finish().unwrap());
        surface.finish();
        page.finish();
    }
    document.finish().unwrap()
}

/// What a scanner makes: a picture that fills the page. `trailer` goes into the trailer.
fn scanned_pdf(texts: &[&str], trailer: &str) -> Vec<u8> {
    let kids: Vec<_> = (0..texts.len()).map(|page| format!("{} 0 R", page * 3 + 3)).collect();
    let mut objects: Vec<Vec<u8>> = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        format!("<</Type/Pages/Count {}/Kids[{}]>>", texts.len(), kids.join(" ")).into_bytes(),
    ];
    for (index, text) in texts.iter().enumerate() {
        let (picture, first) = (sheet(&[text], 3), index * 3 + 3);
        let (width, height) = picture.dimensions();
        objects.push(
            format!(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]/Contents {} 0 R/Resources<</XObject<</I {} 0 R>>>>>>",
                first + 1,
                first + 2
            )
            .into_bytes(),
        );
        let draw = "q 100 0 0 100 0 0 cm /I Do Q";
        objects.push(format!("<</Length {}>>stream\n{draw}\nendstream", draw.len()).into_bytes());
        let mut image = format!(
            "<</Type/XObject/Subtype/Image/Width {width}/Height {height}/BitsPerComponent 8/ColorSpace/DeviceGray/Length {}>>stream\n",
            picture.as_raw().len()
        )
        .into_bytes();
        image.extend(picture.as_raw());
        image.extend(b"\nendstream");
        objects.push(image);
    }
    let mut pdf = b"%PDF-1.4\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", pdf.len());
        pdf.extend(format!("{} 0 obj\n", index + 1).into_bytes());
        pdf.extend(object);
        pdf.extend(b"\nendobj\n");
    }
    let end = format!(
        "{table}trailer\n<</Size {}/Root 1 0 R{trailer}>>\nstartxref\n{}\n%%EOF\n",
        objects.len() + 1,
        pdf.len()
    );
    pdf.extend(end.into_bytes());
    pdf
}

#[test]
fn pages_of_a_pdf_are_read_vector_and_scanned() {
    for pdf in [vector_pdf(&[A, FOREIGN, B]), scanned_pdf(&[A, FOREIGN, B], "")] {
        let scan = scan(&pdf).unwrap();
        assert_eq!((scan.kind, scan.pages, scan.gave_up), (Kind::Pdf, 3, false));
        let pages: Vec<_> = scan.codes.iter().map(|code| (code.page, code.text.as_str())).collect();
        assert_eq!(pages, [(1, A), (2, FOREIGN), (3, B)]);
    }
}

#[test]
fn an_encrypted_and_a_broken_pdf_are_named() {
    let key = "00".repeat(32);
    let lock = format!("/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<{key}>/U<{key}>>>");
    assert_eq!(scan(&scanned_pdf(&[A], &lock)).unwrap_err(), ScanError::Encrypted);
    assert_eq!(scan(b"%PDF-1.7\n%nothing").unwrap_err(), ScanError::Damaged { kind: Kind::Pdf });
}

#[test]
fn a_pdf_that_unpacks_to_too_much_is_refused() {
    let mut search = Search::new(ours);
    search.limits.unpacked = 16;
    let refused = read(&vector_pdf(&[A]), &search, &mut |_| ()).unwrap_err();
    assert_eq!(refused, ScanError::Unpacks { limit: 16 });
}

#[test]
fn a_page_without_a_sensible_size_is_named_and_the_others_are_read() {
    let mut pdf = scanned_pdf(&[B, A], "");
    let at = pdf.windows(13).position(|window| window == b"[0 0 100 100]").unwrap();
    pdf[at..at + 13].copy_from_slice(b"[0 0 99999 2]");
    let scan = scan(&pdf).unwrap();
    assert_eq!((texts(&scan), scan.unreadable.as_slice()), (vec![A], &[1][..]));
}

#[test]
fn a_page_with_an_image_of_an_unknown_kind_is_named() {
    let broken = |texts: &[&str]| {
        let mut pdf = scanned_pdf(texts, "");
        // As long as what was there: the table of places stays right.
        let at = pdf.windows(19).position(|window| window == b"/BitsPerComponent 8").unwrap();
        pdf[at..at + 19].copy_from_slice(b"/Filter/JPXDecode  ");
        pdf
    };
    assert_eq!(scan(&broken(&[A])).unwrap_err(), ScanError::Damaged { kind: Kind::Pdf });
    let scan = scan(&broken(&[A, B])).unwrap();
    assert_eq!((texts(&scan), scan.unreadable.as_slice()), (vec![B], &[1][..]));
}

#[test]
fn a_code_is_not_printed() {
    let scan = scan(&png(&sheet(&[A], 3))).unwrap();
    assert!(!format!("{scan:?}").contains("MFRGG"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(kind in 0..4_usize, tail in proptest::collection::vec(any::<u8>(), 0..400)) {
        let head: &[u8] = [&b"\x89PNG\r\n\x1a\n"[..], b"\xff\xd8\xff", b"%PDF-1.7\n", b""][kind];
        let _ = read(&[head, &tail].concat(), &brief(Duration::from_millis(50)), &mut |_| ());
    }

    #[test]
    fn corrupted_files_never_panic_nor_give_another_text(
        kind in 0..4_usize, places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = match kind {
            0 => png(&sheet(&[A], 2)),
            1 => encoded(&sheet(&[A], 2), ImageFormat::Jpeg),
            2 => vector_pdf(&[A]),
            _ => scanned_pdf(&[A], ""),
        };
        for (place, value) in places {
            let at = place.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(scan) = read(&bytes, &brief(Duration::from_millis(50)), &mut |_| ()) {
            prop_assert!(texts(&scan).iter().all(|text| *text == A));
        }
    }
}
