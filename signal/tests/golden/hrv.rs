//! Heart-rate variability, against NeuroKit2 and the definition of the Task Force.

use super::{list, text};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use eir_core::{Limits, SampleRate};
use eir_signal::entropy::MultifractalSpectrum;
use eir_signal::hrv::{
    ArtefactConfig, ArtefactRule, BeatLabel, FrequencyConfig, Measure, NoAnswer, Nonlinear, NonlinearConfig,
    correct_artefacts, time_domain,
};
use eir_signal::wfdb;
use serde_json::Value;

pub(super) fn hrv(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    case.walk(&reference, |case, _, series| {
        let intervals = numbers(entry(series, "rri_ms")?)?;
        case.walk(series, |case, key, part| match key {
            "rri_ms" => Ok(()),
            "time" => time(case, &intervals, part),
            "task_force_welch_absolute" => frequency(case, &intervals, part),
            "nonlinear" => nonlinear(case, &intervals, part),
            _ if key.starts_with("frequency_") => {
                case.skip(key, "for information: not in ms², or integrated otherwise, than the Task Force says");
                Ok(())
            }
            _ => {
                case.skip(key, "not a part that is built");
                Ok(())
            }
        })
    })?;
    artefacts(case)
}

fn time(case: &mut Case, intervals: &[f64], part: &Value) -> Outcome {
    let found = time_domain(intervals)?;
    let [sdann1, sdann2, sdann5] = found.sdann_ms.map(|v| v.unwrap_or(f64::NAN));
    let [index1, index2, index5] = found.sdnn_index_ms.map(|v| v.unwrap_or(f64::NAN));
    case.walk(part, |case, name, want| {
        let got = match name.trim_start_matches("HRV_") {
            "MeanNN" => found.mean_ms,
            "SDNN" => found.sdnn_ms,
            "SDANN1" => sdann1,
            "SDANN2" => sdann2,
            "SDANN5" => sdann5,
            "SDNNI1" => index1,
            "SDNNI2" => index2,
            "SDNNI5" => index5,
            "RMSSD" => found.rmssd_ms,
            "SDSD" => found.sdsd_ms,
            "CVNN" => found.cvnn(),
            "CVSD" => found.cvsd(),
            "MedianNN" => found.median_ms,
            "MadNN" => found.mad_ms,
            "MCVNN" => found.mcvnn(),
            "IQRNN" => found.iqr_ms,
            "SDRMSSD" => found.sdnn_over_rmssd(),
            "Prc20NN" => found.p20_ms,
            "Prc80NN" => found.p80_ms,
            "pNN50" => found.pnn50_of_intervals,
            "pNN20" => found.pnn20_of_intervals,
            "MinNN" => found.min_ms,
            "MaxNN" => found.max_ms,
            "HTI" => found.triangular_index,
            "TINN" => found.tinn_ms.unwrap_or(f64::NAN),
            _ => {
                case.skip(name, "not a measure that is built");
                return Ok(());
            }
        };
        case.value(name, got, number(want)?, Tolerance::relative(1e-9));
        Ok(())
    })
}

fn frequency(case: &mut Case, intervals: &[f64], part: &Value) -> Outcome {
    // the reference asks for no length and no steadiness
    let config = FrequencyConfig::default().with_least_s([0.0; 3]).with_least_intervals(5).with_most_drift(None);
    let found = config.of(intervals)?;
    case.walk(part, |case, name, want| {
        let got = match name {
            "VLF" => found.vlf_ms2?,
            "LF" => found.lf_ms2?,
            "HF" => found.hf_ms2?,
            "LFHF" => found.lf_over_hf?,
            "LFnu" => found.lf_nu?,
            "HFnu" => found.hf_nu?,
            "nperseg" => found.segment as f64,
            "n_resampled" => found.resampled as f64,
            _ => {
                case.skip(name, "not a measure that is built");
                return Ok(());
            }
        };
        case.value(name, got, number(want)?, Tolerance::relative(1e-6));
        Ok(())
    })
}

fn nonlinear(case: &mut Case, intervals: &[f64], part: &Value) -> Outcome {
    let found = NonlinearConfig::as_neurokit().with_least(3).of(intervals)?;
    case.walk(part, |case, name, want| {
        let key = name.trim_start_matches("HRV_");
        let Some((got, tolerance)) = value(&found, key) else {
            case.skip(name, "not a measure that is built");
            return Ok(());
        };
        let want = number(want)?;
        // what has no value is NaN in the reference
        case.value(name, got.unwrap_or(f64::NAN), want, Tolerance::relative(tolerance));
        Ok(())
    })
}

fn value(found: &Nonlinear, key: &str) -> Option<(Measure, f64)> {
    let fine = |v: Measure| Some((v, 1e-9));
    let rough = |v: Measure| Some((v, 1e-6));
    let (p, a, f, s) = (found.poincare, found.asymmetry, found.fragmentation, found.symbolic);
    match key {
        "SD1" => fine(p.map(|p| p.sd1_ms)),
        "SD2" => fine(p.map(|p| p.sd2_ms)),
        "SD1SD2" => fine(p.map(|p| p.sd1_over_sd2())),
        "S" => fine(p.map(|p| p.area_ms2)),
        "CSI" => fine(p.map(|p| p.csi())),
        "CVI" => fine(p.map(|p| p.cvi)),
        "CSI_Modified" => fine(p.map(|p| p.modified_csi_ms)),
        "PIP" => fine(f.map(|f| f.inflections)),
        "IALS" => fine(f.map(|f| f.inverse_mean_run)),
        "PSS" => fine(f.map(|f| f.short_runs)),
        "PAS" => fine(f.map(|f| f.long_alternations)),
        "GI" => fine(a.map(|a| a.guzik)),
        "SI" => fine(a.map(|a| a.slope)),
        "AI" => fine(a.map(|a| a.area)),
        "PI" => fine(a.map(|a| a.porta)),
        "C1d" => fine(a.map(|a| a.short_term_share())),
        "C1a" => fine(a.map(|a| 1.0 - a.short_term_share())),
        "C2d" => fine(a.map(|a| a.long_term_share())),
        "C2a" => fine(a.map(|a| 1.0 - a.long_term_share())),
        "Cd" => fine(a.map(|a| a.total_share())),
        "Ca" => fine(a.map(|a| 1.0 - a.total_share())),
        "SD1d" => fine(a.map(|a| a.sd1_decelerations_ms)),
        "SD1a" => fine(a.map(|a| a.sd1_accelerations_ms)),
        "SD2d" => fine(a.map(|a| a.sd2_decelerations_ms)),
        "SD2a" => fine(a.map(|a| a.sd2_accelerations_ms)),
        "SDNNd" => fine(a.map(|a| a.sdnn_decelerations_ms)),
        "SDNNa" => fine(a.map(|a| a.sdnn_accelerations_ms)),
        "Symbolic_EqualProb4_0V" => fine(s.map(|s| s.none)),
        "Symbolic_EqualProb4_1V" => fine(s.map(|s| s.one)),
        "Symbolic_EqualProb4_2LV" => fine(s.map(|s| s.two_like)),
        "Symbolic_EqualProb4_2UV" => fine(s.map(|s| s.two_unlike)),
        "ApEn" => fine(found.approximate_entropy),
        "SampEn" => fine(found.sample_entropy),
        "FuzzyEn" => fine(found.fuzzy_entropy),
        "ShanEn" => fine(found.shannon_bits),
        "MSEn" => fine(found.multiscale_entropy),
        "CMSEn" => fine(found.composite_multiscale_entropy),
        "RCMSEn" => fine(found.refined_multiscale_entropy),
        "HFD" => fine(found.higuchi_dimension),
        "KFD" => fine(found.katz_dimension),
        "LZC" => fine(found.lempel_ziv),
        "CD" => rough(found.correlation_dimension),
        "DFA_alpha1" => rough(found.alpha1),
        "DFA_alpha2" => rough(found.alpha2),
        _ => {
            let spectrum = |of: &Result<MultifractalSpectrum, NoAnswer>, name: &str| {
                let pick: fn(&MultifractalSpectrum) -> f64 = match name {
                    "Width" => |m| m.width,
                    "Peak" => |m| m.peak,
                    "Mean" => |m| m.mean,
                    "Max" => |m| m.max,
                    "Delta" => |m| m.delta,
                    "Asymmetry" => |m| m.asymmetry,
                    "Fluctuation" => |m| m.fluctuation,
                    "Increment" => |m| m.increment,
                    _ => return None,
                };
                Some((of.as_ref().map(pick).map_err(|e| *e), 1e-6))
            };
            if let Some(name) = key.strip_prefix("MFDFA_alpha1_") {
                return spectrum(&found.multifractal1, name);
            }
            spectrum(&found.multifractal2, key.strip_prefix("MFDFA_alpha2_")?)
        }
    }
}

/// The artefact correction of the records of `ecg.json`, from the detector's peaks that stand there.
fn artefacts(case: &mut Case) -> Outcome {
    let reference: Value = serde_json::from_slice(&std::fs::read(case.reference("ecg.json")?)?)?;
    let records: serde_json::Map<String, Value> = list(&reference, "records")?
        .iter()
        .map(|r| Ok((format!("artefacts {}", text(r, "record")?), r.clone())))
        .collect::<Result<_, Box<dyn std::error::Error>>>()?;
    case.walk(&Value::Object(records), |case, _, record| {
        let Some(want) = record.get("kubios_fix").filter(|k| k.get("out").is_some()) else {
            case.skip("kubios_fix", "the reference has no correction");
            return Ok(());
        };
        let detector = text(want, "in")?.split_whitespace().next().unwrap_or_default().to_owned();
        let peaks: Vec<usize> = numbers(entry(entry(entry(record, "methods")?, &detector)?, "peaks")?)?
            .into_iter()
            .map(|v| v as usize)
            .collect();
        // the tool was given the rate as a whole number
        let rate = SampleRate::new(number(entry(record, "fs")?)?.trunc())?;
        let found = ArtefactConfig::default().with_rule(ArtefactRule::AsNeuroKit).correct(&peaks, rate)?;
        case.equal("labels", &found.labels.len(), &peaks.len());
        for (key, got) in [
            ("out", &found.peaks),
            ("ectopic", &found.last.ectopic),
            ("missed", &found.last.missed),
            ("extra", &found.last.extra),
            ("longshort", &found.last.long_short),
        ] {
            let got: Vec<f64> = got.iter().map(|v| *v as f64).collect();
            case.close(key, &got, &numbers(entry(want, key)?)?, Tolerance::Exact);
        }
        let ahead = correct_artefacts(&peaks, rate)?;
        let count = |labels: &[BeatLabel], label| labels.iter().filter(|l| **l == label).count();
        let ectopic = annotated(case, text(record, "record")?, &peaks)?;
        let said = |labels: &[BeatLabel], label| ectopic.iter().filter(|k| labels[**k] == label).count();
        println!(
            "  annotated ectopic {}: called ectopic {}, other {}; looking ahead {} and {}",
            ectopic.len(),
            said(&found.labels, BeatLabel::Ectopic),
            said(&found.labels, BeatLabel::LongShort),
            said(&ahead.labels, BeatLabel::Ectopic),
            said(&ahead.labels, BeatLabel::LongShort),
        );
        println!(
            "  {}: first pass {} ectopic, {} long or short; looking ahead {} and {}",
            text(record, "record")?,
            count(&found.labels, BeatLabel::Ectopic),
            count(&found.labels, BeatLabel::LongShort),
            count(&ahead.labels, BeatLabel::Ectopic),
            count(&ahead.labels, BeatLabel::LongShort),
        );
        Ok(())
    })
}

/// Which of the peaks are annotated as premature, where there are annotations.
fn annotated(case: &Case, record: &str, peaks: &[usize]) -> Result<Vec<usize>, Box<dyn std::error::Error>> {
    let Ok(path) = case.data(&format!("{record}.atr")) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for annotation in wfdb::open_annotations(&path, &Limits::default())?.iter() {
        if !"AaJSVEF".contains(annotation.symbol) {
            continue;
        }
        let near = (0..peaks.len()).min_by_key(|k| peaks[*k].abs_diff(annotation.sample as usize));
        found.extend(near.filter(|k| peaks[*k].abs_diff(annotation.sample as usize) < 54));
    }
    found.dedup();
    Ok(found)
}
