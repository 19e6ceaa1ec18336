//! Counts of label maps.

use crate::inputs::{NOT_BUILT, read};
use eir_anatomy3d::labels::{self, Connectivity};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};

pub(crate) fn label_statistics(case: &mut Case) -> Outcome {
    let file = case.json()?;
    case.walk(&file, |case, name, want| {
        let map = read(&case.data(name)?)?.labels(0)?;
        let spacing = numbers(entry(want, "spacing")?)?;
        case.close("spacing", &map.affine().spacing_mm(), &spacing, Tolerance::absolute(1e-5));
        let all = labels::statistics(&map);
        case.walk(entry(want, "labels")?, |case, label, want| {
            let label: u16 = label.parse()?;
            let got = all.iter().find(|s| s.label == label).ok_or("no voxel has the label")?;
            case.walk(want, |case, key, want| {
                match key {
                    "voxels" => case.value(key, got.voxels as f64, number(want)?, Tolerance::Exact),
                    "physical_size_mm3" => case.value(key, got.volume_mm3, number(want)?, Tolerance::relative(1e-6)),
                    "centroid_LPS" => case.close(key, &got.centroid_mm, &numbers(want)?, Tolerance::Both(1e-5, 1e-6)),
                    "bbox_xyz_size" => {
                        let box_: Vec<f64> = got.first.iter().chain(&got.size).map(|n| *n as f64).collect();
                        case.close(key, &box_, &numbers(want)?, Tolerance::Exact);
                    }
                    "components" => case.walk(want, |case, neighbours, want| {
                        let connectivity = match neighbours {
                            "6" => Connectivity::Faces,
                            "18" => Connectivity::Edges,
                            "26" => Connectivity::Corners,
                            _ => {
                                case.skip(neighbours, NOT_BUILT);
                                return Ok(());
                            }
                        };
                        let sizes: Vec<f64> =
                            labels::components(&map, label, connectivity).into_iter().map(|n| n as f64).collect();
                        let top = numbers(entry(want, "sizes_top5")?)?;
                        case.value("n", sizes.len() as f64, number(entry(want, "n")?)?, Tolerance::Exact);
                        case.value("largest", sizes[0], number(entry(want, "largest")?)?, Tolerance::Exact);
                        case.close("sizes_top5", &sizes[..top.len().min(sizes.len())], &top, Tolerance::Exact);
                        Ok(())
                    })?,
                    _ => case.skip(key, NOT_BUILT),
                }
                Ok(())
            })
        })
    })
}
