//! A recording: signals with their own rates and units, and what the header says about them.

use crate::signal::Signal;
use crate::{Error, Reader, Result};
use eir_core::error::{Mismatch, TooShort};
use eir_core::{Limits, SampleRate};
use std::path::Path;

/// A recording as it stands in its file, or a [window](Reader::window) of it.
///
/// **Use it** as the one type that all readers give and all writers take. **Not** for a recording larger than memory: a
/// [`Reader`] hands out windows of it.
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
    /// Time of day and date of the first frame, `hh:mm:ss dd/mm/yyyy`; empty where the header has none.
    pub start: String,
    /// The header's comments, one per line, without the `#`; facts of other formats as `key: value`.
    pub comments: Vec<String>,
    /// The signals in the order of the header.
    pub signals: Vec<Signal>,
    /// Annotations that stand in the record's own file (EDF+, BDF+, aECG), in its order. Those of WFDB lie in files of
    /// their own: [`wfdb::open_annotations`](crate::wfdb::open_annotations).
    pub annotations: Vec<Annotation>,
}

/// Something that happened at a time of a [`Record`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Annotation {
    /// Seconds from the record's first frame; negative before it. A window keeps the times of the whole record.
    pub onset_s: f64,
    /// Length in seconds, where it has one.
    pub duration_s: Option<f64>,
    /// What it is.
    pub text: String,
}

impl Annotation {
    /// `text` at `onset_s`, without a length.
    #[must_use]
    pub fn new(onset_s: f64, text: impl Into<String>) -> Self {
        Self { onset_s, duration_s: None, text: text.into() }
    }

    /// Sets [`duration_s`](Self::duration_s).
    #[must_use]
    pub fn with_duration_s(self, duration_s: f64) -> Self {
        Self { duration_s: Some(duration_s), ..self }
    }
}

impl Record {
    /// A record of `signals` that start together and last equally long; the frame is the shortest time in which each
    /// has a whole number of samples.
    ///
    /// # Examples
    /// ```
    /// use eir_core::SampleRate;
    /// use eir_signal::{Record, Signal};
    /// let ecg = Signal::new("ECG", "mV", SampleRate::new(500.0)?, vec![0.0; 1000]);
    /// let spo2 = Signal::new("SpO2", "%", SampleRate::new(2.0)?, vec![97.0; 4]);
    /// let record = Record::new("night", vec![ecg, spo2])?;
    /// assert_eq!((record.frame_rate.hz(), record.frames), (2.0, 4));
    /// # Ok::<(), eir_signal::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::TooShort`] without a signal; [`Error::Mismatch`] if the signals are not equally long, or their rates
    /// have no common frame of up to 1000 samples of the slowest.
    pub fn new(name: impl Into<String>, signals: Vec<Signal>) -> Result<Self> {
        let slowest = signals.iter().map(|s| s.rate().hz()).fold(f64::INFINITY, f64::min);
        if !slowest.is_finite() {
            return Err(TooShort::new("signals", 0, 1).into());
        }
        let whole = |ratio: f64| (ratio - ratio.round()).abs() < 1e-9 * ratio;
        let fits = |k: u32| {
            let frame = slowest / f64::from(k);
            let same = |s: &Signal| whole(s.rate().hz() / frame);
            let length = |s: &Signal| s.len().is_multiple_of(((s.rate().hz() / frame).round() as usize).max(1));
            signals.iter().all(|s| same(s) && length(s))
        };
        let k = (1..=1000).find(|k| fits(*k)).ok_or_else(|| {
            Mismatch::new("rates and lengths of the signals", "a whole number of samples of each per frame", "none")
        })?;
        let frame_rate = SampleRate::new(slowest / f64::from(k))?;
        let frames = |s: &Signal| s.len() / s.per_frame(frame_rate);
        let first = signals.first().map_or(0, frames);
        for signal in &signals {
            Mismatch::check("frames of the signals", first, frames(signal))?;
        }
        Ok(Self { name: name.into(), frames: first, signals, ..Self::empty(frame_rate) })
    }

    /// A record without signals.
    pub(crate) fn empty(frame_rate: SampleRate) -> Self {
        Self {
            name: String::new(),
            frame_rate,
            frames: 0,
            start: String::new(),
            comments: Vec::new(),
            signals: Vec::new(),
            annotations: Vec::new(),
        }
    }

    /// Opens the record at `path` within the default [`Limits`]: `.hea` or no extension is WFDB; `.edf` and `.bdf` are
    /// European data; `.xml` is an annotated ECG of HL7; `.csv`, `.tsv` and `.txt` are tables.
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
        Reader::open_with(path, limits)?.read()
    }

    /// The signal `name`, whatever the case of its letters.
    ///
    /// # Errors
    /// [`Error::NotFound`] lists the signals that there are.
    pub fn signal(&self, name: &str) -> Result<&Signal> {
        self.signals.get(self.position(name)?).ok_or_else(|| self.no_signal(name))
    }

    pub(crate) fn position(&self, name: &str) -> Result<usize> {
        self.signals.iter().position(|s| s.name().eq_ignore_ascii_case(name)).ok_or_else(|| self.no_signal(name))
    }

    fn no_signal(&self, name: &str) -> Error {
        let names: Vec<_> = self.signals.iter().map(Signal::name).collect();
        let instead = format!("the record has {}", names.join(", "));
        Error::NotFound { what: "signal", name: name.to_owned(), instead }
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

/// `hh:mm:ss dd/mm/yyyy` moved by `seconds`; a text of another form stays as it is.
pub(crate) fn later(start: &str, seconds: f64) -> String {
    let moved = || {
        let mut words = start.split_whitespace();
        let (time, date) = (words.next()?, words.next());
        let fields: Vec<f64> = time.split(':').map(str::parse).collect::<std::result::Result<_, _>>().ok()?;
        let of_day = fields.iter().fold(0.0, |sum, f| 60.0 * sum + f) + seconds;
        if fields.len() != 3 || !of_day.is_finite() || of_day < 0.0 {
            return None;
        }
        // whole nanoseconds: no number of seconds that is not there appears from rounding
        let of_day = (of_day * 1e9).round() / 1e9;
        let (day, of_day) = ((of_day / 86_400.0).floor(), of_day % 86_400.0);
        let date =
            date.map(|d| Some(format!(" {}", date_of(days_of(d)? + day as i64)))).unwrap_or(Some(String::new()))?;
        Some(format!("{}{date}", clock(of_day)))
    };
    if seconds == 0.0 { start.to_owned() } else { moved().unwrap_or_else(|| start.to_owned()) }
}

/// Seconds of a day as `hh:mm:ss`, with the digits behind the point that there are.
pub(crate) fn clock(of_day_s: f64) -> String {
    let nanoseconds = (of_day_s * 1e9).round() as u64;
    let (whole, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    let text = format!("{:02}:{:02}:{:02}.{rest:09}", whole / 3600, whole / 60 % 60, whole % 60);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Days from 1970 of `dd/mm/yyyy`.
fn days_of(date: &str) -> Option<i64> {
    let mut parts = date.split('/').map(str::parse::<i64>);
    let (day, month, year) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    days(year, month, day)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; none for a month or day that is not.
pub(crate) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(-9999..=9999).contains(&year) {
        return None;
    }
    // years that begin in March: the leap day is the last
    let (y, m) = (year - i64::from(month <= 2), (month + 9) % 12);
    let (era, of_era) = (y.div_euclid(400), y.rem_euclid(400));
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * m + 2) / 5 + day - 1 - 719_468)
}

/// `dd/mm/yyyy` of a number of days from 1970.
pub(crate) fn date_of(days: i64) -> String {
    let z = days + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let m = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * m + 2) / 5 + 1, if m < 10 { m + 3 } else { m - 9 });
    format!("{day:02}/{month:02}/{:04}", year + era * 400 + i64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_move_over_midnight_and_leap_days() {
        assert_eq!(later("23:59:59.5 28/02/2020", 1.25), "00:00:00.75 29/02/2020");
        assert_eq!(later("23:59:59 31/12/1999", 86_401.0), "00:00:00 02/01/2000");
        assert_eq!(later("16:57:09.000 26/10/2137", 0.0), "16:57:09.000 26/10/2137");
        assert_eq!(later("10:00:00", 0.1), "10:00:00.1");
        assert_eq!(later("in the morning", 3.0), "in the morning");
        for day in (-200_000..200_000).step_by(37) {
            assert_eq!(days_of(&date_of(day)), Some(day));
        }
    }

    #[test]
    fn a_frame_is_common_to_all_signals() {
        let signal = |hz: f64, n: usize| Signal::new("s", "", SampleRate::new(hz).unwrap(), vec![0.0; n]);
        let record = Record::new("r", vec![signal(100.0, 200), signal(75.0, 150)]).unwrap();
        assert_eq!((record.frame_rate.hz(), record.frames), (25.0, 50));
        assert!(Record::new("r", vec![signal(100.0, 200), signal(75.0, 151)]).is_err());
        assert!(Record::new("r", vec![signal(100.0, 200), signal(100.0, 199)]).is_err());
        assert!(Record::new("r", Vec::new()).is_err());
    }
}
