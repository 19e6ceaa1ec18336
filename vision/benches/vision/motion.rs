//! Whole reports, filters, live following, evaluation, tracking.

use super::Fallible;
use eir_core::SampleRate;
use eir_core::testing::bench::Bench;
use eir_vision::eval::{KeypointResult, KeypointTruth, keypoint_precision};
use eir_vision::kinematics::{
    KalmanConfig, LegConfig, LegTracks, LiveConfig, MedianEnds, OneEuroConfig, SavitzkyGolayConfig, csv,
    median_filter_with, mend_swaps, symmetry_index_percent, trc,
};
#[cfg(feature = "rehab")]
use eir_vision::rehab::simulation::{SimulationConfig, simulate};
#[cfg(feature = "rehab")]
use eir_vision::rehab::{Assessor, AssessorConfig, BodyPoints, BodySequence};
use eir_vision::track::assignment;

/// Jitter of −2 to 2 pixels that is no noise, so that every run sees the same.
fn jitter(i: usize, k: usize) -> f64 {
    ((i * 7919 + k * 104_729) % 4001) as f64 / 1000.0 - 2.0
}

/// Hip, knee and ankle of a minute of squats at 30 pictures a second; `k` sets the jitter.
fn leg(k: usize) -> [Vec<[f32; 2]>; 3] {
    let at = |i: usize| {
        let bend = (5.0 + 42.5 * (1.0 - (i as f64 / 90.0 * std::f64::consts::TAU).cos())).to_radians();
        let knee = [320.0 + 140.0 * (0.4 * bend).sin(), 400.0 - 140.0 * (0.4 * bend).cos()];
        [[knee[0] - 147.0 * (0.6 * bend).sin(), knee[1] - 147.0 * (0.6 * bend).cos()], knee, [320.0, 400.0]]
    };
    let seen = |i: usize, j: usize| {
        let [x, y] = at(i)[j];
        [(x + jitter(i, 6 * k + 2 * j)) as f32, (y + jitter(i, 6 * k + 2 * j + 1)) as f32]
    };
    std::array::from_fn(|j| (0..1800).map(|i| seen(i, j)).collect())
}

/// Labelled and found persons: as `persons` in peers.py.
fn persons(images: usize, jitter: f64) -> (Vec<KeypointTruth>, Vec<KeypointResult>) {
    let (mut truths, mut found) = (Vec::new(), Vec::new());
    for image in 1..=images {
        for k in 0..1 + image % 5 {
            let size = 40.0 + ((image * 31 + k * 17) % 200) as f64;
            let (x, y) = (30.0 + 110.0 * k as f64, 20.0 + ((image * 13 + k * 7) % 150) as f64);
            let (mut points, mut moved) = (Vec::new(), Vec::new());
            for i in 0..17 {
                let (u, v) = (x + size * ((i * 7) % 17) as f64 / 34.0, y + size * i as f64 / 17.0);
                points.extend([u, v, if (image + i) % 6 == 0 { 0.0 } else { 2.0 }]);
                let d = size * (jitter * (((image * 29 + k * 11 + i * 5) % 21) as f64 - 10.0) / 10.0);
                moved.extend([u + d, v - d, 1.0]);
            }
            let image_id = image as u64;
            let num_keypoints = points.as_chunks::<3>().0.iter().filter(|p| p[2] > 0.0).count();
            let (bbox, area) = ([x, y, size / 2.0, size], 0.4 * size * size);
            truths.push(KeypointTruth { image_id, keypoints: points, area, bbox, iscrowd: 0, num_keypoints });
            if (image + k) % 10 > 0 {
                let score = ((image * 37 + k * 101) % 997) as f64 / 997.0;
                found.push(KeypointResult { image_id, keypoints: moved, score });
            }
        }
    }
    (truths, found)
}

/// Everything that a session's report holds, for both legs.
fn report(right: &[Vec<[f32; 2]>; 3], left: &[Vec<[f32; 2]>; 3]) -> Fallible<usize> {
    let (mut right, mut left) = (right.clone(), left.clone());
    mend_swaps(right.each_mut().map(Vec::as_mut_slice), left.each_mut().map(Vec::as_mut_slice))?;
    let analysis = LegConfig::default().build(30.0)?;
    let analysed =
        |[hip, knee, ankle]: &[Vec<[f32; 2]>; 3]| analysis.analyse(&LegTracks { hip, knee, ankle, confidence: None });
    let (right, left) = (analysed(&right)?, analysed(&left)?);
    let reports = [right.exercise.report(), left.exercise.report()];
    let rom = |m: &eir_vision::kinematics::LegMotion<2>| m.exercise.rom_deg.unwrap_or(f64::NAN);
    let symmetry = symmetry_index_percent(rom(&right), rom(&left)).unwrap_or(f64::NAN);
    Ok(reports.iter().map(|r| r.repetitions.len()).sum::<usize>() + usize::from(symmetry.is_nan()))
}

/// The rehabilitation networks on squats of a simulated subject, again and again.
#[cfg(feature = "rehab")]
fn rehab(bench: &mut Bench) -> Fallible<()> {
    let film = simulate(&SimulationConfig::default().with_rate_hz([30.0, 30.0]), 3, 7)?;
    let points = film.sequence.points();
    let assessor = Assessor::shipped(AssessorConfig::default().with_height_cm(film.height_cm))?;
    let again: Vec<BodyPoints> = points.iter().cycle().take(900).copied().collect();
    let half_a_minute = BodySequence::at_rate(30.0, &again)?;
    bench
        .row("squats recognised and graded", "30 s at 30 pictures a second", 0.0)
        .run(|| assessor.assess(&half_a_minute));
    let mut live = assessor.live();
    let mut picture = 0usize;
    bench.row("live assessment, a picture", "12 points, mean with a look twice a second", 0.0).run(|| {
        picture += 1;
        points.get(picture % points.len()).map(|p| live.push(picture as f64 / 30.0, p))
    });
    Ok(())
}

pub(crate) fn rows(bench: &mut Bench) -> Fallible<()> {
    let (right, left) = (leg(0), leg(1));
    // without a peer the goal is the time: 20 ms
    bench
        .row("kinematics with all reports", "60 s at 30 pictures a second, both legs; goal 20 ms", 0.0)
        .run(|| report(&right, &left));
    let [hip, knee, ankle] = &right;
    let analysis = LegConfig::default().build(30.0)?;
    bench
        .row("one leg with error bars", "1800 pictures", 0.0)
        .run(|| analysis.analyse(&LegTracks { hip, knee, ankle, confidence: None }));
    let times: Vec<f64> = (0..1800).map(|i| f64::from(i) / 30.0).collect();
    let wide: Vec<[f64; 2]> = knee.iter().map(|p| p.map(f64::from)).collect();
    let smoother = KalmanConfig::default().build()?;
    bench.row("Kalman smoother, all found", "1800 points", 0.0).run(|| smoother.smooth(&times, &wide, None));

    let mut live = LiveConfig::default().build()?;
    let mut picture = 0usize;
    bench.row("live step", "one picture, one leg; goal 10 us", 0.0).run(|| {
        picture += 1;
        let i = picture % 1800;
        live.push(picture as f64 / 30.0, &[hip[i], knee[i], ankle[i]], &[0.9; 3])
    });
    let tracks: Vec<Vec<f64>> =
        (0..99).map(|k| (0..1800).map(|i| ((i * 31 + k * 17) % 13) as f64 / 10.0).collect()).collect();
    let mut y = vec![0.0; 1800];
    let filter = SavitzkyGolayConfig::default().build(SampleRate::new(30.0)?)?;
    bench
        .row("Savitzky-Golay 11, 3", "1800 x 99 values", 2.0)
        .peer("SciPy 1.17.1", "savgol")
        .run(|| tracks.iter().try_for_each(|track| filter.filter_into(track, &mut y)));
    bench
        .row("median of 5", "1800 x 99 values", 2.0)
        .peer("SciPy 1.17.1", "median5")
        .run(|| tracks.iter().map(|t| median_filter_with(t, 5, MedianEnds::Zeros)).collect::<Result<Vec<_>, _>>());
    let euro = OneEuroConfig::default().build()?;
    bench
        .row("One-Euro", "1800 x 99 values", 0.0)
        .run(|| tracks.iter().try_for_each(|track| euro.filter_into(&times, track, &mut y)));

    #[cfg(feature = "rehab")]
    rehab(bench)?;
    let (truths, found) = persons(5000, 0.06);
    bench
        .row("average precision of key points", "5000 images", 20.0)
        .peer("pycocotools 2.0.11", "keypoint_precision")
        .run(|| keypoint_precision(&truths, &found));
    let costs: Vec<f64> = (0..10_000usize).map(|i| (i * 7919 % 10_007) as f64 / 10_007.0).collect();
    bench.row("assignment", "100 x 100", 1.0).peer("SciPy 1.17.1", "assignment").run(|| assignment(&costs, 100, 100));
    let metres: Vec<[f64; 3]> = wide.iter().map(|[x, y]| [x / 350.0, -y / 350.0, 0.0]).collect();
    let angle: Vec<f64> = wide.iter().map(|p| p[0]).collect();
    bench
        .row("TRC and CSV", "1800 pictures", 0.0)
        .run(|| Ok::<_, eir_vision::Error>((trc(&[("knee", &metres)], 30.0)?, csv(&[("angle", &angle)], 30.0)?)));
    Ok(())
}
