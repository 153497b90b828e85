//! A grey picture and the views of it that a reader is shown: smaller, blurred, sharpened, thresholded.
//!
//! Every view is a new [`Grey`], wiped on drop, that remembers how its pixels map to the page's.
//! Sizes are checked once, in [`Grey::new`]; a view that would have no pixels is `None`.
//! Not here: which views are tried, and in what order (`search`).
#![expect(
    clippy::arithmetic_side_effects,
    reason = "widths and heights are at most 2^31 each and their product is the length of a vector; sums of bytes are in u32"
)]

use zeroize::Zeroizing;

use super::Corners;

pub(super) struct Grey {
    width: usize,
    height: usize,
    pixels: Zeroizing<Vec<u8>>,
    /// Pixels of the page to one of this view.
    zoom: f32,
}

fn byte(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

impl Grey {
    /// Row by row. `None` unless `pixels` has width × height bytes and at least one.
    pub(super) fn new(width: u32, height: u32, pixels: Zeroizing<Vec<u8>>) -> Option<Self> {
        let (width, height) = (usize::try_from(width).ok()?, usize::try_from(height).ok()?);
        let fits = width.checked_mul(height)? == pixels.len() && !pixels.is_empty();
        let small = width <= 1 << 31 && height <= 1 << 31;
        (fits && small).then_some(Self { width, height, pixels, zoom: 1.0 })
    }

    /// A view of the same size.
    fn with(&self, pixels: Zeroizing<Vec<u8>>) -> Self {
        Self { width: self.width, height: self.height, pixels, zoom: self.zoom }
    }

    /// A copy.
    pub(super) fn same(&self) -> Self {
        self.with(self.pixels.clone())
    }

    pub(super) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    pub(super) fn size(&self) -> (u32, u32) {
        let side = |side| u32::try_from(side).unwrap_or(u32::MAX);
        (side(self.width), side(self.height))
    }

    pub(super) fn area(&self) -> usize {
        self.pixels.len()
    }

    /// A point of this view on the page.
    #[expect(clippy::cast_possible_truncation, reason = "a float too large for i32 saturates")]
    pub(super) fn on_page(&self, x: f32, y: f32) -> (i32, i32) {
        ((x * self.zoom) as i32, (y * self.zoom) as i32)
    }

    /// One row, from the left; nothing below the last.
    pub(super) fn row(&self, y: u32) -> &[u8] {
        let mut rows = self.pixels.chunks_exact(self.width);
        usize::try_from(y).ok().and_then(|y| rows.nth(y)).unwrap_or_default()
    }

    /// The pixel that a point lies in, and how far it is to the right of and below its middle; `None` outside.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and below the size"
    )]
    fn pixel(&self, (x, y): (f64, f64)) -> Option<(usize, f64, f64)> {
        let (width, height) = self.size();
        let inside = x >= 0.0 && y >= 0.0 && x < f64::from(width) && y < f64::from(height);
        if !inside {
            return None;
        }
        Some((y as usize * self.width + x as usize, x.fract(), y.fract()))
    }

    /// Whether the pixel at a point of this view is dark. `None` outside.
    pub(super) fn dark(&self, place: (f64, f64)) -> Option<bool> {
        let (at, ..) = self.pixel(place)?;
        self.pixels.get(at).map(|pixel| *pixel < 128)
    }

    /// The brightness at a point of this view, between the middles of four pixels. `None` outside.
    pub(super) fn sample(&self, (x, y): (f64, f64)) -> Option<f64> {
        let (at, right, low) = self.pixel((x - 0.5, y - 0.5))?;
        let value = |at: usize| self.pixels.get(at).copied().map(f64::from);
        let first = value(at)?;
        let (second, below) = (value(at + 1).unwrap_or(first), at + self.width);
        let third = value(below).unwrap_or(first);
        let fourth = value(below + 1).unwrap_or(third);
        let (above, under) = (first + (second - first) * right, third + (fourth - third) * right);
        Some(above + (under - above) * low)
    }

    /// A point of this view on the page.
    #[expect(clippy::cast_possible_truncation, reason = "a float too large for i32 saturates")]
    pub(super) fn place(&self, (x, y): (f64, f64)) -> (i32, i32) {
        let zoom = f64::from(self.zoom);
        ((x * zoom) as i32, (y * zoom) as i32)
    }

    /// Means of squares of `by` × `by` pixels.
    pub(super) fn shrink(&self, by: usize) -> Option<Self> {
        let (width, height) = (self.width.checked_div(by)?, self.height.checked_div(by)?);
        if width == 0 || height == 0 {
            return None;
        }
        let area = u32::try_from(by.checked_mul(by)?).ok()?;
        let mut pixels = Zeroizing::new(Vec::with_capacity(width * height));
        let mut sums = Zeroizing::new(vec![0_u32; width]);
        for band in self.pixels.chunks_exact(self.width.checked_mul(by)?) {
            sums.fill(0);
            for row in band.chunks_exact(self.width) {
                for (sum, block) in sums.iter_mut().zip(row.chunks_exact(by)) {
                    *sum += block.iter().copied().map(u32::from).sum::<u32>();
                }
            }
            pixels.extend(sums.iter().map(|sum| byte(sum / area)));
        }
        let zoom = self.zoom * f32::from(u16::try_from(by).ok()?);
        Some(Self { width, height, pixels, zoom })
    }

    /// Twice as wide and high, by bilinear interpolation.
    pub(super) fn enlarge(&self) -> Option<Self> {
        let (width, height) = self.size();
        let (to_width, to_height) = (width.checked_mul(2)?, height.checked_mul(2)?);
        let picture = image::ImageBuffer::<image::Luma<u8>, &[u8]>::from_raw(width, height, &self.pixels)?;
        let filter = image::imageops::FilterType::Triangle;
        let pixels =
            Zeroizing::new(image::imageops::resize(&picture, to_width, to_height, filter).into_raw());
        Some(Self { zoom: self.zoom / 2.0, ..Self::new(to_width, to_height, pixels)? })
    }

    /// Each pixel becomes the mean of the square of 2 × `radius` + 1 pixels around it; the edge is continued outwards.
    pub(super) fn blur(&self, radius: usize) -> Option<Self> {
        let window = radius.checked_mul(2)?.checked_add(1)?;
        let divisor = u32::try_from(window).ok()?;
        let mut across = Zeroizing::new(Vec::with_capacity(self.area()));
        let mut padded = Zeroizing::new(Vec::<u8>::with_capacity(self.width + window));
        for row in self.pixels.chunks_exact(self.width) {
            padded.clear();
            padded.extend(std::iter::repeat_n(row.first()?, radius));
            padded.extend(row);
            padded.extend(std::iter::repeat_n(row.last()?, radius + 1));
            let mut sum: u32 = padded.iter().take(window).copied().map(u32::from).sum();
            across.extend(padded.iter().zip(padded.iter().skip(window)).take(self.width).map(
                |(old, new)| {
                    let mean = byte(sum / divisor);
                    sum = sum + u32::from(*new) - u32::from(*old);
                    mean
                },
            ));
        }
        let rows: Vec<&[u8]> = across.chunks_exact(self.width).collect();
        let last = rows.len().checked_sub(1)?;
        let mut sums = Zeroizing::new(vec![0_u32; self.width]);
        for y in 0..window {
            for (sum, pixel) in sums.iter_mut().zip(*rows.get(y.saturating_sub(radius).min(last))?) {
                *sum += u32::from(*pixel);
            }
        }
        let mut pixels = Zeroizing::new(Vec::with_capacity(self.area()));
        for y in 0..rows.len() {
            pixels.extend(sums.iter().map(|sum| byte(sum / divisor)));
            let old = *rows.get(y.saturating_sub(radius))?;
            let new = *rows.get(y.saturating_add(radius + 1).min(last))?;
            for (sum, (old, new)) in sums.iter_mut().zip(old.iter().zip(new)) {
                *sum = *sum + u32::from(*new) - u32::from(*old);
            }
        }
        Some(self.with(pixels))
    }

    /// Black where a pixel is darker than nine tenths of its wide surroundings: shading and streaks go.
    pub(super) fn threshold(&self) -> Option<Self> {
        let around = self.blur((self.width.min(self.height) / 24).max(8))?;
        let pair = self.pixels.iter().zip(around.pixels.iter());
        let dark = |(pixel, mean): (&u8, &u8)| {
            if u32::from(*pixel) * 10 < u32::from(*mean) * 9 { 0 } else { u8::MAX }
        };
        Some(self.with(Zeroizing::new(pair.map(dark).collect())))
    }

    /// Doubles what differs from the blurred picture.
    pub(super) fn sharpen(&self) -> Option<Self> {
        let soft = self.blur(3)?;
        let pair = self.pixels.iter().zip(soft.pixels.iter());
        let sharp =
            |(pixel, mean): (&u8, &u8)| byte((u32::from(*pixel) * 3).saturating_sub(u32::from(*mean) * 2));
        Some(self.with(Zeroizing::new(pair.map(sharp).collect())))
    }

    /// The middle one of each pixel and its eight neighbours: specks go. The edge stays.
    pub(super) fn median(&self) -> Option<Self> {
        let mut pixels = Zeroizing::new(self.pixels.to_vec());
        let rows: Vec<&[u8]> = self.pixels.chunks_exact(self.width).collect();
        for (triple, out) in rows.windows(3).zip(pixels.chunks_exact_mut(self.width).skip(1)) {
            let [above, row, below] = triple else { return None };
            let columns = above.windows(3).zip(row.windows(3)).zip(below.windows(3));
            for (((a, b), c), to) in columns.zip(out.iter_mut().skip(1)) {
                let mut nine = [0; 9];
                for (n, pixel) in nine.iter_mut().zip(a.iter().chain(b).chain(c)) {
                    *n = *pixel;
                }
                let (_, middle, _) = nine.select_nth_unstable(4);
                *to = *middle;
            }
        }
        Some(self.with(pixels))
    }

    /// Black for white.
    pub(super) fn invert(&self) -> Self {
        self.with(Zeroizing::new(self.pixels.iter().map(|pixel| u8::MAX - pixel).collect()))
    }

    /// Paints a code white that was read, so that a reader that finds one code finds the next. The corners are the page's.
    #[expect(clippy::cast_possible_truncation, reason = "a float too large for i32 saturates")]
    pub(super) fn mask(&mut self, corners: &Corners) {
        let here = |side: i32| (f64::from(side) / f64::from(self.zoom)) as i32;
        let corners = corners.map(|(x, y)| (here(x), here(y)));
        let mut edges =
            corners.iter().zip(corners.iter().cycle().skip(1)).map(|(a, b)| (*a, *b)).collect::<Vec<_>>();
        edges.truncate(4);
        let width = self.width;
        let inside = |x: i64, y: i64| {
            let side = |((ax, ay), (bx, by)): &((i32, i32), (i32, i32))| {
                let (ax, ay, bx, by) = (i64::from(*ax), i64::from(*ay), i64::from(*bx), i64::from(*by));
                i128::from(bx - ax) * i128::from(y - ay) - i128::from(by - ay) * i128::from(x - ax)
            };
            edges.iter().all(|edge| side(edge) >= 0) || edges.iter().all(|edge| side(edge) <= 0)
        };
        let bound = |low: Option<i32>| usize::try_from(low.unwrap_or(0)).unwrap_or(0);
        let (left, right) =
            (bound(corners.iter().map(|c| c.0).min()), bound(corners.iter().map(|c| c.0).max()));
        let (top, bottom) =
            (bound(corners.iter().map(|c| c.1).min()), bound(corners.iter().map(|c| c.1).max()));
        for (y, row) in
            self.pixels.chunks_exact_mut(width).enumerate().take(bottom.saturating_add(1)).skip(top)
        {
            for (x, pixel) in row.iter_mut().enumerate().take(right.saturating_add(1)).skip(left) {
                if let (Ok(x), Ok(y)) = (i64::try_from(x), i64::try_from(y))
                    && inside(x, y)
                {
                    *pixel = u8::MAX;
                }
            }
        }
    }

    /// Nearly the same everywhere: no code can be here.
    pub(super) fn is_blank(&self) -> bool {
        let (low, high) = self.pixels.iter().fold((u8::MAX, 0), |(low, high), p| (low.min(*p), high.max(*p)));
        high.saturating_sub(low) < 16
    }
}
