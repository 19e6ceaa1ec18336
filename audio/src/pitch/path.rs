//! The best path through the candidates of all frames (Viterbi).

use super::PitchConfig;
use super::candidates::Candidate;
use eir_core::SampleRate;

/// Collects candidates frame by frame and finds the path. Its buffers are kept from one recording to the next.
#[derive(Debug, Default)]
pub(super) struct Path {
    ceiling_hz: f64,
    silence: f64,
    voicing: f64,
    octave_cost: f64,
    jump_cost: f64,
    voicing_cost: f64,
    candidates: Vec<Candidate>,
    /// Best sum up to each candidate, and the candidate before it on the best path.
    sums: Vec<f64>,
    from: Vec<u32>,
    /// Where each frame's candidates start.
    starts: Vec<usize>,
}

impl Path {
    pub(super) fn start(&mut self, config: &PitchConfig, rate: SampleRate, step_s: f64) {
        let per_step = 0.01 / step_s;
        self.ceiling_hz = config.ceiling_hz.min(rate.nyquist_hz());
        (self.silence, self.voicing) = (config.silence_threshold, config.voicing_threshold);
        self.octave_cost = config.octave_cost;
        self.jump_cost = config.octave_jump_cost * per_step;
        self.voicing_cost = config.voiced_unvoiced_cost * per_step;
        self.candidates.clear();
        self.sums.clear();
        self.from.clear();
        self.starts.clear();
    }

    fn voiced(&self, candidate: &Candidate) -> bool {
        candidate.hz > 0.0 && candidate.hz < self.ceiling_hz
    }

    /// A candidate's value by itself; `unvoiced` is what silence adds to having no voice.
    fn own(&self, candidate: &Candidate, unvoiced: f64) -> f64 {
        if self.voiced(candidate) {
            candidate.strength - self.octave_cost * (self.ceiling_hz / candidate.hz).log2()
        } else {
            self.voicing + unvoiced
        }
    }

    pub(super) fn push(&mut self, found: &[Candidate], intensity: f64) {
        let unvoiced =
            if self.silence > 0.0 { (2.0 - intensity / (self.silence / (1.0 + self.voicing))).max(0.0) } else { 0.0 };
        if self.jump_cost == 0.0 && self.voicing_cost == 0.0 {
            // nothing links the frames: the best candidate of each is all that need be kept
            let value = |c: &Candidate| self.own(c, unvoiced);
            let best = found.iter().fold(None, |best: Option<&Candidate>, c| match best {
                Some(b) if value(c) <= value(b) => best,
                _ => Some(c),
            });
            self.starts.push(self.candidates.len());
            self.candidates.extend(best);
            self.sums.push(0.0);
            self.from.push(0);
            return;
        }
        let before = self.starts.last().map_or(0..0, |start| *start..self.candidates.len());
        let first = before.is_empty();
        self.starts.push(self.candidates.len());
        for candidate in found {
            let own = self.own(candidate, unvoiced);
            let (mut best, mut from) = (f64::NEG_INFINITY, 0u32);
            for (index, place) in (0u32..).zip(before.clone()) {
                let previous = &self.candidates[place];
                let cost = match (self.voiced(previous), self.voiced(candidate)) {
                    (false, false) => 0.0,
                    (true, true) => self.jump_cost * (previous.hz / candidate.hz).log2().abs(),
                    _ => self.voicing_cost,
                };
                let sum = self.sums[place] - cost + own;
                if sum > best {
                    (best, from) = (sum, index);
                }
            }
            self.sums.push(if first { own } else { best });
            self.from.push(from);
            self.candidates.push(*candidate);
        }
    }

    /// Writes frequency (NaN where unvoiced) and strength of the best path.
    pub(super) fn finish(&mut self, f0_hz: &mut Vec<f64>, strength: &mut Vec<f64>) {
        let frames = self.starts.len();
        f0_hz.clear();
        f0_hz.resize(frames, f64::NAN);
        strength.clear();
        strength.resize(frames, 0.0);
        let (mut end, mut chosen) = (self.candidates.len(), None);
        for frame in (0..frames).rev() {
            let start = self.starts[frame];
            let index = chosen.unwrap_or_else(|| {
                let sums = &self.sums[start..end];
                (0..sums.len()).fold(0, |best, i| if sums[i] > sums[best] { i } else { best })
            });
            if let Some(candidate) = self.candidates.get(start + index) {
                if self.voiced(candidate) {
                    f0_hz[frame] = candidate.hz;
                    strength[frame] = candidate.strength;
                }
                chosen = Some(self.from[start + index] as usize);
            }
            end = start;
        }
    }
}
