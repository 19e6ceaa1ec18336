//! Smoothing without lag: median against outliers, Butterworth run forwards and backwards against jitter.

use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{Mismatch, NotFinite, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// Settings of [`ZeroPhaseLowPass`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ButterworthConfig {
    /// Order of one pass, 1 to 8; both passes together have twice as much. Default 2, as is usual in kinematics.
    pub order: usize,
    /// −3 dB frequency of one pass in Hz, below half the rate. Default 4 (slow exercise); 6 is usual for gait (reference 1 of [`ZeroPhaseLowPass`]).
    pub cutoff_hz: f64,
}

impl Default for ButterworthConfig {
    fn default() -> Self {
        Self { order: 2, cutoff_hz: 4.0 }
    }
}

impl ButterworthConfig {
    /// Sets [`order`](Self::order).
    #[must_use]
    pub fn with_order(self, order: usize) -> Self {
        Self { order, ..self }
    }

    /// Sets [`cutoff_hz`](Self::cutoff_hz).
    #[must_use]
    pub fn with_cutoff_hz(self, cutoff_hz: f64) -> Self {
        Self { cutoff_hz, ..self }
    }

    /// Checks every setting against its range for signals of `rate`.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self, rate: SampleRate) -> Result<()> {
        if !(1..=8).contains(&self.order) {
            return Err(Parameter::new("order", self.order as f64, "1 to 8").into());
        }
        // below a thousandth of half the rate the coefficients lose their digits
        if !(self.cutoff_hz >= rate.nyquist_hz() * 1e-3 && self.cutoff_hz < rate.nyquist_hz()) {
            return Err(Parameter::new(
                "cutoff_hz",
                self.cutoff_hz,
                "below half the picture rate, and above 1/1000 of that",
            )
            .into());
        }
        Ok(())
    }

    /// Computes the coefficients for signals of `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn build(&self, rate: SampleRate) -> Result<ZeroPhaseLowPass> {
        self.validate(rate)?;
        let n = self.order;
        // bilinear transform of the analogue prototype, with the sampling frequency 2 that is usual for the design
        let warped = 4.0 * (std::f64::consts::FRAC_PI_2 * self.cutoff_hz / rate.nyquist_hz()).tan();
        let (mut a, mut gain) = (vec![(1.0, 0.0)], (1.0, 0.0));
        for k in 0..n {
            let angle = std::f64::consts::PI * (2 * k + 1 + n) as f64 / (2 * n) as f64;
            let pole = (warped * angle.cos(), warped * angle.sin());
            let below = (4.0 - pole.0, -pole.1);
            gain = times(gain, over((warped, 0.0), below));
            let pole = over((4.0 + pole.0, pole.1), below);
            a = polynomial_times_root(&a, pole);
        }
        let b = (0..n).fold(vec![(1.0, 0.0)], |b, _| polynomial_times_root(&b, (-1.0, 0.0)));
        let a: Vec<f64> = a.iter().map(|c| c.0).collect();
        let b: Vec<f64> = b.iter().map(|c| c.0 * gain.0).collect();
        let steady = steady_state(&b, &a);
        Ok(ZeroPhaseLowPass { b, a, steady })
    }
}

fn times(x: (f64, f64), y: (f64, f64)) -> (f64, f64) {
    (x.0 * y.0 - x.1 * y.1, x.0 * y.1 + x.1 * y.0)
}

fn over(x: (f64, f64), y: (f64, f64)) -> (f64, f64) {
    let square = y.0 * y.0 + y.1 * y.1;
    times(x, (y.0 / square, -y.1 / square))
}

/// The coefficients (highest power first) times `(z − root)`.
fn polynomial_times_root(p: &[(f64, f64)], root: (f64, f64)) -> Vec<(f64, f64)> {
    let shifted = p.iter().copied().chain([(0.0, 0.0)]);
    let scaled = [(0.0, 0.0)].into_iter().chain(p.iter().map(|c| times(*c, root)));
    shifted.zip(scaled).map(|(s, r)| (s.0 - r.0, s.1 - r.1)).collect()
}

/// The filter's memory after an endless input of 1.
fn steady_state(b: &[f64], a: &[f64]) -> Vec<f64> {
    let (b0, a0) = (b.first().copied().unwrap_or_default(), 1.0);
    let rest: Vec<(f64, f64)> = b.iter().copied().zip(a.iter().copied()).skip(1).collect();
    let first = rest.iter().map(|(b, a)| b - a * b0).sum::<f64>() / (a0 + rest.iter().map(|(_, a)| a).sum::<f64>());
    let (mut sum_a, mut sum_c) = (1.0, 0.0);
    let mut state = Vec::with_capacity(rest.len());
    for (b, a) in &rest {
        state.push(sum_a * first - sum_c);
        sum_a += a;
        sum_c += b - a * b0;
    }
    state
}

/// Tracks that are filtered side by side.
const LANES: usize = 8;

/// A Butterworth low-pass run forwards and backwards: no lag, twice the steepness.
///
/// **Use it** on an angle or a coordinate at an even rate before peaks are read. **Not** across gaps (see
/// [`fill_gaps`]), not live (it needs the whole recording), not where frames come unevenly.
///
/// # Formula
/// Order `n` each way, so −6 dB at [`cutoff_hz`](ButterworthConfig::cutoff_hz); for −3 dB divide it by 0.802 when
/// `n` = 2. Ends are continued by point reflection over `3 (n + 1)` samples, and each pass starts in the steady state of
/// its first sample.
///
/// # Examples
/// ```
/// use eir_core::SampleRate;
/// use eir_vision::kinematics::ButterworthConfig;
/// let filter = ButterworthConfig::default().build(SampleRate::new(30.0)?)?;
/// let jitter: Vec<f64> = (0..60).map(|i| 40.0 + if i % 2 == 0 { 2.0 } else { -2.0 }).collect();
/// let calm = filter.filter(&jitter)?;
/// assert!((calm[30] - 40.0).abs() < 1e-3);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Validation
/// Coefficients and output equal SciPy 1.17.1 `butter` and `filtfilt` within 1e-8 (`cargo xtask golden vision`,
/// `filters/smoothing.json`).
///
/// # References
/// 1. Winter, Biomechanics and Motor Control of Human Movement, doi:10.1002/9780470549148. 2. Gustafsson 1996,
///    doi:10.1109/78.492552.
#[derive(Debug, Clone, PartialEq)]
pub struct ZeroPhaseLowPass {
    b: Vec<f64>,
    a: Vec<f64>,
    steady: Vec<f64>,
}

impl ZeroPhaseLowPass {
    /// The default settings, to be changed and built.
    #[must_use]
    pub fn config() -> ButterworthConfig {
        ButterworthConfig::default()
    }

    /// Numerator and denominator of one pass, from the newest sample on; the denominator starts with 1.
    #[must_use]
    pub fn coefficients(&self) -> (&[f64], &[f64]) {
        (&self.b, &self.a)
    }

    /// Filters `x`; the result has the same length.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) without samples, [`Error::NotFinite`](crate::Error::NotFinite) if it
    /// has a gap.
    pub fn filter(&self, x: &[f64]) -> Result<Vec<f64>> {
        let (mut y, mut scratch) = (Vec::with_capacity(x.len()), Vec::new());
        self.filter_into(x, &mut y, &mut scratch)?;
        Ok(y)
    }

    /// As [`filter`](Self::filter), into buffers of the caller's: allocates nothing once they have grown.
    ///
    /// # Errors
    /// As `filter`.
    pub fn filter_into(&self, x: &[f64], y: &mut Vec<f64>, scratch: &mut Vec<f64>) -> Result<()> {
        let (Some(first), Some(last)) = (x.first(), x.last()) else {
            return Err(TooShort::new("samples", 0, 1).into());
        };
        NotFinite::check_f64("sample", x)?;
        let pad = (3 * self.b.len()).min(x.len() - 1);
        scratch.clear();
        scratch.extend(x.iter().skip(1).take(pad).rev().map(|v| 2.0 * first - v));
        scratch.extend(x);
        scratch.extend(x.iter().rev().skip(1).take(pad).map(|v| 2.0 * last - v));
        self.pass(scratch.iter_mut());
        self.pass(scratch.iter_mut().rev());
        y.clear();
        y.extend(scratch.iter().skip(pad).take(x.len()));
        Ok(())
    }

    /// Filters many tracks of one recording; the same bits as one by one, several at a time.
    ///
    /// Each value waits for the one before it: eight tracks side by side wait no longer than one.
    ///
    /// # Errors
    /// As [`filter`](Self::filter), and [`Error::Mismatch`](crate::Error::Mismatch) for lengths that differ.
    pub fn filter_tracks(&self, tracks: &[Vec<f64>]) -> Result<Vec<Vec<f64>>> {
        let n = tracks.first().map_or(0, Vec::len);
        for track in tracks {
            Mismatch::check("samples of a track", n, track.len())?;
            NotFinite::check_f64("sample", track)?;
        }
        if n == 0 {
            return if tracks.is_empty() { Ok(Vec::new()) } else { Err(TooShort::new("samples", 0, 1).into()) };
        }
        let pad = (3 * self.b.len()).min(n - 1);
        let mut scratch = vec![[0.0; LANES]; n + 2 * pad];
        let mut result = Vec::with_capacity(tracks.len());
        for group in tracks.chunks(LANES) {
            for (lane, x) in group.iter().enumerate() {
                let (Some(first), Some(last)) = (x.first(), x.last()) else { continue };
                let before = x.iter().skip(1).take(pad).rev().map(|v| 2.0 * first - v);
                let after = x.iter().rev().skip(1).take(pad).map(|v| 2.0 * last - v);
                let longer = before.chain(x.iter().copied()).chain(after);
                scratch.iter_mut().zip(longer).for_each(|(place, v)| place[lane] = v);
            }
            self.pass_together(scratch.iter_mut());
            self.pass_together(scratch.iter_mut().rev());
            let lanes = 0..group.len();
            result.extend(lanes.map(|lane| scratch.iter().skip(pad).take(n).map(|p| p[lane]).collect::<Vec<f64>>()));
        }
        Ok(result)
    }

    /// As [`pass`](Self::pass), for several tracks.
    fn pass_together<'a>(&self, samples: impl Iterator<Item = &'a mut [f64; LANES]>) {
        let mut samples = samples.peekable();
        let start = samples.peek().map_or([0.0; LANES], |v| **v);
        let mut memory = [[0.0; LANES]; 9];
        let order = self.steady.len();
        for (m, s) in memory.iter_mut().zip(&self.steady) {
            *m = start.map(|v| s * v);
        }
        let b0 = self.b.first().copied().unwrap_or_default();
        for sample in samples {
            let x = *sample;
            let y: [f64; LANES] = std::array::from_fn(|l| b0 * x[l] + memory[0][l]);
            for (k, (b, a)) in self.b.iter().zip(&self.a).skip(1).take(order).enumerate() {
                let next = memory[k + 1];
                memory[k] = std::array::from_fn(|l| next[l] + b * x[l] - a * y[l]);
            }
            *sample = y;
        }
    }

    /// One pass over the samples in the order of the iterator, in the steady state of the first.
    fn pass<'a>(&self, samples: impl Iterator<Item = &'a mut f64>) {
        let mut samples = samples.peekable();
        let start = samples.peek().map_or(0.0, |v| **v);
        let mut memory = [0.0; 9]; // order 8 at most, and one that stays 0
        let order = self.steady.len();
        for (m, s) in memory.iter_mut().zip(&self.steady) {
            *m = s * start;
        }
        let b0 = self.b.first().copied().unwrap_or_default();
        for sample in samples {
            let x = *sample;
            let y = b0 * x + memory[0];
            for (k, (b, a)) in self.b.iter().zip(&self.a).skip(1).take(order).enumerate() {
                memory[k] = memory[k + 1] + b * x - a * y;
            }
            *sample = y;
        }
    }
}

/// Each value replaced by the median of the `window` values about it (odd); at the ends the window shrinks evenly.
///
/// **Use it** against single wrong values (a swapped leg) before a linear filter smears them.
///
/// ```
/// use eir_vision::kinematics::median_filter;
/// assert_eq!(median_filter(&[3.0, 3.0, 90.0, 3.0, 4.0, 4.0], 5)?, [3.0, 3.0, 3.0, 4.0, 4.0, 4.0]);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) unless `window` is odd and 1 to 101,
/// [`Error::NotFinite`](crate::Error::NotFinite).
pub fn median_filter(x: &[f64], window: usize) -> Result<Vec<f64>> {
    median_filter_with(x, window, MedianEnds::Shrink)
}

/// What a median sees beyond the ends of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MedianEnds {
    /// Nothing: the window shrinks evenly. The default.
    #[default]
    Shrink,
    /// Zeros, as SciPy's `medfilt`: pulls an angle that does not begin at 0.
    Zeros,
}

/// As [`median_filter`], with a choice of what is seen beyond the ends.
///
/// # Errors
/// As `median_filter`.
///
/// # Validation
/// With [`MedianEnds::Zeros`] equal to SciPy 1.17.1 `medfilt` (`cargo xtask golden vision`).
pub fn median_filter_with(x: &[f64], window: usize, ends: MedianEnds) -> Result<Vec<f64>> {
    if window.is_multiple_of(2) || window > 101 {
        return Err(Parameter::new("window", window as f64, "odd, 1 to 101").into());
    }
    NotFinite::check_f64("sample", x)?;
    if window == 5 && x.len() >= 5 {
        return Ok(median_of_five(x, ends));
    }
    let mut sorted = Vec::with_capacity(window);
    let median_at = |i: usize| {
        let room = i.min(x.len() - 1 - i);
        let half = if ends == MedianEnds::Shrink { (window / 2).min(room) } else { window / 2 };
        sorted.clear();
        sorted.extend(x.iter().skip(i.saturating_sub(half)).take(half.min(i) + 1 + half.min(x.len() - 1 - i)));
        sorted.resize(2 * half + 1, 0.0);
        sorted.sort_by(f64::total_cmp);
        sorted.get(half).copied().unwrap_or_default()
    };
    Ok((0..x.len()).map(median_at).collect())
}

/// The usual window, without sorting: a loop of smaller and larger ones, which vectorises.
fn median_of_five(x: &[f64], ends: MedianEnds) -> Vec<f64> {
    let of_three = |a: f64, b: f64, c: f64| a.min(b).max(a.max(b).min(c));
    let of_five = |a: f64, b: f64, c: f64, d: f64, e: f64| of_three(e, a.min(b).max(c.min(d)), a.max(b).min(c.max(d)));
    let mut y = Vec::with_capacity(x.len());
    let at = |i: usize| x.get(i).copied().unwrap_or_default();
    let n = x.len();
    match ends {
        MedianEnds::Shrink => y.extend([at(0), of_three(at(0), at(1), at(2))]),
        MedianEnds::Zeros => {
            y.extend([of_five(0.0, 0.0, at(0), at(1), at(2)), of_five(0.0, at(0), at(1), at(2), at(3))]);
        }
    }
    y.extend(x.array_windows().map(|&[a, b, c, d, e]| of_five(a, b, c, d, e)));
    match ends {
        MedianEnds::Shrink => y.extend([of_three(at(n - 3), at(n - 2), at(n - 1)), at(n - 1)]),
        MedianEnds::Zeros => y.extend([
            of_five(at(n - 4), at(n - 3), at(n - 2), at(n - 1), 0.0),
            of_five(at(n - 3), at(n - 2), at(n - 1), 0.0, 0.0),
        ]),
    }
    y
}

/// Fills gaps (NaN) of at most `longest` samples by straight lines; longer ones and those at the ends stay.
///
/// ```
/// use eir_vision::kinematics::fill_gaps;
/// let gap = f64::NAN;
/// let filled = fill_gaps(&[gap, 1.0, gap, 3.0, gap, gap, gap, 7.0], 2);
/// assert_eq!(filled[2], 2.0);
/// assert!(filled[0].is_nan() && filled[5].is_nan());
/// ```
#[must_use]
pub fn fill_gaps(x: &[f64], longest: usize) -> Vec<f64> {
    let mut y = x.to_vec();
    let mut before: Option<(usize, f64)> = None;
    for (i, &value) in x.iter().enumerate() {
        if !value.is_finite() {
            continue;
        }
        if let Some((start, from)) = before.filter(|(start, _)| i - start - 1 <= longest) {
            let step = (value - from) / (i - start) as f64;
            for (k, v) in y.iter_mut().take(i).skip(start + 1).enumerate() {
                *v = from + step * (k + 1) as f64;
            }
        }
        before = Some((i, value));
    }
    y
}

/// As [`fill_gaps`], for the track of a key point: a picture's point is missing if any of its coordinates is NaN.
///
/// **Use it** before angles are taken where single points drop out: an angle needs three of them, so gaps in it are longer.
///
/// ```
/// use eir_vision::kinematics::fill_track_gaps;
/// let filled = fill_track_gaps(&[[0.0, 4.0], [f32::NAN, 9.0], [2.0, 6.0]], 5);
/// assert_eq!(filled[1], [1.0, 5.0]);
/// ```
#[must_use]
pub fn fill_track_gaps<const D: usize>(track: &[[f32; D]], longest: usize) -> Vec<[f32; D]> {
    let whole = |p: &[f32; D]| p.iter().all(|v| v.is_finite());
    let mut filled = track.to_vec();
    for axis in 0..D {
        let values: Vec<f64> = track.iter().map(|p| if whole(p) { f64::from(p[axis]) } else { f64::NAN }).collect();
        for (point, value) in filled.iter_mut().zip(fill_gaps(&values, longest)) {
            point[axis] = value as f32;
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(hz: f64) -> SampleRate {
        SampleRate::new(hz).unwrap()
    }

    /// `scipy.signal.butter(2, 4, fs=30)`, SciPy 1.17.1.
    #[test]
    fn coefficients_equal_scipy() {
        let filter = ZeroPhaseLowPass::config().build(rate(30.0)).unwrap();
        let (b, a) = filter.coefficients();
        let want_b = [0.108447438890226, 0.216894877780452, 0.108447438890226];
        let want_a = [1.0, -0.8772706323073945, 0.31106038786829865];
        for (got, want) in b.iter().chain(a).zip(want_b.iter().chain(&want_a)) {
            assert!((got - want).abs() < 1e-12, "{got} {want}");
        }
    }

    #[test]
    fn constants_and_lines_pass_unchanged() {
        for order in 1..=8 {
            let filter = ZeroPhaseLowPass::config().with_order(order).build(rate(30.0)).unwrap();
            let line: Vec<f64> = (0..50).map(|i| 20.0 - 0.3 * f64::from(i)).collect();
            let y = filter.filter(&line).unwrap();
            assert!(line.iter().zip(&y).all(|(a, b)| (a - b).abs() < 0.2), "order {order}");
            assert!(filter.filter(&[5.0; 3]).unwrap().iter().all(|v| (v - 5.0).abs() < 1e-9));
        }
    }

    #[test]
    fn many_tracks_have_the_bits_of_each() {
        for (order, count, n) in [(1, 3, 50), (2, 17, 40), (4, 8, 5), (8, 1, 1)] {
            let filter = ZeroPhaseLowPass::config().with_order(order).build(rate(30.0)).unwrap();
            let value = |k: usize, i: usize| ((i * 7919 + k * 104_729) % 1000) as f64 / 10.0;
            let tracks: Vec<Vec<f64>> = (0..count).map(|k| (0..n).map(|i| value(k, i)).collect()).collect();
            let together = filter.filter_tracks(&tracks).unwrap();
            assert!(tracks.iter().zip(&together).all(|(x, y)| filter.filter(x).unwrap() == *y), "order {order}");
        }
        let filter = ZeroPhaseLowPass::config().build(rate(30.0)).unwrap();
        assert!(filter.filter_tracks(&[]).unwrap().is_empty() && filter.filter_tracks(&[vec![]]).is_err());
        assert!(filter.filter_tracks(&[vec![1.0], vec![1.0, 2.0]]).is_err());
        assert!(filter.filter_tracks(&[vec![f64::NAN]]).is_err());
    }

    #[test]
    fn settings_and_samples_are_checked() {
        assert!(ZeroPhaseLowPass::config().build(rate(8.0)).is_err());
        assert!(ZeroPhaseLowPass::config().with_order(9).build(rate(30.0)).is_err());
        assert!(ZeroPhaseLowPass::config().with_cutoff_hz(f64::NAN).build(rate(30.0)).is_err());
        let filter = ZeroPhaseLowPass::config().build(rate(30.0)).unwrap();
        assert!(filter.filter(&[]).is_err() && filter.filter(&[f64::NAN]).is_err());
        let x: Vec<f64> = (0..40).map(|i| f64::from(i * 7919 % 13) - 4.0).collect();
        for ends in [MedianEnds::Shrink, MedianEnds::Zeros] {
            let general: Vec<f64> = (2..38)
                .map(|i| {
                    let mut w = x[i - 2..=i + 2].to_vec();
                    w.sort_by(f64::total_cmp);
                    w[2]
                })
                .collect();
            assert_eq!(median_filter_with(&x, 5, ends).unwrap()[2..38], general);
        }
        assert_eq!(median_filter_with(&[-4.0, 6.0, 7.0, 9.0, 9.0], 5, MedianEnds::Zeros).unwrap()[..2], [0.0, 6.0]);
        assert_eq!(median_filter_with(&[-4.0, 6.0, 7.0, 9.0], 5, MedianEnds::Zeros).unwrap(), [0.0, 6.0, 6.0, 6.0]);
        assert!(median_filter(&[1.0], 4).is_err() && median_filter(&[], 5).unwrap().is_empty());
    }
}
