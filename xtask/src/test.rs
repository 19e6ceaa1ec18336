//! `cargo xtask test`: everything that must hold before a change lands, cheapest first.

use crate::cargo::{self, CRATES, FAMILY, Outcome};
use std::process::Command;
use std::time::Instant;

/// A step's name and what it does.
type Step = (&'static str, fn() -> Outcome);

const STEPS: [Step; 10] = [
    ("format", || cargo::run(cargo::cargo(&["fmt", "--all", "--check"]))),
    ("who may depend on whom", dependencies),
    ("licences and duplicates", deny),
    ("lints", || family("clippy", &["--all-targets"], &["-D", "warnings"])),
    ("tests, doctests and golden values", || family("test", &[], &[])),
    ("demo on simulated patients", demo),
    ("each crate alone, without models", alone),
    ("documentation", documentation),
    ("one model on flex and on wgpu", backends),
    ("cuda compiles", cuda),
];

pub(crate) fn run() -> Outcome {
    let start = Instant::now();
    let mut times = Vec::new();
    for (name, step) in STEPS {
        println!("\n=== {name}");
        let begun = Instant::now();
        step().map_err(|error| format!("{name}: {error}"))?;
        times.push((name, begun.elapsed().as_secs()));
    }
    println!("\nstep                                   seconds");
    times.iter().for_each(|(name, seconds)| println!("{name:<38} {seconds:>7}"));
    println!("all {} steps passed in {} s", STEPS.len(), start.elapsed().as_secs());
    Ok(())
}

fn family(command: &str, arguments: &[&str], behind: &[&str]) -> Outcome {
    let mut command = cargo::cargo(&[command, "--quiet"]);
    command.args(FAMILY).args(arguments).arg("--").args(behind);
    cargo::run(command)
}

/// No crate of the family depends on another but `core`; without `models` none brings burn.
fn dependencies() -> Outcome {
    for name in CRATES {
        let package = format!("eir-{name}");
        let tree = |extra: &[&str]| {
            let mut command =
                cargo::cargo(&["tree", "--package", &package, "--edges", "normal,build", "--prefix", "none"]);
            command.args(extra);
            cargo::output(command)
        };
        let full = tree(&[])?;
        let allowed = |line: &&str| {
            line.starts_with("eir-") && !line.starts_with("eir-core ") && !line.starts_with(&format!("{package} "))
        };
        if let Some(other) = full.lines().find(allowed) {
            return Err(format!("{package} depends on {other}, but may depend on eir-core only"));
        }
        let bare = tree(&["--no-default-features"])?;
        if let Some(burn) = bare.lines().find(|l| l.starts_with("burn")) {
            return Err(format!("{package} without features depends on {burn}"));
        }
        let count = |tree: &str| {
            tree.lines().map(|l| l.trim_end_matches(" (*)")).collect::<std::collections::HashSet<_>>().len()
        };
        println!("{package}: {} packages, {} without features", count(&full), count(&bare));
    }
    Ok(())
}

fn deny() -> Outcome {
    if cargo::has("deny") {
        return cargo::run(cargo::cargo(&["deny", "check", "bans", "licenses", "sources"]));
    }
    println!("skipped: cargo-deny is not installed (cargo install cargo-deny)");
    Ok(())
}

/// The report of simulated patients must come out whole.
fn demo() -> Outcome {
    let out = cargo::target().join("demo-test");
    let _ = std::fs::remove_dir_all(&out); // there is none the first time
    let mut command =
        cargo::cargo(&["run", "--quiet", "--package", "xtask", "--bin", "demo", "--features", "family", "--"]);
    command.arg("--out").arg(&out);
    cargo::run(command)?;
    let json = std::fs::read(out.join("report.json")).map_err(|e| format!("report.json: {e}"))?;
    let json: serde_json::Value = serde_json::from_slice(&json).map_err(|e| format!("report.json: {e}"))?;
    let cases = json["cases"].as_array().map_or(0, Vec::len);
    let empty =
        json["cases"].as_array().into_iter().flatten().find(|c| c["numbers"].as_array().is_none_or(Vec::is_empty));
    match empty {
        _ if cases != 6 => Err(format!("{cases} case studies instead of 6")),
        Some(case) => Err(format!("the case study {} has no numbers", case["id"])),
        None => Ok(()),
    }
}

fn alone() -> Outcome {
    for name in CRATES {
        cargo::run(cargo::cargo(&["check", "--quiet", "--package", &format!("eir-{name}"), "--no-default-features"]))?;
    }
    Ok(())
}

fn documentation() -> Outcome {
    let mut command = cargo::cargo(&["doc", "--quiet", "--no-deps"]);
    command.args(FAMILY).env("RUSTDOCFLAGS", "-D warnings");
    cargo::run(command)
}

/// The tests say themselves what they skip where there is no adapter; `.ci/run` installs a software one.
fn backends() -> Outcome {
    let mut command: Command = cargo::cargo(&["test", "--quiet", "--package", "eir-backends"]);
    command.args(["--", "--nocapture"]);
    cargo::run(command)
}

/// A check needs no LLVM: with `DOCS_RS` the build script of burn's CUDA compiler does not fetch one from the network.
fn cuda() -> Outcome {
    let mut command = cargo::cargo(&["check", "--quiet", "--package", "eir-vision", "--features", "cuda"]);
    command.env("DOCS_RS", "1");
    cargo::run(command)
}
