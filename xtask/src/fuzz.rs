//! `cargo xtask fuzz`: one fuzz target for a while, with what it has found before as its start.

use crate::cargo::{self, CRATES, Outcome};
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(clap::Args)]
pub(crate) struct Fuzz {
    /// `crate/target`, or the target alone where its name is the only one; without it the targets are listed
    target: Option<String>,
    /// How long
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Folder of files to start from, beside those of earlier runs; it is read only
    #[arg(long)]
    seeds: Option<PathBuf>,
}

impl Fuzz {
    pub(crate) fn run(&self) -> Outcome {
        let targets = targets()?;
        let Some(wanted) = &self.target else {
            targets.iter().for_each(|(name, target)| println!("{name}/{target}"));
            return Ok(());
        };
        let fits = |(name, target): &&(&str, String)| target == wanted || *wanted == format!("{name}/{target}");
        let (name, target) = match targets.iter().filter(fits).collect::<Vec<_>>()[..] {
            [one] => one,
            [] => return Err(format!("no fuzz target is named {wanted}: `cargo xtask fuzz` lists them")),
            [(first, target), ..] => return Err(format!("several crates have {target}: say {first}/{target}")),
        };
        if !cargo::has("fuzz") {
            return Err("cargo-fuzz is not installed (cargo install cargo-fuzz; it needs a nightly toolchain)".into());
        }
        let home = cargo::target().join("fuzz");
        let (corpus, artifacts) =
            (home.join("corpus").join(name).join(target), home.join("artifacts").join(name).join(target));
        for folder in [&corpus, &artifacts] {
            std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        }
        let mut command = Command::new("cargo");
        command.args(["+nightly", "fuzz", "run", "--fuzz-dir"]).arg(cargo::root().join(name).join("fuzz"));
        command.arg("--target-dir").arg(&home).arg(target).arg(corpus).args(&self.seeds).arg("--");
        command
            .arg(format!("-max_total_time={}", self.seconds))
            .arg(format!("-artifact_prefix={}/", artifacts.display()));
        command.args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]);
        cargo::run(command)
    }
}

/// Every crate's fuzz targets, as their files name them.
fn targets() -> Result<Vec<(&'static str, String)>, String> {
    let mut targets = Vec::new();
    for name in CRATES {
        let folder = cargo::root().join(name).join("fuzz/fuzz_targets");
        let files = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let mut stems: Vec<_> =
            files.flatten().filter_map(|f| Some(Path::new(&f.file_name()).file_stem()?.to_str()?.to_owned())).collect();
        stems.sort();
        targets.extend(stems.into_iter().map(|target| (name, target)));
    }
    Ok(targets)
}
