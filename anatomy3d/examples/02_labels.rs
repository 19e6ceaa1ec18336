//! Every structure of a label map: voxels, millilitres, area, parts.
//!
//! Without arguments on two simulated structures; with a `.nii`, `.nii.gz` or `.nrrd` label map: `… --example 02_labels -- map.nii.gz`.

use eir_anatomy3d::labels::{Connectivity, components, measure};
use eir_anatomy3d::{Affine, LabelMap, Limits, nifti, nrrd};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let map = match std::env::args().nth(1) {
        Some(path) if path.ends_with(".nrrd") => nrrd::read(path, &Limits::default())?.labels(0)?,
        Some(path) => nifti::read(path, &Limits::default())?.labels()?,
        None => LabelMap::from_fn([40, 40, 30], Affine::from_spacing([0.5, 0.5, 1.0])?, |[x, y, z]| {
            let ball = |c: [f64; 3], r: f64| {
                let d = [x as f64 * 0.5 - c[0], y as f64 * 0.5 - c[1], z as f64 - c[2]];
                d.iter().map(|v| v * v).sum::<f64>() <= r * r
            };
            u16::from(ball([6.0, 10.0, 10.0], 5.0)) + 2 * u16::from(ball([15.0, 10.0, 18.0], 3.5))
        })?,
    };
    println!("label  voxels      ml  centroid (LPS, mm)         area cm²  parts");
    for m in measure(&map)? {
        let s = &m.statistics;
        let [x, y, z] = s.centroid_mm;
        let parts = components(&map, s.label, Connectivity::Corners).len();
        println!(
            "{:5} {:7} {:7.2}  {x:8.1} {y:8.1} {z:8.1} {:9.1} {parts:6}",
            s.label,
            s.voxels,
            s.volume_mm3 / 1e3,
            m.area_mm2 / 1e2
        );
    }
    Ok(())
}
