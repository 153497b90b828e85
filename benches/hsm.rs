//! What the whole drill with tokens costs: four kinds of key are made in a token, backed up, lost with it, restored into
//! another maker's, and proven; by the program, as its user runs it.
//!
//! `cargo bench --bench hsm` prints ratios to the ten seconds that it may take, besides the sealing of cards (they are
//! open here), for both directions between the two software tokens: on the clock, and of the processor, which other work
//! on the machine disturbs less. Each of its eight commands makes one RSA-3072 pair for the session, and how long that
//! takes is luck: the shortest of three runs counts. Nothing here passes or fails; without the tokens it says so.
#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::print_literal,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    unreachable_pub,
    dead_code,
    missing_docs,
    missing_debug_implementations,
    reason = "of what the tests share not everything is used here"
)]

#[path = "../tests/hsm/stage.rs"]
mod stage;
#[path = "../tests/tools/token.rs"]
mod token;
#[path = "../tests/cli/world.rs"]
mod world;

use stage::Stage;
use std::time::Instant;
use token::Maker;

const KINDS: [&str; 4] = ["aes-256", "ec-p256", "ec-p384", "rsa-3072"];

/// Seconds on the clock, and seconds of a processor that commands which have ended took.
fn seconds(work: impl FnOnce()) -> [f64; 2] {
    let spent = || {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        // Of children, in the program and in the system: fields 16 and 17 of proc(5), in hundredths.
        [fields[13], fields[14]].iter().map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum::<f64>()
    };
    let (start, before) = (Instant::now(), spent());
    work();
    [start.elapsed().as_secs_f64(), spent() - before]
}

/// What it takes to make and back up, and to restore and prove.
fn drill(from: Maker, to: Maker) -> Option<[[f64; 2]; 2]> {
    let stage = Stage::new()?;
    let old = stage.tokens.make(from, "old");
    let made = seconds(|| KINDS.iter().for_each(|kind| drop(stage.generate(&old, kind, kind).good())));
    old.destroy();
    let new = stage.tokens.make(to, "new");
    let restored = seconds(|| KINDS.iter().for_each(|kind| drop(stage.recover(&new, kind).good())));
    Some([made, restored])
}

fn main() {
    println!("{:<66} {:>9}  {}", "", "ratio", "reference");
    for (from, to) in [(Maker::SoftHsm, Maker::Kryoptic), (Maker::Kryoptic, Maker::SoftHsm)] {
        let runs: Option<Vec<[[f64; 2]; 2]>> = (0..3).map(|_| drill(from, to)).collect();
        let Some(runs) = runs else { return };
        for (place, reference) in [(0, "ten seconds on the clock"), (1, "ten seconds of one core")] {
            let whole = |run: &[[f64; 2]; 2]| run[0][place] + run[1][place];
            let shortest = runs.iter().min_by(|a, b| f64::total_cmp(&whole(a), &whole(b))).unwrap();
            for (what, seconds) in [
                ("4 kinds made in a token, backed up", shortest[0][place]),
                ("4 kinds restored into another maker's", shortest[1][place]),
                ("the whole drill", whole(shortest)),
            ] {
                let what = format!("{what} ({from:?} to {to:?})");
                println!("{what:<66} {:>9.2}  {reference}", seconds / 10.0);
            }
        }
    }
}
