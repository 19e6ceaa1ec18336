//! The angle over time as a figure.

use crate::Result;
use crate::kinematics::Exercise;
use eir_core::error::{Parameter, TooShort};
use eir_core::svg::{Anchor, Axis, Colour, Svg};

/// Colours of the curves, in their order.
const CURVES: [Colour; 3] = [Colour::Series(0), Colour::Series(1), Colour::Series(2)];

/// One curve of [`angle_chart`].
#[derive(Debug, Clone, Copy)]
pub struct AngleCurve<'a> {
    /// What stands in the legend: "right knee".
    pub name: &'a str,
    /// The analysed exercise.
    pub exercise: &'a Exercise,
}

/// A figure of up to three angles over time: repetitions of the first one shaded and numbered, peaks marked, rest dashed,
/// 90 % intervals as bands where the errors are known.
///
/// The SVG follows the reader's light or dark theme.
///
/// # Examples
/// ```
/// use eir_vision::chart::{AngleCurve, angle_chart};
/// use eir_vision::kinematics::analyse;
/// let angle: Vec<f64> = (0..300).map(|i| 45.0 - 45.0 * (f64::from(i) / 30.0 * 2.0).cos()).collect();
/// let exercise = analyse(&angle, 30.0)?;
/// let svg = angle_chart("Knee flexion", &[AngleCurve { name: "right knee", exercise: &exercise }])?;
/// assert!(svg.starts_with("<svg") && svg.contains("right knee"));
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::TooShort`](crate::Error::TooShort) without a curve or without pictures,
/// [`Error::Parameter`](crate::Error::Parameter) for more than three curves.
pub fn angle_chart(title: &str, curves: &[AngleCurve<'_>]) -> Result<String> {
    let Some(first) = curves.first() else {
        return Err(TooShort::new("curves", 0, 1).into());
    };
    if curves.len() > CURVES.len() {
        return Err(Parameter::new("number of curves", curves.len() as f64, "1 to 3").into());
    }
    let seconds = |c: &AngleCurve<'_>| c.exercise.rate.seconds(c.exercise.flexion_deg.len());
    let duration = curves.iter().map(seconds).fold(0.0, f64::max);
    let ends = |c: &AngleCurve<'_>| {
        let bounds = interval(c.exercise);
        bounds.fold((f64::MAX, f64::MIN), |(l, h), (_, a, b)| (l.min(a), h.max(b)))
    };
    let (low, high) = curves.iter().map(ends).fold((f64::MAX, f64::MIN), |(l, h), (a, b)| (l.min(a), h.max(b)));
    if low > high {
        return Err(TooShort::new("pictures with an angle", 0, 1).into());
    }
    let count = first.exercise.repetitions.len();
    let rom = first.exercise.rom_deg.map_or_else(String::new, |r| format!(", range of motion {r:.0} degrees"));
    let description = format!("{}: {count} repetitions in {duration:.0} s{rom}", first.name);

    let (width, height) = (900.0, 340.0);
    let (left, right, top, bottom) = (64.0, width - 16.0, 60.0, height - 46.0);
    let mut figure = Svg::new(width, height, title, &description);
    let x = Axis::new(0.0, duration.max(1e-3), left, right);
    let y = Axis::new((low.min(0.0) / 10.0).floor() * 10.0, (high / 10.0 + 1.8).ceil() * 10.0, bottom, top);
    figure.text(left, 22.0, Anchor::Start, 15.0, Colour::Ink, title);

    let time = |frame: usize| x.at(first.exercise.rate.seconds(frame));
    for (i, r) in first.exercise.repetitions.iter().enumerate() {
        figure.rect(time(r.start), top, time(r.end) - time(r.start), bottom - top, Colour::Good, 0.10);
        let middle = (time(r.start) + time(r.end)) / 2.0;
        figure.text(middle, top + 14.0, Anchor::Middle, 12.0, Colour::Muted, &format!("{}", i + 1));
    }
    for tick in y.ticks(6) {
        figure.line(left, y.at(tick), right, y.at(tick), Colour::Grid, 1.0);
        figure.text(left - 8.0, y.at(tick) + 4.0, Anchor::End, 12.0, Colour::Muted, &format!("{tick}"));
    }
    for tick in x.ticks(8) {
        figure.line(x.at(tick), bottom, x.at(tick), bottom + 4.0, Colour::Muted, 1.0);
        figure.text(x.at(tick), bottom + 18.0, Anchor::Middle, 12.0, Colour::Muted, &format!("{tick}"));
    }
    figure.text((left + right) / 2.0, height - 8.0, Anchor::Middle, 12.0, Colour::Ink, "Time (s)");
    figure.text_upwards(18.0, (top + bottom) / 2.0, Anchor::Middle, 12.0, Colour::Ink, "Knee flexion (degrees)");

    let rest = first.exercise.rest_deg;
    if rest.is_finite() {
        figure.dashed(left, y.at(rest), right, y.at(rest), Colour::Muted, 1.0);
    }
    for (curve, colour) in curves.iter().zip(CURVES) {
        if curve.exercise.sigma_deg.is_empty() {
            continue;
        }
        let rate = curve.exercise.rate;
        let bounds: Vec<(usize, f64, f64)> = interval(curve.exercise).collect();
        for piece in bounds.chunk_by(|a, b| a.0 + 1 == b.0) {
            let above = piece.iter().map(|(i, _, b)| (x.at(rate.seconds(*i)), y.at(*b)));
            let below = piece.iter().rev().map(|(i, a, _)| (x.at(rate.seconds(*i)), y.at(*a)));
            figure.area(above.chain(below), colour, 0.22);
        }
    }
    let mut legend = left;
    for (curve, colour) in curves.iter().zip(CURVES) {
        let rate = curve.exercise.rate;
        let points = curve.exercise.flexion_deg.iter().enumerate().map(|(i, v)| (x.at(rate.seconds(i)), y.at(*v)));
        figure.curve(points, colour, 1.8);
        figure.line(legend, 42.0, legend + 22.0, 42.0, colour, 2.5);
        figure.text(legend + 28.0, 46.0, Anchor::Start, 12.0, Colour::Ink, curve.name);
        legend += 52.0 + 7.0 * curve.name.chars().count() as f64;
    }
    for r in &first.exercise.repetitions {
        figure.dot(time(r.peak), y.at(r.peak_deg), 4.0, CURVES[0]);
        let text = format!("{:.0}°", r.peak_deg);
        figure.text(time(r.peak), y.at(r.peak_deg) - 8.0, Anchor::Middle, 11.0, Colour::Ink, &text);
    }
    figure.rect(legend, 36.0, 16.0, 12.0, Colour::Good, 0.25);
    figure.text(legend + 22.0, 46.0, Anchor::Start, 12.0, Colour::Ink, "repetition");
    if curves.iter().any(|c| !c.exercise.sigma_deg.is_empty()) {
        figure.rect(legend + 220.0, 36.0, 16.0, 12.0, CURVES[0], 0.22);
        figure.text(legend + 242.0, 46.0, Anchor::Start, 12.0, Colour::Ink, "90 % interval");
    }
    if rest.is_finite() {
        figure.dashed(legend + 110.0, 42.0, legend + 132.0, 42.0, Colour::Muted, 1.0);
        figure.text(legend + 138.0, 46.0, Anchor::Start, 12.0, Colour::Ink, &format!("rest {rest:.1}°"));
    }
    Ok(figure.finish())
}

/// Pictures with an angle and the ends of its 90 % interval (the angle itself where its error is not known).
fn interval(exercise: &Exercise) -> impl Iterator<Item = (usize, f64, f64)> + '_ {
    exercise.flexion_deg.iter().enumerate().filter(|(_, v)| v.is_finite()).map(|(i, v)| {
        let half = 1.644_854 * exercise.sigma_deg.get(i).copied().filter(|s| s.is_finite()).unwrap_or(0.0);
        (i, v - half, v + half)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinematics::analyse;

    #[test]
    fn numbers_of_curves_are_checked_and_names_are_escaped() {
        assert!(angle_chart("t", &[]).is_err());
        let exercise = analyse(&[5.0; 40], 30.0).unwrap();
        let curve = AngleCurve { name: "a<b", exercise: &exercise };
        assert!(angle_chart("t", &[curve; 4]).is_err());
        let svg = angle_chart("t", &[curve; 2]).unwrap();
        assert!(svg.contains("a&lt;b") && !svg.contains("NaN"));
    }
}
