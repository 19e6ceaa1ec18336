//! Reference values of `eir-signal`: what is compared is found by walking the reference folder.

#[path = "golden/ctg.rs"]
mod ctg;
#[path = "golden/dsp.rs"]
mod dsp;
#[path = "golden/ecg.rs"]
mod ecg;
#[path = "golden/entropy.rs"]
mod entropy;
#[path = "golden/hrv.rs"]
mod hrv;
#[path = "golden/models.rs"]
mod models;
#[path = "golden/readers.rs"]
mod readers;
#[path = "golden/spectra.rs"]
mod spectra;
#[path = "golden/wavelets.rs"]
mod wavelets;
#[path = "golden/windows.rs"]
mod windows;

use eir_core::testing::golden::{Case, Golden, Outcome};
use serde_json::Value;

fn main() -> std::process::ExitCode {
    Golden::from_args("signal")
        .case("dsp.json", dsp::dsp)
        .case("dsp_input.npy", with("dsp.json"))
        .case("dsp_filtered.npy", with("dsp.json"))
        .case("windows.json", windows::windows)
        .case("wavelets.json", wavelets::wavelets)
        .case("spectra.json", spectra::spectra)
        .case("hrv.json", hrv::hrv)
        .case("entropy.json", entropy::entropy)
        .case("ecg.json", ecg::ecg)
        .case("ecg_clean.npy", with("ecg.json"))
        .case("qrs_more.json", ecg::more)
        .case("readers.json", readers::readers)
        .case("aecg.json", readers::documents)
        .case("ctg_variability.json", ctg::variability)
        .case("ctg_baseline_fhrma.json", ctg::baselines)
        .case("ctg_synthetic.json", ctg::planted)
        .case("ctg_synthetic.npy", with("ctg_synthetic.json"))
        .case("models.json", models::models)
        .run()
}

/// An array that is compared with the file that describes it: that file must be there.
fn with(owner: &'static str) -> impl Fn(&mut Case) -> Outcome {
    move |case| {
        case.reference(owner)?;
        let (shape, values) = eir_core::testing::golden::npy(case.path())?;
        case.holds("shape", !values.is_empty() && !shape.is_empty(), "the array is empty");
        Ok(())
    }
}

/// A text of the reference.
fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str, Box<dyn std::error::Error>> {
    value.get(key).and_then(Value::as_str).ok_or_else(|| format!("the reference has no text {key}").into())
}

/// A list of the reference.
fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>, Box<dyn std::error::Error>> {
    value.get(key).and_then(Value::as_array).ok_or_else(|| format!("the reference has no list {key}").into())
}

/// The record at `path` of the data folder; an error names it.
fn record(case: &Case, path: &str) -> Result<eir_signal::Record, Box<dyn std::error::Error>> {
    let header = case.data(&format!("{path}.hea"))?;
    eir_signal::Record::open(header).map_err(|e| format!("{path}: {e}").into())
}
