//! Faces made unrecognisable before anything is stored.

use crate::{Image, Result};
use eir_core::error::{NotFinite, Parameter};
use serde::{Deserialize, Serialize};

/// How a face is hidden.
///
/// **Use it** on every frame before it is written, with the boxes of a detector that finds small faces too
/// ([`YunetFaceDetector`](crate::detect::YunetFaceDetector)), enlarged by [`MARGIN`](Self::MARGIN). **Not** as a proof of
/// anonymity: hair, clothes, gait and place remain, and a face that no detector found stays in the picture.
///
/// # Examples
/// ```
/// use eir_vision::{Image, face::Redaction};
/// let mut picture = Image::filled(60, 60, [200; 3])?;
/// Redaction::Cover { colour: [0; 3] }.hide(&mut picture, &[20.0, 20.0, 40.0, 40.0])?;
/// assert_eq!((picture.pixel(30, 30), picture.pixel(5, 5)), (Some([0; 3]), Some([200; 3])));
/// # Ok::<(), eir_vision::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Redaction {
    /// Means of so many blocks along the longer side (2 to 16), then blurred over a block: what is between the means is gone.
    Blur {
        /// Blocks along the longer side of the region.
        blocks: usize,
    },
    /// One colour.
    Cover {
        /// Red, green, blue.
        colour: [u8; 3],
    },
}

impl Default for Redaction {
    fn default() -> Self {
        Self::Blur { blocks: 6 }
    }
}

impl Redaction {
    /// How much larger than the face's box the hidden ellipse is.
    pub const MARGIN: f64 = 1.4;

    /// Hides the face in a box (left, top, right, bottom): an ellipse about it, [`MARGIN`](Self::MARGIN) times as large.
    /// What lies outside of the picture is passed over.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite), or [`Error::Parameter`](crate::Error::Parameter) for blocks out of
    /// range. A box without extent hides nothing.
    pub fn hide(&self, image: &mut Image, box_xyxy: &[f64; 4]) -> Result<()> {
        NotFinite::check_f64("side of a box", box_xyxy)?;
        if let Self::Blur { blocks } = self
            && !(2..=16).contains(blocks)
        {
            return Err(Parameter::new("blocks", *blocks as f64, "2 to 16").into());
        }
        let [left, top, right, bottom] = *box_xyxy;
        let (cx, cy) = ((left + right) / 2.0, (top + bottom) / 2.0);
        let (rx, ry) = ((right - left) / 2.0 * Self::MARGIN, (bottom - top) / 2.0 * Self::MARGIN);
        if !(rx > 0.0 && ry > 0.0) {
            return Ok(());
        }
        let edge = |v: f64, n: usize| (v.round().max(0.0) as usize).min(n);
        let (width, height) = (image.width(), image.height());
        let (x0, x1) = (edge(cx - rx, width), edge(cx + rx + 1.0, width));
        let (y0, y1) = (edge(cy - ry, height), edge(cy + ry + 1.0, height));
        if x0 >= x1 || y0 >= y1 {
            return Ok(());
        }
        let hidden = match self {
            Self::Cover { colour } => vec![*colour; (x1 - x0) * (y1 - y0)],
            Self::Blur { blocks } => blurred(image, [x0, y0, x1, y1], *blocks),
        };
        for (y, row) in (y0..y1).zip(hidden.chunks_exact(x1 - x0)) {
            let line = &mut image.rgb_mut()[(y * width + x0) * 3..(y * width + x1) * 3];
            for (x, (to, colour)) in (x0..x1).zip(line.as_chunks_mut::<3>().0.iter_mut().zip(row)) {
                let (dx, dy) = ((x as f64 - cx) / rx, (y as f64 - cy) / ry);
                if dx * dx + dy * dy <= 1.0 {
                    *to = *colour;
                }
            }
        }
        Ok(())
    }

    /// As [`hide`](Self::hide), and the given points drawn over it: movement stays, the face does not.
    ///
    /// # Errors
    /// As `hide`.
    pub fn replace_by_points(&self, image: &mut Image, box_xyxy: &[f64; 4], points_px: &[[f64; 2]]) -> Result<()> {
        NotFinite::check_f64("point", points_px.as_flattened())?;
        self.hide(image, box_xyxy)?;
        let (width, height) = (image.width(), image.height());
        for [x, y] in points_px {
            let (x, y) = (x.round(), y.round());
            if x >= 0.0 && y >= 0.0 && x < width as f64 && y < height as f64 {
                let at = (y as usize * width + x as usize) * 3;
                if let Some(pixel) = image.rgb_mut().get_mut(at..at + 3) {
                    pixel.copy_from_slice(&[255, 255, 255]);
                }
            }
        }
        Ok(())
    }
}

/// Means of blocks, bilinear between their centres.
fn blurred(image: &Image, [x0, y0, x1, y1]: [usize; 4], blocks: usize) -> Vec<[u8; 3]> {
    let (w, h) = (x1 - x0, y1 - y0);
    let side = w.max(h).div_ceil(blocks).max(1);
    let (columns, rows) = (w.div_ceil(side), h.div_ceil(side));
    let mut means = vec![[0.0f64; 3]; columns * rows];
    for (i, mean) in means.iter_mut().enumerate() {
        let (left, top) = (x0 + i % columns * side, y0 + i / columns * side);
        let mut count = 0.0;
        for y in top..(top + side).min(y1) {
            for x in left..(left + side).min(x1) {
                if let Some(pixel) = image.pixel(x, y) {
                    count += 1.0;
                    (0..3).for_each(|c| mean[c] += f64::from(pixel[c]));
                }
            }
        }
        mean.iter_mut().for_each(|v| *v /= f64::max(count, 1.0));
    }
    let about = |at: usize, n: usize| {
        let place = ((at as f64 + 0.5) / side as f64 - 0.5).clamp(0.0, (n - 1) as f64);
        (place as usize, (place as usize + 1).min(n - 1), place.fract())
    };
    (0..w * h)
        .map(|i| {
            let ((l, r, fx), (t, b, fy)) = (about(i % w, columns), about(i / w, rows));
            std::array::from_fn(|c| {
                let at = |row: usize, column: usize| means[row * columns + column][c];
                let (upper, lower) = (at(t, l) * (1.0 - fx) + at(t, r) * fx, at(b, l) * (1.0 - fx) + at(b, r) * fx);
                (upper * (1.0 - fy) + lower * fy + 0.5) as u8
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noisy() -> Image {
        let rgb = (0..80 * 60 * 3).map(|i| ((i * 7919) % 251) as u8).collect();
        Image::new(80, 60, rgb).unwrap()
    }

    #[test]
    fn details_go_and_the_rest_stays() {
        let (before, mut after) = (noisy(), noisy());
        Redaction::default().hide(&mut after, &[20.0, 20.0, 40.0, 40.0]).unwrap();
        let change = |x: usize| {
            let (a, b) = (after.pixel(x, 30).unwrap(), after.pixel(x + 1, 30).unwrap());
            a.iter().zip(b).map(|(a, b)| a.abs_diff(b)).max().unwrap()
        };
        assert!((22..37).all(|x| change(x) < 25), "neighbours inside are alike");
        assert_eq!(before.pixel(2, 2), after.pixel(2, 2));
        assert_eq!(before.pixel(60, 30), after.pixel(60, 30));
    }

    #[test]
    fn boxes_of_all_kinds() {
        let mut picture = noisy();
        for wild in [
            [-50.0, -50.0, 500.0, 500.0],
            [100.0, 100.0, 200.0, 200.0],
            [9.0, 9.0, 9.0, 9.0],
            [-1e300, 0.0, 1e300, 1.0],
        ] {
            Redaction::default().hide(&mut picture, &wild).unwrap();
        }
        assert!(Redaction::default().hide(&mut picture, &[f64::NAN; 4]).is_err());
        assert!(Redaction::Blur { blocks: 0 }.hide(&mut picture, &[0.0; 4]).is_err());
        let cover = Redaction::Cover { colour: [1, 2, 3] };
        cover.replace_by_points(&mut picture, &[10.0, 10.0, 30.0, 30.0], &[[20.2, 19.9], [-5.0, 1e9]]).unwrap();
        assert_eq!(picture.pixel(20, 20), Some([255; 3]));
        assert_eq!(picture.pixel(22, 20), Some([1, 2, 3]));
    }
}
