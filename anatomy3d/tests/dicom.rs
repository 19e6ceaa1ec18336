//! Thirteen synthetic series whose every position is known: where is each slice, and is each anomaly named?

use eir_anatomy3d::dicom::{self, SeriesConfig, Spacing};
use eir_anatomy3d::{Error, Limits};
use eir_core::testing::golden::{entry, numbers};
use eir_core::testing::shared;
use serde_json::Value;

#[test]
fn every_voxel_lies_where_it_was_scanned() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("data/anatomy3d/synthetic");
    let truth: Value = serde_json::from_slice(&std::fs::read(folder.join("ground_truth.json")).unwrap()).unwrap();
    let mut read = 0;
    for (name, all) in truth["dicom"].as_object().unwrap() {
        let groups = match dicom::scan(folder.join("dicom").join(name), &Limits::default()) {
            Ok(groups) => groups,
            Err(error) => panic!("{name}: {error}"),
        };
        let all = all.as_array().unwrap();
        assert_eq!(groups.len(), all.len(), "{name}");
        for want in all {
            let places = numbers(entry(want, "sorted_ipp").unwrap()).unwrap();
            let sums = numbers(entry(want, "sorted_hu_sums").unwrap()).unwrap();
            let group = groups.iter().find(|g| g.files.len() * 3 == places.len()).unwrap();
            let strict = dicom::read_files(&group.files);
            if let Err(Error::InFile { source, .. }) = &strict {
                // no decoder in safe Rust: JPEG-LS
                assert!(matches!(**source, Error::Unsupported(_)), "{name}: {source}");
                assert!(want["transfer_syntax"].as_str().unwrap().ends_with(".4.80"));
                continue;
            }
            let steps: Vec<f64> = places
                .chunks(3)
                .zip(places.chunks(3).skip(1))
                .map(|(a, b)| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt())
                .collect();
            if steps.iter().any(|s| *s < 1e-3) {
                assert!(matches!(strict, Err(Error::DuplicatePosition { .. })), "{name}");
                continue;
            }
            let uneven = steps.iter().any(|s| (s - steps[0]).abs() > 0.01);
            let series = if uneven {
                assert!(matches!(strict, Err(Error::UnevenSpacing { .. })), "{name}");
                SeriesConfig::default()
                    .with_spacing(Spacing::Keep)
                    .read_files(&group.files, &Limits::default())
                    .unwrap()
            } else {
                strict.unwrap()
            };
            for (got, want) in series.positions_mm.as_flattened().iter().zip(&places) {
                assert!((got - want).abs() < 1e-6, "{name}"); // 16 characters in the file
            }
            let [nx, ny, nz] = series.volume.shape();
            // a file without slope and intercept holds what is stored, which is 1024 more
            let untold = want["missing_tags"].as_array().is_some_and(|t| t.iter().any(|t| t == "RescaleIntercept"));
            let shift = if untold { 1024.0 * (nx * ny) as f64 } else { 0.0 };
            for k in 0..nz {
                let sum: f64 =
                    series.volume.voxels()[k * nx * ny..(k + 1) * nx * ny].iter().map(|v| f64::from(*v)).sum();
                assert!((sum - shift - sums[k]).abs() <= 1e-6 * sums[k].abs(), "{name}: slice {k}: {sum} {}", sums[k]);
                let at = series.volume.affine().apply([0.0, 0.0, k as f64]);
                let off = at.iter().zip(&places[3 * k..]).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                assert!(uneven || off < 0.001, "{name}: slice {k} lies {off} mm off");
            }
            if uneven {
                let even = SeriesConfig::default().with_spacing(Spacing::Resample);
                let even = even.read_files(&group.files, &Limits::default()).unwrap();
                let last = even.volume.shape()[2] - 1;
                let at = even.volume.affine().apply([0.0, 0.0, last as f64]);
                assert!(at.iter().zip(&places[places.len() - 3..]).all(|(a, b)| (a - b).abs() < 1e-6), "{name}");
                assert!(even.position_error_mm < 0.001, "{name}");
            }
            read += 1;
        }
    }
    assert!(read >= 10, "{read}");
}

#[test]
fn two_echoes_in_a_folder_are_told_apart() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("data/anatomy3d/mr_knee_multiecho_bigendian");
    let error = dicom::read_series(&folder).unwrap_err();
    assert!(matches!(error, Error::MixedSeries { groups: 2, differ_in: "echo" }), "{error}");
    let groups = dicom::scan(&folder, &Limits::default()).unwrap();
    assert_eq!(dicom::read_files(&groups[0].files).unwrap().volume.shape(), [256, 256, 24]);
}
