//! The three kinds of figures: what studies report, what their intervals hold, and curves.

use eir_core::Estimate;
use eir_core::svg::{Anchor, Axis, Colour, Svg};

const WIDTH: f64 = 600.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = WIDTH - 16.0;
const WRONG: Colour = Colour::Series(1);
const RIGHT_WAY: Colour = Colour::Series(0);

/// Colours of wrong and right.
const WAYS: [Colour; 2] = [WRONG, RIGHT_WAY];

fn titled(height: f64, title: &str, description: &str) -> Svg {
    let mut svg = Svg::new(WIDTH, height, title, description);
    svg.text(LEFT, 20.0, Anchor::Start, 14.0, Colour::Ink, title);
    svg
}

/// Ticks and name of the lower axis, with grid lines up to `top`.
fn lower_axis(svg: &mut Svg, x: Axis, (from, to): (f64, f64), (top, bottom): (f64, f64), name: &str) {
    for tick in x.ticks(5) {
        svg.line(x.at(tick), top, x.at(tick), bottom, Colour::Grid, 1.0);
        svg.text(x.at(tick), bottom + 16.0, Anchor::Middle, 11.0, Colour::Muted, &format!("{tick}"));
    }
    svg.text(x.at(0.5 * (from + to)), bottom + 36.0, Anchor::Middle, 12.0, Colour::Ink, name);
}

/// The numbers of many studies, made the wrong and the right way, one histogram below the other.
pub(super) fn histograms(
    title: &str,
    description: &str,
    (name, from, to): (&str, f64, f64),
    (truth, truth_name): (f64, &str),
    ways: &[(&str, &[f64]); 2],
) -> String {
    const BINS: usize = 40;
    const PANEL: f64 = 84.0;
    let (top, bottom) = (46.0, 46.0 + 2.0 * PANEL);
    let mut svg = titled(bottom + 48.0, title, description);
    let x = Axis::new(from, to, LEFT, RIGHT);
    lower_axis(&mut svg, x, (from, to), (top, bottom), name);
    let count = |values: &[f64]| {
        let mut bins = [0usize; BINS];
        for value in values {
            bins[(((value - from) / (to - from) * BINS as f64).max(0.0) as usize).min(BINS - 1)] += 1;
        }
        bins
    };
    let counts = ways.map(|(_, values)| count(values));
    let most = counts.iter().flatten().max().map_or(1.0, |most| *most as f64);
    let width = (RIGHT - LEFT) / BINS as f64;
    for (panel, ((bins, (label, values)), colour)) in counts.iter().zip(ways).zip(WAYS).enumerate() {
        let foot = top + PANEL * (panel as f64 + 1.0);
        for (bin, count) in bins.iter().enumerate().filter(|(_, count)| **count > 0) {
            let height = (PANEL - 10.0) * *count as f64 / most;
            svg.rect(LEFT + width * bin as f64 + 0.5, foot - height, width - 1.0, height, colour, 0.85);
        }
        svg.line(LEFT, foot, RIGHT, foot, Colour::Muted, 1.0);
        svg.text(LEFT + 4.0, foot - PANEL + 24.0, Anchor::Start, 12.0, colour, label);
        let mean = format!("mean {:.2}", super::mean(values));
        svg.text(LEFT + 4.0, foot - PANEL + 40.0, Anchor::Start, 12.0, colour, &mean);
    }
    svg.text_upwards(20.0, 0.5 * (top + bottom), Anchor::Middle, 12.0, Colour::Ink, "studies");
    svg.dashed(x.at(truth), top - 4.0, x.at(truth), bottom, Colour::Ink, 1.5);
    svg.text(x.at(truth), top - 8.0, Anchor::Middle, 12.0, Colour::Ink, truth_name);
    svg.finish()
}

/// Intervals of studies side by side; those that miss the truth are thick and of another colour.
pub(super) fn intervals(
    title: &str,
    description: &str,
    name: &str,
    (truth, from, to): (f64, f64, f64),
    ways: &[(&str, &[Estimate]); 2],
) -> String {
    const PANEL: f64 = 120.0;
    let mut svg = titled(36.0 + 2.0 * (PANEL + 24.0) + 24.0, title, description);
    for (panel, (label, estimates)) in ways.iter().enumerate() {
        let top = 52.0 + (PANEL + 24.0) * panel as f64;
        let y = Axis::new(from, to, top + PANEL, top);
        for tick in y.ticks(4) {
            svg.line(LEFT, y.at(tick), RIGHT, y.at(tick), Colour::Grid, 1.0);
            svg.text(LEFT - 6.0, y.at(tick) + 4.0, Anchor::End, 11.0, Colour::Muted, &format!("{tick}"));
        }
        svg.text_upwards(20.0, top + 0.5 * PANEL, Anchor::Middle, 12.0, Colour::Ink, name);
        svg.dashed(LEFT, y.at(truth), RIGHT, y.at(truth), Colour::Ink, 1.5);
        let step = (RIGHT - LEFT) / estimates.len() as f64;
        for (number, estimate) in estimates.iter().enumerate() {
            let x = LEFT + step * (number as f64 + 0.5);
            let (colour, width) = if estimate.covers(truth) { (RIGHT_WAY, 2.0) } else { (WRONG, 4.0) };
            let inside = |value: f64| y.at(value.clamp(from, to));
            svg.line(x, inside(estimate.lower), x, inside(estimate.upper), colour, width);
        }
        let misses = estimates.iter().filter(|e| !e.covers(truth)).count();
        let text = format!("{label}: {misses} of {} miss the truth", estimates.len());
        svg.text(LEFT, top - 8.0, Anchor::Start, 12.0, Colour::Ink, &text);
    }
    svg.text(
        0.5 * (LEFT + RIGHT),
        svg.height() - 10.0,
        Anchor::Middle,
        12.0,
        Colour::Ink,
        "studies; dashed: the truth",
    );
    svg.finish()
}

/// Curves over the same places: wrong, right, and a third; a dashed line at a level with a name.
pub(super) fn curves(
    title: &str,
    description: &str,
    (x_name, x_from, x_to): (&str, f64, f64),
    (y_name, y_from, y_to): (&str, f64, f64),
    (level, level_name): (f64, &str),
    places: &[f64],
    curves: &[(&str, &[f64]); 3],
) -> String {
    let (top, bottom) = (34.0, 250.0);
    let mut svg = titled(bottom + 48.0, title, description);
    let (x, y) = (Axis::new(x_from, x_to, LEFT, RIGHT), Axis::new(y_from, y_to, bottom, top));
    lower_axis(&mut svg, x, (x_from, x_to), (top, bottom), x_name);
    for tick in y.ticks(5) {
        svg.line(LEFT, y.at(tick), RIGHT, y.at(tick), Colour::Grid, 1.0);
        svg.text(LEFT - 6.0, y.at(tick) + 4.0, Anchor::End, 11.0, Colour::Muted, &format!("{tick}"));
    }
    svg.text_upwards(16.0, 0.5 * (top + bottom), Anchor::Middle, 12.0, Colour::Ink, y_name);
    svg.dashed(LEFT, y.at(level), RIGHT, y.at(level), Colour::Ink, 1.5);
    svg.text(RIGHT - 6.0, y.at(level) + 16.0, Anchor::End, 12.0, Colour::Ink, level_name);
    for (number, ((label, values), colour)) in curves.iter().zip([WRONG, RIGHT_WAY, Colour::Series(2)]).enumerate() {
        let inside = |value: f64| if value < y_from { f64::NAN } else { y.at(value) };
        svg.curve(places.iter().zip(*values).map(|(at, value)| (x.at(*at), inside(*value))), colour, 2.0);
        if places.len() <= 12 {
            places.iter().zip(*values).for_each(|(at, value)| svg.dot(x.at(*at), inside(*value), 3.0, colour));
        }
        svg.text(RIGHT - 6.0, top + 18.0 + 16.0 * number as f64, Anchor::End, 12.0, colour, label);
    }
    svg.finish()
}
