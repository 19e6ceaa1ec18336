//! Records and annotations in the WFDB format of PhysioNet.
//!
//! | reads | writes |
//! |---|---|
//! | formats 8, 16, 24, 32, 61, 80, 160, 212, 310, 311; FLAC (508, 516, 524) | 16, 24, 32, 61, 80, 160, 212, 310, 311 |
//! | several files, samples per frame, skew, byte offset (MATLAB v4 files) | one file, samples per frame |
//! | records made of segments, with gaps, of fixed and of variable layout | records of one segment |
//! | records inside a zip archive (feature `zip`) | |
//! | annotations with all their fields | annotations with all their fields |
//!
//! Any part of a record is read without the rest: [`Reader`], [`open_frames`].
//!
//! # Validation
//! Digital values equal wfdb 4.3.1 exactly and values within 1e-12 on every record of the reference set; what is
//! written is read back by wfdb 4.3.1 without a difference (`tests/golden/read_back.py`).
//!
//! # References
//! Moody GB, *WFDB Applications Guide*, header(5), signal(5), annot(5).

mod annotation;
mod flac;
mod header;
mod samples;
mod segments;
mod single;
mod write;
mod write_annotation;

pub use annotation::{Annotation, annotation_rate_hz, annotations, beats, open_annotations};
pub use header::{Header, HeaderSignal};
pub use write::{WriteConfig, write};
pub use write_annotation::{annotation_bytes, write_annotations};

use crate::reader::Windows;
use crate::source::{Files, Folder, Given};
use crate::{Reader, Record, Result};
use eir_core::Limits;
use segments::Segments;
use single::Single;
use std::ops::Range;
use std::path::Path;
#[cfg(feature = "zip")]
use {crate::Error, crate::source::Source, eir_core::error::Malformed};

/// Opens the record at `path` (without extension): its header is `path.hea`, its signal files lie beside it.
///
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Malformed`],
/// [`crate::Error::Unsupported`] or [`crate::Error::Limit`]; each names the file or
/// the line.
pub fn open(path: &Path, limits: &Limits) -> Result<Record> {
    open_frames(path, 0..u64::MAX, limits)
}

/// As [`open`], of the frames `frames` only: of the files, only what holds them is read.
///
/// # Errors
/// As [`open`].
pub fn open_frames(path: &Path, frames: Range<u64>, limits: &Limits) -> Result<Record> {
    Reader::new(Box::new(opened(path, limits)?), limits).window(frames)
}

/// Reads a record from the bytes of its header and of its files, given by name.
///
/// # Examples
/// ```
/// let header = b"r 1 4 3\nr.dat 16 100(0)/bpm 12 0 14000 0 0 FHR\n";
/// let samples: Vec<u8> = [14_000i16, -32_768, 14_025].iter().flat_map(|v| v.to_le_bytes()).collect();
/// let record = eir_signal::wfdb::read(header, &[("r.dat", &samples)], &Default::default())?;
/// let fhr = record.signal("FHR")?.samples();
/// assert!(fhr[0] == 140.0 && fhr[1].is_nan() && fhr[2] == 140.25);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// As [`open`]; [`crate::Error::NotFound`] names a file that the header asks for and that is not given.
pub fn read(header: &[u8], files: &[(&str, &[u8])], limits: &Limits) -> Result<Record> {
    Opened::new(Given(files), header, limits)?.whole(limits)
}

/// Opens the record `name` inside the zip archive at `path`: the deliveries of CTU-UHB are such archives.
///
/// # Errors
/// As [`open`]; [`crate::Error::NotFound`] if the archive holds no such record,
/// [`crate::Error::Archive`] if it is broken.
#[cfg(feature = "zip")]
pub fn open_in_zip(path: &Path, name: &str, limits: &Limits) -> Result<Record> {
    read_in_zip(&eir_core::file::read(path, limits)?, name, limits)
}

/// As [`open_in_zip`], from the archive's bytes.
///
/// # Errors
/// As [`open_in_zip`].
#[cfg(feature = "zip")]
pub fn read_in_zip(archive: &[u8], name: &str, limits: &Limits) -> Result<Record> {
    let archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).map_err(|e| Error::Archive(Box::new(e)))?;
    limits.check_items("entries of the archive", archive.len() as u64)?;
    let files = Zip { archive: archive.into(), left: limits.bytes.into(), limits: *limits };
    let header = files.open(&format!("{name}.hea"))?.all(limits)?.to_vec();
    Opened::new(files, &header, limits)?.whole(limits)
}

/// The entries of an archive.
#[cfg(feature = "zip")]
struct Zip<'a> {
    archive: std::cell::RefCell<zip::ZipArchive<std::io::Cursor<&'a [u8]>>>,
    /// Bytes for all files of the record together: an entry's own size is only a claim.
    left: std::cell::Cell<u64>,
    limits: Limits,
}

#[cfg(feature = "zip")]
impl Files for Zip<'_> {
    fn open(&self, name: &str) -> Result<Source<'_>> {
        use std::io::Read;
        let mut archive = self.archive.try_borrow_mut().map_err(|e| Error::Archive(Box::new(e)))?;
        let entry = match archive.by_name(name) {
            Ok(entry) => entry,
            Err(zip::result::ZipError::FileNotFound) => {
                let instead = "the archive has no such record".to_owned();
                return Err(Error::NotFound { what: "entry in the archive", name: name.to_owned(), instead });
            }
            Err(error) => return Err(Error::Archive(Box::new(error))),
        };
        if entry.is_symlink() {
            return Err(Malformed::new("zip archive", "an entry is a link, not a file").into());
        }
        let left = self.left.get();
        let mut bytes = Vec::new();
        entry.take(left.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| Error::Archive(Box::new(e)))?;
        self.limits.with_bytes(left).check("entries of the archive (bytes)", bytes.len() as u64)?;
        self.left.set(left - bytes.len() as u64);
        Ok(Source::Bytes(bytes.into()))
    }
}

/// The record at `path` (without extension), opened and not read.
pub(crate) fn opened(path: &Path, limits: &Limits) -> Result<Opened<Folder>> {
    let folder = Folder(path.parent().unwrap_or(Path::new("")).to_owned());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let header = folder.open(&format!("{name}.hea"))?.all(&limits.with_bytes(limits.bytes / 32))?.to_vec();
    Opened::new(folder, &header, limits)
}

/// A record whose header is read.
#[derive(Debug)]
pub(crate) struct Opened<F> {
    files: F,
    header: Header,
    layout: Layout,
    outline: Record,
}

#[derive(Debug)]
enum Layout {
    Single(Single),
    Segments(Segments),
}

impl<F: Files> Opened<F> {
    fn new(files: F, header: &[u8], limits: &Limits) -> Result<Self> {
        let header = Header::parse(header, limits)?;
        let (layout, frames, signals) = if header.segments.is_empty() {
            let single = Single::new(&files, &header, limits)?;
            let (frames, signals) = (single.frames, single.outline(&header)?);
            (Layout::Single(single), frames, signals)
        } else {
            let segments = Segments::new(&files, &header, limits)?;
            let (frames, signals) = (segments.frames(), segments.signals.clone());
            (Layout::Segments(segments), frames, signals)
        };
        let outline = Record {
            name: header.name.clone(),
            frames: usize::try_from(frames).unwrap_or(usize::MAX),
            start: header.start.clone(),
            comments: header.comments.clone(),
            signals,
            ..Record::empty(header.frame_rate)
        };
        Ok(Self { files, header, layout, outline })
    }

    fn part(&self, frames: Range<u64>, wanted: &[usize], limits: &Limits) -> Result<Record> {
        let signals = match &self.layout {
            Layout::Single(single) => single.read(&self.files, &self.header, frames.clone(), wanted, limits)?,
            Layout::Segments(segments) => segments.read(&self.files, &self.header, frames.clone(), wanted, limits)?,
        };
        let frames = usize::try_from(frames.end - frames.start).unwrap_or(usize::MAX);
        // not the outline's signals: they are replaced
        let Record { name, start, comments, .. } = &self.outline;
        let (name, start, comments) = (name.clone(), start.clone(), comments.clone());
        Ok(Record { name, frames, start, comments, signals, ..Record::empty(self.outline.frame_rate) })
    }

    fn whole(&self, limits: &Limits) -> Result<Record> {
        let all: Vec<usize> = (0..self.outline.signals.len()).collect();
        self.part(0..self.outline.frames as u64, &all, limits)
    }
}

impl Windows for Opened<Folder> {
    fn outline(&self) -> &Record {
        &self.outline
    }

    fn window(&self, frames: Range<u64>, wanted: &[usize], limits: &Limits) -> Result<Record> {
        self.part(frames, wanted, limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(values: &[i16]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    #[test]
    fn several_files_frames_skew_and_checksum() {
        let header = b"r 3 10 2\na.dat 16 1/mV 16 0 1 10 0 one\na.dat 16x2:1 1/mV 16 0 2 0 0 two\nb.dat 80 2(4)/bar 8 0 0 0 0 three\n";
        let a = words(&[1, 2, 3, 9, 4, 5]);
        let record = read(header, &[("a.dat", &a), ("b.dat", &[128, 0])], &Limits::default()).unwrap();
        assert_eq!(record.signals[0].samples(), [1.0, 9.0]);
        assert_eq!(record.signals[0].checksum_agrees(), Some(true));
        assert_eq!(record.signals[1].rate().hz(), 20.0);
        let two = record.signals[1].samples();
        assert!(two[0] == 4.0 && two[1] == 5.0 && two[2].is_nan() && two[3].is_nan(), "{two:?}");
        assert_eq!(record.signals[1].checksum_agrees(), Some(false));
        assert_eq!(record.signals[2].value(0), Some(-2.0));
        assert_eq!(record.signals[2].missing(), 1);
    }

    #[test]
    fn segments_with_a_gap() {
        let files: [(&str, &[u8]); 5] = [
            ("l.hea", b"l 2 4 0\n~ 0 1/mV 16 0 0 0 0 A\n~ 0 1/mV 16 0 0 0 0 B\n"),
            ("s1.hea", b"s1 1 4 2\ns1.dat 16 10/mV 16 0 0 0 0 B\n"),
            ("s1.dat", &words(&[10, 20])),
            ("s2.hea", b"s2 1 4 1\ns2.dat 16 10/mV 16 0 0 0 0 A\n"),
            ("s2.dat", &words(&[30])),
        ];
        let record = read(b"m/4 2 4 6\nl 0\ns1 2\n~ 3\ns2 1\n", &files, &Limits::default()).unwrap();
        assert_eq!(record.frames, 6);
        let text = |i: usize| format!("{:?}", record.signals[i].samples());
        assert_eq!(text(0), "[NaN, NaN, NaN, NaN, NaN, 3.0]");
        assert_eq!(text(1), "[1.0, 2.0, NaN, NaN, NaN, NaN]");
    }

    #[test]
    fn a_calibration_that_changes_keeps_every_value() {
        let files: [(&str, &[u8]); 5] = [
            ("l.hea", b"l 1 4 0\n~ 0 1/mV 16 0 0 0 0 A\n"),
            ("s1.hea", b"s1 1 4 2\ns1.dat 16 10/mV 16 0 0 0 0 A\n"),
            ("s1.dat", &words(&[10, 20])),
            ("s2.hea", b"s2 1 4 1\ns2.dat 24 100(5)/mV 24 0 0 0 0 A\n"),
            ("s2.dat", &[105, 0, 0]),
        ];
        let record = read(b"m/4 1 4 4\nl 0\ns1 2\ns2 1\n~ 1\n", &files, &Limits::default()).unwrap();
        assert_eq!(format!("{:?}", record.signals[0].samples()), "[1.0, 2.0, 1.0, NaN]");
        let unknown = b"m/3 1 4 3\nl 0\ns1 2\ns3 1\n";
        let other: [(&str, &[u8]); 2] = [("s3.hea", b"s3 1 4 1\ns2.dat 24 1/mV 24 0 0 0 0 B\n"), files[4]];
        let error = read(unknown, &[&files[..], &other].concat(), &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("does not announce"), "{error}");
    }

    #[test]
    fn a_file_that_is_too_short_says_so() {
        let header = b"r 1 10 3\na.dat 16 1/mV\n";
        let error = read(header, &[("a.dat", &[0, 0])], &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("need 6 bytes"), "{error}");
        let error = read(header, &[], &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("a.dat"), "{error}");
        let huge = b"r 1 10 4000000000000\na.dat 16 1/mV\n";
        assert!(read(huge, &[("a.dat", &[0, 0])], &Limits::default()).is_err());
    }

    #[test]
    fn differences_start_at_the_first_value() {
        let header = b"r 2 10 3\nr.dat 8 1/mV 12 7 100 0 0 a\nr.dat 8 1/mV 12 7\n";
        let record = read(header, &[("r.dat", &[0, 1, 255, 127, 1, 127])], &Limits::default()).unwrap();
        assert_eq!(record.signals[0].digital().unwrap(), [Some(100), Some(99), Some(100)]);
        assert_eq!(record.signals[1].digital().unwrap(), [Some(8), Some(135), Some(262)]);
    }
}
