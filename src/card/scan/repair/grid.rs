//! The modules of a code from a view and a frame: dark or light, and how much that is to be doubted.
//!
//! In: where each module is. Out: what `text` decodes. Dark and light are told apart by the modules around, so
//! that shadows do not matter. A module is doubted when it is grey, and given up where nothing is to be seen:
//! no contrast, or a patch of one colour that no masked code has (a hole, a stain, glare). Fixed modules that are
//! wrong cast doubt on their surroundings.

use super::frame::Point;
use super::layout::Layout;
use super::text::Module;
use crate::card::scan::grey::Grey;

/// Nothing is to be seen.
const LOST: u8 = 255;
/// The level of dark and light is taken from so many modules in each direction.
const AROUND: usize = 4;
/// Modules of one colour in a square of this side are no data.
const PATCH: usize = 5;

/// Values in rows of one length.
struct Square<T> {
    side: usize,
    cells: Vec<T>,
}

impl<T: Copy> Square<T> {
    fn around(&self, x: usize, y: usize, reach: usize) -> impl Iterator<Item = T> + '_ {
        let (left, top) = (x.saturating_sub(reach), y.saturating_sub(reach));
        let count =
            move |low: usize, at: usize| at.saturating_add(reach).saturating_add(1).saturating_sub(low);
        let rows = self.cells.chunks(self.side).skip(top).take(count(top, y));
        rows.flat_map(move |row| row.iter().skip(left).take(count(left, x)).copied())
    }

    fn each(&self) -> impl Iterator<Item = (usize, usize, T)> + '_ {
        let rows = self.cells.chunks(self.side).enumerate();
        rows.flat_map(|(y, row)| row.iter().enumerate().map(move |(x, cell)| (x, y, *cell)))
    }
}

/// Samples every module of the code. `at` maps modules to pixels of the view.
pub(super) fn sample(layout: &Layout, view: &Grey, at: &dyn Fn(Point) -> Point) -> Vec<Module> {
    let side = layout.side;
    let value = |(x, y, _): (usize, usize, Option<bool>)| {
        let float = |at: usize| u32::try_from(at).map_or(0.0, f64::from);
        let spots = [(0.5, 0.5), (0.3, 0.5), (0.7, 0.5), (0.5, 0.3), (0.5, 0.7)];
        let seen = spots.map(|(dx, dy)| view.sample(at((float(x) + dx, float(y) + dy))));
        let sum = seen.iter().flatten().sum::<f64>();
        let count = seen.iter().flatten().fold(0.0, |count, _| count + 1.0);
        (count > 2.0).then_some(sum / count)
    };
    let values = Square { side, cells: layout.modules().map(value).collect::<Vec<Option<f64>>>() };
    let levels = |(x, y, value): (usize, usize, Option<f64>)| {
        let mut near: Vec<f64> = values.around(x, y, AROUND).flatten().collect();
        near.sort_by(f64::total_cmp);
        let tenth = near.len().checked_div(7).unwrap_or(0);
        let low = near.get(tenth).copied().unwrap_or(0.0);
        let high = near.iter().rev().nth(tenth).copied().unwrap_or(0.0);
        (value, low, high)
    };
    let levels: Vec<_> = values.each().map(levels).collect();
    let mut contrasts: Vec<f64> = levels.iter().map(|(_, low, high)| high - low).collect();
    contrasts.sort_by(f64::total_cmp);
    let usual = contrasts.get(contrasts.len() / 2).copied().unwrap_or(0.0);
    let module = |(value, low, high): (Option<f64>, f64, f64)| {
        let Some(value) = value else { return Module { dark: false, doubt: LOST } };
        let (middle, reach) = ((low + high) / 2.0, (high - low) / 2.0);
        let sure = (value - middle).abs() / reach.max(1.0);
        let doubt = if high - low < usual * 0.3 { LOST } else { grey(sure) };
        Module { dark: value < middle, doubt }
    };
    let mut modules = Square { side, cells: levels.into_iter().map(module).collect() };
    patches(&mut modules);
    suspects(layout, &mut modules);
    modules.cells
}

/// The doubt of a module that is `sure` of the way from grey to its level.
fn grey(sure: f64) -> u8 {
    match sure {
        sure if sure < 0.15 => 90,
        sure if sure < 0.3 => 60,
        sure if sure < 0.5 => 25,
        _ => 0,
    }
}

/// Gives up squares of one colour, and doubts their edges.
fn patches(modules: &mut Square<Module>) {
    let last = modules.side.saturating_sub(PATCH);
    let reach = PATCH / 2;
    let mut lost: Vec<(usize, usize)> = Vec::new();
    for (x, y, _) in modules.each() {
        let inside = |at: usize| (reach..=last.saturating_add(reach)).contains(&at);
        if !inside(x) || !inside(y) {
            continue;
        }
        let mut near = modules.around(x, y, reach).map(|module| module.dark);
        let first = near.next();
        if near.all(|dark| Some(dark) == first) {
            lost.push((x, y));
        }
    }
    for (x, y) in lost {
        raise(modules, (x, y), reach.saturating_add(1), 110);
        raise(modules, (x, y), reach, LOST);
    }
}

/// Doubts what is around a fixed module of the wrong colour.
fn suspects(layout: &Layout, modules: &mut Square<Module>) {
    let wrong: Vec<(usize, usize)> = layout
        .modules()
        .zip(&modules.cells)
        .filter(|((_, _, fixed), module)| fixed.is_some_and(|fixed| fixed != module.dark))
        .map(|((x, y, _), _)| (x, y))
        .collect();
    for place in wrong {
        raise(modules, place, 1, 40);
    }
}

fn raise(modules: &mut Square<Module>, (x, y): (usize, usize), reach: usize, doubt: u8) {
    let near = |at: usize, to: usize| at.abs_diff(to) <= reach;
    for (row, cells) in modules.cells.chunks_mut(modules.side).enumerate() {
        if near(row, y) {
            for (_, module) in cells.iter_mut().enumerate().filter(|(column, _)| near(*column, x)) {
                module.doubt = module.doubt.max(doubt);
            }
        }
    }
}
