//! Decoders of heat maps and SimCC, and the crop before them.

use crate::kinematics::{Fallible, entry, number};
use crate::pose::{affine, image, levels, picture};
use eir_core::testing::golden::{Case, Outcome, Tolerance, numbers};
use eir_vision::crop::{Border, Sampling, TopDown, warp};
use serde_json::Value;

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
