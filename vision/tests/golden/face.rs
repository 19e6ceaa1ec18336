//! Networks on one face, on stored inputs.

use crate::kinematics::{Fallible, entry, number};
use crate::pose::{image, levels, picture, tag};
use burn::tensor::Device;
use eir_core::testing::golden::{Case, Outcome, Tolerance, npy, numbers};
use eir_vision::crop::{Border, Sampling, SquareRoi, warp};
use eir_vision::face::{Expression, ExpressionNetwork, FaceLandmarks68, FaceMesh, grey};
use eir_vision::networks::Architecture;
use serde_json::Value;

fn weights(case: &Case, architecture: Architecture) -> Fallible<std::path::PathBuf> {
    let stem = architecture.file_stem().ok_or("it is not published")?;
    case.data(&format!("weights/{stem}.safetensors"))
}

fn expression(case: &Case, architecture: Architecture) -> Fallible<ExpressionNetwork> {
    Ok(ExpressionNetwork::load(architecture, &weights(case, architecture)?, &Device::flex())?)
}

/// The names of the classes, as each tool spells them.
fn classes(case: &mut Case, key: &str, network: &ExpressionNetwork, names: &Value) {
    let spelled = |name: &str| match name {
        "angry" => Some(Expression::Angry),
        "disgust" | "disgusted" => Some(Expression::Disgust),
        "fear" | "fearful" => Some(Expression::Fear),
        "happy" => Some(Expression::Happy),
        "sad" => Some(Expression::Sad),
        "surprise" | "surprised" => Some(Expression::Surprise),
        "neutral" => Some(Expression::Neutral),
        _ => None,
    };
    let want: Vec<_> =
        names.as_array().into_iter().flatten().map(|n| spelled(n.as_str().unwrap_or_default())).collect();
    case.equal(key, &network.classes().map(Some).to_vec(), &want);
}

/// The 468 points on the stored input.
pub(crate) fn mesh_points(case: &mut Case) -> Outcome {
    let tag = tag(case, "_facemesh.npy")?;
    let input = image(case.reference(&format!("face/{tag}_facemesh_input.png"))?)?;
    let mesh = FaceMesh::load_468(&weights(case, Architecture::Facemesh)?, &Device::flex())?;
    let raw = mesh.raw(&mesh.planes(&input)?)?;
    let got: Vec<f64> = raw.points.as_flattened().iter().map(|v| f64::from(*v)).collect();
    let (shape, want) = npy(case.path())?;
    case.equal("shape", &shape, &vec![raw.points.len(), 3]);
    case.close("points", &got, &want, Tolerance::absolute(2e-3));
    Ok(())
}

pub(crate) fn face(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let tag = tag(case, ".json")?;
    let input = image(case.reference(&format!("face/{tag}_facemesh_input.png"))?)?;
    let mesh = FaceMesh::load_468(&weights(case, Architecture::Facemesh)?, &Device::flex())?;
    let raw = mesh.raw(&mesh.planes(&input)?)?;
    let flag = number(entry(&reference, "faceflag_logit_or_prob")?)?;
    case.value("faceflag_logit_or_prob", f64::from(raw.presence), flag, Tolerance::absolute(1e-5));
    let shape = numbers(entry(&reference, "face_box")?)?;
    let shape: [f64; 4] = shape.try_into().map_err(|_| "a box has 4 numbers")?;
    for key in ["mesh_roi", "emotion_roi"] {
        let want = entry(&reference, key)?;
        let roi = SquareRoi::about(&shape, number(entry(want, "scale")?)?)?;
        case.close(&format!("{key}.center"), &roi.centre, &numbers(entry(want, "center")?)?, Tolerance::absolute(1e-5));
        case.value(&format!("{key}.size"), roi.side, number(entry(want, "size")?)?, Tolerance::absolute(1e-5));
    }
    let network = expression(case, Architecture::Emotion)?;
    classes(case, "emotion_classes", &network, entry(&reference, "emotion_classes")?);
    let input = image(case.reference(&format!("face/{tag}_emotion_input.png"))?)?;
    let want = numbers(entry(&reference, "emotion_probs")?)?;
    case.close("emotion_probs", &network.raw(&input)?, &want, Tolerance::absolute(1e-4));
    case.skip("landmarks5", "compared in detect/");
    Ok(())
}

/// The three other networks on all faces.
pub(crate) fn fer(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let faceapi = expression(case, Architecture::FaceapiExpression)?;
    let xception = expression(case, Architecture::MiniXception)?;
    let landmarks = FaceLandmarks68::load(&weights(case, Architecture::FaceapiLandmarks68)?, &Device::flex())?;
    classes(case, "faceapi_classes", &faceapi, entry(&reference, "faceapi_classes")?);
    classes(case, "mini_xception_classes", &xception, entry(&reference, "mini_xception_classes")?);
    case.walk(entry(&reference, "faces")?, |case, tag, want| {
        let square = image(case.reference(&format!("face/{tag}_faceapi_input.png"))?)?;
        let small = image(case.reference(&format!("face/{tag}_emotion_input.png"))?)?;
        let list = |key: &str| numbers(entry(want, key)?);
        case.close("faceapi_probs", &faceapi.raw(&square)?, &list("faceapi_probs")?, Tolerance::absolute(1e-4));
        case.close(
            "mini_xception_probs",
            &xception.raw(&small)?,
            &list("mini_xception_probs")?,
            Tolerance::absolute(1e-4),
        );
        let points: Vec<f64> = landmarks.raw(&square)?.as_flattened().iter().map(|v| f64::from(*v)).collect();
        case.close("landmarks68_xy_unit", &points, &list("landmarks68_xy_unit")?, Tolerance::absolute(1e-5));
        Ok(())
    })
}

fn read(case: &Case, name: &str) -> Fallible<Value> {
    Ok(serde_json::from_slice(&std::fs::read(case.reference(name)?)?)?)
}

/// A stored crop is our crop of the picture.
pub(crate) fn crop(case: &mut Case) -> Outcome {
    let name = case.path().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.strip_suffix("_input.png").ok_or("the file's name has another end")?;
    let (face, kind) = stem.rsplit_once('_').ok_or("the file's name names no network")?;
    let (picture_name, _) = face.rsplit_once("_f").ok_or("the file's name has no number")?;
    let reference = read(case, &format!("face/{face}.json"))?;
    let shape = numbers(entry(&reference, "face_box")?)?;
    let shape: [f64; 4] = shape.try_into().map_err(|_| "a box has 4 numbers")?;
    let want = image(case.path().to_owned())?;
    let mut picture = picture(case, picture_name)?;
    let scale = match kind {
        "facemesh" => 1.5,
        "emotion" => 1.1,
        _ => 1.0,
    };
    if kind == "emotion" {
        picture = grey(&picture);
    }
    let map = SquareRoi::about(&shape, scale)?.affine_half_pixel(want.width());
    let got = warp(&picture, &map, [want.width(), want.height()], Border::Zero, Sampling::Exact)?;
    levels(case, &got, &want, 1.0); // the box is stored with 6 digits
    Ok(())
}
