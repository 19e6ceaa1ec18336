//! Squares cut out of a picture and brought to a network's input size.

use crate::{Image, Result};
use eir_core::error::{Mismatch, NotFinite, Parameter};
use serde::{Deserialize, Serialize};

/// What lies outside the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Border {
    /// Black: what the MediaPipe detectors were given.
    Zero,
    /// The nearest pixel of the edge: what the MediaPipe landmark networks were given.
    Replicate,
}

/// How exactly a position between pixels is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Sampling {
    /// In `f64`.
    #[default]
    Exact,
    /// Rounded to 1/32 pixel, as OpenCV 3 and 4 do: with it the chain equals MediaPipe 0.10.21.
    Fixed32,
}

/// An affine map from pixels of the output to pixels of the picture: `x' = a x + b y + c`, `y' = d x + e y + f`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Affine {
    /// `[[a, b, c], [d, e, f]]`.
    pub rows: [[f64; 3]; 2],
}

impl Affine {
    /// Where (`x`, `y`) goes.
    #[must_use]
    pub fn at(&self, x: f64, y: f64) -> [f64; 2] {
        self.rows.map(|[a, b, c]| a * x + b * y + c)
    }

    /// The same map for positions of an output that is given as fractions 0 to 1 of its `size`.
    #[must_use]
    pub fn at_fraction(&self, x: f64, y: f64, size: usize) -> [f64; 2] {
        self.at(x * size as f64, y * size as f64)
    }
}

/// A turned square of a picture.
///
/// Its corners go to (0, 0) and (size, size) of the output's pixel *index* grid, without a half-pixel shift: output
/// pixel (x, y) of size N lies at `centre + R(rotation) · (side / N) · ((x, y) − N / 2)`,
/// `R(r) = [[cos r, −sin r], [sin r, cos r]]`. That is the convention with which the MediaPipe networks are run; half a
/// pixel more moves the points of a half-body picture by 12 pixels.
///
/// # Examples
/// ```
/// use eir_vision::crop::SquareRoi;
/// let map = SquareRoi::new([50.0, 40.0], 100.0, 0.0)?.affine(200);
/// assert_eq!(map.at(0.0, 0.0), [0.0, -10.0]);
/// assert_eq!(map.at(200.0, 200.0), [100.0, 90.0]);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Validation
/// Matrices equal those written out beside the reference values within 1e-6 (`cargo xtask golden vision`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SquareRoi {
    /// Its centre in pixels of the picture.
    pub centre: [f64; 2],
    /// Its side in pixels of the picture.
    pub side: f64,
    /// How far it is turned, clockwise on the screen, in radians.
    pub rotation_rad: f64,
}

impl SquareRoi {
    /// A square about `centre`.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite), or [`Error::Parameter`](crate::Error::Parameter) if the side is
    /// not above 0 or above 1e7 pixels.
    pub fn new(centre: [f64; 2], side: f64, rotation_rad: f64) -> Result<Self> {
        NotFinite::check_f64("number of a square", &[centre[0], centre[1], rotation_rad])?;
        if !(side > 0.0 && side <= 1e7) {
            return Err(Parameter::new("side", side, "above 0 and at most 1e7 pixels").into());
        }
        Ok(Self { centre, side, rotation_rad })
    }

    /// The smallest upright square about the whole picture: what a detector is given.
    #[must_use]
    pub fn whole(image: &Image) -> Self {
        let (w, h) = (image.width() as f64, image.height() as f64);
        Self { centre: [w / 2.0, h / 2.0], side: w.max(h), rotation_rad: 0.0 }
    }

    /// The map from an output of `size` × `size` pixels to the picture.
    #[must_use]
    pub fn affine(&self, size: usize) -> Affine {
        let (n, (sin, cos)) = (size as f64, self.rotation_rad.sin_cos());
        let k = self.side / n;
        let (a, b) = (k * cos, -k * sin);
        let half = n / 2.0;
        let [x, y] = self.centre;
        Affine { rows: [[a, b, x - (a * half + b * half)], [-b, a, y - (-b * half + a * half)]] }
    }
}

/// The picture seen through `map`: `width` × `height` pixels, bilinear, rounded half up.
///
/// **Not** for making a picture much smaller: there is no low-pass, as the networks' own pipelines have none.
///
/// # Errors
/// As [`warp_into`] and [`Image::new`].
pub fn warp(
    image: &Image,
    map: &Affine,
    [width, height]: [usize; 2],
    border: Border,
    sampling: Sampling,
) -> Result<Image> {
    let mut out = Image::filled(width, height, [0; 3])?;
    warp_into(image, map, border, sampling, &mut out)?;
    Ok(out)
}

/// As [`warp`], into a picture of the caller's: allocates nothing.
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite) if the map is not finite.
pub fn warp_into(image: &Image, map: &Affine, border: Border, sampling: Sampling, out: &mut Image) -> Result<()> {
    let numbers = map.rows.as_flattened();
    NotFinite::check_f64("number of a map", numbers)?;
    let width = out.width();
    for (y, row) in out.rgb_mut().chunks_exact_mut(width * 3).enumerate() {
        for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let [mut sx, mut sy] = map.at(x as f64, y as f64);
            if sampling == Sampling::Fixed32 {
                sx = (sx * 32.0).round_ties_even() / 32.0;
                sy = (sy * 32.0).round_ties_even() / 32.0;
            }
            *pixel = sample(image, sx, sy, border);
        }
    }
    Ok(())
}

/// The picture's colour at (`x`, `y`).
fn sample(image: &Image, x: f64, y: f64, border: Border) -> [u8; 3] {
    let (x0, y0) = (floor(x), floor(y));
    let (fx, fy) = (x - x0 as f64, y - y0 as f64);
    let (w, h) = (image.width() as i64, image.height() as i64);
    let rgb = image.rgb();
    let inside = x0 >= 0 && y0 >= 0 && x0 < w - 1 && y0 < h - 1;
    let at = if inside { ((y0 * w + x0) * 3) as usize } else { 0 };
    let below = at + 3 * image.width();
    if let (true, Some(top), Some(bottom)) = (inside, rgb.get(at..at + 6), rgb.get(below..below + 6)) {
        return std::array::from_fn(|i| blend(top[i], top[i + 3], bottom[i], bottom[i + 3], fx, fy));
    }
    let tap = |x: i64, y: i64| -> [u8; 3] {
        if border == Border::Zero && !((0..w).contains(&x) && (0..h).contains(&y)) {
            return [0; 3];
        }
        let at = ((y.clamp(0, h - 1) * w + x.clamp(0, w - 1)) * 3) as usize;
        rgb.get(at..at + 3).map_or([0; 3], |p| [p[0], p[1], p[2]])
    };
    let (x1, y1) = (x0.saturating_add(1), y0.saturating_add(1));
    let (a, b, c, d) = (tap(x0, y0), tap(x1, y0), tap(x0, y1), tap(x1, y1));
    std::array::from_fn(|i| blend(a[i], b[i], c[i], d[i], fx, fy))
}

/// Four values by the shares of the right and the lower ones, rounded half up.
fn blend(a: u8, b: u8, c: u8, d: u8, fx: f64, fy: f64) -> u8 {
    let [a, b, c, d] = [a, b, c, d].map(f64::from);
    let top = a * (1.0 - fx) + b * fx;
    let bottom = c * (1.0 - fx) + d * fx;
    // never negative, so cutting off rounds down; the cast stays within 0 to 255
    (top * (1.0 - fy) + bottom * fy + 0.5) as u8
}

/// The next integer below; without the call into the mathematics library that `f64::floor` is on older processors.
fn floor(v: f64) -> i64 {
    let cut = v as i64;
    if (cut as f64) > v { cut.saturating_sub(1) } else { cut }
}

/// The picture's values as a network takes them: all red, then all green, then all blue, each `v / divisor + offset`.
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) if `out` has not 3 values per pixel.
pub fn planes_into(image: &Image, divisor: f32, offset: f32, out: &mut [f32]) -> Result<()> {
    let n = image.width() * image.height();
    Mismatch::check("values of the network's input", n * 3, out.len())?;
    let mut planes = out.chunks_exact_mut(n);
    if let (Some(r), Some(g), Some(b)) = (planes.next(), planes.next(), planes.next()) {
        for (((pixel, r), g), b) in image.rgb().as_chunks::<3>().0.iter().zip(r).zip(g).zip(b) {
            *r = f32::from(pixel[0]) / divisor + offset;
            *g = f32::from(pixel[1]) / divisor + offset;
            *b = f32::from(pixel[2]) / divisor + offset;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Image {
        let rgb = (0..4 * 3).flat_map(|i| [(i % 4 * 20) as u8, (i / 4 * 20) as u8, 200]).collect();
        Image::new(4, 3, rgb).unwrap()
    }

    #[test]
    fn identity_keeps_every_pixel() {
        let map = Affine { rows: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] };
        for sampling in [Sampling::Exact, Sampling::Fixed32] {
            assert_eq!(warp(&ramp(), &map, [4, 3], Border::Zero, sampling).unwrap(), ramp());
        }
    }

    #[test]
    fn borders_differ_outside_only() {
        let map = Affine { rows: [[1.0, 0.0, -1.5], [0.0, 1.0, 0.0]] };
        let zero = warp(&ramp(), &map, [4, 3], Border::Zero, Sampling::Exact).unwrap();
        let edge = warp(&ramp(), &map, [4, 3], Border::Replicate, Sampling::Exact).unwrap();
        assert_eq!(zero.pixel(0, 1), Some([0, 0, 0]));
        assert_eq!(edge.pixel(0, 1), Some([0, 20, 200]));
        assert_eq!(zero.pixel(1, 1), Some([0, 10, 100])); // half inside
        assert_eq!((zero.pixel(2, 1), edge.pixel(2, 1)), (Some([10, 20, 200]), Some([10, 20, 200])));
    }

    #[test]
    fn far_and_infinite_positions_do_no_harm() {
        let far = Affine { rows: [[1e300, 0.0, 0.0], [0.0, -1e300, 0.0]] };
        assert!(warp(&ramp(), &far, [2, 2], Border::Replicate, Sampling::Fixed32).is_ok());
        let nan = Affine { rows: [[f64::NAN, 0.0, 0.0], [0.0, 1.0, 0.0]] };
        assert!(warp(&ramp(), &nan, [2, 2], Border::Zero, Sampling::Exact).is_err());
        assert!(SquareRoi::new([0.0, 0.0], 0.0, 0.0).is_err());
    }

    #[test]
    fn planes_are_rgb_one_after_the_other() {
        let mut out = [0.0; 36];
        planes_into(&ramp(), 2.0, -1.0, &mut out).unwrap();
        assert_eq!([out[1], out[12 + 4], out[24]], [9.0, 9.0, 99.0]);
        assert!(planes_into(&ramp(), 1.0, 0.0, &mut out[1..]).is_err());
    }
}
