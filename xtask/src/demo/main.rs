//! The main job: all case studies from input to one HTML report. Called by `cargo xtask demo`.

mod anatomy3d;
mod annotate;
mod audio;
mod ctg_models;
mod faces;
mod page;
mod signal;
mod squat;
mod study;
mod synth;
mod vision;

use clap::Parser;
use page::{Case, Meta};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use study::{Context, Outcome, Progress};

/// Name of the crate, what the case study is about, and the case study.
type Entry = (&'static str, &'static str, fn(&Context) -> Outcome);

const STUDIES: [Entry; 6] = [
    ("signal", "Heart rate before birth, and an ECG", signal::run),
    ("vision", "A knee after surgery, a face over time", vision::run),
    ("audio", "The voice in numbers", audio::run),
    ("synth", "Synthetic patients that can be shared", synth::run),
    ("anatomy3d", "From a scan to a surface", anatomy3d::run),
    ("annotate", "Many annotators, one truth", annotate::run),
];

#[derive(Parser)]
#[command(name = "cargo xtask demo")]
struct Arguments {
    #[arg(long)]
    data: Option<PathBuf>,
    #[arg(long)]
    models: Option<PathBuf>,
    #[arg(long, default_value = "flex")]
    device: String,
    #[arg(long, default_value = "target/demo")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the report; whether every case study came out.
fn run(arguments: Arguments) -> Result<bool, String> {
    let start = Instant::now();
    if let Some(folder) = [&arguments.data, &arguments.models].into_iter().flatten().find(|f| !f.is_dir()) {
        return Err(format!(
            "{} is no folder: give the folder with one folder per crate, or leave it out",
            folder.display()
        ));
    }
    std::fs::create_dir_all(&arguments.out).map_err(|e| format!("{}: {e}", arguments.out.display()))?;
    let input = match &arguments.data {
        Some(_) => "real records".to_owned(),
        None => format!("simulated patients (generator {})", eir_core::random::NAME),
    };
    let context = Context {
        data: arguments.data,
        models: arguments.models,
        device: arguments.device,
        out: arguments.out,
        progress: Progress::new(),
    };
    let mut cases = Vec::new();
    for (id, title, study) in STUDIES {
        let begun = Instant::now();
        context.step(&format!("{id}: {title}"));
        let outcome = study(&context).map_err(|e| e.to_string());
        let outcome = page::checked(&outcome).cloned();
        let (seconds, slowest) = (begun.elapsed().as_secs_f64(), context.progress.slowest());
        let slow = slowest.as_ref().map_or_else(String::new, |(step, s)| format!(", slowest: {step}, {s:.1} s"));
        context.progress.line(&match &outcome {
            Ok(_) => format!("  {id}: done in {seconds:.1} s{slow}"),
            Err(error) => format!("  {id}: {error}"),
        });
        let title = outcome.as_ref().map_or_else(|_| title.to_owned(), |s| s.title.clone());
        cases.push(Case { id, title, outcome, seconds, slowest });
    }
    context.progress.finish();
    let meta = Meta {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        input,
        device: context.device.clone(),
        seconds: start.elapsed().as_secs_f64(),
    };
    let json = format!("{:#}\n", page::json(&cases, &meta));
    for (name, text) in [("index.html", page::html(&cases, &meta)), ("report.json", json)] {
        eir_core::file::write_atomic(&context.out.join(name), text.as_bytes()).map_err(|e| e.to_string())?;
    }
    println!();
    for case in &cases {
        match &case.outcome {
            Ok(study) => println!("{:<10} ok     {}", case.id, study.summary),
            Err(error) => println!("{:<10} ERROR  {error}", case.id),
        }
    }
    println!("\nThe report: {}", context.out.join("index.html").display());
    Ok(cases.iter().all(|c| c.outcome.is_ok()))
}
