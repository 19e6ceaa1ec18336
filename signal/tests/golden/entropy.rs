//! Entropies and fractal dimensions, against NeuroKit2.

use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use eir_signal::entropy::{
    ApproximateEntropyConfig, CorrelationDimensionConfig, DfaConfig, DispersionEntropyConfig, FuzzyEntropyConfig,
    HiguchiConfig, MultiscaleEntropyConfig, PermutationEntropyConfig, Radii, SampleEntropyConfig, Similarity,
    SvdEntropyConfig, Threshold, Ties, hjorth, katz_dimension, lempel_ziv, petrosian_dimension, shannon_entropy,
    spectral_entropy,
};
use serde_json::Value;

pub(super) fn entropy(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let series: Value = serde_json::from_slice(&std::fs::read(case.reference("hrv.json")?)?)?;
    case.walk(&reference, |case, name, values| {
        let all = numbers(entry(entry(&series, name)?, "rri_ms")?)?;
        let n = number(entry(values, "n")?)? as usize;
        let x = all.get(..n).ok_or("the series is shorter than the reference says")?;
        let r = number(entry(values, "r")?)?;
        case.walk(values, |case, key, want| one(case, key, want, x, r))
    })
}

fn one(case: &mut Case, key: &str, want: &Value, x: &[f64], r: f64) -> Outcome {
    let near = Similarity::Within(r);
    let mut parts = key.split('_');
    let measure = parts.next().unwrap_or_default();
    // the numbers in the key, after their letters: m2, c6, k10
    let given = |letter: char| key.split('_').find_map(|p| p.strip_prefix(letter)?.parse::<usize>().ok());
    let m = given('m').unwrap_or(2);
    let (got, tolerance) = match measure {
        "n" | "RQA" => return Ok(()),
        "r" => {
            let n = x.len() as f64;
            let mean = x.iter().sum::<f64>() / n;
            (0.2 * (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt(), 1e-9)
        }
        "std" => return Ok(()),
        "SampEn" => (SampleEntropyConfig::default().with_dimension(m).with_tolerance(near).of(x)?, 1e-9),
        "ApEn" => (ApproximateEntropyConfig::default().with_dimension(m).with_tolerance(near).of(x)?, 1e-9),
        "FuzzyEn" => (FuzzyEntropyConfig::default().with_dimension(m).with_tolerance(near).of(x)?, 1e-9),
        "PermEn" => (PermutationEntropyConfig::default().with_ties(Ties::AsNumpy).with_dimension(m).of(x)?, 1e-9),
        "WPermEn" => {
            let config = PermutationEntropyConfig::default().with_ties(Ties::AsNumpy).with_weighted(true);
            (config.with_dimension(m).of(x)?, 1e-9)
        }
        "ShannonEn" => (shannon_entropy(x)?, 1e-9),
        "SpectralEn" => (spectral_entropy(x)?, 1e-6),
        "DispEn" => {
            let classes = given('c').ok_or("the key has no number of classes")?;
            let found = DispersionEntropyConfig::default().with_classes(classes).with_dimension(m).of(x)?;
            (found / std::f64::consts::LN_2, 1e-9) // the reference divides bits by natural units
        }
        "SVDEn" => (SvdEntropyConfig::default().of(x)?, 1e-9),
        "MSE" => (MultiscaleEntropyConfig::default().with_tolerance(near).of(x)?.index, 1e-9),
        "HFD" => {
            let lag = given('k').ok_or("the key has no largest lag")?;
            (HiguchiConfig::default().with_largest_lag(lag).of(x)?, 1e-9)
        }
        "KFD" => (katz_dimension(x)?, 1e-9),
        "PFD" => (petrosian_dimension(x)?, 1e-9),
        "Hjorth" => {
            let found = hjorth(x)?;
            return case.walk(want, |case, name, want| {
                let got = match name {
                    "complexity" => found.complexity,
                    "Mobility" => found.mobility,
                    "Activity" => found.activity,
                    _ => {
                        case.skip(name, "not a parameter of Hjorth");
                        return Ok(());
                    }
                };
                case.value(name, got, number(want)?, Tolerance::relative(1e-9));
                Ok(())
            });
        }
        "LZC" => {
            let threshold = if key.ends_with("mean") { Threshold::Mean } else { Threshold::Median };
            (lempel_ziv(x, threshold)?, 1e-9)
        }
        "DFA" => {
            let windows: Vec<usize> = key.split('_').filter_map(|p| p.parse().ok()).collect();
            let [shortest, longest] = windows[..] else { return Err("the key has no two windows".into()) };
            (DfaConfig::default().with_windows(shortest, longest).of(x)?, 1e-6)
        }
        "CorrDim" => {
            let config = CorrelationDimensionConfig::default().with_dimension(m).with_spacing(Radii::AsNeuroKit);
            (config.of(x)?, 1e-6)
        }
        _ => {
            case.skip(key, "not a measure that is built");
            return Ok(());
        }
    };
    case.value(key, got, number(want)?, Tolerance::relative(tolerance));
    Ok(())
}
