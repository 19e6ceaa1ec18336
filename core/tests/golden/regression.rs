use crate::intervals::percent;
use crate::tolerance;
use eir_core::Rows;
use eir_core::metrics::{self, Regression};
use eir_core::testing::golden::{Case, Outcome, entry, number, numbers};
use std::error::Error;

pub(crate) fn regression(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(&file, |case, section, content| match section {
        "tolerance" => Ok(()),
        "cases" => case.walk(content, |case, _, c| {
            let (truth, predicted) = (numbers(entry(c, "y_true")?)?, numbers(entry(c, "y_pred")?)?);
            let (sd, weights) = (numbers(entry(c, "sd")?)?, numbers(entry(c, "weights")?)?);
            let ensemble = numbers(entry(c, "ensemble")?)?;
            let plain = Regression::new(&truth, &predicted)?;
            case.walk(entry(c, "expected")?, |case, key, want| {
                let got = match key {
                    "crps_gaussian" => metrics::crps_gaussian(&truth, &predicted, &sd)?,
                    "crps_ensemble" => {
                        metrics::crps_ensemble(&truth, Rows::new(&ensemble, ensemble.len() / truth.len())?)?
                    }
                    _ if key.starts_with("interval_score_") => {
                        // the file does not state the intervals: prediction ± 1.6 sd
                        let end = |side: f64| predicted.iter().zip(&sd).map(|(p, sd)| p + side * 1.6 * sd).collect();
                        let (lower, upper): (Vec<f64>, Vec<f64>) = (end(-1.0), end(1.0));
                        let level = 1.0 - percent(key, "interval_score_")?;
                        metrics::interval_score(&truth, &lower, &upper, level)?
                    }
                    _ => match key.strip_suffix("_weighted") {
                        Some(name) => measure(&plain.weighted(&weights)?, name)?,
                        None => measure(&plain, key)?,
                    },
                };
                case.value(key, got, number(want)?, tolerance);
                Ok(())
            })
        }),
        "constant" => {
            let (truth, predicted) = (numbers(entry(content, "y_true")?)?, numbers(entry(content, "y_pred")?)?);
            case.value("r2", metrics::r2(&truth, &predicted)?, number(entry(content, "r2")?)?, tolerance);
            let wrong: Vec<f64> = predicted.iter().map(|v| v + 1.0).collect();
            case.value("r2_wrong", metrics::r2(&truth, &wrong)?, number(entry(content, "r2_wrong")?)?, tolerance);
            Ok(())
        }
        _ => Err("a section that is not known".into()),
    })
}

fn measure(errors: &Regression<'_>, name: &str) -> Result<f64, Box<dyn Error>> {
    Ok(match name {
        "mae" => errors.mae(),
        "mse" => errors.mse(),
        "rmse" => errors.rmse(),
        "r2" => errors.r2(),
        "explained_variance" => errors.explained_variance(),
        "mape" => errors.mape(),
        "median_absolute_error" => errors.median_absolute_error(),
        "msle" => errors.msle()?,
        "max_error" => errors.max_error(),
        _ => errors.pinball(percent(name, "pinball_")?)?,
    })
}
