//! Decoders of heat maps and SimCC, and the crop before them.

use crate::kinematics::{Fallible, entry, number};
use crate::pose::{affine, image, levels, picture};
use eir_core::testing::golden::{Case, Outcome, Tolerance, numbers};
use eir_vision::crop::{Border, Sampling, TopDown, warp};
use eir_vision::decode::{HeatMaps, MapBack, Peak, dark, dark_udp, peaks, quarter_shift, simcc, simcc_dark};
use serde_json::Value;
use std::io::Read;

/// An array of a `.npz` file: its shape and values.
fn npz(case: &Case, file: &str, name: &str) -> Fallible<(Vec<usize>, Vec<f32>)> {
    let archive = std::fs::File::open(case.reference(file)?)?;
    let mut archive = zip::ZipArchive::new(archive)?;
    let mut bytes = Vec::new();
    archive.by_name(&format!("{name}.npy"))?.read_to_end(&mut bytes)?;
    let path = std::env::temp_dir().join(format!("eir-golden-{}-{name}.npy", std::process::id()));
    std::fs::write(&path, &bytes)?;
    let read = eir_core::testing::golden::npy(&path);
    std::fs::remove_file(&path)?;
    let (shape, values) = read?;
    Ok((shape, values.into_iter().map(|v| v as f32).collect()))
}

fn places(found: &[Peak], scale: f64) -> Vec<f64> {
    found.iter().flat_map(|p| p.xy.map(|v| v * scale)).collect()
}

pub(crate) fn expected(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let fine = Tolerance::absolute(1e-3);
    let axes = entry(&reference, "simcc")?;
    let ((shape, x), (_, y)) = (npz(case, "decode/simcc.npz", "simcc_x")?, npz(case, "decode/simcc.npz", "simcc_y")?);
    let joints = *shape.first().ok_or("an array has axes")?;
    let split = 1.0 / number(entry(axes, "split")?)?;
    let found = simcc(&x, &y, joints)?;
    let scores: Vec<f64> = found.iter().map(|p| p.score).collect();
    case.close("simcc.argmax", &places(&found, 1.0), &numbers(entry(axes, "argmax")?)?, Tolerance::Exact);
    // scores are rounded to 5 digits
    case.close("simcc.score_min_rule", &scores, &numbers(entry(axes, "score_min_rule")?)?, Tolerance::absolute(6e-6));
    case.close("simcc.xy", &places(&found, split), &numbers(entry(axes, "xy")?)?, Tolerance::Exact);
    let sigma: [f64; 2] = numbers(entry(axes, "sigma")?)?.try_into().map_err(|_| "two sigmas")?;
    let refined = simcc_dark(&x, &y, joints, sigma)?;
    case.close("simcc.dark_xy", &places(&refined, split), &numbers(entry(axes, "dark_xy")?)?, fine);

    let maps = entry(&reference, "heatmap")?;
    let (shape, plain) = npz(case, "decode/heatmaps.npz", "gaussian")?;
    let (_, unbiased) = npz(case, "decode/heatmaps.npz", "udp")?;
    let [.., height, width] = *shape.as_slice() else { return Err("maps have axes".into()) };
    let (plain, unbiased) = (HeatMaps::new(&plain, width, height)?, HeatMaps::new(&unbiased, width, height)?);
    let found = peaks(&plain);
    let list = |key: &str| numbers(entry(maps, key)?);
    case.close("argmax", &places(&found, 1.0), &list("argmax")?, Tolerance::Exact);
    let values: Vec<f64> = found.iter().map(|p| p.score).collect();
    case.close("value", &values, &list("value")?, Tolerance::absolute(6e-6));
    case.close("quarter_shift", &places(&quarter_shift(&plain, &found), 1.0), &list("quarter_shift")?, fine);
    case.close("dark_blur11", &places(&dark(&plain, &found, 11)?, 1.0), &list("dark_blur11")?, fine);
    let found = peaks(&unbiased);
    case.close("udp_argmax", &places(&found, 1.0), &list("udp_argmax")?, Tolerance::Exact);
    let refined = dark_udp(&unbiased, &found, 11)?;
    case.close("dark_udp_blur11", &places(&refined, 1.0), &list("dark_udp_blur11")?, fine);
    // and back to pixels: as near to the truth as noise of half a percent lets it
    let truth = numbers(entry(&reference, "true_xy_in_192x256")?)?;
    let input = [192, 256];
    let back: Vec<f64> = refined.iter().flat_map(|p| MapBack::Unbiased.pixels(p.xy, [width, height], input)).collect();
    case.close("true_xy, UDP", &back, &truth, Tolerance::absolute(0.5));
    for key in ["map_back_msra", "map_back_udp"] {
        case.skip(key, "a text");
    }
    Ok(())
}

fn read(case: &Case, name: &str) -> Fallible<Value> {
    Ok(serde_json::from_slice(&std::fs::read(case.reference(name)?)?)?)
}

/// The crop of a reference: its box and how it lies.
fn crop(reference: &Value, unbiased: bool) -> Fallible<TopDown> {
    let shape = numbers(entry(reference, "bbox_xywh")?)?;
    let [x, y, w, h] = *shape.as_slice() else { return Err("a box has 4 numbers".into()) };
    Ok(TopDown::new(&[x, y, x + w, y + h], [192, 256], 1.25, unbiased)?)
}

pub(crate) fn top_down(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let plain = crop(&reference, false)?;
    let fine = Tolerance::absolute(1e-6);
    case.close("center", &plain.centre, &numbers(entry(&reference, "center")?)?, fine);
    case.close("scale_after_aspect", &plain.size, &numbers(entry(&reference, "scale_after_aspect")?)?, fine);
    for (key, unbiased) in [("warp_dst_to_src", false), ("warp_udp_dst_to_src", true)] {
        let map = crop(&reference, unbiased)?.affine();
        case.close(key, map.rows.as_flattened(), affine(entry(&reference, key)?)?.rows.as_flattened(), fine);
    }
    let points = numbers(entry(&reference, "gt_keypoints_in_input_px")?)?;
    let annotations: Value =
        serde_json::from_slice(&std::fs::read(case.data("annotations/coco_keypoints_4img_14people.json")?)?)?;
    let truth = entry(&annotations, "annotations")?.as_array().into_iter().flatten();
    let truth = truth.filter(|a| a.get("bbox") == reference.get("bbox_xywh"));
    let truth = truth.filter_map(|a| a.get("keypoints")).map(numbers).next().ok_or("no such person")??;
    let back: Vec<f64> = points.as_chunks::<2>().0.iter().flat_map(|p| plain.place(*p)).collect();
    let truth: Vec<f64> = truth.as_chunks::<3>().0.iter().flat_map(|p| [p[0], p[1]]).collect();
    case.close("gt_keypoints_in_input_px, back in the picture", &back, &truth, Tolerance::absolute(1e-5));

    let tensor = entry(&reference, "tensor")?;
    let square = image(case.reference("preprocess/topdown_exact_rounded.png")?)?;
    let planes: Vec<f64> = (0..3)
        .flat_map(|c| {
            let pixels = square.rgb().as_chunks::<3>().0.iter();
            pixels.map(move |p| (f64::from(p[c]) - TopDown::MEAN[c]) / TopDown::DEVIATION[c])
        })
        .collect();
    let area = square.width() * square.height();
    let at = |x: usize, y: usize| (0..3).map(|c| planes[c * area + y * square.width() + x]).collect::<Vec<_>>();
    let sum: f64 = planes.iter().sum();
    let absolute: f64 = planes.iter().map(|v| v.abs()).sum();
    case.close("mean", &TopDown::MEAN, &numbers(entry(tensor, "mean")?)?, Tolerance::Exact);
    case.close("std", &TopDown::DEVIATION, &numbers(entry(tensor, "std")?)?, Tolerance::Exact);
    case.value("sum", sum, number(entry(tensor, "sum")?)?, Tolerance::absolute(1e-5 * absolute));
    case.value("abs_sum", absolute, number(entry(tensor, "abs_sum")?)?, Tolerance::relative(1e-5));
    let first: Vec<f64> = (0..3).flat_map(|c| (0..5).map(move |x| (c, x))).map(|(c, x)| planes[c * area + x]).collect();
    case.close(
        "first_row_first_5_rgb",
        &first,
        &numbers(entry(tensor, "first_row_first_5_rgb")?)?,
        Tolerance::absolute(1e-5),
    );
    case.close("centre_rgb", &at(96, 128), &numbers(entry(tensor, "centre_rgb")?)?, Tolerance::absolute(1e-5));
    for key in ["opencv_vs_exact", "back", "tensor.rule"] {
        case.skip(key, "about the reference itself");
    }
    Ok(())
}

/// The stored crop is ours.
pub(crate) fn top_down_crop(case: &mut Case) -> Outcome {
    let reference = read(case, "preprocess/topdown.json")?;
    let unbiased = case.path().to_string_lossy().contains("udp");
    let map = crop(&reference, unbiased)?.affine();
    let got = warp(&picture(case, "coco_000000000785")?, &map, [192, 256], Border::Zero, Sampling::Exact)?;
    let want = image(case.path().to_owned())?;
    levels(case, &got, &want, 1.0);
    Ok(())
}
