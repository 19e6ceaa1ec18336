//! EDF+ and BDF+, written.

use super::header::MONTHS;
use crate::record::{Record, days};
use crate::signal::{MISSING, Samples, Scale, Signal};
use crate::{Annotation, Error, Result};
use eir_core::error::{LimitExceeded, NotFinite, Parameter, TooShort, Unsupported};
use eir_core::file;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Settings of [`write()`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct WriteConfig {
    /// Bits of a sample: 16 is EDF+, 24 is BDF+. Default 16.
    pub bits: u32,
    /// What is written where a sample is missing, in the signal's unit: the format has no missing samples. Each such
    /// stretch is annotated as `missing NAME`, and so is what fills up the last data record. Default: none, which makes a
    /// missing sample an error.
    pub fill: Option<f64>,
}

impl Default for WriteConfig {
    fn default() -> Self {
        Self { bits: 16, fill: None }
    }
}

impl WriteConfig {
    /// Sets [`bits`](Self::bits).
    #[must_use]
    pub fn with_bits(self, bits: u32) -> Self {
        Self { bits, ..self }
    }

    /// Sets [`fill`](Self::fill).
    #[must_use]
    pub fn with_fill(self, fill: f64) -> Self {
        Self { fill: Some(fill), ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if self.bits != 16 && self.bits != 24 {
            return Err(Parameter::new("bits", self.bits.into(), "16 or 24").into());
        }
        match self.fill.filter(|v| !v.is_finite()) {
            Some(fill) => Err(Parameter::new("fill", fill, "finite").into()),
            None => Ok(()),
        }
    }
}

/// A data record takes at most this: the readers of others stop at 10 MiB.
const RECORD_BYTES: usize = 10 << 20;

/// Writes `record` to `path` as EDF+ (`.edf`) or BDF+ (`.bdf`): the old file or the new one is there afterwards, never
/// half of it.
///
/// A converter's numbers are stored as they are, and the header's ranges are chosen so that their values keep every
/// digit where eight characters can say so; values are stored exactly where they are decimal numbers that fit, and
/// otherwise in as many steps as there are between the lowest and the highest. A comment `patient: …` in the form of EDF+
/// is the patient's field; the other comments are not written.
///
/// # Errors
/// [`NotFinite`] for a sample that is missing (unless [`fill`](WriteConfig::fill) says what to write) or infinite;
/// [`Parameter`] if numbers do not fit the bits; [`TooShort`] for a record without frames and annotations;
/// [`Unsupported`] if no data record of a whole number of frames has a duration that eight characters can say;
/// [`Error::Io`].
pub fn write(record: &Record, path: &Path, config: &WriteConfig) -> Result<()> {
    Ok(file::write_atomic(path, &to_bytes(record, config)?)?)
}

/// A signal as it is stored.
struct Stored {
    digits: Vec<i32>,
    /// Physical and digital minimum and maximum.
    physical: [String; 2],
    digital: [i32; 2],
}

/// The bytes of the file that [`write()`] writes.
///
/// # Errors
/// As [`write()`].
pub fn to_bytes(record: &Record, config: &WriteConfig) -> Result<Vec<u8>> {
    config.validate()?;
    let mut annotations = record.annotations.clone();
    let stored = record.signals.iter().map(|s| store(s, config)).collect::<Result<Vec<_>>>()?;
    if config.fill.is_some() {
        record.signals.iter().for_each(|s| annotations.extend(gaps(s)));
    }
    if record.signals.len() > 9_998 {
        return Err(LimitExceeded::new("signals of an EDF file", record.signals.len() as u64, 9_998).into());
    }
    let widths: Vec<usize> = record.signals.iter().map(|s| s.per_frame(record.frame_rate)).collect();
    let width = config.bits as usize / 8;
    let frame_bytes = widths.iter().sum::<usize>() * width;
    let plan = Plan::new(record, frame_bytes, config.fill.is_some(), !annotations.is_empty())?;
    let filled = plan.records * plan.frames - record.frames;
    if filled > 0 {
        let onset = record.duration_s();
        let missing = Annotation::new(onset, "missing all signals");
        annotations.push(missing.with_duration_s(record.frame_rate.seconds(filled)));
    }
    let (date, time, within_s) = start_of(record);
    let lists = lists(&annotations, &plan, within_s)?;
    let list_bytes = lists.iter().map(Vec::len).max().unwrap_or(0).div_ceil(width).max(8) * width;

    let mark = if width == 3 { "BDF" } else { "EDF" };
    let mut out = if width == 3 { b"\xffBIOSEMI".to_vec() } else { field("0", 8) };
    let count = record.signals.len() + 1;
    out.extend(field(&patient(record), 80));
    out.extend(field(&format!("Startdate {date} X X X"), 80));
    out.extend(field(&short(&date), 8));
    out.extend(field(&time, 8));
    out.extend(field(&(256 * (count + 1)).to_string(), 8));
    out.extend(field(&format!("{mark}+C"), 44));
    out.extend(field(&plan.records.to_string(), 8));
    out.extend(field(&plan.duration, 8));
    out.extend(field(&count.to_string(), 4));
    let (low, high) = range(config.bits);
    let bounds = [low.to_string(), high.to_string()];
    let mut each = |size: usize, of: &dyn Fn(&Signal, &Stored) -> String, of_list: &str| {
        record.signals.iter().zip(&stored).for_each(|(s, d)| out.extend(field(&of(s, d), size)));
        out.extend(field(of_list, size));
    };
    each(16, &|s, _| s.name().to_owned(), &format!("{mark} Annotations"));
    each(80, &|_, _| String::new(), "");
    each(8, &|s, _| s.unit().to_owned(), "");
    each(8, &|_, d| d.physical[0].clone(), "-1");
    each(8, &|_, d| d.physical[1].clone(), "1");
    each(8, &|_, d| d.digital[0].to_string(), &bounds[0]);
    each(8, &|_, d| d.digital[1].to_string(), &bounds[1]);
    each(80, &|_, _| String::new(), "");
    let samples = |s: &Signal| (s.per_frame(record.frame_rate) * plan.frames).to_string();
    each(8, &|s, _| samples(s), &(list_bytes / width).to_string());
    each(32, &|_, _| String::new(), "");

    out.reserve(plan.records * (frame_bytes * plan.frames + list_bytes));
    for (k, list) in lists.iter().enumerate() {
        for (stored, own) in stored.iter().zip(&widths) {
            let size = own * plan.frames;
            let there = stored.digits.get(k * size..).unwrap_or_default();
            let last = stored.digits.last().copied().unwrap_or(0);
            let fill = config.fill.map_or(last, |_| digit_of(stored, config.fill.unwrap_or(0.0)));
            let padded = there.iter().copied().chain(std::iter::repeat(fill)).take(size);
            for digit in padded {
                out.extend_from_slice(digit.to_le_bytes().get(..width).unwrap_or_default());
            }
        }
        out.extend_from_slice(list);
        out.resize(out.len() + list_bytes - list.len(), 0);
    }
    Ok(out)
}

/// How the frames are divided into data records.
struct Plan {
    records: usize,
    /// Frames of a data record.
    frames: usize,
    duration: String,
    duration_s: f64,
}

impl Plan {
    fn new(record: &Record, frame_bytes: usize, padded: bool, annotated: bool) -> Result<Self> {
        let rate = record.frame_rate.hz();
        if record.frames == 0 || record.signals.is_empty() {
            if annotated && record.signals.is_empty() {
                return Ok(Self { records: 1, frames: 0, duration: "0".into(), duration_s: 0.0 });
            }
            return Err(TooShort::new("frames", record.frames, 1).into());
        }
        // eight characters must say the duration to the last bit of the rate
        let exact = |frames: usize| {
            let text = eight(frames as f64 / rate)?;
            let seconds: f64 = text.parse().ok()?;
            let small = frames.saturating_mul(frame_bytes) <= RECORD_BYTES;
            (small && (frames as f64 / seconds / rate - 1.0).abs() < 1e-14).then_some((frames, text, seconds))
        };
        let largest = RECORD_BYTES / frame_bytes.max(1);
        let most = if padded { largest.min((8.0 * rate).ceil() as usize) } else { largest };
        let candidates = (1..=record.frames.min(most)).filter(|n| padded || record.frames.is_multiple_of(*n));
        let far = |s: f64| s.ln().abs();
        let best = candidates.filter_map(exact).min_by(|a, b| far(a.2).total_cmp(&far(b.2)));
        let (frames, duration, duration_s) = best.ok_or_else(|| {
            let what = format!("a record of {} frames at this rate in EDF", record.frames);
            Unsupported::new(what, "set `fill`, which fills the last data record, or cut or resample the record")
        })?;
        Ok(Self { records: record.frames.div_ceil(frames), frames, duration, duration_s })
    }
}

/// The stretches of a signal that are missing.
fn gaps(signal: &Signal) -> Vec<Annotation> {
    let (mut found, mut first, mut at) = (Vec::new(), None, 0usize);
    let rate = signal.rate();
    let mut end = |first: usize, at: usize| {
        let gap = Annotation::new(rate.seconds(first), format!("missing {}", signal.name()));
        found.push(gap.with_duration_s(rate.seconds(at - first)));
    };
    for value in signal.iter() {
        match (value.is_nan(), first) {
            (true, None) => first = Some(at),
            (false, Some(start)) => {
                end(start, at);
                first = None;
            }
            _ => {}
        }
        at += 1;
    }
    if let Some(start) = first {
        end(start, at);
    }
    found
}

/// The annotations of each data record, in their order: as many in each as are needed to place all.
fn lists(annotations: &[Annotation], plan: &Plan, within_s: f64) -> Result<Vec<Vec<u8>>> {
    let onset = |s: f64| {
        let text = format!("{s:+.7}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let mut texts = Vec::with_capacity(annotations.len());
    for a in annotations {
        if !a.onset_s.is_finite() || a.duration_s.is_some_and(|d| !d.is_finite() || d < 0.0) {
            return Err(
                Parameter::new("time of an annotation (s)", a.onset_s, "finite, and its duration not below 0").into()
            );
        }
        let duration = a.duration_s.map_or(String::new(), |d| format!("\x15{}", onset(d).trim_start_matches('+')));
        let text: String = a.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        texts.push(format!("{}{duration}\x14{text}\x14\0", onset(a.onset_s + within_s)));
    }
    let start = |k: usize| format!("{}\x14\x14\0", onset(within_s + k as f64 * plan.duration_s)).into_bytes();
    let longest = texts.iter().map(String::len).max().unwrap_or(0);
    let all: usize = texts.iter().map(String::len).sum();
    let mut room = longest.max(all.div_ceil(plan.records.max(1)));
    loop {
        let mut lists: Vec<Vec<u8>> = (0..plan.records).map(start).collect();
        let mut rest = texts.iter().peekable();
        for list in &mut lists {
            let before = list.len();
            while let Some(text) = rest.next_if(|t| list.len() + t.len() - before <= room) {
                list.extend_from_slice(text.as_bytes());
            }
        }
        if rest.peek().is_none() {
            return Ok(lists);
        }
        room += longest; // what is left over at the end of each list is less than that
    }
}

fn range(bits: u32) -> (i32, i32) {
    (i32::MIN >> (32 - bits), i32::MAX >> (32 - bits))
}

fn digit_of(stored: &Stored, value: f64) -> i32 {
    let [from, to] = [0, 1].map(|i| stored.physical.get(i).and_then(|p| p.parse().ok()).unwrap_or(0.0));
    let [low, high] = stored.digital;
    let share: f64 = (value - from) / (to - from);
    let digit = f64::from(low) + share * (f64::from(high) - f64::from(low));
    digit.round().clamp(low.into(), high.into()) as i32
}

fn store(signal: &Signal, config: &WriteConfig) -> Result<Stored> {
    let refused = |v: f64| v.is_infinite() || (v.is_nan() && config.fill.is_none());
    let marks: Vec<f64> = signal.iter().map(|v| if refused(v) { f64::NAN } else { 0.0 }).collect();
    NotFinite::check_f64("sample", &marks)?;
    if let Samples::Digital { digits, scale } = &signal.samples {
        let digits: Vec<i32> = digits.iter().collect();
        return linear(digits, *scale, config)?.ok_or_else(|| {
            let rule = "24, and the ends of a signal's range such that eight characters can say them";
            Error::from(Parameter::new("bits", config.bits.into(), rule))
        });
    }
    let values = signal.samples_f64();
    let largest = values.iter().filter(|v| !v.is_nan()).fold(0.0f64, |a, v| a.max(v.abs()));
    for places in 0..=6 {
        let gain = 10f64.powi(places);
        if largest * gain > 1e9 {
            break;
        }
        let whole = |v: &f64| {
            if v.is_nan() {
                Some(MISSING)
            } else {
                Some(v * gain).filter(|w| w.round() / gain == *v).map(|w| w.round() as i32)
            }
        };
        if let Some(digits) = values.iter().map(whole).collect::<Option<Vec<i32>>>() {
            if let Some(stored) = linear(digits, Scale::Gain { gain, baseline: 0 }, config)? {
                return Ok(stored);
            }
            break;
        }
    }
    quantised(&values, config)
}

/// Numbers that have a value each by `scale`, with a header that says so; none if they do not fit.
fn linear(mut digits: Vec<i32>, scale: Scale, config: &WriteConfig) -> Result<Option<Stored>> {
    let (low, high) = range(config.bits);
    let known = || digits.iter().copied().filter(|d| *d != MISSING);
    let (mut least, mut most) = (known().min().unwrap_or(0), known().max().unwrap_or(0));
    let step = scale.value(1.0) - scale.value(0.0);
    if let Some(fill) = config.fill {
        let digit = ((fill - scale.value(0.0)) / step).round();
        if digit.abs() > 1e9 {
            return Err(Parameter::new("fill", fill, "nearer to the signal's values").into());
        }
        (least, most) = (least.min(digit as i32), most.max(digit as i32));
        digits.iter_mut().filter(|d| **d == MISSING).for_each(|d| *d = digit as i32);
    }
    if i64::from(most) - i64::from(least) > i64::from(high) - i64::from(low) {
        return Ok(None);
    }
    // numbers that lie elsewhere are moved, and the calibration with them
    let shift = if least < low || most > high { i64::from(least) / 2 + i64::from(most) / 2 } else { 0 };
    let moved = |d: i32| (i64::from(d) - shift).clamp(low.into(), high.into()) as i32;
    let value = |d: i32| scale.value((i64::from(d) + shift) as f64);
    let (least, most) = (moved(least), moved(most));
    // the narrowest range is the best: readers compute with its ends, whose size is what their rounding follows
    let mut best: Option<(f64, Bound, Bound)> = None;
    for half in (9..config.bits).map(|bits| 1i32 << bits).filter(|half| least >= -half && most < *half) {
        let Some((from_error, from)) = bound(-half, least.min(half - 2), 1, &value, step) else { continue };
        let Some((to_error, to)) = bound(half - 1, most.max(from.0 + 1), -1, &value, step) else { continue };
        let error = from_error.max(to_error);
        if best.as_ref().is_none_or(|(e, ..)| error < *e) {
            best = Some((error, from, to));
        }
        if error < EXACT {
            break;
        }
    }
    let best = best.filter(|(error, ..)| *error < 0.25);
    let Some((_, (from, from_text), (to, to_text))) = best else { return Ok(None) };
    if shift != 0 {
        digits.iter_mut().for_each(|d| *d = moved(*d));
    }
    Ok(Some(Stored { digits, physical: [from_text, to_text], digital: [from, to] }))
}

/// An end of a digital range, and its value as the header says it.
type Bound = (i32, String);

/// A text whose value is off by less than this share of a step is exact.
const EXACT: f64 = 1e-9;

/// The digital bound from `outer` inwards to `inner` whose value eight characters say best, with the share of a step that
/// they are off: the first that is exact, if there is such a one among the first few thousand.
fn bound(outer: i32, inner: i32, way: i32, value: &dyn Fn(i32) -> f64, step: f64) -> Option<(f64, Bound)> {
    let mut best: Option<(f64, Bound)> = None;
    let mut digit = outer;
    for _ in 0..8192 {
        if let Some(text) = eight(value(digit)) {
            let error = text.parse().map_or(f64::INFINITY, |v: f64| (v - value(digit)).abs() / step.abs());
            if best.as_ref().is_none_or(|(e, ..)| error < *e) {
                best = Some((error, (digit, text)));
            }
            if error < EXACT {
                break;
            }
        }
        if digit == inner {
            break;
        }
        digit += way;
    }
    best
}

/// Values in equal steps from the lowest to the highest of them.
fn quantised(values: &[f64], config: &WriteConfig) -> Result<Stored> {
    let known = || values.iter().copied().filter(|v| !v.is_nan()).chain(config.fill);
    let (low, high) = known().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
    // eight characters, rounded outwards
    let outwards = |v: f64, sign: f64| {
        (0..=7).rev().find_map(|places: i32| {
            let unit = 10f64.powi(-places);
            let rounded = (sign * v / unit).ceil() * unit * sign;
            let text = format!("{rounded:.*}", places as usize);
            let text = if places > 0 { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
            (text.len() <= 8).then_some(text)
        })
    };
    let span = if high > low { 0.0 } else { 0.5 * low.abs().max(1e-3) };
    let texts = (outwards(low - span, -1.0), outwards(high + span, 1.0));
    let ranges = match texts {
        (Some(from), Some(to)) if from != to => Some([from, to]),
        _ => None,
    };
    let rule = "such that eight characters can say it: use another unit";
    let physical = ranges.ok_or_else(|| Parameter::new("range of a signal", high - low, rule))?;
    let (least, most) = range(config.bits);
    let mut stored = Stored { digits: Vec::new(), physical, digital: [least, most] };
    let fill = config.fill.unwrap_or(0.0);
    stored.digits = values.iter().map(|v| digit_of(&stored, if v.is_nan() { fill } else { *v })).collect();
    Ok(stored)
}

/// A number in at most eight characters, as exactly as they allow.
fn eight(value: f64) -> Option<String> {
    (0..=7).rev().find_map(|places| {
        let text = format!("{value:.places$}");
        let text = if places > 0 { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
        let text = if text == "-0" { "0".to_owned() } else { text };
        (text.len() <= 8).then_some(text)
    })
}

/// A field of the header: ASCII, filled up with blanks.
fn field(text: &str, width: usize) -> Vec<u8> {
    let ascii = |c: char| match c {
        'µ' | 'μ' => 'u',
        c if c.is_ascii_graphic() || c == ' ' => c,
        _ => '_',
    };
    let mut bytes: Vec<u8> = text.chars().map(ascii).take(width).map(|c| c as u8).collect();
    bytes.resize(width, b' ');
    bytes
}

/// The patient's field: what a comment says in EDF+'s form, or nothing.
fn patient(record: &Record) -> String {
    let said = record.comment("patient").unwrap_or_default();
    let fields: Vec<&str> = said.split(' ').collect();
    let birth = |f: &&str| *f == "X" || date_fields(f).is_some();
    let valid = fields.len() >= 4
        && said.len() <= 80
        && said.is_ascii()
        && fields.iter().all(|f| !f.is_empty())
        && fields.get(1).is_some_and(|s| ["M", "F", "X"].contains(s))
        && fields.get(2).is_some_and(birth);
    if valid { said.to_owned() } else { "X X X X".to_owned() }
}

/// Day, month and year of `dd-MMM-yyyy`.
fn date_fields(text: &str) -> Option<(u32, &str, i64)> {
    let mut parts = text.split('-');
    let (day, month, year) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?.parse().ok()?);
    (MONTHS.contains(&month) && parts.next().is_none()).then_some((day, month, year))
}

/// The date as `dd-MMM-yyyy` (`X` if there is none), the time as `hh.mm.ss`, and what of a second is left.
fn start_of(record: &Record) -> (String, String, f64) {
    let mut words = record.start.split_whitespace();
    let time: Option<Vec<f64>> = words.next().map(|t| t.split(':').map(|p| p.parse().unwrap_or(-1.0)).collect());
    let (time, within) = match time.as_deref() {
        Some([h, m, s]) if (0.0..24.0).contains(h) && (0.0..60.0).contains(m) && (0.0..60.0).contains(s) => {
            (format!("{h:02}.{m:02}.{:02}", s.floor()), (s.fract() * 1e7).round() / 1e7)
        }
        _ => ("00.00.00".to_owned(), 0.0),
    };
    let date = words.next().and_then(|d| {
        let parts: Vec<i64> = d.split('/').map(str::parse).collect::<std::result::Result<_, _>>().ok()?;
        let [day, month, year] = <[i64; 3]>::try_from(parts).ok()?;
        days(year, month, day)?;
        let name = MONTHS.get(usize::try_from(month - 1).ok()?)?;
        (0..=9999).contains(&year).then(|| format!("{day:02}-{name}-{year:04}"))
    });
    (date.unwrap_or_else(|| "X".to_owned()), time, within)
}

/// `dd-MMM-yyyy` as `dd.mm.yy`.
fn short(date: &str) -> String {
    let Some((day, month, year)) = date_fields(date) else { return "01.01.85".to_owned() };
    let month = MONTHS.iter().position(|m| *m == month).unwrap_or(0) + 1;
    // a year that two digits cannot say stands in the recording's field only
    if (1985..=2084).contains(&year) {
        format!("{day:02}.{month:02}.{:02}", year % 100)
    } else {
        format!("{day:02}.{month:02}.yy")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edf;
    use eir_core::{Limits, SampleRate};

    fn rate(hz: f64) -> SampleRate {
        SampleRate::new(hz).unwrap()
    }

    fn again(record: &Record, config: &WriteConfig) -> Record {
        edf::read(&to_bytes(record, config).unwrap(), &Limits::default()).unwrap()
    }

    #[test]
    fn numbers_values_times_and_annotations() {
        let digital: Vec<Option<i32>> = (0..2500).map(|i| Some((i * 37) % 3000 - 1500)).collect();
        for (gain, baseline) in [(200.0, 1024), (249.0, -55), (12.08, -1307), (1.0, 30_000), (-3.0, 7), (6.5536e4, 0)] {
            let signals = vec![
                Signal::from_digital("II", "mV", rate(250.0), &digital, gain, baseline).unwrap(),
                Signal::new("SpO2", "%", rate(1.0), (0..10).map(|i| 97.5 - f64::from(i) / 8.0).collect()),
            ];
            let mut record = Record::new("r", signals).unwrap();
            record.start = "04:05:56.3945312 24/01/2020".into();
            record.comments = vec!["patient: MCH-0234567 F 02-MAY-1951 Haagse_Harry".into()];
            record.annotations = vec![
                Annotation::new(1.5566407, "中文").with_duration_s(0.25),
                Annotation::new(-2.0, "before"),
                Annotation::new(1e4, "behind"),
            ];
            for bits in [16, 24] {
                let read = again(&record, &WriteConfig::default().with_bits(bits));
                let (old, new) = (&record.signals, &read.signals);
                assert_eq!((read.frame_rate, read.frames), (record.frame_rate, record.frames));
                for (old, new) in old.iter().zip(new) {
                    assert_eq!((old.name(), old.unit(), old.rate()), (new.name(), new.unit(), new.rate()));
                    for (a, b) in old.iter().zip(new.iter()) {
                        assert!((a - b).abs() <= 2e-12 * 40_000.0 / gain.abs().min(100.0), "gain {gain}: {a} {b}");
                    }
                }
                if old[0].digital().unwrap().iter().all(Option::is_some) {
                    assert_eq!(old[0].digital(), new[0].digital(), "gain {gain}");
                }
                assert_eq!(read.start, record.start);
                assert_eq!(read.comment("patient"), record.comment("patient"));
                for (a, b) in record.annotations.iter().zip(&read.annotations) {
                    assert!((a.onset_s - b.onset_s).abs() < 1e-7);
                    assert_eq!((a.duration_s, &a.text), (b.duration_s, &b.text));
                }
                assert_eq!(read.annotations.len(), 3);
            }
        }
    }

    #[test]
    fn missing_samples_are_an_error_or_a_choice() {
        let gap = [f64::NAN, 1.25, 2.5, f64::NAN, f64::NAN, 3.0, 4.0];
        let record = Record::new("r", vec![Signal::new("a", "mV", rate(10.0), gap.to_vec())]).unwrap();
        let refused = to_bytes(&record, &WriteConfig::default());
        assert!(matches!(refused, Err(Error::NotFinite(NotFinite { index: 0, .. }))));
        let read = again(&record, &WriteConfig::default().with_fill(-1.0));
        let values: Vec<f64> = read.signals[0].iter().map(|v| (v * 1e6).round() / 1e6).collect();
        assert_eq!(values[..7], [-1.0, 1.25, 2.5, -1.0, -1.0, 3.0, 4.0]);
        let texts: Vec<_> = read.annotations.iter().map(|a| (a.onset_s, a.duration_s, a.text.as_str())).collect();
        assert_eq!(texts[..2], [(0.0, Some(0.1), "missing a"), (0.3, Some(0.2), "missing a")]);
        let infinite = Record::new("r", vec![Signal::new("a", "", rate(1.0), vec![f64::INFINITY])]).unwrap();
        assert!(matches!(to_bytes(&infinite, &WriteConfig::default().with_fill(0.0)), Err(Error::NotFinite(_))));
    }

    #[test]
    fn what_eight_characters_cannot_say() {
        let odd = |n: usize| Record::new("r", vec![Signal::new("a", "", rate(62.4725), vec![0.5; n])]).unwrap();
        assert!(matches!(to_bytes(&odd(1009), &WriteConfig::default()), Err(Error::Unsupported(_))));
        let wide = Signal::from_digital("a", "", rate(1.0), &[Some(-40_000), Some(40_000)], 1.0, 0).unwrap();
        let record = Record::new("r", vec![wide]).unwrap();
        assert!(matches!(to_bytes(&record, &WriteConfig::default()), Err(Error::Parameter(_))));
        let read = again(&record, &WriteConfig::default().with_bits(24));
        assert_eq!(read.signals[0].samples(), [-40_000.0, 40_000.0]);
        let high = Signal::from_digital("a", "", rate(1.0), &[Some(100_000), Some(100_001)], 10.0, 0).unwrap();
        let read = again(&Record::new("r", vec![high]).unwrap(), &WriteConfig::default());
        assert_eq!(read.signals[0].samples(), [10_000.0, 10_000.1]);
        let pi: Vec<f64> = (0..300).map(|i| f64::from(i).sin() * std::f64::consts::PI).collect();
        let read = again(
            &Record::new("r", vec![Signal::new("a", "", rate(100.0), pi.clone())]).unwrap(),
            &WriteConfig::default(),
        );
        let worst = read.signals[0].iter().zip(&pi).fold(0.0f64, |w, (a, b)| w.max((a - b).abs()));
        assert!(worst < std::f64::consts::PI / 60_000.0, "{worst}");
    }

    #[test]
    fn many_annotations_in_one_place_take_little_room() {
        let mut record = Record::new("r", vec![Signal::new("a", "", rate(1.0), vec![0.0; 1000])]).unwrap();
        record.annotations = (0..3000).map(|i| Annotation::new(5.0, format!("n{i}"))).collect();
        let bytes = to_bytes(&record, &WriteConfig::default()).unwrap();
        assert!(bytes.len() < 100_000, "{}", bytes.len());
        assert_eq!(edf::read(&bytes, &Limits::default()).unwrap().annotations.len(), 3000);
    }
}
