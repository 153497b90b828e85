//! No freed heap block still holds a secret scalar.
//!
//! The allocator of this test copies every block that is freed while it watches, before the block
//! goes back to the system. Afterwards the copies are searched for the secret, for every half of
//! every share and for a middle slice of each: an unwiped temporary of ours or of a crate shows,
//! wherever it came from. A block that is freed on purpose with the secret in it must be found.
//! Stack and registers are beyond this test (`docs/threat-model.md`).

#![allow(unsafe_code, clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use quorate::primitive::random::Entropy;
use quorate::share::{ClaimedShare, Commitments, Scheme, combine, combine_claimed, fresh_secret, split};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

/// Room for the copies, in bytes.
const ROOM: usize = 64 << 20;

/// Copies freed blocks while `WATCHING`; everything else is the system's.
struct Copying;

static WATCHING: AtomicBool = AtomicBool::new(false);
static COPIES: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
static USED: AtomicUsize = AtomicUsize::new(0);
static BLOCKS: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Copying = Copying;

// SAFETY: every request is passed to the system's allocator unchanged. `realloc` is the default one,
// which allocates, copies and frees, so that a buffer that grows leaves its old block here too.
unsafe impl GlobalAlloc for Copying {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if WATCHING.load(Ordering::SeqCst) {
            let start = USED.fetch_add(layout.size(), Ordering::SeqCst);
            if start + layout.size() <= ROOM {
                BLOCKS.fetch_add(1, Ordering::SeqCst);
                // SAFETY: the block is still ours and `size` long; the room is `ROOM` long, and the
                // range was reserved for this copy alone.
                unsafe {
                    block.copy_to_nonoverlapping(COPIES.load(Ordering::SeqCst).add(start), layout.size());
                };
            }
        }
        unsafe { System.dealloc(block, layout) }
    }
}

/// Copies of everything freed during `work`, one after the other, and what `work` returned.
fn freed<T>(work: impl FnOnce() -> T) -> (&'static [u8], T) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock();
    // SAFETY: the layout isn't empty; the room is never freed.
    let room = unsafe { System.alloc_zeroed(Layout::from_size_align(ROOM, 16).unwrap()) };
    assert!(!room.is_null());
    COPIES.store(room, Ordering::SeqCst);
    USED.store(0, Ordering::SeqCst);
    WATCHING.store(true, Ordering::SeqCst);
    let result = work();
    WATCHING.store(false, Ordering::SeqCst);
    let used = USED.load(Ordering::SeqCst);
    assert!(used <= ROOM, "more was freed than there is room for: {used} bytes");
    // SAFETY: as above; nothing writes there any more.
    (unsafe { std::slice::from_raw_parts(room, used) }, result)
}

/// How often `needle`, or the 16 bytes in its middle, occur in `copies`.
fn found(copies: &[u8], needle: &[u8]) -> usize {
    [needle, &needle[8..24]]
        .iter()
        .map(|part| copies.windows(part.len()).filter(|at| at == part).count())
        .sum()
}

#[test]
fn no_freed_block_holds_a_secret() {
    // Control: the search finds what is freed unwiped, also in the old block of a buffer that grew.
    let known: Vec<u8> = (1..=32).collect();
    let (copies, ()) = freed(|| drop(known.clone()));
    assert_eq!(found(copies, &known), 2, "the search doesn't find what it must find");
    let (copies, grown) = freed(|| {
        let mut grows = known.clone();
        grows.reserve_exact(4096);
        grows
    });
    assert_eq!(found(copies, &known), 2);
    drop(grown);

    for (m, n) in [(2, 2), (3, 5), (16, 31)] {
        let scheme = Scheme::new(m, n).unwrap();
        let (drawing, secret) = freed(|| fresh_secret(&mut Entropy::system()).unwrap());
        let (splitting, deal) = freed(|| {
            let mut entropy = Entropy::system();
            entropy.mix(b"some dice");
            split(&secret, scheme, &mut entropy).unwrap()
        });
        let needles: Vec<Vec<u8>> = std::iter::once(secret.to_secret_bytes().expose().to_vec())
            .chain(deal.shares.iter().flat_map(|share| {
                share.to_secret_bytes().expose().chunks(32).map(<[u8]>::to_vec).collect::<Vec<_>>()
            }))
            .collect();
        let (combining, ()) = freed(|| {
            let sealed: Vec<_> =
                deal.shares.iter().map(|share| (share.index(), share.to_secret_bytes())).collect();
            let record = Commitments::read(scheme, &deal.commitments.encode()).unwrap();
            let read = |index, bytes: &[u8]| ClaimedShare::read(index, bytes).unwrap();
            let shares: Vec<_> = sealed
                .iter()
                .map(|(index, bytes)| read(*index, bytes.expose()).check(&record).unwrap())
                .collect();
            let again = combine(&record, &shares[..m]).unwrap();
            assert!(again.to_secret_bytes().ct_eq(&secret.to_secret_bytes()));
            drop(combine(&record, &shares).unwrap());
            // The ways that fail wipe as well.
            assert!(combine(&record, &shares[1..m]).is_err());
            let other = split(&secret, scheme, &mut Entropy::system()).unwrap();
            assert!(combine(&other.commitments, &shares).is_err());
            let mut claimed: Vec<_> =
                sealed.iter().map(|(index, bytes)| read(*index, bytes.expose())).collect();
            drop(combine_claimed(u8::try_from(m).unwrap(), &claimed.iter().collect::<Vec<_>>()).unwrap());
            assert!(claimed.pop().unwrap().check(&other.commitments).is_err());
            let cut = sealed[0].1.expose();
            assert!(ClaimedShare::read(1, &cut[..63]).is_err());
        });
        let (dropping, ()) = freed(move || drop((secret, deal)));
        assert!(BLOCKS.load(Ordering::SeqCst) > 30, "hardly anything was watched");
        for (what, copies) in
            [("drawing", drawing), ("splitting", splitting), ("combining", combining), ("dropping", dropping)]
        {
            for (place, needle) in needles.iter().enumerate() {
                assert_eq!(found(copies, needle), 0, "{what} {m} of {n}: number {place} was freed unwiped");
            }
        }
    }
}
