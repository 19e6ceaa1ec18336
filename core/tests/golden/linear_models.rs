use crate::{flags, tolerance};
use eir_core::learn::{
    ElasticNet, LeastSquares, LinearModel, LinearSvm, LogisticRegression, MultinomialRegression, Penalty, Ridge,
    SupportVectorMachine, Wald,
};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use eir_core::{Model, Rows};
use serde_json::Value;
use std::error::Error;

/// The number behind `word` in a fit's name: 0.05 of "logistic_l1_c0.05" behind "_c".
fn setting(name: &str, word: &str) -> Result<f64, Box<dyn Error>> {
    let (_, rest) = name.rsplit_once(word).ok_or_else(|| format!("{name} states no {word}"))?;
    let number = rest.split('_').next().unwrap_or_default();
    number.parse().map_err(|_| format!("{word} of {name} is no number").into())
}

fn table(value: &Value) -> Result<(Vec<f64>, usize), Box<dyn Error>> {
    let columns = value.as_array().and_then(|rows| rows.first()?.as_array()).ok_or("no table")?.len();
    Ok((numbers(value)?, columns))
}

/// What a fit says, by the reference's keys.
struct Fit {
    intercept: Vec<f64>,
    coefficient: Vec<f64>,
    test: Vec<f64>,
    probability: Option<Vec<f64>>,
    support: Vec<usize>,
    kkt_residual: f64,
}

impl Fit {
    fn new(linear: &LinearModel, test: Rows<'_>) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            intercept: vec![linear.intercept],
            coefficient: linear.coefficients.clone(),
            test: linear.predict(test)?,
            probability: None,
            support: Vec::new(),
            kkt_residual: 0.0,
        })
    }
}

pub(crate) fn linear_models(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let plain = tolerance(&file)?;
    let exact = Tolerance::absolute(number(entry(&file, "tolerance_ridge_ols")?)?);
    let svm = Tolerance::absolute(number(entry(&file, "tolerance_svm")?)?);
    let ((x, p), (xt, pt)) = (table(entry(&file, "x")?)?, table(entry(&file, "x_test")?)?);
    let (rows, test) = (Rows::new(&x, p)?, Rows::new(&xt, pt)?);
    let y = flags(entry(&file, "y")?)?;
    let y3: Vec<usize> = numbers(entry(&file, "y3")?)?.into_iter().map(|v| v as usize).collect();
    let (target, weights) = (numbers(entry(&file, "target")?)?, numbers(entry(&file, "weights")?)?);

    case.walk(entry(&file, "expected")?, |case, name, want| {
        let weighted = name.contains("weighted");
        let kind = name.split(['_']).next().unwrap_or_default();
        let (fit, allowed) = match kind {
            "logistic" => {
                let model = LogisticRegression::default().with_balanced(name.ends_with("balanced"));
                let model = match name.split('_').nth(1) {
                    Some("l2") => model.with_penalty(Penalty::L2).with_c(setting(name, "_c")?),
                    Some("l1") => model.with_penalty(Penalty::L1).with_c(setting(name, "_c")?),
                    Some("none") => model.with_penalty(Penalty::None),
                    _ => return Err("an unknown penalty".into()),
                };
                let fitted = if weighted { model.fit_weighted(rows, &y, &weights)? } else { model.fit(rows, &y)? };
                let one = fitted.predict(test)?;
                let probability = Some(one.into_iter().flat_map(|p| [1.0 - p, p]).collect());
                (Fit { probability, kkt_residual: fitted.kkt_residual, ..Fit::new(&fitted.linear, test)? }, plain)
            }
            "multinomial" => {
                let model = MultinomialRegression::default().with_c(setting(name, "_c")?);
                let fitted = model.fit(rows, &y3)?;
                let classes = fitted.scores.len();
                let mut probability = vec![0.0; test.len() * classes];
                fitted.probabilities_into(test, &mut probability)?;
                let scores = fitted.scores.iter().map(|s| s.predict(test)).collect::<Result<Vec<_>, _>>()?;
                let fit = Fit {
                    intercept: fitted.scores.iter().map(|s| s.intercept).collect(),
                    coefficient: fitted.scores.iter().flat_map(|s| s.coefficients.clone()).collect(),
                    test: (0..test.len()).flat_map(|i| scores.iter().map(move |s| s[i])).collect(),
                    probability: Some(probability),
                    support: Vec::new(),
                    kkt_residual: fitted.kkt_residual,
                };
                (fit, plain)
            }
            "ridge" => {
                let model = Ridge::default().with_alpha(setting(name, "_alpha")?);
                let fitted =
                    if weighted { model.fit_weighted(rows, &target, &weights)? } else { model.fit(rows, &target)? };
                (Fit::new(&fitted, test)?, exact)
            }
            "ols" => (Fit::new(&LeastSquares::default().fit(rows, &target)?.linear, test)?, exact),
            "lasso" | "elastic" => {
                let ratio = if kind == "lasso" { 1.0 } else { setting(name, "_l1ratio")? };
                let model = ElasticNet::default().with_alpha(setting(name, "_alpha")?).with_l1_ratio(ratio);
                (Fit::new(&model.fit(rows, &target)?.linear, test)?, plain)
            }
            "svm" => {
                let model = SupportVectorMachine::default().with_c(setting(name, "_c")?);
                let model = if name.contains("rbf") { model.with_gaussian(setting(name, "_gamma")?) } else { model };
                let fitted = model.fit(rows, &y)?;
                let linear = LinearModel::new(fitted.intercept, fitted.coefficients().to_vec());
                let fit = Fit {
                    intercept: vec![linear.intercept],
                    coefficient: linear.coefficients,
                    test: fitted.predict(test)?,
                    probability: None,
                    support: fitted.support.to_vec(),
                    kkt_residual: 0.0,
                };
                (fit, svm)
            }
            "linear" => {
                let model = LinearSvm::default().with_c(setting(name, "_c")?).with_penalise_intercept(true);
                (Fit::new(&model.fit(rows, &y)?, test)?, svm)
            }
            "logit" => return inference(case, want, plain, rows, &y),
            _ => return Err("an unknown model".into()),
        };
        // a fit that states to have stopped before its optimum is no value to equal: ours must then have the lower objective
        if want.get("kkt_residual").map(number).transpose()?.is_some_and(|residual| residual > 1e-8) {
            let theirs = (numbers(entry(want, "intercept")?)?, numbers(entry(want, "coefficient")?)?);
            let objective = |b: &[f64], w: &[f64]| l1_objective(rows, &y, setting(name, "_c")?, b, w);
            let (got, reference) = (objective(&fit.intercept, &fit.coefficient)?, objective(&theirs.0, &theirs.1)?);
            case.holds("objective", got < reference, &format!("got {got}, the unfinished reference {reference}"));
            case.holds("kkt_residual", fit.kkt_residual <= 1e-8, &format!("{:e}", fit.kkt_residual));
            return Ok(());
        }
        case.walk(want, |case, key, want| {
            match key {
                "intercept" => case.close(key, &fit.intercept, &numbers(want)?, allowed),
                "coefficient" => case.close(key, &fit.coefficient, &numbers(want)?, allowed),
                "test" => case.close(key, &fit.test, &numbers(want)?, allowed),
                "probability_test" => match (&fit.probability, want.is_null()) {
                    (Some(p), false) => case.close(key, p, &numbers(want)?, allowed),
                    (ours, none) => case.equal(key, &ours.is_none(), &none),
                },
                "n_support" => case.equal(key, &fit.support, &numbers(want)?.iter().map(|v| *v as usize).collect()),
                // the reference states how good it is: ours is within its own promise of 1e-8
                "kkt_residual" => case.holds(key, fit.kkt_residual <= 1e-8, &format!("{:e}", fit.kkt_residual)),
                "note" => {}
                _ => return Err("an unknown key".into()),
            }
            Ok(())
        })
    })
}

/// C Σ ln(1 + exp(−t (b + wᵀx))) + |w|₁.
fn l1_objective(rows: Rows<'_>, y: &[bool], c: f64, b: &[f64], w: &[f64]) -> Result<f64, Box<dyn Error>> {
    let score = LinearModel::new(*b.first().ok_or("no intercept")?, w.to_vec()).predict(rows)?;
    let loss: f64 = score.iter().zip(y).map(|(s, y)| (if *y { -s } else { *s }).exp().ln_1p()).sum();
    Ok(c * loss + w.iter().map(|w| w.abs()).sum::<f64>())
}

fn inference(case: &mut Case, want: &Value, tolerance: Tolerance, rows: Rows<'_>, y: &[bool]) -> Outcome {
    let fit = LogisticRegression::default().with_penalty(Penalty::None).fit(rows, y)?;
    let wald: &Wald = fit.wald.as_ref().ok_or("no inference")?;
    case.walk(want, |case, key, want| {
        let got = match key {
            "coefficient" => wald.values.clone(),
            "se" => wald.standard_errors(),
            "p" => wald.p_values(),
            "log_likelihood" => vec![fit.log_likelihood],
            _ => return Err("an unknown key".into()),
        };
        case.close(key, &got, &numbers(want)?, tolerance);
        Ok(())
    })
}
