//! Filters and resampling, against SciPy.
//!
//! `dsp.json` also holds what `spectra.rs` compares. A family that neither knows fails.

use super::{list, text};
use eir_core::SampleRate;
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, npy, number, numbers};
use eir_signal::filter::{
    Band, BesselConfig, BesselNorm, Boundary, ButterworthConfig, Chebyshev1Config, Chebyshev2Config, DetrendConfig,
    EllipticConfig, Extension, FirConfig, FirFilter, FirWindow, MedianConfig, NotchConfig, PeakConfig,
    SavitzkyGolayConfig, SavitzkyGolayEnds, SosFilter, Trend,
};
use eir_signal::resample::{DecimateConfig, DecimateFilter, Fourier, PolyphaseConfig, fourier};
use serde_json::Value;
use std::error::Error;

/// Filters in single precision.
const SINGLE: Tolerance = Tolerance::Relative(2e-5);
const DOUBLE: Tolerance = Tolerance::Relative(1e-9);

pub(super) fn dsp(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let rate = SampleRate::new(number(entry(&reference, "fs")?)?)?;
    let (_, input) = npy(&case.reference(text(&reference, "input")?)?)?;
    let single: Vec<f32> = input.iter().map(|v| *v as f32).collect();
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
        "sosfreqz_of_first_iir" => {
            let first = list(&reference, "filters")?.first().ok_or("the reference has no filters")?;
            let filter = recursive(entry(first, "params")?, rate)?;
            let got = filter.response(&numbers(entry(value, "w")?)?, rate);
            let h = entry(value, "h")?;
            case.close("re", &got.iter().map(|h| h.re).collect::<Vec<_>>(), &numbers(entry(h, "re")?)?, DOUBLE);
            case.close("im", &got.iter().map(|h| h.im).collect::<Vec<_>>(), &numbers(entry(h, "im")?)?, DOUBLE);
            Ok(())
        }
        "resample_poly" => case.walk(value, |case, _, q| {
            let config = PolyphaseConfig::new(count(q, "up")?, count(q, "down")?);
            let want = numbers(entry(q, "y")?)?;
            let plan = config.build()?;
            case.close("y", &plan.resample_f64(&input)?, &want, DOUBLE);
            case.close("y in f32", &wide(&plan.resample(&single)?), &want, SINGLE);
            Ok(())
        }),
        "resample_fft" => case.walk(value, |case, _, q| {
            let (samples, want) = (count(q, "num")?, numbers(entry(q, "y")?)?);
            case.close("y", &Fourier::new(input.len(), samples)?.resample_f64(&input)?, &want, DOUBLE);
            case.close("y in f32", &wide(&fourier(&single, samples)?), &want, SINGLE);
            Ok(())
        }),
        "decimate" => case.walk(value, |case, _, q| {
            let config = DecimateConfig::new(count(q, "q")?).with_zero_phase(entry(q, "zero_phase")? == true);
            let config = match text(q, "ftype")? {
                "iir" => config,
                "fir" => config.with_filter(DecimateFilter::Fir { order: 0 }),
                other => return Err(format!("no decimation is called {other}").into()),
            };
            let want = numbers(entry(q, "y")?)?;
            case.close("y", &config.decimate_f64(&input)?, &want, DOUBLE);
            case.close("y in f32", &wide(&config.decimate(&single)?), &want, SINGLE);
            Ok(())
        }),
        "savgol" => case.walk(value, |case, _, q| {
            let ends = match text(q, "mode")? {
                "interp" => SavitzkyGolayEnds::Fit,
                "mirror" => SavitzkyGolayEnds::Extend(Boundary::Mirror),
                "nearest" => SavitzkyGolayEnds::Extend(Boundary::Nearest),
                "constant" => SavitzkyGolayEnds::Extend(Boundary::Constant { value: 0.0 }),
                "wrap" => SavitzkyGolayEnds::Extend(Boundary::Wrap),
                other => return Err(format!("no end is called {other}").into()),
            };
            let config = SavitzkyGolayConfig::new(count(q, "window")?, count(q, "polyorder")?);
            let config = config.with_derivative(count(q, "deriv")?).with_spacing(number(entry(q, "delta")?)?);
            let (filter, want) = (config.with_ends(ends).build()?, numbers(entry(q, "y")?)?);
            case.close("y", &filter.filter_f64(&input[..want.len()])?, &want, DOUBLE);
            case.close("y in f32", &wide(&filter.filter(&single[..want.len()])?), &want, SINGLE);
            Ok(())
        }),
        "medfilt" => case.walk(value, |case, _, q| {
            let (filter, want) = (MedianConfig::new(count(q, "k")?).build()?, numbers(entry(q, "y")?)?);
            case.close("y", &filter.filter_f64(&input[..want.len()])?, &want, Tolerance::Exact);
            case.close("y in f32", &wide(&filter.filter(&single[..want.len()])?), &want, SINGLE);
            Ok(())
        }),
        "detrend" => case.walk(value, |case, kind, want| {
            let trend = match kind {
                "linear" => Trend::Linear,
                "constant" => Trend::Constant,
                other => return Err(format!("no trend is called {other}").into()),
            };
            let (config, want) = (DetrendConfig::new(trend), numbers(want)?);
            case.close("y", &config.detrend_f64(&input)?[..want.len()], &want, DOUBLE);
            case.close("y in f32", &wide(&config.detrend(&single)?[..want.len()]), &want, SINGLE);
            Ok(())
        }),
        // every other family is one of spectra, peaks and interpolation, or a failure
        other => match super::spectra::family(case, other, value, &input, rate)? {
            true => Ok(()),
            false => Err(format!("nobody compares the family {other}").into()),
        },
    })
}

fn one(case: &mut Case, filter: &Value, x: &[f64], want: &[f64], rate: SampleRate) -> Outcome {
    let (kind, parameters) = (text(filter, "kind")?, entry(filter, "params")?);
    if kind.starts_with("fir_") {
        return finite(case, filter, x, want, rate);
    }
    let design = recursive(parameters, rate)?;
    let hard = is_hard(parameters)?;
    let close = Tolerance::relative(if hard { 1e-7 } else { 1e-9 });
    let coefficients = Tolerance::relative(if hard { 1e-7 } else { 1e-12 });
    if let Some(sos) = filter.get("sos") {
        let got: Vec<f64> = design.sections().iter().flatten().copied().collect();
        case.close("coefficients", &got, &numbers(sos)?, coefficients);
    } else {
        let (b, a) = design.transfer_function();
        case.close("b", &b, &numbers(entry(filter, "b")?)?, coefficients);
        case.close("a", &a, &numbers(entry(filter, "a")?)?, coefficients);
    }
    let single: Vec<f32> = x.iter().map(|v| *v as f32).collect();
    match kind {
        "sosfiltfilt" => {
            case.close(kind, &design.zero_phase_f64(x)?, want, close);
            case.close("in f32", &wide(&design.zero_phase(&single)?), want, SINGLE);
        }
        "filtfilt" => {
            let (b, a) = design.transfer_function();
            let edge = 3 * b.len().max(a.len());
            case.close(kind, &design.zero_phase_with(x, Extension::Odd, Some(edge))?, want, close);
        }
        "sosfilt" | "lfilter" => {
            let whole = design.filter_f64(x)?;
            case.close(kind, &whole, want, close);
            case.close("in f32", &wide(&design.filter(&single)?), want, SINGLE);
            pieces(case, &whole, x, |y| {
                let mut stream = design.stream();
                move_through(y, |part| stream.process(part));
            });
        }
        "sosfilt_zi_times_x0" => {
            let state: Vec<f64> = design.steady_state().iter().flatten().copied().collect();
            case.close("zi", &state, &numbers(entry(filter, "zi")?)?, close);
            let mut y = x.to_vec();
            design.stream_from(x[0]).process(&mut y);
            case.close(kind, &y, want, close);
        }
        other => return Err(format!("no test knows what {other} is").into()),
    }
    Ok(())
}

fn finite(case: &mut Case, filter: &Value, x: &[f64], want: &[f64], rate: SampleRate) -> Outcome {
    let parameters = entry(filter, "params")?;
    let passes_zero = match entry(parameters, "pass_zero")? {
        Value::Bool(passes) => *passes,
        Value::String(kind) => matches!(kind.as_str(), "lowpass" | "bandstop"),
        _ => return Err("pass_zero is neither true nor false nor a kind".into()),
    };
    let cutoffs = one_or_more(parameters, "cutoff")?;
    let config = FirConfig::multi_band(cutoffs, passes_zero, count(parameters, "numtaps")?);
    let design = config.with_window(window(entry(parameters, "window")?)?).design(rate)?;
    case.close("b", design.taps(), &numbers(entry(filter, "b")?)?, Tolerance::relative(1e-12));
    let single: Vec<f32> = x.iter().map(|v| *v as f32).collect();
    match text(filter, "kind")? {
        "fir_filtfilt" => {
            case.close("filtfilt", &design.zero_phase_f64(x)?, want, DOUBLE);
            case.close("in f32", &wide(&design.zero_phase(&single)?), want, SINGLE);
        }
        "fir_lfilter" => {
            let whole = design.filter_f64(x)?;
            case.close("lfilter", &whole, want, DOUBLE);
            case.close("by spectrum", &design.filter_by_spectrum_f64(x)?, want, DOUBLE);
            case.close("in f32", &wide(&design.filter(&single)?), want, SINGLE);
            pieces(case, &whole, x, |y| {
                let mut stream = FirFilter::stream(&design);
                move_through(y, |part| stream.process(part));
            });
        }
        other => return Err(format!("no test knows what {other} is").into()),
    }
    Ok(())
}

/// A live filter that takes its samples in pieces of 1, 7 and 1000 gives the bits of the whole.
fn pieces(case: &mut Case, whole: &[f64], x: &[f64], filter: impl Fn(&mut [f64])) {
    let mut y = x.to_vec();
    filter(&mut y);
    case.close("live, in pieces", &y, whole, Tolerance::Exact);
}

/// In pieces of 1, 7, 1000, 1 …
fn move_through(y: &mut [f64], mut process: impl FnMut(&mut [f64])) {
    let (mut rest, mut sizes) = (y, [1, 7, 1000].into_iter().cycle());
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(1).min(rest.len());
        let (part, later) = rest.split_at_mut(size);
        process(part);
        rest = later;
    }
}

/// The design that `params` asks for, as sections or in the form of a ratio.
fn recursive(parameters: &Value, rate: SampleRate) -> Result<SosFilter, Box<dyn Error>> {
    let family = parameters.get("family").or_else(|| parameters.get("kind")).and_then(Value::as_str);
    let family = family.ok_or("the filter has no family")?;
    if let "iirnotch" | "iirpeak" = family {
        let (centre, quality) = (number(entry(parameters, "w0")?)?, number(entry(parameters, "Q")?)?);
        return Ok(match family {
            "iirnotch" => NotchConfig::new(centre).with_quality(quality).design(rate)?,
            _ => PeakConfig::new(centre).with_quality(quality).design(rate)?,
        });
    }
    let order = count(parameters, "order")?;
    let band = band(text(parameters, "btype")?, &one_or_more(parameters, "wn")?)?;
    let db = |key: &str| number(entry(parameters, key)?);
    Ok(match family {
        "butter" => ButterworthConfig::new(band).with_order(order).design(rate)?,
        "cheby1" => Chebyshev1Config::new(band).with_order(order).with_ripple_db(db("rp")?).design(rate)?,
        "cheby2" => Chebyshev2Config::new(band).with_order(order).with_attenuation_db(db("rs")?).design(rate)?,
        "ellip" => {
            let config = EllipticConfig::new(band).with_order(order);
            config.with_ripple_db(db("rp")?).with_attenuation_db(db("rs")?).design(rate)?
        }
        "bessel" => {
            let norm = match parameters.get("norm").and_then(Value::as_str) {
                None | Some("phase") => BesselNorm::Phase,
                Some("delay") => BesselNorm::Delay,
                Some("mag") => BesselNorm::Magnitude,
                Some(other) => return Err(format!("no norm is called {other}").into()),
            };
            BesselConfig::new(band).with_order(order).with_norm(norm).design(rate)?
        }
        other => return Err(format!("no family is called {other}").into()),
    })
}

/// What the reference's README gives more room: elliptic, order 8 and up, a high-pass at 0.5 Hz.
fn is_hard(parameters: &Value) -> Result<bool, Box<dyn Error>> {
    let Some(order) = parameters.get("order") else { return Ok(false) };
    let low = one_or_more(parameters, "wn")?.first().copied().unwrap_or_default();
    let elliptic = parameters.get("family").is_some_and(|f| f == "ellip");
    Ok(number(order)? >= 8.0 || elliptic || (low <= 0.5 && text(parameters, "btype")? == "highpass"))
}

fn band(kind: &str, edges: &[f64]) -> Result<Band, Box<dyn Error>> {
    Ok(match (kind, edges) {
        ("lowpass" | "low", [cutoff_hz]) => Band::Low { cutoff_hz: *cutoff_hz },
        ("highpass" | "high", [cutoff_hz]) => Band::High { cutoff_hz: *cutoff_hz },
        ("bandpass" | "band", [low_hz, high_hz]) => Band::Pass { low_hz: *low_hz, high_hz: *high_hz },
        ("bandstop", [low_hz, high_hz]) => Band::Stop { low_hz: *low_hz, high_hz: *high_hz },
        _ => return Err(format!("no band is called {kind} with {} edges", edges.len()).into()),
    })
}

fn window(value: &Value) -> Result<FirWindow, Box<dyn Error>> {
    if let Some([name, beta]) = value.as_array().map(Vec::as_slice) {
        return match name.as_str() {
            Some("kaiser") => Ok(FirWindow::Kaiser { beta: number(beta)? }),
            _ => Err(format!("no window is called {name}").into()),
        };
    }
    Ok(match value.as_str().unwrap_or_default() {
        "boxcar" => FirWindow::Rectangular,
        "bartlett" => FirWindow::Bartlett,
        "hann" => FirWindow::Hann,
        "hamming" => FirWindow::Hamming,
        "blackman" => FirWindow::Blackman,
        "nuttall" => FirWindow::Nuttall,
        "blackmanharris" => FirWindow::BlackmanHarris,
        "flattop" => FirWindow::FlatTop,
        other => return Err(format!("no window is called {other}").into()),
    })
}

fn count(value: &Value, key: &str) -> Result<usize, Box<dyn Error>> {
    Ok(number(entry(value, key)?)? as usize)
}

fn one_or_more(value: &Value, key: &str) -> Result<Vec<f64>, Box<dyn Error>> {
    let value = entry(value, key)?;
    if value.is_array() { numbers(value) } else { Ok(vec![number(value)?]) }
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|v| f64::from(*v)).collect()
}
