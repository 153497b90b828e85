//! What is known of a code before it is read: where its finders, timing lines and alignment patterns are, and which modules carry data.
//!
//! In: a version, 1 to 18 (what `card::qr` makes). Out: the modules whose colour is fixed, the centres of
//! the alignment patterns, the data modules in the order of ISO/IEC 18004, 7.7.3, and the places of the format's two copies.
//! The tables are `rxing`'s. It knows nothing of pictures.

use rxing::qrcode::common::{Version, VersionRef};

use crate::card::scan::decode::caught;

/// A finder with its separator.
const FINDER: usize = 8;
/// The row and the column of the timing lines.
const TIMING: usize = 6;

/// The fixed parts of a version.
pub(super) struct Layout {
    /// Modules on each side.
    pub(super) side: usize,
    /// The library's table for it.
    pub(super) version: VersionRef,
    /// The middles of the alignment patterns, column before row, in modules.
    pub(super) alignments: Vec<(f64, f64)>,
    /// Row by row: dark, light, or not fixed.
    fixed: Vec<Option<bool>>,
    /// Column and row of each data module, in reading order.
    data: Vec<(usize, usize)>,
}

impl Layout {
    /// `None` for a version that is not 1 to 18.
    pub(super) fn new(version: u8) -> Option<Self> {
        if !(1..=18).contains(&version) {
            return None;
        }
        let version = Version::getVersionForNumber(u32::from(version)).ok()?;
        let side = usize::try_from(version.getDimensionForVersion()).ok()?;
        let centres = version.getAlignmentPatternCenters();
        let centres: Vec<usize> = centres.iter().filter_map(|at| usize::try_from(*at).ok()).collect();
        let far = side.checked_sub(FINDER)?;
        let in_finder =
            |x: usize, y: usize| (x < FINDER && (y < FINDER || y >= far)) || (x >= far && y < FINDER);
        let mut middles = Vec::new();
        for (x, y) in centres.iter().flat_map(|y| centres.iter().map(move |x| (*x, *y))) {
            if !in_finder(x, y) {
                middles.push((x, y));
            }
        }
        let all = || (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
        let colour = |(x, y): (usize, usize)| {
            if in_finder(x, y) {
                return Some(finder(
                    x.min(side.abs_diff(x.saturating_add(1))),
                    y.min(side.abs_diff(y.saturating_add(1))),
                ));
            }
            let near = middles.iter().map(|(mx, my)| mx.abs_diff(x).max(my.abs_diff(y))).min();
            match near {
                Some(ring @ 0..=2) => Some(ring != 1),
                _ if x == TIMING || y == TIMING => Some((x ^ y) & 1 == 0),
                _ => None,
            }
        };
        let fixed = all().map(colour).collect();
        let pattern = caught(|| version.buildFunctionPattern())?.ok()?;
        let at = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let data = zigzag(side).filter(|(x, y)| !pattern.get(at(*x), at(*y))).collect();
        let middle = |at: usize| u32::try_from(at).map_or(0.0, |at| f64::from(at) + 0.5);
        let alignments = middles.iter().map(|(x, y)| (middle(*x), middle(*y))).collect();
        Some(Self { side, version, alignments, fixed, data })
    }

    /// Every module, row by row: column, row, and its colour when that is fixed.
    pub(super) fn modules(&self) -> impl Iterator<Item = (usize, usize, Option<bool>)> + '_ {
        let places = (0..self.side).flat_map(|y| (0..self.side).map(move |x| (x, y)));
        places.zip(&self.fixed).map(|((x, y), fixed)| (x, y, *fixed))
    }

    /// Column and row of each data module, in reading order.
    pub(super) fn data(&self) -> &[(usize, usize)] {
        &self.data
    }

    /// The places of the 15 format bits, highest first, in both copies.
    pub(super) fn format(&self) -> [Vec<(usize, usize)>; 2] {
        let first =
            (0..6).chain([7, 8]).map(|x| (x, 8)).chain([7].into_iter().chain((0..6).rev()).map(|y| (8, y)));
        let back = |by: usize| self.side.saturating_sub(by);
        let second = (1..=7).map(|by| (8, back(by))).chain((1..=8).rev().map(|by| (back(by), 8)));
        [first.collect(), second.collect()]
    }
}

/// The colour of a finder's module, counted from the corner of the code.
fn finder(x: usize, y: usize) -> bool {
    let ring = x.abs_diff(3).max(y.abs_diff(3));
    ring <= 1 || ring == 3
}

/// Pairs of columns from the right, up and down in turn, without the timing column.
fn zigzag(side: usize) -> impl Iterator<Item = (usize, usize)> {
    let columns = (0..side).rev().filter(|x| *x != TIMING).collect::<Vec<_>>();
    let pairs: Vec<Vec<usize>> = columns.chunks(2).map(<[usize]>::to_vec).collect();
    pairs.into_iter().enumerate().flat_map(move |(turn, pair)| {
        (0..side).flat_map(move |step| {
            let y = if turn & 1 == 0 { side.saturating_sub(1).saturating_sub(step) } else { step };
            pair.clone().into_iter().map(move |x| (x, y))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_modules_are_as_another_library_draws_them() {
        for version in [1_u8, 2, 7, 12, 18] {
            let layout = Layout::new(version).unwrap();
            let mut canvas =
                qrcode::canvas::Canvas::new(qrcode::Version::Normal(i16::from(version)), qrcode::EcLevel::H);
            canvas.draw_all_functional_patterns();
            let fixed = layout.modules().filter_map(|(x, y, fixed)| Some((x, y, fixed?)));
            for (x, y, dark) in fixed {
                let (x, y) = (i16::try_from(x).unwrap(), i16::try_from(y).unwrap());
                assert_eq!(canvas.get(x, y).is_dark(), dark, "{x}, {y} of version {version}");
            }
            let codewords = usize::try_from(layout.version.getTotalCodewords()).unwrap();
            assert_eq!(layout.data().len() / 8, codewords);
            assert!(layout.format().iter().all(|copy| copy.len() == 15));
        }
        assert!(Layout::new(0).is_none() && Layout::new(19).is_none());
    }
}
