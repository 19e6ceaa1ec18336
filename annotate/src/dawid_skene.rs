//! Dawid and Skene's model: the true classes and each rater's errors, from ratings alone.

use crate::ratings::{Ratings, largest};
use crate::{Error, Result};
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// No probability is taken to be smaller: a logarithm of 0 would overrule all other raters.
const FLOOR: f64 = 1e-10;

/// The most probable class of each item, with the default settings.
///
/// # Errors
/// As [`DawidSkene::fit`].
pub fn dawid_skene(ratings: &Ratings) -> Result<Vec<usize>> {
    Ok(DawidSkene::default().fit(ratings)?.labels())
}

/// When the iterations end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Stop {
    /// When no posterior changes by more than this.
    Posterior(f64),
    /// When the evidence bound per rating, as crowd-kit counts it, grows by less than this. Ends early: crowd-kit's 1e-5
    /// is reached after 2 iterations on bluebirds, before the maximum.
    Evidence(f64),
}

/// Settings of the model of Dawid and Skene.
///
/// Each item has one true class, each rater a confusion matrix; both are found by expectation and maximisation in log
/// space, from the shares of votes. Deterministic: no random start.
///
/// **Use it** where raters differ in skill or lean to one class, and each rated some dozens of items. **Not** with a few
/// ratings per rater (the matrices are then noise: stay with the majority, or raise `smoothing`), and not where raters
/// copied from one another.
///
/// # Formula
/// `log T_ik ∝ log π_k + Σ_w log e^w_{k, l_iw}` (normalised by log-sum-exp);
/// `e^w_{kl} ∝ smoothing + Σ_i T_ik [l_iw = l]`, `π_k = mean_i T_ik`. A rater who never met class k has a uniform row k.
///
/// # Examples
/// ```
/// use eir_annotate::{DawidSkene, Ratings, Rating};
/// // raters 0 to 2 are right; raters 3 to 7 always answer 0
/// let mut all = Vec::new();
/// for item in 0..40 {
///     for rater in 0..8 {
///         all.push(Rating { item, rater, class: if rater < 3 { item % 2 } else { 0 } });
///     }
/// }
/// let ratings = Ratings::new(40, 8, 2, all)?;
/// let fit = DawidSkene::default().fit(&ratings)?;
/// assert!(fit.converged);
/// assert!(fit.labels().iter().enumerate().all(|(item, label)| *label == item % 2)); // the majority says 0 throughout
/// assert!((fit.confusion(7)[2] - 1.0).abs() < 1e-6); // rater 7: P(answer 0 | truth 1)
/// # Ok::<(), eir_annotate::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] for a setting out of its range; [`Error::Undefined`] for an item without a rating.
///
/// # Validation
/// Posteriors and confusion matrices equal crowd-kit 1.4.2 within 1e-6 at its stopping rule and within 1e-5 at the
/// maximum, and an independent implementation run to 1e-13 within 1e-8, on bluebirds (108 items, 39 raters) and RTE (800
/// items, 164 raters). Accuracy against gold there: 0.898 and 0.9275, majority 0.759 and 0.919.
///
/// # References
/// Dawid, Skene 1979, doi:10.2307/2346806; data: Welinder et al. 2010 (NIPS 23), Snow et al. 2008 (EMNLP).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DawidSkene {
    /// At most so many iterations: 1 to 1 000 000. Default 1000.
    pub max_iterations: usize,
    /// When the iterations end before. Default: when no posterior changes by more than 1e-8.
    pub stop: Stop,
    /// Ratings that are added to each entry of each confusion matrix: 0 to 1000. Default 0 (as in the paper).
    pub smoothing: f64,
}

impl Default for DawidSkene {
    fn default() -> Self {
        Self { max_iterations: 1000, stop: Stop::Posterior(1e-8), smoothing: 0.0 }
    }
}

/// What the model found.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct DawidSkeneFit {
    /// Probability of each class, item by item.
    pub posterior: Vec<f64>,
    /// Share of each class.
    pub prior: Vec<f64>,
    /// How many iterations were made.
    pub iterations: usize,
    /// Whether the stopping rule was met before `max_iterations`.
    pub converged: bool,
    /// Log likelihood of the ratings, per iteration: it never falls but for the floor of 1e-10.
    pub log_likelihood: Vec<f64>,
    /// Evidence bound per rating, as crowd-kit counts it, per iteration; only with [`Stop::Evidence`].
    pub evidence: Vec<f64>,
    classes: usize,
    /// Per rater and true class the shares of the answers.
    confusion: Vec<f64>,
    /// Per rater and answer the logarithms for each true class.
    log_by_answer: Vec<f64>,
    log_prior: Vec<f64>,
    previous: Vec<f64>,
}

impl DawidSkene {
    /// Sets [`max_iterations`](Self::max_iterations).
    #[must_use]
    pub fn with_max_iterations(self, max_iterations: usize) -> Self {
        Self { max_iterations, ..self }
    }

    /// Sets [`stop`](Self::stop).
    #[must_use]
    pub fn with_stop(self, stop: Stop) -> Self {
        Self { stop, ..self }
    }

    /// Sets [`smoothing`](Self::smoothing).
    #[must_use]
    pub fn with_smoothing(self, smoothing: f64) -> Self {
        Self { smoothing, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let fail = |name, value, rule| Err(Parameter::new(name, value, rule).into());
        if !(1..=1_000_000).contains(&self.max_iterations) {
            return fail("max_iterations", self.max_iterations as f64, "1 to 1 000 000");
        }
        let (Stop::Posterior(tolerance) | Stop::Evidence(tolerance)) = self.stop;
        if !tolerance.is_finite() {
            return fail("stop", tolerance, "a finite number");
        }
        if !(0.0..=1000.0).contains(&self.smoothing) {
            return fail("smoothing", self.smoothing, "0 to 1000");
        }
        Ok(())
    }

    /// Fits the model.
    ///
    /// # Errors
    /// As the [type](Self) says.
    pub fn fit(&self, ratings: &Ratings) -> Result<DawidSkeneFit> {
        let mut fit = DawidSkeneFit::default();
        self.fit_into(ratings, &mut fit)?;
        Ok(fit)
    }

    /// As [`fit`](Self::fit), into a fit that was used before: allocates nothing if it was as large.
    ///
    /// # Errors
    /// As `fit`.
    pub fn fit_into(&self, ratings: &Ratings, fit: &mut DawidSkeneFit) -> Result<()> {
        self.validate()?;
        let (items, raters, classes) = (ratings.items(), ratings.raters(), ratings.classes());
        fit.resize(items, raters, classes);
        ratings.vote_shares_into(&mut fit.posterior);
        if fit.posterior.chunks_exact(classes).any(|row| row.iter().all(|v| *v == 0.0)) {
            return Err(Error::Undefined { what: "the class of an item", why: "nobody rated it" });
        }
        fit.maximise(ratings, self.smoothing);
        for iteration in 1..=self.max_iterations {
            fit.iterations = iteration;
            std::mem::swap(&mut fit.previous, &mut fit.posterior);
            let likelihood = fit.expect(ratings);
            fit.log_likelihood.push(likelihood);
            fit.maximise(ratings, self.smoothing);
            fit.converged = match self.stop {
                Stop::Posterior(tolerance) => {
                    let change = |(a, b): (&f64, &f64)| (a - b).abs() > tolerance;
                    !fit.posterior.iter().zip(&fit.previous).any(change)
                }
                Stop::Evidence(tolerance) => {
                    let before = fit.evidence.last().copied().unwrap_or(f64::NEG_INFINITY);
                    let now = fit.evidence_bound(ratings);
                    fit.evidence.push(now);
                    now - before < tolerance
                }
            };
            if fit.converged {
                break;
            }
        }
        fit.write_confusion();
        Ok(())
    }
}

impl DawidSkeneFit {
    /// The most probable class of each item; the first of equally probable ones.
    #[must_use]
    pub fn labels(&self) -> Vec<usize> {
        largest(&self.posterior, self.classes)
    }

    /// Confusion matrix of a rater, row by row: `[truth · classes + answer]`; empty for a rater that is not there.
    #[must_use]
    pub fn confusion(&self, rater: usize) -> &[f64] {
        let size = self.classes * self.classes;
        self.confusion.get(rater * size..(rater + 1) * size).unwrap_or_default()
    }

    /// Probability that a rater's answer is right, for an item drawn by the classes' shares.
    #[must_use]
    pub fn skill(&self, rater: usize) -> f64 {
        let diagonal = self.confusion(rater).iter().step_by(self.classes + 1);
        diagonal.zip(&self.prior).map(|(right, share)| right * share).sum()
    }

    fn resize(&mut self, items: usize, raters: usize, classes: usize) {
        self.classes = classes;
        let matrices = raters * classes * classes;
        for (buffer, size) in [
            (&mut self.posterior, items * classes),
            (&mut self.previous, items * classes),
            (&mut self.prior, classes),
            (&mut self.log_prior, classes),
            (&mut self.confusion, matrices),
            (&mut self.log_by_answer, matrices),
        ] {
            buffer.clear();
            buffer.resize(size, 0.0);
        }
        (self.iterations, self.converged) = (0, false);
        self.log_likelihood.clear();
        self.evidence.clear();
    }

    /// Posteriors from the confusion matrices; the log likelihood of the ratings.
    fn expect(&mut self, ratings: &Ratings) -> f64 {
        let k = self.classes;
        let mut total = 0.0;
        let mut rest = ratings.all();
        for (item, row) in self.posterior.chunks_exact_mut(k).enumerate() {
            row.copy_from_slice(&self.log_prior);
            while let Some((rating, others)) = rest.split_first().filter(|(r, _)| r.item as usize == item) {
                let at = (rating.rater as usize * k + rating.class as usize) * k;
                for (log, more) in row.iter_mut().zip(&self.log_by_answer[at..at + k]) {
                    *log += more; // ratings are below the numbers that the buffer was made for
                }
                rest = others;
            }
            let largest = row.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
            let mut sum = 0.0;
            for log in row.iter_mut() {
                let below = *log - largest;
                *log = if below == 0.0 { 1.0 } else { libm::exp(below) };
                sum += *log;
            }
            row.iter_mut().for_each(|p| *p /= sum);
            total += largest + libm::log(sum);
        }
        total
    }

    /// Confusion matrices and prior from the posteriors.
    fn maximise(&mut self, ratings: &Ratings, smoothing: f64) {
        let k = self.classes;
        self.prior.fill(0.0);
        for row in self.posterior.chunks_exact(k) {
            self.prior.iter_mut().zip(row).for_each(|(sum, p)| *sum += p);
        }
        let items = (self.posterior.len() / k) as f64;
        self.prior.iter_mut().for_each(|p| *p /= items);
        for (log, share) in self.log_prior.iter_mut().zip(&self.prior) {
            *log = libm::log(share.max(FLOOR));
        }

        let counts = &mut self.log_by_answer;
        counts.fill(smoothing);
        for rating in ratings.all() {
            let (from, to) = (rating.item as usize * k, (rating.rater as usize * k + rating.class as usize) * k);
            let posterior = &self.posterior[from..from + k]; // as in `expect`
            counts[to..to + k].iter_mut().zip(posterior).for_each(|(count, p)| *count += p);
        }
        for matrix in counts.chunks_exact_mut(k * k) {
            matrix.iter_mut().for_each(|count| *count = count.max(FLOOR));
            for truth in 0..k {
                let total: f64 = matrix.iter().skip(truth).step_by(k).sum();
                matrix.iter_mut().skip(truth).step_by(k).for_each(|count| *count = libm::log(*count / total));
            }
        }
    }

    /// crowd-kit's bound: expected log probability of ratings, with the prior once per rating, plus entropy.
    fn evidence_bound(&self, ratings: &Ratings) -> f64 {
        let k = self.classes;
        let mut bound = 0.0;
        for rating in ratings.all() {
            let (from, to) = (rating.item as usize * k, (rating.rater as usize * k + rating.class as usize) * k);
            let logs = self.log_by_answer[to..to + k].iter().zip(&self.log_prior);
            let terms = self.posterior[from..from + k].iter().zip(logs);
            bound += terms.map(|(p, (log, prior))| p * (log + prior)).sum::<f64>();
        }
        let entropy: f64 = self.posterior.iter().filter(|p| **p > 0.0).map(|p| -p * libm::log(*p)).sum();
        (bound + entropy) / ratings.all().len() as f64
    }

    fn write_confusion(&mut self) {
        let k = self.classes;
        let pairs = self.confusion.chunks_exact_mut(k * k).zip(self.log_by_answer.chunks_exact(k * k));
        for (matrix, logs) in pairs {
            for (place, cell) in matrix.iter_mut().enumerate() {
                *cell = libm::exp(logs[place % k * k + place / k]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ratings::{Rating, accuracy, majority_vote};
    use eir_core::random::Generator;

    /// Ratings by raters with the right answer with probability 0.9 … 0.4, and the truth.
    fn simulated(items: u32, raters: u32, classes: u32) -> (Ratings, Vec<Option<usize>>) {
        let generator = Generator::new(5, "raters");
        let (mut all, mut truth) = (Vec::new(), Vec::new());
        for item in 0..items {
            let mut stream = generator.stream(item.into());
            let class = stream.below(classes as usize);
            truth.push(Some(class));
            for rater in 0..raters {
                let skill = 0.9 - 0.5 * f64::from(rater) / f64::from(raters);
                let answer = if stream.chance(skill) { class } else { stream.below(classes as usize) };
                if stream.chance(0.7) || rater == 0 {
                    all.push(Rating { item, rater, class: answer as u32 });
                }
            }
        }
        (Ratings::new(items as usize, raters as usize, classes as usize, all).unwrap(), truth)
    }

    #[test]
    fn the_likelihood_never_falls_and_truth_is_found() {
        let (ratings, truth) = simulated(500, 7, 3);
        let fit = DawidSkene::default().fit(&ratings).unwrap();
        assert!(fit.converged);
        assert!(fit.log_likelihood.windows(2).all(|w| w[1] >= w[0] - 1e-9), "{:?}", fit.log_likelihood);
        let (ours, votes) =
            (accuracy(&fit.labels(), &truth).unwrap(), accuracy(&majority_vote(&ratings), &truth).unwrap());
        assert!(ours > votes && ours > 0.93, "{ours} {votes}");
        assert!((0..6).all(|r| fit.skill(r) > fit.skill(r + 1) - 0.08));
        let rows = fit.confusion(3).chunks(3).map(|row| row.iter().sum::<f64>());
        assert!(rows.into_iter().all(|sum| (sum - 1.0).abs() < 1e-12));
    }

    #[test]
    fn order_of_ratings_changes_no_bit_and_buffers_can_be_used_again() {
        let (ratings, _) = simulated(60, 5, 3);
        let mut shuffled = ratings.all().to_vec();
        Generator::new(1, "shuffle").stream(0).shuffle(&mut shuffled);
        let other = Ratings::new(60, 5, 3, shuffled).unwrap();
        let first = DawidSkene::default().fit(&ratings).unwrap();
        assert_eq!(first.posterior, DawidSkene::default().fit(&other).unwrap().posterior);
        let mut reused = DawidSkene::default().fit(&simulated(200, 9, 4).0).unwrap();
        DawidSkene::default().fit_into(&ratings, &mut reused).unwrap();
        assert_eq!((first.posterior, first.prior), (reused.posterior, reused.prior));
    }

    #[test]
    fn settings_and_items_without_a_rating() {
        let one = Ratings::new(2, 1, 2, vec![Rating { item: 0, rater: 0, class: 1 }]).unwrap();
        assert!(matches!(DawidSkene::default().fit(&one), Err(Error::Undefined { .. })));
        assert!(DawidSkene::default().with_max_iterations(0).validate().is_err());
        assert!(DawidSkene::default().with_smoothing(-1.0).validate().is_err());
        assert!(DawidSkene::default().with_stop(Stop::Posterior(f64::NAN)).validate().is_err());
        eir_core::testing::contract::serde_round_trip(&DawidSkene::default().with_stop(Stop::Evidence(1e-5)));
        let single = Ratings::new(1, 1, 1, vec![Rating { item: 0, rater: 0, class: 0 }]).unwrap();
        assert_eq!(dawid_skene(&single).unwrap(), [0]);
    }
}
