//! Calling cargo and other programs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What a chore returns; the error is printed as it is.
pub(crate) type Outcome = Result<(), String>;

/// The crates of the family that hold code, in the order of their dependencies.
pub(crate) const CRATES: [&str; 7] = ["core", "signal", "audio", "vision", "synth", "anatomy3d", "annotate"];

/// What everything but the GPU stack is built with: one set of features, so that nothing is built twice.
pub(crate) const FAMILY: [&str; 5] = ["--workspace", "--exclude", "eir-backends", "--features", "xtask/family"];

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The folder that builds and reports go to.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that called us, with `arguments`, in the folder where we were called.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command) -> Outcome {
    let status = command.status().map_err(|e| format!("{command:?}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", spoken(&command))) }
}

/// What a command prints.
pub(crate) fn output(mut command: Command) -> Result<String, String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let error = String::from_utf8_lossy(&output.stderr);
        Err(format!("{} ended with {}: {}", spoken(&command), output.status, error.trim()))
    }
}

/// A command as one would type it.
pub(crate) fn spoken(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    command.get_args().fold(program, |text, argument| format!("{text} {}", argument.to_string_lossy()))
}

/// Whether cargo has the subcommand `name`.
pub(crate) fn has(name: &str) -> bool {
    Command::new("cargo").args([name, "--version"]).output().is_ok_and(|o| o.status.success())
}

/// Checks crate names from the command line; none means all.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<&'static str>, String> {
    if names.is_empty() {
        return Ok(CRATES.to_vec());
    }
    let known = |name: &String| {
        let short = name.trim_start_matches("eir-");
        CRATES.into_iter().find(|c| *c == short).ok_or_else(|| format!("{name} is no crate: {}", CRATES.join(", ")))
    };
    names.iter().map(known).collect()
}
