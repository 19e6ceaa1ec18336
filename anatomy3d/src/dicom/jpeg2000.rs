//! JPEG 2000 frames: the image size is read and compared before the decoder sees anything.

use super::dataset::FORMAT;
use super::pixels::Layout;
use crate::Result;
use eir_core::error::Malformed;
use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The values of a frame.
pub(crate) fn decode(bytes: &[u8], layout: &Layout) -> Result<Vec<f64>> {
    let broken = |reason: &'static str| Malformed::new(FORMAT, reason);
    let stream = codestream(bytes).ok_or_else(|| broken("its JPEG 2000 data have no codestream"))?;
    let size = Size::read(stream).ok_or_else(|| broken("its JPEG 2000 data have no image size"))?;
    if (size.height, size.width) != (layout.rows as u64, layout.columns as u64) {
        return Err(broken("its JPEG 2000 image has another size than its rows and columns").into());
    }
    if size.components != 1 || size.tiles > 65_535 || size.precision > 24 {
        return Err(broken("its JPEG 2000 image is no single-channel image of at most 24 bits").into());
    }
    let decode = || {
        let image = Image::new(stream, &DecodeSettings { strict: true, ..DecodeSettings::default() }).ok()?;
        let mut context = DecoderContext::default();
        let decoded = image.decode(&mut context).ok()?;
        // the decoder treats all samples as unsigned
        let shift = if size.signed { f64::from(1u32 << (size.precision - 1)) } else { 0.0 };
        let samples = decoded.components().first()?.samples();
        Some(samples.iter().map(|v| f64::from(v.round()) - shift).collect::<Vec<f64>>())
    };
    // a second net: a foreign decoder must not end the program
    let values = catch_unwind(AssertUnwindSafe(decode)).ok().flatten();
    let mut values =
        values.filter(|v| v.len() == layout.pixels()).ok_or_else(|| broken("its JPEG 2000 data are broken"))?;
    // lossy images may reach beyond the range
    let (low, high) = if size.signed {
        (-f64::from(1u32 << (size.precision - 1)), f64::from((1u32 << (size.precision - 1)) - 1))
    } else {
        (0.0, f64::from((1u32 << size.precision) - 1))
    };
    for value in &mut values {
        *value = value.clamp(low, high);
        if layout.signed && !size.signed && *value >= f64::from(1u32 << (layout.bits_stored.clamp(1, 24) - 1)) {
            // signed numbers that were coded as if they were unsigned
            *value -= f64::from(1u32 << layout.bits_stored.min(24));
        }
    }
    Ok(values)
}

/// The codestream itself: DICOM wants it bare, some writers leave it in its JP2 boxes.
fn codestream(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.starts_with(&[0xff, 0x4f, 0xff, 0x51]) {
        return Some(bytes);
    }
    let mut rest = bytes;
    while let Some((head, _)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let length = if length == 0 { rest.len() } else { length };
        if length < 8 || length > rest.len() {
            return None;
        }
        if &head[4..] == b"jp2c" {
            return Some(&rest[8..length]).filter(|s| s.starts_with(&[0xff, 0x4f, 0xff, 0x51]));
        }
        rest = &rest[length..];
    }
    None
}

/// What the SIZ segment says.
struct Size {
    width: u64,
    height: u64,
    tiles: u64,
    components: u16,
    precision: u32,
    signed: bool,
}

impl Size {
    fn read(stream: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u64::from(u32::from_be_bytes(*stream.get(at..)?.first_chunk::<4>()?)));
        let [x, y, x0, y0, tx, ty, tx0, ty0] =
            [word(8)?, word(12)?, word(16)?, word(20)?, word(24)?, word(28)?, word(32)?, word(36)?];
        let components = u16::from_be_bytes(*stream.get(40..)?.first_chunk::<2>()?);
        let depth = *stream.get(42)?;
        if tx == 0 || ty == 0 {
            return None;
        }
        let tiles = x.checked_sub(tx0)?.div_ceil(tx).saturating_mul(y.checked_sub(ty0)?.div_ceil(ty));
        let precision = u32::from(depth & 0x7f) + 1;
        Some(Self {
            width: x.checked_sub(x0)?,
            height: y.checked_sub(y0)?,
            tiles,
            components,
            precision,
            signed: depth & 0x80 != 0,
        })
    }
}
