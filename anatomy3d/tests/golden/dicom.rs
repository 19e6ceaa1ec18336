//! DICOM series and files.

use crate::inputs::{NOT_BUILT, folders, four_by_four, limits, sampled, sha, statistics, text};
use eir_anatomy3d::dicom::{self, SeriesConfig, Spacing};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use serde_json::Value;
use std::error::Error;
use std::path::PathBuf;

/// The files of a series: in the folder that has all of them and whose first slice lies where the reference says.
fn series_files(case: &Case, key: &str, want: &Value) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let order: Vec<String> = serde_json::from_value(entry(want, "order")?.clone())?;
    let mut all = Vec::new();
    folders(case.data_folder(), &mut all)?;
    let place = numbers(entry(want, "ipp")?.get(0).ok_or("no position")?)?;
    let mut fewest: Option<Vec<String>> = None;
    for folder in all {
        let missing: Vec<String> = order.iter().filter(|n| !folder.join(n).is_file()).cloned().collect();
        if missing.is_empty() {
            let files: Vec<PathBuf> = order.iter().map(|n| folder.join(n)).collect();
            let first = dicom::read_files(&files[..1]).ok().map(|s| s.positions_mm[0]);
            let near = |p: [f64; 3]| p.iter().zip(&place).all(|(a, b)| (a - b).abs() < 1.0);
            // a syntax without a decoder still is the right folder
            if first.is_none_or(near) {
                return Ok(files);
            }
        } else if missing.len() < order.len() && fewest.as_ref().is_none_or(|f| missing.len() < f.len()) {
            fewest = Some(missing);
        }
    }
    Err(format!("no folder holds all slices of {key}: missing {}", fewest.unwrap_or(order).join(", ")).into())
}

pub(crate) fn dicom_files(case: &mut Case) -> Outcome {
    let file = case.json()?;
    if let Some(series) = file.get("series") {
        case.walk(series, |case, key, want| {
            let files = series_files(case, key, want)?;
            one_series(case, &files, want)
        })?;
    }
    if let Some(files) = file.get("files") {
        case.walk(files, one_file)?;
    }
    Ok(())
}

fn one_series(case: &mut Case, files: &[PathBuf], want: &Value) -> Outcome {
    // shuffled, so that nothing depends on the order that is given
    let mut given = files.to_vec();
    given.sort_by_key(|p| sha(p.to_string_lossy().bytes()));
    let series = SeriesConfig::default().with_spacing(Spacing::Keep).read_files(&given, &limits())?;
    let values: Vec<f64> = series.volume.voxels().iter().map(|v| f64::from(*v)).collect();
    let [nx, ny, nz] = series.volume.shape();
    let affine = series.volume.affine();
    let tolerance = Tolerance::absolute(1e-6);
    let normal = {
        let (x, y) = (affine.column(0), affine.column(1));
        let n = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
        let length = n.iter().map(|v| v * v).sum::<f64>().sqrt();
        n.map(|v| v / length)
    };
    // f32 voxels against f64: equal as f32
    let single = |v: Vec<f64>| v.into_iter().map(|v| f64::from(v as f32)).collect::<Vec<f64>>();
    case.walk(want, |case, key, want_value| {
        match key {
            "n" => case.value(key, nz as f64, number(want_value)?, Tolerance::Exact),
            "order" => {
                let got: Vec<String> = series
                    .files
                    .iter()
                    .map(|f| f.file_name().unwrap_or_default().to_string_lossy().into_owned())
                    .collect();
                case.equal(key, &got, &serde_json::from_value::<Vec<String>>(want_value.clone())?);
            }
            "normal" => case.close(key, &normal, &numbers(want_value)?, tolerance),
            "pixel_spacing_row_col" => {
                let s = affine.spacing_mm();
                case.close(key, &[s[1], s[0]], &numbers(want_value)?, tolerance);
            }
            "ipp" => case.close(key, series.positions_mm.as_flattened(), &numbers(want_value)?, tolerance),
            "position_along_normal" => {
                let got: Vec<f64> =
                    series.positions_mm.iter().map(|p| p.iter().zip(normal).map(|(a, b)| a * b).sum()).collect();
                case.close(key, &got, &numbers(want_value)?, Tolerance::absolute(1e-4));
            }
            "spacing_along_normal" => case.close(key, &series.distances_mm, &numbers(want_value)?, tolerance),
            "spacing_uniform_1e_3" => {
                let d = &series.distances_mm;
                let (low, high) = d.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
                let strict = SeriesConfig::default().read_files(&given, &limits());
                let want = want_value.as_bool().unwrap_or_default();
                case.equal(key, &(d.is_empty() || high - low < 1e-3), &want);
                let uneven = series.position_error_mm > 0.01;
                case.holds(
                    "refused where uneven",
                    strict.is_err() == uneven,
                    "an uneven series was read as if it were even",
                );
            }
            "affine_LPS_index_col_row_slice" => {
                case.close(key, &four_by_four(affine.rows()), &numbers(want_value)?, tolerance);
            }
            "tilt_or_shear_angle_deg" => {
                case.value(key, series.tilt_deg, number(want_value)?, Tolerance::absolute(1e-5))
            }
            "transfer_syntax" => {
                case.equal(key, &series.transfer_syntax, &want_value.as_str().unwrap_or_default().to_owned())
            }
            "hu_stats" => {
                let exact = number(&want_value["sum"])?.fract() == 0.0;
                if exact {
                    statistics(case, want_value, &values)?;
                } else {
                    case.walk(want_value, |case, key, want| {
                        let got = match key {
                            "min" => values.iter().copied().fold(f64::INFINITY, f64::min),
                            "max" => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                            "mean" => values.iter().sum::<f64>() / values.len() as f64,
                            "sum" => values.iter().sum(),
                            _ => {
                                case.skip(key, "compared where voxels are whole numbers");
                                return Ok(());
                            }
                        };
                        // the rounding of slope · stored to f32
                        case.value(key, got, number(want)?, Tolerance::Both(1e-3, 1e-6));
                        Ok(())
                    })?;
                }
            }
            "shape_slice_row_col" => {
                case.close(key, &[nz as f64, ny as f64, nx as f64], &numbers(want_value)?, Tolerance::Exact);
            }
            "slice_means" => {
                let got: Vec<f64> = values.chunks(nx * ny).map(|s| s.iter().sum::<f64>() / s.len() as f64).collect();
                case.close(key, &got, &numbers(want_value)?, Tolerance::Both(1e-6, 1e-6));
            }
            "samples_value" => {
                let got = sampled(&want["samples_index_col_row_slice"], &[nx, ny, nz], &values)?;
                case.close(key, &got, &single(numbers(want_value)?), Tolerance::Exact);
            }
            "iop" => {
                let (x, y, s) = (affine.column(0), affine.column(1), affine.spacing_mm());
                let got = [x.map(|v| v / s[0]), y.map(|v| v / s[1])];
                case.close(key, got.as_flattened(), &numbers(want_value)?, tolerance);
            }
            "samples_index_col_row_slice" => {}
            _ => case.skip(key, NOT_BUILT),
        }
        Ok(())
    })
}

fn one_file(case: &mut Case, name: &str, want: &Value) -> Outcome {
    let mut all = Vec::new();
    folders(case.data_folder(), &mut all)?;
    let found: Vec<PathBuf> = all.iter().map(|f| f.join(name)).filter(|p| p.is_file()).collect();
    if found.is_empty() {
        return Err(format!("{name} is missing in the data folder").into());
    }
    let fits = |path: &&PathBuf| {
        let size = dicom::read_image(path, &limits()).ok().map(|i| (i.rows() as f64, i.columns() as f64));
        size.is_some_and(|(r, c)| want["rows"].as_f64() == Some(r) && want["cols"].as_f64() == Some(c))
    };
    let path = found.iter().find(fits).or(found.first()).ok_or("no file")?;
    let image = match (dicom::read_image(path, &limits()), want.get("array_shape")) {
        (Ok(_), None) if want["rows"].is_null() => {
            case.skip("pixels", "the reference tool finds no picture in it, ours does: nothing to compare with");
            return Ok(());
        }
        (Ok(image), _) => image,
        (Err(_), None) => {
            case.holds("error where the reference has one", true, "");
            return Ok(());
        }
        (Err(eir_anatomy3d::Error::Unsupported(e)), _) => {
            case.skip("pixels", &format!("{NOT_BUILT}: {e}"));
            return Ok(());
        }
        (Err(e), _) => return Err(e.into()),
    };
    let values: Vec<f64> = (0..image.frames()).filter_map(|f| image.stored(f)).flatten().copied().collect();
    // lossy JPEG 2000 decoders differ by one
    let lossy = image.transfer_syntax().ends_with(".4.91") && want.get("sha256_native_le").is_some();
    let optional = |v: &Value| if v.is_null() { None } else { v.as_f64() };
    case.walk(want, |case, key, w| {
        match key {
            "transfer_syntax" => {
                case.equal(key, &image.transfer_syntax().to_owned(), &w.as_str().unwrap_or_default().to_owned())
            }
            "rows" => case.value(key, image.rows() as f64, number(w)?, Tolerance::Exact),
            "cols" => case.value(key, image.columns() as f64, number(w)?, Tolerance::Exact),
            "frames" => case.value(key, image.frames() as f64, optional(w).unwrap_or(1.0), Tolerance::Exact),
            "samples_per_pixel" => case.value(key, 1.0, number(w)?, Tolerance::Exact),
            "bits" if !image.is_float() => {
                case.close(key, &image.bits().map(|b| b as f64), &numbers(w)?, Tolerance::Exact)
            }
            "pixel_representation" if !w.is_null() => {
                case.value(key, f64::from(u8::from(image.is_signed())), number(w)?, Tolerance::Exact);
            }
            "rescale" => {
                let (slope, intercept) = image.rescale();
                let nan = |v: Option<f64>| v.unwrap_or(f64::NAN);
                case.close(key, &[nan(slope), nan(intercept)], &numbers(w)?, Tolerance::Exact);
            }
            "array_shape" => {
                let mut got = vec![image.rows() as f64, image.columns() as f64];
                if numbers(w)?.len() == 3 {
                    got.insert(0, image.frames() as f64);
                }
                case.close(key, &got, &numbers(w)?, Tolerance::Exact);
            }
            "stats" if lossy => {
                for bound in ["min", "max", "p1", "p50", "p99"] {
                    let got = match bound {
                        "min" => values.iter().copied().fold(f64::INFINITY, f64::min),
                        "max" => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                        _ => continue,
                    };
                    case.value(bound, got, number(&w[bound])?, Tolerance::absolute(1.0));
                }
                case.value(
                    "mean",
                    values.iter().sum::<f64>() / values.len() as f64,
                    number(&w["mean"])?,
                    Tolerance::absolute(1.0),
                );
            }
            "stats" => statistics(case, w, &values)?,
            "sha256_native_le" if lossy => case.skip(key, "lossy decoders differ by one, a digest cannot"),
            "sha256_native_le" => {
                let kind = text(want, "array_dtype")?;
                let bytes: Vec<u8> = match kind.as_str() {
                    "uint8" => values.iter().map(|v| *v as u8).collect(),
                    "int8" => values.iter().map(|v| *v as i8 as u8).collect(),
                    "uint16" => values.iter().flat_map(|v| (*v as u16).to_le_bytes()).collect(),
                    "int16" => values.iter().flat_map(|v| (*v as i16).to_le_bytes()).collect(),
                    "uint32" => values.iter().flat_map(|v| (*v as u32).to_le_bytes()).collect(),
                    "int32" => values.iter().flat_map(|v| (*v as i32).to_le_bytes()).collect(),
                    "float32" => values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect(),
                    "float64" => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
                    _ => {
                        case.skip(key, NOT_BUILT);
                        return Ok(());
                    }
                };
                case.equal(key, &sha(bytes), &w.as_str().unwrap_or_default().to_owned());
            }
            "frame_ipp" => case.close(key, image.positions_mm().as_flattened(), &numbers(w)?, Tolerance::Exact),
            "frame_iop" => case.close(key, &image.orientation().unwrap_or_default(), &numbers(w)?, Tolerance::Exact),
            "frame_pixel_spacing" => {
                case.close(key, &image.pixel_spacing_mm().unwrap_or_default(), &numbers(w)?, Tolerance::Exact);
            }
            "array_dtype" => {
                let bits = image.bits()[0].max(8);
                let kind = if image.is_float() {
                    "float"
                } else if image.is_signed() {
                    "int"
                } else {
                    "uint"
                };
                case.equal(key, &format!("{kind}{bits}"), &w.as_str().unwrap_or_default().to_owned());
            }
            _ => case.skip(key, NOT_BUILT),
        }
        Ok(())
    })
}

/// dcm2niix flips rows (its volumes count from below): the same places, from the other end.
pub(crate) fn dcm2niix(case: &mut Case) -> Outcome {
    let file = case.json()?;
    case.walk(&file, |case, key, want| {
        let folder = case.data_folder().join(key);
        if !folder.is_dir() {
            return Err(format!("{} is missing", folder.display()).into());
        }
        let groups = dicom::scan(&folder, &limits())?;
        let outputs = want.get("outputs").and_then(Value::as_object).ok_or("no outputs")?.clone();
        for (name, output) in &outputs {
            if name.contains("_Tilt") || name.contains("_Eq") {
                case.skip(name, "a resampled output is informative only");
                continue;
            }
            let affine_want = numbers(entry(output, "affine_RAS")?)?;
            let slices = numbers(entry(output, "shape")?)?.get(2).copied().unwrap_or_default();
            if !groups.iter().any(|g| g.files.len() as f64 == slices) {
                let found: Vec<usize> = groups.iter().map(|g| g.files.len()).collect();
                case.fail(name, &format!("no series of {slices} slices is in {}, but {found:?}", folder.display()));
                continue;
            }
            let mut best: Option<(f64, Vec<f64>, Vec<f64>)> = None;
            for group in &groups {
                let Ok(series) =
                    SeriesConfig::default().with_spacing(Spacing::Keep).read_files(&group.files, &limits())
                else {
                    continue;
                };
                let [nx, ny, nz] = series.volume.shape().map(|n| n as f64);
                let even = series.position_error_mm < 0.01 && series.tilt_deg < 0.1;
                if !even {
                    continue;
                }
                for (flip_rows, flip_slices) in [(true, false), (true, true), (false, false), (false, true)] {
                    let rows = series.volume.affine().to_ras().rows();
                    let rows = rows.map(|[x, mut y, mut z, mut o]| {
                        if flip_rows {
                            (o, y) = (o + y * (ny - 1.0), -y);
                        }
                        if flip_slices {
                            (o, z) = (o + z * (nz - 1.0), -z);
                        }
                        [x, y, z, o]
                    });
                    let got = four_by_four(rows);
                    let off = got.iter().zip(&affine_want).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                    if best.as_ref().is_none_or(|b| off < b.0) {
                        best = Some((off, got, vec![nx, ny, nz]));
                    }
                }
            }
            match best {
                Some((_, got, shape)) => {
                    case.close(&format!("{name}.affine_RAS"), &got, &affine_want, Tolerance::absolute(1e-4));
                    case.close(&format!("{name}.shape"), &shape, &numbers(entry(output, "shape")?)?, Tolerance::Exact);
                }
                None => case.skip(name, "uneven or tilted: dcm2niix writes an affine without the shear"),
            }
        }
        Ok(())
    })
}
