use super::{check, concordance_index};
use crate::distribution::{normal_quantile, normal_sf};
use crate::error::{Mismatch, Parameter, TooShort};
use crate::estimate::check_level;
use crate::inference::ChiSquared;
use crate::linalg::Cholesky;
use crate::{Error, Estimate, Model, Rows};
use serde::{Deserialize, Serialize};

/// How events at the same time share their patients at risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Ties {
    /// Efron's: close to the exact likelihood. The default.
    #[default]
    Efron,
    /// Breslow's: simpler, and too near to no effect with many ties. For comparison with other programs.
    Breslow,
}

/// Settings of [`Cox`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CoxConfig {
    /// How events at the same time are treated. Default Efron.
    pub ties: Ties,
    /// Confidence level of the intervals, between 0 and 1. Default 0.95.
    pub level: f64,
    /// Newton steps before it gives up: 1 to 10 000. Default 50; 4 to 8 are usual.
    pub max_iterations: usize,
}

impl Default for CoxConfig {
    fn default() -> Self {
        Self { ties: Ties::Efron, level: 0.95, max_iterations: 50 }
    }
}

impl CoxConfig {
    /// Sets [`ties`](Self::ties).
    #[must_use]
    pub fn with_ties(self, ties: Ties) -> Self {
        Self { ties, ..self }
    }

    /// Sets [`level`](Self::level).
    #[must_use]
    pub fn with_level(self, level: f64) -> Self {
        Self { level, ..self }
    }

    /// Sets [`max_iterations`](Self::max_iterations).
    #[must_use]
    pub fn with_max_iterations(self, max_iterations: usize) -> Self {
        Self { max_iterations, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        check_level(self.level)?;
        if !(1..=10_000).contains(&self.max_iterations) {
            return Err(Parameter::new("max_iterations", self.max_iterations as f64, "1 to 10 000").into());
        }
        Ok(())
    }

    /// Fits the model to patients who left at `time`, with an `event` or censored, and their `covariates`.
    ///
    /// # Errors
    /// [`Error`] for different lengths, a time that is negative, NaN or infinite, no event, or a setting out of range;
    /// [`Error::NoOptimum`] for a covariate that does not vary or depends on the others, and for a monotone likelihood.
    pub fn fit(&self, time: &[f64], event: &[bool], covariates: Rows<'_>) -> Result<Cox, Error> {
        self.validate()?;
        check(time, event)?;
        covariates.check("times of the covariates", time.len(), 1)?;
        if !event.contains(&true) {
            return Err(TooShort::new("events", 0, 1).into());
        }
        let data = Sorted::new(time, event, covariates, self.ties);
        let optimum = newton(&data, self.max_iterations)?;
        let p = covariates.columns();
        let z = normal_quantile(0.5 + self.level / 2.0);
        let mut covariance = optimum.covariance;
        for i in 0..p {
            for j in 0..p {
                covariance[i * p + j] /= data.scale[i] * data.scale[j];
            }
        }
        let estimate = |j: usize| {
            let (value, half) = (optimum.beta[j] / data.scale[j], z * covariance[j * p + j].sqrt());
            Estimate::new(value, [value - half, value + half], self.level, "Wald", time.len())
        };
        let coefficients: Vec<Estimate> = (0..p).map(estimate).collect();
        let mut model = Cox {
            coefficients,
            covariance,
            log_likelihood: optimum.log_likelihood,
            log_likelihood_null: optimum.log_likelihood_null,
            concordance: f64::NAN,
            events: event.iter().filter(|e| **e).count(),
        };
        model.concordance = concordance_index(time, event, &model.predict(covariates)?).unwrap_or(f64::NAN);
        Ok(model)
    }
}

/// Cox's proportional hazards: how much each covariate raises the hazard of an event.
///
/// **Use it** for the effect of covariates on the time to an event, without saying how the hazard runs. About 10 events
/// a covariate are needed. **Not** where hazards are not proportional (curves that cross), nor with more covariates than
/// events: penalise.
///
/// # Formula
/// h(t | x) = h₀(t) exp(Σ βⱼ xⱼ). β maximises Efron's partial likelihood: for the d events at a time, Σ βx of the events −
/// Σ_{l<d} ln(Σ_{at risk} e^βx − l/d Σ_{events} e^βx); Newton's steps on standardised covariates until β moves by less than
/// 1e-9. Standard errors from the inverse of the observed information. O(n p²) a step.
///
/// # Examples
/// ```
/// use eir_core::{Rows, survival::Cox};
/// let time = [5.0, 8.0, 3.0, 9.0, 2.0, 7.0, 4.0, 6.0];
/// let event = [true, true, true, false, true, true, false, true];
/// let dose = [1.0, 0.0, 2.0, 1.0, 2.0, 0.0, 1.0, 2.0];
/// let model = Cox::config().fit(&time, &event, Rows::new(&dose, 1)?)?;
/// assert!((model.coefficients()[0].value - 0.8930).abs() < 1e-4);
/// assert!((model.hazard_ratios()[0].value - 2.442).abs() < 1e-3);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// Those of [`CoxConfig::fit`]. Where a covariate, or a sum of them, orders all events, the likelihood rises for ever with
/// β (monotone likelihood): that is an error, not a huge number.
///
/// # Validation
/// Agrees with lifelines 0.30.3 within 1e-6 on `reference/core/survival.json` (coefficients, standard errors,
/// likelihood, concordance).
///
/// # References
/// Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; ties: Efron 1977, doi:10.1080/01621459.1977.10480613; monotone
/// likelihood: Heinze, Schemper 2001, doi:10.1111/j.0006-341X.2001.00114.x.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cox {
    coefficients: Vec<Estimate>,
    covariance: Vec<f64>,
    log_likelihood: f64,
    log_likelihood_null: f64,
    concordance: f64,
    events: usize,
}

impl Cox {
    /// The default settings, to be changed and fitted.
    #[must_use]
    pub fn config() -> CoxConfig {
        CoxConfig::default()
    }

    /// β of each covariate: the logarithm of its hazard ratio, with Wald's interval.
    #[must_use]
    pub fn coefficients(&self) -> &[Estimate] {
        &self.coefficients
    }

    /// By how much the hazard is multiplied when a covariate rises by 1, with Wald's interval.
    #[must_use]
    pub fn hazard_ratios(&self) -> Vec<Estimate> {
        let ratio = |b: &Estimate| {
            let [value, lower, upper] = [b.value, b.lower, b.upper].map(libm::exp);
            Estimate::new(value, [lower, upper], b.level, b.method.clone(), b.n)
        };
        self.coefficients.iter().map(ratio).collect()
    }

    /// Standard error of each coefficient.
    #[must_use]
    pub fn standard_errors(&self) -> Vec<f64> {
        let p = self.coefficients.len();
        (0..p).map(|j| self.covariance[j * p + j].sqrt()).collect()
    }

    /// Covariance of the coefficients, row after row.
    #[must_use]
    pub fn covariance(&self) -> &[f64] {
        &self.covariance
    }

    /// Two-sided p value of "this covariate does nothing", of each.
    #[must_use]
    pub fn p_values(&self) -> Vec<f64> {
        let z = self.coefficients.iter().zip(self.standard_errors()).map(|(b, se)| b.value / se);
        z.map(|z| 2.0 * normal_sf(z.abs())).collect()
    }

    /// Logarithm of the partial likelihood at its optimum.
    #[must_use]
    pub fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// The likelihood ratio test of "no covariate does anything".
    #[must_use]
    pub fn likelihood_ratio(&self) -> ChiSquared {
        ChiSquared::new((2.0 * (self.log_likelihood - self.log_likelihood_null)).max(0.0), self.coefficients.len())
    }

    /// [Harrell's C](concordance_index) of the risk on the patients of the fit, which is optimistic; NaN if no two of
    /// them can be compared.
    #[must_use]
    pub fn concordance(&self) -> f64 {
        self.concordance
    }

    /// Number of events.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events
    }
}

/// The risk Σ βⱼ xⱼ of each row: the logarithm of its hazard, but for a constant.
impl Model for Cox {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        Mismatch::check("covariates", self.coefficients.len(), rows.columns())?;
        Mismatch::check("places for risks", rows.len(), out.len())?;
        for (to, row) in out.iter_mut().zip(rows) {
            *to = self.coefficients.iter().zip(row).map(|(b, x)| b.value * x).sum();
        }
        Ok(())
    }
}

/// The patients from the last time down, with covariates of mean 0 and standard deviation 1.
struct Sorted {
    p: usize,
    ties: Ties,
    /// Numbers of patients and of events at each time; the events come first.
    groups: Vec<(usize, usize)>,
    covariates: Vec<f64>,
    scale: Vec<f64>,
}

impl Sorted {
    fn new(time: &[f64], event: &[bool], rows: Rows<'_>, ties: Ties) -> Self {
        let (n, p) = (rows.len() as f64, rows.columns());
        let (mut centre, mut scale) = (vec![0.0; p], vec![0.0; p]);
        rows.iter().for_each(|row| centre.iter_mut().zip(row).for_each(|(c, x)| *c += x / n));
        for row in rows {
            scale.iter_mut().zip(row).zip(&centre).for_each(|((s, x), c)| *s += (x - c).powi(2) / n);
        }
        // a column that does not vary but for rounding stays near 0, and is found by its information
        scale.iter_mut().zip(&centre).for_each(|(s, c)| *s = if s.sqrt() > 1e-13 * c.abs() { s.sqrt() } else { 1.0 });
        let mut order: Vec<usize> = (0..time.len()).collect();
        order.sort_by(|a, b| time[*b].total_cmp(&time[*a]).then(event[*b].cmp(&event[*a])));
        let covariates =
            order.iter().flat_map(|i| rows.row(*i).iter().zip(&centre).zip(&scale).map(|((x, c), s)| (x - c) / s));
        Self {
            p,
            ties,
            covariates: covariates.collect(),
            groups: order
                .chunk_by(|a, b| time[*a] == time[*b])
                .map(|group| (group.len(), group.iter().filter(|i| event[**i]).count()))
                .collect(),
            scale,
        }
    }

    /// The partial likelihood's logarithm at β; its gradient and information go to where they are given.
    fn likelihood(&self, beta: &[f64], gradient: &mut [f64], information: &mut [f64]) -> f64 {
        let p = self.p;
        let risk: Vec<f64> =
            self.covariates.chunks_exact(p).map(|x| x.iter().zip(beta).map(|(x, b)| x * b).sum()).collect();
        gradient.fill(0.0);
        information.fill(0.0);
        let (mut at_risk, mut of_events, mut share) = (Moments::new(p), Moments::new(p), Moments::new(p));
        // weights are e^(risk − top), where top is the largest risk so far: that keeps them in range
        let (mut log_likelihood, mut first, mut top) = (0.0, 0, risk[0]);
        for (patients, events) in &self.groups {
            of_events.clear();
            let (risks, rows) = (&risk[first..], self.covariates[first * p..].chunks_exact(p));
            let higher = risks[..*patients].iter().copied().fold(top, f64::max);
            if higher > top {
                at_risk.scale(libm::exp(top - higher));
                top = higher;
            }
            for (i, (risk, x)) in risks.iter().zip(rows).take(*patients).enumerate() {
                let weight = libm::exp(risk - top);
                at_risk.add(weight, x);
                if i < *events {
                    of_events.add(weight, x);
                    log_likelihood += risk - top;
                    gradient.iter_mut().zip(x).for_each(|(g, x)| *g += x);
                }
            }
            first += patients;
            for l in 0..*events {
                let gone = match self.ties {
                    Ties::Efron => l as f64 / *events as f64,
                    Ties::Breslow => 0.0,
                };
                share.less(&at_risk, &of_events, gone);
                log_likelihood -= libm::log(share.weight);
                for j in 0..p {
                    let mean = share.first[j] / share.weight;
                    gradient[j] -= mean;
                    for k in 0..=j {
                        information[j * p + k] += (share.second[j * p + k] - mean * share.first[k]) / share.weight;
                    }
                }
            }
        }
        log_likelihood
    }
}

/// Sums of w, w x and w x xᵀ (lower triangle).
struct Moments {
    weight: f64,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Moments {
    fn new(p: usize) -> Self {
        Self { weight: 0.0, first: vec![0.0; p], second: vec![0.0; p * p] }
    }

    fn clear(&mut self) {
        self.weight = 0.0;
        self.first.fill(0.0);
        self.second.fill(0.0);
    }

    fn add(&mut self, weight: f64, x: &[f64]) {
        self.weight += weight;
        for (j, (first, second)) in self.first.iter_mut().zip(self.second.chunks_exact_mut(x.len())).enumerate() {
            let product = weight * x[j];
            *first += product;
            second.iter_mut().zip(&x[..=j]).for_each(|(s, x)| *s += product * x);
        }
    }

    fn scale(&mut self, factor: f64) {
        self.weight *= factor;
        self.first.iter_mut().chain(&mut self.second).for_each(|s| *s *= factor);
    }

    /// Becomes `all` less the part `gone` of `some`.
    fn less(&mut self, all: &Self, some: &Self, gone: f64) {
        let part = |to: &mut [f64], all: &[f64], some: &[f64]| {
            to.iter_mut().zip(all.iter().zip(some)).for_each(|(to, (all, some))| *to = all - gone * some);
        };
        self.weight = all.weight - gone * some.weight;
        part(&mut self.first, &all.first, &some.first);
        part(&mut self.second, &all.second, &some.second);
    }
}

struct Optimum {
    beta: Vec<f64>,
    covariance: Vec<f64>,
    log_likelihood: f64,
    log_likelihood_null: f64,
}

fn newton(data: &Sorted, max_iterations: usize) -> Result<Optimum, Error> {
    let fails = |reason| Err(Error::NoOptimum { what: "Cox's model", reason });
    let p = data.p;
    let (mut beta, mut gradient, mut information) = (vec![0.0; p], vec![0.0; p], vec![0.0; p * p]);
    let mut log_likelihood = data.likelihood(&beta, &mut gradient, &mut information);
    let log_likelihood_null = log_likelihood;
    // standardised covariates have a variance of 1 among all, so that this is 0 but for rounding
    let events: usize = data.groups.iter().map(|(_, events)| events).sum();
    if (0..p).any(|j| information[j * p + j] <= 1e-12 * events as f64) {
        return fails("a covariate does not vary among those at risk: leave it out");
    }
    let Ok(mut cholesky) = Cholesky::new(&information, p) else {
        return fails("a covariate depends on the others: leave it out");
    };
    for _ in 0..max_iterations {
        let mut step = gradient.clone();
        cholesky.solve(&mut step);
        let gain: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
        let longest = step.iter().fold(0.0f64, |longest, s| longest.max(s.abs()));
        if gain < 1e-7 && longest > 0.1 {
            return fails(MONOTONE); // β still runs where the likelihood no longer rises
        }
        let last = longest <= 1e-9;
        let mut next = beta.clone();
        for halving in 0..40 {
            next.iter_mut().zip(&beta).zip(&step).for_each(|((n, b), s)| *n = b + s);
            let value = data.likelihood(&next, &mut gradient, &mut information);
            if value.is_finite() && value >= log_likelihood - 1e-9 * (1.0 + log_likelihood.abs()) {
                log_likelihood = value;
                break;
            }
            if halving == 39 {
                return fails("no step raises the likelihood: scale the covariates");
            }
            step.iter_mut().for_each(|s| *s *= 0.5);
        }
        beta.clone_from(&next);
        match Cholesky::new(&information, p) {
            Ok(factor) => cholesky = factor,
            Err(_) => return fails(MONOTONE),
        }
        if last {
            return Ok(Optimum { beta, covariance: cholesky.inverse(), log_likelihood, log_likelihood_null });
        }
    }
    fails("it did not settle within max_iterations: allow more")
}

const MONOTONE: &str =
    "a covariate, or a sum of them, orders the events perfectly (monotone likelihood): leave it out or penalise";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    fn patients(n: usize) -> (Vec<f64>, Vec<bool>, Vec<f64>) {
        let mut stream = Generator::new(4, "cox").stream(0);
        let (mut time, mut event, mut x) = (vec![], vec![], vec![]);
        for _ in 0..n {
            let row = [stream.normal(), 100.0 + 10.0 * stream.normal()];
            let (end, own) = (2.0 * stream.exponential(), stream.exponential() * (-row[0] - 0.05 * row[1] + 5.0).exp());
            time.push((10.0 * own.min(end)).ceil() / 10.0);
            event.push(own <= end);
            x.extend(row);
        }
        (time, event, x)
    }

    #[test]
    fn finds_the_effects_in_their_units() {
        let (time, event, x) = patients(2000);
        let model = Cox::config().fit(&time, &event, Rows::new(&x, 2).unwrap()).unwrap();
        assert!(model.coefficients()[0].covers(1.0) && model.coefficients()[1].covers(0.05), "{model:?}");
        assert!(model.likelihood_ratio().p < 1e-10 && model.p_values()[1] < 1e-10);
        // other units change the coefficient and nothing else
        let other: Vec<f64> = x.chunks_exact(2).flat_map(|r| [r[0], r[1] / 1e6 - 7.0]).collect();
        let other = Cox::config().fit(&time, &event, Rows::new(&other, 2).unwrap()).unwrap();
        assert!((other.coefficients()[1].value / model.coefficients()[1].value / 1e6 - 1.0).abs() < 1e-8);
        assert!((other.log_likelihood() - model.log_likelihood()).abs() < 1e-8);
        // many ties: Breslow is nearer to no effect
        let breslow = Cox::config().with_ties(Ties::Breslow).fit(&time, &event, Rows::new(&x, 2).unwrap()).unwrap();
        assert!(breslow.coefficients()[0].value < model.coefficients()[0].value);
    }

    #[test]
    fn monotone_likelihood_says_so() {
        let fit = |x: &[f64], columns| {
            let n = x.len() / columns;
            let time: Vec<f64> = (1..=n).map(|i| i as f64).collect();
            Cox::config().fit(&time, &vec![true; n], Rows::new(x, columns).unwrap())
        };
        let monotone = Err(Error::NoOptimum { what: "Cox's model", reason: MONOTONE });
        let falling: Vec<f64> = (0..40).map(|i| -f64::from(i)).collect();
        assert_eq!(fit(&falling, 1), monotone);
        // on the way to it, risks differ by more than a number's range of e^x
        let long: Vec<f64> = (0..2000).map(|i| -f64::from(i)).collect();
        assert_eq!(fit(&long, 1), monotone);
        let early: Vec<f64> = (0..40).map(|i| f64::from(u8::from(i < 7))).collect();
        assert_eq!(fit(&early, 1), monotone);
        // a sum of two covariates that each overlap
        let mut stream = Generator::new(1, "monotone").stream(0);
        let sum: Vec<f64> = (0..60)
            .flat_map(|i| {
                let a = 30.0 * stream.normal();
                [a, -f64::from(i) - a]
            })
            .collect();
        assert_eq!(fit(&sum, 2), monotone);
    }

    #[test]
    fn what_cannot_be_fitted() {
        let (time, event, x) = patients(50);
        let fit = |x: &[f64], columns| Cox::config().fit(&time, &event, Rows::new(x, columns).unwrap());
        assert!(matches!(fit(&[3.0; 50], 1), Err(Error::NoOptimum { .. })));
        let twice: Vec<f64> = x.iter().step_by(2).flat_map(|v| [*v, 2.0 * v]).collect();
        assert!(matches!(fit(&twice, 2), Err(Error::NoOptimum { .. })));
        assert!(matches!(fit(&x[..20], 2), Err(Error::Mismatch(_))));
        let rows = Rows::new(&x, 2).unwrap();
        assert!(matches!(Cox::config().fit(&time, &[false; 50], rows), Err(Error::TooShort(_))));
        assert!(matches!(Cox::config().with_level(2.0).fit(&time, &event, rows), Err(Error::Parameter(_))));
        let model = Cox::config().fit(&time, &event, rows).unwrap();
        assert!(matches!(model.predict(Rows::new(&[1.0], 1).unwrap()), Err(Error::Mismatch(_))));
    }
}
