//! The short-time Fourier transform, its inverse, and the spectrogram.

use super::Detrend;
use super::segment::{Cut, Room, Segment, both_sides, finite, frequencies_hz};
use crate::{Result, Window};
use eir_core::SampleRate;
use eir_core::error::{Mismatch, Parameter, TooShort};
use num_complex::Complex64;
use serde::{Deserialize, Serialize};

/// Below this sum of squared windows a sample cannot be got back.
const COVERED: f64 = 1e-10;

/// The short-time Fourier transform of `x` with the default settings.
///
/// # Errors
/// As [`Stft::transform`].
pub fn stft(x: &[f64], rate: SampleRate) -> Result<TimeFrequency> {
    StftConfig::default().plan(rate)?.transform(x)
}

/// The power of `x` over time: segments of 256 samples, of which 32 are shared, a Tukey window of a quarter, mean
/// removed, density, no padding (the defaults of SciPy's `spectrogram`).
///
/// # Errors
/// As [`Stft::power`].
pub fn spectrogram(x: &[f64], rate: SampleRate) -> Result<Spectrogram> {
    let config = StftConfig::default()
        .with_window(Window::Tukey { taper: 0.25 })
        .with_overlap(32)
        .with_detrend(Detrend::Constant)
        .with_scaling(StftScaling::Density)
        .with_padding(false);
    config.plan(rate)?.power(x)
}

/// The unit of the coefficients of a signal in `u`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum StftScaling {
    /// u: half the amplitude of a tone in the bin.
    #[default]
    Amplitude,
    /// u/√Hz: squared, a density.
    Density,
}

/// Settings of [`Stft`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StftConfig {
    /// Taper of a segment. Default [`Window::Hann`].
    pub window: Window,
    /// Samples of a segment, 1 to 2^27. Default 256.
    pub segment: usize,
    /// Samples that neighbouring segments share, less than `segment`. Default none: half of the segment.
    pub overlap: Option<usize>,
    /// Length of the transform, at least `segment`. Default none: `segment`.
    pub fft_length: Option<usize>,
    /// What is subtracted from a segment; an inverse needs [`Detrend::None`]. Default that.
    pub detrend: Detrend,
    /// Amplitude or density. Default [`StftScaling::Amplitude`].
    pub scaling: StftScaling,
    /// Whether half a segment of zeros stands before and after the signal, and more to fill the last segment: then
    /// every sample can be got back and frame `k` is centred on sample `k` times the step. Default yes.
    pub padding: bool,
}

impl Default for StftConfig {
    fn default() -> Self {
        Self {
            window: Window::Hann,
            segment: 256,
            overlap: None,
            fft_length: None,
            detrend: Detrend::None,
            scaling: StftScaling::Amplitude,
            padding: true,
        }
    }
}

impl StftConfig {
    /// Sets [`window`](Self::window).
    #[must_use]
    pub fn with_window(self, window: Window) -> Self {
        Self { window, ..self }
    }

    /// Sets [`segment`](Self::segment).
    #[must_use]
    pub fn with_segment(self, segment: usize) -> Self {
        Self { segment, ..self }
    }

    /// Sets [`overlap`](Self::overlap).
    #[must_use]
    pub fn with_overlap(self, overlap: usize) -> Self {
        Self { overlap: Some(overlap), ..self }
    }

    /// Sets [`fft_length`](Self::fft_length).
    #[must_use]
    pub fn with_fft_length(self, fft_length: usize) -> Self {
        Self { fft_length: Some(fft_length), ..self }
    }

    /// Sets [`detrend`](Self::detrend).
    #[must_use]
    pub fn with_detrend(self, detrend: Detrend) -> Self {
        Self { detrend, ..self }
    }

    /// Sets [`scaling`](Self::scaling).
    #[must_use]
    pub fn with_scaling(self, scaling: StftScaling) -> Self {
        Self { scaling, ..self }
    }

    /// Sets [`padding`](Self::padding).
    #[must_use]
    pub fn with_padding(self, padding: bool) -> Self {
        Self { padding, ..self }
    }

    fn cut(&self) -> Cut {
        let overlap = self.overlap.unwrap_or(self.segment / 2);
        Cut { window: self.window, segment: self.segment, overlap, fft_length: self.fft_length }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first that is out of it.
    pub fn validate(&self) -> Result<()> {
        self.cut().validate()
    }

    /// Computes the window and plans the transform.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn plan(self, rate: SampleRate) -> Result<Stft> {
        let cut = self.cut();
        let mut segment = Segment::new(&cut, self.detrend)?;
        let window = segment.window.clone();
        let factor = match self.scaling {
            StftScaling::Amplitude => 1.0 / window.iter().sum::<f64>(),
            StftScaling::Density => (rate.hz() * window.iter().map(|w| w * w).sum::<f64>()).sqrt().recip(),
        };
        segment.window.iter_mut().for_each(|w| *w *= factor);
        let pad = if self.padding { self.segment / 2 } else { 0 };
        Ok(Stft { config: self, segment, window, factor, step: cut.step(), pad, rate })
    }
}

/// The short-time Fourier transform, ready to use.
///
/// **Use it** for a signal whose rhythms change over seconds. **Not** where low rhythms need long and high ones short
/// windows ([`wavelet`](crate::wavelet) has those).
///
/// # Formula
/// `Z[m, k] = c Σ_n w[n] x[n + m h - p] exp(-2πi kn/N)`, step `h`, padding `p`, `c = 1/Σ w` (amplitude) or
/// `1/√(f_s Σ w²)` (density). Inverse: overlap-add of `w` times the inverse transforms over `Σ w²`.
///
/// # Examples
/// ```
/// use eir_signal::spectrum::StftConfig;
/// let rate = eir_core::SampleRate::new(100.0)?;
/// let x: Vec<f64> = (0..1000).map(|i| (0.001 * f64::from(i * i)).sin()).collect();
/// let stft = StftConfig::default().with_segment(64).plan(rate)?;
/// let found = stft.transform(&x)?;
/// assert_eq!((found.frames(), found.frequencies_hz.len()), (33, 33));
/// let back = stft.inverse(&found)?;
/// assert!(back.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-12));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equal to SciPy 1.17.1 `stft` and `istft` within 1e-9 of the largest value on the golden set and 72 other settings, and
/// to `spectrogram` on 500. The [stream](Self::stream) gives the same bits.
///
/// # References
/// Griffin, Lim 1984, doi:10.1109/TASSP.1984.1164317.
#[derive(Debug, Clone)]
pub struct Stft {
    config: StftConfig,
    /// Its window holds the factor of the scaling.
    segment: Segment,
    window: Vec<f64>,
    factor: f64,
    step: usize,
    pad: usize,
    rate: SampleRate,
}

/// Complex amplitudes over time and frequency.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TimeFrequency {
    /// Middles of the frames in s.
    pub times_s: Vec<f64>,
    /// Frequencies of the bins in Hz.
    pub frequencies_hz: Vec<f64>,
    /// The bins of the first frame, of the second and so on.
    pub coefficients: Vec<Complex64>,
    /// Samples of the signal.
    pub samples: usize,
}

impl TimeFrequency {
    /// Number of frames.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.times_s.len()
    }

    /// The bins of a frame; none behind the last.
    #[must_use]
    pub fn frame(&self, frame: usize) -> Option<&[Complex64]> {
        self.coefficients.chunks(self.frequencies_hz.len().max(1)).nth(frame)
    }
}

/// Power over time and frequency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Spectrogram {
    /// Middles of the frames in s.
    pub times_s: Vec<f64>,
    /// Frequencies of the bins in Hz.
    pub frequencies_hz: Vec<f64>,
    /// The one-sided power of the first frame, of the second and so on.
    pub power: Vec<f64>,
}

impl Spectrogram {
    /// The power of a frame; none behind the last.
    #[must_use]
    pub fn frame(&self, frame: usize) -> Option<&[f64]> {
        self.power.chunks(self.frequencies_hz.len().max(1)).nth(frame)
    }
}

impl Stft {
    /// Frames of a signal of so many samples.
    #[must_use]
    pub fn frames(&self, samples: usize) -> usize {
        let (segment, whole) = (self.window.len(), samples.saturating_add(2 * self.pad));
        if samples < segment {
            0
        } else if self.config.padding {
            (whole - segment).div_ceil(self.step) + 1
        } else {
            (whole - segment) / self.step + 1
        }
    }

    /// Bins of a frame.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.segment.fft.bins()
    }

    /// The transform of `x`.
    ///
    /// # Errors
    /// [`TooShort`] if `x` is shorter than a segment, [`NotFinite`](eir_core::error::NotFinite) if it has a gap.
    pub fn transform(&self, x: &[f64]) -> Result<TimeFrequency> {
        self.check(x)?;
        let mut coefficients = Vec::with_capacity(self.frames(x.len()) * self.bins());
        self.each(x, |bins| coefficients.extend_from_slice(bins));
        let (times_s, frequencies_hz) = self.axes(x.len());
        Ok(TimeFrequency { times_s, frequencies_hz, coefficients, samples: x.len() })
    }

    /// The power of `x` over time: squared magnitudes, doubled for both sides.
    ///
    /// # Errors
    /// As [`transform`](Self::transform).
    pub fn power(&self, x: &[f64]) -> Result<Spectrogram> {
        self.check(x)?;
        let mut power = Vec::with_capacity(self.frames(x.len()) * self.bins());
        self.each(x, |bins| {
            let from = power.len();
            power.extend(bins.iter().map(Complex64::norm_sqr));
            both_sides(&mut power[from..], self.segment.fft.length());
        });
        let (times_s, frequencies_hz) = self.axes(x.len());
        Ok(Spectrogram { times_s, frequencies_hz, power })
    }

    fn check(&self, x: &[f64]) -> Result<()> {
        if x.len() < self.window.len() {
            return Err(TooShort::new("samples", x.len(), self.window.len()).into());
        }
        finite(x)
    }

    fn axes(&self, samples: usize) -> (Vec<f64>, Vec<f64>) {
        let first = if self.config.padding { 0.0 } else { self.window.len() as f64 / 2.0 };
        let times = (0..self.frames(samples)).map(|k| (first + (k * self.step) as f64) / self.rate.hz());
        (times.collect(), frequencies_hz(self.segment.fft.length(), self.rate.hz()))
    }

    fn each(&self, x: &[f64], mut frame: impl FnMut(&[Complex64])) {
        let length = self.window.len();
        let mut room = self.segment.room();
        let mut edge = vec![0.0; length];
        for k in 0..self.frames(x.len()) {
            // the frame begins at sample `start - pad`
            let start = k * self.step;
            let inside = start.checked_sub(self.pad).and_then(|s| x.get(s..s + length));
            let part = inside.unwrap_or_else(|| {
                for (i, v) in edge.iter_mut().enumerate() {
                    *v = (start + i).checked_sub(self.pad).and_then(|s| x.get(s)).copied().unwrap_or_default();
                }
                &edge
            });
            self.segment.transform(part, &mut room.bins, &mut room.scratch);
            frame(&room.bins);
        }
    }

    /// The signal whose transform is `found`: exactly, or if coefficients were changed, the nearest in the sense of
    /// least squares. Without padding, samples that no window covers are NaN.
    ///
    /// # Errors
    /// [`Mismatch`] if `found` is not of this transform's shape; [`Parameter`] if segments were detrended.
    pub fn inverse(&self, found: &TimeFrequency) -> Result<Vec<f64>> {
        if self.config.detrend != Detrend::None {
            return Err(Parameter::new("detrend", f64::NAN, "None for an inverse: a trend is lost").into());
        }
        let (frames, length) = (self.frames(found.samples), self.window.len());
        Mismatch::check("coefficients", frames.saturating_mul(self.bins()), found.coefficients.len())?;
        let total = if frames == 0 { 0 } else { length + (frames - 1) * self.step };
        let (mut sum, mut cover) = (vec![0.0; total], vec![0.0; total]);
        let mut part = vec![0.0; self.segment.fft.length()];
        let mut room = self.segment.room();
        for (k, bins) in found.coefficients.chunks(self.bins()).enumerate() {
            self.segment.fft.inverse_into(bins, &mut part, &mut room.scratch)?;
            let at = k * self.step..k * self.step + length;
            let places = sum[at.clone()].iter_mut().zip(&mut cover[at]);
            for ((v, w), (s, c)) in part.iter().zip(&self.window).zip(places) {
                *s += v * w;
                *c += w * w;
            }
        }
        let scale = 1.0 / self.factor;
        let value = |i: usize| match (sum.get(i), cover.get(i)) {
            (Some(s), Some(c)) if *c > COVERED => s * scale / c,
            _ => f64::NAN,
        };
        Ok((self.pad..self.pad + found.samples).map(value).collect())
    }

    /// The same transform for a live signal.
    #[must_use]
    pub fn stream(&self) -> StftStream {
        let mut recent = Vec::with_capacity(self.window.len());
        recent.resize(self.pad, 0.0);
        StftStream { room: self.segment.room(), recent, samples: 0, frames: 0, stft: self.clone() }
    }
}

/// A [`Stft`] that is fed block by block; however the blocks are cut, the frames have the same bits. After construction
/// it allocates nothing.
#[derive(Debug, Clone)]
pub struct StftStream {
    stft: Stft,
    room: Room,
    recent: Vec<f64>,
    samples: usize,
    frames: usize,
}

impl StftStream {
    /// Takes the next samples and gives each frame that is full to `frame`, with its number.
    ///
    /// # Errors
    /// [`NotFinite`](eir_core::error::NotFinite) if a sample is missing: nothing of the block is taken.
    pub fn push(&mut self, x: &[f64], mut frame: impl FnMut(usize, &[Complex64])) -> Result<()> {
        finite(x)?;
        self.samples += x.len();
        let mut rest = x;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(self.stft.window.len() - self.recent.len()));
            self.recent.extend_from_slice(now);
            rest = later;
            self.give(&mut frame);
        }
        Ok(())
    }

    /// Ends the signal: gives the frames that reach beyond it, if padding was asked for.
    ///
    /// # Errors
    /// [`TooShort`] if there were fewer samples than a segment.
    pub fn finish(mut self, mut frame: impl FnMut(usize, &[Complex64])) -> Result<()> {
        let length = self.stft.window.len();
        if self.samples < length {
            return Err(TooShort::new("samples", self.samples, length).into());
        }
        while self.frames < self.stft.frames(self.samples) {
            self.recent.resize(length, 0.0);
            self.give(&mut frame);
        }
        Ok(())
    }

    fn give(&mut self, frame: &mut impl FnMut(usize, &[Complex64])) {
        if self.recent.len() == self.stft.window.len() {
            self.stft.segment.transform(&self.recent, &mut self.room.bins, &mut self.room.scratch);
            frame(self.frames, &self.room.bins);
            self.frames += 1;
            self.recent.drain(..self.stft.step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(n: usize) -> Vec<f64> {
        (0..n).map(|i| (i as f64 * 0.37).sin() + (i % 7) as f64).collect()
    }

    fn rate() -> SampleRate {
        SampleRate::new(50.0).unwrap()
    }

    #[test]
    fn comes_back_at_any_length() {
        for (segment, overlap, n) in [(16, 8, 100), (15, 7, 101), (32, 31, 77), (9, 3, 9), (10, 5, 64)] {
            let config = StftConfig::default().with_segment(segment).with_overlap(overlap);
            for config in [config, config.with_fft_length(40).with_scaling(StftScaling::Density)] {
                let stft = config.plan(rate()).unwrap();
                let x = signal(n);
                let back = stft.inverse(&stft.transform(&x).unwrap()).unwrap();
                assert_eq!(back.len(), n);
                assert!(back.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-12), "{segment} {overlap} {n}");
            }
        }
    }

    #[test]
    fn blocks_give_the_same_bits() {
        let x = signal(1001);
        for padding in [true, false] {
            for (segment, overlap) in [(64, 32), (33, 0), (50, 49)] {
                let config = StftConfig::default().with_segment(segment).with_overlap(overlap).with_padding(padding);
                let stft = config.with_detrend(Detrend::Constant).plan(rate()).unwrap();
                let whole = stft.transform(&x).unwrap();
                for block in [1, 7, 1000] {
                    let (mut stream, mut got) = (stft.stream(), Vec::new());
                    x.chunks(block).for_each(|b| stream.push(b, |_, f| got.extend_from_slice(f)).unwrap());
                    stream.finish(|_, f| got.extend_from_slice(f)).unwrap();
                    assert_eq!(got, whole.coefficients, "{padding} {segment} {block}");
                }
            }
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(stft(&[1.0; 255], rate()).is_err());
        assert!(stft(&[], rate()).is_err());
        assert!(stft(&[f64::NAN; 300], rate()).is_err());
        assert!(spectrogram(&[1.0; 300], rate()).unwrap().power.iter().all(|p| *p == 0.0));
        assert!(StftConfig::default().with_overlap(256).plan(rate()).is_err());
        let stft = StftConfig::default().plan(rate()).unwrap();
        let mut found = stft.transform(&[1.0; 300]).unwrap();
        found.coefficients.pop();
        assert!(stft.inverse(&found).is_err());
        let trendless = StftConfig::default().with_detrend(Detrend::Linear).plan(rate()).unwrap();
        assert!(trendless.inverse(&trendless.transform(&[1.0; 300]).unwrap()).is_err());
        let mut stream = stft.stream();
        assert!(stream.push(&[f64::NAN], |_, _| {}).is_err());
        assert!(stream.finish(|_, _| {}).is_err());
    }
}
