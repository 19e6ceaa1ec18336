//! `cargo xtask models`: which published weights there are, and whether a folder holds them.

use crate::cargo::{self, Outcome};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Models {
    /// Folder whose files are checked
    #[arg(long)]
    weights: Option<PathBuf>,
    /// A file that is missing counts as a mismatch
    #[arg(long, requires = "weights")]
    all: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Models {
    /// Builds the list, which the networks hold, with the features of the demo, so that nothing is built twice.
    pub(crate) fn run(&self) -> Outcome {
        let mut command =
            cargo::cargo(&["run", "--quiet", "--package", "xtask", "--bin", "models", "--features", "family", "--"]);
        if let Some(folder) = &self.weights {
            command.arg("--weights").arg(folder);
        }
        for (flag, given) in [("--all", self.all), ("--json", self.json)] {
            if given {
                command.arg(flag);
            }
        }
        cargo::run(command)
    }
}
