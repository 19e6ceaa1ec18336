//! A face over time while it is filmed: the summary at any moment, in fixed memory.

use super::action_units::{ACTION_UNIT_PROXIES, index};
use super::observation::{FaceObservation, NeutralFace, ObservedFace, PROXIES, Withheld};
use super::series::{ExpressionConfig, threshold};
use super::summary::{BLINK_RATE_HZ, BLOCK_S, ExpressionSummary, ProxySummary, in_blocks, per_minute};
use crate::Result;
use eir_core::error::{NotFinite, Parameter};
use std::collections::VecDeque;

/// Blocks of time that are kept; when there are more, neighbours become one.
const BLOCKS: usize = 2048;
/// Frames that may still turn out to belong to a movement.
const UNDECIDED: usize = 4096;
/// Proxies that make the expressivity: all but the blink.
const MOVING: f64 = (PROXIES - 1) as f64;

/// [`ExpressionSeries`](super::ExpressionSeries) for a live camera: a frame in, the summary so far at any moment.
///
/// **Use it** where a recording has no end or may not be kept: nothing of a frame stays but sums and counts. **Not** for
/// latencies or for single movements, which need the series.
///
/// # Formula
/// That of [`summary`](super::ExpressionSeries::summary). Ranges and medians come from counts in classes: 0.001 of a score,
/// 0.5 % of asymmetry, 1 ms of a blink. Blocks of the bootstrap are 5 s long in the first 2.8 hours, then twice as long.
///
/// # Examples
/// ```
/// use eir_vision::face::{BLENDSHAPE_NAMES, ExpressionConfig, FaceObservation, HeadPose};
/// let smile = BLENDSHAPE_NAMES.iter().position(|n| *n == "mouthSmileLeft").unwrap();
/// let frame = |i: u32, score: f64| {
///     let mut scores = [0.02; 52];
///     (scores[smile], scores[smile + 1]) = (score, score);
///     FaceObservation::new(f64::from(i) / 30.0, 0.99, 200.0, [320.0, 240.0], HeadPose::new(0.0, 0.0, 0.0), &scores)
/// };
/// let config = ExpressionConfig::default();
/// let rest = (0..90).map(|i| frame(i, 0.1)).collect::<Result<Vec<_>, _>>()?;
/// let mut live = config.live(config.neutral(&rest)?)?;
/// for i in 90..390 {
///     live.push(&frame(i, if i % 90 < 30 { 0.5 } else { 0.1 })?)?; // a smile of a second every three
/// }
/// let summary = live.summary().unwrap();
/// assert_eq!(summary.proxies[6].events_per_min.n, 4);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Validation
/// Unit tests compare it with the series on the same frames.
#[derive(Debug, Clone)]
pub struct LiveExpressions {
    config: ExpressionConfig,
    neutral: NeutralFace,
    first_s: f64,
    last_s: f64,
    frames: usize,
    used: usize,
    /// Frames that follow the one before fast enough to show blinks.
    fast: usize,
    /// The frame before, if it was used.
    before: Option<Used>,
    observed_s: f64,
    way: f64,
    head_path: f64,
    blocks: Vec<Block>,
    block_s: f64,
    proxies: Vec<Proxy>,
    /// Whether each of the last used frames is known to belong to a movement.
    undecided: VecDeque<bool>,
    moving: usize,
    blinks: Blinks,
}

/// What the next frame needs of a frame that was used.
#[derive(Debug, Clone, Copy)]
struct Used {
    time_s: f64,
    values: [f64; PROXIES],
    centre_px: [f64; 2],
    size_px: f64,
}

/// Way and time of some seconds.
#[derive(Debug, Clone, Copy)]
struct Block {
    number: u64,
    sums: [f64; 2],
}

/// One proxy so far.
#[derive(Debug, Clone)]
struct Proxy {
    mean: f64,
    squares: f64,
    levels: Classes,
    open: Option<Run>,
    events: usize,
    active: usize,
    asymmetries: Classes,
}

/// A stretch above the threshold.
#[derive(Debug, Clone, Copy)]
struct Run {
    start_s: f64,
    last_s: f64,
    frames: usize,
    best: f64,
    sides: [f64; 2],
    /// Whether it lasts long enough.
    counts: bool,
}

#[derive(Debug, Clone)]
struct Blinks {
    shut_s: Option<f64>,
    seen_open: bool,
    count: usize,
    lengths: Classes,
}

/// Values counted in classes of one width.
#[derive(Debug, Clone)]
struct Classes {
    from: f64,
    width: f64,
    counts: Vec<u32>,
    all: u64,
}

impl Classes {
    fn new(from: f64, to: f64, width: f64) -> Self {
        let count = ((to - from) / width).round() as usize + 1;
        Self { from, width, counts: vec![0; count], all: 0 }
    }

    fn add(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        let place = ((value - self.from) / self.width).round().clamp(0.0, (self.counts.len() - 1) as f64);
        if let Some(count) = self.counts.get_mut(place as usize) {
            *count = count.saturating_add(1);
            self.all += 1;
        }
    }

    /// A quantile, between its two neighbours in order, each in the middle of its class; none of nothing. `more` counts as
    /// well.
    fn quantile(&self, share: f64, more: Option<f64>) -> Option<f64> {
        let all = self.all + u64::from(more.is_some());
        let wanted = share * all.checked_sub(1)? as f64;
        let class = more.map(|v| ((v - self.from) / self.width).round().clamp(0.0, (self.counts.len() - 1) as f64));
        let (mut below, mut first) = (0.0, None);
        for (i, count) in self.counts.iter().enumerate() {
            let value = self.from + i as f64 * self.width;
            below += f64::from(*count) + f64::from(u8::from(class == Some(i as f64)));
            if first.is_none() && below > wanted.floor() {
                first = Some(value);
            }
            if let (Some(first), true) = (first, below > wanted.ceil()) {
                return Some(first + (value - first) * wanted.fract());
            }
        }
        None
    }
}

impl ExpressionConfig {
    /// For the frames of a live camera, against the person's neutral face, which was recorded before
    /// ([`neutral`](Self::neutral)).
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a setting, [`Error::NotFinite`](crate::Error::NotFinite).
    pub fn live(&self, neutral: NeutralFace) -> Result<LiveExpressions> {
        self.validate()?;
        NotFinite::check_f64("level of the neutral face", neutral.level.as_flattened())?;
        NotFinite::check_f64("deviation of the neutral face", &neutral.deviation)?;
        let proxy = Proxy {
            mean: 0.0,
            squares: 0.0,
            levels: Classes::new(-1.0, 1.0, 1e-3),
            open: None,
            events: 0,
            active: 0,
            asymmetries: Classes::new(-200.0, 200.0, 0.5),
        };
        Ok(LiveExpressions {
            config: self.clone(),
            neutral,
            first_s: f64::NAN,
            last_s: f64::NEG_INFINITY,
            frames: 0,
            used: 0,
            fast: 0,
            before: None,
            observed_s: 0.0,
            way: 0.0,
            head_path: 0.0,
            blocks: Vec::with_capacity(BLOCKS),
            block_s: BLOCK_S,
            proxies: vec![proxy; PROXIES],
            undecided: VecDeque::with_capacity(UNDECIDED + 1),
            moving: 0,
            blinks: Blinks { shut_s: None, seen_open: false, count: 0, lengths: Classes::new(0.0, 5.0, 1e-3) },
        })
    }
}

impl LiveExpressions {
    /// Takes the next frame; says why it is withheld, if it is. Allocates nothing.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a time that is not finite or not after the one before; the frame is
    /// then left out.
    pub fn push(&mut self, frame: &FaceObservation) -> Result<Option<Withheld>> {
        let t = frame.time_s;
        if !(t.is_finite() && t > self.last_s) {
            return Err(Parameter::new("time of a frame", t, "finite and after the one before").into());
        }
        if self.frames == 0 {
            self.first_s = t;
        } else if t - self.last_s <= 1.0 / BLINK_RATE_HZ {
            self.fast += 1;
        }
        self.last_s = t;
        self.frames += 1;
        let withheld = self.config.withheld(frame);
        match &frame.face {
            Some(face) if withheld.is_none() => self.take(t, face),
            _ => {
                self.end_piece();
                self.before = None;
            }
        }
        Ok(withheld)
    }

    fn take(&mut self, t: f64, face: &ObservedFace) {
        let raw = face.sides();
        let sides: [[f64; 2]; PROXIES] =
            std::array::from_fn(|k| [0, 1].map(|side| raw[k][side] - self.neutral.level[k][side]));
        let values = sides.map(|s| f64::midpoint(s[0], s[1]));
        let before = self.before.filter(|b| t - b.time_s <= self.config.max_gap_s);
        if before.is_none() {
            self.end_piece();
        }
        let blink = index("AU45").unwrap_or(PROXIES);
        self.used += 1;
        if self.undecided.len() == UNDECIDED {
            self.moving += usize::from(self.undecided.pop_front() == Some(true));
        }
        self.undecided.push_back(false);
        if let Some(b) = before {
            let seconds = t - b.time_s;
            let squares = (0..PROXIES).filter(|k| *k != blink).map(|k| (values[k] - b.values[k]).powi(2));
            let way = (squares.sum::<f64>() / MOVING).sqrt();
            self.observed_s += seconds;
            self.way += way;
            let far = (face.centre_px[0] - b.centre_px[0]).hypot(face.centre_px[1] - b.centre_px[1]);
            self.head_path += far / f64::midpoint(b.size_px, face.size_px).max(1.0);
            self.add_to_block(t, way, seconds);
        }
        let n = self.used as f64;
        for k in 0..PROXIES {
            let (value, level) = (values[k], threshold(&self.config, &self.neutral, k));
            let proxy = &mut self.proxies[k];
            let from_mean = value - proxy.mean;
            proxy.mean += from_mean / n;
            proxy.squares += from_mean * (value - proxy.mean);
            proxy.levels.add(value);
            if value > level {
                let start_s = match before.map(|b| (b.time_s, b.values[k])) {
                    Some((from, a)) if a < level => from + (t - from) * (level - a) / (value - a),
                    _ => t,
                };
                let new = Run { start_s, last_s: t, frames: 0, best: value, sides: sides[k], counts: false };
                let run = proxy.open.get_or_insert(new);
                (run.last_s, run.frames) = (t, run.frames + 1);
                if value > run.best {
                    (run.best, run.sides) = (value, sides[k]);
                }
                run.counts = t - run.start_s >= self.config.onset_s;
                if run.counts && k != blink {
                    self.undecided.iter_mut().rev().take(run.frames).for_each(|moves| *moves = true);
                }
            } else {
                proxy.close(k);
            }
        }
        if let Some(value) = values.get(blink) {
            self.blinks.take(*value, t, &self.config);
        }
        self.before = Some(Used { time_s: t, values, centre_px: face.centre_px, size_px: face.size_px });
    }

    /// No frame is connected with the last one.
    fn end_piece(&mut self) {
        self.proxies.iter_mut().enumerate().for_each(|(k, proxy)| proxy.close(k));
        (self.blinks.shut_s, self.blinks.seen_open) = (None, false);
    }

    fn add_to_block(&mut self, t: f64, way: f64, seconds: f64) {
        let number = ((t - self.first_s) / self.block_s) as u64;
        if let Some(last) = self.blocks.last_mut().filter(|b| b.number == number) {
            last.sums = [last.sums[0] + way, last.sums[1] + seconds];
            return;
        }
        if self.blocks.len() == BLOCKS {
            self.block_s *= 2.0;
            self.blocks.iter_mut().for_each(|b| b.number /= 2);
            self.blocks.dedup_by(|b, last| {
                let same = b.number == last.number;
                if same {
                    last.sums = [last.sums[0] + b.sums[0], last.sums[1] + b.sums[1]];
                }
                same
            });
            return self.add_to_block(t, way, seconds);
        }
        self.blocks.push(Block { number, sums: [way, seconds] });
    }

    /// The numbers so far; none if too few frames were usable ([`min_usable`](ExpressionConfig::min_usable)) or no two of
    /// them neighbours.
    #[must_use]
    pub fn summary(&self) -> Option<ExpressionSummary> {
        let usable_share = self.used as f64 / self.frames.max(1) as f64;
        if usable_share < self.config.min_usable || self.observed_s <= 0.0 {
            return None;
        }
        let (minutes, level) = (self.observed_s / 60.0, self.config.level);
        let fast_enough = 2 * self.fast >= self.frames - 1;
        let moving = self.moving + self.undecided.iter().filter(|moves| **moves).count();
        let blocks: Vec<[f64; 2]> = self.blocks.iter().map(|b| b.sums).filter(|b| b[1] >= 0.5 * self.block_s).collect();
        Some(ExpressionSummary {
            duration_s: self.last_s - self.first_s,
            frames: self.frames,
            usable_share,
            observed_s: self.observed_s,
            neutral_frames: self.neutral.frames,
            expressivity_per_s: self.way / self.observed_s,
            expressivity: in_blocks(&blocks, level),
            neutral_share: (self.used - moving) as f64 / self.used as f64,
            blinks_per_min: fast_enough.then(|| per_minute(self.blinks.count, minutes, level)),
            blink_s: self.blinks.lengths.quantile(0.5, None).filter(|_| fast_enough),
            head_path_per_min: self.head_path / minutes,
            proxies: (0..PROXIES).map(|k| self.of_proxy(k, minutes)).collect(),
        })
    }

    fn of_proxy(&self, k: usize, minutes: f64) -> ProxySummary {
        let proxy = &self.proxies[k];
        let n = self.used as f64;
        // a movement that goes on counts as far as it is seen
        let open = proxy.open.filter(|run| run.counts);
        let (events, active) =
            open.map_or((proxy.events, proxy.active), |run| (proxy.events + 1, proxy.active + run.frames));
        let range = |share: f64| proxy.levels.quantile(share, None).unwrap_or(f64::NAN);
        let asymmetry = open.map(|run| run.asymmetry()).filter(|v| ACTION_UNIT_PROXIES[k].has_sides() && !v.is_nan());
        ProxySummary {
            name: ACTION_UNIT_PROXIES[k].name.to_owned(),
            mean: proxy.mean,
            sd: (proxy.squares / (n - 1.0)).sqrt(),
            range: range(0.95) - range(0.05),
            events_per_min: per_minute(events, minutes, self.config.level),
            active_share: active as f64 / n,
            asymmetry_percent: proxy.asymmetries.quantile(0.5, asymmetry),
        }
    }
}

impl Run {
    fn asymmetry(&self) -> f64 {
        let [left, right] = self.sides;
        100.0 * (left - right) / (left + right)
    }
}

impl Proxy {
    /// The stretch above the threshold is over.
    fn close(&mut self, k: usize) {
        let Some(run) = self.open.take().filter(|run| run.counts) else { return };
        self.events += 1;
        self.active += run.frames;
        if ACTION_UNIT_PROXIES[k].has_sides() {
            self.asymmetries.add(run.asymmetry());
        }
    }
}

impl Blinks {
    fn take(&mut self, value: f64, t: f64, config: &ExpressionConfig) {
        let (close, open) = (config.blink_rise, 0.5 * config.blink_rise);
        match self.shut_s {
            // eyes that are shut where the piece begins have no beginning
            None if value >= close && self.seen_open => self.shut_s = Some(t),
            Some(since) if value < open => {
                if t - since <= config.longest_blink_s {
                    self.count += 1;
                    self.lengths.add(t - since);
                }
                self.shut_s = None;
            }
            _ => {}
        }
        self.seen_open |= value < open;
    }
}

#[cfg(test)]
mod tests {
    use super::super::HeadPose;
    use super::*;
    use eir_core::Estimate;
    use eir_core::random::Generator;

    /// 200 s of a face that moves at random and blinks every four seconds, with lost, turned and late frames.
    fn film() -> Vec<FaceObservation> {
        let mut stream = Generator::new(1, "live face").stream(0);
        let (mut level, mut goal, mut time) = ([0.1; 52], [0.1; 52], 0.0);
        let mut frames = Vec::new();
        for i in 0..6000 {
            time += if stream.chance(0.01) { 0.4 } else { 1.0 / 30.0 };
            for k in 0..52 {
                if i > 90 && stream.chance(0.02) {
                    goal[k] = stream.range(0.05, 0.6);
                }
                level[k] += 0.25 * (goal[k] - level[k]) + if i <= 90 { 0.002 * stream.normal() } else { 0.0 };
            }
            let mut scores = level.map(|v: f64| v.clamp(0.0, 1.0));
            let shut = if i > 90 && i % 120 < 5 { 0.9 } else { 0.05 };
            [scores[9], scores[10]] = [shut; 2]; // both eyes
            let pose = HeadPose::new(if stream.chance(0.03) { 50.0 } else { 3.0 }, 0.0, 0.0);
            let centre = [320.0 + 3.0 * stream.normal(), 240.0];
            frames.push(if stream.chance(0.02) {
                FaceObservation::missing(time)
            } else {
                FaceObservation::new(time, 0.99, 200.0, centre, pose, &scores).unwrap()
            });
        }
        frames
    }

    #[test]
    fn says_what_the_series_says() {
        let config = ExpressionConfig::default();
        let frames = film();
        let neutral = config.neutral(&frames[..90]).unwrap();
        let mut live = config.live(neutral.clone()).unwrap();
        assert!(live.summary().is_none());
        for (i, frame) in frames.iter().enumerate() {
            live.push(frame).unwrap();
            if ![4000, 5000, 5999].contains(&i) {
                continue;
            }
            let want = config.analyse_against(&frames[..=i], neutral.clone()).unwrap().summary().unwrap();
            let got = live.summary().unwrap();
            let near = |a: f64, b: f64, within: f64| assert!((a - b).abs() <= within, "{a} {b}");
            assert_eq!((got.frames, got.neutral_frames), (want.frames, want.neutral_frames));
            for (a, b) in [
                (got.duration_s, want.duration_s),
                (got.usable_share, want.usable_share),
                (got.observed_s, want.observed_s),
                (got.expressivity_per_s, want.expressivity_per_s),
                (got.neutral_share, want.neutral_share),
                (got.head_path_per_min, want.head_path_per_min),
            ] {
                near(a, b, 1e-9 * b.abs().max(1.0));
            }
            let ends = |e: &Option<Estimate>| e.as_ref().map(|e| [e.value, e.lower, e.upper]);
            let (a, b) = (ends(&got.expressivity).unwrap(), ends(&want.expressivity).unwrap());
            (0..3).for_each(|i| near(a[i], b[i], 1e-9));
            assert_eq!(got.blinks_per_min.map(|b| b.n), want.blinks_per_min.map(|b| b.n));
            near(got.blink_s.unwrap(), want.blink_s.unwrap(), 0.02);
            for (a, b) in got.proxies.iter().zip(&want.proxies) {
                assert_eq!((&a.name, a.events_per_min.n), (&b.name, b.events_per_min.n));
                assert!(b.events_per_min.n > 20 || b.name == "AU45", "{}: few movements", b.name);
                near(a.mean, b.mean, 1e-9);
                near(a.sd, b.sd, 1e-9);
                near(a.active_share, b.active_share, 1e-12);
                near(a.range, b.range, 3e-3);
                assert_eq!(a.asymmetry_percent.is_some(), b.asymmetry_percent.is_some());
                near(a.asymmetry_percent.unwrap_or(0.0), b.asymmetry_percent.unwrap_or(0.0), 3.0);
            }
        }
        assert!(live.push(&frames[0]).is_err() && live.push(&FaceObservation::missing(f64::NAN)).is_err());
    }

    #[test]
    fn blocks_stay_few_however_long_it_lasts() {
        let config = ExpressionConfig::default();
        let neutral = config.neutral(&film()[..90]).unwrap();
        let mut live = config.live(neutral).unwrap();
        for i in 0..60_000 {
            live.add_to_block(f64::from(i), 0.1, 1.0);
            live.first_s = 0.0;
        }
        assert!(live.blocks.len() <= BLOCKS && live.block_s > BLOCK_S);
        let all = live.blocks.iter().fold(0.0, |sum, b| sum + b.sums[1]);
        assert!((all - 60_000.0).abs() < 1e-6);
    }
}
