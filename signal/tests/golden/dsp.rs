//! Filters, against SciPy.

use super::{list, text};
use eir_core::SampleRate;
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, npy, number, numbers};
use eir_signal::{Band, ButterworthConfig, SosFilter};
use serde_json::Value;
use std::error::Error;

pub(super) fn dsp(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let rate = SampleRate::new(number(entry(&reference, "fs")?)?)?;
    let (_, input) = npy(&case.reference(text(&reference, "input")?)?)?;
    let file = text(&reference, "filtered")?.split_whitespace().next().unwrap_or_default().to_owned();
    let (shape, rows) = npy(&case.reference(&file)?)?;
    let width = shape.get(1).copied().ok_or("the filtered array has no rows")?;
    case.walk(&reference, |case, key, value| match key {
        "input" | "fs" | "filtered" | "synth" => Ok(()),
        "first8" => {
            case.close(key, input.get(..8).unwrap_or_default(), &numbers(value)?, Tolerance::Exact);
            Ok(())
        }
        "filters" => case.walk(value, |case, _, filter| {
            let row = number(entry(filter, "row")?)? as usize;
            let want = rows.get(row * width..(row + 1) * width).ok_or("the row is not in the array")?;
            one(case, filter, &input, want, rate)
        }),
        // families of the filters that are not built yet
        "sosfreqz_of_first_iir" | "resample_poly" | "resample_fft" | "decimate" | "savgol" | "medfilt" | "detrend" => {
            case.skip(key, "not built yet");
            Ok(())
        }
        // every other family is one of spectra, peaks and interpolation, or a failure
        other => match super::spectra::family(case, other, value, &input, rate)? {
            true => Ok(()),
            false => Err(format!("nobody compares the family {other}").into()),
        },
    })
}

fn one(case: &mut Case, filter: &Value, x: &[f64], want: &[f64], rate: SampleRate) -> Outcome {
    let (kind, parameters) = (text(filter, "kind")?, entry(filter, "params")?);
    let Some(sos) = filter.get("sos") else {
        case.skip(kind, "filters in ba form are not built");
        return Ok(());
    };
    let sections = sections(sos)?;
    let order = number(entry(parameters, "order")?)? as usize;
    let edges = numbers(entry(parameters, "wn")?).or_else(|_| number(entry(parameters, "wn")?).map(|v| vec![v]))?;
    let hard = order >= 8
        || text(parameters, "family")? == "ellip"
        || (edges[0] <= 0.5 && text(parameters, "btype")? == "highpass");
    let tolerance = if hard { 1e-7 } else { 1e-9 };
    let design = if text(parameters, "family")? == "butter" {
        let design =
            ButterworthConfig::new(band(text(parameters, "btype")?, &edges)?).with_order(order).design(rate)?;
        let got: Vec<f64> = design.sections().iter().flatten().copied().collect();
        let want: Vec<f64> = sections.iter().flatten().copied().collect();
        case.close("coefficients", &got, &want, Tolerance::relative(if hard { 1e-7 } else { 1e-12 }));
        design
    } else {
        case.skip("coefficients", "only Butterworth is designed; the given sections are used");
        SosFilter::new(sections)?
    };
    match kind {
        "sosfiltfilt" => {
            case.close(kind, &design.zero_phase_f64(x)?, want, Tolerance::relative(tolerance));
            let narrow: Vec<f32> = x.iter().map(|v| *v as f32).collect();
            let got: Vec<f64> = design.zero_phase(&narrow)?.into_iter().map(f64::from).collect();
            case.close("zero_phase in f32", &got, want, Tolerance::relative(2e-5));
        }
        "sosfilt" => case.close(kind, &design.filter_f64(x)?, want, Tolerance::relative(tolerance)),
        "sosfilt_zi_times_x0" => {
            let state: Vec<f64> = design.steady_state().iter().flatten().copied().collect();
            case.close("zi", &state, &numbers(entry(filter, "zi")?)?, Tolerance::relative(tolerance));
            let mut y = x.to_vec();
            design.stream_from(x[0]).process(&mut y);
            case.close(kind, &y, want, Tolerance::relative(tolerance));
        }
        other => case.skip(other, "not built yet"),
    }
    Ok(())
}

fn band(kind: &str, edges: &[f64]) -> Result<Band, Box<dyn Error>> {
    Ok(match (kind, edges) {
        ("lowpass", [cutoff_hz]) => Band::Low { cutoff_hz: *cutoff_hz },
        ("highpass", [cutoff_hz]) => Band::High { cutoff_hz: *cutoff_hz },
        ("bandpass", [low_hz, high_hz]) => Band::Pass { low_hz: *low_hz, high_hz: *high_hz },
        ("bandstop", [low_hz, high_hz]) => Band::Stop { low_hz: *low_hz, high_hz: *high_hz },
        _ => return Err(format!("no band is called {kind} with {} edges", edges.len()).into()),
    })
}

fn sections(value: &Value) -> Result<Vec<[f64; 6]>, Box<dyn Error>> {
    let wrapped = serde_json::json!({ "sos": value });
    list(&wrapped, "sos")?
        .iter()
        .map(|s| numbers(s)?.try_into().map_err(|_| "a section has six numbers".into()))
        .collect()
}
