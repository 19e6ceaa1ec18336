use super::{BootstrapInterval, SamplingUnits};
use crate::distribution::{normal_cdf, normal_quantile};
use crate::error::{NotFinite, TooShort};
use crate::estimate::check_level;
use crate::metrics::{mean, sorted_quantile};
use crate::order::ascending;
use crate::{Error, Estimate};

/// The replicates of a number, of which intervals are made: by [`Bootstrap`](super::Bootstrap), or from elsewhere.
///
/// ```
/// use eir_core::inference::{BootstrapDistribution, BootstrapInterval};
/// let replicates: Vec<f64> = (0..=100).map(f64::from).collect();
/// let d = BootstrapDistribution::new(40.0, replicates, vec![])?;
/// let percentile = d.interval(BootstrapInterval::Percentile, 0.5)?;
/// assert_eq!((percentile.lower, percentile.upper), (25.0, 75.0));
/// let basic = d.interval(BootstrapInterval::Basic, 0.5)?;
/// assert_eq!((basic.lower, basic.upper), (5.0, 55.0));
/// # Ok::<(), eir_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct BootstrapDistribution {
    estimate: f64,
    replicates: Vec<f64>,
    sorted: Vec<f64>,
    jackknife: Vec<f64>,
    /// What was drawn, and how many of them there are.
    units: Option<(&'static str, usize)>,
}

impl BootstrapDistribution {
    /// The number itself, its `replicates`, and its values with one unit left out (`jackknife`, which only BCa needs: may
    /// be empty).
    ///
    /// # Errors
    /// [`Error::TooShort`] for fewer than two replicates, [`Error::NotFinite`] if the number or a replicate is NaN or
    /// infinite.
    pub fn new(estimate: f64, replicates: Vec<f64>, jackknife: Vec<f64>) -> Result<Self, Error> {
        if replicates.len() < 2 {
            return Err(TooShort::new("replicates", replicates.len(), 2).into());
        }
        NotFinite::check_f64("estimate", &[estimate])?;
        NotFinite::check_f64("replicate", &replicates)?;
        let mut sorted = replicates.clone();
        ascending(&mut sorted);
        Ok(Self { estimate, replicates, sorted, jackknife, units: None })
    }

    /// Names what was drawn.
    pub(crate) fn of_units(self, units: &SamplingUnits) -> Self {
        Self { units: Some((units.name(), units.len())), ..self }
    }

    /// The number itself.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        self.estimate
    }

    /// The replicates in the order of their draws.
    #[must_use]
    pub fn replicates(&self) -> &[f64] {
        &self.replicates
    }

    /// The values with one unit left out; none unless BCa was asked for.
    #[must_use]
    pub fn jackknife(&self) -> &[f64] {
        &self.jackknife
    }

    /// The standard deviation of the replicates.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        let middle = mean(&self.replicates);
        let squares: f64 = self.replicates.iter().map(|v| (v - middle).powi(2)).sum();
        (squares / (self.replicates.len() - 1) as f64).sqrt()
    }

    /// z₀: how far the estimate is from the median of the replicates, as a normal quantile; infinite if it is beyond all.
    #[must_use]
    pub fn bias_correction(&self) -> f64 {
        let below = self.sorted.partition_point(|v| *v < self.estimate);
        let up_to = self.sorted.partition_point(|v| *v <= self.estimate);
        normal_quantile((below + up_to) as f64 / (2 * self.sorted.len()) as f64)
    }

    /// a: how the spread changes with the value, from the jackknife; NaN without one, or if it does not vary.
    #[must_use]
    pub fn acceleration(&self) -> f64 {
        let middle = mean(&self.jackknife);
        let deviations = || self.jackknife.iter().map(|v| middle - v);
        let varies = deviations().any(|d| d.abs() > 8.0 * f64::EPSILON * middle.abs()); // more than rounding
        if !varies {
            return f64::NAN;
        }
        let squares: f64 = deviations().map(|d| d * d).sum();
        let cubes: f64 = deviations().map(|d| d * d * d).sum();
        cubes / (6.0 * squares * squares.sqrt())
    }

    /// The shares of the replicates that lie below the ends of the BCa interval at `level`; none where it is undefined.
    #[must_use]
    pub fn bca_levels(&self, level: f64) -> Option<[f64; 2]> {
        let (z0, a) = (self.bias_correction(), self.acceleration());
        let half = normal_quantile(0.5 + level / 2.0);
        let stretch = [-half, half].map(|z| (z0 + z, 1.0 - a * (z0 + z)));
        let defined = z0.is_finite() && a.is_finite() && stretch.iter().all(|(_, scale)| *scale > 0.0);
        defined.then(|| stretch.map(|(z, scale)| normal_cdf(z0 + z / scale)))
    }

    /// The interval at `level`. BCa falls back to percentile where it is undefined, and the method says so.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a level outside 0 to 1.
    pub fn interval(&self, interval: BootstrapInterval, level: f64) -> Result<Estimate, Error> {
        check_level(level)?;
        let plain = [0.5 - level / 2.0, 0.5 + level / 2.0];
        let quantiles = |levels: [f64; 2]| levels.map(|q| sorted_quantile(&self.sorted, q).unwrap_or(f64::NAN));
        let (ends, name) = match interval {
            BootstrapInterval::Percentile => (quantiles(plain), "percentile bootstrap"),
            BootstrapInterval::Basic => {
                let [low, high] = quantiles(plain);
                ([2.0 * self.estimate - high, 2.0 * self.estimate - low], "basic bootstrap")
            }
            BootstrapInterval::Bca => match self.bca_levels(level) {
                Some(levels) => (quantiles(levels), "BCa bootstrap"),
                None => (quantiles(plain), "percentile bootstrap (BCa is undefined here)"),
            },
        };
        let draws = self.replicates.len();
        let (of, n) = self.units.map_or((String::new(), self.jackknife.len()), |(u, n)| (format!(" of {u}"), n));
        Ok(Estimate::new(self.estimate, ends, level, format!("{name}, {draws} draws{of}"), n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_corrections() {
        let of = |jackknife: &[f64]| BootstrapDistribution::new(2.0, vec![1.0, 2.0, 3.0], jackknife.to_vec()).unwrap();
        assert_eq!(of(&[1.0, 2.0]).bias_correction(), 0.0); // ties count half
        for none in [[].as_slice(), &[0.1, 0.1, 0.1], &[0.3, 0.1 + 0.2], &[1.0, f64::NAN]] {
            assert!(of(none).acceleration().is_nan() && of(none).bca_levels(0.95).is_none(), "{none:?}");
        }
        assert_eq!(of(&[1.0, 2.0, 3.0]).acceleration(), 0.0);
        assert!(matches!(of(&[]).interval(BootstrapInterval::Basic, 0.0), Err(Error::Parameter(_))));
        assert!(matches!(BootstrapDistribution::new(1.0, vec![1.0], vec![]), Err(Error::TooShort(_))));
        assert!(matches!(BootstrapDistribution::new(f64::NAN, vec![1.0; 9], vec![]), Err(Error::NotFinite(_))));
    }
}
