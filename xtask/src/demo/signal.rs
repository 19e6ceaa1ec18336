//! Case study: biosignals. A cardiotocogram and an ECG, from the file to picture and numbers.

use crate::ctg_models;
use crate::study::{Context, Outcome, Study};
use eir_core::{Limits, SampleRate};
use eir_signal::ctg::{self, Ctg, EventKind};
use eir_signal::ecg::{self, BeatScore};
use eir_signal::figure::{self, CtgFigureConfig, EcgStripConfig};
use eir_signal::{Record, hrv, wfdb};
use eir_synth::CtgEventKind;
use std::error::Error;
use std::path::Path;

type Failure = Box<dyn Error>;

pub(crate) fn run(context: &Context) -> Outcome {
    match &context.data {
        Some(data) => real(context, &data.join("signal")),
        None => simulated(context),
    }
}

/// An error that says which file and what to do.
fn about(path: &Path, error: impl std::fmt::Display) -> Failure {
    let (path, error) = (path.display().to_string(), error.to_string());
    let what = if error.starts_with(&path) { error } else { format!("{path}: {error}") };
    format!("{what}. Put the record there, or run the demo without --data for simulated patients").into()
}

fn real(context: &Context, folder: &Path) -> Outcome {
    let mut study = Study::new(
        "Cardiotocogram and ECG",
        "CTU-UHB intrapartum CTG 1001 and 1002 (Chudáček et al. 2014, ODC-By 1.0) and MIT-BIH 100 (ODC-By 1.0), PhysioNet",
    );
    study.text(DISCLAIMER);
    context.step("reading CTU-UHB 1001");
    let path = folder.join("ctu-uhb-ctg/1001.hea");
    let record = Record::open(&path).map_err(|e| about(&path, e))?;
    let first = one_ctg(context, &mut study, &record, "CTU-UHB 1001").map_err(|e| about(&path, e))?;

    context.step("reading CTU-UHB 1002 out of its archive");
    let archive = folder.join("ctu-uhb-ctg/rest.zip");
    let record = wfdb::open_in_zip(&archive, "1002", &Limits::default()).map_err(|e| about(&archive, e))?;
    one_ctg(context, &mut study, &record, "CTU-UHB 1002").map_err(|e| about(&archive, e))?;

    context.step("reading MIT-BIH 100");
    let path = folder.join("mitdb/100.hea");
    let record = Record::open(&path).map_err(|e| about(&path, e))?;
    let lead = record.signals.first().ok_or_else(|| about(&path, "it has no signal"))?;
    let annotations = folder.join("mitdb/100.atr");
    let beats = wfdb::open_annotations(&annotations, &Limits::default()).map_err(|e| about(&annotations, e))?;
    let name = format!("MIT-BIH 100, lead {}", lead.name());
    let score = one_ecg(context, &mut study, &lead.samples(), lead.rate(), &wfdb::beats(&beats), &name)?;
    study.summary = summary(&first, &score);
    Ok(study)
}

const DISCLAIMER: &str = "Numbers that describe the traces; not a medical device, and no advice. The baseline of a cardiotocogram \
    depends on its method, which is named with each number. Gaps are blank in the pictures and never filled.";

fn summary(ctg: &Ctg, score: &BeatScore) -> String {
    format!(
        "CTG: baseline {:.0} bpm, {} accelerations, {} decelerations; ECG: {} of {} beats found, {} too many",
        ctg.mean_baseline_bpm(),
        ctg.accelerations().count(),
        ctg.decelerations().count(),
        score.true_positives,
        score.true_positives + score.false_negatives,
        score.false_positives
    )
}

fn one_ctg(context: &Context, study: &mut Study, record: &Record, name: &str) -> Result<Ctg, Failure> {
    context.step(&format!("analysing the cardiotocogram {name}"));
    let found = ctg::analyse_record(record)?;
    let ph =
        record.comment("pH").map(|v| format!("; umbilical artery pH {v} (outcome in the header)")).unwrap_or_default();
    draw_ctg(study, &found, name, &format!("{name}, {:.0} min{ph}", found.duration_s() / 60.0))?;
    let fhr = record.signal("FHR")?.samples_f64();
    ctg_models::autoencoder(context, study, &fhr, name)?;
    ctg_models::outcome(study, record, name)?;
    Ok(found)
}

/// The picture and the numbers of a cardiotocogram.
fn draw_ctg(study: &mut Study, found: &Ctg, name: &str, caption: &str) -> Result<(), Failure> {
    study.svg(caption, figure::ctg(found, &CtgFigureConfig::default().with_title(name))?);
    let id = |what: &str| format!("ctg_{}_{what}", key(name));
    let source = |function: &str| format!("{function}, {name}");
    let method = found.method.name();
    let baseline = found.mean_baseline_bpm();
    study.number(
        &id("baseline_bpm"),
        "Baseline",
        baseline,
        "bpm",
        1,
        &source("ctg::weighted_median"),
        &format!("{method}; normal 110–160"),
    );
    study.number(
        &id("doubtful_baseline_min"),
        "Baseline not reliable",
        found.doubtful_s() / 60.0,
        "min",
        0,
        &source("ctg::baseline_doubts"),
        "it has left the level before without settling; red in the picture",
    );
    if let Some(stv) = found.variability.stv_ms {
        let note = format!(
            "epochs of 3.75 s; {} of {} minutes complete",
            found.variability.complete_minutes, found.variability.minutes
        );
        study.number(&id("stv_ms"), "Short-term variation", stv, "ms", 2, &source("ctg::variability"), &note);
    }
    if let Some(width) = found.variability.bandwidth_bpm {
        study.number(
            &id("bandwidth_bpm"),
            "Bandwidth per minute",
            width,
            "bpm",
            1,
            &source("ctg::variability"),
            "of all minutes, events included; FIGO's 5–25 is judged without them (see the picture)",
        );
    }
    let (up, down) = (found.accelerations().count(), found.decelerations().count());
    study.number(
        &id("accelerations"),
        "Accelerations",
        up as f64,
        "",
        0,
        &source("ctg::events"),
        "at least 15 bpm for 15 s",
    );
    study.number(
        &id("decelerations"),
        "Decelerations",
        down as f64,
        "",
        0,
        &source("ctg::events"),
        "at least 15 bpm for 15 s",
    );
    if let Some(contractions) = &found.contractions {
        study.number(
            &id("contractions"),
            "Contractions",
            contractions.len() as f64,
            "",
            0,
            &source("ctg::contractions"),
            "",
        );
    }
    let loss = 100.0 * found.prepared.loss;
    let note = "as recorded; the picture also counts what was removed";
    study.number(&id("loss_percent"), "Signal loss", loss, "%", 1, &source("ctg::prepare"), note);
    Ok(())
}

/// A name as part of a key: letters and digits.
pub(crate) fn key(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

fn one_ecg(
    context: &Context,
    study: &mut Study,
    samples: &[f32],
    rate: SampleRate,
    truth: &[usize],
    name: &str,
) -> Result<BeatScore, Failure> {
    context.step(&format!("finding the beats of {name}"));
    let peaks = ecg::r_peaks(samples, rate)?;
    let score = ecg::score_beats(truth, &peaks, (0.15 * rate.hz()) as usize);
    let strip = figure::ecg_strip(samples, rate, &peaks, &EcgStripConfig::default().with_title(name))?;
    study.svg(&format!("{name}: the first 10 s with the R-peaks found"), strip);
    let source = |function: &str| format!("{function}, {name}");
    let counts = format!(
        "TP {}, FN {}, FP {} within 150 ms",
        score.true_positives, score.false_negatives, score.false_positives
    );
    let percent = |v: Option<f64>| 100.0 * v.unwrap_or_default();
    study.number(
        "ecg_sensitivity_percent",
        "Sensitivity",
        percent(score.sensitivity()),
        "%",
        2,
        &source("ecg::r_peaks"),
        &counts,
    );
    let predictive = percent(score.positive_predictive_value());
    study.number("ecg_ppv_percent", "Positive predictive value", predictive, "%", 2, &source("ecg::r_peaks"), &counts);
    let found = hrv::time_domain(&hrv::rr_intervals_ms(&peaks, rate))?;
    let note = "all intervals, ectopic beats included";
    for (id, label, value, unit, digits) in [
        ("ecg_heart_rate_bpm", "Heart rate", found.heart_rate_bpm(), "bpm", 1),
        ("ecg_sdnn_ms", "SDNN", found.sdnn_ms, "ms", 1),
        ("ecg_rmssd_ms", "RMSSD", found.rmssd_ms, "ms", 1),
        ("ecg_pnn50_percent", "pNN50", found.pnn50, "%", 1),
    ] {
        study.number(id, label, value, unit, digits, &source("hrv::time_domain"), note);
    }
    context.step(&format!("variability of {name}"));
    let corrected = hrv::correct_artefacts(&peaks, rate)?;
    let rr_ms = hrv::rr_intervals_ms(&corrected.peaks, rate);
    let moved = corrected.labels.iter().filter(|l| **l != hrv::BeatLabel::Normal).count();
    let note = "ectopic, missed, extra, long or short, and put where they belong";
    study.number(
        "ecg_corrected_beats",
        "Beats corrected",
        moved as f64,
        "",
        0,
        &source("hrv::correct_artefacts"),
        note,
    );
    let ends_ms = rr_ms.iter().scan(0.0, |end, rr| {
        *end += rr;
        Some(*end)
    });
    let five_min = ends_ms.take_while(|end| *end <= 300e3).count();
    let bands = hrv::frequency_domain(&rr_ms[..five_min])?;
    let shape = hrv::nonlinear(&rr_ms)?;
    let (first, all) = ("after correction, 5 min at most", "after correction");
    for (id, label, measure, unit, digits, function, note) in [
        ("ecg_lf_ms2", "LF power", bands.lf_ms2, "ms²", 0, "hrv::frequency_domain", first),
        ("ecg_hf_ms2", "HF power", bands.hf_ms2, "ms²", 0, "hrv::frequency_domain", first),
        ("ecg_sample_entropy", "Sample entropy", shape.sample_entropy, "", 2, "hrv::nonlinear", all),
        ("ecg_alpha1", "DFA α1", shape.alpha1, "", 2, "hrv::nonlinear", all),
    ] {
        // what too short or unsteady a record cannot tell is left out
        if let Ok(value) = measure {
            study.number(id, label, value, unit, digits, &source(function), note);
        }
    }
    Ok(score)
}

fn simulated(context: &Context) -> Outcome {
    const SEED: u64 = 1;
    let mut study = Study::new("Cardiotocogram and ECG", "simulated by eir-synth, seed 1");
    study.text(DISCLAIMER);
    context.step("simulating a cardiotocogram");
    let truth = eir_synth::ctg(&eir_synth::CtgConfig::default(), SEED)?;
    if truth.rate_hz != ctg::RATE_HZ {
        return Err(
            format!("the simulated heart rate has {} Hz, the analysis needs {}", truth.rate_hz, ctg::RATE_HZ).into()
        );
    }
    let wide = |x: &[f32]| x.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
    context.step("analysing the simulated cardiotocogram");
    let found = ctg::analyse(&wide(&truth.fhr_bpm), Some(&wide(&truth.uc_mmhg)))?;
    draw_ctg(&mut study, &found, "simulated CTG", "A simulated cardiotocogram, analysed")?;
    let away = found.baseline_bpm.iter().zip(&truth.baseline_bpm).map(|(a, b)| (a - f64::from(*b)).abs());
    let away = away.sum::<f64>() / found.baseline_bpm.len().max(1) as f64;
    study.number(
        "ctg_baseline_distance_bpm",
        "Baseline from the truth, mean",
        away,
        "bpm",
        2,
        "ctg::weighted_median, simulated CTG",
        "",
    );
    study.table(
        "Planted and found",
        &["event", "planted", "found", "of them at the planted place"],
        events(&truth, &found),
    );

    ctg_models::autoencoder(context, &mut study, &wide(&truth.fhr_bpm), "simulated CTG")?;

    context.step("simulating an ECG");
    let config = eir_synth::EcgConfig::default().with_duration_s(120.0).with_rate_hz(250.0).with_heart_rate_bpm(70.0);
    let truth = eir_synth::ecg(&config, SEED)?;
    let rate = SampleRate::new(truth.rate_hz)?;
    let score = one_ecg(context, &mut study, &truth.samples_mv, rate, &truth.r_peaks, "simulated ECG")?;
    let known = hrv::time_domain(&hrv::rr_intervals_ms(&truth.r_peaks, rate))?;
    study.number(
        "ecg_true_heart_rate_bpm",
        "Heart rate, truth",
        known.heart_rate_bpm(),
        "bpm",
        1,
        "hrv::time_domain on the planted beats",
        "",
    );
    study.number(
        "ecg_true_sdnn_ms",
        "SDNN, truth",
        known.sdnn_ms,
        "ms",
        1,
        "hrv::time_domain on the planted beats",
        "",
    );
    study.summary = summary(&found, &score);
    Ok(study)
}

/// One line per kind: what was planted, what was found, and how many of the planted ones overlap a found one.
fn events(truth: &eir_synth::Ctg, found: &Ctg) -> Vec<Vec<String>> {
    let contractions: Vec<(f64, f64)> =
        found.contractions.iter().flatten().map(|c| (c.interval.start_s(), c.interval.end_s())).collect();
    let gaps: Vec<(f64, f64)> =
        found.prepared.gaps().iter().map(|(a, b)| (*a as f64 / ctg::RATE_HZ, *b as f64 / ctg::RATE_HZ)).collect();
    let of = |keep: fn(EventKind) -> bool| -> Vec<(f64, f64)> {
        found.events.iter().filter(|e| keep(e.kind)).map(|e| (e.interval.start_s(), e.interval.end_s())).collect()
    };
    let planted = |keep: fn(CtgEventKind) -> bool| {
        truth.events.iter().filter(move |e| keep(e.kind)).map(|e| (e.start_s, e.end_s))
    };
    let is_deceleration =
        |kind| !matches!(kind, CtgEventKind::Acceleration | CtgEventKind::Contraction | CtgEventKind::Gap);
    let rows = [
        (
            "accelerations",
            planted(|k| k == CtgEventKind::Acceleration).collect::<Vec<_>>(),
            of(|k| !k.is_deceleration()),
        ),
        ("decelerations", planted(is_deceleration).collect(), of(EventKind::is_deceleration)),
        ("contractions", planted(|k| k == CtgEventKind::Contraction).collect(), contractions),
        ("gaps", planted(|k| k == CtgEventKind::Gap).collect(), gaps),
    ];
    rows.into_iter()
        .map(|(name, planted, found)| {
            let meets = |p: &&(f64, f64)| found.iter().any(|f| f.0 < p.1 && p.0 < f.1);
            let at_place = planted.iter().filter(meets).count();
            vec![name.to_owned(), planted.len().to_string(), found.len().to_string(), at_place.to_string()]
        })
        .collect()
}
