//! Filters and resampling against SciPy.

use super::ecg::recording;
use eir_core::SampleRate;
use eir_core::testing::bench::Bench;
use eir_signal::filter::{
    Band, Boundary, ButterworthConfig, DetrendConfig, FirConfig, MedianConfig, MovingAverageConfig, SavitzkyGolayConfig,
};
use eir_signal::resample::{DecimateConfig, Fourier, PolyphaseConfig};

const PEER: &str = "SciPy 1.17.1";

pub(crate) fn rows(bench: &mut Bench) -> Result<(), Box<dyn std::error::Error>> {
    let rate = SampleRate::new(360.0)?;
    let (wide, input) = recording()?;
    let pass = Band::Pass { low_hz: 0.5, high_hz: 40.0 };
    let filter = ButterworthConfig::new(pass).design(rate)?;
    let (mut y, mut work) = (vec![0.0; wide.len()], Vec::new());
    bench
        .row("zero phase, order 4 band-pass", input, 1.5)
        .peer(PEER, "filters.sosfiltfilt")
        .run(|| filter.zero_phase_into(&wide, &mut y, &mut work));
    bench.row("causal, order 4 band-pass", input, 1.5).peer(PEER, "filters.sosfilt").run(|| filter.filter_f64(&wide));
    bench
        .row("design, order 4 band-pass", "4 sections", 10.0)
        .peer(PEER, "filters.design")
        .run(|| ButterworthConfig::new(pass).design(rate));
    let short = FirConfig::new(pass, 101).design(rate)?;
    bench
        .row("finite, 101 taps", input, 3.0)
        .peer("SciPy 1.17.1, its fastest call", "filters.fir_101")
        .run(|| short.filter_into(&wide, &mut y));
    let long = FirConfig::new(pass, 1001).design(rate)?;
    bench
        .row("finite, 1001 taps", input, 1.0)
        .peer("SciPy 1.17.1, its fastest call", "filters.fir_1001")
        .run(|| long.filter_by_spectrum_f64(&wide));
    let polyphase = PolyphaseConfig::new(25, 36).build()?;
    let mut fewer = vec![0.0; polyphase.output_len(wide.len())?];
    bench
        .row("resample 25/36, polyphase", input, 2.0)
        .peer(PEER, "filters.resample_poly")
        .run(|| polyphase.resample_into(&wide, &mut fewer));
    let fourier = Fourier::new(wide.len(), fewer.len())?;
    let (mut signal, mut spectrum) = (Vec::new(), Vec::new());
    bench
        .row("resample 25/36, by spectrum", input, 1.0)
        .peer(PEER, "filters.resample")
        .run(|| fourier.resample_into(&wide, &mut fewer, &mut signal, &mut spectrum));
    bench
        .row("decimate by 4", input, 1.5)
        .peer(PEER, "filters.decimate")
        .run(|| DecimateConfig::new(4).decimate_f64(&wide));
    let median = MedianConfig::new(73).build()?;
    bench.row("median 73", input, 3.0).peer(PEER, "filters.medfilt").run(|| median.filter_into(&wide, &mut y));
    let median = MedianConfig::new(217).with_boundary(Boundary::Reflect).build()?;
    bench
        .row("median 217", input, 3.0)
        .peer("SciPy 1.17.1 ndimage", "filters.median_217")
        .run(|| median.filter_into(&wide, &mut y));
    let smooth = filter.zero_phase_f64(&wide)?;
    let median = MedianConfig::new(73).build()?;
    bench
        .row("median 73, no two values equal", input, 3.0)
        .peer(PEER, "filters.medfilt_filtered")
        .run(|| median.filter_into(&smooth, &mut y));
    let polynomial = SavitzkyGolayConfig::new(21, 3).build()?;
    bench
        .row("Savitzky-Golay 21, 3", input, 2.0)
        .peer(PEER, "filters.savgol")
        .run(|| polynomial.filter_into(&wide, &mut y, &mut work));
    bench
        .row("linear trend", input, 3.0)
        .peer(PEER, "filters.detrend")
        .run(|| DetrendConfig::default().detrend_f64(&wide));
    let mean = MovingAverageConfig::new(30).build()?;
    bench
        .row("moving average 30", input, 1.0)
        .peer("SciPy 1.17.1 ndimage", "filters.boxcar")
        .run(|| mean.filter_into(&wide, &mut y));
    Ok(())
}
