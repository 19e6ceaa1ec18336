//! A strip of ECG with its beats and their waves.

use crate::Result;
use crate::ecg::{BeatClass, BeatWaves};
use crate::hrv::rr_intervals_ms;
use eir_core::SampleRate;
use eir_core::error::{Mismatch, Parameter, TooShort};
use eir_core::svg::{Anchor, Axis, Colour, Svg};
use serde::{Deserialize, Serialize};

/// Settings of the strip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EcgStripConfig {
    /// Where it starts, in s from the first sample, at least 0. Default 0.
    pub start_s: f64,
    /// How long it is in s, 1 to 30. Default 10.
    pub duration_s: f64,
    /// Title. Default "ECG".
    pub title: String,
}

impl Default for EcgStripConfig {
    fn default() -> Self {
        Self { start_s: 0.0, duration_s: 10.0, title: "ECG".to_owned() }
    }
}

impl EcgStripConfig {
    /// Sets [`start_s`](Self::start_s).
    #[must_use]
    pub fn with_start_s(self, start_s: f64) -> Self {
        Self { start_s, ..self }
    }
    /// Sets [`duration_s`](Self::duration_s).
    #[must_use]
    pub fn with_duration_s(self, duration_s: f64) -> Self {
        Self { duration_s, ..self }
    }
    /// Sets [`title`](Self::title).
    #[must_use]
    pub fn with_title(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(self.start_s.is_finite() && self.start_s >= 0.0) {
            return Err(Parameter::new("start_s", self.start_s, "0 s or more").into());
        }
        if !(1.0..=30.0).contains(&self.duration_s) {
            return Err(Parameter::new("duration_s", self.duration_s, "1 to 30 s").into());
        }
        Ok(())
    }
}

/// Pixels per millimetre of paper.
const MM: f64 = 4.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = 14.0;
const HEAD: f64 = 58.0;

/// A strip of `ecg_mv` as SVG text: 25 mm/s, 10 mm/mV, a mark over each R-peak and the intervals between them in ms.
///
/// # Examples
/// ```
/// let ecg: Vec<f32> = (0..2500).map(|i| if i % 250 == 125 { 1.0 } else { 0.0 }).collect();
/// let rate = eir_core::SampleRate::new(250.0)?;
/// let svg = eir_signal::figure::ecg_strip(&ecg, rate, &[125, 375], &Default::default())?;
/// assert!(svg.contains("25 mm/s") && svg.contains(">1000</text>"));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Parameter`] as [`EcgStripConfig::validate`]; [`TooShort`] if nothing lies in the strip.
pub fn ecg_strip(ecg_mv: &[f32], rate: SampleRate, r_peaks: &[usize], config: &EcgStripConfig) -> Result<String> {
    ecg_strip_marked(ecg_mv, rate, &EcgMarks { r_peaks, ..EcgMarks::default() }, config)
}

/// What is marked in a strip: one class and one set of waves a beat, or none of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct EcgMarks<'a> {
    /// R-peaks.
    pub r_peaks: &'a [usize],
    /// Their classes: supraventricular (S) and ventricular (V) beats carry their letter.
    pub classes: &'a [Option<BeatClass>],
    /// Their waves: each is shaded from its start to its end, with a line at the peaks of P and T.
    pub waves: &'a [BeatWaves],
}

/// As [`ecg_strip`], with the classes and the waves of the beats.
///
/// # Examples
/// ```
/// use eir_signal::{ecg, figure};
/// let wave = |t: f32, at: f32, width: f32| (-((t - at) / width).powi(2)).exp();
/// let beat = |t: f32| 0.15 * wave(t, 0.2, 0.03) + wave(t, 0.38, 0.012) + 0.3 * wave(t, 0.66, 0.05);
/// let lead: Vec<f32> = (0..5000).map(|i| beat((i % 250) as f32 / 250.0)).collect();
/// let rate = eir_core::SampleRate::new(250.0)?;
/// let r_peaks = ecg::r_peaks(&lead, rate)?;
/// let (classes, waves) = (ecg::beat_classes(&lead, rate, &r_peaks)?, ecg::delineate(&lead, rate, &r_peaks)?);
/// let marks = figure::EcgMarks { r_peaks: &r_peaks, classes: &classes, waves: &waves };
/// let svg = figure::ecg_strip_marked(&lead, rate, &marks, &Default::default())?;
/// assert!(svg.contains(">QRS</text>"));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// As [`ecg_strip`], and [`Mismatch`](eir_core::error::Mismatch) if there are classes or waves, but not one a beat.
pub fn ecg_strip_marked(
    ecg_mv: &[f32],
    rate: SampleRate,
    marks: &EcgMarks<'_>,
    config: &EcgStripConfig,
) -> Result<String> {
    config.validate()?;
    let r_peaks = marks.r_peaks;
    if !marks.classes.is_empty() {
        Mismatch::check("R-peaks and classes", r_peaks.len(), marks.classes.len())?;
    }
    if !marks.waves.is_empty() {
        Mismatch::check("R-peaks and waves", r_peaks.len(), marks.waves.len())?;
    }
    let (first, last) =
        (rate.samples(config.start_s), rate.samples(config.start_s + config.duration_s).min(ecg_mv.len()));
    let shown = ecg_mv
        .get(first..last)
        .filter(|s| s.len() > 1)
        .ok_or_else(|| TooShort::new("samples", ecg_mv.len(), first + 2))?;
    let known = || shown.iter().copied().filter(|v| v.is_finite()).map(|v| f64::from(v).clamp(-5.0, 5.0));
    // whole half millivolts, room for the marks
    let low = (known().fold(0.0, f64::min) * 2.0 - 0.3).floor() / 2.0;
    let high = (known().fold(0.5, f64::max) * 2.0 + 0.3).ceil() / 2.0;
    let (width_px, height_px) = (config.duration_s * 25.0 * MM, (high - low) * 10.0 * MM);
    let beats: Vec<usize> = r_peaks.iter().copied().filter(|p| (first..last).contains(p)).collect();
    let description = format!("{:.0} s from {:.0} s, {} R-peaks", config.duration_s, config.start_s, beats.len());
    let mut svg = Svg::new(LEFT + width_px + RIGHT, HEAD + height_px + 26.0, &config.title, &description);
    let x = Axis::new(config.start_s, config.start_s + config.duration_s, LEFT, LEFT + width_px);
    let y = Axis::new(low, high, HEAD + height_px, HEAD);
    grid(&mut svg, config, (low, high), &x, &y);
    shade(&mut svg, marks.waves, &x, (HEAD, height_px), rate);
    svg.text(LEFT, 18.0, Anchor::Start, 15.0, Colour::Ink, &config.title);
    svg.text(LEFT + width_px, 18.0, Anchor::End, 12.0, Colour::Muted, "25 mm/s · 10 mm/mV · ▾ R-peak, RR in ms");
    let points =
        shown.iter().enumerate().map(|(i, v)| (x.at(rate.seconds(first + i)), y.at(f64::from(*v).clamp(-5.0, 5.0))));
    svg.curve(points, Colour::Ink, 1.2);
    for beat in &beats {
        let at = x.at(rate.seconds(*beat));
        let class = r_peaks.iter().position(|r| r == beat).and_then(|k| marks.classes.get(k).copied().flatten());
        if let Some(class) = class.filter(|c| *c != BeatClass::Normal) {
            svg.text(at, HEAD - 16.0, Anchor::Middle, 12.0, Colour::Series(1), class.name());
        }
        svg.area([(at - 4.0, HEAD - 12.0), (at + 4.0, HEAD - 12.0), (at, HEAD - 4.0)], Colour::Series(1), 1.0);
        svg.line(
            at,
            HEAD - 4.0,
            at,
            y.at(ecg_mv.get(*beat).map_or(high, |v| f64::from(*v).clamp(low, high))),
            Colour::Series(1),
            0.6,
        );
    }
    for (pair, interval) in beats.windows(2).zip(rr_intervals_ms(&beats, rate)) {
        let middle = x.at((rate.seconds(pair[0]) + rate.seconds(pair[1])) / 2.0);
        if interval > 280.0 {
            svg.text(middle, HEAD - 5.0, Anchor::Middle, 11.0, Colour::Muted, &format!("{interval:.0}"));
        }
    }
    Ok(svg.finish())
}

/// A shade for each wave within the strip, its name at the foot, and a line at its peak.
fn shade(svg: &mut Svg, waves: &[BeatWaves], x: &Axis, (top, height): (f64, f64), rate: SampleRate) {
    let at = |place: usize| x.at(rate.seconds(place));
    let (left, right) = (LEFT, svg.width() - RIGHT);
    for beat in waves {
        let parts = [
            ("P", beat.p_onset, beat.p_peak, beat.p_offset, Colour::Series(2)),
            ("QRS", beat.qrs_onset, None, beat.qrs_offset, Colour::Series(1)),
            ("T", beat.t_onset, beat.t_peak, beat.t_offset, Colour::Series(3)),
        ];
        for (name, start, peak, end, colour) in parts {
            let (Some(start), Some(end)) = (start.map(at), end.map(at)) else { continue };
            if start < left || end > right || end <= start {
                continue;
            }
            svg.rect(start, top, end - start, height, colour, 0.14);
            svg.text((start + end) / 2.0, top + height - 5.0, Anchor::Middle, 10.0, Colour::Muted, name);
            if let Some(peak) = peak.map(at) {
                svg.line(peak, top + height - 16.0, peak, top + height - 28.0, colour, 1.2);
            }
        }
    }
}

fn grid(svg: &mut Svg, config: &EcgStripConfig, (low, high): (f64, f64), x: &Axis, y: &Axis) {
    let millimetres = (config.duration_s * 25.0).round() as u32;
    for k in 0..=millimetres {
        let at = x.at(config.start_s + f64::from(k) / 25.0);
        svg.line(at, y.at(high), at, y.at(low), Colour::Grid, if k % 5 == 0 { 1.1 } else { 0.4 });
    }
    for k in 0..=((high - low) * 10.0).round() as u32 {
        let at = y.at(low + f64::from(k) / 10.0);
        svg.line(
            x.at(config.start_s),
            at,
            x.at(config.start_s + config.duration_s),
            at,
            Colour::Grid,
            if k % 5 == 0 { 1.1 } else { 0.4 },
        );
        if k % 5 == 0 {
            let label = format!("{:.1}", low + f64::from(k) / 10.0 + 0.0);
            svg.text(LEFT - 5.0, at + 4.0, Anchor::End, 11.0, Colour::Muted, &label);
        }
    }
    for tick in x.ticks(10) {
        svg.text(x.at(tick), y.at(low) + 16.0, Anchor::Middle, 11.0, Colour::Muted, &format!("{tick} s"));
    }
    svg.text(6.0, HEAD - 8.0, Anchor::Start, 11.0, Colour::Muted, "mV");
}
