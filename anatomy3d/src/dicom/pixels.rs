//! Pixel data of a DICOM file, frame by frame, in the encodings that safe decoders exist for.

use super::dataset::{BIG_ENDIAN, DEFLATED, EXPLICIT, FORMAT, File, IMPLICIT, Value, tag};
use super::jpeg2000;
use crate::{Result, gzip};
use eir_core::Limits;
use eir_core::error::{Malformed, Unsupported};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How the stored bits are to be read; checked against each other and against the bytes that are there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layout {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) frames: usize,
    pub(crate) bits_allocated: usize,
    pub(crate) bits_stored: usize,
    pub(crate) high_bit: usize,
    pub(crate) signed: bool,
    /// Real numbers instead of integers.
    pub(crate) float: bool,
}

fn bad(reason: &'static str) -> crate::Error {
    Malformed::new(FORMAT, reason).into()
}

impl Layout {
    pub(crate) fn of(file: &File<'_>, limits: &Limits) -> Result<Self> {
        let number = |tag, reason| file.u16(tag).map(usize::from).ok_or_else(|| bad(reason));
        let rows = number(tag::ROWS, "it has no number of rows")?;
        let columns = number(tag::COLUMNS, "it has no number of columns")?;
        let float = [tag::FLOAT_PIXELS, tag::DOUBLE_PIXELS].iter().any(|t| file.root().contains_key(t));
        if !float && !file.root().contains_key(&tag::PIXELS) {
            return Err(bad("it has no pixel data"));
        }
        let bits_allocated = number(tag::BITS_ALLOCATED, "it does not say how many bits a pixel has")?;
        let bits_stored = file.u16(tag::BITS_STORED).map_or(bits_allocated, usize::from);
        let high_bit = file.u16(tag::HIGH_BIT).map_or(bits_stored.saturating_sub(1), usize::from);
        let signed = file.u16(tag::PIXEL_REPRESENTATION) == Some(1);
        let frames = match file.text(tag::FRAMES) {
            Some(text) => {
                text.parse::<usize>().ok().filter(|n| *n > 0).ok_or_else(|| bad("its number of frames is none"))?
            }
            None => 1,
        };
        if file.u16(tag::SAMPLES).unwrap_or(1) != 1 {
            return Err(Unsupported::new("a colour image", "give slices with one sample per pixel").into());
        }
        if rows == 0 || columns == 0 {
            return Err(bad("it has no rows or no columns"));
        }
        let allowed: &[usize] = if float { &[32, 64] } else { &[1, 8, 16, 32] };
        if !allowed.contains(&bits_allocated) {
            return Err(Unsupported::new(format!("{bits_allocated} bits per pixel"), "give 1, 8, 16 or 32 bits").into());
        }
        let agree =
            (1..=bits_allocated).contains(&bits_stored) && (bits_stored - 1..bits_allocated).contains(&high_bit);
        if !float && !agree {
            return Err(bad("its bits allocated, bits stored and high bit contradict each other"));
        }
        limits.check_items("frames", frames as u64)?;
        limits.product("pixels (bytes)", &[rows as u64, columns as u64, frames as u64, 4])?;
        Ok(Self { rows, columns, frames, bits_allocated, bits_stored, high_bit, signed, float })
    }

    pub(crate) fn pixels(&self) -> usize {
        self.rows * self.columns
    }

    /// Stored numbers as values: unused bits away, sign extended.
    fn value(&self, raw: u64) -> f64 {
        let shifted = raw >> (self.high_bit + 1 - self.bits_stored);
        let unused = 64 - self.bits_stored as u32;
        let bits = shifted << unused;
        if self.signed { (bits as i64 >> unused) as f64 } else { (bits >> unused) as f64 }
    }

    /// Whole frames of bytes, or of single bits, as values.
    fn unpack(&self, bytes: &[u8], first_bit: usize, big_endian: bool) -> Option<Vec<f64>> {
        let n = self.pixels();
        macro_rules! read {
            ($type:ty, $size:literal, |$v:ident| $value:expr) => {{
                let numbers = bytes.get(..n * $size)?.as_chunks::<$size>().0.iter();
                if big_endian {
                    numbers.map(|c| <$type>::from_be_bytes(*c)).map(|$v| $value).collect()
                } else {
                    numbers.map(|c| <$type>::from_le_bytes(*c)).map(|$v| $value).collect()
                }
            }};
        }
        Some(match (self.bits_allocated, self.float) {
            (1, _) => {
                let end = (first_bit + n).div_ceil(8);
                let bytes = bytes.get(..end)?;
                (first_bit..first_bit + n).map(|bit| f64::from(bytes[bit / 8] >> (bit % 8) & 1)).collect()
            }
            (8, _) => bytes.get(..n)?.iter().map(|v| self.value(u64::from(*v))).collect(),
            (16, _) => read!(u16, 2, |v| self.value(u64::from(v))),
            (32, false) => read!(u32, 4, |v| self.value(u64::from(v))),
            (32, true) => read!(f32, 4, |v| f64::from(v)),
            _ => read!(f64, 8, |v| v),
        })
    }
}

/// The values of frame `index`, row by row, before slope and intercept.
pub(crate) fn frame(file: &File<'_>, layout: &Layout, index: usize, limits: &Limits) -> Result<Vec<f64>> {
    let short = || bad("it has fewer pixels than rows, columns and frames ask for");
    let bits = layout.pixels() * layout.bits_allocated;
    let whole = [tag::PIXELS, tag::FLOAT_PIXELS, tag::DOUBLE_PIXELS].iter().find_map(|t| file.bytes(*t));
    if let Some(bytes) = whole {
        if ![IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN].contains(&file.syntax()) {
            return Err(bad("its pixels should be compressed, but have no fragments"));
        }
        // frames of single bits follow one another without padding
        let first = bits.checked_mul(index).ok_or_else(short)?;
        let rest = bytes.get(first / 8..).ok_or_else(short)?;
        // explicit VR big-endian swaps the bytes of OW, which 8-bit and 1-bit pixels may be stored as; single bytes are OB here
        return layout.unpack(rest, first % 8, file.big_endian()).ok_or_else(short);
    }
    let Some(Value::Fragments(fragments)) = file.root().get(&tag::PIXELS) else {
        return Err(bad("it has no pixel data"));
    };
    let parts = of_frame(file, fragments, layout.frames, index)
        .ok_or_else(|| bad("its fragments do not tell its frames apart"))?;
    let joined: Vec<u8>;
    let bytes = match parts {
        [one] => file.slice(one),
        many => {
            joined = many.iter().flat_map(|r| file.slice(r)).copied().collect();
            &joined
        }
    };
    match file.syntax() {
        "1.2.840.10008.1.2.5" => rle(bytes, layout).ok_or_else(|| bad("its run-length code is broken")),
        "1.2.840.10008.1.2.8.1" => {
            let size = bits.div_ceil(8) as u64;
            let unpacked = gzip::inflate_raw(FORMAT, bytes, &limits.with_bytes(size + 1))?;
            layout.unpack(&unpacked, 0, false).ok_or_else(short)
        }
        "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51" | "1.2.840.10008.1.2.4.57" | "1.2.840.10008.1.2.4.70" => {
            jpeg(bytes, layout)
        }
        "1.2.840.10008.1.2.4.90" | "1.2.840.10008.1.2.4.91" => jpeg2000::decode(bytes, layout),
        syntax => {
            let what = format!("DICOM transfer syntax {syntax}");
            Err(Unsupported::new(
                what,
                "convert the files to Explicit VR Little Endian (dcmdjpls, dcmconv or gdcmconv --raw)",
            )
            .into())
        }
    }
}

/// The fragments of one frame; the first of all is the table of offsets.
fn of_frame<'f>(
    file: &File<'_>,
    fragments: &'f [Range<usize>],
    frames: usize,
    index: usize,
) -> Option<&'f [Range<usize>]> {
    let (table, parts) = fragments.split_first()?;
    if frames == 1 {
        return (!parts.is_empty()).then_some(parts);
    }
    if parts.len() == frames {
        return parts.get(index..=index);
    }
    // offsets count from the first fragment's item, whose header takes 8 bytes
    let table = file.slice(table).as_chunks::<4>().0;
    let offset = |i: usize| table.get(i).map(|b| u32::from_le_bytes(*b) as usize);
    let zero = parts.first()?.start;
    let place = |offset: usize| parts.iter().position(|p| p.start - zero == offset);
    let from = place(offset(index)?)?;
    let to = offset(index + 1).map_or(Some(parts.len()), place)?;
    parts.get(from..to).filter(|p| !p.is_empty())
}

/// RLE (PS3.5 annex G): the bytes of the numbers, highest first, each compressed as PackBits.
fn rle(bytes: &[u8], layout: &Layout) -> Option<Vec<f64>> {
    let word = |i: usize| Some(u32::from_le_bytes(*bytes.get(4 * i..)?.first_chunk::<4>()?) as usize);
    let planes = layout.bits_allocated.div_ceil(8);
    if word(0)? != planes {
        return None;
    }
    let length = if layout.bits_allocated == 1 { layout.pixels().div_ceil(8) } else { layout.pixels() };
    let mut raw = vec![0u8; length * planes];
    for plane in 0..planes {
        let end = if plane + 1 < planes { word(plane + 2)? } else { bytes.len() };
        let unpacked = pack_bits(bytes.get(word(plane + 1)?..end)?, length)?;
        for (place, byte) in raw.iter_mut().skip(planes - 1 - plane).step_by(planes).zip(unpacked) {
            *place = byte;
        }
    }
    layout.unpack(&raw, 0, false)
}

fn pack_bits(mut bytes: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(length);
    while out.len() < length {
        let (code, rest) = bytes.split_first()?;
        match code {
            0..=127 => {
                let (literal, rest) = rest.split_at_checked(usize::from(*code) + 1)?;
                out.extend_from_slice(literal);
                bytes = rest;
            }
            128 => bytes = rest,
            129..=255 => {
                let (byte, rest) = rest.split_first()?;
                out.resize(out.len() + 257 - usize::from(*code), *byte);
                bytes = rest;
            }
        }
    }
    out.truncate(length);
    Some(out)
}

/// JPEG, sequential and lossless: size and depth are read and compared before anything is decoded.
fn jpeg(bytes: &[u8], layout: &Layout) -> Result<Vec<f64>> {
    let broken = || bad("its JPEG data are broken");
    let decode = || {
        let mut decoder = jpeg_decoder::Decoder::new(bytes);
        decoder.set_max_decoding_buffer_size(layout.pixels() * 4);
        decoder.read_info().ok()?;
        let info = decoder.info()?;
        let size = match info.pixel_format {
            jpeg_decoder::PixelFormat::L8 => 1,
            jpeg_decoder::PixelFormat::L16 => 2,
            _ => return None,
        };
        if (usize::from(info.height), usize::from(info.width)) != (layout.rows, layout.columns) {
            return None;
        }
        Some((decoder.decode().ok()?, size))
    };
    // a second net: a foreign decoder must not end the program
    let decoded = catch_unwind(AssertUnwindSafe(decode)).ok().flatten();
    let (decoded, size) = decoded.filter(|(d, size)| d.len() == layout.pixels() * size).ok_or_else(broken)?;
    let value = |raw: u64| layout.value(raw & ((1 << layout.bits_allocated) - 1));
    Ok(if size == 1 {
        decoded.iter().map(|v| value(u64::from(*v))).collect()
    } else {
        decoded.as_chunks::<2>().0.iter().map(|c| value(u64::from(u16::from_ne_bytes(*c)))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(bits_allocated: usize, bits_stored: usize, signed: bool) -> Layout {
        let (rows, columns, frames) = (2, 2, 1);
        Layout { rows, columns, frames, bits_allocated, bits_stored, high_bit: bits_stored - 1, signed, float: false }
    }

    #[test]
    fn twelve_bits_of_sixteen() {
        let l = layout(16, 12, true);
        assert_eq!(
            l.unpack(&[0xff, 0x0f, 0, 0x08, 0xff, 0x07, 0, 0xf0], 0, false).unwrap(),
            [-1.0, -2048.0, 2047.0, 0.0]
        );
    }

    #[test]
    fn bits_count_from_the_lowest() {
        assert_eq!(layout(1, 1, false).unpack(&[0b0010_1100], 2, false).unwrap(), [1.0, 1.0, 0.0, 1.0]);
    }

    #[test]
    fn pack_bits_as_in_the_standard() {
        assert_eq!(pack_bits(&[2, 7, 8, 9, 254, 5, 128, 0, 1], 7).unwrap(), [7, 8, 9, 5, 5, 5, 1]);
        assert_eq!(pack_bits(&[2, 7], 7), None);
        assert_eq!(pack_bits(&[254, 5], 2).unwrap(), [5, 5]);
    }
}
