use super::hidden_chain::{BaumWelch, Chain, HmmFit, check_finite, check_sequences};
use super::{KMeans, StandardScaler};
use crate::error::{Mismatch, Parameter};
use crate::{Error, Rows};
use serde::{Deserialize, Serialize};

/// Hidden Markov model whose states emit independent normal values: a sequence of measurements as a walk through states.
///
/// **Use it** to cut a recording into phases (sleep, contraction, gait) whose measurements differ. **Not** where a phase
/// has a typical length (its length is geometric here), nor for values that depend on each other within a state.
///
/// # Formula
/// p(x, s) = start(s₁) Π transition(sₜ₋₁, sₜ) Π N(xₜ; mean(sₜ), variance(sₜ)), in logarithms throughout.
///
/// # Examples
/// ```
/// use eir_core::{Rows, learn::{BaumWelch, GaussianHmm}};
/// let x = [0.1, -0.2, 0.0, 0.2, 5.1, 4.9, 5.2, 5.0, 0.1, -0.1];
/// let sequence = [Rows::new(&x, 1)?];
/// let start = GaussianHmm::from_groups(&sequence, 2, 0)?;
/// let fit = start.fit(&BaumWelch::default(), &sequence)?;
/// let (path, _) = fit.model.viterbi(sequence[0])?;
/// assert!(fit.converged && path[4..8].iter().all(|s| *s == path[4]) && path[0] != path[4]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for sizes that do not fit, probabilities that do not sum to 1, variances that are not positive.
///
/// # Validation
/// Agrees with hmmlearn 0.3.3 within 1e-9 (score, path, posterior) and 1e-6 (fit) on `reference/core/hmm.json`.
///
/// # References
/// Rabiner 1989, doi:10.1109/5.18626; Viterbi 1967, doi:10.1109/TIT.1967.1054010.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GaussianHmm {
    /// Probability of each state at the start of a sequence.
    pub start: Vec<f64>,
    /// Probability of the next state, one row per state.
    pub transition: Vec<f64>,
    /// Means, one row per state.
    pub means: Vec<f64>,
    /// Variances, one row per state.
    pub variances: Vec<f64>,
}

impl GaussianHmm {
    /// A model of known numbers: with `start.len()` states, each other one row per state.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn new(start: &[f64], transition: &[f64], means: &[f64], variances: &[f64]) -> Result<Self, Error> {
        let vec = <[f64]>::to_vec;
        let model =
            Self { start: vec(start), transition: vec(transition), means: vec(means), variances: vec(variances) };
        model.chain()?;
        Ok(model)
    }

    /// A start for [`fit`](Self::fit): `states` groups of k-means (on scaled columns) with their means and variances; a
    /// state stays with probability 0.9.
    ///
    /// # Errors
    /// [`Error`] for sequences of different columns, and fewer different rows than states.
    pub fn from_groups(sequences: &[Rows<'_>], states: usize, seed: u64) -> Result<Self, Error> {
        check_sequences(sequences.iter().map(Rows::len))?;
        let d = sequences[0].columns();
        sequences.iter().try_for_each(|s| Mismatch::check("columns", d, s.columns()))?;
        let all: Vec<f64> = sequences.iter().flat_map(|s| s.values()).copied().collect();
        let rows = Rows::new(&all, d)?;
        let scaler = StandardScaler::default().fit(rows)?;
        let scaled = scaler.transform(rows)?;
        let groups = KMeans::default().with_clusters(states).with_seed(seed).fit(Rows::new(&scaled, d)?)?;
        let mut sums = Sums::new(states, d);
        for (row, label) in rows.iter().zip(&groups.labels) {
            sums.add(*label, 1.0, row, &scaler.centre);
        }
        // a group of equal rows still needs a width: a thousandth of the column's
        let floor: Vec<f64> = scaler.scale.iter().map(|s| (1e-3 * s).powi(2)).collect();
        let centres: Vec<f64> = (0..states).flat_map(|_| scaler.centre.iter().copied()).collect();
        let (means, variances) = sums.moments(&centres, &vec![1.0; states * d], &floor);
        let other = if states > 1 { 0.1 / (states - 1) as f64 } else { 0.0 };
        let stay = 1.0 - other * (states - 1) as f64;
        let transition = (0..states * states).map(|at| if at % (states + 1) == 0 { stay } else { other }).collect();
        Ok(Self { start: vec![1.0 / states as f64; states], transition, means, variances })
    }

    fn columns(&self) -> usize {
        self.means.len() / self.start.len().max(1)
    }

    /// The chain, once every size and value is checked.
    fn chain(&self) -> Result<Chain<'_>, Error> {
        if self.start.is_empty() || self.means.is_empty() {
            return Err(Parameter::new("states", 0.0, "1 or more, each with a mean").into());
        }
        Mismatch::check("means", self.start.len() * self.columns(), self.means.len())?;
        Mismatch::check("variances", self.means.len(), self.variances.len())?;
        check_finite("mean", &self.means)?;
        match self.variances.iter().find(|v| !(**v > 0.0 && v.is_finite())) {
            Some(v) => Err(Parameter::new("variance", *v, "above 0 and finite").into()),
            None => Chain::new(&self.start, &self.transition),
        }
    }

    /// ln p of each row in each state.
    fn emission(&self, rows: Rows<'_>) -> Result<Vec<f64>, Error> {
        let d = self.columns();
        Mismatch::check("columns", d, rows.columns())?;
        let constants: Vec<f64> = self
            .variances
            .chunks_exact(d)
            .map(|v| v.iter().map(|v| libm::log(std::f64::consts::TAU * v)).sum::<f64>())
            .collect();
        let distance = |row: &[f64], k: usize| {
            let state = self.means[k * d..].iter().zip(&self.variances[k * d..]);
            row.iter().zip(state).map(|(x, (m, v))| (x - m) * (x - m) / v).sum::<f64>()
        };
        Ok(rows
            .iter()
            .flat_map(|row| constants.iter().enumerate().map(move |(k, c)| (row, k, c)))
            .map(|(row, k, c)| -0.5 * (c + distance(row, k)))
            .collect())
    }

    /// ln p of the sequences together.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of columns.
    pub fn score(&self, sequences: &[Rows<'_>]) -> Result<f64, Error> {
        let chain = self.chain()?;
        sequences.iter().map(|s| Ok(chain.score(&self.emission(*s)?))).sum()
    }

    /// The likeliest path through the states (ties go to the lower one), and ln p of it with the sequence.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of columns, [`Error::Impossible`] for a sequence of probability 0.
    pub fn viterbi(&self, sequence: Rows<'_>) -> Result<(Vec<usize>, f64), Error> {
        self.chain()?.viterbi(&self.emission(sequence)?)
    }

    /// Probability of each state at each time given the whole sequence, row after row.
    ///
    /// # Errors
    /// As [`viterbi`](Self::viterbi).
    pub fn posterior(&self, sequence: Rows<'_>) -> Result<Vec<f64>, Error> {
        self.chain()?.posterior(&self.emission(sequence)?)
    }

    /// Fits the model to sequences, from its own numbers.
    ///
    /// # Errors
    /// [`Error`] for settings out of range, no observations, other columns, and sequences of probability 0.
    pub fn fit(&self, settings: &BaumWelch, sequences: &[Rows<'_>]) -> Result<HmmFit<Self>, Error> {
        check_sequences(sequences.iter().map(Rows::len))?;
        settings.iterate(self.clone(), |model| model.step(settings, sequences))
    }

    fn step(&self, settings: &BaumWelch, sequences: &[Rows<'_>]) -> Result<(Self, f64), Error> {
        let chain = self.chain()?;
        let (k, d) = (self.start.len(), self.columns());
        let (mut counts, mut sums) = (chain.counts(), Sums::new(k, d));
        for sequence in sequences.iter().filter(|s| !s.is_empty()) {
            let posterior = chain.count(&self.emission(*sequence)?, &mut counts)?;
            for (row, shares) in sequence.iter().zip(posterior.chunks_exact(k)) {
                for (state, share) in shares.iter().enumerate() {
                    sums.add(state, *share, row, &self.means[state * d..]);
                }
            }
        }
        let log_likelihood = counts.log_likelihood;
        let (start, transition) = chain.updated(counts);
        let floor = vec![settings.min_variance; d];
        let (means, variances) = sums.moments(&self.means, &self.variances, &floor);
        Ok((Self { start, transition, means, variances }, log_likelihood))
    }
}

/// Shares of rows in states, with their differences from a centre and the squares of these.
struct Sums {
    shares: Vec<f64>,
    differences: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn new(states: usize, d: usize) -> Self {
        Self { shares: vec![0.0; states], differences: vec![0.0; states * d], squares: vec![0.0; states * d] }
    }

    fn add(&mut self, state: usize, share: f64, row: &[f64], centre: &[f64]) {
        let d = row.len();
        self.shares[state] += share;
        for (j, (x, c)) in row.iter().zip(centre).enumerate() {
            self.differences[state * d + j] += share * (x - c);
            self.squares[state * d + j] += share * (x - c) * (x - c);
        }
    }

    /// Means and variances, where the differences were taken from `centres`; a state without rows keeps what it had.
    fn moments(&self, centres: &[f64], variances: &[f64], floor: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let d = floor.len();
        let of = |at: usize| {
            let share = self.shares[at / d];
            if share <= 0.0 {
                return (centres[at], variances[at]);
            }
            let shift = self.differences[at] / share;
            (centres[at] + shift, (self.squares[at] / share - shift * shift).max(floor[at % d]))
        };
        (0..centres.len()).map(of).unzip()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use crate::testing::contract;

    #[test]
    fn finds_the_phases_of_two_recordings() {
        let mut stream = Generator::new(11, "test").stream(0);
        let mut recording = |n: usize| -> Vec<f64> {
            (0..n)
                .flat_map(|t| [f64::from(u8::from(t / 50 % 2 == 1)) * 4.0 + stream.normal(), 1e5 + stream.normal()])
                .collect()
        };
        let (a, b) = (recording(400), recording(300));
        let sequences = [Rows::new(&a, 2).unwrap(), Rows::new(&b, 2).unwrap()];
        let fit = GaussianHmm::from_groups(&sequences, 2, 1).unwrap().fit(&BaumWelch::default(), &sequences).unwrap();
        assert!(fit.converged && fit.log_likelihood.is_sorted_by(|x, y| *y >= x - 1e-6));
        let (path, _) = fit.model.viterbi(sequences[0]).unwrap();
        let right = path.iter().enumerate().filter(|(t, s)| (t / 50 % 2 == 1) == (**s != path[0])).count();
        assert!(right > 390, "{right}");
        assert!((fit.model.variances[1] - 1.0).abs() < 0.3, "{:?}", fit.model);
        contract::serde_round_trip(&fit);
    }

    #[test]
    fn wrong_models_and_sequences_are_errors() {
        let model = |start: &[f64], v| GaussianHmm::new(start, &[0.5; 4], &[0.0, 1.0], &[1.0, v]);
        assert!(model(&[0.5, 0.5], 0.0).is_err() && model(&[0.5], 1.0).is_err() && model(&[], 1.0).is_err());
        let model = model(&[0.5, 0.5], 1.0).unwrap();
        assert!(model.score(&[Rows::new(&[1.0, 2.0], 2).unwrap()]).is_err());
        assert!(model.fit(&BaumWelch::default(), &[]).is_err());
        assert!(GaussianHmm::from_groups(&[Rows::new(&[1.0, 1.0], 1).unwrap()], 2, 0).is_err());
        // constant values keep the least variance and end
        let flat = [Rows::new(&[3.0; 20], 1).unwrap()];
        let fit = model.fit(&BaumWelch::default(), &flat).unwrap();
        assert!(fit.model.variances.iter().all(|v| *v >= 1e-6));
    }
}
