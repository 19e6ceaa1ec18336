//! The `_into` forms take no memory once a plan is warm.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use eir_audio::{MfccConfig, PitchConfig, SampleRate};
use eir_core::testing::memory::{COUNTING, Counting, allocates_nothing};

#[global_allocator]
static MEMORY: Counting = &COUNTING;

#[test]
fn a_used_plan_takes_no_memory() {
    let rate = SampleRate::new(8000.0).unwrap();
    let x: Vec<f32> = (0..16_000).map(|i| (i as f32 * 0.1).sin()).collect();
    let mut tracker = PitchConfig::default().build(rate).unwrap();
    let mut contour = tracker.track(&x).unwrap();
    allocates_nothing("pitch", || tracker.track_into(&x, &mut contour).unwrap());
    let mut plan = MfccConfig::for_rate(rate).build(rate).unwrap();
    let mut table = plan.transform(&x).unwrap();
    allocates_nothing("mfcc", || plan.transform_into(&x, &mut table).unwrap());
}
