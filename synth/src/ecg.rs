//! Electrocardiograms with known beats: the dynamical model of McSharry et al.

use crate::error::within;
use crate::{Error, Result};
use eir_core::error::Parameter;
use eir_core::random::{Generator, Stream};
use serde::{Deserialize, Serialize};
use std::f64::consts::{PI, TAU};

/// The longest step of the phase that is integrated at once; three Gauss points then err by less than 1e-8.
const STEP_RAD: f64 = 0.03;
/// Cosines per band of the heart-rate variability.
const COSINES: usize = 48;

/// Simulates an electrocardiogram: settings, then a seed.
///
/// See [`EcgConfig`] for the model, its settings and an example.
///
/// # Errors
/// As [`EcgConfig::validate`].
pub fn ecg(config: &EcgConfig, seed: u64) -> Result<Ecg> {
    config.validate()?;
    let random = Generator::new(seed, "ecg");
    let rr_s = config.rr_intervals(&mut random.stream(0));
    let waves = EcgWaves::at_rate(config.heart_rate_bpm).with_respiration_hz(config.respiration_hz);
    let n = (config.duration_s * config.rate_hz).round() as usize;
    // the first beat enters half an interval before its peak
    let lead_s = rr_s.first().copied().unwrap_or(1.0) / 2.0;
    let segments = std::iter::once((lead_s, PI / lead_s)).chain(rr_s.iter().map(|rr| (*rr, TAU / rr)));
    let mut z = vec![0.0; n];
    waves.integrate(-PI, 0.0, segments, config.rate_hz, |i, _, value| {
        if let Some(to) = z.get_mut(i) {
            *to = value;
        }
    });
    let scaled = scaled_mv(&z);
    let mut beats = Vec::with_capacity(rr_s.len());
    let mut time_s = lead_s;
    for rr in rr_s.iter().chain([&f64::INFINITY]) {
        // the largest sample within a tenth of an interval of phase 0
        let reach_s = 0.05 * 60.0 / config.heart_rate_bpm;
        let from = ((time_s - reach_s) * config.rate_hz).ceil().max(0.0) as usize;
        let to = ((time_s + reach_s) * config.rate_hz).floor() as usize;
        if to >= n {
            break;
        }
        beats.extend((from..=to).max_by(|a, b| scaled[*a].total_cmp(&scaled[*b])));
        time_s += rr;
    }
    let mut noise = random.stream(1);
    let samples_mv = scaled.iter().map(|v| (v + config.noise_mv * noise.normal()) as f32).collect();
    Ok(Ecg { samples_mv, rate_hz: config.rate_hz, r_peaks: beats })
}

/// A simulated electrocardiogram and its truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Ecg {
    /// One lead in mV.
    pub samples_mv: Vec<f32>,
    /// Samples a second.
    pub rate_hz: f64,
    /// Sample of each R-peak, before noise was added.
    pub r_peaks: Vec<usize>,
}

/// Settings of [`ecg`]: one lead whose beats are known.
///
/// **Use it** to test detectors and to teach. **Not** as evidence that a method works on patients: one morphology, no
/// arrhythmia, no artefacts but white noise.
///
/// # Formula
/// A point runs round the unit circle with angular velocity ω = 2π / RR of the running beat; its height is the lead:
/// ż = −Σᵢ aᵢ Δθᵢ exp(−Δθᵢ² / 2bᵢ²) − (z − z₀(t)), z₀ = 0.005 sin(2π f_resp t), for the waves P, Q, R, S, T of
/// [`EcgWaves`]. On the circle the phase is known in closed form, so that only z is integrated, with an exact factor for
/// −z and three Gauss points for the rest. RR intervals have a spectrum of two Gaussian bands at 0.1 Hz (Mayer waves)
/// and at the respiration. The lead is scaled to −0.4 … 1.2 mV as in \[1\].
///
/// # Examples
/// ```
/// use eir_synth::{EcgConfig, ecg};
/// let config = EcgConfig::default().with_duration_s(60.0).with_rate_hz(250.0).with_heart_rate_bpm(70.0);
/// let ecg = ecg(&config, 1)?;
/// assert_eq!(ecg.samples_mv.len(), 15_000);
/// assert!((68..=72).contains(&ecg.r_peaks.len()));
/// assert!(ecg.r_peaks.iter().all(|r| ecg.samples_mv[*r] > 0.8)); // mV
/// # Ok::<(), eir_synth::Error>(())
/// ```
///
/// # Validation
/// x, y, z and mV agree with SciPy's `DOP853` (rtol 1e-11) within 1e-7 on the RR lists of the reference
/// (`tests/golden.rs`); mean and standard deviation of the RR intervals as set (tests below).
///
/// # References
/// 1. McSharry, Clifford, Tarassenko, Smith 2003, doi:10.1109/TBME.2003.808805.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct EcgConfig {
    /// Length in s, above 0 to 86 400. Default 60.
    pub duration_s: f64,
    /// Samples a second, 50 to 5000. Default 250.
    pub rate_hz: f64,
    /// Mean heart rate in beats a minute, 20 to 250. Default 70.
    pub heart_rate_bpm: f64,
    /// Standard deviation of the RR intervals in ms, 0 to 20 % of their mean. Default 40 (a healthy adult at rest).
    pub rr_sd_ms: f64,
    /// Power at 0.1 Hz over power at the respiration, 0 to 100. Default 0.5 \[1\].
    pub lf_hf_ratio: f64,
    /// Breaths a second, 0.05 to 1. Default 0.25 \[1\].
    pub respiration_hz: f64,
    /// Standard deviation of the white noise in mV, 0 to 10. Default 0.01.
    pub noise_mv: f64,
}

impl Default for EcgConfig {
    fn default() -> Self {
        Self {
            duration_s: 60.0,
            rate_hz: 250.0,
            heart_rate_bpm: 70.0,
            rr_sd_ms: 40.0,
            lf_hf_ratio: 0.5,
            respiration_hz: 0.25,
            noise_mv: 0.01,
        }
    }
}

impl EcgConfig {
    /// Sets [`duration_s`](Self::duration_s).
    #[must_use]
    pub fn with_duration_s(self, duration_s: f64) -> Self {
        Self { duration_s, ..self }
    }
    /// Sets [`rate_hz`](Self::rate_hz).
    #[must_use]
    pub fn with_rate_hz(self, rate_hz: f64) -> Self {
        Self { rate_hz, ..self }
    }
    /// Sets [`heart_rate_bpm`](Self::heart_rate_bpm).
    #[must_use]
    pub fn with_heart_rate_bpm(self, heart_rate_bpm: f64) -> Self {
        Self { heart_rate_bpm, ..self }
    }
    /// Sets [`rr_sd_ms`](Self::rr_sd_ms).
    #[must_use]
    pub fn with_rr_sd_ms(self, rr_sd_ms: f64) -> Self {
        Self { rr_sd_ms, ..self }
    }
    /// Sets [`lf_hf_ratio`](Self::lf_hf_ratio).
    #[must_use]
    pub fn with_lf_hf_ratio(self, lf_hf_ratio: f64) -> Self {
        Self { lf_hf_ratio, ..self }
    }
    /// Sets [`respiration_hz`](Self::respiration_hz).
    #[must_use]
    pub fn with_respiration_hz(self, respiration_hz: f64) -> Self {
        Self { respiration_hz, ..self }
    }
    /// Sets [`noise_mv`](Self::noise_mv).
    #[must_use]
    pub fn with_noise_mv(self, noise_mv: f64) -> Self {
        Self { noise_mv, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        within("duration_s", self.duration_s, f64::MIN_POSITIVE, 86_400.0, "above 0 and at most 86 400 s")?;
        within("rate_hz", self.rate_hz, 50.0, 5000.0, "50 to 5000 Hz")?;
        within("heart_rate_bpm", self.heart_rate_bpm, 20.0, 250.0, "20 to 250 bpm")?;
        let most = 0.2 * 60_000.0 / self.heart_rate_bpm;
        within("rr_sd_ms", self.rr_sd_ms, 0.0, most, "0 to 20 % of the mean RR interval")?;
        within("lf_hf_ratio", self.lf_hf_ratio, 0.0, 100.0, "0 to 100")?;
        within("respiration_hz", self.respiration_hz, 0.05, 1.0, "0.05 to 1 Hz")?;
        within("noise_mv", self.noise_mv, 0.0, 10.0, "0 to 10 mV")
    }

    /// RR intervals in s that fill the duration.
    fn rr_intervals(&self, random: &mut Stream) -> Vec<f64> {
        let mean_s = 60.0 / self.heart_rate_bpm;
        let low = self.lf_hf_ratio / (1.0 + self.lf_hf_ratio);
        // cosines (amplitude, Hz, phase) of a band: one at a random place in each of equal slices of ± 3 sd
        let mut band = |centre_hz: f64, share: f64| -> Vec<(f64, f64, f64)> {
            let slices: Vec<(f64, f64)> = (0..COSINES)
                .map(|k| -3.0 + 6.0 * (k as f64 + random.uniform()) / COSINES as f64)
                .map(|u| (libm::exp(-u * u / 2.0), u))
                .collect();
            let total: f64 = slices.iter().map(|(power, _)| power).sum();
            let cosine = |(power, u): (f64, f64)| {
                let amplitude_s = self.rr_sd_ms / 1000.0 * (2.0 * share * power / total).sqrt();
                (amplitude_s, (centre_hz + 0.01 * u).abs(), random.range(0.0, TAU))
            };
            slices.into_iter().map(cosine).collect()
        };
        let mut cosines = band(0.1, low);
        cosines.extend(band(self.respiration_hz, 1.0 - low));
        let (mut time_s, mut rr_s) = (0.0, Vec::new());
        while time_s < self.duration_s {
            let change: f64 = cosines.iter().map(|(a, hz, phase)| a * libm::cos(TAU * hz * time_s + phase)).sum();
            let rr = (mean_s + change).max(0.25 * mean_s);
            rr_s.push(rr);
            time_s += rr;
        }
        rr_s
    }
}

/// The waves P, Q, R, S and T of the model: the level below [`ecg`], for given RR intervals.
///
/// ```
/// use eir_synth::EcgWaves;
/// let [x, _, z] = EcgWaves::at_rate(60.0).trajectory(&[1.0, 1.0], 250.0)?;
/// assert_eq!((x.len(), x[0], z[0]), (500, 1.0, 0.04));
/// # Ok::<(), eir_synth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EcgWaves {
    /// Phase of each wave in rad; the R-peak is at 0.
    pub theta_rad: [f64; 5],
    /// Strength of each wave.
    pub a: [f64; 5],
    /// Width of each wave in rad.
    pub b_rad: [f64; 5],
    /// Breaths a second.
    pub respiration_hz: f64,
    /// Height of the respiration's swing in units of z. Default 0.005.
    pub respiration_amplitude: f64,
}

impl EcgWaves {
    /// The waves of a healthy adult at a heart rate of `bpm`: with h = √(bpm / 60), all widths grow by h, Q and S move
    /// outwards by h, P and T by √h.
    #[must_use]
    pub fn at_rate(bpm: f64) -> Self {
        let h = libm::sqrt(bpm / 60.0);
        let root = libm::sqrt(h);
        let place = |degrees: f64, factor: f64| degrees.to_radians() * factor;
        Self {
            theta_rad: [place(-70.0, root), place(-15.0, h), 0.0, place(15.0, h), place(100.0, root)],
            a: [1.2, -5.0, 30.0, -7.5, 0.75],
            b_rad: [0.25, 0.1, 0.1, 0.1, 0.4].map(|b| b * h),
            respiration_hz: 0.25,
            respiration_amplitude: 0.005,
        }
    }

    /// Sets [`respiration_hz`](Self::respiration_hz).
    #[must_use]
    pub fn with_respiration_hz(self, respiration_hz: f64) -> Self {
        Self { respiration_hz, ..self }
    }

    /// x, y and z at `rate_hz` over beats that last `rr_s`, from (1, 0, 0.04): the first sample is an R-peak.
    ///
    /// # Errors
    /// [`Error::Parameter`] if an interval or the rate is not above 0, or if there would be more than 1e9 samples.
    pub fn trajectory(&self, rr_s: &[f64], rate_hz: f64) -> Result<[Vec<f64>; 3]> {
        within("rate_hz", rate_hz, f64::MIN_POSITIVE, 1e6, "above 0 Hz")?;
        for rr in rr_s {
            within("rr_s", *rr, 1e-3, 1e3, "0.001 to 1000 s")?;
        }
        let samples = (rr_s.iter().sum::<f64>() * rate_hz - 1e-9).ceil();
        if samples > 1e9 {
            return Err(Error::Parameter(Parameter::new("samples", samples, "at most 1e9")));
        }
        let mut out: [Vec<f64>; 3] = std::array::from_fn(|_| Vec::with_capacity(samples as usize));
        let segments = rr_s.iter().map(|rr| (*rr, TAU / rr));
        self.integrate(0.0, 0.04, segments, rate_hz, |_, phase, z| {
            let values = [libm::cos(phase), libm::sin(phase), z];
            out.iter_mut().zip(values).for_each(|(to, v)| to.push(v));
        });
        Ok(out)
    }

    /// Integrates z over segments (s, rad/s) and hands out index, phase and z of each sample; allocates nothing.
    fn integrate(
        &self,
        mut phase: f64,
        mut z: f64,
        segments: impl Iterator<Item = (f64, f64)>,
        rate_hz: f64,
        mut sample: impl FnMut(usize, f64, f64),
    ) {
        let (mut time_s, mut index) = (0.0, 0usize);
        let mut decay = Decay::of(1.0 / rate_hz); // nearly every step has this length
        for (length_s, omega) in segments {
            let (start_s, end_s, start_phase) = (time_s, time_s + length_s, phase);
            loop {
                let next_s = index as f64 / rate_hz;
                let inside = next_s < end_s - 1e-9 / rate_hz;
                let to_s = if inside { next_s } else { end_s };
                z = self.step(z, start_phase + omega * (time_s - start_s), time_s, to_s - time_s, omega, &mut decay);
                time_s = to_s;
                phase = start_phase + omega * (time_s - start_s);
                if !inside {
                    break;
                }
                sample(index, phase, z);
                index += 1;
            }
        }
    }

    /// z after `length_s`, in as many parts as [`STEP_RAD`] asks for.
    fn step(&self, mut z: f64, phase: f64, time_s: f64, length_s: f64, omega: f64, decay: &mut Decay) -> f64 {
        if length_s <= 0.0 {
            return z;
        }
        let parts = (omega * length_s / STEP_RAD).ceil().max(1.0);
        let h = length_s / parts;
        // times differ in the last bits: below 1e-12 s they are the same
        if (decay.length_s - h).abs() > 1e-12 {
            *decay = Decay::of(h);
        }
        for part in 0..parts as usize {
            let from = part as f64 * h;
            z *= decay.whole;
            for ((node, _), weight) in NODES.iter().zip(decay.weights) {
                let t = from + node * h;
                z += weight * self.drive(phase + omega * t, time_s + t);
            }
        }
        z
    }

    /// ż + z: what the waves and the respiration add.
    fn drive(&self, phase: f64, time_s: f64) -> f64 {
        let mut sum = self.respiration_amplitude * libm::sin(TAU * self.respiration_hz * time_s);
        for ((theta, a), b) in self.theta_rad.iter().zip(self.a).zip(self.b_rad) {
            let from = phase - theta;
            let distance = from - TAU * ((from + PI) / TAU).floor();
            let u = distance / b;
            if u.abs() < 7.0 {
                sum -= a * distance * libm::exp(-0.5 * u * u);
            }
        }
        sum
    }
}

/// Gauss–Legendre on [0, 1].
const NODES: [(f64, f64); 3] =
    [(0.112_701_665_379_258_3, 5.0 / 18.0), (0.5, 8.0 / 18.0), (0.887_298_334_620_741_7, 5.0 / 18.0)];

/// What ż = −z does over a step: to z itself, and to what is added at each node.
struct Decay {
    length_s: f64,
    whole: f64,
    weights: [f64; 3],
}

impl Decay {
    fn of(length_s: f64) -> Self {
        let weights = NODES.map(|(node, weight)| weight * length_s * libm::exp(-length_s * (1.0 - node)));
        Self { length_s, whole: libm::exp(-length_s), weights }
    }
}

/// Heights of the model as mV: the smallest becomes −0.4, the largest 1.2; a constant becomes −0.4.
#[must_use]
pub fn scaled_mv(z: &[f64]) -> Vec<f64> {
    let (low, high) = z.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    let scale = if high > low { 1.6 / (high - low) } else { 0.0 };
    z.iter().map(|v| (v - low) * scale - 0.4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rr_intervals_are_as_set() {
        let config = EcgConfig::default().with_duration_s(3600.0).with_heart_rate_bpm(80.0).with_rr_sd_ms(50.0);
        let ecg = ecg(&config, 3).unwrap();
        let rr: Vec<f64> = ecg.r_peaks.windows(2).map(|w| (w[1] - w[0]) as f64 / 250.0).collect();
        let mean = rr.iter().sum::<f64>() / rr.len() as f64;
        let sd = (rr.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / rr.len() as f64).sqrt();
        assert!((mean - 0.75).abs() < 0.005 && (sd - 0.05).abs() < 0.005, "{mean} {sd}");
    }

    #[test]
    fn beats_are_the_largest_samples_around_them() {
        for (bpm, rate) in [(40.0, 100.0), (70.0, 360.0), (180.0, 1000.0)] {
            let config = EcgConfig::default().with_heart_rate_bpm(bpm).with_rate_hz(rate).with_noise_mv(0.0);
            let ecg = ecg(&config, 9).unwrap();
            assert!((ecg.r_peaks.len() as f64 - bpm).abs() <= 3.0, "{bpm}: {}", ecg.r_peaks.len());
            let reach = (0.2 * rate * 60.0 / bpm) as usize;
            for r in &ecg.r_peaks {
                let around = &ecg.samples_mv[r.saturating_sub(reach)..(r + reach).min(ecg.samples_mv.len())];
                assert!(around.iter().all(|v| *v <= ecg.samples_mv[*r]), "{bpm} bpm at {r}");
            }
        }
    }

    #[test]
    fn a_finer_grid_gives_the_same_curve() {
        let waves = EcgWaves::at_rate(100.0);
        let [_, _, coarse] = waves.trajectory(&[0.6, 0.55, 0.62], 100.0).unwrap();
        let [_, _, fine] = waves.trajectory(&[0.6, 0.55, 0.62], 4000.0).unwrap();
        for (i, z) in coarse.iter().enumerate() {
            assert!((z - fine[i * 40]).abs() < 1e-8, "{i}: {z} {}", fine[i * 40]);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let error = ecg(&EcgConfig::default().with_heart_rate_bpm(f64::NAN), 0).unwrap_err();
        assert_eq!(error.to_string(), "heart_rate_bpm is NaN, but must be 20 to 250 bpm");
        assert!(EcgWaves::at_rate(60.0).trajectory(&[1e3; 2_000_000], 5e5).is_err());
    }
}
