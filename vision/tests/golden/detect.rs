//! Detectors of persons and faces, on stored inputs and from the picture.

use crate::kinematics::{Fallible, entry, number};
use crate::pose::{image, levels, picture, tag};
use burn::tensor::Device;
use eir_core::testing::golden::{Case, Outcome, Tolerance, npy, numbers};
use eir_vision::detect::{
    BoxDetection, PersonDetector, PersonDetectorConfig, UltrafaceDetector, YunetFaceDetector, yolox_boxes,
};
use eir_vision::resize::{letterbox, resize_bilinear};
use serde_json::Value;

const YOLOX: &str = "weights/yolox_nano.safetensors";
const YUNET: &str = "weights/yunet_n.safetensors";
const ULTRAFACE: &str = "weights/ultraface_rfb_320.safetensors";

/// Boxes in pixels, scores.
fn boxes(case: &mut Case, from: &str, found: &[BoxDetection], want: &[(Vec<f64>, f64)], tolerance: [f64; 2]) {
    case.equal(&format!("boxes {from}"), &found.len(), &want.len());
    for (i, (got, (shape, score))) in found.iter().zip(want).enumerate() {
        case.close(&format!("box {i} {from}"), &got.box_xyxy, shape, Tolerance::absolute(tolerance[0]));
        case.value(&format!("score {i} {from}"), got.score, *score, Tolerance::absolute(tolerance[1]));
    }
}

pub(crate) fn yolox(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let tag = tag(case, "_yolox.json")?;
    let input = image(case.reference(&format!("detect/{tag}_yolox_input.png"))?)?;
    let picture = picture(case, &tag)?;
    let threshold = |key: &str| number(entry(&reference, key)?);
    let config =
        PersonDetectorConfig::default().with_min_score(threshold("score_thr")?).with_max_overlap(threshold("nms_iou")?);
    let detector = config.clone().load(&case.data(YOLOX)?, &Device::flex())?;
    let raw = detector.raw(&input)?;
    let (ours, placed) = letterbox(&picture, PersonDetector::SIZE, 114)?;
    case.value("ratio", placed.ratio, threshold("ratio")?, Tolerance::absolute(1e-12));
    let want = numbers(entry(&reference, "boxes_xyxy")?)?;
    let scores = numbers(entry(&reference, "scores")?)?;
    let want: Vec<(Vec<f64>, f64)> = want.as_chunks::<4>().0.iter().map(|b| b.to_vec()).zip(scores).collect();
    boxes(case, "from the input", &yolox_boxes(&raw, 0, &placed, &config)?, &want, [0.05, 1e-4]);
    // a level of the letterbox moves a score by 1e-2 and a box by about a pixel
    let found = yolox_boxes(&detector.raw(&ours)?, 0, &placed, &config)?;
    case.equal("boxes from the picture", &found.len(), &want.len());
    Ok(())
}

/// The network's raw answer for persons on the stored input.
pub(crate) fn yolox_raw(case: &mut Case) -> Outcome {
    let tag = tag(case, "_yolox_raw_person.npy")?;
    let input = image(case.reference(&format!("detect/{tag}_yolox_input.png"))?)?;
    let raw = PersonDetectorConfig::default().load(&case.data(YOLOX)?, &Device::flex())?.raw(&input)?;
    let (shape, want) = npy(case.path())?;
    case.equal("shape of the raw rows", &shape, &vec![raw.len() / 85, 6]);
    let column = |c: usize| -> Vec<f64> { raw.iter().skip(c).step_by(85).map(|v| f64::from(*v)).collect() };
    for c in 0..6 {
        let want: Vec<f64> = want.iter().skip(c).step_by(6).copied().collect();
        // of the box, 1e-3 cells are 0.03 pixels at the coarsest stride
        let tolerance = if c < 4 { 1e-3 } else { 2e-4 };
        case.close(&format!("raw column {c}"), &column(c), &want, Tolerance::absolute(tolerance));
    }
    Ok(())
}

/// The stored letterbox is our letterbox of the picture.
pub(crate) fn yolox_input(case: &mut Case) -> Outcome {
    let picture = picture(case, &tag(case, "_yolox_input.png")?)?;
    let (got, _) = letterbox(&picture, PersonDetector::SIZE, 114)?;
    let want = image(case.path().to_owned())?;
    levels(case, &got, &want, 1.0);
    Ok(())
}

pub(crate) fn yunet(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let tag = tag(case, "_yunet.json")?;
    let picture = picture(case, &tag)?;
    let (ours, scale) = YunetFaceDetector::input(&picture)?;
    case.value("scale", scale, number(entry(&reference, "scale")?)?, Tolerance::absolute(1e-12));
    let size = [ours.width() as f64, ours.height() as f64];
    case.close("input_wh", &size, &numbers(entry(&reference, "input_wh")?)?, Tolerance::Exact);
    // the shrunk input is stored where there is one; a picture that is not shrunk is its own input
    let stored = case.reference(&format!("detect/{tag}_yunet_input.png"));
    let input = match stored {
        Ok(path) if path.exists() => image(path)?,
        _ if scale < 1.0 => {
            case.skip("raw", "the shrunk input was not stored");
            return Ok(());
        }
        _ => ours,
    };
    let threshold = |key: &str| number(entry(&reference, key)?);
    let detector = YunetFaceDetector::load(&case.data(YUNET)?, &Device::flex())?;
    let detector = detector.with_thresholds(threshold("score_thr")?, threshold("nms_iou")?)?;
    let raw = detector.raw(&input)?;
    case.walk(entry(&reference, "raw")?, |case, n, row| {
        let row = numbers(row)?;
        let [stride, index, ..] = *row.as_slice() else { return Err("an empty row".into()) };
        let level = raw.iter().find(|l| l.stride == stride as usize).ok_or("no such stride")?;
        let i = index as usize;
        let slice =
            |values: &[f32], n: usize| values.iter().skip(i * n).take(n).map(|v| f64::from(*v)).collect::<Vec<_>>();
        let got = [slice(&level.class, 1), slice(&level.object, 1), slice(&level.boxes, 4), slice(&level.points, 10)];
        case.close(&format!("row {n}"), &got.concat(), &row[2..], Tolerance::absolute(2e-4));
        Ok(())
    })?;
    let found = detector.faces(&raw, input.width())?;
    let rows = |key: &str, n: usize| -> Fallible<Vec<Vec<f64>>> {
        Ok(numbers(entry(&reference, key)?)?.chunks_exact(n).map(<[f64]>::to_vec).collect())
    };
    let want = rows("detections", 15)?;
    let shapes: Vec<(Vec<f64>, f64)> = want.iter().map(|r| (r[..4].to_vec(), r[4])).collect();
    boxes(case, "from the input", &found, &shapes, [0.05, 1e-4]);
    for (i, (got, want)) in found.iter().zip(&want).enumerate() {
        case.close(&format!("points {i}"), got.points.as_flattened(), &want[5..], Tolerance::absolute(0.05));
    }
    let opencv = rows("opencv", 15)?;
    let shapes: Vec<(Vec<f64>, f64)> =
        opencv.iter().map(|r| (vec![r[0], r[1], r[0] + r[2], r[1] + r[3]], r[14])).collect();
    boxes(case, "of OpenCV", &found, &shapes, [0.05, 1e-4]);
    Ok(())
}

/// The stored input is our shrunk and padded picture.
pub(crate) fn yunet_input(case: &mut Case) -> Outcome {
    let picture = picture(case, &tag(case, "_yunet_input.png")?)?;
    let (got, _) = YunetFaceDetector::input(&picture)?;
    let want = image(case.path().to_owned())?;
    levels(case, &got, &want, 1.0);
    Ok(())
}

pub(crate) fn ultraface(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let tag = tag(case, "_ultraface.json")?;
    let input = image(case.reference(&format!("detect/{tag}_ultraface_input.png"))?)?;
    let threshold = |key: &str| number(entry(&reference, key)?);
    let detector = UltrafaceDetector::load(&case.data(ULTRAFACE)?, &Device::flex())?;
    let detector = detector.with_thresholds(threshold("score_thr")?, threshold("nms_iou")?)?;
    let raw = detector.raw(&input)?;
    let indices = numbers(entry(&reference, "raw_idx")?)?;
    let chosen: Vec<_> = indices.iter().filter_map(|i| raw.get(*i as usize)).collect();
    case.equal("rows above 0.1", &raw.iter().filter(|r| r.0 > 0.1).count(), &indices.len());
    let scores: Vec<f64> = chosen.iter().map(|r| r.0).collect();
    case.close("raw_scores", &scores, &numbers(entry(&reference, "raw_scores")?)?, Tolerance::absolute(2e-4));
    let shapes: Vec<f64> = chosen.iter().flat_map(|r| r.1).collect();
    case.close("raw_boxes", &shapes, &numbers(entry(&reference, "raw_boxes")?)?, Tolerance::absolute(2e-4));
    let want = numbers(entry(&reference, "detections")?)?;
    let want: Vec<(Vec<f64>, f64)> = want.as_chunks::<5>().0.iter().map(|r| (r[..4].to_vec(), r[4])).collect();
    boxes(case, "from the input", &detector.faces(&raw)?, &want, [0.05 / 320.0, 1e-4]);
    Ok(())
}

/// The stored input is our squeezed picture.
pub(crate) fn ultraface_input(case: &mut Case) -> Outcome {
    let picture = picture(case, &tag(case, "_ultraface_input.png")?)?;
    let [width, height] = UltrafaceDetector::SIZE;
    let got = resize_bilinear(&picture, width, height)?;
    let want = image(case.path().to_owned())?;
    levels(case, &got, &want, 1.0);
    Ok(())
}

/// How many persons and faces each picture holds, and what the networks said about them.
pub(crate) fn summary(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let persons = PersonDetector::load(&case.data(YOLOX)?, &Device::flex())?;
    let faces = YunetFaceDetector::load(&case.data(YUNET)?, &Device::flex())?;
    case.walk(&reference, |case, tag, want| {
        let picture = picture(case, tag)?;
        let size = [picture.width() as f64, picture.height() as f64];
        case.close("wh", &size, &numbers(entry(want, "wh")?)?, Tolerance::Exact);
        case.equal("persons", &(persons.detect(&picture)?.len() as f64), &number(entry(want, "persons")?)?);
        case.equal("faces", &(faces.detect(&picture)?.len() as f64), &number(entry(want, "faces")?)?);
        for key in ["poseflag", "emotion"] {
            if want.get(key).and_then(Value::as_array).is_some_and(|a| !a.is_empty()) {
                case.skip(key, "compared in the files of pose/ and face/, to more digits");
            }
        }
        Ok(())
    })
}
