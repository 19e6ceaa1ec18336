//! Discrete prolate spheroidal sequences.

use crate::spectrum::RealFft;
use crate::{Result, window::LONGEST};
use eir_core::error::Parameter;
use std::f64::consts::PI;

/// Shifts that are bisected side by side: eight independent divisions hide the latency of one.
const LANES: usize = 8;

/// Slepian's tapers: the `count` sequences of `length` samples with the most energy within ±`half_bandwidth/length`.
///
/// **Use them** for [`Multitaper`](crate::spectrum::Multitaper) spectra; the first alone is a window with the least
/// leakage. **Not** more than about `2 half_bandwidth - 1` of them: the later ones leak.
///
/// # Formula
/// Eigenvectors of the symmetric tridiagonal matrix with diagonal `((m-1-2i)/2)² cos(2πW)`, off-diagonal `i(m-i)/2`,
/// `W = half_bandwidth/m`, for its largest eigenvalues: found by bisection of Sturm sequences, then by inverse
/// iteration. Each has energy 1; even ones have a positive sum, odd ones begin with a positive lobe.
///
/// # Examples
/// ```
/// let tapers = eir_signal::dpss(64, 2.5, 4)?;
/// assert!((tapers.tapers()[1].iter().map(|v| v * v).sum::<f64>() - 1.0).abs() < 1e-12);
/// assert!(tapers.concentrations()[0] > 0.9999);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Parameter`] if `length` is below 2, `half_bandwidth` is not between 0 and half the length, or `count` is not
/// between 1 and the length.
///
/// # Validation
/// Equal to SciPy 1.17.1 `windows.dpss` (norm 2, symmetric) within 1e-9, with its signs, on the golden set and for ten
/// lengths from 3 to 3789.
///
/// # References
/// Slepian 1978, doi:10.1002/j.1538-7305.1978.tb02104.x; Percival, Walden 1993, doi:10.1017/CBO9780511622762.
pub fn dpss(length: usize, half_bandwidth: f64, count: usize) -> Result<Slepian> {
    if !(2..=LONGEST).contains(&length) {
        return Err(Parameter::new("length", length as f64, "2 to 2^27 samples").into());
    }
    if !(half_bandwidth > 0.0 && half_bandwidth < length as f64 / 2.0) {
        return Err(Parameter::new("half_bandwidth", half_bandwidth, "above 0 and below half the length").into());
    }
    if !(1..=length).contains(&count) {
        return Err(Parameter::new("tapers", count as f64, "1 to the length").into());
    }
    let (m, w) = (length as f64, half_bandwidth / length as f64);
    let cosine = (2.0 * PI * w).cos();
    let diagonal: Vec<f64> = (0..length).map(|i| ((m - 1.0 - 2.0 * i as f64) / 2.0).powi(2) * cosine).collect();
    let off: Vec<f64> = (1..length).map(|i| i as f64 * (m - i as f64) / 2.0).collect();
    let values = largest(&diagonal, &off, count);
    let mut solver = Inverse::new(length);
    let tapers: Vec<Vec<f64>> = values
        .iter()
        .enumerate()
        .map(|(k, value)| {
            let mut v = solver.vector(&diagonal, &off, *value, k);
            turn(&mut v, k);
            v
        })
        .collect();
    let concentrations = concentrations(&tapers, w)?;
    Ok(Slepian { tapers, concentrations })
}

/// The tapers that [`dpss`] finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Slepian {
    tapers: Vec<Vec<f64>>,
    concentrations: Vec<f64>,
}

impl Slepian {
    /// The tapers, the most concentrated first.
    #[must_use]
    pub fn tapers(&self) -> &[Vec<f64>] {
        &self.tapers
    }

    /// The share of each taper's energy within the band, 0 to 1.
    #[must_use]
    pub fn concentrations(&self) -> &[f64] {
        &self.concentrations
    }
}

/// The `count` largest eigenvalues, falling.
fn largest(diagonal: &[f64], off: &[f64], count: usize) -> Vec<f64> {
    let n = diagonal.len();
    let reach = |i: usize| {
        let below = if i == 0 { 0.0 } else { off[i - 1] };
        below + off.get(i).copied().unwrap_or_default()
    };
    let low = (0..n).map(|i| diagonal[i] - reach(i)).fold(f64::INFINITY, f64::min);
    let high = (0..n).map(|i| diagonal[i] + reach(i)).fold(f64::NEG_INFINITY, f64::max);
    let squares: Vec<f64> = std::iter::once(0.0).chain(off.iter().map(|e| e * e)).collect();
    let size = low.abs().max(high.abs());
    let mut found = Vec::with_capacity(count);
    for first in (0..count).step_by(LANES) {
        // lane j holds eigenvalue number first + j from the top: n - 1 - (first + j) lie below it
        let below: [usize; LANES] = std::array::from_fn(|j| n - 1 - (first + j).min(n - 1));
        let (mut from, mut to) = ([low; LANES], [high; LANES]);
        for _ in 0..128 {
            let middle: [f64; LANES] = std::array::from_fn(|j| 0.5 * (from[j] + to[j]));
            let counts = smaller(diagonal, &squares, &middle, size);
            for j in 0..LANES {
                if counts[j] > below[j] { to[j] = middle[j] } else { from[j] = middle[j] }
            }
            if (0..LANES).all(|j| to[j] - from[j] <= 2.0 * f64::EPSILON * size) {
                break;
            }
        }
        found.extend((0..LANES.min(count - first)).map(|j| 0.5 * (from[j] + to[j])));
    }
    found
}

/// How many eigenvalues are smaller than each of `shifts`: the negative pivots of `T - shift`.
fn smaller(diagonal: &[f64], squares: &[f64], shifts: &[f64; LANES], size: f64) -> [usize; LANES] {
    let least = f64::MIN_POSITIVE.max(size * 1e-300);
    let (mut pivot, mut count) = ([1.0; LANES], [0.0; LANES]);
    for (d, e2) in diagonal.iter().zip(squares) {
        for j in 0..LANES {
            let q = d - shifts[j] - e2 / pivot[j];
            let q = if q.abs() < least { -least } else { q };
            count[j] += if q < 0.0 { 1.0 } else { 0.0 };
            pivot[j] = q;
        }
    }
    count.map(|c| c as usize)
}

/// Inverse iteration on `T - value`, by elimination with row exchanges.
struct Inverse {
    upper: Vec<[f64; 3]>,
    swapped: Vec<bool>,
    factor: Vec<f64>,
}

impl Inverse {
    fn new(n: usize) -> Self {
        Self { upper: vec![[0.0; 3]; n], swapped: vec![false; n], factor: vec![0.0; n] }
    }

    fn vector(&mut self, diagonal: &[f64], off: &[f64], value: f64, number: usize) -> Vec<f64> {
        let n = diagonal.len();
        self.eliminate(diagonal, off, value);
        // a start with the symmetry of the wanted vector
        let sign = if number.is_multiple_of(2) { 1.0 } else { -1.0 };
        let mut v: Vec<f64> = (0..n)
            .map(|i| {
                let value = 1.0 + 0.3 * ((i.min(n - 1 - i) * (number + 1)) as f64 * 0.7).sin();
                if 2 * i + 1 == n && sign < 0.0 {
                    0.0
                } else if 2 * i < n {
                    value
                } else {
                    sign * value
                }
            })
            .collect();
        normalise(&mut v);
        for _ in 0..4 {
            self.solve(&mut v);
            normalise(&mut v);
        }
        v
    }

    fn eliminate(&mut self, diagonal: &[f64], off: &[f64], value: f64) {
        let n = diagonal.len();
        let tiny = f64::EPSILON * diagonal.iter().chain(off).fold(0.0f64, |a, v| a.max(v.abs())).max(f64::MIN_POSITIVE);
        let at = |i: usize| off.get(i).copied().unwrap_or_default();
        // the row in hand: its entries at columns i, i + 1, i + 2
        let mut row = [diagonal[0] - value, at(0), 0.0];
        for i in 0..n {
            if i + 1 == n {
                row[0] = if row[0].abs() < tiny { tiny } else { row[0] };
                self.upper[i] = row;
                break;
            }
            let next = [at(i), diagonal[i + 1] - value, at(i + 1)];
            let swap = next[0].abs() > row[0].abs();
            let (top, bottom) = if swap { (next, row) } else { (row, next) };
            let pivot = if top[0].abs() < tiny { tiny } else { top[0] };
            let factor = bottom[0] / pivot;
            self.upper[i] = [pivot, top[1], top[2]];
            (self.swapped[i], self.factor[i]) = (swap, factor);
            row = [bottom[1] - factor * top[1], bottom[2] - factor * top[2], 0.0];
        }
    }

    fn solve(&self, v: &mut [f64]) {
        let n = v.len();
        for i in 0..n - 1 {
            if self.swapped[i] {
                v.swap(i, i + 1);
            }
            v[i + 1] -= self.factor[i] * v[i];
        }
        let (mut after, mut second) = (0.0, 0.0);
        for (value, [u0, u1, u2]) in v.iter_mut().zip(&self.upper).rev() {
            let x = (*value - u1 * after - u2 * second) / u0;
            *value = x;
            (after, second) = (x, after);
        }
    }
}

fn normalise(v: &mut [f64]) {
    let largest = v.iter().fold(0.0f64, |a, x| a.max(x.abs())).max(f64::MIN_POSITIVE);
    v.iter_mut().for_each(|x| *x /= largest);
    let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
    v.iter_mut().for_each(|x| *x /= norm);
}

/// Percival's signs: a positive sum, or a positive first lobe.
fn turn(v: &mut [f64], number: usize) {
    let threshold = (1.0 / v.len() as f64).max(1e-7);
    let negative = if number.is_multiple_of(2) {
        v.iter().sum::<f64>() < 0.0
    } else {
        v.iter().find(|x| **x * **x > threshold).is_some_and(|x| *x < 0.0)
    };
    if negative {
        v.iter_mut().for_each(|x| *x = -*x);
    }
}

/// The energy in the band: the autocorrelation of a taper times that of the ideal filter.
fn concentrations(tapers: &[Vec<f64>], w: f64) -> Result<Vec<f64>> {
    let n = tapers.first().map_or(0, Vec::len);
    let size = (2 * n).next_power_of_two();
    let fft = RealFft::new(size)?;
    let mut ideal: Vec<f64> = (0..n)
        .map(|i| if i == 0 { 2.0 * w } else { 2.0 * (2.0 * PI * w * i as f64).sin() / (PI * i as f64) })
        .collect();
    ideal.resize(size, 0.0);
    tapers
        .iter()
        .map(|taper| {
            let mut padded = taper.clone();
            padded.resize(size, 0.0);
            let mut bins = fft.forward(&padded)?;
            bins.iter_mut().for_each(|b| *b = num_complex::Complex64::new(b.norm_sqr(), 0.0));
            let correlation = fft.inverse(&bins)?;
            let energy: f64 = correlation.iter().zip(&ideal).map(|(a, b)| a * b).sum();
            Ok(energy.clamp(0.0, 1.0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tapers_are_orthonormal_and_concentrated() {
        for (n, nw, k) in [(16, 2.0, 3), (101, 4.0, 7), (1024, 4.0, 12), (2, 0.5, 2)] {
            let found = dpss(n, nw, k).unwrap();
            for (i, a) in found.tapers().iter().enumerate() {
                for (j, b) in found.tapers().iter().enumerate() {
                    let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                    assert!((dot - if i == j { 1.0 } else { 0.0 }).abs() < 1e-10, "{n} {i} {j}: {dot}");
                }
            }
            assert!(found.concentrations().windows(2).all(|c| c[0] >= c[1] - 1e-12));
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(dpss(1, 0.3, 1).is_err());
        assert!(dpss(16, 8.0, 1).unwrap_err().to_string().contains("half_bandwidth"));
        assert!(dpss(16, f64::NAN, 1).is_err());
        assert!(dpss(16, 2.0, 0).is_err());
        assert!(dpss(16, 2.0, 17).is_err());
    }
}
