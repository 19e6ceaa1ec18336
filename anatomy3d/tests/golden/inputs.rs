//! What the golden tests read and compare in the same way.

use eir_anatomy3d::{Image, Limits, nifti, nrrd};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::error::Error;
use std::path::{Path, PathBuf};

pub(crate) const NOT_BUILT: &str = "not built yet";

pub(crate) fn limits() -> Limits {
    Limits::default()
}

pub(crate) fn read(path: &Path) -> Result<Image, Box<dyn Error>> {
    if path.extension().is_some_and(|e| e == "nrrd") {
        return Ok(nrrd::read(path, &limits())?);
    }
    Ok(nifti::read(path, &limits())?.image().clone())
}

pub(crate) fn sha(bytes: impl IntoIterator<Item = u8>) -> String {
    let bytes: Vec<u8> = bytes.into_iter().collect();
    Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect()
}

pub(crate) fn text(value: &Value, key: &str) -> Result<String, Box<dyn Error>> {
    Ok(entry(value, key)?.as_str().ok_or_else(|| format!("{key} is no text"))?.to_owned())
}

/// The rows of a matrix as one list with its last row, as the references have it.
pub(crate) fn four_by_four(rows: [[f64; 4]; 3]) -> Vec<f64> {
    rows.as_flattened().iter().copied().chain([0.0, 0.0, 0.0, 1.0]).collect()
}

/// `astats` of the generator.
pub(crate) fn statistics(case: &mut Case, want: &Value, values: &[f64]) -> Outcome {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let n = values.len() as f64;
    let sum: f64 = values.iter().sum();
    let mean = sum / n;
    let quantile = |p: f64| {
        let at = p / 100.0 * (n - 1.0);
        let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
        low + (high - low) * (at - at.floor())
    };
    case.walk(want, |case, key, want| {
        let got = match key {
            "min" => sorted[0],
            "max" => sorted[sorted.len() - 1],
            "mean" => mean,
            "std_pop" => (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt(),
            "sum" => sum,
            "p1" => quantile(1.0),
            "p50" => quantile(50.0),
            "p99" => quantile(99.0),
            _ => {
                case.skip(key, NOT_BUILT);
                return Ok(());
            }
        };
        case.value(key, got, number(want)?, Tolerance::Both(1e-9, 1e-9));
        Ok(())
    })
}

pub(crate) fn sampled(index: &Value, shape: &[usize], values: &[f64]) -> Result<Vec<f64>, Box<dyn Error>> {
    let list = index.as_array().ok_or("the indices of the samples are missing")?;
    let one = |index: &Value| -> Result<f64, Box<dyn Error>> {
        let index = numbers(index)?;
        let place = index.iter().zip(shape).rev().fold(0usize, |at, (i, n)| at * n + *i as usize);
        Ok(*values.get(place).ok_or("a sample lies outside")?)
    };
    list.iter().map(one).collect()
}

/// Every folder below `folder`, itself too.
pub(crate) fn folders(folder: &Path, all: &mut Vec<PathBuf>) -> std::io::Result<()> {
    all.push(folder.to_owned());
    let mut below: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|e| e.map(|e| e.path())).collect::<std::io::Result<Vec<_>>>()?;
    below.sort();
    for path in below.into_iter().filter(|p| p.is_dir()) {
        folders(&path, all)?;
    }
    Ok(())
}
