//! Squares cut out of a picture and brought to a network's input size.

use crate::{Image, Result};
use eir_core::error::{Mismatch, NotFinite, Parameter};
use pulp::{Arch, Simd, WithSimd};
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

    /// As [`affine`](Self::affine) with pixel *centres* in the middle of their cells: half a pixel of the output more,
    /// half a pixel of the picture less. For networks that were not trained by MediaPipe.
    #[must_use]
    pub fn affine_half_pixel(&self, size: usize) -> Affine {
        let map = self.affine(size);
        let shift = |[a, b, c]: [f64; 3]| [a, b, c + 0.5 * (a + b) - 0.5];
        Affine { rows: map.rows.map(shift) }
    }

    /// The upright square about a box (left, top, right, bottom), `scale` times as large as its longer side.
    ///
    /// # Errors
    /// As [`new`](Self::new): a box without extent gives no square.
    pub fn about(box_xyxy: &[f64; 4], scale: f64) -> Result<Self> {
        let [left, top, right, bottom] = *box_xyxy;
        Self::new([(left + right) / 2.0, (top + bottom) / 2.0], (right - left).max(bottom - top) * scale, 0.0)
    }
}

/// The crop about a person's box for a top-down pose network: upright, of the network's aspect.
///
/// **Use it** for RTMPose and other networks of mmpose. **Not** for MediaPipe's, which take turned squares.
///
/// # Formula
/// Box about its centre, `padding` times as large, then widened along one side to the input's aspect. Without `unbiased`,
/// `x' = c_x + k (x − W/2)`, `k = s_w / W`; with it (UDP) `x' = c_x − s_w/2 + x s_w / (W − 1)`.
///
/// # Examples
/// ```
/// use eir_vision::crop::TopDown;
/// let crop = TopDown::new(&[10.0, 20.0, 50.0, 120.0], [192, 256], 1.25, false)?;
/// assert_eq!((crop.centre, crop.size), ([30.0, 70.0], [93.75, 125.0]));
/// assert_eq!(crop.affine().at(96.0, 128.0), [30.0, 70.0]);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Validation
/// Matrices within 1e-6, pixels within 1 level of OpenCV 5.0.0 (`cargo xtask golden vision`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TopDown {
    /// Centre of the crop in pixels of the picture.
    pub centre: [f64; 2],
    /// Its width and height in pixels of the picture.
    pub size: [f64; 2],
    /// Width and height of the network's input.
    pub input: [usize; 2],
    /// Whether the outermost pixels lie on the outermost points (UDP).
    pub unbiased: bool,
}

impl TopDown {
    /// Mean of red, green and blue over ImageNet.
    pub const MEAN: [f64; 3] = [123.675, 116.28, 103.53];
    /// Deviation of red, green and blue over ImageNet.
    pub const DEVIATION: [f64; 3] = [58.395, 57.12, 57.375];

    /// The crop about a box (left, top, right, bottom) for an input of `[width, height]`; mmpose pads by 1.25.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite), or [`Error::Parameter`](crate::Error::Parameter) for a box without
    /// extent, a padding not within 0.1 to 10, or an input below 2 × 2.
    pub fn new(box_xyxy: &[f64; 4], input: [usize; 2], padding: f64, unbiased: bool) -> Result<Self> {
        NotFinite::check_f64("side of a box", box_xyxy)?;
        if !(0.1..=10.0).contains(&padding) {
            return Err(Parameter::new("padding", padding, "0.1 to 10").into());
        }
        if let Some(side) = input.into_iter().find(|s| !(2..=8192).contains(s)) {
            return Err(Parameter::new("side of the input", side as f64, "2 to 8192").into());
        }
        let [left, top, right, bottom] = *box_xyxy;
        let (w, h) = ((right - left) * padding, (bottom - top) * padding);
        if !(w > 0.0 && h > 0.0 && w <= 1e7 && h <= 1e7) {
            return Err(Parameter::new("side of the box", w.min(h), "above 0 and at most 1e7 pixels").into());
        }
        let aspect = input[0] as f64 / input[1] as f64;
        let size = if w > h * aspect { [w, w / aspect] } else { [h * aspect, h] };
        Ok(Self { centre: [(left + right) / 2.0, (top + bottom) / 2.0], size, input, unbiased })
    }

    /// The map from pixels of the input to the picture.
    #[must_use]
    pub fn affine(&self) -> Affine {
        let [w, h] = self.input.map(|n| n as f64);
        let [cx, cy] = self.centre;
        if self.unbiased {
            let [kx, ky] = [self.size[0] / (w - 1.0), self.size[1] / (h - 1.0)];
            return Affine { rows: [[kx, 0.0, cx - self.size[0] / 2.0], [0.0, ky, cy - self.size[1] / 2.0]] };
        }
        let k = self.size[0] / w;
        Affine { rows: [[k, 0.0, cx - k * w / 2.0], [0.0, k, cy - k * h / 2.0]] }
    }

    /// Pixels of the picture for a point in pixels of the input.
    #[must_use]
    pub fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [w, h] = self.input.map(|n| n as f64);
        let back = |v: f64, n: f64, axis: usize| v / n * self.size[axis] + self.centre[axis] - self.size[axis] / 2.0;
        [back(x, w, 0), back(y, h, 1)]
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
    NotFinite::check_f64("number of a map", map.rows.as_flattened())?;
    let width = out.width();
    let to = Target::Pixels { rgb: out.rgb_mut() };
    Arch::new().dispatch(Warp { image, map, border, sampling, width, to });
    Ok(())
}

/// How a picture is looked up and how its levels become a network's values: `v / divisor + offset`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Lookup {
    /// What lies outside the picture.
    pub border: Border,
    /// How exactly a position is taken.
    pub sampling: Sampling,
    /// What levels are divided by.
    pub divisor: f32,
    /// What is added then.
    pub offset: f32,
}

/// As [`warp_into`] and [`planes_into`] in one go, for a picture `width` pixels wide. Allocates nothing.
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite) if the map is not finite,
/// [`Error::Mismatch`](crate::Error::Mismatch) if `planes` does not hold three planes of whole rows.
pub fn warp_planes_into(image: &Image, map: &Affine, width: usize, lookup: &Lookup, planes: &mut [f32]) -> Result<()> {
    NotFinite::check_f64("number of a map", map.rows.as_flattened())?;
    let plane = planes.len() / 3;
    if width == 0 || plane * 3 != planes.len() || !plane.is_multiple_of(width) || plane == 0 {
        let expected = format!("3 planes of rows of {width}");
        return Err(Mismatch::new("values of the network's input", expected, planes.len()).into());
    }
    let to = Target::Planes { planes, divisor: lookup.divisor, offset: lookup.offset };
    let (border, sampling) = (lookup.border, lookup.sampling);
    Arch::new().dispatch(Warp { image, map, border, sampling, width, to });
    Ok(())
}

/// Pixels that are worked on together.
const RUN: usize = 64;
/// Adding it to a number of up to 2⁵¹ leaves the nearest whole number in the last bits.
const WHOLE: f64 = 6_755_399_441_055_744.0;
/// The same for `f32` and numbers of up to 2²².
const WHOLE_F32: f32 = 12_582_912.0;

enum Target<'a> {
    Pixels { rgb: &'a mut [u8] },
    Planes { planes: &'a mut [f32], divisor: f32, offset: f32 },
}

/// A run of pixels at a time: positions, then the four pixels about each, one by one, then levels. All but the second
/// step is wide; that one's loads (two of eight bytes per pixel) bound it.
struct Warp<'a> {
    image: &'a Image,
    map: &'a Affine,
    border: Border,
    sampling: Sampling,
    width: usize,
    to: Target<'a>,
}

impl WithSimd for Warp<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { image, map, border, sampling, width, to } = self;
        let mut run = Run { image, map, border, fixed: sampling == Sampling::Fixed32, levels: [[0; RUN]; 3] };
        match to {
            Target::Pixels { rgb } => {
                for (y, row) in rgb.chunks_exact_mut(width * 3).enumerate() {
                    for (n, part) in row.chunks_mut(RUN * 3).enumerate() {
                        run.fill(n * RUN, y, part.len() / 3);
                        run.interleave(part);
                    }
                }
            }
            Target::Planes { planes, divisor, offset } => {
                let plane = planes.len() / 3;
                let (red, rest) = planes.split_at_mut(plane);
                let (green, blue) = rest.split_at_mut(plane);
                let rows = red.chunks_exact_mut(width).zip(green.chunks_exact_mut(width));
                for (y, ((red, green), blue)) in rows.zip(blue.chunks_exact_mut(width)).enumerate() {
                    let parts = red.chunks_mut(RUN).zip(green.chunks_mut(RUN)).zip(blue.chunks_mut(RUN));
                    for (n, ((red, green), blue)) in parts.enumerate() {
                        run.fill(n * RUN, y, red.len());
                        for (part, levels) in [red, green, blue].into_iter().zip(&run.levels) {
                            for (to, level) in part.iter_mut().zip(levels) {
                                *to = *level as i32 as f32 / divisor + offset;
                            }
                        }
                    }
                }
            }
        }
    }
}

struct Run<'a> {
    image: &'a Image,
    map: &'a Affine,
    border: Border,
    fixed: bool,
    /// Red, green and blue, 0 to 255.
    levels: [[u32; RUN]; 3],
}

/// The pixels about each position of a run: of two rows, the left one and the right one, a colour in each byte.
struct Near {
    left: [[u32; RUN]; 2],
    right: [[u32; RUN]; 2],
}

impl Run<'_> {
    /// The pixels from (`x`, `y`) of the output on.
    #[inline(always)]
    fn fill(&mut self, x: usize, y: usize, count: usize) {
        let [[a, b, c], [d, e, f]] = self.map.rows;
        let (mut xs, mut ys) = ([0.0f64; RUN], [0.0f64; RUN]);
        let y = y as f64;
        for (i, (sx, sy)) in xs.iter_mut().zip(&mut ys).enumerate() {
            let x = (x + i) as f64;
            *sx = a * x + b * y + c;
            *sy = d * x + e * y + f;
        }
        if self.fixed {
            for v in xs.iter_mut().chain(&mut ys) {
                *v = (*v * 32.0).round_ties_even() / 32.0;
            }
        }
        let (mut columns, mut rows) = ([0i32; RUN], [0i32; RUN]);
        let (mut right, mut below) = ([0.0f32; RUN], [0.0f32; RUN]);
        split(&xs, &mut columns, &mut right);
        split(&ys, &mut rows, &mut below);
        // how near each pixel is to the middle between two levels; beyond 0.4998 it is worked out exactly
        let mut doubt = [0.0f32; RUN];
        let near = self.near(&columns, &rows, count, &mut doubt);
        for c in 0..3 {
            for i in 0..RUN {
                let of = 8 * c;
                let (a, b) = (near.left[0][i] >> of & 255, near.right[0][i] >> of & 255);
                let (p, q) = (near.left[1][i] >> of & 255, near.right[1][i] >> of & 255);
                let (a, b) = (a as i32 as f32, b as i32 as f32);
                let (p, q) = (p as i32 as f32, q as i32 as f32);
                let (upper, lower) = (a + (b - a) * right[i], p + (q - p) * right[i]);
                let v = upper + (lower - upper) * below[i];
                let whole = v + WHOLE_F32;
                self.levels[c][i] = whole.to_bits() & 255;
                let off = (v - (whole - WHOLE_F32)).abs();
                doubt[i] = if off > doubt[i] { off } else { doubt[i] };
            }
        }
        // rounding errors stay far below 2e-4 levels
        let most = doubt.iter().fold(0.0f32, |most, d| if *d > most { *d } else { most });
        if most >= 0.4998 {
            for i in 0..count {
                if doubt[i] >= 0.4998 {
                    let pixel = sample(self.image, xs[i], ys[i], self.border);
                    for (levels, level) in self.levels.iter_mut().zip(pixel) {
                        levels[i] = u32::from(level);
                    }
                }
            }
        }
    }

    /// The four pixels about each place; none, and full doubt, where they do not all lie inside.
    #[inline(always)]
    fn near(&self, columns: &[i32; RUN], rows: &[i32; RUN], count: usize, doubt: &mut [f32; RUN]) -> Near {
        let (width, height) = (self.image.width(), self.image.height());
        let (rgb, below) = (self.image.rgb(), 3 * width);
        let (last_column, last_row) = (width as u32 - 1, height as u32 - 1);
        let mut near = Near { left: [[0; RUN]; 2], right: [[0; RUN]; 2] };
        for i in 0..count.min(RUN) {
            // a place before the first pixel is a large one here
            let (column, row) = (columns[i] as u32, rows[i] as u32);
            let inside = column < last_column && row < last_row;
            let at = if inside { row as usize * below + column as usize * 3 } else { usize::MAX };
            let both = rgb.get(at..).and_then(|from| from.get(..below + 8));
            if let Some((top, bottom)) = both.and_then(|both| both.first_chunk().zip(both.last_chunk())) {
                let (top, bottom) = (u64::from_le_bytes(*top), u64::from_le_bytes(*bottom));
                near.left[0][i] = top as u32;
                near.right[0][i] = (top >> 24) as u32;
                near.left[1][i] = bottom as u32;
                near.right[1][i] = (bottom >> 24) as u32;
            } else {
                doubt[i] = 1.0;
            }
        }
        near
    }

    /// The pixels as bytes.
    #[inline(always)]
    fn interleave(&self, to: &mut [u8]) {
        let [red, green, blue] = &self.levels;
        let mut pixels = [0u32; RUN];
        for i in 0..RUN {
            pixels[i] = red[i] | green[i] << 8 | blue[i] << 16;
        }
        for (i, pixel) in pixels.iter().enumerate() {
            // four bytes at once where there is room: the next pixel overwrites the last
            let to = to.get_mut(3 * i..).unwrap_or_default();
            let bytes = pixel.to_le_bytes();
            if let Some(to) = to.first_chunk_mut::<4>() {
                *to = bytes;
            } else if let Some(to) = to.first_chunk_mut::<3>() {
                *to = [bytes[0], bytes[1], bytes[2]];
            }
        }
    }
}

/// Whole numbers below, and what is left; positions beyond ±2³⁰ are cut there (they lie outside of any picture).
#[inline(always)]
fn split(values: &[f64; RUN], whole: &mut [i32; RUN], rest: &mut [f32; RUN]) {
    for ((v, whole), rest) in values.iter().zip(whole).zip(rest) {
        let most = f64::from(1 << 30);
        let v = if *v > most { most } else { *v };
        let v = if v < -most { -most } else { v };
        let near = v + WHOLE;
        let n = near - WHOLE;
        let above = n > v;
        *whole = (near.to_bits() as i32).wrapping_sub(i32::from(above));
        *rest = (v - if above { n - 1.0 } else { n }) as f32;
    }
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

    /// The wide way gives the same bytes as the exact one, wherever the pixels lie.
    #[test]
    fn every_pixel_equals_the_exact_one() {
        let rgb = (0..97 * 53 * 3).map(|i| ((i * 7919) % 251) as u8).collect();
        let picture = Image::new(97, 53, rgb).unwrap();
        for (n, k) in [0.3, 0.5, 1.0, 1.7, 4.0].into_iter().enumerate() {
            let turn = n as f64;
            let roi = SquareRoi::new([48.0 + turn / 3.0, 26.0], 130.0 * k / 2.0, turn * 0.7).unwrap();
            for map in [roi.affine(130), roi.affine_half_pixel(130)] {
                for (border, sampling) in [
                    (Border::Zero, Sampling::Exact),
                    (Border::Replicate, Sampling::Exact),
                    (Border::Zero, Sampling::Fixed32),
                ] {
                    let got = warp(&picture, &map, [130, 70], border, sampling).unwrap();
                    let mut planes = vec![0.0; 3 * 130 * 70];
                    let lookup = Lookup { border, sampling, divisor: 2.0, offset: -1.0 };
                    warp_planes_into(&picture, &map, 130, &lookup, &mut planes).unwrap();
                    for (i, pixel) in got.rgb().as_chunks::<3>().0.iter().enumerate() {
                        let [mut x, mut y] = map.at((i % 130) as f64, (i / 130) as f64);
                        if sampling == Sampling::Fixed32 {
                            [x, y] = [x, y].map(|v| (v * 32.0).round_ties_even() / 32.0);
                        }
                        assert_eq!(*pixel, sample(&picture, x, y, border), "{i} of {map:?}");
                        assert_eq!(planes[130 * 70 + i], f32::from(pixel[1]) / 2.0 - 1.0);
                    }
                }
            }
        }
    }

    #[test]
    fn top_down_crops_are_checked() {
        let crop = TopDown::new(&[0.0, 0.0, 100.0, 10.0], [192, 256], 1.0, true).unwrap();
        assert_eq!(crop.place([96.0, 128.0]), [50.0, 5.0]);
        assert_eq!(crop.affine().at(191.0, 0.0)[0], 100.0);
        for wrong in [[0.0; 4], [0.0, 0.0, f64::NAN, 1.0], [5.0, 0.0, 1.0, 1.0]] {
            assert!(TopDown::new(&wrong, [192, 256], 1.25, false).is_err());
        }
        assert!(TopDown::new(&[0.0, 0.0, 1.0, 1.0], [0, 256], 1.25, false).is_err());
        assert!(SquareRoi::about(&[3.0, 3.0, 3.0, 3.0], 1.5).is_err());
    }

    #[test]
    fn planes_are_rgb_one_after_the_other() {
        let mut out = [0.0; 36];
        planes_into(&ramp(), 2.0, -1.0, &mut out).unwrap();
        assert_eq!([out[1], out[12 + 4], out[24]], [9.0, 9.0, 99.0]);
        assert!(planes_into(&ramp(), 1.0, 0.0, &mut out[1..]).is_err());
    }
}
