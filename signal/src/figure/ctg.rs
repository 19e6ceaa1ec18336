//! A cardiotocogram on its paper.

use crate::Result;
use crate::ctg::{Ctg, EventKind, FigoClass, RATE_HZ};
use eir_core::error::Parameter;
use eir_core::svg::{Anchor, Axis, Colour, Svg};
use serde::{Deserialize, Serialize};

/// Speed of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PaperSpeed {
    /// 1 cm/min, as in most of Europe.
    #[default]
    OneCmPerMin,
    /// 3 cm/min, as in North America and Japan.
    ThreeCmPerMin,
}

impl PaperSpeed {
    fn cm_per_min(self) -> f64 {
        match self {
            Self::OneCmPerMin => 1.0,
            Self::ThreeCmPerMin => 3.0,
        }
    }
}

/// Settings of the figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CtgFigureConfig {
    /// Speed of the paper. Default 1 cm/min.
    pub speed: PaperSpeed,
    /// Length of a row of paper in cm, 10 to 120: what is longer goes on below. Default 40.
    pub row_cm: f64,
    /// Title. Default "Cardiotocogram".
    pub title: String,
    /// Whether the class and its reasons stand above the paper. Default true.
    pub reasons: bool,
}

impl Default for CtgFigureConfig {
    fn default() -> Self {
        Self { speed: PaperSpeed::default(), row_cm: 40.0, title: "Cardiotocogram".to_owned(), reasons: true }
    }
}

impl CtgFigureConfig {
    /// Sets [`speed`](Self::speed).
    #[must_use]
    pub fn with_speed(self, speed: PaperSpeed) -> Self {
        Self { speed, ..self }
    }
    /// Sets [`row_cm`](Self::row_cm).
    #[must_use]
    pub fn with_row_cm(self, row_cm: f64) -> Self {
        Self { row_cm, ..self }
    }
    /// Sets [`title`](Self::title).
    #[must_use]
    pub fn with_title(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }
    /// Sets [`reasons`](Self::reasons).
    #[must_use]
    pub fn with_reasons(self, reasons: bool) -> Self {
        Self { reasons, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(10.0..=120.0).contains(&self.row_cm) {
            return Err(Parameter::new("row_cm", self.row_cm, "10 to 120 cm").into());
        }
        Ok(())
    }
}

/// Pixels per centimetre of paper.
const CM: f64 = 24.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 14.0;
const HEAD: f64 = 80.0;
/// 30 to 240 bpm at 20 bpm/cm.
const FHR_HEIGHT: f64 = 10.5 * CM;
/// 0 to 100 at 25 per cm.
const UC_HEIGHT: f64 = 4.0 * CM;
const BETWEEN: f64 = 26.0;
const ROW: f64 = FHR_HEIGHT + BETWEEN + UC_HEIGHT + 34.0;

/// Height of a line of reasons.
const LINE: f64 = 16.0;
/// Gaps from here on are marked, in samples: 2 s.
const MARKED_GAP: usize = 8;

/// The cardiotocogram as SVG text: heart rate above (30–240 bpm), contractions below, baseline dashed, accelerations,
/// decelerations and contractions shaded with their kinds, gaps blank with a bar under them, and above the paper the
/// class after FIGO 2015 with its reasons.
///
/// **Use it** to look at what an analysis found. **Not** to read it instead of the trace: gaps and artefacts that were
/// removed are blank. Where the baseline is not reliable it is red, with the level before as a thin dotted line.
///
/// # Examples
/// ```
/// let fhr: Vec<f64> = (0..7200).map(|i| if (3000..3160).contains(&i) { 115.0 } else { 140.0 }).collect();
/// let found = eir_signal::ctg::analyse(&fhr, None)?;
/// let svg = eir_signal::figure::ctg(&found, &Default::default())?;
/// assert!(svg.starts_with("<svg") && svg.contains("1 cm/min") && svg.contains("variable deceleration"));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Parameter`] as [`CtgFigureConfig::validate`], and for a trace of more than two days.
pub fn ctg(found: &Ctg, config: &CtgFigureConfig) -> Result<String> {
    config.validate()?;
    let minutes = found.duration_s() / 60.0;
    if minutes > 2880.0 {
        return Err(Parameter::new("minutes of the trace", minutes, "at most 2880: draw a part").into());
    }
    let row_min = config.row_cm / config.speed.cm_per_min();
    let rows = ((minutes / row_min - 1e-9).ceil() as usize).max(1);
    let shown_cm =
        if rows == 1 { (minutes * config.speed.cm_per_min()).clamp(10.0, config.row_cm) } else { config.row_cm };
    let width = LEFT + shown_cm * CM + RIGHT;
    let description = format!(
        "{minutes:.0} min, {}, baseline {:.0} bpm ({}), {} accelerations, {} decelerations, {:.1} % lost",
        found.figo.class.name(),
        found.mean_baseline_bpm(),
        found.method.name(),
        found.accelerations().count(),
        found.decelerations().count(),
        100.0 * found.prepared.loss,
    );
    let lines = if config.reasons { lines(found, width) } else { Vec::new() };
    let top = HEAD + LINE * lines.len() as f64;
    let mut svg = Svg::new(width, top + rows as f64 * ROW, &config.title, &description);
    head(&mut svg, found, config, width, minutes);
    for (k, (colour, line)) in lines.iter().enumerate() {
        svg.text(LEFT, HEAD + LINE * k as f64, Anchor::Start, 12.0, *colour, line);
    }
    for row in 0..rows {
        let shown = Shown {
            found,
            from_min: row as f64 * row_min,
            minutes: shown_cm / config.speed.cm_per_min(),
            top: top + row as f64 * ROW,
            width,
        };
        shown.draw(&mut svg);
    }
    Ok(svg.finish())
}

/// The class, then one reason a line; cut where the paper ends.
fn lines(found: &Ctg, width: f64) -> Vec<(Colour, String)> {
    let colour = match found.figo.class {
        FigoClass::Normal => Colour::Good,
        FigoClass::Suspicious => Colour::Warning,
        FigoClass::Pathological => Colour::Bad,
        FigoClass::NotAssessable => Colour::Muted,
    };
    let room = ((width - LEFT - RIGHT) / 6.2).max(20.0) as usize;
    let cut = |text: String| match text.char_indices().nth(room) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    };
    let mut lines = vec![(colour, cut(format!("FIGO 2015: {}", found.figo.class.name())))];
    let shown = 8;
    for reason in found.figo.reasons.iter().take(shown) {
        lines.push((Colour::Ink, cut(format!("· {}", reason.sentence()))));
    }
    if found.figo.reasons.len() > shown {
        lines.push((Colour::Muted, format!("· and {} more", found.figo.reasons.len() - shown)));
    }
    lines
}

fn letter(kind: EventKind) -> (&'static str, &'static str, Colour) {
    match kind {
        EventKind::Acceleration => ("A", "acceleration", Colour::Good),
        EventKind::EarlyDeceleration => ("E", "early deceleration", Colour::Warning),
        EventKind::LateDeceleration => ("L", "late deceleration", Colour::Bad),
        EventKind::VariableDeceleration => ("V", "variable deceleration", Colour::Warning),
        EventKind::ProlongedDeceleration => ("P", "prolonged deceleration", Colour::Bad),
        EventKind::GradualDeceleration => ("G", "gradual deceleration", Colour::Warning),
    }
}

fn head(svg: &mut Svg, found: &Ctg, config: &CtgFigureConfig, width: f64, minutes: f64) {
    svg.text(LEFT, 20.0, Anchor::Start, 15.0, Colour::Ink, &config.title);
    let speed = config.speed.cm_per_min();
    let scale = format!("paper speed {speed} cm/min · 20 bpm/cm · {minutes:.0} min");
    svg.text(width - RIGHT, 20.0, Anchor::End, 12.0, Colour::Muted, &scale);
    let mut x = LEFT;
    let mut entry = |svg: &mut Svg, colour: Colour, mark: &str, name: &str| {
        svg.rect(x, 30.0, 16.0, 14.0, colour, 0.3);
        svg.text(x + 8.0, 41.0, Anchor::Middle, 11.0, Colour::Ink, mark);
        svg.text(x + 20.0, 41.0, Anchor::Start, 11.0, Colour::Muted, name);
        x += 34.0 + 6.0 * name.chars().count() as f64;
    };
    let kinds = [
        EventKind::Acceleration,
        EventKind::EarlyDeceleration,
        EventKind::LateDeceleration,
        EventKind::VariableDeceleration,
        EventKind::ProlongedDeceleration,
        EventKind::GradualDeceleration,
    ];
    for kind in kinds.into_iter().filter(|k| found.events.iter().any(|e| e.kind == *k)) {
        let (mark, name, colour) = letter(kind);
        entry(svg, colour, mark, name);
    }
    if found.contractions.as_ref().is_some_and(|c| !c.is_empty()) {
        entry(svg, Colour::Series(3), "", "contraction");
    }
    // a row of its own: the method's name is long
    svg.dashed(LEFT, 55.0, LEFT + 20.0, 55.0, Colour::Series(1), 1.5);
    let name = format!("baseline: {}", found.method.name());
    svg.text(LEFT + 25.0, 59.0, Anchor::Start, 11.0, Colour::Muted, &name);
    if found.prepared.loss_with_artefacts > 0.0 {
        let x = LEFT + 45.0 + 6.0 * name.chars().count() as f64;
        svg.rect(x, 53.0, 16.0, 4.0, Colour::Bad, 0.8);
        let lost = format!("lost or removed: {:.1} %", 100.0 * found.prepared.loss_with_artefacts);
        svg.text(x + 20.0, 59.0, Anchor::Start, 11.0, Colour::Muted, &lost);
    }
}

/// One row of paper.
struct Shown<'a> {
    found: &'a Ctg,
    from_min: f64,
    minutes: f64,
    top: f64,
    width: f64,
}

impl Shown<'_> {
    fn draw(&self, svg: &mut Svg) {
        let x = Axis::new(self.from_min, self.from_min + self.minutes, LEFT, self.width - RIGHT);
        let fhr = Axis::new(30.0, 240.0, self.top + FHR_HEIGHT, self.top);
        let uc_top = self.top + FHR_HEIGHT + BETWEEN;
        let uc = Axis::new(0.0, 100.0, uc_top + UC_HEIGHT, uc_top);
        svg.rect(LEFT, fhr.at(160.0), self.width - RIGHT - LEFT, fhr.at(110.0) - fhr.at(160.0), Colour::Good, 0.06);
        self.grid(svg, &x, &fhr, &uc);
        self.events(svg, &x, &fhr, &uc);
        self.gaps(svg, &x, &fhr);
        let (first, last) = self.samples();
        let time = |i: usize| x.at(i as f64 / RATE_HZ / 60.0);
        let kept = self.found.prepared.kept_bpm();
        let baseline = &self.found.baseline_bpm;
        let dashes = (first..last).step_by(48); // 6 s on, 6 s off
        for i in dashes {
            let end = (i + 24).min(baseline.len().saturating_sub(1));
            if let (Some(a), Some(b)) = (baseline.get(i), baseline.get(end)) {
                let doubt = self.found.baseline_doubts.iter().find(|d| (d.interval.start..d.interval.end).contains(&i));
                let colour = if doubt.is_some() { Colour::Bad } else { Colour::Series(1) };
                svg.line(time(i), fhr.at(*a), time(end), fhr.at(*b), colour, 1.5);
                if let Some(before) = doubt.map(|d| fhr.at(d.before_bpm)) {
                    svg.line(time(i), before, time((i + end) / 2), before, Colour::Muted, 1.0);
                }
            }
        }
        for doubt in &self.found.baseline_doubts {
            let (a, b) = (doubt.interval.start.max(first), doubt.interval.end.min(last));
            if a < b {
                let middle = (time(a) + time(b)) / 2.0;
                svg.text(middle, fhr.at(30.0) - 10.0, Anchor::Middle, 11.0, Colour::Bad, "baseline not reliable");
            }
        }
        // two samples a second: half a pixel at 1 cm/min
        let points = |y: &'static str| (first..last).step_by(2).map(move |i| (i, y));
        svg.curve(
            points("fhr").map(|(i, _)| (time(i), kept.get(i).map_or(f64::NAN, |v| fhr.at(*v)))),
            Colour::Ink,
            1.0,
        );
        if let Some(signal) = &self.found.uc {
            let level = |i: usize| signal.get(i).map_or(f64::NAN, |v| uc.at(v.clamp(0.0, 100.0)));
            svg.curve(points("uc").map(|(i, _)| (time(i), level(i))), Colour::Ink, 1.0);
        } else {
            let middle = (LEFT + self.width - RIGHT) / 2.0;
            svg.text(middle, uc.at(45.0), Anchor::Middle, 12.0, Colour::Muted, "no contractions recorded");
        }
    }

    /// A bar at the lower edge under each gap.
    fn gaps(&self, svg: &mut Svg, x: &Axis, fhr: &Axis) {
        let (first, last) = self.samples();
        for (start, end) in self.found.prepared.gaps() {
            let (a, b) = (start.max(first), end.min(last));
            if a < b && end - start >= MARKED_GAP {
                let time = |i: usize| x.at(i as f64 / RATE_HZ / 60.0);
                svg.rect(time(a), fhr.at(34.0), time(b) - time(a), fhr.at(30.0) - fhr.at(34.0), Colour::Bad, 0.8);
            }
        }
    }

    fn samples(&self) -> (usize, usize) {
        let at = |minutes: f64| ((minutes * 60.0 * RATE_HZ).round() as usize).min(self.found.baseline_bpm.len());
        (at(self.from_min), at(self.from_min + self.minutes))
    }

    fn grid(&self, svg: &mut Svg, x: &Axis, fhr: &Axis, uc: &Axis) {
        let (left, right) = (LEFT, self.width - RIGHT);
        for step in 0..=21 {
            let bpm = 30.0 + 10.0 * f64::from(step);
            let major = step % 3 == 0;
            svg.line(left, fhr.at(bpm), right, fhr.at(bpm), Colour::Grid, if major { 1.3 } else { 0.5 });
            if major {
                svg.text(left - 6.0, fhr.at(bpm) + 4.0, Anchor::End, 11.0, Colour::Muted, &format!("{bpm}"));
            }
        }
        for step in 0..=4 {
            let level = 25.0 * f64::from(step);
            svg.line(left, uc.at(level), right, uc.at(level), Colour::Grid, if step % 2 == 0 { 1.3 } else { 0.5 });
            if step % 2 == 0 {
                svg.text(left - 6.0, uc.at(level) + 4.0, Anchor::End, 11.0, Colour::Muted, &format!("{level}"));
            }
        }
        // half a minute, a minute, ten minutes
        let halves = (self.minutes * 2.0).round() as usize;
        let start = (self.from_min * 2.0).ceil() as usize;
        for half in start..=start + halves {
            let minute = half as f64 / 2.0;
            if minute > self.from_min + self.minutes + 1e-9 {
                break;
            }
            let width = if half % 20 == 0 {
                1.8
            } else if half % 2 == 0 {
                1.0
            } else {
                0.4
            };
            for axis in [(fhr.at(240.0), fhr.at(30.0)), (uc.at(100.0), uc.at(0.0))] {
                svg.line(x.at(minute), axis.0, x.at(minute), axis.1, Colour::Grid, width);
            }
            let labelled = if self.minutes > 20.0 { half % 20 == 0 } else { half % 4 == 0 };
            if labelled {
                let label = format!("{}:{:02}", half / 120, half / 2 % 60);
                svg.text(x.at(minute), uc.at(0.0) + 15.0, Anchor::Middle, 11.0, Colour::Muted, &label);
            }
        }
        svg.text_upwards(
            15.0,
            (fhr.at(30.0) + fhr.at(240.0)) / 2.0,
            Anchor::Middle,
            12.0,
            Colour::Ink,
            "heart rate (bpm)",
        );
        svg.text_upwards(15.0, (uc.at(0.0) + uc.at(100.0)) / 2.0, Anchor::Middle, 12.0, Colour::Ink, "contractions");
        svg.text(right, uc.at(0.0) + 28.0, Anchor::End, 10.0, Colour::Muted, "time from start (h:mm)");
    }

    fn events(&self, svg: &mut Svg, x: &Axis, fhr: &Axis, uc: &Axis) {
        let limits = (self.from_min, self.from_min + self.minutes);
        let place = |start_s: f64, end_s: f64| {
            let (a, b) = ((start_s / 60.0).max(limits.0), (end_s / 60.0).min(limits.1));
            (a < b).then(|| (x.at(a), x.at(b)))
        };
        for event in &self.found.events {
            let Some((a, b)) = place(event.interval.start_s(), event.interval.end_s()) else { continue };
            let (mark, _, colour) = letter(event.kind);
            svg.rect(a, fhr.at(240.0), b - a, fhr.at(30.0) - fhr.at(240.0), colour, 0.16);
            let mark = if event.severe { "P!" } else { mark };
            svg.text((a + b) / 2.0, fhr.at(240.0) + 13.0, Anchor::Middle, 12.0, colour, mark);
        }
        for contraction in self.found.contractions.iter().flatten() {
            let Some((a, b)) = place(contraction.interval.start_s(), contraction.interval.end_s()) else { continue };
            svg.rect(a, uc.at(100.0), b - a, uc.at(0.0) - uc.at(100.0), Colour::Series(3), 0.14);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_trace_goes_on_below_and_fast_paper_needs_more_rows() {
        let mut fhr = vec![140.0; 4 * 60 * 90];
        fhr[4000..4400].fill(0.0);
        let found = crate::ctg::analyse(&fhr, Some(&vec![10.0; fhr.len()])).unwrap();
        let height = |speed| {
            let svg = ctg(&found, &CtgFigureConfig::default().with_speed(speed).with_reasons(false)).unwrap();
            assert!(!svg.contains("NaN"));
            svg.split("height=\"").nth(1).and_then(|s| s.split('"').next()?.parse::<f64>().ok()).unwrap()
        };
        assert_eq!(height(PaperSpeed::OneCmPerMin), HEAD + 3.0 * ROW);
        assert_eq!(height(PaperSpeed::ThreeCmPerMin), HEAD + 7.0 * ROW);
        assert!(ctg(&found, &CtgFigureConfig::default().with_row_cm(1.0)).is_err());
        let with = ctg(&found, &CtgFigureConfig::default()).unwrap();
        assert!(with.contains("FIGO 2015: ") && with.contains("lost or removed"));
    }
}
