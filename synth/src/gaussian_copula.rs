//! The Gaussian copula: a synthetic table with the real one's margins, correlations and pattern of missing values.

use crate::correlation::{Square, pearson};
use crate::error::within;
use crate::margin::{Margin, Scores, levels, numeric};
use crate::table::{Column, Table};
use crate::{Error, Result};
use eir_core::Limits;
use eir_core::distribution::normal_quantile;
use eir_core::random::Generator;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Rows that are drawn from one random stream: what [`GaussianCopula::chunk`] gives.
pub const CHUNK_ROWS: usize = 1024;

/// Draws as many rows as `table` has from a Gaussian copula with the default settings.
///
/// ```
/// use eir_synth::{fidelity, simulated_patients, synthesise};
/// let real = simulated_patients(2000, 1)?.table;
/// let synthetic = synthesise(&real, 7)?;
/// assert_eq!(synthetic.rows(), 2000);
/// assert!(fidelity(&real, &synthetic)?.overall.unwrap() > 0.93);
/// # Ok::<(), eir_synth::Error>(())
/// ```
///
/// # Errors
/// As [`GaussianCopulaConfig::fit`].
pub fn synthesise(table: &Table, seed: u64) -> Result<Table> {
    GaussianCopulaConfig::default().fit(table)?.sample(table.rows(), seed)
}

/// Settings of a [`GaussianCopula`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct GaussianCopulaConfig {
    /// A number with at least this share of a column's values is a spike (no visits, no capital gain): it keeps its
    /// share, and nothing is made up between it and its neighbours. Above 0 to 1. Default 0.05.
    pub spike_share: f64,
}

impl Default for GaussianCopulaConfig {
    fn default() -> Self {
        Self { spike_share: 0.05 }
    }
}

impl GaussianCopulaConfig {
    /// Sets [`spike_share`](Self::spike_share).
    #[must_use]
    pub fn with_spike_share(self, spike_share: f64) -> Self {
        Self { spike_share }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        within("spike_share", self.spike_share, f64::MIN_POSITIVE, 1.0, "above 0 and at most 1")
    }

    /// Learns margins, missingness and correlations of `table`.
    ///
    /// # Errors
    /// [`Error::TooShort`] for less than 2 rows or no column; [`Error::Unsupported`] names a column that looks like an
    /// identifier; [`Error::Parameter`].
    pub fn fit(&self, table: &Table) -> Result<GaussianCopula> {
        self.validate()?;
        table.check_rows(2)?;
        table.check_no_identifier()?;
        let mut latents: Vec<Latent> = table
            .columns()
            .par_iter()
            .enumerate()
            .flat_map_iter(|(at, column)| {
                let missing = column.missing();
                let partly = missing > 0 && missing < column.len();
                let flags = partly.then(|| {
                    let flag = |v: &Option<f64>| Some(f64::from(u8::from(v.is_none())));
                    let codes: Vec<Option<f64>> = column.numbers().iter().map(flag).collect();
                    Latent::new(at, true, levels(&codes, &[0, 1]))
                });
                let values = column.numbers();
                let learnt = match column.levels().len() as u32 {
                    _ if column.is_numeric() => numeric(&values, self.spike_share),
                    count => levels(&values, &(0..count).collect::<Vec<_>>()),
                };
                flags.into_iter().chain([Latent::new(at, false, learnt)])
            })
            .collect();
        arrange_levels(table, &mut latents);
        let pairs: Vec<(usize, usize)> = (0..latents.len()).flat_map(|i| (0..i).map(move |j| (i, j))).collect();
        let found: Vec<f64> = pairs.par_iter().map(|(i, j)| correlation(latents.get(*i), latents.get(*j))).collect();
        let mut matrix = Square::identity(latents.len());
        for ((i, j), rho) in pairs.into_iter().zip(found) {
            matrix.set(i, j, rho);
            matrix.set(j, i, rho);
        }
        // what a missing value would have been is unknown: missing at random given the other columns
        let flags: Vec<(usize, usize)> = (0..latents.len())
            .filter(|i| latents.get(*i).is_some_and(|l| l.is_flag))
            .filter_map(|i| {
                Some((
                    i,
                    latents.iter().position(|l| !l.is_flag && l.column == latents.get(i).map_or(0, |f| f.column))?,
                ))
            })
            .collect();
        for _ in 0..3 {
            flags.iter().for_each(|(flag, value)| matrix.complete(*flag, *value));
        }
        let correlation = matrix.repaired();
        for (flag, value) in flags {
            let cut = latents.get(flag).and_then(|l| l.margin.first_cut());
            if let (Some(cut), Some(latent)) = (cut, latents.get_mut(value)) {
                latent.margin.select(cut, correlation.at(flag, value));
            }
        }
        let factor = correlation.cholesky().unwrap_or_else(|| Square::identity(latents.len()));
        let layout = table.columns().iter().map(|c| c.with_numbers(std::iter::empty())).collect();
        let variables =
            latents.into_iter().map(|l| Variable { column: l.column, is_flag: l.is_flag, margin: l.margin });
        Ok(GaussianCopula { layout, variables: variables.collect(), correlation, factor })
    }
}

/// A fitted Gaussian copula.
///
/// **Use it** as the first synthetic table: fast, no tuning, keeps margins, correlations, and values that are missing
/// because of other columns. **Not** where interactions matter (three-way effects, rules between columns such as "only
/// women are pregnant"), and **not** as protection of privacy: it is not differentially private, its margins hold values
/// of real patients, and the fitted model is to be handled like the table.
///
/// # Formula
/// Each column is a function of a standard normal number: levels are its intervals between cumulative cut points, numbers
/// run along the empirical quantiles (straight lines between mid-ranks; spikes keep their interval). A column with
/// missing values has a second normal number that says whether it is missing; what is missing is taken to be independent
/// of its value given the other columns, and the margin is corrected for the selection. The numbers correlate by Σ: the correlation
/// of the scores E\[z | interval\] on pairwise complete rows, corrected for their coarseness by Mehler's expansion
/// (polychoric where both are levels), then repaired to be positive definite (eigenvalues at least 1e-6, unit diagonal).
/// Levels without an order are arranged by the column that differs most between them.
/// Sampling: z = L g with Σ = L Lᵀ and g from one random stream per 1024 rows.
///
/// # Examples
/// ```
/// use eir_synth::{GaussianCopulaConfig, simulated_patients};
/// let real = simulated_patients(3000, 1)?;
/// let copula = GaussianCopulaConfig::default().fit(&real.table)?;
/// // the latent correlation of age and systolic pressure, planted as 0.5
/// let rho = copula.correlation_of("age", "systolic_mmhg")?;
/// assert!((rho - 0.5).abs() < 0.05);
/// assert_eq!(copula.sample(10, 3)?, copula.sample(10, 3)?);
/// # Ok::<(), eir_synth::Error>(())
/// ```
///
/// # Validation
/// Latent correlations of simulated patients (mixed kinds, 12 % missing) are found within 0.05 (tests); normal scores
/// and their correlation agree with SciPy 1.17.1 within 1e-10 (`tests/golden.rs`);
/// same bytes on 1, 2 and 8 threads (`tests/robustness.rs`).
///
/// # References
/// 1. Nelsen 2006, doi:10.1007/0-387-28678-0. 2. Patki, Wedge, Veeramachaneni 2016, doi:10.1109/DSAA.2016.49.
/// 3. Olsson 1979, doi:10.1007/BF02296207 (polychoric correlation).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GaussianCopula {
    /// The columns without rows.
    layout: Vec<Column>,
    variables: Vec<Variable>,
    correlation: Square,
    factor: Square,
}

/// One of the copula's normal numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Variable {
    column: usize,
    /// Says whether the column is missing, instead of its value.
    is_flag: bool,
    margin: Margin,
}

/// A variable that is being learnt.
struct Latent {
    column: usize,
    is_flag: bool,
    margin: Margin,
    scores: Scores,
}

impl Latent {
    fn new(column: usize, is_flag: bool, (margin, scores): (Margin, Scores)) -> Self {
        Self { column, is_flag, margin, scores }
    }
}

/// The latent correlation of two variables; 0 where nothing can be known (a flag and the values that it hides).
fn correlation(a: Option<&Latent>, b: Option<&Latent>) -> f64 {
    let (Some(a), Some(b)) = (a, b) else { return 0.0 };
    if a.column == b.column || a.scores.is_constant() || b.scores.is_constant() {
        return 0.0;
    }
    pearson(&a.scores.rows, &b.scores.rows).map_or(0.0, |observed| a.scores.latent(&b.scores, observed))
}

/// Puts levels that have no order of their own (three or more, not all numbers) in the order of the mean score of the
/// variable that differs most between them.
fn arrange_levels(table: &Table, latents: &mut [Latent]) {
    let nominal = |column: &Column| {
        let levels = column.levels();
        levels.len() > 2 && !levels.iter().all(|l| l.parse::<f64>().is_ok())
    };
    let is_guide = |l: &Latent| l.is_flag || table.columns().get(l.column).is_some_and(|c| !nominal(c));
    let mut arranged = Vec::new();
    for (at, latent) in latents.iter().enumerate() {
        let Some(column) = table.columns().get(latent.column).filter(|c| !latent.is_flag && nominal(c)) else {
            continue;
        };
        let codes = column.numbers();
        let count = column.levels().len();
        let mut best: (f64, Vec<f64>) = (0.0, Vec::new());
        for guide in latents.iter().filter(|l| is_guide(l) && l.column != latent.column && !l.scores.is_constant()) {
            let mut sums = vec![(0.0, 0.0); count];
            for (code, score) in codes.iter().zip(&guide.scores.rows) {
                if let (Some(code), Some(score)) = (code, score)
                    && let Some((sum, n)) = sums.get_mut(*code as usize)
                {
                    *sum += score;
                    *n += 1.0;
                }
            }
            let (sum, n) = sums.iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
            let mean = if n > 0.0 { sum / n } else { 0.0 };
            let means: Vec<f64> = sums.iter().map(|(s, n)| if *n > 0.0 { s / n } else { mean }).collect();
            let between: f64 =
                means.iter().zip(&sums).map(|(m, (_, n))| n * (m - mean).powi(2)).sum::<f64>() / n.max(1.0);
            if between > best.0 {
                best = (between, means);
            }
        }
        if best.1.is_empty() {
            continue;
        }
        let mut order: Vec<u32> = (0..count as u32).collect();
        let mean = |level: &u32| best.1.get(*level as usize).copied().unwrap_or_default();
        order.sort_by(|a, b| mean(a).total_cmp(&mean(b)).then(a.cmp(b)));
        arranged.push((at, levels(&codes, &order)));
    }
    for (at, (margin, scores)) in arranged {
        if let Some(latent) = latents.get_mut(at) {
            latent.margin = margin;
            latent.scores = scores;
        }
    }
}

impl GaussianCopula {
    /// `rows` new rows. More rows from the same seed begin with the same rows.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] if they would take more than 16 GiB.
    pub fn sample(&self, rows: usize, seed: u64) -> Result<Table> {
        let size = [rows as u64, self.layout.len() as u64, 16];
        Limits::default().with_bytes(16 << 30).product("synthetic table (bytes)", &size)?;
        let random = Generator::new(seed, "gaussian copula");
        let chunks = rows.div_ceil(CHUNK_ROWS).max(1);
        let drawn: Vec<Vec<Vec<Option<f64>>>> = (0..chunks)
            .into_par_iter()
            .map(|c| self.draw(&random, c as u64, (rows - c * CHUNK_ROWS).min(CHUNK_ROWS)))
            .collect();
        let columns = self.layout.iter().enumerate().map(|(at, column)| {
            let values = drawn.iter().filter_map(|chunk| chunk.get(at)).flatten().copied();
            column.with_numbers(values)
        });
        Table::new(columns.collect())
    }

    /// Rows `index` × 1024 to the next 1024 of the endless table of `seed`: for tables that do not fit in memory.
    ///
    /// # Errors
    /// None today; the signature leaves room.
    pub fn chunk(&self, index: u64, seed: u64) -> Result<Table> {
        let drawn = self.draw(&Generator::new(seed, "gaussian copula"), index, CHUNK_ROWS);
        Table::new(self.layout.iter().zip(drawn).map(|(c, v)| c.with_numbers(v.into_iter())).collect())
    }

    /// The latent correlation of the values of two columns.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if there is no such column.
    pub fn correlation_of(&self, first: &str, second: &str) -> Result<f64> {
        Ok(self.correlation.at(self.variable(first)?, self.variable(second)?))
    }

    /// The names of the variables in the order of [`correlation`](Self::correlation): a column's name, or that name and
    /// "missing".
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        let name = |v: &Variable| {
            let column = self.layout.get(v.column).map_or("", |c| c.name.as_str());
            if v.is_flag { format!("{column} missing") } else { column.to_owned() }
        };
        self.variables.iter().map(name).collect()
    }

    /// The latent correlation matrix by rows, in the order of [`variables`](Self::variables).
    #[must_use]
    pub fn correlation(&self) -> Vec<Vec<f64>> {
        self.correlation.rows().map(<[f64]>::to_vec).collect()
    }

    fn variable(&self, name: &str) -> Result<usize> {
        let is_it = |v: &Variable| !v.is_flag && self.layout.get(v.column).is_some_and(|c| c.name == name);
        let missing = || eir_core::error::Mismatch::new("columns of the copula", format!("one named {name}"), "none");
        self.variables.iter().position(is_it).ok_or_else(|| Error::from(missing()))
    }

    /// The values of `rows` rows of chunk `index`, by column.
    fn draw(&self, random: &Generator, index: u64, rows: usize) -> Vec<Vec<Option<f64>>> {
        let mut stream = random.stream(index);
        let mut out: Vec<Vec<Option<f64>>> = self.layout.iter().map(|_| Vec::with_capacity(rows)).collect();
        let mut g = vec![0.0; self.variables.len()];
        let mut is_missing = vec![false; self.layout.len()];
        for _ in 0..rows {
            g.iter_mut().for_each(|v| *v = stream.normal());
            is_missing.fill(false);
            for (variable, (i, weights)) in self.variables.iter().zip(self.factor.rows().enumerate()) {
                let z: f64 = weights.iter().zip(&g).take(i + 1).map(|(a, b)| a * b).sum();
                let value = variable.margin.value(z);
                if variable.is_flag {
                    if let Some(missing) = is_missing.get_mut(variable.column) {
                        *missing = value == Some(1.0);
                    }
                } else if let Some(to) = out.get_mut(variable.column) {
                    let hidden = is_missing.get(variable.column).copied().unwrap_or_default();
                    to.push(value.filter(|_| !hidden));
                }
            }
        }
        out
    }
}

/// A table of simulated patients and the correlations that were planted in it.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedPatients {
    /// age, sex, bmi, systolic_mmhg, hba1c_mmol_mol, smoking, visits, diabetes.
    pub table: Table,
    /// The columns whose latent correlation is known, in the order of `correlation`.
    pub variables: Vec<&'static str>,
    /// The planted latent correlation, by rows.
    pub correlation: Vec<Vec<f64>>,
}

/// Simulates `rows` patients with a mixed-type table whose law is known: a Gaussian copula with planted correlations, in
/// which HbA1c is missing in about one patient in eight, more often in those without diabetes.
///
/// ```
/// let patients = eir_synth::simulated_patients(500, 1)?;
/// assert_eq!((patients.table.rows(), patients.table.columns().len()), (500, 8));
/// assert!(patients.table.column("hba1c_mmol_mol")?.missing() > 20);
/// # Ok::<(), eir_synth::Error>(())
/// ```
///
/// # Errors
/// [`Error::LimitExceeded`] for more than 50 million rows.
pub fn simulated_patients(rows: usize, seed: u64) -> Result<SimulatedPatients> {
    use crate::table::Values;
    const NAMES: [&str; 7] = ["age", "bmi", "systolic_mmhg", "hba1c_mmol_mol", "smoking", "visits", "diabetes"];
    const PLANTED: [(usize, usize, f64); 12] = [
        (0, 1, 0.15),
        (0, 2, 0.5),
        (0, 3, 0.3),
        (0, 4, -0.1),
        (0, 5, 0.35),
        (0, 6, 0.35),
        (1, 2, 0.25),
        (1, 3, 0.3),
        (1, 6, 0.35),
        (2, 3, 0.2),
        (3, 6, 0.7),
        (5, 6, 0.3),
    ];
    Limits::default().with_items(50_000_000).check_items("rows", rows as u64)?;
    let mut matrix = Square::identity(NAMES.len());
    for (i, j, rho) in PLANTED {
        matrix.set(i, j, rho);
        matrix.set(j, i, rho);
    }
    let matrix = matrix.repaired();
    let factor = matrix.cholesky().unwrap_or_else(|| Square::identity(NAMES.len()));
    let random = Generator::new(seed, "simulated patients");
    let tenth = |v: f64| (v * 10.0).round() / 10.0;
    let (mut age, mut bmi, mut systolic, mut hba1c) = (vec![], vec![], vec![], vec![]);
    let (mut smoking, mut visits, mut diabetes, mut sex) = (vec![], vec![], vec![], vec![]);
    let some_diabetes = normal_quantile(0.85);
    for row in 0..rows {
        let mut stream = random.stream(row as u64);
        let g: [f64; 7] = std::array::from_fn(|_| stream.normal());
        let mut z = [0.0; 7];
        for (to, weights) in z.iter_mut().zip(factor.rows()) {
            *to = weights.iter().zip(&g).map(|(a, b)| a * b).sum();
        }
        let [a, b, s, h, k, v, d] = z;
        age.push(Some((55.0 + 15.0 * a).clamp(18.0, 98.0).round() as i64));
        bmi.push(Some(tenth(26.0 * libm::exp(0.17 * b))));
        systolic.push(Some((132.0 + 16.0 * s).round().max(70.0) as i64));
        smoking.push(Some(if k < normal_quantile(0.55) {
            0
        } else if k < normal_quantile(0.85) {
            1
        } else {
            2
        }));
        // a third has no visit
        visits.push(Some((2.5 * (v - normal_quantile(0.35))).max(0.0).ceil() as i64));
        diabetes.push(Some(d > some_diabetes));
        let missing = stream.chance(if d > some_diabetes { 0.02 } else { 0.14 });
        hba1c.push((!missing).then(|| tenth(37.0 * libm::exp(0.16 * h))));
        sex.push(Some(u32::from(stream.chance(0.47))));
    }
    let levels = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    let columns = vec![
        Column::new("age", Values::Integer(age)),
        Column::new("sex", Values::Categorical { codes: sex, levels: levels(&["F", "M"]) }),
        Column::new("bmi", Values::Continuous { values: bmi, decimals: 1 }),
        Column::new("systolic_mmhg", Values::Integer(systolic)),
        Column::new("hba1c_mmol_mol", Values::Continuous { values: hba1c, decimals: 1 }),
        Column::new("smoking", Values::Categorical { codes: smoking, levels: levels(&["0", "1", "2"]) }),
        Column::new("visits", Values::Integer(visits)),
        Column::new("diabetes", Values::Boolean(diabetes)),
    ];
    let correlation = matrix.rows().map(<[f64]>::to_vec).collect();
    Ok(SimulatedPatients { table: Table::new(columns)?, variables: NAMES.to_vec(), correlation })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Values;

    #[test]
    fn planted_correlations_are_found_across_kinds() {
        let patients = simulated_patients(20_000, 5).unwrap();
        let copula = GaussianCopulaConfig::default().fit(&patients.table).unwrap();
        for (i, a) in patients.variables.iter().enumerate() {
            for (j, b) in patients.variables.iter().enumerate().take(i) {
                let (got, want) = (copula.correlation_of(a, b).unwrap(), patients.correlation[i][j]);
                // HbA1c is missing by diabetes, which shifts what is left of it a little
                assert!((got - want).abs() < 0.05, "{a} {b}: {got} {want}");
            }
        }
    }

    #[test]
    fn missing_because_of_another_column_stays_so() {
        let real = simulated_patients(20_000, 6).unwrap().table;
        let synthetic = synthesise(&real, 1).unwrap();
        let share = |table: &Table, diabetic: bool| {
            let Values::Boolean(diabetes) = &table.column("diabetes").unwrap().values else { panic!("boolean") };
            let hba1c = table.column("hba1c_mmol_mol").unwrap().numbers();
            let rows: Vec<bool> = (diabetes.iter().zip(hba1c.iter()))
                .filter(|(d, _)| **d == Some(diabetic))
                .map(|(_, h)| h.is_none())
                .collect();
            rows.iter().filter(|m| **m).count() as f64 / rows.len() as f64
        };
        for diabetic in [true, false] {
            let (r, s) = (share(&real, diabetic), share(&synthetic, diabetic));
            assert!((r - s).abs() < 0.02, "{diabetic}: {r} {s}");
        }
    }

    #[test]
    fn a_longer_sample_begins_with_the_shorter_and_is_made_of_chunks() {
        let copula = GaussianCopulaConfig::default().fit(&simulated_patients(300, 1).unwrap().table).unwrap();
        let long = copula.sample(2100, 9).unwrap();
        let short = copula.sample(1100, 9).unwrap();
        for (a, b) in long.columns().iter().zip(short.columns()) {
            assert_eq!(a.numbers()[..1100], b.numbers()[..]);
        }
        let chunks: Vec<Table> = (0..2).map(|i| copula.chunk(i, 9).unwrap()).collect();
        let joined = Table::concatenated(&chunks).unwrap();
        assert_eq!(joined.columns()[3].numbers()[..2048], long.columns()[3].numbers()[..2048]);
    }

    #[test]
    fn odd_tables() {
        let fit = |columns: Vec<Column>| GaussianCopulaConfig::default().fit(&Table::new(columns).unwrap());
        let number = |values: Vec<Option<f64>>| Column::new("x", Values::Continuous { values, decimals: 2 });
        assert!(fit(vec![]).is_err());
        assert!(fit(vec![number(vec![Some(1.0)])]).is_err());
        let all_missing = fit(vec![number(vec![None; 5])]).unwrap().sample(3, 0).unwrap();
        assert_eq!(all_missing.columns()[0].missing(), 3);
        let constant = fit(vec![number(vec![Some(2.0); 5])]).unwrap().sample(3, 0).unwrap();
        assert_eq!(constant.columns()[0].numbers()[..], [Some(2.0); 3]);
        let ids = Values::Categorical {
            codes: (0..60).map(Some).collect(),
            levels: (0..60).map(|i| format!("P{i}")).collect(),
        };
        let error = fit(vec![Column::new("cpr", ids)]).unwrap_err().to_string();
        assert!(error.contains("cpr") && !error.contains("P1"), "{error}");
        let same: Vec<Option<f64>> = (0..50).map(|i| Some(f64::from(i))).collect();
        let twins = vec![number(same.clone()), Column::new("y", Values::Continuous { values: same, decimals: 0 })];
        let copula = fit(twins).unwrap();
        assert!(copula.correlation_of("x", "y").unwrap() > 0.99);
        assert_eq!(copula.sample(0, 0).unwrap().rows(), 0);
    }
}
