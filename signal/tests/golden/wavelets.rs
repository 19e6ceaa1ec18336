//! Wavelets, against PyWavelets.

use super::text;
use eir_core::SampleRate;
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, npy, number, numbers};
use eir_signal::wavelet::{ContinuousWavelet, DenoiseConfig, Dwt, IntegratedCwt, Mode, Wavelet, swt};
use num_complex::Complex64;
use serde_json::Value;
use std::error::Error;

const EXACT: f64 = 1e-10;

pub(super) fn wavelets(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let (_, all) = npy(&case.reference("dsp_input.npy")?)?;
    let dsp: Value = serde_json::from_slice(&std::fs::read(case.reference("dsp.json")?)?)?;
    let rate = SampleRate::new(number(entry(&dsp, "fs")?)?)?;
    let stated = text(&reference, "input")?;
    let count = stated.split_whitespace().find_map(|word| word.parse::<usize>().ok());
    let x = count.and_then(|n| all.get(..n)).ok_or_else(|| format!("the input {stated:?} is unknown"))?;
    case.walk(&reference, |case, key, value| match key {
        "input" => Ok(()),
        "filters" => case.walk(value, filters),
        "dwt" => case.walk(value, |case, _, q| {
            let dwt = Dwt::new(text(q, "wavelet")?.parse()?, mode(text(q, "mode")?)?)?;
            let (low, high) = dwt.forward(x)?;
            let name = format!("{} {}", text(q, "wavelet")?, text(q, "mode")?);
            case.close(&format!("{name} cA"), &low, &numbers(entry(q, "cA")?)?, Tolerance::relative(EXACT));
            case.close(&format!("{name} cD"), &high, &numbers(entry(q, "cD")?)?, Tolerance::relative(EXACT));
            Ok(())
        }),
        "wavedec" => case.walk(value, |case, _, q| wavedec(case, q, x)),
        "swt" => case.walk(value, |case, _, q| {
            let level = number(entry(q, "level")?)? as usize;
            let x = x.get(..number(entry(q, "n")?)? as usize).ok_or("more samples than the input has")?;
            let found = swt(x, text(q, "wavelet")?.parse()?, level)?;
            for (name, all) in [("cA", &found.approximations), ("cD", &found.details)] {
                let name = format!("{name}{level}");
                case.close(&name, &all[level - 1], &numbers(entry(q, &name)?)?, Tolerance::relative(EXACT));
            }
            Ok(())
        }),
        "cwt" => case.walk(value, |case, _, q| cwt(case, q, x, rate)),
        other => Err(format!("no family of transforms is called {other}").into()),
    })
}

fn filters(case: &mut Case, name: &str, value: &Value) -> Outcome {
    let bank = name.parse::<Wavelet>()?.filters()?;
    case.walk(value, |case, which, want| {
        let got = match which {
            "dec_lo" => bank.dec_lo(),
            "dec_hi" => bank.dec_hi(),
            "rec_lo" => bank.rec_lo(),
            "rec_hi" => bank.rec_hi(),
            other => return Err(format!("no filter is called {other}").into()),
        };
        case.close(which, got, &numbers(want)?, Tolerance::absolute(EXACT));
        Ok(())
    })
}

fn wavedec(case: &mut Case, q: &Value, x: &[f64]) -> Outcome {
    let (wavelet, mode): (Wavelet, Mode) = (text(q, "wavelet")?.parse()?, mode(text(q, "mode")?)?);
    let level = number(entry(q, "level")?)? as usize;
    let dwt = Dwt::new(wavelet, mode)?;
    let found = dwt.decompose(x, level)?;
    let lengths: Vec<f64> =
        std::iter::once(&found.approximation).chain(&found.details).map(|c| c.len() as f64).collect();
    case.close("lens", &lengths, &numbers(entry(q, "lens")?)?, Tolerance::Exact);
    let last = format!("cA{level}");
    case.close(&last, &found.approximation, &numbers(entry(q, &last)?)?, Tolerance::relative(EXACT));
    let last = format!("cD{level}");
    case.close(&last, &found.details[0], &numbers(entry(q, &last)?)?, Tolerance::relative(EXACT));
    let want = numbers(entry(q, "cD1_first20")?)?;
    let got = found.details.last().and_then(|d| d.get(..want.len())).ok_or("fewer coefficients than the reference")?;
    case.close("cD1_first20", got, &want, Tolerance::relative(EXACT));
    let back = dwt.reconstruct(&found)?;
    let error = back.iter().zip(x).fold(0.0f64, |a, (b, x)| a.max((b - x).abs()));
    let want = number(entry(q, "roundtrip_max_abs_err")?)?;
    case.value("roundtrip_max_abs_err", error, want, Tolerance::absolute(EXACT));
    let clean = DenoiseConfig::default().with_wavelet(wavelet).with_mode(mode).with_level(level).apply(x)?;
    let want = numbers(entry(q, "denoise_soft_universal")?)?;
    case.close("denoise_soft_universal", &clean, &want, Tolerance::relative(EXACT));
    Ok(())
}

fn cwt(case: &mut Case, q: &Value, x: &[f64], rate: SampleRate) -> Outcome {
    let wavelet: ContinuousWavelet = text(q, "wavelet")?.parse()?;
    let scales = numbers(entry(q, "scales")?)?;
    // "samples FROM..TO step STEP"
    let words: Vec<usize> =
        text(q, "columns")?.split(|c: char| !c.is_ascii_digit()).filter_map(|w| w.parse().ok()).collect();
    let [from, to, step] = words.as_slice() else { return Err("the columns are unknown".into()) };
    let columns = |rows: &[Complex64]| -> Vec<Complex64> {
        rows.chunks(x.len()).flat_map(|row| row.iter().take(*to).skip(*from).step_by(*step)).copied().collect()
    };
    let want = entry(q, "coefs")?;
    let (re, im) = match want.get("re") {
        Some(re) => (numbers(re)?, numbers(entry(want, "im")?)?),
        None => (numbers(want)?, Vec::new()),
    };
    let largest = re.iter().chain(&im).fold(0.0f64, |a, v| a.max(v.abs()));
    let mut compare = |kind: &str, rows: &[Complex64], tolerance: f64| {
        let got = columns(rows);
        let name = format!("{wavelet} {kind}");
        let tolerance = Tolerance::absolute(tolerance * largest);
        case.close(&format!("{name}, real"), &got.iter().map(|z| z.re).collect::<Vec<_>>(), &re, tolerance);
        if !im.is_empty() {
            case.close(&format!("{name}, imaginary"), &got.iter().map(|z| z.im).collect::<Vec<_>>(), &im, tolerance);
        }
    };
    let found = IntegratedCwt::new(wavelet)?.transform(x, &scales, rate)?;
    compare("integrated", &found.coefficients, 1e-8);
    case.close("freqs", &found.frequencies_hz, &numbers(entry(q, "freqs")?)?, Tolerance::relative(EXACT));
    Ok(())
}

fn mode(name: &str) -> Result<Mode, Box<dyn Error>> {
    Ok(match name {
        "zero" => Mode::Zero,
        "constant" => Mode::Constant,
        "symmetric" => Mode::Symmetric,
        "reflect" => Mode::Reflect,
        "periodic" => Mode::Periodic,
        "smooth" => Mode::Smooth,
        "antisymmetric" => Mode::Antisymmetric,
        "antireflect" => Mode::Antireflect,
        "periodization" => Mode::Periodization,
        other => return Err(format!("no mode is called {other}").into()),
    })
}
