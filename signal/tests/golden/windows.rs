//! Windows, against SciPy.

use eir_core::testing::golden::{Case, Outcome, Tolerance, numbers};
use eir_signal::{Window, dpss};
use serde_json::Value;
use std::error::Error;

pub(super) fn windows(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    case.walk(&reference, |case, name, value| {
        if let Some(rest) = name.strip_prefix("dpss_") {
            // dpss_LENGTH_nwNW_kCOUNT
            let parts: Vec<&str> = rest.split('_').collect();
            let [length, nw, count] = parts.as_slice() else { return Err(format!("{name}: unknown tapers").into()) };
            let (nw, count) = (nw.trim_start_matches("nw").parse()?, count.trim_start_matches('k').parse()?);
            let tapers = dpss(length.parse()?, nw, count)?;
            let got: Vec<f64> = tapers.tapers().iter().flatten().copied().collect();
            case.close(name, &got, &numbers(value)?, Tolerance::absolute(1e-9));
            return Ok(());
        }
        let window = named(&Value::String(name.to_owned()))?;
        case.walk(value, |case, kind, want| {
            let want = numbers(want)?;
            let got = match kind.split('_').next() {
                Some("periodic") => window.periodic(want.len())?,
                Some("symmetric") => window.symmetric(want.len())?,
                _ => return Err(format!("no window is {kind}").into()),
            };
            case.close(kind, &got, &want, Tolerance::absolute(1e-12));
            Ok(())
        })
    })
}

/// A window by the name that SciPy gives it: `hann`, `('kaiser', 8.6)` or `["kaiser", 8.6]`.
pub(super) fn named(value: &Value) -> Result<Window, Box<dyn Error>> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let bare: String = text.chars().filter(|c| !"()[]'\" ".contains(*c)).collect();
    let (name, shape) = bare.split_once(',').unwrap_or((&bare, ""));
    let shape = || shape.parse::<f64>().map_err(|e| format!("the window {text} has no shape: {e}"));
    Ok(match name {
        "boxcar" => Window::Boxcar,
        "triang" => Window::Triangular,
        "bartlett" => Window::Bartlett,
        "cosine" => Window::Cosine,
        "hann" => Window::Hann,
        "hamming" => Window::Hamming,
        "blackman" => Window::Blackman,
        "blackmanharris" => Window::BlackmanHarris,
        "nuttall" => Window::Nuttall,
        "flattop" => Window::FlatTop,
        "parzen" => Window::Parzen,
        "bohman" => Window::Bohman,
        "kaiser" => Window::Kaiser { beta: shape()? },
        "tukey" => Window::Tukey { taper: shape()? },
        "gaussian" => Window::Gaussian { sd: shape()? },
        other => return Err(format!("no window is called {other}").into()),
    })
}
