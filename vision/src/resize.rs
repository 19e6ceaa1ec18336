//! Pictures made larger or smaller, as a whole.

use crate::{Image, Result};
use eir_core::error::Parameter;
use pulp::{Arch, Simd, WithSimd};

/// Where a picture lies in its letterbox: pixel (x, y) of the picture is at `ratio · (x, y)`, from the top left.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Letterbox {
    /// Pixels of the box per pixel of the picture.
    pub ratio: f64,
    /// Width of the picture in the box.
    pub width: usize,
    /// Height of the picture in the box.
    pub height: usize,
}

/// The picture as large as it fits into a square of `side` pixels, at the top left, the rest grey of level `fill`.
///
/// It is what YOLOX and RTMDet are given: ratio `min(side / height, side / width)`, sides cut off to whole pixels.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) if the side is 0 or above 65 535.
pub fn letterbox(image: &Image, side: usize, fill: u8) -> Result<(Image, Letterbox)> {
    let mut out = Image::filled(side, side, [fill; 3])?;
    let ratio = (side as f64 / image.height() as f64).min(side as f64 / image.width() as f64);
    let scaled = |n: usize| ((n as f64 * ratio) as usize).clamp(1, side);
    let (width, height) = (scaled(image.width()), scaled(image.height()));
    let small = resize_bilinear(image, width, height)?;
    for (to, from) in out.rgb_mut().chunks_exact_mut(side * 3).zip(small.rgb().chunks_exact(width * 3)) {
        to[..width * 3].copy_from_slice(from);
    }
    Ok((out, Letterbox { ratio, width, height }))
}

/// The picture with black at the right and below, `width` × `height` in all.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) if the picture is larger, or a side is above 65 535.
pub fn pad_to(image: &Image, width: usize, height: usize) -> Result<Image> {
    for (name, side, least) in [("width", width, image.width()), ("height", height, image.height())] {
        if side < least {
            return Err(Parameter::new(name, side as f64, "at least that of the picture").into());
        }
    }
    let mut out = Image::filled(width, height, [0; 3])?;
    let from = image.rgb().chunks_exact(image.width() * 3);
    for (to, from) in out.rgb_mut().chunks_exact_mut(width * 3).zip(from) {
        to[..from.len()].copy_from_slice(from);
    }
    Ok(out)
}

/// The picture at another size, bilinear: half-pixel centres, the edge replicated, rounded half up.
///
/// **Use it** to enlarge, and to shrink where a network was trained without a low-pass (as OpenCV's `INTER_LINEAR`).
/// **Not** to shrink by more than 2 for the eye: fine patterns turn into false ones; see [`resize_area`].
///
/// # Formula
/// Output pixel `i` lies at `(i + 0.5) · from / to − 0.5`.
///
/// # Examples
/// ```
/// use eir_vision::{Image, resize::resize_bilinear};
/// let picture = Image::new(2, 1, vec![0, 0, 0, 100, 100, 100])?;
/// assert_eq!(resize_bilinear(&picture, 4, 1)?.rgb()[3..9], [25, 25, 25, 75, 75, 75]);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) if a side is 0 or above 65 535.
///
/// # Validation
/// Within 1 level of OpenCV 5.0.0 (`cargo xtask golden vision`).
pub fn resize_bilinear(image: &Image, width: usize, height: usize) -> Result<Image> {
    let mut out = Image::filled(width, height, [0; 3])?;
    if (width, height) == (image.width(), image.height()) {
        out.rgb_mut().copy_from_slice(image.rgb());
        return Ok(out);
    }
    // a column of one pixel is doubled: every row then has the bytes that are read beyond the one before it
    let doubled: Vec<u8>;
    let (rgb, wide) = if image.width() > 1 {
        (image.rgb(), 3 * image.width())
    } else {
        doubled = image.rgb().as_chunks::<3>().0.iter().flat_map(|pixel| [*pixel; 2]).flatten().collect();
        (doubled.as_slice(), 6)
    };
    let (columns, shares) = places(image.width(), width).into_iter().map(|(at, share)| (3 * at as u32, share)).unzip();
    let rows = places(image.height(), height);
    Arch::new().dispatch(Bilinear { rgb, wide, columns, shares, rows, out: &mut out });
    Ok(out)
}

/// For each output: the input at or before it, and the share of the next one, which is 0 at the last.
fn places(from: usize, to: usize) -> Vec<(usize, f32)> {
    let scale = from as f64 / to as f64;
    let place = |i: usize| {
        let at = ((i as f64 + 0.5) * scale - 0.5).clamp(0.0, (from - 1) as f64);
        let first = at as usize;
        (first, (at - first as f64) as f32)
    };
    (0..to).map(place).collect()
}

/// The pixels that a row of outputs needs are put side by side first, as four bytes each, then mixed in wide loops; what is
/// put together from one place only is not mixed at all. Fetching and putting back pixel by pixel bounds it.
struct Bilinear<'a> {
    rgb: &'a [u8],
    /// Bytes of a row, of two pixels or more.
    wide: usize,
    /// First byte of the pixel at or before each output, and the share of the next pixel.
    columns: Vec<u32>,
    shares: Vec<f32>,
    rows: Vec<(usize, f32)>,
    out: &'a mut Image,
}

impl WithSimd for Bilinear<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { rgb, wide, columns, shares, rows, out } = self;
        let width = out.width();
        // the last row has five bytes more, as the others, so that a pixel and the next can be read as eight
        let end = rgb.len() - wide;
        let last: Vec<u8> = rgb[end..].iter().copied().chain([0; 5]).collect();
        let row = |n: usize| if n * wide == end { last.as_slice() } else { &rgb[n * wide..(n + 1) * wide + 5] };
        let whole = shares.iter().all(|share| *share == 0.0);
        let shares: Vec<f32> = shares.into_iter().flat_map(|share| [share; 4]).collect();
        let mut fetched: [Vec<u8>; 4] = std::array::from_fn(|_| vec![0; 4 * width]);
        let (mut mixed, mut line) = (vec![0u8; 4 * width], vec![0u8; 3 * width + 1]);
        for (to, (first, share)) in out.rgb_mut().chunks_exact_mut(3 * width).zip(rows) {
            let [a, next_a, b, next_b] = &mut fetched;
            if whole {
                fetch(row(first), &columns, a);
            } else {
                fetch_pairs(row(first), &columns, a, next_a);
            }
            if share != 0.0 && whole {
                fetch(row(first + 1), &columns, b);
            } else if share != 0.0 {
                fetch_pairs(row(first + 1), &columns, b, next_b);
            }
            let pixels = match (whole, share == 0.0) {
                (true, true) => a,
                (true, false) => {
                    mix(a, b, share, &mut mixed);
                    &mut mixed
                }
                (false, true) => {
                    mix_along(a, next_a, &shares, &mut mixed);
                    &mut mixed
                }
                (false, false) => {
                    mix_both([a, next_a, b, next_b], &shares, share, &mut mixed);
                    &mut mixed
                }
            };
            // the fourth byte of a pixel is the next one's first
            for (i, pixel) in pixels.as_chunks::<4>().0.iter().enumerate() {
                if let Some(to) = line.get_mut(3 * i..).and_then(|v| v.first_chunk_mut()) {
                    *to = *pixel;
                }
            }
            to.copy_from_slice(&line[..3 * width]);
        }
    }
}

/// The pixels at the columns.
#[inline(always)]
fn fetch(row: &[u8], columns: &[u32], to: &mut [u8]) {
    for (to, at) in to.as_chunks_mut::<4>().0.iter_mut().zip(columns) {
        let at = *at as usize;
        if let Some(pixel) = row.get(at..at + 4).and_then(|v| v.first_chunk()) {
            *to = *pixel;
        }
    }
}

/// The pixels at the columns, and the next ones.
#[inline(always)]
fn fetch_pairs(row: &[u8], columns: &[u32], to: &mut [u8], next: &mut [u8]) {
    let to = to.as_chunks_mut::<4>().0.iter_mut().zip(next.as_chunks_mut::<4>().0);
    for ((to, next), at) in to.zip(columns) {
        let at = *at as usize;
        if let Some(&[a, b, c, d, e, f, g, _]) = row.get(at..at + 8).and_then(|v| v.first_chunk::<8>()) {
            (*to, *next) = ([a, b, c, d], [d, e, f, g]);
        }
    }
}

#[inline(always)]
fn mix(a: &[u8], b: &[u8], share: f32, to: &mut [u8]) {
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        let (a, b) = (f32::from(*a), f32::from(*b));
        *to = level(a + (b - a) * share + 0.5);
    }
}

#[inline(always)]
fn mix_along(a: &[u8], next: &[u8], shares: &[f32], to: &mut [u8]) {
    for (((to, a), b), share) in to.iter_mut().zip(a).zip(next).zip(shares) {
        let (a, b) = (f32::from(*a), f32::from(*b));
        *to = level(a + (b - a) * share + 0.5);
    }
}

#[inline(always)]
fn mix_both([a, next_a, b, next_b]: [&[u8]; 4], shares: &[f32], share: f32, to: &mut [u8]) {
    let n = to.len();
    let (a, next_a, b, next_b, shares) = (&a[..n], &next_a[..n], &b[..n], &next_b[..n], &shares[..n]);
    for i in 0..n {
        let [left, right] = [(a[i], b[i]), (next_a[i], next_b[i])].map(|(a, b)| {
            let (a, b) = (f32::from(a), f32::from(b));
            a + (b - a) * share
        });
        to[i] = level(left + (right - left) * shares[i] + 0.5);
    }
}

/// The integer at or below a value of 0 to 256. Written with sums, because `as`, which looks for NaN and keeps to the range, is
/// done value by value.
#[inline(always)]
pub(crate) fn level(value: f32) -> u8 {
    const WHOLE: f32 = 8_388_608.0; // 2^23: beyond it there are no fractions
    let nearest = (value + WHOLE) - WHOLE;
    let below = nearest - if nearest > value { 1.0 } else { 0.0 };
    (below + WHOLE).to_bits() as u8
}

/// Four values from `at` on.
#[inline(always)]
fn four(line: &[f32], at: usize) -> [f32; 4] {
    line.get(at..).and_then(|v| v.first_chunk()).copied().unwrap_or_default()
}

#[inline(always)]
fn put_four(line: &mut [f32], at: usize, values: [f32; 4]) {
    if let Some(to) = line.get_mut(at..).and_then(|v| v.first_chunk_mut()) {
        *to = values;
    }
}

/// Levels from values that are half a level too large.
#[inline(always)]
fn cut(values: &[f32], to: &mut [u8]) {
    for (to, v) in to.iter_mut().zip(values) {
        *to = level(*v);
    }
}

/// The picture at a smaller size: each pixel the mean of the area that it covers.
///
/// **Use it** to shrink for the eye or before a detector. **Not** to enlarge.
///
/// # Formula
/// Output pixel `i` covers `i · from / to` to `(i + 1) · from / to`; pixels that it covers in part count in part.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) if a side is 0 or larger than the picture's.
///
/// # Validation
/// Within 1 level of OpenCV 5.0.0's `INTER_AREA` (`cargo xtask golden vision`).
pub fn resize_area(image: &Image, width: usize, height: usize) -> Result<Image> {
    for (name, side, most) in [("width", width, image.width()), ("height", height, image.height())] {
        if side > most {
            return Err(Parameter::new(name, side as f64, "at most that of the picture").into());
        }
    }
    let mut out = Image::filled(width, height, [0; 3])?;
    let (columns, rows) = (shares(image.width(), width), shares(image.height(), height));
    Arch::new().dispatch(Area { image, columns, rows, out: &mut out });
    Ok(out)
}

/// For each output the first input that it covers, and the share of each.
fn shares(from: usize, to: usize) -> Vec<(usize, Vec<f32>)> {
    let scale = from as f64 / to as f64;
    let share = |i: usize| {
        let (start, end) = (i as f64 * scale, ((i + 1) as f64 * scale).min(from as f64));
        let first = (start + 1e-9) as usize;
        let last = ((end - 1e-9).ceil() as usize).clamp(first + 1, from);
        let covered = |n: usize| ((n + 1) as f64).min(end) - (n as f64).max(start);
        (first, (first..last).map(|n| (covered(n) / (end - start)) as f32).collect())
    };
    (0..to).map(share).collect()
}

/// As [`Bilinear`]: the rows of an output's area first, up to four in one go, then the columns.
struct Area<'a> {
    image: &'a Image,
    columns: Vec<(usize, Vec<f32>)>,
    rows: Vec<(usize, Vec<f32>)>,
    out: &'a mut Image,
}

impl WithSimd for Area<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { image, columns, rows, out } = self;
        let (wide, width) = (image.width() * 3, out.width() * 3);
        let (mut line, mut mixed) = (vec![0.0f32; wide + 1], vec![0.0f32; width + 1]);
        // first value and number of shares of each column, and all shares in one piece
        let all: Vec<f32> = columns.iter().flat_map(|(_, shares)| shares).copied().collect();
        let columns: Vec<(usize, usize)> = columns.iter().map(|(first, shares)| (first * 3, shares.len())).collect();
        for (to, (first, shares)) in out.rgb_mut().chunks_exact_mut(width).zip(&rows) {
            line.fill(0.5);
            let rows = &image.rgb()[first * wide..][..shares.len() * wide];
            for (rows, shares) in rows.chunks(4 * wide).zip(shares.chunks(4)) {
                match *shares {
                    [a, b, c, d] => add_rows(rows, wide, [a, b, c, d], &mut line),
                    [a, b, c] => add_rows(rows, wide, [a, b, c], &mut line),
                    [a, b] => add_rows(rows, wide, [a, b], &mut line),
                    [a] => add_rows(rows, wide, [a], &mut line),
                    _ => {}
                }
            }
            let mut shares = all.as_slice();
            for (i, (first, count)) in columns.iter().enumerate() {
                let (now, later) = shares.split_at(*count);
                let mut sum = [0.0f32; 4];
                for (n, share) in now.iter().enumerate() {
                    let pixel = four(&line, first + 3 * n);
                    for c in 0..4 {
                        sum[c] += share * pixel[c];
                    }
                }
                put_four(&mut mixed, 3 * i, sum);
                shares = later;
            }
            cut(&mixed, to);
        }
    }
}

/// Adds the shares of `N` rows of bytes, one after the other.
#[inline(always)]
fn add_rows<const N: usize>(rows: &[u8], wide: usize, shares: [f32; N], line: &mut [f32]) {
    let rows: [&[u8]; N] = std::array::from_fn(|n| &rows[n * wide..][..wide]);
    let line = &mut line[..wide];
    for i in 0..wide {
        let mut sum = line[i];
        for n in 0..N {
            sum += shares[n] * f32::from(rows[n][i]);
        }
        line[i] = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize) -> Image {
        let rgb = (0..width * height).flat_map(|i| [(i % width * 7) as u8, (i / width * 5) as u8, 9]).collect();
        Image::new(width, height, rgb).unwrap()
    }

    #[test]
    fn whole_factors_by_hand() {
        let small = resize_area(&ramp(6, 4), 2, 2).unwrap();
        assert_eq!(small.rgb()[..6], [7, 3, 9, 28, 3, 9]); // 7 and 2.5; 28 and 2.5
        let same = resize_bilinear(&ramp(6, 4), 6, 4).unwrap();
        assert_eq!(same, ramp(6, 4));
        let odd = resize_area(&ramp(5, 3), 2, 3).unwrap();
        assert_eq!(odd.rgb()[..6], [6, 0, 9, 22, 0, 9]); // (0 + 7 + 7) / 2.5, (14 / 2 + 21 + 28) / 2.5
    }

    #[test]
    fn bilinear_is_the_formula() {
        for [w, h, wide, high] in
            [[1, 1, 3, 2], [1, 9, 4, 5], [2, 1, 7, 3], [9, 7, 3, 1], [33, 21, 7, 5], [12, 12, 31, 40], [5, 3, 5, 9]]
        {
            let rgb: Vec<u8> = (0..w * h * 3).map(|i| (i * i * 31 % 256) as u8).collect();
            let (image, place) = (Image::new(w, h, rgb).unwrap(), |i: usize, from: usize, to: usize| {
                ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, (from - 1) as f64)
            });
            let out = resize_bilinear(&image, wide, high).unwrap();
            for (i, value) in out.rgb().iter().enumerate() {
                let (x, y) = (place(i / 3 % wide, w, wide), place(i / 3 / wide, h, high));
                let at = |dx: usize, dy: usize| {
                    let [column, row] = [(x as usize + dx).min(w - 1), (y as usize + dy).min(h - 1)];
                    f64::from(image.pixel(column, row).unwrap()[i % 3])
                };
                let along = |dy: usize| at(0, dy) + (at(1, dy) - at(0, dy)) * x.fract();
                let want = along(0) + (along(1) - along(0)) * y.fract() + 0.5;
                // a value at the edge of two levels may be either, in single precision
                assert!(f64::from(*value) <= want + 1e-3 && f64::from(*value) > want - 1.0 - 1e-3, "{w} x {h}, {i}");
            }
        }
    }

    #[test]
    fn levels_are_cut() {
        for i in 0..=2560u16 {
            let value = f32::from(i.min(2559)) / 10.0;
            assert_eq!(level(value), value as u8, "{value}");
        }
        assert_eq!([level(0.0), level(254.99998), level(255.0), level(255.99998)], [0, 254, 255, 255]);
    }

    #[test]
    fn sizes_of_all_kinds() {
        for (w, h) in [(1, 1), (1, 300), (300, 1), (7, 5)] {
            let (boxed, placed) = letterbox(&ramp(w, h), 32, 114).unwrap();
            assert_eq!((boxed.width(), boxed.height()), (32, 32));
            assert!(placed.width.max(placed.height) == 32 && placed.width.min(placed.height) >= 1);
            assert!(resize_bilinear(&ramp(w, h), 9, 9).is_ok());
            assert!(resize_area(&ramp(w, h), 1, 1).is_ok());
            assert!(resize_area(&ramp(w, h), w + 1, h).is_err());
            assert!(pad_to(&ramp(w, h), w, h - 1).is_err());
        }
        assert!(resize_bilinear(&ramp(3, 3), 0, 3).is_err());
    }
}
