//! Waiting for slow work while a person sits at the terminal: Ctrl-C ends the wait, not the program.
//!
//! There is no signal here: the terminal ends the line at Ctrl-C, as it does at a question, and the line
//! is found there. Other lines that were typed meanwhile are kept for the next question. Without a
//! terminal nothing is watched, and Ctrl-C is the system's.
//!
//! Work that can't be stopped (a passphrase being stretched) goes on unseen, and what it makes is wiped
//! when it ends; the next work waits for that, so that never more memory is used than for one.

use super::prompt::{Asked, typed_meanwhile};
use super::terminal::is_interactive;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often the terminal is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// The terminal, watched until dropped.
#[derive(Debug)]
pub(crate) struct Watch(Option<Asked>);

impl Watch {
    /// Watches the terminal, when there is a person: before anything says that work begins.
    pub(crate) fn begin() -> Self {
        Self(is_interactive().then(Asked::begin))
    }

    /// Watches nothing: Ctrl-C ends the program.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// Whether Ctrl-C was pressed.
    pub(crate) fn is_stopped(&self) -> bool {
        self.0.is_some() && typed_meanwhile()
    }

    /// What `work` gives, or `None` when Ctrl-C was pressed before it did.
    pub(crate) fn over<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        static ONE: Mutex<()> = Mutex::new(());
        let (done, result) = channel();
        std::thread::spawn(move || {
            let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody listens any more when it was stopped.
            let _ = done.send(work());
        });
        loop {
            match result.recv_timeout(GLANCE) {
                Ok(result) => return Some(result),
                Err(RecvTimeoutError::Timeout) if !self.is_stopped() => {}
                Err(_) => return None,
            }
        }
    }
}
