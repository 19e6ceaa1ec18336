use super::hidden_chain::{BaumWelch, Chain, HmmFit, check_probabilities, check_sequences, shares};
use crate::Error;
use crate::error::{Mismatch, Parameter};
use serde::{Deserialize, Serialize};

/// Hidden Markov model whose states emit one of several symbols.
///
/// **Use it** for sequences of codes (stages, activities, words) behind which states change slowly. **Not** for
/// measurements: see [`GaussianHmm`](super::GaussianHmm).
///
/// # Formula
/// p(o, s) = start(s₁) Π transition(sₜ₋₁, sₜ) Π emission(sₜ, oₜ), in logarithms throughout.
///
/// # Examples
/// ```
/// use eir_core::learn::CategoricalHmm;
/// let model = CategoricalHmm::new(&[0.5, 0.5], &[0.9, 0.1, 0.1, 0.9], &[0.9, 0.1, 0.2, 0.8])?;
/// assert_eq!(model.viterbi(&[0, 0, 1, 0, 0, 1, 1, 1])?.0, [0, 0, 0, 0, 0, 1, 1, 1]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for sizes that do not fit and probabilities that do not sum to 1.
///
/// # Validation
/// Agrees with hmmlearn 0.3.3 within 1e-9 on `reference/core/hmm.json`.
///
/// # References
/// Rabiner 1989, doi:10.1109/5.18626.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CategoricalHmm {
    /// Probability of each state at the start of a sequence.
    pub start: Vec<f64>,
    /// Probability of the next state, one row per state.
    pub transition: Vec<f64>,
    /// Probability of each symbol, one row per state.
    pub emission: Vec<f64>,
}

impl CategoricalHmm {
    /// A model of known numbers: with `start.len()` states, each other one row per state.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn new(start: &[f64], transition: &[f64], emission: &[f64]) -> Result<Self, Error> {
        let model = Self { start: start.to_vec(), transition: transition.to_vec(), emission: emission.to_vec() };
        model.chain()?;
        Ok(model)
    }

    /// Number of symbols: they are 0, 1 …
    #[must_use]
    pub fn symbols(&self) -> usize {
        self.emission.len() / self.start.len().max(1)
    }

    fn chain(&self) -> Result<Chain<'_>, Error> {
        if self.start.is_empty() || self.emission.is_empty() {
            return Err(Parameter::new("states", 0.0, "1 or more, each with a symbol").into());
        }
        Mismatch::check("emission probabilities", self.start.len() * self.symbols(), self.emission.len())?;
        check_probabilities("emission probabilities", &self.emission, self.symbols())?;
        Chain::new(&self.start, &self.transition)
    }

    /// ln p of each observation in each state.
    fn logs(&self, sequence: &[usize]) -> Result<Vec<f64>, Error> {
        let symbols = self.symbols();
        if let Some(index) = sequence.iter().position(|o| *o >= symbols) {
            return Err(Error::Class { index, classes: symbols });
        }
        let logs: Vec<f64> = self.emission.iter().map(|p| libm::log(*p)).collect();
        Ok(sequence.iter().flat_map(|o| logs.iter().skip(*o).step_by(symbols)).copied().collect())
    }

    /// ln p of the sequences together; −∞ if they are impossible.
    ///
    /// # Errors
    /// [`Error::Class`] for a symbol beyond the model's.
    pub fn score(&self, sequences: &[&[usize]]) -> Result<f64, Error> {
        let chain = self.chain()?;
        sequences.iter().map(|s| Ok(chain.score(&self.logs(s)?))).sum()
    }

    /// The likeliest path through the states (ties go to the lower one), and ln p of it with the sequence.
    ///
    /// # Errors
    /// [`Error::Class`] for a symbol beyond the model's, [`Error::Impossible`] for a sequence of probability 0.
    pub fn viterbi(&self, sequence: &[usize]) -> Result<(Vec<usize>, f64), Error> {
        self.chain()?.viterbi(&self.logs(sequence)?)
    }

    /// Probability of each state at each time given the whole sequence, row after row.
    ///
    /// # Errors
    /// As [`viterbi`](Self::viterbi).
    pub fn posterior(&self, sequence: &[usize]) -> Result<Vec<f64>, Error> {
        self.chain()?.posterior(&self.logs(sequence)?)
    }

    /// Fits the model to sequences, from its own numbers: they must not be the same for all states.
    ///
    /// # Errors
    /// [`Error`] for settings out of range, no observations, symbols beyond the model's, and sequences of probability 0.
    pub fn fit(&self, settings: &BaumWelch, sequences: &[&[usize]]) -> Result<HmmFit<Self>, Error> {
        check_sequences(sequences.iter().map(|s| s.len()))?;
        settings.iterate(self.clone(), |model| model.step(sequences))
    }

    fn step(&self, sequences: &[&[usize]]) -> Result<(Self, f64), Error> {
        let chain = self.chain()?;
        let (k, symbols) = (self.start.len(), self.symbols());
        let (mut counts, mut emission) = (chain.counts(), vec![0.0; self.emission.len()]);
        for sequence in sequences.iter().filter(|s| !s.is_empty()) {
            let posterior = chain.count(&self.logs(sequence)?, &mut counts)?;
            for (symbol, of_states) in sequence.iter().zip(posterior.chunks_exact(k)) {
                emission.iter_mut().skip(*symbol).step_by(symbols).zip(of_states).for_each(|(e, p)| *e += p);
            }
        }
        let log_likelihood = counts.log_likelihood;
        let (start, transition) = chain.updated(counts);
        emission.chunks_exact_mut(symbols).zip(self.emission.chunks_exact(symbols)).for_each(|(e, o)| shares(e, o));
        Ok((Self { start, transition, emission }, log_likelihood))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::contract;

    #[test]
    fn fitting_never_makes_a_sequence_less_likely() {
        let start = CategoricalHmm::new(&[0.6, 0.4], &[0.7, 0.3, 0.4, 0.6], &[0.5, 0.3, 0.2, 0.2, 0.3, 0.5]).unwrap();
        let a: Vec<usize> = (0..90).map(|t| if t / 15 % 2 == 0 { t % 2 } else { 2 - t % 3 / 2 }).collect();
        let sequences = [&a[..50], &a[50..]];
        let fit = start.fit(&BaumWelch::default(), &sequences).unwrap();
        assert!(fit.converged && fit.log_likelihood.is_sorted_by(|x, y| *y >= x - 1e-9));
        assert!(fit.model.score(&sequences).unwrap() > start.score(&sequences).unwrap() + 10.0);
        contract::serde_round_trip(&fit);
    }

    #[test]
    fn unknown_and_impossible_symbols_are_named() {
        let model = CategoricalHmm::new(&[1.0], &[1.0], &[1.0, 0.0]).unwrap();
        assert_eq!(model.viterbi(&[0, 2]).unwrap_err(), Error::Class { index: 1, classes: 2 });
        assert_eq!(model.score(&[&[0, 1]]), Ok(f64::NEG_INFINITY));
        assert!(matches!(model.posterior(&[0, 1]), Err(Error::Impossible(_))));
        assert_eq!(model.score(&[]), Ok(0.0));
        assert!(model.fit(&BaumWelch::default(), &[&[]]).is_err());
        assert!(CategoricalHmm::new(&[1.0], &[1.0], &[]).is_err());
    }
}
