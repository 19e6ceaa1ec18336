use crate::{compare, flags, tolerance};
use eir_core::Estimate;
use eir_core::fairness::{FairnessReport, Gap, GroupReport};
use eir_core::inference::Bootstrap;
use eir_core::testing::golden::{Case, Outcome, entry, number, numbers};

pub(crate) fn fairness(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    let labels = flags(entry(&file, "y_true")?)?;
    let decisions = flags(entry(&file, "decision")?)?;
    let probabilities = numbers(entry(&file, "probability")?)?;
    let groups: Vec<usize> = numbers(entry(&file, "group")?)?.into_iter().map(|g| g as usize).collect();
    let report = FairnessReport::new(&labels, &probabilities, &decisions, &groups)?;
    let gaps = report.gaps(&Bootstrap::default().with_replicates(200))?;
    let expected = entry(&file, "expected")?;
    case.walk(expected, |case, key, want| {
        let gap = match key {
            "groups" => {
                let wanted = want.as_array().map_or(0, Vec::len);
                case.equal("number", &report.groups().len(), &wanted);
                return case.walk(want, |case, index, want| {
                    let group = report.groups().get(index.parse::<usize>()?).ok_or("there is no such group")?;
                    compare(case, want, tolerance, |key| of_group(group, key).map(|v| Ok(vec![v])))
                });
            }
            "demographic_parity_difference" => Gap::DemographicParityDifference,
            "demographic_parity_ratio" => Gap::DemographicParityRatio,
            "equal_opportunity_difference" => Gap::EqualOpportunityDifference,
            "equalised_odds_difference" => Gap::EqualisedOddsDifference,
            "equalised_odds_ratio" => Gap::EqualisedOddsRatio,
            "equalised_odds_mean_difference" => Gap::EqualisedOddsMeanDifference,
            "predictive_parity_difference" => Gap::PredictiveParityDifference,
            "calibration_difference" => Gap::CalibrationDifference,
            _ => return Err(format!("{key} is not known").into()),
        };
        let got = gaps.iter().find(|(g, _)| *g == gap).map_or(f64::NAN, |(_, estimate)| estimate.value);
        case.value(key, got, number(want)?, tolerance);
        Ok(())
    })
}

fn of_group(group: &GroupReport, key: &str) -> Option<f64> {
    let value = |estimate: &Option<Estimate>| estimate.as_ref().map_or(f64::NAN, |e| e.value);
    Some(match key {
        "n" => group.n as f64,
        "selection_rate" => group.selection_rate.value,
        "tpr" => value(&group.true_positive_rate),
        "fpr" => value(&group.false_positive_rate),
        "ppv" => value(&group.positive_predictive_value),
        "npv" => value(&group.negative_predictive_value),
        "accuracy" => group.accuracy.value,
        "auroc" => value(&group.auroc),
        "brier" => group.brier,
        "mean_probability" => group.mean_probability,
        "prevalence" => group.prevalence.value,
        "ece_equal_width_10" => group.expected_calibration_error,
        _ => return None,
    })
}
