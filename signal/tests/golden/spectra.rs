//! Spectra, peaks and interpolation, against SciPy.

use super::text;
use eir_core::SampleRate;
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use eir_signal::interpolate::{self, CubicSplineConfig, End};
use eir_signal::peaks::{self, PeaksConfig};
use eir_signal::spectrum::{
    Average, Detrend, LombNormalisation, LombScargleConfig, MultitaperConfig, PeriodogramConfig, Scaling, StftConfig,
    WelchConfig, analytic_signal, burg, lomb_scargle,
};
use eir_signal::{Band, ButterworthConfig};
use serde_json::Value;
use std::error::Error;
use std::f64::consts::TAU;

const F64: f64 = 1e-9;

/// Compares one family of `dsp.json`, if it is one of spectra, peaks or interpolation: `false` if it is not.
pub(super) fn family(
    case: &mut Case,
    key: &str,
    value: &Value,
    x: &[f64],
    rate: SampleRate,
) -> Result<bool, Box<dyn Error>> {
    match key {
        "welch" => case.walk(value, |case, _, q| welch(case, q, x, rate))?,
        "periodogram_hann" => periodogram(case, value, x, rate)?,
        "stft" => case.walk(value, |case, _, q| stft(case, q, x, rate))?,
        "two_channel" => two_channel(case, value, x, rate)?,
        "hilbert" => hilbert(case, value, x)?,
        "find_peaks" => find_peaks(case, value, x, rate)?,
        "lombscargle" => lomb(case, value)?,
        "interp" => interp(case, value)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn welch(case: &mut Case, q: &Value, x: &[f64], rate: SampleRate) -> Outcome {
    let mut config = WelchConfig::default()
        .with_window(super::windows::named(entry(q, "window")?)?)
        .with_segment(number(entry(q, "nperseg")?)? as usize)
        .with_detrend(match entry(q, "detrend")? {
            Value::String(s) if s == "constant" => Detrend::Constant,
            Value::String(s) if s == "linear" => Detrend::Linear,
            Value::Bool(false) => Detrend::None,
            other => return Err(format!("no detrend is called {other}").into()),
        })
        .with_scaling(match text(q, "scaling")? {
            "density" => Scaling::Density,
            "spectrum" => Scaling::Spectrum,
            other => return Err(format!("no scaling is called {other}").into()),
        })
        .with_average(match text(q, "average")? {
            "mean" => Average::Mean,
            "median" => Average::Median,
            other => return Err(format!("no average is called {other}").into()),
        });
    if let Some(overlap) = q.get("noverlap").and_then(Value::as_u64) {
        config = config.with_overlap(overlap as usize);
    }
    if let Some(length) = q.get("nfft").and_then(Value::as_u64) {
        config = config.with_fft_length(length as usize);
    }
    let planned = config.plan(rate)?;
    let found = planned.power(x)?;
    case.close("f", &found.frequencies_hz, &numbers(entry(q, "f")?)?, Tolerance::relative(F64));
    case.close("p", &found.power, &numbers(entry(q, "p")?)?, Tolerance::relative(F64));
    if config.average == Average::Mean {
        let mut stream = planned.stream()?;
        x.chunks(7).try_for_each(|block| stream.push(block))?;
        case.equal("p of the stream", &stream.power()?, &found);
    }
    Ok(())
}

fn periodogram(case: &mut Case, value: &Value, x: &[f64], rate: SampleRate) -> Outcome {
    let found = PeriodogramConfig::default().with_window(eir_signal::Window::Hann).power(x, rate)?;
    for (key, got) in [("f", &found.frequencies_hz), ("p", &found.power)] {
        let want = numbers(entry(value, key)?)?;
        let got = got.get(..want.len()).ok_or("fewer bins than the reference")?;
        case.close(key, got, &want, Tolerance::relative(F64));
    }
    Ok(())
}

fn stft(case: &mut Case, q: &Value, x: &[f64], rate: SampleRate) -> Outcome {
    let config = StftConfig::default()
        .with_window(super::windows::named(entry(q, "window")?)?)
        .with_segment(number(entry(q, "nperseg")?)? as usize)
        .with_overlap(number(entry(q, "noverlap")?)? as usize);
    let planned = config.plan(rate)?;
    let found = planned.transform(x)?;
    case.close("f", &found.frequencies_hz, &numbers(entry(q, "f")?)?, Tolerance::relative(F64));
    case.close("t", &found.times_s, &numbers(entry(q, "t")?)?, Tolerance::relative(F64));
    let shape = [found.frequencies_hz.len() as f64, found.frames() as f64];
    case.close("shape", &shape, &numbers(entry(q, "shape")?)?, Tolerance::Exact);
    // the reference holds the first rows: one frequency over all frames after the other
    let (re, im) = (numbers(entry(q, "re")?)?, numbers(entry(q, "im")?)?);
    let place = |i: usize| found.frame(i % found.frames()).and_then(|f| f.get(i / found.frames())).copied();
    let got: Vec<_> = (0..re.len()).map(|i| place(i).unwrap_or_default()).collect();
    case.close("re", &got.iter().map(|z| z.re).collect::<Vec<_>>(), &re, Tolerance::relative(F64));
    let largest = re.iter().chain(&im).fold(0.0f64, |a, v| a.max(v.abs()));
    case.close("im", &got.iter().map(|z| z.im).collect::<Vec<_>>(), &im, Tolerance::absolute(F64 * largest));
    let back = planned.inverse(&found)?;
    let error = back.iter().zip(x).fold(0.0f64, |a, (b, x)| a.max((b - x).abs()));
    case.value("istft_max_abs_err", error, number(entry(q, "istft_max_abs_err")?)?, Tolerance::absolute(1e-12));
    let (mut stream, mut frames) = (planned.stream(), Vec::new());
    x.chunks(7).try_for_each(|block| stream.push(block, |_, f| frames.extend_from_slice(f)))?;
    stream.finish(|_, f| frames.extend_from_slice(f))?;
    case.holds("the stream", frames == found.coefficients, "other bits than one call");
    Ok(())
}

/// `x ← (1664525 x + 1013904223) mod 2^32`, value `x/2^32 - 0.5`.
fn lcg(seed: u32, n: usize) -> Vec<f64> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state) / 4_294_967_296.0 - 0.5
        })
        .collect()
}

/// The second channel by its description, `np.roll(x,SHIFT)+FACTOR*lcg(SEED)`.
fn second_channel(description: &str, x: &[f64]) -> Result<Vec<f64>, Box<dyn Error>> {
    let unknown = || format!("the second channel {description:?} is unknown");
    let rest = description.strip_prefix("np.roll(x,").ok_or_else(unknown)?;
    let (shift, rest) = rest.split_once(")+").ok_or_else(unknown)?;
    let (factor, seed) = rest.split_once("*lcg(").ok_or_else(unknown)?;
    let (shift, factor): (usize, f64) = (shift.parse()?, factor.parse()?);
    let mut y = x.to_vec();
    y.rotate_right(shift % x.len().max(1));
    let noise = lcg(seed.trim_end_matches(')').parse()?, x.len());
    y.iter_mut().zip(noise).for_each(|(y, v)| *y += factor * v);
    Ok(y)
}

fn two_channel(case: &mut Case, value: &Value, x: &[f64], rate: SampleRate) -> Outcome {
    let y = second_channel(text(value, "y_is")?, x)?;
    let planned = WelchConfig::default().with_segment(number(entry(value, "nperseg")?)? as usize).plan(rate)?;
    let coherence = planned.coherence(x, &y)?;
    case.close("f", &coherence.frequencies_hz, &numbers(entry(value, "f")?)?, Tolerance::relative(F64));
    case.close("coherence", &coherence.squared, &numbers(entry(value, "coherence")?)?, Tolerance::relative(F64));
    let csd = planned.cross_spectrum(x, &y)?.density;
    let want = entry(value, "csd")?;
    let (re, im) = (numbers(entry(want, "re")?)?, numbers(entry(want, "im")?)?);
    let tolerance = Tolerance::absolute(F64 * re.iter().chain(&im).fold(0.0f64, |a, v| a.max(v.abs())));
    case.close("csd.re", &csd.iter().map(|z| z.re).collect::<Vec<_>>(), &re, tolerance);
    case.close("csd.im", &csd.iter().map(|z| z.im).collect::<Vec<_>>(), &im, tolerance);
    Ok(())
}

fn hilbert(case: &mut Case, value: &Value, x: &[f64]) -> Outcome {
    let found = analytic_signal(x)?;
    case.value("n", x.len() as f64, number(entry(value, "n")?)?, Tolerance::Exact);
    case.close("imag", &found.imaginary, &numbers(entry(value, "imag")?)?, Tolerance::relative(F64));
    case.close("envelope", &found.envelope(), &numbers(entry(value, "envelope")?)?, Tolerance::relative(F64));
    let last = found.phase_rad().last().copied().unwrap_or(f64::NAN);
    let want = number(entry(value, "inst_phase_unwrapped_last")?)?;
    case.value("inst_phase_unwrapped_last", last, want, Tolerance::relative(F64));
    Ok(())
}

fn find_peaks(case: &mut Case, value: &Value, x: &[f64], rate: SampleRate) -> Outcome {
    let smooth = ButterworthConfig::new(Band::Low { cutoff_hz: 20.0 }).with_order(4).design(rate)?.zero_phase_f64(x)?;
    let stated = text(value, "input")?;
    if stated != "butter(4,20 Hz lowpass) sosfiltfilt of dsp_input" {
        return Err(format!("the input {stated:?} is unknown").into());
    }
    case.walk(entry(value, "cases")?, |case, _, one| {
        let mut config = PeaksConfig::default();
        for (name, condition) in entry(one, "args")?.as_object().ok_or("the arguments are no object")? {
            let bounds = || -> Result<peaks::Bounds, Box<dyn Error>> {
                let mut bounds = peaks::Bounds::default();
                match condition {
                    Value::Array(pair) => {
                        bounds.min = pair.first().and_then(Value::as_f64);
                        bounds.max = pair.get(1).and_then(Value::as_f64);
                    }
                    lower => bounds.min = Some(number(lower)?),
                }
                Ok(bounds)
            };
            config = match name.as_str() {
                "height" => config.with_height(bounds()?),
                "threshold" => config.with_threshold(bounds()?),
                "prominence" => config.with_prominence(bounds()?),
                "width" => config.with_width(bounds()?),
                "plateau_size" => config.with_plateau(bounds()?),
                "distance" => config.with_distance(number(condition)?),
                "rel_height" => config.with_rel_height(number(condition)?),
                "wlen" => config.with_window(number(condition)?.ceil() as usize),
                other => return Err(format!("no condition is called {other}").into()),
            };
        }
        let found = config.find(&smooth)?;
        let places: Vec<f64> = found.indices.iter().map(|i| *i as f64).collect();
        case.close("peaks", &places, &numbers(entry(one, "peaks")?)?, Tolerance::Exact);
        let all = peaks::prominences(&smooth, &found.indices, None)?;
        let values: Vec<f64> = all.iter().map(|p| p.prominence).collect();
        case.close("prominences", &values, &numbers(entry(one, "prominences")?)?, Tolerance::relative(F64));
        let widths: Vec<f64> = peaks::widths(&smooth, &found.indices, &all, 0.5)?.iter().map(|w| w.width).collect();
        case.close("widths_rel0.5", &widths, &numbers(entry(one, "widths_rel0.5")?)?, Tolerance::relative(F64));
        case.walk(entry(one, "props")?, |case, name, want| {
            let prominence =
                |f: fn(&peaks::Prominence) -> f64| found.prominences.iter().flatten().map(f).collect::<Vec<f64>>();
            let width = |f: fn(&peaks::Width) -> f64| found.widths.iter().flatten().map(f).collect::<Vec<f64>>();
            let plateau = |f: fn(&peaks::Plateau) -> usize| found.plateaus.iter().map(|p| f(p) as f64).collect();
            let got: Vec<f64> = match name {
                "peak_heights" => found.heights.clone(),
                "left_thresholds" => found.thresholds.iter().map(|t| t[0]).collect(),
                "right_thresholds" => found.thresholds.iter().map(|t| t[1]).collect(),
                "plateau_sizes" => plateau(peaks::Plateau::samples),
                "left_edges" => plateau(|p| p.first),
                "right_edges" => plateau(|p| p.last),
                "prominences" => prominence(|p| p.prominence),
                "left_bases" => prominence(|p| p.left_base as f64),
                "right_bases" => prominence(|p| p.right_base as f64),
                "widths" => width(|w| w.width),
                "width_heights" => width(|w| w.height),
                "left_ips" => width(|w| w.left),
                "right_ips" => width(|w| w.right),
                other => return Err(format!("no property is called {other}").into()),
            };
            case.close(name, &got, &numbers(want)?, Tolerance::relative(F64));
            Ok(())
        })
    })
}

fn lomb(case: &mut Case, value: &Value) -> Outcome {
    let (t, y) = (numbers(entry(value, "t")?)?, numbers(entry(value, "y")?)?);
    let hz: Vec<f64> = numbers(entry(value, "angular_freqs")?)?.iter().map(|w| w / TAU).collect();
    let power = lomb_scargle(&t, &y, &hz)?.power;
    case.close("power", &power, &numbers(entry(value, "power")?)?, Tolerance::relative(F64));
    let share = LombScargleConfig::default().with_normalisation(LombNormalisation::Share).power(&t, &y, &hz)?.power;
    case.close("power_normalized", &share, &numbers(entry(value, "power_normalized")?)?, Tolerance::relative(F64));
    Ok(())
}

fn interp(case: &mut Case, value: &Value) -> Outcome {
    let (x, y, xi) = (numbers(entry(value, "x")?)?, numbers(entry(value, "y")?)?, numbers(entry(value, "xi")?)?);
    case.walk(value, |case, name, want| {
        let curve = match name {
            "x" | "y" | "xi" => return Ok(()),
            "cubic_notaknot" => interpolate::cubic_spline(&x, &y)?,
            "cubic_natural" => CubicSplineConfig::default().with_ends(End::Natural, End::Natural).through(&x, &y)?,
            "pchip" => interpolate::pchip(&x, &y)?,
            "akima" => interpolate::akima(&x, &y)?,
            "linear" => interpolate::linear(&x, &y)?,
            other => return Err(format!("no curve is called {other}").into()),
        };
        case.close(name, &curve.values(&xi), &numbers(want)?, Tolerance::relative(F64));
        Ok(())
    })
}

/// `spectra.json`: multitaper, Burg and Lomb on the RR series of `hrv.json`.
pub(super) fn spectra(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let all: Value = serde_json::from_slice(&std::fs::read(case.reference("hrv.json")?)?)?;
    case.walk(&reference, |case, _, e| {
        let name = text(e, "series")?;
        let rr = numbers(entry(entry(&all, name)?, "rri_ms")?)?;
        let rr = &rr[..rr.len().min(1200)];
        let mut now = 0.0;
        let mut t: Vec<f64> = rr
            .iter()
            .map(|v| {
                now += v;
                now / 1000.0
            })
            .collect();
        let first = t.first().copied().ok_or("the series is empty")?;
        t.iter_mut().for_each(|t| *t -= first);
        let end = t.last().copied().unwrap_or_default();
        let n = (end / 0.25).ceil() as usize;
        case.value("n", n as f64, number(entry(e, "n")?)?, Tolerance::Exact);
        let rate = SampleRate::new(4.0)?;
        let mut y = interpolate::linear(&t, rr)?.sampled(0.0, 0.25, n);
        Detrend::Linear.apply(&mut y);
        case.walk(e, |case, key, want| match key {
            "series" | "n" => Ok(()),
            "multitaper" => multitaper(case, want, &y, rate),
            "burg16" => {
                let model = burg(&y, 16)?;
                case.close("a", &model.coefficients, &numbers(entry(want, "a")?)?, Tolerance::relative(1e-8));
                let reflection = numbers(entry(want, "reflection")?)?;
                case.close("reflection", &model.reflection, &reflection, Tolerance::relative(1e-8));
                case.value("sigma2", model.variance, number(entry(want, "sigma2")?)?, Tolerance::relative(1e-8));
                let power = model.power(rate, 4096)?;
                for (band, low, high) in [("LF", 0.04, 0.15), ("HF", 0.15, 0.4)] {
                    let got = power.band_power(low, high)?;
                    case.value(band, got, number(entry(want, band)?)?, Tolerance::relative(1e-8));
                }
                Ok(())
            }
            "lomb_psd" => {
                let mean = rr.iter().sum::<f64>() / rr.len() as f64;
                let level: Vec<f64> = rr.iter().map(|v| v - mean).collect();
                let got = lomb_scargle(&t, &level, &numbers(entry(want, "f_hz")?)?)?.power;
                case.close("p", &got, &numbers(entry(want, "p")?)?, Tolerance::relative(1e-8));
                Ok(())
            }
            other => Err(format!("no spectrum is called {other}").into()),
        })
    })
}

fn multitaper(case: &mut Case, want: &Value, y: &[f64], rate: SampleRate) -> Outcome {
    let config = MultitaperConfig::default()
        .with_half_bandwidth(number(entry(want, "nw")?)?)
        .with_tapers(number(entry(want, "k")?)? as usize)
        .with_detrend(Detrend::None);
    let found = config.plan(y.len(), rate)?.power(y)?;
    let first = numbers(entry(want, "p_first40")?)?;
    let got = found.power.get(..first.len()).ok_or("fewer bins than the reference")?;
    case.close("p_first40", got, &first, Tolerance::relative(1e-8));
    for (band, got) in [
        ("LF", found.band_power(0.04, 0.15)?),
        ("HF", found.band_power(0.15, 0.4)?),
        ("total", found.total_power()),
        ("variance", y.iter().map(|v| v * v).sum::<f64>() / y.len() as f64),
    ] {
        case.value(band, got, number(entry(want, band)?)?, Tolerance::relative(1e-8));
    }
    Ok(())
}
