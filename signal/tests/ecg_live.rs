//! What the live detector of R-peaks takes of memory.

use eir_core::SampleRate;
use eir_core::testing::memory::{self, COUNTING, Counting};
use eir_signal::ecg::{RPeakStream, RPeaksConfig, r_peaks};

#[global_allocator]
static MEMORY: Counting = &COUNTING;

fn made(hz: f64, seconds: usize) -> Vec<f32> {
    let wave = |t: f64, width: f64| (-(t / width).powi(2)).exp();
    (0..(hz as usize * seconds))
        .map(|i| {
            let t = (i as f64 / hz) % 0.8 - 0.4;
            (wave(t, 0.012) + 0.25 * wave(t - 0.28, 0.05) + 0.01 * ((i * 7919 % 101) as f64 / 50.0 - 1.0)) as f32
        })
        .collect()
}

#[test]
fn no_allocation_per_sample_and_little_memory() {
    for hz in [125.0, 360.0, 1000.0, 4000.0] {
        let rate = SampleRate::new(hz).unwrap();
        let ecg = made(hz, 60);
        let mut stream = RPeakStream::new(RPeaksConfig::default(), rate).unwrap();
        let mut count = 0usize;
        stream.push(&ecg, |_| count += 1);
        assert!(count > 65, "{hz} Hz: {count}");
        memory::allocates_nothing("live R-peaks", || stream.push(&ecg, |_| count += 1));
        memory::peak_below("live R-peaks", 64 << 10, || RPeakStream::new(RPeaksConfig::default(), rate).unwrap());
    }
}

#[test]
fn three_hours_take_less_memory_than_the_recording() {
    let rate = SampleRate::new(250.0).unwrap();
    let (piece, times) = (made(250.0, 3600), 3);
    let ecg: Vec<f32> = std::iter::repeat_n(piece, times).flatten().collect();
    let peaks = r_peaks(&ecg, rate).unwrap();
    assert!((peaks.len() as f64 - 4500.0 * times as f64).abs() < 5.0, "{}", peaks.len());
    // per hour of recording; the recording itself takes 3.6 MB an hour
    memory::peak_below("R-peaks of three hours", times * (3 << 20), || r_peaks(&ecg, rate).unwrap());
}
