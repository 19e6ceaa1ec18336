//! Proxies over time as a figure.

use super::action_units::{ACTION_UNIT_PROXIES, index};
use super::contours::FACE_CONTOURS;
use super::series::ExpressionSeries;
use crate::Result;
use crate::crop::SquareRoi;
use eir_core::error::{Mismatch, NotFinite, Parameter, Unsupported};
use eir_core::svg::{Anchor, Axis, Colour, Svg};

/// Height of one proxy's strip.
const STRIP: f64 = 74.0;

/// A figure of proxies over time, a strip for each: movements shaded, peaks marked, withheld stretches grey.
///
/// The SVG follows the reader's light or dark theme.
///
/// # Errors
/// [`Error::Unsupported`](crate::Error::Unsupported) for a name that is no proxy, [`Error::Parameter`](crate::Error::Parameter)
/// unless there are 1 to 15 names.
pub fn expression_chart(title: &str, series: &ExpressionSeries, names: &[&str]) -> Result<String> {
    if !(1..=ACTION_UNIT_PROXIES.len()).contains(&names.len()) {
        return Err(Parameter::new("number of proxies", names.len() as f64, "1 to 15").into());
    }
    let (first, last) = match series.times_s() {
        [one] => (*one, one + 1.0),
        [first, .., last] => (*first, *last),
        [] => (0.0, 1.0),
    };
    let (width, height) = (900.0, 62.0 + STRIP * names.len() as f64 + 40.0);
    let (left, right) = (150.0, width - 16.0);
    let usable = 100.0 * series.usable_share();
    let description = format!("{} over {:.0} s, {usable:.0} % of the frames used", names.join(", "), last - first);
    let mut figure = Svg::new(width, height, title, &description);
    figure.text(16.0, 24.0, Anchor::Start, 15.0, Colour::Ink, title);
    let x = Axis::new(first, last, left, right);
    let mut legend = |at: f64, colour: Colour, opacity: f64, text: &str| {
        figure.rect(at, 36.0, 16.0, 12.0, colour, opacity);
        figure.text(at + 22.0, 46.0, Anchor::Start, 12.0, Colour::Ink, text);
    };
    legend(left, Colour::Good, 0.25, "movement");
    legend(left + 110.0, Colour::Muted, 0.25, "withheld");
    let bottom = 62.0 + STRIP * names.len() as f64;
    for run in withheld(series) {
        figure.rect(x.at(run[0]), 58.0, (x.at(run[1]) - x.at(run[0])).max(1.0), bottom - 58.0, Colour::Muted, 0.25);
    }
    for (row, name) in names.iter().enumerate() {
        let k = index(name).ok_or_else(|| Unsupported::new("a proxy of this name", "see ACTION_UNIT_PROXIES"))?;
        let (top, base) = (62.0 + STRIP * row as f64 + 8.0, 62.0 + STRIP * (row + 1) as f64 - 6.0);
        let values: Vec<f64> = series.proxy(name)?;
        let finite = || values.iter().filter(|v| v.is_finite());
        let high = finite().fold(series.threshold(k), |m, v| m.max(*v)).max(0.1);
        let low = finite().fold(0.0f64, |m, v| m.min(*v));
        let y = Axis::new(low, high, base, top);
        figure.text(16.0, f64::midpoint(top, base), Anchor::Start, 13.0, Colour::Ink, name);
        let movement = ACTION_UNIT_PROXIES[k].movement;
        figure.text(16.0, f64::midpoint(top, base) + 16.0, Anchor::Start, 11.0, Colour::Muted, movement);
        for (value, text) in [(0.0, "0".to_owned()), (high, format!("{high:.1}"))] {
            figure.line(left, y.at(value), right, y.at(value), Colour::Grid, 1.0);
            figure.text(left - 6.0, y.at(value) + 4.0, Anchor::End, 11.0, Colour::Muted, &text);
        }
        figure.dashed(left, y.at(series.threshold(k)), right, y.at(series.threshold(k)), Colour::Muted, 1.0);
        let events = series.events_of(k);
        for e in &events {
            figure.rect(
                x.at(e.start_s),
                top,
                (x.at(e.end_s) - x.at(e.start_s)).max(1.0),
                base - top,
                Colour::Good,
                0.2,
            );
        }
        // at most a point for each half pixel: a long film must not become a long file
        let step = (values.len() / 1600).max(1);
        let points = series.times_s().iter().zip(&values).step_by(step).map(|(t, v)| (x.at(*t), y.at(*v)));
        figure.curve(points, Colour::Series((row % 6) as u8), 1.6);
        events.iter().for_each(|e| figure.dot(x.at(e.peak_s), y.at(e.rise), 3.0, Colour::Series((row % 6) as u8)));
    }
    for tick in x.ticks(8) {
        figure.line(x.at(tick), bottom, x.at(tick), bottom + 4.0, Colour::Muted, 1.0);
        figure.text(x.at(tick), bottom + 17.0, Anchor::Middle, 12.0, Colour::Muted, &format!("{tick}"));
    }
    let middle = f64::midpoint(left, right);
    figure.text(
        middle,
        height - 6.0,
        Anchor::Middle,
        12.0,
        Colour::Ink,
        "Time (s); proxies of action units above the neutral face",
    );
    Ok(figure.finish())
}

/// A figure of a face drawn from its points alone, and over it a map of what a network's answer rests on: darker is more.
///
/// `mesh_px` are the 478 (or 468) points in pixels of the picture, `map` is `size` × `size` values over the square `roi` of
/// the picture (NaN: not known). Values below 0 are left out; the largest is darkest.
///
/// **Use it** to show an explanation where the photograph itself must not be shown.
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) for another number of points or values,
/// [`Error::NotFinite`](crate::Error::NotFinite), [`Error::Parameter`](crate::Error::Parameter) for a face without extent.
pub fn face_map_figure(title: &str, mesh_px: &[[f64; 3]], map: &[f64], size: usize, roi: &SquareRoi) -> Result<String> {
    if mesh_px.len() != 478 && mesh_px.len() != 468 {
        return Err(Mismatch::new("points of the mesh", "478 or 468", mesh_px.len()).into());
    }
    NotFinite::check_f64("point", mesh_px.as_flattened())?;
    Mismatch::check("values of the map", size.saturating_mul(size), map.len())?;
    let axis = |k: usize| {
        let values = mesh_px.iter().map(|p| p[k]);
        values.fold([f64::INFINITY, f64::NEG_INFINITY], |[l, h], v| [l.min(v), h.max(v)])
    };
    let ([left, right], [top, bottom]) = (axis(0), axis(1));
    let extent = (right - left).max(bottom - top);
    if !(extent > 0.0 && extent < 1e9 && roi.side > 0.0) {
        return Err(Parameter::new("extent of the face", extent, "above 0 pixels").into());
    }
    let (width, height, room) = (460.0, 500.0, 400.0);
    let scale = room / extent;
    let middle = [f64::midpoint(left, right), f64::midpoint(top, bottom)];
    let place = |x: f64, y: f64| (width / 2.0 + (x - middle[0]) * scale, 264.0 + (y - middle[1]) * scale);
    let largest = map.iter().filter(|v| v.is_finite()).fold(0.0f64, |m, v| m.max(*v));
    let description = "Outlines of a face from its points; squares are the darker the more the answer rests on them";
    let mut figure = Svg::new(width, height, title, description);
    figure.text(12.0, 24.0, Anchor::Start, 14.0, Colour::Ink, title);
    let cell = roi.side / size.max(1) as f64;
    // squares of at least 8 pixels: a finer map would be a longer file, not a clearer figure
    let step = (8.0 / (cell * scale)).ceil().max(1.0) as usize;
    let (sin, cos) = roi.rotation_rad.sin_cos();
    for row in (0..size).step_by(step) {
        for column in (0..size).step_by(step) {
            let block =
                (row..(row + step).min(size)).flat_map(|y| (column..(column + step).min(size)).map(move |x| (x, y)));
            let (sum, n) = block
                .filter_map(|(x, y)| map.get(y * size + x).filter(|v| v.is_finite()))
                .fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0));
            let share = if largest > 0.0 && n > 0.0 { sum / n / largest } else { 0.0 };
            if share <= 0.02 {
                continue;
            }
            let half = step as f64 / 2.0;
            let from = [column as f64 + half, row as f64 + half].map(|v| (v - size as f64 / 2.0) * cell);
            let at = [roi.centre[0] + cos * from[0] - sin * from[1], roi.centre[1] + sin * from[0] + cos * from[1]];
            let side = cell * scale * step as f64;
            let (x, y) = place(at[0], at[1]);
            if (0.0..=width).contains(&x) && (36.0..=height).contains(&y) {
                figure.rect(x - side / 2.0, y - side / 2.0, side, side, Colour::Warning, 0.75 * share.min(1.0));
            }
        }
    }
    for (name, outline) in FACE_CONTOURS {
        let points = outline.iter().filter_map(|i| mesh_px.get(*i)).map(|p| place(p[0], p[1]));
        let colour = if name.contains("lips") || name.contains("eye") || name.contains("brow") {
            Colour::Series(0)
        } else {
            Colour::Muted
        };
        figure.curve(points, colour, 1.6);
    }
    Ok(figure.finish())
}

/// First and last time of each withheld stretch.
fn withheld(series: &ExpressionSeries) -> Vec<[f64; 2]> {
    let mut runs: Vec<[f64; 2]> = Vec::new();
    let mut before = false;
    for (t, why) in series.times_s().iter().zip(series.withheld()) {
        match (why.is_some(), before, runs.last_mut()) {
            (true, true, Some(run)) => run[1] = *t,
            (true, ..) => runs.push([*t, *t]),
            _ => {}
        }
        before = why.is_some();
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::super::ExpressionConfig;
    use super::super::series::tests::film;
    use super::*;

    #[test]
    fn maps_are_checked_and_drawn() {
        let mesh: Vec<[f64; 3]> = (0..478).map(|i| [f64::from(i % 20) * 10.0, f64::from(i / 20) * 10.0, 0.0]).collect();
        let roi = SquareRoi::new([100.0, 100.0], 220.0, 0.1).unwrap();
        let mut map = vec![0.0; 64 * 64];
        (map[2080], map[0]) = (1.0, f64::NAN);
        let svg = face_map_figure("t", &mesh, &map, 64, &roi).unwrap();
        assert!(svg.contains("f-warning") && !svg.contains("NaN"));
        assert!(face_map_figure("t", &mesh[1..], &map, 64, &roi).is_err());
        assert!(face_map_figure("t", &mesh, &map, 63, &roi).is_err());
        assert!(face_map_figure("t", &[[1.0; 3]; 478], &map, 64, &roi).is_err());
        assert!(face_map_figure("t", &mesh, &[], 0, &roi).is_ok());
    }

    #[test]
    fn strips_have_no_holes_in_their_numbers() {
        let mut frames = film(9.0, "AU12", |t| if t > 5.0 { 0.3 } else { 0.0 });
        frames[120].face = None;
        let series = ExpressionConfig::default().analyse(&frames).unwrap();
        let svg = expression_chart("a<b", &series, &["AU12", "AU4"]).unwrap();
        assert!(svg.contains("a&lt;b") && !svg.contains("NaN") && svg.contains("AU4"));
        assert!(expression_chart("t", &series, &[]).is_err() && expression_chart("t", &series, &["AU9"]).is_err());
        assert_eq!(withheld(&series).len(), 1);
    }
}
