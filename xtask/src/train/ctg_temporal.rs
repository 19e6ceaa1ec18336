//! Networks on the codes of the autoencoder, judged beside the plain model by the same protocol; nothing is written.

use crate::cohort::Delivery;
use burn::tensor::Device;
use eir_core::report::BinaryEvaluation;
use eir_signal::models::{CtgSequence, CtgVae, OutcomeReport, TemporalConfig, TemporalKind, TemporalStudy};
use std::error::Error;
use std::time::Instant;

/// Prints what temporal networks foretell of `deliveries`, beside the reports of the plain model.
pub(crate) fn judge(
    deliveries: &[Delivery],
    seed: u64,
    epochs: Option<usize>,
    plain: &[OutcomeReport],
) -> crate::Outcome {
    let device = Device::flex();
    let vae = CtgVae::shipped(&device)?.fused()?;
    let code = |d: &Delivery| -> Result<CtgSequence, Box<dyn Error>> {
        let fhr = d.record.signal("FHR")?.samples_f64();
        Ok(CtgSequence::new(&vae, &fhr).map_err(|e| format!("{}: {e}", d.name))?)
    };
    let sequences = deliveries.iter().map(code).collect::<Result<Vec<_>, _>>()?;
    let ph: Vec<f64> = deliveries.iter().map(|d| d.ph).collect();
    let vaginal: Vec<bool> = deliveries.iter().map(|d| !d.caesarean).collect();
    let labels: Vec<_> = plain.iter().map(|r| r.label).collect();
    println!("\nNetworks on codes of the last hour; the autoencoder has seen most of the traces, never a pH");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    for (kind, name) in [(TemporalKind::Tcn, "TCN"), (TemporalKind::Gru, "GRU")] {
        let mut config = TemporalConfig::default().with_kind(kind).with_seed(seed);
        config.epochs = epochs.unwrap_or(config.epochs);
        let study = TemporalStudy::new(config).with_seed(seed);
        let begun = Instant::now();
        let reports = pool.install(|| study.run(&sequences, &ph, &labels, &device))?;
        println!(
            "\n{name}: {} repeats of {} folds, split by delivery, calibrated in {} inner folds; {} s",
            study.repeats,
            study.folds,
            study.inner_folds,
            begun.elapsed().as_secs()
        );
        for (found, plain) in reports.iter().zip(plain) {
            let n = found.labels.iter().filter(|l| **l).count();
            let (auroc, beside) = (found.mean_auroc(), plain.mean_auroc());
            println!("  {}, {n} of {} deliveries", found.label.name(), found.labels.len());
            println!("    AUROC {auroc:.3} (sd over repeats {:.3})", found.spread_of_repeats());
            println!("    {}", found.auroc_among(&vec![true; ph.len()])?.sentence("AUROC of the mean over repeats"));
            println!("    {}", found.auroc_among(&vaginal)?.sentence("The same, vaginal births alone"));
            println!("    Sensitivity at a specificity of 85 %: {:.2}", found.sensitivity_at(0.85)?);
            println!("    Calibration error: {:.3}", found.calibration_error()?);
            let evaluation = BinaryEvaluation::default()
                .with_threshold(n as f64 / found.labels.len() as f64)
                .with_decision_thresholds(&[0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4]);
            println!("    Net benefit of acting from a probability on (of treating all):");
            for point in &evaluation.evaluate(&found.labels, &found.mean_probabilities())?.decision_curve {
                println!("      {:.2}: {:+.4} ({:+.4})", point.threshold, point.net_benefit, point.treat_all);
            }
            let verdict = if auroc > beside { "above" } else { "not above" };
            println!("    {verdict} the plain model's {beside:.3}");
        }
    }
    Ok(())
}
