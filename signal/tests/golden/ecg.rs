//! Detectors, against NeuroKit2 and the annotations of the records.

use super::{list, record, text};
use eir_core::random::Generator;
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, npy, number, numbers};
use eir_core::{Limits, SampleRate};
use eir_signal::ecg::{
    BeatClass, BeatScore, BeatWaves, Delineator, QrsMethod, RPeakStream, RPeaksConfig, ScoreSummary, beat_classes,
    clean, clean_fir, clean_pan_tompkins, delineate, gradient_peaks, heart_rate_bpm, r_peaks, score_beats,
    zhao_quality,
};
use eir_signal::{low_pass, wfdb};
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;

pub(super) fn ecg(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let tolerance_s = number(entry(&reference, "match_tolerance_s")?)?;
    let (mut total, mut live, mut classes) = (Vec::new(), Vec::new(), Classes::default());
    let mut variants = BTreeMap::new();
    case.walk(entry(&reference, "records")?, |case, _, expected| {
        let path = text(expected, "record")?;
        let (x, rate) = channel(case, path, expected)?;
        let narrow: Vec<f32> = x.iter().map(|v| *v as f32).collect();
        let tolerance = (tolerance_s * rate.hz()) as usize;
        let annotated = annotated(case, path, expected)?;
        case.value("n", x.len() as f64, number(entry(expected, "n")?)?, Tolerance::Exact);
        case.walk(entry(expected, "methods")?, |case, method, want| {
            compare(case, method, (&narrow, rate), want, annotated.as_deref(), tolerance)
        })?;
        let own = r_peaks(&narrow, rate)?;
        if let Some(annotated) = &annotated {
            total.push(score_beats(annotated, &own, tolerance));
            live.push(score_beats(annotated, &streamed(&narrow, rate)?, tolerance));
            for (kind, changed, at_rate, scale) in changed(&narrow, rate)? {
                let annotated: Vec<usize> = annotated.iter().map(|a| (*a as f64 * scale) as usize).collect();
                let score =
                    score_beats(&annotated, &r_peaks(&changed, at_rate)?, (tolerance_s * at_rate.hz()) as usize);
                let sum = variants.entry(kind).or_insert_with(BeatScore::default);
                *sum = *sum + score;
            }
            fibrillation(case, path, &narrow, rate, &own)?;
            classes.add(case, path, &narrow, rate, annotated)?;
        }
        let neurokit: Vec<usize> = match expected.pointer("/methods/neurokit/peaks") {
            Some(peaks) => numbers(peaks)?.into_iter().map(|v| v as usize).collect(),
            None => gradient_peaks(&narrow, rate)?,
        };
        case.walk(expected, |case, key, want| {
            match key {
                "record" | "channel" | "lead" | "n" | "ref_beats" | "methods" | "cleaned_with" => {}
                "fs" => case.value("fs", rate.hz(), number(want)?, Tolerance::Exact),
                "kubios_fix" => case.skip(key, "compared where intervals are corrected"),
                "quality_averageQRS_every_fs" => {
                    case.skip(key, "not built: relative to the recording's own worst beat");
                }
                "quality_error" => case.skip(key, "the reference tool failed"),
                "delineate_peak" => case.skip(key, "not built: the wavelet method is compared"),
                "signal_rate_monotone_cubic_every_fs" => {
                    let want = numbers(want)?;
                    let bpm = heart_rate_bpm(&neurokit, x.len(), rate)?;
                    let got: Vec<f64> = bpm.into_iter().step_by(rate.hz() as usize).take(want.len()).collect();
                    case.close(key, &got, &want, Tolerance::relative(1e-9));
                }
                "quality_zhao2018" => {
                    let got = zhao_quality(&clean(&x, rate)?, rate, &neurokit)?;
                    let agrees = Some(got.class.name()) == want.as_str();
                    case.holds(key, agrees, &format!("{path}: {got:?}, the reference says {want}"));
                }
                "delineate_dwt" => delineation(case, want, &narrow, rate, &neurokit)?,
                other => case.holds(other, false, "an entry that this test does not know"),
            }
            Ok(())
        })?;
        Ok(())
    })?;
    detection(case, &total, &live);
    for (kind, score) in &variants {
        println!("  r_peaks, {kind}: {score:?}, F1 {:.4}", score.f1().unwrap_or_default());
        case.holds("r_peaks of the changed signal", score.f1() >= Some(0.99), &format!("{kind}: {score:?}"));
    }
    classes.print();
    let described = entry(&reference, "clean")?;
    let (shape, values) = npy(&case.reference(text(described, "file")?)?)?;
    let width = shape.get(1).copied().ok_or("the cleaned array has no rows")?;
    for row in list(described, "rows")? {
        let (path, what) = (text(row, "record")?, text(row, "what")?);
        let name = format!("clean {path} {}", what.split('\'').nth(1).unwrap_or(what));
        let owner = list(&reference, "records")?.iter().find(|r| r.get("record").and_then(Value::as_str) == Some(path));
        let (x, rate) = channel(case, path, owner.unwrap_or(row))?;
        let at = number(entry(row, "row")?)? as usize;
        let want = values.get(at * width..(at + 1) * width).ok_or("the row is not in the array")?;
        let got = match what.split('\'').nth(1) {
            Some("neurokit") => clean(&x, rate)?,
            Some("pantompkins1985") => clean_pan_tompkins(&x, rate)?,
            Some("biosppy") => clean_fir(&x, rate)?,
            _ => {
                case.holds(&name, false, "a cleaning that this test does not know");
                continue;
            }
        };
        case.close(&name, got.get(..width).unwrap_or(&got), want, Tolerance::relative(1e-6));
    }
    Ok(())
}

/// What the default detector must reach on the annotated records, and the live one beside it.
fn detection(case: &mut Case, records: &[BeatScore], live: &[BeatScore]) {
    let (all, live) = (ScoreSummary::new(records).gross, ScoreSummary::new(live).gross);
    let f1 = |s: &BeatScore| s.f1().unwrap_or_default();
    println!("  r_peaks, all annotated records: {all:?}, F1 {:.4}; live: {live:?}, F1 {:.4}", f1(&all), f1(&live));
    if records.is_empty() {
        return;
    }
    let reached = f1(&all) >= 0.997
        && all.sensitivity().is_some_and(|s| s >= 0.996)
        && all.positive_predictive_value().is_some_and(|p| p >= 0.996);
    case.holds("r_peaks pooled", reached, &format!("F1 {:.4}: {all:?}", f1(&all)));
    for (k, record) in records.iter().enumerate() {
        let found = record.sensitivity().unwrap_or(1.0);
        case.holds("r_peaks per record", found >= 0.97, &format!("record {k}: sensitivity {found:.4}"));
    }
    let apart = (f1(&all) - f1(&live)).abs();
    case.holds("live beside recorded", apart <= 0.002, &format!("F1 {:.4} and {:.4}", f1(&all), f1(&live)));
}

/// The same heart by other means: name, samples, rate and how many of its samples one of the record is.
type Changed = (&'static str, Vec<f32>, SampleRate, f64);

fn changed(ecg: &[f32], rate: SampleRate) -> Result<Vec<Changed>, Box<dyn Error>> {
    let mut all: Vec<Changed> = vec![
        ("inverted", ecg.iter().map(|v| -v).collect(), rate, 1.0),
        ("a tenth", ecg.iter().map(|v| 0.1 * v).collect(), rate, 1.0),
        ("tenfold", ecg.iter().map(|v| 10.0 * v).collect(), rate, 1.0),
        ("5 mV higher", ecg.iter().map(|v| v + 5.0).collect(), rate, 1.0),
    ];
    let mean = ecg.iter().map(|v| f64::from(*v)).sum::<f64>() / ecg.len() as f64;
    let variance = ecg.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / ecg.len() as f64;
    let mut stream = Generator::new(0, "noise").stream(0);
    let mut noise = || (0.1 * variance.sqrt() * stream.normal()) as f32;
    all.push(("with white noise of a tenth", ecg.iter().map(|v| v + noise()).collect(), rate, 1.0));
    let drift = |i: usize| (3.0 * variance.sqrt() * (rate.seconds(i) * 0.25 * std::f64::consts::TAU).sin()) as f32;
    all.push(("with drift", ecg.iter().enumerate().map(|(i, v)| v + drift(i)).collect(), rate, 1.0));
    for (name, hz) in
        [("at 125 Hz", 125.0), ("at 200 Hz", 200.0), ("at 250 Hz", 250.0), ("at 500 Hz", 500.0), ("at 1 kHz", 1000.0)]
    {
        let other = SampleRate::new(hz)?;
        let edge_hz = 0.4 * hz.min(rate.hz());
        let smooth = low_pass(ecg, rate, edge_hz)?;
        let step = rate.hz() / hz;
        let line = |i: usize| {
            let at = i as f64 * step;
            let (k, part) = (at as usize, at.fract() as f32);
            smooth.get(k).zip(smooth.get(k + 1)).map(|(a, b)| a + (b - a) * part)
        };
        all.push((name, (0..).map_while(line).collect(), other, 1.0 / step));
    }
    Ok(all)
}

fn streamed(ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>, Box<dyn Error>> {
    let mut stream = RPeakStream::new(RPeaksConfig::default(), rate)?;
    let mut peaks = Vec::new();
    ecg.chunks(100).for_each(|piece| stream.push(piece, |peak| peaks.push(peak)));
    stream.finish(|peak| peaks.push(peak));
    Ok(peaks)
}

/// Where the rhythm is fibrillation for more than half of the time, few beats may have a P wave.
fn fibrillation(case: &mut Case, path: &str, ecg: &[f32], rate: SampleRate, peaks: &[usize]) -> Outcome {
    let annotations = wfdb::open_annotations(&case.data(&format!("{path}.atr"))?, &Limits::default())?;
    let changes: Vec<_> = annotations.iter().filter(|a| a.symbol == '+').collect();
    let ends = changes.iter().skip(1).map(|a| a.sample).chain([ecg.len() as i64]);
    let time: i64 =
        changes.iter().zip(ends).filter(|(a, _)| a.text.starts_with("(AFIB")).map(|(a, end)| end - a.sample).sum();
    let waves = delineate(ecg, rate, peaks)?;
    case.holds("as many as beats", waves.len() == peaks.len(), "another number of beats");
    let share = waves.iter().filter(|w| w.p_peak.is_some()).count() as f64 / waves.len().max(1) as f64;
    println!("  {path}: P waves in {:.1} % of the beats, fibrillation {} s", 100.0 * share, time / rate.hz() as i64);
    if 2 * time > ecg.len() as i64 {
        case.holds("P waves in fibrillation", share < 0.1, &format!("{path}: in {:.1} % of the beats", 100.0 * share));
    }
    Ok(())
}

/// Medians of the distances from the reference's points.
fn delineation(case: &mut Case, want: &Value, ecg: &[f32], rate: SampleRate, peaks: &[usize]) -> Outcome {
    // the reference tool seeks upright T waves only
    let waves = Delineator::config().with_upright_t(true).build(rate)?.delineate(ecg, peaks)?;
    case.walk(want, |case, key, places| {
        let point: fn(&BeatWaves) -> Option<usize> = match key {
            "ECG_P_Onsets" => |w| w.p_onset,
            "ECG_P_Peaks" => |w| w.p_peak,
            "ECG_P_Offsets" => |w| w.p_offset,
            "ECG_R_Onsets" => |w| w.qrs_onset,
            "ECG_R_Offsets" => |w| w.qrs_offset,
            "ECG_T_Onsets" => |w| w.t_onset,
            "ECG_T_Peaks" => |w| w.t_peak,
            "ECG_T_Offsets" => |w| w.t_offset,
            "ECG_Q_Peaks" | "ECG_S_Peaks" => {
                case.skip(key, "not built: no wavelet point of the method");
                return Ok(());
            }
            _ => {
                case.holds(key, false, "a point that this test does not know");
                return Ok(());
            }
        };
        let places: Vec<f64> = numbers(places)?.into_iter().filter(|v| v.is_finite()).collect();
        let ours: Vec<f64> = waves.iter().filter_map(point).map(|p| p as f64).collect();
        let nearest = |p: &f64| places.iter().map(|q| p - q).min_by(|a, b| a.abs().total_cmp(&b.abs()));
        let mut distances: Vec<f64> = ours.iter().filter_map(nearest).map(|d| d / rate.hz() * 1e3).collect();
        distances.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        let median = distances.get(distances.len() / 2).copied().unwrap_or(f64::INFINITY);
        println!("  {key}: {} of {} points, median distance {median:.1} ms", ours.len(), places.len());
        case.holds(key, median.abs() <= 12.0, &format!("median distance {median:.1} ms"));
        let enough = ours.len() as f64 >= 0.8 * places.len() as f64;
        case.holds("as many points", enough, &format!("{key}: {} of {}", ours.len(), places.len()));
        Ok(())
    })
}

/// Classes of beats against those annotated: rows are annotated.
#[derive(Default)]
struct Classes([[usize; 4]; 3]);

impl Classes {
    fn add(&mut self, case: &Case, path: &str, ecg: &[f32], rate: SampleRate, beats: &[usize]) -> Outcome {
        let annotations = wfdb::open_annotations(&case.data(&format!("{path}.atr"))?, &Limits::default())?;
        let symbols = annotations.iter().filter(|a| a.is_beat() && a.sample >= 0).map(|a| a.symbol);
        let mut table = [[0usize; 4]; 3];
        for (symbol, class) in symbols.zip(beat_classes(ecg, rate, beats)?) {
            if let Some(truth) = BeatClass::from_symbol(symbol) {
                table[truth as usize][class.map_or(3, |c| c as usize)] += 1;
            }
        }
        println!("  {path}: classes N S V none, rows annotated N S V: {table:?}");
        for (sum, row) in self.0.iter_mut().zip(table) {
            sum.iter_mut().zip(row).for_each(|(s, v)| *s += v);
        }
        Ok(())
    }

    fn print(&self) {
        for (k, name) in ["N", "S", "V"].into_iter().enumerate() {
            let row: usize = self.0[k].iter().sum();
            let column: usize = self.0.iter().map(|r| r[k]).sum();
            let share = |of: usize| 100.0 * self.0[k][k] as f64 / of.max(1) as f64;
            println!("  class {name}: {row} annotated, sensitivity {:.1} %, PPV {:.1} %", share(row), share(column));
        }
    }
}

/// Detectors on the default cleaning.
pub(super) fn more(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let tolerance_s = 0.15;
    case.walk(&reference, |case, _, expected| {
        let path = text(expected, "record")?;
        case.holds("cleaned_with", text(expected, "cleaned_with")? == "neurokit", "another cleaning than ours");
        let (x, rate) = channel(case, path, expected)?;
        let narrow: Vec<f32> = x.iter().map(|v| *v as f32).collect();
        let annotated = annotated(case, path, expected)?;
        let tolerance = (tolerance_s * rate.hz()) as usize;
        case.walk(expected, |case, method, want| match method {
            "record" | "lead" | "cleaned_with" | "ref_beats" => Ok(()),
            method => compare(case, method, (&narrow, rate), want, annotated.as_deref(), tolerance),
        })
    })
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

fn compare(
    case: &mut Case,
    method: &str,
    (ecg, rate): (&[f32], SampleRate),
    want: &Value,
    annotated: Option<&[usize]>,
    tolerance: usize,
) -> Outcome {
    let Some(peaks) = want.get("peaks") else {
        case.skip(method, "the reference tool failed");
        return Ok(());
    };
    let got = match QrsMethod::from_name(method) {
        Some(known) => known.detect(ecg, rate)?,
        _ => {
            case.holds(method, false, "a method that this test does not know");
            return Ok(());
        }
    };
    let got = got.as_slice();
    let mut peaks: Vec<usize> = numbers(peaks)?.into_iter().map(|v| v as usize).collect();
    if method == "zong2003" && peaks.first().is_some_and(|p| rate.seconds(*p) < 0.13) {
        // there its curve is padded with one number, and exceeds its own mean by rounding
        case.skip("zong2003, a peak in the padding", "the rounding of the reference tool");
        peaks.remove(0);
    }
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
