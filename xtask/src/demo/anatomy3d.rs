//! Case study: from scans and label maps to closed surfaces, millilitres and files to print.

use super::study::{Context, Outcome, Study};
use eir_anatomy3d::dicom::{Series, SeriesConfig, Spacing};
use eir_anatomy3d::labels::{Connectivity, Measured, components, measure};
use eir_anatomy3d::render::{RenderConfig, View};
use eir_anatomy3d::{Affine, LabelMap, Limits, Mesh, Part, decimate, gltf, isosurface, nifti, nrrd, stl};
use std::error::Error;
use std::path::Path;

/// Triangles of the view that can be turned.
const VIEW_TRIANGLES: usize = 60_000;
/// Above soft tissue and below compact bone; with a half, so that no voxel equals it.
const BONE_HU: f64 = 200.5;

const BONE: [u8; 3] = [232, 217, 190];
const CARTILAGE: [u8; 3] = [122, 176, 214];
const MENISCUS: [u8; 3] = [198, 120, 104];
const VESSEL: [u8; 3] = [196, 82, 74];

pub(crate) fn run(context: &Context) -> Outcome {
    std::fs::create_dir_all(&context.out)?;
    match &context.data {
        Some(data) => real(context, &data.join("anatomy3d")),
        None => simulated(context),
    }
}

/// One structure of a label map.
struct Structure {
    label: u16,
    name: &'static str,
    rgb: [u8; 3],
    /// Whether it is part of the view that can be turned.
    shown: bool,
}

const fn structure(label: u16, name: &'static str, rgb: [u8; 3], shown: bool) -> Structure {
    Structure { label, name, rgb, shown }
}

const KNEE: [Structure; 10] = [
    structure(5, "femur", BONE, true),
    structure(6, "tibia", BONE, true),
    structure(7, "patella", BONE, true),
    structure(8, "fibula", BONE, true),
    structure(1, "femoral cartilage", CARTILAGE, false),
    structure(2, "medial tibial cartilage", CARTILAGE, false),
    structure(3, "lateral tibial cartilage", CARTILAGE, false),
    structure(4, "patellar cartilage", CARTILAGE, false),
    structure(9, "lateral meniscus", MENISCUS, false),
    structure(10, "medial meniscus", MENISCUS, false),
];

const SIMULATED: [Structure; 4] = [
    structure(1, "femur", BONE, true),
    structure(2, "tibia", BONE, true),
    structure(3, "patella", BONE, true),
    structure(4, "cartilage", CARTILAGE, false),
];

fn real(context: &Context, data: &Path) -> Outcome {
    let mut study = Study::new(
        "Anatomy in millilitres: knee, aorta, head CT",
        "knee label map (pymskt, MIT), aorta mask (TotalSegmentator, Apache-2.0), CT series in JPEG 2000 (TotalSegmentator, Apache-2.0), \
         CT with tilted gantry (dcm_qa_ct, BSD-2-Clause)",
    );

    context.step("knee: reading the label map");
    let path = data.join("knee/dess_right_label.nrrd");
    let map = nrrd::read(&path, &Limits::default()).and_then(|i| i.labels(0)).map_err(|e| broken(&path, &e))?;
    study.text(
        "A right knee, segmented voxel by voxel in an MR scan. Each structure becomes a closed surface in millimetres; volume and \
         area are measured on the full surface, the view below shows it with fewer triangles. The area of a voxel surface \
         counts its steps and is larger than that of the smooth structure.",
    );
    let structures = knee(context, &mut study, &map, &KNEE, &path)?;
    let femur = find(&structures, 5).ok_or_else(|| format!("{}: label 5 (femur) is missing", path.display()))?;
    let (femur_ml, femur_parts) = (femur.statistics.volume_mm3 / 1e3, components(&map, 5, Connectivity::Faces).len());
    study.number(
        "knee_femur_volume_ml",
        "Distal femur",
        femur_ml,
        "ml",
        1,
        "labels::statistics, dess_right_label.nrrd",
        "voxels × voxel volume",
    );
    study.number(
        "knee_femur_area_mm2",
        "Surface of the femur",
        femur.area_mm2,
        "mm²",
        0,
        "Mesh::area_mm2",
        "with the voxels' steps",
    );
    study.number(
        "knee_femur_euler",
        "Euler number of the femur",
        femur.mesh.topology().euler as f64,
        "",
        0,
        "Mesh::topology",
        "2: one part, no holes",
    );
    study.number(
        "knee_femur_parts",
        "Parts of the femur",
        femur_parts as f64,
        "",
        0,
        "labels::components",
        "1 expected",
    );
    drop(structures);

    context.step("aorta: reading the mask");
    let path = data.join("ct_aorta/aorta.nii.gz");
    let map = nifti::read(&path, &Limits::default()).and_then(|n| n.labels()).map_err(|e| broken(&path, &e))?;
    let all = measure(&map)?;
    let aorta = all.first().ok_or_else(|| format!("{}: no voxel has a label", path.display()))?;
    let aorta_ml = aorta.surface_volume_mm3 / 1e3;
    let topology = aorta.mesh.topology();
    study.text("A dissected aorta in contrast CT, as a NIfTI mask. It touches the border of the scan; the surface is closed there by a cap.");
    study.number(
        "aorta_voxel_volume_ml",
        "Aorta, voxels",
        aorta.statistics.volume_mm3 / 1e3,
        "ml",
        1,
        "labels::statistics, ct_aorta/aorta.nii.gz",
        "",
    );
    study.number("aorta_volume_ml", "Aorta, surface", aorta_ml, "ml", 1, "Mesh::volume_mm3", "divergence theorem");
    study.number("aorta_area_mm2", "Area", aorta.area_mm2, "mm²", 0, "Mesh::area_mm2", "");
    study.number(
        "aorta_open_edges",
        "Open edges",
        topology.boundary_edges as f64,
        "",
        0,
        "Mesh::topology",
        "0: closed",
    );
    let view = View::Turned { azimuth_deg: 50.0, elevation_deg: 8.0 };
    let picture = picture(&[Part::new(&aorta.mesh, "aorta", VESSEL)], view)?;
    study.png("The aorta's surface, with a scale bar.", "A curved vessel, seen from the front and left", picture);

    context.step("CT series: decoding JPEG 2000");
    let folder = data.join("ct_dicom_j2k");
    let series = series(&folder, Spacing::Refuse)?;
    study.text(
        "A CT series in JPEG 2000. The header's slice thickness says 3 mm; the slices' positions say what counts. Everything at \
         200.5 HU and above is taken as bone and contrast agent.",
    );
    geometry(&mut study, "ct", "ct_dicom_j2k", &series);
    context.step("CT series: surface at 200.5 HU");
    let bone = isosurface(&series.volume, BONE_HU)?;
    drop(series);
    let bone_ml = bone.volume_mm3() / 1e3;
    study.number(
        "ct_bone_volume_ml",
        "Bone above 200.5 HU",
        bone_ml,
        "ml",
        1,
        "isosurface, ct_dicom_j2k",
        "40 mm of the trunk",
    );
    study.number("ct_bone_area_mm2", "Area", bone.area_mm2(), "mm²", 0, "Mesh::area_mm2", "");
    study.number(
        "ct_bone_euler",
        "Euler number",
        bone.topology().euler as f64,
        "",
        0,
        "Mesh::topology",
        "many islands and tunnels",
    );
    study.number(
        "ct_bone_open_edges",
        "Open edges",
        bone.topology().boundary_edges as f64,
        "",
        0,
        "Mesh::topology",
        "0: closed",
    );
    drop(bone);

    context.step("tilted CT: reading the series");
    let folder = data.join("ct_gantry_tilt_ge");
    let kept = self::series(&folder, Spacing::Keep)?;
    study.text(
        "A head CT with a tilted gantry and three different slice distances. No single affine is right for it, so that reading it \
         plainly is an error; it is interpolated to even distances, and the tilt stays in the affine.",
    );
    geometry(&mut study, "tilted", "ct_gantry_tilt_ge", &kept);
    study.number(
        "tilted_error_mm",
        "Error if distances were taken as equal",
        kept.position_error_mm,
        "mm",
        1,
        "Series::position_error_mm",
        "what Spacing::Refuse protects from",
    );
    drop(kept);
    context.step("tilted CT: even distances and surface");
    let even = self::series(&folder, Spacing::Resample)?;
    let skull = isosurface(&even.volume, BONE_HU)?;
    drop(even);
    study.number(
        "tilted_bone_volume_ml",
        "Above 200.5 HU",
        skull.volume_mm3() / 1e3,
        "ml",
        0,
        "isosurface, ct_gantry_tilt_ge",
        "bone and head rest",
    );
    context.step("tilted CT: picture");
    let picture =
        self::picture(&[Part::new(&skull, "bone", BONE)], View::Turned { azimuth_deg: 30.0, elevation_deg: 10.0 })?;
    study.png(
        "Everything above 200.5 HU in the tilted series, head rest included, upright in the patient's axes.",
        "A skull between the plates of a head rest, seen from the front and left",
        picture,
    );

    study.summary = format!(
        "distal femur {femur_ml:.1} ml, aorta {aorta_ml:.1} ml, bone in 40 mm of trunk {bone_ml:.1} ml, all from closed surfaces; gantry tilt of the \
         head CT found in the slice positions"
    );
    Ok(study)
}

fn simulated(context: &Context) -> Outcome {
    let mut study =
        Study::new("Anatomy in millilitres: a simulated knee", "simulated, seed 1 (eir_synth::knee_volume)");
    context.step("simulating a knee");
    let knee = eir_synth::knee_volume(&eir_synth::KneeVolumeConfig::default(), 1)?;
    let [x, y, z] = knee.spacing_mm;
    // voxels run to the left, to the front and to the head
    let affine = Affine::from_columns([x, 0.0, 0.0], [0.0, -y, 0.0], [0.0, 0.0, z], [0.0; 3])?;
    let map = LabelMap::new(knee.shape, knee.labels.iter().map(|l| u16::from(*l)).collect(), affine)?;
    study.text(
        "A knee whose true volumes are known from its formula. Voxels are counted, and each structure becomes a closed surface; \
         both are compared with the truth.",
    );
    let measured = self::knee(context, &mut study, &map, &SIMULATED, Path::new("the simulated knee"))?;
    let mut rows = Vec::new();
    let mut worst = 0.0f64;
    for structure in &SIMULATED {
        let (Some(m), Some(truth)) =
            (find(&measured, structure.label), knee.volume_mm3.get(usize::from(structure.label)))
        else {
            continue;
        };
        let off = |volume: f64| 100.0 * (volume / truth - 1.0);
        let (counted, surface) = (off(m.statistics.volume_mm3), off(m.surface_volume_mm3));
        worst = worst.max(counted.abs());
        rows.push(vec![
            structure.name.to_owned(),
            format!("{:.2}", truth / 1e3),
            format!("{:.2}", m.statistics.volume_mm3 / 1e3),
            format!("{counted:+.2} %"),
            format!("{:.2}", m.surface_volume_mm3 / 1e3),
            format!("{surface:+.2} %"),
        ]);
        let (name, id) = (structure.name, structure.name.replace(' ', "_"));
        study.number(
            &format!("simulated_{id}_true_ml"),
            &format!("{name}, true"),
            truth / 1e3,
            "ml",
            2,
            "eir_synth::knee_volume",
            "",
        );
        study.number(
            &format!("simulated_{id}_ml"),
            &format!("{name}, measured"),
            m.statistics.volume_mm3 / 1e3,
            "ml",
            2,
            "labels::statistics",
            &format!("error {counted:+.2} %"),
        );
    }
    let header = ["structure", "true ml", "voxels ml", "error", "surface ml", "error"];
    study.table("Measured against the truth.", &header, rows);
    study.number(
        "simulated_worst_error_percent",
        "Largest error of a counted volume",
        worst,
        "%",
        2,
        "labels::statistics",
        "against the truth",
    );
    study.summary =
        format!("four structures measured on closed surfaces, counted volumes within {worst:.1} % of the truth");
    Ok(study)
}

/// Table, picture, view and files of a knee's label map.
fn knee(
    context: &Context,
    study: &mut Study,
    map: &LabelMap,
    structures: &[Structure],
    source: &Path,
) -> Result<Vec<Measured>, Box<dyn Error>> {
    context.step("knee: surfaces of all structures");
    let measured = measure(map)?;
    let mut rows = Vec::new();
    for structure in structures {
        let Some(m) = find(&measured, structure.label) else { continue };
        let topology = m.mesh.topology();
        rows.push(vec![
            structure.name.to_owned(),
            m.statistics.voxels.to_string(),
            format!("{:.2}", m.statistics.volume_mm3 / 1e3),
            format!("{:.2}", m.surface_volume_mm3 / 1e3),
            format!("{:.0}", m.area_mm2),
            topology.euler.to_string(),
            components(map, structure.label, Connectivity::Faces).len().to_string(),
            if topology.is_closed() { "yes" } else { "no" }.to_owned(),
        ]);
    }
    if rows.is_empty() {
        return Err(format!("{}: none of the labels of a knee is in it", source.display()).into());
    }
    let header = ["structure", "voxels", "voxels ml", "surface ml", "area mm²", "Euler number", "parts", "closed"];
    study.table("Every structure of the label map.", &header, rows);

    context.step("knee: picture");
    let parts: Vec<Part<'_>> =
        structures.iter().filter_map(|s| find(&measured, s.label).map(|m| Part::new(&m.mesh, s.name, s.rgb))).collect();
    let view = View::Turned { azimuth_deg: 30.0, elevation_deg: 12.0 };
    let still = picture(&parts, view)?;

    context.step("knee: fewer triangles for the view");
    let shown: Vec<&Measured> =
        structures.iter().filter(|s| s.shown).filter_map(|s| find(&measured, s.label)).collect();
    let total: usize = shown.iter().map(|m| m.mesh.triangles().len()).sum();
    let mut light = Vec::new();
    for m in &shown {
        let share = m.mesh.triangles().len() as f64 / total.max(1) as f64;
        light.push(decimate(&m.mesh, ((share * VIEW_TRIANGLES as f64) as usize).max(200))?);
    }
    let bones = joined(light.iter())?;
    let closed = bones.topology().is_closed();
    let (vertices, triangles) = bones.clone().into_parts();
    study.number(
        "knee_view_triangles",
        "Triangles of the view",
        triangles.len() as f64,
        "",
        0,
        "decimate",
        &format!("of {total}"),
    );
    study.number("knee_view_closed", "View closed", f64::from(u8::from(closed)), "", 0, "Mesh::topology", "1: yes");
    study.mesh(
        "The bones to turn; the still picture also shows cartilage (blue).",
        "A knee joint: femur above, tibia below, patella in front",
        vertices,
        triangles,
        still,
    );

    context.step("knee: writing STL and glTF");
    let full = joined(shown.iter().map(|m| &m.mesh))?;
    stl::write(context.out.join("knee-bones.stl"), &full)?;
    study.file("knee-bones.stl", "the bones at full detail for printing (binary STL, mm, LPS)");
    let small: Vec<Part<'_>> = structures
        .iter()
        .filter(|s| s.shown && find(&measured, s.label).is_some())
        .zip(&light)
        .map(|(s, mesh)| Part::new(mesh, s.name, s.rgb))
        .collect();
    gltf::write(context.out.join("knee-bones.glb"), &small)?;
    study.file("knee-bones.glb", "the bones for 3D viewers (glTF)");
    Ok(measured)
}

fn find(measured: &[Measured], label: u16) -> Option<&Measured> {
    measured.iter().find(|m| m.statistics.label == label)
}

/// All meshes as one.
fn joined<'a>(meshes: impl Iterator<Item = &'a Mesh>) -> Result<Mesh, eir_anatomy3d::Error> {
    let (mut vertices, mut triangles) = (Vec::new(), Vec::new());
    for mesh in meshes {
        let first = vertices.len() as u32;
        vertices.extend_from_slice(mesh.vertices());
        triangles.extend(mesh.triangles().iter().map(|t| t.map(|v| v + first)));
    }
    Mesh::new(vertices, triangles)
}

fn picture(parts: &[Part<'_>], view: View) -> Result<Vec<u8>, eir_anatomy3d::Error> {
    Ok(RenderConfig::default().with_view(view).with_size(720, 720).build()?.render(parts)?.png())
}

fn series(folder: &Path, spacing: Spacing) -> Result<Series, Box<dyn Error>> {
    let config = SeriesConfig::default().with_spacing(spacing);
    config.read_folder(folder, &Limits::default()).map_err(|e| broken(folder, &e))
}

fn geometry(study: &mut Study, id: &str, source: &str, series: &Series) {
    let source = format!("dicom::SeriesConfig, {source}");
    let spacing = series.volume.affine().spacing_mm();
    let distances = series.distances_mm.iter().copied();
    let (least, most) = distances.fold((f64::INFINITY, 0.0f64), |(l, h), d| (l.min(d), h.max(d)));
    let mut number = |key: &str, label: &str, value: f64, unit: &str, digits: usize, note: &str| {
        if value.is_finite() {
            study.number(&format!("{id}_{key}"), label, value, unit, digits, &source, note);
        }
    };
    number("slices", "Slices", series.files.len() as f64, "", 0, "ordered by position");
    number("pixel_mm", "Pixel", spacing[0], "mm", 4, "PixelSpacing");
    number("smallest_distance_mm", "Smallest slice distance", least, "mm", 2, "from positions");
    number("largest_distance_mm", "Largest slice distance", most, "mm", 2, "from positions");
    number("tilt_deg", "Gantry tilt", series.tilt_deg, "°", 2, "from positions");
}

fn broken(path: &Path, error: &eir_anatomy3d::Error) -> Box<dyn Error> {
    format!("{}: {error}. Give this record with --data, as the shared data folder has it", path.display()).into()
}
