//! Four raters label events of a recording: how far do they agree, and what is true?
//!
//! Without arguments on ratings that it makes itself; with a path, on a table of lines "item rater label" separated by
//! tabs. With a second path, the timeline is written there as SVG.

use eir_annotate::{
    Annotation, DawidSkene, Document, KrippendorffAlpha, Label, Media, MediaKind, Rater, RaterKind, Ratings, Target,
    TimeBase, majority_vote, timeline,
};
use eir_core::random::Generator;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (ratings, picture) = match arguments.next() {
        Some(path) => {
            let text = std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
            let rows = text.lines().filter(|l| !l.trim().is_empty());
            let rows: Option<Vec<_>> = rows
                .map(|line| {
                    let mut cells = line.split('\t');
                    Some((cells.next()?, cells.next()?, cells.next()?))
                })
                .collect();
            (Ratings::from_triples(rows.ok_or("each line must be: item, rater, label, separated by tabs")?)?, None)
        }
        None => {
            let document = made_up()?;
            (Ratings::from_document(&document)?, Some(timeline(&document)?))
        }
    };

    let alpha =
        KrippendorffAlpha::default().with_seed(1).estimate(&ratings.to_matrix(|c| c as f64), ratings.raters())?;
    let fit = DawidSkene::default().fit(&ratings)?;
    let changed = majority_vote(&ratings).iter().zip(fit.labels()).filter(|(a, b)| **a != *b).count();
    println!("{} items, {} raters, classes {:?}", ratings.items(), ratings.raters(), ratings.class_names());
    println!("Krippendorff's alpha {:.3} ({:.3} to {:.3})", alpha.value, alpha.lower, alpha.upper);
    println!("Dawid-Skene: {} iterations, {changed} items differ from the majority", fit.iterations);
    for (rater, name) in ratings.rater_names().iter().enumerate() {
        println!("  {name}: right with probability {:.3}", fit.skill(rater));
    }
    if let (Some(svg), Some(path)) = (picture, arguments.next().or_else(|| std::env::var("EIR_SVG").ok())) {
        eir_core::file::write_atomic(std::path::Path::new(&path), svg.as_bytes())?;
        println!("timeline written to {path}");
    }
    Ok(())
}

/// Sixty beats, 100 ms resolution; three raters are good, the fourth calls everything normal.
fn made_up() -> Result<Document, eir_annotate::Error> {
    let mut document = Document::default();
    let ecg = document.add_media(Media::new("made up", MediaKind::Signal).with_time(TimeBase::milliseconds()));
    let labels = ["normal", "ectopic"].map(|name| document.add_label(Label::new(name)));
    let generator = Generator::new(1, "example");
    let mut truth = generator.stream(0);
    let beats: Vec<(i64, bool)> = (0..60).map(|i| (i * 800, truth.chance(0.25))).collect();
    for (name, skill, lazy) in [("ann", 0.95, false), ("bob", 0.9, false), ("eve", 0.8, false), ("sam", 1.0, true)] {
        let rater = document.add_rater(Rater::new(name, RaterKind::Human));
        let mut stream = generator.stream(1 + rater as u64);
        for (at, ectopic) in &beats {
            let answer = !lazy && (*ectopic == stream.chance(skill));
            let label = labels[usize::from(answer)];
            document
                .annotations
                .push(Annotation::new(ecg, Target::Point((*at).into())).with_label(label).with_rater(rater));
        }
    }
    Ok(document)
}
