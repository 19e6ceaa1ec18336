//! Luminance and chrominance to red, green and blue.

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

    /// One row: luminance, both chrominances (as long, or each value for two pixels), red green blue out.
    ///
    /// Three multiply-adds a pixel and one store of three bytes: bound by the conversions to bytes.
    pub(super) fn row(&self, y: &[f32], u: &[f32], v: &[f32], halved: bool, out: &mut [u8]) {
        let pixels = out.as_chunks_mut::<3>().0;
        if halved {
            let pairs = pixels.chunks_mut(2).zip(y.chunks(2)).zip(u.iter().zip(v));
            for ((pixels, y), (u, v)) in pairs {
                pixels.iter_mut().zip(y).for_each(|(p, y)| *p = self.pixel(*y, *u, *v));
            }
        } else {
            for ((p, y), (u, v)) in pixels.iter_mut().zip(y).zip(u.iter().zip(v)) {
                *p = self.pixel(*y, *u, *v);
            }
        }
    }

    /// One row without colour.
    pub(super) fn grey_row(&self, y: &[f32], out: &mut [u8]) {
        let level = |y: f32| ((y - self.black) * self.scale + 0.5) as u8;
        out.as_chunks_mut::<3>().0.iter_mut().zip(y).for_each(|(p, y)| *p = [level(*y); 3]);
    }

    fn pixel(&self, y: f32, u: f32, v: f32) -> [u8; 3] {
        let (y, u, v) = ((y - self.black) * self.scale + 0.5, u - 128.0, v - 128.0);
        // `as` keeps to 0 … 255
        [(y + self.red * v) as u8, (y - self.green[0] * u - self.green[1] * v) as u8, (y + self.blue * u) as u8]
    }
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
