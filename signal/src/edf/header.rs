//! The header of an EDF or BDF file.

use super::FORMAT;
use crate::Result;
use crate::record::{clock, date_of, days};
use crate::signal::{Digits, Samples, Scale, Signal};
use crate::source::Source;
use eir_core::error::Malformed;
use eir_core::{Limits, SampleRate};

/// What the header says.
#[derive(Debug)]
pub(super) struct Header {
    /// Bytes of a sample: 2, or 3 in BDF.
    pub(super) width: u64,
    /// "EDF", "EDF+C", "EDF+D", "BDF", "BDF+C", "BDF+D".
    pub(super) kind: String,
    patient: String,
    recording: String,
    date: String,
    time: String,
    /// Bytes before the first data record.
    pub(super) data: u64,
    /// Data records, and what each lasts and takes.
    pub(super) records: u64,
    pub(super) duration_s: f64,
    pub(super) record_bytes: u64,
    pub(super) frames_per_record: u64,
    pub(super) channels: Vec<Channel>,
}

/// A signal, or a channel of annotations.
#[derive(Debug)]
pub(super) struct Channel {
    label: String,
    transducer: String,
    unit: String,
    prefilter: String,
    scale: Scale,
    rate_hz: f64,
    pub(super) is_annotation: bool,
    /// Its samples in a data record, and the byte in it where they start.
    pub(super) samples: u64,
    pub(super) offset: u64,
}

impl Header {
    pub(super) fn parse(source: &mut Source<'_>, limits: &Limits) -> Result<Self> {
        let there = source.len();
        let head = source.at(0, 256)?;
        let is_bdf = match head.split_first_chunk::<8>() {
            Some((b"\xffBIOSEMI", _)) => true,
            Some((version, _)) if text(version) == "0" => false,
            _ => {
                return Err(
                    Malformed::at(FORMAT, 0, "neither the mark of EDF nor that of BDF stands at its start").into()
                );
            }
        };
        let width = if is_bdf { 3 } else { 2 };
        let mut fields = Fields { bytes: head, at: 8 };
        let (patient, recording) = (fields.text(80)?, fields.text(80)?);
        let (date, time) = (fields.text(8)?, fields.text(8)?);
        let header_bytes: u64 = fields.whole("number of bytes of the header", 8)?;
        let reserved = fields.text(44)?;
        let records: i64 = fields.whole("number of data records", 8)?;
        let duration_s = fields.number("duration of a data record", 8)?;
        let count: u64 = fields.whole("number of signals", 4)?;
        let count = limits.with_items(limits.items / 100).check_items("signals of a record", count)?;
        if duration_s < 0.0 {
            return Err(Malformed::at(FORMAT, 244, "the duration of a data record is below 0").into());
        }
        let data = 256 * (count as u64 + 1);
        if header_bytes != data || data > there {
            return Err(Malformed::at(FORMAT, 184, "the number of bytes of the header does not fit its signals").into());
        }
        let plus = ["EDF+C", "EDF+D", "BDF+C", "BDF+D"].into_iter().find(|k| reserved.starts_with(k));
        let kind = plus.unwrap_or(if is_bdf { "BDF" } else { "EDF" }).to_owned();

        let bytes = source.at(256, 256 * count)?;
        let channel = |i: usize| Channel::parse(bytes, i, count, is_bdf, plus.is_some(), duration_s);
        let mut channels = (0..count).map(channel).collect::<Result<Vec<_>>>()?;
        let mut record_bytes = 0u64;
        for channel in &mut channels {
            channel.offset = record_bytes;
            record_bytes += channel.samples * width; // at most 10^4 of at most 10^8
        }
        let room = there - data;
        let records = match u64::try_from(records) {
            Ok(records) => records,
            Err(_) if records == -1 => room / record_bytes.max(1),
            Err(_) => return Err(Malformed::at(FORMAT, 236, "the number of data records is below 0").into()),
        };
        let needed = records.saturating_mul(record_bytes);
        if needed > room {
            let reason = format!("its {records} data records need {needed} bytes behind the header, there are {room}");
            return Err(Malformed::at(FORMAT, 236, reason).into());
        }
        let signals = || channels.iter().filter(|c| !c.is_annotation);
        let frames_per_record = signals().map(|c| c.samples).fold(0, gcd);
        if signals().next().is_some() && duration_s == 0.0 {
            return Err(Malformed::at(FORMAT, 244, "the duration of a data record that holds signals is 0").into());
        }
        Ok(Self {
            width,
            kind,
            patient,
            recording,
            date,
            time,
            data,
            records,
            duration_s,
            record_bytes,
            frames_per_record,
            channels,
        })
    }

    /// The channels that are no annotations.
    pub(super) fn signals(&self) -> impl Iterator<Item = &Channel> {
        self.channels.iter().filter(|c| !c.is_annotation)
    }

    /// Frames a second; 1 for a file of annotations only.
    pub(super) fn frame_rate(&self) -> Result<SampleRate> {
        if self.frames_per_record == 0 {
            return Ok(SampleRate::new(1.0)?);
        }
        Ok(SampleRate::new(self.frames_per_record as f64 / self.duration_s)?)
    }

    /// Time and date of the first sample, `later_s` after the header's.
    pub(super) fn start(&self, later_s: f64) -> String {
        let parts = |text: &str| -> Option<[i64; 3]> {
            let fields: Vec<i64> = text
                .split(['.', ':', '/'])
                .map(|f| f.trim().parse::<i64>())
                .collect::<std::result::Result<_, _>>()
                .ok()?;
            <[i64; 3]>::try_from(fields).ok()
        };
        let Some([h, m, s]) = parts(&self.time) else { return String::new() };
        let of_day = (h * 3600 + m * 60 + s) as f64 + later_s;
        if !(0.0..=86_400.0 * 2.0).contains(&of_day) {
            return String::new();
        }
        // EDF+ says the whole year
        let said = self.recording.split(' ').nth(1).filter(|_| self.recording.starts_with("Startdate "));
        let whole = said.and_then(|date| {
            let mut fields = date.split('-');
            let (day, month, year) = (fields.next()?.parse().ok()?, fields.next()?, fields.next()?.parse().ok()?);
            days(year, MONTHS.iter().position(|m| m.eq_ignore_ascii_case(month))? as i64 + 1, day)
        });
        let short = || {
            let [day, month, year] = parts(&self.date)?;
            days(if year < 85 { year + 2000 } else { year + 1900 }, month, day)
        };
        let (over, of_day) = ((of_day / 86_400.0).floor() as i64, of_day % 86_400.0);
        match whole.or_else(short) {
            Some(date) => format!("{} {}", clock(of_day), date_of(date + over)),
            None => clock(of_day),
        }
    }

    pub(super) fn comments(&self) -> Vec<String> {
        let mut all = vec![format!("type: {}", self.kind)];
        let mut add = |key: String, value: &str| {
            if !value.is_empty() {
                all.push(format!("{key}: {value}"));
            }
        };
        add("patient".into(), &self.patient);
        add("recording".into(), &self.recording);
        for c in self.channels.iter().filter(|c| !c.is_annotation) {
            add(format!("transducer {}", c.label), &c.transducer);
            add(format!("prefilter {}", c.label), &c.prefilter);
        }
        all
    }
}

/// Months as EDF+ writes them.
pub(super) const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

impl Channel {
    /// Channel `index` of `count`: the header holds each field of all channels together.
    fn parse(bytes: &[u8], index: usize, count: usize, is_bdf: bool, plus: bool, duration_s: f64) -> Result<Self> {
        const WIDTHS: [usize; 10] = [16, 80, 8, 8, 8, 8, 8, 80, 8, 32];
        let field = |kind: usize| {
            let before: usize = WIDTHS.iter().take(kind).sum();
            let width = WIDTHS.get(kind).copied().unwrap_or(0);
            (Fields { bytes, at: before * count + width * index }, width)
        };
        let text = |kind: usize| {
            let (mut at, width) = field(kind);
            at.text(width)
        };
        let number = |what: &'static str, kind: usize| {
            let (mut at, width) = field(kind);
            at.number(what, width)
        };
        let whole = |what: &'static str, kind: usize| {
            let (mut at, width) = field(kind);
            at.whole::<i64>(what, width)
        };
        let label = text(0)?;
        let is_annotation = plus && label == if is_bdf { "BDF Annotations" } else { "EDF Annotations" };
        let samples = whole("number of samples in a data record", 8)?;
        let bad = |reason: &'static str| Malformed::new(FORMAT, format!("signal {index}: {reason}"));
        let samples = u64::try_from(samples).ok().filter(|n| *n > 0).ok_or_else(|| bad("it has no samples"))?;
        let mut scale = Scale::Step { step: 1.0, offset: 0.0 };
        if !is_annotation {
            let (low, high) = (whole("digital minimum", 5)?, whole("digital maximum", 6)?);
            let (from, to) = (number("physical minimum", 3)?, number("physical maximum", 4)?);
            let half = if is_bdf { 1 << 23 } else { 1 << 15 };
            if low < -half || high >= half || low >= high {
                return Err(bad("the digital range is empty or wider than its bits").into());
            }
            let step = (to - from) / (high - low) as f64;
            let offset = to / step - high as f64;
            if !step.is_finite() || step == 0.0 || !offset.is_finite() {
                return Err(bad("the physical range is empty").into());
            }
            scale = Scale::Step { step, offset };
        }
        Ok(Self {
            label,
            transducer: text(1)?,
            unit: text(2)?,
            prefilter: text(7)?,
            scale,
            rate_hz: samples as f64 / duration_s,
            is_annotation,
            samples,
            offset: 0,
        })
    }

    /// The signal without samples.
    pub(super) fn outline(&self) -> Result<Signal> {
        let digits = Digits::Narrow { values: Vec::new(), gaps: false };
        let samples = Samples::Digital { digits, scale: self.scale };
        let rate = SampleRate::new(self.rate_hz)?;
        Ok(Signal { samples, ..Signal::new(&*self.label, &*self.unit, rate, Vec::new()) })
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Fields of fixed width, one after the other.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Fields<'_> {
    fn text(&mut self, width: usize) -> Result<String> {
        let at = self.at;
        self.at += width;
        let field = self.bytes.get(at..at + width);
        Ok(text(field.ok_or_else(|| Malformed::at(FORMAT, at as u64, "it ends within its header"))?))
    }

    fn number(&mut self, what: &'static str, width: usize) -> Result<f64> {
        let at = self.at as u64;
        let text = self.text(width)?.replace(',', ".");
        let number = text.parse().ok().filter(|n: &f64| n.is_finite());
        Ok(number.ok_or_else(|| Malformed::at(FORMAT, at, format!("the {what} is no number")))?)
    }

    fn whole<T: std::str::FromStr>(&mut self, what: &'static str, width: usize) -> Result<T> {
        let at = self.at as u64;
        let text = self.text(width)?;
        let text = text.strip_suffix(".0").unwrap_or(&text);
        Ok(text.parse().map_err(|_| Malformed::at(FORMAT, at, format!("the {what} is no whole number of its kind")))?)
    }
}

/// A field without what fills it up; bytes that are no UTF-8 are Latin-1.
fn text(field: &[u8]) -> String {
    let trim = |text: &str| text.trim_matches([' ', '\0', '\t']).to_owned();
    match std::str::from_utf8(field) {
        Ok(text) => trim(text),
        Err(_) => trim(&field.iter().map(|b| char::from(*b)).collect::<String>()),
    }
}
