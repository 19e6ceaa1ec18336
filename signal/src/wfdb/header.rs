//! The header of a WFDB record: one line for the record, one per signal, comments.

use crate::Result;
use eir_core::error::Malformed;
use eir_core::{Limits, SampleRate};
use std::str::FromStr;

const FORMAT: &str = "WFDB header";

/// The header of a WFDB record.
///
/// # Examples
/// ```
/// use eir_signal::wfdb::Header;
/// let header = Header::parse(b"a 1 4 100\na.dat 16 100(0)/bpm 12 0 15050 20101 0 FHR\n", &Default::default())?;
/// assert_eq!((header.frames, header.signals[0].gain, header.signals[0].unit.as_str()), (100, 100.0, "bpm"));
/// # Ok::<(), eir_signal::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// Name of the record.
    pub name: String,
    /// Frames a second; 250 where the header has none.
    pub frame_rate: SampleRate,
    /// Ticks a second of the counter and its value at the first frame, where the header has them.
    pub counter: Option<(f64, f64)>,
    /// Number of frames; 0 where the header has none.
    pub frames: u64,
    /// Time of day and date as written, with a blank between them.
    pub start: String,
    /// Signals; none in a record of segments.
    pub signals: Vec<HeaderSignal>,
    /// Names and lengths of the segments, where the record is made of them.
    pub segments: Vec<(String, u64)>,
    /// Comments without the `#`.
    pub comments: Vec<String>,
}

/// One signal's line in a [`Header`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HeaderSignal {
    /// File that holds the samples, in the header's folder.
    pub file: String,
    /// Storage format: 8, 16, 24, 32, 61, 80, 160, 212, 310, 311, or in FLAC 508, 516, 524.
    pub format: u16,
    /// Samples of this signal in each frame.
    pub per_frame: u32,
    /// Frames by which this signal is late.
    pub skew: u32,
    /// Bytes before the first sample of the file; in FLAC, samples.
    pub offset: u64,
    /// Converter steps per unit.
    pub gain: f64,
    /// Converter step at 0 units.
    pub baseline: i32,
    /// Unit.
    pub unit: String,
    /// Bits of the converter, where the header has them.
    pub resolution_bits: Option<u32>,
    /// Converter step at the middle of its range.
    pub zero: i32,
    /// First value: the start of the differences in format 8.
    pub first: i32,
    /// The 16-bit sum of all samples, where there is one.
    pub checksum: Option<i32>,
    /// Block size; 0 for a file that can be read at any place.
    pub block: u32,
    /// Description.
    pub name: String,
}

impl Header {
    /// Parses a header file.
    ///
    /// # Errors
    /// [`Malformed`] with the line that is wrong, or [`LimitExceeded`](eir_core::error::LimitExceeded).
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self> {
        // a header is a list of names: 1/32 of what its samples may take, and each signal or segment is an object
        limits.with_bytes(limits.bytes / 32).check("header (bytes)", bytes.len() as u64)?;
        // headers before UTF-8 are in Latin-1, whose bytes are the first characters of Unicode
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => std::borrow::Cow::Borrowed(text),
            Err(_) => bytes.iter().map(|b| char::from(*b)).collect::<String>().into(),
        };
        let lines = || (1u64..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty());
        let mut entries = lines().filter(|(_, line)| !line.starts_with('#'));
        let (number, first) = entries.next().ok_or_else(|| Malformed::new(FORMAT, "it is empty"))?;
        let (mut header, count, segmented) = record_line(number, first)?;
        let share = if segmented { 10 } else { 100 };
        let count = limits.with_items(limits.items / share).check_items("signals or segments of a record", count)?;
        for (number, line) in entries.take(count) {
            if segmented {
                let (name, length) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
                let length = number_at(number, "length of a segment", length.trim())?;
                header.segments.push((file_name(number, name)?, length));
            } else {
                let signal = signal_line(number, line, header.signals.len())?;
                header.signals.push(signal);
            }
        }
        let found = header.signals.len().max(header.segments.len());
        if found < count {
            return Err(Malformed::new(FORMAT, format!("it announces {count} lines and has {found}")).into());
        }
        header.comments = lines().filter_map(|(_, line)| Some(line.strip_prefix('#')?.trim().to_owned())).collect();
        Ok(header)
    }
}

/// The header without its signals, how many lines follow, and whether they are segments.
fn record_line(number: u64, line: &str) -> Result<(Header, u64, bool)> {
    let mut fields = line.split_whitespace();
    let name = fields.next().unwrap_or_default();
    let (name, segments) = match name.split_once('/') {
        Some((name, count)) => (name, Some(number_at::<u64>(number, "number of segments", count)?)),
        None => (name, None),
    };
    let signals: u64 = number_at(number, "number of signals", fields.next().unwrap_or_default())?;
    let rate = fields.next().unwrap_or("250");
    let (rate, counter) = rate.split_once('/').map_or((rate, None), |(rate, counter)| (rate, Some(counter)));
    let counter = counter.map(|counter| {
        let (ticks, base) = counter.split_once('(').unwrap_or((counter, "0"));
        let number = |text: &str| text.trim_end_matches(')').parse::<f64>().ok().filter(|n| n.is_finite());
        Some((number(ticks)?, number(base)?))
    });
    let frame_rate = SampleRate::new(number_at(number, "sampling rate", rate)?)
        .map_err(|_| Malformed::at(FORMAT, number, "the sampling rate is not above 0"))?;
    let frames = number_at(number, "number of samples", fields.next().unwrap_or("0"))?;
    let start = fields.collect::<Vec<_>>().join(" ");
    let header = Header {
        name: name.to_owned(),
        frame_rate,
        counter: counter.flatten(),
        frames,
        start,
        signals: Vec::new(),
        segments: Vec::new(),
        comments: Vec::new(),
    };
    Ok((header, segments.unwrap_or(signals), segments.is_some()))
}

fn signal_line(number: u64, line: &str, index: usize) -> Result<HeaderSignal> {
    let mut rest = line;
    let mut field = || {
        rest = rest.trim_start();
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        rest = tail;
        word
    };
    let file = file_name(number, field())?;
    let kind = field();
    let digits = kind.find(|c: char| !c.is_ascii_digit()).unwrap_or(kind.len());
    let format = number_at(number, "storage format", &kind[..digits])?;
    let (mut per_frame, mut skew, mut offset) = (1u32, 0u32, 0u64);
    let mut parts = &kind[digits..];
    while let Some(mark) = parts.chars().next() {
        let body = &parts[mark.len_utf8()..];
        let end = body.find(|c: char| !c.is_ascii_digit()).unwrap_or(body.len());
        match mark {
            'x' => per_frame = number_at(number, "samples per frame", &body[..end])?,
            ':' => skew = number_at(number, "skew", &body[..end])?,
            '+' => offset = number_at(number, "byte offset", &body[..end])?,
            _ => return Err(Malformed::at(FORMAT, number, "the storage format is followed by an unknown mark").into()),
        }
        parts = &body[end..];
    }
    if per_frame == 0 {
        return Err(Malformed::at(FORMAT, number, "a signal has 0 samples per frame").into());
    }
    let calibration = field();
    let resolution_bits = field().parse().ok();
    let zero = field();
    let zero: i32 = if zero.is_empty() { 0 } else { number_at(number, "converter zero", zero)? };
    let first = field();
    let first = if first.is_empty() { zero } else { number_at(number, "first value", first)? };
    let checksum = field();
    let checksum = if checksum.is_empty() { None } else { Some(number_at(number, "checksum", checksum)?) };
    let block = field().parse().unwrap_or(0);
    let name = rest.trim();
    let (gain, baseline, unit) = calibrate(number, calibration)?;
    Ok(HeaderSignal {
        file,
        format,
        per_frame,
        skew,
        offset,
        gain,
        baseline: baseline.unwrap_or(zero),
        unit,
        resolution_bits,
        zero,
        first,
        checksum,
        block,
        name: if name.is_empty() { format!("signal {index}") } else { name.to_owned() },
    })
}

/// `gain(baseline)/unit`: 200, the converter's zero and mV where a part is missing.
fn calibrate(number: u64, text: &str) -> Result<(f64, Option<i32>, String)> {
    let (amount, unit) = text.split_once('/').unwrap_or((text, "mV"));
    let (gain, baseline) = match amount.split_once('(') {
        Some((gain, baseline)) => (gain, Some(number_at(number, "baseline", baseline.trim_end_matches(')'))?)),
        None => (amount, None),
    };
    let gain: f64 = if gain.is_empty() { 0.0 } else { number_at(number, "gain", gain)? };
    if !gain.is_finite() {
        return Err(Malformed::at(FORMAT, number, "the gain is not finite").into());
    }
    Ok((if gain == 0.0 { 200.0 } else { gain }, baseline, unit.to_owned()))
}

/// A file of the header's own folder: a name that could lead out of it is an error.
fn file_name(number: u64, name: &str) -> Result<String> {
    let unsafe_name = name.is_empty() || name.contains(['/', '\\', ':', '\0']) || name == ".." || name == ".";
    if unsafe_name {
        return Err(Malformed::at(FORMAT, number, "a file name is empty or leads out of the record's folder").into());
    }
    Ok(name.to_owned())
}

fn number_at<T: FromStr>(line: u64, what: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|_| Malformed::at(FORMAT, line, format!("the {what} is no number of its kind")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Header> {
        Header::parse(text.as_bytes(), &Limits::default())
    }

    #[test]
    fn defaults_are_those_of_the_format() {
        let header = parse(
            "r 2 360/10(5) 7 10:00:00 1/1/2000\n# note\nr.dat 212\nr.dat 16x4:3+24 1e3(-5)/uV 12 7 1 -2 0 lead  II\n",
        )
        .unwrap();
        let (a, b) = (&header.signals[0], &header.signals[1]);
        assert_eq!(
            (a.gain, a.baseline, a.unit.as_str(), a.checksum, a.name.as_str()),
            (200.0, 0, "mV", None, "signal 0")
        );
        assert_eq!((b.per_frame, b.skew, b.offset, b.gain, b.baseline), (4, 3, 24, 1000.0, -5));
        assert_eq!((b.checksum, b.name.as_str(), header.start.as_str()), (Some(-2), "lead  II", "10:00:00 1/1/2000"));
        assert_eq!(header.comments, ["note"]);
    }

    #[test]
    fn names_that_lead_out_of_the_folder_are_refused() {
        for name in ["../r.dat", "/etc/passwd", "a/b.dat", "..\\r.dat", "C:r.dat", ".."] {
            let error = parse(&format!("r 1 4 10\n{name} 16\n")).unwrap_err();
            assert!(error.to_string().contains("leads out"), "{name}: {error}");
        }
    }

    #[test]
    fn says_which_line_is_wrong() {
        assert!(parse("r 1 4 10\nr.dat sixteen\n").unwrap_err().to_string().contains("at 2"));
        assert!(parse("r 2 4 10\nr.dat 16\n").unwrap_err().to_string().contains("announces 2"));
        assert!(parse("").is_err());
    }
}
