//! Codes of ours that lost a finder, a corner or half their middle, drawn and damaged here.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::card::qr::Modules;

/// Pixels a module, when nothing is turned or tilted.
const MODULE: f64 = 5.0;

fn whole() -> String {
    format!("QUORATE/1/{}", "MFRGGZDFMZTWQ2LK6BYXE3CN".repeat(8) + "ABCDEFG")
}

fn ours(text: &str) -> bool {
    text.starts_with("QUORATE/1/")
}

fn all_time() -> Watch {
    Watch::new(Instant::now(), Duration::from_secs(600)).0
}

/// The card's code as a camera sees it: its corners on these places of a page of 560 pixels, each of the
/// `holes` (middle and radius in modules) in its grey.
fn seen(corners: &[Point; 4], holes: &[(Point, f64, u8)]) -> Grey {
    static CODE: OnceLock<Modules> = OnceLock::new();
    let code = CODE.get_or_init(|| Modules::encode(&whole()).unwrap());
    let side = f64::from(code.side());
    // From pixels to modules: the frame the other way round.
    let back = {
        let frame = Frame::on(side, corners).unwrap();
        let grid: Vec<(Point, Point)> = (0..9)
            .flat_map(|y| (0..9).map(move |x| (f64::from(x) / 8.0 * side, f64::from(y) / 8.0 * side)))
            .map(|place| (frame.at(place), place))
            .collect();
        let shifted: Vec<_> = grid.iter().map(|((x, y), place)| ((x + 280.0, y + 280.0), *place)).collect();
        Frame::fit(1120.0, &shifted).unwrap()
    };
    let value = |x: f64, y: f64| {
        let (u, v) = back.at((x + 280.0, y + 280.0));
        if let Some((_, _, grey)) = holes.iter().find(|((hu, hv), r, _)| (u - hu).hypot(v - hv) < *r) {
            return f64::from(*grey);
        }
        let inside = u >= 0.0 && v >= 0.0 && u < side && v < side;
        if inside && code.is_dark(u as u16, v as u16) { 20.0 } else { 230.0 }
    };
    let mut pixels = Vec::with_capacity(560 * 560);
    for (x, y) in (0..560).flat_map(|y| (0..560).map(move |x| (f64::from(x), f64::from(y)))) {
        let spots = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)];
        pixels.push((spots.map(|(dx, dy)| value(x + dx, y + dy)).iter().sum::<f64>() / 4.0) as u8);
    }
    Grey::new(560, 560, Zeroizing::new(pixels)).unwrap()
}

/// The code turned by so many degrees in the middle of the page, its corners pulled by `tilt` pixels.
fn turned(degrees: f64, tilt: [f64; 4]) -> [Point; 4] {
    let half = MODULE * 65.0 / 2.0;
    let (sin, cos) = degrees.to_radians().sin_cos();
    let mut pulls = tilt.into_iter();
    [(-half, -half), (half, -half), (half, half), (-half, half)].map(|(x, y)| {
        let pull = 1.0 + pulls.next().unwrap() / half;
        (280.0 + (x * cos - y * sin) * pull, 280.0 + (x * sin + y * cos) * pull)
    })
}

fn texts(page: &Grey) -> Vec<String> {
    repair(page, ours, &all_time()).iter().map(|hit| hit.text.to_string()).collect()
}

const FINDERS: [Point; 3] = [(3.5, 3.5), (61.5, 3.5), (3.5, 61.5)];

#[test]
fn any_one_finder_may_be_torn_off_at_any_angle() {
    for (finder, degrees, grey) in [
        (0, 0.0, 0),
        (1, 0.0, 255),
        (2, 0.0, 120),
        (0, 33.0, 255),
        (1, 45.0, 120),
        (2, 171.0, 0),
        (0, 262.0, 90),
    ] {
        let page = seen(&turned(degrees, [0.0; 4]), &[(FINDERS[finder], 7.0, grey)]);
        assert_eq!(texts(&page), [whole()], "finder {finder}, {degrees} degrees, grey {grey}");
    }
}

#[test]
fn two_finders_may_be_torn_off() {
    for left in 0..3 {
        let holes: Vec<_> =
            FINDERS.iter().enumerate().filter(|(at, _)| *at != left).map(|(_, f)| (*f, 5.5, 255)).collect();
        assert_eq!(texts(&seen(&turned(10.0, [0.0; 4]), &holes)), [whole()], "only finder {left} is left");
    }
}

#[test]
fn a_tilted_page_with_a_torn_corner_is_read() {
    for tilt in [[0.0, 14.0, 0.0, 0.0], [12.0, 0.0, -12.0, 0.0], [-15.0, -15.0, 10.0, 10.0]] {
        let page = seen(&turned(20.0, tilt), &[(FINDERS[0], 6.5, 60)]);
        assert_eq!(texts(&page), [whole()], "{tilt:?}");
    }
}

#[test]
fn a_third_of_the_code_may_be_under_a_stain() {
    let page = seen(&turned(5.0, [0.0; 4]), &[((36.0, 36.0), 20.0, 0)]);
    assert_eq!(texts(&page), [whole()]);
}

#[test]
fn where_the_code_is_is_told() {
    let corners = turned(0.0, [0.0; 4]);
    let hits = repair(&seen(&corners, &[(FINDERS[1], 6.0, 255)]), ours, &all_time());
    for ((x, y), (tx, ty)) in hits[0].corners.iter().zip(corners) {
        assert!((f64::from(*x) - tx).hypot(f64::from(*y) - ty) < MODULE, "{x}, {y}");
    }
}

#[test]
fn a_code_of_somebody_else_is_left_alone() {
    let page = seen(&turned(0.0, [0.0; 4]), &[(FINDERS[1], 6.0, 255)]);
    assert!(repair(&page, |text| text.starts_with("OTHER/"), &all_time()).is_empty());
}

#[test]
fn nothing_is_begun_when_the_time_is_over() {
    let page = seen(&turned(0.0, [0.0; 4]), &[(FINDERS[1], 6.0, 255)]);
    assert!(repair(&page, ours, &Watch::new(Instant::now(), Duration::ZERO).0).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    /// However much is lost: the text, or nothing.
    #[test]
    fn no_damage_gives_another_text(
        degrees in 0.0..360.0_f64,
        holes in proptest::collection::vec(((0.0..65.0_f64, 0.0..65.0_f64), 2.0..22.0_f64, any::<u8>()), 1..6),
    ) {
        for text in texts(&seen(&turned(degrees, [0.0; 4]), &holes)) {
            prop_assert_eq!(text, whole());
        }
    }

    #[test]
    fn noise_holds_no_code(seed in any::<u64>(), width in 1..200_u32, height in 1..200_u32) {
        let mut state = seed | 1;
        let noise = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        });
        let pixels = noise.take((width * height) as usize).collect();
        prop_assert!(texts(&Grey::new(width, height, Zeroizing::new(pixels)).unwrap()).is_empty());
    }
}
