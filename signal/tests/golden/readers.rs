//! WFDB records and annotations, against wfdb-python.

use super::text;
use eir_core::Limits;
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use eir_signal::{Error as Failure, Record, Signal, wfdb};
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;

pub(super) fn readers(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    case.walk(&reference, |case, key, entries| match key {
        "wfdb" => case.walk(entries, |case, _, e| {
            let path = text(e, "path")?;
            one_record(case, path, e).map_err(|error| format!("{path}: {error}").into())
        }),
        "ann" => case.walk(entries, |case, _, e| annotations(case, e)),
        _ => case.walk(entries, |case, _, e| {
            case.skip(&format!("{key} {}", e.get("path").and_then(Value::as_str).unwrap_or_default()), "not built yet");
            Ok(())
        }),
    })
}

fn one_record(case: &mut Case, path: &str, e: &Value) -> Outcome {
    if e.get("error").is_some() || e.get("multi").is_some() || e.get("channels").is_some() {
        case.skip(path, "the reference has no values, or a choice of channels");
        return Ok(());
    }
    let whole = |key: &str| e.get(key).and_then(Value::as_u64);
    let range = whole("sampfrom").unwrap_or(0)..whole("sampto").unwrap_or(u64::MAX);
    let partial = range != (0..u64::MAX);
    case.data(&format!("{path}.hea"))?;
    let folder = case.data(path.rsplit_once('/').map_or(".", |(folder, _)| folder))?;
    let name = path.rsplit('/').next().unwrap_or(path);
    let record = match wfdb::open_frames(&folder.join(name), range, &Limits::default()) {
        Err(Failure::Unsupported(error)) => {
            case.skip(path, &error.to_string());
            return Ok(());
        }
        other => other?,
    };
    case.value("fs", record.frame_rate.hz(), number(entry(e, "fs")?)?, Tolerance::Exact);
    case.value("n_sig", record.signals.len() as f64, number(entry(e, "n_sig")?)?, Tolerance::Exact);
    case.value("sig_len", record.frames as f64, number(entry(e, "sig_len")?)?, Tolerance::Exact);
    words(case, e, "comments", record.comments.iter().map(String::as_str));
    start(case, &record, e);
    words(case, e, "sig_name", record.signals.iter().map(Signal::name));
    for (i, signal) in record.signals.iter().enumerate() {
        // a signal that no segment holds has no calibration in the reference
        let known = |key: &str| e.get(key).and_then(|v| v.get(i)).filter(|v| !v.is_null());
        if let Some(unit) = known("units") {
            case.equal("units", &signal.unit(), &unit.as_str().unwrap_or_default());
        }
        if let Some(format) = known("fmt") {
            case.equal("fmt", &signal.format().to_string().as_str(), &format.as_str().unwrap_or_default());
        }
        let (gain, baseline) = signal.calibration().ok_or("a WFDB signal has a calibration")?;
        for (key, got) in [("adc_gain", gain), ("baseline", f64::from(baseline))] {
            if let Some(want) = known(key) {
                case.value(key, got, number(want)?, Tolerance::Exact);
            }
        }
    }
    let frames = Frames::of(&record);
    if e.get("expanded").is_some() {
        return expanded(case, &record, e);
    }
    values(case, &frames, e)?;
    if partial {
        return Ok(());
    }
    if let (Some(want), digital) = (e.get("d_first10"), &frames.digital) {
        let got: Vec<f64> =
            (0..10).flat_map(|i| digital.iter().filter_map(move |d| d.get(i))).map(|d| *d as f64).collect();
        case.close("d_first10", &got, &numbers(want)?, Tolerance::Exact);
    }
    if let Some(want) = e.get("checksum_calc") {
        let got: Vec<f64> = frames.digital.iter().map(|d| (d.iter().sum::<i64>() as u16).into()).collect();
        case.close("checksum_calc", &got, &numbers(want)?, Tolerance::Exact);
    }
    Ok(())
}

/// One number per frame and signal, as the reference smooths signals with several.
struct Frames {
    digital: Vec<Vec<i64>>,
    physical: Vec<Vec<f64>>,
}

impl Frames {
    fn of(record: &Record) -> Self {
        let mut all = Self { digital: Vec::new(), physical: Vec::new() };
        for signal in &record.signals {
            let per_frame = (signal.rate().hz() / record.frame_rate.hz()).round().max(1.0) as usize;
            let missing = match signal.format() {
                80 => -128,
                212 => -2048,
                310 | 311 => -512,
                24 => -(1 << 23),
                32 => -(1 << 31),
                _ => -32_768i64,
            };
            let stored = signal.digital().unwrap_or_default();
            let (gain, baseline) = signal.calibration().unwrap_or((1.0, 0));
            let frames = stored.chunks(per_frame);
            let digital: Vec<i64> =
                frames.map(|f| f.iter().map(|d| d.map_or(missing, i64::from)).sum::<i64>() / f.len() as i64).collect();
            // the reference averages first and looks for missing values then
            let one = |d: &i64| if *d == missing { f64::NAN } else { (*d as f64 - f64::from(baseline)) / gain };
            let physical = if per_frame == 1 { signal.samples_f64() } else { digital.iter().map(one).collect() };
            all.physical.push(physical);
            all.digital.push(digital);
        }
        all
    }
}

fn values(case: &mut Case, frames: &Frames, e: &Value) -> Outcome {
    let n = frames.physical.first().map_or(0, Vec::len);
    let rows = |range: std::ops::Range<usize>| -> Vec<f64> {
        range.flat_map(|i| frames.physical.iter().filter_map(move |s| s.get(i)).copied()).collect()
    };
    let exact = Tolerance::relative(1e-12);
    case.close("first10", &rows(0..10.min(n)), &numbers(entry(e, "first10")?)?, exact);
    case.close("last5", &rows(n.saturating_sub(5)..n), &numbers(entry(e, "last5")?)?, exact);
    let each = |f: fn(&[f64]) -> f64| -> Vec<f64> {
        let known = |s: &Vec<f64>| s.iter().copied().filter(|v| !v.is_nan()).collect::<Vec<f64>>();
        frames.physical.iter().map(|s| f(&known(s))).collect()
    };
    let missing: Vec<f64> = frames.physical.iter().map(|s| s.iter().filter(|v| v.is_nan()).count() as f64).collect();
    case.close("nan_count", &missing, &numbers(entry(e, "nan_count")?)?, Tolerance::Exact);
    let (low, high) = (each(lowest), each(highest));
    case.close("min", &low, &numbers(entry(e, "min")?)?, exact);
    case.close("max", &high, &numbers(entry(e, "max")?)?, exact);
    // a mean may be nearly 0: the signal's own size is the measure
    let size = low.iter().chain(&high).filter(|v| v.is_finite()).fold(0.0f64, |a, v| a.max(v.abs()));
    case.close("mean", &each(mean), &numbers(entry(e, "mean")?)?, Tolerance::absolute(1e-12 * size));
    case.close("std", &each(deviation), &numbers(entry(e, "std")?)?, Tolerance::absolute(1e-12 * size));
    Ok(())
}

fn expanded(case: &mut Case, record: &Record, e: &Value) -> Outcome {
    let lengths: Vec<f64> = record.signals.iter().map(|s| s.len() as f64).collect();
    case.close("lens", &lengths, &numbers(entry(e, "lens")?)?, Tolerance::Exact);
    let first: Vec<f64> = record.signals.iter().flat_map(|s| s.iter().take(10)).collect();
    case.close("first10", &first, &numbers(entry(e, "first10")?)?, Tolerance::relative(1e-12));
    let means: Vec<f64> =
        record.signals.iter().map(|s| mean(&s.iter().filter(|v| !v.is_nan()).collect::<Vec<_>>())).collect();
    case.close("mean", &means, &numbers(entry(e, "mean")?)?, Tolerance::absolute(1e-12));
    let missing: Vec<f64> = record.signals.iter().map(|s| s.missing() as f64).collect();
    case.close("nan_count", &missing, &numbers(entry(e, "nan_count")?)?, Tolerance::Exact);
    Ok(())
}

fn lowest(x: &[f64]) -> f64 {
    x.iter().copied().reduce(f64::min).unwrap_or(f64::NAN)
}

fn highest(x: &[f64]) -> f64 {
    x.iter().copied().reduce(f64::max).unwrap_or(f64::NAN)
}

/// Kahan's sum: the reference adds in pairs, which is nearly as exact.
fn mean(x: &[f64]) -> f64 {
    let (mut sum, mut lost) = (0.0, 0.0);
    for v in x {
        let step = v - lost;
        let next = sum + step;
        lost = (next - sum) - step;
        sum = next;
    }
    sum / x.len() as f64
}

fn deviation(x: &[f64]) -> f64 {
    let centre = mean(x);
    mean(&x.iter().map(|v| (v - centre).powi(2)).collect::<Vec<_>>()).sqrt()
}

fn words<'a>(case: &mut Case, e: &Value, key: &str, got: impl Iterator<Item = &'a str>) {
    let want: Vec<&str> =
        e.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    case.equal(key, &got.collect::<Vec<_>>(), &want);
}

/// Time of day and date, which the header writes in another order.
fn start(case: &mut Case, record: &Record, e: &Value) {
    let mut parts = record.start.split_whitespace();
    if let Some(want) = e.get("base_time").and_then(Value::as_str) {
        let seconds =
            |t: &str| t.split(':').try_fold(0.0, |s, p| Some(60.0 * s + p.parse::<f64>().ok()?)).unwrap_or(f64::NAN);
        case.value("base_time", seconds(parts.next().unwrap_or_default()), seconds(want), Tolerance::absolute(1e-9));
    }
    if let Some(want) = e.get("base_date").and_then(Value::as_str) {
        let got: Vec<&str> = parts.next().unwrap_or_default().split('/').rev().collect();
        case.equal("base_date", &got.join("-").as_str(), &want);
    }
}

fn annotations(case: &mut Case, e: &Value) -> Outcome {
    let name = format!("{}.{}", text(e, "path")?, text(e, "ext")?);
    let found = wfdb::open_annotations(&case.data(&name)?, &Limits::default())
        .map_err(|error| -> Box<dyn Error> { format!("{name}: {error}").into() })?;
    // the reference drops the notes before the first sample (definitions, command lines); we keep them
    let found: Vec<_> = found.into_iter().filter(|a| a.sample != 0 || a.symbol != '"').collect();
    let total = |f: fn(&wfdb::Annotation) -> i64| found.iter().map(f).sum::<i64>() as f64;
    let last = found.last().map_or(f64::NAN, |a| a.sample as f64);
    for (key, got) in [
        ("n", found.len() as f64),
        ("last_sample", last),
        ("sum_sample", total(|a| a.sample)),
        ("subtype_sum", total(|a| i64::from(a.subtype))),
        ("num_sum", total(|a| i64::from(a.number))),
        ("chan_sum", total(|a| i64::from(a.channel))),
    ] {
        case.value(key, got, number(entry(e, key)?)?, Tolerance::Exact);
    }
    let first: Vec<f64> = found.iter().take(40).map(|a| a.sample as f64).collect();
    case.close("first40_sample", &first, &numbers(entry(e, "first40_sample")?)?, Tolerance::Exact);
    let symbols: Vec<String> = found.iter().take(40).map(|a| a.symbol.to_string()).collect();
    words(case, e, "first40_symbol", symbols.iter().map(String::as_str));
    words(case, e, "first40_aux", found.iter().take(40).map(|a| a.text.as_str()));
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    found.iter().for_each(|a| *counts.entry(a.symbol.to_string()).or_default() += 1);
    let want = entry(e, "counts")?.as_object().ok_or("counts is an object")?;
    let want: BTreeMap<String, u64> = want.iter().map(|(k, v)| (k.clone(), v.as_u64().unwrap_or_default())).collect();
    case.equal("counts", &counts, &want);
    Ok(())
}
