//! Cardiotocograms: FHRMA, the plain definition of variability, planted traces.

use super::{list, record, text};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, npy, number, numbers};
use eir_signal::ctg::{self, EventKind, FigoClass, FigoCode, Interval, PreparationConfig};
use serde_json::Value;
use std::error::Error;

/// Heart rate of a CTU-UHB record, 0 where it is lost.
fn fhr(case: &Case, name: &str) -> Result<(Vec<f64>, Vec<f64>), Box<dyn Error>> {
    let record = record(case, &format!("ctu-uhb-ctg/{name}"))?;
    Ok((record.signal("FHR")?.samples_f64(), record.signal("UC")?.samples_f64()))
}

pub(super) fn variability(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    case.walk(&reference, |case, _, e| {
        let (x, uc) = fhr(case, text(e, "record")?)?;
        let found = ctg::variability(&x);
        let mut known: Vec<f64> = x.iter().copied().filter(|v| ctg::is_measured(*v)).collect();
        known.sort_by(f64::total_cmp);
        let median = (known[(known.len() - 1) / 2] + known[known.len() / 2]) / 2.0;
        let toco: Vec<f64> = uc.into_iter().filter(|v| !v.is_nan()).collect();
        let epochs = found.epochs_ms.get(..12).unwrap_or(&found.epochs_ms);
        case.close("epochs_first12_ms", epochs, &numbers(entry(e, "epochs_first12_ms")?)?, Tolerance::relative(1e-9));
        let or_nan = |v: Option<f64>| v.unwrap_or(f64::NAN);
        for (key, got) in [
            ("n", x.len() as f64),
            ("loss_fraction", 1.0 - known.len() as f64 / x.len() as f64),
            ("minutes_total", found.minutes as f64),
            ("minutes_complete", found.complete_minutes as f64),
            ("stv_epoch_ms_mean_over_complete_minutes", or_nan(found.stv_ms)),
            ("minute_range_ms_mean_over_complete_minutes", or_nan(found.minute_range_ms)),
            ("bandwidth_bpm_per_minute_mean", or_nan(found.bandwidth_bpm)),
            ("median_fhr", median),
            ("uc_mean", toco.iter().sum::<f64>() / toco.len() as f64),
        ] {
            case.value(key, got, number(entry(e, key)?)?, Tolerance::relative(1e-9));
        }
        case.value(
            "prepare loss",
            ctg::prepare(&x)?.loss,
            number(entry(e, "loss_fraction")?)?,
            Tolerance::relative(1e-9),
        );
        Ok(())
    })
}

pub(super) fn baselines(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let step = number(entry(&reference, "baseline_step_samples")?)? as usize;
    case.value("fs", ctg::RATE_HZ, number(entry(&reference, "fs")?)?, Tolerance::Exact);
    let mut apart: std::collections::BTreeMap<String, Vec<(f64, f64, bool, f64)>> = std::collections::BTreeMap::new();
    case.walk(entry(&reference, "records")?, |case, _, e| {
        let (x, _) = fhr(case, text(e, "record")?)?;
        // with the defects of the reference tool, to compare with it
        let prepared = PreparationConfig::fhrma().prepare(&x)?;
        case.value("n", x.len() as f64, number(entry(e, "n")?)?, Tolerance::Exact);
        let runs = prepared.valid_runs();
        let flat: Vec<f64> = runs.iter().flat_map(|(a, b)| [*a as f64, *b as f64]).collect();
        case.close("valid_runs", &flat, &numbers(entry(e, "valid_runs")?)?, Tolerance::Exact);
        let (first, last) = (runs.first().map_or(0, |r| r.0 + 1), runs.last().map_or(0, |r| r.1));
        case.value("first_valid_1based", first as f64, number(entry(e, "first_valid_1based")?)?, Tolerance::Exact);
        case.value("last_valid_1based", last as f64, number(entry(e, "last_valid_1based")?)?, Tolerance::Exact);
        let f = &prepared.filled_bpm;
        case.walk(entry(e, "methods")?, |case, name, want| {
            use ctg::BaselineMethod as Method;
            let (method, baseline) = match name {
                "maeda2012" => (Method::Maeda, ctg::maeda(f)?),
                "taylor2000" => (Method::Taylor, ctg::taylor(f)?),
                "wmfb_boudet2019" => {
                    let config = ctg::WeightedMedianConfig::default().with_fhrma_ends(true);
                    (Method::WeightedMedian, config.baseline(f)?)
                }
                "wrobel2013" => (Method::Wrobel, ctg::WrobelConfig::default().with_fhrma_defects(true).baseline(f)?),
                "pardey2002" => (Method::Pardey, ctg::PardeyConfig::default().with_fhrma_defects(true).baseline(f)?),
                "lu_wei2012" => (Method::LuWei, ctg::LuWeiConfig::default().with_fhrma_ends(true).baseline(f)?),
                _ => {
                    case.skip(name, "not built yet");
                    return Ok(());
                }
            };
            let got: Vec<f64> = baseline.iter().step_by(step).copied().collect();
            let reference = numbers(entry(want, "baseline_every16")?)?;
            let ends = (60.0 * ctg::RATE_HZ) as usize / step;
            let away: Vec<f64> = got.iter().zip(&reference).map(|(a, b)| (a - b).abs()).collect();
            let last = away.len().saturating_sub(ends);
            let inside = away.get(ends..last).unwrap_or_default();
            let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len().max(1) as f64;
            let most = |x: &[f64]| x.iter().copied().fold(0.0, f64::max);
            let at_ends = most(&away[..ends]).max(most(&away[last..]));
            let equal = match method {
                Method::WeightedMedian => mean(inside) <= 0.05 && most(inside) <= 0.5 && at_ends <= 2.0,
                Method::LuWei => mean(&away) <= 0.5,
                _ => true,
            };
            let same = inside.iter().filter(|d| **d <= 0.01).count() as f64 / inside.len().max(1) as f64;
            apart.entry(name.to_owned()).or_default().push((mean(inside), most(inside), equal, same));
            if !equal {
                // near it must be even so
                let bound = if method == Method::LuWei { 5.0 } else { 0.25 };
                case.value("mean distance of the baseline, inside", mean(inside), 0.0, Tolerance::absolute(bound));
                case.skip(name, "follows the published method and is not equal to the reference on this record");
                return Ok(());
            }
            match method {
                Method::Maeda | Method::Wrobel => {
                    case.close("baseline", &got, &reference, Tolerance::absolute(0.01));
                }
                Method::Pardey | Method::LuWei => {
                    case.value("mean distance of the baseline", mean(&away), 0.0, Tolerance::absolute(0.5));
                }
                _ => within(case, &got, &reference, ends),
            }
            // events on the reference's own baseline cannot be made, as it is not given at every sample
            let (up, down) = (method.standard_events(f, &baseline, 1.0)?, method.standard_events(f, &baseline, -1.0)?);
            events(case, "acc", &up, &numbers(entry(want, "acc")?)?);
            events(case, "dec", &down, &numbers(entry(want, "dec")?)?);
            Ok(())
        })
    })?;
    for (name, mut records) in apart {
        records.sort_by(|a, b| a.0.total_cmp(&b.0));
        let worst = records.iter().map(|r| r.1).fold(0.0, f64::max);
        if let (Some(middle), Some(last)) = (records.get(records.len() / 2), records.last()) {
            let equal = records.iter().filter(|r| r.2).count();
            println!(
                "  {name}: {equal} of {} records within tolerance; mean distance {:.3} bpm in the median record, {:.3} in the worst; largest anywhere {worst:.2}; within 0.01 bpm at {:.1} % of the points",
                records.len(),
                middle.0,
                last.0,
                100.0 * records.iter().map(|r| r.3).sum::<f64>() / records.len() as f64
            );
        }
    }
    Ok(())
}

/// 0.05 bpm on average and 0.5 at most, 2 bpm in the first and the last minute (`ends` points each).
fn within(case: &mut Case, got: &[f64], want: &[f64], ends: usize) {
    let n = want.len();
    if got.len() != n || n <= 2 * ends {
        return case.fail("baseline", &format!("{} points, the reference has {n}", got.len()));
    }
    case.close("baseline at the ends", &got[..ends], &want[..ends], Tolerance::absolute(2.0));
    case.close("baseline at the ends", &got[n - ends..], &want[n - ends..], Tolerance::absolute(2.0));
    let (got, want) = (&got[ends..n - ends], &want[ends..n - ends]);
    case.close("baseline", got, want, Tolerance::absolute(0.5));
    let mean = got.iter().zip(want).map(|(a, b)| (a - b).abs()).sum::<f64>() / want.len() as f64;
    case.value("mean distance of the baseline", mean, 0.0, Tolerance::absolute(0.05));
}

/// Start and end within 1 s, the count within 1.
fn events(case: &mut Case, name: &str, got: &[Interval], want: &[f64]) {
    let want: &[[f64; 2]] = want.as_chunks().0;
    case.value(&format!("{name} count"), got.len() as f64, want.len() as f64, Tolerance::absolute(1.0));
    let near = |w: &&[f64; 2]| got.iter().any(|g| (g.start_s() - w[0]).abs() <= 1.0 && (g.end_s() - w[1]).abs() <= 1.0);
    let found = want.iter().filter(near).count();
    case.holds(name, found + 1 >= want.len(), &format!("{found} of {} events have their places", want.len()));
}

pub(super) fn planted(case: &mut Case) -> Outcome {
    let reference = case.json()?;
    let file = text(&reference, "array")?.split_whitespace().next().unwrap_or_default().to_owned();
    let (shape, values) = npy(&case.reference(&file)?)?;
    let [_, channels, n] = shape[..] else { return Err("the traces have three dimensions".into()) };
    let cases = list(&reference, "cases")?;
    let named: serde_json::Map<String, Value> =
        cases.iter().map(|c| Ok((text(c, "case")?.to_owned(), c.clone()))).collect::<Result<_, Box<dyn Error>>>()?;
    case.walk(&Value::Object(named), |case, _, truth| {
        let row = number(entry(truth, "row")?)? as usize;
        let channel = |k: usize| -> Result<Vec<f64>, Box<dyn Error>> {
            let start = (row * channels + k) * n;
            Ok(values.get(start..start + n).ok_or("the trace is not in the array")?.iter().map(|v| v / 100.0).collect())
        };
        let (fhr, uc) = (channel(0)?, channel(1)?);
        let found = ctg::analyse(&fhr, Some(&uc))?;
        let level = number(entry(truth, "baseline_bpm")?)?;
        let ten: Vec<f64> = found.baseline_bpm.chunks(2400).map(|c| c.iter().sum::<f64>() / c.len() as f64).collect();
        case.close("baseline of each 10 min", &ten, &vec![level; ten.len()], Tolerance::absolute(3.0));
        case.value(
            "loss_fraction",
            found.prepared.loss,
            number(entry(truth, "loss_fraction")?)?,
            Tolerance::relative(1e-9),
        );
        for (key, got) in
            [("stv_epoch_ms", found.variability.stv_ms), ("minute_range_ms", found.variability.minute_range_ms)]
        {
            case.value(key, got.unwrap_or(f64::NAN), number(entry(truth, key)?)?, Tolerance::relative(1e-9));
        }
        for event in list(truth, "events")? {
            let kind = text(event, "kind")?;
            let (start, end) = (number(entry(event, "start_s")?)?, number(entry(event, "end_s")?)?);
            let overlap = |i: &Interval| {
                let both = (i.end_s().min(end) - i.start_s().max(start)).max(0.0);
                both / (i.end_s().max(end) - i.start_s().min(start))
            };
            let best = found.events.iter().filter(|e| e.kind.is_deceleration() == (kind != "acceleration"));
            let best = best.max_by(|a, b| overlap(&a.interval).total_cmp(&overlap(&b.interval)));
            let share = best.map_or(0.0, |e| overlap(&e.interval));
            case.holds(kind, share >= 0.5, &format!("the event at {start} s is found with an overlap of {share:.2}"));
            let got = best.map(|e| e.kind);
            case.equal(&format!("kind of {kind}"), &got, &Some(named_kind(kind)?));
        }
        let contractions = found.contractions.unwrap_or_default();
        for planted in list(truth, "contractions")? {
            let (start, end) = (number(entry(planted, "start_s")?)?, number(entry(planted, "end_s")?)?);
            let near = contractions
                .iter()
                .any(|c| (c.interval.start_s() - start).abs() <= 5.0 && (c.interval.end_s() - end).abs() <= 5.0);
            let peak = number(entry(planted, "peak_s")?)?;
            let closest = contractions.iter().min_by(|a, b| {
                let away = |c: &ctg::Contraction| (c.peak as f64 / ctg::RATE_HZ - peak).abs();
                away(a).total_cmp(&away(b))
            });
            let got = closest.map(|c| (c.interval.start_s(), c.interval.end_s()));
            case.holds("contractions", near, &format!("{start} to {end} s, found {got:?}"));
        }
        let class = text(truth, "figo2015")?;
        case.holds("figo2015", found.figo.class.name() == class, &format!("{:?} where {class} is planted", found.figo));
        let why = text(truth, "why")?;
        let codes: Vec<FigoCode> = found.figo.reasons_of_class().map(|r| r.code).collect();
        let wanted = reason(why, found.figo.class)?;
        case.holds("why", codes.contains(&wanted), &format!("{codes:?} where {wanted:?} is planted"));
        let rate = found.rate.ok_or("a planted trace has a rate of contractions")?;
        let per_10min: Vec<f64> = rate.per_10min.iter().map(|n| f64::from(*n)).collect();
        case.close(
            "contractions_per_10min_every_60s",
            &per_10min,
            &numbers(entry(truth, "contractions_per_10min_every_60s")?)?,
            Tolerance::absolute(1.0), // a contraction's height may lie 5 s away, across the border of a window
        );
        let tachysystole = entry(truth, "tachysystole")?.as_bool().ok_or("tachysystole is yes or no")?;
        case.equal("tachysystole", &rate.tachysystole, &tachysystole);
        case.close(
            "bandwidth_bpm_per_minute",
            &found.variability.bandwidth_per_minute_bpm,
            &numbers(entry(truth, "bandwidth_bpm_per_minute")?)?,
            Tolerance::relative(1e-9),
        );
        match truth.get("sinusoidal") {
            None => case.holds("sinusoidal", found.sinusoidal.is_empty(), "a sinusoidal pattern where none is planted"),
            Some(planted) => {
                let swing = found.sinusoidal.first().ok_or("the planted sinusoidal pattern is not found")?;
                let number = |key: &str| number(entry(planted, key)?);
                let got = [swing.interval.start_s(), swing.interval.end_s()];
                // windows of 5 min, one a minute
                case.close("sinusoidal", &got, &[number("start_s")?, number("end_s")?], Tolerance::absolute(120.0));
                let got = [swing.amplitude_bpm, swing.cycles_per_min];
                let want = [number("amplitude_bpm")?, number("cycles_per_min")?];
                case.close("sinusoidal amplitude, rate", &got, &want, Tolerance::relative(0.1));
            }
        }
        Ok(())
    })
}

fn named_kind(kind: &str) -> Result<EventKind, Box<dyn Error>> {
    Ok(match kind {
        "acceleration" => EventKind::Acceleration,
        "early" => EventKind::EarlyDeceleration,
        "late" => EventKind::LateDeceleration,
        "variable" => EventKind::VariableDeceleration,
        "prolonged" => EventKind::ProlongedDeceleration,
        other => return Err(format!("no kind is called {other}").into()),
    })
}

/// The reason that a planted trace's `why` stands for.
fn reason(why: &str, class: FigoClass) -> Result<FigoCode, Box<dyn Error>> {
    let known = [
        ("late with every contraction", FigoCode::RepetitiveLateOrProlonged),
        ("repetitive variable", FigoCode::RepetitiveDecelerations),
        ("one prolonged deceleration > 5 min", FigoCode::ProlongedOver5Min),
        ("baseline < 100", FigoCode::BaselineBelow100),
        ("baseline > 160", FigoCode::Tachycardia),
        ("bandwidth < 5", FigoCode::ReducedVariability),
        ("bandwidth > 25", FigoCode::IncreasedVariability),
        ("sinusoidal for", FigoCode::SinusoidalPattern),
    ];
    let found = known.into_iter().find(|(words, _)| why.contains(words)).map(|(_, code)| code);
    match found {
        Some(code) => Ok(code),
        None if class == FigoClass::Normal => Ok(FigoCode::NoRepetitiveDecelerations),
        None => Err(format!("no reason is known for: {why}").into()),
    }
}
