//! Records and annotations in the WFDB format of PhysioNet.
//!
//! | reads | does not read |
//! |---|---|
//! | formats 8, 16, 24, 32, 61, 80, 160, 212, 310, 311 | FLAC (508, 516, 524): an error that says so |
//! | several files, samples per frame, skew, byte offset (MATLAB v4 files) | |
//! | records made of segments, with gaps; parts of them | |
//! | records inside a zip archive (feature `zip`) | |
//!
//! # References
//! Moody GB, *WFDB Applications Guide*, header(5), signal(5), annot(5).

mod annotation;
mod header;
mod samples;

pub use annotation::{Annotation, annotations, beats, open_annotations};
pub use header::{Header, HeaderSignal};

use crate::record::{MISSING, Record, Samples, Signal};
use crate::{Error, Result};
use eir_core::error::Malformed;
use eir_core::{Limits, SampleRate, file};
use std::ops::Range;
use std::path::Path;

/// Opens the record at `path` (without extension): its header is `path.hea`, its signal files lie beside it.
///
/// # Errors
/// [`Error::Io`], [`Error::Malformed`], [`Error::Unsupported`] or [`Error::Limit`]; each names the file or the line.
pub fn open(path: &Path, limits: &Limits) -> Result<Record> {
    open_frames(path, 0..u64::MAX, limits)
}

/// As [`open`], of the frames `frames` only: of a long record made of segments, only those are read that hold some.
///
/// # Errors
/// As [`open`].
pub fn open_frames(path: &Path, frames: Range<u64>, limits: &Limits) -> Result<Record> {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".hea");
    let header = file::read(&folder.join(name), limits)?;
    read_with(&header, frames, limits, &mut |name| Ok(file::read(&folder.join(name), limits)?))
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
/// As [`open`]; [`Error::NotFound`] names a file that the header asks for and that is not given.
pub fn read(header: &[u8], files: &[(&str, &[u8])], limits: &Limits) -> Result<Record> {
    read_with(header, 0..u64::MAX, limits, &mut |name| {
        files.iter().find(|(n, _)| *n == name).map(|(_, bytes)| bytes.to_vec()).ok_or_else(|| Error::NotFound {
            what: "file",
            name: name.to_owned(),
            instead: "give its bytes with the header".to_owned(),
        })
    })
}

/// Opens the record `name` inside the zip archive at `path`: the deliveries of CTU-UHB are such archives.
///
/// # Errors
/// As [`open`]; [`Error::NotFound`] if the archive holds no such record, [`Error::Archive`] if it is broken.
#[cfg(feature = "zip")]
pub fn open_in_zip(path: &Path, name: &str, limits: &Limits) -> Result<Record> {
    read_in_zip(&file::read(path, limits)?, name, limits)
}

/// As [`open_in_zip`], from the archive's bytes.
///
/// # Errors
/// As [`open_in_zip`].
#[cfg(feature = "zip")]
pub fn read_in_zip(archive: &[u8], name: &str, limits: &Limits) -> Result<Record> {
    use std::io::Read;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).map_err(|e| Error::Archive(Box::new(e)))?;
    limits.check_items("entries of the archive", archive.len() as u64)?;
    let mut left = limits.bytes; // for all files of the record together: an entry's own size is only a claim
    let mut fetch = |name: &str| {
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
        let mut bytes = Vec::new();
        entry.take(left.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| Error::Archive(Box::new(e)))?;
        limits.with_bytes(left).check("entries of the archive (bytes)", bytes.len() as u64)?;
        left -= bytes.len() as u64;
        Ok(bytes)
    };
    let header = fetch(&format!("{name}.hea"))?;
    read_with(&header, 0..u64::MAX, limits, &mut fetch)
}

type Fetch<'a> = dyn FnMut(&str) -> Result<Vec<u8>> + 'a;

fn read_with(header: &[u8], frames: Range<u64>, limits: &Limits, fetch: &mut Fetch<'_>) -> Result<Record> {
    let header = Header::parse(header, limits)?;
    if header.segments.is_empty() {
        single(&header, frames, limits, fetch)
    } else {
        segmented(&header, frames, limits, fetch)
    }
}

/// A record whose samples lie in its own files.
fn single(header: &Header, wanted: Range<u64>, limits: &Limits, fetch: &mut Fetch<'_>) -> Result<Record> {
    let mut signals: Vec<Signal> = Vec::with_capacity(header.signals.len());
    let mut frames = header.frames;
    for group in header.signals.chunk_by(|a, b| a.file == b.file) {
        let Some(first) = group.first() else { continue };
        let data = fetch(&first.file)?;
        let per_frame: u64 = group.iter().map(|s| u64::from(s.per_frame)).sum();
        let body = usize::try_from(first.offset).ok().and_then(|o| data.get(o..)).unwrap_or_default();
        if frames == 0 {
            // no length in the header: as many whole frames as the file holds
            frames = whole_frames(first.format, per_frame, body.len() as u64)?;
        }
        let samples = per_frame.saturating_mul(frames);
        let bytes = samples::bytes(first.format, samples)?;
        if bytes > body.len() as u64 {
            let reason = format!("its {frames} frames need {bytes} bytes, the signal file holds {}", body.len());
            return Err(Malformed::new("WFDB record", reason).into());
        }
        limits.product("samples of a record (bytes)", &[header.signals.len() as u64, samples / per_frame.max(1), 4])?;
        let count = limits.product("samples of a record (bytes)", &[samples, 4])? / 4;
        // a signal that is late needs frames behind the last one, where there are some
        let late = group.iter().map(|s| u64::from(s.skew)).max().unwrap_or(0).saturating_mul(per_frame);
        let spare = usize::try_from(late).unwrap_or(usize::MAX).min(body.len());
        let stream = samples::decode(first.format, body, count.saturating_add(spare))?;
        signals.extend(split(header, group, &stream, frames)?);
    }
    let wanted = wanted.start.min(frames)..wanted.end.min(frames);
    let whole = wanted == (0..frames);
    if !whole {
        signals.iter_mut().for_each(|s| cut(s, header.frame_rate, &wanted));
    }
    Ok(Record {
        name: header.name.clone(),
        frame_rate: header.frame_rate,
        frames: usize::try_from(wanted.end - wanted.start).unwrap_or(usize::MAX),
        start: header.start.clone(),
        comments: header.comments.clone(),
        signals,
    })
}

fn whole_frames(format: u16, per_frame: u64, bytes: u64) -> Result<u64> {
    let samples = match format {
        212 => bytes.saturating_mul(2) / 3,
        310 | 311 => bytes / 4 * 3,
        _ => bytes / samples::bytes(format, 1)?.max(1),
    };
    Ok(samples / per_frame.max(1))
}

/// The signals of one file, out of its interleaved samples.
fn split(header: &Header, group: &[HeaderSignal], stream: &[i32], frames: u64) -> Result<Vec<Signal>> {
    let width: usize = group.iter().map(|s| s.per_frame as usize).sum();
    let frames = usize::try_from(frames).unwrap_or(usize::MAX);
    let mut at = 0; // of this signal inside a frame
    group
        .iter()
        .map(|s| {
            let own = s.per_frame as usize;
            let mut values: Vec<i32> = if own == 1 {
                stream.iter().skip(at).step_by(width).copied().collect()
            } else {
                stream.chunks(width).flat_map(|f| f.iter().skip(at).take(own)).copied().collect()
            };
            at += own;
            if s.format == 8 {
                accumulate(&mut values, s.first);
            }
            let length = frames.saturating_mul(own);
            let sum = values.iter().take(length).filter(|d| **d != MISSING).fold(0i64, |a, d| a + i64::from(*d));
            let gaps = values.iter().take(length).filter(|d| **d == MISSING).count() as i64;
            let sum = sum.wrapping_add(gaps * invalid_sum(s.format));
            let late = (s.skew as usize).saturating_mul(own).min(values.len());
            values.drain(..late);
            values.resize(length, MISSING);
            let rate = SampleRate::new(header.frame_rate.hz() * own as f64)?;
            let checksum_agrees = s.checksum.map(|c| sum as u16 == c as u16);
            Ok(Signal {
                name: s.name.clone(),
                unit: s.unit.clone(),
                rate,
                samples: Samples::Digital {
                    values,
                    gain: s.gain,
                    baseline: s.baseline,
                    format: s.format,
                    checksum_agrees,
                },
            })
        })
        .collect()
}

/// What a missing sample of a format adds to the checksum.
fn invalid_sum(format: u16) -> i64 {
    match format {
        80 => -(1 << 7),
        310 | 311 => -(1 << 9),
        212 => -(1 << 11),
        24 => -(1 << 23),
        32 => -(1 << 31),
        _ => -(1 << 15),
    }
}

/// Format 8 holds differences; the header's first value is where they start.
fn accumulate(values: &mut [i32], first: i32) {
    let mut level = first;
    for value in values {
        level = level.wrapping_add(*value);
        *value = level;
    }
}

fn cut(signal: &mut Signal, frame_rate: SampleRate, frames: &Range<u64>) {
    let own = (signal.rate.hz() / frame_rate.hz()).round() as u64;
    let place = |frame: u64, len: usize| usize::try_from(frame.saturating_mul(own)).unwrap_or(len).min(len);
    if let Samples::Digital { values, .. } = &mut signal.samples {
        let (start, end) = (place(frames.start, values.len()), place(frames.end, values.len()));
        values.truncate(end);
        values.drain(..start);
    }
}

/// A record made of segments: with a layout header (length 0, first) the signals may differ from segment to segment.
fn segmented(header: &Header, wanted: Range<u64>, limits: &Limits, fetch: &mut Fetch<'_>) -> Result<Record> {
    let total: u64 = header.segments.iter().fold(0, |a, (_, n)| a.saturating_add(*n));
    let wanted = wanted.start.min(total)..wanted.end.min(total);
    let frames = limits.product("frames of a record (bytes)", &[wanted.end - wanted.start, 4])? / 4;
    let mut signals: Vec<Signal> = Vec::new();
    let (mut start, mut filled) = (0u64, 0usize);
    for (name, length) in &header.segments {
        let end = start.saturating_add(*length);
        let part = wanted.start.max(start)..wanted.end.min(end);
        let layout = *length == 0 && signals.is_empty();
        if part.start < part.end || layout {
            let taken = usize::try_from(part.end.saturating_sub(part.start)).unwrap_or(usize::MAX);
            if name != "~" {
                let inner = Header::parse(&fetch(&format!("{name}.hea"))?, limits)?;
                if !inner.segments.is_empty() {
                    return Err(Malformed::new("WFDB record", "a segment is itself made of segments").into());
                }
                let inside = part.start.saturating_sub(start)..part.end.saturating_sub(start);
                let segment = if layout { Vec::new() } else { single(&inner, inside, limits, fetch)?.signals };
                let known: Vec<Signal> = if layout { laid_out(&inner)? } else { segment };
                limits.product("samples of a record (bytes)", &[known.len() as u64, frames as u64, 4])?;
                known.into_iter().try_for_each(|s| append(&mut signals, s, header.frame_rate, filled))?;
            }
            filled += taken;
            signals.iter_mut().for_each(|s| pad(s, header.frame_rate, filled));
        }
        start = end;
    }
    Ok(Record {
        name: header.name.clone(),
        frame_rate: header.frame_rate,
        frames,
        start: header.start.clone(),
        comments: header.comments.clone(),
        signals,
    })
}

/// The signals that a layout header announces, still empty.
fn laid_out(header: &Header) -> Result<Vec<Signal>> {
    let signal = |s: &HeaderSignal| {
        let rate = SampleRate::new(header.frame_rate.hz() * f64::from(s.per_frame))?;
        let (gain, baseline, format) = (s.gain, s.baseline, s.format);
        let samples = Samples::Digital { values: Vec::new(), gain, baseline, format, checksum_agrees: None };
        Ok(Signal { name: s.name.clone(), unit: s.unit.clone(), rate, samples })
    };
    header.signals.iter().map(signal).collect()
}

/// Puts a segment's signal behind what there is of that name, after `filled` frames.
fn append(signals: &mut Vec<Signal>, mut new: Signal, frame_rate: SampleRate, filled: usize) -> Result<()> {
    let Some(old) = signals.iter_mut().find(|s| s.name == new.name) else {
        let place = signals.len();
        if let Samples::Digital { values, .. } = &mut new.samples {
            let own = (new.rate.hz() / frame_rate.hz()).round() as usize;
            values.splice(0..0, std::iter::repeat_n(MISSING, filled.saturating_mul(own)));
        }
        signals.insert(place, new);
        return Ok(());
    };
    let (
        Samples::Digital { values, gain, baseline, format, checksum_agrees },
        Samples::Digital { values: more, gain: g, baseline: b, format: f, checksum_agrees: agrees },
    ) = (&mut old.samples, new.samples)
    else {
        return Ok(());
    };
    if values.iter().all(|v| *v == MISSING) {
        (*gain, *baseline, *format) = (g, b, f); // a layout's calibration is only a placeholder
    }
    if (*gain, *baseline) != (g, b) || old.rate != new.rate {
        return Err(
            Malformed::new("WFDB record", "two segments give one signal different calibrations or rates").into()
        );
    }
    *checksum_agrees = match (*checksum_agrees, agrees) {
        (Some(a), Some(b)) => Some(a && b),
        (a, b) => a.or(b),
    };
    values.extend(more);
    Ok(())
}

/// Fills a signal with missing samples up to `frames` frames.
fn pad(signal: &mut Signal, frame_rate: SampleRate, frames: usize) {
    let own = (signal.rate.hz() / frame_rate.hz()).round() as usize;
    if let Samples::Digital { values, .. } = &mut signal.samples {
        let length = frames.saturating_mul(own);
        if values.len() < length {
            values.resize(length, MISSING);
        }
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
    fn a_file_that_is_too_short_says_so() {
        let header = b"r 1 10 3\na.dat 16 1/mV\n";
        let error = read(header, &[("a.dat", &[0, 0])], &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("need 6 bytes"), "{error}");
        let error = read(header, &[], &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("a.dat"), "{error}");
        let huge = b"r 1 10 4000000000000\na.dat 16 1/mV\n";
        assert!(read(huge, &[("a.dat", &[0, 0])], &Limits::default()).is_err());
    }
}
