//! Figures as SVG text: same numbers, same bytes; readable in print, on a light and on a dark page.
//!
//! Small on purpose: shapes, text, one linear axis. Colours are roles ([`Colour`]), not values, so that a figure inside
//! a page follows the reader's theme.
//!
//! ```
//! use eir_core::svg::{Anchor, Axis, Colour, Svg};
//! let mut figure = Svg::new(400.0, 120.0, "Heart rate", "A rise of 10 bpm after 20 s");
//! let (x, y) = (Axis::new(0.0, 60.0, 40.0, 390.0), Axis::new(120.0, 160.0, 100.0, 10.0));
//! for tick in y.ticks(4) {
//!     figure.line(40.0, y.at(tick), 390.0, y.at(tick), Colour::Grid, 1.0);
//!     figure.text(36.0, y.at(tick) + 4.0, Anchor::End, 11.0, Colour::Muted, &format!("{tick}"));
//! }
//! figure.curve((0..60).map(|s| (x.at(f64::from(s)), y.at(if s < 20 { 140.0 } else { 150.0 }))), Colour::Series(0), 1.5);
//! assert!(figure.finish().starts_with("<svg"));
//! ```

use std::fmt::Write;

/// What a colour is for. In a dark theme each role has another value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Colour {
    /// Text and axes.
    Ink,
    /// Ticks, notes.
    Muted,
    /// Grid lines.
    Grid,
    /// The figure's ground.
    Paper,
    /// Something good: inside the normal range.
    Good,
    /// Something to look at.
    Warning,
    /// Something bad: outside.
    Bad,
    /// Data series 0 to 5, distinguishable with colour-vision deficiency (Okabe & Ito); higher numbers start again.
    Series(u8),
}

impl Colour {
    fn class(self) -> &'static str {
        const SERIES: [&str; 6] = ["s0", "s1", "s2", "s3", "s4", "s5"];
        match self {
            Self::Ink => "ink",
            Self::Muted => "muted",
            Self::Grid => "grid",
            Self::Paper => "paper",
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Series(n) => SERIES[usize::from(n) % SERIES.len()],
        }
    }
}

/// Class, light value, dark value.
const THEME: [(&str, &str, &str); 13] = [
    ("ink", "#1d2329", "#e6e8eb"),
    ("muted", "#5b6670", "#a3adb8"),
    ("grid", "#dde1e6", "#343b44"),
    ("paper", "#ffffff", "#14181d"),
    ("good", "#1a7f4b", "#4cc38a"),
    ("warning", "#b25e00", "#f0a53c"),
    ("bad", "#b3261e", "#ff8a80"),
    ("s0", "#0072b2", "#56b4e9"),
    ("s1", "#d55e00", "#ff8f4d"),
    ("s2", "#00805e", "#2fc99a"),
    ("s3", "#a8447f", "#e29ac6"),
    ("s4", "#8a6d00", "#e6c229"),
    ("s5", "#5b4fb0", "#a79bff"),
];

/// Where a text is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// At its start.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

/// A figure that is being drawn. Coordinates are pixels from the upper left corner.
#[derive(Debug, Clone)]
pub struct Svg {
    width: f64,
    height: f64,
    text: String,
}

impl Svg {
    /// An empty figure. `title` and `description` are what a screen reader reads.
    #[must_use]
    pub fn new(width: f64, height: f64, title: &str, description: &str) -> Self {
        let mut text = String::new();
        let (title, description) = (escape(title), escape(description));
        let (w, h) = (number(width), number(height));
        text += &format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"eir\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" \
             role=\"img\" font-family=\"system-ui, sans-serif\"><title>{title}</title><desc>{description}</desc><style>"
        );
        let rules = |text: &mut String, dark: bool| {
            for (class, light_value, dark_value) in THEME {
                let value = if dark { dark_value } else { light_value };
                *text += &format!(".eir .f-{class}{{fill:{value}}}.eir .l-{class}{{stroke:{value}}}");
            }
        };
        rules(&mut text, false);
        text += "@media screen and (prefers-color-scheme:dark){";
        rules(&mut text, true);
        text += "}</style>";
        let mut figure = Self { width, height, text };
        figure.rect(0.0, 0.0, width, height, Colour::Paper, 1.0);
        figure
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> f64 {
        self.height
    }

    /// A filled rectangle; `opacity` 0 to 1.
    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, colour: Colour, opacity: f64) {
        let (x, y, w, h) = (number(x), number(y), number(width.max(0.0)), number(height.max(0.0)));
        let (class, opacity) = (colour.class(), number(opacity));
        self.push(format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" class=\"f-{class}\" fill-opacity=\"{opacity}\"/>"
        ));
    }

    /// A straight line, `width` pixels wide.
    pub fn line(&mut self, x1: f64, y1: f64, x2: f64, y2: f64, colour: Colour, width: f64) {
        let (x1, y1, x2, y2, w) = (number(x1), number(y1), number(x2), number(y2), number(width));
        let class = colour.class();
        self.push(format!(
            "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" class=\"l-{class}\" stroke-width=\"{w}\"/>"
        ));
    }

    /// A dashed line.
    pub fn dashed(&mut self, x1: f64, y1: f64, x2: f64, y2: f64, colour: Colour, width: f64) {
        let (x1, y1, x2, y2, w) = (number(x1), number(y1), number(x2), number(y2), number(width));
        let class = colour.class();
        self.push(format!(
            "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" class=\"l-{class}\" stroke-width=\"{w}\" stroke-dasharray=\"4 3\"/>"
        ));
    }

    /// A curve through `points`; it is broken where a coordinate is not finite, and never drawn across.
    pub fn curve(&mut self, points: impl IntoIterator<Item = (f64, f64)>, colour: Colour, width: f64) {
        let mut path = String::new();
        let mut pen_down = false;
        for (x, y) in points {
            if x.is_finite() && y.is_finite() {
                path.push(if pen_down { 'L' } else { 'M' });
                path += &number(x);
                path.push(' ');
                path += &number(y);
                pen_down = true;
            } else {
                pen_down = false;
            }
        }
        let (class, width) = (colour.class(), number(width));
        self.push(format!(
            "<path d=\"{path}\" class=\"l-{class}\" fill=\"none\" stroke-width=\"{width}\" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>"
        ));
    }

    /// A filled area with the corners `points`; corners that are not finite are left out.
    pub fn area(&mut self, points: impl IntoIterator<Item = (f64, f64)>, colour: Colour, opacity: f64) {
        let mut list = String::new();
        for (x, y) in points.into_iter().filter(|(x, y)| x.is_finite() && y.is_finite()) {
            list += &format!("{},{} ", number(x), number(y));
        }
        let (class, opacity) = (colour.class(), number(opacity));
        self.push(format!("<polygon points=\"{}\" class=\"f-{class}\" fill-opacity=\"{opacity}\"/>", list.trim_end()));
    }

    /// A filled circle; nothing if its centre is not finite.
    pub fn dot(&mut self, x: f64, y: f64, radius: f64, colour: Colour) {
        if x.is_finite() && y.is_finite() {
            let (x, y, r, class) = (number(x), number(y), number(radius), colour.class());
            self.push(format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" class=\"f-{class}\"/>"));
        }
    }

    /// Text of `size` pixels whose baseline is at `y`.
    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, size: f64, colour: Colour, text: &str) {
        self.place_text(x, y, anchor, size, colour, text, "");
    }

    /// Text that runs upwards, for the name of a vertical axis.
    pub fn text_upwards(&mut self, x: f64, y: f64, anchor: Anchor, size: f64, colour: Colour, text: &str) {
        let turn = format!(" transform=\"rotate(-90 {} {})\"", number(x), number(y));
        self.place_text(x, y, anchor, size, colour, text, &turn);
    }

    #[expect(clippy::too_many_arguments, reason = "private: the two public forms name them")]
    fn place_text(&mut self, x: f64, y: f64, anchor: Anchor, size: f64, colour: Colour, text: &str, extra: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (x, y, size, class, text) = (number(x), number(y), number(size), colour.class(), escape(text));
        self.push(format!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\" class=\"f-{class}\"{extra}>{text}</text>"
        ));
    }

    /// A PNG picture stretched over the rectangle.
    pub fn png(&mut self, x: f64, y: f64, width: f64, height: f64, png: &[u8]) {
        let (x, y, w, h) = (number(x), number(y), number(width), number(height));
        self.push(format!(
            "<image x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" preserveAspectRatio=\"none\" href=\"data:image/png;base64,{}\"/>",
            base64(png)
        ));
    }

    /// The figure's text.
    #[must_use]
    pub fn finish(self) -> String {
        self.text + "</svg>"
    }

    fn push(&mut self, element: String) {
        self.text += &element;
    }
}

/// A linear axis: values `from` … `to` lie at pixels `first` … `last`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    from: f64,
    to: f64,
    first: f64,
    last: f64,
}

impl Axis {
    /// An axis; equal ends of the value range are spread by ½ to each side, so that a constant can be drawn.
    #[must_use]
    pub fn new(from: f64, to: f64, first: f64, last: f64) -> Self {
        let (from, to) = if from == to { (from - 0.5, to + 0.5) } else { (from, to) };
        Self { from, to, first, last }
    }

    /// The pixel of `value`.
    #[must_use]
    pub fn at(&self, value: f64) -> f64 {
        self.first + (value - self.from) / (self.to - self.from) * (self.last - self.first)
    }

    /// Round values (1, 2 or 5 times a power of ten apart) inside the range: about `count`.
    #[must_use]
    pub fn ticks(&self, count: usize) -> Vec<f64> {
        let (low, high) = (self.from.min(self.to), self.from.max(self.to));
        let rough = (high - low) / count.max(1) as f64;
        if !(rough.is_finite() && rough > 0.0) {
            return Vec::new();
        }
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough * 0.999).unwrap_or(rough);
        let first = (low / step - 1e-9).ceil();
        (0..1000)
            .map(|i| (first + f64::from(i)) * step)
            .take_while(|t| *t <= high + 1e-9 * step)
            .map(|t| round(t, step))
            .collect()
    }
}

/// Removes the last bits' noise of a multiple of `step`, so that a tick prints as 0.3 and not as 0.30000000000000004.
fn round(value: f64, step: f64) -> f64 {
    let digits = (1.0 - step.log10().floor()).clamp(0.0, 15.0) as i32;
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale + 0.0
}

/// A coordinate with at most two decimals; 0 where it is not finite.
fn number(value: f64) -> String {
    let mut text = String::new();
    let value = if value.is_finite() { value } else { 0.0 };
    // writing to a string does not fail
    let _ = write!(text, "{:.2}", value + 0.0);
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// Text made safe inside an XML or HTML element or attribute.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            c if c.is_control() && !matches!(c, '\n' | '\t') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// Base64 (RFC 4648), as data addresses want it.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = group.iter().zip([16, 8, 0]).fold(0u32, |w, (b, shift)| w | (u32::from(*b) << shift));
        for i in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * i)) as usize & 63];
            text.push(if i <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_rfc() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in pairs {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(Axis::new(0.0, 1.0, 0.0, 1.0).ticks(5), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(Axis::new(30.0, 240.0, 9.0, 0.0).ticks(7), [50.0, 100.0, 150.0, 200.0]);
        assert!(Axis::new(0.0, f64::NAN, 0.0, 1.0).ticks(5).is_empty());
    }

    #[test]
    fn gaps_break_the_curve_and_text_is_escaped() {
        let mut figure = Svg::new(10.0, 10.0, "a<b", "\u{0}");
        figure.curve([(0.0, 0.0), (1.0, f64::NAN), (2.0, 2.0), (3.0, 1e-9)], Colour::Ink, 1.0);
        let text = figure.finish();
        assert!(text.contains("M0 0M2 2L3 0\"") && text.contains("a&lt;b") && !text.contains('\u{0}'), "{text}");
    }
}
