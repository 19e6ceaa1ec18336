//! Heart-rate variability, against NeuroKit2.

use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use eir_signal::hrv::time_domain;

pub(super) fn hrv(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    case.walk(&reference, |case, _, series| {
        let intervals = numbers(entry(series, "rri_ms")?)?;
        let found = time_domain(&intervals)?;
        let [sdann1, sdann2, sdann5] = found.sdann_ms.map(|v| v.unwrap_or(f64::NAN));
        let [index1, index2, index5] = found.sdnn_index_ms.map(|v| v.unwrap_or(f64::NAN));
        case.walk(series, |case, key, part| {
            if key == "rri_ms" {
                return Ok(());
            }
            if key != "time" {
                case.skip(key, "not built yet");
                return Ok(());
            }
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
                    "MCVNN" => found.mad_ms / found.median_ms,
                    "IQRNN" => found.iqr_ms,
                    "SDRMSSD" => found.sdnn_ms / found.rmssd_ms,
                    "Prc20NN" => found.p20_ms,
                    "Prc80NN" => found.p80_ms,
                    "pNN50" => found.pnn50_of_intervals,
                    "pNN20" => found.pnn20_of_intervals,
                    "MinNN" => found.min_ms,
                    "MaxNN" => found.max_ms,
                    "HTI" => found.triangular_index,
                    "TINN" => found.tinn_ms.unwrap_or(f64::NAN),
                    _ => {
                        case.skip(name, "not built yet");
                        return Ok(());
                    }
                };
                case.value(name, got, number(want)?, Tolerance::relative(1e-9));
                Ok(())
            })
        })
    })
}
