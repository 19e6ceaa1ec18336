//! Benchmarks against onnxruntime, OpenCV and SciPy: `cargo xtask bench --peers vision`.

#[cfg(feature = "flex")]
use burn::tensor::Device;
use eir_core::SampleRate;
use eir_core::testing::bench::Bench;
use eir_vision::kinematics::{ButterworthConfig, ExerciseConfig, knee_flexion_series, median_filter};
#[cfg(feature = "flex")]
use eir_vision::networks::Architecture;
#[cfg(feature = "flex")]
use eir_vision::pose::PoseLandmarker;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

#[cfg(feature = "flex")]
#[path = "vision/chain.rs"]
mod chain;
#[path = "vision/motion.rs"]
mod motion;

fn main() -> std::process::ExitCode {
    // one thread, as the peers
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
    #[cfg(feature = "flex")]
    if let Some(ended) = memory() {
        return ended;
    }
    let mut bench = Bench::from_args("vision", env!("CARGO_MANIFEST_DIR"));
    if let Err(error) = rows(&mut bench) {
        println!("stopped: {error}");
        return std::process::ExitCode::FAILURE;
    }
    bench.finish()
}

/// `--memory PICTURES`: what the whole chain holds, in a process of its own. Ten minutes are 18 000 pictures.
#[cfg(feature = "flex")]
fn memory() -> Option<std::process::ExitCode> {
    let mut arguments = std::env::args().skip_while(|a| a != "--memory");
    arguments.next()?;
    let frames = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(400);
    let Some(shared) = eir_core::testing::shared() else { return Some(std::process::ExitCode::SUCCESS) };
    Some(match chain::memory(&shared.join("data/vision"), frames) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            println!("stopped: {error}");
            std::process::ExitCode::FAILURE
        }
    })
}

fn rows(bench: &mut Bench) -> Fallible<()> {
    #[cfg(feature = "flex")]
    networks(bench)?;
    #[cfg(feature = "flex")]
    chain::pictures(bench)?;
    #[cfg(feature = "flex")]
    if let Some(shared) = eir_core::testing::shared() {
        chain::chain(bench, &shared.join("data/vision"))?;
    }
    kinematics(bench)?;
    motion::rows(bench)
}

/// The same values on both sides: a ramp that is nowhere special.
#[cfg(feature = "flex")]
fn input(values: usize, low: f32, high: f32) -> Vec<f32> {
    (0..values).map(|i| low + (high - low) * ((i * 7919) % 1000) as f32 / 1000.0).collect()
}

#[cfg(feature = "flex")]
fn networks(bench: &mut Bench) -> Fallible<()> {
    let Some(shared) = eir_core::testing::shared() else { return Ok(()) };
    let weights = shared.join("data/vision/weights");
    let load = |architecture: Architecture| {
        let stem = architecture.file_stem().unwrap_or_default();
        architecture.load(&weights.join(format!("{stem}.safetensors")), &Device::flex())
    };
    // goals: at most 1.3 times the time of onnxruntime, 1.5 for the face; litert is faster than it on the mesh
    for (name, what, goal, peer, architecture, range) in [
        ("BlazePose detector", "224 x 224", 0.77, "blazepose_detector", Architecture::BlazeposeDetector, [-1.0, 1.0]),
        ("BlazePose full with mask", "256 x 256", 0.77, "blazepose_full", Architecture::BlazeposeFull, [0.0, 1.0]),
        ("BlazePose lite with mask", "256 x 256", 0.77, "blazepose_lite", Architecture::BlazeposeLite, [0.0, 1.0]),
        ("MoveNet lightning", "192 x 192", 0.77, "movenet_lightning", Architecture::MovenetLightning, [-1.0, 1.0]),
        ("YOLOX-nano", "416 x 416", 0.77, "yolox_nano", Architecture::YoloxNano, [0.0, 255.0]),
        ("face mesh 478", "256 x 256", 2.0, "facemesh_v2_478", Architecture::FacemeshV2, [0.0, 1.0]),
        ("blendshapes", "146 points", 0.67, "face_blendshapes", Architecture::FaceBlendshapes, [-1.0, 1.0]),
    ] {
        let network = load(architecture)?;
        let x = input(network.input_shape().iter().product(), range[0], range[1]);
        bench.row(name, what, goal).peer("onnxruntime 1.32.0", peer).run(|| network.run(&x));
        // its converter does not know one layer of the detector
        if architecture != Architecture::BlazeposeDetector {
            bench.row(name, what, 1.0).peer("PyTorch 2.15.0", &format!("{peer}_torch")).run(|| network.run(&x));
        }
    }
    let landmarker = PoseLandmarker::load(&weights.join("blazepose_full.safetensors"), &Device::flex())?;
    let x = input(3 * PoseLandmarker::SIZE * PoseLandmarker::SIZE, 0.0, 1.0);
    bench
        .row("BlazePose full, points only", "256 x 256 (peer with mask)", 0.77)
        .peer("onnxruntime 1.32.0", "blazepose_full")
        .run(|| landmarker.raw(&x));
    Ok(())
}

fn kinematics(bench: &mut Bench) -> Fallible<()> {
    // 60 s of squats at 30 pictures a second, seen from the side
    let bend = |i: usize| (5.0 + 42.5 * (1.0 - (i as f64 / 90.0 * std::f64::consts::TAU).cos())).to_radians();
    let wobble = |i: usize, k: usize| ((i * 31 + k * 17) % 13) as f32 / 10.0;
    let track = |at: &dyn Fn(f64) -> [f64; 2], k: usize| -> Vec<[f32; 2]> {
        (0..1800).map(|i| at(bend(i)).map(|v| v as f32 + wobble(i, k))).collect()
    };
    let knee_at = |f: f64| [320.0 + 140.0 * (0.4 * f).sin(), 400.0 - 140.0 * (0.4 * f).cos()];
    let hip_at = |f: f64| [knee_at(f)[0] - 147.0 * (0.6 * f).sin(), knee_at(f)[1] - 147.0 * (0.6 * f).cos()];
    let (hip, knee, ankle) = (track(&hip_at, 0), track(&knee_at, 1), track(&|_| [320.0, 400.0], 2));
    // the same steps as the peer's: median, both ways, thresholds; what finds the jitter itself has its own rows
    let analysis = ExerciseConfig::default().build(30.0)?;
    let filter = ButterworthConfig::default().build(SampleRate::new(30.0)?)?;
    let (mut y, mut scratch) = (Vec::new(), Vec::new());
    bench
        .row("knee angle, repetitions, ROM", "1800 pictures, one leg", 4.0)
        .peer("NumPy, SciPy 1.17.1", "exercise")
        .run(|| {
            let steady = median_filter(&knee_flexion_series(&hip, &knee, &ankle)?, 5)?;
            filter.filter_into(&steady, &mut y, &mut scratch)?;
            analysis.measure(&y, None)
        });
    let tracks: Vec<Vec<f64>> = (0..99).map(|k| (0..1800).map(|i| f64::from(wobble(i, k))).collect()).collect();
    bench
        .row("Butterworth, both ways", "1800 x 99 values", 2.0)
        .peer("SciPy 1.17.1", "filtfilt")
        .run(|| filter.filter_tracks(&tracks));
    Ok(())
}
