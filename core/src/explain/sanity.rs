use crate::Error;
use crate::error::{Mismatch, TooShort};
use crate::metrics::spearman;
use serde::{Deserialize, Serialize};

/// The sanity test of an explanation: it must change when the model's weights are replaced by noise.
///
/// **Use it** for every method that shows what a network looks at. One whose map survives random weights shows the input
/// (edges, peaks), not the model. The layers are randomised in a cascade, from the output to the input.
///
/// # Formula
/// Spearman's rank correlation of |attribution| of the trained model with that of each randomised one.
///
/// # Examples
/// ```
/// use eir_core::explain::Sanity;
/// let trained = [0.1, -0.9, 0.3, 0.05, 0.6];
/// let honest = Sanity::test(&trained, &[vec![0.2, -0.4, 0.1, 0.3, 0.5], vec![0.3, 0.2, -0.5, 0.1, 0.4]])?;
/// assert!(honest.passed(0.5));
/// let blind = Sanity::test(&trained, &[trained.to_vec()])?;
/// assert!(!blind.passed(0.5));
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # References
/// Adebayo et al. 2018, arXiv:1810.03292.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sanity {
    /// Rank correlation with the trained model's attribution, after each step of the cascade.
    pub similarity: Vec<f64>,
}

impl Sanity {
    /// Compares the attribution of the `trained` model with those of `randomised` ones, the last of which has no trained
    /// weight left.
    ///
    /// # Errors
    /// No randomised model, other lengths, fewer than 3 features, values that are not finite or do not vary.
    pub fn test(trained: &[f64], randomised: &[Vec<f64>]) -> Result<Self, Error> {
        if randomised.is_empty() {
            return Err(TooShort::new("randomised models", 0, 1).into());
        }
        let size = |x: &[f64]| x.iter().map(|v| v.abs()).collect::<Vec<_>>();
        let trained = size(trained);
        let similarity = |map: &Vec<f64>| {
            Mismatch::check("features", trained.len(), map.len())?;
            spearman(&trained, &size(map))
        };
        Ok(Self { similarity: randomised.iter().map(similarity).collect::<Result<_, Error>>()? })
    }

    /// Whether nothing of the trained model's attribution is left at the end: a rank correlation below `limit` (0.5).
    #[must_use]
    pub fn passed(&self, limit: f64) -> bool {
        self.similarity.last().is_some_and(|s| s.abs() < limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{IntegratedGradients, Shapley};
    use crate::random::Generator;
    use crate::{Differentiable, Model, Rows};

    /// tanh network with one hidden layer.
    struct Network {
        first: Vec<[f64; 40]>,
        last: Vec<f64>,
    }

    impl Network {
        fn drawn(seed: u64, keep_first: Option<&Self>) -> Self {
            let mut s = Generator::new(seed, "network").stream(0);
            let drawn: Vec<[f64; 40]> = (0..8).map(|_| std::array::from_fn(|_| s.normal())).collect();
            let last = (0..8).map(|_| s.normal()).collect();
            Self { first: keep_first.map_or(drawn, |n| n.first.clone()), last }
        }

        fn hidden(&self, x: &[f64]) -> Vec<f64> {
            self.first.iter().map(|w| w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>().tanh()).collect()
        }
    }

    impl Model for Network {
        fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
            let f = |x: &[f64]| self.hidden(x).iter().zip(&self.last).map(|(h, w)| h * w).sum::<f64>();
            f.predict_into(rows, out)
        }
    }

    impl Differentiable for Network {
        fn gradient_into(&self, x: &[f64], out: &mut [f64]) -> Result<f64, Error> {
            let hidden = self.hidden(x);
            for (j, to) in out.iter_mut().enumerate() {
                let back = hidden.iter().zip(&self.last).zip(&self.first);
                *to = back.map(|((h, w), first)| (1.0 - h * h) * w * first[j]).sum();
            }
            Ok(hidden.iter().zip(&self.last).map(|(h, w)| h * w).sum())
        }
    }

    /// Methods that explain the model pass; one that only looks at the input does not.
    #[test]
    fn methods_that_depend_on_the_model_pass() {
        let mut s = Generator::new(4, "input").stream(0);
        // of equal size, so that rank comes from the model alone
        let x: Vec<f64> = (0..40).map(|_| if s.chance(0.5) { 1.0 } else { -1.0 }).collect();
        let edges: Vec<f64> = (0..40).map(|j| f64::from(j % 7)).collect();
        let zero = [0.0; 40];
        let trained = Network::drawn(0, None);
        let cascade = [Network::drawn(1, Some(&trained)), Network::drawn(2, None)];
        let integrated = |n: &Network| IntegratedGradients::default().explain(n, &x, &zero).unwrap().contributions;
        let background = Rows::new(&zero, 40).unwrap();
        let shapley = |n: &Network| Shapley::permutations(40, 1).explain(n, &x, background).unwrap().contributions;
        let test = |explain: &dyn Fn(&Network) -> Vec<f64>| {
            Sanity::test(&explain(&trained), &cascade.iter().map(explain).collect::<Vec<_>>()).unwrap()
        };
        assert!(test(&integrated).passed(0.5), "{:?}", test(&integrated));
        assert!(test(&shapley).passed(0.5), "{:?}", test(&shapley));
        assert!(!test(&|_| edges.clone()).passed(0.5));
    }
}
