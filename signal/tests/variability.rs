//! Promises that heart-rate variability and entropies keep on any series.

use eir_core::SampleRate;
use eir_core::testing::contract;
use eir_core::testing::memory::{self, COUNTING, Counting};
use eir_signal::entropy::{self, NoAnswer, Threshold};
use eir_signal::hrv;

#[global_allocator]
static MEMORY: Counting = &COUNTING;

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|v| f64::from(*v)).collect()
}

/// A day of a sound heart, in ms.
fn intervals(n: usize) -> Vec<f64> {
    let mut state = 1u32;
    (0..n)
        .map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(state) / f64::from(u32::MAX) - 0.5;
            800.0 + 40.0 * (0.5 * i as f64).sin() + 60.0 * noise
        })
        .collect()
}

#[test]
fn measures_stay_sound_on_any_numbers() {
    // as they are (most are no intervals), and around 800 ms
    for level in [0.0, 800.0] {
        let rr = |x: &[f32]| wide(x).into_iter().map(|v| level + v).collect::<Vec<f64>>();
        contract::detector("time domain", |x| hrv::time_domain(&rr(x)));
        contract::detector("short term", |x| hrv::short_term(&rr(x)));
        contract::detector("frequency domain", |x| hrv::frequency_domain(&rr(x)));
        for method in [
            hrv::SpectrumMethod::Autoregressive { order: 16 },
            hrv::SpectrumMethod::LombScargle,
            hrv::SpectrumMethod::Multitaper { half_bandwidth: 4.0 },
        ] {
            let config = hrv::FrequencyConfig::default().with_method(method).with_least_intervals(0);
            let config = config.with_least_s([0.0; 3]).with_most_drift(None);
            contract::detector("frequency domain", |x| config.of(&rr(x)));
        }
        contract::detector("nonlinear", |x| hrv::NonlinearConfig::default().with_least(0).of(&rr(x)));
        contract::detector("windows", |x| hrv::windows(&rr(x)));
        contract::detector("intervals corrected", |x| hrv::ArtefactConfig::default().correct_intervals(&rr(x)));
        contract::detector("breathing", |x| hrv::respiratory_rate(&rr(x)));
        contract::detector("turbulence", |x| hrv::heart_rate_turbulence(&rr(x), &[0, 1, 10]));
        contract::detector("intervals", |x| hrv::Intervals::from_ms(&rr(x)).map(|i| i.stretches().count()));
    }
    contract::detector("sample entropy", |x| entropy::sample_entropy(&wide(x)));
    contract::detector("approximate entropy", |x| entropy::approximate_entropy(&wide(x)));
    contract::detector("fuzzy entropy", |x| entropy::fuzzy_entropy(&wide(x)));
    contract::detector("multiscale entropy", |x| entropy::multiscale_entropy(&wide(x)));
    contract::detector("permutation entropy", |x| entropy::permutation_entropy(&wide(x)));
    contract::detector("weighted permutation entropy", |x| entropy::weighted_permutation_entropy(&wide(x)));
    contract::detector("shannon entropy", |x| entropy::shannon_entropy(&wide(x)));
    contract::detector("spectral entropy", |x| entropy::spectral_entropy(&wide(x)));
    contract::detector("dispersion entropy", |x| entropy::dispersion_entropy(&wide(x)));
    contract::detector("svd entropy", |x| entropy::svd_entropy(&wide(x)));
    contract::detector("higuchi", |x| entropy::higuchi_dimension(&wide(x)));
    contract::detector("katz", |x| entropy::katz_dimension(&wide(x)));
    contract::detector("petrosian", |x| entropy::petrosian_dimension(&wide(x)));
    contract::detector("hjorth", |x| entropy::hjorth(&wide(x)));
    contract::detector("lempel ziv", |x| entropy::lempel_ziv(&wide(x), Threshold::Mean));
    contract::detector("dfa", |x| entropy::dfa_exponent(&wide(x)));
    contract::detector("correlation dimension", |x| entropy::correlation_dimension(&wide(x)));
    contract::detector("lyapunov", |x| entropy::lyapunov_exponent(&wide(x)));
    let peaks = |x: &[f32]| x.iter().map(|v| v.abs() as usize).collect::<Vec<usize>>();
    contract::detector("peaks corrected", |x| hrv::correct_artefacts(&peaks(x), SampleRate::new(250.0)?));
    contract::detector("intervals of peaks", |x| {
        hrv::Intervals::from_peaks(&peaks(x), SampleRate::new(250.0)?, &[3..9, 100..100])
    });
}

#[test]
fn settings_survive_json_and_types_travel() {
    contract::serde_round_trip(&hrv::ArtefactConfig::default().with_rule(hrv::ArtefactRule::AsNeuroKit));
    contract::serde_round_trip(&hrv::FrequencyConfig::default().with_method(hrv::SpectrumMethod::LombScargle));
    contract::serde_round_trip(&hrv::NonlinearConfig::as_neurokit());
    contract::serde_round_trip(&hrv::WindowConfig::default().with_step_s(60.0));
    contract::serde_round_trip(&hrv::TurbulenceConfig::default().with_least(5));
    contract::serde_round_trip(&entropy::SampleEntropyConfig::default().with_dimension(3));
    contract::serde_round_trip(&entropy::PermutationEntropyConfig::default().with_ties(entropy::Ties::AsNumpy));
    contract::serde_round_trip(&entropy::DfaConfig::default().with_windows(16, 64));
    // measures without a value keep their reason
    contract::serde_round_trip(&hrv::frequency_domain(&intervals(150)).unwrap());
    contract::send_sync::<hrv::LiveHrv>();
    contract::send_sync::<hrv::Nonlinear>();
    contract::send_sync::<NoAnswer>();
}

#[test]
fn a_million_beats_are_measured_or_refused() {
    let rr = intervals(1_000_000);
    assert!(hrv::time_domain(&rr).unwrap().rmssd_ms > 0.0);
    assert!(hrv::frequency_domain(&rr).unwrap().lf_ms2.is_ok());
    let found = hrv::nonlinear(&rr).unwrap();
    assert_eq!(found.sample_entropy, Err(NoAnswer::TooMany { given: 1_000_000, allowed: 30_000 }));
    assert!(found.alpha1.is_ok() && found.lempel_ziv.is_ok() && found.poincare.is_ok());
    let corrected = hrv::ArtefactConfig::default().correct_intervals(&rr).unwrap();
    assert_eq!(corrected.labels.len(), rr.len());
}

#[test]
fn one_more_beat_takes_no_memory() {
    let mut live = hrv::LiveHrv::new(300).unwrap();
    let rr = intervals(1000);
    memory::allocates_nothing("one beat", || {
        rr.iter().for_each(|v| assert!(live.push(*v).is_ok()));
    });
    memory::allocates_nothing("short term", || hrv::short_term(&rr));
    memory::peak_below("the ring", 8 << 10, || hrv::LiveHrv::new(300));
}
