//! Reads codes of ours that lost a finder, or more than a reader can guess: torn corners, folds, stains.
//!
//! In: a page that the readers gave up. Out: the texts of cards on it. A finder is what readers find a code by, and
//! error correction does not cover it. But a card's code is one that we drew: its version, its fixed modules
//! and its alphabet are known. So two finders are enough here; from them the alignment patterns are looked
//! for, the frame is fitted (`fit`), the modules are sampled with their doubts (`grid`) and the doubtful ones are given up as erasures
//! (`text`). A guess is right when every block is corrected with check symbols to spare and the text is one of ours, to the
//! last bit of its padding; nothing else leaves this module.
//! Bounded: so many finders, guesses and evaluations, and the watch is asked between any two.

mod finder;
mod fit;
mod frame;
mod grid;
mod guess;
mod layout;
mod solomon;
mod text;
mod warp;

#[cfg(test)]
mod tests;

use zeroize::Zeroizing;

use super::decode::Hit;
use super::grey::Grey;
use super::watch::Watch;
use fit::Fit;
use frame::{Frame, Point};

/// Views of about so many pixels: a module of a card that fills one has 4 pixels or more.
const VIEW: usize = 2_200_000;
/// A frame that fits less than this is of no code.
const FITS: f64 = 0.45;

/// A frame that fits less than this is not worth moving.
const BEGINS: f64 = 0.2;

/// The codes of ours on the page.
pub(super) fn repair(page: &Grey, ours: fn(&str) -> bool, watch: &Watch) -> Vec<Hit> {
    let fits = |by: &usize| {
        by.checked_mul(*by).and_then(|square| page.area().checked_div(square)).is_none_or(|area| area <= VIEW)
    };
    let by = (1..).find(fits).unwrap_or(1);
    let layouts = guess::layouts();
    let mut hits: Vec<Hit> = Vec::new();
    let finer = if by > 1 { Some(by.div_ceil(2)) } else { None };
    for by in [Some(by), finer].into_iter().flatten().filter(|by| *by > 0) {
        if !hits.is_empty() || watch.over() {
            break;
        }
        let shrunk = page.shrink(by);
        let view = shrunk.as_ref().unwrap_or(page);
        view_hits(view, &layouts, ours, watch, &mut hits);
    }
    hits
}

fn view_hits(
    view: &Grey,
    layouts: &guess::Layouts,
    ours: fn(&str) -> bool,
    watch: &Watch,
    hits: &mut Vec<Hit>,
) {
    let Some(black) = view.threshold() else { return };
    let Some(soft) = black.blur(1) else { return };
    let finders = finder::finders(&black);
    for guess in guess::guesses(&finders, layouts, &soft) {
        if watch.over() {
            return;
        }
        let Some(layout) = layouts.get(&guess.version) else { continue };
        let known = |place: &Point| hits.iter().any(|hit| inside(view, &hit.corners, *place));
        if guess.pairs.iter().any(|(_, place)| known(place)) {
            continue;
        }
        let fit = Fit::new(layout, &soft);
        let Some(frame) = fit.aligned(guess.pairs) else { continue };
        if frame.edges().is_none() || fit.score(&frame) < BEGINS {
            continue;
        }
        let (score, frame) = fit.climb(frame);
        if score < FITS || watch.over() {
            continue;
        }
        let straight = judged(&fit, view, &|place| frame.at(place), ours);
        let text = straight.or_else(|| {
            let warp = warp::Warp::fit(&fit, frame);
            judged(&fit, view, &|place| warp.at(place), ours)
        });
        if let Some(text) = text {
            hits.push(Hit { text, corners: corners(view, &frame) });
        }
    }
}

/// The text under a map, when it is one of ours.
fn judged(
    fit: &Fit<'_>,
    view: &Grey,
    at: &dyn Fn(Point) -> Point,
    ours: fn(&str) -> bool,
) -> Option<Zeroizing<String>> {
    let modules = Zeroizing::new(grid::sample(fit.layout, view, at));
    text::text(fit.layout, &modules).filter(|text| ours(text))
}

fn corners(view: &Grey, frame: &Frame) -> super::Corners {
    frame.corners().map(|place| view.place(place))
}

/// Whether a place of the view is in the box around corners of the page.
fn inside(view: &Grey, corners: &super::Corners, place: Point) -> bool {
    let (x, y) = view.place(place);
    let within = |at: i32, all: [i32; 4]| {
        all.iter().min().is_some_and(|low| at >= *low) && all.iter().max().is_some_and(|high| at <= *high)
    };
    within(x, corners.map(|corner| corner.0)) && within(y, corners.map(|corner| corner.1))
}
