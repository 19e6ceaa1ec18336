//! Heart-rate variability over hours.

use crate::Result;
use crate::hrv::HrvWindow;
use eir_core::error::{Parameter, TooShort};
use eir_core::svg::{Anchor, Axis, Colour, Svg};
use serde::{Deserialize, Serialize};

/// Settings of the figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct HrvTrendConfig {
    /// Title. Default "Heart-rate variability".
    pub title: String,
    /// Hour of the day at the start of the recording, 0 to below 24. Default 0: hours since the start.
    pub start_hour: f64,
    /// Width in pixels, 300 to 4000. Default 760.
    pub width_px: f64,
}

impl Default for HrvTrendConfig {
    fn default() -> Self {
        Self { title: "Heart-rate variability".to_owned(), start_hour: 0.0, width_px: 760.0 }
    }
}

impl HrvTrendConfig {
    /// Sets [`title`](Self::title).
    #[must_use]
    pub fn with_title(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }
    /// Sets [`start_hour`](Self::start_hour).
    #[must_use]
    pub fn with_start_hour(self, start_hour: f64) -> Self {
        Self { start_hour, ..self }
    }
    /// Sets [`width_px`](Self::width_px).
    #[must_use]
    pub fn with_width_px(self, width_px: f64) -> Self {
        Self { width_px, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(0.0..24.0).contains(&self.start_hour) {
            return Err(Parameter::new("start_hour", self.start_hour, "0 to below 24").into());
        }
        if !(300.0..=4000.0).contains(&self.width_px) {
            return Err(Parameter::new("width_px", self.width_px, "300 to 4000 px").into());
        }
        Ok(())
    }
}

const LEFT: f64 = 56.0;
const RIGHT: f64 = 16.0;
const HEAD: f64 = 48.0;
const PANEL: f64 = 110.0;
const BETWEEN: f64 = 46.0;

/// What one panel shows: a name, and up to two curves with theirs.
struct Panel<'a> {
    name: &'a str,
    curves: Vec<(&'a str, Colour, Vec<Option<f64>>)>,
}

/// The windows of a night or a day as SVG text: heart rate, RMSSD, and the powers of LF and HF, each over time. A window
/// that has no answer leaves its place empty.
///
/// # Examples
/// ```
/// let rr: Vec<f64> = (0..4000u32).map(|i| 800.0 + f64::from(i * i % 101)).collect();
/// let windows = eir_signal::hrv::windows(&rr)?;
/// let svg = eir_signal::figure::hrv_trend(&windows, &Default::default())?;
/// assert!(svg.contains("RMSSD in ms"));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Parameter`] as [`HrvTrendConfig::validate`]; [`TooShort`] below two windows.
pub fn hrv_trend(windows: &[HrvWindow], config: &HrvTrendConfig) -> Result<String> {
    config.validate()?;
    let [first, .., last] = windows else {
        return Err(TooShort::new("windows", windows.len(), 2).into());
    };
    let time = |of: fn(&crate::hrv::TimeDomain) -> f64| -> Vec<Option<f64>> {
        windows.iter().map(|w| w.time.as_ref().ok().map(of).filter(|v| v.is_finite())).collect()
    };
    let power = |of: fn(&HrvWindow) -> Option<f64>| windows.iter().map(of).collect::<Vec<_>>();
    let panels = [
        Panel { name: "heart rate in bpm", curves: vec![("", Colour::Series(0), time(|t| t.heart_rate_bpm()))] },
        Panel { name: "RMSSD in ms", curves: vec![("", Colour::Series(2), time(|t| t.rmssd_ms))] },
        Panel {
            name: "power in ms²",
            curves: vec![
                ("LF", Colour::Series(1), power(|w| w.frequency.lf_ms2.ok())),
                ("HF", Colour::Series(0), power(|w| w.frequency.hf_ms2.ok())),
            ],
        },
    ];
    let height = HEAD + panels.len() as f64 * (PANEL + BETWEEN);
    let hours = |s: f64| config.start_hour + s / 3600.0;
    let description = format!("{} windows over {:.1} h", windows.len(), (last.start_s - first.start_s) / 3600.0);
    let mut svg = Svg::new(config.width_px, height, &config.title, &description);
    svg.text(LEFT, 20.0, Anchor::Start, 15.0, Colour::Ink, &config.title);
    let x = Axis::new(hours(first.start_s), hours(last.start_s), LEFT, config.width_px - RIGHT);
    let xs: Vec<f64> = windows.iter().map(|w| x.at(hours(w.start_s))).collect();
    for (k, panel) in panels.iter().enumerate() {
        draw(&mut svg, panel, &x, &xs, HEAD + k as f64 * (PANEL + BETWEEN), config);
    }
    Ok(svg.finish())
}

fn draw(svg: &mut Svg, panel: &Panel<'_>, x: &Axis, xs: &[f64], top: f64, config: &HrvTrendConfig) {
    let (right, bottom) = (config.width_px - RIGHT, top + PANEL);
    let known = || panel.curves.iter().flat_map(|(_, _, values)| values.iter().flatten().copied());
    let (low, high) = known().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    svg.text(LEFT, top - 6.0, Anchor::Start, 12.0, Colour::Muted, panel.name);
    for tick in x.ticks(8) {
        svg.line(x.at(tick), top, x.at(tick), bottom, Colour::Grid, 1.0);
        let minutes = (60.0 * tick).round() as u32;
        let clock = || format!("{}:{:02}", minutes / 60 % 24, minutes % 60);
        let hour = if config.start_hour > 0.0 { clock() } else { format!("{tick} h") };
        svg.text(x.at(tick), bottom + 14.0, Anchor::Middle, 11.0, Colour::Muted, &hour);
    }
    if low > high {
        svg.text(
            0.5 * (LEFT + right),
            top + 0.5 * PANEL,
            Anchor::Middle,
            12.0,
            Colour::Muted,
            "no answer in any window",
        );
        return;
    }
    let room = 0.08 * (high - low).max(f64::MIN_POSITIVE);
    let y = Axis::new(low - room, high + room, bottom, top);
    for tick in y.ticks(4) {
        svg.line(LEFT, y.at(tick), right, y.at(tick), Colour::Grid, 1.0);
        svg.text(LEFT - 6.0, y.at(tick) + 4.0, Anchor::End, 11.0, Colour::Muted, &tick.to_string());
    }
    for (k, (name, colour, values)) in panel.curves.iter().enumerate() {
        // a curve ends where a window has no answer
        for piece in xs.iter().zip(values).collect::<Vec<_>>().split(|(_, v)| v.is_none()) {
            let points: Vec<(f64, f64)> = piece.iter().filter_map(|(x, v)| Some((**x, y.at((**v)?)))).collect();
            if let [(x, y)] = points[..] {
                svg.dot(x, y, 1.5, *colour);
            }
            svg.curve(points, *colour, 1.5);
        }
        if !name.is_empty() {
            svg.text(
                right - 40.0 * (panel.curves.len() - k) as f64 + 14.0,
                top - 6.0,
                Anchor::Start,
                12.0,
                *colour,
                name,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_without_an_answer_are_left_out() {
        let mut rr: Vec<f64> = (0..6000u32).map(|i| 800.0 + f64::from(i * i % 101)).collect();
        rr.get_mut(1000..2000).unwrap().fill(900.0);
        let windows = crate::hrv::windows(&rr).unwrap();
        let svg = hrv_trend(&windows, &HrvTrendConfig::default().with_start_hour(22.5)).unwrap();
        assert!(svg.contains(">LF</text>") && svg.contains("23:00") && !svg.contains("NaN"), "{svg}");
        let flat = crate::hrv::windows(&[800.0; 4000]).unwrap();
        assert!(hrv_trend(&flat, &HrvTrendConfig::default()).is_ok());
        assert!(hrv_trend(&windows[..1], &HrvTrendConfig::default()).unwrap_err().to_string().contains('2'));
        assert!(hrv_trend(&windows, &HrvTrendConfig::default().with_width_px(f64::NAN)).is_err());
    }
}
