//! QRS detection by a wavelet and two running amplitudes, as wfdb's XQRS.

use super::fir::zero_phase;
use super::prepared;
use super::running::maximum;
use crate::{Band, ButterworthConfig, Result};
use eir_core::SampleRate;
use num_complex::Complex64;
use std::f64::consts::PI;

/// The QRS complexes of `ecg` as wfdb's XQRS finds them.
///
/// **Use it** to compare with the PhysioNet tools. **Not** on noise, where its search back finds beats; it expects mV only
/// where it cannot learn from the first eight beats.
///
/// # Formula
/// Band-pass 5–20 Hz (order 2, zero phase); Ricker wavelet of 0.1 s, forwards and backwards; square. Eight maxima of the
/// filtered signal that resemble the wavelet by more than 0.6 set the amplitudes of beats `Q` and noise `N`. A maximum
/// above `¼ Q + ¾ N`, 0.2 s behind the last beat, is a beat and moves `Q` by ⅛, else it moves `N` by ⅛; where no beat comes
/// for 1.66 intervals, the maxima since the last are looked at again with half the threshold and move `Q` by ¼.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..5000).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 5.0).powi(2)).exp())).collect();
/// let peaks = eir_signal::ecg::xqrs(&ecg, eir_core::SampleRate::new(250.0)?)?;
/// assert!(peaks.iter().filter(|p| (*p % 250).abs_diff(125) < 5).count() == 20);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) below 1 s, [`NotFinite`](eir_core::error::NotFinite) if the signal has a
/// gap, [`Parameter`](eir_core::error::Parameter) if the rate is below 50 Hz.
///
/// # Validation
/// Peaks equal wfdb 4.3.1 `XQRS` on at least 99 % of beats within one sample, and true positives, misses and false alarms
/// within 2, on all records of the golden set. Unlike there the search back takes linear time.
///
/// # References
/// The documentation of wfdb (Xie et al., WFDB Python, PhysioNet).
pub fn xqrs(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
    super::at_least(rate, 50.0)?;
    let x = prepared(ecg, rate)?;
    if x.iter().all(|v| *v == x[0]) {
        return Ok(Vec::new());
    }
    let hz = rate.hz();
    let (width, radius) = ((0.1 * hz) as usize, (0.05 * hz) as usize);
    let band = ButterworthConfig::new(Band::Pass { low_hz: 5.0, high_hz: 20.0 }).with_order(2).design(rate)?;
    let mut filtered = vec![0.0; x.len()];
    band.zero_phase_padded(&x, 15, &mut filtered, &mut Vec::new())?;
    let wavelet = ricker(width);
    let mut energy = zero_phase(&filtered, &wavelet)?;
    energy.iter_mut().for_each(|v| *v *= *v);
    let start = learn(&filtered, &energy, (width, radius), hz).unwrap_or_else(|| {
        // the gains at the first of 512 frequencies from the middle of the band on
        let step = PI / 512.0;
        let w = (12.5 * 2.0 * PI / hz / step).ceil() * step;
        let z = Complex64::from_polar(1.0, -w);
        let section =
            |[b0, b1, b2, _, a1, a2]: &[f64; 6]| (*b0 + *b1 * z + *b2 * z * z) / (1.0 + *a1 * z + *a2 * z * z);
        let first = band.sections().iter().map(section).product::<Complex64>().norm();
        let second = wavelet.iter().rev().fold(Complex64::default(), |sum, tap| sum * z + tap).norm();
        let beat = 27.0 / 40.0 * 0.13 * (2.0 * first) * (2.0 * second);
        Amplitudes::new(beat, beat / 10.0, 60.0 * hz / 75.0, 0.0)
    });
    Ok(run(&energy, &local_peaks(&energy, radius), start, hz))
}

/// What the detector keeps from beat to beat.
struct Amplitudes {
    beat: f64,
    noise: f64,
    /// `¼ Q + ¾ N` at the last beat.
    threshold: f64,
    interval: f64,
    /// Sample of the last beat, below 0 so that an early first one is found.
    last: f64,
}

impl Amplitudes {
    fn new(beat: f64, noise: f64, interval: f64, last: f64) -> Self {
        Self { beat, noise, threshold: 0.25 * beat + 0.75 * noise, interval, last }
    }
}

/// Amplitudes of the first eight maxima that resemble the wavelet; `None` if there are fewer.
fn learn(filtered: &[f64], energy: &[f64], (width, radius): (usize, usize), hz: f64) -> Option<Amplitudes> {
    let shape = ricker(2 * radius);
    let (nearest, farthest) = (60.0 * hz / 200.0, 60.0 * hz / 25.0);
    let peaks = local_peaks(filtered, radius);
    let first = peaks.iter().position(|p| *p > width)?;
    let end = peaks.iter().rposition(|p| *p + width <= filtered.len())?;
    let (mut beats, mut noise): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    for i in peaks.get(first..end)?.iter().copied() {
        let Some(piece) = i.checked_sub(radius).and_then(|from| filtered.get(from..i + radius)) else { continue };
        let norm = piece.iter().map(|v| v * v).sum::<f64>().sqrt();
        let alike = piece.iter().zip(&shape).map(|(a, b)| a * b).sum::<f64>() / norm;
        let far = beats.last().is_none_or(|last| (i - last) as f64 > nearest);
        if alike > 0.6 && far {
            beats.push(i)
        } else {
            noise.push(i)
        }
        if beats.len() == 8 {
            break;
        }
    }
    if beats.len() < 8 {
        return None;
    }
    let mean = |places: &[usize]| places.iter().map(|i| energy[*i]).sum::<f64>() / places.len() as f64;
    let beat = mean(&beats);
    let intervals: Vec<f64> = beats.windows(2).map(|w| (w[1] - w[0]) as f64).filter(|d| *d < farthest).collect();
    let interval = intervals.iter().sum::<f64>() / intervals.len() as f64;
    let noise = if noise.is_empty() { beat / 10.0 } else { mean(&noise) };
    let interval = if intervals.is_empty() { 60.0 * hz / 75.0 } else { interval };
    Some(Amplitudes::new(beat, noise, interval, (beats[0] as f64 - nearest - 1.0).min(0.0)))
}

fn run(energy: &[f64], peaks: &[usize], mut now: Amplitudes, hz: f64) -> Vec<usize> {
    let (rest, farthest) = ((0.2 * hz) as usize as f64, 60.0 * hz / 25.0);
    let mut found = Vec::new();
    // the first maximum that a search back has not seen with the present threshold; nothing before the first beat
    let mut unseen = None;
    for (k, i) in peaks.iter().copied().enumerate() {
        if i as f64 - now.last > rest && energy[i] > now.threshold {
            take(&mut now, i, energy[i], 0.125, farthest, &mut found);
            unseen = Some(k + 1);
        } else {
            now.noise = 0.875 * now.noise + 0.125 * energy[i];
        }
        let Some(next) = peaks.get(k + 1) else { break };
        if *next as f64 - now.last <= 1.66 * now.interval {
            continue;
        }
        if let Some(from) = unseen {
            for j in peaks.get(from..=k).unwrap_or_default().iter().copied() {
                if j as f64 - now.last > rest && energy[j] > now.threshold / 2.0 {
                    take(&mut now, j, energy[j], 0.25, farthest, &mut found);
                }
            }
            unseen = Some(k + 1);
        }
    }
    found
}

fn take(now: &mut Amplitudes, at: usize, height: f64, share: f64, farthest: f64, found: &mut Vec<usize>) {
    let interval = at as f64 - now.last;
    if interval < farthest {
        now.interval = 0.875 * now.interval + 0.125 * interval;
    }
    now.beat = (1.0 - share) * now.beat + share * height;
    now.threshold = 0.25 * now.beat + 0.75 * now.noise;
    now.last = at as f64;
    found.push(at);
}

/// Samples that are the largest from `radius` before to `radius − 1` after; the next is sought `radius` further.
fn local_peaks(x: &[f64], radius: usize) -> Vec<usize> {
    if radius == 0 || x.iter().all(|v| *v == x[0]) {
        return Vec::new();
    }
    let tops = maximum(x, radius, radius - 1);
    let mut found = Vec::new();
    let mut i = 0;
    while i < x.len() {
        if x[i] == tops[i] {
            found.push(i);
            i += radius;
        } else {
            i += 1;
        }
    }
    found
}

/// The Mexican hat of width 4 on `points` samples.
fn ricker(points: usize) -> Vec<f64> {
    let scale = 2.0 / (12f64.sqrt() * PI.powf(0.25));
    (0..points)
        .map(|k| {
            let square = ((k as f64 - (points as f64 - 1.0) / 2.0) / 4.0).powi(2);
            scale * (1.0 - square) * (-square / 2.0).exp()
        })
        .collect()
}
