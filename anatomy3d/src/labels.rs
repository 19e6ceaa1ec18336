//! What can be counted on a label map.

use crate::mesh::Parts;
use crate::{LabelMap, Mesh, Result};
use std::collections::BTreeMap;

/// One label's voxels: how many, where, how they are spread.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// The label.
    pub label: u16,
    /// How many voxels have it.
    pub voxels: usize,
    /// Their volume: count times the volume of a voxel.
    pub volume_mm3: f64,
    /// Mean of their centres, in mm (LPS).
    pub centroid_mm: [f64; 3],
    /// Smallest index on each axis.
    pub first: [usize; 3],
    /// Number of voxels that the bounding box has on each axis.
    pub size: [usize; 3],
}

/// Counts every label of the map, without the background, in order.
///
/// **Use it** for the volume of a structure: it counts voxels, which no smoothing changes. **Not** as a measure of how
/// sure that volume is: half a voxel more or less all around changes it by half a voxel times the area.
///
/// # Formula
/// `V = n · |det A|`; centroid = `A · mean index`.
///
/// # Examples
/// ```
/// use eir_anatomy3d::{Affine, LabelMap, labels};
/// let map = LabelMap::from_fn([4, 4, 4], Affine::from_spacing([1.0, 1.0, 2.0])?, |[x, _, _]| u16::from(x > 1))?;
/// let all = labels::statistics(&map);
/// assert_eq!((all[0].voxels, all[0].volume_mm3), (32, 64.0));
/// assert_eq!(all[0].centroid_mm, [2.5, 1.5, 3.0]);
/// # Ok::<(), eir_anatomy3d::Error>(())
/// ```
///
/// # Validation
/// Counts and boxes equal to SimpleITK 2.5.7 `LabelShapeStatistics`, sizes and centroids within 1e-6
/// (`tests/golden.rs`).
#[must_use]
pub fn statistics(map: &LabelMap) -> Vec<Statistics> {
    struct Sum {
        count: usize,
        sums: [u64; 3],
        low: [usize; 3],
        high: [usize; 3],
    }
    let [nx, ny, _] = map.shape();
    let mut all: Vec<Option<Box<Sum>>> = Vec::new();
    all.resize_with(1 << 16, || None);
    for (row, labels) in map.labels().chunks(nx).enumerate() {
        let (y, z) = (row % ny, row / ny);
        let mut x = 0;
        // runs of equal labels are counted at once
        for run in labels.chunk_by(|a, b| a == b) {
            let (label, n, first) = (run[0], run.len(), x);
            x += n;
            if label == 0 {
                continue;
            }
            let sum = all[usize::from(label)]
                .get_or_insert_with(|| Box::new(Sum { count: 0, sums: [0; 3], low: [usize::MAX; 3], high: [0; 3] }));
            sum.count += n;
            sum.sums[0] += ((2 * first + n - 1) * n / 2) as u64;
            sum.sums[1] += (y * n) as u64;
            sum.sums[2] += (z * n) as u64;
            for (axis, (low, high)) in [(first, first + n - 1), (y, y), (z, z)].into_iter().enumerate() {
                sum.low[axis] = sum.low[axis].min(low);
                sum.high[axis] = sum.high[axis].max(high);
            }
        }
    }
    let label = |(label, sum): (usize, Option<Box<Sum>>)| {
        let sum = sum?;
        Some(Statistics {
            label: label as u16,
            voxels: sum.count,
            volume_mm3: sum.count as f64 * map.affine().voxel_volume_mm3(),
            centroid_mm: map.affine().apply(sum.sums.map(|s| s as f64 / sum.count as f64)),
            first: sum.low,
            size: [0, 1, 2].map(|a| sum.high[a] - sum.low[a] + 1),
        })
    };
    all.into_iter().enumerate().filter_map(label).collect()
}

/// Which voxels touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connectivity {
    /// Voxels that share a face: 6 neighbours.
    #[default]
    Faces,
    /// Voxels that share a face or an edge: 18 neighbours.
    Edges,
    /// Voxels that share a face, an edge or a corner: 26 neighbours.
    Corners,
}

/// Sizes, in voxels, of the connected parts of one label, the largest first.
///
/// **Use it** to find islands that a segmentation left behind.
///
/// # Examples
/// ```
/// use eir_anatomy3d::{Affine, LabelMap, labels::{Connectivity, components}};
/// let map = LabelMap::from_fn([2, 2, 1], Affine::from_spacing([1.0; 3])?, |[x, y, _]| u16::from(x == y))?;
/// assert_eq!(components(&map, 1, Connectivity::Faces), [1, 1]);
/// assert_eq!(components(&map, 1, Connectivity::Edges), [2]);
/// # Ok::<(), eir_anatomy3d::Error>(())
/// ```
///
/// # Validation
/// Equal to connected-components-3d 4.1.1 for 6, 18 and 26 neighbours (`tests/golden.rs`).
#[must_use]
pub fn components(map: &LabelMap, label: u16, connectivity: Connectivity) -> Vec<usize> {
    let [nx, ny, _] = map.shape();
    // runs of the label in each row; runs of neighbouring rows that touch are joined
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut rows: Vec<usize> = vec![0];
    for labels in map.labels().chunks(nx) {
        let mut x = 0;
        for run in labels.chunk_by(|a, b| (*a == label) == (*b == label)) {
            if run[0] == label {
                runs.push((x, x + run.len()));
            }
            x += run.len();
        }
        rows.push(runs.len());
    }
    let mut parts = Parts::new(runs.len());
    // rows before this one that may touch it, and how far beyond its ends a run reaches into them
    let reach = |dy: i64, dz: i64| match (connectivity, dy.abs() + dz.abs()) {
        (Connectivity::Faces, 1) => Some(0),
        (Connectivity::Edges, 1) | (Connectivity::Corners, _) => Some(1),
        (Connectivity::Edges, 2) => Some(0),
        _ => None,
    };
    for row in 0..rows.len() - 1 {
        for (dy, dz) in [(-1i64, 0i64), (0, -1), (-1, -1), (1, -1)] {
            let (y, z) = ((row % ny) as i64 + dy, (row / ny) as i64 + dz);
            let Some(reach) = reach(dy, dz) else { continue };
            if y < 0 || y >= ny as i64 || z < 0 {
                continue;
            }
            let other = y as usize + ny * z as usize;
            let (mut a, mut b) = (rows[row], rows[other]);
            while a < rows[row + 1] && b < rows[other + 1] {
                let ((from, to), (low, high)) = (runs[a], runs[b]);
                if from < high + reach && low < to + reach {
                    parts.join(a, b);
                }
                if to < high { a += 1 } else { b += 1 }
            }
        }
    }
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    for (k, (from, to)) in runs.iter().enumerate() {
        *sizes.entry(parts.root(k)).or_default() += to - from;
    }
    let mut sizes: Vec<usize> = sizes.into_values().collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes
}

/// Volume, area and topology of a label's surface beside its count of voxels.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Measured {
    /// The count.
    pub statistics: Statistics,
    /// Volume that the surface encloses.
    pub surface_volume_mm3: f64,
    /// Area of the surface.
    pub area_mm2: f64,
    /// The surface itself.
    pub mesh: Mesh,
}

/// Counts every label and extracts its surface.
///
/// # Errors
/// As [`label_surface`](crate::label_surface()).
pub fn measure(map: &LabelMap) -> Result<Vec<Measured>> {
    let mut surface = crate::LabelSurface::new();
    let one = |statistics: Statistics| {
        let mesh = surface.extract(map, statistics.label)?;
        let (surface_volume_mm3, area_mm2) = (mesh.volume_mm3(), mesh.area_mm2());
        Ok(Measured { statistics, surface_volume_mm3, area_mm2, mesh })
    };
    statistics(map).into_iter().map(one).collect()
}
