//! Fewer samples by an integer.

use super::polyphase::PolyphaseConfig;
use crate::Result;
use crate::filter::kernel::{check, check_f32, narrow, wide};
use crate::filter::{Band, Chebyshev1Config, FirConfig};
use eir_core::SampleRate;
use eir_core::error::{Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// Every `factor`-th sample of `x` after a low-pass of zero phase.
///
/// # Errors
/// As [`DecimateConfig::decimate`].
pub fn decimate(x: &[f32], factor: usize) -> Result<Vec<f32>> {
    DecimateConfig::new(factor).decimate(x)
}

/// The low-pass before samples are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DecimateFilter {
    /// Chebyshev of the first kind, ripple 0.05 dB, edge at 0.8 of the new half rate.
    Chebyshev {
        /// 1 to 20. SciPy's default is 8.
        order: usize,
    },
    /// Finite response, Hamming window, cut-off at the new half rate.
    Fir {
        /// Taps less one, even, at least 2; 0 for 20 times the factor, SciPy's default.
        order: usize,
    },
}

/// Settings of decimation.
///
/// **Use it** to bring a recording to a lower rate that divides its own. **Not** for other rates
/// ([`PolyphaseConfig`]).
///
/// # Formula
/// Low-pass at `0.8/factor` (recursive) or `1/factor` (finite) of half the rate, forwards and backwards or causal, then
/// every `factor`-th sample from the first.
///
/// # Examples
/// ```
/// use eir_signal::resample::DecimateConfig;
/// let y = DecimateConfig::new(4).decimate_f64(&[1.0; 400])?;
/// assert!(y.len() == 100 && (y[50] - 1.0).abs() < 0.012); // the ripple of 0.05 dB, twice
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals SciPy 1.17.1 `decimate` within 1e-9 of the largest value on the golden set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DecimateConfig {
    /// One sample of so many stays: 1 to 1000.
    pub factor: usize,
    /// The low-pass. Default Chebyshev of order 8.
    pub filter: DecimateFilter,
    /// Whether nothing is late. Default true.
    pub zero_phase: bool,
}

impl DecimateConfig {
    /// One of `factor` samples after a Chebyshev low-pass of order 8 and zero phase.
    #[must_use]
    pub fn new(factor: usize) -> Self {
        Self { factor, filter: DecimateFilter::Chebyshev { order: 8 }, zero_phase: true }
    }
    /// Sets [`filter`](Self::filter).
    #[must_use]
    pub fn with_filter(self, filter: DecimateFilter) -> Self {
        Self { filter, ..self }
    }
    /// Sets [`zero_phase`](Self::zero_phase).
    #[must_use]
    pub fn with_zero_phase(self, zero_phase: bool) -> Self {
        Self { zero_phase, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(1..=1000).contains(&self.factor) {
            return Err(Parameter::new("factor", self.factor as f64, "1 to 1000").into());
        }
        match self.filter {
            DecimateFilter::Fir { order } if !order.is_multiple_of(2) || order > 1 << 16 => {
                Err(Parameter::new("order", order as f64, "even, at most 65536").into())
            }
            DecimateFilter::Chebyshev { order } if !(1..=20).contains(&order) => {
                Err(Parameter::new("order", order as f64, "1 to 20").into())
            }
            _ => Ok(()),
        }
    }

    /// Every `factor`-th sample of `x` after the low-pass.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`TooShort`] if `x` is empty or too short for a recursive filter of zero phase;
    /// [`NotFinite`](eir_core::error::NotFinite) if it has a gap.
    pub fn decimate(&self, x: &[f32]) -> Result<Vec<f32>> {
        check_f32(x)?;
        Ok(narrow(&self.decimate_f64(&wide(x))?))
    }

    /// As [`decimate`](Self::decimate), in full precision.
    ///
    /// # Errors
    /// As `decimate`.
    pub fn decimate_f64(&self, x: &[f64]) -> Result<Vec<f64>> {
        self.validate()?;
        if x.is_empty() {
            return Err(TooShort::new("samples", 0, 1).into());
        }
        check(x)?;
        // at a rate of 2 an edge is a part of half the rate
        let rate = SampleRate::new(2.0)?;
        let every = |y: Vec<f64>| y.into_iter().step_by(self.factor).collect();
        match self.filter {
            DecimateFilter::Chebyshev { order } => {
                let low = Chebyshev1Config::new(Band::Low { cutoff_hz: 0.8 / self.factor as f64 });
                let low = low.with_order(order).with_ripple_db(0.05).design(rate)?;
                Ok(every(if self.zero_phase { low.zero_phase_f64(x)? } else { low.filter_f64(x)? }))
            }
            DecimateFilter::Fir { .. } if self.factor == 1 => Ok(x.to_vec()),
            DecimateFilter::Fir { order } => {
                let order = if order == 0 { 20 * self.factor } else { order };
                let low = FirConfig::new(Band::Low { cutoff_hz: 1.0 / self.factor as f64 }, order + 1).design(rate)?;
                if self.zero_phase {
                    return PolyphaseConfig::new(1, self.factor)
                        .with_taps(low.taps().to_vec())
                        .build()?
                        .resample_f64(x);
                }
                Ok(every(low.filter_f64(x)?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong() {
        let x = [0.0; 100];
        assert!(DecimateConfig::new(0).decimate_f64(&x).is_err());
        assert!(DecimateConfig::new(2000).decimate_f64(&x).is_err());
        assert!(DecimateConfig::new(2).decimate_f64(&[]).is_err());
        assert!(DecimateConfig::new(2).with_filter(DecimateFilter::Fir { order: 3 }).decimate_f64(&x).is_err());
        assert!(decimate(&[0.0; 5], 2).is_err());
    }

    #[test]
    fn lengths_are_rounded_up() {
        for n in [100, 101, 102, 103] {
            let x = vec![1.0; n];
            for filter in [DecimateFilter::Chebyshev { order: 8 }, DecimateFilter::Fir { order: 0 }] {
                for zero_phase in [true, false] {
                    let config = DecimateConfig::new(3).with_filter(filter).with_zero_phase(zero_phase);
                    assert_eq!(config.decimate_f64(&x).unwrap().len(), n.div_ceil(3));
                }
            }
        }
    }
}
