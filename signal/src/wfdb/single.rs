//! A record whose samples lie in its own files.

use super::flac;
use super::header::{Header, HeaderSignal};
use super::samples::{Digit, Format, GROUP};
use crate::Result;
use crate::signal::{Digits, Samples, Scale, Signal};
use crate::source::{Files, Source};
use eir_core::error::{Malformed, Mismatch};
use eir_core::{Limits, SampleRate};
use std::collections::HashMap;
use std::ops::Range;

const RECORD: &str = "WFDB record";

/// Samples that are decoded at a time: they stay in the processor's nearest memory.
const BLOCK: usize = 12_288;

/// Which signals lie in which file, and how many frames there are.
#[derive(Debug, Clone)]
pub(super) struct Single {
    pub(super) frames: u64,
    groups: Vec<Group>,
}

/// The signals of one file.
#[derive(Debug, Clone)]
struct Group {
    format: Format,
    /// Their places in the header.
    signals: Vec<usize>,
    /// Samples of all of them in a frame.
    width: u64,
    offset: u64,
    file: String,
}

/// A signal that is being read.
struct Column<D> {
    /// Its first sample in a frame, and how many it has there.
    at: u64,
    own: u64,
    /// Frames of the file that are taken.
    frames: Range<u64>,
    values: Vec<D>,
    /// Sum of all samples of the file, those that skew leaves out included.
    sum: u16,
    /// Format 8: what the differences have come to.
    level: i32,
    wanted: bool,
}

impl Single {
    pub(super) fn new<F: Files>(files: &F, header: &Header, limits: &Limits) -> Result<Self> {
        let mut groups: Vec<Group> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for (i, s) in header.signals.iter().enumerate() {
            let format = Format::new(s.format)?;
            let place = *known.entry(&s.file).or_insert(groups.len());
            match groups.get_mut(place) {
                Some(group) if group.format != format => {
                    return Err(Malformed::new(RECORD, "two signals of one file have different formats").into());
                }
                Some(group) => {
                    group.signals.push(i);
                    group.width += u64::from(s.per_frame);
                }
                None => groups.push(Group {
                    format,
                    signals: vec![i],
                    width: s.per_frame.into(),
                    offset: s.offset,
                    file: s.file.clone(),
                }),
            }
        }
        let frames = match (header.frames, groups.first()) {
            (0, Some(group)) => group.whole_frames(&mut files.open(&group.file)?)?,
            (frames, _) => frames,
        };
        limits.check_items("signal files of a record", groups.len() as u64)?;
        Ok(Self { frames, groups })
    }

    /// The signals without samples.
    pub(super) fn outline(&self, header: &Header) -> Result<Vec<Signal>> {
        header.signals.iter().map(|s| empty(header, s)).collect()
    }

    /// The frames `frames` of the signals at the places `wanted`, in the order of `wanted`.
    pub(super) fn read<F: Files>(
        &self,
        files: &F,
        header: &Header,
        frames: Range<u64>,
        wanted: &[usize],
        limits: &Limits,
    ) -> Result<Vec<Signal>> {
        let length = frames.end - frames.start;
        let mut bytes = 0u64;
        for s in wanted.iter().filter_map(|i| header.signals.get(*i)) {
            let size = if Format::new(s.format)?.is_wide() { 4 } else { 2 };
            bytes = bytes.saturating_add(length.saturating_mul(s.per_frame.into()).saturating_mul(size));
        }
        limits.check("samples of a record (bytes)", bytes)?;
        let mut signals: Vec<Option<Signal>> = vec![None; header.signals.len()];
        for group in &self.groups {
            if group.signals.iter().any(|i| wanted.contains(i)) {
                let mut source = files.open(&group.file)?;
                let mut read = group.read(&mut source, header, self.frames, frames.clone(), wanted)?;
                for (place, signal) in group.signals.iter().zip(read.iter_mut()) {
                    if let Some(to) = signals.get_mut(*place) {
                        *to = signal.take();
                    }
                }
            }
        }
        let of = |i: &usize| {
            let read = signals.get(*i).cloned().flatten();
            read.ok_or_else(|| Malformed::new(RECORD, "a signal that is wanted is not there").into())
        };
        let mut places = wanted.to_vec();
        places.sort_unstable();
        places.dedup();
        if places.len() < wanted.len() {
            return wanted.iter().map(of).collect(); // one that is wanted twice
        }
        let mut take = |i: &usize| {
            let read = signals.get_mut(*i).and_then(Option::take);
            read.ok_or_else(|| Malformed::new(RECORD, "a signal that is wanted is not there").into())
        };
        wanted.iter().map(&mut take).collect()
    }
}

/// A signal that holds no samples.
fn empty(header: &Header, s: &HeaderSignal) -> Result<Signal> {
    let rate = SampleRate::new(header.frame_rate.hz() * f64::from(s.per_frame))?;
    let digits = Digits::Narrow { values: Vec::new(), gaps: true };
    let samples = Samples::Digital { digits, scale: Scale::Gain { gain: s.gain, baseline: s.baseline } };
    Ok(Signal { samples, format: s.format, ..Signal::new(&*s.name, &*s.unit, rate, Vec::new()) })
}

impl Group {
    /// As many whole frames as the file holds.
    fn whole_frames(&self, source: &mut Source<'_>) -> Result<u64> {
        let samples = if self.format.is_flac() {
            let channels = self.signals.len() as u64;
            flac::total(source)?.unwrap_or(0).saturating_sub(self.offset).saturating_mul(channels)
        } else {
            self.format.samples(source.len().saturating_sub(self.offset))
        };
        Ok(samples / self.width.max(1))
    }

    fn members<'a>(&'a self, header: &'a Header) -> impl Iterator<Item = &'a HeaderSignal> {
        self.signals.iter().filter_map(|i| header.signals.get(*i))
    }

    /// The signals of the file, in its order; none for one that is not wanted. `total` is how many frames there are.
    fn read(
        &self,
        source: &mut Source<'_>,
        header: &Header,
        total: u64,
        frames: Range<u64>,
        wanted: &[usize],
    ) -> Result<Vec<Option<Signal>>> {
        if !self.format.is_flac() {
            let needed = self.format.bytes(self.width.saturating_mul(total));
            let there = source.len().saturating_sub(self.offset);
            if needed > there {
                let reason = format!("its {total} frames need {needed} bytes, the signal file holds {there}");
                return Err(Malformed::new(RECORD, reason).into());
            }
        }
        if self.format.is_wide() {
            self.columns::<i32>(source, header, total, frames, wanted)
        } else {
            self.columns::<i16>(source, header, total, frames, wanted)
        }
    }

    fn columns<D: Digit>(
        &self,
        source: &mut Source<'_>,
        header: &Header,
        total: u64,
        frames: Range<u64>,
        wanted: &[usize],
    ) -> Result<Vec<Option<Signal>>>
    where
        Digits: From<(Vec<D>, bool)>,
    {
        let length = frames.end - frames.start;
        let mut at = 0;
        let mut columns: Vec<Column<D>> = Vec::with_capacity(self.signals.len());
        for (place, s) in self.signals.iter().zip(self.members(header)) {
            let own = u64::from(s.per_frame);
            let taken = (frames.start.saturating_add(s.skew.into())).min(total)
                ..(frames.end.saturating_add(s.skew.into())).min(total);
            let wanted = wanted.contains(place);
            // the file's size has been compared with the header's, except in FLAC, where nothing is known before
            let room = if wanted && !self.format.is_flac() { length.saturating_mul(own) } else { 0 };
            let values = Vec::with_capacity(usize::try_from(room).unwrap_or(0));
            columns.push(Column { at, own, frames: taken, values, sum: 0, level: s.first, wanted });
            at += own;
        }
        let whole = frames == (0..total);
        let (mut low, mut high) = (total, 0);
        for c in columns.iter().filter(|c| c.wanted && c.frames.start < c.frames.end) {
            (low, high) = (low.min(c.frames.start), high.max(c.frames.end));
        }
        if whole {
            (low, high) = (0, total); // for the checksum
        }
        if low < high {
            if self.format.is_flac() {
                self.read_flac(source, low..high, &mut columns)?;
            } else {
                self.read_file(source, low..high, &mut columns)?;
            }
        }
        let invalid = self.format.invalid();
        let finish = |(column, s): (Column<D>, &HeaderSignal)| {
            if !column.wanted {
                return Ok(None);
            }
            let mut values = column.values;
            if let Some(invalid) = invalid.filter(|i| !D::MISSING.is(*i)) {
                values.iter_mut().filter(|v| v.is(invalid)).for_each(|v| *v = D::MISSING);
            }
            values.resize(usize::try_from(length.saturating_mul(column.own)).unwrap_or(usize::MAX), D::MISSING);
            let scale = Scale::Gain { gain: s.gain, baseline: s.baseline };
            let samples = Samples::Digital { digits: Digits::from((values, true)), scale };
            let checksum_agrees = s.checksum.filter(|_| whole).map(|c| column.sum == c as u16);
            Ok(Some(Signal { samples, checksum_agrees, ..empty(header, s)? }))
        };
        columns.into_iter().zip(self.members(header)).map(finish).collect()
    }

    /// Frames `frames` of a file that holds the samples one behind the other.
    fn read_file<D: Digit>(
        &self,
        source: &mut Source<'_>,
        frames: Range<u64>,
        columns: &mut [Column<D>],
    ) -> Result<()> {
        let width = self.width;
        let differences = self.format.number == 8;
        let by_frames = !differences && width as usize <= BLOCK / GROUP;
        // blocks start where the format's groups do
        let block = if by_frames { (BLOCK as u64 / width / GROUP as u64) * GROUP as u64 * width } else { BLOCK as u64 };
        let start = if differences { 0 } else { frames.start * width };
        let mut at = if by_frames {
            frames.start / GROUP as u64 * GROUP as u64 * width
        } else {
            start / GROUP as u64 * GROUP as u64
        };
        let end = frames.end * width;
        let mut values: Vec<D> = Vec::with_capacity(usize::try_from(block.min(end - at)).unwrap_or(BLOCK) + GROUP);
        while at < end {
            let count = block.min(end - at);
            let bytes = usize::try_from(self.format.bytes(count)).unwrap_or(usize::MAX);
            let data = source.at(self.offset + self.format.bytes(at), bytes)?;
            D::decode(self.format, data, &mut values);
            values.truncate(count as usize);
            if (values.len() as u64) < count {
                return Err(Malformed::new(RECORD, "the signal file ends before its last sample").into());
            }
            if by_frames {
                let first = at / width;
                columns.iter_mut().filter(|c| c.wanted).for_each(|c| c.take_frames(&values, width as usize, first));
            } else {
                runs(columns, &values, width, at, differences);
            }
            at += count;
        }
        Ok(())
    }

    fn read_flac<D: Digit>(
        &self,
        source: &mut Source<'_>,
        frames: Range<u64>,
        columns: &mut [Column<D>],
    ) -> Result<()> {
        let own = columns.first().map_or(1, |c| c.own);
        for column in &*columns {
            Mismatch::check("samples per frame of the signals of a FLAC file", own as usize, column.own as usize)?;
        }
        let place = |frame: u64| frame.saturating_mul(own).saturating_add(self.offset);
        let range = place(frames.start)..place(frames.end);
        flac::each_block(source, self.format, self.signals.len(), range.clone(), |at, block| {
            let cut = |sample: u64| (sample.saturating_sub(at) as usize).min(block.duration() as usize);
            for (channel, column) in (0..block.channels()).zip(columns.iter_mut()).filter(|(_, c)| c.wanted) {
                let all = block.channel(channel);
                let counted = all.get(cut(range.start)..cut(range.end)).unwrap_or_default();
                column.sum = counted.iter().fold(column.sum, |sum, v| sum.wrapping_add(*v as u16));
                let taken = all.get(cut(place(column.frames.start))..cut(place(column.frames.end))).unwrap_or_default();
                column.values.extend(taken.iter().filter_map(|v| D::from_i32(*v)));
            }
            Ok(())
        })
    }
}

impl<D: Digit> Column<D> {
    /// Takes what is its own of whole frames, the first of which is `first`. One and two signals a file are the most
    /// frequent, and their loops become vector instructions.
    fn take_frames(&mut self, values: &[D], width: usize, first: u64) {
        let count = values.len() / width.max(1);
        let inside = |frame: u64| (frame.saturating_sub(first) as usize).min(count);
        let (from, to) = (inside(self.frames.start), inside(self.frames.end));
        let (at, own) = (self.at as usize, self.own as usize);
        let old = self.values.len();
        let rows = values.get(from * width..to * width).unwrap_or_default();
        match (width, own) {
            (w, o) if w == o => self.values.extend_from_slice(rows),
            (2, 1) if at == 0 => self.values.extend(rows.as_chunks::<2>().0.iter().map(|r| r[0])),
            (2, 1) => self.values.extend(rows.as_chunks::<2>().0.iter().map(|r| r[1])),
            (_, 1) => self.values.extend(rows.iter().skip(at).step_by(width).copied()),
            _ => rows
                .chunks_exact(width)
                .for_each(|row| self.values.extend_from_slice(row.get(at..at + own).unwrap_or_default())),
        }
        let add = |sum: u16, v: &D| sum.wrapping_add(v.low());
        self.sum = self.values.get(old..).unwrap_or_default().iter().fold(self.sum, add);
        if to - from < count {
            let rest = [values.get(..from * width), values.get(to * width..)];
            for row in rest.into_iter().flatten().flat_map(|rows| rows.chunks_exact(width)) {
                self.sum = row.get(at..at + own).unwrap_or_default().iter().fold(self.sum, add);
            }
        }
    }
}

/// Takes samples that are no whole frames: the frame is wider than a block, or the format holds differences.
fn runs<D: Digit>(columns: &mut [Column<D>], values: &[D], width: u64, first: u64, differences: bool) {
    let mut rest = values;
    let mut flat = first;
    while !rest.is_empty() {
        let (frame, inside) = (flat / width, flat % width);
        let place = columns.partition_point(|c| c.at + c.own <= inside);
        let Some(column) = columns.get_mut(place) else { return };
        let run = ((column.at + column.own - inside) as usize).min(rest.len());
        let (own, behind) = rest.split_at(run);
        let taken = column.wanted && column.frames.contains(&frame);
        if differences {
            for step in own {
                let step = i32::from(step.low().cast_signed()); // a byte's difference fits 16 bits
                column.level = column.level.wrapping_add(step);
                column.sum = column.sum.wrapping_add(column.level as u16);
                if taken {
                    column.values.extend(D::from_i32(column.level));
                }
            }
        } else {
            column.sum = own.iter().fold(column.sum, |sum, v| sum.wrapping_add(v.low()));
            if taken {
                column.values.extend_from_slice(own);
            }
        }
        rest = behind;
        flat += run as u64;
    }
}

impl From<(Vec<i16>, bool)> for Digits {
    fn from((values, gaps): (Vec<i16>, bool)) -> Self {
        Self::Narrow { values, gaps }
    }
}

impl From<(Vec<i32>, bool)> for Digits {
    fn from((values, _): (Vec<i32>, bool)) -> Self {
        Self::Wide(values)
    }
}
