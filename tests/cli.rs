//! The command line as a user types it: the real program, real files, exact output where it is stable,
//! and the exit status always (design section 6).
//!
//! `walk` goes the whole way; `cards` brings cards as people do; `refusals` has every refusal with
//! its message, hint and status; `papers` prints and reads back what is not secret; `scan_back` leaves
//! cards out and reads them back later; `drill` proves keys and releases nothing, `report` and `script` hold its evidence; `providers` wraps keys for key services; `places` are several that call a key the same, `watch` is a year of what is due, `policy` what is asked, `destroy` of what ends, `asks` what a watch must not keep to itself; `damage` has an escrow that was lost, altered or can't be written,
//! and broken streams. Every run is searched for the secrets that are known then.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    unreachable_pub,
    missing_docs,
    reason = "tests and their report"
)]

mod cli {
    mod asks;
    mod cards;
    mod damage;
    mod destroy;
    mod drill;
    mod drill_package;
    mod exports;
    mod kek;
    mod keys;
    mod operators;
    mod papers;
    mod places;
    mod policy;
    mod providers;
    mod refusals;
    mod report;
    mod scan_back;
    mod script;
    mod walk;
    mod watch;
    mod world;
}
