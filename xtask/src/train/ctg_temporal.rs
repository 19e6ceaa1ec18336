//! Temporal networks on the codes of the autoencoder, judged beside the plain model: writes nothing.

use crate::{Arguments, Outcome, cohort};
use burn::tensor::Device;
use eir_core::report::BinaryEvaluation;
use eir_signal::models::{Acidaemia, CtgSequence, CtgVae, TemporalConfig, TemporalKind, TemporalStudy};
use std::time::Instant;

pub(crate) fn train(arguments: &Arguments) -> Outcome {
    let deliveries = cohort::read(&arguments.records()?)?;
    let device = Device::flex();
    let vae = CtgVae::shipped(&device)?.fused()?;
    let code = |d: &cohort::Delivery| -> Result<CtgSequence, Box<dyn std::error::Error>> {
        let fhr = d.record.signal("FHR")?.samples_f64();
        Ok(CtgSequence::new(&vae, &fhr).map_err(|e| format!("{}: {e}", d.name))?)
    };
    let sequences = deliveries.iter().map(code).collect::<Result<Vec<_>, _>>()?;
    let ph: Vec<f64> = deliveries.iter().map(|d| d.ph).collect();
    let vaginal: Vec<bool> = deliveries.iter().map(|d| !d.caesarean).collect();
    println!("{} deliveries with a pH; the autoencoder has seen most of the traces, never a pH", ph.len());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    for (kind, name) in [(TemporalKind::Tcn, "TCN"), (TemporalKind::Gru, "GRU")] {
        let mut config = TemporalConfig::default().with_kind(kind).with_seed(arguments.seed);
        config.epochs = arguments.epochs.unwrap_or(config.epochs);
        let study = TemporalStudy::new(config).with_seed(arguments.seed).with_repeats(arguments.repeats);
        let begun = Instant::now();
        let labels = [Acidaemia::SEVERE, Acidaemia::MODERATE];
        let reports = pool.install(|| study.run(&sequences, &ph, &labels, &device))?;
        println!(
            "\n{name}: {} repeats of {} folds, split by delivery, calibrated in {} inner folds; {} s",
            study.repeats,
            study.folds,
            study.inner_folds,
            begun.elapsed().as_secs()
        );
        for found in reports {
            let n = found.labels.iter().filter(|l| **l).count();
            println!("  {}, {n} of {} deliveries", found.label.name(), found.labels.len());
            println!("    AUROC {:.3} (sd over repeats {:.3})", found.mean_auroc(), found.spread_of_repeats());
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
        }
    }
    println!(
        "\nBeside them: cargo xtask train ctg-outcome, the plain model by the same protocol. What does not beat it is not shipped."
    );
    Ok(())
}
