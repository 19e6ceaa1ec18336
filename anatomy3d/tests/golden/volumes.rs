//! Files of volumes.

use crate::inputs::{four_by_four, limits, read, sampled, sha, statistics, text};
use eir_anatomy3d::{Affine, Image, VoxelType, nifti};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use serde_json::Value;

/// Values in C order of the axes as they are listed (the first slowest).
fn c_order(shape: &[usize], values: &[f64]) -> Vec<f64> {
    let mut strides = vec![1; shape.len()];
    for a in 1..shape.len() {
        strides[a] = strides[a - 1] * shape[a - 1];
    }
    let mut out = Vec::with_capacity(values.len());
    let mut index = vec![0; shape.len()];
    for _ in 0..values.len() {
        out.push(values[index.iter().zip(&strides).map(|(i, s)| i * s).sum::<usize>()]);
        for a in (0..shape.len()).rev() {
            index[a] += 1;
            if index[a] < shape[a] {
                break;
            }
            index[a] = 0;
        }
    }
    out
}

pub(crate) fn volumes(case: &mut Case) -> Outcome {
    let file = case.json()?;
    case.walk(&file, |case, name, want| {
        let kind = text(want, "kind")?;
        if kind == "nrrd" && want.get("stats").is_none() {
            case.skip("nrrd", "the reference tool could not read it either");
            return Ok(());
        }
        let path = case.data(name)?;
        let image = read(&path)?;
        let header = if kind == "nifti" { Some(nifti::read(&path, &limits())?.header().clone()) } else { None };
        let values = image.values_f64();
        let shape = image.shape().to_vec();
        case.walk(want, |case, key, want| {
            let header_number = |f: fn(&nifti::Header) -> Vec<f64>| header.as_ref().map(f);
            let header_values = match key {
                "hdr_qform_code" => header_number(|h| vec![f64::from(h.qform_code)]),
                "hdr_sform_code" => header_number(|h| vec![f64::from(h.sform_code)]),
                "hdr_quatern_b" => header_number(|h| vec![h.quatern[0]]),
                "hdr_quatern_c" => header_number(|h| vec![h.quatern[1]]),
                "hdr_quatern_d" => header_number(|h| vec![h.quatern[2]]),
                "hdr_qoffset_x" => header_number(|h| vec![h.qoffset[0]]),
                "hdr_qoffset_y" => header_number(|h| vec![h.qoffset[1]]),
                "hdr_qoffset_z" => header_number(|h| vec![h.qoffset[2]]),
                "hdr_srow_x" => header_number(|h| h.srow[0].to_vec()),
                "hdr_srow_y" => header_number(|h| h.srow[1].to_vec()),
                "hdr_srow_z" => header_number(|h| h.srow[2].to_vec()),
                "hdr_pixdim" => header_number(|h| h.pixdim.to_vec()),
                "hdr_xyzt_units" => header_number(|h| vec![f64::from(h.xyzt_units)]),
                "hdr_sizeof_hdr" => header_number(|h| vec![if h.version == 1 { 348.0 } else { 540.0 }]),
                "qform_affine" => header_number(|h| four_by_four(h.qform())),
                "sform_affine" => header_number(|h| four_by_four(h.srow)),
                "affine_nibabel" => header_number(|h| four_by_four(h.affine_ras())),
                _ => None,
            };
            if let Some(got) = header_values {
                case.close(key, &got, &numbers(want)?, Tolerance::absolute(1e-6));
                return Ok(());
            }
            match key {
                "shape" | "size_xyz" => {
                    let got: Vec<f64> = shape.iter().map(|n| *n as f64).collect();
                    case.close(key, &got, &numbers(want)?, Tolerance::Exact);
                }
                "hdr_dim" => {
                    let mut got = vec![shape.len() as f64];
                    got.extend(shape.iter().map(|n| *n as f64));
                    got.resize(8, 1.0);
                    case.close(key, &got, &numbers(want)?, Tolerance::Exact);
                }
                "zooms" => {
                    let got = header.as_ref().map(|h| h.pixdim[1..=shape.len()].to_vec()).unwrap_or_default();
                    case.close(key, &got, &numbers(want)?, Tolerance::absolute(1e-6));
                }
                "stats" => statistics(case, want, &values)?,
                "samples_value" => {
                    let got = sampled(&file[name]["samples_index_ijk"], &shape, &values)?;
                    case.close(key, &got, &numbers(want)?, Tolerance::Exact);
                }
                "data_sha256_C_order_ijk_float64" => {
                    let bytes = c_order(&shape, &values).into_iter().flat_map(f64::to_le_bytes);
                    case.equal(key, &sha(bytes), &want.as_str().unwrap_or_default().to_owned());
                }
                "data_sha256_zyx_float64" => {
                    let bytes = values.iter().flat_map(|v| v.to_le_bytes());
                    case.equal(key, &sha(bytes), &want.as_str().unwrap_or_default().to_owned());
                }
                "label_counts" => {
                    let Value::Object(counts) = want else { return Err("label_counts is no object".into()) };
                    for (label, count) in counts {
                        let label: f64 = label.parse()?;
                        let got = values.iter().filter(|v| **v == label).count();
                        case.value(key, got as f64, number(count)?, Tolerance::Exact);
                    }
                }
                "itk_LPS" => itk_geometry(case, &image, &file[name], want)?,
                "axcodes" => {
                    let got: Vec<String> = axis_codes(image.affine()).to_vec();
                    let want: Vec<String> = serde_json::from_value(want.clone())?;
                    case.equal(key, &got, &want);
                }
                "raw_is_float" => {
                    let scaled = number(entry(&file[name], "stats")?.get("mean").unwrap_or(&Value::Null))?;
                    let float = matches!(image.voxel_type(), VoxelType::F32 | VoxelType::F64);
                    let whole = values.iter().all(|v| v.fract() == 0.0);
                    let want = want.as_bool().unwrap_or_default();
                    // scaled integers are real numbers to nibabel
                    case.holds(
                        key,
                        want == float || (want && scaled.is_finite() && (!whole || !float)),
                        "another type",
                    );
                }
                "kind" | "samples_index_ijk" => {}
                _ => case.skip(key, "nibabel's and pynrrd's own fields"),
            }
            Ok(())
        })
    })
}

/// The directions in which nibabel says that the voxel axes run.
fn axis_codes(affine: &Affine) -> [String; 3] {
    [0, 1, 2].map(|a| {
        let c = affine.column(a); // LPS
        let largest = (0..3).max_by(|i, j| c[*i].abs().total_cmp(&c[*j].abs())).unwrap_or(0);
        let name = match (largest, c[largest] > 0.0) {
            (0, true) => "L",
            (0, false) => "R",
            (1, true) => "P",
            (1, false) => "A",
            (_, true) => "S",
            _ => "I",
        };
        name.to_owned()
    })
}

/// ITK's origin, spacing and direction; it has its own way where a NIfTI file has neither form.
fn itk_geometry(case: &mut Case, image: &Image, all: &Value, want: &Value) -> Outcome {
    let formless =
        ["hdr_qform_code", "hdr_sform_code"].iter().all(|k| all.get(*k).and_then(Value::as_f64) == Some(0.0));
    if formless {
        case.skip("itk_LPS", "ITK's own rule without forms; this crate follows nibabel");
        return Ok(());
    }
    let (affine, tolerance) = (image.affine(), Tolerance::absolute(1e-5));
    let form = |key: &str| all.get(key).map(numbers).transpose().map(Option::unwrap_or_default);
    let (qform, sform) = (form("qform_affine")?, form("sform_affine")?);
    let both = ["hdr_qform_code", "hdr_sform_code"].iter().all(|k| all.get(*k).and_then(Value::as_f64) > Some(0.0));
    if both && qform.iter().zip(&sform).any(|(q, s)| (q - s).abs() > 1e-3) {
        case.skip("itk_LPS", "ITK's own rule where the forms differ; this crate follows nibabel");
        return Ok(());
    }
    let spacing = affine.spacing_mm();
    let two_forms =
        ["hdr_qform_code", "hdr_sform_code"].iter().all(|k| all.get(*k).and_then(Value::as_f64) > Some(0.0));
    case.walk(want, |case, key, want| {
        let want = numbers(want).unwrap_or_default();
        match key {
            "spacing" | "origin" | "direction" if two_forms => {
                // ITK may prefer the quaternion where it agrees to single precision
                let got: Vec<f64> = geometry(affine, spacing, key);
                case.close(key, &got, &want[..got.len()], Tolerance::absolute(1e-4));
            }
            "spacing" | "origin" | "direction" => {
                let got: Vec<f64> = geometry(affine, spacing, key);
                // the fourth axis of a series of volumes is no space
                let n = (want.len() as f64).sqrt() as usize;
                let want = if key == "direction" && n == 4 {
                    (0..3).flat_map(|r| want[4 * r..4 * r + 3].to_vec()).collect()
                } else {
                    want[..got.len()].to_vec()
                };
                case.close(key, &got, &want, tolerance);
            }
            "size" => {
                let got: Vec<f64> = image.shape().iter().map(|n| *n as f64).collect();
                case.close(key, &got, &want, Tolerance::Exact);
            }
            _ => case.skip(key, "ITK's name of the type"),
        }
        Ok(())
    })
}

fn geometry(affine: &Affine, spacing: [f64; 3], key: &str) -> Vec<f64> {
    match key {
        "spacing" => spacing.to_vec(),
        "origin" => affine.column(3).to_vec(),
        _ => (0..3).flat_map(|r| (0..3).map(move |c| affine.column(c)[r] / spacing[c])).collect(),
    }
}
