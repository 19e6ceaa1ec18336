//! Calibration and conformal sets of a classifier's logits: core's functions on this crate's reference.

use crate::kinematics::{Fallible, entry, number};
use eir_core::Rows;
use eir_core::calibration::{Binning, Reliability, Temperature, TemperatureCalibrator};
use eir_core::conformal::{Alpha, Aps, ClassScore, Lac, Raps, SetPredictor};
use eir_core::testing::golden::{Case, Outcome, Tolerance, numbers};
use serde_json::Value;

const WITHIN: f64 = 1e-9;

/// Logits and classes of one half.
struct Half {
    logits: Vec<f64>,
    labels: Vec<usize>,
    columns: usize,
}

impl Half {
    fn rows(&self) -> Fallible<Rows<'_>> {
        Ok(Rows::new(&self.logits, self.columns)?)
    }
}

/// The first rows calibrate, the last ones test: how many, the reference says in words.
fn halves(file: &Value) -> Fallible<[Half; 2]> {
    let labels: Vec<usize> = numbers(entry(file, "labels")?)?.into_iter().map(|v| v as usize).collect();
    let logits = numbers(entry(file, "logits")?)?;
    let columns = logits.len() / labels.len().max(1);
    let words = entry(file, "split")?.as_str().unwrap_or_default();
    let counts: Vec<usize> = words.split(|c: char| !c.is_ascii_digit()).filter_map(|w| w.parse().ok()).collect();
    let [first, last] = *counts.as_slice() else { return Err("the split has two numbers".into()) };
    let half = |from: usize, to: usize| -> Fallible<Half> {
        let labels = labels.get(from..to).ok_or("a half beyond the rows")?.to_vec();
        let logits = logits.get(from * columns..to * columns).ok_or("a half beyond the rows")?.to_vec();
        Ok(Half { logits, labels, columns })
    };
    Ok([half(0, first)?, half(labels.len() - last, labels.len())?])
}

pub(crate) fn conformal(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let [calibration, test] = halves(&file)?;
    let fitted = Temperature::default().fit_classes(&calibration.labels, calibration.rows()?)?;
    case.walk(entry(&file, "results")?, |case, name, want| {
        // a search finds the temperature to about 1e-8: what follows is compared at the reference's own
        let calibrator = TemperatureCalibrator::new(number(entry(want, "T")?)?)?;
        let probabilities = [&calibration, &test].map(|half| half.rows().map(|rows| calibrator.predict_classes(rows)));
        let [before, after] = probabilities;
        let (before, after) = (before?, after?);
        let [before, after] = [Rows::new(&before, calibration.columns)?, Rows::new(&after, test.columns)?];
        let right = after.into_iter().zip(&test.labels).filter(|(row, y)| {
            let best = (0..row.len()).fold(0, |b, i| if row[i] > row[b] { i } else { b });
            best == **y
        });
        let accuracy = right.count() as f64 / test.labels.len() as f64;
        let squares = after.into_iter().zip(&test.labels).map(|(row, y)| {
            row.iter().enumerate().map(|(c, p)| (p - f64::from(u8::from(c == *y))).powi(2)).sum::<f64>()
        });
        let brier = squares.sum::<f64>() / test.labels.len() as f64;
        case.walk(want, |case, key, want| {
            let within = Tolerance::absolute(WITHIN);
            match key {
                "T" if name == "raw" => case.value(key, 1.0, number(want)?, Tolerance::Exact),
                "T" => case.value(key, fitted.temperature, number(want)?, Tolerance::absolute(1e-5)),
                "nll_cal" => {
                    let loss = calibrator.cross_entropy(&calibration.labels, calibration.rows()?)?;
                    case.value(key, loss, number(want)?, within);
                }
                "nll_test" => {
                    let loss = calibrator.cross_entropy(&test.labels, test.rows()?)?;
                    case.value(key, loss, number(want)?, within);
                }
                "brier_test" => case.value(key, brier, number(want)?, within),
                "acc_test" => case.value(key, accuracy, number(want)?, Tolerance::absolute(1e-12)),
                "lac" => sets(case, want, Lac::default(), false, [before, after], [&calibration, &test], within)?,
                "aps_deterministic" => {
                    let alpha = want.get("alpha").cloned();
                    let mut want = want.clone();
                    if alpha.is_none() {
                        want["alpha"] = entry(entry(entry(&file, "results")?, name)?, "lac")?["alpha"].clone();
                    }
                    let halves = [&calibration, &test];
                    sets(case, &want, Aps::deterministic(), true, [before, after], halves, within)?;
                    // no penalty makes RAPS APS
                    sets(case, &want, Raps::deterministic(0.0, 1), true, [before, after], halves, within)?;
                }
                _ => {
                    let bins = key.strip_prefix("ece").and_then(|k| k.strip_suffix("_test"));
                    let bins = bins.and_then(|b| b.parse().ok()).ok_or("nothing of ours has this name")?;
                    let curve = Reliability::top_label(&test.labels, after, Binning::EqualWidth(bins))?;
                    case.value(key, curve.ece(), number(want)?, within);
                }
            }
            Ok(())
        })
    })
}

/// Threshold, coverage and mean size of the sets of one score.
fn sets<S: ClassScore + Clone>(
    case: &mut Case,
    want: &Value,
    score: S,
    with_first: bool,
    [before, after]: [Rows<'_>; 2],
    [calibration, test]: [&Half; 2],
    within: Tolerance,
) -> Outcome {
    let alpha = Alpha::new(number(entry(want, "alpha")?)?)?;
    let fitted =
        SetPredictor::new(score).with_alpha(alpha).with_never_empty(with_first).fit(before, &calibration.labels)?;
    let found = fitted.predict(after)?;
    let n = test.labels.len();
    let covered = (0..n).filter(|i| found.contains(*i, test.labels[*i])).count();
    case.walk(want, |case, key, want| {
        let threshold = fitted.thresholds().first().ok_or("there is no threshold")?;
        match key {
            "alpha" => {}
            "k" => case.equal(key, &threshold.rank(), &Some(number(want)? as usize)),
            "qhat" => case.value(key, threshold.q(), number(want)?, within),
            // one set that differs would be 1/n off: these are the same sets
            "coverage" => case.value(key, covered as f64 / n as f64, number(want)?, Tolerance::absolute(1e-12)),
            "mean_size" => case.value(key, found.mean_size(), number(want)?, Tolerance::absolute(1e-12)),
            other => return Err(format!("nothing of ours is named {other}").into()),
        }
        Ok(())
    })
}
