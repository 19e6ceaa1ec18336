//! Surfaces of analytic fields, of scans and of label maps.

use crate::inputs::{NOT_BUILT, folders, read, sha, text};
use eir_anatomy3d::{Affine, Border, Isosurface, LabelMap, LabelSurface, Mesh, Volume, labels};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, npy, number, numbers};
use serde_json::Value;
use std::path::PathBuf;

/// `mesh_stats` of the generator.
fn mesh_stats(case: &mut Case, want: &Value, mesh: &Mesh, equal_to_level: bool) -> Outcome {
    let topology = mesh.topology();
    let mut sum = [0.0; 3];
    let mut used = vec![false; mesh.vertices().len()];
    for v in mesh.triangles().iter().flatten() {
        used[*v as usize] = true;
    }
    for (v, _) in mesh.vertices().iter().zip(&used).filter(|(_, u)| **u) {
        for c in 0..3 {
            sum[c] += f64::from(v[c]);
        }
    }
    let bounds = mesh.bounds_mm().unwrap_or_default();
    let relative = Tolerance::relative(1e-5);
    case.walk(want, |case, key, want| {
        let count = match key {
            "n_vertices" => Some(topology.vertices as f64),
            "n_used_vertices" => Some(topology.used_vertices as f64),
            "n_faces" => Some(topology.faces as f64),
            "n_edges" => Some(topology.edges as f64),
            "euler" => Some(topology.euler as f64),
            "boundary_edges" => Some(topology.boundary_edges as f64),
            "nonmanifold_edges" => Some(topology.non_manifold_edges as f64),
            "inconsistent_directed_edges" => Some(topology.inconsistent_edges as f64),
            "components" => Some(topology.components as f64),
            _ => None,
        };
        match (key, count) {
            (_, Some(count)) => case.value(key, count, number(want)?, Tolerance::Exact),
            // VTK makes triangles without area where a voxel equals the level; there must be none here
            ("zero_area_faces", _) if equal_to_level => {
                case.value(key, topology.zero_area_faces as f64, 0.0, Tolerance::Exact)
            }
            ("zero_area_faces", _) => case.value(key, topology.zero_area_faces as f64, number(want)?, Tolerance::Exact),
            ("area", _) => case.value(key, mesh.area_mm2(), number(want)?, relative),
            ("volume", _) => case.value(key, mesh.volume_mm3(), number(want)?, relative),
            ("bbox_min", _) => case.close(key, &bounds.0.map(f64::from), &numbers(want)?, Tolerance::absolute(5e-3)),
            ("bbox_max", _) => case.close(key, &bounds.1.map(f64::from), &numbers(want)?, Tolerance::absolute(5e-3)),
            ("centroid_of_vertices", _) => {
                let got = sum.map(|s| s / topology.used_vertices as f64);
                case.close(key, &got, &numbers(want)?, relative);
            }
            _ => case.skip(key, NOT_BUILT),
        }
        Ok(())
    })
}

fn open_surface(volume: &Volume, level: f64) -> Result<Mesh, eir_anatomy3d::Error> {
    Isosurface::config().with_border(Border::Open).build()?.extract(volume, level)
}

pub(crate) fn isosurface_fields(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let prefix = case.path().file_stem().unwrap_or_default().to_string_lossy().replacen("isosurface", "", 1);
    case.walk(&file, |case, key, all_of_case| {
        let want = all_of_case;
        let mut all = Vec::new();
        folders(case.path().parent().ok_or("no folder")?, &mut all)?;
        // field_NAME.npy, or with another prefix in a held-out set
        let named = |f: &PathBuf| {
            let mut found: Vec<PathBuf> =
                std::fs::read_dir(f).into_iter().flatten().flatten().map(|e| e.path()).collect();
            found.retain(|p| p.file_name().is_some_and(|n| n.to_string_lossy().ends_with(&format!("field_{key}.npy"))));
            found.sort_by_key(|p| !p.to_string_lossy().contains(prefix.trim_matches('_')));
            found.into_iter().next()
        };
        let path = all.iter().find_map(named).ok_or_else(|| format!("field_{key}.npy is missing"))?;
        let (shape, values) = npy(&path)?;
        let parameters = entry(want, "parameters")?;
        let spacing: [f64; 3] = numbers(entry(parameters, "spacing")?)?.try_into().map_err(|_| "spacing")?;
        let level = number(entry(parameters, "iso")?)?;
        let [nz, ny, nx] = shape[..] else { return Err("the field has not three axes".into()) };
        let voxels: Vec<f32> = values.iter().map(|v| *v as f32).collect();
        let equal = voxels.iter().any(|v| f64::from(*v) == level);
        let inside = voxels.iter().filter(|v| f64::from(**v) > level).count();
        let digest = sha(voxels.iter().flat_map(|v| v.to_le_bytes()));
        let volume = Volume::new([nx, ny, nz], voxels, Affine::from_spacing(spacing)?)?;
        let mesh = open_surface(&volume, level)?;
        case.walk(want, |case, name, want| {
            match name {
                "vtkFlyingEdges3D" => mesh_stats(case, want, &mesh, equal)?,
                "field_sha256" => case.equal(name, &digest, &want.as_str().unwrap_or_default().to_owned()),
                "inside_voxels" => case.value(name, inside as f64, number(want)?, Tolerance::Exact),
                "flying_edges_radius_error" => {
                    let c: Vec<f64> = numbers(entry(parameters, "c")?)?;
                    let r = number(entry(parameters, "r")?)?;
                    let off: Vec<f64> = mesh
                        .vertices()
                        .iter()
                        .map(|v| (0..3).map(|i| (f64::from(v[i]) - c[i]).powi(2)).sum::<f64>().sqrt() - r)
                        .collect();
                    let n = off.len() as f64;
                    let t = Tolerance::absolute(1e-4);
                    case.value("mean", off.iter().sum::<f64>() / n, number(&want["mean"])?, t);
                    case.value("max_abs", off.iter().fold(0.0, |a, v| v.abs().max(a)), number(&want["max_abs"])?, t);
                    case.value("rms", (off.iter().map(|v| v * v).sum::<f64>() / n).sqrt(), number(&want["rms"])?, t);
                }
                "analytic" if !want.is_null() => {
                    // the voxels' error is the same for all: no more than VTK's
                    let theirs = &all_of_case["vtkFlyingEdges3D"];
                    for (key, got) in [("area", mesh.area_mm2()), ("volume", mesh.volume_mm3())] {
                        if let (Some(exact), Some(vtk)) = (want.get(key), theirs.get(key)) {
                            let (exact, vtk) = (number(exact)?, number(vtk)?);
                            let allowed = (vtk - exact).abs() * 1.001 + 1e-5 * exact.abs();
                            case.value(key, got, exact, Tolerance::absolute(allowed));
                        }
                    }
                    case.value("euler", mesh.topology().euler as f64, number(&want["euler"])?, Tolerance::Exact);
                }
                "parameters" | "analytic" => {}
                "vtkMarchingCubes" => case.skip(name, "the same surface as flying edges"),
                _ => case.skip(name, NOT_BUILT),
            }
            Ok(())
        })
    })
}

/// The fields are the inputs of `isosurface.json`.
pub(crate) fn field(case: &mut Case) -> Outcome {
    let (shape, values) = npy(case.path())?;
    case.holds("readable", shape.iter().product::<usize>() == values.len(), "shape and values disagree");
    Ok(())
}

pub(crate) fn surfaces_real(case: &mut Case) -> Outcome {
    let file = case.json()?;
    if let Some(scalar) = file.get("scalar") {
        case.walk(scalar, |case, key, want| {
            let (name, level) = key.rsplit_once('@').ok_or("no level in the key")?;
            let level: f64 = level.parse()?;
            let scan = read(&case.data(name)?)?.volume(0)?;
            let spacing: [f64; 3] = numbers(entry(want, "spacing")?)?.try_into().map_err(|_| "spacing")?;
            let equal = scan.voxels().iter().any(|v| f64::from(*v) == level);
            case.close("spacing of the file", &scan.affine().spacing_mm(), &spacing, Tolerance::absolute(1e-5));
            let scan = Volume::new(scan.shape(), scan.into_voxels(), Affine::from_spacing(spacing)?)?;
            let mesh = open_surface(&scan, level)?;
            case.walk(want, |case, name, want| {
                match name {
                    "vtkFlyingEdges3D" => mesh_stats(case, want, &mesh, equal)?,
                    "spacing" | "note" => {}
                    _ => case.skip(name, NOT_BUILT),
                }
                Ok(())
            })
        })?;
    }
    let Some(label_maps) = file.get("labels") else { return Ok(()) };
    case.walk(label_maps, |case, name, want| {
        let map = read(&case.data(name)?)?.labels(0)?;
        let spacing: [f64; 3] = numbers(entry(want, "spacing")?)?.try_into().map_err(|_| "spacing")?;
        case.close("spacing of the file", &map.affine().spacing_mm(), &spacing, Tolerance::absolute(1e-5));
        // coordinates of the reference count from the padding
        let affine = Affine::from_spacing(spacing)?.with_first_index([1.0; 3]);
        let map = LabelMap::new(map.shape(), map.labels().to_vec(), affine)?;
        let mut surface = LabelSurface::new();
        let counts = labels::statistics(&map);
        let labels_want: Vec<f64> = numbers(entry(want, "labels")?)?;
        let present: Vec<f64> = map.present().into_iter().map(f64::from).collect();
        let missing: Vec<&f64> = labels_want.iter().filter(|l| !present.contains(l)).collect();
        case.holds("labels", missing.is_empty(), "a label of the reference is not in the map");
        case.walk(entry(want, "per_label")?, |case, label, want| {
            let label: u16 = label.parse()?;
            let mesh = surface.extract(&map, label)?;
            let count = counts.iter().find(|s| s.label == label).ok_or("no such label")?;
            case.walk(want, |case, key, want| {
                match key {
                    "voxels" => case.value(key, count.voxels as f64, number(want)?, Tolerance::Exact),
                    "voxel_volume_mm3" => case.value(key, count.volume_mm3, number(want)?, Tolerance::relative(1e-9)),
                    "flying_edges_binary_05" => mesh_stats(case, want, &mesh, false)?,
                    _ => case.skip(key, NOT_BUILT),
                }
                Ok(())
            })
        })?;
        for key in ["total_nosmooth", "total_smooth16"] {
            case.skip(key, NOT_BUILT);
        }
        Ok(())
    })
}

/// Statistics of meshes that came as files; only STL can be read yet.
pub(crate) fn mesh_files(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let Some(smoothed) = file.get("smoothing") else {
        case.skip("all", NOT_BUILT);
        return Ok(());
    };
    // the input of the smoothing is a surface that we make: a voxelised ball
    let input = entry(smoothed, "input")?;
    let what = text(input, "what")?;
    let after = |word: &str| -> Option<f64> {
        let rest = what.split_once(word)?.1.trim_start_matches('=').trim_start();
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        rest[..end].parse().ok()
    };
    let (Some(radius), Some(centre), Some(n)) = (after("ball r"), after("centre"), after(" in ")) else {
        case.skip("smoothing.input", NOT_BUILT);
        return Ok(());
    };
    let n = n as usize;
    let ball = LabelMap::from_fn([n, n, n], Affine::from_spacing([1.0; 3])?, |i| {
        let d: f64 = i.iter().map(|v| (*v as f64 - centre).powi(2)).sum();
        u16::from(d <= radius * radius)
    })?;
    let mesh = LabelSurface::new().extract(&ball, 1)?;
    let spread = |mesh: &Mesh| {
        let r: Vec<f64> = mesh
            .vertices()
            .iter()
            .map(|v| v.iter().map(|c| (f64::from(*c) - centre).powi(2)).sum::<f64>().sqrt())
            .collect();
        let mean = r.iter().sum::<f64>() / r.len() as f64;
        (r.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / r.len() as f64).sqrt()
    };
    case.walk(smoothed, |case, key, want| {
        if key != "input" {
            case.skip(key, NOT_BUILT);
            return Ok(());
        }
        let Value::Object(fields) = want else { return Err("the input is no object".into()) };
        let stats: serde_json::Map<String, Value> = fields
            .iter()
            .filter(|(k, _)| !matches!(k.as_str(), "what" | "radius_std"))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        mesh_stats(case, &Value::Object(stats), &mesh, false)?;
        case.value("radius_std", spread(&mesh), number(entry(want, "radius_std")?)?, Tolerance::relative(1e-5));
        Ok(())
    })?;
    let Value::Object(all) = &file else { return Ok(()) };
    for key in all.keys().filter(|k| *k != "smoothing") {
        case.skip(key, NOT_BUILT);
    }
    Ok(())
}
