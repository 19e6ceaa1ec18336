//! Malformed files, made here byte by byte: what broke other people's readers must not break ours.
//!
//! Each function gives the [`Recipe`]s of one format; [`contract::withstands`](super::contract::withstands) applies them:
//!
//! ```
//! use eir_core::testing::{PeakAlloc, contract, recipes};
//! # fn parse(bytes: &[u8]) -> Result<f64, std::num::ParseFloatError> { String::from_utf8_lossy(bytes).trim().parse() }
//! #[global_allocator]
//! static MEMORY: PeakAlloc = PeakAlloc;
//! contract::withstands("a number", recipes::json(), parse);
//! ```
//!
//! | numbers | formats |
//! |---|---|
//! | 1–13 | [`dicom`] |
//! | 14–22 | [`nifti`], [`nrrd`], [`stl`], [`obj`], [`gltf`] |
//! | 23–26 | [`wfdb_header`], [`wfdb_samples`], [`wfdb_annotations`], [`edf`], [`csv`] |
//! | 27–30 | [`wav`], [`flac`], [`mp4`], [`ogg`], [`png`], [`tiff`], [`jpeg`], [`jpeg2000`] |
//! | 31–36 | [`json`], [`xml`], [`safetensors()`], [`zip`], [`parquet`], [`coco`] |

mod dicom;
mod media;
mod text;
mod volumes;
mod waveforms;

pub use dicom::{DICOM_SECRETS, dicom};
pub use media::{flac, jpeg, jpeg2000, mp4, ogg, png, tiff, wav};
pub use text::{coco, json, parquet, safetensors, xml, zip};
pub use volumes::{gltf, nifti, nrrd, obj, stl};
pub use waveforms::{csv, edf, wfdb_annotations, wfdb_header, wfdb_samples};

/// One malformed (or odd but valid) file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recipe {
    /// Number of its kind, 1 to 36.
    pub number: u8,
    /// What is wrong with it.
    pub name: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
    /// What a reader must do with it.
    pub must: Must,
}

impl Recipe {
    /// The recipe for a reader of which something else is asked: that reads a part only, or knows no such format.
    #[must_use]
    pub fn with_must(self, must: Must) -> Self {
        Self { must, ..self }
    }
}

/// What a reader must do with a [`Recipe`]; within bounds in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Must {
    /// Refuse it: there is no right result.
    Fail,
    /// Read it: it is odd, but valid.
    Read,
    /// Either: readers may differ in how strict they are.
    Either,
}

fn fail(number: u8, name: &'static str, bytes: impl Into<Vec<u8>>) -> Recipe {
    Recipe { number, name, bytes: bytes.into(), must: Must::Fail }
}

fn read(number: u8, name: &'static str, bytes: impl Into<Vec<u8>>) -> Recipe {
    fail(number, name, bytes).with_must(Must::Read)
}

fn either(number: u8, name: &'static str, bytes: impl Into<Vec<u8>>) -> Recipe {
    fail(number, name, bytes).with_must(Must::Either)
}

/// `bytes` with what lies at `at` replaced by `by`.
fn patched(bytes: &[u8], at: usize, by: &[u8]) -> Vec<u8> {
    [&bytes[..at], by, &bytes[at + by.len()..]].concat()
}

/// The cyclic redundancy check of PNG, gzip and zip.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| (c >> 1) ^ if c & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

/// Bits, least significant first, as deflate has them.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn put(&mut self, value: u32, count: usize) {
        for bit in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= ((value >> bit & 1) as u8) << (self.used % 8);
            self.used += 1;
        }
    }
}

/// A deflate stream of at least `length` zeros at 1032 : 1, the densest there is: a symbol of one bit stands for 258 bytes.
fn deflate_bomb(length: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(1, 1); // the last block
    bits.put(2, 2); // with its own codes
    bits.put(286 - 257, 5);
    bits.put(0, 5); // one distance code
    bits.put(18 - 4, 4);
    // lengths of the codes' codes, in deflate's order 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1
    for bits_of_code in [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2] {
        bits.put(bits_of_code, 3);
    }
    // prefix codes, their first bit lowest: 18 (a run of zeros) is 0, 1 is 10, 2 is 11
    let run = |bits: &mut Bits, zeros: u32| {
        bits.put(0, 1);
        bits.put(zeros - 11, 7);
    };
    bits.put(0b11, 2); // literal 0: two bits
    run(&mut bits, 138);
    run(&mut bits, 117);
    bits.put(0b11, 2); // 256, the end: two bits
    run(&mut bits, 28);
    bits.put(0b01, 2); // 285, 258 bytes again: one bit
    bits.put(0b01, 2); // distance 1: one bit
    // 285 is 0, literal 0 is 10, the end is 11
    bits.put(0b01, 2);
    for _ in 0..length.div_ceil(258) {
        bits.put(0b00, 2);
    }
    bits.put(0b11, 2);
    bits.bytes
}

/// A deflate stream that holds `bytes` as they are.
fn deflate_stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let pieces: Vec<&[u8]> = if bytes.is_empty() { vec![bytes] } else { bytes.chunks(65_535).collect() };
    for (i, piece) in pieces.iter().enumerate() {
        let length = piece.len() as u16;
        out.push(u8::from(i + 1 == pieces.len()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(*piece);
    }
    out
}

/// A gzip member around the deflate stream `packed` of `length` bytes whose check is `crc`.
fn gzip_member(packed: &[u8], crc: u32, length: usize) -> Vec<u8> {
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    [&head, packed, &crc.to_le_bytes(), &(length as u32).to_le_bytes()].concat()
}

/// `bytes` as a gzip file.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    gzip_member(&deflate_stored(bytes), crc32(bytes), bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_recipe() {
        let all = [
            dicom(),
            nifti(),
            nrrd(),
            stl(),
            obj(),
            gltf(),
            wfdb_header(),
            wfdb_samples(),
            wfdb_annotations(),
            edf(),
            csv(),
            wav(),
            flac(),
            mp4(),
            ogg(),
            png(),
            tiff(),
            jpeg(),
            jpeg2000(),
            json(),
            xml(),
            safetensors(),
            zip(),
            parquet(),
            coco(),
        ];
        for list in &all {
            let names: std::collections::HashSet<_> = list.iter().map(|r| (r.number, r.name)).collect();
            assert_eq!(names.len(), list.len(), "two recipes of one name");
        }
        let all = all.concat();
        for number in 1..=36 {
            assert!(all.iter().any(|r| r.number == number), "no recipe {number}");
        }
        assert!(all.iter().all(|r| r.bytes.len() < 8 << 20), "a recipe is a small file");
    }

    #[test]
    fn checks_and_streams_are_right() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        let bomb = deflate_bomb(1 << 20);
        assert!(bomb.len() < 1100, "{}", bomb.len());
        assert_eq!(deflate_stored(b"ab"), [1, 2, 0, 253, 255, b'a', b'b']);
    }
}
