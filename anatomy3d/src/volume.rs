//! Scans and label maps in memory.

use crate::{Affine, Error, Result};
use eir_core::error::{Mismatch, Unsupported};

/// A scan: intensities on a grid with its place in the patient.
///
/// Voxels are `f32`, x fastest, then y, then z; the [`Affine`] leads from indices to mm in LPS.
///
/// # Examples
/// ```
/// use eir_anatomy3d::{Affine, Volume};
/// let scan = Volume::from_fn([4, 3, 2], Affine::from_spacing([1.0, 1.0, 3.0])?, |[x, _, z]| (x + 10 * z) as f32)?;
/// assert_eq!(scan.get([2, 1, 1]), Some(12.0));
/// assert_eq!(scan.range(), Some((0.0, 13.0)));
/// # Ok::<(), eir_anatomy3d::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    shape: [usize; 3],
    voxels: Vec<f32>,
    affine: Affine,
}

/// A label per voxel: which structure it belongs to. 0 is the background.
///
/// Labels are `u16`, laid out as in [`Volume`].
#[derive(Debug, Clone, PartialEq)]
pub struct LabelMap {
    shape: [usize; 3],
    labels: Vec<u16>,
    affine: Affine,
}

fn count(shape: [usize; 3]) -> Result<usize> {
    let all = shape.iter().try_fold(1usize, |a, b| a.checked_mul(*b)).unwrap_or(0);
    if all == 0 {
        return Err(Mismatch::new("shape of a volume", "at least one voxel on each axis", format!("{shape:?}")).into());
    }
    Ok(all)
}

fn position(shape: [usize; 3], index: [usize; 3]) -> Option<usize> {
    let inside = index.iter().zip(shape).all(|(i, n)| *i < n);
    inside.then(|| index[0] + shape[0] * (index[1] + shape[1] * index[2]))
}

fn fill<T>(shape: [usize; 3], mut value: impl FnMut([usize; 3]) -> T) -> Vec<T> {
    let [nx, ny, nz] = shape;
    let mut all = Vec::with_capacity(nx * ny * nz);
    for z in 0..nz {
        for y in 0..ny {
            all.extend((0..nx).map(|x| value([x, y, z])));
        }
    }
    all
}

impl Volume {
    /// A volume of the given voxels, x fastest.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if an axis is empty or there are not as many voxels as the shape says.
    pub fn new(shape: [usize; 3], voxels: Vec<f32>, affine: Affine) -> Result<Self> {
        Mismatch::check("voxels of the shape", count(shape)?, voxels.len())?;
        Ok(Self { shape, voxels, affine })
    }

    /// A volume whose voxel at each index is `value(index)`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if an axis is empty.
    pub fn from_fn(shape: [usize; 3], affine: Affine, value: impl FnMut([usize; 3]) -> f32) -> Result<Self> {
        count(shape)?;
        Ok(Self { shape, voxels: fill(shape, value), affine })
    }

    /// Number of voxels along x, y and z.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// All voxels, x fastest.
    #[must_use]
    pub fn voxels(&self) -> &[f32] {
        &self.voxels
    }

    /// The voxels themselves, to be used further.
    #[must_use]
    pub fn into_voxels(self) -> Vec<f32> {
        self.voxels
    }

    /// From indices to mm in LPS.
    #[must_use]
    pub fn affine(&self) -> &Affine {
        &self.affine
    }

    /// The voxel at an index; none outside.
    #[must_use]
    pub fn get(&self, index: [usize; 3]) -> Option<f32> {
        position(self.shape, index).and_then(|p| self.voxels.get(p).copied())
    }

    /// Smallest and largest finite voxel; none if no voxel is finite.
    #[must_use]
    pub fn range(&self) -> Option<(f32, f32)> {
        let finite = self.voxels.iter().filter(|v| v.is_finite());
        let (low, high) = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
        (low <= high).then_some((low, high))
    }

    /// Label 1 where a voxel is at least `level`, else 0 (NaN is 0).
    #[must_use]
    pub fn threshold(&self, level: f32) -> LabelMap {
        let labels = self.voxels.iter().map(|v| u16::from(*v >= level)).collect();
        LabelMap { shape: self.shape, labels, affine: self.affine }
    }

    /// The voxels as labels.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if a voxel is no whole number from 0 to 65535.
    pub fn to_labels(&self) -> Result<LabelMap> {
        let label = |v: &f32| {
            let label = *v as u16; // saturates
            (f32::from(label) == *v).then_some(label)
        };
        let labels = self.voxels.iter().map(label).collect::<Option<Vec<u16>>>();
        let labels = labels.ok_or_else(|| {
            Error::from(Unsupported::new("a label map with fractions or negative numbers", "use `Volume::threshold`"))
        })?;
        Ok(LabelMap { shape: self.shape, labels, affine: self.affine })
    }
}

impl LabelMap {
    /// A label map of the given labels, x fastest.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if an axis is empty or there are not as many labels as the shape says.
    pub fn new(shape: [usize; 3], labels: Vec<u16>, affine: Affine) -> Result<Self> {
        Mismatch::check("labels of the shape", count(shape)?, labels.len())?;
        Ok(Self { shape, labels, affine })
    }

    /// A label map whose label at each index is `label(index)`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if an axis is empty.
    pub fn from_fn(shape: [usize; 3], affine: Affine, label: impl FnMut([usize; 3]) -> u16) -> Result<Self> {
        count(shape)?;
        Ok(Self { shape, labels: fill(shape, label), affine })
    }

    /// Number of voxels along x, y and z.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// All labels, x fastest.
    #[must_use]
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// From indices to mm in LPS.
    #[must_use]
    pub fn affine(&self) -> &Affine {
        &self.affine
    }

    /// The label at an index; none outside.
    #[must_use]
    pub fn get(&self, index: [usize; 3]) -> Option<u16> {
        position(self.shape, index).and_then(|p| self.labels.get(p).copied())
    }

    /// The labels that occur, without the background, in order.
    #[must_use]
    pub fn present(&self) -> Vec<u16> {
        let mut seen = vec![false; 1 << 16];
        for label in &self.labels {
            seen[usize::from(*label)] = true;
        }
        (1..=u16::MAX).filter(|l| seen[usize::from(*l)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x_is_fastest() {
        let affine = Affine::from_spacing([1.0; 3]).unwrap();
        let v = Volume::from_fn([2, 3, 2], affine, |[x, y, z]| (x + 10 * y + 100 * z) as f32).unwrap();
        assert_eq!(v.voxels()[1], 1.0);
        assert_eq!(v.voxels()[2], 10.0);
        assert_eq!(v.get([1, 2, 1]), Some(121.0));
        assert_eq!(v.get([2, 0, 0]), None);
    }

    #[test]
    fn labels_are_whole_numbers() {
        let affine = Affine::from_spacing([1.0; 3]).unwrap();
        let v = Volume::new([3, 1, 1], vec![0.0, 7.0, 3.0], affine).unwrap();
        assert_eq!(v.to_labels().unwrap().present(), [3, 7]);
        for bad in [0.5, -1.0, 65536.0, f32::NAN] {
            assert!(Volume::new([1, 1, 1], vec![bad], affine).unwrap().to_labels().is_err());
        }
        assert!(Volume::new([0, 1, 1], vec![], affine).is_err());
        assert!(Volume::new([2, 1, 1], vec![0.0], affine).is_err());
    }
}
