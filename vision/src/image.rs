//! Pictures: decoding within limits, the way up that the camera noted, and PNG out.

use crate::{Error, Result};
use eir_core::error::{Malformed, Mismatch, Parameter, Unsupported};
use eir_core::{Limits, file};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageError, ImageReader};
use std::io::Cursor;
use std::path::Path;

/// Width and height that a picture may have at most; more does not fit the files that it comes from either.
const MAX_SIDE: usize = 65_535;

/// A picture: 8-bit RGB, row by row from the top left.
///
/// Pixel (x, y) has its centre at (x, y): the top-left pixel's centre is (0, 0). All positions of this crate are so.
///
/// # Examples
/// ```
/// use eir_vision::Image;
/// use eir_core::Limits;
///
/// let picture = Image::filled(3, 2, [10, 20, 30])?;
/// let again = Image::decode(&picture.png()?, &Limits::default())?;
/// assert_eq!((again.width(), again.height(), again.pixel(2, 1)), (3, 2, Some([10, 20, 30])));
/// # Ok::<(), eir_vision::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Image {
    /// A picture from its RGB bytes (3 per pixel, row by row).
    ///
    /// # Errors
    /// [`Error::Parameter`] if a side is 0 or above 65 535, [`Error::Mismatch`] if the bytes do not fill it.
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Result<Self> {
        check_sides(width, height)?;
        let expected = width * height * 3;
        if rgb.len() != expected {
            return Err(Mismatch::new("bytes of an RGB picture", expected, rgb.len()).into());
        }
        Ok(Self { width, height, rgb })
    }

    /// A picture of one colour.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a side is 0 or above 65 535.
    pub fn filled(width: usize, height: usize, colour: [u8; 3]) -> Result<Self> {
        check_sides(width, height)?;
        Ok(Self { width, height, rgb: colour.repeat(width * height) })
    }

    /// Reads the PNG or JPEG file at `path`.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), and [`Error::Io`] if the file cannot be read.
    pub fn read(path: &Path, limits: &Limits) -> Result<Self> {
        Self::decode(&file::read(path, limits)?, limits)
    }

    /// Decodes a PNG or JPEG file.
    ///
    /// The picture is turned as its EXIF orientation says, so that up is up. Grey becomes RGB, 16 bits become 8, an
    /// alpha channel is dropped (not blended). Colour profiles are not applied: the published networks were trained
    /// without.
    ///
    /// # Errors
    /// [`Error::Limit`] before memory is taken if the decoded picture would exceed `limits`, [`Error::Unsupported`] if
    /// it is neither PNG nor JPEG, [`Error::Malformed`] if it is broken.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self> {
        limits.check("picture file (bytes)", bytes.len() as u64)?;
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(|_| malformed("its head cannot be read"))?;
        let mut inner = image::Limits::default();
        inner.max_image_width = Some(MAX_SIDE as u32);
        inner.max_image_height = Some(MAX_SIDE as u32);
        inner.max_alloc = Some(limits.bytes);
        reader.limits(inner);
        let mut decoder = reader.into_decoder().map_err(foreign)?;
        let (width, height) = decoder.dimensions();
        let (width, height) = (u64::from(width), u64::from(height));
        let channels = u64::from(decoder.color_type().bytes_per_pixel());
        limits.product("decoded picture (bytes)", &[width, height, channels.max(3)])?;
        let orientation = decoder.orientation().map_err(foreign)?;
        let mut picture = DynamicImage::from_decoder(decoder).map_err(foreign)?;
        picture.apply_orientation(orientation);
        let picture = picture.into_rgb8();
        Self::new(picture.width() as usize, picture.height() as usize, picture.into_raw())
    }

    /// The picture as a PNG file.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the encoder refuses, which it does not for a picture that exists.
    pub fn png(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive)
            .write_image(&self.rgb, self.width as u32, self.height as u32, ExtendedColorType::Rgb8)
            .map_err(foreign)?;
        Ok(bytes)
    }

    /// Pixels per row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The RGB bytes, row by row.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The RGB bytes, to be drawn on.
    pub fn rgb_mut(&mut self) -> &mut [u8] {
        &mut self.rgb
    }

    /// The picture turned to the right by so many quarters.
    #[cfg(feature = "mp4")]
    pub(crate) fn turned(&self, quarters: u8) -> Result<Self> {
        let (w, h) = (self.width, self.height);
        let (width, height) = if quarters.is_multiple_of(2) { (w, h) } else { (h, w) };
        let mut out = Self::filled(width, height, [0; 3])?;
        let pixels = self.rgb.as_chunks::<3>().0;
        for (y, row) in out.rgb.chunks_exact_mut(3 * width).enumerate() {
            for (x, to) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let from = match quarters % 4 {
                    0 => y * w + x,
                    1 => (h - 1 - x) * w + y,
                    2 => (h - 1 - y) * w + w - 1 - x,
                    _ => x * w + w - 1 - y,
                };
                *to = pixels[from];
            }
        }
        Ok(out)
    }

    /// The colour of pixel (`x`, `y`), if it is inside.
    #[must_use]
    pub fn pixel(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        if x >= self.width || y >= self.height {
            return None;
        }
        let at = (y * self.width + x) * 3;
        self.rgb.get(at..at + 3).and_then(|p| p.try_into().ok())
    }
}

fn check_sides(width: usize, height: usize) -> Result<()> {
    for (name, side) in [("width", width), ("height", height)] {
        if side == 0 || side > MAX_SIDE {
            return Err(Parameter::new(name, side as f64, "1 to 65 535 pixels").into());
        }
    }
    Ok(())
}

fn malformed(reason: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Malformed::new("PNG or JPEG file", reason).into()
}

fn foreign(error: ImageError) -> Error {
    match error {
        ImageError::Unsupported(_) => Unsupported::new("this picture format", "give PNG or JPEG").into(),
        ImageError::Limits(_) => malformed("it asks for more than the limits allow"),
        other => malformed(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_and_bytes_are_checked() {
        assert!(matches!(Image::new(0, 1, vec![]), Err(Error::Parameter(_))));
        assert!(matches!(Image::filled(1, 70_000, [0; 3]), Err(Error::Parameter(_))));
        assert!(matches!(Image::new(2, 2, vec![0; 11]), Err(Error::Mismatch(_))));
        assert_eq!(Image::filled(2, 2, [1, 2, 3]).unwrap().pixel(2, 0), None);
    }

    #[test]
    fn a_large_claim_is_refused_before_memory_is_taken() {
        let png = Image::filled(60, 60, [0; 3]).unwrap().png().unwrap();
        let small = Limits::default().with_bytes(60 * 60 * 3 - 1);
        assert!(matches!(Image::decode(&png, &small), Err(Error::Limit(_))));
        assert!(Image::decode(&png, &small.with_bytes(1 << 20)).is_ok());
    }

    #[test]
    fn other_formats_are_named_as_such() {
        assert!(matches!(Image::decode(b"GIF89a\x01\x00\x01\x00", &Limits::default()), Err(Error::Unsupported(_))));
        assert!(Image::decode(b"", &Limits::default()).is_err());
    }

    /// A JPEG of 2 x 1 pixels, left dark and right bright, with an EXIF orientation put in: 6 turns it upright.
    #[test]
    fn exif_orientation_is_honoured() {
        let mut jpeg = Vec::new();
        let rgb: Vec<u8> = (0..16 * 8).flat_map(|i| [if i % 16 < 8 { 0u8 } else { 255 }; 3]).collect();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 95)
            .write_image(&rgb, 16, 8, ExtendedColorType::Rgb8)
            .unwrap();
        let exif = |orientation: u8| {
            let mut body = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
            body.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
            let mut segment = vec![0xff, 0xe1];
            segment.extend(((body.len() + 2) as u16).to_be_bytes());
            segment.extend(body);
            segment
        };
        let with = |orientation| [&jpeg[..2], &exif(orientation), &jpeg[2..]].concat();
        let plain = Image::decode(&with(1), &Limits::default()).unwrap();
        assert_eq!((plain.width(), plain.height()), (16, 8));
        let turned = Image::decode(&with(6), &Limits::default()).unwrap();
        assert_eq!((turned.width(), turned.height()), (8, 16));
        // left becomes top
        assert!(turned.pixel(4, 1).unwrap()[0] < 20 && turned.pixel(4, 14).unwrap()[0] > 235);
    }
}
