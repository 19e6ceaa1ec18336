use crate::{compare, flags, tolerance};
use eir_core::metrics::{self, Confusion, ZeroDivision};
use eir_core::testing::golden::{Case, Outcome, entry, number, numbers};
use serde_json::Value;
use std::error::Error;

pub(crate) fn classification(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(entry(&file, "cases")?, |case, _, c| {
        // labels are named by any numbers; ours are positions in their list
        let labels = numbers(entry(c, "labels")?)?;
        let class = |key: &str| -> Result<Vec<usize>, Box<dyn Error>> {
            let position = |v: f64| labels.iter().position(|l| *l == v).ok_or("a label is not in the list");
            Ok(numbers(entry(c, key)?)?.into_iter().map(position).collect::<Result<_, _>>()?)
        };
        let (truth, predicted) = (class("y_true")?, class("y_pred")?);
        let weights = entry(c, "weights")?;
        let confusion = if weights.is_null() {
            Confusion::new(&truth, &predicted, labels.len())?
        } else {
            Confusion::weighted(&truth, &predicted, &numbers(weights)?, labels.len())?
        };
        let n = labels.len();
        let each = |f: &dyn Fn(usize) -> f64| (0..n).map(f).collect::<Vec<f64>>();
        let averages = |key: &str, zero: ZeroDivision| match key {
            "precision" => Some(each(&|c| confusion.precision(c, zero))),
            "recall" => Some(each(&|c| confusion.recall(c, zero))),
            "f1" => Some(each(&|c| confusion.f_beta(c, 1.0, zero))),
            "f2" => Some(each(&|c| confusion.f_beta(c, 2.0, zero))),
            _ => None,
        };
        let expected = entry(c, "expected")?;
        case.walk(expected, |case, key, want| {
            let zero = match key {
                "zero_division_zero" => ZeroDivision::Zero,
                "zero_division_one" => ZeroDivision::One,
                "zero_division_nan" => ZeroDivision::Nan,
                _ => {
                    let got = match key {
                        "confusion" => (0..n * n).map(|i| confusion.count_of(i / n, i % n)).collect(),
                        "accuracy" => vec![confusion.accuracy()],
                        "balanced_accuracy" => vec![confusion.balanced_accuracy()],
                        "mcc" => vec![confusion.mcc()],
                        "specificity_each" => each(&|c| confusion.specificity(c, ZeroDivision::Nan)),
                        "npv_each" => each(&|c| confusion.negative_predictive_value(c, ZeroDivision::Nan)),
                        _ => {
                            case.skip(key, "not built yet");
                            return Ok(());
                        }
                    };
                    case.close(key, &got, &numbers(want)?, tolerance);
                    return Ok(());
                }
            };
            case.walk(want, |case, average, of| {
                compare(case, of, tolerance, |key| match average {
                    "each" => averages(key, zero).map(Ok),
                    "macro" => averages(key, zero).map(|v| Ok(vec![confusion.macro_mean(|c| v[c])])),
                    _ => None,
                })
            })
        })
    })?;
    case.walk(entry(&file, "probability_cases")?, |case, _, c| {
        let rows = entry(c, "probability")?.as_array().ok_or("no rows")?;
        let two = rows.iter().all(|r| r.as_array().is_some_and(|r| r.len() == 2));
        let labels = flags(entry(c, "y_true")?)?;
        let p = rows.iter().map(|r| number(r.get(1).unwrap_or(&Value::Null))).collect::<Result<Vec<_>, _>>()?;
        compare(case, entry(c, "expected")?, tolerance, |key| match key {
            "log_loss" if two => Some(metrics::log_loss(&labels, &p).map(|v| vec![v])),
            "brier_binary" if two => Some(metrics::brier(&labels, &p).map(|v| vec![v])),
            _ => None,
        })
    })
}
