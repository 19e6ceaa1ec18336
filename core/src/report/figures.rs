use super::BinaryReport;
use crate::svg::{Anchor, Axis, Colour, Svg};

const SIZE: f64 = 380.0;

/// A square figure with both axes from 0 to 1 (or as given), ticks and titles.
struct Square {
    svg: Svg,
    x: Axis,
    y: Axis,
}

impl Square {
    fn new(
        title: &str,
        description: &str,
        (x_title, y_title): (&str, &str),
        x_to: f64,
        (y_from, y_to): (f64, f64),
    ) -> Self {
        let mut svg = Svg::new(SIZE, SIZE, title, description);
        let (x, y) = (Axis::new(0.0, x_to, 56.0, SIZE - 14.0), Axis::new(y_from, y_to, SIZE - 48.0, 34.0));
        svg.text(56.0, 20.0, Anchor::Start, 14.0, Colour::Ink, title);
        for tick in x.ticks(5) {
            svg.line(x.at(tick), y.at(y_from), x.at(tick), y.at(y_to), Colour::Grid, 1.0);
            svg.text(x.at(tick), y.at(y_from) + 16.0, Anchor::Middle, 11.0, Colour::Muted, &format!("{tick}"));
        }
        for tick in y.ticks(5) {
            svg.line(x.at(0.0), y.at(tick), x.at(x_to), y.at(tick), Colour::Grid, 1.0);
            svg.text(x.at(0.0) - 6.0, y.at(tick) + 4.0, Anchor::End, 11.0, Colour::Muted, &format!("{tick}"));
        }
        svg.text(x.at(0.5 * x_to), SIZE - 12.0, Anchor::Middle, 12.0, Colour::Ink, x_title);
        svg.text_upwards(16.0, y.at(0.5 * (y_from + y_to)), Anchor::Middle, 12.0, Colour::Ink, y_title);
        Self { svg, x, y }
    }

    fn curve(&mut self, points: impl IntoIterator<Item = (f64, f64)>, colour: Colour) {
        let points: Vec<_> = points.into_iter().map(|(a, b)| (self.x.at(a), self.y.at(b))).collect();
        self.svg.curve(points, colour, 2.0);
    }

    fn diagonal(&mut self) {
        let (x, y) = (self.x, self.y);
        self.svg.dashed(x.at(0.0), y.at(0.0), x.at(1.0), y.at(1.0), Colour::Muted, 1.0);
    }

    /// A line of text, counted from the lower right corner.
    fn note(&mut self, number: usize, colour: Colour, text: &str) {
        self.svg.text(SIZE - 20.0, SIZE - 58.0 - 16.0 * number as f64, Anchor::End, 12.0, colour, text);
    }
}

pub(super) fn roc(report: &BinaryReport) -> String {
    let text = report.auroc.sentence("AUROC");
    let mut figure = Square::new("ROC curve", &text, ("1 − specificity", "sensitivity"), 1.0, (0.0, 1.0));
    figure.diagonal();
    figure.curve(report.roc.iter().map(|p| (1.0 - p.specificity, p.sensitivity)), Colour::Series(0));
    let at = &report.decisions;
    if let (Some(sensitivity), Some(specificity)) = (&at.sensitivity, &at.specificity) {
        let (x, y) = (figure.x.at(1.0 - specificity.value), figure.y.at(sensitivity.value));
        figure.svg.dot(x, y, 5.0, Colour::Series(1));
        figure.note(0, Colour::Series(1), &format!("● at threshold {}", at.threshold));
    }
    let auroc = &report.auroc;
    figure.note(1, Colour::Series(0), &format!("AUROC {:.3} ({:.3} to {:.3})", auroc.value, auroc.lower, auroc.upper));
    figure.svg.finish()
}

pub(super) fn calibration(report: &BinaryReport) -> String {
    let curve = &report.calibration.curve;
    let text = format!("Observed share against predicted probability in {} bins", curve.bins().len());
    let mut figure = Square::new("Calibration", &text, ("predicted probability", "observed share"), 1.0, (0.0, 1.0));
    figure.diagonal();
    figure.curve(curve.bins().iter().map(|b| (b.predicted, b.observed())), Colour::Series(0));
    for bin in curve.bins() {
        let x = figure.x.at(bin.predicted);
        if let Ok(share) = bin.estimate(report.auroc.level) {
            let (low, high) = (figure.y.at(share.lower), figure.y.at(share.upper));
            figure.svg.line(x, low, x, high, Colour::Series(0), 1.0);
        }
        figure.svg.dot(x, figure.y.at(bin.observed()), 4.0, Colour::Series(0));
    }
    let cases = curve.bins().iter().map(|b| b.n);
    let (few, many) = (cases.clone().min().unwrap_or(0), cases.max().unwrap_or(0));
    let each = if few == many { format!("{few} cases a bin") } else { format!("{few} to {many} cases a bin") };
    figure.note(0, Colour::Muted, &each);
    if let Some(slope) = &report.calibration.slope {
        let slope = format!("slope {:.2} ({:.2} to {:.2})", slope.value, slope.lower, slope.upper);
        figure.note(1, Colour::Series(0), &slope);
    }
    figure.svg.finish()
}

pub(super) fn decision(report: &BinaryReport) -> String {
    let points = &report.decision_curve;
    let last = points.iter().map(|p| p.threshold).fold(0.0, f64::max);
    let best = points.iter().flat_map(|p| [p.net_benefit, p.treat_all]).fold(0.01, f64::max);
    let floor = -0.3 * best;
    let mut figure = Square::new(
        "Decision curve",
        "Net benefit of the model, of treating all and of treating nobody, over the thresholds",
        ("probability from which one acts", "net benefit"),
        last,
        (floor, 1.1 * best),
    );
    figure.curve(points.iter().map(|p| (p.threshold, 0.0)), Colour::Muted);
    figure.curve(down_to(floor, points.iter().map(|p| (p.threshold, p.treat_all))), Colour::Series(1));
    figure.curve(down_to(floor, points.iter().map(|p| (p.threshold, p.net_benefit))), Colour::Series(0));
    for (number, (colour, text)) in
        [(Colour::Series(0), "model"), (Colour::Series(1), "treat all"), (Colour::Muted, "treat nobody")]
            .into_iter()
            .enumerate()
    {
        let y = 50.0 + 16.0 * number as f64;
        figure.svg.text(SIZE - 20.0, y, Anchor::End, 12.0, colour, text);
    }
    figure.svg.finish()
}

/// The points up to where the line first falls below `floor`, with the place where it does.
fn down_to(floor: f64, points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut shown: Vec<(f64, f64)> = Vec::new();
    for (x, y) in points {
        if y < floor {
            if let Some((x0, y0)) = shown.last().copied() {
                shown.push((x0 + (x - x0) * (y0 - floor) / (y0 - y), floor));
            }
            break;
        }
        shown.push((x, y));
    }
    shown
}
