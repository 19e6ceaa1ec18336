//! Asymmetry of the Poincaré plot.

use super::check;
use crate::Result;
use crate::entropy::{NoAnswer, enough, mean};
use serde::{Deserialize, Serialize};
use std::f64::consts::FRAC_PI_4;

/// What decelerations and accelerations of the heart contribute, each for itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Asymmetry {
    /// Guzik's index: distances from the line of decelerations, in percent of all.
    pub guzik: f64,
    /// Slope index: angles of decelerations, in percent of all.
    pub slope: f64,
    /// Area index: sectors of decelerations, in percent of all.
    pub area: f64,
    /// Porta's index: accelerations, in percent of all pairs that differ.
    pub porta: f64,
    /// Short-term variability of decelerations.
    pub sd1_decelerations_ms: f64,
    /// Short-term variability of accelerations.
    pub sd1_accelerations_ms: f64,
    /// Long-term variability of decelerations.
    pub sd2_decelerations_ms: f64,
    /// Long-term variability of accelerations.
    pub sd2_accelerations_ms: f64,
    /// Total variability of decelerations.
    pub sdnn_decelerations_ms: f64,
    /// Total variability of accelerations.
    pub sdnn_accelerations_ms: f64,
}

impl Asymmetry {
    /// Share of decelerations in short-term variability (C1d); that of accelerations is 1 less this.
    #[must_use]
    pub fn short_term_share(&self) -> f64 {
        share(self.sd1_decelerations_ms, self.sd1_accelerations_ms)
    }

    /// Share of decelerations in long-term variability (C2d).
    #[must_use]
    pub fn long_term_share(&self) -> f64 {
        share(self.sd2_decelerations_ms, self.sd2_accelerations_ms)
    }

    /// Share of decelerations in total variability (Cd).
    #[must_use]
    pub fn total_share(&self) -> f64 {
        share(self.sdnn_decelerations_ms, self.sdnn_accelerations_ms)
    }
}

fn share(of: f64, other: f64) -> f64 {
    of * of / (of * of + other * other)
}

/// The asymmetry of the Poincaré plot of the intervals `rr_ms`.
///
/// **Use it** on some hundred steady beats. **Not** on a stretch with a trend: it is all acceleration or deceleration.
///
/// # Formula
/// Sums over the points above the line of identity (decelerations) of distance, angle and sector area, over the sums of
/// all; variances of decelerations and accelerations around the line and along it, `n − 1` below, points on the line
/// counted half to each.
///
/// # Examples
/// ```
/// // the heart slows in one step and speeds up in three
/// let rr: Vec<f64> = [800.0, 830.0, 820.0, 810.0].repeat(50);
/// let found = eir_signal::hrv::asymmetry(&rr)?;
/// assert!((found.guzik - 50.0).abs() < 1.0 && found.porta > 74.0);
/// assert!(found.short_term_share() > 0.7);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// As [`time_domain`](super::time_domain); [`NoAnswer`] if no two successive intervals differ.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `hrv_nonlinear` within 1e-9 on all series of the golden set up to 1200 beats.
///
/// # References
/// Piskorski, Guzik 2011, Med. Biol. Eng. Comput. 49:1289. Yan et al. 2017, Biomed. Eng. Online 16:112.
pub fn asymmetry(rr_ms: &[f64]) -> Result<Asymmetry> {
    check(rr_ms, 3)?;
    Ok(measure(rr_ms)?)
}

pub(super) fn measure(rr_ms: &[f64]) -> std::result::Result<Asymmetry, NoAnswer> {
    enough(rr_ms, 3)?;
    let n = rr_ms.len() - 1;
    let (mx, my) = (mean(&rr_ms[..n]), mean(&rr_ms[1..]));
    // distance, angle, sector, count, distance², distance along² of decelerations, accelerations and neither
    let mut sums = [[0.0f64; 6]; 3];
    for w in rr_ms.windows(2) {
        let (x, y) = (w[0], w[1]);
        let kind = if y > x {
            0
        } else if y < x {
            1
        } else {
            2
        };
        let distance = (y - x).abs() / std::f64::consts::SQRT_2;
        let angle = (FRAC_PI_4 - (y / x).atan()).abs();
        let sector = 0.5 * angle * (x * x + y * y);
        let along = ((x - mx) + (y - my)).powi(2) / 2.0;
        let values = [distance, angle, sector, 1.0, distance * distance, along];
        sums[kind].iter_mut().zip(values).for_each(|(s, v)| *s += v);
    }
    let [slower, faster, same] = sums;
    if slower[3] + faster[3] == 0.0 {
        return Err(NoAnswer::Constant);
    }
    let percent = |k: usize| 100.0 * slower[k] / (slower[k] + faster[k]);
    let below = n as f64 - 1.0;
    let sd1 = |of: [f64; 6]| (of[4] / below).sqrt();
    let sd2 = |of: [f64; 6]| ((of[5] + 0.5 * same[5]) / below).sqrt();
    let sdnn = |of: [f64; 6]| (0.5 * (sd1(of).powi(2) + sd2(of).powi(2))).sqrt();
    Ok(Asymmetry {
        guzik: percent(0),
        slope: percent(1),
        area: percent(2),
        porta: 100.0 * faster[3] / (slower[3] + faster[3]),
        sd1_decelerations_ms: sd1(slower),
        sd1_accelerations_ms: sd1(faster),
        sd2_decelerations_ms: sd2(slower),
        sd2_accelerations_ms: sd2(faster),
        sdnn_decelerations_ms: sdnn(slower),
        sdnn_accelerations_ms: sdnn(faster),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turned_round_it_is_the_other_way_round() {
        let rr: Vec<f64> = (0..200u32).map(|i| 800.0 + f64::from(i * i % 67)).collect();
        let back: Vec<f64> = rr.iter().rev().copied().collect();
        let (there, back) = (asymmetry(&rr).unwrap(), asymmetry(&back).unwrap());
        assert!((there.guzik + back.guzik - 100.0).abs() < 1e-9);
        assert!((there.short_term_share() + back.short_term_share() - 1.0).abs() < 1e-9);
        assert!(asymmetry(&[800.0; 20]).is_err());
    }
}
