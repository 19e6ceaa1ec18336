//! Spectra, curves, peaks and wavelets with random parameters, against SciPy 1.17.1 and PyWavelets 1.9.0.
//!
//! The values are made by `golden/spectra_more.py`; `EIR_SPECTRA_MORE` names another file of the same form.

use eir_core::SampleRate;
use eir_core::testing::golden::{entry, number, numbers};
use eir_signal::Window;
use eir_signal::interpolate::{self, CubicSplineConfig, End, Outside};
use eir_signal::peaks::{self, Bounds, PeaksConfig};
use eir_signal::spectrum::{
    Average, Detrend, LombNormalisation, LombScargleConfig, PeriodogramConfig, Scaling, StftConfig, StftScaling,
    WelchConfig, analytic_signal,
};
use eir_signal::wavelet::{Dwt, IntegratedCwt, Mode, Stationary, Wavelet, iswt, swt};
use num_complex::Complex64;
use serde_json::Value;

type Checked = Result<(), Box<dyn std::error::Error>>;

fn lcg(seed: u32, n: usize) -> Vec<f64> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state) / 4_294_967_296.0
        })
        .collect()
}

fn signal(seed: u32, n: usize, levels: f64) -> Vec<f64> {
    let plain = |(i, u): (usize, f64)| u - 0.5 + (0.37 * i as f64).sin() + 0.01 * i as f64;
    let u = lcg(seed, n);
    if levels > 0.0 {
        u.iter().map(|u| (u * levels).floor()).collect()
    } else {
        u.into_iter().enumerate().map(plain).collect()
    }
}

fn each(kind: &str, check: impl Fn(&Value, u32) -> Checked) -> Checked {
    let text = match std::env::var("EIR_SPECTRA_MORE") {
        Ok(path) => std::fs::read_to_string(path)?,
        Err(_) => include_str!("golden/spectra_more.json").to_owned(),
    };
    let all: Value = serde_json::from_str(&text)?;
    let cases = all[kind].as_array().ok_or("no such kind")?;
    let mut wrong = Vec::new();
    for (i, case) in cases.iter().enumerate() {
        let seed = number(&case["seed"])? as u32;
        if let Err(error) = check(case, seed) {
            wrong.push(format!("{kind} {i}: {error}"));
        }
    }
    println!("{kind}: {} cases, {} wrong", cases.len(), wrong.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong[..wrong.len().min(12)].join("\n"));
    Ok(())
}

/// Compares with values that are stored as every `step`-th and their largest.
fn same(case: &Value, name: &str, got: &[f64], tolerance: f64) -> Checked {
    let want = entry(case, name)?;
    let (size, step) = (number(entry(want, "size")?)? as usize, number(entry(want, "step")?)? as usize);
    if got.len() != size {
        return Err(format!("{name}: {} values, not {size}", got.len()).into());
    }
    let largest = number(entry(want, "largest")?)?;
    for (k, (got, want)) in got.iter().step_by(step).zip(numbers(entry(want, "values")?)?).enumerate() {
        if !((got - want).abs() <= tolerance * largest.max(1e-3) || (got.is_nan() && want.is_nan())) {
            return Err(format!("{name} {}: {got}, not {want} (largest {largest})", k * step).into());
        }
    }
    Ok(())
}

fn same_complex(case: &Value, name: &str, got: &[Complex64], tolerance: f64) -> Checked {
    let want = entry(case, name)?;
    let (size, step) = (number(entry(want, "size")?)? as usize, number(entry(want, "step")?)? as usize);
    if got.len() != size {
        return Err(format!("{name}: {} values, not {size}", got.len()).into());
    }
    let largest = number(entry(want, "largest")?)?;
    let values = numbers(entry(want, "values")?)?;
    for (k, (got, want)) in got.iter().step_by(step).zip(values.chunks(2)).enumerate() {
        let off = (got.re - want[0]).abs().max((got.im - want[1]).abs());
        if off > tolerance * largest {
            return Err(format!("{name} {}: {got}, not {want:?} (largest {largest})", k * step).into());
        }
    }
    Ok(())
}

fn word<'a>(case: &'a Value, name: &str) -> Result<&'a str, Box<dyn std::error::Error>> {
    entry(case, name)?.as_str().ok_or_else(|| format!("{name} is no text").into())
}

fn count(case: &Value, name: &str) -> Result<usize, Box<dyn std::error::Error>> {
    Ok(number(entry(case, name)?)? as usize)
}

#[test]
fn peaks_of_random_signals() {
    each("peaks", |case, seed| {
        let x = signal(seed, count(case, "n")?, number(entry(case, "levels")?)?);
        let mut config = PeaksConfig::default();
        for (name, value) in entry(case, "args")?.as_object().ok_or("no arguments")? {
            let bounds = || {
                let mut bounds = Bounds::default();
                (bounds.min, bounds.max) = (value[0].as_f64(), value[1].as_f64());
                bounds
            };
            config = match name.as_str() {
                "height" => config.with_height(bounds()),
                "threshold" => config.with_threshold(bounds()),
                "prominence" => config.with_prominence(bounds()),
                "width" => config.with_width(bounds()),
                "plateau_size" => config.with_plateau(bounds()),
                "distance" => config.with_distance(number(value)?),
                "rel_height" => config.with_rel_height(number(value)?),
                _ => config.with_window(number(value)? as usize),
            };
        }
        let found = config.find(&x)?;
        let want: Vec<usize> = numbers(entry(case, "peaks")?)?.iter().map(|v| *v as usize).collect();
        if found.indices != want {
            return Err(format!("{:?}, not {want:?}", found.indices).into());
        }
        for (name, want) in entry(case, "props")?.as_object().ok_or("no properties")? {
            let prominence = |f: fn(&peaks::Prominence) -> f64| found.prominences.iter().flatten().map(f).collect();
            let width = |f: fn(&peaks::Width) -> f64| found.widths.iter().flatten().map(f).collect();
            let plateau = |f: fn(&peaks::Plateau) -> usize| found.plateaus.iter().map(|p| f(p) as f64).collect();
            let got: Vec<f64> = match name.as_str() {
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
                _ => width(|w| w.right),
            };
            let want = numbers(want)?;
            let near = got.len() == want.len()
                && got.iter().zip(&want).all(|(a, b)| (a - b).abs() <= 1e-12 * b.abs().max(1.0));
            if !near {
                return Err(format!("{name}: {got:?}, not {want:?}").into());
            }
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn lomb_scargle_of_random_series() {
    each("lomb", |case, seed| {
        let (n, m) = (count(case, "n")?, count(case, "m")?);
        let factor = number(entry(case, "t_factor")?)?;
        let t: Vec<f64> = lcg(seed, n).iter().map(|u| u * factor).collect();
        let y = signal(seed + 1, n, 0.0);
        let hz: Vec<f64> = numbers(entry(case, "w")?)?.iter().map(|w| w / std::f64::consts::TAU).collect();
        assert_eq!(hz.len(), m);
        let weights = lcg(seed + 3, n);
        let weights = (entry(case, "weights")? == true).then_some(weights.as_slice());
        let config = LombScargleConfig::default().with_floating_mean(entry(case, "floating")? == true);
        match word(case, "kind")? {
            "power" => same(case, "p", &config.power_weighted(&t, &y, weights, &hz)?.power, 1e-9),
            "normalize" => {
                let config = config.with_normalisation(LombNormalisation::Share);
                same(case, "p", &config.power_weighted(&t, &y, weights, &hz)?.power, 1e-9)
            }
            _ => same_complex(case, "p", &config.amplitude(&t, &y, weights, &hz)?, 1e-9),
        }
    })
    .unwrap();
}

#[test]
fn spectra_with_random_settings() {
    each("spectra", |case, seed| {
        let n = count(case, "n")?;
        let (x, y) = (signal(seed, n, 0.0), signal(seed + 1, n, 0.0));
        let rate = SampleRate::new(number(entry(case, "fs")?)?)?;
        let window = match word(case, "window")? {
            "hann" => Window::Hann,
            "hamming" => Window::Hamming,
            "blackman" => Window::Blackman,
            "cosine" => Window::Cosine,
            _ => Window::Boxcar,
        };
        let detrend = match entry(case, "detrend")?.as_str() {
            Some("constant") => Detrend::Constant,
            Some(_) => Detrend::Linear,
            None => Detrend::None,
        };
        let density = word(case, "scaling")? == "density";
        let scaling = if density { Scaling::Density } else { Scaling::Spectrum };
        let welch = WelchConfig::default()
            .with_window(window)
            .with_segment(count(case, "nperseg")?)
            .with_overlap(count(case, "noverlap")?)
            .with_fft_length(count(case, "nfft")?)
            .with_detrend(detrend);
        let tapered = if window == Window::Boxcar { welch.with_detrend(Detrend::None) } else { welch };
        same(case, "coherence", &tapered.plan(rate)?.coherence(&x, &y)?.squared, 1e-9)?;
        let average = if word(case, "average")? == "mean" { Average::Mean } else { Average::Median };
        let planned = welch.with_scaling(scaling).with_average(average).plan(rate)?;
        same_complex(case, "csd", &planned.cross_spectrum(&x, &y)?.density, 1e-9)?;
        same(case, "welch", &planned.power(&x)?.power, 1e-9)?;
        let stft = StftConfig::default()
            .with_window(window)
            .with_segment(count(case, "nperseg")?)
            .with_overlap(count(case, "noverlap")?)
            .with_fft_length(count(case, "nfft")?)
            .with_detrend(detrend)
            .with_scaling(if density { StftScaling::Density } else { StftScaling::Amplitude })
            .with_padding(false);
        let found = stft.plan(rate)?.power(&x)?;
        same(case, "spectrogram", &found.power, 1e-9)?;
        same(case, "times", &found.times_s, 1e-12)?;
        let whole = PeriodogramConfig::default()
            .with_window(window)
            .with_detrend(detrend)
            .with_scaling(scaling)
            .with_fft_length(count(case, "long")?);
        same(case, "periodogram", &whole.power(&x, rate)?.power, 1e-9)?;
        same(case, "hilbert", &analytic_signal(&x)?.imaginary, 1e-9)
    })
    .unwrap();
}

#[test]
fn curves_through_random_points() {
    each("curves", |case, seed| {
        let n = count(case, "n")?;
        let mut now = 0.0;
        let x: Vec<f64> = lcg(seed, n)
            .iter()
            .map(|u| {
                now += u + 0.01;
                now
            })
            .collect();
        let y = signal(seed + 1, n, number(entry(case, "levels")?)?);
        let (first, last) = (x[0], x[n - 1]);
        let at: Vec<f64> = lcg(seed + 2, 40).iter().map(|u| first + (last - first) * u).collect();
        let slopes = numbers(entry(case, "slopes")?)?;
        let end = |k: usize| match entry(case, "ends").map(|e| e[k].as_str()) {
            Ok(Some("natural")) => End::Natural,
            Ok(Some("clamped")) => End::Clamped { slope: slopes[k] },
            _ => End::NotAKnot,
        };
        let spline = CubicSplineConfig::default().with_ends(end(0), end(1)).through(&x, &y)?;
        let spline = spline.with_outside(Outside::Extend);
        same(case, "spline", &spline.values(&at), 1e-9)?;
        same(case, "slope", &at.iter().map(|x| spline.slope(*x)).collect::<Vec<_>>(), 1e-9)?;
        same(case, "beyond", &[spline.value(first - 0.3), spline.value(last + 0.3)], 1e-9)?;
        same(case, "pchip", &interpolate::pchip(&x, &y)?.values(&at), 1e-9)?;
        same(case, "akima", &interpolate::akima(&x, &y)?.values(&at), 1e-9)?;
        same(case, "makima", &interpolate::modified_akima(&x, &y)?.values(&at), 1e-9)
    })
    .unwrap();
}

#[test]
fn wavelets_in_random_modes() {
    each("wavelets", |case, seed| {
        let n = count(case, "n")?;
        let x = signal(seed, n, 0.0);
        let wavelet: Wavelet = word(case, "wavelet")?.parse()?;
        let (first, rest) = word(case, "mode")?.split_at(1);
        let mode: Mode = serde_json::from_value(Value::String(format!("{}{rest}", first.to_uppercase())))?;
        let dwt = Dwt::new(wavelet, mode)?;
        let (a, d) = dwt.forward(&x)?;
        same(case, "a", &a, 1e-10)?;
        same(case, "d", &d, 1e-10)?;
        let (u, v) = (signal(seed + 1, a.len(), 0.0), signal(seed + 2, a.len(), 0.0));
        same(case, "idwt", &dwt.inverse(&u, &v)?, 1e-10)?;
        let level = count(case, "level")?;
        if level > 0 {
            let found = dwt.decompose(&x, level)?;
            let deepest = [found.approximation, found.details[0].clone()].concat();
            same(case, "deepest", &deepest, 1e-10)?;
        }
        let z = signal(seed + 3, count(case, "swt_n")?, 0.0);
        let level = count(case, "swt_level")?;
        let mut parts: Stationary = swt(&z, wavelet, level)?;
        same(case, "swt_a", &parts.approximations[level - 1], 1e-10)?;
        same(case, "swt_d", &parts.details[level - 1], 1e-10)?;
        parts.details.iter_mut().flatten().for_each(|v| *v = if v.abs() < 0.5 { 0.0 } else { *v });
        same(case, "iswt", &iswt(&parts, wavelet)?, 1e-10)
    })
    .unwrap();
}

#[test]
fn continuous_wavelets_at_random_scales() {
    each("cwt", |case, seed| {
        let x = signal(seed, count(case, "n")?, 0.0);
        let cwt = IntegratedCwt::new(word(case, "wavelet")?.parse()?)?;
        let found = cwt.transform(&x, &numbers(entry(case, "scales")?)?, SampleRate::new(1.0)?)?;
        same(case, "freqs", &found.frequencies_hz, 1e-12)?;
        if entry(entry(case, "coefs")?, "values")?.as_array().map(Vec::len)
            == Some(found.coefficients.len().div_ceil(count(entry(case, "coefs")?, "step")?))
        {
            let real: Vec<f64> = found.coefficients.iter().map(|z| z.re).collect();
            return same(case, "coefs", &real, 1e-8);
        }
        same_complex(case, "coefs", &found.coefficients, 1e-8)
    })
    .unwrap();
}

#[test]
fn any_samples_and_settings_that_travel() {
    use eir_core::testing::contract;
    use eir_signal::wavelet::{Cwt, DenoiseConfig, denoise};
    use eir_signal::{Error, dpss, spectrum};
    let rate = SampleRate::new(250.0).unwrap();
    let wide = |x: &[f32]| x.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
    let times = |x: &[f32]| (0..x.len()).map(|i| i as f64 / 250.0).collect::<Vec<f64>>();
    contract::detector("welch", |x| spectrum::welch(&wide(x), rate));
    contract::detector("periodogram", |x| spectrum::periodogram(&wide(x), rate));
    contract::detector("multitaper", |x| spectrum::multitaper(&wide(x)[..x.len().min(3000)], rate));
    contract::detector("burg", |x| spectrum::burg(&wide(x), 16));
    contract::detector("lomb_scargle", |x| spectrum::lomb_scargle(&times(x), &wide(x), &[0.5, 1.0]));
    contract::detector("stft", |x| spectrum::stft(&wide(x), rate));
    contract::detector("spectrogram", |x| spectrum::spectrogram(&wide(x), rate));
    contract::detector("coherence", |x| spectrum::coherence(&wide(x), &wide(x), rate));
    contract::detector("analytic_signal", |x| analytic_signal(&wide(x)).map(|a| a.envelope()));
    contract::detector("cubic_spline", |x| interpolate::cubic_spline(&times(x), &wide(x)).map(|c| c.value(0.01)));
    contract::detector("pchip", |x| interpolate::pchip(&times(x), &wide(x)).map(|c| c.value(0.01)));
    contract::detector("akima", |x| interpolate::akima(&times(x), &wide(x)).map(|c| c.value(0.01)));
    contract::detector("find_peaks", |x| PeaksConfig::default().with_width(0.0..).find(&wide(x)));
    contract::detector("wavedec", |x| Dwt::new(Wavelet::Daubechies(4), Mode::Smooth)?.decompose(&wide(x), 3));
    contract::detector("swt", |x| swt(&wide(x), Wavelet::Symlet(4), 2));
    contract::detector("denoise", |x| denoise(&wide(x)));
    contract::detector("cwt", |x| Cwt::new("morl".parse()?)?.transform(&wide(x), &[3.0, 9.0], rate));
    contract::serde_round_trip(&WelchConfig::default().with_segment(100).with_average(Average::Median));
    contract::serde_round_trip(&StftConfig::default().with_window(Window::Kaiser { beta: 3.5 }));
    contract::serde_round_trip(&PeriodogramConfig::default().with_scaling(Scaling::Spectrum));
    contract::serde_round_trip(&spectrum::MultitaperConfig::default().with_half_bandwidth(2.5));
    contract::serde_round_trip(&LombScargleConfig::default().with_floating_mean(true));
    contract::serde_round_trip(&PeaksConfig::default().with_height(0.5..=2.0).with_distance(3.5));
    contract::serde_round_trip(&CubicSplineConfig::default().with_ends(End::Natural, End::Clamped { slope: 0.5 }));
    contract::serde_round_trip(&DenoiseConfig::default().with_wavelet(Wavelet::Biorthogonal(2, 2)));
    contract::send_sync::<spectrum::Welch>();
    contract::send_sync::<spectrum::WelchStream>();
    contract::send_sync::<spectrum::StftStream>();
    contract::send_sync::<spectrum::Multitaper>();
    contract::send_sync::<interpolate::Interpolant>();
    contract::send_sync::<Dwt>();
    contract::send_sync::<IntegratedCwt>();
    assert!(dpss(10, 20.0, 1).is_err());
    let error: Result<(), Error> = spectrum::welch(&[], rate).map(drop);
    assert!(error.is_err());
}
