//! A PDF to the pages' grey pixels, in memory: bytes in, one [`Grey`] a page out, looked at page by page.
//!
//! Pages are rendered by `hayro` at 300 dots an inch, fewer for a large page; at 150 first when nothing in the
//! PDF is an image, because what is drawn is as clean at any size. `hayro` bounds neither what a stream
//! unpacks to nor an image's size, so both are counted before it sees them: first every Deflate stream
//! in the raw bytes, then, once the objects are known, each stream's chain of filters and each image's size.
//! What remains: a chain of filters on an object stream (unpacked while loading), and drawing that takes
//! memory out of proportion (endless dashes). Only a process of its own with a limit stops those; how much
//! memory the pages can need follows from their images, and is told before they are drawn.
//! Its panics are caught: a page that cannot be rendered is named and skipped, and one with an image that it cannot
//! decode is named unless a card was read on it.
//! A PDF that needs a password is refused. Fonts that the PDF does not bring along are left out: a code
//! is never text.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hayro::hayro_interpret::{InterpreterSettings, InterpreterWarning};
use hayro::hayro_syntax::object::{Array, Dict, Name, Object, Stream};
use hayro::hayro_syntax::page::Page as PdfPage;
use hayro::hayro_syntax::{Filter, LoadPdfError, Pdf};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};
use zeroize::{Zeroize, Zeroizing};

use super::decode::caught;
use super::grey::Grey;
use super::search::{Finds, Page};
use super::{Event, Kind, Limits, Progress, ScanError, picture};

/// Dots an inch, and the 72 points of one: as good as a scan is.
const FINE: f32 = 300.0 / 72.0;

/// Enough for a page that is drawn: the smaller code of a card has 3 dots a module. A quarter of the pixels is a quarter of the time.
const COARSE: f32 = 150.0 / 72.0;

/// A page is rendered in at most so many pixels: 300 dpi of A3 is more, of A4 less.
const PIXELS: f32 = 12_000_000.0;

/// What everything that is no image may unpack to: drawing takes several times that in memory.
const DRAWING: u64 = 32 << 20;

/// What drawing a page and looking at it takes at most, besides its images: a page of [`PIXELS`] and its views take half.
const DRAWN: u64 = 512 << 20;

/// What decoding and drawing an image takes at most, for each of its pixels.
const PIXEL: u64 = 40;

/// The renderer counts a side in 16 bits.
const SIDE: f32 = 16_000.0;

/// Renders and searches every page: all at a glance first, then those without a code of ours at length.
pub(super) fn search(file: Zeroizing<Vec<u8>>, finds: &mut Finds<'_>) -> Result<Event, ScanError> {
    let limits = finds.search.limits;
    let damaged = ScanError::Damaged { kind: Kind::Pdf };
    deflate_fits(&file, &limits)?;
    let file = Arc::new(file);
    let pdf = match caught(|| Pdf::new(Arc::clone(&file))).ok_or_else(|| damaged.clone())? {
        Ok(pdf) => pdf,
        Err(LoadPdfError::Decryption(_)) => return Err(ScanError::Encrypted),
        Err(LoadPdfError::Invalid) => return Err(damaged),
    };
    let pages = pdf.pages().len();
    if pages == 0 {
        return Err(damaged);
    }
    if pages > limits.pages {
        return Err(ScanError::TooManyPages { pages, limit: limits.pages });
    }
    let pixels = caught(|| streams_fit(&pdf, &limits)).ok_or_else(|| damaged.clone())??;
    let first = if pixels.is_some() { FINE } else { COARSE };
    if let Some(confine) = finds.search.confine {
        confine(pixels.unwrap_or_default().saturating_mul(PIXEL).saturating_add(DRAWN));
    }
    finds.tell(Event::Pages(pages));
    let further = u32::try_from(pages.saturating_sub(1)).unwrap_or(u32::MAX);
    let time = limits.deadline.saturating_add(limits.per_page.saturating_mul(further));
    finds.watch.extend(time.min(limits.longest.max(limits.deadline)));

    let mut complete = true;
    let mut unread = Vec::new();
    for (page, number) in pdf.pages().iter().zip(1..) {
        if finds.watch.over() {
            return Ok(Event::End { gave_up: true });
        }
        finds.tell(Event::Progress(Progress::Page { page: number, pages }));
        let drawn = draw(page, first).and_then(|(grey, whole)| Some((Page::new(number, grey)?, whole)));
        let Some((mut sheet, whole)) = drawn else {
            finds.tell(Event::Unreadable(number));
            continue;
        };
        complete &= finds.glance(&mut sheet);
        if !sheet.has_ours() {
            unread.push((page, number));
            if !whole {
                finds.tell(Event::Unreadable(number));
            }
        }
    }
    let mut rest = unread.len();
    for (page, number) in unread {
        if finds.enough() {
            break;
        }
        let slice =
            finds.watch.left().checked_div(u32::try_from(rest).unwrap_or(u32::MAX)).unwrap_or_default();
        rest = rest.saturating_sub(1);
        let watch = finds.watch.slice(slice);
        if let Some(mut sheet) = draw(page, FINE).and_then(|(grey, _)| Page::new(number, grey)) {
            complete &= finds.study(&mut sheet, &watch);
        }
    }
    Ok(Event::End { gave_up: !complete })
}

/// A PNG of the first page, as a scanner would make it; for a PDF that is our own.
pub(super) fn first_page(file: &[u8]) -> Result<Zeroizing<Vec<u8>>, ScanError> {
    use image::ImageEncoder as _;
    let damaged = ScanError::Damaged { kind: Kind::Pdf };
    let file = Arc::new(Zeroizing::new(file.to_vec()));
    let pdf = caught(|| Pdf::new(file)).and_then(Result::ok).ok_or_else(|| damaged.clone())?;
    let (grey, _) = pdf.pages().first().and_then(|page| draw(page, FINE)).ok_or_else(|| damaged.clone())?;
    let (width, height) = grey.size();
    let mut png = Zeroizing::new(Vec::with_capacity(grey.area()));
    let encoder = image::codecs::png::PngEncoder::new(&mut *png);
    encoder.write_image(grey.pixels(), width, height, image::ExtendedColorType::L8).map_err(|_| damaged)?;
    Ok(png)
}

/// The page, and whether all its images were understood. `None` when it has no sensible size or the renderer panics.
fn draw(page: &PdfPage<'_>, scale: f32) -> Option<(Grey, bool)> {
    let (width, height) = caught(|| page.render_dimensions())?;
    let sensible = |side: f32| side.is_finite() && side >= 1.0;
    if !sensible(width) || !sensible(height) {
        return None;
    }
    let scale = scale.min((PIXELS / width / height).sqrt()).min(SIDE / width.max(height));
    if width * scale < 1.0 || height * scale < 1.0 {
        return None;
    }
    let whole = Arc::new(AtomicBool::new(true));
    let broken = Arc::clone(&whole);
    let settings = InterpreterSettings {
        font_resolver: Arc::new(|_| None),
        warning_sink: Arc::new(move |warning| {
            if matches!(warning, InterpreterWarning::ImageDecodeFailure) {
                broken.store(false, Ordering::Relaxed);
            }
        }),
        ..InterpreterSettings::default()
    };
    let bitmap = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    // A cache of its own: one that was left in the middle of a panic is not used again.
    let drawn = caught(|| render(page, &RenderCache::new(), &settings, &RenderSettings::default(), &bitmap));
    let mut pixmap = drawn?;
    let mut pixels = Zeroizing::new(Vec::with_capacity(pixmap.data().len()));
    pixels.extend(pixmap.data().iter().map(|p| picture::luma(p.r, p.g, p.b)));
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    pixmap.data_as_u8_slice_mut().zeroize();
    Some((Grey::new(width, height, pixels)?, whole.load(Ordering::Relaxed)))
}

/// Unpacks a Deflate stream, takes its size from what is `left`, and keeps nothing.
fn unpack(data: &[u8], left: &mut u64, limits: &Limits) -> Result<(), ScanError> {
    let mut scratch = Zeroizing::new([0; 1 << 14]);
    // As the renderer does: with a header or without.
    let header = data.first_chunk::<2>().is_some_and(|pair| {
        let [method, flags] = *pair;
        method & 0x0f == 8 && flags & 0x20 == 0 && u16::from_be_bytes(*pair).checked_rem(31) == Some(0)
    });
    let data = if header { data.get(2..).unwrap_or_default() } else { data };
    let mut unpacked = flate2::read::DeflateDecoder::new(data);
    while let Ok(count @ 1..) = unpacked.read(&mut *scratch) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        *left = left.checked_sub(count).ok_or(ScanError::Unpacks { limit: limits.unpacked })?;
    }
    Ok(())
}

/// Counts whatever follows the word `stream`, whether it is one or not.
fn deflate_fits(file: &[u8], limits: &Limits) -> Result<(), ScanError> {
    let mut left = limits.unpacked;
    for (at, _) in file.windows(6).enumerate().filter(|(_, window)| *window == b"stream") {
        let data = file.get(at.saturating_add(6)..).unwrap_or_default();
        let data = data.strip_prefix(b"\r").unwrap_or(data);
        unpack(data.strip_prefix(b"\n").unwrap_or(data), &mut left, limits)?;
    }
    Ok(())
}

/// The pixels of all images, by what they say of themselves; `None` when there are no images. Refuses chains of filters that multiply, drawing without end, and images with more pixels than a picture may have.
fn streams_fit(pdf: &Pdf, limits: &Limits) -> Result<Option<u64>, ScanError> {
    let too_much = Err(ScanError::Unpacks { limit: limits.unpacked });
    let mut pixels = None;
    let (mut images, mut drawing) = (limits.unpacked, limits.unpacked.min(DRAWING));
    for object in pdf.objects() {
        let Object::Stream(stream) = object else { continue };
        let packing = |filter: &&Filter| {
            matches!(filter, Filter::FlateDecode | Filter::LzwDecode | Filter::RunLengthDecode)
        };
        let filters = stream.filters();
        let data = stream.raw_data();
        let size = u64::try_from(data.len()).unwrap_or(u64::MAX);
        // LZW packs 4096 bytes into 12 bits at best.
        let lzw = filters.contains(&Filter::LzwDecode) && size.saturating_mul(2731) > limits.unpacked;
        if filters.iter().filter(packing).count() > 1 || filters.len() > 3 || lzw {
            return too_much;
        }
        let image = is_image(&stream);
        let left = if image { &mut images } else { &mut drawing };
        if filters.contains(&Filter::FlateDecode) {
            // Counted again: here it is decrypted.
            unpack(&data, left, limits)?;
        } else if !image {
            *left = left.checked_sub(size).ok_or(ScanError::Unpacks { limit: limits.unpacked })?;
        }
        if image {
            let more = image_fits(&stream, limits)?;
            pixels = Some(pixels.unwrap_or(0_u64).saturating_add(more));
        }
    }
    Ok(pixels)
}

/// The pixels by its own width and height, and by what a fax filter is told besides.
fn image_fits(stream: &Stream<'_>, limits: &Limits) -> Result<u64, ScanError> {
    let dict = stream.dict();
    let side = |dict: &Dict<'_>, key: &[u8], short: &[u8]| {
        dict.get::<u32>(key).or_else(|| dict.get::<u32>(short)).unwrap_or(0)
    };
    let (width, height) = (side(dict, b"Width", b"W"), side(dict, b"Height", b"H"));
    let one = dict.get::<Dict<'_>>(b"DecodeParms").or_else(|| dict.get(b"DP"));
    let many = dict.get::<Array<'_>>(b"DecodeParms").or_else(|| dict.get(b"DP"));
    let parameters = one.into_iter().chain(many.iter().flat_map(Array::iter::<Dict<'_>>));
    let columns = parameters.map(|dict| side(&dict, b"Columns", b"Columns")).max().unwrap_or(0);
    let width = width.max(columns);
    let pixels = u64::from(width).saturating_mul(u64::from(height.max(1)));
    if pixels > limits.pixels {
        return Err(ScanError::TooManyPixels { width, height, limit: limits.pixels });
    }
    Ok(pixels)
}

fn is_image(stream: &Stream<'_>) -> bool {
    stream.dict().get::<Name<'_>>(b"Subtype").is_some_and(|name| *name == *b"Image")
}
