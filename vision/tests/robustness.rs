//! Whatever bytes, pixels, points and settings come: an error or a result, never a panic, never much memory.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

#[path = "films/mod.rs"]
mod films;

use eir_core::Limits;
use eir_core::random::Generator;
use eir_core::testing::{PeakAlloc, contract, recipes};
use eir_vision::crop::{Affine, Border, Sampling, SquareRoi, warp};
use eir_vision::detection::{DetectionConfig, VALUES, decode};
use eir_vision::kinematics::{
    ExerciseConfig, KalmanConfig, LegConfig, LegTracks, LiveConfig, OneEuroConfig, SavitzkyGolayConfig, Side,
    SwapRepair, Targets, View, analyse, knee_flexion_series, log_dimensionless_jerk, mend_swaps, spectral_arc_length,
};
use eir_vision::overlay::{OverlayConfig, draw_skeleton};
use eir_vision::refine::{RefineConfig, refine};
use eir_vision::track::{PersonFound, TrackerConfig};
use eir_vision::video::{ColourMatrix, Frame, Frames, VideoConfig};
use eir_vision::{Error, Image, Result};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn picture(width: usize, height: usize) -> Image {
    let mut stream = Generator::new(1, "test").stream(0);
    let rgb = (0..width * height * 3).map(|i| (i / 3 % 200) as u8 + stream.below(30) as u8).collect();
    Image::new(width, height, rgb).unwrap()
}

fn jpeg(image: &Image) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 80);
    encoder.encode(image.rgb(), image.width() as u32, image.height() as u32, image::ExtendedColorType::Rgb8).unwrap();
    bytes
}

#[test]
fn pictures_that_are_broken() {
    let decode = |bytes: &[u8]| Image::decode(bytes, &Limits::default()).map(drop);
    contract::bounded_reader("PNG", &picture(97, 61).png().unwrap(), &MEMORY, decode);
    contract::bounded_reader("JPEG", &jpeg(&picture(97, 61)), &MEMORY, decode);
    // the same with little allowed: the picture itself still fits
    let small = Limits::default().with_bytes(1 << 20);
    contract::bounded_reader("JPEG", &jpeg(&picture(97, 61)), &MEMORY, |b| Image::decode(b, &small).map(drop));
}

#[test]
fn malformed_pictures() {
    // a buffer that grows to its limit takes three times as much while it grows
    let small = Limits::default().with_bytes(16 << 20);
    contract::withstands("PNG", recipes::png(), |b| Image::decode(b, &small));
    contract::withstands("JPEG", recipes::jpeg(), |b| Image::decode(b, &small));
    for other in [recipes::tiff(), recipes::jpeg2000()] {
        let refused = other.into_iter().map(|recipe| recipe.with_must(recipes::Must::Fail));
        contract::withstands("a picture of another format", refused, |b| Image::decode(b, &small));
    }
}

#[test]
fn every_prefix_and_every_byte() {
    let pixels = |b: &[u8]| Image::decode(b, &Limits::default()).map(|image| image.rgb().len());
    for (name, file) in [("PNG", picture(9, 7).png().unwrap()), ("JPEG", jpeg(&picture(9, 7)))] {
        contract::prefix_law(name, &file, pixels);
        contract::byte_law(name, &file, pixels);
    }
}

/// The head of a PNG says 60 000 x 60 000: that is 10 GB of pixels, and is refused as such.
#[test]
fn a_huge_claim_costs_nothing() {
    let mut png = picture(8, 8).png().unwrap();
    let side = 60_000u32.to_be_bytes();
    png[16..20].copy_from_slice(&side);
    png[20..24].copy_from_slice(&side);
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage_as_mb();
    assert!(Image::decode(&png, &Limits::default()).is_err());
    assert!(MEMORY.peak_usage_as_mb() - before < 256.0); // other tests run beside this one
}

#[test]
fn odd_shapes_of_pictures() {
    for (w, h) in [(1, 1), (1, 10_000), (10_000, 1), (3, 2)] {
        let image = picture(w, h);
        let map = SquareRoi::whole(&image).affine(64);
        for border in [Border::Zero, Border::Replicate] {
            let small = warp(&image, &map, [64, 64], border, Sampling::Fixed32).unwrap();
            assert_eq!((small.width(), small.height()), (64, 64));
        }
        let mut points = [[0.0, 0.0]; 33];
        points[25] = [w as f64, h as f64];
        draw_skeleton(&image, &points, &[1.0; 33], &OverlayConfig::default()).unwrap();
    }
    let zero = Affine { rows: [[0.0; 3]; 2] };
    assert!(warp(&picture(3, 2), &zero, [0, 5], Border::Zero, Sampling::Exact).is_err());
}

/// Frames of a film, within limits.
fn frames(bytes: &[u8], limits: &Limits) -> Result<usize> {
    let mut frames = VideoConfig::default().decode(bytes.to_vec(), limits)?;
    let (mut frame, mut last) = (Frame::empty()?, f64::NEG_INFINITY);
    while frames.read_into(&mut frame)? {
        assert!(frame.time_s > last && frame.time_s.is_finite(), "times rise");
        last = frame.time_s;
    }
    assert!(frames.next().is_none(), "the end stays the end");
    Ok(bytes.len())
}

#[test]
fn films_that_are_broken() {
    let pictures = [picture(31, 17), picture(31, 17), picture(31, 17)];
    let limits = Limits::default().with_bytes(64 << 20);
    let films =
        [("AVI", films::avi(&pictures, 25)), ("Y4M", films::y4m(33, 21, 3, 25)), ("GIF", films::gif(33, 21, 3))];
    for (name, film) in films {
        contract::bounded_reader(name, &film, &MEMORY, |b| frames(b, &limits).map(drop));
        // how many frames come before the error
        let count = |b: &[u8]| -> Result<usize> {
            Ok(VideoConfig::default().decode(b.to_vec(), &limits)?.filter(|f| f.is_ok()).count())
        };
        assert_eq!(count(&film).unwrap(), 3, "{name}");
        contract::prefix_law(name, &film, count);
        contract::byte_law(name, &film, |b| frames(b, &limits));
    }
    // a head that claims much, and nothing behind it
    let mut claims = films::gif(33, 21, 1);
    claims[6..10].fill(0xff);
    for film in [
        b"YUV4MPEG2 W60000 H60000 F25:1\nFRAME\n".to_vec(),
        claims,
        b"RIFF\xff\xff\xff\xffAVI LIST\xff\xff\xff\xffmovi00dc\xff\xff\xff\xff".to_vec(),
        [&b"RIFF\0\0\0\0AVI "[..], &b"LIST\0\0\0\0hdrl".repeat(20_000)].concat(),
    ] {
        contract::bounded("a film that claims much", &film, |b| frames(b, &Limits::default()));
        assert!(frames(&film, &Limits::default()).is_err());
    }
}

/// Ten thousand frames take no more memory than one: the buffers are used again.
#[test]
fn long_films_take_the_memory_of_one_frame() {
    let (width, height, count) = (64, 48, 10_000);
    let mut film = VideoConfig::default().decode(films::y4m(width, height, count, 30), &Limits::default()).unwrap();
    let mut frame = Frame::empty().unwrap();
    for _ in 0..100 {
        assert!(film.read_into(&mut frame).unwrap());
    }
    let place = frame.image.rgb().as_ptr();
    let mut left = 0;
    while film.read_into(&mut frame).unwrap() {
        left += 1;
    }
    assert_eq!((left, place), (count - 100, frame.image.rgb().as_ptr()));
}

#[test]
fn angles_of_all_kinds() {
    contract::detector("repetitions", |x| {
        let angle: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
        analyse(&angle, 30.0).map_err(|e| e.to_string())
    });
    contract::detector("knee flexion", |x| {
        let points = x.as_chunks::<2>().0;
        let shifted = points.get(1..).unwrap_or_default();
        let n = shifted.len();
        knee_flexion_series(&points[..n], shifted, &points[..n]).map_err(|e| e.to_string())
    });
    for rate in [0.0, -30.0, f64::NAN, f64::INFINITY, 1e-300, 1e300] {
        let outcome = analyse(&[1.0, 2.0, 3.0], rate);
        assert!(matches!(outcome, Err(Error::Parameter(_))), "{rate}");
    }
}

#[test]
fn key_points_of_all_kinds() {
    let values = |x: &[f32]| -> Vec<f64> { x.iter().map(|v| f64::from(*v)).collect() };
    let pairs = |x: &[f32]| x.as_chunks::<2>().0.to_vec();
    contract::detector("a leg", |x| {
        let points = pairs(x);
        let n = points.len() / 3;
        let leg =
            LegTracks { hip: &points[..n], knee: &points[n..2 * n], ankle: &points[2 * n..3 * n], confidence: None };
        LegConfig::default()
            .build(30.0)
            .and_then(|a| a.analyse(&leg))
            .map(|m| format!("{m:?}"))
            .map_err(|e| e.to_string())
    });
    contract::detector("swapped legs", |x| {
        let (mut right, mut left) = (pairs(x), pairs(x));
        left.reverse();
        mend_swaps([&mut right[..]], [&mut left[..]]).map_err(|e| e.to_string())
    });
    contract::detector("a smooth track", |x| {
        let times: Vec<f64> = (0..x.len()).map(|i| i as f64 / 30.0).collect();
        let points: Vec<[f64; 1]> = values(x).iter().map(|v| [*v]).collect();
        KalmanConfig::default()
            .build()
            .and_then(|k| k.smooth(&times, &points, None))
            .map(|s| format!("{s:?}"))
            .map_err(|e| e.to_string())
    });
    contract::detector("smoothness", |x| {
        let x = values(x);
        spectral_arc_length(&x, 30.0)
            .and_then(|a| Ok([a, log_dimensionless_jerk(&x, 30.0)?]))
            .map_err(|e| e.to_string())
    });
    contract::detector("a report", |x| {
        let exercise = analyse(&values(x), 30.0).map_err(|e| e.to_string())?;
        Ok::<_, String>(format!("{:?} {:?}", exercise.report(), exercise.rom()))
    });
    contract::detector("a live knee", |x| {
        let mut knee = LiveConfig::default().build().map_err(|e| e.to_string())?;
        let mut states = Vec::new();
        for (i, w) in pairs(x).windows(3).enumerate() {
            let state = knee.push(i as f64, &[w[0], w[1], w[2]], &[0.9; 3]).map_err(|e| e.to_string())?;
            states.push(format!("{state:?}"));
        }
        Ok::<_, String>(states)
    });
    contract::detector("persons over time", |x| {
        let mut tracker = TrackerConfig::default().build().map_err(|e| e.to_string())?;
        let mut all = Vec::new();
        for (i, b) in x.as_chunks::<4>().0.iter().enumerate() {
            let person = PersonFound { bbox: *b, points: &[], score: 0.9 };
            all.extend(tracker.update(i as f64, &[person]).map_err(|e| e.to_string())?);
        }
        Ok::<_, String>(all)
    });
}

#[test]
fn raw_outputs_of_all_kinds() {
    let roi = SquareRoi::new([50.0, 50.0], 100.0, 0.0).unwrap();
    contract::detector("detections", |x| {
        let n = x.len() / VALUES;
        let anchors = vec![[0.5, 0.5]; n];
        decode(&x[..n * VALUES], &x[..n], &anchors, 224, &roi, &DetectionConfig::default()).map_err(|e| e.to_string())
    });
    contract::detector("refinement", |x| {
        let side = (x.len() as f64).sqrt() as usize;
        let mut points = [[0.3, 0.7]];
        refine(&mut points, &x[..side * side], side, &RefineConfig::default())
            .map(|()| points)
            .map_err(|e| e.to_string())
    });
}

#[test]
fn settings_go_through_json_and_types_through_threads() {
    contract::serde_round_trip(&ExerciseConfig::default().with_rest_deg(3.0));
    contract::serde_round_trip(&DetectionConfig::default().with_min_score(0.2));
    contract::serde_round_trip(&RefineConfig::default().with_window(7));
    contract::serde_round_trip(&OverlayConfig::default().with_face(true));
    contract::serde_round_trip(&analyse(&[5.0; 90], 30.0).unwrap().report());
    contract::serde_round_trip(&LegConfig::default().with_view(View::Yaw(20.0)).with_rigid(false));
    contract::serde_round_trip(&KalmanConfig::default().with_noise(2.0));
    contract::serde_round_trip(&LiveConfig::default().with_jitter(2.0));
    contract::serde_round_trip(&OneEuroConfig::default().with_beta(0.3));
    contract::serde_round_trip(&SavitzkyGolayConfig::default().with_window(7));
    contract::serde_round_trip(&SwapRepair::default().with_rarity(4.0));
    contract::serde_round_trip(&Targets::default().with_peak_deg(80.0, 120.0));
    contract::serde_round_trip(&TrackerConfig::default().with_hits(2));
    let times: Vec<f64> = (0..30).map(|i| f64::from(i) / 30.0).collect();
    let wave: Vec<[f64; 2]> = times.iter().map(|t| [t.sin(), t.cos()]).collect();
    contract::serde_round_trip(&KalmanConfig::default().build().unwrap().smooth(&times, &wave, None).unwrap());
    contract::serde_round_trip(&[Side::Left, Side::Right]);
    contract::serde_round_trip(&VideoConfig::default().with_rate_hz(29.97).with_colours(ColourMatrix::Bt709));
    fn send<T: Send>() {}
    send::<Frames>();
    contract::send_sync::<Image>();
    contract::send_sync::<Error>();
    let result: Result<()> = Ok(());
    assert!(result.is_ok());
}

#[cfg(feature = "flex")]
mod networks {
    use super::*;
    use burn::tensor::Device;
    use eir_core::testing::shared;
    use eir_core::weights::Weights;
    use eir_vision::explain::NetworkScore;
    use eir_vision::face::{
        ACTION_UNIT_PROXIES, ExpressionConfig, FaceObservation, HeadPose, Redaction, draw_face_into, expression_chart,
    };
    use eir_vision::networks::Architecture;
    use eir_vision::pose::{PoseDetector, PoseEstimator, PoseEstimatorConfig, PoseLandmarker, SelfCheck};

    #[test]
    fn estimators_go_to_other_threads() {
        contract::send_sync::<PoseEstimator>();
        contract::send_sync::<SelfCheck>();
        contract::serde_round_trip(&PoseEstimatorConfig::default().with_sampling(Sampling::Fixed32));
        assert!(eir_vision::pose::card().intended_use.contains("not a medical device"));
    }

    #[test]
    fn faces_over_time_of_all_kinds() {
        let config = ExpressionConfig::default().with_neutral_s(0.5);
        contract::detector("a face over time", |x| {
            let frames = x.iter().enumerate().map(|(i, v)| {
                let (t, v) = (i as f64 / 30.0, f64::from(*v));
                let scores = [v.abs(); 52];
                // what cannot be an observation is a frame without a face
                FaceObservation::new(t, v, v, [v; 2], HeadPose::new(v, v, v), &scores)
                    .unwrap_or_else(|_| FaceObservation::missing(t))
            });
            let series = config.analyse(&frames.collect::<Vec<_>>()).map_err(|e| e.to_string())?;
            let chart = expression_chart("t", &series, &["AU12"]).map_err(|e| e.to_string())?;
            Ok::<_, String>((series.csv(), series.summary().map(|s| s.csv()), chart))
        });
        contract::detector("a pose of the head", |x| {
            let mesh: Vec<[f64; 3]> =
                (0..478).map(|i| [0, 1, 2].map(|k| f64::from(x.get(i * 3 + k).copied().unwrap_or(0.0)))).collect();
            let mut image = Image::filled(20, 20, [9; 3]).map_err(|e| e.to_string())?;
            draw_face_into(&mut image, &mesh, 1.0).map_err(|e| e.to_string())?;
            HeadPose::of(&mesh).map_err(|e| e.to_string())
        });
        for times in [[0.0, 0.0], [1.0, 0.5], [0.0, f64::NAN]] {
            let frames: Vec<FaceObservation> = times.into_iter().map(FaceObservation::missing).collect();
            assert!(config.analyse(&frames).is_err(), "{times:?}");
        }
        contract::serde_round_trip(&config);
        let still: Vec<FaceObservation> = (0..60)
            .map(|i| {
                let pose = HeadPose::new(0.0, 0.0, 0.0);
                FaceObservation::new(f64::from(i) / 30.0, 1.0, 90.0, [5.0; 2], pose, &[0.2; 52]).unwrap()
            })
            .collect();
        let series = config.analyse(&still).unwrap();
        contract::serde_round_trip(&series);
        contract::serde_round_trip(&series.summary().unwrap());
        assert_eq!(series.summary().unwrap().proxies.len(), ACTION_UNIT_PROXIES.len());
    }

    #[test]
    fn three_hundred_faces_and_boxes_outside() {
        let mut image = picture(400, 300);
        for i in 0..300 {
            let (x, y) = (f64::from(i % 30) * 14.0 - 20.0, f64::from(i / 30) * 35.0 - 20.0);
            Redaction::default().hide(&mut image, &[x, y, x + 12.0, y + 30.0]).unwrap();
        }
        assert!(Redaction::default().hide(&mut image, &[f64::INFINITY, 0.0, 1.0, 1.0]).is_err());
    }

    #[test]
    fn weights_without_a_norm_are_named() {
        let architecture = Architecture::Resnet18 { classes: 2 };
        let tensors = architecture.tensors().unwrap();
        let write = |leave: &str, wrong: &str| {
            let kept = tensors.iter().filter(|(name, _)| name != leave);
            let shaped = kept.map(|(name, shape)| {
                let shape = if name == wrong { vec![3] } else { shape.clone() };
                let n = shape.iter().product();
                (name.as_str(), shape, vec![0.5f32; n])
            });
            Weights::from_bytes(&eir_core::weights::write(shaped).unwrap(), &Limits::default()).unwrap()
        };
        let load = |weights| architecture.network(weights, &Device::flex());
        let network = load(write("", "")).unwrap();
        for (leave, wrong) in [("bn1.running_mean", ""), ("", "bn1.weight"), ("layer4.1.bn2.running_var", "")] {
            let error = load(write(leave, wrong)).unwrap_err().to_string();
            assert!(error.contains(if leave.is_empty() { wrong } else { leave }), "{error}");
        }
        assert!(NetworkScore::new(&network, 0, 2).is_err() && NetworkScore::new(&network, 9, 0).is_err());
    }

    #[test]
    fn weights_that_are_broken() {
        let Some(shared) = shared() else { return };
        let path = shared.join("data/vision/weights/blazepose_detector.safetensors");
        let bytes = std::fs::read(path).unwrap();
        let load = |bytes: &[u8]| -> Result<PoseDetector> {
            PoseDetector::from_weights(Weights::from_bytes(bytes, &Limits::default())?, &Device::flex())
        };
        assert!(load(&bytes).is_ok());
        for cut in [0, 7, 100, 5000, bytes.len() / 2, bytes.len() - 1] {
            assert!(matches!(load(&bytes[..cut]), Err(Error::Weights(_))), "{cut}");
        }
        // a tensor too many, and the other network's file
        let weights = Weights::from_bytes(&bytes, &Limits::default()).unwrap();
        assert!(matches!(PoseLandmarker::from_weights(weights, &Device::flex()), Err(Error::Weights(_))));
    }

    #[test]
    fn pictures_without_a_person_give_no_pose() {
        let Some(shared) = shared() else { return };
        let weights = shared.join("data/vision/weights");
        let (detector, landmarker) = ("blazepose_detector.safetensors", "blazepose_full.safetensors");
        let estimator =
            PoseEstimator::load(&weights.join(detector), &weights.join(landmarker), &Device::flex()).unwrap();
        for (w, h) in [(1, 1), (1, 3000), (200, 150)] {
            assert!(estimator.estimate(&picture(w, h)).unwrap().is_empty());
        }
        let raw = PoseDetector::load(&weights.join(detector), &Device::flex()).unwrap();
        assert!(matches!(raw.raw(&[0.0; 9]), Err(Error::Mismatch(_))));
        assert!(matches!(raw.raw(&vec![f32::NAN; 3 * 224 * 224]), Err(Error::NotFinite(_))));
    }
}
