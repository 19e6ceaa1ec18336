//! `cargo xtask train`: a shipped model again, from its records with its seed.

use crate::cargo::{self, Outcome};
use std::path::PathBuf;

/// Name of a model, the features its training is built with, and what the training is.
const MODELS: [(&str, &str, &str); 3] = [
    (
        "ctg-outcome",
        "networks",
        "acidaemia at birth, logistic regression on features of the last hour, networks beside it",
    ),
    ("ctg-vae", "networks", "autoencoder of fetal heart rate, on traces without their outcome"),
    ("rehab", "rehab", "recognition of knee exercises and quality of squats, on simulated subjects"),
];

#[derive(clap::Args)]
pub(crate) struct Train {
    /// The model: ctg-outcome, ctg-vae, rehab
    name: String,
    /// Folder with the records (by default those beside the workspace)
    #[arg(long)]
    data: Option<PathBuf>,
    /// Folder with records of the same layout that take no part and are judged at the end
    #[arg(long)]
    held_out: Option<PathBuf>,
    /// Folder of weights and card (by default target/train/NAME)
    #[arg(long)]
    out: Option<PathBuf>,
    /// Seed of every random choice
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Passes over the data, where the training has any (by default those of the shipped model)
    #[arg(long)]
    epochs: Option<usize>,
    /// Weights of a network (its card beside them) that is kept: only what it is compared with is taken anew
    #[arg(long)]
    network: Option<PathBuf>,
}

impl Train {
    /// Builds the training with what it needs, optimised, and runs it.
    pub(crate) fn run(&self) -> Outcome {
        let Some((_, features, what)) = MODELS.iter().find(|(name, ..)| *name == self.name) else {
            let names: Vec<&str> = MODELS.iter().map(|(name, ..)| *name).collect();
            return Err(format!("there is no training of {}: {}", self.name, names.join(", ")));
        };
        println!("{}: {what}", self.name);
        let out = self.out.clone().unwrap_or_else(|| cargo::target().join("train").join(&self.name));
        std::fs::create_dir_all(&out).map_err(|e| format!("{}: {e}", out.display()))?;
        let mut command = cargo::cargo(&["run", "--quiet", "--package", "xtask", "--bin", "train"]);
        command.args(["--no-default-features", "--features", features, "--", &self.name]);
        command.arg("--out").arg(out).arg("--seed").arg(self.seed.to_string());
        if let Some(epochs) = self.epochs {
            command.arg("--epochs").arg(epochs.to_string());
        }
        for (flag, folder) in [("--data", &self.data), ("--held-out", &self.held_out), ("--network", &self.network)] {
            if let Some(folder) = folder {
                command.arg(flag).arg(folder);
            }
        }
        cargo::run(command)
    }
}
