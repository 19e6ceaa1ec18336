use super::KMeans;
use super::design::sum_over_chunks;
use super::elementary::exp;
use crate::error::{Mismatch, NotFinite, Parameter, TooShort};
use crate::linalg::{Cholesky, dot};
use crate::metrics::check_weights;
use crate::{Error, Model, Rows};
use serde::{Deserialize, Serialize};

/// Rows that are worked on together.
const BLOCK: usize = 64;

/// What the covariances of a mixture may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Covariance {
    /// Each component has its own, of any shape. The default.
    #[default]
    Full,
    /// All components share one.
    Tied,
    /// Each has its own variance per column, and columns are independent in it.
    Diagonal,
    /// Each has one variance.
    Spherical,
}

/// Gaussian mixture: rows as draws from several normal distributions.
///
/// **Use it** for groups of different widths, for a probability of each group, and for a density (as a [`Model`], the
/// fitted mixture gives ln p(x): a low value is an outlier). **Not** with many columns and few rows: choose the number of
/// components and the covariance by [`bic`](MixtureModel::bic).
///
/// # Formula
/// p(x) = Σₖ πₖ N(x; μₖ, Σₖ), fitted by expectation and maximisation from the groups of k-means, in logarithms;
/// `regularisation` is added to the diagonal of each covariance. Ends when the mean ln p of a row changes by less than
/// `tolerance`: a local maximum.
///
/// # Parameters
/// `components`, `covariance`, `regularisation`, `tolerance`, `max_iterations`, `seed`.
///
/// # Examples
/// ```
/// use eir_core::{Rows, learn::GaussianMixture};
/// let rows = Rows::new(&[0.9, 1.0, 1.1, 8.0, 9.0, 10.0], 1)?;
/// let fit = GaussianMixture::default().with_components(2).fit(rows)?;
/// let mut p = [0.0; 12];
/// fit.posterior_into(rows, &mut p)?;
/// assert!(fit.converged && (p[0] - p[1]).abs() > 0.999);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for settings out of range, fewer different rows than components, and covariances that are singular in spite
/// of the regularisation.
///
/// # Validation
/// From a given start agrees with scikit-learn 1.9.1 within 1e-5 on `reference/core/unsupervised.json`, in as many
/// iterations.
///
/// # References
/// Dempster, Laird, Rubin 1977, doi:10.1111/j.2517-6161.1977.tb01600.x.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GaussianMixture {
    /// Number of normal distributions, 1 or more. Default 1.
    pub components: usize,
    /// Default [`Covariance::Full`].
    pub covariance: Covariance,
    /// Added to each variance, 0 or more, in squared units of the columns. Default 1e-6.
    pub regularisation: f64,
    /// Change of the mean ln p of a row that ends the fit, 0 or more. Default 1e-6.
    pub tolerance: f64,
    /// Iterations after which the fit ends, converged or not, 1 or more. Default 1000.
    pub max_iterations: usize,
    /// Seed of the k-means that it starts from. Default 0.
    pub seed: u64,
}

impl Default for GaussianMixture {
    fn default() -> Self {
        let covariance = Covariance::Full;
        Self { components: 1, covariance, regularisation: 1e-6, tolerance: 1e-6, max_iterations: 1000, seed: 0 }
    }
}

/// A fitted [`GaussianMixture`]: as a [`Model`], the logarithm of the density.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MixtureModel {
    /// What the covariances may be.
    pub covariance: Covariance,
    /// πₖ.
    pub weights: Vec<f64>,
    /// μₖ, one after the other.
    pub means: Vec<f64>,
    /// Σₖ in full, one after the other, also where they are diagonal or shared.
    pub covariances: Vec<f64>,
    /// Mean ln p of the rows that it was fitted on.
    pub mean_log_likelihood: f64,
    /// Whether the last iteration changed it by less than the tolerance.
    pub converged: bool,
    /// Iterations taken.
    pub iterations: usize,
    /// Number of rows that it was fitted on.
    n: usize,
    /// Inverse lower factors of Σₖ.
    factors: Vec<f64>,
    /// ln πₖ − ½ ln |2π Σₖ|.
    constants: Vec<f64>,
}

impl GaussianMixture {
    /// Sets [`components`](Self::components).
    #[must_use]
    pub fn with_components(self, components: usize) -> Self {
        Self { components, ..self }
    }

    /// Sets [`covariance`](Self::covariance).
    #[must_use]
    pub fn with_covariance(self, covariance: Covariance) -> Self {
        Self { covariance, ..self }
    }

    /// Sets [`regularisation`](Self::regularisation).
    #[must_use]
    pub fn with_regularisation(self, regularisation: f64) -> Self {
        Self { regularisation, ..self }
    }

    /// Sets [`tolerance`](Self::tolerance).
    #[must_use]
    pub fn with_tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// Sets [`max_iterations`](Self::max_iterations).
    #[must_use]
    pub fn with_max_iterations(self, max_iterations: usize) -> Self {
        Self { max_iterations, ..self }
    }

    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        for (name, value) in [("components", self.components), ("max_iterations", self.max_iterations)] {
            if value == 0 {
                return Err(Parameter::new(name, 0.0, "1 or more").into());
            }
        }
        for (name, value) in [("regularisation", self.regularisation), ("tolerance", self.tolerance)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Parameter::new(name, value, "0 or more and finite").into());
            }
        }
        Ok(())
    }

    /// Fits the mixture to `rows`, from groups of k-means.
    ///
    /// # Errors
    /// As said [above](Self).
    pub fn fit(&self, rows: Rows<'_>) -> Result<MixtureModel, Error> {
        self.validate()?;
        let groups =
            KMeans::default().with_clusters(self.components).with_restarts(1).with_seed(self.seed).fit(rows)?;
        let (k, d) = (self.components, rows.columns());
        let mut sums = Sums::zeros(k, d);
        for (row, label) in rows.iter().zip(&groups.labels) {
            let difference: Vec<f64> = row.iter().zip(&groups.centres[label * d..]).map(|(x, c)| x - c).collect();
            sums.add(*label, &difference);
        }
        let start = sums.model(self, &groups.centres, rows.len())?;
        self.iterate(rows, start)
    }

    /// As [`fit`](Self::fit), from a given start: [`MixtureModel::new`].
    ///
    /// # Errors
    /// As `fit`, and for a start of another size or covariance.
    pub fn fit_from(&self, rows: Rows<'_>, start: &MixtureModel) -> Result<MixtureModel, Error> {
        self.validate()?;
        Mismatch::check("components", self.components, start.weights.len())?;
        Mismatch::check("columns", rows.columns() * self.components, start.means.len())?;
        if start.covariance != self.covariance {
            let (want, got) = (format!("{:?}", self.covariance), format!("{:?}", start.covariance));
            return Err(Mismatch::new("covariance", want, got).into());
        }
        self.iterate(rows, start.clone())
    }

    fn iterate(&self, rows: Rows<'_>, mut model: MixtureModel) -> Result<MixtureModel, Error> {
        if rows.len() < self.components {
            return Err(TooShort::new("rows", rows.len(), self.components).into());
        }
        let (k, d) = (self.components, rows.columns());
        let (mut before, mut converged) = (f64::NEG_INFINITY, false);
        for iterations in 0.. {
            let all = sum_over_chunks(rows.len(), Sums::length(k, d), |range, sums| model.expect(rows, range, sums));
            let sums = Sums { k, d, all };
            // what the model of the last iteration says of the rows is known only now
            model.mean_log_likelihood = sums.log_likelihood() / rows.len() as f64;
            if converged || iterations == self.max_iterations {
                return Ok(MixtureModel { converged, iterations, n: rows.len(), ..model });
            }
            converged = (model.mean_log_likelihood - before).abs() < self.tolerance;
            before = model.mean_log_likelihood;
            model = sums.model(self, &model.means, rows.len())?;
        }
        Ok(model)
    }
}

/// Sums over rows with their shares in each component: share, share · difference from a centre, and share · products of
/// differences; the last number is Σ ln p.
struct Sums {
    k: usize,
    d: usize,
    all: Vec<f64>,
}

impl Sums {
    fn length(k: usize, d: usize) -> usize {
        k * (1 + d + d * d) + 1
    }

    fn zeros(k: usize, d: usize) -> Self {
        Self { k, d, all: vec![0.0; Self::length(k, d)] }
    }

    fn log_likelihood(&self) -> f64 {
        self.all[self.all.len() - 1]
    }

    fn of(&self, component: usize) -> &[f64] {
        let size = 1 + self.d + self.d * self.d;
        &self.all[component * size..(component + 1) * size]
    }

    fn add(&mut self, component: usize, difference: &[f64]) {
        let d = self.d;
        let size = 1 + d + d * d;
        let sums = &mut self.all[component * size..(component + 1) * size];
        sums[0] += 1.0;
        for (i, x) in difference.iter().enumerate() {
            sums[1 + i] += x;
            for (j, y) in difference[..=i].iter().enumerate() {
                sums[1 + d + i * d + j] += x * y;
            }
        }
    }

    /// The likeliest mixture, where the differences were taken from `centres`.
    fn model(&self, settings: &GaussianMixture, centres: &[f64], n: usize) -> Result<MixtureModel, Error> {
        let (k, d) = (self.k, self.d);
        let mut means = centres.to_vec();
        let mut covariances = vec![0.0; k * d * d];
        // a component that has lost all rows stays where it is
        let shares: Vec<f64> = (0..k).map(|c| self.of(c)[0] + 10.0 * f64::EPSILON).collect();
        for (c, share) in shares.iter().enumerate() {
            let sums = self.of(c);
            let shift: Vec<f64> = sums[1..=d].iter().map(|s| s / share).collect();
            means[c * d..(c + 1) * d].iter_mut().zip(&shift).for_each(|(m, s)| *m += s);
            for (i, j) in (0..d).flat_map(|i| (0..=i).map(move |j| (i, j))) {
                let value = sums[1 + d + i * d + j] / share - shift[i] * shift[j];
                covariances[c * d * d + i * d + j] = value;
                covariances[c * d * d + j * d + i] = value;
            }
        }
        restrict(&mut covariances, settings.covariance, &shares, d);
        for covariance in covariances.chunks_exact_mut(d * d) {
            covariance.iter_mut().step_by(d + 1).for_each(|v| *v += settings.regularisation);
        }
        let total: f64 = shares.iter().sum();
        let weights = shares.iter().map(|s| s / total).collect();
        let mut model = MixtureModel::build(settings.covariance, weights, means, covariances)?;
        model.n = n;
        Ok(model)
    }
}

/// The likeliest covariances of the kind that is allowed.
fn restrict(covariances: &mut [f64], kind: Covariance, shares: &[f64], d: usize) {
    let size = d * d;
    match kind {
        Covariance::Full => {}
        Covariance::Tied => {
            let total: f64 = shares.iter().sum();
            for at in 0..size {
                let pooled =
                    shares.iter().enumerate().map(|(c, s)| s * covariances[c * size + at]).sum::<f64>() / total;
                covariances.iter_mut().skip(at).step_by(size).for_each(|v| *v = pooled);
            }
        }
        Covariance::Diagonal | Covariance::Spherical => {
            for covariance in covariances.chunks_exact_mut(size) {
                let mean = covariance.iter().step_by(d + 1).sum::<f64>() / d as f64;
                for (at, v) in covariance.iter_mut().enumerate() {
                    *v = match (at % (d + 1) == 0, kind) {
                        (false, _) => 0.0,
                        (true, Covariance::Spherical) => mean,
                        (true, _) => *v,
                    };
                }
            }
        }
    }
}

impl MixtureModel {
    /// A mixture of known numbers: weights, means one after the other, covariances in full one after the other.
    ///
    /// # Errors
    /// [`Error`] for sizes that do not fit, values that are not finite, and covariances that are not positive definite.
    pub fn new(covariance: Covariance, weights: &[f64], means: Rows<'_>, covariances: &[f64]) -> Result<Self, Error> {
        let (k, d) = (means.len(), means.columns());
        check_weights(weights, k)?;
        Mismatch::check("values of the covariances", k * d * d, covariances.len())?;
        NotFinite::check_f64("covariance", covariances)?;
        let total: f64 = weights.iter().sum();
        let weights = weights.iter().map(|w| w / total).collect();
        Self::build(covariance, weights, means.values().to_vec(), covariances.to_vec())
    }

    fn build(kind: Covariance, weights: Vec<f64>, means: Vec<f64>, covariances: Vec<f64>) -> Result<Self, Error> {
        let d = means.len() / weights.len();
        let (mut factors, mut constants) = (Vec::with_capacity(covariances.len()), Vec::with_capacity(weights.len()));
        for (covariance, weight) in covariances.chunks_exact(d * d).zip(&weights) {
            let factor = Cholesky::new(covariance, d).map_err(|_| Error::NoOptimum {
                what: "Gaussian mixture",
                reason: "a covariance is singular: raise the regularisation, or take fewer components",
            })?;
            factors.extend(factor.inverse_factor());
            let normal = d as f64 * libm::log(std::f64::consts::TAU) + factor.log_determinant();
            constants.push(libm::log(*weight) - 0.5 * normal);
        }
        let (mean_log_likelihood, converged, iterations, n) = (f64::NAN, false, 0, 0);
        Ok(Self {
            covariance: kind,
            weights,
            means,
            covariances,
            mean_log_likelihood,
            converged,
            iterations,
            n,
            factors,
            constants,
        })
    }

    fn columns(&self) -> usize {
        self.means.len() / self.weights.len().max(1)
    }

    /// Columns on which value `i` of a standardised row depends.
    fn reach(&self, i: usize) -> std::ops::RangeInclusive<usize> {
        match self.covariance {
            Covariance::Full | Covariance::Tied => 0..=i,
            Covariance::Diagonal | Covariance::Spherical => i..=i,
        }
    }

    /// Adds what the rows of `range` say to `sums`: their shares, with differences from today's means.
    fn expect(&self, rows: Rows<'_>, range: std::ops::Range<usize>, sums: &mut [f64]) {
        let (k, d) = (self.weights.len(), self.columns());
        let size = 1 + d + d * d;
        let (mut columns, mut differences) = (vec![[0.0; BLOCK]; d], vec![[0.0; BLOCK]; d]);
        let mut logs = vec![[0.0; BLOCK]; k];
        for first in range.clone().step_by(BLOCK) {
            let count = BLOCK.min(range.end - first);
            for lane in 0..count {
                columns.iter_mut().zip(rows.row(first + lane)).for_each(|(c, x)| c[lane] = *x);
            }
            for (c, logs) in logs.iter_mut().enumerate() {
                self.subtract_mean(c, &columns, &mut differences);
                self.log_densities(c, &differences, logs);
            }
            let likelihood = shares(&mut logs);
            sums[k * size] += likelihood[..count].iter().sum::<f64>();
            for (c, shares) in logs.iter_mut().enumerate() {
                shares[count..].fill(0.0);
                self.subtract_mean(c, &columns, &mut differences);
                let sums = &mut sums[c * size..(c + 1) * size];
                sums[0] += shares.iter().sum::<f64>();
                for i in 0..d {
                    let mut shared = [0.0; BLOCK];
                    (0..BLOCK).for_each(|lane| shared[lane] = shares[lane] * differences[i][lane]);
                    sums[1 + i] += shared.iter().sum::<f64>();
                    for j in self.reach(i) {
                        sums[1 + d + i * d + j] += dot(&shared, &differences[j]);
                    }
                }
            }
        }
    }

    fn subtract_mean(&self, c: usize, columns: &[[f64; BLOCK]], differences: &mut [[f64; BLOCK]]) {
        let means = &self.means[c * columns.len()..];
        for ((to, from), mean) in differences.iter_mut().zip(columns).zip(means) {
            to.iter_mut().zip(from).for_each(|(t, f)| *t = f - mean);
        }
    }

    /// ln πₖ N(x; μₖ, Σₖ) of a block of differences from the mean.
    fn log_densities(&self, c: usize, differences: &[[f64; BLOCK]], logs: &mut [f64; BLOCK]) {
        let d = differences.len();
        logs.fill(self.constants[c]);
        for i in 0..d {
            let mut z = [0.0; BLOCK];
            for j in self.reach(i) {
                let factor = self.factors[c * d * d + i * d + j];
                (0..BLOCK).for_each(|lane| z[lane] += factor * differences[j][lane]);
            }
            (0..BLOCK).for_each(|lane| logs[lane] -= 0.5 * z[lane] * z[lane]);
        }
    }

    /// ln πₖ N(x; μₖ, Σₖ) of one row.
    fn log_density(&self, c: usize, row: &[f64]) -> f64 {
        let d = row.len();
        let (mean, factor) = (&self.means[c * d..(c + 1) * d], &self.factors[c * d * d..(c + 1) * d * d]);
        let z = |i: usize| self.reach(i).map(|j| factor[i * d + j] * (row[j] - mean[j])).sum::<f64>();
        self.constants[c] - 0.5 * (0..d).map(|i| z(i) * z(i)).sum::<f64>()
    }

    fn check(&self, rows: Rows<'_>, places: usize, out: usize) -> Result<(), Error> {
        let d = self.columns();
        Mismatch::check("columns", d, rows.columns())?;
        Mismatch::check("factors of the mixture", self.weights.len() * d * d, self.factors.len())?;
        Mismatch::check("constants of the mixture", self.weights.len(), self.constants.len())?;
        Ok(Mismatch::check("places for values", places, out)?)
    }

    /// Writes the probability of each component given the row into `out`, row after row.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another number of columns, or places that are not rows × components.
    pub fn posterior_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        let k = self.weights.len();
        self.check(rows, rows.len() * k, out.len())?;
        for (row, to) in rows.iter().zip(out.chunks_exact_mut(k.max(1))) {
            to.iter_mut().enumerate().for_each(|(c, to)| *to = self.log_density(c, row));
            let total = super::elementary::log_sum_exp(to);
            to.iter_mut().for_each(|p| *p = exp(*p - total));
        }
        Ok(())
    }

    /// Free numbers of the mixture.
    #[must_use]
    pub fn parameters(&self) -> usize {
        let (k, d) = (self.weights.len(), self.columns());
        let covariance = match self.covariance {
            Covariance::Full => k * d * (d + 1) / 2,
            Covariance::Tied => d * (d + 1) / 2,
            Covariance::Diagonal => k * d,
            Covariance::Spherical => k,
        };
        covariance + k * d + k - 1
    }

    /// Bayesian information criterion on the rows that it was fitted on: the lower the better.
    #[must_use]
    pub fn bic(&self) -> f64 {
        let n = self.n as f64;
        self.parameters() as f64 * libm::log(n) - 2.0 * n * self.mean_log_likelihood
    }

    /// Akaike's information criterion on the rows that it was fitted on: the lower the better.
    #[must_use]
    pub fn aic(&self) -> f64 {
        2.0 * self.parameters() as f64 - 2.0 * self.n as f64 * self.mean_log_likelihood
    }
}

/// Turns logarithms into shares with a sum of 1 over the components, and gives the logarithm of what the sum was.
fn shares(logs: &mut [[f64; BLOCK]]) -> [f64; BLOCK] {
    let mut largest = [f64::NEG_INFINITY; BLOCK];
    for of in logs.iter() {
        (0..BLOCK).for_each(|lane| largest[lane] = largest[lane].max(of[lane]));
    }
    let mut sums = [0.0; BLOCK];
    for of in logs.iter_mut() {
        for lane in 0..BLOCK {
            of[lane] = exp(of[lane] - largest[lane]);
            sums[lane] += of[lane];
        }
    }
    for of in logs.iter_mut() {
        (0..BLOCK).for_each(|lane| of[lane] /= sums[lane]);
    }
    (0..BLOCK).for_each(|lane| sums[lane] = largest[lane] + libm::log(sums[lane]));
    sums
}

impl Model for MixtureModel {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
        self.check(rows, rows.len(), out.len())?;
        for (to, row) in out.iter_mut().zip(rows) {
            // ln Σ exp, one value at a time
            let (mut largest, mut sum) = (f64::NEG_INFINITY, 0.0);
            for log in (0..self.weights.len()).map(|c| self.log_density(c, row)) {
                if log > largest {
                    (largest, sum) = (log, sum * exp(largest - log) + 1.0);
                } else if log > f64::NEG_INFINITY {
                    sum += exp(log - largest);
                }
            }
            *to = largest + libm::log(sum);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use crate::testing::contract;

    const KINDS: [Covariance; 4] = [Covariance::Full, Covariance::Tied, Covariance::Diagonal, Covariance::Spherical];

    fn data(n: usize) -> Vec<f64> {
        let mut stream = Generator::new(7, "test").stream(0);
        (0..n)
            .flat_map(|i| {
                let (a, b) = (stream.normal(), stream.normal());
                if i % 3 == 0 { [1e4 + a, a + 0.5 * b] } else { [1e4 + 8.0 + 2.0 * a, 3.0 - b] }
            })
            .collect()
    }

    #[test]
    fn every_kind_finds_two_groups_far_from_zero() {
        let x = data(5000);
        let rows = Rows::new(&x, 2).unwrap();
        for kind in KINDS {
            let mixture = GaussianMixture::default().with_components(2).with_covariance(kind);
            let fit = mixture.fit(rows).unwrap();
            let small = fit.weights.iter().copied().fold(1.0, f64::min);
            assert!(fit.converged && (small - 1.0 / 3.0).abs() < 0.02, "{kind:?} {fit:?}");
            let mean = fit.predict(rows).unwrap().iter().sum::<f64>() / 5000.0;
            assert!((mean - fit.mean_log_likelihood).abs() < 1e-9, "{mean} {}", fit.mean_log_likelihood);
            assert_eq!(fit, mixture.fit(rows).unwrap());
            contract::serde_round_trip(&fit);
        }
    }

    #[test]
    fn one_component_is_the_mean_and_the_covariance() {
        let x = [1.0, 2.0, 4.0, 3.0, 0.0, 7.0];
        let fit = GaussianMixture::default().with_regularisation(0.0).fit(Rows::new(&x, 2).unwrap()).unwrap();
        assert!((fit.means[1] - 4.0).abs() < 1e-12);
        assert!((fit.covariances[3] - 14.0 / 3.0).abs() < 1e-12);
        assert_eq!(fit.parameters(), 5);
    }

    #[test]
    fn what_cannot_be_fitted_is_an_error() {
        let flat = Rows::new(&[1.0, 0.0, 2.0, 0.0, 3.0, 0.0], 2).unwrap();
        let mixture = GaussianMixture::default();
        assert!(matches!(mixture.clone().with_regularisation(0.0).fit(flat), Err(Error::NoOptimum { .. })));
        assert!(mixture.fit(flat).is_ok());
        assert!(matches!(mixture.with_components(4).fit(flat), Err(Error::TooShort(_))));
        let means = Rows::new(&[0.0, 0.0], 2).unwrap();
        assert!(MixtureModel::new(Covariance::Full, &[1.0], means, &[1.0, 2.0, 2.0, 1.0]).is_err());
    }
}
