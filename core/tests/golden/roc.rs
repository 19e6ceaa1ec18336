use crate::{compare, flags, tolerance};
use eir_core::metrics;
use eir_core::testing::golden::{Case, Outcome, entry, number, numbers};

pub(crate) fn roc(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(entry(&file, "cases")?, |case, _, c| {
        let (labels, scores) = (flags(entry(c, "y_true")?)?, numbers(entry(c, "score")?)?);
        let weights = numbers(entry(c, "weights")?)?;
        let expected = entry(c, "expected")?;
        compare(case, expected, tolerance, |key| match key {
            "auroc" => Some(metrics::auroc(&labels, &scores).map(|v| vec![v])),
            "average_precision" => Some(metrics::average_precision(&labels, &scores).map(|v| vec![v])),
            "auroc_weighted" => Some(metrics::auroc_weighted(&labels, &scores, &weights).map(|v| vec![v])),
            "average_precision_weighted" => {
                Some(metrics::average_precision_weighted(&labels, &scores, &weights).map(|v| vec![v]))
            }
            _ => None,
        })
    })?;
    case.walk(entry(&file, "edge")?, |case, _, c| {
        let got = metrics::auroc(&flags(entry(c, "y_true")?)?, &numbers(entry(c, "score")?)?);
        let want = number(entry(c, "auroc")?)?;
        match got {
            Ok(got) => case.value("auroc", got, want, tolerance),
            Err(error) => case.holds("auroc", want.is_nan(), &error.to_string()),
        }
        Ok(())
    })
}
