//! Reference values of `eir-anatomy3d`: `cargo xtask golden anatomy3d`.

#[path = "golden/dicom.rs"]
mod dicom;
#[path = "golden/inputs.rs"]
mod inputs;
#[path = "golden/labels.rs"]
mod labels;
#[path = "golden/surfaces.rs"]
mod surfaces;
#[path = "golden/volumes.rs"]
mod volumes;

use eir_core::testing::golden::Golden;

fn main() -> std::process::ExitCode {
    Golden::from_args("anatomy3d")
        .case("volumes*.json", volumes::volumes)
        .case("dicom.json", dicom::dicom_files)
        .case("dcm2niix.json", dicom::dcm2niix)
        .case("isosurface*.json", surfaces::isosurface_fields)
        .case("surfaces_real*.json", surfaces::surfaces_real)
        .case("labels*.json", labels::label_statistics)
        .case("mesh_*.json", surfaces::mesh_files)
        .case("*field_*.npy", surfaces::field)
        .run()
}
