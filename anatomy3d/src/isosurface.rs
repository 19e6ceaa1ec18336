//! Surfaces of equal intensity.

use crate::flying_edges::{Engine, pack};
use crate::{Error, Mesh, Result, Volume};
use eir_core::error::{NotFinite, Parameter};
use serde::{Deserialize, Serialize};

/// The closed surface around all voxels of at least `level`.
///
/// # Errors
/// As [`Isosurface::extract`].
pub fn isosurface(volume: &Volume, level: f64) -> Result<Mesh> {
    IsosurfaceConfig::default().build()?.extract(volume, level)
}

/// What happens where the object touches the border of the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Border {
    /// The surface is closed by a flat cap on the outer face of the last voxels: the surface has a volume.
    #[default]
    Closed,
    /// The surface ends there, with a hole. Its volume means nothing; VTK does this.
    Open,
}

/// Settings of [`Isosurface`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IsosurfaceConfig {
    /// What happens at the border of the volume. Default [`Border::Closed`].
    pub border: Border,
    /// How close to a voxel a vertex may come, as a part of the edge: 0 to 0.1. Default 0.0001, and never less than
    /// two steps of an `f32` at the volume's coordinates (unless it is 0). At 0 a voxel that equals the level gives
    /// triangles without area, which stop most decimation programs.
    pub margin: f64,
}

impl Default for IsosurfaceConfig {
    fn default() -> Self {
        Self { border: Border::Closed, margin: 1e-4 }
    }
}

impl IsosurfaceConfig {
    /// Sets [`border`](Self::border).
    #[must_use]
    pub fn with_border(self, border: Border) -> Self {
        Self { border, ..self }
    }
    /// Sets [`margin`](Self::margin).
    #[must_use]
    pub fn with_margin(self, margin: f64) -> Self {
        Self { margin, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        if !(0.0..=0.1).contains(&self.margin) {
            return Err(Parameter::new("margin", self.margin, "0 to 0.1").into());
        }
        Ok(())
    }

    /// Makes the extractor.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn build(self) -> Result<Isosurface> {
        self.validate()?;
        Ok(Isosurface { config: self, engine: Engine::default() })
    }
}

/// An isosurface extractor that keeps its memory from one surface to the next.
///
/// Triangles between all neighbouring voxels of which one is at least the level and the other is not, in mm (LPS),
/// counter-clockwise seen from outside, with the bright side inside; every vertex occurs once.
///
/// **Use it** on intensities: bone in CT at a level in HU. **Not** on label maps (several labels have no order; use
/// [`label_surface`](crate::label_surface())), and **not** where the topology of structures thinner than a voxel matters:
/// where four voxels of a face alternate, the sides are always joined in the same way (that keeps the surface closed), which
/// need not be how the trilinear interpolation runs.
///
/// # Formula
/// A vertex lies at `t = (level − a) / (b − a)` between voxels `a` and `b`, kept `margin` away from both; at the closed border
/// in the middle between the last voxel's centre and its outer neighbour's, so that a box of n voxels is n voxels long.
///
/// # Examples
/// ```
/// use eir_anatomy3d::{Affine, Volume, isosurface};
/// let ball = Volume::from_fn([40, 40, 20], Affine::from_spacing([1.0, 1.0, 2.0])?, |[x, y, z]| {
///     let d = [x as f32 - 19.5, y as f32 - 19.5, 2.0 * z as f32 - 19.0];
///     15.0 - (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt()
/// })?;
/// let mesh = isosurface(&ball, 0.0)?;
/// let exact = 4.0 / 3.0 * std::f64::consts::PI * 15f64.powi(3);
/// assert!((mesh.volume_mm3() / exact - 1.0).abs() < 0.01);
/// assert_eq!(mesh.topology().euler, 2); // a sphere
/// assert!(mesh.topology().is_closed());
/// # Ok::<(), eir_anatomy3d::Error>(())
/// ```
///
/// # Validation
/// Vertices, triangles, edges, Euler number and defects equal to `vtkFlyingEdges3D` 9.7.2, area and volume within 1e-5, on analytic
/// fields, noise, CT and MR (`tests/golden.rs`). Where a voxel equals the level VTK makes triangles without area; this
/// does not.
///
/// # References
/// Lorensen, Cline 1987, doi:10.1145/37402.37422. Schroeder, Maynard, Geveci 2015, doi:10.1109/LDAV.2015.7348069.
#[derive(Debug, Clone)]
pub struct Isosurface {
    config: IsosurfaceConfig,
    engine: Engine,
}

impl Isosurface {
    /// The default settings, to be changed and built.
    #[must_use]
    pub fn config() -> IsosurfaceConfig {
        IsosurfaceConfig::default()
    }

    /// The surface around all voxels of at least `level`. NaN is outside.
    ///
    /// # Errors
    /// [`Error::EmptySurface`] if no voxel is inside (or, with an open border, none is outside), [`Error::NotFinite`] if
    /// the level or a voxel beside the surface is not finite.
    pub fn extract(&mut self, volume: &Volume, level: f64) -> Result<Mesh> {
        let mut mesh = Mesh::default();
        self.extract_into(volume, level, &mut mesh)?;
        Ok(mesh)
    }

    /// As [`extract`](Self::extract), into a mesh of the caller's: allocates nothing once both are large enough.
    ///
    /// # Errors
    /// As `extract`; the mesh is then of no use.
    pub fn extract_into(&mut self, volume: &Volume, level: f64, mesh: &mut Mesh) -> Result<()> {
        NotFinite::check_f64("level", &[level])?;
        // the smallest f32 that is at least the level: the comparison is exact
        let rounded = level as f32;
        let least = if f64::from(rounded) < level { rounded.next_up() } else { rounded };
        let (voxels, shape) = (volume.voxels(), volume.shape());
        let margin = if self.config.margin > 0.0 { self.config.margin.max(resolution(volume)).min(0.1) } else { 0.0 };
        let cut = |a: usize, b: usize| {
            let (low, high) = (f64::from(voxels[a]), f64::from(voxels[b]));
            let t = (level - low) / (high - low);
            if !t.is_finite() || !low.is_finite() || !high.is_finite() {
                let index = if low.is_finite() { b } else { a };
                NotFinite::check_f32("voxel", &[f32::NAN]).map_err(|mut e| {
                    e.index = index;
                    e
                })?;
            }
            Ok(t.clamp(margin, 1.0 - margin))
        };
        let inside = |row: usize, words: &mut [u64]| {
            pack(&voxels[row * shape[0]..(row + 1) * shape[0]], words, |v| v >= least);
        };
        let closed = self.config.border == Border::Closed;
        self.engine.run(shape, closed, volume.affine(), inside, cut, mesh)?;
        if mesh.triangles().is_empty() { Err(Error::EmptySurface) } else { Ok(()) }
    }
}

/// Two steps of an `f32` at the coordinates of the volume, as a part of its smallest spacing.
fn resolution(volume: &Volume) -> f64 {
    let affine = volume.affine();
    let ends = volume.shape().map(|n| [-1.0, n as f64]);
    let corners = (0..8usize).map(|c| affine.apply([ends[0][c & 1], ends[1][c >> 1 & 1], ends[2][c >> 2]]));
    let largest = corners.flatten().fold(0.0f64, |a, v| a.max(v.abs()));
    let smallest = affine.spacing_mm().into_iter().fold(f64::INFINITY, f64::min);
    2.0 * f64::from(f32::EPSILON) * largest / smallest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Affine;

    fn cube(n: usize, border: Border) -> Mesh {
        let v = Volume::from_fn([n, n, n], Affine::from_spacing([1.0; 3]).unwrap(), |_| 5.0).unwrap();
        Isosurface::config().with_border(border).build().and_then(|mut s| s.extract(&v, 1.0)).unwrap()
    }

    #[test]
    fn an_object_that_fills_the_volume_is_closed() {
        for n in [1, 2, 63, 64, 65] {
            let mesh = cube(n, Border::Closed);
            assert!(mesh.topology().is_closed(), "{n}");
            assert_eq!(mesh.topology().euler, 2, "{n}");
            // the box less its bevelled edges
            let n = n as f64;
            assert!(mesh.volume_mm3() > n.powi(3) - 12.0 * n / 8.0 - 1.0 && mesh.volume_mm3() <= n.powi(3), "{n}");
        }
    }

    #[test]
    fn mirrored_axes_keep_the_outside_outside() {
        let affine = Affine::from_spacing([-1.0, 1.0, 1.0]).unwrap();
        let v = Volume::from_fn([5, 5, 5], affine, |[x, _, _]| x as f32).unwrap();
        assert!(isosurface(&v, 2.5).unwrap().volume_mm3() > 0.0);
    }

    #[test]
    fn no_triangle_without_area_where_voxels_equal_the_level() {
        let affine = Affine::from_spacing([1.0; 3]).unwrap();
        let v = Volume::from_fn([20, 20, 20], affine, |[x, y, z]| ((x * 7 + y * 5 + z * 3) % 4) as f32).unwrap();
        let topology = isosurface(&v, 2.0).unwrap().topology();
        assert_eq!((topology.zero_area_faces, topology.boundary_edges), (0, 0));
    }

    #[test]
    fn says_what_is_wrong() {
        let affine = Affine::from_spacing([1.0; 3]).unwrap();
        let v = Volume::new([2, 1, 1], vec![1.0, f32::NAN], affine).unwrap();
        assert!(matches!(isosurface(&v, 0.5), Err(Error::NotFinite(e)) if e.index == 1));
        assert!(matches!(isosurface(&v, 2.0), Err(Error::EmptySurface)));
        assert!(isosurface(&v, f64::NAN).is_err());
        assert!(Isosurface::config().with_margin(0.5).build().is_err());
    }
}
