//! Another rate by a ratio of two integers.

use super::within_reason;
use crate::Result;
use crate::filter::kernel::{check, check_f32, dot, is_fused};
use crate::filter::{Band, FirConfig, FirWindow};
use eir_core::SampleRate;
use eir_core::error::{Mismatch, Parameter, TooShort};
use pulp::{Arch, Simd, WithSimd};
use serde::{Deserialize, Serialize};

/// The largest number of the ratio in lowest terms.
const MAX_RATIO: usize = 1 << 15;
/// Input samples that a stream takes before it moves what it remembers.
const BLOCK: usize = 1024;
/// Terms that are summed side by side.
const LANES: usize = 8;

/// `x` at `up/down` times its rate.
///
/// # Errors
/// As [`PolyphaseConfig::build`] and [`Polyphase::resample`].
pub fn resample_poly(x: &[f32], up: usize, down: usize) -> Result<Vec<f32>> {
    PolyphaseConfig::new(up, down).build()?.resample(x)
}

/// Settings of [`Polyphase`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PolyphaseConfig {
    /// Samples made of `down`; at least 1, in lowest terms at most 32768.
    pub up: usize,
    /// Samples that become `up`; at least 1, in lowest terms at most 32768.
    pub down: usize,
    /// The window of the low-pass. Default Kaiser with β = 5, as SciPy's.
    pub window: FirWindow,
    /// A low-pass of one's own at `up` times the rate, of odd length; its gain is multiplied by `up`. Default none: a
    /// window design of `20 max(up, down) + 1` taps.
    pub taps: Option<Vec<f64>>,
}

impl PolyphaseConfig {
    /// From `down` samples to `up`.
    #[must_use]
    pub fn new(up: usize, down: usize) -> Self {
        Self { up, down, window: FirWindow::Kaiser { beta: 5.0 }, taps: None }
    }
    /// Sets [`window`](Self::window).
    #[must_use]
    pub fn with_window(self, window: FirWindow) -> Self {
        Self { window, ..self }
    }
    /// Sets [`taps`](Self::taps).
    #[must_use]
    pub fn with_taps(self, taps: Vec<f64>) -> Self {
        Self { taps: Some(taps), ..self }
    }

    /// The ratio in lowest terms.
    fn ratio(&self) -> Result<(usize, usize)> {
        let (mut a, mut b) = (self.up, self.down);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        for (name, value) in [("up", self.up), ("down", self.down)] {
            if !(1..=MAX_RATIO).contains(&(value / a.max(1))) {
                return Err(Parameter::new(name, value as f64, "1 to 32768 in lowest terms").into());
            }
        }
        Ok((self.up / a, self.down / a))
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.ratio()?;
        match &self.taps {
            Some(taps) if taps.len().is_multiple_of(2) => {
                Err(Parameter::new("taps", taps.len() as f64, "an odd number").into())
            }
            Some(taps) => taps
                .iter()
                .find(|v| !v.is_finite())
                .map_or(Ok(()), |v| Err(Parameter::new("taps", *v, "finite").into())),
            None => Ok(()),
        }
    }

    /// Designs the low-pass and splits it into phases.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn build(&self) -> Result<Polyphase> {
        self.validate()?;
        let (up, down) = self.ratio()?;
        let taps = match &self.taps {
            Some(taps) => taps.clone(),
            None if up == down => vec![1.0],
            None => {
                let most = up.max(down);
                // at a rate of 2 the cut-off is a part of half the rate
                let low = FirConfig::new(Band::Low { cutoff_hz: 1.0 / most as f64 }, 20 * most + 1);
                low.with_window(self.window).design(SampleRate::new(2.0)?)?.taps().to_vec()
            }
        };
        let half = taps.len() / 2;
        let reach = taps.len().div_ceil(up).next_multiple_of(LANES);
        let mut phases = vec![0.0; up * reach];
        for (t, h) in taps.iter().enumerate() {
            phases[(t % up) * reach + reach - 1 - t / up] = h * up as f64;
        }
        Ok(Polyphase { up, down, half, reach, phases })
    }
}

/// A resampler, ready to use.
///
/// **Use it** for rates in a ratio of small integers (360 to 250 Hz is 25/36), on recordings and live. **Not** where the
/// signal is a whole number of periods ([`Fourier`](super::Fourier) is exact then), nor across a gap.
///
/// # Formula
/// `y[m] = Σ_i x[i] h[m·down + (taps-1)/2 - i·up]`, `h` a low-pass at `min(1/up, 1/down)` of half the higher rate, `x` being
/// 0 outside; `⌈n·up/down⌉` samples, the first at the time of the first.
///
/// # Examples
/// ```
/// use eir_signal::resample::PolyphaseConfig;
/// let half = PolyphaseConfig::new(1, 2).build()?;
/// let y = half.resample_f64(&[1.0; 100])?;
/// assert!(y.len() == 50 && (y[25] - 1.0).abs() < 1e-3);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals SciPy 1.17.1 `resample_poly` within 1e-9 of the largest value on the golden set.
///
/// # References
/// Vaidyanathan, *Multirate Systems and Filter Banks*, 1993, ch. 4.
#[derive(Debug, Clone, PartialEq)]
pub struct Polyphase {
    up: usize,
    down: usize,
    /// Middle of the low-pass.
    half: usize,
    /// Samples that an output sees.
    reach: usize,
    /// For each phase the taps that it meets, in the order of time; in front 0.
    phases: Vec<f64>,
}

impl Polyphase {
    /// How many samples `samples` become.
    ///
    /// # Errors
    /// [`LimitExceeded`](eir_core::error::LimitExceeded) beyond 2²⁸.
    pub fn output_len(&self, samples: usize) -> Result<usize> {
        within_reason((samples as u128 * self.up as u128).div_ceil(self.down as u128))
    }

    /// `x` at the other rate.
    ///
    /// # Errors
    /// [`TooShort`] if `x` is empty, [`NotFinite`](eir_core::error::NotFinite) if it has a gap, and as
    /// [`output_len`](Self::output_len).
    pub fn resample(&self, x: &[f32]) -> Result<Vec<f32>> {
        check_f32(x)?;
        let mut y = vec![0.0; self.whole(x.len())?];
        let mut stream = self.stream();
        let done = stream.take(x, &mut y);
        stream.drain(&mut y[done..]);
        Ok(y)
    }

    /// As [`resample`](Self::resample), in full precision.
    ///
    /// # Errors
    /// As `resample`.
    pub fn resample_f64(&self, x: &[f64]) -> Result<Vec<f64>> {
        let mut y = vec![0.0; self.whole(x.len())?];
        self.resample_into(x, &mut y)?;
        Ok(y)
    }

    /// As [`resample_f64`](Self::resample_f64), into a buffer of the caller's.
    ///
    /// # Errors
    /// As `resample`, and [`Mismatch`] if the buffer is not as long as [`output_len`](Self::output_len) says.
    pub fn resample_into(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        Mismatch::check("resampled samples and buffer", self.whole(x.len())?, y.len())?;
        check(x)?;
        let mut stream = self.stream();
        let done = stream.take(x, y);
        stream.drain(&mut y[done..]);
        Ok(())
    }

    fn whole(&self, samples: usize) -> Result<usize> {
        if samples == 0 {
            return Err(TooShort::new("samples", 0, 1).into());
        }
        self.output_len(samples)
    }

    /// The same resampler for a live signal that was 0 before.
    #[must_use]
    pub fn stream(&self) -> PolyphaseStream {
        let recent = vec![0.0; self.reach + BLOCK];
        let mut stream = PolyphaseStream { plan: self.clone(), recent, end: 0, wait: 0, phase: 0, taken: 0, given: 0 };
        stream.reset();
        stream
    }
}

/// A [`Polyphase`] resampler that remembers the last samples: whatever the lengths of the pieces, the result is the same,
/// bit for bit, and that of the whole at once.
#[derive(Debug, Clone, PartialEq)]
pub struct PolyphaseStream {
    plan: Polyphase,
    /// The last samples, the latest before `end`, and room for more.
    recent: Vec<f64>,
    end: usize,
    /// Samples that must come before the next one can go.
    wait: usize,
    /// The next one's phase.
    phase: usize,
    taken: u64,
    given: u64,
}

/// What a signal is made of.
trait Sample: Copy {
    fn wide(self) -> f64;
    fn of(value: f64) -> Self;
}

impl Sample for f64 {
    fn wide(self) -> f64 {
        self
    }
    fn of(value: f64) -> Self {
        value
    }
}

impl Sample for f32 {
    fn wide(self) -> f64 {
        f64::from(self)
    }
    fn of(value: f64) -> Self {
        value as f32
    }
}

impl PolyphaseStream {
    /// How many samples of input an output waits for: what lies that far back is given.
    #[must_use]
    pub fn delay_samples(&self) -> f64 {
        self.plan.half as f64 / self.plan.up as f64
    }

    /// The most samples that a piece of `samples` can become.
    #[must_use]
    pub fn max_output(&self, samples: usize) -> usize {
        (samples as u128 * self.plan.up as u128).div_ceil(self.plan.down as u128).try_into().unwrap_or(usize::MAX)
    }

    /// Takes the next samples and writes those that they complete to the start of `y`; gives how many. Allocates nothing.
    ///
    /// # Errors
    /// [`Mismatch`] if `y` is shorter than [`max_output`](Self::max_output); nothing is taken then.
    pub fn process(&mut self, x: &[f64], y: &mut [f64]) -> Result<usize> {
        self.room(x.len(), y.len())?;
        Ok(self.take(x, y))
    }

    /// As [`process`](Self::process); the sums are `f64` all the same.
    ///
    /// # Errors
    /// As `process`.
    pub fn process_f32(&mut self, x: &[f32], y: &mut [f32]) -> Result<usize> {
        self.room(x.len(), y.len())?;
        Ok(self.take(x, y))
    }

    /// The signal is over: writes the last samples, which see 0 beyond its end, and gives how many; at most those of
    /// [`delay_samples`](Self::delay_samples) and one. Then the stream is as new.
    ///
    /// # Errors
    /// [`Mismatch`] if `y` is shorter than that.
    pub fn finish(&mut self, y: &mut [f64]) -> Result<usize> {
        let whole = (u128::from(self.taken) * self.plan.up as u128).div_ceil(self.plan.down as u128);
        let left = usize::try_from(whole.saturating_sub(u128::from(self.given))).unwrap_or(usize::MAX);
        if y.len() < left {
            return Err(Mismatch::new("room for the last samples", left, y.len()).into());
        }
        self.drain(&mut y[..left]);
        self.reset();
        Ok(left)
    }

    /// Back to the state in which it was made.
    pub fn reset(&mut self) {
        self.recent.fill(0.0);
        self.end = self.plan.reach;
        self.wait = self.plan.half / self.plan.up + 1;
        self.phase = self.plan.half % self.plan.up;
        (self.taken, self.given) = (0, 0);
    }

    fn room(&self, samples: usize, room: usize) -> Result<()> {
        let most = self.max_output(samples);
        if room < most {
            return Err(Mismatch::new("room for the resampled samples", most, room).into());
        }
        Ok(())
    }

    /// Fills `y` as if zeros followed.
    fn drain<T: Sample>(&mut self, y: &mut [T]) {
        let zeros = [0.0f64; 64];
        let mut done = 0;
        while done < y.len() {
            done += self.take(&zeros, &mut y[done..]);
        }
    }

    fn take<T: Sample, U: Sample>(&mut self, x: &[T], y: &mut [U]) -> usize {
        Arch::new().dispatch(Take { stream: self, x, y })
    }

    #[inline(always)]
    fn take_with<const FUSED: bool, T: Sample, U: Sample>(&mut self, x: &[T], y: &mut [U]) -> usize {
        let Polyphase { up, down, reach, phases, .. } = &self.plan;
        let (whole, part) = (down / up, down % up);
        let (mut rest, mut done) = (x, 0);
        while !rest.is_empty() {
            if self.end == self.recent.len() {
                self.recent.copy_within(self.end - reach.., 0);
                self.end = *reach;
            }
            let (now, later) = rest.split_at(rest.len().min(self.recent.len() - self.end));
            let places = &mut self.recent[self.end..self.end + now.len()];
            places.iter_mut().zip(now).for_each(|(to, v)| *to = v.wide());
            self.taken += now.len() as u64;
            // the window of the next output ends `wait` samples behind `end`
            let mut ends = self.end + self.wait;
            let to = self.end + now.len();
            while ends <= to {
                let Some(out) = y.get_mut(done) else { break };
                let row = &phases[self.phase * reach..][..*reach];
                *out = U::of(dot::<FUSED>(row, &self.recent[ends - reach..ends]));
                done += 1;
                self.phase += part;
                ends += whole;
                if self.phase >= *up {
                    self.phase -= up;
                    ends += 1;
                }
            }
            self.wait = ends.saturating_sub(to);
            self.end = to;
            rest = later;
        }
        self.given += done as u64;
        done
    }
}

struct Take<'a, T, U> {
    stream: &'a mut PolyphaseStream,
    x: &'a [T],
    y: &'a mut [U],
}

impl<T: Sample, U: Sample> WithSimd for Take<'_, T, U> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        if is_fused::<S>() {
            self.stream.take_with::<true, T, U>(self.x, self.y)
        } else {
            self.stream.take_with::<false, T, U>(self.x, self.y)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(n: u32) -> Vec<f64> {
        (0..n).map(|i| (f64::from(i) * 0.37).sin() + f64::from(i % 7)).collect()
    }

    #[test]
    fn equals_the_definition() {
        for (up, down) in [(1, 1), (2, 1), (1, 2), (3, 7), (25, 36), (4, 8), (147, 160)] {
            let plan = PolyphaseConfig::new(up, down).build().unwrap();
            let (up, down) = (plan.up, plan.down);
            let taps: Vec<f64> = if up == down {
                vec![1.0]
            } else {
                let most = up.max(down);
                let low = FirConfig::new(Band::Low { cutoff_hz: 1.0 / most as f64 }, 20 * most + 1);
                let low = low.with_window(FirWindow::Kaiser { beta: 5.0 });
                low.design(SampleRate::new(2.0).unwrap()).unwrap().taps().to_vec()
            };
            for n in [1, 5, 300] {
                let x = signal(n);
                let y = plan.resample_f64(&x).unwrap();
                assert_eq!(y.len(), (x.len() * up).div_ceil(down));
                for (m, y) in y.iter().enumerate() {
                    let at = m * down + taps.len() / 2;
                    let term =
                        |(i, v): (usize, &f64)| at.checked_sub(i * up).and_then(|t| taps.get(t)).unwrap_or(&0.0) * v;
                    let want = up as f64 * x.iter().enumerate().map(term).sum::<f64>();
                    assert!((y - want).abs() < 1e-12, "{up}/{down} {n} {m}: {y} {want}");
                }
            }
        }
    }

    #[test]
    fn pieces_give_the_same_bits() {
        let x = signal(3000);
        for (up, down) in [(2, 1), (1, 3), (25, 36), (36, 25), (1, 1)] {
            let plan = PolyphaseConfig::new(up, down).build().unwrap();
            let whole = plan.resample_f64(&x).unwrap();
            let mut stream = plan.stream();
            for piece in [1, 7, 1000, 3000] {
                let mut y = vec![0.0; whole.len() + 10_000];
                let mut done = 0;
                for part in x.chunks(piece) {
                    done += stream.process(part, &mut y[done..]).unwrap();
                }
                done += stream.finish(&mut y[done..]).unwrap();
                assert_eq!(y[..done], whole, "{up}/{down}, pieces of {piece}");
            }
            assert!(stream.process(&x, &mut [0.0; 3]).is_err());
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(PolyphaseConfig::new(0, 1).build().is_err());
        assert!(PolyphaseConfig::new(1, 0).build().is_err());
        assert!(PolyphaseConfig::new(99_991, 99_989).build().is_err());
        assert!(PolyphaseConfig::new(1, 2).with_taps(vec![1.0, 1.0]).build().is_err());
        assert!(resample_poly(&[], 1, 2).is_err());
        assert!(resample_poly(&[1.0, f32::NAN], 1, 2).unwrap_err().to_string().contains("sample 1"));
        let far = PolyphaseConfig::new(30_000, 1).build().unwrap();
        assert!(far.output_len(1_000_000).unwrap_err().to_string().contains("limit"));
    }
}
