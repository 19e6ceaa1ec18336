//! The hidden Markov chain itself, whatever its states emit: forward and backward recursions in logarithms, Viterbi's
//! path, and the counts that Baum and Welch need. What the states emit comes as a table of ln p(observation | state).

use super::elementary::{exp, log_sum_exp};
use crate::Error;
use crate::error::{Mismatch, NotFinite, Parameter};
use serde::{Deserialize, Serialize};

/// Iteration of Baum and Welch: the likeliest hidden Markov model near a start.
///
/// **Use it** to fit [`GaussianHmm`](super::GaussianHmm) or [`CategoricalHmm`](super::CategoricalHmm) to one or several
/// sequences. It finds a local maximum: try several starts. No priors are added, so that it is maximum likelihood.
///
/// # Formula
/// Expectation by forward and backward recursion in logarithms; then start, transition and emission are the shares of
/// what was expected. Ends when ln p of all sequences changes by less than `tolerance`.
///
/// # Validation
/// Agrees with hmmlearn 0.3.3 without priors within 1e-6 after 10 iterations on `reference/core/hmm.json`.
///
/// # References
/// Rabiner 1989, doi:10.1109/5.18626.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BaumWelch {
    /// Iterations after which it ends, converged or not, 1 or more. Default 1000.
    pub max_iterations: usize,
    /// Change of ln p that ends it, 0 or more. Default 1e-6.
    pub tolerance: f64,
    /// Least variance of a Gaussian state, above 0, in squared units of the columns. Default 1e-6.
    pub min_variance: f64,
}

impl Default for BaumWelch {
    fn default() -> Self {
        Self { max_iterations: 1000, tolerance: 1e-6, min_variance: 1e-6 }
    }
}

/// A model that [`BaumWelch`] has fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HmmFit<M> {
    /// The model after the last iteration.
    pub model: M,
    /// ln p of all sequences before each iteration.
    pub log_likelihood: Vec<f64>,
    /// Whether the last change was below the tolerance.
    pub converged: bool,
}

impl BaumWelch {
    /// Sets [`max_iterations`](Self::max_iterations).
    #[must_use]
    pub fn with_max_iterations(self, max_iterations: usize) -> Self {
        Self { max_iterations, ..self }
    }

    /// Sets [`tolerance`](Self::tolerance).
    #[must_use]
    pub fn with_tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// Sets [`min_variance`](Self::min_variance).
    #[must_use]
    pub fn with_min_variance(self, min_variance: f64) -> Self {
        Self { min_variance, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        if self.max_iterations == 0 {
            return Err(Parameter::new("max_iterations", 0.0, "1 or more").into());
        }
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            return Err(Parameter::new("tolerance", self.tolerance, "0 or more and finite").into());
        }
        if !(self.min_variance > 0.0 && self.min_variance.is_finite()) {
            return Err(Parameter::new("min_variance", self.min_variance, "above 0 and finite").into());
        }
        Ok(())
    }

    /// Repeats `step`, which gives the next model and ln p of the sequences under the last.
    pub(crate) fn iterate<M>(
        &self,
        start: M,
        step: impl Fn(&M) -> Result<(M, f64), Error>,
    ) -> Result<HmmFit<M>, Error> {
        self.validate()?;
        let (mut model, mut log_likelihood, mut converged) = (start, Vec::new(), false);
        while !converged && log_likelihood.len() < self.max_iterations {
            let (next, value) = step(&model)?;
            converged = log_likelihood.last().is_some_and(|last: &f64| (value - last).abs() < self.tolerance);
            log_likelihood.push(value);
            model = next;
        }
        Ok(HmmFit { model, log_likelihood, converged })
    }
}

/// Checks that `values` are rows of `width` probabilities that sum to 1.
pub(crate) fn check_probabilities(what: &'static str, values: &[f64], width: usize) -> Result<(), Error> {
    for row in values.chunks(width.max(1)) {
        if let Some(p) = row.iter().find(|p| !(0.0..=1.0).contains(*p)) {
            return Err(Parameter::new(what, *p, "a probability, 0 to 1").into());
        }
        let sum: f64 = row.iter().sum();
        if (sum - 1.0).abs() > 1e-6 {
            return Err(Parameter::new(what, sum, "probabilities with a sum of 1").into());
        }
    }
    Ok(())
}

/// Probabilities of the first state and of the next one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chain<'a> {
    start: &'a [f64],
    transition: &'a [f64],
}

/// What Baum and Welch count in sequences.
#[derive(Debug, Clone)]
pub(crate) struct Counts {
    start: Vec<f64>,
    transition: Vec<f64>,
    pub(crate) log_likelihood: f64,
}

impl<'a> Chain<'a> {
    pub(crate) fn new(start: &'a [f64], transition: &'a [f64]) -> Result<Self, Error> {
        let states = start.len();
        Mismatch::check("transition probabilities", states * states, transition.len())?;
        check_probabilities("start probabilities", start, states)?;
        check_probabilities("transition probabilities", transition, states)?;
        Ok(Self { start, transition })
    }

    fn states(&self) -> usize {
        self.start.len()
    }

    pub(crate) fn counts(&self) -> Counts {
        let k = self.states();
        Counts { start: vec![0.0; k], transition: vec![0.0; k * k], log_likelihood: 0.0 }
    }

    /// ln p(observations to now, state), row after row, and ln p of all.
    fn forward(&self, emission: &[f64]) -> (Vec<f64>, f64) {
        let k = self.states();
        let from: Vec<f64> = (0..k * k).map(|at| libm::log(self.transition[at % k * k + at / k])).collect();
        let mut alpha = vec![0.0; emission.len()];
        let mut terms = vec![0.0; k];
        for t in 0..emission.len() / k {
            let (before, now) = alpha.split_at_mut(t * k);
            for (j, now) in now[..k].iter_mut().enumerate() {
                *now = emission[t * k + j]
                    + if t == 0 {
                        libm::log(self.start[j])
                    } else {
                        let last = &before[(t - 1) * k..];
                        terms.iter_mut().zip(last.iter().zip(&from[j * k..])).for_each(|(t, (a, p))| *t = a + p);
                        log_sum_exp(&terms)
                    };
            }
        }
        let total = if alpha.is_empty() { 0.0 } else { log_sum_exp(&alpha[alpha.len() - k..]) };
        (alpha, total)
    }

    /// ln p(observations after now | state), row after row.
    fn backward(&self, emission: &[f64]) -> Vec<f64> {
        let k = self.states();
        let log_transition: Vec<f64> = self.transition.iter().map(|p| libm::log(*p)).collect();
        let mut beta = vec![0.0; emission.len()];
        let mut terms = vec![0.0; k];
        for t in (0..(emission.len() / k).saturating_sub(1)).rev() {
            let (now, after) = beta.split_at_mut((t + 1) * k);
            for (i, now) in now[t * k..].iter_mut().enumerate() {
                for (j, term) in terms.iter_mut().enumerate() {
                    *term = log_transition[i * k + j] + emission[(t + 1) * k + j] + after[j];
                }
                *now = log_sum_exp(&terms);
            }
        }
        beta
    }

    /// ln p of the observations; −∞ if they are impossible.
    pub(crate) fn score(&self, emission: &[f64]) -> f64 {
        self.forward(emission).1
    }

    /// Probability of each state at each time given all observations, row after row.
    pub(crate) fn posterior(&self, emission: &[f64]) -> Result<Vec<f64>, Error> {
        let (alpha, total) = self.forward(emission);
        possible(total)?;
        Ok(alpha.iter().zip(self.backward(emission)).map(|(a, b)| exp(a + b - total)).collect())
    }

    /// The likeliest path, ties to the lower state, and ln p of it with the observations.
    pub(crate) fn viterbi(&self, emission: &[f64]) -> Result<(Vec<usize>, f64), Error> {
        let k = self.states();
        let log_transition: Vec<f64> = self.transition.iter().map(|p| libm::log(*p)).collect();
        let times = emission.len() / k;
        if times == 0 {
            return Ok((Vec::new(), 0.0));
        }
        let mut best: Vec<f64> = self.start.iter().zip(emission).map(|(p, e)| libm::log(*p) + e).collect();
        let mut came_from = vec![0; emission.len()];
        for t in 1..times {
            let next = |j: usize| {
                let (i, value) = largest((0..k).map(|i| best[i] + log_transition[i * k + j]));
                came_from[t * k + j] = i;
                value + emission[t * k + j]
            };
            best = (0..k).map(next).collect();
        }
        let (mut state, total) = largest(best.iter().copied());
        possible(total)?;
        let mut path = vec![0; times];
        for t in (0..times).rev() {
            path[t] = state;
            state = came_from[t * k + state];
        }
        Ok((path, total))
    }

    /// Adds what a sequence tells to `counts`, and gives its posterior.
    pub(crate) fn count(&self, emission: &[f64], counts: &mut Counts) -> Result<Vec<f64>, Error> {
        let k = self.states();
        let log_transition: Vec<f64> = self.transition.iter().map(|p| libm::log(*p)).collect();
        let (alpha, total) = self.forward(emission);
        possible(total)?;
        let beta = self.backward(emission);
        for t in 1..emission.len() / k {
            for (at, count) in counts.transition.iter_mut().enumerate() {
                let (i, j) = (at / k, at % k);
                *count +=
                    exp(alpha[(t - 1) * k + i] + log_transition[at] + emission[t * k + j] + beta[t * k + j] - total);
            }
        }
        let posterior: Vec<f64> = alpha.iter().zip(&beta).map(|(a, b)| exp(a + b - total)).collect();
        counts.start.iter_mut().zip(&posterior).for_each(|(s, p)| *s += p);
        counts.log_likelihood += total;
        Ok(posterior)
    }

    /// The likeliest start and transition probabilities; a state that was never left keeps its row.
    pub(crate) fn updated(&self, counts: Counts) -> (Vec<f64>, Vec<f64>) {
        let (mut start, mut transition) = (counts.start, counts.transition);
        shares(&mut start, self.start);
        let k = self.states();
        transition.chunks_exact_mut(k).zip(self.transition.chunks_exact(k)).for_each(|(to, old)| shares(to, old));
        (start, transition)
    }
}

/// Divides counts by their sum; `old` where there are none.
pub(crate) fn shares(counts: &mut [f64], old: &[f64]) {
    let sum: f64 = counts.iter().sum();
    if sum > 0.0 { counts.iter_mut().for_each(|c| *c /= sum) } else { counts.copy_from_slice(old) }
}

fn possible(log_probability: f64) -> Result<(), Error> {
    if log_probability == f64::NEG_INFINITY { Err(Error::Impossible("a sequence")) } else { Ok(()) }
}

/// The first position of the largest value, and the value.
fn largest(values: impl Iterator<Item = f64>) -> (usize, f64) {
    values.enumerate().fold((0, f64::NEG_INFINITY), |best, (i, v)| if v > best.1 { (i, v) } else { best })
}

/// An error unless the sequences hold something.
pub(crate) fn check_sequences(lengths: impl Iterator<Item = usize>) -> Result<(), Error> {
    if lengths.sum::<usize>() > 0 { Ok(()) } else { Err(crate::error::TooShort::new("observations", 0, 1).into()) }
}

pub(crate) fn check_finite(what: &'static str, values: &[f64]) -> Result<(), Error> {
    Ok(NotFinite::check_f64(what, values)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All paths of a chain of 3 states and 5 observations, one by one.
    #[test]
    fn recursions_equal_the_sum_over_all_paths() {
        let start = [0.5, 0.5, 0.0];
        let transition = [0.7, 0.2, 0.1, 0.3, 0.4, 0.3, 0.0, 0.5, 0.5];
        let emission: Vec<f64> = (0..15).map(|i| -0.3 * f64::from(i * 7 % 11) - 100.0).collect();
        let chain = Chain::new(&start, &transition).unwrap();
        let (mut total, mut best, mut third) = (0.0, (0.0, Vec::new()), 0.0);
        for code in 0..243 {
            let path: Vec<usize> = (0..5).map(|t| code / 3usize.pow(4 - t) % 3).collect();
            let moves: f64 = path.windows(2).map(|w| transition[w[0] * 3 + w[1]]).product();
            let seen: f64 = path.iter().enumerate().map(|(t, s)| emission[t * 3 + s] + 100.0).sum();
            let p = start[path[0]] * moves * libm::exp(seen);
            total += p;
            third += if path[2] == 1 { p } else { 0.0 };
            if p > best.0 {
                best = (p, path);
            }
        }
        assert!((chain.score(&emission) - (libm::log(total) - 500.0)).abs() < 1e-10);
        let (path, value) = chain.viterbi(&emission).unwrap();
        assert_eq!(path, best.1);
        assert!((value - (libm::log(best.0) - 500.0)).abs() < 1e-10);
        let posterior = chain.posterior(&emission).unwrap();
        assert!((posterior[7] - third / total).abs() < 1e-12);
        let mut counts = chain.counts();
        assert_eq!(chain.count(&emission, &mut counts).unwrap(), posterior);
        assert!((counts.transition.iter().sum::<f64>() - 4.0).abs() < 1e-10);
    }

    #[test]
    fn ties_go_to_the_lower_state_and_the_impossible_is_an_error() {
        let half = [0.5; 4];
        let chain = Chain::new(&half[..2], &half).unwrap();
        assert_eq!(chain.viterbi(&[0.0; 6]).unwrap().0, [0, 0, 0]);
        let never = [f64::NEG_INFINITY; 2];
        assert_eq!(chain.score(&never), f64::NEG_INFINITY);
        assert!(chain.viterbi(&never).is_err() && chain.posterior(&never).is_err());
        assert_eq!(chain.viterbi(&[]).unwrap(), (vec![], 0.0));
        assert!(Chain::new(&[0.5, 0.6], &half).is_err() && Chain::new(&half[..2], &[0.5; 3]).is_err());
        assert!(Chain::new(&[f64::NAN, 0.5], &half).is_err());
    }
}
