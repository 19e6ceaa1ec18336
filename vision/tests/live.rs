//! Following a knee picture by picture takes no memory.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use eir_core::testing::memory::{self, COUNTING, Counting};
use eir_vision::kinematics::{LiveConfig, OneEuroConfig};
#[cfg(feature = "rehab")]
use eir_vision::rehab::simulation::{SimulationConfig, simulate};
#[cfg(feature = "rehab")]
use eir_vision::rehab::{Assessor, AssessorConfig};

#[global_allocator]
static MEMORY: Counting = &COUNTING;

#[test]
fn a_picture_allocates_nothing() {
    let mut knee = LiveConfig::default().build().unwrap();
    let mut filter = OneEuroConfig::default().build().unwrap().stream();
    let mut picture = 0;
    memory::allocates_nothing("a picture", || {
        for _ in 0..100 {
            picture += 1;
            let t = f64::from(picture) / 30.0;
            let bend = (0.7 - 0.7 * t.cos()) as f32;
            let leg = [[0.0, -150.0], [0.0, 0.0], [140.0 * bend.sin(), 140.0 * bend.cos()]];
            let state = knee.push(t, &leg, &[0.9; 3]).unwrap();
            filter.push(t, state.speed_deg_s).unwrap();
        }
    });
}

/// From the first picture on, with looks at the recording, repetitions that come out, lost points and a new recording.
#[cfg(feature = "rehab")]
#[test]
fn a_live_assessment_allocates_nothing() {
    let film = simulate(&SimulationConfig::default().with_rate_hz([15.0, 15.0]), 3, 7).unwrap();
    let assessor = Assessor::shipped(AssessorConfig::default()).unwrap();
    let (times, points) = (film.sequence.times_s(), film.sequence.points());
    let lost = [[f32::NAN; 2]; 12];
    // other tests of this process count too: the fewest of some attempts
    let fewest = (0..5).map(|_| {
        let mut live = assessor.live();
        let mut told = 0;
        let before = COUNTING.stats();
        for start in [0.0, 25.0, 100.0] {
            for (t, frame) in times.iter().zip(points) {
                told += usize::from(live.push(start + t, frame).unwrap().is_some());
            }
            live.push(start + times[times.len() - 1] + 0.01, &lost).unwrap();
        }
        let after = COUNTING.stats();
        assert!(told >= 3, "{told}");
        after.allocations + after.reallocations - before.allocations - before.reallocations
    });
    assert_eq!(fewest.min(), Some(0));
}
