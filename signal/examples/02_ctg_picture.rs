//! A cardiotocogram from a file to a picture.
//!
//! `cargo run -p eir-signal --example 02_ctg_picture -- path/to/1001.hea ctg.svg`; without a record, or with `-`, on a
//! trace that it makes itself.

use eir_signal::{Record, ctg, figure};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (name, found) = match arguments.next().filter(|path| path != "-") {
        Some(path) => {
            let record = Record::open(path)?;
            (record.name.clone(), ctg::analyse_record(&record)?)
        }
        None => ("made by hand".to_owned(), made_by_hand()?),
    };
    println!("{name}: baseline {:.1} bpm ({})", found.mean_baseline_bpm(), found.method.name());
    println!("  {} accelerations, {} decelerations", found.accelerations().count(), found.decelerations().count());
    if let Some(contractions) = &found.contractions {
        println!("  {} contractions", contractions.len());
    }
    if let Some(stv) = found.variability.stv_ms {
        println!(
            "  short-term variation {stv:.2} ms over {} of {} minutes",
            found.variability.complete_minutes, found.variability.minutes
        );
    }
    println!("  {:.1} % lost", 100.0 * found.prepared.loss);
    println!("  FIGO 2015: {}", found.figo.class.name());
    found.figo.reasons.iter().for_each(|reason| println!("    {}", reason.sentence()));
    let svg = figure::ctg(&found, &figure::CtgFigureConfig::default().with_title(format!("Cardiotocogram {name}")))?;
    match arguments.next() {
        Some(path) => {
            std::fs::write(&path, svg)?;
            println!("  drawn to {path}");
        }
        None => println!("  the picture has {} kB; give a second path to keep it", svg.len() / 1000),
    }
    Ok(())
}

/// 40 min: a swinging baseline of 140 bpm, a contraction every 4 min, and a late deceleration with every third.
fn made_by_hand() -> eir_signal::Result<ctg::Ctg> {
    let bell = |t: f64, at: f64, width: f64| (-0.5 * ((t - at) / width).powi(2)).exp();
    let time = |i: u32| f64::from(i) / ctg::RATE_HZ;
    let swing = |t: f64| 3.0 * (t * 0.31).sin() + 2.0 * (t * 0.83 + 1.0).sin() + (t * 2.1).sin();
    let peaks: Vec<f64> = (0..10).map(|k| 120.0 + 240.0 * f64::from(k)).collect();
    let uc: Vec<f64> =
        (0..9600).map(|i| 12.0 + peaks.iter().map(|p| 45.0 * bell(time(i), *p, 18.0)).sum::<f64>()).collect();
    let fhr: Vec<f64> = (0..9600)
        .map(|i| {
            let t = time(i);
            let fall: f64 = peaks.iter().step_by(3).map(|p| 30.0 * bell(t, p + 35.0, 16.0)).sum();
            if (1500.0..1530.0).contains(&t) { 0.0 } else { 140.0 + swing(t) - fall }
        })
        .collect();
    ctg::analyse(&fhr, Some(&uc))
}
