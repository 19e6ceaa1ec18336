//! Cardiotocograms with known events: baseline, variability, accelerations, decelerations, contractions, gaps.

use crate::Result;
use crate::error::within;
use eir_core::random::{Generator, Stream};
use serde::{Deserialize, Serialize};
use std::f64::consts::{PI, TAU};

/// Epoch of short-term variability in s (Dawes–Redman).
const EPOCH_S: f64 = 3.75;

/// Simulates a cardiotocogram: settings, then a seed.
///
/// See [`CtgConfig`] for the model, its settings and an example.
///
/// # Errors
/// As [`CtgConfig::validate`].
pub fn ctg(config: &CtgConfig, seed: u64) -> Result<Ctg> {
    config.validate()?;
    let random = Generator::new(seed, "ctg");
    let n = (config.duration_s * config.rate_hz).round() as usize;
    let time_s = |i: usize| i as f64 / config.rate_hz;
    let baseline = baseline_bpm(config, n, &mut random.stream(0));
    let variability = variability_bpm(config, &baseline, &mut random.stream(1));
    let events = schedule(config, &mut random.stream(2));

    let mut fhr: Vec<f64> = baseline.iter().zip(&variability).map(|(b, v)| b + v).collect();
    let mut uc = toco_mmhg(config, n, &mut random.stream(3));
    let mut shapes = random.stream(4);
    for event in &events {
        let from = (event.start_s * config.rate_hz).ceil().max(0.0) as usize;
        let to = ((event.end_s * config.rate_hz).floor() as usize + 1).min(n);
        let length_s = event.end_s - event.start_s;
        let strength = shapes.uniform();
        for i in from..to {
            let part = (time_s(i) - event.start_s) / length_s;
            let (change_bpm, change_mmhg) = shape(event.kind, part, strength, length_s);
            if let Some(v) = fhr.get_mut(i) {
                *v += change_bpm;
            }
            if let Some(v) = uc.get_mut(i) {
                *v += change_mmhg;
            }
        }
    }
    let quantised = |v: &f64| ((v * 4.0).round() / 4.0).clamp(50.0, 230.0) as f32; // as monitors store it
    let mut fhr_bpm: Vec<f32> = fhr.iter().map(quantised).collect();
    let mut all = events;
    all.extend(gaps(config, &mut fhr_bpm, &mut random.stream(5)));
    all.sort_by(|a, b| a.start_s.total_cmp(&b.start_s).then(a.end_s.total_cmp(&b.end_s)));
    Ok(Ctg {
        fhr_bpm,
        uc_mmhg: uc.iter().map(|v| ((v * 2.0).round() / 2.0).max(0.0) as f32).collect(),
        rate_hz: config.rate_hz,
        baseline_bpm: baseline.iter().map(|v| *v as f32).collect(),
        events: all,
    })
}

/// A simulated cardiotocogram and its truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Ctg {
    /// Fetal heart rate in beats a minute; NaN where the signal is lost.
    pub fhr_bpm: Vec<f32>,
    /// Uterine pressure in mmHg.
    pub uc_mmhg: Vec<f32>,
    /// Samples a second.
    pub rate_hz: f64,
    /// The true baseline in beats a minute.
    pub baseline_bpm: Vec<f32>,
    /// What was planted, by its start.
    pub events: Vec<CtgEvent>,
}

/// Something that was planted in a [`Ctg`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CtgEvent {
    /// What it is.
    pub kind: CtgEventKind,
    /// Start in s from the first sample.
    pub start_s: f64,
    /// End in s from the first sample.
    pub end_s: f64,
}

/// The kinds of [`CtgEvent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CtgEventKind {
    /// A rise of 18 to 32 bpm for 20 to 60 s.
    Acceleration,
    /// A fall that mirrors its contraction.
    EarlyDeceleration,
    /// A fall whose lowest point comes 20 to 40 s after the contraction's peak.
    LateDeceleration,
    /// A fast fall (onset to lowest point in less than 30 s) with a fast return.
    VariableDeceleration,
    /// A fall that lasts 150 to 300 s.
    ProlongedDeceleration,
    /// A contraction of the uterus.
    Contraction,
    /// Loss of the heart-rate signal.
    Gap,
}

/// Settings of [`ctg`]: a fetal heart rate and contractions whose events are known.
///
/// **Use it** to test event detectors and displays. **Not** to estimate how a method does on patients: real traces have
/// maternal pick-up, halved and doubled rates and events that blend into one another.
///
/// # Formula
/// Rate = baseline + variability + events, rounded to ¼ bpm. The baseline wanders as an autoregressive process (time
/// constant 10 min, 2 bpm). Variability is a sum of cosines of 2 to 6 cycles a minute with the bandwidth that is set,
/// plus a fast part (correlation time 2 s) scaled until the short-term variability is as set: the mean absolute
/// difference of the mean pulse interval of consecutive epochs of 3.75 s \[1\]. Accelerations, early and late decelerations
/// are raised cosines; variable decelerations fall within 12 to 25 s with shoulders; a prolonged one has a floor.
/// Contractions are bells of 45 to 90 s and 30 to 80 mmHg over a resting tone of 10 to 20 mmHg.
///
/// # Examples
/// ```
/// use eir_synth::{CtgConfig, CtgEventKind, ctg};
/// let ctg = ctg(&CtgConfig::default(), 1)?;
/// assert_eq!(ctg.fhr_bpm.len(), 60 * 60 * 4); // an hour at 4 Hz
/// let count = |kind| ctg.events.iter().filter(|e| e.kind == kind).count();
/// assert!(count(CtgEventKind::Acceleration) >= 4 && count(CtgEventKind::LateDeceleration) >= 1);
/// assert!(ctg.fhr_bpm.iter().any(|v| v.is_nan())); // signal loss
/// # Ok::<(), eir_synth::Error>(())
/// ```
///
/// # Validation
/// Short-term variability within 0.2 ms of the setting, share of lost signal, depth, length and lag of every planted
/// event (tests below). There is no peer with known truth to compare with.
///
/// # References
/// 1. Dawes, Moulden, Redman 1991, doi:10.1515/jpme.1991.19.s1.47. 2. Ayres-de-Campos et al. 2015 (FIGO),
///    doi:10.1016/j.ijgo.2015.06.020.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct CtgConfig {
    /// Length in s, above 0 to 172 800. Default 3600.
    pub duration_s: f64,
    /// Samples a second, 1 to 20. Default 4.
    pub rate_hz: f64,
    /// Mean baseline in beats a minute, 80 to 200. Default 140 (normal: 110 to 160 \[2\]).
    pub baseline_bpm: f64,
    /// Bandwidth of the oscillation around the baseline in beats a minute, 0 to 40. Default 12 (normal: 5 to 25 \[2\]).
    pub bandwidth_bpm: f64,
    /// Short-term variability in ms on epochs of 3.75 s, 0 to 20. Default 6 (3 to 10 is plausible \[1\]).
    pub short_term_variability_ms: f64,
    /// Accelerations an hour, 0 to 30; as many as fit between the decelerations are placed. Default 8.
    pub accelerations_per_h: f64,
    /// Contractions in ten minutes, 0 to 5. Default 3.
    pub contractions_per_10_min: f64,
    /// Share of contractions with an early deceleration, 0 to 1. Default 0.1.
    pub early_share: f64,
    /// Share of contractions with a late deceleration, 0 to 1. Default 0.1.
    pub late_share: f64,
    /// Share of contractions with a variable deceleration, 0 to 1. Default 0.15.
    pub variable_share: f64,
    /// Share of contractions with a prolonged deceleration, 0 to 1; the four shares sum to 1 at most. Default 0.05.
    pub prolonged_share: f64,
    /// Share of the time without signal, 0 to 0.8. Default 0.05.
    pub gap_share: f64,
    /// Mean length of a gap in s, 0.5 to 120. Default 6.
    pub gap_s: f64,
}

impl Default for CtgConfig {
    fn default() -> Self {
        Self {
            duration_s: 3600.0,
            rate_hz: 4.0,
            baseline_bpm: 140.0,
            bandwidth_bpm: 12.0,
            short_term_variability_ms: 6.0,
            accelerations_per_h: 8.0,
            contractions_per_10_min: 3.0,
            early_share: 0.1,
            late_share: 0.1,
            variable_share: 0.15,
            prolonged_share: 0.05,
            gap_share: 0.05,
            gap_s: 6.0,
        }
    }
}

impl CtgConfig {
    /// Sets [`duration_s`](Self::duration_s).
    #[must_use]
    pub fn with_duration_s(self, duration_s: f64) -> Self {
        Self { duration_s, ..self }
    }
    /// Sets [`rate_hz`](Self::rate_hz).
    #[must_use]
    pub fn with_rate_hz(self, rate_hz: f64) -> Self {
        Self { rate_hz, ..self }
    }
    /// Sets [`baseline_bpm`](Self::baseline_bpm).
    #[must_use]
    pub fn with_baseline_bpm(self, baseline_bpm: f64) -> Self {
        Self { baseline_bpm, ..self }
    }
    /// Sets [`bandwidth_bpm`](Self::bandwidth_bpm).
    #[must_use]
    pub fn with_bandwidth_bpm(self, bandwidth_bpm: f64) -> Self {
        Self { bandwidth_bpm, ..self }
    }
    /// Sets [`short_term_variability_ms`](Self::short_term_variability_ms).
    #[must_use]
    pub fn with_short_term_variability_ms(self, short_term_variability_ms: f64) -> Self {
        Self { short_term_variability_ms, ..self }
    }
    /// Sets [`accelerations_per_h`](Self::accelerations_per_h).
    #[must_use]
    pub fn with_accelerations_per_h(self, accelerations_per_h: f64) -> Self {
        Self { accelerations_per_h, ..self }
    }
    /// Sets [`contractions_per_10_min`](Self::contractions_per_10_min).
    #[must_use]
    pub fn with_contractions_per_10_min(self, contractions_per_10_min: f64) -> Self {
        Self { contractions_per_10_min, ..self }
    }
    /// Sets the shares of contractions with an early, late, variable and prolonged deceleration.
    #[must_use]
    pub fn with_deceleration_shares(self, early: f64, late: f64, variable: f64, prolonged: f64) -> Self {
        Self { early_share: early, late_share: late, variable_share: variable, prolonged_share: prolonged, ..self }
    }
    /// Sets [`gap_share`](Self::gap_share).
    #[must_use]
    pub fn with_gap_share(self, gap_share: f64) -> Self {
        Self { gap_share, ..self }
    }
    /// Sets [`gap_s`](Self::gap_s).
    #[must_use]
    pub fn with_gap_s(self, gap_s: f64) -> Self {
        Self { gap_s, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        within("duration_s", self.duration_s, f64::MIN_POSITIVE, 172_800.0, "above 0 and at most 172 800 s")?;
        within("rate_hz", self.rate_hz, 1.0, 20.0, "1 to 20 Hz")?;
        within("baseline_bpm", self.baseline_bpm, 80.0, 200.0, "80 to 200 bpm")?;
        within("bandwidth_bpm", self.bandwidth_bpm, 0.0, 40.0, "0 to 40 bpm")?;
        within("short_term_variability_ms", self.short_term_variability_ms, 0.0, 20.0, "0 to 20 ms")?;
        within("accelerations_per_h", self.accelerations_per_h, 0.0, 30.0, "0 to 30")?;
        within("contractions_per_10_min", self.contractions_per_10_min, 0.0, 5.0, "0 to 5")?;
        let shares = [self.early_share, self.late_share, self.variable_share, self.prolonged_share];
        let names = ["early_share", "late_share", "variable_share", "prolonged_share"];
        for (name, share) in names.into_iter().zip(shares) {
            within(name, share, 0.0, 1.0, "0 to 1")?;
        }
        within("sum of the deceleration shares", shares.iter().sum(), 0.0, 1.0 + 1e-9, "at most 1")?;
        within("gap_share", self.gap_share, 0.0, 0.8, "0 to 0.8")?;
        within("gap_s", self.gap_s, 0.5, 120.0, "0.5 to 120 s")
    }
}

/// An autoregressive wander around the mean that is set.
fn baseline_bpm(config: &CtgConfig, n: usize, random: &mut Stream) -> Vec<f64> {
    let keep = libm::exp(-1.0 / (600.0 * config.rate_hz));
    let kick = (1.0 - keep * keep).sqrt();
    let (mut state, mut smooth) = (random.normal(), None::<f64>);
    let slow = 1.0 - libm::exp(-1.0 / (60.0 * config.rate_hz)); // a baseline has no corners
    (0..n)
        .map(|_| {
            state = keep * state + kick * random.normal();
            let value = smooth.map_or(state, |s| s + slow * (state - s));
            smooth = Some(value);
            config.baseline_bpm + 2.0 * value.clamp(-3.0, 3.0)
        })
        .collect()
}

/// Oscillation and fast part, scaled so that bandwidth and short-term variability are as set.
fn variability_bpm(config: &CtgConfig, baseline: &[f64], random: &mut Stream) -> Vec<f64> {
    // twelve cosines of 2 to 6 cycles a minute; four standard deviations are the bandwidth
    let cosines: Vec<(f64, f64)> = (0..12u8)
        .map(|k| ((2.0 + 4.0 * (f64::from(k) + random.uniform()) / 12.0) / 60.0, random.range(0.0, TAU)))
        .collect();
    let amplitude = config.bandwidth_bpm / 4.0 / 6.0f64.sqrt();
    let slow: Vec<f64> = (0..baseline.len())
        .map(|i| i as f64 / config.rate_hz)
        .map(|t| cosines.iter().map(|(hz, phase)| amplitude * libm::cos(TAU * hz * t + phase)).sum())
        .collect();
    let keep = libm::exp(-1.0 / (2.0 * config.rate_hz));
    let kick = (1.0 - keep * keep).sqrt();
    let mut state = 0.0;
    let fast: Vec<f64> = (0..baseline.len())
        .map(|_| {
            state = keep * state + kick * random.normal();
            state
        })
        .collect();
    let total = |slow_scale: f64, fast_scale: f64| -> Vec<f64> {
        slow.iter().zip(&fast).map(|(s, f)| slow_scale * s + fast_scale * f).collect()
    };
    let reached_ms = |values: &[f64]| {
        let rate: Vec<f64> = baseline.iter().zip(values).map(|(b, v)| b + v).collect();
        short_term_variability_ms(&rate, config.rate_hz)
    };
    // both parts raise it: fast first, and less of the slow part where that alone is too much
    let target = config.short_term_variability_ms;
    let too_much = reached_ms(&total(1.0, 0.0)) > target;
    let (mut low, mut high) = (0.0, if too_much { 1.0 } else { 40.0 });
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        let values = if too_much { total(middle, 0.0) } else { total(1.0, middle) };
        if reached_ms(&values) > target { high = middle } else { low = middle }
    }
    if too_much { total(low, 0.0) } else { total(1.0, low) }
}

/// Mean absolute difference of the mean pulse intervals (ms) of consecutive epochs of 3.75 s; 0 for less than two.
fn short_term_variability_ms(rate_bpm: &[f64], rate_hz: f64) -> f64 {
    let epoch = ((EPOCH_S * rate_hz).round() as usize).max(1);
    let means: Vec<f64> = rate_bpm
        .chunks_exact(epoch)
        .map(|c| c.iter().map(|bpm| 60_000.0 / bpm.max(1.0)).sum::<f64>() / epoch as f64)
        .collect();
    let steps = means.len().saturating_sub(1);
    if steps == 0 {
        return 0.0;
    }
    means.windows(2).map(|w| if let [a, b] = w { (b - a).abs() } else { 0.0 }).sum::<f64>() / steps as f64
}

/// Contractions, their decelerations, and accelerations in what is left of the time.
fn schedule(config: &CtgConfig, random: &mut Stream) -> Vec<CtgEvent> {
    let mut events = Vec::new();
    let mut busy: Vec<(f64, f64)> = Vec::new(); // what the heart rate is doing
    let mut contractions = Vec::new();
    if config.contractions_per_10_min > 0.0 {
        let every_s = 600.0 / config.contractions_per_10_min;
        let mut slot = 0.25 * every_s;
        while slot < config.duration_s {
            let start_s = slot + random.range(-0.1, 0.1) * every_s;
            let end_s = start_s + random.range(45.0, 90.0f64.min(0.6 * every_s));
            if end_s < config.duration_s {
                contractions.push((start_s, end_s));
            }
            slot += every_s;
        }
    }
    use CtgEventKind::{EarlyDeceleration, LateDeceleration, ProlongedDeceleration, VariableDeceleration};
    let shares = [
        (ProlongedDeceleration, config.prolonged_share),
        (LateDeceleration, config.late_share),
        (VariableDeceleration, config.variable_share),
        (EarlyDeceleration, config.early_share),
    ];
    let mut kinds: Vec<Option<CtgEventKind>> = Vec::with_capacity(contractions.len());
    for (kind, share) in shares {
        let count = (share * contractions.len() as f64).round() as usize;
        kinds.extend(std::iter::repeat_n(Some(kind), count));
    }
    kinds.resize(contractions.len(), None);
    random.shuffle(&mut kinds);
    for ((start_s, end_s), kind) in contractions.iter().copied().zip(kinds) {
        events.push(CtgEvent { kind: CtgEventKind::Contraction, start_s, end_s });
        let Some(kind) = kind else { continue };
        let length_s = end_s - start_s;
        let (from, to) = match kind {
            EarlyDeceleration => (start_s, end_s),
            LateDeceleration => {
                let lag_s = random.range(20.0, 40.0);
                (start_s + lag_s, end_s + lag_s)
            }
            VariableDeceleration => {
                let from = start_s + random.range(0.0, 0.3) * length_s;
                (from, from + random.range(30.0, 60.0))
            }
            _ => (start_s, start_s + random.range(150.0, 300.0)),
        };
        let free = busy.iter().all(|(a, b)| to + 20.0 < *a || *b + 20.0 < from);
        if free && from >= 0.0 && to < config.duration_s {
            busy.push((from, to));
            events.push(CtgEvent { kind, start_s: from, end_s: to });
        }
    }
    let wanted = (config.accelerations_per_h * config.duration_s / 3600.0).round() as usize;
    let mut placed = 0;
    for _ in 0..wanted * 50 {
        if placed == wanted {
            break;
        }
        let length_s = random.range(20.0, 60.0);
        let from = random.range(10.0, (config.duration_s - length_s - 10.0).max(10.1));
        let to = from + length_s;
        if to < config.duration_s && busy.iter().all(|(a, b)| to + 30.0 < *a || *b + 30.0 < from) {
            busy.push((from, to));
            events.push(CtgEvent { kind: CtgEventKind::Acceleration, start_s: from, end_s: to });
            placed += 1;
        }
    }
    events
}

/// Change of heart rate (bpm) and pressure (mmHg) at `part` 0 to 1 of an event; `strength` 0 to 1 within its range.
fn shape(kind: CtgEventKind, part: f64, strength: f64, length_s: f64) -> (f64, f64) {
    let between = |low: f64, high: f64| low + (high - low) * strength;
    let bell = |x: f64| if (0.0..=1.0).contains(&x) { 0.5 - 0.5 * libm::cos(TAU * x) } else { 0.0 };
    // from 0 to 1 within `s` seconds of either end
    let plateau = |fall_s: f64, rise_s: f64| {
        let side = |t: f64, s: f64| if t < s { 0.5 - 0.5 * libm::cos(PI * t / s) } else { 1.0 };
        side(part * length_s, fall_s) * side((1.0 - part) * length_s, rise_s)
    };
    match kind {
        CtgEventKind::Acceleration => (between(18.0, 32.0) * plateau(length_s * 0.35, length_s * 0.35), 0.0),
        CtgEventKind::EarlyDeceleration => (-between(18.0, 30.0) * bell(part), 0.0),
        CtgEventKind::LateDeceleration => (-between(20.0, 40.0) * bell(part), 0.0),
        CtgEventKind::VariableDeceleration => {
            let fall_s = between(12.0, 25.0).min(length_s * 0.45);
            let shoulders = 8.0 * (bell(part / 0.16) + bell((1.0 - part) / 0.16));
            (shoulders - between(35.0, 60.0) * plateau(fall_s, fall_s) * plateau(6.0, 6.0), 0.0)
        }
        CtgEventKind::ProlongedDeceleration => (-between(25.0, 45.0) * plateau(40.0, 60.0), 0.0),
        CtgEventKind::Contraction => (0.0, between(30.0, 80.0) * bell(part).powf(1.2)),
        CtgEventKind::Gap => (0.0, 0.0),
    }
}

/// Resting tone with breathing.
fn toco_mmhg(config: &CtgConfig, n: usize, random: &mut Stream) -> Vec<f64> {
    let tone = random.range(10.0, 20.0);
    let (hz, phase) = (random.range(0.2, 0.3), random.range(0.0, TAU));
    (0..n)
        .map(|i| tone + 0.8 * libm::cos(TAU * hz * i as f64 / config.rate_hz + phase) + 0.6 * random.normal())
        .collect()
}

/// Puts NaN where a two-state Markov chain says that the signal is lost.
fn gaps(config: &CtgConfig, fhr_bpm: &mut [f32], random: &mut Stream) -> Vec<CtgEvent> {
    let mut found = Vec::new();
    if config.gap_share <= 0.0 {
        return found;
    }
    let stay_s = config.gap_s * (1.0 - config.gap_share) / config.gap_share;
    let end_s = fhr_bpm.len() as f64 / config.rate_hz;
    let mut time_s = stay_s * random.exponential();
    while time_s < end_s {
        let length_s = (config.gap_s * random.exponential()).max(1.0 / config.rate_hz);
        let from = (time_s * config.rate_hz).round() as usize;
        let to = (((time_s + length_s) * config.rate_hz).round() as usize).clamp(from + 1, fhr_bpm.len().max(from + 1));
        if let Some(lost) = fhr_bpm.get_mut(from..to) {
            lost.fill(f32::NAN);
            let second = |i: usize| i as f64 / config.rate_hz;
            found.push(CtgEvent { kind: CtgEventKind::Gap, start_s: second(from), end_s: second(to) });
        }
        // at least one sample between two gaps
        time_s = (to + 1) as f64 / config.rate_hz + stay_s * random.exponential();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> CtgConfig {
        CtgConfig::default().with_gap_share(0.0).with_contractions_per_10_min(0.0).with_accelerations_per_h(0.0)
    }

    #[test]
    fn short_term_variability_is_as_set() {
        for (wanted, bandwidth) in [(3.0, 8.0), (6.0, 12.0), (10.0, 20.0), (1.0, 15.0)] {
            let config = quiet().with_short_term_variability_ms(wanted).with_bandwidth_bpm(bandwidth);
            let ctg = ctg(&config, 4).unwrap();
            let rate: Vec<f64> = ctg.fhr_bpm.iter().map(|v| f64::from(*v)).collect();
            let got = short_term_variability_ms(&rate, 4.0);
            assert!((got - wanted).abs() < 0.2, "{wanted}: {got}");
        }
    }

    #[test]
    fn every_event_is_what_it_says() {
        let config = quiet().with_contractions_per_10_min(3.0).with_accelerations_per_h(10.0);
        let config = config.with_bandwidth_bpm(0.0).with_short_term_variability_ms(0.0).with_duration_s(4.0 * 3600.0);
        let ctg = ctg(&config, 11).unwrap();
        let mut kinds = std::collections::HashSet::new();
        for event in &ctg.events {
            kinds.insert(event.kind);
            let range = (event.start_s * 4.0).ceil() as usize..(event.end_s * 4.0).floor() as usize;
            let change: Vec<f32> = range.clone().map(|i| ctg.fhr_bpm[i] - ctg.baseline_bpm[i]).collect();
            let (low, high) = change.iter().fold((0f32, 0f32), |(l, h), v| (l.min(*v), h.max(*v)));
            let length = event.end_s - event.start_s;
            match event.kind {
                CtgEventKind::Acceleration => assert!(high >= 15.0 && length >= 15.0, "{event:?} {high}"),
                CtgEventKind::Contraction => {
                    let peak = ctg.uc_mmhg[range].iter().fold(0f32, |a, b| a.max(*b));
                    assert!(peak > 38.0 && (30.0..=90.0).contains(&length), "{event:?} {peak}");
                }
                CtgEventKind::Gap => panic!("no gaps were asked for"),
                CtgEventKind::ProlongedDeceleration => assert!(low < -20.0 && length >= 120.0, "{event:?}"),
                CtgEventKind::VariableDeceleration => {
                    let nadir = change.iter().position(|v| *v <= 0.9 * low).unwrap() as f64 / 4.0;
                    assert!(low < -15.0 && nadir < 30.0, "{event:?} {low} {nadir}");
                }
                _ => assert!(low < -15.0 && length >= 15.0, "{event:?} {low}"),
            }
        }
        assert_eq!(kinds.len(), 6, "{kinds:?}");
    }

    #[test]
    fn gaps_have_their_share_and_are_events() {
        let ctg = ctg(&CtgConfig::default().with_gap_share(0.2).with_duration_s(8.0 * 3600.0), 2).unwrap();
        let lost = ctg.fhr_bpm.iter().filter(|v| v.is_nan()).count();
        let told: f64 =
            ctg.events.iter().filter(|e| e.kind == CtgEventKind::Gap).map(|e| (e.end_s - e.start_s) * 4.0).sum();
        assert_eq!(lost as f64, told.round());
        assert!((lost as f64 / ctg.fhr_bpm.len() as f64 - 0.2).abs() < 0.03);
    }

    #[test]
    fn short_and_wrong_settings() {
        assert_eq!(ctg(&CtgConfig::default().with_duration_s(0.1), 0).unwrap().fhr_bpm.len(), 0);
        assert!(ctg(&CtgConfig::default().with_duration_s(30.0), 0).is_ok());
        let error = ctg(&CtgConfig::default().with_deceleration_shares(0.5, 0.5, 0.5, 0.0), 0).unwrap_err();
        assert_eq!(error.to_string(), "sum of the deceleration shares is 1.5, but must be at most 1");
    }
}
