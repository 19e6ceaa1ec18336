//! DICOM: single images, and series of slices as one volume with right geometry.
//!
//! | what | how |
//! |---|---|
//! | a folder with the slices of one series | [`read_series`], or [`SeriesConfig`] for uneven spacing |
//! | which series lie in a folder | [`scan`] |
//! | one file, frame by frame | [`read_image`] |
//!
//! Encodings: implicit and explicit VR, both byte orders, deflated; pixels uncompressed, RLE, JPEG (8 bit and lossless), JPEG
//! 2000, deflated frames; 1, 8, 16 and 32 bits, `float` and `double`. JPEG-LS, JPEG XL and HTJ2K are an error that says so:
//! there is no decoder in safe Rust for them yet. Colour is an error.
//!
//! The files are read by this crate itself: nothing in a file is believed before it is compared with the bytes that are there,
//! sequences nest at most 32 deep, and sizes are checked against [`Limits`](crate::Limits) before memory is taken.

mod dataset;
mod image;
mod jpeg2000;
mod pixels;
mod series;

pub use image::{DicomImage, image_from_bytes, read_image};
pub use series::{Group, Series, SeriesConfig, Spacing, read_files, read_series, scan};
