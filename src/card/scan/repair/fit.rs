//! Brings a frame to where the code really is.
//!
//! In: a view that is nearly black and white, a layout, and pairs of points that are known. Out: a frame, and how
//! well it fits: 1 for a clean code, about 0.4 for anything else. Alignment patterns are looked for from the known
//! points outwards, each widening what is known; then the four corners are moved until the fixed modules are
//! right and the others are surely dark or light. Bounded: a few hundred evaluations of some thousand points.

use super::frame::{Frame, Point};
use super::layout::Layout;
use crate::card::scan::grey::Grey;

/// A fixed module counts so much more than one of unknown colour.
const FIXED: f64 = 3.0;
/// An alignment pattern is taken when so much of it is right (1: all, 0: half).
const ALIGNED: f64 = 0.7;

/// A layout on a view.
pub(super) struct Fit<'a> {
    pub(super) layout: &'a Layout,
    soft: &'a Grey,
    probes: Vec<(Point, Option<bool>)>,
}

fn float(at: usize) -> f64 {
    u32::try_from(at).map_or(0.0, f64::from)
}

impl<'a> Fit<'a> {
    pub(super) fn new(layout: &'a Layout, soft: &'a Grey) -> Self {
        let middle = |(x, y, fixed): (usize, usize, Option<bool>)| ((float(x) + 0.5, float(y) + 0.5), fixed);
        // A third of the data modules are enough.
        let chosen =
            |(at, (_, _, fixed)): &(usize, (usize, usize, Option<bool>))| fixed.is_some() || at % 3 == 0;
        let probes = layout.modules().enumerate().filter(chosen).map(|(_, module)| middle(module)).collect();
        Self { layout, soft, probes }
    }

    pub(super) fn side(&self) -> f64 {
        float(self.layout.side)
    }

    /// 1 where the view is dark, -1 where it is light, 0 outside.
    pub(super) fn ink(&self, place: Point) -> f64 {
        self.soft.sample(place).map_or(0.0, |value| 1.0 - value / 127.5)
    }

    /// What a module tells: a fixed one whether it is right, another whether it is sure.
    pub(super) fn evidence(&self, fixed: Option<bool>, place: Point) -> f64 {
        let ink = self.ink(place);
        fixed.map_or(ink.abs(), |dark| if dark { ink } else { -ink } * FIXED)
    }

    /// How well a frame fits: at most 1.
    pub(super) fn score(&self, frame: &Frame) -> f64 {
        let weight = |fixed: Option<bool>| if fixed.is_some() { FIXED } else { 1.0 };
        let (sum, most) = self.probes.iter().fold((0.0, 0.0), |(sum, most), (place, fixed)| {
            (sum + self.evidence(*fixed, frame.at(*place)), most + weight(*fixed))
        });
        sum / most
    }

    /// How well dark and light alternate on a line of modules, from one point to another, dark at the ends.
    pub(super) fn alternates(&self, frame: &Frame, from: Point, to: Point) -> f64 {
        let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs());
        let (mut sum, mut at, mut sign) = (0.0, 0.0, 1.0);
        while at <= steps {
            let part = at / steps.max(1.0);
            let place = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
            sum += sign * self.ink(frame.at(place));
            (at, sign) = (at + 1.0, -sign);
        }
        sum / at
    }

    /// A frame through the pairs and every alignment pattern that is found from there.
    pub(super) fn aligned(&self, mut pairs: Vec<(Point, Point)>) -> Option<Frame> {
        let mut frame = Frame::fit(self.side(), &pairs)?;
        let mut rest = self.layout.alignments.clone();
        let away = |pairs: &[(Point, Point)], to: &Point| {
            pairs
                .iter()
                .map(|(known, _)| (known.0 - to.0).hypot(known.1 - to.1))
                .fold(f64::INFINITY, f64::min)
        };
        while let Some((at, distance)) =
            rest.iter().map(|middle| away(&pairs, middle)).enumerate().min_by(|a, b| a.1.total_cmp(&b.1))
        {
            let middle = rest.swap_remove(at);
            let reach = (1.0 + distance * 0.07).min(5.0);
            if let Some(place) = self.alignment(&frame, middle, reach) {
                // Twice: as much as two corners of a finder.
                pairs.extend([(middle, place); 2]);
                frame = Frame::fit(self.side(), &pairs)?;
            }
        }
        Some(frame)
    }

    /// The middle of the alignment pattern that should be at `middle`.
    fn alignment(&self, frame: &Frame, middle: Point, reach: f64) -> Option<Point> {
        let likeness = |(mx, my): Point| {
            let mut sum = 0.0;
            for (dx, dy) in (-2..=2).flat_map(|y| (-2..=2).map(move |x| (x, y))) {
                let ink = self.ink(frame.at((mx + f64::from(dx), my + f64::from(dy))));
                sum += if i32::abs(dx).max(i32::abs(dy)) == 1 { -ink } else { ink };
            }
            sum / 25.0
        };
        let mut best = (f64::NEG_INFINITY, middle);
        let mut look = |around: Point, reach: f64, step: f64| {
            let mut y = -reach;
            while y <= reach {
                let mut x = -reach;
                while x <= reach {
                    let place = (around.0 + x, around.1 + y);
                    let like = likeness(place);
                    if like > best.0 {
                        best = (like, place);
                    }
                    x += step;
                }
                y += step;
            }
            best.1
        };
        let near = look(middle, reach, 0.5);
        look(near, 0.25, 0.125);
        (best.0 > ALIGNED).then(|| frame.at(best.1))
    }

    /// Moves the corners, alone and in pairs, as long as the score grows.
    pub(super) fn climb(&self, frame: Frame) -> (f64, Frame) {
        let side = self.side();
        let mut best = (self.score(&frame), frame);
        for step in [1.0, 0.5, 0.25, 0.12] {
            for _ in 0..8 {
                let before = best.0;
                for moved in [1, 2, 4, 8, 3, 6, 12, 9, 15_u8] {
                    for (dx, dy) in [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)] {
                        let mut corners = best.1.corners();
                        let Some((longest, _)) = best.1.edges() else { return best };
                        let pixels = step * longest / side;
                        for (bit, corner) in corners.iter_mut().enumerate() {
                            if moved >> bit & 1 == 1 {
                                *corner = (corner.0 + dx * pixels, corner.1 + dy * pixels);
                            }
                        }
                        let Some(frame) = Frame::on(side, &corners) else { continue };
                        let score = self.score(&frame);
                        if score > best.0 {
                            best = (score, frame);
                        }
                    }
                }
                if best.0 < before + 1e-3 {
                    break;
                }
            }
        }
        best
    }
}
