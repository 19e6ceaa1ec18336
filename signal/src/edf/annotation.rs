//! The annotation channels of EDF+ and BDF+: when each data record starts, and what happened.

use super::FORMAT;
use super::header::Header;
use crate::source::Source;
use crate::{Annotation, Result};
use eir_core::Limits;
use eir_core::error::Malformed;

/// What the annotation channels say.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// Seconds from the header's time to the first data record.
    pub(super) first_s: f64,
    /// Where each data record starts, in seconds from the first; none if each follows the one before.
    pub(super) starts: Option<Vec<f64>>,
    pub(super) annotations: Vec<Annotation>,
}

impl Times {
    /// Reads the annotation channels of all data records, and nothing else of them.
    pub(super) fn read(source: &mut Source<'_>, header: &Header, limits: &Limits) -> Result<Self> {
        let mut times = Self::default();
        let channels = || header.channels.iter().filter(|c| c.is_annotation);
        if channels().next().is_none() {
            return Ok(times);
        }
        let interrupted = header.kind.ends_with("+D");
        let mut starts = Vec::new();
        for k in 0..header.records {
            let mut start = None;
            for (i, channel) in channels().enumerate() {
                let at = header.data + k * header.record_bytes + channel.offset;
                let size = limits.product("annotations of a data record (bytes)", &[channel.samples, header.width])?;
                let list = source.at(at, size)?;
                parse(list, at, |onset_s, duration_s, text| {
                    if i == 0 && start.is_none() {
                        start = Some(onset_s); // the first of a data record says when it starts
                        if text.is_empty() {
                            return Ok(());
                        }
                    }
                    if !text.is_empty() {
                        limits.check_items("annotations", times.annotations.len() as u64 + 1)?;
                        times.annotations.push(Annotation { onset_s, duration_s, text: string(text) });
                    }
                    Ok(())
                })?;
            }
            if k == 0 {
                times.first_s = start.unwrap_or(0.0);
            }
            if interrupted {
                let missing = || Malformed::new(FORMAT, format!("data record {k} does not say when it starts"));
                let start = start.ok_or_else(missing)? - times.first_s;
                // half a sample of rounding is no step backwards
                let end = starts.last().map_or(0.0, |last| last + header.duration_s);
                let finest = header.channels.iter().map(|c| c.samples).max().unwrap_or(1) as f64;
                if start < end - 0.5 * header.duration_s / finest {
                    let reason = format!("data record {k} starts before the one before it ends");
                    return Err(Malformed::new(FORMAT, reason).into());
                }
                limits.check("starts of data records (bytes)", 8 * (starts.len() as u64 + 1))?;
                starts.push(start);
            }
        }
        let first_s = times.first_s;
        times.annotations.iter_mut().for_each(|a| a.onset_s -= first_s);
        let gap = |(k, start): (usize, &f64)| (start - k as f64 * header.duration_s).abs() > 1e-6;
        if starts.iter().enumerate().any(gap) {
            times.starts = Some(starts);
        }
        Ok(times)
    }
}

/// Hands each annotation of a list to `take`: onset, duration, text. A list is onset, 21, duration, 20, text, 20, text,
/// 20, 0; then the next, and zeros to its end.
fn parse(list: &[u8], offset: u64, mut take: impl FnMut(f64, Option<f64>, &[u8]) -> Result<()>) -> Result<()> {
    let bad = |at: usize, reason: &'static str| Malformed::at(FORMAT, offset + at as u64, reason);
    let mut at = 0;
    loop {
        at += list.iter().skip(at).take_while(|b| **b == 0).count();
        let rest = list.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(());
        }
        let end = rest.windows(2).position(|w| w == [20, 0]);
        let end = end.ok_or_else(|| bad(at, "an annotation has no end"))?;
        let mut parts = rest.get(..end).unwrap_or_default().split(|b| *b == 20);
        let time = parts.next().unwrap_or_default();
        let mut time = time.splitn(2, |b| *b == 21);
        let onset = time.next().and_then(|t| seconds(t, true)).ok_or_else(|| bad(at, "an annotation has no time"))?;
        let duration = time
            .next()
            .filter(|t| !t.is_empty())
            .map(|t| seconds(t, false).ok_or_else(|| bad(at, "the duration of an annotation is no number")));
        let duration = duration.transpose()?;
        for text in parts.chain((end == rest.iter().position(|b| *b == 20).unwrap_or(end)).then_some(&[][..])) {
            take(onset, duration, text)?;
        }
        at += end + 2;
    }
}

/// A decimal number as EDF+ writes it: only an onset has a sign, and must have one.
fn seconds(text: &[u8], signed: bool) -> Option<f64> {
    let (sign, digits) = match text.split_first()? {
        (b'+', rest) if signed => (1.0, rest),
        (b'-', rest) if signed => (-1.0, rest),
        _ if signed => return None,
        _ => (1.0, text),
    };
    if !digits.iter().all(|b| b.is_ascii_digit() || *b == b'.') {
        return None;
    }
    let number: f64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(sign * number).filter(|n| n.is_finite())
}

/// A text; bytes that are no UTF-8 are Latin-1.
fn string(text: &[u8]) -> String {
    std::str::from_utf8(text).map_or_else(|_| text.iter().map(|b| char::from(*b)).collect(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(list: &[u8]) -> Result<Vec<(f64, Option<f64>, String)>> {
        let mut found = Vec::new();
        parse(list, 0, |onset, duration, text| {
            found.push((onset, duration, string(text)));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn lists_of_annotations() {
        let found = all(b"+0.25\x14\x14\0-1\x152.5\x14a\x14b\x14\0\0\0+3\x15\x14\xe6\x14\0").unwrap();
        let of = |o: f64, d: Option<f64>, t: &str| (o, d, t.to_owned());
        let want = [of(0.25, None, ""), of(-1.0, Some(2.5), "a"), of(-1.0, Some(2.5), "b"), of(3.0, None, "æ")];
        assert_eq!(found, want);
        assert_eq!(all(&[0; 20]).unwrap(), []);
        assert_eq!(all(b"+7\x14\0").unwrap(), [of(7.0, None, "")]);
        for broken in [&b"+1\x14text"[..], b"1\x14a\x14\0", b"+1e9\x14a\x14\0", b"+\x14a\x14\0", b"+1\x15-2\x14a\x14\0"]
        {
            assert!(all(broken).is_err(), "{broken:?}");
        }
    }
}
