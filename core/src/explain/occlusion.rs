use crate::error::{Mismatch, NotFinite, Parameter};
use crate::{Error, Model, Rows};
use serde::{Deserialize, Serialize};

/// Occlusion: how much the prediction falls when a window of the input is covered.
///
/// **Use it** on signals and pictures, with any model; it is slow (one prediction per window) and hard to fool. Windows
/// that are too small for what the model sees show nothing: try several sizes.
///
/// # Formula
/// Δ(w) = f(x) − f(x with window w at the baseline); each place gets the mean of Δ over the windows that cover it, NaN if
/// none does.
///
/// # Examples
/// ```
/// use eir_core::explain::Occlusion;
/// let peak = |x: &[f64]| x.iter().fold(0.0f64, |m, v| m.max(*v));
/// let map = Occlusion::new(&[6], &[2], &[1]).explain(&peak, &[0.0, 0.0, 5.0, 1.0, 0.0, 0.0])?;
/// assert_eq!(map.map, [0.0, 2.0, 4.5, 2.5, 0.0, 0.0]);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// captum 0.9.0 within 1e-9, with [`with_cut_windows`](Self::with_cut_windows) (`reference/core/captum.json`).
///
/// # References
/// Zeiler, Fergus 2014, doi:10.1007/978-3-319-10590-1_53.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Occlusion {
    /// Extent of the input in each dimension, the last one contiguous: `[samples]`, `[channels, samples]`, `[rows, columns]`.
    pub shape: Vec<usize>,
    /// Extent of the window in each dimension.
    pub window: Vec<usize>,
    /// Step from one window to the next in each dimension.
    pub stride: Vec<usize>,
    /// What a covered value becomes (0).
    pub baseline: f64,
    /// Whether a last window that is cut short by the border is used too, so that every place is covered (no).
    pub cut_windows: bool,
}

/// What occlusion found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OcclusionMap {
    /// The fall of the prediction for each window, in the order of their places.
    pub windows: Vec<f64>,
    /// Mean fall over the windows that cover each value of the input; NaN where none does.
    pub map: Vec<f64>,
    /// The prediction of the whole input.
    pub value: f64,
}

impl Occlusion {
    /// Windows of extent `window` that step by `stride` over an input of `shape`.
    #[must_use]
    pub fn new(shape: &[usize], window: &[usize], stride: &[usize]) -> Self {
        let [shape, window, stride] = [shape, window, stride].map(<[usize]>::to_vec);
        Self { shape, window, stride, baseline: 0.0, cut_windows: false }
    }

    /// What a covered value becomes.
    #[must_use]
    pub fn with_baseline(self, baseline: f64) -> Self {
        Self { baseline, ..self }
    }

    /// Uses windows that the border cuts short too.
    #[must_use]
    pub fn with_cut_windows(self) -> Self {
        Self { cut_windows: true, ..self }
    }

    /// Covers each window of `x` in turn.
    ///
    /// # Errors
    /// Extents that do not fit to one another or to `x`, values that are not finite, and what the model says.
    pub fn explain(&self, model: &impl Model, x: &[f64]) -> Result<OcclusionMap, Error> {
        self.validate()?;
        Mismatch::check("values of the input", self.shape.iter().product(), x.len())?;
        let value = model.predict(Rows::new(x, x.len().max(1))?)?.first().copied().unwrap_or(f64::NAN);
        let mut covered = x.to_vec();
        let (mut sums, mut counts, mut windows) = (vec![0.0; x.len()], vec![0u32; x.len()], Vec::new());
        let mut fall = [0.0];
        for places in self.places() {
            places.iter().for_each(|p| covered[*p] = self.baseline);
            model.predict_into(Rows::known(&covered, x.len()), &mut fall)?;
            let fall = value - fall[0];
            for place in places {
                covered[place] = x[place];
                sums[place] += fall;
                counts[place] += 1;
            }
            windows.push(fall);
        }
        let map = sums.iter().zip(counts).map(|(s, n)| s / f64::from(n)).collect(); // 0/0 where none covers
        Ok(OcclusionMap { windows, map, value })
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// Dimensions that differ in number, and an extent of 0 or a window beyond the input.
    pub fn validate(&self) -> Result<(), Error> {
        Mismatch::check("dimensions of the window", self.shape.len(), self.window.len())?;
        Mismatch::check("dimensions of the stride", self.shape.len(), self.stride.len())?;
        for ((extent, window), stride) in self.shape.iter().zip(&self.window).zip(&self.stride) {
            if !(1..=*extent).contains(window) {
                return Err(Parameter::new("window", *window as f64, "1 up to the extent of the input").into());
            }
            if *stride == 0 {
                return Err(Parameter::new("stride", 0.0, "1 or more").into());
            }
        }
        Ok(NotFinite::check_f64("baseline", &[self.baseline])?)
    }

    /// For each window the positions that it covers.
    fn places(&self) -> Vec<Vec<usize>> {
        let mut all = vec![vec![0]];
        for ((extent, window), stride) in self.shape.iter().zip(&self.window).zip(&self.stride) {
            let room = extent - window;
            let steps = if self.cut_windows { room.div_ceil(*stride) } else { room / stride };
            let grow = |outer: &Vec<usize>, start: usize| -> Vec<usize> {
                let inner = start..(start + window).min(*extent);
                outer.iter().flat_map(|o| inner.clone().map(move |i| o * extent + i)).collect()
            };
            all = all.iter().flat_map(|o| (0..=steps).map(|s| grow(o, s * stride)).collect::<Vec<_>>()).collect();
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_a_picture() {
        let whole = Occlusion::new(&[3, 4], &[2, 3], &[1, 2]);
        assert_eq!(whole.places(), [vec![0, 1, 2, 4, 5, 6], vec![4, 5, 6, 8, 9, 10]]);
        let cut = whole.with_cut_windows().places();
        assert_eq!(cut[1], [2, 3, 6, 7]);
        let sum = |x: &[f64]| x.iter().sum::<f64>();
        let ones = Occlusion::new(&[3, 4], &[1, 1], &[1, 1]).explain(&sum, &[1.0; 12]).unwrap();
        assert_eq!(ones.map, [1.0; 12]);
        assert!(Occlusion::new(&[3], &[4], &[1]).validate().is_err());
        assert!(Occlusion::new(&[3], &[1, 1], &[1]).validate().is_err());
    }
}
