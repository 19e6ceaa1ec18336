//! Heart-rate variability against NeuroKit2, entropies against antropy and NeuroKit2.

use eir_core::SampleRate;
use eir_core::testing::bench::Bench;
use eir_signal::entropy::{self, Threshold};
use eir_signal::hrv;

const NEUROKIT: &str = "NeuroKit2 0.2.13";
const ANTROPY: &str = "antropy 0.2.3";

pub(crate) fn rows(bench: &mut Bench) -> Result<(), Box<dyn std::error::Error>> {
    let rr = intervals(2272);
    let noise = random(20_000);
    let rate = SampleRate::new(1000.0)?;
    let mut uneven = rr.clone();
    uneven.iter_mut().skip(300).step_by(300).for_each(|v| *v *= 0.6);
    let mut t = 0.0;
    let peaks: Vec<usize> = std::iter::once(0)
        .chain(uneven.iter().map(|v| {
            t += v;
            t as usize
        }))
        .collect();
    let input = "2272 intervals";
    let mut row = |name, goal, peer, function, work: &mut dyn FnMut()| {
        bench.row(name, input, goal).peer(peer, function).run(work);
    };
    row("HRV, time domain", 50.0, NEUROKIT, "hrv.time_domain", &mut || drop(hrv::time_domain(&rr)));
    row("HRV, frequency domain", 50.0, NEUROKIT, "hrv.frequency", &mut || drop(hrv::frequency_domain(&rr)));
    row("HRV, all nonlinear", 400.0, NEUROKIT, "hrv.nonlinear", &mut || drop(hrv::nonlinear(&rr)));
    row("artefact correction", 50.0, NEUROKIT, "hrv.artefacts", &mut || drop(hrv::correct_artefacts(&peaks, rate)));
    row("fuzzy entropy", 50.0, NEUROKIT, "hrv.fuzzy", &mut || drop(entropy::fuzzy_entropy(&rr)));
    row("multiscale entropy", 50.0, NEUROKIT, "hrv.multiscale", &mut || drop(entropy::multiscale_entropy(&rr)));
    row("sample entropy", 3.0, ANTROPY, "hrv.sample_short_antropy", &mut || drop(entropy::sample_entropy(&rr)));
    row("approximate entropy", 3.0, ANTROPY, "hrv.approximate_antropy", &mut || {
        drop(entropy::approximate_entropy(&rr));
    });
    row("permutation entropy", 1.0, ANTROPY, "hrv.permutation_antropy", &mut || {
        drop(entropy::permutation_entropy(&rr));
    });
    row("Higuchi dimension", 1.0, ANTROPY, "hrv.higuchi_antropy", &mut || drop(entropy::higuchi_dimension(&rr)));
    row("Lempel-Ziv complexity", 3.0, ANTROPY, "hrv.lempel_ziv_antropy", &mut || {
        drop(entropy::lempel_ziv(&rr, Threshold::Median));
    });
    bench
        .row("sample entropy", "20 000 values", 3.0)
        .peer(ANTROPY, "hrv.sample_antropy")
        .run(|| entropy::sample_entropy(&noise));
    let mut live = hrv::LiveHrv::new(300)?;
    rr.iter().try_for_each(|v| live.push(*v).map(drop))?;
    bench.row("one more beat, live", "window of 300", 1000.0).peer(NEUROKIT, "hrv.live").run(|| live.push(801.0));
    let day = intervals(108_000);
    bench.row("HRV of each 5 min of a day", "108 000 intervals", 1.0).run(|| hrv::windows(&day));
    let mut t = 0.0;
    let beats: Vec<usize> = day
        .iter()
        .map(|v| {
            t += v;
            t as usize
        })
        .collect();
    bench.row("artefact correction", "108 000 beats", 1.0).run(|| hrv::correct_artefacts(&beats, rate));
    Ok(())
}

/// A linear congruence, between 0 and 1.
fn random(n: usize) -> Vec<f64> {
    let mut state = 1u32;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state) / f64::from(u32::MAX)
        })
        .collect()
}

fn intervals(n: usize) -> Vec<f64> {
    let wave = |i: u32, f: f64, p: f64| (std::f64::consts::TAU * f * f64::from(i) + p).sin();
    let noise = random(n);
    (0..)
        .zip(noise)
        .map(|(i, v)| 800.0 + 40.0 * wave(i, 0.08, 0.0) + 25.0 * wave(i, 0.25, 0.5) + 30.0 * (v - 0.5))
        .collect()
}
