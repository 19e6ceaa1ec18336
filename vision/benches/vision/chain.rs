//! Pictures in: cut out, made smaller, and the whole chain from a picture to a pose, in time and memory.

use super::Fallible;
use burn::tensor::Device;
use eir_core::Limits;
use eir_core::testing::bench::Bench;
use eir_vision::Image;
use eir_vision::crop::{Affine, Border, Lookup, Sampling, warp_into, warp_planes_into};
use eir_vision::face::FaceEstimator;
use eir_vision::kinematics::LiveConfig;
use eir_vision::networks::Architecture;
use eir_vision::pose::PoseEstimator;
use eir_vision::resize::{resize_area, resize_bilinear};
use std::path::Path;

/// A picture of 1920 × 1080 that is nowhere special; as `full_hd` in peers.py.
fn full_hd() -> Fallible<Image> {
    Ok(Image::new(1920, 1080, (0..1920 * 1080 * 3).map(|i: usize| ((i * 7919) % 251) as u8).collect())?)
}

pub(crate) fn pictures(bench: &mut Bench) -> Fallible<()> {
    let picture = full_hd()?;
    let map = Affine { rows: [[2.7, -0.9, 640.0], [0.9, 2.7, 90.0]] };
    let mut out = Image::filled(256, 256, [0; 3])?;
    bench
        .row("turned crop, bilinear", "1920 x 1080 to 256 x 256", 1.0)
        .peer("OpenCV 5.0.0", "crop")
        .run(|| warp_into(&picture, &map, Border::Replicate, Sampling::Exact, &mut out));
    let lookup = Lookup { border: Border::Replicate, sampling: Sampling::Exact, divisor: 255.0, offset: 0.0 };
    let mut planes = vec![0.0; 3 * 256 * 256];
    bench
        .row("turned crop as planes of 0 ... 1", "1920 x 1080 to 256 x 256", 1.0)
        .peer("OpenCV 5.0.0", "crop_planes")
        .run(|| warp_planes_into(&picture, &map, 256, &lookup, &mut planes));
    // the goal was 1.1 ms where OpenCV took 0.46 (linear) and 2.7 (area)
    bench
        .row("smaller, bilinear", "1920 x 1080 to 640 x 360", 0.42)
        .peer("OpenCV 5.0.0", "resize_linear")
        .run(|| resize_bilinear(&picture, 640, 360));
    bench
        .row("smaller, bilinear, no whole factor", "1920 x 1080 to 416 x 234", 0.42)
        .peer("OpenCV 5.0.0", "resize_linear_416")
        .run(|| resize_bilinear(&picture, 416, 234));
    bench
        .row("smaller, by area", "1920 x 1080 to 640 x 360", 2.45)
        .peer("OpenCV 5.0.0", "resize_area")
        .run(|| resize_area(&picture, 640, 360));
    Ok(())
}

fn pose(weights: &Path) -> Fallible<PoseEstimator> {
    let [detector, landmarker] =
        ["blazepose_detector", "blazepose_full"].map(|n| weights.join(n.to_owned() + ".safetensors"));
    Ok(PoseEstimator::load(&detector, &landmarker, &Device::flex())?)
}

pub(crate) fn chain(bench: &mut Bench, data: &Path) -> Fallible<()> {
    let weights = data.join("weights");
    let full = weights.join("blazepose_full.safetensors");
    // the goal was 100 ms where onnxruntime took 145
    bench
        .row("load of BlazePose full", "7 MB of weights", 1.45)
        .peer("onnxruntime 1.32.0", "load_blazepose_full")
        .run(|| Architecture::BlazeposeFull.load(&full, &Device::flex()).is_ok());

    let picture = Image::read(&data.join("images/coco_000000000785.png"), &Limits::default())?;
    let estimator = pose(&weights)?;
    bench
        .row("picture to pose, detector and points", "640 x 425", 0.67)
        .peer("onnxruntime 1.32.0, OpenCV 5.0.0", "chain_whole")
        .run(|| estimator.estimate(&picture));
    // in a video the square of one picture comes from the last one's points
    for (name, goal, peer, function) in [
        ("picture to pose, tracked", 0.67, "onnxruntime 1.32.0, OpenCV 5.0.0", "chain_tracked"),
        ("whole chain tracked", 0.67, "MediaPipe 0.10.21", "mediapipe_tracked"),
    ] {
        let mut tracker = estimator.tracker();
        let mut time_s = 0.0;
        if tracker.next(time_s, &picture)?.is_empty() {
            return Err("no person in the picture".into());
        }
        bench.row(name, "640 x 425", goal).peer(peer, function).run(|| {
            time_s += 0.04;
            tracker.next(time_s, &picture).map(<[_]>::len)
        });
    }
    Ok(())
}

/// Resident bytes of this process, and the most that they ever were; where Linux tells them.
fn resident() -> Option<[f64; 2]> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let of = |name: &str| -> Option<f64> {
        let line = status.lines().find_map(|l| l.strip_prefix(name))?;
        Some(line.split_whitespace().next()?.parse::<f64>().ok()? * 1024.0)
    };
    Some([of("VmRSS:")?, of("VmHWM:")?])
}

/// What a process holds that takes `frames` pictures of 1920 × 1080 through everything: smaller picture, pose, knee, face.
/// The pictures are made once and used again: a video's decoder is not part of it.
pub(crate) fn memory(data: &Path, frames: usize) -> Fallible<()> {
    let weights = data.join("weights");
    let file = |name: &str| weights.join(name.to_owned() + ".safetensors");
    let estimator = pose(&weights)?;
    let faces = FaceEstimator::load(
        &file("blazeface_short"),
        &file("facemesh_v2_478"),
        &file("face_blendshapes"),
        &Device::flex(),
    )?;
    let person = Image::read(&data.join("images/coco_000000000785.png"), &Limits::default())?;
    let person = resize_bilinear(&person, 1280, 850)?;
    // the person, who fills most of the picture, at eight places
    let place = |n: usize| -> Fallible<Image> {
        let mut frame = Image::filled(1920, 1080, [90, 120, 150])?;
        let (left, top, row) = (90 * n, 30 * n, 3 * person.width());
        let lines = frame.rgb_mut().chunks_exact_mut(3 * 1920).skip(top);
        for (to, from) in lines.zip(person.rgb().chunks_exact(row)) {
            to[3 * left..3 * left + row].copy_from_slice(from);
        }
        Ok(frame)
    };
    let pictures = (0..8).map(place).collect::<Fallible<Vec<_>>>()?;
    let held = pictures.iter().map(|p| p.rgb().len() as f64).sum::<f64>();
    let mut knee = LiveConfig::default().build()?;
    let (mut at_100, mut poses) = (None, 0);
    for frame in 0..frames {
        let picture = &pictures[frame % pictures.len()];
        drop(resize_area(picture, 640, 360)?);
        for pose in estimator.estimate(picture)? {
            let leg = [24, 26, 28]
                .map(|i: usize| pose.landmarks.get(i).map_or([f32::NAN; 2], |l| [l.x_px as f32, l.y_px as f32]));
            knee.push(frame as f64 / 30.0, &leg, &[0.9; 3])?;
            poses += 1;
        }
        drop(faces.estimate(picture)?);
        if frame == 100 {
            at_100 = resident();
        }
    }
    if poses == 0 {
        return Err("no pose was found: the landmark network was not run".into());
    }
    let (Some([early, _]), Some([late, most])) = (at_100, resident()) else {
        println!("  memory: not known on this system");
        return Ok(());
    };
    let mb = |bytes: f64| bytes / 1e6;
    println!(
        "  memory, {frames} pictures of 1920 x 1080 ({poses} poses): grown by {:.2} MB after picture 100 (goal 5), {:.0} MB at most, \
         {:.0} MB of them the pictures themselves (goal 250)",
        mb(late - early),
        mb(most),
        mb(held),
    );
    Ok(())
}
