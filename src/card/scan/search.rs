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
use super::watch::Watch;
use super::{Event, Found, Kind, Progress, ScanError, Search, pdf, picture};

/// A good scan of A4 has fewer pixels. A picture with more is made smaller before it is looked at.
const BASE: usize = 12_000_000;

/// Below this an enlarged view may help, and costs little.
const SMALL: usize = 3_000_000;

/// What `rqrr` gets at most.
const RQRR: Duration = Duration::from_secs(2);

type View = fn(&Grey) -> Option<Grey>;

/// By how often they helped on distorted cards. The page itself comes before them.
const VIEWS: [View; 14] = [
    |page| page.shrink(2),
    |page| page.shrink(3),
    |page| page.blur(1),
    Grey::threshold,
    |page| page.shrink(2).map(|half| half.invert()),
    |page| page.shrink(4),
    |page| page.shrink(6),
    |page| page.shrink(2)?.blur(1),
    |page| page.shrink(2)?.threshold(),
    |page| page.shrink(2)?.sharpen(),
    Grey::median,
    |page| page.blur(3),
    Grey::sharpen,
    |page| if page.area() <= SMALL { page.enlarge() } else { None },
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
        // The page, rqrr, the views, the inverted page, the picture in full size.
        let views = VIEWS.len().saturating_add(4);
        for view in 0..views {
            if self.enough() {
                return true;
            }
            if watch.over() {
                return false;
            }
            let number = view.saturating_add(1);
            self.tell(Event::Progress(Progress::View { page: page.number, view: number, views }));
            let hits = match view.checked_sub(2) {
                None if view == 0 => both(&page.picture, watch),
                None => rqrr(&page.picture, &watch.slice(RQRR)),
                Some(index) => match VIEWS.get(index) {
                    Some(view) => view(&page.picture).map(|view| both(&view, watch)),
                    None if index == VIEWS.len() => Some(both(&page.picture.invert(), watch)),
                    None => page.full.as_ref().map(|full| both(full, watch)),
                }
                .unwrap_or_default(),
            };
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
