//! The analysis of a live trace: minute by minute the same answer as on the recording.

use super::{Ctg, CtgConfig, RATE_HZ};
use crate::Result;
use eir_core::error::{Mismatch, Parameter, TooShort};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Settings of [`CtgStream`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CtgStreamConfig {
    /// The analysis.
    pub analysis: CtgConfig,
    /// How far back it looks, in hours, 0.5 to 48. Default 6: the samples take 0.7 MB then.
    pub history_h: f64,
}

impl Default for CtgStreamConfig {
    fn default() -> Self {
        Self { analysis: CtgConfig::default(), history_h: 6.0 }
    }
}

impl CtgStreamConfig {
    /// Sets [`analysis`](Self::analysis).
    #[must_use]
    pub fn with_analysis(self, analysis: CtgConfig) -> Self {
        Self { analysis, ..self }
    }
    /// Sets [`history_h`](Self::history_h).
    #[must_use]
    pub fn with_history_h(self, history_h: f64) -> Self {
        Self { history_h, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.analysis.validate()?;
        if !(0.5..=48.0).contains(&self.history_h) {
            return Err(Parameter::new("history_h", self.history_h, "0.5 to 48 hours").into());
        }
        Ok(())
    }

    /// A stream with nothing in it.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn stream(&self) -> Result<CtgStream> {
        self.validate()?;
        let capacity = (self.history_h * 3600.0 * RATE_HZ) as usize / 240 * 240;
        let room = || VecDeque::with_capacity(capacity);
        Ok(CtgStream { analysis: self.analysis, fhr: room(), uc: room(), has_uc: false, capacity, seen: 0 })
    }
}

/// A live cardiotocogram: samples go in, and after each whole minute [`answer`](Self::answer) is what
/// [`analyse`](super::analyse) says about all that came so far, or about the last hours that it keeps.
///
/// **Use it** at the bedside. **Not** as an alarm: a baseline of the last minutes changes when later minutes arrive, as
/// that of every method that looks to both sides.
///
/// # Formula
/// The last [`history_h`](CtgStreamConfig::history_h) of samples are kept, in room that is taken once; when it is full,
/// each minute drops the oldest one. An answer analyses what is kept: its memory and time are bounded by the history,
/// not by the length of the recording. [`first_sample`](Self::first_sample) says where the kept samples begin.
///
/// # Examples
/// ```
/// use eir_signal::ctg;
/// let fhr: Vec<f64> = (0..7200).map(|i| if (3000..3160).contains(&i) { 115.0 } else { 140.0 }).collect();
/// let mut stream = ctg::CtgStreamConfig::default().stream()?;
/// let minutes = fhr.iter().filter(|v| stream.push(**v, None)).count();
/// assert_eq!(minutes, 30);
/// assert_eq!(stream.answer()?, ctg::analyse(&fhr, None)?);
/// # Ok::<(), eir_signal::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct CtgStream {
    analysis: CtgConfig,
    fhr: VecDeque<f64>,
    uc: VecDeque<f64>,
    has_uc: bool,
    capacity: usize,
    seen: usize,
}

impl CtgStream {
    /// Takes one sample of heart rate (0 or NaN: lost) and of contractions (NaN or none: missing), and says whether a
    /// minute is full. Allocates nothing.
    pub fn push(&mut self, fhr_bpm: f64, uc: Option<f64>) -> bool {
        if self.fhr.len() == self.capacity {
            self.fhr.drain(..240);
            self.uc.drain(..240);
        }
        self.has_uc |= uc.is_some();
        self.fhr.push_back(fhr_bpm);
        self.uc.push_back(uc.unwrap_or(f64::NAN));
        self.seen += 1;
        self.seen.is_multiple_of(240)
    }

    /// Takes a piece of heart rate and, where there is one, of contractions of the same length, as
    /// [`push`](Self::push) does, and says how many minutes it filled. Whatever the pieces, the answer is the same.
    ///
    /// # Errors
    /// [`Mismatch`] if the two differ in length: nothing is taken then.
    pub fn extend(&mut self, fhr_bpm: &[f64], uc: Option<&[f64]>) -> Result<usize> {
        if let Some(uc) = uc {
            Mismatch::check("heart rate and contractions", fhr_bpm.len(), uc.len())?;
        }
        let level = |i: usize| uc.and_then(|uc| uc.get(i)).copied();
        Ok(fhr_bpm.iter().enumerate().filter(|(i, v)| self.push(**v, level(*i))).count())
    }

    /// Samples that came so far.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// Number of the first sample that is still kept: where an answer's time begins.
    #[must_use]
    pub fn first_sample(&self) -> usize {
        self.seen - self.fhr.len()
    }

    /// The analysis of the samples that are kept.
    ///
    /// # Errors
    /// As [`CtgConfig::analyse`] on them: too short or all lost.
    pub fn answer(&mut self) -> Result<Ctg> {
        if self.fhr.is_empty() {
            return Err(TooShort::new("samples of the heart rate", 0, 1).into());
        }
        let uc = self.has_uc.then(|| &*self.uc.make_contiguous());
        self.analysis.analyse(self.fhr.make_contiguous(), uc)
    }

    /// Forgets all samples and keeps the room.
    pub fn reset(&mut self) {
        self.fhr.clear();
        self.uc.clear();
        (self.has_uc, self.seen) = (false, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::analyse;
    use super::*;

    fn trace(n: usize) -> (Vec<f64>, Vec<f64>) {
        let swing = |i: usize| 140.0 + 5.0 * (i as f64 * 0.031).sin() + 3.0 * (i as f64 * 0.0093).sin();
        let fhr = (0..n).map(|i| if i % 2000 < 60 { 0.0 } else { swing(i) - if i % 1100 < 160 { 25.0 } else { 0.0 } });
        (fhr.collect(), (0..n).map(|i| 10.0 + 40.0 * (i as f64 * 0.006).sin().max(0.0)).collect())
    }

    /// As text, as a missing sample equals nothing.
    fn same(a: Result<Ctg>, b: Result<Ctg>) {
        assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }

    #[test]
    fn every_minute_equals_the_recording_so_far() {
        let (fhr, uc) = trace(240 * 35);
        let mut stream = CtgStreamConfig::default().stream().unwrap();
        for i in 0..fhr.len() {
            if stream.push(fhr[i], Some(uc[i])) && i % 1200 == 1199 {
                same(stream.answer(), analyse(&fhr[..=i], Some(&uc[..=i])));
            }
        }
        same(stream.answer(), analyse(&fhr, Some(&uc)));
    }

    #[test]
    fn pieces_of_any_length_give_the_same_bits() {
        let (fhr, uc) = trace(240 * 45);
        for history_h in [0.5, 6.0] {
            let mut whole = None;
            for piece in [fhr.len(), 1, 7, 1000] {
                let mut stream = CtgStreamConfig::default().with_history_h(history_h).stream().unwrap();
                let pieces = fhr.chunks(piece).zip(uc.chunks(piece));
                let minutes: usize = pieces.map(|(f, u)| stream.extend(f, Some(u)).unwrap()).sum();
                assert_eq!(minutes, 45);
                let answer = format!("{:?}", stream.answer().unwrap());
                assert_eq!(*whole.get_or_insert_with(|| answer.clone()), answer, "pieces of {piece}");
            }
        }
        let mut stream = CtgStreamConfig::default().stream().unwrap();
        assert!(stream.extend(&fhr[..3], Some(&uc[..2])).is_err() && stream.seen() == 0);
    }

    #[test]
    fn a_full_history_drops_its_oldest_minute_and_grows_no_more() {
        let (fhr, _) = trace(240 * 50);
        let mut stream = CtgStreamConfig::default().with_history_h(0.5).stream().unwrap();
        let room = stream.fhr.capacity();
        fhr.iter().for_each(|v| {
            stream.push(*v, None);
        });
        assert_eq!((stream.first_sample(), stream.seen()), (240 * 20, 240 * 50));
        assert_eq!(stream.fhr.capacity(), room);
        same(stream.answer(), analyse(&fhr[240 * 20..], None));
        stream.reset();
        assert!(stream.answer().is_err());
        assert!(CtgStreamConfig::default().with_history_h(0.0).stream().is_err());
    }
}
