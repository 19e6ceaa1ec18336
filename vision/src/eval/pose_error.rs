//! Mean errors of poses.

use crate::Result;
use eir_core::error::{Mismatch, NotFinite, Parameter, TooShort};

fn check<const D: usize>(found: &[[f64; D]], truth: &[[f64; D]], least: usize) -> Result<()> {
    Mismatch::check("labelled points", found.len(), truth.len())?;
    NotFinite::check_f64("found point", found.as_flattened())?;
    NotFinite::check_f64("labelled point", truth.as_flattened())?;
    if found.len() < least {
        return Err(TooShort::new("points", found.len(), least).into());
    }
    Ok(())
}

fn distance<const D: usize>(a: &[f64; D], b: &[f64; D]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// Percentage of correct key points: the share of points that lie nearer to their label than `share` of `size` (of the
/// torso for PCK, of the head for PCKh, all in the same unit).
///
/// ```
/// use eir_vision::eval::pck;
/// assert_eq!(pck(&[[0.0, 0.0], [10.0, 0.0]], &[[1.0, 0.0], [30.0, 0.0]], 0.2, 50.0)?, 0.5);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch), [`Error::NotFinite`](crate::Error::NotFinite),
/// [`Error::TooShort`](crate::Error::TooShort) without points, [`Error::Parameter`](crate::Error::Parameter) for a share or
/// size that is not above 0.
pub fn pck<const D: usize>(found: &[[f64; D]], truth: &[[f64; D]], share: f64, size: f64) -> Result<f64> {
    check(found, truth, 1)?;
    for (name, value) in [("share", share), ("size", size)] {
        if !(value.is_finite() && value > 0.0) {
            return Err(Parameter::new(name, value, "finite and above 0").into());
        }
    }
    let near = found.iter().zip(truth).filter(|(a, b)| distance(a, b) < share * size).count();
    Ok(near as f64 / found.len() as f64)
}

/// Mean distance of joints after the point `root` (hip) of both poses is moved to the same place.
///
/// ```
/// use eir_vision::eval::mpjpe;
/// let error = mpjpe(&[[1.0, 0.0, 0.0], [1.0, 2.0, 0.0]], &[[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]], 0)?;
/// assert_eq!(error, 0.5);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch), [`Error::NotFinite`](crate::Error::NotFinite),
/// [`Error::TooShort`](crate::Error::TooShort) without points, [`Error::Parameter`](crate::Error::Parameter) if there is no
/// such root.
pub fn mpjpe<const D: usize>(found: &[[f64; D]], truth: &[[f64; D]], root: usize) -> Result<f64> {
    check(found, truth, 1)?;
    let Some((a, b)) = found.get(root).zip(truth.get(root)) else {
        return Err(Parameter::new("root", root as f64, "the number of one of the points").into());
    };
    let moved = |p: &[f64; D]| -> [f64; D] { std::array::from_fn(|k| p[k] - a[k] + b[k]) };
    Ok(found.iter().zip(truth).map(|(p, t)| distance(&moved(p), t)).sum::<f64>() / found.len() as f64)
}

/// Mean distance of joints after both poses are centred and the found one is scaled to fit.
///
/// # Errors
/// As [`pa_mpjpe`].
pub fn n_mpjpe<const D: usize>(found: &[[f64; D]], truth: &[[f64; D]]) -> Result<f64> {
    check(found, truth, 2)?;
    let (found, truth) = (centred(found), centred(truth));
    let dot = |a: &[[f64; D]], b: &[[f64; D]]| -> f64 {
        a.as_flattened().iter().zip(b.as_flattened()).map(|(a, b)| a * b).sum()
    };
    let size = dot(&found, &found);
    if size <= 0.0 {
        return Err(Parameter::new("extent of the found pose", 0.0, "above 0").into());
    }
    let scale = dot(&found, &truth) / size;
    let fitted = |p: &[f64; D]| p.map(|v| v * scale);
    Ok(found.iter().zip(&truth).map(|(p, t)| distance(&fitted(p), t)).sum::<f64>() / found.len() as f64)
}

/// Mean distance of joints after the found pose is moved, turned and scaled to fit best (Procrustes analysis).
///
/// **Use it** for poses whose place, direction and size the camera cannot tell. **Not** as the error of a length.
///
/// # Formula
/// `min over s, R, t of Σ |s R p + t − q|²` with `R` a rotation (no reflection): Horn's quaternion is the eigenvector of the
/// largest eigenvalue of a symmetric 4 × 4 matrix, `s` that eigenvalue over `Σ |p|²`.
///
/// # Examples
/// ```
/// use eir_vision::eval::pa_mpjpe;
/// let truth = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]];
/// let turned = truth.map(|[x, y, z]| [5.0 - 2.0 * y, 1.0 + 2.0 * x, 2.0 * z]);
/// assert!(pa_mpjpe(&turned, &truth)? < 1e-12);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch), [`Error::NotFinite`](crate::Error::NotFinite),
/// [`Error::TooShort`](crate::Error::TooShort) for fewer than 2 points, [`Error::Parameter`](crate::Error::Parameter) if all
/// found points coincide or for other than 2 or 3 dimensions.
///
/// # Validation
/// Unchanged within 1e-9 by any similarity of the found pose (unit tests).
///
/// # References
/// Horn 1987, doi:10.1364/JOSAA.4.000629.
pub fn pa_mpjpe<const D: usize>(found: &[[f64; D]], truth: &[[f64; D]]) -> Result<f64> {
    check(found, truth, 2)?;
    if !matches!(D, 2 | 3) {
        return Err(Parameter::new("dimensions", D as f64, "2 or 3").into());
    }
    let (found, truth) = (centred(found), centred(truth));
    let size: f64 = found.as_flattened().iter().map(|v| v * v).sum();
    if size <= 0.0 {
        return Err(Parameter::new("extent of the found pose", 0.0, "above 0").into());
    }
    // covariance of found (rows) and truth (columns), in three dimensions
    let mut s = [[0.0f64; 3]; 3];
    for (p, q) in found.iter().zip(&truth) {
        for (i, a) in p.iter().enumerate() {
            for (j, b) in q.iter().enumerate() {
                s[i][j] += a * b;
            }
        }
    }
    let (rotation, strength) = if D == 2 { in_plane(&s) } else { in_space(&s) };
    let scale = strength / size;
    let turned = |p: &[f64; D]| -> [f64; D] {
        std::array::from_fn(|i| scale * p.iter().zip(&rotation[i]).map(|(v, r)| v * r).sum::<f64>())
    };
    Ok(found.iter().zip(&truth).map(|(p, t)| distance(&turned(p), t)).sum::<f64>() / found.len() as f64)
}

fn centred<const D: usize>(points: &[[f64; D]]) -> Vec<[f64; D]> {
    let mut mean = [0.0; D];
    for p in points {
        mean.iter_mut().zip(p).for_each(|(m, v)| *m += v / points.len() as f64);
    }
    points.iter().map(|p| std::array::from_fn(|k| p[k] - mean[k])).collect()
}

/// Best rotation in a plane and what it makes of the covariance.
fn in_plane(s: &[[f64; 3]; 3]) -> ([[f64; 3]; 3], f64) {
    let (cos, sin) = (s[0][0] + s[1][1], s[0][1] - s[1][0]);
    let strength = cos.hypot(sin);
    let (cos, sin) = if strength > 0.0 { (cos / strength, sin / strength) } else { (1.0, 0.0) };
    ([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]], strength)
}

/// Best rotation in space: Horn's quaternion.
fn in_space(s: &[[f64; 3]; 3]) -> ([[f64; 3]; 3], f64) {
    let [[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]] = *s;
    let n = [
        [xx + yy + zz, yz - zy, zx - xz, xy - yx],
        [yz - zy, xx - yy - zz, xy + yx, zx + xz],
        [zx - xz, xy + yx, yy - xx - zz, yz + zy],
        [xy - yx, zx + xz, yz + zy, zz - xx - yy],
    ];
    let (strength, [w, x, y, z]) = largest(n);
    let rotation = [
        [w * w + x * x - y * y - z * z, 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
        [2.0 * (x * y + w * z), w * w - x * x + y * y - z * z, 2.0 * (y * z - w * x)],
        [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), w * w - x * x - y * y + z * z],
    ];
    (rotation, strength)
}

/// The largest eigenvalue of a symmetric matrix and its vector, by Jacobi's rotations.
fn largest(mut m: [[f64; 4]; 4]) -> (f64, [f64; 4]) {
    let mut v: [[f64; 4]; 4] = std::array::from_fn(|i| std::array::from_fn(|j| if i == j { 1.0 } else { 0.0 }));
    for _ in 0..50 {
        let off: f64 = (0..4).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| m[i][j] * m[i][j]).sum();
        let all: f64 = m.as_flattened().iter().map(|v| v * v).sum();
        if off <= 1e-34 * all {
            break;
        }
        for p in 0..4 {
            for q in p + 1..4 {
                if m[p][q] == 0.0 {
                    continue;
                }
                let theta = (m[q][q] - m[p][p]) / (2.0 * m[p][q]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for row in &mut m {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
                let (above, below) = (m[p], m[q]);
                m[p] = std::array::from_fn(|k| c * above[k] - s * below[k]);
                m[q] = std::array::from_fn(|k| s * above[k] + c * below[k]);
                for row in &mut v {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
            }
        }
    }
    let best = (0..4).fold(0, |best, i| if m[i][i] > m[best][best] { i } else { best });
    (m[best][best], std::array::from_fn(|i| v[i][best]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eir_core::random::Generator;

    fn rotation(a: f64, b: f64) -> [[f64; 3]; 3] {
        let (sa, ca, sb, cb) = (a.sin(), a.cos(), b.sin(), b.cos());
        [[ca, -sa * cb, sa * sb], [sa, ca * cb, -ca * sb], [0.0, sb, cb]]
    }

    #[test]
    fn a_similarity_changes_nothing() {
        let mut stream = Generator::new(1, "test").stream(0);
        for case in 0..200 {
            let mut cloud = || -> Vec<[f64; 3]> { (0..17).map(|_| std::array::from_fn(|_| stream.normal())).collect() };
            let (truth, found) = (cloud(), cloud());
            let first = pa_mpjpe(&found, &truth).unwrap();
            let r = rotation(f64::from(case) * 0.1, f64::from(case) * 0.37);
            let scale = 0.01 + f64::from(case);
            let moved: Vec<[f64; 3]> = found
                .iter()
                .map(|p| std::array::from_fn(|i| 40.0 - scale * r[i].iter().zip(p).map(|(a, b)| a * b).sum::<f64>()))
                .collect();
            // the minus is a reflection in three dimensions: turn it back
            let back: Vec<[f64; 3]> = moved.iter().map(|p| p.map(|v| -v)).collect();
            assert!((pa_mpjpe(&back, &truth).unwrap() - first).abs() < 1e-9, "{case}");
            let exact: Vec<[f64; 3]> = truth
                .iter()
                .map(|p| std::array::from_fn(|i| 7.0 + scale * r[i].iter().zip(p).map(|(a, b)| a * b).sum::<f64>()))
                .collect();
            assert!(pa_mpjpe(&exact, &truth).unwrap() < 1e-9);
        }
    }

    #[test]
    fn in_the_plane_too_and_without_reflection() {
        let truth = [[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]];
        let turned = truth.map(|[x, y]| [4.0 - 0.5 * y, 0.5 * x]);
        assert!(pa_mpjpe(&turned, &truth).unwrap() < 1e-12);
        let mirrored = truth.map(|[x, y]| [-x, y]);
        assert!(pa_mpjpe(&mirrored, &truth).unwrap() > 0.1);
        assert!(n_mpjpe(&truth.map(|[x, y]| [3.0 * x, 3.0 * y]), &truth).unwrap() < 1e-12);
    }

    #[test]
    fn says_what_is_wrong() {
        let a = [[0.0, 0.0], [1.0, 1.0]];
        assert!(pa_mpjpe(&[[1.0, 1.0]; 2], &a).is_err() && pa_mpjpe::<2>(&a[..1], &a[..1]).is_err());
        assert!(mpjpe(&a, &a, 2).is_err() && mpjpe(&a, &a[..1], 0).is_err() && mpjpe::<2>(&[], &[], 0).is_err());
        assert!(pck(&a, &a, 0.0, 1.0).is_err() && pck(&a, &[[f64::NAN; 2]; 2], 0.2, 1.0).is_err());
        assert!(n_mpjpe(&[[1.0, 1.0]; 2], &a).is_err());
    }
}
