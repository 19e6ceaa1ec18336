//! Filters against SciPy.

use super::ecg::recording;
use eir_core::SampleRate;
use eir_core::testing::bench::Bench;
use eir_signal::{Band, ButterworthConfig};

pub(crate) fn rows(bench: &mut Bench) -> Result<(), Box<dyn std::error::Error>> {
    let rate = SampleRate::new(360.0)?;
    let (wide, input) = recording()?;
    let filter = ButterworthConfig::new(Band::Pass { low_hz: 0.5, high_hz: 40.0 }).design(rate)?;
    let (mut y, mut work) = (vec![0.0; wide.len()], Vec::new());
    bench
        .row("zero phase, order 4 band-pass", input, 1.5)
        .peer("SciPy 1.17.1", "filters.sosfiltfilt")
        .run(|| filter.zero_phase_into(&wide, &mut y, &mut work));
    bench
        .row("causal, order 4 band-pass", input, 1.5)
        .peer("SciPy 1.17.1", "filters.sosfilt")
        .run(|| filter.filter_f64(&wide));
    Ok(())
}
