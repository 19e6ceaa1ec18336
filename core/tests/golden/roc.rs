use crate::{compare, flags, tolerance};
use eir_core::Estimate;
use eir_core::inference::{AurocComparison, DeLong, hanley_mcneil_standard_error};
use eir_core::metrics::{self, PrecisionRecallCurve, RocCurve};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use serde_json::Value;

pub(crate) fn roc(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    let of_p = Tolerance::absolute(number(entry(&file, "tolerance_p")?)?);
    case.walk(entry(&file, "cases")?, |case, _, c| scores(case, c, tolerance, of_p))?;
    case.walk(entry(&file, "edge")?, |case, _, c| edge(case, c, tolerance))
}

fn scores(case: &mut Case, c: &Value, tolerance: Tolerance, of_p: Tolerance) -> Outcome {
    let (labels, scores) = (flags(entry(c, "y_true")?)?, numbers(entry(c, "score")?)?);
    let (second, weights) = (numbers(entry(c, "score2")?)?, numbers(entry(c, "weights")?)?);
    let roc = [RocCurve::new(&labels, &scores)?, RocCurve::weighted(&labels, &scores, &weights)?];
    let pr =
        [PrecisionRecallCurve::new(&labels, &scores)?, PrecisionRecallCurve::weighted(&labels, &scores, &weights)?];
    let delong = DeLong::new(&labels, &[&scores, &second])?;
    let positives = labels.iter().filter(|l| **l).count();
    case.walk(entry(c, "expected")?, |case, key, want| {
        let weighted = usize::from(key.ends_with("_weighted"));
        let got = match key.trim_end_matches("_weighted") {
            "roc" => {
                return compare(case, want, tolerance, |key| match key {
                    "fpr" => Some(Ok(roc[weighted].false_positive_rates().to_vec())),
                    "tpr" => Some(Ok(roc[weighted].true_positive_rates().to_vec())),
                    "threshold" => Some(Ok(roc[weighted].thresholds().to_vec())),
                    _ => None,
                });
            }
            "pr" => {
                return compare(case, want, tolerance, |key| match key {
                    "precision" => Some(Ok(pr[weighted].precisions().to_vec())),
                    "recall" => Some(Ok(pr[weighted].recalls().to_vec())),
                    "threshold" => Some(Ok(pr[weighted].thresholds().to_vec())),
                    _ => None,
                });
            }
            "youden" => {
                return compare(case, want, tolerance, |key| match key {
                    "j" => Some(Ok(vec![roc[0].youden().youden_index()])),
                    "threshold" => Some(Ok(vec![roc[0].youden().threshold])),
                    _ => None,
                });
            }
            "delong" => return of_delong(case, want, &delong, tolerance, of_p),
            "pROC" => return of_proc(case, want, &delong, &roc[0], tolerance, of_p),
            "auroc" if weighted == 1 => metrics::auroc_weighted(&labels, &scores, &weights)?,
            "auroc" => metrics::auroc(&labels, &scores)?,
            "average_precision" if weighted == 1 => metrics::average_precision_weighted(&labels, &scores, &weights)?,
            "average_precision" => metrics::average_precision(&labels, &scores)?,
            "pr_auc_trapezoid" => pr[weighted].trapezoid_area(),
            "hanley_mcneil_se" => hanley_mcneil_standard_error(roc[0].auroc(), positives, labels.len() - positives)?,
            name => match (name.strip_prefix("sensitivity_at_specificity_"), percent_of(name)) {
                (Some(specificity), _) => roc[0].sensitivity_at_specificity(specificity.parse()?)?,
                (None, Some(max_fpr)) => roc[0].partial_auroc(max_fpr)?,
                _ => return Err(format!("{key} is not known").into()),
            },
        };
        case.value(key, got, number(want)?, tolerance);
        Ok(())
    })?;
    // the curves' own areas are the numbers of the functions
    let want = [metrics::auroc(&labels, &scores)?, metrics::average_precision(&labels, &scores)?];
    case.close("areas_of_curves", &[roc[0].auroc(), pr[0].average_precision()], &want, tolerance);
    Ok(())
}

/// 0.2 of `partial_auroc_fpr20_mcclish`.
fn percent_of(name: &str) -> Option<f64> {
    let percent = name.strip_prefix("partial_auroc_fpr")?.strip_suffix("_mcclish")?;
    percent.parse::<f64>().ok().map(|v| v / 100.0)
}

fn ends(estimate: &Estimate) -> Vec<f64> {
    vec![estimate.lower, estimate.upper]
}

/// The level in the name of an interval: `ci95_logit`.
fn level_of(name: &str) -> Option<f64> {
    let digits: String = name.strip_prefix("ci")?.chars().take_while(char::is_ascii_digit).collect();
    digits.parse::<f64>().ok().map(|v| v / 100.0)
}

fn of_delong(case: &mut Case, want: &Value, delong: &DeLong, tolerance: Tolerance, of_p: Tolerance) -> Outcome {
    case.walk(want, |case, key, want| {
        let pairs = [(0, 0), (0, 1), (1, 0), (1, 1)];
        let got = match (key, level_of(key)) {
            ("paired", _) => return paired(case, want, delong, tolerance, of_p),
            ("auroc", _) => vec![delong.auroc(0), delong.auroc(1)],
            ("covariance", _) => pairs.map(|(a, b)| delong.covariance(a, b)).to_vec(),
            (_, Some(level)) if key.ends_with("_clipped") => ends(&delong.interval(0, level)?),
            (_, Some(level)) if key.ends_with("_logit") => ends(&delong.logit_interval(0, level)?),
            _ => return Err(format!("{key} is not known").into()),
        };
        case.close(key, &got, &numbers(want)?, tolerance);
        Ok(())
    })
}

fn paired(case: &mut Case, want: &Value, delong: &DeLong, tolerance: Tolerance, of_p: Tolerance) -> Outcome {
    let compare = |level: f64| -> Result<AurocComparison, eir_core::Error> { delong.compare(0, 1, level) };
    case.walk(want, |case, key, want| {
        let (got, tolerance) = match (key, level_of(key)) {
            ("difference", _) => (vec![compare(0.95)?.difference.value], tolerance),
            ("z", _) => (vec![compare(0.95)?.z], tolerance),
            ("p", _) => (vec![compare(0.95)?.p], of_p),
            (_, Some(level)) => (ends(&compare(level)?.difference), tolerance),
            _ => return Err(format!("{key} is not known").into()),
        };
        case.close(key, &got, &numbers(want)?, tolerance);
        Ok(())
    })
}

/// R's pROC on the same scores, with its defaults: 95 % and a corrected partial area of specificity 1 to 0.8.
fn of_proc(
    case: &mut Case,
    want: &Value,
    delong: &DeLong,
    roc: &RocCurve,
    tolerance: Tolerance,
    of_p: Tolerance,
) -> Outcome {
    let (interval, test) = (delong.interval(0, 0.95)?, delong.compare(0, 1, 0.95)?);
    case.walk(want, |case, key, want| {
        let (got, tolerance) = match key {
            "auc" => (vec![delong.auroc(0), delong.auroc(1)], tolerance),
            "var" => ([(0, 0), (1, 1), (0, 1)].map(|(a, b)| delong.covariance(a, b)).to_vec(), tolerance),
            "ci" => (vec![interval.lower, interval.value, interval.upper], tolerance),
            "z" => (vec![test.z], tolerance),
            "p" => (vec![test.p], of_p),
            "pauc" => (vec![roc.partial_auroc(0.2)?], tolerance),
            _ => return Err(format!("{key} is not known").into()),
        };
        case.close(key, &got, &numbers(want)?, tolerance);
        Ok(())
    })
}

fn edge(case: &mut Case, c: &Value, tolerance: Tolerance) -> Outcome {
    let (labels, scores) = (flags(entry(c, "y_true")?)?, numbers(entry(c, "score")?)?);
    let delong = DeLong::new(&labels, &[&scores]);
    case.walk(c, |case, key, want| {
        let got = match key {
            "name" | "y_true" | "score" | "why" => return Ok(()),
            "auroc" => metrics::auroc(&labels, &scores),
            "delong_variance" => delong.as_ref().map(|d| d.covariance(0, 0)).map_err(Clone::clone),
            _ => return Err(format!("{key} is not known").into()),
        };
        // null stands for an error
        match (got, number(want)?) {
            (Ok(got), want) => case.value(key, got, want, tolerance),
            (Err(error), want) => case.holds(key, want.is_nan(), &error.to_string()),
        }
        Ok(())
    })?;
    if let Ok(delong) = &delong {
        // never a point for an interval, also where the variance is 0
        let wide = |e: Result<Estimate, eir_core::Error>| e.map_or(true, |e| e.lower < e.upper);
        let holds = wide(delong.interval(0, 0.95)) && wide(delong.logit_interval(0, 0.95));
        case.holds("interval_is_no_point", holds, "the interval is a point");
    }
    Ok(())
}
