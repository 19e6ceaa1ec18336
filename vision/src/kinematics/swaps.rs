//! Legs that a network took for one another, found and put right.

use crate::Result;
use eir_core::error::{Mismatch, Parameter};
use serde::{Deserialize, Serialize};

/// Puts swapped legs right with the default settings; see [`SwapRepair`].
///
/// # Errors
/// As [`SwapRepair::mend`].
pub fn mend_swaps<const J: usize, const D: usize>(
    right: [&mut [[f32; D]]; J],
    left: [&mut [[f32; D]]; J],
) -> Result<Vec<usize>> {
    SwapRepair::default().mend(right, left)
}

/// Finds pictures in which the right and the left leg are swapped, and swaps them back.
///
/// **Use it** before anything is smoothed, on the joints of both legs together. **Not** where both legs move alike and are
/// seen one behind the other: nobody can tell them apart there, and nothing is changed.
///
/// # Formula
/// Of all ways to swap or leave each picture, the one of least cost (Viterbi): the second differences of every joint over
/// three pictures, squared over their usual size (from the median over the recording) and limited to
/// [`limit`](Self::limit), plus [`rarity`](Self::rarity) for each change and [`doubt`](Self::doubt) for each swapped
/// picture. A joint that is missing in one of the
/// three is left out there.
///
/// # Examples
/// ```
/// use eir_vision::kinematics::mend_swaps;
/// let (mut right, mut left): (Vec<[f32; 2]>, Vec<[f32; 2]>) = (0..60)
///     .map(|i| { let a = i as f32 / 10.0; ([50.0 * a.sin(), 3.0 * a], [20.0 * a.cos(), -a]) })
///     .unzip();
/// std::mem::swap(&mut right[20], &mut left[20]);
/// assert_eq!(mend_swaps([&mut right[..]], [&mut left[..]])?, [20]);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Validation
/// On simulated squats of which one leg bends less, `tests/error_bars.rs`: over 95 % of the swapped pictures in which the
/// legs can be told apart are mended; on clean ones nothing is changed.
///
/// # References
/// Viterbi 1967, doi:10.1109/TIT.1967.1054010.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SwapRepair {
    /// What each change between swapped and not costs, above 0: the logarithm of how much rarer it is than none. Default 5
    /// (one in 150).
    pub rarity: f64,
    /// What each swapped picture costs beside that, above 0, because most pictures are right. Default 1.
    pub doubt: f64,
    /// What one joint can say at most in one picture, above 0. Default 25 (five times the usual).
    pub limit: f64,
}

impl Default for SwapRepair {
    fn default() -> Self {
        Self { rarity: 5.0, doubt: 1.0, limit: 25.0 }
    }
}

/// Places of all joints of both legs in one picture.
type Pose<const J: usize, const D: usize> = [[[f64; D]; J]; 2];

impl SwapRepair {
    /// Sets [`rarity`](Self::rarity).
    #[must_use]
    pub fn with_rarity(self, rarity: f64) -> Self {
        Self { rarity, ..self }
    }

    /// Sets [`doubt`](Self::doubt).
    #[must_use]
    pub fn with_doubt(self, doubt: f64) -> Self {
        Self { doubt, ..self }
    }

    /// Sets [`limit`](Self::limit).
    #[must_use]
    pub fn with_limit(self, limit: f64) -> Self {
        Self { limit, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [("rarity", self.rarity), ("doubt", self.doubt), ("limit", self.limit)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Parameter::new(name, value, "finite and above 0").into());
            }
        }
        Ok(())
    }

    /// Swaps back in place; gives the pictures in which it did, so that confidences can be swapped too.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) for lengths that differ, and as [`validate`](Self::validate).
    pub fn mend<const J: usize, const D: usize>(
        &self,
        mut right: [&mut [[f32; D]]; J],
        mut left: [&mut [[f32; D]]; J],
    ) -> Result<Vec<usize>> {
        self.validate()?;
        let n = right.first().map_or(0, |r| r.len());
        for track in right.iter().chain(&left) {
            Mismatch::check("positions of a joint", n, track.len())?;
        }
        if n < 3 {
            return Ok(Vec::new());
        }
        let (poses, present) = poses(&right, &left, n);
        let scale = scales(&poses, &present);
        let swapped = self.best(&poses, &present, &scale);
        for &i in &swapped {
            for (r, l) in right.iter_mut().zip(&mut left) {
                if let Some((r, l)) = r.get_mut(i).zip(l.get_mut(i)) {
                    std::mem::swap(r, l);
                }
            }
        }
        Ok(swapped)
    }

    /// The way of least cost. The state is (swapped before, swapped now): four of them.
    fn best<const J: usize, const D: usize>(
        &self,
        poses: &[Pose<J, D>],
        present: &[[[bool; J]; 2]],
        scale: &[f64; J],
    ) -> Vec<usize> {
        let cost_of = |state: usize| match state {
            0 => 0.0,
            3 => self.doubt,
            after => self.rarity + if after & 1 == 1 { self.doubt } else { 0.0 },
        };
        let mut cost: [f64; 4] = std::array::from_fn(|s| cost_of(s) + if s >= 2 { self.doubt } else { 0.0 });
        let mut from: Vec<[usize; 4]> = vec![[0; 4]; poses.len()];
        for (i, from) in from.iter_mut().enumerate().skip(2) {
            let mut next = [f64::INFINITY; 4];
            let (Some(window), Some(there)) = (poses.get(i - 2..=i), present.get(i - 2..=i)) else { continue };
            let mut steps = [0.0; 8];
            for (ways, step) in steps.iter_mut().enumerate() {
                *step = self.step(window, there, scale, [ways >> 2 & 1, ways >> 1 & 1, ways & 1]);
            }
            for (ways, step) in steps.into_iter().enumerate() {
                let (before, after) = (ways >> 1, ways & 3);
                let total = cost[before] + step + cost_of(after);
                if total < next[after] {
                    (next[after], from[after]) = (total, before);
                }
            }
            cost = next;
        }
        let mut state = (0..4).fold(0, |best, s| if cost[s] < cost[best] { s } else { best });
        let mut swapped = Vec::new();
        for i in (0..poses.len()).rev() {
            if state & 1 == 1 {
                swapped.push(i);
            }
            state = if i >= 2 { from.get(i).map_or(0, |f| f[state]) } else { state >> 1 };
        }
        swapped.reverse();
        swapped
    }

    /// What three pictures cost if they are swapped as `swap` says.
    fn step<const J: usize, const D: usize>(
        &self,
        poses: &[Pose<J, D>],
        present: &[[[bool; J]; 2]],
        scale: &[f64; J],
        swap: [usize; 3],
    ) -> f64 {
        let ([a, b, c], [pa, pb, pc]) = (poses, present) else { return 0.0 };
        let mut cost = 0.0;
        for side in 0..2 {
            let [sa, sb, sc] = swap.map(|s| side ^ s);
            for j in 0..J {
                if !(pa[sa][j] && pb[sb][j] && pc[sc][j]) {
                    continue;
                }
                let far: f64 = (0..D).map(|k| (a[sa][j][k] - 2.0 * b[sb][j][k] + c[sc][j][k]).powi(2)).sum();
                cost += (far / scale[j]).min(self.limit);
            }
        }
        cost / 2.0
    }
}

/// Where each joint is, or was last (or first) seen, and whether it is there.
fn poses<const J: usize, const D: usize>(
    right: &[&mut [[f32; D]]; J],
    left: &[&mut [[f32; D]]; J],
    n: usize,
) -> (Vec<Pose<J, D>>, Vec<[[bool; J]; 2]>) {
    let mut poses = vec![[[[0.0; D]; J]; 2]; n];
    let mut present = vec![[[false; J]; 2]; n];
    for (side, leg) in [right, left].into_iter().enumerate() {
        for (j, track) in leg.iter().enumerate() {
            let seen = |p: &[f32; D]| p.iter().all(|v| v.is_finite());
            let mut last = track.iter().find(|p| seen(p)).map_or([0.0; D], |p| p.map(f64::from));
            for ((pose, there), p) in poses.iter_mut().zip(&mut present).zip(track.iter()) {
                if seen(p) {
                    last = p.map(f64::from);
                    there[side][j] = true;
                }
                pose[side][j] = last;
            }
        }
    }
    (poses, present)
}

/// The usual squared second difference of each joint, from its median over the recording.
fn scales<const J: usize, const D: usize>(poses: &[Pose<J, D>], present: &[[[bool; J]; 2]]) -> [f64; J] {
    std::array::from_fn(|j| {
        let mut squares = Vec::with_capacity(2 * poses.len());
        let mut reach = [[f64::INFINITY; D], [f64::NEG_INFINITY; D]];
        for (window, there) in poses.windows(3).zip(present.windows(3)) {
            for side in 0..2 {
                let [a, b, c] = [0, 1, 2].map(|k| window.get(k).map_or([0.0; D], |p| p[side][j]));
                for k in 0..D {
                    (reach[0][k], reach[1][k]) = (reach[0][k].min(b[k]), reach[1][k].max(b[k]));
                }
                if there.iter().all(|t| t[side][j]) {
                    squares.push((0..D).map(|k| (a[k] - 2.0 * b[k] + c[k]).powi(2)).sum::<f64>());
                }
            }
        }
        let extent: f64 = (0..D).map(|k| (reach[1][k] - reach[0][k]).max(0.0).powi(2)).sum();
        let middle = squares.len() / 2;
        let median = if squares.is_empty() { 0.0 } else { *squares.select_nth_unstable_by(middle, f64::total_cmp).1 };
        // a thousandth of the extent: an exact recording has no jitter
        (median / 0.7).max(1e-6 * extent).max(1e-12)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legs(n: usize) -> (Vec<[f32; 2]>, Vec<[f32; 2]>) {
        (0..n)
            .map(|i| {
                let a = i as f32 / 10.0;
                ([100.0 * a.sin(), 50.0 * a.cos()], [40.0 * a.sin(), 30.0 * a.cos()])
            })
            .unzip()
    }

    #[test]
    fn single_swaps_runs_of_swaps_and_none() {
        let (right, left) = legs(300);
        for swaps in [vec![], vec![0], vec![7, 8], (40..70).collect(), vec![5, 100, 102, 299]] {
            let (mut r, mut l) = (right.clone(), left.clone());
            for &i in &swaps {
                std::mem::swap(&mut r[i], &mut l[i]);
            }
            assert_eq!(mend_swaps([&mut r[..]], [&mut l[..]]).unwrap(), swaps);
            assert_eq!((&r, &l), (&right, &left));
        }
    }

    #[test]
    fn legs_that_cannot_be_told_apart_stay() {
        let (right, _) = legs(100);
        let (mut r, mut l) = (right.clone(), right.clone());
        assert!(mend_swaps([&mut r[..]], [&mut l[..]]).unwrap().is_empty());
    }

    #[test]
    fn odd_input() {
        let mut lost = vec![[f32::NAN; 2]; 9];
        let mut other = lost.clone();
        assert!(mend_swaps([&mut lost[..]], [&mut other[..]]).unwrap().is_empty());
        assert!(mend_swaps([&mut lost[..]], [&mut other[..3]]).is_err());
        assert!(mend_swaps::<1, 2>([&mut []], [&mut []]).unwrap().is_empty());
        assert!(mend_swaps::<0, 2>([], []).unwrap().is_empty());
        assert!(SwapRepair::default().with_limit(0.0).mend([&mut lost[..]], [&mut other[..]]).is_err());
    }
}
