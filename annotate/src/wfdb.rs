//! WFDB annotation files (`.atr`, `.qrs` …) in the MIT format, without loss.

use crate::time::{Rational, TimeBase};
use crate::{Error, Result};
use eir_core::Limits;
use eir_core::error::Malformed;
use std::ops::Range;
use std::path::Path;

const FORMAT: &str = "WFDB annotation file";
const NOTE: u8 = 22;
const SKIP: u16 = 59;
const NUM: u16 = 60;
const SUB: u16 = 61;
const CHN: u16 = 62;
const AUX: u16 = 63;

/// An annotation of a WFDB file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WfdbAnnotation {
    /// Time in ticks of the file's clock.
    pub time: i64,
    /// Type: 1 to 41 as [`wfdb_code`] lists them, 42 to 49 the user's own; 0 is no beat.
    pub code: u8,
    /// A finer class, for this annotation alone.
    pub subtype: i8,
    /// Channel; stays for the annotations behind it.
    pub channel: u8,
    /// The annotator's number; stays for the annotations behind it.
    pub number: i8,
    /// Text as it stands in the file, often with a zero byte at its end.
    pub aux: Option<Vec<u8>>,
}

/// An annotation and the place where it stood in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WfdbRecord {
    /// What it says.
    pub value: WfdbAnnotation,
    span: Option<Range<usize>>,
}

/// A WFDB annotation file: its records, and its bytes, of which every unedited record keeps its own.
///
/// **Use it** to read, correct and write annotations of PhysioNet records. **Not** for annotations in EDF+ files, and not
/// for the AHA format (each annotation 16 bytes), which no current writer makes.
///
/// # Formula
/// Words of 16 bits, low byte first: code in the upper 6 bits, interval since the annotation before in the lower 10.
/// SKIP (59): the next four bytes are an interval of 32 bits, high word first; NUM (60), CHN (62), SUB (61): the interval
/// field is a value; AUX (63): it is the length of a text that follows. A word of zeros ends the file.
///
/// A record is written with the bytes that it was read with if they still say the same at the place where they are
/// written, and is encoded otherwise: choices of the first writer (a SKIP where none was needed, a NUM said twice, what
/// fills an odd text) stay.
///
/// # Examples
/// ```
/// use eir_annotate::{Limits, WfdbAnnotation, WfdbFile, WfdbRecord};
/// let mut file = WfdbFile::default();
/// file.records.push(WfdbRecord::new(WfdbAnnotation { time: 77, code: 1, ..Default::default() }));
/// file.records.push(WfdbRecord::new(WfdbAnnotation { time: 10_000_000_000, code: 5, ..Default::default() }));
/// let bytes = file.to_bytes()?;
/// let again = WfdbFile::from_bytes(&bytes, &Limits::default())?;
/// assert_eq!(again.records[1].value.time, 10_000_000_000);
/// assert_eq!(again.to_bytes()?, bytes);
/// # Ok::<(), eir_annotate::Error>(())
/// ```
///
/// # Errors
/// [`Error::Malformed`] with the byte, for a field that is cut short or a time beyond 64 bits; [`Error::Limit`]. A file
/// whose end mark is missing is read, and [`is_complete`](Self::is_complete) says so.
///
/// # Validation
/// Times, codes, subtypes, channels, numbers, texts, clocks and own codes equal wfdb 4.3.1 exactly on all annotation
/// files of the data folder, which are written back byte for byte (wfdb itself: 3 of 10).
///
/// # References
/// Moody, WFDB Programmer's Guide (annotation file format); Goldberger et al. 2000, doi:10.1161/01.CIR.101.23.e215.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WfdbFile {
    /// The annotations, with those that define the clock and own codes, in the file's order.
    pub records: Vec<WfdbRecord>,
    bytes: Vec<u8>,
    /// The end mark and what stands behind it.
    tail: Option<Range<usize>>,
    complete: bool,
}

/// What carries on from an annotation to the next.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    time: i64,
    channel: u8,
    number: i8,
}

impl WfdbRecord {
    /// A record that is in no file yet.
    #[must_use]
    pub fn new(value: WfdbAnnotation) -> Self {
        Self { value, span: None }
    }
}

impl WfdbAnnotation {
    /// Whether it is an event: no note at time 0 (which holds definitions) and no place-holder of code 0.
    #[must_use]
    pub fn is_event(&self) -> bool {
        self.code != 0 && !(self.code == NOTE && self.time == 0)
    }

    /// The text without the zero bytes at its end; bytes beyond ASCII that are no UTF-8 are read as Latin-1.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let aux = self.aux.as_deref()?;
        let end = aux.iter().rposition(|b| *b != 0).map_or(0, |i| i + 1);
        let trimmed = aux.get(..end).unwrap_or_default();
        Some(match std::str::from_utf8(trimmed) {
            Ok(text) => text.to_owned(),
            Err(_) => trimmed.iter().map(|b| char::from(*b)).collect(),
        })
    }
}

impl WfdbFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`] and all that the [type](Self) names.
    pub fn read(path: &Path, limits: &Limits) -> Result<Self> {
        Self::from_bytes(&eir_core::file::read(path, limits)?, limits)
    }

    /// The file whose content is `bytes`.
    ///
    /// # Errors
    /// As the [type](Self) says.
    pub fn from_bytes(bytes: &[u8], limits: &Limits) -> Result<Self> {
        limits.check("WFDB annotations (bytes)", bytes.len() as u64)?;
        let (mut records, mut state, mut at) = (Vec::new(), State::default(), 0);
        while let Some((value, length)) = decode(bytes.get(at..).unwrap_or_default(), &mut state, at)? {
            limits.check_items("WFDB annotations", records.len() as u64 + 1)?;
            let taken = (records.len() as u64 + 1) * size_of::<WfdbRecord>() as u64;
            limits.check("WFDB annotations (bytes)", taken)?;
            records.push(WfdbRecord { value, span: Some(at..at + length) });
            at += length;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let complete = rest.chunks(2).any(|word| word == [0, 0]);
        Ok(Self { records, bytes: bytes.to_vec(), tail: Some(at..bytes.len()), complete })
    }

    /// The content: the bytes that were read where nothing was edited.
    ///
    /// # Errors
    /// [`Error::Malformed`](crate::Error) for a code above 49 or a text longer than 255 bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(self.bytes.len() + 16);
        let mut state = State::default();
        for (i, record) in self.records.iter().enumerate() {
            let old = record.span.as_ref().and_then(|s| self.bytes.get(s.clone()));
            let mut after = state;
            let kept = old.filter(|old| match decode(old, &mut after, 0) {
                Ok(Some((value, length))) => length == old.len() && value == record.value,
                _ => false,
            });
            if let Some(kept) = kept {
                out.extend_from_slice(kept);
                state = after;
            } else {
                encode(&record.value, &mut state, &mut out)
                    .map_err(|reason| Malformed::new(FORMAT, format!("record {i}: {reason}")))?;
            }
        }
        match &self.tail {
            Some(tail) => out.extend_from_slice(self.bytes.get(tail.clone()).unwrap_or_default()),
            None => out.extend_from_slice(&[0, 0]),
        }
        Ok(out)
    }

    /// Writes the file: the old one or the new one is there afterwards, never half of it.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes), and [`Error::Io`].
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(eir_core::file::write_atomic(path, &self.to_bytes()?)?)
    }

    /// Whether the file had its end mark; without it, it was cut short between two annotations.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete || self.tail.is_none()
    }

    /// The annotations without those that define something.
    pub fn events(&self) -> impl Iterator<Item = &WfdbAnnotation> {
        self.records.iter().map(|r| &r.value).filter(|a| a.is_event())
    }

    /// Ticks a second, where the file says so itself; otherwise the record's header does.
    ///
    /// # Errors
    /// [`Error::Malformed`](crate::Error) if what it says is no number.
    pub fn ticks_per_second(&self) -> Result<Option<Rational>> {
        let said = self.notes().find_map(|text| text.strip_prefix("## time resolution:").map(str::to_owned));
        said.map(|text| Rational::from_decimal(text.trim())).transpose()
    }

    /// Codes that the file defines: code, symbol, meaning.
    #[must_use]
    pub fn own_codes(&self) -> Vec<(u8, String, String)> {
        let inside = self.notes().skip_while(|t| t != "## annotation type definitions").skip(1);
        let lines = inside.take_while(|t| t != "## end of definitions");
        let parts = lines.filter_map(|line| {
            let mut words = line.trim().splitn(3, char::is_whitespace).map(str::to_owned);
            Some((words.next()?.parse().ok()?, words.next()?, words.next().unwrap_or_default()))
        });
        parts.collect()
    }

    /// Texts of the notes at time 0.
    fn notes(&self) -> impl Iterator<Item = String> {
        self.records.iter().map(|r| &r.value).filter(|a| a.code == NOTE && a.time == 0).filter_map(WfdbAnnotation::text)
    }
}

/// The annotation at the start of `bytes` with all its fields, and how many bytes it takes; none at the end mark.
/// `offset` is where `bytes` lie in the file.
fn decode(bytes: &[u8], state: &mut State, offset: usize) -> Result<Option<(WfdbAnnotation, usize)>> {
    let mut at = 0;
    let mut found: Option<WfdbAnnotation> = None;
    let mut skipped = 0i64;
    let word = |at: usize| bytes.get(at..at + 2).map(|b| u16::from(b[0]) | (u16::from(b[1]) << 8)); // two bytes there
    let bad = |at: usize, reason: &'static str| Error::from(Malformed::at(FORMAT, (offset + at) as u64, reason));
    while let Some(value) = word(at) {
        let (code, interval) = (value >> 10, value & 1023);
        match code {
            SKIP | 0..=58 if found.is_some() => break,
            0 if interval == 0 => break,
            SKIP => {
                let (Some(high), Some(low)) = (word(at + 2), word(at + 4)) else {
                    return Err(bad(at, "a SKIP is cut short"));
                };
                let step = ((u32::from(high) << 16) | u32::from(low)).cast_signed();
                skipped = skipped.checked_add(step.into()).ok_or_else(|| bad(at, "a time beyond 64 bits"))?;
                at += 6;
                continue;
            }
            // the low byte counts, as in the WFDB library; before the first annotation only what stays has an effect
            NUM => state.number = (interval as u8).cast_signed(),
            CHN => state.channel = interval as u8,
            SUB => {
                if let Some(a) = &mut found {
                    a.subtype = (interval as u8).cast_signed();
                }
            }
            AUX => {
                let length = usize::from(interval as u8);
                let text = bytes.get(at + 2..at + 2 + length).ok_or_else(|| bad(at, "a text is cut short"))?;
                if let Some(a) = &mut found {
                    a.aux = Some(text.to_vec());
                }
                at += length.next_multiple_of(2);
            }
            _ => {
                let time = state.time.checked_add(skipped).and_then(|t| t.checked_add(interval.into()));
                let time = time.ok_or_else(|| bad(at, "a time beyond 64 bits"))?;
                found = Some(WfdbAnnotation { time, code: code as u8, ..WfdbAnnotation::default() });
            }
        }
        at += 2;
    }
    let Some(mut annotation) = found else { return Ok(None) };
    state.time = annotation.time;
    (annotation.channel, annotation.number) = (state.channel, state.number);
    Ok(Some((annotation, at.min(bytes.len()))))
}

/// Appends `annotation`, as the WFDB library writes it.
fn encode(annotation: &WfdbAnnotation, state: &mut State, out: &mut Vec<u8>) -> std::result::Result<(), &'static str> {
    let mut word = |code: u16, value: u16| out.extend_from_slice(&((code << 10) | (value & 1023)).to_le_bytes());
    if annotation.code > 49 {
        return Err("a code above 49");
    }
    let mut step = annotation.time.checked_sub(state.time).ok_or("a time too far from the one before")?;
    let mut skips = Vec::new();
    while !(0..1024).contains(&step) || (annotation.code == 0 && step == 0) {
        if skips.len() > 1_000 {
            return Err("a time too far from the one before");
        }
        // code 0 with no interval would be the end mark
        let part = if annotation.code == 0 && step == 0 { -1 } else { step.clamp(i32::MIN.into(), i32::MAX.into()) };
        skips.push(part as i32);
        step -= part;
    }
    for skip in skips {
        word(SKIP, 0);
        let bits = skip.cast_unsigned();
        for half in [(bits >> 16) as u16, bits as u16] {
            word(half >> 10, half);
        }
    }
    word(annotation.code.into(), step as u16);
    if annotation.subtype != 0 {
        word(SUB, annotation.subtype.cast_unsigned().into());
    }
    if annotation.channel != state.channel {
        word(CHN, annotation.channel.into());
    }
    if annotation.number != state.number {
        word(NUM, annotation.number.cast_unsigned().into());
    }
    if let Some(aux) = &annotation.aux {
        let length = u8::try_from(aux.len()).map_err(|_| "a text longer than 255 bytes")?;
        word(AUX, length.into());
        out.extend_from_slice(aux);
        if length % 2 == 1 {
            out.push(0);
        }
    }
    *state = State { time: annotation.time, channel: annotation.channel, number: annotation.number };
    Ok(())
}

/// The clock that a record's header gives to its annotations: samples at the frame rate, 250 Hz if it names none.
///
/// # Errors
/// [`Error::Malformed`](crate::Error) if there is no record line or its rate is no number above 0.
pub fn wfdb_header_clock(header: &[u8]) -> Result<TimeBase> {
    let text = String::from_utf8_lossy(header);
    let bad = |reason: &'static str| Malformed::new("WFDB header", reason);
    let line = text.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('#'));
    let mut words = line.ok_or_else(|| bad("no record line"))?.split_ascii_whitespace();
    let rate = words.nth(2).unwrap_or("250");
    let rate = rate.split(['/', '(']).next().unwrap_or_default();
    let rate = Rational::from_decimal(rate).map_err(|_| bad("the sampling rate is no number"))?;
    TimeBase::samples(rate)
}

/// Symbol and meaning of a code of the WFDB library; none for codes that are free for the user.
#[must_use]
pub fn wfdb_code(code: u8) -> Option<(&'static str, &'static str)> {
    const CODES: [(u8, &str, &str); 39] = [
        (0, " ", "Not an actual annotation"),
        (1, "N", "Normal beat"),
        (2, "L", "Left bundle branch block beat"),
        (3, "R", "Right bundle branch block beat"),
        (4, "a", "Aberrated atrial premature beat"),
        (5, "V", "Premature ventricular contraction"),
        (6, "F", "Fusion of ventricular and normal beat"),
        (7, "J", "Nodal (junctional) premature beat"),
        (8, "A", "Atrial premature contraction"),
        (9, "S", "Premature or ectopic supraventricular beat"),
        (10, "E", "Ventricular escape beat"),
        (11, "j", "Nodal (junctional) escape beat"),
        (12, "/", "Paced beat"),
        (13, "Q", "Unclassifiable beat"),
        (14, "~", "Signal quality change"),
        (16, "|", "Isolated QRS-like artifact"),
        (18, "s", "ST change"),
        (19, "T", "T-wave change"),
        (20, "*", "Systole"),
        (21, "D", "Diastole"),
        (22, "\"", "Comment annotation"),
        (23, "=", "Measurement annotation"),
        (24, "p", "P-wave peak"),
        (25, "B", "Left or right bundle branch block"),
        (26, "^", "Non-conducted pacer spike"),
        (27, "t", "T-wave peak"),
        (28, "+", "Rhythm change"),
        (29, "u", "U-wave peak"),
        (30, "?", "Learning"),
        (31, "!", "Ventricular flutter wave"),
        (32, "[", "Start of ventricular flutter/fibrillation"),
        (33, "]", "End of ventricular flutter/fibrillation"),
        (34, "e", "Atrial escape beat"),
        (35, "n", "Supraventricular escape beat"),
        (36, "@", "Link to external data (aux contains URL)"),
        (37, "x", "Non-conducted P-wave (blocked APB)"),
        (38, "f", "Fusion of paced and normal beat"),
        (39, "(", "Waveform onset"),
        (40, ")", "Waveform end"),
    ];
    if code == 41 {
        return Some(("r", "R-on-T premature ventricular contraction"));
    }
    CODES.iter().find(|c| c.0 == code).map(|c| (c.1, c.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> WfdbFile {
        WfdbFile::from_bytes(bytes, &Limits::default()).unwrap()
    }

    fn record(time: i64, code: u8) -> WfdbRecord {
        WfdbRecord::new(WfdbAnnotation { time, code, ..WfdbAnnotation::default() })
    }

    #[test]
    fn every_field_there_and_back() {
        let mut file = WfdbFile::default();
        for code in 1..=49 {
            file.records.push(record(i64::from(code) * 700, code));
        }
        let extra =
            WfdbAnnotation { time: 5, code: 28, subtype: -3, channel: 255, number: -128, aux: Some(b"(N\0".to_vec()) };
        file.records.push(WfdbRecord::new(extra));
        file.records.push(record(-9_000_000_000, 1));
        file.records.push(record(-9_000_000_000, 0));
        file.records.push(record(9_000_000_000, 0));
        let again = read(&file.to_bytes().unwrap());
        let values = |f: &WfdbFile| f.records.iter().map(|r| r.value.clone()).collect::<Vec<_>>();
        assert_eq!(values(&again), values(&file));
        assert!(again.is_complete());
    }

    #[test]
    fn choices_of_the_writer_stay() {
        // NUM said twice, a SKIP of 5, CHN before the first annotation, an odd text filled with 'x', bytes behind the end
        let bytes = [
            0x02, 0xf8, 0x10, 0x04, 0x07, 0xf0, 0x07, 0xf0, 0x00, 0xec, 0x00, 0x00, 0x05, 0x00, 0x03, 0x70, 0x01, 0xfc,
            b'A', b'x', 0x04, 0x04, 0, 0, 9, 9, 9,
        ];
        let mut file = read(&bytes);
        assert_eq!(file.to_bytes().unwrap(), bytes);
        let times: Vec<_> = file.events().map(|a| (a.time, a.channel, a.number)).collect();
        assert_eq!(times, [(16, 2, 7), (24, 2, 7), (28, 2, 7)]);
        file.records[1].value.code = 5;
        let edited = file.to_bytes().unwrap();
        assert_eq!(edited.len(), bytes.len() - 6, "only the edited record is written anew");
        assert_eq!(read(&edited).records[1].value.code, 5);
        file.records.remove(0); // the record behind it must say the number itself now
        assert_eq!(read(&file.to_bytes().unwrap()).records[0].value, file.records[0].value);
    }

    #[test]
    fn definitions() {
        let note = |text: &str| {
            WfdbRecord::new(WfdbAnnotation { code: NOTE, aux: Some(text.into()), ..WfdbAnnotation::default() })
        };
        let mut file = WfdbFile::default();
        let texts = [
            "## time resolution: 999.56",
            "## annotation type definitions",
            "15 c calibration pulse\n\0",
            "## end of definitions",
        ];
        file.records.extend(texts.map(note));
        file.records.push(record(7, 15));
        assert_eq!(file.ticks_per_second().unwrap(), Some(Rational::new(24_989, 25).unwrap()));
        assert_eq!(file.own_codes(), [(15, "c".to_owned(), "calibration pulse".to_owned())]);
        assert_eq!(file.events().count(), 1);
    }

    #[test]
    fn wrong_files() {
        let error = |bytes: &[u8]| WfdbFile::from_bytes(bytes, &Limits::default()).unwrap_err().to_string();
        assert!(error(&[0x00, 0xec, 1]).contains("at 0: a SKIP is cut short"));
        assert!(error(&[0x01, 0x04, 0x09, 0xfc, 1]).contains("at 2: a text is cut short"));
        assert!(!read(&[0x01, 0x04]).is_complete());
        assert!(read(&[]).records.is_empty());
        let mut file = WfdbFile::default();
        file.records.push(record(0, 50));
        assert!(file.to_bytes().is_err());
        assert!(WfdbFile::from_bytes(&[1, 4, 1, 4, 0, 0], &Limits::default().with_items(1)).is_err());
    }

    #[test]
    fn headers() {
        let rate = |text: &str| wfdb_header_clock(text.as_bytes()).map(|b| b.rate);
        assert_eq!(rate("# note\n100 2 360 650000\n").unwrap(), Rational::integer(360));
        assert_eq!(rate("12726 3 250/2400 825000").unwrap(), Rational::integer(250));
        assert_eq!(rate("x 1").unwrap(), Rational::integer(250));
        assert!(rate("x 1 abc").is_err() && rate("").is_err() && rate("x 1 0").is_err());
    }
}
