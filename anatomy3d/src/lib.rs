//! Medical volumes to surfaces: read a scan, get a closed surface, measure it in millimetres.
//!
//! ```
//! use eir_anatomy3d::{Affine, Volume, isosurface};
//!
//! // a ball of 10 mm radius in voxels of 1 × 1 × 2 mm
//! let scan = Volume::from_fn([30, 30, 15], Affine::from_spacing([1.0, 1.0, 2.0])?, |[x, y, z]| {
//!     let d = [x as f32 - 14.5, y as f32 - 14.5, 2.0 * z as f32 - 14.0];
//!     10.0 - (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt()
//! })?;
//! let mesh = isosurface(&scan, 0.0)?;
//! assert!(mesh.topology().is_closed());
//! assert!((mesh.volume_mm3() - 4188.8).abs() < 50.0); // exact: 4188.8 mm³; the steps of 2 mm cost 1.1 %
//! assert!((mesh.area_mm2() - 1256.6).abs() < 8.0);
//! # Ok::<(), eir_anatomy3d::Error>(())
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`nifti`], [`nrrd`], [`dicom`] | scans and label maps from files, with their place in the patient |
//! | [`Volume`], [`LabelMap`], [`Affine`] | voxels in memory; from indices to mm |
//! | [`isosurface()`], [`label_surface()`] | closed surfaces of an intensity or of a label |
//! | [`Mesh`], [`Topology`] | area, volume, centroid, Euler number, holes |
//! | [`labels`] | voxel counts, volumes, centroids, connected parts |
//! | [`decimate()`] | fewer triangles, still closed |
//! | [`stl`], [`gltf`] | surfaces to files |
//! | [`render`] | a picture with a scale bar |
//!
//! # Axes and units
//! Millimetres, and **LPS** everywhere: +x to the patient's left, +y to the back, +z to the head, as in DICOM. The readers
//! convert; [`Affine::to_ras`] goes back to RAS. Sheared and left-handed grids stay what they are.
//!
//! # What it does not do
//! No segmentation and no neural networks yet; no smoothing of label surfaces; no registration. Not a medical device: volumes
//! and pictures are for research and teaching.

mod affine;
mod cell_cases;
mod decimate;
pub mod dicom;
mod error;
mod flying_edges;
pub mod gltf;
mod gzip;
mod isosurface;
mod label_surface;
pub mod labels;
mod mesh;
pub mod nifti;
pub mod nrrd;
mod raster;
pub mod render;
pub mod stl;
mod volume;

pub use affine::Affine;
pub use decimate::{Decimate, DecimateConfig, decimate};
pub use eir_core::Limits;
pub use error::{Error, Result};
pub use isosurface::{Border, Isosurface, IsosurfaceConfig, isosurface};
pub use label_surface::{LabelSurface, label_surface};
pub use mesh::{Mesh, Part, Topology};
pub use raster::{Image, VoxelType};
pub use volume::{LabelMap, Volume};
