//! A frame that bends: for paper that is curled or folded.
//!
//! In: a frame that fits about. Out: a map that adds to each module a shift, interpolated between knots
//! of a net. The knots are set one by one, from the finders outwards, each beginning where its neighbours
//! are, so that a shift grows slowly and is not mistaken by a whole module; then all of them are gone over again.

use super::fit::Fit;
use super::frame::{Frame, Point};

/// Modules between knots, about.
const PITCH: f64 = 7.0;
/// What a knot that strays from its neighbours by one module costs, in modules of evidence.
const STIFF: f64 = 12.0;

/// The net.
pub(super) struct Warp {
    frame: Frame,
    knots: usize,
    pitch: f64,
    /// By row, in modules.
    shifts: Vec<Point>,
}

fn float(at: usize) -> f64 {
    u32::try_from(at).map_or(0.0, f64::from)
}

impl Warp {
    /// Where a point of the code is in the view.
    pub(super) fn at(&self, place: Point) -> Point {
        let shift = self.shift(place);
        self.frame.at((place.0 + shift.0, place.1 + shift.1))
    }

    fn knot(&self, x: usize, y: usize) -> Option<Point> {
        let row = y.checked_mul(self.knots)?;
        if x < self.knots { self.shifts.get(row.checked_add(x)?).copied() } else { None }
    }

    fn shift(&self, (x, y): Point) -> Point {
        let mut sum = (0.0, 0.0);
        let last = self.knots.saturating_sub(2);
        let cell = |at: f64| {
            let steps = (0..=last).rev().find(|step| float(*step) * self.pitch <= at).unwrap_or(0);
            (steps, (at / self.pitch - float(steps)).clamp(0.0, 1.0))
        };
        let ((column, right), (row, low)) = (cell(x), cell(y));
        for (dx, dy, weight) in [
            (0, 0, (1.0 - right) * (1.0 - low)),
            (1, 0, right * (1.0 - low)),
            (0, 1, (1.0 - right) * low),
            (1, 1, right * low),
        ] {
            if let Some(knot) = self.knot(column.saturating_add(dx), row.saturating_add(dy)) {
                sum = (sum.0 + knot.0 * weight, sum.1 + knot.1 * weight);
            }
        }
        sum
    }

    /// Bends a frame to the code.
    pub(super) fn fit(fit: &Fit<'_>, frame: Frame) -> Self {
        let side = fit.side();
        let cells = (side / PITCH).round().max(2.0);
        let knots = (3..40).find(|knots| float(*knots) > cells).unwrap_or(3);
        let pitch = side / cells;
        let mut warp = Self { frame, knots, pitch, shifts: vec![(0.0, 0.0); knots.saturating_mul(knots)] };
        let mut modules: Vec<Vec<(Point, Option<bool>)>> = vec![Vec::new(); warp.shifts.len()];
        let places: Vec<(usize, usize)> = (0..knots).flat_map(|y| (0..knots).map(move |x| (x, y))).collect();
        for ((x, y), near) in places.iter().zip(&mut modules) {
            let (kx, ky) = (float(*x) * pitch, float(*y) * pitch);
            for (mx, my, fixed) in fit.layout.modules() {
                let place = (float(mx) + 0.5, float(my) + 0.5);
                if (place.0 - kx).abs() < pitch && (place.1 - ky).abs() < pitch {
                    near.push((place, fixed));
                }
            }
        }
        // From the corners with finders outwards, then over the whole net again.
        let corners = [(0, 0), (knots.saturating_sub(1), 0), (0, knots.saturating_sub(1))];
        let away = |place: &(usize, usize)| {
            corners.iter().map(|(x, y)| x.abs_diff(place.0).max(y.abs_diff(place.1))).min().unwrap_or(0)
        };
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by_key(|at| places.get(*at).map_or(0, away));
        let mut set = vec![false; places.len()];
        for round in 0..3 {
            for at in &order {
                let (Some((x, y)), Some(near)) = (places.get(*at), modules.get(*at)) else { continue };
                let around = warp.neighbours(*x, *y, &set);
                let from = if round == 0 {
                    around.unwrap_or((0.0, 0.0))
                } else {
                    warp.knot(*x, *y).unwrap_or((0.0, 0.0))
                };
                let best = warp.best(fit, near, *at, from, around);
                if let Some(shift) = warp.shifts.get_mut(*at) {
                    *shift = best;
                }
                if let Some(done) = set.get_mut(*at) {
                    *done = true;
                }
            }
        }
        warp
    }

    /// The mean of the neighbours that are set.
    fn neighbours(&self, x: usize, y: usize, set: &[bool]) -> Option<Point> {
        let mut sum = (0.0, 0.0, 0.0);
        for (dx, dy) in [(0, 1), (2, 1), (1, 0), (1, 2)] {
            let (Some(nx), Some(ny)) =
                (x.saturating_add(dx).checked_sub(1), y.saturating_add(dy).checked_sub(1))
            else {
                continue;
            };
            let row = ny.saturating_mul(self.knots);
            if set.get(row.saturating_add(nx)) == Some(&true)
                && let Some(knot) = self.knot(nx, ny)
            {
                sum = (sum.0 + knot.0, sum.1 + knot.1, sum.2 + 1.0);
            }
        }
        (sum.2 > 0.0).then_some((sum.0 / sum.2, sum.1 / sum.2))
    }

    /// The best shift of a knot, near `from`.
    fn best(
        &mut self,
        fit: &Fit<'_>,
        near: &[(Point, Option<bool>)],
        at: usize,
        from: Point,
        around: Option<Point>,
    ) -> Point {
        let mut value = |shift: Point| {
            if let Some(knot) = self.shifts.get_mut(at) {
                *knot = shift;
            }
            let sum: f64 = near.iter().map(|(place, fixed)| fit.evidence(*fixed, self.at(*place))).sum();
            let strayed = around.map_or(0.0, |(x, y)| (shift.0 - x).powi(2) + (shift.1 - y).powi(2));
            sum - strayed * STIFF
        };
        let mut best = (value(from), from);
        for step in [0.5, 0.25, 0.12] {
            for _ in 0..3 {
                let (before, middle) = best;
                for (dx, dy) in [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)] {
                    let shift = (middle.0 + dx * step, middle.1 + dy * step);
                    let found = value(shift);
                    if found > best.0 {
                        best = (found, shift);
                    }
                }
                if best.0 <= before {
                    break;
                }
            }
        }
        best.1
    }
}
