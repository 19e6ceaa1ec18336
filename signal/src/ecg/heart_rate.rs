//! Heart rate at every sample.

use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{Parameter, TooShort};

/// The heart rate in beats a minute at each of `length` samples, from the places of the beats.
///
/// **Use it** to draw the heart rate over a recording or to compare it with another signal of the same length. **Not**
/// as input of a spectrum: it is smoother than the intervals.
///
/// # Formula
/// The interval that ends at a beat belongs to it (to the first beat the mean of all); between the beats they are joined
/// by the monotone cubic of Fritsch and Butland, before the first and behind the last held; 60 over the interval.
///
/// # Examples
/// ```
/// let rate = eir_core::SampleRate::new(250.0)?;
/// let bpm = eir_signal::ecg::heart_rate_bpm(&[100, 350, 600, 850, 1100], 1250, rate)?;
/// assert_eq!((bpm.len(), bpm[0].round(), bpm[700].round()), (1250, 60.0, 60.0));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`] below four beats; [`Parameter`] if the beats do not rise or lie beyond `length`.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `signal_rate` within 1e-9 on the golden set.
///
/// # References
/// Fritsch, Butland 1984, doi:10.1137/0905021.
pub fn heart_rate_bpm(beats: &[usize], length: usize, rate: SampleRate) -> Result<Vec<f64>> {
    if beats.len() < 4 {
        return Err(TooShort::new("beats", beats.len(), 4).into());
    }
    if let Some(pair) = beats.windows(2).find(|w| w[0] >= w[1]) {
        return Err(Parameter::new("beats", pair[1] as f64, "rising").into());
    }
    let (first, last) = (beats[0], beats[beats.len() - 1]);
    if last >= length {
        return Err(Parameter::new("beats", last as f64, "within the length").into());
    }
    let mut periods: Vec<f64> = beats.windows(2).map(|w| rate.seconds(w[1] - w[0])).collect();
    let mean = periods.iter().sum::<f64>() / periods.len() as f64;
    periods.insert(0, mean);
    let steps: Vec<f64> = beats.windows(2).map(|w| (w[1] - w[0]) as f64).collect();
    let slopes = slopes(&steps, &periods);
    let mut bpm = vec![60.0 / periods[0]; length];
    for (k, pair) in beats.windows(2).enumerate() {
        let (h, y0, y1, d0, d1) = (steps[k], periods[k], periods[k + 1], slopes[k], slopes[k + 1]);
        let rise = (y1 - y0) / h;
        let (c, b) = ((3.0 * rise - 2.0 * d0 - d1) / h, (d0 - 2.0 * rise + d1) / (h * h));
        for (i, v) in bpm[pair[0]..=pair[1]].iter_mut().enumerate() {
            let s = i as f64;
            *v = 60.0 / (y0 + s * (d0 + s * (c + s * b)));
        }
    }
    let end = bpm[last];
    bpm[last..].fill(end);
    let start = bpm[first];
    bpm[..first].fill(start);
    Ok(bpm)
}

/// Slopes at the knots that keep the curve monotone.
fn slopes(steps: &[f64], y: &[f64]) -> Vec<f64> {
    let rises: Vec<f64> = steps.iter().zip(y.windows(2)).map(|(h, w)| (w[1] - w[0]) / h).collect();
    let n = rises.len();
    let mut slopes = Vec::with_capacity(n + 1);
    slopes.push(end_slope(steps[0], steps[1], rises[0], rises[1]));
    for k in 1..n {
        let (a, b) = (rises[k - 1], rises[k]);
        let (w1, w2) = (2.0 * steps[k] + steps[k - 1], steps[k] + 2.0 * steps[k - 1]);
        slopes.push(if a * b <= 0.0 { 0.0 } else { (w1 + w2) / (w1 / a + w2 / b) });
    }
    slopes.push(end_slope(steps[n - 1], steps[n - 2], rises[n - 1], rises[n - 2]));
    slopes
}

/// Three-point formula at an end, limited so that the curve stays monotone.
fn end_slope(h0: f64, h1: f64, m0: f64, m1: f64) -> f64 {
    let d = ((2.0 * h0 + h1) * m0 - h0 * m1) / (h0 + h1);
    if d * m0 <= 0.0 {
        0.0
    } else if m0 * m1 <= 0.0 && d.abs() > 3.0 * m0.abs() {
        3.0 * m0
    } else {
        d
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.interpolate.PchipInterpolator([0, 1, 3, 4], [1, 2, 2.5, 4])` has slopes 1.25, 0.3…, and passes its knots.
    #[test]
    fn passes_the_knots_and_stays_between() {
        let rate = SampleRate::new(100.0).unwrap();
        let beats = [50, 150, 230, 340, 420, 540];
        let bpm = heart_rate_bpm(&beats, 600, rate).unwrap();
        for pair in beats.windows(2) {
            assert!((bpm[pair[1]] - 6000.0 / (pair[1] - pair[0]) as f64).abs() < 1e-9);
            let (low, high) = (bpm[pair[0]].min(bpm[pair[1]]), bpm[pair[0]].max(bpm[pair[1]]));
            assert!(bpm[pair[0]..=pair[1]].iter().all(|v| (low - 1e-9..=high + 1e-9).contains(v)));
        }
        assert_eq!((bpm[0], bpm[599]), (bpm[50], bpm[540]));
    }

    #[test]
    fn says_what_is_wrong() {
        let rate = SampleRate::new(100.0).unwrap();
        assert!(heart_rate_bpm(&[1, 2, 3], 10, rate).is_err());
        assert!(heart_rate_bpm(&[1, 2, 2, 4], 10, rate).is_err());
        assert!(heart_rate_bpm(&[1, 2, 3, 10], 10, rate).is_err());
    }
}
