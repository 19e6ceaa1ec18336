//! `cargo xtask golden`: the crates against reference values.

use crate::cargo::{self, Outcome};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Golden {
    /// Crates to compare (all by default)
    crates: Vec<String>,
    /// Folder of the reference values: of all crates, or of the one crate that is named
    #[arg(long)]
    reference: Option<PathBuf>,
    /// Folder of the records: of all crates, or of the one crate that is named
    #[arg(long)]
    data: Option<PathBuf>,
}

impl Golden {
    pub(crate) fn run(&self) -> Outcome {
        let crates = cargo::chosen(&self.crates)?;
        let mut command = cargo::cargo(&["test", "--quiet", "--no-fail-fast", "--test", "golden"]);
        for name in &crates {
            command.args(["--package", &format!("eir-{name}")]);
            // the report of an earlier run must not count for a run that dies
            let _ = std::fs::remove_file(report(name));
        }
        command.arg("--");
        for (flag, folder) in [("--reference", &self.reference), ("--data", &self.data)] {
            if let Some(folder) = folder {
                let folder = folder.canonicalize().map_err(|e| format!("{}: {e}", folder.display()))?;
                command.arg(flag).arg(folder);
            }
        }
        let outcome = cargo::run(command);
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        println!("\ncrate        passed  failed  skipped (not built yet)");
        for name in &crates {
            let Ok(text) = std::fs::read(report(name)) else {
                println!("{name:<12} no reference folder or no report");
                continue;
            };
            let json: serde_json::Value = serde_json::from_slice(&text).map_err(|e| format!("{name}: {e}"))?;
            let [p, f, s] = ["passed", "failed", "skipped"].map(|key| json[key].as_u64().unwrap_or(0));
            println!("{name:<12} {p:>6}  {f:>6}  {s:>7}");
            (passed, failed, skipped) = (passed + p, failed + f, skipped + s);
        }
        println!("\n{passed} passed, {failed} failed, {skipped} skipped");
        if failed > 0 { Err(format!("{failed} reference value(s) were missed")) } else { outcome }
    }
}

fn report(name: &str) -> PathBuf {
    cargo::target().join("golden").join(format!("{name}.json"))
}
