//! A small software rasteriser.

use super::{font, png};
use crate::affine::{cross, dot, norm};
use crate::{Error, Part, Result};
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// A picture of the parts, seen from the front, with a scale bar.
///
/// # Errors
/// As [`Renderer::render`].
pub fn render(parts: &[Part<'_>], view: View) -> Result<Picture> {
    RenderConfig::default().with_view(view).build()?.render(parts)
}

/// From where the patient is seen.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum View {
    /// From the front: the patient's left is on the right.
    #[default]
    Anterior,
    /// From the back.
    Posterior,
    /// From the patient's left.
    Left,
    /// From the patient's right.
    Right,
    /// From above, front up.
    Superior,
    /// From below, front up.
    Inferior,
    /// From the front, then turned.
    Turned {
        /// Degrees to the patient's left (negative: right), -180 to 180.
        azimuth_deg: f64,
        /// Degrees up (negative: down), -89 to 89.
        elevation_deg: f64,
    },
}

impl View {
    /// What the view is called in the picture.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Anterior => "Anterior view".to_owned(),
            Self::Posterior => "Posterior view".to_owned(),
            Self::Left => "Left view".to_owned(),
            Self::Right => "Right view".to_owned(),
            Self::Superior => "Superior view".to_owned(),
            Self::Inferior => "Inferior view".to_owned(),
            Self::Turned { azimuth_deg, elevation_deg } => {
                let side = if *azimuth_deg < 0.0 { "right" } else { "left" };
                let up = if *elevation_deg < 0.0 { "below" } else { "above" };
                let (a, e) = (azimuth_deg.abs().round(), elevation_deg.abs().round());
                format!("Anterior, {a}° from {side}, {e}° from {up}")
            }
        }
    }

    /// Right, up, and towards the viewer, as unit vectors in LPS.
    fn axes(&self) -> [[f64; 3]; 3] {
        let (towards, up) = match self {
            Self::Anterior => ([0.0, -1.0, 0.0], [0.0, 0.0, 1.0]),
            Self::Posterior => ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0]),
            Self::Left => ([1.0, 0.0, 0.0], [0.0, 0.0, 1.0]),
            Self::Right => ([-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]),
            Self::Superior => ([0.0, 0.0, 1.0], [0.0, -1.0, 0.0]),
            Self::Inferior => ([0.0, 0.0, -1.0], [0.0, -1.0, 0.0]),
            Self::Turned { azimuth_deg, elevation_deg } => {
                let ((sa, ca), (se, ce)) = (azimuth_deg.to_radians().sin_cos(), elevation_deg.to_radians().sin_cos());
                ([sa * ce, -ca * ce, se], [-sa * se, ca * se, ce])
            }
        };
        [cross(up, towards), up, towards]
    }
}

/// Settings of [`Renderer`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RenderConfig {
    /// Width in pixels: 64 to 4096. Default 720.
    pub width: usize,
    /// Height in pixels: 64 to 4096. Default 720.
    pub height: usize,
    /// From where. Default [`View::Anterior`].
    pub view: View,
    /// Samples per pixel along each side: 1 to 4. Default 3.
    pub samples: usize,
}

impl Default for RenderConfig {
    fn default() -> Self {
        Self { width: 720, height: 720, view: View::Anterior, samples: 3 }
    }
}

impl RenderConfig {
    /// Sets [`width`](Self::width) and [`height`](Self::height).
    #[must_use]
    pub fn with_size(self, width: usize, height: usize) -> Self {
        Self { width, height, ..self }
    }
    /// Sets [`view`](Self::view).
    #[must_use]
    pub fn with_view(self, view: View) -> Self {
        Self { view, ..self }
    }
    /// Sets [`samples`](Self::samples).
    #[must_use]
    pub fn with_samples(self, samples: usize) -> Self {
        Self { samples, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let fail = |name, value: f64, rule| Err(Parameter::new(name, value, rule).into());
        for (name, value) in [("width", self.width), ("height", self.height)] {
            if !(64..=4096).contains(&value) {
                return fail(name, value as f64, "64 to 4096");
            }
        }
        if !(1..=4).contains(&self.samples) {
            return fail("samples", self.samples as f64, "1 to 4");
        }
        if let View::Turned { azimuth_deg, elevation_deg } = self.view {
            if !(-180.0..=180.0).contains(&azimuth_deg) {
                return fail("azimuth_deg", azimuth_deg, "-180 to 180");
            }
            if !(-89.0..=89.0).contains(&elevation_deg) {
                return fail("elevation_deg", elevation_deg, "-89 to 89");
            }
        }
        Ok(())
    }

    /// Makes the renderer.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn build(self) -> Result<Renderer> {
        self.validate()?;
        Ok(Renderer { config: self, depth: Vec::new(), colour: Vec::new() })
    }
}

/// A picture.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Picture {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Red, green, blue of each pixel, row by row from the top.
    pub rgb: Vec<u8>,
    /// How many pixels a millimetre has.
    pub pixels_per_mm: f64,
}

impl Picture {
    /// The picture as a PNG file.
    #[must_use]
    pub fn png(&self) -> Vec<u8> {
        png::encode(self.width, self.height, &self.rgb)
    }
}

/// A renderer that keeps its memory from one picture to the next.
///
/// Orthographic, so that the scale bar holds everywhere; smooth shading from vertex normals under a light from the upper
/// left; hidden surfaces by a depth buffer; several samples per pixel. The name of the view stands at the top, letters
/// at the sides say where left, right, front, back, head and feet are.
///
/// # Examples
/// ```
/// use eir_anatomy3d::{Affine, Part, Volume, isosurface, render::{View, render}};
/// let ball = Volume::from_fn([24, 24, 24], Affine::from_spacing([1.0; 3])?, |i| {
///     9.0 - i.iter().map(|v| (*v as f32 - 11.5).powi(2)).sum::<f32>().sqrt()
/// })?;
/// let mesh = isosurface(&ball, 0.0)?;
/// let picture = render(&[Part::new(&mesh, "ball", [230, 214, 190])], View::Anterior)?;
/// assert_eq!((picture.width, picture.rgb.len()), (720, 720 * 720 * 3));
/// assert!(picture.png().starts_with(b"\x89PNG"));
/// # Ok::<(), eir_anatomy3d::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Renderer {
    config: RenderConfig,
    depth: Vec<f32>,
    colour: Vec<[u8; 3]>,
}

/// A light ground that suits a light and a dark page.
const GROUND: [u8; 3] = [244, 246, 248];
const INK: [u8; 3] = [52, 60, 68];

impl Renderer {
    /// The default settings, to be changed and built.
    #[must_use]
    pub fn config() -> RenderConfig {
        RenderConfig::default()
    }

    /// The picture of the parts.
    ///
    /// # Errors
    /// [`Error::EmptySurface`] if there is nothing to see.
    pub fn render(&mut self, parts: &[Part<'_>]) -> Result<Picture> {
        let (samples, axes) = (self.config.samples, self.config.view.axes());
        let (width, height) = (self.config.width * samples, self.config.height * samples);
        let camera = Camera::around(parts, axes, width, height).ok_or(Error::EmptySurface)?;
        self.depth.clear();
        self.depth.resize(width * height, f32::NEG_INFINITY);
        self.colour.clear();
        self.colour.resize(width * height, GROUND);
        for part in parts {
            let places: Vec<[f32; 3]> = part.mesh.vertices().iter().map(|v| camera.project(v.map(f64::from))).collect();
            let normals: Vec<[f32; 3]> = part.mesh.normals().into_iter().map(|n| camera.turn(n)).collect();
            for t in part.mesh.triangles() {
                let corner = t.map(|v| places[v as usize]);
                self.triangle(width, height, corner, t.map(|v| normals[v as usize]), part.rgb);
            }
        }
        let (width, height) = (self.config.width, self.config.height);
        let mut rgb = Vec::with_capacity(3 * width * height);
        for y in 0..height {
            for x in 0..width {
                let mut sum = [0u32; 3];
                for row in 0..samples {
                    let start = (y * samples + row) * width * samples + x * samples;
                    for c in &self.colour[start..start + samples] {
                        for (s, v) in sum.iter_mut().zip(c) {
                            *s += u32::from(*v);
                        }
                    }
                }
                let n = (samples * samples) as u32;
                rgb.extend(sum.map(|s| ((s + n / 2) / n) as u8));
            }
        }
        let mut picture = Picture { width, height, rgb, pixels_per_mm: camera.scale / samples as f64 };
        self.annotate(&mut picture, axes);
        Ok(picture)
    }

    /// Draws one triangle; coordinates are in samples, depth grows towards the viewer.
    fn triangle(&mut self, width: usize, height: usize, p: [[f32; 3]; 3], n: [[f32; 3]; 3], rgb: [u8; 3]) {
        let area = (p[1][0] - p[0][0]) * (p[2][1] - p[0][1]) - (p[1][1] - p[0][1]) * (p[2][0] - p[0][0]);
        if area == 0.0 {
            return;
        }
        let bound = |axis: usize, size: usize| {
            let (low, high) =
                p.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(v[axis]), h.max(v[axis])));
            let first = (low - 0.5).ceil().max(0.0) as usize;
            let end = ((high - 0.5).floor() + 1.0).clamp(0.0, size as f32) as usize;
            first..end
        };
        let (columns, rows) = (bound(0, width), bound(1, height));
        for y in rows {
            for x in columns.clone() {
                let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
                let side =
                    |a: [f32; 3], b: [f32; 3]| ((b[0] - a[0]) * (py - a[1]) - (b[1] - a[1]) * (px - a[0])) / area;
                let w = [side(p[1], p[2]), side(p[2], p[0]), side(p[0], p[1])];
                if w.iter().any(|w| *w < 0.0) {
                    continue;
                }
                let mix = |v: [f32; 3]| w[0] * v[0] + w[1] * v[1] + w[2] * v[2];
                let depth = mix([p[0][2], p[1][2], p[2][2]]);
                let at = y * width + x;
                if depth > self.depth[at] {
                    self.depth[at] = depth;
                    self.colour[at] = shade(
                        mix([n[0][0], n[1][0], n[2][0]]),
                        mix([n[0][1], n[1][1], n[2][1]]),
                        mix([n[0][2], n[1][2], n[2][2]]),
                        rgb,
                    );
                }
            }
        }
    }

    fn annotate(&self, picture: &mut Picture, axes: [[f64; 3]; 3]) {
        let (w, h) = (picture.width, picture.height);
        let size = (w.min(h) / 360).clamp(1, 6);
        let (cell, pad) = (6 * size, 8 * size);
        let name = self.config.view.name();
        write(picture, pad, pad, size, &name);
        // the longest round length of at most a quarter of the width
        let most = w as f64 / 4.0 / picture.pixels_per_mm;
        let power = 10f64.powf(most.log10().floor());
        let length = [5.0, 2.0, 1.0].into_iter().map(|m| m * power).find(|l| *l <= most).unwrap_or(power);
        let bar = (length * picture.pixels_per_mm).round() as usize;
        let bottom = h - pad - size;
        fill(picture, pad, bottom - size, bar, 2 * size);
        for x in [pad, pad + bar - size] {
            fill(picture, x, bottom - 4 * size, size, 6 * size);
        }
        write(picture, pad, bottom - 14 * size, size, &format!("{length} mm"));
        let letter = |axis: [f64; 3]| {
            let names = [["L", "R"], ["P", "A"], ["S", "I"]];
            let found = (0..3).find(|c| axis[*c].abs() > 0.85);
            found.map_or("", |c| names[c][usize::from(axis[c] < 0.0)])
        };
        let [right, up, _] = axes;
        let back = |v: [f64; 3]| v.map(|c| -c);
        write(picture, w - pad - cell, h / 2, size, letter(right));
        write(picture, pad, h / 2, size, letter(back(right)));
        write(picture, w / 2, pad, size, if name.len() * cell + 2 * pad < w / 2 { letter(up) } else { "" });
        write(picture, w / 2, h - pad - 7 * size, size, letter(back(up)));
    }
}

/// The colour of a surface whose normal points right, up and towards the viewer by so much.
fn shade(x: f32, y: f32, z: f32, rgb: [u8; 3]) -> [u8; 3] {
    let length = (x * x + y * y + z * z).sqrt().max(1e-12);
    let mut n = [x / length, y / length, z / length];
    if n[2] < 0.0 {
        n = n.map(|c| -c); // the inside of an open surface
    }
    const LIGHT: [f32; 3] = [-0.35, 0.5, 0.792];
    const HALF: [f32; 3] = [-0.185, 0.264, 0.947];
    let along = |v: [f32; 3]| (n[0] * v[0] + n[1] * v[1] + n[2] * v[2]).max(0.0);
    let rim = 1.0 - n[2];
    let light = (0.34 + 0.66 * along(LIGHT)) * (1.0 - 0.35 * rim * rim);
    let shine = 36.0 * along(HALF).powi(40);
    rgb.map(|c| (f32::from(c) * light + shine).clamp(0.0, 255.0) as u8)
}

fn fill(picture: &mut Picture, x: usize, y: usize, width: usize, height: usize) {
    for row in y..(y + height).min(picture.height) {
        for column in x..(x + width).min(picture.width) {
            let at = 3 * (row * picture.width + column);
            picture.rgb[at..at + 3].copy_from_slice(&INK);
        }
    }
}

fn write(picture: &mut Picture, x: usize, y: usize, size: usize, text: &str) {
    for (i, c) in text.chars().enumerate() {
        for (column, bits) in font::columns(c).into_iter().enumerate() {
            for row in (0..7).filter(|r| bits >> r & 1 == 1) {
                fill(picture, x + (6 * i + column) * size, y + row * size, size, size);
            }
        }
    }
}

/// Millimetres to samples.
struct Camera {
    axes: [[f64; 3]; 3],
    middle: [f64; 3],
    scale: f64,
    centre: [f64; 2],
}

impl Camera {
    /// A camera that sees all parts, with room for the words; none if there is nothing to see.
    fn around(parts: &[Part<'_>], axes: [[f64; 3]; 3], width: usize, height: usize) -> Option<Self> {
        let mut low = [f64::INFINITY; 3];
        let mut high = [f64::NEG_INFINITY; 3];
        for part in parts {
            for v in part.mesh.triangles().iter().flatten().map(|v| part.mesh.vertices()[*v as usize].map(f64::from)) {
                for a in 0..3 {
                    let along = dot(axes[a], v);
                    low[a] = low[a].min(along);
                    high[a] = high[a].max(along);
                }
            }
        }
        if low[0] > high[0] {
            return None;
        }
        let middle = [0, 1, 2].map(|a| (low[a] + high[a]) / 2.0);
        let extent = [high[0] - low[0], high[1] - low[1]].map(|e| e.max(1e-3));
        let (width, height) = (width as f64, height as f64);
        let scale = (0.84 * width / extent[0]).min(0.8 * height / extent[1]);
        Some(Self { axes, middle, scale, centre: [width / 2.0, height / 2.0] })
    }

    fn project(&self, v: [f64; 3]) -> [f32; 3] {
        let along = [0, 1, 2].map(|a| (dot(self.axes[a], v) - self.middle[a]) * self.scale);
        [(self.centre[0] + along[0]) as f32, (self.centre[1] - along[1]) as f32, along[2] as f32]
    }

    fn turn(&self, n: [f32; 3]) -> [f32; 3] {
        let n = n.map(f64::from);
        let length = norm(n).max(1e-12);
        self.axes.map(|a| (dot(a, n) / length) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Affine, LabelMap, Mesh, label_surface};

    fn plate() -> Mesh {
        // lies in the plane x-z, 40 mm to the left of the origin on one side only
        let map = LabelMap::from_fn([40, 4, 20], Affine::from_spacing([1.0; 3]).unwrap(), |[x, _, z]| {
            u16::from(z < 5 || x > 30)
        });
        label_surface(&map.unwrap(), 1).unwrap()
    }

    #[test]
    fn left_is_on_the_right_and_up_is_up() {
        let mesh = plate();
        let parts = [Part::new(&mesh, "plate", [200, 60, 40])];
        let is_red = |p: &Picture, x: usize, y: usize| {
            let at = 3 * (y * p.width + x);
            p.rgb[at] > p.rgb[at + 2].saturating_add(40)
        };
        let config = RenderConfig::default().with_size(200, 120);
        let front = config.clone().build().unwrap().render(&parts).unwrap();
        // the tall part is at the patient's left
        assert!(is_red(&front, 175, 45) && !is_red(&front, 40, 45) && is_red(&front, 40, 90));
        let back = config.with_view(View::Posterior).build().unwrap().render(&parts).unwrap();
        assert!(is_red(&back, 25, 45) && !is_red(&back, 160, 45));
    }

    #[test]
    fn axes_are_right_handed() {
        let turned = View::Turned { azimuth_deg: 35.0, elevation_deg: 20.0 };
        let views = [View::Anterior, View::Posterior, View::Left, View::Right, View::Superior, View::Inferior, turned];
        for view in views {
            let [r, u, t] = view.axes();
            let z = cross(r, u);
            assert!(z.iter().zip(t).all(|(a, b)| (a - b).abs() < 1e-12), "{view:?}");
            assert!(view.name().chars().all(|c| c == ' ' || font::columns(c) != [0; 5]), "{}", view.name());
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(matches!(render(&[], View::Anterior), Err(Error::EmptySurface)));
        assert!(RenderConfig::default().with_size(10, 100).build().is_err());
        assert!(RenderConfig::default().with_samples(9).build().is_err());
        let view = View::Turned { azimuth_deg: 200.0, elevation_deg: 0.0 };
        assert!(RenderConfig::default().with_view(view).build().is_err());
    }
}
