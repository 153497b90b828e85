//! The deadline of a search, shared by the thread that works and the one that waits.
//! The worker may move it (a PDF with more pages gets more time), either may end it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

struct Shared {
    start: Instant,
    /// Milliseconds from `start`.
    end: AtomicU64,
    stop: AtomicBool,
}

/// The waiting side.
pub(super) struct Clock(Arc<Shared>);

/// The working side. A clone may end earlier than the whole search, never later.
#[derive(Clone)]
pub(super) struct Watch {
    shared: Arc<Shared>,
    own: Option<Instant>,
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Shared {
    fn left(&self) -> Duration {
        if self.stop.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        Duration::from_millis(self.end.load(Ordering::Relaxed)).saturating_sub(self.start.elapsed())
    }
}

impl Clock {
    pub(super) fn left(&self) -> Duration {
        self.0.left()
    }

    pub(super) fn stop(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

impl Watch {
    pub(super) fn new(start: Instant, deadline: Duration) -> (Self, Clock) {
        let shared =
            Arc::new(Shared { start, end: AtomicU64::new(millis(deadline)), stop: AtomicBool::new(false) });
        (Self { shared: Arc::clone(&shared), own: None }, Clock(shared))
    }

    /// Moves the end of the whole search.
    pub(super) fn extend(&self, deadline: Duration) {
        self.shared.end.store(millis(deadline), Ordering::Relaxed);
    }

    /// The same watch, ending after `slice` if the search does not end before.
    pub(super) fn slice(&self, slice: Duration) -> Self {
        let end = Instant::now().checked_add(slice);
        let own = match (self.own, end) {
            (Some(own), Some(end)) => Some(own.min(end)),
            (own, end) => own.or(end),
        };
        Self { shared: Arc::clone(&self.shared), own }
    }

    pub(super) fn left(&self) -> Duration {
        let left = self.shared.left();
        self.own.map_or(left, |own| left.min(own.saturating_duration_since(Instant::now())))
    }

    pub(super) fn over(&self) -> bool {
        self.left().is_zero()
    }
}
