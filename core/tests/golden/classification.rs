use crate::{compare, flags, tolerance};
use eir_core::metrics::{self, Average, ClassProbabilities, Confusion, KappaWeights, ZeroDivision};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, numbers};
use eir_core::{Error, Rows};
use serde_json::Value;

pub(crate) fn classification(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(entry(&file, "cases")?, |case, _, c| confusion(case, c, tolerance))?;
    case.walk(entry(&file, "probability_cases")?, |case, _, c| probability(case, c, tolerance))
}

fn confusion(case: &mut Case, c: &Value, tolerance: Tolerance) -> Outcome {
    // labels are named by any numbers; ours are positions in their list
    let labels = numbers(entry(c, "labels")?)?;
    let class = |key: &str| -> Result<Vec<usize>, Box<dyn std::error::Error>> {
        let position = |v: f64| labels.iter().position(|l| *l == v).ok_or("a label is not in the list");
        Ok(numbers(entry(c, key)?)?.into_iter().map(position).collect::<Result<_, _>>()?)
    };
    let (truth, predicted) = (class("y_true")?, class("y_pred")?);
    let weights = entry(c, "weights")?;
    let n = labels.len();
    let confusion = if weights.is_null() {
        Confusion::new(&truth, &predicted, n)?
    } else {
        Confusion::weighted(&truth, &predicted, &numbers(weights)?, n)?
    };
    let each = |f: &dyn Fn(usize) -> f64| (0..n).map(f).collect::<Vec<f64>>();
    case.walk(entry(c, "expected")?, |case, key, want| {
        let got = match key {
            "zero_division_zero" => return averages(case, &confusion, ZeroDivision::Zero, want, tolerance),
            "zero_division_one" => return averages(case, &confusion, ZeroDivision::One, want, tolerance),
            "zero_division_nan" => return averages(case, &confusion, ZeroDivision::Nan, want, tolerance),
            "confusion" => (0..n * n).map(|i| confusion.count_of(i / n, i % n)).collect(),
            "accuracy" => vec![confusion.accuracy()],
            "balanced_accuracy" => vec![confusion.balanced_accuracy()],
            "mcc" => vec![confusion.mcc()],
            "kappa_unweighted" => vec![confusion.kappa(KappaWeights::Unweighted)],
            "kappa_linear" => vec![confusion.kappa(KappaWeights::Linear)],
            "kappa_quadratic" => vec![confusion.kappa(KappaWeights::Quadratic)],
            "specificity_each" => each(&|c| confusion.specificity(c, ZeroDivision::Nan)),
            "npv_each" => each(&|c| confusion.negative_predictive_value(c, ZeroDivision::Nan)),
            _ => return Err(format!("{key} is not known").into()),
        };
        case.close(key, &got, &numbers(want)?, tolerance);
        Ok(())
    })
}

fn averages(case: &mut Case, c: &Confusion, zero: ZeroDivision, want: &Value, tolerance: Tolerance) -> Outcome {
    case.walk(want, |case, average, of| {
        case.walk(of, |case, key, want| {
            let (of_class, of_pooled): (Box<dyn Fn(usize) -> f64>, f64) = match key {
                "precision" => (Box::new(|k| c.precision(k, zero)), c.pooled().precision(zero)),
                "recall" => (Box::new(|k| c.recall(k, zero)), c.pooled().recall(zero)),
                "f1" => (Box::new(|k| c.f_beta(k, 1.0, zero)), c.pooled().f_beta(1.0, zero)),
                "f2" => (Box::new(|k| c.f_beta(k, 2.0, zero)), c.pooled().f_beta(2.0, zero)),
                "jaccard" => (Box::new(|k| c.jaccard(k, zero)), c.pooled().jaccard(zero)),
                "support" => (Box::new(|k| c.support(k)), f64::NAN),
                _ => return Err(format!("{key} is not known").into()),
            };
            let got = match average {
                "each" => (0..c.classes()).map(&of_class).collect(),
                "macro" => vec![c.macro_mean(&of_class)],
                "weighted" => vec![c.weighted_mean(&of_class)],
                "micro" => vec![of_pooled],
                _ => return Err(format!("the average {average} is not known").into()),
            };
            case.close(key, &got, &numbers(want)?, tolerance);
            Ok(())
        })
    })
}

fn probability(case: &mut Case, c: &Value, tolerance: Tolerance) -> Outcome {
    let values = numbers(entry(c, "probability")?)?;
    let labels: Vec<usize> = numbers(entry(c, "y_true")?)?.into_iter().map(|v| v as usize).collect();
    let weights = numbers(entry(c, "weights")?)?;
    let rows = Rows::new(&values, values.len() / labels.len())?;
    let all = ClassProbabilities::new(&labels, rows)?;
    let weighted = all.with_weights(&weights)?;
    // of two classes the functions of one probability give the same numbers; what scikit-learn refuses is null
    let positive: Vec<f64> = rows.iter().map(|row| row[row.len() - 1]).collect();
    let two = (rows.columns() == 2).then_some((flags(entry(c, "y_true")?)?, positive));
    let expected = entry(c, "expected")?;
    if let Some((y, p)) = &two {
        case.close("log_loss_of_two", &[metrics::log_loss(y, p)?], &numbers(entry(expected, "log_loss")?)?, tolerance);
        let want = numbers(entry(expected, "log_loss_weighted")?)?;
        case.close("log_loss_weighted_of_two", &[metrics::log_loss_weighted(y, p, &weights)?], &want, tolerance);
        case.close("auroc_of_two", &[metrics::auroc(y, p)?], &numbers(entry(expected, "auc_ovr_macro")?)?, tolerance);
    }
    let of_more = |value: Result<f64, Error>| if two.is_some() { Ok(f64::NAN) } else { value };
    compare(case, expected, tolerance, |key| {
        let got = match key {
            "log_loss" => Ok(all.log_loss()),
            "log_loss_weighted" => Ok(weighted.log_loss()),
            "brier_multiclass" => Ok(all.brier()),
            "brier_binary" => two.as_ref().map_or(Ok(f64::NAN), |(y, p)| metrics::brier(y, p)),
            "top1" => all.top_k_accuracy(1),
            "top2" => of_more(all.top_k_accuracy(2)),
            "auc_ovr_macro" => all.auroc_one_vs_rest(Average::Macro),
            "auc_ovr_weighted" => of_more(all.auroc_one_vs_rest(Average::Weighted)),
            "auc_ovo_macro" => of_more(all.auroc_one_vs_one(Average::Macro)),
            "auc_ovo_weighted" => of_more(all.auroc_one_vs_one(Average::Weighted)),
            _ => return None,
        };
        Some(got.map(|v| vec![v]))
    })
}
