//! A record made of segments: all of one layout, or, behind a layout header of length 0, of the signals that there are.

use super::header::Header;
use super::single::Single;
use crate::Result;
use crate::signal::{Digits, MISSING, Samples, Scale, Signal};
use crate::source::{Files, Source};
use eir_core::Limits;
use eir_core::error::Malformed;
use std::ops::Range;

const RECORD: &str = "WFDB record";

#[derive(Debug)]
pub(super) struct Segments {
    parts: Vec<Part>,
    /// Whether the signals may differ from segment to segment.
    variable: bool,
    /// The signals that the layout, or the first segment, announces.
    pub(super) signals: Vec<Signal>,
}

/// A segment: its name (`~` for a gap) and the frames of the record that it covers.
#[derive(Debug)]
struct Part {
    name: String,
    frames: Range<u64>,
}

impl Segments {
    pub(super) fn new<F: Files>(files: &F, header: &Header, limits: &Limits) -> Result<Self> {
        let mut parts = Vec::with_capacity(header.segments.len());
        let mut start = 0u64;
        for (name, length) in &header.segments {
            let end =
                start.checked_add(*length).ok_or_else(|| Malformed::new(RECORD, "its segments pass 2^64 frames"))?;
            parts.push(Part { name: name.clone(), frames: start..end });
            start = end;
        }
        let variable = header.segments.first().is_some_and(|(name, length)| *length == 0 && name != "~");
        let known = header.segments.iter().find(|(name, _)| name != "~");
        let signals = match known {
            Some((name, _)) => {
                let inner = inner(files, name, header, limits)?;
                // a layout header has no signal files, so nothing is opened for it
                let inner = Header { frames: inner.frames.max(1), ..inner };
                if variable { layout(&inner)? } else { Single::new(files, &inner, limits)?.outline(&inner)? }
            }
            None => Vec::new(),
        };
        Ok(Self { parts, variable, signals })
    }

    pub(super) fn frames(&self) -> u64 {
        self.parts.last().map_or(0, |p| p.frames.end)
    }

    pub(super) fn read<F: Files>(
        &self,
        files: &F,
        header: &Header,
        frames: Range<u64>,
        wanted: &[usize],
        limits: &Limits,
    ) -> Result<Vec<Signal>> {
        let announced: Vec<&Signal> = wanted.iter().filter_map(|i| self.signals.get(*i)).collect();
        let per_frame: u64 = announced.iter().map(|s| s.per_frame(header.frame_rate) as u64).sum();
        limits.product("samples of a record (bytes)", &[per_frame, frames.end - frames.start, 2])?;
        let mut joined: Vec<Signal> = announced.iter().map(|s| s.outline()).collect();
        let mut known = vec![false; joined.len()];
        for part in &self.parts {
            let cut = part.frames.start.max(frames.start)..part.frames.end.min(frames.end);
            if cut.start >= cut.end {
                continue;
            }
            let filled = usize::try_from(cut.start - frames.start).unwrap_or(usize::MAX);
            if part.name != "~" {
                let inner = inner(files, &part.name, header, limits)?;
                let single = Single::new(files, &inner, limits)?;
                let inside = (cut.start - part.frames.start).min(single.frames)
                    ..(cut.end - part.frames.start).min(single.frames);
                let places = self.places(&inner, wanted)?;
                let read: Vec<usize> = places.iter().map(|(from, _)| *from).collect();
                let signals = single.read(files, &inner, inside, &read, limits)?;
                for (signal, (_, to)) in signals.into_iter().zip(places) {
                    if let (Some(all), Some(known)) = (joined.get_mut(to), known.get_mut(to)) {
                        pad(all, filled.saturating_mul(all.per_frame(header.frame_rate)));
                        append(all, signal, *known)?;
                        *known = true;
                    }
                }
            }
        }
        let length = usize::try_from(frames.end - frames.start).unwrap_or(usize::MAX);
        let whole = frames == (0..self.frames());
        for signal in &mut joined {
            pad(signal, length.saturating_mul(signal.per_frame(header.frame_rate)));
            signal.checksum_agrees = signal.checksum_agrees.filter(|_| whole);
        }
        Ok(joined)
    }

    /// Which signal of a segment is which of those that are wanted: by place in a fixed layout, by name in a variable
    /// one, where the second of a name is the second of that name.
    fn places(&self, inner: &Header, wanted: &[usize]) -> Result<Vec<(usize, usize)>> {
        let mut places = Vec::new();
        if !self.variable && inner.signals.len() != self.signals.len() {
            return Err(Malformed::new(RECORD, "its segments have different numbers of signals").into());
        }
        for (from, s) in inner.signals.iter().enumerate() {
            let place = if self.variable {
                let before = inner.signals.iter().take(from).filter(|o| o.name == s.name).count();
                let same = self.signals.iter().enumerate().filter(|(_, o)| o.name == s.name);
                same.map(|(i, _)| i).nth(before).ok_or_else(|| {
                    Malformed::new(RECORD, "a segment has a signal that the layout header does not announce")
                })?
            } else {
                from
            };
            places.extend(wanted.iter().enumerate().filter(|(_, w)| **w == place).map(|(to, _)| (from, to)));
        }
        Ok(places)
    }
}

/// The header of a segment.
fn inner<F: Files>(files: &F, name: &str, header: &Header, limits: &Limits) -> Result<Header> {
    let mut source: Source<'_> = files.open(&format!("{name}.hea"))?;
    let inner = Header::parse(source.all(&limits.with_bytes(limits.bytes / 32))?, limits)?;
    if !inner.segments.is_empty() {
        return Err(Malformed::new(RECORD, "a segment is itself made of segments").into());
    }
    if inner.frame_rate != header.frame_rate {
        return Err(Malformed::new(RECORD, "a segment has another frame rate than the record").into());
    }
    Ok(inner)
}

/// The signals that a layout header announces.
fn layout(inner: &Header) -> Result<Vec<Signal>> {
    let signal = |s: &super::HeaderSignal| {
        let rate = eir_core::SampleRate::new(inner.frame_rate.hz() * f64::from(s.per_frame))?;
        let digits = Digits::Narrow { values: Vec::new(), gaps: true };
        let samples = Samples::Digital { digits, scale: Scale::Gain { gain: s.gain, baseline: s.baseline } };
        Ok(Signal { samples, format: s.format, ..Signal::new(&*s.name, &*s.unit, rate, Vec::new()) })
    };
    inner.signals.iter().map(signal).collect()
}

/// Puts a segment's signal behind what there is of it; `known` says whether a segment gave its calibration before.
fn append(all: &mut Signal, new: Signal, known: bool) -> Result<()> {
    if all.rate != new.rate {
        return Err(Malformed::new(RECORD, "two segments give one signal different rates").into());
    }
    if known && all.unit != new.unit {
        return Err(Malformed::new(RECORD, "two segments give one signal different units").into());
    }
    if known {
        all.checksum_agrees = match (all.checksum_agrees, new.checksum_agrees) {
            (Some(a), Some(b)) => Some(a && b),
            (a, b) => a.or(b),
        };
    } else {
        // what a layout header says is only a placeholder
        (all.unit, all.format, all.checksum_agrees) = (new.unit.clone(), new.format, new.checksum_agrees);
        if let (Samples::Digital { scale, .. }, Samples::Digital { scale: of_segment, .. }) =
            (&mut all.samples, &new.samples)
        {
            *scale = *of_segment;
        }
    }
    match (&mut all.samples, new.samples) {
        (Samples::Digital { digits, scale }, Samples::Digital { digits: more, scale: other }) if *scale == other => {
            match (&mut *digits, more) {
                (Digits::Narrow { values, .. }, Digits::Narrow { values: more, .. }) => values.extend_from_slice(&more),
                (_, more) => append_wide(digits, &more),
            }
        }
        (_, more) => {
            // another calibration: from here on the signal is kept in its unit
            let mut values = all.samples_f64();
            values.extend(Signal { samples: more, ..all.outline() }.iter());
            all.samples = Samples::Physical(values);
        }
    }
    Ok(())
}

/// Appends in 32 bits.
fn append_wide(digits: &mut Digits, more: &Digits) {
    let mut all = match std::mem::replace(digits, Digits::Wide(Vec::new())) {
        Digits::Wide(values) => values,
        narrow @ Digits::Narrow { .. } => narrow.iter().collect(),
    };
    all.extend(more.iter());
    *digits = Digits::Wide(all);
}

/// Fills a signal with missing samples up to `length`.
fn pad(signal: &mut Signal, length: usize) {
    match &mut signal.samples {
        Samples::Digital { digits: Digits::Narrow { values, .. }, .. } if values.len() < length => {
            values.resize(length, i16::MIN);
        }
        Samples::Digital { digits: Digits::Wide(values), .. } if values.len() < length => {
            values.resize(length, MISSING);
        }
        Samples::Physical(values) if values.len() < length => values.resize(length, f64::NAN),
        _ => {}
    }
}
