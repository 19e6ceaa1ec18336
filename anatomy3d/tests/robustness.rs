//! What every reader of the crate promises: an error or a result on whatever bytes come, within bounded memory.
#![allow(clippy::unwrap_used, reason = "the test's own helpers; a failure there fails the test")]

use eir_anatomy3d::{Affine, DecimateConfig, IsosurfaceConfig, LabelMap, Limits, Mesh, Volume};
use eir_anatomy3d::{decimate, dicom, isosurface, label_surface, labels, nifti, nrrd, stl};
use eir_core::testing::{PeakAlloc, contract, faults, recipes, shared};
use std::io::Write;
use std::path::{Path, PathBuf};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The memory of one test must not count for another.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// 9 × 8 × 7 voxels of i16 with an sform.
fn nifti_file() -> Vec<u8> {
    let mut bytes = vec![0u8; 352];
    bytes[..4].copy_from_slice(&348i32.to_le_bytes());
    for (at, v) in [(40, 3i16), (42, 9), (44, 8), (46, 7), (70, 4), (72, 16), (254, 2)] {
        bytes[at..at + 2].copy_from_slice(&v.to_le_bytes());
    }
    for (at, v) in [(108, 352.0f32), (112, 0.5), (280, 0.7), (300, 0.7), (320, 2.0)] {
        bytes[at..at + 4].copy_from_slice(&v.to_le_bytes());
    }
    bytes[344..348].copy_from_slice(b"n+1\0");
    bytes.extend((0..9 * 8 * 7i16).flat_map(|v| (v - 100).to_le_bytes()));
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn element(bytes: &mut Vec<u8>, tag: u32, vr: &[u8; 2], value: &[u8]) {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(if vr == b"UI" { 0 } else { b' ' });
    }
    bytes.extend(((tag >> 16) as u16).to_le_bytes());
    bytes.extend((tag as u16).to_le_bytes());
    bytes.extend(vr);
    if vr == b"OW" || vr == b"OB" {
        bytes.extend([0, 0]);
        bytes.extend((value.len() as u32).to_le_bytes());
    } else {
        bytes.extend((value.len() as u16).to_le_bytes());
    }
    bytes.extend(value);
}

/// A CT slice of 6 × 5 pixels at the given height; compressed pixels come as one fragment.
fn dicom_file(syntax: &str, z: f64, series: &str, pixels: Option<&[u8]>) -> Vec<u8> {
    let mut b = vec![0u8; 128];
    b.extend(b"DICM");
    element(&mut b, 0x0002_0010, b"UI", syntax.as_bytes());
    element(&mut b, 0x0008_0060, b"CS", b"CT");
    element(&mut b, 0x0020_000e, b"UI", series.as_bytes());
    element(&mut b, 0x0020_0032, b"DS", format!("-3\\-2\\{z}").as_bytes());
    element(&mut b, 0x0020_0037, b"DS", b"1\\0\\0\\0\\1\\0");
    for (tag, v) in [(0x0028_0002, 1u16), (0x0028_0010, 5), (0x0028_0011, 6)] {
        element(&mut b, tag, b"US", &v.to_le_bytes());
    }
    element(&mut b, 0x0028_0030, b"DS", b"0.5\\0.25");
    for (tag, v) in [(0x0028_0100, 16u16), (0x0028_0101, 12), (0x0028_0102, 11), (0x0028_0103, 0)] {
        element(&mut b, tag, b"US", &v.to_le_bytes());
    }
    element(&mut b, 0x0028_1052, b"DS", b"-1024");
    element(&mut b, 0x0028_1053, b"DS", b"1");
    match pixels {
        None => {
            let raw: Vec<u8> = (0..30u16).flat_map(|v| (v * 100).to_le_bytes()).collect();
            element(&mut b, 0x7fe0_0010, b"OW", &raw);
        }
        Some(fragment) => {
            b.extend([0xe0, 0x7f, 0x10, 0, b'O', b'B', 0, 0, 255, 255, 255, 255, 0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0]);
            b.extend([0xfe, 0xff, 0, 0xe0]);
            b.extend((fragment.len() as u32).to_le_bytes());
            b.extend(fragment);
            b.extend([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
        }
    }
    b
}

/// Two planes of 30 equal bytes.
fn rle() -> Vec<u8> {
    let mut bytes = vec![0u8; 64];
    bytes[0] = 2;
    bytes[4] = 64;
    bytes[8] = 66;
    bytes.extend([227, 1, 227, 44]); // 257 - 227 = 30 times
    bytes
}

#[test]
fn nifti_readers() {
    let _alone = alone();
    let read = |b: &[u8]| nifti::from_bytes(b, &Limits::default()).and_then(|n| n.volume()).map(drop);
    contract::bounded_reader("nifti", &nifti_file(), &MEMORY, read);
    contract::bounded_reader("nifti.gz", &gzip(&nifti_file()), &MEMORY, read);
}

#[test]
fn a_small_file_does_not_fill_the_memory() {
    let _alone = alone();
    let mut file = nifti_file();
    for at in [42, 44, 46] {
        file[at..at + 2].copy_from_slice(&600i16.to_le_bytes());
    }
    file.resize(64 << 20, 0);
    let packed = gzip(&file);
    drop(file);
    assert!(packed.len() < 100_000);
    let before = MEMORY.current_usage_as_mb();
    MEMORY.reset_peak_usage();
    let limits = Limits::default().with_bytes(1 << 20);
    assert!(matches!(nifti::from_bytes(&packed, &limits), Err(eir_anatomy3d::Error::Limit(_))));
    assert!(MEMORY.peak_usage_as_mb() - before < 4.0);
}

#[test]
fn nrrd_readers() {
    let _alone = alone();
    let head = "NRRD0005\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 3 2\n\
                space directions: (1,0,0) (0,1,0) (0,0,2)\nkinds: domain domain domain\nendian: little\n\
                space origin: (1,2,3)\n";
    let voxels: Vec<u8> = (0..24i16).flat_map(i16::to_le_bytes).collect();
    let read = |b: &[u8]| nrrd::from_bytes(b, &Limits::default()).and_then(|n| n.volume(0)).map(drop);
    let file = |encoding: &str, data: &[u8]| [format!("{head}encoding: {encoding}\n\n").as_bytes(), data].concat();
    contract::bounded_reader("nrrd raw", &file("raw", &voxels), &MEMORY, read);
    contract::bounded_reader("nrrd gzip", &file("gzip", &gzip(&voxels)), &MEMORY, read);
    let text: String = (0..24).map(|v| format!("{v} ")).collect();
    contract::bounded_reader("nrrd ascii", &file("ascii", text.as_bytes()), &MEMORY, read);
}

#[test]
fn dicom_readers() {
    let _alone = alone();
    let read = |b: &[u8]| dicom::image_from_bytes(b, &Limits::default()).map(drop);
    let plain = dicom_file("1.2.840.10008.1.2.1", 0.0, "1.2.3", None);
    contract::bounded_reader("dicom", &plain, &MEMORY, read);
    contract::bounded_reader(
        "dicom rle",
        &dicom_file("1.2.840.10008.1.2.5", 0.0, "1.2.3", Some(&rle())),
        &MEMORY,
        read,
    );
    let image = dicom::image_from_bytes(&plain, &Limits::default()).unwrap();
    assert_eq!(image.stored(0).unwrap()[29], 2900.0);
}

#[test]
fn real_files_of_every_encoding() {
    let _alone = alone();
    let Some(shared) = shared() else { return };
    let mut files: Vec<PathBuf> = std::fs::read_dir(shared.join("data/anatomy3d/transfer_syntaxes"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "dcm") && p.metadata().is_ok_and(|m| m.len() < 120_000))
        .collect();
    files.sort();
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let read = |b: &[u8]| dicom::image_from_bytes(b, &Limits::default()).map(drop);
        if read(&bytes).is_ok() {
            contract::bounded_reader(&path.file_name().unwrap().to_string_lossy(), &bytes, &MEMORY, read);
        }
    }
}

#[test]
fn stl_reader() {
    let _alone = alone();
    let map = LabelMap::from_fn([5, 5, 5], Affine::from_spacing([1.0; 3]).unwrap(), |i| u16::from(i[0] > 1)).unwrap();
    let file = stl::to_bytes(&label_surface(&map, 1).unwrap());
    contract::bounded_reader("stl", &file, &MEMORY, |b| stl::from_bytes(b, &Limits::default()).map(drop));
}

#[test]
fn surfaces_of_any_voxels() {
    let _alone = alone();
    contract::detector("isosurface", |x| {
        let affine = Affine::from_spacing([1.0, 0.5, 2.0])?;
        let n = x.len().min(512);
        Volume::new([n.min(8), n.div_ceil(8).min(8), (n / 64).max(1)], x[..shape_of(n)].to_vec(), affine)
            .and_then(|v| isosurface(&v, 0.25))
            .map(|m| (m.topology(), m.volume_mm3().to_bits()))
    });
}

fn shape_of(n: usize) -> usize {
    n.min(8) * n.div_ceil(8).min(8) * (n / 64).max(1).min(n.max(1))
}

#[test]
fn the_same_twice_and_settings_through_json() {
    let _alone = alone();
    let map = LabelMap::from_fn([20, 20, 20], Affine::from_spacing([1.0; 3]).unwrap(), |[x, y, z]| {
        u16::from((x * y + z * 3) % 7 < 3)
    })
    .unwrap();
    let mesh = label_surface(&map, 1).unwrap();
    assert_eq!(mesh, label_surface(&map, 1).unwrap());
    assert_eq!(decimate(&mesh, 500).unwrap(), decimate(&mesh, 500).unwrap());
    assert_eq!(labels::measure(&map).unwrap(), labels::measure(&map).unwrap());
    contract::serde_round_trip(&IsosurfaceConfig::default().with_margin(0.01));
    contract::serde_round_trip(&DecimateConfig::default());
    contract::serde_round_trip(&dicom::SeriesConfig::default());
    contract::serde_round_trip(&eir_anatomy3d::render::RenderConfig::default());
    contract::send_sync::<Volume>();
    contract::send_sync::<Mesh>();
    contract::send_sync::<eir_anatomy3d::Error>();
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, Vec<u8>)]) -> Self {
        let folder = std::env::temp_dir().join(format!("eir-anatomy3d-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

#[test]
fn series_say_what_is_wrong() {
    use eir_anatomy3d::Error;
    let _alone = alone();
    let slice = |z: f64, series: &str| dicom_file("1.2.840.10008.1.2.1", z, series, None);
    let good = Folder::new(
        "good",
        &[("a", slice(4.0, "1")), ("b", slice(0.0, "1")), ("c", slice(2.0, "1")), ("d", vec![7; 9])],
    );
    let series = dicom::read_series(&good).unwrap();
    assert_eq!(series.volume.shape(), [6, 5, 3]);
    assert_eq!(series.volume.affine().apply([1.0, 1.0, 1.0]), [-2.75, -1.5, 2.0]);
    assert_eq!(series.volume.get([5, 4, 0]), Some(1876.0));
    assert_eq!(dicom::scan(&good, &Limits::default()).unwrap().len(), 1);

    let mixed = Folder::new("mixed", &[("a", slice(4.0, "1")), ("b", slice(0.0, "2"))]);
    let error = dicom::read_series(&mixed).unwrap_err();
    assert!(matches!(error, Error::MixedSeries { groups: 2, differ_in: "series" }), "{error}");

    let twice = Folder::new("twice", &[("a", slice(4.0, "1")), ("b", slice(4.0, "1")), ("c", slice(2.0, "1"))]);
    assert!(matches!(dicom::read_series(&twice), Err(Error::DuplicatePosition { .. })));

    let uneven = Folder::new("uneven", &[("a", slice(0.0, "1")), ("b", slice(2.0, "1")), ("c", slice(6.0, "1"))]);
    let error = dicom::read_series(&uneven).unwrap_err();
    assert!(matches!(error, Error::UnevenSpacing { error_mm, .. } if (error_mm - 1.0).abs() < 1e-9), "{error}");
    let even = dicom::SeriesConfig::default().with_spacing(dicom::Spacing::Resample);
    let series = even.read_folder(&uneven, &Limits::default()).unwrap();
    assert_eq!(series.volume.shape(), [6, 5, 4]);
    assert!((series.volume.affine().spacing_mm()[2] - 2.0).abs() < 1e-12);

    let cut = slice(0.0, "1");
    let broken = Folder::new("broken", &[("a", cut[..cut.len() - 9].to_vec())]);
    assert!(matches!(dicom::read_series(&broken), Err(Error::InFile { .. })));
    let empty = Folder::new("empty", &[]);
    assert!(matches!(dicom::read_series(&empty), Err(Error::NoSlices { files: 0 })));
    assert!(matches!(dicom::read_series(empty.0.join("none")), Err(Error::Io(_))));
}

#[test]
fn malformed_files() {
    let _alone = alone();
    // a buffer that grows to its limit takes three times as much while it grows
    let small = Limits::default().with_bytes(16 << 20);
    let image = |b: &[u8]| dicom::image_from_bytes(b, &small);
    contract::withstands("DICOM", recipes::dicom(), image);
    for (syntax, inner) in [
        ("1.2.840.10008.1.2.4.50", recipes::jpeg()),
        ("1.2.840.10008.1.2.4.57", recipes::jpeg()),
        ("1.2.840.10008.1.2.4.90", recipes::jpeg2000()),
    ] {
        // the slice around it is 6 x 5 pixels of 16 bits: even a valid picture of another size must be refused
        let wrapped = inner.into_iter().map(|mut recipe| {
            recipe.bytes = dicom_file(syntax, 0.0, "1", Some(&recipe.bytes));
            recipe.with_must(recipes::Must::Fail)
        });
        contract::withstands(syntax, wrapped, image);
    }
    contract::withstands("NIfTI", recipes::nifti(), |b| nifti::from_bytes(b, &small).and_then(|n| n.volume()));
    contract::withstands("NRRD", recipes::nrrd(), |b| nrrd::from_bytes(b, &small).and_then(|n| n.volume(0)));
    contract::withstands("STL", recipes::stl(), |b| stl::from_bytes(b, &small));
}

#[test]
fn errors_tell_nothing_of_the_patient() {
    let _alone = alone();
    let named = recipes::dicom().into_iter().find(|r| r.name == "private name that holds a path").unwrap();
    contract::errors_keep_secrets("DICOM", &named.bytes, &recipes::DICOM_SECRETS, |b| {
        dicom::image_from_bytes(b, &Limits::default())
    });
}

#[test]
fn writers_leave_the_old_file_or_the_new_one() {
    let _alone = alone();
    let map = LabelMap::from_fn([5, 5, 5], Affine::from_spacing([1.0; 3]).unwrap(), |i| u16::from(i[0] > 1)).unwrap();
    let mesh = label_surface(&map, 1).unwrap();
    faults::file("a.stl", |path| stl::write(path, &mesh));
}

#[test]
fn every_prefix_and_every_byte() {
    let _alone = alone();
    let limits = Limits::default();
    let voxels = |b: &[u8]| nifti::from_bytes(b, &limits).and_then(|n| n.volume()).map(|v| v.voxels().len());
    contract::prefix_law("NIfTI", &nifti_file(), voxels);
    contract::byte_law("NIfTI", &nifti_file(), voxels);
    let frames = |b: &[u8]| dicom::image_from_bytes(b, &limits).map(|image| image.frames());
    for (syntax, pixels) in [("1.2.840.10008.1.2.1", None), ("1.2.840.10008.1.2.5", Some(rle()))] {
        let file = dicom_file(syntax, 0.0, "1", pixels.as_deref());
        contract::prefix_law(syntax, &file, frames);
        contract::byte_law(syntax, &file, frames);
    }
    let map = LabelMap::from_fn([3, 3, 3], Affine::from_spacing([1.0; 3]).unwrap(), |i| u16::from(i[0] > 1)).unwrap();
    let file = stl::to_bytes(&label_surface(&map, 1).unwrap());
    let triangles = |b: &[u8]| stl::from_bytes(b, &limits).map(|mesh| mesh.triangles().len());
    contract::prefix_law("STL", &file, triangles);
    contract::byte_law("STL", &file, triangles);
}
