//! A recording: signals with their own rates and units, and what the header says about them.

use crate::{Error, Result};
use eir_core::error::{Mismatch, Unsupported};
use eir_core::{Limits, SampleRate};
use std::path::Path;

/// A recording as it stands in its file.
///
/// **Use it** as the one type that all readers give. **Not** for a live signal: it holds everything in memory.
///
/// # Examples
/// ```
/// use eir_signal::Record;
/// let record = eir_signal::csv::read(b"time_s,ECG (mV)\n0.00,0.1\n0.01,\n0.02,0.3\n", &Default::default(), &Default::default())?;
/// let ecg = record.signal("ECG")?;
/// assert_eq!((ecg.rate().hz(), ecg.unit(), ecg.missing()), (100.0, "mV", 1));
/// assert!(ecg.samples()[1].is_nan()); // an empty cell is missing, not zero
/// # Ok::<(), eir_signal::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// Name of the record, without a path.
    pub name: String,
    /// Frames a second: the rate of a signal with one sample per frame.
    pub frame_rate: SampleRate,
    /// Number of frames.
    pub frames: usize,
    /// Time of day and date of the first frame as the header writes them; empty where it has none.
    pub start: String,
    /// The header's comments, one per line, without the `#`.
    pub comments: Vec<String>,
    /// The signals in the order of the header.
    pub signals: Vec<Signal>,
}

impl Record {
    /// Opens the record at `path` within the default [`Limits`]: `.hea` or no extension is WFDB; `.csv`, `.tsv` and
    /// `.txt` are tables.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, &Limits::default())
    }

    /// As [`open`](Self::open), within `limits`.
    ///
    /// # Errors
    /// [`Error::Io`] names a file that cannot be read, [`Error::Malformed`] says where one is broken,
    /// [`Error::Unsupported`] names an extension or a storage format that is not built.
    pub fn open_with(path: impl AsRef<Path>, limits: &Limits) -> Result<Self> {
        let path = path.as_ref();
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        match extension.as_str() {
            "hea" => crate::wfdb::open(&path.with_extension(""), limits),
            "csv" | "tsv" | "txt" => crate::csv::open(path, &crate::csv::CsvConfig::default(), limits),
            "edf" | "bdf" | "mat" | "dat" | "xml" | "scp" | "zip" => Err(Unsupported::new(
                format!("the extension .{extension}"),
                "give the header (.hea) of a WFDB record, a record's name without extension, or a table (.csv)",
            )
            .into()),
            _ => crate::wfdb::open(path, limits), // record names may hold a dot
        }
    }

    /// The signal `name`, whatever the case of its letters.
    ///
    /// # Errors
    /// [`Error::NotFound`] lists the signals that there are.
    pub fn signal(&self, name: &str) -> Result<&Signal> {
        self.signals.iter().find(|s| s.name.eq_ignore_ascii_case(name)).ok_or_else(|| Error::NotFound {
            what: "signal",
            name: name.to_owned(),
            instead: format!(
                "the record has {}",
                self.signals.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ")
            ),
        })
    }

    /// What a comment of the form `key value` or `key: value` says.
    #[must_use]
    pub fn comment(&self, key: &str) -> Option<&str> {
        self.comments.iter().find_map(|line| {
            let rest = line.trim().strip_prefix(key)?;
            rest.starts_with([':', ' ', '\t']).then(|| rest.trim_start_matches(':').trim())
        })
    }

    /// Length in seconds.
    #[must_use]
    pub fn duration_s(&self) -> f64 {
        self.frame_rate.seconds(self.frames)
    }
}

/// One signal of a [`Record`].
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) rate: SampleRate,
    pub(crate) samples: Samples,
}

/// What is stored: the converter's numbers as they stand in the file, or values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Samples {
    Digital { values: Vec<i32>, gain: f64, baseline: i32, format: u16, checksum_agrees: Option<bool> },
    Physical(Vec<f64>),
}

/// The digital value of a sample that is not there.
pub(crate) const MISSING: i32 = i32::MIN;

impl Signal {
    /// Name: "FHR", "MLII".
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Unit of [`samples`](Self::samples): "mV", "bpm"; "nd" or empty where it has none.
    #[must_use]
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// Samples a second.
    #[must_use]
    pub fn rate(&self) -> SampleRate {
        self.rate
    }

    /// Number of samples, missing ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.samples {
            Samples::Digital { values, .. } => values.len(),
            Samples::Physical(values) => values.len(),
        }
    }

    /// Whether it has no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sample `index` in the signal's unit, in full precision; NaN where it is missing, `None` beyond the end.
    #[must_use]
    pub fn value(&self, index: usize) -> Option<f64> {
        match &self.samples {
            Samples::Digital { values, gain, baseline, .. } => {
                values.get(index).map(|d| physical(*d, *gain, *baseline))
            }
            Samples::Physical(values) => values.get(index).copied(),
        }
    }

    /// The samples in the signal's unit; NaN where one is missing.
    #[must_use]
    pub fn samples(&self) -> Vec<f32> {
        match &self.samples {
            Samples::Digital { values, gain, baseline, .. } => {
                values.iter().map(|d| physical(*d, *gain, *baseline) as f32).collect()
            }
            Samples::Physical(values) => values.iter().map(|v| *v as f32).collect(),
        }
    }

    /// The samples in full precision.
    #[must_use]
    pub fn samples_f64(&self) -> Vec<f64> {
        self.iter().collect()
    }

    /// As [`samples`](Self::samples), into a buffer of the caller's: allocates nothing.
    ///
    /// # Errors
    /// [`Error::Mismatch`] unless the buffer is as long as the signal.
    pub fn samples_into(&self, out: &mut [f32]) -> Result<()> {
        Mismatch::check("samples and buffer", self.len(), out.len())?;
        for (to, value) in out.iter_mut().zip(self.iter()) {
            *to = value as f32;
        }
        Ok(())
    }

    /// The samples one after the other.
    pub fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        (0..self.len()).filter_map(|i| self.value(i))
    }

    /// The converter's numbers as stored, `None` where one is missing; nothing for a table.
    #[must_use]
    pub fn digital(&self) -> Option<Vec<Option<i32>>> {
        match &self.samples {
            Samples::Digital { values, .. } => Some(values.iter().map(|d| (*d != MISSING).then_some(*d)).collect()),
            Samples::Physical(_) => None,
        }
    }

    /// Converter steps per unit and the step at 0; nothing for a table.
    #[must_use]
    pub fn calibration(&self) -> Option<(f64, i32)> {
        match &self.samples {
            Samples::Digital { gain, baseline, .. } => Some((*gain, *baseline)),
            Samples::Physical(_) => None,
        }
    }

    /// Number of the storage format in a WFDB file; 0 for a table.
    #[must_use]
    pub fn format(&self) -> u16 {
        match &self.samples {
            Samples::Digital { format, .. } => *format,
            Samples::Physical(_) => 0,
        }
    }

    /// Whether the samples add up to the header's checksum; `None` where there is none. A `false` does not stop the
    /// reading: headers in the wild are often wrong, and the caller decides.
    #[must_use]
    pub fn checksum_agrees(&self) -> Option<bool> {
        match &self.samples {
            Samples::Digital { checksum_agrees, .. } => *checksum_agrees,
            Samples::Physical(_) => None,
        }
    }

    /// How many samples are missing.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.iter().filter(|v| v.is_nan()).count()
    }
}

fn physical(digital: i32, gain: f64, baseline: i32) -> f64 {
    if digital == MISSING { f64::NAN } else { (f64::from(digital) - f64::from(baseline)) / gain }
}
