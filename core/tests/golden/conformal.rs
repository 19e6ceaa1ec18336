use crate::tolerance;
use eir_core::conformal::{
    Alpha, Aps, ClassScore, CvPlus, FittedIntervals, IntervalPredictor, Intervals, Lac, PValues, Prediction, Raps,
    SetPredictor, Sets, Threshold,
};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use eir_core::{Error, Rows};
use serde_json::Value;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const UNKNOWN: &str = "nothing of ours has this name";

pub(crate) fn conformal(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let within = tolerance(&file)?;
    case.walk(&file, |case, key, value| match key {
        "tolerance" => Ok(()),
        "quantile" => case.walk(value, |case, _, c| {
            let threshold = Threshold::fit(&numbers(entry(c, "scores")?)?, Alpha::new(number(entry(c, "alpha")?)?)?)?;
            case.value("q", threshold.q(), number(entry(c, "q")?)?, within);
            Ok(())
        }),
        "regression" => regression(case, value, within),
        "jackknife" => jackknife(case, value, within),
        "classification" => classification(case, value, within),
        "properties" => {
            // sentences, which the unit tests of `conformal::threshold` and `conformal::sets` hold
            let sentences = value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
            case.holds(key, sentences, "a property is no sentence");
            Ok(())
        }
        _ => match key.strip_prefix("peers_alpha_") {
            Some(alpha) => peers(case, value, alpha.parse()?, entry(&file, "classification")?),
            None => Err(UNKNOWN.into()),
        },
    })
}

/// The alphas, which are keys.
fn by_alpha(case: &mut Case, of: &Value, mut f: impl FnMut(&mut Case, Alpha, &Value) -> Outcome) -> Outcome {
    case.walk(entry(of, "expected")?, |case, key, want| f(case, Alpha::new(key.parse()?)?, want))
}

fn indices(value: &Value) -> Fallible<Vec<usize>> {
    Ok(numbers(value)?.into_iter().map(|v| v as usize).collect())
}

fn regression(case: &mut Case, of: &Value, within: Tolerance) -> Outcome {
    let column = |name: &str| numbers(entry(of, name)?);
    let (y, truth) = (column("y")?, column("y_test")?);
    let (mu, sigma, lower, upper) = (column("mu")?, column("sigma")?, column("lower")?, column("upper")?);
    let [mu_test, sigma_test, lower_test, upper_test] =
        [column("mu_test")?, column("sigma_test")?, column("lower_test")?, column("upper_test")?];
    let (group, group_test) = (indices(entry(of, "group")?)?, indices(entry(of, "group_test")?)?);
    let point = [Prediction::point(&mu)?, Prediction::point(&mu_test)?];
    let scaled = [Prediction::scaled(&mu, &sigma)?, Prediction::scaled(&mu_test, &sigma_test)?];
    let quantiles = [Prediction::quantiles(&lower, &upper)?, Prediction::quantiles(&lower_test, &upper_test)?];
    by_alpha(case, of, |case, alpha, want| {
        let predictor = IntervalPredictor::default().with_alpha(alpha);
        let fit = |[old, new]: [Prediction<'_>; 2], asymmetric| -> Result<_, Error> {
            let fitted = predictor.clone().with_asymmetric(asymmetric).fit(old, &y)?;
            let intervals = fitted.predict(new)?;
            Ok((fitted, intervals))
        };
        case.walk(want, |case, key, want| {
            let (fitted, intervals) = match key {
                "split" => fit(point, false)?,
                "normalised" => fit(scaled, false)?,
                "cqr" => fit(quantiles, false)?,
                "cqr_asymmetric" => fit(quantiles, true)?,
                "mondrian" => {
                    let fitted = predictor.fit_by_group(point[0], &y, &group)?;
                    let intervals = fitted.predict_by_group(point[1], &group_test)?;
                    (fitted, intervals)
                }
                _ => return Err(UNKNOWN.into()),
            };
            interval_entries(case, want, &fitted, &intervals, &truth, within)
        })
    })
}

fn interval_entries(
    case: &mut Case,
    want: &Value,
    fitted: &FittedIntervals,
    intervals: &Intervals,
    truth: &[f64],
    within: Tolerance,
) -> Outcome {
    let q = |of: &[Threshold]| of.iter().map(Threshold::q).collect::<Vec<f64>>();
    case.walk(want, |case, key, want| {
        let got = match key {
            "q" | "q_lower" => q(fitted.below()),
            "q_upper" => q(fitted.above()),
            "interval" => [intervals.lower.as_slice(), &intervals.upper].concat(),
            "covered" => vec![intervals.coverage(truth, 0.95)?.value],
            _ => return Err(UNKNOWN.into()),
        };
        case.close(key, &got, &numbers(want)?, within);
        Ok(())
    })
}

/// Least squares of one feature: the model that the reference was made with.
fn line(x: Rows<'_>, y: &[f64]) -> Result<impl Fn(&[f64]) -> f64 + use<>, Error> {
    let n = y.len() as f64;
    let [mx, my] = [x.values(), y].map(|v| v.iter().sum::<f64>() / n);
    let sum = |f: &dyn Fn(f64, f64) -> f64| x.values().iter().zip(y).map(|(x, y)| f(x - mx, y - my)).sum::<f64>();
    let slope = sum(&|x, y| x * y) / sum(&|x, _| x * x);
    Ok(move |row: &[f64]| my + slope * (row[0] - mx))
}

fn jackknife(case: &mut Case, of: &Value, within: Tolerance) -> Outcome {
    let (x, y, new) = (numbers(entry(of, "x")?)?, numbers(entry(of, "y")?)?, numbers(entry(of, "x_test")?)?);
    let (x, new) = (Rows::new(&x, 1)?, Rows::new(&new, 1)?);
    let folds = indices(entry(of, "fold")?)?;
    case.walk(of, |case, key, want| {
        let (name, alpha) = match key {
            "x" | "y" | "x_test" | "fold" => return Ok(()),
            _ => key.rsplit_once('_').ok_or(UNKNOWN)?,
        };
        let config = CvPlus::default().with_alpha(Alpha::new(alpha.parse()?)?);
        let fitted = match name {
            "jackknife_plus" => config.fit_each(x, &y, line)?,
            "cv_plus" => config.fit(x, &y, &folds, line)?,
            _ => return Err(UNKNOWN.into()),
        };
        let got = fitted.predict(new)?;
        case.close(key, &[got.lower, got.upper].concat(), &numbers(want)?, within);
        Ok(())
    })
}

/// Rows of probabilities and what belongs to them.
struct Cases {
    probabilities: Vec<f64>,
    classes: usize,
    u: Vec<f64>,
}

impl Cases {
    fn read(of: &Value, suffix: &str) -> Fallible<Self> {
        let table = entry(of, &format!("probability{suffix}"))?;
        let classes = table[0].as_array().ok_or("no probabilities")?.len();
        Ok(Self { probabilities: numbers(table)?, classes, u: numbers(entry(of, &format!("u{suffix}"))?)? })
    }

    fn rows(&self) -> Result<Rows<'_>, Error> {
        Rows::new(&self.probabilities, self.classes)
    }
}

fn classification(case: &mut Case, of: &Value, within: Tolerance) -> Outcome {
    let (old, new) = (Cases::read(of, "")?, Cases::read(of, "_test")?);
    let y = indices(entry(of, "y")?)?;
    let (lambda, k_reg) = (number(entry(of, "lambda")?)?, number(entry(of, "k_reg")?)? as usize);
    by_alpha(case, of, |case, alpha, want| {
        case.walk(want, |case, key, want| {
            let compare = Compare { old: &old, new: &new, y: &y, alpha, want, within };
            match key {
                "lac" => compare.all(case, Lac::default()),
                "class_conditional" => {
                    let fitted = SetPredictor::new(Lac::default()).with_alpha(alpha).fit_by_class(old.rows()?, &y)?;
                    compare.sets(case, &[], fitted.thresholds(), &fitted.predict(new.rows()?)?)
                }
                "aps" => compare.all(case, Aps::deterministic()),
                "aps_randomised" => compare.all(case, Aps::randomised(0)),
                "raps" => compare.all(case, Raps::deterministic(lambda, k_reg)),
                "raps_randomised" => compare.all(case, Raps::randomised(lambda, k_reg, 0)),
                _ => Err(UNKNOWN.into()),
            }
        })
    })?;
    let scores = SetPredictor::new(Lac::default()).scores(old.rows()?, &y, None)?;
    let p_values = PValues::fit(&scores)?;
    let got: Vec<f64> = new.probabilities.iter().map(|p| p_values.p_value(1.0 - p)).collect();
    case.close("p_values_lac", &got, &numbers(entry(of, "p_values_lac")?)?, within);
    let known = ["probability", "y", "u", "probability_test", "y_test", "u_test", "lambda", "k_reg"];
    case.walk(of, |_, key, _| match key {
        "expected" | "p_values_lac" => Ok(()),
        _ if known.contains(&key) => Ok(()),
        _ => Err(UNKNOWN.into()),
    })
}

struct Compare<'a> {
    old: &'a Cases,
    new: &'a Cases,
    y: &'a [usize],
    alpha: Alpha,
    want: &'a Value,
    within: Tolerance,
}

impl Compare<'_> {
    /// One threshold for all, with the random numbers of the reference where the score takes any.
    fn all(&self, case: &mut Case, score: impl ClassScore + Clone) -> Outcome {
        let predictor = SetPredictor::new(score).with_alpha(self.alpha);
        let scores = predictor.scores(self.old.rows()?, self.y, Some(&self.old.u))?;
        let fitted = predictor.fit_with(self.old.rows()?, self.y, &self.old.u)?;
        let sets = fitted.predict_with(self.new.rows()?, &self.new.u)?;
        self.sets(case, &scores, fitted.thresholds(), &sets)
    }

    fn sets(&self, case: &mut Case, scores: &[f64], thresholds: &[Threshold], sets: &Sets) -> Outcome {
        case.walk(self.want, |case, key, want| {
            match key {
                "q" => {
                    let q: Vec<f64> = thresholds.iter().map(Threshold::q).collect();
                    case.close(key, &q, &numbers(want)?, self.within);
                }
                "sets" => same_sets(case, key, sets, want)?,
                _ if key.starts_with("scores_first") => {
                    let want = numbers(want)?;
                    case.close(key, scores.get(..want.len()).unwrap_or(scores), &want, self.within);
                }
                _ => return Err(UNKNOWN.into()),
            }
            Ok(())
        })
    }
}

fn same_sets(case: &mut Case, key: &str, sets: &Sets, want: &Value) -> Outcome {
    let want = want.as_array().ok_or("no sets")?.iter().map(indices).collect::<Fallible<Vec<_>>>()?;
    case.equal("number of sets", &sets.len(), &want.len());
    for (i, want) in want.iter().enumerate().take(sets.len()) {
        case.equal(key, &sets.of(i), want);
    }
    Ok(())
}

/// MAPIE's LAC is ours; its APS is not a target (it covers too much, or too little), and its sizes are only printed.
fn peers(case: &mut Case, of: &Value, alpha: f64, cases: &Value) -> Outcome {
    let (old, new) = (Cases::read(cases, "")?, Cases::read(cases, "_test")?);
    let y = indices(entry(cases, "y")?)?;
    let alpha = Alpha::new(alpha)?;
    let ours = |score: Aps| -> Result<f64, Error> {
        Ok(SetPredictor::new(score).with_alpha(alpha).fit(old.rows()?, &y)?.predict(new.rows()?)?.mean_size())
    };
    case.walk(of, |case, key, want| match key {
        "mapie_lac" => {
            let fitted = SetPredictor::new(Lac::default()).with_alpha(alpha).fit(old.rows()?, &y)?;
            same_sets(case, key, &fitted.predict(new.rows()?)?, want)
        }
        _ => {
            let size = numbers(want)?.len() as f64 / want.as_array().map_or(1, Vec::len) as f64;
            let (deterministic, randomised) = (ours(Aps::deterministic())?, ours(Aps::randomised(1))?);
            println!("    {key}: {size:.2} classes in a set; ours {deterministic:.2}, randomised {randomised:.2}");
            Ok(())
        }
    })
}
