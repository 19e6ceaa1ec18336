//! Five common mistakes, and what each does to the number that is reported.
//!
//! Nothing here is to be called: it is a page to read. Each mistake is made in simulated studies in which the truth is
//! known, and then undone: *wrong* and *right* are told of the same patients. Numbers are means over 200 studies unless
//! said otherwise. `cargo run --example five_mistakes` computes them again and draws the figures.
//!
//! | mistake | the number becomes | right |
//! |---|---|---|
//! | [a leaking split](#1-a-leaking-split) | too good | every step inside [`Fit`](crate::split::Fit), tuning in [`Nested`](crate::split::Nested) |
//! | [rows instead of patients](#2-rows-instead-of-patients) | too good, and too sure | [`Cases::with_groups`](crate::split::Cases::with_groups), [`SamplingUnits::patients`](crate::inference::SamplingUnits::patients) |
//! | [a threshold tuned on the test set](#3-a-threshold-tuned-on-the-test-set) | too good | threshold from other patients |
//! | [a score taken for a probability](#4-a-score-taken-for-a-probability) | harm that looks like help | a [`Calibrator`](crate::calibration::Calibrator) |
//! | [the wrong conformal rank](#5-the-wrong-conformal-rank) | a promise that is not kept | [`Alpha`](crate::conformal::Alpha), [`Threshold`](crate::conformal::Threshold) |
//!
//! # 1. A leaking split
//!
//! **What was done.** 60 patients, 500 features that are pure noise. The 10 features that differ most between sick and
//! healthy are chosen on *all* patients; then a logistic regression on these 10 is cross-validated in 5 folds.
//!
//! **What it did.** The labels of the test rows took part in the choice. The features that were chosen look good in the
//! very rows that should test them:
//!
//! | number | should be | wrong | right |
//! |---|---|---|---|
//! | AUROC of noise | 0.50 | 0.88 | 0.50 |
//!
//! One study reports, wrong and right:
//! > AUROC 0.87 (95 % CI 0.75 to 0.94; DeLong, logit, n = 60)
//! >
//! > AUROC 0.53 (95 % CI 0.38 to 0.67; DeLong, logit, n = 60)
//!
//! The interval does not warn: it knows nothing of the choice.
//!
//! <div style="overflow-x:auto">
#![doc = include_str!("mistakes/leaking_split.svg")]
//! </div>
//!
//! **How it is right.** What learns gets a [`Training`](crate::split::Training), which holds no test row; all steps
//! (selection, scaling, imputation) happen there, anew in each fold. Where settings are tuned, the best of several
//! cross-validated results leaks in the same way: [`Nested`](crate::split::Nested).
//!
//! ```
//! use eir_core::inference::auroc_interval;
//! use eir_core::random::Generator;
//! use eir_core::split::{Cases, Rule, Training, cross_validate};
//! use eir_core::{Error, Rows};
//! let mut noise = Generator::new(1, "page").stream(0);
//! let x: Vec<f64> = (0..60 * 100).map(|_| noise.normal()).collect();
//! let y: Vec<f64> = (0..60).map(|patient| f64::from(patient % 2)).collect();
//! // chooses one feature, on the training rows
//! let fit = |train: &Training| {
//!     let rows = || train.rows().iter().zip(train.targets());
//!     let sum = |j: &usize| rows().map(|(row, y)| row[*j] * (y - 0.5)).sum::<f64>();
//!     let best = (0..100).max_by(|a, b| sum(a).total_cmp(&sum(b))).unwrap_or(0);
//!     Ok::<_, Error>(move |row: &[f64]| row[best])
//! };
//! let splits = Cases::new(60)?.split(&Rule::Folds { folds: 5, seed: 1 })?;
//! let out = cross_validate(&fit, Rows::new(&x, 100)?, &y, &splits)?;
//! let sick: Vec<bool> = y.iter().map(|y| *y > 0.5).collect();
//! assert!(auroc_interval(&sick, &out.predictions, 0.95)?.covers(0.5));
//! # Ok::<(), Error>(())
//! ```
//!
//! # 2. Rows instead of patients
//!
//! **What was done.** 60 patients with 10 rows each (beats, windows, images). First, rows are dealt to folds one by one,
//! so that a patient has rows on both sides. The features are each patient's own and say nothing of the illness. Second,
//! a score that does tell something is the same in all rows of a patient but for some noise; the interval of its AUROC
//! is made as if there were 600 patients.
//!
//! **What it did.** The five nearest neighbours of a test row are rows of the same patient: the model knows the patient
//! again, and with it the label. The AUROC of the score is what it should be either way, but for chance; its interval of
//! rows is far too short, since ten rows of one patient are not ten patients, and half of these miss (1000 studies):
//!
//! | number | should be | wrong | right |
//! |---|---|---|---|
//! | AUROC of noise | 0.50 | 0.77 | 0.50 |
//! | AUROC of a score that tells something | 0.69 | 0.70 | 0.70 |
//! | share of 95 % intervals that hold the truth | 0.95 | 0.50 | 0.96 |
//!
//! <div style="overflow-x:auto">
#![doc = include_str!("mistakes/rows_split.svg")]
//! </div>
//!
//! The same data of one study, rows drawn and patients drawn:
//! > AUROC 0.599 (95 % CI 0.550 to 0.646; BCa bootstrap, 500 draws of rows, n = 600)
//! >
//! > AUROC 0.60 (95 % CI 0.47 to 0.71; BCa bootstrap, 500 draws of patients, n = 60)
//!
//! <div style="overflow-x:auto">
#![doc = include_str!("mistakes/rows_interval.svg")]
//! </div>
//!
//! **How it is right.** Say once which patient a row comes from; the split keeps the patient together, the bootstrap
//! draws patients, and n counts them.
//!
//! ```
//! use eir_core::inference::{Bootstrap, SamplingUnits};
//! use eir_core::split::{Cases, Rule};
//! let patient = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5];
//! let sick = patient.map(|patient| patient < 3);
//! let scores = [0.9, 0.8, 0.4, 0.3, 0.7, 0.8, 0.2, 0.1, 0.5, 0.6, 0.3, 0.2];
//! let cases = Cases::new(12)?.with_groups(&patient)?;
//! for split in cases.split(&Rule::Folds { folds: 3, seed: 1 })? {
//!     let of = |rows: &[usize]| rows.iter().map(|row| patient[*row]).collect::<Vec<_>>();
//!     assert!(of(split.test()).iter().all(|p| !of(split.train()).contains(p)));
//! }
//! let units = SamplingUnits::patients_by_outcome(&patient, &sick)?;
//! let auroc = Bootstrap::default().auroc(&sick, &scores, &units)?;
//! assert_eq!(auroc.n, 6);
//! assert_eq!(auroc.method, "BCa bootstrap, 2000 draws of patients");
//! # Ok::<(), eir_core::Error>(())
//! ```
//!
//! # 3. A threshold tuned on the test set
//!
//! **What was done.** A score is tested on 20 sick and 40 healthy patients. The threshold with the largest sum of
//! sensitivity and specificity is chosen on these 60, and its sensitivity and specificity are reported of the same 60.
//!
//! **What it did.** The largest of many noisy sums is large by its noise too. On all patients to come the threshold does
//! not keep what was reported. Right, here, is a threshold chosen on 60 other patients:
//!
//! | number | should be | wrong | right |
//! |---|---|---|---|
//! | Youden index | 0.35 | 0.47 | 0.34 |
//!
//! *Should be* is what a threshold that was chosen on 60 patients has in the whole population. One study reports:
//! > Sensitivity 0.55 (95 % CI 0.34 to 0.74; Wilson, n = 20), Specificity 0.95 (95 % CI 0.83 to 0.99; Wilson, n = 40)
//! >
//! > Sensitivity 0.60 (95 % CI 0.39 to 0.78; Wilson, n = 20), Specificity 0.80 (95 % CI 0.65 to 0.90; Wilson, n = 40)
//!
//! <div style="overflow-x:auto">
#![doc = include_str!("mistakes/tuned_threshold.svg")]
//! </div>
//!
//! **How it is right.** The threshold comes from the training or tuning patients, or from what the action costs; it is
//! fixed before the test set is opened (feature `protocol`), and only counted there.
//!
//! ```
//! use eir_core::inference::wilson;
//! use eir_core::metrics::RocCurve;
//! let tuning = [0.1, 0.2, 0.6, 0.65, 0.5, 0.7, 0.8, 0.9]; // four healthy, four sick
//! let sick = [false, false, false, false, true, true, true, true];
//! let threshold = RocCurve::new(&sick, &tuning)?.youden().threshold;
//! let test = [0.2, 0.6, 0.7, 0.8, 0.9]; // the sick among others
//! let found = test.iter().filter(|score| **score >= threshold).count();
//! let sensitivity = wilson(found as u64, test.len() as u64, 0.95)?;
//! assert_eq!((threshold, sensitivity.value), (0.7, 0.6));
//! # Ok::<(), eir_core::Error>(())
//! ```
//!
//! # 4. A score taken for a probability
//!
//! **What was done.** About one patient in ten falls ill. A logistic regression is fitted with both classes weighing the
//! same, as is often done for rare classes; what it gives lies between 0 and 1 and ranks well. It is read as a risk:
//! patients are treated from 15 %.
//!
//! **What it did.** The AUROC shows nothing, but the numbers are four times too high. At 15 % so many healthy patients
//! are treated that treating nobody (0) would be better:
//!
//! | number | should be | wrong | right |
//! |---|---|---|---|
//! | observed over expected | 1.00 | 0.25 | 0.99 |
//! | net benefit per 1000 patients, acting from 15 % | 28.6 | -33.7 | 27.3 |
//!
//! *Should be* of the net benefit is that of the true risk. One study reports:
//! > Observed over expected 0.263 (95 % CI 0.220 to 0.315; log-normal, n = 1000)
//! >
//! > Observed over expected 0.88 (95 % CI 0.74 to 1.06; log-normal, n = 1000)
//!
//! <div style="overflow-x:auto">
#![doc = include_str!("mistakes/score_as_probability.svg")]
//! </div>
//!
//! **How it is right.** A calibrator is fitted on patients that the model has not seen, and judged on others: here
//! [`Platt`](crate::calibration::Platt) on 500 patients. Look at [`observed_expected`](crate::calibration::observed_expected)
//! and [`CalibrationLine`](crate::calibration::CalibrationLine) before [`DecisionCurve`](crate::decision::DecisionCurve).
//!
//! ```
//! use eir_core::calibration::{Calibrator, Platt, logit, observed_expected};
//! use eir_core::random::Generator;
//! let mut stream = Generator::new(1, "page").stream(1);
//! // the score is 0.1 to 0.9, the risk a quarter of it
//! let mut patient = |_| {
//!     let score = stream.range(0.1, 0.9);
//!     (stream.chance(score / 4.0), score)
//! };
//! let logits = |scores: &[f64]| scores.iter().map(|p| logit(*p)).collect::<Vec<f64>>();
//! let (sick, scores): (Vec<bool>, Vec<f64>) = (0..2000).map(&mut patient).unzip();
//! let calibrator = Platt::default().fit(&sick, &logits(&scores))?;
//!
//! let (sick, scores): (Vec<bool>, Vec<f64>) = (0..2000).map(&mut patient).unzip();
//! let risks = calibrator.predict(&logits(&scores))?;
//! assert!(observed_expected(&sick, &scores, 0.95)?.upper < 0.5);
//! assert!((observed_expected(&sick, &risks, 0.95)?.value - 1.0).abs() < 0.2);
//! # Ok::<(), eir_core::Error>(())
//! ```
//!
//! # 5. The wrong conformal rank
//!
//! **What was done.** Intervals of a measurement are to hold the truth in 90 % of new cases. Their half width is one of
//! the sorted absolute errors of 20 calibration cases: number `int((n + 1) * 0.9)`, or `quantile(errors, 0.9)`.
//!
//! **What it did.** The promise needs number ⌈(n + 1)(1 − α)⌉: the + 1 is the new case, and whatever is cut off is cut
//! from the promise. `int` is wrong even where the product is whole: 90 · (1 − 0.3) is 63, and 62.99999999999999 in
//! floating point. Means over 2000 calibration sets:
//!
//! | number | should be | wrong | right |
//! |---|---|---|---|
//! | coverage with 20 cases, `int((n + 1) * 0.9)` | 0.900 | 0.857 | 0.904 |
//! | coverage with 20 cases, `quantile(errors, 0.9)` | 0.900 | 0.863 | 0.904 |
//!
//! Right is at least what was promised, and more only because a rank is a whole number: here 19/21 = 0.905 on average.
//! The one calibration set at hand may still be unlucky, as its interval says:
//! > Coverage 0.90 (95 % CI 0.75 to 0.99; Beta(19, 2) over calibration sets, n = 20)
//!
//! <div style="overflow-x:auto">
#![doc = include_str!("mistakes/conformal_rank.svg")]
//! </div>
//!
//! **How it is right.** [`Alpha`](crate::conformal::Alpha) is a fraction and counts the rank in whole numbers. Where there
//! are too few cases for any rank, the threshold is infinite, and not the largest error.
//!
//! ```
//! use eir_core::conformal::{Alpha, Threshold};
//! assert_eq!(((89.0 + 1.0) * (1.0 - 0.3)) as usize, 62);
//! assert_eq!(Alpha::new(0.3)?.rank(89), Some(63));
//! let errors: Vec<f64> = (1..=20).map(f64::from).collect();
//! let threshold = Threshold::fit(&errors, Alpha::new(0.1)?)?;
//! assert_eq!((threshold.q(), threshold.rank()), (19.0, Some(19)));
//! assert_eq!(Threshold::fit(&errors[..8], Alpha::new(0.1)?)?.q(), f64::INFINITY);
//! # Ok::<(), eir_core::Error>(())
//! ```
//!
//! # References
//! 1. Ambroise, McLachlan 2002, doi:10.1073/pnas.102102699 (features chosen on all patients); Varma, Simon 2006,
//!    doi:10.1186/1471-2105-7-91 (settings tuned in the cross-validation that is reported); Kaufman et al. 2012,
//!    doi:10.1145/2382577.2382579 (what leaks, and how to find it).
//! 2. Saeb et al. 2017, doi:10.1093/gigascience/gix019 (rows of a patient on both sides of a split); Obuchowski 1997,
//!    doi:10.2307/2533958 (the AUROC of rows that belong together).
//! 3. Leeflang et al. 2008, doi:10.1373/clinchem.2007.096032 (how much is gained by choosing the cut-off afterwards);
//!    Ewald 2006, Journal of Clinical Epidemiology 59.
//! 4. Van Calster et al. 2019, doi:10.1186/s12916-019-1466-7 (why calibration counts); van den Goorbergh et al. 2022,
//!    doi:10.1093/jamia/ocac093 (what balancing the classes does to it); Vickers, Elkin 2006,
//!    doi:10.1177/0272989X06295361 (net benefit).
//! 5. Vovk, Gammerman, Shafer 2005, doi:10.1007/b106715; Lei et al. 2018, doi:10.1080/01621459.2017.1307116; Angelopoulos,
//!    Bates 2023, doi:10.1561/2200000101 (the rank, and what is promised of it).
