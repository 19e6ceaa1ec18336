//! Landmarks sharpened by the network's heat maps.

use crate::Result;
use crate::detection::sigmoid;
use eir_core::error::{Mismatch, NotFinite, Parameter};
use serde::{Deserialize, Serialize};

/// Settings of [`refine`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RefineConfig {
    /// Side of the window in cells: odd, 3 to 31. Default 9, as MediaPipe 0.10.21 (newer graph files say 7).
    pub window: usize,
    /// The window's largest probability must reach this, 0 to 1; below, the point stays. Default 0.5.
    pub min_confidence: f64,
}

impl Default for RefineConfig {
    fn default() -> Self {
        Self { window: 9, min_confidence: 0.5 }
    }
}

impl RefineConfig {
    /// Sets [`window`](Self::window).
    #[must_use]
    pub fn with_window(self, window: usize) -> Self {
        Self { window, ..self }
    }

    /// Sets [`min_confidence`](Self::min_confidence).
    #[must_use]
    pub fn with_min_confidence(self, min_confidence: f64) -> Self {
        Self { min_confidence, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if self.window.is_multiple_of(2) || !(3..=31).contains(&self.window) {
            return Err(Parameter::new("window", self.window as f64, "odd, 3 to 31").into());
        }
        if !(0.0..=1.0).contains(&self.min_confidence) {
            return Err(Parameter::new("min_confidence", self.min_confidence, "0 to 1").into());
        }
        Ok(())
    }
}

/// Moves each point to the centre of mass of its heat map about it.
///
/// `points` are fractions 0 to 1 of the network's input, `heat` the maps one after the other (logits, `side` × `side`
/// cells each). A point outside its map, or whose window is nowhere confident, stays.
///
/// # Formula
/// Cell `c = ⌊side · point⌋`; over the window about it, cut at the border, `p = 1 / (1 + exp(−heat))`;
/// `x = Σ p · column / (side · Σ p)`, `y` with the row.
///
/// # Examples
/// ```
/// use eir_vision::refine::{RefineConfig, refine};
/// let mut heat = vec![-50.0; 16 * 16];
/// heat[4 * 16 + 8] = 50.0;                          // row 4, column 8
/// let mut points = [[0.4, 0.3]];
/// refine(&mut points, &heat, 16, &RefineConfig::default())?;
/// assert_eq!(points, [[0.5, 0.25]]);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) if `heat` does not hold one map per point,
/// [`Error::NotFinite`](crate::Error::NotFinite), [`Error::Parameter`](crate::Error::Parameter).
///
/// # Validation
/// Within 0.02 input pixels of the chain that equals MediaPipe 0.10.21 (`cargo xtask golden vision`).
///
/// # References
/// Bazarevsky et al. 2020, doi:10.48550/arXiv.2006.10204.
pub fn refine(points: &mut [[f64; 2]], heat: &[f32], side: usize, config: &RefineConfig) -> Result<()> {
    config.validate()?;
    let area = side.saturating_mul(side);
    Mismatch::check("values of the heat maps", area.saturating_mul(points.len()), heat.len())?;
    NotFinite::check_f32("heat-map value", heat)?;
    let half = config.window / 2;
    for (point, map) in points.iter_mut().zip(heat.chunks_exact(area.max(1))) {
        let [cx, cy] = point.map(|v| (v * side as f64).trunc());
        let inside = |c: f64| c >= 0.0 && c < side as f64;
        if !(inside(cx) && inside(cy)) {
            continue;
        }
        let (cx, cy) = (cx as usize, cy as usize);
        let columns = cx.saturating_sub(half)..(cx + half + 1).min(side);
        let rows = cy.saturating_sub(half)..(cy + half + 1).min(side);
        let (mut total, mut sum_x, mut sum_y, mut largest) = (0.0, 0.0, 0.0, 0.0f64);
        for row in rows {
            let line = map.get(row * side..(row + 1) * side).unwrap_or_default();
            for (column, heat) in line.iter().enumerate().take(columns.end).skip(columns.start) {
                let p = sigmoid(f64::from(*heat));
                total += p;
                sum_x += p * column as f64;
                sum_y += p * row as f64;
                largest = largest.max(p);
            }
        }
        if largest >= config.min_confidence && total > 0.0 {
            *point = [sum_x / total / side as f64, sum_y / total / side as f64];
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsure_and_outside_points_stay() {
        let heat = vec![-3.0; 2 * 64];
        let mut points = [[0.5, 0.5], [1.2, 0.5]];
        refine(&mut points, &heat, 8, &RefineConfig::default()).unwrap();
        assert_eq!(points, [[0.5, 0.5], [1.2, 0.5]]);
    }

    #[test]
    fn shapes_are_checked() {
        assert!(refine(&mut [[0.5, 0.5]], &[0.0; 63], 8, &RefineConfig::default()).is_err());
        assert!(refine(&mut [[0.5, 0.5]], &[f32::NAN; 64], 8, &RefineConfig::default()).is_err());
        assert!(refine(&mut [], &[], 8, &RefineConfig::default().with_window(4)).is_err());
        assert!(refine(&mut [], &[], 0, &RefineConfig::default()).is_ok());
    }
}
