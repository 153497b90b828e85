//! Reads a picture or a PDF of cards: the bytes of a file in, the texts of its QR codes out.
//!
//! Every limit (file, pixels, pages) is checked before anything of that size is allocated, and the
//! search works under a deadline on a thread of its own. Its steps look at the clock between one
//! another and `rqrr` can be stopped in the middle, but a picture decoder, `rxing` and the PDF
//! renderer cannot: at the deadline this module stops waiting, tells the thread to stop, and leaves it
//! to end after its present step. Its buffers are wiped then, not before.
//!
//! What is read is a copy of a secret for an open card: pixels and texts are wiped on drop, and nothing
//! is written to a file. What the libraries allocate inside is beyond our reach and is wiped by the
//! program's allocator.
//! Not here: what a text means (the caller's predicate tells our codes from others) and text files.

mod decode;
mod error;
mod grey;
mod pdf;
mod picture;
mod repair;
mod search;
mod watch;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

pub use error::{Kind, ScanError};
use watch::Watch;

/// What a file may cost. Everything is checked before it is allocated.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time for a picture, or for the first page of a PDF. At this time [`read`] returns with what it has.
    pub deadline: Duration,
    /// Further time for each further page of a PDF.
    pub per_page: Duration,
    /// The time that a PDF gets at most, however many pages it has.
    pub longest: Duration,
    /// Pixels of one picture (width × height).
    pub pixels: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes that the compressed streams of a PDF may unpack to, all together.
    pub unpacked: u64,
    /// Pages of a PDF.
    pub pages: usize,
}

impl Default for Limits {
    /// 10 s (2 s for each further page, 60 s at most), 64 million pixels, 256 MiB, 512 MiB unpacked, 64 pages.
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            per_page: Duration::from_secs(2),
            longest: Duration::from_secs(60),
            pixels: 64_000_000,
            bytes: 256 << 20,
            unpacked: 512 << 20,
            pages: 64,
        }
    }
}

/// What to look for, and what it may cost.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// Tells our codes from others. Others are reported, but do not end the search.
    pub ours: fn(&str) -> bool,
    /// The costly views are tried until so many different codes of ours are known. Every page gets the
    /// quick views in any case, so that 1 (the default) also finds several clean cards in one picture.
    pub at_least: usize,
    /// What it may cost.
    pub limits: Limits,
    /// Told, before a PDF is drawn, how many more bytes of memory that should take at most. The renderer
    /// has no limit of its own: a process that reads nothing else can set itself one.
    pub confine: Option<fn(u64)>,
}

impl Search {
    /// A search for at least one code that `ours` accepts, under the default limits.
    #[must_use]
    pub fn new(ours: fn(&str) -> bool) -> Self {
        Self { ours, at_least: 1, limits: Limits::default(), confine: None }
    }
}

/// How far a search is. Given on the caller's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A page is looked at (counted from 1; a picture is one page).
    Page {
        /// The page.
        page: usize,
        /// How many pages the file has.
        pages: usize,
    },
    /// The page did not give itself up at a glance: one of the costly views is tried.
    View {
        /// The page, from 1.
        page: usize,
        /// The view, from 1.
        view: usize,
        /// How many views there are.
        views: usize,
    },
    /// A code was read.
    Code {
        /// The page, from 1.
        page: usize,
        /// Whether it is one of ours.
        ours: bool,
    },
    /// Nothing new, but the search goes on: four times a second.
    Waiting {
        /// Since the beginning.
        elapsed: Duration,
    },
}

/// The corners of a code in pixels of its page, x before y, from the code's own top left clockwise.
///
/// A page of a PDF is measured as it was rendered. Corners may lie a little outside of the page.
pub type Corners = [(i32, i32); 4];

/// One QR code. A text that is on a page twice is found once.
pub struct Found {
    /// The text. For an open card, a secret.
    pub text: Zeroizing<String>,
    /// Whether the predicate of the [`Search`] accepts it.
    pub ours: bool,
    /// The page, from 1.
    pub page: usize,
    /// Where on the page.
    pub corners: Corners,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ours, page) = (self.ours, self.page);
        f.debug_struct("Found").field("ours", &ours).field("page", &page).finish_non_exhaustive()
    }
}

/// The result of a search.
#[derive(Debug)]
#[non_exhaustive]
pub struct Scan {
    /// What kind of file it was.
    pub kind: Kind,
    /// The codes, ours and others, by page.
    pub codes: Vec<Found>,
    /// How many pages the file has (1 for a picture; 0 when the deadline came before that was known).
    pub pages: usize,
    /// Pages, from 1, that could not be rendered, or not with all their images and without a code of ours.
    pub unreadable: Vec<usize>,
    /// The deadline ended the search before its last view. More codes may be there.
    pub gave_up: bool,
    /// How long it took.
    pub elapsed: Duration,
}

impl Scan {
    /// The codes that the predicate of the search accepts.
    pub fn ours(&self) -> impl Iterator<Item = &Found> {
        self.codes.iter().filter(|code| code.ours)
    }
}

/// Whether the bytes begin like a PNG, a JPEG or a PDF.
#[must_use]
pub fn is_picture(bytes: &[u8]) -> bool {
    picture::kind(bytes).is_some()
}

/// Draws the first page of a PDF of our own as a PNG of 300 dpi: a rehearsal's scanner.
///
/// # Errors
/// [`ScanError::Damaged`].
pub fn draw_first_page(pdf: &[u8]) -> Result<Zeroizing<Vec<u8>>, ScanError> {
    pdf::first_page(pdf)
}

/// What the searching thread tells.
enum Event {
    Progress(Progress),
    Pages(usize),
    Unreadable(usize),
    Found(Found),
    End { gave_up: bool },
}

/// The searching thread needs room on its stack: a hostile PDF nests deeply.
const STACK: usize = 64 << 20;

const TICK: Duration = Duration::from_millis(250);

/// Finds the QR codes in a PNG, a JPEG or a PDF file.
///
/// Returns when all was tried, when enough was found, or at the deadline, whichever comes first. A file
/// without a code is no error: [`Scan::codes`] is empty, and [`Scan::gave_up`] says whether the search was complete.
///
/// # Errors
/// A file that is none of these kinds, exceeds a limit, is damaged, encrypted, or none of whose pages
/// could be rendered.
pub fn read(bytes: &[u8], search: &Search, progress: &mut dyn FnMut(Progress)) -> Result<Scan, ScanError> {
    let limits = search.limits;
    let kind = picture::kind(bytes).ok_or(ScanError::NotAPicture)?;
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > limits.bytes {
        return Err(ScanError::TooLarge { bytes: size, limit: limits.bytes });
    }
    let start = Instant::now();
    let (watch, clock) = Watch::new(start, limits.deadline);
    let (sender, receiver) = channel();
    let file = Zeroizing::new(bytes.to_vec());
    let search = *search;
    thread::Builder::new()
        .name("scan".into())
        .stack_size(STACK)
        .spawn(move || {
            let tell = |event: Event| sender.send(Ok(event)).is_ok();
            let outcome = search::file(file, kind, &search, &watch, &tell);
            // The receiver may have left at the deadline: then nobody wants to know.
            let _ = sender.send(outcome);
        })
        .map_err(|_| ScanError::NoThread)?;

    let mut scan = Scan {
        kind,
        codes: Vec::new(),
        pages: 0,
        unreadable: Vec::new(),
        gave_up: false,
        elapsed: Duration::ZERO,
    };
    loop {
        let left = clock.left();
        match receiver.recv_timeout(left.min(TICK)) {
            Ok(Ok(Event::Progress(news))) => progress(news),
            Ok(Ok(Event::Pages(pages))) => scan.pages = pages,
            Ok(Ok(Event::Unreadable(page))) => scan.unreadable.push(page),
            Ok(Ok(Event::Found(code))) => {
                progress(Progress::Code { page: code.page, ours: code.ours });
                scan.codes.push(code);
            }
            Ok(Ok(Event::End { gave_up })) => {
                scan.gave_up = gave_up;
                break;
            }
            Ok(Err(error)) => return Err(error),
            Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                clock.stop();
                scan.gave_up = true;
                break;
            }
            Err(RecvTimeoutError::Timeout) => progress(Progress::Waiting { elapsed: start.elapsed() }),
            // The thread ended without a word: a library panicked where we did not catch it.
            Err(RecvTimeoutError::Disconnected) => return Err(ScanError::Damaged { kind }),
        }
    }
    scan.elapsed = start.elapsed();
    scan.codes.sort_by_key(|code| code.page);
    if scan.codes.is_empty() && scan.pages > 0 && scan.unreadable.len() >= scan.pages {
        return Err(ScanError::Damaged { kind });
    }
    Ok(scan)
}
