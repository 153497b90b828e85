//! The one place where asynchronous clients are waited for.
//!
//! A runtime of the calling thread alone, with a clock and the system's sockets. In: a future and how long it
//! may take. Out: what it gives, or that its time was over. Nothing goes on in the background between calls.

use core::future::Future;
use core::time::Duration;

/// A runtime.
#[derive(Debug)]
pub(super) struct Runtime(tokio::runtime::Runtime);

/// The time was over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elapsed;

impl Runtime {
    /// A new one.
    pub(super) fn new() -> std::io::Result<Self> {
        tokio::runtime::Builder::new_current_thread().enable_all().build().map(Self)
    }

    /// Waits for a future, for `time` at most.
    pub(super) fn wait<T>(&self, time: Duration, future: impl Future<Output = T>) -> Result<T, Elapsed> {
        self.0.block_on(async { tokio::time::timeout(time, future).await.map_err(|_| Elapsed) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_given_up() {
        let runtime = Runtime::new().unwrap();
        assert_eq!(runtime.wait(Duration::from_secs(9), async { 7 }).unwrap(), 7);
        let never = std::future::pending::<()>();
        assert!(runtime.wait(Duration::from_millis(1), never).is_err());
    }
}
