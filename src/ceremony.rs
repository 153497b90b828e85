//! Ceremonies: the steps in which people meet a key, as state machines without I/O of their own.
//!
//! Each takes a [`Store`](crate::store::Store), a log, a clock and randomness from its caller, does
//! its steps in the order that keeps the promises (intent in the log before anything secret; objects
//! before the record that names them; `done` before a result is shown), and returns data. `found`
//! makes a quorum, `deposit` backs keys up, `recover` brings one back, `drill` proves that it could, `salvage` does so where
//! no escrow is left, `check` tells whether one card
//! is good, `escrow` is the place all of them work on, `inspect` compares it with its log. `policy` is what
//! its people asked of it, `watch` tells what is due by that, and `destroy` ends what is no longer to be.

pub mod check;
pub mod deposit;
pub mod destroy;
pub mod drill;
pub mod escrow;
pub mod found;
pub mod inspect;
pub mod policy;
pub mod recover;
pub mod report;
pub mod salvage;
pub mod script;
pub mod watch;

#[cfg(test)]
mod tests;
