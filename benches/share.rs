//! What sharing costs, in units that don't depend on the machine: one variable-base multiplication
//! in ristretto255 (`curve25519-dalek`, constant time) is 1.
//!
//! `cargo bench --bench share` prints a table. Every operation is timed in turn with the unit, round
//! after round, and the shortest of many runs counts, so that other work on the machine shows as
//! fewer good rounds and not as a wrong figure. Nothing here passes or fails.
//!
//! What to expect: a commitment is two fixed-base multiplications, about 0.84. Combining interpolates
//! values and blinders, each with M inversions of about 0.4, and opens the constant commitment; with
//! more than M shares it does so twice. Splitting commits M times, checks N shares and combines twice.

#![allow(clippy::arithmetic_side_effects, clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use curve25519_dalek::{ristretto::RistrettoPoint, scalar::Scalar};
use quorate::primitive::random::Entropy;
use quorate::share::{ClaimedShare, Deal, Scheme, SecretScalar, Share, combine, fresh_secret, split};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Time to spend on each operation of each scheme.
const BUDGET: Duration = Duration::from_millis(2500);
/// Rounds of an operation at least, however long one takes.
const ROUNDS: u32 = 5;

fn main() {
    println!("{:>10} {:>9} {:>9} {:>9} {:>9} {:>12}", "", "split", "check 1", "combine", "com. all", "unit");
    for (m, n) in [(2, 3), (3, 5), (16, 31), (128, 255)] {
        let scheme = Scheme::new(m, n).unwrap();
        let secret = fresh_secret(&mut Entropy::system()).unwrap();
        let deal = split(&secret, scheme, &mut Entropy::system()).unwrap();
        let row = Row::of(&secret, scheme, &deal);
        let [split, check, combine, all, unit] = row.figures();
        let unit = format!("{:.1} us", unit * 1e6);
        println!("{:>10} {split:>9.2} {check:>9.2} {combine:>9.2} {all:>9.2} {unit:>12}", scheme.to_string());
    }
}

/// The shortest time of each operation.
struct Row {
    split: f64,
    check: f64,
    combine: f64,
    all: f64,
    unit: f64,
}

impl Row {
    fn of(secret: &SecretScalar, scheme: Scheme, deal: &Deal) -> Self {
        let quorum: Vec<&Share> = deal.shares.iter().take(usize::from(scheme.threshold())).collect();
        let last = deal.shares.last().unwrap();
        let sealed = last.to_secret_bytes();
        let point = RistrettoPoint::from_uniform_bytes(&[7; 64]);
        let scalar = Scalar::from_bytes_mod_order([0x5a; 32]);
        let mut unit = f64::INFINITY;
        let mut shortest = |operation: &mut dyn FnMut()| {
            let (mut best, mut rounds, begun) = (f64::INFINITY, 0, Instant::now());
            while rounds < ROUNDS || begun.elapsed() < BUDGET {
                unit = unit.min(timed(|| {
                    let _ = black_box(black_box(&point) * black_box(&scalar));
                }));
                best = best.min(timed(&mut *operation));
                rounds = rounds.saturating_add(1);
            }
            best
        };
        let split = shortest(&mut || drop(black_box(split(secret, scheme, &mut Entropy::system()))));
        let check = shortest(&mut || {
            let claimed = ClaimedShare::read(last.index(), sealed.expose()).unwrap();
            drop(black_box(claimed.check(&deal.commitments)));
        });
        let combined = shortest(&mut || drop(black_box(combine(&deal.commitments, quorum.iter().copied()))));
        let all = shortest(&mut || drop(black_box(combine(&deal.commitments, &deal.shares))));
        Self { split, check, combine: combined, all, unit }
    }

    /// Split, check, combine M and combine all, in units; then the unit in seconds.
    fn figures(&self) -> [f64; 5] {
        let Self { split, check, combine, all, unit } = *self;
        [split / unit, check / unit, combine / unit, all / unit, unit]
    }
}

fn timed(mut operation: impl FnMut()) -> f64 {
    let begun = Instant::now();
    operation();
    begun.elapsed().as_secs_f64()
}
