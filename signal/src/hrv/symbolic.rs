//! Symbolic dynamics.

use super::check;
use crate::Result;
use crate::entropy::{NoAnswer, enough};
use eir_core::error::Parameter;
use eir_core::metrics::sorted_quantile;
use serde::{Deserialize, Serialize};

/// The shares of words of three symbols by how they vary; they add up to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SymbolicDynamics {
    /// All three alike (0V): sympathetic.
    pub none: f64,
    /// Two neighbours alike, one not (1V).
    pub one: f64,
    /// Two changes in the same direction (2LV).
    pub two_like: f64,
    /// Two changes in opposite directions (2UV): vagal.
    pub two_unlike: f64,
}

/// The symbolic dynamics of the intervals `rr_ms` with `levels` levels of equal probability (usually 4).
///
/// **Use it** on 250 and more beats, as an index of autonomic balance without a spectrum. **Not** on coarsely quantised
/// intervals, which cannot be cut into equal levels.
///
/// # Formula
/// A level is the number of inner quantiles (linear interpolation) that an interval reaches; words overlap.
///
/// # Examples
/// ```
/// let rr: Vec<f64> = (0..400).map(|i| 800.0 + 50.0 * (f64::from(i) * 0.05).sin()).collect();
/// let found = eir_signal::hrv::symbolic_dynamics(&rr, 4)?;
/// assert!(found.none > 0.8 && found.two_unlike == 0.0);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// As [`time_domain`](super::time_domain); [`Parameter`] unless there are 2 to 64 levels; [`NoAnswer`] for intervals that do
/// not vary.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `hrv_nonlinear` within 1e-9 on all series of the golden set up to 1200 beats.
///
/// # References
/// Porta et al. 2007, doi:10.1152/ajpheart.00006.2007. Cysarz et al. 2018, doi:10.1088/1361-6579/aae302.
pub fn symbolic_dynamics(rr_ms: &[f64], levels: usize) -> Result<SymbolicDynamics> {
    check(rr_ms, 3)?;
    if !(2..=64).contains(&levels) {
        return Err(Parameter::new("levels", levels as f64, "2 to 64").into());
    }
    Ok(measure(rr_ms, levels)?)
}

pub(super) fn measure(rr_ms: &[f64], levels: usize) -> std::result::Result<SymbolicDynamics, NoAnswer> {
    enough(rr_ms, 3)?;
    let mut sorted = rr_ms.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    if sorted.first() == sorted.last() {
        return Err(NoAnswer::Constant);
    }
    let limits: Vec<f64> = (1..levels).filter_map(|k| sorted_quantile(&sorted, k as f64 / levels as f64)).collect();
    let symbols: Vec<usize> = rr_ms.iter().map(|v| limits.partition_point(|l| l <= v)).collect();
    let mut counts = [0.0; 4];
    for w in symbols.windows(3) {
        let (first, second) = (w[0].cmp(&w[1]), w[1].cmp(&w[2]));
        let kind = match (first.is_eq(), second.is_eq()) {
            (true, true) => 0,
            (true, false) | (false, true) => 1,
            (false, false) => 2 + usize::from(first != second),
        };
        counts[kind] += 1.0;
    }
    let [none, one, two_like, two_unlike] = counts.map(|c| c / (symbols.len() - 2) as f64);
    Ok(SymbolicDynamics { none, one, two_like, two_unlike })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart() {
        let found = symbolic_dynamics(&[800.0, 900.0].repeat(10), 2).unwrap();
        assert_eq!(found.two_unlike, 1.0);
        let found = symbolic_dynamics(&(0..40).map(|i| 800.0 + f64::from(i)).collect::<Vec<_>>(), 40).unwrap();
        assert_eq!(found.two_like, 1.0);
        assert!(symbolic_dynamics(&[800.0; 9], 4).is_err() && symbolic_dynamics(&[800.0, 1.0, 2.0], 1).is_err());
    }
}
