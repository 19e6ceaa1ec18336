//! The largest cell of each heat map.

use crate::Result;
use eir_core::error::{Mismatch, NotFinite};

/// Heat maps of one picture, one after the other, row by row.
#[derive(Debug, Clone, Copy)]
pub struct HeatMaps<'a> {
    values: &'a [f32],
    width: usize,
    height: usize,
}

impl<'a> HeatMaps<'a> {
    /// Maps of `width` × `height` cells.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) if the values are not a number of whole maps,
    /// [`Error::NotFinite`](crate::Error::NotFinite).
    pub fn new(values: &'a [f32], width: usize, height: usize) -> Result<Self> {
        let area = width.saturating_mul(height);
        if area == 0 || !values.len().is_multiple_of(area) {
            let expected = format!("whole maps of {width} x {height} cells");
            return Err(Mismatch::new("values of the heat maps", expected, values.len()).into());
        }
        NotFinite::check_f32("heat-map value", values)?;
        Ok(Self { values, width, height })
    }

    /// Columns of a map.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows of a map.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The maps.
    #[must_use]
    pub fn maps(&self) -> impl ExactSizeIterator<Item = &'a [f32]> + use<'a> {
        self.values.chunks_exact(self.width * self.height)
    }
}

/// A joint in a heat map or on the axes of SimCC.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Peak {
    /// Column and row in cells; (−1, −1) where nothing is above 0.
    pub xy: [f64; 2],
    /// The value there.
    pub score: f64,
}

/// The largest cell of each map; (−1, −1) where it is not above 0.
///
/// **Use it** before [`quarter_shift`], [`dark`](super::dark) or [`dark_udp`](super::dark_udp), or alone where a cell is
/// exact enough. Of equal cells the first counts.
///
/// # Examples
/// ```
/// use eir_vision::decode::{HeatMaps, peaks, quarter_shift};
/// let maps = HeatMaps::new(&[0.0, 0.1, 0.0, 0.2, 0.9, 0.3, 0.0, 0.0, 0.0], 3, 3)?;
/// let found = peaks(&maps);
/// assert_eq!((found[0].xy, found[0].score as f32), ([1.0, 1.0], 0.9));
/// assert_eq!(quarter_shift(&maps, &found)[0].xy, [1.25, 0.75]);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Validation
/// Equals `get_heatmap_maximum` of mmpose (`cargo xtask golden vision`).
#[must_use]
pub fn peaks(maps: &HeatMaps<'_>) -> Vec<Peak> {
    let width = maps.width;
    maps.maps()
        .map(|map| {
            let first = map.first().copied().unwrap_or(0.0);
            let (at, best) = map.iter().enumerate().fold((0, first), |b, (i, v)| if *v > b.1 { (i, *v) } else { b });
            let xy = if best > 0.0 { [(at % width) as f64, (at / width) as f64] } else { [-1.0; 2] };
            Peak { xy, score: f64::from(best) }
        })
        .collect()
}

/// Each peak a quarter of a cell towards its larger neighbour, along x and along y.
///
/// **Use it** for heat maps made around whole cells (MSRA), where [`dark`](super::dark) is too much. Peaks on the border
/// of a map stay where they are along that axis.
///
/// # Validation
/// Within 1e-3 cells of `refine_keypoints` of mmpose (`cargo xtask golden vision`).
#[must_use]
pub fn quarter_shift(maps: &HeatMaps<'_>, peaks: &[Peak]) -> Vec<Peak> {
    let (w, h) = (maps.width, maps.height);
    let shifted = peaks.iter().zip(maps.maps()).map(|(peak, map)| {
        let mut shifted = *peak;
        let Some((x, y)) = cell(peak, w, h) else { return shifted };
        let sign = |a: f32, b: f32| {
            if a > b {
                0.25
            } else if a < b {
                -0.25
            } else {
                0.0
            }
        };
        if x >= 1 && x + 1 < w {
            shifted.xy[0] += sign(map[y * w + x + 1], map[y * w + x - 1]);
        }
        if y >= 1 && y + 1 < h {
            shifted.xy[1] += sign(map[(y + 1) * w + x], map[(y - 1) * w + x]);
        }
        shifted
    });
    shifted.collect()
}

/// The peak's column and row, if it lies in the map.
pub(super) fn cell(peak: &Peak, width: usize, height: usize) -> Option<(usize, usize)> {
    let [x, y] = peak.xy;
    let inside = x >= 0.0 && y >= 0.0 && x < width as f64 && y < height as f64;
    inside.then_some((x as usize, y as usize))
}

/// How cells of a heat map become pixels of the network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MapBack {
    /// Times input side over map side: plain heat maps.
    Ratio,
    /// Times (input side − 1) over (map side − 1): heat maps made without bias (UDP).
    Unbiased,
}

impl MapBack {
    /// Pixels of an input of `input` (width, height) for cells of a map of `map` (width, height).
    #[must_use]
    pub fn pixels(self, xy: [f64; 2], map: [usize; 2], input: [usize; 2]) -> [f64; 2] {
        let axis = |i: usize| {
            let (from, to) = (map[i] as f64, input[i] as f64);
            match self {
                Self::Ratio => xy[i] * to / from,
                Self::Unbiased => xy[i] * (to - 1.0) / (from - 1.0).max(1.0),
            }
        };
        [axis(0), axis(1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_flat_maps_have_no_peak() {
        let maps = HeatMaps::new(&[0.0; 12], 3, 2).unwrap();
        assert_eq!(peaks(&maps)[1].xy, [-1.0, -1.0]);
        assert_eq!(quarter_shift(&maps, &peaks(&maps))[0].xy, [-1.0, -1.0]);
        assert!(HeatMaps::new(&[0.0; 5], 3, 2).is_err());
        assert!(HeatMaps::new(&[f32::NAN; 6], 3, 2).is_err());
        assert!(HeatMaps::new(&[], 0, 2).is_err());
        assert!(peaks(&HeatMaps::new(&[], 3, 2).unwrap()).is_empty());
        assert_eq!(MapBack::Unbiased.pixels([1.0, 1.0], [1, 3], [9, 9]), [8.0, 4.0]);
    }
}
