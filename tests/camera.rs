//! Cards from a camera: the page that the program serves, its refusals, and a real browser in front of a
//! camera that shows real cards.
//!
//! Most of it speaks to the port as a browser (or an attacker) does, through a socket. The last test runs
//! Chromium without a screen, whose camera is a film of cards that `pdftoppm` drew; without both it says so
//! and passes, and with `QUORATE_TEST_ALL=1` it fails. Without the feature `camera` there is
//! one test: that the program says so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    unreachable_pub,
    dead_code,
    missing_docs,
    reason = "tests and their report"
)]

#[cfg(not(feature = "camera"))]
#[path = "camera/absent.rs"]
mod absent;
#[cfg(feature = "camera")]
#[path = "camera/browser.rs"]
mod browser;
#[cfg(feature = "camera")]
#[path = "camera/cards.rs"]
mod cards;
#[cfg(feature = "camera")]
#[path = "camera/refusals.rs"]
mod refusals;
#[cfg(feature = "camera")]
#[path = "camera/stage.rs"]
mod stage;
#[path = "cli/world.rs"]
mod world;
