use super::{Leaving, life_table};
use crate::distribution::normal_quantile;
use crate::error::Parameter;
use crate::estimate::check_level;
use crate::{Error, Estimate};
use serde::{Deserialize, Serialize};

/// Kaplan and Meier's curve: the share that is still without event, with its interval. O(n log n).
///
/// **Use it** for one kind of event. **Not** where another event makes it impossible (death before readmission): the
/// share with the event is then too large.
///
/// # Formula
/// S(t) = Π (1 − dᵢ/nᵢ) over the times up to t, with d events among n at risk. Interval: S^exp(± z √g / ln S) with
/// Greenwood's g = Σ dᵢ / (nᵢ (nᵢ − dᵢ)); it has no width while S is 1 and where S is 0.
///
/// # Examples
/// ```
/// use eir_core::survival::KaplanMeier;
/// let curve = KaplanMeier::new(&[1.0, 2.0, 2.0, 3.0, 5.0], &[true, true, false, false, true], 0.95)?;
/// assert_eq!(curve.time(), [0.0, 1.0, 2.0, 3.0, 5.0]);
/// assert!((curve.at(4.0)?.value - 0.6).abs() < 1e-15);
/// assert_eq!(curve.median().value, 5.0);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Agrees with lifelines 0.30.3 within 1e-10 on `reference/core/survival.json`.
///
/// # References
/// Kaplan, Meier 1958, doi:10.1080/01621459.1958.10501452; interval: Kalbfleisch, Prentice 2002,
/// doi:10.1002/9781118032985; median: Brookmeyer, Crowley 1982, doi:10.2307/2530286.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KaplanMeier {
    time: Vec<f64>,
    survival: Vec<f64>,
    lower: Vec<f64>,
    upper: Vec<f64>,
    at_risk: Vec<usize>,
    events: Vec<usize>,
    level: f64,
}

impl KaplanMeier {
    /// The curve of patients who left at `time`, with an `event` or censored; intervals at `level` (0.95).
    ///
    /// # Errors
    /// [`Error`] for different lengths, no patient, a time that is negative, NaN or infinite, or a level outside 0 to 1.
    pub fn new(time: &[f64], event: &[bool], level: f64) -> Result<Self, Error> {
        check_level(level)?;
        let table = life_table(time, event)?;
        let z = normal_quantile(0.5 + level / 2.0);
        let size = table.len();
        let mut curve = Self {
            time: table.iter().map(|row| row.time).collect(),
            survival: Vec::with_capacity(size),
            lower: Vec::with_capacity(size),
            upper: Vec::with_capacity(size),
            at_risk: table.iter().map(|row| row.at_risk).collect(),
            events: table.iter().map(|row| row.events).collect(),
            level,
        };
        let (mut survival, mut greenwood) = (1.0, 0.0);
        for Leaving { at_risk, events, .. } in table {
            let (n, d) = (at_risk as f64, events as f64);
            survival *= (n - d) / n;
            greenwood += if events < at_risk { d / (n * (n - d)) } else { 0.0 };
            let [lower, upper] = if survival > 0.0 && survival < 1.0 {
                let log = libm::log(survival);
                let spread = z * greenwood.sqrt() / log;
                [-spread, spread].map(|step| libm::exp(log * libm::exp(step)))
            } else {
                [survival; 2]
            };
            curve.survival.push(survival);
            curve.lower.push(lower);
            curve.upper.push(upper);
        }
        Ok(curve)
    }

    /// The distinct times at which somebody left, ascending, with 0 before them.
    #[must_use]
    pub fn time(&self) -> &[f64] {
        &self.time
    }

    /// The share without event from each of the [times](Self::time) on.
    #[must_use]
    pub fn survival(&self) -> &[f64] {
        &self.survival
    }

    /// Lower end of the interval of each [share](Self::survival).
    #[must_use]
    pub fn lower(&self) -> &[f64] {
        &self.lower
    }

    /// Upper end of the interval of each [share](Self::survival).
    #[must_use]
    pub fn upper(&self) -> &[f64] {
        &self.upper
    }

    /// How many were at risk at each of the [times](Self::time).
    #[must_use]
    pub fn at_risk(&self) -> &[usize] {
        &self.at_risk
    }

    /// How many events each of the [times](Self::time) saw.
    #[must_use]
    pub fn events(&self) -> &[usize] {
        &self.events
    }

    /// The share that is still without event at `time`; after the last time it stays as it was.
    ///
    /// # Errors
    /// A time that is negative or NaN.
    pub fn at(&self, time: f64) -> Result<Estimate, Error> {
        let i = self.before(time)?;
        Ok(self.estimate(self.survival[i], [self.lower[i], self.upper[i]], "log-log"))
    }

    /// The time at which half have had the event: infinite where the curve does not come down to it.
    #[must_use]
    pub fn median(&self) -> Estimate {
        self.first_at_most(0.5)
    }

    /// The time at which the share `part` (0 to 1) has had the event.
    ///
    /// # Errors
    /// A part outside 0 to 1.
    pub fn quantile(&self, part: f64) -> Result<Estimate, Error> {
        if (0.0..=1.0).contains(&part) {
            Ok(self.first_at_most(1.0 - part))
        } else {
            Err(Parameter::new("part", part, "0 to 1").into())
        }
    }

    /// The mean time without event up to `horizon`: the area under the curve.
    ///
    /// Past the last time the curve is taken to stay as it was, which `method` then says.
    ///
    /// # Errors
    /// A horizon that is negative, NaN or infinite.
    pub fn restricted_mean(&self, horizon: f64) -> Result<Estimate, Error> {
        if horizon == f64::INFINITY {
            return Err(Parameter::new("horizon", horizon, "finite").into());
        }
        let last = self.before(horizon)?;
        let (mut area, mut variance, mut end) = (0.0, 0.0, horizon);
        for i in (0..=last).rev() {
            area += self.survival[i] * (end - self.time[i]);
            end = self.time[i];
            let (n, d) = (self.at_risk[i] as f64, self.events[i] as f64);
            if d < n {
                variance += area * area * d / (n * (n - d)); // the area after this time
            }
        }
        let half = normal_quantile(0.5 + self.level / 2.0) * variance.sqrt();
        let known = self.time.last().is_none_or(|last| horizon <= *last) || self.survival.last() == Some(&0.0);
        let method = if known { "Greenwood" } else { "Greenwood, past the last observation" };
        Ok(self.estimate(area, [(area - half).max(0.0), (area + half).min(horizon)], method))
    }

    /// Position of the last time up to `time`.
    fn before(&self, time: f64) -> Result<usize, Error> {
        if time >= 0.0 {
            Ok(self.time.partition_point(|t| *t <= time) - 1) // the first is 0
        } else {
            Err(Parameter::new("time", time, "0 or more").into())
        }
    }

    /// The first time at which the curve, but for rounding, is not above `share`.
    fn first_at_most(&self, share: f64) -> Estimate {
        let first =
            |curve: &[f64]| curve.iter().position(|s| *s <= share + 1e-12).map_or(f64::INFINITY, |i| self.time[i]);
        self.estimate(first(&self.survival), [first(&self.lower), first(&self.upper)], "log-log")
    }

    fn estimate(&self, value: f64, interval: [f64; 2], method: &'static str) -> Estimate {
        Estimate::new(value, interval, self.level, method, self.at_risk[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_censoring_it_is_the_share_of_later_times() {
        let time = [4.0, 0.0, 2.0, 2.0, 9.0];
        let curve = KaplanMeier::new(&time, &[true; 5], 0.95).unwrap();
        for t in [0.0, 1.0, 2.0, 5.0, 9.0, 20.0] {
            let later = time.iter().filter(|x| **x > t).count() as f64 / 5.0;
            assert!((curve.at(t).unwrap().value - later).abs() < 1e-15);
        }
        let mean = curve.restricted_mean(30.0).unwrap();
        assert!((mean.value - 17.0 / 5.0).abs() < 1e-14 && mean.method == "Greenwood");
        // Greenwood's variance of the mean is then the plain one over n
        let plain = (time.iter().map(|t| (t - 3.4f64).powi(2)).sum::<f64>() / 25.0).sqrt();
        assert!((mean.upper - mean.value - 1.959963984540054 * plain).abs() < 1e-13);
    }

    #[test]
    fn an_end_that_was_not_seen_is_infinite() {
        let curve = KaplanMeier::new(&[1.0, 2.0, 3.0], &[true, false, false], 0.95).unwrap();
        assert_eq!(curve.median().value, f64::INFINITY);
        assert_eq!(curve.quantile(0.2).unwrap().value, 1.0);
        assert_eq!(curve.restricted_mean(4.0).unwrap().method, "Greenwood, past the last observation");
    }

    #[test]
    fn borders() {
        let curve = |time: &[f64], event: &[bool]| KaplanMeier::new(time, event, 0.95);
        assert!(matches!(curve(&[], &[]), Err(Error::TooShort(_))));
        assert!(matches!(curve(&[1.0], &[]), Err(Error::Mismatch(_))));
        assert!(matches!(curve(&[-1.0], &[true]), Err(Error::OutOfRange(_))));
        assert!(matches!(curve(&[f64::NAN], &[true]), Err(Error::NotFinite(_))));
        let none = curve(&[1.0, 2.0], &[false; 2]).unwrap();
        assert_eq!((none.survival(), none.lower()), (&[1.0; 3][..], &[1.0; 3][..]));
        assert!(none.at(-1.0).is_err() && none.at(f64::NAN).is_err() && none.restricted_mean(f64::INFINITY).is_err());
        assert_eq!(curve(&[-0.0], &[true]).unwrap().survival(), [0.0]);
    }
}
