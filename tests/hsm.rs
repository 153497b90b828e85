//! Keys in tokens, by the real program and two software tokens that have nothing in common.
//!
//! `ways` takes every kind of key out of one token and into another, across makers; `spy` looks at what crosses
//! the PKCS#11 boundary; `faults` has what tokens, PINs and people get wrong; `broken_off` ends the program or
//! takes the token away in the middle; `closing`, `officer`, `pins`, `limits`, `halves`, `unsure` and `drills` each
//! hold one promise, and `poor` is a token that can't. OpenSC's `pkcs11-tool` and `openssl` are the parties that say whether a
//! key is the same: nothing here believes the program. Without the tokens (`tests/tools/token.rs`) the tests
//! say so and pass; with `QUORATE_TEST_ALL=1` they fail.
#![cfg(unix)]
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
    clippy::must_use_candidate,
    unreachable_pub,
    dead_code,
    missing_docs,
    missing_debug_implementations,
    reason = "tests and their report"
)]

#[path = "tools/terminal.rs"]
mod terminal;
#[path = "tools/token.rs"]
mod token;
#[path = "cli/world.rs"]
mod world;

mod hsm {
    mod broken_off;
    mod closing;
    mod drills;
    mod faults;
    mod halves;
    mod limits;
    mod officer;
    mod pins;
    mod poor;
    mod proof;
    mod spy;
    mod stage;
    mod unsure;
    mod ways;
}
