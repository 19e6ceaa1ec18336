//! A figure: annotations of several raters over time, and where they agree.

use crate::model::{Document, Target};
use crate::{Error, Result};
use eir_core::error::Parameter;
use eir_core::svg::{Anchor, Axis, Colour, Svg};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Moments at which a window looks for intervals.
const MOMENTS: usize = 8;
const LEFT: f64 = 110.0;
const RIGHT: f64 = 16.0;
const LANE: f64 = 26.0;
const STRIP: f64 = 46.0;

/// The timeline of `document` with the default settings, as SVG.
///
/// # Errors
/// As [`Timeline::draw`].
pub fn timeline(document: &Document) -> Result<String> {
    Timeline::default().draw(document)
}

/// Settings of a timeline: a lane per rater, a strip of agreement below.
///
/// **Use it** to see at a glance where raters differ. **Not** for more than some hundreds of annotations a lane: set
/// `from_s` and `to_s`.
///
/// # Formula
/// Agreement of a window is the mean share of pairs of raters with the same label: over each moment that at least two
/// raters gave a point, and, where there are intervals, over 8 moments of the window, at which a rater without an interval
/// counts as a label of its own. A window in which fewer than two raters can be compared stays empty.
///
/// # Examples
/// ```
/// use eir_annotate::{Annotation, Document, Label, Media, MediaKind, Rater, RaterKind, Target, TimeBase, timeline};
/// let mut document = Document::default();
/// let video = document.add_media(Media::new("video", MediaKind::Video).with_time(TimeBase::seconds()));
/// let squat = document.add_label(Label::new("squat"));
/// for name in ["ann", "bob"] {
///     let rater = document.add_rater(Rater::new(name, RaterKind::Human));
///     let target = Target::Interval { start: 2.into(), end: 5.into() };
///     document.annotations.push(Annotation::new(video, target).with_label(squat).with_rater(rater));
/// }
/// let svg = timeline(&document)?;
/// assert!(svg.starts_with("<svg") && svg.contains("bob") && svg.contains("squat"));
/// # Ok::<(), eir_annotate::Error>(())
/// ```
///
/// # Errors
/// [`Error::Undefined`] if nothing with a time lies in the range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Timeline {
    /// Heading. Default: "Annotations over time".
    pub title: String,
    /// Width in pixels: 300 to 4000. Default 900.
    pub width_px: f64,
    /// Windows of the agreement strip: 1 to 1000. Default 60.
    pub windows: usize,
    /// First second shown. Default: that of the first annotation.
    pub from_s: Option<f64>,
    /// Last second shown. Default: that of the last annotation.
    pub to_s: Option<f64>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { title: "Annotations over time".to_owned(), width_px: 900.0, windows: 60, from_s: None, to_s: None }
    }
}

/// An annotation that is drawn.
#[derive(Debug, Clone, Copy)]
struct Mark {
    lane: usize,
    label: Option<usize>,
    start_s: f64,
    end_s: f64,
    point: bool,
}

impl Timeline {
    /// Sets [`title`](Self::title).
    #[must_use]
    pub fn with_title(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }

    /// Sets [`width_px`](Self::width_px).
    #[must_use]
    pub fn with_width_px(self, width_px: f64) -> Self {
        Self { width_px, ..self }
    }

    /// Sets [`windows`](Self::windows).
    #[must_use]
    pub fn with_windows(self, windows: usize) -> Self {
        Self { windows, ..self }
    }

    /// Sets [`from_s`](Self::from_s) and [`to_s`](Self::to_s).
    #[must_use]
    pub fn with_range_s(self, from_s: f64, to_s: f64) -> Self {
        Self { from_s: Some(from_s), to_s: Some(to_s), ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let fail = |name, value, rule| Err(Parameter::new(name, value, rule).into());
        if !(300.0..=4000.0).contains(&self.width_px) {
            return fail("width_px", self.width_px, "300 to 4000");
        }
        if !(1..=1000).contains(&self.windows) {
            return fail("windows", self.windows as f64, "1 to 1000");
        }
        match (self.from_s, self.to_s) {
            (Some(from), _) if !from.is_finite() => fail("from_s", from, "finite"),
            (_, Some(to)) if !to.is_finite() => fail("to_s", to, "finite"),
            (Some(from), Some(to)) if to <= from => fail("to_s", to, "above from_s"),
            _ => Ok(()),
        }
    }

    /// Draws the figure.
    ///
    /// # Errors
    /// As the [type](Self) says, and as [`validate`](Self::validate) of the settings and of the document.
    pub fn draw(&self, document: &Document) -> Result<String> {
        self.validate()?;
        document.validate()?;
        let marks = marks(document)?;
        let bound = |given: Option<f64>, found: f64| given.unwrap_or(found);
        let from = bound(self.from_s, marks.iter().fold(f64::INFINITY, |a, m| a.min(m.start_s)));
        let to = bound(self.to_s, marks.iter().fold(f64::NEG_INFINITY, |a, m| a.max(m.end_s)));
        let seen: Vec<Mark> = marks.into_iter().filter(|m| m.end_s >= from && m.start_s <= to).collect();
        if seen.is_empty() {
            return Err(Error::Undefined { what: "the timeline", why: "no annotation has a time in the range" });
        }
        let mut lanes: Vec<usize> = seen.iter().map(|m| m.lane).collect();
        lanes.sort_unstable();
        lanes.dedup();
        let mut labels: Vec<usize> = seen.iter().filter_map(|m| m.label).collect();
        labels.sort_unstable();
        labels.dedup();

        let top = 56.0;
        let strip = top + LANE * lanes.len() as f64 + 14.0;
        let height = strip + STRIP + 46.0;
        let what = format!("{} raters, {} annotations, {from:.1} to {to:.1} s", lanes.len(), seen.len());
        let mut figure = Svg::new(self.width_px, height, &self.title, &what);
        let right = self.width_px - RIGHT;
        let x = Axis::new(from, to, LEFT, right);
        figure.text(LEFT, 20.0, Anchor::Start, 14.0, Colour::Ink, &self.title);
        self.legend(&mut figure, document, &labels);

        for tick in x.ticks(8) {
            figure.line(x.at(tick), top, x.at(tick), strip + STRIP, Colour::Grid, 1.0);
            figure.text(x.at(tick), strip + STRIP + 16.0, Anchor::Middle, 11.0, Colour::Muted, &format!("{tick}"));
        }
        figure.text((LEFT + right) / 2.0, strip + STRIP + 36.0, Anchor::Middle, 12.0, Colour::Ink, "Time (s)");
        for (row, lane) in lanes.iter().enumerate() {
            let y = top + LANE * row as f64;
            let name = document.raters.get(*lane).map_or("(no rater)", |r| r.id.as_str());
            figure.text(LEFT - 8.0, y + LANE / 2.0 + 4.0, Anchor::End, 12.0, Colour::Ink, &short(name, 14));
            figure.line(LEFT, y + LANE, right, y + LANE, Colour::Grid, 1.0);
        }
        for mark in &seen {
            let row = lanes.partition_point(|l| *l < mark.lane) as f64;
            let y = top + LANE * row + 4.0;
            let colour = colour(mark.label, &labels);
            let (a, b) = (x.at(mark.start_s.max(from)), x.at(mark.end_s.min(to)));
            if mark.point {
                figure.line(a, y, a, y + LANE - 8.0, colour, 2.0);
            } else {
                figure.rect(a, y + 2.0, (b - a).max(1.5), LANE - 12.0, colour, 0.75);
            }
        }
        self.strip(&mut figure, &seen, lanes.len(), (from, to), &x, strip);
        Ok(figure.finish())
    }

    fn legend(&self, figure: &mut Svg, document: &Document, labels: &[usize]) {
        let mut x = LEFT;
        for label in labels {
            let name = document.labels.get(*label).map_or_else(String::new, |l| {
                let meaning = l.description.as_ref().filter(|d| l.name.chars().count() <= 2 && !d.is_empty());
                short(&meaning.map_or_else(|| l.name.clone(), |d| format!("{} {d}", l.name)), 30)
            });
            let width = 24.0 + 6.6 * name.chars().count() as f64;
            if x + width > self.width_px - RIGHT {
                figure.text(x, 42.0, Anchor::Start, 11.0, Colour::Muted, "…");
                return;
            }
            figure.rect(x, 33.0, 10.0, 10.0, colour(Some(*label), labels), 0.85);
            figure.text(x + 14.0, 42.0, Anchor::Start, 11.0, Colour::Muted, &name);
            x += width;
        }
    }

    fn strip(&self, figure: &mut Svg, marks: &[Mark], raters: usize, (from, to): (f64, f64), x: &Axis, top: f64) {
        let bottom = top + STRIP;
        let y = Axis::new(0.0, 1.0, bottom, top);
        figure.text(LEFT - 28.0, top + STRIP / 2.0 + 4.0, Anchor::End, 12.0, Colour::Ink, "Agreement");
        for (value, name) in [(0.0, "0"), (1.0, "1")] {
            figure.line(LEFT, y.at(value), x.at(to), y.at(value), Colour::Grid, 1.0);
            figure.text(LEFT - 8.0, y.at(value) + 4.0, Anchor::End, 11.0, Colour::Muted, name);
        }
        let width = (to - from) / self.windows as f64;
        for (window, agreement) in agreement(marks, raters, from, to, self.windows).into_iter().enumerate() {
            if let Some(share) = agreement {
                let left = x.at(from + width * window as f64);
                let right = x.at(from + width * (window + 1) as f64);
                let colour = if share > 0.8 { Colour::Good } else { Colour::Warning };
                figure.rect(left, y.at(share), (right - left - 0.5).max(0.5), bottom - y.at(share), colour, 0.8);
            }
        }
    }
}

fn colour(label: Option<usize>, labels: &[usize]) -> Colour {
    let place = label.map(|l| labels.partition_point(|o| *o < l));
    place.map_or(Colour::Muted, |p| Colour::Series((p % 6) as u8))
}

fn short(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    text.chars().take(length.saturating_sub(1)).chain(['…']).collect()
}

/// All annotations with a time; who has no rater lies in the lane behind the raters'.
fn marks(document: &Document) -> Result<Vec<Mark>> {
    let mut marks = Vec::new();
    for (i, annotation) in document.annotations.iter().enumerate() {
        if let Some((start, end)) = document.seconds(i)? {
            let point = !annotation.targets.iter().any(|t| matches!(t, Target::Interval { .. }));
            let lane = annotation.provenance.rater.unwrap_or(document.raters.len());
            marks.push(Mark { lane, label: annotation.label, start_s: start.to_f64(), end_s: end.to_f64(), point });
        }
    }
    Ok(marks)
}

/// Per window the mean share of pairs of raters with the same label.
fn agreement(marks: &[Mark], raters: usize, from: f64, to: f64, windows: usize) -> Vec<Option<f64>> {
    let width = (to - from) / windows as f64;
    let mut shares: Vec<(f64, usize)> = vec![(0.0, 0); windows];
    let mut add = |at: f64, share: Option<f64>| {
        let window = if width > 0.0 { ((at - from) / width).max(0.0) as usize } else { 0 };
        if let (Some(share), Some((sum, count))) = (share, shares.get_mut(window.min(windows - 1))) {
            (*sum, *count) = (*sum + share, *count + 1);
        }
    };
    let mut points: BTreeMap<u64, Vec<Option<usize>>> = BTreeMap::new();
    for mark in marks.iter().filter(|m| m.point && m.start_s >= from) {
        points.entry((mark.start_s - from).to_bits()).or_default().push(mark.label);
    }
    for (bits, labels) in points {
        add(from + f64::from_bits(bits), equal_pairs(&labels));
    }
    let intervals: Vec<&Mark> = marks.iter().filter(|m| !m.point).collect();
    if !intervals.is_empty() {
        for moment in 0..windows * MOMENTS {
            let at = from + (moment as f64 + 0.5) * width / MOMENTS as f64;
            let mut labels: BTreeMap<usize, Option<usize>> = BTreeMap::new();
            for mark in intervals.iter().filter(|m| m.start_s <= at && at < m.end_s) {
                labels.insert(mark.lane, mark.label.or(Some(usize::MAX)));
            }
            if !labels.is_empty() {
                let mut all: Vec<_> = labels.into_values().collect();
                all.resize(raters.max(all.len()), None);
                add(at, equal_pairs(&all));
            }
        }
    }
    shares.into_iter().map(|(sum, count)| (count > 0).then(|| sum / count as f64)).collect()
}

fn equal_pairs(labels: &[Option<usize>]) -> Option<f64> {
    let pairs = labels.len() * labels.len().saturating_sub(1) / 2;
    let equal: usize =
        labels.iter().enumerate().map(|(i, a)| labels.iter().skip(i + 1).filter(|b| a == *b).count()).sum();
    (pairs > 0).then(|| equal as f64 / pairs as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(lane: usize, label: usize, start_s: f64, end_s: f64) -> Mark {
        Mark { lane, label: Some(label), start_s, end_s, point: start_s == end_s }
    }

    #[test]
    fn agreement_of_points_and_intervals() {
        let points = [
            mark(0, 1, 0.5, 0.5),
            mark(1, 1, 0.5, 0.5),
            mark(0, 1, 1.5, 1.5),
            mark(1, 2, 1.5, 1.5),
            mark(0, 1, 3.5, 3.5),
        ];
        assert_eq!(agreement(&points, 2, 0.0, 4.0, 4), [Some(1.0), Some(0.0), None, None]);
        let intervals = [mark(0, 1, 0.0, 2.0), mark(1, 1, 1.0, 2.0)];
        assert_eq!(agreement(&intervals, 2, 0.0, 3.0, 3), [Some(0.0), Some(1.0), None]);
    }

    #[test]
    fn settings_and_empty_documents() {
        assert!(matches!(timeline(&Document::default()), Err(Error::Undefined { .. })));
        assert!(Timeline::default().with_range_s(2.0, 1.0).validate().is_err());
        assert!(Timeline::default().with_width_px(f64::NAN).validate().is_err());
        assert!(Timeline::default().with_windows(0).validate().is_err());
        eir_core::testing::contract::serde_round_trip(&Timeline::default().with_range_s(0.0, 1.0));
    }
}
