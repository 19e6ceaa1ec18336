//! Case study: labels of many annotators, in files that lose nothing.

use super::study::{Context, Outcome, Study};
use eir_annotate::{
    Annotation, CocoFile, DawidSkene, DawidSkeneFit, Document, KrippendorffAlpha, Label, Limits, Media, MediaKind,
    Rater, RaterKind, Ratings, Target, TimeBase, Timeline, WfdbAnnotation, WfdbFile, WfdbRecord, accuracy, cohen_kappa,
    confusion_map, majority_vote, wfdb_header_clock,
};
use eir_core::random::Generator;
use eir_synth::EcgConfig;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

const SEED: u64 = 1;
/// Symbol, WFDB code, meaning.
const BEATS: [(&str, u8, &str); 3] = [("N", 1, "Normal beat"), ("V", 5, "Ventricular beat"), ("A", 8, "Atrial beat")];
/// Per simulated rater and true class the probabilities of the answers N, V, A.
const RATERS: [(&str, [[f64; 3]; 3]); 5] = [
    ("careful", [[0.96, 0.02, 0.02], [0.03, 0.95, 0.02], [0.10, 0.02, 0.88]]),
    ("good", [[0.92, 0.03, 0.05], [0.08, 0.90, 0.02], [0.15, 0.05, 0.80]]),
    ("misses A", [[0.97, 0.02, 0.01], [0.10, 0.88, 0.02], [0.75, 0.05, 0.20]]),
    ("all normal", [[0.98, 0.01, 0.01], [0.70, 0.28, 0.02], [0.85, 0.03, 0.12]]),
    ("hasty", [[0.55, 0.20, 0.25], [0.25, 0.50, 0.25], [0.30, 0.25, 0.45]]),
];

pub(crate) fn run(context: &Context) -> Outcome {
    match &context.data {
        Some(data) => real(context, data),
        None => simulated(context),
    }
}

fn real(context: &Context, data: &Path) -> Outcome {
    let input =
        "Snow et al. 2008, RTE (redistributed under MIT); COCO samples of Datumaro (MIT); MIT-BIH 100 (ODC-By 1.0)";
    let mut study = Study::new("Many annotators, one truth", input);
    context.step("read the crowd's ratings");
    let path = data.join("annotate/crowd/snow2008_rte.standardized.tsv");
    let (ratings, gold) = table(&path)?;
    context.step("aggregate");
    study.text(
        "Does the first sentence imply the second? Ten laypeople answered for each pair of sentences. The model of Dawid and \
         Skene finds out from the answers alone how reliable each of them is, and weighs the answers by it.",
    );
    let source = "snow2008_rte";
    let fit = aggregate(&mut study, &ratings, &gold, source)?;
    let counts = ratings.all().iter().fold(vec![0usize; ratings.raters()], |mut counts, r| {
        if let Some(count) = counts.get_mut(r.rater as usize) {
            *count += 1;
        }
        counts
    });
    let busy = (0..ratings.raters()).filter(|r| counts.get(*r).is_some_and(|c| *c >= 100));
    if let Some(worst) = busy.min_by(|a, b| fit.skill(*a).total_cmp(&fit.skill(*b))) {
        let names = ratings.class_names();
        study.svg(
            "Answers of the least reliable rater with 100 answers or more, as the model sees them (1: follows, 0: does not)",
            confusion_map("Least reliable rater", names, fit.confusion(worst))?,
        );
    }

    context.step("read, edit and write COCO");
    coco(&mut study, &data.join("annotate/coco"))?;

    context.step("read, convert and write WFDB annotations");
    let folder = data.join("signal/mitdb");
    let (annotations, header) = (folder.join("100.atr"), folder.join("100.hea"));
    let bytes = read(&annotations)?;
    let clock = wfdb_header_clock(&read(&header)?).map_err(|e| format!("{}: {e}", header.display()))?;
    let document = wfdb(&mut study, &bytes, clock, &annotations.display().to_string(), "mitdb 100.atr")?;

    context.step("draw the beats of a minute");
    let beats: Vec<(i64, usize)> = document.annotations.iter().filter_map(|a| beat(&document, a)).collect();
    if beats.is_empty() {
        return Err(format!("{}: no beat of type N, V or A; give an arrhythmia record", annotations.display()).into());
    }
    let rated = rate(&beats, clock, "100")?;
    study.svg(
        "Real beats of record 100 with their reference labels, and five simulated raters with known errors (no real raters)",
        timeline(&rated, "Beats of record 100: reference and simulated raters", focus(&rated))?,
    );
    Ok(study)
}

fn simulated(context: &Context) -> Outcome {
    let input = format!("simulated ECG and raters, seed {SEED}");
    let mut study = Study::new("Many annotators, one truth", &input);
    context.step("simulate an ECG");
    let ecg = eir_synth::ecg(&EcgConfig::default().with_duration_s(600.0).with_rate_hz(250.0), SEED)?;
    let clock = TimeBase::samples_at(eir_core::SampleRate::new(ecg.rate_hz)?)?;
    let mut classes = Generator::new(SEED, "demo: classes of beats").stream(0);
    let beats: Vec<(i64, usize)> =
        ecg.r_peaks.iter().map(|at| (*at as i64, classes.weighted(&[0.7, 0.2, 0.1]).unwrap_or_default())).collect();

    context.step("simulate raters");
    let document = rate(&beats, clock, "simulated")?;
    let mut answers = document.clone();
    answers.annotations.retain(|a| a.provenance.rater != Some(0));
    let ratings = Ratings::from_document(&answers)?;
    study.text(
        "Five simulated raters with known errors label every beat of a simulated ECG as normal (N), ventricular (V) or atrial \
         (A): one is careful, one is hasty, one never sees atrial beats, one calls nearly all beats normal.",
    );
    let class =
        |beat: &(i64, usize)| ratings.class_names().iter().position(|n| BEATS.get(beat.1).is_some_and(|b| b.0 == n));
    let gold: Vec<Option<usize>> = beats.iter().map(class).collect();
    if gold.len() != ratings.items() {
        return Err("two simulated beats lie on one sample: choose a higher rate".into());
    }
    context.step("aggregate");
    let fit = aggregate(&mut study, &ratings, &gold, "simulated raters")?;
    let mut worst = 0.0f64;
    let mut rows = Vec::new();
    for (name, known) in RATERS {
        let place = ratings.rater_names().iter().position(|r| r == name).ok_or("a simulated rater has no answers")?;
        let found = fit.confusion(place);
        let of = |class: &str| ratings.class_names().iter().position(|c| c == class).unwrap_or_default();
        for (truth, row) in BEATS.iter().zip(known) {
            for (answer, share) in BEATS.iter().zip(row) {
                let cell = found.get(of(truth.0) * ratings.classes() + of(answer.0)).copied().unwrap_or_default();
                worst = worst.max((cell - share).abs());
            }
        }
        let skill: f64 = known.iter().enumerate().zip([0.7, 0.2, 0.1]).map(|((i, row), share)| row[i] * share).sum();
        rows.push(vec![name.to_owned(), format!("{skill:.3}"), format!("{:.3}", fit.skill(place))]);
    }
    study.number(
        "confusion_worst_error",
        "largest error of a confusion matrix",
        worst,
        "",
        3,
        "DawidSkene",
        "known: the simulation",
    );
    study.table("Probability that a rater is right", &["rater", "known", "found without the truth"], rows);
    let lazy = ratings.rater_names().iter().position(|r| r == "misses A").unwrap_or_default();
    study.svg(
        "What the model found about the rater who misses atrial beats (known: 0.20 of A are seen)",
        confusion_map("Rater who misses A", ratings.class_names(), fit.confusion(lazy))?,
    );
    study.svg("Labels of the raters over 30 s", timeline(&document, "Truth and five raters", (0.0, 30.0))?);

    context.step("write and read files");
    let mut file = WfdbFile::default();
    for (time, class) in &beats {
        let code = BEATS.get(*class).map_or(13, |b| b.1);
        file.records.push(WfdbRecord::new(WfdbAnnotation { time: *time, code, ..WfdbAnnotation::default() }));
    }
    wfdb(&mut study, &file.to_bytes()?, clock, "simulated annotations", "simulated")?;
    let text = "{\n  \"images\": [{\"id\": 1, \"width\": 640, \"height\": 480}],\n  \"categories\": [{\"id\": 1, \"name\": \"knee\"}, \
                {\"id\": 2, \"name\": \"hip\"}],\n  \"annotations\": [{\"id\": 1, \"image_id\": 1, \"category_id\": 1, \"bbox\": [10.50, \
                20, 30.0, 40]}]\n}\n";
    edit_label(&mut study, text, "simulated COCO file")?;
    Ok(study)
}

/// Majority and model against gold, and how far the raters agree.
fn aggregate(
    study: &mut Study,
    ratings: &Ratings,
    gold: &[Option<usize>],
    source: &str,
) -> Result<DawidSkeneFit, Box<dyn Error>> {
    let fit = DawidSkene::default().fit(ratings)?;
    let (votes, model) = (accuracy(&majority_vote(ratings), gold)?, accuracy(&fit.labels(), gold)?);
    let alpha =
        KrippendorffAlpha::default().with_seed(SEED).estimate(&ratings.to_matrix(|c| c as f64), ratings.raters())?;
    let items = format!("{} items, {} raters, {} ratings", ratings.items(), ratings.raters(), ratings.all().len());
    study.number(
        "majority_accuracy",
        "majority vote, right",
        votes,
        "",
        4,
        &format!("majority_vote, {source}"),
        &items,
    );
    study.number("dawid_skene_accuracy", "Dawid–Skene, right", model, "", 4, &format!("DawidSkene, {source}"), &items);
    let converged = if fit.converged { "converged" } else { "not converged" };
    study.number("dawid_skene_iterations", "iterations", fit.iterations as f64, "", 0, "DawidSkene", converged);
    let interval = format!("95 % interval {:.3} to {:.3} (bootstrap over items)", alpha.lower, alpha.upper);
    study.number(
        "krippendorff_alpha",
        "Krippendorff's alpha, nominal",
        alpha.value,
        "",
        3,
        "KrippendorffAlpha",
        &interval,
    );
    let mut kappas = Vec::new();
    for a in 0..ratings.raters().min(200) {
        for b in a + 1..ratings.raters().min(200) {
            let (x, y) = ratings.pair(a, b);
            if x.len() >= 20 {
                kappas.extend(cohen_kappa(&x, &y).ok().map(|k| k.value)); // undefined where both said one thing only
            }
        }
    }
    if !kappas.is_empty() {
        let mean = kappas.iter().sum::<f64>() / kappas.len() as f64;
        let note = format!("{} pairs with 20 common items or more", kappas.len());
        study.number("cohen_kappa_mean", "Cohen's kappa, mean of pairs", mean, "", 3, "cohen_kappa", &note);
    }
    study.summary = format!(
        "Majority {:.1} % right, Dawid–Skene {:.1} %; alpha {:.2}; WFDB and COCO written back byte for byte",
        100.0 * votes,
        100.0 * model,
        alpha.value
    );
    Ok(fit)
}

/// Ratings, and for each item its gold label where it has one.
type Rated = (Ratings, Vec<Option<usize>>);

/// Ratings and gold labels of a table with the columns worker, item, response and gold.
fn table(path: &Path) -> Result<Rated, Box<dyn Error>> {
    let bad = |what: &str| format!("{}: {what}; give the table of Snow et al. 2008", path.display());
    let text = String::from_utf8(read(path)?).map_err(|_| bad("no text"))?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| header.iter().position(|h| *h == name).ok_or_else(|| bad(&format!("no column {name}")));
    let places = [column("orig_id")?, column("!amt_worker_ids")?, column("response")?, column("gold")?];
    let (mut triples, mut gold) = (Vec::new(), BTreeMap::new());
    for (number, line) in lines.enumerate().filter(|(_, l)| !l.is_empty()) {
        let cells: Vec<&str> = line.split('\t').collect();
        let row: Option<Vec<&str>> = places.iter().map(|p| cells.get(*p).copied()).collect();
        match row.as_deref() {
            Some([item, worker, response, truth]) => {
                triples.push((*item, *worker, *response));
                gold.insert((*item).to_owned(), (*truth).to_owned());
            }
            _ => return Err(bad(&format!("line {} is too short", number + 2)).into()),
        }
    }
    let ratings = Ratings::from_triples(triples).map_err(|e| bad(&e.to_string()))?;
    let class = |item: &String| ratings.class_names().iter().position(|c| Some(c) == gold.get(item));
    let gold = ratings.item_names().iter().map(class).collect();
    Ok((ratings, gold))
}

/// Every COCO file of the folder back byte for byte, and one with an edited label.
fn coco(study: &mut Study, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut rows = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}; put COCO files there", folder.display()))?;
    let mut paths: Vec<_> =
        entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
    paths.sort();
    let mut edited = false;
    for path in &paths {
        let bytes = read(path)?;
        let size = bytes.len();
        let mut file =
            CocoFile::from_bytes(bytes.clone(), &Limits::default()).map_err(|e| format!("{}: {e}", path.display()))?;
        let document = file.to_document();
        let losses = file.update(&document)?;
        let text = file.to_text()?;
        if text.as_bytes() != bytes || !losses.is_empty() {
            return Err(
                format!("{}: written back with other bytes; report this file to the project", path.display()).into()
            );
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        rows.push(vec![name.clone(), file.annotations.len().to_string(), size.to_string(), "yes".to_owned()]);
        if !edited && file.categories.len() > 1 && file.annotations.iter().any(|a| a.value.category_id.is_some()) {
            edit_label(study, &text, &name)?;
            edited = true;
        }
    }
    study.table("COCO files read and written", &["file", "annotations", "bytes", "the same bytes"], rows);
    if edited {
        Ok(())
    } else {
        Err(format!("{}: no data set with categories; put COCO files there", folder.display()).into())
    }
}

/// Gives the first annotation with a label another one, and counts the bytes that differ.
fn edit_label(study: &mut Study, text: &str, source: &str) -> Result<(), Box<dyn Error>> {
    let mut file = CocoFile::from_text(text, &Limits::default())?;
    let mut document = file.to_document();
    let labels = document.labels.len();
    let first =
        document.annotations.iter_mut().find(|a| a.label.is_some()).ok_or_else(|| format!("{source}: no label"))?;
    first.label = first.label.map(|l| (l + 1) % labels.max(1));
    let losses = file.update(&document)?;
    let after = file.to_text()?;
    let same_front = text.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let rest = text.len().min(after.len()) - same_front;
    let same_back = text.bytes().rev().zip(after.bytes().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let changed = text.len().max(after.len()) - same_front - same_back;
    let note = format!("of {}; one label edited, {} losses", text.len(), losses.len());
    study.number(
        "coco_bytes_changed",
        "bytes changed by one edit",
        changed as f64,
        "bytes",
        0,
        &format!("CocoFile, {source}"),
        &note,
    );
    Ok(())
}

/// The annotations as points and intervals in milliseconds, and back.
fn wfdb(
    study: &mut Study,
    bytes: &[u8],
    clock: TimeBase,
    place: &str,
    source: &str,
) -> Result<Document, Box<dyn Error>> {
    let wrong = |e: eir_annotate::Error| format!("{place}: {e}; give a WFDB annotation file");
    let mut file = WfdbFile::from_bytes(bytes, &Limits::default()).map_err(wrong)?;
    let document = file.to_document(source, clock).map_err(wrong)?;
    let mut converted = document.clone();
    converted.convert_time(0, TimeBase::milliseconds())?;
    let losses = file.update(&converted, 0, clock)?;
    let back = file.to_bytes()?;
    let differ = back.iter().zip(bytes).filter(|(a, b)| a != b).count() + back.len().abs_diff(bytes.len());
    if differ > 0 || !losses.is_empty() {
        return Err(format!("{place}: written back with other bytes; report this file to the project").into());
    }
    let intervals =
        document.annotations.iter().flat_map(|a| &a.targets).filter(|t| matches!(t, Target::Interval { .. })).count();
    let note = format!("{intervals} of them rhythm intervals");
    let source = format!("WfdbFile, {source}");
    study.number("wfdb_annotations", "WFDB annotations", document.annotations.len() as f64, "", 0, &source, &note);
    let note = format!("of {}; through milliseconds and back, {} losses", bytes.len(), losses.len());
    study.number("wfdb_bytes_changed", "bytes changed by the round trip", differ as f64, "bytes", 0, &source, &note);
    Ok(document)
}

/// Time and class of an annotation that is a beat of one of the three classes.
fn beat(document: &Document, annotation: &Annotation) -> Option<(i64, usize)> {
    let number = document.labels.get(annotation.label?)?.number?;
    let class = BEATS.iter().position(|b| i64::from(b.1) == number)?;
    Some((annotation.ticks()?.0.round(), class))
}

/// The beats with their true labels (rater 0) and with those of the simulated raters.
fn rate(beats: &[(i64, usize)], clock: TimeBase, name: &str) -> Result<Document, Box<dyn Error>> {
    let mut document = Document::default();
    let media = document.add_media(Media::new(name, MediaKind::Signal).with_time(clock));
    let labels = BEATS.map(|(symbol, code, meaning)| {
        document.add_label(Label::new(symbol).with_number(code.into()).with_description(meaning))
    });
    let add = |document: &mut Document, rater, at: i64, class: usize| {
        if let Some(label) = labels.get(class) {
            document
                .annotations
                .push(Annotation::new(media, Target::Point(at.into())).with_label(*label).with_rater(rater));
        }
    };
    let truth = document.add_rater(Rater::new("reference", RaterKind::Gold));
    beats.iter().for_each(|(at, class)| add(&mut document, truth, *at, *class));
    let answers = Generator::new(SEED, "demo: raters");
    for (stream, (name, confusion)) in (0u64..).zip(RATERS) {
        let rater = document.add_rater(Rater::new(name, RaterKind::Machine));
        let mut random = answers.stream(stream);
        for (at, class) in beats {
            let answer = confusion.get(*class).and_then(|row| random.weighted(row)).unwrap_or(*class);
            add(&mut document, rater, *at, answer);
        }
    }
    document.validate()?;
    Ok(document)
}

/// The half minute with the most beats that are not normal.
fn focus(document: &Document) -> (f64, f64) {
    let mut times: Vec<f64> = Vec::new();
    for (i, a) in document.annotations.iter().enumerate() {
        if a.provenance.rater == Some(0) && a.label != Some(0) {
            times.extend(document.seconds(i).ok().flatten().map(|t| t.0.to_f64()));
        }
    }
    let within = |from: f64| times.iter().filter(|t| **t >= from && **t < from + 30.0).count();
    let best = times.iter().map(|t| (t - 3.0).max(0.0)).max_by_key(|from| within(*from));
    let from = best.unwrap_or(0.0).floor();
    (from, from + 30.0)
}

fn timeline(document: &Document, title: &str, (from, to): (f64, f64)) -> Result<String, Box<dyn Error>> {
    Ok(Timeline::default().with_title(title).with_range_s(from, to).with_windows(30).draw(document)?)
}

fn read(path: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    Ok(eir_core::file::read(path, &Limits::default())
        .map_err(|e| format!("{e}: put the file there, or run without --data"))?)
}
