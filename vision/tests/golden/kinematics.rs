//! Angles, repetitions and filters.

use eir_core::SampleRate;
use eir_core::testing::golden::{Case, Outcome, Tolerance, numbers};
use eir_vision::kinematics::{
    ButterworthConfig, Exercise, Side, analyse, fill_track_gaps, frontal_plane_projection_deg, knee_flexion_deg,
    knee_flexion_series, knee_rotation, limb_symmetry_percent, median_filter, sagittal, symmetry_index_percent,
};
use eir_vision::skeleton::LANDMARK_NAMES;
use serde_json::Value;
use std::error::Error;

pub(crate) type Fallible<T> = Result<T, Box<dyn Error>>;

/// The entry `key` of an object; an error names it.
pub(crate) fn entry<'a>(value: &'a Value, key: &str) -> Fallible<&'a Value> {
    value.get(key).ok_or_else(|| format!("the reference has no entry {key}").into())
}

/// One number.
pub(crate) fn number(value: &Value) -> Fallible<f64> {
    numbers(value)?.first().copied().ok_or_else(|| "the reference has no number here".into())
}

fn side(name: &str) -> Fallible<Side> {
    match name {
        "left" => Ok(Side::Left),
        "right" => Ok(Side::Right),
        _ => Err(format!("{name} is no side").into()),
    }
}

fn json(case: &Case, name: &str) -> Fallible<Value> {
    Ok(serde_json::from_slice(&std::fs::read(case.reference(name)?)?)?)
}

pub(crate) fn joint_coordinates(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    case.walk(entry(&reference, "cases")?, |case, _, c| {
        let frame = |key: &str| -> Fallible<[[f64; 3]; 3]> {
            let all = numbers(entry(c, key)?)?;
            let rows = all.as_chunks::<3>().0;
            rows.try_into().map_err(|_| "a frame has 9 numbers".into())
        };
        let side = side(entry(c, "side")?.as_str().unwrap_or_default())?;
        let got = knee_rotation(&frame("thigh")?, &frame("shank")?, side)?;
        for (key, got) in [
            ("flexion_deg", got.flexion_deg),
            ("adduction_deg", got.adduction_deg),
            ("internal_rotation_deg", got.internal_rotation_deg),
        ] {
            case.value(key, got, number(entry(c, key)?)?, Tolerance::absolute(1e-9));
        }
        Ok(())
    })
}

/// The leg of one side: hip, knee, ankle over time; points with the score 0 are missing.
fn leg<const D: usize>(sequence: &Value, key: &str, side: Side) -> Fallible<[Vec<[f32; D]>; 3]> {
    let part = |joint: &str| -> Fallible<Vec<[f32; D]>> {
        let name = format!("{}_{joint}", side.name());
        let points = numbers(entry(entry(sequence, key)?, &name)?)?;
        let scores = numbers(entry(entry(sequence, "score")?, &name)?)?;
        let missing = |i: usize| D == 2 && scores.get(i).is_none_or(|s| *s <= 0.0);
        let points = points.as_chunks::<D>().0.iter().enumerate();
        Ok(points.map(|(i, p)| if missing(i) { [f32::NAN; D] } else { p.map(|v| v as f32) }).collect())
    };
    Ok([part("hip")?, part("knee")?, part("ankle")?])
}

/// The angle of one side, in the picture (seen from where the record says) and in the room.
fn angles(sequence: &Value, side: Side) -> Fallible<(Vec<f64>, Vec<f64>)> {
    let yaw = number(entry(sequence, "view_yaw_deg")?)?;
    // a quarter of a second, as the analysis itself
    let longest = (number(entry(sequence, "fps")?)? * 0.25).round() as usize;
    let [hip, knee, ankle] = leg::<2>(sequence, "xy", side)?.map(|track| fill_track_gaps(&track, longest));
    let flat = knee_flexion_series(&sagittal(&hip, yaw)?, &sagittal(&knee, yaw)?, &sagittal(&ankle, yaw)?)?;
    let [hip, knee, ankle] = leg::<3>(sequence, "xyz_m", side)?;
    Ok((flat, knee_flexion_series(&hip, &knee, &ankle)?))
}

/// Whether a record was made without jitter, dropped points and swapped legs.
fn clean(sequence: &Value) -> Fallible<bool> {
    let swapped = entry(sequence, "swapped_frames")?.as_array().is_some_and(|s| !s.is_empty());
    Ok(number(entry(sequence, "noise_px")?)? == 0.0 && number(entry(sequence, "dropout")?)? == 0.0 && !swapped)
}

/// Whether both legs keep their distance from the camera, so that a picture shows the whole angle.
fn planar(sequence: &Value) -> Fallible<bool> {
    for side in [Side::Left, Side::Right] {
        let z: Vec<f32> = leg::<3>(sequence, "xyz_m", side)?.iter().flatten().map(|p| p[2]).collect();
        let (low, high) = z.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
        if high - low > 1e-3 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// One recorded exercise: its angle over time, and what it should come to.
pub(crate) fn sequence(case: &mut Case) -> Outcome {
    let sequence = case.json()?;
    let (clean, planar) = (clean(&sequence)?, planar(&sequence)?);
    let noise_px = number(entry(&sequence, "noise_px")?)?;
    for (name, side) in [("left", Side::Left), ("right", Side::Right)] {
        let truth = numbers(entry(entry(&sequence, "true_knee_flexion_deg")?, name)?)?;
        let (flat, room) = angles(&sequence, side)?;
        // positions in the record are rounded to 1e-6 m and 1e-3 pixels, of segments of 0.4 m and 147 pixels
        case.close(&format!("flexion in the room, {name}"), &room, &truth, Tolerance::absolute(2e-3));
        if clean && planar {
            case.close(&format!("flexion in the picture, {name}"), &flat, &truth, Tolerance::absolute(5e-3));
        } else if planar {
            let smooth = analyse(&flat, number(entry(&sequence, "fps")?)?)?.flexion_deg;
            let there: Vec<(&f64, &f64)> = smooth.iter().zip(&truth).filter(|(a, _)| a.is_finite()).collect();
            case.holds(
                &format!("pictures with an angle, {name}"),
                smooth.len() == truth.len() && there.len() * 100 >= truth.len() * 95,
                "more than a twentieth of the pictures has no angle",
            );
            let square: f64 = there.iter().map(|(a, b)| (*a - *b).powi(2)).sum();
            // what median and low-pass reach: 0.3 degrees, and 0.45 per pixel of jitter (2 px are about 2 degrees raw)
            let rmse = (square / there.len() as f64).sqrt();
            case.value(
                &format!("RMSE of the smoothed angle, {name}"),
                rmse,
                0.0,
                Tolerance::absolute(0.3 + 0.45 * noise_px),
            );
        }
    }
    compare(case, &sequence, entry(&sequence, "expected")?)
}

/// The same expectations once more in one file.
pub(crate) fn expected(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    case.walk(&reference, |case, name, expected| {
        let sequence = json(case, &format!("kinematics/{name}.json"))?;
        compare(case, &sequence, expected)
    })
}

fn compare(case: &mut Case, sequence: &Value, expected: &Value) -> Outcome {
    let rate = number(entry(sequence, "fps")?)?;
    let (clean, planar) = (clean(sequence)?, planar(sequence)?);
    let both = |side: Side| -> Fallible<(Exercise, Exercise)> {
        let (flat, room) = angles(sequence, side)?;
        Ok((analyse(&flat, rate)?, analyse(&room, rate)?))
    };
    let (left, right) = (both(Side::Left)?, both(Side::Right)?);
    // a picture shows the whole angle of a planar movement only
    let best = |pair: &(Exercise, Exercise)| if planar { pair.0.clone() } else { pair.1.clone() };
    let (left_best, right_best) = (best(&left), best(&right));
    let reps = number(entry(expected, "reps")?)?;
    for (name, (flat, room)) in [("left", &left), ("right", &right)] {
        case.value(
            &format!("repetitions in the picture, {name}"),
            flat.repetitions.len() as f64,
            reps,
            Tolerance::Exact,
        );
        case.value(&format!("repetitions in the room, {name}"), room.repetitions.len() as f64, reps, Tolerance::Exact);
    }
    // jitter: 0.7 degrees, and 0.4 per pixel
    let allowed = if clean { 0.1 } else { 0.7 + 0.4 * number(entry(sequence, "noise_px")?)? };
    let degrees = Tolerance::absolute(allowed);
    for (name, got) in [("left", &left_best), ("right", &right_best)] {
        let rom = got.rom_deg.ok_or("no repetition was found")?;
        case.value(&format!("rom_deg, {name}"), rom, number(entry(entry(expected, "rom_deg")?, name)?)?, degrees);
        let side = entry(entry(expected, "per_side")?, name)?;
        case.value(&format!("rest, {name}"), got.rest_deg, number(entry(side, "rest")?)?, degrees);
        let peaks: Vec<f64> = got.repetitions.iter().map(|r| r.peak_deg).collect();
        // single peaks keep more of the jitter than their mean
        let single = if clean { degrees } else { Tolerance::absolute(2.0 * allowed) };
        case.close(&format!("rep_max, {name}"), &peaks, &numbers(entry(side, "rep_max")?)?, single);
    }
    let (r, l) = (right_best.rom_deg.ok_or("no repetition")?, left_best.rom_deg.ok_or("no repetition")?);
    // what is allowed of either range, in percent of it
    let percent = Tolerance::absolute(100.0 * 2.0 * allowed / r.min(l));
    let index = symmetry_index_percent(r, l).ok_or("no symmetry index")?;
    case.value("symmetry_index_pct", index, number(entry(expected, "symmetry_index_pct")?)?, percent);
    let limb = limb_symmetry_percent(r, l).ok_or("no limb symmetry")?;
    case.value("limb_symmetry_pct", limb, number(entry(expected, "limb_symmetry_pct")?)?, percent);
    let frontal = entry(expected, "fppa_at_peak_deg_valgus_positive")?;
    if frontal.is_null() {
        return Ok(()); // lying: there is no frontal plane
    }
    for (name, exercise) in [("left", &left.1), ("right", &right.1)] {
        let side = side(name)?;
        let points = leg::<3>(sequence, "xyz_m", side)?;
        let peak = exercise.repetitions.first().ok_or("no repetition was found")?.peak;
        let at = |joint: usize| points.get(joint).and_then(|p| p.get(peak)).map(|p| p.map(f64::from));
        let (hip, knee, ankle) = at(0).zip(at(1)).zip(at(2)).map(|((h, k), a)| (h, k, a)).ok_or("no such picture")?;
        let got = frontal_plane_projection_deg(hip, knee, ankle, side)?;
        case.value(&format!("fppa, {name}"), got, number(entry(frontal, name)?)?, Tolerance::absolute(0.2));
    }
    Ok(())
}

/// `butterworth4_6hz_filtfilt_30fps` → order 4, 6 Hz, 30 pictures a second.
fn butterworth_key(key: &str) -> Option<(usize, f64, f64)> {
    let (order, rest) = key.strip_prefix("butterworth")?.split_once('_')?;
    let (cutoff, rest) = rest.split_once("hz_filtfilt_")?;
    Some((order.parse().ok()?, cutoff.parse().ok()?, rest.strip_suffix("fps")?.parse().ok()?))
}

pub(crate) fn smoothing(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let x = numbers(entry(&reference, "x")?)?;
    case.walk(&reference, |case, key, value| {
        if let Some((order, cutoff, rate)) = butterworth_key(key) {
            let config = ButterworthConfig::default().with_order(order).with_cutoff_hz(cutoff);
            let filter = config.build(SampleRate::new(rate)?)?;
            let (b, a) = filter.coefficients();
            case.close("b", b, &numbers(entry(value, "b")?)?, Tolerance::absolute(1e-10));
            case.close("a", a, &numbers(entry(value, "a")?)?, Tolerance::absolute(1e-10));
            case.close("y", &filter.filter(&x)?, &numbers(entry(value, "y")?)?, Tolerance::absolute(1e-8));
        } else if let Some(window) = key.strip_prefix("median_") {
            let got = median_filter(&x, window.parse()?)?;
            case.close(key, &got, &numbers(value)?, Tolerance::absolute(1e-10));
        } else if !matches!(key, "x" | "t" | "t_irregular" | "note") {
            case.skip(key, "not built yet");
        }
        Ok(())
    })
}

/// World points of another network: the angle between them is ours.
pub(crate) fn world_points(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let names: Vec<&str> =
        entry(&reference, "names")?.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    case.equal("names", &names, &LANDMARK_NAMES.to_vec());
    let world = numbers(entry(&reference, "world_3d")?)?;
    let world = world.as_chunks::<3>().0;
    case.walk(entry(&reference, "knee_flexion_deg_world")?, |case, name, value| {
        let [hip, knee, ankle] = side(name)?.leg().map(|i| world.get(i).copied().unwrap_or([f64::NAN; 3]));
        // the points are rounded to 1e-6 m, of segments of about 0.3 m
        case.value("knee flexion", knee_flexion_deg(&hip, &knee, &ankle)?, number(value)?, Tolerance::absolute(1e-3));
        Ok(())
    })?;
    Ok(())
}
