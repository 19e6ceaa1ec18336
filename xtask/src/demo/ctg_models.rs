//! What the networks and the outcome model of `eir-signal` say of a cardiotocogram.

use super::signal::key;
use super::study::{Context, Study};
use burn::tensor::Device;
use eir_core::svg::{Anchor, Axis, Colour, Svg};
use eir_signal::Record;
use eir_signal::ctg;
use eir_signal::models::{Acidaemia, Contribution, CtgAnomaly, CtgVae, CtgWindow, OutcomeModel};
use std::error::Error;

/// The autoencoder on a whole trace (bpm at 4 Hz, lost samples 0 or NaN): what 120 numbers for each 4 min keep, and the
/// stretch that is least like other deliveries.
pub(crate) fn autoencoder(
    context: &Context,
    study: &mut Study,
    fhr_bpm: &[f64],
    name: &str,
) -> Result<(), Box<dyn Error>> {
    context.step(&format!("coding the heart rate of {name}"));
    let vae = CtgVae::shipped(&Device::flex())?.fused()?;
    let windows = CtgWindow::of_trace(fhr_bpm, CtgWindow::SAMPLES)?;
    let odd = vae.anomaly(&windows)?;
    let Some((window, most)) = windows.iter().zip(&odd).max_by(|a, b| a.1.excess.total_cmp(&b.1.excess)) else {
        study.text(&format!("{name} has no 4 min with enough heart rate for the autoencoder."));
        return Ok(());
    };
    let code = vae.encode(std::slice::from_ref(window))?.remove(0);
    let again = vae.decode(&code.mean)?;
    let at_min = most.start as f64 / ctg::RATE_HZ / 60.0;
    study.svg(
        &format!(
            "{name}, the 4 min from minute {at_min:.0} on, which are the least like other deliveries: the heart rate as \
             recorded and as the autoencoder makes it again from 120 numbers. Gaps are blank in the record only."
        ),
        picture(window, &again, at_min),
    );
    let key = key(name);
    let source = |function: &str| format!("models::CtgVae::{function}, {name}");
    let (squares, count) = windows.iter().zip(&odd).fold((0.0, 0), |(sum, count), (w, a)| {
        let n = w.measured_count();
        (sum + a.rmse_bpm * a.rmse_bpm * n as f64, count + n)
    });
    study.number(
        &format!("ctg_{key}_autoencoder_rmse_bpm"),
        "Reconstruction from codes, RMSE",
        (squares / count as f64).sqrt(),
        "bpm",
        2,
        &source("anomaly"),
        &format!("{} windows of 4 min, eight samples to a number", windows.len()),
    );
    study.number(
        &format!("ctg_{key}_anomaly_percentile"),
        "Least usual 4 min",
        100.0 * percentile(most),
        "%",
        0,
        &source("anomaly"),
        &format!("so many of held-out windows are more usual; from minute {at_min:.0} on"),
    );
    Ok(())
}

fn percentile(found: &CtgAnomaly) -> f64 {
    found.percentile.max(found.spectral_percentile)
}

fn picture(window: &CtgWindow, again: &[f32], at_min: f64) -> String {
    let (width, height) = (720.0, 240.0);
    let recorded = window.fhr_bpm();
    let all = || recorded.iter().copied().chain(again.iter().map(|v| f64::from(*v))).filter(|v| v.is_finite());
    let low = (all().fold(f64::INFINITY, f64::min) / 10.0).floor() * 10.0;
    let high = (all().fold(f64::NEG_INFINITY, f64::max) / 10.0).ceil() * 10.0;
    let description = "Fetal heart rate over four minutes, as recorded and as reconstructed by the autoencoder";
    let mut figure = Svg::new(width, height, "Heart rate and its reconstruction", description);
    let y = Axis::new(low, high.max(low + 10.0), height - 34.0, 26.0);
    let x = Axis::new(0.0, again.len() as f64, 48.0, width - 12.0);
    for tick in y.ticks(5) {
        figure.line(48.0, y.at(tick), width - 12.0, y.at(tick), Colour::Grid, 1.0);
        figure.text(42.0, y.at(tick) + 4.0, Anchor::End, 11.0, Colour::Muted, &format!("{tick:.0}"));
    }
    for minute in 0..5 {
        let at = x.at(f64::from(minute) * 60.0 * ctg::RATE_HZ);
        let text = format!("{:.0}", at_min + f64::from(minute));
        figure.text(at, height - 18.0, Anchor::Middle, 11.0, Colour::Muted, &text);
    }
    figure.text(width - 12.0, height - 4.0, Anchor::End, 11.0, Colour::Muted, "minute of the record");
    figure.text(48.0, 16.0, Anchor::Start, 11.0, Colour::Muted, "bpm");
    figure.curve(recorded.iter().enumerate().map(|(i, v)| (x.at(i as f64), y.at(*v))), Colour::Series(0), 1.2);
    let made = again.iter().enumerate().map(|(i, v)| (x.at(i as f64), y.at(f64::from(*v))));
    figure.curve(made, Colour::Series(1), 1.6);
    figure.text(width - 130.0, 16.0, Anchor::End, 12.0, Colour::Series(0), "recorded");
    figure.text(width - 12.0, 16.0, Anchor::End, 12.0, Colour::Series(1), "from 120 numbers");
    figure.finish()
}

/// What the outcome models say of a delivery that they were fitted with, and what they mean.
pub(crate) fn outcome(study: &mut Study, record: &Record, name: &str) -> Result<(), Box<dyn Error>> {
    let mut rows = Vec::new();
    for label in [Acidaemia::SEVERE, Acidaemia::MODERATE] {
        let model = OutcomeModel::shipped(label)?;
        let mut found = model.predict_record(record)?;
        found.contributions.sort_by(|a, b| b.log_odds.abs().total_cmp(&a.log_odds.abs()));
        let reason = |c: &Contribution| format!("{} ({})", c.name, if c.log_odds > 0.0 { "more" } else { "less" });
        let reasons = found.contributions.iter().take(3).map(reason).collect::<Vec<_>>();
        rows.push(vec![label.name(), format!("{:.0} %", 100.0 * found.probability), reasons.join(", ")]);
    }
    study.table(
        &format!(
            "{name}: what logistic models expect of the umbilical artery. They were fitted with this delivery among 368, so \
             this shows how to use them, not how good they are; no network was better in cross-validation."
        ),
        &["outcome", "probability", "what moved it most"],
        rows,
    );
    Ok(())
}
