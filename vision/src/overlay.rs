//! A skeleton drawn over the picture.

use crate::skeleton::{BONES, LANDMARK_NAMES};
use crate::{Image, Result};
use eir_core::error::{Mismatch, Parameter};
use serde::{Deserialize, Serialize};

/// The subject's left, right and middle (Okabe and Ito's colours: distinguishable with colour-vision deficiency).
const COLOURS: [[u8; 3]; 3] = [[86, 180, 233], [230, 159, 0], [240, 240, 240]];
/// The dark rim that keeps a line readable on any ground.
const RIM: [u8; 3] = [20, 24, 28];

/// Settings of [`draw_skeleton`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct OverlayConfig {
    /// Points less visible than this are left out, with their bones, 0 to 1. Default 0.5.
    pub min_visibility: f64,
    /// Width of a bone in pixels, 0.5 to 100. Default: a two-hundredth of the picture's longer side, at least 1.5.
    pub line_px: Option<f64>,
    /// Draws the points of the face too. Default false: they hide it.
    pub face: bool,
}

impl Default for OverlayConfig {
    fn default() -> Self {
        Self { min_visibility: 0.5, line_px: None, face: false }
    }
}

impl OverlayConfig {
    /// Sets [`min_visibility`](Self::min_visibility).
    #[must_use]
    pub fn with_min_visibility(self, min_visibility: f64) -> Self {
        Self { min_visibility, ..self }
    }

    /// Sets [`line_px`](Self::line_px).
    #[must_use]
    pub fn with_line_px(self, line_px: f64) -> Self {
        Self { line_px: Some(line_px), ..self }
    }

    /// Sets [`face`](Self::face).
    #[must_use]
    pub fn with_face(self, face: bool) -> Self {
        Self { face, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.min_visibility) {
            return Err(Parameter::new("min_visibility", self.min_visibility, "0 to 1").into());
        }
        match self.line_px {
            Some(line) if !(0.5..=100.0).contains(&line) => {
                Err(Parameter::new("line_px", line, "0.5 to 100 pixels").into())
            }
            _ => Ok(()),
        }
    }
}

/// The picture with the 33 points and the bones between them drawn over it: the subject's left blue, right orange, the
/// middle white; the legs are drawn wider.
///
/// `points` are pixels, `visibility` 0 to 1 for each; a point that is not finite or far outside is left out.
///
/// # Examples
/// ```
/// use eir_vision::Image;
/// use eir_vision::overlay::{OverlayConfig, draw_skeleton};
///
/// let grey = Image::filled(100, 100, [90; 3])?;
/// let mut points = [[f64::NAN, f64::NAN]; 33];
/// points[23] = [50.0, 20.0];                                  // left hip and knee only
/// points[25] = [50.0, 80.0];
/// let drawn = draw_skeleton(&grey, &points, &[0.9; 33], &OverlayConfig::default())?;
/// assert_eq!(drawn.pixel(50, 50), Some([86, 180, 233]));
/// assert_eq!(drawn.pixel(10, 50), Some([90; 3]));
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) unless there are 33 points and as many visibilities,
/// [`Error::Parameter`](crate::Error::Parameter).
pub fn draw_skeleton(image: &Image, points: &[[f64; 2]], visibility: &[f64], config: &OverlayConfig) -> Result<Image> {
    let mut drawn = image.clone();
    draw_skeleton_into(&mut drawn, points, visibility, config)?;
    Ok(drawn)
}

/// As [`draw_skeleton`], onto the picture itself: allocates nothing.
///
/// # Errors
/// As `draw_skeleton`.
pub fn draw_skeleton_into(
    image: &mut Image,
    points: &[[f64; 2]],
    visibility: &[f64],
    config: &OverlayConfig,
) -> Result<()> {
    config.validate()?;
    Mismatch::check("points of a skeleton", LANDMARK_NAMES.len(), points.len())?;
    Mismatch::check("visibilities of a skeleton", points.len(), visibility.len())?;
    let longer = image.width().max(image.height()) as f64;
    let line = config.line_px.unwrap_or((longer / 200.0).max(1.5));
    let shown = |i: usize| -> Option<[f64; 2]> {
        let point = *points.get(i)?;
        let near = point.iter().all(|v| v.abs() <= 4.0 * longer);
        let visible = visibility.get(i).is_some_and(|v| *v >= config.min_visibility);
        (near && visible && (config.face || i > 10)).then_some(point)
    };
    let leg = |i: usize| (23..=28).contains(&i);
    // rims first, so that they never cut a bone that was drawn before
    for rim in [true, false] {
        for (a, b) in BONES {
            let (Some(from), Some(to)) = (shown(a), shown(b)) else { continue };
            let colour = if side(a) == side(b) { COLOURS[side(a)] } else { COLOURS[2] };
            let width = if leg(a) && leg(b) { 1.5 * line } else { line };
            stroke(image, from, to, width, rim, colour, line);
        }
        for i in 0..points.len() {
            let Some(at) = shown(i) else { continue };
            stroke(image, at, at, 2.4 * line, rim, COLOURS[side(i)], line);
        }
    }
    Ok(())
}

/// 0 left, 1 right, 2 neither.
fn side(i: usize) -> usize {
    let name = LANDMARK_NAMES.get(i).copied().unwrap_or_default();
    if name.contains("left") {
        0
    } else if name.contains("right") {
        1
    } else {
        2
    }
}

/// A line with round ends and smooth edges; as its rim it is wider and dark.
pub(crate) fn stroke(image: &mut Image, a: [f64; 2], b: [f64; 2], width: f64, rim: bool, colour: [u8; 3], line: f64) {
    let (radius, colour) = if rim { (width / 2.0 + (line / 3.0).max(1.0), RIM) } else { (width / 2.0, colour) };
    let reach = radius + 1.0;
    let (columns, rows) = (image.width(), image.height());
    let range = |p: f64, q: f64, size: usize| {
        let first = (p.min(q) - reach).floor().max(0.0) as usize;
        let end = ((p.max(q) + reach).ceil() + 1.0).clamp(0.0, size as f64) as usize;
        first.min(end)..end
    };
    let (xs, ys) = (range(a[0], b[0], columns), range(a[1], b[1], rows));
    let along = [b[0] - a[0], b[1] - a[1]];
    let square = along[0] * along[0] + along[1] * along[1];
    let rgb = image.rgb_mut();
    for y in ys {
        for x in xs.clone() {
            let from = [x as f64 - a[0], y as f64 - a[1]];
            let t =
                if square > 0.0 { ((from[0] * along[0] + from[1] * along[1]) / square).clamp(0.0, 1.0) } else { 0.0 };
            let distance = (from[0] - t * along[0]).hypot(from[1] - t * along[1]);
            let cover = (radius + 0.5 - distance).clamp(0.0, 1.0);
            let at = (y * columns + x) * 3;
            if let (true, Some(pixel)) = (cover > 0.0, rgb.get_mut(at..at + 3)) {
                for (p, c) in pixel.iter_mut().zip(colour) {
                    *p = (f64::from(*p) + cover * (f64::from(c) - f64::from(*p))).round() as u8;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_far_and_missing_points_are_left_out() {
        let grey = Image::filled(40, 30, [90; 3]).unwrap();
        let draw = |points: &[[f64; 2]], v: f64| draw_skeleton(&grey, points, &[v; 33], &OverlayConfig::default());
        assert_eq!(draw(&[[20.0, 15.0]; 33], 0.4).unwrap(), grey);
        assert_eq!(draw(&[[f64::INFINITY, f64::NAN]; 33], 0.9).unwrap(), grey);
        assert_eq!(draw(&[[1e300, -1e300]; 33], 0.9).unwrap(), grey);
        assert_ne!(draw(&[[20.0, 15.0]; 33], 0.9).unwrap(), grey);
        assert_ne!(draw(&[[-1.0, 15.0]; 33], 0.9).unwrap(), grey);
    }

    #[test]
    fn shapes_and_settings_are_checked() {
        let grey = Image::filled(4, 3, [90; 3]).unwrap();
        assert!(draw_skeleton(&grey, &[[0.0; 2]; 32], &[1.0; 32], &OverlayConfig::default()).is_err());
        assert!(draw_skeleton(&grey, &[[0.0; 2]; 33], &[1.0; 32], &OverlayConfig::default()).is_err());
        assert!(OverlayConfig::default().with_line_px(0.0).validate().is_err());
        assert!(OverlayConfig::default().with_min_visibility(f64::NAN).validate().is_err());
    }
}
