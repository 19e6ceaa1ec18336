use crate::{flags, tolerance};
use eir_core::decision::{DecisionCurve, DecisionPoint, net_benefit};
use eir_core::testing::golden::{Case, Outcome, entry, number, numbers};

pub(crate) fn decision(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(entry(&file, "cases")?, |case, _, c| {
        let (labels, p) = (flags(entry(c, "y_true")?)?, numbers(entry(c, "probability")?)?);
        let (thresholds, prevalence) = (numbers(entry(c, "thresholds")?)?, number(entry(c, "prevalence")?)?);
        let own = prevalence.is_nan(); // null
        let curve = if own {
            DecisionCurve::new(&labels, &p, &thresholds)?
        } else {
            DecisionCurve::with_prevalence(&labels, &p, &thresholds, prevalence)?
        };
        let all = |of: fn(&DecisionPoint) -> f64| curve.points().iter().map(of).collect::<Vec<_>>();
        case.walk(c, |case, key, want| {
            let got = match key {
                "y_true" | "probability" | "prevalence" => return Ok(()),
                "thresholds" => all(|d| d.threshold),
                "net_benefit" | "dcurves_net_benefit" => all(|d| d.net_benefit),
                "treat_all" => all(|d| d.treat_all),
                "standardised" => all(|d| d.standardised_net_benefit),
                "interventions_avoided_per_100" => all(|d| d.interventions_avoided_per_100),
                _ => return Err(format!("{key} is not known").into()),
            };
            case.close(key, &got, &numbers(want)?, tolerance);
            Ok(())
        })?;
        if own {
            let single = thresholds.iter().map(|t| net_benefit(&labels, &p, *t)).collect::<Result<Vec<_>, _>>()?;
            case.close("net_benefit_alone", &single, &numbers(entry(c, "net_benefit")?)?, tolerance);
        }
        Ok(())
    })
}
