//! From voxel indices to places in the patient.

use crate::{Error, Result};
use eir_core::error::{NotFinite, Parameter};
use serde::{Deserialize, Serialize};

/// An affine map from voxel indices (column, row, slice: x, y, z) to millimetres in the patient.
///
/// The patient's axes are **LPS** everywhere in this crate, as in DICOM: +x to the patient's left, +y to the back
/// (posterior), +z to the head (superior). NIfTI files are RAS; the readers convert, and [`to_ras`](Self::to_ras) goes back.
/// The map may be sheared (gantry tilt) or left-handed; nothing here assumes right angles.
///
/// # Formula
/// `p = A · (i, j, k, 1)`, `A` a 3×4 matrix whose columns are the steps of one voxel and the centre of voxel (0, 0, 0).
///
/// # Examples
/// ```
/// use eir_anatomy3d::Affine;
/// let affine = Affine::from_spacing([0.5, 0.5, 2.0])?;
/// assert_eq!(affine.apply([2.0, 0.0, 1.0]), [1.0, 0.0, 2.0]);
/// assert_eq!(affine.voxel_volume_mm3(), 0.5);
/// # Ok::<(), eir_anatomy3d::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Affine {
    rows: [[f64; 4]; 3],
}

impl Affine {
    /// The map with the given rows.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if an entry is NaN or infinite, [`Error::Parameter`] if voxels would have no volume.
    pub fn new(rows: [[f64; 4]; 3]) -> Result<Self> {
        NotFinite::check_f64("entry of the affine", rows.as_flattened())?;
        let affine = Self { rows };
        let volume = affine.determinant();
        if volume == 0.0 || !volume.is_finite() {
            return Err(Parameter::new("voxel volume (mm3)", volume, "a finite number that is not 0").into());
        }
        Ok(affine)
    }

    /// The map with the given columns: the steps along x, y, z and the centre of the first voxel.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_columns(x: [f64; 3], y: [f64; 3], z: [f64; 3], origin: [f64; 3]) -> Result<Self> {
        Self::new([0, 1, 2].map(|r| [x[r], y[r], z[r], origin[r]]))
    }

    /// Voxels along the patient's axes with the first one at the origin.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_spacing(spacing_mm: [f64; 3]) -> Result<Self> {
        let [x, y, z] = spacing_mm;
        Self::from_columns([x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, z], [0.0; 3])
    }

    /// The rows of the matrix.
    #[must_use]
    pub fn rows(&self) -> [[f64; 4]; 3] {
        self.rows
    }

    /// Column `c` of the matrix: the step of one voxel along axis 0 to 2, or the origin (3 and above).
    #[must_use]
    pub fn column(&self, c: usize) -> [f64; 3] {
        self.rows.map(|r| r[c.min(3)])
    }

    /// The place of an index.
    #[must_use]
    pub fn apply(&self, index: [f64; 3]) -> [f64; 3] {
        self.rows.map(|r| r[0] * index[0] + r[1] * index[1] + r[2] * index[2] + r[3])
    }

    /// The index of a place.
    #[must_use]
    pub fn unapply(&self, place_mm: [f64; 3]) -> [f64; 3] {
        let (x, y, z) = (self.column(0), self.column(1), self.column(2));
        let p = sub(place_mm, self.column(3));
        let det = self.determinant();
        [dot(p, cross(y, z)) / det, dot(p, cross(z, x)) / det, dot(p, cross(x, y)) / det]
    }

    /// Determinant of the 3×3 part: the signed volume of a voxel; negative if the voxel axes are left-handed.
    #[must_use]
    pub fn determinant(&self) -> f64 {
        dot(cross(self.column(0), self.column(1)), self.column(2))
    }

    /// Volume of a voxel.
    #[must_use]
    pub fn voxel_volume_mm3(&self) -> f64 {
        self.determinant().abs()
    }

    /// Lengths of the steps along the three voxel axes.
    #[must_use]
    pub fn spacing_mm(&self) -> [f64; 3] {
        [0, 1, 2].map(|c| norm(self.column(c)))
    }

    /// Angle between the slice step and the normal of the slices: the gantry tilt of a sheared volume, else 0.
    #[must_use]
    pub fn shear_deg(&self) -> f64 {
        let (normal, step) = (cross(self.column(0), self.column(1)), self.column(2));
        let angle = norm(cross(step, normal)).atan2(dot(step, normal)).to_degrees();
        if angle > 90.0 { 180.0 - angle } else { angle }
    }

    /// The same map with RAS as the patient's axes (NIfTI). Applied to a RAS map it gives LPS.
    #[must_use]
    pub fn to_ras(&self) -> Self {
        let [x, y, z] = self.rows;
        Self { rows: [x.map(|v| 0.0 - v), y.map(|v| 0.0 - v), z] }
    }

    /// The map for indices that count from `offset` instead of from 0: `index' = index − offset`.
    #[must_use]
    pub fn with_first_index(&self, offset: [f64; 3]) -> Self {
        let origin = self.apply(offset);
        let mut rows = self.rows;
        for (row, o) in rows.iter_mut().zip(origin) {
            row[3] = o;
        }
        Self { rows }
    }
}

/// The readers' check: a map from a file is the file's error.
pub(crate) fn from_file(format: &'static str, rows: [[f64; 4]; 3]) -> Result<Affine> {
    Affine::new(rows).map_err(|_| {
        Error::Malformed(eir_core::error::Malformed::new(
            format,
            "its affine is not finite or gives voxels without volume",
        ))
    })
}

pub(crate) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(crate) fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub(crate) fn sub(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub(crate) fn norm(a: [f64; 3]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let tilted =
            Affine::from_columns([0.5, 0.0, 0.1], [0.0, -0.6, 0.2], [0.3, 0.4, 2.0], [5.0, -7.0, 9.0]).unwrap();
        let back = tilted.unapply(tilted.apply([3.0, 4.0, 5.0]));
        assert!(back.iter().zip([3.0, 4.0, 5.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{back:?}");
        assert_eq!(tilted.to_ras().to_ras(), tilted);
        assert!(tilted.determinant() < 0.0);
    }

    #[test]
    fn tilt_is_an_angle() {
        let (s, c) = 18.5f64.to_radians().sin_cos();
        let tilted = Affine::from_columns([1.0, 0.0, 0.0], [0.0, c, -s], [0.0, 0.0, 4.0], [0.0; 3]).unwrap();
        assert!((tilted.shear_deg() - 18.5).abs() < 1e-9);
        assert!(Affine::from_spacing([1.0, 1.0, 0.0]).is_err());
    }
}
