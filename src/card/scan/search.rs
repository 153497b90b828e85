//! The cascade: which views of a page are shown to which reader, in what order, and when it ends.
//!
//! Every page gets the quick views, which read all clean codes. The costly ones follow, by how often
//! they help, until enough of our codes are known: `rqrr` once on the picture as it is, never on a
//! modified view (see `decode`), then `rxing` on smaller, blurred, thresholded, sharpened views.
//! A code that was read is painted over, so that it does not hide the next.
//! Runs on the searching thread and tells what it finds as it finds it.

use std::time::Duration;

use zeroize::Zeroizing;

use super::decode::{Black, Effort, Hit, caught, rqrr, rxing};
use super::grey::Grey;
use super::repair::repair;
use super::watch::Watch;
use super::{Event, Found, Kind, Progress, ScanError, Search, pdf, picture};

/// A good scan of A4 has fewer pixels. A picture with more is made smaller before it is looked at.
const BASE: usize = 12_000_000;

/// Below this an enlarged view may help, and costs little.
const SMALL: usize = 3_000_000;

/// What `rqrr` gets at most.
const RQRR: Duration = Duration::from_secs(2);

/// The part of the time that is left which the repair gets at most.
const REPAIR: u32 = 2;

type View = fn(&Grey) -> Option<Grey>;

/// One step of the search at length.
#[derive(Clone, Copy)]
enum Step {
    /// A view for `rxing`.
    View(View),
    /// The page as it is, for `rqrr`.
    Rqrr,
    /// Codes of ours that no reader finds.
    Repair,
    /// The picture before it was made smaller.
    Full,
}

use Step::{Full, Repair, Rqrr, View as Look};

/// By how often they helped on distorted cards, and what they cost.
const STEPS: [Step; 19] = [
    Look(|page| Some(page.same())),
    Rqrr,
    Look(|page| page.shrink(2)),
    Look(|page| page.shrink(3)),
    Repair,
    Look(|page| page.blur(1)),
    Look(Grey::threshold),
    Look(|page| page.shrink(2).map(|half| half.invert())),
    Look(|page| page.shrink(4)),
    Look(|page| page.shrink(6)),
    Look(|page| page.shrink(2)?.blur(1)),
    Look(|page| page.shrink(2)?.threshold()),
    Look(|page| page.shrink(2)?.sharpen()),
    Look(Grey::median),
    Look(|page| page.blur(3)),
    Look(Grey::sharpen),
    Look(|page| if page.area() <= SMALL { page.enlarge() } else { None }),
    Look(|page| Some(page.invert())),
    Full,
];

/// One page and the texts that were read on it.
pub(super) struct Page {
    number: usize,
    picture: Grey,
    /// The picture before it was made smaller.
    full: Option<Grey>,
    texts: Vec<Zeroizing<String>>,
    ours: bool,
}

impl Page {
    /// `None` for a page without pixels.
    pub(super) fn new(number: usize, full: Grey) -> Option<Self> {
        let fits = |by: &usize| {
            by.checked_mul(*by)
                .and_then(|square| full.area().checked_div(square))
                .is_none_or(|area| area <= BASE)
        };
        let by = (1..).find(fits).unwrap_or(1);
        let (picture, full) = if by == 1 { (full, None) } else { (full.shrink(by)?, Some(full)) };
        Some(Self { number, picture, full, texts: Vec::new(), ours: false })
    }

    /// Whether one of our codes was read on it.
    pub(super) fn has_ours(&self) -> bool {
        self.ours
    }
}

/// A search and what it knows so far, over all pages.
pub(super) struct Finds<'a> {
    pub(super) search: &'a Search,
    pub(super) watch: &'a Watch,
    tell: &'a dyn Fn(Event) -> bool,
    ours: Vec<Zeroizing<String>>,
}

impl<'a> Finds<'a> {
    fn new(search: &'a Search, watch: &'a Watch, tell: &'a dyn Fn(Event) -> bool) -> Self {
        Self { search, watch, tell, ours: Vec::new() }
    }

    /// Whether as many of our codes are known as were asked for.
    pub(super) fn enough(&self) -> bool {
        self.ours.len() >= self.search.at_least
    }

    pub(super) fn tell(&self, event: Event) {
        (self.tell)(event);
    }

    /// Reports what is new on the page, and paints it over.
    fn take(&mut self, page: &mut Page, hits: Vec<Hit>) {
        for Hit { text, corners } in hits {
            page.picture.mask(&corners);
            if let Some(full) = &mut page.full {
                full.mask(&corners);
            }
            if page.texts.contains(&text) {
                continue;
            }
            let ours = (self.search.ours)(&text);
            page.ours |= ours;
            if ours && !self.ours.contains(&text) {
                self.ours.push(text.clone());
            }
            page.texts.push(text.clone());
            self.tell(Event::Found(Found { text, ours, page: page.number, corners }));
        }
    }

    /// The quick views. `false` when the time was over before the last.
    pub(super) fn glance(&mut self, page: &mut Page) -> bool {
        if page.picture.is_blank() {
            return true;
        }
        for (half, black) in [(false, Black::Local), (false, Black::Global), (true, Black::Local)] {
            if self.watch.over() {
                return false;
            }
            let view = if half { page.picture.shrink(2) } else { None };
            let view = view.as_ref().unwrap_or(&page.picture);
            let hits = rxing(view, black, Effort::Glance, self.watch);
            self.take(page, hits);
        }
        true
    }

    /// The costly views, until `enough` or until `watch` is over. `false` when the time was over before the last.
    pub(super) fn study(&mut self, page: &mut Page, watch: &Watch) -> bool {
        if page.picture.is_blank() {
            return true;
        }
        for (step, view) in STEPS.into_iter().zip(1..) {
            if self.enough() {
                return true;
            }
            if watch.over() {
                return false;
            }
            self.tell(Event::Progress(Progress::View { page: page.number, view, views: STEPS.len() }));
            let hits = match step {
                Look(view) => view(&page.picture).map(|view| both(&view, watch)),
                Rqrr => Some(rqrr(&page.picture, &watch.slice(RQRR))),
                Repair => caught(|| {
                    repair(
                        &page.picture,
                        self.search.ours,
                        &watch.slice(watch.left().checked_div(REPAIR).unwrap_or_default()),
                    )
                }),
                Full => page.full.as_ref().map(|full| both(full, watch)),
            }
            .unwrap_or_default();
            self.take(page, hits);
        }
        true
    }
}

fn both(view: &Grey, watch: &Watch) -> Vec<Hit> {
    let mut hits = rxing(view, Black::Local, Effort::Full, watch);
    if hits.is_empty() && !watch.over() {
        hits = rxing(view, Black::Global, Effort::Full, watch);
    }
    hits
}

/// Searches one file: the body of the searching thread.
pub(super) fn file(
    file: Zeroizing<Vec<u8>>,
    kind: Kind,
    search: &Search,
    watch: &Watch,
    tell: &dyn Fn(Event) -> bool,
) -> Result<Event, ScanError> {
    let mut finds = Finds::new(search, watch, tell);
    let picture = match kind {
        Kind::Pdf => return pdf::search(file, &mut finds),
        Kind::Png => caught(|| picture::png(&file, &search.limits)),
        Kind::Jpeg => caught(|| picture::jpeg(&file, &search.limits)),
    };
    drop(file);
    let damaged = ScanError::Damaged { kind };
    let picture = picture.ok_or_else(|| damaged.clone())??;
    let mut page = Page::new(1, picture).ok_or(damaged)?;
    finds.tell(Event::Pages(1));
    finds.tell(Event::Progress(Progress::Page { page: 1, pages: 1 }));
    let complete = finds.glance(&mut page) && finds.study(&mut page, watch);
    Ok(Event::End { gave_up: !complete })
}
