//! Reference values of `eir-synth`: what is compared comes from the reference files alone.
use eir_core::Limits;
use eir_core::testing::golden::{Case, Golden, Outcome, Tolerance, entry, number, numbers};
use eir_synth::measures::{
    boundary_adherence, category_adherence, category_coverage, correlation_similarity, ks_complement, mean, median,
    missing_similarity, normal_scores, pearson, range_coverage, spearman, standard_deviation, statistic_similarity,
    tv_complement, wasserstein,
};
use eir_synth::{
    Closeness, CrossTable, CsvConfig, EcgWaves, FidelityConfig, Kind, LfSource, Table, closeness, scaled_mv,
};
use serde_json::Value;
use std::error::Error;
use std::path::PathBuf;

fn main() -> std::process::ExitCode {
    Golden::from_args("synth")
        .case("ecg_mcsharry.json", ecg)
        .case("lf_glottal.json", glottis)
        .case("tables_*.json", tables)
        .case("leak.json", leak)
        .run()
}

/// What the reference's README allows.
const FLOAT: Tolerance = Tolerance::Both(1e-9, 1e-9);
/// The same for scores between 0 and 1, which may be undefined.
const SCORE: Tolerance = Tolerance::Absolute(1e-9);

type Correlation = fn(&[Option<f64>], &[Option<f64>]) -> Option<f64>;

fn one(case: &mut Case, name: &str, got: f64, want: &Value, tolerance: Tolerance) -> Outcome {
    case.value(name, got, number(want)?, tolerance);
    Ok(())
}

fn close(case: &mut Case, name: &str, got: &[f64], want: &Value, tolerance: Tolerance) -> Outcome {
    case.close(name, got, &numbers(want)?, tolerance);
    Ok(())
}

fn skip(case: &mut Case, name: &str) -> Outcome {
    case.skip(name, "not built yet");
    Ok(())
}

/// x, y, z and mV of the dynamical model for given RR intervals.
fn ecg(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    case.walk(entry(&reference, "cases")?, |case, _, values| {
        let rate_hz = number(entry(values, "fs")?)?;
        let waves = EcgWaves::at_rate(number(entry(values, "hr_mean_bpm")?)?);
        let tolerance = Tolerance::absolute(1e-7);
        case.close("theta_rad", &waves.theta_rad, &numbers(entry(values, "theta_rad")?)?, Tolerance::absolute(1e-12));
        case.close("a", &waves.a, &numbers(entry(values, "a")?)?, Tolerance::absolute(1e-12));
        case.close("b", &waves.b_rad, &numbers(entry(values, "b")?)?, Tolerance::absolute(1e-12));
        let [x, y, z] = waves.trajectory(&numbers(entry(values, "rr_s")?)?, rate_hz)?;
        case.close("x", &x, &numbers(entry(values, "x")?)?, tolerance);
        case.close("y", &y, &numbers(entry(values, "y")?)?, tolerance);
        case.close("z", &z, &numbers(entry(values, "z")?)?, tolerance);
        case.close("mv", &scaled_mv(&z), &numbers(entry(values, "mv")?)?, tolerance);
        Ok(())
    })
}

/// The glottal source.
fn glottis(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    case.walk(entry(&reference, "cases")?, |case, _, values| {
        let source = LfSource::new(number(entry(values, "Rd")?)?)?;
        let fields = [
            ("Ra", source.ra),
            ("Rk", source.rk),
            ("Rg", source.rg),
            ("tp", source.tp),
            ("te", source.te),
            ("ta", source.ta),
            ("epsilon", source.epsilon),
            ("alpha", source.alpha),
            ("E0", source.e0),
        ];
        for (name, got) in fields {
            case.value(name, got, number(entry(values, name)?)?, FLOAT);
        }
        let samples: Vec<f64> = (0..64).map(|i| source.at(f64::from(i) / 64.0)).collect();
        case.close("samples_64", &samples, &numbers(entry(values, "samples_64")?)?, FLOAT);
        Ok(())
    })
}

/// What pandas takes for missing.
const PANDAS_MISSING: [&str; 18] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "nan", "null",
];

fn pair_file(case: &Case, name: &str) -> Result<PathBuf, Box<dyn Error>> {
    case.data(name).or_else(|_| case.data(&format!("pairs/{name}")))
}

fn names(value: &Value) -> Result<Vec<String>, Box<dyn Error>> {
    let list = value.as_array().ok_or("expected a list of names")?;
    list.iter().map(|v| Ok(v.as_str().ok_or("expected a name")?.to_owned())).collect()
}

/// Fidelity, single measures and copula of a pair of tables.
fn tables(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let mut csv = CsvConfig::default().with_missing(PANDAS_MISSING);
    for name in names(entry(&reference, "numerical")?)? {
        csv = csv.with_kind(name, Kind::Continuous);
    }
    for name in names(entry(&reference, "categorical")?)? {
        csv = csv.with_kind(name, Kind::Categorical);
    }
    let table = |key: &str| -> Result<Table, Box<dyn Error>> {
        let name = entry(&reference, key)?.as_str().ok_or("expected a file's name")?;
        Ok(csv.read(&pair_file(case, name)?, &Limits::default())?)
    };
    let (real, synthetic, _) = (table("real")?, table("synthetic")?, table("test")?);
    case.walk(&reference, |case, key, value| match key {
        "real" | "synthetic" | "test" | "target" | "numerical" | "categorical" | "z_columns" => Ok(()),
        "n_real" => one(case, key, real.rows() as f64, value, Tolerance::Exact),
        "n_syn" => one(case, key, synthetic.rows() as f64, value, Tolerance::Exact),
        "sdmetrics_quality" => quality(case, value, &real, &synthetic),
        "sdmetrics_diagnostic" => diagnostic(case, value, &real, &synthetic),
        "sdmetrics_single" => single(case, value, &real, &synthetic),
        "one_dimensional" => distances(case, value, &real, &synthetic),
        "copula" => copula(case, value, &real, entry(&reference, "z_columns")?),
        _ => skip(case, key),
    })
}

fn score(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str, Box<dyn Error>> {
    Ok(entry(value, key)?.as_str().ok_or("expected a text")?)
}

/// SDMetrics' quality report.
fn quality(case: &mut Case, value: &Value, real: &Table, synthetic: &Table) -> Outcome {
    let report = FidelityConfig::default().compare(real, synthetic)?;
    case.value("score", score(report.overall), number(entry(value, "score")?)?, SCORE);
    for property in entry(value, "properties")?.as_array().ok_or("expected a list")? {
        let got = match text(property, "Property")? {
            "Column Shapes" => report.shapes,
            "Column Pair Trends" => report.trends,
            other => return Err(format!("an unknown property {other}").into()),
        };
        case.value(text(property, "Property")?, score(got), number(entry(property, "Score")?)?, SCORE);
    }
    let details = entry(value, "details")?;
    case.walk(entry(details, "Column Shapes")?, |case, _, row| {
        let name = text(row, "Column")?;
        let column = report.columns.iter().find(|c| c.name == name).ok_or("no such column")?;
        case.equal("Metric", &format!("{:?}", column.measure).to_lowercase(), &text(row, "Metric")?.to_lowercase());
        case.value(name, score(column.shape), number(entry(row, "Score")?)?, SCORE);
        Ok(())
    })?;
    case.walk(entry(details, "Column Pair Trends")?, |case, _, row| {
        let (first, second) = (text(row, "Column 1")?, text(row, "Column 2")?);
        let pair = report.pairs.iter().find(|p| p.first == first && p.second == second).ok_or("no such pair")?;
        let metric = text(row, "Metric")?;
        case.equal("Metric", &format!("{:?}", pair.measure).to_lowercase(), &metric.to_lowercase());
        let strength = if metric == "CorrelationSimilarity" { "Real Correlation" } else { "Real Association" };
        case.value("Score", score(pair.score), number(entry(row, "Score")?)?, SCORE);
        case.value("Real", score(pair.real), number(entry(row, strength)?)?, SCORE);
        case.value(
            "Synthetic Correlation",
            score(pair.synthetic),
            number(entry(row, "Synthetic Correlation")?)?,
            SCORE,
        );
        case.equal(
            "Meets Threshold?",
            &pair.score.is_some(),
            &entry(row, "Meets Threshold?")?.as_bool().unwrap_or_default(),
        );
        Ok(())
    })
}

/// SDMetrics' diagnostic report: validity of the values.
fn diagnostic(case: &mut Case, value: &Value, real: &Table, synthetic: &Table) -> Outcome {
    let report = FidelityConfig::default().compare(real, synthetic)?;
    let adherence: Vec<f64> = report.columns.iter().filter_map(|c| c.adherence).collect();
    for property in entry(value, "properties")?.as_array().ok_or("expected a list")? {
        match text(property, "Property")? {
            "Data Validity" => {
                case.value("Data Validity", score(mean(&adherence)), number(entry(property, "Score")?)?, SCORE)
            }
            other => case.skip(other, "not built yet"),
        }
    }
    case.walk(entry(entry(value, "details")?, "Data Validity")?, |case, _, row| {
        let name = text(row, "Column")?;
        let column = report.columns.iter().find(|c| c.name == name).ok_or("no such column")?;
        case.value(name, score(column.adherence), number(entry(row, "Score")?)?, SCORE);
        Ok(())
    })
}

/// Every measure of a column and of a pair.
fn single(case: &mut Case, value: &Value, real: &Table, synthetic: &Table) -> Outcome {
    case.walk(entry(value, "columns")?, |case, name, measures| {
        let (r, s) = (real.column(name)?, synthetic.column(name)?);
        let (x, y) = (r.numbers(), s.numbers());
        case.walk(measures, |case, measure, want| {
            let got = match measure {
                "KSComplement" => ks_complement(&x, &y),
                "BoundaryAdherence" => boundary_adherence(&x, &y),
                "RangeCoverage" => range_coverage(&x, &y),
                "MissingValueSimilarity" => missing_similarity(r, s),
                "TVComplement" => tv_complement(r, s),
                "CategoryAdherence" => category_adherence(r, s),
                "CategoryCoverage" => category_coverage(r, s),
                "StatisticSimilarity_mean" => statistic_similarity(&x, &y, mean),
                "StatisticSimilarity_median" => statistic_similarity(&x, &y, median),
                "StatisticSimilarity_std" => statistic_similarity(&x, &y, standard_deviation),
                _ => return skip(case, measure),
            };
            one(case, measure, score(got), want, SCORE)
        })
    })?;
    case.walk(entry(value, "pairs")?, |case, key, want| {
        let parts: Vec<&str> = key.split('|').collect();
        let [first, second, measure] = parts[..] else { return skip(case, key) };
        let of = |table: &Table, f: Correlation| -> Result<_, Box<dyn Error>> {
            Ok(f(&table.column(first)?.numbers(), &table.column(second)?.numbers()))
        };
        let got = match measure {
            "CorrelationSimilarity_Pearson" => correlation_similarity(of(real, pearson)?, of(synthetic, pearson)?),
            "CorrelationSimilarity_Spearman" => correlation_similarity(of(real, spearman)?, of(synthetic, spearman)?),
            "ContingencySimilarity" => {
                let cross = |t: &Table| Ok::<_, eir_synth::Error>(CrossTable::new(t.column(first)?, t.column(second)?));
                cross(real)?.similarity(&cross(synthetic)?)
            }
            _ => return skip(case, measure),
        };
        one(case, key, score(got), want, SCORE)
    })
}

/// One-dimensional distances.
fn distances(case: &mut Case, value: &Value, real: &Table, synthetic: &Table) -> Outcome {
    case.walk(value, |case, name, measures| {
        let (x, y) = (real.column(name)?.numbers(), synthetic.column(name)?.numbers());
        case.walk(measures, |case, measure, want| {
            let got = match measure {
                "ks" => ks_complement(&x, &y).map(|v| 1.0 - v),
                "wasserstein" => wasserstein(&x, &y),
                _ => return skip(case, measure),
            };
            one(case, measure, score(got), want, FLOAT)
        })
    })
}

/// Correlations that a Gaussian copula rests on.
fn copula(case: &mut Case, value: &Value, real: &Table, z_columns: &Value) -> Outcome {
    let columns = |list: &Value| -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
        let column = |n: &String| Ok(real.column(n)?.numbers().iter().flatten().copied().collect());
        names(list)?.iter().map(column).collect()
    };
    let matrix = |columns: &[Vec<f64>], f: Correlation| -> Vec<f64> {
        let all: Vec<Vec<Option<f64>>> = columns.iter().map(|c| c.iter().map(|v| Some(*v)).collect()).collect();
        all.iter().flat_map(|a| all.iter().map(move |b| score(f(a, b)))).collect()
    };
    let z = columns(z_columns)?;
    case.walk(value, |case, key, want| match key {
        "rank_normal_scores_correlation" => {
            let scores: Vec<Vec<f64>> = z.iter().map(|c| normal_scores(c)).collect();
            close(case, key, &matrix(&scores, pearson), want, Tolerance::absolute(1e-10))
        }
        "spearman" if !want.is_null() => close(case, key, &matrix(&z, spearman), want, FLOAT),
        _ => skip(case, key),
    })
}

/// Share of distances below the fresh rows' quantile, without and with those that tie with it: where rows lie on a grid,
/// the last bit decides which ties count, and the reference is "exact up to ties".
fn ties(of: &Closeness, distances: &[f64], level: f64) -> (f64, f64) {
    let limit = score(eir_core::metrics::sorted_quantile(&of.fresh_to_training, level));
    let share = |limit: f64| distances.partition_point(|d| *d <= limit) as f64 / distances.len() as f64;
    (share(limit - 1e-9), share(limit + 1e-9))
}

fn within(case: &mut Case, name: &str, value: f64, (low, high): (f64, f64)) {
    let inside = (low - 1e-9..=high + 1e-9).contains(&value);
    case.holds(name, inside, &format!("{value} is not in {low} … {high}"));
}

/// Distances to the training table, with a planted leak among them.
fn leak(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    case.walk(&reference, |case, key, value| {
        let csv = CsvConfig::default().with_missing(PANDAS_MISSING).with_max_codes(0);
        let read = |name: &str| -> Result<Table, Box<dyn Error>> {
            Ok(csv.read(&pair_file(case, name)?, &Limits::default())?)
        };
        let source = key.split('_').next().unwrap_or(key);
        let training = read(&format!("{source}_real.csv"))?;
        let (synthetic, fresh) = (read(&format!("{key}.csv"))?, read(&format!("{source}_test.csv"))?);
        let got: Closeness = closeness(&training, &synthetic, &fresh)?;
        let quantiles = |sorted: &[f64], levels: &[f64]| -> Vec<f64> {
            levels.iter().map(|q| score(eir_core::metrics::sorted_quantile(sorted, *q))).collect()
        };
        let rows = [training.rows(), synthetic.rows(), fresh.rows()].map(|n| n as f64);
        case.walk(value, |case, name, want| match name {
            "columns" => {
                case.equal(name, &got.columns, &names(want)?);
                Ok(())
            }
            "rows" => close(case, name, &rows, want, Tolerance::Exact),
            "excess_over_null_5_percent_in_se" => {
                let (share, null) = (ties(&got, &got.to_training, 0.05), ties(&got, &got.fresh_to_training, 0.05));
                let error = (0.05 * 0.95 * (1.0 / rows[1] + 1.0 / rows[2])).sqrt();
                within(case, name, number(want)?, ((share.0 - null.1) / error, (share.1 - null.0) / error));
                within(case, "our own excess", got.excess_se, ((share.0 - null.1) / error, (share.1 - null.0) / error));
                Ok(())
            }
            _ => {
                let share = name.strip_prefix("share_syn_at_or_below_test_quantile_");
                if let Some(level) = share {
                    let level = level.parse()?;
                    let bounds = ties(&got, &got.to_training, level);
                    within(case, name, number(want)?, bounds);
                    within(case, "our own share", got.share_below(level), bounds);
                    return Ok(());
                }
                let levels = |prefix: &str| -> Option<Vec<f64>> {
                    let list = name.strip_prefix(prefix)?.strip_prefix("_to_train_quantiles_")?;
                    list.split('_').map(|p| p.parse::<f64>().ok().map(|v| v / 100.0)).collect()
                };
                let own = levels("syn").map(|q| quantiles(&got.to_training, &q));
                match own.or_else(|| levels("test").map(|q| quantiles(&got.fresh_to_training, &q))) {
                    Some(own) => close(case, name, &own, want, FLOAT),
                    None => skip(case, name),
                }
            }
        })
    })
}
