//! A picture of a recording: waveform, spectrogram and fundamental frequency over one time axis.

use crate::{Pitch, Recording, Result, StftConfig, pitch::PitchConfig};
use eir_core::error::{Parameter, TooShort};
use eir_core::svg::{Anchor, Axis, Colour, Svg};
use serde::{Deserialize, Serialize};

/// Draws `recording` with the defaults of [`PictureConfig`].
///
/// # Errors
/// As [`PictureConfig::draw`].
pub fn picture(recording: &Recording) -> Result<String> {
    PictureConfig::default().draw(recording)
}

/// Draws the waveform above, and below it the spectrogram with the fundamental frequency over it, as SVG text.
///
/// **Use it** to look at some seconds of voice. **Not** for minutes: a picture has no more columns than pixels.
///
/// The spectrogram is a PNG inside the SVG in the colours of viridis, which are evenly bright in steps of level and can
/// be told apart with every colour vision. The fundamental frequency has its own axis on the right.
///
/// # Examples
/// ```
/// use eir_audio::{Recording, picture};
/// let tone: Vec<f32> = (0..16_000).map(|i| (std::f32::consts::TAU * 220.0 * i as f32 / 16_000.0).sin()).collect();
/// let svg = picture(&Recording::new(tone, 16_000.0)?)?;
/// assert!(svg.starts_with("<svg") && svg.contains("data:image/png;base64,") && svg.contains("Time (s)"));
/// # Ok::<(), eir_audio::Error>(())
/// ```
///
/// # Errors
/// See [`draw`](Self::draw).
///
/// # References
/// Viridis: Smith, van der Walt 2015, the default colour map of Matplotlib 2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct PictureConfig {
    /// Title above the picture. Default none.
    pub title: String,
    /// Width and height in pixels, 320 to 4000 each. Default 860 by 420.
    pub size_px: (f64, f64),
    /// Highest frequency of the spectrogram in Hz; at most half the sampling rate is drawn. Default 5000.
    pub high_hz: f64,
    /// Range of levels in dB below the loudest point, above 0. Default 60.
    pub range_db: f64,
    /// How the fundamental frequency is tracked.
    pub pitch: PitchConfig,
}

impl Default for PictureConfig {
    fn default() -> Self {
        Self {
            title: String::new(),
            size_px: (860.0, 420.0),
            high_hz: 5000.0,
            range_db: 60.0,
            pitch: PitchConfig::default(),
        }
    }
}

/// Pixels between the picture's edges and its axes.
const LEFT: f64 = 58.0;
const RIGHT: f64 = 58.0;
const BOTTOM: f64 = 44.0;

impl PictureConfig {
    /// Sets [`title`](Self::title).
    #[must_use]
    pub fn with_title(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }
    /// Sets [`size_px`](Self::size_px).
    #[must_use]
    pub fn with_size_px(self, width: f64, height: f64) -> Self {
        Self { size_px: (width, height), ..self }
    }
    /// Sets [`high_hz`](Self::high_hz).
    #[must_use]
    pub fn with_high_hz(self, high_hz: f64) -> Self {
        Self { high_hz, ..self }
    }
    /// Sets [`range_db`](Self::range_db).
    #[must_use]
    pub fn with_range_db(self, range_db: f64) -> Self {
        Self { range_db, ..self }
    }
    /// Sets [`pitch`](Self::pitch).
    #[must_use]
    pub fn with_pitch(self, pitch: PitchConfig) -> Self {
        Self { pitch, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        for side in [self.size_px.0, self.size_px.1] {
            if !(320.0..=4000.0).contains(&side) {
                return Err(Parameter::new("size_px", side, "320 to 4000 pixels").into());
            }
        }
        for (name, value) in [("high_hz", self.high_hz), ("range_db", self.range_db)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Parameter::new(name, value, "a finite number above 0").into());
            }
        }
        self.pitch.validate()
    }

    /// The picture as SVG text.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a setting out of range,
    /// [`Error::TooShort`](crate::Error::TooShort) if the recording is shorter than three periods of the pitch floor,
    /// [`Error::NotFinite`](crate::Error::NotFinite) if a sample is not a number.
    pub fn draw(&self, recording: &Recording) -> Result<String> {
        self.validate()?;
        let contour = self.pitch.clone().build(recording.rate())?.track(recording.samples())?;
        self.draw_with(recording, &contour)
    }

    /// As [`draw`](Self::draw), over a contour that is there already.
    ///
    /// # Errors
    /// As `draw`.
    pub fn draw_with(&self, recording: &Recording, contour: &Pitch) -> Result<String> {
        self.validate()?;
        if recording.samples().is_empty() {
            return Err(TooShort::new("samples", 0, 1).into());
        }
        let (width, height) = self.size_px;
        let title = if self.title.is_empty() { "Recording" } else { &self.title };
        let voiced = if contour.mean_hz().is_finite() {
            format!("median fundamental frequency {:.0} Hz", contour.quantile_hz(0.5))
        } else {
            "no voiced frame".to_owned()
        };
        let described = format!(
            "Waveform, spectrogram and fundamental frequency of {:.2} seconds of sound; {voiced}.",
            recording.duration_s()
        );
        let mut figure = Svg::new(width, height, title, &described);
        let top = if self.title.is_empty() { 12.0 } else { 34.0 };
        if !self.title.is_empty() {
            figure.text(LEFT, 22.0, Anchor::Start, 14.0, Colour::Ink, &self.title);
        }
        let (left, right, bottom) = (LEFT, width - RIGHT, height - BOTTOM);
        let wave_bottom = top + 0.24 * (bottom - top);
        let time = Axis::new(0.0, recording.duration_s(), left, right);
        draw_wave(&mut figure, recording, &time, (left, right), (top, wave_bottom));
        let spectrum_top = wave_bottom + 14.0;
        let high_hz = self.high_hz.min(recording.rate().nyquist_hz());
        let png = self.spectrogram_png(recording, high_hz, (right - left, bottom - spectrum_top))?;
        figure.png(left, spectrum_top, right - left, bottom - spectrum_top, &png);
        let frequency = Axis::new(0.0, high_hz, bottom, spectrum_top);
        for tick in frequency.ticks(6) {
            figure.line(left - 4.0, frequency.at(tick), left, frequency.at(tick), Colour::Muted, 1.0);
            figure.text(left - 7.0, frequency.at(tick) + 4.0, Anchor::End, 11.0, Colour::Muted, &format!("{tick}"));
        }
        let middle = 0.5 * (spectrum_top + bottom);
        figure.text_upwards(14.0, middle, Anchor::Middle, 12.0, Colour::Ink, "Frequency (Hz)");
        draw_pitch(&mut figure, contour, &time, right, (spectrum_top, bottom), width);
        for tick in time.ticks(10) {
            figure.line(time.at(tick), bottom, time.at(tick), bottom + 4.0, Colour::Muted, 1.0);
            figure.text(time.at(tick), bottom + 17.0, Anchor::Middle, 11.0, Colour::Muted, &format!("{tick}"));
        }
        figure.text(0.5 * (left + right), height - 9.0, Anchor::Middle, 12.0, Colour::Ink, "Time (s)");
        Ok(figure.finish())
    }

    /// The spectrogram with one pixel per column and row of the picture.
    fn spectrogram_png(&self, recording: &Recording, high_hz: f64, size: (f64, f64)) -> Result<Vec<u8>> {
        let (samples, rate) = (recording.samples(), recording.rate());
        let (columns, rows) = (size.0.round().max(1.0) as usize, size.1.round().max(1.0) as usize);
        // wide-band, as phonetics draws it: frames too short to separate the harmonics of most voices
        let length = rate.samples(0.012).clamp(16, 1 << 16);
        let hop = (samples.len() / columns).max(1);
        let mut stft = StftConfig::default().with_length(length).with_hop(hop).build()?;
        let power = stft.power(samples, rate)?;
        let loudest = power.values.iter().fold(0.0f32, |a, p| a.max(*p)).max(f32::MIN_POSITIVE);
        let bin_hz = rate.hz() / length as f64;
        let mut pixels = Vec::with_capacity(columns * rows * 3);
        for row in 0..rows {
            let bin = (rows as f64 - row as f64 - 0.5) / rows as f64 * high_hz / bin_hz;
            let (low, part) = (bin.floor() as usize, bin.fract() as f32);
            for column in 0..columns {
                let place = (column as f64 + 0.5) / columns as f64 * samples.len() as f64;
                let frame = power.row(((place / hop as f64).round() as usize).min(power.len() - 1));
                let at = |bin: usize| f64::from(frame[bin.min(power.width - 1)] / loudest).max(1e-30).log10() * 10.0;
                let level = at(low) + f64::from(part) * (at(low + 1) - at(low));
                pixels.extend(viridis((level + self.range_db) / self.range_db));
            }
        }
        Ok(encode_png(columns, rows, &pixels))
    }
}

fn draw_wave(
    figure: &mut Svg,
    recording: &Recording,
    time: &Axis,
    (left, right): (f64, f64),
    (top, bottom): (f64, f64),
) {
    let samples = recording.samples();
    let peak = samples.iter().filter(|s| s.is_finite()).fold(0.0f32, |a, s| a.max(s.abs()));
    let scale = f64::from(if peak > 0.0 { peak } else { 1.0 });
    let level = Axis::new(-scale, scale, bottom, top);
    figure.line(left, level.at(0.0), right, level.at(0.0), Colour::Grid, 1.0);
    // the lowest and highest sample of each pixel column
    let columns = (right - left).round().max(1.0) as usize;
    let per_column = samples.len().div_ceil(columns).max(1);
    let points = samples.chunks(per_column).enumerate().flat_map(|(i, part)| {
        let extreme = |pick: fn(f32, f32) -> f32| part.iter().copied().fold(part[0], pick);
        let at = time.at(recording.rate().seconds(i * per_column + part.len() / 2));
        [(at, level.at(f64::from(extreme(f32::max)))), (at, level.at(f64::from(extreme(f32::min))))]
    });
    figure.curve(points, Colour::Series(0), 1.0);
    figure.text(left - 7.0, top + 10.0, Anchor::End, 11.0, Colour::Muted, &format!("{scale:.2}"));
    figure.text(left - 7.0, bottom, Anchor::End, 11.0, Colour::Muted, &format!("−{scale:.2}"));
}

fn draw_pitch(figure: &mut Svg, contour: &Pitch, time: &Axis, right: f64, (top, bottom): (f64, f64), width: f64) {
    let highest = contour.voiced_hz().fold(0.0f64, f64::max);
    if highest == 0.0 {
        return;
    }
    let axis = Axis::new(0.0, (highest * 1.25 / 100.0).ceil() * 100.0, bottom, top);
    let points =
        |c: &Pitch| c.f0_hz.iter().enumerate().map(|(i, f)| (time.at(c.time_s(i)), axis.at(*f))).collect::<Vec<_>>();
    // a ground under the curve keeps it readable over bright and dark
    figure.curve(points(contour), Colour::Paper, 4.5);
    figure.curve(points(contour), Colour::Series(1), 2.0);
    for tick in axis.ticks(5) {
        figure.line(right, axis.at(tick), right + 4.0, axis.at(tick), Colour::Series(1), 1.0);
        figure.text(right + 7.0, axis.at(tick) + 4.0, Anchor::Start, 11.0, Colour::Series(1), &format!("{tick}"));
    }
    figure.text_upwards(width - 8.0, 0.5 * (top + bottom), Anchor::Middle, 12.0, Colour::Series(1), "F0 (Hz)");
}

/// Colour of a level from 0 (quiet, dark) to 1 (loud, bright): viridis, between eleven of its colours.
fn viridis(level: f64) -> [u8; 3] {
    const COLOURS: [[f64; 3]; 11] = [
        [68.0, 1.0, 84.0],
        [72.0, 36.0, 117.0],
        [65.0, 68.0, 135.0],
        [53.0, 95.0, 141.0],
        [42.0, 120.0, 142.0],
        [33.0, 145.0, 140.0],
        [34.0, 168.0, 132.0],
        [68.0, 191.0, 112.0],
        [122.0, 209.0, 81.0],
        [189.0, 223.0, 38.0],
        [253.0, 231.0, 37.0],
    ];
    let place = level.clamp(0.0, 1.0) * 10.0;
    let (low, part) = ((place as usize).min(9), place - (place as usize).min(9) as f64);
    std::array::from_fn(|i| (COLOURS[low][i] + part * (COLOURS[low + 1][i] - COLOURS[low][i])).round() as u8)
}

/// A PNG of 8-bit colours; empty if the pixels do not fill it.
fn encode_png(width: usize, height: usize, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels));
    // writing to memory fails only for a wrong number of pixels
    if written.is_err() { Vec::new() } else { bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_axes_in_seconds_and_hertz_and_no_broken_coordinate() {
        let glide: Vec<f32> = (0..8000).map(|i| (i as f32 * (0.1 + i as f32 * 5e-6)).sin()).collect();
        let recording = Recording::new(glide, 8000.0).unwrap();
        let svg = PictureConfig::default().with_title("A < B").draw(&recording).unwrap();
        for text in ["A &lt; B", "Time (s)", "Frequency (Hz)", "F0 (Hz)", "data:image/png;base64,iVBOR"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert_eq!(svg, PictureConfig::default().with_title("A < B").draw(&recording).unwrap());
    }

    #[test]
    fn silence_is_drawn_and_nothing_is_an_error() {
        let silence = Recording::new(vec![0.0; 8000], 8000.0).unwrap();
        assert!(!picture(&silence).unwrap().contains("F0 (Hz)"));
        assert!(picture(&Recording::new(vec![], 8000.0).unwrap()).is_err());
        assert!(PictureConfig::default().with_size_px(10.0, 10.0).draw(&silence).is_err());
        assert_eq!([viridis(-1.0), viridis(1.0)], [[68, 1, 84], [253, 231, 37]]);
    }
}
