//! Overwrites the stack that a computation with secrets has used.
//!
//! X-Wing's crate leaves the expanded ML-KEM seed and the X25519 scalar on the stack after every
//! decapsulation and every making of a key: locals that it doesn't wipe, and copies that moves
//! leave behind. Either opens every backup. The module of a token leaves a key there that it unwraps, as the
//! loader does that saves the registers of vectors when it binds a function. None of them can be reached from
//! outside, but a frame of ours at the same place can write over them before anything else happens.

use crate::secret::Zeroize;
use core::hint::black_box;

/// How much is overwritten, in words of 8 bytes: 128 KiB. A decapsulation was measured to fit in a
/// thread of 64 KiB optimised and of 80 KiB unoptimised. A scan of the memory of the process found
/// the expanded seed and the scalar on the stack without this, and nothing with it.
const WORDS: usize = 16 * 1024;

/// Runs `work`, then overwrites the stack below this frame.
///
/// `T` is what `work` leaves on purpose: public, or a secret that lives elsewhere.
pub(crate) fn scrubbed<T>(work: impl FnOnce() -> T) -> T {
    let result = apart(work);
    overwrite();
    result
}

/// Keeps the frames of `work` below the caller's, where [`overwrite`] will be.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// One frame as deep as the frames of the work; `black_box` and `zeroize` keep the stores.
#[inline(never)]
fn overwrite() {
    let mut area = [0_u64; WORDS];
    black_box(&mut area);
    area.zeroize();
    black_box(&area);
}
