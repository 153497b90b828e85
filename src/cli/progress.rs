//! Says that something takes its time, and how long it took.
//!
//! On a terminal a line that moves; on a plain one a line when it begins and one when it is done;
//! elsewhere only that.

use super::output::say;
use super::terminal::show;
use rustix::stdio::stderr;
use rustix::termios::isatty;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A step that runs until it is dropped or done.
#[derive(Debug)]
pub(crate) struct Step {
    what: String,
    start: Instant,
    shared: Arc<Shared>,
    ticker: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    ended: AtomicBool,
    done: AtomicUsize,
    of: usize,
}

impl Step {
    /// Begins a step of `of` equal parts (0: it can't be told how far it is).
    pub(crate) fn begin(what: impl Into<String>, of: usize) -> Self {
        let what = super::output::plain(&what.into());
        let shared = Arc::new(Shared { of, ..Shared::default() });
        let start = Instant::now();
        let plain = super::terminal::is_plain();
        if isatty(stderr()) && plain {
            // Nothing moves there: a person hears what is waited for.
            say(&format!("{what} …"));
        }
        let ticker = (isatty(stderr()) && !plain).then(|| {
            let (shared, what) = (Arc::clone(&shared), what.clone());
            std::thread::spawn(move || {
                while !shared.ended.load(Ordering::SeqCst) {
                    show(&format!("\r\x1b[K{what}{} {:.0} s", parts(&shared), start.elapsed().as_secs_f32()));
                    std::thread::park_timeout(Duration::from_millis(200));
                }
            })
        });
        Self { what, start, shared, ticker }
    }

    /// `count` parts are done.
    pub(crate) fn at(&self, count: usize) {
        self.shared.done.store(count, Ordering::SeqCst);
    }

    /// As [`Self::at`], for work that may outlive the step.
    pub(crate) fn counter(&self) -> impl Fn(usize) + Send + 'static {
        let shared = Arc::clone(&self.shared);
        move |count| shared.done.store(count, Ordering::SeqCst)
    }

    /// Ends the step and says so; returns how long it took.
    pub(crate) fn done(mut self) -> Duration {
        let took = self.start.elapsed();
        self.stop();
        say(&format!("{} … {:.1} s", self.what, took.as_secs_f32()));
        took
    }

    fn stop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        if let Some(ticker) = self.ticker.take() {
            ticker.thread().unpark();
            let _ = ticker.join();
            show("\r\x1b[K");
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.stop();
    }
}

fn parts(shared: &Shared) -> String {
    match shared.of {
        0 => " …".to_owned(),
        of => format!(" {} of {of}", shared.done.load(Ordering::SeqCst)),
    }
}
