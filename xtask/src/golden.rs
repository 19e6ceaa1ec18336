//! `cargo xtask golden`: the crates against reference values.

use crate::cargo::{self, Outcome};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

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
        let mut arguments = Vec::new();
        for (flag, folder) in [("--reference", &self.reference), ("--data", &self.data)] {
            if let Some(folder) = folder {
                let folder = folder.canonicalize().map_err(|e| format!("{}: {e}", folder.display()))?;
                arguments.extend([OsString::from(flag), folder.into_os_string()]);
            }
        }
        let programs = programs()?;
        let mut outcome = Ok(());
        for name in &crates {
            // the report of an earlier run must not count for a run that dies
            let _ = std::fs::remove_file(report(name));
            let program = programs.get(&format!("eir-{name}")).ok_or_else(|| format!("{name} has no golden test"))?;
            println!("\n{name}");
            let mut command = Command::new(program);
            command.args(&arguments);
            outcome = outcome.and(cargo::run(command));
        }
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

/// The golden tests, built with the features of all other tests so that nothing is built twice: by package.
fn programs() -> Result<BTreeMap<String, PathBuf>, String> {
    let mut command = cargo::cargo(&["test", "--no-run", "--message-format", "json", "--test", "golden"]);
    command.args(cargo::FAMILY).stderr(Stdio::inherit());
    let mut programs = BTreeMap::new();
    for line in cargo::output(command)?.lines() {
        let message: serde_json::Value = serde_json::from_str(line).unwrap_or_default(); // others' chatter
        if let (Some(program), Some(package)) = (message["executable"].as_str(), message["package_id"].as_str()) {
            // "path+file:///folder/core#eir-core@0.1.0"
            let name = package.rsplit(['#', '/']).next().unwrap_or_default().split('@').next().unwrap_or_default();
            programs.insert(name.to_owned(), PathBuf::from(program));
        }
    }
    Ok(programs)
}

fn report(name: &str) -> PathBuf {
    cargo::target().join("golden").join(format!("{name}.json"))
}
