//! One DICOM file.

use super::dataset::{Elements, File, tag};
use super::pixels::{self, Layout};
use crate::Result;
use eir_core::Limits;
use std::path::Path;

/// The image of one DICOM file: its frames as they are stored, and where they lie.
///
/// **Use it** for single images and multi-frame files. For the slices of a scan see [`read_series`](super::read_series).
#[derive(Debug, Clone, PartialEq)]
pub struct DicomImage {
    layout: Layout,
    syntax: String,
    modality: String,
    slope: Option<f64>,
    intercept: Option<f64>,
    positions: Vec<[f64; 3]>,
    orientation: Option<[f64; 6]>,
    pixel_spacing: Option<[f64; 2]>,
    frames: Vec<Vec<f64>>,
}

/// Reads the image of one file.
///
/// # Errors
/// [`Error::Malformed`](crate::Error::Malformed) if it is no DICOM image or is broken,
/// [`Error::Unsupported`](crate::Error::Unsupported) for encodings without a decoder and for colour,
/// [`Error::Limit`](crate::Error::Limit) if it is larger than allowed.
pub fn read_image(path: impl AsRef<Path>, limits: &Limits) -> Result<DicomImage> {
    image_from_bytes(&eir_core::file::read(path.as_ref(), limits)?, limits)
}

/// As [`read_image`], from a file that is in memory.
///
/// # Errors
/// As `read_image`.
pub fn image_from_bytes(bytes: &[u8], limits: &Limits) -> Result<DicomImage> {
    let file = File::parse(bytes, limits)?;
    let layout = Layout::of(&file, limits)?;
    limits.product("frames in memory (bytes)", &[layout.pixels() as u64, layout.frames as u64, 8])?;
    let frames = (0..layout.frames).map(|i| pixels::frame(&file, &layout, i, limits)).collect::<Result<_>>()?;
    let places = Places::of(&file, layout.frames);
    Ok(DicomImage {
        layout,
        syntax: file.syntax().to_owned(),
        modality: file.text(tag::MODALITY).unwrap_or_default().to_owned(),
        slope: file.decimal(tag::SLOPE),
        intercept: file.decimal(tag::INTERCEPT),
        positions: places.positions,
        orientation: places.orientation,
        pixel_spacing: places.pixel_spacing,
        frames,
    })
}

impl DicomImage {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.layout.rows
    }
    /// Number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.layout.columns
    }
    /// Number of frames.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.layout.frames
    }
    /// Bits allocated, bits stored, high bit.
    #[must_use]
    pub fn bits(&self) -> [usize; 3] {
        [self.layout.bits_allocated, self.layout.bits_stored, self.layout.high_bit]
    }
    /// Whether stored numbers have a sign.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.layout.signed
    }
    /// Whether the pixels are real numbers.
    #[must_use]
    pub fn is_float(&self) -> bool {
        self.layout.float
    }
    /// Identifier of the transfer syntax.
    #[must_use]
    pub fn transfer_syntax(&self) -> &str {
        &self.syntax
    }
    /// "CT", "MR", …; empty if it is not said.
    #[must_use]
    pub fn modality(&self) -> &str {
        &self.modality
    }
    /// Slope and intercept of the modality (Hounsfield units), where the file has them.
    #[must_use]
    pub fn rescale(&self) -> (Option<f64>, Option<f64>) {
        (self.slope, self.intercept)
    }
    /// Centre of the first pixel of each frame, in mm (LPS); empty if it is not said.
    #[must_use]
    pub fn positions_mm(&self) -> &[[f64; 3]] {
        &self.positions
    }
    /// Direction of the rows and of the columns of the first frame.
    #[must_use]
    pub fn orientation(&self) -> Option<[f64; 6]> {
        self.orientation
    }
    /// Distance between rows, then between columns.
    #[must_use]
    pub fn pixel_spacing_mm(&self) -> Option<[f64; 2]> {
        self.pixel_spacing
    }
    /// The pixels of a frame as they are stored, row by row; none if there is no such frame.
    #[must_use]
    pub fn stored(&self, frame: usize) -> Option<&[f64]> {
        self.frames.get(frame).map(Vec::as_slice)
    }
}

/// Where the frames lie: in a classic file from its elements, in an enhanced one from its functional groups.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Places {
    pub(crate) positions: Vec<[f64; 3]>,
    pub(crate) orientation: Option<[f64; 6]>,
    pub(crate) pixel_spacing: Option<[f64; 2]>,
}

impl Places {
    pub(crate) fn of(file: &File<'_>, frames: usize) -> Self {
        fn array<const N: usize>(numbers: Option<Vec<f64>>) -> Option<[f64; N]> {
            numbers?.get(..N)?.try_into().ok()
        }
        let root = file.root();
        let per_frame = file.items(root, tag::FRAME_GROUPS);
        if per_frame.is_empty() {
            return Self {
                positions: array(file.decimals(tag::POSITION)).into_iter().collect(),
                orientation: array(file.decimals(tag::ORIENTATION)),
                pixel_spacing: array(file.decimals(tag::PIXEL_SPACING)),
            };
        }
        let shared = file.items(root, tag::SHARED_GROUPS).first();
        let find = |frame: &Elements, sequence, element| {
            // what stands with the frame counts before what all frames share
            let groups = [Some(frame), shared].into_iter().flatten();
            groups.filter_map(|g| file.items(g, sequence).first()).find_map(|item| file.decimals_in(item, element))
        };
        let positions =
            per_frame.iter().take(frames).filter_map(|f| array(find(f, tag::POSITION_SEQUENCE, tag::POSITION)));
        let first = per_frame.first();
        Self {
            positions: positions.collect(),
            orientation: first.and_then(|f| array(find(f, tag::ORIENTATION_SEQUENCE, tag::ORIENTATION))),
            pixel_spacing: first.and_then(|f| array(find(f, tag::MEASURES_SEQUENCE, tag::PIXEL_SPACING))),
        }
    }
}
