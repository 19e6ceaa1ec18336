//! The median filter.

use super::boundary::Boundary;
use super::kernel::{check, check_f32};
use super::median_ranks::{NARROW, Ranks, WIDEST};
use super::median_stream::MedianStream;
use crate::Result;
use eir_core::error::{Mismatch, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// The median of `window` samples around each (odd), 0 beyond the ends as SciPy's `medfilt`.
///
/// # Errors
/// As [`MedianConfig::build`] and [`MedianFilter::filter`].
pub fn median_filter(x: &[f32], window: usize) -> Result<Vec<f32>> {
    MedianConfig::new(window).build()?.filter(x)
}

/// Settings of [`MedianFilter`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MedianConfig {
    /// Samples in the window: odd, 1 to 1048575.
    pub window: usize,
    /// What lies beyond the ends. Default 0 (SciPy's `medfilt`); [`Boundary::Reflect`] is `ndimage`'s default.
    pub boundary: Boundary,
}

impl MedianConfig {
    /// A median of `window` samples, 0 beyond the ends.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, boundary: Boundary::Constant { value: 0.0 } }
    }
    /// Sets [`window`](Self::window).
    #[must_use]
    pub fn with_window(self, window: usize) -> Self {
        Self { window, ..self }
    }
    /// Sets [`boundary`](Self::boundary).
    #[must_use]
    pub fn with_boundary(self, boundary: Boundary) -> Self {
        Self { boundary, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if self.window.is_multiple_of(2) || self.window >= 1 << 20 {
            return Err(Parameter::new("window", self.window as f64, "odd, 1 to 1048575").into());
        }
        match self.boundary {
            Boundary::Constant { value } if !value.is_finite() => {
                Err(Parameter::new("value of the boundary", value, "finite").into())
            }
            _ => Ok(()),
        }
    }

    /// Makes the filter.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn build(self) -> Result<MedianFilter> {
        self.validate()?;
        Ok(MedianFilter { config: self })
    }
}

/// A median filter, ready to use.
///
/// **Use it** against single wrong samples, and for the baseline of an ECG (two windows, 0.2 s and 0.6 s). **Not** where
/// the signal's own spikes matter.
///
/// # Formula
/// `y[n]` is the middle one of the sorted `x[n-h] … x[n+h]`, `h = (window - 1)/2`.
///
/// # Examples
/// ```
/// use eir_signal::filter::{Boundary, MedianConfig};
/// let x = [2.0, 80.0, 6.0, 3.0];
/// assert_eq!(MedianConfig::new(3).build()?.filter_f64(&x)?, [2.0, 6.0, 6.0, 3.0]);
/// let reflected = MedianConfig::new(3).with_boundary(Boundary::Reflect).build()?;
/// assert_eq!(reflected.filter_f64(&x)?, [2.0, 6.0, 6.0, 3.0]);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals SciPy 1.17.1 `medfilt` on the golden set, exactly.
///
/// # References
/// Suomela 2014, *Median filtering is equivalent to sorting*, arXiv:1406.1717.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MedianFilter {
    config: MedianConfig,
}

impl MedianFilter {
    /// Filters `x`; the result has the same length.
    ///
    /// # Errors
    /// [`TooShort`] if `x` is empty, [`NotFinite`](eir_core::error::NotFinite) if it has a gap.
    pub fn filter(&self, x: &[f32]) -> Result<Vec<f32>> {
        check_f32(x)?;
        let wide: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
        Ok(self.filter_f64(&wide)?.into_iter().map(|v| v as f32).collect()) // a median is one of the samples: exact
    }

    /// As [`filter`](Self::filter), in full precision.
    ///
    /// # Errors
    /// As `filter`.
    pub fn filter_f64(&self, x: &[f64]) -> Result<Vec<f64>> {
        let mut y = vec![0.0; x.len()];
        self.filter_into(x, &mut y)?;
        Ok(y)
    }

    /// As [`filter_f64`](Self::filter_f64), into a buffer of the caller's.
    ///
    /// # Errors
    /// As `filter`, and [`Mismatch`] if the buffer has another length.
    pub fn filter_into(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        Mismatch::check("samples and buffer", x.len(), y.len())?;
        if x.is_empty() {
            return Err(TooShort::new("samples", 0, 1).into());
        }
        check(x)?;
        let MedianConfig { window, boundary } = self.config;
        let half = window / 2;
        if window <= NARROW {
            by_ranks(&mut Ranks::<128>::new(window), self.config, x, y);
            return Ok(());
        }
        if window <= WIDEST {
            by_ranks(&mut Ranks::<1024>::new(window), self.config, x, y);
            return Ok(());
        }
        let mut stream = self.stream();
        let n = x.len() as isize;
        for i in -(half as isize)..half as isize {
            stream.push(boundary.at(x, i));
        }
        for (out, i) in y.iter_mut().zip(half as isize..n + half as isize) {
            *out = stream.push(boundary.at(x, i));
        }
        Ok(())
    }

    /// The same filter for a live signal that was 0 before.
    #[must_use]
    pub fn stream(&self) -> MedianStream {
        self.stream_from(0.0)
    }

    /// The same filter for a live signal that always was `x0`.
    #[must_use]
    pub fn stream_from(&self, x0: f64) -> MedianStream {
        MedianStream::new(self.config.window, x0)
    }
}

/// The ends with what lies beyond them, the middle as it is.
fn by_ranks<const WORDS: usize>(ranks: &mut Ranks<WORDS>, config: MedianConfig, x: &[f64], y: &mut [f64]) {
    let MedianConfig { window, boundary } = config;
    let (n, half) = (x.len(), window / 2);
    let near = half.min(n);
    let mut ends = Vec::with_capacity(2 * near + window);
    for (first, out) in [(0, near), ((n - near).max(near), n)] {
        if first < out {
            ends.clear();
            ends.extend((first as isize - half as isize..(out + half) as isize).map(|i| boundary.at(x, i)));
            ranks.medians(window, &ends, &mut y[first..out]);
        }
    }
    if n > 2 * near {
        ranks.medians(window, x, &mut y[near..n - near]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_heaps_agree_at_every_end() {
        let x: Vec<f64> = (0..3000).map(|i| f64::from(i * i % 97)).collect();
        for boundary in [Boundary::Constant { value: 0.0 }, Boundary::Reflect, Boundary::Nearest] {
            for (window, n) in [(1, 1), (3, 2), (73, 40), (73, 73), (73, 3000), (1023, 3000), (1025, 3000), (9001, 50)]
            {
                let filter = MedianConfig::new(window).with_boundary(boundary).build().unwrap();
                let half = (window / 2) as isize;
                let mut stream = filter.stream();
                let seen = (-half..n as isize + half).map(|i| stream.push(boundary.at(&x[..n], i)));
                let want: Vec<f64> = seen.skip(window - 1).collect();
                assert_eq!(filter.filter_f64(&x[..n]).unwrap(), want, "{boundary:?} {window} {n}");
            }
        }
        assert!(median_filter(&[], 3).is_err());
        assert!(median_filter(&[1.0], 4).is_err());
    }
}
