//! Acidaemia at birth: judges the recipe by nested cross-validation, fits it to all deliveries, writes model and card.

use crate::cohort::{self, Delivery};
use crate::{Arguments, Outcome};
use eir_core::calibration::{Binning, Reliability};
use eir_core::inference::{Bootstrap, SamplingUnits};
use eir_core::metrics::RocCurve;
use eir_core::report::BinaryEvaluation;
use eir_core::weights::{Card, Metric};
use eir_core::{Estimate, file};
use eir_signal::models::{Acidaemia, OutcomeConfig, OutcomeFeatures, OutcomeModel, OutcomeReport, OutcomeStudy};
use std::error::Error;
use std::path::Path;

/// Deliveries with their features.
struct Cohort {
    deliveries: Vec<Delivery>,
    features: Vec<OutcomeFeatures>,
    ph: Vec<f64>,
}

impl Cohort {
    fn read(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let deliveries = cohort::read(folder)?;
        let measure = |d: &Delivery| OutcomeFeatures::of_record(&d.record).map_err(|e| format!("{}: {e}", d.name));
        let features = deliveries.iter().map(measure).collect::<Result<Vec<_>, _>>()?;
        let ph = deliveries.iter().map(|d| d.ph).collect();
        Ok(Self { deliveries, features, ph })
    }

    fn vaginal(&self) -> Vec<bool> {
        self.deliveries.iter().map(|d| !d.caesarean).collect()
    }
}

pub(crate) fn train(arguments: &Arguments) -> Outcome {
    let folder = arguments.records()?;
    let cohort = Cohort::read(&folder)?;
    println!("{} deliveries with a pH, {}", cohort.ph.len(), folder.display());
    let held_out = match &arguments.held_out {
        Some(data) => Some(Cohort::read(&cohort::folder(data)?)?),
        None => None,
    };
    let models = [(Acidaemia::SEVERE, "ctg-outcome-severe"), (Acidaemia::MODERATE, "ctg-outcome-moderate")];
    let one = |(label, name)| one(arguments, &cohort, held_out.as_ref(), label, name);
    let plain = models.into_iter().map(one).collect::<Result<Vec<OutcomeReport>, _>>()?;
    println!("\n{} plain models judged and written", plain.len());
    #[cfg(feature = "networks")]
    crate::ctg_temporal::judge(&cohort.deliveries, arguments.seed, arguments.epochs, &plain)?;
    Ok(())
}

fn one(
    arguments: &Arguments,
    cohort: &Cohort,
    held_out: Option<&Cohort>,
    label: Acidaemia,
    name: &str,
) -> Result<OutcomeReport, Box<dyn Error>> {
    let config = OutcomeConfig::default().with_label(label).with_seed(arguments.seed);
    let study = OutcomeStudy::new(config.clone()).with_seed(arguments.seed);
    let found = study.run(&cohort.features, &cohort.ph)?;
    let alone = OutcomeStudy::new(config.clone().with_recipes(OutcomeConfig::variability_alone()))
        .with_seed(arguments.seed)
        .run(&cohort.features, &cohort.ph)?;
    let vaginal = cohort.vaginal();
    let all = vec![true; vaginal.len()];
    let (auroc, auroc_vaginal) = (found.auroc_among(&all)?, found.auroc_among(&vaginal)?);
    let chance = study.permuted(&cohort.features, &cohort.ph, 20)?;
    let ece = found.calibration_error()?;
    let sensitivity = found.sensitivity_at(0.85)?;
    println!("\n{}, {} of {} deliveries", label.name(), count(&found.labels), found.labels.len());
    println!("  nested cross-validation, {} repeats of {} folds, split by delivery", study.repeats, study.folds);
    println!("  AUROC {:.3} (sd over repeats {:.3})", found.mean_auroc(), found.spread_of_repeats());
    println!("  {}", auroc.sentence("AUROC of the mean over repeats"));
    println!("  {}", auroc_vaginal.sentence("The same, vaginal births alone"));
    println!("  Sensitivity at a specificity of 85 %: {sensitivity:.2}");
    println!("  Calibration error: {ece:.3}");
    println!("  Variability alone: AUROC {:.3}", alone.mean_auroc());
    println!("  Permuted labels: AUROC {chance:.3} (20 deals)");
    println!("  Recipes chosen: {:?}", found.chosen);
    let evaluation = BinaryEvaluation::default()
        .with_threshold(count(&found.labels) as f64 / found.labels.len() as f64)
        .with_decision_thresholds(&[0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4]);
    let report = evaluation.evaluate(&found.labels, &found.mean_probabilities())?;
    println!("  Net benefit of acting from a probability on (of treating all):");
    for point in &report.decision_curve {
        println!("    {:.2}: {:+.4} ({:+.4})", point.threshold, point.net_benefit, point.treat_all);
    }
    let model = config.fit(&cohort.features, &cohort.ph)?;
    for (feature, weight) in model.features().iter().zip(model.coefficients()) {
        println!("    {feature:<24} {weight:+.3}");
    }
    let mut card = card(label, name, cohort, &found, &auroc, &auroc_vaginal);
    card.metrics.push(Metric::new("sensitivity at 85 % specificity", sensitivity, CROSS_VALIDATED));
    card.metrics.push(Metric::new("expected calibration error", ece, CROSS_VALIDATED));
    card.metrics.push(Metric::new("AUROC of variability alone", alone.mean_auroc(), CROSS_VALIDATED));
    card.metrics.push(Metric::new("AUROC with permuted pH", chance, CROSS_VALIDATED));
    if let Some(held_out) = held_out {
        judge(&model, held_out)?;
    }
    let bytes = model.to_json();
    card.seal(bytes.as_bytes());
    file::write_atomic(&arguments.out.join(format!("{name}.json")), bytes.as_bytes())?;
    card.write(&arguments.out.join(format!("{name}.card.json")))?;
    file::write_atomic(&arguments.out.join(format!("{name}.roc.svg")), report.roc_svg().as_bytes())?;
    file::write_atomic(&arguments.out.join(format!("{name}.calibration.svg")), report.calibration_svg().as_bytes())?;
    file::write_atomic(&arguments.out.join(format!("{name}.decision.svg")), report.decision_svg().as_bytes())?;
    println!("  written to {}", arguments.out.display());
    Ok(found)
}

const CROSS_VALIDATED: &str = "CTU-UHB, nested cross-validation by delivery (5 folds, 10 repeats)";

fn count(labels: &[bool]) -> usize {
    labels.iter().filter(|l| **l).count()
}

fn card(
    label: Acidaemia,
    name: &str,
    cohort: &Cohort,
    found: &OutcomeReport,
    auroc: &Estimate,
    vaginal: &Estimate,
) -> Card {
    let mut card = Card::new(name, "research on intrapartum cardiotocography and a baseline for other models");
    card.licence = "ODC-By-1.0".to_owned();
    card.source = "cargo xtask train ctg-outcome".to_owned();
    card.training_data = format!(
        "CTU-UHB (Chudáček et al. 2014, doi:10.1186/1471-2393-14-16; ODC-By 1.0), {} deliveries, {} with {}",
        cohort.ph.len(),
        count(&found.labels),
        label.name()
    );
    let alone = "CTU-UHB, the same, vaginal births alone";
    card.metrics = vec![
        Metric::new("AUROC, mean over repeats", found.mean_auroc(), CROSS_VALIDATED),
        Metric::new("AUROC of the mean prediction", auroc.value, CROSS_VALIDATED),
        Metric::new("AUROC of the mean prediction, lower end (95 %, bootstrap)", auroc.lower, CROSS_VALIDATED),
        Metric::new("AUROC of the mean prediction, upper end (95 %, bootstrap)", auroc.upper, CROSS_VALIDATED),
        Metric::new("AUROC of the mean prediction", vaginal.value, alone),
        Metric::new("AUROC of the mean prediction, lower end (95 %, bootstrap)", vaginal.lower, alone),
        Metric::new("AUROC of the mean prediction, upper end (95 %, bootstrap)", vaginal.upper, alone),
    ];
    card.limitations = [
        "one hospital, deliveries after 37 weeks, two kinds of monitor",
        "a third of the caesarean sections of the training deliveries, and 6 % of the vaginal births, have pH ≤ 7.05: the \
         two must be reported apart",
        "few deliveries with the outcome: the interval is wide, and the cross-validated number is better than what new \
         deliveries will show",
        "half of the outcome cannot be seen in a trace: a low probability is no reassurance",
        "more than half of the last hour lost: features are then usual values, and the probability near the base rate",
    ]
    .map(str::to_owned)
    .to_vec();
    card
}

/// What the model says of deliveries that took no part.
fn judge(model: &OutcomeModel, cohort: &Cohort) -> Outcome {
    let says = |f: &OutcomeFeatures| Ok(model.predict_features(f)?.probability);
    let p = cohort.features.iter().map(says).collect::<Result<Vec<f64>, eir_signal::Error>>()?;
    let labels: Vec<bool> = cohort.ph.iter().map(|ph| model.label().holds(*ph)).collect();
    for (who, among) in [("all", vec![true; p.len()]), ("vaginal births", cohort.vaginal())] {
        let chosen = (0..p.len()).filter(|i| among[*i]);
        let (labels, p): (Vec<bool>, Vec<f64>) = chosen.map(|i| (labels[i], p[i])).unzip();
        let auroc = Bootstrap::default().auroc(&labels, &p, &SamplingUnits::by_outcome(&labels)?)?;
        let sensitivity = RocCurve::new(&labels, &p)?.sensitivity_at_specificity(0.85)?;
        let ece = Reliability::new(&labels, &p, Binning::Quantile(10))?.ece();
        println!("  held-out deliveries, {who}: {}", auroc.sentence("AUROC"));
        println!(
            "    {} of {}, sensitivity at 85 % {sensitivity:.2}, calibration error {ece:.3}",
            count(&labels),
            p.len()
        );
    }
    Ok(())
}
