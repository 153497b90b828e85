//! The map from the modules of a code to the pixels of a view: a plane seen by a camera (a homography).
//!
//! In: pairs of points, module and pixel. Out: the map that fits them best. Two finders fix it well between
//! them and badly beyond, so tilt is held back: without evidence the paper lies flat.
//! Points are `(x, y)`, y downwards. It knows nothing of pictures.

/// A point: modules or pixels.
pub(super) type Point = (f64, f64);

/// What a tilt costs against the square of a misfit in code widths: a tilt of 0.1 weighs as a misfit of 0.0015.
const TILT: f64 = 2e-4;

/// x' = (a x + b y + c) / (g x + h y + 1), y' = (d x + e y + f) / (g x + h y + 1), x and y in sides of the code from its middle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    side: f64,
    terms: [f64; 8],
}

impl Frame {
    /// The map that takes each module point to its pixel, as well as one can. `None` when the points leave it open.
    pub(super) fn fit(side: f64, pairs: &[(Point, Point)]) -> Option<Self> {
        Self::fitted(side, pairs, TILT)
    }

    /// The map that takes the code's four corners, from its top left clockwise, to these pixels.
    pub(super) fn on(side: f64, corners: &[Point; 4]) -> Option<Self> {
        let places = [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side)];
        let pairs: Vec<_> = places.into_iter().zip(*corners).collect();
        Self::fitted(side, &pairs, 0.0)
    }

    fn fitted(side: f64, pairs: &[(Point, Point)], tilt: f64) -> Option<Self> {
        let count = f64::from(u32::try_from(pairs.len()).ok()?);
        let middle = pairs.iter().fold((0.0, 0.0), |sum, (_, p)| (sum.0 + p.0, sum.1 + p.1));
        let (mx, my) = (middle.0 / count, middle.1 / count);
        let spread = pairs.iter().map(|(_, p)| (p.0 - mx).hypot(p.1 - my)).fold(0.0, f64::max);
        // Normal equations; the pixels are brought to about 1, so that the tilt's weight means the same everywhere.
        let mut rows = [[0.0_f64; 9]; 8];
        let mut add = |row: [f64; 8], value: f64, weight: f64| {
            for (to, left) in rows.iter_mut().zip(row) {
                for (cell, right) in to.iter_mut().zip(row.iter().chain([&value])) {
                    *cell += weight * left * right;
                }
            }
        };
        for ((u, v), (px, py)) in pairs {
            let (u, v) = (u / side - 0.5, v / side - 0.5);
            let (x, y) = ((px - mx) / spread, (py - my) / spread);
            add([u, v, 1.0, 0.0, 0.0, 0.0, -u * x, -v * x], x, 1.0);
            add([0.0, 0.0, 0.0, u, v, 1.0, -u * y, -v * y], y, 1.0);
        }
        add([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0], 0.0, tilt);
        add([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], 0.0, tilt);
        let [a, b, c, d, e, f, g, h] = solve(rows)?;
        let (back_x, back_y) = (|n: f64, t: f64| n * spread + t * mx, |n: f64, t: f64| n * spread + t * my);
        let terms =
            [back_x(a, g), back_x(b, h), back_x(c, 1.0), back_y(d, g), back_y(e, h), back_y(f, 1.0), g, h];
        terms.iter().all(|term| term.is_finite()).then_some(Self { side, terms })
    }

    /// Where a point of the code, in modules, is in the view.
    pub(super) fn at(&self, (u, v): Point) -> Point {
        let (u, v) = (u / self.side - 0.5, v / self.side - 0.5);
        let [a, b, c, d, e, f, g, h] = self.terms;
        let depth = g * u + h * v + 1.0;
        ((a * u + b * v + c) / depth, (d * u + e * v + f) / depth)
    }

    /// The code's corners, from its top left clockwise.
    pub(super) fn corners(&self) -> [Point; 4] {
        let side = self.side;
        [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side)].map(|corner| self.at(corner))
    }

    /// The longest and the shortest edge in pixels, when the corners go round clockwise.
    pub(super) fn edges(&self) -> Option<(f64, f64)> {
        let corners = self.corners();
        let (mut longest, mut shortest) = (0.0_f64, f64::INFINITY);
        let turned = |by: usize| corners.iter().cycle().skip(by);
        for ((a, b), c) in corners.iter().zip(turned(1)).zip(turned(2)) {
            let turn = (b.0 - a.0) * (c.1 - b.1) - (b.1 - a.1) * (c.0 - b.0);
            // Also refuses what is not a number.
            if turn.partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater) {
                return None;
            }
            let length = (b.0 - a.0).hypot(b.1 - a.1);
            (longest, shortest) = (longest.max(length), shortest.min(length));
        }
        Some((longest, shortest))
    }
}

/// Gaussian elimination with pivots: eight equations, the right side last.
fn solve(mut rows: [[f64; 9]; 8]) -> Option<[f64; 8]> {
    for column in 0..8 {
        let size = |row: &[f64; 9]| row.get(column).copied().unwrap_or(0.0).abs();
        let (best, _) =
            rows.iter().enumerate().skip(column).max_by(|a, b| size(a.1).total_cmp(&size(b.1)))?;
        rows.swap(column, best);
        let pivot = *rows.get(column)?;
        let head = *pivot.get(column)?;
        if head.abs() < 1e-12 {
            return None;
        }
        for (at, row) in rows.iter_mut().enumerate() {
            if at == column {
                continue;
            }
            let factor = *row.get(column)? / head;
            row.iter_mut().zip(pivot).for_each(|(cell, above)| *cell -= factor * above);
        }
    }
    let mut solution = [0.0; 8];
    for (at, (value, row)) in solution.iter_mut().zip(&rows).enumerate() {
        *value = row.last()? / row.get(at)?;
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORNERS: [Point; 4] = [(100.0, 50.0), (400.0, 80.0), (420.0, 390.0), (80.0, 350.0)];

    #[test]
    fn four_corners_give_the_plane_through_them() {
        let frame = Frame::on(65.0, &CORNERS).unwrap();
        for (found, given) in frame.corners().iter().zip(CORNERS) {
            assert!((found.0 - given.0).abs() < 1e-6 && (found.1 - given.1).abs() < 1e-6);
        }
        assert!(frame.edges().is_some());
        let [a, b, c, d] = CORNERS;
        assert!(Frame::on(65.0, &[a, d, c, b]).unwrap().edges().is_none(), "mirrored");
        assert!(Frame::on(65.0, &[a, a, c, d]).is_none_or(|frame| frame.edges().is_none()));
    }

    #[test]
    fn points_on_one_strip_are_continued_flat() {
        let true_frame =
            Frame::on(65.0, &[(10.0, 10.0), (335.0, 20.0), (325.0, 345.0), (0.0, 335.0)]).unwrap();
        let strip = [
            (0.0, 0.0),
            (7.0, 0.0),
            (7.0, 7.0),
            (0.0, 7.0),
            (58.0, 0.0),
            (65.0, 0.0),
            (65.0, 7.0),
            (58.0, 7.0),
        ];
        let pairs: Vec<_> = strip.into_iter().map(|point| (point, true_frame.at(point))).collect();
        let far = Frame::fit(65.0, &pairs).unwrap().at((65.0, 65.0));
        let truth = true_frame.at((65.0, 65.0));
        assert!((far.0 - truth.0).hypot(far.1 - truth.1) < 5.0, "{far:?} {truth:?}");
    }
}
