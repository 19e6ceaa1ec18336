//! Trains a shipped model again from its records. Called by `cargo xtask train`.

#[cfg(feature = "outcome")]
mod cohort;
#[cfg(feature = "outcome")]
mod ctg_outcome;
#[cfg(feature = "networks")]
mod ctg_temporal;
#[cfg(feature = "networks")]
mod ctg_vae;
#[cfg(feature = "rehab")]
mod rehab;

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask train")]
struct Arguments {
    name: String,
    /// Folder with the records of the crate, or of all crates
    #[cfg_attr(not(feature = "outcome"), allow(dead_code, reason = "simulated subjects need no records"))]
    #[arg(long)]
    data: Option<PathBuf>,
    /// Folder with records that take no part in training and are judged at the end, laid out as `data`
    #[cfg_attr(not(feature = "outcome"), allow(dead_code, reason = "simulated subjects need no records"))]
    #[arg(long)]
    held_out: Option<PathBuf>,
    /// Folder of weights and cards
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Passes over the data
    #[cfg(any(feature = "networks", feature = "rehab"))]
    #[arg(long)]
    epochs: Option<usize>,
    /// Weights of a network that is kept
    #[cfg(any(feature = "networks", feature = "rehab"))]
    #[arg(long)]
    network: Option<PathBuf>,
}

/// What a training returns; the error is printed as it is.
type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.name.as_str() {
        #[cfg(feature = "outcome")]
        "ctg-outcome" => ctg_outcome::train(&arguments),
        #[cfg(feature = "networks")]
        "ctg-vae" => ctg_vae::train(&arguments),
        #[cfg(feature = "rehab")]
        "rehab" => rehab::train(&arguments),
        other => Err(format!("there is no training of {other}").into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(feature = "outcome")]
impl Arguments {
    /// The folder of the CTU-UHB records.
    fn records(&self) -> Result<PathBuf, Box<dyn std::error::Error>> {
        let data = match &self.data {
            Some(data) => data.clone(),
            None => eir_core::testing::shared().ok_or("give the folder of the records: --data")?.join("data"),
        };
        cohort::folder(&data)
    }
}
