//! A call of a service by an official client: its name, whether it changes something, and what that makes of a failure.
//!
//! Whatever went wrong with a call that changes nothing, nothing was changed. Of one that changes something it is
//! not known, unless the failure itself shows that nothing was sent, or that it was refused.

use super::OnlineError;
use super::error::plain;
use super::http::Call;
use crate::provider::Provider;
use core::cell::Cell;
use core::time::Duration;

impl Call {
    /// One that changes nothing.
    pub(super) const fn reads(name: &'static str) -> Self {
        Self { name, changes: false }
    }

    /// One that changes something.
    pub(super) const fn changes(name: &'static str) -> Self {
        Self { name, changes: true }
    }

    /// No answer came in time.
    pub(super) fn silent(self, provider: Provider, waited: Duration) -> OnlineError {
        let seconds = waited.as_secs();
        if self.changes {
            self.unsure(provider, &format!("{seconds} seconds were waited"))
        } else {
            OnlineError::Timeout { provider, call: self.name, seconds }
        }
    }

    /// It isn't known whether it was done.
    pub(super) fn unsure(self, provider: Provider, words: &str) -> OnlineError {
        OnlineError::Unsure { provider, call: self.name, words: plain(words) }
    }

    /// An answer that isn't one: of a change it isn't known then whether it was made.
    pub(super) fn nonsense(self, provider: Provider, wanted: &'static str) -> OnlineError {
        if self.changes {
            self.unsure(provider, &format!("nonsense came back, where {wanted} was looked for"))
        } else {
            OnlineError::Nonsense { provider, call: self.name, wanted }
        }
    }

    /// Refused by the service.
    pub(super) fn refused(self, provider: Provider, words: &str) -> OnlineError {
        OnlineError::Refused { provider, call: self.name, words: plain(words) }
    }
}

/// The steps of one act: whatever fails after one was accepted says that a part is done.
#[derive(Debug, Default)]
pub(super) struct Steps(Cell<bool>);

impl Steps {
    /// What comes after a step, if there was one.
    pub(super) const fn after(done: bool) -> Self {
        Self(Cell::new(done))
    }

    /// A step that changes something.
    pub(super) fn step<T>(&self, result: Result<T, OnlineError>) -> Result<T, OnlineError> {
        let value = self.look(result)?;
        self.0.set(true);
        Ok(value)
    }

    /// A question between them, or after.
    pub(super) fn look<T>(&self, result: Result<T, OnlineError>) -> Result<T, OnlineError> {
        result.map_err(|error| match error {
            error @ OnlineError::Partly(_) => error,
            error if self.0.get() => OnlineError::Partly(Box::new(error)),
            error => error,
        })
    }
}
