use crate::error::{Mismatch, NotFinite, OutOfRange};
use crate::linalg::dot;
use crate::{Differentiable, Error};
use serde::{Deserialize, Serialize};

/// How far two cases are from one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Distance {
    /// Square root of the sum of squared changes, each in units of its scale.
    L2,
    /// Sum of changes, each in units of its scale: the fewest features change.
    L1,
}

/// The nearest case to `x` for which a linear model w·x + b gives `target`, in closed form.
///
/// `scale` is the unit of each feature, for example its median absolute deviation; all 1 for plain distance.
///
/// # Formula
/// L2: x − (w·x + b − t) S²w/(w·S²w), S the scales. L1: the whole change in the feature with the largest |wⱼ| sⱼ.
///
/// # Examples
/// ```
/// use eir_core::explain::{Distance, linear_counterfactual};
/// let nearest = linear_counterfactual(&[3.0, 4.0], 0.0, &[1.0, 1.0], &[1.0, 1.0], -18.0, Distance::L2)?;
/// assert_eq!(nearest, [-2.0, -3.0]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// Different lengths, values that are not finite, a scale that is not above 0, weights that are all 0.
///
/// # References
/// Wachter, Mittelstadt, Russell 2018, arXiv:1711.00399.
pub fn linear_counterfactual(
    weights: &[f64],
    intercept: f64,
    x: &[f64],
    scale: &[f64],
    target: f64,
    distance: Distance,
) -> Result<Vec<f64>, Error> {
    Mismatch::check("weights", x.len(), weights.len())?;
    check_case(x, scale)?;
    NotFinite::check_f64("weight", weights)?;
    NotFinite::check_f64("intercept and target", &[intercept, target])?;
    let off = dot(weights, x) + intercept - target;
    let mut nearest = x.to_vec();
    match distance {
        Distance::L2 => {
            let size: f64 = weights.iter().zip(scale).map(|(w, s)| (w * s).powi(2)).sum();
            if size == 0.0 {
                return Err(Error::Undefined("the counterfactual"));
            }
            for (value, (w, s)) in nearest.iter_mut().zip(weights.iter().zip(scale)) {
                *value -= off * w * s * s / size;
            }
        }
        Distance::L1 => {
            let reach = |j: &usize| (weights[*j] * scale[*j]).abs();
            // the first of equals
            let best = (0..x.len()).rev().max_by(|a, b| reach(a).total_cmp(&reach(b)));
            match best.filter(|j| weights[*j] != 0.0) {
                Some(j) => nearest[j] -= off / weights[j],
                None => return Err(Error::Undefined("the counterfactual")),
            }
        }
    }
    Ok(nearest)
}

/// The nearest case for which a model with gradients gives the target: what would have to be different?
///
/// **Use it** to tell a person what could change a result. Mark what cannot change (age, sex) as immutable and bound the
/// rest: a counterfactual outside the data is no advice. The way is found by linearising the model again and again and
/// projecting the original case onto the plane where the target lies; on a linear model the first step is the closed form.
///
/// # Examples
/// ```
/// # use eir_core::{Differentiable, Error, Model, Rows};
/// # struct Square;
/// # impl Model for Square {
/// #     fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), Error> {
/// #         (|x: &[f64]| x[0] * x[0] + x[1]).predict_into(rows, out)
/// #     }
/// # }
/// # impl Differentiable for Square {
/// #     fn gradient_into(&self, x: &[f64], out: &mut [f64]) -> Result<f64, Error> {
/// #         out.copy_from_slice(&[2.0 * x[0], 1.0]);
/// #         Ok(x[0] * x[0] + x[1])
/// #     }
/// # }
/// use eir_core::explain::Counterfactual;
/// // f = x₀² + x₁ must become 9, and x₁ cannot change
/// let found = Counterfactual::new(9.0).with_immutable(&[false, true]).find(&Square, &[1.0, 0.0], &[1.0, 1.0])?;
/// assert!((found.case[0] - 3.0).abs() < 1e-6 && found.case[1] == 0.0);
/// # Ok::<(), Error>(())
/// ```
///
/// # References
/// Wachter, Mittelstadt, Russell 2018, arXiv:1711.00399.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Counterfactual {
    /// What the model should say.
    pub target: f64,
    /// Features that cannot change; empty: all can.
    pub immutable: Vec<bool>,
    /// Smallest and largest value of each feature; empty: no bounds.
    pub bounds: Vec<(f64, f64)>,
    /// How near the target counts as reached (1e-8).
    pub tolerance: f64,
    /// Steps at most (500).
    pub steps: usize,
}

/// A counterfactual case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Explained {
    /// The case.
    pub case: Vec<f64>,
    /// What the model says of it.
    pub value: f64,
    /// Its distance from the original: root of the sum of squared changes in units of the scales.
    pub distance: f64,
}

impl Counterfactual {
    /// For a model that should say `target`.
    #[must_use]
    pub fn new(target: f64) -> Self {
        Self { target, immutable: Vec::new(), bounds: Vec::new(), tolerance: 1e-8, steps: 500 }
    }

    /// Marks features that cannot change.
    #[must_use]
    pub fn with_immutable(self, immutable: &[bool]) -> Self {
        Self { immutable: immutable.to_vec(), ..self }
    }

    /// Bounds each feature.
    #[must_use]
    pub fn with_bounds(self, bounds: &[(f64, f64)]) -> Self {
        Self { bounds: bounds.to_vec(), ..self }
    }

    /// Finds it, near `x` in units of `scale`.
    ///
    /// # Errors
    /// Different lengths, values that are not finite, a scale that is not above 0, bounds that exclude `x`, and
    /// [`Error::NoOptimum`] if no case within the bounds was found.
    pub fn find(&self, model: &impl Differentiable, x: &[f64], scale: &[f64]) -> Result<Explained, Error> {
        check_case(x, scale)?;
        if !self.immutable.is_empty() {
            Mismatch::check("immutable features", x.len(), self.immutable.len())?;
        }
        if !self.bounds.is_empty() {
            Mismatch::check("bounds", x.len(), self.bounds.len())?;
            if let Some(j) = (0..x.len()).find(|j| !(self.bounds[*j].0 <= x[*j] && x[*j] <= self.bounds[*j].1)) {
                return Err(Mismatch::new("feature within its bounds", "inside", format!("{j} outside")).into());
            }
        }
        let (mut case, mut gradient) = (x.to_vec(), vec![0.0; x.len()]);
        let mut damping = 1.0;
        let mut value = model.gradient_into(&case, &mut gradient)?;
        for _ in 0..self.steps {
            let nearest = self.project(x, &case, &gradient, scale, value);
            let Some(goal) = nearest else { break };
            let settled = goal.iter().zip(&case).zip(scale).all(|((g, c), s)| ((g - c) / s).abs() <= 1e-9);
            if settled && (value - self.target).abs() <= self.tolerance {
                let distance = case.iter().zip(x).zip(scale).map(|((c, x), s)| ((c - x) / s).powi(2)).sum::<f64>();
                return Ok(Explained { case, value, distance: distance.sqrt() });
            }
            // steps are halved as long as they lead away from the target
            let before = (value - self.target).abs();
            let mut step = damping;
            loop {
                let trial: Vec<f64> = case.iter().zip(&goal).map(|(c, g)| c + step * (g - c)).collect();
                let reached = model.gradient_into(&trial, &mut gradient)?;
                if (reached - self.target).abs() <= before.max(self.tolerance) || step < 1e-6 {
                    (case, value) = (trial, reached);
                    break;
                }
                step *= 0.5;
            }
            damping = (2.0 * step).min(1.0);
        }
        let reason = "the target was not reached within the bounds: allow more features to change";
        Err(Error::NoOptimum { what: "the counterfactual", reason })
    }

    /// The point nearest to `x` where the model, linearised at `case`, gives the target; features that hit a bound stay
    /// there and the others do the rest.
    fn project(&self, x: &[f64], case: &[f64], gradient: &[f64], scale: &[f64], value: f64) -> Option<Vec<f64>> {
        let mut free: Vec<bool> = (0..x.len()).map(|j| !self.immutable.get(j).copied().unwrap_or(false)).collect();
        let mut goal = x.to_vec();
        for _ in 0..=x.len() {
            let moved: f64 = (0..x.len()).map(|j| gradient[j] * (goal[j] - case[j])).sum();
            let off = value + moved - self.target;
            let size: f64 = (0..x.len()).filter(|j| free[*j]).map(|j| (gradient[j] * scale[j]).powi(2)).sum();
            if size <= 0.0 || !size.is_finite() {
                return (off.abs() <= self.tolerance).then_some(goal);
            }
            let mut hit = false;
            for j in 0..x.len() {
                if free[j] {
                    goal[j] -= off * gradient[j] * scale[j] * scale[j] / size;
                    let (low, high) = self.bounds.get(j).copied().unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
                    if goal[j] < low || goal[j] > high {
                        goal[j] = goal[j].clamp(low, high);
                        free[j] = false;
                        hit = true;
                    }
                }
            }
            if !hit {
                break;
            }
        }
        Some(goal)
    }
}

fn check_case(x: &[f64], scale: &[f64]) -> Result<(), Error> {
    Mismatch::check("scales", x.len(), scale.len())?;
    NotFinite::check_f64("feature", x)?;
    let within = |s: f64| s.is_finite() && s > 0.0;
    Ok(OutOfRange::check("scale", scale.iter().copied(), "above 0 and finite", within)?)
}
