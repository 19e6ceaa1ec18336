use crate::tolerance;
use eir_core::inference::{Bootstrap, BootstrapDistribution, BootstrapInterval, SamplingUnits};
use eir_core::random::Generator;
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use serde_json::Value;

pub(crate) fn bootstrap(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(entry(&file, "cases")?, |case, _, c| replicates(case, c, tolerance))?;
    case.walk(entry(&file, "properties")?, |case, _, p| match entry(p, "property")?.as_str() {
        Some("coverage") => coverage(case, entry(p, "design")?.as_str().ok_or("the design is no text")?),
        other => Err(format!("the property {other:?} is not known").into()),
    })
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn median(x: &[f64]) -> f64 {
    let mut sorted = x.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    0.5 * (sorted[(x.len() - 1) / 2] + sorted[x.len() / 2])
}

fn sd(x: &[f64]) -> f64 {
    let m = mean(x);
    (x.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (x.len() - 1) as f64).sqrt()
}

fn replicates(case: &mut Case, c: &Value, tolerance: Tolerance) -> Outcome {
    let x = numbers(entry(c, "x")?)?;
    let statistic = match entry(c, "statistic")?.as_str() {
        Some("mean") => mean,
        Some("median") => median,
        Some("sd") => sd,
        other => return Err(format!("the statistic {other:?} is not known").into()),
    };
    let of_rows = |rows: &[usize]| statistic(&rows.iter().map(|i| x[*i]).collect::<Vec<_>>());
    let units = SamplingUnits::rows(x.len())?;
    let own = Bootstrap::default().with_replicates(2).distribution(&units, of_rows)?;
    // the intervals on the replicates of the reference, and its estimate: some replicates equal it to the last bit
    let (estimate, replicates) = (number(entry(c, "estimate")?)?, numbers(entry(c, "distribution")?)?);
    let d = BootstrapDistribution::new(estimate, replicates, own.jackknife().to_vec())?;
    let ends = |interval, level| d.interval(interval, level).map(|e| vec![e.lower, e.upper]);
    case.walk(c, |case, key, want| {
        let digits = key.trim_start_matches(|c: char| !c.is_ascii_digit());
        let level = digits.parse::<f64>().unwrap_or(95.0) / 100.0; // `levels` has no digits: those of `bca95`
        let got = match key.trim_end_matches(digits) {
            "statistic" | "x" | "distribution" => return Ok(()),
            "estimate" => vec![own.estimate()],
            "jackknife" => d.jackknife().to_vec(),
            "z" if digits == "0" => vec![d.bias_correction()],
            "acceleration" => vec![d.acceleration()],
            "levels" => d.bca_levels(level).map(Vec::from).unwrap_or_default(),
            "bca" => ends(BootstrapInterval::Bca, level)?,
            "percentile" => ends(BootstrapInterval::Percentile, level)?,
            "basic" => ends(BootstrapInterval::Basic, level)?,
            "standard_error" => vec![d.standard_error()],
            _ => return Err(format!("{key} is not known").into()),
        };
        case.close(key, &got, &numbers(want)?, tolerance);
        Ok(())
    })
}

/// "exponential(1), n=20, mean, 1000 data sets, 999 resamples: BCa 95 % covers 0.90..0.95; percentile 0.88..0.93": every
/// number is the file's.
fn coverage(case: &mut Case, design: &str) -> Outcome {
    let split = design.replace("..", " ");
    let all: Vec<f64> = split
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .filter_map(|word| word.trim_matches('.').parse().ok())
        .collect();
    let [rate, n, sets, replicates, percent, bca_low, bca_high, percentile_low, percentile_high] = all[..] else {
        return Err(format!("the design has {} numbers: {design}", all.len()).into());
    };
    if !(design.starts_with("exponential(") && design.contains("mean")) {
        return Err(format!("the design is not known: {design}").into());
    }
    let units = SamplingUnits::rows(n as usize)?;
    let (generator, truth) = (Generator::new(20, "coverage"), 1.0 / rate);
    let (mut bca, mut percentile) = (0.0, 0.0);
    for set in 0..sets as u64 {
        let mut stream = generator.stream(set);
        let x: Vec<f64> = (0..n as usize).map(|_| stream.exponential() / rate).collect();
        let bootstrap = Bootstrap::default().with_replicates(replicates as usize).with_seed(set);
        let of_rows = |rows: &[usize]| rows.iter().map(|i| x[*i]).sum::<f64>() / rows.len() as f64;
        let distribution = bootstrap.distribution(&units, of_rows)?;
        for (interval, hits) in [(BootstrapInterval::Bca, &mut bca), (BootstrapInterval::Percentile, &mut percentile)] {
            *hits += f64::from(u8::from(distribution.interval(interval, percent / 100.0)?.covers(truth))) / sets;
        }
    }
    let within = |share: f64, low: f64, high: f64| share >= low && share <= high;
    case.holds("bca", within(bca, bca_low, bca_high), &format!("covers {bca:.3}"));
    let ok = within(percentile, percentile_low, percentile_high);
    case.holds("percentile", ok, &format!("covers {percentile:.3}"));
    Ok(())
}
