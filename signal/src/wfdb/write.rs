//! WFDB records, written.

use super::samples::{Format, encode};
use crate::record::Record;
use crate::signal::{MISSING, Samples, Scale, Signal};
use crate::{Error, Result};
use eir_core::error::{NotFinite, Parameter, Unsupported};
use eir_core::file;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::path::Path;

/// Settings of [`write()`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct WriteConfig {
    /// Storage format of all signals: 16, 24, 32, 61, 80, 160, 212, 310 or 311. Default: none, which is for each signal
    /// the format that it was read from if that is one of these, and otherwise the narrowest of 16, 24 and 32 that holds
    /// it.
    pub format: Option<u16>,
}

impl WriteConfig {
    /// Sets [`format`](Self::format).
    #[must_use]
    pub fn with_format(self, format: u16) -> Self {
        Self { format: Some(format) }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        match self.format {
            Some(format) if !WRITTEN.contains(&format) => {
                let rule = "16, 24, 32, 61, 80, 160, 212, 310 or 311";
                Err(Parameter::new("format", format.into(), rule).into())
            }
            _ => Ok(()),
        }
    }
}

const WRITTEN: [u16; 9] = [16, 24, 32, 61, 80, 160, 212, 310, 311];

/// A signal as it is stored.
struct Stored {
    format: Format,
    values: Vec<i32>,
    gain: f64,
    baseline: i32,
}

/// Writes `record` to `path.hea` and `path.dat` (`path_0.dat`, `path_1.dat` … where neighbouring signals differ in their
/// format). Each file is whole or not there, and the header comes last.
///
/// A converter's numbers are stored as they are. Values that have no more than 9 digits behind the point are stored
/// exactly, with a power of ten as gain; others in as many steps as the format has between their lowest and their
/// highest, 2³² if none is set. A missing sample becomes the format's own number for that.
///
/// Annotations of the record are not written: they have files of their own,
/// [`write_annotations`](super::write_annotations). A unit's characters that WFDB does not know become `_`, an empty unit
/// becomes `nd`, and the time of day is kept to the microsecond.
///
/// # Examples
/// ```
/// use eir_core::SampleRate;
/// use eir_signal::{Record, Signal, wfdb};
/// # let folder = std::env::temp_dir().join(format!("eir-signal-write-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// let fhr = Signal::new("FHR", "bpm", SampleRate::new(4.0)?, vec![140.25, f64::NAN, 139.5]);
/// wfdb::write(&Record::new("1", vec![fhr])?, &folder.join("1"), &Default::default())?;
/// let again = Record::open(folder.join("1.hea"))?;
/// assert_eq!(again.signal("FHR")?.digital().unwrap(), [Some(14_025), None, Some(13_950)]);
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Parameter`] if a signal's numbers do not fit the format; [`NotFinite`] for an infinite value; [`Unsupported`] for a
/// record name of other characters than letters, digits, `-` and `_`; [`Error::Io`].
pub fn write(record: &Record, path: &Path, config: &WriteConfig) -> Result<()> {
    config.validate()?;
    let path = if path.extension().is_some_and(|e| e == "hea") { path.with_extension("") } else { path.to_owned() };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        let what = "a record name of other characters than letters, digits, - and _";
        return Err(Unsupported::new(what, "choose another name").into());
    }
    let stored: Vec<Stored> = record.signals.iter().map(|s| store(s, config.format)).collect::<Result<_>>()?;
    let mut header = head(record, &name, stored.len());
    let runs: Vec<&[Stored]> = stored.chunk_by(|a, b| a.format == b.format).collect();
    let mut signals = record.signals.iter();
    for (i, run) in runs.iter().enumerate() {
        let dat = if runs.len() == 1 { format!("{name}.dat") } else { format!("{name}_{i}.dat") };
        let widths: Vec<usize> = signals.clone().take(run.len()).map(|s| s.per_frame(record.frame_rate)).collect();
        for (s, (signal, per_frame)) in run.iter().zip(signals.by_ref().zip(&widths)) {
            line(&mut header, &dat, s, signal, *per_frame);
        }
        file::write_atomic(&path.with_file_name(dat), &interleaved(run, &widths, record.frames))?;
    }
    for comment in &record.comments {
        let _ = writeln!(header, "# {}", one_line(comment)); // a String takes everything
    }
    file::write_atomic(&path.with_file_name(format!("{name}.hea")), header.as_bytes())?;
    Ok(())
}

/// The record's line.
fn head(record: &Record, name: &str, signals: usize) -> String {
    let mut text = format!("{name} {signals} {} {}", record.frame_rate.hz(), record.frames);
    let mut words = record.start.split_whitespace();
    let digits = |word: &str, mark: char, parts: usize| {
        word.split(mark).count() == parts && word.chars().all(|c| c.is_ascii_digit() || c == mark || c == '.')
    };
    if let Some(time) = words.next().filter(|w| digits(w, ':', 3)) {
        let (whole, fraction) = time.split_once('.').unwrap_or((time, ""));
        let fraction: String = fraction.chars().take(6).collect();
        let point = if fraction.is_empty() { "" } else { "." };
        let _ = write!(text, " {whole}{point}{fraction}");
        if let Some(date) = words.next().filter(|w| digits(w, '/', 3)) {
            let _ = write!(text, " {date}");
        }
    }
    text.push('\n');
    text
}

/// A signal's line.
fn line(header: &mut String, dat: &str, stored: &Stored, signal: &Signal, per_frame: usize) {
    let Stored { format, values, gain, baseline } = stored;
    let invalid = format.invalid().unwrap_or(0);
    let known = |v: &i32| if *v == MISSING { invalid } else { *v };
    let sum = values.iter().fold(0u16, |sum, v| sum.wrapping_add(known(v) as u16)).cast_signed();
    let first = values.first().map_or(0, known);
    let each = if per_frame > 1 { format!("x{per_frame}") } else { String::new() };
    let allowed = |c: char| c.is_alphanumeric() || "_^-?%/".contains(c);
    let unit: String = signal.unit().chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    let unit = if unit.is_empty() { "nd" } else { &unit };
    let name = one_line(signal.name());
    let (number, bits) = (format.number, format.bits);
    let _ = writeln!(header, "{dat} {number}{each} {gain}({baseline})/{unit} {bits} 0 {first} {sum} 0 {name}");
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// The bytes of one file.
fn interleaved(run: &[Stored], widths: &[usize], frames: usize) -> Vec<u8> {
    let Some(format) = run.first().map(|s| s.format) else { return Vec::new() };
    let invalid = format.invalid().unwrap_or(0);
    let width: usize = widths.iter().sum();
    let mut flat = vec![invalid; frames.saturating_mul(width)];
    let mut at = 0;
    for (stored, own) in run.iter().zip(widths) {
        for (row, values) in flat.chunks_exact_mut(width).zip(stored.values.chunks(*own)) {
            for (to, v) in row.iter_mut().skip(at).zip(values) {
                *to = if *v == MISSING { invalid } else { *v };
            }
        }
        at += own;
    }
    let mut bytes = Vec::with_capacity(flat.len() * format.bits.div_ceil(8) as usize);
    encode(format, &flat, &mut bytes);
    bytes
}

/// How a signal is stored in `format`, or in the one that suits it.
fn store(signal: &Signal, format: Option<u16>) -> Result<Stored> {
    let own = format.or_else(|| Some(signal.format()).filter(|f| WRITTEN.contains(f)));
    let fit = |values: Vec<i32>, gain: f64, baseline: i32| {
        let number = own.unwrap_or_else(|| narrowest(&values));
        let format = Format::new(number)?;
        let invalid = format.invalid().unwrap_or(i32::MIN);
        let high = i32::MAX >> (32 - format.bits);
        if values.iter().any(|v| *v != MISSING && (*v <= invalid || *v > high)) {
            let rule = "wide enough for every number of the signal: 24 or 32, or none to let it be chosen";
            return Err(Error::from(Parameter::new("format", number.into(), rule)));
        }
        Ok(Stored { format, values, gain, baseline })
    };
    if let Samples::Digital { digits, scale } = &signal.samples {
        let exact = match *scale {
            Scale::Gain { gain, baseline } => Some((gain, f64::from(baseline))),
            Scale::Step { step, offset } => Some((1.0 / step, -offset)),
            Scale::Origin { origin, step } => Some((1.0 / step, -origin / step)),
        };
        let whole = |b: f64| b.fract() == 0.0 && b.abs() <= f64::from(i32::MAX);
        if let Some((gain, baseline)) = exact.filter(|(g, b)| g.is_finite() && *g != 0.0 && whole(*b)) {
            return fit(digits.iter().collect(), gain, baseline as i32);
        }
    }
    let values = signal.samples_f64();
    if values.iter().any(|v| v.is_infinite()) {
        let marks: Vec<f64> = values.iter().map(|v| if v.is_nan() { 0.0 } else { *v }).collect();
        NotFinite::check_f64("sample", &marks)?;
    }
    if let Some(stored) = decimal(&values).and_then(|(digits, gain)| fit(digits, gain, 0).ok()) {
        return Ok(stored);
    }
    let bits = own.map_or(Ok(32), |f| Format::new(f).map(|f| f.bits))?;
    let (digits, gain, baseline) = quantised(&values, bits)?;
    fit(digits, gain, baseline)
}

fn narrowest(values: &[i32]) -> u16 {
    let fits = |bits: u32| {
        let high = i32::MAX >> (32 - bits);
        values.iter().all(|v| *v == MISSING || (-high..=high).contains(v))
    };
    if fits(16) {
        16
    } else if fits(24) {
        24
    } else {
        32
    }
}

/// The values as whole numbers over a power of ten, if they are such numbers to the last bit.
fn decimal(values: &[f64]) -> Option<(Vec<i32>, f64)> {
    let limit = f64::from(i32::MAX);
    (0..=9).find_map(|digits| {
        let gain = 10f64.powi(digits);
        let exact = |v: &f64| {
            if v.is_nan() {
                return Some(MISSING);
            }
            let whole = (v * gain).round();
            (whole.abs() <= limit && whole / gain == *v).then_some(whole as i32)
        };
        Some((values.iter().map(exact).collect::<Option<Vec<i32>>>()?, gain))
    })
}

/// The values in equal steps from the lowest to the highest of them.
fn quantised(values: &[f64], bits: u32) -> Result<(Vec<i32>, f64, i32)> {
    let known = || values.iter().copied().filter(|v| !v.is_nan());
    let (low, high) = known().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let steps = f64::from(i32::MAX >> (32 - bits));
    let span = if high > low { high - low } else { high.abs().max(f64::MIN_POSITIVE) };
    let gain = 2.0 * steps / span;
    let middle = if high > low { low / 2.0 + high / 2.0 } else { 0.0 };
    let baseline = -(middle * gain).round();
    if !gain.is_finite() || baseline.abs() > f64::from(i32::MAX) {
        let rule =
            "such that the lowest and the highest value lie no closer than 2^-31 of their size; store differences";
        return Err(Parameter::new("span of a signal", span, rule).into());
    }
    let digit = |v: &f64| {
        if v.is_nan() { MISSING } else { ((v * gain).round() + baseline).clamp(-steps, steps) as i32 }
    };
    Ok((values.iter().map(digit).collect(), gain, baseline as i32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eir_core::SampleRate;

    fn there_and_back(signals: Vec<Signal>, config: &WriteConfig, name: &str) -> Record {
        let folder = std::env::temp_dir().join(format!("eir-signal-wfdb-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut record = Record::new(name, signals).unwrap();
        record.start = "23:59:58.123456789 29/02/2024".into();
        record.comments = vec!["age: 25".into(), "two\nlines".into()];
        write(&record, &folder.join(name), config).unwrap();
        let again = Record::open(folder.join(format!("{name}.hea"))).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(again.start, "23:59:58.123456 29/02/2024");
        assert_eq!(again.comments, ["age: 25", "two lines"]);
        again
    }

    #[test]
    fn every_format_keeps_numbers_gaps_and_frames() {
        let rate = |hz| SampleRate::new(hz).unwrap();
        for format in WRITTEN {
            let bits = Format::new(format).unwrap().bits;
            let high = i32::MAX >> (32 - bits);
            let a: Vec<Option<i32>> = (0..30).map(|i| (i % 7 != 3).then_some(high - 3 * i)).collect();
            let b: Vec<Option<i32>> = (0..15).map(|i| (i != 0).then_some(-high + i)).collect();
            let signals = vec![
                Signal::from_digital("a", "mV", rate(20.0), &a, 200.0, 7).unwrap(),
                Signal::from_digital("b lead", "", rate(10.0), &b, 12.08, -1307).unwrap(),
            ];
            let again = there_and_back(signals.clone(), &WriteConfig::default().with_format(format), "all");
            for (old, new) in signals.iter().zip(&again.signals) {
                assert_eq!((old.digital(), old.calibration()), (new.digital(), new.calibration()), "format {format}");
                assert_eq!((old.rate(), new.checksum_agrees()), (new.rate(), Some(true)));
            }
            assert_eq!((again.signals[1].name(), again.signals[1].unit()), ("b lead", "nd"));
        }
    }

    #[test]
    fn values_are_exact_or_within_half_a_step() {
        let rate = SampleRate::new(10.0).unwrap();
        let exact = vec![0.1, -1234.567, f64::NAN, 7.0];
        let pi: Vec<f64> = (0..50).map(|i| f64::from(i).sin() * std::f64::consts::PI).collect();
        let signals = vec![Signal::new("s", "µV", rate, [&exact[..], &vec![0.5; 46]].concat())];
        let again = there_and_back(signals, &WriteConfig::default(), "exact");
        assert_eq!(format!("{:?}", &again.signals[0].samples_f64()[..4]), format!("{exact:?}"));
        assert_eq!((again.signals[0].unit(), again.signals[0].format()), ("µV", 24));
        let again = there_and_back(vec![Signal::new("s", "a b", rate, pi.clone())], &WriteConfig::default(), "pi");
        let worst = again.signals[0].iter().zip(&pi).fold(0.0f64, |w, (a, b)| w.max((a - b).abs()));
        assert!(worst < 2.0 * std::f64::consts::PI / 4e9, "{worst}");
        assert_eq!(again.signals[0].unit(), "a_b");
        let again =
            there_and_back(vec![Signal::new("s", "", rate, pi.clone())], &WriteConfig::default().with_format(212), "p");
        let worst = again.signals[0].iter().zip(&pi).fold(0.0f64, |w, (a, b)| w.max((a - b).abs()));
        assert!(worst < std::f64::consts::PI / 4000.0, "{worst}");
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let rate = SampleRate::new(10.0).unwrap();
        let folder = std::env::temp_dir();
        let refused = |signal: Signal, name: &str, format: u16| {
            let record = Record::new("r", vec![signal]).unwrap();
            write(&record, &folder.join(name), &WriteConfig::default().with_format(format)).unwrap_err()
        };
        let wide = Signal::from_digital("s", "", rate, &[Some(40_000)], 1.0, 0).unwrap();
        assert!(refused(wide.clone(), "never-written", 16).to_string().contains("24 or 32"));
        assert!(matches!(refused(wide.clone(), "no name", 32), Error::Unsupported(_)));
        assert!(matches!(refused(wide, "never-written", 8), Error::Parameter(_)));
        assert!(matches!(refused(Signal::new("s", "", rate, vec![f64::INFINITY]), "x", 16), Error::NotFinite(_)));
        let lowest = Signal::from_digital("s", "", rate, &[Some(-2048)], 1.0, 0).unwrap();
        assert!(matches!(refused(lowest, "never-written", 212), Error::Parameter(_)));
        assert!(!folder.join("never-written.hea").exists());
    }
}
