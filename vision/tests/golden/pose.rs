//! The BlazePose networks and the whole chain.

use crate::kinematics::{Fallible, entry, number};
use burn::tensor::Device;
use eir_core::Limits;
use eir_core::testing::golden::{Case, Outcome, Tolerance, npy, numbers};
use eir_vision::Image;
use eir_vision::crop::planes_into;
use eir_vision::crop::{Affine, Border, Sampling, SquareRoi, warp};
use eir_vision::decode::movenet as movenet_joints;
use eir_vision::detection::{Detection, DetectionConfig, decode};
use eir_vision::face::{BLENDSHAPE_NAMES, Blendshapes, Face, FaceDetector, FaceEstimator, FaceMesh, blendshape_points};
use eir_vision::kinematics::{Side, knee_flexion_deg};
use eir_vision::networks::Architecture;
use eir_vision::pose::{MoveNet, Pose, PoseDetector, PoseEstimator, PoseLandmarker};
use eir_vision::refine::{RefineConfig, refine};
use serde_json::Value;
use std::path::PathBuf;

const DETECTOR: &str = "weights/blazepose_detector.safetensors";
const LANDMARKER: &str = "weights/blazepose_full.safetensors";
const SIDES: [(&str, Side); 2] = [("left", Side::Left), ("right", Side::Right)];

pub(crate) fn image(path: PathBuf) -> Fallible<Image> {
    Ok(Image::read(&path, &Limits::default())?)
}

/// The file's name without `suffix`, and the folder it lies in.
pub(crate) fn tag(case: &Case, suffix: &str) -> Fallible<String> {
    let name = case.path().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(name.strip_suffix(suffix).ok_or("the file's name has another end")?.to_owned())
}

/// The picture of that name.
pub(crate) fn picture(case: &Case, tag: &str) -> Fallible<Image> {
    image(case.data(&format!("images/{tag}.png"))?)
}

fn estimator(case: &Case, sampling: Sampling) -> Fallible<PoseEstimator> {
    let config = PoseEstimator::config().with_sampling(sampling);
    Ok(config.load(&case.data(DETECTOR)?, &case.data(LANDMARKER)?, &Device::flex())?)
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

pub(crate) fn affine(value: &Value) -> Fallible<Affine> {
    let all = numbers(value)?;
    let rows = all.as_chunks::<3>().0.try_into().map_err(|_| "a map has 6 numbers")?;
    Ok(Affine { rows })
}

/// One picture: both networks on the stored inputs, then the chain from the picture itself.
pub(crate) fn chain(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let tag = tag(case, ".json")?;
    let picture = picture(case, &tag)?;
    let size = [picture.width() as f64, picture.height() as f64];
    case.close("wh", &size, &numbers(entry(&reference, "wh")?)?, Tolerance::Exact);
    detector(case, entry(&reference, "pose_detector")?, &tag, &picture)?;
    case.walk(entry(&reference, "pose")?, |case, n, pose| landmarker(case, pose, &tag, n))?;

    let poses = estimator(case, Sampling::Exact)?.estimate(&picture)?;
    whole(case, "from the picture", &poses, entry(&reference, "pose")?)?;
    let found: Vec<Detection> = poses.iter().map(|p| p.detection.clone()).collect();
    let want = entry(entry(&reference, "pose_detector")?, "detections")?;
    detections(case, "from the picture", &found, want, found.len())?;
    let fixed = entry(&reference, "fixed32")?;
    let poses = estimator(case, Sampling::Fixed32)?.estimate(&picture)?;
    whole(case, "from the picture, 1/32 px", &poses, entry(fixed, "pose")?)?;

    movenet(case, entry(&reference, "movenet")?, &tag, &picture)?;
    face_detector(case, entry(&reference, "face_detector")?, &tag, &picture)?;
    case.walk(entry(&reference, "face")?, |case, n, face| face_mesh(case, face, &tag, n))?;
    let faces = face_estimator(case, Sampling::Exact)?.estimate(&picture)?;
    let rows = entry(&reference, "face")?.as_array().ok_or("faces are a list")?;
    let column = |key: &str| -> Fallible<Vec<Value>> { rows.iter().map(|f| Ok(entry(f, key)?.clone())).collect() };
    let wanted = [column("roi")?, column("image_xy_478")?, column("blendshapes_52")?];
    whole_faces(case, "from the picture", &faces, &wanted, 2e-4)?;
    let faces = face_estimator(case, Sampling::Fixed32)?.estimate(&picture)?;
    let column =
        |key: &str| -> Fallible<Vec<Value>> { Ok(entry(fixed, key)?.as_array().ok_or("faces are a list")?.clone()) };
    let wanted = [column("face_roi")?, column("face_image_xy_478")?, column("blendshapes_52")?];
    whole_faces(case, "from the picture, 1/32 px", &faces, &wanted, 2e-4)?;
    Ok(())
}

fn weights(case: &Case, architecture: Architecture) -> Fallible<PathBuf> {
    let stem = architecture.file_stem().ok_or("it is not published")?;
    case.data(&format!("weights/{stem}.safetensors"))
}

fn face_estimator(case: &Case, sampling: Sampling) -> Fallible<FaceEstimator> {
    let [detector, mesh, blendshapes] =
        [Architecture::BlazefaceShort, Architecture::FacemeshV2, Architecture::FaceBlendshapes]
            .map(|a| weights(case, a));
    let config = FaceEstimator::config().with_sampling(sampling);
    Ok(config.load(&detector?, &mesh?, &blendshapes?, &Device::flex())?)
}

/// MoveNet on the stored input: the same cells, the same joints.
fn movenet(case: &mut Case, reference: &Value, tag: &str, picture: &Image) -> Outcome {
    let input = image(case.reference(&format!("mediapipe/{tag}_movenet_input.png"))?)?;
    let network = MoveNet::load(&weights(case, Architecture::MovenetLightning)?, &Device::flex())?;
    let heads = network.raw(&input)?;
    let joints = movenet_joints(&heads)?;
    let got: Vec<f64> = joints.iter().flat_map(|j| [j.xy[1], j.xy[0], j.score]).collect();
    let fine = Tolerance::absolute(2e-4);
    case.close("movenet.keypoints_yx_score", &got, &numbers(entry(reference, "keypoints_yx_score")?)?, fine);
    let sums: Vec<f64> = [&heads.heat, &heads.centre, &heads.joints, &heads.offsets]
        .iter()
        .map(|head| head.iter().map(|v| f64::from(*v)).sum())
        .collect();
    case.close("movenet.heads_sum", &sums, &numbers(entry(reference, "heads_sum")?)?, Tolerance::Both(0.05, 1e-5));
    let area = heads.side * heads.side;
    let largest = |plane: &[f32]| plane.iter().fold(f64::MIN, |m, v| m.max(f64::from(*v)));
    let maxima: Vec<f64> = heads.heat.chunks_exact(area).map(largest).collect();
    case.close("movenet.heatmap_max", &maxima, &numbers(entry(reference, "heatmap_max")?)?, fine);
    case.value("movenet.center_max", largest(&heads.centre), number(entry(reference, "center_max")?)?, fine);
    let cell = numbers(entry(reference, "center_cell_yx")?)?;
    let at = cell[0] as usize * heads.side + cell[1] as usize;
    let from_centre: Vec<f64> = heads.joints.iter().skip(at).step_by(area).map(|v| f64::from(*v)).collect();
    let want = numbers(entry(reference, "regress_at_center")?)?;
    case.close("movenet.regress_at_center", &from_centre, &want, Tolerance::absolute(2e-3));
    let xy: Vec<f64> = network.estimate(picture)?.iter().flat_map(|j| j.xy).collect();
    let side = picture.width().max(picture.height()) as f64;
    let pixels = Tolerance::absolute((2e-4 * side).max(0.02));
    case.close("movenet.image_xy, from the picture", &xy, &numbers(entry(reference, "image_xy")?)?, pixels);
    Ok(())
}

fn face_detector(case: &mut Case, reference: &Value, tag: &str, picture: &Image) -> Outcome {
    let input = image(case.reference(&format!("mediapipe/{tag}_facedet_input.png"))?)?;
    let detector = FaceDetector::load_short(&weights(case, Architecture::BlazefaceShort)?, &Device::flex())?;
    let mut planes = vec![0.0; 3 * detector.size() * detector.size()];
    planes_into(&input, 127.5, -1.0, &mut planes)?;
    let raw = detector.raw(&planes)?;
    let rows = raw.0.as_chunks::<16>().0;
    for (rank, row) in entry(reference, "raw_top")?.as_array().into_iter().flatten().enumerate() {
        let row = numbers(row)?;
        let index = *row.first().ok_or("an empty row")? as usize;
        let got = rows.get(index).zip(raw.1.get(index)).ok_or("no such anchor")?;
        let got: Vec<f64> = [&[*got.1], got.0.as_slice()].concat().iter().map(|v| f64::from(*v)).collect();
        case.close(&format!("face_detector.raw_top {rank}"), &got, &row[1..], Tolerance::absolute(5e-4));
    }
    let found = detector.faces(&raw, &SquareRoi::whole(picture), &DetectionConfig::default())?;
    let want = entry(reference, "detections")?.as_array().ok_or("detections are a list")?;
    for (from, found) in [("from the input", found), ("from the picture", detector.detect(picture)?)] {
        case.equal(&format!("faces {from}"), &found.len(), &want.len());
        for (i, (got, want)) in found.iter().zip(want).enumerate() {
            let name = |what: &str| format!("face {i} {from}: {what}");
            case.value(&name("score"), got.score, number(entry(want, "score")?)?, Tolerance::absolute(1e-4));
            let pixels = Tolerance::absolute(0.02);
            case.close(&name("box"), &got.box_xyxy, &numbers(entry(want, "box_xyxy")?)?, pixels);
            case.close(&name("points"), got.points.as_flattened(), &numbers(entry(want, "kp")?)?, pixels);
        }
    }
    Ok(())
}

/// Mesh and blendshapes on the stored input.
fn face_mesh(case: &mut Case, reference: &Value, tag: &str, n: &str) -> Outcome {
    let input = image(case.reference(&format!("mediapipe/{tag}_f{n}_mesh_input.png"))?)?;
    let mesh = FaceMesh::load(&weights(case, Architecture::FacemeshV2)?, &Device::flex())?;
    let raw = mesh.raw(&mesh.planes(&input)?)?;
    let logit = number(entry(reference, "presence_logit")?)?;
    case.value("presence", f64::from(raw.presence), 1.0 / (1.0 + (-logit).exp()), Tolerance::absolute(1e-6));
    let points = numbers(entry(reference, "image_xy_478")?)?;
    let network = Blendshapes::load(&weights(case, Architecture::FaceBlendshapes)?, &Device::flex())?;
    let scores = network.scores(&blendshape_points(points.as_chunks::<2>().0)?)?;
    case.close("blendshapes_52", &scores, &numbers(entry(reference, "blendshapes_52")?)?, Tolerance::absolute(1e-4));
    case.skip("aux", "an output that MediaPipe does not use");
    Ok(())
}

/// The 478 points on the stored input.
pub(crate) fn mesh_points(case: &mut Case) -> Outcome {
    let tag = tag(case, "_mesh478.npy")?;
    let input = image(case.reference(&format!("mediapipe/{tag}_mesh_input.png"))?)?;
    let mesh = FaceMesh::load(&weights(case, Architecture::FacemeshV2)?, &Device::flex())?;
    let raw = mesh.raw(&mesh.planes(&input)?)?;
    let (shape, want) = npy(case.path())?;
    case.equal("values", &shape.iter().product::<usize>(), &raw.points.as_flattened().len());
    case.close("points", &wide(raw.points.as_flattened()), &want, Tolerance::absolute(2e-3));
    Ok(())
}

/// The chain from the picture: squares, points, blendshapes.
fn whole_faces(
    case: &mut Case,
    from: &str,
    faces: &[Face],
    [rois, points, scores]: &[Vec<Value>; 3],
    shape_tolerance: f64,
) -> Outcome {
    case.equal(&format!("faces {from}"), &faces.len(), &rois.len());
    for (i, (((got, roi), points), scores)) in faces.iter().zip(rois).zip(points).zip(scores).enumerate() {
        let name = |what: &str| format!("face {i} {from}: {what}");
        let side = number(entry(roi, "side")?)?;
        case.close(&name("roi centre"), &got.roi.centre, &numbers(entry(roi, "center")?)?, Tolerance::absolute(0.02));
        case.value(&name("roi side"), got.roi.side, side, Tolerance::absolute(0.02));
        let rotation = number(entry(roi, "rotation_rad")?)?;
        case.value(&name("roi rotation"), got.roi.rotation_rad, rotation, Tolerance::absolute(1e-4));
        let xy: Vec<f64> = got.points_px.iter().flat_map(|p| [p[0], p[1]]).collect();
        let pixels = Tolerance::absolute(0.02 * (side / 256.0).max(1.0));
        case.close(&name("image_xy_478"), &xy, &numbers(points)?, pixels);
        case.close(&name("blendshapes_52"), &got.blendshapes, &numbers(scores)?, Tolerance::absolute(shape_tolerance));
    }
    Ok(())
}

fn detector(case: &mut Case, reference: &Value, tag: &str, picture: &Image) -> Outcome {
    let input = image(case.reference(&format!("mediapipe/{tag}_posedet_input.png"))?)?;
    let raw = PoseDetector::load(&case.data(DETECTOR)?, &Device::flex())?.raw(&PoseDetector::planes(&input)?)?;
    let rows = raw.regressors.as_chunks::<12>().0;
    for (rank, row) in entry(reference, "raw_top")?.as_array().into_iter().flatten().enumerate() {
        let row = numbers(row)?;
        let index = *row.first().ok_or("an empty row")? as usize;
        let got = rows.get(index).zip(raw.logits.get(index)).ok_or("no such anchor")?;
        let got: Vec<f64> = [&[*got.1], got.0.as_slice()].concat().iter().map(|v| f64::from(*v)).collect();
        case.close(&format!("raw_top {rank}"), &got, &row[1..], Tolerance::absolute(5e-4));
    }
    let config = DetectionConfig::default();
    let roi = SquareRoi::whole(picture);
    let found = decode(&raw.regressors, &raw.logits, &PoseDetector::anchors(), PoseDetector::SIZE, &roi, &config)?;
    let want = entry(reference, "detections")?;
    detections(case, "from the input", &found, want, want.as_array().map_or(0, Vec::len))
}

/// Compares `count` detections.
fn detections(case: &mut Case, from: &str, found: &[Detection], want: &Value, count: usize) -> Outcome {
    let want = want.as_array().ok_or("detections are a list")?;
    case.equal(&format!("detections {from}"), &found.len().min(count), &want.len().min(count));
    for (i, (got, want)) in found.iter().zip(want).enumerate() {
        let name = |what: &str| format!("detection {i} {from}: {what}");
        case.value(&name("score"), got.score, number(entry(want, "score")?)?, Tolerance::absolute(1e-4));
        let pixels = Tolerance::absolute(0.02);
        case.close(&name("box"), &got.box_xyxy, &numbers(entry(want, "box_xyxy")?)?, pixels);
        case.close(&name("points"), got.points.as_flattened(), &numbers(entry(want, "kp")?)?, pixels);
    }
    Ok(())
}

/// The landmark network on the stored input, and what is made of its answer.
fn landmarker(case: &mut Case, reference: &Value, tag: &str, n: &str) -> Outcome {
    let input = image(case.reference(&format!("mediapipe/{tag}_p{n}_full_input.png"))?)?;
    let planes = PoseLandmarker::planes(&input)?;
    let network = PoseLandmarker::load(&case.data(LANDMARKER)?, &Device::flex())?;
    let raw = network.raw(&planes)?;
    let landmarks = wide(&raw.landmarks);
    case.close("ld_3d", &landmarks, &numbers(entry(reference, "ld_3d")?)?, Tolerance::absolute(2e-3));
    let world = wide(&raw.world_m);
    case.close("world_raw", &world, &numbers(entry(reference, "world_raw")?)?, Tolerance::absolute(5e-5));
    let flag = number(entry(reference, "poseflag")?)?;
    case.value("poseflag", f64::from(raw.presence), flag, Tolerance::absolute(1e-5));

    let mask = network.mask(&planes)?;
    let (low, high) = mask.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
    let mean = mask.iter().map(|v| f64::from(*v)).sum::<f64>() / mask.len() as f64;
    let got = [f64::from(low), f64::from(high), mean];
    let want = numbers(entry(reference, "segmentation_logit_minmaxmean")?)?;
    case.close("segmentation_logit_minmaxmean", &got, &want, Tolerance::relative(1e-4));

    let map = affine(entry(reference, "warp_dst_to_src")?)?;
    let roi = entry(reference, "roi")?;
    let (side, rotation) = (number(entry(roi, "side")?)?, number(entry(roi, "rotation_rad")?)?);
    let scale = side / PoseLandmarker::SIZE as f64;
    let placed = |points: &[[f64; 2]]| -> Vec<f64> {
        points.iter().take(33).flat_map(|[x, y]| map.at_fraction(*x, *y, PoseLandmarker::SIZE)).collect()
    };
    let mut points: Vec<[f64; 2]> = landmarks.as_chunks::<5>().0.iter().map(|v| [v[0] / 256.0, v[1] / 256.0]).collect();
    let want = numbers(entry(reference, "unrefined_xy")?)?;
    case.close("unrefined_xy", &placed(&points), &want, Tolerance::absolute(3e-3 * scale));
    refine(&mut points, &raw.heat, PoseLandmarker::HEAT_SIDE, &RefineConfig::default())?;
    let want = numbers(entry(reference, "refined_xy")?)?;
    case.close("refined_xy", &placed(&points), &want, Tolerance::absolute(0.02 * scale));

    let world = world.as_chunks::<3>().0;
    let (sin, cos) = rotation.sin_cos();
    let turned: Vec<f64> =
        world.iter().take(33).flat_map(|[x, y, z]| [cos * x - sin * y, sin * x + cos * y, *z]).collect();
    let want = numbers(entry(reference, "world_rotated")?)?;
    case.close("world_rotated", &turned, &want, Tolerance::absolute(5e-5 * std::f64::consts::SQRT_2));
    for (name, side) in SIDES {
        let [hip, knee, ankle] = side.leg().map(|i| world.get(i).copied().unwrap_or([f64::NAN; 3]));
        let want = number(entry(entry(reference, "knee_flexion_deg_world")?, name)?)?;
        let got = knee_flexion_deg(&hip, &knee, &ankle)?;
        case.value(&format!("knee_flexion_deg_world, {name}"), got, want, Tolerance::absolute(0.02));
    }
    Ok(())
}

/// The chain from the picture: squares, points and angles.
fn whole(case: &mut Case, from: &str, poses: &[Pose], reference: &Value) -> Outcome {
    let want = reference.as_array().ok_or("poses are a list")?;
    case.equal(&format!("poses {from}"), &poses.len(), &want.len());
    for (i, (got, want)) in poses.iter().zip(want).enumerate() {
        let name = |what: &str| format!("pose {i} {from}: {what}");
        let roi = entry(want, "roi")?;
        let pixels = Tolerance::absolute(0.02);
        let side = number(entry(roi, "side")?)?;
        case.close(&name("roi centre"), &got.roi.centre, &numbers(entry(roi, "center")?)?, pixels);
        case.value(&name("roi side"), got.roi.side, side, pixels);
        let rotation = number(entry(roi, "rotation_rad")?)?;
        case.value(&name("roi rotation"), got.roi.rotation_rad, rotation, Tolerance::absolute(1e-4));
        let xy: Vec<f64> = got.landmarks.iter().flat_map(|l| [l.x_px, l.y_px]).collect();
        // 0.02 pixels of the network's input: a square of 3000 pixels shows rounding of the detector 12 times larger
        let pixels = Tolerance::absolute(0.02 * (side / PoseLandmarker::SIZE as f64).max(1.0));
        case.close(&name("refined_xy"), &xy, &numbers(entry(want, "refined_xy")?)?, pixels);
        let visibility: Vec<f64> = got.landmarks.iter().map(|l| l.visibility).collect();
        case.close(&name("visibility"), &visibility, &numbers(entry(want, "visibility")?)?, Tolerance::absolute(1e-3));
        let world = numbers(entry(want, "world_rotated")?)?;
        case.close(&name("world_rotated"), got.world_m.as_flattened(), &world, Tolerance::absolute(1e-3));
        knees(case, &name(""), got, entry(want, "knee_flexion_deg_world")?, 0.05)?;
    }
    Ok(())
}

fn knees(case: &mut Case, name: &str, pose: &Pose, reference: &Value, tolerance: f64) -> Outcome {
    for (side_name, side) in SIDES {
        let want = number(entry(reference, side_name)?)?;
        let got = pose.knee_flexion_deg(side)?;
        case.value(&format!("{name}knee flexion, {side_name}"), got, want, Tolerance::absolute(tolerance));
    }
    Ok(())
}

/// The pictures' presence and knees in one file.
pub(crate) fn summary(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let estimator = estimator(case, Sampling::Exact)?;
    let faces = FaceDetector::load_short(&weights(case, Architecture::BlazefaceShort)?, &Device::flex())?;
    case.walk(&reference, |case, tag, want| {
        let poses = estimator.estimate(&picture(case, tag)?)?;
        let presence: Vec<f64> = poses.iter().map(|p| p.presence).collect();
        case.close("pose", &presence, &numbers(entry(want, "pose")?)?, Tolerance::absolute(1e-4));
        for (pose, knee) in poses.iter().zip(entry(want, "knee")?.as_array().into_iter().flatten()) {
            knees(case, "", pose, knee, 0.05)?;
        }
        let found = faces.detect(&picture(case, tag)?)?.len();
        case.equal("face", &(found as f64), &number(entry(want, "face")?)?);
        Ok(())
    })
}

/// MediaPipe itself, end to end.
pub(crate) fn peer(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let estimator = estimator(case, Sampling::Fixed32)?;
    let faces = face_estimator(case, Sampling::Fixed32)?;
    case.walk(entry(&reference, "images")?, |case, tag, want| {
        let picture = picture(case, tag)?;
        let size = [picture.width() as f64, picture.height() as f64];
        case.close("wh", &size, &numbers(entry(want, "wh")?)?, Tolerance::Exact);
        let found = faces.estimate(&picture)?;
        peer_face(case, found.first(), want)?;
        let poses = estimator.estimate(&picture)?;
        let Some(xyzv) = want.get("pose_xyzv") else {
            case.equal("poses", &poses.len(), &0);
            return Ok(());
        };
        let pose = poses.first().ok_or("no pose was found")?;
        let xyzv = numbers(xyzv)?;
        let xyzv = xyzv.as_chunks::<4>().0;
        let mut distances: Vec<f64> =
            pose.landmarks.iter().zip(xyzv).map(|(l, w)| (l.x_px - w[0]).hypot(l.y_px - w[1])).collect();
        case.equal("points", &distances.len(), &xyzv.len());
        distances.sort_by(f64::total_cmp);
        let median = distances.get(distances.len() / 2).copied().unwrap_or(f64::NAN);
        case.value("median distance in px", median, 0.0, Tolerance::absolute(0.05));
        case.close("distances in px", &distances, &vec![0.0; xyzv.len()], Tolerance::absolute(0.5));
        let (visible, want_visible): (Vec<f64>, Vec<f64>) =
            pose.landmarks.iter().zip(xyzv).map(|(l, w)| (l.visibility, w[3])).unzip();
        case.close("visibility", &visible, &want_visible, Tolerance::absolute(2e-3));
        let world = numbers(entry(want, "world_xyz")?)?;
        case.close("world", pose.world_m.as_flattened(), &world, Tolerance::absolute(2e-3));
        let world = world.as_chunks::<3>().0;
        for (name, side) in SIDES {
            let [hip, knee, ankle] = side.leg().map(|i| world.get(i).copied().unwrap_or([f64::NAN; 3]));
            let want = knee_flexion_deg(&hip, &knee, &ankle)?;
            case.value(&format!("knee flexion, {name}"), pose.knee_flexion_deg(side)?, want, Tolerance::absolute(0.2));
        }
        Ok(())
    })
}

/// MediaPipe's face landmarker.
fn peer_face(case: &mut Case, found: Option<&Face>, want: &Value) -> Outcome {
    let Some(points) = want.get("face_xyz") else {
        case.equal("faces", &found.is_none(), &true);
        return Ok(());
    };
    let face = found.ok_or("no face was found")?;
    let points = numbers(points)?;
    let points = points.as_chunks::<3>().0;
    case.equal("points of the face", &face.points_px.len(), &points.len());
    let mut distances: Vec<f64> =
        face.points_px.iter().zip(points).map(|(p, w)| (p[0] - w[0]).hypot(p[1] - w[1])).collect();
    distances.sort_by(f64::total_cmp);
    let median = distances.get(distances.len() / 2).copied().unwrap_or(f64::NAN);
    case.value("face: median distance in px", median, 0.0, Tolerance::absolute(0.15));
    let scores = entry(want, "blendshapes")?.as_object().ok_or("blendshapes are named")?;
    let named: Vec<f64> =
        BLENDSHAPE_NAMES.iter().map(|n| scores.get(*n).and_then(Value::as_f64).unwrap_or(f64::NAN)).collect();
    case.equal("names of the blendshapes", &scores.len(), &BLENDSHAPE_NAMES.len());
    case.close("blendshapes", &face.blendshapes, &named, Tolerance::absolute(0.025));
    Ok(())
}

/// BlazePose lite on the stored input.
pub(crate) fn lite(case: &mut Case) -> Outcome {
    crate::kinematics::world_points(case)?;
    let reference = case.json()?;
    let tag = tag(case, ".json")?;
    let input = image(case.reference(&format!("pose/{tag}_input.png"))?)?;
    let planes = PoseLandmarker::planes(&input)?;
    let network = PoseLandmarker::load_lite(&weights(case, Architecture::BlazeposeLite)?, &Device::flex())?;
    let raw = network.raw(&planes)?;
    let points = wide(&raw.landmarks);
    case.close("ld_3d", &points, &numbers(entry(&reference, "ld_3d")?)?, Tolerance::absolute(5e-3));
    case.close("world_3d", &wide(&raw.world_m), &numbers(entry(&reference, "world_3d")?)?, Tolerance::absolute(2e-5));
    case.value("poseflag", f64::from(raw.presence), number(entry(&reference, "poseflag")?)?, Tolerance::absolute(1e-5));
    let world = wide(&raw.world_m);
    for (name, side) in SIDES {
        let [hip, knee, ankle] = side.leg().map(|i| world.as_chunks::<3>().0.get(i).copied().unwrap_or([f64::NAN; 3]));
        let want = number(entry(entry(&reference, "knee_flexion_deg_world")?, name)?)?;
        let got = knee_flexion_deg(&hip, &knee, &ankle)?;
        case.value(&format!("network: knee flexion, {name}"), got, want, Tolerance::absolute(0.02));
    }
    // the published graph of the lite network ends in sigmoids
    let area = PoseLandmarker::HEAT_SIDE * PoseLandmarker::HEAT_SIDE;
    let share = |v: &f32| 1.0 / (1.0 + f64::from(-v).exp());
    let heat: Vec<f64> = raw.heat.iter().map(share).collect();
    let largest: Vec<f64> = heat.chunks_exact(area).map(|m| m.iter().fold(0.0, |a: f64, v| a.max(*v))).collect();
    case.close("heatmap_max", &largest, &numbers(entry(&reference, "heatmap_max")?)?, Tolerance::absolute(1e-3));
    let mask: Vec<f64> = network.mask(&planes)?.iter().map(share).collect();
    let (low, high) = mask.iter().fold((1.0, 0.0), |(l, h): (f64, f64), v| (l.min(*v), h.max(*v)));
    let mean = mask.iter().sum::<f64>() / mask.len() as f64;
    let want = numbers(entry(&reference, "segmentation_minmaxmean")?)?;
    case.close("segmentation_minmaxmean", &[low, high, mean], &want, Tolerance::absolute(1e-4));
    for key in ["box", "image_xy_33", "heatmap_argmax_yx"] {
        case.skip(key, "follows from what is compared");
    }
    Ok(())
}

/// BlazePose lite and its stored input.
fn lite_on(case: &Case, tag: &str) -> Fallible<(PoseLandmarker, Vec<f32>)> {
    let planes = PoseLandmarker::planes(&image(case.reference(&format!("pose/{tag}_input.png"))?)?)?;
    Ok((PoseLandmarker::load_lite(&weights(case, Architecture::BlazeposeLite)?, &Device::flex())?, planes))
}

/// The mask of the lite network.
pub(crate) fn lite_mask(case: &mut Case) -> Outcome {
    let (network, planes) = lite_on(case, &tag(case, "_segmentation.png")?)?;
    let mask = network.mask(&planes)?;
    let segmentation = image(case.path().to_owned())?;
    case.equal("pixels", &segmentation.rgb().len(), &(3 * mask.len()));
    let pairs = segmentation.rgb().as_chunks::<3>().0.iter().zip(&mask);
    let far = pairs.map(|(p, v)| (f64::from(p[0]) - 255.0 / (1.0 + f64::from(-v).exp())).abs());
    case.value("largest difference in levels", far.fold(0.0, f64::max), 0.0, Tolerance::absolute(1.0));
    Ok(())
}

/// The heat maps of knees and ankles of the lite network.
pub(crate) fn lite_heat(case: &mut Case) -> Outcome {
    let (network, planes) = lite_on(case, &tag(case, "_heatmap_f16.npy")?)?;
    let heat = network.raw(&planes)?.heat;
    let area = PoseLandmarker::HEAT_SIDE * PoseLandmarker::HEAT_SIDE;
    let (shape, want) = npy(case.path())?;
    case.equal("shape", &shape, &vec![PoseLandmarker::HEAT_SIDE, PoseLandmarker::HEAT_SIDE, 4]);
    let share = |v: &f32| 1.0 / (1.0 + f64::from(-v).exp());
    let cell = |k: usize| heat.get((25 + k % 4) * area + k / 4).map_or(f64::NAN, share);
    let got: Vec<f64> = (0..want.len()).map(cell).collect();
    case.close("heat", &got, &want, Tolerance::absolute(1e-3));
    Ok(())
}

/// The stored crop of a person is our crop of the picture.
pub(crate) fn lite_input(case: &mut Case) -> Outcome {
    let name = tag(case, "_blazepose_input.png")?;
    let (picture_name, _) = name.rsplit_once("_p").ok_or("the file's name has no number")?;
    let reference: Value =
        serde_json::from_slice(&std::fs::read(case.reference(&format!("pose/{name}_blazepose.json"))?)?)?;
    let shape: [f64; 4] = numbers(entry(&reference, "box")?)?.try_into().map_err(|_| "a box has 4 numbers")?;
    let want = image(case.path().to_owned())?;
    let map = SquareRoi::about(&shape, 1.25)?.affine_half_pixel(want.width());
    let picture = picture(case, picture_name)?;
    let got = warp(&picture, &map, [want.width(), want.height()], Border::Zero, Sampling::Exact)?;
    levels(case, &got, &want, 1.0); // the box is stored with 6 digits
    Ok(())
}

/// What the heat-map networks are given.
pub(crate) fn heat_map_input(case: &mut Case) -> Outcome {
    case.skip(
        "picture",
        "an input: what the networks make of it is compared, how it was cut is not part of the reference",
    );
    Ok(())
}

/// The heat-map networks on the stored input.
pub(crate) fn heat_map_network(case: &mut Case) -> Outcome {
    let name = case.path().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.strip_suffix("_heatmaps_f16.npy").ok_or("the file's name has another end")?;
    let at = stem.find("pem_").ok_or("the file's name names no network")?;
    let architecture = Architecture::of_file(&stem[at..]).ok_or("no such network")?;
    let input = image(case.reference(&format!("pose/{}pem_input.png", &stem[..at]))?)?;
    let network = architecture.load(&weights(case, architecture)?, &Device::flex())?;
    let pixels = input.rgb().as_chunks::<3>().0;
    let planes: Vec<f32> = [2, 1, 0].into_iter().flat_map(|c| pixels.iter().map(move |p| f32::from(p[c]))).collect();
    let maps = network.run(&planes)?.pop().ok_or("there is no output")?;
    let (shape, want) = npy(case.path())?;
    let channels = *shape.last().ok_or("an array has axes")?;
    let area = maps.len() / channels;
    let got: Vec<f64> = (0..want.len()).map(|k| f64::from(maps[k % channels * area + k / channels])).collect();
    // stored in half precision, of which half a unit is 2^-11 of the value
    case.close("heat maps", &got, &want, Tolerance::Both(1e-3, 1.0 / 2048.0));
    Ok(())
}

/// The largest difference of two pictures in levels, as one value.
pub(crate) fn levels(case: &mut Case, got: &Image, want: &Image, allowed: f64) {
    case.equal("size", &[got.width(), got.height()], &[want.width(), want.height()]);
    let worst = got.rgb().iter().zip(want.rgb()).map(|(g, w)| g.abs_diff(*w)).max().unwrap_or_default();
    case.value("largest difference of a pixel", f64::from(worst), 0.0, Tolerance::absolute(allowed));
}

/// The detector's stored input is our crop of the picture.
pub(crate) fn detector_input(case: &mut Case) -> Outcome {
    let picture = picture(case, &tag(case, "_posedet_input.png")?)?;
    let want = image(case.path().to_owned())?;
    let map = SquareRoi::whole(&picture).affine(PoseDetector::SIZE);
    let got = warp(&picture, &map, [PoseDetector::SIZE; 2], Border::Zero, Sampling::Exact)?;
    levels(case, &got, &want, 0.0);
    Ok(())
}

/// The landmark network's stored input is our crop of the picture through the stored map.
pub(crate) fn landmarker_input(case: &mut Case) -> Outcome {
    let name = tag(case, "_full_input.png")?;
    let (tag, n) = name.rsplit_once("_p").ok_or("the file's name has no number")?;
    let reference: Value = serde_json::from_slice(&std::fs::read(case.reference(&format!("mediapipe/{tag}.json"))?)?)?;
    let pose = entry(&reference, "pose")?.get(n.parse::<usize>()?).ok_or("the reference has no such pose")?;
    let want = image(case.path().to_owned())?;
    let roi = entry(pose, "roi")?;
    let centre = numbers(entry(roi, "center")?)?;
    let centre: [f64; 2] = centre.try_into().map_err(|_| "a centre has 2 numbers")?;
    let roi = SquareRoi::new(centre, number(entry(roi, "side")?)?, number(entry(roi, "rotation_rad")?)?)?;
    let map = roi.affine(PoseLandmarker::SIZE);
    let stored = numbers(entry(pose, "warp_dst_to_src")?)?;
    case.close("warp_dst_to_src", map.rows.as_flattened(), &stored, Tolerance::absolute(2e-6));
    let got = warp(&picture(case, tag)?, &map, [PoseLandmarker::SIZE; 2], Border::Replicate, Sampling::Exact)?;
    levels(case, &got, &want, 1.0); // the square is stored with 6 digits
    Ok(())
}

/// MoveNet's and the face detector's stored inputs are our crops of the picture.
pub(crate) fn whole_input(case: &mut Case) -> Outcome {
    let name = case.path().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let half_pixel = name.ends_with("_movenet_input.png");
    let tag = tag(case, if half_pixel { "_movenet_input.png" } else { "_facedet_input.png" })?;
    let (picture, want) = (picture(case, &tag)?, image(case.path().to_owned())?);
    let roi = SquareRoi::whole(&picture);
    let map = if half_pixel { roi.affine_half_pixel(want.width()) } else { roi.affine(want.width()) };
    let got = warp(&picture, &map, [want.width(); 2], Border::Zero, Sampling::Exact)?;
    levels(case, &got, &want, 0.0);
    Ok(())
}

/// The mesh's stored input is our crop of the picture.
pub(crate) fn mesh_input(case: &mut Case) -> Outcome {
    let name = tag(case, "_mesh_input.png")?;
    let (tag, n) = name.rsplit_once("_f").ok_or("the file's name has no number")?;
    let reference: Value = serde_json::from_slice(&std::fs::read(case.reference(&format!("mediapipe/{tag}.json"))?)?)?;
    let face = entry(&reference, "face")?.get(n.parse::<usize>()?).ok_or("the reference has no such face")?;
    let roi = entry(face, "roi")?;
    let centre: [f64; 2] = numbers(entry(roi, "center")?)?.try_into().map_err(|_| "a centre has 2 numbers")?;
    let roi = SquareRoi::new(centre, number(entry(roi, "side")?)?, number(entry(roi, "rotation_rad")?)?)?;
    let want = image(case.path().to_owned())?;
    let map = roi.affine(want.width());
    let got = warp(&picture(case, tag)?, &map, [want.width(); 2], Border::Replicate, Sampling::Exact)?;
    levels(case, &got, &want, 1.0); // the square is stored with 6 digits
    Ok(())
}

/// Heat maps of knees and ankles, stored in half precision.
pub(crate) fn heat_maps(case: &mut Case) -> Outcome {
    let name = tag(case, "_full_heatmap_f16.npy")?;
    let (shape, want) = npy(case.path())?;
    let input = image(case.reference(&format!("mediapipe/{name}_full_input.png"))?)?;
    let network = PoseLandmarker::load(&case.data(LANDMARKER)?, &Device::flex())?;
    let raw = network.raw(&PoseLandmarker::planes(&input)?)?;
    let area = PoseLandmarker::HEAT_SIDE * PoseLandmarker::HEAT_SIDE;
    case.equal("shape", &shape, &vec![PoseLandmarker::HEAT_SIDE, PoseLandmarker::HEAT_SIDE, 4]);
    let cell = |k: usize| raw.heat.get((25 + k % 4) * area + k / 4).map_or(f64::NAN, |v| f64::from(*v));
    let got: Vec<f64> = (0..want.len()).map(cell).collect();
    // half a unit of half precision is 2^-11 of the value
    case.close("heat", &got, &want, Tolerance::Both(1e-3, 1e-3));
    Ok(())
}
