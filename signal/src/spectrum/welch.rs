//! Welch's method: the average spectrum of overlapping stretches.

use super::segment::{Cut, Room, Segment, both_sides, finite, frequencies_hz};
use super::{Detrend, PowerSpectrum, Scaling};
use crate::{Result, Window};
use eir_core::SampleRate;
use eir_core::error::{Mismatch, TooShort, Unsupported};
use num_complex::Complex64;
use serde::{Deserialize, Serialize};

/// The density of `x` with the default settings; a signal shorter than 256 samples is one segment.
///
/// # Errors
/// As [`Welch::power`].
pub fn welch(x: &[f64], rate: SampleRate) -> Result<PowerSpectrum> {
    if x.is_empty() {
        return Err(TooShort::new("samples", 0, 1).into());
    }
    WelchConfig::default().with_segment(x.len().min(256)).plan(rate)?.power(x)
}

/// How the segments of a spectrum become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Average {
    /// Their mean.
    #[default]
    Mean,
    /// Their median over its bias: a few segments with artefacts change little.
    Median,
}

/// Settings of [`Welch`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct WelchConfig {
    /// Taper of a segment. Default [`Window::Hann`].
    pub window: Window,
    /// Samples of a segment, 1 to 2^27; the resolution is the rate over this. Default 256.
    pub segment: usize,
    /// Samples that neighbouring segments share, less than `segment`. Default none: half of the segment.
    pub overlap: Option<usize>,
    /// Length of the transform, at least `segment`; a longer one interpolates between bins. Default none: `segment`.
    pub fft_length: Option<usize>,
    /// What is subtracted from a segment. Default [`Detrend::Constant`].
    pub detrend: Detrend,
    /// Density or spectrum. Default [`Scaling::Density`].
    pub scaling: Scaling,
    /// Mean or median of the segments. Default [`Average::Mean`].
    pub average: Average,
}

impl Default for WelchConfig {
    fn default() -> Self {
        Self {
            window: Window::Hann,
            segment: 256,
            overlap: None,
            fft_length: None,
            detrend: Detrend::Constant,
            scaling: Scaling::Density,
            average: Average::Mean,
        }
    }
}

impl WelchConfig {
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
    pub fn with_scaling(self, scaling: Scaling) -> Self {
        Self { scaling, ..self }
    }

    /// Sets [`average`](Self::average).
    #[must_use]
    pub fn with_average(self, average: Average) -> Self {
        Self { average, ..self }
    }

    fn cut(&self) -> Cut {
        let overlap = self.overlap.unwrap_or(self.segment / 2);
        Cut { window: self.window, segment: self.segment, overlap, fft_length: self.fft_length }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`](eir_core::error::Parameter) names the first that is out of it.
    pub fn validate(&self) -> Result<()> {
        self.cut().validate()
    }

    /// Computes the window and plans the transform.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn plan(self, rate: SampleRate) -> Result<Welch> {
        let cut = self.cut();
        let segment = Segment::new(&cut, self.detrend)?;
        let factor = self.scaling.factor(&segment.window, rate.hz());
        Ok(Welch { step: cut.step(), segment, rate, factor, average: self.average })
    }
}

/// Welch's method, ready to use.
///
/// **Use it** for the spectrum of a long signal whose character does not change: it is the default of the field.
/// **Not** on less than a few periods of the slowest rhythm that matters, nor across gaps; for short signals
/// [`Multitaper`](super::Multitaper) has less variance at the same resolution, for unevenly spaced samples there is
/// [`LombScargleConfig`](super::LombScargleConfig).
///
/// # Formula
/// The mean (or median / bias) over segments of `s |Σ_n w[n] (x[n] - trend) exp(-2πi kn/N)|² / (f_s Σ w²)`; `s = 2` but
/// at 0 Hz and at half the rate, where 1. The median of `m` segments is biased by `1 + Σ_{j=1}^{(m-1)/2} 1/(2j+1) - 1/2j`.
///
/// # Examples
/// ```
/// use eir_signal::spectrum::WelchConfig;
/// let rate = eir_core::SampleRate::new(4.0)?;
/// let x: Vec<f64> = (0..1200).map(|i| (std::f64::consts::TAU * 0.1 * f64::from(i) / 4.0).sin()).collect();
/// let welch = WelchConfig::default().with_segment(400).plan(rate)?;
/// let spectrum = welch.power(&x)?;
/// assert_eq!(spectrum.peak_hz(), Some(0.1));
/// assert!((spectrum.total_power() - 0.5).abs() < 1e-3);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equal to SciPy 1.17.1 `welch` within 1e-9 of the largest value on the golden set, and on 500 random settings (odd,
/// even and prime segments, overlaps, longer transforms, all detrends, scalings and averages). The
/// [stream](Self::stream) gives the same bits.
///
/// # References
/// Welch 1967, doi:10.1109/TAU.1967.1161901; Allen et al. 2012, doi:10.1103/PhysRevD.85.122006 (median).
#[derive(Debug, Clone)]
pub struct Welch {
    segment: Segment,
    step: usize,
    rate: SampleRate,
    factor: f64,
    average: Average,
}

impl Welch {
    /// Frequencies of the bins in Hz.
    #[must_use]
    pub fn frequencies_hz(&self) -> Vec<f64> {
        frequencies_hz(self.segment.fft.length(), self.rate.hz())
    }

    /// The spectrum of `x`.
    ///
    /// # Errors
    /// [`TooShort`] if `x` is shorter than a segment, [`NotFinite`](eir_core::error::NotFinite) if it has a gap.
    pub fn power(&self, x: &[f64]) -> Result<PowerSpectrum> {
        let power = match self.average {
            Average::Mean => {
                let mut stream = self.start();
                self.check(x)?;
                stream.segments_of(x);
                let mut power = vec![0.0; self.segment.fft.bins()];
                stream.power_into(&mut power)?;
                power
            }
            Average::Median => self.median(x)?,
        };
        Ok(PowerSpectrum::new(self.frequencies_hz(), power))
    }

    fn check(&self, x: &[f64]) -> Result<()> {
        let needed = self.segment.window.len();
        if x.len() < needed {
            return Err(TooShort::new("samples", x.len(), needed).into());
        }
        finite(x)
    }

    /// The same average for a live signal: feed it blocks of any size, look at the spectrum at any time.
    ///
    /// # Errors
    /// [`Unsupported`] for the median, which needs all segments at once.
    pub fn stream(&self) -> Result<WelchStream> {
        match self.average {
            Average::Mean => Ok(self.start()),
            Average::Median => {
                Err(Unsupported::new("the median of a live signal", "average by the mean, or give the whole signal")
                    .into())
            }
        }
    }

    fn start(&self) -> WelchStream {
        WelchStream {
            room: self.segment.room(),
            sum: vec![0.0; self.segment.fft.bins()],
            recent: Vec::with_capacity(self.segment.window.len()),
            segments: 0,
            welch: self.clone(),
        }
    }

    fn median(&self, x: &[f64]) -> Result<Vec<f64>> {
        self.check(x)?;
        let bins = self.segment.fft.bins();
        let mut room = self.segment.room();
        let mut all = Vec::new();
        for part in x.windows(self.segment.window.len()).step_by(self.step) {
            self.segment.transform(part, &mut room.bins, &mut room.scratch);
            all.extend(room.bins.iter().map(|b| b.norm_sqr() * self.factor));
        }
        let segments = all.len() / bins;
        let bias = median_bias(segments);
        let mut column = vec![0.0; segments];
        let mut power: Vec<f64> = (0..bins)
            .map(|k| {
                column.iter_mut().zip(all.iter().skip(k).step_by(bins)).for_each(|(c, v)| *c = *v);
                median(&mut column) / bias
            })
            .collect();
        both_sides(&mut power, self.segment.fft.length());
        Ok(power)
    }

    /// Sums over the segments of two signals: power of the first, of the second, and cross-spectrum.
    pub(super) fn cross(&self, x: &[f64], y: &[f64]) -> Result<Cross> {
        Mismatch::check("samples of both signals", x.len(), y.len())?;
        self.check(x)?;
        self.check(y)?;
        let (mut a, mut b) = (self.segment.room(), self.segment.room());
        let bins = self.segment.fft.bins();
        let zero = Complex64::default();
        let mut found = Cross { xx: vec![0.0; bins], yy: vec![0.0; bins], xy: vec![zero; bins], segments: 0 };
        let mut all = Vec::new();
        let (length, median_wanted) = (self.segment.window.len(), self.average == Average::Median);
        for (x, y) in x.windows(length).zip(y.windows(length)).step_by(self.step) {
            self.segment.transform(x, &mut a.bins, &mut a.scratch);
            self.segment.transform(y, &mut b.bins, &mut b.scratch);
            let sums = found.xx.iter_mut().zip(&mut found.yy).zip(&mut found.xy);
            for ((p, q), ((xx, yy), xy)) in a.bins.iter().zip(&b.bins).zip(sums) {
                *xx += p.norm_sqr();
                *yy += q.norm_sqr();
                *xy += p.conj() * q;
                if median_wanted {
                    all.push([p.norm_sqr(), q.norm_sqr(), (p.conj() * q).re, (p.conj() * q).im]);
                }
            }
            found.segments += 1;
        }
        let scale = self.factor / if median_wanted { median_bias(found.segments) } else { found.segments as f64 };
        if median_wanted {
            let mut column = vec![0.0; found.segments];
            let mut of = |k: usize, part: usize| {
                column.iter_mut().zip(all.iter().skip(k).step_by(bins)).for_each(|(c, v)| *c = v[part]);
                median(&mut column)
            };
            for k in 0..bins {
                (found.xx[k], found.yy[k]) = (of(k, 0), of(k, 1));
                found.xy[k] = Complex64::new(of(k, 2), of(k, 3));
            }
        }
        let end = bins - usize::from(self.segment.fft.length().is_multiple_of(2) && bins > 1);
        for k in 0..bins {
            let sides = if k > 0 && k < end { 2.0 } else { 1.0 };
            found.xx[k] *= scale * sides;
            found.yy[k] *= scale * sides;
            found.xy[k] *= scale * sides;
        }
        Ok(found)
    }
}

/// Spectra of two signals.
#[derive(Debug)]
pub(super) struct Cross {
    pub(super) xx: Vec<f64>,
    pub(super) yy: Vec<f64>,
    pub(super) xy: Vec<Complex64>,
    segments: usize,
}

/// A [`Welch`] that is fed block by block; however the blocks are cut, the spectrum has the same bits. After
/// construction it allocates nothing.
#[derive(Debug, Clone)]
pub struct WelchStream {
    welch: Welch,
    room: Room,
    /// Σ |X|² over the segments.
    sum: Vec<f64>,
    /// The samples of the segment that is being filled.
    recent: Vec<f64>,
    segments: usize,
}

impl WelchStream {
    /// Takes the next samples.
    ///
    /// # Errors
    /// [`NotFinite`](eir_core::error::NotFinite) if one is missing: nothing of the block is taken. Call
    /// [`skip_gap`](Self::skip_gap) and go on behind it.
    pub fn push(&mut self, mut x: &[f64]) -> Result<()> {
        finite(x)?;
        let length = self.welch.segment.window.len();
        while !x.is_empty() {
            let (now, later) = x.split_at(x.len().min(length - self.recent.len()));
            self.recent.extend_from_slice(now);
            x = later;
            if self.recent.len() == length {
                let recent = std::mem::take(&mut self.recent);
                self.add(&recent);
                self.recent = recent;
                self.recent.drain(..self.welch.step);
            }
        }
        Ok(())
    }

    /// Begins a new segment: what follows does not join what was before.
    pub fn skip_gap(&mut self) {
        self.recent.clear();
    }

    /// Segments so far.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.segments
    }

    /// The spectrum so far.
    ///
    /// # Errors
    /// [`TooShort`] before the first segment is full.
    pub fn power(&self) -> Result<PowerSpectrum> {
        let mut power = vec![0.0; self.sum.len()];
        self.power_into(&mut power)?;
        Ok(PowerSpectrum::new(self.welch.frequencies_hz(), power))
    }

    /// As [`power`](Self::power), into a buffer of the number of bins: allocates nothing.
    ///
    /// # Errors
    /// As `power`, and [`Mismatch`].
    pub fn power_into(&self, power: &mut [f64]) -> Result<()> {
        Mismatch::check("bins", self.sum.len(), power.len())?;
        if self.segments == 0 {
            return Err(TooShort::new("samples", self.recent.len(), self.welch.segment.window.len()).into());
        }
        let scale = self.welch.factor / self.segments as f64;
        power.iter_mut().zip(&self.sum).for_each(|(p, s)| *p = s * scale);
        both_sides(power, self.welch.segment.fft.length());
        Ok(())
    }

    fn segments_of(&mut self, x: &[f64]) {
        for part in x.windows(self.welch.segment.window.len()).step_by(self.welch.step) {
            self.add(part);
        }
    }

    fn add(&mut self, part: &[f64]) {
        self.welch.segment.transform(part, &mut self.room.bins, &mut self.room.scratch);
        self.sum.iter_mut().zip(&self.room.bins).for_each(|(s, b)| *s += b.norm_sqr());
        self.segments += 1;
    }
}

/// Bias of the median of `n` powers of noise.
fn median_bias(n: usize) -> f64 {
    1.0 + (1..=n.saturating_sub(1) / 2).map(|j| 1.0 / (2 * j + 1) as f64 - 1.0 / (2 * j) as f64).sum::<f64>()
}

fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    if values.is_empty() {
        return f64::NAN;
    }
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if even { 0.5 * (*upper + below.iter().copied().fold(f64::NEG_INFINITY, f64::max)) } else { *upper }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: u32) -> Vec<f64> {
        let mut state = 1u32;
        (0..n)
            .map(|i| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state >> 8) / f64::from(1 << 24) + 0.1 * (f64::from(i) * 0.3).sin()
            })
            .collect()
    }

    #[test]
    fn blocks_give_the_same_bits() {
        let rate = SampleRate::new(100.0).unwrap();
        let x = noise(3001);
        for (segment, overlap, detrend) in
            [(64, 32, Detrend::Constant), (101, 100, Detrend::Linear), (50, 0, Detrend::None)]
        {
            let config = WelchConfig::default().with_segment(segment).with_overlap(overlap).with_detrend(detrend);
            let welch = config.with_fft_length(128).plan(rate).unwrap();
            let whole = welch.power(&x).unwrap();
            for block in [1, 7, 1000] {
                let mut stream = welch.stream().unwrap();
                x.chunks(block).for_each(|b| stream.push(b).unwrap());
                assert_eq!(stream.power().unwrap(), whole, "{segment} {block}");
            }
        }
    }

    #[test]
    fn the_median_of_noise_is_its_mean() {
        let rate = SampleRate::new(1.0).unwrap();
        let x = noise(100_000);
        let config = WelchConfig::default().with_segment(64);
        let mean = config.plan(rate).unwrap().power(&x).unwrap();
        let median = config.with_average(Average::Median).plan(rate).unwrap().power(&x).unwrap();
        let ratio: f64 = median.power[5..28].iter().zip(&mean.power[5..28]).map(|(a, b)| a / b).sum::<f64>() / 23.0;
        assert!((ratio - 1.0).abs() < 0.1, "{ratio}");
    }

    #[test]
    fn says_what_is_wrong() {
        let rate = SampleRate::new(1.0).unwrap();
        let plan = |c: WelchConfig| c.plan(rate).map(drop).unwrap_err().to_string();
        assert!(plan(WelchConfig::default().with_overlap(256)).contains("overlap"));
        assert!(plan(WelchConfig::default().with_segment(0)).contains("segment"));
        assert!(plan(WelchConfig::default().with_fft_length(255)).contains("fft_length"));
        let welch256 = WelchConfig::default().plan(rate).unwrap();
        assert!(welch256.power(&[1.0; 255]).unwrap_err().to_string().contains("256"));
        assert!(welch256.power(&[f64::NAN; 300]).is_err());
        assert!(welch(&[], rate).is_err());
        assert_eq!(welch(&[1.0], rate).unwrap().power, [0.0]);
        assert!(welch256.power(&[7.5; 1000]).unwrap().power.iter().all(|p| *p == 0.0));
        let mut stream = welch256.stream().unwrap();
        assert!(stream.power().is_err());
        assert!(stream.push(&[0.0, f64::INFINITY]).is_err());
        assert!(WelchConfig::default().with_average(Average::Median).plan(rate).unwrap().stream().is_err());
    }
}
