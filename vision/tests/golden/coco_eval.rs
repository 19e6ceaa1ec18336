//! Similarity of key points and average precision.

use super::kinematics::{Fallible, entry};
use eir_core::testing::golden::{Case, Outcome, Tolerance, numbers};
use eir_vision::eval::{COCO_SIGMAS, KeypointResult, KeypointTruth, PrecisionConfig, oks_matrix};
use serde::de::DeserializeOwned;
use serde_json::Value;

fn read<T: DeserializeOwned>(case: &Case, name: &str) -> Fallible<T> {
    Ok(serde_json::from_slice(&std::fs::read(case.reference(&format!("coco_eval/{name}"))?)?)?)
}

fn truths(case: &Case) -> Fallible<Vec<KeypointTruth>> {
    let file: Value = read(case, "gt.json")?;
    Ok(serde_json::from_value(entry(&file, "annotations")?.clone())?)
}

fn name(case: &Case) -> String {
    case.path().file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The labels: as many points as they say.
pub(crate) fn labels(case: &mut Case) -> Outcome {
    let wrong = truths(case)?
        .into_iter()
        .filter(|t| t.num_keypoints != t.keypoints.as_chunks::<3>().0.iter().filter(|p| p[2] > 0.0).count());
    let wrong = wrong.count();
    case.value("persons with another number of points than they say", wrong as f64, 0.0, Tolerance::Exact);
    Ok(())
}

/// One file of found persons: its ten numbers.
pub(crate) fn precision(case: &mut Case) -> Outcome {
    let expected: Value = read(case, "expected.json")?;
    let name = name(case);
    let name = name.strip_prefix("dt_").unwrap_or(&name);
    let found: Vec<KeypointResult> = serde_json::from_value(case.json()?)?;
    let config = PrecisionConfig::default().with_sigmas(numbers(entry(&expected, "sigmas")?)?);
    let got = config.evaluate(&truths(case)?, &found)?;
    let tolerance = Tolerance::absolute(numbers(entry(&expected, "tolerance")?)?.first().copied().unwrap_or(1e-9));
    case.walk(entry(entry(&expected, "stats")?, name)?, |case, key, value| {
        let got = match key {
            "AP" => got.ap,
            "AP50" => got.ap50,
            "AP75" => got.ap75,
            "AP_medium" => got.ap_medium,
            "AP_large" => got.ap_large,
            "AR" => got.ar,
            "AR50" => got.ar50,
            "AR75" => got.ar75,
            "AR_medium" => got.ar_medium,
            "AR_large" => got.ar_large,
            _ => {
                case.skip(key, "no such number");
                return Ok(());
            }
        };
        case.close(key, &[got], &numbers(value)?, tolerance);
        Ok(())
    })
}

/// The constants, and that every result has its file.
pub(crate) fn expected(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    case.close("sigmas", &COCO_SIGMAS, &numbers(entry(&reference, "sigmas")?)?, Tolerance::absolute(1e-15));
    case.walk(entry(&reference, "stats")?, |case, name, _| {
        let file = case.reference(&format!("coco_eval/dt_{name}.json"));
        case.holds("has its file", file.is_ok(), "no such file of found persons");
        Ok(())
    })
}

/// `oks_matrix_NAME_images_….json`: similarities by picture.
pub(crate) fn matrices(case: &mut Case) -> Outcome {
    let name = name(case);
    let name = name.strip_prefix("oks_matrix_").and_then(|n| n.split("_images_").next()).unwrap_or_default();
    let found: Vec<KeypointResult> = read(case, &format!("dt_{name}.json"))?;
    let truths = truths(case)?;
    let expected: Value = read(case, "expected.json")?;
    let sigmas = numbers(entry(&expected, "sigmas")?)?;
    let reference = case.json()?;
    case.walk(&reference, |case, image, want| {
        let id: u64 = image.parse()?;
        let truths: Vec<KeypointTruth> = truths.iter().filter(|t| t.image_id == id).cloned().collect();
        let found: Vec<KeypointResult> = found.iter().filter(|f| f.image_id == id).cloned().collect();
        let got = oks_matrix(&truths, &found, &sigmas)?.concat();
        case.close("similarities", &got, &numbers(want)?, Tolerance::absolute(1e-9));
        Ok(())
    })
}
