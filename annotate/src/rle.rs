//! Binary masks as runs, as COCO has them: column by column, the first run counts zeros.

use crate::Result;
use crate::error::Error;
use eir_core::Limits;
use eir_core::error::{Malformed, Mismatch};
use serde::{Deserialize, Serialize};

const FORMAT: &str = "COCO run lengths";

/// In which order the pixels of a mask lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelOrder {
    /// Row by row, as pictures usually lie.
    Rows,
    /// Column by column, as run lengths count.
    Columns,
}

/// A binary mask as run lengths.
///
/// **Use it** for masks of pictures: a mask takes a few hundred bytes, and area, box, union, intersection and overlap
/// need no pixels. **Not** for soft masks or for volumes.
///
/// # Formula
/// `counts[0]` zeros, `counts[1]` ones, `counts[2]` zeros …, down the first column, then the next;
/// `Σ counts = height · width`, which every constructor checks.
///
/// # Examples
/// ```
/// use eir_annotate::{PixelOrder, Rle};
/// let mask = Rle::from_mask(&[0, 1, 1, 0, 1, 1], 2, 3, PixelOrder::Rows)?;
/// assert_eq!((mask.area(), mask.bounding_box()), (4, [1.0, 0.0, 2.0, 2.0]));
/// assert_eq!(mask.to_compressed(), "24"); // as pycocotools writes it
/// assert_eq!(Rle::from_compressed(2, 3, "24")?, mask);
/// # Ok::<(), eir_annotate::Error>(())
/// ```
///
/// # Errors
/// [`Error::Mismatch`](crate::Error) if the counts do not sum to the number of pixels.
///
/// # Validation
/// Strings, counts, areas, boxes, unions and intersections equal pycocotools 2.0.11 exactly, on masks from 1 × 1 to
/// 1200 × 1600 and on 400 result records of cocoapi; overlap within 1e-12.
///
/// # References
/// Lin et al. 2014, doi:10.1007/978-3-319-10602-1_48; the string form is defined by cocoapi's `maskApi.c`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Rle {
    height: u32,
    width: u32,
    counts: Vec<u32>,
}

#[derive(Serialize, Deserialize)]
struct Raw {
    height: u32,
    width: u32,
    counts: Vec<u32>,
}

impl From<Rle> for Raw {
    fn from(rle: Rle) -> Self {
        Self { height: rle.height, width: rle.width, counts: rle.counts }
    }
}

impl TryFrom<Raw> for Rle {
    type Error = Error;

    fn try_from(raw: Raw) -> Result<Self> {
        Self::new(raw.height, raw.width, raw.counts)
    }
}

impl Rle {
    /// A mask from its run lengths.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error) unless they sum to `height · width`.
    pub fn new(height: u32, width: u32, counts: Vec<u32>) -> Result<Self> {
        let pixels = u64::from(height) * u64::from(width);
        let total: u64 = counts.iter().map(|c| u64::from(*c)).sum();
        if pixels > u64::from(u32::MAX) || total != pixels {
            return Err(Mismatch::new("run lengths of a mask (sum)", pixels, total).into());
        }
        Ok(Self { height, width, counts })
    }

    /// A mask from its pixels; any value but 0 is inside.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error) unless there are `height · width` of them.
    pub fn from_mask(pixels: &[u8], height: u32, width: u32, order: PixelOrder) -> Result<Self> {
        let (h, w) = (height as usize, width as usize);
        if u64::from(height) * u64::from(width) > u64::from(u32::MAX) {
            return Err(Mismatch::new("pixels of a mask", "fewer than 2^32", "more").into());
        }
        Mismatch::check("pixels of a mask", h * w, pixels.len())?;
        let mut runs = Runs::default();
        match order {
            PixelOrder::Columns => runs.extend(pixels),
            PixelOrder::Rows => {
                let mut column = vec![0; h];
                for x in 0..w {
                    for (to, from) in column.iter_mut().zip(pixels[x..].iter().step_by(w)) {
                        *to = *from;
                    }
                    runs.extend(&column);
                }
            }
        }
        Ok(Self { height, width, counts: runs.finish() })
    }

    /// A mask from COCO's string of characters `0` to `o`.
    ///
    /// # Errors
    /// [`Error::Malformed`](crate::Error) at the character that cannot be there, [`Error::Mismatch`](crate::Error) if
    /// the counts do not sum to the number of pixels.
    pub fn from_compressed(height: u32, width: u32, text: &str) -> Result<Self> {
        let mut counts: Vec<u32> = Vec::with_capacity(text.len() / 2 + 1);
        let (mut value, mut shift) = (0i64, 0u32);
        for (at, byte) in text.bytes().enumerate() {
            let bad = |reason: &'static str| Malformed::at(FORMAT, at as u64, reason);
            let group =
                byte.checked_sub(48).filter(|g| *g < 64).ok_or_else(|| bad("a character outside '0' to 'o'"))?;
            if shift > 30 {
                return Err(bad("a count beyond 32 bits").into());
            }
            value |= i64::from(group & 31) << shift;
            shift += 5;
            if group & 32 == 0 {
                if group & 16 != 0 {
                    value |= -1 << shift;
                }
                if counts.len() > 2 {
                    value += i64::from(counts[counts.len() - 2]);
                }
                counts.push(u32::try_from(value).map_err(|_| bad("a negative count"))?);
                (value, shift) = (0, 0);
            }
        }
        if shift != 0 {
            return Err(Malformed::at(FORMAT, text.len() as u64, "it ends inside a count").into());
        }
        Self::new(height, width, counts)
    }

    /// COCO's string.
    #[must_use]
    pub fn to_compressed(&self) -> String {
        let mut text = String::with_capacity(self.counts.len() * 2);
        for (i, count) in self.counts.iter().enumerate() {
            let before = if i > 2 { i64::from(self.counts[i - 2]) } else { 0 };
            let mut value = i64::from(*count) - before;
            loop {
                let group = (value & 31) as u8;
                value >>= 5;
                let more = if group & 16 == 0 { value != 0 } else { value != -1 };
                text.push(char::from(group + if more { 32 } else { 0 } + 48));
                if !more {
                    break;
                }
            }
        }
        text
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The run lengths.
    #[must_use]
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// The pixels, 1 inside and 0 outside.
    ///
    /// # Errors
    /// [`Error::Limit`](crate::Error) if they are more bytes than `limits` allow.
    pub fn to_mask(&self, order: PixelOrder, limits: &Limits) -> Result<Vec<u8>> {
        let mut pixels = vec![0; limits.product("mask (bytes)", &[self.height.into(), self.width.into()])?];
        self.paint(order, &mut pixels);
        Ok(pixels)
    }

    /// As [`to_mask`](Self::to_mask), into a buffer of the caller's: allocates nothing.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error) unless the buffer has a byte for each pixel.
    pub fn to_mask_into(&self, order: PixelOrder, pixels: &mut [u8]) -> Result<()> {
        Mismatch::check("pixels of a mask", self.height as usize * self.width as usize, pixels.len())?;
        pixels.fill(0);
        self.paint(order, pixels);
        Ok(())
    }

    /// Writes the ones into `pixels`, which has a zero for each pixel.
    fn paint(&self, order: PixelOrder, pixels: &mut [u8]) {
        let (h, w) = (self.height as usize, self.width as usize);
        let mut at = 0;
        for (i, count) in self.counts.iter().enumerate() {
            let end = at + *count as usize;
            match order {
                _ if i % 2 == 0 => {}
                PixelOrder::Columns => pixels[at..end].fill(1), // the counts sum to the length
                PixelOrder::Rows => (at..end).for_each(|p| pixels[p % h * w + p / h] = 1),
            }
            at = end;
        }
    }

    /// How many pixels are inside.
    #[must_use]
    pub fn area(&self) -> u64 {
        self.counts.iter().skip(1).step_by(2).map(|c| u64::from(*c)).sum()
    }

    /// The smallest rectangle around the pixels inside: left, top, width, height; zeros if there are none.
    #[must_use]
    pub fn bounding_box(&self) -> [f64; 4] {
        let height = u64::from(self.height.max(1));
        let (mut left, mut top, mut right, mut bottom) = (u64::MAX, u64::MAX, 0, 0);
        let mut at = 0u64;
        for (i, count) in self.counts.iter().enumerate() {
            let end = at + u64::from(*count);
            if i % 2 == 1 && end > at {
                let (first, last) = (at, end - 1);
                (left, right) = (left.min(first / height), right.max(last / height));
                if first / height < last / height {
                    (top, bottom) = (0, height - 1);
                } else {
                    (top, bottom) = (top.min(first % height), bottom.max(last % height));
                }
            }
            at = end;
        }
        if left == u64::MAX {
            return [0.0; 4];
        }
        [left as f64, top as f64, (right - left + 1) as f64, (bottom - top + 1) as f64]
    }

    /// The pixels that are in either.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error) if the masks have different sizes.
    pub fn union(&self, other: &Self) -> Result<Self> {
        self.merge(other, |a, b| a || b)
    }

    /// The pixels that are in both.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error) if the masks have different sizes.
    pub fn intersection(&self, other: &Self) -> Result<Self> {
        self.merge(other, |a, b| a && b)
    }

    /// How many pixels are in both.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error) if the masks have different sizes.
    pub fn intersection_area(&self, other: &Self) -> Result<u64> {
        let mut area = 0;
        self.sweep(other, |length, a, b| area += if a && b { u64::from(length) } else { 0 })?;
        Ok(area)
    }

    fn merge(&self, other: &Self, rule: impl Fn(bool, bool) -> bool) -> Result<Self> {
        let mut runs = Runs::default();
        self.sweep(other, |length, a, b| runs.push(rule(a, b), length))?;
        Ok(Self { height: self.height, width: self.width, counts: runs.finish() })
    }

    /// Calls `f` with each stretch on which neither mask changes.
    fn sweep(&self, other: &Self, mut f: impl FnMut(u32, bool, bool)) -> Result<()> {
        let size = |m: &Self| format!("{} x {}", m.height, m.width);
        if (self.height, self.width) != (other.height, other.width) {
            return Err(Mismatch::new("sizes of two masks", size(self), size(other)).into());
        }
        let (mut a, mut b) = (self.counts.iter(), other.counts.iter());
        let (mut left_a, mut left_b, mut in_a, mut in_b) = (0, 0, true, true);
        loop {
            while left_a == 0 {
                let Some(count) = a.next() else { return Ok(()) }; // both sum to the same
                (left_a, in_a) = (*count, !in_a);
            }
            while left_b == 0 {
                let Some(count) = b.next() else { return Ok(()) };
                (left_b, in_b) = (*count, !in_b);
            }
            let length = left_a.min(left_b);
            f(length, in_a, in_b);
            (left_a, left_b) = (left_a - length, left_b - length);
        }
    }
}

/// Run lengths that grow; equal neighbours become one run.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    counts: Vec<u32>,
    length: u32,
    inside: bool,
}

impl Runs {
    pub(crate) fn push(&mut self, inside: bool, length: u32) {
        if inside != self.inside {
            self.counts.push(self.length);
            (self.inside, self.length) = (inside, 0);
        }
        self.length += length;
    }

    fn extend(&mut self, pixels: &[u8]) {
        let mut rest = pixels;
        while let Some(first) = rest.first() {
            let inside = *first != 0;
            // sixteen at a time: long runs of one value are the rule
            let word = [*first; 16];
            let words = rest.as_chunks::<16>().0.iter().take_while(|c| **c == word).count();
            let length = 16 * words + rest[16 * words..].iter().take_while(|p| (**p != 0) == inside).count();
            self.push(inside, length as u32);
            rest = &rest[length..];
        }
    }

    pub(crate) fn finish(mut self) -> Vec<u32> {
        self.counts.push(self.length);
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_must_fill_the_picture() {
        assert!(Rle::new(2, 2, vec![1, 2]).is_err());
        assert!(Rle::new(u32::MAX, u32::MAX, vec![]).is_err());
        assert!(Rle::new(2, 2, vec![u32::MAX, u32::MAX]).is_err());
        assert!(Rle::new(0, 0, vec![]).is_ok());
        assert!(Rle::from_compressed(2, 3, "2").is_err());
        assert!(Rle::from_compressed(2, 3, "2d").is_err()); // ends inside a count
        assert!(Rle::from_compressed(2, 3, "oooooooooooo").is_err());
        assert!(Rle::from_compressed(2, 3, "\u{7f}").is_err());
    }

    #[test]
    fn pixels_there_and_back_in_both_orders() {
        let mut stream = eir_core::random::Generator::new(1, "rle").stream(0);
        for (h, w) in [(1, 1), (5, 7), (37, 23), (64, 50)] {
            for p in [0.0, 0.02, 0.5, 1.0] {
                let pixels: Vec<u8> = (0..h * w).map(|_| u8::from(stream.chance(p))).collect();
                for order in [PixelOrder::Rows, PixelOrder::Columns] {
                    let mask = Rle::from_mask(&pixels, h as u32, w as u32, order).unwrap();
                    assert_eq!(mask.to_mask(order, &Limits::default()).unwrap(), pixels);
                    assert_eq!(mask.area(), pixels.iter().map(|p| u64::from(*p)).sum::<u64>());
                    let again = Rle::from_compressed(h as u32, w as u32, &mask.to_compressed()).unwrap();
                    assert_eq!(again, mask);
                }
            }
        }
    }

    #[test]
    fn union_and_intersection_of_pixels() {
        let a = Rle::from_mask(&[0, 1, 1, 0], 2, 2, PixelOrder::Columns).unwrap();
        let b = Rle::from_mask(&[1, 1, 0, 0], 2, 2, PixelOrder::Columns).unwrap();
        assert_eq!(a.union(&b).unwrap().counts(), [0, 3, 1]);
        assert_eq!(a.intersection(&b).unwrap().counts(), [1, 1, 2]);
        assert_eq!(a.intersection_area(&b).unwrap(), 1);
        let other = Rle::new(1, 4, vec![4]).unwrap();
        assert!(a.union(&other).is_err());
    }

    #[test]
    fn survives_json_and_refuses_wrong_sums_there() {
        let mask = Rle::new(2, 2, vec![1, 2, 1]).unwrap();
        eir_core::testing::contract::serde_round_trip(&mask);
        assert!(serde_json::from_str::<Rle>(r#"{"height":2,"width":2,"counts":[1]}"#).is_err());
    }
}
