use crate::{flags, tolerance};
use eir_core::calibration::{
    Beta, Binning, CalibrationLine, Calibrator, Corp, HosmerLemeshow, IntegratedCalibration, Isotonic, Lowess, Murphy,
    Platt, Reliability, Spiegelhalter, Temperature, class_wise_error, in_the_large, logit, observed_expected,
};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use eir_core::{Estimate, Rows, distribution, metrics};
use serde_json::Value;

const UNKNOWN: &str = "nothing of ours has this name";
/// Level of the intervals that standard errors are read from: it cancels.
const LEVEL: f64 = 0.95;
/// Bins of the curves: scikit-learn's `n_bins` in the generator; the file does not state it.
const CURVE_BINS: usize = 10;
/// How far scikit-learn's own Platt fit stops from the optimum: the generator's bound.
const SKLEARN_PLATT: Tolerance = Tolerance::Both(2e-3, 2e-3);

pub(crate) fn calibration(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let within = Within { plain: tolerance(&file)?, fits: entry(&file, "tolerance_fit")? };
    case.walk(entry(&file, "cases")?, |case, _, c| {
        let (labels, p) = (flags(entry(c, "y_true")?)?, numbers(entry(c, "probability")?)?);
        case.walk(entry(c, "expected")?, |case, key, want| expected(case, key, want, &labels, &p, &within))
    })?;
    let m = entry(&file, "multiclass")?;
    let labels: Vec<usize> = numbers(entry(m, "y_true")?)?.into_iter().map(|y| y as usize).collect();
    let columns = m["logits"][0].as_array().ok_or("no logits")?.len();
    let logits = numbers(entry(m, "logits")?)?;
    multiclass(case, m, &labels, Rows::new(&logits, columns)?, &within)
}

struct Within<'a> {
    plain: Tolerance,
    fits: &'a Value,
}

impl Within<'_> {
    fn fit(&self, name: &str) -> Result<Tolerance, Box<dyn std::error::Error>> {
        Ok(Tolerance::absolute(number(entry(self.fits, name)?)?))
    }
}

fn expected(case: &mut Case, key: &str, want: &Value, labels: &[bool], p: &[f64], within: &Within) -> Outcome {
    let (name, count) = match key.rsplit_once('_').map(|(name, count)| (name, count.parse::<usize>())) {
        Some((name, Ok(count))) => (name, count),
        _ => (key, 0),
    };
    let all: Vec<(&str, f64)> = match name {
        "brier" => return one(case, key, metrics::brier(labels, p)?, want, within.plain),
        "log_loss" => return one(case, key, metrics::log_loss(labels, p)?, want, within.plain),
        "equal_width" => errors(&Reliability::new(labels, p, Binning::EqualWidth(count))?).to_vec(),
        "equal_mass" => errors(&Reliability::new(labels, p, Binning::EqualMass(count))?).to_vec(),
        "torchmetrics" => {
            let [(_, l1), (_, max), (_, l2), _] = errors(&Reliability::new(labels, p, Binning::Torchmetrics(count))?);
            vec![("l1", l1), ("max", max), ("l2", l2)]
        }
        "curve_uniform" => return curve(case, want, labels, p, Binning::EqualWidth(CURVE_BINS), within),
        "curve_quantile" => return curve(case, want, labels, p, Binning::Quantile(CURVE_BINS), within),
        "murphy" => {
            let m = Murphy::new(labels, p, Binning::EqualWidth(count))?;
            case.value("sum", m.brier(), metrics::brier(labels, p)?, within.plain);
            vec![
                ("reliability", m.reliability),
                ("resolution", m.resolution),
                ("uncertainty", m.uncertainty),
                ("within_bin", m.within_bin),
            ]
        }
        "corp" => {
            let c = Corp::new(labels, p)?;
            vec![
                ("miscalibration", c.miscalibration),
                ("discrimination", c.discrimination),
                ("uncertainty", c.uncertainty),
            ]
        }
        "spiegelhalter" => {
            let s = Spiegelhalter::new(labels, p)?;
            vec![("z", s.z), ("p", s.p)]
        }
        "logistic" => {
            let line = CalibrationLine::new(labels, p, LEVEL)?;
            let large = in_the_large(labels, p, LEVEL)?;
            let got = [
                ("slope", line.slope.value),
                ("slope_se", standard_error(&line.slope)),
                ("intercept", line.intercept.value),
                ("intercept_se", standard_error(&line.intercept)),
                ("in_the_large", large.value),
                ("in_the_large_se", standard_error(&large)),
                ("observed_expected", observed_expected(labels, p, LEVEL)?.value),
            ];
            return each(case, want, &got, within.fit("logistic")?);
        }
        "lowess_ici" => {
            let i = IntegratedCalibration::new(labels, p, &Lowess::default())?;
            let got = [("ici", i.ici), ("e50", i.e50), ("e90", i.e90), ("emax", i.emax)];
            return each(case, want, &got, within.fit("lowess")?);
        }
        "hosmer_lemeshow" => {
            let h = HosmerLemeshow::new(labels, p, count)?;
            let [development, new] = [count - 2, count].map(|freedom| format!("p_df{freedom}"));
            let got = [("chi2", h.chi_squared), (&*development, h.p_development), (&*new, h.p_new)];
            return each(case, want, &got, within.plain);
        }
        "fit" => return fits(case, want, labels, p, within),
        _ => return Err(UNKNOWN.into()),
    };
    each(case, want, &all, within.plain)
}

/// The fits on the first cases, applied to the others.
fn fits(case: &mut Case, want: &Value, labels: &[bool], p: &[f64], within: &Within) -> Outcome {
    let n = entry(want, "n_fit")?.as_u64().ok_or("n_fit is no count")? as usize;
    let logits: Vec<f64> = p.iter().map(|p| logit(*p)).collect();
    let fitted = labels.get(..n).ok_or("n_fit is beyond the cases")?;
    case.walk(want, |case, key, want| {
        let applied = |fitted: &dyn Calibrator, scores: &[f64]| fitted.predict(&scores[n..]);
        let got: Vec<(&str, Vec<f64>)> = match key {
            "n_fit" => return Ok(()),
            "platt" => {
                let platt = Platt::default().fit(fitted, &logits[..n])?;
                let [a, b] = [vec![platt.a], vec![platt.b]];
                let applied = applied(&platt, &logits)?;
                vec![("a", a.clone()), ("b", b.clone()), ("sklearn_a", a), ("sklearn_b", b), ("applied", applied)]
            }
            "temperature" => {
                let temperature = Temperature::default().fit(fitted, &logits[..n])?;
                vec![("t", vec![temperature.temperature]), ("applied", applied(&temperature, &logits)?)]
            }
            "isotonic" => {
                let isotonic = Isotonic::default().fit(fitted, &p[..n])?;
                let (x, y) = isotonic.knots().iter().map(|[x, y]| (*x, *y)).unzip();
                vec![("x", x), ("y", y), ("applied", applied(&isotonic, p)?)]
            }
            "beta" => {
                let beta = Beta::default().fit(fitted, &p[..n])?;
                let likelihood = beta.negative_log_likelihood(fitted, &p[..n])?;
                let applied = applied(&beta, p)?;
                let parameters = [("a", beta.a), ("b", beta.b), ("c", beta.c), ("negative_log_likelihood", likelihood)];
                parameters.into_iter().map(|(name, v)| (name, vec![v])).chain([("applied", applied)]).collect()
            }
            _ => return Err(UNKNOWN.into()),
        };
        let near = within.fit(key)?;
        case.walk(want, |case, key, want| {
            let (name, got) = got.iter().find(|(name, _)| *name == key).ok_or(UNKNOWN)?;
            let tolerance = if name.starts_with("sklearn") { SKLEARN_PLATT } else { near };
            case.close(key, got, &numbers(want)?, tolerance);
            Ok(())
        })
    })
}

fn multiclass(case: &mut Case, want: &Value, labels: &[usize], logits: Rows<'_>, within: &Within) -> Outcome {
    let fitted = Temperature::default().fit_classes(labels, logits)?;
    let plain = eir_core::calibration::TemperatureCalibrator::new(1.0)?;
    let p = plain.predict_classes(logits);
    let p = Rows::new(&p, logits.columns())?;
    case.walk(want, |case, key, want| {
        let (name, bins) = key.rsplit_once('_').unwrap_or((key, ""));
        match (name, bins.parse()) {
            ("top_label_equal_width", Ok(bins)) => {
                let got = errors(&Reliability::top_label(labels, p, Binning::EqualWidth(bins))?);
                each(case, want, &got, within.plain)
            }
            ("classwise_equal_width", Ok(bins)) => {
                one(case, key, class_wise_error(labels, p, Binning::EqualWidth(bins))?, want, within.plain)
            }
            _ => match key {
                "y_true" | "logits" => Ok(()),
                "temperature" => one(case, key, fitted.temperature, want, within.fit("temperature")?),
                "nll_before" => one(case, key, plain.cross_entropy(labels, logits)?, want, within.plain),
                "nll_after" => one(case, key, fitted.cross_entropy(labels, logits)?, want, within.plain),
                _ => Err(UNKNOWN.into()),
            },
        }
    })
}

fn errors(curve: &Reliability) -> [(&'static str, f64); 4] {
    [("ece", curve.ece()), ("mce", curve.mce()), ("rms", curve.rms()), ("ace", curve.ace())]
}

fn curve(case: &mut Case, want: &Value, labels: &[bool], p: &[f64], binning: Binning, within: &Within) -> Outcome {
    let curve = Reliability::new(labels, p, binning)?;
    let (observed, predicted): (Vec<f64>, Vec<f64>) = curve.bins().iter().map(|b| (b.observed(), b.predicted)).unzip();
    case.walk(want, |case, key, want| {
        let got = match key {
            "observed" => &observed,
            "predicted" => &predicted,
            _ => return Err(UNKNOWN.into()),
        };
        case.close(key, got, &numbers(want)?, within.plain);
        Ok(())
    })
}

/// Every entry of `want` against ours of the same name.
fn each(case: &mut Case, want: &Value, got: &[(&str, f64)], tolerance: Tolerance) -> Outcome {
    case.walk(want, |case, key, want| {
        let (_, got) = got.iter().find(|(name, _)| *name == key).ok_or(UNKNOWN)?;
        one(case, key, *got, want, tolerance)
    })
}

fn one(case: &mut Case, key: &str, got: f64, want: &Value, tolerance: Tolerance) -> Outcome {
    case.value(key, got, number(want)?, tolerance);
    Ok(())
}

fn standard_error(estimate: &Estimate) -> f64 {
    (estimate.upper - estimate.lower) / 2.0 / distribution::normal_quantile(0.5 + estimate.level / 2.0)
}
