//! The two QR readers behind one shape: a grey view in, the codes that one pass over it found out.
//!
//! `rxing` (the port of zxing-cpp's reader, then the older one) takes bounded time on any picture: its
//! pass over white noise costs five times a clean page. `rqrr` reads some damaged finders that `rxing`
//! does not, but its grouping is quadratic in what resembles a finder and copies the picture for each
//! try: a page of noise took 88 s. So it is shown the picture once, unmodified, and given a type of
//! picture that ends it at the deadline, by unwinding out of the copy.
//! A panic of either is caught and counts as nothing found.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use image::{GenericImage, GenericImageView, GrayImage, Luma};
use rxing::common::{GlobalHistogramBinarizer, HybridBinarizer};
use rxing::multi::MultipleBarcodeReader;
use rxing::qrcode::QRCodeReader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::{BarcodeFormat, Binarizer, BinaryBitmap, DecodeHints, Luma8Source, RXingResult, Reader};
use zeroize::{Zeroize, Zeroizing};

use super::Corners;
use super::grey::Grey;
use super::watch::Watch;

/// A code as a reader gave it.
pub(super) struct Hit {
    pub(super) text: Zeroizing<String>,
    pub(super) corners: Corners,
}

/// How black is told from white.
#[derive(Clone, Copy)]
pub(super) enum Black {
    /// By blocks: follows shadows.
    Local,
    /// By one level for the whole picture: keeps faint contrast.
    Global,
}

/// How much is tried on one view.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// One pass that finds every clean code.
    Glance,
    /// The older reader too, and, on a view that is not large, once more with the gaps in the black closed.
    Full,
}

/// Closing gaps costs more than reading: it is kept for views of so many pixels.
const CLOSED: usize = 4_000_000;

/// Runs what may panic. A panic becomes `None`; its message has gone to the program's panic hook.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// All codes that `rxing` finds.
pub(super) fn rxing(view: &Grey, black: Black, effort: Effort, watch: &Watch) -> Vec<Hit> {
    let (width, height) = view.size();
    let Ok(source) = Luma8Source::new_with_slice(view.pixels(), width, height) else {
        return Vec::new();
    };
    match black {
        Black::Local => passes(view, BinaryBitmap::new(HybridBinarizer::new(source)), effort, watch),
        Black::Global => {
            passes(view, BinaryBitmap::new(GlobalHistogramBinarizer::new(source)), effort, watch)
        }
    }
}

fn passes<B: Binarizer>(view: &Grey, mut bitmap: BinaryBitmap<B>, effort: Effort, watch: &Watch) -> Vec<Hit> {
    let hints = DecodeHints {
        TryHarder: Some(true),
        PossibleFormats: Some([BarcodeFormat::QR_CODE].into()),
        ..DecodeHints::default()
    };
    let every = |bitmap: &mut BinaryBitmap<B>| {
        let found = caught(|| QrReader.decode_multiple_with_hints(bitmap, &hints)).and_then(Result::ok);
        found.unwrap_or_default().iter().filter_map(|result| quad(view, result)).collect::<Vec<_>>()
    };
    let mut hits = every(&mut bitmap);
    if effort == Effort::Glance || !hits.is_empty() || watch.over() {
        return hits;
    }
    let older = caught(|| QRCodeReader.decode_with_hints(&mut bitmap, &hints)).and_then(Result::ok);
    hits.extend(older.and_then(|result| finders(view, &result)));
    if hits.is_empty()
        && view.area() <= CLOSED
        && !watch.over()
        && caught(|| bitmap.close().is_ok()) == Some(true)
    {
        hits = every(&mut bitmap);
    }
    hits
}

fn hit(result: &RXingResult, corners: Corners) -> Option<Hit> {
    let text = Zeroizing::new(result.getText().to_owned());
    (!text.is_empty()).then_some(Hit { text, corners })
}

/// The newer reader gives the four corners.
fn quad(view: &Grey, result: &RXingResult) -> Option<Hit> {
    let on_page = |point: &rxing::Point| view.on_page(point.x, point.y);
    let [a, b, c, d, ..] = result.getPoints() else { return None };
    hit(result, [on_page(a), on_page(b), on_page(c), on_page(d)])
}

/// The older one gives the finders' centres: bottom left, top left, top right.
fn finders(view: &Grey, result: &RXingResult) -> Option<Hit> {
    let [bottom, corner, right, ..] = result.getPoints() else { return None };
    let fourth = view.on_page(bottom.x + right.x - corner.x, bottom.y + right.y - corner.y);
    let on_page = |point: &rxing::Point| view.on_page(point.x, point.y);
    hit(result, [on_page(corner), on_page(right), fourth, on_page(bottom)])
}

/// All codes that `rqrr` finds before `watch` is over.
pub(super) fn rqrr(view: &Grey, watch: &Watch) -> Vec<Hit> {
    let (width, height) = view.size();
    let Some(picture) = GrayImage::from_raw(width, height, view.pixels().to_vec()) else {
        return Vec::new();
    };
    let picture = Stoppable { picture, watch: watch.clone(), writes: 0 };
    let search = move || {
        let mut prepared = rqrr::PreparedImage::prepare(picture);
        let mut hits = Vec::new();
        for grid in prepared.detect_grids() {
            let mut bytes = Zeroizing::new(Vec::with_capacity(rqrr::MAX_PAYLOAD_SIZE));
            if grid.decode_to(&mut *bytes).is_ok()
                && let Ok(text) = std::str::from_utf8(&bytes)
                && !text.is_empty()
            {
                let text = Zeroizing::new(text.to_owned());
                hits.push(Hit { text, corners: grid.bounds.map(|point| (point.x, point.y)) });
            }
        }
        hits
    };
    caught(search).unwrap_or_default()
}

/// A picture that `rqrr` cannot copy or paint once the time is over.
struct Stoppable {
    picture: GrayImage,
    watch: Watch,
    writes: u32,
}

/// What is thrown out of `rqrr`; `resume_unwind` calls no panic hook, so nothing is printed.
struct Over;

impl Stoppable {
    fn check(&self) {
        if self.watch.over() {
            resume_unwind(Box::new(Over));
        }
    }
}

impl Clone for Stoppable {
    fn clone(&self) -> Self {
        self.check();
        Self { picture: self.picture.clone(), watch: self.watch.clone(), writes: 0 }
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        self.picture.as_mut().zeroize();
    }
}

impl GenericImageView for Stoppable {
    type Pixel = Luma<u8>;

    fn dimensions(&self) -> (u32, u32) {
        self.picture.dimensions()
    }

    fn get_pixel(&self, x: u32, y: u32) -> Luma<u8> {
        *self.picture.get_pixel(x, y)
    }
}

impl GenericImage for Stoppable {
    fn get_pixel_mut(&mut self, x: u32, y: u32) -> &mut Luma<u8> {
        self.picture.get_pixel_mut(x, y)
    }

    fn put_pixel(&mut self, x: u32, y: u32, pixel: Luma<u8>) {
        self.writes = self.writes.wrapping_add(1);
        if self.writes.trailing_zeros() >= 16 {
            self.check();
        }
        self.picture.put_pixel(x, y, pixel);
    }

    fn blend_pixel(&mut self, x: u32, y: u32, pixel: Luma<u8>) {
        self.put_pixel(x, y, pixel);
    }
}
