//! One entry for every chore: `cargo xtask demo`, `test`, `golden`, `bench`, `models`, `train`.

mod bench;
mod cargo;
mod fuzz;
mod golden;
mod models;
mod test;
mod train;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The chores of the eir workspace")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// All case studies from input to one HTML report
    Demo(Demo),
    /// Everything that must hold before a change lands, cheapest first
    Test,
    /// Compares the crates with reference values
    Golden(golden::Golden),
    /// Measures speed, with --peers against the tools that users would otherwise pick
    Bench(bench::Bench),
    /// Published weights that the networks take: source, licence, SHA-256; with --weights, whether a folder holds them
    Models(models::Models),
    /// Trains a shipped model again from its records with its seed
    Train(train::Train),
    /// Throws changed bytes at one parser
    Fuzz(fuzz::Fuzz),
}

#[derive(clap::Args)]
struct Demo {
    /// Folder with the real records of each crate; without it the patients are simulated
    #[arg(long)]
    data: Option<PathBuf>,
    /// Folder with the published weights (by default those beside the data)
    #[arg(long)]
    models: Option<PathBuf>,
    /// Backend on which models run
    #[arg(long, default_value = "flex", value_parser = ["flex", "wgpu", "cuda"])]
    device: String,
    /// Folder of the report
    #[arg(long, default_value = "target/demo")]
    out: PathBuf,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Demo(demo) => demo.run(),
        Chore::Test => test::run(),
        Chore::Golden(golden) => golden.run(),
        Chore::Bench(bench) => bench.run(),
        Chore::Models(models) => models.run(),
        Chore::Train(train) => train.run(),
        Chore::Fuzz(fuzz) => fuzz.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Demo {
    /// Builds the demo, which needs the whole family, and runs it.
    fn run(self) -> cargo::Outcome {
        println!("Building the demo (the first time takes some minutes: it brings the tensor backend) ...");
        let mut features = "family".to_owned();
        if self.device != "flex" {
            features = format!("{features},{}", self.device);
        }
        let mut command =
            cargo::cargo(&["run", "--quiet", "--package", "xtask", "--bin", "demo", "--features", &features]);
        command.arg("--").arg("--device").arg(&self.device).arg("--out").arg(&self.out);
        for (flag, folder) in [("--data", &self.data), ("--models", &self.models)] {
            if let Some(folder) = folder {
                command.arg(flag).arg(folder);
            }
        }
        cargo::run(command)
    }
}
