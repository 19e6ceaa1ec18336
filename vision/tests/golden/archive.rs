//! Arrays inside a `.npz` file.

use crate::kinematics::Fallible;
use eir_core::testing::golden::npy;
use std::io::Read;
use std::path::Path;

/// Shape and values of the array `name` of a `.npz` file.
pub(crate) fn npz(path: &Path, name: &str) -> Fallible<(Vec<usize>, Vec<f32>)> {
    let file = std::fs::File::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut archive = zip::ZipArchive::new(file)?;
    let mut bytes = Vec::new();
    archive.by_name(&format!("{name}.npy"))?.read_to_end(&mut bytes)?;
    // the reader of arrays takes a file
    let place = std::env::temp_dir().join(format!("eir-vision-golden-{}-{name}.npy", std::process::id()));
    std::fs::write(&place, bytes)?;
    let array = npy(&place);
    std::fs::remove_file(&place)?;
    let (shape, values) = array?;
    Ok((shape, values.into_iter().map(|v| v as f32).collect()))
}
