use crate::{compare, tolerance};
use eir_core::metrics;
use eir_core::testing::golden::{Case, Outcome, entry, number, numbers};

pub(crate) fn regression(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(entry(&file, "cases")?, |case, _, c| {
        let (truth, predicted) = (numbers(entry(c, "y_true")?)?, numbers(entry(c, "y_pred")?)?);
        compare(case, entry(c, "expected")?, tolerance, |key| {
            let metric = match key {
                "mae" => metrics::mae,
                "rmse" => metrics::rmse,
                "r2" => metrics::r2,
                "max_error" => metrics::max_error,
                _ => return None,
            };
            Some(metric(&truth, &predicted).map(|v| vec![v]))
        })
    })?;
    let constant = entry(&file, "constant")?;
    let (truth, predicted) = (numbers(entry(constant, "y_true")?)?, numbers(entry(constant, "y_pred")?)?);
    case.value("constant.r2", metrics::r2(&truth, &predicted)?, number(entry(constant, "r2")?)?, tolerance);
    let wrong: Vec<f64> = predicted.iter().map(|v| v + 1.0).collect();
    case.value("constant.r2_wrong", metrics::r2(&truth, &wrong)?, number(entry(constant, "r2_wrong")?)?, tolerance);
    Ok(())
}
