//! The candidates of one frame: where a stretch of sound repeats itself.

use super::PitchConfig;
use crate::Result;
use crate::interpolate::{products, sinc, sinc_maximum};
use eir_core::SampleRate;
use eir_core::error::Parameter;
use realfft::num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// A frequency and how well the frame repeats itself with it; 0 Hz is the unvoiced candidate.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Candidate {
    pub(super) hz: f64,
    pub(super) strength: f64,
}

/// What is laid over a frame, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    /// Hann window over so many periods of the floor.
    Hann { periods: f64 },
    /// Gaussian window whose effective part is so many periods of the floor.
    Gauss { periods: f64 },
    /// No window, two stretches of so many periods, refined with so many samples to each side.
    Cross { periods: f64, depth: usize },
}

pub(super) struct Analyser {
    shape: Shape,
    dx: f64,
    pub(super) step_s: f64,
    /// Seconds of sound that a frame needs.
    span_s: f64,
    floor_hz: f64,
    /// Samples of one period of the floor, and half of it.
    period: usize,
    half_period: usize,
    half: usize,
    /// Lags that are searched, and up to which the correlation is known.
    most_lag: usize,
    known_lag: usize,
    depth: usize,
    window: Vec<f64>,
    /// The window's autocorrelation, 1 at lag 0.
    window_r: Vec<f64>,
    forward: Arc<dyn RealToComplex<f64>>,
    back: Arc<dyn ComplexToReal<f64>>,
    frame: Vec<f64>,
    spectrum: Vec<Complex64>,
    scratch: Vec<Complex64>,
    /// Correlation at lags −known … known.
    r: Vec<f64>,
    peaks: Vec<usize>,
    /// Candidates that are kept: as many as asked for, but one for each multiple of the floor.
    most: usize,
    pub(super) found: Vec<Candidate>,
}

impl std::fmt::Debug for Analyser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analyser").field("shape", &self.shape).field("half", &self.half).finish_non_exhaustive()
    }
}

impl Analyser {
    pub(super) fn new(config: &PitchConfig, rate: SampleRate, shape: Shape) -> Result<Self> {
        let (dx, floor_hz) = (1.0 / rate.hz(), config.floor_hz);
        let (periods, depth, reach) = match shape {
            Shape::Hann { periods } => (periods, 70, 0.5),
            Shape::Gauss { periods } => (2.0 * periods, 700, 0.25),
            Shape::Cross { periods, depth } => (periods, depth, 1.0),
        };
        let window_s = periods / floor_hz;
        let period = (rate.hz() / floor_hz).floor() as usize;
        let whole = (window_s * rate.hz()).floor();
        if period < 4 || whole > f64::from(1u32 << 24) {
            let rule = "a frequency of which 4 to some million samples fit into a frame at this sampling rate";
            return Err(Parameter::new("floor_hz", floor_hz, rule).into());
        }
        let half = (whole as usize / 2).saturating_sub(1);
        if half < 2 {
            return Err(Parameter::new("floor_hz", floor_hz, "lower at this sampling rate").into());
        }
        let length = 2 * half;
        let most_lag = ((length as f64 / periods).floor() as usize + 2).min(length);
        let cross = matches!(shape, Shape::Cross { .. });
        let known_lag = if cross { most_lag } else { (length as f64 * reach).floor() as usize };
        let size = if cross { 2 } else { (length as f64 * (1.0 + reach)).ceil() as usize }.next_power_of_two();
        let mut planner = RealFftPlanner::new();
        let (forward, back) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let n = length as f64 + 1.0;
        let weight = |i: usize| match shape {
            Shape::Hann { .. } => 0.5 - 0.5 * (std::f64::consts::TAU * (i + 1) as f64 / n).cos(),
            Shape::Gauss { .. } => {
                let (edge, off) = ((-12f64).exp(), (i + 1) as f64 - 0.5 * n);
                ((-48.0 * off * off / (n * n)).exp() - edge) / (1.0 - edge)
            }
            Shape::Cross { .. } => 1.0,
        };
        let default_step = if cross { 0.25 } else { 0.75 } * (if cross { periods } else { 1.0 }) / floor_hz;
        let scratch = forward.get_scratch_len().max(back.get_scratch_len());
        let most = config.candidates.max((config.ceiling_hz.min(rate.nyquist_hz()) / floor_hz) as usize);
        let mut analyser = Self {
            shape,
            dx,
            step_s: config.step_s.unwrap_or(default_step),
            span_s: window_s + if cross { 1.0 / floor_hz } else { 0.0 },
            floor_hz,
            period,
            half_period: period / 2 + 1,
            half,
            most_lag,
            known_lag,
            depth,
            window: (0..length).map(weight).collect(),
            window_r: Vec::new(),
            frame: forward.make_input_vec(),
            spectrum: forward.make_output_vec(),
            scratch: vec![Complex64::default(); scratch],
            forward,
            back,
            r: vec![0.0; 2 * known_lag + 1],
            peaks: Vec::new(),
            most,
            found: Vec::new(),
        };
        if !cross {
            analyser.frame[..length].copy_from_slice(&analyser.window);
            analyser.frame[length..].fill(0.0);
            analyser.autocorrelate();
            let zero = analyser.frame[0];
            analyser.window_r = analyser.frame[..=known_lag].iter().map(|r| r / zero).collect();
        }
        Ok(analyser)
    }

    /// Samples that a recording must have at least.
    pub(super) fn shortest(&self) -> usize {
        ((self.span_s / self.dx).ceil() as usize).max(2 * self.half + 2)
    }

    /// Time of the first frame and number of frames, centred in the recording.
    pub(super) fn grid(&self, duration_s: f64) -> (f64, usize) {
        let frames = ((duration_s - self.span_s) / self.step_s).floor().max(0.0) as usize + 1;
        (0.5 * duration_s - 0.5 * (frames as f64 * self.step_s) + 0.5 * self.step_s, frames)
    }

    /// The last sample at or before a time. Written as Praat counts, as frames often lie exactly on a sample and the last
    /// bit then decides.
    fn place(&self, time_s: f64) -> usize {
        (((time_s - 0.5 * self.dx) / self.dx + 1.0).floor() - 1.0).max(0.0) as usize
    }

    /// Replaces the frame by its autocorrelation.
    fn autocorrelate(&mut self) {
        // the buffers were made by the plans, so their lengths are right
        let scratch = &mut self.scratch;
        let _ = self.forward.process_with_scratch(&mut self.frame, &mut self.spectrum, scratch);
        self.spectrum.iter_mut().for_each(|x| *x = Complex64::new(x.norm_sqr(), 0.0));
        let _ = self.back.process_with_scratch(&mut self.spectrum, &mut self.frame, scratch);
    }

    /// Fills `found` for the frame at `time_s`; gives its peak over the recording's, at most 1.
    pub(super) fn candidates(&mut self, x: &[f64], time_s: f64, global_peak: f64, config: &PitchConfig) -> f64 {
        self.found.clear();
        self.peaks.clear();
        self.found.push(Candidate::default());
        // the samples left and right of the frame's middle
        let left = self.place(time_s);
        let right = left + 1;
        let around =
            |before: usize, after: usize| &x[right.saturating_sub(before).min(x.len())..(right + after).min(x.len())];
        let mean = around(self.period, self.period).iter().sum::<f64>() / (2 * self.period) as f64;
        let length = 2 * self.half;
        let cross = matches!(self.shape, Shape::Cross { .. });
        let local_peak = {
            let from = (right + self.half).saturating_sub(length);
            let frame = x.get(from..).unwrap_or_default();
            if !cross {
                self.frame.fill(0.0);
            }
            let reach = self.half.saturating_sub(self.half_period)..(self.half + self.half_period).min(length);
            let mut peak = 0.0f64;
            for (i, (x, w)) in frame.iter().zip(&self.window).enumerate() {
                let value = (x - mean) * w;
                if !cross {
                    self.frame[i] = value;
                }
                if reach.contains(&i) {
                    peak = peak.max(value.abs());
                }
            }
            peak
        };
        let intensity = if local_peak > global_peak { 1.0 } else { local_peak / global_peak };
        if local_peak == 0.0 || !intensity.is_finite() {
            return 0.0;
        }
        if cross {
            self.cross_correlation(x, time_s, mean)
        } else {
            self.autocorrelation()
        }
        self.search(config);
        intensity
    }

    fn autocorrelation(&mut self) {
        self.autocorrelate();
        let (zero, known) = (self.frame[0], self.known_lag);
        self.r[known] = 1.0;
        for lag in 1..=known {
            let r = self.frame[lag] / (zero * self.window_r[lag]);
            (self.r[known + lag], self.r[known - lag]) = (r, r);
        }
    }

    fn cross_correlation(&mut self, x: &[f64], time_s: f64, mean: f64) {
        let (length, known) = (2 * self.half, self.known_lag);
        let start = self.place(time_s - 0.5 * self.span_s);
        let span = &x[start.min(x.len())..(start + known + length).min(x.len())];
        self.r.fill(0.0);
        self.r[known] = 1.0;
        self.frame.clear();
        self.frame.extend(span.iter().map(|v| v - mean));
        let span = &self.frame;
        let Some(last) = span.len().checked_sub(length) else { return };
        let first: f64 = span[..length].iter().map(|v| v * v).sum();
        let mut second = first;
        let lags = last.min(known);
        products(span, length, &mut self.r[known + 1..=known + lags]);
        for lag in 1..=lags {
            second += span[lag + length - 1] * span[lag + length - 1] - span[lag - 1] * span[lag - 1];
            let r = self.r[known + lag] / (first * second).sqrt();
            let r = if r.is_finite() { r } else { 0.0 };
            (self.r[known + lag], self.r[known - lag]) = (r, r);
        }
    }

    /// The strongest maxima of the correlation.
    fn search(&mut self, config: &PitchConfig) {
        let (rate, known) = (1.0 / self.dx, self.known_lag);
        let preferred = |c: &Candidate| c.strength - config.octave_cost * (self.floor_hz / c.hz).log2();
        for lag in 2..self.most_lag.min(known) {
            let (before, here, after) = (self.r[known + lag - 1], self.r[known + lag], self.r[known + lag + 1]);
            if !(here > 0.5 * config.voicing_threshold && here > before && here >= after) {
                continue;
            }
            let slope = 0.5 * (after - before);
            let bend = 2.0 * here - before - after;
            let hz = rate / (lag as f64 + slope / bend);
            let strength = fold(sinc(&self.r, rate / hz + known as f64, 30));
            let candidate = Candidate { hz, strength };
            if self.found.len() < self.most {
                self.found.push(candidate);
                self.peaks.push(lag);
                continue;
            }
            let weakest = self
                .found
                .iter()
                .enumerate()
                .skip(1)
                .map(|(i, c)| (i, preferred(c)))
                .min_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((place, worst)) = weakest
                && preferred(&candidate) > worst
            {
                self.found[place] = candidate;
                self.peaks[place - 1] = lag;
            }
        }
        for (candidate, lag) in self.found[1..].iter_mut().zip(&self.peaks) {
            // high frequencies have too few samples per period for a short reach
            let depth = if candidate.hz > 0.3 / self.dx { 700 } else { self.depth };
            let (place, height) = sinc_maximum(&self.r, known + lag, depth);
            *candidate = Candidate { hz: rate / (place - known as f64), strength: fold(height) };
        }
    }
}

/// A correlation above 1 comes from interpolation and says as much as one below.
fn fold(r: f64) -> f64 {
    if r > 1.0 { 1.0 / r } else { r }
}
