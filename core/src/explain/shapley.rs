use super::Attribution;
use crate::error::{Mismatch, NotFinite, Parameter, TooShort};
use crate::linalg::Cholesky;
use crate::random::Generator;
use crate::{Error, Model, Rows};
use serde::{Deserialize, Serialize};

/// How Shapley values are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ShapleyMethod {
    /// Every set of features: exact, 2^d calls of the model, for at most 16 features.
    Exact,
    /// Weighted least squares on sampled sets and their complements; exact where the samples suffice for all sets.
    Kernel {
        /// Number of sets, at least twice the features.
        samples: usize,
        /// Seed of the sets.
        seed: u64,
    },
    /// Features join in random orders, each order forwards and backwards.
    Permutations {
        /// Number of orders; each takes 2 d calls of the model.
        orders: usize,
        /// Seed of the orders.
        seed: u64,
    },
}

/// Shapley values: what each feature adds, averaged over all orders in which features can become known.
///
/// **Use it** for any model of a table. Features that are not known yet take the values of background cases
/// (interventional), so that contributions also go to combinations that never occur: with strongly dependent features,
/// group them. For trees there is an exact and faster way.
///
/// # Formula
/// φⱼ = Σ_S |S|! (d − |S| − 1)!/d! (v(S ∪ j) − v(S)), v(S) = mean over background cases b of f(x on S, b elsewhere).
///
/// # Examples
/// ```
/// use eir_core::Rows;
/// use eir_core::explain::Shapley;
/// let product = |x: &[f64]| x[0] * x[1] + x[2];
/// let found = Shapley::exact().explain(&product, &[2.0, 3.0, 1.0], Rows::new(&[0.0, 0.0, 0.0], 3)?)?.proven(1e-12)?;
/// assert_eq!(found.contributions, [3.0, 3.0, 1.0]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Brute force and shap 0.51.0 within 1e-9 (`reference/core/explanation.json`).
///
/// # References
/// Shapley 1953, doi:10.1515/9781400881970-018; Lundberg, Lee 2017, arXiv:1705.07874; Covert, Lee 2021, arXiv:2012.01536.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Shapley {
    /// How they are computed.
    pub method: ShapleyMethod,
}

impl Shapley {
    /// Features that all sets are gone through for.
    const EXACT: usize = 16;

    /// Over every set of features.
    #[must_use]
    pub fn exact() -> Self {
        Self { method: ShapleyMethod::Exact }
    }

    /// By weighted least squares on `samples` sets.
    #[must_use]
    pub fn kernel(samples: usize, seed: u64) -> Self {
        Self { method: ShapleyMethod::Kernel { samples, seed } }
    }

    /// By `orders` random orders.
    #[must_use]
    pub fn permutations(orders: usize, seed: u64) -> Self {
        Self { method: ShapleyMethod::Permutations { orders, seed } }
    }

    /// Explains f(`x`) against the mean over `background`.
    ///
    /// # Errors
    /// No background, other numbers of features, a value that is not finite, settings out of range, and what the model
    /// says.
    pub fn explain(&self, model: &impl Model, x: &[f64], background: Rows<'_>) -> Result<Attribution, Error> {
        Mismatch::check("features of the background", x.len(), background.columns())?;
        NotFinite::check_f64("feature", x)?;
        if background.is_empty() {
            return Err(TooShort::new("background rows", 0, 1).into());
        }
        let mut game = Game::new(model, x, background);
        match self.method {
            ShapleyMethod::Exact => game.exact(),
            ShapleyMethod::Kernel { samples, seed } => game.kernel(samples, seed),
            ShapleyMethod::Permutations { orders, seed } => game.permutations(orders, seed),
        }
    }
}

/// The game whose players are features: what the model says when only some of them are known.
struct Game<'a, M> {
    model: &'a M,
    x: &'a [f64],
    background: Rows<'a>,
    mixed: Vec<f64>,
    predictions: Vec<f64>,
}

impl<'a, M: Model> Game<'a, M> {
    fn new(model: &'a M, x: &'a [f64], background: Rows<'a>) -> Self {
        let (mixed, predictions) = (background.values().to_vec(), vec![0.0; background.len()]);
        Self { model, x, background, mixed, predictions }
    }

    /// v(S), S the features that are `known`.
    fn value(&mut self, known: impl Fn(usize) -> bool) -> Result<f64, Error> {
        let d = self.x.len();
        for (mixed, background) in self.mixed.chunks_exact_mut(d).zip(self.background) {
            for (j, value) in mixed.iter_mut().enumerate() {
                *value = if known(j) { self.x[j] } else { background[j] };
            }
        }
        self.model.predict_into(Rows::known(&self.mixed, d), &mut self.predictions)?;
        Ok(self.predictions.iter().sum::<f64>() / self.predictions.len() as f64)
    }

    fn exact(&mut self) -> Result<Attribution, Error> {
        let d = self.x.len();
        if d > Shapley::EXACT {
            return Err(Parameter::new("features for all sets", d as f64, "16 at most: use the kernel form").into());
        }
        let values = (0..1usize << d).map(|set| self.value(|j| set >> j & 1 == 1)).collect::<Result<Vec<_>, _>>()?;
        // |S|! (d − |S| − 1)!/d! for each size of S
        let mut weight = vec![1.0 / d as f64; d];
        for size in 1..d {
            weight[size] = weight[size - 1] * size as f64 / (d - size) as f64;
        }
        let mut contributions = vec![0.0; d];
        for (set, value) in values.iter().enumerate() {
            let size = set.count_ones() as usize;
            for (j, contribution) in contributions.iter_mut().enumerate() {
                if set >> j & 1 == 0 {
                    *contribution += weight[size] * (values[set | 1 << j] - value);
                }
            }
        }
        let (reference, value) = (values[0], values[values.len() - 1]);
        Ok(Attribution { contributions, value, reference })
    }

    fn permutations(&mut self, orders: usize, seed: u64) -> Result<Attribution, Error> {
        if orders == 0 {
            return Err(Parameter::new("orders", 0.0, "1 or more").into());
        }
        let d = self.x.len();
        let reference = self.value(|_| false)?;
        let value = self.value(|_| true)?;
        let generator = Generator::new(seed, "shapley permutations");
        let mut contributions = vec![0.0; d];
        for number in 0..orders {
            let mut order: Vec<usize> = (0..d).collect();
            generator.stream(number as u64).shuffle(&mut order);
            for _direction in 0..2 {
                let mut known = vec![false; d];
                let mut before = reference;
                for j in &order {
                    known[*j] = true;
                    let now = self.value(|j| known[j])?;
                    contributions[*j] += (now - before) / (2 * orders) as f64;
                    before = now;
                }
                order.reverse();
            }
        }
        Ok(Attribution { contributions, value, reference })
    }

    fn kernel(&mut self, samples: usize, seed: u64) -> Result<Attribution, Error> {
        let d = self.x.len();
        if samples < 2 * d || d < 2 {
            let rule = "twice the number of features at least, of which there are 2 or more";
            return Err(Parameter::new("samples", samples as f64, rule).into());
        }
        let reference = self.value(|_| false)?;
        let value = self.value(|_| true)?;
        let mut squares = vec![0.0; d * d];
        let mut products = vec![0.0; d];
        for (set, weight) in sets(d, samples, seed) {
            let gain = weight * (self.value(|j| set[j])? - reference);
            for j in (0..d).filter(|j| set[*j]) {
                products[j] += gain;
                (0..d).filter(|k| set[*k]).for_each(|k| squares[j * d + k] += weight);
            }
        }
        // least squares under the condition that the contributions add up, by Lagrange's multiplier
        let too_few =
            Error::NoOptimum { what: "kernel Shapley", reason: "the samples do not separate the features: take more" };
        let factor = Cholesky::new(&squares, d).map_err(|_| too_few)?;
        let mut ones = vec![1.0; d];
        factor.solve(&mut products);
        factor.solve(&mut ones);
        let missing = value - reference - products.iter().sum::<f64>();
        let share = missing / ones.iter().sum::<f64>();
        let contributions = products.iter().zip(&ones).map(|(p, o)| p + share * o).collect();
        Ok(Attribution { contributions, value, reference })
    }
}

/// Sets of features with their weights by the Shapley kernel (d − 1)/(C(d, s) s (d − s)): all of them if `samples`
/// suffice, otherwise drawn by that weight, each with its complement.
fn sets(d: usize, samples: usize, seed: u64) -> Vec<(Vec<bool>, f64)> {
    // weight of all sets of each size 1 … d − 1 together
    let of_size: Vec<f64> = (1..d).map(|s| (d - 1) as f64 / (s * (d - s)) as f64).collect();
    if d < usize::BITS as usize && (1usize << d) - 2 <= samples {
        let all = 1..(1usize << d) - 1;
        let mut number = vec![1.0; d + 1]; // C(d, s)
        (1..=d).for_each(|s| number[s] = number[s - 1] * (d + 1 - s) as f64 / s as f64);
        return all
            .map(|set| {
                let size = set.count_ones() as usize;
                ((0..d).map(|j| set >> j & 1 == 1).collect(), of_size[size - 1] / number[size])
            })
            .collect();
    }
    let mut stream = Generator::new(seed, "shapley kernel").stream(0);
    let mut drawn = Vec::with_capacity(samples);
    let mut order: Vec<usize> = (0..d).collect();
    while drawn.len() + 2 <= samples {
        let size = 1 + stream.weighted(&of_size).unwrap_or(0);
        stream.shuffle(&mut order);
        let mut set = vec![false; d];
        order[..size].iter().for_each(|j| set[*j] = true);
        let complement = set.iter().map(|k| !k).collect();
        drawn.extend([(set, 1.0), (complement, 1.0)]);
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(x: &[f64]) -> f64 {
        x.iter().enumerate().map(|(j, v)| (j as f64 + 1.0) * v).sum::<f64>() + x[0] * x[3] * x[5] + x[1].sin()
    }

    #[test]
    fn all_ways_agree() {
        let mut s = Generator::new(2, "cases").stream(0);
        let background: Vec<f64> = (0..70).map(|_| s.normal()).collect();
        let background = Rows::new(&background, 7).unwrap();
        let x: Vec<f64> = (0..7).map(|_| s.normal()).collect();
        let explain = |how: Shapley| how.explain(&model, &x, background).unwrap().proven(1e-9).unwrap().contributions;
        let exact = explain(Shapley::exact());
        let far = |got: Vec<f64>| got.iter().zip(&exact).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
        assert!(far(explain(Shapley::kernel(126, 0))) < 1e-9);
        assert!(far(explain(Shapley::kernel(100, 0))) < 0.5);
        assert!(far(explain(Shapley::permutations(200, 0))) < 0.1);
        assert_eq!(explain(Shapley::permutations(5, 3)), explain(Shapley::permutations(5, 3)));
    }

    #[test]
    fn twelve_features_take_4096_calls() {
        let calls = std::cell::Cell::new(0);
        let count = |x: &[f64]| {
            calls.set(calls.get() + 1);
            x[0]
        };
        Shapley::exact().explain(&count, &[1.0; 12], Rows::new(&[0.0; 12], 12).unwrap()).unwrap();
        assert_eq!(calls.get(), 4096);
    }
}
