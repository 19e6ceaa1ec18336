//! Filters of key points and angles.

use super::kinematics::{Fallible, entry, number};
use eir_core::SampleRate;
use eir_core::testing::golden::{Case, Outcome, Tolerance, numbers};
use eir_vision::kinematics::{ButterworthConfig, MedianEnds, OneEuroConfig, SavitzkyGolayConfig, median_filter_with};
use serde_json::Value;

/// `butterworth4_6hz_filtfilt_30fps` → order 4, 6 Hz, 30 pictures a second.
fn butterworth_key(key: &str) -> Option<(usize, f64, f64)> {
    let (order, rest) = key.strip_prefix("butterworth")?.split_once('_')?;
    let (cutoff, rest) = rest.split_once("hz_filtfilt_")?;
    Some((order.parse().ok()?, cutoff.parse().ok()?, rest.strip_suffix("fps")?.parse().ok()?))
}

/// `savgol_11_3` → 11 values, degree 3.
fn savgol_key(key: &str) -> Option<(usize, usize)> {
    let (window, degree) = key.strip_prefix("savgol_")?.split_once('_')?;
    Some((window.parse().ok()?, degree.parse().ok()?))
}

/// One setting, at even and uneven times; the live form must give the same bits.
fn one_euro(case: &mut Case, reference: &Value, x: &[f64], setting: &Value) -> Outcome {
    let value = |key: &str| -> Fallible<f64> { number(entry(setting, key)?) };
    let config = OneEuroConfig::default()
        .with_min_cutoff_hz(value("min_cutoff")?)
        .with_beta(value("beta")?)
        .with_derivative_cutoff_hz(value("d_cutoff")?);
    let filter = config.build()?;
    for (key, times) in [("regular", "t"), ("irregular", "t_irregular")] {
        let times = numbers(entry(reference, times)?)?;
        let got = filter.filter(&times, x)?;
        case.close(key, &got, &numbers(entry(setting, key)?)?, Tolerance::absolute(1e-10));
        let mut live = filter.stream();
        let live = times.iter().zip(x).map(|(t, x)| live.push(*t, *x)).collect::<Result<Vec<f64>, _>>()?;
        case.close(&format!("{key}, live"), &live, &got, Tolerance::Exact);
    }
    Ok(())
}

pub(crate) fn smoothing(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let x = numbers(entry(&reference, "x")?)?;
    case.walk(&reference, |case, key, value| {
        if let Some((order, cutoff, rate)) = butterworth_key(key) {
            let config = ButterworthConfig::default().with_order(order).with_cutoff_hz(cutoff);
            let filter = config.build(SampleRate::new(rate)?)?;
            let (b, a) = filter.coefficients();
            case.close("b", b, &numbers(entry(value, "b")?)?, Tolerance::absolute(1e-10));
            case.close("a", a, &numbers(entry(value, "a")?)?, Tolerance::absolute(1e-10));
            case.close("y", &filter.filter(&x)?, &numbers(entry(value, "y")?)?, Tolerance::absolute(1e-8));
        } else if let Some(window) = key.strip_prefix("median_") {
            // the reference is SciPy's, which sees zeros beyond the ends
            let got = median_filter_with(&x, window.parse()?, MedianEnds::Zeros)?;
            case.close(key, &got, &numbers(value)?, Tolerance::absolute(1e-10));
        } else if let Some((window, degree)) = savgol_key(key) {
            let filter = SavitzkyGolayConfig::default().with_window(window).with_degree(degree);
            let got = filter.build(SampleRate::new(1.0)?)?.filter(&x)?;
            case.close(key, &got, &numbers(value)?, Tolerance::absolute(1e-10));
        } else if key == "one_euro" {
            return case.walk(value, |case, _, setting| one_euro(case, &reference, &x, setting));
        } else if !matches!(key, "x" | "t" | "t_irregular" | "note") {
            case.skip(key, "not built yet");
        }
        Ok(())
    })
}
