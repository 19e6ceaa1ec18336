//! A curve of cubic pieces, and its evaluation.

use crate::Result;
use eir_core::error::{Mismatch, NotFinite, OutOfRange, TooShort};
use serde::{Deserialize, Serialize};

/// What a curve is outside of its points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Outside {
    /// NaN: nothing is known there.
    #[default]
    Missing,
    /// The value of the nearest point.
    Hold,
    /// The outermost piece goes on. A cubic leaves the data fast.
    Extend,
}

/// A curve through points, in cubic pieces.
///
/// # Formula
/// Between the points `x[i]` and `x[i+1]` with slopes `s`: the cubic of Hermite,
/// `y[i] + s[i] u + (3 m - 2 s[i] - s[i+1])/h u² + (s[i] + s[i+1] - 2 m)/h² u³`, `u = x - x[i]`, `m` the slope of the chord.
#[derive(Debug, Clone, PartialEq)]
pub struct Interpolant {
    x: Vec<f64>,
    /// Of each piece, the constant first.
    pieces: Vec<[f64; 4]>,
    outside: Outside,
    last: f64,
}

impl Interpolant {
    /// The curve through `(x, y)` with these slopes.
    pub(super) fn hermite(x: &[f64], y: &[f64], slopes: &[f64]) -> Self {
        let pieces = x.windows(2).zip(y.windows(2)).zip(slopes.windows(2));
        let pieces = pieces
            .map(|((x, y), s)| {
                let h = x[1] - x[0];
                let chord = (y[1] - y[0]) / h;
                let t = (s[0] + s[1] - 2.0 * chord) / h;
                [y[0], s[0], (chord - s[0]) / h - t, t / h]
            })
            .collect();
        Self { x: x.to_vec(), pieces, outside: Outside::Missing, last: y.last().copied().unwrap_or(f64::NAN) }
    }

    /// Straight lines through `(x, y)`.
    pub(super) fn linear(x: &[f64], y: &[f64]) -> Self {
        let pieces = x.windows(2).zip(y.windows(2));
        let pieces = pieces.map(|(x, y)| [y[0], (y[1] - y[0]) / (x[1] - x[0]), 0.0, 0.0]).collect();
        Self { x: x.to_vec(), pieces, outside: Outside::Missing, last: y.last().copied().unwrap_or(f64::NAN) }
    }

    /// Sets what the curve is outside of its points.
    #[must_use]
    pub fn with_outside(self, outside: Outside) -> Self {
        Self { outside, ..self }
    }

    /// First and last point.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        let end = |v: Option<&f64>| v.copied().unwrap_or(f64::NAN);
        (end(self.x.first()), end(self.x.last()))
    }

    /// The value at `x`; NaN at NaN.
    #[must_use]
    pub fn value(&self, x: f64) -> f64 {
        self.at(x, &mut 0, |[a, b, c, d], u| a + u * (b + u * (c + u * d)))
    }

    /// The slope at `x`.
    #[must_use]
    pub fn slope(&self, x: f64) -> f64 {
        let held = self.outside == Outside::Hold && !self.inside(x) && !x.is_nan();
        if held { 0.0 } else { self.at(x, &mut 0, |[_, b, c, d], u| b + u * (2.0 * c + u * 3.0 * d)) }
    }

    /// The values at every `x`.
    #[must_use]
    pub fn values(&self, x: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; x.len()];
        self.fill(x, &mut y);
        y
    }

    /// As [`values`](Self::values), into a buffer: allocates nothing. Rising `x` need no search.
    ///
    /// # Errors
    /// [`Mismatch`] if the buffer has another length.
    pub fn values_into(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        Mismatch::check("places and values", x.len(), y.len())?;
        self.fill(x, y);
        Ok(())
    }

    fn fill(&self, x: &[f64], y: &mut [f64]) {
        let mut piece = 0;
        for (x, y) in x.iter().zip(y) {
            *y = self.at(*x, &mut piece, |[a, b, c, d], u| a + u * (b + u * (c + u * d)));
        }
    }

    /// The values at `start`, `start + step` and so on, `count` of them: an evenly sampled signal.
    #[must_use]
    pub fn sampled(&self, start: f64, step: f64, count: usize) -> Vec<f64> {
        let mut piece = 0;
        let value = |[a, b, c, d]: [f64; 4], u: f64| a + u * (b + u * (c + u * d));
        let (first, last) = self.range();
        // steps forward stay in the piece or go to the next ones: no search
        let mut knots = self.x.get(1..self.pieces.len()).unwrap_or_default().iter();
        let mut next = knots.next();
        let mut now = self.x.first().zip(self.pieces.first());
        let mut pieces = self.x.iter().zip(&self.pieces).skip(1);
        let mut forward = |x: f64| {
            while next.is_some_and(|knot| *knot <= x) {
                (now, next) = (pieces.next(), knots.next());
            }
            now.map_or(f64::NAN, |(from, piece)| value(*piece, x - from))
        };
        (0..count)
            .map(|i| {
                let x = start + i as f64 * step;
                if step >= 0.0 && x >= first && x <= last { forward(x) } else { self.at(x, &mut piece, value) }
            })
            .collect()
    }

    fn inside(&self, x: f64) -> bool {
        let (first, last) = self.range();
        x >= first && x <= last
    }

    /// `piece` is where the search begins, and where it ended.
    #[inline]
    fn at(&self, x: f64, piece: &mut usize, value: impl Fn([f64; 4], f64) -> f64) -> f64 {
        let (first, last) = self.range();
        if !(x >= first && x <= last) {
            match self.outside {
                _ if x.is_nan() => return f64::NAN,
                Outside::Missing => return f64::NAN,
                Outside::Hold if x < first => return self.pieces.first().map_or(f64::NAN, |p| p[0]),
                Outside::Hold => return self.last,
                Outside::Extend => {}
            }
        }
        let is_in = |i: usize| matches!(self.x.get(i..i + 2), Some([a, b]) if *a <= x && x < *b);
        if !is_in(*piece) {
            *piece += 1;
            if !is_in(*piece) {
                let top = self.pieces.len().saturating_sub(1);
                *piece = self.x.partition_point(|v| *v <= x).saturating_sub(1).min(top);
            }
        }
        match (self.pieces.get(*piece), self.x.get(*piece)) {
            (Some(cubic), Some(from)) => value(*cubic, x - from),
            _ => f64::NAN,
        }
    }
}

/// Points that a curve can go through: at least `min`, finite, `x` rising.
pub(super) fn check(x: &[f64], y: &[f64], min: usize) -> Result<()> {
    Mismatch::check("points in x and y", x.len(), y.len())?;
    if x.len() < min {
        return Err(TooShort::new("points", x.len(), min).into());
    }
    NotFinite::check_f64("x of point", x)?;
    NotFinite::check_f64("y of point", y)?;
    let steps = std::iter::once(1.0).chain(x.windows(2).map(|w| w[1] - w[0]));
    Ok(OutOfRange::check("x of point", steps, "above the one before it, by a finite step", |s| {
        s > 0.0 && s.is_finite()
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parabola() -> Interpolant {
        let x = [0.0, 1.0, 3.0, 4.0];
        let y = x.map(|v: f64| v * v);
        Interpolant::hermite(&x, &y, &x.map(|v| 2.0 * v))
    }

    #[test]
    fn any_order_of_places() {
        let curve = parabola();
        let places = [0.0, 0.5, 1.0, 2.0, 3.5, 4.0, 0.25, 3.9, 1.5];
        for (x, y) in places.iter().zip(curve.values(&places)) {
            assert!((y - x * x).abs() < 1e-12);
            assert!((curve.slope(*x) - 2.0 * x).abs() < 1e-12);
        }
        for curve in [curve.clone(), curve.with_outside(Outside::Extend)] {
            for (start, step) in [(0.0, 0.5), (-1.0, 0.25), (0.3, 1.7), (4.0, -0.3), (2.0, 0.0)] {
                let places: Vec<f64> = (0..30).map(|i| start + f64::from(i) * step).collect();
                let bits = |y: Vec<f64>| y.into_iter().map(f64::to_bits).collect::<Vec<_>>();
                assert_eq!(bits(curve.sampled(start, step, 30)), bits(curve.values(&places)), "{start} {step}");
            }
        }
    }

    #[test]
    fn outside() {
        let curve = parabola();
        assert!(curve.value(-1.0).is_nan() && curve.value(5.0).is_nan() && curve.value(f64::NAN).is_nan());
        let held = curve.clone().with_outside(Outside::Hold);
        assert_eq!((held.value(-1.0), held.value(9.0), held.slope(9.0)), (0.0, 16.0, 0.0));
        let extended = curve.with_outside(Outside::Extend);
        assert!((extended.value(-1.0) - 1.0).abs() < 1e-12 && (extended.value(6.0) - 36.0).abs() < 1e-12);
        assert!(extended.value(f64::NAN).is_nan());
        assert!(extended.values_into(&[1.0], &mut []).is_err());
    }

    #[test]
    fn points() {
        assert!(check(&[0.0, 1.0], &[0.0], 2).is_err());
        assert!(check(&[0.0], &[0.0], 2).is_err());
        assert!(check(&[0.0, 0.0], &[0.0, 1.0], 2).unwrap_err().to_string().contains("point 1"));
        assert!(check(&[1.0, 0.0], &[0.0, 1.0], 2).is_err());
        assert!(check(&[0.0, f64::NAN], &[0.0, 1.0], 2).is_err());
        assert!(check(&[0.0, 1.0], &[0.0, f64::INFINITY], 2).is_err());
    }
}
