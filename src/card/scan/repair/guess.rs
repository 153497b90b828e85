//! Where a code may be, from the finders that are left: two of them, or three that no reader could use.
//!
//! In: finders, each without a role. Out: guesses, the likeliest first: a version, and the code's known points with
//! their pixels. Two finders leave open which two they are, on which side of them the code lies, and its version;
//! the timing line between them says most of it. Mirrored codes are not guessed.

use std::collections::BTreeMap;

use super::finder::Finder;
use super::fit::Fit;
use super::frame::{Frame, Point};
use super::layout::Layout;
use crate::card::scan::grey::Grey;

/// So many guesses are worth following.
const MOST: usize = 40;

/// The versions of cards, the commonest first: a passphrase seal, an open one, others.
const ALONE: [u8; 12] = [12, 10, 11, 13, 14, 15, 16, 17, 18, 9, 8, 7];

/// A version and pairs of points, module and pixel.
pub(super) struct Guess {
    pub(super) version: u8,
    pub(super) pairs: Vec<(Point, Point)>,
    likely: f64,
}

/// A finder's place in the code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    TopLeft,
    TopRight,
    BottomLeft,
}

use Role::{BottomLeft, TopLeft, TopRight};

impl Role {
    /// The finder's top left corner in a code of so many modules.
    fn origin(self, side: f64) -> Point {
        match self {
            TopLeft => (0.0, 0.0),
            TopRight => (side - 7.0, 0.0),
            BottomLeft => (0.0, side - 7.0),
        }
    }

    /// The finder's corners, clockwise from its top left.
    fn corners(self, side: f64) -> [Point; 4] {
        let (x, y) = self.origin(side);
        [(x, y), (x + 7.0, y), (x + 7.0, y + 7.0), (x, y + 7.0)]
    }
}

/// The layouts of all versions, made when first asked for.
pub(super) type Layouts = BTreeMap<u8, Layout>;

pub(super) fn layouts() -> Layouts {
    (1..=18).filter_map(|version| Some((version, Layout::new(version)?))).collect()
}

/// Guesses from every two finders that may be of one code.
pub(super) fn guesses(finders: &[Finder], layouts: &Layouts, soft: &Grey) -> Vec<Guess> {
    let mut found = Vec::new();
    for (at, a) in finders.iter().enumerate() {
        for b in finders.iter().skip(at.saturating_add(1)) {
            if a.module > b.module * 1.7 || b.module > a.module * 1.7 {
                continue;
            }
            for roles in [
                (TopLeft, TopRight),
                (TopRight, TopLeft),
                (TopLeft, BottomLeft),
                (BottomLeft, TopLeft),
                (TopRight, BottomLeft),
                (BottomLeft, TopRight),
            ] {
                pair((a, b), roles, finders, layouts, soft, &mut found);
            }
        }
    }
    found.sort_by(|a: &Guess, b| b.likely.total_cmp(&a.likely));
    found.truncate(MOST);
    for finder in finders {
        alone(finder, layouts, soft, &mut found);
    }
    found.truncate(MOST.saturating_mul(2));
    found
}

/// Guesses from one finder, when a timing line begins at it: every role and turn, in every version that a card has.
fn alone(finder: &Finder, layouts: &Layouts, soft: &Grey, found: &mut Vec<Guess>) {
    for (role, turn) in
        [TopLeft, TopRight, BottomLeft].into_iter().flat_map(|role| (0..4).map(move |turn| (role, turn)))
    {
        let pairs = |side: f64| -> Vec<(Point, Point)> {
            let mut corners = finder.corners;
            corners.rotate_left(turn);
            role.corners(side).into_iter().zip(corners).collect()
        };
        for version in ALONE {
            let Some(layout) = layouts.get(&version) else { continue };
            let fit = Fit::new(layout, soft);
            let side = fit.side();
            let Some(frame) = Frame::fit(side, &pairs(side)) else { continue };
            let (far, near) = (side - 8.5, side - 16.5);
            let lines = match role {
                TopLeft => vec![((8.5, 6.5), (16.5, 6.5)), ((6.5, 8.5), (6.5, 16.5))],
                TopRight => vec![((far, 6.5), (near, 6.5))],
                BottomLeft => vec![((6.5, far), (6.5, near))],
            };
            let count = if role == TopLeft { 2.0 } else { 1.0 };
            let sum: f64 = lines.into_iter().map(|(from, to)| fit.alternates(&frame, from, to)).sum();
            let likely = sum / count;
            // The line is the same in every version.
            if likely < 0.35 {
                break;
            }
            found.push(Guess { version, pairs: pairs(side), likely });
        }
    }
}

fn pair(
    (a, b): (&Finder, &Finder),
    roles: (Role, Role),
    finders: &[Finder],
    layouts: &Layouts,
    soft: &Grey,
    found: &mut Vec<Guess>,
) {
    let diagonal = roles.0 != TopLeft && roles.1 != TopLeft;
    let span = (b.middle.0 - a.middle.0).hypot(b.middle.1 - a.middle.1) * 2.0 / (a.module + b.module);
    let about = if diagonal { span / std::f64::consts::SQRT_2 } else { span } + 7.0;
    for (version, layout) in layouts {
        let fit = Fit::new(layout, soft);
        let side = fit.side();
        if (side - about).abs() > about * 0.13 + 1.0 {
            continue;
        }
        let (from, to) = (roles.0.origin(side), roles.1.origin(side));
        let code = (to.0 - from.0, to.1 - from.1);
        let view = (b.middle.0 - a.middle.0, b.middle.1 - a.middle.1);
        let Some(mut pairs) = placed(a, roles.0, side, code, view) else { continue };
        let Some(more) = placed(b, roles.1, side, code, view) else { continue };
        pairs.extend(more);
        let Some(frame) = Frame::fit(side, &pairs) else { continue };
        if frame.edges().is_none_or(|(longest, shortest)| longest > shortest * 2.5) {
            continue;
        }
        let line = match roles {
            (TopLeft, TopRight) | (TopRight, TopLeft) => Some(((8.5, 6.5), (side - 8.5, 6.5))),
            (TopLeft, BottomLeft) | (BottomLeft, TopLeft) => Some(((6.5, 8.5), (6.5, side - 8.5))),
            _ => None,
        };
        // Without a timing line between them there is nothing to tell yet.
        let mut likely = line.map_or(0.3, |(from, to)| fit.alternates(&frame, from, to));
        if line.is_some() && likely < 0.1 {
            continue;
        }
        let third =
            [TopLeft, TopRight, BottomLeft].into_iter().find(|role| *role != roles.0 && *role != roles.1);
        if let Some(role) = third {
            let (x, y) = role.origin(side);
            let place = frame.at((x + 3.5, y + 3.5));
            let near = finders.iter().find(|finder| {
                let away = (finder.middle.0 - place.0).hypot(finder.middle.1 - place.1);
                away < side * 0.12 * finder.module
                    && (a.module / finder.module).max(finder.module / a.module) < 1.7
            });
            let whole = near.and_then(|finder| {
                let view = (finder.middle.0 - a.middle.0, finder.middle.1 - a.middle.1);
                placed(finder, role, side, (x - from.0, y - from.1), view)
            });
            if let Some(more) = whole {
                pairs.extend(more);
                likely += 1.0;
            }
        }
        found.push(Guess { version: *version, pairs, likely });
    }
}

/// The finder's corners as the code has them, turned so that the direction `code` of the code is the direction `view` of the view.
fn placed(finder: &Finder, role: Role, side: f64, code: Point, view: Point) -> Option<Vec<(Point, Point)>> {
    let turned = |by: usize| {
        let mut corners = finder.corners;
        corners.rotate_left(by);
        let [first, second, third, fourth] = corners;
        let across = (second.0 + third.0 - first.0 - fourth.0, second.1 + third.1 - first.1 - fourth.1);
        let down = (fourth.0 + third.0 - first.0 - second.0, fourth.1 + third.1 - first.1 - second.1);
        let led = (code.0 * across.0 + code.1 * down.0, code.0 * across.1 + code.1 * down.1);
        let length = led.0.hypot(led.1) * view.0.hypot(view.1);
        ((led.0 * view.0 + led.1 * view.1) / length, corners)
    };
    let (cosine, corners) = (0..4).map(turned).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (cosine > 0.94).then(|| role.corners(side).into_iter().zip(corners).collect())
}
