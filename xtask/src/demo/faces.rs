//! A face in a picture, and over time.

use super::study::{Context, Study};
use burn::tensor::Device;
use eir_core::Limits;
use eir_core::explain::Occlusion;
use eir_core::inference::spearman;
use eir_core::random::Generator;
use eir_vision::Image;
use eir_vision::crop::{Border, Sampling, SquareRoi, warp};
use eir_vision::explain::NetworkScore;
use eir_vision::face::{
    ACTION_UNIT_PROXIES, BLENDSHAPE_NAMES, Expression, ExpressionConfig, ExpressionEvent, ExpressionNetwork,
    FACE_CONTOURS, Face, FaceEstimator, FaceObservation, HeadPose, draw_face_into, expression_chart, face_map_figure,
};
use eir_vision::networks::Architecture;
use std::error::Error;
use std::path::{Path, PathBuf};

type Fallible<T> = Result<T, Box<dyn Error>>;

const PORTRAIT: &str = "astronaut.png";
const SEED: u64 = 1;
/// Side of the drawn face in pixels.
const SIDE: usize = 480;
/// Frames a second of the simulated film.
const RATE_HZ: f64 = 30.0;

/// The file of an architecture's weights: in the models' own folder, or in the one beside the pictures.
pub(crate) fn weights(context: &Context, data: &Path, architecture: Architecture) -> Fallible<PathBuf> {
    let stem = architecture.file_stem().ok_or("this network has no published weights")?;
    let name = format!("{stem}.safetensors");
    let folders = context.models.iter().cloned().chain([data.join("vision/weights")]);
    let files: Vec<PathBuf> = folders.map(|folder| folder.join(&name)).collect();
    match files.iter().find(|file| file.is_file()) {
        Some(file) => Ok(file.clone()),
        None => {
            let wanted = files.first().map(|f| f.display().to_string()).unwrap_or_default();
            Err(format!("{wanted} is missing: give the folder of the published weights with --models").into())
        }
    }
}

/// One face: outlines, strongest movements, what three networks call it, and what one of them looks at.
pub(crate) fn portrait(context: &Context, data: &Path, device: &Device, study: &mut Study) -> Fallible<()> {
    let file = |architecture| weights(context, data, architecture);
    context.step("vision: loading the networks of faces");
    let [detector, mesh, blendshapes] =
        [Architecture::BlazefaceShort, Architecture::FacemeshV2, Architecture::FaceBlendshapes].map(file);
    let estimator = FaceEstimator::load(&detector?, &mesh?, &blendshapes?, device)?;
    context.step("vision: reading a face");
    let image = Image::read(&data.join("vision/images").join(PORTRAIT), &Limits::default())?;
    let faces = estimator.estimate(&image)?;
    let Some(face) = faces.first() else {
        return Err(format!("no face was found in {PORTRAIT}: check the picture and the weights").into());
    };
    study.png(
        "478 points of a face, joined to outlines: eyes and brows blue, lips orange.",
        "A smiling face with the outlines of face, eyes, brows, nose and lips drawn over the picture.",
        outlined(&image, face)?.png()?,
    );
    let pose = HeadPose::of(&face.points_px)?;
    let source = format!("vision::face::FaceEstimator, images/{PORTRAIT}");
    study.number("face_probability", "Face in the picture", face.presence, "", 3, &source, "0 to 1");
    let turned = "expressions are withheld beyond 35°";
    study.number("face_yaw_deg", "Head turned to its left", pose.yaw_deg, "°", 0, &source, turned);
    study.number("face_pitch_deg", "Head raised", pose.pitch_deg, "°", 0, &source, "");
    study.number("face_roll_deg", "Head tilted", pose.roll_deg, "°", 0, &source, "");
    let mut order: Vec<usize> = (1..BLENDSHAPE_NAMES.len().min(face.blendshapes.len())).collect();
    order.sort_by(|a, b| face.blendshapes[*b].total_cmp(&face.blendshapes[*a]));
    let rows = order.iter().take(8).map(|i| {
        let proxy = ACTION_UNIT_PROXIES.iter().find(|p| p.blendshapes.contains(i));
        let stands = proxy.map_or_else(|| "–".to_owned(), |p| format!("{} ({})", p.name, p.movement));
        vec![BLENDSHAPE_NAMES[*i].to_owned(), format!("{:.2}", face.blendshapes[*i]), stands]
    });
    let header = ["Blendshape", "Score", "Proxy of"];
    study.table("The eight strongest blendshapes of the face", &header, rows.collect());

    context.step("vision: what networks call the face");
    let networks = [
        ("emotion", Architecture::Emotion),
        ("mini-Xception", Architecture::MiniXception),
        ("face-api", Architecture::FaceapiExpression),
    ];
    let shape = &face.detection.box_xyxy;
    let mut rows = Vec::new();
    let mut looked = None;
    for (name, architecture) in networks {
        let network = ExpressionNetwork::load(architecture, &file(architecture)?, device)?;
        let probabilities = network.probabilities(&image, shape)?;
        let of = |wanted: Expression| {
            let found = network.classes().into_iter().zip(probabilities).find(|(c, _)| *c == wanted);
            found.map_or_else(String::new, |(_, p)| format!("{p:.2}"))
        };
        use Expression::{Angry, Disgust, Fear, Happy, Neutral, Sad, Surprise};
        let cells = [Happy, Neutral, Sad, Angry, Fear, Surprise, Disgust].map(of);
        rows.push([vec![name.to_owned()], cells.to_vec()].concat());
        if architecture == Architecture::Emotion {
            looked = Some((network, probabilities));
        }
    }
    let header = ["Network", "Happy", "Neutral", "Sad", "Angry", "Fear", "Surprise", "Disgust"];
    study.table("Probabilities of seven labels, by three networks", &header, rows);
    if let Some((network, probabilities)) = looked {
        context.step("vision: what a network looks at");
        let best = (0..7).fold(0, |b, i| if probabilities[i] > probabilities[b] { i } else { b });
        let score = NetworkScore::new(network.network(), 0, best)?;
        let size = network.size();
        let input: Vec<f64> = network.input(&image, shape)?.into_iter().map(f64::from).collect();
        let windows = Occlusion::new(&[1, size, size], &[1, 12, 12], &[1, 4, 4]).with_cut_windows();
        let map = windows.explain(&score, &input)?.map;
        let title = format!("What “{:?}” rests on", network.classes()[best]);
        study.svg(
            "The same face from its points alone. The darker a square, the further the network's probability falls when it is covered (occlusion, 12 of 64 pixels).",
            face_map_figure(&title, &face.points_px, &map, size, &network.roi(shape)?)?,
        );
    }
    study.text(
        "A label is what raters call such pictures, not what the person feels: no emotion is inferred here, and none may be. \
         Cheek raiser (AU6) and nose wrinkler (AU9) are dead outputs of the network and left out.",
    );
    Ok(())
}

/// The face, cut out and drawn over.
fn outlined(image: &Image, face: &Face) -> Fallible<Image> {
    let roi = SquareRoi::about(&face.detection.box_xyxy, 2.2)?;
    let mut cut = warp(image, &roi.affine(SIDE), [SIDE, SIDE], Border::Replicate, Sampling::Exact)?;
    let scale = SIDE as f64 / roi.side;
    let corner = roi.centre.map(|c| c - roi.side / 2.0);
    let points: Vec<[f64; 3]> =
        face.points_px.iter().map(|p| [(p[0] - corner[0]) * scale, (p[1] - corner[1]) * scale, p[2]]).collect();
    draw_face_into(&mut cut, &points, 1.8)?;
    Ok(cut)
}

/// What was simulated.
struct Simulated {
    frames: Vec<FaceObservation>,
    /// Middle and height of each smile.
    smiles: Vec<[f64; 2]>,
    blinks: usize,
}

/// A minute and a half of a face: at rest for 5 s, then smiles of known heights, blinks, and twice turned away.
fn simulated(seed: u64) -> Fallible<Simulated> {
    let mut stream = Generator::new(seed, "demo face").stream(0);
    let index = |name: &str| BLENDSHAPE_NAMES.iter().position(|n| *n == name).ok_or("no such blendshape");
    let [left, right, lid_left, lid_right, brow] =
        ["mouthSmileLeft", "mouthSmileRight", "eyeBlinkLeft", "eyeBlinkRight", "browInnerUp"].map(index);
    let (left, right, lids, brow) = (left?, right?, [lid_left?, lid_right?], brow?);
    let seconds = 90.0;
    let smiles: Vec<[f64; 2]> =
        (0..14).map(|i| [8.0 + 5.7 * f64::from(i) + stream.uniform(), 0.15 + 0.6 * stream.uniform()]).collect();
    let mut blinks = Vec::new();
    let mut next = 6.0 + 3.0 * stream.uniform();
    while next < seconds - 1.0 {
        blinks.push(next);
        next += 1.5 + 4.0 * stream.uniform();
    }
    let bell = |t: f64, at: f64, width: f64| (-0.5 * ((t - at) / width).powi(2)).exp();
    let mut frames = Vec::new();
    for i in 0..(seconds * RATE_HZ) as usize {
        let t = i as f64 / RATE_HZ;
        let smile: f64 = smiles.iter().map(|[at, height]| height * bell(t, *at, 0.6)).sum();
        let lid: f64 = blinks.iter().map(|at| 0.7 * bell(t, *at, 0.06)).sum();
        let mut scores = [0.0; 52];
        for score in &mut scores {
            *score = 0.03 + 0.004 * stream.normal().abs();
        }
        let mut noise = || 0.008 * stream.normal();
        scores[left] = (0.08 + 1.1 * smile + noise()).clamp(0.0, 1.0);
        scores[right] = (0.08 + 0.9 * smile + noise()).clamp(0.0, 1.0);
        scores[brow] = (0.1 + 0.2 * bell(t, 40.0, 1.0) + noise()).clamp(0.0, 1.0);
        lids.iter().for_each(|l| scores[*l] = (0.1 + lid).clamp(0.0, 1.0));
        let turned = if (29.0..32.0).contains(&t) || (61.0..63.0).contains(&t) { 48.0 } else { 6.0 * (t / 7.0).sin() };
        let centre = [320.0 + 8.0 * (t / 3.0).sin(), 240.0 + 4.0 * (t / 5.0).cos()];
        let pose = HeadPose::new(turned, 3.0 * (t / 4.0).sin(), 0.0);
        frames.push(FaceObservation::new(t, 0.98, 180.0, centre, pose, &scores)?);
    }
    Ok(Simulated { frames, smiles, blinks: blinks.len() })
}

/// A face over time, simulated: there is no free recording of one.
pub(crate) fn over_time(context: &Context, study: &mut Study) -> Fallible<String> {
    context.step("vision: a face over time");
    let film = simulated(SEED)?;
    let series = ExpressionConfig::default().with_neutral_s(5.0).analyse(&film.frames)?;
    study.svg(
        "A simulated face over 90 s against its own neutral face: movements shaded, turned away grey.",
        expression_chart("Smiles, brows and blinks (simulated)", &series, &["AU12", "AU1", "AU45"])?,
    );
    let summary = series.summary().ok_or("too few frames of the simulated face are usable: that is a defect")?;
    let events = series.events("AU12")?;
    let nearest = |at: f64| film.smiles.iter().min_by(|a, b| (a[0] - at).abs().total_cmp(&(b[0] - at).abs()));
    // a smile whose height fell into a stretch that was withheld has none to compare
    let seen_whole = |e: &ExpressionEvent| nearest(e.peak_s).filter(|[at, _]| (at - e.peak_s).abs() < 0.3);
    let pairs: Vec<[f64; 2]> = events.iter().filter_map(|e| Some([e.rise, seen_whole(e)?[1]])).collect();
    let [rise, truth]: [Vec<f64>; 2] = [0, 1].map(|k| pairs.iter().map(|p| p[k]).collect());
    let source = format!("vision::face::ExpressionSeries on a simulated face, seed {SEED}");
    let seen = format!("{} were simulated, some while the face is turned away", film.smiles.len());
    study.number("face_smiles", "Smiles found", events.len() as f64, "", 0, &source, &seen);
    if let Ok(rank) = spearman(&rise, &truth, 0.95) {
        let note = rank.estimate.to_string();
        let label = "Rank correlation with the simulated heights";
        study.number("face_smile_rank_correlation", label, rank.estimate.value, "", 3, &source, &note);
    }
    let usable = 100.0 * summary.usable_share;
    study.number("face_usable_percent", "Frames used", usable, "%", 0, &source, "turned beyond 35° are withheld");
    if let Some(blinks) = &summary.blinks_per_min {
        let note = format!("{blinks}; {} simulated in 90 s", film.blinks);
        study.number("face_blinks_per_min", "Blinks a minute", blinks.value, "", 1, &source, &note);
    }
    let expressivity = summary.expressivity_per_s;
    study.number(
        "face_expressivity_per_s",
        "Expressivity",
        expressivity,
        "1/s",
        3,
        &source,
        "way of all proxies a second",
    );
    let smile = summary.proxies.iter().find(|p| p.name == "AU12");
    if let Some(asymmetry) = smile.and_then(|p| p.asymmetry_percent) {
        study.number(
            "face_smile_asymmetry_percent",
            "Smile, left over right",
            asymmetry,
            "%",
            1,
            &source,
            "10 % simulated",
        );
    }
    let shown = summary.proxies.iter().filter(|p| ["AU1", "AU4", "AU12", "AU26", "AU45"].contains(&p.name.as_str()));
    let rows = shown.map(|p| {
        let rate = &p.events_per_min;
        vec![
            p.name.clone(),
            format!("{:.3}", p.mean),
            format!("{:.3}", p.range),
            format!("{:.1} ({:.1} to {:.1})", rate.value, rate.lower, rate.upper),
            format!("{:.0} %", 100.0 * p.active_share),
            p.asymmetry_percent.map_or_else(|| "–".to_owned(), |a| format!("{a:+.0} %")),
        ]
    });
    let header = ["Proxy", "Mean", "Range", "Movements a minute (95 % CI)", "Active", "Left over right"];
    study.table("As a study tabulates it: some of the 15 proxies above the neutral face", &header, rows.collect());
    Ok(format!("{} smiles of a face measured", events.len()))
}

/// A face of curves, for a report without pictures: outlines where a smile and open or shut eyes put them.
fn schematic(smile: f64, open: f64) -> Vec<[f64; 3]> {
    let mut mesh = vec![[240.0, 240.0, 0.0]; 478];
    for (name, outline) in FACE_CONTOURS {
        let n = outline.len().saturating_sub(1).max(1) as f64;
        for (i, point) in outline.iter().enumerate() {
            let turn = i as f64 / n * std::f64::consts::TAU;
            let ellipse = |cx: f64, cy: f64, rx: f64, ry: f64, from: f64| {
                [cx + rx * (turn + from).cos(), cy + ry * (turn + from).sin()]
            };
            let bend = |[x, y]: [f64; 2], lift: f64| [x, y - lift * ((x - 240.0) / 60.0).powi(2)];
            let [x, y] = match name {
                "face" => ellipse(240.0, 240.0, 145.0, 195.0, -std::f64::consts::FRAC_PI_2),
                "left eye" => ellipse(305.0, 190.0, 30.0, 13.0 * open, 0.0),
                "right eye" => ellipse(175.0, 190.0, 30.0, 13.0 * open, std::f64::consts::PI),
                "left brow" => ellipse(308.0, 150.0, 40.0, 6.0, 0.0),
                "right brow" => ellipse(172.0, 150.0, 40.0, 6.0, std::f64::consts::PI),
                "outer lips" => {
                    bend(ellipse(240.0, 325.0, 58.0 + 14.0 * smile, 20.0, std::f64::consts::PI), 22.0 * smile)
                }
                "inner lips" => bend(
                    ellipse(240.0, 325.0, 44.0 + 12.0 * smile, 5.0 + 7.0 * smile, std::f64::consts::PI),
                    20.0 * smile,
                ),
                "bridge of the nose" => [240.0, 185.0 + 80.0 * i as f64 / n],
                _ => ellipse(240.0, 262.0, 30.0, 14.0, std::f64::consts::PI).map(|v| v.max(0.0)),
            };
            // the wings of the nose are an open line: its lower half
            let (x, y) = if name.starts_with("wings") {
                let part = std::f64::consts::PI * (1.0 - i as f64 / n);
                (240.0 + 28.0 * part.cos(), 268.0 + 12.0 * part.sin())
            } else {
                (x, y)
            };
            if let Some(to) = mesh.get_mut(*point) {
                *to = [x, y, 0.0];
            }
        }
    }
    mesh
}

/// The simulated face at rest and smiling, side by side.
pub(crate) fn drawn(study: &mut Study) -> Fallible<()> {
    let mut ground = Image::filled(2 * SIDE, SIDE, [58, 66, 76])?;
    for (at, (smile, open)) in [(0.0, 1.0), (1.0, 0.75)].into_iter().enumerate() {
        let shift = (at * SIDE) as f64;
        let mesh: Vec<[f64; 3]> = schematic(smile, open).into_iter().map(|[x, y, z]| [x + shift, y, z]).collect();
        draw_face_into(&mut ground, &mesh, 2.4)?;
    }
    study.png(
        "A drawn face at rest and at the height of a smile: outlines as they are drawn over a real one.",
        "Two outlined faces side by side, the left one neutral, the right one smiling.",
        ground.png()?,
    );
    Ok(())
}
