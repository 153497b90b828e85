//! Finders: the three squares in the corners of a code, each looked for on its own.
//!
//! In: a view in black and white. Out: places where rows and columns go 1:1:3:1:1 (ISO/IEC 18004, 12), with the
//! outline of the square as four corners, as the paper's tilt shows it. A finder of which a part is lost may
//! still be found; what only resembles one is left to the caller to refuse.
//! Their number is bounded, so that noise costs no more than a page of text.

use super::frame::Point;
use crate::card::scan::grey::Grey;

/// So many are returned at most, those that most rows agree on first.
const MOST: usize = 14;
/// So many are collected before that.
const COLLECTED: usize = 600;
/// Rays from the middle to the outline.
const RAYS: u32 = 96;

/// A place that looks like a finder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finder {
    pub(super) middle: Point,
    /// The outer corners, clockwise; which of them is the code's top left is not known.
    pub(super) corners: [Point; 4],
    /// Pixels a module, about.
    pub(super) module: f64,
}

/// What rows agree on.
struct Cluster {
    middle: Point,
    module: f64,
    votes: f64,
}

fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

/// Five runs in the proportions of a section through a finder's middle.
fn like_finder(runs: &[usize; 5]) -> bool {
    let total: usize = runs.iter().fold(0, |sum, run| sum.saturating_add(*run));
    if total < 9 {
        return false;
    }
    let module = float(total) / 7.0;
    let [a, b, c, d, e] = runs.map(|run| float(run) / module);
    (c - 3.0).abs() < 1.4 && [a, b, d, e].iter().all(|run| (run - 1.0).abs() < 0.75)
}

/// The runs around a point along a column or a row; their sum, and the middle of the third.
fn section(view: &Grey, (x, y): Point, step: Point, limit: f64) -> Option<(f64, f64)> {
    let dark = |t: f64| view.dark((x + step.0 * t, y + step.1 * t));
    let walk = |sign: f64| {
        let mut runs = [0_usize; 3];
        let mut t = if sign > 0.0 { 0.0 } else { 1.0 };
        for (run, colour) in runs.iter_mut().zip([true, false, true]) {
            while dark(sign * t) == Some(colour) {
                *run = run.saturating_add(1);
                t += 1.0;
                if t > limit {
                    return None;
                }
            }
        }
        Some(runs)
    };
    let ([c, d, e], [before, b, a]) = (walk(1.0)?, walk(-1.0)?);
    let runs = [a, b, c.checked_add(before)?, d, e];
    let total = float(runs.iter().fold(0, |sum, run| sum.saturating_add(*run)));
    like_finder(&runs).then_some((total, (float(c) - float(before)) / 2.0))
}

/// The finders of a view that is black and white.
pub(super) fn finders(view: &Grey) -> Vec<Finder> {
    let mut clusters: Vec<Cluster> = Vec::new();
    let (width, height) = view.size();
    for y in 0..height {
        for (middle, module) in row(view, y) {
            let known = clusters.iter_mut().find(|known| {
                (known.middle.0 - middle).abs() < known.module
                    && (known.middle.1 - f64::from(y)).abs() < 2.5 * known.module
            });
            if let Some(known) = known {
                known.votes += 1.0;
                continue;
            }
            if clusters.len() >= COLLECTED {
                continue;
            }
            let limit = module * 12.0;
            let Some((down, shift)) = section(view, (middle, f64::from(y)), (0.0, 1.0), limit) else {
                continue;
            };
            let place = (middle, f64::from(y) + shift);
            let Some((across, shift)) = section(view, place, (1.0, 0.0), limit) else { continue };
            if down > across * 2.0 || across > down * 2.0 {
                continue;
            }
            clusters.push(Cluster {
                middle: (place.0 + shift, place.1),
                module: (down * across).sqrt() / 7.0,
                votes: 1.0,
            });
        }
    }
    debug_assert!(width > 0);
    // Rows through the middle of a finder agree over three modules.
    let weight = |cluster: &Cluster| cluster.votes / cluster.module.max(1.0);
    clusters.retain(|cluster| weight(cluster) > 0.5);
    clusters.sort_by(|a, b| b.votes.total_cmp(&a.votes));
    let outlined = clusters.iter().filter_map(|cluster| outline(view, cluster));
    outlined.take(MOST).collect()
}

/// The middles and module sizes of what resembles a finder in one row.
fn row(view: &Grey, y: u32) -> Vec<(f64, f64)> {
    let mut found = Vec::new();
    let mut runs = [0_usize; 5];
    let (mut dark, mut length) = (false, 0_usize);
    // The edge of the picture ends the last run.
    for (x, pixel) in view.row(y).iter().chain([&u8::MAX]).enumerate() {
        let now = *pixel < 128;
        if now == dark {
            length = length.saturating_add(1);
            continue;
        }
        runs.rotate_left(1);
        if let Some(last) = runs.last_mut() {
            *last = length;
        }
        if dark && like_finder(&runs) {
            let [a, b, c, d, e] = runs.map(float);
            found.push((float(x) - e - d - c / 2.0, (a + b + c + d + e) / 7.0));
        }
        (dark, length) = (now, 1);
    }
    found
}

/// The four corners, from where rays leave the outer square.
fn outline(view: &Grey, cluster: &Cluster) -> Option<Finder> {
    let Cluster { middle, module, .. } = *cluster;
    let rays: Vec<Point> = (0..RAYS)
        .filter_map(|ray| {
            let angle = f64::from(ray) / f64::from(RAYS) * std::f64::consts::TAU;
            let (dx, dy) = (angle.cos(), angle.sin());
            let length = leaves(view, middle, (dx, dy), module)?;
            Some((middle.0 + dx * length, middle.1 + dy * length))
        })
        .collect();
    if rays.len() < usize::try_from(RAYS / 2).ok()? {
        return None;
    }
    let away = |p: &Point| (p.0 - middle.0).hypot(p.1 - middle.1);
    let first = *rays.iter().max_by(|a, b| away(a).total_cmp(&away(b)))?;
    let along = |p: &Point| (p.0 - middle.0) * (first.0 - middle.0) + (p.1 - middle.1) * (first.1 - middle.1);
    let third = *rays
        .iter()
        .filter(|p| along(p) < -0.5 * away(&first) * away(p))
        .max_by(|a, b| away(a).total_cmp(&away(b)))?;
    let beside = |p: &Point| (third.0 - first.0) * (p.1 - first.1) - (third.1 - first.1) * (p.0 - first.0);
    let fourth = *rays.iter().max_by(|a, b| beside(a).total_cmp(&beside(b)))?;
    let second = *rays.iter().min_by(|a, b| beside(a).total_cmp(&beside(b)))?;
    let rough = [first, second, third, fourth];
    let turned = |by: usize| rough.iter().cycle().skip(by);
    let lines: Vec<_> =
        rough.iter().zip(turned(1)).map(|(a, b)| edge(&rays, *a, *b)).collect::<Option<_>>()?;
    let before = lines.iter().cycle().skip(3);
    let mut corners = [(0.0, 0.0); 4];
    for ((corner, line), before) in corners.iter_mut().zip(&lines).zip(before) {
        *corner = crossing(*before, *line)?;
    }
    let lengths =
        corners.iter().zip(corners.iter().cycle().skip(1)).map(|(a, b)| (b.0 - a.0).hypot(b.1 - a.1));
    let (shortest, longest) =
        lengths.fold((f64::INFINITY, 0.0_f64), |(s, l), length| (s.min(length), l.max(length)));
    let fits = longest < shortest * 2.0 && shortest > 3.0 * module && longest < 12.0 * module;
    fits.then_some(Finder { middle, corners, module: (shortest + longest) / 14.0 })
}

/// How far a ray from the middle goes until it leaves the outer square: dark, light, dark, in 3:2:2.
fn leaves(view: &Grey, middle: Point, (dx, dy): Point, module: f64) -> Option<f64> {
    let mut ends = [0.0_f64; 3];
    let mut t = 0.0;
    for (end, colour) in ends.iter_mut().zip([true, false, true]) {
        while view.dark((middle.0 + dx * t, middle.1 + dy * t))? == colour {
            t += 0.25;
            if t > 8.0 * module {
                return None;
            }
        }
        *end = t;
    }
    let [inner, gap, outer] = ends;
    let close = |ratio: f64, to: f64| (ratio - to).abs() < 0.17;
    (close(inner / outer, 3.0 / 7.0) && close(gap / outer, 5.0 / 7.0)).then_some(outer)
}

/// A line as a point and a direction, through the rays' ends between two rough corners.
fn edge(rays: &[Point], a: Point, b: Point) -> Option<(Point, Point)> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx.hypot(dy);
    let near = rays.iter().filter(|p| {
        let along = ((p.0 - a.0) * dx + (p.1 - a.1) * dy) / (length * length);
        let off = ((p.0 - a.0) * dy - (p.1 - a.1) * dx).abs() / length;
        (0.12..0.88).contains(&along) && off < length * 0.12
    });
    let near: Vec<Point> = near.copied().collect();
    if near.len() < 4 {
        return (length > 0.0).then_some((a, (dx / length, dy / length)));
    }
    let count = float(near.len());
    let (mx, my) = near.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0 / count, sum.1 + p.1 / count));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in near {
        xx += (x - mx) * (x - mx);
        xy += (x - mx) * (y - my);
        yy += (y - my) * (y - my);
    }
    let angle = 0.5 * (2.0 * xy).atan2(xx - yy);
    Some(((mx, my), (angle.cos(), angle.sin())))
}

fn crossing((p, d): (Point, Point), (q, e): (Point, Point)) -> Option<Point> {
    let turn = d.0 * e.1 - d.1 * e.0;
    if turn.abs() < 0.1 {
        return None;
    }
    let t = ((q.0 - p.0) * e.1 - (q.1 - p.1) * e.0) / turn;
    Some((p.0 + d.0 * t, p.1 + d.1 * t))
}
