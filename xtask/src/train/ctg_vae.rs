//! The autoencoder of fetal heart rate: trained on some deliveries, judged on others, written with its card.

use crate::{Arguments, Outcome, cohort};
use burn::tensor::Device;
use eir_core::learn::{Ridge, StandardScaler};
use eir_core::metrics::{auroc, r2};
use eir_core::random::Generator;
use eir_core::train::Progress;
use eir_core::weights::{Card, Metric};
use eir_core::{Limits, Model, Rows, file};
use eir_signal::ctg;
use eir_signal::models::{CtgAnomaly, CtgTrace, CtgVae, CtgVaeConfig, CtgWindow, active_units};
use std::error::Error;
use std::ops::ControlFlow;
use std::time::Instant;

const HELD_OUT: &str = "CTU-UHB, deliveries that took no part in the training";

pub(crate) fn train(arguments: &Arguments) -> Outcome {
    let folder = arguments.records()?;
    let deliveries = cohort::read(&folder)?;
    let trace = |d: &cohort::Delivery| -> Result<CtgTrace, Box<dyn Error>> {
        Ok(CtgTrace::new(&d.record.signal("FHR")?.samples_f64()).map_err(|e| format!("{}: {e}", d.name))?)
    };
    let mut traces = deliveries.iter().map(trace).collect::<Result<Vec<_>, _>>()?;
    Generator::new(arguments.seed, "ctg-vae split").stream(0).shuffle(&mut traces);
    let fifth = traces.len() / 5;
    let (judged, rest) = traces.split_at(fifth);
    let (compared, learnt) = rest.split_at(fifth / 2);
    println!(
        "{} deliveries of {}: {} to learn from, {} to choose the epoch by, {} to judge; seed {}",
        traces.len(),
        folder.display(),
        learnt.len(),
        compared.len(),
        judged.len(),
        arguments.seed
    );
    let mut config = CtgVaeConfig::default();
    config.train.seed = arguments.seed;
    if let Some(epochs) = arguments.epochs {
        config.train.epochs = epochs;
    }
    let (vae, time) = match &arguments.network {
        Some(path) => {
            let card = Card::from_json(&file::read(&path.with_extension("card.json"), &Limits::default())?)?;
            let time = card.metrics.into_iter().find(|m| m.name == TIME);
            (CtgVae::load(path, &Limits::default(), &Device::flex())?.compared_with(compared)?, time)
        }
        None => {
            let (vae, seconds) = fit(&config, learnt, compared)?;
            (vae, Some(Metric::new(TIME, seconds.round(), "wall clock")))
        }
    };
    let mut metrics = judge(&vae, learnt, judged)?;
    metrics.extend(time);
    let bytes = vae.to_bytes()?;
    let mut card = card(&config, learnt.len(), compared.len(), judged.len(), arguments.seed);
    card.metrics = metrics;
    card.seal(&bytes);
    file::write_atomic(&arguments.out.join("ctg-vae.safetensors"), &bytes)?;
    card.write(&arguments.out.join("ctg-vae.card.json"))?;
    println!("written to {}", arguments.out.display());
    Ok(())
}

const TIME: &str = "training on one thread of a shared machine in s";

/// The trained network, and how many seconds it took.
fn fit(config: &CtgVaeConfig, learnt: &[CtgTrace], compared: &[CtgTrace]) -> Result<(CtgVae, f64), Box<dyn Error>> {
    // one core, as stated: burn takes its number of threads from here
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let begun = Instant::now();
    let progress = |p: &Progress| {
        if p.step == p.steps || p.step == 1 {
            println!("  epoch {} of {}, loss {:.4}, {} s", p.epoch + 1, p.epochs, p.loss, begun.elapsed().as_secs());
        }
        ControlFlow::Continue(())
    };
    let vae = pool.install(|| config.fit(learnt, compared, &Device::flex(), progress).map_err(|e| e.to_string()))?;
    let seconds = begun.elapsed().as_secs_f64();
    println!("trained on one thread in {seconds:.0} s");
    Ok((vae, seconds))
}

/// Windows of traces with what can be measured in them.
struct Known {
    windows: Vec<CtgWindow>,
    baseline: Vec<f64>,
    /// NaN where no minute is complete.
    log_stv: Vec<f64>,
    log_range: Vec<f64>,
}

impl Known {
    fn of(traces: &[CtgTrace]) -> Result<Self, Box<dyn Error>> {
        let mut all = Self { windows: Vec::new(), baseline: Vec::new(), log_stv: Vec::new(), log_range: Vec::new() };
        for trace in traces {
            for (window, baseline) in trace.windows(CtgWindow::SAMPLES)? {
                let found = ctg::variability(&window.fhr_bpm());
                let log = |v: Option<f64>| v.filter(|v| *v > 0.0).map_or(f64::NAN, f64::ln);
                all.log_stv.push(log(found.stv_ms));
                all.log_range.push(log(found.minute_range_ms));
                all.baseline.push(baseline);
                all.windows.push(window);
            }
        }
        Ok(all)
    }
}

/// Prints what the network can do on windows of deliveries that it does not know.
fn judge(vae: &CtgVae, learnt: &[CtgTrace], judged: &[CtgTrace]) -> Result<Vec<Metric>, Box<dyn Error>> {
    let vae = vae.fused()?;
    let (learnt, judged) = (Known::of(learnt)?, Known::of(judged)?);
    let mut metrics = Vec::new();
    let mut say = |name: &str, value: f64| {
        println!("  {name}: {value:.3}");
        metrics.push(Metric::new(name, value, HELD_OUT));
    };
    println!("{} windows of 4 min of the deliveries to judge", judged.windows.len());
    let codes = vae.encode(&judged.windows)?;
    let latent: Vec<f32> = codes.iter().flat_map(|c| c.mean.iter().copied()).collect();
    let again = vae.decode(&latent)?;
    let (mut sum, mut count, mut each) = (0.0, 0usize, Vec::new());
    for (window, y) in judged.windows.iter().zip(again.chunks_exact(CtgWindow::SAMPLES)) {
        let (error, n) = (window.squared_error(y)?, window.measured_count());
        (sum, count) = (sum + error, count + n);
        each.push((error / n as f64).sqrt());
    }
    each.sort_by(f64::total_cmp);
    say("RMSE at 8:1 in bpm, all measured samples", (sum / count as f64).sqrt());
    say("RMSE at 8:1 in bpm, median window", each[each.len() / 2]);
    say("RMSE at 8:1 in bpm, 95th percentile of windows", each[each.len() * 95 / 100]);
    let mean: Vec<f64> = judged.windows.iter().map(CtgWindow::mean_bpm).collect();
    let learnt_mean: Vec<f64> = learnt.windows.iter().map(CtgWindow::mean_bpm).collect();
    let medians = |known: &Known| known.windows.iter().map(median_bpm).collect::<Vec<f64>>();
    let (median, learnt_median) = (medians(&judged), medians(&learnt));
    let learnt_latent: Vec<f32> = vae.encode(&learnt.windows)?.into_iter().flat_map(|c| c.mean).collect();
    for (name, from, to) in [
        ("baseline (weighted median of the whole trace)", &learnt.baseline, &judged.baseline),
        ("median heart rate", &learnt_median, &median),
        ("mean heart rate", &learnt_mean, &mean),
        ("log short-term variation", &learnt.log_stv, &judged.log_stv),
        ("log minute range", &learnt.log_range, &judged.log_range),
    ] {
        say(&format!("R² of {name}, ridge regression from the code"), ridge(&learnt_latent, from, &latent, to)?);
    }
    let known: Vec<usize> = (0..judged.log_stv.len()).filter(|i| judged.log_stv[*i].is_finite()).collect();
    let pick = |values: &[f64]| known.iter().map(|i| values[*i]).collect::<Vec<f64>>();
    let (stv, range) = (pick(&judged.log_stv), pick(&judged.log_range));
    let read = |of: fn(&eir_signal::models::CtgCode) -> f64| codes.iter().map(of).collect::<Vec<f64>>();
    say("R² of baseline, as read off", r2(&judged.baseline, &read(|c| c.baseline_bpm))?);
    say("R² of log short-term variation, as read off", r2(&stv, &pick(&read(|c| c.stv_ms.ln())))?);
    say("R² of log minute range, as read off", r2(&range, &pick(&read(|c| c.minute_range_ms.ln())))?);
    let drawn = |at: usize, of: fn(&ctg::Variability) -> Option<f64>| -> f64 {
        let y = &again[at * CtgWindow::SAMPLES..(at + 1) * CtgWindow::SAMPLES];
        let of_y = ctg::variability(&masked(&judged.windows[at], y));
        of(&of_y).filter(|v| *v > 0.0).map_or(0.0, f64::ln)
    };
    let of = |f: fn(&ctg::Variability) -> Option<f64>| known.iter().map(|i| drawn(*i, f)).collect::<Vec<f64>>();
    say("R² of log short-term variation of the reconstruction", r2(&stv, &of(|v| v.stv_ms))?);
    say("R² of log minute range of the reconstruction", r2(&range, &of(|v| v.minute_range_ms))?);
    say("active units of 120", active_units(&latent, CtgVae::LATENT, 0.01)? as f64);
    gaps(&vae, &judged, &codes, &mut say)?;
    anomalies(&vae, &judged, &mut say)?;
    Ok(metrics)
}

/// Median of what was measured.
fn median_bpm(window: &CtgWindow) -> f64 {
    let mut known: Vec<f64> = window.fhr_bpm().into_iter().filter(|v| !v.is_nan()).collect();
    known.sort_by(f64::total_cmp);
    known[known.len() / 2]
}

/// A reconstruction where the window was measured.
fn masked(window: &CtgWindow, y: &[f32]) -> Vec<f64> {
    window.measured().iter().zip(y).map(|(m, y)| if *m { f64::from(*y) } else { f64::NAN }).collect()
}

/// R² on `to` of a ridge regression fitted on `from`, where both are known.
fn ridge(learnt: &[f32], from: &[f64], judged: &[f32], to: &[f64]) -> Result<f64, Box<dyn Error>> {
    let table = |latent: &[f32], targets: &[f64]| -> (Vec<f64>, Vec<f64>) {
        let rows = latent.chunks_exact(CtgVae::LATENT).zip(targets).filter(|(_, t)| t.is_finite());
        let (rows, targets): (Vec<Vec<f64>>, Vec<f64>) =
            rows.map(|(r, t)| (r.iter().map(|v| f64::from(*v)).collect(), *t)).unzip();
        (rows.concat(), targets)
    };
    let ((x, y), (x_to, y_to)) = (table(learnt, from), table(judged, to));
    let rows = Rows::new(&x, CtgVae::LATENT)?;
    let scaler = StandardScaler::default().fit(rows)?;
    let fitted = Ridge::default().fit(Rows::new(&scaler.transform(rows)?, CtgVae::LATENT)?, &y)?;
    let to = scaler.transform(Rows::new(&x_to, CtgVae::LATENT)?)?;
    Ok(r2(&y_to, &fitted.predict(Rows::new(&to, CtgVae::LATENT)?)?)?)
}

/// What a further minute of loss changes in windows of which nearly all was measured.
fn gaps(
    vae: &CtgVae,
    judged: &Known,
    codes: &[eir_signal::models::CtgCode],
    say: &mut impl FnMut(&str, f64),
) -> Outcome {
    let mut stream = Generator::new(0, "ctg-vae gaps").stream(0);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (window, code) in judged.windows.iter().zip(codes) {
        if window.measured_count() < CtgWindow::SAMPLES * 95 / 100 {
            continue;
        }
        let mut fhr = window.fhr_bpm();
        for _ in 0..4 {
            let from = stream.below(CtgWindow::SAMPLES - 60);
            fhr[from..from + 60].fill(f64::NAN);
        }
        after.push(CtgWindow::new(&fhr)?);
        before.push(code.clone());
    }
    let lossy = vae.encode(&after)?;
    let n = before.len().max(1) as f64;
    let change = |of: fn(&eir_signal::models::CtgCode) -> f64| {
        let d: Vec<f64> = before.iter().zip(&lossy).map(|(a, b)| of(b) - of(a)).collect();
        (d.iter().sum::<f64>() / n, (d.iter().map(|v| v * v).sum::<f64>() / n).sqrt())
    };
    let (bias, size) = change(|c| c.baseline_bpm);
    say("change of the baseline that is read off by a minute of loss more in bpm, mean", bias);
    say("change of the baseline that is read off by a minute of loss more in bpm, RMS", size);
    let (bias, size) = change(|c| c.stv_ms.ln());
    say("change of the log short-term variation by a minute of loss more, mean", bias);
    say("change of the log short-term variation by a minute of loss more, RMS", size);
    Ok(())
}

/// How well the score tells windows from the same windows with something planted.
fn anomalies(vae: &CtgVae, judged: &Known, say: &mut impl FnMut(&str, f64)) -> Outcome {
    let usual = vae.anomaly(&judged.windows)?;
    type Plant = fn(usize, f64) -> f64;
    let plants: [(&str, Plant); 4] = [
        ("half the rate for 30 s", |i, v| if (300..420).contains(&i) { 0.5 * v } else { v }),
        ("a sinusoidal pattern of 10 bpm, 4 per minute", |i, _| {
            140.0 + 10.0 * (i as f64 / 240.0 * 8.0 * std::f64::consts::PI).sin()
        }),
        ("the same on what is there, halved", |i, v| {
            140.0 + 0.5 * (v - 140.0) + 10.0 * (i as f64 / 240.0 * 8.0 * std::f64::consts::PI).sin()
        }),
        ("jitter of 8 bpm from sample to sample", |i, v| v + if i % 2 == 0 { 8.0 } else { -8.0 }),
    ];
    for (name, plant) in plants {
        let planted = |w: &CtgWindow| {
            let fhr: Vec<f64> =
                w.fhr_bpm().iter().enumerate().map(|(i, v)| if v.is_nan() { *v } else { plant(i, *v) }).collect();
            CtgWindow::new(&fhr)
        };
        let windows: Vec<CtgWindow> = judged.windows.iter().filter_map(|w| planted(w).ok()).collect();
        let odd = vae.anomaly(&windows)?;
        let labels: Vec<bool> = (0..usual.len() + odd.len()).map(|i| i >= usual.len()).collect();
        let terms = |a: &CtgAnomaly| [a.score, a.spectral_distance, a.excess];
        let values: Vec<[f64; 3]> = usual.iter().chain(&odd).map(terms).collect();
        for (k, term) in ["score", "spectral distance", "excess"].into_iter().enumerate() {
            let values: Vec<f64> = values.iter().map(|terms| terms[k]).collect();
            say(&format!("AUROC of the anomaly's {term}, {name}"), auroc(&labels, &values)?);
        }
    }
    Ok(())
}

fn card(config: &CtgVaeConfig, learnt: usize, compared: usize, judged: usize, seed: u64) -> Card {
    let mut card = Card::new(
        "ctg-vae",
        "research on intrapartum cardiotocography: compression, comparison, first stage of other models",
    );
    card.licence = "ODC-By-1.0".to_owned();
    card.source = format!(
        "cargo xtask train ctg-vae --seed {seed} ({} passes, beta {}, noise {} bpm, variability {})",
        config.train.epochs, config.beta, config.noise_bpm, config.variability
    );
    card.training_data = format!(
        "CTU-UHB (Chudáček et al. 2014, doi:10.1186/1471-2393-14-16; ODC-By 1.0), heart rates of {learnt} deliveries \
         without their outcome; {compared} to choose the epoch, {judged} to judge; split by delivery"
    );
    card.limitations = [
        "one hospital, deliveries after 37 weeks, two kinds of monitor, 4 Hz",
        "labour: traces before labour, and of earlier weeks, were not seen",
        "what is read off the code is an estimate: measure baseline and variation with ctg::analyse",
        "artefacts must be taken out first (CtgWindow::of_trace does): what is left of them is reconstructed",
        "a high anomaly score says unlike these deliveries, not ill; a low one says nothing about the child; a very \
         regular pattern is easy to code: its score is low, its spectral distance is not",
    ]
    .map(str::to_owned)
    .to_vec();
    card
}
