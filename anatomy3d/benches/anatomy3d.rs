//! `cargo xtask bench --peers anatomy3d`: against VTK, SimpleITK, nibabel and scikit-image on the same input.
//!
//! Volumes are formulas that both sides compute (names as in the peers' file); a scan and a label map come from the shared
//! data where they are.

use eir_anatomy3d::labels::{self, Connectivity};
use eir_anatomy3d::{
    Affine, Border, Isosurface, LabelMap, LabelSurface, Limits, Mesh, Volume, decimate, dicom, nifti, nrrd,
};
use eir_core::testing::{bench::Bench, shared};
use std::error::Error;

fn main() -> std::process::ExitCode {
    let mut bench = Bench::from_args("anatomy3d", env!("CARGO_MANIFEST_DIR"));
    if let Err(error) = rows(&mut bench) {
        println!("{error}");
        return std::process::ExitCode::FAILURE;
    }
    bench.finish()
}

fn sphere() -> Result<Volume, eir_anatomy3d::Error> {
    Volume::from_fn([256; 3], Affine::from_spacing([1.0; 3])?, |i| {
        100.3 - i.iter().map(|v| (*v as f32 - 127.5).powi(2)).sum::<f32>().sqrt()
    })
}

fn gyroid() -> Result<Volume, eir_anatomy3d::Error> {
    let wave: Vec<(f32, f32)> = (0..256).map(|i| (i as f32 * std::f32::consts::TAU / 32.0).sin_cos()).collect();
    Volume::from_fn([256; 3], Affine::from_spacing([1.0; 3])?, |[x, y, z]| {
        wave[x].0 * wave[y].1 + wave[y].0 * wave[z].1 + wave[z].0 * wave[x].1
    })
}

fn rows(bench: &mut Bench) -> Result<(), Box<dyn Error>> {
    let mut surface = Isosurface::config().with_border(Border::Open).build()?;
    let mut mesh = Mesh::default();
    let (ball, waves) = (sphere()?, gyroid()?);
    let vtk = "vtkFlyingEdges3D 9.7.2";
    bench
        .row("isosurface", "sphere 256³ f32", 1.0)
        .peer(vtk, "sphere_vtk")
        .run(|| surface.extract_into(&ball, 0.0, &mut mesh));
    bench
        .row("isosurface", "gyroid 256³ f32, 5.1 M triangles", 1.0)
        .peer(vtk, "gyroid_vtk")
        .run(|| surface.extract_into(&waves, 0.01, &mut mesh));
    bench
        .row("isosurface", "sphere 256³ f32", 2.0)
        .peer("scikit-image 0.26.0", "sphere_skimage")
        .run(|| surface.extract_into(&ball, 0.0, &mut mesh));
    drop(waves);
    surface.extract_into(&ball, 0.0, &mut mesh)?;
    bench
        .row("mesh volume and area", "sphere, 0.38 M triangles", 2.0)
        .peer("vtkMassProperties 9.7.2", "mass_vtk")
        .run(|| (mesh.volume_mm3(), mesh.area_mm2()));
    bench
        .row("decimation to a tenth", "sphere, 0.38 M triangles", 2.0)
        .peer("vtkQuadricDecimation 9.7.2", "decimate_vtk")
        .run(|| decimate(&mesh, mesh.triangles().len() / 10));
    drop(ball);

    let Some(shared) = shared() else { return Ok(()) };
    let data = shared.join("data/anatomy3d");
    let scan = data.join("ct_aorta/ct_cropped.nii.gz");
    let limits = Limits::default();
    let ct = nifti::read(&scan, &limits)?.volume()?;
    bench
        .row("isosurface", "CT 120×126×164 at 250.5 HU", 1.0)
        .peer(vtk, "ct_vtk")
        .run(|| surface.extract_into(&ct, 250.5, &mut mesh));
    let read = || nifti::read(&scan, &limits).and_then(|n| n.volume());
    bench
        .row("read .nii.gz as f32", "CT 120×126×164 i16, 3.6 MB", 1.5)
        .peer("nibabel 5.4.2", "nifti_nibabel")
        .run(read);
    bench.row("read .nii.gz as f32", "CT 120×126×164 i16, 3.6 MB", 1.5).peer("SimpleITK 2.5.7", "nifti_itk").run(read);
    let tilted = data.join("ct_gantry_tilt_ge");
    let series = dicom::SeriesConfig::default().with_spacing(dicom::Spacing::Keep);
    bench
        .row("read DICOM series", "28 slices 512², raw", 1.0)
        .peer("SimpleITK 2.5.7", "dicom_itk")
        .run(|| series.read_folder(&tilted, &limits));
    let packed = data.join("ct_dicom_j2k");
    bench
        .row("read DICOM series", "20 slices 512², JPEG 2000", 1.0)
        .peer("SimpleITK 2.5.7", "j2k_itk")
        .run(|| series.read_folder(&packed, &limits));

    let knee: LabelMap = nrrd::read(data.join("knee/dess_right_label.nrrd"), &limits)?.labels(0)?;
    bench
        .row("label statistics", "knee 384×384×160, 10 labels", 2.0)
        .peer("SimpleITK LabelShapeStatistics 2.5.7", "labels_itk")
        .run(|| labels::statistics(&knee));
    bench
        .row("connected parts, 26 neighbours", "knee, one label", 1.0)
        .peer("SimpleITK ConnectedComponent 2.5.7", "components_itk")
        .run(|| labels::components(&knee, 5, Connectivity::Corners));
    let mut label_surface = LabelSurface::new();
    bench.row("label surfaces", "knee, 10 labels", 1.0).peer("vtkDiscreteFlyingEdges3D 9.7.2", "labels_vtk").run(
        || {
            (1..=10)
                .map(|l| label_surface.extract_into(&knee, l, &mut mesh).map(|()| mesh.triangles().len()))
                .collect::<Vec<_>>()
        },
    );
    Ok(())
}
