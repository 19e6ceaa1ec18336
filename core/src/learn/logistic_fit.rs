//! Newton's method for logistic regression, with and without an absolute penalty.

use super::design::{Design, LARGE, Last, PART, add_gram, add_rows, rounding, sum_over_chunks, unpadded};
use super::elementary::{exp, ln_1p};
use super::l1_quadratic::{L1Quadratic, violation};
use super::{LinearModel, Penalty, Wald};
use crate::linalg::{Cholesky, add_scaled, dot};
use crate::{Error, Rows};
use pulp::{Arch, Simd, WithSimd};

/// A matrix of second derivatives is kept while a step with it leaves at most this share of the violation.
const GOOD_STEP: f64 = 0.01;
/// Newton steps after which a fit gives up.
const STEPS: usize = 500;

const SEPARATE: Error = Error::NoOptimum {
    what: "logistic regression without a penalty",
    reason: "a plane separates the classes: use a penalty, or drop the column that tells them apart",
};

/// Σ wᵢ ln(1 + exp(−tᵢ (b + xᵢᵀβ))) + penalty(β). A point is β of the centred columns, then b.
pub(crate) struct Problem<'a> {
    rows: Rows<'a>,
    design: Design<'a>,
    /// tᵢ: 1 or −1.
    signs: Vec<f64>,
    weights: Vec<f64>,
    penalty: Penalty,
}

pub(crate) struct Optimum {
    pub(crate) linear: LinearModel,
    pub(crate) kkt_residual: f64,
    pub(crate) loss: f64,
    /// Without a penalty.
    pub(crate) wald: Option<Wald>,
}

/// The loss and its gradient at a point.
#[derive(Clone)]
struct At {
    theta: Vec<f64>,
    loss: f64,
    gradient: Vec<f64>,
    /// Second derivatives, if they were asked for.
    hessian: Option<Vec<f64>>,
}

impl<'a> Problem<'a> {
    pub(crate) fn new(rows: Rows<'a>, labels: &[bool], weights: Vec<f64>, penalty: Penalty) -> Self {
        let signs = labels.iter().map(|label| if *label { 1.0 } else { -1.0 }).collect();
        // any centre within the data does: a part of a large table tells it
        let some: Vec<usize> = (0..rows.len()).step_by(if rows.len() < LARGE { 1 } else { PART }).collect();
        let mut centre = vec![0.0; rows.columns()];
        some.iter().for_each(|i| add_scaled(&mut centre, 1.0 / some.len() as f64, rows.row(*i)));
        Self { rows, design: Design::new(rows, centre, Last::One), signs, weights, penalty }
    }

    fn l1(&self) -> f64 {
        f64::from(u8::from(self.penalty == Penalty::L1))
    }

    fn l2(&self) -> f64 {
        f64::from(u8::from(self.penalty == Penalty::L2))
    }

    pub(crate) fn minimise(&self, tolerance: f64) -> Result<Optimum, Error> {
        let slack = self.slack(tolerance);
        let at = self.descend(self.start(), &slack)?;
        let wald = if self.penalty == Penalty::None { Some(self.wald(&at)?) } else { None };
        let columns = self.rows.columns();
        let coefficients = at.theta[..columns].to_vec();
        let intercept = at.theta[columns] - dot(&coefficients, &self.design.means);
        let kkt_residual = self.violations(&at).fold(0.0, f64::max);
        let linear = LinearModel::new(intercept, coefficients);
        let wald = wald.map(|covariance| {
            let values = [&[intercept], linear.coefficients.as_slice()].concat();
            Wald::from_centred(values, &covariance, &self.design.means, None, self.rows.len())
        });
        Ok(Optimum { linear, kkt_residual, loss: at.loss, wald })
    }

    /// The optimum of every sixteenth row of a large table, else zeros.
    fn start(&self) -> Vec<f64> {
        let n = self.rows.len();
        let zeros = vec![0.0; self.design.width];
        if n < LARGE {
            return zeros;
        }
        let some: Vec<usize> = (0..n).step_by(PART).collect();
        let values = self.rows.select(&some);
        let Ok(rows) = Rows::new(&values, self.rows.columns()) else { return zeros };
        let part = Problem {
            rows,
            design: Design::new(rows, self.design.means.clone(), Last::One),
            signs: some.iter().map(|i| self.signs[*i]).collect(),
            weights: some.iter().map(|i| self.weights[*i] * PART as f64).collect(),
            penalty: self.penalty,
        };
        // it is only a start: an error of a thousandth of the likely one is enough
        let slack: Vec<f64> = part.slack(1e-8).iter().map(|s| s.max(1e-3 * (n as f64).sqrt())).collect();
        part.descend(zeros.clone(), &slack).map_or(zeros, |at| at.theta)
    }

    /// How far each optimality condition may be violated: `tolerance`, or the rounding of the sum that it is.
    fn slack(&self, tolerance: f64) -> Vec<f64> {
        rounding(self.rows, &self.weights).into_iter().map(|r| r.max(tolerance)).collect()
    }

    fn descend(&self, start: Vec<f64>, slack: &[f64]) -> Result<At, Error> {
        let mut at = self.at(start, true);
        let mut curvature: Option<Curvature> = None;
        let excess = |at: &At| self.violations(at).zip(slack).map(|(v, s)| v / s).fold(0.0, f64::max);
        let (mut now, mut poor) = (excess(&at), true);
        for _ in 0..STEPS {
            if now <= 1.0 {
                return Ok(at);
            }
            let kept = match curvature.take() {
                Some(kept) => kept,
                None => self.curvature(&at).ok_or_else(|| self.singular())?,
            };
            let step = self.step(&at, &kept, slack).ok_or(Error::NoOptimum {
                what: "logistic regression",
                reason: "columns depend on each other: drop some or use the L2 penalty",
            })?;
            let Some(next) = self.search(&at, &step, poor) else {
                return Err(Error::NoOptimum {
                    what: "logistic regression",
                    reason: "the columns differ too much in size: scale them",
                });
            };
            let left = excess(&next);
            poor = left > GOOD_STEP * now;
            curvature = if poor || next.hessian.is_some() { None } else { Some(kept) };
            (at, now) = (next, left);
        }
        Err(if self.penalty == Penalty::None {
            SEPARATE
        } else {
            Error::NoOptimum { what: "logistic regression", reason: "raise the tolerance or lower c" }
        })
    }

    /// What a singular matrix of second derivatives says: of the columns, if it is so where all rows weigh alike; of
    /// separation, if rows have lost their weight.
    fn singular(&self) -> Error {
        let dependent = Error::NoOptimum {
            what: "logistic regression",
            reason: "columns are constant or depend on each other: drop them, or use the L2 penalty with a lower c",
        };
        self.curvature(&self.at(vec![0.0; self.design.width], true)).map_or(dependent, |_| SEPARATE)
    }

    /// Violations of the optimality conditions, of the columns as they were given and then of the intercept.
    fn violations(&self, at: &At) -> impl Iterator<Item = f64> {
        let (columns, l1, l2) = (self.rows.columns(), self.l1(), self.l2());
        let shift = at.gradient[columns];
        let of = move |((beta, gradient), mean): ((&f64, &f64), &f64)| {
            violation(*beta, gradient + mean * shift + l2 * beta, l1)
        };
        at.theta.iter().zip(&at.gradient).zip(&self.design.means).map(of).chain([shift.abs()])
    }

    fn at(&self, theta: Vec<f64>, with_hessian: bool) -> At {
        let Design { stride, width, .. } = self.design;
        let padded = padded(&theta, stride);
        let square = if with_hessian { stride * stride } else { 0 };
        let sums = sum_over_chunks(self.design.len(), stride + 1 + square, |range, sums| {
            let (sums, gram) = sums.split_at_mut(stride + 1);
            self.design.blocks(range, |rows, values| {
                let (signs, weights) = (&self.signs[rows.clone()], &self.weights[rows]);
                let gram = with_hessian.then_some(&mut *gram);
                Arch::new().dispatch(Block { values, signs, weights, theta: &padded, sums, gram });
            });
        });
        let hessian = with_hessian.then(|| unpadded(&sums[stride + 1..], stride, width));
        At { theta, loss: sums[stride], gradient: sums[..width].to_vec(), hessian }
    }

    /// `None` where the penalty is not absolute and the second derivatives with it are singular.
    fn curvature(&self, at: &At) -> Option<Curvature> {
        let again = || self.at(at.theta.clone(), true).hessian;
        let (hessian, width) = (at.hessian.clone().or_else(again)?, self.design.width);
        if self.penalty == Penalty::L1 {
            return Some(Curvature { hessian, width, factor: None });
        }
        let mut penalised = hessian.clone();
        penalised[..width * (width - 1)].iter_mut().step_by(width + 1).for_each(|v| *v += self.l2());
        let factor = Some(Cholesky::new(&penalised, width).ok()?);
        Some(Curvature { hessian, width, factor })
    }

    fn penalty_at(&self, theta: &[f64]) -> f64 {
        let beta = &theta[..self.rows.columns()];
        self.l1() * beta.iter().map(|b| b.abs()).sum::<f64>() + 0.5 * self.l2() * dot(beta, beta)
    }

    /// The way to the minimum of the quadratic function that `curvature` makes of the loss here.
    fn step(&self, at: &At, curvature: &Curvature, slack: &[f64]) -> Option<Vec<f64>> {
        let columns = self.rows.columns();
        let mut step: Vec<f64> = at.gradient.iter().map(|g| -g).collect();
        if self.penalty != Penalty::L1 {
            add_scaled(&mut step[..columns], -self.l2(), &at.theta[..columns]);
            curvature.factor.as_ref()?.solve(&mut step);
            return Some(step);
        }
        // the intercept is free: it follows the coefficients, and what is left is a quadratic function of these
        let Curvature { hessian, width, .. } = curvature;
        let last = &hessian[columns * width..];
        let reduce = |i: usize, j: usize| hessian[i * width + j] - last[i] * last[j] / last[columns];
        let gram: Vec<f64> = (0..columns * columns).map(|k| reduce(k / columns, k % columns)).collect();
        let beta = &at.theta[..columns];
        let toward = |(j, row): (usize, &[f64])| {
            dot(row, beta) - at.gradient[j] + last[j] / last[columns] * at.gradient[columns]
        };
        let products: Vec<f64> = gram.chunks_exact(columns).enumerate().map(toward).collect();
        let problem = L1Quadratic { gram: &gram, products: &products, l1: self.l1(), l2: 0.0 };
        let half: Vec<f64> = slack[..columns].iter().map(|s| 0.5 * s).collect();
        let end = problem.minimise(beta.to_vec(), &half)?.beta;
        step = end.iter().zip(beta).map(|(e, b)| e - b).collect();
        step.push(-(at.gradient[columns] + dot(&last[..columns], &step)) / last[columns]);
        Some(step)
    }

    /// The farthest point along `step`, halved as needed, where the objective has fallen as it should.
    fn search(&self, at: &At, step: &[f64], with_hessian: bool) -> Option<At> {
        let before = at.loss + self.penalty_at(&at.theta);
        let rounding = 1e-13 * before.abs();
        let mut length = 1.0;
        while length > 1e-12 {
            let mut theta = at.theta.clone();
            add_scaled(&mut theta, length, step);
            let next = self.at(theta, with_hessian);
            let after = next.loss + self.penalty_at(&next.theta);
            let slope = length * dot(&at.gradient, step) + self.penalty_at(&next.theta) - self.penalty_at(&at.theta);
            if after - before <= 1e-4 * slope.min(0.0) + rounding {
                return Some(next);
            }
            length *= 0.5;
        }
        None
    }

    /// The covariance at the maximum of the likelihood, if there is one: where a plane separates the classes the
    /// gradient falls to 0 all the same, but a Newton step still moves the rows.
    fn wald(&self, at: &At) -> Result<Vec<f64>, Error> {
        let factor = self.curvature(at).and_then(|c| c.factor).ok_or_else(|| self.singular())?;
        let mut step = at.gradient.clone();
        factor.solve(&mut step);
        let padded = padded(&step, self.design.stride);
        let mut moved = 0.0f64;
        self.design.blocks(0..self.design.len(), |rows, values| {
            for (i, row) in rows.zip(values.chunks_exact(self.design.stride)) {
                if self.weights[i] > 0.0 {
                    moved = moved.max(dot(row, &padded).abs());
                }
            }
        });
        if moved < 1e-2 { Ok(factor.inverse()) } else { Err(SEPARATE) }
    }
}

fn padded(theta: &[f64], stride: usize) -> Vec<f64> {
    let mut all = theta.to_vec();
    all.resize(stride, 0.0);
    all
}

/// What the rows of a block add to the gradient and the loss (`sums`), and to the second derivatives.
struct Block<'a> {
    values: &'a [f64],
    signs: &'a [f64],
    weights: &'a [f64],
    theta: &'a [f64],
    sums: &'a mut [f64],
    gram: Option<&'a mut [f64]>,
}

impl WithSimd for Block<'_> {
    type Output = ();

    /// Plain loops, which are compiled for the vectors of the processor.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { values, signs, weights, theta, sums, gram } = self;
        let (n, stride) = (signs.len(), theta.len());
        let (mut factors, mut losses, mut curvatures) = ([0.0; 64], [0.0; 64], [0.0; 64]);
        for ((f, row), sign) in factors.iter_mut().zip(values.chunks_exact(stride)).zip(signs) {
            *f = sign * dot(row, theta);
        }
        for ((f, loss), curvature) in factors[..n].iter_mut().zip(&mut losses).zip(&mut curvatures) {
            let e = exp(-f.abs());
            *loss = ln_1p(e) + (-*f).max(0.0);
            *curvature = e / ((1.0 + e) * (1.0 + e));
            *f = if *f >= 0.0 { e } else { 1.0 } / (1.0 + e); // what the probability lacks to 1
        }
        for ((f, sign), (curvature, w)) in factors.iter_mut().zip(signs).zip(curvatures.iter_mut().zip(weights)) {
            *f *= -sign * w;
            *curvature *= w;
        }
        sums[stride] += dot(&losses[..n], weights);
        add_rows(&mut sums[..stride], values, &factors, stride);
        if let Some(gram) = gram {
            add_gram(gram, values, &curvatures, stride);
        }
    }
}

/// Second derivatives at some point, and their factor with the squared penalty.
struct Curvature {
    hessian: Vec<f64>,
    width: usize,
    /// Not where the penalty is absolute: columns may then depend on each other.
    factor: Option<Cholesky>,
}
