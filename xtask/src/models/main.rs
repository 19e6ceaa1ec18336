//! The list of published weights. Called by `cargo xtask models`.

use clap::Parser;
use eir_core::{Limits, file};
use eir_vision::networks::Architecture;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask models")]
struct Arguments {
    #[arg(long)]
    weights: Option<PathBuf>,
    #[arg(long)]
    all: bool,
    #[arg(long)]
    json: bool,
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// No folder was given.
    Unchecked,
    Right,
    Missing,
    /// Another length than published.
    Length(u64),
    /// Another SHA-256.
    Bytes,
    /// The system refused.
    Unread(String),
}

impl State {
    fn text(&self) -> String {
        match self {
            Self::Unchecked => String::new(),
            Self::Right => "ok".to_owned(),
            Self::Missing => "missing".to_owned(),
            Self::Length(bytes) => format!("WRONG: {bytes} bytes"),
            Self::Bytes => "WRONG: another SHA-256".to_owned(),
            Self::Unread(why) => format!("WRONG: {why}"),
        }
    }

    fn fails(&self, all: bool) -> bool {
        match self {
            Self::Unchecked | Self::Right => false,
            Self::Missing => all,
            _ => true,
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(folder) = arguments.weights.as_deref().filter(|f| !f.is_dir()) {
        eprintln!("error: {} is no folder: give the one with the .safetensors files", folder.display());
        return ExitCode::FAILURE;
    }
    let rows: Vec<(Architecture, State)> = Architecture::PUBLISHED
        .into_iter()
        .map(|a| (a, arguments.weights.as_deref().map_or(State::Unchecked, |folder| state(a, folder))))
        .collect();
    if arguments.json {
        print_json(&rows)
    } else {
        print_table(&rows, arguments.weights.as_deref())
    }
    let failed = rows.iter().filter(|(_, s)| s.fails(arguments.all)).count();
    let right = rows.iter().filter(|(_, s)| *s == State::Right).count();
    if arguments.weights.is_none() {
        return ExitCode::SUCCESS;
    }
    let missing = rows.iter().filter(|(_, s)| *s == State::Missing).count();
    if !arguments.json {
        println!("\n{right} right, {missing} missing, {failed} failed");
    }
    // a folder without any of them is the wrong folder
    if failed > 0 || right == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn state(architecture: Architecture, folder: &Path) -> State {
    let (Some(card), Some(bytes)) = (architecture.card(), architecture.file_bytes()) else { return State::Missing };
    let path = folder.join(format!("{}.safetensors", card.name));
    match path.metadata() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return State::Missing,
        Err(e) => return State::Unread(e.to_string()),
        Ok(found) if found.len() != bytes => return State::Length(found.len()),
        Ok(_) => {}
    }
    match file::read(&path, &Limits::default()) {
        Err(e) => State::Unread(e.to_string()),
        Ok(bytes) if card.verify(&bytes).is_ok() => State::Right,
        Ok(_) => State::Bytes,
    }
}

fn print_table(rows: &[(Architecture, State)], folder: Option<&Path>) {
    println!("{:<42} {:>9}  {:<11} {:<64}  state", "file", "bytes", "licence", "SHA-256");
    for (architecture, state) in rows {
        let (Some(card), Some(bytes)) = (architecture.card(), architecture.file_bytes()) else { continue };
        let name = format!("{}.safetensors", card.name);
        println!("{name:<42} {bytes:>9}  {:<11} {}  {}", card.licence, card.sha256, state.text());
        println!("    from {}", card.source);
        println!("    trained on: {}", card.training_data);
    }
    let known = |name: &str| Architecture::of_file(name.trim_end_matches(".safetensors")).is_some();
    for entry in folder.into_iter().flat_map(|f| std::fs::read_dir(f).into_iter().flatten().flatten()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".safetensors") && !known(&name) {
            println!("{name:<42} is no published file of a network");
        }
    }
}

fn print_json(rows: &[(Architecture, State)]) {
    let rows: Vec<serde_json::Value> = rows
        .iter()
        .filter_map(|(architecture, state)| {
            let card = architecture.card()?;
            Some(json!({
                "file": format!("{}.safetensors", card.name), "bytes": architecture.file_bytes(),
                "sha256": card.sha256, "licence": card.licence, "source": card.source,
                "training_data": card.training_data, "state": state.text(),
            }))
        })
        .collect();
    println!("{:#}", json!(rows));
}
