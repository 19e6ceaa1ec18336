//! From a scan to a surface, its measures, a picture and files for printing and for viewers.
//!
//! Without arguments on a simulated bone: `cargo run -p eir-anatomy3d --example 01_surface`.
//! With a scan (`.nii`, `.nii.gz`, `.nrrd` or a folder of DICOM slices), a level in its units and a folder to write to:
//! `… --example 01_surface -- ct.nii.gz 200 out`.

use eir_anatomy3d::render::{View, render};
use eir_anatomy3d::{Affine, Limits, Part, Volume, decimate, dicom, gltf, isosurface, nifti, nrrd, stl};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let scan = match arguments.first() {
        Some(path) => read(Path::new(path))?,
        None => bone()?,
    };
    let level: f64 = arguments.get(1).map_or(Ok(200.0), |l| l.parse())?;

    let mesh = isosurface(&scan, level)?;
    let topology = mesh.topology();
    println!("volume of {:?} voxels, spacing {:.3?} mm", scan.shape(), scan.affine().spacing_mm());
    println!("surface at {level}: {} triangles, closed: {}", topology.faces, topology.is_closed());
    println!("encloses {:.1} ml, area {:.1} cm²", mesh.volume_mm3() / 1e3, mesh.area_mm2() / 1e2);
    println!("Euler number {}, {} part(s)", topology.euler, topology.components);

    let light = decimate(&mesh, 60_000)?;
    println!("decimated to {} triangles", light.triangles().len());
    if let Some(folder) = arguments.get(2).map(Path::new) {
        std::fs::create_dir_all(folder)?;
        let part = Part::new(&mesh, "surface", [226, 212, 188]);
        std::fs::write(
            folder.join("surface.png"),
            render(&[part], View::Turned { azimuth_deg: 25.0, elevation_deg: 15.0 })?.png(),
        )?;
        stl::write(folder.join("surface.stl"), &mesh)?;
        gltf::write(folder.join("surface.glb"), &[Part::new(&light, "surface", part.rgb)])?;
        println!("surface.png, surface.stl and surface.glb are in {}", folder.display());
    }
    Ok(())
}

fn read(path: &Path) -> Result<Volume, Box<dyn Error>> {
    if path.is_dir() {
        return Ok(dicom::read_series(path)?.volume);
    }
    if path.extension().is_some_and(|e| e == "nrrd") {
        return Ok(nrrd::read(path, &Limits::default())?.volume(0)?);
    }
    Ok(nifti::read_volume(path)?)
}

/// A shaft with two condyles, 1000 HU inside and −100 HU outside, in voxels of 0.8 × 0.8 × 1.5 mm.
fn bone() -> Result<Volume, Box<dyn Error>> {
    let affine = Affine::from_columns([0.8, 0.0, 0.0], [0.0, 0.8, 0.0], [0.0, 0.0, 1.5], [-40.0, -40.0, 0.0])?;
    Ok(Volume::from_fn([100, 100, 60], affine, |index| {
        let [x, y, z] = affine.apply(index.map(|i| i as f64));
        let ball = |cx: f64, r: f64| r - ((x - cx).powi(2) + y.powi(2) + (z - 22.0).powi(2)).sqrt();
        let shaft = if z > 20.0 { 12.0 - x.hypot(y) } else { -1.0 };
        let depth = ball(-14.0, 16.0).max(ball(14.0, 17.0)).max(shaft.min(82.0 - z));
        (450.0 + 550.0 * depth.clamp(-1.0, 1.0)) as f32
    })?)
}
