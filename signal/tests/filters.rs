//! Filters and resampling against SciPy on designs of our own choice (`golden/generate_filters.py`), and the promises that
//! every filter and every stream keeps.
#![allow(clippy::unwrap_used, reason = "a reference that cannot be read fails the test")]

use eir_core::SampleRate;
use eir_core::testing::contract;
use eir_core::testing::memory::{COUNTING, Counting, allocates_nothing};
use eir_signal::filter::{
    Band, BesselConfig, BesselNorm, Boundary, ButterworthConfig, Chebyshev1Config, Chebyshev2Config, DetrendConfig,
    EllipticConfig, Extension, FirBand, FirConfig, FirFilter, FirLeastSquaresConfig, FirWindow, MedianConfig,
    MovingAverageConfig, NotchConfig, PeakConfig, SavitzkyGolayConfig, SavitzkyGolayEnds, SosFilter, Trend, detrend,
    median_filter, moving_average, notch, savitzky_golay,
};
use eir_signal::resample::{
    AnyRatioConfig, DecimateConfig, DecimateFilter, Fourier, PolyphaseConfig, decimate, fourier, resample_poly, to_rate,
};
use serde_json::Value;

#[global_allocator]
static MEMORY: Counting = &COUNTING;

fn reference() -> Value {
    serde_json::from_str(include_str!("golden/filters_scipy.json")).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// All numbers in a value, whatever its nesting.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn count(value: &Value, key: &str) -> usize {
    value[key].as_u64().unwrap() as usize
}

/// The largest difference over the largest value.
fn error(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let largest = want.iter().fold(0.0f64, |a, v| a.max(v.abs()));
    got.iter().zip(want).fold(0.0f64, |a, (g, w)| a.max((g - w).abs())) / largest
}

fn design(q: &Value) -> SosFilter {
    let rate = SampleRate::new(q["fs"].as_f64().unwrap()).unwrap();
    let (order, wn) = (count(q, "order"), numbers(&q["wn"]));
    let band = match q["btype"].as_str().unwrap() {
        "lowpass" => Band::Low { cutoff_hz: wn[0] },
        "highpass" => Band::High { cutoff_hz: wn[0] },
        "bandpass" => Band::Pass { low_hz: wn[0], high_hz: wn[1] },
        _ => Band::Stop { low_hz: wn[0], high_hz: wn[1] },
    };
    let db = |key: &str| q[key].as_f64().unwrap();
    match q["family"].as_str().unwrap() {
        "butter" => ButterworthConfig::new(band).with_order(order).design(rate),
        "cheby1" => Chebyshev1Config::new(band).with_order(order).with_ripple_db(db("rp")).design(rate),
        "cheby2" => Chebyshev2Config::new(band).with_order(order).with_attenuation_db(db("rs")).design(rate),
        "ellip" => {
            let config = EllipticConfig::new(band).with_order(order);
            config.with_ripple_db(db("rp")).with_attenuation_db(db("rs")).design(rate)
        }
        _ => {
            let norm = match q["norm"].as_str().unwrap() {
                "phase" => BesselNorm::Phase,
                "delay" => BesselNorm::Delay,
                _ => BesselNorm::Magnitude,
            };
            BesselConfig::new(band).with_order(order).with_norm(norm).design(rate)
        }
    }
    .unwrap()
}

/// The error of the sections after the first, whose numerators have no gain, and of the gain of the whole.
fn section_error(got: &[[f64; 6]], want: &[f64]) -> f64 {
    let want = want.as_chunks::<6>().0;
    assert_eq!(got.len(), want.len());
    let gain = |s: &[f64; 6]| if s[0] == 0.0 { 1.0 } else { s[0] };
    let scaled = |s: &[f64; 6]| [s[0] / gain(s), s[1] / gain(s), s[2] / gain(s), s[3], s[4], s[5]];
    let worst = got.iter().zip(want).map(|(g, w)| error(&scaled(g), &scaled(w))).fold(0.0, f64::max);
    worst.max((gain(&got[0]) / gain(&want[0]) - 1.0).abs())
}

#[test]
fn designs_equal_scipy_on_a_random_grid() {
    let mut worst = std::collections::BTreeMap::<String, f64>::new();
    let reference = reference();
    for q in list(&reference["designs"]) {
        let error = section_error(design(q).sections(), &numbers(&q["sos"]));
        let name = format!("{} {}", q["family"].as_str().unwrap(), if count(q, "order") > 8 { "high" } else { "low" });
        let entry = worst.entry(name).or_default();
        *entry = entry.max(error);
        if error > 1e-11 {
            println!("{error:.1e} {} {} {}", q["family"], q["btype"], q["order"]);
        }
    }
    println!("{worst:?}");
    assert!(worst.values().all(|v| *v < 1e-10), "{worst:?}");
}

#[test]
fn ends_equal_scipy() {
    let reference = reference();
    let x = numbers(&reference["x"]);
    let sections = numbers(&reference["zero_phase"]["sos"]).as_chunks::<6>().0.to_vec();
    let filter = SosFilter::new(sections).unwrap();
    for q in list(&reference["zero_phase"]["cases"]) {
        let extension = match q["padtype"].as_str() {
            Some("odd") => Extension::Odd,
            Some("even") => Extension::Even,
            Some(_) => Extension::Constant,
            None => Extension::None,
        };
        let got = filter.zero_phase_with(&x, extension, Some(count(q, "padlen"))).unwrap();
        let error = error(&got, &numbers(&q["y"]));
        assert!(error < 1e-11, "{extension:?} {}: {error:.1e}", q["padlen"]);
    }
    assert!(filter.zero_phase_with(&x, Extension::Even, Some(60)).is_err());
}

#[test]
fn finite_designs_equal_scipy() {
    let reference = reference();
    let rate = SampleRate::new(250.0).unwrap();
    for q in list(&reference["firls"]) {
        let (edges, gains) = (numbers(&q["bands"]), numbers(&q["desired"]));
        let weights = if q["weight"].is_null() { vec![1.0; edges.len() / 2] } else { numbers(&q["weight"]) };
        let bands = edges.chunks(2).zip(gains.chunks(2)).zip(weights).map(|((edges, gains), weight)| {
            FirBand::new(edges[0], edges[1], gains[0]).with_high_gain(gains[1]).with_weight(weight)
        });
        let got = FirLeastSquaresConfig::new(bands.collect(), count(q, "taps")).design(rate).unwrap();
        let error = error(got.taps(), &numbers(&q["h"]));
        println!("firls {}: {error:.1e}", q["taps"]);
        assert!(error < 1e-9, "firls {}: {error:.1e}", q["taps"]);
    }
    for q in list(&reference["firwin"]) {
        let window = match (&q["window"], q["window"].as_str()) {
            (_, Some("boxcar")) => FirWindow::Rectangular,
            (_, Some("bartlett")) => FirWindow::Bartlett,
            (_, Some("blackman")) => FirWindow::Blackman,
            (_, Some("nuttall")) => FirWindow::Nuttall,
            (_, Some("blackmanharris")) => FirWindow::BlackmanHarris,
            (_, Some("flattop")) => FirWindow::FlatTop,
            (other, _) => FirWindow::Kaiser { beta: other[1].as_f64().unwrap() },
        };
        let config = FirConfig::multi_band(numbers(&q["cutoff"]), q["pass_zero"] == true, count(q, "taps"));
        let got = config.with_window(window).design(rate).unwrap();
        let error = error(got.taps(), &numbers(&q["h"]));
        assert!(error < 1e-13, "{window:?}: {error:.1e}");
    }
}

fn boundary(mode: &str) -> Boundary {
    match mode {
        "reflect" => Boundary::Reflect,
        "mirror" => Boundary::Mirror,
        "nearest" => Boundary::Nearest,
        "wrap" => Boundary::Wrap,
        _ => Boundary::Constant { value: 0.0 },
    }
}

#[test]
fn smoothers_equal_scipy() {
    let reference = reference();
    let (x, smooth) = (numbers(&reference["x"]), &reference["smooth"]);
    for q in list(&smooth["boxcar"]) {
        let mode = q["mode"].as_str().unwrap();
        let filter = MovingAverageConfig::new(count(q, "k")).with_boundary(boundary(mode)).build().unwrap();
        let error = error(&filter.filter_f64(&x).unwrap(), &numbers(&q["y"]));
        assert!(error < 1e-14, "boxcar {mode}: {error:.1e}");
    }
    for q in list(&smooth["median"]) {
        let filter = MedianConfig::new(count(q, "k")).with_boundary(boundary(q["mode"].as_str().unwrap()));
        assert_eq!(filter.build().unwrap().filter_f64(&x).unwrap(), numbers(&q["y"]), "median {}", q["mode"]);
    }
    for q in list(&smooth["savgol"]) {
        let mode = q["mode"].as_str().unwrap();
        let ends = if mode == "interp" { SavitzkyGolayEnds::Fit } else { SavitzkyGolayEnds::Extend(boundary(mode)) };
        let config = SavitzkyGolayConfig::new(count(q, "k"), count(q, "degree")).with_derivative(count(q, "deriv"));
        let filter = config.with_spacing(0.5).with_ends(ends).build().unwrap();
        let error = error(&filter.filter_f64(&x).unwrap(), &numbers(&q["y"]));
        assert!(error < 1e-12, "savgol {} {mode}: {error:.1e}", q["k"]);
    }
}

#[test]
fn resampling_equals_scipy() {
    let reference = reference();
    let (x, resampled) = (numbers(&reference["x"]), &reference["resampled"]);
    for q in list(&resampled["poly"]) {
        let plan = PolyphaseConfig::new(count(q, "up"), count(q, "down")).build().unwrap();
        let error = error(&plan.resample_f64(&x).unwrap(), &numbers(&q["y"]));
        assert!(error < 1e-13, "{}/{}: {error:.1e}", q["up"], q["down"]);
    }
    for q in list(&resampled["fft"]) {
        let plan = Fourier::new(x.len(), count(q, "num")).unwrap();
        let error = error(&plan.resample_f64(&x).unwrap(), &numbers(&q["y"]));
        assert!(error < 1e-13, "{}: {error:.1e}", q["num"]);
    }
    for q in list(&resampled["decimate"]) {
        let config = DecimateConfig::new(count(q, "q")).with_zero_phase(q["zero_phase"] == true);
        let fir = DecimateFilter::Fir { order: 0 };
        let config = if q["ftype"] == "fir" { config.with_filter(fir) } else { config };
        let error = error(&config.decimate_f64(&x).unwrap(), &numbers(&q["y"]));
        assert!(error < 1e-11, "{} {} {}: {error:.1e}", q["q"], q["ftype"], q["zero_phase"]);
    }
    for q in list(&resampled["detrend"]) {
        let trend = if q["type"] == "linear" { Trend::Linear } else { Trend::Constant };
        let breaks = numbers(&q["bp"]).into_iter().map(|v| v as usize).collect();
        let got = DetrendConfig::new(trend).with_breaks(breaks).detrend_f64(&x).unwrap();
        let error = error(&got, &numbers(&q["y"]));
        assert!(error < 1e-13, "{trend:?} {}: {error:.1e}", q["bp"]);
    }
}

fn rate() -> SampleRate {
    SampleRate::new(250.0).unwrap()
}

fn recursive() -> Vec<SosFilter> {
    let pass = Band::Pass { low_hz: 0.5, high_hz: 40.0 };
    (1..=9).map(|order| ButterworthConfig::new(pass).with_order(order).design(rate()).unwrap()).collect()
}

#[test]
fn streams_allocate_nothing() {
    let mut x: Vec<f64> = (0..1000).map(|i| (f64::from(i) * 0.1).sin()).collect();
    let mut single: Vec<f32> = x.iter().map(|v| *v as f32).collect();
    let mut y = vec![0.0; 4000];
    for filter in recursive() {
        let mut stream = filter.stream();
        allocates_nothing("sections", || {
            stream.process(&mut x);
            stream.process_f32(&mut single);
            stream.reset();
            stream.push(1.0)
        });
        let mut work = Vec::new();
        let (input, mut out) = (vec![1.0; 1000], vec![0.0; 1000]);
        allocates_nothing("sections, zero phase", || filter.zero_phase_into(&input, &mut out, &mut work).is_ok());
    }
    let mut finite = FirConfig::new(Band::Low { cutoff_hz: 30.0 }, 101).design(rate()).unwrap().stream();
    let mut smooth = SavitzkyGolayConfig::default().build().unwrap().stream_from(1.0);
    let mut middle = MedianConfig::new(73).build().unwrap().stream();
    let mut mean = MovingAverageConfig::new(30).build().unwrap().stream();
    allocates_nothing("finite", || (finite.process(&mut x), finite.process_f32(&mut single), finite.reset()));
    allocates_nothing("polynomial", || (smooth.process(&mut x), smooth.process_f32(&mut single), smooth.reset()));
    allocates_nothing("median", || (middle.process(&mut x), middle.process_f32(&mut single), middle.reset()));
    allocates_nothing("mean", || (mean.process(&mut x), mean.process_f32(&mut single), mean.reset()));
    let mut polyphase = PolyphaseConfig::new(25, 36).build().unwrap().stream();
    allocates_nothing("polyphase", || {
        let done = polyphase.process(&x, &mut y).unwrap();
        polyphase.finish(&mut y[done..]).unwrap()
    });
}

#[test]
fn filters_stay_sound_on_any_samples() {
    let pass = Band::Pass { low_hz: 0.5, high_hz: 40.0 };
    let wide = |x: &[f32]| x.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
    for filter in recursive() {
        contract::detector("sections", |x| filter.zero_phase(x));
        contract::detector("sections, causal", |x| filter.filter(x));
        contract::detector("sections, constant ends", |x| {
            filter.zero_phase_with(&wide(x), Extension::Constant, Some(3))
        });
    }
    for taps in [1, 64, 101, 601] {
        let filter = FirConfig::new(Band::Low { cutoff_hz: 30.0 }, taps).design(rate()).unwrap();
        contract::detector("finite", |x| filter.zero_phase(x));
        contract::detector("finite, causal", |x| filter.filter(x));
        contract::detector("finite, by spectrum", |x| filter.filter_by_spectrum_f64(&wide(x)));
    }
    contract::detector("notch", |x| notch(x, rate(), 50.0));
    contract::detector("peak", |x| PeakConfig::new(20.0).design(rate())?.zero_phase(x));
    contract::detector("band pass", |x| eir_signal::band_pass(x, rate(), 0.5, 40.0));
    contract::detector("elliptic", |x| EllipticConfig::new(pass).design(rate())?.zero_phase(x));
    contract::detector("savitzky_golay", savitzky_golay);
    contract::detector("moving_average", |x| moving_average(x, 30));
    contract::detector("detrend", detrend);
    for window in [1, 3, 73, 501] {
        contract::detector("median_filter", |x| median_filter(x, window));
    }
    contract::detector("resample_poly", |x| resample_poly(x, 25, 36));
    contract::detector("fourier", |x| fourier(x, 77));
    contract::detector("decimate", |x| decimate(x, 4));
    contract::detector("to_rate", |x| to_rate(x, rate(), SampleRate::new(77.7777).unwrap()));
}

/// Every setting out of its range is an error that names it.
#[test]
fn bad_settings_are_refused() {
    let low = |cutoff_hz: f64| Band::Low { cutoff_hz };
    for band in [
        low(0.0),
        low(-1.0),
        low(125.0),
        low(1e9),
        low(f64::NAN),
        low(f64::INFINITY),
        Band::High { cutoff_hz: 125.0 },
        Band::Pass { low_hz: 10.0, high_hz: 10.0 },
        Band::Pass { low_hz: 20.0, high_hz: 10.0 },
        Band::Stop { low_hz: 20.0, high_hz: 130.0 },
        Band::Stop { low_hz: f64::NAN, high_hz: 30.0 },
    ] {
        assert!(ButterworthConfig::new(band).design(rate()).is_err(), "{band:?}");
        assert!(Chebyshev1Config::new(band).design(rate()).is_err(), "{band:?}");
        assert!(Chebyshev2Config::new(band).design(rate()).is_err(), "{band:?}");
        assert!(EllipticConfig::new(band).design(rate()).is_err(), "{band:?}");
        assert!(BesselConfig::new(band).design(rate()).is_err(), "{band:?}");
        assert!(FirConfig::new(band, 11).design(rate()).is_err(), "{band:?}");
    }
    for order in [0, 21, usize::MAX] {
        assert!(ButterworthConfig::new(low(10.0)).with_order(order).design(rate()).is_err());
        assert!(Chebyshev1Config::new(low(10.0)).with_order(order).design(rate()).is_err());
        assert!(Chebyshev2Config::new(low(10.0)).with_order(order).design(rate()).is_err());
        assert!(EllipticConfig::new(low(10.0)).with_order(order).design(rate()).is_err());
        assert!(BesselConfig::new(low(10.0)).with_order(order).design(rate()).is_err());
    }
    for db in [0.0, -1.0, 1e3, f64::NAN, f64::INFINITY] {
        assert!(Chebyshev1Config::new(low(10.0)).with_ripple_db(db).design(rate()).is_err());
        assert!(Chebyshev2Config::new(low(10.0)).with_attenuation_db(db).design(rate()).is_err());
        assert!(EllipticConfig::new(low(10.0)).with_ripple_db(db).design(rate()).is_err());
        assert!(EllipticConfig::new(low(10.0)).with_attenuation_db(db).design(rate()).is_err());
    }
    for window in [0, 2, usize::MAX] {
        assert!(MedianConfig::new(window).build().is_err());
        assert!(SavitzkyGolayConfig::new(window, 0).build().is_err());
    }
    assert!(MovingAverageConfig::new(0).build().is_err());
    assert!(MovingAverageConfig::new(usize::MAX).build().is_err());
    assert!(FirConfig::new(low(10.0), usize::MAX).design(rate()).is_err());
    assert!(FirConfig::new(low(10.0), 11).with_window(FirWindow::Kaiser { beta: f64::NAN }).design(rate()).is_err());
    assert!(NotchConfig::new(50.0).with_quality(0.0).design(rate()).is_err());
    assert!(FirFilter::new(vec![f64::INFINITY]).is_err());
}

/// All orders, all families, all bands: finite sections that are stable.
#[test]
fn designs_are_stable_at_every_order() {
    for order in 1..=20 {
        for band in [
            Band::Low { cutoff_hz: 30.0 },
            Band::High { cutoff_hz: 20.0 },
            Band::Pass { low_hz: 5.0, high_hz: 40.0 },
            Band::Stop { low_hz: 45.0, high_hz: 55.0 },
        ] {
            let filters = [
                ButterworthConfig::new(band).with_order(order).design(rate()),
                Chebyshev1Config::new(band).with_order(order).design(rate()),
                Chebyshev2Config::new(band).with_order(order).design(rate()),
                EllipticConfig::new(band).with_order(order).design(rate()),
                BesselConfig::new(band).with_order(order).design(rate()),
            ];
            for (family, filter) in filters.into_iter().enumerate() {
                let filter = filter.unwrap();
                for [.., a1, a2] in filter.sections() {
                    assert!(a2.abs() < 1.0 && a1.abs() < 1.0 + a2, "family {family}, order {order}, {band:?}");
                }
                let most = filter.response(&[1.0, 10.0, 25.0, 50.0, 80.0, 120.0], rate());
                assert!(most.iter().all(|h| h.norm() < 1.01), "family {family}, order {order}, {band:?}");
            }
        }
    }
}

#[test]
fn settings_survive_json_and_types_travel() {
    let low = Band::Low { cutoff_hz: 10.0 };
    contract::serde_round_trip(&EllipticConfig::new(low).with_ripple_db(0.3));
    contract::serde_round_trip(&Chebyshev1Config::new(low));
    contract::serde_round_trip(&Chebyshev2Config::new(low));
    contract::serde_round_trip(&BesselConfig::new(low).with_norm(BesselNorm::Delay));
    contract::serde_round_trip(&NotchConfig::new(50.0));
    contract::serde_round_trip(&FirConfig::new(low, 11).with_window(FirWindow::Kaiser { beta: 5.0 }));
    contract::serde_round_trip(&FirLeastSquaresConfig::new(vec![FirBand::new(0.0, 1.0, 1.0)], 11));
    contract::serde_round_trip(&MedianConfig::new(5).with_boundary(Boundary::Wrap));
    contract::serde_round_trip(&MovingAverageConfig::new(5));
    contract::serde_round_trip(&SavitzkyGolayConfig::default());
    contract::serde_round_trip(&DetrendConfig::new(Trend::Constant).with_breaks(vec![3]));
    contract::serde_round_trip(&PolyphaseConfig::new(1, 2));
    contract::serde_round_trip(&DecimateConfig::new(2).with_filter(DecimateFilter::Fir { order: 0 }));
    contract::serde_round_trip(&AnyRatioConfig::default().with_half_width(32));
    contract::send_sync::<SosFilter>();
    contract::send_sync::<FirFilter>();
    contract::send_sync::<eir_signal::filter::SosStream>();
    contract::send_sync::<eir_signal::filter::MedianStream>();
    contract::send_sync::<eir_signal::resample::PolyphaseStream>();
    contract::send_sync::<Fourier>();
}
