//! The memory that secrets live in: anonymous mappings, locked and left out of core files.
//!
//! A secret of up to one page gets a page from a small pool, so that making one costs no system
//! call in the common case; a longer one gets a mapping of its own. Every page is wiped before it
//! goes back. Locking is best effort (an ordinary user may lock 8 MiB): [`unlocked_pages`] tells
//! how often the system refused, and the program says so. Where the system gives no mapping at
//! all, the heap serves: such a secret is wiped too, but neither locked nor left out of dumps.

use super::Zeroize;
use core::sync::atomic::{AtomicUsize, Ordering};
use memmap2::MmapMut;
use std::sync::Mutex;

/// Size in bytes of a pooled page: the smallest page of the systems we run on.
const PAGE: usize = 4096;
/// How many wiped pages wait for the next secret.
const POOLED: usize = 64;

static POOL: Mutex<Vec<MmapMut>> = Mutex::new(Vec::new());
static UNLOCKED: AtomicUsize = AtomicUsize::new(0);

/// How many pages or mappings for secrets the system refused to lock since the program began.
#[must_use]
pub fn unlocked_pages() -> usize {
    UNLOCKED.load(Ordering::Relaxed)
}

/// Zeroed memory for one secret; wiped on drop.
pub(super) enum Pages {
    Pooled(Option<MmapMut>),
    Mapped(MmapMut),
    Heap(Box<[u8]>),
}

impl Pages {
    /// At least `length` zero bytes.
    pub(super) fn take(length: usize) -> Self {
        if length > PAGE {
            return map(length).map_or_else(|| Self::heap(length), Self::Mapped);
        }
        let waiting = POOL.lock().ok().and_then(|mut pool| pool.pop());
        match waiting.or_else(|| map(PAGE)) {
            Some(page) => Self::Pooled(Some(page)),
            None => Self::heap(length),
        }
    }

    fn heap(length: usize) -> Self {
        UNLOCKED.fetch_add(1, Ordering::Relaxed);
        Self::Heap(vec![0; length].into_boxed_slice())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Pooled(page) => page.as_deref().unwrap_or_default(),
            Self::Mapped(pages) => pages,
            Self::Heap(bytes) => bytes,
        }
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Pooled(page) => page.as_deref_mut().unwrap_or_default(),
            Self::Mapped(pages) => pages,
            Self::Heap(bytes) => bytes,
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.bytes_mut().zeroize();
        if let Self::Pooled(page) = self
            && let (Some(page), Ok(mut pool)) = (page.take(), POOL.lock())
            && pool.len() < POOLED
        {
            pool.push(page);
        }
    }
}

fn map(length: usize) -> Option<MmapMut> {
    let pages = MmapMut::map_anon(length).ok()?;
    #[cfg(target_os = "linux")]
    let _ = pages.advise(memmap2::Advice::DontDump);
    #[cfg(unix)]
    if pages.lock().is_err() {
        UNLOCKED.fetch_add(1, Ordering::Relaxed);
    }
    Some(pages)
}
