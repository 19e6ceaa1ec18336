//! A face of a photograph, warped to known smiles, through the whole chain.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use burn::tensor::Device;
use eir_core::Limits;
use eir_core::inference::spearman;
use eir_core::random::Generator;
use eir_core::testing::shared;
use eir_vision::Image;
use eir_vision::face::{ExpressionConfig, FaceEstimator, FaceObservation, HeadPose};

/// Corners of the mouth in the mesh: the subject's right and left.
const CORNERS: [usize; 2] = [61, 291];

/// The picture with the corners of the mouth moved out and up by `amount` of the mouth's width; falls off smoothly.
fn smiling(image: &Image, corners: [[f64; 2]; 2], amount: f64) -> Image {
    let [right, left] = corners;
    let across = [left[0] - right[0], left[1] - right[1]];
    let width = across[0].hypot(across[1]);
    let out = across.map(|v| v / width);
    let up = [out[1], -out[0]];
    let moves = [-1.0, 1.0].map(|sign| [0, 1].map(|k| amount * width * (0.5 * sign * out[k] + up[k])));
    let spread = 0.35 * width;
    let mut warped = image.clone();
    let (columns, rows) = (image.width(), image.height());
    for y in 0..rows {
        for x in 0..columns {
            let mut from = [x as f64, y as f64];
            for (corner, by) in corners.iter().zip(moves) {
                let far = (x as f64 - corner[0]).powi(2) + (y as f64 - corner[1]).powi(2);
                let share = (-far / (2.0 * spread * spread)).exp();
                from = [from[0] - share * by[0], from[1] - share * by[1]];
            }
            let [fx, fy] = [from[0].clamp(0.0, (columns - 1) as f64), from[1].clamp(0.0, (rows - 1) as f64)];
            let (cx, cy) = ((fx as usize).min(columns - 2), (fy as usize).min(rows - 2));
            let (ax, ay) = (fx - cx as f64, fy - cy as f64);
            let at = |dx: usize, dy: usize, c: usize| f64::from(image.pixel(cx + dx, cy + dy).unwrap()[c]);
            for c in 0..3 {
                let upper = at(0, 0, c) * (1.0 - ax) + at(1, 0, c) * ax;
                let lower = at(0, 1, c) * (1.0 - ax) + at(1, 1, c) * ax;
                warped.rgb_mut()[(y * columns + x) * 3 + c] = (upper * (1.0 - ay) + lower * ay + 0.5) as u8;
            }
        }
    }
    warped
}

#[test]
fn a_known_smile_is_measured_in_order() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("data/vision");
    let [detector, mesh, blendshapes] = ["blazeface_short", "facemesh_v2_478", "face_blendshapes"]
        .map(|name| folder.join(format!("weights/{name}.safetensors")));
    let estimator = FaceEstimator::load(&detector, &mesh, &blendshapes, &Device::flex()).unwrap();
    let whole = Image::read(&folder.join("images/astronaut.png"), &Limits::default()).unwrap();
    // the face and what is about it
    let found = estimator.estimate(&whole).unwrap();
    let [left, top, right, bottom] = found[0].detection.box_xyxy;
    let margin = right - left;
    let cut = |v: f64, most: usize| (v.max(0.0) as usize).min(most);
    let (x0, x1) = (cut(left - margin, whole.width()), cut(right + margin, whole.width()));
    let (y0, y1) = (cut(top - margin, whole.height()), cut(bottom + margin, whole.height()));
    let rgb = (y0..y1).flat_map(|y| (x0..x1).flat_map(move |x| [x, y])).collect::<Vec<usize>>();
    let rgb = rgb.chunks_exact(2).flat_map(|p| whole.pixel(p[0], p[1]).unwrap()).collect();
    let picture = Image::new(x1 - x0, y1 - y0, rgb).unwrap();
    let face = &estimator.estimate(&picture).unwrap()[0];
    let pose = HeadPose::of(&face.points_px).unwrap();
    assert!(pose.yaw_deg.abs() < 35.0 && pose.roll_deg.abs() < 30.0, "{pose:?}");
    let corners = CORNERS.map(|i| [face.points_px[i][0], face.points_px[i][1]]);

    // the subject smiles already: amounts below 0 take the smile back; the neutral face is the flattest one
    let mut stream = Generator::new(1, "smiles").stream(0);
    let amounts: Vec<f64> = (0..12).map(|_| -0.2).chain((0..40).map(|_| -0.2 + 0.3 * stream.uniform())).collect();
    let frames: Vec<FaceObservation> = amounts
        .iter()
        .enumerate()
        .map(|(i, amount)| {
            let faces = estimator.estimate(&smiling(&picture, corners, *amount)).unwrap();
            FaceObservation::of(i as f64 / 5.0, &faces[0]).unwrap()
        })
        .collect();
    let series = ExpressionConfig::default().with_neutral_s(2.3).analyse(&frames).unwrap();
    assert_eq!(series.usable_share(), 1.0);
    let smile = series.proxy("AU12").unwrap();
    let rank = spearman(&smile[12..], &amounts[12..], 0.95).unwrap().estimate;
    println!("{}", rank.sentence("rank correlation of AU12 with the amplitude"));
    println!(
        "AU12 {:.3} to {:.3}",
        smile.iter().copied().fold(9.0, f64::min),
        smile.iter().copied().fold(-9.0, f64::max)
    );
    assert!(rank.value >= 0.95, "{rank}");
}
