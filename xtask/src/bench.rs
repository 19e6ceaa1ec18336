//! `cargo xtask bench`: speed, as ratios against the peers on the same input in the same run.

use crate::cargo::{self, Outcome};
use std::path::Path;
use std::process::Command;

/// Parts of a crate that are measured on their own: the crate, the benchmark, the features that it needs.
const PARTS: [(&str, &str, &str); 1] = [("core", "core-nn", "nn,flex,rayon")];

#[derive(clap::Args)]
pub(crate) struct Bench {
    /// Crates to measure (all by default)
    crates: Vec<String>,
    /// Measure the peers too; installs them with Python's pip into target/peers
    #[arg(long)]
    peers: bool,
    /// Only the rows whose name holds this
    #[arg(long)]
    only: Option<String>,
    /// Count processor time instead of the clock's
    #[arg(long)]
    cpu: bool,
}

impl Bench {
    pub(crate) fn run(&self) -> Outcome {
        let mut failures = Vec::new();
        for name in cargo::chosen(&self.crates)? {
            let folder = cargo::root().join(name);
            let benches = folder.join("benches");
            if ![format!("{name}.rs"), format!("{name}/main.rs")].iter().any(|f| benches.join(f).exists()) {
                println!("{name}: no benchmark yet");
                continue;
            }
            let package = format!("eir-{name}");
            let measure = |bench: &str, features: &str| {
                let mut command = cargo::cargo(&["bench", "--quiet", "--package", &package, "--bench", bench]);
                command.args(["--features", features, "--"]);
                if self.peers {
                    command.arg("--peers");
                }
                if self.cpu {
                    command.arg("--cpu");
                }
                if let Some(text) = &self.only {
                    command.args(["--only", text]);
                }
                cargo::run(command)
            };
            let parts = || PARTS.into_iter().filter(|(owner, ..)| *owner == name);
            let measured = if self.peers { install(name, &folder) } else { Ok(()) }
                .and_then(|()| measure(name, ""))
                .and_then(|()| parts().try_for_each(|(_, part, features)| measure(part, features)));
            if let Err(error) = measured {
                println!("{name}: {error}");
                failures.push(name);
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(format!("no measurement of {}", failures.join(", "))) }
    }
}

/// Makes the virtual environment of a crate's peers, unless it is there with the same requirements.
fn install(name: &str, folder: &Path) -> Outcome {
    let requirements = folder.join("benches/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements).map_err(|e| format!("{}: {e}", requirements.display()))?;
    let home = cargo::target().join("peers").join(name);
    let installed = home.join("installed.txt");
    if std::fs::read_to_string(&installed).is_ok_and(|i| i == wanted) {
        return Ok(());
    }
    println!("{name}: installing {} ...", wanted.split_whitespace().collect::<Vec<_>>().join(", "));
    let mut command = Command::new("python3");
    command.args(["-m", "venv"]).arg(&home);
    cargo::run(command)?;
    let mut command = Command::new(home.join("bin/python"));
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&requirements);
    cargo::run(command)?;
    // what asks for older versions of the others than it needs is marked so and comes without what it asks for
    for package in wanted.lines().filter_map(|line| line.strip_prefix("# alone: ")) {
        let mut command = Command::new(home.join("bin/python"));
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", package]);
        cargo::run(command)?;
    }
    std::fs::write(&installed, wanted).map_err(|e| format!("{}: {e}", installed.display()))
}
