//! WFDB annotation files: what happened at which sample.

use crate::Result;
use eir_core::error::{Malformed, Unsupported};
use eir_core::{Limits, file};
use std::path::Path;

const FORMAT: &str = "WFDB annotation file";

/// One annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Annotation {
    /// Sample (of the record's first signal) at which it is.
    pub sample: i64,
    /// Code, 1 to 49.
    pub code: u8,
    /// Its sign: `N` normal beat, `V` ventricular, `+` change of rhythm; `?` for a code without one.
    pub symbol: char,
    /// Subtype.
    pub subtype: i8,
    /// Channel.
    pub channel: u8,
    /// The annotator's number.
    pub number: i8,
    /// Text, such as the name of a rhythm.
    pub text: String,
}

impl Annotation {
    /// An annotation of the sign `symbol` at `sample`.
    ///
    /// # Errors
    /// [`Unsupported`] for a sign that WFDB does not know; codes without a sign: [`with_code`](Self::with_code).
    pub fn new(sample: i64, symbol: char) -> Result<Self> {
        let code = SYMBOLS.iter().position(|s| *s == symbol && symbol != '\0');
        let code =
            code.ok_or_else(|| Unsupported::new("an annotation of this sign", "use one of WFDB's, or its code"))?;
        let text = String::new();
        Ok(Self { sample, code: code as u8, symbol, subtype: 0, channel: 0, number: 0, text })
    }

    /// Sets [`code`](Self::code), and the sign that belongs to it.
    #[must_use]
    pub fn with_code(self, code: u8) -> Self {
        Self { code, symbol: symbol(code), ..self }
    }

    /// Sets [`subtype`](Self::subtype).
    #[must_use]
    pub fn with_subtype(self, subtype: i8) -> Self {
        Self { subtype, ..self }
    }

    /// Sets [`channel`](Self::channel).
    #[must_use]
    pub fn with_channel(self, channel: u8) -> Self {
        Self { channel, ..self }
    }

    /// Sets [`number`](Self::number).
    #[must_use]
    pub fn with_number(self, number: i8) -> Self {
        Self { number, ..self }
    }

    /// Sets [`text`](Self::text).
    #[must_use]
    pub fn with_text(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    /// Whether it marks a heartbeat.
    #[must_use]
    pub fn is_beat(&self) -> bool {
        "NLRBAaJSVrFejnE/fQ?".contains(self.symbol)
    }
}

/// The samples at which there is a heartbeat, in their order.
#[must_use]
pub fn beats(annotations: &[Annotation]) -> Vec<usize> {
    annotations.iter().filter(|a| a.is_beat()).filter_map(|a| usize::try_from(a.sample).ok()).collect()
}

/// The annotations in the file at `path`, extension included.
///
/// # Errors
/// As [`annotations`], and [`Error::Io`](crate::Error::Io).
pub fn open_annotations(path: &Path, limits: &Limits) -> Result<Vec<Annotation>> {
    annotations(&file::read(path, limits)?, limits)
}

/// Reads an annotation file in the MIT format.
///
/// # Examples
/// ```
/// // a normal beat (code 1) 18 samples after the start, end of file
/// let bytes = [18, 1 << 2, 0, 0];
/// let found = eir_signal::wfdb::annotations(&bytes, &Default::default())?;
/// assert_eq!((found[0].sample, found[0].symbol), (18, 'N'));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Malformed`] with the byte where it ends within an annotation, or [`LimitExceeded`](eir_core::error::LimitExceeded).
pub fn annotations(bytes: &[u8], limits: &Limits) -> Result<Vec<Annotation>> {
    limits.check("annotations (bytes)", bytes.len() as u64)?;
    let mut found = parse(bytes, limits, usize::MAX)?;
    // the note that states the time resolution is not an annotation
    if found.first().is_some_and(|a| resolution(a).is_some()) {
        found.remove(0);
    }
    Ok(found)
}

/// The first `most` annotations, with all that belongs to them.
fn parse(bytes: &[u8], limits: &Limits, most: usize) -> Result<Vec<Annotation>> {
    let mut found: Vec<Annotation> = Vec::new();
    let (mut at, mut sample, mut channel, mut number) = (0usize, 0i64, 0u8, 0i8);
    while let Some([low, high]) = bytes.get(at..).and_then(|b| b.first_chunk::<2>()) {
        let word = u16::from_le_bytes([*low, *high]);
        let (code, value) = ((word >> 10) as u8, word & 0x3ff);
        at += 2;
        let cut = || Malformed::at(FORMAT, at as u64, "it ends within an annotation");
        match code {
            0 if value == 0 => break,
            59 => {
                let [a, b, c, d] = *bytes.get(at..).and_then(|b| b.first_chunk::<4>()).ok_or_else(cut)?;
                sample = sample.saturating_add(i64::from(i32::from_le_bytes([c, d, a, b]))); // high word first
                at += 4;
            }
            60 => {
                number = value as i8;
                if let Some(last) = found.last_mut() {
                    last.number = number;
                }
            }
            61 => {
                if let Some(last) = found.last_mut() {
                    last.subtype = value as i8;
                }
            }
            62 => {
                channel = value as u8;
                if let Some(last) = found.last_mut() {
                    last.channel = channel;
                }
            }
            63 => {
                let length = usize::from(value as u8); // the low byte counts, as in the WFDB library
                let text = bytes.get(at..at + length).ok_or_else(cut)?;
                if let Some(last) = found.last_mut() {
                    last.text = String::from_utf8_lossy(text).trim_end_matches('\0').to_owned();
                }
                at += length.next_multiple_of(2);
            }
            0 => sample = sample.saturating_add(i64::from(value)), // "not an annotation": only time passes
            _ if found.len() >= most => break,
            code => {
                limits.check_items("annotations", found.len() as u64 + 1)?;
                sample = sample.saturating_add(i64::from(value));
                let text = String::new();
                found.push(Annotation { sample, code, symbol: symbol(code), subtype: 0, channel, number, text });
            }
        }
    }
    Ok(found)
}

/// Ticks a second of the times in an annotation file, where a note in it says so; otherwise the times are in frames of
/// the record.
///
/// # Errors
/// As [`annotations`].
pub fn annotation_rate_hz(bytes: &[u8], limits: &Limits) -> Result<Option<f64>> {
    // the first annotation and its text: at most 6 + 2 + 3 * 2 + 2 + 256 bytes
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    let found = parse(head, limits, 1)?;
    Ok(found.first().and_then(|a| resolution(a)?.parse().ok()).filter(|hz: &f64| hz.is_finite() && *hz > 0.0))
}

/// What the note of the time resolution says; none for another annotation.
fn resolution(a: &Annotation) -> Option<&str> {
    let text = a.text.strip_prefix("## time resolution:").filter(|_| a.sample == 0 && a.code == NOTE)?;
    Some(text.trim())
}

/// The code of a note.
pub(super) const NOTE: u8 = 22;

/// The signs by code; NUL for codes without one.
const SYMBOLS: [char; 42] = [
    ' ', 'N', 'L', 'R', 'a', 'V', 'F', 'J', 'A', 'S', 'E', 'j', '/', 'Q', '~', '\0', '|', '\0', 's', 'T', '*', 'D',
    '"', '=', 'p', 'B', '^', 't', '+', 'u', '?', '!', '[', ']', 'e', 'n', '@', 'x', 'f', '(', ')', 'r',
];

fn symbol(code: u8) -> char {
    match SYMBOLS.get(usize::from(code)) {
        Some('\0') | None => '\u{fffd}',
        Some(c) => *c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(code: u16, value: u16) -> [u8; 2] {
        (code << 10 | value).to_le_bytes()
    }

    #[test]
    fn skip_text_and_attributes() {
        let mut bytes = Vec::new();
        bytes.extend(word(59, 0));
        bytes.extend([1, 0, 0, 0]); // 65536
        bytes.extend(word(28, 5));
        bytes.extend(word(61, 3));
        bytes.extend(word(63, 3));
        bytes.extend(b"(AF\0");
        bytes.extend(word(5, 10));
        bytes.extend(word(62, 1));
        bytes.extend(word(0, 0));
        let found = annotations(&bytes, &Limits::default()).unwrap();
        assert_eq!(
            (found[0].sample, found[0].symbol, found[0].text.as_str(), found[0].subtype),
            (65_541, '+', "(AF", 3)
        );
        assert_eq!((found[1].sample, found[1].symbol, found[1].channel), (65_551, 'V', 1));
        assert_eq!(beats(&found), [65_551]);
        assert!(annotations(&bytes[..4], &Limits::default()).is_err());
    }
}
