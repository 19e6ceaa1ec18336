//! A synthetic table from a real one, how faithful it is, and the patients that the crate simulates.

use super::study::{Context, Outcome, Study};
use eir_core::Limits;
use eir_core::svg::{Anchor, Axis, Colour, Svg};
use eir_synth::measures::pearson;
use eir_synth::{
    Column, CsvConfig, CtgConfig, EcgConfig, Fidelity, GaussianCopulaConfig, Kind, KneeExerciseConfig,
    KneeVolumeConfig, Table, VoiceConfig, ctg, ecg, fidelity, knee_exercise, knee_volume, simulated_patients, voice,
};

const SEED: u64 = 1;
/// Names of the columns of the UCI heart disease file, whose header line says only X1 to X14.
const HEART: [&str; 14] = [
    "age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak", "slope", "ca", "thal",
    "num",
];

pub(crate) fn run(context: &Context) -> Outcome {
    context.step("read the table");
    let (real, input) = match &context.data {
        Some(folder) => {
            let path = folder.join("synth/tables/heart_cleveland.data");
            let mut csv = CsvConfig::default().with_names(HEART);
            for name in ["age", "trestbps", "chol", "thalach", "oldpeak"] {
                csv = csv.with_kind(name, Kind::Continuous);
            }
            let table = csv.read(&path, &Limits::default()).map_err(|e| {
                format!("{}: {e}; put the UCI heart disease file processed.cleveland.data there", path.display())
            })?;
            (table, "UCI heart disease, Cleveland (CC BY 4.0, doi:10.24432/C52P4X)".to_owned())
        }
        None => (simulated_patients(2000, SEED)?.table, format!("simulated patients, seed {SEED}")),
    };
    let mut study = Study::new("A synthetic table of patients", &input);
    context.step("fit and sample the copula");
    let copula = GaussianCopulaConfig::default().fit(&real)?;
    let synthetic = copula.sample(real.rows(), SEED)?;
    context.step("measure fidelity");
    let report = fidelity(&real, &synthetic)?;
    let overall = report.overall.ok_or("the fidelity of this table is not defined: it has no values")?;
    let number = |study: &mut Study, id: &str, label: &str, value: Option<f64>, note: &str| {
        if let Some(value) = value {
            study.number(id, label, value, "", 3, "eir_synth::fidelity", note);
        }
    };
    study.number("rows", "rows", real.rows() as f64, "", 0, "eir_synth::Table", "real, and as many synthetic");
    number(&mut study, "fidelity_overall", "fidelity", report.overall, "1 is alike; mean of shapes and trends");
    number(&mut study, "fidelity_shapes", "column shapes", report.shapes, "");
    number(&mut study, "fidelity_trends", "pair trends", report.trends, "of the pairs that are dependent");
    number(&mut study, "fidelity_missing", "missing values", report.missing, "");
    study.svg("Each column in the real (blue) and the synthetic table (orange)", margins(&real, &synthetic));
    let numeric: Vec<&Column> = real.columns().iter().filter(|c| c.is_numeric()).collect();
    if numeric.len() > 1 {
        study.svg("Correlation of the columns of numbers", correlations(&real, &synthetic));
    }
    study.table(
        "Fidelity by column",
        &["column", "kind", "missing", "shape", "in range", "coverage"],
        rows(&real, &report),
    );
    std::fs::create_dir_all(&context.out)?;
    CsvConfig::default().write(&synthetic, &context.out.join("synthetic.csv"))?;
    study.file("synthetic.csv", "the synthetic table");
    context.step("simulate five patients");
    study.svg("Five simulated patients with known truth (seed 1)", gallery()?);
    study.text(
        "Synthetic is not anonymous: a Gaussian copula gives no guarantee of privacy, and its margins hold values of real \
         patients. Not a medical device.",
    );
    study.summary = format!("{} synthetic rows with a fidelity of {overall:.3} to the real ones", synthetic.rows());
    Ok(study)
}

fn rows(real: &Table, report: &Fidelity) -> Vec<Vec<String>> {
    let show = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
    let row = |(c, f): (&Column, &eir_synth::ColumnFidelity)| {
        let kind = format!("{:?}", c.kind()).to_lowercase();
        vec![c.name.clone(), kind, c.missing().to_string(), show(f.shape), show(f.adherence), show(f.coverage)]
    };
    real.columns().iter().zip(&report.columns).map(row).collect()
}

/// Up to 16 columns as small histograms, real and synthetic beside each other.
fn margins(real: &Table, synthetic: &Table) -> String {
    const ACROSS: usize = 4;
    let both: Vec<(&Column, &Column)> = real.columns().iter().zip(synthetic.columns()).take(16).collect();
    let (wide, high) = (190.0, 120.0);
    let height = 24.0 + high * both.len().div_ceil(ACROSS) as f64;
    let mut figure = Svg::new(
        ACROSS as f64 * wide,
        height,
        "Margins of the real and the synthetic table",
        "One small bar chart per column; the bars of both tables are nearly equal where the margin is kept",
    );
    figure.rect(8.0, 6.0, 10.0, 10.0, Colour::Series(0), 1.0);
    figure.text(22.0, 15.0, Anchor::Start, 11.0, Colour::Ink, "real");
    figure.rect(60.0, 6.0, 10.0, 10.0, Colour::Series(1), 1.0);
    figure.text(74.0, 15.0, Anchor::Start, 11.0, Colour::Ink, "synthetic");
    figure.text(140.0, 15.0, Anchor::Start, 11.0, Colour::Muted, "height: share of the rows");
    for (at, (r, s)) in both.into_iter().enumerate() {
        let (left, top) = ((at % ACROSS) as f64 * wide + 8.0, 24.0 + (at / ACROSS) as f64 * high);
        let (bars, ends) = shares(r, s);
        let most = bars.iter().flatten().fold(1e-9f64, |a, b| a.max(*b));
        let y = Axis::new(0.0, most, top + high - 24.0, top + 20.0);
        let x = Axis::new(0.0, bars.len() as f64, left, left + wide - 16.0);
        figure.text(left, top + 12.0, Anchor::Start, 11.0, Colour::Ink, &r.name);
        for (i, pair) in bars.iter().enumerate() {
            let width = (x.at(1.0) - x.at(0.0)) * 0.42;
            for (k, share) in (0u8..).zip(pair) {
                let from = x.at(i as f64) + f64::from(k) * width;
                figure.rect(from, y.at(*share), width, y.at(0.0) - y.at(*share), Colour::Series(k), 0.9);
            }
        }
        figure.line(left, y.at(0.0), left + wide - 16.0, y.at(0.0), Colour::Muted, 1.0);
        let base = top + high - 11.0;
        figure.text(left, base, Anchor::Start, 10.0, Colour::Muted, &ends.0);
        figure.text(left + wide - 16.0, base, Anchor::End, 10.0, Colour::Muted, &ends.1);
    }
    figure.finish()
}

/// The bar that a column's number belongs to.
type Place = Box<dyn Fn(&Column, f64) -> usize>;

/// Shares (real, synthetic) of at most 12 levels or bins, the last of them what is missing where something is; and the
/// names of the first and the last.
fn shares(real: &Column, synthetic: &Column) -> (Vec<[f64; 2]>, (String, String)) {
    let columns = [real, synthetic];
    let levels = real.levels();
    let present = || columns.iter().flat_map(|c| c.numbers().into_owned()).flatten();
    let (low, high) = present().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let (count, place): (usize, Place) = if real.is_numeric() {
        let width = if high > low { (high - low) / 12.0 } else { 1.0 };
        (12, Box::new(move |_, v| (((v - low) / width) as usize).min(11)))
    } else {
        let names: Vec<String> = levels.iter().take(12).map(ToString::to_string).collect();
        let last = names.len().saturating_sub(1);
        // levels are matched by name: the tables may list them differently
        let find = move |c: &Column, v: f64| {
            let name = c.levels().get(v as usize).map_or_else(String::new, ToString::to_string);
            names.iter().position(|n| *n == name).unwrap_or(last)
        };
        (levels.len().clamp(1, 12), Box::new(find))
    };
    let missing = columns.iter().any(|c| c.missing() > 0);
    let mut bars = vec![[0.0; 2]; count + usize::from(missing)];
    for (k, column) in columns.iter().enumerate() {
        let step = 1.0 / column.len().max(1) as f64;
        for value in column.numbers().iter() {
            let at = value.map_or(count, |v| place(column, v));
            if let Some(bar) = bars.get_mut(at) {
                bar[k] += step;
            }
        }
    }
    let end = |v: f64| if v.is_finite() { format!("{v:.0}") } else { String::new() };
    let (first, mut last) = if real.is_numeric() {
        (end(low), end(high))
    } else {
        (
            levels.first().map_or_else(String::new, ToString::to_string),
            levels.last().map_or_else(String::new, ToString::to_string),
        )
    };
    if missing {
        last += " | missing";
    }
    (bars, (first, last))
}

/// Two correlation matrices beside each other.
fn correlations(real: &Table, synthetic: &Table) -> String {
    let places: Vec<usize> = (0..real.columns().len()).filter(|i| real.columns()[*i].is_numeric()).take(10).collect();
    let n = places.len() as f64;
    let cell = (300.0 / n).min(46.0);
    let (left, top) = (120.0, 120.0);
    let gap = 40.0;
    let width = left + 2.0 * n * cell + gap + 20.0;
    let mut figure = Svg::new(
        width.max(460.0),
        top + n * cell + 16.0,
        "Correlation matrices",
        "Pearson's correlations of the real and of the synthetic table, as squares with their values",
    );
    for (k, (table, title)) in [(real, "real"), (synthetic, "synthetic")].into_iter().enumerate() {
        let from = left + k as f64 * (n * cell + gap);
        figure.text(from + n * cell / 2.0, 16.0, Anchor::Middle, 12.0, Colour::Ink, title);
        figure.line(from, 22.0, from + n * cell - 2.0, 22.0, Colour::Grid, 1.0);
        for (j, b) in places.iter().enumerate() {
            let column = &table.columns()[*b];
            let x = from + (j as f64 + 0.5) * cell + 4.0;
            figure.text_upwards(x, top - 6.0, Anchor::Start, 10.0, Colour::Muted, &short(&column.name));
        }
        for (i, a) in places.iter().enumerate() {
            let y = top + i as f64 * cell;
            if k == 0 {
                figure.text(
                    left - 6.0,
                    y + cell / 2.0 + 4.0,
                    Anchor::End,
                    10.0,
                    Colour::Muted,
                    &real.columns()[*a].name,
                );
            }
            for (j, b) in places.iter().enumerate() {
                let x = from + j as f64 * cell;
                let r = pearson(&table.columns()[*a].numbers(), &table.columns()[*b].numbers());
                let colour = Colour::Series(u8::from(r.unwrap_or(0.0) < 0.0));
                figure.rect(x, y, cell - 2.0, cell - 2.0, colour, 0.75 * r.unwrap_or(0.0).abs());
                let text = r.map_or_else(|| "–".to_owned(), |r| format!("{r:.2}"));
                figure.text(x + cell / 2.0 - 1.0, y + cell / 2.0 + 3.0, Anchor::Middle, 10.0, Colour::Ink, &text);
            }
        }
    }
    figure.finish()
}

fn short(name: &str) -> String {
    name.chars().take(15).collect()
}

/// The five simulators: ECG, CTG, knee angle, voice and a slice through the knee.
fn gallery() -> Result<String, eir_synth::Error> {
    let ecg = ecg(&EcgConfig::default().with_duration_s(8.0), SEED)?;
    let ctg = ctg(&CtgConfig::default().with_duration_s(1200.0), SEED)?;
    let exercise = knee_exercise(&KneeExerciseConfig::default(), SEED)?;
    let voice = voice(&VoiceConfig::default(), SEED)?;
    let knee = knee_volume(&KneeVolumeConfig::default(), SEED)?;
    let mut figure = Svg::new(
        760.0,
        620.0,
        "Simulated patients",
        "From above: an electrocardiogram with its R-peaks, fetal heart rate with baseline, knee flexion over five squats, F0 of a \
         voice, and a slice through a knee volume with its labels",
    );
    let mut strip = Strip { figure: &mut figure, top: 8.0, width: 760.0 };
    let series = |values: &[f32], rate: f64| -> Vec<(f64, f64)> {
        values.iter().enumerate().map(|(i, v)| (i as f64 / rate, f64::from(*v))).collect()
    };
    let curve = series(&ecg.samples_mv, ecg.rate_hz);
    let peaks: Vec<(f64, f64)> = ecg.r_peaks.iter().filter_map(|r| curve.get(*r).copied()).collect();
    strip.draw("ECG, mV, with its beats", (0.0, 8.0), (-0.6, 1.4), &[(&curve, Colour::Series(0))], &peaks);
    let heart = series(&ctg.fhr_bpm, ctg.rate_hz);
    let baseline = series(&ctg.baseline_bpm, ctg.rate_hz);
    let lines: [(&[(f64, f64)], Colour); 2] = [(&heart, Colour::Series(0)), (&baseline, Colour::Series(1))];
    strip.draw("CTG, beats a minute, with its baseline", (0.0, 1200.0), (60.0, 200.0), &lines, &[]);
    let angle = series(&exercise.knee_flexion_deg, exercise.rate_hz);
    let seconds = exercise.knee_flexion_deg.len() as f64 / exercise.rate_hz;
    strip.draw("Right knee flexion, degrees", (0.0, seconds), (0.0, 130.0), &[(&angle, Colour::Series(2))], &[]);
    let f0: Vec<f32> = voice.f0_hz.iter().map(|f| if *f > 0.0 { *f } else { f32::NAN }).collect();
    let f0 = series(&f0, 1.0 / voice.hop_s);
    strip.draw("F0 of a voice, Hz", (0.0, 4.0), (80.0, 180.0), &[(&f0, Colour::Series(3))], &[]);
    let top = strip.top;
    slice(&mut figure, &knee, 60.0, top + 20.0);
    figure.text(
        8.0,
        top + 14.0,
        Anchor::Start,
        11.0,
        Colour::Ink,
        "Knee volume: a slice from the side, front to the right",
    );
    for (k, name) in ["femur", "tibia", "patella", "cartilage"].into_iter().enumerate() {
        let y = top + 40.0 + 22.0 * k as f64;
        figure.rect(300.0, y - 10.0, 12.0, 12.0, Colour::Series(k as u8), 1.0);
        let volume = knee.volume_mm3.get(k + 1).copied().unwrap_or_default() / 1000.0;
        figure.text(320.0, y, Anchor::Start, 11.0, Colour::Ink, &format!("{name}: {volume:.1} cm³ (true)"));
    }
    Ok(figure.finish())
}

/// Curves below one another.
struct Strip<'a> {
    figure: &'a mut Svg,
    top: f64,
    width: f64,
}

impl Strip<'_> {
    fn draw(
        &mut self,
        title: &str,
        time: (f64, f64),
        range: (f64, f64),
        lines: &[(&[(f64, f64)], Colour)],
        dots: &[(f64, f64)],
    ) {
        let (left, right) = (46.0, self.width - 10.0);
        let (top, bottom) = (self.top + 20.0, self.top + 88.0);
        let (x, y) = (Axis::new(time.0, time.1, left, right), Axis::new(range.0, range.1, bottom, top));
        self.figure.text(8.0, self.top + 12.0, Anchor::Start, 11.0, Colour::Ink, title);
        for tick in y.ticks(3) {
            self.figure.line(left, y.at(tick), right, y.at(tick), Colour::Grid, 1.0);
            self.figure.text(left - 5.0, y.at(tick) + 4.0, Anchor::End, 10.0, Colour::Muted, &format!("{tick}"));
        }
        for tick in x.ticks(8) {
            let anchor = if tick == time.1 { Anchor::End } else { Anchor::Middle };
            self.figure.text(x.at(tick), bottom + 12.0, anchor, 10.0, Colour::Muted, &format!("{tick} s"));
        }
        for (points, colour) in lines {
            self.figure.curve(points.iter().map(|(t, v)| (x.at(*t), y.at(*v))), *colour, 1.2);
        }
        for (t, v) in dots {
            self.figure.dot(x.at(*t), y.at(*v), 2.5, Colour::Series(1));
        }
        self.top += 108.0;
    }
}

/// The labels of a sagittal slice beside the middle, as runs of equal label.
fn slice(figure: &mut Svg, knee: &eir_synth::KneeVolume, left: f64, top: f64) {
    let [nx, ny, nz] = knee.shape;
    let (i, size) = (nx * 2 / 5, 160.0 / nz as f64);
    let label = |j: usize, k: usize| knee.labels.get((k * ny + j) * nx + i).copied().unwrap_or_default();
    for k in 0..nz {
        let y = top + (nz - 1 - k) as f64 * size;
        let mut j = 0;
        while j < ny {
            let this = label(j, k);
            let run = (j..ny).take_while(|n| label(*n, k) == this).count();
            if this > 0 {
                figure.rect(left + j as f64 * size, y, run as f64 * size, size + 0.6, Colour::Series(this - 1), 1.0);
            }
            j += run;
        }
    }
}
