//! Detectors, against NeuroKit2 and the annotations of the records.

use super::{list, record, text};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, npy, number, numbers};
use eir_core::{Limits, SampleRate};
use eir_signal::ecg::{BeatScore, clean, gradient_peaks, pan_tompkins, r_peaks, score_beats};
use eir_signal::wfdb;
use serde_json::Value;
use std::error::Error;

pub(super) fn ecg(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let tolerance_s = number(entry(&reference, "match_tolerance_s")?)?;
    let mut total = BeatScore::default();
    case.walk(entry(&reference, "records")?, |case, _, expected| {
        let path = text(expected, "record")?;
        let (x, rate) = channel(case, path, expected)?;
        let narrow: Vec<f32> = x.iter().map(|v| *v as f32).collect();
        let tolerance = (tolerance_s * rate.hz()) as usize;
        let annotated = annotated(case, path, expected)?;
        case.value("n", x.len() as f64, number(entry(expected, "n")?)?, Tolerance::Exact);
        case.walk(entry(expected, "methods")?, |case, method, want| {
            let got = match method {
                "neurokit" => gradient_peaks(&narrow, rate)?,
                "pantompkins1985" => pan_tompkins(&narrow, rate)?,
                _ => {
                    case.skip(method, "not built yet");
                    return Ok(());
                }
            };
            compare(case, &got, want, annotated.as_deref(), tolerance)
        })?;
        if let Some(annotated) = &annotated {
            let score = score_beats(annotated, &r_peaks(&narrow, rate)?, tolerance);
            let f1 = score.f1().unwrap_or_default();
            case.holds("r_peaks", f1 >= 0.95, &format!("F1 {f1:.4} against the annotations: {score:?}"));
            total = total + score;
        }
        for key in ["kubios_fix", "signal_rate_monotone_cubic_every_fs", "delineate_dwt", "delineate_peak"] {
            if expected.get(key).is_some() {
                case.skip(key, "not built yet");
            }
        }
        if expected.get("quality_zhao2018").is_some() {
            case.skip("quality", "not built yet");
        }
        Ok(())
    })?;
    println!("  r_peaks, all annotated records: {total:?}, F1 {:.4}", total.f1().unwrap_or_default());
    let described = entry(&reference, "clean")?;
    let (shape, values) = npy(&case.reference(text(described, "file")?)?)?;
    let width = shape.get(1).copied().ok_or("the cleaned array has no rows")?;
    for row in list(described, "rows")? {
        let (path, what) = (text(row, "record")?, text(row, "what")?);
        let name = format!("clean {path} {}", what.split('\'').nth(1).unwrap_or(what));
        if !what.contains("'neurokit'") {
            case.skip(&name, "not built yet");
            continue;
        }
        let owner = list(&reference, "records")?.iter().find(|r| r.get("record").and_then(Value::as_str) == Some(path));
        let (x, rate) = channel(case, path, owner.unwrap_or(row))?;
        let at = number(entry(row, "row")?)? as usize;
        let want = values.get(at * width..(at + 1) * width).ok_or("the row is not in the array")?;
        let got = clean(&x, rate)?;
        case.close(&name, got.get(..width).unwrap_or(&got), want, Tolerance::relative(1e-6));
    }
    Ok(())
}

/// The samples of the record's channel, 0 where one is missing, as the reference has it.
fn channel(case: &Case, path: &str, expected: &Value) -> Result<(Vec<f64>, SampleRate), Box<dyn Error>> {
    let index = expected.get("channel").and_then(Value::as_u64).unwrap_or(0) as usize;
    let record = record(case, path)?;
    let signal = record.signals.get(index).ok_or_else(|| format!("{path} has no channel {index}"))?;
    let x = signal.iter().map(|v| if v.is_nan() { 0.0 } else { v }).collect();
    Ok((x, signal.rate()))
}

/// The annotated beats, where the reference has some.
fn annotated(case: &mut Case, path: &str, expected: &Value) -> Result<Option<Vec<usize>>, Box<dyn Error>> {
    let Some(count) = expected.get("ref_beats") else { return Ok(None) };
    let beats = wfdb::beats(&wfdb::open_annotations(&case.data(&format!("{path}.atr"))?, &Limits::default())?);
    case.value("ref_beats", beats.len() as f64, number(count)?, Tolerance::Exact);
    Ok(Some(beats))
}

fn compare(case: &mut Case, got: &[usize], want: &Value, annotated: Option<&[usize]>, tolerance: usize) -> Outcome {
    let Some(peaks) = want.get("peaks") else {
        case.skip("peaks", "the reference tool failed");
        return Ok(());
    };
    let peaks: Vec<usize> = numbers(peaks)?.into_iter().map(|v| v as usize).collect();
    let same = score_beats(&peaks, got, 1);
    let share = same.f1().unwrap_or(1.0);
    case.holds("peaks", share >= 0.99, &format!("only {:.2} % of {} peaks are the same", 100.0 * share, peaks.len()));
    if let Some(annotated) = annotated {
        let score = score_beats(annotated, got, tolerance);
        for (name, got) in [("TP", score.true_positives), ("FN", score.false_negatives), ("FP", score.false_positives)]
        {
            case.value(name, got as f64, number(entry(want, name)?)?, Tolerance::absolute(2.0));
        }
    }
    Ok(())
}
