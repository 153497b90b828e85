//! A PNG or JPEG file to grey pixels: bytes in, [`Grey`] out.
//!
//! The header is read first, and nothing is allocated for a picture with more pixels than allowed.
//! Of an animated PNG the first picture is read. Transparent pixels are laid on white. The orientation that a camera notes (EXIF) is not applied:
//! the readers find a code in every rotation, mirrored too.
//! The decoded colours go to a wiped buffer, as does the grey picture.

use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::{ColorType, ImageDecoder};
use zeroize::Zeroizing;

use super::grey::Grey;
use super::{Kind, Limits, ScanError};

/// PDF readers look for the header in so many bytes.
const PDF_HEADER: usize = 1024;

/// What the first bytes say.
pub(super) fn kind(bytes: &[u8]) -> Option<Kind> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(Kind::Png);
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        return Some(Kind::Jpeg);
    }
    let pdf = bytes.iter().take(PDF_HEADER).copied().collect::<Vec<u8>>();
    pdf.windows(5).any(|window| window == b"%PDF-").then_some(Kind::Pdf)
}

pub(super) fn png(bytes: &[u8], limits: &Limits) -> Result<Grey, ScanError> {
    let damaged = ScanError::Damaged { kind: Kind::Png };
    let bytes = only_pixels(bytes).ok_or_else(|| damaged.clone())?;
    let decoder = PngDecoder::with_limits(Cursor::new(&*bytes), bounds(limits));
    grey(decoder.map_err(|_| damaged)?, Kind::Png, limits)
}

/// The chunks of a PNG that make its first picture. The others are of no use here, and a profile or a
/// note may unpack to gigabytes: the decoder would do that.
fn only_pixels(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (signature, mut rest) = bytes.split_at_checked(8)?;
    let mut kept = Zeroizing::new(Vec::with_capacity(bytes.len()));
    kept.extend_from_slice(signature);
    while let Some((head, _)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, kind @ ..] = *head;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
        // Length, kind, data, checksum. The last chunk of a file that is cut short is given as it is.
        let (chunk, after) = rest.split_at_checked(length.checked_add(12)?).unwrap_or((rest, &[]));
        if [*b"IHDR", *b"PLTE", *b"tRNS", *b"IDAT", *b"IEND"].contains(&kind) {
            kept.extend_from_slice(chunk);
        }
        rest = after;
    }
    Some(kept)
}

pub(super) fn jpeg(bytes: &[u8], limits: &Limits) -> Result<Grey, ScanError> {
    let decoder = JpegDecoder::new(Cursor::new(bytes));
    grey(decoder.map_err(|_| ScanError::Damaged { kind: Kind::Jpeg })?, Kind::Jpeg, limits)
}

/// The widest pixel has 8 bytes, and the PNG decoder keeps some rows besides.
fn bounds(limits: &Limits) -> image::Limits {
    let mut bounds = image::Limits::no_limits();
    bounds.max_alloc = Some(limits.pixels.saturating_mul(8).saturating_add(64 << 20));
    bounds
}

fn grey(mut decoder: impl ImageDecoder, kind: Kind, limits: &Limits) -> Result<Grey, ScanError> {
    let damaged = ScanError::Damaged { kind };
    let (width, height) = decoder.dimensions();
    if u64::from(width).saturating_mul(u64::from(height)) > limits.pixels {
        return Err(ScanError::TooManyPixels { width, height, limit: limits.pixels });
    }
    decoder.set_limits(bounds(limits)).map_err(|_| damaged.clone())?;
    let colour = decoder.color_type();
    let total = usize::try_from(decoder.total_bytes()).map_err(|_| damaged.clone())?;
    let mut raw = Zeroizing::new(vec![0; total]);
    decoder.read_image(&mut raw).map_err(|_| damaged.clone())?;
    let pixels = to_grey(&raw, colour).ok_or_else(|| damaged.clone())?;
    Grey::new(width, height, pixels).ok_or(damaged)
}

/// Samples of 16 bits are in the machine's order; their high byte is what counts.
fn to_grey(raw: &[u8], colour: ColorType) -> Option<Zeroizing<Vec<u8>>> {
    let size = usize::from(colour.bytes_per_pixel());
    let samples = usize::from(colour.channel_count());
    let deep = match size.checked_div(samples)? {
        1 => false,
        2 => true,
        _ => return None,
    };
    let mut pixels = Zeroizing::new(Vec::with_capacity(raw.len().checked_div(size)?));
    if !deep {
        pixels.extend(raw.chunks_exact(size).map(over_white));
        return Some(pixels);
    }
    let mut high = [0; 4];
    for pixel in raw.chunks_exact(size) {
        for (to, pair) in high.iter_mut().zip(pixel.chunks_exact(2)) {
            let [first, _] = u16::from_ne_bytes([*pair.first()?, *pair.last()?]).to_be_bytes();
            *to = first;
        }
        pixels.push(over_white(high.get(..samples)?));
    }
    Some(pixels)
}

/// The brightness (ITU-R BT.601) of a pixel of 1 (grey), 2 (grey, alpha), 3 or 4 samples, laid on white.
#[expect(clippy::arithmetic_side_effects, reason = "sums of bytes with weights of 256 in all, in u32")]
fn over_white(pixel: &[u8]) -> u8 {
    let (value, alpha) = match *pixel {
        [grey] => return grey,
        [grey, alpha] => (u32::from(grey), alpha),
        [r, g, b] => return luma(r, g, b),
        [r, g, b, alpha] => (u32::from(luma(r, g, b)), alpha),
        _ => return 0,
    };
    let alpha = u32::from(alpha);
    u8::try_from((value * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
}

#[expect(clippy::arithmetic_side_effects, reason = "weights add up to 256: at most 255 × 256")]
pub(super) fn luma(r: u8, g: u8, b: u8) -> u8 {
    let sum = 77 * u32::from(r) + 151 * u32::from(g) + 28 * u32::from(b);
    u8::try_from(sum >> 8).unwrap_or(u8::MAX)
}
