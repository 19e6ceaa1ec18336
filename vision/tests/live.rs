//! Following a knee picture by picture takes no memory.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use eir_core::testing::memory::{self, COUNTING, Counting};
use eir_vision::kinematics::{LiveConfig, OneEuroConfig};

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
