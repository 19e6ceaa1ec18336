//! Luminance and chrominance to red, green and blue.

use crate::resize::level;
use serde::{Deserialize, Serialize};

/// Rows from which players take a film for high definition.
const HIGH_DEFINITION: usize = 720;

/// Which weights of red, green and blue make the luminance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ColourMatrix {
    /// 0.299, 0.587, 0.114: standard definition, JPEG.
    Bt601,
    /// 0.2126, 0.7152, 0.0722: high definition.
    Bt709,
}

impl ColourMatrix {
    /// What players take where a film does not say.
    pub(super) fn usual(height: usize) -> Self {
        if height < HIGH_DEFINITION { Self::Bt601 } else { Self::Bt709 }
    }

    /// Weights of red and blue.
    fn weights(self) -> [f64; 2] {
        match self {
            Self::Bt601 => [0.299, 0.114],
            Self::Bt709 => [0.2126, 0.0722],
        }
    }
}

/// The map from one pixel's three values (on the scale 0 to 255) to levels.
#[derive(Debug, Clone, Copy)]
pub(super) struct ToRgb {
    scale: f32,
    black: f32,
    red: f32,
    green: [f32; 2],
    blue: f32,
}

impl ToRgb {
    pub(super) fn new(matrix: ColourMatrix, full_range: bool) -> Self {
        let [kr, kb] = matrix.weights();
        let (black, luma, chroma) = if full_range { (0.0, 1.0, 1.0) } else { (16.0, 255.0 / 219.0, 255.0 / 224.0) };
        let (cr, cb) = (2.0 * (1.0 - kr) * chroma, 2.0 * (1.0 - kb) * chroma);
        let kg = 1.0 - kr - kb;
        Self {
            scale: luma as f32,
            black,
            red: cr as f32,
            green: [(kb / kg * cb) as f32, (kr / kg * cr) as f32],
            blue: cb as f32,
        }
    }

    /// One row: luminance and both chrominances, a value for each pixel; red, green, blue out.
    ///
    /// Some pixels at a time, colour by colour: bound by the conversions to bytes, in vectors, and their mixing.
    pub(super) fn row(&self, y: &[f32], u: &[f32], v: &[f32], out: &mut [u8]) {
        const SOME: usize = 64;
        let pixels = out.as_chunks_mut::<3>().0.chunks_mut(SOME);
        for (((pixels, y), u), v) in pixels.zip(y.chunks(SOME)).zip(u.chunks(SOME)).zip(v.chunks(SOME)) {
            let mut colours = [[0; SOME]; 3];
            let [red, green, blue] = &mut colours;
            for (((((r, g), b), y), u), v) in red.iter_mut().zip(green).zip(blue).zip(y).zip(u).zip(v) {
                [*r, *g, *b] = self.pixel(*y, *u, *v);
            }
            let [red, green, blue] = &colours;
            for (((pixel, r), g), b) in pixels.iter_mut().zip(red).zip(green).zip(blue) {
                *pixel = [*r, *g, *b];
            }
        }
    }

    /// One row without colour.
    pub(super) fn grey_row(&self, y: &[f32], out: &mut [u8]) {
        let level = |y: f32| cut((y - self.black) * self.scale + 0.5);
        out.as_chunks_mut::<3>().0.iter_mut().zip(y).for_each(|(p, y)| *p = [level(*y); 3]);
    }

    #[inline(always)]
    fn pixel(&self, y: f32, u: f32, v: f32) -> [u8; 3] {
        let (y, u, v) = ((y - self.black) * self.scale + 0.5, u - 128.0, v - 128.0);
        [cut(y + self.red * v), cut(y - self.green[0] * u - self.green[1] * v), cut(y + self.blue * u)]
    }
}

/// A line of a plane, values of 8 bits, or of up to 16 in two bytes, as numbers on the scale 0 to 255: one for each pixel; where
/// it is `halved`, two pixels share a value.
pub(super) fn load(bytes: &[u8], bits: u32, halved: bool, row: &mut Vec<f32>) {
    row.clear();
    if bits > 8 {
        let scale = 1.0 / f32::from(1u16 << (bits - 8));
        let values = bytes.as_chunks::<2>().0.iter();
        put(values.map(|b| f32::from(u16::from_le_bytes(*b)) * scale), halved, row);
    } else {
        put(bytes.iter().map(|b| f32::from(*b)), halved, row);
    }
}

fn put(values: impl Iterator<Item = f32>, halved: bool, row: &mut Vec<f32>) {
    if halved {
        row.extend(values.flat_map(|value| [value; 2]));
    } else {
        row.extend(values);
    }
}

/// A level of 0 to 255.
#[inline(always)]
fn cut(value: f32) -> u8 {
    level(value.clamp(0.0, 255.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_white_and_the_pure_colours() {
        let limited = ToRgb::new(ColourMatrix::Bt601, false);
        assert_eq!(limited.pixel(16.0, 128.0, 128.0), [0; 3]);
        assert_eq!(limited.pixel(235.0, 128.0, 128.0), [255; 3]);
        // red, green, blue of BT.601 and BT.709 as their standards code them, to the level
        assert_eq!(limited.pixel(81.0, 90.0, 240.0).map(|c| c / 250), [1, 0, 0]);
        let hd = ToRgb::new(ColourMatrix::Bt709, false);
        let near = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= 2);
        assert!(near(hd.pixel(63.0, 102.0, 240.0), [255, 0, 0]), "{:?}", hd.pixel(63.0, 102.0, 240.0));
        assert!(near(hd.pixel(173.0, 42.0, 26.0), [0, 255, 0]));
        assert!(near(hd.pixel(32.0, 240.0, 118.0), [0, 0, 255]));
        let full = ToRgb::new(ColourMatrix::Bt601, true);
        assert!(near(full.pixel(76.0, 85.0, 255.0), [255, 0, 0]));
        assert_eq!(full.pixel(127.0, 128.0, 128.0), [127; 3]);
    }
}
