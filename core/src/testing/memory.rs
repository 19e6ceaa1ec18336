//! What a call takes of memory: how many allocations, how many bytes at once.
//!
//! The numbers come from the test's global allocator and count the whole process. [`peak`] needs [`PeakAlloc`] alone;
//! [`allocations`] needs the counting one around it:
//!
//! ```
//! use eir_core::testing::memory::{self, COUNTING, Counting};
//! #[global_allocator]
//! static MEMORY: Counting = &COUNTING;
//!
//! let mut sums = vec![0.0; 3];
//! memory::allocates_nothing("in place", || sums.iter_mut().for_each(|v| *v += 1.0));
//! memory::peak_below("a small table", 10_000, || vec![0u8; 9_000]);
//! ```

use super::PeakAlloc;
use stats_alloc::{Region, StatsAlloc};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The type of a test's global allocator that counts calls and bytes.
pub type Counting = &'static StatsAlloc<PeakAlloc>;

/// The allocator behind [`Counting`].
pub static COUNTING: StatsAlloc<PeakAlloc> = StatsAlloc::new(PeakAlloc);

/// Calls of which the fewest allocations and the lowest peak count: other threads of the process only add to them.
const CALLS: usize = 5;
/// How long a call is repeated beyond that while it seems to take memory: until other threads are done.
const PATIENCE: Duration = Duration::from_secs(5);

/// The lowest that `measure` gives: of [`CALLS`] calls, or of as many as [`PATIENCE`] allows until it is `enough`.
fn lowest(enough: usize, mut measure: impl FnMut() -> usize) -> usize {
    let start = Instant::now();
    let (mut lowest, mut calls) = (usize::MAX, 0);
    while lowest > enough && (calls < CALLS || start.elapsed() < PATIENCE) {
        lowest = lowest.min(measure());
        calls += 1;
    }
    lowest
}

/// How often `call` takes memory anew: the fewest allocations (a growing buffer counts too) of several calls.
///
/// The fewest, because a first call may fill a table that is kept, and because other tests of the process count too: it
/// is repeated until it takes none, at least five times and for some seconds.
///
/// # Panics
/// If the test's global allocator is not [`COUNTING`].
pub fn allocations<T>(mut call: impl FnMut() -> T) -> usize {
    let region = Region::new(&COUNTING);
    drop(std::hint::black_box(vec![0u8; 64]));
    assert!(region.change().allocations > 0, "no counts: set `#[global_allocator] static M: Counting = &COUNTING;`");
    lowest(0, || {
        let region = Region::new(&COUNTING);
        let result = call();
        let change = region.change();
        drop(result);
        change.allocations + change.reallocations
    })
}

/// The `_into` forms' promise: `call` takes no memory once it is warm.
///
/// # Panics
/// If `call` allocates, or as [`allocations`].
pub fn allocates_nothing<T>(name: &str, call: impl FnMut() -> T) {
    let count = allocations(call);
    assert!(count == 0, "{name}: {count} allocations in a call that must make none");
}

/// Bytes that `call` holds at its peak above what was held before, its result included.
///
/// # Panics
/// If the test's global allocator is neither [`PeakAlloc`] nor [`COUNTING`].
pub fn peak<T>(call: impl FnOnce() -> T) -> (usize, T) {
    // one measurement at a time: they share the allocator's peak
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(PeakAlloc.current_usage() > 0, "no counts: set `#[global_allocator] static M: PeakAlloc = PeakAlloc;`");
    PeakAlloc.reset_peak_usage();
    let before = PeakAlloc.current_usage();
    let result = call();
    (PeakAlloc.peak_usage().saturating_sub(before), result)
}

/// `call` holds at most `bytes` at once, in the best of several calls (other tests of the process count too).
///
/// # Panics
/// If it holds more, or as [`peak`].
pub fn peak_below<T>(name: &str, bytes: usize, mut call: impl FnMut() -> T) {
    let held = lowest(bytes, || peak(&mut call).0);
    assert!(held <= bytes, "{name}: holds {held} bytes at once, {bytes} are allowed");
}
