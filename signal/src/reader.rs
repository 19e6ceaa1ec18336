//! Any part of a record, without the rest of its file.

use crate::record::later;
use crate::{Annotation, Record, Result};
use eir_core::error::{Parameter, Unsupported};
use eir_core::{Limits, SampleRate};
use std::fmt::Debug;
use std::ops::Range;
use std::path::Path;

/// A record that is opened and not read: its header is known, and [`window`](Self::window) reads any part of it.
///
/// **Use it** for long recordings, for one signal of many, and to look at a header. **Not** where the whole is wanted:
/// [`Record::open`] is that. Tables and aECG files are looked through once when they are opened, to find their length.
///
/// # Examples
/// ```
/// use eir_core::SampleRate;
/// use eir_signal::{Reader, Record, Signal, wfdb};
/// # let folder = std::env::temp_dir().join(format!("eir-signal-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// let rate = SampleRate::new(250.0)?;
/// let ramp = Signal::new("ramp", "mV", rate, (0..1000).map(f64::from).collect());
/// wfdb::write(&Record::new("r", vec![ramp])?, &folder.join("r"), &Default::default())?;
///
/// let reader = Reader::open(folder.join("r.hea"))?;
/// assert_eq!(reader.outline().duration_s(), 4.0);
/// assert_eq!(reader.window(500..503)?.signal("ramp")?.samples(), [500.0, 501.0, 502.0]);
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), eir_signal::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    inner: Box<dyn Windows>,
    limits: Limits,
    /// The signals that are read, by their places in the file; all if none.
    wanted: Option<Vec<usize>>,
    outline: Record,
}

/// A file that gives any part of its record.
pub(crate) trait Windows: Debug + Send + Sync {
    /// The record without its samples.
    fn outline(&self) -> &Record;

    /// The frames `frames`, which lie inside the record, of the signals at the places `wanted`; without annotations, and
    /// with the start of the whole.
    fn window(&self, frames: Range<u64>, wanted: &[usize], limits: &Limits) -> Result<Record>;
}

impl Reader {
    /// Opens the record at `path` within the default [`Limits`]; the extensions are those of [`Record::open`].
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, &Limits::default())
    }

    /// As [`open`](Self::open), within `limits`.
    ///
    /// # Errors
    /// As [`Record::open_with`].
    pub fn open_with(path: impl AsRef<Path>, limits: &Limits) -> Result<Self> {
        let path = path.as_ref();
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        let inner: Box<dyn Windows> = match extension.as_str() {
            "hea" => Box::new(crate::wfdb::opened(&path.with_extension(""), limits)?),
            "edf" | "bdf" | "rec" => Box::new(crate::edf::opened(path, limits)?),
            "xml" | "aecg" => Box::new(crate::aecg::opened(path, limits)?),
            "csv" | "tsv" | "txt" => Box::new(crate::csv::opened(path, &crate::csv::CsvConfig::default(), limits)?),
            "mat" | "dat" | "scp" | "zip" => {
                let instead = "give the header (.hea) of a WFDB record, a record's name without extension, EDF or BDF, \
                               aECG (.xml) or a table (.csv); records in a zip archive: wfdb::open_in_zip";
                return Err(Unsupported::new(format!("the extension .{extension}"), instead).into());
            }
            _ => Box::new(crate::wfdb::opened(path, limits)?), // record names may hold a dot
        };
        Ok(Self::new(inner, limits))
    }

    pub(crate) fn new(inner: Box<dyn Windows>, limits: &Limits) -> Self {
        let outline = inner.outline().clone();
        Self { inner, limits: *limits, wanted: None, outline }
    }

    /// Reads the signals `names` only, in this order.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) lists the signals that there are.
    pub fn with_signals(self, names: &[&str]) -> Result<Self> {
        let whole = self.inner.outline();
        let places = names.iter().map(|n| whole.position(n)).collect::<Result<Vec<usize>>>()?;
        let signals = places.iter().filter_map(|i| whole.signals.get(*i).cloned()).collect();
        let outline = Record { signals, ..whole.clone() };
        Ok(Self { wanted: Some(places), outline, ..self })
    }

    /// What the header says: the record with all its frames counted, but with signals that hold no samples.
    #[must_use]
    pub fn outline(&self) -> &Record {
        &self.outline
    }

    /// Number of frames.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.outline.frames as u64
    }

    /// Frames a second.
    #[must_use]
    pub fn frame_rate(&self) -> SampleRate {
        self.outline.frame_rate
    }

    /// The frames `frames`, cut at the record's end: equal to the same part of the whole. Its `start` is the time of
    /// its first frame; its annotations are those that lie in it at least in part, at their times in the whole.
    ///
    /// # Errors
    /// As [`Record::open_with`].
    pub fn window(&self, frames: Range<u64>) -> Result<Record> {
        let end = frames.end.min(self.frames());
        let frames = frames.start.min(end)..end;
        let all: Vec<usize>;
        let wanted = match &self.wanted {
            Some(places) => places,
            None => {
                all = (0..self.outline.signals.len()).collect();
                &all
            }
        };
        let mut record = self.inner.window(frames.clone(), wanted, &self.limits)?;
        let whole = frames == (0..self.frames());
        let rate = self.frame_rate().hz();
        let (from, to) = (frames.start as f64 / rate, frames.end as f64 / rate);
        let inside = |a: &&Annotation| {
            let end = a.onset_s + a.duration_s.unwrap_or(0.0);
            whole || (a.onset_s < to && (end > from || a.onset_s >= from))
        };
        record.annotations = self.outline.annotations.iter().filter(inside).cloned().collect();
        if !whole {
            record.start = later(&record.start, from);
        }
        Ok(record)
    }

    /// As [`window`](Self::window), by seconds from the record's start: all frames that begin in `seconds`.
    ///
    /// # Errors
    /// [`Parameter`] if a time is NaN; and as [`window`](Self::window).
    pub fn window_s(&self, seconds: Range<f64>) -> Result<Record> {
        let frame = |name: &'static str, s: f64| {
            if s.is_nan() {
                return Err(Parameter::new(name, s, "a number"));
            }
            // a time that was computed from a frame is that frame
            Ok((s * self.frame_rate().hz() - 1e-6).ceil().max(0.0) as u64)
        };
        self.window(frame("start of the window (s)", seconds.start)?..frame("end of the window (s)", seconds.end)?)
    }

    /// The whole record.
    ///
    /// # Errors
    /// As [`Record::open_with`].
    pub fn read(&self) -> Result<Record> {
        self.window(0..u64::MAX)
    }
}
