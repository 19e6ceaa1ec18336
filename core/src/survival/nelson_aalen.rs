use super::{Leaving, life_table};
use crate::Error;
use crate::distribution::normal_quantile;
use crate::estimate::check_level;
use serde::{Deserialize, Serialize};

/// Nelson and Aalen's estimate of the cumulative hazard, with its interval. O(n log n).
///
/// **Use it** to see whether a hazard is constant (the curve is then straight), and for Cox–Snell residuals. For the
/// share without event: [`KaplanMeier`](super::KaplanMeier).
///
/// # Formula
/// H(t) = Σ dᵢ/nᵢ over the times up to t, with d events among n at risk; interval H exp(± z √v / H) with v = Σ dᵢ/nᵢ².
///
/// # Examples
/// ```
/// use eir_core::survival::NelsonAalen;
/// let curve = NelsonAalen::new(&[1.0, 2.0, 2.0, 3.0], &[true, true, false, true], 0.95)?;
/// assert!((curve.hazard()[2] - (1.0 / 4.0 + 1.0 / 3.0)).abs() < 1e-15);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// The hazard agrees with lifelines 0.30.3 (without smoothing of ties) within 1e-10 on `reference/core/survival.json`.
///
/// # References
/// Aalen 1978, doi:10.1214/aos/1176344247.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NelsonAalen {
    time: Vec<f64>,
    hazard: Vec<f64>,
    lower: Vec<f64>,
    upper: Vec<f64>,
}

impl NelsonAalen {
    /// The curve of patients who left at `time`, with an `event` or censored; intervals at `level` (0.95).
    ///
    /// # Errors
    /// As [`KaplanMeier::new`](super::KaplanMeier::new).
    pub fn new(time: &[f64], event: &[bool], level: f64) -> Result<Self, Error> {
        check_level(level)?;
        let z = normal_quantile(0.5 + level / 2.0);
        let mut curve = Self { time: vec![], hazard: vec![], lower: vec![], upper: vec![] };
        let (mut hazard, mut variance) = (0.0, 0.0f64);
        for Leaving { time, at_risk, events } in life_table(time, event)? {
            let (n, d) = (at_risk as f64, events as f64);
            hazard += d / n;
            variance += d / (n * n);
            let factor = if hazard > 0.0 { libm::exp(z * variance.sqrt() / hazard) } else { 1.0 };
            curve.time.push(time);
            curve.hazard.push(hazard);
            curve.lower.push(hazard / factor);
            curve.upper.push(hazard * factor);
        }
        Ok(curve)
    }

    /// The distinct times at which somebody left, ascending, with 0 before them.
    #[must_use]
    pub fn time(&self) -> &[f64] {
        &self.time
    }

    /// The cumulative hazard from each of the [times](Self::time) on.
    #[must_use]
    pub fn hazard(&self) -> &[f64] {
        &self.hazard
    }

    /// Lower end of the interval of each [hazard](Self::hazard).
    #[must_use]
    pub fn lower(&self) -> &[f64] {
        &self.lower
    }

    /// Upper end of the interval of each [hazard](Self::hazard).
    #[must_use]
    pub fn upper(&self) -> &[f64] {
        &self.upper
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    /// Of times with a constant hazard 1, about 95 % of the intervals at 1 hold 1.
    #[test]
    fn intervals_keep_their_level() {
        let generator = Generator::new(3, "hazard");
        let draws = 2000;
        let holds = (0..draws).filter(|draw| {
            let mut stream = generator.stream(*draw);
            let (time, event): (Vec<f64>, Vec<bool>) = (0..60)
                .map(|_| {
                    let (event, end) = (stream.exponential(), 2.0 * stream.exponential());
                    (event.min(end), event <= end)
                })
                .unzip();
            let curve = NelsonAalen::new(&time, &event, 0.95).unwrap();
            let i = curve.time().partition_point(|t| *t <= 1.0) - 1;
            (curve.lower()[i]..=curve.upper()[i]).contains(&1.0)
        });
        let share = holds.count() as f64 / draws as f64;
        assert!((share - 0.95).abs() < 0.02, "{share}");
    }
}
