//! Polygons to masks, to the pixel as cocoapi draws them.

use crate::Result;
use crate::rle::{Rle, Runs};
use eir_core::Limits;
use eir_core::error::{Malformed, NotFinite, TooShort};

/// Pixels are drawn on a grid this many times finer.
const SCALE: f64 = 5.0;

/// The mask of one polygon on a picture of `height` × `width` pixels, as cocoapi draws it.
///
/// **Use it** to compare polygons with masks or to train on them exactly as COCO evaluates. **Not** where sub-pixel
/// areas matter: the area of the polygon itself is more exact than its pixels.
///
/// # Formula
/// Corners are put on a grid five times finer; each edge is rounded to the grid along its longer axis; where it crosses
/// the middle of a pixel column, the row of the crossing (rounded up) is a change of the column's run. Corners are joined
/// in the given order, the last to the first; overlapping parts follow the even-odd rule.
///
/// # Examples
/// ```
/// use eir_annotate::polygon_mask;
/// let square = polygon_mask(&[[2.0, 2.0], [8.0, 2.0], [8.0, 8.0], [2.0, 8.0]], 12, 12)?;
/// assert_eq!((square.area(), square.bounding_box()), (36, [2.0, 2.0, 6.0, 6.0]));
/// # Ok::<(), eir_annotate::Error>(())
/// ```
///
/// # Errors
/// [`Error::TooShort`](crate::Error) for no corner, [`Error::NotFinite`](crate::Error), [`Error::Malformed`](crate::Error)
/// for corners beyond a hundred million pixels, [`Error::Limit`](crate::Error) for an outline that is too long.
///
/// # Validation
/// Equal to pycocotools 2.0.11 `frPyObjects` in every run, on squares, self-crossing polygons, polygons that leave the
/// picture and 12 random stars.
///
/// # References
/// Lin et al. 2014, doi:10.1007/978-3-319-10602-1_48; the drawing rule is defined by cocoapi's `maskApi.c`.
pub fn polygon_mask(corners: &[[f64; 2]], height: u32, width: u32) -> Result<Rle> {
    polygon_mask_within(corners, height, width, &Limits::default())
}

/// As [`polygon_mask`], with other limits for the length of the outline.
///
/// # Errors
/// As `polygon_mask`.
pub fn polygon_mask_within(corners: &[[f64; 2]], height: u32, width: u32, limits: &Limits) -> Result<Rle> {
    NotFinite::check_f64("corner coordinate", corners.as_flattened())?;
    if corners.is_empty() {
        return Err(TooShort::new("corners", 0, 1).into());
    }
    let pixels = u64::from(height) * u64::from(width);
    if pixels >= u64::from(u32::MAX) {
        return Err(Malformed::new("polygon", "the picture has 2^32 pixels or more").into());
    }
    if corners.as_flattened().iter().any(|v| v.abs() > 1e8) {
        return Err(Malformed::new("polygon", "a corner lies more than 1e8 pixels away").into());
    }
    let fine: Vec<[i64; 2]> = corners.iter().map(|c| c.map(|v| (SCALE * v + 0.5) as i64)).collect();
    let edges = || fine.iter().zip(fine.iter().cycle().skip(1));
    // an edge crosses the middle of a column once at most
    let crossings: u64 = edges().map(|(a, b)| (a[0].abs_diff(b[0]) / 5 + 1).min(width.into())).sum();
    limits.check("outline of a polygon (bytes)", crossings.saturating_mul(4))?;

    let mut changes: Vec<u32> = Vec::with_capacity(crossings as usize);
    for (from, to) in edges() {
        cross(*from, *to, width, |x, row| {
            let y = ((row as f64 + 0.5) / SCALE - 0.5).clamp(0.0, f64::from(height)).ceil();
            changes.push(x * height + y as u32);
        });
    }
    changes.sort_unstable();
    Rle::new(height, width, runs(&changes, pixels as u32))
}

/// The mask of several polygons together: the union of theirs.
///
/// # Errors
/// As [`polygon_mask`].
pub fn polygons_mask(polygons: &[Vec<[f64; 2]>], height: u32, width: u32) -> Result<Rle> {
    let mut all = Rle::new(height, width, vec![height.saturating_mul(width)])?;
    for (i, corners) in polygons.iter().enumerate() {
        let one = polygon_mask(corners, height, width)?;
        all = if i == 0 { one } else { all.union(&one)? };
    }
    Ok(all)
}

/// The mask of a box: left, top, width, height.
///
/// # Errors
/// As [`polygon_mask`].
pub fn box_mask(area: [f64; 4], height: u32, width: u32) -> Result<Rle> {
    let [left, top, w, h] = area;
    polygon_mask(&[[left, top], [left, top + h], [left + w, top + h], [left + w, top]], height, width)
}

/// Calls `change` for each pixel column whose middle the edge crosses, with the fine row of the crossing: the smaller one
/// of the two grid points before and behind it.
fn cross(from: [i64; 2], to: [i64; 2], width: u32, mut change: impl FnMut(u32, i64)) {
    let (dx, dy) = (from[0].abs_diff(to[0]) as i64, from[1].abs_diff(to[1]) as i64);
    let along_x = dx >= dy;
    // the coordinate along which the edge is walked ascends
    let flip = if along_x { from[0] > to[0] } else { from[1] > to[1] };
    let (start, end) = if flip { (to, from) } else { (from, to) };
    let (rise, run) = if along_x { (end[1] - start[1], dx) } else { (end[0] - start[0], dy) };
    let slope = if run == 0 { 0.0 } else { rise as f64 / run as f64 };
    let other = |base: i64, t: i64| (base as f64 + slope * t as f64 + 0.5) as i64;
    let (low, high) = (start[0].min(end[0]), start[0].max(end[0]));
    // the middle of column x lies between the fine columns 5x + 2 and 5x + 3
    let first = (low.max(0) + 2) / 5;
    let last = ((high - 3).div_euclid(5)).min(i64::from(width) - 1);
    for x in first..=last {
        let before = 5 * x + 2;
        let row = if along_x {
            let t = before - start[0];
            other(start[1], t).min(other(start[1], t + 1))
        } else {
            let beyond = |t: i64| if slope > 0.0 { other(start[0], t) > before } else { other(start[0], t) <= before };
            let mut t = (((before as f64 + 0.5 - start[0] as f64) / slope) as i64).clamp(1, dy);
            while t > 1 && beyond(t - 1) {
                t -= 1;
            }
            while t < dy && !beyond(t) {
                t += 1;
            }
            start[1] + t - 1
        };
        change(x as u32, row);
    }
}

/// Run lengths from the sorted places where they change; two changes at one place cancel.
fn runs(changes: &[u32], pixels: u32) -> Vec<u32> {
    let mut runs = Runs::default();
    let (mut at, mut inside) = (0, false);
    for change in changes.iter().chain([&pixels]) {
        let change = (*change).min(pixels);
        if change > at {
            runs.push(inside, change - at);
            at = change;
        }
        inside = !inside;
    }
    runs.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Strings of pycocotools 2.0.11.
    #[test]
    fn equals_cocoapi() {
        let bowtie = polygon_mask(&[[2.0, 2.0], [12.0, 12.0], [12.0, 2.0], [2.0, 12.0]], 16, 16).unwrap();
        assert_eq!(bowtie.to_compressed(), "R198N2N2N2N10O2N2N2N2m1");
        let outside = polygon_mask(&[[-3.0, -2.0], [20.0, 3.0], [9.0, 25.0]], 15, 16).unwrap();
        assert_eq!(outside.to_compressed(), "0692N2N2N`1NbN000000001O0O1N0");
    }

    #[test]
    fn refuses_what_cannot_be_drawn() {
        assert!(polygon_mask(&[], 5, 5).is_err());
        assert!(polygon_mask(&[[f64::NAN, 1.0]], 5, 5).is_err());
        assert!(polygon_mask(&[[1e300, 1.0], [0.0, 0.0]], 5, 5).is_err());
        let far = [[0.0, 0.0], [9e7, 9e7], [0.0, 9e7]];
        assert!(polygon_mask_within(&far, 5, 5, &Limits::default().with_bytes(40)).is_err());
        assert!(polygon_mask(&far, 5, 5).is_ok());
        assert!(polygon_mask(&[[1.0, 1.0]], u32::MAX, u32::MAX).is_err());
        assert_eq!(polygon_mask(&[[1.0, 1.0]], 5, 5).unwrap().area(), 0);
        assert_eq!(polygon_mask(&[[1.0, 1.0], [3.0, 3.0]], 0, 0).unwrap().area(), 0);
    }

    /// cocoapi's own way: every grid point of the outline, each with the one before.
    fn point_by_point(corners: &[[f64; 2]], height: u32, width: u32) -> Rle {
        let fine: Vec<[i64; 2]> = corners.iter().map(|c| c.map(|v| (SCALE * v + 0.5) as i64)).collect();
        let mut points: Vec<[i64; 2]> = Vec::new();
        for (from, to) in fine.iter().zip(fine.iter().cycle().skip(1)) {
            let (dx, dy) = (from[0].abs_diff(to[0]) as i64, from[1].abs_diff(to[1]) as i64);
            let along_x = dx >= dy;
            let flip = if along_x { from[0] > to[0] } else { from[1] > to[1] };
            let (start, end) = if flip { (to, from) } else { (from, to) };
            let (rise, run) = if along_x { (end[1] - start[1], dx) } else { (end[0] - start[0], dy) };
            let slope = if run == 0 { 0.0 } else { rise as f64 / run as f64 };
            for d in 0..=dx.max(dy) {
                let t = if flip { dx.max(dy) - d } else { d };
                let other = |base: i64| (base as f64 + slope * t as f64 + 0.5) as i64;
                points.push(if along_x { [start[0] + t, other(start[1])] } else { [other(start[0]), start[1] + t] });
            }
        }
        let mut changes = Vec::new();
        for pair in points.windows(2).filter(|p| p[0][0] != p[1][0]) {
            let crossed = pair[1][0].min(if pair[1][0] < pair[0][0] { pair[1][0] } else { pair[1][0] - 1 });
            let x = (crossed as f64 + 0.5) / SCALE - 0.5;
            if x.floor() == x && x >= 0.0 && x <= f64::from(width) - 1.0 {
                let row = pair[0][1].min(pair[1][1]) as f64;
                let y = ((row + 0.5) / SCALE - 0.5).clamp(0.0, f64::from(height)).ceil();
                changes.push(x as u32 * height + y as u32);
            }
        }
        changes.sort_unstable();
        Rle::new(height, width, runs(&changes, height * width)).unwrap()
    }

    #[test]
    fn equals_point_by_point_on_random_polygons() {
        let mut stream = eir_core::random::Generator::new(4, "polygons").stream(0);
        for _ in 0..2000 {
            let (h, w) = (1 + stream.below(60) as u32, 1 + stream.below(60) as u32);
            let corners: Vec<[f64; 2]> = (0..1 + stream.below(9))
                .map(|_| [stream.range(-30.0, 90.0), stream.range(-30.0, 90.0)].map(|v| (v * 10.0).round() / 10.0))
                .collect();
            let got = polygon_mask(&corners, h, w).unwrap();
            assert_eq!(got.counts(), point_by_point(&corners, h, w).counts(), "{corners:?} {h} {w}");
        }
    }

    #[test]
    fn parts_and_boxes() {
        let parts = [
            vec![[1.0, 1.0], [5.0, 1.0], [5.0, 5.0], [1.0, 5.0]],
            vec![[3.0, 3.0], [8.0, 3.0], [8.0, 8.0], [3.0, 8.0]],
        ];
        assert_eq!(polygons_mask(&parts, 10, 10).unwrap().area(), 16 + 25 - 4);
        assert_eq!(box_mask([2.0, 3.0, 4.0, 2.0], 10, 10).unwrap().area(), 8);
        assert_eq!(polygons_mask(&[], 10, 10).unwrap().area(), 0);
    }
}
