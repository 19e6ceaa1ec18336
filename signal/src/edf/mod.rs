//! EDF, EDF+, BDF and BDF+: the European Data Format, in 16 and in 24 bits.
//!
//! | reads | writes |
//! |---|---|
//! | EDF, EDF+C, EDF+D, BDF, BDF+C, BDF+D; annotations; a start within a second | EDF+C and BDF+C with annotations |
//! | discontinuous records on one time line, what lies between them missing | |
//!
//! The header's facts are the record's comments: `patient: …`, `recording: …`, `transducer LABEL: …`,
//! `prefilter LABEL: …`, `type: EDF+C`.
//!
//! # Validation
//! Digital values equal pyEDFlib 0.1.42 exactly and values within 1e-12 on every file of the reference set; what is
//! written is read back by pyEDFlib 0.1.42 without a difference (`tests/golden/read_back.py`).
//!
//! # References
//! Kemp et al. 1992, doi:10.1016/0013-4694(92)90009-7; Kemp and Olivan 2003 (EDF+), doi:10.1016/s1388-2457(03)00123-8.

mod annotation;
mod header;
mod write;

pub use write::{WriteConfig, to_bytes, write};

use crate::reader::Windows;
use crate::signal::{Digits, MISSING, Samples, Signal};
use crate::source::{Files, Folder, Given, Source};
use crate::{Reader, Record, Result};
use annotation::Times;
use eir_core::Limits;
use eir_core::error::Malformed;
use header::{Channel, Header};
use std::ops::Range;
use std::path::Path;

const FORMAT: &str = "EDF";

/// Bytes of data records that are read at a time.
const PIECE: u64 = 256 << 10;

/// Opens the file at `path`.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io), [`Error::Malformed`](crate::Error::Malformed) or
/// [`Error::Limit`](crate::Error::Limit).
pub fn open(path: &Path, limits: &Limits) -> Result<Record> {
    Reader::new(Box::new(opened(path, limits)?), limits).read()
}

/// Reads a file from its bytes.
///
/// # Examples
/// ```
/// use eir_core::SampleRate;
/// use eir_signal::{Annotation, Record, Signal, edf};
/// let eeg = Signal::new("EEG Fpz-Cz", "uV", SampleRate::new(100.0)?, vec![-12.5; 200]);
/// let mut record = Record::new("sleep", vec![eeg])?;
/// record.annotations.push(Annotation::new(0.5, "Lights off"));
/// let bytes = edf::to_bytes(&record, &Default::default())?;
/// let again = edf::read(&bytes, &Default::default())?;
/// assert_eq!((again.signal("EEG Fpz-Cz")?.value(199), again.annotations[0].text.as_str()), (Some(-12.5), "Lights off"));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// As [`open`].
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Record> {
    let files = [("", bytes)];
    let opened = Opened::new(Given(&files), String::new(), limits)?;
    let all: Vec<usize> = (0..opened.outline.signals.len()).collect();
    let record = opened.part(0..opened.outline.frames as u64, &all, limits)?;
    Ok(Record { annotations: opened.outline.annotations, ..record })
}

pub(crate) fn opened(path: &Path, limits: &Limits) -> Result<Opened<Folder>> {
    let folder = Folder(path.parent().unwrap_or(Path::new("")).to_owned());
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Opened::new(folder, name, limits)
}

/// A file whose header and annotations are read.
#[derive(Debug)]
pub(crate) struct Opened<F> {
    files: F,
    name: String,
    header: Header,
    /// Where each data record starts, in seconds from the first, if there is time between some of them.
    starts: Option<Vec<f64>>,
    outline: Record,
}

impl<F: Files> Opened<F> {
    fn new(files: F, name: String, limits: &Limits) -> Result<Self> {
        let mut source = files.open(&name)?;
        let header = Header::parse(&mut source, limits)?;
        let times = Times::read(&mut source, &header, limits)?;
        drop(source);
        let signals = header.signals().map(Channel::outline).collect::<Result<Vec<_>>>()?;
        let starts = times.starts;
        let mut frames = header.records.saturating_mul(header.frames_per_record);
        if let Some(starts) = &starts {
            let last = starts.last().copied().unwrap_or(0.0);
            let channels = header.signals().map(|c| {
                let end = first_sample(last, c, header.duration_s).saturating_add(c.samples);
                end.div_ceil(c.samples / header.frames_per_record.max(1))
            });
            frames = channels.max().unwrap_or(0);
        }
        let outline = Record {
            name: Path::new(&name).file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            frames: usize::try_from(frames).unwrap_or(usize::MAX),
            start: header.start(times.first_s),
            comments: header.comments(),
            signals,
            annotations: times.annotations,
            ..Record::empty(header.frame_rate()?)
        };
        Ok(Self { files, name, header, starts, outline })
    }

    fn part(&self, frames: Range<u64>, wanted: &[usize], limits: &Limits) -> Result<Record> {
        let length = frames.end - frames.start;
        let wide = self.header.width == 3 || self.starts.is_some();
        let channels: Vec<&Channel> = wanted.iter().filter_map(|i| self.header.signals().nth(*i)).collect();
        let per_frame: u64 = channels.iter().map(|c| c.samples / self.header.frames_per_record.max(1)).sum();
        limits.product("samples of a record (bytes)", &[per_frame, length, if wide { 4 } else { 2 }])?;
        let mut source = self.files.open(&self.name)?;
        let digits: Vec<Digits> = match (self.header.width, wide) {
            (2, false) => {
                let columns = self.columns(&mut source, &channels, frames.clone(), i16::MIN, |bytes, out| {
                    out.extend(bytes.as_chunks().0.iter().map(|c| i16::from_le_bytes(*c)));
                })?;
                columns.into_iter().map(|values| Digits::Narrow { values, gaps: false }).collect()
            }
            (2, true) => {
                let columns = self.columns(&mut source, &channels, frames.clone(), MISSING, |bytes, out| {
                    out.extend(bytes.as_chunks().0.iter().map(|c| i32::from(i16::from_le_bytes(*c))));
                })?;
                columns.into_iter().map(Digits::Wide).collect()
            }
            _ => {
                let columns = self.columns(&mut source, &channels, frames.clone(), MISSING, |bytes, out| {
                    out.extend(bytes.as_chunks().0.iter().map(|[a, b, c]| i32::from_le_bytes([0, *a, *b, *c]) >> 8));
                })?;
                columns.into_iter().map(Digits::Wide).collect()
            }
        };
        let outlines = wanted.iter().filter_map(|i| self.outline.signals.get(*i));
        let signals = outlines.zip(digits).map(|(outline, digits)| {
            let mut signal = outline.outline();
            if let Samples::Digital { digits: to, .. } = &mut signal.samples {
                *to = digits;
            }
            signal
        });
        let signals: Vec<Signal> = signals.collect();
        let Record { name, start, comments, .. } = &self.outline;
        Ok(Record {
            name: name.clone(),
            frames: usize::try_from(length).unwrap_or(usize::MAX),
            start: start.clone(),
            comments: comments.clone(),
            signals,
            ..Record::empty(self.outline.frame_rate)
        })
    }

    /// The numbers of `channels` in `frames`; bound by memory: bytes come in pieces of several data records.
    fn columns<D: Copy>(
        &self,
        source: &mut Source<'_>,
        channels: &[&Channel],
        frames: Range<u64>,
        missing: D,
        decode: impl Fn(&[u8], &mut Vec<D>),
    ) -> Result<Vec<Vec<D>>> {
        let Header { width, record_bytes, records, frames_per_record, data, .. } = self.header;
        let own = |c: &Channel| c.samples / frames_per_record.max(1);
        let size =
            |c: &Channel| usize::try_from((frames.end - frames.start).saturating_mul(own(c))).unwrap_or(usize::MAX);
        let mut columns: Vec<Vec<D>> = channels.iter().map(|c| Vec::with_capacity(size(c))).collect();
        // the data records that hold some of the frames
        let first = |k: u64, c: &Channel| match &self.starts {
            None => k * c.samples,
            Some(starts) => {
                let start = starts.get(k as usize).copied().unwrap_or(0.0);
                first_sample(start, c, self.header.duration_s)
            }
        };
        let records = match &self.starts {
            None => frames.start / frames_per_record.max(1)..frames.end.div_ceil(frames_per_record.max(1)).min(records),
            Some(starts) => {
                let seconds = |frame: u64| frame as f64 * self.header.duration_s / frames_per_record.max(1) as f64;
                // one more on each side, because samples are rounded to their places
                let first = starts.partition_point(|s| s + self.header.duration_s < seconds(frames.start));
                let last = starts.partition_point(|s| *s <= seconds(frames.end));
                (first as u64).saturating_sub(1)..(last as u64 + 1).min(records)
            }
        };
        let taken: u64 = channels.iter().map(|c| c.samples * width).sum();
        let whole = record_bytes <= PIECE && taken >= record_bytes / 8;
        let batch = if whole { (PIECE / record_bytes.max(1)).max(1) } else { 1 };
        let mut k = records.start;
        while k < records.end && frames.start < frames.end {
            let count = batch.min(records.end - k);
            let bytes = if whole { source.at(data + k * record_bytes, (count * record_bytes) as usize)? } else { &[] };
            let mut rows = Vec::new();
            for record in k..k + count {
                for (place, c) in channels.iter().enumerate() {
                    let (at, range) = (first(record, c), frames.start * own(c)..frames.end * own(c));
                    let from = range.start.saturating_sub(at).min(c.samples);
                    let to = range.end.saturating_sub(at).min(c.samples);
                    if from >= to {
                        continue;
                    }
                    let Some(column) = columns.get_mut(place) else { continue };
                    let gap = usize::try_from((at + from - range.start).saturating_sub(column.len() as u64));
                    column.resize(column.len() + gap.unwrap_or(0), missing);
                    let offset = (record - k) * record_bytes + c.offset + from * width;
                    let length = ((to - from) * width) as usize;
                    if whole {
                        let there = bytes.get(offset as usize..offset as usize + length);
                        decode(there.ok_or_else(|| Malformed::new(FORMAT, "it ends before its last sample"))?, column);
                    } else {
                        rows.push((place, data + k * record_bytes + offset, length));
                    }
                }
            }
            for (place, offset, length) in rows {
                let Some(column) = columns.get_mut(place) else { continue };
                for piece in (0..length as u64).step_by(PIECE as usize / 6 * 6) {
                    let size = (length as u64 - piece).min(PIECE / 6 * 6) as usize;
                    decode(source.at(offset + piece, size)?, column);
                }
            }
            k += count;
        }
        for (column, c) in columns.iter_mut().zip(channels) {
            column.resize(size(c), missing);
        }
        Ok(columns)
    }
}

/// The place of the first sample of a data record that starts at `start_s`.
fn first_sample(start_s: f64, channel: &Channel, duration_s: f64) -> u64 {
    (start_s * channel.samples as f64 / duration_s).round().max(0.0) as u64
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
    use crate::Annotation;
    use eir_core::SampleRate;

    fn limits() -> Limits {
        Limits::default()
    }

    /// Two data records of one second, of 4 and 2 samples, the second of which starts at `second`.
    fn discontinuous(second: &str) -> Vec<u8> {
        let rate = |hz| SampleRate::new(hz).unwrap();
        let fast = Signal::new("fast", "uV", rate(4.0), (0..8).map(f64::from).collect());
        let slow = Signal::new("slow", "uV", rate(2.0), (0..4).map(f64::from).collect());
        let mut record = Record::new("r", vec![fast, slow]).unwrap();
        record.annotations.push(Annotation::new(1.25, "x".repeat(30)));
        let mut bytes = to_bytes(&record, &WriteConfig::default()).unwrap();
        let reserved = bytes.windows(5).position(|w| w == b"EDF+C").unwrap();
        bytes[reserved + 4] = b'D';
        let tal = bytes.windows(5).rposition(|w| w == b"+1\x14\x14\0").unwrap();
        bytes[tal..tal + second.len() + 4].copy_from_slice(format!("+{second}\x14\x14\0").as_bytes());
        bytes
    }

    #[test]
    fn time_between_data_records_is_missing() {
        let record = read(&discontinuous("2.5"), &limits()).unwrap();
        let text = |i: usize| format!("{:?}", record.signals[i].samples());
        assert_eq!(text(0), "[0.0, 1.0, 2.0, 3.0, NaN, NaN, NaN, NaN, NaN, NaN, 4.0, 5.0, 6.0, 7.0]");
        assert_eq!(text(1), "[0.0, 1.0, NaN, NaN, NaN, 2.0, 3.0]");
        assert_eq!(record.frames, 7);
        let backwards = read(&discontinuous("0.5"), &limits()).unwrap_err();
        assert!(backwards.to_string().contains("before"), "{backwards}");
        let far = discontinuous("999999999999");
        assert!(matches!(read(&far, &limits()), Err(crate::Error::Limit(_))));
    }

    #[test]
    fn the_header_is_checked() {
        let plain = discontinuous("1.0");
        let set = |at: usize, text: &str, width: usize| {
            let mut bytes = plain.clone();
            bytes[at..at + width].copy_from_slice(format!("{text:width$}").as_bytes());
            read(&bytes, &limits())
        };
        // three signals: physical minima from 256 + 3 * 104, maxima, digital minima, maxima
        let field = |kind: usize| 256 + 3 * (104 + 8 * kind);
        let text = |at: usize| String::from_utf8_lossy(&plain[at..at + 8]).trim().to_owned();
        for (name, at, value) in [
            ("physical", field(1), text(field(0))),
            ("digital", field(3), text(field(2))),
            ("digital", field(3), "-32769".into()),
            ("digital", field(3), "99999".into()),
            ("physical", field(0), "nan".into()),
            ("signals", 252, "9999".into()),
            ("duration", 244, "0".into()),
        ] {
            let width = if at == 252 { 4 } else { 8 };
            let error = set(at, &value, width).unwrap_err().to_string();
            assert!(error.contains(name) || error.contains("header"), "{error}");
        }
        assert_eq!(set(236, "-1", 8).unwrap().frames, 4); // as many as there are
        assert!(set(236, "3", 8).is_err());
    }
}
